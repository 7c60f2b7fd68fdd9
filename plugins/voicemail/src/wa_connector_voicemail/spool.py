"""The spool of an Asterisk: reading a mailbox while Asterisk writes it, without ever taking its lock.

Theory: a message is known by the id in its text file; its number is only its place, and changes. Asterisk renames whole
files into place, the text file last, so that one is the mark of a finished message. Every rename, link and unlink changes
the time of the folder: what was read between two looks at an unchanged folder without a lock file belongs together.
Taking the lock is out of the question: a message for which Asterisk cannot get it is lost.

Rules of this file: a folder that changes all the time is told as busy, after a while, and nothing is guessed; names come
from the configuration and never from a file; links are not followed; a file that is broken, cut off or hostile is named,
and the others are read all the same.

Source: Asterisk 22, app_voicemail, file storage.
"""

import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from attrs import field, frozen

from wa_connector.errors import UsageError

FOLDERS: Final = ("INBOX", "Urgent", "Old", "Work", "Family", "Friends", "Cust1", "Cust2", "Cust3", "Cust4", "Cust5")
"""Where a mailbox's messages lie. New ones are in the first two; deleted ones that Asterisk keeps are not looked at."""
NEW: Final = ("INBOX", "Urgent")
FORMATS: Final = ("wav", "WAV", "gsm")
"""The recordings that Asterisk writes, the easiest to play first. ``WAV`` is another format than ``wav``."""
MAX_INFO: Final = 64 * 1024
MAX_ID: Final = 128
PATIENCE: Final = 2.0
"""For how many seconds a busy folder is tried."""
_A_MOMENT: Final = 0.0005
_NAME: Final = re.compile(r"[A-Za-z0-9_+*#@-][A-Za-z0-9_.+*#@-]*")
_INFO: Final = re.compile(r"msg[0-9]{4,9}\.txt")
_CALLER: Final = re.compile(r'(?:"((?:[^"\\]|\\.)*)")?\s*(?:<([^<>]*)>)?')

T = TypeVar("T")


@frozen
class Info:
    """What is said of a message. ``at`` is when the recording began; ``duration`` is in seconds, as the system counted them,
    which may be one off, and None where it does not say. ``caller`` is '' where it was withheld."""

    id: str
    at: datetime
    duration: int | None
    caller: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    is_urgent: bool = False


@frozen
class Found:
    """One message in its place: ``folder`` and ``stem`` (``msg0003``), which it may leave at any time."""

    folder: str
    stem: str
    info: Info

    @property
    def place(self) -> str:
        """Where it was, in a word: ``INBOX/msg0003``."""
        return f"{self.folder}/{self.stem}"

    @classmethod
    def at_place(cls, place: str, message: str) -> "Found | None":
        """A message that was at a place when it was last seen, of which no more is known; None for what is no place."""
        folder, _, stem = place.partition("/")
        if folder not in FOLDERS or not _INFO.fullmatch(f"{stem}.txt"):
            return None
        return cls(folder, stem, Info(message, datetime.fromtimestamp(0, UTC), 0))


@frozen
class Broken:
    """A text file that cannot be read, and why. It may be whole the next time: it is told, and not taken for gone."""

    folder: str
    stem: str
    problem: str


@frozen
class Contents:
    """A mailbox at one moment for each folder. ``busy`` are the folders that did not hold still; nothing is said of them.
    While Asterisk moves a message to another folder, it may be in both of them or in neither."""

    messages: Mapping[str, Found]
    broken: tuple[Broken, ...] = ()
    busy: tuple[str, ...] = ()


class FolderBusy(Exception):
    """A folder did not hold still for as long as it was tried; try again later. Nothing was read."""


class MessageGone(Exception):
    """The message is no longer where it was found; scan again."""


@frozen
class _Seen:
    """What was read of one text file: while it is the same file, it says the same."""

    inode: int
    changed: int
    info: Info | str


