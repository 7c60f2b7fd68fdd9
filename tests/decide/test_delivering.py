"""The outbox, one entry at a time: judged again at sending, handed over once, and never guessed about."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from wa_connector.decide.acknowledging import take_receipt
from wa_connector.decide.delivering import (
    Handed,
    RecordFetch,
    Withdrawn,
    backoff,
    hand_over,
    record_fetch,
    release,
    settle_doubt,
)
from wa_connector.decide.draft import Draft, Ready
from wa_connector.decide.threads import held_in
from wa_connector.errors import InternalError
from wa_connector.model.content import Image, MediaRef, TemplateMessage, Text
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.event import LineStopped, MediaFetched, MessageReleased
from wa_connector.model.ids import CustomerId, LineId, MessageId, ProviderId
from wa_connector.model.inbound import Report
from wa_connector.model.message import BySystem, Message, MessageStatus, NoticeKind
from wa_connector.model.opinion import Veto
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Correction,
    Deferred,
    Envelope,
    Fetched,
    FetchFailed,
    FetchOutcome,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.model.queue import EntryState, OutboxEntry, Work
from wa_connector.model.setting import UnknownOutcome
from wa_connector.ports.rows import GATE, MESSAGE
from wa_connector.ports.storage import Conflict
from wa_connector.testing.host import ACME, CARLS_NUMBER, LINE, NOON, address_of

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

STORED = MediaRef("image/png", sha256="ab" * 32, size=7)


def queued(desk: "Desk") -> Message:
    """A user's message that may leave."""
    return desk.send(desk.granted())


def held(desk: "Desk") -> Message:
    """A user's message that waits for the window."""
    thread = desk.granted()
    desk.later(hours=25)
    return desk.send(thread, hold=True)


def settle(desk: "Desk", message: Message) -> object:
    return desk.do(settle_doubt, desk.taking(message))


def entry_of(desk: "Desk", message: Message, work: Work = Work.SEND) -> OutboxEntry:
    entry = desk.entry(message, work)
    assert entry is not None
    return entry


# --- handing over -----------------------------------------------------------------------------------------------------


def test_a_message_is_marked_before_it_is_sent(desk: "Desk") -> None:
    """The envelope has our id and where to; message and entry say ``sending``, with the instant and the attempt."""
    message = queued(desk)
    taken = desk.hand_over(message)
    assert Handed(Envelope(message.id, address_of(CARLS_NUMBER), Text("Hi"))) == taken
    stored, entry = desk.stored(message.id), entry_of(desk, message)
    assert (MessageStatus.SENDING, desk.now) == (stored.status, stored.handed_over_at)
    assert (entry.state, entry.attempts) == (EntryState.SENDING, 1)


def test_what_is_being_sent_is_not_handed_over_again(desk: "Desk") -> None:
    """Nor what a report has ended meanwhile: there is nothing to do, and nothing is written."""
    message = queued(desk)
    desk.hand_over(message)
    for _ in range(2):
        assert Withdrawn(Decision(Reason.NOTHING_TO_DO)) == desk.hand_over(message)
        desk.report(Report.SENT, message)


def test_without_the_lease_nothing_is_handed_over(desk: "Desk") -> None:
    """A process whose lane another one has leased since cannot commit what it decided."""
    message = queued(desk)
    command = desk.taking(message)
    desk.later(minutes=10)
    desk.storage.claim((Work.SEND,), 9, desk.now, timedelta(minutes=2))
    answer = desk.answer(hand_over, command)
    assert isinstance(answer, Ready)
    (outcome,) = desk.storage.commit([answer.change])
    assert isinstance(outcome, Conflict)
    assert desk.stored(message.id).status is MessageStatus.QUEUED


def test_the_surest_address_is_used(desk: "Desk") -> None:
    """What the provider itself calls the number, before the number as it was written; a BSUID where there is neither."""
    thread = desk.receive("Hello", sender=("bsuid:one",)).conversation
    envelopes = []
    for sender in (("bsuid:one",), ("bsuid:one", "+16505550001"), ("bsuid:one", "wa:5215550001")):
        desk.receive("Hello", sender=sender)
        message = desk.send(thread)
        taken = desk.hand_over(message)
        assert isinstance(taken, Handed)
        envelopes.append(taken.envelope.to)
        desk.outcome(message, Accepted(ProviderId(f"out-{message.id}")))
    assert [address_of(text) for text in ("bsuid:one", "+16505550001", "wa:5215550001")] == envelopes


