"""What a host's screeners see of a message, and what they may say: let it through, redact it, or block it."""

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from wa_connector.model.content import Content
from wa_connector.model.ids import ConversationId, LineId, TenantId, UserId
from wa_connector.model.opinion import Veto


class Direction(Enum):
    OUT = "out"
    """A user's message to a customer."""
    IN = "in"
    """A customer's message."""


@frozen
class Screening:
    """A message that a screener is shown. ``user`` is who writes, ``conversation`` where; both are None of what a customer
    writes, whose thread is chosen afterwards. ``content`` is what earlier screeners left of it."""

    tenant: TenantId
    line: LineId
    channel: str
    direction: Direction
    user: UserId | None
    conversation: ConversationId | None
    content: Content = field(repr=False)
    at: datetime


@frozen
class Redact:
    """Say this instead: the same kind of content, or a text. ``rule`` is the name of the rule that asks for it."""

    rule: str
    content: Content = field(repr=False)


@frozen
class Screened:
    """What all screeners together made of a message: what is left of it, the rules that redacted it, and what blocks
    it. A veto with an end comes of a screener that could not be asked."""

    content: Content = field(repr=False)
    redacted_by: tuple[str, ...] = ()
    vetoes: tuple[Veto, ...] = ()
