"""The outbox: what is to be done for a lane, in order."""

from datetime import datetime
from enum import Enum

from attrs import frozen

from wa_connector.model.ids import CustomerId, LineId, MessageId, TenantId


class Work(Enum):
    """What a lane does. Each kind has lanes of its own, so that a picture which cannot be fetched holds up no
    message."""

    SEND = "send"
    FETCH = "fetch"
    RECEIPT = "receipt"
    """Show the customer that what he wrote was read."""
    TRANSCRIBE = "transcribe"
    """Ask the host's hook for the words of a recording."""


class EntryState(Enum):
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    """Sent or not, nobody knows; blocks its lane until reconciled, parked or resent."""
    HELD = "held"
    """Out of the queue until the window opens."""
    PARKED = "parked"
    """Out of the queue until a person decides."""


@frozen
class OutboxEntry:
    """One message to be sent or one file to be fetched. ``due_at``: not before this; ``since_at``: when the present
    state began; ``attempts`` counts calls to the provider."""

    message: MessageId
    line: LineId
    customer: CustomerId
    work: Work
    state: EntryState
    due_at: datetime
    since_at: datetime
    attempts: int = 0
    rank: int = 0
    """What goes before the order of commits: it rises where users put what is held into another order, and what comes
    into the lane afterwards has the last one."""

    @property
    def is_queued(self) -> bool:
        """Whether the entry takes part in its lane's order."""
        return self.state in (EntryState.QUEUED, EntryState.SENDING, EntryState.UNKNOWN)


@frozen
class LineStop:
    """Why a line sends nothing: the provider's word for it. At ``probe_at`` one message tries whether that is over;
    ``probes`` counts those that tried in vain."""

    code: str
    since_at: datetime
    probe_at: datetime
    probes: int = 0


@frozen
class Gate:
    """What holds for all lanes of a line, in every process.

    Until ``given_until`` the line's time is given away: who may send, and how much, in shares (``policy.limits``). While
    there is a ``stop`` nothing leaves but its probes.
    """

    given_until: datetime | None = None
    stop: LineStop | None = None


@frozen
class Epoch:
    """Which age of a tenant's rows this is: ``number`` rises for as long as anything is sent. What has been in the outbox
    since ``doubted_until`` or longer may have been sent by a later age, which a backup has replaced."""

    number: int = 0
    doubted_until: datetime | None = None


@frozen
class Mark:
    """What is remembered of an epoch where no backup of the rows reaches it; ``at``: when that was written down."""

    number: int
    at: datetime


@frozen
class LaneKey:
    """One (line, customer) and one kind of work: messages of a lane leave in order, one at a time."""

    tenant: TenantId
    line: LineId
    customer: CustomerId
    work: Work


@frozen
class Budget:
    """What is left of a pair's burst, as of ``at``."""

    tokens: float
    at: datetime


@frozen
class LeasedLane:
    """A lane that this process may work on until the lease ends, by the storage's clock.

    ``fence`` rises with every lease: a commit that names an older one is refused. ``wakes`` counts the entries that
    were announced, so that a lane is not put to sleep over one that came meanwhile.
    """

    key: LaneKey
    fence: int
    wakes: int
    budget: Budget | None
