"""A host whose process may be killed at any moment: real storage, the Cloud API's channel and sender, a web server.

    python a_host.py site.json

Two users write, each on a line of his own: Ana's messages of unknown outcome are sent again, Ben's are parked. The
process is a nursery: for every line ``live`` on its standard input it forks one life, which takes webhooks, runs the
dispatcher and sends, until it is killed; so a new life begins in milliseconds and with nothing but the files of the last.

Rules of this file: whatever a life must know of an earlier one is in the storage or in its journal. The storage is a file
of SQLite's, or the PostgreSQL that the site names; the environment may name a factory of another one
(``WA_SOAK_STORAGE=module:function``, called with the site), so that the same tests run on it.
"""

import importlib
import json
import os
import random
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, final

from attrs import asdict, evolve, frozen
from wa_connector_cloud_api import CloudApiChannel, CloudApiTransport, Options
from wa_connector_postgres import PostgresPlugin
from wa_connector_sqlite import SqlitePlugin

import wa_connector as wa
from wa_connector.errors import Unavailable
from wa_connector.ports.codec import decode, encode
from wa_connector.ports.rows import CONVERSATION, CUSTOMER, MESSAGE, OUTBOX, PAIR
from wa_connector.shell import dispatcher as shell
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.samples import sample

TENANT = wa.TenantId("acme")
APP = wa.AppId("app")
ACCOUNT = wa.AccountId("account")
ENDPOINT = "/hook"
VERIFY_TOKEN = "verify-me"
APP_SECRET = "app-secret-0123456789"
TOKEN = "EAAtoken0123456789"
WABA = "102290129340398"
OUTCOMES: Mapping[wa.UserId, wa.UnknownOutcome] = {
    wa.UserId("ana"): wa.UnknownOutcome.RESEND,
    wa.UserId("ben"): wa.UnknownOutcome.PARK,
}
NUMBERS: Mapping[wa.UserId, tuple[str, str]] = {
    wa.UserId("ana"): ("106540352242901", "15550001111"),
    wa.UserId("ben"): ("106540352242902", "15550002222"),
}
"""Each user's business number at the provider: its id, and its digits."""


@frozen
class Site:
    """What a process is told. ``grace`` and ``lease`` are in seconds; a ``speed`` of 10 makes the host's clock run ten
    times as fast from ``began`` (Unix seconds) on; ``most`` bounds what one customer is sent; ``burst`` is how many messages
    the channel lets a pair have at once, and ``per_second`` how many a line may send (0: nobody counts). ``postgres`` is
    where the server is, if not in a file."""

    folder: str
    graph_url: str
    grace: float = 5.0
    lease: float = 120.0
    most: int = 40
    began: float = 0.0
    speed: float = 1.0
    burst: int = 45
    per_second: int = 0
    postgres: str = ""

    @property
    def journal(self) -> Path:
        """What the sending loop asked for and what it got, a line each."""
        return Path(self.folder, "journal")

    @property
    def is_over(self) -> Path:
        """A file that tells the sending loop to begin nothing new."""
        return Path(self.folder, "over")

    def clock(self) -> datetime:
        """The host's time."""
        return datetime.fromtimestamp(self.began + (time.time() - self.began) * self.speed, UTC)

    def write(self) -> Path:
        """Put this into a file of its folder."""
        path = Path(self.folder, "site.json")
        path.write_text(json.dumps(asdict(self)))
        return path


def read_site(path: str) -> Site:
    return Site(**json.loads(Path(path).read_text()))


def storage_plugin(site: Site) -> Any:
    """The plugin that provides the storage of a site."""
    module, _, function = os.environ.get("WA_SOAK_STORAGE", f"{__name__}:stored").partition(":")
    return getattr(importlib.import_module(module), function)(site)


def stored(site: Site) -> SqlitePlugin | PostgresPlugin:
    """Patient, since a busy machine may keep a writer waiting."""
    patience = timedelta(seconds=30)
    if site.postgres:
        return PostgresPlugin(site.postgres, patience=patience)
    return SqlitePlugin(Path(site.folder, "wa.db"), busy_timeout=patience)


def directory(site: Site) -> MemoryDirectory:
    path = (wa.Organization(wa.OrganizationId(TENANT), "Acme", {"whatsapp": wa.ChannelSwitch(enabled=True)}),)
    app = wa.App(APP, TENANT, "whatsapp", ENDPOINT, (wa.Secret(APP_SECRET),), wa.Secret(VERIFY_TOKEN))
    account = wa.Account(TENANT, ACCOUNT, APP, "whatsapp", WABA, "portfolio", wa.Secret(TOKEN), site.graph_url)
    lines = [
        wa.Line(TENANT, line_of(user), ACCOUNT, "whatsapp", f"+{digits}", provider_ref, owner=user)
        for user, (provider_ref, digits) in NUMBERS.items()
    ]
    seats = [wa.Seat(wa.User(TENANT, user, user.title(), settings=_settings(site, user)), path) for user in OUTCOMES]
    return MemoryDirectory(apps=[app], accounts=[account], lines=[(line, path) for line in lines], seats=seats)


def line_of(user: wa.UserId) -> wa.LineId:
    return wa.LineId(f"line-of-{user}")


def _settings(site: Site, user: wa.UserId) -> Mapping[str, object]:
    return {"unknown_outcome": OUTCOMES[user], "grace_period": timedelta(seconds=site.grace)}


