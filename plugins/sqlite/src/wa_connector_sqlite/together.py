"""Threads that write at the same time commit together: one transaction, one wait for the disk.

Theory: the file has one writer at a time, and what a commit costs is its sync. So while somebody writes, others queue; who
comes first writes, next, what all of them have brought. Each waits at a lock of its own: nobody is woken in vain.

Rules of this file: no SQL. A write is the caller's function, run in the thread of one of those who wait for it.
"""

from collections.abc import Callable, Sequence
from copy import copy
from threading import Lock
from typing import Final, Generic, TypeVar, final

from wa_connector.errors import StorageUnavailable

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


@final
class _Waiting(Generic[I, R]):
    def __init__(self, items: Sequence[I]) -> None:
        self.items: Final = items
        self.results: Sequence[R] | None = None
        self.error: BaseException | None = None
        self.is_leader = False
        self.bell: Final = Lock()
        self.bell.acquire()


@final
class Together(Generic[I, R]):
    """``write`` takes the items of all who wait, and returns as many results; ``patience`` (seconds) bounds the wait for
    one's turn. Of one process: what a child inherits of it must not be used."""

    def __init__(self, write: Callable[[Sequence[I]], Sequence[R]], patience: float) -> None:
        self._write: Final = write
        self._patience: Final = patience
        self._gate: Final = Lock()
        self._queue: Final[list[_Waiting[I, R]]] = []
        self._is_led = False

    def call(self, items: Sequence[I]) -> Sequence[R]:
        """Write these, with whatever others bring meanwhile. Raises what ``write`` raises; where that is one item's own
        fault (it cannot be put into SQL), only to whoever brought it."""
        mine: _Waiting[I, R] = _Waiting(items)
        with self._gate:
            self._queue.append(mine)
            if not self._is_led:
                self._is_led = mine.is_leader = True
        if not mine.is_leader and not mine.bell.acquire(timeout=self._patience):
            self._give_up(mine)
        if mine.is_leader:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        assert mine.results is not None
        return mine.results

    def _give_up(self, mine: _Waiting[I, R]) -> None:
        with self._gate:
            # Who was made the leader meanwhile has to lead, or nobody would.
            is_waiting = mine in self._queue and not mine.is_leader
            if is_waiting:
                self._queue.remove(mine)
        if is_waiting:
            raise StorageUnavailable(
                "other threads of this process kept writing for longer than busy_timeout; nothing was written. The disk"
                " is slower than what is asked of it: write less at once, or raise busy_timeout."
            )
        # It is being written at this moment, and that is bounded by itself.
        mine.bell.acquire()

    def _lead(self, mine: _Waiting[I, R]) -> None:
        with self._gate:
            batch, self._queue[:] = self._queue[:], []
        try:
            self._write_all(batch)
        finally:
            with self._gate:
                following = self._queue[0] if self._queue else None
                self._is_led = following is not None
                if following is not None:
                    following.is_leader = True
            for each in batch:
                if each.results is None and each.error is None:
                    each.error = StorageUnavailable("the thread that was writing this was interrupted; try again")
                if each is not mine:
                    each.bell.release()
            if following is not None:
                following.bell.release()

    def _write_all(self, batch: Sequence[_Waiting[I, R]]) -> None:
        try:
            results = iter(self._write([item for each in batch for item in each.items]))
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody hears of it
            if len(batch) == 1 or isinstance(error, StorageUnavailable):
                for each in batch:
                    each.error = _of_its_own(error)
            else:
                # It may be one item's own fault; then the others are none the worse.
                for each in batch:
                    self._write_all([each])
        else:
            for each in batch:
                each.results = tuple(next(results) for _ in each.items)


def _of_its_own(error: Exception) -> Exception:
    """For one thread to raise, which changes it, while others raise theirs."""
    mine = copy(error)
    mine.__cause__ = error.__cause__
    return mine


__all__ = ["Together"]
