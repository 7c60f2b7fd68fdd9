"""What a host may rely on of media on the disk."""

import errno
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pluggy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wa_connector_media import DiskMediaStore, MediaPlugin, sniff
from wa_connector_media import store as store_module

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.ids import TenantId
from wa_connector.ports import hooks
from wa_connector.ports.media import MediaStore
from wa_connector.testing.media_contract import MediaStoreContract

ACME = TenantId("acme")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00"
WEBP = b"RIFF\n\x00\x00\x00WEBPVP8 "


class TestDiskMediaStore(MediaStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> MediaStore:
        return DiskMediaStore(tmp_path / "media")


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def put(root: Path, content: bytes, mime_type: str = "text/plain", limit: int = 1000) -> MediaRef:
    return DiskMediaStore(root).put(ACME, iter([content]), mime_type, limit)


def test_a_file_lies_under_hashes_alone(tmp_path: Path) -> None:
    for _ in range(2):
        put(tmp_path, b"hello")
    tenant, digest = (hashlib.sha256(each).hexdigest() for each in (b"acme", b"hello"))
    assert files(tmp_path) == [f"{tenant}/{digest[:2]}/{digest}"]
    place = tmp_path / tenant / digest[:2] / digest
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / tenant).stat().st_mode) == 0o700


@pytest.mark.parametrize("tenant", ["../../outside", "/abs", "", "ünï", "a" * 1000, "a\0b"])
def test_a_tenants_id_cannot_lead_out_of_the_root(tmp_path: Path, tenant: str) -> None:
    root = tmp_path / "deep" / "root"
    store = DiskMediaStore(root)
    media = store.put(TenantId(tenant), iter([b"x"]), "text/plain", 5)
    assert store.read(TenantId(tenant), media) is not None
    assert len(files(root)) == len(files(tmp_path)) == 1


def test_nothing_is_made_before_the_first_file(tmp_path: Path) -> None:
    plugin = MediaPlugin(tmp_path / "media")
    assert plugin.store.read(ACME, MediaRef("a/b", sha256="0" * 64, size=1)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("chunks", "mime_type"),
    [([b"123", b"456"], "text/plain"), ([], "text/plain"), ([PNG], "image/jpeg")],
)
def test_a_refused_file_leaves_nothing_behind(tmp_path: Path, chunks: list[bytes], mime_type: str) -> None:
    with pytest.raises(UsageError):
        DiskMediaStore(tmp_path).put(ACME, iter(chunks), mime_type, 5 if chunks != [PNG] else 99)
    assert files(tmp_path) == []


def test_a_stream_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise TimeoutError("the provider is slow")

    with pytest.raises(TimeoutError):
        DiskMediaStore(tmp_path).put(ACME, breaking(), "text/plain", 100)
    assert files(tmp_path) == []


# ------------------------------------------------------------------------------ a disk that fails


def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Unavailable, match=r"No space left on device; check its space"):
        put(tmp_path, b"hello")
    assert files(tmp_path) == []
    monkeypatch.undo()
    assert put(tmp_path, b"hello").size == 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_the_kernels_own_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_full_disk(prefix: str, dir: Path) -> tuple[int, str]:  # noqa: A002 - mkstemp's name
        return os.open("/dev/full", os.O_WRONLY), str(dir / (prefix + "x"))

    monkeypatch.setattr(tempfile, "mkstemp", on_full_disk)
    with pytest.raises(Unavailable, match="No space left"):
        put(tmp_path, b"hello")


@pytest.mark.parametrize("call", ["fsync", "mkdir"])
def test_any_failure_of_the_disk_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(Unavailable, match="Input/output error"):
        put(tmp_path / "new", b"hello")
    monkeypatch.undo()
    assert files(tmp_path) == []


def test_a_file_system_that_cannot_force_folders_still_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def of_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", of_files_only)
    assert put(tmp_path / "new", b"hello").size == 5


