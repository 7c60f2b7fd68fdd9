"""Requests: the exact bodies of the provider's reference."""

from typing import Any

import pytest
from wa_connector_cloud_api import requests
from wa_connector_cloud_api.requests import Call, File

from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.content import (
    Button,
    ButtonReply,
    Buttons,
    Content,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
    Unsupported,
)
from wa_connector.model.directory import Account, LineSetup
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.outbound import Envelope, Rejected

TO = number("+16505551234")
HEAD = {"messaging_product": "whatsapp", "recipient_type": "individual"}
TAIL = {"biz_opaque_callback_data": "outbox:43"}


def spell(
    setup: LineSetup,
    content: Content,
    to: Address = TO,
    replies_to: str | None = None,
    uploads: dict[str, str] | None = None,
) -> Call | Rejected:
    reply = None if replies_to is None else ProviderId(replies_to)
    envelope = Envelope(MessageId("outbox:43"), to, content, reply)
    return requests.message(setup.line, envelope, uploads or {})


def body(setup: LineSetup, content: Content, **more: Any) -> Any:
    call = spell(setup, content, **more)
    assert isinstance(call, Call)
    assert (call.method, call.path) == ("POST", "/106540352242922/messages")
    return call.json


@pytest.mark.parametrize(
    ("to", "recipient"),
    [
        (number("+16505551234"), {"to": "+16505551234"}),
        (Address(AddressKind.WHATSAPP_ID, "5511987654321"), {"to": "+5511987654321"}),
        (Address(AddressKind.BSUID, "US.1", "p"), {"recipient": "US.1"}),
        (Address(AddressKind.PARENT_BSUID, "US.ENT.1", "p"), {"recipient": "US.ENT.1"}),
    ],
)
def test_recipients(setup: LineSetup, to: Address, recipient: dict[str, str]) -> None:
    """A number always with its plus: without it the business's own country code would be put before it."""
    text = {"type": "text", "text": {"body": "hi"}}
    assert body(setup, Text("hi"), to=to) == HEAD | recipient | text | TAIL


@pytest.mark.parametrize(
    ("content", "spelled"),
    [
        pytest.param(Text("hi"), {"type": "text", "text": {"body": "hi"}}, id="text"),
        pytest.param(
            Image(MediaRef("image/png", "ab" * 32, 3), "look"),
            {"type": "image", "image": {"id": "MEDIA1", "caption": "look"}},
            id="image",
        ),
        pytest.param(
            Image(MediaRef("image/png", "ab" * 32, 3)),
            {"type": "image", "image": {"id": "MEDIA1"}},
            id="image without caption",
        ),
        pytest.param(
            Image(MediaRef("image/png", provider_ref="OLD")),
            {"type": "image", "image": {"id": "OLD"}},
            id="image that is with the provider",
        ),
        pytest.param(
            Buttons("Shall we?", (Button("y", "Yes"), Button("n", "No"))),
            {
                "type": "interactive",
                "interactive": {
                    "type": "button",
                    "body": {"text": "Shall we?"},
                    "action": {
                        "buttons": [
                            {"type": "reply", "reply": {"id": "y", "title": "Yes"}},
                            {"type": "reply", "reply": {"id": "n", "title": "No"}},
                        ]
                    },
                },
            },
            id="buttons",
        ),
        pytest.param(
            TemplateMessage("hello_world", "en_US"),
            {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}},
            id="template without parameters",
        ),
        pytest.param(
            TemplateMessage("order_update", "en_US", {"body.first_name": "Ana"}),
            {
                "type": "template",
                "template": {
                    "name": "order_update",
                    "language": {"code": "en_US"},
                    "components": [
                        {
                            "type": "body",
                            "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Ana"}],
                        }
                    ],
                },
            },
            id="template, named",
        ),
        pytest.param(
            TemplateMessage(
                "offer",
                "de",
                {f"body.{n}": f"v{n}" for n in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9)} | {"header.1": "H"},
                {"1": "no", "0": "yes"},
            ),
            {
                "type": "template",
                "template": {
                    "name": "offer",
                    "language": {"code": "de"},
                    "components": [
                        {"type": "header", "parameters": [{"type": "text", "text": "H"}]},
                        {
                            "type": "body",
                            "parameters": [{"type": "text", "text": f"v{n}"} for n in range(1, 11)],
                        },
                        {
                            "type": "button",
                            "sub_type": "quick_reply",
                            "index": "0",
                            "parameters": [{"type": "payload", "payload": "yes"}],
                        },
                        {
                            "type": "button",
                            "sub_type": "quick_reply",
                            "index": "1",
                            "parameters": [{"type": "payload", "payload": "no"}],
                        },
                    ],
                },
            },
            id="template, positional, ten of them, with header and payloads",
        ),
        pytest.param(
            TemplateMessage("poster", "en_US", {"header.image": "ab" * 32}),
            {
                "type": "template",
                "template": {
                    "name": "poster",
                    "language": {"code": "en_US"},
                    "components": [
                        {
                            "type": "header",
                            "parameters": [{"type": "image", "image": {"id": "MEDIA1"}}],
                        }
                    ],
                },
            },
            id="template with an image header",
        ),
    ],
)
def test_contents(setup: LineSetup, content: Content, spelled: dict[str, Any]) -> None:
    found = body(setup, content, uploads={"ab" * 32: "MEDIA1"})
    assert found == HEAD | {"to": "+16505551234"} | spelled | TAIL


