"""The carriers of every gateway that is spoken to by HTTP: a plain one for threads, an asynchronous one for event loops.

Rules of this file: own the connections and move bytes; what is sent and what it means is the gateway's. A process has its
own connections, and so has an event loop: they are kept by process id, so that a daemon may build a carrier, even use it,
and then fork. Nothing is open before the first call, and httpx is not imported before it either.
"""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from wa_connector.model.content import MediaRef
from wa_connector.model.directory import LineSetup
from wa_connector.model.ids import TenantId
from wa_connector.model.outbound import Envelope, FetchOutcome, SendOutcome
from wa_connector.ports.media import AsyncMediaStore, MediaStore
from wa_connector_sms import carrying
from wa_connector_sms.calls import Call
from wa_connector_sms.carrying import Download, HttpGateway, Lost, NotSent
from wa_connector_sms.outcomes import Answer

if TYPE_CHECKING:
    import asyncio

    import httpx

_CLOSE_SECONDS: Final = 5.0


@final
class HttpCarrier:
    """Implements ``carrier.Carrier`` for one gateway."""

    __slots__ = ("_gateway", "_pools")

    def __init__(self, gateway: HttpGateway) -> None:
        self._gateway: Final = gateway
        self._pools: Final[dict[int, httpx.HTTPTransport]] = {}

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        """Hand one message over, its picture first."""
        wire = _Wire(self._pool(), line.account.tenant, media)
        return carrying.run(carrying.send(wire, self._gateway, line, envelope))

    def fetch(self, line: LineSetup, media: MediaRef, store: MediaStore) -> FetchOutcome:
        """Bring the bytes of an inbound picture into the store."""
        wire = _Wire(self._pool(), line.account.tenant, store)
        return carrying.run(carrying.fetch(wire, self._gateway, line, media))

    def close(self) -> None:
        """Close this process's connections; at once."""
        if (pool := self._pools.pop(os.getpid(), None)) is not None:
            pool.close()

    def _pool(self) -> "httpx.HTTPTransport":
        if (pool := self._pools.get(os.getpid())) is not None:
            return pool
        from wa_connector_sms import _http

        # Two threads that come first at once both make one, and one is thrown away unused: cheaper than a lock, which a
        # fork could leave locked for ever.
        return self._pools.setdefault(os.getpid(), _http.plain_pool())


@final
class _Wire:
    """One operation of the plain carrier; never suspends."""

    __slots__ = ("_pool", "_store", "_tenant")

    def __init__(self, pool: "httpx.HTTPTransport", tenant: TenantId, store: MediaStore) -> None:
        self._pool: Final = pool
        self._tenant: Final = tenant
        self._store: Final = store

    async def call(self, call: Call) -> Answer | NotSent | Lost:
        from wa_connector_sms import _http

        try:
            response = self._pool.handle_request(_http.request(call))
            try:
                intake = _http.Intake()
                return _http.answer(response, b"".join(intake.take(chunk) for chunk in response.iter_bytes()))
            finally:
                response.close()
        except Exception as error:  # noqa: BLE001
            # Whatever breaks once the request may have left: the message's fate is unknown, and an exception would lose
            # that fact.
            return _http.failure(error)

    async def load(self, media: MediaRef) -> bytes | None:
        chunks = self._store.read(self._tenant, media)
        return None if chunks is None else b"".join(chunks)

    async def keep(self, download: Download) -> MediaRef | Answer | NotSent | Lost:
        from wa_connector_sms import _http

        try:
            response = self._pool.handle_request(_http.request(download.call))
            there = _http.redirected(response, download.call.base_url, download.hosts)
            if there is not None:
                response.close()
                response = self._pool.handle_request(there)
        except _http.BROKEN as error:
            return _http.failure(error)
        try:
            if response.status_code != 200:
                return Answer(response.status_code)
            intake = _http.file_intake()
            chunks = (intake.take(chunk) for chunk in response.iter_bytes())
            return self._store.put(self._tenant, chunks, download.mime_type, carrying.MAX_FILE)
        except _http.BROKEN as error:
            return _http.failure(error)
        finally:
            response.close()


# ---------------------------------------------------------------------------------- asynchronous


@final
class AsyncHttpCarrier:
    """Implements ``carrier.AsyncCarrier`` for one gateway. Each loop closes its own connections, before it ends."""

    __slots__ = ("_gateway", "_pools")

    def __init__(self, gateway: HttpGateway) -> None:
        self._gateway: Final = gateway
        self._pools: Final[dict[tuple[int, asyncio.AbstractEventLoop], httpx.AsyncHTTPTransport]] = {}

    async def send(self, line: LineSetup, envelope: Envelope, media: AsyncMediaStore) -> SendOutcome:
        """Hand one message over, its picture first."""
        wire = _AsyncWire(self._pool(), line.account.tenant, media)
        return await carrying.send(wire, self._gateway, line, envelope)

    async def fetch(self, line: LineSetup, media: MediaRef, store: AsyncMediaStore) -> FetchOutcome:
        """Bring the bytes of an inbound picture into the store."""
        wire = _AsyncWire(self._pool(), line.account.tenant, store)
        return await carrying.fetch(wire, self._gateway, line, media)

    async def aclose(self) -> None:
        """Close the running loop's connections, within seconds."""
        import asyncio

        pool = self._pools.pop((os.getpid(), asyncio.get_running_loop()), None)
        if pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await pool.aclose()

    def _pool(self) -> "httpx.AsyncHTTPTransport":
        import asyncio

        key = (os.getpid(), asyncio.get_running_loop())
        if (pool := self._pools.get(key)) is not None:
            return pool
        from wa_connector_sms import _http

        for other in list(self._pools):
            if other[1].is_closed():  # it cannot close its connections any more; let them go
                self._pools.pop(other, None)
        return self._pools.setdefault(key, _http.async_pool())


@final
class _AsyncWire:
    """One operation of the asynchronous carrier."""

    __slots__ = ("_pool", "_store", "_tenant")

    def __init__(self, pool: "httpx.AsyncHTTPTransport", tenant: TenantId, store: AsyncMediaStore) -> None:
        self._pool: Final = pool
        self._tenant: Final = tenant
        self._store: Final = store

    async def call(self, call: Call) -> Answer | NotSent | Lost:
        from wa_connector_sms import _http

        try:
            response = await self._pool.handle_async_request(_http.request(call))
            try:
                intake = _http.Intake()
                body = b"".join([intake.take(chunk) async for chunk in response.aiter_bytes()])
                return _http.answer(response, body)
            finally:
                await response.aclose()
        except Exception as error:  # noqa: BLE001 - as in _Wire.call
            return _http.failure(error)

    async def load(self, media: MediaRef) -> bytes | None:
        chunks = await self._store.read(self._tenant, media)
        return None if chunks is None else b"".join([chunk async for chunk in chunks])

    async def keep(self, download: Download) -> MediaRef | Answer | NotSent | Lost:
        from wa_connector_sms import _http

        try:
            response = await self._pool.handle_async_request(_http.request(download.call))
            there = _http.redirected(response, download.call.base_url, download.hosts)
            if there is not None:
                await response.aclose()
                response = await self._pool.handle_async_request(there)
        except _http.BROKEN as error:
            return _http.failure(error)
        try:
            if response.status_code != 200:
                return Answer(response.status_code)
            intake = _http.file_intake()
            chunks = (intake.take(chunk) async for chunk in response.aiter_bytes())
            return await self._store.put(self._tenant, chunks, download.mime_type, carrying.MAX_FILE)
        except _http.BROKEN as error:
            return _http.failure(error)
        finally:
            await response.aclose()