# --- judged again -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (lambda desk: desk.receive("STOP"), Reason.CONSENT_REVOKED),
        (lambda desk: desk.later(hours=24), Reason.WINDOW_CLOSED),
    ],
    ids=["stop", "window"],
)
def test_what_changed_since_then_counts(desk: "Desk", meanwhile: Callable[["Desk"], object], reason: Reason) -> None:
    """A message that may no longer leave is refused with its reason, and out of the outbox."""
    message = queued(desk)
    meanwhile(desk)
    taken = desk.hand_over(message)
    assert isinstance(taken, Withdrawn)
    assert reason is taken.decision.reason
    stored = desk.stored(message.id)
    assert stored.failure is not None
    assert (MessageStatus.REFUSED, reason.value) == (stored.status, stored.failure.code)
    assert desk.entry(message) is None


def test_a_template_is_judged_as_the_template_is_now(desk: "Desk") -> None:
    """One that was deleted since does not leave."""
    message = desk.send(desk.granted(), TemplateMessage("hello", "en", {"body.1": "Carl"}))
    desk.templates("opt_in")
    taken = desk.hand_over(message)
    assert isinstance(taken, Withdrawn)
    assert taken.decision.reason is Reason.TEMPLATE_NOT_APPROVED


def test_a_request_leaves_only_while_it_is_open(desk: "Desk") -> None:
    """A customer who said STOP before the request went out is not asked any more."""
    placed = desk.ask()
    assert placed.message is not None
    desk.receive("STOP")
    taken = desk.hand_over(desk.stored(placed.message))
    assert isinstance(taken, Withdrawn)
    assert taken.decision.reason is Reason.NOTHING_TO_DO


def test_the_confirmation_of_a_stop_leaves_after_it(desk: "Desk") -> None:
    """It is the one message that a STOP does not keep back."""
    desk.receive("STOP")
    (notice,) = [m for m in desk.messages() if isinstance(m.author, BySystem)]
    assert isinstance(desk.hand_over(notice), Handed)
    assert isinstance(notice.author, BySystem)
    assert notice.author.notice is NoticeKind.STOP


def test_a_hosts_rule_with_an_end_makes_the_message_wait(desk: "Desk") -> None:
    """It stays in the queue until then; a rule without an end refuses it."""
    message = queued(desk)
    command = desk.taking(message)
    quiet_until_at = desk.now + timedelta(hours=8)
    for veto in (Veto("quiet hours", "Not now.", quiet_until_at), Veto("never", "Never.")):
        ground = evolve(command.ground, vetoes=(veto,))
        taken = desk.do(hand_over, evolve(command, ground=ground))
        assert isinstance(taken, Withdrawn)
        assert taken.decision.reason is Reason.HOST_RULE
        if veto.until_at is not None:
            entry = entry_of(desk, message)
            assert (EntryState.QUEUED, quiet_until_at) == (entry.state, entry.due_at)
            assert desk.stored(message.id).status is MessageStatus.QUEUED
    assert desk.stored(message.id).status is MessageStatus.REFUSED


# --- held messages ----------------------------------------------------------------------------------------------------


def test_a_held_message_stays_while_the_window_is_closed(desk: "Desk") -> None:
    message = held(desk)
    assert desk.do(release, desk.taking(message)).reason is Reason.WINDOW_CLOSED
    assert desk.change is not None
    assert desk.change.is_empty


def test_a_held_message_is_released_when_the_window_opens(desk: "Desk") -> None:
    """Into the queue, once; it is no longer counted among the held, and it is told."""
    message = held(desk)
    customer = desk.receive("Back").customer
    assert desk.do(release, desk.taking(message)).is_allowed
    assert MessageReleased(message.id, message.conversation) in desk.told
    assert (EntryState.QUEUED, desk.now) == (entry_of(desk, message).state, entry_of(desk, message).due_at)
    assert (desk.stored(message.id).status, desk.pair(customer).held) == (MessageStatus.QUEUED, 0)
    assert desk.do(release, desk.taking(message)).reason is Reason.NOTHING_TO_DO


def test_of_two_held_messages_one_is_left_when_the_other_is_released(desk: "Desk") -> None:
    first = held(desk)
    desk.send(first.conversation, hold=True)
    desk.receive("Back")
    desk.do(release, desk.taking(first))
    assert desk.pair(first.customer).held == 1


