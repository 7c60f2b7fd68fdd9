"""By another channel: offered, chosen, or of itself; and never round anybody's no. Under both faces."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from wa_connector import (
    Act,
    ByUser,
    CommandId,
    Connector,
    Contact,
    ContactId,
    ConversationId,
    Deed,
    FallBack,
    FellBack,
    Message,
    MessageFellBack,
    MessageId,
    MessageStatus,
    OrganizationId,
    Reason,
    RefusedError,
    RemedyKind,
    RevocationScope,
    TemplateMessage,
    Text,
    UsageError,
    number,
)
from wa_connector.model.ids import LineId
from wa_connector.model.opinion import Question, Veto
from wa_connector.model.outbound import Correction, Deferred, Rejected
from wa_connector.model.screening import Screening
from wa_connector.ports.hooks import hookimpl
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.host import (
    ACCOUNT,
    ACME,
    ANA,
    CARL,
    CARLS_NUMBER,
    LINE,
    SUE,
    TEXTS_LINE,
    MemoryHost,
    address_of,
)

TAKEN = Act(Deed.TAKEN, whom=ANA)
HELLO = TemplateMessage("hello", "en", {"body.1": "Carl"})
SALE = TemplateMessage("sale", "en")
OFF_CHANNEL = Rejected("131026", "not on it", Correction.NOT_ON_CHANNEL)
CLOSED = Rejected("131047", "window closed", Correction.WINDOW_CLOSED)
Connect = Callable[..., Connector]


class Talk:
    """Carl wrote, Ana has his thread; ``host`` has a second channel beside the first."""

    def __init__(self, connect: Connect, *plugins: object, texts: bool | None = True, **settings: Any) -> None:
        self.host = MemoryHost(settings=settings, texts=texts)
        self.connector = connect(self.host, *plugins)
        self.connector.sync_templates(ACME, ACCOUNT)
        self.said("Hello")
        (thread,) = self.connector.conversations(ACME, ANA, unassigned=True)
        self.thread = thread.id
        self.customer = thread.customer
        self.connector.take(ACME, ANA, self.thread)

    def said(self, text: str, **more: Any) -> None:
        self.connector.handle_webhook(self.host.webhook(self.host.said(text, **more)))

    def texted(self, text: str) -> None:
        self.connector.handle_webhook(self.host.texted(self.host.said(text)))

    def reported(self, report: str, message: MessageId, **more: Any) -> None:
        element = self.host.reported(report, message=message, **more)
        self.connector.handle_webhook(self.host.webhook(element))

    def later(self, **span: float) -> None:
        self.host.clock.advance(timedelta(**span))

    def run(self) -> None:
        self.connector.dispatcher.run_until_idle()

    def message(self, message: MessageId | None) -> Message:
        page = self.connector.timeline(ACME, ANA, self.thread)
        return next(each for each in page.messages if each.id == message)

    def send(self, content: object = Text("Hi"), **more: object) -> Message:
        placed = self.connector.send(ACME, ANA, self.thread, content, **more).or_raise()  # type: ignore[arg-type]
        return self.message(placed.message)

    @property
    def went(self) -> list[tuple[str, str]]:
        """What left by the other channel: where to, and what."""
        assert self.host.texts is not None
        return [(each.to.value, getattr(each.content, "body", "")) for each in self.host.texts.transport.sent]

    @property
    def fell(self) -> list[MessageFellBack]:
        return [each for each in self.host.happenings if isinstance(each, MessageFellBack)]


@pytest.fixture
def talk(connect: Connect) -> Talk:
    return Talk(connect)


# --- offered ----------------------------------------------------------------------------------------------------------


def test_while_the_channel_carries_nothing_else_is_offered(talk: Talk) -> None:
    composer = talk.connector.composer(ACME, ANA, talk.thread)
    assert composer.write.is_allowed
    assert composer.fall_back is None
    placed = talk.connector.send(ACME, ANA, talk.thread, Text("Hi"), by=TEXTS_LINE)
    assert placed.decision.reason is Reason.FALL_BACK_NOT_NEEDED


def test_a_closed_window_offers_a_line_and_a_number_that_the_rules_allow(talk: Talk) -> None:
    talk.later(hours=25)
    composer = talk.connector.composer(ACME, ANA, talk.thread)
    talk.connector.record_consent(ACME, ANA, LINE, CARL, given_at=talk.host.clock.now, method="on paper")
    composer = talk.connector.composer(ACME, ANA, talk.thread)
    assert composer.write.reason is Reason.WINDOW_CLOSED
    offer = composer.fall_back
    assert offer is not None
    assert (offer.line, offer.channel, offer.label, offer.to) == (TEXTS_LINE, "texts", "Texts", number(CARLS_NUMBER))
    assert offer.write.is_allowed
    assert CARLS_NUMBER not in repr(composer)


@pytest.fixture
def closed(connect: Connect) -> Talk:
    return closed_window(connect)


def closed_window(connect: Connect, *plugins: object, **more: Any) -> Talk:
    """He agreed, and his window is closed."""
    talk = Talk(connect, *plugins, **more)
    talk.connector.record_consent(ACME, ANA, LINE, CARL, given_at=talk.host.clock.now, method="on paper")
    talk.later(hours=25)
    return talk


def test_what_is_chosen_goes_by_the_other_line_in_the_same_thread_and_says_so(closed: Talk) -> None:
    message = closed.send(by=TEXTS_LINE, command_id=CommandId("c1"))
    assert (message.line, message.status, message.author) == (TEXTS_LINE, MessageStatus.QUEUED, ByUser(ANA))
    why = message.fell_back
    assert why is not None
    assert (why.line, why.channel, why.code, why.by) == (LINE, "plain", "window_closed", ANA)
    assert [MessageFellBack(message.id, closed.thread, TEXTS_LINE, "window_closed")] == closed.fell
    again = closed.connector.send(ACME, ANA, closed.thread, Text("Hi"), by=TEXTS_LINE, command_id=CommandId("c1"))
    assert (again.is_repeat, again.message) == (True, message.id)
    closed.run()
    assert closed.went == [(CARLS_NUMBER, "Hi")]
    assert closed.host.transport.sent == []
    assert closed.message(message.id).status is MessageStatus.ACCEPTED
    report = closed.host.reported("delivered", message=message.id)
    closed.connector.handle_webhook(closed.host.texted(report))
    assert closed.message(message.id).status is MessageStatus.DELIVERED
    assert closed.connector.customer_timeline(ACME, ANA, closed.thread).messages[0].line == TEXTS_LINE


def test_a_template_goes_as_the_text_that_it_makes_and_marketing_does_not(connect: Connect) -> None:
    talk = Talk(connect)
    talk.connector.record_consent(ACME, ANA, LINE, CARL, given_at=talk.host.clock.now, method="on paper")
    talk.host.transport.answers.append(OFF_CHANNEL)
    talk.send()
    talk.run()
    assert talk.send(HELLO, by=TEXTS_LINE).content == Text("Hello Carl")
    refused = talk.connector.send(ACME, ANA, talk.thread, SALE, by=TEXTS_LINE)
    assert refused.decision.reason is Reason.CONTENT_NOT_SUPPORTED


def test_what_the_other_channel_cannot_carry_does_not_go_by_it(closed: Talk) -> None:
    refused = closed.connector.send(ACME, ANA, closed.thread, Text("x" * 161), by=TEXTS_LINE)
    assert refused.decision.reason is Reason.CONTENT_TOO_LONG


@pytest.mark.parametrize("line", [LINE, LineId("nowhere")])
def test_no_other_line_can_be_chosen(closed: Talk, line: LineId) -> None:
    with pytest.raises(UsageError, match=r"Composer\.fall_back"):
        closed.connector.send(ACME, ANA, closed.thread, Text("Hi"), by=line)


def offered(talk: Talk) -> bool:
    """Whether another way is offered; what is offered and what may be chosen is the same, and so is the remedy."""
    composer = talk.connector.composer(ACME, ANA, talk.thread)
    assert composer.fall_back is None or RemedyKind.USE_SMS in {each.kind for each in composer.write.remedies}
    return composer.fall_back is not None


def refused(talk: Talk) -> Reason:
    assert not offered(talk)
    placed = talk.connector.send(ACME, ANA, talk.thread, Text("Hi"), by=TEXTS_LINE)
    assert not placed.is_taken
    talk.run()
    assert talk.went == []
    return placed.decision.reason


def test_without_another_line_nothing_is_offered(connect: Connect) -> None:
    assert not offered(closed_window(connect, texts=None))


def test_nothing_is_offered_where_the_organization_says_never(connect: Connect) -> None:
    talk = closed_window(connect, fall_back=FallBack.NEVER)
    assert refused(talk) is Reason.WINDOW_CLOSED
    assert RemedyKind.USE_SMS not in {
        each.kind for each in talk.connector.composer(ACME, ANA, talk.thread).write.remedies
    }


def test_nothing_is_offered_where_the_other_channel_is_switched_off(connect: Connect) -> None:
    assert refused(closed_window(connect, texts=False)) is Reason.CHANNEL_DISABLED


def test_a_stop_on_the_first_channel_is_not_gone_round(closed: Talk) -> None:
    """Nor where the customer could not be reached there besides."""
    closed.host.transport.answers.append(OFF_CHANNEL)
    closed.said("STOP")
    closed.run()
    closed.later(hours=25)
    assert refused(closed) is Reason.CONSENT_REVOKED
    remedies = closed.connector.composer(ACME, ANA, closed.thread).write.remedies
    assert RemedyKind.USE_SMS not in {each.kind for each in remedies}


@pytest.mark.parametrize("scope", RevocationScope)
def test_a_stop_on_the_other_channel_holds_there_and_everywhere_if_the_organization_says_so(
    connect: Connect, scope: RevocationScope
) -> None:
    talk = closed_window(connect, revocation_scope=scope)
    talk.texted("STOP")
    talk.run()
    talk.host.texts.transport.sent.clear()  # type: ignore[union-attr]
    assert refused(talk) is Reason.CONSENT_REVOKED
    write = talk.connector.composer(ACME, ANA, talk.thread).write
    assert write.reason is (Reason.WINDOW_CLOSED if scope is RevocationScope.CHANNEL else Reason.CONSENT_REVOKED)


def test_a_decline_is_not_gone_round(connect: Connect) -> None:
    """Though the other channel asks nobody for an opt-in."""
    talk = Talk(connect)
    talk.connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
    talk.run()
    talk.host.transport.answers.append(OFF_CHANNEL)
    talk.later(minutes=1)
    talk.said("NO")
    talk.run()
    talk.later(hours=25)
    assert refused(talk) is Reason.CONSENT_DECLINED


class Rule:
    """A host that has something against one channel."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.is_asked = True

    @hookimpl
    def wa_veto(self, question: Question) -> Veto | None:
        return Veto("mine", "Not now.") if self.is_asked and question.channel == self.channel else None


