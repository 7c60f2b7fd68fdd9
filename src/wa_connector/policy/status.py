"""The life of a message: one table, and one function that reads it.

Theory: a message of ours first moves by what we do (held, queued, sending), then by what the provider reports. Reports
come in any order and more than once, so among them only the rank counts: a later ``sent`` never overwrites
``delivered`` or ``failed``. A provider's report beats any doubt of ours: it moves a message out of unknown and parked,
too, since it proves that the message left.

A move that the table does not have is *old news*: ``after`` returns the same status, and the caller can compare.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias

from wa_connector.model.inbound import Report
from wa_connector.model.message import MessageStatus as Status


class Step(Enum):
    """What we do with a message."""

    RELEASE = "release"
    HOLD = "hold"
    HAND_OVER = "hand_over"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PUT_BACK = "put_back"
    """The provider refused it before processing, for now."""
    OUTCOME_LOST = "outcome_lost"
    PARK = "park"
    RESEND = "resend"
    REFUSE = "refuse"
    CANCEL = "cancel"
    EXPIRE = "expire"


_Moves: TypeAlias = Mapping["Step | Report", Status]

REPORTED: Final[_Moves] = {
    Report.SENT: Status.SENT,
    Report.DELIVERED: Status.DELIVERED,
    Report.READ: Status.READ,
    Report.PLAYED: Status.PLAYED,
    Report.FAILED: Status.FAILED,
}
_RANK: Final = (Status.ACCEPTED, Status.SENT, Status.FAILED, Status.DELIVERED, Status.READ, Status.PLAYED)
"""Failure outranks ``sent`` (it may follow it) and is outranked by proof of delivery."""


def _climb(start: Status) -> _Moves:
    floor = _RANK.index(start)
    return {report: status for report, status in REPORTED.items() if _RANK.index(status) > floor}


TABLE: Final[Mapping[Status, _Moves]] = {
    # Reports speak of messages of ours; one that names a customer's message moves nothing.
    Status.RECEIVED: {},
    Status.HELD: {
        # A restored backup may hold back what was released and sent since.
        Step.PARK: Status.PARKED,
        Step.RELEASE: Status.QUEUED,
        Step.CANCEL: Status.CANCELLED,
        Step.EXPIRE: Status.EXPIRED,
        Step.REFUSE: Status.REFUSED,
    },
    Status.QUEUED: {
        Step.HAND_OVER: Status.SENDING,
        Step.HOLD: Status.HELD,
        Step.PARK: Status.PARKED,
        Step.REFUSE: Status.REFUSED,
        Step.CANCEL: Status.CANCELLED,
        # A resent message's first copy may still be answered and reported on.
        Step.ACCEPTED: Status.ACCEPTED,
        **REPORTED,
    },
    Status.SENDING: {
        Step.ACCEPTED: Status.ACCEPTED,
        Step.REJECTED: Status.FAILED,
        Step.PUT_BACK: Status.QUEUED,
        Step.OUTCOME_LOST: Status.UNKNOWN,
        Step.PARK: Status.PARKED,
        **REPORTED,
    },
    Status.UNKNOWN: {
        Step.PARK: Status.PARKED,
        Step.RESEND: Status.QUEUED,
        # The answer that was thought lost may come after all.
        Step.ACCEPTED: Status.ACCEPTED,
        Step.REJECTED: Status.FAILED,
        **REPORTED,
    },
    Status.PARKED: {
        Step.RESEND: Status.QUEUED,
        Step.CANCEL: Status.CANCELLED,
        Step.ACCEPTED: Status.ACCEPTED,
        Step.REJECTED: Status.FAILED,
        **REPORTED,
    },
    Status.ACCEPTED: _climb(Status.ACCEPTED),
    Status.SENT: _climb(Status.SENT),
    Status.FAILED: _climb(Status.FAILED),
    Status.DELIVERED: _climb(Status.DELIVERED),
    Status.READ: _climb(Status.READ),
    Status.PLAYED: {},
    # Parked or put back, and then cancelled or refused: the first copy may have arrived all the same.
    Status.REFUSED: {**REPORTED},
    Status.CANCELLED: {**REPORTED},
    Status.EXPIRED: {},
    Status.NOTED: {},
}


def folded(before: Report | None, report: Report) -> Report:
    """What counts of two reports on one part of a message, in whatever order they came."""
    if before is None or _RANK.index(REPORTED[report]) > _RANK.index(REPORTED[before]):
        return report
    return before


def whole(parts: Sequence[Report | None]) -> Report | None:
    """What the reports on all parts of a message say of it; None while they say nothing.

    One part that failed is enough for the customer to read none of it; anything else is true of the message when it is
    true of every part.
    """
    if Report.FAILED in parts:
        return Report.FAILED
    told = [part for part in parts if part is not None]
    return min(told, key=lambda report: _RANK.index(REPORTED[report])) if len(told) == len(parts) else None


def after(status: Status, move: Step | Report) -> Status:
    """The status after ``move``; the same one when the move is old news."""
    return TABLE[status].get(move, status)
