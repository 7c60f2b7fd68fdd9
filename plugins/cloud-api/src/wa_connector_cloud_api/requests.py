"""Requests as data: envelopes, files and questions → method, path and body.

Rules of this file: pure; domain values in, a ``Call`` out. Nothing here knows a host, a token or a client. A message that
cannot be spelled is a ``Rejected``, for nothing was sent.

Source: WhatsApp Cloud API, messages, media and message-template references, v26.0, read 2026-11.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, assert_never
from urllib.parse import quote

from attrs import field, frozen

from wa_connector.errors import InternalError
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import Content, MediaRef, Reaction, TemplateMessage
from wa_connector.model.directory import Account, Line
from wa_connector.model.ids import ProviderId
from wa_connector.model.outbound import Envelope, Rejected
from wa_connector.model.template import instant_of, place_of, products_of
from wa_connector_cloud_api._exif import tells_position
from wa_connector_cloud_api.contents import files_of, product_sections, spelled
from wa_connector_cloud_api.contents import place as spelled_place
from wa_connector_cloud_api.options import Marketing

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
    raw: bytes | None = field(default=None, repr=False)
    """Bytes as the whole body: the second step of a resumable upload, whose token goes by another scheme."""


# -------------------------------------------------------------------------------------- messages


def message(
    line: Line,
    envelope: Envelope,
    uploads: Mapping[str, str],
    kinds: "ButtonKinds | None" = None,
    marketing: Marketing | None = None,
) -> Call | Rejected:
    """The request that sends a message. ``uploads`` has the provider's id of each file of ``attachments(…)``, by its
    SHA-256; ``kinds`` are those of its template's buttons, where ``button_parameters(…)`` says that it needs them; with
    ``marketing`` it goes by the endpoint for marketing templates."""
    if isinstance(envelope.content, TemplateMessage):
        content = _template(envelope.content, uploads, kinds or envelope.content.kinds)
    else:
        content = spelled(envelope.content, uploads)
    if isinstance(content, Rejected):
        return content
    body: _Json = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    body |= _recipient(envelope.to)
    body |= content
    if envelope.replies_to and not isinstance(envelope.content, Reaction):
        body["context"] = {"message_id": envelope.replies_to}
    # The Cloud API has no idempotency key. This comes back in every status of the message, and
    # settles what became of it when the answer to this request is lost.
    body["biz_opaque_callback_data"] = envelope.message
    number = _segment(line.provider_ref)
    if marketing is None:
        return Call("POST", f"/{number}/messages", json=body)
    body["product_policy"] = "CLOUD_API_FALLBACK" if marketing.falls_back else "STRICT"
    if marketing.shares_activity is not None:
        body["message_activity_sharing"] = marketing.shares_activity
    return Call("POST", f"/{number}/marketing_messages", json=body)


def mark_read(line: Line, message: ProviderId, is_typing: bool = False) -> Call:
    """The request that tells a customer that his message, and all before it, was read; with ``is_typing`` also that
    somebody is writing, which shows for 25 seconds or until the answer comes."""
    body: dict[str, object] = {"messaging_product": "whatsapp", "status": "read", "message_id": message}
    if is_typing:
        body["typing_indicator"] = {"type": "text"}
    return Call("POST", f"/{_segment(line.provider_ref)}/messages", json=body)


def read_receipt(line: Line, message: ProviderId) -> Call:
    """The request that shows the customer a message of his, and all before it, as read."""
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": message}
    return Call("POST", f"/{_segment(line.provider_ref)}/messages", json=body)


def _recipient(to: Address) -> _Json:
    match to.kind:
        case AddressKind.NUMBER | AddressKind.WHATSAPP_ID:
            # Without its '+' the provider puts the business's country code before it.
            return {"to": "+" + to.value.removeprefix("+")}
        case AddressKind.BSUID | AddressKind.PARENT_BSUID:
            return {"recipient": to.value}
        case AddressKind.SHORT_CODE | AddressKind.EXTENSION | AddressKind.SENDER:
            # Not among the kinds that the channel's capabilities send to.
            raise InternalError(f"nobody has a {to.kind.value} on WhatsApp")
        case _ as unreachable:
            assert_never(unreachable)


# ------------------------------------------------------------------------------------- templates

MEDIA_HEADERS: Final = ("image", "video", "document", "gif")

ButtonKinds: TypeAlias = Mapping[str, str]
"""The kind of each button that a parameter is for (``URL``, ``COPY_CODE`` …), by the parameter's key.

