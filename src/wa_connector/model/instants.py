"""Instants at the edge: aware, UTC, and within the years in which WhatsApp existed or may be expected to.

Everything inside the SDK compares aware UTC datetimes and stores whole microseconds since 1970. The two directions
live here so that no other module invents a third.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from wa_connector.errors import UsageError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = datetime(2009, 1, 1, tzinfo=UTC)
"""WhatsApp was founded in 2009: an earlier instant is a unit error (seconds for milliseconds, a zero)."""
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""A later one is the opposite unit error."""

_MICROSECOND: Final = timedelta(microseconds=1)


def checked(instant: datetime, field: str) -> datetime:
    """Return ``instant`` in UTC, or refuse it by the field's name.

    Raises ``UsageError`` for a naive datetime and for one outside ``[EARLIEST, LATEST)``.
    """
    if instant.tzinfo is None:
        raise UsageError(
            f"{field} has no time zone. Pass an aware datetime, e.g. datetime.now(UTC): a naive one would be read"
            " differently on each machine."
        )
    if not EARLIEST <= instant < LATEST:
        raise UsageError(
            f"{field} lies outside {EARLIEST.year}-{LATEST.year}. Is its unit right? Providers give whole seconds."
        )
    return instant.astimezone(UTC)


def to_microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC; exact, unlike ``timestamp()``, which goes through a float."""
    return (instant - EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The inverse of :func:`to_microseconds`."""
    return EPOCH + timedelta(microseconds=count)
