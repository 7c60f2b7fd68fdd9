"""Every kind that a user can send, against the channel's limits: what fits, and the first thing that is wrong."""

from datetime import timedelta

import pytest
from attrs import evolve

from wa_connector.model.capability import Capabilities
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
    Product,
    Products,
    ProductSection,
    Reaction,
    Sticker,
    Text,
    Utility,
    Video,
    Voicemail,
)
from wa_connector.model.ids import ProviderId
from wa_connector.policy.content import judge_content
from wa_connector.testing.strategies import WHATSAPP

LONG = "x" * 5000
HALF = "\ud800"


def file(mime_type: str, size: int = 10) -> MediaRef:
    return MediaRef(mime_type, "ab" * 32, size)


JPEG, MP4, OGG, PDF, WEBP = map(
    file, ("image/jpeg", "video/mp4", "audio/ogg; codecs=opus", "application/pdf", "image/webp")
)
ANN = ContactCard("Ann Lee", "Ann", phones=(Labelled("+16505551234", "CELL"),), birthday="1990-01-31")
ROWS = (MenuRow("1", "One", "the first"), MenuRow("2", "Two"))
MENU = Menu("Which one?", "Choose", (MenuSection(ROWS, "Numbers"),))
LINK = LinkButton("Look", "Open", "https://example.com/a")
CALL_US = CallButton("Call us", "Call", timedelta(hours=1), "desk 1")
FORM = Form("Please", "Fill in", "123", screen="FIRST", data="{}")
LINKED = Card(Image(JPEG), "One", "Open", "https://example.com")
TAPPED = Card(Video(MP4), "Two", buttons=(Button("1", "Yes"),))
CAROUSEL = Carousel("Look", (LINKED, LINKED))
SHELVES = Products("Shop", "Look", "catalog", (ProductSection("Shoes", ("1", "2")),))

EVERYTHING = evolve(WHATSAPP, contents=WHATSAPP.contents | {Voicemail})

TAKEN: list[Content] = [
    Text("Hi", previews_link=True),
    Image(JPEG, "look"),
    Video(MP4, "look"),
    Audio(file("audio/mpeg")),
    Audio(OGG, is_voice=True),
    Voicemail(OGG),
    Document(PDF, "a.pdf", "look"),
    Sticker(WEBP),
    Sticker(file("image/webp", 500 * 1024), is_animated=True),
    Location(-90, 180, "Here"),
    Contacts((ANN,)),
    Reaction(ProviderId("wamid.1"), "👍"),
    Reaction(ProviderId("wamid.1"), ""),
    Buttons("Which?", (Button("1", "One"),), Text("Head"), "Foot"),
    Buttons("Which?", (Button("1", "One"),), Document(PDF, "a.pdf")),
    MENU,
    evolve(MENU, header=Text("Head"), footer="Foot"),
    LINK,
    evolve(LINK, header=Image(JPEG), footer="Foot"),
    LocationRequest("Where are you?"),
    ContactRequest("Who are you?"),
    AddressRequest("Where to?", "IN", {"city": "Pune"}),
    CallRequest(),
    CALL_US,
    FORM,
    Form("Please", "Fill in", "my_form"),
    Catalog("Look"),
    Product("catalog", "1"),
    SHELVES,
    CAROUSEL,
    Carousel("Look", (TAPPED, TAPPED)),
    Utility(Text("Your parcel is here"), "parcel", timedelta(hours=1)),
    Utility(LINK),
]


@pytest.mark.parametrize("content", TAKEN)
def test_what_fits_is_taken(content: Content) -> None:
    assert judge_content(content, EVERYTHING) is None


EMPTY, NOT_TEXT = "The message is empty.", "The message holds characters that are not text."
MISSING = "The file is not in the media store."


def long(length: int, limit: int) -> str:
    return f"The message has {length} characters; {limit} are allowed."


def wrong(problem: str) -> str:
    return f"The message is not right: {problem}."


def mime(kind: str) -> str:
    return f"WhatsApp does not take files of type {kind}."


CARD = wrong("a contact card has a name, and a first or last name besides")
ROOMS = wrong("a list has 1 to 10 sections, none of them empty")
IDS = wrong("the ids of rows differ, and neither begin nor end with a space")
URL = wrong("a link begins with https:// or http:// and has no spaces")
PLACE = wrong("a place has 90 degrees of latitude and 180 of longitude at most")
SAME = wrong("all cards have the same kind of header, and of buttons as many")
FORM_NAMED = wrong("a form is named, and data is for a first screen")
SHELF = wrong("there are 1 to 30 products, in at most 10 sections")
EITHER = wrong("a card has a link or buttons")


def rows(*rows_: MenuRow) -> Menu:
    return evolve(MENU, sections=(MenuSection(rows_),))


def cards(card: Card) -> Carousel:
    return Carousel("Look", (card, card))


