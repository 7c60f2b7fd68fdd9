"""aiohttp under httpx: a carrier for many calls at once.

Rules of this file: the only one that imports aiohttp, and itself imported when it is first asked for. What is called
and what an answer means is the same as with httpx's own carrier.
"""

import asyncio
from base64 import b64encode
from ssl import SSLContext
from typing import Final, final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

SLOWEST: Final = 64 * 1024
"""Bytes a second below which nobody uploads: what a large file's time to be written grows by."""


@final
class _Carrier(AiohttpTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            # aiohttp has no time-out for writing: whoever accepts a connection and reads nothing would hold the call for
            # ever. So the phases up to the answer's head are bounded together.
            async with asyncio.timeout(_limit(request)):
                return await super().handle_async_request(request)
        except TimeoutError as error:
            raise httpx.WriteTimeout("not written, or not answered, in time") from error
        except httpx.TransportError as error:
            cause = error.__cause__
            if isinstance(cause, aiohttp.ClientConnectorError):
                raise httpx.ConnectError(str(error)) from cause
            # aiohttp has one class for a connection that could not be made and for one that broke, and the adapter takes
            # all of it for the former: a message that may have been sent would pass for one that was not.
            if isinstance(error, httpx.ConnectTimeout) and not isinstance(cause, aiohttp.ConnectionTimeoutError):
                raise httpx.ReadError(str(error)) from cause
            raise


def _limit(request: httpx.Request) -> float:
    phases: dict[str, float] = request.extensions["timeout"]
    return sum(phases.values()) + int(request.headers.get("content-length", 0)) / SLOWEST


def _proxy(address: str) -> httpx.Proxy:
    """A proxy whose user and password go as a header: aiohttp's own way is deprecated."""
    proxy = httpx.Proxy(address)
    if proxy.auth is None:
        return proxy
    basic = b64encode(":".join(proxy.auth).encode()).decode()
    return httpx.Proxy(proxy.url, headers={"Proxy-Authorization": f"Basic {basic}"})


def pool(context: SSLContext, proxy: str | None, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """One pool. It opens nothing before its first call, which must be on the loop that it is then used on."""

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry, ssl=context
        )
        # No cookies: they would go from one tenant's answer into another's call.
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return _Carrier(verify=context, proxy=_proxy(proxy) if proxy else None, client=session)
