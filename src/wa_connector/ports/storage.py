"""The storage port: few methods, and the data that passes through them.

A ``Change`` says everything about one commit: what it was decided on (``reads``), what it writes, what it announces. A
storage applies it whole or not at all. The suite in ``wa_connector.testing.contract`` is the binding text; a storage
plugin is right when that suite passes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from attrs import Factory, frozen

from wa_connector.model.event import Event, Happening
from wa_connector.model.ids import TenantId
from wa_connector.model.queue import Budget, LaneKey, LeasedLane, Work
from wa_connector.ports.rows import Key, Scalar


@frozen
class Row:
    """A stored row. ``version`` counts replacements from 1; 0 means that no payload was ever put (merges may have
    been). ``merged`` holds the merge columns, ``sequence`` the number that the storage gave it."""

    version: int
    value: Any = None
    merged: Mapping[str, int] = Factory(dict)
    sequence: int = 0


ABSENT: Final = Row(0)


class Found(Enum):
    """Stands, in the keys of a ``Follow``, for what the first row's column holds."""

    FOUND = "found"


FOUND: Final = Found.FOUND


@frozen
class Follow:
    """Load ``source``; then, with the value of its ``column`` (unless that is empty) in the place of ``FOUND``, the
    rows of ``then``, each a kind's name and key parts. One round trip resolves an address and loads the customer."""

    source: Key
    column: str
    then: tuple[tuple[str, tuple[Scalar | Found, ...]], ...]


@frozen
class Range:
    """The rows of an index under a prefix: at most ``limit`` of them, in the index's order or backwards; behind
    ``after`` (the columns behind the prefix), exclusive, where that is given."""

    kind: str
    index: str
    prefix: tuple[Scalar, ...]
    limit: int
    descending: bool = False
    after: tuple[Scalar, ...] | None = None


Wanted: TypeAlias = Key | Follow | Range


@frozen
class Snapshot:
    """What one load found, all as of one moment. A wanted key that has no row is there as ``ABSENT``."""

    rows: Mapping[Key, Row] = Factory(dict)
    ranges: Mapping[Range, tuple[Key, ...]] = Factory(dict)

    def joined(self, other: "Snapshot") -> "Snapshot":
        """Both, where ``other`` was loaded later and wins."""
        return Snapshot({**self.rows, **other.rows}, {**self.ranges, **other.ranges})


@frozen
class Put:
    """Insert or replace a row's payload. Where the key is among the change's ``reads`` that version is the one
    replaced; where it is not, the row must be new."""

    key: Key
    value: Any


@frozen
class Merge:
    """Raise maxima and add to sums, by column name; the row is made if it is not there."""

    key: Key
    columns: Mapping[str, int]


@frozen
class Wake:
    """Announce work in a lane: it is due at ``due_at`` or earlier, and its ``wakes`` rises by one. Never conflicts."""

    lane: LaneKey
    due_at: datetime


@frozen
class Settle:
    """Give a leased lane back.

    ``due_at`` is when it is next to be looked at, None for not until somebody wakes it. If it was woken since the
    lease (its ``wakes`` moved), the earlier of its own due time and ``due_at`` holds.
    """

    lane: LaneKey
    fence: int
    wakes: int
    due_at: datetime | None
    budget: Budget | None = None


@frozen
class Change:
    """One commit, as data. All of one tenant."""

    tenant: TenantId
    at: datetime
    """The connector's clock at the decision: the time of its events."""
    reads: Mapping[Key, int] = Factory(dict)
    """The version of every payload that was read and could have refused this; 0 for "was not there"."""
    puts: tuple[Put, ...] = ()
    deletes: tuple[Key, ...] = ()
    """Rows to remove; each must be among ``reads``."""
    merges: tuple[Merge, ...] = ()
    dedupe: Mapping[str, str] = Factory(dict)
    """Marks that must be new in this tenant, with the id of what came of them."""
    events: tuple[Happening, ...] = ()
    wakes: tuple[Wake, ...] = ()
    fence: tuple[LaneKey, int] | None = None
    """The lease under which this was decided; a younger lease refuses it."""
    settle: Settle | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.puts or self.deletes or self.merges or self.dedupe or self.events or self.wakes or self.settle)


@frozen
class Committed:
    """The change landed whole."""


@frozen
class Conflict:
    """Something that was read has changed, or the lease was lost; nothing landed. Load and decide again."""

    key: Key | None = None


@frozen
class Duplicate:
    """A dedupe mark was there already; nothing landed. ``ref`` is what came of the first."""

    mark: str
    ref: str


