"""Every kind of stored row, declared once, as data.

A storage plugin makes real tables of these declarations; it knows keys, columns and indexes, and never looks into a
payload. The core owns payloads and their upgrades (``ports.codec``).

Theory: a row has a *payload* under a version, and *merge columns* beside it. The payload is replaced only by whoever
read its version; a merge column is a maximum or a sum, which any two writers can apply in any order, so merges never
conflict and never move the version. What changes with every message (the last entry of a thread, the instants of a
window) is a merge; what a rule may refuse by is a payload.

Every key begins with the tenant.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import field, frozen

from wa_connector.model.address import AddressRecord
from wa_connector.model.consent import Anchor, ConsentRecord, Evidence, Forgotten
from wa_connector.model.content import text_of
from wa_connector.model.conversation import Conversation, Listing, Pair
from wa_connector.model.customer import Customer
from wa_connector.model.inbound import InboundStatus
from wa_connector.model.instants import from_microseconds, to_microseconds
from wa_connector.model.job import Holds, Job
from wa_connector.model.message import Message
from wa_connector.model.queue import Epoch, Gate, OutboxEntry
from wa_connector.model.searching import words_of
from wa_connector.model.setting import SettingHistory
from wa_connector.model.template import Template
from wa_connector.model.window import NO_WINDOW, Window

Scalar: TypeAlias = str | int


class Key(NamedTuple):
    """The address of one row: the kind's name and the key's parts, the tenant first."""

    kind: str
    parts: tuple[Scalar, ...]


class ColumnType(Enum):
    TEXT = "text"
    INTEGER = "integer"


class MergeRule(Enum):
    MAXIMUM = "maximum"
    SUM = "sum"


@frozen
class Column:
    name: str
    type: ColumnType = ColumnType.TEXT


@frozen
class MergeColumn:
    """A 64-bit integer, 0 until first merged."""

    name: str
    rule: MergeRule


@frozen
class Flag:
    """An integer column that the storage derives: 1 while the merge column ``above`` is greater than ``below``, else 0.

    So an index can hold apart what two merges only together tell, and no writer has to read before it merges.
    """

    name: str
    above: str
    below: str


@frozen
class Index:
    """Columns in their order. The last ones are the key's, so that every entry has one place and a page cursor is
    exact."""

    name: str
    columns: tuple[str, ...]


@frozen
class Searched:
    """Rows that are found by words: ``column`` holds them, apart by single spaces, each once; pages come in the order of
    ``order``, the last first. A storage that can search keeps an index of the words, and brings it up to date by whatever
    writes or deletes a row."""

    column: str
    order: tuple[str, ...]


@frozen(eq=False)
class Kind:
    """One kind of row.

    ``project`` gives the values of ``columns`` for a payload. ``sequence`` names an integer column that the storage
    fills at the first insert: rising in commit order within the tenant, never changed after.
    """

    name: str
    payload: type[Any]
    key: tuple[Column, ...]
    columns: tuple[Column, ...] = ()
    project: Callable[[Any], tuple[Scalar, ...]] = field(default=lambda _: (), repr=False)
    merges: tuple[MergeColumn, ...] = ()
    flags: tuple[Flag, ...] = ()
    sequence: str = ""
    searched: Searched | None = None
    indexes: tuple[Index, ...] = ()

    def of(self, *parts: Scalar) -> Key:
        """The key of one row of this kind."""
        return Key(self.name, parts)

    def index(self, name: str) -> Index:
        """An index by name; ``key`` is the primary key's own."""
        if name == "key":
            return Index("key", tuple(column.name for column in self.key))
        return next(index for index in self.indexes if index.name == name)


