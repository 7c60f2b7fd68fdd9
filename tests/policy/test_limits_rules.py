"""The provider's limits, one by one: each is a wait or a refusal with a remedy, and none is a failure.

Rules of this file: every case names, in our own words, the section of the provider's documentation that it is of. How the
arithmetic behaves in between is ``test_limits.py``'s matter.
"""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.consent import ChannelConsent, Stage
from wa_connector.model.content import TemplateMessage, Text
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.ids import AccountId, CustomerId
from wa_connector.model.queue import Budget
from wa_connector.model.setting import Settings
from wa_connector.model.standing import Standing, TierUse
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.model.window import Window, WindowRule
from wa_connector.policy.action import Action, AskConsent, DeliverRequest, UseTemplate, Write
from wa_connector.policy.country import UNITED_STATES, country_of
from wa_connector.policy.limits import (
    AHEAD,
    DAY,
    NUMBER,
    NUMBER_UPGRADED,
    NUMBER_WITH_PHONE_APP,
    PAIR,
    SET_BACK,
    SPANS,
    Pace,
    Share,
    portions,
    refilled,
    share_of,
    spent,
    throughput,
    tier_use,
    wait_until,
)
from wa_connector.policy.rules import decide
from wa_connector.testing.strategies import MICROSECOND, NOW, WHATSAPP

quick = settings(max_examples=100, deadline=None)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)

# --- paces: of a pair, and of a number --------------------------------------------------------------------------------


def departures(pace: Pace, count: int) -> list[timedelta]:
    """When ``count`` messages leave that are all there at once, each as soon as its budget lets it go."""
    now, budget = NOW, refilled(None, NOW, pace.burst, pace.interval)
    gone: list[timedelta] = []
    while len(gone) < count:
        due_at = wait_until(budget, pace.interval)
        if due_at is None:
            budget = spent(budget)
            gone.append(now - NOW)
        else:
            now = due_at
            budget = refilled(budget, now, pace.burst, pace.interval)
    return gone


@frozen
class Leaving:
    """The ``nth`` of many messages leaves ``after`` the first."""

    source: str
    pace: Pace
    nth: int
    after: timedelta


LEAVING = [
    Leaving("pair rate: a burst of 45 may be borrowed", PAIR, 45, timedelta(0)),
    Leaving("pair rate: what was borrowed is paid back at one in 6 seconds", PAIR, 46, 6 * SECOND),
    Leaving("pair rate: ten a minute after the burst", PAIR, 55, timedelta(minutes=1)),
    Leaving("pair rate: 600 an hour after the burst", PAIR, 645, HOUR),
    Leaving("throughput: 80 a second", NUMBER, 81, SECOND),
    Leaving("throughput: 80 a second, evenly", NUMBER, 2, timedelta(milliseconds=12.5)),
    Leaving("throughput, upgraded: 1,000 a second", NUMBER_UPGRADED, 1001, SECOND),
    Leaving("throughput, upgraded: evenly", NUMBER_UPGRADED, 2, timedelta(milliseconds=1)),
    Leaving("throughput beside the phone app: 20 a second", NUMBER_WITH_PHONE_APP, 21, SECOND),
    Leaving("throughput beside the phone app: evenly", NUMBER_WITH_PHONE_APP, 2, timedelta(milliseconds=50)),
]


@pytest.mark.parametrize("case", LEAVING, ids=lambda case: case.source)
def test_what_exceeds_a_pace_waits_just_long_enough(case: Leaving) -> None:
    assert case.after == departures(case.pace, case.nth)[-1]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(Budget(0.0, NOW), NOW + 6 * SECOND, id="pair rate: nothing left is a wait of 6 seconds"),
        pytest.param(Budget(0.5, NOW), NOW + 3 * SECOND, id="pair rate: half of one left is half of the wait"),
        pytest.param(Budget(1.0, NOW), None, id="pair rate: one left goes at once"),
        pytest.param(Budget(-1.0, NOW), NOW + 12 * SECOND, id="pair rate: a debt is paid first"),
    ],
)
def test_a_spent_budget_is_a_wait(budget: Budget, expected: datetime | None) -> None:
    assert expected == wait_until(budget, PAIR.interval)


