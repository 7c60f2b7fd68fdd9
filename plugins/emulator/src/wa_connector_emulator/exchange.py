"""The values of the Graph side, and what every handler of a call needs: answers, pages, parameters.

Rules of this file: no I/O, and nothing about any particular endpoint; those are in `graph` (messages, media, templates,
accounts), `business` (a number's and an account's own affairs), `calls` and `groups`.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

import attrs

from .errors import GraphError
from .values import Callback, Failure, Json, Notice, Settings
from .world import World


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
    raw: bytes = attrs.field(default=b"", repr=False)
    """The body as it came, where it is no JSON and no form: the second step of a resumable upload."""
    file_offset: str = ""
    authorization: str = attrs.field(default="", repr=False)
    base_url: str = ""


@attrs.frozen
class GraphResponse:
    """What to answer: a JSON object, or the bytes of a medium."""

    status: int
    body: Mapping[str, object] | bytes
    mime_type: str = "application/json"
    is_lost: bool = False
    """Whether the caller shall never see it: the connection stays silent until the caller gives up."""
    latency: timedelta = timedelta(0)
    """How long the answer takes, in real time."""


@attrs.frozen
class Answer:
    """A finished call: the response, and what to tell by webhook."""

    response: GraphResponse
    notices: tuple[Notice, ...] = ()


@attrs.frozen
class Handshake:
    """The call can be answered only after this callback has proved itself: the app's own, an account's or a number's."""

    kind: Literal["account", "app", "number"]
    node: str
    callback: Callback


@attrs.frozen
class Call:
    """A request on its way through: with the world, the time, and the object it is about."""

    world: World
    settings: Settings
    now: datetime
    request: GraphRequest
    node: str = ""
    part: str = ""
    """What follows the edge: a code, a form's id."""
    app_secret: str = attrs.field(default="", repr=False)
    token: str = attrs.field(default="", repr=False)
    forced: Failure | None = None
    """How an accepted message shall fail, where that was asked for."""


Handler = Callable[[Call], Answer | Handshake]
NodeKind = Literal["account", "app", "group", "media", "number", "template", "upload"]
Routes = Mapping[tuple[NodeKind, str, str], Handler]


def ok(body: Mapping[str, object], *notices: Notice) -> Answer:
    """The answer 200, and what is told of it by webhook."""
    return Answer(GraphResponse(200, body), notices)


SUCCESS: Mapping[str, object] = {"success": True}


def refuse_without_product(call: Call) -> None:
    """Every call about messages names the product."""
    if call.request.body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "Param messaging_product must be 'whatsapp'.")


def text_param(call: Call, key: str, *, most: int | None = None) -> str:
    """A string of the body that must be there; management calls refuse with 100."""
    value = call.request.body.get(key)
    if not isinstance(value, str) or not value:
        raise GraphError(100, f"The parameter {key} is required.")
    if most is not None and len(value) > most:
        raise GraphError(100, f"Param {key} must be at most {most} characters long.")
    return value


# --- paging -------------------------------------------------------------------------------------


def page(call: Call, nodes: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """A page of `nodes`, which are in ascending order of id.

    Cursors hold an id, not an offset, so that what is deleted meanwhile makes no later node slip
    through between two pages.
    """
    query, limit = call.request.query, _limit(call.request.query)
    after, before = _cursor(query.get("after")), _cursor(query.get("before"))
    low = after if after is not None else -1
    inside = [n for n in nodes if low < _id(n) and (before is None or _id(n) < before)]
    shown = inside[-limit:] if before is not None and after is None else inside[:limit]
    if not shown:
        return {"data": []}
    cursors = {"before": _encoded(_id(shown[0])), "after": _encoded(_id(shown[-1]))}
    paging: dict[str, object] = {"cursors": cursors}
    if _id(shown[-1]) < _id(nodes[-1]):
        paging["next"] = _page_url(call, limit, after=cursors["after"])
    if _id(nodes[0]) < _id(shown[0]):
        paging["previous"] = _page_url(call, limit, before=cursors["before"])
    return {"data": shown, "paging": paging}


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
