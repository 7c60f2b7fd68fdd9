"""Routing: a quoted message decides, then what happened last, then whoever can take it, and the unassigned list last."""

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.ids import ConversationId, UserId
from wa_connector.model.routing import Candidate, Route, RoutedBy
from wa_connector.model.setting import EndedThreads, Settings
from wa_connector.policy.routing import Situation, route

quick = settings(max_examples=200, deadline=None)
ONE, TWO, GONE = (ConversationId(name) for name in ("one", "two", "gone"))
ANA, BEN = UserId("ana"), UserId("ben")
NEW = Settings()
THREADS = st.sampled_from((ONE, TWO, GONE))
CANDIDATES = st.builds(
    Candidate, st.sampled_from((ANA, BEN)), st.sampled_from(RoutedBy), is_able=st.booleans(), is_away=st.booleans()
)
SITUATIONS = st.builds(
    Situation,
    settings=st.builds(
        Settings,
        restrict_first_contact=st.booleans(),
        ended_threads=st.sampled_from(EndedThreads),
        route_to_absent=st.booleans(),
    ),
    open=st.lists(st.sampled_from((ONE, TWO)), unique=True).map(tuple),
    active_at=st.dictionaries(st.sampled_from((ONE, TWO)), st.integers(0, 3)),
    quoted=st.none() | THREADS,
    continued=st.dictionaries(st.just(GONE), st.sampled_from((ONE, TWO))),
    latest=st.none() | THREADS,
    candidates=st.lists(CANDIDATES, max_size=3).map(tuple),
)


@quick
@given(SITUATIONS)
def test_there_is_always_one_place_to_go(situation: Situation) -> None:
    """Into a thread, or into a new one of somebody's or nobody's; and the rule fits what it chose."""
    found = route(situation)
    if found.thread is not None:
        assert found.by in (RoutedBy.QUOTED, RoutedBy.LATEST)
        assert (found.owner, found.restarts) == (None, None)
    elif found.owner is None:
        assert found.by is RoutedBy.UNASSIGNED
    else:
        assert found.owner in {one.user for one in situation.candidates if one.is_able}
    if situation.settings.ended_threads is EndedThreads.NEW:
        assert found.restarts is None


@quick
@given(SITUATIONS, st.sampled_from((ONE, TWO)))
def test_a_quoted_message_of_an_open_thread_decides_whatever_else_is_so(
    situation: Situation, quoted: ConversationId
) -> None:
    opened = tuple(dict.fromkeys((*situation.open, quoted)))
    assert Route(RoutedBy.QUOTED, quoted) == route(evolve(situation, open=opened, quoted=quoted))


@quick
@given(SITUATIONS)
def test_while_a_thread_is_open_nobody_is_asked(situation: Situation) -> None:
    """Unless he quotes an ended thread that is to begin again."""
    unquoted = evolve(situation, quoted=None, open=(ONE,))
    assert Route(RoutedBy.LATEST, ONE) == route(unquoted)


def test_the_thread_in_which_something_happened_last_is_taken() -> None:
    both = Situation(NEW, (ONE, TWO), {ONE: 5, TWO: 4})
    assert route(both).thread == ONE
    assert route(evolve(both, active_at={ONE: 4, TWO: 4})).thread == TWO, "of one instant, the one opened last"


def test_what_goes_on_from_the_quoted_thread_is_meant() -> None:
    situation = Situation(NEW, (ONE, TWO), {}, GONE, {GONE: ONE}, TWO)
    assert Route(RoutedBy.QUOTED, ONE) == route(situation)


def test_a_quoted_thread_that_ended_begins_again_or_is_passed_over_as_the_organization_says() -> None:
    quoted = Situation(NEW, (ONE,), {}, GONE, {}, ONE, (Candidate(ANA, RoutedBy.LAST_OWNER),))
    assert Route(RoutedBy.LATEST, ONE) == route(quoted)
    again = evolve(quoted, settings=Settings(ended_threads=EndedThreads.FOR_LAST_OWNER))
    assert Route(RoutedBy.LAST_OWNER, None, ANA, GONE) == route(again)
    nobodys = evolve(quoted, settings=Settings(ended_threads=EndedThreads.UNASSIGNED))
    assert Route(RoutedBy.UNASSIGNED, None, None, GONE) == route(nobodys)


@pytest.mark.parametrize("latest", [None, GONE])
def test_restricted_first_contact_gives_a_stranger_to_nobody(latest: ConversationId | None) -> None:
    situation = Situation(
        Settings(restrict_first_contact=True), latest=latest, candidates=(Candidate(ANA, RoutedBy.HOST),)
    )
    assert (None if latest is None else ANA) == route(situation).owner


def test_whoever_cannot_or_is_not_there_is_passed_over() -> None:
    """A line of somebody's own stays his, though; and an organization may route to the absent."""
    away, there = Candidate(ANA, RoutedBy.HOST, is_away=True), Candidate(BEN, RoutedBy.CONTACT_OWNER)
    unable = Candidate(BEN, RoutedBy.HOST, is_able=False)
    assert Route(RoutedBy.CONTACT_OWNER, None, BEN) == route(Situation(NEW, candidates=(unable, away, there)))
    assert Route(RoutedBy.UNASSIGNED) == route(Situation(NEW, candidates=(unable, away)))
    assert Route(RoutedBy.HOST, None, ANA) == route(Situation(Settings(route_to_absent=True), candidates=(away, there)))
    own = evolve(away, by=RoutedBy.LINE_OWNER)
    assert Route(RoutedBy.LINE_OWNER, None, ANA) == route(Situation(NEW, candidates=(own,)))
