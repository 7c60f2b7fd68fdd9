"""A line's pace and its stops: waits for all its lanes, in every process, and never failures."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from wa_connector.direct.connector import Connector
from wa_connector.errors import UsageError
from wa_connector.model.content import Text
from wa_connector.model.directory import LineSetup
from wa_connector.model.event import Happening, LineResumed, LineStopped
from wa_connector.model.ids import ConversationId, LineId, ProviderId, TenantId
from wa_connector.model.message import MessageStatus
from wa_connector.model.outbound import Accepted, AccountStopped, OutcomeUnknown, Rejected, SendOutcome
from wa_connector.policy.limits import SPANS, portions
from wa_connector.testing.clock import START
from wa_connector.testing.host import ACME, ANA, LINE, PLAIN, MemoryHost

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled

SECOND = timedelta(seconds=1)
CUSTOMERS = 12
PACED = evolve(PLAIN, messages_per_second=80)
PACE = portions(80)
TOKEN = AccountStopped("190", "the token is not valid")


class Running:
    """A clock that nobody has to move."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=time.monotonic() - self._began)

    def __call__(self) -> datetime:
        return self.now


def greet(host: MemoryHost, connector: Connector, customers: int = CUSTOMERS) -> Sequence[ConversationId]:
    """Conversations with several customers, each opened by himself; Ana answers each of them once."""
    for number in range(customers):
        connector.handle_webhook(host.webhook(host.said("Hello", sender=(f"+1650555{number:04}",))))
    threads = [each.id for each in connector.conversations(ACME, ANA, unassigned=True)]
    for thread in threads:
        connector.take(ACME, ANA, thread)
        connector.send(ACME, ANA, thread, Text("Hi")).or_raise()
    return threads


def statuses(connector: Connector, threads: Sequence[ConversationId]) -> set[MessageStatus]:
    found = [connector.timeline(ACME, ANA, thread).messages for thread in threads]
    return {each.status for page in found for each in page if each.content == Text("Hi")}


def of_lines(host: MemoryHost) -> list[Happening]:
    return [each for each in host.happenings if isinstance(each, LineStopped | LineResumed)]


@contextmanager
def another(host: MemoryHost, face: str) -> Iterator[tuple[MemoryHost, Connector]]:
    """Another process over the same rows."""
    other = MemoryHost(storage=host.storage, clock=host.clock, capabilities=host.channel.capabilities)
    with other.connector(face) as connector:
        yield other, connector


# --- the pace ---------------------------------------------------------------------------------------------------------