@pytest.mark.parametrize(
    ("meanwhile", "status", "code"),
    [
        (lambda desk: desk.later(days=7), MessageStatus.EXPIRED, "expired"),
        (lambda desk: desk.receive("STOP"), MessageStatus.REFUSED, "consent_revoked"),
    ],
    ids=["expired", "stop"],
)
def test_a_held_message_that_will_never_leave_is_taken_out(
    desk: "Desk", meanwhile: Callable[["Desk"], object], status: MessageStatus, code: str
) -> None:
    """It expires after the set time, and a STOP ends it; the author sees why."""
    message = held(desk)
    meanwhile(desk)
    desk.do(release, desk.taking(message))
    stored = desk.stored(message.id)
    assert stored.failure is not None
    assert (status, code) == (stored.status, stored.failure.code)
    assert desk.entry(message) is None
    assert desk.pair(message.customer).held == 0


def test_a_hosts_rule_with_an_end_keeps_a_message_held(desk: "Desk") -> None:
    message = held(desk)
    desk.receive("Back")
    command = desk.taking(message)
    veto = Veto("quiet hours", "Not now.", desk.now + timedelta(hours=8))
    answer = desk.do(release, evolve(command, ground=evolve(command.ground, vetoes=(veto,))))
    assert answer.reason is Reason.HOST_RULE
    assert desk.stored(message.id).status is MessageStatus.HELD


def test_a_released_message_is_held_again_when_the_window_closes_first(desk: "Desk") -> None:
    """The window closed while it waited its turn: it goes on waiting, until it expires as it would have."""
    message = held(desk)
    expires_at = message.expires_at
    desk.receive("Back")
    desk.do(release, desk.taking(message))
    desk.later(hours=24)
    taken = desk.hand_over(message)
    assert isinstance(taken, Withdrawn)
    assert (EntryState.HELD, expires_at) == (entry_of(desk, message).state, entry_of(desk, message).due_at)
    assert (desk.stored(message.id).status, desk.pair(message.customer).held) == (MessageStatus.HELD, 1)


# --- what came of it --------------------------------------------------------------------------------------------------


def test_an_accepted_message_has_left(desk: "Desk") -> None:
    """It has the provider's id and is out of the outbox; the window knows when we wrote, and not when we were told."""
    message = queued(desk)
    handed_over_at = desk.later(minutes=1)
    desk.hand_over(message)
    desk.later(seconds=20)
    stored = desk.outcome(message, Accepted(ProviderId("out-9")))
    assert (MessageStatus.ACCEPTED, ProviderId("out-9")) == (stored.status, stored.provider_id)
    assert desk.entry(message) is None
    assert handed_over_at == desk.window(message.customer).business_at


def test_a_rejected_message_has_failed(desk: "Desk") -> None:
    stored = desk.deliver(queued(desk), Rejected("131", "no", Correction.NONE))
    assert stored.failure is not None
    assert (stored.status, stored.failure.code, stored.failure.meaning) == (MessageStatus.FAILED, "131", "no")
    assert desk.entry(stored) is None


@pytest.mark.parametrize("retry_after", [None, timedelta(minutes=3)])
def test_a_deferred_message_is_put_back(desk: "Desk", retry_after: timedelta | None) -> None:
    """For as long as the provider says, or for longer each time."""
    message = queued(desk)
    stored = desk.deliver(message, Deferred("4", "too many", retry_after))
    entry = entry_of(desk, message)
    assert (stored.status, entry.state, entry.attempts) == (MessageStatus.QUEUED, EntryState.QUEUED, 1)
    assert desk.now + (retry_after or backoff(message.id, entry)) == entry.due_at


def test_an_account_that_was_stopped_keeps_its_messages(desk: "Desk") -> None:
    """They wait at the line's gate, and the host hears of it at once."""
    message = queued(desk)
    stored = desk.deliver(message, AccountStopped("190", "token"))
    assert LineStopped(LINE, "190") in desk.told
    assert (MessageStatus.QUEUED, desk.now) == (stored.status, entry_of(desk, message).due_at)
    assert desk.row(GATE.of(ACME, LINE)).stop.code == "190"