@quick
@given(st.integers(1, 2000), st.integers(0, 400))
def test_in_no_second_whatever_leaves_more_than_the_throughput(per_second: int, first: int) -> None:
    """Also in one that begins anywhere, and where a second is no multiple of the interval."""
    count = min(per_second, 200)
    leaving = departures(throughput(per_second), first + count + 1)
    if count == per_second:
        assert leaving[first + count] - leaving[first] >= SECOND
    assert all(later - earlier >= SECOND / per_second for earlier, later in itertools.pairwise(leaving))


@quick
@given(st.integers(0, 200))
def test_in_no_six_seconds_whatever_leaves_more_than_a_burst_and_one(first: int) -> None:
    leaving = departures(PAIR, first + PAIR.burst + 2)
    assert leaving[first + PAIR.burst + 1] - leaving[first] >= PAIR.interval


# --- several processes, one line --------------------------------------------------------------------------------------


@quick
@given(
    st.integers(2, 2000),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 200_000), st.booleans()), min_size=1, max_size=60),
)
def test_in_no_second_whatever_leaves_more_however_many_processes_send(
    per_second: int, asked: list[tuple[int, int, bool]]
) -> None:
    """Each process takes shares when it needs them and sends all that a span lets it, as early or as late as it can."""
    pace = portions(per_second)
    given_until, now = None, NOW
    leaving: list[datetime] = []
    for _, microseconds, is_late in asked:
        now += timedelta(microseconds=microseconds)
        share = share_of(given_until, now, pace)
        if isinstance(share, datetime):
            assert share > now
            continue
        assert given_until is None or share.from_at >= given_until
        given_until = share.until_at
        for span in range(SPANS):
            at = share.from_at + span * pace.interval
            assert span == share.span_at(at)
            last = pace.interval - timedelta(microseconds=1)
            leaving += [at + last if is_late else at] * pace.burst
    leaving.sort()
    for first, later in zip(leaving, leaving[per_second:], strict=False):
        assert later - first >= SECOND


def test_levels_lose_a_twentieth() -> None:
    """What the even division of a line's time among processes costs, at each level that the provider has."""
    a_second = {level: portions(level).burst * SECOND / portions(level).interval for level in (20, 80, 1000)}
    assert {level: round(rate / level, 2) for level, rate in a_second.items()} == {20: 0.95, 80: 0.95, 1000: 0.95}


def test_spans_of_a_tenth_of_a_second_are_as_long_to_the_microsecond() -> None:
    assert portions(11) == Pace(1, timedelta(milliseconds=100))


@pytest.mark.parametrize("level", [20, 80, 1000])
def test_a_share_is_about_a_tenth_of_a_second(level: int) -> None:
    """So that a process which dies with one takes little of the line's time with it."""
    share = share_of(None, NOW, portions(level))
    assert isinstance(share, Share)
    assert timedelta(milliseconds=90) < share.until_at - share.from_at < timedelta(milliseconds=110)


def test_time_is_given_away_a_second_ahead_and_no_more() -> None:
    pace = portions(80)
    assert isinstance(share_of(NOW + AHEAD, NOW, pace), Share)
    for given_until in (NOW + 2 * SECOND, NOW + SET_BACK):
        assert given_until - AHEAD == share_of(given_until, NOW, pace)


def test_a_share_begins_when_it_is_heard_of() -> None:
    """The second a share may lie ahead is counted from there."""
    pace = portions(80)
    for given_until in (None, NOW, NOW + SECOND):
        share = share_of(given_until, NOW, pace, lead=5 * SECOND)
        assert isinstance(share, Share)
        assert share.from_at == NOW + 5 * SECOND
    assert share_of(NOW + 7 * SECOND, NOW, pace, lead=5 * SECOND) == NOW + SECOND


def test_a_clock_that_was_set_back_does_not_stop_a_line() -> None:
    share = share_of(NOW + timedelta(seconds=61), NOW, portions(80))
    assert isinstance(share, Share)
    assert share.from_at == NOW


