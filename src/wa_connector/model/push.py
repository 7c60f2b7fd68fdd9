"""Push notices: whom an event concerns, and what his device may show of it."""

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from wa_connector.model.ids import ConversationId, MessageId, TenantId, UserId


class PushKind(Enum):
    """What a user is told of."""

    MESSAGE = "message"
    """A customer wrote."""
    GIVEN = "given"
    """He was given a conversation, or added to one."""
    UNASSIGNED = "unassigned"
    """A conversation stands on the unassigned list."""
    NOTE = "note"
    """Somebody else wrote a private note."""
    NOT_SENT = "not_sent"
    """A message of his did not arrive."""


@frozen
class PushNotice:
    """One notice to one user, team or queue; ``user`` is None where it is for whoever looks after the unassigned list.

    ``id`` is the same whenever it is given again: a push service can use it to show a notice once. ``sender`` and
    ``text`` are what the setting ``push_shows`` lets a device show, else ''. ``badge`` is how many of the
    open conversations in his inbox hold something unread, 100 standing for that and more; None where ``user`` is None.
    """

    id: str
    tenant: TenantId
    user: UserId | None
    kind: PushKind
    conversation: ConversationId
    message: MessageId | None
    at: datetime
    sender: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    badge: int | None = None
