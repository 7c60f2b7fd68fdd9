"""Content against what a channel declares it can carry.

Rules of this file: one branch a kind; a length, a size or a number is always the channel's. The first thing that is
wrong is the verdict.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias, assert_never

from attrs import evolve

from wa_connector.model.capability import Capabilities, InteractiveLimits, MediaLimits, MenuLimits
from wa_connector.model.content import (
    Act,
    AddressRequest,
    Audio,
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
    Erased,
    Form,
    Header,
    Image,
    LinkButton,
    Location,
    LocationRequest,
    MediaRef,
    Menu,
    Note,
    Product,
    Products,
    Reaction,
    Sticker,
    Text,
    Utility,
    Video,
    Voicemail,
    Withheld,
)
from wa_connector.model.decision import Decision, Parameter, Reason, Remedy, RemedyKind

_CORRECT: Final = (Remedy(RemedyKind.CORRECT_CONTENT),)


def judge_content(content: Content, capabilities: Capabilities) -> Decision | None:
    """None when the channel can carry it, else the refusal."""
    kind = type(content)
    if kind in _OUR_OWN or kind not in capabilities.contents:
        return _refuse(Reason.CONTENT_NOT_SUPPORTED, channel=capabilities.label)
    judge = _JUDGES.get(kind)
    return None if judge is None else judge(content, capabilities)


def _first(problems: Iterable[Decision | None]) -> Decision | None:
    return next((problem for problem in problems if problem is not None), None)


# --- words and files --------------------------------------------------------------------------------------------------


_Plain: TypeAlias = Image | Video | Audio | Voicemail | Document | Sticker | Location | Contacts | Reaction


def _judge_plain(content: _Plain, capabilities: Capabilities) -> Decision | None:
    return _first(_plain_problems(content, capabilities))


def _plain_problems(content: _Plain, capabilities: Capabilities) -> Iterator[Decision | None]:
    match content:
        case Image(media, caption):
            yield _judge_file(media, capabilities.images, capabilities)
            yield _judge_length(caption, capabilities.max_caption)
        case Video(media, caption):
            yield _judge_file(media, capabilities.videos, capabilities)
            yield _judge_length(caption, capabilities.max_caption)
        case Audio(media, is_voice):
            yield _judge_file(media, capabilities.voices if is_voice else capabilities.audios, capabilities)
        case Voicemail(media):
            yield _judge_file(media, capabilities.audios, capabilities)
        case Document(media, filename, caption):
            yield _judge_file(media, capabilities.documents, capabilities)
            yield _judge_length(filename, None)
            yield _judge_length(caption, capabilities.max_caption)
        case Sticker(media, is_animated):
            limits, largest = capabilities.stickers, capabilities.max_animated_sticker
            if limits is not None and is_animated and largest is not None:
                limits = evolve(limits, max_bytes=largest)
            yield _judge_file(media, limits, capabilities)
        case Location():
            yield _judge_place(content)
        case Contacts(cards):
            if not 1 <= len(cards) <= capabilities.max_contacts:
                yield _malformed(f"there must be 1 to {capabilities.max_contacts} contact cards")
            yield from map(_judge_card, cards)
        case Reaction(_, emoji):
            yield _judge_length(emoji, None)
        case _ as unreachable:
            assert_never(unreachable)


def _judge_file(media: MediaRef, limits: MediaLimits | None, capabilities: Capabilities) -> Decision | None:
    if limits is None or media.mime_type.partition(";")[0].strip() not in limits.mime_types:
        return _refuse(Reason.MEDIA_TYPE, channel=capabilities.label, mime_type=media.mime_type)
    return _judge_size(media, limits.max_bytes)


def _judge_size(media: MediaRef, limit: int | None) -> Decision | None:
    if not media.is_stored:
        return _refuse(Reason.MEDIA_MISSING)
    if limit is not None and media.size > limit:
        return _refuse(Reason.MEDIA_TOO_LARGE, size=media.size, limit=limit)
    return None


def _judge_place(place: Location) -> Decision | None:
    # What compares with nothing (NaN) is in no range.
    if not (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180):
        return _malformed("a place has 90 degrees of latitude and 180 of longitude at most")
    return _first(_judge_length(text, None) for text in (place.name, place.address, place.url))


_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _judge_card(card: ContactCard) -> Decision | None:
    # Source: WhatsApp Cloud API, contacts messages, read 2026-11: the whole name, and one part of it besides.
    parts = (card.first_name, card.last_name, card.middle_name, card.prefix, card.suffix)
    if not card.name.strip() or not any(part.strip() for part in parts):
        return _malformed("a contact card has a name, and a first or last name besides")
    if card.birthday and not _DATE.fullmatch(card.birthday):
        return _malformed("a birthday is YYYY-MM-DD")
    labelled = (*card.phones, *card.emails, *card.urls)
    texts = (card.name, *parts, card.company, card.department, card.title, *(each.value for each in labelled))
    return _first(_judge_length(text, None) for text in texts)


def judge_note(text: str) -> Decision:
    """Whether a private note can be kept: it says something, and is text."""
    return _judge_body(text, None) or Decision(Reason.ALLOWED)


def _judge_text(text: Text, capabilities: Capabilities) -> Decision | None:
    return _judge_body(text.body, capabilities.max_text)


def _judge_body(body: str, limit: int | None) -> Decision | None:
    if not body.strip():
        return _refuse(Reason.CONTENT_EMPTY)
    return _judge_length(body, limit)


def _judge_length(text: str, limit: int | None) -> Decision | None:
    if not is_encodable(text):
        return _refuse(Reason.CONTENT_NOT_TEXT)
    if limit is not None and len(text) > limit:
        return _refuse(Reason.CONTENT_TOO_LONG, length=len(text), limit=limit)
    return None


def is_encodable(text: str) -> bool:
    """Whether the text has no lone surrogate (half of a character, which no wire can carry) and no NUL."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- what asks for a tap ----------------------------------------------------------------------------------------------


