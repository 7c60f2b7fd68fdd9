"""From a voicemail system to the connector: what came, was heard and went, told once and never lost.

Theory: a look at a whole box is the truth, and what changed since the last look is told. It is told to the connector first
and written down afterwards: a process that is killed in between tells it again, and the connector knows it by its id. What
the last look saw is kept in a file, because a message that goes while nobody watches would be missed otherwise; a file that is
lost costs one telling of everything, and nothing else.

Rules of this file: no thread, no loop of its own; the host calls ``run_once`` or ``run_until``.
"""

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from attrs import field, frozen

from wa_connector.errors import Unavailable
from wa_connector.model.content import MediaRef, Voicemail
from wa_connector.model.directory import Line
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import Inbound, InboundGone, InboundHeard, InboundItem, InboundMessage, Unreadable
from wa_connector.policy.numbers import Numbering
from wa_connector_voicemail.callers import sender_of
from wa_connector_voicemail.changes import ANNOUNCED, Changes, Watch
from wa_connector_voicemail.source import Source
from wa_connector_voicemail.spool import NEW, Broken, Found

if TYPE_CHECKING:
    from wa_connector.direct.connector import Connector

log: Final = logging.getLogger("wa_connector.voicemail")
AT_ONCE: Final = 100
"""How many elements are handed over in one call."""
LOOK_EVERY: Final = 30.0
"""After how many seconds everything is looked at whatever the hints say."""
SOON: Final = 1.2
"""After how many seconds a box is looked at again in which something is missing or could not be read."""


@frozen
class Round:
    """What one look at all boxes brought; ``problems`` are for whoever runs the system, without numbers or names."""

    came: int = 0
    heard: int = 0
    gone: int = 0
    problems: tuple[str, ...] = ()
    is_settled: bool = True
    """False where a box should be looked at again soon: something is missing, or could not be read."""


@frozen
class Look:
    """One look at one box: what it says, in elements for the connector, and what to remember once they are taken."""

    box: str
    watch: Watch
    items: tuple[Inbound, ...] = field(repr=False)
    round: Round
    is_new: bool
    """Whether there is anything to remember."""
    before: Watch | None = None
    """What was known until now; None at the first look."""
    announced: tuple[str, ...] = ()
    """The ids of the messages that it tells of for the first time."""


class Looking:
    """Looks at the boxes of one system. What the watchers of both faces have in common.

    ``lines`` are the boxes, as the directory has them: a box is a line's ``provider_ref``. ``memory`` is a folder of this
    watcher's own, made when it is needed.
    """

    def __init__(
        self,
        source: Source,
        lines: Iterable[Line],
        memory: str | os.PathLike[str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source: Final = source
        self._numberings: Final = {line.provider_ref: Numbering.of(line) for line in lines}
        self.boxes: Final = tuple(self._numberings)
        self._memory: Final = Path(memory)
        self._clock: Final = clock
        self._watches: Final[dict[str, Watch]] = {}
        self._told: Final[set[str]] = set()

    def look(self, box: str) -> Look:
        """What is new in a box. Nothing is remembered before ``remember``. Raises ``Unavailable``."""
        now = self._clock()
        before = self._watches.get(box)
        known, is_first = self._recalled(box) if before is None else (before, False)
        contents = self.source.scan(box)
        after, changes = (known or Watch()).after(contents, now)
        items = [*self._items(box, changes, now, is_first=is_first), *_kept_aside(changes.stuck)]
        problems = [
            *(f"{box}: {each.folder}/{each.stem} cannot be read: {each.problem}" for each in contents.broken),
            *(f"{box}: {folder} does not hold still, or is not there" for folder in contents.busy),
        ]
        return Look(
            box,
            after,
            tuple(Inbound(self.source.account, box, item) for item in items),
            Round(
                len(changes.created),
                len(changes.heard),
                len(changes.gone),
                tuple(problems),
                after.is_settled and not contents.busy,
            ),
            is_first or known is None or after.known != known.known,
            None if is_first else known,
            _announced(known, changes),
        )

    def announce(self, look: Look) -> None:
        """To be called before anything of this look is told: whoever comes after one that was killed while it told knows
        then of what the timeline may have, and tells when that is gone."""
        if look.announced:
            self._write(look.box, look.before, look.announced)

    def remember(self, look: Look) -> None:
        """Everything in this look was taken: it is told no more, also by the next process."""
        if look.is_new:
            self._write(look.box, look.watch)
        self._watches[look.box] = look.watch
        for problem in look.round.problems:
            if problem not in self._told:
                self._told.add(problem)
                log.warning("voicemail: %s", problem)

    def failed(self, box: str, error: Exception) -> Round:
        """A box that cannot be looked at keeps no other from being."""
        problem = f"{box}: it cannot be read now ({type(error).__name__})"
        log.warning("voicemail: %s", problem)
        return Round(problems=(problem,), is_settled=False)

    # --- elements -----------------------------------------------------------------------------------------------------

    def _items(self, box: str, changes: Changes, now: datetime, *, is_first: bool) -> Iterator[InboundItem]:
        for found in sorted(changes.created, key=lambda each: (each.info.at, each.info.id)):
            yield self._message(found, self._numberings[box], now, is_first=is_first)
        for found in changes.heard:
            yield InboundHeard(ProviderId(found.info.id), now)
        for gone in changes.gone:
            yield InboundGone(ProviderId(gone), now)

    def _message(self, found: Found, numbering: Numbering, now: datetime, *, is_first: bool) -> InboundMessage:
        info, is_heard = found.info, found.folder not in NEW
        media = MediaRef("audio/wav", provider_ref=f"{found.place} {info.id}")
        lasts = None if info.duration is None else timedelta(seconds=info.duration)
        return InboundMessage(
            ProviderId(info.id),
            info.at,
            sender_of(info.caller, info.name, numbering, self.source.account),
            Voicemail(media, lasts=lasts, is_urgent=info.is_urgent),
            opens_window=False,
            # What was heard before anybody watched this box is of the time before.
            is_history=is_first and is_heard,
            heard_at=now if is_heard else None,
        )

    # --- what was seen last -------------------------------------------------------------------------------------------

    def _file(self, box: str) -> Path:
        digest = hashlib.sha256(f"{self.source.account}\n{box}".encode()).hexdigest()
        return self._memory / f"{digest[:32]}.json"

    def _recalled(self, box: str) -> tuple[Watch | None, bool]:
        """What the last process saw, and whether none had told everything; None where none did anything, or what it wrote
        cannot be read."""
        try:
            told = json.loads(self._file(box).read_text("utf-8"))
            known, announced = told["known"] or {}, told.get("announced", [])
        except FileNotFoundError:
            return None, True
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("voicemail: what was seen last cannot be read (%s); all is told again", type(error).__name__)
            return None, True
        folders = {str(name): str(folder) for name, folder in known.items()}
        return Watch({**dict.fromkeys(map(str, announced), ANNOUNCED), **folders}), told["known"] is None

    def _write(self, box: str, watch: Watch | None, announced: Iterable[str] = ()) -> None:
        self._memory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".", dir=self._memory)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"known": watch and dict(watch.known), "announced": list(announced)}, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._file(box))
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise


