"""The Graph side: a request in, a response and its effects out.

Rules of this file: no I/O. A handler reads and changes the world, and what must leave the process
is in what it returns: `Notice`s for the courier, or a `Handshake` that the shell has to perform
before the call can be answered. Refusals are raised as `GraphError` and turned into a response in
one place, `handle`.

Theory of operation. A path is an object's id and perhaps an edge: `/v26.0/<id>/<edge>`. What kind
of object the id names decides, with method and edge, on the row of `_ROUTES`.

Sources: developers.facebook.com, Cloud API and Business Management reference, v26.0 (2026-09-11).
"""

import binascii
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal
from urllib.parse import urlencode

import attrs

from . import rules, sending, templates
from .errors import GraphError, unknown_object
from .values import Account, Callback, Json, Media, MediaUrl, Notice, Number, Settings, Template
from .world import World

_VERSION = re.compile(r"v\d+\.\d+\Z")
MEDIA_PATH = "/whatsapp_business/attachments/"


@attrs.frozen
class Upload:
    """The file part of a multipart request."""

    mime_type: str
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class GraphRequest:
    """A request as the ASGI shell has read it. `body` is the JSON or form object, or empty.

    `base_url` is the address the caller used; addresses in answers begin with it.
    """

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict)
    body: Json = attrs.field(factory=dict)
    upload: Upload | None = None
    authorization: str = attrs.field(default="", repr=False)
    base_url: str = ""


@attrs.frozen
class GraphResponse:
    """What to answer: a JSON object, or the bytes of a medium."""

    status: int
    body: Mapping[str, object] | bytes
    mime_type: str = "application/json"


@attrs.frozen
class Answer:
    """A finished call: the response, and what to tell by webhook."""

    response: GraphResponse
    notices: tuple[Notice, ...] = ()


@attrs.frozen
class Handshake:
    """The call can be answered only after this callback has proved itself; see `shake_hands`."""

    account_id: str
    callback: Callback


@attrs.frozen
class Call:
    """A request on its way through: with the world, the time, and the object it is about."""

    world: World
    settings: Settings
    now: datetime
    request: GraphRequest
    node: str = ""


Handler = Callable[[Call], Answer | Handshake]
NodeKind = Literal["account", "media", "number", "template"]


def handle(world: World, settings: Settings, request: GraphRequest, now: datetime, token: str) -> Answer | Handshake:
    """Answer a request to the versioned Graph paths or to a media address."""
    try:
        _check_token(request, token)
        call = Call(world, settings, now, request)
        return _download(call) if request.path.startswith(MEDIA_PATH) else _routed(call)
    except GraphError as refusal:
        return refused(world, refusal)


def refused(world: World, refusal: GraphError) -> Answer:
    """The answer that a refusal makes."""
    return Answer(GraphResponse(refusal.http, refusal.to_json(world.mint.trace())))


def _check_token(request: GraphRequest, token: str) -> None:
    scheme, _, given = request.authorization.partition(" ")
    # Bytes, since compare_digest refuses non-ASCII strings; both operands are always compared.
    is_token = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_token:
        raise GraphError(190, message="Invalid OAuth access token - Cannot parse access token")


def _routed(call: Call) -> Answer | Handshake:
    version, *rest = call.request.path.strip("/").split("/")
    if not _VERSION.match(version) or not 1 <= len(rest) <= 2 or not rest[0]:
        raise GraphError(2500, message=f"Unknown path components: {call.request.path}")
    node, edge, method = rest[0], "".join(rest[1:]), call.request.method
    kind = _kind_of(call.world, node)
    handler = _ROUTES.get((kind, edge, method)) if kind else None
    if handler is None:
        raise unknown_object(method, node)
    return handler(attrs.evolve(call, node=node))


def _kind_of(world: World, node: str) -> NodeKind | None:
    if node in world.numbers:
        return "number"
    if node in world.accounts:
        return "account"
    if node in world.media:
        return "media"
    return "template" if node in world.templates else None