def test_a_reply_names_what_it_answers(setup: LineSetup) -> None:
    assert body(setup, Text("hi"), replies_to="wamid.IN1")["context"] == {"message_id": "wamid.IN1"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ButtonReply("a", "A"), "content"),
        (Unsupported("sticker"), "content"),
        (Image(MediaRef("image/png", "cd" * 32, 3)), "media"),
        (TemplateMessage("t", "en", {"header.image": "cd" * 32}), "media"),
        (TemplateMessage("t", "en", {"header.image": "ab" * 32, "header.1": "x"}), "parameter"),
        (TemplateMessage("t", "en", {"footer.1": "x"}), "parameter"),
        (TemplateMessage("t", "en", {"body": "x"}), "parameter"),
    ],
)
def test_what_cannot_be_spelled_is_rejected(setup: LineSetup, content: Content, code: str) -> None:
    refused = spell(setup, content, uploads={"ab" * 32: "MEDIA1"})
    assert isinstance(refused, Rejected)
    assert refused.code == code


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (Text("hi"), ()),
        (Image(MediaRef("image/png", "ab" * 32, 3)), (MediaRef("image/png", "ab" * 32, 3),)),
        (Image(MediaRef("image/png", "ab" * 32, provider_ref="OLD")), ()),
        (TemplateMessage("t", "en", {"body.1": "x"}), ()),
        (TemplateMessage("t", "en", {"header.video": "ab" * 32}), (MediaRef("", "ab" * 32),)),
    ],
)
def test_attachments(content: Content, expected: tuple[MediaRef, ...]) -> None:
    assert requests.attachments(content) == expected


@pytest.mark.parametrize(
    ("content", "name", "mime_type"),
    [
        (b"\xff\xd8\xff\xe0 rest", "image.jpg", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n rest", "image.png", "image/png"),
        (b"%PDF-1.7 rest", "document.pdf", "application/pdf"),
        (b"\0\0\0\x18ftypmp42 rest", "video.mp4", "video/mp4"),
        (b"\0\0\0\x18ftyp3gp4 rest", "video.3gp", "video/3gpp"),
    ],
)
def test_upload(setup: LineSetup, content: bytes, name: str, mime_type: str) -> None:
    assert requests.upload(setup.line, content) == Call(
        "POST",
        "/106540352242922/media",
        form={"messaging_product": "whatsapp", "type": mime_type},
        file=File(name, mime_type, content),
    )


@pytest.mark.parametrize(
    "content", [b"", b"<svg/>", b"\xff\xd8\xff" + bytes(5 * 1024 * 1024)], ids=["empty", "svg", "large"]
)
def test_what_the_provider_would_refuse_does_not_travel(setup: LineSetup, content: bytes) -> None:
    assert isinstance(requests.upload(setup.line, content), Rejected)


def test_questions(setup: LineSetup, account: Account) -> None:
    assert requests.media_address(setup.line, "M/../1") == Call(
        "GET", "/M%2F%2E%2E%2F1", query={"phone_number_id": "106540352242922"}
    )
    first = requests.templates(account, "")
    assert (first.method, first.path) == ("GET", "/102290129340398/message_templates")
    assert "after" not in first.query
    assert requests.templates(account, "CURSOR").query["after"] == "CURSOR"


def test_nothing_personal_is_printed(setup: LineSetup) -> None:
    call = spell(setup, Text("secret words"))
    printed = repr(call)
    assert all(word not in printed for word in ("16505551234", "secret words", "outbox:43"))
