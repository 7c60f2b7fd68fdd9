"""Who may do what, and what of a timeline somebody sees."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa_connector.model.conversation import Conversation, ConversationState, Participant, Role
from wa_connector.model.decision import Reason
from wa_connector.model.directory import Seat, User
from wa_connector.model.ids import ConversationId, CustomerId, LineId, TenantId, UserId
from wa_connector.model.setting import Newcomers
from wa_connector.policy import membership
from wa_connector.policy.membership import TABLE, WHOLE, Place, Right, Span, joined, may, parted, places, spans

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANA, BEN, DAN, SUPPORT = UserId("ana"), UserId("ben"), UserId("dan"), UserId("support")
ENDED, OPEN = ConversationState.ENDED, ConversationState.OPEN


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def part(user: UserId, role: Role = Role.MEMBER, since: int = 0, until: int | None = None) -> Participant:
    return Participant(user, role, at(since), None if until is None else at(until))


def thread(*parts: Participant, state: ConversationState = OPEN) -> Conversation:
    return Conversation(ConversationId("c"), LineId("l"), CustomerId("carl"), state, NOON, parts)


def seat(user: UserId, *teams: UserId, supervises: bool = False) -> Seat:
    return Seat(User(TenantId("acme"), user, user, supervises=supervises), (), frozenset(teams))


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_is_total() -> None:
    """Every place has its rights in every state, and every right is somebody's."""
    assert set(ConversationState) == set(TABLE)
    for rights in TABLE.values():
        assert set(Place) == set(rights)
    assert set(Right) == set().union(*TABLE[OPEN].values(), *TABLE[ENDED].values())


def test_nobody_writes_or_changes_anything_where_it_has_ended() -> None:
    """What is left is to look, and to begin again."""
    for rights in TABLE[ENDED].values():
        assert rights <= {Right.READ, Right.SEE, Right.RESTART}


def test_who_was_removed_only_reads() -> None:
    for rights in TABLE.values():
        assert {Right.READ} == rights[Place.FORMER]


@pytest.mark.parametrize(
    ("parts", "who", "expected"),
    [
        ((part(ANA, Role.OWNER),), seat(ANA), {Place.OWNER}),
        ((part(ANA, Role.OWNER), part(BEN)), seat(BEN), {Place.MEMBER}),
        ((part(ANA, Role.OWNER), part(BEN, Role.OBSERVER)), seat(BEN), {Place.OBSERVER}),
        ((part(SUPPORT, Role.OWNER),), seat(BEN, SUPPORT), {Place.TEAM}),
        ((part(ANA, Role.OWNER), part(SUPPORT)), seat(BEN, SUPPORT), {Place.MEMBER}),
        ((part(SUPPORT, Role.OWNER), part(BEN)), seat(BEN, SUPPORT), {Place.TEAM, Place.MEMBER}),
        ((), seat(BEN), {Place.ANYBODY}),
        ((part(ANA, Role.OWNER),), seat(BEN, supervises=True), {Place.SUPERVISOR}),
        ((part(ANA, Role.OWNER), part(BEN, until=1)), seat(BEN), {Place.FORMER}),
        ((part(BEN, until=1),), seat(BEN), {Place.FORMER, Place.ANYBODY}),
        ((part(ANA, Role.OWNER),), seat(BEN, SUPPORT), set()),
    ],
)
def test_places(parts: tuple[Participant, ...], who: Seat, expected: set[Place]) -> None:
    """By oneself, through a team, because nobody has it, or by supervising; all that hold."""
    assert expected == places(thread(*parts), who)


