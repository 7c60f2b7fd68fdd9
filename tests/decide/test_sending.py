"""What users do: begin a conversation, ask for consent, write."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide.draft import Draft, Known, Refused
from wa_connector.decide.recording import Recording, record_consent
from wa_connector.decide.sending import (
    AskForConsent,
    Placement,
    SendMessage,
    ToContact,
    ask_consent,
    send,
    start,
)
from wa_connector.decide.templates import SyncTemplates, sync_templates
from wa_connector.errors import InternalError, RefusedError
from wa_connector.model.consent import Purpose, Signal, Stage
from wa_connector.model.contact import Contact
from wa_connector.model.content import Buttons, Content, Image, MediaRef, TemplateMessage, Text
from wa_connector.model.conversation import Conversation, ConversationState
from wa_connector.model.decision import Decision, Reason, RemedyKind
from wa_connector.model.event import ConsentChanged, ConversationOpened, CustomerSeen, MessageQueued
from wa_connector.model.ids import ContactId, ConversationId, MessageId, ProviderId
from wa_connector.model.message import BySystem, ByUser, Message, MessageStatus, NoticeKind
from wa_connector.model.opinion import Veto
from wa_connector.model.outbound import Accepted, Correction, Rejected
from wa_connector.policy.replies import ACCEPT_PAYLOAD, DECLINE_PAYLOAD
from wa_connector.ports.rows import CONVERSATION
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, CARL, CARLS_NUMBER, PLAIN, SUE, TEMPLATES

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

NOWHERE = Contact(ContactId("nowhere"), "Nowhere", ())


def end(desk: "Desk", thread: ConversationId) -> None:
    def decider(draft: Draft) -> None:
        key = CONVERSATION.of(ACME, thread)
        stored: Conversation = draft.get(key)
        draft.put(key, evolve(stored, state=ConversationState.ENDED))

    desk.do(decider)


# --- to a contact -----------------------------------------------------------------------------------------------------


def test_asking_begins_a_thread_with_a_new_customer(desk: "Desk") -> None:
    """The request is queued in a thread of the user's, the customer is met by the contact's addresses and name, and the
    evidence says who asked whom for what, with which words."""
    placed = desk.ask()
    assert placed.conversation is not None
    assert placed.message is not None
    assert (placed.decision.is_allowed, placed.status, placed.is_repeat) == (True, MessageStatus.QUEUED, False)
    thread = desk.thread(placed.conversation)
    assert (thread.owner, desk.customer(thread.customer).name) == (ANA, "Carl")
    assert [CustomerSeen, ConversationOpened, MessageQueued, ConsentChanged] == [type(told) for told in desk.told]
    (entry,) = desk.evidence(thread.customer)
    assert (entry.signal, entry.actor, entry.template, entry.locale) == (Signal.ASKED, ANA, "opt_in/en", "en")
    assert entry.personal is not None
    assert (TEMPLATES[0].body, CARLS_NUMBER) == (entry.personal.text, entry.personal.address)


def test_the_request_carries_our_payloads(desk: "Desk") -> None:
    """Its two buttons bring back what can mean one thing only; the text is kept as the customer reads it."""
    placed = desk.ask()
    assert placed.message is not None
    message = desk.stored(placed.message)
    assert BySystem(NoticeKind.OPT_IN_REQUEST, placed.message) == message.author
    assert isinstance(message.content, TemplateMessage)
    assert message.content.payloads == {"0": ACCEPT_PAYLOAD, "1": DECLINE_PAYLOAD}
    assert TEMPLATES[0].body == message.content.rendered


def test_asking_goes_into_the_users_open_thread(desk: "Desk") -> None:
    """An open thread of his, or an unassigned one, which he takes; never into a colleague's."""
    unassigned = desk.receive("Hello").conversation
    assert unassigned == desk.ask(BEN).conversation
    assert desk.thread(unassigned).owner == BEN
    desk.later(hours=24)
    own = desk.ask(ANA).conversation
    assert own is not None
    assert own != unassigned
    desk.later(hours=24)
    assert own == desk.ask(ANA).conversation


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda desk: desk.ask(), Reason.ASKED_RECENTLY),
        (lambda desk: desk.granted(), Reason.CONSENT_GRANTED_ALREADY),
        (lambda desk: desk.receive("STOP"), Reason.CONSENT_REVOKED),
        (lambda desk: (desk.ask(), desk.receive("No")), Reason.CONSENT_DECLINED),
        (lambda desk: desk.templates("hello"), Reason.TEMPLATE_NOT_APPROVED),
    ],
    ids=["asked within a day", "granted", "revoked", "declined", "template gone"],
)
def test_asking_is_refused(desk: "Desk", prepare: Callable[["Desk"], object], reason: Reason) -> None:
    """Not twice a day, not after an answer, and not without an approved request; nothing is written then."""
    prepare(desk)
    before = desk.messages()
    assert reason is desk.refusal(ask_consent, AskForConsent(desk.to_contact(), MessageId("again")))
    assert before == desk.messages()