def _ok(body: Mapping[str, object], *notices: Notice) -> Answer:
    return Answer(GraphResponse(200, body), notices)


_GONE = Answer(GraphResponse(404, b"", "text/plain"))
_SUCCESS: Mapping[str, object] = {"success": True}


# --- messages -----------------------------------------------------------------------------------


def _messages(call: Call) -> Answer:
    number = call.world.numbers[call.node]
    if call.request.body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "Param messaging_product must be 'whatsapp'.")
    if "status" in call.request.body:
        sending.mark_read(call.world, number, call.request.body, call.now)
        return _ok(_SUCCESS)
    accepted = sending.accept(call.world, call.settings, number, call.request.body, call.now)
    return _ok(accepted.body, *accepted.notices)


# --- media --------------------------------------------------------------------------------------


def _upload(call: Call) -> Answer:
    upload = call.request.upload
    if call.request.body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "Param messaging_product must be 'whatsapp'.")
    if upload is None or not upload.data:
        raise GraphError(100, "Param file must be a non-empty file part.")
    mime_type = str(call.request.body.get("type") or upload.mime_type)
    complaint = rules.media_complaint(mime_type, len(upload.data))
    if complaint is not None:
        raise GraphError(131053, complaint)
    expires_at = call.now + rules.UPLOADED_MEDIA_LIFE
    media = stored(call.world, call.node, mime_type, upload.data, expires_at)
    return _ok({"id": media.id})


def stored(world: World, number_id: str, mime_type: str, data: bytes, expires_at: datetime) -> Media:
    """Put a file into the store of a number."""
    digest = sha256(data).hexdigest()
    media = Media(world.mint.object_id(), number_id, mime_type, digest, expires_at, data)
    world.media[media.id] = media
    return media


def new_media_url(world: World, media: Media, now: datetime, base_url: str) -> str:
    """A download address for the medium, good for five minutes."""
    ticket, expires_at = world.mint.nonce(), now + rules.MEDIA_URL_LIFE
    world.media_urls[ticket] = MediaUrl(media.id, expires_at)
    query = {"mid": media.id, "ext": rules.unix(expires_at), "hash": ticket}
    return f"{base_url.rstrip('/')}{MEDIA_PATH}?{urlencode(query)}"


def _media(call: Call) -> Answer:
    media = _own_media(call)
    return _ok(
        {
            "messaging_product": "whatsapp",
            "url": new_media_url(call.world, media, call.now, call.request.base_url),
            "mime_type": media.mime_type,
            "sha256": media.sha256,
            "file_size": len(media.data),
            "id": media.id,
        }
    )


def _delete_media(call: Call) -> Answer:
    del call.world.media[_own_media(call).id]
    return _ok(_SUCCESS)


def _own_media(call: Call) -> Media:
    media = call.world.media_for_graph(call.request.method, call.node, call.now)
    if call.request.query.get("phone_number_id", media.number_id) != media.number_id:
        raise unknown_object(call.request.method, call.node)
    return media


def _download(call: Call) -> Answer:
    handed_out = call.world.media_urls.get(call.request.query.get("hash", ""))
    if handed_out is None or call.now >= handed_out.expires_at:
        return _GONE
    media = call.world.live_media(handed_out.media_id, call.now)
    if media is None:
        return _GONE
    return Answer(GraphResponse(200, media.data, media.mime_type))


# --- templates ----------------------------------------------------------------------------------

# Meta leaves out of the default set what has to be asked for with `fields`.
_TEMPLATE_DEFAULTS = "name,parameter_format,components,language,status,category,id"


def template_node(template: Template) -> dict[str, object]:
    """A template with all the fields that the emulator knows."""
    return {
        "name": template.name,
        "parameter_format": template.parameter_format,
        "components": list(template.components),
        "language": template.language,
        "status": template.status.value,
        "category": template.category,
        "rejected_reason": template.rejected_reason,
        "quality_score": {"score": "UNKNOWN"},
        "id": template.id,
    }


