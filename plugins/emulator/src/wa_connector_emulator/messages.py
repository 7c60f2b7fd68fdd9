"""Message types: what each must look like, and what a phone makes of it.

Rules of this file: one table, `MESSAGE_TYPES`, from the wire's `type` to a check. A check takes the
`Desk` (what may be looked up) and the object under the type's key, and returns the `Content` that
the phone shows, or raises `GraphError`. A new type is a function and a row; nothing else in the
package lists the types. `INTERACTIVE_TYPES` is the same one level down.

Sources: developers.facebook.com, the message type pages (read 2026-09-11).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from . import shape, templates
from .errors import GraphError
from .rules import MEDIA_KINDS, bare_mime
from .values import Choice, Content, Json, Number
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
        return attrs.evolve(found, text=text)

    return check


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
    name = shape.maybe_text(value, "name", "location")
    return Content(kind="location", text=name or f"{latitude}, {longitude}", payload=dict(value))


def _contacts(_desk: Desk, body: Json) -> Content:
    cards = shape.need_objects(body, "contacts", "", most=257)
    names = [shape.need_object(card, "name", "contacts") for card in cards]
    shown = [shape.need_text(name, "formatted_name", "contacts['name']") for name in names]
    return Content(kind="contacts", text=", ".join(shown), payload={"contacts": cards})


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
    choices = INTERACTIVE_TYPES.get(kind)
    if choices is None:
        known = ", ".join(sorted(INTERACTIVE_TYPES))
        raise shape.wrong("interactive['type']", f"is {kind!r}; emulated are {known}")
    body = shape.need_object(value, "body", "interactive")
    text = shape.need_text(body, "text", "interactive['body']", most=_body_limit(kind))
    content = Content(
        kind="interactive",
        text=text,
        footer=_footer(value),
        choices=choices(shape.need_object(value, "action", "interactive")),
    )
    return _with_header(desk, content, value)


def _body_limit(kind: str) -> int:
    return 4096 if kind == "list" else 1024


def _footer(value: Json) -> str | None:
    if value.get("footer") is None:
        return None
    footer = shape.need_object(value, "footer", "interactive")
    return shape.need_text(footer, "text", "interactive['footer']", most=60)


def _with_header(desk: Desk, content: Content, value: Json) -> Content:
    if value.get("header") is None:
        return content
    where = "interactive['header']"
    header = shape.need_object(value, "header", "interactive")
    kind = shape.need_text(header, "type", where)
    if kind == "text":
        return attrs.evolve(content, header=shape.need_text(header, "text", where, most=60))
    if kind not in ("image", "video", "document"):
        raise shape.wrong(f"{where}['type']", "must be text, image, video or document")
    media = media_content(desk, kind, shape.need_object(header, kind, where), where)
    return _with_media(content, media)


def _reply_buttons(action: Json) -> tuple[Choice, ...]:
    where = "interactive['action']"
    buttons = shape.need_objects(action, "buttons", where, most=3)
    choices = tuple(_reply_button(button, f"{where}['buttons']") for button in buttons)
    _refuse_repeats([c.id for c in choices], "button ids")
    _refuse_repeats([c.title for c in choices], "button titles")
    return choices


def _reply_button(button: Json, where: str) -> Choice:
    if shape.need_text(button, "type", where) != "reply":
        raise shape.wrong(f"{where}['type']", "must be reply")
    reply = shape.need_object(button, "reply", where)
    choice_id = shape.need_text(reply, "id", where, most=256)
    if choice_id != choice_id.strip():
        raise shape.wrong(f"{where}['id']", "must not begin or end with a space")
    return Choice("button_reply", choice_id, shape.need_text(reply, "title", where, most=20))


def _refuse_repeats(values: list[str], what: str) -> None:
    if len(set(values)) < len(values):
        raise shape.wrong("interactive['action']", f"repeats {what}: {values}")


def _list_rows(action: Json) -> tuple[Choice, ...]:
    where = "interactive['action']"
    shape.need_text(action, "button", where, most=20)
    sections = shape.need_objects(action, "sections", where, most=10)
    rows = [row for section in sections for row in _section_rows(section, len(sections) > 1)]
    if len(rows) > 10:
        raise shape.wrong(where, f"must have at most 10 rows in all, it has {len(rows)}")
    _refuse_repeats([row.id for row in rows], "row ids")
    return tuple(rows)


def _section_rows(section: Json, needs_title: bool) -> list[Choice]:
    where = "interactive['action']['sections']"
    (shape.need_text if needs_title else shape.maybe_text)(section, "title", where, most=24)
    rows = shape.need_objects(section, "rows", where)
    return [
        Choice(
            "list_reply",
            shape.need_text(row, "id", where, most=200),
            shape.need_text(row, "title", where, most=24),
            shape.maybe_text(row, "description", where, most=72),
        )
        for row in rows
    ]


def _link_button(action: Json) -> tuple[Choice, ...]:
    where = "interactive['action']"
    parameters = shape.need_object(action, "parameters", where)
    title = shape.need_text(parameters, "display_text", where, most=20)
    return (Choice("link", shape.need_text(parameters, "url", where, most=2000), title),)


def _no_choices(action: Json) -> tuple[Choice, ...]:
    shape.need_text(action, "name", "interactive['action']")
    return ()


INTERACTIVE_TYPES: Mapping[str, Callable[[Json], tuple[Choice, ...]]] = MappingProxyType(
    {
        "button": _reply_buttons,
        "list": _list_rows,
        "cta_url": _link_button,
        "location_request_message": _no_choices,
        "request_contact_info": _no_choices,
    }
)

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
        "template": _template,
    }
)