def test_asking_needs_a_template(make_desk: Callable[..., "Desk"]) -> None:
    desk = make_desk({"opt_in_template": "missing"})
    assert desk.refusal(ask_consent, AskForConsent(desk.to_contact(), MessageId("m"))) is Reason.TEMPLATE_UNKNOWN


def test_a_customer_who_never_answered_may_be_asked_once_a_day(desk: "Desk") -> None:
    desk.ask()
    desk.later(hours=24)
    assert desk.ask().is_taken


@pytest.mark.parametrize("decider", [start, lambda draft, to: ask_consent(draft, AskForConsent(to, MessageId("m")))])
def test_first_contact_is_for_contacts(desk: "Desk", decider: Callable[[Draft, ToContact], Placement]) -> None:
    """Somebody outside the contacts is refused, and where the contacts cannot be read, that is said instead."""
    ground = desk.ground(ANA)
    assert desk.refusal(decider, ToContact(ground, None)) is Reason.NOT_A_CONTACT
    assert desk.refusal(decider, ToContact(ground, None, contacts_available=False)) is Reason.CONTACTS_UNAVAILABLE
    assert desk.refusal(decider, ToContact(ground, NOWHERE)) is Reason.NO_ADDRESS


def test_the_same_command_asks_once(desk: "Desk") -> None:
    """The second call with the same id is answered with what came of the first, and asks nobody."""
    placed = desk.ask(command="k1")
    assert Known(str(placed.message)) == desk.answer(
        ask_consent, AskForConsent(desk.to_contact(command="k1"), MessageId("other"))
    )


def test_a_refused_command_may_be_given_again(desk: "Desk") -> None:
    """A refusal marks nothing: the same id is taken once the reason is gone."""
    desk.ask()
    command = AskForConsent(desk.to_contact(command="k1"), MessageId("m"))
    assert desk.refusal(ask_consent, command) is Reason.ASKED_RECENTLY
    desk.later(hours=24)
    assert desk.do(ask_consent, command).is_taken


def test_asking_in_the_contacts_language(desk: "Desk") -> None:
    """The request goes out in the contact's language where an approved one is there, else in the organization's."""
    carl = desk.host.contacts.get(ACME, ANA, CARL)
    assert carl is not None
    placed = desk.ask(contact=evolve(carl, locale="pt-BR"))
    assert placed.message is not None
    content = desk.stored(placed.message).content
    assert isinstance(content, TemplateMessage)
    assert content.language == "en"


def test_who_was_asked_in_his_language_is_asked_again_in_it(make_desk: Callable[..., "Desk"]) -> None:
    """Whoever asks, and when the system does by itself: the language stays with the customer."""
    desk = make_desk()
    english = next(each for each in TEMPLATES if each.name == "opt_in")
    portuguese = evolve(english, language="pt", body="Podemos escrever aqui?")
    desk.do(sync_templates, SyncTemplates(ACCOUNT, [*TEMPLATES, portuguese]))
    carl = desk.host.contacts.get(ACME, ANA, CARL)
    assert carl is not None
    asked = desk.ask(contact=evolve(carl, locale="pt-BR"))
    assert asked.message is not None
    desk.deliver(desk.stored(asked.message))
    desk.receive("Não")
    desk.later(hours=1)
    desk.receive("Na verdade, uma pergunta")
    requests = [each.content for each in desk.messages() if isinstance(each.content, TemplateMessage)]
    assert [each.language for each in requests] == ["pt", "pt"]
    assert requests[1].rendered == "Podemos escrever aqui?"


# --- starting ---------------------------------------------------------------------------------------------------------


def test_starting_begins_a_thread_where_something_may_be_written(desk: "Desk") -> None:
    """A new thread of the user's, or the latest that is his to enter; whoever starts in an unassigned one takes it."""
    unassigned = desk.receive("Hello").conversation
    placed = desk.do(start, desk.to_contact())
    assert (unassigned, None) == (placed.conversation, placed.message)
    assert desk.thread(unassigned).owner == ANA
    assert unassigned == desk.do(start, desk.to_contact()).conversation
    other = desk.do(start, desk.to_contact(BEN)).conversation
    assert other != unassigned


