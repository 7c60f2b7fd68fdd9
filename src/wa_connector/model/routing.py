"""Whose is what a customer writes? The rules by name, what the host is asked, and what it says."""

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from wa_connector.model.address import Address
from wa_connector.model.ids import ConversationId, CustomerId, LineId, TenantId, UserId


class RoutedBy(Enum):
    """The rule that gave a customer's message its thread, or a new thread its owner."""

    QUOTED = "quoted"
    """He quoted a message of that thread, or of the one that it goes on from."""
    LATEST = "latest"
    """It is the open thread with him in which something happened last."""
    LAST_OWNER = "last_owner"
    """It begins again for whoever owned the thread that ended."""
    HOST = "host"
    """The host's routing hook named the owner."""
    CONTACT_OWNER = "contact_owner"
    """He is a contact of the owner's."""
    LINE_OWNER = "line_owner"
    """It is the owner's own line."""
    UNASSIGNED = "unassigned"
    """Nobody was found: it stands on the unassigned list."""


@frozen
class RoutingQuestion:
    """Who shall have the new thread that a message begins? ``customer`` is None for somebody who is met for the first
    time, ``last_owner`` who had the last thread with him, and ``contact_owners`` whose contact he is."""

    tenant: TenantId
    line: LineId
    channel: str
    customer: CustomerId | None
    addresses: tuple[Address, ...] = field(repr=False)
    last_owner: UserId | None
    at: datetime
    contact_owners: tuple[UserId, ...] = ()


@frozen
class Candidate:
    """Somebody who could have a new thread: a user, a team or a queue.

    ``is_able``: he is not disabled and has the channel. ``is_away``: the host says that he is not there.
    """

    user: UserId
    by: RoutedBy
    is_able: bool = True
    is_away: bool = False


@frozen
class Route:
    """Where a message goes, and by which rule.

    Into ``thread``; or, when that is None, into a new one of ``owner`` (None: the unassigned list), which goes on from
    the ended thread ``restarts``.
    """

    by: RoutedBy
    thread: ConversationId | None = None
    owner: UserId | None = None
    restarts: ConversationId | None = None