def _template(call: Call) -> Answer:
    template = call.world.templates[call.node]
    fields = call.request.query.get("fields", _TEMPLATE_DEFAULTS)
    return _ok(rules.picked(template_node(template), fields))


def _templates(call: Call) -> Answer:
    query = call.request.query
    fields = query.get("fields", _TEMPLATE_DEFAULTS)
    found = [
        rules.picked(template_node(template), fields)
        for template in call.world.templates.values()
        if template.account_id == call.node and _is_wanted(template, query)
    ]
    return _ok(_page(call, found))


def _is_wanted(template: Template, query: Mapping[str, str]) -> bool:
    wanted_language = query.get("language", template.language)
    wanted_category = query.get("category", template.category).upper()
    wanted_status = query.get("status", template.status.value).upper()
    return (
        query.get("name", template.name) == template.name
        and (wanted_language, wanted_category) == (template.language, template.category)
        and wanted_status == template.status.value
    )


def _create_template(call: Call) -> Answer:
    world, body = call.world, call.request.body
    template = templates.parsed(body, template_id=world.mint.object_id(), account_id=call.node)
    if world.find_template(call.node, template.name, template.language) is not None:
        raise GraphError(100, "There is already content for this template and language.", subcode=2388024)
    retired_at = world.retired_names.get((call.node, template.name))
    if retired_at is not None and call.now < retired_at + rules.NAME_LOCK:
        raise GraphError(100, "A template of this name was deleted less than 30 days ago.", subcode=2388023)
    world.templates[template.id] = template
    return _ok({key: template_node(template)[key] for key in ("id", "status", "category")})


def _delete_templates(call: Call) -> Answer:
    name, template_id = call.request.query.get("name"), call.request.query.get("hsm_id")
    if not name:
        raise GraphError(100, "The parameter name is required.")
    doomed = [
        template
        for template in call.world.templates.values()
        if (template.account_id, template.name) == (call.node, name) and template_id in (None, template.id)
    ]
    if not doomed:
        raise GraphError(100, f"There is no template {name!r}.", subcode=2593002)
    for template in doomed:
        del call.world.templates[template.id]
    if template_id is None:
        call.world.retired_names[call.node, name] = call.now
    return _ok(_SUCCESS)


# --- accounts, numbers, subscriptions -----------------------------------------------------------


def _account(call: Call) -> Answer:
    account = call.world.accounts[call.node]
    return _ok(rules.picked({"id": account.id, "name": account.name}, call.request.query.get("fields")))


def _number_node(number: Number) -> dict[str, object]:
    return {
        "verified_name": number.verified_name,
        "code_verification_status": "VERIFIED",
        "display_phone_number": f"+{number.display_number}",
        "quality_rating": "GREEN",
        "platform_type": "CLOUD_API",
        "throughput": {"level": "STANDARD"},
        "status": "CONNECTED",
        "id": number.id,
    }


def _number(call: Call) -> Answer:
    node = _number_node(call.world.numbers[call.node])
    return _ok(rules.picked(node, call.request.query.get("fields")))


def _numbers(call: Call) -> Answer:
    fields = call.request.query.get("fields")
    found = [
        rules.picked(_number_node(number), fields)
        for number in call.world.numbers.values()
        if number.account_id == call.node
    ]
    return _ok(_page(call, found))


def _subscriptions(call: Call) -> Answer:
    account = call.world.accounts[call.node]
    if not account.is_subscribed:
        return _ok({"data": []})
    app = {"id": call.world.app_id, "name": call.world.app_name, "link": ""}
    row: dict[str, object] = {"whatsapp_business_api_data": app}
    if account.override is not None:
        row["override_callback_uri"] = account.override.url
    return _ok({"data": [row]})


