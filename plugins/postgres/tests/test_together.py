"""Many at once: no deadlock, no gap between what was read and what is written, no event skipped."""

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import psycopg
from attrs import evolve
from wa_connector_postgres import AsyncPostgresStorage, PostgresStorage
from wa_connector_postgres.functions import COMMIT
from wa_connector_postgres.rounds import LOCKS, Found, Round, prepare

from wa_connector.model.customer import Customer
from wa_connector.model.event import CustomerSeen
from wa_connector.model.ids import CustomerId, MessageId
from wa_connector.model.queue import EntryState, OutboxEntry, Work
from wa_connector.ports.rows import CONVERSATION, CUSTOMER, OUTBOX, Key
from wa_connector.ports.storage import COMMITTED, Change, Conflict, Duplicate, Merge, Put, Range, Wake
from wa_connector.testing.contract import LANE, LINE, NOW, OTHER, TENANT

KEYS = [CUSTOMER.of(TENANT, f"c{number:02}") for number in range(12)]


def customer(name: str = "") -> Customer:
    return Customer(CustomerId("c"), NOW, name=name)


def seen(name: str) -> Change:
    return Change(TENANT, NOW, events=(CustomerSeen(CustomerId(name)),))


def names(storage: PostgresStorage, cursor: str = "") -> list[str]:
    happenings = [event.happening for event in storage.events_after(TENANT, cursor, 1000).events]
    return [each.customer for each in happenings if isinstance(each, CustomerSeen)]


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    start = threading.Barrier(count)

    def begin(number: int) -> Any:
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def deadlocks(admin: "psycopg.Connection[Any]") -> int:
    admin.execute("SELECT pg_stat_clear_snapshot()")
    row = admin.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row
    return int(row[0])


def test_no_deadlock(storage: PostgresStorage, admin: "psycopg.Connection[Any]") -> None:
    """Eight threads put, delete, read, merge, wake and claim the same few rows, each in an order of its own."""
    before = deadlocks(admin)
    landed = in_threads(8, lambda number: sum(_jostle(storage, random.Random(number)) for _ in range(25)))
    assert deadlocks(admin) == before
    assert sum(landed) > 0
    threads = storage.load([CONVERSATION.of(TENANT, f"t{number}") for number in range(6)]).rows
    assert sum(row.merged.get("entries", 0) for row in threads.values()) == sum(landed) * 3


def _jostle(storage: PostgresStorage, chance: random.Random) -> int:
    """Commit three random changes; how many landed."""
    changes = []
    rows = storage.load(KEYS).rows
    for _ in range(3):
        written, read = chance.sample(KEYS, 4), chance.sample(KEYS, 4)
        puts = tuple(Put(key, customer()) for key in written[:3])
        merges = tuple(
            Merge(CONVERSATION.of(TENANT, f"t{number}"), {"entries": 1}) for number in chance.sample(range(6), 3)
        )
        lanes = (evolve(LANE, customer=CustomerId(str(number))) for number in chance.sample(range(5), 3))
        wakes = tuple(Wake(lane, NOW) for lane in lanes)
        reads = {key: rows[key].version for key in chance.sample([*written, *read], 8)}
        reads.update((key, rows[key].version) for key in written)
        changes.append(Change(TENANT, NOW, reads, puts, deletes=(written[3],), merges=merges, wakes=wakes))
    outcomes = storage.commit(changes)
    storage.claim([Work.SEND], 2, NOW, timedelta(milliseconds=1))
    return sum(outcome == COMMITTED for outcome in outcomes)


def test_what_was_read_as_absent_stays_so(storage: PostgresStorage) -> None:
    """Of two that each read that the other is not there, one lands: no gap between the check and the commit."""
    storage.load(KEYS)
    for turn in range(40):
        pair = [CUSTOMER.of(TENANT, f"{turn} {side}") for side in "ab"]

        def take(side: int, pair: list[Key] = pair) -> Any:
            mine, other = pair[side], pair[1 - side]
            (outcome,) = storage.commit([Change(TENANT, NOW, {mine: 0, other: 0}, (Put(mine, customer()),))])
            return outcome

        assert sorted(str(outcome) for outcome in in_threads(2, take)) in (
            sorted(map(str, (COMMITTED, Conflict(pair[0])))),
            sorted(map(str, (COMMITTED, Conflict(pair[1])))),
        )


