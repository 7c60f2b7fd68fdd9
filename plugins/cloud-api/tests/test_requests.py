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
from wa_connector.model.ids import AccountId, MessageId, ProviderId
from wa_connector.model.outbound import Envelope, Rejected
from wa_connector.model.template import Template, TemplateButton, TemplateCard, TemplateCategory, TemplateStatus

TO = number("+16505551234")
HEAD = {"messaging_product": "whatsapp", "recipient_type": "individual"}
TAIL = {"biz_opaque_callback_data": "outbox:43"}


def spell(
    setup: LineSetup,
    content: Content,
    to: Address = TO,
    replies_to: str | None = None,
    uploads: dict[str, str] | None = None,
    kinds: dict[str, str] | None = None,
) -> Call | Rejected:
    reply = None if replies_to is None else ProviderId(replies_to)
    envelope = Envelope(MessageId("outbox:43"), to, content, reply)
    return requests.message(setup.line, envelope, uploads or {}, kinds)


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


# ------------------------------------------------------------------- buttons and cards of templates

TRACK = TemplateButton("URL", "Track", "https://example.com/{{1}}")
SITE = TemplateButton("URL", "Site", "https://example.com/")
COUPON = TemplateButton("COPY_CODE", "Copy")
CODE = TemplateButton("OTP", "Copy code", "{{1}}")
YES = TemplateButton("QUICK_REPLY", "Yes")
CALL_US = TemplateButton("PHONE_NUMBER", "Call us")


def template(*buttons: TemplateButton, cards: tuple[TemplateCard, ...] = ()) -> Template:
    return Template(
        AccountId("main"),
        "offer",
        "en",
        TemplateCategory.MARKETING,
        TemplateStatus.APPROVED,
        body="Look",
        buttons=buttons,
        cards=cards,
    )


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        pytest.param(template(), {}, id="none"),
        pytest.param(template(YES, SITE, CALL_US), {}, id="none that takes a parameter"),
        pytest.param(template(YES, TRACK, COUPON), {"button.1": "URL", "button.2": "COPY_CODE"}, id="both"),
        pytest.param(template(CODE), {"button.0": "OTP"}, id="one-time code"),
        pytest.param(
            template(cards=(TemplateCard("IMAGE", "", (TRACK,)), TemplateCard("IMAGE", "", (YES, COUPON)))),
            {"card.0.button.0": "URL", "card.1.button.1": "COPY_CODE"},
            id="cards",
        ),
    ],
)
def test_the_kinds_of_buttons_are_the_templates(found: Template, kinds: dict[str, str]) -> None:
    assert kinds == found.button_kinds()


@pytest.mark.parametrize(
    ("content", "is_needed"),
    [
        (Text("button.0"), False),
        (TemplateMessage("offer", "en", {"body.1": "x"}, {"0": "yes"}), False),
        (TemplateMessage("offer", "en", {"button.0": "x"}), True),
        (TemplateMessage("offer", "en", {"card.0.button.0": "x"}), True),
    ],
)
def test_kinds_are_needed_for_parameters_of_buttons_alone(content: Content, is_needed: bool) -> None:
    assert is_needed is requests.button_parameters(content)


