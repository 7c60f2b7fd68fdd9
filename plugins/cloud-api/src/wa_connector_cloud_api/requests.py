"""Requests as data: envelopes, files and questions → method, path and body.

Rules of this file: pure; domain values in, a ``Call`` out. Nothing here knows a host, a token or a client. A message that
cannot be spelled is a ``Rejected``, for nothing was sent.

Source: WhatsApp Cloud API, messages, media and message-template references, v26.0, read 2026-11.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, assert_never
from urllib.parse import quote

from attrs import field, frozen

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import (
    Act,
    ButtonReply,
    Buttons,
    Content,
    Image,
    MediaRef,
    Note,
    TemplateMessage,
    Text,
    Unsupported,
    Withheld,
)
from wa_connector.model.content import Call as TelephoneCall
from wa_connector.model.directory import Account, Line
from wa_connector.model.outbound import Envelope, Rejected
from wa_connector.model.template import Template

_Json: TypeAlias = dict[str, Any]


@frozen
class File:
    """A file of a multipart form."""

    name: str
    mime_type: str
    content: bytes = field(repr=False)


@frozen
class Call:
    """One request. ``path`` begins with '/' and is put behind the base address; a call has a JSON body, or a form with a
    file, or neither."""

    method: str
    path: str = field(repr=False)
    query: Mapping[str, str] = field(factory=dict, repr=False)
    json: Mapping[str, object] | None = field(default=None, repr=False)
    form: Mapping[str, str] = field(factory=dict, repr=False)
    file: File | None = None


# -------------------------------------------------------------------------------------- messages


def message(
    line: Line, envelope: Envelope, uploads: Mapping[str, str], kinds: "ButtonKinds | None" = None
) -> Call | Rejected:
    """The request that sends a message. ``uploads`` has the provider's id of each file of ``attachments(…)``, by its
    SHA-256; ``kinds`` are those of its template's buttons, where ``button_parameters(…)`` says that it needs them."""
    content = _content(envelope.content, uploads, kinds or {})
    if isinstance(content, Rejected):
        return content
    body: _Json = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    body |= _recipient(envelope.to)
    body |= content
    if envelope.replies_to:
        body["context"] = {"message_id": envelope.replies_to}
    # The Cloud API has no idempotency key. This comes back in every status of the message, and
    # settles what became of it when the answer to this request is lost.
    body["biz_opaque_callback_data"] = envelope.message
    return Call("POST", f"/{_segment(line.provider_ref)}/messages", json=body)


def _recipient(to: Address) -> _Json:
    match to.kind:
        case AddressKind.NUMBER | AddressKind.WHATSAPP_ID:
            # Without its '+' the provider puts the business's country code before it.
            return {"to": "+" + to.value.removeprefix("+")}
        case AddressKind.BSUID | AddressKind.PARENT_BSUID:
            return {"recipient": to.value}
        case _ as unreachable:
            assert_never(unreachable)


def _content(content: Content, uploads: Mapping[str, str], kinds: "ButtonKinds") -> _Json | Rejected:
    match content:
        case Text(body):
            return {"type": "text", "text": {"body": body}}
        case Image(media, caption):
            return _image(media, caption, uploads)
        case Buttons(body, buttons):
            replies = [{"type": "reply", "reply": {"id": b.id, "title": b.title}} for b in buttons]
            interactive = {"type": "button", "body": {"text": body}, "action": {"buttons": replies}}
            return {"type": "interactive", "interactive": interactive}
        case TemplateMessage():
            return _template(content, uploads, kinds)
        case ButtonReply() | TelephoneCall() | Unsupported() | Act() | Note() | Withheld():
            return Rejected("content", "a business cannot send this kind of content")
        case _ as unreachable:
            assert_never(unreachable)


def _image(media: MediaRef, caption: str, uploads: Mapping[str, str]) -> _Json | Rejected:
    handle = uploads.get(media.sha256) or media.provider_ref
    if not handle:
        return Rejected("media", "the image is neither in the media store nor with the provider")
    image = {"id": handle}
    if caption:
        image["caption"] = caption
    return {"type": "image", "image": image}


# ------------------------------------------------------------------------------------- templates

