"""httpx, as the carriers use it: requests built, failures told apart, pools made.

Rules of this file: the only one that imports httpx, and itself imported when something is first carried. httpx's
*transports* are used, without the ``Client`` around them: it follows the environment's proxies, keeps cookies across
tenants, and logs addresses, customers' numbers among them.
"""

import json
import time
from functools import cache
from ssl import SSLContext
from typing import Final
from urllib.parse import urlencode

import httpx

from wa_connector_sms.calls import Call
from wa_connector_sms.carrying import MAX_FILE, Lost, NotSent, Spoilt
from wa_connector_sms.outcomes import Answer

_LIMITS: Final = httpx.Limits(max_connections=16, max_keepalive_connections=16)
"""Providers take a few messages a second from an account; more connections would wait for them."""
_TIMEOUTS: Final = {"connect": 5.0, "write": 15.0, "read": 30.0, "pool": 10.0}
"""Seconds; ``read`` bounds one wait for bytes."""
WHOLE: Final = 60.0
"""Seconds that a body may take: a peer that sends a byte now and then would else never end."""
_MAX_ANSWER: Final = 1024 * 1024
_KEPT: Final = frozenset({"location", "retry-after", "content-type"})


@cache
def _context() -> SSLContext:
    # Reading the bundle takes some 30 ms. A context holds no connection, so one serves every carrier of the process.
    return httpx.create_ssl_context(trust_env=False)


def plain_pool() -> httpx.HTTPTransport:
    return httpx.HTTPTransport(verify=_context(), trust_env=False, limits=_LIMITS)


def async_pool() -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(verify=_context(), trust_env=False, limits=_LIMITS)


def request(call: Call) -> httpx.Request:
    """A call as an httpx request. Its address is the checked base and a quoted path, whatever the call holds."""
    headers = {"user-agent": "wa_connector_sms", "accept-encoding": "identity", **call.headers}
    content = call.content
    if call.form is not None:
        content = urlencode(call.form).encode("ascii")
        headers["content-type"] = "application/x-www-form-urlencoded"
    elif call.json is not None:
        content = json.dumps(call.json, ensure_ascii=False).encode()
        headers["content-type"] = "application/json; charset=utf-8"
    query = f"?{urlencode(call.query)}" if call.query else ""
    url = call.base_url + call.path + query
    return httpx.Request(call.method, url, headers=headers, content=content, extensions={"timeout": _TIMEOUTS})


def redirected(response: httpx.Response, base_url: str, hosts: tuple[str, ...]) -> httpx.Request | None:
    """The request for where a file really lies, without credentials; None where the answer leads nowhere.

    Raises ``Spoilt`` for a place that is not the provider's.
    """
    if not 300 <= response.status_code < 400 or not response.headers.get("location"):
        return None
    try:
        url = httpx.URL(base_url).join(response.headers["location"])
    except httpx.InvalidURL:
        raise Spoilt("the file's address cannot be read", is_final=False) from None
    is_same = (url.scheme, url.host, url.port) == _origin(httpx.URL(base_url))
    is_theirs = url.scheme == "https" and any(url.host == host or url.host.endswith(f".{host}") for host in hosts)
    if url.userinfo or not (is_same or is_theirs):
        raise Spoilt("the file lies on a host that is not the provider's", is_final=False)
    headers = {"user-agent": "wa_connector_sms", "accept-encoding": "identity"}
    return httpx.Request("GET", url, headers=headers, extensions={"timeout": _TIMEOUTS})


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return (url.scheme, url.host, url.port)


def answer(response: httpx.Response, body: bytes) -> Answer:
    """A response as data."""
    headers = {name.lower(): value for name, value in response.headers.items() if name.lower() in _KEPT}
    return Answer(response.status_code, headers, body)


class Intake:
    """Watches one body: how many bytes, and for how long."""

    def __init__(self, max_bytes: int = _MAX_ANSWER) -> None:
        self._left = max_bytes
        self._deadline: Final = time.monotonic() + WHOLE

    def take(self, chunk: bytes) -> bytes:
        """Raises ``Spoilt`` when the body is too long, or takes too long."""
        self._left -= len(chunk)
        if self._left < 0:
            raise Spoilt("the body is larger than allowed", is_final=True)
        if time.monotonic() > self._deadline:
            raise Spoilt("the body did not come to its end in time", is_final=False)
        return chunk


def file_intake() -> Intake:
    """For a file."""
    return Intake(MAX_FILE)


# Before a connection stands, and before one is free, nothing was sent. Everything else may have been.
_BEFORE: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
BROKEN: Final = (httpx.HTTPError, httpx.StreamError)


def failure(error: Exception) -> NotSent | Lost:
    """What an exception means for the call. Named by its type only: its text quotes addresses."""
    if isinstance(error, _BEFORE):
        return NotSent(f"no connection to the provider ({type(error).__name__})")
    return Lost(f"the connection failed before the answer was there ({type(error).__name__})")
