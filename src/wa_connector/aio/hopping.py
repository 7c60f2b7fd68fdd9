"""Plain ports behind an event loop: worker threads, and one hop for calls that arrive together.

A hop to a thread and back costs more than a small commit, and every commit waits for the disk. So what arrives while a
commit is under way is committed together by the next one: one hop, one wait for the disk, and the results handed out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar, final
from weakref import WeakKeyDictionary

from wa_connector.errors import RowCorrupt, UsageError
from wa_connector.model.ids import TenantId
from wa_connector.model.queue import LeasedLane, Work
from wa_connector.ports.misuse import kind_of
from wa_connector.ports.rows import Key
from wa_connector.ports.storage import (
    FOUND,
    Change,
    EventPage,
    Follow,
    Outcome,
    Page,
    Range,
    Scan,
    SchemaState,
    Search,
    Snapshot,
    Storage,
    Wanted,
)
from wa_connector.shell.adapters import Hop, PlainStorage

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


def hop_to(executor: Executor | None) -> Hop:
    """Make plain calls on ``executor``; None is the running loop's own."""

    async def hop(call: Callable[[], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, call)

    return hop


@final
class Group(Generic[I, R]):
    """Calls of one kind on one loop: while one round is under way, the next one gathers.

    ``run`` takes the items of a whole round and returns as many results. What fails fails for its whole round, but for a
    ``UsageError`` and ``RowCorrupt``: these are one item's own, so the others are run again without it.
    """

    def __init__(self, run: Callable[[list[I]], Awaitable[Sequence[R]]]) -> None:
        self._run: Final = run
        self._waiting: list[tuple[I, asyncio.Future[R]]] = []
        self._rounds: asyncio.Task[None] | None = None

    async def call(self, item: I) -> R:
        """Take part in the next round. Giving up waiting does not undo the call."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._run_rounds())
        return await future

    async def _run_rounds(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._run_round(batch)
        finally:
            self._rounds = None
            # Somebody still waits only where the rounds were cancelled, and nobody would come for him.
            for _, future in self._waiting:
                future.cancel()
            self._waiting.clear()

    async def _run_round(self, batch: list[tuple[I, asyncio.Future[R]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
        except (UsageError, RowCorrupt) as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                for each in batch:
                    await self._run_round([each])
            return
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


def _fail(batch: list[tuple[I, asyncio.Future[R]]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)


@final
class GroupedStorage:
    """A plain storage behind the asynchronous face; usable from several loops, each with rounds of its own."""

    def __init__(self, plain: Storage, hop: Hop) -> None:
        self._each: Final = PlainStorage(plain, hop)
        self._loads: Final[_Groups[Sequence[Wanted], Snapshot]] = WeakKeyDictionary()
        self._commits: Final[_Groups[Sequence[Change], Sequence[Outcome]]] = WeakKeyDictionary()

    async def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        return await self._group(self._loads, self._load_all).call(wanted)

    async def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return await self._group(self._commits, self._commit_all).call(changes)

    async def scan(self, scan: Scan) -> Page:
        return await self._each.scan(scan)

    async def search(self, search: Search) -> Page:
        return await self._each.search(search)

    async def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        return await self._each.events_after(tenant, cursor, limit)

    async def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        return await self._each.claim(works, limit, now, lease)

    async def schema(self) -> SchemaState:
        return await self._each.schema()

    async def upgrade(self) -> SchemaState:
        return await self._each.upgrade()

    async def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        return await self._each.drop_events(tenant, before, limit)

    async def scrub(self) -> None:
        await self._each.scrub()

    async def aclose(self) -> None:
        await self._each.aclose()

    async def _load_all(self, calls: list[Sequence[Wanted]]) -> Sequence[Snapshot]:
        if len(calls) == 1:
            return [await self._each.load(calls[0])]
        together = list(dict.fromkeys(wanted for call in calls for wanted in call))
        found = await self._each.load(together)
        # To each his own: what is not his would be carried along, copied with each thing that he decides.
        return [_part(found, call) for call in calls]

    async def _commit_all(self, calls: list[Sequence[Change]]) -> Sequence[Sequence[Outcome]]:
        outcomes = iter(await self._each.commit([change for call in calls for change in call]))
        return [[next(outcomes) for _ in call] for call in calls]

    def _group(self, groups: "_Groups[I, R]", run: Callable[[list[I]], Awaitable[Sequence[R]]]) -> Group[I, R]:
        loop = asyncio.get_running_loop()
        group = groups.get(loop)
        if group is None:
            group = groups[loop] = Group(run)
        return group


def _part(found: Snapshot, wanted: Sequence[Wanted]) -> Snapshot:
    keys: list[Key] = []
    ranges: dict[Range, tuple[Key, ...]] = {}
    for want in wanted:
        if isinstance(want, Range):
            ranges[want] = found.ranges[want]
            keys += ranges[want]
        elif isinstance(want, Follow):
            keys += (want.source, *_followed(want, found.rows[want.source].value))
        else:
            keys.append(want)
    return Snapshot({key: found.rows[key] for key in keys}, ranges)


def _followed(want: Follow, value: object) -> Iterable[Key]:
    if value is None:
        return
    kind = kind_of(want.source.kind)
    key = dict(zip((column.name for column in kind.key), want.source.parts, strict=True))
    columns = dict(zip((column.name for column in kind.columns), kind.project(value), strict=True))
    to = {**key, **columns}[want.column]
    if to:
        for name, parts in want.then:
            yield Key(name, tuple(to if part is FOUND else part for part in parts))


_Groups = WeakKeyDictionary[asyncio.AbstractEventLoop, Group[I, R]]
