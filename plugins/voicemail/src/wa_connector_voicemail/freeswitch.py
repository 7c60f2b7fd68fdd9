"""A FreeSWITCH with mod_voicemail: asked by its event socket, with the calls that answer in JSON (``vm_fsdb_*``).

Theory: its database is the truth, and a row of it the message: a file is written in place and says nothing. A message is known
by its UUID. What changed is told by ``vm::maintenance`` with the action ``mwi-update``, after the row is there;
``leave-message`` comes before it and is passed over. Recordings are read from its storage folder, which must be readable
here; a path outside of it is refused.

Rules of this file: every read and write has a time-out; no part of an answer becomes part of a command before it was looked
at; the list of messages that is joined with colons is not used, because a caller's name may have one.

Source: FreeSWITCH, mod_voicemail and mod_event_socket, read 2026-11. Tested against the documented protocol, not against a
FreeSWITCH: none could be had.
"""

import contextlib
import json
import os
import re
import select
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, final
from urllib.parse import unquote

from attrs import frozen

from wa_connector.errors import ConfigError, Unavailable, UsageError
from wa_connector.model.secret import Secret
from wa_connector_voicemail.source import Done, Hints, Opened
from wa_connector_voicemail.spool import Broken, Contents, Found, Info, MessageGone, open_plain

MAX_HEAD: Final = 64 * 1024
MAX_PACKET: Final = 8 * 1024 * 1024
FILTERS: Final = ("new", "saved")
"""The lists that together hold what is in a box and was not deleted."""
_UUID: Final = re.compile(r"[0-9A-Za-z-]{8,64}")
_LISTED: Final = re.compile(r"VM-List-Message-[0-9]+-UUID")
_BOX: Final = re.compile(r"([A-Za-z0-9_.+-]{1,64})@([A-Za-z0-9_.-]{1,128})")
_TYPES: Final = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".gsm": "audio/gsm"}
_MAINTENANCE: Final = "vm::maintenance"


@frozen
class EventSocket:
    """Where mod_event_socket listens, and its password; ``seconds`` bounds one answer."""

    secret: Secret
    host: str = "127.0.0.1"
    port: int = 8021
    seconds: float = 5.0


@frozen
class Packet:
    """Headers (names in lower case) and body of what the event socket says."""

    headers: Mapping[str, str]
    body: str = ""


@final
class Esl:
    """One connection to the event socket, let in. Not for several threads at once; close it, or use it in a ``with``."""

    def __init__(self, to: EventSocket) -> None:
        """Raises ``Unavailable`` when nobody answers in time, ``ConfigError`` for a password that is not taken."""
        self._to: Final = to
        self._buffer = b""
        try:
            self._socket: Final = socket.create_connection((to.host, to.port), timeout=to.seconds)
        except OSError as error:
            raise _unavailable(error) from None
        try:
            self._let_in()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def api(self, command: str) -> str:
        """The answer of one call."""
        return self._asked(f"api {command}", "api/response").body

    def listen(self) -> None:
        """Have the events of voicemail sent from now on."""
        self._asked(f"event plain CUSTOM {_MAINTENANCE}", "command/reply")

    def event(self, seconds: float) -> Mapping[str, str] | None:
        """The next event that comes within so many seconds: its headers, names in lower case."""
        until = time.monotonic() + seconds
        while (packet := self._packet(until, is_needed=False)) is not None:
            if packet.headers.get("content-type") == "text/event-plain":
                return _headers(packet.body)
        return None

    def _let_in(self) -> None:
        until = time.monotonic() + self._to.seconds
        greeting = self._packet(until, is_needed=True)
        if greeting is None or greeting.headers.get("content-type") != "auth/request":
            raise Unavailable("what answers is no event socket of a FreeSWITCH; check host and port")
        answer = self._asked(f"auth {self._to.secret.reveal()}", "command/reply")
        if not answer.headers.get("reply-text", "").startswith("+OK"):
            problem = "the event socket does not take the password; compare it with event_socket.conf.xml"
            raise ConfigError("event socket", [problem])

    def _asked(self, command: str, kind: str) -> Packet:
        if "\n" in command or "\r" in command:
            raise UsageError("a command has a line break in it")
        until = time.monotonic() + self._to.seconds
        try:
            self._socket.sendall(f"{command}\n\n".encode())
        except OSError as error:
            raise _unavailable(error) from None
        while True:
            packet = self._packet(until, is_needed=True)
            if packet is not None and packet.headers.get("content-type") == kind:
                return packet

    def _packet(self, until: float, *, is_needed: bool) -> Packet | None:
        while b"\n\n" not in self._buffer:
            if len(self._buffer) > MAX_HEAD:
                raise Unavailable(f"the event socket sent a head of more than {MAX_HEAD} bytes")
            if not self._more(until, is_needed=is_needed):
                return None
        head, _, rest = self._buffer.partition(b"\n\n")
        headers = _headers(head.decode("utf-8", "replace"))
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and int(length) <= MAX_PACKET):
            raise Unavailable("the event socket announces a packet of no good length")
        while len(self._buffer) - len(head) - 2 < int(length):
            self._more(until, is_needed=True)
            rest = self._buffer[len(head) + 2 :]
        self._buffer = rest[int(length) :]
        return Packet(headers, rest[: int(length)].decode("utf-8", "replace"))

    def _more(self, until: float, *, is_needed: bool) -> bool:
        left = max(0.001, until - time.monotonic())
        if not is_needed and not select.select([self._socket], [], [], left)[0]:
            return False
        try:
            self._socket.settimeout(left)
            octets = self._socket.recv(65536)
        except OSError as error:
            raise _unavailable(error) from None
        if not octets:
            raise Unavailable("the event socket closed the connection; try again")
        self._buffer += octets
        return True