@pytest.mark.parametrize(
    ("right", "state", "who", "reason"),
    [
        (Right.TRANSFER, OPEN, seat(ANA), Reason.ALLOWED),
        (Right.TRANSFER, OPEN, seat(BEN), Reason.ROLE_NOT_ENOUGH),
        (Right.TRANSFER, OPEN, seat(DAN), Reason.NOT_A_PARTICIPANT),
        (Right.TRANSFER, OPEN, seat(DAN, supervises=True), Reason.ALLOWED),
        (Right.WRITE, OPEN, seat(DAN, supervises=True), Reason.NOT_A_PARTICIPANT),
        (Right.WRITE, ENDED, seat(ANA), Reason.CONVERSATION_ENDED),
        (Right.WRITE, ENDED, seat(DAN), Reason.NOT_A_PARTICIPANT),
        (Right.RESTART, OPEN, seat(ANA), Reason.CONVERSATION_OPEN),
        (Right.RESTART, ENDED, seat(BEN), Reason.ALLOWED),
    ],
)
def test_verdicts(right: Right, state: ConversationState, who: Seat, reason: Reason) -> None:
    """The reason that helps most, and to one who has nothing to do with it always the same."""
    assert reason is may(right, thread(part(ANA, Role.OWNER), part(BEN), state=state), who).reason


@pytest.mark.parametrize("right", [Right.WRITE, Right.TAKE, Right.TRANSFER])
def test_a_team_hands_on_what_it_was_given(right: Right) -> None:
    """Whoever of it is there writes, takes the conversation over, or gives it to somebody else."""
    assert may(right, thread(part(SUPPORT, Role.OWNER)), seat(BEN, SUPPORT)).is_allowed


def test_a_team_is_told_that_its_part_is_not_enough() -> None:
    """And not that it has nothing to do with the conversation."""
    theirs = thread(part(SUPPORT, Role.OWNER))
    assert may(Right.ADD, theirs, seat(BEN, SUPPORT)).reason is Reason.ROLE_NOT_ENOUGH


def test_what_is_not_there_is_refused_like_what_is_others() -> None:
    others = thread(part(ANA, Role.OWNER))
    assert {may(right, None, seat(BEN)) for right in Right} == {may(right, others, seat(BEN)) for right in Right}


@pytest.mark.parametrize(
    ("who", "named", "is_told"),
    [
        (seat(ANA), ANA, True),
        (seat(ANA), DAN, False),
        (seat(ANA), BEN, False),
        (seat(BEN), BEN, False),
        (seat(BEN), ANA, False),
        (seat(DAN), DAN, False),
        (seat(DAN), ANA, True),
        (seat(ANA, supervises=True), None, True),
    ],
    ids=[
        "lost it",
        "guesses",
        "guesses wrong",
        "pretends",
        "outsider",
        "has it",
        "has it, and is behind",
        "supervisor",
    ],
)
def test_an_owner_who_changed_is_told_to_those_who_had_to_do_with_it(who: Seat, named: UserId, is_told: bool) -> None:
    """Ana had it; Dan has it, and Ben never had anything to do with it."""
    now = thread(part(ANA, Role.OWNER, until=1), part(DAN, Role.OWNER, since=1))
    found = membership.still_owned(now, named, who)
    assert is_told == (found is not None and found.reason is Reason.OWNER_CHANGED)


# --- changing parts ---------------------------------------------------------------------------------------------------

_USERS = st.sampled_from((ANA, BEN, DAN, SUPPORT))
_CHANGES = st.lists(st.tuples(_USERS, st.sampled_from((*Role, None))), max_size=12)


@given(_CHANGES)
def test_one_owner_or_none_and_one_part_each(changes: list[tuple[UserId, Role | None]]) -> None:
    """Whatever is done: nobody has two parts at once, and there are never two owners."""
    now = thread()
    for minute, (user, role) in enumerate(changes):
        now = parted(now, user, at(minute)) if role is None else joined(now, user, role, at(minute))
        current = [each for each in now.participants if each.is_current]
        assert len({each.user for each in current}) == len(current)
        assert [each.user for each in current if each.role is Role.OWNER] == ([now.owner] if now.owner else [])


def test_a_part_ends_where_it_began_under_a_clock_that_is_behind() -> None:
    (ended,) = parted(thread(part(ANA, since=5)), ANA, at(3)).participants
    assert ended.since_at == ended.until_at


