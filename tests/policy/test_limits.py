"""The budget of a pair: a limit is a wait, and the wait is long enough."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.ids import CustomerId
from wa_connector.model.queue import Budget
from wa_connector.model.standing import TierUse
from wa_connector.policy.limits import (
    HOUR,
    answered,
    hour_of,
    hours_that_count,
    refilled,
    spent,
    tier_use,
    tier_use_by_hour,
    wait_until,
)
from wa_connector.testing.strategies import DAY, MICROSECOND, NOW

quick = settings(max_examples=100, deadline=None)
BURST, SIX = 45, timedelta(seconds=6)
_SPANS = st.timedeltas(timedelta(0), timedelta(minutes=6))
_INTERVALS = st.timedeltas(timedelta(milliseconds=1), timedelta(hours=1))
_BUDGETS = st.builds(Budget, st.floats(0, BURST), st.just(NOW))


def test_a_pair_that_never_spent_has_the_whole_burst() -> None:
    assert Budget(45.0, NOW) == refilled(None, NOW, BURST, SIX)


def test_what_was_spent_comes_back_one_an_interval() -> None:
    empty = Budget(0.0, NOW)
    assert Budget(1.0, NOW + SIX) == refilled(empty, NOW + SIX, BURST, SIX)
    assert Budget(0.5, NOW + SIX / 2) == refilled(empty, NOW + SIX / 2, BURST, SIX)
    assert Budget(45.0, NOW + 999 * SIX) == refilled(empty, NOW + 999 * SIX, BURST, SIX)


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert Budget(3.0, NOW - SIX) == refilled(Budget(3.0, NOW), NOW - SIX, BURST, SIX)


@pytest.mark.parametrize(("tokens", "expected"), [(45.0, None), (1.0, None), (0.5, NOW + SIX / 2), (0.0, NOW + SIX)])
def test_a_message_goes_when_there_is_a_whole_token(tokens: float, expected: datetime | None) -> None:
    assert expected == wait_until(Budget(tokens, NOW), SIX)


def test_a_wait_that_would_end_within_a_microsecond_is_rounded_up() -> None:
    """A third of a microsecond is missing: at NOW it is not whole, a microsecond later it is."""
    interval = timedelta(seconds=1)
    almost = Budget(1 - 3e-7, NOW)
    assert wait_until(almost, interval) == NOW + MICROSECOND


@quick
@given(_BUDGETS, _SPANS, _INTERVALS)
def test_at_the_end_of_a_wait_the_message_goes(budget: Budget, span: timedelta, interval: timedelta) -> None:
    """A wait that ends a fraction too early would be followed by another of no length, for ever."""
    now = refilled(budget, NOW + span, BURST, interval)
    due_at = wait_until(now, interval)
    if due_at is not None:
        assert due_at > now.at
        assert wait_until(refilled(now, due_at, BURST, interval), interval) is None
        too_early = refilled(now, due_at - MICROSECOND, BURST, interval)
        assert wait_until(too_early, interval) is not None


_LATENCIES = st.sampled_from([timedelta(seconds=seconds) for seconds in (0, 0, 0.1, 2, 6, 20)])
_PAUSES = st.sampled_from([timedelta(seconds=seconds) for seconds in (0, 0, 0, 1, 6, 60)])


@quick
@given(st.lists(st.tuples(_PAUSES, _LATENCIES, _LATENCIES), min_size=1, max_size=40), st.integers(1, 5))
def test_the_provider_refuses_none_however_long_each_is_on_its_way(
    sends: list[tuple[timedelta, timedelta, timedelta]], burst: int
) -> None:
    """It counts a message when it has it, which is some time before we have its answer."""
    ours: Budget | None = None
    theirs: Budget | None = None
    now = NOW
    for pause, there, back in sends:
        ours = refilled(ours, now + pause, burst, SIX)
        now = wait_until(ours, SIX) or now + pause
        ours = spent(refilled(ours, now, burst, SIX))
        theirs = refilled(theirs, now + there, burst, SIX)
        assert theirs.tokens > 0.999_999
        theirs = spent(theirs)
        now += there + back
        ours = answered(ours, now, burst, SIX)


@quick
@given(st.lists(_SPANS, max_size=8))
def test_a_budget_is_never_above_the_burst_nor_below_nothing(pauses: list[timedelta]) -> None:
    budget: Budget | None = None
    now = NOW
    for pause in pauses:
        now += pause
        budget = refilled(budget, now, BURST, SIX)
        assert 0 <= budget.tokens <= BURST
        while wait_until(budget, SIX) is None:
            budget = spent(budget)


def test_in_an_hour_no_more_leaves_than_a_burst_and_one_an_interval() -> None:
    now, sent, budget = NOW, 0, refilled(None, NOW, BURST, SIX)
    while now < NOW + timedelta(hours=1):
        due_at = wait_until(budget, SIX)
        if due_at is None:
            budget, sent = spent(budget), sent + 1
        else:
            now = due_at
            budget = refilled(budget, now, BURST, SIX)
    assert sent == BURST + 600 - 1


# --- the portfolio's day ----------------------------------------------------------------------------------------------

ANN, BEN, CLEO = CustomerId("ann"), CustomerId("ben"), CustomerId("cleo")


def test_an_unlimited_portfolio_is_not_counted() -> None:
    assert tier_use({ANN: NOW}, BEN, None, NOW) is None


def test_who_was_reached_within_a_day_takes_a_place() -> None:
    reached = {ANN: NOW - timedelta(hours=3), BEN: NOW - timedelta(hours=5)}
    frees_at = NOW + timedelta(hours=19)
    assert TierUse(left=0, includes_customer=True, frees_at=frees_at) == tier_use(reached, ANN, 2, NOW)
    assert TierUse(left=1, includes_customer=False, frees_at=frees_at) == tier_use(reached, CLEO, 3, NOW)


@pytest.mark.parametrize(("now", "left"), [(NOW + DAY - MICROSECOND, 0), (NOW + DAY, 1), (NOW + DAY + MICROSECOND, 1)])
def test_a_place_is_free_at_the_very_end_of_its_day(now: datetime, left: int) -> None:
    use = tier_use({ANN: NOW}, ANN, 1, now)
    assert use is not None
    assert (left, left == 0) == (use.left, use.includes_customer)


@quick
@given(
    st.dictionaries(st.sampled_from((ANN, BEN, CLEO)), st.timedeltas(timedelta(0), 2 * DAY)),
    st.sampled_from((ANN, BEN, CLEO)),
    st.integers(1, 3),
)
def test_when_a_tier_is_full_it_is_no_longer_so_when_it_says(
    ago: dict[CustomerId, timedelta], customer: CustomerId, tier: int
) -> None:
    reached = {who: NOW - span for who, span in ago.items()}
    use = tier_use(reached, customer, tier, NOW)
    assert use is not None
    assert len([span for span in ago.values() if span < DAY]) == tier - use.left
    later = tier_use(reached, customer, tier, use.frees_at)
    assert later is not None
    if use.left < tier:
        assert use.frees_at > NOW
        assert later.left > use.left
    else:
        assert use.frees_at <= NOW


# --- by the hour ------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 8), st.integers(0, 59))
def test_counts_by_the_hour_err_on_the_safe_side_and_by_less_than_an_hour(
    hours_ago: list[int], tier: int, minutes: int
) -> None:
    """Never more places than by name; and an hour later all of them."""
    moments = [NOW - timedelta(hours=ago, minutes=minutes) for ago in hours_ago]
    by_name = {CustomerId(str(place)): at for place, at in enumerate(moments)}
    counts = Counter(hour_of(at) for at in moments)
    exact = tier_use(by_name, CustomerId("new"), tier, NOW)
    rough = tier_use_by_hour(counts, None, tier, NOW)
    assert exact is not None
    assert rough.left <= exact.left
    assert exact.left <= tier_use_by_hour(counts, None, tier, NOW + HOUR).left
    assert set(counts) - set(hours_that_count(NOW)) == {hour for hour in counts if hour < hour_of(NOW) - 24}


def test_the_counts_of_a_day_and_the_hour_begun_are_read_and_no_others() -> None:
    hour = hour_of(NOW)
    assert list(range(hour - 24, hour + 1)) == list(hours_that_count(NOW))


def test_a_place_is_free_when_the_hour_of_the_first_is_a_day_old() -> None:
    counts = {hour_of(NOW): 1}
    use = tier_use_by_hour(counts, None, 1, NOW)
    assert (use.left, use.includes_customer) == (0, False)
    assert use.frees_at == NOW.replace(minute=0, second=0, microsecond=0) + HOUR + DAY
    assert tier_use_by_hour(counts, None, 1, use.frees_at - timedelta(microseconds=1)).left == 0
    assert tier_use_by_hour(counts, None, 1, use.frees_at).left == 1


def test_where_nobody_was_counted_a_place_is_free_already() -> None:
    use = tier_use_by_hour({hour_of(NOW) - 1: 0}, None, 1, NOW)
    assert (use.left, use.includes_customer) == (1, False)
    assert use.frees_at <= NOW


def test_a_customer_counts_for_a_day_from_when_he_was_counted() -> None:
    assert tier_use_by_hour({}, NOW, 1, NOW + timedelta(hours=24, microseconds=-1)).includes_customer
    assert not tier_use_by_hour({}, NOW, 1, NOW + timedelta(hours=24)).includes_customer
