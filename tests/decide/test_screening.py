"""What screeners and signatures do to what is stored and what leaves."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide.delivering import Handed, RecordFetch, Withdrawn, hand_over, record_fetch, release
from wa_connector.decide.membership import Asked, OfHeld, edit_held
from wa_connector.decide.receiving import receive_message
from wa_connector.decide.sending import send
from wa_connector.model.consent import Stage
from wa_connector.model.content import Content, Image, MediaRef, Text, Withheld
from wa_connector.model.decision import Reason
from wa_connector.model.event import Quarantined
from wa_connector.model.ids import MessageId
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.opinion import Veto
from wa_connector.model.outbound import Fetched
from wa_connector.model.queue import EntryState, Work
from wa_connector.model.screening import Screened
from wa_connector.testing.host import ANA

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

NO = Veto("dlp", "Card numbers stay here.")
PICTURE = Image(MediaRef("image/png", provider_ref="media-1"))
STORED = MediaRef("image/png", sha256="ab" * 32, size=7)


def test_what_is_blocked_is_refused_when_it_is_sent_even_where_it_would_only_be_held(desk: "Desk") -> None:
    thread = desk.granted()
    command = desk.sending(thread, "4111 1111 1111 1111", hold=True)
    blocked = evolve(command, ground=evolve(command.ground, screening=(NO,)))
    assert desk.refusal(send, blocked) is Reason.CONTENT_BLOCKED
    desk.later(hours=25)
    assert desk.refusal(send, blocked) is Reason.CONTENT_BLOCKED


def test_a_redaction_names_its_rules(desk: "Desk") -> None:
    command = desk.sending(desk.granted(), "My card is ****", redacted_by=("cards",))
    placed = desk.do(send, command)
    assert placed.message is not None
    assert desk.stored(placed.message).redacted_by == ("cards",)


def test_what_leaves_is_screened_once_more(desk: "Desk") -> None:
    """Redacted then, it says so; blocked then, it is refused; not screened then, it waits."""
    thread = desk.granted()
    first, second, third = (desk.send(thread, text) for text in ("one", "two", "three"))
    take = desk.taking(first, ANA)
    taken = desk.do(hand_over, evolve(take, screened=Screened(Text("***"), ("words",))))
    assert isinstance(taken, Handed)
    assert Text("***") == taken.envelope.content == desk.stored(first.id).content
    assert desk.stored(first.id).redacted_by == ("words",)
    for message, veto, status in (
        (second, NO, MessageStatus.REFUSED),
        (third, evolve(NO, until_at=desk.now + timedelta(minutes=1)), MessageStatus.QUEUED),
    ):
        take = desk.taking(message, ANA)
        ground = evolve(take.ground, screening=(veto,))
        taken = desk.do(hand_over, evolve(take, ground=ground, screened=Screened(message.content)))
        assert isinstance(taken, Withdrawn)
        assert taken.decision.reason is Reason.CONTENT_BLOCKED
        assert desk.stored(message.id).status is status
    failure = desk.stored(second.id).failure
    assert failure is not None
    assert failure.meaning == NO.sentence


def test_a_held_message_is_screened_when_it_is_released(desk: "Desk") -> None:
    thread = desk.granted()
    desk.later(hours=25)
    held = desk.send(thread, "4111", hold=True)
    desk.receive("Hello")
    take = desk.taking(held, ANA)
    wait = evolve(take, ground=evolve(take.ground, screening=(evolve(NO, until_at=desk.now + timedelta(minutes=1)),)))
    assert desk.do(release, wait).reason is Reason.CONTENT_BLOCKED
    entry = desk.entry(held)
    assert entry is not None
    assert entry.state is EntryState.HELD
    assert desk.do(release, evolve(take, ground=evolve(take.ground, screening=(NO,)))).reason is Reason.CONTENT_BLOCKED
    assert desk.stored(held.id).status is MessageStatus.REFUSED


def test_an_edit_is_screened_too(desk: "Desk") -> None:
    thread = desk.granted()
    desk.later(hours=25)
    held = desk.send(thread, "first", hold=True)
    asked = Asked(desk.ground(ANA), thread, MessageId("edit"))
    command = OfHeld(asked, held.id, Text("***"), ("cards",))
    blocked = evolve(command, asked=evolve(asked, ground=evolve(asked.ground, screening=(NO,))))
    assert desk.refusal(edit_held, blocked) is Reason.CONTENT_BLOCKED
    desk.do(edit_held, command)
    assert (Text("***"), ("cards",)) == (desk.stored(held.id).content, desk.stored(held.id).redacted_by)


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_a_customers_words_are_kept_as_the_screeners_left_them_and_read_as_he_wrote_them(desk: "Desk") -> None:
    """A STOP is a STOP whatever is shown of it; the evidence says no more than what is shown."""
    command = desk.message("STOP")
    message = desk.stored(desk.do(receive_message, evolve(command, screened=Screened(Text("[gone]"), ("words",)))))
    assert (Text("[gone]"), ("words",)) == (message.content, message.redacted_by)
    assert desk.consent(message.customer).conversation is Stage.REVOKED
    (entry,) = [each for each in desk.evidence(message.customer) if each.personal and each.personal.text]
    assert entry.personal is not None
    assert entry.personal.text == "[gone]"


@pytest.mark.parametrize("raw", ["", "{}"])
def test_what_is_withheld_says_why_and_is_lost_only_where_somebody_decided_so(desk: "Desk", raw: str) -> None:
    command = evolve(desk.message(PICTURE), screened=Screened(PICTURE, vetoes=(NO,)), raw=raw)
    message = desk.stored(desk.do(receive_message, command))
    assert Withheld("dlp", NO.sentence) == message.content
    assert desk.entry(message, Work.FETCH) is None, "its file is not even fetched"
    assert bool(raw) == any(isinstance(told, Quarantined) for told in desk.told)


@pytest.mark.parametrize(
    ("screened", "expected"),
    [
        (None, Image(STORED)),
        (Screened(Image(STORED, "blurred"), ("faces",)), Image(STORED, "blurred")),
        (Screened(Image(STORED), vetoes=(NO,)), Withheld("dlp", NO.sentence)),
    ],
)
def test_a_picture_is_screened_when_its_file_is_here(
    desk: "Desk", screened: Screened | None, expected: Content
) -> None:
    message = desk.receive(PICTURE)
    lane = desk.lane(message.customer, Work.FETCH)
    desk.do(record_fetch, RecordFetch(desk.ground(), lane, message.id, Fetched(STORED), screened))
    assert expected == desk.stored(message.id).content


# --- names ------------------------------------------------------------------------------------------------------------


def signed_taking(desk: "Desk", message: Message) -> Handed:
    take = desk.taking(message, ANA)
    taken = desk.do(hand_over, evolve(take, ground=evolve(take.ground, signature="Ana: ")))
    assert isinstance(taken, Handed)
    return taken


def test_a_signature_is_what_the_customer_reads_and_stands_beside_what_was_written(desk: "Desk") -> None:
    message = desk.send(desk.granted(), "Hello")
    assert signed_taking(desk, message).envelope.content == Text("Ana: Hello")
    assert (Text("Hello"), "Ana: ") == (desk.stored(message.id).content, desk.stored(message.id).signature)


def test_a_signature_counts_toward_what_fits(desk: "Desk") -> None:
    command = desk.sending(desk.granted(), "x" * 4096)
    signed = evolve(command, ground=evolve(command.ground, signature="Ana: "))
    assert desk.refusal(send, signed) is Reason.CONTENT_TOO_LONG


def test_what_the_system_sends_bears_nobodys_name(desk: "Desk") -> None:
    asked = desk.ask()
    assert asked.message is not None
    request = desk.stored(asked.message)
    assert signed_taking(desk, request).envelope.content == request.content
    assert desk.stored(request.id).signature == ""
