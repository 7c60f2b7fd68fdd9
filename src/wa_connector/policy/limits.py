"""Budgets that refill with time: of a pair, of a number, of a portfolio's day. A limit is a wait, never a failure.

Source: WhatsApp Cloud API, rate limits, read 2026-11. Pair: one message in 6 seconds, bursts of 45 borrowed from later.
Number: 80 a second, 1,000 after an upgrade, 20 with the phone app beside it. Portfolio: so many unique customers outside
their windows in a moving 24 hours.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from wa_connector.model.ids import CustomerId
from wa_connector.model.instants import EPOCH
from wa_connector.model.queue import Budget
from wa_connector.model.standing import TierUse

DAY: Final = timedelta(hours=24)
HOUR: Final = timedelta(hours=1)


@frozen
class Pace:
    """The two numbers of a budget: how many may go at once, and how long one of them takes to come back."""

    burst: int
    interval: timedelta


def throughput(per_second: int) -> Pace:
    """The pace of a business number that may send so many messages a second (1 to 1,000,000).

    One after the other, with no burst: a budget that held a whole second's worth would let nearly two of them go within
    one second, and the provider counts. Rounded up to the microsecond, for the same reason.
    """
    return Pace(1, timedelta(microseconds=-(-1_000_000 // per_second)))


PAIR: Final = Pace(45, timedelta(seconds=6))
NUMBER: Final = throughput(80)
NUMBER_UPGRADED: Final = throughput(1000)
"""After the provider's upgrade, which comes by itself."""
NUMBER_WITH_PHONE_APP: Final = throughput(20)
"""With the phone's own app on the same number."""


def refilled(budget: Budget | None, now: datetime, burst: int, interval: timedelta) -> Budget:
    """The budget at ``now``; a pair that never spent has the whole burst."""
    if budget is None:
        return Budget(float(burst), now)
    elapsed = max(now - budget.at, timedelta(0))
    return Budget(min(float(burst), budget.tokens + elapsed / interval), now)


def spent(budget: Budget) -> Budget:
    """The budget after one message."""
    return Budget(budget.tokens - 1, budget.at)


def answered(budget: Budget, now: datetime, burst: int, interval: timedelta) -> Budget:
    """The budget when the provider answers what was spent last.

    The provider counts a message when it has it: some time between its departure and its answer, so what a full budget
    regains begins to come back at the answer and not before. Else a message that took longer on its way than a later one
    (the first, which opened the connection) would let that later one leave a moment too early.
    """
    return refilled(budget, now, burst - 1, interval)


def wait_until(budget: Budget, interval: timedelta) -> datetime | None:
    """When the next message may go; None for at once.

    Rounded up to the next microsecond: at that instant the token is whole, so nobody is woken in vain.
    """
    if budget.tokens >= 1:
        return None
    due_at = budget.at + interval * (1 - budget.tokens)
    is_short = budget.tokens + (due_at - budget.at) / interval < 1
    return due_at + timedelta(microseconds=1) if is_short else due_at


SHARES: Final = 20
"""A second's messages are given away in so many parts."""
SPANS: Final = 2
"""How many spans a share has: a twentieth of the messages in each, about a tenth of a second in all."""
AHEAD: Final = timedelta(seconds=1)
"""How far ahead a line's time is given away."""
SET_BACK: Final = timedelta(minutes=1)
"""What is given away further ahead than this was so by a clock that has been set back since."""


def portions(per_second: int) -> Pace:
    """The pace of a line that several processes send for (2 to 1,000,000 a second): so many in each span of time.

    A process takes spans for itself, and may send a span's messages at any moment of it. A second touches one span more
    than it has room for, which is the twentieth that this gives away: in no second, wherever it begins, more messages
    leave than the provider lets pass.
    """
    burst = max(1, per_second // SHARES)
    return Pace(burst, timedelta(microseconds=-(-1_000_000 // max(1, per_second // burst - 1))))


@frozen
class Share:
    """A part of a line's time that one process has for itself: from ``from_at`` up to ``until_at``, in spans of
    ``pace.interval``, and ``pace.burst`` messages in each."""

    from_at: datetime
    until_at: datetime
    pace: Pace

    def span_at(self, now: datetime) -> int | None:
        """Which of its spans it is; None before the first and behind the last."""
        return (now - self.from_at) // self.pace.interval if self.from_at <= now < self.until_at else None


def share_of(
    given_until: datetime | None, now: datetime, pace: Pace, lead: timedelta = timedelta(0)
) -> Share | datetime:
    """The next part of a line's time that nobody has; or when to ask again, if all of the near future is given away.

    It begins ``lead`` from now at the earliest: for whoever hears of it so much later.
    """
    earliest = now + lead
    from_at = max(given_until or earliest, earliest)
    if from_at > earliest + SET_BACK:
        from_at = earliest
    if from_at > earliest + AHEAD:
        return from_at - AHEAD - lead
    return Share(from_at, from_at + pace.interval * SPANS, pace)


def tier_use(
    reached: Mapping[CustomerId, datetime], customer: CustomerId, tier: int | None, now: datetime
) -> TierUse | None:
    """The use of a portfolio's tier by ``customer`` at ``now``; None for an unlimited one (``tier`` is None).

    ``reached``: when each customer was last reached outside his window. A place becomes free when the 24 hours of the
    one who was reached first are over; at that very instant it is free. Where more were reached than there are places,
    because the tier was lowered, so many days must end first.
    """
    if tier is None:
        return None
    within = {who: at for who, at in reached.items() if now < at + DAY}
    left = tier - len(within)
    in_turn = sorted(within.values()) or [now - DAY]
    frees_at = in_turn[min(max(0, -left), len(in_turn) - 1)] + DAY
    return TierUse(left=left, includes_customer=customer in within, frees_at=frees_at)


def tier_use_by_hour(reached: Mapping[int, int], reached_at: datetime | None, tier: int, now: datetime) -> TierUse:
    """As ``tier_use``, from counts by the hour instead of customers by name: what can be kept without a hot row.

    ``reached`` maps an hour (since 1970) to how many customers were counted in it, ``reached_at`` is when this one was
    last counted. An hour counts until the last moment of it is a day old, so the answer errs on the safe side by less
    than an hour.
    """
    counted = {hour: count for hour, count in reached.items() if count and now < _hour_end(hour) + DAY}
    first = min(counted, default=hour_of(now) - 25)
    includes = reached_at is not None and now < reached_at + DAY
    return TierUse(tier - sum(counted.values()), includes, _hour_end(first) + DAY)


def hour_of(at: datetime) -> int:
    """The hour that an instant lies in, counted from 1970."""
    return (at - EPOCH) // HOUR


def _hour_end(hour: int) -> datetime:
    return EPOCH + (hour + 1) * HOUR


def hours_that_count(now: datetime) -> range:
    """The hours whose counts may still matter at ``now``."""
    return range(hour_of(now) - 24, hour_of(now) + 1)
