"""The emulator's own time.

Rules of this file: nothing else in the package asks the operating system what time it is.
Windows, expiries, limits, back-offs and webhook timestamps all read this clock, so that a test
can let seven days pass in a millisecond.

Theory of operation. The clock is a pair: an instant, and the monotonic reading at which it was
true. A running clock adds the monotonic time since; a frozen one adds nothing. Setting, advancing
and freezing replace the pair, and then tell the listeners: the courier sleeps until something is
due and has to learn that "due" has moved.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import final


@final
class VirtualClock:
    """A clock that can be set, advanced and frozen; by default it runs along with real time.

    Instants are aware UTC. All methods may be called from any thread.
    """

    def __init__(
        self,
        start_at: datetime | None = None,
        *,
        is_frozen: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = Lock()
        self._monotonic = monotonic
        self._listeners: list[Callable[[], None]] = []
        self._base = _aware(start_at) if start_at else datetime.now(UTC)
        self._read_at = monotonic()
        self._is_frozen = is_frozen

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still until `advance`, `set` or `run`."""
        return self._is_frozen

    def now(self) -> datetime:
        """The virtual instant."""
        with self._lock:
            return self._now()

    def set(self, at: datetime) -> None:
        """Put the clock at `at`, also backwards. A naive instant is refused."""
        with self._lock:
            self._rebase(_aware(at))
        self._tell()

    def advance(self, by: timedelta) -> None:
        """Let `by` pass at once. A negative span is refused: it is `set` that goes back."""
        if by < timedelta(0):
            raise ValueError(f"cannot advance by {by}; use set() to go back in time")
        with self._lock:
            self._rebase(self._now() + by)
        self._tell()

    def freeze(self) -> None:
        """Stop the clock where it is. A second call changes nothing."""
        with self._lock:
            self._rebase(self._now())
            self._is_frozen = True
        self._tell()

    def run(self) -> None:
        """Let the clock run on from where it is. A second call changes nothing."""
        with self._lock:
            self._rebase(self._now())
            self._is_frozen = False
        self._tell()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener`, outside the lock, whenever time has been tampered with."""
        self._listeners.append(listener)

    def _now(self) -> datetime:
        if self._is_frozen:
            return self._base
        return self._base + timedelta(seconds=self._monotonic() - self._read_at)

    def _rebase(self, at: datetime) -> None:
        self._base, self._read_at = at, self._monotonic()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone; give an aware instant, e.g. in UTC")
    return at.astimezone(UTC)
