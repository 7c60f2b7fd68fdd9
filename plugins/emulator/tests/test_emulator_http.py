"""The main paths, over real HTTP on loopback in both directions."""

import hmac
import json
import socket
import time
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from threading import Event

import httpx
import pytest
from emulator_bench import ANA, Receiver, Site, until
from wa_connector_emulator import Emulator, HttpCall, HttpReply, serve

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_a_conversation_from_first_word_to_read(site: Site) -> None:
    site.control.post("/customers", json={"phone": ANA, "name": "Ana"}).raise_for_status()
    site.control.post(f"/customers/{ANA}/text", json={"text": "hi"}).raise_for_status()
    sent = site.graph.post(
        f"{site.number_id}/messages",
        json={
            "messaging_product": "whatsapp",
            "to": ANA,
            "type": "text",
            "text": {"body": "hello"},
            "biz_opaque_callback_data": "outbox:1",
        },
    )
    assert sent.status_code == 200
    until(lambda: len(site.receiver.posts) == 3)
    on_phone = site.control.get(f"/customers/{ANA}/received").json()["result"]
    assert [m["content"]["text"] for m in on_phone] == ["hello"]
    site.control.post(f"/customers/{ANA}/read").raise_for_status()
    until(lambda: len(site.receiver.posts) == 4)
    assert site.receiver.events() == ["text", "sent", "delivered", "read"]
    assert site.control.get("/sent/counts").json() == {"result": {"outbox:1": 1}}


def test_signatures_are_over_the_raw_bytes_with_non_ascii_and_slashes_escaped(site: Site) -> None:
    site.emulator.create_customer(ANA, "Änne")
    site.emulator.type_text(ANA, "naïve http://x.test/ 🙂")
    until(lambda: len(site.receiver.posts) == 1)
    raw, signature = site.receiver.posts[0]
    expected = "sha256=" + hmac.new(b"test_app_secret", raw, sha256).hexdigest()
    assert signature == expected
    assert raw.isascii()
    assert rb"http:\/\/x.test\/" in raw
    text = json.loads(raw)["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"]
    assert text == "naïve http://x.test/ 🙂"


def test_a_refused_webhook_comes_again_when_virtual_time_has_passed(site: Site) -> None:
    site.receiver.statuses = [500]
    site.emulator.create_customer(ANA)
    site.emulator.type_text(ANA, "hi")
    until(lambda: len(site.emulator.webhooks()[0].attempts) == 1)
    assert site.emulator.webhooks()[0].state == "pending"
    site.control.post("/clock/advance", json={"by": 5}).raise_for_status()
    until(lambda: site.emulator.webhooks()[0].state == "delivered")
    (first, _), (second, _) = site.receiver.posts
    assert first == second


@pytest.mark.covers("GET {media url}")
def test_media_up_and_down(site: Site) -> None:
    up = site.graph.post(
        f"{site.number_id}/media",
        data={"messaging_product": "whatsapp", "type": "image/png"},
        files={"file": ("a.png", PICTURE, "image/png")},
    )
    node = site.graph.get(up.json()["id"]).json()
    assert node["sha256"] == sha256(PICTURE).hexdigest()
    assert (node["mime_type"], node["file_size"]) == ("image/png", len(PICTURE))
    down = site.graph.get(node["url"])
    assert (down.content, down.headers["content-type"]) == (PICTURE, "image/png")
    assert httpx.get(node["url"], trust_env=False).status_code == 401
    assert site.graph.delete(up.json()["id"]).json() == {"success": True}
    assert site.graph.get(up.json()["id"]).status_code == 400
    assert site.graph.get(node["url"]).status_code == 404


def test_a_customers_picture_can_be_downloaded_from_the_webhooks_address(site: Site) -> None:
    site.emulator.create_customer(ANA)
    body = {"data": b64encode(PICTURE).decode(), "mime_type": "image/png", "caption": "look"}
    site.control.post(f"/customers/{ANA}/image", json=body).raise_for_status()
    until(lambda: len(site.receiver.posts) == 1)
    value = json.loads(site.receiver.posts[0][0])["entry"][0]["changes"][0]["value"]
    image = value["messages"][0]["image"]
    assert image["sha256"] == b64encode(sha256(PICTURE).digest()).decode()
    assert image["caption"] == "look"
    assert site.graph.get(image["url"]).content == PICTURE
    assert site.graph.get(image["id"]).json()["mime_type"] == "image/png"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic test-token", "test-token"])
def test_every_call_needs_the_bearer_token(site: Site, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    url = f"{site.graph.base_url}{site.number_id}"
    answer = httpx.get(url, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)


@pytest.mark.parametrize("version", ["v26.0", "v19.0", "v100.1"])
def test_any_version_will_do(site: Site, version: str) -> None:
    url = site.graph.base_url.copy_with(path=f"/{version}/{site.number_id}")
    assert site.graph.get(url).json()["id"] == site.number_id


@pytest.mark.parametrize("path", ["/graph", "/106540352242922", "/v26/106540352242922"])
def test_without_a_version_there_is_nothing(site: Site, path: str) -> None:
    answer = site.graph.get(site.graph.base_url.copy_with(path=path))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 2500)