def test_a_share_is_half_open() -> None:
    share = Share(NOW, NOW + 2 * SECOND, Pace(1, SECOND))
    instants = (NOW - SECOND, NOW, NOW + SECOND, NOW + 2 * SECOND)
    assert [share.span_at(at) for at in instants] == [None, 0, 1, None]


# --- the portfolio's day ----------------------------------------------------------------------------------------------

ANN, BEN, CLEO, DAN = map(CustomerId, ("ann", "ben", "cleo", "dan"))
NOT_AT_ALL: dict[CustomerId, timedelta] = {}
TIERS = (250, 2000, 10_000, 100_000)


@frozen
class Tier:
    """Who was reached how long ago, of a tier of so many, is what is left of it to ``customer``."""

    source: str
    reached: dict[CustomerId, timedelta]
    tier: int | None
    expected: TierUse | None
    customer: CustomerId = ANN


def left(places: int, frees_in: timedelta, *, includes: bool = False) -> TierUse:
    return TierUse(places, includes, NOW + frees_in)


TIER_CASES = [
    Tier("messaging limit: unlimited is not counted", {ANN: HOUR}, None, None),
    Tier("messaging limit: nobody reached yet", NOT_AT_ALL, 250, left(250, timedelta(0))),
    Tier("messaging limit: unique customers", {BEN: HOUR}, 250, left(249, 23 * HOUR)),
    Tier("messaging limit: one who was reached counts once", {ANN: HOUR}, 250, left(249, 23 * HOUR, includes=True)),
    Tier("messaging limit: full", {BEN: HOUR, CLEO: 2 * HOUR}, 2, left(0, 22 * HOUR)),
    Tier("messaging limit: moving 24 hours, just within", {BEN: DAY - MICROSECOND}, 1, left(0, MICROSECOND)),
    Tier("messaging limit: moving 24 hours, just over", {BEN: DAY}, 1, left(1, timedelta(0))),
    Tier("messaging limit: full, and he is in it", {ANN: HOUR, BEN: HOUR}, 2, left(0, 23 * HOUR, includes=True)),
    Tier(
        "messaging limit: lowered, so that two must leave before one may come",
        {BEN: HOUR, CLEO: 2 * HOUR, DAN: 3 * HOUR},
        2,
        left(-1, 22 * HOUR),
    ),
    Tier(
        "messaging limit: lowered to one",
        {BEN: HOUR, CLEO: 2 * HOUR, DAN: 3 * HOUR},
        1,
        left(-2, 23 * HOUR),
    ),
    Tier("messaging limit: none at all", {BEN: HOUR}, 0, left(-1, 23 * HOUR)),
    *(Tier(f"messaging limit: {tier:,}", {BEN: HOUR}, tier, left(tier - 1, 23 * HOUR)) for tier in TIERS),
]


@pytest.mark.parametrize("case", TIER_CASES, ids=lambda case: case.source)
def test_a_tier_counts_whom_it_reached_within_a_day(case: Tier) -> None:
    reached = {who: NOW - ago for who, ago in case.reached.items()}
    assert case.expected == tier_use(reached, case.customer, case.tier, NOW)


@quick
@given(
    st.dictionaries(st.sampled_from((BEN, CLEO, DAN)), st.timedeltas(timedelta(0), DAY - MICROSECOND), min_size=1),
    st.integers(1, 3),
)
def test_a_full_tier_has_a_place_when_it_says_and_not_before(ago: dict[CustomerId, timedelta], tier: int) -> None:
    reached = {who: NOW - span for who, span in ago.items()}
    use = tier_use(reached, ANN, tier, NOW)
    assert use is not None
    if use.left <= 0:
        then, before = (tier_use(reached, ANN, tier, at) for at in (use.frees_at, use.frees_at - MICROSECOND))
        assert then is not None
        assert before is not None
        assert then.left > 0
        assert before.left <= 0


# --- what the rules make of it ----------------------------------------------------------------------------------------

UTILITY = Template(
    AccountId("account-1"), "order_update", "en", TemplateCategory.UTILITY, TemplateStatus.APPROVED, body="It left."
)
OFFER = evolve(UTILITY, name="offer", category=TemplateCategory.MARKETING)


