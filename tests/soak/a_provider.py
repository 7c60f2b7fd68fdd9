"""The provider of the soak tests: an emulator on loopback that is slow at times."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, final

from starlette.requests import ClientDisconnect
from wa_connector_emulator import Emulator, Sender, Settings, serve

from tests.soak import a_host

PATIENCE = 120.0


@contextmanager
def provider(
    customers: int, settings: Settings | None = None, sender: Sender | None = None
) -> Iterator[tuple[Emulator, str]]:
    """An emulator with the business numbers of ``a_host`` and so many customers, and the address of its Graph calls."""
    numbers = [{"id": number, "display_number": digits} for number, digits in a_host.NUMBERS.values()]
    emulator = Emulator(
        app_secret=a_host.APP_SECRET,
        token=a_host.TOKEN,
        seed={"numbers": numbers},
        settings=settings,
        sender=sender,
    )
    for customer in range(customers):
        emulator.create_customer(f"+1650555{customer:04}", f"Customer {customer}")
    slow: Any = Slow(emulator.app)
    emulator.app = slow
    with serve(emulator) as served:
        yield emulator, served.graph_url


@final
class Slow:
    """An ASGI application that pauses before and behind each call: there a kill is of the most interest, and a call that
    overtakes another. ``refusals`` holds the statuses of the answers that were no success."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.refusals: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(random.uniform(0, 0.02))

        async def late(message: Any) -> None:
            if message["type"] == "http.response.start":
                if message["status"] >= 400:
                    self.refusals.append(message["status"])
                await asyncio.sleep(random.uniform(0, 0.02))
            await send(message)

        with suppress(ClientDisconnect):  # killed while it was calling
            await self._inner(scope, receive, late)


def wait_until(probe: Callable[[], bool], moves: Callable[[], object] = lambda: None) -> None:
    """Return once ``probe`` says so; fail when it does not, and what ``moves`` shows stands still. How long all of it takes is
    the machine's affair."""
    seen, deadline = moves(), time.monotonic() + PATIENCE
    while not probe():
        if (now := moves()) != seen:
            seen, deadline = now, time.monotonic() + PATIENCE
        assert time.monotonic() < deadline, f"nothing new for {PATIENCE} s: {seen}"
        time.sleep(0.05)


def is_all_told(emulator: Emulator) -> bool:
    """Whether every webhook was answered 200."""
    return not any(hook.state == "pending" for hook in emulator.webhooks())