REFUSED: list[tuple[Content, str]] = [
    (Video(file("video/quicktime")), mime("video/quicktime")),
    (Video(file("video/mp4", 16 * 2**20 + 1)), "The file has 16777217 bytes; 16777216 are allowed."),
    (Video(MediaRef("video/mp4", provider_ref="1")), MISSING),
    (Video(MP4, LONG), long(5000, 1024)),
    (Audio(file("audio/mpeg"), is_voice=True), mime("audio/mpeg")),
    (Voicemail(file("audio/x-wav")), mime("audio/x-wav")),
    (Document(file("text/html")), mime("text/html")),
    (Document(PDF, HALF), NOT_TEXT),
    (Document(PDF, "a.pdf", LONG), long(5000, 1024)),
    (Sticker(JPEG), mime("image/jpeg")),
    (Sticker(file("image/webp", 100 * 1024 + 1)), "The file has 102401 bytes; 102400 are allowed."),
    (Sticker(file("image/webp", 500 * 1024 + 1), True), "The file has 512001 bytes; 512000 are allowed."),
    (Location(90.1, 0), PLACE),
    (Location(0, -180.1), PLACE),
    (Location(float("nan"), 0), PLACE),
    (Location(0, 0, HALF), NOT_TEXT),
    (Contacts(()), wrong("there must be 1 to 257 contact cards")),
    (Contacts((ANN,) * 258), wrong("there must be 1 to 257 contact cards")),
    (Contacts((ContactCard("Ann"),)), CARD),
    (Contacts((ContactCard(" ", "Ann"),)), CARD),
    (Contacts((evolve(ANN, birthday="31.1.1990"),)), wrong("a birthday is YYYY-MM-DD")),
    (Contacts((evolve(ANN, company=HALF),)), NOT_TEXT),
    (Reaction(ProviderId("wamid.1"), HALF), NOT_TEXT),
    (
        Buttons("?", (Button("x" * 257, "One"),)),
        "The buttons are not right: an id has at most 256 characters.",
    ),
    (Buttons("?", (Button("1", "One"),), Text("x" * 61)), long(61, 60)),
    (Buttons("?", (Button("1", "One"),), Video(JPEG)), mime("image/jpeg")),
    (Buttons("?", (Button("1", "One"),), None, "x" * 61), long(61, 60)),
    (evolve(MENU, body=" "), EMPTY),
    (evolve(MENU, title="x" * 21), long(21, 20)),
    (evolve(MENU, sections=()), ROOMS),
    (evolve(MENU, sections=(MenuSection(()),)), ROOMS),
    (evolve(MENU, sections=(MenuSection(ROWS, "a"), MenuSection((MenuRow("3", "Three"),)))), EMPTY),
    (evolve(MENU, sections=(MenuSection(ROWS, "x" * 25),)), long(25, 24)),
    (rows(*(MenuRow(str(n), "x") for n in range(11))), wrong("a list has at most 10 rows")),
    (rows(ROWS[0], ROWS[0]), IDS),
    (rows(MenuRow("", "One")), IDS),
    (rows(MenuRow(" 1", "One")), IDS),
    (rows(MenuRow("x" * 201, "One")), long(201, 200)),
    (rows(MenuRow("1", "x" * 25)), long(25, 24)),
    (rows(MenuRow("1", "One", "x" * 73)), long(73, 72)),
    (evolve(MENU, footer="x" * 61), long(61, 60)),
    (evolve(LINK, body=""), EMPTY),
    (evolve(LINK, url="example.com"), URL),
    (evolve(LINK, url="https://a b"), URL),
    (evolve(LINK, url="https://" + "x" * 1993), long(2001, 2000)),
    (evolve(LINK, title="x" * 21), long(21, 20)),
    (evolve(LINK, header=Text("")), EMPTY),
    (LocationRequest(""), EMPTY),
    (ContactRequest("x" * 1025), long(1025, 1024)),
    (AddressRequest("Where?", "in"), wrong("a country is two capital letters (ISO 3166)")),
    (AddressRequest("Where?", "IN", {"city": HALF}), NOT_TEXT),
    (CallRequest("x" * 1025), long(1025, 1024)),
    (evolve(CALL_US, title=""), EMPTY),
    (evolve(CALL_US, payload="x" * 513), long(513, 512)),
    (evolve(CALL_US, lasts=timedelta(0)), wrong("the button lasts 0:01:00 to 30 days, 0:00:00")),
    (evolve(FORM, form=""), FORM_NAMED),
    (evolve(FORM, screen=""), FORM_NAMED),
    (Catalog("Look", footer="x" * 61), long(61, 60)),
    (Product("", "1"), wrong("a product is named, and so is its catalogue")),
    (Product("catalog", "1", "x" * 1025), long(1025, 1024)),
    (evolve(SHELVES, sections=()), SHELF),
    (evolve(SHELVES, sections=(ProductSection("a", ("1",)),) * 11), SHELF),
    (evolve(SHELVES, sections=(ProductSection("a", ("1",) * 31),)), SHELF),
    (evolve(SHELVES, sections=(ProductSection(HALF, ("1",)),)), NOT_TEXT),
    (Carousel("Look", (LINKED,)), wrong("there are 2 to 10 cards")),
    (Carousel("Look", (LINKED, TAPPED)), SAME),
    (cards(evolve(LINKED, header=Image(WEBP))), mime("image/webp")),
    (cards(evolve(LINKED, body="x" * 161)), long(161, 160)),
    (cards(evolve(LINKED, body="\n\n\n")), wrong("the text of a card has at most 2 line breaks")),
    (cards(evolve(LINKED, buttons=(Button("1", "Yes"),))), EITHER),
    (cards(evolve(LINKED, url="")), EITHER),
    (cards(evolve(LINKED, url="ftp://example.com")), URL),
    (cards(evolve(TAPPED, buttons=(Button("1", ""),))), EMPTY),
    (cards(evolve(TAPPED, buttons=(Button("", "Yes"),))), EMPTY),
    (Utility(Text("x" * 1025)), long(1025, 1024)),
    (Utility(Text("Hi"), "Parcel"), wrong("the name of a template has small letters, digits and _")),
    (Utility(Text("Hi"), lasts=timedelta(0)), wrong("it can be delivered within 0:00:30 to 12:00:00")),
    (Utility(evolve(LINK, url="")), URL),
]


