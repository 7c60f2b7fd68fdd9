"""Calls that arrive together make one hop, and nobody pays for a neighbour who gives up or made a mistake."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import evolve

from wa_connector.aio.hopping import Group, GroupedStorage, hop_to
from wa_connector.errors import StorageUnavailable, UsageError
from wa_connector.model.ids import CustomerId, TenantId
from wa_connector.model.queue import Work
from wa_connector.ports.rows import CUSTOMER, Key
from wa_connector.ports.storage import (
    COMMITTED,
    FOUND,
    Change,
    Follow,
    Outcome,
    Put,
    Range,
    Row,
    Scan,
    Snapshot,
    Wanted,
)
from wa_connector.testing.host import ACME, GLOBEX, NOON
from wa_connector.testing.memory import MemoryStorage
from wa_connector.testing.samples import sample
from wa_connector.testing.through import ThroughStorage

SAMPLES = [sample("customer", ACME, number) for number in range(9)]


def insertion(number: int, tenant: TenantId = ACME) -> Change:
    each = sample("customer", tenant, number)
    return Change(tenant, NOON, reads={each.key: 0}, puts=(Put(each.key, each.value),))


class Gate:
    """Rounds that end when the test says so."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.opened = asyncio.Event()

    async def run(self, items: list[int]) -> list[int]:
        self.rounds.append(items)
        await self.opened.wait()
        if 13 in items:
            raise StorageUnavailable("away")
        if -1 in items:
            raise UsageError("no such thing as -1")
        return [item * 2 for item in items]


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_what_arrives_during_a_round_goes_together_in_the_next() -> None:
    """The first call goes at once, all others of that time in one round after it; each gets its own result."""

    async def main() -> None:
        gate = Gate()
        group = Group(gate.run)
        first = asyncio.create_task(group.call(1))
        await settle()
        others = [asyncio.create_task(group.call(number)) for number in (2, 3, 4)]
        await settle()
        gate.opened.set()
        assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
        assert gate.rounds == [[1], [2, 3, 4]]
        assert await group.call(5) == 10

    asyncio.run(main())


def test_who_gives_up_waiting_undoes_nothing() -> None:
    """A cancelled caller's item is part of its round, and the others of it have their results."""

    async def main() -> None:
        gate = Gate()
        group = Group(gate.run)
        tasks = [asyncio.create_task(group.call(number)) for number in (1, 2, 3)]
        await settle()
        tasks[1].cancel()
        await settle()
        gate.opened.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [results[0], results[2]] == [2, 6]
        assert isinstance(results[1], asyncio.CancelledError)
        assert gate.rounds == [[1, 2, 3]]

    asyncio.run(main())


def test_a_storage_that_is_away_is_away_for_the_whole_round() -> None:
    """Everybody in it is told, whoever has given up excepted, and the next round goes on."""

    async def main() -> None:
        gate = Gate()
        gate.opened.set()
        group = Group(gate.run)
        tasks = [asyncio.create_task(group.call(number)) for number in (1, 13, 2)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [StorageUnavailable, StorageUnavailable, asyncio.CancelledError] == [type(each) for each in results]
        assert await group.call(4) == 8

    asyncio.run(main())


def test_a_mistake_is_the_mistake_of_one() -> None:
    """What a storage refuses before it touches anything is refused to who asked for it; the others are run again."""

    async def main() -> None:
        gate = Gate()
        gate.opened.set()
        group = Group(gate.run)
        results = await asyncio.gather(*(group.call(number) for number in (1, -1, 2)), return_exceptions=True)
        assert [2, UsageError, 4] == [each if isinstance(each, int) else type(each) for each in results]

    asyncio.run(main())


def test_when_the_rounds_are_cancelled_nobody_waits_for_ever() -> None:
    """A host that cancels every task of its loop cancels the rounds as well: who waits is cancelled, and later calls
    begin new rounds."""

    async def main() -> None:
        gate = Gate()
        group = Group(gate.run)
        first = asyncio.create_task(group.call(1))
        await settle()
        second = asyncio.create_task(group.call(2))
        await settle()
        (rounds,) = asyncio.all_tasks() - {first, second, asyncio.current_task()}
        rounds.cancel()
        results = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 10)
        assert [asyncio.CancelledError, asyncio.CancelledError] == [type(each) for each in results]
        gate.opened.set()
        assert await asyncio.wait_for(group.call(3), 10) == 6

    asyncio.run(main())


