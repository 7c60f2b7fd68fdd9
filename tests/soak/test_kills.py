"""A host that is killed again and again, at any moment, loses nothing and does nothing twice.

What can be promised, and is looked for here:

- What was answered 200 is there, once, after every kill.
- A command is carried out once, however often it is given, and what ``send`` returned is there after every kill.
- Where unknown outcomes are *parked*, the provider gets a message once or not at all, and each that it did not get is
  parked, for a person to see.
- Where they are *sent again*, the provider gets every message; and twice only one that it told nothing about in time. A
  copy goes out when the grace period is over, and never after a report was taken.
- The first copies of what one customer is sent leave in the order in which they were asked for.

The moments are random, from a seed; what the process is doing then is the machine's choice.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import pytest
from wa_connector_emulator import BusinessMessage, Emulator, Settings, Webhook
from wa_connector_postgres.testing import Server

from tests.soak import a_host
from tests.soak.a_host import ENDPOINT, NUMBERS, OUTCOMES, TENANT, VERIFY_TOKEN, Site
from tests.soak.a_provider import is_all_told, provider, wait_until
from wa_connector import Message, MessageStatus, Text, UnknownOutcome
from wa_connector.model.message import ByCustomer, ByUser
from wa_connector.model.queue import EntryState
from wa_connector.ports.rows import MESSAGE, OUTBOX, WAITING, Kind
from wa_connector.ports.storage import Range, Scan, Storage

RETRY = timedelta(milliseconds=300)
"""How soon the provider brings a webhook again."""
GRACE = 5.0
LEASE = 1.0
SLACK = timedelta(seconds=1)
"""Between the instant at which a host hands a message over and the one at which the provider has it."""


@pytest.mark.parametrize("seed", [1])
def test_twenty_kills_on_sqlite(seed: int, tmp_path: Path) -> None:
    kill(tmp_path, seed, kills=20, customers=6)


@pytest.mark.parametrize("seed", [1])
def test_ten_kills_on_postgresql(seed: int, tmp_path: Path, postgres: str) -> None:
    kill(tmp_path, seed, kills=10, customers=6, postgres=postgres)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_twenty_five_kills_on_sqlite(seed: int, tmp_path: Path) -> None:
    kill(tmp_path, seed, kills=25, customers=25)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_twenty_five_kills_on_postgresql(seed: int, tmp_path: Path, postgres: str) -> None:
    kill(tmp_path, seed, kills=25, customers=25, postgres=postgres)


@pytest.mark.parametrize("seed", [1])
def test_the_server_is_killed_twice(seed: int, tmp_path: Path, postgres: str, server: Server) -> None:
    """Not the host: it goes on by itself when PostgreSQL is back, and all that is promised holds."""
    kill(tmp_path, seed, kills=2, customers=6, postgres=postgres, server=server)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_the_server_is_killed_ten_times(seed: int, tmp_path: Path, postgres: str, server: Server) -> None:
    kill(tmp_path, seed, kills=10, customers=25, postgres=postgres, server=server)


def kill(
    folder: Path, seed: int, *, kills: int, customers: int, postgres: str = "", server: Server | None = None
) -> None:
    """Play, with so many kills of the host (or of the server, where one is given), and check all that is promised."""
    chance = random.Random(seed)
    with provider(customers, Settings(retry_delays=(RETRY,))) as (emulator, graph_url):
        site = Site(str(folder), graph_url, GRACE, LEASE, postgres=postgres)
        nursery = Nursery(site)
        try:
            emulator.subscribe_webhook(f"http://127.0.0.1:{nursery.port}{ENDPOINT}", VERIFY_TOKEN, handshake=False)
            ledger = Ledger(emulator, a_host.storage_plugin(site).wa_storage())
            greet(emulator, nursery)
            with phones(emulator, chance.random()):
                if server is not None:
                    kill_server(server, nursery, ledger, chance, kills)
                else:
                    kill_hosts(nursery, ledger, chance, kills)
            site.is_over.touch()
            nursery.begin()
            wait_until(ledger.is_settled)
            nursery.kill()
            sys.stdout.write(f"{kills} kills, {ledger.check_all(site)}\n")
        except BaseException as error:
            error.add_note(f"seed {seed}; what the host's processes said is in {nursery.log}")
            raise
        finally:
            nursery.close()


def kill_hosts(nursery: "Nursery", ledger: "Ledger", chance: random.Random, kills: int) -> None:
    for _ in range(kills):
        nursery.begin()
        time.sleep(chance.uniform(0.03, 0.5))
        nursery.kill()
        ledger.check_what_was_acknowledged()


def kill_server(server: Server, nursery: "Nursery", ledger: "Ledger", chance: random.Random, kills: int) -> None:
    nursery.begin()
    for _ in range(kills):
        time.sleep(chance.uniform(0.3, 1.0))
        server.kill()
        time.sleep(chance.uniform(0, 0.3))
        server.start()
        ledger.check_what_was_acknowledged()
    nursery.kill()


# --- whoever writes ---------------------------------------------------------------------------------------------------


def greet(emulator: Emulator, nursery: "Nursery") -> None:
    """Let everybody write to both lines first, so that there is a conversation with each and its window is open."""
    nursery.begin()
    for customer in emulator.customers():
        for number, _ in NUMBERS.values():
            emulator.type_text(customer.phone, "Hello", number_id=number)
    wait_until(lambda: is_all_told(emulator))
    nursery.kill()


@contextmanager
def phones(emulator: Emulator, seed: float) -> Iterator[None]:
    """Customers who write, and read, all the time."""
    chance, over = random.Random(seed), threading.Event()
    people = [customer.phone for customer in emulator.customers()]
    numbers = [number for number, _ in NUMBERS.values()]

    def write() -> None:
        count = 0
        while not over.wait(chance.uniform(0, 0.05)):
            count += 1
            emulator.type_text(chance.choice(people), f"line {count}", number_id=chance.choice(numbers))
            if chance.random() < 0.05:
                emulator.read(chance.choice(people))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# --- the host --------------------------------------------------------------------------------------------------------


@final
class Nursery:
    """The process of ``a_host`` that lives begin in."""

    def __init__(self, site: Site) -> None:
        self.log = Path(site.folder, "host.log")
        self._errors = self.log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, a_host.__file__, str(site.write())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._life = 0
        self.port = self._read()

    def begin(self) -> None:
        """Begin a life."""
        assert self._process.stdin is not None
        self._process.stdin.write("live\n")
        self._process.stdin.flush()
        self._life = self._read()

    def kill(self) -> None:
        """Kill the life; one that has ended by itself is a failure of its own."""
        life, self._life = self._life, 0
        os.kill(life, signal.SIGKILL)
        assert self._read() == -signal.SIGKILL, self.log.read_text()

    def close(self) -> None:
        """End everything; a failed check may have left a life."""
        if self._life:
            self.kill()
        self._process.communicate(timeout=30)
        self._errors.close()

    def _read(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text()
        return int(line)


# --- what is to be found ----------------------------------------------------------------------------------------------


@final
class Ledger:
    """What the provider knows beside what the host has stored."""

    def __init__(self, emulator: Emulator, storage: Storage) -> None:
        self._emulator = emulator
        self._storage = storage
        self._checked: set[int] = set()

    def check_what_was_acknowledged(self) -> None:
        """Each message that was answered 200 is stored once, and each report that was, has moved its message."""
        hooks = [hook for hook in self._emulator.webhooks() if hook.state == "delivered"]
        fresh = [hook for hook in hooks if hook.id not in self._checked]
        self._checked.update(hook.id for hook in fresh)
        for hook in fresh:
            for said in elements(hook, "messages"):
                assert len(self._stored(hook, said["id"])) == 1, f"acknowledged, and then gone: {said}"
            for report in elements(hook, "statuses"):
                key = MESSAGE.of(TENANT, report["biz_opaque_callback_data"])
                status = self._storage.load([key]).rows[key].value.status
                assert status in TOLD, f"a report was acknowledged, and the message is {status}"

    def _stored(self, hook: Webhook, provider_id: str) -> Sequence[object]:
        about: Any = hook.notice.value["metadata"]
        user = next(user for user, (number, _) in NUMBERS.items() if number == about["phone_number_id"])
        wanted = Range("message", "provider", (TENANT, a_host.line_of(user), provider_id), 2)
        return self._storage.load([wanted]).ranges[wanted]

    def is_settled(self) -> bool:
        """Whether nothing is left to happen."""
        return all(entry.state is EntryState.PARKED for entry in self._all(OUTBOX)) and is_all_told(self._emulator)

    def check_all(self, site: Site) -> str:
        """Everything that is promised. Returns what there was of it."""
        self.check_what_was_acknowledged()
        messages: list[Message] = self._all(MESSAGE)
        said = [message.id for who in self._emulator.customers() for message in self._emulator.said(who.phone)]
        received = [message.provider_id for message in messages if isinstance(message.author, ByCustomer)]
        assert sorted(said) == sorted(map(str, received))
        ours = {user: [m for m in messages if m.author == ByUser(user)] for user in OUTCOMES}
        self._check_commands(site, [message for each in ours.values() for message in each])
        copies = self._copies()
        parked = {entry.message for entry in self._all(OUTBOX)}
        twice = 0
        for user, sent in ours.items():
            for message in sent:
                found = copies[message.id]
                if OUTCOMES[user] is UnknownOutcome.PARK:
                    assert len(found) <= 1
                    assert (not found) == (message.id in parked) == (message.status is MessageStatus.PARKED)
                else:
                    assert found
                    twice += len(found) - 1
                    for one, other in pairwise(found):
                        self._check_again(one, other)
                assert message.status in TOLD or not found
            self._check_order(sent, copies)
        assert not self._all(WAITING)
        return f"{len(said)} said, {sum(map(len, ours.values()))} sent, {len(parked)} parked, {twice} twice"

    def _check_commands(self, site: Site, ours: Sequence[Message]) -> None:
        """Each command was carried out once, and is what its caller was told."""
        assert sorted(map(number_of, ours)) == list(range(1, len(ours) + 1))
        by_number = {number_of(message): message.id for message in ours}
        got = {number: message for word, number, message in a_host.journal_of(site) if word == "got"}
        assert by_number == got

    def _check_again(self, one: BusinessMessage, other: BusinessMessage) -> None:
        """The second copy left after the grace period, and before anything was heard of the first."""
        assert other.accepted_at - one.accepted_at > timedelta(seconds=GRACE) - SLACK
        for hook in self._emulator.webhooks():
            if any(report["id"] == one.id for report in elements(hook, "statuses")):
                answered_at = next(attempt.at for attempt in hook.attempts if attempt.status == 200)
                assert answered_at > other.accepted_at - SLACK

    def _check_order(self, sent: Iterable[Message], copies: Mapping[str, Sequence[BusinessMessage]]) -> None:
        """What one customer is sent leaves in the order in which it was asked for."""
        lanes: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        for message in sent:
            for first in copies[message.id][:1]:
                lanes[message.customer].append((first.accepted_at, number_of(message)))
        for lane in lanes.values():
            numbers = [number for _, number in sorted(lane)]
            assert sorted(numbers) == numbers

    def _copies(self) -> Mapping[str, Sequence[BusinessMessage]]:
        """What the provider accepted, by the id that we gave it, oldest first."""
        copies: dict[str, list[BusinessMessage]] = defaultdict(list)
        for copy in self._emulator.sent():
            copies[str(copy.opaque)].append(copy)
        assert self._emulator.sent_counts() == {opaque: len(found) for opaque, found in copies.items()}
        return copies

    def _all(self, kind: Kind) -> list[Any]:
        found: list[Any] = []
        page = self._storage.scan(Scan(kind.name, "key", (TENANT,), 500))
        while True:
            found += [row.value for _, row in page.rows]
            if page.next is None:
                return found
            page = self._storage.scan(Scan(kind.name, "key", (TENANT,), 500, page.next))


TOLD = {MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ}


def number_of(message: Message) -> int:
    assert isinstance(message.content, Text)
    return int(message.content.body)


def elements(hook: Webhook, kind: str) -> Sequence[Any]:
    found: Any = hook.notice.value.get(kind, ())
    return list(found)
