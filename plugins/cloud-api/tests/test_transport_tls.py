"""TLS in earnest: a proxy carries what it cannot read, a certificate of nobody's stops the token, and a token that was changed
is used with the next call."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import trustme
from attrs import evolve, field, frozen
from wa_connector_cloud_api import _aiohttp
from wa_connector_cloud_api.options import Options

from wa_connector.model.address import number
from wa_connector.model.content import Image, Text
from wa_connector.model.directory import LineSetup
from wa_connector.model.ids import MessageId
from wa_connector.model.outbound import Accepted, AccountStopped, Deferred, Envelope
from wa_connector.model.secret import Secret

if TYPE_CHECKING:
    from conftest import Files, Scripted, Sender

YES = b'{"messaging_product":"whatsapp","contacts":[{"input":"x","wa_id":"16505551234"}],"messages":[{"id":"wamid.1"}]}'
HELLO = Envelope(MessageId("outbox:1"), number("+16505551234"), Text("secret words"))


@frozen
class Secured:
    """An HTTPS server on this machine, and whom one must trust to believe it."""

    url: str
    port: int
    ours: ssl.SSLContext = field(repr=False)
    tokens: list[str] = field(factory=list, repr=False)


@pytest.fixture
def secured() -> Iterator[Secured]:
    authority = trustme.CA()
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    tokens: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            tokens.append(self.headers["authorization"])
            self.send_response(200)
            self.send_header("content-length", str(len(YES)))
            self.end_headers()
            self.wfile.write(YES)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    port = server.server_address[1]
    yield Secured(f"https://localhost:{port}/v26.0", port, ours, tokens)
    server.shutdown()
    thread.join(5)
    server.server_close()


class Tunnel:
    """A proxy that knows CONNECT and nothing else, and keeps every byte that it carried to the other side."""

    def __init__(self) -> None:
        self.carried = bytearray()
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://me:hunter2@127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(near,), daemon=True).start()

    def _tunnel(self, near: socket.socket) -> None:
        head = bytearray()
        while b"\r\n\r\n" not in head:
            if not (block := near.recv(4096)):
                return
            head += block
        self.asked.append(bytes(head))
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self._carry, args=(far, near), daemon=True)
            back.start()
            self._carry(near, far, keep=True)
            back.join(5)

    def _carry(self, source: socket.socket, sink: socket.socket, *, keep: bool = False) -> None:
        try:
            while block := source.recv(65536):
                if keep:
                    self.carried += block
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self) -> None:
        self._listener.close()


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    made = Tunnel()
    yield made
    made.stop()


def at(setup: LineSetup, url: str, token: str = "EAAtoken") -> LineSetup:
    return evolve(setup, account=evolve(setup.account, base_url=url, token=Secret(token)))


def test_a_proxy_sees_neither_token_nor_words(
    make_sender: "Callable[[Options], Sender]", setup: LineSetup, quick: Options, secured: Secured, tunnel: Tunnel
) -> None:
    """It gets its own password, the name of the provider's host, and bytes that it cannot read."""
    sender = make_sender(evolve(quick, proxy=tunnel.url, ssl_context=secured.ours))
    assert isinstance(sender.send(at(setup, secured.url), HELLO), Accepted)
    assert secured.tokens == ["Bearer EAAtoken"]
    (asked,) = tunnel.asked
    assert asked.startswith(b"CONNECT localhost:%d " % secured.port)
    assert b"proxy-authorization: basic" in asked.lower()
    for secret in (b"EAAtoken", b"secret words"):
        assert secret not in asked
        assert secret not in tunnel.carried


def test_a_certificate_of_nobodys_gets_no_token(
    make_sender: "Callable[[Options], Sender]", setup: LineSetup, quick: Options, secured: Secured
) -> None:
    outcome = make_sender(quick).send(at(setup, secured.url), HELLO)
    assert isinstance(outcome, Deferred)
    assert outcome.code == "unreachable"
    assert secured.tokens == []


def test_a_token_that_was_changed_is_used_with_the_next_call(
    sender: "Sender", server: "Scripted", setup: LineSetup
) -> None:
    """The directory is what provides tokens: each call carries the one that its account has, on connections that stay."""
    server.says(server.reply(YES), server.reply({"error": {"code": 190, "message": "expired"}}, 401), server.reply(YES))
    assert isinstance(sender.send(at(setup, server.url, "EAAfirst"), HELLO), Accepted)
    stopped = sender.send(at(setup, server.url, "EAAfirst"), HELLO)
    assert isinstance(stopped, AccountStopped)
    assert "EAAfirst" not in repr(stopped)
    assert isinstance(sender.send(at(setup, server.url, "EAAsecond"), HELLO), Accepted)
    told = [(each.headers["authorization"], each.peer) for each in server.seen]
    assert [token for token, _ in told] == ["Bearer EAAfirst", "Bearer EAAfirst", "Bearer EAAsecond"]
    assert len({peer for _, peer in told}) == 1


def test_who_takes_no_bytes_is_given_up(
    make_sender: "Callable[[Options], Sender]",
    setup: LineSetup,
    quick: Options,
    files: "Files",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The phase of writing has a time of its own: of a file that nobody reads, the message is not under way yet."""
    monkeypatch.setattr(_aiohttp, "SLOWEST", 1e9)
    picture = Image(files.add(b"\xff\xd8\xff" + bytes(5_000_000), "image/jpeg"))
    hasty = make_sender(evolve(quick, timeouts=evolve(quick.timeouts, write=0.3)))
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line = at(setup, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        outcome = hasty.send(line, evolve(HELLO, content=picture))
    assert isinstance(outcome, Deferred)
    assert outcome.code == "media"
