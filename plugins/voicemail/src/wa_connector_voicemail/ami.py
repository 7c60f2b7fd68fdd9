"""A small client of Asterisk's manager interface (AMI): actions, their answers and the events that follow, over a socket.

Theory: an action is asked on a connection of its own, which is gone when the answer is there. That costs a millisecond, and
nothing is open that a fork, a thread or a restart of Asterisk could spoil. Only whoever waits for events keeps a connection.
The secret never crosses the wire: the login answers a challenge with a digest.

Rules of this file: every read and write has a time-out; what the other side may make us hold is bounded; a value with a line
break in it is refused before it could become another action.

Source: Asterisk 22, manager interface; ``Challenge`` and ``Login``.
"""

import contextlib
import hashlib
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Self, final

from attrs import field, frozen

from wa_connector.errors import ConfigError, Unavailable, UsageError
from wa_connector.model.secret import Secret

Packet = Mapping[str, str]
"""One answer or event: its fields by name, in lower case; of a field that comes twice the last one."""
MAX_PACKET: Final = 256 * 1024
_LINE_BREAKS: Final = frozenset("\r\n\0")


@frozen
class Manager:
    """Where the manager interface answers, and who asks. ``seconds`` is how long one answer may take; ``tls`` wraps the
    connection, and checks the certificate as the context says."""

    user: str
    secret: Secret
    host: str = "127.0.0.1"
    port: int = 5038
    seconds: float = 5.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)


class AmiRefused(Exception):
    """Asterisk said no to an action; its own words are the text."""


@final
class Ami:
    """One connection that is logged in. Not for several threads at once; close it, or use it in a ``with``."""

    def __init__(self, manager: Manager, *, wants_events: bool = False) -> None:
        """Connect and log in. Raises ``Unavailable`` when nobody answers in time, ``ConfigError`` for a login that is not
        taken."""
        self._manager: Final = manager
        self._buffer = b""
        self._actions = 0
        try:
            self._socket: Final = self._connected()
        except OSError as error:
            raise _unavailable(error) from None
        try:
            self._log_in(wants_events=wants_events)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def ask(self, action: str, **fields: str) -> Packet:
        """Make an action; its answer. Raises ``AmiRefused``, and ``Unavailable`` when none comes in time."""
        answer = self._answer_to(self._send(action, fields))
        if answer.get("response", "").lower() not in ("success", "goodbye", "follows"):
            raise AmiRefused(answer.get("message", "no reason was given"))
        return answer

    def events(self, seconds: float) -> Iterator[Packet]:
        """The events that come within so many seconds, each when it comes."""
        until = time.monotonic() + seconds
        while (packet := self._packet(until, is_needed=False)) is not None:
            if "event" in packet:
                yield packet

    # --- the wire -----------------------------------------------------------------------------------------------------

    def _connected(self) -> socket.socket:
        manager = self._manager
        plain = socket.create_connection((manager.host, manager.port), timeout=manager.seconds)
        try:
            wrapped = manager.tls.wrap_socket(plain, server_hostname=manager.host) if manager.tls else plain
        except BaseException:
            plain.close()
            raise
        wrapped.settimeout(manager.seconds)
        return wrapped

    def _log_in(self, *, wants_events: bool) -> None:
        until = time.monotonic() + self._manager.seconds
        while b"\n" not in self._buffer:
            self._more(until)
        banner, _, self._buffer = self._buffer.partition(b"\n")
        if not banner.startswith(b"Asterisk Call Manager"):
            raise Unavailable("what answers is no manager interface of an Asterisk; check host and port")
        try:
            challenge = self.ask("Challenge", AuthType="MD5").get("challenge", "")
            digest = hashlib.md5(
                (challenge + self._manager.secret.reveal()).encode(), usedforsecurity=False
            ).hexdigest()
            events = "on" if wants_events else "off"
            self.ask("Login", AuthType="MD5", Username=self._manager.user, Key=digest, Events=events)
        except AmiRefused as refused:
            problem = f"the manager interface takes no login of {self._manager.user!r}: {refused}"
            raise ConfigError("manager", [f"{problem}; compare user and secret with manager.conf"]) from None

    def _send(self, action: str, fields: Mapping[str, str]) -> str:
        self._actions += 1
        name = str(self._actions)
        lines = [("Action", action), ("ActionID", name), *fields.items()]
        if any(set(value) & _LINE_BREAKS for _, value in lines):
            raise UsageError("a value of an action has a line break in it")
        try:
            self._socket.sendall("".join(f"{key}: {value}\r\n" for key, value in lines).encode() + b"\r\n")
        except OSError as error:
            raise _unavailable(error) from None
        return name

    def _answer_to(self, name: str) -> Packet:
        until = time.monotonic() + self._manager.seconds
        while True:
            packet = self._packet(until, is_needed=True)
            if packet is not None and "response" in packet and packet.get("actionid") == name:
                return packet

    def _packet(self, until: float, *, is_needed: bool) -> Packet | None:
        """The next packet; None when time is up and none is needed."""
        while b"\r\n\r\n" not in self._buffer:
            if not is_needed and not self._is_readable(until):
                return None
            self._more(until)
        octets, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        pairs = (line.partition(":") for line in octets.decode("utf-8", "replace").split("\r\n"))
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _is_readable(self, until: float) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(select.select([self._socket], [], [], max(0.0, until - time.monotonic()))[0])

    def _more(self, until: float) -> None:
        try:
            self._socket.settimeout(max(0.001, until - time.monotonic()))
            octets = self._socket.recv(65536)
        except OSError as error:
            raise _unavailable(error) from None
        if not octets:
            raise Unavailable("the manager interface closed the connection; try again")
        self._buffer += octets
        if len(self._buffer) > MAX_PACKET and b"\r\n\r\n" not in self._buffer:
            raise Unavailable(f"the manager interface sent a packet of more than {MAX_PACKET} bytes")


