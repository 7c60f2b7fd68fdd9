"""Threads and what is put into them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, assert_never

from attrs import evolve, frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground, pair_of
from wa_connector.model.content import Act, Content, Deed, Note, files_of
from wa_connector.model.conversation import Conversation, ConversationState, Listing, Participant, Role
from wa_connector.model.directory import Seat
from wa_connector.model.event import ConversationOpened, ConversationTaken, HeldHandedOver, MessageQueued
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, ProviderId, UserId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import Author, ByApp, ByCustomer, BySystem, ByUser, FellBack, Message, MessageStatus
from wa_connector.model.queue import EntryState, OutboxEntry, Work
from wa_connector.policy.membership import Right, joined, listing_of, lists_of, may, shows
from wa_connector.ports.rows import CONVERSATION, FILE_USE, LISTING, MESSAGE, OUTBOX, Key
from wa_connector.ports.storage import Range

MOST_HELD: Final = 1000
"""More than one customer is ever kept waiting for."""


def open_thread(
    draft: Draft,
    ground: Ground,
    customer: CustomerId,
    owner: UserId | None,
    at: datetime,
    restarted_from: ConversationId | None = None,
) -> ConversationId:
    """Begin a thread; without an owner it stands on the unassigned list."""
    thread = ConversationId(draft.new_id())
    owners = () if owner is None else (Participant(owner, Role.OWNER, at),)
    line = ground.setup.line.id
    pair = pair_of(draft, ground, customer)
    channel = ground.capabilities.channel
    opened = Conversation(thread, line, customer, ConversationState.OPEN, at, owners, restarted_from, channel)
    draft.put(CONVERSATION.of(draft.tenant, thread), opened)
    for name in lists_of(opened):
        key = LISTING.of(draft.tenant, name, thread)
        draft.put(key, listing_of(opened, name))
        draft.merge(key, last_at=to_microseconds(at))
    draft.put(ground.pair(customer), evolve(pair, open=(*pair.open, thread), latest=thread))
    draft.tell(ConversationOpened(thread, customer, line, owner))
    return thread


def open_to(draft: Draft, ground: Ground, customer: CustomerId, seat: Seat) -> ConversationId | None:
    """The latest open thread of this pair that the user writes into or may take; somebody else's is not his to enter."""
    for thread in reversed(pair_of(draft, ground, customer).open):
        if may(Right.WRITE, draft.get(CONVERSATION.of(draft.tenant, thread)), seat).is_allowed:
            return thread
    return None


def take_by_writing(draft: Draft, ground: Ground, thread: ConversationId, seat: Seat) -> None:
    """Whoever writes into a thread on the unassigned list, or into his team's, takes it; in any other nothing changes."""
    conversation: Conversation = draft.get(CONVERSATION.of(draft.tenant, thread))
    if may(Right.TAKE, conversation, seat).is_allowed:
        take_over(draft, ground, conversation, seat.user.id, MessageId(draft.new_id()))


def take_over(draft: Draft, ground: Ground, thread: Conversation, user: UserId, entry: MessageId) -> None:
    """Make ``user`` the owner of a thread that he may take. He sees what he saw before, being one of many."""
    team = thread.part_of(thread.owner) if thread.owner else None
    taken = joined(thread, user, Role.OWNER, draft.now, team.sees_from_at if team else None)
    note_act(draft, taken, user, entry, Act(Deed.TAKEN, whom=user, from_owner=thread.owner))
    pass_on_held(draft, ground, taken)
    draft.tell(ConversationTaken(thread.id, thread.owner, user))


def note_act(draft: Draft, thread: Conversation, by: UserId, entry: MessageId, content: Act | Note) -> None:
    """Store a thread as an act leaves it, and the act as an entry of its timeline, which nothing ever sends."""
    key = CONVERSATION.of(draft.tenant, thread.id)
    before: Conversation = draft.get(key)
    draft.put(key, thread)
    relist(draft, before, thread)
    now = draft.now
    add(
        draft,
        Message(
            entry, thread.id, thread.customer, thread.line, now, ByUser(by), content, MessageStatus.NOTED, status_at=now
        ),
    )


def relist(draft: Draft, before: Conversation, thread: Conversation) -> None:
    """Bring the lists up to date on which a thread stands or stood."""
    for name in dict.fromkeys((*lists_of(before), *lists_of(thread))):
        was, now = listing_of(before, name), listing_of(thread, name)
        if was == now:
            continue
        key = LISTING.of(draft.tenant, name, thread.id)
        stored: Listing | None = draft.get(key)
        if now is None:
            draft.delete(key)
        else:
            draft.put(key, evolve(now, marked=stored.marked if stored else 0))


def held_in(draft: Draft, ground: Ground, thread: Conversation) -> Iterator[tuple[OutboxEntry, Message]]:
    """What a thread holds for the window, in the order in which it would leave."""
    for entry, message in held_of(draft, ground, thread):
        if message.conversation == thread.id:
            yield entry, message


def held_of(draft: Draft, ground: Ground, thread: Conversation) -> Iterator[tuple[OutboxEntry, Message]]:
    """What all threads with a thread's customer on its line hold, in the order in which it would leave."""
    customer = identity.survivor(draft, thread.customer)
    if not pair_of(draft, ground, customer).held:  # A version that each held message moves: none comes in unseen.
        return
    prefix = (draft.tenant, ground.setup.line.id, customer, Work.SEND.value, 0)
    entries: Iterator[tuple[Key, OutboxEntry]] = iter(draft.range(Range("outbox", "lane", prefix, MOST_HELD)))
    for _, entry in entries:
        message: Message = draft.get(MESSAGE.of(draft.tenant, entry.message))
        if entry.state is EntryState.HELD:
            yield entry, message