# --- a storage behind it ----------------------------------------------------------------------------------------------


class Slow(ThroughStorage):
    """A plain storage that waits for the test before it commits, and counts."""

    def __init__(self) -> None:
        super().__init__(MemoryStorage())
        self.commits: list[int] = []
        self.loads: list[int] = []
        self.may_go = threading.Event()
        self.threads: set[str] = set()

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        self.may_go.wait(30)
        self.loads.append(len(wanted))
        return self.plain.load(wanted)

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        self.may_go.wait(30)
        self.commits.append(len(changes))
        self.threads.add(threading.current_thread().name)
        return self.plain.commit(changes)


def grouped(slow: Slow, executor: ThreadPoolExecutor | None = None) -> GroupedStorage:
    return GroupedStorage(slow, hop_to(executor))


def test_commits_that_arrive_together_are_one_call() -> None:
    """Each caller gets the outcomes of its own changes, in their order."""

    async def main() -> None:
        slow = Slow()
        storage = grouped(slow)
        first = asyncio.create_task(storage.commit([insertion(0)]))
        await settle()
        others = [
            asyncio.create_task(storage.commit([insertion(number), insertion(number + 1)])) for number in (1, 3, 4)
        ]
        await settle()
        slow.may_go.set()
        outcomes = await asyncio.gather(first, *others)
        assert list(outcomes[0]) == [COMMITTED]
        assert [[outcome == COMMITTED for outcome in each] for each in outcomes[1:]] == [
            [True, True],
            [True, True],
            [False, True],
        ]
        assert slow.commits == [1, 6]
        await storage.aclose()

    asyncio.run(main())


def test_a_cancelled_caller_loses_no_commit_of_others() -> None:
    """Nor its own: what was handed over lands, whoever still waits for it."""

    async def main() -> None:
        slow = Slow()
        storage = grouped(slow)
        tasks = [asyncio.create_task(storage.commit([insertion(number)])) for number in range(3)]
        await settle()
        tasks[1].cancel()
        slow.may_go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(each, list | tuple) for each in results] == [True, False, True]
        found = slow.plain.load([sample.key for sample in SAMPLES[:3]]).rows
        assert [row.version for row in found.values()] == [1, 1, 1]

    asyncio.run(main())


def test_a_bad_change_fails_nobody_else() -> None:
    """One that names another tenant's row is refused to its own caller alone."""

    async def main() -> None:
        slow = Slow()
        slow.may_go.set()
        storage = grouped(slow)
        crossed = Change(GLOBEX, NOON, puts=(Put(SAMPLES[1].key, SAMPLES[1].value),))
        results = await asyncio.gather(
            storage.commit([insertion(0)]),
            storage.commit([crossed]),
            storage.commit([insertion(2)]),
            return_exceptions=True,
        )
        assert isinstance(results[1], UsageError)
        assert [list(each) for each in (results[0], results[2]) if isinstance(each, list)] == [[COMMITTED], [COMMITTED]]

    asyncio.run(main())