``button.0`` may be the end of an address as well as a coupon, and the provider refuses the one that is spelled like the
other. A message that went through the connector carries them (``TemplateMessage.kinds``).
"""

_PARAMETER: Final = re.compile(
    r"(?:card\.([0-9]{1,2})\.)?(?:(header|body|offer|tap)\.([a-z0-9_]+)|button\.([0-9]{1,2}))", re.ASCII
)
_Values: TypeAlias = dict[str, dict[str, str]]


def button_parameters(content: Content) -> bool:
    """Whether the kinds of the content's buttons must still be looked up to spell it."""
    return (
        isinstance(content, TemplateMessage)
        and not content.kinds
        and any("button." in key for key in content.parameters)
    )


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
        parameters = _header(given, uploads) if part == "header" else None
        if isinstance(parameters, Rejected):
            return parameters
        if given:
            components.append({"type": part, "parameters": parameters or _texts(given)})
    if "offer" in values:
        offer = _offer(values["offer"])
        if isinstance(offer, Rejected):
            return offer
        components.append(offer)
    if "tap" in values:
        components.append(_tap_target(values["tap"]))
    buttons = {index: _button(index, "quick_reply", _payload(payload)) for index, payload in payloads.items()}
    for index, value in values.get("button", {}).items():
        kind = kinds.get(f"{place}button.{index}", "").lower()
        parameter = _PARAMETERS.get(kind, _address_end)(value) if kind else None
        if parameter is None or index in buttons:
            return Rejected("parameter", f"the template has no button {place}{index} that takes such a parameter")
        # A one-time code goes out as the end of an address, whatever the button with it is called.
        buttons[index] = _button(index, kind if kind in _PARAMETERS else "url", parameter)
    return components + [button for _, button in sorted(buttons.items(), key=_position)]


def _offer(values: Mapping[str, str]) -> _Json | Rejected:
    until_at = instant_of(values.get("expires_at", ""))
    if until_at is None:
        return Rejected("parameter", "offer.expires_at is an instant with its zone")
    offer = {"expiration_time_ms": int(until_at.timestamp()) * 1000}
    return {
        "type": "limited_time_offer",
        "parameters": [{"type": "limited_time_offer", "limited_time_offer": offer}],
    }


def _tap_target(values: Mapping[str, str]) -> _Json:
    """The whole message as a button, under a title of its own.

    Source: Cloud API, tap target title URL override, as public SDKs spell it, read 2026-11.
    """
    kind = "tap_target_configuration"
    target = {"url": values.get("url", ""), "title": values.get("title", "")}
    return {"type": kind, "parameters": [{"type": kind, kind: [target]}]}


def _payload(value: str) -> _Json:
    return {"type": "payload", "payload": value}


def _address_end(value: str) -> _Json:
    return {"type": "text", "text": value}


def _coupon(value: str) -> _Json:
    return {"type": "coupon_code", "coupon_code": value}


def _action(**action: object) -> _Json:
    return {"type": "action", "action": action}


def _form_token(value: str) -> _Json:
    return _action(flow_token=value)


def _thumbnail(value: str) -> _Json:
    return _action(thumbnail_product_retailer_id=value)


def _several_products(value: str) -> _Json | None:
    found = products_of(value)
    if found is None:
        return None
    return _action(thumbnail_product_retailer_id=found[0], sections=product_sections(found[1]))


_PARAMETERS: Final[Mapping[str, Callable[[str], _Json | None]]] = {
    "url": _address_end,
    "copy_code": _coupon,
    "flow": _form_token,
    "catalog": _thumbnail,
    "mpm": _several_products,
    "voice_call": _payload,
}
"""Each kind of button with what it takes; None for a parameter that it cannot take."""


