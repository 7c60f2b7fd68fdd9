"""Every kind of content, as this package spells it, is taken by an emulator that was written from the provider's reference,
and what customers send there is read here: the two share no code.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from wa_connector_cloud_api.capabilities import CAPABILITIES

from wa_connector.model.address import Address, AddressKind, number
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
    Document,
    Form,
    Image,
    Labelled,
    LinkButton,
    Location,
    LocationRequest,
    Menu,
    MenuRow,
    MenuSection,
    Product,
    Products,
    ProductSection,
    Reaction,
    Sticker,
    Text,
    Video,
    media_of,
)
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import InboundMessage, InboundStatus, Report
from wa_connector.model.outbound import Accepted, Envelope
from wa_connector.testing.host import ACME, MemoryHost
from wa_connector.testing.host import ANA as AT_HOST

emulation = pytest.importorskip("wa_connector_emulator")

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Files, Sender, Site

    from wa_connector.model.content import Content

ANA = "+16505551234"
covers = pytest.mark.covers

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(64)
OGG = b"OggS" + bytes(64)
PDF = b"%PDF-1.7" + bytes(64)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(64)


REPLIES = (Button("a", "A"), Button("b", "B"))
ROWS = (MenuSection((MenuRow("r", "Row", "more"),), "One"),)

SENT = [
    pytest.param(lambda _: Text("Hello", previews_link=True), "text", marks=covers("send: text"), id="text"),
    pytest.param(lambda f: Image(f.add(JPEG, "image/jpeg"), "look"), "image", marks=covers("send: image"), id="image"),
    pytest.param(lambda f: Video(f.add(MP4, "video/mp4"), "look"), "video", marks=covers("send: video"), id="video"),
    pytest.param(lambda f: Audio(f.add(OGG, "audio/ogg")), "audio", marks=covers("send: audio"), id="audio"),
    pytest.param(
        lambda f: Audio(f.add(OGG, "audio/ogg"), is_voice=True),
        "audio",
        marks=covers("send: audio: voice"),
        id="voice",
    ),
    pytest.param(
        lambda f: Document(f.add(PDF, "application/pdf"), "a.pdf", "read"),
        "document",
        marks=covers("send: document"),
        id="document",
    ),
    pytest.param(lambda f: Sticker(f.add(WEBP, "image/webp")), "sticker", marks=covers("send: sticker"), id="sticker"),
    pytest.param(
        lambda _: Location(52.5, 13.4, "Berlin", "Alexanderplatz"),
        "location",
        marks=covers("send: location"),
        id="location",
    ),
    pytest.param(
        lambda _: Contacts((ContactCard("Ben B.", "Ben", phones=(Labelled("+16505550000", "CELL"),)),)),
        "contacts",
        marks=covers("send: contacts"),
        id="contacts",
    ),
    pytest.param(
        lambda f: Buttons("Choose", REPLIES, Image(f.add(JPEG, "image/jpeg")), "small"),
        "interactive",
        marks=covers("send: interactive: button"),
        id="buttons",
    ),
    pytest.param(
        lambda _: Menu("Choose", "Open", ROWS, Text("Head"), "small"),
        "interactive",
        marks=covers("send: interactive: list"),
        id="menu",
    ),
    pytest.param(
        lambda _: LinkButton("Look", "Go", "https://x.test"),
        "interactive",
        marks=covers("send: interactive: cta_url"),
        id="link",
    ),
    pytest.param(
        lambda _: LocationRequest("Where?"),
        "interactive",
        marks=covers("send: interactive: location_request_message"),
        id="place asked for",
    ),
    pytest.param(
        lambda _: ContactRequest("Your number?"),
        "interactive",
        marks=covers("send: interactive: request_contact_info"),
        id="number asked for",
    ),
    pytest.param(
        lambda _: AddressRequest("Where to?", "IN"),
        "interactive",
        marks=covers("send: interactive: address_message"),
        id="address asked for",
    ),
    pytest.param(
        lambda _: CallRequest("May we call?"),
        "interactive",
        marks=covers("send: interactive: call_permission_request"),
        id="call asked for",
    ),
    pytest.param(
        lambda _: CallButton("Questions?", "Call us", timedelta(days=1), "p"),
        "interactive",
        marks=covers("send: interactive: voice_call"),
        id="call button",
    ),
    pytest.param(
        lambda _: Form("Please", "Begin", "123", "token", "FIRST"),
        "interactive",
        marks=covers("send: interactive: flow"),
        id="form",
    ),
    pytest.param(
        lambda _: Catalog("All we have"),
        "interactive",
        marks=covers("send: interactive: catalog_message"),
        id="catalog",
    ),
    pytest.param(
        lambda _: Product("1", "sku"), "interactive", marks=covers("send: interactive: product"), id="product"
    ),
    pytest.param(
        lambda _: Products("Head", "Look", "1", (ProductSection("One", ("a", "b")),)),
        "interactive",
        marks=covers("send: interactive: product_list"),
        id="products",
    ),
    pytest.param(
        lambda f: Carousel(
            "Look", tuple(Card(Image(f.add(JPEG, "image/jpeg")), "mug", "Go", "https://x") for _ in "ab")
        ),
        "interactive",
        marks=covers("send: interactive: carousel"),
        id="carousel",
    ),
]


@pytest.mark.parametrize(("make", "kind"), SENT)
def test_every_kind_of_content_arrives(
    site: Site, sender: Sender, files: Files, make: Callable[[Files], Content], kind: str
) -> None:
    site.emulator.type_text(ANA, "hi")
    outcome = sender.send(site.line, Envelope(MessageId("outbox:1"), number(ANA), make(files)))
    assert isinstance(outcome, Accepted), outcome
    (arrived,) = site.emulator.received(ANA)
    assert (arrived.id, arrived.content.kind) == (outcome.provider_id, kind)
    reports = [item.report for item in site.heard() if isinstance(item, InboundStatus)]
    assert reports == [Report.SENT, Report.DELIVERED]


@covers("send: reaction")
def test_a_reaction_arrives(site: Site, sender: Sender) -> None:
    said = site.emulator.type_text(ANA, "hi")
    react = Envelope(MessageId("outbox:1"), number(ANA), Reaction(ProviderId(said.id), "👍"))
    assert isinstance(sender.send(site.line, react), Accepted)
    (arrived,) = site.emulator.received(ANA)
    assert (arrived.content.text, arrived.content.reacts_to) == ("👍", said.id)


@pytest.mark.parametrize("face", ["direct", "aio"])
def test_what_a_telephones_camera_made_arrives_as_the_provider_takes_it(
    site: Site, sender: Sender, files: Files, face: str
) -> None:
    """HEIC, with the place where it was taken: a customer sees a JPEG, and nobody learns the place."""
    pillow, pillow_heif = pytest.importorskip("PIL.Image"), pytest.importorskip("pillow_heif")
    plugin = pytest.importorskip("wa_connector_media").PicturePlugin()
    block, out = pillow.Exif(), io.BytesIO()
    block[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
    pillow_heif.from_pillow(pillow.new("RGB", (64, 48), "red")).save(out, exif=block.tobytes())

    host = MemoryHost(capabilities=CAPABILITIES)
    original = host.wa_media_store().put(ACME, iter([out.getvalue()]), "image/heic", 10**6)
    with host.connector(face, [plugin]) as connector:
        connector.handle_webhook(host.webhook(host.said("Hello")))
        (thread,) = connector.conversations(ACME, AT_HOST, unassigned=True)
        connector.send(ACME, AT_HOST, thread.id, Image(original, "look")).or_raise()
        connector.dispatcher.run_once()
    (envelope,) = host.transport.sent
    made = media_of(envelope.content)
    assert made is not None
    content = b"".join(host.wa_media_store().read(ACME, made) or ())
    assert content.startswith(b"\xff\xd8\xff")
    assert b"Exif" not in content

    site.emulator.type_text(ANA, "hi")
    outcome = sender.send(
        site.line, Envelope(MessageId("outbox:1"), number(ANA), Image(files.add(content, made.mime_type)))
    )
    assert isinstance(outcome, Accepted), outcome
    assert [m.content.mime_type for m in site.emulator.received(ANA)] == ["image/jpeg"]


def test_whatever_else_happens_is_readable(site: Site) -> None:
    """Orders, edits, new numbers, calls, announcements: nothing that the emulator can tell is unreadable here."""
    emulator = site.emulator
    emulator.seed({"numbers": [{"id": "222", "display_number": "15550002222", "is_on_app": True}]})
    emulator.add_template("hello", "Hello there.")
    said = emulator.type_text(ANA, "hi", number_id="222")
    emulator.edit_message(ANA, said.id, "hello", number_id="222")
    emulator.revoke_message(ANA, said.id, number_id="222")
    emulator.echo(ANA, "from the app", number_id="222")
    emulator.sync_contact(ANA, number_id="222")
    emulator.sync_history(number_id="222")
    emulator.order(ANA, "1", [{"product_retailer_id": "sku", "quantity": 1, "item_price": 2.5, "currency": "EUR"}])
    emulator.send_unsupported(ANA, "poll_creation")
    emulator.send_raw(ANA, {"type": "hologram", "hologram": {}})
    emulator.arrive_from_ad(ANA, "hi")
    emulator.forward(ANA, "hi")
    emulator.voicemail(ANA, OGG)
    emulator.ring(ANA)
    emulator.stop_marketing(ANA)
    emulator.change_identity(ANA)
    emulator.change_number(ANA, "+16505559999")
    for each in emulation_fields():
        emulator.announce(each, template="hello", who="+16505559999")
    emulator.deliver_due()
    assert {hook.state.value for hook in emulator.webhooks()} == {"delivered"}


def emulation_fields() -> list[str]:
    from wa_connector_emulator.announcements import FIELDS

    return list(FIELDS)


@covers("receive: without a number")
def test_a_customer_without_a_number_is_known_by_the_id_alone(site: Site, sender: Sender) -> None:
    eve = site.emulator.create_customer(name="Eve")
    site.emulator.type_text(eve.bsuid, "hi")
    heard = [item for item in site.heard() if isinstance(item, InboundMessage)][-1]
    assert [address.kind for address in heard.sender.addresses] == [AddressKind.BSUID]
    to = Address(AddressKind.BSUID, eve.bsuid, "portfolio-1")
    assert isinstance(sender.send(site.line, Envelope(MessageId("outbox:1"), to, Text("Hello"))), Accepted)
    assert [m.content.text for m in site.emulator.received(eve.bsuid)] == ["Hello"]