def test_loads_that_arrive_together_are_one_call_without_repetition() -> None:
    """Everybody finds what he asked for."""

    async def main() -> None:
        slow = Slow()
        slow.may_go.set()
        storage = grouped(slow)
        await storage.commit([insertion(0), insertion(1)])
        slow.may_go.clear()
        wanted: list[list[Wanted]] = [[SAMPLES[0].key], [SAMPLES[0].key, SAMPLES[1].key], [SAMPLES[1].key]]
        tasks = [asyncio.create_task(storage.load([SAMPLES[2].key]))]
        await settle()
        tasks += [asyncio.create_task(storage.load(keys)) for keys in wanted]
        await settle()
        slow.may_go.set()
        snapshots = await asyncio.gather(*tasks)
        for keys, snapshot in zip(wanted, snapshots[1:], strict=True):
            for key in keys:
                assert isinstance(key, Key)
                assert snapshot.rows[key].version == 1
        assert slow.loads == [1, 2]
        assert Row(0) == snapshots[0].rows[SAMPLES[2].key]

    asyncio.run(main())


def test_what_is_not_grouped_goes_straight_through() -> None:
    """Pages, events and leases are calls of their own."""

    async def main() -> None:
        slow = Slow()
        slow.may_go.set()
        storage = grouped(slow)
        await storage.commit([insertion(0)])
        page = await storage.scan(Scan(CUSTOMER.name, "key", (ACME,), 9))
        assert [SAMPLES[0].key] == [key for key, _ in page.rows]
        assert (await storage.events_after(ACME, "", 9)).events == ()
        assert list(await storage.claim((Work.SEND,), 9, NOON, timedelta(minutes=1))) == []

    asyncio.run(main())


def test_calls_run_on_the_hosts_executor() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="the hosts own") as executor:
        slow = Slow()
        slow.may_go.set()
        asyncio.run(grouped(slow, executor).commit([insertion(0)]))
        assert {"the hosts own_0"} == slow.threads


def test_each_loop_has_rounds_of_its_own() -> None:
    """Two loops in two threads share the storage and wait for nobody of the other; a loop that ended leaves nothing."""
    slow = Slow()
    slow.may_go.set()
    storage = grouped(slow)

    def in_a_loop(first: int) -> list[bool]:
        async def main() -> list[bool]:
            outcomes = await asyncio.gather(
                *(storage.commit([insertion(number)]) for number in range(first, first + 3))
            )
            return [each == [COMMITTED] for each in outcomes]

        return asyncio.run(main())

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(in_a_loop, [0, 3])) == [[True] * 3, [True] * 3]
    assert in_a_loop(6) == [True] * 3


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_commit_of_any_size_has_as_many_outcomes(size: int) -> None:
    storage = grouped(slow := Slow())
    slow.may_go.set()
    changes = [insertion(number) for number in range(size)]
    assert [COMMITTED] * size == list(asyncio.run(storage.commit(changes)))


def test_each_call_of_a_round_gets_what_it_asked_for() -> None:
    """As if it had asked alone: rows, what a row leads to, and pages; and nothing of its neighbours."""
    plain = MemoryStorage()
    message, customer = sample("message", ACME, 0), sample("customer", ACME, 0)
    lost = sample("message", ACME, 1)
    known = evolve(message.value, customer=CustomerId(str(customer.key.parts[1])))
    puts = (Put(message.key, known), Put(customer.key, customer.value))
    assert list(plain.commit([Change(ACME, NOON, puts=puts)])) == [COMMITTED]
    then = (("customer", (ACME, FOUND)), ("consent", (ACME, FOUND)))
    calls: list[list[Wanted]] = [
        [customer.key],
        [Follow(message.key, "customer", then)],
        [Follow(lost.key, "customer", then), customer.key],
        [Follow(message.key, "tenant", (("customer", (FOUND, "nobody")),))],
        [Range("customer", "key", (ACME,), 9), SAMPLES[3].key],
    ]

    async def main() -> list[Snapshot]:
        with ThreadPoolExecutor(1) as pool:
            storage = GroupedStorage(plain, hop_to(pool))
            # The first goes at once; those behind it make a round.
            return (await asyncio.gather(*(storage.load(call) for call in [[], *calls])))[1:]

    assert asyncio.run(main()) == [plain.load(call) for call in calls]
