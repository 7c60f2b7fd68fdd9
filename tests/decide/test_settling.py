"""What becomes of a message of ours: reports, refusals, and what they teach about the customer's standing."""

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from wa_connector.decide.delivering import Withdrawn
from wa_connector.decide.ground import standing_of
from wa_connector.decide.receiving import ReceiveStatus, look_again, receive_status
from wa_connector.decide.sending import send
from wa_connector.decide.settling import MARKETING_PAUSE, forget_parts, part_mark
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import Erased, TemplateMessage
from wa_connector.model.decision import Reason
from wa_connector.model.event import MessageStatusChanged
from wa_connector.model.ids import LineId, MessageId, ProviderId
from wa_connector.model.inbound import InboundStatus, Report
from wa_connector.model.message import Failure, Message, MessageStatus, Part
from wa_connector.model.outbound import Accepted, Correction, OutcomeUnknown, Rejected
from wa_connector.model.queue import Work
from wa_connector.ports.rows import DEDUPE, MESSAGE, WAITING
from wa_connector.ports.storage import Change, Committed, Put
from wa_connector.testing.host import ACME, LINE

if TYPE_CHECKING:
    from tests.decide.conftest import Desk


def sent(desk: "Desk") -> Message:
    """A user's message that the provider took."""
    return desk.deliver(desk.send(desk.granted()))


def asked(desk: "Desk") -> Message:
    """An opt-in request that the provider took."""
    placed = desk.ask()
    assert placed.message is not None
    return desk.deliver(desk.stored(placed.message))


# --- the ladder -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations([Report.SENT, Report.DELIVERED, Report.READ])))
def test_reports_in_any_order_end_at_the_highest(desk: "Desk", order: tuple[Report, ...]) -> None:
    """A late report never takes back what is known already."""
    message = sent(desk)
    for report in order:
        desk.report(report, message)
    assert desk.stored(message.id).status is MessageStatus.READ


def test_a_report_climbs_and_is_told(desk: "Desk") -> None:
    """The message has the report's status and instant, and the log says so."""
    message = sent(desk)
    at = desk.now + timedelta(seconds=3)
    assert message.id == desk.report(Report.DELIVERED, message, at=at)
    stored = desk.stored(message.id)
    assert (MessageStatus.DELIVERED, at) == (stored.status, stored.status_at)
    assert [MessageStatusChanged(message.id, message.conversation, MessageStatus.DELIVERED)] == list(desk.told)


def test_old_news_changes_nothing(desk: "Desk") -> None:
    """The same report again, or one that was overtaken, commits nothing at all."""
    message = sent(desk)
    desk.report(Report.DELIVERED, message)
    for report in (Report.DELIVERED, Report.SENT):
        desk.report(report, message)
        assert desk.change is not None
        assert desk.change.is_empty


def test_a_report_finds_its_message_by_the_providers_id(desk: "Desk") -> None:
    """Where the provider does not bring our id back, its own is enough."""
    message = sent(desk)
    assert message.id == desk.report(Report.READ, named=str(message.provider_id))


def test_a_report_about_another_lines_message_is_not_applied(desk: "Desk") -> None:
    """Our id in a report counts only on the line that the message left by; else the report waits, and nobody's message
    is touched."""
    message = sent(desk)
    setup = desk.ground().setup
    elsewhere = evolve(desk.ground(), setup=evolve(setup, line=evolve(setup.line, id=LineId("other"))))
    item = InboundStatus(ProviderId("out-9"), desk.now, Report.READ, message=message.id)
    assert desk.do(receive_status, ReceiveStatus(elsewhere, item)) is None
    assert desk.stored(message.id).status is MessageStatus.ACCEPTED


def test_a_failure_is_kept_with_its_reason(desk: "Desk") -> None:
    """The provider's code and what it means stay with the message, and the code is in the log."""
    message = sent(desk)
    desk.report(Report.FAILED, message, error="131026", meaning="not there")
    stored = desk.stored(message.id)
    assert stored.failure is not None
    assert (
        stored.status,
        stored.failure.code,
        stored.failure.meaning,
    ) == (MessageStatus.FAILED, "131026", "not there")
    assert [MessageStatusChanged(message.id, message.conversation, MessageStatus.FAILED, "131026")] == list(desk.told)


def test_delivery_beats_a_failure_that_was_reported_before(desk: "Desk") -> None:
    """Proof that it arrived outranks the word that it did not, and the failure is gone."""
    message = sent(desk)
    desk.report(Report.FAILED, message, error="1", meaning="?")
    desk.report(Report.DELIVERED, message)
    assert (desk.stored(message.id).status, desk.stored(message.id).failure) == (MessageStatus.DELIVERED, None)