def _judge_buttons(content: Buttons, capabilities: Capabilities) -> Decision | None:
    titles = [button.title for button in content.buttons]
    ids = [button.id for button in content.buttons]
    if not 1 <= len(titles) <= capabilities.max_buttons:
        return _refuse(Reason.BUTTONS, problem=f"there must be 1 to {capabilities.max_buttons}")
    if not all(map(is_encodable, (*titles, *ids))):
        return _refuse(Reason.CONTENT_NOT_TEXT)
    if len(set(titles)) < len(titles) or len(set(ids)) < len(ids):
        return _refuse(Reason.BUTTONS, problem="two are the same")
    if not all(title.strip() and len(title) <= capabilities.max_button_title for title in titles) or not all(ids):
        return _refuse(Reason.BUTTONS, problem=f"titles have 1 to {capabilities.max_button_title} characters")
    if any(id_ != id_.strip() for id_ in ids):
        # Source: Cloud API, reply buttons, read 2026-11. An id comes back as it went out, or not at all.
        return _refuse(Reason.BUTTONS, problem="an id begins or ends with a space")
    if (limits := capabilities.interactive) is not None:
        if any(len(id_) > limits.max_button_id for id_ in ids):
            return _refuse(Reason.BUTTONS, problem=f"an id has at most {limits.max_button_id} characters")
        around = _first(_judge_around(content.header, content.footer, limits, capabilities))
        if around is not None:
            return around
    return _judge_body(content.body, capabilities.max_buttons_body)


def _judge_around(
    header: Header | None, footer: str, limits: InteractiveLimits, capabilities: Capabilities
) -> Iterator[Decision | None]:
    if isinstance(header, Text):
        yield _judge_body(header.body, limits.max_header)
    elif header is not None:
        yield from _plain_problems(header, capabilities)
    yield _judge_length(footer, limits.max_footer)