def _columns(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


_FOR_EVER: Final = (1 << 63) - 1


def _instant(at: datetime | None) -> int:
    return 0 if at is None else to_microseconds(at)


ADDRESS: Final = Kind(
    "address",
    AddressRecord,
    key=_columns("tenant", "portfolio", "class", "value"),
    columns=_columns("customer"),
    project=lambda record: (record.holder or "",),
)
CUSTOMER: Final = Kind(
    "customer",
    Customer,
    key=_columns("tenant", "customer"),
    columns=_columns("merged_into"),
    project=lambda customer: (customer.merged_into or "",),
    indexes=(Index("merged", ("tenant", "merged_into", "customer")),),
)
CONSENT: Final = Kind("consent", ConsentRecord, key=_columns("tenant", "customer"))
EVIDENCE: Final = Kind(
    "evidence",
    Evidence,
    key=(*_columns("tenant", "customer"), Column("number", ColumnType.INTEGER)),
)
PAIR: Final = Kind(
    "pair",
    Pair,
    key=_columns("tenant", "customer", "line"),
    merges=(
        MergeColumn("customer_at", MergeRule.MAXIMUM),
        MergeColumn("business_at", MergeRule.MAXIMUM),
        MergeColumn("refused_at", MergeRule.MAXIMUM),
        MergeColumn("reached_at", MergeRule.MAXIMUM),
    ),
)
REACH: Final = Kind(
    "reach",
    str,
    key=(*_columns("tenant", "portfolio"), Column("hour", ColumnType.INTEGER)),
    merges=(MergeColumn("customers", MergeRule.SUM),),
)
"""How many customers a portfolio reached outside their windows, by the hour (hours since 1970): sums only, so that no two
sends wait for each other. The payload is never put."""
CONVERSATION: Final = Kind(
    "conversation",
    Conversation,
    key=_columns("tenant", "conversation"),
    columns=_columns("line", "customer", "state", "owner"),
    project=lambda thread: (thread.line, thread.customer, thread.state.value, thread.owner or ""),
    merges=(
        MergeColumn("last_at", MergeRule.MAXIMUM),
        MergeColumn("entries", MergeRule.SUM),
        MergeColumn("held", MergeRule.SUM),
        MergeColumn("acknowledged", MergeRule.MAXIMUM),
    ),
    indexes=(
        Index("inbox", ("tenant", "owner", "state", "last_at", "conversation")),
        Index("customer", ("tenant", "customer", "last_at", "conversation")),
    ),
)
LISTING: Final = Kind(
    "listing",
    Listing,
    key=_columns("tenant", "list", "conversation"),
    columns=(
        *_columns("customer", "state", "shelf"),
        Column("owned", ColumnType.INTEGER),
        Column("sees_from", ColumnType.INTEGER),
        Column("sees_until", ColumnType.INTEGER),
    ),
    project=lambda listing: (
        listing.customer,
        listing.state.value,
        listing.shelf,
        int(listing.is_owned),
        _instant(listing.sees_from_at),
        _FOR_EVER if listing.sees_until_at is None else to_microseconds(listing.sees_until_at),
    ),
    merges=(
        MergeColumn("last_at", MergeRule.MAXIMUM),
        MergeColumn("arrived", MergeRule.SUM),
        MergeColumn("seen", MergeRule.MAXIMUM),
        MergeColumn("read_at", MergeRule.MAXIMUM),
    ),
    flags=(Flag("unread", "arrived", "seen"),),
    indexes=(
        Index("recent", ("tenant", "list", "state", "last_at", "conversation")),
        Index("shelf", ("tenant", "list", "state", "shelf", "owned", "unread", "last_at", "conversation")),
        Index("from", ("tenant", "list", "customer", "sees_from", "conversation")),
        Index("until", ("tenant", "list", "customer", "sees_until", "conversation")),
    ),
)
"""A thread on somebody's list: a user's, a team's, a queue's, or (the name '') that of what nobody owns. Written with the
thread's parts; an entry only merges into it, so that an inbox is read from an index and nothing is ever counted.
``arrived`` counts what others put in, ``seen`` how many of those were read."""
MESSAGE: Final = Kind(
    "message",
    Message,
    key=_columns("tenant", "message"),
    columns=(
        *_columns("conversation", "customer", "line", "provider_id"),
        Column("at", ColumnType.INTEGER),
        Column("words"),
    ),
    project=lambda message: (
        message.conversation,
        message.customer,
        message.line,
        message.provider_id or "",
        _instant(message.at),
        " ".join(words_of(text_of(message.content))),
    ),
    searched=Searched("words", ("at", "message")),
    indexes=(
        Index("timeline", ("tenant", "conversation", "at", "message")),
        Index("customer", ("tenant", "customer", "at", "message")),
        Index("provider", ("tenant", "line", "provider_id", "message")),
    ),
)
OUTBOX: Final = Kind(
    "outbox",
    OutboxEntry,
    key=_columns("tenant", "work", "message"),
    columns=(
        *_columns("line", "customer", "state"),
        Column("queued", ColumnType.INTEGER),
        Column("rank", ColumnType.INTEGER),
    ),
    project=lambda entry: (entry.line, entry.customer, entry.state.value, int(entry.is_queued), entry.rank),
    sequence="position",
    indexes=(Index("lane", ("tenant", "line", "customer", "work", "queued", "rank", "position", "message")),),
)
GATE: Final = Kind("gate", Gate, key=_columns("tenant", "line"))
"""What holds for all lanes of a line; written once for some tenths of a second's worth of messages."""
EPOCH: Final = Kind("epoch", Epoch, key=_columns("tenant", "of"))
"""Which age of the rows this is; ``of`` says which rows: those of the ``outbox`` so far."""
DEDUPE: Final = Kind("dedupe", str, key=_columns("tenant", "mark"))
"""What was taken once: the payload is the id of what came of it."""
ANCHOR: Final = Kind("anchor", Anchor, key=(*_columns("tenant"), Column("at", ColumnType.INTEGER)))
CURSOR: Final = Kind("cursor", str, key=_columns("tenant", "name"))
"""How far somebody of ours has read the log, by what he does with it."""
TEMPLATE: Final = Kind("template", Template, key=_columns("tenant", "account", "name", "language"))
SETTING: Final = Kind("setting", SettingHistory, key=_columns("tenant", "scope"))
"""The scope is ``organization:`` or ``user:`` and the id."""
WAITING: Final = Kind("waiting", tuple[InboundStatus, ...], key=_columns("tenant", "line", "provider_id"))
"""Statuses that came before the message they speak of."""


MEMO: Final = Kind("memo", str, key=_columns("tenant", "owner", "name"))
"""What a plugin of a channel keeps for itself, by its own names: parts that wait for the rest, who holds a connection."""


@frozen
class KeptElement:
    """An inbound element kept for inspection. ``raw`` is its text as it came (JSON, or the body's Base64)."""

    at: datetime
    problem: str
    raw: str = field(repr=False)


QUARANTINE: Final = Kind(
    "quarantine",
    KeptElement,
    key=_columns("tenant", "entry"),
    columns=(Column("at", ColumnType.INTEGER),),
    project=lambda kept: (_instant(kept.at),),
    indexes=(Index("age", ("tenant", "at", "entry")),),
)

HASH_KEY: Final = Kind("hash_key", str, key=_columns("tenant", "use"))
"""The tenant's own key of digests, 64 hex digits: made when the first person is forgotten, and never changed."""
FORGOTTEN: Final = Kind("forgotten", Forgotten, key=_columns("tenant", "digest"))
"""What a forgotten person refused, by the keyed digest of an address."""
FILE_USE: Final = Kind("file_use", str, key=_columns("tenant", "sha256", "user"))
"""Who shows a file: ``message:`` and its id, or ``evidence:`` and its customer and sequence. A file goes when nobody does."""
JOB: Final = Kind(
    "job",
    Job,
    key=_columns("tenant", "job"),
    columns=_columns("state"),
    project=lambda job: (job.state.value,),
    indexes=(Index("state", ("tenant", "state", "job")),),
)
HOLD: Final = Kind("hold", Holds, key=_columns("tenant", "subject"))
"""The subject is ``customer:`` or ``organization:`` and the id."""

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        ADDRESS,
        CUSTOMER,
        CONSENT,
        EVIDENCE,
        ANCHOR,
        PAIR,
        REACH,
        CONVERSATION,
        LISTING,
        MESSAGE,
        OUTBOX,
        GATE,
        EPOCH,
        DEDUPE,
        CURSOR,
        TEMPLATE,
        SETTING,
        WAITING,
        MEMO,
        QUARANTINE,
        HASH_KEY,
        FORGOTTEN,
        FILE_USE,
        JOB,
        HOLD,
    )
}


