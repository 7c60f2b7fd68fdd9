"""Random changes against a storage and against a model too simple to be wrong (needs hypothesis)::

    from hypothesis.stateful import run_state_machine_as_test

    def test_random_changes(tmp_path_factory):
        run_state_machine_as_test(storage_machine(lambda: MineStorage(tmp_path_factory.mktemp("s") / "file")))

The contract suite says what each promise is; this looks for what nobody thought of, in how they come together.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import define, evolve, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wa_connector.model.conversation import Conversation, ConversationState
from wa_connector.model.customer import Customer
from wa_connector.model.event import CustomerSeen
from wa_connector.model.ids import CustomerId, TenantId
from wa_connector.model.queue import EntryState, LaneKey, LeasedLane, Work
from wa_connector.ports.rows import DEDUPE, KINDS, Key, MergeRule, Scalar
from wa_connector.ports.storage import COMMITTED, Change, Conflict, Duplicate, Merge, Put, Scan, Settle, Storage, Wake
from wa_connector.testing.samples import LINE, NOW, sample

_TENANTS: Final = (TenantId("acme"), TenantId("globex"))
_KINDS: Final = ("customer", "conversation", "outbox")
"""A plain kind, one with merges, one with a sequence."""
_SECOND: Final = timedelta(seconds=1)
_LEASE: Final = timedelta(seconds=10)

_Recipe = tuple[int, list[tuple[str, int, int]]]
"""A tenant, and steps: what to do, with which of the few keys, and how wrong the version that was read is."""

_STEPS: Final = st.tuples(
    st.sampled_from(("read", "put", "blind put", "delete", "merge", "mark", "event", "wake")),
    st.integers(0, 5),
    st.sampled_from((0, 0, 0, 0, 0, 0, 1)),
)
_RECIPES: Final = st.tuples(st.integers(0, 1), st.lists(_STEPS, min_size=1, max_size=5))


@define
class _Row:
    version: int = 0
    value: Any = None
    merged: dict[str, int] = field(factory=dict)
    order: int = 0


@define
class _Lane:
    due_at: datetime | None = None
    wakes: int = 0
    fence: int = 0
    until: datetime = NOW


class _Model:
    """What a storage does, in dictionaries, one change at a time."""

    def __init__(self) -> None:
        self.rows: dict[Key, _Row] = {}
        self.lanes: dict[LaneKey, _Lane] = {}
        self.events: dict[TenantId, list[object]] = {tenant: [] for tenant in _TENANTS}
        self.order = 0
        self.clock = NOW

    def version(self, key: Key) -> int:
        return self.rows[key].version if key in self.rows else 0

    def commit(self, change: Change) -> object:
        for mark in change.dedupe:
            if known := self.rows.get(DEDUPE.of(change.tenant, mark)):
                return Duplicate(mark, known.value)
        expected = {**{put.key: 0 for put in change.puts}, **change.reads}
        if any(self.version(key) != version for key, version in expected.items()):
            return Conflict
        if change.settle and self.lanes[change.settle.lane].fence != change.settle.fence:
            return Conflict
        self._apply(change)
        return COMMITTED

    def _apply(self, change: Change) -> None:
        for key in change.deletes:
            self.rows.pop(key, None)
        marks = (Put(DEDUPE.of(change.tenant, mark), ref) for mark, ref in change.dedupe.items())
        for put in (*change.puts, *marks):
            row = self._made(put.key)
            row.version, row.value = row.version + 1, put.value
        for merge in change.merges:
            self._merge(self._made(merge.key), merge)
        self.events[change.tenant] += change.events
        if change.settle:
            self._settle(self.lanes[change.settle.lane], change.settle)
        for wake in change.wakes:
            lane = self.lanes.setdefault(wake.lane, _Lane())
            lane.due_at = min(wake.due_at, lane.due_at or wake.due_at)
            lane.wakes += 1

    def _made(self, key: Key) -> _Row:
        if key not in self.rows:
            self.order += 1
            self.rows[key] = _Row(merged={column.name: 0 for column in KINDS[key.kind].merges}, order=self.order)
        return self.rows[key]

    def _merge(self, row: _Row, merge: Merge) -> None:
        for column in KINDS[merge.key.kind].merges:
            old, new = row.merged[column.name], merge.columns.get(column.name, 0)
            row.merged[column.name] = old + new if column.rule is MergeRule.SUM else max(old, new)

    def _settle(self, lane: _Lane, settle: Settle) -> None:
        times = [settle.due_at] if lane.wakes == settle.wakes else [settle.due_at, lane.due_at]
        lane.due_at = min((at for at in times if at), default=None)
        lane.until = NOW

    def claim(self, limit: int, now: datetime) -> list[LeasedLane]:
        due = [
            (lane.due_at, key.tenant, key.customer, key)
            for key, lane in self.lanes.items()
            if lane.due_at and lane.due_at <= now and lane.until <= self.clock
        ]
        leased = []
        for *_, key in sorted(due, key=lambda each: each[:3])[:limit]:
            lane = self.lanes[key]
            lane.fence, lane.until = lane.fence + 1, self.clock + _LEASE
            leased.append(LeasedLane(key, lane.fence, lane.wakes, None))
        return leased

    def index(self, tenant: TenantId, kind: str, index: str) -> list[Key]:
        keys = [key for key in self.rows if key.kind == kind and key.parts[0] == tenant]
        return sorted(keys, key=lambda key: self._place(key, index))

    def _place(self, key: Key, index: str) -> tuple[Scalar, ...]:
        kind, row = KINDS[key.kind], self.rows[key]
        empty = (0 if column.type.value == "integer" else "" for column in kind.columns)
        columns: dict[str, Scalar] = {
            **dict(zip((column.name for column in kind.key), key.parts, strict=True)),
            **dict(zip((c.name for c in kind.columns), kind.project(row.value) if row.version else empty, strict=True)),
            **row.merged,
            kind.sequence: row.order,
        }
        return tuple(columns[column] for column in kind.index(index).columns)


def storage_machine(
    make_storage: Callable[[], Storage],
    advance_storage_clock: Callable[[Storage, timedelta], None] | None = None,
) -> type[RuleBasedStateMachine]:
    """A state machine over fresh storages; ``advance_storage_clock`` as in the contract suite, None to let no lease run
    out. Takes some seconds; give other ``settings`` to search longer."""

    class StorageMachine(RuleBasedStateMachine):
        TestCase: Any

        def __init__(self) -> None:
            super().__init__()
            self.storage = make_storage()
            self.model = _Model()
            self.leases: list[LeasedLane] = []

        def teardown(self) -> None:
            self.storage.close()

        @rule(recipes=st.lists(_RECIPES, min_size=1, max_size=3))
        def commit(self, recipes: list[_Recipe]) -> None:
            self.land([_cooked(recipe, self.model) for recipe in recipes])

        @rule(limit=st.integers(1, 3), ahead=st.integers(-1, 6))
        def claim(self, limit: int, ahead: int) -> None:
            now = NOW + ahead * _SECOND
            leased = list(self.storage.claim(tuple(Work), limit, now, _LEASE))
            assert leased == self.model.claim(limit, now)
            self.leases += leased

        @precondition(lambda self: self.leases)
        @rule(which=st.integers(0, 20), due=st.none() | st.integers(0, 6), recipe=_RECIPES)
        def settle(self, which: int, due: int | None, recipe: _Recipe) -> None:
            lease = self.leases[which % len(self.leases)]
            due_at = None if due is None else NOW + due * _SECOND
            steps = _cooked((_TENANTS.index(lease.key.tenant), recipe[1]), self.model)
            self.land([evolve(steps, settle=Settle(lease.key, lease.fence, lease.wakes, due_at))])

        @precondition(lambda _: advance_storage_clock is not None)
        @rule()
        def let_leases_run_out(self) -> None:
            assert advance_storage_clock is not None
            advance_storage_clock(self.storage, _LEASE)
            self.model.clock += _LEASE

        @invariant()
        def agree_on_rows(self) -> None:
            keys = [_key(tenant, number) for tenant in _TENANTS for number in range(6)]
            found = self.storage.load([*keys, *self.model.rows]).rows
            for key, row in found.items():
                known = self.model.rows.get(key, _Row())
                assert (row.version, row.value, row.merged) == (known.version, known.value, known.merged)

        @invariant()
        def agree_on_pages(self) -> None:
            for tenant in _TENANTS:
                for kind in _KINDS:
                    for index in ("key", *(each.name for each in KINDS[kind].indexes)):
                        pages = _walk(self.storage, Scan(kind, index, (tenant,), 2))
                        assert pages == self.model.index(tenant, kind, index)

        @invariant()
        def agree_on_events(self) -> None:
            for tenant, happenings in self.model.events.items():
                page = self.storage.events_after(tenant, "", 1000)
                assert [event.happening for event in page.events] == happenings

        def land(self, changes: Sequence[Change]) -> None:
            outcomes = self.storage.commit(changes)
            expected = [self.model.commit(change) for change in changes]
            assert [Conflict if isinstance(each, Conflict) else each for each in outcomes] == expected

    StorageMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
    return StorageMachine


def _key(tenant: TenantId, number: int) -> Key:
    return sample(_KINDS[number % len(_KINDS)], tenant, number).key


def _cooked(recipe: _Recipe, model: _Model) -> Change:
    """A change as a recipe wants it, on the versions that the model has now."""
    tenant = _TENANTS[recipe[0]]
    reads: dict[Key, int] = {}
    puts: dict[Key, Put] = {}
    deletes: dict[Key, None] = {}
    rest: dict[str, list[Any]] = {"merges": [], "events": [], "wakes": []}
    dedupe: dict[str, str] = {}
    for what, number, error in recipe[1]:
        each = sample(_KINDS[number % len(_KINDS)], tenant, number)
        key, is_free = each.key, each.key not in puts and each.key not in deletes
        if what in ("read", "put", "delete"):
            reads[key] = model.version(key) + error
        if what in ("put", "blind put") and is_free:
            puts[key] = Put(key, _variant(each.value, model.version(key)))
        elif what == "delete" and is_free:
            deletes[key] = None
        elif what == "merge" and each.merges:
            rest["merges"].append(Merge(key, dict.fromkeys(each.merges, number - error)))
        elif what == "mark":
            dedupe[f"mark-{number}"] = f"ref-{error}"
        elif what == "event":
            rest["events"].append(CustomerSeen(CustomerId(f"customer-{number}")))
        elif what == "wake":
            lane = LaneKey(tenant, LINE, CustomerId(f"customer-{number % 3}"), Work.SEND)
            rest["wakes"].append(Wake(lane, NOW + number * _SECOND))
    return Change(
        tenant,
        NOW,
        reads=reads,
        puts=tuple(puts.values()),
        deletes=tuple(deletes),
        merges=tuple(merge for merge in rest["merges"] if merge.key not in deletes),
        dedupe=dedupe,
        events=tuple(rest["events"]),
        wakes=tuple(rest["wakes"]),
    )


def _variant(value: Any, turn: int) -> Any:
    """Another value each time, with other columns."""
    match value:
        case Customer():
            return evolve(value, name=str(turn))
        case Conversation():
            return evolve(value, state=list(ConversationState)[turn % 2])
        case _:
            return evolve(value, state=list(EntryState)[turn % 5])


def _walk(storage: Storage, scan: Scan) -> list[Key]:
    keys: list[Key] = []
    while True:
        page = storage.scan(scan)
        keys += [key for key, _ in page.rows]
        if page.next is None:
            return keys
        scan = evolve(scan, after=page.next)


__all__ = ["storage_machine"]
