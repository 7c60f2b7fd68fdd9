"""Several dispatchers on one storage: nothing twice, each customer's messages in order, and no limit broken.

Where it is the pair limit that is met, both clocks, the hosts' and the provider's, run ten times as fast as the world's:
so it is met within seconds, and a call that takes 20 ms longer than the one before it is as bad as one that takes 200.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wa_connector_emulator import Emulator, HttpCall, HttpReply, Settings, rules

from tests.soak import a_host
from tests.soak.a_host import ENDPOINT, NUMBERS, TENANT, VERIFY_TOKEN, Site
from tests.soak.a_provider import Slow, is_all_told, provider, wait_until
from wa_connector import CommandId, Connector, ConversationId, Event, Text, UserId, WebhookRequest

COMMAND = Path(sys.executable).with_name("wa-connector")
ANA = UserId("ana")
SPEED = 10.0
BURST = 5
PER_SECOND = 4


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's burst is a small one, so that it is soon used up."""
    monkeypatch.setattr(rules, "PAIR_BURST", BURST)


def test_four_dispatchers(tmp_path: Path) -> None:
    dispatch(tmp_path, dispatchers=4, customers=4, each=BURST + 7)


def test_four_dispatchers_on_postgresql(tmp_path: Path, postgres: str) -> None:
    dispatch(tmp_path, dispatchers=4, customers=4, each=BURST + 7, postgres=postgres)


@pytest.mark.parametrize("storage", ["sqlite", "postgresql"])
def test_four_dispatchers_of_one_number(tmp_path: Path, storage: str, request: pytest.FixtureRequest) -> None:
    """Many customers, so that it is the number's limit that is met: all could be written to at once."""
    postgres = request.getfixturevalue("postgres") if storage == "postgresql" else ""
    dispatch(tmp_path, dispatchers=4, customers=20, each=2, postgres=postgres, per_second=PER_SECOND, speed=1.0)


@pytest.mark.soak
@pytest.mark.parametrize("storage", ["sqlite", "postgresql"])
def test_eight_dispatchers(tmp_path: Path, storage: str, request: pytest.FixtureRequest) -> None:
    postgres = request.getfixturevalue("postgres") if storage == "postgresql" else ""
    dispatch(tmp_path, dispatchers=8, customers=40, each=BURST + 95, postgres=postgres)


def dispatch(
    folder: Path,
    *,
    dispatchers: int,
    customers: int,
    each: int,
    postgres: str = "",
    per_second: int = 0,
    speed: float = SPEED,
) -> None:
    connectors: list[Connector] = []

    def receive(call: HttpCall) -> HttpReply:
        request = WebhookRequest(ENDPOINT, call.method, call.url, call.headers, call.body)
        reply = connectors[0].handle_webhook(request).reply
        return HttpReply(reply.status, reply.body)

    settings = Settings(throughput_per_second=per_second or None)
    with provider(customers, settings, sender=receive) as (emulator, graph_url):
        site = Site(
            str(folder),
            graph_url,
            began=time.time(),
            speed=speed,
            burst=BURST,
            per_second=per_second,
            postgres=postgres,
        )
        run_as_fast(emulator, site)
        with a_host.build(site) as connector:
            connectors.append(connector)
            emulator.subscribe_webhook("http://host.test/hook", VERIFY_TOKEN, handshake=False)
            threads = greeted(emulator, connector, customers)
            with reading(connector) as seen, running(dispatchers, site) as processes:
                queue(connector, threads, each)
                wait_until(
                    lambda: len(emulator.sent()) >= each * customers and is_all_told(emulator),
                    moves=lambda: (len(emulator.sent()), len(seen)),
                )
                counts = ended(processes)
            everything = connector.events(TENANT, limit=1_000_000).events
        assert everything == tuple(seen)
        assert sum(counts) == each * customers
        assert set(emulator.sent_counts().values()) == {1}
        assert len(emulator.sent()) == each * customers
        slow: Any = emulator.app
        assert isinstance(slow, Slow)
        assert slow.refusals == []
        in_order = [str(number) for number in range(each)]
        assert [in_order] * customers == list(texts(emulator).values())


def run_as_fast(emulator: Emulator, site: Site) -> None:
    """Let the emulator's clock show what the host's does."""
    emulator.clock._monotonic = lambda: site.clock().timestamp()
    emulator.clock.set(site.clock())


def greeted(emulator: Emulator, connector: Connector, customers: int) -> Sequence[ConversationId]:
    """Each customer's conversation, opened by himself."""
    for customer in emulator.customers():
        emulator.type_text(customer.phone, "Hello", number_id=NUMBERS[ANA][0])
    wait_until(lambda: is_all_told(emulator))
    found = [each.id for each in connector.conversations(TENANT, ANA, limit=1000)]
    assert len(found) == customers
    return found


def queue(connector: Connector, threads: Sequence[ConversationId], each: int) -> None:
    """To everybody in turn, so that the dispatchers wake, sleep and compete all the time."""
    for number in range(each):
        for thread in threads:
            command = CommandId(f"{thread} {number}")
            connector.send(TENANT, ANA, thread, Text(str(number)), command_id=command).or_raise()


def texts(emulator: Emulator) -> dict[str, list[str]]:
    """What each customer was sent, in the provider's order."""
    found: dict[str, list[str]] = defaultdict(list)
    for message in emulator.sent():
        found[str(message.bsuid)].append(str(message.content.text))
    return found


@contextmanager
def reading(connector: Connector) -> Iterator[list[Event]]:
    """A reader that follows the log, page by page, for as long as anything happens."""
    seen: list[Event] = []
    over = threading.Event()

    def follow() -> None:
        cursor = ""
        while True:
            was_over = over.is_set()
            page = connector.events(TENANT, after=cursor, limit=7)
            seen.extend(page.events)
            cursor = page.cursor
            if not page.events:
                if was_over:
                    return
                time.sleep(0.005)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@contextmanager
def running(count: int, site: Site) -> Iterator[list["subprocess.Popen[str]"]]:
    """So many processes of ``wa-connector dispatch``."""
    command = [COMMAND, "dispatch", "a_host:connector", "--app-dir", Path(__file__).parent, "--poll", "0.02"]
    processes = [
        subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "WA_SOAK_SITE": str(site.write()), "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"},
        )
        for _ in range(count)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def ended(processes: Sequence["subprocess.Popen[str]"]) -> list[int]:
    """End them as a service manager does; how many messages each says it sent."""
    counts = []
    for process in processes:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        found = re.search(r"messages and files\D+(\d+)", output)
        assert found, output
        counts.append(int(found[1]))
    return counts
