"""What comes in is always stored; what follows from it is decided on the folded facts."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from wa_connector.decide.draft import Known
from wa_connector.decide.receiving import Keep, ReceivePreference, keep, receive_message, receive_preference
from wa_connector.decide.sending import send
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import (
    ButtonReply,
    Call,
    CallDirection,
    Content,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
    Unsupported,
)
from wa_connector.model.decision import Reason
from wa_connector.model.event import (
    ConversationOpened,
    CustomerSeen,
    MessageQueued,
    MessageReceived,
    Quarantined,
    ReplyUnclear,
)
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import InboundPreference, Sender, Unreadable
from wa_connector.model.message import BySystem, MessageStatus, NoticeKind
from wa_connector.model.queue import Work
from wa_connector.policy.replies import ACCEPT_PAYLOAD, DECLINE_PAYLOAD
from wa_connector.ports.rows import QUARANTINE, KeptElement
from wa_connector.testing.facts import facts
from wa_connector.testing.host import ACME, ANA, CARLS_NUMBER, address_of

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

ACCEPT, DECLINE = ButtonReply(ACCEPT_PAYLOAD, "Yes"), ButtonReply(DECLINE_PAYLOAD, "No")
PICTURE = Image(MediaRef("image/png", provider_ref="media-1"))


def notices(desk: "Desk") -> list[NoticeKind]:
    """The system's own messages, in the order in which they were placed; a user's request is not one of them."""
    return [
        message.author.notice
        for message in desk.messages()
        if isinstance(message.author, BySystem) and message.author.cause != message.id
    ]


# --- it is stored -----------------------------------------------------------------------------------------------------


def test_a_message_is_stored_as_it_came(desk: "Desk") -> None:
    """At the provider's time, under the provider's id, in a thread of its own where there is none yet."""
    at = desk.now - timedelta(minutes=3)
    message = desk.receive("Hello", at=at, named="in-1", name="Carl")
    assert (at, at, MessageStatus.RECEIVED) == (message.at, message.status_at, message.status)
    assert (ProviderId("in-1"), Text("Hello")) == (message.provider_id, message.content)
    assert [CustomerSeen, ConversationOpened, MessageReceived] == [type(told) for told in desk.told]
    assert (message.conversation,) == desk.pair(message.customer).open


def test_the_next_one_goes_into_the_same_thread(desk: "Desk") -> None:
    first, second = desk.receive("Hello"), desk.receive("Anybody there?")
    assert first.conversation == second.conversation
    assert [MessageReceived] == [type(told) for told in desk.told]


def test_the_same_message_twice_is_one(desk: "Desk") -> None:
    """The second time the answer is what came of the first."""
    first = desk.receive("Hello", named="in-1")
    assert Known(first.id) == desk.answer(receive_message, desk.message("Hello", named="in-1"))


@pytest.mark.parametrize("owner", [ANA, None])
def test_a_new_thread_goes_to_the_lines_own_user(make_desk: Callable[..., "Desk"], owner: object) -> None:
    """On a shared line it stands on the unassigned list."""
    desk = make_desk(owner=owner)
    assert owner == desk.thread(desk.receive("Hello").conversation).owner


def test_restricted_first_contact_withholds_the_assignment_alone(make_desk: Callable[..., "Desk"]) -> None:
    """What a stranger writes is stored, his window opens and his STOP counts; only no user is given him."""
    desk = make_desk({"restrict_first_contact": True}, owner=ANA)
    message = desk.receive("STOP")
    assert desk.thread(message.conversation).owner is None
    assert desk.now == desk.window(message.customer).customer_at
    assert desk.consent(message.customer).conversation is Stage.REVOKED
    assert notices(desk) == [NoticeKind.STOP]


def test_who_was_written_to_is_no_stranger(make_desk: Callable[..., "Desk"]) -> None:
    """A customer whom a user asked answers into that user's thread, restriction or not."""
    desk = make_desk({"restrict_first_contact": True}, owner=ANA)
    asked = desk.ask()
    assert asked.conversation == desk.receive("Who is this?").conversation


def test_a_picture_is_stored_at_once_and_fetched_later(desk: "Desk") -> None:
    """The message is there with the provider's handle; its file stands in the lane for fetching."""
    message = desk.receive(PICTURE)
    entry = desk.entry(message, Work.FETCH)
    assert entry is not None
    assert (Work.FETCH, desk.now) == (entry.work, entry.due_at)