def _announced(known: Watch | None, changes: Changes) -> tuple[str, ...]:
    """Of what there is to tell for the first time the ids, with those that somebody was killed over before."""
    before = known.known.items() if known is not None and changes.created else ()
    told_of = (name for name, folder in before if folder == ANNOUNCED)
    return tuple(dict.fromkeys((*told_of, *(found.info.id for found in changes.created))))


def _kept_aside(broken: Iterable[Broken]) -> Iterator[Unreadable]:
    """What stays broken, for administrators to find in quarantine."""
    for each in broken:
        raw = json.dumps({"folder": each.folder, "file": each.stem})
        yield Unreadable(f"a voicemail cannot be read: {each.problem}", raw)


def summed(rounds: Iterable[Round]) -> Round:
    """The rounds of all boxes as one."""
    all_ = list(rounds)
    return Round(
        sum(each.came for each in all_),
        sum(each.heard for each in all_),
        sum(each.gone for each in all_),
        tuple(problem for each in all_ for problem in each.problems),
        all(each.is_settled for each in all_),
    )


def batches(items: Sequence[Inbound]) -> Iterator[Sequence[Inbound]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


@final
class VoicemailWatcher:
    """Watches the boxes of one voicemail system for one ``Connector``.

    ``endpoint`` is that of the app in the directory whose account the system is, and ``lines`` are that account's. One watcher a system: two tell everything twice, which does no harm. Not for several threads at once.
    """

    def __init__(
        self,
        connector: "Connector",
        endpoint: str,
        source: Source,
        lines: Iterable[Line],
        memory: str | os.PathLike[str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connector: Final = connector
        self._endpoint: Final = endpoint
        self._looking: Final = Looking(source, lines, memory, clock=clock)

    def run_once(self) -> Round:
        """Look at every box, and tell the connector what is new. A box that cannot be read is a problem of this round.

        Raises what ``Connector.receive`` raises; what was not taken is told again by the next call.
        """
        return summed(self._look(box) for box in self._looking.boxes)

    def _look(self, box: str) -> Round:
        try:
            look = self._looking.look(box)
        except (Unavailable, OSError) as error:
            return self._looking.failed(box, error)
        self._looking.announce(look)
        for batch in batches(look.items):
            self._connector.receive(self._endpoint, batch)
        self._looking.remember(look)
        return look.round

    def run_until(self, is_stopping: Callable[[], bool], told: Callable[[Round], object] = lambda _: None) -> None:
        """Look whenever there is a sign that something changed, and every half minute, until ``is_stopping`` (asked about
        twice a second) says so. ``told`` is called after each round. A connector that cannot take anything now is tried
        again, with growing pauses."""
        hints = self._looking.source.hints(self._looking.boxes)
        pause = SOON
        try:
            while not is_stopping():
                try:
                    found = self.run_once()
                except Unavailable as error:
                    log.warning("voicemail waits: %s; tried again in %.0f s", type(error).__qualname__, pause)
                    sleep_until(pause, is_stopping)
                    pause = min(pause * 2, LOOK_EVERY)
                    continue
                pause = SOON
                told(found)
                hints.wait(LOOK_EVERY if found.is_settled else SOON, is_stopping)
        finally:
            hints.close()


def sleep_until(seconds: float, is_stopping: Callable[[], bool]) -> None:
    """Let so many seconds pass, or fewer when it is to stop."""
    until = time.monotonic() + seconds
    while not is_stopping() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))


__all__ = ["Look", "Looking", "Round", "VoicemailWatcher"]