class Mailbox:
    """One mailbox of one Asterisk. Not for several threads at once; make one for each.

    ``root`` is the spool's ``voicemail`` folder. Raises ``UsageError`` for a context or mailbox that cannot be one.
    """

    def __init__(self, root: str | os.PathLike[str], context: str, mailbox: str) -> None:
        self.path: Final = path_of(root, context, mailbox)
        self._seen: dict[tuple[str, str], _Seen] = {}

    def scan(self) -> Contents:
        """Everything that is in the mailbox now. What has not changed since the last scan is not read again; a mailbox
        or folder that is not there has no messages."""
        messages: dict[str, Found] = {}
        broken: list[Broken] = []
        busy: list[str] = []
        seen: dict[tuple[str, str], _Seen] = {}
        for folder in FOLDERS:
            try:
                found = self._quietly(folder, partial(self._read_folder, folder))
            except FolderBusy:
                busy.append(folder)
                seen.update((key, was) for key, was in self._seen.items() if key[0] == folder)
                continue
            for stem, read in found.items():
                seen[folder, stem] = read
                if isinstance(read.info, str):
                    broken.append(Broken(folder, stem, read.info))
                else:
                    # In two folders at once it is being moved, and the later one in the list is where it goes.
                    messages[read.info.id] = Found(folder, stem, read.info)
        self._seen = seen
        return Contents(messages, tuple(broken), tuple(busy))

    def open(self, found: Found, formats: tuple[str, ...] = FORMATS) -> tuple[str, BinaryIO]:
        """The recording of a message that a scan found, open for reading, with its format. It stays what it is whatever
        becomes of the files; close it.

        Raises ``MessageGone`` when the message is not there any more, and ``FolderBusy``.
        """

        def read(path: Path) -> tuple[str, BinaryIO]:
            info = self._read_info(path / f"{found.stem}.txt")
            if isinstance(info, str) or info.id != found.info.id:
                raise MessageGone(f"{found.folder}/{found.stem} is another message by now; scan again")
            for name in formats:
                try:
                    return name, open_plain(path / f"{found.stem}.{name}")
                except FileNotFoundError:
                    continue
            raise MessageGone(f"{found.folder}/{found.stem} has no recording of {', '.join(formats)}")

        return self._quietly(found.folder, read, undo=lambda opened: opened[1].close())

    # --- a moment in which nothing changes ----------------------------------------------------------------------------

    def _quietly(self, folder: str, read: Callable[[Path], T], undo: Callable[[T], None] = lambda _: None) -> T:
        """What ``read`` finds in a folder that does not change while it does."""
        path = self.path / folder
        until = time.monotonic() + PATIENCE
        while True:
            before = _state_of(path)
            if before is not None:
                problem: Exception | None = None
                try:
                    result = read(path)
                except (FileNotFoundError, NotADirectoryError, MessageGone) as error:
                    problem = error  # true only if nothing changed meanwhile
                if _state_of(path) == before:
                    if isinstance(problem, FileNotFoundError | NotADirectoryError):
                        raise MessageGone(f"{folder} has no such file") from problem
                    if problem is not None:
                        raise problem
                    return result
                if problem is None:
                    undo(result)
            if time.monotonic() >= until:
                raise FolderBusy(f"{folder} did not hold still for {PATIENCE:g} s; scan again later")
            time.sleep(_A_MOMENT)

    def _read_folder(self, folder: str, path: Path) -> dict[str, _Seen]:
        found: dict[str, _Seen] = {}
        for entry in _entries(path):
            status = entry.stat(follow_symlinks=False)
            stem = entry.name[: -len(".txt")]
            known = self._seen.get((folder, stem))
            if known is None or (known.inode, known.changed) != (status.st_ino, status.st_ctime_ns):
                known = _Seen(status.st_ino, status.st_ctime_ns, self._read_info(path / entry.name))
            found[stem] = known
        return found

    def _read_info(self, path: Path) -> Info | str:
        try:
            with open_plain(path) as file:
                octets = file.read(MAX_INFO + 1)
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise
            return f"it cannot be opened: {os.strerror(error.errno or 0)}"
        return read_info(octets) if len(octets) <= MAX_INFO else f"it has more than {MAX_INFO} bytes"


def path_of(root: str | os.PathLike[str], context: str, mailbox: str) -> Path:
    """Where a mailbox lies. Raises ``UsageError`` for a context or mailbox that cannot be one."""
    for what, value in (("context", context), ("mailbox", mailbox)):
        if not _NAME.fullmatch(value):
            raise UsageError(f"{value!r} is no {what}: it has letters, digits and . _ + * # @ -")
    return Path(root) / context / mailbox


def _entries(path: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            yield from (entry for entry in entries if _INFO.fullmatch(entry.name))
    except FileNotFoundError:
        return


def _state_of(path: Path) -> int | None:
    """What changes with every file that comes into or goes out of the folder; None while somebody holds its lock."""
    try:
        state = path.lstat().st_mtime_ns
    except FileNotFoundError:
        return 0
    return None if os.path.lexists(path / ".lock") else state


def open_plain(path: Path) -> BinaryIO:
    """A plain file, and nothing that stands for one, for reading. Raises ``OSError`` for a link, a pipe or a device."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(22, "not a plain file")
    return os.fdopen(handle, "rb")


# --- the text file ----------------------------------------------------------------------------------------------------


def read_info(octets: bytes) -> Info | str:
    """What a text file says, or what is wrong with it. Any octets have an answer."""
    fields: dict[str, str] = {}
    for line in octets.decode("utf-8", "replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(";"):
            fields.setdefault(name.strip(), value.strip())
    missing = [name for name in ("msg_id", "origtime", "duration") if not fields.get(name)]
    if missing:
        return f"it has no {' and no '.join(missing)}"
    if len(fields["msg_id"]) > MAX_ID or not fields["msg_id"].isprintable():
        return "its msg_id is none"
    at, duration = _number(fields["origtime"]), _number(fields["duration"])
    if at is None or duration is None:
        return "its times are no numbers"
    name, caller = _caller(fields.get("callerid", ""))
    is_urgent = fields.get("flag", "").lower() == "urgent"
    return Info(fields["msg_id"], datetime.fromtimestamp(at, UTC), duration, caller, name, is_urgent)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _caller(text: str) -> tuple[str, str]:
    """Name and number: ``"Name" <number>``, a bare number, or a word for nobody."""
    found = _CALLER.fullmatch(text)
    if found and found[2] is not None:
        return re.sub(r"\\(.)", r"\1", found[1] or ""), found[2].strip()
    return "", "" if text.lower() in ("unknown", "anonymous", "restricted", "private") else text.strip('"')
