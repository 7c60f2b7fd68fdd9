"""A host of threads: ``Connector`` in a Flask application.

    python examples/flask_host/app.py --data some-folder

Everything that the SDK needs of a web framework is here: one endpoint for webhooks, and calls of the connector from the
views. The outbox is sent by a thread that this program starts and stops; it might as well be another process.
"""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from wa_connector_voicemail import VoicemailWatcher
from werkzeug.serving import make_server

sys.path.append(str(Path(__file__).resolve().parents[2]))  # so that the folder beside this one is found

from examples.host_common import acts, views, wiring
from examples.host_common.front_office import FrontOffice
from wa_connector import (
    AccountId,
    CommandId,
    Connector,
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


def make_app(connector: Connector, clock: wiring.HostClock, options: wiring.Options, office: FrontOffice) -> Flask:
    """The application. The connector may be used from all threads of the server at once."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 8 * 1024 * 1024  # a webhook may have 3 MB, a picture 5
    tenant = options.tenant

    def user() -> UserId:
        # A real host takes the user from its session, never from a header.
        return UserId(request.headers.get("X-User", ""))

    def body() -> dict[str, Any]:
        given = request.get_json(silent=True)
        if not isinstance(given, dict):
            raise UsageError("the body has to be a JSON object")
        return given

    def command_id() -> CommandId:
        # A screen that repeats a call after a time-out repeats this header, and nothing happens twice.
        return CommandId(request.headers.get("Idempotency-Key", ""))

    # --- what comes in ------------------------------------------------------------------------------------------------

    @app.route("/webhooks/<_name>", methods=["GET", "POST"])
    def webhook(_name: str) -> ResponseReturnValue:
        # The bytes as they came: the signature is over them, and not over what a JSON parser makes of them.
        asked = WebhookRequest(request.path, request.method, request.url, dict(request.headers), request.get_data())
        reply = connector.handle_webhook(asked).reply
        return Response(reply.body, reply.status, dict(reply.headers))

    # --- a contact's page ---------------------------------------------------------------------------------------------

    @app.get("/api/contacts/<contact>/actions")
    def contact_actions(contact: str) -> ResponseReturnValue:
        return jsonify([views.action(each) for each in connector.contact_actions(tenant, user(), ContactId(contact))])

    @app.post("/api/contacts/<contact>/lines/<line>/start")
    def start(contact: str, line: str) -> ResponseReturnValue:
        return views.placement(connector.start(tenant, user(), LineId(line), ContactId(contact)))

    @app.post("/api/contacts/<contact>/lines/<line>/ask-consent")
    def ask_consent(contact: str, line: str) -> ResponseReturnValue:
        placed = connector.ask_consent(tenant, user(), LineId(line), ContactId(contact), command_id=command_id())
        return views.placement(placed)

    # --- a conversation -----------------------------------------------------------------------------------------------

    @app.get("/api/conversations")
    def conversations() -> ResponseReturnValue:
        is_unassigned = "unassigned" in request.args
        found = connector.conversations(tenant, user(), unassigned=is_unassigned)
        return jsonify([views.conversation(each) for each in found])

    @app.get("/api/inbox")
    def inbox() -> ResponseReturnValue:
        asked = request.args
        page = connector.inbox(
            tenant,
            user(),
            mine="mine" in asked,
            unassigned="unassigned" in asked,
            channel=asked.get("channel", ""),
            unread="unread" in asked,
            ended="ended" in asked,
            before=asked.get("before", ""),
            after=asked.get("after", ""),
        )
        return views.inbox(page)

    @app.get("/api/search")
    def search() -> ResponseReturnValue:
        asked = request.args
        return views.found(connector.search(tenant, user(), asked.get("q", ""), before=asked.get("before", "")))

    @app.get("/api/conversations/<thread>/customer-timeline")
    def customer_timeline(thread: str) -> ResponseReturnValue:
        before, after = request.args.get("before", ""), request.args.get("after", "")
        page = connector.customer_timeline(tenant, user(), ConversationId(thread), before=before, after=after)
        return views.found(page)

    @app.post("/api/conversations/<thread>/read")
    def mark_read(thread: str) -> ResponseReturnValue:
        up_to = MessageId(str(body().get("up_to", "")))
        return views.placement(connector.mark_read(tenant, user(), ConversationId(thread), up_to))

    @app.get("/api/conversations/<thread>/composer")
    def composer(thread: str) -> ResponseReturnValue:
        return views.composer(connector.composer(tenant, user(), ConversationId(thread)))

    @app.get("/api/conversations/<thread>/answers")
    def answers(thread: str) -> ResponseReturnValue:
        found = connector.answer_actions(tenant, user(), ConversationId(thread))
        return jsonify([views.answer(each) for each in found])

    @app.post("/api/conversations/<thread>/answers/<line>")
    def answer(thread: str, line: str) -> ResponseReturnValue:
        return views.placement(connector.answer(tenant, user(), ConversationId(thread), LineId(line)))

    @app.get("/api/conversations/<thread>/timeline")
    def timeline(thread: str) -> ResponseReturnValue:
        before, after = request.args.get("before", ""), request.args.get("after", "")
        return views.timeline(connector.timeline(tenant, user(), ConversationId(thread), before=before, after=after))

    @app.post("/api/conversations/<thread>/messages")
    def send(thread: str) -> ResponseReturnValue:
        given = body()
        placed = connector.send(
            tenant,
            user(),
            ConversationId(thread),
            views.content_of(given),
            hold=given.get("hold") is True,
            command_id=command_id(),
        )
        return views.placement(placed)

    @app.post("/api/conversations/<thread>/acts/<name>")
    def act(thread: str, name: str) -> ResponseReturnValue:
        on = acts.On(tenant, user(), ConversationId(thread), command_id())
        return views.placement(acts.act_of(name)(connector, on, body()))

    @app.get("/api/conversations/<thread>/held")
    def held(thread: str) -> ResponseReturnValue:
        return jsonify([views.message(each) for each in connector.held(tenant, user(), ConversationId(thread))])

    @app.post("/api/pictures")
    def upload() -> ResponseReturnValue:
        # Streamed, so that a large file is never in memory whole. Sending it is a second call: the user may retake.
        chunks = iter(lambda: request.stream.read(64 * 1024), b"")
        return views.media_ref(connector.store_media(tenant, chunks, request.mimetype, views.MAX_PICTURE)), 201

    @app.get("/api/conversations/<thread>/pictures/<sha256>")
    def picture(thread: str, sha256: str) -> ResponseReturnValue:
        page = connector.timeline(tenant, user(), ConversationId(thread), limit=200)
        media = views.picture_in(page, sha256)
        chunks = connector.read_media(tenant, media) if media else None
        if media is None or chunks is None:
            return {"problem": "there is no such picture in this conversation"}, 404
        return Response(chunks, mimetype=media.mime_type, headers={"X-Content-Type-Options": "nosniff"})

    # --- templates ----------------------------------------------------------------------------------------------------

    @app.get("/api/accounts/<account>/templates")
    def templates(account: str) -> ResponseReturnValue:
        return jsonify([views.template(each) for each in connector.templates(tenant, AccountId(account))])

    @app.post("/api/accounts/<account>/templates/sync")
    def sync_templates(account: str) -> ResponseReturnValue:
        return views.template_diff(connector.sync_templates(tenant, AccountId(account)))

    @app.post("/api/accounts/<account>/templates/preview")
    def preview(account: str) -> ResponseReturnValue:
        content = views.content_of({"template": body()})
        assert isinstance(content, TemplateMessage)
        return views.preview(content, connector.templates(tenant, AccountId(account)))

    # --- for the operator ---------------------------------------------------------------------------------------------

    @app.get("/api/events")
    def events() -> ResponseReturnValue:
        page = connector.events(tenant, after=request.args.get("after", ""))
        return {"events": [views.event(each) for each in page.events], "cursor": page.cursor}

    @app.get("/api/notices")
    def notices() -> ResponseReturnValue:
        connector.push(tenant)
        return jsonify([views.notice(each) for each in office.picked_up(user())])

    @app.get("/api/quarantine")
    def quarantine() -> ResponseReturnValue:
        return jsonify([views.kept(each) for each in connector.quarantine(tenant)])

    @app.post("/dev/clock")
    def move_clock() -> ResponseReturnValue:
        if not options.is_dev:
            return {"problem": "this host was not started with --dev"}, 404
        return {"now": clock.advance(timedelta(seconds=float(body()["advance_seconds"]))).isoformat()}

    @app.errorhandler(WaConnectorError)
    def trouble(error: WaConnectorError) -> ResponseReturnValue:
        return views.problem(error)

    return app


@contextmanager
def dispatching(connector: Connector) -> Iterator[None]:
    """Send what is due, in a thread, for as long as the block runs; end after the message at hand."""
    stop = Event()
    thread = Thread(target=connector.dispatcher.run_until, args=(stop,), kwargs={"poll": 0.2}, name="dispatcher")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def watching(connector: Connector, watched: wiring.Boxes | None, clock: wiring.HostClock) -> Iterator[None]:
    """Look into the voicemail boxes, in a thread, for as long as the block runs."""
    if watched is None:
        yield
        return
    watcher = VoicemailWatcher(connector, watched.endpoint, watched.source, watched.lines, watched.memory, clock=clock)
    stop = Event()
    thread = Thread(target=watcher.run_until, args=(stop.is_set,), name="voicemail")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def main() -> None:
    """Serve until the process is told to end."""
    logging.basicConfig(level=logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    options, clock, office = wiring.options(__doc__ or ""), wiring.HostClock(), FrontOffice()
    watched = wiring.boxes(options)
    with (
        Connector(wiring.plugins(options, office, watched), discover=False, clock=clock) as connector,
        dispatching(connector),
        watching(connector, watched, clock),
    ):
        server = make_server("127.0.0.1", options.port, make_app(connector, clock, options, office), threaded=True)
        wiring.announce(server.server_port)
        server.serve_forever()


if __name__ == "__main__":
    main()
