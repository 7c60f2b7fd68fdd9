"""The wire's spelling of every kind, as the provider's reference has it."""

from datetime import timedelta
from typing import Any

import pytest
from wa_connector_cloud_api import contents, requests
from wa_connector_cloud_api.capabilities import CAPABILITIES
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.options import Marketing
from wa_connector_cloud_api.requests import Call

from wa_connector.model.address import number
from wa_connector.model.content import (
    AddressRequest,
    Audio,
    Button,
    Buttons,
    CallButton,
    CallRequest,
    Card,
    Carousel,
    Catalog,
    ContactCard,
    ContactRequest,
    Contacts,
    Content,
    Document,
    Form,
    Image,
    Labelled,
    LinkButton,
    Location,
    LocationRequest,
    MediaRef,
    Menu,
    MenuRow,
    MenuSection,
    PostalAddress,
    Product,
    Products,
    ProductSection,
    Reaction,
    Sticker,
    TemplateMessage,
    Text,
    Utility,
    Video,
)
from wa_connector.model.directory import LineSetup
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.outbound import Envelope, Rejected
from wa_connector.testing.samples import contents_of

FILE = MediaRef("video/mp4", "ab" * 32, 3)
UPLOADS = {"ab" * 32: "MEDIA1"}
ID = {"id": "MEDIA1"}
YES_NO = (Button("y", "Yes"), Button("n", "No"))
REPLIES = {
    "buttons": [
        {"type": "reply", "reply": {"id": "y", "title": "Yes"}},
        {"type": "reply", "reply": {"id": "n", "title": "No"}},
    ]
}
OPEN = {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com"}}
ANN = ContactCard(
    "Dr Ann Lee",
    "Ann",
    "Lee",
    prefix="Dr",
    phones=(Labelled("+16505551234", "CELL"), Labelled("+16505551235")),
    emails=(Labelled("ann@example.com", "WORK"),),
    urls=(Labelled("https://example.com", "WORK"),),
    addresses=(PostalAddress("1 Main St", "Springfield", "IL", "62701", "United States", "US", "HOME"),),
    company="Acme",
    title="Head",
    birthday="1990-01-31",
)


def interactive(kind: str, action: dict[str, Any], **around: Any) -> dict[str, Any]:
    spelled = {"type": kind, "action": action} | around
    return {"type": "interactive", "interactive": spelled}


SPELLED: list[tuple[Content, dict[str, Any]]] = [
    (
        Text("see https://a.b", previews_link=True),
        {"type": "text", "text": {"body": "see https://a.b", "preview_url": True}},
    ),
    (Video(FILE, "look"), {"type": "video", "video": ID | {"caption": "look"}}),
    (Audio(FILE), {"type": "audio", "audio": ID}),
    (Audio(FILE, is_voice=True), {"type": "audio", "audio": ID | {"voice": True}}),
    (Document(FILE, "a.pdf", "look"), {"type": "document", "document": ID | {"caption": "look", "filename": "a.pdf"}}),
    (Document(FILE), {"type": "document", "document": ID}),
    (Sticker(FILE), {"type": "sticker", "sticker": ID}),
    (
        Location(52.5, -0.00001, "Shop", "1 Main St"),
        {
            "type": "location",
            "location": {"latitude": "52.5", "longitude": "-0.00001", "name": "Shop", "address": "1 Main St"},
        },
    ),
    (Location(0, -180), {"type": "location", "location": {"latitude": "0", "longitude": "-180"}}),
    (
        Contacts((ANN,)),
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Dr Ann Lee", "first_name": "Ann", "last_name": "Lee", "prefix": "Dr"},
                    "phones": [{"phone": "+16505551234", "type": "CELL"}, {"phone": "+16505551235"}],
                    "emails": [{"email": "ann@example.com", "type": "WORK"}],
                    "urls": [{"url": "https://example.com", "type": "WORK"}],
                    "addresses": [
                        {
                            "street": "1 Main St",
                            "city": "Springfield",
                            "state": "IL",
                            "zip": "62701",
                            "country": "United States",
                            "country_code": "US",
                            "type": "HOME",
                        }
                    ],
                    "org": {"company": "Acme", "title": "Head"},
                    "birthday": "1990-01-31",
                }
            ],
        },
    ),
    (
        Reaction(ProviderId("wamid.IN1"), "👍"),
        {"type": "reaction", "reaction": {"message_id": "wamid.IN1", "emoji": "👍"}},
    ),
    (
        Reaction(ProviderId("wamid.IN1"), ""),
        {"type": "reaction", "reaction": {"message_id": "wamid.IN1", "emoji": ""}},
    ),
    (
        Buttons("Well?", YES_NO, Text("Head"), "Foot"),
        interactive(
            "button",
            REPLIES,
            header={"type": "text", "text": "Head"},
            body={"text": "Well?"},
            footer={"text": "Foot"},
        ),
    ),
    (
        Buttons("Well?", YES_NO, Image(FILE, "not shown")),
        interactive("button", REPLIES, header={"type": "image", "image": ID}, body={"text": "Well?"}),
    ),
    (
        Buttons("Well?", YES_NO, Document(FILE, "a.pdf")),
        interactive(
            "button",
            REPLIES,
            header={"type": "document", "document": ID | {"filename": "a.pdf"}},
            body={"text": "Well?"},
        ),
    ),
    (
        Menu("Well?", "Choose", (MenuSection((MenuRow("1", "One", "the first"), MenuRow("2", "Two")), "Numbers"),)),
        interactive(
            "list",
            {
                "button": "Choose",
                "sections": [
                    {
                        "title": "Numbers",
                        "rows": [
                            {"id": "1", "title": "One", "description": "the first"},
                            {"id": "2", "title": "Two"},
                        ],
                    }
                ],
            },
            body={"text": "Well?"},
        ),
    ),
    (
        LinkButton("Look", "Open", "https://example.com", Video(FILE), "Foot"),
        interactive(
            "cta_url", OPEN, header={"type": "video", "video": ID}, body={"text": "Look"}, footer={"text": "Foot"}
        ),
    ),
    (
        LocationRequest("Where?"),
        interactive("location_request_message", {"name": "send_location"}, body={"text": "Where?"}),
    ),
    (
        ContactRequest("Who?"),
        interactive("request_contact_info", {"name": "request_contact_info"}, body={"text": "Who?"}),
    ),
    (
        AddressRequest("Where to?", "IN", {"city": "Pune"}),
        interactive(
            "address_message",
            {"name": "address_message", "parameters": {"country": "IN", "values": {"city": "Pune"}}},
            body={"text": "Where to?"},
        ),
    ),
    (CallRequest(), interactive("call_permission_request", {"name": "call_permission_request"})),
    (
        CallButton("Questions?", "Call us", timedelta(hours=2), "desk 1"),
        interactive(
            "voice_call",
            {"name": "voice_call", "parameters": {"display_text": "Call us", "ttl_minutes": 120, "payload": "desk 1"}},
            body={"text": "Questions?"},
        ),
    ),
    (
        Form("Please", "Fill in", "123", "token", "FIRST", '{"name": "Ann"}', is_draft=True),
        interactive(
            "flow",
            {
                "name": "flow",
                "parameters": {
                    "flow_message_version": "3",
                    "flow_id": "123",
                    "flow_cta": "Fill in",
                    "flow_token": "token",
                    "mode": "draft",
                    "flow_action": "navigate",
                    "flow_action_payload": {"screen": "FIRST", "data": {"name": "Ann"}},
                },
            },
            body={"text": "Please"},
        ),
    ),
    (
        Form("Please", "Fill in", "sign_up"),
        interactive(
            "flow",
            {
                "name": "flow",
                "parameters": {
                    "flow_message_version": "3",
                    "flow_name": "sign_up",
                    "flow_cta": "Fill in",
                    "mode": "published",
                    "flow_action": "data_exchange",
                },
            },
            body={"text": "Please"},
        ),
    ),
    (
        Catalog("Look", "sku-1", "Foot"),
        interactive(
            "catalog_message",
            {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "sku-1"}},
            body={"text": "Look"},
            footer={"text": "Foot"},
        ),
    ),
    (Product("c1", "sku-1"), interactive("product", {"catalog_id": "c1", "product_retailer_id": "sku-1"})),
    (
        Products("Shop", "Look", "c1", (ProductSection("Shoes", ("a", "b")),)),
        interactive(
            "product_list",
            {
                "catalog_id": "c1",
                "sections": [
                    {
                        "title": "Shoes",
                        "product_items": [{"product_retailer_id": "a"}, {"product_retailer_id": "b"}],
                    }
                ],
            },
            header={"type": "text", "text": "Shop"},
            body={"text": "Look"},
        ),
    ),
    (
        Carousel(
            "Look",
            (
                Card(Image(FILE), "One", "Open", "https://example.com"),
                Card(Video(FILE), buttons=(Button("y", "Yes"),)),
            ),
        ),
        interactive(
            "carousel",
            {
                "cards": [
                    {
                        "card_index": 0,
                        "type": "cta_url",
                        "header": {"type": "image", "image": ID},
                        "body": {"text": "One"},
                        "action": OPEN,
                    },
                    {
                        "card_index": 1,
                        "type": "cta_url",
                        "header": {"type": "video", "video": ID},
                        "action": {"buttons": [{"type": "quick_reply", "quick_reply": {"id": "y", "title": "Yes"}}]},
                    },
                ]
            },
            body={"text": "Look"},
        ),
    ),
    (
        Utility(Text("Your parcel is here"), "parcel_here", timedelta(hours=1)),
        {
            "type": "text",
            "text": {"body": "Your parcel is here"},
            "category": "utility",
            "ttl_seconds": 3600,
            "direct_send_config": {"template_name": "parcel_here"},
        },
    ),
    (Utility(Text("Hi")), {"type": "text", "text": {"body": "Hi"}, "category": "utility"}),
]