@pytest.mark.parametrize(("content", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_with_the_first_thing_that_is_wrong(content: Content, sentence: str) -> None:
    decision = judge_content(content, EVERYTHING)
    assert decision is not None
    assert sentence == decision.sentence


BARE = evolve(EVERYTHING, menus=None, interactive=None, utility_lasts=None)


@pytest.mark.parametrize(
    ("content", "on"),
    [
        (evolve(MENU, title=LONG, footer=LONG), BARE),
        (evolve(LINK, title=LONG), BARE),
        (Buttons("?", (Button(LONG, "One"),)), BARE),
        (Utility(Text(LONG[:4000]), lasts=timedelta(days=9)), BARE),
    ],
)
def test_where_a_channel_declares_no_limits_none_are_kept(content: Content, on: Capabilities) -> None:
    assert judge_content(content, on) is None


def numbered(first: int, count: int) -> tuple[MenuRow, ...]:
    return tuple(MenuRow(str(number), f"Row {number}") for number in range(first, first + count))


def shelves(sections: int, products: int) -> Products:
    names = [str(number) for number in range(products)]
    each = -(-products // sections)
    return evolve(
        SHELVES,
        sections=tuple(
            ProductSection(f"Shelf {at}", tuple(names[at * each : (at + 1) * each])) for at in range(sections)
        ),
    )


@pytest.mark.parametrize(
    ("fits", "too_much"),
    [
        (Contacts((ANN,) * WHATSAPP.max_contacts), Contacts((ANN,) * (WHATSAPP.max_contacts + 1))),
        (Location(90, -180), Location(90.5, 0)),
        (Location(-90, 180), Location(0, 180.5)),
        (Location(0, 0), Location(-90.5, 0)),
        (Location(0, 0), Location(0, -180.5)),
        (Buttons("Well?", (Button("x" * 256, "Yes"),)), Buttons("Well?", (Button("x" * 257, "Yes"),))),
        (
            evolve(MENU, sections=tuple(MenuSection(numbered(at, 1), f"S{at}") for at in range(10))),
            evolve(MENU, sections=tuple(MenuSection(numbered(at, 1), f"S{at}") for at in range(11))),
        ),
        (
            evolve(MENU, sections=(MenuSection(numbered(0, 10), "S"),)),
            evolve(MENU, sections=(MenuSection(numbered(0, 11), "S"),)),
        ),
        (evolve(CALL_US, lasts=timedelta(minutes=1)), evolve(CALL_US, lasts=timedelta(seconds=59))),
        (evolve(CALL_US, lasts=timedelta(days=30)), evolve(CALL_US, lasts=timedelta(days=30, seconds=1))),
        (shelves(1, 30), shelves(1, 31)),
        (shelves(10, 10), shelves(11, 11)),
        (evolve(CAROUSEL, cards=(LINKED,) * 10), evolve(CAROUSEL, cards=(LINKED,) * 11)),
        (evolve(CAROUSEL, cards=(LINKED,) * 2), evolve(CAROUSEL, cards=(LINKED,))),
        (
            evolve(CAROUSEL, cards=(evolve(LINKED, body="a\nb\nc"),) * 2),
            evolve(CAROUSEL, cards=(evolve(LINKED, body="a\nb\nc\nd"),) * 2),
        ),
    ],
)
def test_what_is_exactly_as_much_as_may_be_fits(fits: Content, too_much: Content) -> None:
    assert judge_content(fits, EVERYTHING) is None
    assert judge_content(too_much, EVERYTHING) is not None