@pytest.mark.parametrize("channel", ["plain", "texts"])
def test_a_veto_of_the_hosts_on_either_channel_is_not_gone_round(connect: Connect, channel: str) -> None:
    rule = Rule(channel)
    talk = closed_window(connect, rule)
    assert refused(talk) is Reason.HOST_RULE
    rule.is_asked = False
    assert offered(talk)


class Screener:
    """Lets nothing through that says "secret"."""

    def __init__(self, *, is_awake: bool = True) -> None:
        self.is_awake = is_awake

    @hookimpl
    def wa_screen(self, screening: Screening) -> Veto | None:
        is_secret = self.is_awake and "secret" in getattr(screening.content, "body", "")
        return Veto("mine", "No.") if is_secret else None


@pytest.mark.parametrize("fall_back", [FallBack.OFFER, FallBack.AUTOMATIC])
def test_a_screeners_veto_is_not_gone_round(connect: Connect, fall_back: FallBack) -> None:
    talk = closed_window(connect, Screener(), fall_back=fall_back)
    by = TEXTS_LINE if fall_back is FallBack.OFFER else None
    placed = talk.connector.send(ACME, ANA, talk.thread, Text("a secret"), by=by)
    assert placed.decision.reason is Reason.CONTENT_BLOCKED


def test_who_left_no_number_is_offered_nothing(connect: Connect) -> None:
    host = MemoryHost(texts=True)
    connector = connect(host)
    connector.handle_webhook(host.webhook(host.said("Hello", sender=["bsuid:US.1"])))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    connector.take(ACME, ANA, thread.id)
    host.clock.advance(timedelta(hours=25))
    assert connector.composer(ACME, ANA, thread.id).fall_back is None