# --- reports before their message -------------------------------------------------------------------------------------


def test_a_report_waits_for_its_message(desk: "Desk") -> None:
    """One that comes before the provider's answer, without our id, is applied as soon as the answer names the message;
    the same one twice waits once."""
    message = desk.send(desk.granted())
    desk.hand_over(message)
    for _ in range(2):
        assert desk.report(Report.SENT, named="early") is None
    assert desk.report(Report.DELIVERED, named="early") is None
    key = WAITING.of(ACME, LINE, "early")
    assert [item.report for item in desk.row(key)] == [Report.SENT, Report.DELIVERED]
    assert desk.outcome(message, Accepted(ProviderId("early"))).status is MessageStatus.DELIVERED
    assert desk.row(key) is None


def test_a_report_ends_a_doubt(desk: "Desk") -> None:
    """A message of unknown outcome that the provider reports on has left: it is out of the outbox, knows the provider's
    id, and its lane is woken."""
    message = desk.deliver(desk.send(desk.granted()), OutcomeUnknown("cut off"))
    desk.report(Report.SENT, message, named="out-late")
    stored = desk.stored(message.id)
    assert (MessageStatus.SENT, ProviderId("out-late")) == (stored.status, stored.provider_id)
    assert desk.entry(message) is None
    assert desk.change is not None
    assert [desk.ground().lane(message.customer, Work.SEND)] == [wake.lane for wake in desk.change.wakes]


def test_the_providers_id_is_learnt_from_old_news_too(desk: "Desk") -> None:
    """A message that failed here and was accepted there after all gets its id from whatever report comes."""
    message = desk.deliver(desk.send(desk.granted()), Rejected("1", "no"))
    assert message.provider_id is None
    desk.report(Report.SENT, message, named="out-9")
    stored = desk.stored(message.id)
    assert (MessageStatus.FAILED, ProviderId("out-9")) == (stored.status, stored.provider_id)


# --- what a refusal teaches -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["answer", "report"])
def test_a_window_that_the_provider_holds_closed_is_closed(desk: "Desk", by: str) -> None:
    """Whether it says so at once or later: from when the message was handed over, until the customer's next sign of
    life."""
    thread = desk.granted()
    handed_over_at = desk.later(hours=1)
    message = desk.send(thread)
    refuse(desk, message, by, Correction.WINDOW_CLOSED)
    assert handed_over_at == desk.window(message.customer).refused_at
    assert desk.refusal(send, desk.sending(thread)) is Reason.WINDOW_CLOSED
    desk.later(hours=1)
    desk.receive("Hello")
    desk.send(thread)


@pytest.mark.parametrize("by", ["answer", "report"])
def test_who_is_not_on_the_channel_is_not_written_to(desk: "Desk", by: str) -> None:
    """Until he shows a sign of life there."""
    thread = desk.granted()
    message = desk.send(thread)
    refuse(desk, message, by, Correction.NOT_ON_CHANNEL)
    assert desk.now == desk.pair(message.customer).unreachable_since_at
    desk.later(hours=1)
    assert desk.refusal(send, desk.sending(thread)) is Reason.NOT_ON_CHANNEL
    desk.receive("Here I am")
    assert desk.pair(message.customer).unreachable_since_at is None
    desk.send(thread)


@pytest.mark.parametrize("by", ["answer", "report"])
def test_who_opted_out_at_the_provider_has_opted_out(desk: "Desk", by: str) -> None:
    """As by a STOP that he had written to us: evidence with the message as its cause, nothing more to him, no notice of
    ours (the provider gave its own), and only his START brings him back."""
    thread = desk.granted()
    waiting, message = desk.send(thread), desk.send(thread)
    refuse(desk, message, by, Correction.OPTED_OUT)
    assert desk.consent(message.customer).conversation is Stage.REVOKED
    assert desk.evidence(message.customer)[-1].signal is Signal.STOP
    assert desk.refusal(send, desk.sending(thread)) is Reason.CONSENT_REVOKED
    assert isinstance(desk.hand_over(waiting), Withdrawn)
    desk.later(hours=1)
    desk.receive("START")
    desk.send(thread)