def test_a_root_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable):
        put(tmp_path / "file", b"hello")
    missing = MediaRef("a/b", sha256="0" * 64, size=1)
    assert DiskMediaStore(tmp_path / "file").read(ACME, missing) is None


def test_a_file_that_vanishes_while_it_is_read_is_unavailable(tmp_path: Path) -> None:
    media = put(tmp_path, b"hello")
    chunks = DiskMediaStore(tmp_path).read(ACME, media)
    assert chunks is not None
    (tmp_path / files(tmp_path)[0]).unlink()
    with pytest.raises(Unavailable):
        next(chunks)


def test_the_disk_may_take_a_chunk_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, rest: write(fd, rest[:2]))
    media = put(tmp_path, b"hello")
    assert b"".join(DiskMediaStore(tmp_path).read(ACME, media) or ()) == b"hello"


def test_a_damaged_file_is_mended_by_putting_it_again(tmp_path: Path) -> None:
    media = put(tmp_path, b"hello")
    (tmp_path / files(tmp_path)[0]).write_bytes(b"")
    assert put(tmp_path, b"hello") == media
    assert b"".join(DiskMediaStore(tmp_path).read(ACME, media) or ()) == b"hello"


# --------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (JPEG, "image/jpeg"),
        (JPEG, "IMAGE/JPG"),
        (PNG, "image/png; name=x"),
        (GIF, "image/gif"),
        (WEBP, "image/webp"),
        (JPEG, "application/octet-stream"),
        (b"anything", "image/heic"),
        (b"GIF8", "text/plain"),
    ],
)
def test_a_type_that_fits_is_taken(tmp_path: Path, content: bytes, mime_type: str) -> None:
    chunks = iter([content[i : i + 1] for i in range(len(content))])
    assert DiskMediaStore(tmp_path).put(ACME, chunks, mime_type, 99).mime_type == mime_type


@pytest.mark.parametrize(
    ("content", "mime_type", "said"),
    [
        (PNG, "image/jpeg", "declared as image/jpeg and is image/png"),
        (WEBP, "image/heic", "is image/webp"),
        (GIF, "text/html", "is image/gif"),
        (b"<html>", "image/png", "is no such picture"),
        (b"\xff\xd8", "image/jpeg", "is no such picture"),
    ],
)
def test_a_type_that_contradicts_the_bytes_is_refused(
    tmp_path: Path, content: bytes, mime_type: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        put(tmp_path, content, mime_type)
    assert files(tmp_path) == []


@given(st.sampled_from([JPEG, PNG, GIF, WEBP]), st.binary(max_size=20))
def test_a_picture_is_known_by_its_first_bytes(beginning: bytes, rest: bytes) -> None:
    assert sniff.kind((beginning + rest)[: sniff.ENOUGH]) == sniff.kind(beginning) != ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(0, 60))
def test_a_stream_is_stored_whole_or_refused(tmp_path: Path, chunks: list[bytes], limit: int) -> None:
    store, content = DiskMediaStore(tmp_path), b"".join(chunks)
    if 0 < len(content) <= limit:
        media = store.put(ACME, iter(chunks), "application/octet-stream", limit)
        assert (media.size, media.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert b"".join(store.read(ACME, media) or ()) == content
    else:
        with pytest.raises(UsageError):
            store.put(ACME, iter(chunks), "application/octet-stream", limit)
    assert not [name for name in files(tmp_path) if store_module.UNFINISHED in name]


def test_hook_wa_media_store(tmp_path: Path) -> None:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    plugin = MediaPlugin(tmp_path)
    manager.register(plugin)
    provided: MediaStore = manager.hook.wa_media_store()
    assert provided is plugin.store


def test_the_snippet_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    readme = Path(__file__).parents[1] / "README.md"
    (snippet,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    exec(snippet, {})
    assert list(tmp_path.iterdir()) == []
