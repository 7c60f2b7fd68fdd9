"""The draft of one commit: what a decider reads is remembered with its version, what it writes is collected.

Theory: a change must carry the versions of *everything that was read and could have refused it*. Rather than have each
verb list them, every read goes through the draft, which writes them down; nothing can be forgotten. A key that was
not loaded stops the decider (``Needs``), the shell loads it and runs the decider again: a pure function can always be run
again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from attrs import evolve, field, frozen

from wa_connector.model.decision import Decision
from wa_connector.model.event import Happening
from wa_connector.model.ids import TenantId
from wa_connector.model.queue import LaneKey
from wa_connector.ports.rows import DEDUPE, KINDS, Key, MergeRule
from wa_connector.ports.storage import ABSENT, Change, Merge, Put, Range, Row, Snapshot, Wake, Wanted

C = TypeVar("C")
R = TypeVar("R")


@frozen
class Ready(Generic[R]):
    """Decided: commit ``change``; then ``result`` is true."""

    change: Change
    result: R


@frozen
class Refused:
    """A rule said no; nothing is to be committed."""

    decision: Decision


@frozen
class Known:
    """This command or event was taken before; ``ref`` is what came of it then."""

    ref: str


@frozen
class Needs:
    """Load these, too, and decide again."""

    wanted: tuple[Wanted, ...]


Answer = Ready[R] | Refused | Known | Needs


@frozen
class Seed:
    """Where a decision's ids and salts come from: unique to one command, and the same on every try, so that a decider
    stays pure. ``stem`` begins every id; ``secret`` is random and never stored."""

    stem: str
    secret: str = field(repr=False)


class Draft:
    """One decision in the making. Not shared, not kept."""

    __slots__ = (
        "_dedupe",
        "_deletes",
        "_events",
        "_fence",
        "_ids",
        "_merges",
        "_puts",
        "_reads",
        "_seed",
        "_snapshot",
        "_wakes",
        "now",
        "tenant",
    )

    def __init__(self, tenant: TenantId, now: datetime, snapshot: Snapshot, seed: Seed) -> None:
        self.tenant = tenant
        self.now = now
        self._snapshot = snapshot
        self._seed = seed
        self._ids = 0
        self._reads: dict[Key, int] = {}
        self._puts: dict[Key, Any] = {}
        self._deletes: dict[Key, None] = {}
        self._merges: dict[Key, dict[str, int]] = {}
        self._dedupe: dict[str, str] = {}
        self._events: list[Happening] = []
        self._wakes: list[Wake] = []
        self._fence: tuple[LaneKey, int] | None = None

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, key: Key) -> Any:
        """The payload under ``key`` as this draft would leave it, or None."""
        if key in self._puts:
            return self._puts[key]
        row = self._row(key)
        self._reads[key] = row.version
        return None if key in self._deletes else row.value

    def saw(self, versions: Mapping[Key, int]) -> None:
        """Note rows that were read before the decider began."""
        self._reads.update(versions)

    def merged(self, key: Key) -> Mapping[str, int]:
        """The merge columns of a row, with this draft's own merges; reading them can cause no conflict."""
        return _merged(key.kind, self._row(key).merged, self._merges.get(key, {}))

    def range(self, wanted: Range) -> Iterable[tuple[Key, Any]]:
        """The rows of a range with their payloads, as loaded: rows that appear later do not conflict.

        Of the index ``key`` also the rows that this draft adds; of other indexes nobody can tell from here.
        """
        keys = self._snapshot.ranges.get(wanted)
        if keys is None:
            raise _NotLoadedError(wanted)
        added = [key for key in self._puts if wanted.index == "key" and _is_in(key, wanted) and key not in keys]
        return [(key, value) for key in (*keys, *added) if (value := self.get(key)) is not None]

    def glimpse(self, wanted: Range) -> Iterable[tuple[Key, Any]]:
        """The rows of a range as loaded, without this draft's own: what becomes of them meanwhile refuses nothing."""
        keys = self._snapshot.ranges.get(wanted)
        if keys is None:
            raise _NotLoadedError(wanted)
        return [(key, self._row(key).value) for key in keys]

    def is_known(self, mark: str) -> str | None:
        """What came of the command or event with this mark, if it was taken before."""
        row = self._row(DEDUPE.of(self.tenant, mark))
        return row.value if row.version else None

    def _row(self, key: Key) -> Row:
        row = self._snapshot.rows.get(key)
        if row is None:
            raise _NotLoadedError(key)
        return row

    # --- writing ----------------------------------------------------------------------------------------------------

    def new_id(self) -> str:
        """A fresh id: the same ones in the same order whenever this decision is made again."""
        self._ids += 1
        return f"{self._seed.stem}-{self._ids}"

    def new_salt(self) -> str:
        """A fresh salt: 32 hex digits that no id tells anything about."""
        self._ids += 1
        return hashlib.sha256(f"{self._seed.secret} {self._ids}".encode()).hexdigest()[:32]

    def put(self, key: Key, value: Any) -> None:
        self._deletes.pop(key, None)
        self._puts[key] = value

    def delete(self, key: Key) -> None:
        """Remove a row that was read."""
        self._puts.pop(key, None)
        self._deletes[key] = None

    def discard(self, key: Key) -> bool:
        """Remove a row if it is there; whether it was."""
        if self.get(key) is None:
            return False
        self.delete(key)
        return True

    def merge(self, key: Key, **columns: int) -> None:
        self._merges[key] = dict(_merged(key.kind, self._merges.get(key, {}), columns))

    def mark(self, mark: str, ref: str) -> None:
        """Note that this was taken, so that it is taken once."""
        self._dedupe[mark] = ref

    def tell(self, happening: Happening) -> None:
        self._events.append(happening)

    def wake(self, lane: LaneKey, due_at: datetime) -> None:
        self._wakes.append(Wake(lane, due_at))

    def under(self, lane: LaneKey, fence: int) -> None:
        """Decide under a lease: if it was lost meanwhile, nothing lands."""
        self._fence = (lane, fence)

    def change(self) -> Change:
        return Change(
            self.tenant,
            self.now,
            reads=self._reads,
            puts=tuple(Put(key, value) for key, value in self._puts.items()),
            deletes=tuple(self._deletes),
            merges=tuple(Merge(key, columns) for key, columns in self._merges.items()),
            dedupe=self._dedupe,
            events=tuple(self._events),
            wakes=tuple(self._wakes),
            fence=self._fence,
        )


