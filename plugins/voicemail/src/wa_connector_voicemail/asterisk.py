"""An Asterisk that keeps its voicemail in files: read from the spool, changed by the manager interface alone.

Theory: the spool is read without Asterisk's lock (see ``spool``), and never written: moving or deleting files behind its back
loses the message that a caller is leaving. What is to change is asked of Asterisk itself, where its version can.

Source: Asterisk 22, app_voicemail, ``VoicemailMove`` and ``VoicemailRemove``; both since 18.20 and 20.5.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, final

from wa_connector.errors import Unavailable, UsageError
from wa_connector_voicemail.ami import Ami, AmiRefused, MailboxEvents, Manager
from wa_connector_voicemail.source import Done, Hints, Opened
from wa_connector_voicemail.spool import FOLDERS, NEW, Contents, Found, Mailbox, MessageGone, path_of

log: Final = logging.getLogger("wa_connector.voicemail")
MIME_TYPES: Final = {"wav": "audio/wav", "WAV": "audio/vnd.wave; codec=31", "gsm": "audio/gsm"}
"""Source: RFC 2361 (codec 31 is GSM 06.10 in a WAV file)."""
A_MOMENT: Final = 0.5
"""How often folders are looked at for a change, in seconds."""


@final
class Asterisk:
    """Implements ``source.Source``. A box is ``mailbox@context``, as ``1000@default``.

    ``spool`` is the ``voicemail`` folder of Asterisk's spool (often ``/var/spool/asterisk/voicemail``). Without a
    ``manager`` voicemail is read all the same, and nothing is marked or removed there. ``signal`` is a file whose change says
    that it is time to look: what ``externnotify`` touches.
    """

    def __init__(
        self,
        account: str,
        spool: str | os.PathLike[str],
        manager: Manager | None = None,
        *,
        signal: str | os.PathLike[str] | None = None,
    ) -> None:
        self.account: Final = account
        self.spool: Final = Path(spool)
        self._manager: Final = manager
        self._signal: Final = None if signal is None else Path(signal)
        self._mailboxes: Final[dict[str, Mailbox]] = {}
        self._lock: Final = threading.Lock()

    def scan(self, box: str) -> Contents:
        """Everything in a box now. A spool or a box that is not there is told as busy: a disk that is not mounted has not
        lost every message on it."""
        path = path_of(self.spool, *_parts(box))
        if not path.is_dir():
            return Contents({}, (), FOLDERS)
        with self._lock:
            mailbox = self._mailboxes.get(box)
            if mailbox is None:
                mailbox = self._mailboxes[box] = Mailbox(self.spool, *_parts(box))
            return mailbox.scan()

    def open(self, box: str, message: str, place: str = "") -> Opened:
        """The recording of a message, the easiest to play that there is."""
        mailbox = Mailbox(self.spool, *_parts(box))
        for found in self._places(box, message, place):
            try:
                format_, file = mailbox.open(found)
            except MessageGone:
                continue
            return Opened(MIME_TYPES[format_], file)
        raise MessageGone("the box has this message no longer")

    def _places(self, box: str, message: str, place: str) -> Iterator[Found]:
        """Where the message was seen, and then where it is now."""
        hinted = Found.at_place(place, message)
        if hinted is not None:
            yield hinted
        found = self._found(box, message)
        if found is not None:
            yield found

    def _found(self, box: str, message: str) -> Found | None:
        """Where a message is. Raises ``Unavailable`` where nobody can tell now."""
        contents = self.scan(box)
        found = contents.messages.get(message)
        if found is None and contents.busy:
            raise Unavailable(f"{', '.join(contents.busy)} of a voicemail box does not hold still; try again later")
        return found

    def mark_heard(self, box: str, message: str) -> Done:
        """Move a new message to the old ones."""
        found = self._found(box, message)
        if found is None:
            return Done.GONE
        if found.folder not in NEW:
            return Done.DONE
        return self._act("VoicemailMove", box, found, ToFolder="Old")

    def remove(self, box: str, message: str) -> Done:
        """Remove a message, as its owner would in the menu. Its entry in the timeline stays."""
        found = self._found(box, message)
        return Done.GONE if found is None else self._act("VoicemailRemove", box, found)

    def _act(self, action: str, box: str, found: Found, **fields: str) -> Done:
        if self._manager is None:
            return Done.CANNOT
        mailbox, context = box.split("@")
        where = {"Context": context, "Mailbox": mailbox, "Folder": found.folder, "ID": found.info.id}
        with Ami(self._manager) as ami:
            try:
                ami.ask(action, **where, **fields)
            except AmiRefused as refused:
                log.warning("voicemail: Asterisk refuses %s: %s", action, refused)
                return self._after_refusal(box, found)
        return Done.DONE

    def _after_refusal(self, box: str, before: Found) -> Done:
        """Who has just moved it in the menu was faster; else this Asterisk cannot, or does not let this user."""
        now = self._found(box, before.info.id)
        if now is None:
            return Done.GONE
        return Done.DONE if now.folder not in NEW and before.folder in NEW else Done.CANNOT

    def hints(self, boxes: Iterable[str]) -> Hints:
        """Asterisk's own word where there is a manager; the folders' times in any case."""
        folders = [path_of(self.spool, *_parts(box)) / folder for box in boxes for folder in FOLDERS]
        watched = [*folders, *([self._signal] if self._signal else [])]
        return SpoolHints(watched, MailboxEvents(self._manager) if self._manager else None)


def _parts(box: str) -> tuple[str, str]:
    mailbox, at, context = box.partition("@")
    if not at or "@" in context:
        raise UsageError(f"{box!r} is no box: it is written mailbox@context, as 1000@default")
    return context, mailbox


@final
class SpoolHints:
    """Waits until Asterisk tells that a box has changed, or a folder has another time.

    Times are asked for and not subscribed to: that costs a microsecond a folder, works on network file systems, and misses
    nothing that came between two looks.
    """

    def __init__(self, watched: Iterable[Path], events: MailboxEvents | None) -> None:
        self._watched: Final = tuple(watched)
        self._events: Final = events
        self._times = self._look()

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> None:
        """Return at the first sign, when it is to stop, or after so many seconds."""
        until = time.monotonic() + seconds
        while not is_stopping():
            left = until - time.monotonic()
            if left <= 0:
                return
            is_told = self._pause(min(A_MOMENT, left))
            times = self._look()
            if is_told or times != self._times:
                self._times = times
                return

    def _pause(self, seconds: float) -> bool:
        if self._events is not None:
            return self._events.is_told(seconds)
        time.sleep(seconds)
        return False

    def _look(self) -> tuple[int, ...]:
        return tuple(map(_changed_at, self._watched))

    def close(self) -> None:
        """Close the connection to Asterisk, if there is one."""
        if self._events is not None:
            self._events.close()


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