MEDIA_HEADERS: Final = ("image", "video", "document")

ButtonKinds: TypeAlias = Mapping[str, str]
"""How the provider wants each button's parameter spelled (``url``, ``copy_code``), by the parameter's key.

A template message does not say it – ``button.0`` may be the end of an address as well as a coupon – and the provider
refuses the one that is spelled like the other.
"""

_PARAMETER: Final = re.compile(
    r"(?:card\.([0-9]{1,2})\.)?(?:(header|body)\.([a-z0-9_]+)|button\.([0-9]{1,2}))", re.ASCII
)
_Values: TypeAlias = dict[str, dict[str, str]]


def button_kinds(template: Template) -> ButtonKinds:
    """The kinds of a template's buttons that take a parameter. A one-time code goes out as the end of an address,
    whatever the button with it is called."""
    kinds = {}
    for key in template.parameter_keys():
        *place, part, name = key.split(".")
        if part == "button":
            kinds[key] = "copy_code" if template.button(place, int(name)) == "COPY_CODE" else "url"
    return kinds


def button_parameters(content: Content) -> bool:
    """Whether the content has parameters for buttons, so that their kinds must be known to spell it."""
    return isinstance(content, TemplateMessage) and any("button." in key for key in content.parameters)


def _template(content: TemplateMessage, uploads: Mapping[str, str], kinds: ButtonKinds) -> _Json | Rejected:
    parts: dict[str, _Values] = {"": {}}
    for key, value in content.parameters.items():
        found = _PARAMETER.fullmatch(key)
        if found is None:
            return Rejected(
                "parameter", "a template parameter is keyed header.…, body.… or button.…, with card.N. before"
            )
        card, part, name, button = found.groups()
        place = "" if card is None else f"card.{int(card)}."
        parts.setdefault(place, {}).setdefault(part or "button", {})[name or button] = value
    components = _components("", parts.pop(""), content.payloads, uploads, kinds)
    if isinstance(components, Rejected):
        return components
    cards = []
    for place in sorted(parts, key=lambda place: int(place.split(".")[1])):
        of_card = _components(place, parts[place], {}, uploads, kinds)
        if isinstance(of_card, Rejected):
            return of_card
        cards.append({"card_index": int(place.split(".")[1]), "components": of_card})
    if cards:
        components.append({"type": "carousel", "cards": cards})
    template: _Json = {"name": content.name, "language": {"code": content.language}}
    if components:
        template["components"] = components
    return {"type": "template", "template": template}


def _components(
    place: str, values: _Values, payloads: Mapping[str, str], uploads: Mapping[str, str], kinds: ButtonKinds
) -> list[_Json] | Rejected:
    """The components of a template, or of the card that ``place`` names."""
    components: list[_Json] = []
    for part in ("header", "body"):
        given = values.get(part, {})
        parameters = _header_media(given, uploads) if part == "header" else None
        if isinstance(parameters, Rejected):
            return parameters
        if given:
            components.append({"type": part, "parameters": parameters or _texts(given)})
    buttons = {index: _button(index, "quick_reply", payload) for index, payload in payloads.items()}
    for index, value in values.get("button", {}).items():
        kind = kinds.get(f"{place}button.{index}")
        if kind is None or index in buttons:
            return Rejected("parameter", f"the template has no button {place}{index} that takes a parameter")
        buttons[index] = _button(index, kind, value)
    return components + [button for _, button in sorted(buttons.items(), key=_position)]


_PARAMETER_OF: Final = {
    # kind of button: (type of its parameter, under which name)
    "quick_reply": ("payload", "payload"),
    "url": ("text", "text"),
    "copy_code": ("coupon_code", "coupon_code"),
}


def _button(index: str, kind: str, value: str) -> _Json:
    type_, name = _PARAMETER_OF[kind]
    return {"type": "button", "sub_type": kind, "index": index, "parameters": [{"type": type_, name: value}]}


