"""The media ports: files by the SHA-256 of their content, and pictures made to fit a channel."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from attrs import field, frozen

from wa_connector.model.capability import MediaLimits
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


@frozen
class Converted:
    """A picture as it can be sent: its bytes, and what they are."""

    content: bytes = field(repr=False)
    mime_type: str


@frozen
class NotConverted:
    """Why a picture can be sent neither as it is nor otherwise: a sentence for the user, with what he can do."""

    problem: str


class MediaConverter(Protocol):
    """Makes what a telephone's camera made into what a channel takes. May be called from several threads at once."""

    def convert(self, content: bytes, mime_type: str, limits: MediaLimits) -> Converted | NotConverted | None:
        """A picture that keeps to ``limits`` and does not tell where it was taken; None for one that is to be sent as it
        is, which the rules then judge. ``mime_type`` is what it is declared to be, '' where nobody said.

        The same picture must become the same bytes, so that a command that is given again sends the same file. What
        it raises counts as None.
        """
        ...


class AsyncMediaConverter(Protocol):
    """As ``MediaConverter``, awaitable."""

    async def convert(self, content: bytes, mime_type: str, limits: MediaLimits) -> Converted | NotConverted | None: ...
