"""The asynchronous face: any number of tasks, several loops, asynchronous ports where there are any."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wa_connector.aio.connector import AsyncConnector
from wa_connector.errors import StorageUnavailable, UsageError
from wa_connector.model.content import MediaRef, Text
from wa_connector.model.directory import Account, App, LineSetup, Seat
from wa_connector.model.ids import AccountId, CommandId, ContactId, ConversationId, ProviderId, TenantId, UserId
from wa_connector.model.outbound import Accepted, Envelope, SendOutcome
from wa_connector.ports.hooks import hookimpl
from wa_connector.shell.adapters import PlainContacts, PlainDirectory, in_place
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.facts import facts
from wa_connector.testing.host import ACME, ANA, CARL, MemoryHost
from wa_connector.testing.memory import AsyncMemoryStorage, MemoryStorage

MANY = 40


def made(host: MemoryHost, *plugins: object, **named: Any) -> AsyncConnector:
    return AsyncConnector([host, *plugins], discover=False, clock=host.clock, **named)


async def thread_of(host: MemoryHost, connector: AsyncConnector) -> ConversationId:
    """A thread of Ana's in which she may write."""
    await connector.handle_webhook(host.webhook(host.said("Hello")))
    (found,) = await connector.conversations(ACME, ANA, unassigned=True)
    (await connector.send(ACME, ANA, found.id, Text("Hi"))).or_raise()
    return found.id


def sent(host: MemoryHost) -> list[str]:
    return [envelope.content.body for envelope in host.transport.sent if isinstance(envelope.content, Text)]


# --- tasks ------------------------------------------------------------------------------------------------------------


def test_tasks_that_write_into_one_conversation_lose_nothing() -> None:
    """Many messages by many tasks, while others dispatch: each is stored once and leaves once."""

    async def main() -> None:
        host = MemoryHost()
        async with made(host) as connector:
            thread = await thread_of(host, connector)

            async def write(number: int) -> None:
                (await connector.send(ACME, ANA, thread, Text(f"{number}"))).or_raise()
                await connector.dispatcher.run_once()

            await asyncio.gather(*(write(number) for number in range(MANY)))
            while await connector.dispatcher.run_once():
                pass
            assert sorted(["Hi", *(f"{number}" for number in range(MANY))]) == sorted(sent(host))

    asyncio.run(main())


def test_tasks_with_one_command_send_once() -> None:
    async def main() -> None:
        host = MemoryHost()
        async with made(host) as connector:
            thread = await thread_of(host, connector)
            command = CommandId("k1")
            placed = await asyncio.gather(
                *(connector.send(ACME, ANA, thread, Text("Once"), command_id=command) for _ in range(8))
            )
            assert len({each.message for each in placed}) == 1
            assert [False, *[True] * 7] == sorted(each.is_repeat for each in placed)

    asyncio.run(main())


def test_tasks_that_bring_messages_of_a_new_customer_make_one() -> None:
    async def main() -> None:
        host = MemoryHost()
        async with made(host) as connector:
            requests = [host.webhook(host.said(f"Message {number}")) for number in range(8)]
            results = await asyncio.gather(*(connector.handle_webhook(request) for request in requests))
            assert [result.taken for result in results] == [1] * 8
            (customer,) = facts(host.storage, ACME).customers
            assert len(customer.messages) == 8

    asyncio.run(main())


def test_a_caller_who_is_cancelled_takes_nobody_with_him() -> None:
    """Of many who write at once one gives up; the others' messages are there."""

    async def main() -> None:
        host = MemoryHost()
        async with made(host) as connector:
            thread = await thread_of(host, connector)
            tasks = [asyncio.create_task(connector.send(ACME, ANA, thread, Text(f"{number}"))) for number in range(8)]
            await asyncio.sleep(0.001)
            tasks[3].cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            others = [each for place, each in enumerate(results) if place != 3]
            assert not any(isinstance(each, BaseException) for each in others)
            while await connector.dispatcher.run_once():
                pass
            assert {"Hi", *(f"{number}" for number in range(8) if number != 3)} <= set(sent(host))

    asyncio.run(main())


# --- loops ------------------------------------------------------------------------------------------------------------


def test_several_loops_share_one_connector() -> None:
    """One after the other and side by side: a loop that has ended is missed by nobody."""
    host = MemoryHost()
    connector = made(host)
    thread = asyncio.run(thread_of(host, connector))

    async def write(texts: Sequence[str]) -> None:
        await asyncio.gather(*(connector.send(ACME, ANA, thread, Text(text)) for text in texts))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda texts: asyncio.run(write(texts)), [("a", "b", "c"), ("d", "e", "f")]))

    async def finish() -> None:
        await connector.dispatcher.run_until_idle()
        await connector.aclose()

    asyncio.run(finish())
    assert ["Hi", *"abcdef"] == sorted(sent(host))