def _headers(text: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): unquote(value.strip(), errors="replace") for name, _, value in pairs}


def _unavailable(error: OSError) -> Unavailable:
    why = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
    return Unavailable(f"the event socket of FreeSWITCH does not answer ({why}); check that it runs and listens")


# --- answers ----------------------------------------------------------------------------------------------------------


def read_list(answer: str) -> tuple[str, ...] | None:
    """The UUIDs in an answer of ``vm_fsdb_msg_list json``; None for what is no such answer."""
    fields = _json(answer)
    if fields is None or "VM-List-Count" not in fields:
        return None
    # What is there counts, and not what is said to be.
    return tuple(value for name, value in fields.items() if _LISTED.fullmatch(name) and _UUID.fullmatch(value))


def read_message(answer: str) -> tuple[Info, str, str] | str:
    """A message in an answer of ``vm_fsdb_msg_get json``, with its folder and the path of its recording; or what is wrong
    with it. A message that was read is in ``Old``."""
    fields = _json(answer)
    if fields is None:
        return "the answer is none"
    name, received = fields.get("VM-Message-UUID", ""), fields.get("VM-Message-Received-Epoch", "")
    if not _UUID.fullmatch(name):
        return "it has no UUID"
    if not (received.isascii() and received.isdigit() and len(received) <= 10):
        return "it has no time"
    lasts = fields.get("VM-Message-Duration", "")
    info = Info(
        name,
        datetime.fromtimestamp(int(received), UTC),
        int(lasts) if lasts.isascii() and lasts.isdigit() and len(lasts) <= 9 else None,
        fields.get("VM-Message-Caller-Number", ""),
        fields.get("VM-Message-Caller-Name", ""),
        fields.get("VM-Message-Read-Flags", "") == "A_URGENT",
    )
    is_read = fields.get("VM-Message-Read-Epoch", "0") not in ("", "0")
    return info, "Old" if is_read else "INBOX", fields.get("VM-Message-File-Path", "")


def _json(answer: str) -> Mapping[str, str] | None:
    try:
        fields = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return {str(name): str(value) for name, value in fields.items()} if isinstance(fields, dict) else None


# --- the source -------------------------------------------------------------------------------------------------------