@pytest.mark.parametrize("outcome", [Deferred("4", "?"), AccountStopped("190", "?"), OutcomeUnknown("?")])
def test_an_answer_that_a_report_overtook_puts_nothing_back(desk: "Desk", outcome: SendOutcome) -> None:
    """The report proves that it left: whatever the answer said, it is not sent again."""
    message = queued(desk)
    desk.hand_over(message)
    desk.report(Report.SENT, message)
    assert desk.outcome(message, outcome).status is MessageStatus.SENT
    assert desk.entry(message) is None


def test_a_report_that_overtakes_the_answer_loses_nothing_of_it(desk: "Desk") -> None:
    """What is new in the answer is taken; the status stays where the report put it."""
    message = queued(desk)
    desk.hand_over(message)
    desk.report(Report.DELIVERED, message)
    stored = desk.outcome(message, Accepted(ProviderId("out-9"), (address_of("bsuid:one"),)))
    assert (MessageStatus.DELIVERED, ProviderId("out-9")) == (stored.status, stored.provider_id)
    assert message.customer == desk.holder("bsuid:one")


@given(st.text(st.sampled_from("0123456789abcdef"), min_size=1, max_size=32), st.integers(0, 40))
def test_backing_off_takes_longer_each_time(message: str, attempts: int) -> None:
    """4, 16, 64 … seconds up to a quarter of an hour, with up to a quarter more, and the same whenever it is asked."""
    lane = (LineId("line"), CustomerId("carl"), Work.SEND)
    entry = OutboxEntry(MessageId(message), *lane, EntryState.SENDING, due_at=NOON, since_at=NOON, attempts=attempts)
    wait = backoff(entry.message, entry)
    least = min(timedelta(seconds=4 ** min(attempts, 9)), timedelta(minutes=15))
    assert least <= wait < least * 1.25
    assert wait == backoff(entry.message, entry)
    assert wait <= backoff(entry.message, evolve(entry, attempts=attempts + 1))
    assert backoff(entry.message, None) == backoff(entry.message, evolve(entry, attempts=1))


# --- doubt ------------------------------------------------------------------------------------------------------------


def unknown(desk: "Desk") -> Message:
    return desk.deliver(queued(desk), OutcomeUnknown("cut off"))


def test_an_outcome_that_nobody_knows_is_waited_for(desk: "Desk") -> None:
    """Its lane is blocked until the end of the grace period, counted from when the message was handed over."""
    message = unknown(desk)
    until_at = desk.now + timedelta(minutes=15)
    assert (message.status, entry_of(desk, message).state) == (MessageStatus.UNKNOWN, EntryState.UNKNOWN)
    desk.later(minutes=5)
    assert until_at == settle(desk, message)
    assert desk.change is not None
    assert desk.change.is_empty


def test_a_crash_while_sending_is_a_doubt(desk: "Desk") -> None:
    """Whoever finds a message in ``sending`` under his own lease knows that its sender is gone."""
    message = queued(desk)
    desk.hand_over(message)
    handed_over_at = desk.now
    desk.later(minutes=3)
    assert handed_over_at + timedelta(minutes=15) == settle(desk, message)
    assert desk.stored(message.id).status is MessageStatus.UNKNOWN


@pytest.mark.parametrize(
    ("configured", "status", "state"),
    [
        (UnknownOutcome.PARK, MessageStatus.PARKED, EntryState.PARKED),
        (UnknownOutcome.RESEND, MessageStatus.QUEUED, EntryState.QUEUED),
    ],
)
def test_after_the_grace_period_the_setting_decides(
    make_desk: Callable[..., "Desk"], configured: UnknownOutcome, status: MessageStatus, state: EntryState
) -> None:
    """Parked for a person, or sent again; either way the lane goes on."""
    desk = make_desk({"unknown_outcome": configured})
    message = unknown(desk)
    desk.later(minutes=15)
    assert settle(desk, message) is None
    assert (status, state) == (desk.stored(message.id).status, entry_of(desk, message).state)


def test_only_a_doubt_is_settled(desk: "Desk") -> None:
    """A message that is queued, or parked, or gone, is nobody's doubt, and is left as it is."""
    message = queued(desk)
    assert settle(desk, message) is None
    assert desk.stored(message.id).status is MessageStatus.QUEUED
    desk.hand_over(message)
    desk.outcome(message, OutcomeUnknown("cut off"))
    desk.later(minutes=15)
    settle(desk, message)
    assert settle(desk, message) is None
    assert desk.stored(message.id).status is MessageStatus.PARKED
    desk.report(Report.SENT, message)
    assert settle(desk, message) is None


