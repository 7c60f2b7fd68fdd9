"""What customers send, kind by kind: the reference's objects as contents, and what is missing as a problem."""

from datetime import UTC, datetime
from typing import Any

import pytest
from wa_connector_cloud_api import received, webhook
from wa_connector_cloud_api._json import encode

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import (
    Audio,
    ButtonReply,
    CallAnswer,
    Circumstances,
    ContactCard,
    Contacts,
    Content,
    Deleted,
    Document,
    Edited,
    FormReply,
    Forwarding,
    IdentityChange,
    IdentityChanged,
    Labelled,
    Location,
    MediaRef,
    Order,
    OrderItem,
    PostalAddress,
    Product,
    Reaction,
    Referral,
    Sticker,
    Unsupported,
    Video,
    Voicemail,
)
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import InboundMessage, Sender, Unreadable

QUOTED = ProviderId("wamid.OUT0")


def taken(kind: str, part: object, **more: Any) -> InboundMessage | Unreadable:
    message = {
        "from": "16505551234",
        "from_user_id": "US.1",
        "id": "wamid.IN1",
        "timestamp": "1795000000",
        "type": kind,
        kind: part,
        "context": {"id": "wamid.OUT0"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "PN1"},
        "messages": [message | more],
    }
    entry = {"id": "WABA1", "changes": [{"field": "messages", "value": value}]}
    (found,) = webhook.read(encode({"object": "whatsapp_business_account", "entry": [entry]}))
    assert isinstance(found.item, InboundMessage | Unreadable)
    return found.item


FILE = {"id": "M1", "mime_type": "video/mp4", "sha256": "ab" * 32, "url": "https://lookaside.fbsbx.com/x"}
MEDIA = MediaRef("video/mp4", "ab" * 32, provider_ref="M1")
CARD = {
    "name": {"formatted_name": "Dr Ann Lee", "first_name": "Ann", "last_name": "Lee", "prefix": "Dr"},
    "phones": [{"phone": "+1 650 555 1234", "type": "CELL", "wa_id": "16505551234"}, {"wa_id": "16505551235"}, {}],
    "emails": [{"email": "ann@example.com", "type": "WORK"}],
    "urls": [{"url": "https://example.com"}],
    "addresses": [{"street": "1 Main St", "city": "Springfield", "state": "IL", "zip": "62701", "type": "HOME"}],
    "org": {"company": "Acme", "title": "Head"},
    "birthday": "1990-01-31",
    "origin": "other",
}
ANN = ContactCard(
    "Dr Ann Lee",
    "Ann",
    "Lee",
    prefix="Dr",
    phones=(Labelled("+1 650 555 1234", "CELL"), Labelled("16505551235")),
    emails=(Labelled("ann@example.com", "WORK"),),
    urls=(Labelled("https://example.com"),),
    addresses=(PostalAddress("1 Main St", "Springfield", "IL", "62701", label="HOME"),),
    company="Acme",
    title="Head",
    birthday="1990-01-31",
)