def _unavailable(error: OSError) -> Unavailable:
    why = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
    return Unavailable(f"the manager interface of Asterisk does not answer ({why}); check that it runs and listens")


# --- waiting ----------------------------------------------------------------------------------------------------------


@final
class MailboxEvents:
    """Waits for ``MessageWaiting``, by which Asterisk tells that a box has changed. A connection that breaks is made again,
    with growing pauses; meanwhile waiting is all that is done."""

    FIRST_PAUSE: Final = 1.0
    LONGEST_PAUSE: Final = 60.0

    def __init__(self, manager: Manager, clock: Callable[[], float] = time.monotonic) -> None:
        self._manager: Final = manager
        self._clock: Final = clock
        self._ami: Ami | None = None
        self._pause = self.FIRST_PAUSE
        self._not_before = 0.0

    def is_told(self, seconds: float) -> bool:
        """Whether Asterisk told within so many seconds that some box changed. Also True when the connection was made anew:
        nobody knows what was missed. Never raises for what the network does."""
        try:
            if self._ami is None:
                return self._connect(seconds)
            return any(event["event"].lower() == "messagewaiting" for event in self._until_told(self._ami, seconds))
        except (Unavailable, ConfigError):
            self.close()
            self._not_before = self._clock() + self._pause
            self._pause = min(self._pause * 2, self.LONGEST_PAUSE)
            return False

    def _connect(self, seconds: float) -> bool:
        wait = self._not_before - self._clock()
        if wait > 0:
            time.sleep(min(wait, seconds))
            return False
        self._ami = Ami(self._manager, wants_events=True)
        self._pause = self.FIRST_PAUSE
        return True

    @staticmethod
    def _until_told(ami: Ami, seconds: float) -> Iterator[Packet]:
        for event in ami.events(seconds):
            yield event
            if event["event"].lower() == "messagewaiting":
                return

    def close(self) -> None:
        if self._ami is not None:
            self._ami.close()
            self._ami = None
