"""The virtual clock."""

from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from wa_connector_emulator import VirtualClock

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@attrs.define
class Ticks:
    """Real time, as the test lets it pass."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_running_clock_goes_along_with_real_time_plus_what_was_added() -> None:
    ticks = Ticks()
    clock = VirtualClock(NOON, monotonic=ticks)
    assert clock.now() == NOON
    ticks.seconds += 60
    assert clock.now() == NOON + MINUTE
    clock.advance(MINUTE)
    ticks.seconds += 60
    assert clock.now() == NOON + 3 * MINUTE


def test_a_frozen_clock_moves_only_when_told() -> None:
    ticks = Ticks()
    clock = VirtualClock(NOON, is_frozen=True, monotonic=ticks)
    ticks.seconds += 60
    assert clock.now() == NOON
    clock.advance(MINUTE)
    clock.set(clock.now() + MINUTE)
    assert clock.now() == NOON + 2 * MINUTE
    clock.run()
    ticks.seconds += 60
    assert clock.now() == NOON + 3 * MINUTE
    clock.freeze()
    clock.freeze()
    ticks.seconds += 60
    assert (clock.now(), clock.is_frozen) == (NOON + 3 * MINUTE, True)


def test_it_starts_at_the_real_now() -> None:
    before = datetime.now(UTC)
    assert before <= VirtualClock().now() <= datetime.now(UTC)


def test_it_can_be_set_back_but_not_advanced_back() -> None:
    clock = VirtualClock(NOON, is_frozen=True)
    clock.set(NOON - MINUTE)
    assert clock.now() == NOON - MINUTE
    with pytest.raises(ValueError, match="use set"):
        clock.advance(-MINUTE)


def test_instants_are_aware_and_become_utc() -> None:
    there = timezone(timedelta(hours=2))
    clock = VirtualClock(NOON.astimezone(there), is_frozen=True)
    assert (clock.now(), clock.now().tzinfo) == (NOON, UTC)
    with pytest.raises(ValueError, match="time zone"):
        clock.set(NOON.replace(tzinfo=None))


def test_listeners_hear_of_every_tampering() -> None:
    heard: list[datetime] = []
    clock = VirtualClock(NOON, is_frozen=True)
    clock.on_change(lambda: heard.append(clock.now()))
    clock.advance(MINUTE)
    clock.set(NOON)
    clock.run()
    clock.freeze()
    assert len(heard) == 4
    assert heard[:2] == [NOON + MINUTE, NOON]
