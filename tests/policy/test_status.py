"""The life of a message: reports in any order, and no way back down."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.inbound import Report
from wa_connector.model.message import MessageStatus as Status
from wa_connector.policy.status import REPORTED, TABLE, Step, after, folded, whole

quick = settings(max_examples=100, deadline=None)

LADDER = (Status.ACCEPTED, Status.SENT, Status.FAILED, Status.DELIVERED, Status.READ, Status.PLAYED)
"""What the provider said, from what is least to what is most: a failure may follow `sent`, and proof of delivery beats
it."""
DOUBTFUL = (Status.QUEUED, Status.SENDING, Status.UNKNOWN, Status.PARKED, Status.REFUSED, Status.CANCELLED)
"""Where a copy of the message may be on its way, so that a report is heard."""
TERMINAL = (Status.RECEIVED, Status.PLAYED, Status.EXPIRED, Status.NOTED)
MOVES: tuple[Step | Report, ...] = (*Step, *Report)


def test_every_status_has_its_row() -> None:
    assert set(Status) == set(TABLE)


def test_every_report_has_its_status() -> None:
    assert {report: Status[report.name] for report in Report} == REPORTED


@pytest.mark.parametrize("status", Status)
def test_no_move_is_written_down_that_moves_nothing(status: Status) -> None:
    assert status not in TABLE[status].values()


@pytest.mark.parametrize("status", TERMINAL)
def test_what_ended_stays_so(status: Status) -> None:
    assert [status] * len(MOVES) == [after(status, move) for move in MOVES]


def test_only_these_have_ended() -> None:
    """`failed` and `read` wait for proof of more."""
    assert set(TERMINAL) == {status for status in Status if not TABLE[status]}


# --- reports ----------------------------------------------------------------------------------------------------------


def told(status: Status, reports: list[Report]) -> Status:
    for report in reports:
        status = after(status, report)
    return status


@quick
@given(st.sampled_from((*DOUBTFUL, *LADDER)), st.lists(st.sampled_from(Report), max_size=8))
def test_reports_in_any_order_and_number_end_at_the_highest_of_them(start: Status, reports: list[Report]) -> None:
    said = {Status[report.name] for report in reports} | ({start} & set(LADDER))
    expected = max(said, key=LADDER.index) if said else start
    assert expected is told(start, reports)


@quick
@given(st.data(), st.sampled_from(Status), st.lists(st.sampled_from(Report), max_size=6))
def test_reports_rearranged_and_repeated_give_the_same_status(
    data: st.DataObject, start: Status, reports: list[Report]
) -> None:
    repeated = reports + [data.draw(st.sampled_from(reports)) for _ in range(2) if reports]
    assert told(start, reports) is told(start, data.draw(st.permutations(repeated)))


@pytest.mark.parametrize("status", [Status.HELD, Status.RECEIVED])
def test_a_report_on_what_was_never_handed_over_is_old_news(status: Status) -> None:
    """A customer's own message, too: nobody sent it, so nobody can report on it."""
    assert [status] * len(Report) == [after(status, report) for report in Report]


def test_sent_never_overwrites_what_is_known_better() -> None:
    for status in (Status.DELIVERED, Status.READ, Status.PLAYED, Status.FAILED):
        assert status is after(status, Report.SENT)


def test_a_failure_is_beaten_by_proof_of_delivery_and_beats_a_mere_sent() -> None:
    assert Status.FAILED is after(Status.SENT, Report.FAILED)
    assert Status.DELIVERED is after(Status.FAILED, Report.DELIVERED)
    assert Status.DELIVERED is after(Status.DELIVERED, Report.FAILED)


# --- our own steps ----------------------------------------------------------------------------------------------------


@quick
@given(st.sampled_from(LADDER), st.lists(st.sampled_from(MOVES), max_size=10))
def test_what_the_provider_said_never_falls(start: Status, moves: list[Step | Report]) -> None:
    """Not by anything that we do, either: a late answer to a call, a cancellation, a resend."""
    climbed = [start]
    for move in moves:
        climbed.append(after(climbed[-1], move))
    ranks = [LADDER.index(status) for status in climbed]
    assert ranks == sorted(ranks)
    assert all(after(status, step) is status for status in climbed for step in Step)