Outcome: TypeAlias = Committed | Conflict | Duplicate
COMMITTED: Final = Committed()


@frozen
class Scan:
    """A page of an index. ``after`` is the cursor of a former page (the columns behind the prefix), exclusive."""

    kind: str
    index: str
    prefix: tuple[Scalar, ...]
    limit: int
    after: tuple[Scalar, ...] | None = None
    descending: bool = False


@frozen
class Page:
    """Rows in the asked order; ``next`` is the cursor of the last row, None when nothing follows."""

    rows: tuple[tuple[Key, Row], ...]
    next: tuple[Scalar, ...] | None = None


@frozen
class Search:
    """A page of the rows in which each of ``words`` begins a word, the last first. ``words`` are spelled as the kind's
    column spells them (``model.searching``). ``after`` is the cursor of a former page, exclusive."""

    kind: str
    tenant: TenantId
    words: tuple[str, ...]
    limit: int
    after: tuple[Scalar, ...] | None = None


@frozen
class EventPage:
    """Events in log order. ``cursor`` is where to go on; it is the given one when nothing came."""

    events: tuple[Event, ...]
    cursor: str


@frozen
class SchemaState:
    """Which version of its tables a storage has: ``found`` of ``known``; 0 before there are any.

    ``place`` says where they are, ``pending`` what an upgrade would do, step by step.
    """

    place: str
    found: int
    known: int
    pending: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        return self.found == self.known


class Storage(Protocol):
    """A plain storage. Every method may be called from several threads at once.

    Any method raises ``StorageUnavailable`` when the storage cannot answer now; then nothing was half-done.
    """

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        """Everything wanted, read at one moment."""
        ...

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply the changes in their order, each whole or not at all; durable when this returns.

        A later change may build on an earlier one of the same call. One that cannot land does not stop the others
        (though those that build on it will find a conflict).
        """
        ...

    def scan(self, scan: Scan) -> Page:
        """One page; its cost does not depend on how many rows lie before it."""
        ...

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        """The tenant's events behind ``cursor`` ('' for the beginning). Never skips an event that commits late."""
        ...

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due at ``now`` and not under a running lease, the longest due first.

        ``now`` is the connector's clock; whether a lease still runs is judged, and the new one timed, by the
        storage's own.
        """
        ...

    def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` of the tenant's events from before an instant, the oldest of the log first; how many.

        Stops at the first that is not older. Cursors stay valid: a reader goes on with what is left behind his.
        """
        ...

    def scrub(self) -> None:
        """Overwrite what deleted and replaced rows left behind in files, as far as this storage can do that without
        keeping anybody waiting for long. Called at the end of a job that removes content."""
        ...

    def close(self) -> None:
        """Release what is open. A second call does nothing."""
        ...


@runtime_checkable
class Versioned(Protocol):
    """What a storage has beside, if its tables change from release to release.

    Such a storage makes its tables where there are none, but changes none that are there: it looks at each connection
    whether they are of its version, and raises a ``ConfigError`` that names the way out where they are not.
    """

    def schema(self) -> SchemaState:
        """Which version the tables have. Changes nothing, and works with any version."""
        ...

    def upgrade(self) -> SchemaState:
        """Bring the tables to this release's version, each step whole or not at all; what is done already is not done
        again, and of two at once one does it. Returns the state afterwards."""
        ...


@runtime_checkable
class AsyncVersioned(Protocol):
    """As ``Versioned``, awaitable."""

    async def schema(self) -> SchemaState: ...
    async def upgrade(self) -> SchemaState: ...


class SearchingStorage(Protocol):
    """What a storage offers besides, where it can find rows by their words. One that does not makes the connector refuse
    to search; nothing else needs it."""

    def search(self, search: Search) -> Page:
        """One page; only rows of the tenant, and each as it is now: what was overwritten or deleted is not found."""
        ...


class AsyncSearchingStorage(Protocol):
    """As ``SearchingStorage``, awaitable."""

    async def search(self, search: Search) -> Page: ...


class AsyncStorage(Protocol):
    """As ``Storage``, awaitable."""

    async def load(self, wanted: Sequence[Wanted]) -> Snapshot: ...
    async def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]: ...
    async def scan(self, scan: Scan) -> Page: ...
    async def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage: ...
    async def claim(
        self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta
    ) -> Sequence[LeasedLane]: ...
    async def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int: ...
    async def scrub(self) -> None: ...
    async def aclose(self) -> None: ...