@pytest.mark.parametrize(("content", "spelled"), SPELLED)
def test_each_kind_is_spelled_as_the_reference_has_it(content: Content, spelled: dict[str, Any]) -> None:
    assert spelled == contents.spelled(content, UPLOADS)


def test_every_kind_that_the_channel_declares_is_in_this_table() -> None:
    spelled = {type(content) for content, _ in SPELLED} | {Image, TemplateMessage}
    assert CAPABILITIES.contents <= spelled
    assert CloudApiChannel(direct_send=True).capabilities.contents == spelled


def test_what_only_customers_send_is_rejected() -> None:
    for content in contents_of("hi"):
        if type(content) not in contents.SENDABLE:
            assert contents.spelled(content, {}) == Rejected("content", "a business cannot send this kind of content")


def test_a_file_that_is_nowhere_is_rejected_wherever_it_stands() -> None:
    for content in contents_of("hi"):
        if type(content) in contents.SENDABLE and contents.files_of(content):
            outcome = contents.spelled(content, {})
            assert outcome == Rejected("media", "the file is neither in the media store nor with the provider")


def test_all_files_of_a_message_are_uploaded_each_once() -> None:
    other = MediaRef("image/png", "cd" * 32, 3)
    cards = (Card(Image(other), url="https://a.b"), Card(Image(FILE), url="https://a.b"), Card(Image(other)))
    assert requests.attachments(Carousel("Look", cards)) == (other, FILE)
    assert requests.attachments(Utility(Buttons("Hi", YES_NO, Video(FILE)))) == (FILE,)
    assert requests.attachments(Image(MediaRef("image/png", provider_ref="OLD"))) == ()


