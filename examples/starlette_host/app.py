"""A host of tasks: ``AsyncConnector`` in a Starlette application.

    python examples/starlette_host/app.py --data some-folder

The twin of ``flask_host``, with the same API: the calls are the same, awaited. The outbox is sent by a task that lives
as long as the application does.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from wa_connector_voicemail.aio import AsyncVoicemailWatcher

sys.path.append(str(Path(__file__).resolve().parents[2]))  # so that the folder beside this one is found

from examples.host_common import acts, views, wiring
from examples.host_common.front_office import FrontOffice
from wa_connector import (
    AccountId,
    AsyncConnector,
    CommandId,
    ContactId,
    ConversationId,
    LineId,
    MessageId,
    TemplateMessage,
    UsageError,
    UserId,
    WaConnectorError,
    WebhookRequest,
)


@final
class Host:
    """The views. The connector is used from one event loop here; it could be used from several."""

    def __init__(
        self, connector: AsyncConnector, clock: wiring.HostClock, options: wiring.Options, office: FrontOffice
    ) -> None:
        self._connector = connector
        self._office = office
        self._clock = clock
        self._tenant = options.tenant

    # --- what comes in ------------------------------------------------------------------------------------------------

    async def webhook(self, request: Request) -> Response:
        # The bytes as they came: the signature is over them, and not over what a JSON parser makes of them.
        body = await request.body()
        asked = WebhookRequest(request.url.path, request.method, str(request.url), request.headers, body)
        reply = (await self._connector.handle_webhook(asked)).reply
        return Response(reply.body, reply.status, dict(reply.headers))

    # --- a contact's page ---------------------------------------------------------------------------------------------

    async def contact_actions(self, request: Request) -> Response:
        contact = ContactId(request.path_params["contact"])
        found = await self._connector.contact_actions(self._tenant, _user(request), contact)
        return JSONResponse([views.action(each) for each in found])

    async def start(self, request: Request) -> Response:
        line, contact = LineId(request.path_params["line"]), ContactId(request.path_params["contact"])
        return JSONResponse(*views.placement(await self._connector.start(self._tenant, _user(request), line, contact)))

    async def ask_consent(self, request: Request) -> Response:
        line, contact = LineId(request.path_params["line"]), ContactId(request.path_params["contact"])
        placed = await self._connector.ask_consent(
            self._tenant, _user(request), line, contact, command_id=_command_id(request)
        )
        return JSONResponse(*views.placement(placed))

    # --- a conversation -----------------------------------------------------------------------------------------------

    async def conversations(self, request: Request) -> Response:
        is_unassigned = "unassigned" in request.query_params
        found = await self._connector.conversations(self._tenant, _user(request), unassigned=is_unassigned)
        return JSONResponse([views.conversation(each) for each in found])

    async def inbox(self, request: Request) -> Response:
        asked = request.query_params
        page = await self._connector.inbox(
            self._tenant,
            _user(request),
            mine="mine" in asked,
            unassigned="unassigned" in asked,
            channel=asked.get("channel", ""),
            unread="unread" in asked,
            ended="ended" in asked,
            before=asked.get("before", ""),
            after=asked.get("after", ""),
        )
        return JSONResponse(views.inbox(page))

    async def search(self, request: Request) -> Response:
        asked = request.query_params
        page = await self._connector.search(
            self._tenant, _user(request), asked.get("q", ""), before=asked.get("before", "")
        )
        return JSONResponse(views.found(page))

    async def customer_timeline(self, request: Request) -> Response:
        asked = request.query_params
        page = await self._connector.customer_timeline(
            self._tenant,
            _user(request),
            _thread(request),
            before=asked.get("before", ""),
            after=asked.get("after", ""),
        )
        return JSONResponse(views.found(page))

    async def mark_read(self, request: Request) -> Response:
        up_to = MessageId(str((await _body(request)).get("up_to", "")))
        placed = await self._connector.mark_read(self._tenant, _user(request), _thread(request), up_to)
        return JSONResponse(*views.placement(placed))

    async def composer(self, request: Request) -> Response:
        found = await self._connector.composer(self._tenant, _user(request), _thread(request))
        return JSONResponse(views.composer(found))

    async def timeline(self, request: Request) -> Response:
        before, after = request.query_params.get("before", ""), request.query_params.get("after", "")
        page = await self._connector.timeline(
            self._tenant, _user(request), _thread(request), before=before, after=after
        )
        return JSONResponse(views.timeline(page))

    async def send(self, request: Request) -> Response:
        body = await _body(request)
        placed = await self._connector.send(
            self._tenant,
            _user(request),
            _thread(request),
            views.content_of(body),
            hold=body.get("hold") is True,
            command_id=_command_id(request),
        )
        return JSONResponse(*views.placement(placed))

    async def act(self, request: Request) -> Response:
        on = acts.On(self._tenant, _user(request), _thread(request), _command_id(request))
        placed = await acts.act_of(request.path_params["act"])(self._connector, on, await _body(request))
        return JSONResponse(*views.placement(placed))

    async def answers(self, request: Request) -> Response:
        found = await self._connector.answer_actions(self._tenant, _user(request), _thread(request))
        return JSONResponse([views.answer(each) for each in found])

    async def answer(self, request: Request) -> Response:
        line = LineId(request.path_params["line"])
        placed = await self._connector.answer(self._tenant, _user(request), _thread(request), line)
        return JSONResponse(*views.placement(placed))

    async def held(self, request: Request) -> Response:
        found = await self._connector.held(self._tenant, _user(request), _thread(request))
        return JSONResponse([views.message(each) for each in found])

    async def upload(self, request: Request) -> Response:
        # Streamed, so that a large file is never in memory whole. Sending it is a second call: the user may retake.
        mime_type = request.headers.get("content-type", "")
        stored = await self._connector.store_media(self._tenant, request.stream(), mime_type, views.MAX_PICTURE)
        return JSONResponse(views.media_ref(stored), 201)

    async def picture(self, request: Request) -> Response:
        page = await self._connector.timeline(self._tenant, _user(request), _thread(request), limit=200)
        media = views.picture_in(page, request.path_params["sha256"])
        chunks = await self._connector.read_media(self._tenant, media) if media else None
        if media is None or chunks is None:
            return JSONResponse({"problem": "there is no such picture in this conversation"}, 404)
        return StreamingResponse(chunks, media_type=media.mime_type, headers={"X-Content-Type-Options": "nosniff"})

    # --- templates ----------------------------------------------------------------------------------------------------

    async def templates(self, request: Request) -> Response:
        found = await self._connector.templates(self._tenant, AccountId(request.path_params["account"]))
        return JSONResponse([views.template(each) for each in found])

    async def sync_templates(self, request: Request) -> Response:
        diff = await self._connector.sync_templates(self._tenant, AccountId(request.path_params["account"]))
        return JSONResponse(views.template_diff(diff))

    async def preview(self, request: Request) -> Response:
        content = views.content_of({"template": await _body(request)})
        assert isinstance(content, TemplateMessage)
        known = await self._connector.templates(self._tenant, AccountId(request.path_params["account"]))
        return JSONResponse(views.preview(content, known))

    # --- for the operator ---------------------------------------------------------------------------------------------

    async def events(self, request: Request) -> Response:
        page = await self._connector.events(self._tenant, after=request.query_params.get("after", ""))
        return JSONResponse({"events": [views.event(each) for each in page.events], "cursor": page.cursor})

    async def notices(self, request: Request) -> Response:
        await self._connector.push(self._tenant)
        return JSONResponse([views.notice(each) for each in self._office.picked_up(_user(request))])

    async def quarantine(self, _: Request) -> Response:
        return JSONResponse([views.kept(each) for each in await self._connector.quarantine(self._tenant)])

    async def move_clock(self, request: Request) -> Response:
        seconds = float((await _body(request))["advance_seconds"])
        return JSONResponse({"now": self._clock.advance(timedelta(seconds=seconds)).isoformat()})


def make_app(
    connector: AsyncConnector,
    clock: wiring.HostClock,
    options: wiring.Options,
    office: FrontOffice,
    watched: wiring.Boxes | None = None,
) -> Starlette:
    """The application; its lifespan runs the dispatcher, and closes the connector."""
    host = Host(connector, clock, options, office)
    to_contact, thread = "/api/contacts/{contact}/lines/{line}", "/api/conversations/{thread}"
    account = "/api/accounts/{account}/templates"
    routes = [
        Route("/webhooks/{name}", host.webhook, methods=["GET", "POST"]),
        Route("/api/contacts/{contact}/actions", host.contact_actions),
        Route(f"{to_contact}/start", host.start, methods=["POST"]),
        Route(f"{to_contact}/ask-consent", host.ask_consent, methods=["POST"]),
        Route("/api/conversations", host.conversations),
        Route("/api/inbox", host.inbox),
        Route("/api/search", host.search),
        Route(f"{thread}/customer-timeline", host.customer_timeline),
        Route(f"{thread}/read", host.mark_read, methods=["POST"]),
        Route(f"{thread}/composer", host.composer),
        Route(f"{thread}/answers", host.answers),
        Route(f"{thread}/answers/{{line}}", host.answer, methods=["POST"]),
        Route(f"{thread}/timeline", host.timeline),
        Route(f"{thread}/messages", host.send, methods=["POST"]),
        Route(f"{thread}/acts/{{act}}", host.act, methods=["POST"]),
        Route(f"{thread}/held", host.held),
        Route(f"{thread}/pictures/{{sha256}}", host.picture),
        Route("/api/pictures", host.upload, methods=["POST"]),
        Route(account, host.templates),
        Route(f"{account}/sync", host.sync_templates, methods=["POST"]),
        Route(f"{account}/preview", host.preview, methods=["POST"]),
        Route("/api/events", host.events),
        Route("/api/notices", host.notices),
        Route("/api/quarantine", host.quarantine),
        *([Route("/dev/clock", host.move_clock, methods=["POST"])] if options.is_dev else []),
    ]
    return Starlette(
        routes=routes, lifespan=_dispatching(connector, watched, clock), exception_handlers={WaConnectorError: _trouble}
    )


def _dispatching(
    connector: AsyncConnector, watched: wiring.Boxes | None, clock: wiring.HostClock
) -> Callable[[Starlette], Any]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with connector, asyncio.TaskGroup() as tasks:
            tasks.create_task(connector.dispatcher.run_until(stop, poll=0.2))
            looking = tasks.create_task(_watching(connector, watched, clock))
            try:
                yield
            finally:
                looking.cancel()
                stop.set()  # the group waits for the message at hand

    return lifespan


async def _watching(connector: AsyncConnector, watched: wiring.Boxes | None, clock: wiring.HostClock) -> None:
    """Look into the voicemail boxes until it is cancelled."""
    if watched is not None:
        await AsyncVoicemailWatcher(
            connector, watched.endpoint, watched.source, watched.lines, watched.memory, clock=clock
        ).run_forever()


def _user(request: Request) -> UserId:
    # A real host takes the user from its session, never from a header.
    return UserId(request.headers.get("X-User", ""))


def _thread(request: Request) -> ConversationId:
    return ConversationId(request.path_params["thread"])


def _command_id(request: Request) -> CommandId:
    # A screen that repeats a call after a time-out repeats this header, and nothing happens twice.
    return CommandId(request.headers.get("Idempotency-Key", ""))


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise UsageError("the body has to be a JSON object")
    return body


async def _trouble(_: Request, error: Exception) -> Response:
    assert isinstance(error, WaConnectorError)
    return JSONResponse(*views.problem(error))


def main() -> None:
    """Serve until the process is told to end."""
    logging.basicConfig(level=logging.WARNING)
    options, clock, office = wiring.options(__doc__ or ""), wiring.HostClock(), FrontOffice()
    watched = wiring.boxes(options)
    connector = AsyncConnector(wiring.plugins(options, office, watched), discover=False, clock=clock)
    config = uvicorn.Config(
        make_app(connector, clock, options, office, watched), log_level="warning", timeout_graceful_shutdown=5
    )
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        wiring.announce(listener.getsockname()[1])
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
