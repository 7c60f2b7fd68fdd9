"""Much of everything: what one item costs at ten times the amount against what it costs at the amount.

Messages queued for fifty customers and dispatched; a webhook of a thousand updates by one customer; timeline pages of a
thread with a thousand entries and with very many, on both storages; the memory of a process that takes events for long.

``VOLUME=large`` queues and sends 100,000 messages and has a process take 1,000,000 events, which is a matter of an hour;
without it these two are less, and a line's name says how many.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from attrs import evolve
from measuring import in_turn, median, ratio, report
from stores import TEXT, Recorder, folder, postgres
from wa_connector_postgres import PostgresStorage
from wa_connector_sqlite import SqliteStorage

from wa_connector import Connector, ConversationId, MessageId
from wa_connector.model.queue import LaneKey
from wa_connector.ports.rows import CONVERSATION, MESSAGE, OUTBOX, Kind
from wa_connector.ports.storage import COMMITTED, Change, Merge, Put, Scan, Storage, Wake
from wa_connector.testing.host import ACME, ANA, MemoryHost

LARGE = os.environ.get("VOLUME") == "large"
QUEUED = 100_000 if LARGE else 10_000
LONG = 1_000_000
EVENTS = 1_000_000 if LARGE else 10_000
CUSTOMERS = 50
BODY = 1000
"""Updates in one webhook: the provider puts no more into one."""
BOUND = 1.5
PAGE = 50


Fill: TypeAlias = Callable[[str, int], None]
"""Has the database make so many rows of one."""


def of(customer: int) -> list[str]:
    return [f"+1650555{customer:04}"]


def cost(call: Callable[[], object], items: int) -> float:
    """Microseconds of this process's processor time an item."""
    started = time.process_time()
    call()
    return (time.process_time() - started) / items * 1e6


def compare(name: str, few: Sequence[float], many: Sequence[float], at_most: float = BOUND) -> None:
    report(name, median(many), "us", baseline=median(few), ratio=median(many) / median(few), at_most=at_most)


# ------------------------------------------------------------------------------------------------- queued


def queued(home: Path) -> None:
    with closing(SqliteStorage(home / "queued.db")) as storage:
        host = MemoryHost(storage=storage, owner=ANA)
        with host.connector() as connector:
            ask_for_help(host, connector, 20 * CUSTOMERS)
            few = [dispatched(host, connector, 100) for _ in range(3)]
            copy_queued(host, QUEUED)
            many = [dispatched(host, connector, 100) for _ in range(3)]
            compare(f"dispatch of one message, {QUEUED} queued against {20 * CUSTOMERS}", few, many)
            if not LARGE:
                return
            started, before = time.process_time(), len(host.transport.sent)
            while len(host.transport.sent) < before + QUEUED - 2000:
                connector.dispatcher.run_once(lanes=CUSTOMERS)
            whole = (time.process_time() - started) / (len(host.transport.sent) - before) * 1e6
            compare(f"dispatch of {QUEUED} messages to {CUSTOMERS} customers, all of them, a message", few, [whole])


def ask_for_help(host: MemoryHost, connector: Connector, count: int) -> None:
    """Have so many messages queued, for each such word has an answer."""
    for first in range(0, count, 500):
        elements = [
            host.said("HELP", sender=of(number % CUSTOMERS)) for number in range(first, min(first + 500, count))
        ]
        assert connector.handle_webhook(host.webhook(*elements)).taken == len(elements)


def copy_queued(host: MemoryHost, count: int) -> None:
    """The same without asking: copies of what is queued, each in its lane."""
    entries = rows(host.storage, OUTBOX)
    messages = {message.id: message for message in rows(host.storage, MESSAGE)}

    def copy(number: int) -> Change:
        entry = entries[number % len(entries)]
        message = evolve(messages[entry.message], id=MessageId(f"copy-{number:06}"))
        return Change(
            ACME,
            entry.due_at,
            puts=(
                Put(MESSAGE.of(ACME, message.id), message),
                Put(OUTBOX.of(ACME, entry.work.value, message.id), evolve(entry, message=message.id)),
            ),
            merges=(Merge(CONVERSATION.of(ACME, message.conversation), {"entries": 1}),),
            wakes=(Wake(LaneKey(ACME, entry.line, entry.customer, entry.work), entry.due_at),),
        )

    for first in range(0, count, BODY):
        commit(host.storage, [copy(number) for number in range(first, first + BODY)])


def rows(storage: Storage, kind: Kind) -> list[Any]:
    return [row.value for _, row in storage.scan(Scan(kind.name, "key", (ACME,), 10_000)).rows]


def commit(storage: Storage, changes: Sequence[Change]) -> None:
    assert set(storage.commit(changes)) == {COMMITTED}


def dispatched(host: MemoryHost, connector: Connector, count: int) -> float:
    sent = host.transport.sent
    already, started = len(sent), time.process_time()
    while len(sent) < already + count:
        connector.dispatcher.run_once(lanes=5)
    return (time.process_time() - started) / (len(sent) - already) * 1e6


# ------------------------------------------------------------------------------------------------ webhooks