def test_an_old_message_proves_nothing_about_now(desk: "Desk") -> None:
    """A message from before the refusal, delivered late, does not make a customer reachable again; one of the same time,
    as far as two clocks can tell, does."""
    message = desk.send(desk.granted())
    refuse(desk, message, "answer", Correction.NOT_ON_CHANNEL)
    skew = desk.ground().settings.clock_skew
    desk.receive("Long ago", at=desk.now - timedelta(hours=1))
    desk.receive("Before", at=desk.now - skew)
    assert desk.pair(message.customer).unreachable_since_at is not None
    desk.receive("At once", at=desk.now - skew + timedelta(microseconds=1))
    assert desk.pair(message.customer).unreachable_since_at is None


def test_a_refusal_for_a_closed_window_is_of_when_the_message_was_handed_over(desk: "Desk") -> None:
    """What the customer wrote while the answer was on its way opens the window all the same."""
    message = desk.send(desk.granted())
    handed_over_at = desk.later(minutes=1)
    desk.hand_over(message)
    desk.later(minutes=1)
    desk.outcome(message, Rejected("131047", "closed", Correction.WINDOW_CLOSED))
    assert handed_over_at == desk.window(message.customer).refused_at


@pytest.mark.parametrize("by", ["answer", "report"])
def test_who_stopped_marketing_gets_none(desk: "Desk", by: str) -> None:
    """The provider's word is evidence; the conversation goes on."""
    thread = desk.granted()
    message = desk.send(thread)
    refuse(desk, message, by, Correction.MARKETING_STOPPED)
    consent = desk.consent(message.customer)
    assert (consent.conversation, consent.marketing) == (Stage.GRANTED, Stage.REVOKED)
    assert Signal.MARKETING_STOPPED is desk.evidence(message.customer)[-1].signal
    desk.send(thread)


def test_a_limit_on_marketing_pauses_it(desk: "Desk") -> None:
    """For a day, and nothing else; it is no word of the customer's, so it leaves no evidence."""
    message = desk.send(desk.granted())
    entries = len(desk.evidence(message.customer))
    refuse(desk, message, "answer", Correction.MARKETING_CAPPED)
    assert desk.now + MARKETING_PAUSE == desk.pair(message.customer).marketing_after_at
    assert entries == len(desk.evidence(message.customer))


@pytest.mark.parametrize("order", [(5, 72, 1), (72, 5, 1), (1, 5, 72)])
def test_the_latest_end_of_what_is_free_is_remembered(desk: "Desk", order: tuple[int, ...]) -> None:
    """In whatever order the reports come, also from those that bring no other news."""
    message = sent(desk)
    for hours in order:
        desk.report(Report.SENT, message, free_until_at=desk.now + timedelta(hours=hours))
    assert desk.now + timedelta(hours=72) == desk.pair(message.customer).free_until_at
    standing = desk.do(standing_of, desk.ground(), message.customer)
    assert desk.pair(message.customer).free_until_at == standing.free_until_at


@pytest.mark.parametrize("by", ["answer", "report"])
def test_a_request_that_did_not_arrive_was_not_made(desk: "Desk", by: str) -> None:
    """The user may ask again at once: the customer saw nothing."""
    placed = desk.ask()
    assert placed.message is not None
    message = desk.stored(placed.message)
    refuse(desk, message, by, Correction.NONE)
    assert desk.consent(message.customer).conversation is Stage.UNKNOWN
    assert desk.ask().is_taken
    assert desk.consent(message.customer).conversation is Stage.ASKED


def test_a_request_that_failed_before_it_was_made_was_made_before(desk: "Desk") -> None:
    """The provider's clock may run behind ours: the failure is folded after the request all the same."""
    message = asked(desk)
    desk.report(Report.FAILED, message, at=desk.now - timedelta(minutes=3))
    assert desk.consent(message.customer).conversation is Stage.UNKNOWN


def test_a_request_that_marketing_preferences_refused_teaches_both(desk: "Desk") -> None:
    """That it did not arrive, and that marketing was stopped: neither entry is lost when both are folded at once."""
    message = asked(desk)
    desk.report(Report.FAILED, message, correction=Correction.MARKETING_STOPPED)
    consent = desk.consent(message.customer)
    assert (consent.conversation, consent.marketing) == (Stage.UNKNOWN, Stage.REVOKED)
    signals = [entry.signal for entry in desk.evidence(message.customer)]
    assert signals == [Signal.ASKED, Signal.MARKETING_STOPPED, Signal.NOT_DELIVERED]


def test_a_failure_teaches_once(desk: "Desk") -> None:
    """The same refusal as an answer and as a report, in either order, leaves its evidence once."""
    placed = desk.ask()
    assert placed.message is not None
    message = desk.stored(placed.message)
    desk.hand_over(message)
    desk.report(Report.FAILED, message)
    desk.outcome(message, Rejected("1", "no"))
    desk.report(Report.FAILED, message)
    signals = [entry.signal for entry in desk.evidence(message.customer)]
    assert signals == [Signal.ASKED, Signal.NOT_DELIVERED]


