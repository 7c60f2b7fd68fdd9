"""The dispatcher under the synchronous face: a call that the host makes, in the host's own threads."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.errors import StorageUnavailable
from wa_connector.model.ids import ProviderId
from wa_connector.model.outbound import Accepted, Envelope, SendOutcome
from wa_connector.testing.host import MemoryHost
from wa_connector.testing.memory import MemoryStorage


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture
def connector(host: MemoryHost) -> Iterator[Connector]:
    with host.connector() as made:
        yield made


def ask_for_help(host: MemoryHost, connector: Connector, customers: int) -> None:
    """A message of ours for each of so many customers."""
    elements = [host.said("HELP", sender=(f"+1650555000{number}",)) for number in range(customers)]
    assert customers == connector.handle_webhook(host.webhook(*elements)).taken


class Counted:
    """A stop that is set after so many waits."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.waits: list[float | None] = []

    def is_set(self) -> bool:
        return len(self.waits) >= self.most

    def wait(self, timeout: float | None = None) -> None:
        self.waits.append(timeout)


def test_it_runs_until_it_is_stopped(host: MemoryHost, connector: Connector) -> None:
    """It waits only where there was nothing to do, as long as it was told."""
    ask_for_help(host, connector, 3)
    stop = Counted(2)
    assert connector.dispatcher.run_until(stop, poll=0.25, lanes=2) == 3
    assert len(host.transport.sent) == 3
    assert stop.waits == [0.25, 0.25]


def test_a_round_that_brings_nothing_is_not_the_last(host: MemoryHost, connector: Connector) -> None:
    """Here it looks once more at the lane that has just been emptied, while others are due: they are not left waiting."""
    for _ in range(20):  # as many as leave in one turn
        ask_for_help(host, connector, 3)
    assert connector.dispatcher.run_once(lanes=1) == 20
    assert connector.dispatcher.run_once(lanes=1) == 0
    assert connector.dispatcher.run_until_idle(lanes=1) == 40
    for _ in range(20):
        ask_for_help(host, connector, 3)
    stop = Counted(1)
    assert connector.dispatcher.run_until(stop, lanes=1) == 60


def test_running_until_idle_can_be_stopped(host: MemoryHost, connector: Connector) -> None:
    ask_for_help(host, connector, 3)
    assert connector.dispatcher.run_until_idle(Counted(0)) == 0
    assert connector.dispatcher.run_until_idle() == 3


def test_it_stops_after_the_message_at_hand(host: MemoryHost, connector: Connector) -> None:
    """A stop that comes while a message is being sent ends the loop, and not the message."""
    stop = threading.Event()

    def answer(_: Envelope) -> SendOutcome:
        stop.set()
        return Accepted(ProviderId("out-1"))

    host.transport.answers.append(answer)
    ask_for_help(host, connector, 3)
    connector.dispatcher.run_until(stop)
    assert len(host.transport.sent) == 1
    assert connector.dispatcher.run_once() == 2  # the lanes that were leased with it are free at once


def test_it_goes_on_when_the_storage_is_back(
    host: MemoryHost, connector: Connector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While it is away the dispatcher waits, says so, and stays."""
    ask_for_help(host, connector, 1)
    claim = MemoryStorage.claim
    tries = []

    def away_at_first(*arguments: Any) -> Sequence[Any]:
        tries.append(1)
        if len(tries) == 1:
            raise StorageUnavailable("away")
        return claim(*arguments)

    monkeypatch.setattr(MemoryStorage, "claim", away_at_first)
    stop = Counted(2)
    connector.dispatcher.run_until(stop)
    assert (len(host.transport.sent), len(stop.waits)) == (1, 2)
    assert "the dispatcher waits for the storage: StorageUnavailable" in caplog.text


def test_lanes_are_worked_on_side_by_side_in_a_pool(host: MemoryHost, connector: Connector) -> None:
    """Each on a thread of the host's pool; that two meet shows that they run at once."""
    together = threading.Barrier(2, timeout=30)

    def answer(_: Envelope) -> SendOutcome:
        together.wait()
        return Accepted(ProviderId("out"))

    host.transport.answers.extend([answer, answer])
    ask_for_help(host, connector, 2)
    with ThreadPoolExecutor(2) as pool:
        assert connector.dispatcher.run_once(pool=pool) == 2