def test_whoever_changes_role_stays_muted() -> None:
    quiet = membership.muted(thread(part(ANA, Role.OWNER), part(BEN)), BEN, is_muted=True)
    assert [each.is_muted for each in quiet.participants] == [False, True]
    assert joined(quiet, BEN, Role.OBSERVER, at(1)).participants[-1].is_muted
    assert not joined(quiet, DAN, Role.OBSERVER, at(1)).participants[-1].is_muted


@pytest.mark.parametrize(
    ("newcomers", "expected"),
    [(Newcomers.EVERYTHING, None), (Newcomers.FROM_JOINING, at(9))],
    ids=str,
)
def test_what_a_newcomer_sees_is_the_organizations_choice(newcomers: Newcomers, expected: datetime | None) -> None:
    """Whoever is in it already keeps what he has."""
    there = thread(Participant(BEN, Role.MEMBER, at(1), sees_from_at=at(1)))
    assert expected == membership.sees_from(there, ANA, newcomers, at(9))
    assert at(1) == membership.sees_from(there, BEN, newcomers, at(9))


# --- what is seen -----------------------------------------------------------------------------------------------------


def seen(*bounds: tuple[int | None, int | None]) -> tuple[Span, ...]:
    return spans(thread(part(ANA, Role.OWNER), *map(_of_ben, bounds)), seat(BEN))


def _of_ben(bounds: tuple[int | None, int | None]) -> Participant:
    since, until = bounds
    sees_from_at = None if since is None else at(since)
    return Participant(BEN, Role.MEMBER, at(since or 0), None if until is None else at(until), sees_from_at)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((), ()),
        (((None, 5),), ((None, 5),)),
        (((1, 5), (7, None)), ((7, None), (1, 5))),
        (((1, 5), (5, 9)), ((1, 9),)),
        (((1, 9), (2, 3)), ((1, 9),)),
        (((1, 5), (None, None)), ((None, None),)),
        (((None, 3), (None, 5)), ((None, 5),)),
        (((3, None), (5, 6)), ((3, None),)),
        (((3, 3),), ()),
    ],
)
def test_spans(
    bounds: tuple[tuple[int | None, int | None], ...], expected: tuple[tuple[int | None, int | None], ...]
) -> None:
    """All one's parts together, the latest first."""
    made = tuple(Span(*(None if each is None else at(each) for each in pair)) for pair in expected)
    assert made == seen(*bounds)


@given(st.lists(st.tuples(st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=6))
def test_spans_are_what_the_parts_show(bounds: list[tuple[int | None, int | None]]) -> None:
    """An instant is in a span if some part shows it; spans are apart, and in order."""
    found = seen(*bounds)
    for minute in range(-1, 11):
        shown = any((low is None or low <= minute) and (high is None or minute < high) for low, high in bounds)
        assert shown == any(span.has(at(minute)) for span in found)
    for later, earlier in pairwise(found):
        assert later.from_at is not None
        assert earlier.until_at is not None
        assert earlier.until_at < later.from_at


@pytest.mark.parametrize("who", [seat(DAN, supervises=True), seat(ANA)])
def test_supervisors_see_all_and_so_does_everybody_where_nobody_owns_it(who: Seat) -> None:
    parts = () if not who.user.supervises else (part(ANA, Role.OWNER),)
    assert spans(thread(*parts), who) == WHOLE


def test_who_was_in_it_knows_nobody_who_came_after_him() -> None:
    """Nor that anybody left, nor that it ended."""
    later = thread(
        part(ANA, Role.OWNER, until=9),
        part(BEN, until=5),
        part(DAN, Role.OWNER, since=9),
        part(UserId("eve"), since=5),
        part(SUPPORT, until=3),
        state=ENDED,
    )
    known = membership.as_seen(later, seat(BEN))
    assert [(ANA, None), (BEN, at(5)), (SUPPORT, at(3))] == [(each.user, each.until_at) for each in known.participants]
    assert known.state is OPEN
    assert later == membership.as_seen(later, seat(DAN))