def _header_media(values: Mapping[str, str], uploads: Mapping[str, str]) -> list[_Json] | Rejected | None:
    kind = next((kind for kind in MEDIA_HEADERS if kind in values), None)
    if kind is None:
        return None
    if len(values) > 1:
        return Rejected("parameter", f"a template whose header is a file has no parameter but header.{kind}")
    handle = uploads.get(values[kind])
    if handle is None:
        return Rejected("media", "the file of the template's header is not in the media store")
    return [{"type": kind, kind: {"id": handle}}]


def _texts(values: Mapping[str, str]) -> list[_Json]:
    """Positional parameters in the order of their numbers; named ones with their names, in any order."""
    if all(name.isascii() and name.isdigit() for name in values):
        return [{"type": "text", "text": value} for _, value in sorted(values.items(), key=_position)]
    return [{"type": "text", "parameter_name": name, "text": value} for name, value in values.items()]


def _position(item: tuple[str, object]) -> tuple[int, str]:
    # '10' comes after '9'; what is no number goes last and is left to the provider's judgement.
    name = item[0]
    is_number = name.isascii() and name.isdigit() and len(name) < 10
    return (int(name) if is_number else 10**10, name)


# ----------------------------------------------------------------------------------------- media


_HEADER_FILE: Final = re.compile(rf"(?:card\.[0-9]+\.)?header\.(?:{'|'.join(MEDIA_HEADERS)})", re.ASCII)


def attachments(content: Content) -> tuple[MediaRef, ...]:
    """The files that must be uploaded before the content can be sent.

    A template names the files of its header and of its cards by their SHA-256 alone, so that their type and size are
    unknown here; one that stands on several cards travels once.
    """
    match content:
        case Image(media) if media.is_stored:
            return (media,)
        case TemplateMessage(parameters=parameters):
            files = (value for key, value in parameters.items() if _HEADER_FILE.fullmatch(key))
            return tuple(MediaRef("", sha256=file) for file in dict.fromkeys(files))
        case _:
            return ()


# Source: Cloud API, media, "Supported media types", read 2026-11.
_MAGIC: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg", "image.jpg", 5),
    (0, b"\x89PNG\r\n\x1a\n", "image/png", "image.png", 5),
    (0, b"%PDF-", "application/pdf", "document.pdf", 100),
    (4, b"ftyp3g", "video/3gpp", "video.3gp", 16),
    (4, b"ftyp", "video/mp4", "video.mp4", 16),
)
MAX_UPLOAD: Final = 100 * 1024 * 1024


def upload(line: Line, content: bytes) -> Call | Rejected:
    """The request that uploads a file.

    The type is read off the content's first bytes: the provider does the same, and refuses a file that is not what it
    is said to be (131053) only after it has travelled.
    """
    for offset, magic, mime_type, name, megabytes in _MAGIC:
        if content.startswith(magic, offset):
            if len(content) > megabytes * 1024 * 1024:
                return Rejected("media", f"the file is over {megabytes} MB, which is the most for {mime_type}")
            return Call(
                "POST",
                f"/{_segment(line.provider_ref)}/media",
                form={"messaging_product": "whatsapp", "type": mime_type},
                file=File(name, mime_type, content),
            )
    return Rejected("media", "the file is no JPEG, PNG, MP4, 3GP or PDF")


def media_address(line: Line, handle: str) -> Call:
    """The question where a file can be fetched. With the number's id the provider checks that the file is the
    number's."""
    return Call("GET", f"/{_segment(handle)}", query={"phone_number_id": line.provider_ref})


# ------------------------------------------------------------------------------------ management

_TEMPLATE_FIELDS: Final = "id,name,language,status,category,components,quality_score"
"""Named one by one: what comes by default has no ``quality_score``."""
_PAGE: Final = 100


def templates(account: Account, after: str, name: str = "") -> Call:
    """One page of an account's templates, from the cursor on that the page before gave ('' for the first); with a
    ``name``, of those called so, or so in part."""
    query = {"fields": _TEMPLATE_FIELDS, "limit": str(_PAGE)}
    if name:
        query["name"] = name
    if after:
        query["after"] = after
    return Call("GET", f"/{_segment(account.provider_ref)}/message_templates", query=query)


def _segment(value: str) -> str:
    """An id as one segment of a path. Ids are digits; whatever else somebody configures stays inside its segment."""
    return quote(value, safe="").replace(".", "%2E") or "-"
