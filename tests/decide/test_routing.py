"""Where a customer's message goes, with everything that is stored."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve

from wa_connector.decide.membership import Asked, end
from wa_connector.decide.receiving import ReceiveMessage, receive_message
from wa_connector.decide.routing import Whose, whose
from wa_connector.decide.threads import open_thread
from wa_connector.model.event import ConversationOpened, ConversationRestarted, MessageReceived
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, ProviderId, UserId
from wa_connector.model.message import Message
from wa_connector.model.routing import Candidate, RoutedBy
from wa_connector.model.setting import EndedThreads
from wa_connector.testing.host import ANA, BEN

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

FOR_LAST_OWNER = {"ended_threads": EndedThreads.FOR_LAST_OWNER}


def quoting(desk: "Desk", quoted: Message | None, text: str = "This one") -> ReceiveMessage:
    command = desk.message(text)
    return evolve(command, item=evolve(command.item, replies_to=quoted.provider_id if quoted else ProviderId("none")))


def receive(desk: "Desk", command: ReceiveMessage) -> Message:
    return desk.stored(desk.do(receive_message, command))


def with_settings(command: ReceiveMessage, desk: "Desk", **settings: Any) -> ReceiveMessage:
    return evolve(command, ground=evolve(command.ground, settings=evolve(command.ground.settings, **settings)))


def begin(desk: "Desk", customer: CustomerId, owner: UserId | None = None) -> ConversationId:
    return desk.do(lambda draft, *_: open_thread(draft, desk.ground(), customer, owner, desk.now), None)


def end_it(desk: "Desk", thread: ConversationId, user: UserId = ANA) -> None:
    desk.do(end, Asked(desk.ground(user), thread, MessageId(f"end-{thread}")))


def test_the_entry_and_the_event_say_by_which_rule(desk: "Desk") -> None:
    first = desk.receive("Hello")
    assert first.routed_by is RoutedBy.UNASSIGNED
    assert MessageReceived(first.id, first.conversation, first.customer, RoutedBy.UNASSIGNED) in desk.told
    second = desk.receive("Anybody?")
    assert (RoutedBy.LATEST, first.conversation) == (second.routed_by, second.conversation)


def test_a_quoted_message_decides(desk: "Desk") -> None:
    """Even where something happened later in another thread."""
    first = desk.receive("Hello")
    later = begin(desk, first.customer, BEN)
    desk.later(minutes=1)
    assert receive(desk, quoting(desk, None)).conversation == first.conversation, "nothing happened in the later one"
    quoted = receive(desk, quoting(desk, first))
    assert (RoutedBy.QUOTED, first.conversation) == (quoted.routed_by, quoted.conversation)
    assert later in desk.pair(first.customer).open


def test_the_thread_in_which_something_happened_last_is_taken(desk: "Desk") -> None:
    first = desk.receive("Hello")
    later = begin(desk, first.customer)
    command = quoting(desk, None)
    desk.later(minutes=1)
    in_first = receive(desk, quoting(desk, first))
    assert in_first.conversation == first.conversation != later
    assert receive(desk, command).conversation == first.conversation


def test_nobody_enters_anothers_thread_by_quoting_its_message(desk: "Desk") -> None:
    first = desk.receive("Hello")
    command = quoting(desk, first)
    other = evolve(command, item=evolve(command.item, sender=desk.message(sender=["+16505550000"]).item.sender))
    assert receive(desk, other).conversation != first.conversation


def test_what_ended_begins_anew_unless_the_organization_wants_it_to_go_on(desk: "Desk") -> None:
    thread = desk.granted()
    end_it(desk, thread)
    fresh = desk.receive("Hello again")
    assert desk.thread(fresh.conversation).restarted_from is None


def test_an_ended_thread_goes_on_for_its_last_owner(make_desk: Callable[..., "Desk"]) -> None:
    """Consent stays as it is: the restart is the customer's, and asks for nothing."""
    desk = make_desk(FOR_LAST_OWNER)
    thread = desk.granted()
    customer = desk.thread(thread).customer
    before = desk.consents(customer)
    end_it(desk, thread)
    desk.later(hours=1)
    command = with_settings(desk.message("Hello again"), desk, **FOR_LAST_OWNER)
    question = desk.do(whose, Whose(command.ground, command.item))
    assert (customer, ANA) == (question.customer, question.last_owner)
    elsewhere = with_settings(desk.message("Hello again"), desk, ended_threads=EndedThreads.UNASSIGNED)
    assert desk.do(whose, Whose(elsewhere.ground, elsewhere.item)).last_owner is None
    candidates = (Candidate(ANA, RoutedBy.LAST_OWNER),)
    again = receive(desk, evolve(command, candidates=candidates))
    restarted = desk.thread(again.conversation)
    assert (ANA, thread, RoutedBy.LAST_OWNER) == (restarted.owner, restarted.restarted_from, again.routed_by)
    assert ConversationRestarted(restarted.id, thread, None) in desk.told
    assert before == desk.consents(customer)


def test_what_he_quotes_of_an_ended_thread_goes_where_it_went_on(make_desk: Callable[..., "Desk"]) -> None:
    desk = make_desk(FOR_LAST_OWNER)
    thread = desk.granted()
    (quoted,) = [message for message in desk.messages() if message.is_inbound]
    end_it(desk, thread)
    again = receive(desk, with_settings(quoting(desk, quoted), desk, **FOR_LAST_OWNER))
    assert (thread, RoutedBy.UNASSIGNED) == (desk.thread(again.conversation).restarted_from, again.routed_by)
    desk.later(minutes=1)
    begin(desk, again.customer)
    once_more = receive(desk, with_settings(quoting(desk, quoted), desk, **FOR_LAST_OWNER))
    assert (again.conversation, RoutedBy.QUOTED) == (once_more.conversation, once_more.routed_by)


def test_an_ended_thread_goes_on_unassigned(make_desk: Callable[..., "Desk"]) -> None:
    desk = make_desk(owner=ANA)
    thread = desk.receive("Hello").conversation
    end_it(desk, thread)
    command = with_settings(desk.message("Again"), desk, ended_threads=EndedThreads.UNASSIGNED)
    again = desk.thread(receive(desk, command).conversation)
    assert (None, thread) == (again.owner, again.restarted_from)


def test_whom_the_host_names_has_the_new_thread(desk: "Desk") -> None:
    candidates = (Candidate(BEN, RoutedBy.HOST),)
    message = receive(desk, evolve(desk.message("Hello"), candidates=candidates))
    assert (desk.thread(message.conversation).owner, message.routed_by) == (BEN, RoutedBy.HOST)
    assert any(isinstance(told, ConversationOpened) and told.by == BEN for told in desk.told)


def test_what_the_host_is_asked_about_a_stranger(make_desk: Callable[..., "Desk"]) -> None:
    desk = make_desk(FOR_LAST_OWNER)
    command = with_settings(desk.message("Hello"), desk, **FOR_LAST_OWNER)
    question = desk.do(whose, Whose(command.ground, command.item))
    assert (None, None, command.item.sender.addresses) == (question.customer, question.last_owner, question.addresses)
    desk.receive("Hello")
    desk.later(seconds=timedelta(hours=1).total_seconds())
    assert desk.do(whose, Whose(command.ground, command.item)).customer is not None
