"""A message's ``type`` and the object under it → content.

Rules of this file: pure; one function a kind, and one table, ``CONTENTS``, that says which. What a kind must have is
asked for, and its lack is ``Bad``; everything else is read tolerantly. Nothing is raised but ``Bad``.

Source: WhatsApp Cloud API, webhooks reference (messages, system messages, edits), read 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from wa_connector.model.content import (
    Audio,
    ButtonReply,
    CallAnswer,
    ContactCard,
    Contacts,
    Content,
    Deleted,
    Document,
    Edited,
    FormReply,
    IdentityChange,
    IdentityChanged,
    Image,
    Labelled,
    Location,
    MediaRef,
    Order,
    OrderItem,
    PostalAddress,
    Reaction,
    Sticker,
    Text,
    Unsupported,
    Video,
    Voicemail,
)
from wa_connector.model.ids import ProviderId
from wa_connector_cloud_api._wire import degrees, instant, reference, sha256, text, whole, word

Object: TypeAlias = dict[str, Any]
Reader: TypeAlias = Callable[[Object, str, ProviderId | None], Content]


class Bad(Exception):
    """This element cannot be taken; says why, without quoting anybody."""


# --------------------------------------------------------------------------------- words and files


def _text(message: Object, _kind: str, _replies_to: ProviderId | None) -> Content:
    return Text(_required(_part(message, "text"), "body"))


def _file(message: Object, kind: str) -> tuple[Object, MediaRef]:
    part = _part(message, kind)
    if not (handle := reference(part.get("id"))):
        raise Bad(f"a message of type {kind} without the id of its file")
    media = MediaRef(
        mime_type=text(part.get("mime_type")),
        # What the provider says of the bytes; with size 0 it is not taken for stored.
        sha256=sha256(part.get("sha256")),
        provider_ref=handle,
    )
    return part, media


def _image(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    part, media = _file(message, kind)
    return Image(media, text(part.get("caption")))


def _video(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    part, media = _file(message, kind)
    return Video(media, text(part.get("caption")))


def _audio(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    part, media = _file(message, kind)
    own = reference(message.get("id"))
    # A voicemail comes as a sound file under the id of its call.
    if own.startswith("wacid."):
        return Voicemail(media, ProviderId(own))
    return Audio(media, part.get("voice") is True)


def _document(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    part, media = _file(message, kind)
    return Document(media, text(part.get("filename")), text(part.get("caption")))


def _sticker(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    part, media = _file(message, kind)
    return Sticker(media, part.get("animated") is True)


def _location(message: Object, _kind: str, _replies_to: ProviderId | None) -> Content:
    part = _part(message, "location")
    latitude, longitude = degrees(part.get("latitude"), 90), degrees(part.get("longitude"), 180)
    if latitude is None or longitude is None:
        raise Bad("a place that is nowhere")
    named = (text(part.get(name)) for name in ("name", "address", "url"))
    return Location(latitude, longitude, *named)


def _contacts(message: Object, _kind: str, _replies_to: ProviderId | None) -> Content:
    cards = _objects(message.get("contacts"))
    if not cards:
        raise Bad("contacts without a card")
    return Contacts(tuple(map(_card, cards)), any(card.get("origin") == "contact_request" for card in cards))


def _card(card: Object) -> ContactCard:
    name, work = _object(card.get("name")), _object(card.get("org"))
    first, last = text(name.get("first_name")), text(name.get("last_name"))
    return ContactCard(
        text(name.get("formatted_name")) or " ".join(filter(None, (first, last))),
        first,
        last,
        text(name.get("middle_name")),
        text(name.get("prefix")),
        text(name.get("suffix")),
        _labelled(card.get("phones"), "phone", "wa_id"),
        _labelled(card.get("emails"), "email"),
        _labelled(card.get("urls"), "url"),
        tuple(map(_address, _objects(card.get("addresses")))),
        text(work.get("company")),
        text(work.get("department")),
        text(work.get("title")),
        text(card.get("birthday")),
    )


def _labelled(found: object, *names: str) -> tuple[Labelled, ...]:
    """Values under the first of ``names`` that has one; a number that is withheld may still be a WhatsApp id."""
    values = ((next(filter(None, (text(each.get(name)) for name in names)), ""), each) for each in _objects(found))
    return tuple(Labelled(value, text(each.get("type"))) for value, each in values if value)


def _address(found: Object) -> PostalAddress:
    names = ("street", "city", "state", "zip", "country", "country_code", "type")
    return PostalAddress(*(text(found.get(name)) for name in names))


def _reaction(message: Object, _kind: str, _replies_to: ProviderId | None) -> Content:
    part = _part(message, "reaction")
    if not (to := reference(part.get("message_id"))):
        raise Bad("a reaction to nothing")
    return Reaction(ProviderId(to), text(part.get("emoji")))


# ------------------------------------------------------------------------------------------ answers


def _button(message: Object, _kind: str, replies_to: ProviderId | None) -> Content:
    button = _part(message, "button")
    return ButtonReply(text(button.get("payload")), _required(button, "text"), replies_to)


def _interactive(message: Object, _kind: str, replies_to: ProviderId | None) -> Content:
    interactive = _part(message, "interactive")
    kind = interactive.get("type")
    if kind in ("button_reply", "list_reply"):
        reply = _part(interactive, kind)
        return ButtonReply(_required(reply, "id"), _required(reply, "title"), replies_to)
    if kind == "nfm_reply":
        reply = _part(interactive, kind)
        return FormReply(
            text(reply.get("name")), _required(reply, "response_json"), text(reply.get("body")), replies_to
        )
    if kind == "call_permission_reply":
        return _call_answer(_part(interactive, kind), replies_to)
    return Unsupported(word(kind))


def _call_answer(reply: Object, replies_to: ProviderId | None) -> Content:
    response = reply.get("response")
    if response not in ("accept", "reject"):
        raise Bad(f"unknown answer {word(response)} to a request to call")
    return CallAnswer(
        response == "accept",
        reply.get("is_permanent") is True,
        instant(reply.get("expiration_timestamp")),
        reply.get("response_source") == "automatic",
        replies_to,
    )


def _order(message: Object, _kind: str, _replies_to: ProviderId | None) -> Content:
    part = _part(message, "order")
    items = tuple(
        OrderItem(
            text(item.get("product_retailer_id")),
            whole(item.get("quantity")),
            _price(item.get("item_price")),
            text(item.get("currency")),
        )
        for item in _objects(part.get("product_items"))
    )
    return Order(reference(part.get("catalog_id")), items, text(part.get("text")))


def _price(value: object) -> str:
    """As the provider spells it; a number of JSON is spelled out."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return str(value)
    return text(value)