@pytest.mark.parametrize("reports", [(Report.DELIVERED, Report.READ), (Report.READ, Report.DELIVERED, Report.READ)])
def test_that_a_request_reached_the_customer_is_evidence_once_a_report(
    desk: "Desk", reports: tuple[Report, ...]
) -> None:
    """The same entries in whatever order the reports come, and however often."""
    message = asked(desk)
    for report in reports:
        desk.report(report, message)
    signals = [entry.signal for entry in desk.evidence(message.customer)]
    assert signals == [Signal.ASKED, Signal.DELIVERED, Signal.DELIVERED]


def test_a_later_request_that_fails_does_not_undo_one_that_arrived(desk: "Desk") -> None:
    """The customer has the first, and may answer it with a bare no."""
    first = asked(desk)
    desk.report(Report.DELIVERED, first)
    desk.later(hours=25)
    desk.report(Report.FAILED, asked(desk))
    desk.later(minutes=1)
    desk.receive("No")
    assert desk.consent(first.customer).conversation is Stage.DECLINED


def test_a_users_message_that_arrives_leaves_no_evidence(desk: "Desk") -> None:
    message = sent(desk)
    entries = len(desk.evidence(message.customer))
    desk.report(Report.DELIVERED, message)
    assert entries == len(desk.evidence(message.customer))


def test_a_users_message_that_fails_leaves_no_evidence(desk: "Desk") -> None:
    """Nothing was asked with it."""
    message = sent(desk)
    entries = len(desk.evidence(message.customer))
    desk.report(Report.FAILED, message)
    assert entries == len(desk.evidence(message.customer))


def refuse(desk: "Desk", message: Message, by: str, correction: Correction) -> None:
    if by == "answer":
        desk.deliver(message, Rejected("131", "no", correction))
    else:
        desk.report(Report.FAILED, desk.deliver(message), error="131", meaning="no", correction=correction)


def test_a_template_is_refused_like_any_message(desk: "Desk") -> None:
    """A rejected template keeps its failure, its code and what it taught."""
    message = desk.send(desk.granted(), TemplateMessage("hello", "en", {"body.1": "Carl"}))
    refuse(desk, message, "answer", Correction.WINDOW_CLOSED)
    assert Failure("131", "no", Correction.WINDOW_CLOSED) == desk.stored(message.id).failure


def test_the_country_is_read_from_the_customers_addresses(desk: "Desk") -> None:
    """Of a number in the United States marketing is refused by the provider: the rules have to know it."""
    american = desk.receive("Hello").customer
    german = desk.receive("Hallo", sender=("+493012345678",)).customer
    assert [desk.do(standing_of, desk.ground(), who).country for who in (american, german)] == ["US", ""]


# --- a message in several parts ---------------------------------------------------------------------------------------

PARTS = tuple(map(ProviderId, ("part-1", "part-2", "part-3")))


def in_parts(desk: "Desk") -> Message:
    """A user's message that the provider took in three parts."""
    return desk.deliver(desk.send(desk.granted()), Accepted(PARTS[0], further=PARTS[1:]))


def report(desk: "Desk", part: ProviderId, what: Report, **more: Any) -> MessageId | None:
    return desk.do(receive_status, ReceiveStatus(desk.ground(), InboundStatus(part, desk.now, what, **more)))


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)))
def test_all_parts_delivered_are_a_message_delivered(desk: "Desk", order: tuple[ProviderId, ...]) -> None:
    """In any order, each told twice; and until the last one nothing is claimed."""
    message = in_parts(desk)
    for part in order:
        assert desk.stored(message.id).status is MessageStatus.ACCEPTED
        for _ in range(2):
            assert message.id == report(desk, part, Report.DELIVERED)
    assert desk.stored(message.id).status is MessageStatus.DELIVERED


@pytest.mark.parametrize("part", PARTS)
def test_one_part_that_failed_is_a_message_that_failed(desk: "Desk", part: ProviderId) -> None:
    """Whatever comes of the others, before and after; with the provider's reason."""
    message = in_parts(desk)
    others = [each for each in PARTS if each != part]
    report(desk, others[0], Report.DELIVERED)
    report(desk, part, Report.FAILED, error="005", meaning="undeliverable")
    assert Failure("005", "undeliverable") == desk.stored(message.id).failure
    report(desk, others[1], Report.DELIVERED)
    assert desk.stored(message.id).status is MessageStatus.FAILED
    report(desk, part, Report.DELIVERED)
    assert desk.stored(message.id).status is MessageStatus.DELIVERED, "proof of delivery outranks a failure"


