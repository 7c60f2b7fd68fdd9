"""Changes, folded into rounds: what one call of the server's commit function is asked, and what its answer means.

Rules of this file: pure. What is believed of the server's rows is what the changes say they read, until an answer tells
otherwise (``Found``); the fold decides each change against that belief, as any storage would, and the server confirms
or corrects the belief. An outcome holds once the round that it was decided in was confirmed.

A round takes changes in their order as long as each row's fate in it is one statement: it ends before a change that
writes a row which the round deletes, or deletes one that it writes, or settles a lane that it touched; and where it
would hold too many locks.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, final

from attrs import Factory, define, frozen

from wa_connector.model.ids import TenantId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.queue import LaneKey
from wa_connector.ports.codec import decode, encode, encode_happening
from wa_connector.ports.misuse import check_change
from wa_connector.ports.rows import DEDUPE, KINDS, ColumnType, Key, Kind, MergeRule, Scalar
from wa_connector.ports.storage import COMMITTED, Change, Conflict, Duplicate, Outcome, Settle
from wa_connector_postgres.errors import unkeepable

LOCKS: Final = 512
"""So many locks a round, of the 6,400 that a server has by default for all its sessions."""
_LONGEST: Final = 2500
"""Bytes of an entry: an index takes a third of a page."""


@frozen
class Written:
    """A payload and its projected columns."""

    columns: tuple[Scalar, ...]
    payload: str


@frozen
class Mark:
    mark: str
    key: Key
    ref: str


@frozen
class Prepared:
    """A change, coded: everything that can be done for it without knowing any row."""

    tenant: TenantId
    marks: tuple[Mark, ...]
    expected: Mapping[Key, int]
    """Of each row that was read or is put, the version that it must have."""
    fences: tuple[tuple[LaneKey, int], ...]
    puts: Mapping[Key, Written]
    deletes: tuple[Key, ...]
    merges: tuple[tuple[Key, Mapping[str, int]], ...]
    events: tuple[tuple[str, int, str], ...]
    settle: Settle | None
    wakes: tuple[tuple[LaneKey, int], ...]

    @property
    def size(self) -> int:
        """About how many locks it takes."""
        return len(self.expected) + len(self.marks) + len(self.merges) + len(self.fences) + len(self.wakes)


def prepare(change: Change) -> Prepared:
    """Raises ``UsageError`` for a change that no storage takes."""
    check_change(change)
    marks = tuple(Mark(mark, DEDUPE.of(change.tenant, mark), ref) for mark, ref in change.dedupe.items())
    at = to_microseconds(change.at)
    coded = Prepared(
        tenant=change.tenant,
        marks=marks,
        expected={**{put.key: 0 for put in change.puts}, **change.reads},
        fences=tuple(_fences(change)),
        puts={put.key: _written(KINDS[put.key.kind], put.value) for put in change.puts},
        deletes=change.deletes,
        merges=tuple((merge.key, merge.columns) for merge in change.merges),
        events=tuple((change.tenant, at, encode_happening(happening)) for happening in change.events),
        settle=change.settle,
        wakes=tuple((wake.lane, to_microseconds(wake.due_at)) for wake in change.wakes),
    )
    _check_keepable(change, coded)
    return coded


def _check_keepable(change: Change, coded: Prepared) -> None:
    """Refuse here what the server would refuse: there it would take others down that travel with it."""
    # Payloads are ASCII, and what they spell with escapes is nobody's business.
    entries = [
        *(key.parts for key in coded.expected),
        *(written.columns for written in coded.puts.values()),
        *((*key.parts, *columns.values()) for key, columns in coded.merges),
        tuple(change.dedupe),
        *(_lane(lane) for lane, _ in (*coded.wakes, *coded.fences)),
    ]
    texts = [part for entry in entries for part in entry if isinstance(part, str)]
    whole = "\0".join(texts).encode()
    if whole.count(0) >= max(1, len(texts)):
        raise unkeepable()
    # An entry of an index is less than all together, which mostly is little.
    if len(whole) > _LONGEST and any(len("".join(map(str, entry)).encode()) > _LONGEST for entry in _indexed(coded)):
        raise unkeepable()
    counts = [part for entry in entries for part in entry if isinstance(part, int)]
    if counts and not (min(counts) >= -(1 << 63) and max(counts) < 1 << 63):
        raise unkeepable()


def _indexed(coded: Prepared) -> Iterator[Sequence[Scalar]]:
    """What goes into indexes, in groups of which none is smaller than an entry."""
    yield from (key.parts for key in coded.expected if key not in coded.puts)
    yield from ((*key.parts, *_in_indexes(key, written)) for key, written in coded.puts.items())
    yield from (key.parts for key, _ in coded.merges)
    yield from (mark.key.parts for mark in coded.marks)
    yield from (_lane(lane) for lane, _ in coded.wakes)


def _in_indexes(key: Key, written: Written) -> Iterator[Scalar]:
    """The columns but that of the words: each of those is an entry by itself, and the core has bounded them."""
    kind = KINDS[key.kind]
    searched = kind.searched.column if kind.searched else ""
    return (value for column, value in zip(kind.columns, written.columns, strict=True) if column.name != searched)


def _fences(change: Change) -> Iterator[tuple[LaneKey, int]]:
    if change.fence is not None:
        yield change.fence
    if change.settle is not None:
        yield change.settle.lane, change.settle.fence


def _written(kind: Kind, value: Any) -> Written:
    return Written(kind.project(value), encode(value, kind.payload))


@define
class Found:
    """What the server has where something else was expected of it."""

    versions: dict[Key, int] = Factory(dict)
    refs: dict[Key, str] = Factory(dict)
    fences: dict[LaneKey, int] = Factory(dict)


@define
class _Cell:
    """What becomes of a row in a round. ``version`` is the one after it, None while nobody said any."""

    expected: int | None = None
    version: int | None = None
    written: Written | None = None
    merged: dict[str, int] = Factory(dict)
    ref: str | None = None
    is_deleted: bool = False

    @property
    def is_written(self) -> bool:
        return self.written is not None or bool(self.merged)


@final
class Round:
    """As many of ``changes`` as fit, decided on what was ``found``; ``outcomes`` has one for each that was taken."""

    def __init__(self, changes: Sequence[Prepared], found: Found) -> None:
        self._found: Final = found
        self._cells: Final[dict[Key, _Cell]] = {}
        # In the order of first writing, which is that of sequences.
        self._writes: Final[dict[Key, _Cell]] = {}
        self._fences: Final[dict[LaneKey, int]] = {}
        self._settles: Final[dict[LaneKey, Settle]] = {}
        self._wakes: Final[dict[LaneKey, tuple[int, int]]] = {}
        self._events: Final[list[tuple[str, int, str]]] = []
        self._tenants: Final[dict[TenantId, None]] = {}
        self._size = 0
        self.outcomes: Final[list[Outcome]] = []
        for change in changes:
            if not self._fits(change):
                break
            refusal = self._refusal(change)
            if refusal is None:
                self._land(change)
            elif isinstance(refusal, Conflict):
                self._ask_for_marks(change)
            self.outcomes.append(refusal or COMMITTED)

    @property
    def is_empty(self) -> bool:
        """Whether the server need not be asked: each change is refused by what it said before."""
        return not self._tenants

    def document(self, schema: str) -> str:
        """What the server's function takes: JSON."""
        return _dump({"locks": sorted(self._locks(schema).items()), **self._document()})

    def learn(self, answer: Sequence[tuple[str, int, int, str | None]]) -> None:
        """Take over into ``found`` what the server answered."""
        fences = list(self._fences)
        checked: dict[str, list[Key]] = {}
        for key, cell in self._cells.items():
            if cell.expected is not None:
                checked.setdefault(key.kind, []).append(key)
        for what, place, number, payload in answer:
            if what == "fence":
                self._found.fences[fences[place]] = number
                continue
            key = checked[what][place]
            self._found.versions[key] = number
            if payload is not None:
                self._found.refs[key] = decode(payload, DEDUPE.payload)

    # ------------------------------------------------------------------------------------ deciding

    def _refusal(self, change: Prepared) -> Outcome | None:
        # Marks first: the retry of a command that landed has stale reads as well, and what its caller needs to hear is
        # that it landed.
        for mark in change.marks:
            if self._version(mark.key, 0):
                cell = self._cells.get(mark.key)
                return Duplicate(mark.mark, (cell and cell.ref) or self._found.refs[mark.key])
        for lane, fence in change.fences:
            if self._fences.get(lane, self._found.fences.get(lane, fence)) != fence:
                return Conflict()
        for key, version in change.expected.items():
            if self._version(key, version) != version:
                return Conflict(key)
        return None

    def _ask_for_marks(self, change: Prepared) -> None:
        """A change that conflicts here may be known there by its marks, and then that is the answer."""
        for mark in change.marks:
            if mark.key not in self._cells and mark.key not in self._found.versions:
                self._tenants[change.tenant] = None
                self._size += 1
                self._expect(mark.key, 0)

    def _version(self, key: Key, believed: int) -> int:
        cell = self._cells.get(key)
        if cell is not None and cell.version is not None:
            return cell.version
        return self._found.versions.get(key, believed)

    def _fits(self, change: Prepared) -> bool:
        if self.is_empty:
            return True
        if self._size + change.size > LOCKS:
            return False
        if change.settle is not None and (change.settle.lane in self._settles or change.settle.lane in self._wakes):
            return False
        for key in change.deletes:
            if key in self._writes:
                return False
        for key in (*change.puts, *(key for key, _ in change.merges), *change.deletes):
            cell = self._cells.get(key)
            if cell is not None and cell.is_deleted:
                return False
        # A mark that the round only read: what came of it is not known here.
        cells = (self._cells.get(mark.key) for mark in change.marks)
        return not any(cell is not None and cell.version and cell.ref is None for cell in cells)

    # ------------------------------------------------------------------------------------- landing

    def _land(self, change: Prepared) -> None:
        self._size += change.size
        self._tenants[change.tenant] = None
        for key, version in change.expected.items():
            self._expect(key, version)
        self._fences.update(change.fences)
        for key, written in change.puts.items():
            self._put(key, written)
        for mark in change.marks:
            self._expect(mark.key, 0)
            self._put(mark.key, Written((), encode(mark.ref, DEDUPE.payload))).ref = mark.ref
        for key in change.deletes:
            cell = self._cells[key]
            cell.is_deleted, cell.version = True, 0
        for key, columns in change.merges:
            self._merge(key, columns)
        if change.settle is not None:
            self._settles[change.settle.lane] = change.settle
        for lane, due_at in change.wakes:
            earliest, count = self._wakes.get(lane, (due_at, 0))
            self._wakes[lane] = (min(earliest, due_at), count + 1)
        self._events.extend(change.events)

    def _expect(self, key: Key, version: int) -> None:
        cell = self._cells.setdefault(key, _Cell())
        if cell.version is None:
            cell.expected = cell.version = version

    def _put(self, key: Key, written: Written) -> _Cell:
        cell = self._cells[key]
        assert cell.version is not None
        cell.version += 1
        cell.written = written
        self._writes[key] = cell
        return cell

    def _merge(self, key: Key, columns: Mapping[str, int]) -> None:
        kind = KINDS[key.kind]
        if not kind.merges:
            return
        cell = self._cells.setdefault(key, _Cell())
        for column in kind.merges:
            value = columns.get(column.name, 0)
            held = cell.merged.get(column.name, 0)
            cell.merged[column.name] = held + value if column.rule is MergeRule.SUM else max(held, value)
        self._writes[key] = cell

    # -------------------------------------------------------------------------------------- saying

    def _document(self) -> dict[str, list[Any]]:
        said: dict[str, list[Any]] = {}
        for key, cell in self._cells.items():
            if cell.expected is not None:
                said.setdefault(f"{key.kind}.check", []).append((*key.parts, cell.expected))
            if cell.is_deleted:
                said.setdefault(f"{key.kind}.delete", []).append(key.parts)
        for key, cell in self._writes.items():
            said.setdefault(f"{key.kind}.write", []).append(_row(key, cell))
        parts: dict[str, list[Any]] = {
            "fence": [(*_lane(lane), fence) for lane, fence in self._fences.items()],
            "settle": [_settled(settle) for settle in self._settles.values()],
            "wake": [(*_lane(lane), due_at, count) for lane, (due_at, count) in self._wakes.items()],
            "event": self._events,
        }
        said.update((name, part) for name, part in parts.items() if part)
        return said

    def _locks(self, schema: str) -> dict[int, bool]:
        """The number of each lock, and whether it is exclusive."""
        # One for the tenant, which others share: a change that needs too many locks takes it alone, and no other.
        is_vast = self._size > LOCKS
        locks = {_lock(schema, "tenant", tenant): is_vast for tenant in self._tenants}
        if is_vast:
            return locks
        for key, cell in self._cells.items():
            locks[_lock(schema, key.kind, *key.parts)] = cell.is_written or cell.is_deleted
            for place in _places(key, cell):
                locks[_lock(schema, *place)] = True
        for lane in (*self._fences, *self._wakes):
            locks[_lock(schema, "lane", *_lane(lane))] = True
        return locks


