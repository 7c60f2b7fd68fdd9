"""The outbox under the synchronous face: a call that the host makes."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar, final

from wa_connector.errors import Unavailable
from wa_connector.model.queue import LeasedLane
from wa_connector.shell.callbacks import never
from wa_connector.shell.dispatcher import Dispatcher as Shell
from wa_connector.shell.dispatcher import Rounds
from wa_connector.shell.drive import drive
from wa_connector.shell.ports import Ports, log

T = TypeVar("T")
R = TypeVar("R")


class Stop(Protocol):
    """What tells a running dispatcher to stop: a ``threading.Event``, or gevent's."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> object: ...


class Pool(Protocol):
    """Where lanes may be worked on side by side: a ``concurrent.futures`` executor, or anything with its ``map``."""

    def map(self, call: Callable[[T], R], items: Iterable[T], /) -> Iterable[R]: ...


@final
class Dispatcher:
    """Sends what is due. Any number of threads and processes may run one at once: lanes are leased."""

    def __init__(self, ports: Ports) -> None:
        self._shell: Final = Shell(ports)

    def run_once(self, *, lanes: int = 16, pool: Pool | None = None) -> int:
        """Work on up to ``lanes`` lanes that are due, and return how many messages and files went through.

        One after the other, or side by side in ``pool``. Messages of one customer on one line leave in order either
        way. Raises ``Unavailable`` while the storage is away. That nothing went through does not mean that nothing is due:
        see ``run_until_idle``.
        """
        return self._work_on(self._claim(lanes), pool, never)

    def run_until_idle(self, stop: Stop | None = None, *, lanes: int = 16, pool: Pool | None = None) -> int:
        """Run until nothing is due any more, or ``stop`` is set; return how many messages and files went through.

        For a scheduler's job, and for tests. Raises ``Unavailable`` while the storage is away.
        """
        is_stopping = stop.is_set if stop else never
        rounds, total = Rounds(), 0
        while not is_stopping():
            leased = self._claim(lanes)
            done = self._work_on(leased, pool, is_stopping)
            total += done
            if rounds.is_idle(leased, done):
                break
        return total

    def run_until(self, stop: Stop, *, poll: float = 0.5, lanes: int = 16, pool: Pool | None = None) -> int:
        """Run until ``stop`` is set; look for work every ``poll`` seconds when there is none.

        Returns after the message at hand (in a pool: the messages), and how many messages and files went through. Goes
        on by itself when the storage comes back.
        """
        rounds, total = Rounds(), 0
        while not stop.is_set():
            leased: Sequence[LeasedLane] = ()
            done = 0
            try:
                leased = self._claim(lanes)
                done = self._work_on(leased, pool, stop.is_set)
            except Unavailable as error:
                log.warning("the dispatcher waits for the storage: %s", type(error).__qualname__)
            total += done
            if rounds.is_idle(leased, done):
                stop.wait(poll)
        return total

    def _claim(self, lanes: int) -> Sequence[LeasedLane]:
        return drive(self._shell.claim(lanes))

    def _work_on(self, leased: Sequence[LeasedLane], pool: Pool | None, is_stopping: Callable[[], bool]) -> int:
        work = partial(self._work, is_stopping)
        return sum(map(work, leased) if pool is None else pool.map(work, leased))

    def _work(self, is_stopping: Callable[[], bool], lane: LeasedLane) -> int:
        return drive(self._shell.work(lane, is_stopping))
