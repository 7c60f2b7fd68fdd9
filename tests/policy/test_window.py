"""The service window: half-open, by either rule, and never open again but by a sign of life."""

from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.setting import DEFAULTS, Settings
from wa_connector.model.window import NO_WINDOW, Window, WindowRule
from wa_connector.policy.window import closes_at, closes_by_customer_at, is_open, is_open_by_customer
from wa_connector.testing import strategies
from wa_connector.testing.strategies import DAY, MICROSECOND, NOW, instants_around, windows

quick = settings(max_examples=60, deadline=None)
ANY_MESSAGE = evolve(DEFAULTS, window_rule=WindowRule.ANY_MESSAGE)
SKEW = DEFAULTS.clock_skew


@pytest.mark.parametrize(
    ("now", "is_it_open"),
    [
        (NOW, True),
        (NOW + DAY - MICROSECOND, True),
        (NOW + DAY, False),
        (NOW + DAY + MICROSECOND, False),
    ],
)
def test_it_is_open_for_24_hours_and_closed_at_their_very_end(now: datetime, is_it_open: bool) -> None:
    window = Window(customer_at=NOW)
    assert is_it_open is is_open(window, DAY, DEFAULTS, now)
    assert is_it_open is is_open_by_customer(window, DAY, DEFAULTS, now)


def test_a_provider_whose_clock_is_ahead_opens_it_all_the_same() -> None:
    assert is_open(Window(customer_at=NOW + SKEW), DAY, DEFAULTS, NOW)


def test_nothing_seen_opens_nothing() -> None:
    for rule in (DEFAULTS, ANY_MESSAGE):
        assert closes_at(NO_WINDOW, DAY, rule) is None
        assert not is_open(NO_WINDOW, DAY, rule, NOW)
    assert closes_by_customer_at(NO_WINDOW, DAY, DEFAULTS) is None
    assert not is_open_by_customer(NO_WINDOW, DAY, DEFAULTS, NOW)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("window", "by_customer", "by_any"),
    [
        (Window(customer_at=NOW), NOW, NOW),
        (Window(business_at=NOW), None, NOW),
        (Window(customer_at=NOW, business_at=NOW + HOUR), NOW, NOW + HOUR),
        (Window(customer_at=NOW + HOUR, business_at=NOW), NOW + HOUR, NOW + HOUR),
    ],
)
def test_our_own_messages_extend_it_by_the_rule_any_message_alone(
    window: Window, by_customer: datetime | None, by_any: datetime | None
) -> None:
    def plus(at: datetime | None) -> datetime | None:
        return None if at is None else at + DAY

    assert plus(by_customer) == closes_at(window, DAY, DEFAULTS)
    assert plus(by_any) == closes_at(window, DAY, ANY_MESSAGE)
    assert plus(by_customer) == closes_by_customer_at(window, DAY, ANY_MESSAGE)


def test_the_margin_closes_it_earlier() -> None:
    careful = evolve(DEFAULTS, window_margin=timedelta(minutes=10))
    end = NOW + DAY - timedelta(minutes=10)
    assert end == closes_at(Window(customer_at=NOW), DAY, careful)
    assert end == closes_by_customer_at(Window(customer_at=NOW), DAY, careful)


# --- a refusal by the provider ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer_at", "is_it_open"),
    [
        (NOW - SKEW - MICROSECOND, False),
        (NOW - SKEW, False),
        (NOW - SKEW + MICROSECOND, True),
        (NOW, True),
        (NOW + MICROSECOND, True),
    ],
)
def test_only_a_sign_of_life_after_a_refusal_counts_as_far_as_the_clocks_can_tell(
    customer_at: datetime, is_it_open: bool
) -> None:
    """The customer's instants are the provider's clock and the refusal is ours: within the skew bound nobody knows which
    came first, and the customer is given the benefit."""
    window = Window(customer_at=customer_at, refused_at=NOW)
    assert is_it_open is is_open(window, DAY, DEFAULTS, NOW)
    assert is_it_open is is_open_by_customer(window, DAY, DEFAULTS, NOW)


@pytest.mark.parametrize(
    ("business_at", "is_it_open"), [(NOW - MICROSECOND, False), (NOW, False), (NOW + MICROSECOND, True)]
)
def test_our_own_instants_are_compared_with_ours_exactly(business_at: datetime, is_it_open: bool) -> None:
    window = Window(business_at=business_at, refused_at=NOW)
    assert is_it_open is is_open(window, DAY, ANY_MESSAGE, NOW)


def test_what_was_said_before_a_refusal_does_not_count_beside_what_was_said_after() -> None:
    window = Window(customer_at=NOW - HOUR, business_at=NOW + HOUR, refused_at=NOW)
    assert closes_at(window, DAY, ANY_MESSAGE) == NOW + HOUR + DAY
    assert closes_at(window, DAY, DEFAULTS) is None


# --- properties -------------------------------------------------------------------------------------------------------


@quick
@given(windows(), strategies.settings(), instants_around())
def test_it_is_open_exactly_until_it_closes(window: Window, rules: Settings, now: datetime) -> None:
    end = closes_at(window, DAY, rules)
    assert (end is not None and now < end) == is_open(window, DAY, rules, now)
    end = closes_by_customer_at(window, DAY, rules)
    assert (end is not None and now < end) == is_open_by_customer(window, DAY, rules, now)


@quick
@given(windows(), strategies.settings())
def test_the_customer_alone_never_keeps_it_open_for_longer_than_the_rule_does(window: Window, rules: Settings) -> None:
    by_customer = closes_by_customer_at(window, DAY, rules)
    if rules.window_rule is WindowRule.CUSTOMER_MESSAGE:
        assert by_customer == closes_at(window, DAY, rules)
    elif by_customer is not None:
        end = closes_at(window, DAY, rules)
        assert end is not None
        assert by_customer <= end


def ends(window: Window, rules: Settings) -> tuple[datetime, datetime]:
    never = NOW - timedelta(days=999)
    return closes_at(window, DAY, rules) or never, closes_by_customer_at(window, DAY, rules) or never


@quick
@given(windows(), strategies.settings(), st.lists(instants_around(), max_size=4), st.data())
def test_older_signs_change_nothing_and_newer_ones_never_close_it(
    window: Window, rules: Settings, signs: list[datetime], data: st.DataObject
) -> None:
    """The instants are maxima, so signs may come in any order, and late."""
    name = data.draw(st.sampled_from(("customer_at", "business_at")))
    known = getattr(window, name)
    for sign in signs:
        later = evolve(window, **{name: max(known, sign) if known else sign})
        if known and sign <= known:
            assert window == later
        assert ends(window, rules) <= ends(later, rules)


@quick
@given(windows(), strategies.settings(), instants_around())
def test_a_refusal_never_opens_it(window: Window, rules: Settings, refused_at: datetime) -> None:
    refused = max(window.refused_at, refused_at) if window.refused_at else refused_at
    before, later = ends(window, rules), ends(evolve(window, refused_at=refused), rules)
    assert later[0] <= before[0]
    assert later[1] <= before[1]
