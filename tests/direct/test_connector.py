"""The synchronous face: every call in the caller's thread, any number of threads at once."""

import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.errors import UsageError
from wa_connector.model.content import Text
from wa_connector.model.ids import CommandId, ConversationId
from wa_connector.ports.storage import Scan
from wa_connector.shell.drive import drive
from wa_connector.testing.facts import facts
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, LINE, MemoryHost

THREADS = 4
EACH = 25


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture
def connector(host: MemoryHost) -> Iterator[Connector]:
    with host.connector() as made:
        made.sync_templates(ACME, ACCOUNT)
        yield made


@pytest.fixture
def thread(host: MemoryHost, connector: Connector) -> ConversationId:
    """A thread of Ana's in which she may write."""
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (found,) = connector.conversations(ACME, ANA, unassigned=True)
    connector.send(ACME, ANA, found.id, Text("Hi")).or_raise()
    return found.id


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Threads that take turns as often as they can meet in more places."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def at_once(work: Callable[[int], object]) -> None:
    """Each number in a thread of its own, all of them begun together."""
    gate = threading.Barrier(THREADS)

    def begin(number: int) -> None:
        gate.wait()
        work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(begin, range(THREADS)))


def test_threads_that_write_into_one_conversation_lose_nothing(
    host: MemoryHost, connector: Connector, thread: ConversationId
) -> None:
    """Many messages by many threads, while others dispatch: each is stored once and leaves once, and each thread's own
    in the order in which it wrote them."""

    def write(number: int) -> None:
        for turn in range(EACH):
            connector.send(ACME, ANA, thread, Text(f"{number} {turn}")).or_raise()
            connector.dispatcher.run_once()

    at_once(write)
    while connector.dispatcher.run_once():
        pass
    texts = [envelope.content.body for envelope in host.transport.sent if isinstance(envelope.content, Text)]
    assert {"Hi", *(f"{number} {turn}" for number in range(THREADS) for turn in range(EACH))} == set(texts)
    assert len(set(texts)) == len(texts)
    for number in range(THREADS):
        assert [f"{number} {turn}" for turn in range(EACH)] == [text for text in texts if text.startswith(f"{number} ")]
    (key, row), *_ = host.storage.scan(Scan("conversation", "key", (ACME,), 9)).rows
    taken = 1  # Ana's first message took it from the unassigned list
    assert (thread, 2 + taken + THREADS * EACH) == (key.parts[1], row.merged["entries"])


def test_threads_with_one_command_send_once(host: MemoryHost, connector: Connector, thread: ConversationId) -> None:
    """All of them are told of the same message, and one of them that it was its own."""
    placed = []
    at_once(lambda _: placed.append(connector.send(ACME, ANA, thread, Text("Once"), command_id=CommandId("k1"))))
    assert len({each.message for each in placed}) == 1
    assert [False, *[True] * (THREADS - 1)] == sorted(each.is_repeat for each in placed)


def test_threads_that_bring_the_same_webhook_take_it_once(host: MemoryHost, connector: Connector) -> None:
    """A provider that sends a body to every worker at once has sent it once."""
    request = host.webhook(*(host.said(f"Message {number}") for number in range(5)))
    results = []
    at_once(lambda _: results.append(connector.handle_webhook(request)))
    assert {200} == {result.reply.status for result in results}
    assert (sum(r.taken for r in results), sum(r.known for r in results)) == (5, 5 * (THREADS - 1))
    (customer,) = facts(host.storage, ACME).customers
    assert len(customer.messages) == 5


def test_threads_that_bring_messages_of_a_new_customer_make_one(host: MemoryHost, connector: Connector) -> None:
    """Whoever loses decides again on the customer that the other has made."""
    requests = [host.webhook(host.said(f"Message {number}")) for number in range(THREADS)]
    at_once(lambda number: connector.handle_webhook(requests[number]))
    (customer,) = facts(host.storage, ACME).customers
    assert len(customer.messages) == THREADS


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_closed_connector_refuses(host: MemoryHost, thread: ConversationId, connector: Connector) -> None:
    """Every call; and its storage and transports are closed."""
    connector.close()
    calls: list[Callable[[], object]] = [
        lambda: connector.handle_webhook(host.webhook(host.said("Hello"))),
        lambda: connector.send(ACME, ANA, thread, Text("Hi")),
        lambda: connector.ask_consent(ACME, ANA, LINE, CARL),
        lambda: connector.store_media(ACME, [b"x"], "image/png", 9),
        lambda: connector.events(ACME),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="closed"):
            call()
    assert host.transport.is_closed
    with pytest.raises(UsageError, match="closed"):
        host.storage.load([])


def test_closing_twice_is_closing_once(connector: Connector) -> None:
    connector.close()
    connector.close()


# --- driving without a loop -------------------------------------------------------------------------------------------


def test_a_coroutine_that_never_suspends_is_done_at_once() -> None:
    async def answer() -> int:
        return 42

    assert drive(answer()) == 42


class Suspending:
    def __await__(self) -> Generator[None, None, None]:
        yield


def test_a_port_that_waits_for_a_loop_is_refused() -> None:
    """And whatever it had open is closed with it."""
    closed = []

    async def waits() -> None:
        try:
            await Suspending()
        finally:
            closed.append(True)

    with pytest.raises(UsageError, match="Use AsyncConnector"):
        drive(waits())
    assert closed == [True]


def test_what_a_port_raises_comes_through() -> None:
    async def fails() -> None:
        raise KeyError("text")

    with pytest.raises(KeyError, match="text"):
        drive(fails())