# ------------------------------------------------------------------- what happened to message or person


def _edit(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    part = _part(message, "edit")
    of, changed = reference(part.get("original_message_id")), _object(part.get("message"))
    inner = _object(changed.get(text(changed.get("type"))))
    body = text(inner.get("body")) or text(inner.get("caption"))
    if not of:
        raise Bad("an edit of nothing")
    return Edited(ProviderId(of), body) if body else Unsupported(word(kind))


def _revoke(message: Object, _kind: str, _replies_to: ProviderId | None) -> Content:
    if not (of := reference(_part(message, "revoke").get("original_message_id"))):
        raise Bad("a deletion of nothing")
    return Deleted(ProviderId(of))


CHANGES: Final[Mapping[str, IdentityChange]] = {
    "user_changed_number": IdentityChange.NUMBER,
    "user_changed_user_id": IdentityChange.USER_ID,
    "customer_identity_changed": IdentityChange.DEVICE,
    # As older versions spelled the two.
    "customer_changed_number": IdentityChange.NUMBER,
    "identity_changed": IdentityChange.DEVICE,
}


def _system(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    part = _object(message.get("system"))
    change = CHANGES.get(text(part.get("type")))
    return IdentityChanged(change, text(part.get("body"))) if change else Unsupported(kind)


def _unsupported(message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    named = word(_object(message.get("unsupported")).get("type"))
    return Unsupported(word(kind) if named == "…" else named)


def unknown(_message: Object, kind: str, _replies_to: ProviderId | None) -> Content:
    """A type that this version does not know."""
    return Unsupported(word(kind))


# -------------------------------------------------------------------------------------------- parts


def _object(found: object) -> Object:
    return found if isinstance(found, dict) else {}


def _objects(found: object) -> list[Object]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _part(message: Object, key: str) -> Object:
    part = message.get(key)
    if not isinstance(part, dict):
        raise Bad(f"a message without its {key}")
    return part


def _required(part: Object, key: str) -> str:
    found = part.get(key)
    if not isinstance(found, str):
        raise Bad(f"a message without its {key}")
    return text(found)


CONTENTS: Final[Mapping[str, tuple[Reader, bool]]] = {
    # type: (how it is read, whether it is a sign of life that opens the customer's window)
    "text": (_text, True),
    "image": (_image, True),
    "video": (_video, True),
    "audio": (_audio, True),
    "document": (_document, True),
    "sticker": (_sticker, True),
    "location": (_location, True),
    "contacts": (_contacts, True),
    "button": (_button, True),
    "interactive": (_interactive, True),
    "order": (_order, True),
    # The provider does not say whether these open it. Taking them for a sign of life that they are
    # not costs a refused message; the opposite error, a template too many.
    "reaction": (_reaction, False),
    "edit": (_edit, False),
    "revoke": (_revoke, False),
    "request_welcome": (unknown, False),
    "unsupported": (_unsupported, False),
    # Written by the provider, not by the customer.
    "system": (_system, False),
}
UNKNOWN: Final[tuple[Reader, bool]] = (unknown, False)
