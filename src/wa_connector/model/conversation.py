"""Threads: a customer on a line, and the users who take part."""

from datetime import datetime
from enum import Enum
from typing import Final

from attrs import frozen

from wa_connector.model.ids import ConversationId, CustomerId, LineId, UserId


class ConversationState(Enum):
    OPEN = "open"
    ENDED = "ended"


class Role(Enum):
    OWNER = "owner"
    MEMBER = "member"
    OBSERVER = "observer"


@frozen
class Participant:
    """A part in a thread, ``[since_at, until_at)``; ``until_at`` is None while it lasts.

    ``user`` is a user, a team or a queue: all are addressed alike. Whoever changes role begins a new part.
    """

    user: UserId
    role: Role
    since_at: datetime
    until_at: datetime | None = None
    sees_from_at: datetime | None = None
    """The first instant that he sees; None for the whole thread. Settled when he joins, so that a later change of the
    organization's choice shows nobody more and nobody less."""
    is_muted: bool = False

    @property
    def is_current(self) -> bool:
        return self.until_at is None


@frozen
class Conversation:
    """One thread. Without a current owner it stands on the unassigned list."""

    id: ConversationId
    line: LineId
    customer: CustomerId
    state: ConversationState
    opened_at: datetime
    participants: tuple[Participant, ...] = ()
    restarted_from: ConversationId | None = None
    channel: str = ""
    """The line's."""

    @property
    def owner(self) -> UserId | None:
        for participant in self.participants:
            if participant.role is Role.OWNER and participant.until_at is None:
                return participant.user
        return None

    def part_of(self, user: UserId) -> Participant | None:
        """The part that ``user`` has now."""
        return next((part for part in self.participants if part.user == user and part.until_at is None), None)

    def has(self, user: UserId) -> bool:
        """Whether ``user`` takes part now."""
        return self.part_of(user) is not None


class ListingState(Enum):
    """On which part of a list a thread stands."""

    OPEN = "open"
    ENDED = "ended"
    FORMER = "former"
    """Whose list it is takes part no longer; he may see what was while he did."""


@frozen
class Listing:
    """A thread on one list. ``shelf`` is its channel, or on the unassigned list its line; ``lists`` are the names of all
    lists that it is on now, so that whoever reads several of them knows it again.

    ``[sees_from_at, sees_until_at)`` holds all that is seen of it by this list's name: None is without an end.
    """

    conversation: ConversationId
    customer: CustomerId
    line: LineId
    state: ListingState
    shelf: str
    is_owned: bool = False
    lists: tuple[str, ...] = ()
    sees_from_at: datetime | None = None
    sees_until_at: datetime | None = None
    marked: int = 0
    """How often it was marked as unread."""


UNASSIGNED: Final = ""
"""The name of the list of what nobody owns."""


@frozen
class Pair:
    """What one line and one customer have in common: their open threads, oldest first, and the last thread of all.

    ``unreachable_since_at`` is set when the provider said that the customer cannot be reached on this channel, and
    cleared by the customer's next sign of life.
    """

    open: tuple[ConversationId, ...] = ()
    latest: ConversationId | None = None
    marketing_after_at: datetime | None = None
    """Until then the provider wants no more marketing to this customer."""
    held: int = 0
    """How many messages wait for the window."""
    rank: int = 0
    """The highest rank in its lane; see ``OutboxEntry``."""
    unreachable_since_at: datetime | None = None
    free_until_at: datetime | None = None
    """Until then the provider charges for no message to this customer. A matter of price alone."""
