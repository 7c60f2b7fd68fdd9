"""A host under both faces, and a storage with which a test can meddle at the worst moment."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.errors import StorageUnavailable
from wa_connector.model.ids import ConversationId, TenantId
from wa_connector.model.queue import LeasedLane, Work
from wa_connector.ports.storage import (
    Change,
    Conflict,
    EventPage,
    Outcome,
    Page,
    Scan,
    Search,
    Snapshot,
    Storage,
    Wanted,
)
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, LINE, MemoryHost
from wa_connector.testing.memory import MemoryStorage

Meddling = Callable[[], object]


class Meddled:
    """A storage that lets the test act between a load and the commit that follows it."""

    def __init__(self, plain: Storage) -> None:
        self.plain = plain
        self.before_commit: deque[Meddling] = deque()
        """Each is done before one commit."""
        self.is_away = False
        self.is_closed = False
        self.is_contended = False
        self.commits: list[Sequence[Change]] = []
        self.visits = 0
        """How often it was asked to load or to commit."""

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        self.visits += 1
        self._look()
        return self.plain.load(wanted)

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        self.visits += 1
        self._look()
        self.commits.append(changes)
        if self.is_contended:
            return [Conflict()] * len(changes)
        if self.before_commit:
            self.before_commit.popleft()()
        return self.plain.commit(changes)

    def scan(self, scan: Scan) -> Page:
        self._look()
        return self.plain.scan(scan)

    def search(self, search: Search) -> Page:
        self._look()
        found: Page = self.plain.search(search)  # type: ignore[attr-defined]
        return found

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        self._look()
        return self.plain.events_after(tenant, cursor, limit)

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        self._look()
        return self.plain.claim(works, limit, now, lease)

    def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        self._look()
        return self.plain.drop_events(tenant, before, limit)

    def scrub(self) -> None:
        self.plain.scrub()

    def close(self) -> None:
        """The rows stay, for whoever else has them."""
        self.is_closed = True

    def _look(self) -> None:
        if self.is_away:
            raise StorageUnavailable("away, because the test says so")


@pytest.fixture(params=["direct", "aio"])
def face(request: pytest.FixtureRequest) -> str:
    """Every test that uses it runs under both faces."""
    found: str = request.param
    return found


@pytest.fixture
def connect(face: str) -> Iterator[Callable[..., Connector]]:
    """A connector over a host, closed at the end."""
    with ExitStack() as stack:
        yield lambda host, *plugins, **named: stack.enter_context(host.connector(face, plugins, **named))


@pytest.fixture
def storage() -> Meddled:
    return Meddled(MemoryStorage())


@pytest.fixture
def host(storage: Meddled) -> MemoryHost:
    made = MemoryHost(storage=storage)
    storage.plain = MemoryStorage(clock=made.clock)
    return made


@pytest.fixture
def connector(connect: Callable[..., Connector], host: MemoryHost) -> Connector:
    """A connector whose templates are there."""
    made = connect(host)
    made.sync_templates(ACME, ACCOUNT)
    return made


@pytest.fixture
def granted(host: MemoryHost, connector: Connector) -> ConversationId:
    """A thread of Ana's with a customer who agreed, and nothing left to be sent."""
    placed = connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
    connector.dispatcher.run_once()
    host.clock.advance(timedelta(seconds=10))
    connector.handle_webhook(host.webhook(host.said("Yes")))
    connector.dispatcher.run_once()
    host.transport.sent.clear()
    host.happenings.clear()
    host.measures.clear()
    assert placed.conversation is not None
    return placed.conversation


@pytest.fixture
def beside(host: MemoryHost, storage: Meddled) -> Iterator[Connector]:
    """Another process over the same rows, past all meddling."""
    with MemoryHost(storage=Meddled(storage.plain), clock=host.clock).connector() as connector:
        yield connector


@pytest.fixture
def say(host: MemoryHost, beside: Connector) -> Callable[[str], None]:
    """Let a customer's message land by the other process."""

    def land(text: str) -> None:
        assert beside.handle_webhook(host.webhook(host.said(text))).taken == 1

    return land
