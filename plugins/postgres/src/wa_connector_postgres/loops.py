"""Connections of event loops: what ``pool.py`` does for processes, for each running loop by itself.

The one module that imports asyncio, itself imported at the first use of the asynchronous storage.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Final, final
from weakref import WeakKeyDictionary, finalize

from wa_connector.aio.hopping import Group
from wa_connector.errors import UsageError
from wa_connector.ports.storage import Outcome
from wa_connector.shell.drive import drive
from wa_connector_postgres import questions
from wa_connector_postgres.connections import LoopConnection, connect_on_loop, is_sound, is_stale, run_on_loop
from wa_connector_postgres.options import Options
from wa_connector_postgres.pool import CLOSED
from wa_connector_postgres.questions import Answer, Parameters
from wa_connector_postgres.rounds import Prepared
from wa_connector_postgres.schema import make_ready


class _Home:
    """What one loop holds."""

    def __init__(self, pool: "LoopPool", connections: int) -> None:
        self.free: Final = asyncio.Semaphore(connections)
        self.idle: Final[list[LoopConnection]] = []
        self.commits: Final[Group[Sequence[Prepared], Sequence[Outcome]]] = Group(pool.commit_all)


_Homes = WeakKeyDictionary[asyncio.AbstractEventLoop, _Home]


@final
class LoopPool:
    """Up to ``options.connections`` connections of each loop that uses it."""

    def __init__(self, options: Options) -> None:
        self._options: Final = options
        self._is_closed = False
        # By process id, as in pool.py.
        self._processes: Final[dict[int, _Homes]] = {}
        finalize(self, _close_own, self._processes)

    async def ask(self, sql: str, parameters: Parameters = ()) -> Answer:
        """Run one statement. Raises ``UsageError`` once the pool is closed."""
        home = self._home()
        try:
            async with asyncio.timeout(self._options.patience):
                await home.free.acquire()
        except TimeoutError:
            raise self._options.exhausted() from None
        try:
            db = await self._take(home)
            try:
                return await run_on_loop(db, sql, parameters)
            finally:
                self._give(home, db)
        finally:
            home.free.release()

    async def commit(self, changes: Sequence[Prepared]) -> Sequence[Outcome]:
        """Commit together with what else arrives on this loop while a commit is under way."""
        if self._is_closed:
            raise UsageError(CLOSED)
        return await self._home().commits.call(changes)

    async def commit_all(self, calls: list[Sequence[Prepared]]) -> Sequence[Sequence[Outcome]]:
        """Commit a round of calls: one transaction, and one wait for the disk."""
        together = [change for call in calls for change in call]
        outcomes = iter(await questions.commit(self.ask, self._options.schema, together))
        return [[next(outcomes) for _ in call] for call in calls]

    async def aclose(self) -> None:
        """Close what is idle, wait a bounded time for what this loop has in use; that closes when it comes back."""
        self._is_closed = True
        home, taken = self._home(), 0
        try:
            async with asyncio.timeout(self._options.patience):
                for _ in range(self._options.connections):
                    await home.free.acquire()
                    taken += 1
        except TimeoutError:
            pass
        finally:
            for _ in range(taken):
                home.free.release()
        _close_own(self._processes)

    def _home(self) -> _Home:
        homes = self._processes.setdefault(os.getpid(), WeakKeyDictionary())
        loop = asyncio.get_running_loop()
        home = homes.get(loop)
        if home is None:
            home = homes[loop] = _Home(self, self._options.connections)
        return home

    async def _take(self, home: _Home) -> LoopConnection:
        if self._is_closed:
            raise UsageError(CLOSED)
        while home.idle:
            db = home.idle.pop()
            if not is_stale(db):
                return db
            _close(db)
        return await self._connect()

    def _give(self, home: _Home, db: LoopConnection) -> None:
        if is_sound(db) and not self._is_closed:
            home.idle.append(db)
            return
        if db.broken:
            _close_all(home.idle)
        _close(db)

    async def _connect(self) -> LoopConnection:
        options = self._options
        db = await connect_on_loop(options)

        async def ask(sql: str, parameters: Parameters = ()) -> Answer:
            return await run_on_loop(db, sql, parameters)

        try:
            await make_ready(ask, options.schema, patience=options.patience, create=options.create)
        except BaseException:
            _close(db)
            raise
        return db


def _close(db: LoopConnection) -> None:
    # Never suspends: it says good-bye and closes the socket. So it also serves where there is no loop any more.
    drive(db.close())


def _close_all(connections: list[LoopConnection]) -> None:
    while connections:
        _close(connections.pop())


def _close_own(processes: dict[int, _Homes]) -> None:
    for home in list(processes.get(os.getpid(), {}).values()):
        _close_all(home.idle)
