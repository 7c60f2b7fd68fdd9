"""The small host is all there, under both faces, and its wire says what it says it does."""

import json
from typing import Any

import pytest
from attrs import evolve

from wa_connector.errors import BodyMalformed, SignatureInvalid, UsageError
from wa_connector.model.address import AddressKind
from wa_connector.model.content import ButtonReply, Content, Image, MediaRef, Text, Unsupported
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import InboundMessage, InboundPreference, InboundStatus, Report, Unreadable
from wa_connector.model.outbound import Correction
from wa_connector.ports.channel import WebhookRequest
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, ENDPOINT, LINE, NOON, MemoryHost, address_of


def read(host: MemoryHost, *elements: dict[str, Any]) -> list[Any]:
    app = host.directory.app(ENDPOINT)
    assert app is not None
    return [inbound.item for inbound in host.channel.read(app, host.webhook(*elements))]


@pytest.mark.parametrize("face", ["direct", "aio"])
def test_a_story_is_the_same_under_both_faces(face: str) -> None:
    """One test text: asked, answered, written, read."""
    host = MemoryHost()
    with host.connector(face) as connector:
        connector.sync_templates(ACME, ACCOUNT)
        placed = connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
        assert connector.dispatcher.run_once() == 1
        assert connector.handle_webhook(host.webhook(host.said("Yes"))).taken == 1
        assert placed.conversation is not None
        connector.send(ACME, ANA, placed.conversation, Text("Hi")).or_raise()
        assert connector.dispatcher.run_once() == 2
    assert host.transport.is_closed
    assert len(host.happenings) > 5
    assert {"webhook_lag_seconds", "queue_age_seconds"} == {name for name, _, _ in host.measures}


@pytest.mark.parametrize(
    ("words", "content"),
    [
        ({"text": "Hello"}, Text("Hello")),
        ({"image": "media-1"}, Image(MediaRef("image/png", provider_ref="media-1"))),
        ({"tap": ["payload", "Title"]}, ButtonReply("payload", "Title")),
        ({"kind": "sticker"}, Unsupported("sticker")),
    ],
)
def test_a_message_of_the_wire(words: dict[str, Any], content: Content) -> None:
    """Every kind of content; only what the channel cannot convey opens no window."""
    host = MemoryHost()
    (item,) = read(host, host.said(**words, name="Carl", replies_to="out-1"))
    assert isinstance(item, InboundMessage)
    expected = evolve(content, replies_to=ProviderId("out-1")) if isinstance(content, ButtonReply) else content
    assert (expected, NOON, "in-1", "out-1") == (item.content, item.at, item.provider_id, item.replies_to)
    assert item.opens_window is not isinstance(content, Unsupported)
    assert (item.sender.name, item.sender.addresses) == ("Carl", (address_of("+16505551234"),))


def test_a_report_of_the_wire() -> None:
    host = MemoryHost()
    element = host.reported(
        "failed", message="m-1", to=["wa:1"], error="131", meaning="no", correction="not_on_channel"
    )
    (item,) = read(host, element)
    assert isinstance(item, InboundStatus)
    assert (item.report, item.provider_id, item.message) == (Report.FAILED, "out-1", "m-1")
    assert (item.error, item.meaning, item.correction) == ("131", "no", Correction.NOT_ON_CHANNEL)
    assert item.recipient is not None


def test_a_preference_of_the_wire() -> None:
    host = MemoryHost()
    (item,) = read(host, host.said(wants_marketing=False))
    assert isinstance(item, InboundPreference)
    assert (False, NOON, (address_of("+16505551234"),)) == (item.wants_marketing, item.at, item.sender.addresses)


@pytest.mark.parametrize("change", [{"at": "noon"}, {"from": ["x:1"]}, {"from": ["16505551234"]}, {"report": "lost"}])
def test_what_is_wrong_is_unreadable_by_itself(change: dict[str, Any]) -> None:
    """Kept with its text; the elements beside it are read."""
    host = MemoryHost()
    bad = {**host.said("?"), **change}
    first, second, third = read(host, host.said("One"), bad, host.said("Two"))
    assert isinstance(second, Unreadable)
    assert bad == json.loads(second.raw)
    assert isinstance(first, InboundMessage)
    assert isinstance(third, InboundMessage)


def test_what_is_not_the_channels() -> None:
    """A wrong signature before a broken body."""
    host = MemoryHost()
    app = host.directory.app(ENDPOINT)
    assert app is not None
    with pytest.raises(SignatureInvalid):
        host.channel.read(app, evolve(host.webhook(signature="forged"), body=b"{"))
    for body in (b"{", b"[]", b"{}"):
        with pytest.raises(BodyMalformed):
            host.channel.read(app, evolve(host.webhook(), body=body))


def test_a_subscription_check() -> None:
    host = MemoryHost()
    app = host.directory.app(ENDPOINT)
    assert app is not None
    check = WebhookRequest(ENDPOINT, "GET", "https://host.example/hook", {"X-Verify": "verify"}, b"")
    assert [
        reply.status
        for request in (check, evolve(check, headers={}))
        if (reply := host.channel.handshake(app, request))
    ] == [200, 403]
    assert host.channel.handshake(app, host.webhook()) is None


def test_addresses_as_a_test_writes_them() -> None:
    texts = (
        "+16505551234",
        "wa:16505551234",
        "bsuid:one",
        "parent:one",
        "code:US:12345",
        "extension:pbx:101",
        "name:Acme",
    )
    kinds = [address_of(text).kind for text in texts]
    assert list(AddressKind) == kinds
    with pytest.raises(UsageError, match="fax:"):
        address_of("fax:1")
