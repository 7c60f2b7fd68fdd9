"""The things the emulator knows, as frozen values.

Rules of this file: values only, no behaviour beyond what a value says about itself. They change
by `attrs.evolve`, and the mutable `World` holds the current ones. What is kept out of a repr
(tokens, bytes) is kept out of the control API's JSON by the same mark.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import attrs

Json = Mapping[str, object]

RETRY_DELAYS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600))


@attrs.frozen
class Settings:
    """The rules that sources disagree on, or that a test may want out of its way."""

    window_violation: Literal["async", "sync"] = attrs.field(
        default="async", validator=attrs.validators.in_(("async", "sync"))
    )
    """Free text to a closed window: a `failed` status later, or HTTP 400 at once. Meta does both;
    the first is the usual one."""
    blocked_send: Literal["silent", "failed"] = attrs.field(
        default="silent", validator=attrs.validators.in_(("silent", "failed"))
    )
    """A send to someone who blocked the business: `sent` and then nothing, or a failed 131026."""
    pair_limit: bool = True
    """One message per 6 s to the same customer, 45 at a burst; beyond that 131056."""
    throughput_per_second: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )
    """Messages a second per business number, beyond which 130429 (Meta: 80); None is no limit."""
    sent_after: timedelta = timedelta(0)
    """From acceptance to `sent`, and to `failed`."""
    delivered_after: timedelta = timedelta(0)
    """From `sent` to `delivered`, when the message also appears on the phone."""
    free_service_messages: int = 1000
    """Service messages per number and calendar month that are priced as free."""
    inbound_media_limit: int = 100 * 1024 * 1024
    """Bytes; a customer's larger file arrives as `unsupported` with error 131052."""
    retry_delays: tuple[timedelta, ...] = attrs.field(default=RETRY_DELAYS, validator=attrs.validators.min_len(1))
    """Virtual time between webhook attempts; the last one repeats until seven days are over."""


@attrs.frozen
class Callback:
    """Where webhooks go."""

    url: str
    verify_token: str = attrs.field(repr=False)


@attrs.frozen
class Account:
    """A WhatsApp business account (WABA)."""

    id: str
    name: str
    is_subscribed: bool = False
    override: Callback | None = None


@attrs.frozen
class Number:
    """A business phone number. `display_number` is all digits, country code first."""

    id: str
    account_id: str
    display_number: str
    country_code: str
    verified_name: str


class TemplateStatus(StrEnum):
    """The statuses that the emulator can put a template in."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


@attrs.frozen
class Template:
    """A message template in one language; `components` are as the create call gave them."""

    id: str
    account_id: str
    name: str
    language: str
    category: str
    components: tuple[Json, ...]
    parameter_format: str = "POSITIONAL"
    status: TemplateStatus = TemplateStatus.PENDING
    rejected_reason: str = "NONE"


@attrs.frozen
class Customer:
    """A person with a phone. `phone` is digits only; `bsuid` is there for everybody.

    A block and a marketing stop are each against one business number, hence sets of its ids.
    """

    bsuid: str
    phone: str
    name: str
    username: str | None = None
    on_whatsapp: bool = True
    hidden_number: bool = False
    blocked: frozenset[str] = frozenset()
    marketing_stopped: frozenset[str] = frozenset()

    @property
    def shown_phone(self) -> str | None:
        """The phone, unless the customer hides it from businesses."""
        return None if self.hidden_number else self.phone


@attrs.frozen
class Media:
    """A stored file. `sha256` is hex. The id lives in the half-open [stored, `expires_at`)."""

    id: str
    number_id: str
    mime_type: str
    sha256: str
    expires_at: datetime
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class MediaUrl:
    """A download address handed out for a medium, good in [handed out, `expires_at`)."""

    media_id: str
    expires_at: datetime


@attrs.frozen
class Choice:
    """Something a phone can tap. `kind` says what a tap sends back; a `link`, whose id is where it
    leads, and a `code`, whose id is what it copies, send nothing."""

    kind: Literal["button", "button_reply", "list_reply", "link", "code"]
    id: str
    title: str
    description: str | None = None


@attrs.frozen
class Content:
    """What a phone shows of a message, with a template's parameters filled in."""

    kind: str
    text: str | None = None
    header: str | None = None
    footer: str | None = None
    media_id: str | None = None
    sha256: str | None = None
    mime_type: str | None = None
    link: str | None = None
    filename: str | None = None
    choices: tuple[Choice, ...] = ()
    template: str | None = None
    category: str = "service"
    reacts_to: str | None = None
    payload: Json | None = None
    cards: tuple["Content", ...] = ()
    """The cards of a carousel, each of kind `card`."""

    @property
    def all_choices(self) -> tuple[Choice, ...]:
        """What can be tapped, on the message and on its cards."""
        return (*self.choices, *(choice for card in self.cards for choice in card.choices))


@attrs.frozen
class Address:
    """Whom a send is addressed to: a phone (`wa_id`, digits) or a BSUID (`user_id`)."""

    input: str
    wa_id: str | None = None
    user_id: str | None = None


@attrs.frozen
class Failure:
    """Why an accepted message will not arrive."""

    code: int
    details: str


@attrs.frozen
class BusinessMessage:
    """A message the business sent and the emulator accepted.

    `arrives_at` is None when it never reaches a phone.
    """

    id: str
    number_id: str
    address: Address
    bsuid: str | None
    accepted_at: datetime
    content: Content
    opaque: str | None = None
    context_id: str | None = None
    failure: Failure | None = None
    arrives_at: datetime | None = None
    read_at: datetime | None = None

    def has_arrived(self, now: datetime) -> bool:
        """Whether the phone shows it at `now`."""
        return self.arrives_at is not None and self.arrives_at <= now


@attrs.frozen
class CustomerMessage:
    """A message a customer sent. `is_read` and `is_typing` are what the business made of it."""

    id: str
    number_id: str
    bsuid: str
    sent_at: datetime
    payload: Json
    is_read: bool = False
    is_typing: bool = False


@attrs.frozen
class Call:
    """A call between a customer and a business number, from its first ring to its end."""

    id: str
    number_id: str
    bsuid: str
    started_at: datetime
    ended_at: datetime
    is_answered: bool
    by_business: bool = False


@attrs.frozen
class Notice:
    """One change to tell by webhook, from `due_at` on.

    `time` is the entry's, in Unix seconds; only account-level fields carry it.
    """

    account_id: str
    field: str
    value: Json
    due_at: datetime
    time: int | None = None


class WebhookState(StrEnum):
    """How far a webhook has got. Only a pending one is still the courier's business."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    EXPIRED = "expired"
    UNSUBSCRIBED = "unsubscribed"


@attrs.frozen
class Attempt:
    """One POST: `status` is None when no answer came, and then `error` says why.

    `together_with` are the ids of all webhooks in that body.
    """

    at: datetime
    url: str
    status: int | None
    error: str | None
    response: str
    together_with: tuple[int, ...]


@attrs.frozen
class Webhook:
    """An entry of the webhook log: what is to be told, and how the telling went."""

    id: int
    notice: Notice
    payload: Json
    due_at: datetime
    state: WebhookState = WebhookState.PENDING
    attempts: tuple[Attempt, ...] = ()