def test_a_vast_change_among_small_ones(storage: PostgresStorage) -> None:
    """One of more rows than a transaction takes locks for has its tenant for itself; no count is lost."""
    many = [CUSTOMER.of(TENANT, f"many {number}") for number in range(LOCKS + 100)]
    vast = [many[0], CONVERSATION.of(TENANT, "t")]

    def work(number: int) -> None:
        if number == 0:
            for version in range(3):
                puts = tuple(Put(key, customer()) for key in many)
                reads = dict.fromkeys(many, version)
                change = Change(TENANT, NOW, reads, puts, merges=(Merge(vast[1], {"entries": 1}),))
                assert storage.commit([change]) == (COMMITTED,)
        else:
            for _ in range(10):
                assert storage.commit([Change(TENANT, NOW, merges=(Merge(vast[1], {"entries": 1}),))]) == (COMMITTED,)

    in_threads(4, work)
    rows = storage.load(vast).rows
    assert rows[vast[0]].version == 3
    assert rows[vast[1]].merged["entries"] == 33


def test_a_group_of_more_rows_than_locks(storage: PostgresStorage) -> None:
    """It is committed in rounds, each change as told, built on what the rounds before it wrote."""
    key = CUSTOMER.of(TENANT, "one")
    changes = [
        Change(TENANT, NOW, {key: number}, (Put(key, customer()), Put(CUSTOMER.of(TENANT, f"x{number}"), customer())))
        for number in range(LOCKS)
    ]
    assert set(storage.commit(changes)) == {COMMITTED}
    assert storage.load([key]).rows[key].version == LOCKS


def test_a_known_mark_comes_before_a_conflict_within_a_group(storage: PostgresStorage) -> None:
    """Also where what precedes it in the group makes it conflict, before the server was asked about the mark."""
    key, mark = KEYS[0], {"command": "ref"}
    storage.commit([Change(TENANT, NOW, {key: 0}, (Put(key, customer()),), dedupe=mark)])
    ahead = Change(TENANT, NOW, {key: 1}, (Put(key, customer("ahead")),))
    again = Change(TENANT, NOW, {key: 1}, (Put(key, customer("again")),), dedupe=mark)
    assert storage.commit([ahead, again]) == (COMMITTED, Duplicate("command", "ref"))
    stale = Change(TENANT, NOW, {key: 1}, dedupe={"other": "ref"})
    assert storage.commit([stale, stale, again]) == (Conflict(key), Conflict(key), Duplicate("command", "ref"))
    assert storage.commit([Change(TENANT, NOW, dedupe={"other": "ref"})]) == (COMMITTED,)


def test_a_group_of_many_refusals(storage: PostgresStorage) -> None:
    """Each change as told, however the good and the bad are mixed."""
    storage.commit([Change(TENANT, NOW, {KEYS[0]: 0}, (Put(KEYS[0], customer()),), dedupe={"known": "x"})])
    bad = Change(TENANT, NOW, {KEYS[0]: 5}, merges=(Merge(CONVERSATION.of(TENANT, "t"), {"entries": 100}),))
    known = Change(TENANT, NOW, dedupe={"known": "y"})
    good = Change(TENANT, NOW, merges=(Merge(CONVERSATION.of(TENANT, "t"), {"entries": 1}),))
    outcomes = storage.commit([bad, good, known, good, bad, known, good])
    refused = Conflict(KEYS[0]), Duplicate("known", "x")
    assert outcomes == (refused[0], COMMITTED, refused[1], COMMITTED, *refused, COMMITTED)
    row = storage.load([CONVERSATION.of(TENANT, "t")]).rows[CONVERSATION.of(TENANT, "t")]
    assert row.merged["entries"] == 3


def test_the_log_waits_for_what_commits_late(storage: PostgresStorage, admin: "psycopg.Connection[Any]") -> None:
    """An event whose transaction began first and ends last is told first: nothing is told before it."""
    storage.commit([seen("before")])
    cursor = storage.events_after(TENANT, "", 10).cursor
    with psycopg.connect(storage._options.conninfo, options="-c search_path=wa_connector") as late:
        late.execute(COMMIT, [Round([prepare(seen("late"))], Found()).document("wa_connector")])
        storage.commit([seen("early")])
        assert names(storage, cursor) == []
        late.commit()
    assert names(storage, cursor) == ["late", "early"]


def test_a_late_event_that_is_rolled_back_holds_nothing_up(storage: PostgresStorage) -> None:
    storage.load(KEYS)
    with psycopg.connect(storage._options.conninfo, options="-c search_path=wa_connector") as late:
        late.execute(COMMIT, [Round([prepare(seen("late"))], Found()).document("wa_connector")])
        storage.commit([seen("early")])
        late.rollback()
        assert names(storage) == ["early"]


