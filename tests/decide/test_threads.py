"""Threads, and what is put into them."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide import threads
from wa_connector.decide.draft import Draft
from wa_connector.model.content import Text
from wa_connector.model.conversation import Conversation, ConversationState, Participant, Role
from wa_connector.model.directory import Seat
from wa_connector.model.event import ConversationOpened, MessageQueued
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, UserId
from wa_connector.model.message import Author, ByApp, ByCustomer, BySystem, ByUser, MessageStatus, NoticeKind
from wa_connector.model.queue import EntryState, Work
from wa_connector.ports.rows import CONVERSATION
from wa_connector.ports.storage import Wake
from wa_connector.testing.host import ACME, ANA, BEN, LINE

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

CARL = CustomerId("carl")


def open_thread(desk: "Desk", owner: UserId | None = None) -> ConversationId:
    return desk.do(threads.open_thread, desk.ground(), CARL, owner, desk.now)


def seat(desk: "Desk", user: UserId) -> Seat:
    found = desk.ground(user).seat
    assert found is not None
    return found


def test_a_thread_begins_with_its_owner(desk: "Desk") -> None:
    """Open, on this line, with the owner as its only participant; and it is told."""
    thread = open_thread(desk, ANA)
    stored = desk.thread(thread)
    assert (LINE, CARL, ConversationState.OPEN, desk.now) == (
        stored.line,
        stored.customer,
        stored.state,
        stored.opened_at,
    )
    assert [(ANA, Role.OWNER, desk.now)] == [(p.user, p.role, p.since_at) for p in stored.participants]
    assert (ConversationOpened(thread, CARL, LINE, ANA),) == desk.told


def test_a_thread_without_an_owner_is_unassigned(desk: "Desk") -> None:
    stored = desk.thread(open_thread(desk))
    assert stored.owner is None
    assert stored.participants == ()


def test_the_pair_knows_its_open_threads(desk: "Desk") -> None:
    """The oldest first, and which was the last."""
    first, second = open_thread(desk, ANA), open_thread(desk, BEN)
    assert (first, second) == desk.pair(CARL).open
    assert second == desk.pair(CARL).latest


def test_no_thread_is_open_to_begin_with(desk: "Desk") -> None:
    assert desk.do(threads.open_to, desk.ground(), CARL, seat(desk, ANA)) is None


def test_a_user_enters_his_own_threads_and_unassigned_ones(desk: "Desk") -> None:
    """The latest of those; somebody else's is not his to enter, even where it is the only one."""
    others = open_thread(desk, BEN)
    assert desk.do(threads.open_to, desk.ground(), CARL, seat(desk, ANA)) is None
    unassigned = open_thread(desk)
    assert unassigned == desk.do(threads.open_to, desk.ground(), CARL, seat(desk, ANA))
    own = open_thread(desk, ANA)
    assert own == desk.do(threads.open_to, desk.ground(), CARL, seat(desk, ANA))
    assert unassigned == desk.do(threads.open_to, desk.ground(), CARL, seat(desk, BEN))
    assert others != unassigned


def test_who_left_a_thread_does_not_enter_it(desk: "Desk") -> None:
    """What counts is who is in it now."""
    thread = open_thread(desk, ANA)

    def leave(draft: Draft) -> None:
        key = CONVERSATION.of(ACME, thread)
        stored: Conversation = draft.get(key)
        ended = tuple(evolve(each, until_at=draft.now) for each in stored.participants)
        handed = Participant(BEN, Role.OWNER, draft.now)
        draft.put(key, evolve(stored, participants=(*ended, handed)))

    desk.do(leave)
    assert desk.do(threads.open_to, desk.ground(), CARL, seat(desk, ANA)) is None
    assert thread == desk.do(threads.open_to, desk.ground(), CARL, seat(desk, BEN))


def test_a_message_is_queued_in_its_lane(desk: "Desk") -> None:
    """Stored as the newest entry of its thread, in the outbox, its lane woken for now."""
    thread = open_thread(desk, ANA)
    outgoing = threads.Outgoing(CARL, thread, ByUser(ANA), Text("Hi"), MessageId("m-1"))
    message = desk.do(threads.enqueue, desk.ground(), outgoing)
    assert (MessageId("m-1"), MessageStatus.QUEUED, None) == (message.id, message.status, message.expires_at)
    entry = desk.entry(message)
    assert entry is not None
    assert (EntryState.QUEUED, desk.now, 0) == (entry.state, entry.due_at, entry.attempts)
    assert desk.change is not None
    assert (Wake(desk.ground().lane(CARL, Work.SEND), desk.now),) == desk.change.wakes
    assert (MessageQueued(MessageId("m-1"), thread, MessageStatus.QUEUED),) == desk.told


def test_a_message_gets_an_id_where_the_caller_has_none(desk: "Desk") -> None:
    thread = open_thread(desk, ANA)
    author = BySystem(NoticeKind.HELP, "cause")
    message = desk.do(threads.enqueue, desk.ground(), threads.Outgoing(CARL, thread, author, Text("Hi")))
    assert message == desk.stored(message.id)
    assert (MessageQueued(message.id, thread, MessageStatus.QUEUED, NoticeKind.HELP),) == desk.told


def test_a_held_message_is_counted_and_expires(desk: "Desk") -> None:
    """Out of the queue until the window opens; its lane is looked at when it expires, after a week by default."""
    thread = open_thread(desk, ANA)
    outgoing = threads.Outgoing(CARL, thread, ByUser(ANA), Text("Later"))
    for count in (1, 2):
        message = desk.do(threads.hold, desk.ground(), outgoing)
        assert count == desk.pair(CARL).held
    expires_at = desk.now + timedelta(days=7)
    entry = desk.entry(message)
    assert entry is not None
    assert (EntryState.HELD, expires_at) == (entry.state, entry.due_at)
    assert (MessageStatus.HELD, expires_at) == (message.status, message.expires_at)
    assert desk.change is not None
    assert [expires_at] == [wake.due_at for wake in desk.change.wakes]


def test_a_file_has_a_lane_of_its_own(desk: "Desk") -> None:
    """A picture that cannot be fetched holds up no message."""
    desk.do(threads.enqueue_fetch, desk.ground(), CARL, MessageId("in-1"))
    assert desk.change is not None
    assert [desk.ground().lane(CARL, Work.FETCH)] == [wake.lane for wake in desk.change.wakes]


def test_each_entry_counts_once(desk: "Desk") -> None:
    thread = desk.granted()
    key = CONVERSATION.of(ACME, thread)
    entries = [message for message in desk.messages() if message.conversation == thread]
    assert desk.storage.load([key]).rows[key].merged["entries"] == len(entries) > 1


@pytest.mark.parametrize(
    ("author", "is_unread"),
    [
        (ByCustomer(), True),
        (ByUser(BEN), True),
        (ByUser(ANA), False),
        (ByApp(), True),
        (BySystem(NoticeKind.OPT_IN_REQUEST, "c"), False),
    ],
    ids=["the customer", "a colleague", "he himself", "somebody in the provider's app", "the system"],
)
def test_what_is_unread_at_first(desk: "Desk", author: Author, is_unread: bool) -> None:
    """What others wrote; of the customer's, what nobody has heard elsewhere."""
    message = desk.receive("Hello")
    assert is_unread is threads.is_news(evolve(message, author=author), ANA)
    assert not threads.is_news(evolve(message, heard_at=desk.now), ANA)