def test_an_address_that_the_channel_does_not_reach_is_none(connect: Connect) -> None:
    """Of somebody who was never met: what can be sent to is asked of the contact's own addresses."""
    host = MemoryHost(texts=True)
    host.contacts = MemoryContacts({ACME: [Contact(ContactId("eve"), "Eve", (address_of("bsuid:US.2"),))]})
    connector = connect(host)
    connector.sync_templates(ACME, ACCOUNT)
    actions = {each.channel: each for each in connector.contact_actions(ACME, ANA, ContactId("eve"))}
    assert actions["texts"].write.reason is Reason.NO_ADDRESS
    assert actions["plain"].ask.is_allowed


# --- of itself --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hold", [False, True])
def test_what_a_closed_window_would_hold_or_refuse_goes_by_itself(connect: Connect, hold: bool) -> None:
    talk = closed_window(connect, fall_back=FallBack.AUTOMATIC)
    message = talk.send(hold=hold)
    assert message.fell_back is not None
    assert (message.line, message.fell_back.by) == (TEXTS_LINE, None)
    talk.run()
    talk.said("Hi!")
    talk.run()
    assert talk.went == [(CARLS_NUMBER, "Hi")]
    assert talk.host.transport.sent == []


def test_while_the_channel_carries_nothing_goes_by_itself(connect: Connect) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    message = talk.send()
    talk.run()
    assert (talk.message(message.id).line, talk.went) == (LINE, [])


