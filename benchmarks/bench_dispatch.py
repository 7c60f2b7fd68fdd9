"""Dispatch: from the outbox in SQLite through rules and HTTP to a bare server on this machine, in one process.

The same client alone, handed the same messages with as many in flight, says what of that is HTTP. Sixty-four customers
have messages queued; the line's pace and the pairs' budgets are counted, and set so high that nobody waits for them.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import local

from attrs import evolve
from measuring import in_turn, median, ratio, report
from stores import TEXT, folder
from wa_connector_cloud_api import AsyncCloudApiTransport, CloudApiTransport, Options
from wa_connector_cloud_api.capabilities import CAPABILITIES
from wa_connector_sqlite import SqliteStorage

from wa_connector import AsyncConnector, Connector, MessageId, Text, hookimpl
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.outbound import Accepted, Envelope
from wa_connector.ports.channel import AsyncTransport
from wa_connector.testing.host import ACME, ANA, LINE, MemoryHost

ROUNDS = 5
IN_FLIGHT = 64
THREADS = 16
EACH_ITS_OWN = f"the synchronous client alone, one for each of {THREADS} threads"
EACH = 8
"""Messages that each customer has queued in a round."""
UNHURRIED = evolve(CAPABILITIES, pair_burst=1_000_000, pair_interval=timedelta(microseconds=1), messages_per_second=0)


class Provided:
    """The Cloud API's two senders, to a server of ours."""

    def __init__(self, host: MemoryHost, options: Options) -> None:
        self.options = options
        self.plain = CloudApiTransport(options)
        self.looping = AsyncCloudApiTransport(options)
        host.transport = self.plain  # type: ignore[assignment]

    @hookimpl
    def wa_async_transport(self) -> tuple[str, AsyncTransport]:
        return CAPABILITIES.channel, self.looping


@contextmanager
def server() -> Iterator[str]:
    program = Path(__file__).with_name("loopback_server.py")
    process = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v26.0"
    finally:
        process.stdin.close()
        process.wait(10)


class Queue:
    """The host's side: customers who wrote, and messages to them in the outbox."""

    def __init__(self, host: MemoryHost, provided: Provided) -> None:
        self._connector = Connector([host], discover=False, clock=host.clock)
        said = [host.said("Hello", sender=[f"+1650555{place:04}"]) for place in range(IN_FLIGHT)]
        assert self._connector.handle_webhook(host.webhook(*said)).taken == IN_FLIGHT
        self._connector.dispatcher.run_until_idle()  # whatever is answered is answered now
        self._threads = [each.id for each in self._connector.conversations(ACME, ANA, limit=IN_FLIGHT)]
        assert len(self._threads) == IN_FLIGHT
        setup = host.directory.line(ACME, LINE)
        assert setup is not None
        self._setup, self._provided, self._media = setup, provided, host.media

    def fill(self) -> int:
        for thread in self._threads * EACH:
            self._connector.send(ACME, ANA, thread, Text(TEXT)).or_raise()
        return len(self._threads) * EACH

    def envelopes(self) -> Iterator[Envelope]:
        for place in range(IN_FLIGHT * EACH):
            to = Address(AddressKind.NUMBER, f"+1650555{place % IN_FLIGHT:04}")
            yield Envelope(MessageId(f"01a2039fc73ab4c0fed51efa{place:08x}-00001-1"), to, Text(TEXT))

    def plain(self, _: int) -> float:
        """Microseconds a message, by the plain client in as many threads as the dispatcher has."""
        send, setup, media = self._provided.plain.send, self._setup, self._media
        with ThreadPoolExecutor(THREADS) as pool:
            return timed(lambda: sum(accepted(pool.map(lambda each: send(setup, each, media), self.envelopes()))))

    def plain_each(self, _: int) -> float:
        """The same with a client for each thread."""
        own, setup, media = local(), self._setup, self._media

        def send(each: Envelope) -> object:
            if not hasattr(own, "client"):
                own.client = CloudApiTransport(self._provided.options)
                clients.append(own.client)
            return own.client.send(setup, each, media)

        clients: list[CloudApiTransport] = []
        with ThreadPoolExecutor(THREADS) as pool:
            us = timed(lambda: sum(accepted(pool.map(send, self.envelopes()))))
        for client in clients:
            client.close()
        return us

    def plain_dispatch(self, _: int) -> float:
        queued = self.fill()
        with ThreadPoolExecutor(THREADS) as pool:
            return timed(lambda: self._connector.dispatcher.run_until_idle(lanes=IN_FLIGHT, pool=pool), queued)

    async def looping(self) -> int:
        left, send = self.envelopes(), self._provided.looping.send

        async def sender() -> int:
            return sum(accepted([await send(self._setup, each, None) for each in left]))  # type: ignore[arg-type]

        return sum(await asyncio.gather(*(sender() for _ in range(IN_FLIGHT))))


def accepted(outcomes: Iterable[object]) -> Iterator[int]:
    for outcome in outcomes:
        assert isinstance(outcome, Accepted), outcome
        yield 1


def timed(run: Callable[[], int], count: int = IN_FLIGHT * EACH) -> float:
    started = time.perf_counter()
    assert run() == count
    return (time.perf_counter() - started) / count * 1e6


def main() -> None:
    with server() as url, folder() as home, closing(SqliteStorage(home / "dispatch.db")) as storage:
        host = MemoryHost(storage=storage, owner=ANA, capabilities=UNHURRIED)
        provided = Provided(host, Options(base_url=url, aiohttp=True))
        queue = Queue(host, provided)
        with asyncio.Runner() as loop:
            connector = AsyncConnector([host, provided], discover=False, clock=host.clock)

            def looping_dispatch(_: int) -> float:
                queued = queue.fill()
                return timed(lambda: loop.run(connector.dispatcher.run_until_idle(lanes=IN_FLIGHT)), queued)

            rounds = in_turn(
                ROUNDS,
                {
                    "asynchronous, alone": lambda _: timed(lambda: loop.run(queue.looping())),
                    "asynchronous": looping_dispatch,
                    f"synchronous ({THREADS} threads), alone": queue.plain,
                    EACH_ITS_OWN: queue.plain_each,
                    f"synchronous ({THREADS} threads)": queue.plain_dispatch,
                },
            )
            loop.run(connector.aclose())
    shared = rounds[f"synchronous ({THREADS} threads), alone"]
    each = rounds[EACH_ITS_OWN]
    report(
        f"{EACH_ITS_OWN}, against one for all", median(each), "us", baseline=median(shared), ratio=ratio(shared, each)
    )
    for face in ("asynchronous", f"synchronous ({THREADS} threads)"):
        us, alone = rounds[face], rounds[f"{face}, alone"]
        name = f"dispatch, {face} face, {IN_FLIGHT} lanes"
        report(f"{name}: messages a second", 1e6 / median(us), "/s", baseline=1e6 / median(alone), at_least=1000)
        report(
            f"{name}: part of the client alone",
            median(us),
            "us",
            baseline=median(alone),
            ratio=ratio(alone, us),
            at_least=0.6,
        )


main()