def test_starting_meets_a_customer_where_no_opt_in_is_asked_for(make_desk: Callable[..., "Desk"]) -> None:
    """On a channel without opt-in and windows anybody in the contacts may be written to first."""
    desk = make_desk(capabilities=evolve(PLAIN, asks_opt_in=False, window=None, has_templates=False))
    placed = desk.do(start, desk.to_contact())
    assert placed.conversation is not None
    assert desk.customer(desk.thread(placed.conversation).customer).name == "Carl"


def test_starting_is_refused_where_nothing_could_be_done(desk: "Desk") -> None:
    """A thread in which nobody may write is not begun; the refusal says to ask first."""
    assert desk.refusal(start, desk.to_contact()) is Reason.CONSENT_NOT_ASKED


def test_a_closed_window_is_no_reason_not_to_start(desk: "Desk") -> None:
    """Templates may still be used there."""
    desk.granted()
    desk.later(hours=25)
    assert desk.do(start, desk.to_contact()).is_taken


# --- in a conversation ------------------------------------------------------------------------------------------------


def test_a_message_is_queued(desk: "Desk") -> None:
    """By its author, in its thread, with what it quotes."""
    thread = desk.granted()
    message = desk.send(thread, "Hi", replies_to=ProviderId("in-9"))
    assert (ByUser(ANA), thread, MessageStatus.QUEUED) == (message.author, message.conversation, message.status)
    assert (Text("Hi"), ProviderId("in-9")) == (message.content, message.replies_to)


def test_the_same_command_sends_once(desk: "Desk") -> None:
    """Whatever is in the second call, the answer is the message of the first."""
    thread = desk.granted()
    message = desk.send(thread, "Hi", command="k1")
    assert Known(message.id) == desk.answer(send, desk.sending(thread, "Other", command="k1"))


def test_a_template_is_stored_as_it_will_be_read(desk: "Desk") -> None:
    """With its parameters filled: the template may change later."""
    thread = desk.granted()
    message = desk.send(thread, TemplateMessage("hello", "en", {"body.1": "Carl"}))
    assert isinstance(message.content, TemplateMessage)
    assert message.content.rendered == "Hello Carl"


def reject(desk: "Desk", thread: ConversationId) -> None:
    desk.deliver(desk.send(thread), Rejected("131026", "not there", Correction.NOT_ON_CHANNEL))


Prepare = Callable[["Desk", ConversationId], object]
REFUSALS: list[tuple[str, Prepare, Content, Reason]] = [
    ("revoked", lambda desk, _: desk.receive("STOP"), Text("Hi"), Reason.CONSENT_REVOKED),
    ("window", lambda desk, _: desk.later(hours=24), Text("Hi"), Reason.WINDOW_CLOSED),
    ("unreachable", reject, Text("Hi"), Reason.NOT_ON_CHANNEL),
    ("ended", end, Text("Hi"), Reason.CONVERSATION_ENDED),
    ("empty", lambda *_: None, Text(" "), Reason.CONTENT_EMPTY),
    ("long", lambda *_: None, Text("x" * 4097), Reason.CONTENT_TOO_LONG),
    ("media", lambda *_: None, Image(MediaRef("image/png")), Reason.MEDIA_MISSING),
    ("buttons", lambda *_: None, Buttons("?", ()), Reason.BUTTONS),
    ("template", lambda *_: None, TemplateMessage("none", "en"), Reason.TEMPLATE_UNKNOWN),
    ("parameters", lambda *_: None, TemplateMessage("hello", "en"), Reason.TEMPLATE_PARAMETERS),
    ("marketing", lambda *_: None, TemplateMessage("sale", "en"), Reason.MARKETING_NOT_GRANTED),
]


@pytest.mark.parametrize(("prepare", "content", "reason"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_sending_is_refused(desk: "Desk", prepare: Prepare, content: Content, reason: Reason) -> None:
    """By every rule that stands in the way; a refused message is not stored."""
    thread = desk.granted()
    prepare(desk, thread)
    before = desk.messages()
    assert reason is desk.refusal(send, desk.sending(thread, content))
    assert before == desk.messages()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("Who are you?", Reason.CONSENT_AWAITED), ("No", Reason.CONSENT_DECLINED)],
    ids=["none yet", "declined"],
)
def test_once_asked_his_answer_decides(desk: "Desk", answer: str, reason: Reason) -> None:
    """Writing is no longer answering: a customer who was asked is waited for, and one who declined is left alone."""
    thread = desk.ask().conversation
    assert thread is not None
    desk.receive(answer)
    assert reason is desk.refusal(send, desk.sending(thread))


