"""``wa-connector dispatch``: a dispatcher in a process of its own, for a connector that the host builds.

Theory: a signal only raises a flag. The dispatcher looks at it before each message, so a message that is under way is
finished and noted, what was leased is given back, and nothing is left in doubt. A second signal ends the process at once,
as if this program had never asked for the first.
"""

import importlib
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, final

import typer

from wa_connector.errors import WaConnectorError

if TYPE_CHECKING:
    # Loaded when the command runs: this module is imported for every help page.
    from asyncio import Event

    from rich.table import Table

    from wa_connector.aio.connector import AsyncConnector
    from wa_connector.direct.connector import Connector

    AnyConnector: TypeAlias = Connector | AsyncConnector

SLICE: Final = 0.05
"""How soon, in seconds, a dispatcher that waits for work sees that it is to stop."""


def dispatch(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:ATTRIBUTE",
            help="Where the connector is: a Connector or AsyncConnector, or a function without arguments that builds one.",
        ),
    ],
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and end; for a scheduler.")] = False,
    lanes: Annotated[int, typer.Option(min=1, help="How many customers to work for in one round.")] = 16,
    threads: Annotated[
        int, typer.Option(min=1, help="How many of them at a time. An AsyncConnector needs no threads.")
    ] = 1,
    poll: Annotated[float, typer.Option(min=0.001, help="Seconds between looks for work when there is none.")] = 0.5,
    app_dir: Annotated[str, typer.Option(help="The folder that MODULE is looked for in, before all others.")] = ".",
) -> None:
    """Send what is due, until SIGTERM or SIGINT. Any number of these may run at once.

    A message that is under way is finished; a second signal ends the process at once.
    """
    from rich.console import Console

    console, stop = Console(), Stop()
    began = time.monotonic()
    try:
        with listening(stop):
            connector = connector_at(target, app_dir)
            _log_to_stderr()
            with console.status(f"Dispatching for {target}") if console.is_terminal else nullcontext():
                sent = _run(connector, stop, once=once, lanes=lanes, threads=threads, poll=poll)
    except WaConnectorError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: ", error, sep="")
        raise typer.Exit(1) from None
    console.print(_summary(stop, sent, time.monotonic() - began, once=once))


# --- which connector --------------------------------------------------------------------------------------------------


def connector_at(target: str, app_dir: str) -> "AnyConnector":
    """The connector that ``module:attribute`` names or builds. Raises ``typer.BadParameter`` when it does neither."""
    from wa_connector.aio.connector import AsyncConnector
    from wa_connector.direct.connector import Connector

    name, colon, attribute = target.partition(":")
    if not (name and colon and attribute):
        raise typer.BadParameter(f"{target!r} is not MODULE:ATTRIBUTE, as in myhost.wiring:connector")
    sys.path.insert(0, app_dir)
    try:
        found = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # The module is there, and what it imports is not: its own traceback says more.
        raise typer.BadParameter(f"there is no module {name!r} in {app_dir!r} or on the path (--app-dir)") from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise typer.BadParameter(f"the module {name!r} has no {attribute!r}")
        found = getattr(found, part)
    made: object = found() if callable(found) else found
    if not isinstance(made, Connector | AsyncConnector):
        raise typer.BadParameter(f"{target} is a {type(made).__name__}, and neither a Connector nor an AsyncConnector")
    return made


# --- signals ----------------------------------------------------------------------------------------------------------


@final
class Stop:
    """Set by a signal. A handler runs in the middle of anything, so it takes no lock: it sets a flag, and whoever waits
    looks at it every now and then."""

    def __init__(self) -> None:
        self.by: signal.Signals | None = None

    def is_set(self) -> bool:
        return self.by is not None

    def wait(self, timeout: float | None = None) -> None:
        """Return when it is set, or after ``timeout`` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set() and (until is None or time.monotonic() < until):
            time.sleep(SLICE if until is None else min(SLICE, max(0.0, until - time.monotonic())))


@contextmanager
def listening(stop: Stop) -> Iterator[None]:
    """Have SIGTERM and SIGINT set ``stop``; whoever signals twice means it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def heard(number: int, _: FrameType | None) -> None:
        stop.by = signal.Signals(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, heard)
    try:
        yield
    finally:
        restore()


# --- at work ----------------------------------------------------------------------------------------------------------


def _log_to_stderr() -> None:
    """Let warnings be seen, unless the host's module has set up a log of its own."""
    import logging

    from rich.console import Console
    from rich.logging import RichHandler

    handler = RichHandler(console=Console(stderr=True))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])


def _run(connector: "AnyConnector", stop: Stop, *, once: bool, lanes: int, threads: int, poll: float) -> int:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from wa_connector.direct.connector import Connector

    if not isinstance(connector, Connector):
        return asyncio.run(_run_async(connector, stop, once=once, lanes=lanes, poll=poll))
    with connector, ThreadPoolExecutor(threads, "dispatcher") as pool:
        dispatcher, side_by_side = connector.dispatcher, pool if threads > 1 else None
        if once:
            return dispatcher.run_until_idle(stop, lanes=lanes, pool=side_by_side)
        return dispatcher.run_until(stop, poll=poll, lanes=lanes, pool=side_by_side)


async def _run_async(connector: "AsyncConnector", stop: Stop, *, once: bool, lanes: int, poll: float) -> int:
    import asyncio

    async with connector:
        over = asyncio.Event()
        watch = asyncio.create_task(_forward(stop, over))
        try:
            if once:
                return await connector.dispatcher.run_until_idle(over, lanes=lanes)
            return await connector.dispatcher.run_until(over, poll=poll, lanes=lanes)
        finally:
            watch.cancel()


async def _forward(stop: Stop, over: "Event") -> None:
    import asyncio

    while not stop.is_set():  # noqa: ASYNC110 - a signal sets it in the middle of anything, and must not touch the loop
        await asyncio.sleep(SLICE)
    over.set()


def _summary(stop: Stop, sent: int, seconds: float, *, once: bool) -> "Table":
    from rich.table import Table

    table = Table(show_header=False, title="Dispatched")
    table.add_row("messages and files", str(sent))
    table.add_row("time", str(timedelta(seconds=round(seconds))))
    table.add_row("ended by", stop.by.name if stop.by else "nothing more being due" if once else "itself")
    return table
