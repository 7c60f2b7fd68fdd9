"""Fixtures for projects that embed the SDK (needs pytest). A project opts in, in its root ``conftest.py``::

    pytest_plugins = ["wa_connector.testing.fixtures"]

``wa_clock``, ``wa_storage``, ``wa_host``, ``wa_connector`` and ``wa_game`` build on one another, each fresh a test; a
project overrides one by defining its own of the same name, and the others use it: a ``wa_storage`` that gives its own
storage is enough to have everything run on that.
"""

from collections.abc import Iterator

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.ports.storage import Storage
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.game import Game
from wa_connector.testing.host import MemoryHost
from wa_connector.testing.memory import MemoryStorage


@pytest.fixture
def wa_clock() -> VirtualClock:
    """A clock that stands still until the test moves it."""
    return VirtualClock()


@pytest.fixture
def wa_storage(wa_clock: VirtualClock) -> Storage:
    """An empty storage in memory, whose own clock is the test's."""
    return MemoryStorage(clock=wa_clock)


@pytest.fixture
def wa_plugins() -> list[object]:
    """What is registered beside the host: nothing, unless the project says otherwise."""
    return []


@pytest.fixture
def wa_host(wa_clock: VirtualClock, wa_storage: Storage) -> MemoryHost:
    """Users, contacts, a line and a scripted transport, all in memory."""
    return MemoryHost(clock=wa_clock, storage=wa_storage)


@pytest.fixture
def wa_connector(wa_host: MemoryHost, wa_plugins: list[object]) -> Iterator[Connector]:
    """A connector over the host; closed after the test."""
    with wa_host.connector(plugins=wa_plugins) as connector:
        yield connector


@pytest.fixture
def wa_game(wa_clock: VirtualClock, wa_storage: Storage, wa_plugins: list[object]) -> Iterator[Game]:
    """A game with the rules watched (see ``testing.game``), on the same clock and storage, with a connector of its own;
    closed after the test."""
    game = Game(MemoryHost(clock=wa_clock, storage=wa_storage), wa_plugins)
    yield game
    game.connector.close()


__all__ = ["wa_clock", "wa_connector", "wa_game", "wa_host", "wa_plugins", "wa_storage"]
