"""The outbox at work: in order, one at a time, nothing twice, and nobody waits for somebody else's trouble."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.direct.connector import Connector
from wa_connector.errors import Contended, StorageUnavailable
from wa_connector.model.content import Image, TemplateMessage, Text
from wa_connector.model.decision import Reason
from wa_connector.model.event import MediaFetched, MessageReleased
from wa_connector.model.ids import ConversationId, OrganizationId, ProviderId
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Deferred,
    Envelope,
    FetchFailed,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.model.queue import Work
from wa_connector.model.setting import DEFAULTS, UnknownOutcome
from wa_connector.shell.dispatcher import A_TURN, LEASE
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.host import ACME, ANA, CARL, LINE, PLAIN, SUE, MemoryHost

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled

MINUTE = timedelta(minutes=1)


def send(connector: Connector, thread: ConversationId, *texts: str) -> None:
    for text in texts:
        connector.send(ACME, ANA, thread, Text(text)).or_raise()


def sent(host: MemoryHost) -> list[str]:
    """The texts that were handed over, in their order."""
    return [envelope.content.body for envelope in host.transport.sent if isinstance(envelope.content, Text)]


def status_of(connector: Connector, thread: ConversationId, text: str) -> MessageStatus:
    return message_of(connector, thread, text).status


def message_of(connector: Connector, thread: ConversationId, text: str) -> Message:
    messages = connector.timeline(ACME, ANA, thread, limit=200).messages
    (found,) = [each for each in messages if each.content == Text(text)]
    return found


# --- order ------------------------------------------------------------------------------------------------------------


def test_messages_of_a_lane_leave_in_their_order(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    send(connector, granted, "One", "Two", "Three")
    assert connector.dispatcher.run_once() == 3
    assert sent(host) == ["One", "Two", "Three"]
    assert connector.dispatcher.run_once() == 0


def test_nothing_leaves_before_the_host_says_so(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    send(connector, granted, "One")
    assert sent(host) == []
    assert status_of(connector, granted, "One") is MessageStatus.QUEUED


def test_a_head_that_waits_makes_its_lane_wait(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """What the provider put off is what goes next, after the time that it asked for, and the others behind it."""
    host.transport.answers.append(Deferred("4", "too many", 5 * MINUTE))
    send(connector, granted, "One", "Two")
    assert connector.dispatcher.run_once() == 0
    host.clock.advance(4 * MINUTE)
    assert connector.dispatcher.run_once() == 0
    host.clock.advance(MINUTE)
    assert connector.dispatcher.run_once() == 2
    assert sent(host) == ["One", "One", "Two"]


def test_a_lane_that_waits_holds_up_no_other(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """Customers do not wait for each other."""
    host.transport.answers.append(Deferred("4", "too many", 5 * MINUTE))
    send(connector, granted, "One")
    connector.dispatcher.run_once()
    connector.handle_webhook(host.webhook(host.said("Hello", sender=("+16505550009",))))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    send(connector, thread.id, "Two")
    assert connector.dispatcher.run_once() == 1
    assert sent(host) == ["One", "Two"]


def test_a_turn_ends_so_that_others_get_theirs(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """A lane with very many messages gives way after some of them, and is due again at once."""
    send(connector, granted, *(f"{number}" for number in range(A_TURN + 1)))
    assert connector.dispatcher.run_once() == A_TURN
    assert connector.dispatcher.run_once() == 1
    assert [f"{number}" for number in range(A_TURN + 1)] == sent(host)


def test_a_refused_message_gives_way(
    connector: Connector, host: MemoryHost, granted: ConversationId, say: Callable[[str], None]
) -> None:
    """Judged again at sending: what was queued before the STOP does not leave after it; the refusal is measured."""
    send(connector, granted, "One", "Two")
    say("STOP")
    connector.dispatcher.run_once()
    assert [DEFAULTS.stop_text] == sent(host)
    for text in ("One", "Two"):
        assert status_of(connector, granted, text) is MessageStatus.REFUSED
    reason = {"reason": Reason.CONSENT_REVOKED.value}
    assert [reason, reason] == [labels for name, _, labels in host.measures if name == "refusals"]


def test_a_stop_that_lands_while_a_message_is_judged_refuses_it(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId, say: Callable[[str], None]
) -> None:
    """Between the load and the commit of handing over, the consent changes: it is judged again."""
    send(connector, granted, "One")
    storage.before_commit.append(lambda: say("STOP"))
    connector.dispatcher.run_once()
    assert "One" not in sent(host)
    assert status_of(connector, granted, "One") is MessageStatus.REFUSED


def test_a_setting_that_changes_while_a_message_is_judged_counts(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId
) -> None:
    """It is judged again, by what is in force now."""
    send(connector, granted, "One")
    other = host.connector()

    def change() -> None:
        assert other.set_setting(ACME, SUE, OrganizationId(ACME), "window_margin", 2 * MINUTE).is_allowed

    storage.before_commit.append(change)
    assert connector.dispatcher.run_once() == 1
    assert sent(host) == ["One"]


def test_what_comes_in_between_two_messages_counts_for_the_second(
    connector: Connector, host: MemoryHost, granted: ConversationId, say: Callable[[str], None]
) -> None:
    """Though it was read already when the first one's answer was noted, or is the very next thing."""

    def stopped(_: Envelope) -> SendOutcome:
        say("STOP")
        return Accepted(ProviderId("out-8"))

    send(connector, granted, "One", "Two")
    host.transport.answers.append(stopped)
    connector.dispatcher.run_once()
    assert [text for text in sent(host) if text in ("One", "Two")] == ["One"]
    assert status_of(connector, granted, "Two") is MessageStatus.REFUSED


