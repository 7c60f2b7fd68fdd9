"""The contract of media stores, as a pytest suite that a plugin inherits. Needs pytest.

::

    class TestDiskMediaStore(MediaStoreContract):
        @pytest.fixture
        def store(self, tmp_path: Path) -> MediaStore:
            return DiskMediaStore(tmp_path)
"""

import hashlib
import threading
import time
from collections.abc import Iterator

import pytest

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.ids import TenantId
from wa_connector.ports.media import MediaStore

ACME = TenantId("acme")
GLOBEX = TenantId("globex")


class MediaStoreContract:
    """Inherit it and give the fixture ``store``: an empty store, made anew for each test."""

    @pytest.fixture
    def store(self) -> MediaStore:
        """The store under test."""
        raise NotImplementedError("give your suite a fixture `store`")

    def test_what_is_put_is_read_back(self, store: MediaStore) -> None:
        """The reference names the content by its SHA-256 and size, and keeps the declared type."""
        media = store.put(ACME, iter([b"hello ", b"", b"world"]), "text/plain", 100)
        digest = hashlib.sha256(b"hello world").hexdigest()
        assert media == MediaRef("text/plain", sha256=digest, size=11)
        assert media.is_stored
        assert _content(store, ACME, media) == b"hello world"

    def test_a_large_file_comes_back_whole(self, store: MediaStore) -> None:
        """Whatever the chunks, in and out."""
        chunks = [bytes([i]) * (3 * i + 1) for i in range(256)] * 20
        media = store.put(ACME, iter(chunks), "application/pdf", 10_000_000)
        assert _content(store, ACME, media) == b"".join(chunks)

    def test_the_same_content_twice_is_one_file(self, store: MediaStore) -> None:
        """And both references read it, however it came in chunks."""
        first = store.put(ACME, iter([b"same"]), "text/plain", 100)
        second = store.put(ACME, iter([b"sa", b"me"]), "text/plain", 100)
        assert first == second
        assert _content(store, ACME, first) == b"same"

    def test_the_same_content_at_once_is_stored_by_all(self, store: MediaStore) -> None:
        """Nobody sees another's half. A store that is away for a moment may be asked again, as it says itself."""
        chunks = [b"x" * 1000] * 50
        found: list[bytes | None] = []

        def put() -> None:
            for _ in range(20):
                try:
                    content = _content(store, ACME, store.put(ACME, iter(chunks), "text/plain", 100_000))
                except Unavailable:
                    time.sleep(0.05)
                else:
                    found.append(content)
                    return

        threads = [threading.Thread(target=put) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [b"".join(chunks)] * 4

    def test_a_file_of_exactly_the_limit_is_stored(self, store: MediaStore) -> None:
        """``max_bytes`` may be reached, not passed."""
        assert store.put(ACME, iter([b"12345"]), "text/plain", 5).size == 5

    def test_a_file_over_the_limit_is_refused_by_name(self, store: MediaStore) -> None:
        """While it streams: an endless one must not be waited for."""
        with pytest.raises(UsageError, match="5 bytes"):
            store.put(ACME, _endless(), "text/plain", 5)

    def test_an_empty_file_is_refused(self, store: MediaStore) -> None:
        """It would make a reference that counts as not stored."""
        with pytest.raises(UsageError, match="empty"):
            store.put(ACME, iter([b""]), "text/plain", 5)

    def test_a_stream_that_breaks_leaves_nothing(self, store: MediaStore) -> None:
        """And its own error comes out, so that the caller knows which side failed."""
        with pytest.raises(ConnectionResetError):
            store.put(ACME, _breaking(), "text/plain", 100)
        digest = hashlib.sha256(b"half").hexdigest()
        assert store.read(ACME, MediaRef("text/plain", sha256=digest, size=4)) is None

    def test_a_tenant_cannot_read_what_another_put(self, store: MediaStore) -> None:
        """Not even knowing the hash; and what both have put, both may read."""
        media = store.put(ACME, iter([b"secret"]), "text/plain", 100)
        assert store.read(GLOBEX, media) is None
        store.put(GLOBEX, iter([b"secret"]), "text/plain", 100)
        assert _content(store, GLOBEX, media) == b"secret"

    @pytest.mark.parametrize(
        "sha256", ["", "0" * 64, "0" * 63, "../" * 21 + "x", "/etc/passwd", "A" * 64, "0" * 64 + "\n"]
    )
    def test_what_is_not_there_is_none(self, store: MediaStore, sha256: str) -> None:
        """Whatever the reference says: it may have come from anywhere."""
        assert store.read(ACME, MediaRef("text/plain", sha256=sha256, size=1)) is None

    def test_what_is_deleted_is_gone(self, store: MediaStore) -> None:
        """Twice as well as once; and it can be put again."""
        media = store.put(ACME, iter([b"secret"]), "text/plain", 100)
        store.delete(ACME, media)
        store.delete(ACME, media)
        assert store.read(ACME, media) is None
        assert store.put(ACME, iter([b"secret"]), "text/plain", 100) == media
        assert _content(store, ACME, media) == b"secret"

    def test_only_a_tenants_own_file_is_deleted(self, store: MediaStore) -> None:
        """What another tenant put under the same hash stays."""
        media = store.put(ACME, iter([b"secret"]), "text/plain", 100)
        store.put(GLOBEX, iter([b"secret"]), "text/plain", 100)
        store.delete(GLOBEX, media)
        assert (store.read(GLOBEX, media), _content(store, ACME, media)) == (None, b"secret")

    @pytest.mark.parametrize("sha256", ["", "0" * 64, "../" * 21 + "x", "/etc/passwd", "0" * 64 + "\n"])
    def test_deleting_what_is_not_there_does_nothing(self, store: MediaStore, sha256: str) -> None:
        """Whatever the reference says."""
        kept = store.put(ACME, iter([b"kept"]), "text/plain", 100)
        store.delete(ACME, MediaRef("text/plain", sha256=sha256, size=1))
        assert _content(store, ACME, kept) == b"kept"

    def test_reading_twice_at_once(self, store: MediaStore) -> None:
        """Each reader has its own place in the file, and one that stops early hurts nobody."""
        media = store.put(ACME, iter([b"a" * 200_000]), "text/plain", 1_000_000)
        first = store.read(ACME, media)
        assert first is not None
        assert next(first)
        assert _content(store, ACME, media) == b"a" * 200_000


def _content(store: MediaStore, tenant: TenantId, media: MediaRef) -> bytes | None:
    chunks = store.read(tenant, media)
    return None if chunks is None else b"".join(chunks)


def _endless() -> Iterator[bytes]:
    while True:
        yield b"xxx"


def _breaking() -> Iterator[bytes]:
    yield b"half"
    raise ConnectionResetError("the provider hung up")
