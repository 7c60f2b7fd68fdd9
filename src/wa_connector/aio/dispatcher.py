"""The outbox under the asynchronous face: a call to await, or a task that the host starts."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, final

from wa_connector.errors import Unavailable
from wa_connector.model.queue import LeasedLane
from wa_connector.shell.callbacks import never
from wa_connector.shell.dispatcher import Dispatcher as Shell
from wa_connector.shell.dispatcher import Rounds
from wa_connector.shell.ports import Ports, log


@final
class AsyncDispatcher:
    """Sends what is due. Any number of tasks and processes may run one at once: lanes are leased."""

    def __init__(self, ports: Ports) -> None:
        self._shell: Final = Shell(ports)

    async def run_once(self, *, lanes: int = 64) -> int:
        """Work on up to ``lanes`` lanes side by side, and return how many messages and files went through.

        Raises ``Unavailable`` while the storage is away. That nothing went through does not mean that nothing is due:
        see ``run_until_idle``.
        """
        return await self._work_on(await self._shell.claim(lanes), never)

    async def run_until_idle(self, stop: asyncio.Event | None = None, *, lanes: int = 64) -> int:
        """Run until nothing is due any more, or ``stop`` is set; return how many messages and files went through.

        For a scheduler's job, and for tests. Raises ``Unavailable`` while the storage is away.
        """
        is_stopping = stop.is_set if stop else never
        rounds, total = Rounds(), 0
        while not is_stopping():
            leased = await self._shell.claim(lanes)
            done = await self._work_on(leased, is_stopping)
            total += done
            if rounds.is_idle(leased, done):
                break
        return total

    async def run_until(self, stop: asyncio.Event, *, poll: float = 0.5, lanes: int = 64) -> int:
        """Run until ``stop`` is set; look for work every ``poll`` seconds when there is none.

        Returns after the messages at hand, and how many messages and files went through. Goes on by itself when the
        storage comes back.
        """
        rounds, total = Rounds(), 0
        while not stop.is_set():
            leased: Sequence[LeasedLane] = ()
            done = 0
            try:
                leased = await self._shell.claim(lanes)
                done = await self._work_on(leased, stop.is_set)
            except Unavailable as error:
                log.warning("the dispatcher waits for the storage: %s", type(error).__qualname__)
            total += done
            if rounds.is_idle(leased, done):
                await _set_or_timeout(stop, poll)
        return total

    async def _work_on(self, leased: Sequence[LeasedLane], is_stopping: Callable[[], bool]) -> int:
        results = await asyncio.gather(
            *(self._shell.work(lane, is_stopping) for lane in leased), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result for result in results if isinstance(result, int))


async def _set_or_timeout(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
