"""Plain ports in the shape that the shell awaits.

``hop`` is how a plain call is made: in place for the synchronous face, on a worker thread for the asynchronous one.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import IO, Final, Protocol, TypeVar

from wa_connector.errors import UsageError
from wa_connector.model.address import Address
from wa_connector.model.capability import MediaLimits
from wa_connector.model.contact import Contact
from wa_connector.model.content import MediaRef
from wa_connector.model.directory import Account, App, LineSetup, Seat
from wa_connector.model.ids import AccountId, AppId, ContactId, LineId, ProviderId, TenantId, UserId
from wa_connector.model.outbound import Envelope, FetchOutcome, SendOutcome
from wa_connector.model.queue import LeasedLane, Work
from wa_connector.model.template import Template
from wa_connector.ports.channel import Transport
from wa_connector.ports.contacts import Contacts
from wa_connector.ports.directory import Directory
from wa_connector.ports.media import AsyncMediaStore, Converted, MediaConverter, MediaStore, NotConverted
from wa_connector.ports.storage import (
    Change,
    EventPage,
    Outcome,
    Page,
    Scan,
    SchemaState,
    Search,
    Snapshot,
    Storage,
    Versioned,
    Wanted,
)

T = TypeVar("T")
CHUNK: Final = 64 * 1024
_IN_MEMORY: Final = 1024 * 1024


class Hop(Protocol):
    """How a plain call is made."""

    async def __call__(self, call: Callable[[], T], /) -> T: ...


async def in_place(call: Callable[[], T], /) -> T:
    """Make the call here and now: for the synchronous face, and for ports that never block."""
    return call()


class PlainStorage:
    def __init__(self, plain: Storage, hop: Hop) -> None:
        self._plain: Final = plain
        self._hop: Final = hop

    async def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        return await self._hop(lambda: self._plain.load(wanted))

    async def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return await self._hop(lambda: self._plain.commit(changes))

    async def scan(self, scan: Scan) -> Page:
        return await self._hop(lambda: self._plain.scan(scan))

    async def search(self, search: Search) -> Page:
        """Raises ``UsageError`` where the storage cannot search."""
        find: Callable[[Search], Page] | None = getattr(self._plain, "search", None)
        if find is None:
            raise UsageError("this storage finds nothing by its words: it has no method search (SearchingStorage)")
        return await self._hop(lambda: find(search))

    async def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        return await self._hop(lambda: self._plain.events_after(tenant, cursor, limit))

    async def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        return await self._hop(lambda: self._plain.claim(works, limit, now, lease))

    async def schema(self) -> SchemaState:
        return await self._hop(self._versioned().schema)

    async def upgrade(self) -> SchemaState:
        return await self._hop(self._versioned().upgrade)

    async def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        return await self._hop(lambda: self._plain.drop_events(tenant, before, limit))

    async def scrub(self) -> None:
        return await self._hop(self._plain.scrub)

    async def aclose(self) -> None:
        return await self._hop(self._plain.close)

    def _versioned(self) -> Versioned:
        if not isinstance(self._plain, Versioned):
            raise UsageError(f"{type(self._plain).__name__} has no tables that could be upgraded")
        return self._plain


class PlainDirectory:
    def __init__(self, plain: Directory, hop: Hop) -> None:
        self._plain: Final = plain
        self._hop: Final = hop

    async def app(self, endpoint: str) -> App | None:
        return await self._hop(lambda: self._plain.app(endpoint))

    async def inbound_line(self, app: AppId, account_ref: str, line_ref: str) -> LineSetup | None:
        return await self._hop(lambda: self._plain.inbound_line(app, account_ref, line_ref))

    async def line(self, tenant: TenantId, line: LineId) -> LineSetup | None:
        return await self._hop(lambda: self._plain.line(tenant, line))

    async def lines(self, tenant: TenantId, user: UserId) -> Sequence[LineSetup]:
        return await self._hop(lambda: self._plain.lines(tenant, user))

    async def account(self, tenant: TenantId, account: AccountId) -> Account | None:
        return await self._hop(lambda: self._plain.account(tenant, account))

    async def user(self, tenant: TenantId, user: UserId) -> Seat | None:
        return await self._hop(lambda: self._plain.user(tenant, user))


class PlainContacts:
    def __init__(self, plain: Contacts, hop: Hop) -> None:
        self._plain: Final = plain
        self._hop: Final = hop

    async def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        return await self._hop(lambda: self._plain.get(tenant, user, contact))

    async def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        return await self._hop(lambda: self._plain.find(tenant, addresses))


class PlainTransport:
    """A plain transport reads and writes files through the plain media store itself: no hop a chunk."""

    def __init__(self, plain: Transport, media: MediaStore, hop: Hop) -> None:
        self.provided: Final = plain
        self._plain: Final = plain
        self._media: Final = media
        self._hop: Final = hop

    async def send(self, line: LineSetup, envelope: Envelope, _: AsyncMediaStore) -> SendOutcome:
        return await self._hop(lambda: self._plain.send(line, envelope, self._media))

    async def mark_read(self, line: LineSetup, message: ProviderId) -> bool:
        """True, and nothing done, where the transport has no receipts."""
        tell: Callable[[LineSetup, ProviderId], bool] | None = getattr(self._plain, "mark_read", None)
        return True if tell is None else await self._hop(lambda: tell(line, message))

    async def fetch(self, line: LineSetup, media: MediaRef, _: AsyncMediaStore) -> FetchOutcome:
        return await self._hop(lambda: self._plain.fetch(line, media, self._media))

    async def templates(self, account: Account) -> Sequence[Template]:
        return await self._hop(lambda: self._plain.templates(account))

    async def aclose(self) -> None:
        return await self._hop(self._plain.close)


class PlainMedia:
    """A plain media store behind the asynchronous face. An incoming stream is spooled first (in memory up to a
    megabyte, then on disk), so that the plain store reads it in one go on one thread."""

    def __init__(self, plain: MediaStore, hop: Hop) -> None:
        self._plain: Final = plain
        self._hop: Final = hop

    async def put(self, tenant: TenantId, chunks: AsyncIterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        import tempfile  # brings half the standard library, for this one place

        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            received = 0
            async for chunk in chunks:
                received += len(chunk)
                spool.write(chunk)
                if received > max_bytes:
                    break  # The store sees one byte too many and says so.
            spool.seek(0)
            return await self._hop(lambda: self._plain.put(tenant, pieces(spool), mime_type, max_bytes))

    async def read(self, tenant: TenantId, media: MediaRef) -> AsyncIterator[bytes] | None:
        found = await self._hop(lambda: self._plain.read(tenant, media))
        return None if found is None else self._stream(found)

    async def delete(self, tenant: TenantId, media: MediaRef) -> None:
        await self._hop(lambda: self._plain.delete(tenant, media))

    async def _stream(self, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        while (chunk := await self._hop(lambda: next(chunks, None))) is not None:
            yield chunk


class PlainConverter:
    def __init__(self, plain: MediaConverter, hop: Hop) -> None:
        self._plain: Final = plain
        self._hop: Final = hop

    async def convert(self, content: bytes, mime_type: str, limits: MediaLimits) -> Converted | NotConverted | None:
        return await self._hop(lambda: self._plain.convert(content, mime_type, limits))


class NoMedia:
    """Where the host has no media store: text works, files are refused."""

    def put(self, tenant: TenantId, chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:  # noqa: ARG002 - the port's signature
        raise UsageError("this connector has no media store; register a plugin that provides wa_media_store")

    def read(self, tenant: TenantId, media: MediaRef) -> Iterator[bytes] | None:  # noqa: ARG002 - as above
        return None

    def delete(self, tenant: TenantId, media: MediaRef) -> None:
        """Nothing is there to be deleted."""


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """A file's content in chunks."""
    while chunk := file.read(CHUNK):
        yield chunk
