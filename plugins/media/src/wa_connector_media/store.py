"""Files on the local disk, by the SHA-256 of their content.

Theory: a file's place is ``<root>/<hash of the tenant>/<first two digits>/<sha256>``; no part of it is anybody's text.
A stream is written to a temporary file in the tenant's folder, forced to the disk, renamed to its place, and the
folder is forced to the disk as well: under its name a file is whole, also after a power cut, and once ``put`` returned
it stays. Two that put the same content at once both write it, and whoever is second finds it there. There is no lock,
no index and no open file between calls, so threads, processes and forks may share a root.
"""

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.ids import TenantId
from wa_connector_media import sniff

CHUNK: Final = 64 * 1024
UNFINISHED: Final = ".incoming-"
"""How a temporary file's name begins. One that a crash left behind is nobody's and may be deleted."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@final
class DiskMediaStore:
    """Implements ``ports.media.MediaStore`` under ``root``, which is made with its first file.

    Files and folders are readable by the process's own user alone.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)

    def put(self, tenant: TenantId, chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        """Store a stream. An error of the stream itself comes out as it is, and nothing is kept.

        Raises ``UsageError`` for a file that is empty, over ``max_bytes`` (found while it streams), or a picture of
        another type than declared (JPEG, PNG, GIF and WebP are told apart); ``Unavailable`` when the disk is full or
        cannot be written.
        """
        import tempfile  # with it come shutil and random, which a host that stores nothing need not load

        folder = self._folder(tenant)
        with self._answering_for_the_disk():
            _make(folder)
            descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
        temporary = Path(name)
        try:
            sha256, size = self._write(descriptor, chunks, mime_type, max_bytes)
            with self._answering_for_the_disk():
                _settle(temporary, folder / sha256[:2] / sha256, size)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        return MediaRef(mime_type, sha256=sha256, size=size)

    def read(self, tenant: TenantId, media: MediaRef) -> Iterator[bytes] | None:
        """The content in chunks of 64 KiB. The file is opened with the first chunk and closed after the last, or when
        the iterator is dropped. Raises ``Unavailable``, here or on the way, when the disk cannot be read."""
        if not _SHA256.fullmatch(media.sha256):
            return None
        path = self._folder(tenant) / media.sha256[:2] / media.sha256
        with self._answering_for_the_disk():
            try:
                path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return self._chunks(path)

    def delete(self, tenant: TenantId, media: MediaRef) -> None:
        """Remove a file; the folder is forced to the disk, so that it does not come back with a power cut. Raises
        ``Unavailable`` when the disk cannot be written. Who is reading it at the moment reads on to its end."""
        if not _SHA256.fullmatch(media.sha256):
            return
        place = self._folder(tenant) / media.sha256[:2] / media.sha256
        with self._answering_for_the_disk():
            try:
                place.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return
            _force(place.parent)

    def _folder(self, tenant: TenantId) -> Path:
        return self._root / hashlib.sha256(tenant.encode()).hexdigest()

    def _write(self, descriptor: int, chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> tuple[str, int]:
        """The stream's hash and size, once it is on the disk."""
        digest, size, beginning, sniffed = hashlib.sha256(), 0, b"", False
        # Unbuffered: closing must not write, because an error in closing would hide the one before.
        with open(descriptor, "wb", buffering=0) as file:
            # The stream is read outside of `_answering_for_the_disk`: a connection that breaks is an
            # OSError too, and not the disk's.
            for chunk in chunks:
                size += len(chunk)
                if size > max_bytes:
                    raise UsageError(f"the file is larger than the {max_bytes} bytes allowed for it")
                if not sniffed:
                    beginning += chunk[: sniff.ENOUGH]
                    if sniffed := len(beginning) >= sniff.ENOUGH:
                        sniff.check(beginning, mime_type)
                digest.update(chunk)
                with self._answering_for_the_disk():
                    _write_all(file.fileno(), chunk)
            if not size:
                raise UsageError("the file is empty; there is nothing to store or to send")
            if not sniffed:
                sniff.check(beginning, mime_type)
            with self._answering_for_the_disk():
                os.fsync(file.fileno())
        return digest.hexdigest(), size

    def _chunks(self, path: Path) -> Iterator[bytes]:
        with self._answering_for_the_disk():
            file = path.open("rb", buffering=0)
        with file:
            while True:
                with self._answering_for_the_disk():
                    chunk = file.read(CHUNK)
                if not chunk:
                    return
                yield chunk

    @contextlib.contextmanager
    def _answering_for_the_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Unavailable(
                f"the media store under {self._root} failed: {why}; check its space and permissions, then try again"
            ) from error


def _write_all(descriptor: int, chunk: bytes) -> None:
    """All of it: a write to a disk that is nearly full may take a part and fail only at the next."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _settle(temporary: Path, place: Path, size: int) -> None:
    """Bring a finished file to its place, and make sure that it stays there."""
    _make(place.parent)
    # What is there already has this content. Leaving it alone lets Windows replace nothing that is being
    # read; a size that differs can only be damage from outside, and is mended.
    if not (place.exists() and place.stat().st_size == size):
        temporary.replace(place)
    # Also for a file that was there: its writer may not have come to this line yet.
    _force(place.parent)


def _make(folder: Path) -> None:
    """Make a folder and all above it, each forced to the disk in the one that holds it."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _force(folder.parent)


def _force(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover - a folder cannot be opened there, and NTFS keeps a journal of names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems know no such thing for a folder; their server keeps the names.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
