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
    customers_per_day: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )
    """Customers whom the portfolio may reach outside windows in moving 24 hours (Meta: 250, 2,000, …); None is no limit."""
    customers_per_day_code: int = 131048
    """What a further one is refused with: no page of Meta's names the code."""
    marketing_cap: int | None = None
    """Marketing templates to a customer in moving 24 hours outside windows, beyond which 131049; Meta's own number is
    secret."""
    no_marketing_to_us: bool = False
    """Whether marketing templates to US numbers fail (131049): Meta does not send them, and does not say how it tells."""
    direct_send: bool = False
    """Whether messages with a `category` are taken without a template; without it they are refused with 100."""
    marketing_on_cloud_api: bool = True
    """Without it marketing templates are refused on `/messages` with 131063, and only `/marketing_messages` takes them."""
    official_business_account: bool = False
    """Groups are for official business accounts only; others are refused with 131215."""
    template_review: Literal["manual", "approve", "reject"] = attrs.field(
        default="manual", validator=attrs.validators.in_(("manual", "approve", "reject"))
    )
    """What becomes of a created or edited template after `template_review_after`; `manual` leaves it pending."""
    template_review_after: timedelta = timedelta(0)
    """How long a review takes."""
    categories_as: str | None = None
    """The category that every new template gets, whatever was asked for: Meta approves UTILITY as MARKETING."""
    template_pacing: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    """After so many sends of a new template the next ones are held (`held_for_quality_assessment`) until
    `release_template` or `pause_template` decides; None paces nothing."""
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
    override: Callback | None = None
    is_registered: bool = True
    is_on_app: bool = False
    """Whether the WhatsApp Business app uses the number as well (coexistence)."""
    pin: str = attrs.field(default="", repr=False)
    quality: str = "GREEN"


class TemplateStatus(StrEnum):
    """The statuses that the emulator can put a template in."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"
    IN_APPEAL = "IN_APPEAL"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    ARCHIVED = "ARCHIVED"
    PENDING_DELETION = "PENDING_DELETION"


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
    quality: str = "UNKNOWN"
    previous_category: str | None = None
    correct_category: str | None = None
    ttl_seconds: int | None = None
    source: str = "USER"
    pauses: int = 0
    """How often low quality paused it: three hours, six hours, and the third time for good."""
    paused_until: datetime | None = None
    is_paced: bool = False
    """Whether pacing paused it: then only `/unpause` helps."""
    sends: int = 0
    edited_at: tuple[datetime, ...] = ()
    review_at: datetime | None = None
    """When its review ends by itself."""
    updated_at: datetime | None = None


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
    identity: str = "0"
    """The hash of the customer's key: it changes with a new telephone."""
    is_online: bool = True
    """A telephone that is off gets its messages when it is on again."""
    call_permission: Literal["none", "temporary", "permanent"] = "none"
    blocked_by: frozenset[str] = frozenset()
    """The business numbers that have blocked the customer."""
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
    leads, and a `code`, whose id is what it copies, send nothing; a `flow`, a `voice_call` and a `request`
    (`location`, `contact`, `call_permission`) are answered by acts of their own."""

    kind: Literal["button", "button_reply", "list_reply", "link", "code", "flow", "voice_call", "request"]
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
    is_voice: bool = False
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
    group_id: str | None = None


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
    group_id: str | None = None
    participants: tuple[str, ...] = ()
    """Of a message to a group: the BSUIDs of those in it when it was sent."""
    is_held: bool = False
    """Whether pacing holds it back."""
    expires_at: datetime | None = None
    """When it is dropped, in silence, should the telephone still be off."""

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
    state: Literal["ringing", "connected", "over"] = "over"
    opaque: str | None = None
    cta_payload: str | None = None


@attrs.frozen
class Group:
    """A group of the business's, with those in it and those who have asked to be let in."""

    id: str
    number_id: str
    subject: str
    created_at: datetime
    description: str | None = None
    needs_approval: bool = False
    invite: str = ""
    participants: tuple[str, ...] = ()
    requests: Mapping[str, str] = attrs.field(factory=dict)
    """BSUIDs by id of their request."""
    is_suspended: bool = False


MediaKind = Literal["image", "video", "audio", "document", "sticker"]


@attrs.frozen
class Attachment:
    """A file that a customer sends."""

    kind: MediaKind
    mime_type: str
    data: bytes = attrs.field(repr=False)
    caption: str | None = None
    filename: str | None = None
    is_voice: bool = False
    is_animated: bool = False


@attrs.frozen
class UploadSession:
    """The first step of a resumable upload."""

    id: str
    file_type: str
    length: int


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


@attrs.frozen
class Request:
    """A call of the API, and how it was answered. Tokens are left out, and so are files."""

    id: int
    at: datetime
    method: str
    path: str
    query: Mapping[str, str]
    body: Json
    status: int
    answer: Json
    code: int | None = None
    is_lost: bool = False


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
