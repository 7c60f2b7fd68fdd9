"""One connection to a gateway, bound: whoever waits for something reads for everybody.

Theory: there is no thread here. Of those who wait (senders for their answers, a receiver for what comes in) one reads the
socket and sorts what it finds; when it has its own, it hands the reading on. Nobody reads while nobody waits, so an idle
connection is looked at before it is used: what was closed meanwhile is opened anew before anything is handed over, and does
not leave a message in doubt.

Rules of this file: a unit is written whole or the connection is given up; nothing waits without an end; what is known of a
message's fate is told apart from what is not (``Unsent`` before its first octet left, ``Lost`` after).
"""

import contextlib
import secrets
import selectors
import socket
import ssl
from collections import deque
from collections.abc import Callable
from threading import Event, Lock
from time import monotonic
from typing import Final, final

from attrs import define, frozen

from wa_connector_sms.smpp import pdus
from wa_connector_sms.smpp.options import Options
from wa_connector_sms.smpp.pdus import Garbled, Unit

_Selector: Final[type[selectors.BaseSelector]] = getattr(selectors, "PollSelector", selectors.SelectSelector)
_MOST_HEARD: Final = 500
"""How many messages may wait here for the receiver; further ones are sent back to the gateway's queue."""
_AT_ONCE: Final = 65536
_FAREWELL: Final = 2.0
"""Seconds for the answer to an unbind."""
_LAST_SEQUENCE: Final = 0x7FFFFFFF


class Unsent(Exception):
    """Nothing of it was handed over."""


class Lost(Exception):
    """It was handed over, and no answer will come. The text says why."""