@final
class Host:
    """Everything but the storage that a connector needs."""

    def __init__(self, site: Site) -> None:
        self._directory = directory(site)
        self._channel = Tight(site.burst, site.per_second)

    @wa.hookimpl
    def wa_directory(self) -> MemoryDirectory:
        return self._directory

    @wa.hookimpl
    def wa_channel(self) -> "Tight":
        return self._channel

    @wa.hookimpl
    def wa_transport(self) -> tuple[str, CloudApiTransport]:
        # No certificates: the emulator speaks plain HTTP, and reading them takes a tenth of a second in every life.
        return "whatsapp", CloudApiTransport(Options(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))


@final
class Tight:
    """The Cloud API's channel with other limits."""

    def __init__(self, burst: int, per_second: int) -> None:
        self._channel = CloudApiChannel()
        self.capabilities = evolve(self._channel.capabilities, pair_burst=burst, messages_per_second=per_second)
        self.handshake = self._channel.handshake
        self.read = self._channel.read


def build(site: Site) -> wa.Connector:
    return wa.Connector([Host(site), storage_plugin(site)], discover=False, clock=site.clock)


def connector() -> wa.Connector:
    """What ``wa-connector dispatch`` is given: the connector of the site that the environment names."""
    return build(read_site(os.environ["WA_SOAK_SITE"]))


# --- one life ---------------------------------------------------------------------------------------------------------


def live(site: Site, port: int) -> None:
    """Take webhooks, send what is due, and ask for more, until killed."""
    # A lane that a dead process had leased is nobody's until the lease ends; two minutes are too long for a test.
    setattr(shell, "LEASE", timedelta(seconds=site.lease))  # noqa: B010 - it is final to everybody else
    host = build(site)
    server = _server(host, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(
        target=host.dispatcher.run_until, args=(threading.Event(),), kwargs={"poll": 0.02}, daemon=True
    ).start()
    _ask(host, site)
    while True:
        time.sleep(60)


def _server(host: wa.Connector, port: int) -> ThreadingHTTPServer:
    class Hook(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, _, _ = self.path.partition("?")
            request = wa.WebhookRequest(path, self.command, self.path, dict(self.headers), body)
            reply = host.handle_webhook(request).reply
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST  # noqa: N815 - the handshake; http.server calls it by this name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Hook, bind_and_activate=False)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    server.server_bind()
    server.server_activate()
    return server


def _ask(host: wa.Connector, site: Site) -> None:
    """Send, one numbered command after the other, in turn to every conversation; each until it is answered, across lives."""
    chance = random.Random()
    asked, got = _remembered(site)
    journal = os.open(site.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    threads = _threads(host)
    number = asked if asked > got else asked + 1
    while number <= site.most * len(threads) and (number == asked or not site.is_over.exists()):
        user, thread = threads[number % len(threads)]
        os.write(journal, f"ask {number}\n".encode())
        placed = _insist(host, user, thread, number).or_raise()
        os.write(journal, f"got {number} {placed.message}\n".encode())
        if number > 1 and chance.random() < 0.1:
            # As a screen does whose first call was answered too late.
            earlier = chance.randint(max(1, number - 20), number)
            assert _insist(host, *threads[earlier % len(threads)], earlier).is_repeat
        number += 1
        time.sleep(chance.uniform(0, 0.04))


def _insist(host: wa.Connector, user: wa.UserId, thread: wa.ConversationId, number: int) -> wa.Placement:
    """Send, and again while the storage is away: the same command, whether the first one landed or not."""
    while True:
        try:
            return _send(host, user, thread, number)
        except Unavailable:
            time.sleep(0.05)


def _send(host: wa.Connector, user: wa.UserId, thread: wa.ConversationId, number: int) -> wa.Placement:
    return host.send(TENANT, user, thread, wa.Text(str(number)), command_id=wa.CommandId(f"command {number}"))


def _threads(host: wa.Connector) -> list[tuple[wa.UserId, wa.ConversationId]]:
    """Everybody's conversations, in an order that no life changes."""
    found = [(user, each.id) for user in OUTCOMES for each in host.conversations(TENANT, user, limit=1000)]
    return sorted(found, key=lambda pair: pair[1])


def _remembered(site: Site) -> tuple[int, int]:
    """The last command that was asked for, and the last that was answered."""
    last = {word: number for word, number, _ in journal_of(site)}
    return last.get("ask", 0), last.get("got", 0)


def journal_of(site: Site) -> Iterator[tuple[str, int, str]]:
    """The word (``ask`` or ``got``), the command's number, and of what was got the message's id."""
    lines = site.journal.read_text().splitlines() if site.journal.exists() else []
    for line in lines:
        word, number, *message = line.split()
        yield word, int(number), "".join(message)


# --- the nursery ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Fork a life for each line that is read; tell its process id, and how it ended."""
    site = read_site(sys.argv[1])
    _warm_up(site)
    with socket.socket() as reserved:
        # Bound and not listening: nobody else gets the port between two lives, and who calls then is refused.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        _tell(port)
        for _ in sys.stdin:
            pid = os.fork()
            if pid == 0:
                live(site, port)
            _tell(pid)
            _tell(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _warm_up(site: Site) -> None:
    """Do once what every life would spend its first moments with; nothing is open afterwards."""
    build(site).close()
    importlib.import_module("wa_connector_cloud_api._http")
    if site.postgres:
        importlib.import_module("wa_connector_postgres.connections")
    for kind in (MESSAGE, OUTBOX, CONVERSATION, CUSTOMER, PAIR):
        decode(encode(sample(kind.name, TENANT, 1).value, kind.payload), kind.payload)


if __name__ == "__main__":
    main()
