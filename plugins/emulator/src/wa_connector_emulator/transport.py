"""The one place from which the emulator calls out.

Rules of this file: a `Sender` is a callable from `HttpCall` to `HttpReply`, and the package knows
no other way of reaching a receiver. The default one speaks HTTP; a test may give its own.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import final

import attrs
import httpx

from .values import Callback


@attrs.frozen
class HttpCall:
    """A request to a webhook receiver: a POST of a body, or the GET of a handshake."""

    method: str
    url: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen
class HttpReply:
    """What the receiver answered."""

    status: int
    body: bytes = b""


Sender = Callable[[HttpCall], HttpReply]
"""Raises whatever it likes when no answer came; the courier records it as an unanswered attempt."""


def handshake_complaint(sender: Sender, callback: Callback, challenge: str) -> str | None:
    """Why the receiver has not proved itself, or None when it has echoed the challenge.

    Source: developers.facebook.com, create a webhook endpoint (read 2026-09-11).
    """
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": challenge,
        "hub.verify_token": callback.verify_token,
    }
    try:
        reply = sender(HttpCall("GET", str(httpx.URL(callback.url).copy_merge_params(query))))
    except Exception as failure:  # noqa: BLE001 - as with deliveries: whatever a sender raises, it is no answer
        return f"no answer ({type(failure).__name__}: {failure})"
    if reply.status != 200:
        return f"HTTP Status Code = {reply.status}; a receiver answers 403 to a wrong verify token"
    return None if reply.body.decode(errors="replace") == challenge else "the challenge is not echoed"


@final
class HttpSender:
    """Sends over HTTP; any thread may call it.

    The client is made at the first call, since many an emulator never sends, and again after
    `close`. Redirects are not followed: a redirect is not the 200 that Meta asks for. Proxies of
    the environment are not used: receivers are local.
    """

    def __init__(self, *, timeout_seconds: float = 10.0) -> None:
        self._timeout = httpx.Timeout(timeout_seconds, connect=2.0)
        self._lock = Lock()
        self._client: httpx.Client | None = None

    def __call__(self, call: HttpCall) -> HttpReply:
        """Perform the call; raises `httpx.HTTPError` when no answer came."""
        response = self._open().request(call.method, call.url, headers=dict(call.headers), content=call.body)
        return HttpReply(response.status_code, response.content)

    def close(self) -> None:
        """Close the connections. A second call does nothing; a later call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _open(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(timeout=self._timeout, trust_env=False)
            return self._client
