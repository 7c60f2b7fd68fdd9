"""Message types: what each must look like, and what a phone makes of it.

Rules of this file: one table, `MESSAGE_TYPES`, from the wire's `type` to a check. A check takes the
`Desk` (what may be looked up) and the object under the type's key, and returns the `Content` that
the phone shows, or raises `GraphError`. A new type is a function and a row; nothing else in the
package lists the types. `interactive` has the same one level down.

Sources: developers.facebook.com, the message type pages (read 2026-09-11).
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from . import interactive, shape, templates
from .errors import GraphError
from .interactive import INTERACTIVE_TYPES
from .rules import MEDIA_KINDS, bare_mime
from .values import Content, Json, Number
from .world import World


@attrs.frozen
class Desk:
    """What a check may look at: the world, the sending number, the time and the addressee's kind.

    A plain reading desk: checks change nothing.
    """

    world: World
    number: Number
    now: datetime
    to_bsuid: bool = False


Check = Callable[[Desk, Json], Content]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def checked(desk: Desk, body: Json) -> Content:
    """The content of a send call's body."""
    kind = shape.maybe_text(body, "type") or "text"
    check = MESSAGE_TYPES.get(kind)
    if check is None:
        known = ", ".join(sorted(MESSAGE_TYPES))
        raise GraphError(100, f"Param type must be one of {{{known}}} - got {kind!r}.")
    value = body.get(kind)
    if kind == "contacts":  # the one type whose value is an array
        return check(desk, body)
    if value is None:
        raise shape.missing(kind)
    return check(desk, shape.as_object(value, kind))


def _text(_desk: Desk, value: Json) -> Content:
    body = shape.need_text(value, "body", "text")
    if len(body) > 4096:
        raise GraphError(100, "Param text['body'] must be at most 4096 characters long.")
    return Content(kind="text", text=body)


def _media(kind: str, *, caption: bool) -> Check:
    def check(desk: Desk, value: Json) -> Content:
        found = media_content(desk, kind, value, kind)
        text = shape.maybe_text(value, "caption", kind, most=1024) if caption else None
        return attrs.evolve(found, text=text, is_voice=kind == "audio" and _is_voice(value, found))

    return check


def _is_voice(value: Json, found: Content) -> bool:
    voice = value.get("voice", False)
    if not isinstance(voice, bool):
        raise shape.wrong("audio['voice']", "must be true or false")
    if voice and found.mime_type is not None and bare_mime(found.mime_type) != "audio/ogg":
        raise GraphError(131053, f"a voice message is audio/ogg with the codec opus, not {found.mime_type}")
    return voice


def media_content(desk: Desk, kind: str, value: Json, where: str) -> Content:
    """The content of an `{id|link}` object of that kind. Links are not fetched."""
    media_id = shape.maybe_text(value, "id", where)
    link = shape.maybe_text(value, "link", where)
    if (media_id is None) == (link is None):
        raise GraphError(131009, f"{where} must have exactly one of id and link.")
    filename = shape.maybe_text(value, "filename", where)
    if link is not None:
        if not link.startswith("https://"):
            raise shape.wrong(shape.place(where, "link"), "must be an https:// address")
        return Content(kind=kind, link=link, filename=filename)
    return attrs.evolve(_stored(desk, kind, media_id or "", where), filename=filename)


def _stored(desk: Desk, kind: str, media_id: str, where: str) -> Content:
    media = desk.world.live_media(media_id, desk.now)
    if media is None or media.number_id != desk.number.id:
        raise GraphError(
            131009,
            f"{where}['id']: no media {media_id}; it is unknown, expired or another number's",
        )
    if bare_mime(media.mime_type) not in MEDIA_KINDS[kind].mime_types:
        raise GraphError(131053, f"{media.mime_type} is not a media type for {kind} messages")
    return Content(kind=kind, media_id=media_id, sha256=media.sha256, mime_type=media.mime_type)


def _location(_desk: Desk, value: Json) -> Content:
    latitude = shape.need_number(value, "latitude", "location")
    longitude = shape.need_number(value, "longitude", "location")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise shape.wrong("location", "must be a place on earth: latitude from -90 to 90, longitude from -180 to 180")
    name = shape.maybe_text(value, "name", "location")
    return Content(kind="location", text=name or f"{latitude}, {longitude}", payload=dict(value))


