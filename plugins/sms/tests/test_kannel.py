"""Text messages through a real Kannel and a real service centre, with the whole SDK in front of them."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from wa_connector_sms.alphabet import Alphabet
from wa_connector_sms.segments import segments
from wa_connector_sms.testing import Smsc
from wa_connector_sms.testing.kannel import KannelGateway

from wa_connector.model.content import Text
from wa_connector.model.decision import Reason
from wa_connector.model.message import MessageStatus, NoticeKind
from wa_connector.model.secret import Secret

CUSTOMER = "+447911123456"


@pytest.fixture
def texting(texting: Callable[..., Any], site: Any, kannel: KannelGateway) -> Callable[..., Any]:
    def make(**settings: object) -> Any:
        callback = Secret(f"http://kannel:callback-secret@127.0.0.1:{site.port}/webhooks/kannel")
        kannel.online()
        return texting(
            "kannel",
            "kannel:callback-secret",
            settings,
            token=Secret("sesame"),
            base_url=kannel.base_url,
            options={"username": "acme", "callback_url": callback},
        )

    return make


def test_a_text_is_sent_and_delivered(texting: Callable[..., Any], kannels_smsc: Smsc) -> None:
    desk = texting()
    message = desk.write(CUSTOMER, "Your order is ready")
    assert message.status in (MessageStatus.ACCEPTED, MessageStatus.SENT, MessageStatus.DELIVERED)
    delivered = desk.becomes(message, MessageStatus.DELIVERED)
    assert delivered.provider_id == message.id
    assert delivered.failure is None


def test_a_text_that_cannot_be_delivered_fails_with_the_operators_code(texting: Callable[..., Any]) -> None:
    desk = texting()
    failed = desk.becomes(desk.write("+447911120000", "Hello"), MessageStatus.FAILED)
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.meaning) == ("005", "the operator did not deliver it (UNDELIV)")


def test_a_destination_that_the_operator_refuses_fails(texting: Callable[..., Any]) -> None:
    desk = texting()
    failed = desk.becomes(desk.write("+447911120996", "Hello"), MessageStatus.FAILED)
    assert failed.failure is not None
    assert failed.failure.code == "0x0000000B"


@pytest.mark.parametrize("digits", ["999", "998"], ids=["throttled", "queue full"])
def test_what_the_operator_puts_off_the_gateway_sends_again(texting: Callable[..., Any], digits: str) -> None:
    desk = texting()
    desk.becomes(desk.write(f"+447911120{digits}", "Hello"), MessageStatus.DELIVERED)


@pytest.mark.parametrize("digits", ["995", "997"], ids=["dropped after the answer", "no answer"])
def test_what_the_operator_swallows_is_not_sent_again_by_us(
    texting: Callable[..., Any], kannels_smsc: Smsc, digits: str
) -> None:
    """The gateway took it, and whatever becomes of it there, it is the gateway's: it stays accepted."""
    desk, to = texting(), f"447911121{digits}"
    message = desk.write(f"+{to}", "Hello")
    kannels_smsc.wait(lambda state: any(pdu.get("destination_addr", "").endswith(digits) for pdu in state["log"]))
    desk.dispatch()
    assert desk.stored(message.id).status in (MessageStatus.ACCEPTED, MessageStatus.SENT)
    kannels_smsc.reset()


# --- long ones --------------------------------------------------------------------------------------------------------


def octets_of(smsc: Smsc, to: str) -> bytes:
    """What came to a number, joined by the numbers of the parts."""
    parts: dict[int, bytes] = {}
    for pdu in smsc.submitted:
        if pdu["destination_addr"].endswith(to):
            octets = bytes.fromhex(pdu["short_message"])
            is_part = bool(pdu["esm_class"] & 0x40)
            parts[octets[5] if is_part else 1] = octets[6:] if is_part else octets
    return b"".join(octets for _, octets in sorted(parts.items()))


