"""Durable ingest: what a customer's message commits, by our storages, and the same rows by the bare drivers.

One message is a row of ``message``, a mark of ``dedupe``, an event, and three merges (window, thread, place in the inbox). Ours
also compares the versions of the five rows that the decision read, which the bare driver does not. Both commit in the
same groups, each to a database of its own with the same tables, indexes and pragmas: as many at once as are in flight,
where ours gathers them by itself, behind an event loop, and the bare driver is handed them.

The bare driver's SQL is what somebody who wants speed would write by hand: one statement a table and group.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from measuring import in_turn, median, ratio, report
from stores import Ingest, folder, postgres
from wa_connector_postgres import AsyncPostgresStorage, PostgresStorage
from wa_connector_sqlite import SqliteStorage

from wa_connector.aio.hopping import GroupedStorage, hop_to
from wa_connector.model.instants import to_microseconds
from wa_connector.ports.codec import encode, encode_happening
from wa_connector.ports.rows import DEDUPE, MESSAGE
from wa_connector.ports.storage import COMMITTED, AsyncStorage, Change, Storage

ROUNDS = 7
MANY = 64
IN_FLIGHT = {1: 60, 16: 480, 64: 960}
"""And how many messages a round then has."""

Rows: TypeAlias = list[list[tuple[Any, ...]]]

# --------------------------------------------------------------------------------------- the bare drivers

SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")
SQLITE_SQL = (
    (
        "INSERT INTO message (tenant, message, conversation, customer, line, provider_id, at, words, payload, version)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
    ),
    "INSERT INTO dedupe (tenant, mark, payload, version) VALUES (?, ?, ?, 1)",
    "UPDATE pair SET customer_at = max(customer_at, ?) WHERE tenant = ? AND customer = ? AND line = ?",
    "UPDATE conversation SET last_at = max(last_at, ?), entries = entries + ? WHERE tenant = ? AND conversation = ?",
    (
        "UPDATE listing SET last_at = max(last_at, ?), arrived = arrived + ?"
        " WHERE tenant = ? AND list = ? AND conversation = ?"
    ),
    "INSERT INTO event (tenant, sequence, at, happening) VALUES (?, ?, ?, ?)",
)
POSTGRES_SQL = (
    (
        "INSERT INTO message (tenant, message, conversation, customer, line, provider_id, at, words, payload, version)"
        " SELECT *, 1 FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],"
        " %s::text[], %s::text[])"
    ),
    "INSERT INTO dedupe (tenant, mark, payload, version) SELECT *, 1 FROM unnest(%s::text[], %s::text[], %s::text[])",
    (
        "UPDATE pair t SET customer_at = greatest(t.customer_at, n.at) FROM (SELECT tenant, customer, line, max(at) AS at"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS u(at, tenant, customer, line)"
        " GROUP BY tenant, customer, line) n"
        " WHERE t.tenant = n.tenant AND t.customer = n.customer AND t.line = n.line"
    ),
    (
        "UPDATE conversation t SET last_at = greatest(t.last_at, n.at), entries = t.entries + n.entries FROM"
        " (SELECT tenant, conversation, max(at) AS at, sum(entries) AS entries"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS u(at, entries, tenant, conversation)"
        " GROUP BY tenant, conversation) n WHERE t.tenant = n.tenant AND t.conversation = n.conversation"
    ),
    (
        "UPDATE listing t SET last_at = greatest(t.last_at, n.at), arrived = t.arrived + n.arrived FROM"
        " (SELECT tenant, list, conversation, max(at) AS at, sum(arrived) AS arrived"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[])"
        " AS u(at, arrived, tenant, list, conversation) GROUP BY tenant, list, conversation) n"
        " WHERE t.tenant = n.tenant AND t.list = n.list AND t.conversation = n.conversation"
    ),
    (
        "INSERT INTO event (tenant, transaction, ordinal, at, happening)"
        " SELECT tenant, pg_current_xact_id()::text::bigint, ordinal & 1048575, at, happening"
        " FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[]) AS u(tenant, ordinal, at, happening)"
    ),
)


_NUMBERS = count(1 << 40)


def rows(changes: Sequence[Change]) -> Rows:
    """The rows of these changes, for each of the statements above. What it costs to make them is nobody's speed."""
    return list(_rows(changes))


def _rows(changes: Sequence[Change]) -> Iterator[list[tuple[Any, ...]]]:
    puts = [(change, change.puts[0]) for change in changes]
    yield [(*put.key.parts, *MESSAGE.project(put.value), encode(put.value, MESSAGE.payload)) for _, put in puts]
    yield [(c.tenant, mark, encode(ref, DEDUPE.payload)) for c in changes for mark, ref in c.dedupe.items()]
    for place in range(3):
        yield [(*c.merges[place].columns.values(), *c.merges[place].key.parts) for c in changes]
    yield [
        (c.tenant, next(_NUMBERS), to_microseconds(c.at), encode_happening(happening))
        for c in changes
        for happening in c.events
    ]


