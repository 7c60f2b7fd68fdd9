"""The two storages: the same questions (``questions.py``), each asked over connections of its own kind."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

from wa_connector.model.ids import TenantId
from wa_connector.model.queue import LeasedLane, Work
from wa_connector.ports.storage import Change, EventPage, Outcome, Page, Scan, Snapshot, Wanted
from wa_connector.shell.drive import drive
from wa_connector_postgres import questions
from wa_connector_postgres.errors import translated
from wa_connector_postgres.options import Options
from wa_connector_postgres.pool import Pool
from wa_connector_postgres.questions import Answer, Parameters

if TYPE_CHECKING:
    from wa_connector_postgres.loops import LoopPool

_PATIENCE: Final = timedelta(seconds=5)


@final
class PostgresStorage:
    """A ``Storage`` in one schema of a PostgreSQL database (14 or newer, in UTF-8).

    ``conninfo`` is a connection string or URL as libpq reads it. Nothing is opened before the first call; then each
    process has up to ``connections``, made when they are needed. Threads and greenlets may share the storage, and a
    fork is safe at any moment.

    ``patience`` bounds each wait: for a connection of ours to be free, for the server to accept one, for somebody
    else's lock; past it the call raises ``StorageUnavailable``. With ``migrate=False`` the schema is used only if it
    has this version's tables. Leases run out by the server's clock.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = "wa_connector",
        connections: int = 8,
        patience: timedelta = _PATIENCE,
        migrate: bool = True,
    ) -> None:
        self._options: Final = Options(conninfo, schema, connections, patience.total_seconds(), migrate)
        self._pool: Final = Pool(self._options)

    def __repr__(self) -> str:
        return f"PostgresStorage(schema={self._options.schema!r})"

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        """Everything wanted, read at one moment."""
        with self._translated():
            return drive(questions.load(self._ask, wanted))

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes in their order, each whole or not at all."""
        with self._translated():
            return drive(questions.commit(self._ask, self._options.schema, questions.prepared(changes)))

    def scan(self, scan: Scan) -> Page:
        """One page of an index."""
        with self._translated():
            return drive(questions.scan(self._ask, scan))

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        """The tenant's events behind ``cursor``; not yet those behind a transaction that is still in doubt."""
        with self._translated():
            return drive(questions.events_after(self._ask, tenant, cursor, limit))

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due and free, the longest due first."""
        with self._translated():
            return drive(questions.claim(self._ask, works, limit, now, lease))

    def close(self) -> None:
        """Close this process's connections, waiting up to ``patience`` for running calls. Twice does nothing."""
        self._pool.close()

    async def _ask(self, sql: str, parameters: Parameters = ()) -> Answer:
        return self._pool.ask(sql, parameters)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._options.schema)


@final
class AsyncPostgresStorage:
    """The same as an ``AsyncStorage``, with up to ``connections`` for each event loop that uses it.

    Commits that arrive on a loop while one is under way are applied together by the next: one transaction, and one
    wait for the disk.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = "wa_connector",
        connections: int = 8,
        patience: timedelta = _PATIENCE,
        migrate: bool = True,
    ) -> None:
        self._options: Final = Options(conninfo, schema, connections, patience.total_seconds(), migrate)

    def __repr__(self) -> str:
        return f"AsyncPostgresStorage(schema={self._options.schema!r})"

    async def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        """Everything wanted, read at one moment."""
        with self._translated():
            return await questions.load(self._pool.ask, wanted)

    async def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes in their order, each whole or not at all."""
        with self._translated():
            return await self._pool.commit(questions.prepared(changes))

    async def scan(self, scan: Scan) -> Page:
        """One page of an index."""
        with self._translated():
            return await questions.scan(self._pool.ask, scan)

    async def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        """The tenant's events behind ``cursor``; not yet those behind a transaction that is still in doubt."""
        with self._translated():
            return await questions.events_after(self._pool.ask, tenant, cursor, limit)

    async def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due and free, the longest due first."""
        with self._translated():
            return await questions.claim(self._pool.ask, works, limit, now, lease)

    async def aclose(self) -> None:
        """Close the connections, waiting up to ``patience`` for calls that run on this loop. Twice does nothing."""
        await self._pool.aclose()

    @cached_property
    def _pool(self) -> "LoopPool":
        from wa_connector_postgres.loops import LoopPool

        return LoopPool(self._options)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._options.schema)