def webhooks(home: Path) -> None:
    with closing(SqliteStorage(home / "webhooks.db")) as storage:
        host = MemoryHost(storage=storage, owner=ANA)
        with host.connector() as connector:

            def take(many: int) -> float:
                elements = [host.said("a line", sender=of(0)) for _ in range(many)]
                request = host.webhook(*elements)
                return cost(lambda: connector.handle_webhook(request), many)

            rounds = in_turn(3, {"few": lambda _: take(BODY // 10), "many": lambda _: take(BODY)})
    name = f"webhook of {BODY} updates by one customer against one of {BODY // 10}, an update"
    compare(name, rounds["few"], rounds["many"])


# -------------------------------------------------------------------------------------------------- pages


def pages(name: str, storage: Storage, fill: Fill) -> None:
    """The newest page of a thread's timeline, and one from its middle."""
    host = MemoryHost(owner=ANA)
    host.storage = recorder = Recorder(storage)
    with host.connector() as connector:
        for customer in range(2):
            connector.handle_webhook(host.webhook(host.said(TEXT, sender=of(customer))))
        host.clock.advance(timedelta(minutes=1))
        del recorder.changes[:]
        for customer in range(2):
            connector.handle_webhook(host.webhook(host.said(TEXT, sender=of(customer))))
        short, long = recorder.changes
        for change, count in ((short, 1000), (long, LONG)):
            fill(copying(change.puts[0].value.id), count)
        host.clock.advance(timedelta(days=30))
        threads = {count: change.puts[0].value.conversation for count, change in ((1000, short), (LONG, long))}

        def page(thread: ConversationId, before: str, _: int) -> float:
            def ask() -> None:
                found = connector.timeline(ACME, ANA, thread, before=before, limit=PAGE)
                assert len(found.messages) == PAGE

            started = time.perf_counter()
            for _ in range(20):
                ask()
            return (time.perf_counter() - started) / 20 * 1e6

        for where in ("newest", "middle"):
            cases = {}
            for count, thread in threads.items():
                at = middle(short.at, count) if where == "middle" else ""
                cases[count] = partial(page, thread, at)
            rounds = in_turn(11, {str(count): case for count, case in cases.items()})
            us, base = rounds[str(LONG)], rounds["1000"]
            what = f"timeline, {name}, the {where} {PAGE} of {LONG} entries against of 1000"
            report(what, median(us), "us", baseline=median(base), ratio=ratio(us, base), at_most=1.3)


def middle(begin: Any, count: int) -> str:
    at = begin + timedelta(milliseconds=count // 2)
    return f"{int(at.timestamp() * 1_000_000)} ~"


def fill_sqlite(path: Path, insert: str, count: int) -> None:
    numbers = f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(insert.format(numbers=numbers, padded="printf('%07d', i)"))


def fill_postgres(conninfo: str, insert: str, count: int) -> None:
    with psycopg.connect(conninfo, options="-c search_path=wa_connector") as db:
        numbers = f"generate_series(1, {count}) AS g(i)"
        db.execute(insert.format(numbers=numbers, padded="lpad(i::text, 7, '0')").encode())


def copying(message: str) -> str:
    """Makes a message into many, a millisecond apart, by the database itself: a million by commits takes an hour."""
    made = {
        "message": "message || '-' || {padded}",
        "provider_id": "''",
        "at": "at + i * 1000",
        "payload": "replace(replace(payload, message, message || '-' || {padded}),"
        " CAST(at AS text), CAST(at + i * 1000 AS text))",
    }
    columns = [*(column.name for column in (*MESSAGE.key, *MESSAGE.columns)), "version", "payload"]
    values = ", ".join(made.get(column, column) for column in columns)
    return (
        f"INSERT INTO message ({', '.join(columns)}) SELECT {values} FROM message CROSS JOIN {{numbers}}"
        f" WHERE tenant = '{ACME}' AND message = '{message}'"
    )


# ------------------------------------------------------------------------------------------------- memory


def memory(home: Path) -> None:
    """The resident memory of a process after its first tenth of so many events, and after all."""
    command = [sys.executable, str(Path(__file__)), "memory", str(home / "memory.db"), str(EVENTS)]
    early, late = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    name = f"memory of a process after {EVENTS} events against after {EVENTS // 10}"
    report(name, late, "MiB", baseline=early, ratio=late / early, at_most=1.1)


def take_events(path: str, count: int) -> None:
    sizes = []
    with closing(SqliteStorage(path)) as storage:
        host = MemoryHost(storage=storage, owner=ANA)
        host.happenings = host.measures = Forgetful()
        with host.connector() as connector:
            for first in range(0, count, 100):
                said = [host.said("a line", sender=of(number % 1000)) for number in range(first, first + 100)]
                host.clock.advance(timedelta(seconds=1))
                assert connector.handle_webhook(host.webhook(*said)).taken == 100
                if first + 100 in (count // 10, count):
                    sizes.append(resident_mib())
    print(json.dumps(sizes))


class Forgetful(list[Any]):
    """What a test's host notes; a process that lives long would not."""

    def append(self, _: Any) -> None:
        pass

    def __iadd__(self, _: Any) -> "Forgetful":  # type: ignore[misc]
        return self


def resident_mib() -> float:
    pages_held = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_held * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def main() -> None:
    if sys.argv[1:2] == ["memory"]:
        take_events(sys.argv[2], int(sys.argv[3]))
        return
    with folder(in_memory=True) as home:  # waiting for a disk is no processor time, and much of any other
        queued(home)
        webhooks(home)
        memory(home)
        with closing(SqliteStorage(home / "pages.db")) as storage:
            pages("SQLite", storage, partial(fill_sqlite, home / "pages.db"))
    with postgres() as conninfo, closing(PostgresStorage(conninfo)) as storage:
        pages("PostgreSQL", storage, partial(fill_postgres, conninfo))


main()