def pass_on_held(draft: Draft, ground: Ground, thread: Conversation, heir: UserId | None = None) -> None:
    """Let the owner (or ``heir``, where there is none) answer for what is held by those who are no longer in the thread."""
    owner = thread.owner or heir
    if owner is None:
        return
    for _, message in held_in(draft, ground, thread):
        if message.sender is not None and not thread.has(message.sender):
            draft.put(MESSAGE.of(draft.tenant, message.id), evolve(message, sponsor=owner))
            draft.tell(HeldHandedOver(message.id, thread.id, owner))


def add(draft: Draft, message: Message) -> None:
    """Store a message as the newest entry of its thread, and tell the lists of all who see it."""
    draft.put(MESSAGE.of(draft.tenant, message.id), message)
    for sha256 in files_of(message.content):
        draft.put(FILE_USE.of(draft.tenant, sha256, f"message:{message.id}"), "")
    key, at = CONVERSATION.of(draft.tenant, message.conversation), to_microseconds(message.at)
    draft.merge(key, last_at=at, entries=1)
    thread: Conversation = draft.get(key)
    for name in lists_of(thread):
        if shows(thread, name, message.at):
            listing = LISTING.of(draft.tenant, name, thread.id)
            draft.merge(listing, last_at=at, arrived=int(is_news(message, name)))


def is_news(message: Message, name: str) -> bool:
    """Whether an entry is unread, at first, for whose list this is: what others wrote or did is, the system's is not, nor
    what was heard before it came in."""
    match message.author:
        case ByCustomer():
            return message.heard_at is None
        case ByUser(user):
            return user != name
        case ByApp():
            return True
        case BySystem():
            return False
        case _:
            assert_never(message.author)


def move_files(draft: Draft, before: Message, after: Message) -> None:
    """Note which files a message shows now that its content is another."""
    for sha256 in files_of(before.content):
        draft.discard(FILE_USE.of(draft.tenant, sha256, f"message:{after.id}"))
    for sha256 in files_of(after.content):
        key = FILE_USE.of(draft.tenant, sha256, f"message:{after.id}")
        draft.get(key)
        draft.put(key, "")


@frozen
class Outgoing:
    """A message of ours before it has a place. ``message`` is its id where the caller chose one."""

    customer: CustomerId
    thread: ConversationId
    author: Author
    content: Content
    message: MessageId | None = None
    replies_to: ProviderId | None = None
    redacted_by: tuple[str, ...] = ()
    fell_back: FellBack | None = None


def enqueue(draft: Draft, ground: Ground, outgoing: Outgoing) -> Message:
    """Store a message and put it into its lane."""
    return _place(draft, ground, outgoing, MessageStatus.QUEUED, EntryState.QUEUED, due_at=draft.now)


def hold(draft: Draft, ground: Ground, outgoing: Outgoing) -> Message:
    """Store a message outside the queue, until the window opens or it expires."""
    pair = pair_of(draft, ground, outgoing.customer)
    draft.put(ground.pair(outgoing.customer), evolve(pair, held=pair.held + 1))
    draft.merge(CONVERSATION.of(draft.tenant, outgoing.thread), held=1)
    expires_at = draft.now + ground.settings.held_for
    return _place(draft, ground, outgoing, MessageStatus.HELD, EntryState.HELD, due_at=expires_at)


def _place(
    draft: Draft, ground: Ground, outgoing: Outgoing, status: MessageStatus, state: EntryState, due_at: datetime
) -> Message:
    now, line = draft.now, ground.setup.line.id
    rank = pair_of(draft, ground, outgoing.customer).rank
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
        redacted_by=outgoing.redacted_by,
        fell_back=outgoing.fell_back,
    )
    add(draft, message)
    draft.put(
        OUTBOX.of(draft.tenant, Work.SEND.value, message.id),
        OutboxEntry(message.id, line, outgoing.customer, Work.SEND, state, due_at, now, rank=rank),
    )
    draft.wake(ground.lane(outgoing.customer, Work.SEND), due_at)
    notice = outgoing.author.notice if isinstance(outgoing.author, BySystem) else None
    draft.tell(MessageQueued(message.id, outgoing.thread, status, notice))
    return message


def enqueue_transcript(draft: Draft, ground: Ground, customer: CustomerId, message: MessageId) -> None:
    """Have the host asked for the words of a recording that is here."""
    entry = OutboxEntry(
        message, ground.setup.line.id, customer, Work.TRANSCRIBE, EntryState.QUEUED, draft.now, draft.now
    )
    draft.put(OUTBOX.of(draft.tenant, Work.TRANSCRIBE.value, message), entry)
    draft.wake(ground.lane(customer, Work.TRANSCRIBE), draft.now)


def enqueue_fetch(draft: Draft, ground: Ground, customer: CustomerId, message: MessageId) -> None:
    """Have the file of an inbound message fetched."""
    draft.put(
        OUTBOX.of(draft.tenant, Work.FETCH.value, message),
        OutboxEntry(message, ground.setup.line.id, customer, Work.FETCH, EntryState.QUEUED, draft.now, draft.now),
    )
    draft.wake(ground.lane(customer, Work.FETCH), draft.now)
