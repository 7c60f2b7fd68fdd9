"""What a channel reads out of a webhook: domain values, before any rule looked at them."""

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from wa_connector.model.address import Address
from wa_connector.model.consent import Signal
from wa_connector.model.content import Circumstances, Content
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.outbound import Correction
from wa_connector.model.template import TemplateCategory, TemplateStatus


class Report(Enum):
    """What a provider says became of a message."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"


@frozen
class Sender:
    """A person as one payload names him; the addresses in it belong together."""

    addresses: tuple[Address, ...]
    name: str = field(default="", repr=False)


@frozen
class InboundMessage:
    """A message of a customer. ``at`` is the provider's time; ``opens_window`` is the channel's word on whether this
    kind counts as a sign of life."""

    provider_id: ProviderId = field(repr=False)
    at: datetime
    sender: Sender
    content: Content
    replies_to: ProviderId | None = field(default=None, repr=False)
    opens_window: bool = True
    formerly: tuple[Address, ...] = ()
    """By what the sender was known until now, where the provider says that this changed."""
    circumstances: Circumstances | None = None
    is_history: bool = False
    """Written before the line was connected, and told of afterwards: it is stored, and nobody is notified."""
    heard_at: datetime | None = None
    """Since when it is known that somebody has heard it where it lies: then it is not news."""
    signal: Signal | None = None
    """What the provider itself read in it and acted on, where it keeps opt-outs of its own."""
    is_answered: bool = False
    """The provider has confirmed it, or answered a call for help: the customer gets no second answer from us."""


@frozen
class InboundEcho:
    """What the business wrote elsewhere on the same line, in the provider's own app. ``report`` is what became of it,
    where that is told."""

    provider_id: ProviderId = field(repr=False)
    at: datetime
    recipient: Sender
    content: Content
    replies_to: ProviderId | None = field(default=None, repr=False)
    report: Report | None = None


@frozen
class TemplateNews:
    """What changed of a template; None and '' for what is not told."""

    name: str
    language: str
    status: TemplateStatus | None = None
    raw_status: str = ""
    category: TemplateCategory | None = None
    quality: str = ""


@frozen
class InboundNotice:
    """What the provider tells about an account or a line of it. ``topic`` is its word for the kind of notice, ``word``
    for what happened. ``provider_id`` is made by the channel, the same one for the same notice. ``raw`` is its JSON text,
    where it says more than that."""

    provider_id: ProviderId
    at: datetime | None
    topic: str
    word: str
    template: TemplateNews | None = None
    raw: str = field(default="", repr=False)


@frozen
class InboundStatus:
    """A report on a message of ours. ``message`` is our id where the provider brought it back; ``error`` is the
    provider's code of a failure, with its ``meaning`` and what it teaches about the customer's standing."""

    provider_id: ProviderId = field(repr=False)
    at: datetime
    report: Report
    message: MessageId | None = None
    recipient: Sender | None = None
    error: str = ""
    meaning: str = ""
    correction: Correction = Correction.NONE
    free_until_at: datetime | None = None
    """Until when the provider charges for nothing that is sent to this customer, where the report says so."""


@frozen
class InboundPreference:
    """What a customer chose in the provider's own app: to stop marketing, or to have it again. ``provider_id`` is made
    by the channel where the provider gives none, the same one for the same choice. ``form`` is the provider's id of the
    business's form by which he signed up, where he did: what it said is evidence."""

    provider_id: ProviderId = field(repr=False)
    at: datetime
    sender: Sender
    wants_marketing: bool
    form: str = ""


@frozen
class InboundHeard:
    """Somebody heard a customer's message where it lies, by another way than this one: in the menu of a voicemail box,
    say. ``at`` is when that was, or was seen. Heard stays heard."""

    provider_id: ProviderId = field(repr=False)
    at: datetime


@frozen
class InboundGone:
    """A customer's message was removed where it lay: what is kept here is all there is of it. ``at`` is when that was, or
    was seen."""

    provider_id: ProviderId = field(repr=False)
    at: datetime


@frozen
class Unreadable:
    """An element that this version cannot take: kept for inspection, never raised. ``raw`` is its JSON text."""

    problem: str
    raw: str = field(repr=False)


InboundItem: TypeAlias = (
    InboundMessage
    | InboundEcho
    | InboundStatus
    | InboundPreference
    | InboundNotice
    | InboundHeard
    | InboundGone
    | Unreadable
)


@frozen
class Inbound:
    """One element of a webhook with the provider's ids of the account and the line it names ('' where it names
    none)."""

    account_ref: str
    line_ref: str
    item: InboundItem
