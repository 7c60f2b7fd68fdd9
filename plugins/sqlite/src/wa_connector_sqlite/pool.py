"""Connections to one file: opened when needed, of this process only, and never across a fork.

Theory. A connection is taken for one operation and given back, so there are as many as operations ran at once - threads
that ended leave none behind, and greenlets, which never switch inside SQLite, share one. Writers of this process queue
at a lock instead of spinning on SQLite's: the file has one writer at a time whatever we do.

Forks. SQLite keeps its file locks in memory, a table a process. A child that inherits an open connection inherits the
table but not the locks, and *every later connection of its own* believes in them: when the parent closes, the log is
deleted under the child, and what the child then commits is gone without an error (tried, with SQLite 3.40). Comparing
process ids before each use, as is common, does not help against that. So the connections are closed before the fork,
by ``os.register_at_fork``; both sides open new ones when they need them. The comparison stays, for forks that Python
is not told of.

Source: https://www.sqlite.org/howtocorrupt.html, section 2.6, read 2026-11.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Condition, Lock
from typing import Final, final
from weakref import WeakSet

from wa_connector.errors import StorageUnavailable, UsageError

_log = logging.getLogger("wa_connector.sqlite")
_log.addHandler(logging.NullHandler())

_KEPT: Final = 8
"""Idle connections kept; each costs file descriptors and a page cache, opening one a fraction of a millisecond."""


class _Process:
    """What one process holds. A child makes its own: a lock that a thread of the parent held would stay locked."""

    def __init__(self) -> None:
        self.gate: Final = Condition(Lock())
        """Guards the rest, and is notified when a connection comes back."""
        self.writer: Final = Lock()
        self.idle: Final[list[sqlite3.Connection]] = []
        self.busy = 0


@final
class Pool:
    """``connect`` opens a connection; ``patience`` (seconds) bounds every wait for another thread."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], patience: float) -> None:
        self._connect = connect
        self._patience = patience
        self._is_closed = False
        # By process id. An inherited entry is never touched, not even dropped: dropping closes.
        self._processes: Final[dict[int, _Process]] = {}

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one read. Raises ``UsageError`` once the pool is closed."""
        here = self._here()
        db = self._take(here)
        try:
            yield db
        except BaseException:
            # Not worth finding out what state it is in.
            self._give(here, db, keep=False)
            raise
        self._give(here, db, keep=True)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same, to one writer at a time."""
        here = self._here()
        if not here.writer.acquire(timeout=self._patience):
            raise StorageUnavailable(
                "other threads of this process kept writing for longer than busy_timeout; nothing was written. The disk"
                " is slower than what is asked of it: write less at once, or raise busy_timeout."
            )
        try:
            with self.reading() as db:
                yield db
        finally:
            here.writer.release()

    def close(self) -> None:
        """Close what is idle, wait a bounded time for what is in use; that closes when it comes back."""
        self._is_closed = True
        here = self._here()
        with here.gate:
            here.gate.wait_for(lambda: not here.busy, self._patience)
            _close_all(here.idle)

    # ------------------------------------------------------------------------------------- forks

    def before_fork(self) -> bool:
        """Close the connections of this process and let nobody open one; whether that came about."""
        here = self._here()
        if not here.gate.acquire(timeout=self._patience):
            return False
        if not here.gate.wait_for(lambda: not here.busy, self._patience):
            _log.warning("a fork did not wait longer for a running operation; the child must not use this storage")
        _close_all(here.idle)
        return True

    def after_fork_in_parent(self) -> None:
        """Let connections be opened again."""
        self._here().gate.release()

    def after_fork_in_child(self) -> None:
        """Begin anew, with locks that nobody holds."""
        self._processes[os.getpid()] = _Process()

    # -------------------------------------------------------------------------------------------

    def _here(self) -> _Process:
        pid = os.getpid()
        # setdefault is atomic, a lock might be one that a fork left locked.
        return self._processes.get(pid) or self._processes.setdefault(pid, _Process())

    def _take(self, here: _Process) -> sqlite3.Connection:
        with here.gate:
            if self._is_closed:
                raise UsageError("this storage was closed; make a new one")
            here.busy += 1
            if here.idle:
                return here.idle.pop()
        try:
            _fork_watch().add(self)
            return self._connect()
        except BaseException:
            self._give(here, None, keep=False)
            raise

    def _give(self, here: _Process, db: sqlite3.Connection | None, *, keep: bool) -> None:
        with here.gate:
            here.busy -= 1
            if db is not None:
                if keep and not self._is_closed and len(here.idle) < _KEPT:
                    here.idle.append(db)
                else:
                    db.close()
            here.gate.notify_all()


@final
class _ForkWatch:
    """Tells every pool of a fork. One a process, because what Python is told it cannot be untold; it holds the pools
    weakly, so that a storage which is dropped is gone."""

    def __init__(self) -> None:
        self._pools: Final[WeakSet[Pool]] = WeakSet()
        self._guard = Lock()
        self._one_fork = Lock()
        self._stopped: list[Pool] = []

    def add(self, pool: Pool) -> None:
        with self._guard:
            self._pools.add(pool)

    def before(self) -> None:
        self._one_fork.acquire()
        # Not held while the pools come to rest: a thread that is to come to rest may be on its way into `add`.
        with self._guard:
            pools = list(self._pools)
        self._stopped = [pool for pool in pools if pool.before_fork()]

    def after_in_parent(self) -> None:
        for pool in self._stopped:
            pool.after_fork_in_parent()
        self._stopped = []
        self._one_fork.release()

    def after_in_child(self) -> None:
        self._guard = Lock()
        self._one_fork = Lock()
        self._stopped = []
        for pool in list(self._pools):
            pool.after_fork_in_child()


@cache
def _fork_watch() -> _ForkWatch:
    """Made with the first connection, so that importing does nothing."""
    watch = _ForkWatch()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=watch.before,
            after_in_parent=watch.after_in_parent,
            after_in_child=watch.after_in_child,
        )
    return watch


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
