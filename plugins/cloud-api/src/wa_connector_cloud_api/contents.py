"""Contents → the ``type`` of a message and the object under it.

Rules of this file: pure; one function a kind, and one table, ``_SPELLED``, that says which. Nothing is judged here: what
the provider would refuse, policy has refused before; what cannot be spelled at all is a ``Rejected``.

Source: WhatsApp Cloud API, messages reference (every type) and Direct Send, v26.0, read 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from wa_connector.model.content import (
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
    Form,
    Header,
    Image,
    Labelled,
    LinkButton,
    Location,
    LocationRequest,
    MediaRef,
    Menu,
    MenuRow,
    Product,
    Products,
    Reaction,
    Sticker,
    Text,
    Utility,
    Video,
    media_of,
)
from wa_connector.model.outbound import Rejected
from wa_connector_cloud_api._json import decode

Json: TypeAlias = dict[str, Any]
Uploads: TypeAlias = Mapping[str, str]
"""The provider's id of each uploaded file, by its SHA-256."""


class _Missing(Exception):
    """A file is neither uploaded nor with the provider."""


def spelled(content: Content, uploads: Uploads) -> Json | Rejected:
    """The part of a message's body that says what it is; templates are ``requests``' own."""
    spell = _SPELLED.get(type(content))
    if spell is None:
        return Rejected("content", "a business cannot send this kind of content")
    try:
        return spell(content, uploads)
    except _Missing:
        return Rejected("media", "the file is neither in the media store nor with the provider")


def files_of(content: Content) -> tuple[MediaRef, ...]:
    """Every file of a content, its header's and its cards' among them."""
    own = media_of(content)
    if own is not None:
        return (own,)
    match content:
        case Buttons(header=header) | LinkButton(header=header) | Form(header=header) if header is not None:
            return files_of(header)
        case Carousel(_, cards):
            return tuple(card.header.media for card in cards)
        case Utility(inner):
            return files_of(inner)
        case _:
            return ()


def _present(**values: object) -> Json:
    """What has something to say: neither '' nor None nor an empty list."""
    return {name: value for name, value in values.items() if value not in ("", None, [], {})}


# --------------------------------------------------------------------------------- words and files


def _text(content: Text, _: Uploads) -> Json:
    text: Json = {"body": content.body}
    if content.previews_link:
        text["preview_url"] = True
    return {"type": "text", "text": text}


def _file(media: MediaRef, uploads: Uploads) -> Json:
    handle = uploads.get(media.sha256) or media.provider_ref
    if not handle:
        raise _Missing
    return {"id": handle}


def _captioned(content: Image | Video, uploads: Uploads) -> Json:
    kind = "image" if isinstance(content, Image) else "video"
    return {"type": kind, kind: _file(content.media, uploads) | _present(caption=content.caption)}


def _audio(content: Audio, uploads: Uploads) -> Json:
    audio = _file(content.media, uploads)
    if content.is_voice:
        audio["voice"] = True
    return {"type": "audio", "audio": audio}


def _document(content: Document, uploads: Uploads) -> Json:
    named = _present(caption=content.caption, filename=content.filename)
    return {"type": "document", "document": _file(content.media, uploads) | named}


def _sticker(content: Sticker, uploads: Uploads) -> Json:
    return {"type": "sticker", "sticker": _file(content.media, uploads)}


def place(location: Location) -> Json:
    """A location; the degrees as text, as the reference has them."""
    degrees = {"latitude": _degrees(location.latitude), "longitude": _degrees(location.longitude)}
    return degrees | _present(name=location.name, address=location.address)


def _degrees(value: float) -> str:
    # Seven decimals are a centimetre; repr() of a small number would be spelled 1e-05.
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _location(content: Location, _: Uploads) -> Json:
    return {"type": "location", "location": place(content)}


def _contacts(content: Contacts, _: Uploads) -> Json:
    return {"type": "contacts", "contacts": [_contact(card) for card in content.cards]}


def _contact(card: ContactCard) -> Json:
    name = {"formatted_name": card.name} | _present(
        first_name=card.first_name,
        last_name=card.last_name,
        middle_name=card.middle_name,
        prefix=card.prefix,
        suffix=card.suffix,
    )
    addresses = [
        _present(
            street=each.street,
            city=each.city,
            state=each.region,
            zip=each.postal_code,
            country=each.country,
            country_code=each.country_code,
            type=each.label,
        )
        for each in card.addresses
    ]
    return {"name": name} | _present(
        phones=_labelled("phone", card.phones),
        emails=_labelled("email", card.emails),
        urls=_labelled("url", card.urls),
        addresses=addresses,
        org=_present(company=card.company, department=card.department, title=card.title),
        birthday=card.birthday,
    )


def _labelled(name: str, values: tuple[Labelled, ...]) -> list[Json]:
    return [{name: each.value} | _present(type=each.label) for each in values]


def _reaction(content: Reaction, _: Uploads) -> Json:
    return {"type": "reaction", "reaction": {"message_id": content.to, "emoji": content.emoji}}


# ------------------------------------------------------------------------------ what asks for a tap


def _interactive(kind: str, action: Json, body: str = "", header: Json | None = None, footer: str = "") -> Json:
    around = _present(header=header, body=_present(text=body), footer=_present(text=footer))
    return {"type": "interactive", "interactive": {"type": kind} | around | {"action": action}}


def _header(header: Header | None, uploads: Uploads) -> Json | None:
    """A header has no caption; a document's has its name."""
    match header:
        case None:
            return None
        case Text(body):
            return {"type": "text", "text": body}
        case Document(media, filename):
            return {"type": "document", "document": _file(media, uploads) | _present(filename=filename)}
        case Image(media):
            return {"type": "image", "image": _file(media, uploads)}
        case Video(media):
            return {"type": "video", "video": _file(media, uploads)}


