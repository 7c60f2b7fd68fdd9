"""The senders: a plain one for threads, and an asynchronous one for event loops.

Rules of this file: own the connections and move bytes; what is sent and what it means is decided elsewhere. Nothing is
open before the first call, and httpx is not imported before it either.

Theory of operation. A process has its own connections: they are kept by process id, so a daemon may build a transport,
even use it, and then fork; a child neither writes into its parent's streams nor closes them. An event loop has its own
as well, for the same reason. Two threads that come first at the same time both make a pool, and one is thrown away
unused: cheaper than a lock, which a fork could leave locked for ever.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar, final

from wa_connector.errors import UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.directory import Account, LineSetup
from wa_connector.model.ids import ProviderId, TenantId
from wa_connector.model.outbound import Envelope, FetchOutcome, SendOutcome
from wa_connector.model.template import Template
from wa_connector.ports.media import AsyncMediaStore, MediaStore
from wa_connector_cloud_api import _courier
from wa_connector_cloud_api._courier import Download, Lost, Memory, NotSent
from wa_connector_cloud_api._intake import Intake, Spoilt
from wa_connector_cloud_api.options import Options, Target
from wa_connector_cloud_api.requests import Call
from wa_connector_cloud_api.responses import Answer

if TYPE_CHECKING:
    import asyncio

    import httpx

_T = TypeVar("_T")

_NO_FILES: Final = "templates have no files"


# ----------------------------------------------------------------------------------------- plain


@final
class CloudApiTransport:
    """Carries messages by the Cloud API, for code that blocks. May be called from several threads, and under gevent.

    ``close`` closes this process's connections and may be called twice; a call that comes later opens new ones. A call
    that is under way in another thread meanwhile may end as ``OutcomeUnknown``: stop sending first.
    """

    __slots__ = ("_memory", "_options", "_pools")

    def __init__(self, options: Options | None = None) -> None:
        self._options: Final = options or Options()
        self._memory: Final = Memory()
        self._pools: Final[dict[int, httpx.HTTPTransport]] = {}

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        """Hand one message over, its files first. Bounded by ``Options.timeouts``."""
        wire = _Wire(self._options, self._pool(), line.account.tenant, media)
        return _courier.run(_courier.send(wire, self._options, line, envelope, self._memory))

    def mark_read(self, line: LineSetup, message: ProviderId) -> bool:
        """Show the customer that a message of his was read, and all before it."""
        wire = _Wire(self._options, self._pool(), line.account.tenant, None)
        return _courier.run(_courier.mark_read(wire, self._options, line, message))

    def fetch(self, line: LineSetup, media: MediaRef, store: MediaStore) -> FetchOutcome:
        """Bring the bytes of inbound media into the store, checked against what was announced."""
        wire = _Wire(self._options, self._pool(), line.account.tenant, store)
        return _courier.run(_courier.fetch(wire, self._options, line, media))

    def templates(self, account: Account) -> Sequence[Template]:
        """All templates of the account; ``synced_at`` is left to whoever stores them.

        Raises ``ProviderError`` for a refusal, ``Unavailable`` when there is no answer, ``ConfigError`` for an account
        that cannot be called.
        """
        wire = _Wire(self._options, self._pool(), account.tenant, None)
        return _courier.run(_courier.templates(wire, self._options, account))

    def ask(self, account: Account, call: Call, read: Callable[[Answer], _T]) -> _T:
        """Make a call of ``administration`` or ``drafts`` for an account, and read its answer.

        Raises ``ProviderError`` for a refusal, ``Unavailable`` when there is no answer (of a call that changes something
        the outcome is unknown then), ``ConfigError`` for an account that cannot be called.
        """
        wire = _Wire(self._options, self._pool(), account.tenant, None)
        return _courier.run(_courier.ask(wire, self._options, account, call, read))

    def close(self) -> None:
        """Close this process's connections; at once."""
        if (pool := self._pools.pop(os.getpid(), None)) is not None:
            pool.close()

    def _pool(self) -> "httpx.HTTPTransport":
        if (pool := self._pools.get(os.getpid())) is not None:
            return pool
        from wa_connector_cloud_api import _http

        return self._pools.setdefault(os.getpid(), _http.plain_pool(self._options))


