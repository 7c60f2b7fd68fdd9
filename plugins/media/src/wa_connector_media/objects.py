"""Files in object storage: S3 and what speaks like it, Google Cloud Storage, Azure; whatever ``obstore`` opens.

Theory: an object's name is ``<prefix>/<hash of the tenant>/<first two digits>/<sha256>``; no part of it is anybody's text.
The name is the content's hash, so it is known only when the stream has ended: until then the stream is spooled (in memory
up to a megabyte, then in a temporary file), hashed and checked. An object is put whole or not at all, which every such
storage promises. Nothing is listed, so a key that may put, get, head and delete below the prefix is enough.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Final, final

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.ids import TenantId
from wa_connector_media import sniff

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CHUNK: Final = 64 * 1024
_IN_MEMORY: Final = 1024 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@final
class ObjectMediaStore:
    """Implements ``ports.media.MediaStore`` on an ``obstore`` store, below ``prefix``.

    Needs the extra ``objects``. Threads may share it; time-outs and retries are the store's own (``client_options`` and
    ``retry_config`` of ``obstore``).
    """

    def __init__(self, store: "ObjectStore", prefix: str = "media") -> None:
        self._store: Final = store
        self._prefix: Final = prefix.strip("/")

    def put(self, tenant: TenantId, chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        """Store a stream. An error of the stream itself comes out as it is, and nothing is kept.

        Raises ``UsageError`` for a file that is empty, over ``max_bytes`` (found while it streams), or a picture of
        another type than declared; ``Unavailable`` when the storage does not answer.
        """
        import tempfile

        import obstore

        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            sha256, size = _spooled(spool, chunks, mime_type, max_bytes)
            name = self._name(tenant, sha256)
            with self._answering():
                if self._size_of(name) != size:
                    obstore.put(self._store, name, spool, attributes={"Content-Type": mime_type})
        return MediaRef(mime_type, sha256=sha256, size=size)

    def read(self, tenant: TenantId, media: MediaRef) -> Iterator[bytes] | None:
        """The content in chunks, as the storage sends it. Raises ``Unavailable``, here or on the way."""
        import obstore

        if not _SHA256.fullmatch(media.sha256):
            return None
        with self._answering():
            try:
                found = obstore.get(self._store, self._name(tenant, media.sha256))
            except FileNotFoundError:
                return None
            stream = iter(found.stream(min_chunk_size=CHUNK))
        return self._chunks(stream)

    def delete(self, tenant: TenantId, media: MediaRef) -> None:
        """Remove a file. A bucket that keeps versions keeps this one, too: let its rules expire what is deleted."""
        import obstore

        if not _SHA256.fullmatch(media.sha256):
            return
        with self._answering(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, self._name(tenant, media.sha256))

    def _name(self, tenant: TenantId, sha256: str) -> str:
        folder = hashlib.sha256(tenant.encode()).hexdigest()
        return "/".join(part for part in (self._prefix, folder, sha256[:2], sha256) if part)

    def _size_of(self, name: str) -> int | None:
        import obstore

        try:
            return obstore.head(self._store, name)["size"]
        except FileNotFoundError:
            return None

    def _chunks(self, stream: Iterator[object]) -> Iterator[bytes]:
        while True:
            with self._answering():
                chunk = next(stream, None)
            if chunk is None:
                return
            yield bytes(chunk)  # type: ignore[call-overload]

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            # Not its text: it may hold the address with its signature.
            raise Unavailable(
                f"the object storage failed ({type(error).__name__}); check its address, bucket and credentials, then"
                " try again"
            ) from None


def _spooled(spool: IO[bytes], chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> tuple[str, int]:
    """The stream's hash and size, once it is spooled and nothing speaks against it."""
    digest, size, beginning = hashlib.sha256(), 0, b""
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise UsageError(f"the file is larger than the {max_bytes} bytes allowed for it")
        if len(beginning) < sniff.ENOUGH:
            beginning = (beginning + chunk)[: sniff.ENOUGH]
            if len(beginning) == sniff.ENOUGH:
                sniff.check(beginning, mime_type)
        digest.update(chunk)
        spool.write(chunk)
    if not size:
        raise UsageError("the file is empty; there is nothing to store or to send")
    sniff.check(beginning, mime_type)
    spool.seek(0)
    return digest.hexdigest(), size