@pytest.mark.parametrize("before", [*range(63, 71)])
def test_an_emoji_at_any_cut_arrives_whole(texting: Callable[..., Any], kannels_smsc: Smsc, before: int) -> None:
    """Kannel cuts pairs of surrogates in two; joined again, they are what was written."""
    desk, to = texting(), f"44791113{before:04}"
    text = "ж" * before + "👋" + "ж" * 70
    desk.becomes(desk.write(f"+{to}", text), MessageStatus.DELIVERED)
    assert octets_of(kannels_smsc, to).decode("utf-16-be") == text


@pytest.mark.parametrize("before", [151, 152, 153, 160])
def test_an_escaped_character_at_any_cut_arrives_whole(
    texting: Callable[..., Any], kannels_smsc: Smsc, before: int
) -> None:
    desk, to = texting(), f"44791114{before:04}"
    text = "x" * before + "€{}" + "y" * 20
    desk.becomes(desk.write(f"+{to}", text), MessageStatus.DELIVERED)
    assert octets_of(kannels_smsc, to) == b"".join(part.octets for part in segments(text))
    assert segments(text)[0].alphabet is Alphabet.GSM


@pytest.mark.parametrize(
    "text",
    ["Hello", "é€[]{}~^ @£$ΔΩ  two spaces\nand a line", "Привет 👋", "Long and plain. " * 20, "Привет, мир! 👋 " * 20],
    ids=["plain", "extension", "cyrillic", "long", "long cyrillic"],
)
def test_what_a_customer_writes_comes_in_as_he_wrote_it(
    texting: Callable[..., Any], kannels_smsc: Smsc, text: str
) -> None:
    desk = texting()
    kannels_smsc.say(CUSTOMER, "+4930123456", text)
    desk.wait(lambda: desk.received)
    assert desk.received == [Text(text)]


# --- stop -------------------------------------------------------------------------------------------------------------


def test_stop_is_confirmed_once_and_nothing_more_is_sent(texting: Callable[..., Any], kannels_smsc: Smsc) -> None:
    """What was queued before it stays here, too; HELP is answered all the same, and START brings everything back."""
    desk, to = texting(), "+447911150001"
    desk.becomes(desk.write(to, "Hello"), MessageStatus.DELIVERED)
    queued = desk.placed(to, "One more thing").message
    kannels_smsc.say(to, "+4930123456", "Stop!")
    desk.wait(lambda: desk.notices)
    desk.dispatch()
    assert desk.notices == [NoticeKind.STOP]
    assert desk.stored(queued).status is MessageStatus.REFUSED
    assert desk.placed(to, "And another").decision.reason is Reason.CONSENT_REVOKED
    kannels_smsc.say(to, "+4930123456", "STOP ALL")
    kannels_smsc.say(to, "+4930123456", "help")
    desk.wait(lambda: len(desk.received) == 3 and len(desk.notices) == 2)
    desk.dispatch()
    assert desk.notices == [NoticeKind.STOP, NoticeKind.HELP]
    kannels_smsc.wait(lambda _: len(texts_to(kannels_smsc, to)) == 3)
    assert [text.split()[0] for text in texts_to(kannels_smsc, to)] == ["Hello", "You", "You"]
    time.sleep(1.1)  # the gateway tells whole seconds, and of one second the safer word counts
    kannels_smsc.say(to, "+4930123456", "UNSTOP")
    desk.wait(lambda: len(desk.received) == 4)
    desk.becomes(desk.write(to, "Welcome back"), MessageStatus.DELIVERED)


def texts_to(smsc: Smsc, to: str) -> list[str]:
    found = [pdu for pdu in smsc.submitted if pdu["destination_addr"].endswith(to.lstrip("+"))]
    return [bytes.fromhex(pdu["short_message"]).decode("ascii", "replace") for pdu in found]


# --- the gateway itself -----------------------------------------------------------------------------------------------


def test_the_configuration_is_the_pages(kannel: KannelGateway) -> None:
    assert re.search("operator.*online", kannel.status())