@pytest.mark.parametrize("outcome", [OFF_CHANNEL, CLOSED])
def test_what_the_provider_refuses_goes_by_itself_once_as_the_same_message(connect: Connect, outcome: Rejected) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    talk.connector.record_consent(ACME, ANA, LINE, CARL, given_at=talk.host.clock.now, method="on paper")
    talk.later(minutes=10)
    talk.host.transport.answers.append(outcome)
    message = talk.send()
    talk.run()
    moved = talk.message(message.id)
    assert talk.went == [(CARLS_NUMBER, "Hi")]
    assert (moved.line, moved.status) == (TEXTS_LINE, MessageStatus.ACCEPTED)
    assert moved.fell_back == FellBack(LINE, "plain", moved.fell_back.at, outcome.code, outcome.meaning)  # type: ignore[union-attr]
    assert [(message.id, outcome.code)] == [(each.message, each.code) for each in talk.fell]
    assert [Text("Hi"), Text("Hello")] == [
        each.content for each in talk.connector.timeline(ACME, ANA, talk.thread).messages if each.content != TAKEN
    ]
    # What the first provider says of it later is old news, and the next one is not even tried there.
    talk.reported("delivered", message.id)
    talk.reported("failed", message.id, error=outcome.code, correction=outcome.correction.value)
    assert talk.message(message.id).status is MessageStatus.ACCEPTED
    assert talk.send(Text("Again")).fell_back is not None
    talk.run()
    assert len(talk.host.transport.sent) == 1


