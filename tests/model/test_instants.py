"""Instants come in aware and plausible, and are kept to the microsecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.errors import UsageError
from wa_connector.model.instants import EARLIEST, LATEST, checked, from_microseconds, to_microseconds
from wa_connector.testing.strategies import MICROSECOND, NOW, instants

quick = settings(max_examples=40, deadline=None)


@quick
@given(instants())
def test_an_instant_survives_the_way_to_microseconds_and_back_exactly(at: datetime) -> None:
    assert at == from_microseconds(to_microseconds(at))


@quick
@given(instants(), instants())
def test_microseconds_are_in_the_order_of_the_instants(one: datetime, other: datetime) -> None:
    assert (one < other) == (to_microseconds(one) < to_microseconds(other))


def test_microseconds_count_from_1970() -> None:
    assert to_microseconds(datetime(2026, 3, 1, 12, tzinfo=UTC)) == 1_772_366_400_000_000
    assert datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC) == from_microseconds(1_772_366_400_000_001)


@quick
@given(instants(), st.timedeltas(timedelta(hours=-14), timedelta(hours=14)))
def test_an_instant_of_any_zone_is_the_same_instant_in_utc(at: datetime, offset: timedelta) -> None:
    local = at.astimezone(timezone(offset))
    assert at == checked(local, "at")
    assert UTC is checked(local, "at").tzinfo


def test_a_naive_instant_is_refused_by_the_name_of_its_field() -> None:
    with pytest.raises(UsageError, match=r"^due_at has no time zone.*datetime\.now\(UTC\)"):
        checked(NOW.replace(tzinfo=None), "due_at")


@pytest.mark.parametrize("at", [EARLIEST, LATEST - MICROSECOND])
def test_the_first_and_the_last_instant_are_taken(at: datetime) -> None:
    assert at == checked(at, "at")


@pytest.mark.parametrize(
    "at",
    [
        EARLIEST - MICROSECOND,
        LATEST,
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
    ],
)
def test_an_instant_outside_the_years_is_taken_for_a_wrong_unit(at: datetime) -> None:
    with pytest.raises(UsageError, match=r"^at lies outside 2009-2100\. Is its unit right\?"):
        checked(at, "at")