def test_a_picture_whose_file_is_there_is_not_fetched(desk: "Desk") -> None:
    message = desk.receive(Image(MediaRef("image/png", sha256="ab" * 32, size=3)))
    assert desk.entry(message, Work.FETCH) is None


# --- the window -------------------------------------------------------------------------------------------------------


def test_a_message_opens_the_window_as_of_its_own_time(desk: "Desk") -> None:
    """Not of its arrival: what a provider brings late opens it from when the customer wrote."""
    message = desk.receive("Hello", at=desk.now - timedelta(hours=23))
    desk.send(message.conversation)
    desk.later(hours=1)
    assert desk.refusal(send, desk.sending(message.conversation)) is Reason.CONSENT_NOT_ASKED


def test_an_older_message_takes_nothing_back(desk: "Desk") -> None:
    customer = desk.receive("Hello").customer
    desk.receive("Before", at=desk.now - timedelta(hours=5))
    assert desk.now == desk.window(customer).customer_at


def test_a_clock_that_runs_ahead_opens_no_longer_window(desk: "Desk") -> None:
    """A message dated next year counts as of now, and what the clocks may lie apart."""
    customer = desk.receive("Hello", at=desk.now + timedelta(days=365)).customer
    assert desk.now + timedelta(minutes=5) == desk.window(customer).customer_at


def test_a_word_from_a_clock_that_runs_ahead_does_not_outlast_the_next(desk: "Desk") -> None:
    """A YES dated next year is a YES of now: a STOP that follows it revokes."""
    desk.ask()
    desk.receive("Yes", at=desk.now + timedelta(days=365))
    desk.later(minutes=6)
    assert desk.consent(desk.receive("STOP").customer).conversation is Stage.REVOKED


UNKNOWN = Unsupported("order")


@pytest.mark.parametrize(
    ("content", "opens", "configured", "expected"),
    [
        (Text("Hello"), True, {}, True),
        (Text("Hello"), False, {}, False),
        (UNKNOWN, False, {}, False),
        (UNKNOWN, False, {"unsupported_open_window": True}, True),
        (Unsupported("reaction"), False, {}, False),
        (Unsupported("reaction"), False, {"reactions_open_window": True}, True),
        (Unsupported("system"), True, {"unsupported_open_window": True}, False),
        (Call(CallDirection.CUSTOMER), True, {}, True),
        (Call(CallDirection.BUSINESS), True, {}, False),
        (Call(CallDirection.BUSINESS, is_accepted=True), True, {}, True),
    ],
)
def test_what_is_a_sign_of_life(
    make_desk: Callable[..., "Desk"], content: Content, opens: bool, configured: dict[str, bool], expected: bool
) -> None:
    """A message opens the window where its channel says so; of what the provider's rules leave open, a setting says; a
    call of the customer's does, and one of ours that he took."""
    message = make_desk(configured).receive(content, opens_window=opens)
    assert expected is message.opens_window


def test_a_message_that_opens_no_window_is_stored_all_the_same(desk: "Desk") -> None:
    message = desk.receive(UNKNOWN, opens_window=False)
    assert desk.window(message.customer).customer_at is None


def test_a_customer_who_writes_wakes_what_was_held_for_him(desk: "Desk") -> None:
    """The lane is looked at now, and not when the held message expires."""
    thread = desk.granted()
    desk.later(hours=25)
    desk.send(thread, hold=True)
    customer = desk.receive("Back again").customer
    assert desk.change is not None
    assert [(desk.ground().lane(customer, Work.SEND), desk.now)] == [(w.lane, w.due_at) for w in desk.change.wakes]


# --- what he says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "stage", "notice"),
    [
        ("Yes!", Stage.GRANTED, NoticeKind.ACCEPTANCE),
        (ACCEPT, Stage.GRANTED, NoticeKind.ACCEPTANCE),
        ("no", Stage.DECLINED, NoticeKind.DECLINE),
        (DECLINE, Stage.DECLINED, NoticeKind.DECLINE),
        ("STOP", Stage.REVOKED, NoticeKind.STOP),
    ],
)
def test_an_answer_is_folded_and_confirmed(
    desk: "Desk", answer: Content | str, stage: Stage, notice: NoticeKind
) -> None:
    """Each of the answers to a request, by word or by button, moves the consent and causes its one notice."""
    desk.ask()
    message = desk.receive(answer)
    assert desk.consent(message.customer).conversation is stage
    assert [notice] == notices(desk)