def test_what_is_reported_undeliverable_goes_by_itself(connect: Connect) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    message = talk.send()
    talk.run()
    failed = {"error": "131026", "correction": "not_on_channel", "meaning": "not on it"}
    talk.reported("failed", message.id, **failed)
    talk.reported("failed", message.id, **failed)
    talk.run()
    assert talk.went == [(CARLS_NUMBER, "Hi")]
    assert talk.connector.composer(ACME, ANA, talk.thread).write.reason is Reason.NOT_ON_CHANNEL


def test_proof_of_delivery_is_not_undone_by_a_failure(connect: Connect) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    message = talk.send()
    talk.run()
    talk.reported("delivered", message.id)
    talk.reported("failed", message.id, error="131026", correction="not_on_channel")
    talk.run()
    assert talk.went == []


def test_a_refusal_of_another_sort_stays_one(connect: Connect) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    talk.host.transport.answers += [Rejected("100", "nonsense"), Deferred("4", "slow", None), OFF_CHANNEL]
    message = talk.send()
    talk.run()
    assert (talk.message(message.id).status, talk.went) == (MessageStatus.FAILED, [])


def test_what_the_second_line_refuses_has_failed(connect: Connect) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    talk.host.transport.answers.append(OFF_CHANNEL)
    talk.host.texts.transport.answers.append(OFF_CHANNEL)  # type: ignore[union-attr]
    message = talk.send()
    talk.run()
    assert talk.message(message.id).status is MessageStatus.FAILED
    assert len(talk.fell) == 1


def test_the_systems_own_messages_go_by_no_other_line(connect: Connect) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    talk.host.transport.answers.append(OFF_CHANNEL)
    talk.connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
    talk.run()
    assert (talk.went, talk.fell) == ([], [])


def test_a_window_that_closes_while_a_message_waits_its_turn_sends_it_the_other_way(connect: Connect) -> None:
    talk = Talk(connect, fall_back=FallBack.AUTOMATIC)
    message = talk.send()
    talk.connector.record_consent(ACME, ANA, LINE, CARL, given_at=talk.host.clock.now, method="on paper")
    talk.later(hours=25)
    talk.run()
    assert talk.message(message.id).line == TEXTS_LINE
    assert talk.went == [(CARLS_NUMBER, "Hi")]


@pytest.fixture
def held(connect: Connect) -> tuple[Talk, MessageId]:
    """A message that was held before the organization let messages go by themselves."""
    talk = closed_window(connect)
    message = talk.send(hold=True)
    assert message.status is MessageStatus.HELD
    talk.connector.set_setting(ACME, SUE, OrganizationId("acme"), "fall_back", FallBack.AUTOMATIC)
    return talk, message.id


def test_what_a_screener_has_something_against_since_goes_nowhere(connect: Connect) -> None:
    screener = Screener(is_awake=False)
    talk = Talk(connect, screener, fall_back=FallBack.AUTOMATIC)
    message = talk.send(Text("a secret"))
    talk.connector.record_consent(ACME, ANA, LINE, CARL, given_at=talk.host.clock.now, method="on paper")
    screener.is_awake = True
    talk.later(hours=25)
    talk.run()
    assert (talk.message(message.id).status, talk.went) == (MessageStatus.REFUSED, [])


def test_what_was_held_goes_by_itself_when_it_is_looked_at(held: tuple[Talk, MessageId]) -> None:
    talk, message = held
    talk.send(HELLO)
    talk.run()
    assert talk.message(message).line == TEXTS_LINE
    assert talk.connector.composer(ACME, ANA, talk.thread).held == 0
    assert talk.went == [(CARLS_NUMBER, "Hi")]


def test_what_expired_goes_nowhere(held: tuple[Talk, MessageId]) -> None:
    talk, message = held
    talk.later(days=7)
    talk.run()
    assert (talk.message(message).status, talk.went) == (MessageStatus.EXPIRED, [])


