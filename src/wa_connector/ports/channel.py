"""The channel ports: a pure reader and describer, and a thin sender.

A ``Channel`` translates and does no I/O; a ``Transport`` carries. A channel of another kind (SMS, voicemail) offers the
same two, and neither policy nor shell names any of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from wa_connector.model.capability import Capabilities
from wa_connector.model.content import MediaRef
from wa_connector.model.cost import Cost
from wa_connector.model.directory import Account, App, LineSetup
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import Inbound
from wa_connector.model.outbound import Envelope, FetchOutcome, SendOutcome
from wa_connector.model.template import Template
from wa_connector.ports.media import AsyncMediaStore, MediaStore


@frozen
class WebhookRequest:
    """An HTTP request as the host's server got it. ``endpoint`` says which app it is for; ``url`` is the public
    address (some providers sign it); header names in any case; ``body`` the raw bytes, never re-serialised."""

    endpoint: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime | None = None
    """When it came, for channels whose provider does not say when a message was written; None: when the connector gets
    it. A host that queues webhooks before it hands them over says so here."""

    def header(self, name: str) -> str:
        """A header's value whatever its case; '' when it is not there."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


@frozen
class WebhookReply:
    """What to answer."""

    status: int
    headers: Mapping[str, str] = field(factory=lambda: {"content-type": "text/plain; charset=utf-8"})
    body: bytes = b""


class Channel(Protocol):
    """The pure half: same input, same output, no I/O."""

    @property
    def capabilities(self) -> Capabilities: ...

    def handshake(self, app: App, request: WebhookRequest) -> WebhookReply | None:
        """The answer to a subscription check, or None when the request is not one."""
        ...

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """Everything in a webhook, in its order, each element on its own: what cannot be taken is ``Unreadable``.

        Addresses that mean something in one portfolio only carry the *account's* provider id as their portfolio: the
        webhook names no other, and the shell, which knows the account, puts the portfolio in its place.

        Raises ``SignatureInvalid`` before anything is parsed and ``BodyMalformed`` when the body is not the channel's.
        """
        ...


class AccountChannel(Protocol):
    """What a channel offers besides, where its accounts do not all carry the same."""

    def capabilities_of(self, account: Account) -> Capabilities:
        """What this account can do; of the same channel, and pure. ``Channel.capabilities`` is what any of them can."""
        ...


class PricedChannel(Protocol):
    """What a channel offers besides, where a text is paid for by its parts."""

    def cost(self, account: Account, text: str) -> Cost:
        """What sending ``text`` comes to. Pure, and quick enough for every key that is pressed. Raises ``UsageError`` for
        a text that cannot be sent at all."""
        ...


class Transport(Protocol):
    """The I/O of one channel. May be called from several threads.

    Neither method raises for what a provider or a network does: that is an outcome.
    """

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        """Hand one message over, its media first. Bounded in time."""
        ...

    def fetch(self, line: LineSetup, media: MediaRef, store: MediaStore) -> FetchOutcome:
        """Bring the bytes of inbound media into the store."""
        ...

    def templates(self, account: Account) -> Sequence[Template]:
        """All templates of the account. Raises ``ProviderError`` or ``Unavailable``."""
        ...

    def close(self) -> None: ...


class ReceiptTransport(Protocol):
    """What a transport offers besides, where its channel has read receipts (``Capabilities.has_read_receipts``)."""

    def mark_read(self, line: LineSetup, message: ProviderId) -> bool:
        """Show the customer that a message of his was read, and with it all before it. Bounded in time.

        False where it certainly was not shown and may be tried again. Whatever else happens counts as done: a receipt
        that is lost does no harm, and one is never given twice.
        """
        ...


class AsyncReceiptTransport(Protocol):
    """As ``ReceiptTransport``, awaitable."""

    async def mark_read(self, line: LineSetup, message: ProviderId) -> bool: ...


class AsyncTransport(Protocol):
    """As ``Transport``, awaitable; the media store comes awaitable too."""

    async def send(self, line: LineSetup, envelope: Envelope, media: AsyncMediaStore) -> SendOutcome: ...
    async def fetch(self, line: LineSetup, media: MediaRef, store: AsyncMediaStore) -> FetchOutcome: ...
    async def templates(self, account: Account) -> Sequence[Template]: ...
    async def aclose(self) -> None: ...