def _judge_menu(menu: Menu, capabilities: Capabilities) -> Decision | None:
    limits, interactive = capabilities.menus, capabilities.interactive
    around = _judge_around(menu.header, menu.footer, interactive, capabilities) if interactive else ()
    return _first((*(_menu_problems(menu, limits) if limits else ()), *around))


def _menu_problems(menu: Menu, limits: MenuLimits) -> Iterator[Decision | None]:
    rows = [row for section in menu.sections for row in section.rows]
    yield _judge_body(menu.body, limits.max_body)
    yield _judge_body(menu.title, limits.max_button)
    if not 1 <= len(menu.sections) <= limits.max_sections or not all(section.rows for section in menu.sections):
        yield _malformed(f"a list has 1 to {limits.max_sections} sections, none of them empty")
    if len(rows) > limits.max_rows:
        yield _malformed(f"a list has at most {limits.max_rows} rows")
    if len({row.id for row in rows}) < len(rows) or any(not row.id or row.id != row.id.strip() for row in rows):
        yield _malformed("the ids of rows differ, and neither begin nor end with a space")
    for section in menu.sections:
        is_title_needed = len(menu.sections) > 1
        yield (_judge_body if is_title_needed else _judge_length)(section.title, limits.max_section_title)
    for row in rows:
        yield _judge_length(row.id, limits.max_row_id)
        yield _judge_body(row.title, limits.max_row_title)
        yield _judge_length(row.description, limits.max_row_description)


_Interactive: TypeAlias = (
    LinkButton
    | LocationRequest
    | ContactRequest
    | AddressRequest
    | CallRequest
    | CallButton
    | Form
    | Catalog
    | Product
    | Products
    | Carousel
)


def _judge_interactive(content: _Interactive, capabilities: Capabilities) -> Decision | None:
    limits = capabilities.interactive
    return None if limits is None else _first(_interactive_problems(content, limits, capabilities))


def _interactive_problems(
    content: _Interactive, limits: InteractiveLimits, capabilities: Capabilities
) -> Iterator[Decision | None]:
    match content:
        case LinkButton():
            yield _judge_body(content.body, limits.max_body)
            yield _judge_link(content.title, content.url, limits)
            yield from _judge_around(content.header, content.footer, limits, capabilities)
        case LocationRequest(body) | ContactRequest(body):
            yield _judge_body(body, limits.max_body)
        case AddressRequest(body, country, values):
            yield _judge_body(body, limits.max_body)
            if not re.fullmatch("[A-Z]{2}", country):
                yield _malformed("a country is two capital letters (ISO 3166)")
            yield from (_judge_length(value, None) for value in values.values())
        case CallRequest(body):
            yield _judge_length(body, limits.max_body)
        case CallButton(body, title, lasts, payload):
            yield _judge_body(body, limits.max_body)
            yield _judge_body(title, limits.max_call_title)
            yield _judge_length(payload, limits.max_call_payload)
            shortest, longest = limits.call_lasts
            yield None if shortest <= lasts <= longest else _malformed(f"the button lasts {shortest} to {longest}")
        case Form():
            yield _judge_body(content.body, limits.max_body)
            yield _judge_body(content.title, limits.max_form_title)
            yield (
                None
                if content.form and (content.screen or not content.data)
                else _malformed("a form is named, and data is for a first screen")
            )
            yield from _judge_around(content.header, content.footer, limits, capabilities)
        case Catalog(body, _, footer):
            yield _judge_body(body, limits.max_body)
            yield _judge_length(footer, limits.max_footer)
        case Product(catalog, product, body, footer):
            yield None if catalog and product else _malformed("a product is named, and so is its catalogue")
            yield _judge_length(body, limits.max_body)
            yield _judge_length(footer, limits.max_footer)
        case Products():
            yield from _product_problems(content, limits)
        case Carousel(body, cards):
            yield _judge_body(body, limits.max_body)
            yield from _carousel_problems(cards, limits, capabilities)
        case _ as unreachable:
            assert_never(unreachable)