class BareSqlite:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in SQLITE_PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")

    def commit(self, rows: Rows) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        for sql, parameters in zip(SQLITE_SQL, rows, strict=True):
            db.executemany(sql, parameters)
        db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


class BarePostgres:
    def __init__(self, conninfo: str, schema: str) -> None:
        self._db = psycopg.connect(conninfo, autocommit=True, options=f"-c search_path={schema}", prepare_threshold=0)

    def commit(self, rows: Rows) -> None:
        with self._db.pipeline(), self._db.transaction(), self._db.cursor() as cursor:
            for sql, parameters in zip(POSTGRES_SQL, rows, strict=True):
                cursor.execute(sql, [list(column) for column in zip(*parameters, strict=True)])

    def close(self) -> None:
        self._db.close()


# ------------------------------------------------------------------------------------------- one measurement


def bare_us(bare: Any, changes: Sequence[Change], in_flight: int) -> float:
    groups = [rows(changes[place : place + in_flight]) for place in range(0, len(changes), in_flight)]
    started = time.perf_counter()
    for group in groups:
        bare.commit(group)
    return (time.perf_counter() - started) / len(changes) * 1e6


def direct_us(storage: Any, changes: Sequence[Change]) -> float:
    started = time.perf_counter()
    for change in changes:
        assert storage.commit([change]) == (COMMITTED,)
    return (time.perf_counter() - started) / len(changes) * 1e6


async def loop_us(storage: Any, changes: Sequence[Change], in_flight: int) -> float:
    left = iter(changes)

    async def writer() -> None:
        for change in left:
            (outcome,) = await storage.commit([change])
            assert outcome is COMMITTED

    started = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(in_flight)))
    return (time.perf_counter() - started) / len(changes) * 1e6


class Rig:
    """One storage in its two faces, and the bare driver on a database that the same plugin made."""

    def __init__(self, name: str, plain: Storage, looping: AsyncStorage, prepared: Storage, bare: Any) -> None:
        self.name, self.plain, self.looping, self.bare = name, plain, looping, bare
        self._prepared = prepared

    def begin(self, changes: Sequence[Change]) -> None:
        for place in range(0, len(changes), 16):
            for storage in (self.plain, self._prepared):
                storage.commit(changes[place : place + 16])


def measure(rig: Rig, customers: int, loop: asyncio.Runner) -> None:
    ingest = Ingest(customers)
    rig.begin(ingest.first)
    where = "one hot conversation" if customers == 1 else f"{customers} conversations"
    for in_flight, many in IN_FLIGHT.items():
        batch: list[Change] = []

        def bare(_: int, n: int = in_flight, many: int = many, batch: list[Change] = batch) -> float:
            batch[:] = ingest.messages(many)
            return bare_us(rig.bare, batch, n)

        def looping(_: int, n: int = in_flight, batch: list[Change] = batch) -> float:
            return loop.run(loop_us(rig.looping, batch, n))

        def direct(_: int, many: int = many) -> float:
            return direct_us(rig.plain, ingest.messages(many))

        cases: dict[str, Callable[[int], float]] = {"bare": bare, "asynchronous face": looping}
        if in_flight == 1:
            cases["synchronous face"] = direct
        rounds = in_turn(ROUNDS, cases)
        low = rounds["bare"]
        for face in cases.keys() - {"bare"}:
            us = rounds[face]
            name = f"ingest, {rig.name}, {in_flight} in flight, {where}, {face}: part of the bare driver"
            a_second = round(1e6 / median(us))
            report(name, median(us), "us", baseline=median(low), ratio=ratio(low, us), at_least=0.5, a_second=a_second)


def main() -> None:
    with asyncio.Runner() as loop, folder() as home:
        for customers in (MANY, 1):
            ours, other = (home / f"{whose}-{customers}.db" for whose in ("ours", "bare"))
            with closing(SqliteStorage(ours)) as plain, closing(SqliteStorage(other)) as prepared:
                prepared.load([])
                with closing(BareSqlite(other)) as bare:
                    measure(Rig("SQLite", plain, GroupedStorage(plain, hop_to(None)), prepared, bare), customers, loop)
        with postgres() as conninfo:
            for customers in (MANY, 1):
                schema, beside = f"ours_{customers}", f"bare_{customers}"
                with (
                    closing(PostgresStorage(conninfo, schema=schema)) as plain,
                    closing(PostgresStorage(conninfo, schema=beside)) as prepared,
                    closing(BarePostgres(conninfo, beside)) as bare,
                ):
                    looping = AsyncPostgresStorage(conninfo, schema=schema)
                    measure(Rig("PostgreSQL", plain, looping, prepared, bare), customers, loop)
                    loop.run(looping.aclose())


main()
