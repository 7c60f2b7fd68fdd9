"""A server whose every answer is scripted, and the two senders behind one face."""

import asyncio
import hashlib
import json
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import pytest
from attrs import evolve, field, frozen
from hypothesis import HealthCheck, settings
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.options import Options, Timeouts
from wa_connector_cloud_api.transport import AsyncCloudApiTransport, CloudApiTransport

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.directory import Account, App, Line, LineSetup
from wa_connector.model.ids import AccountId, AppId, LineId, ProviderId, TenantId
from wa_connector.model.inbound import Inbound, Unreadable
from wa_connector.model.outbound import Envelope, FetchOutcome, SendOutcome
from wa_connector.model.secret import Secret
from wa_connector.model.template import Template
from wa_connector.ports.channel import WebhookRequest

if TYPE_CHECKING:
    from wa_connector_emulator import Emulator, HttpCall

TOKEN = "EAAtoken0123456789"

# No example of a property is timed. A machine that is busy with something else is no defect of ours, and hypothesis fails a
# test over one example of a fifth of a second, and over how long it took to make them.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# ---------------------------------------------------------------------------------- the server


@frozen
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: int
    """The client's port: one connection, one port."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@frozen
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(factory=dict)


@frozen
class Drop:
    """Take the request and hang up without a word; ``reset``: rudely."""

    reset: bool = False


@frozen
class Hang:
    """Take the request and never answer."""


@frozen
class Truncate:
    """Promise a body and send half of it."""

    body: bytes


@frozen
class Drip:
    """Send a body byte by byte, never quite to its end."""


Step: TypeAlias = Reply | Drop | Hang | Truncate | Drip


class Scripted:
    """Answers with one step after the other, then with the last again; keeps what it was asked.

    Its methods make the steps too: a test cannot import from here (importlib mode).
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.steps: list[Step] = [Hang()]
        self.over = threading.Event()
        self._lock = threading.Lock()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def _serve(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body, peer = self.rfile.read(length), self.client_address[1]
                scripted.take(Seen(self.command, self.path, headers, body, peer), self)

            do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                pass  # a client that hangs up is what some tests are about

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v26.0"

    @property
    def root(self) -> str:
        return self.url.removesuffix("/v26.0")

    @staticmethod
    def reply(body: object, status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Reply(status, content, {"content-type": "application/json", **named})

    drop, hang, truncate, drip = Drop, Hang, Truncate, Drip

    def says(self, *steps: Step) -> None:
        self.steps = list(steps)

    def take(self, seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.seen.append(seen)
            step = self.steps[0]
            if len(self.steps) > 1:
                del self.steps[0]
        self._play(step, handler)

    def _play(self, step: Step, handler: BaseHTTPRequestHandler) -> None:
        match step:
            case Reply(status, body, headers):
                self._head(handler, status, len(body), headers)
                handler.wfile.write(body)
            case Hang():
                handler.close_connection = True
                self.over.wait(20)
            case Drop(reset):
                handler.close_connection = True
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    handler.connection.close()
            case Truncate(body):
                handler.close_connection = True
                self._head(handler, 200, len(body), {})
                handler.wfile.write(body[: len(body) // 2])
            case Drip():
                handler.close_connection = True
                self._head(handler, 200, 1000, {})
                for _ in range(999):
                    if self.over.wait(0.02):
                        return
                    handler.wfile.write(b" ")

    def _head(self, handler: BaseHTTPRequestHandler, status: int, length: int, headers: dict[str, str]) -> None:
        handler.send_response(status)
        for name, value in {"content-length": str(length), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.stop()


@pytest.fixture
def elsewhere() -> Iterator[Scripted]:
    """A second server: another host, to the sender."""
    scripted = Scripted()
    yield scripted
    scripted.stop()


# ------------------------------------------------------------------------------- a media store


class Files:
    """A media store in memory, after the port's promises."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.fails = False

    def add(self, content: bytes, mime_type: str) -> MediaRef:
        digest = hashlib.sha256(content).hexdigest()
        self.content[digest] = content
        return MediaRef(mime_type, digest, len(content))

    def put(self, tenant: TenantId, chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        if self.fails:
            raise Unavailable("the disk is full")
        content = b"".join(chunks)
        if len(content) > max_bytes:
            raise UsageError("too large")
        return self.add(content, mime_type)

    def read(self, tenant: TenantId, media: MediaRef) -> Iterator[bytes] | None:
        if self.fails:
            raise Unavailable("the disk is gone")
        content = self.content.get(media.sha256)
        if content is None:
            return None
        return (content[start : start + 1000] for start in range(0, len(content), 1000))

    def delete(self, tenant: TenantId, media: MediaRef) -> None:
        self.content.pop(media.sha256, None)


class AsyncFiles:
    def __init__(self, files: Files) -> None:
        self._files = files

    async def put(self, tenant: TenantId, chunks: AsyncIterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        taken = [chunk async for chunk in chunks]
        return self._files.put(tenant, iter(taken), mime_type, max_bytes)

    async def read(self, tenant: TenantId, media: MediaRef) -> AsyncIterator[bytes] | None:
        chunks = self._files.read(tenant, media)
        if chunks is None:
            return None

        async def each() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return each()

    async def delete(self, tenant: TenantId, media: MediaRef) -> None:
        self._files.delete(tenant, media)


@pytest.fixture
def files() -> Files:
    return Files()


# ---------------------------------------------------------------------------------- the senders


class Sender(Protocol):
    """Both transports, as the tests drive them."""

    def send(self, line: LineSetup, envelope: Envelope) -> SendOutcome: ...
    def mark_read(self, line: LineSetup, message: ProviderId) -> bool: ...
    def fetch(self, line: LineSetup, media: MediaRef) -> FetchOutcome: ...
    def templates(self, account: Account) -> Sequence[Template]: ...


class Plain:
    def __init__(self, options: Options, files: Files) -> None:
        self.transport, self._files = CloudApiTransport(options), files

    def send(self, line: LineSetup, envelope: Envelope) -> SendOutcome:
        return self.transport.send(line, envelope, self._files)

    def mark_read(self, line: LineSetup, message: ProviderId) -> bool:
        return self.transport.mark_read(line, message)

    def fetch(self, line: LineSetup, media: MediaRef) -> FetchOutcome:
        return self.transport.fetch(line, media, self._files)

    def templates(self, account: Account) -> Sequence[Template]:
        return self.transport.templates(account)

    def close(self) -> None:
        self.transport.close()
        self.transport.close()


class Looped:
    def __init__(self, options: Options, files: Files) -> None:
        self.transport, self._files = AsyncCloudApiTransport(options), AsyncFiles(files)
        self._runner = asyncio.Runner()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(coroutine)

    def send(self, line: LineSetup, envelope: Envelope) -> SendOutcome:
        outcome: SendOutcome = self._run(self.transport.send(line, envelope, self._files))
        return outcome

    def mark_read(self, line: LineSetup, message: ProviderId) -> bool:
        is_done: bool = self._run(self.transport.mark_read(line, message))
        return is_done

    def fetch(self, line: LineSetup, media: MediaRef) -> FetchOutcome:
        outcome: FetchOutcome = self._run(self.transport.fetch(line, media, self._files))
        return outcome

    def templates(self, account: Account) -> Sequence[Template]:
        found: Sequence[Template] = self._run(self.transport.templates(account))
        return found

    def close(self) -> None:
        self._run(self.transport.aclose())
        self._run(self.transport.aclose())
        self._runner.close()


QUICK = Options(timeouts=Timeouts(connect=2.0, write=2.0, answer=0.8, pool=1.0, whole=0.8, download=1.2))


@pytest.fixture(params=["plain", "async", "aiohttp"])
def make_sender(request: pytest.FixtureRequest, files: Files) -> Iterator[Callable[[Options], Sender]]:
    made: list[Plain | Looped] = []

    def make(options: Options) -> Sender:
        carried = evolve(options, aiohttp=request.param == "aiohttp")
        made.append(Plain(options, files) if request.param == "plain" else Looped(carried, files))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


@pytest.fixture
def quick() -> Options:
    """Options whose time-outs a test can wait for."""
    return QUICK


@pytest.fixture
def sender(make_sender: Callable[[Options], Sender]) -> Sender:
    return make_sender(QUICK)


# -------------------------------------------------------------------------------- the directory


@pytest.fixture
def account() -> Account:
    return Account(
        tenant=TenantId("acme"),
        id=AccountId("main"),
        app=AppId("app"),
        channel="whatsapp",
        provider_ref="102290129340398",
        portfolio="portfolio-1",
        token=Secret(TOKEN),
    )


@pytest.fixture
def setup(account: Account) -> LineSetup:
    line = Line(account.tenant, LineId("sales"), account.id, "whatsapp", "+15550001111", "106540352242922")
    return LineSetup(line, account, ())


@pytest.fixture
def here(setup: LineSetup, server: Scripted) -> LineSetup:
    """The line, at the scripted server."""
    return evolve(setup, account=evolve(setup.account, base_url=server.url))


@pytest.fixture
def app() -> App:
    return App(
        AppId("app"),
        TenantId("acme"),
        "whatsapp",
        "main",
        (Secret("test_app_secret"),),
        Secret("verify-me"),
    )


# --------------------------------------------------------------------------------- the emulator

T = TypeVar("T")
ANA = "+16505551234"


@frozen
class Site:
    """An emulator, our line at it, and what its webhooks told us."""

    emulator: "Emulator"
    line: LineSetup
    told: list[Inbound] = field(factory=list)

    def heard(self) -> list[object]:
        """What was told, all of it readable, and of our line or at least of our account."""
        self.emulator.deliver_due()
        assert [each for each in self.told if isinstance(each.item, Unreadable)] == []
        assert {each.account_ref for each in self.told} <= {self.line.account.provider_ref}
        return [each.item for each in self.told]

    def last(self, kind: type[T]) -> T:
        """The latest of a kind; nothing at all was told of another line."""
        found = [each for each in self.heard() if isinstance(each, kind)][-1]
        assert {each.line_ref for each in self.told} <= {self.line.line.provider_ref}
        return found


@pytest.fixture
def site(app: App, setup: LineSetup) -> "Iterator[Site]":
    emulation = pytest.importorskip("wa_connector_emulator")
    told: list[Inbound] = []
    channel = CloudApiChannel()

    def receive(call: "HttpCall") -> object:
        request = WebhookRequest("main", call.method, call.url, call.headers, call.body)
        if (reply := channel.handshake(app, request)) is not None:
            return emulation.HttpReply(reply.status, reply.body)
        told.extend(channel.read(app, request))
        return emulation.HttpReply(200)

    emulator = emulation.Emulator(app_secret="test_app_secret", token="test-token", sender=receive)
    with emulation.serve(emulator) as served:
        emulator.create_customer(ANA, "Ana")
        emulator.subscribe_webhook("https://host.example/hook", "verify-me")
        business = emulator.numbers()[0]
        account = evolve(
            setup.account,
            provider_ref=business.account_id,
            base_url=served.graph_url,
            token=Secret("test-token"),
        )
        line = evolve(setup.line, provider_ref=business.id)
        yield Site(emulator, evolve(setup, line=line, account=account), told)