@pytest.mark.parametrize(
    ("kind", "part", "content", "opens_window"),
    [
        ("video", FILE | {"caption": "look"}, Video(MEDIA, "look"), True),
        ("audio", FILE, Audio(MEDIA), True),
        ("audio", FILE | {"voice": True}, Audio(MEDIA, is_voice=True), True),
        ("document", FILE | {"filename": "a.pdf", "caption": "look"}, Document(MEDIA, "a.pdf", "look"), True),
        ("document", FILE, Document(MEDIA), True),
        ("sticker", FILE | {"animated": True}, Sticker(MEDIA, is_animated=True), True),
        ("location", {"latitude": 52.5, "longitude": -0.25}, Location(52.5, -0.25), True),
        (
            "location",
            {"latitude": "52.5", "longitude": 0, "name": "Shop", "address": "1 Main St", "url": "https://a.b"},
            Location(52.5, 0.0, "Shop", "1 Main St", "https://a.b"),
            True,
        ),
        ("contacts", [CARD], Contacts((ANN,)), True),
        ("contacts", [{"name": {"first_name": "Ann"}}], Contacts((ContactCard("Ann", "Ann"),)), True),
        (
            "interactive",
            {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"a": 1}'}},
            FormReply("flow", '{"a": 1}', "Sent", QUOTED),
            True,
        ),
        (
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "1", "title": "One", "description": "first"}},
            ButtonReply("1", "One", QUOTED),
            True,
        ),
        (
            "interactive",
            {
                "type": "call_permission_reply",
                "call_permission_reply": {
                    "response": "accept",
                    "expiration_timestamp": "1795600000",
                    "response_source": "automatic",
                },
            },
            CallAnswer(True, until_at=datetime.fromtimestamp(1795600000, UTC), is_automatic=True, replies_to=QUOTED),
            True,
        ),
        (
            "interactive",
            {"type": "call_permission_reply", "call_permission_reply": {"response": "reject", "is_permanent": True}},
            CallAnswer(False, is_permanent=True, replies_to=QUOTED),
            True,
        ),
        (
            "order",
            {
                "catalog_id": "C1",
                "text": "please",
                "product_items": [
                    {"product_retailer_id": "sku-1", "quantity": 2, "item_price": 9.5, "currency": "EUR"},
                    {"product_retailer_id": "sku-2", "quantity": "3", "item_price": "1.20", "currency": "EUR"},
                ],
            },
            Order("C1", (OrderItem("sku-1", 2, "9.5", "EUR"), OrderItem("sku-2", 3, "1.20", "EUR")), "please"),
            True,
        ),
        ("reaction", {"message_id": "wamid.OUT0", "emoji": "👍"}, Reaction(QUOTED, "👍"), False),
        ("reaction", {"message_id": "wamid.OUT0"}, Reaction(QUOTED, ""), False),
        (
            "edit",
            {"original_message_id": "wamid.IN0", "message": {"type": "text", "text": {"body": "rather so"}}},
            Edited(ProviderId("wamid.IN0"), "rather so"),
            False,
        ),
        (
            "edit",
            {"original_message_id": "wamid.IN0", "message": {"type": "image", "image": {"caption": "rather so"}}},
            Edited(ProviderId("wamid.IN0"), "rather so"),
            False,
        ),
        ("revoke", {"original_message_id": "wamid.IN0"}, Deleted(ProviderId("wamid.IN0")), False),
        ("unsupported", {"type": "poll_creation"}, Unsupported("poll_creation"), False),
        (
            "system",
            {"type": "customer_identity_changed", "body": "Ana's security code changed"},
            IdentityChanged(IdentityChange.DEVICE, "Ana's security code changed"),
            False,
        ),
    ],
)
def test_each_kind_is_read(kind: str, part: object, content: Content, opens_window: bool) -> None:
    item = taken(kind, part)
    assert isinstance(item, InboundMessage)
    assert (item.content, item.opens_window) == (content, opens_window)


def test_a_voicemail_comes_under_the_id_of_its_call() -> None:
    item = taken("audio", FILE, id="wacid.C1")
    assert isinstance(item, InboundMessage)
    assert item.content == Voicemail(MEDIA, ProviderId("wacid.C1"))
    assert item.opens_window


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("video", {}),
        ("audio", {"id": ""}),
        ("document", "a.pdf"),
        ("location", {"latitude": 91, "longitude": 0}),
        ("location", {"latitude": "NaN", "longitude": 0}),
        ("location", {"latitude": True, "longitude": 0}),
        ("location", {"latitude": 10**400, "longitude": 0}),
        ("location", {"latitude": "x" * 99, "longitude": 0}),
        ("contacts", []),
        ("contacts", {"name": {}}),
        ("reaction", {"emoji": "👍"}),
        ("edit", {}),
        ("revoke", {}),
        ("interactive", {"type": "nfm_reply"}),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": {}}}),
        ("interactive", {"type": "call_permission_reply", "call_permission_reply": {"response": "perhaps"}}),
    ],
)
def test_what_lacks_what_it_consists_of_is_kept_for_inspection(kind: str, part: object) -> None:
    item = taken(kind, part)
    assert isinstance(item, Unreadable)
    assert item.problem
    assert "wamid.IN1" in item.raw


# --- persons ----------------------------------------------------------------------------------------------------------


def whatsapp(value: str) -> Address:
    return Address(AddressKind.WHATSAPP_ID, value)


def bsuid(value: str) -> Address:
    return Address(AddressKind.BSUID, value, "WABA1")