# --- around the message -----------------------------------------------------------------------------------------------


def sent(setup: LineSetup, content: Content, replies_to: str | None = None, **more: Any) -> Call:
    quoted = None if replies_to is None else ProviderId(replies_to)
    call = requests.message(setup.line, Envelope(MessageId("m1"), number("+16505551234"), content, quoted), {}, **more)
    assert isinstance(call, Call)
    return call


def test_a_reaction_quotes_nothing(setup: LineSetup) -> None:
    """Source: Cloud API, reaction messages: it names its message itself and cannot be a contextual reply."""
    assert "context" not in (sent(setup, Reaction(ProviderId("wamid.IN1"), "👍"), "wamid.IN1").json or {})
    assert (sent(setup, Text("hi"), "wamid.IN1").json or {})["context"] == {"message_id": "wamid.IN1"}


@pytest.mark.parametrize("is_typing", [False, True])
def test_a_message_is_marked_as_read_with_or_without_a_sign_of_typing(setup: LineSetup, is_typing: bool) -> None:
    body: dict[str, object] = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN1"}
    if is_typing:
        body["typing_indicator"] = {"type": "text"}
    expected = Call("POST", "/106540352242922/messages", json=body)
    assert expected == requests.mark_read(setup.line, ProviderId("wamid.IN1"), is_typing)


@pytest.mark.parametrize(
    ("marketing", "policy"),
    [
        (Marketing(), {"product_policy": "CLOUD_API_FALLBACK"}),
        (Marketing(False, True), {"product_policy": "STRICT", "message_activity_sharing": True}),
    ],
)
def test_marketing_goes_by_its_endpoint_with_its_policy(
    setup: LineSetup, marketing: Marketing, policy: dict[str, Any]
) -> None:
    content = TemplateMessage("sale", "en", is_marketing=True)
    plain, own = sent(setup, content), sent(setup, content, marketing=marketing)
    assert (plain.path, own.path) == ("/106540352242922/messages", "/106540352242922/marketing_messages")
    assert {**(plain.json or {}), **policy} == own.json


# --- templates --------------------------------------------------------------------------------------------------------


def components(setup: LineSetup, content: TemplateMessage) -> Any:
    body: Any = sent(setup, content).json
    return body["template"]["components"]


