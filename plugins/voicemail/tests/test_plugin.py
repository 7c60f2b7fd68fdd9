"""The channel as a connector finds it: nothing opens, nothing is sent, and nothing comes by webhook."""

import subprocess
import sys
from pathlib import Path

import pytest
from office import ACME, ANA, ENDPOINT, Office
from wa_connector_voicemail import Asterisk, VoicemailPlugin
from wa_connector_voicemail.callers import sender_of

from wa_connector import Text, WebhookRequest
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.outbound import Envelope, Rejected
from wa_connector.policy.numbers import Numbering
from wa_connector.testing.media import MemoryMediaStore

BOX = "1000@default"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(Asterisk("pbx", tmp_path / "spool"), [BOX], tmp_path / "seen")


def test_a_request_to_the_endpoint_changes_nothing(office: Office) -> None:
    for method in ("GET", "POST"):
        result = office.connector.handle_webhook(WebhookRequest(ENDPOINT, method, "https://x/voicemail", {}, b"{}"))
        assert (result.reply.status, result.taken, result.kept) == (401, 0, 0)


def test_a_transport_that_is_asked_to_send_refuses(office: Office) -> None:
    envelope = Envelope(MessageId("m"), number("+447911123456"), Text("Hello"))
    outcome = office.plugin.transport.send(office.setup(BOX), envelope, MemoryMediaStore())
    assert isinstance(outcome, Rejected)
    assert office.plugin.transport.templates(office.setup(BOX).account) == ()


def test_a_line_of_a_system_that_is_not_registered_is_tried_again_later(office: Office) -> None:
    assert not VoicemailPlugin([]).transport.mark_read(office.setup(BOX), ProviderId("1-1"))


def test_importing_it_opens_nothing_and_loads_no_loop() -> None:
    code = (
        "import sys, wa_connector_voicemail as v; v.VoicemailPlugin([v.Asterisk('pbx', '/nowhere')]);"
        "print(sorted({'asyncio', 'phonenumbers', 'imap_tools', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_user_reads_what_is_left_and_writes_nothing(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "spool" / "default" / "1000" / "INBOX"
    folder.mkdir(parents=True)
    (folder / "msg0000.txt").write_text("callerid=<+447911123456>\norigtime=1\nmsg_id=1-1\nduration=1\n")
    office.look()
    (thread,) = office.connector.conversations(ACME, ANA)
    composer = office.connector.composer(ACME, ANA, thread.id)
    assert not composer.write.is_allowed
    assert not composer.ask.is_allowed


@pytest.mark.parametrize(
    ("caller", "name", "address", "shown"),
    [
        ("+447911123456", "Zoe", number("+447911123456"), "Zoe"),
        ("07911 123456", "", number("+447911123456"), ""),
        ("1234", "Desk", Address(AddressKind.EXTENSION, "1234", "pbx"), "Desk"),
        ("zoe.caller", "Zoe", Address(AddressKind.EXTENSION, "zoe.caller", "pbx"), "Zoe"),
        ("*97", "", Address(AddressKind.EXTENSION, "*97", "pbx"), ""),
        ("", "Anonymous", None, ""),
        ("anonymous", "Zoe", None, "Zoe"),
        ("+266696687", "", None, ""),
        ("\x00\x1b", "\n a \t b", None, "a b"),
    ],
)
def test_callers(caller: str, name: str, address: Address | None, shown: str) -> None:
    sender = sender_of(caller, name, Numbering("GB", frozenset({4})), "pbx")
    assert (sender.addresses, sender.name) == (() if address is None else (address,), shown)