def test_a_line_sends_no_faster_than_it_may(connect: Callable[..., Connector]) -> None:
    """What goes beyond a span's portion waits for the next one; everything leaves, and nothing fails."""
    host = MemoryHost(capabilities=PACED)
    connector = connect(host)
    threads = greet(host, connector)
    for turn in range(1, CUSTOMERS // PACE.burst + 1):
        connector.dispatcher.run_until_idle()
        assert len(host.transport.sent) == turn * PACE.burst
        host.clock.advance(PACE.interval)
    assert statuses(connector, threads) == {MessageStatus.ACCEPTED}


def test_processes_share_the_pace_of_a_line(connect: Callable[..., Connector], face: str) -> None:
    """The second one gets the time behind the first one's, and nothing of the same moment."""
    host = MemoryHost(capabilities=PACED)
    connector = connect(host)
    greet(host, connector)
    with another(host, face) as (beside, other):
        connector.dispatcher.run_once(lanes=1)
        other.dispatcher.run_until_idle()
        assert (len(host.transport.sent), len(beside.transport.sent)) == (1, 0)
        host.clock.advance(SPANS * PACE.interval)
        other.dispatcher.run_until_idle()
        assert len(beside.transport.sent) == PACE.burst


def test_what_a_rule_refuses_costs_nothing_of_the_pace(connect: Callable[..., Connector]) -> None:
    host = MemoryHost(capabilities=PACED)
    connector = connect(host)
    threads = greet(host, connector)
    stopping = [host.said("STOP", sender=(f"+1650555{number:04}",)) for number in range(CUSTOMERS - 1)]
    connector.handle_webhook(host.webhook(*stopping))
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == PACE.burst
    assert MessageStatus.REFUSED in statuses(connector, threads)


@pytest.mark.parametrize(("per_second", "at_once"), [(0, CUSTOMERS), (20, 1), (160, 8)])
def test_a_line_may_have_a_pace_of_its_own(
    connect: Callable[..., Connector], monkeypatch: pytest.MonkeyPatch, per_second: int, at_once: int
) -> None:
    """What the directory says of it beats what the channel says; 0 is no limit."""
    host = MemoryHost(capabilities=PACED)
    given = host.directory.line

    def line(tenant: TenantId, line: LineId) -> LineSetup | None:
        setup = given(tenant, line)
        assert setup is not None
        return evolve(setup, line=evolve(setup.line, messages_per_second=per_second))

    monkeypatch.setattr(host.directory, "line", line)
    connector = connect(host)
    greet(host, connector)
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == at_once


def test_lanes_wait_on_the_spot_while_time_passes(face: str) -> None:
    """With a clock that runs nobody has to ask again: one round sends what takes several spans."""
    clock: Any = Running()
    host = MemoryHost(capabilities=PACED, clock=clock)
    with host.connector(face) as connector:
        greet(host, connector)
        assert connector.dispatcher.run_once(lanes=CUSTOMERS) == CUSTOMERS


@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_a_storage_that_is_slower_than_a_share_stops_no_line(
    connect: Callable[..., Connector], storage: "Meddled", host: MemoryHost, seconds: float
) -> None:
    """A share that is over before it is heard of is of no use: the next one begins later."""
    slow = MemoryHost(capabilities=PACED, storage=storage, clock=host.clock)
    connector = connect(slow)
    greet(slow, connector)
    for _ in range(60):
        storage.before_commit += [lambda: slow.clock.advance(seconds=seconds)] * 100
        connector.dispatcher.run_once(lanes=1)
        storage.before_commit.clear()
    assert len(slow.transport.sent) == CUSTOMERS


def test_threads_of_one_process_share_its_share() -> None:
    """However many ask at once, no more leave than one process may send."""
    host = MemoryHost(capabilities=PACED)
    with host.connector() as connector:
        greet(host, connector)
        threads = [Thread(target=connector.dispatcher.run_once, kwargs={"lanes": 3}) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(host.transport.sent) == PACE.burst


# --- stops ------------------------------------------------------------------------------------------------------------


def test_a_stopped_line_keeps_its_messages(connect: Callable[..., Connector], host: MemoryHost) -> None:
    """One message finds out; the others are not tried, wait in their order, and the host hears of it once."""
    connector = connect(host)
    threads = greet(host, connector)
    host.transport.answers.append(TOKEN)
    connector.dispatcher.run_once(lanes=1)
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == 1
    assert statuses(connector, threads) == {MessageStatus.QUEUED}
    assert of_lines(host) == [LineStopped(LINE, "190")]
    (stop,) = connector.stopped_lines(ACME).values()
    assert (stop.code, stop.since_at) == ("190", host.clock.now)
    assert ("account_errors", 1, {"channel": "plain", "code": "190"}) in host.measures


def test_a_stopped_line_stops_in_every_process(connect: Callable[..., Connector], host: MemoryHost, face: str) -> None:
    connector = connect(host)
    greet(host, connector)
    host.transport.answers.append(TOKEN)
    connector.dispatcher.run_once(lanes=1)
    with another(host, face) as (beside, other):
        other.dispatcher.run_until_idle()
        assert beside.transport.sent == []


@pytest.mark.parametrize("answer", [Accepted(ProviderId("out")), Rejected("131026", "not on WhatsApp")])
def test_a_line_resumes_by_itself(connect: Callable[..., Connector], host: MemoryHost, answer: SendOutcome) -> None:
    """One message tries again; when the provider takes it, or refuses it for reasons of its own, all others follow."""
    connector = connect(host)
    threads = greet(host, connector)
    host.transport.answers += [TOKEN, TOKEN, answer]
    connector.dispatcher.run_once(lanes=1)
    for tried in (1, 2):
        assert len(host.transport.sent) == tried
        (stop,) = connector.stopped_lines(ACME).values()
        host.clock.advance_to(stop.probe_at)
        connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == CUSTOMERS + 2
    assert MessageStatus.QUEUED not in statuses(connector, threads)
    assert connector.stopped_lines(ACME) == {}
    assert of_lines(host) == [LineStopped(LINE, "190"), LineResumed(LINE)]


def test_a_probe_without_an_answer_resumes_nothing(connect: Callable[..., Connector], host: MemoryHost) -> None:
    """Nobody knows whether the provider took it: the line stays as it is, and another one tries later."""
    connector = connect(host)
    greet(host, connector)
    host.transport.answers += [TOKEN, OutcomeUnknown("cut off")]
    connector.dispatcher.run_once(lanes=1)
    (stop,) = connector.stopped_lines(ACME).values()
    host.clock.advance_to(stop.probe_at)
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == 2
    (later,) = connector.stopped_lines(ACME).values()
    assert later.probe_at > stop.probe_at
    host.clock.advance_to(later.probe_at)
    connector.dispatcher.run_until_idle()
    assert connector.stopped_lines(ACME) == {}


def test_the_host_resumes_a_line(connect: Callable[..., Connector], host: MemoryHost) -> None:
    """At once, whatever the probes; a second call does nothing."""
    connector = connect(host)
    greet(host, connector)
    host.transport.answers.append(TOKEN)
    connector.dispatcher.run_once(lanes=1)
    connector.dispatcher.run_until_idle()
    assert connector.resume_line(ACME, LINE)
    assert not connector.resume_line(ACME, LINE)
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == CUSTOMERS + 1
    assert of_lines(host) == [LineStopped(LINE, "190"), LineResumed(LINE)]


def test_a_line_that_nobody_knows_is_not_resumed(connector: Connector) -> None:
    with pytest.raises(UsageError, match="no line"):
        connector.resume_line(ACME, LineId("nowhere"))


def test_many_lanes_are_woken(
    connect: Callable[..., Connector], host: MemoryHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the queue is longer than a page."""
    monkeypatch.setattr("wa_connector.shell.waking.A_PAGE", 5)
    connector = connect(host)
    threads = greet(host, connector)
    for thread in threads:
        connector.send(ACME, ANA, thread, Text("Hi")).or_raise()
    host.transport.answers.append(TOKEN)
    connector.dispatcher.run_once(lanes=1)
    connector.dispatcher.run_until_idle()
    connector.resume_line(ACME, LINE)
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == 2 * CUSTOMERS + 1
