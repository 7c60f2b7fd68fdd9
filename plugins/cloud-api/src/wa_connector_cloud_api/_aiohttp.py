"""aiohttp under httpx: a carrier for many calls at once.

Rules of this file: the only one that imports aiohttp, and itself imported when it is first asked for. What is called
and what an answer means is the same as with httpx's own carrier.
"""

from ssl import SSLContext
from typing import final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport


@final
class _Carrier(AiohttpTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except httpx.TransportError as error:
            cause = error.__cause__
            if isinstance(cause, aiohttp.ClientConnectorError):
                raise httpx.ConnectError(str(error)) from cause
            # aiohttp has one class for a connection that could not be made and for one that broke, and the adapter takes
            # all of it for the former: a message that may have been sent would pass for one that was not.
            if isinstance(error, httpx.ConnectTimeout) and not isinstance(cause, aiohttp.ConnectionTimeoutError):
                raise httpx.ReadError(str(error)) from cause
            raise


def pool(context: SSLContext, proxy: str | None, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """One pool. It opens nothing before its first call, which must be on the loop that it is then used on."""

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry, ssl=context
        )
        # No cookies: they would go from one tenant's answer into another's call.
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return _Carrier(verify=context, proxy=httpx.Proxy(proxy) if proxy else None, client=session)