# --- the dispatcher ---------------------------------------------------------------------------------------------------


def test_the_dispatcher_runs_until_it_is_stopped() -> None:
    """It sends what is there, waits for more, and goes on when the storage is back."""

    async def main() -> None:
        host = MemoryHost(storage=(storage := Leaving()))
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def answer(_: Envelope) -> SendOutcome:
            loop.call_soon_threadsafe(stop.set)
            return Accepted(ProviderId("out"))

        host.transport.answers.append(answer)
        async with made(host) as connector:
            await thread_of(host, connector)
            storage.is_away = True
            running = asyncio.create_task(connector.dispatcher.run_until(stop, poll=0.001))
            await asyncio.sleep(0.01)
            assert sent(host) == []
            storage.is_away = False
            await asyncio.wait_for(running, 10)
            assert sent(host) == ["Hi"]

    asyncio.run(main())


class Leaving:
    """A storage in memory that goes away and comes back."""

    def __init__(self) -> None:
        self._plain = MemoryStorage()
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        if self.is_away and name != "close":
            raise StorageUnavailable("away")
        return getattr(self._plain, name)


def test_lanes_are_worked_on_side_by_side() -> None:
    """Two customers' messages are under way at once; that they meet shows it."""

    async def main() -> None:
        host = MemoryHost()
        together = threading.Barrier(2, timeout=30)

        def answer(_: Envelope) -> SendOutcome:
            together.wait()
            return Accepted(ProviderId("out"))

        host.transport.answers.extend([answer, answer])
        async with made(host) as connector:
            elements = [host.said("HELP", sender=(f"+1650555000{number}",)) for number in range(2)]
            await connector.handle_webhook(host.webhook(*elements))
            assert await connector.dispatcher.run_once() == 2

    asyncio.run(main())


def test_a_lane_in_trouble_is_told_after_the_others_are_done() -> None:
    """The storage goes away under one lane; the error comes when every lane has ended."""

    async def main() -> None:
        host = MemoryHost(storage=(storage := Leaving()))

        def leave(_: Envelope) -> SendOutcome:
            storage.is_away = True
            return Accepted(ProviderId("out"))

        host.transport.answers.append(leave)
        async with made(host) as connector:
            await thread_of(host, connector)
            with pytest.raises(StorageUnavailable):
                await connector.dispatcher.run_once()

    asyncio.run(main())


# --- ports ------------------------------------------------------------------------------------------------------------


class Asynchronous:
    """The same host with asynchronous ports; each notes that it was asked."""

    def __init__(self, host: MemoryHost) -> None:
        self.host = host
        self.asked: list[str] = []
        assert isinstance(host.storage, MemoryStorage)
        self.storage = AsyncMemoryStorage(host.storage)

    @hookimpl
    def wa_async_storage(self) -> AsyncMemoryStorage:
        self.asked.append("storage")
        return self.storage

    @hookimpl
    def wa_async_directory(self) -> "PlainDirectory":
        self.asked.append("directory")
        return PlainDirectory(self.host.directory, in_place)

    @hookimpl
    def wa_async_contacts(self) -> "PlainContacts":
        self.asked.append("contacts")
        return PlainContacts(self.host.contacts, in_place)


def test_asynchronous_ports_are_preferred() -> None:
    """Where a plugin has both, this face takes its own."""

    async def main() -> None:
        host = MemoryHost()
        ports = Asynchronous(host)
        async with made(host, ports) as connector:
            await thread_of(host, connector)
            (action,) = await connector.contact_actions(ACME, ANA, CARL)
            assert action.write.is_allowed
        assert ports.asked == ["storage", "directory", "contacts"]

    asyncio.run(main())


class Immediate:
    """A directory that says on which threads it was asked."""

    def __init__(self, plain: MemoryDirectory, *, is_immediate: bool) -> None:
        self._plain = plain
        self.is_immediate = is_immediate
        self.threads: set[bool] = set()

    def _ask(self) -> MemoryDirectory:
        self.threads.add(threading.current_thread() is threading.main_thread())
        return self._plain

    def app(self, endpoint: str) -> App | None:
        return self._ask().app(endpoint)

    def inbound_line(self, *arguments: Any) -> LineSetup | None:
        return self._ask().inbound_line(*arguments)

    def line(self, *arguments: Any) -> LineSetup | None:
        return self._ask().line(*arguments)

    def lines(self, *arguments: Any) -> Sequence[LineSetup]:
        return self._ask().lines(*arguments)

    def account(self, tenant: TenantId, account: AccountId) -> Account | None:
        return self._ask().account(tenant, account)

    def user(self, tenant: TenantId, user: UserId) -> Seat | None:
        return self._ask().user(tenant, user)