@final
class _Wire:
    """One operation of the plain transport; never suspends."""

    __slots__ = ("_options", "_pool", "_store", "_tenant")

    def __init__(
        self, options: Options, pool: "httpx.HTTPTransport", tenant: TenantId, store: MediaStore | None
    ) -> None:
        self._options: Final = options
        self._pool: Final = pool
        self._tenant: Final = tenant
        self._store: Final = store

    async def call(self, to: Target, call: Call) -> Answer | NotSent | Lost:
        from wa_connector_cloud_api import _http

        request = _http.request(to, call, self._options)
        try:
            return self._answer(self._pool.handle_request(request), to)
        except Exception as error:  # noqa: BLE001
            # Whatever the client breaks with once the request may have left: the message's fate is
            # unknown, and an exception would lose that fact.
            return _http.failure(error)

    def _answer(self, response: "httpx.Response", to: Target) -> Answer:
        from wa_connector_cloud_api import _http

        intake = Intake(_http.MAX_ANSWER, self._options.timeouts.whole)
        try:
            return _http.answer(response, b"".join(_watched(response.iter_bytes(), intake)), to)
        finally:
            response.close()

    async def load(self, media: MediaRef, max_bytes: int) -> bytes | None:
        assert self._store is not None, _NO_FILES
        chunks = self._store.read(self._tenant, media)
        if chunks is None:
            return None
        return b"".join(_watched(chunks, Intake(max_bytes, self._options.timeouts.whole)))

    async def keep(self, to: Target, download: Download) -> MediaRef | Answer | NotSent | Lost:
        from wa_connector_cloud_api import _http

        assert self._store is not None, _NO_FILES
        request = _http.download(to, download, self._options)
        try:
            response = self._pool.handle_request(request)
        except Exception as error:  # noqa: BLE001 - as in call
            return _http.failure(error)
        try:
            if response.status_code != 200:
                return Answer(response.status_code)
            intake = Intake(download.max_bytes, self._options.timeouts.download, download.announced)
            chunks = _watched(response.iter_bytes(), intake)
            return self._store.put(self._tenant, chunks, download.mime_type, download.max_bytes)
        except UsageError as error:
            raise Spoilt("the media store takes no file of this size", is_final=True) from error
        except _http.Broken as error:
            return _http.failure(error)
        finally:
            response.close()


def _watched(chunks: Iterator[bytes], intake: Intake) -> Iterator[bytes]:
    for chunk in chunks:
        intake.take(chunk)
        yield chunk
    # Before the last "no more": a store that is told so keeps what it has.
    intake.finish()


# ---------------------------------------------------------------------------------- asynchronous


@final
class AsyncCloudApiTransport:
    """Carries messages by the Cloud API, for an event loop (asyncio). May be used from several loops, one a thread.

    ``aclose`` closes the connections of the running loop and may be called twice; a call that comes later opens new ones.
    Each loop closes its own, before it ends. A cancelled call may have been sent: ``CancelledError`` passes through.
    """

    __slots__ = ("_memory", "_options", "_pools")

    def __init__(self, options: Options | None = None) -> None:
        self._options: Final = options or Options()
        self._memory: Final = Memory()
        self._pools: Final[dict[tuple[int, asyncio.AbstractEventLoop], _Lanes]] = {}

    async def send(self, line: LineSetup, envelope: Envelope, media: AsyncMediaStore) -> SendOutcome:
        """Hand one message over, its files first. Bounded by ``Options.timeouts``."""
        wire = _AsyncWire(self._options, self._lanes(), line.account.tenant, media)
        return await _courier.send(wire, self._options, line, envelope, self._memory)

    async def mark_read(self, line: LineSetup, message: ProviderId) -> bool:
        """As ``CloudApiTransport.mark_read``."""
        wire = _AsyncWire(self._options, self._lanes(), line.account.tenant, None)
        return await _courier.mark_read(wire, self._options, line, message)

    async def fetch(self, line: LineSetup, media: MediaRef, store: AsyncMediaStore) -> FetchOutcome:
        """Bring the bytes of inbound media into the store, checked against what was announced."""
        wire = _AsyncWire(self._options, self._lanes(), line.account.tenant, store)
        return await _courier.fetch(wire, self._options, line, media)

    async def templates(self, account: Account) -> Sequence[Template]:
        """As ``CloudApiTransport.templates``."""
        wire = _AsyncWire(self._options, self._lanes(), account.tenant, None)
        return await _courier.templates(wire, self._options, account)

    async def ask(self, account: Account, call: Call, read: Callable[[Answer], _T]) -> _T:
        """As ``CloudApiTransport.ask``."""
        wire = _AsyncWire(self._options, self._lanes(), account.tenant, None)
        return await _courier.ask(wire, self._options, account, call, read)

    async def aclose(self) -> None:
        """Close the running loop's connections, within seconds."""
        import asyncio

        lanes = self._pools.pop((os.getpid(), asyncio.get_running_loop()), None)
        if lanes is not None:
            await lanes.aclose()

    def _lanes(self) -> "_Lanes":
        import asyncio

        key = (os.getpid(), asyncio.get_running_loop())
        if (lanes := self._pools.get(key)) is not None:
            return lanes
        # A loop that has ended cannot close its connections any more; let them go.
        for other in list(self._pools):
            if other[1].is_closed():
                self._pools.pop(other, None)
        return self._pools.setdefault(key, _Lanes(self._options))


