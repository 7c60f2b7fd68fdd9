"""The centre that tests send to does as its script says: otherwise what they show would mean nothing."""

from typing import Any

import pytest
import smpplib.client
import smpplib.consts
import smpplib.exceptions
from wa_connector_sms.testing import Smsc


class Peer:
    """A client of another author's, bound to the centre."""

    def __init__(self, smsc: Smsc) -> None:
        self.client = smpplib.client.Client(smsc.host, smsc.port, timeout=5, allow_unknown_opt_params=True)
        self.client.connect()
        self.client.bind_transceiver(system_id="tester", password="secret")
        self.client.set_message_received_handler(lambda pdu: None)

    def submit(self, to: str) -> Any:
        self.client.send_message(
            source_addr="12345", destination_addr=to, dest_addr_ton=1, short_message=b"Hello", registered_delivery=1
        )
        return self.client.read_pdu()


@pytest.fixture
def peer(smsc: Smsc) -> Any:
    peer = Peer(smsc)
    yield peer
    peer.client.state = smpplib.consts.SMPP_CLIENT_STATE_OPEN
    peer.client.disconnect()


def test_a_message_is_accepted_and_its_receipt_comes(smsc: Smsc, peer: Peer) -> None:
    assert peer.submit("447911123456").status == 0
    receipt = peer.client.read_pdu()
    assert b"stat:DELIVRD" in receipt.short_message
    assert [each["short_message"] for each in smsc.submitted] == [b"Hello".hex()]


@pytest.mark.parametrize(("digits", "statuses"), [("999", [0x58, 0]), ("998", [0x14, 0]), ("996", [0x0B, 0x0B])])
def test_the_last_digits_are_the_fault(peer: Peer, digits: str, statuses: list[int]) -> None:
    """Being too fast, or a full queue, happens once."""
    answers: list[int] = []
    while len(answers) < 2:
        answer = peer.submit(f"447911123{digits}")
        if answer.command == "submit_sm_resp":
            answers.append(answer.status)
    assert statuses == answers


def test_a_telephone_writes_in_parts(smsc: Smsc, peer: Peer) -> None:
    assert smsc.say("+447911123456", "12345", "Hello " * 60, order=[3, 1]) == 2
    assert [peer.client.read_pdu().short_message[:6].hex() for _ in range(2)] == ["050003010303", "050003010301"]


def test_a_connection_is_dropped(peer: Peer) -> None:
    with pytest.raises(smpplib.exceptions.ConnectionError):
        peer.submit("447911123994")