def test_a_notice_says_the_organizations_words_and_its_cause(make_desk: Callable[..., "Desk"]) -> None:
    desk = make_desk({"stop_text": "Bye."})
    message = desk.receive("STOP")
    (notice,) = [each for each in desk.messages() if isinstance(each.author, BySystem)]
    assert (Text("Bye."), BySystem(NoticeKind.STOP, message.id)) == (notice.content, notice.author)
    assert MessageQueued(notice.id, message.conversation, MessageStatus.QUEUED, NoticeKind.STOP) in desk.told


@pytest.mark.parametrize(
    ("word", "setting"),
    [("Yes", "acceptance_text"), ("No", "decline_text"), ("STOP", "stop_text"), ("HELP", "help_text")],
)
def test_each_notice_has_its_own_words(make_desk: Callable[..., "Desk"], word: str, setting: str) -> None:
    names = ("acceptance_text", "decline_text", "stop_text", "help_text")
    desk = make_desk({name: f"The {name}." for name in names})
    desk.ask()
    desk.receive(word)
    assert Text(f"The {setting}.") in [message.content for message in desk.messages()]


@pytest.mark.parametrize("word", ["Yes", "No", "STOP"])
def test_a_cause_has_one_notice(desk: "Desk", word: str) -> None:
    """Who says the same thing again is not told again."""
    desk.ask()
    desk.receive(word)
    first = notices(desk)
    desk.later(minutes=1)
    desk.receive(word)
    assert first == notices(desk)


def test_coming_back_is_confirmed(desk: "Desk") -> None:
    """START after STOP grants conversation, and is a cause of its own."""
    desk.receive("STOP")
    desk.later(minutes=1)
    customer = desk.receive("START").customer
    assert desk.consent(customer).conversation is Stage.GRANTED
    assert desk.consent(customer).marketing is Stage.REVOKED
    assert notices(desk) == [NoticeKind.STOP, NoticeKind.ACCEPTANCE]


def test_a_stop_out_of_nowhere_counts(desk: "Desk") -> None:
    """A customer who was never asked and never wrote before may refuse."""
    message = desk.receive("stop")
    assert desk.consent(message.customer).conversation is Stage.REVOKED
    assert desk.refusal(send, desk.sending(message.conversation)) is Reason.CONSENT_REVOKED
    (entry,) = desk.evidence(message.customer)
    assert entry.personal is not None
    assert (entry.signal, entry.personal.text, entry.personal.address) == (Signal.STOP, "stop", CARLS_NUMBER)


def test_start_with_nothing_before_it_is_a_message_like_any_other(desk: "Desk") -> None:
    """It grants nothing and causes nothing."""
    message = desk.receive("START")
    assert desk.consent(message.customer).conversation is Stage.UNKNOWN
    assert notices(desk) == []


def test_help_is_answered_each_time(desk: "Desk") -> None:
    """Whoever asks for help gets it, after STOP as well, and it says nothing about consent."""
    desk.receive("STOP")
    for _ in range(2):
        customer = desk.receive("HELP").customer
    assert notices(desk) == [NoticeKind.STOP, NoticeKind.HELP, NoticeKind.HELP]
    assert [entry.signal for entry in desk.evidence(customer)] == [Signal.STOP]


def test_what_the_provider_read_in_it_counts_before_our_own_lists(desk: "Desk") -> None:
    """It acts on it: to believe anything else would be to write to a wall."""
    desk.granted()
    command = desk.message("Bitte nichts mehr")
    desk.do(receive_message, evolve(command, item=evolve(command.item, signal=Signal.STOP), opinion=Signal.YES))
    assert notices(desk)[-1] is NoticeKind.STOP


@pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
def test_what_the_provider_has_answered_is_not_answered_twice(desk: "Desk", word: str) -> None:
    """It is folded like any other."""
    thread = desk.granted()
    before = notices(desk)
    command = desk.message(word)
    message = desk.stored(desk.do(receive_message, evolve(command, item=evolve(command.item, is_answered=True))))
    assert notices(desk) == before
    if word == "STOP":
        assert desk.consent(message.customer).conversation is Stage.REVOKED
        assert desk.refusal(send, desk.sending(thread)) is Reason.CONSENT_REVOKED


def test_a_picture_says_nothing_about_consent(desk: "Desk") -> None:
    desk.ask()
    customer = desk.receive(PICTURE).customer
    assert desk.consent(customer).conversation is Stage.ASKED


def test_a_reply_that_is_no_clear_answer_is_shown_to_a_person(desk: "Desk") -> None:
    """ "please stop this" is no STOP, and nobody guesses; it is told instead."""
    message = desk.receive("please stop this")
    assert ReplyUnclear(message.id, message.conversation, message.customer) in desk.told
    assert desk.evidence(message.customer) == []