def _row(key: Key, cell: _Cell) -> tuple[Scalar, ...]:
    kind = KINDS[key.kind]
    merged = (cell.merged.get(column.name, 0) for column in kind.merges)
    if cell.written is None:
        empty = (0 if column.type is ColumnType.INTEGER else "" for column in kind.columns)
        return (*key.parts, *empty, "", 0, *merged)
    assert cell.version is not None
    return (*key.parts, *cell.written.columns, cell.written.payload, cell.version, *merged)


def _places(key: Key, cell: _Cell) -> Iterator[tuple[Scalar, ...]]:
    """Where a new row's sequence will be compared with others': those who add to one place wait for each other, so
    that there the sequence rises in the order of commits."""
    kind = KINDS[key.kind]
    if not kind.sequence or cell.written is None or cell.expected != 0:
        return
    names = (column.name for column in (*kind.key, *kind.columns))
    values = dict(zip(names, (*key.parts, *cell.written.columns), strict=True))
    for index in kind.indexes:
        if kind.sequence in index.columns:
            prefix = index.columns[: index.columns.index(kind.sequence)]
            yield f"{kind.name}.{index.name}", *(values[name] for name in prefix)


def _settled(settle: Settle) -> tuple[Any, ...]:
    due_at = None if settle.due_at is None else to_microseconds(settle.due_at)
    budget = settle.budget
    left = (None, None) if budget is None else (budget.tokens, to_microseconds(budget.at))
    return (*_lane(settle.lane), settle.wakes, due_at, *left)


def _lane(lane: LaneKey) -> tuple[str, str, str, str]:
    return (lane.tenant, lane.line, lane.customer, lane.work.value)


def _lock(*parts: Scalar) -> int:
    # Two keys of one number wait for each other without need, and that is all.
    digest = blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


# Not in ASCII: half a character is refused by the encoding to UTF-8, before anything is sent.
_dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


__all__ = ["Found", "Prepared", "Round", "prepare"]