_CLOSE_SECONDS: Final = 5.0


@final
class _Lanes:
    """Several small pools in place of a large one.

    httpcore looks at all connections and all waiting requests whenever it assigns one, so that a single pool with 64 calls
    in flight carries a ninth of what it carries with one. Here a call goes to the pool with the fewest under way – the
    first of equals, so that a quiet line keeps one connection warm instead of eight – and waits in front of the pools,
    never inside one.

    Source: encode/httpx#3215, encode/httpcore#1035, read 2026-11.
    """

    __slots__ = ("_busy", "_free", "_pools", "_wait")

    def __init__(self, options: Options) -> None:
        import asyncio

        from wa_connector_cloud_api import _http

        lanes = max(1, min(options.lanes, options.connections))
        size = -(-options.connections // lanes)
        self._pools: Final = _http.async_pools(options, lanes, size)
        self._busy: Final = [0] * len(self._pools)
        # As many as all pools have room for, so the least busy always has room for one more.
        self._free: Final = asyncio.Semaphore(lanes * size)
        self._wait: Final = options.timeouts.pool

    @asynccontextmanager
    async def lane(self) -> "AsyncIterator[httpx.AsyncBaseTransport | None]":
        """A pool with room for one call; None when none came free in time."""
        import asyncio

        try:
            async with asyncio.timeout(self._wait):
                await self._free.acquire()
        except TimeoutError:
            yield None
            return
        index = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[index] += 1
        try:
            yield self._pools[index]
        finally:
            self._busy[index] -= 1
            self._free.release()

    async def aclose(self) -> None:
        import asyncio

        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                closing = (pool.aclose() for pool in self._pools)
                await asyncio.gather(*closing, return_exceptions=True)


@final
class _AsyncWire:
    """One operation of the asynchronous transport."""

    __slots__ = ("_lanes", "_options", "_store", "_tenant")

    def __init__(self, options: Options, lanes: _Lanes, tenant: TenantId, store: AsyncMediaStore | None) -> None:
        self._options: Final = options
        self._lanes: Final = lanes
        self._tenant: Final = tenant
        self._store: Final = store

    async def call(self, to: Target, call: Call) -> Answer | NotSent | Lost:
        from wa_connector_cloud_api import _http

        request = _http.request(to, call, self._options)
        async with self._lanes.lane() as pool:
            if pool is None:
                return _BUSY
            try:
                return await self._answer(await pool.handle_async_request(request), to)
            except Exception as error:  # noqa: BLE001 - as in _Wire.call
                return _http.failure(error)

    async def _answer(self, response: "httpx.Response", to: Target) -> Answer:
        from wa_connector_cloud_api import _http

        intake = Intake(_http.MAX_ANSWER, self._options.timeouts.whole)
        try:
            return _http.answer(response, await _joined(response.aiter_bytes(), intake), to)
        finally:
            await response.aclose()

    async def load(self, media: MediaRef, max_bytes: int) -> bytes | None:
        assert self._store is not None, _NO_FILES
        chunks = await self._store.read(self._tenant, media)
        if chunks is None:
            return None
        return await _joined(chunks, Intake(max_bytes, self._options.timeouts.whole))

    async def keep(self, to: Target, download: Download) -> MediaRef | Answer | NotSent | Lost:
        from wa_connector_cloud_api import _http

        assert self._store is not None, _NO_FILES
        request = _http.download(to, download, self._options)
        async with self._lanes.lane() as pool:
            if pool is None:
                return _BUSY
            try:
                response = await pool.handle_async_request(request)
            except Exception as error:  # noqa: BLE001 - as in _Wire.call
                return _http.failure(error)
            try:
                if response.status_code != 200:
                    return Answer(response.status_code)
                intake = Intake(download.max_bytes, self._options.timeouts.download, download.announced)
                chunks = _watched_async(response.aiter_bytes(), intake)
                return await self._store.put(self._tenant, chunks, download.mime_type, download.max_bytes)
            except UsageError as error:
                raise Spoilt("the media store takes no file of this size", is_final=True) from error
            except _http.Broken as error:
                return _http.failure(error)
            finally:
                await response.aclose()


_BUSY: Final = NotSent("all connections are busy")


async def _watched_async(chunks: AsyncIterator[bytes], intake: Intake) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        intake.take(chunk)
        yield chunk
    intake.finish()


async def _joined(chunks: AsyncIterator[bytes], intake: Intake) -> bytes:
    return b"".join([chunk async for chunk in _watched_async(chunks, intake)])