@final
class FreeSwitch:
    """Implements ``source.Source``. A box is ``user@domain``. ``storage`` is the folder of its recordings, as it is seen
    here; ``there`` is the same folder as FreeSWITCH calls it, where that is another name."""

    def __init__(
        self,
        account: str,
        event_socket: EventSocket,
        storage: str | os.PathLike[str],
        *,
        profile: str = "default",
        there: str = "",
    ) -> None:
        if not _UUID.fullmatch(profile) and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", profile):
            raise UsageError(f"{profile!r} is no profile")
        self.account: Final = account
        self._to: Final = event_socket
        self._storage: Final = Path(storage)
        self._there: Final = there or str(storage)
        self._profile: Final = profile

    def scan(self, box: str) -> Contents:
        """Everything in a box that was not deleted."""
        messages: dict[str, Found] = {}
        broken: list[Broken] = []
        with Esl(self._to) as esl:
            for name in self._listed(esl, box):
                read = read_message(self._call(esl, "msg_get", box, name))
                if isinstance(read, str):
                    broken.append(Broken("INBOX", name, read))
                else:
                    messages[read[0].id] = Found(read[1], name, read[0])
        return Contents(messages, tuple(broken))

    def _listed(self, esl: Esl, box: str) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for which in FILTERS:
            listed = read_list(self._call(esl, "msg_list", box, f"inbox {which}"))
            if listed is None:
                raise Unavailable("FreeSWITCH does not list the voicemail of a box; see profile, domain and user")
            names |= dict.fromkeys(listed)
        return tuple(names)

    def _call(self, esl: Esl, what: str, box: str, rest: str) -> str:
        found = _BOX.fullmatch(box)
        if found is None:
            raise UsageError(f"{box!r} is no box: it is written user@domain")
        return esl.api(f"vm_fsdb_{what} json {self._profile} {found[2]} {found[1]} {rest}")

    def open(self, box: str, message: str, place: str = "") -> Opened:  # noqa: ARG002 - a path is asked for each time
        """The recording of a message."""
        if not _UUID.fullmatch(message):
            raise MessageGone("there is no such message")
        with Esl(self._to) as esl:
            read = read_message(self._call(esl, "msg_get", box, message))
        if isinstance(read, str) or read[0].id != message:
            raise MessageGone("the box has this message no longer")
        path = self._path_of(read[2])
        try:
            return Opened(_TYPES.get(path.suffix.lower(), "audio/wav"), open_plain(path))
        except FileNotFoundError:
            raise MessageGone("the recording is not there (any longer)") from None

    def _path_of(self, told: str) -> Path:
        """Where a recording is here. Raises ``MessageGone`` for one outside of the storage folder."""
        inside = Path(os.path.relpath(told, self._there)) if told else Path(os.pardir)
        if inside.parts[:1] == (os.pardir,) or inside.is_absolute():
            raise MessageGone("the recording is not in the storage folder")
        return self._storage / inside

    def mark_heard(self, box: str, message: str) -> Done:
        """Mark a message as read."""
        return self._changed(
            box, message, "vm_read {id}@{domain}/{profile} read {message}", lambda found: found == "Old"
        )

    def remove(self, box: str, message: str) -> Done:
        """Delete a message, its recording with it."""
        return self._changed(box, message, "vm_delete {id}@{domain}/{profile} {message}", lambda _: False)

    def _changed(self, box: str, message: str, command: str, is_so: Callable[[str], bool]) -> Done:
        matched = _BOX.fullmatch(box)
        found = self.scan(box).messages.get(message)
        if matched is None or found is None:
            return Done.GONE
        if is_so(found.folder):
            return Done.DONE
        with Esl(self._to) as esl:
            answer = esl.api(
                command.format(id=matched[1], domain=matched[2], profile=self._profile, message=found.info.id)
            )
        return Done.DONE if answer.strip().startswith("+OK") else Done.CANNOT

    def hints(self, boxes: Iterable[str]) -> Hints:  # noqa: ARG002 - each event names its box, and all are looked at
        """FreeSWITCH's own word."""
        return MwiHints(self._to)


@final
class MwiHints:
    """Waits for ``mwi-update``. A connection that breaks is made again, with growing pauses."""

    FIRST_PAUSE: Final = 1.0
    LONGEST_PAUSE: Final = 60.0

    def __init__(self, to: EventSocket) -> None:
        self._to: Final = to
        self._esl: Esl | None = None
        self._pause = self.FIRST_PAUSE

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> None:
        """Return at the first sign, when it is to stop, or after so many seconds."""
        until = time.monotonic() + seconds
        while not is_stopping() and (left := until - time.monotonic()) > 0:
            try:
                if self._esl is None:
                    self._esl = Esl(self._to)
                    self._esl.listen()
                    self._pause = self.FIRST_PAUSE
                    return  # Nobody knows what was missed.
                event = self._esl.event(min(0.5, left))
            except (Unavailable, ConfigError):
                self.close()
                resume_at = time.monotonic() + min(self._pause, left)
                self._pause = min(self._pause * 2, self.LONGEST_PAUSE)
                while not is_stopping() and time.monotonic() < resume_at:
                    time.sleep(0.1)
                continue
            if event is not None and event.get("vm-action") == "mwi-update":
                return

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._esl is not None:
            self._esl.close()
            self._esl = None


__all__ = ["Esl", "EventSocket", "FreeSwitch", "MwiHints", "read_list", "read_message"]