def use(template: Template) -> UseTemplate:
    return UseTemplate(TemplateMessage(template.name, "en"), template)


CHANNEL = evolve(WHATSAPP, no_marketing_to=frozenset({UNITED_STATES}))
NEVER_ASKED = ChannelConsent()
ASKED = ChannelConsent(Stage.ASKED, asked_at=NOW - 2 * DAY)
AGREED = ChannelConsent(Stage.GRANTED, Stage.GRANTED)
STOPPED_MARKETING = ChannelConsent(Stage.GRANTED, Stage.REVOKED)
CLOSED, OPEN = Window(customer_at=NOW - 2 * DAY), Window(customer_at=NOW - HOUR)
FREE = Standing(CHANNEL, Decision(Reason.ALLOWED), consent=AGREED, window=CLOSED)
"""Somebody who agreed to everything and has not written for two days."""
FULL = left(0, 5 * HOUR)


@frozen
class Case:
    """What comes of ``action`` where ``changes`` are made to a standing that allows it: nothing for ALLOWED."""

    source: str
    action: Action
    changes: dict[str, Any]
    reason: Reason = Reason.ALLOWED
    remedies: tuple[Remedy, ...] = ()


def wait(span: timedelta) -> Remedy:
    return Remedy(RemedyKind.WAIT, NOW + span)


CHOOSE = Remedy(RemedyKind.CHOOSE_TEMPLATE)
WAITS = (wait(5 * HOUR),)
REQUEST = TemplateMessage("order_update", "en")