def _judge_link(title: str, url: str, limits: InteractiveLimits) -> Decision | None:
    if not url.startswith(("https://", "http://")) or url != "".join(url.split()):
        return _malformed("a link begins with https:// or http:// and has no spaces")
    return _judge_body(title, limits.max_link_title) or _judge_length(url, limits.max_url)


def _product_problems(products: Products, limits: InteractiveLimits) -> Iterator[Decision | None]:
    yield _judge_body(products.title, limits.max_header)
    yield _judge_body(products.body, limits.max_body)
    yield _judge_length(products.footer, limits.max_footer)
    count = sum(len(section.products) for section in products.sections)
    if not 1 <= count <= limits.max_products or len(products.sections) > limits.max_product_sections:
        yield _malformed(
            f"there are 1 to {limits.max_products} products, in at most {limits.max_product_sections} sections"
        )
    yield from (_judge_length(section.title, None) for section in products.sections)


def _carousel_problems(
    cards: tuple[Card, ...], limits: InteractiveLimits, capabilities: Capabilities
) -> Iterator[Decision | None]:
    fewest, most = limits.cards
    if not fewest <= len(cards) <= most:
        yield _malformed(f"there are {fewest} to {most} cards")
    if len({(type(card.header), bool(card.url), len(card.buttons)) for card in cards}) > 1:
        yield _malformed("all cards have the same kind of header, and of buttons as many")
    for card in cards:
        yield from _plain_problems(card.header, capabilities)
        yield _judge_length(card.body, limits.max_card_body)
        if card.body.count("\n") > limits.max_card_breaks:
            yield _malformed(f"the text of a card has at most {limits.max_card_breaks} line breaks")
        if bool(card.url) == bool(card.buttons):
            yield _malformed("a card has a link or buttons")
        elif card.url:
            yield _judge_link(card.title, card.url, limits)
        for button in card.buttons:
            yield _judge_body(button.title, capabilities.max_button_title)
            yield _judge_body(button.id, limits.max_button_id)


_TEMPLATE_NAME: Final = re.compile(r"[a-z0-9_]{0,512}")


def _judge_utility(utility: Utility, capabilities: Capabilities) -> Decision | None:
    limits = capabilities.interactive
    if not _TEMPLATE_NAME.fullmatch(utility.template):
        return _malformed("the name of a template has small letters, digits and _")
    if utility.lasts is not None:
        shortest, longest = capabilities.utility_lasts or (utility.lasts, utility.lasts)
        if not shortest <= utility.lasts <= longest:
            return _malformed(f"it can be delivered within {shortest} to {longest}")
    if isinstance(utility.content, Text) and limits is not None:
        return _judge_body(utility.content.body, limits.max_body)
    return judge_content(utility.content, capabilities)


def _malformed(problem: str) -> Decision:
    return _refuse(Reason.CONTENT_MALFORMED, problem=problem)


def _refuse(reason: Reason, **parameters: Parameter) -> Decision:
    return Decision(reason, tuple(parameters.items()), _CORRECT)


_OUR_OWN: Final = frozenset({Act, Note, Withheld, Erased})
"""What stands in a timeline and goes to no customer, whatever a channel declares."""

_JUDGES: Final[Mapping[type[Content], Callable[[Any, Capabilities], Decision | None]]] = {
    Text: _judge_text,
    Buttons: _judge_buttons,
    Menu: _judge_menu,
    Utility: _judge_utility,
    **dict.fromkeys((Image, Video, Audio, Voicemail, Document, Sticker, Location, Contacts, Reaction), _judge_plain),
    **dict.fromkeys((LinkButton, LocationRequest, ContactRequest, AddressRequest, CallRequest), _judge_interactive),
    **dict.fromkeys((CallButton, Form, Catalog, Product, Products, Carousel), _judge_interactive),
}
"""What is looked at besides the kind. A kind that is not here fits where a channel declares it."""
