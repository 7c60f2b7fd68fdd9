"""Requests as data: envelopes, files and questions → method, path and body.

Rules of this file: pure; domain values in, a ``Call`` out. Nothing here knows a host, a token or a client. A message that
cannot be spelled is a ``Rejected``, for nothing was sent.

Source: WhatsApp Cloud API, messages, media and message-template references, v26.0, read 2026-11.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, assert_never
from urllib.parse import quote

from attrs import field, frozen

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import (
    ButtonReply,
    Buttons,
    Content,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
    Unsupported,
)
from wa_connector.model.content import Call as TelephoneCall
from wa_connector.model.directory import Account, Line
from wa_connector.model.outbound import Envelope, Rejected

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


def message(line: Line, envelope: Envelope, uploads: Mapping[str, str]) -> Call | Rejected:
    """The request that sends a message. ``uploads`` has the provider's id of each file of ``attachments(…)``, by its
    SHA-256."""
    content = _content(envelope.content, uploads)
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


def _content(content: Content, uploads: Mapping[str, str]) -> _Json | Rejected:
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
            return _template(content, uploads)
        case ButtonReply() | TelephoneCall() | Unsupported():
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


def _template(content: TemplateMessage, uploads: Mapping[str, str]) -> _Json | Rejected:
    parts: dict[str, dict[str, str]] = {"header": {}, "body": {}}
    for key, value in content.parameters.items():
        part, _, name = key.partition(".")
        if part not in parts or not name:
            return Rejected("parameter", "a template parameter is keyed header.… or body.…")
        parts[part][name] = value
    components = []
    for part, values in parts.items():
        parameters = _header_media(values, uploads) if part == "header" else None
        if isinstance(parameters, Rejected):
            return parameters
        if values:
            components.append({"type": part, "parameters": parameters or _texts(values)})
    components += [
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": index,
            "parameters": [{"type": "payload", "payload": payload}],
        }
        for index, payload in sorted(content.payloads.items(), key=_position)
    ]
    template: _Json = {"name": content.name, "language": {"code": content.language}}
    if components:
        template["components"] = components
    return {"type": "template", "template": template}


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


def _position(item: tuple[str, str]) -> tuple[int, str]:
    # '10' comes after '9'; what is no number goes last and is left to the provider's judgement.
    name = item[0]
    is_number = name.isascii() and name.isdigit() and len(name) < 10
    return (int(name) if is_number else 10**10, name)


# ----------------------------------------------------------------------------------------- media


def attachments(content: Content) -> tuple[MediaRef, ...]:
    """The files that must be uploaded before the content can be sent.

    A template names the file of its header by its SHA-256 alone, so that one's type and size are unknown here.
    """
    match content:
        case Image(media) if media.is_stored:
            return (media,)
        case TemplateMessage(parameters=parameters):
            keys = (f"header.{kind}" for kind in MEDIA_HEADERS)
            return tuple(MediaRef("", sha256=parameters[key]) for key in keys if key in parameters)
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

_TEMPLATE_FIELDS: Final = "id,name,language,status,category,components"
_PAGE: Final = 100


def templates(account: Account, after: str) -> Call:
    """One page of an account's templates, from the cursor on that the page before gave ('' for the first)."""
    query = {"fields": _TEMPLATE_FIELDS, "limit": str(_PAGE)}
    if after:
        query["after"] = after
    return Call("GET", f"/{_segment(account.provider_ref)}/message_templates", query=query)


def _segment(value: str) -> str:
    """An id as one segment of a path. Ids are digits; whatever else somebody configures stays inside its segment."""
    return quote(value, safe="").replace(".", "%2E") or "-"
