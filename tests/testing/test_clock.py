"""The clock that tests hold."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from wa_connector.errors import UsageError
from wa_connector.testing.clock import START, VirtualClock


def test_it_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock()
    assert (clock(), clock()) == (START, START)
    assert clock.advance(timedelta(hours=1), minutes=30) == START + timedelta(hours=1, minutes=30)
    assert clock() == START + timedelta(hours=1, minutes=30)


def test_it_goes_to_an_instant_and_not_back() -> None:
    clock = VirtualClock()
    assert clock.advance_to(START + timedelta(days=1)) == START + timedelta(days=1)
    assert clock.advance_to(START) == START + timedelta(days=1)
    with pytest.raises(UsageError, match="does not go back"):
        clock.advance(hours=-1)


def test_it_is_always_utc() -> None:
    there = datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert VirtualClock(there)() == there
    assert VirtualClock(there)().tzinfo is UTC
    with pytest.raises(UsageError, match="time zone"):
        VirtualClock(datetime(2026, 3, 1))  # noqa: DTZ001 - what is refused