def test_a_hosts_reader_has_the_first_word(desk: "Desk") -> None:
    """What a host's own reader made of the words counts, with the words as evidence."""
    command = evolve(desk.message("Lasst mich in Ruhe"), opinion=Signal.STOP)
    message = desk.stored(desk.do(receive_message, command))
    assert desk.consent(message.customer).conversation is Stage.REVOKED
    assert notices(desk) == [NoticeKind.STOP]


def test_a_message_without_an_address_leaves_evidence_without_one(desk: "Desk") -> None:
    """A payload that names nobody is somebody new each time, and what he says is kept."""
    message = desk.receive("STOP", sender=())
    (entry,) = desk.evidence(message.customer)
    assert entry.personal is not None
    assert entry.personal.address == ""
    assert notices(desk) == []


# --- what the system does by itself -----------------------------------------------------------------------------------


def test_an_old_message_causes_no_message_of_ours(desk: "Desk") -> None:
    """What a provider held back for a day is folded like everything, and answered by nobody."""
    customer = desk.receive("STOP", at=desk.now - timedelta(hours=24)).customer
    assert desk.consent(customer).conversation is Stage.REVOKED
    assert notices(desk) == []
    desk.receive("HELP", at=desk.now - timedelta(hours=23, minutes=59))
    assert notices(desk) == [NoticeKind.HELP]


@pytest.mark.parametrize(("age", "requests"), [(timedelta(hours=24), 1), (timedelta(hours=23, minutes=59), 2)], ids=str)
def test_a_message_of_a_day_ago_asks_nobody_again(desk: "Desk", age: timedelta, requests: int) -> None:
    """The second request is a template: no closed window would stop it."""
    desk.ask()
    desk.receive("No")
    desk.later(days=3)
    desk.receive("What is this?", at=desk.now - age)
    assert len([message for message in desk.messages() if isinstance(message.content, TemplateMessage)]) == requests


def test_a_late_word_that_moves_nothing_is_not_confirmed(desk: "Desk") -> None:
    """A STOP that a START has already undone is part of the evidence, and no cause of a notice."""
    desk.receive("START")
    customer = desk.receive("STOP", at=desk.now - timedelta(hours=1)).customer
    assert desk.consent(customer).conversation is Stage.GRANTED
    assert NoticeKind.STOP not in notices(desk)


def test_a_notice_that_no_rule_allows_is_not_sent(make_desk: Callable[..., "Desk"]) -> None:
    """A word that opens no window is folded; its confirmation could not be sent, and is not placed."""
    desk = make_desk()
    desk.ask()
    customer = desk.receive("Yes", opens_window=False).customer
    assert desk.consent(customer).conversation is Stage.GRANTED
    assert notices(desk) == []


def declined(desk: "Desk") -> None:
    desk.ask()
    desk.receive("No")


def test_who_declined_and_writes_on_is_asked_once_more(desk: "Desk") -> None:
    """An accidental "no" can be mended: the next message that is no answer causes the request again, once."""
    declined(desk)
    message = desk.receive("Where is my order?")
    assert notices(desk) == [NoticeKind.DECLINE, NoticeKind.OPT_IN_REQUEST]
    (again,) = [m for m in desk.messages() if m.author == BySystem(NoticeKind.OPT_IN_REQUEST, message.id)]
    assert isinstance(again.content, TemplateMessage)
    desk.later(days=3)
    desk.receive("Hello?")
    assert notices(desk) == [NoticeKind.DECLINE, NoticeKind.OPT_IN_REQUEST]
    desk.receive("Yes")
    assert desk.consent(message.customer).conversation is Stage.GRANTED


def test_the_second_request_follows_the_decline_whatever_the_clocks_say(desk: "Desk") -> None:
    """Where the provider's clock is ahead of ours the request is still made after the decline, and once."""
    desk.ask()
    ahead = timedelta(minutes=4)
    desk.receive("No", at=desk.now + ahead)
    for _ in range(2):
        desk.later(seconds=20)
        customer = desk.receive("Hello?", at=desk.now + ahead).customer
    assert notices(desk) == [NoticeKind.DECLINE, NoticeKind.OPT_IN_REQUEST]
    assert desk.consent(customer).asked_since_decline


@pytest.mark.parametrize("word", ["No", "STOP", "Yes"])
def test_an_answer_does_not_cause_the_second_request(desk: "Desk", word: str) -> None:
    declined(desk)
    desk.receive(word)
    assert NoticeKind.OPT_IN_REQUEST not in notices(desk)


