"""What changed between two scans of a mailbox, told once.

Theory: a message on its way to another folder may be seen in neither. So what is missing is gone only when it was missing
in two scans, a second apart, of folders that held still.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen

from wa_connector_voicemail.spool import Contents, Found

SETTLED: Final = timedelta(seconds=1)
_NEW: Final = ("INBOX", "Urgent")


@frozen
class Changes:
    """``moved`` are messages in another folder than before; a place that only has another number is no news."""

    created: tuple[Found, ...] = ()
    moved: tuple[Found, ...] = ()
    gone: tuple[Found, ...] = ()

    @property
    def heard(self) -> tuple[Found, ...]:
        """Of those that moved, the ones that somebody has listened to."""
        return tuple(found for found in self.moved if found.folder not in _NEW)


@frozen
class Watch:
    """What is known of a mailbox. A value: keep it as long as the mailbox is watched."""

    known: Mapping[str, Found] = field(factory=dict)
    missing_since: Mapping[str, datetime] = field(factory=dict)

    def after(self, contents: Contents, now: datetime) -> tuple["Watch", Changes]:
        """The watch after a scan at ``now``, and what there is to tell. The same scan again tells nothing."""
        here = contents.messages
        created = tuple(found for name, found in here.items() if name not in self.known)
        moved = tuple(
            found for name, found in here.items() if name in self.known and self.known[name].folder != found.folder
        )
        missing = [name for name in self.known if name not in here]
        if contents.busy or contents.broken:
            # One of these may be what is missing: nothing is gone before they have been read.
            return evolve(self, known={**self.known, **here}, missing_since={}), Changes(created, moved)
        since = {name: self.missing_since.get(name, now) for name in missing}
        gone = [name for name in missing if now - since[name] >= SETTLED]
        waiting = {name: at for name, at in since.items() if name not in gone}
        known = {**{name: self.known[name] for name in waiting}, **here}
        return Watch(known, waiting), Changes(created, moved, tuple(self.known[name] for name in gone))