CASES = [
    Case("messaging limit: a place is left", use(UTILITY), {"tier": left(1, HOUR)}),
    Case("messaging limit: nobody counts", use(UTILITY), {"tier": None}),
    Case("messaging limit: full is a wait", use(UTILITY), {"tier": FULL}, Reason.DAILY_LIMIT, WAITS),
    Case("messaging limit: lowered is a wait", use(UTILITY), {"tier": left(-9, 5 * HOUR)}, Reason.DAILY_LIMIT, WAITS),
    Case(
        "messaging limit: who was reached today may be again",
        use(UTILITY),
        {"tier": evolve(FULL, includes_customer=True)},
    ),
    Case("messaging limit: only outside the service window", use(UTILITY), {"tier": FULL, "window": OPEN}),
    Case("messaging limit: free-form never counts", Write(Text("Hi")), {"tier": FULL, "window": OPEN}),
    Case(
        "messaging limit: an opt-in request counts",
        AskConsent(REQUEST, UTILITY),
        {"tier": FULL, "consent": NEVER_ASKED},
        Reason.DAILY_LIMIT,
        WAITS,
    ),
    Case(
        "messaging limit: a request that waited counts when it leaves",
        DeliverRequest(REQUEST, UTILITY),
        {"tier": FULL, "consent": ASKED},
        Reason.DAILY_LIMIT,
        WAITS,
    ),
    Case("marketing to the United States: refused", use(OFFER), {"country": "US"}, Reason.MARKETING_COUNTRY, (CHOOSE,)),
    Case(
        "marketing to the United States: refused inside the window, too",
        use(OFFER),
        {"country": "US", "window": OPEN},
        Reason.MARKETING_COUNTRY,
        (CHOOSE,),
    ),
    Case("marketing to the United States: other categories go", use(UTILITY), {"country": "US"}),
    Case("marketing to the United States: other countries get it", use(OFFER), {"country": ""}),
    Case(
        "marketing to the United States: a channel that does not mind",
        use(OFFER),
        {"country": "US", "capabilities": WHATSAPP},
    ),
    Case(
        "per-user marketing limit (131049): a day without",
        use(OFFER),
        {"marketing_after_at": NOW + 5 * HOUR},
        Reason.MARKETING_CAPPED,
        (wait(5 * HOUR), CHOOSE),
    ),
    Case(
        "per-user marketing limit (131049): to the last microsecond",
        use(OFFER),
        {"marketing_after_at": NOW + MICROSECOND},
        Reason.MARKETING_CAPPED,
        (wait(MICROSECOND), CHOOSE),
    ),
    Case("per-user marketing limit (131049): over at its end", use(OFFER), {"marketing_after_at": NOW}),
    Case(
        "per-user marketing limit (131049): not inside the window that the customer opened",
        use(OFFER),
        {"marketing_after_at": NOW + DAY, "window": Window(customer_at=NOW - DAY + MICROSECOND)},
    ),
    Case(
        "per-user marketing limit (131049): inside one that only we opened",
        use(OFFER),
        {
            "marketing_after_at": NOW + DAY,
            "window": Window(business_at=NOW),
            "settings": Settings(window_rule=WindowRule.ANY_MESSAGE),
        },
        Reason.MARKETING_CAPPED,
        (wait(DAY), CHOOSE),
    ),
    Case(
        "per-user marketing limit (131049): a channel without windows",
        use(OFFER),
        {"marketing_after_at": NOW + DAY, "capabilities": evolve(WHATSAPP, window=None)},
        Reason.MARKETING_CAPPED,
        (wait(DAY), CHOOSE),
    ),
    Case(
        "per-user marketing limit (131049): no fault of the template's, and marketing only",
        use(UTILITY),
        {"marketing_after_at": NOW + DAY},
    ),
    Case(
        "marketing stopped in the app (131050): no marketing",
        use(OFFER),
        {"consent": STOPPED_MARKETING},
        Reason.MARKETING_NOT_GRANTED,
        (CHOOSE,),
    ),
    Case("marketing stopped in the app (131050): utility goes on", use(UTILITY), {"consent": STOPPED_MARKETING}),
    Case(
        "marketing stopped in the app (131050): service goes on",
        Write(Text("Hi")),
        {"consent": STOPPED_MARKETING, "window": OPEN},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_a_limit_is_a_wait_or_a_refusal_with_a_way_out(case: Case) -> None:
    decision = decide(case.action, evolve(FREE, **case.changes), NOW)
    assert (case.reason, case.remedies) == (decision.reason, decision.remedies)
    assert decision.sentence


@pytest.mark.parametrize("case", [case for case in CASES if case.remedies], ids=lambda case: case.source)
def test_who_waits_as_long_as_told_is_not_refused_for_it_again(case: Case) -> None:
    for remedy in case.remedies:
        if remedy.kind is RemedyKind.WAIT:
            assert remedy.at is not None
            tier = {"tier": evolve(FULL, left=1)} if case.reason is Reason.DAILY_LIMIT else {}
            later = evolve(FREE, **{**case.changes, **tier})
            assert case.reason is not decide(case.action, later, remedy.at).reason


# --- who is in the United States --------------------------------------------------------------------------------------

COUNTRIES = [
    ("marketing to the United States: +1 and an area code of theirs", number("+12125550100"), "US"),
    ("marketing to the United States: a newer area code", number("+19435550100"), "US"),
    ("marketing to the United States: Puerto Rico has theirs", number("+17875550100"), "US"),
    ("marketing to the United States: Guam has theirs", number("+16715550100"), "US"),
    ("marketing to the United States: Canada is not covered", number("+16135550100"), ""),
    ("marketing to the United States: nor a newer code of Canada's", number("+19425550100"), ""),
    ("marketing to the United States: nor Jamaica", number("+18765550100"), ""),
    ("marketing to the United States: nor Jamaica's second code", number("+16585550100"), ""),
    ("marketing to the United States: nor the Dominican Republic", number("+18495550100"), ""),
    ("marketing to the United States: nor another +", number("+4930123456"), ""),
    ("user ids: they begin with the country", Address(AddressKind.BSUID, "US.13491208655302741918", "p"), "US"),
    ("user ids: a parent's, too", Address(AddressKind.PARENT_BSUID, "US.ENT.11815799212886844830", "p"), "US"),
    ("user ids: another country's", Address(AddressKind.BSUID, "CA.13491208655302741918", "p"), ""),
]


@pytest.mark.parametrize(("source", "address", "country"), COUNTRIES, ids=[row[0] for row in COUNTRIES])
def test_an_american_is_known_by_number_or_user_id(source: str, address: Address, country: str) -> None:
    assert country == country_of([address])
