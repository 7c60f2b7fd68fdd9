"""Messages and who wrote them."""

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from wa_connector.model.content import Circumstances, Content, Erased
from wa_connector.model.ids import ConversationId, CustomerId, LineId, MessageId, ProviderId, UserId
from wa_connector.model.inbound import Report
from wa_connector.model.outbound import Correction
from wa_connector.model.routing import RoutedBy


class MessageStatus(Enum):
    """Where a message stands; the moves between these are one table, ``policy.status``."""

    RECEIVED = "received"
    """Inbound, stored."""
    HELD = "held"
    """Waits for the window to open; out of the queue."""
    QUEUED = "queued"
    SENDING = "sending"
    """Committed just before the provider is called; the only state whose outcome a crash leaves unknown."""
    UNKNOWN = "unknown"
    """Handed over, and no answer came: perhaps sent. Settled by a status webhook or after the grace period."""
    PARKED = "parked"
    """Outcome unknown past the grace period; a person decides."""
    ACCEPTED = "accepted"
    """The provider took it (which is not delivery)."""
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    """The provider refused or could not deliver."""
    REFUSED = "refused"
    """A rule refused it at the moment it was to be sent."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NOTED = "noted"
    """An act or a private note: an entry of the timeline that nothing ever sends."""


class NoticeKind(Enum):
    """The closed list of messages that the system itself may send, each at most once per cause."""

    OPT_IN_REQUEST = "opt_in_request"
    ACCEPTANCE = "acceptance"
    DECLINE = "decline"
    STOP = "stop"
    HELP = "help"


@frozen
class ByCustomer:
    """Written by the customer."""


@frozen
class ByUser:
    user: UserId


@frozen
class BySystem:
    """Written by the SDK itself; ``cause`` is the id of what caused it: a user's command or the customer's message."""

    notice: NoticeKind
    cause: str


@frozen
class ByApp:
    """Written by somebody of the business elsewhere: in the provider's own app on a telephone, which shares the line."""


Author: TypeAlias = ByCustomer | ByUser | BySystem | ByApp


@frozen
class Failure:
    """Why a message did not arrive: the provider's ``code`` (or a refusing rule's reason) and what it means."""

    code: str
    meaning: str
    correction: Correction = Correction.NONE
    """What it taught about the customer's standing."""


@frozen
class Part:
    """One part of a message that went in several, and what the provider reported of it last that counts."""

    provider_id: ProviderId | None = field(default=None, repr=False)
    report: Report | None = None


@frozen
class FellBack:
    """Of a message that went by another line than its thread's: which line it was written for, and why it could not go by
    that. ``code`` is the reason of the rule, or the provider's code, with its ``meaning``; ``by`` is who chose the other
    line, and None where the organization lets it happen by itself."""

    line: LineId
    channel: str
    at: datetime
    code: str
    meaning: str
    by: UserId | None = None


@frozen
class Message:
    """One message of a conversation. ``at`` is when it happened: the provider's time for what a customer wrote, the
    connector's clock for what was written here. ``status_at`` is when the present status came about."""

    id: MessageId
    conversation: ConversationId
    customer: CustomerId
    line: LineId
    at: datetime
    author: Author
    content: Content
    status: MessageStatus
    status_at: datetime
    provider_id: ProviderId | None = field(default=None, repr=False)
    replies_to: ProviderId | None = field(default=None, repr=False)
    failure: Failure | None = None
    handed_over_at: datetime | None = None
    """When it was last handed to the provider, by the connector's clock."""
    expires_at: datetime | None = None
    sponsor: UserId | None = None
    """Of a held message whose author left: who answers for it since. What he may do now decides whether it leaves."""
    acknowledged_at: datetime | None = None
    """Of an inbound message: when it was decided to show the customer that it was read, and with it all before it."""
    opens_window: bool = False
    """Of an inbound message: whether it counted as a sign of life."""
    circumstances: Circumstances | None = None
    """Of an inbound message: what the provider says of how it came about."""
    redacted_by: tuple[str, ...] = ()
    """The screeners' rules that left of it what it says now."""
    signature: str = ""
    """What the customer read before the text: who wrote it."""
    routed_by: RoutedBy | None = None
    """Of an inbound message: the rule that chose its thread, or the new thread's owner."""
    fell_back: FellBack | None = None
    """Set where ``line`` is not the thread's: it went by that instead, in a life of its own."""
    heard_at: datetime | None = None
    """Of an inbound message: since when it is known that it was heard where it lies (in the voicemail box, say)."""
    gone_at: datetime | None = None
    """Of an inbound message: since when it is known that it was removed where it lay. What is here stays."""
    parts: tuple[Part, ...] = ()
    """Of a message that went in several parts: each of them, the first (``provider_id``) included."""

    @property
    def is_inbound(self) -> bool:
        return isinstance(self.author, ByCustomer)

    @property
    def is_erased(self) -> bool:
        return isinstance(self.content, Erased)

    @property
    def sender(self) -> UserId | None:
        """The user in whose name it leaves; None for what a customer or the system wrote."""
        return (self.sponsor or self.author.user) if isinstance(self.author, ByUser) else None
