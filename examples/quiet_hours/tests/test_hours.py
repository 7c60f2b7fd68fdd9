"""Timetables: half-open, in a zone whose clock is changed twice a year, and never wrong about when to look again."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wa_connector_quiet_hours import Hours, Silence, Span, silence
from wa_connector_quiet_hours.hours import HORIZON, moment

from wa_connector import UsageError

quick = settings(max_examples=80, deadline=None)
MICROSECOND, MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = frozenset(range(5))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str, days: frozenset[int] = frozenset(range(7))) -> Span:
    return Span(time.fromisoformat(start), time.fromisoformat(end), days)


NIGHT = span("22:00", "07:00")
OFFICE = span("09:00", "17:00", WEEKDAYS)
QUIET, OPEN = "quiet_hours", "business_hours"


def nights(zone: str, *spans: Span) -> Hours:
    return Hours(zone, quiet=spans or (NIGHT,))


def office(*spans: Span, quiet: tuple[Span, ...] = (), closed_on: frozenset[date] = frozenset()) -> Hours:
    return Hours("Europe/Berlin", quiet, spans or (OFFICE,), closed_on)


# Berlin is an hour ahead of UTC in winter. 2026-11-20 is a Friday, 2026-11-22 a Sunday.
CASES = [
    ("day: nothing is quiet", nights("Europe/Berlin"), "2026-11-20 12:00", None),
    ("night: before it", nights("Europe/Berlin"), "2026-11-20 20:59:59.999999", None),
    ("night: at its very beginning", nights("Europe/Berlin"), "2026-11-20 21:00", (QUIET, "2026-11-21 06:00")),
    ("night: past midnight", nights("Europe/Berlin"), "2026-11-20 23:30", (QUIET, "2026-11-21 06:00")),
    (
        "night: to its last microsecond",
        nights("Europe/Berlin"),
        "2026-11-21 05:59:59.999999",
        (QUIET, "2026-11-21 06:00"),
    ),
    ("night: over at its very end", nights("Europe/Berlin"), "2026-11-21 06:00", None),
    (
        "lunch: within a day",
        nights("Europe/Berlin", span("12:00", "13:00")),
        "2026-11-20 11:59",
        (QUIET, "2026-11-20 12:00"),
    ),
    ("zone: another one's night", nights("America/New_York"), "2026-11-20 12:00", None),
    ("zone: and that one's end", nights("America/New_York"), "2026-11-20 11:59", (QUIET, "2026-11-20 12:00")),
    ("zone: a quarter of an hour apart", nights("Asia/Kathmandu"), "2026-11-20 16:15", (QUIET, "2026-11-21 01:15")),
    (
        "days: it begins on a Friday and ends on a Saturday",
        nights("Europe/Berlin", span("22:00", "07:00", frozenset({4}))),
        "2026-11-21 05:00",
        (QUIET, "2026-11-21 06:00"),
    ),
    (
        "days: not on the others",
        nights("Europe/Berlin", span("22:00", "07:00", frozenset({4}))),
        "2026-11-21 22:00",
        None,
    ),
    (
        "two that meet are one",
        nights("Europe/Berlin", span("22:00", "00:00"), span("00:00", "07:00")),
        "2026-11-20 22:00",
        (QUIET, "2026-11-21 06:00"),
    ),
    (
        "two that overlap are one",
        nights("Europe/Berlin", span("22:00", "03:00"), span("01:00", "07:00")),
        "2026-11-20 22:00",
        (QUIET, "2026-11-21 06:00"),
    ),
    ("all day, all week: no end", nights("Europe/Berlin", span("00:00", "00:00")), "2026-11-20 12:00", (QUIET, None)),
    (
        "all of Sunday",
        nights("Europe/Berlin", span("00:00", "00:00", frozenset({6}))),
        "2026-11-22 12:00",
        (QUIET, "2026-11-22 23:00"),
    ),
    ("office: open", office(), "2026-11-20 10:00", None),
    ("office: open at its very beginning", office(), "2026-11-20 08:00", None),
    ("office: open to its last microsecond", office(), "2026-11-20 15:59:59.999999", None),
    ("office: closed at its very end, for the weekend", office(), "2026-11-20 16:00", (OPEN, "2026-11-23 08:00")),
    ("office: closed in the morning", office(), "2026-11-20 06:00", (OPEN, "2026-11-20 08:00")),
    (
        "office: closed on a holiday",
        office(closed_on=frozenset({date(2026, 11, 23)})),
        "2026-11-20 16:00",
        (OPEN, "2026-11-24 08:00"),
    ),
    (
        "office: a holiday takes the night that begins on it",
        office(span("20:00", "02:00"), closed_on=frozenset({date(2026, 11, 20)})),
        "2026-11-21 00:30",
        (OPEN, "2026-11-21 19:00"),
    ),
    (
        "office: and leaves the one that began the day before",
        office(span("20:00", "02:00"), closed_on=frozenset({date(2026, 11, 21)})),
        "2026-11-21 00:30",
        None,
    ),
    (
        "office: in two parts",
        office(span("09:00", "12:00"), span("13:00", "17:00")),
        "2026-11-20 11:30",
        (OPEN, "2026-11-20 12:00"),
    ),
    ("office: never open", Hours("Europe/Berlin", open=()), "2026-11-20 12:00", (OPEN, None)),
    (
        "office: closed for more than a year",
        office(closed_on=frozenset(date(2026, 11, 1) + timedelta(days=n) for n in range(500))),
        "2026-11-20 12:00",
        (OPEN, None),
    ),
    (
        "both: a lunch within office hours",
        office(quiet=(span("12:00", "13:00"),)),
        "2026-11-20 11:30",
        (QUIET, "2026-11-20 12:00"),
    ),
    (
        "both: a night ends before the office opens",
        office(quiet=(NIGHT,)),
        "2026-11-20 23:00",
        (QUIET, "2026-11-23 08:00"),
    ),
    (
        "both: the office opens into quiet",
        office(quiet=(span("08:00", "10:00"),)),
        "2026-11-20 06:30",
        (OPEN, "2026-11-20 09:00"),
    ),
    ("nothing said: at any time", Hours("UTC"), "2026-11-20 12:00", None),
]


@pytest.mark.parametrize(("hours", "now", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_a_silence_lasts_until_something_may_be_sent(
    hours: Hours, now: str, expected: tuple[str, str | None] | None
) -> None:
    if expected is None:
        assert silence(hours, at(now)) is None
    else:
        rule, until = expected
        assert Silence(rule, at(until) if until else None) == silence(hours, at(now))


# --- when the clock is changed ----------------------------------------------------------------------------------------

# In Berlin, on 2026-03-29 at 01:00 UTC, 02:00 becomes 03:00; on 2026-10-25 at 01:00 UTC, 03:00 becomes 02:00.
# In Havana midnight itself is shown twice, in Samoa a whole day was left out.
CHANGES = [
    ("a night is an hour shorter in spring", nights("Europe/Berlin"), "2026-03-28 21:00", "2026-03-29 05:00"),
    ("and an hour longer in autumn", nights("Europe/Berlin"), "2026-10-24 20:00", "2026-10-25 06:00"),
    (
        "an end that is never shown is when the clock jumps over it",
        nights("Europe/Berlin", span("22:00", "02:30")),
        "2026-03-29 00:59",
        "2026-03-29 01:00",
    ),
    (
        "a beginning that is never shown, too",
        nights("Europe/Berlin", span("02:30", "04:00")),
        "2026-03-29 01:00",
        "2026-03-29 02:00",
    ),
    (
        "an end that is shown twice is the second",
        nights("Europe/Berlin", span("22:00", "02:30")),
        "2026-10-25 00:45",
        "2026-10-25 01:30",
    ),
    (
        "a beginning that is shown twice is the first",
        nights("Europe/Berlin", span("02:30", "04:00")),
        "2026-10-25 00:30",
        "2026-10-25 03:00",
    ),
    (
        "and there is no break between the two",
        nights("Europe/Berlin", span("02:30", "02:45")),
        "2026-10-25 01:15",
        "2026-10-25 01:45",
    ),
    (
        "midnight that is shown twice",
        nights("America/Havana", span("22:00", "00:00")),
        "2026-11-01 04:30",
        "2026-11-01 05:00",
    ),
    (
        "a day that is left out",
        nights("Pacific/Apia", span("00:00", "00:00", frozenset({4}))),
        "2011-12-30 09:59",
        None,
    ),
    ("the office opens by its own clock", office(), "2026-03-27 16:00", "2026-03-30 07:00"),
]


@pytest.mark.parametrize(("hours", "now", "until"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_when_the_clock_is_changed(hours: Hours, now: str, until: str | None) -> None:
    found = silence(hours, at(now))
    assert (None if until is None else at(until)) == (found and found.until_at)


def test_what_is_never_shown_and_what_is_shown_twice() -> None:
    half_past_two = time(2, 30)
    spring = datetime.combine(date(2026, 3, 29), half_past_two)
    autumn = datetime.combine(date(2026, 10, 25), half_past_two)
    assert [moment(BERLIN, spring, fold) for fold in (0, 1)] == [at("2026-03-29 01:00")] * 2
    assert [moment(BERLIN, autumn, fold) for fold in (0, 1)] == [at("2026-10-25 00:30"), at("2026-10-25 01:30")]


def test_an_opening_around_midnight_has_no_gap_where_midnight_is_shown_twice() -> None:
    always = Hours("America/Havana", open=(span("00:00", "00:00"),))
    assert not any(silence(always, at("2026-11-01 03:00") + n * MINUTE) for n in range(240))


# --- properties -------------------------------------------------------------------------------------------------------

ZONES = st.sampled_from(
    ("Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
)
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
SPANS = st.builds(Span, MINUTES, MINUTES, st.frozensets(st.integers(0, 6), min_size=1))
SOME = st.lists(SPANS, max_size=3).map(tuple)
HOURS = st.builds(
    Hours,
    ZONES,
    quiet=SOME,
    open=st.none() | SOME,
    closed_on=st.frozensets(st.dates(date(2026, 10, 20), date(2026, 11, 10)), max_size=3),
)
# Whole minutes from before to after the clocks change in autumn, and a microsecond to either side.
INSTANTS = st.builds(
    lambda minutes, nudge: datetime(2026, 10, 22, tzinfo=UTC) + minutes * MINUTE + nudge * MICROSECOND,
    st.integers(0, 14 * 24 * 60),
    st.sampled_from((-1, 0, 1)),
)


@quick
@given(HOURS, INSTANTS)
def test_a_silence_is_over_when_it_says_and_not_a_moment_before(hours: Hours, now: datetime) -> None:
    found = silence(hours, now)
    if found is None or found.until_at is None:
        return
    assert now < found.until_at <= now + HORIZON
    assert silence(hours, found.until_at) is None
    assert silence(hours, found.until_at - MICROSECOND) is not None


@quick
@given(HOURS, INSTANTS, st.floats(0, 1, exclude_max=True))
def test_all_the_time_until_its_end_it_has_that_end(hours: Hours, now: datetime, part: float) -> None:
    found = silence(hours, now)
    if found is None or found.until_at is None:
        return
    between = min(now + (found.until_at - now) * part, found.until_at - MICROSECOND)
    again = silence(hours, between)
    assert again is not None
    assert again.until_at == found.until_at


def is_shown_in(spans: tuple[Span, ...], wall: datetime, closed_on: frozenset[date] = frozenset()) -> bool:
    """What a person with the timetable in the hand would say who looks at the clock on the wall."""
    for each in spans:
        for day in (wall.date(), wall.date() - timedelta(days=1)):
            start = datetime.combine(day, each.start)
            end = datetime.combine(day if each.start < each.end else day + timedelta(days=1), each.end)
            if day.weekday() in each.days and day not in closed_on and start <= wall < end:
                return True
    return False


@quick
@given(HOURS, st.integers(0, 60 * 24 * 60))
def test_on_days_without_a_change_a_person_would_say_the_same(hours: Hours, minutes: int) -> None:
    now = (
        datetime(2026, 12, 1, tzinfo=UTC) + minutes * MINUTE
    )  # no clock of these zones is changed from then to February
    wall = now.astimezone(hours.zone).replace(tzinfo=None)
    is_open = hours.open is None or is_shown_in(hours.open, wall, hours.closed_on)
    assert (silence(hours, now) is None) == (is_open and not is_shown_in(hours.quiet, wall))


@quick
@given(HOURS, SPANS, INSTANTS)
def test_more_quiet_is_never_less(hours: Hours, more: Span, now: datetime) -> None:
    before, after = (
        silence(hours, now),
        silence(Hours(hours.zone, (*hours.quiet, more), hours.open, hours.closed_on), now),
    )
    if before is not None:
        assert after is not None
        assert after.until_at is None or (before.until_at is not None and after.until_at >= before.until_at)


@quick
@given(ZONES, st.integers(0, 14 * 24 * 60))
def test_every_time_that_is_shown_is_shown_between_its_first_and_its_last(zone: str, minutes: int) -> None:
    now = datetime(2026, 10, 22, tzinfo=UTC) + minutes * MINUTE
    wall = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert now in (moment(ZoneInfo(zone), wall, 0), moment(ZoneInfo(zone), wall, 1))


# --- what is no timetable ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Hours("Europe/Atlantis"), id="no such zone"),
        pytest.param(lambda: Hours("../etc/passwd"), id="no zone but a path"),
        pytest.param(lambda: Span(time(8, tzinfo=UTC), time(9)), id="a time with a zone"),
        pytest.param(lambda: Span(time(8), time(9, microsecond=1)), id="a fraction of a second"),
        pytest.param(lambda: Span(time(8), time(9), frozenset()), id="no day"),
        pytest.param(lambda: Span(time(8), time(9), frozenset({7})), id="an eighth day"),
    ],
)
def test_what_is_no_timetable_says_so(make: object) -> None:
    assert callable(make)
    with pytest.raises(UsageError):
        make()