def test_a_template_brings_the_kinds_of_its_buttons_along(setup: LineSetup) -> None:
    parameters = {
        "button.0": "token",
        "button.1": "sku-1",
        "button.2": '{"thumbnail": "sku-1", "sections": {"Shoes": ["sku-1", "sku-2"]}}',
        "button.3": "desk 1",
        "button.4": "SAVE20",
        "button.5": "orders/1",
    }
    kinds = dict(zip(parameters, ("FLOW", "CATALOG", "MPM", "VOICE_CALL", "COPY_CODE", "OTP"), strict=True))
    items = [{"product_retailer_id": "sku-1"}, {"product_retailer_id": "sku-2"}]
    several = {"thumbnail_product_retailer_id": "sku-1", "sections": [{"title": "Shoes", "product_items": items}]}
    expected = [
        ("flow", {"type": "action", "action": {"flow_token": "token"}}),
        ("catalog", {"type": "action", "action": {"thumbnail_product_retailer_id": "sku-1"}}),
        ("mpm", {"type": "action", "action": several}),
        ("voice_call", {"type": "payload", "payload": "desk 1"}),
        ("copy_code", {"type": "coupon_code", "coupon_code": "SAVE20"}),
        ("url", {"type": "text", "text": "orders/1"}),
    ]
    assert components(setup, TemplateMessage("shop", "en", parameters, kinds=kinds)) == [
        {"type": "button", "sub_type": kind, "index": str(index), "parameters": [parameter]}
        for index, (kind, parameter) in enumerate(expected)
    ]


def test_a_place_a_product_and_the_end_of_an_offer(setup: LineSetup) -> None:
    place = {"latitude": "52.5", "longitude": "13.4", "name": "Shop", "address": "1 Main St"}
    assert components(setup, TemplateMessage("here", "en", {"header.location": "52.5,13.4\nShop\n1 Main St"})) == [
        {"type": "header", "parameters": [{"type": "location", "location": place}]}
    ]
    assert components(setup, TemplateMessage("one", "en", {"header.product": "c1/sku-1"})) == [
        {
            "type": "header",
            "parameters": [{"type": "product", "product": {"product_retailer_id": "sku-1", "catalog_id": "c1"}}],
        }
    ]
    assert components(setup, TemplateMessage("sale", "en", {"offer.expires_at": "2026-11-30T00:00:00Z"})) == [
        {
            "type": "limited_time_offer",
            "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1795996800000}}],
        }
    ]


@pytest.mark.parametrize(
    ("parameters", "kinds"),
    [
        ({"header.location": "somewhere"}, {}),
        ({"offer.expires_at": "soon"}, {}),
        ({"button.0": "a, b"}, {"button.0": "MPM"}),
    ],
)
def test_a_parameter_that_says_nothing_is_rejected(
    setup: LineSetup, parameters: dict[str, str], kinds: dict[str, str]
) -> None:
    content = TemplateMessage("hello", "en", parameters, kinds=kinds)
    outcome = requests.message(setup.line, Envelope(MessageId("m1"), number("+16505551234"), content), {})
    assert isinstance(outcome, Rejected)
    assert outcome.code == "parameter"


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said", "actual"),
    [
        (b"OggS.", "audio/ogg; codecs=opus", "audio/ogg"),
        (b"ID3.", "audio/mpeg", "audio/mpeg"),
        (b"\xff\xf1.", "", "audio/aac"),
        (b"#!AMR.", "audio/amr", "audio/amr"),
        (b"....ftypM4A ", "audio/mp4", "audio/mp4"),
        (b"....ftypisom", "audio/mp4", "audio/mp4"),
        (b"....ftypisom", "", "video/mp4"),
        (b"RIFF....WEBP", "image/webp", "image/webp"),
        (b"hello", "text/plain", "text/plain"),
        (b"PK\x03\x04.", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ""),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", "application/msword"),
    ],
)
def test_a_file_is_uploaded_as_what_it_is(setup: LineSetup, content: bytes, said: str, actual: str) -> None:
    call = requests.upload(setup.line, content, said)
    assert isinstance(call, Call)
    assert call.form["type"] == (actual or said)
    assert call.file is not None
    assert call.file.mime_type == (actual or said)


@pytest.mark.parametrize(
    ("content", "said", "meaning"),
    [
        (b"%PDF-", "image/png", "the file is said to be image/png and is application/pdf"),
        (b"\0\0\0\x18ftypheic", "image/heic", "the file is said to be image/heic and is video/mp4"),
        (b"hello", "application/msword", ""),
        (b"<html>", "", ""),
    ],
)
def test_a_file_that_is_something_else_is_rejected(setup: LineSetup, content: bytes, said: str, meaning: str) -> None:
    outcome = requests.upload(setup.line, content, said)
    assert isinstance(outcome, Rejected)
    assert meaning in outcome.meaning
