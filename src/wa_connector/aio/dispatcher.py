"""The outbox under the asynchronous face: a call to await, or a task that the host starts."""

import asyncio
from typing import Final, final

from wa_connector.errors import Unavailable
from wa_connector.shell.dispatcher import Dispatcher as Shell
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
        leased = await self._shell.claim(lanes)
        results = await asyncio.gather(*(self._shell.work(lane) for lane in leased), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result for result in results if isinstance(result, int))

    async def run_until(self, stop: asyncio.Event, *, poll: float = 0.5, lanes: int = 64) -> None:
        """Run until ``stop`` is set; look for work every ``poll`` seconds when there is none.

        Returns after the messages at hand. Goes on by itself when the storage comes back.
        """
        while not stop.is_set():
            try:
                is_idle = await self.run_once(lanes=lanes) == 0
            except Unavailable as error:
                log.warning("the dispatcher waits for the storage: %s", type(error).__qualname__)
                is_idle = True
            if is_idle:
                await _set_or_timeout(stop, poll)


async def _set_or_timeout(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
