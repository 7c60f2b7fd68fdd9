"""When nothing is sent: stretches of the day, as a clock on the wall shows them, and until when one lasts.

Rules of this file: pure; a timetable and an instant in, an answer out. Intervals are half-open: at its end, quiet is over.

Theory. A timetable is in wall-clock time, a message leaves at an instant, and twice a year the two do not fit: an hour is
shown twice, or never. So nothing here ever computes with wall-clock time. Each stretch of each day is first made a pair of
instants, and what remains is a question about intervals on a line. A time that is shown twice is taken at its first
showing where a stretch begins and at its last where one ends: whatever the words can be read to cover is covered. A time
that is never shown is the instant at which the clock jumps over it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from wa_connector import UsageError

EVERY_DAY: Final = frozenset(range(7))
HORIZON: Final = timedelta(days=366)
"""How far to look for the end of a silence. One that is longer has none: its messages are refused, and do not wait."""

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


def _days(days: Iterable[int]) -> frozenset[int]:
    return frozenset(days)


@frozen
class Span:
    """``[start, end)`` by the clock on the wall, to the second, beginning on each of ``days`` (0 is Monday).

    An ``end`` that is not after ``start`` is the next day's, so that 22:00 to 07:00 is a night and 00:00 to 00:00 a day.
    Raises ``UsageError`` for times with a zone or with a fraction of a second, and for days that no week has.
    """

    start: time
    end: time
    days: frozenset[int] = field(default=EVERY_DAY, converter=_days)

    def __attrs_post_init__(self) -> None:
        for given in (self.start, self.end):
            if given.tzinfo is not None or given.microsecond:
                raise UsageError(f"{given} is not a time on a wall clock, to the second")
        if not self.days or not self.days <= EVERY_DAY:
            raise UsageError(f"{sorted(self.days)} are not days of the week, from 0 for Monday to 6 for Sunday")


def _zone(name: str | ZoneInfo) -> ZoneInfo:
    if isinstance(name, ZoneInfo):
        return name
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"{name!r} is no time zone, such as Europe/Berlin; is tzdata installed?") from error


@frozen
class Hours:
    """A timetable in one time zone: when it is quiet, and when it is open.

    Messages leave when it is open and not quiet. ``open`` is None for always; of an opening on a day in ``closed_on``
    (the day on which it begins) nothing is left.
    """

    zone: ZoneInfo = field(converter=_zone)
    quiet: tuple[Span, ...] = ()
    open: tuple[Span, ...] | None = None
    closed_on: frozenset[date] = frozenset()


@frozen
class Silence:
    """Nothing is sent now. ``until_at``: when something may be; None when that is not within ``HORIZON``."""

    rule: str
    until_at: datetime | None


def silence(hours: Hours, at: datetime) -> Silence | None:
    """The silence in which ``at`` lies, or None.

    It lasts until something may really be sent: where a night ends before the office opens, until it opens. ``rule`` is
    what begins it, ``quiet_hours`` or ``business_hours``.
    """
    rule, now = "", at
    while (found := _obstacle(hours, now)) is not None:
        name, until_at = found
        rule = rule or name
        if until_at is None or until_at - at > HORIZON:
            return Silence(rule, None)
        now = until_at
    return Silence(rule, now) if rule else None


def _obstacle(hours: Hours, at: datetime) -> tuple[str, datetime | None] | None:
    """What keeps a message from leaving at this instant, and the end of that one thing."""
    quiet_until = max((end for start, end in _around(hours, hours.quiet, at) if start <= at < end), default=None)
    if quiet_until is not None:
        return "quiet_hours", quiet_until
    if hours.open is None or any(start <= at < end for start, end in _openings(hours, _around_days(hours, at))):
        return None
    return "business_hours", _next_opening(hours, at)


def _next_opening(hours: Hours, at: datetime) -> datetime | None:
    days = (_local_day(hours, at) + n * _DAY for n in range(-1, HORIZON // _DAY + 2))
    # Stretches of a later day begin later, so the first day with one has the next one.
    return next((start for start, _ in _openings(hours, days) if start > at), None)


def _openings(hours: Hours, days: Iterator[date]) -> Iterator[tuple[datetime, datetime]]:
    open_days = (day for day in days if day not in hours.closed_on)
    return _intervals(hours, hours.open or (), open_days)


def _around(hours: Hours, spans: tuple[Span, ...], at: datetime) -> Iterator[tuple[datetime, datetime]]:
    return _intervals(hours, spans, _around_days(hours, at))


def _around_days(hours: Hours, at: datetime) -> Iterator[date]:
    # The day before yesterday, because a zone may leave out a whole day when it changes sides of the date line.
    today = _local_day(hours, at)
    return (today + n * _DAY for n in range(-2, 2))


def _intervals(hours: Hours, spans: tuple[Span, ...], days: Iterator[date]) -> Iterator[tuple[datetime, datetime]]:
    """The stretches that begin on these days, as instants; of each day in the order of their beginning."""
    in_order = sorted(spans, key=lambda span: span.start)
    for day in days:
        for span in in_order:
            if day.weekday() in span.days:
                last_day = day if span.start < span.end else day + _DAY
                start = moment(hours.zone, datetime.combine(day, span.start), fold=0)
                yield start, moment(hours.zone, datetime.combine(last_day, span.end), fold=1)


def _local_day(hours: Hours, at: datetime) -> date:
    return at.astimezone(hours.zone).date()


# --- wall clocks ------------------------------------------------------------------------------------------------------


def moment(zone: ZoneInfo, wall: datetime, fold: int) -> datetime:
    """The instant (UTC) at which the clock on the wall shows ``wall``: the first (``fold`` 0) or the last (1) time, or
    when it jumps over it."""
    at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    return at if _shown(zone, at) == wall else _jump(zone, wall)


def _shown(zone: ZoneInfo, at: datetime) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _jump(zone: ZoneInfo, wall: datetime) -> datetime:
    """The instant at which the clock jumps over ``wall``.

    ``fold`` 1 reads a time that is never shown by the offset after the jump, which gives an instant before it, and 0 the
    other way round; the jump is between the two, and is found by halving.
    """
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        before, after = (before, middle) if _shown(zone, middle) >= wall else (middle, after)
    return after