def test_a_lane_grows_at_its_end(storage: PostgresStorage) -> None:
    """Whoever follows a lane while eight threads add to it never finds an entry before one that it has seen."""
    done = threading.Event()
    queue = Range("outbox", "lane", (TENANT, LINE, "ann", "send", 1), 1000)
    orders: list[tuple[Key, ...]] = [()]

    def work(number: int) -> None:
        if number == 8:
            while not done.is_set():
                orders.append(storage.load([queue]).ranges[queue])
            return
        try:
            for step in range(8):
                storage.commit([_queued(f"{9 - step}{number}")])
        finally:
            if number == 0:
                done.wait(0.2)
                done.set()

    in_threads(9, work)
    orders.append(storage.load([queue]).ranges[queue])
    assert len(orders[-1]) == 64
    for shorter, longer in pairwise(orders):
        assert longer[: len(shorter)] == shorter


def _queued(name: str) -> Change:
    entry = OutboxEntry(MessageId(name), LINE, CustomerId("ann"), Work.SEND, EntryState.QUEUED, NOW, NOW)
    return Change(TENANT, NOW, puts=(Put(OUTBOX.of(TENANT, "send", name), entry),))


def test_claims_wait_for_nobody(storage: PostgresStorage, admin: "psycopg.Connection[Any]") -> None:
    """A lane that somebody has in hand is passed over; so is one that is being woken."""
    lanes = [evolve(LANE, customer=CustomerId(name)) for name in ("ann", "bob")]
    storage.commit([Change(TENANT, NOW, wakes=tuple(Wake(lane, NOW) for lane in lanes))])
    with admin.transaction():
        admin.execute("SELECT 1 FROM lane WHERE customer = 'ann' FOR UPDATE")
        leased = storage.claim([Work.SEND], 10, NOW, timedelta(minutes=1))
        assert [lane.key for lane in leased] == [lanes[1]]
    assert [lane.key for lane in storage.claim([Work.SEND], 10, NOW, timedelta(minutes=1))] == [lanes[0]]


def test_a_lease_ends_by_the_servers_clock(storage: PostgresStorage) -> None:
    """Real time, however briefly."""
    storage.commit([Change(TENANT, NOW, wakes=(Wake(LANE, NOW),))])
    assert len(storage.claim([Work.SEND], 10, NOW, timedelta(milliseconds=300))) == 1
    assert storage.claim([Work.SEND], 10, NOW, timedelta(minutes=1)) == ()
    threading.Event().wait(0.35)
    (leased,) = storage.claim([Work.SEND], 10, NOW, timedelta(minutes=1))
    assert leased.fence == 2


def test_commits_of_one_loop_travel_together(conninfo: str, admin: "psycopg.Connection[Any]") -> None:
    """Fifty at once take a few transactions; a mistake in one is its own caller's."""

    async def main() -> list[Any]:
        storage = AsyncPostgresStorage(conninfo)
        mistaken = Change(TENANT, NOW, dedupe={"\0": "ref"})
        calls = [*(storage.commit([seen(str(number))]) for number in range(50)), storage.commit([mistaken])]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await storage.aclose()
        return outcomes

    outcomes = asyncio.run(main())
    assert outcomes[:50] == [(COMMITTED,)] * 50 or outcomes[:50] == [[COMMITTED]] * 50
    assert type(outcomes[50]).__name__ == "UsageError"
    row = admin.execute("SELECT count(DISTINCT transaction), count(*) FROM event").fetchone()
    assert row is not None
    assert row[1] == 50
    assert row[0] <= 5


def test_tenants_do_not_wait_for_each_other(storage: PostgresStorage, admin: "psycopg.Connection[Any]") -> None:
    """Not even for a vast change of another."""
    storage.load(KEYS)
    vast = Change(TENANT, NOW, reads={CUSTOMER.of(TENANT, str(number)): 0 for number in range(LOCKS + 1)})
    key = CUSTOMER.of(OTHER, "ann")
    with psycopg.connect(storage._options.conninfo, options="-c search_path=wa_connector") as late:
        late.execute(COMMIT, [Round([prepare(vast)], Found()).document("wa_connector")])
        assert storage.commit([Change(OTHER, NOW, puts=(Put(key, customer()),))]) == (COMMITTED,)
