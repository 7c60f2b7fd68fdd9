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
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, final

import pytest
from attrs import define, field, frozen
from wa_connector_emulator import BusinessMessage, Emulator, Settings, Webhook, serve

from tests.soak import a_host
from tests.soak.a_host import ENDPOINT, NUMBERS, TENANT, VERIFY_TOKEN, Site
from wa_connector import Message, MessageId, MessageStatus, Text, UnknownOutcome, UserId
from wa_connector.model.message import ByUser
from wa_connector.model.queue import EntryState
from wa_connector.ports.rows import MESSAGE, OUTBOX, Kind
from wa_connector.ports.storage import Range, Scan, Storage

SCRIPT = Path(a_host.__file__)
RETRY = timedelta(milliseconds=300)
"""How soon the provider brings a webhook again."""
GRACE = 6.0
LEASE = 1.5
PATIENCE = 120.0
SLACK = timedelta(seconds=1)
"""Between the instant at which a host hands a message over and the one at which the provider has it."""


@pytest.mark.parametrize("seed", [1])
def test_twenty_kills(seed: int, tmp_path: Path) -> None:
    kill(tmp_path, seed, kills=20, customers=6)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_kills(seed: int, tmp_path: Path) -> None:
    kill(tmp_path, seed, kills=100, customers=25)


def kill(folder: Path, seed: int, *, kills: int, customers: int) -> None:
    """Play, with so many kills, and check all that is promised."""
    chance = random.Random(seed)
    with provider(customers) as (emulator, graph_url):
        site = Site(str(folder), graph_url, GRACE, LEASE)
        nursery = Nursery(site)
        try:
            emulator.subscribe_webhook(f"http://127.0.0.1:{nursery.port}{ENDPOINT}", VERIFY_TOKEN, handshake=False)
            ledger = Ledger(emulator, a_host.storage_plugin(site).wa_storage())
            greet(emulator, nursery)
            with phones(emulator, chance.random()):
                for _ in range(kills):
                    nursery.begin()
                    time.sleep(chance.uniform(0.03, 0.5))
                    nursery.kill()
                    ledger.check_what_was_acknowledged()
            site.is_over.touch()
            nursery.begin()
            ledger.settle()
            nursery.kill()
            ledger.check_all(site)
        except BaseException as error:
            error.add_note(f"seed {seed}; what the host's processes said is in {nursery.log}")
            raise
        finally:
            nursery.close()


# --- the provider, and whoever writes -------------------------------------------------------------------------------


@contextmanager
def provider(customers: int) -> Iterator[tuple[Emulator, str]]:
    """An emulator that is slow at times, both before it takes a message and before it says so."""
    numbers = [{"id": number, "display_number": digits} for number, digits in NUMBERS.values()]
    emulator = Emulator(
        app_secret=a_host.APP_SECRET,
        token=a_host.TOKEN,
        seed={"numbers": numbers},
        settings=Settings(retry_delays=(RETRY,)),
    )
    for customer in range(customers):
        emulator.create_customer(phone(customer), f"Customer {customer}")
    emulator.app = Slow(emulator.app)  # type: ignore[assignment]
    with serve(emulator) as served:
        yield emulator, served.graph_url


def phone(customer: int) -> str:
    return f"+1650555{customer:04}"


@final
class Slow:
    """An ASGI application with a pause before and behind each call: there a kill is of the most interest."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        import asyncio

        if scope["type"] == "http":
            await asyncio.sleep(random.uniform(0, 0.02))

        async def late(message: Any) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(random.uniform(0, 0.02))
            await send(message)

        await self._inner(scope, receive, late)


def greet(emulator: Emulator, nursery: "Nursery") -> None:
    """Let everybody write to both lines first, so that there is a conversation with each and its window is open."""
    nursery.begin()
    for customer in emulator.customers():
        for number, _ in NUMBERS.values():
            emulator.type_text(customer.phone, "Hello", number_id=number)
    wait_until(lambda: not pending(emulator))
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
    """The process of ``a_host`` that gives birth to lives."""

    def __init__(self, site: Site) -> None:
        self.log = Path(site.folder, "host.log")
        self._errors = self.log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(site.write())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.port = self._read()

    def begin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("live\n")
        self._process.stdin.flush()
        self._life = self._read()

    def kill(self) -> None:
        """Kill the life; one that has ended by itself is a failure of its own."""
        os.kill(self._life, signal.SIGKILL)
        assert self._read() == -signal.SIGKILL

    def close(self) -> None:
        """End the nursery; a life that a failed check has left goes first."""
        if (life := getattr(self, "_life", None)) is not None and self._process.poll() is None:
            with_life_left(life)
        self._process.communicate(timeout=30)
        self._errors.close()

    def _read(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text()
        return int(line)


def with_life_left(life: int) -> None:
    try:
        os.kill(life, signal.SIGKILL)
    except ProcessLookupError:
        pass


# --- what is to be found at the end -----------------------------------------------------------------------------------


@final
class Ledger:
    """What the provider knows beside what the host has stored."""

    def __init__(self, emulator: Emulator, storage: Storage) -> None:
        self._emulator = emulator
        self._storage = storage
        self._seen = 0
        self._unacknowledged: list[int] = []
