"""Everything that is so at the moment.

Rules of this file: one mutable holder of frozen values and the look-ups over it. It decides
nothing and does no I/O. Whoever changes it holds the emulator's lock; the functions that change
it are in `graph`, `phones` and `courier`.
"""

from collections import Counter, deque
from datetime import datetime

import attrs

from .errors import ControlError, unknown_object
from .ids import Mint
from .rules import Bucket
from .values import (
    Account,
    BusinessMessage,
    Call,
    Callback,
    Customer,
    CustomerMessage,
    Group,
    Json,
    Media,
    MediaUrl,
    Number,
    Request,
    Template,
    UploadSession,
    Webhook,
)


def digits_of(phone: str) -> str:
    """The digits of a phone number in any spelling."""
    return "".join(c for c in phone if c.isdigit())


@attrs.define
class World:
    """The app with its accounts and numbers, the customers, the messages and the webhook log."""

    mint: Mint
    app_id: str = "670843887433847"
    app_name: str = "Emulated app"
    app_callback: Callback | None = None
    fields: frozenset[str] = frozenset({"*"})
    """The fields that the app's own subscription names; `*` are all."""
    accounts: dict[str, Account] = attrs.field(factory=dict)
    numbers: dict[str, Number] = attrs.field(factory=dict)
    templates: dict[str, Template] = attrs.field(factory=dict)
    retired_names: dict[tuple[str, str], datetime] = attrs.field(factory=dict)
    """When a template name was deleted, by account and name: it stays locked for a while."""
    creations: dict[str, list[datetime]] = attrs.field(factory=dict)
    """When templates were created, by account, for the limit of an hour."""
    customers: dict[str, Customer] = attrs.field(factory=dict)
    bsuid_of_phone: dict[str, str] = attrs.field(factory=dict)
    media: dict[str, Media] = attrs.field(factory=dict)
    media_urls: dict[str, MediaUrl] = attrs.field(factory=dict)
    business_messages: dict[str, BusinessMessage] = attrs.field(factory=dict)
    customer_messages: dict[str, CustomerMessage] = attrs.field(factory=dict)
    inbox: dict[str, list[str]] = attrs.field(factory=dict)
    """Ids of the business's messages by BSUID: a scan of all for each phone would be quadratic."""
    outbox: dict[tuple[str, str], list[str]] = attrs.field(factory=dict)
    """Ids of customers' messages by number and BSUID, for the same reason."""
    last_heard_at: dict[tuple[str, str], datetime] = attrs.field(factory=dict)
    """When a customer last wrote, by number and BSUID: what the window is computed from."""
    ads: dict[tuple[str, str], datetime] = attrs.field(factory=dict)
    """When a customer came from an ad, by number and BSUID, and nobody has answered yet."""
    free_until: dict[tuple[str, str], datetime] = attrs.field(factory=dict)
    """Until when all messages to a customer are free, since he came from an ad and was answered within a day."""
    pair_buckets: dict[tuple[str, str], Bucket] = attrs.field(factory=dict)
    throughput_buckets: dict[str, Bucket] = attrs.field(factory=dict)
    service_messages: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    """Service messages by number and month (`2026-11`), for the free tier."""
    documents: dict[tuple[str, str], Json] = attrs.field(factory=dict)
    """What was stored under an object and an edge and is given back: profile, settings, commands, usernames."""
    codes: dict[str, tuple[str, Json]] = attrs.field(factory=dict)
    """QR codes: the number and the code's own facts."""
    signups: dict[str, tuple[str, Json]] = attrs.field(factory=dict)
    groups: dict[str, Group] = attrs.field(factory=dict)
    calls: dict[str, Call] = attrs.field(factory=dict)
    uploads: dict[str, UploadSession] = attrs.field(factory=dict)
    handles: dict[str, Media] = attrs.field(factory=dict)
    """What a resumable upload has brought, by handle."""
    reached_at: dict[str, list[tuple[datetime, str]]] = attrs.field(factory=dict)
    """Customers reached outside windows, by account, for the limit of a day."""
    marketing_at: dict[str, list[datetime]] = attrs.field(factory=dict)
    """When marketing templates went to a customer, by BSUID."""
    registrations: dict[str, list[datetime]] = attrs.field(factory=dict)
    call_requests: dict[tuple[str, str], list[datetime]] = attrs.field(factory=dict)
    """When permission to call was asked, by number and BSUID."""
    synced: set[tuple[str, str]] = attrs.field(factory=set)
    """Which synchronisations of the app were asked for, by number and kind: each once."""
    sends_by_opaque: Counter[str] = attrs.field(factory=Counter)
    requests: deque[Request] = attrs.field(factory=lambda: deque(maxlen=1000))
    """The latest calls of the API."""
    requests_so_far: int = 0
    webhooks: dict[int, Webhook] = attrs.field(factory=dict)
    due: list[tuple[datetime, int]] = attrs.field(factory=list)
    """A heap of pending webhooks. Entries are not removed when a webhook moves on: one that no
    longer agrees with the log is skipped when it comes up."""

    def customer(self, who: str) -> Customer:
        """The customer with this phone (in any spelling) or BSUID."""
        found = self.find_customer(who)
        if found is None:
            raise ControlError(f"no customer {who!r}; create one with create_customer first", 404)
        return found

    def find_customer(self, who: str) -> Customer | None:
        """Like `customer`, or None."""
        if any(c.isalpha() for c in who):  # the digits of a BSUID are nobody's phone
            return self.customers.get(who)
        return self.customers.get(self.bsuid_of_phone.get(digits_of(who), ""))

    def number(self, number_id: str | None) -> Number:
        """The business number with this id; without one, the first."""
        if number_id is None and self.numbers:
            return next(iter(self.numbers.values()))
        try:
            return self.numbers[number_id or ""]
        except KeyError:
            known = ", ".join(self.numbers) or "none; seed one"
            raise ControlError(f"no number {number_id!r}; known are: {known}", 404) from None

    def account_of(self, number: Number) -> Account:
        """The WABA that a number belongs to."""
        return self.accounts[number.account_id]

    def find_template(self, account_id: str, name: str, language: str) -> Template | None:
        """The template of that account, name and language."""
        for template in self.templates.values():
            if (template.account_id, template.name, template.language) == (
                account_id,
                name,
                language,
            ):
                return template
        return None

    def live_media(self, media_id: str, now: datetime) -> Media | None:
        """The medium, while its id is good."""
        found = self.media.get(media_id)
        return found if found is not None and now < found.expires_at else None

    def media_for_graph(self, method: str, media_id: str, now: datetime) -> Media:
        """Like `live_media`, refusing as Graph does."""
        found = self.live_media(media_id, now)
        if found is None:
            raise unknown_object(method, media_id)
        return found