def _subscribe(call: Call) -> Answer | Handshake:
    """Subscribe the app; with an override, only once that address has proved itself.

    An empty call subscribes without an override, and so takes an earlier one away.
    """
    url = str(call.request.body.get("override_callback_uri") or "")
    if not url:
        return subscribed(call.world, call.node, None)
    if len(url) > 200:
        raise GraphError(100, "Param override_callback_uri must be at most 200 characters long.")
    verify_token = str(call.request.body.get("verify_token") or "")
    if not verify_token:
        raise GraphError(100, "The parameter verify_token is required with an override.")
    return Handshake(call.node, Callback(url, verify_token))


def subscribed(world: World, account_id: str, override: Callback | None) -> Answer:
    """The answer to a subscription whose handshake, if one was needed, has succeeded."""
    _evolve_account(world, account_id, is_subscribed=True, override=override)
    return _ok(_SUCCESS)


def _unsubscribe(call: Call) -> Answer:
    _evolve_account(call.world, call.node, is_subscribed=False, override=None)
    return _ok(_SUCCESS)


def _evolve_account(world: World, account_id: str, *, is_subscribed: bool, override: Callback | None) -> Account:
    account = attrs.evolve(world.accounts[account_id], is_subscribed=is_subscribed, override=override)
    world.accounts[account_id] = account
    return account


# --- paging -------------------------------------------------------------------------------------


def _page(call: Call, nodes: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """A page of `nodes`, which are in ascending order of id.

    Cursors hold an id, not an offset, so that what is deleted meanwhile makes no later node slip
    through between two pages.
    """
    query, limit = call.request.query, _limit(call.request.query)
    after, before = _cursor(query.get("after")), _cursor(query.get("before"))
    low = after if after is not None else -1
    inside = [n for n in nodes if low < _id(n) and (before is None or _id(n) < before)]
    page = inside[-limit:] if before is not None and after is None else inside[:limit]
    if not page:
        return {"data": []}
    cursors = {"before": _encoded(_id(page[0])), "after": _encoded(_id(page[-1]))}
    paging: dict[str, object] = {"cursors": cursors}
    if _id(page[-1]) < _id(nodes[-1]):
        paging["next"] = _page_url(call, limit, after=cursors["after"])
    if _id(nodes[0]) < _id(page[0]):
        paging["previous"] = _page_url(call, limit, before=cursors["before"])
    return {"data": page, "paging": paging}


def _limit(query: Mapping[str, str]) -> int:
    given = query.get("limit", "25")
    if not given.isdecimal() or int(given) == 0:
        raise GraphError(100, f"Param limit must be a positive number, not {given!r}.")
    return int(given)


def _id(node: Mapping[str, object]) -> int:
    return int(str(node["id"]))


def _encoded(object_id: int) -> str:
    return urlsafe_b64encode(str(object_id).encode()).decode()


def _cursor(given: str | None) -> int | None:
    if given is None:
        return None
    try:
        return int(urlsafe_b64decode(given))
    except (ValueError, binascii.Error):
        raise GraphError(100, f"Param after or before is not a cursor: {given!r}.") from None


def _page_url(call: Call, limit: int, **cursor: str) -> str:
    kept = {k: v for k, v in call.request.query.items() if k not in ("after", "before", "limit")}
    query = urlencode({**kept, "limit": limit, **cursor})
    return f"{call.request.base_url.rstrip('/')}{call.request.path}?{query}"


_ROUTES: Mapping[tuple[NodeKind, str, str], Handler] = {
    ("number", "", "GET"): _number,
    ("number", "messages", "POST"): _messages,
    ("number", "media", "POST"): _upload,
    ("media", "", "GET"): _media,
    ("media", "", "DELETE"): _delete_media,
    ("template", "", "GET"): _template,
    ("account", "", "GET"): _account,
    ("account", "phone_numbers", "GET"): _numbers,
    ("account", "message_templates", "GET"): _templates,
    ("account", "message_templates", "POST"): _create_template,
    ("account", "message_templates", "DELETE"): _delete_templates,
    ("account", "subscribed_apps", "GET"): _subscriptions,
    ("account", "subscribed_apps", "POST"): _subscribe,
    ("account", "subscribed_apps", "DELETE"): _unsubscribe,
}