def window_of(merged: Mapping[str, int]) -> Window:
    """The window in a pair's merge columns."""
    if not merged:
        return NO_WINDOW
    return Window(
        customer_at=_optional(merged.get("customer_at", 0)),
        business_at=_optional(merged.get("business_at", 0)),
        refused_at=_optional(merged.get("refused_at", 0)),
    )


def _optional(count: int) -> datetime | None:
    return from_microseconds(count) if count else None


__all__ = [
    "ADDRESS",
    "ANCHOR",
    "CONSENT",
    "CONVERSATION",
    "CURSOR",
    "CUSTOMER",
    "DEDUPE",
    "EPOCH",
    "EVIDENCE",
    "FILE_USE",
    "FORGOTTEN",
    "GATE",
    "HASH_KEY",
    "HOLD",
    "JOB",
    "KINDS",
    "LISTING",
    "MEMO",
    "MESSAGE",
    "OUTBOX",
    "PAIR",
    "QUARANTINE",
    "REACH",
    "SETTING",
    "TEMPLATE",
    "WAITING",
    "Column",
    "ColumnType",
    "Flag",
    "Index",
    "KeptElement",
    "Key",
    "Kind",
    "MergeColumn",
    "MergeRule",
    "Scalar",
    "Searched",
    "window_of",
]