@pytest.mark.parametrize(
    ("system", "more", "sender", "formerly"),
    [
        pytest.param(
            {"type": "user_changed_number", "wa_id": "16505559999", "user_id": "US.2", "previous_user_id": "US.1"},
            {},
            (whatsapp("16505559999"), bsuid("US.2")),
            (whatsapp("16505551234"), bsuid("US.1")),
            id="number and id",
        ),
        pytest.param(
            {"type": "user_changed_user_id", "user_id": "US.2", "previous_user_id": "US.1"},
            {"from": None},
            (bsuid("US.2"),),
            (bsuid("US.1"),),
            id="the id alone, no number anywhere",
        ),
        pytest.param(
            {"type": "user_changed_number", "wa_id": "16505559999"},
            {"from_user_id": None},
            (whatsapp("16505559999"),),
            (whatsapp("16505551234"),),
            id="the number alone",
        ),
        pytest.param(
            {"type": "user_changed_number", "wa_id": "16505551234", "user_id": "US.2", "previous_user_id": "US.1"},
            {},
            (whatsapp("16505551234"), bsuid("US.2")),
            (bsuid("US.1"),),
            id="what is the same is no former one",
        ),
        pytest.param({"type": "user_changed_number"}, {}, (bsuid("US.1"),), (), id="a change to nothing"),
        pytest.param({"type": "customer_identity_changed"}, {}, (bsuid("US.1"),), (), id="another telephone"),
    ],
)
def test_a_change_of_number_or_id_tells_who_he_was_and_is(
    system: dict[str, Any], more: dict[str, Any], sender: tuple[Address, ...], formerly: tuple[Address, ...]
) -> None:
    item = taken("system", system, **more)
    assert isinstance(item, InboundMessage)
    assert (item.sender.addresses, item.formerly) == (sender, formerly)
    assert not item.opens_window


REQUESTED = {"name": {"formatted_name": "Ann"}, "origin": "contact_request", "phones": [{"wa_id": "16505551234"}]}


def test_a_number_handed_over_on_request_is_the_customers() -> None:
    item = taken("contacts", [REQUESTED], **{"from": None})
    assert isinstance(item, InboundMessage)
    assert item.sender == Sender((whatsapp("16505551234"), bsuid("US.1")))
    assert isinstance(item.content, Contacts)
    assert item.content.answers_request


@pytest.mark.parametrize(
    ("cards", "number"),
    [
        pytest.param([REQUESTED], "16505550000", id="he has one"),
        pytest.param([REQUESTED | {"origin": "other"}], None, id="somebody's card"),
        pytest.param([REQUESTED, REQUESTED | {"phones": [{"wa_id": "16505555555"}]}], None, id="two of them"),
        pytest.param([REQUESTED | {"phones": 7}, REQUESTED | {"phones": [7, {}]}], None, id="none"),
    ],
)
def test_any_other_number_is_nobodys(cards: list[Any], number: str | None) -> None:
    item = taken("contacts", cards, **{"from": number})
    assert isinstance(item, InboundMessage)
    own = (whatsapp(number),) if number else ()
    assert item.sender.addresses == (*own, bsuid("US.1"))


# --- circumstances ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "circumstances"),
    [
        ({}, None),
        ({"context": {"forwarded": True}}, Circumstances(forwarding=Forwarding.FORWARDED)),
        ({"context": {"frequently_forwarded": True}}, Circumstances(forwarding=Forwarding.OFTEN)),
        ({"context": {"forwarded": "perhaps"}}, None),
        (
            {"context": {"id": "x", "referred_product": {"catalog_id": "C1", "product_retailer_id": "sku-1"}}},
            Circumstances(product=Product("C1", "sku-1")),
        ),
        ({"referral": 7}, None),
        (
            {"referral": {"source_url": "https://fb.me/x", "source_type": "ad", "ctwa_clid": "click"}},
            Circumstances(Referral("https://fb.me/x", kind="ad", click="click")),
        ),
    ],
)
def test_how_a_message_came_about(more: dict[str, Any], circumstances: Circumstances | None) -> None:
    item = taken("text", {"body": "hi"}, **more)
    assert isinstance(item, InboundMessage)
    assert circumstances == item.circumstances


def test_the_table_names_every_type_of_the_reference() -> None:
    assert set(received.CONTENTS) == {
        *("text", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "button"),
        *("order", "reaction", "system", "edit", "revoke", "unsupported", "request_welcome"),
    }