def _button(index: str, kind: str, parameter: _Json) -> _Json:
    return {"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]}


def _header(values: Mapping[str, str], uploads: Mapping[str, str]) -> list[_Json] | Rejected | None:
    """The parameters of a header that is no text; None for one that is."""
    kind = next((kind for kind in _HEADERS if kind in values), None)
    if kind is None:
        return None
    if len(values) > 1:
        return Rejected("parameter", f"a template whose header is no text has no parameter but header.{kind}")
    if kind == "location":
        place = place_of(values[kind])
        if place is None:
            return Rejected(
                "parameter", "header.location is latitude,longitude and, in lines of their own, name, address"
            )
        return [{"type": kind, kind: spelled_place(place)}]
    if kind == "product":
        catalog, _, product = values[kind].partition("/")
        return [{"type": kind, kind: {"product_retailer_id": product, "catalog_id": catalog}}]
    handle = uploads.get(values[kind])
    if handle is None:
        return Rejected("media", "the file of the template's header is not in the media store")
    return [{"type": kind, kind: {"id": handle}}]


_HEADERS: Final = (*MEDIA_HEADERS, "location", "product")


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
    if isinstance(content, TemplateMessage):
        files = (value for key, value in content.parameters.items() if _HEADER_FILE.fullmatch(key))
        return tuple(MediaRef("", sha256=file) for file in dict.fromkeys(files))
    return tuple(dict.fromkeys(media for media in files_of(content) if media.is_stored))


# Source: Cloud API, media, "Supported media types", read 2026-11.
_MAGIC: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
)
_OFFICE: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_NAMES: Final[Mapping[str, str]] = {
    "image/jpeg": "image.jpg",
    "image/png": "image.png",
    "image/webp": "sticker.webp",
    "application/pdf": "document.pdf",
    "audio/ogg": "audio.ogg",
    "audio/amr": "audio.amr",
    "audio/mpeg": "audio.mp3",
    "audio/aac": "audio.aac",
    "audio/mp4": "audio.m4a",
    "video/3gpp": "video.3gp",
    "video/mp4": "video.mp4",
}
_MEGABYTES: Final[Mapping[str, int]] = {"image": 5, "video": 16, "audio": 16, "text": 100, "application": 100}
MAX_UPLOAD: Final = 100 * 1024 * 1024


def upload(line: Line, content: bytes, mime_type: str = "") -> Call | Rejected:
    """The request that uploads a file, ``mime_type`` being what it is said to be ('' where nobody said).

    The type is read off the content's first bytes: the provider does the same, and refuses a file that is not what it
    is said to be (131053) only after it has travelled. A picture that tells where it was taken is refused as well.
    """
    said, actual = mime_type.partition(";")[0].strip().lower(), _actual_type(content)
    if actual is None:
        # A text has no first bytes of its own, and office files share theirs.
        if said != "text/plain" and not (said.startswith("application/") and content.startswith(_OFFICE)):
            return Rejected("media", "the file is no JPEG, PNG, WebP, MP4, 3GP, sound, PDF, text or office document")
        actual = said
    elif said and said != actual and {said, actual} != {"audio/mp4", "video/mp4"}:
        return Rejected("media", f"the file is said to be {said} and is {actual}")
    else:
        actual = said or actual
    megabytes = _MEGABYTES[actual.partition("/")[0]]
    if len(content) > megabytes * 1024 * 1024:
        return Rejected("media", f"the file is over {megabytes} MB, which is the most for {actual}")
    if actual in ("image/jpeg", "image/png") and tells_position(content):
        return Rejected(
            "media",
            "the picture tells where it was taken; send it without that (its EXIF position), or install"
            " wa-connector-media[pictures], which takes it out",
        )
    return Call(
        "POST",
        f"/{_segment(line.provider_ref)}/media",
        form={"messaging_product": "whatsapp", "type": actual},
        file=File(_NAMES.get(actual, "document"), actual, content),
    )


def _actual_type(content: bytes) -> str | None:
    return next((mime_type for offset, magic, mime_type in _MAGIC if content.startswith(magic, offset)), None)


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