class _NotLoadedError(Exception):
    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted


class _RefusedError(Exception):
    def __init__(self, decision: Decision) -> None:
        self.decision = decision


class _KnownError(Exception):
    def __init__(self, ref: str) -> None:
        self.ref = ref


def refuse_unless(decision: Decision) -> Decision:
    """Go on with an allowed decision; end the decider with a refused one."""
    if not decision.is_allowed:
        raise _RefusedError(decision)
    return decision


def mark_digest(tenant: TenantId, text: str) -> str:
    """A digest for marks that speak of an id from outside, which may itself encode a number; the tenant is its key."""
    key = hashlib.sha256(tenant.encode()).digest()
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=16).hexdigest()


def once(draft: Draft, mark: str, ref: str) -> None:
    """Go on, and mark this as taken; end the decider if it was taken before."""
    before = draft.is_known(mark)
    if before is not None:
        raise _KnownError(before)
    draft.mark(mark, ref)


def run(
    decider: Callable[[Draft, C], R], command: C, snapshot: Snapshot, tenant: TenantId, now: datetime, seed: Seed
) -> Answer[R]:
    """Run a decider on what was loaded, at ``now`` of the connector's clock."""
    draft = Draft(tenant, now, snapshot, seed)
    try:
        result = decider(draft, command)
    except _NotLoadedError as missing:
        return Needs((missing.wanted,))
    except _RefusedError as refused:
        return Refused(refused.decision)
    except _KnownError as known:
        return Known(known.ref)
    return Ready(draft.change(), result)


def rolled(snapshot: Snapshot, change: Change) -> Snapshot:
    """The snapshot as it will be once ``change`` has landed: what the next change of the same commit builds on.

    Ranges over kinds that it writes are dropped: nobody can tell from here what they will hold.
    """
    rows = dict(snapshot.rows)
    for put in change.puts:
        before = rows.get(put.key, ABSENT)
        rows[put.key] = evolve(before, version=before.version + 1, value=put.value)
    for key in change.deletes:
        rows[key] = ABSENT
    for merge in change.merges:
        before = rows.get(merge.key, ABSENT)
        rows[merge.key] = evolve(before, merged=_merged(merge.key.kind, before.merged, merge.columns))
    for mark, ref in change.dedupe.items():
        rows[DEDUPE.of(change.tenant, mark)] = Row(1, ref)
    written = (*change.deletes, *(put.key for put in change.puts), *(merge.key for merge in change.merges))
    touched = {key.kind for key in written} | ({DEDUPE.name} if change.dedupe else set())
    return Snapshot(rows, {wanted: keys for wanted, keys in snapshot.ranges.items() if wanted.kind not in touched})


def _is_in(key: Key, wanted: Range) -> bool:
    return key.kind == wanted.kind and key.parts[: len(wanted.prefix)] == wanted.prefix


def _merged(kind: str, old: Mapping[str, int], new: Mapping[str, int]) -> Mapping[str, int]:
    if not new:
        return old
    both = {**old}
    for column in KINDS[kind].merges:
        if column.name in new:
            ours, theirs = both.get(column.name, 0), new[column.name]
            both[column.name] = max(ours, theirs) if column.rule is MergeRule.MAXIMUM else ours + theirs
    return both
