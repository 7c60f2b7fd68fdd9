"""The two storages: the same questions (``questions.py``), each asked over connections of its own kind."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, closing
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

from wa_connector.model.ids import TenantId
from wa_connector.model.queue import LeasedLane, Work
from wa_connector.ports.storage import Change, EventPage, Outcome, Page, Scan, SchemaState, Search, Snapshot, Wanted
from wa_connector.shell.drive import drive
from wa_connector_postgres import questions, schema
from wa_connector_postgres.errors import translated
from wa_connector_postgres.options import Options
from wa_connector_postgres.pool import Pool
from wa_connector_postgres.questions import Answer, Ask, Parameters

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
    else's lock; past it the call raises ``StorageUnavailable``. A schema without tables gets them,
    unless ``create`` is False; one of an older release is refused until somebody calls ``upgrade``. Leases run out by
    the server's clock.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = "wa_connector",
        connections: int = 8,
        patience: timedelta = _PATIENCE,
        create: bool = True,
    ) -> None:
        self._options: Final = Options(conninfo, schema, connections, patience.total_seconds(), create)
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

    def search(self, search: Search) -> Page:
        """One page of the rows that have certain words, from the index of words."""
        with self._translated():
            return drive(questions.search(self._ask, search))

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        """The tenant's events behind ``cursor``; not yet those behind a transaction that is still in doubt."""
        with self._translated():
            return drive(questions.events_after(self._ask, tenant, cursor, limit))

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due and free, the longest due first."""
        with self._translated():
            return drive(questions.claim(self._ask, works, limit, now, lease))

    def schema(self) -> SchemaState:
        """Which version of our tables the schema has; 0 where there are none yet."""
        return self._alone(schema.state)

    def upgrade(self) -> SchemaState:
        """Bring the tables to this version's. They must not be in use by an older release meanwhile."""
        return self._alone(schema.upgrade)

    def _alone(self, question: Callable[[Ask, str, float], Coroutine[Any, Any, SchemaState]]) -> SchemaState:
        """Ask on a connection that nobody else has, whatever tables there are."""
        from wa_connector_postgres.connections import connect, run

        with self._translated(), closing(connect(self._options)) as db:

            async def ask(sql: str, parameters: Parameters = ()) -> Answer:
                return run(db, sql, parameters)

            return drive(question(ask, self._options.schema, self._options.patience))

    def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` events from before an instant, from the beginning of the log."""
        with self._translated():
            return drive(questions.drop_events(self._ask, tenant, before, limit))

    def scrub(self) -> None:
        """``VACUUM`` each table, which blocks no reader or writer: the space of what was removed is used again. The bytes
        stay in the server's files until then, and in its log and its backups for as long as those are kept."""
        with self._translated():
            drive(questions.scrub(self._ask))

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
        create: bool = True,
    ) -> None:
        self._options: Final = Options(conninfo, schema, connections, patience.total_seconds(), create)

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

    async def search(self, search: Search) -> Page:
        """One page of the rows that have certain words, from the index of words."""
        with self._translated():
            return await questions.search(self._pool.ask, search)

    async def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        """The tenant's events behind ``cursor``; not yet those behind a transaction that is still in doubt."""
        with self._translated():
            return await questions.events_after(self._pool.ask, tenant, cursor, limit)

    async def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due and free, the longest due first."""
        with self._translated():
            return await questions.claim(self._pool.ask, works, limit, now, lease)

    async def schema(self) -> SchemaState:
        """Which version of our tables the schema has; 0 where there are none yet."""
        return await self._alone(schema.state)

    async def upgrade(self) -> SchemaState:
        """Bring the tables to this version's. They must not be in use by an older release meanwhile."""
        return await self._alone(schema.upgrade)

    async def _alone(self, question: Callable[[Ask, str, float], Coroutine[Any, Any, SchemaState]]) -> SchemaState:
        from wa_connector_postgres.connections import connect_on_loop, run_on_loop

        with self._translated():
            db = await connect_on_loop(self._options)

            async def ask(sql: str, parameters: Parameters = ()) -> Answer:
                return await run_on_loop(db, sql, parameters)

            try:
                return await question(ask, self._options.schema, self._options.patience)
            finally:
                await db.close()

    async def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` events from before an instant, from the beginning of the log."""
        with self._translated():
            return await questions.drop_events(self._pool.ask, tenant, before, limit)

    async def scrub(self) -> None:
        """As the plain one."""
        with self._translated():
            await questions.scrub(self._pool.ask)

    async def aclose(self) -> None:
        """Close the connections, waiting up to ``patience`` for calls that run on this loop. Twice does nothing."""
        await self._pool.aclose()

    @cached_property
    def _pool(self) -> "LoopPool":
        from wa_connector_postgres.loops import LoopPool

        return LoopPool(self._options)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._options.schema)
