"""What goes out, and what may come of it."""

from datetime import timedelta
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from wa_connector.model.address import Address
from wa_connector.model.content import Content, MediaRef
from wa_connector.model.ids import MessageId, ProviderId


@frozen
class Envelope:
    """A message ready for a transport: where to, what, and our id, which the provider brings back in its statuses."""

    message: MessageId
    to: Address
    content: Content
    replies_to: ProviderId | None = field(default=None, repr=False)


@frozen
class Accepted:
    """The provider took the message. ``addresses`` are those that its answer pairs with the recipient. Of a message that
    went in several parts, each under an id of its own, ``further`` are those of the second part and the rest."""

    provider_id: ProviderId = field(repr=False)
    addresses: tuple[Address, ...] = ()
    further: tuple[ProviderId, ...] = field(default=(), repr=False)


class Correction(Enum):
    """What a provider's refusal teaches us about the standing."""

    NONE = "none"
    WINDOW_CLOSED = "window_closed"
    NOT_ON_CHANNEL = "not_on_channel"
    MARKETING_STOPPED = "marketing_stopped"
    MARKETING_CAPPED = "marketing_capped"
    """The customer gets enough marketing from everybody; for a day, no more of it."""
    OPTED_OUT = "opted_out"
    """The customer told the provider to stop everything, and it lets nothing pass: as good as a STOP to us."""


@frozen
class Rejected:
    """The provider refused the message, and nothing was sent."""

    code: str
    meaning: str
    correction: Correction = Correction.NONE


@frozen
class Deferred:
    """Refused before processing, for now: the same message may be handed over again after ``retry_after``."""

    code: str
    meaning: str
    retry_after: timedelta | None = None


@frozen
class AccountStopped:
    """The account or the line cannot send at all (bad token, blocked account): nothing was sent, nothing will be until
    somebody mends it."""

    code: str
    meaning: str


@frozen
class OutcomeUnknown:
    """The call was cut off or failed half-way: the message may have been sent."""

    problem: str


SendOutcome: TypeAlias = Accepted | Rejected | Deferred | AccountStopped | OutcomeUnknown


@frozen
class Fetched:
    """The bytes of inbound media are in the media store."""

    media: MediaRef


@frozen
class FetchFailed:
    """They are not. ``is_final``: no later attempt can succeed."""

    problem: str
    is_final: bool


FetchOutcome: TypeAlias = Fetched | FetchFailed