def test_a_stop_that_comes_on_the_way_is_heard_on_both_channels(connect: Connect) -> None:
    talk = closed_window(connect, fall_back=FallBack.AUTOMATIC)
    message = talk.send()
    talk.said("STOP")
    talk.run()
    assert talk.went == []
    assert talk.message(message.id).status is MessageStatus.REFUSED


# --- answering somebody who called --------------------------------------------------------------------------------------


@pytest.fixture
def called(connect: Connect) -> Talk:
    """Carl left a voicemail on the second line, of which nothing is known on the first."""
    host = MemoryHost(texts=True)
    talk = Talk.__new__(Talk)
    talk.host, talk.connector = host, connect(host)
    talk.connector.sync_templates(ACME, ACCOUNT)
    talk.texted("Please call back")
    (thread,) = talk.connector.conversations(ACME, ANA, unassigned=True)
    talk.thread = thread.id
    return talk


def test_each_line_says_what_can_be_done(called: Talk) -> None:
    """Without consent no template; by text at once, and to the number that he called from."""
    actions = {each.channel: each for each in called.connector.answer_actions(ACME, ANA, called.thread)}
    assert list(actions) == ["plain", "texts"]
    plain, texts = actions["plain"], actions["texts"]
    assert (plain.write.reason, plain.template.reason) == (Reason.CONSENT_NOT_ASKED, Reason.CONSENT_NOT_ASKED)
    assert (plain.is_possible, plain.conversation, plain.to) == (False, None, number(CARLS_NUMBER))
    assert (texts.write.is_allowed, texts.template.reason) == (True, Reason.NO_TEMPLATES)
    assert (texts.is_possible, texts.conversation) == (True, called.thread)
    assert called.connector.answer(ACME, ANA, called.thread, LINE).decision.reason is Reason.CONSENT_NOT_ASKED


def test_whoever_agreed_is_answered_by_a_template(called: Talk) -> None:
    called.connector.record_consent(ACME, ANA, LINE, CARL, given_at=called.host.clock.now, method="on paper")
    (plain, _) = called.connector.answer_actions(ACME, ANA, called.thread)
    assert (plain.write.reason, plain.template.is_allowed, plain.is_possible) == (Reason.WINDOW_CLOSED, True, True)
    thread = called.connector.answer(ACME, ANA, called.thread, LINE).or_raise().conversation
    assert thread is not None
    assert called.connector.answer(ACME, ANA, called.thread, LINE).conversation == thread
    called.connector.send(ACME, ANA, thread, HELLO).or_raise()
    called.run()
    assert len(called.host.transport.sent) == 1
    assert called.connector.customer_timeline(ACME, ANA, called.thread).messages[0].line == LINE


def test_an_answer_by_text_is_the_thread_that_is_there(called: Talk) -> None:
    assert called.connector.answer(ACME, ANA, called.thread, TEXTS_LINE).or_raise().conversation == called.thread
    called.connector.send(ACME, ANA, called.thread, Text("On my way")).or_raise()
    called.run()
    assert called.went == [(CARLS_NUMBER, "On my way")]


def test_whoever_wrote_stop_is_not_answered(called: Talk) -> None:
    called.texted("STOP")
    actions = {each.channel: each for each in called.connector.answer_actions(ACME, ANA, called.thread)}
    assert actions["texts"].write.reason is Reason.CONSENT_REVOKED
    assert called.connector.answer(ACME, ANA, called.thread, TEXTS_LINE).decision.reason is Reason.CONSENT_REVOKED


def test_only_whoever_may_see_the_call_answers_it(called: Talk) -> None:
    nowhere = ConversationId("nowhere")
    assert called.connector.answer(ACME, ANA, nowhere, LINE).decision.reason is Reason.NOT_A_PARTICIPANT
    with pytest.raises(RefusedError):
        called.connector.answer_actions(ACME, ANA, nowhere)
    with pytest.raises(UsageError, match="no such line"):
        called.connector.answer(ACME, ANA, called.thread, LineId("nowhere"))
