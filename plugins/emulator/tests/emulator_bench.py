"""What the tests share: a bench with an emulator in process, and a real receiver of webhooks.

A module beside the fixtures, since the tests name its types and constants; `conftest` puts this
folder on the path. Its name is its own among the test folders of the repository.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import httpx
from wa_connector_emulator import Customer, Emulator, HttpCall, HttpReply, Settings
from wa_connector_emulator.exchange import GraphRequest, Upload

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANA = "+16505551234"

Body = dict[str, Any]


def until(is_so: Callable[[], bool], *, within_seconds: float = 5.0) -> None:
    """Wait for something that another thread brings about."""
    deadline = time.monotonic() + within_seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@attrs.define
class Inbox:
    """A webhook receiver in process: a sender for the emulator, with answers that can be set."""

    calls: list[HttpCall] = attrs.field(factory=list)
    answers: list[int] = attrs.field(factory=list)
    """Statuses for the next posts; 200 when there are none left."""

    def __call__(self, call: HttpCall) -> HttpReply:
        if call.method == "GET":
            query = parse_qs(urlsplit(call.url).query)
            is_right = query["hub.verify_token"] == ["verify"]
            challenge = query["hub.challenge"][0].encode()
            return HttpReply(200, challenge) if is_right else HttpReply(403)
        self.calls.append(call)
        return HttpReply(self.answers.pop(0) if self.answers else 200)

    @property
    def bodies(self) -> list[Body]:
        return [json.loads(call.body) for call in self.calls]

    @property
    def changes(self) -> list[Body]:
        """All changes that were told, in order of arrival."""
        return [c for body in self.bodies for entry in body["entry"] for c in entry["changes"]]

    def statuses(self) -> list[Body]:
        return [s for change in self.changes for s in change["value"].get("statuses", [])]

    def calls_told(self) -> list[str]:
        """What was told of calls, in order: events, and statuses in capitals."""
        values = [change["value"] for change in self.changes if change["field"] == "calls"]
        return [
            told.get("event") or told["status"]
            for value in values
            for told in (*value.get("calls", []), *value.get("statuses", []))
        ]

    def messages(self) -> list[Body]:
        return [m for change in self.changes for m in change["value"].get("messages", [])]


@attrs.define
class Bench:
    """An emulator whose time stands still, and what one asks of it."""

    emulator: Emulator
    inbox: Inbox
    ana: Customer

    @property
    def number_id(self) -> str:
        return self.emulator.numbers()[0].id

    @property
    def waba_id(self) -> str:
        return self.emulator.accounts()[0].id

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        upload: Upload | None = None,
        filters: Mapping[str, str] | None = None,
        **query: str,
    ) -> tuple[int, Body]:
        """A Graph call below the version: the status and the JSON answer.

        `filters` are query parameters too, for tests that have them in a variable.
        """
        answer = self.emulator.handle(
            GraphRequest(
                method=method,
                path=f"/v26.0/{path}",
                query={**(filters or {}), **query},
                body=body or {},
                upload=upload,
                authorization=f"Bearer {self.emulator.token}",
                base_url="http://graph.test/",
            )
        )
        assert not isinstance(answer.body, bytes)
        return answer.status, dict(answer.body)

    def send(self, **body: object) -> tuple[int, Body]:
        """A send call; to Ana unless it says to whom."""
        whole = {"messaging_product": "whatsapp", **body}
        if "to" not in body and "recipient" not in body:
            whole["to"] = ANA
        return self.call("POST", f"{self.number_id}/messages", whole)

    def send_text(self, text: str = "hello", **body: object) -> tuple[int, Body]:
        return self.send(type="text", text={"body": text}, **body)

    def send_text_unheard(self) -> None:
        """A text whose answer nobody looks at: it may not come."""
        whole = {"messaging_product": "whatsapp", "to": ANA, "type": "text", "text": {"body": "hello"}}
        self.emulator.handle(
            GraphRequest(
                "POST",
                f"/v26.0/{self.number_id}/messages",
                body=whole,
                authorization=f"Bearer {self.emulator.token}",
            )
        )

    def sent_id(self, **body: object) -> str:
        """The wamid of a send that must be accepted."""
        status, answer = self.send(**body)
        assert status == 200, answer
        return str(answer["messages"][0]["id"])

    def refusal(self, **body: object) -> tuple[int, int]:
        """HTTP status and code of a send that must be refused."""
        status, answer = self.send(**body)
        assert "error" in answer, answer
        return status, answer["error"]["code"]

    def told(self) -> Inbox:
        """The receiver, after everything that is due has been delivered."""
        self.emulator.deliver_due()
        return self.inbox

    def upload(self, mime_type: str = "image/jpeg", data: bytes = b"\xff\xd8picture") -> str:
        status, answer = self.call(
            "POST",
            f"{self.number_id}/media",
            {"messaging_product": "whatsapp", "type": mime_type},
            upload=Upload(mime_type, data),
        )
        assert status == 200, answer
        return str(answer["id"])


def new_bench(settings: Settings | None = None) -> Bench:
    inbox = Inbox()
    emulator = Emulator(sender=inbox, settings=settings, start_at=NOON, is_frozen=True)
    emulator.subscribe_webhook("https://bot.test/hook", "verify")
    return Bench(emulator, inbox, emulator.create_customer(ANA, "Ana"))


class Receiver(ThreadingHTTPServer):
    """A real HTTP receiver; it keeps the raw bytes and the signature of every post."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[tuple[bytes, str]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def events(self) -> list[str]:
        """What was told, in order: `text`, `sent`, `delivered`, ..."""
        found = []
        for raw, _ in self.posts:
            for change in json.loads(raw)["entry"][0]["changes"]:
                value = change["value"]
                found += [m["type"] for m in value.get("messages", [])]
                found += [s["status"] for s in value.get("statuses", [])]
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        is_right = query["hub.verify_token"] == ["verify"] and query["hub.mode"] == ["subscribe"]
        self._answer(200 if is_right else 403, query["hub.challenge"][0].encode())

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((raw, self.headers["X-Hub-Signature-256"]))
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 200, b"ok")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@attrs.frozen
class Site:
    """An emulator on loopback, with clients for both its faces and a real receiver."""

    emulator: Emulator
    graph: httpx.Client
    control: httpx.Client
    receiver: Receiver

    @property
    def number_id(self) -> str:
        return self.emulator.numbers()[0].id