def _buttons(content: Buttons, uploads: Uploads) -> Json:
    replies = [{"type": "reply", "reply": {"id": b.id, "title": b.title}} for b in content.buttons]
    header = _header(content.header, uploads)
    return _interactive("button", {"buttons": replies}, content.body, header, content.footer)


def _menu(content: Menu, uploads: Uploads) -> Json:
    sections = [
        _present(title=section.title) | {"rows": [_row(row) for row in section.rows]} for section in content.sections
    ]
    action = {"button": content.title, "sections": sections}
    return _interactive("list", action, content.body, _header(content.header, uploads), content.footer)


def _row(row: MenuRow) -> Json:
    return {"id": row.id, "title": row.title} | _present(description=row.description)


def _named(name: str, **parameters: object) -> Json:
    return {"name": name} | _present(parameters=_present(**parameters))


def _link(title: str, url: str) -> Json:
    return _named("cta_url", display_text=title, url=url)


def _link_button(content: LinkButton, uploads: Uploads) -> Json:
    header = _header(content.header, uploads)
    return _interactive("cta_url", _link(content.title, content.url), content.body, header, content.footer)


def _location_request(content: LocationRequest, _: Uploads) -> Json:
    return _interactive("location_request_message", _named("send_location"), content.body)


def _contact_request(content: ContactRequest, _: Uploads) -> Json:
    return _interactive("request_contact_info", _named("request_contact_info"), content.body)


def _address_request(content: AddressRequest, _: Uploads) -> Json:
    action = _named("address_message", country=content.country, values=dict(content.values))
    return _interactive("address_message", action, content.body)


def _call_request(content: CallRequest, _: Uploads) -> Json:
    return _interactive("call_permission_request", _named("call_permission_request"), content.body)


def _call_button(content: CallButton, _: Uploads) -> Json:
    minutes = int(content.lasts.total_seconds() // 60)
    action = _named("voice_call", display_text=content.title, ttl_minutes=minutes, payload=content.payload)
    return _interactive("voice_call", action, content.body)


def _form(content: Form, uploads: Uploads) -> Json:
    parameters: Json = {
        "flow_message_version": "3",
        # A flow is named by its id, which is digits, or by its name.
        "flow_id" if content.form.isdigit() else "flow_name": content.form,
        "flow_cta": content.title,
        "mode": "draft" if content.is_draft else "published",
        "flow_action": "navigate" if content.screen else "data_exchange",
    } | _present(flow_token=content.token)
    if content.screen:
        data = decode(content.data.encode()) if content.data else None
        parameters["flow_action_payload"] = {"screen": content.screen} | _present(data=data)
    action = {"name": "flow", "parameters": parameters}
    return _interactive("flow", action, content.body, _header(content.header, uploads), content.footer)


def _catalog(content: Catalog, _: Uploads) -> Json:
    action = _named("catalog_message", thumbnail_product_retailer_id=content.thumbnail)
    return _interactive("catalog_message", action, content.body, footer=content.footer)


def _product(content: Product, _: Uploads) -> Json:
    action = {"catalog_id": content.catalog, "product_retailer_id": content.product}
    return _interactive("product", action, content.body, footer=content.footer)


def product_sections(sections: Mapping[str, tuple[str, ...]]) -> list[Json]:
    """Products by the title of their section."""
    return [
        {"title": title, "product_items": [{"product_retailer_id": product} for product in products]}
        for title, products in sections.items()
    ]


def _products(content: Products, _: Uploads) -> Json:
    sections = [each for section in content.sections for each in product_sections({section.title: section.products})]
    action = {"catalog_id": content.catalog, "sections": sections}
    header = {"type": "text", "text": content.title}
    return _interactive("product_list", action, content.body, header, content.footer)


def _carousel(content: Carousel, uploads: Uploads) -> Json:
    cards = [_card(number, card, uploads) for number, card in enumerate(content.cards)]
    return _interactive("carousel", {"cards": cards}, content.body)


def _card(number: int, card: Card, uploads: Uploads) -> Json:
    replies = [{"type": "quick_reply", "quick_reply": {"id": b.id, "title": b.title}} for b in card.buttons]
    action = {"buttons": replies} if replies else _link(card.title, card.url)
    head = {"card_index": number, "type": "cta_url", "header": _header(card.header, uploads)}
    return head | _present(body=_present(text=card.body)) | {"action": action}


def _utility(content: Utility, uploads: Uploads) -> Json:
    """Direct Send: the same message, with its category beside it."""
    spell = _SPELLED[type(content.content)]
    more = _present(
        ttl_seconds=int(content.lasts.total_seconds()) if content.lasts else None,
        direct_send_config=_present(template_name=content.template),
    )
    return spell(content.content, uploads) | {"category": "utility"} | more


_SPELLED: Final[Mapping[type[Content], Callable[[Any, Uploads], Json]]] = {
    Text: _text,
    Image: _captioned,
    Video: _captioned,
    Audio: _audio,
    Document: _document,
    Sticker: _sticker,
    Location: _location,
    Contacts: _contacts,
    Reaction: _reaction,
    Buttons: _buttons,
    Menu: _menu,
    LinkButton: _link_button,
    LocationRequest: _location_request,
    ContactRequest: _contact_request,
    AddressRequest: _address_request,
    CallRequest: _call_request,
    CallButton: _call_button,
    Form: _form,
    Catalog: _catalog,
    Product: _product,
    Products: _products,
    Carousel: _carousel,
    Utility: _utility,
}
SENDABLE: Final = frozenset(_SPELLED)
"""The kinds that can be spelled, templates aside."""
