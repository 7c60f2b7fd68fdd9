"""Whole histories, for properties of the rules (needs hypothesis)::

    from hypothesis import given
    from wa_connector.testing.histories import stories

    @given(stories())
    def test_mine_says_what_the_oracle_says(story): ...

Rules of this file: what is drawn could come about. Things become known in the order of the list; they are told twice,
late, out of order and within one second, by clocks that lie apart as far as the settings say; instants are often exactly
on, just before or just after the edges that rules have, and few enough that things meet.
"""

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve
from hypothesis import strategies as st

from wa_connector.model.consent import Purpose, Signal
from wa_connector.model.setting import Settings
from wa_connector.model.window import WindowRule
from wa_connector.testing.story import Happened, Kind
from wa_connector.testing.strategies import DAY, MICROSECOND, NOW

LINES: Final = ("line-1", "line-2")
SKEW: Final = timedelta(minutes=5)
SPOKEN: Final = (Signal.YES, Signal.NO, Signal.STOP, Signal.START, Signal.ACCEPTED, Signal.DECLINED)
"""What a customer's message can say."""
NOTED: Final = (
    *(Signal.ASKED, Signal.DELIVERED, Signal.NOT_DELIVERED, Signal.RECORDED, Signal.RESTORED),
    *(Signal.MARKETING_STOPPED, Signal.MARKETING_RESUMED),
)
"""What is noted of consent besides."""


def spans() -> st.SearchStrategy[timedelta]:
    """How much time passes: nothing, seconds, or to the edges that rules have and a moment more or less."""
    edges = [SKEW, DAY - timedelta(minutes=30), DAY]
    near = [edge + nudge for edge in edges for nudge in (-MICROSECOND, timedelta(0), MICROSECOND)]
    moments = [timedelta(0), timedelta(0), timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=12), 8 * DAY]
    return st.sampled_from([*moments, *near])


def lateness() -> st.SearchStrategy[timedelta]:
    """How long a thing takes to be told; mostly nothing, sometimes a day, and less than nothing by a clock ahead."""
    return st.sampled_from(
        [timedelta(0)] * 6 + [timedelta(seconds=1), timedelta(minutes=10), SKEW, 2 * SKEW, DAY, 2 * DAY, -SKEW]
    )


def policies() -> st.SearchStrategy[Settings]:
    """Settings in which every parameter of the rules takes its default and other values. Clocks lie at least as far
    apart as ``lateness`` lets them."""
    return st.builds(
        Settings,
        window_rule=st.sampled_from(WindowRule),
        window_margin=st.sampled_from((timedelta(0), timedelta(minutes=30))),
        clock_skew=st.sampled_from((SKEW, 2 * SKEW)),
        answer_inbound=st.sampled_from((True, True, False)),
        contacts_only=st.booleans(),
        ask_again_after=st.sampled_from((DAY, timedelta(hours=12))),
        staff_may_restore=st.booleans(),
    )


def purposes() -> st.SearchStrategy[tuple[Purpose, ...]]:
    """What a request or a record is about: conversation at least."""
    return st.sampled_from(((Purpose.CONVERSATION,), (Purpose.CONVERSATION, Purpose.MARKETING)))


@st.composite
def happenings(draw: st.DrawFn, known_at: datetime, named: str) -> Happened:
    """One thing, which becomes known at ``known_at``."""
    kind = draw(
        st.sampled_from([*[Kind.WROTE] * 4, *[Kind.NOTED] * 3, *Kind]).filter(lambda kind: kind is not Kind.HELD)
    )
    line = draw(st.sampled_from(LINES))
    match kind:
        case Kind.WROTE:
            says = draw(st.none() | st.sampled_from(SPOKEN))
            at = known_at - draw(lateness())
            return Happened(kind, at, known_at, named, line, says, wants_help=says is None and draw(st.booleans()))
        case Kind.NOTED:
            says = draw(st.sampled_from(NOTED))
            # A request is made when it becomes known; all else may be told later.
            late = timedelta(0) if says is Signal.ASKED else draw(lateness())
            return Happened(kind, known_at - late, known_at, named, line, says, purposes=draw(purposes()))
        case Kind.SETTINGS:
            return Happened(kind, known_at, known_at, named, settings=draw(policies()))
        case Kind.CALLED | Kind.NODDED:
            return Happened(kind, known_at - draw(lateness()), known_at, named, line)
        case _:
            late = draw(lateness().filter(lambda late: late >= timedelta(0)))
            return Happened(kind, known_at - late, known_at, named, line)


@st.composite
def stories(draw: st.DrawFn, max_size: int = 12, begins_at: datetime = NOW) -> tuple[Happened, ...]:
    """What happened with one customer, in the order in which it became known; some of it is told twice."""
    told: list[Happened] = []
    now = begins_at
    for number in range(draw(st.integers(0, max_size))):
        now += draw(spans())
        again = [entry for entry in told if entry.kind in (Kind.WROTE, Kind.CALLED, Kind.NODDED, Kind.NOTED)]
        if again and draw(st.integers(0, 5)) == 0:
            told.append(evolve(draw(st.sampled_from(again)), known_at=now))
        else:
            told.append(draw(happenings(now, f"{number}")))
    return tuple(told)


__all__ = ["LINES", "SKEW", "SPOKEN", "happenings", "lateness", "policies", "purposes", "spans", "stories"]
