"""What changed between two scans of a mailbox, told once.

Theory: a message on its way to another folder may be seen in neither. So what is missing is gone only when it was missing
in two scans, a second apart, of folders that held still. A file that cannot be read may be what is missing; one that stays so
for a minute is no message on its way, and hides nothing any longer.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from wa_connector_voicemail.spool import NEW, Broken, Contents, Found

ANNOUNCED: Final = ""
"""In the place of a folder: whoever looked last was about to tell of this message, and may have been killed in between."""
SETTLED: Final = timedelta(seconds=1)
STUCK: Final = timedelta(minutes=1)


@frozen
class Changes:
    """``moved`` are messages in another folder than before; a place that only has another number is no news. ``gone`` are the
    ids of those that are there no longer, ``stuck`` what has been broken for so long that nobody is writing it."""

    created: tuple[Found, ...] = ()
    moved: tuple[Found, ...] = ()
    gone: tuple[str, ...] = ()
    stuck: tuple[Broken, ...] = ()

    @property
    def heard(self) -> tuple[Found, ...]:
        """Of those that moved, the ones that somebody has listened to."""
        return tuple(found for found in self.moved if found.folder not in NEW)


@frozen
class Watch:
    """What is known of a mailbox: the folder of each message by its id. A value: keep it as long as the mailbox is watched.
    Between processes ``known`` is what to keep."""

    known: Mapping[str, str] = field(factory=dict)
    missing_since: Mapping[str, datetime] = field(factory=dict)
    broken_since: Mapping[Broken, datetime] = field(factory=dict)
    stuck: frozenset[Broken] = frozenset()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is missing, and nothing broken that may yet become whole."""
        return not self.missing_since and self.broken_since.keys() <= self.stuck

    def after(self, contents: Contents, now: datetime) -> tuple["Watch", Changes]:
        """The watch after a scan at ``now``, and what there is to tell. The same scan again tells nothing."""
        here = contents.messages
        created = tuple(found for name, found in here.items() if self.known.get(name, ANNOUNCED) == ANNOUNCED)
        moved = tuple(
            found for name, found in here.items() if self.known.get(name, found.folder) not in (ANNOUNCED, found.folder)
        )
        broken = {each: self.broken_since.get(each, now) for each in contents.broken}
        stuck = frozenset(each for each, since in broken.items() if now - since >= STUCK)
        told = Changes(created, moved, stuck=tuple(each for each in contents.broken if each in stuck - self.stuck))
        folders = {name: found.folder for name, found in here.items()}
        if contents.busy or broken.keys() > stuck:
            # One of these may be what is missing: nothing is gone before they have been read.
            return Watch({**self.known, **folders}, {}, broken, stuck), told
        since = {name: self.missing_since.get(name, now) for name in self.known if name not in here}
        gone = tuple(name for name, at in since.items() if now - at >= SETTLED)
        waiting = {name: at for name, at in since.items() if name not in gone}
        known = {**{name: self.known[name] for name in waiting}, **folders}
        return Watch(known, waiting, broken, stuck), Changes(told.created, told.moved, gone, told.stuck)