def test_a_stop_between_noting_an_answer_and_the_next_message(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId, say: Callable[[str], None]
) -> None:
    """What the next one is judged by was read before; versions tell that it is too old."""
    send(connector, granted, "One", "Two")
    noted = [lambda: None, lambda: None, lambda: say("STOP")]
    storage.before_commit.extend(noted)
    connector.dispatcher.run_once()
    assert [text for text in sent(host) if text in ("One", "Two")] == ["One"]
    assert status_of(connector, granted, "Two") is MessageStatus.REFUSED


def test_a_message_takes_three_round_trips(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId
) -> None:
    """To mark it, to look what the answer and the next message need, and to note the answer."""
    counts = []
    for many in (3, 9):
        send(connector, granted, *map(str, range(many)))
        before = storage.visits
        assert connector.dispatcher.run_once() == many
        counts.append(storage.visits - before)
    assert (counts[1] - counts[0]) / 6 == 3
    assert len(sent(host)) == 12


# --- outcomes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "went_through"),
    [
        (Accepted(ProviderId("out-9")), MessageStatus.ACCEPTED, 1),
        (Rejected("131", "no"), MessageStatus.FAILED, 1),
        (Deferred("4", "later"), MessageStatus.QUEUED, 0),
        (OutcomeUnknown("cut off"), MessageStatus.UNKNOWN, 0),
        (ValueError("a transport that raises"), MessageStatus.UNKNOWN, 0),
    ],
)
def test_every_outcome_is_recorded(
    connector: Connector,
    host: MemoryHost,
    granted: ConversationId,
    answer: SendOutcome | Exception,
    status: MessageStatus,
    went_through: int,
) -> None:
    """A transport that raises, which it promises not to do, may have sent: its message is in doubt."""
    host.transport.answers.append(answer)
    send(connector, granted, "One")
    assert went_through == connector.dispatcher.run_once()
    assert status_of(connector, granted, "One") is status


