"""Budgets that refill with time: of a pair, of a number, of a portfolio's day. A limit is a wait, never a failure.

Source: WhatsApp Cloud API, rate limits, read 2026-11. Pair: one message in 6 seconds, bursts of 45 borrowed from later.
Number: 80 a second, 1,000 after an upgrade, 20 with the phone app beside it. Portfolio: so many unique customers outside
their windows in a moving 24 hours.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from wa_connector.model.ids import CustomerId
from wa_connector.model.queue import Budget
from wa_connector.model.standing import TierUse

DAY: Final = timedelta(hours=24)


def refilled(budget: Budget | None, now: datetime, burst: int, interval: timedelta) -> Budget:
    """The budget at ``now``; a pair that never spent has the whole burst."""
    if budget is None:
        return Budget(float(burst), now)
    elapsed = max(now - budget.at, timedelta(0))
    return Budget(min(float(burst), budget.tokens + elapsed / interval), now)


def spent(budget: Budget) -> Budget:
    """The budget after one message."""
    return Budget(budget.tokens - 1, budget.at)


def wait_until(budget: Budget, interval: timedelta) -> datetime | None:
    """When the next message may go; None for at once.

    Rounded up to the next microsecond: at that instant the token is whole, so nobody is woken in vain.
    """
    if budget.tokens >= 1:
        return None
    due_at = budget.at + interval * (1 - budget.tokens)
    is_short = budget.tokens + (due_at - budget.at) / interval < 1
    return due_at + timedelta(microseconds=1) if is_short else due_at


def tier_use(
    reached: Mapping[CustomerId, datetime], customer: CustomerId, tier: int | None, now: datetime
) -> TierUse | None:
    """The use of a portfolio's tier by ``customer`` at ``now``; None for an unlimited one (``tier`` is None).

    ``reached``: when each customer was last reached outside his window. A place becomes free when the 24 hours of the
    one who was reached first are over; at that very instant it is free.
    """
    if tier is None:
        return None
    within = {who: at for who, at in reached.items() if now < at + DAY}
    frees_at = min(within.values(), default=now - DAY) + DAY
    return TierUse(left=tier - len(within), includes_customer=customer in within, frees_at=frees_at)