def test_reports_on_parts_that_came_before_the_answer_are_not_lost(desk: "Desk") -> None:
    message = desk.send(desk.granted())
    desk.hand_over(message)
    for part in PARTS:
        assert report(desk, part, Report.DELIVERED) is None
    stored = desk.outcome(message, Accepted(PARTS[0], further=PARTS[1:]))
    assert stored.status is MessageStatus.DELIVERED
    assert all(desk.row(WAITING.of(ACME, LINE, part)) is None for part in PARTS)


def test_a_second_look_applies_what_waits_and_nothing_else(desk: "Desk") -> None:
    message = desk.send(desk.granted())
    desk.hand_over(message)
    item = InboundStatus(PARTS[0], desk.now, Report.DELIVERED)
    desk.do(look_again, ReceiveStatus(desk.ground(), item))
    assert report(desk, PARTS[0], Report.DELIVERED) is None
    put(desk, evolve(desk.stored(message.id), provider_id=PARTS[0]))
    for _ in range(2):
        desk.do(look_again, ReceiveStatus(desk.ground(), item))
        assert desk.stored(message.id).status is MessageStatus.DELIVERED
    assert desk.row(WAITING.of(ACME, LINE, PARTS[0])) is None


def test_an_id_that_is_given_again_is_the_latest_messages(desk: "Desk") -> None:
    """Gateways count round. A late report on the earlier one's part says nothing of the later."""
    thread = desk.granted()
    first = desk.deliver(desk.send(thread), Accepted(PARTS[0], further=PARTS[1:]))
    desk._commands = 80  # Ids sort by time; those of this desk do while their numbers begin alike.
    second = desk.deliver(desk.send(thread), Accepted(PARTS[0], further=PARTS[1:2]))
    assert second.id == report(desk, PARTS[0], Report.DELIVERED)
    assert second.id == report(desk, PARTS[1], Report.DELIVERED)
    assert desk.stored(second.id).status is MessageStatus.DELIVERED
    assert first.id == report(desk, PARTS[2], Report.DELIVERED)
    assert desk.stored(first.id).status is MessageStatus.ACCEPTED


def test_a_report_on_a_part_of_an_earlier_copy_is_old_news(desk: "Desk") -> None:
    """Sent again, the message has other parts."""
    message = in_parts(desk)
    parts = tuple(map(Part, (ProviderId("again-1"), ProviderId("again-2"))))
    put(desk, evolve(message, parts=parts))
    for part in PARTS:
        assert message.id == report(desk, part, Report.FAILED)
    assert (parts, MessageStatus.ACCEPTED) == (desk.stored(message.id).parts, desk.stored(message.id).status)


def put(desk: "Desk", message: Message) -> None:
    key = MESSAGE.of(ACME, message.id)
    version = desk.storage.load([key]).rows[key].version
    (outcome,) = desk.storage.commit([Change(ACME, desk.now, reads={key: version}, puts=(Put(key, message),))])
    assert isinstance(outcome, Committed)


def test_the_parts_of_what_was_forgotten_still_climb(desk: "Desk") -> None:
    """Nothing of the provider's ids is in the message; what was already reported, and what comes, still counts."""
    message = desk.send(desk.granted())
    desk.hand_over(message)
    report(desk, PARTS[1], Report.DELIVERED)
    put(desk, evolve(desk.stored(message.id), content=Erased()))
    stored = desk.outcome(message, Accepted(PARTS[0], further=PARTS[1:]))
    assert (Part(), Part(), Part()) == stored.parts
    for part in PARTS:
        assert message.id == report(desk, part, Report.DELIVERED)
    assert desk.stored(message.id).status is MessageStatus.DELIVERED


def test_the_marks_of_parts_go_with_the_message(desk: "Desk") -> None:
    message = in_parts(desk)
    marks = [DEDUPE.of(ACME, part_mark(ACME, LINE, part)) for part in PARTS[1:]]
    assert [desk.row(mark) for mark in marks] == [f"1 {message.id}", f"2 {message.id}"]
    bare = evolve(message, parts=(*message.parts[:2], Part()))
    desk.do(lambda draft, _: forget_parts(draft, bare), None)
    assert [desk.row(mark) for mark in marks] == [None, f"2 {message.id}"]