@pytest.mark.parametrize(
    "content",
    [Call(CallDirection.CUSTOMER), Call(CallDirection.BUSINESS, True), Unsupported("reaction"), Unsupported("system")],
)
def test_what_is_no_message_does_not_cause_the_second_request(desk: "Desk", content: Content) -> None:
    """A customer who declined and takes our call, or taps a heart, has written nothing."""
    declined(desk)
    desk.receive(content)
    assert NoticeKind.OPT_IN_REQUEST not in notices(desk)


def test_an_acceptance_allows_a_second_request_again(desk: "Desk") -> None:
    """A customer who came back and declined anew may be asked once more again."""
    declined(desk)
    desk.receive("Hello?")
    answers: tuple[Content | str, ...] = ("Yes", DECLINE, "Hello??")
    for answer in answers:
        desk.later(minutes=1)
        desk.receive(answer)
    assert notices(desk).count(NoticeKind.OPT_IN_REQUEST) == 2


def test_the_second_request_needs_its_template(desk: "Desk") -> None:
    declined(desk)
    desk.templates("hello")
    desk.receive("Hello?")
    assert NoticeKind.OPT_IN_REQUEST not in notices(desk)


# --- order ------------------------------------------------------------------------------------------------------------

STORY: list[tuple[Content | str, int]] = [("Hello", 0), ("Yes", 2), ("STOP", 4), ("START", 4), (PICTURE, 7)]


def test_messages_in_any_order_give_the_same_facts(make_desk: Callable[..., "Desk"]) -> None:
    """Messages, consent, window and evidence do not depend on the order of arrival, nor on repetition."""
    outcomes = set()
    for order in itertools.permutations(range(len(STORY))):
        desk = make_desk()
        desk.ask()
        desk.later(minutes=10)
        for place in (*order, order[0]):
            content, minute = STORY[place]
            at = desk.now - timedelta(minutes=10 - minute)
            desk.take(desk.message(content, at=at, named=f"in-{place}"))
        outcomes.add(facts(desk.storage, ACME))
    assert len(outcomes) == 1
    ((customer,),) = [outcome.customers for outcome in outcomes]
    (consent,) = customer.consents
    assert consent.conversation is Stage.REVOKED


# --- preferences ------------------------------------------------------------------------------------------------------


def preference(desk: "Desk", *, wanted: bool, named: str, **more: Any) -> ReceivePreference:
    addresses = tuple(map(address_of, more.pop("sender", (CARLS_NUMBER,))))
    item = InboundPreference(ProviderId(named), more.pop("at", desk.now), Sender(addresses), wanted)
    return ReceivePreference(desk.ground(), item)


def test_a_preference_speaks_of_marketing_alone(desk: "Desk") -> None:
    """What a customer chose stops or resumes it, with evidence; conversation, window and threads stay as they are."""
    thread = desk.granted()
    customer = desk.thread(thread).customer
    before = desk.window(customer)
    for minute, (wanted, stage) in enumerate([(False, Stage.REVOKED), (True, Stage.GRANTED)]):
        desk.later(minutes=1)
        assert customer == desk.do(receive_preference, preference(desk, wanted=wanted, named=f"p-{minute}"))
        consent = desk.consent(customer)
        assert (Stage.GRANTED, stage) == (consent.conversation, consent.marketing)
    assert [e.signal for e in desk.evidence(customer)[-2:]] == [Signal.MARKETING_STOPPED, Signal.MARKETING_RESUMED]
    assert (before, (thread,)) == (desk.window(customer), desk.pair(customer).open)


def test_the_same_preference_counts_once(desk: "Desk") -> None:
    """Of somebody who was never met as well; a payload that names nobody is kept without an address."""
    desk.do(receive_preference, preference(desk, wanted=False, named="p-1", sender=()))
    assert Known("") == desk.answer(receive_preference, preference(desk, wanted=True, named="p-1"))


# --- what could not be read -------------------------------------------------------------------------------------------


def test_what_could_not_be_read_is_kept_once(desk: "Desk") -> None:
    """Whole, with the problem; the same element brought again is not kept again."""
    unreadable = Unreadable("no such type", '{"type": "hologram"}')
    entry = desk.do(keep, Keep(unreadable, "digest"))
    assert KeptElement(desk.now, "no such type", '{"type": "hologram"}') == desk.row(QUARANTINE.of(ACME, entry))
    assert [Quarantined(entry, "no such type")] == list(desk.told)
    assert Known(entry) == desk.answer(keep, Keep(unreadable, "digest"))