def test_who_writes_first_may_be_answered(desk: "Desk") -> None:
    """Inside the window that he opened, without consent; whoever answers an unassigned thread takes it."""
    thread = desk.receive("Hello").conversation
    desk.send(thread)
    assert desk.thread(thread).owner == ANA
    assert desk.refusal(send, desk.sending(thread, user=BEN)) is Reason.NOT_A_PARTICIPANT


def test_a_thread_of_others_is_refused_like_one_that_is_not_there(desk: "Desk") -> None:
    """The whole answer is the same, so that ids cannot be tried out."""
    thread = desk.granted()
    others = desk.answer(send, desk.sending(thread, user=BEN))
    absent = desk.answer(send, desk.sending(ConversationId("none"), user=BEN))
    assert others == absent
    assert isinstance(others, Refused)
    assert Decision(Reason.NOT_A_PARTICIPANT) == others.decision
    assert others == desk.answer(send, desk.sending(thread, user=SUE))


def test_a_hosts_rule_is_asked_last(desk: "Desk") -> None:
    """What the host has against a command refuses it, in the host's own words."""
    thread = desk.granted()
    command = desk.sending(thread)
    veto = Veto("quiet hours", "Not before eight.", desk.now + timedelta(hours=8))
    answer = desk.answer(send, evolve(command, ground=evolve(command.ground, vetoes=(veto,))))
    assert isinstance(answer, Refused)
    assert (answer.decision.reason, answer.decision.sentence) == (Reason.HOST_RULE, "Not before eight.")
    assert answer.decision.rules[-1] == "hosts_rules"


# --- holding ----------------------------------------------------------------------------------------------------------


def test_only_the_window_is_waited_for(desk: "Desk") -> None:
    """With ``hold`` a message that the closed window keeps back is held, and says what it waits for; what another rule
    refuses is refused all the same."""
    thread = desk.granted()
    desk.later(hours=25)
    placed = desk.do(send, desk.sending(thread, hold=True))
    assert (placed.status, placed.decision.reason) == (MessageStatus.HELD, Reason.WINDOW_CLOSED)
    assert RemedyKind.HOLD in {remedy.kind for remedy in placed.decision.remedies}
    desk.receive("STOP", at=desk.now - timedelta(hours=25))
    assert desk.refusal(send, desk.sending(thread, hold=True)) is Reason.CONSENT_REVOKED


def test_what_may_leave_is_not_held(desk: "Desk") -> None:
    thread = desk.granted()
    assert desk.send(thread, hold=True).status is MessageStatus.QUEUED


# --- placements -------------------------------------------------------------------------------------------------------


def test_a_placement_may_be_raised() -> None:
    """``or_raise`` gives back what was taken, and raises what was refused with its decision."""
    taken = Placement(Decision(Reason.ALLOWED), ConversationId("thread"))
    assert taken is taken.or_raise()
    refused = Placement(Decision(Reason.USER_DISABLED))
    with pytest.raises(RefusedError, match="disabled") as caught:
        refused.or_raise()
    assert refused.decision == caught.value.decision


def test_a_users_command_needs_its_user(desk: "Desk") -> None:
    """A shell that forgets the user is a defect, and says so."""
    thread = desk.granted()
    with pytest.raises(InternalError, match="without its user"):
        desk.answer(send, SendMessage(desk.ground(), thread, Text("Hi"), MessageId("m")))


def test_a_request_that_was_accepted_and_answered_grants(desk: "Desk") -> None:
    """The whole way: asked, delivered, answered with YES; then a user writes."""
    thread = desk.granted()
    assert desk.consent(desk.thread(thread).customer).conversation is Stage.GRANTED
    message: Message = desk.deliver(desk.send(thread), Accepted(ProviderId("out-9")))
    assert message.status is MessageStatus.ACCEPTED


@pytest.mark.parametrize(("name", "is_marketing"), [("sale", True), ("hello", False)])
def test_a_template_message_says_whether_it_is_marketing(desk: "Desk", name: str, is_marketing: bool) -> None:
    both = (Purpose.CONVERSATION, Purpose.MARKETING)
    desk.do(record_consent, Recording(desk.to_contact(), desk.now, "paper", both))
    thread = desk.do(start, desk.to_contact()).conversation
    assert thread is not None
    sent = desk.send(thread, TemplateMessage(name, "en", {"body.1": "Carl"} if name == "hello" else {}))
    assert isinstance(sent.content, TemplateMessage)
    assert sent.content.is_marketing is is_marketing
