"""The whole of a storage in dictionaries: for tests, demonstrations, and to read what a storage does.

Rules of this file: plain and obviously right before quick. A change is checked entirely before it is applied, so
nothing is ever undone; a page sorts what it finds. Payloads go through the codec on their way in, so that a test
cannot pass with a value that a real storage could not keep.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final, final

from attrs import define, evolve, frozen

from wa_connector.errors import InternalError, UsageError
from wa_connector.model.event import Event, Happening
from wa_connector.model.ids import TenantId
from wa_connector.model.queue import Budget, LaneKey, LeasedLane, Work
from wa_connector.ports.codec import decode, decode_happening, encode, encode_happening
from wa_connector.ports.misuse import check_change, check_follow, check_page, check_search, kind_of, parse_cursor
from wa_connector.ports.rows import DEDUPE, KINDS, ColumnType, Key, Kind, MergeRule, Scalar
from wa_connector.ports.storage import (
    ABSENT,
    COMMITTED,
    FOUND,
    Change,
    Conflict,
    Duplicate,
    EventPage,
    Follow,
    Merge,
    Outcome,
    Page,
    Put,
    Range,
    Row,
    Scan,
    Search,
    Settle,
    Snapshot,
    Wake,
    Wanted,
)


@frozen
class _Stored:
    """A row, and the value of each column that an index or a ``Follow`` may name."""

    row: Row
    columns: Mapping[str, Scalar]


@define
class _Lane:
    due_at: datetime | None = None
    leased_until: datetime | None = None
    fence: int = 0
    wakes: int = 0
    budget: Budget | None = None


def _system_clock() -> datetime:
    return datetime.now(UTC)


@final
class MemoryStorage:
    """A ``Storage`` that lives as long as the object. Any number of threads may use it; one lock serialises them.

    ``clock`` is the storage's own clock, by which leases run out; a test passes one that it can move.
    """

    def __init__(self, *, clock: Callable[[], datetime] = _system_clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._is_closed = False
        self._tables: dict[str, dict[Key, _Stored]] = {name: {} for name in KINDS}
        self._events: dict[TenantId, list[Event]] = {}
        self._lanes: dict[LaneKey, _Lane] = {}
        self._last_number = 0

    # ----------------------------------------------------------------------------------- reading

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        """Everything wanted, read at one moment."""
        rows: dict[Key, Row] = {}
        ranges: dict[Range, tuple[Key, ...]] = {}
        with self._open():
            for want in wanted:
                if isinstance(want, Range):
                    check_page(want.kind, want.index, want.prefix, want.after)
                    found = _behind(self._entries(want.kind, want.index, want.prefix, want.descending), want)
                    ranges[want] = tuple(key for _, key in found[: want.limit])
                    rows.update((key, self._row(key)) for key in ranges[want])
                elif isinstance(want, Follow):
                    rows.update((key, self._row(key)) for key in (want.source, *self._followed(want)))
                else:
                    rows[want] = self._row(want)
        return Snapshot(rows, ranges)

    def scan(self, scan: Scan) -> Page:
        """One page of an index."""
        check_page(scan.kind, scan.index, scan.prefix, scan.after)
        with self._open():
            entries = _behind(self._entries(scan.kind, scan.index, scan.prefix, scan.descending), scan)
            page = entries[: scan.limit]
            rows = tuple((key, self._row(key)) for _, key in page)
        return Page(rows, page[-1][0] if page and len(entries) > len(page) else None)

    def search(self, search: Search) -> Page:
        """One page of the rows that have the words: every row is looked at."""
        searched = check_search(search)
        with self._open():
            found = [
                (tuple(stored.columns[column] for column in searched.order), key)
                for key, stored in self._tables[search.kind].items()
                if key.parts[0] == search.tenant and _has_words(str(stored.columns[searched.column]), search.words)
            ]
            entries: list[tuple[tuple[Any, ...], Key]] = sorted(found, reverse=True)
            if search.after is not None:
                entries = [each for each in entries if each[0] < search.after]
            page = entries[: search.limit]
            rows = tuple((key, self._row(key)) for _, key in page)
        return Page(rows, page[-1][0] if page and len(entries) > len(page) else None)

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        """The tenant's events behind ``cursor``."""
        after = parse_cursor(cursor)
        with self._open():
            log = self._events.get(tenant, [])
            start = bisect_right(log, after, key=lambda event: event.sequence)
            found = tuple(log[start : start + limit])
        return EventPage(found, str(found[-1].sequence) if found else cursor)

    def _row(self, key: Key) -> Row:
        stored = self._table(key).get(key)
        return ABSENT if stored is None else stored.row

    def _followed(self, follow: Follow) -> list[Key]:
        check_follow(follow)
        stored = self._table(follow.source).get(follow.source)
        if stored is None or not stored.columns[follow.column]:
            return []
        found = stored.columns[follow.column]
        return [Key(kind, tuple(found if p is FOUND else p for p in parts)) for kind, parts in follow.then]

    def _entries(
        self, kind: str, index: str, prefix: tuple[Scalar, ...], descending: bool
    ) -> list[tuple[tuple[Any, ...], Key]]:
        """The rows under a prefix in the asked order, each with its cursor."""
        rest = check_page(kind, index, prefix)
        fixed = tuple(zip(kind_of(kind).index(index).columns, prefix, strict=False))
        found = [
            (tuple(stored.columns[column] for column in rest), key)
            for key, stored in self._tables[kind].items()
            if all(stored.columns[column] == value for column, value in fixed)
        ]
        return sorted(found, reverse=descending)

    # ----------------------------------------------------------------------------------- writing

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes in their order, each whole or not at all."""
        for change in changes:
            check_change(change)
        coded = [_through_codec(change) for change in changes]
        with self._open():
            return tuple(self._commit(change) for change in coded)

    def _commit(self, change: Change) -> Outcome:
        # The mark before the versions: the retry of a command that landed has stale reads as well, and what its
        # caller needs to hear is that it landed.
        refusal = self._duplicate(change) or self._lost_lease(change) or self._moved(change)
        if refusal is not None:
            return refusal
        for key in change.deletes:
            self._table(key).pop(key, None)
        for put in change.puts:
            self._put(put)
        for merge in change.merges:
            self._merge(merge)
        for mark, ref in change.dedupe.items():
            self._put(Put(DEDUPE.of(change.tenant, mark), ref))
        for happening in change.events:
            event = Event(change.tenant, self._next_number(), change.at, happening)
            self._events.setdefault(change.tenant, []).append(event)
        if change.settle is not None:
            self._settle(change.settle)
        for wake in change.wakes:
            self._wake(wake)
        return COMMITTED

    def _duplicate(self, change: Change) -> Duplicate | None:
        for mark in change.dedupe:
            row = self._row(DEDUPE.of(change.tenant, mark))
            if row.version:
                return Duplicate(mark, row.value)
        return None

    def _lost_lease(self, change: Change) -> Conflict | None:
        leases = [] if change.fence is None else [change.fence]
        if change.settle is not None:
            leases.append((change.settle.lane, change.settle.fence))
        is_lost = any(lane not in self._lanes or self._lanes[lane].fence != fence for lane, fence in leases)
        return Conflict() if is_lost else None

    def _moved(self, change: Change) -> Conflict | None:
        unread = {put.key: 0 for put in change.puts}
        for key, version in {**unread, **change.reads}.items():
            if self._row(key).version != version:
                return Conflict(key)
        return None

    def _put(self, put: Put) -> None:
        before = self._row(put.key)
        self._store(put.key, evolve(before, version=before.version + 1, value=put.value))

    def _merge(self, merge: Merge) -> None:
        before = self._row(merge.key)
        merged = dict(before.merged) or _zeros(kind_of(merge.key.kind))
        for column in kind_of(merge.key.kind).merges:
            value = merge.columns.get(column.name, 0)
            held = merged[column.name]
            merged[column.name] = held + value if column.rule is MergeRule.SUM else max(held, value)
        self._store(merge.key, evolve(before, merged=merged))

    def _store(self, key: Key, row: Row) -> None:
        kind = kind_of(key.kind)
        if key not in self._table(key):
            sequence = self._next_number() if kind.sequence else 0
            row = evolve(row, merged=row.merged or _zeros(kind), sequence=sequence)
        self._table(key)[key] = _Stored(row, _columns(kind, key, row))

    def _table(self, key: Key) -> dict[Key, _Stored]:
        kind_of(key.kind)
        return self._tables[key.kind]

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    # ------------------------------------------------------------------------------------- lanes

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due and free, the longest due first."""
        with self._open():
            today = self._clock()
            due = [
                (lane.due_at, key.tenant, key.line, key.customer, key)
                for key, lane in self._lanes.items()
                if key.work in works
                and lane.due_at is not None
                and lane.due_at <= now
                and (lane.leased_until is None or lane.leased_until <= today)
            ]
            due.sort(key=lambda entry: entry[:4])
            return tuple(self._lease(key, today + lease) for *_, key in due[:limit])

    def _lease(self, key: LaneKey, until: datetime) -> LeasedLane:
        # The due time stays: should the lease run out, the lane is as due as it was.
        lane = self._lanes[key]
        lane.fence += 1
        lane.leased_until = until
        return LeasedLane(key, lane.fence, lane.wakes, lane.budget)

    def _settle(self, settle: Settle) -> None:
        lane = self._lanes[settle.lane]
        lane.leased_until = None
        lane.due_at = settle.due_at if lane.wakes == settle.wakes else _earlier(lane.due_at, settle.due_at)
        lane.budget = settle.budget or lane.budget

    def _wake(self, wake: Wake) -> None:
        lane = self._lanes.setdefault(wake.lane, _Lane())
        lane.due_at = _earlier(lane.due_at, wake.due_at)
        lane.wakes += 1

    # ------------------------------------------------------------------------------------ keeping

    def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` events from before an instant, from the beginning of the log."""
        with self._open():
            log = self._events.get(tenant, [])
            old = next((place for place, event in enumerate(log[:limit]) if event.at >= before), len(log[:limit]))
            del log[:old]
            return old

    def scrub(self) -> None:
        """Nothing to overwrite: there are no files."""

    # --------------------------------------------------------------------------------- life cycle

    def close(self) -> None:
        """Refuse further use. A second call does nothing."""
        self._is_closed = True

    @contextmanager
    def _open(self) -> Iterator[None]:
        if self._is_closed:
            raise UsageError("this storage was closed; make a new one")
        with self._lock:
            yield


@final
class AsyncMemoryStorage:
    """The same for the asynchronous face: no thread hop, and never suspends.

    Wraps ``storage``, so that a test can look at one set of rows through both faces.
    """

    def __init__(self, storage: MemoryStorage | None = None) -> None:
        self.plain: Final = storage or MemoryStorage()

    async def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        return self.plain.load(wanted)

    async def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return self.plain.commit(changes)

    async def scan(self, scan: Scan) -> Page:
        return self.plain.scan(scan)

    async def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        return self.plain.events_after(tenant, cursor, limit)

    async def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        return self.plain.claim(works, limit, now, lease)

    async def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        return self.plain.drop_events(tenant, before, limit)

    async def scrub(self) -> None:
        self.plain.scrub()

    async def search(self, search: Search) -> Page:
        return self.plain.search(search)

    async def aclose(self) -> None:
        self.plain.close()


def _has_words(text: str, words: Sequence[str]) -> bool:
    found = text.split()
    return all(any(each.startswith(word) for each in found) for word in words)


def _behind(entries: list[tuple[tuple[Any, ...], Key]], page: Range | Scan) -> list[tuple[tuple[Any, ...], Key]]:
    """The entries behind the cursor of a page, where it has one."""
    if page.after is None:
        return entries
    return [each for each in entries if (each[0] < page.after if page.descending else each[0] > page.after)]


def _through_codec(change: Change) -> Change:
    for key in (*(put.key for put in change.puts), *(merge.key for merge in change.merges)):
        _check_unicode("".join(map(str, key.parts)))
    return evolve(
        change,
        puts=tuple(Put(put.key, _recoded(put.value, kind_of(put.key.kind).payload)) for put in change.puts),
        dedupe={mark: _recoded(ref, DEDUPE.payload) for mark, ref in change.dedupe.items()},
        events=tuple(_recoded_happening(happening) for happening in change.events),
    )


def _recoded(value: Any, payload: Any) -> Any:
    text = encode(value, payload)
    _check_unicode(text)
    read = decode(text, payload)
    if read != value:
        raise InternalError(f"a {type(value).__name__} comes back from the codec as something else")
    return read


def _recoded_happening(happening: Happening) -> Happening:
    read = decode_happening(encode_happening(happening))
    if read != happening:
        raise InternalError(f"a {type(happening).__name__} comes back from the codec as something else")
    return read


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("a text is no Unicode (a lone surrogate); refuse or replace it where it comes in") from None


def _zeros(kind: Kind) -> dict[str, int]:
    return {column.name: 0 for column in kind.merges}


def _columns(kind: Kind, key: Key, row: Row) -> dict[str, Scalar]:
    names = [column.name for column in kind.columns]
    # A row that only merges have made yet has no payload to project: its columns are empty.
    empty: list[Scalar] = [0 if column.type is ColumnType.INTEGER else "" for column in kind.columns]
    projected = kind.project(row.value) if row.version else empty
    return {
        **dict(zip((column.name for column in kind.key), key.parts, strict=True)),
        **dict(zip(names, projected, strict=True)),
        **row.merged,
        **{flag.name: int(row.merged.get(flag.above, 0) > row.merged.get(flag.below, 0)) for flag in kind.flags},
        **({kind.sequence: row.sequence} if kind.sequence else {}),
    }


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