class BindRefused(Exception):
    """The gateway does not let the account in."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@define(eq=False)
class Slot:
    """A request that waits for its answer."""

    sequence: int
    is_counted: bool
    """Whether it takes a place in the window."""
    answer: Unit | None = None


@frozen(eq=False)
class _Waiter:
    is_done: Callable[[], bool]
    woken: Event


@final
class Link:
    """One bound connection. May be used from several threads, in the process that opened it."""

    def __init__(self, options: Options, command: str) -> None:
        """Connect and bind. Raises ``BindRefused``, ``OSError`` or ``Garbled``; nothing is open then."""
        self.options: Final = options
        self.command: Final = command
        self.broken: str | None = None
        """Why it is of no use any more."""
        self._lock: Final = Lock()
        self._io: Final = Lock()
        self._writing: Final = Lock()
        self._stream: Final = bytearray()
        self._slots: Final[dict[int, Slot]] = {}
        self._waiters: Final[list[_Waiter]] = []
        self._heard: Final[deque[Unit]] = deque()
        self._is_reading = False
        self._in_window = 0
        self._sequence = 0
        self._reference = secrets.randbelow(1 << 16)
        self._enquiry: Slot | None = None
        self._enquired_at = self._heard_at = monotonic()
        self._next_at = self._heard_at
        self._socket: Final = _connected(options)
        try:
            self._bind()
        except BaseException:
            self._break("the bind failed")
            raise

    def _bind(self) -> None:
        options = self.options
        password = options.password.reveal()
        until = monotonic() + options.response_within
        slot = self._slot(is_counted=False)
        self._write(pdus.bind(self.command, slot.sequence, options.system_id, password, options.system_type))
        self._until(lambda: slot.answer is not None, until)
        if slot.answer is None:
            raise OSError(self.broken or "no answer to the bind in time")
        if slot.answer.status or not slot.answer.is_response:
            raise BindRefused(slot.answer.status)

    # --- handing over -----------------------------------------------------------------------------------------------

    def begin(self, make: Callable[[int], bytes], until: float) -> Slot:
        """Hand a unit over as soon as the window and the pace let it. Raises ``Unsent`` where they do not before ``until``
        (of the monotonic clock), or where the connection broke before, and ``Lost`` where it broke over it."""
        self._keep_pace(until)
        self._until(self._has_room, until)
        with self._lock:
            if self.broken is not None:
                raise Unsent(self.broken)
            if not self._has_room():
                raise Unsent("the window is full of messages without an answer")
            slot = self._slot(is_counted=True)
        try:
            octets = make(slot.sequence)
        except Garbled as error:
            self._let_go(slot)
            raise Unsent(str(error)) from None
        try:
            self._write(octets)
        except OSError as error:
            self._break(f"writing failed ({type(error).__name__})")
            raise Lost("the connection broke while it was handed over") from None
        return slot

    def finish(self, slot: Slot, until: float) -> Unit:
        """The answer. Raises ``Lost`` when none came before ``until``."""
        self._until(lambda: slot.answer is not None, until)
        self._let_go(slot)
        if slot.answer is None:
            raise Lost(self.broken or "no answer in time")
        return slot.answer

    def next_reference(self) -> int:
        """A reference for the parts of one message: not that of the messages before it."""
        with self._lock:
            self._reference = (self._reference + 1) & 0xFFFF
            return self._reference

    def is_alive(self, until: float) -> bool:
        """Whether it can be used: what came meanwhile is read, and a line that was still for long is asked."""
        if not self._is_reading:
            self._until(_never, monotonic())
        if self.broken is None and monotonic() - self._heard_at > self.options.enquire_every:
            asked_at = monotonic()
            self._until(lambda: self._heard_at >= asked_at, min(until, asked_at + self.options.response_within))
            if self._heard_at < asked_at:
                self._break("no answer to an enquire_link")
        return self.broken is None

    def rest(self, seconds: float) -> None:
        """Let so many seconds pass, reading what comes."""
        self._until(_never, monotonic() + seconds)

    def _has_room(self) -> bool:
        return self._in_window < self.options.window

    def _keep_pace(self, until: float) -> None:
        if not self.options.per_second:
            return
        with self._lock:
            at = max(self._next_at, monotonic())
            if at > until:
                raise Unsent("more is sent than the account's pace lets pass")
            self._next_at = at + 1 / self.options.per_second
        self._until(_never, at)

    def _slot(self, *, is_counted: bool) -> Slot:
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        slot = Slot(self._sequence, is_counted)
        self._slots[slot.sequence] = slot
        self._in_window += is_counted
        return slot

    def _let_go(self, slot: Slot) -> None:
        with self._lock:
            if self._slots.pop(slot.sequence, None) is not None:
                self._in_window -= slot.is_counted
            self._wake()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def deliveries(self, until: float, limit: int) -> list[Unit]:
        """What came in and was not taken yet: up to ``limit`` deliver_sm, as soon as there is one; none at ``until``, or
        when the connection broke."""
        self._until(lambda: bool(self._heard), until)
        with self._lock:
            if self.broken is not None:
                # Nobody can be told any more that they were taken: the gateway brings them again.
                self._heard.clear()
            return [self._heard.popleft() for _ in range(min(limit, len(self._heard)))]

    def acknowledge(self, unit: Unit, status: int = pdus.OK) -> bool:
        """Answer a deliver_sm; whether the answer went."""
        try:
            self._write(pdus.answer(unit, status))
        except OSError as error:
            self._break(f"writing failed ({type(error).__name__})")
            return False
        return True

    # --- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Take leave politely, and close. Bounded; may be called twice."""
        if self.broken is None:
            try:
                with self._lock:
                    slot = self._slot(is_counted=False)
                self._write(pdus.unbind(slot.sequence))
                self._until(lambda: slot.answer is not None, monotonic() + _FAREWELL)
            except OSError:
                pass
        self._break("it was closed")

    def abandon(self) -> None:
        """Close this process's copy of a connection that another process opened, without a word to the gateway."""
        self.broken = "it belongs to another process"
        self._socket.close()

    def _break(self, why: str) -> None:
        with self._lock:
            if self.broken is None:
                self.broken = why
            for waiter in self._waiters:
                waiter.woken.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with self._io:
            self._socket.close()

    # --- who reads ----------------------------------------------------------------------------------------------------

    def _until(self, is_done: Callable[[], bool], until: float) -> None:
        """Wait until something is so, the connection is broken, or it is late; and read meanwhile, if nobody does."""
        while True:
            waiter: _Waiter | None = None
            with self._lock:
                if is_done() or self.broken is not None:
                    return
                if self._is_reading:
                    waiter = _Waiter(is_done, Event())
                    self._waiters.append(waiter)
                else:
                    self._is_reading = True
            if waiter is None:
                self._read_for_all(is_done, until)
                return
            left = until - monotonic()
            waiter.woken.wait(max(left, 0))
            with self._lock:
                self._waiters.remove(waiter)
            if left <= 0:
                return

    def _read_for_all(self, is_done: Callable[[], bool], until: float) -> None:
        try:
            while True:
                left = until - monotonic()
                self._read(max(left, 0))
                with self._lock:
                    if is_done() or self.broken is not None or left <= 0:
                        return
                    self._wake()
        except (OSError, Garbled) as error:
            why = (
                "the gateway sent what is no SMPP" if isinstance(error, Garbled) else str(error) or type(error).__name__
            )
            self._break(why)
        finally:
            with self._lock:
                self._is_reading = False
                self._wake()
                # Whoever is not done yet reads on; one is enough.
                for waiter in self._waiters:
                    if not waiter.woken.is_set():
                        waiter.woken.set()
                        break

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.woken.is_set() and (self.broken is not None or waiter.is_done()):
                waiter.woken.set()

    def _read(self, within: float) -> None:
        """Read what there is, or comes within so many seconds, and sort it; see to it that the line is alive."""
        within = min(within, self._look_after_line())
        octets = self._receive(within)
        if octets is None:
            return
        if not octets:
            raise OSError("the gateway closed the connection")
        self._heard_at = monotonic()
        self._stream.extend(octets)
        for unit in pdus.cut(self._stream):
            self._sort(unit)

    def _receive(self, within: float) -> bytes | None:
        """None where nothing came; b"" at the end of the stream."""
        pending = getattr(self._socket, "pending", None)
        if (pending is None or not pending()) and not self._is_ready(selectors.EVENT_READ, within):
            return None
        with self._io:
            try:
                return self._socket.recv(_AT_ONCE)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None

    def _look_after_line(self) -> float:
        """Ask whether the other side is there, when it was still for long; in how many seconds to look again. Raises
        ``OSError`` when it did not answer."""
        now, options = monotonic(), self.options
        if self._enquiry is not None:
            if self._heard_at >= self._enquired_at:
                self._slots.pop(self._enquiry.sequence, None)
                self._enquiry = None
            elif now - self._enquired_at >= options.response_within:
                raise OSError("no answer to an enquire_link")
            else:
                return self._enquired_at + options.response_within - now
        still = now - self._heard_at
        if still < options.enquire_every:
            return options.enquire_every - still
        with self._lock:
            self._enquiry = self._slot(is_counted=False)
        self._enquired_at = now
        self._write(pdus.enquire_link(self._enquiry.sequence))
        return options.response_within

    def _sort(self, unit: Unit) -> None:
        if unit.is_response:
            slot = self._slots.get(unit.sequence)
            if slot is not None:
                slot.answer = unit
        elif unit.command == pdus.DELIVER_SM:
            if len(self._heard) < _MOST_HEARD:
                self._heard.append(unit)
            else:
                self._write(pdus.answer(unit, pdus.QUEUE_FULL))
        elif unit.command == pdus.ENQUIRE_LINK:
            self._write(pdus.answer(unit))
        elif unit.command == pdus.UNBIND:
            self._write(pdus.answer(unit))
            raise OSError("the gateway took its leave")
        elif unit.command not in (pdus.ALERT_NOTIFICATION, pdus.OUTBIND):
            self._write(pdus.answer(unit, pdus.INVALID_COMMAND))

    # --- writing ------------------------------------------------------------------------------------------------------

    def _write(self, octets: bytes) -> None:
        """One unit, whole. Raises ``OSError``, after which the stream is of no use."""
        until = monotonic() + self.options.response_within
        with self._writing:
            rest = memoryview(octets)
            while rest:
                with self._io:
                    try:
                        rest = rest[self._socket.send(rest) :]
                        continue
                    except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        pass
                if monotonic() >= until:
                    raise OSError("the gateway takes nothing any more")
                self._is_ready(selectors.EVENT_WRITE, until - monotonic())

    def _is_ready(self, event: int, within: float) -> bool:
        try:
            with _Selector() as selector:
                selector.register(self._socket, event)
                return bool(selector.select(within))
        except ValueError:
            raise OSError("it was closed") from None


def _connected(options: Options) -> socket.socket:
    opened = socket.create_connection((options.host, options.port), timeout=options.response_within)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if options.is_tls:
            opened = ssl.create_default_context().wrap_socket(opened, server_hostname=options.host)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def _never() -> bool:
    return False
