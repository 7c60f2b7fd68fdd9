"""Much of everything: what one message costs does not grow with how many there are.

Measured is the processor time of this process, each item's at ten times the amount against each item's before: where
something reads all that there is, the quotient is ten. Clocks on walls are not asked; a busy machine has slow ones.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.soak import a_host
from wa_connector import Connector, Text
from wa_connector.testing.host import ACME, ANA, MemoryHost

CUSTOMERS = 50
BODY = 1000
"""Updates in one webhook: the provider puts no more into one."""
BOUND = 3.0


def test_ten_thousand_messages(tmp_path: Path) -> None:
    compare(tmp_path, 10_000, sent=500)


@pytest.mark.soak
def test_a_hundred_thousand_messages(tmp_path: Path) -> None:
    """All of them are sent as well."""
    compare(tmp_path, 100_000)


def compare(folder: Path, whole: int, *, sent: int | None = None) -> None:
    costs = []
    for total in (whole // 10, whole):
        place = folder / str(total)
        place.mkdir()
        costs.append(measure(place, total, sent or total))
    tenth, all_of_it = costs
    quotients = {what: all_of_it[what] / tenth[what] for what in tenth}
    print(costs, quotients)
    assert {what: quotient for what, quotient in quotients.items() if quotient >= BOUND} == {}, costs


def measure(folder: Path, total: int, sent: int) -> Mapping[str, float]:
    """Seconds of processor time an item, by what is done, with ``total`` messages queued."""
    storage = a_host.storage_plugin(a_host.Site(str(folder), "")).wa_storage()
    host = MemoryHost(storage=storage, owner=ANA)
    with host.connector() as connector:
        costs = {"queue by webhook": queue(host, connector, total)}
        threads = [each.id for each in connector.conversations(ACME, ANA, limit=CUSTOMERS)]
        texts = [(threads[number % CUSTOMERS], Text(str(number))) for number in range(200)]
        costs["send"] = cost(lambda: [connector.send(ACME, ANA, *each) for each in texts], len(texts))
        costs["webhook of one customer"] = take(
            host, connector, [host.said(f"line {n}", sender=of(0)) for n in range(BODY)]
        )
        costs["dispatch"] = dispatch(host, connector, sent)
        reports = [host.reported("delivered", id=f"out-{number + 1}") for number in range(min(sent, BODY))]
        costs["reports"] = take(host, connector, reports)
        costs["events"] = cost(lambda: connector.events(ACME, after="", limit=500), 500)
    return costs


def queue(host: MemoryHost, connector: Connector, total: int) -> float:
    """Each word of theirs has an answer, which is queued."""
    seconds = 0.0
    for first in range(0, total, BODY):
        elements = [host.said("HELP", sender=of(number % CUSTOMERS)) for number in range(first, first + BODY)]
        seconds += take(host, connector, elements) * BODY
    return seconds / total


def dispatch(host: MemoryHost, connector: Connector, sent: int) -> float:
    def run() -> None:
        while len(host.transport.sent) < sent:
            connector.dispatcher.run_once()

    started = time.process_time()
    run()
    return (time.process_time() - started) / len(host.transport.sent)


def take(host: MemoryHost, connector: Connector, elements: Sequence[Mapping[str, Any]]) -> float:
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
