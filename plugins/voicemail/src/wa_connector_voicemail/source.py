"""What a voicemail system is to this plugin, whichever it is: boxes that can be looked through, and recordings in them.

Rules of this file: no system's own words. A box is named as the directory's line names it (``provider_ref``), a message by
an id that stays the same wherever the system moves it.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import BinaryIO, Protocol

from attrs import frozen

from wa_connector_voicemail.spool import Contents


class Done(Enum):
    """What came of marking a message or removing it."""

    DONE = "done"
    """It is so now, or was before."""
    GONE = "gone"
    """The box has no such message (any longer)."""
    CANNOT = "cannot"
    """This system, or this version of it, offers no way."""


@frozen
class Opened:
    """A recording that is open for reading, and its MIME type. It stays what it is whatever becomes of the message; close
    it."""

    mime_type: str
    file: BinaryIO


class Source(Protocol):
    """One voicemail system. ``account`` is the ``provider_ref`` of its account in the directory.

    May be called from several threads. Every call is bounded in time and raises ``Unavailable`` when the system does not
    answer now; nothing is open between calls but what ``hints`` keeps.
    """

    @property
    def account(self) -> str: ...

    def scan(self, box: str) -> Contents:
        """Everything that is in a box now. Raises ``UsageError`` for a box that cannot be one."""
        ...

    def open(self, box: str, message: str, place: str = "") -> Opened:
        """The recording of a message; ``place`` is where it was seen (``Found.place``), which saves a look.

        Raises ``MessageGone`` when the box has it no longer, and ``FolderBusy``.
        """
        ...

    def mark_heard(self, box: str, message: str) -> Done:
        """Put a message among those that were heard."""
        ...

    def remove(self, box: str, message: str) -> Done:
        """Remove a message there."""
        ...

    def hints(self, boxes: Iterable[str]) -> "Hints":
        """What tells that it is time to look."""
        ...


class Hints(Protocol):
    """Waits for a sign that a box may have changed. A sign may be missed or be wrong: looking is what counts."""

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> None:
        """Return when there is a sign, when it is to stop, or after so many seconds. Never raises for what the system does."""
        ...

    def close(self) -> None: ...
