"""The media-store port: files by the SHA-256 of their content."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from wa_connector.model.content import MediaRef
from wa_connector.model.ids import TenantId


class MediaStore(Protocol):
    """Raises ``Unavailable`` when it cannot read or write now, ``UsageError`` for an empty file and for one over
    ``max_bytes``; what the stream itself raises passes through unchanged, and nothing is stored."""

    def put(self, tenant: TenantId, chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        """Store a stream whole or not at all; the same content twice is stored once."""
        ...

    def read(self, tenant: TenantId, media: MediaRef) -> Iterator[bytes] | None:
        """The content in chunks, or None when this tenant has no such file."""
        ...

    def delete(self, tenant: TenantId, media: MediaRef) -> None:
        """Remove this tenant's file, so that it is gone when this returns; one that is not there is no mistake."""
        ...


class AsyncMediaStore(Protocol):
    """As ``MediaStore``, awaitable."""

    async def put(self, tenant: TenantId, chunks: AsyncIterator[bytes], mime_type: str, max_bytes: int) -> MediaRef: ...
    async def read(self, tenant: TenantId, media: MediaRef) -> AsyncIterator[bytes] | None: ...
    async def delete(self, tenant: TenantId, media: MediaRef) -> None: ...
