"""A short message service centre for the session, started at first use; each test finds it as it was in the beginning."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
from wa_connector_sms import SmsChannel, SmsTransport
from wa_connector_sms.testing import Missing, Smsc
from wa_connector_sms.testing.kannel import KannelGateway

from wa_connector import Connector
from wa_connector.decide.sending import Placement
from wa_connector.model.address import Address, number
from wa_connector.model.contact import Contact
from wa_connector.model.content import Content, Text
from wa_connector.model.directory import Account, App, ChannelSwitch, Line, Organization, Seat, User
from wa_connector.model.ids import AppId, ContactId, MessageId, OrganizationId, TenantId, UserId
from wa_connector.model.message import ByCustomer, BySystem, Message, MessageStatus, NoticeKind
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import WebhookReply, WebhookRequest
from wa_connector.ports.rows import MESSAGE
from wa_connector.ports.storage import Scan
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.host import ACCOUNT, ACME, ANA, LINE, MemoryHost, ScriptedTransport
from wa_connector.testing.memory import MemoryStorage


def begun() -> Smsc:
    try:
        return Smsc()
    except Missing as missing:
        pytest.skip(f"NOT RUN: text messages over a real SMPP connection, for want of node and npm ({missing})")


@pytest.fixture(scope="session")
def one_smsc() -> Iterator[Smsc]:
    with begun() as smsc:
        yield smsc


@pytest.fixture(scope="session")
def kannels_smsc() -> Iterator[Smsc]:
    """Kannel's own: it stays connected, and tries again for a long time what was not answered."""
    with begun() as smsc:
        yield smsc


@pytest.fixture
def smsc(one_smsc: Smsc) -> Smsc:
    one_smsc.reset()
    return one_smsc


# --- a host that text messages come in at -----------------------------------------------------------------------------


class Site:
    """The host's web server on loopback: whatever comes in goes to ``taker``, and is kept."""

    def __init__(self) -> None:
        self.taker: Callable[[WebhookRequest], WebhookReply] | None = None
        self.requests: list[WebhookRequest] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                url = f"http://127.0.0.1:{site.port}{self.path}"
                endpoint = self.path.partition("?")[0]
                request = WebhookRequest(endpoint, self.command, url, dict(self.headers.items()), body)
                site.requests.append(request)
                reply = site.taker(request) if site.taker is not None else WebhookReply(503)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Nothing is written: a test says what it wants to."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="session")
def one_site() -> Iterator[Site]:
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def site(one_site: Site) -> Iterator[Site]:
    one_site.requests.clear()
    yield one_site
    one_site.taker = None


PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-kannel.md"


@pytest.fixture(scope="session")
def kannel(kannels_smsc: Smsc, one_site: Site) -> Iterator[KannelGateway]:
    """Kannel, with the configuration that the how-to shows, between the service centre and the site."""
    (configuration,) = re.findall(r"<!-- file: kannel.conf -->\n```\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    try:
        gateway = KannelGateway(configuration, kannels_smsc.port, one_site.port)
    except Missing as missing:
        pytest.skip(f"NOT RUN: text messages through a real Kannel, for want of it ({missing})")
    with gateway:
        yield gateway


# --- a whole connector over one gateway -------------------------------------------------------------------------------


class Everybody:
    """Contacts in which a contact's id is his number."""

    is_immediate = True

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        return Contact(contact, "Carl", (number(contact),))

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        return []


class Texting:
    """A connector on the SMS channel over one gateway, with everything of the SDK in between, at the world's time."""

    def __init__(self, app: App, account: Account, settings: Mapping[str, object]) -> None:
        self.host = MemoryHost(storage=MemoryStorage())
        line = Line(ACME, LINE, account.id, "sms", "+4930123456", "+4930123456")
        path = (Organization(OrganizationId(ACME), "Acme", {"sms": ChannelSwitch(True)}, settings),)
        seats = [Seat(User(ACME, ANA, "Ana"), path)]
        self.host.directory = MemoryDirectory(apps=[app], accounts=[account], lines=[(line, path)], seats=seats)
        self.host.channel = SmsChannel()
        self.host.contacts = cast(MemoryContacts, Everybody())
        self.host.transport = cast(ScriptedTransport, SmsTransport())
        self.connector = Connector([self.host], discover=False)

    def take(self, request: WebhookRequest) -> WebhookReply:
        return self.connector.handle_webhook(request).reply

    def placed(self, to: str, content: Content | str) -> Placement:
        """What Ana writes to whoever has this number, committed and not sent."""
        started = self.connector.start(ACME, ANA, LINE, ContactId(to))
        if started.conversation is None:
            return started
        text = Text(content) if isinstance(content, str) else content
        return self.connector.send(ACME, ANA, started.conversation, text)

    def write(self, to: str, content: Content | str) -> Message:
        """… and handed over."""
        placed = self.placed(to, content)
        assert placed.message is not None, placed.decision
        self.dispatch()
        return self.stored(placed.message)

    def dispatch(self) -> int:
        return self.connector.dispatcher.run_once()

    def stored(self, message: MessageId) -> Message:
        key = MESSAGE.of(ACME, message)
        found: Message = self.host.storage.load([key]).rows[key].value
        return found

    @property
    def messages(self) -> list[Message]:
        """All there are, oldest first."""
        found = [row.value for _, row in self.host.storage.scan(Scan("message", "key", (ACME,), 500)).rows]
        return sorted(found, key=lambda message: (message.at, message.id))

    @property
    def received(self) -> list[Content]:
        """What customers wrote."""
        return [message.content for message in self.messages if isinstance(message.author, ByCustomer)]

    @property
    def notices(self) -> list[NoticeKind]:
        """What the system wrote by itself."""
        return [message.author.notice for message in self.messages if isinstance(message.author, BySystem)]

    def becomes(self, message: Message, status: MessageStatus, within: float = 15.0) -> Message:
        """Wait until a message is so, by what comes in meanwhile."""
        until = time.monotonic() + within
        while (found := self.stored(message.id)).status is not status:
            assert time.monotonic() < until, f"it is {found.status}: {found.failure}"
            time.sleep(0.02)
        return found

    def wait(self, holds: Callable[[], object], within: float = 15.0) -> None:
        """Wait until something holds."""
        until = time.monotonic() + within
        while not holds():
            assert time.monotonic() < until, "it does not come about"
            time.sleep(0.02)

    def close(self) -> None:
        self.connector.close()


@pytest.fixture
def texting(site: Site) -> Iterator[Callable[..., Texting]]:
    """Makes such a connector; the site hands it what comes in. ``secret`` is the app's, ``account`` the rest."""
    made: list[Texting] = []

    def make(gateway: str, secret: str, settings: Mapping[str, object] | None = None, **account: Any) -> Texting:
        app = App(AppId("app"), ACME, "sms", f"/webhooks/{gateway}", (Secret(secret),), Secret(""), gateway)
        ref = account.pop("provider_ref", "operator")
        given = Account(ACME, ACCOUNT, app.id, "sms", ref, ref, gateway=gateway, **account)
        texting = Texting(app, given, settings or {})
        made.append(texting)
        site.taker = texting.take
        return texting

    yield make
    for texting in made:
        texting.close()