def _contacts(_desk: Desk, body: Json) -> Content:
    cards = shape.need_objects(body, "contacts", "", most=257)
    names = [shape.need_object(card, "name", "contacts") for card in cards]
    shown = [shape.need_text(name, "formatted_name", "contacts['name']") for name in names]
    for name in names:
        if not any(name.get(part) for part in _NAME_PARTS):
            raise GraphError(131009, f"contacts['name'] needs one of {', '.join(_NAME_PARTS)}.")
    for card in cards:
        _check_birthday(card.get("birthday"))
    return Content(kind="contacts", text=", ".join(shown), payload={"contacts": cards})


_NAME_PARTS = ("first_name", "last_name", "middle_name", "suffix", "prefix")


def _check_birthday(given: object) -> None:
    if given is not None and not (isinstance(given, str) and _DATE.match(given)):
        raise shape.wrong("contacts['birthday']", "must be written YYYY-MM-DD")


def _reaction(_desk: Desk, value: Json) -> Content:
    # Whether the target can be reacted to is judged later: Meta tells of a bad one by webhook.
    target = shape.need_text(value, "message_id", "reaction")
    emoji = value.get("emoji")
    if not isinstance(emoji, str):
        raise shape.missing("reaction['emoji']")
    return Content(kind="reaction", text=emoji, reacts_to=target)


def _template(desk: Desk, value: Json) -> Content:
    name = shape.need_text(value, "name", "template")
    language = shape.need_text(shape.need_object(value, "language", "template"), "code", "language")
    found = desk.world.find_template(desk.number.account_id, name, language)
    template = templates.check_status(name, language, found)
    if template.category == "AUTHENTICATION" and desk.to_bsuid:
        raise GraphError(131062, "Authentication templates need a phone number as recipient.")
    return _shown(desk, templates.filled(template, value))


def _shown(desk: Desk, filled: templates.Filled) -> Content:
    content = attrs.evolve(filled.content, cards=tuple(_shown(desk, card) for card in filled.cards))
    if filled.header_media is None or filled.header_media.kind not in MEDIA_KINDS:
        return content
    media = media_content(desk, filled.header_media.kind, filled.header_media.value, "header")
    return _with_media(content, media)


def _with_media(content: Content, media: Content) -> Content:
    return attrs.evolve(
        content,
        media_id=media.media_id,
        sha256=media.sha256,
        mime_type=media.mime_type,
        link=media.link,
        filename=media.filename,
    )


# --- interactive --------------------------------------------------------------------------------


def _interactive(desk: Desk, value: Json) -> Content:
    kind = shape.need_text(value, "type", "interactive")
    if kind not in INTERACTIVE_TYPES:
        known = ", ".join(sorted(INTERACTIVE_TYPES))
        raise shape.wrong("interactive['type']", f"is {kind!r}; known are {known}")
    content = interactive.checked(kind, value)
    cards = tuple(_with_header(desk, card, _card_header(card)) for card in content.cards)
    return _with_header(desk, attrs.evolve(content, cards=cards), value.get("header"))


def _card_header(card: Content) -> Json:
    ((kind, medium),) = (card.payload or {}).items()
    return {"type": kind, kind: medium}


def _with_header(desk: Desk, content: Content, given: object) -> Content:
    if given is None:
        return content
    where = "interactive['header']"
    header = shape.as_object(given, where)
    kind = shape.need_text(header, "type", where)
    if kind == "text":
        return attrs.evolve(content, header=shape.need_text(header, "text", where, most=60))
    media = media_content(desk, kind, shape.need_object(header, kind, where), where)
    return _with_media(content, media)


def _pin(_desk: Desk, value: Json) -> Content:
    if shape.need_text(value, "type", "pin") not in ("pin", "unpin"):
        raise shape.wrong("pin['type']", "must be pin or unpin")
    days = value.get("expiration_days", 7)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 30:
        raise shape.wrong("pin['expiration_days']", "must be a number from 1 to 30")
    return Content(kind="pin", reacts_to=shape.need_text(value, "message_id", "pin"), payload=dict(value))


MESSAGE_TYPES: Mapping[str, Check] = MappingProxyType(
    {
        "text": _text,
        "image": _media("image", caption=True),
        "video": _media("video", caption=True),
        "audio": _media("audio", caption=False),
        "document": _media("document", caption=True),
        "sticker": _media("sticker", caption=False),
        "location": _location,
        "contacts": _contacts,
        "reaction": _reaction,
        "interactive": _interactive,
        "pin": _pin,
        "template": _template,
    }
)
