"""The budget of a pair: a burst that refills with time. A limit is a wait, never a failure.

Source: WhatsApp Cloud API, pair rate limits, read 2026-11: one message in 6 seconds, bursts of 45 borrowed from later.
"""

from datetime import datetime, timedelta

from wa_connector.model.queue import Budget


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
