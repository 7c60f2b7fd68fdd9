"""The outbox under the asynchronous face: a call to await, or a task that the host starts."""

import asyncio
from collections.abc import Callable
from typing import Final, final

from wa_connector.errors import Unavailable
from wa_connector.shell.dispatcher import Dispatcher as Shell
from wa_connector.shell.dispatcher import never
from wa_connector.shell.ports import Ports, log


@final
class AsyncDispatcher:
    """Sends what is due. Any number of tasks and processes may run one at once: lanes are leased."""

    def __init__(self, ports: Ports) -> None:
        self._shell: Final = Shell(ports)

    async def run_once(self, *, lanes: int = 64) -> int:
        """Work on up to ``lanes`` lanes side by side, and return how many messages and files went through.

        Raises ``Unavailable`` while the storage is away.
        """
        return await self._round(lanes, never)

    async def run_until(self, stop: asyncio.Event, *, poll: float = 0.5, lanes: int = 64) -> int:
        """Run until ``stop`` is set; look for work every ``poll`` seconds when there is none.

        Returns after the messages at hand, and how many messages and files went through. Goes on by itself when the
        storage comes back.
        """
        total = 0
        while not stop.is_set():
            done = 0
            try:
                done = await self._round(lanes, stop.is_set)
            except Unavailable as error:
                log.warning("the dispatcher waits for the storage: %s", type(error).__qualname__)
            total += done
            if not done:
                await _set_or_timeout(stop, poll)
        return total

    async def _round(self, lanes: int, is_stopping: Callable[[], bool]) -> int:
        leased = await self._shell.claim(lanes)
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
