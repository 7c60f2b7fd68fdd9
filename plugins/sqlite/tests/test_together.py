"""Threads that write at once commit together, and each hears of its own."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from wa_connector_sqlite.together import Together

from wa_connector.errors import StorageUnavailable, UsageError

THREADS = 8


class Disk:
    """Writes numbers, doubling them; the first round lasts until the test says so."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.began = threading.Event()
        self.ended = threading.Event()

    def write(self, items: Sequence[int]) -> Sequence[int]:
        self.rounds.append(list(items))
        self.began.set()
        assert self.ended.wait(10)
        if 13 in items:
            raise UsageError("13 cannot be written")
        if 99 in items:
            raise StorageUnavailable("away")
        if 666 in items:
            raise KeyboardInterrupt
        return [item * 2 for item in items]


def queued(together: "Together[int, int]", count: int) -> None:
    """Wait until so many others wait."""
    for _ in range(1000):
        if len(together._queue) == count:
            return
        threading.Event().wait(0.005)
    raise AssertionError("they do not queue")


def in_one_round(disk: Disk, calls: Sequence[Sequence[int]], patience: float = 10) -> list[object]:
    """The results of calls that all came while another was writing; an error is a result."""
    together: Together[int, int] = Together(disk.write, patience)

    def call(items: Sequence[int]) -> object:
        try:
            return together.call(items)
        except BaseException as error:  # noqa: BLE001 - it is what the test asks for
            return error

    with ThreadPoolExecutor(THREADS + 1) as pool:
        first = pool.submit(call, [0])
        assert disk.began.wait(10)
        others = []
        for place, items in enumerate(calls, start=1):
            others.append(pool.submit(call, items))
            queued(together, place)
        disk.ended.set()
        assert first.result() == (0,)
        results = [other.result() for other in others]
    assert together._queue == []
    assert not together._is_led
    return results


def test_who_waits_goes_together() -> None:
    disk = Disk()
    assert in_one_round(disk, [[1], [2, 3], [4]]) == [(2,), (4, 6), (8,)]
    assert disk.rounds == [[0], [1, 2, 3, 4]]


def test_a_mistake_is_its_own_author_s() -> None:
    """The others are written all the same."""
    disk = Disk()
    one, mistaken, three = in_one_round(disk, [[1], [13], [3]])
    assert [one, three] == [(2,), (6,)]
    assert isinstance(mistaken, UsageError)
    assert disk.rounds == [[0], [1, 13, 3], [1], [13], [3]]


def test_trouble_is_everybody_s() -> None:
    """Each raises an error of its own, and nobody writes again by himself."""
    disk = Disk()
    errors = in_one_round(disk, [[1], [99], [3]])
    assert [type(error) for error in errors] == [StorageUnavailable] * 3
    assert len(set(map(id, errors))) == 3
    assert len(disk.rounds) == 2


def test_an_interrupted_leader_leaves_nobody_waiting() -> None:
    disk = Disk()
    leader, other = in_one_round(disk, [[666], [2]])
    assert isinstance(leader, KeyboardInterrupt)
    assert isinstance(other, StorageUnavailable)


def test_nobody_waits_longer_than_patience() -> None:
    """And what was given up is not written."""
    disk = Disk()
    together: Together[int, int] = Together(disk.write, 0.05)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together.call, [0])
        assert disk.began.wait(10)
        with pytest.raises(StorageUnavailable, match="busy_timeout"):
            together.call([1])
        disk.ended.set()
        assert first.result() == (0,)
    assert together.call([2]) == (4,)
    assert disk.rounds == [[0], [2]]


@pytest.mark.parametrize("patience", [0.001, 10])
def test_many_threads_at_once(patience: float) -> None:
    """Each thing is written once, or its author hears that it was not; whoever is impatient."""
    written: list[int] = []
    guard = threading.Lock()

    def write(items: Sequence[int]) -> Sequence[int]:
        assert guard.acquire(blocking=False), "two write at once"
        written.extend(items)
        threading.Event().wait(0.0005)
        guard.release()
        return items

    together: Together[int, int] = Together(write, patience)

    def work(thread: int) -> list[int]:
        done = []
        for number in range(50):
            item = thread * 1000 + number
            try:
                assert together.call([item]) == (item,)
            except StorageUnavailable:
                continue
            done.append(item)
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        done = [item for items in pool.map(work, range(THREADS)) for item in items]
    assert sorted(done) == sorted(written)
    assert patience < 1 or len(done) == 50 * THREADS
