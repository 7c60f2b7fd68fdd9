"""httpx, as the senders use it: requests built, failures told apart, pools made.

Rules of this file: the only one that imports httpx, and itself imported when something is first carried.

httpx's *transports* are used, without the ``Client`` around them. The client adds what must not happen here – it follows
the environment's proxies, keeps cookies across tenants, and writes every address at INFO into a log, a customer's media
id and signed media addresses among them – and costs more time than the transport.
"""

from collections.abc import Sequence
from functools import cache
from ssl import SSLContext
from typing import Final

import httpx

from wa_connector.errors import UsageError
from wa_connector_cloud_api._courier import Download, Lost, NotSent
from wa_connector_cloud_api._intake import Spoilt
from wa_connector_cloud_api._json import encode
from wa_connector_cloud_api.options import Options, Target, may_fetch
from wa_connector_cloud_api.requests import Call
from wa_connector_cloud_api.responses import Answer

_USER_AGENT: Final = "wa_connector_cloud_api"
MAX_ANSWER: Final = 16 * 1024 * 1024
"""An answer is read into memory; the largest there is are pages of templates."""


@cache
def _shared_context() -> SSLContext:
    # Reading the bundle takes some 30 ms. A context holds no connection, so one serves every
    # transport of the process, and a child after a fork.
    return httpx.create_ssl_context(trust_env=False)


def ssl_context(options: Options) -> SSLContext:
    return options.ssl_context or _shared_context()


def plain_pool(options: Options) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(
        verify=ssl_context(options),
        trust_env=False,
        proxy=options.proxy,
        limits=_limits(options.connections),
    )


def async_pools(options: Options, lanes: int, size: int) -> Sequence[httpx.AsyncBaseTransport]:
    """``lanes`` pools of ``size`` connections, or one of as many. Raises ``UsageError`` where the extra is missing."""
    if not options.aiohttp:
        return [_async_pool(options, size) for _ in range(lanes)]
    try:
        from wa_connector_cloud_api import _aiohttp
    except ImportError as error:
        raise UsageError("Options.aiohttp needs the extra: pip install wa-connector-cloud-api[aiohttp]") from error
    return [_aiohttp.pool(ssl_context(options), options.proxy, _limits(lanes * size))]


def _async_pool(options: Options, connections: int) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(
        verify=ssl_context(options),
        trust_env=False,
        proxy=options.proxy,
        limits=_limits(connections),
    )


def _limits(connections: int) -> httpx.Limits:
    # An idle connection is let go after 5 s (httpx's default). Longer would spare handshakes, and
    # risk writing into one that the server is closing: a message of unknown fate.
    return httpx.Limits(max_connections=connections, max_keepalive_connections=connections)


# -------------------------------------------------------------------------------------- requests


def request(to: Target, call: Call, options: Options) -> httpx.Request:
    """A call as an httpx request. Its address is the account's base and a quoted path, whatever the call holds."""
    headers = _headers(to) | {"accept": "application/json", "accept-encoding": "gzip"}
    url, query = to.base_url + call.path, call.query or None
    if call.file is not None:
        file = (call.file.name, call.file.content, call.file.mime_type)
        return httpx.Request(
            call.method,
            url,
            params=query,
            headers=headers,
            data=call.form,
            files={"file": file},
            extensions=_extensions(options),
        )
    content = call.raw
    if call.raw is not None:
        headers |= {"authorization": f"OAuth {to.token.reveal()}", "file_offset": "0"}
    elif call.json is not None:
        content = encode(call.json)
        headers["content-type"] = "application/json"
    return httpx.Request(
        call.method, url, params=query, headers=headers, content=content, extensions=_extensions(options)
    )


def download(to: Target, wanted: Download, options: Options) -> httpx.Request:
    """The request for a file. Raises ``Spoilt`` when its address is no place for the token.

    The address is judged as httpx reads it, and the same object is then asked for: two parsers that differ over one
    text are how a check is passed by another host than is called.
    """
    try:
        url = httpx.URL(wanted.url)
    except httpx.InvalidURL:
        raise Spoilt("the file's address cannot be read", is_final=False) from None
    if url.userinfo or not may_fetch(url.scheme, url.host, url.port, to, options):
        raise Spoilt(
            "the file lies on a host that is not the provider's; if it is, add it to Options.media_hosts",
            is_final=False,
        )
    # Uncompressed, so that the announced size and hash are of what comes.
    headers = _headers(to) | {"accept": "*/*", "accept-encoding": "identity"}
    return httpx.Request("GET", url, headers=headers, extensions=_extensions(options))


def _headers(to: Target) -> dict[str, str]:
    return {"authorization": f"Bearer {to.token.reveal()}", "user-agent": _USER_AGENT}


def _extensions(options: Options) -> dict[str, object]:
    limits = options.timeouts
    return {
        "timeout": {
            "connect": limits.connect,
            "write": limits.write,
            "read": limits.answer,
            "pool": limits.pool,
        }
    }


# --------------------------------------------------------------------------------------- answers


def answer(response: httpx.Response, body: bytes, to: Target) -> Answer:
    """A response as data. The provider quotes a malformed token in its errors; here is where it is taken out."""
    return Answer(
        response.status_code,
        {name.lower(): value for name, value in response.headers.items()},
        body.replace(to.token.reveal().encode(), b"***"),
    )


# Before a connection stands, and before one is free, nothing was sent. Everything else may have
# been: a write that breaks off can have delivered its last byte, and a server that hangs up can have
# done so after the work.
_BEFORE: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


# What reading a body breaks with. A media store's own errors pass by it.
Broken: Final = (httpx.HTTPError, httpx.StreamError)


def failure(error: Exception) -> NotSent | Lost:
    """What an exception means for the call. Named by its type only: its text quotes addresses."""
    if isinstance(error, _BEFORE):
        return NotSent(f"no connection to the provider ({type(error).__name__})")
    return Lost(f"the connection failed before the answer was there ({type(error).__name__})")
