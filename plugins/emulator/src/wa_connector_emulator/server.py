"""Serving an emulator on loopback, for tests and demos.

Rules of this file: the life of a uvicorn server, and nothing about WhatsApp.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import attrs
import uvicorn

from .emulator import Emulator

_START_WITHIN_SECONDS = 10.0
_STOP_WITHIN_SECONDS = 5.0


@attrs.frozen
class Served:
    """A running emulator: where it listens, and the object itself."""

    base_url: str
    emulator: Emulator

    @property
    def graph_url(self) -> str:
        """The versioned base of Graph calls."""
        return f"{self.base_url}/v26.0"

    @property
    def control_url(self) -> str:
        """The base of the control API."""
        return f"{self.base_url}/_emulator"


@contextmanager
def serve(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[Served]:
    """Serve `emulator` from a daemon thread; port 0 takes a free one.

    Raises `OSError` when the address cannot be bound and `RuntimeError` when the server does not
    start within ten seconds. Leaving stops it within five, answering or not. The emulator is not
    closed, so that its log can still be read; it may be served again.
    """
    with _bound(host, port) as listener:
        server = _server(emulator)
        base_url = _address(host, listener)
        emulator.public_url = base_url
        thread = Thread(target=server.run, args=([listener],), name="wa-emulator-server", daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield Served(base_url, emulator)
        finally:
            _stop(server, thread)


def run(emulator: Emulator, listener: socket.socket) -> None:
    """Serve in this thread until interrupted, on a socket from `listen`."""
    _server(emulator).run([listener])


@contextmanager
def listen(emulator: Emulator, host: str, port: int) -> Iterator[tuple[str, socket.socket]]:
    """Bind an address for `run`, and tell it: a port of 0 is known only afterwards."""
    with _bound(host, port) as listener:
        base_url = _address(host, listener)
        emulator.public_url = base_url
        yield base_url, listener


def _bound(host: str, port: int) -> socket.socket:
    # Bound here and not by uvicorn, so that the port is known before the thread runs and a taken one
    # is an exception of the caller's. The protocol is named since asyncio switches Nagle's algorithm
    # off only on sockets that say they are TCP: without it each answer takes 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _address(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _server(emulator: Emulator) -> uvicorn.Server:
    config = uvicorn.Config(
        emulator.app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _await_start(server: uvicorn.Server, thread: Thread) -> None:
    deadline = time.monotonic() + _START_WITHIN_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the emulator's server did not start; its log says why")
        time.sleep(0.005)


def _stop(server: uvicorn.Server, thread: Thread) -> None:
    server.should_exit = True
    thread.join(_STOP_WITHIN_SECONDS / 2)
    if thread.is_alive():
        server.force_exit = True
        thread.join(_STOP_WITHIN_SECONDS / 2)
