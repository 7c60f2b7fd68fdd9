"""Running the shell without an event loop."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from wa_connector.errors import UsageError

T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result.

    Raises ``UsageError`` when it does suspend: a port or hook that needs an event loop was given to the synchronous
    face.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise UsageError(
        "a port or hook waited for an event loop, and the synchronous Connector has none. Use AsyncConnector, or give a"
        " plain (not async) plugin."
    )