def test_a_body_that_is_no_json_object_is_refused(site: Site) -> None:
    for content in (b"{", b"[]", b'"x"', b"\xff"):
        answer = site.graph.post(f"{site.number_id}/messages", content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_an_override_takes_messages_after_its_handshake_and_gives_them_back(site: Site, receiver: Receiver) -> None:
    account = site.emulator.accounts()[0].id
    override = f"{receiver.url}/override?x=1"
    body = {"override_callback_uri": override, "verify_token": "wrong"}
    refused = site.graph.post(f"{account}/subscribed_apps", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 2200)
    body["verify_token"] = "verify"
    assert site.graph.post(f"{account}/subscribed_apps", json=body).json() == {"success": True}
    listed = site.graph.get(f"{account}/subscribed_apps").json()["data"]
    assert [row["override_callback_uri"] for row in listed] == [override]

    site.emulator.create_customer(ANA)
    site.emulator.add_template("hello", "Hello there.")
    site.emulator.type_text(ANA, "hi")
    site.emulator.pause_template("hello")
    site.graph.post(f"{account}/subscribed_apps")
    site.emulator.type_text(ANA, "again")
    until(lambda: all(hook.state == "delivered" for hook in site.emulator.webhooks()))
    urls = [hook.attempts[0].url for hook in site.emulator.webhooks()]
    # The status of a template belongs to the account, which an override does not cover.
    assert urls[1:] == [receiver.url, receiver.url]
    assert site.graph.delete(f"{account}/subscribed_apps").json() == {"success": True}
    assert site.graph.get(f"{account}/subscribed_apps").json() == {"data": []}


def test_other_sites_pages_may_not_operate_the_emulator(site: Site) -> None:
    evil = {"Origin": "https://evil.test"}
    assert site.control.post("/reset", headers=evil).status_code == 403
    own = {"Origin": str(site.control.base_url).removesuffix("/_emulator/")}
    assert site.control.post("/reset", headers=own).status_code == 200


def test_serving_ends_in_bounded_time_and_frees_the_port(receiver: Receiver) -> None:
    emulator = Emulator()
    with serve(emulator) as served:
        host, port = httpx.URL(served.base_url).host, httpx.URL(served.base_url).port
        with socket.create_connection((host, port or 0)):  # a client that never lets go
            started_at = time.monotonic()
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect((host, port))
    assert time.monotonic() - started_at < 8


def test_a_client_that_hangs_on_does_not_keep_the_server_up() -> None:
    with serve(Emulator()) as served:
        url = httpx.URL(served.base_url)
        idle = socket.create_connection((url.host, url.port or 0))
        left_at = time.monotonic()
    assert time.monotonic() - left_at < 6
    idle.close()


def test_a_receiver_that_hangs_does_not_keep_the_server_up() -> None:
    let_go = Event()

    def hang(call: HttpCall) -> HttpReply:
        let_go.wait(20)
        return HttpReply(200)

    emulator = Emulator(sender=hang)
    with serve(emulator):
        emulator.subscribe_webhook("https://slow.test/", "v", handshake=False)
        emulator.create_customer(ANA)
        emulator.type_text(ANA, "hi")
        left_at = time.monotonic()
    stopped_after = time.monotonic() - left_at
    let_go.set()
    assert stopped_after < 6


def test_an_answer_does_not_wait_for_acknowledgements() -> None:
    """Nagle's algorithm would cost 40 ms an answer; 50 calls on one connection show it."""
    with serve(Emulator()) as served, httpx.Client(base_url=served.control_url, trust_env=False) as client:
        client.get("/clock")
        started_at = time.monotonic()
        for _ in range(50):
            client.get("/clock")
        assert time.monotonic() - started_at < 50 * 0.035


def test_an_emulator_can_be_served_again_and_a_taken_port_is_an_error() -> None:
    emulator = Emulator()
    with serve(emulator) as served:
        port = httpx.URL(served.base_url).port
        with pytest.raises(OSError, match="in use"), serve(Emulator(), port=port or 0):
            pass
    with serve(emulator) as served:
        url = f"{served.control_url}/numbers"
        assert httpx.get(url, trust_env=False).status_code == 200
        assert emulator.public_url == served.base_url


def test_a_review_ends_while_nobody_asks(site: Site) -> None:
    site.emulator.configure(template_review="approve", template_review_after=timedelta(milliseconds=300))
    body = {"type": "BODY", "text": "Hello there."}
    create = {"name": "hello", "language": "en_US", "category": "UTILITY", "components": [body]}
    account = site.emulator.accounts()[0].id
    site.graph.post(f"{account}/message_templates", json=create).raise_for_status()
    until(lambda: len(site.receiver.posts) == 1)
    assert b'"event":"APPROVED"' in site.receiver.posts[0][0]
