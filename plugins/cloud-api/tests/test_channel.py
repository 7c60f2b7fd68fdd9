"""The channel: handshake and webhooks as the port promises them."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from attrs import evolve
from wa_connector_cloud_api.capabilities import CAPABILITIES
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.signature import sign

from wa_connector.errors import BodyMalformed, SignatureInvalid
from wa_connector.model.directory import App
from wa_connector.model.secret import Secret
from wa_connector.policy.country import UNITED_STATES
from wa_connector.ports.channel import Channel, WebhookReply, WebhookRequest

CHANNEL: Channel = CloudApiChannel()
EMPTY = b'{"object":"whatsapp_business_account","entry":[]}'


def ask(method: str = "GET", **query: Any) -> WebhookRequest:
    named = {f"hub.{name}": value for name, value in query.items()}
    url = "https://host.example/hook?" + urlencode(named, doseq=True, errors="surrogatepass")
    return WebhookRequest("main", method, url, {}, b"")


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ({"mode": "subscribe", "verify_token": "verify-me", "challenge": "1158201444"}, 200, b"1158201444"),
        ({"mode": "subscribe", "verify_token": "verify-me", "challenge": "é/<b>"}, 200, "é/<b>".encode()),
        ({"mode": "subscribe", "verify_token": "verify-me"}, 200, b""),
        ({"mode": "subscribe", "verify_token": "guess", "challenge": "1"}, 403, None),
        ({"mode": "subscribe", "verify_token": "vérify", "challenge": "1"}, 403, None),
        ({"mode": "subscribe", "verify_token": "", "challenge": "1"}, 403, None),
        ({"mode": "subscribe", "challenge": "1"}, 403, None),
        ({"mode": "unsubscribe", "verify_token": "verify-me", "challenge": "1"}, 403, None),
        ({"mode": "", "verify_token": "verify-me", "challenge": "1"}, 403, None),
        (
            {"mode": "subscribe", "verify_token": ["guess", "verify-me"], "challenge": "1"},
            403,
            None,
        ),
    ],
)
def test_handshake(app: App, query: dict[str, Any], status: int, body: bytes | None) -> None:
    reply = CHANNEL.handshake(app, ask(**query))
    assert isinstance(reply, WebhookReply)
    assert reply.status == status
    assert reply.headers["content-type"].startswith("text/plain")
    if body is not None:
        assert reply.body == body
    else:
        assert b"1" not in reply.body


def test_an_empty_verify_token_lets_nobody_in(app: App) -> None:
    open_app = evolve(app, verify_token=Secret(""))
    reply = CHANNEL.handshake(open_app, ask(mode="subscribe", verify_token="", challenge="1"))
    assert reply is not None
    assert reply.status == 403


@pytest.mark.parametrize(
    "request_",
    [
        ask("POST", mode="subscribe", verify_token="verify-me", challenge="1"),
        ask("GET"),
        ask("GET", challenge="1"),
        WebhookRequest("main", "GET", "https://host.example/hook", {}, b""),
        WebhookRequest("main", "GET", "http://[broken?a=b", {}, b""),
        WebhookRequest("main", "GET", "?" + "&".join("a=b" for _ in range(100)), {}, b""),
    ],
)
def test_other_requests_are_no_handshake(app: App, request_: WebhookRequest) -> None:
    assert CHANNEL.handshake(app, request_) is None


def test_a_fragment_is_no_query(app: App) -> None:
    url = "https://host.example/hook#?hub.mode=subscribe&hub.verify_token=verify-me"
    assert CHANNEL.handshake(app, WebhookRequest("main", "GET", url, {}, b"")) is None


@pytest.mark.parametrize("name", ["X-Hub-Signature-256", "x-hub-signature-256", "X-HUB-SIGNATURE-256"])
def test_the_signature_is_found_in_any_case(app: App, name: str) -> None:
    headers = {"Host": "host.example", name: sign(app.secrets[0], EMPTY)}
    assert CHANNEL.read(app, WebhookRequest("main", "POST", "u", headers, EMPTY)) == []


def test_the_signature_comes_before_parsing(app: App) -> None:
    """Broken JSON without a signature is an unsigned body, not a broken one."""
    with pytest.raises(SignatureInvalid, match="no X-Hub-Signature-256"):
        CHANNEL.read(app, WebhookRequest("main", "POST", "u", {}, b"{"))
    headers = {"x-hub-signature-256": sign(Secret("other"), b"{")}
    with pytest.raises(SignatureInvalid, match="does not sign this body"):
        CHANNEL.read(app, WebhookRequest("main", "POST", "u", headers, b"{"))
    headers = {"x-hub-signature-256": sign(app.secrets[0], b"{")}
    with pytest.raises(BodyMalformed):
        CHANNEL.read(app, WebhookRequest("main", "POST", "u", headers, b"{"))


def test_rotation(app: App) -> None:
    headers = {"x-hub-signature-256": sign(Secret("old"), EMPTY)}
    request = WebhookRequest("main", "POST", "u", headers, EMPTY)
    rotating = evolve(app, secrets=(Secret("new"), Secret("old")))
    assert CHANNEL.read(rotating, request) == []
    with pytest.raises(SignatureInvalid):
        CHANNEL.read(evolve(app, secrets=(Secret("new"),)), request)


def test_capabilities() -> None:
    assert CHANNEL.capabilities is CAPABILITIES
    assert CAPABILITIES.channel == "whatsapp"


def test_marketing_to_the_united_states_is_not_taken() -> None:
    """Source: marketing to numbers with +1 and an area code of the United States, refused since April 2025."""
    assert frozenset({UNITED_STATES}) == CAPABILITIES.no_marketing_to


def test_free_form_messages_are_billed_since_october_2026() -> None:
    """Source: pricing, updates of September 2026."""
    assert datetime(2026, 10, 1, tzinfo=UTC) == CAPABILITIES.free_form_billed_from_at


def test_the_channel_prints_no_secret(app: App) -> None:
    channel = CloudApiChannel()
    headers = {"x-hub-signature-256": sign(app.secrets[0], EMPTY)}
    channel.read(app, WebhookRequest("main", "POST", "u", headers, EMPTY))
    assert "test_app_secret" not in repr(channel)
