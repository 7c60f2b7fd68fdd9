"""Media in object storage, against a real S3 server on this machine."""

from collections.abc import Callable, Iterator

import pytest
from obstore.store import S3Store
from wa_connector_media.objects import ObjectMediaStore
from wa_connector_media.plugin import ObjectMediaPlugin

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.ids import TenantId
from wa_connector.ports.media import MediaStore
from wa_connector.testing.media_contract import MediaStoreContract

ACME = TenantId("acme")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str) -> S3Store:
    """A bucket of its own, empty."""
    import urllib.request
    import uuid

    bucket = f"media-{uuid.uuid4().hex}"
    request = urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")
    request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=key/20261122/us-east-1/s3/aws4_request")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    return opened(endpoint, bucket)


def opened(endpoint: str, bucket: str) -> S3Store:
    return S3Store(
        bucket,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="key",
        secret_access_key="secret",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "timeout": "5s"},
        retry_config={"max_retries": 0},
    )


def names(store: S3Store) -> list[str]:
    return sorted(each["path"] for page in store.list() for each in page)


class TestObjectMediaStore(MediaStoreContract):
    @pytest.fixture
    def store(self, s3: S3Store) -> MediaStore:
        return ObjectMediaStore(s3)


def test_an_object_lies_under_hashes_alone(s3: S3Store) -> None:
    import hashlib

    media = ObjectMediaStore(s3, "/files/").put(ACME, iter([b"hello"]), "text/plain", 10)
    tenant = hashlib.sha256(b"acme").hexdigest()
    assert names(s3) == [f"files/{tenant}/{media.sha256[:2]}/{media.sha256}"]


def test_a_refused_file_leaves_nothing_behind(s3: S3Store) -> None:
    store = ObjectMediaStore(s3)
    with pytest.raises(UsageError, match="is image/png"):
        store.put(ACME, iter([PNG[:3], PNG[3:]]), "image/jpeg", 100)
    with pytest.raises(UsageError, match="no such picture"):
        store.put(ACME, iter([b"abc"]), "image/jpeg", 100)
    assert names(s3) == []


def test_a_storage_that_does_not_answer_is_unavailable(endpoint: str) -> None:
    """And says nothing of keys and addresses. It serves again by itself."""
    away = ObjectMediaStore(opened("http://127.0.0.1:9", "b"))
    without = ObjectMediaStore(opened(endpoint, "no-bucket"))
    media = MediaRef("text/plain", sha256="ab" * 32, size=1)
    calls: list[Callable[[], object]] = [
        lambda: away.put(ACME, iter([b"x"]), "text/plain", 9),
        lambda: away.read(ACME, media),
        lambda: away.delete(ACME, media),
        lambda: without.put(ACME, iter([b"x"]), "text/plain", 9),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as raised:
            call()
        assert "127.0.0.1" not in str(raised.value)


def test_hook_wa_media_store(s3: S3Store) -> None:
    plugin = ObjectMediaPlugin(s3)
    assert isinstance(plugin.wa_media_store(), ObjectMediaStore)
