"""Work that takes long: forgetting a person, keeping things no longer than they are to be kept; and what stops it.

Theory: a job is a row. It advances by steps, each of which is one commit that does a bounded piece of the work and notes
in the row how far it came. So a job that was killed goes on where it was, and two processes that run it at once do each
piece once.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import field, frozen

from wa_connector.model.address import Address
from wa_connector.model.ids import CustomerId, HoldId, JobId, LineId, UserId


class JobKind(Enum):
    FORGET = "forget"
    """Remove a person."""
    RETAIN = "retain"
    """Remove what is older than the settings say."""


class JobState(Enum):
    OPEN = "open"
    HELD = "held"
    """A legal hold forbids it; it goes on by itself when none does any longer."""
    DONE = "done"


class JobStage(Enum):
    """The pieces of a job, in their order; which of them a job has is its kind's."""

    PERSON = "person"
    MESSAGES = "messages"
    FILES = "files"
    EVIDENCE = "evidence"
    WAITING = "waiting"
    QUARANTINE = "quarantine"
    EVENTS = "events"


@frozen
class Job:
    """One job. ``stage`` and ``cursor`` say how far it came, ``looked_at`` and ``changed`` count rows over all stages.

    Of a job that forgets somebody: ``customer`` is whom, ``customers`` are all records of him and ``addresses`` what he is
    known by, which a finished job no longer knows. ``files`` (SHA-256) are to be deleted if nothing shows them any longer.
    Of one that retains: ``older_than`` is the instant of each stage before which things go.
    """

    id: JobId
    kind: JobKind
    by: UserId
    why: str
    requested_at: datetime
    state: JobState = JobState.OPEN
    stage: JobStage = JobStage.PERSON
    cursor: str = ""
    looked_at: int = 0
    changed: int = 0
    finished_at: datetime | None = None
    customer: CustomerId | None = None
    customers: tuple[CustomerId, ...] = ()
    lines: tuple[LineId, ...] = ()
    addresses: tuple[Address, ...] = field(default=(), repr=False)
    files: tuple[str, ...] = ()
    older_than: Mapping[str, datetime] = field(factory=dict)

    @property
    def is_done(self) -> bool:
        return self.state is JobState.DONE


@frozen
class Hold:
    """A legal hold: nothing of its subject is removed from ``since_at`` until ``until_at`` (None: until it is lifted)."""

    id: HoldId
    by: UserId
    why: str
    since_at: datetime
    until_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: UserId | None = None

    def is_on(self, now: datetime) -> bool:
        return self.lifted_at is None and (self.until_at is None or now < self.until_at)


@frozen
class Holds:
    """All holds that there ever were on one subject, oldest first."""

    holds: tuple[Hold, ...] = ()

    def is_on(self, now: datetime) -> bool:
        return any(hold.is_on(now) for hold in self.holds)
