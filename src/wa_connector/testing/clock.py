"""A clock for tests: it stands still unless it is moved."""

from datetime import UTC, datetime, timedelta
from typing import Final, final

from wa_connector.errors import UsageError

START: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""Noon of a day like others."""


@final
class VirtualClock:
    """Called, it gives ``now``, an aware UTC instant: what a connector and a storage take for their ``clock``.

    ``now`` may be set at will, backwards too; ``advance`` and ``advance_to`` only go forward, as time does.
    """

    def __init__(self, now: datetime = START) -> None:
        self.now = _aware(now)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, span: timedelta = timedelta(0), **spans: float) -> datetime:
        """Let ``span`` pass, or ``hours=…``, ``minutes=…`` and so on, and return the new now."""
        passed = span + timedelta(**spans)
        if passed < timedelta(0):
            raise UsageError("time does not go back; set `now` to try a clock that does")
        self.now += passed
        return self.now

    def advance_to(self, instant: datetime) -> datetime:
        """Let time pass until ``instant``; one that is over leaves the clock as it is."""
        self.now = max(self.now, _aware(instant))
        return self.now


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise UsageError("an instant needs its time zone; give an aware datetime, e.g. with tzinfo=UTC")
    return instant.astimezone(UTC)


__all__ = ["START", "VirtualClock"]