STEPS = {
    # Only what waits for the window is released or expires, and only what is in the queue is made to wait.
    Step.RELEASE: ({Status.HELD}, Status.QUEUED),
    Step.EXPIRE: ({Status.HELD}, Status.EXPIRED),
    Step.HOLD: ({Status.QUEUED}, Status.HELD),
    # A rule refuses only what has not been handed over.
    Step.REFUSE: ({Status.HELD, Status.QUEUED}, Status.REFUSED),
    # What may be on its way cannot be cancelled before a person looked at it.
    Step.CANCEL: ({Status.HELD, Status.QUEUED, Status.PARKED}, Status.CANCELLED),
    Step.HAND_OVER: ({Status.QUEUED}, Status.SENDING),
    Step.PUT_BACK: ({Status.SENDING}, Status.QUEUED),
    # Only a message that is being handed over can be of unknown outcome, and only such a one is resent.
    Step.OUTCOME_LOST: ({Status.SENDING}, Status.UNKNOWN),
    # Whatever waits in a backup that is restored may have been sent since.
    Step.PARK: ({Status.UNKNOWN, Status.HELD, Status.QUEUED, Status.SENDING}, Status.PARKED),
    Step.RESEND: ({Status.UNKNOWN, Status.PARKED}, Status.QUEUED),
    # An answer that was thought lost is heard; that a resent copy waits in the queue tells nothing against it.
    Step.ACCEPTED: ({Status.SENDING, Status.UNKNOWN, Status.PARKED, Status.QUEUED}, Status.ACCEPTED),
    Step.REJECTED: ({Status.SENDING, Status.UNKNOWN, Status.PARKED}, Status.FAILED),
}


@pytest.mark.parametrize("step", Step)
def test_each_step_of_ours_is_taken_from_where_it_makes_sense_and_is_old_news_elsewhere(step: Step) -> None:
    starts, end = STEPS[step]
    assert {status: end if status in starts else status for status in Status} == {
        status: after(status, step) for status in Status
    }


@pytest.mark.parametrize(
    "life",
    [
        [Step.HAND_OVER, Step.ACCEPTED, Report.SENT, Report.DELIVERED, Report.READ, Report.PLAYED],
        [Step.HAND_OVER, Step.REJECTED],
        [Step.HOLD, Step.RELEASE, Step.HAND_OVER, Report.DELIVERED],
        [Step.HOLD, Step.EXPIRE],
        [Step.HAND_OVER, Step.PUT_BACK, Step.HAND_OVER, Step.OUTCOME_LOST, Step.PARK, Step.RESEND, Step.CANCEL],
        [Step.HAND_OVER, Step.OUTCOME_LOST, Step.RESEND, Step.REFUSE],
    ],
    ids=lambda life: " ".join(move.value for move in life),
)
def test_each_step_of_a_life_moves(life: list[Step | Report]) -> None:
    lived = [Status.QUEUED]
    for move in life:
        lived.append(after(lived[-1], move))
    assert all(one is not other for one, other in pairwise(lived))


# --- the shape of the machine -----------------------------------------------------------------------------------------


def reachable(start: Status) -> set[Status]:
    found, edge = set[Status](), {start}
    while edge:
        edge = {status for one in edge for status in TABLE[one].values()} - found
        found |= edge
    return found


def test_it_is_cyclic_on_purpose_where_a_message_waits_and_nowhere_else() -> None:
    waiting = {Status.HELD, *DOUBTFUL} - {Status.REFUSED, Status.CANCELLED}
    assert waiting == {status for status in Status if status in reachable(status)}


def test_a_message_of_ours_can_come_to_every_status_but_received() -> None:
    """Nor to that of what nothing ever sends."""
    assert set(Status) - {Status.RECEIVED, Status.NOTED} == reachable(Status.QUEUED)


# --- a message in several parts ---------------------------------------------------------------------------------------


@quick
@given(st.lists(st.lists(st.sampled_from(Report), max_size=4), min_size=1, max_size=5))
def test_what_is_said_of_the_parts_says_it_of_the_whole(said: list[list[Report]]) -> None:
    """Whatever the order of the reports on one part. A failure of one is the message's; anything else is what is true of
    every part; and of a part of which nothing is said, nothing is claimed."""
    parts: list[Report | None] = []
    for reports in said:
        there: Report | None = None
        for report in reports:
            there = folded(there, report)
        backwards: Report | None = None
        for report in reversed(reports):
            backwards = folded(backwards, report)
        assert there is backwards
        parts.append(there)
    together = whole(parts)
    if Report.FAILED in parts:
        assert together is Report.FAILED
    elif None in parts:
        assert together is None
    else:
        assert together is not None
        assert together in parts
        assert {LADDER.index(REPORTED[part]) >= LADDER.index(REPORTED[together]) for part in parts if part} == {True}


def test_a_message_of_one_part_is_its_part() -> None:
    assert list(Report) == [whole([report]) for report in Report]
