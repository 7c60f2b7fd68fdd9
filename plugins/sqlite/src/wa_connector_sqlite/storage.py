"""The storage: what the core asks for, in transactions on one file."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, final

from attrs import evolve

from wa_connector.errors import ConfigError, UsageError
from wa_connector.model.event import Event
from wa_connector.model.ids import CustomerId, LineId, TenantId
from wa_connector.model.instants import from_microseconds, to_microseconds
from wa_connector.model.queue import Budget, LaneKey, LeasedLane, Work
from wa_connector.ports.codec import decode_happening, decode_row
from wa_connector.ports.misuse import check_follow, check_page, check_search, kind_of, parse_cursor
from wa_connector.ports.rows import Key, Kind
from wa_connector.ports.storage import (
    ABSENT,
    COMMITTED,
    FOUND,
    Change,
    EventPage,
    Follow,
    Outcome,
    Page,
    Range,
    Row,
    Scan,
    SchemaState,
    Search,
    Snapshot,
    Wanted,
)
from wa_connector_sqlite import schema
from wa_connector_sqlite.changes import Numbers, Prepared, Seen, land, prepare
from wa_connector_sqlite.errors import translated
from wa_connector_sqlite.pool import Pool
from wa_connector_sqlite.statements import (
    BEGIN_READ,
    BEGIN_WRITE,
    DROP_EVENTS,
    DUE,
    EVENTS_AFTER,
    FORGET_WORDS,
    LEASE,
    OLDEST_EVENTS,
    follow,
    scan,
    search_pattern,
    statements,
)
from wa_connector_sqlite.statements import search as search_sql
from wa_connector_sqlite.together import Together

_OLDEST: Final = (3, 35, 0)
"""The first with RETURNING."""

_Raw = tuple[Any, ...]
"""A row as SQLite gives it: version, payload, sequence, merge columns."""


def _system_clock() -> datetime:
    return datetime.now(UTC)


@final
class SqliteStorage:
    """A ``Storage`` in one SQLite file (with its ``-wal`` and ``-shm`` beside it, on a local disk).

    Nothing is opened before the first call. Any number of threads, greenlets and processes may use one file, also
    across forks; a commit is durable against power loss when it returns (``synchronous=FULL``).

    ``busy_timeout`` bounds the wait for other writers, of this process and of others; past it the call raises
    ``StorageUnavailable``. A file without tables gets them, unless ``create`` is False; one of an older release is
    refused until somebody calls ``upgrade``. ``clock`` is the time by which leases run out.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        busy_timeout: timedelta = timedelta(seconds=5),
        create: bool = True,
        clock: Callable[[], datetime] = _system_clock,
    ) -> None:
        if str(path) in ("", ":memory:"):
            raise UsageError("SqliteStorage needs a file; without one, use wa_connector.testing.memory.MemoryStorage")
        # Made absolute now: a daemon changes its directory between construction and first use.
        self._path = Path(path).absolute()
        self._patience = busy_timeout.total_seconds()
        self._create = create
        self._clock = clock
        self._pool = Pool(self._connect, self._patience)
        self._queues: Final[dict[int, Together[Prepared, Outcome]]] = {}

    def __repr__(self) -> str:
        return f"SqliteStorage({str(self._path)!r})"

    # ----------------------------------------------------------------------------------- reading

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        """Everything wanted, read at one moment."""
        for want in wanted:
            _check_wanted(want)
        # Decoded once the connection is given back, so that the snapshot of the file is held no longer than needed.
        raw: dict[Key, _Raw | None] = {}
        ranges: dict[Range, tuple[Key, ...]] = {}
        with self._reading() as db:
            for want in wanted:
                if isinstance(want, Range):
                    found = _range(db, want)
                    raw.update(found)
                    ranges[want] = tuple(found)
                elif isinstance(want, Follow):
                    raw.update(_follow(db, want))
                else:
                    raw[want] = _load(db, want)
        return Snapshot({key: _row(key, found) for key, found in raw.items()}, ranges)

    def scan(self, scan: Scan) -> Page:
        """One page of an index."""
        width = len(check_page(scan.kind, scan.index, scan.prefix, scan.after))
        with self._reading() as db:
            # One more than asked for tells whether anything follows.
            found = _select(db, evolve(scan, limit=scan.limit + 1))
        kind = kind_of(scan.kind)
        page = found[: scan.limit]
        rows = tuple((key, _row(key, raw[len(kind.key) :])) for raw in page for key in (_key(kind, raw),))
        return Page(rows, page[-1][-width:] if page and len(found) > len(page) else None)

    def search(self, search: Search) -> Page:
        """One page of the rows that have certain words, from the index of words."""
        width = len(check_search(search).order)
        kind = kind_of(search.kind)
        pattern = search_pattern(search.tenant, search.words)
        sql = search_sql(search.kind, is_after=search.after is not None)
        with self._reading() as db:
            values = (pattern, search.tenant, *(search.after or ()), search.limit + 1)
            found = db.execute(sql, values).fetchall()
        page = found[: search.limit]
        rows = tuple((key, _row(key, raw[len(kind.key) :])) for raw in page for key in (_key(kind, raw),))
        return Page(rows, page[-1][-width:] if page and len(found) > len(page) else None)

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        """The tenant's events behind ``cursor``: numbers are given by one writer at a time, so none comes late."""
        after = parse_cursor(cursor)
        with self._reading() as db:
            found = db.execute(EVENTS_AFTER, (tenant, after, limit)).fetchall()
        events = tuple(
            Event(tenant, sequence, from_microseconds(at), decode_happening(text)) for sequence, at, text in found
        )
        return EventPage(events, str(events[-1].sequence) if events else cursor)

    # ----------------------------------------------------------------------------------- writing

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes in one transaction, each whole or not at all; with those of other threads that wait as well."""
        with translated(self._path):
            prepared = [prepare(change) for change in changes]
            return self._together().call(prepared) if prepared else ()

    def _together(self) -> Together[Prepared, Outcome]:
        # setdefault is atomic. An inherited entry is never touched: who waits there waits in another process.
        here = os.getpid()
        return self._queues.get(here) or self._queues.setdefault(here, Together(self._transact, self._patience))

    def _transact(self, changes: Sequence[Prepared]) -> tuple[Outcome, ...]:
        with self._writing() as db:
            numbers = Numbers(db)
            # A lone change is undone by the transaction itself, when it ends without COMMIT.
            outcomes = (land(db, changes[0], numbers, {}),) if len(changes) == 1 else _land_all(db, changes, numbers)
            if any(outcome is COMMITTED for outcome in outcomes):
                numbers.write_back()
                db.execute("COMMIT")
            return outcomes

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due and free, the longest due first."""
        due_by, today = to_microseconds(now), to_microseconds(self._clock())
        # Dispatchers ask again and again, and mostly nothing is due: looking takes no write lock and no fsync.
        with self._reading() as db:
            if not _due(db, works, 1, due_by, today):
                return ()
        with self._writing() as db:
            until = to_microseconds(self._clock() + lease)
            leased = tuple(_lease(db, lane, until) for lane in _due(db, works, limit, due_by, today))
            db.execute("COMMIT")
        return leased

    # ------------------------------------------------------------------------------------ schema

    def schema(self) -> SchemaState:
        """Which version of our tables the file has; 0 where there is no file yet."""
        if not self._path.exists():
            return SchemaState(str(self._path), 0, len(schema.STEPS), tuple(step.name for step in schema.STEPS))
        with translated(self._path), closing(self._open()) as db:
            return schema.state(db, self._path)

    def upgrade(self) -> SchemaState:
        """Bring the file's tables to this version's. It must not be in use by an older release meanwhile."""
        with translated(self._path), closing(self._open()) as db:
            self._enter_wal(db)
            schema.upgrade(db, self._path, to_microseconds(self._clock()))
            return schema.state(db, self._path)

    # ------------------------------------------------------------------------------------ keeping

    def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` events from before an instant, from the beginning of the log."""
        until = to_microseconds(before)
        with self._writing() as db:
            oldest = db.execute(OLDEST_EVENTS, (tenant, limit)).fetchall()
            old = list(takewhile(lambda event: event[1] < until, oldest))
            if old:
                db.execute(DROP_EVENTS, (tenant, old[-1][0]))
                db.execute("COMMIT")
        return len(old)

    def scrub(self) -> None:
        """Bring the log into the file and cut it off. What is deleted or replaced is overwritten when that happens
        (``secure_delete``), so the log is the only place where it can still stand; readers that run at the moment keep
        their part of it, and the next call cuts that off. The index of words forgets by adding a note that it did, and
        so is written anew."""
        with translated(self._path), self._pool.writing() as db:
            for statement in FORGET_WORDS:
                db.execute(statement)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    # --------------------------------------------------------------------------------- life cycle

    def close(self) -> None:
        """Close this process's connections, waiting up to ``busy_timeout`` for running calls. Twice does nothing."""
        with translated(self._path):
            self._pool.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self._path), self._pool.reading() as db:
            db.execute(BEGIN_READ)
            yield db
            db.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction; what the body does not commit is rolled back."""
        with translated(self._path), self._pool.writing() as db:
            db.execute(BEGIN_WRITE)
            try:
                yield db
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigError(
                "SQLite", [f"version {sqlite3.sqlite_version} is too old: use a Python built with 3.35 or newer"]
            )
        db = self._open()
        try:
            self._enter_wal(db)
            schema.check_schema(db, self._path, to_microseconds(self._clock()), create=self._create)
        except BaseException:
            db.close()
            raise
        return db

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        try:
            db.execute("PRAGMA synchronous=FULL")
            # What is erased must not be found in the file's free space.
            db.execute("PRAGMA secure_delete=ON").fetchall()
        except BaseException:
            db.close()
            raise
        return db

    def _enter_wal(self, db: sqlite3.Connection) -> None:
        # The first change to WAL needs the file for itself, and SQLite answers "locked" there without asking its busy
        # handler, so processes that create the file together have to wait here.
        until = time.monotonic() + self._patience
        while True:
            try:
                mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)
        if mode != "wal":
            raise ConfigError(
                str(self._path),
                [f"it cannot be kept in WAL mode (it is {mode}): put it on a local disk, not a network file system"],
            )


def _land_all(db: sqlite3.Connection, changes: Sequence[Prepared], numbers: Numbers) -> tuple[Outcome, ...]:
    """All of them, as long as none is refused, which is rare; where one is, all is undone and each lands by itself.

    Not under a savepoint, of each or of all: inside of one the index of words writes itself out after every statement,
    which takes as long as everything else together.
    """
    seen: Seen = {}
    if all(land(db, change, numbers, seen) is COMMITTED for change in changes):
        return (COMMITTED,) * len(changes)
    db.execute("ROLLBACK")
    db.execute(BEGIN_WRITE)
    numbers.forget()
    return tuple(_land_apart(db, change, numbers) for change in changes)


def _land_apart(db: sqlite3.Connection, change: Prepared, numbers: Numbers) -> Outcome:
    db.execute("SAVEPOINT change")
    outcome = land(db, change, numbers, {})
    if outcome is not COMMITTED:
        db.execute("ROLLBACK TO change")
    db.execute("RELEASE change")
    return outcome


def _check_wanted(want: Wanted) -> None:
    if isinstance(want, Range):
        check_page(want.kind, want.index, want.prefix, want.after)
    elif isinstance(want, Follow):
        check_follow(want)
    else:
        kind_of(want.kind)


def _load(db: sqlite3.Connection, key: Key) -> _Raw | None:
    row: _Raw | None = db.execute(statements(key.kind).load, key.parts).fetchone()
    return row


def _follow(db: sqlite3.Connection, want: Follow) -> Iterator[tuple[Key, _Raw | None]]:
    source = db.execute(follow(want.source.kind, want.column), want.source.parts).fetchone()
    yield want.source, source
    if source is not None and source[-1]:
        for kind, parts in want.then:
            key = Key(kind, tuple(source[-1] if part is FOUND else part for part in parts))
            yield key, _load(db, key)


def _range(db: sqlite3.Connection, want: Range) -> dict[Key, _Raw | None]:
    if want.after == ():
        return {}  # Nothing follows a whole entry.
    kind = kind_of(want.kind)
    found = _select(db, Scan(want.kind, want.index, want.prefix, want.limit, want.after, want.descending))
    return {_key(kind, raw): raw[len(kind.key) :] for raw in found}


def _select(db: sqlite3.Connection, want: Scan) -> list[_Raw]:
    is_after = want.after is not None
    sql = scan(want.kind, want.index, len(want.prefix), is_after=is_after, descending=want.descending)
    return db.execute(sql, (*want.prefix, *(want.after or ()), want.limit)).fetchall()


def _key(kind: Kind, raw: _Raw) -> Key:
    return Key(kind.name, raw[: len(kind.key)])


def _row(key: Key, raw: _Raw | None) -> Row:
    if raw is None:
        return ABSENT
    version, payload, sequence = raw[:3]
    value = decode_row(key, payload) if version else None
    merged = {column.name: raw[place] for place, column in enumerate(kind_of(key.kind).merges, start=3)}
    return Row(version, value, merged, sequence)


def _due(db: sqlite3.Connection, works: Sequence[Work], limit: int, due_by: int, today: int) -> list[_Raw]:
    # The index begins with the work, so each has a question of its own; what is due longest of all is among them.
    found = [row for work in set(works) for row in db.execute(DUE, (work.value, due_by, today, limit))]
    return sorted(found)[:limit]


def _lease(db: sqlite3.Connection, due: _Raw, until: int) -> LeasedLane:
    _, tenant, line, customer, work = due
    fence, wakes, tokens, at = db.execute(LEASE, (until, tenant, line, customer, work)).fetchone()
    budget = None if tokens is None else Budget(tokens, from_microseconds(at))
    return LeasedLane(LaneKey(TenantId(tenant), LineId(line), CustomerId(customer), Work(work)), fence, wakes, budget)