def button(index: str, kind: str, **parameter: str) -> dict[str, Any]:
    return {"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]}


def image(handle: str) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": "image", "image": {"id": handle}}]}


@pytest.mark.parametrize(
    ("content", "kinds", "components"),
    [
        pytest.param(
            TemplateMessage("offer", "en", {"button.1": "orders%2F7"}),
            {"button.1": "url"},
            [button("1", "url", type="text", text="orders%2F7")],
            id="the end of an address",
        ),
        pytest.param(
            TemplateMessage("offer", "en", {"tap.title": "Look", "tap.url": "https://x.test/a"}),
            {},
            [
                {
                    "type": "tap_target_configuration",
                    "parameters": [
                        {
                            "type": "tap_target_configuration",
                            "tap_target_configuration": [{"url": "https://x.test/a", "title": "Look"}],
                        }
                    ],
                }
            ],
            id="the whole message as a button",
        ),
        pytest.param(
            TemplateMessage("offer", "en", {"button.0": "SAVE 20"}),
            {"button.0": "copy_code"},
            [button("0", "copy_code", type="coupon_code", coupon_code="SAVE 20")],
            id="a coupon",
        ),
        pytest.param(
            TemplateMessage("code", "en", {"body.1": "123456", "button.0": "123456"}),
            template(CODE).button_kinds(),
            [
                {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
                button("0", "url", type="text", text="123456"),
            ],
            id="a one-time code, in the body and in the button",
        ),
        pytest.param(
            TemplateMessage("offer", "en", {"button.10": "b", "button.2": "a"}, {"9": "no", "0": "yes"}),
            {"button.10": "url", "button.2": "copy_code"},
            [
                button("0", "quick_reply", type="payload", payload="yes"),
                button("2", "copy_code", type="coupon_code", coupon_code="a"),
                button("9", "quick_reply", type="payload", payload="no"),
                button("10", "url", type="text", text="b"),
            ],
            id="all kinds, in their order",
        ),
        pytest.param(
            TemplateMessage(
                "offer",
                "en",
                {
                    "card.1.header.image": "cd" * 32,
                    "card.1.button.0": "b",
                    "body.1": "Ana",
                    "card.0.header.image": "ab" * 32,
                    "card.0.body.1": "Mug",
                    "card.0.body.2": "5 €",
                    "card.0.button.1": "a",
                },
            ),
            {"card.0.button.1": "url", "card.1.button.0": "copy_code"},
            [
                {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]},
                {
                    "type": "carousel",
                    "cards": [
                        {
                            "card_index": 0,
                            "components": [
                                image("MEDIA1"),
                                {
                                    "type": "body",
                                    "parameters": [{"type": "text", "text": "Mug"}, {"type": "text", "text": "5 €"}],
                                },
                                button("1", "url", type="text", text="a"),
                            ],
                        },
                        {
                            "card_index": 1,
                            "components": [
                                image("MEDIA2"),
                                button("0", "copy_code", type="coupon_code", coupon_code="b"),
                            ],
                        },
                    ],
                },
            ],
            id="a carousel",
        ),
        pytest.param(
            TemplateMessage("offer", "en", {f"card.{n}.header.image": "ab" * 32 for n in (9, 1, 0, 2)}),
            {},
            [
                {
                    "type": "carousel",
                    "cards": [{"card_index": n, "components": [image("MEDIA1")]} for n in (0, 1, 2, 9)],
                }
            ],
            id="cards in their order",
        ),
    ],
)
def test_buttons_and_cards(
    setup: LineSetup, content: TemplateMessage, kinds: dict[str, str], components: list[Any]
) -> None:
    found = body(setup, content, uploads={"ab" * 32: "MEDIA1", "cd" * 32: "MEDIA2"}, kinds=kinds)
    assert components == found["template"]["components"]


@pytest.mark.parametrize(
    ("parameters", "payloads", "code"),
    [
        ({"button.0": "x"}, {}, "parameter"),
        ({"button.1": "x"}, {"1": "yes"}, "parameter"),
        ({"button.x": "x"}, {}, "parameter"),
        ({"button.": "x"}, {}, "parameter"),
        ({"button.٣": "x"}, {}, "parameter"),
        ({"card.1": "x"}, {}, "parameter"),
        ({"card.x.body.1": "x"}, {}, "parameter"),
        ({"card.0.footer.1": "x"}, {}, "parameter"),
        ({"card.0.card.0.body.1": "x"}, {}, "parameter"),
        ({"card.0.button.0": "x"}, {}, "parameter"),
        ({"card.0.header.image": "ef" * 32}, {}, "media"),
        ({"card.0.header.image": "ab" * 32, "card.0.header.1": "x"}, {}, "parameter"),
    ],
)
def test_buttons_and_cards_that_cannot_be_spelled_are_rejected(
    setup: LineSetup, parameters: dict[str, str], payloads: dict[str, str], code: str
) -> None:
    kinds = {"button.1": "url", "card.1.button.0": "url"}
    refused = spell(setup, TemplateMessage("t", "en", parameters, payloads), uploads={"ab" * 32: "MEDIA1"}, kinds=kinds)
    assert isinstance(refused, Rejected)
    assert code == refused.code


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
        (TemplateMessage("t", "en", {"header.1": "x", "body.image": "x", "card.0.body.image": "x"}), ()),
        (
            TemplateMessage(
                "t",
                "en",
                {
                    "card.0.header.image": "ab" * 32,
                    "card.1.header.video": "cd" * 32,
                    "card.2.header.image": "ab" * 32,
                },
            ),
            (MediaRef("", "ab" * 32), MediaRef("", "cd" * 32)),
        ),
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
    assert "name" not in first.query
    assert "quality_score" in first.query["fields"]
    assert requests.templates(account, "CURSOR").query["after"] == "CURSOR"
    assert requests.templates(account, "", "offer").query["name"] == "offer"


def test_nothing_personal_is_printed(setup: LineSetup) -> None:
    call = spell(setup, Text("secret words"))
    printed = repr(call)
    assert all(word not in printed for word in ("16505551234", "secret words", "outbox:43"))