def test_a_stopped_account_keeps_its_messages(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """They wait for somebody to mend it, and go out then."""
    host.transport.answers.append(AccountStopped("190", "token"))
    send(connector, granted, "One", "Two")
    connector.dispatcher.run_once()
    assert sent(host) == ["One"]
    host.clock.advance(5 * MINUTE)
    connector.dispatcher.run_once()
    assert sent(host) == ["One", "One", "Two"]


def test_a_report_that_overtakes_the_answer_counts(
    connector: Connector, beside: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """The provider's webhook comes in while its answer is still on the way; nothing is lost or sent again."""

    def answer(envelope: Envelope) -> SendOutcome:
        report = host.reported("delivered", id="out-7", message=envelope.message)
        assert beside.handle_webhook(host.webhook(report)).taken == 1
        return OutcomeUnknown("cut off")

    host.transport.answers.append(answer)
    send(connector, granted, "One", "Two")
    connector.dispatcher.run_once()
    assert status_of(connector, granted, "One") is MessageStatus.DELIVERED
    assert sent(host) == ["One", "Two"]


@pytest.mark.parametrize(
    ("configured", "status", "attempts"),
    [
        (UnknownOutcome.PARK, MessageStatus.PARKED, ["One", "Two"]),
        (UnknownOutcome.RESEND, MessageStatus.ACCEPTED, ["One", "One", "Two"]),
    ],
)
def test_a_doubt_blocks_its_lane_for_the_grace_period(
    connect: Callable[..., Connector], configured: UnknownOutcome, status: MessageStatus, attempts: list[str]
) -> None:
    """Then the message is parked for a person, or sent again, as the organization set it; and the lane goes on."""
    host = MemoryHost(settings={"unknown_outcome": configured})
    connector = connect(host)
    thread = answered(connector, host)
    host.transport.answers.append(OutcomeUnknown("cut off"))
    send(connector, thread, "One", "Two")
    for _ in range(3):
        connector.dispatcher.run_once()
        host.clock.advance(5 * MINUTE)
    assert attempts[:1] == sent(host)
    connector.dispatcher.run_once()
    assert attempts == sent(host)
    assert status_of(connector, thread, "One") is status


def answered(connector: Connector, host: MemoryHost) -> ConversationId:
    """A thread with a customer who wrote first."""
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    return thread.id


def test_a_dispatcher_that_dies_while_sending_leaves_a_doubt(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId
) -> None:
    """The next one finds the message in ``sending``, and sends nothing twice; a report settles it."""

    def dies(_: Envelope) -> SendOutcome:
        storage.is_away = True
        return Accepted(ProviderId("out-7"))

    host.transport.answers.append(dies)
    send(connector, granted, "One", "Two")
    with pytest.raises(StorageUnavailable):
        connector.dispatcher.run_once()
    storage.is_away = False
    host.clock.advance(LEASE)
    connector.dispatcher.run_once()
    assert status_of(connector, granted, "One") is MessageStatus.UNKNOWN
    report = host.reported("sent", id="out-7", message=message_of(connector, granted, "One").id)
    connector.handle_webhook(host.webhook(report))
    connector.dispatcher.run_once()
    assert sent(host) == ["One", "Two"]
    assert status_of(connector, granted, "One") is MessageStatus.SENT


def test_a_lost_lease_commits_nothing(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId
) -> None:
    """Another process has leased the lane meanwhile: what was decided under the old lease is dropped, and the message
    is sent by the other alone."""

    def lose() -> None:
        host.clock.advance(LEASE)
        assert len(storage.plain.claim((Work.SEND,), 9, host.clock.now, LEASE)) == 1

    send(connector, granted, "One")
    storage.before_commit.append(lose)
    assert connector.dispatcher.run_once() == 0
    assert sent(host) == []
    assert status_of(connector, granted, "One") is MessageStatus.QUEUED


def test_a_lane_that_was_woken_meanwhile_is_looked_at_again(
    connector: Connector, beside: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """A message that is queued while its lane is being worked on does not wait for the next one to wake it."""

    def answer(_: Envelope) -> SendOutcome:
        beside.send(ACME, ANA, granted, Text("Two")).or_raise()
        return Deferred("4", "later", timedelta(hours=9))

    host.transport.answers.append(answer)
    send(connector, granted, "One")
    connector.dispatcher.run_once()
    host.transport.sent.clear()
    host.clock.advance(timedelta(hours=9))
    connector.dispatcher.run_once()
    assert sent(host) == ["One", "Two"]


# --- budgets ----------------------------------------------------------------------------------------------------------


def test_a_pairs_budget_is_a_wait(connect: Callable[..., Connector]) -> None:
    """After the burst one message an interval, across turns and processes; a limit never fails a message."""
    host = MemoryHost(capabilities=evolve(PLAIN, pair_burst=2, pair_interval=timedelta(seconds=6)))
    connector = connect(host)
    thread = answered(connector, host)
    send(connector, thread, *"abcd")
    assert connector.dispatcher.run_once() == 2
    host.clock.advance(timedelta(seconds=5))
    assert connector.dispatcher.run_once() == 0
    host.clock.advance(timedelta(seconds=1))
    assert connector.dispatcher.run_once() == 1
    host.clock.advance(timedelta(seconds=6))
    assert connector.dispatcher.run_once() == 1
    assert sent(host) == ["a", "b", "c", "d"]


def test_how_long_a_message_waited_is_measured(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    send(connector, granted, "One")
    host.clock.advance(timedelta(seconds=9))
    connector.dispatcher.run_once()
    assert ("queue_age_seconds", 9.0, {"channel": "plain"}) in host.measures


# --- held messages ----------------------------------------------------------------------------------------------------


def hold(connector: Connector, thread: ConversationId, *texts: str) -> None:
    for text in texts:
        placed = connector.send(ACME, ANA, thread, Text(text), hold=True)
        assert placed.status is MessageStatus.HELD


def test_held_messages_leave_in_their_order_when_the_window_opens(
    connector: Connector, host: MemoryHost, granted: ConversationId, say: Callable[[str], None]
) -> None:
    """Before what was written after them; a template, which needs no window, goes out meanwhile."""
    host.clock.advance(timedelta(hours=25))
    hold(connector, granted, "One", "Two")
    connector.send(ACME, ANA, granted, TemplateMessage("hello", "en", {"body.1": "Carl"})).or_raise()
    assert connector.dispatcher.run_once() == 1
    assert sent(host) == []
    say("I am back")
    send(connector, granted, "Three")
    assert connector.dispatcher.run_once() == 3
    assert sent(host) == ["One", "Two", "Three"]
    assert sum(isinstance(each, MessageReleased) for each in host.happenings) == 2


def test_held_messages_expire_without_anybody_asking(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """The lane is looked at by itself when the first of them does."""
    host.clock.advance(timedelta(hours=25))
    hold(connector, granted, "One")
    host.clock.advance(timedelta(days=3))
    hold(connector, granted, "Two")
    connector.dispatcher.run_once()
    host.clock.advance(timedelta(days=4))
    connector.dispatcher.run_once()
    assert status_of(connector, granted, "One") is MessageStatus.EXPIRED
    assert status_of(connector, granted, "Two") is MessageStatus.HELD
    host.clock.advance(timedelta(days=3))
    connector.dispatcher.run_once()
    assert status_of(connector, granted, "Two") is MessageStatus.EXPIRED
    assert sent(host) == []


def test_what_is_parked_is_passed_over(
    connector: Connector, host: MemoryHost, granted: ConversationId, say: Callable[[str], None]
) -> None:
    """A message that waits for a person keeps no held one back."""
    host.transport.answers.append(OutcomeUnknown("cut off"))
    send(connector, granted, "Parked")
    connector.dispatcher.run_once()
    host.clock.advance(timedelta(hours=25))
    connector.dispatcher.run_once()
    hold(connector, granted, "Held")
    say("I am back")
    connector.dispatcher.run_once()
    assert sent(host) == ["Parked", "Held"]
    assert status_of(connector, granted, "Parked") is MessageStatus.PARKED


# --- files ------------------------------------------------------------------------------------------------------------


def picture_in(connector: Connector, host: MemoryHost) -> Callable[[], Image]:
    """A customer's picture, and how it stands in the thread."""
    connector.handle_webhook(host.webhook(host.said(image="media-1")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)

    def look() -> Image:
        contents = (each.content for each in connector.timeline(ACME, ANA, thread.id).messages)
        return next(content for content in contents if isinstance(content, Image))

    return look


def test_a_picture_is_fetched_into_the_media_store(connector: Connector, host: MemoryHost) -> None:
    look = picture_in(connector, host)
    assert not look().media.is_stored
    assert connector.dispatcher.run_once() == 1
    assert look().media.is_stored
    assert list(host.media.files.values()) == [b"media-1"]
    assert sum(isinstance(each, MediaFetched) for each in host.happenings) == 1


@pytest.mark.parametrize("failure", [FetchFailed("404", is_final=False), ValueError("a transport that raises")])
def test_a_picture_that_is_not_there_yet_is_fetched_later(
    connector: Connector, host: MemoryHost, failure: FetchFailed | Exception
) -> None:
    """And holds up no message meanwhile."""
    host.transport.fetches.append(failure)
    look = picture_in(connector, host)
    connector.dispatcher.run_once()
    assert not look().media.is_stored
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    send(connector, thread.id, "Nice picture?")
    assert connector.dispatcher.run_once() == 1
    host.clock.advance(MINUTE)
    assert connector.dispatcher.run_once() == 1
    assert look().media.is_stored


def test_a_picture_that_waits_makes_the_next_one_wait(connector: Connector, host: MemoryHost) -> None:
    """Files of one customer are fetched in their order as well; the lane is due when the first of them is."""
    host.transport.fetches.append(FetchFailed("404", is_final=False))
    picture_in(connector, host)
    connector.dispatcher.run_once()
    connector.handle_webhook(host.webhook(host.said(image="media-2")))
    assert connector.dispatcher.run_once() == 0
    host.clock.advance(MINUTE)
    assert connector.dispatcher.run_once() == 2


# --- what is not there ------------------------------------------------------------------------------------------------


def test_a_line_that_was_taken_out_keeps_its_messages(
    connector: Connector, host: MemoryHost, granted: ConversationId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is back in the directory; then they leave."""
    send(connector, granted, "One")
    with monkeypatch.context() as patch:
        patch.setattr(host.directory, "line", MemoryDirectory().line)
        assert connector.dispatcher.run_once() == 0
    assert sent(host) == []
    host.clock.advance(LEASE)
    assert connector.dispatcher.run_once() == 1


def test_a_storage_that_is_away_is_said_so(connector: Connector, storage: "Meddled") -> None:
    storage.is_away = True
    with pytest.raises(StorageUnavailable):
        connector.dispatcher.run_once()


def test_many_lanes_are_worked_on_in_one_call(connector: Connector, host: MemoryHost) -> None:
    """Up to as many as the caller says; the others are due the next time."""
    for number in range(5):
        connector.handle_webhook(host.webhook(host.said("HELP", sender=(f"+1650555000{number}",))))
    assert connector.dispatcher.run_once(lanes=3) == 3
    assert connector.dispatcher.run_once(lanes=3) == 2


def test_a_request_leaves_as_what_it_is(connector: Connector, host: MemoryHost) -> None:
    """A request that nobody has answered yet is delivered, though nothing else may be written."""
    placed = connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
    assert connector.dispatcher.run_once() == 1
    assert [placed.message] == [envelope.message for envelope in host.transport.sent]


def test_a_defect_in_one_lane_stops_no_other(
    connector: Connector, host: MemoryHost, granted: ConversationId, caplog: pytest.LogCaptureFixture
) -> None:
    """It is noted without anybody's words, and the lane is looked at again."""
    send(connector, granted, "held up")
    asked, host.directory.user = host.directory.user, broken  # type: ignore[method-assign, assignment]  # the defect
    assert connector.dispatcher.run_once() == 0
    assert "RuntimeError" in caplog.text
    assert "+16505551234" not in caplog.text
    host.directory.user = asked  # type: ignore[method-assign]  # mended
    host.clock.advance(LEASE)
    connector.dispatcher.run_once()
    assert sent(host) == ["held up"]


def broken(*_: object) -> None:
    raise RuntimeError("+16505551234 is where it broke")


def test_an_outcome_that_cannot_be_noted_leaves_a_doubt(
    connector: Connector, host: MemoryHost, granted: ConversationId, storage: "Meddled"
) -> None:
    """Others were faster each time; the message was handed over, so it is not handed over again."""

    def accept_and_contend(_: Envelope) -> SendOutcome:
        storage.is_contended = True
        return Accepted(ProviderId("out-1"))

    host.transport.answers.append(accept_and_contend)
    send(connector, granted, "Hi")
    with pytest.raises(Contended):
        connector.dispatcher.run_once()
    storage.is_contended = False
    host.clock.advance(LEASE)
    connector.dispatcher.run_once()
    assert (sent(host), status_of(connector, granted, "Hi")) == (["Hi"], MessageStatus.UNKNOWN)