@pytest.mark.parametrize("is_immediate", [True, False])
def test_a_directory_that_never_blocks_is_asked_in_place(is_immediate: bool) -> None:
    """It says so itself; any other runs on a worker thread, and never on the loop's."""

    async def main() -> None:
        host = MemoryHost()
        directory = Immediate(host.directory, is_immediate=is_immediate)
        host.directory = directory  # type: ignore[assignment]
        async with made(host) as connector:
            await thread_of(host, connector)
        assert {is_immediate} == directory.threads

    asyncio.run(main())


class AsyncMedia:
    """A media store that only an event loop can use."""

    async def put(self, tenant: TenantId, chunks: AsyncIterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        content = b"".join([chunk async for chunk in chunks])
        return MediaRef(mime_type, "ab" * 32, len(content))

    async def read(self, tenant: TenantId, media: MediaRef) -> AsyncIterator[bytes] | None:
        return None


class OnlyAsyncMedia:
    """A host whose files are behind an event loop; with or without its plain transport."""

    def __init__(self, host: MemoryHost, *, has_transport: bool) -> None:
        self.host, self.has_transport = host, has_transport

    @hookimpl
    def wa_storage(self) -> object:
        return self.host.storage

    @hookimpl
    def wa_directory(self) -> MemoryDirectory:
        return self.host.directory

    @hookimpl
    def wa_transport(self) -> tuple[str, object] | None:
        return ("plain", self.host.transport) if self.has_transport else None

    @hookimpl
    def wa_async_media_store(self) -> AsyncMedia:
        return AsyncMedia()


def test_a_plain_transport_needs_a_plain_media_store() -> None:
    """It reads files from one, and could not from an asynchronous one; that is said at start."""
    with pytest.raises(UsageError, match="the transport of plain is plain and reads files"):
        AsyncConnector([OnlyAsyncMedia(MemoryHost(), has_transport=True)], discover=False)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_files_go_through_an_asynchronous_media_store() -> None:
    async def main() -> None:
        async with AsyncConnector([OnlyAsyncMedia(MemoryHost(), has_transport=False)], discover=False) as connector:
            media = await connector.store_media(ACME, chunks(b"pic", b"ture"), "image/png", 100)
            assert media.size == 7
            assert await connector.read_media(ACME, media) is None

    asyncio.run(main())


def test_files_go_through_a_plain_media_store() -> None:
    """Streamed in and out; a file that is too large is refused as soon as it is."""

    async def main() -> None:
        async with made(MemoryHost()) as connector:
            media = await connector.store_media(ACME, chunks(b"pic", b"ture"), "image/png", 100)
            stream = await connector.read_media(ACME, media)
            assert stream is not None
            assert b"".join([chunk async for chunk in stream]) == b"picture"
            assert await connector.read_media(TenantId("globex"), media) is None
            with pytest.raises(UsageError, match="larger"):
                await connector.store_media(ACME, chunks(b"pic", b"ture", b"never read"), "image/png", 6)

    asyncio.run(main())


def test_without_a_media_store_files_are_refused() -> None:
    """Text works; what to do about it is in the error."""

    async def main() -> None:
        async with AsyncConnector([Plain(MemoryHost())], discover=False) as connector:
            with pytest.raises(UsageError, match="no media store"):
                await connector.store_media(ACME, chunks(b"x"), "image/png", 9)
            assert await connector.read_media(ACME, MediaRef("image/png", "ab" * 32, 1)) is None

    asyncio.run(main())


class Plain:
    """A host without files."""

    def __init__(self, host: MemoryHost) -> None:
        self.host = host

    @hookimpl
    def wa_storage(self) -> object:
        return self.host.storage

    @hookimpl
    def wa_directory(self) -> MemoryDirectory:
        return self.host.directory


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_closed_connector_refuses() -> None:
    """Every call; closing twice is closing once."""

    async def main() -> None:
        host = MemoryHost()
        connector = made(host)
        await connector.aclose()
        await connector.aclose()
        with pytest.raises(UsageError, match="closed"):
            await connector.start(ACME, ANA, host.directory.lines(ACME, ANA)[0].line.id, ContactId("carl"))
        with pytest.raises(UsageError, match="closed"):
            await connector.store_media(ACME, chunks(b"x"), "image/png", 9)
        assert host.transport.is_closed

    asyncio.run(main())
