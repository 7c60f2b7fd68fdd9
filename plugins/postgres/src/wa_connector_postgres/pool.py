"""Connections of this process: opened when needed, kept for the next call, never shared across a fork.

Theory. A connection is taken for one statement and given back. There is no worker that opens or mends connections, and
so no thread that a host did not start (the driver's own pool has four): who needs a connection opens it, in the calling
thread; who finds one broken drops it, and with it the idle ones, which were lost by the same event. A server that was
restarted closes its connections, which shows on their sockets: those are dropped before anything is sent, so the first
call after a restart succeeds.

Forks. A child never touches what it inherits: what a process opens is kept under its process id.
"""

import os
from threading import Condition, Lock
from typing import TYPE_CHECKING, Final, final
from weakref import finalize

from wa_connector.errors import UsageError
from wa_connector.shell.drive import drive
from wa_connector_postgres.options import Options
from wa_connector_postgres.questions import Answer, Parameters
from wa_connector_postgres.schema import make_ready

if TYPE_CHECKING:
    from wa_connector_postgres.connections import PlainConnection

CLOSED: Final = "this storage was closed; make a new one"


class _Process:
    """What one process holds. A child makes its own: a lock that a thread of the parent held would stay locked."""

    def __init__(self) -> None:
        self.gate: Final = Condition(Lock())
        """Guards the rest, and is notified when a connection comes back."""
        self.idle: Final[list[PlainConnection]] = []
        self.busy = 0


@final
class Pool:
    """Up to ``options.connections`` connections of each process that uses it."""

    def __init__(self, options: Options) -> None:
        self._options: Final = options
        self._is_closed = False
        # By process id. An inherited entry is never touched.
        self._processes: Final[dict[int, _Process]] = {}
        finalize(self, _close_own, self._processes)

    def ask(self, sql: str, parameters: Parameters) -> Answer:
        """Run one statement. Raises ``UsageError`` once the pool is closed."""
        from wa_connector_postgres.connections import run

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

    def _here(self) -> _Process:
        pid = os.getpid()
        # setdefault is atomic, a lock might be one that a fork left locked.
        return self._processes.get(pid) or self._processes.setdefault(pid, _Process())

    def _take(self, here: _Process) -> "PlainConnection":
        with here.gate:
            is_free = here.gate.wait_for(
                lambda: self._is_closed or here.busy < self._options.connections, self._options.patience
            )
            if self._is_closed:
                raise UsageError(CLOSED)
            if not is_free:
                raise self._options.exhausted()
            here.busy += 1
            if here.idle and (db := _sound(here.idle)) is not None:
                return db
        try:
            return self._connect()
        except BaseException:
            self._give(here, None)
            raise

    def _give(self, here: _Process, db: "PlainConnection | None") -> None:
        with here.gate:
            here.busy -= 1
            if db is not None:
                self._keep(here, db)
            here.gate.notify_all()

    def _keep(self, here: _Process, db: "PlainConnection") -> None:
        from wa_connector_postgres.connections import is_sound

        if is_sound(db) and not self._is_closed:
            here.idle.append(db)
            return
        if db.broken:
            _close_all(here.idle)
        db.close()

    def _connect(self) -> "PlainConnection":
        from wa_connector_postgres.connections import connect, run

        options, db = self._options, connect(self._options)

        async def ask(sql: str, parameters: Parameters = ()) -> Answer:
            return run(db, sql, parameters)

        try:
            drive(make_ready(ask, options.schema, patience=options.patience, create=options.create))
        except BaseException:
            db.close()
            raise
        return db


def _sound(idle: "list[PlainConnection]") -> "PlainConnection | None":
    """One of the idle connections that the server has not left; those that it has are closed."""
    from wa_connector_postgres.connections import is_stale

    while idle:
        db = idle.pop()
        if not is_stale(db):
            return db
        db.close()
    return None


def _close_all(connections: "list[PlainConnection]") -> None:
    while connections:
        connections.pop().close()


def _close_own(processes: dict[int, _Process]) -> None:
    own = processes.get(os.getpid())
    if own is not None:
        _close_all(own.idle)
