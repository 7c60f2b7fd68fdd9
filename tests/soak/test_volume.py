"""Much of everything: what one message costs does not grow with how many there are.

Measured is the processor time of this process, each item's at ten times the amount against each item's before: where
something reads all that there is, the quotient is ten. Clocks on walls are not asked; a busy machine has slow ones.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import evolve

from tests.soak import a_host
from wa_connector import Connector, MessageId, Text
from wa_connector.model.queue import LaneKey
from wa_connector.ports.rows import CONVERSATION, MESSAGE, OUTBOX, Kind
from wa_connector.ports.storage import COMMITTED, Change, Merge, Put, Scan, Wake
from wa_connector.testing.host import ACME, ANA, MemoryHost

CUSTOMERS = 50
BODY = 1000
"""Updates in one webhook: the provider puts no more into one."""
BOUND = 3.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, where that can be had: waiting for a disk costs no processor time, and much of any other."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


def test_ten_thousand_messages(folder: Path) -> None:
    """Most of them are put into the storage as they would be found there: getting there takes longer than the rest."""
    with connected(folder) as (host, connector):
        check_growth(host, connector, 10_000, copy_queued)


@pytest.mark.soak
def test_a_hundred_thousand_messages(folder: Path) -> None:
    """In the end all of them are sent."""
    with connected(folder) as (host, connector):
        check_growth(host, connector, 100_000, ask_for_help)
        some = dispatch(host, connector, 10_000)
        rest = dispatch(host, connector, 80_000)
        assert rest / some < BOUND, (some, rest)
        connector.dispatcher.run_until_idle()
        assert len(host.transport.sent) == 100_000 + 2 * 100 + CUSTOMERS


def test_a_webhook_of_a_thousand_updates_by_one_customer(folder: Path) -> None:
    """What he writes, and what is told of what was written to him."""
    tenth, count = BODY // 10, BODY + 3 * (BODY // 10)
    with connected(folder) as (host, connector):
        already, written_to = len(host.transport.sent), count // 3
        ask_for_help(host, connector, written_to, customers=1)
        assert connector.dispatcher.run_until_idle() == written_to
        words = [host.said(f"line {number}", sender=of(0)) for number in range(count)]
        told = product(range(already + 1, already + 1 + written_to), ("sent", "delivered", "read"))
        reports = [host.reported(report, id=f"out-{number}") for number, report in told]
        for elements in (words, reports):
            costs = [take(host, connector, elements[first : first + tenth]) for first in range(0, 3 * tenth, tenth)]
            whole = take(host, connector, elements[3 * tenth :])
            assert whole / (sum(costs) / len(costs)) < BOUND, (costs, whole)


# --- measuring --------------------------------------------------------------------------------------------------------


@contextmanager
def connected(folder: Path) -> Iterator[tuple[MemoryHost, Connector]]:
    storage = a_host.storage_plugin(a_host.Site(str(folder), "")).wa_storage()
    host = MemoryHost(storage=storage, owner=ANA)
    with host.connector() as connector:
        ask_for_help(host, connector, CUSTOMERS)
        connector.dispatcher.run_until_idle()  # whatever is done late is done now
        yield host, connector


def check_growth(
    host: MemoryHost, connector: Connector, whole: int, more: Callable[[MemoryHost, Connector, int], float]
) -> None:
    """Queue a tenth of so many messages, and then the rest; see what anything costs then and then."""
    tenth = whole // 10
    queued = ask_for_help(host, connector, tenth)
    before = {"queue": queued / tenth, **measure(host, connector)}
    queued += more(host, connector, whole - tenth)
    after = {"queue": queued / whole, **measure(host, connector)}
    quotients = {what: after[what] / before[what] for what in before}
    assert max(quotients.values()) < BOUND, (quotients, before, after)


def measure(host: MemoryHost, connector: Connector) -> Mapping[str, float]:
    """Seconds of processor time an item, by what is done."""
    threads = [each.id for each in connector.conversations(ACME, ANA, limit=CUSTOMERS)]
    texts = [(threads[number % CUSTOMERS], Text(str(number))) for number in range(100)]
    words = [host.said(f"line {number}", sender=of(number % CUSTOMERS)) for number in range(200)]
    cursor = connector.events(ACME, limit=1000).cursor
    return {
        "send": cost(lambda: [connector.send(ACME, ANA, *each) for each in texts], len(texts)),
        "receive": take(host, connector, words),
        "dispatch": dispatch(host, connector, 300),
        "timeline": cost(lambda: [connector.timeline(ACME, ANA, thread) for thread in threads], CUSTOMERS),
        "events": cost(lambda: connector.events(ACME, after=cursor, limit=500), 500),
    }


def ask_for_help(host: MemoryHost, connector: Connector, count: int, customers: int = CUSTOMERS) -> float:
    """Have so many messages queued, for each word of theirs has an answer; the processor time it took."""
    seconds = 0.0
    for first in range(0, count, BODY):
        numbers = range(first, min(first + BODY, count))
        elements = [host.said("HELP", sender=of(number % customers)) for number in numbers]
        seconds += take(host, connector, elements) * len(elements)
    return seconds


def copy_queued(host: MemoryHost, connector: Connector, count: int) -> float:
    """The same without asking: copies of what is queued, each in its lane."""
    entries = rows(host, OUTBOX)
    messages = {message.id: message for message in rows(host, MESSAGE)}

    def copy(number: int) -> Change:
        entry = entries[number % len(entries)]
        message = evolve(messages[entry.message], id=MessageId(f"copy-{number:06}"))
        lane = LaneKey(ACME, entry.line, entry.customer, entry.work)
        return Change(
            ACME,
            entry.due_at,
            puts=(
                Put(MESSAGE.of(ACME, message.id), message),
                Put(OUTBOX.of(ACME, entry.work.value, message.id), evolve(entry, message=message.id)),
            ),
            merges=(Merge(CONVERSATION.of(ACME, message.conversation), {"entries": 1}),),
            wakes=(Wake(lane, entry.due_at),),
        )

    def run() -> None:
        for first in range(0, count, BODY):
            outcomes = host.storage.commit([copy(number) for number in range(first, first + BODY)])
            assert set(outcomes) == {COMMITTED}

    return cost(run, 1)


def rows(host: MemoryHost, kind: Kind) -> list[Any]:
    return [row.value for _, row in host.storage.scan(Scan(kind.name, "key", (ACME,), 10_000)).rows]


def dispatch(host: MemoryHost, connector: Connector, count: int) -> float:
    """What each of about so many costs; the last round may bring some more."""
    sent = host.transport.sent
    already, started = len(sent), time.process_time()
    while len(sent) < already + count:
        connector.dispatcher.run_once()
    return (time.process_time() - started) / (len(sent) - already)


def take(host: MemoryHost, connector: Connector, elements: Sequence[Mapping[str, Any]]) -> float:
    """What each of these costs, in one webhook."""
    request = host.webhook(*elements)

    def run() -> None:
        assert connector.handle_webhook(request).taken == len(elements)

    return cost(run, len(elements))


def cost(call: Callable[[], object], items: int) -> float:
    started = time.process_time()
    call()
    return (time.process_time() - started) / items


def of(customer: int) -> tuple[str]:
    return (f"+1650555{customer:04}",)
