"""The host's observers: told after the commit, contained when they fail, counted, and never in each other's way."""

import logging
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from datetime import datetime

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.model.content import Text
from wa_connector.model.event import Happening, MessageReceived
from wa_connector.model.ids import ConversationId, TenantId
from wa_connector.ports.hooks import hookimpl
from wa_connector.testing.host import ACME, ANA, MemoryHost


class Failing:
    @hookimpl
    def wa_events_committed(self, happenings: Sequence[Happening]) -> None:
        raise ValueError(f"+16505551234 wrote {happenings}")


class Seeing:
    def __init__(self) -> None:
        self.seen: list[tuple[TenantId, datetime, int]] = []

    @hookimpl
    def wa_events_committed(self, tenant: TenantId, at: datetime, happenings: Sequence[Happening]) -> None:
        self.seen.append((tenant, at, len(happenings)))


class Awaited:
    def __init__(self) -> None:
        self.seen = 0

    @hookimpl
    async def wa_events_committed(self, happenings: Sequence[Happening]) -> None:
        self.seen += len(happenings)


class FailingMeter:
    @hookimpl
    def wa_metric(self, name: str) -> None:
        raise ZeroDivisionError(name)


def failures(host: MemoryHost) -> list[Mapping[str, str]]:
    return [labels for name, _, labels in host.measures if name == "hook_failures"]


def test_a_failing_observer_stops_nobody(
    connect: Callable[..., Connector], host: MemoryHost, caplog: pytest.LogCaptureFixture
) -> None:
    """The command is done, the others are told, the failure is counted; the log says where it was, and not its text,
    which may hold a number or a message."""
    before, after = Seeing(), Seeing()
    connector = connect(host, before, Failing(), after)
    assert connector.handle_webhook(host.webhook(host.said("Hello"))).taken == 1
    assert [(ACME, host.clock.now, 3)] == before.seen == after.seen
    assert failures(host) == [{"plugin": "Failing", "hook": "wa_events_committed"}]
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "ValueError" in record.getMessage()
    assert "Failing" in record.getMessage()
    assert "+1650" not in caplog.text


def test_an_asynchronous_observer_needs_an_event_loop(
    connect: Callable[..., Connector], host: MemoryHost, face: str
) -> None:
    """The asynchronous face awaits it; the synchronous one reports it, with nothing left un-awaited."""
    observer, other = Awaited(), Seeing()
    connector = connect(host, observer, other)
    assert connector.handle_webhook(host.webhook(host.said("Hello"))).taken == 1
    assert len(other.seen) == 1
    if face == "aio":
        assert (observer.seen, failures(host)) == (3, [])
    else:
        assert (observer.seen, failures(host)) == (0, [{"plugin": "Awaited", "hook": "wa_events_committed"}])


class Thenable:
    """Awaitable, and no coroutine: nothing to close."""

    @hookimpl
    def wa_events_committed(self) -> Awaitable[None]:
        return self

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


def test_whatever_can_be_awaited_is_awaited(connect: Callable[..., Connector], host: MemoryHost, face: str) -> None:
    """An observer may return any awaitable, in the face that can await it."""
    connect(host, Thenable()).handle_webhook(host.webhook(host.said("Hello")))
    assert (0 if face == "aio" else 1) == len(failures(host))


def test_a_failing_meter_stops_nobody(
    connect: Callable[..., Connector], host: MemoryHost, caplog: pytest.LogCaptureFixture
) -> None:
    """It is reported, once a measurement, and not counted by what has just failed."""
    connector = connect(host, FailingMeter())
    connector.handle_webhook(host.webhook(host.said("Hello")))
    assert "webhook_lag_seconds" in {name for name, _, _ in host.measures}
    assert failures(host) == []
    assert "ZeroDivisionError" in caplog.text


def test_observers_are_told_in_the_order_of_the_log(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """What an observer hears is what the log says, and in its order."""
    cursor = connector.events(ACME).cursor
    connector.handle_webhook(host.webhook(host.said("One"), host.said("Two")))
    connector.send(ACME, ANA, granted, Text("Hi"))
    connector.dispatcher.run_once()
    logged = [event.happening for event in connector.events(ACME, after=cursor).events]
    assert logged == host.happenings
    assert sum(isinstance(each, MessageReceived) for each in logged) == 2


def test_refusals_are_measured_by_their_reason(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """Everything that a rule keeps back is seen by somebody."""
    connector.send(ACME, ANA, granted, Text(" "))
    assert ("refusals", 1, {"reason": "content_empty"}) in host.measures