def test_an_answer_that_was_thought_lost_settles_the_doubt(desk: "Desk") -> None:
    """However late it comes: the message is accepted, and out of the outbox."""
    message = unknown(desk)
    assert desk.outcome(message, Accepted(ProviderId("out-9"))).status is MessageStatus.ACCEPTED
    assert desk.entry(message) is None


def test_a_resent_message_may_still_be_answered_for_its_first_copy(make_desk: Callable[..., "Desk"]) -> None:
    """Then it is not sent a second time."""
    desk = make_desk({"unknown_outcome": UnknownOutcome.RESEND})
    message = unknown(desk)
    desk.later(minutes=15)
    settle(desk, message)
    desk.report(Report.SENT, message)
    assert isinstance(desk.hand_over(message), Withdrawn)
    assert desk.stored(message.id).status is MessageStatus.SENT


# --- files ------------------------------------------------------------------------------------------------------------


def picture(desk: "Desk") -> Message:
    return desk.receive(Image(MediaRef("image/png", provider_ref="media-1"), "Look"))


def fetched(desk: "Desk", message: Message, outcome: FetchOutcome) -> Message:
    lane = desk.lane(message.customer, Work.FETCH)
    desk.do(record_fetch, RecordFetch(desk.ground(), lane, message.id, outcome))
    return desk.stored(message.id)


def test_a_fetched_file_is_put_into_its_message(desk: "Desk") -> None:
    """With its caption as it was; the entry is done, it is told, and a second answer changes nothing."""
    message = picture(desk)
    assert Image(STORED, "Look") == fetched(desk, message, Fetched(STORED)).content
    assert MediaFetched(message.id, message.conversation) in desk.told
    assert desk.entry(message, Work.FETCH) is None
    assert Image(STORED, "Look") == fetched(desk, message, FetchFailed("?", is_final=True)).content


def test_whether_a_file_is_still_wanted(desk: "Desk") -> None:
    """By a message that waits for it; the second time nobody does."""
    message = picture(desk)
    command = RecordFetch(desk.ground(), desk.lane(message.customer, Work.FETCH), message.id, Fetched(STORED))
    assert desk.do(record_fetch, command)
    assert not desk.do(record_fetch, command)


def test_a_file_that_is_not_there_yet_is_tried_again(desk: "Desk") -> None:
    """Later each time, eight times in all; then the message says that its file is missing."""
    message = picture(desk)
    for attempt in range(1, 8):
        assert fetched(desk, message, FetchFailed("404", is_final=False)).failure is None
        entry = entry_of(desk, message, Work.FETCH)
        assert attempt == entry.attempts
        assert desk.now + backoff(message.id, entry) == entry.due_at
    failure = fetched(desk, message, FetchFailed("404", is_final=False)).failure
    assert failure is not None
    assert (failure.code, failure.meaning) == ("media_not_fetched", "404")
    assert desk.entry(message, Work.FETCH) is None


def test_a_file_that_can_never_be_had_is_given_up(desk: "Desk") -> None:
    message = picture(desk)
    assert fetched(desk, message, FetchFailed("expired", is_final=True)).failure is not None
    assert desk.entry(message, Work.FETCH) is None


def test_a_file_for_a_message_without_one_is_a_defect(desk: "Desk") -> None:
    message = picture(desk)

    def replace(draft: Draft) -> None:
        key = MESSAGE.of(ACME, message.id)
        draft.put(key, evolve(draft.get(key), content=Text("no picture")))

    desk.do(replace)
    with pytest.raises(InternalError, match="none"):
        fetched(desk, message, Fetched(STORED))


# --- what else stands in a lane ---------------------------------------------------------------------------------------


def test_what_is_parked_is_not_held(desk: "Desk") -> None:
    """Both stand outside the queue; only what is held leaves by itself."""
    message = unknown(desk)
    desk.later(minutes=15)
    settle(desk, message)
    desk.later(hours=25)
    held = desk.send(message.conversation, hold=True)
    found = desk.do(lambda draft: list(held_in(draft, desk.ground(), desk.thread(message.conversation))))
    assert [held.id] == [waiting.id for _, waiting in found]


def test_a_receipt_that_another_process_took_is_not_taken_again(desk: "Desk") -> None:
    """It left the outbox with whoever was first."""
    message = queued(desk)
    assert desk.do(take_receipt, desk.taking(message)) is None
