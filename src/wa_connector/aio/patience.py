"""Patience with a host's hooks: what does not answer is given up."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from wa_connector.shell.ports import Within


def within(patience: timedelta) -> Within:
    """Awaits an answer for so long, and raises ``TimeoutError`` then."""

    async def wait(answer: Awaitable[Any]) -> Any:
        async with asyncio.timeout(patience.total_seconds()):
            return await answer

    return wait
