"""Connections of this process: opened when needed, kept for the next call, never shared across a fork.

Theory. A connection is taken for one statement and given back. There is no worker that opens or mends connections, and
so no thread that a host did not start (the driver's own pool has four): who needs a connection opens it, in the calling
thread; who finds one broken drops it, and with it the idle ones, which were lost by the same event. A server that was
restarted closes its connections, which shows on their sockets: those are dropped before anything is sent, so the first
call after a restart succeeds.

Forks. A child never touches what it inherits: what a process opens is kept under its process id. The driver does not
close a connection in another process than the one that opened it.
"""

import os
import select
from collections.abc import Sequence
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any, Final, final
from weakref import finalize

from attrs import field, frozen

from wa_connector.errors import ConfigError, StorageUnavailable, UsageError
from wa_connector.shell.drive import drive
from wa_connector_postgres.questions import Answer
from wa_connector_postgres.schema import make_ready

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection

CLOSED: Final = "this storage was closed; make a new one"


@frozen
class Options:
    """What a storage was constructed with; ``patience`` in seconds."""

    conninfo: str = field(repr=False)
    schema: str
    connections: int = field()
    patience: float
    migrate: bool

    @connections.validator
    def _check_connections(self, _: object, value: int) -> None:
        if value < 1:
            raise UsageError("a storage needs one connection at least")


@final
class Pool:
    """Up to ``options.connections`` connections of each process that uses it."""

    def __init__(self, options: Options) -> None:
        self._options: Final = options
        self._is_closed = False
        # By process id. An inherited entry is never touched.
        self._processes: Final[dict[int, _Process]] = {}
        finalize(self, _close_own, self._processes)

    def ask(self, sql: str, parameters: Sequence[object]) -> Answer:
        """Run one statement. Raises ``UsageError`` once the pool is closed."""
        here = self._here()
        db = self._take(here)
        try:
            return run(db, sql, parameters)
        finally:
            self._give(here, db)

    def close(self) -> None:
        """Close what is idle, wait a bounded time for what is in use; that closes when it comes back."""
        self._is_closed = True
        here = self._here()
        with here.gate:
            here.gate.notify_all()
            here.gate.wait_for(lambda: not here.busy, self._options.patience)
            _close_all(here.idle)

    def _here(self) -> "_Process":
        pid = os.getpid()
        # setdefault is atomic, a lock might be one that a fork left locked.
        return self._processes.get(pid) or self._processes.setdefault(pid, _Process())

    def _take(self, here: "_Process") -> "Connection[Any]":
        with here.gate:
            is_free = here.gate.wait_for(
                lambda: self._is_closed or here.busy < self._options.connections, self._options.patience
            )
            if self._is_closed:
                raise UsageError(CLOSED)
            if not is_free:
                raise exhausted(self._options)
            here.busy += 1
            while here.idle:
                db = here.idle.pop()
                if not is_stale(db):
                    return db
                db.close()
        try:
            return self._connect()
        except BaseException:
            self._give(here, None)
            raise

    def _give(self, here: "_Process", db: "Connection[Any] | None") -> None:
        with here.gate:
            here.busy -= 1
            if db is not None:
                if is_sound(db) and not self._is_closed:
                    here.idle.append(db)
                else:
                    if db.broken:
                        _close_all(here.idle)
                    db.close()
            here.gate.notify_all()

    def _connect(self) -> "Connection[Any]":
        from psycopg import Connection

        db = Connection.connect(**keywords(self._options))
        try:
            set_up(db)

            async def ask(sql: str, parameters: Sequence[object] = ()) -> Answer:
                return run(db, sql, parameters)

            drive(make_ready(ask, self._options.schema, patience=self._options.patience, migrate=self._options.migrate))
        except BaseException:
            db.close()
            raise
        return db


class _Process:
    """What one process holds. A child makes its own: a lock that a thread of the parent held would stay locked."""

    def __init__(self) -> None:
        self.gate: Final = Condition(Lock())
        """Guards the rest, and is notified when a connection comes back."""
        self.idle: Final[list[Connection[Any]]] = []
        self.busy = 0


# -------------------------------------------------------------------------------------- for both kinds of pool


def keywords(options: Options) -> dict[str, Any]:
    """What a connection is opened with. Raises ``ConfigError`` for a conninfo that cannot be read."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(options.conninfo)
    except ProgrammingError:
        # Neither the cause nor what it says: it quotes the text, and that may hold a password.
        raise ConfigError("conninfo", ["it is neither a URL nor a connection string as libpq reads them"]) from None
    waiting = {"connect_timeout": max(2, round(options.patience)), "fallback_application_name": "wa_connector"}
    return {**waiting, **given, "client_encoding": "UTF8", "autocommit": True, "prepare_threshold": 0}


def set_up(db: "Connection[Any] | AsyncConnection[Any]") -> None:
    """Numbers always travel as 64 bits: a statement is prepared once for each set of types."""
    from psycopg.types.numeric import Int8Dumper

    db.adapters.register_dumper(int, Int8Dumper)
    db.prepared_max = 256


def run(db: "Connection[Any]", sql: str, parameters: Sequence[object]) -> Answer:
    """One statement, prepared if it has parameters; several at once if not."""
    cursor = db.execute(sql, parameters or None, prepare=bool(parameters))
    return cursor.fetchall() if cursor.description else ()


def is_stale(db: "Connection[Any] | AsyncConnection[Any]") -> bool:
    """Whether the server said something to an idle connection: good-bye, that is."""
    poll = select.poll()
    poll.register(db.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def is_sound(db: "Connection[Any] | AsyncConnection[Any]") -> bool:
    """Whether a connection is ready for the next statement."""
    from psycopg.pq import TransactionStatus

    return not db.closed and db.info.transaction_status == TransactionStatus.IDLE


def exhausted(options: Options) -> StorageUnavailable:
    """What to tell who waited too long for a connection."""
    return StorageUnavailable(
        f"all {options.connections} connections of this process were in use for longer than `patience`; nothing was"
        " done. The server is slower than what is asked of it: ask less at once, or allow more `connections`."
    )


def _close_all(connections: "list[Connection[Any]]") -> None:
    while connections:
        connections.pop().close()


def _close_own(processes: dict[int, _Process]) -> None:
    own = processes.get(os.getpid())
    if own is not None:
        _close_all(own.idle)
