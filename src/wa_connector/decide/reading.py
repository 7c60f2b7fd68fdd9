"""Reading: how far a user has read, and what he has not.

Theory: each list that a thread stands on counts what others put in (``arrived``) and what of that was read (``seen``); the
difference is what is unread, and nothing is ever counted for a screen. A mark says how far somebody read *in the order of
the timeline*; what lies behind it is counted once, when it is set, and taken from what had arrived by then. Both counts
only rise, so the marks of several devices and the entries that come in meanwhile may land in any order. What a team or a
queue has in hand is read when one of them has read it, like the post of one box.
"""

from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from wa_connector.decide.acknowledging import LOOKS_BACK, acknowledge
from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.decide.ground import Ground
from wa_connector.decide.sending import Placement, seat_of
from wa_connector.decide.threads import is_news
from wa_connector.model.conversation import UNASSIGNED, Conversation, Listing
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import Seat
from wa_connector.model.event import ConversationMarkedUnread, ConversationRead
from wa_connector.model.ids import ConversationId, MessageId, TenantId
from wa_connector.model.instants import to_microseconds
from wa_connector.policy.membership import Right, lists_of, may, names_of, shows
from wa_connector.ports.rows import CONVERSATION, LISTING, Key
from wa_connector.ports.storage import Range

MOST_BEHIND: Final = 1000
"""Whoever marks an entry that is further back than this has not read on, as far as anybody counts."""
_ALLOWED: Final = Decision(Reason.ALLOWED)


@frozen
class MarkRead:
    """A user has read everything up to an entry that he sees: ``message``, which happened ``at``."""

    ground: Ground
    conversation: ConversationId
    message: MessageId
    at: datetime

    @property
    def behind(self) -> Range:
        """What lies behind the mark."""
        place = (to_microseconds(self.at), self.message)
        prefix = (self.ground.setup.line.tenant, self.conversation)
        return Range("message", "timeline", prefix, MOST_BEHIND, after=place)

    @property
    def before(self) -> Range:
        """What lies just before it: among that, what the customer is told was read."""
        return evolve(self.behind, limit=LOOKS_BACK, descending=True)


@frozen
class MarkUnread:
    ground: Ground
    conversation: ConversationId


def listings_of(tenant: TenantId, conversation: ConversationId, seat: Seat) -> list[Key]:
    """Where a thread may stand on a list that this user reads."""
    return [LISTING.of(tenant, name, conversation) for name in (*sorted(names_of(seat)), UNASSIGNED)]


def mark_read(draft: Draft, command: MarkRead) -> Placement:
    """Note how far a user has read. A mark before an earlier one changes nothing; nor does that of one who looks at what
    is on no list of his."""
    thread = _readable(draft, command.ground, command.conversation)
    seat = seat_of(command.ground)
    behind = [entry for _, entry in draft.glimpse(command.behind)]
    has_read_on, lists = False, _lists(thread, seat)
    if lists:
        acknowledge(draft, command.ground, thread, command.message, command.before)
    for name in lists:
        key = LISTING.of(draft.tenant, name, thread.id)
        counts, at = draft.merged(key), to_microseconds(command.at)
        unread = sum(is_news(entry, name) and shows(thread, name, entry.at) for entry in behind)
        seen = counts.get("arrived", 0) - unread if len(behind) < MOST_BEHIND else 0
        if seen > counts.get("seen", 0) or at > counts.get("read_at", 0):
            draft.merge(key, seen=max(0, seen), read_at=at)
        has_read_on = has_read_on or seen > counts.get("seen", 0)
    if has_read_on:
        draft.tell(ConversationRead(thread.id, seat.user.id))
    return Placement(_ALLOWED, thread.id)


def mark_unread(draft: Draft, command: MarkUnread) -> Placement:
    """Let a thread that was read count as one unread entry again, until it is read next."""
    thread = _readable(draft, command.ground, command.conversation)
    seat = seat_of(command.ground)
    names = [name for name in _lists(thread, seat) if not unread_of(draft, thread, name)]
    refuse_unless(_ALLOWED if names else Decision(Reason.NOTHING_TO_DO))
    for name in names:
        key = LISTING.of(draft.tenant, name, thread.id)
        listing: Listing = draft.get(key)
        # A payload, so that of two devices at once the second finds it marked.
        draft.put(key, evolve(listing, marked=listing.marked + 1))
        draft.merge(key, arrived=1)
    draft.tell(ConversationMarkedUnread(thread.id, seat.user.id))
    return Placement(_ALLOWED, thread.id)


def unread_of(draft: Draft, thread: Conversation, name: str) -> int:
    """How many entries of a thread are unread on a list."""
    counts = draft.merged(LISTING.of(draft.tenant, name, thread.id))
    return max(0, counts.get("arrived", 0) - counts.get("seen", 0))


def _readable(draft: Draft, ground: Ground, conversation: ConversationId) -> Conversation:
    thread: Conversation | None = draft.get(CONVERSATION.of(draft.tenant, conversation))
    refuse_unless(may(Right.READ, thread, seat_of(ground)))
    refuse_unless(Decision(Reason.USER_DISABLED) if seat_of(ground).user.disabled else _ALLOWED)
    assert thread is not None
    return thread


def _lists(thread: Conversation, seat: Seat) -> list[str]:
    mine = {*names_of(seat), UNASSIGNED}
    return [name for name in lists_of(thread) if name in mine]
