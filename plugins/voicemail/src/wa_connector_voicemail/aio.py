"""The watcher for an event loop. The one module here that imports asyncio."""

import asyncio
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from wa_connector.errors import Unavailable
from wa_connector.model.directory import Line
from wa_connector_voicemail.source import Source
from wa_connector_voicemail.watching import LOOK_EVERY, SOON, Looking, Round, batches, log, summed

if TYPE_CHECKING:
    from wa_connector.aio.connector import AsyncConnector


@final
class AsyncVoicemailWatcher:
    """As ``VoicemailWatcher``, for an ``AsyncConnector``: boxes are looked at, and signs waited for, on a worker thread of the
    loop's. Cancelled, it has told nothing that it will not tell again; the thread ends within half a second."""

    def __init__(
        self,
        connector: "AsyncConnector",
        endpoint: str,
        source: Source,
        lines: Iterable[Line],
        memory: str | os.PathLike[str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connector: Final = connector
        self._endpoint: Final = endpoint
        self._looking: Final = Looking(source, lines, memory, clock=clock)

    async def run_once(self) -> Round:
        """Look at every box, and tell the connector what is new."""
        return summed([await self._look(box) for box in self._looking.boxes])

    async def _look(self, box: str) -> Round:
        try:
            look = await asyncio.to_thread(self._looking.look, box)
        except (Unavailable, OSError) as error:
            return self._looking.failed(box, error)
        await asyncio.to_thread(self._looking.announce, look)
        for batch in batches(look.items):
            await self._connector.receive(self._endpoint, batch)
        await asyncio.to_thread(self._looking.remember, look)
        return look.round

    async def run_forever(self, told: Callable[[Round], object] = lambda _: None) -> None:
        """Look whenever there is a sign that something changed, and every half minute, until it is cancelled."""
        hints, is_over, pause = self._looking.source.hints(self._looking.boxes), False, SOON

        def is_stopping() -> bool:
            return is_over

        try:
            while True:
                try:
                    found = await self.run_once()
                except Unavailable as error:
                    log.warning("voicemail waits: %s; tried again in %.0f s", type(error).__qualname__, pause)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LOOK_EVERY)
                    continue
                pause = SOON
                told(found)
                await asyncio.to_thread(hints.wait, LOOK_EVERY if found.is_settled else SOON, is_stopping)
        finally:
            is_over = True
            hints.close()
