"""Threads and what is put into them."""

from datetime import datetime

from attrs import evolve, frozen

from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground, pair_of
from wa_connector.model.content import Content
from wa_connector.model.conversation import Conversation, ConversationState, Participant, Role
from wa_connector.model.event import ConversationOpened, MessageQueued
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, ProviderId, UserId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import Author, BySystem, Message, MessageStatus
from wa_connector.model.queue import EntryState, OutboxEntry, Work
from wa_connector.ports.rows import CONVERSATION, MESSAGE, OUTBOX


def open_thread(
    draft: Draft, ground: Ground, customer: CustomerId, owner: UserId | None, at: datetime
) -> ConversationId:
    """Begin a thread; without an owner it stands on the unassigned list."""
    thread = ConversationId(draft.new_id())
    owners = () if owner is None else (Participant(owner, Role.OWNER, at),)
    line = ground.setup.line.id
    pair = pair_of(draft, ground, customer)
    draft.put(
        CONVERSATION.of(draft.tenant, thread), Conversation(thread, line, customer, ConversationState.OPEN, at, owners)
    )
    draft.put(ground.pair(customer), evolve(pair, open=(*pair.open, thread), latest=thread))
    draft.tell(ConversationOpened(thread, customer, line, owner))
    return thread


def latest_open(draft: Draft, ground: Ground, customer: CustomerId) -> ConversationId | None:
    """The thread into which the next entry of this pair goes by itself."""
    threads = pair_of(draft, ground, customer).open
    return threads[-1] if threads else None


def open_to(draft: Draft, ground: Ground, customer: CustomerId, user: UserId) -> ConversationId | None:
    """The latest open thread of this pair that ``user`` is in or may take; somebody else's is not his to enter."""
    for thread in reversed(pair_of(draft, ground, customer).open):
        conversation: Conversation = draft.get(CONVERSATION.of(draft.tenant, thread))
        if conversation.owner is None or conversation.has(user):
            return thread
    return None


def add(draft: Draft, message: Message) -> None:
    """Store a message as the newest entry of its thread."""
    draft.put(MESSAGE.of(draft.tenant, message.id), message)
    draft.merge(CONVERSATION.of(draft.tenant, message.conversation), last_at=to_microseconds(message.at), entries=1)


@frozen
class Outgoing:
    """A message of ours before it has a place. ``message`` is its id where the caller chose one."""

    customer: CustomerId
    thread: ConversationId
    author: Author
    content: Content
    message: MessageId | None = None
    replies_to: ProviderId | None = None


def enqueue(draft: Draft, ground: Ground, outgoing: Outgoing) -> Message:
    """Store a message and put it into its lane."""
    return _place(draft, ground, outgoing, MessageStatus.QUEUED, EntryState.QUEUED, due_at=draft.now)


def hold(draft: Draft, ground: Ground, outgoing: Outgoing) -> Message:
    """Store a message outside the queue, until the window opens or it expires."""
    pair = pair_of(draft, ground, outgoing.customer)
    draft.put(ground.pair(outgoing.customer), evolve(pair, held=pair.held + 1))
    expires_at = draft.now + ground.settings.held_for
    return _place(draft, ground, outgoing, MessageStatus.HELD, EntryState.HELD, due_at=expires_at)


def _place(
    draft: Draft, ground: Ground, outgoing: Outgoing, status: MessageStatus, state: EntryState, due_at: datetime
) -> Message:
    now, line = draft.now, ground.setup.line.id
    message = Message(
        outgoing.message or MessageId(draft.new_id()),
        outgoing.thread,
        outgoing.customer,
        line,
        now,
        outgoing.author,
        outgoing.content,
        status,
        now,
        replies_to=outgoing.replies_to,
        expires_at=due_at if status is MessageStatus.HELD else None,
    )
    add(draft, message)
    draft.put(
        OUTBOX.of(draft.tenant, Work.SEND.value, message.id),
        OutboxEntry(message.id, line, outgoing.customer, Work.SEND, state, due_at, now),
    )
    draft.wake(ground.lane(outgoing.customer, Work.SEND), due_at)
    notice = outgoing.author.notice if isinstance(outgoing.author, BySystem) else None
    draft.tell(MessageQueued(message.id, outgoing.thread, status, notice))
    return message


def enqueue_fetch(draft: Draft, ground: Ground, customer: CustomerId, message: MessageId) -> None:
    """Have the file of an inbound message fetched."""
    draft.put(
        OUTBOX.of(draft.tenant, Work.FETCH.value, message),
        OutboxEntry(message, ground.setup.line.id, customer, Work.FETCH, EntryState.QUEUED, draft.now, draft.now),
    )
    draft.wake(ground.lane(customer, Work.FETCH), draft.now)
