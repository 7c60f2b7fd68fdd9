"""The HTTP face: a Starlette app over an `Emulator`.

Rules of this file: it reads requests and writes responses; everything else happens in a worker
thread, since a handler may wait for a lock, or for a webhook receiver.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from . import control, page
from .errors import ControlError, GraphError
from .exchange import GraphRequest, GraphResponse, Upload
from .graph import MEDIA_PATH
from .values import Json

if TYPE_CHECKING:
    from .emulator import Emulator

_CONTROL = "/_emulator"
_GRAPH_METHODS = ["GET", "POST", "DELETE"]

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(emulator: "Emulator") -> Starlette:
    """The ASGI app. Its lifespan runs the courier's thread."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        emulator.start()
        try:
            yield
        finally:
            await run_in_threadpool(emulator.stop)

    controls = [
        *(_control_route(emulator, route) for route in control.ROUTES),
        Route("/clock", _answering(lambda: control.clock_json(emulator))),
        Route("/settings", _settings(emulator), methods=["GET", "POST"]),
        Route("/faults", _answering(lambda: control.to_json(emulator.faults)), methods=["GET"]),
        Route("/faults", _faults(emulator), methods=["POST"]),
    ]
    routes = [
        Route("/", _to_page, methods=["GET"]),
        Mount(_CONTROL, routes=[*controls, *_page_routes(emulator)]),
        Route(MEDIA_PATH, _graph(emulator), methods=["GET"]),
        Route("/{path:path}", _graph(emulator), methods=_GRAPH_METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


# --- Graph --------------------------------------------------------------------------------------


def _graph(emulator: "Emulator") -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            graph_request = await _graph_request(request)
        except ValueError:
            refusal = GraphError(100, "The body is not a JSON object or a form.")
            return JSONResponse(refusal.to_json("unread"), refusal.http)
        answer = await run_in_threadpool(emulator.handle, graph_request)
        if answer.latency:
            await anyio.sleep(answer.latency.total_seconds())
        if answer.is_lost:
            await _stay_silent(request)
        return _response(answer)

    return endpoint


_LONGEST_SILENCE = 120.0


async def _stay_silent(request: Request) -> None:
    """Until the caller gives up."""
    with anyio.move_on_after(_LONGEST_SILENCE):
        while (await request.receive())["type"] != "http.disconnect":
            pass


async def _graph_request(request: Request) -> GraphRequest:
    body, upload, raw = await _body(request)
    return GraphRequest(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        body=body,
        upload=upload,
        raw=raw,
        file_offset=request.headers.get("file_offset", ""),
        authorization=request.headers.get("authorization", ""),
        base_url=str(request.base_url),
    )


async def _body(request: Request) -> tuple[Json, Upload | None, bytes]:
    content_type = request.headers.get("content-type", "")
    if "file_offset" in request.headers:  # the second step of a resumable upload: whatever type it says
        return {}, None, await request.body()
    if content_type.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        return *await _form(request), b""
    return await _json_object(request), None, b""


async def _form(request: Request) -> tuple[Json, Upload | None]:
    async with request.form() as form:
        texts = {key: value for key, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        if not isinstance(file, UploadFile):
            return texts, None
        return texts, Upload(file.content_type or "application/octet-stream", await file.read())


async def _json_object(request: Request) -> Json:
    raw = await request.body()
    value = json.loads(raw) if raw else {}
    if not isinstance(value, Mapping):
        raise ValueError("not a JSON object")
    return value


def _response(answer: GraphResponse) -> Response:
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, media_type=answer.mime_type)
    return JSONResponse(answer.body, answer.status)


# --- page ---------------------------------------------------------------------------------------

# Nothing from other hosts, and no script that stands in the page: what customers write cannot become one.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)


async def _to_page(_request: Request) -> Response:
    return RedirectResponse(f"{_CONTROL}/")


def _page_routes(emulator: "Emulator") -> list[Route]:
    async def whole(_request: Request) -> Response:
        seen = await run_in_threadpool(emulator.view)
        return HTMLResponse(page.html(seen), headers={"Content-Security-Policy": _POLICY})

    async def parts(_request: Request) -> Response:
        return JSONResponse(page.parts(await run_in_threadpool(emulator.view)))

    def static(name: str, mime_type: str) -> Route:
        content = (Path(__file__).parent / "static" / name).read_bytes()

        async def endpoint(_request: Request) -> Response:
            return Response(content, media_type=mime_type)

        return Route(f"/{name}", endpoint)

    files = [static(name, mime_type) for name, mime_type in page.STATIC.items()]
    return [Route("/", whole), Route("/page/parts", parts), *files]


# --- control ------------------------------------------------------------------------------------


def _control_route(emulator: "Emulator", route: control.Route) -> Route:
    async def endpoint(request: Request) -> Response:
        return await _controlled(
            request,
            lambda body: control.call(emulator, route, request.path_params, body),
        )

    return Route(route.path, endpoint, methods=[route.method])


def _answering(answer: Callable[[], object]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await _controlled(request, lambda _body: answer())

    return endpoint


def _settings(emulator: "Emulator") -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await _controlled(request, lambda body: control.configure(emulator, body))

    return endpoint


def _faults(emulator: "Emulator") -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await _controlled(request, lambda body: control.make_trouble(emulator, body))

    return endpoint


def _refuse_other_origins(request: Request) -> None:
    """The control API has no password, and any web page can post to loopback: browsers say whose
    page it is, everyone else says nothing.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ControlError(f"pages of {origin} may not operate the emulator", 403)


async def _controlled(request: Request, act: Callable[[Json], object]) -> Response:
    try:
        _refuse_other_origins(request)
        body = await _json_object(request)
        return JSONResponse({"result": await run_in_threadpool(act, body)})
    except ControlError as refusal:
        return JSONResponse({"error": refusal.explanation}, refusal.status)
    except ValueError as malformed:
        return JSONResponse({"error": str(malformed)}, 400)
