"""The Graph side: a request in, a response and its effects out.

Rules of this file: no I/O. A handler reads and changes the world, and what must leave the process
is in what it returns: `Notice`s for the courier, or a `Handshake` that the shell has to perform
before the call can be answered. Refusals are raised as `GraphError` and turned into a response in
one place, `handle`.

Theory of operation. A path is an object's id and perhaps an edge: `/v26.0/<id>/<edge>`. What kind
of object the id names decides, with method and edge, on the row of `_ROUTES`, which is put together from
the tables of the other files.

Sources: developers.facebook.com, Cloud API and Business Management reference, v26.0 (2026-09-11).
"""

import hmac
import re
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlencode

import attrs

from . import business, calls, groups, management, rules, sending
from .errors import GraphError, unknown_object
from .exchange import (
    SUCCESS,
    Answer,
    Call,
    GraphRequest,
    GraphResponse,
    Handshake,
    NodeKind,
    Routes,
    ok,
    refuse_without_product,
)
from .faults import CallTrouble
from .values import Failure, Media, MediaUrl, Settings
from .world import World

_VERSION = re.compile(r"v\d+\.\d+\Z")
MEDIA_PATH = "/whatsapp_business/attachments/"


def handle(
    world: World,
    settings: Settings,
    request: GraphRequest,
    now: datetime,
    token: str,
    app_secret: str = "",
    trouble: CallTrouble | None = None,
) -> Answer | Handshake:
    """Answer a request to the versioned Graph paths or to a media address, with the `trouble` that was planned."""
    planned = trouble or CallTrouble()
    try:
        _check_token(world, request, token, app_secret)
        if planned.code is not None:
            raise GraphError(planned.code, planned.details)
        forced = None if planned.fails_later is None else Failure(planned.fails_later, planned.details or "as planned")
        call = Call(world, settings, now, request, app_secret=app_secret, token=token, forced=forced)
        return _download(call) if request.path.startswith(MEDIA_PATH) else _routed(call)
    except GraphError as refusal:
        return refused(world, refusal)


def refused(world: World, refusal: GraphError) -> Answer:
    """The answer that a refusal makes."""
    return Answer(GraphResponse(refusal.http, refusal.to_json(world.mint.trace())))


def _check_token(world: World, request: GraphRequest, token: str, app_secret: str) -> None:
    """The Bearer token; the app's own (`id|secret`) for what concerns the app; for an upload the scheme is OAuth."""
    scheme, _, given = request.authorization.partition(" ")
    if request.path.endswith(_OPEN):  # the app proves itself by its secret in the query
        return
    if not given:
        scheme, given = "bearer", request.query.get("access_token", "")
    is_app_call = request.path.endswith(_BY_APP)
    allowed = [token, f"{world.app_id}|{app_secret}"] if is_app_call else [token]
    # Bytes, since compare_digest refuses non-ASCII strings.
    is_token = any(hmac.compare_digest(given.strip().encode(), each.encode()) for each in allowed)
    if scheme.lower() not in ("bearer", "oauth") or not is_token:
        raise GraphError(190, message="Invalid OAuth access token - Cannot parse access token")


_OPEN = "/oauth/access_token"
_BY_APP = ("/debug_token", "/subscriptions")


def _routed(call: Call) -> Answer | Handshake:
    version, *rest = call.request.path.strip("/").split("/")
    if not _VERSION.match(version) or not 1 <= len(rest) <= 3 or not rest[0]:
        raise GraphError(2500, message=f"Unknown path components: {call.request.path}")
    node, edge, part, method = rest[0], "".join(rest[1:2]), "".join(rest[2:]), call.request.method
    if (root := _ROOTS.get("/".join(rest))) is not None and method == "GET":
        return root(call)
    kind = _kind_of(call.world, node)
    handler = _ROUTES.get((kind, f"{edge}/" if part else edge, method)) if kind else None
    if handler is None:
        raise unknown_object(method, node)
    return handler(attrs.evolve(call, node=node, part=part))


def _kind_of(world: World, node: str) -> NodeKind | None:
    if node in world.numbers:
        return "number"
    if node in world.accounts:
        return "account"
    if node in world.media:
        return "media"
    if node in world.groups:
        return "group"
    if node == world.app_id:
        return "app"
    if node in world.uploads:
        return "upload"
    return "template" if node in world.templates else None


_GONE = Answer(GraphResponse(404, b"", "text/plain"))


# --- messages -----------------------------------------------------------------------------------


def _messages(call: Call) -> Answer:
    number = call.world.numbers[call.node]
    refuse_without_product(call)
    if "status" in call.request.body:
        sending.mark_read(call.world, number, call.request.body, call.now)
        return ok(SUCCESS)
    accepted = sending.accept(call.world, call.settings, number, call.request.body, call.now, forced=call.forced)
    return ok(accepted.body, *accepted.notices)


def _marketing_messages(call: Call) -> Answer:
    refuse_without_product(call)
    number, body = call.world.numbers[call.node], call.request.body
    accepted = sending.accept(
        call.world, call.settings, number, body, call.now, by_marketing_api=True, forced=call.forced
    )
    return ok(accepted.body, *accepted.notices)


# --- media --------------------------------------------------------------------------------------


def _upload(call: Call) -> Answer:
    upload = call.request.upload
    refuse_without_product(call)
    if upload is None or not upload.data:
        raise GraphError(100, "Param file must be a non-empty file part.")
    mime_type = str(call.request.body.get("type") or upload.mime_type)
    complaint = rules.media_complaint(mime_type, len(upload.data))
    if complaint is not None:
        raise GraphError(131053, complaint)
    expires_at = call.now + rules.UPLOADED_MEDIA_LIFE
    media = stored(call.world, call.node, mime_type, upload.data, expires_at)
    return ok({"id": media.id})


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
    return ok(
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
    return ok(SUCCESS)


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


_ROUTES: Routes = {
    ("number", "messages", "POST"): _messages,
    ("number", "marketing_messages", "POST"): _marketing_messages,
    ("number", "media", "POST"): _upload,
    ("media", "", "GET"): _media,
    ("media", "", "DELETE"): _delete_media,
    **business.ROUTES,
    **calls.ROUTES,
    **groups.ROUTES,
    **management.ROUTES,
}
_ROOTS = {
    "debug_token": business.debug_token,
    "oauth/access_token": business.access_token,
    "message_template_library": management.library,
}


def shaken(world: World, asked: Handshake) -> Answer:
    """The answer to a call whose callback has proved itself."""
    return business.shaken(world, asked)
