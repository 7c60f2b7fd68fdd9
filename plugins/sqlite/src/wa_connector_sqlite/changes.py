"""A change as SQL: what is to be checked, what is to be executed, and what to answer where a statement touches no row.

All that can be done without the database - encoding payloads, choosing statements - is done here, before the one writer's
turn begins; ``land`` is what happens inside it.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from wa_connector.model.ids import TenantId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.queue import LaneKey
from wa_connector.ports.codec import decode, encode, encode_happening
from wa_connector.ports.misuse import check_change
from wa_connector.ports.rows import DEDUPE, Key, Scalar
from wa_connector.ports.storage import COMMITTED, Change, Conflict, Duplicate, Merge, Outcome, Put, Settle, Wake
from wa_connector_sqlite.statements import (
    FENCE,
    INSERT_EVENT,
    READ_NUMBER,
    SETTLE,
    WAKE,
    WRITE_NUMBER,
    raised,
    statements,
)

Parameter = str | int | float | None


class Mark(NamedTuple):
    key: Key
    mark: str
    parameters: tuple[Parameter, ...]


class Check(NamedTuple):
    """One number is selected, and no row counts as 0 where ``absent`` says so."""

    sql: str
    parameters: tuple[Parameter, ...]
    expected: int
    absent: int
    refusal: Conflict


class Write(NamedTuple):
    sql: str
    parameters: tuple[Parameter, ...]
    refusal: Conflict | None = None
    """The answer where no row was touched; None where that is as good."""
    is_numbered: bool = False
    """Whether the next number of the file is the last parameter."""
    instead: "Write | None" = None
    """What to do where no row was touched."""


class Prepared(NamedTuple):
    """A change, ready to land."""

    marks: tuple[Mark, ...]
    checks: tuple[Check, ...]
    writes: tuple[Write, ...]


class Numbers:
    """The numbers of events and rows, within one transaction: read when first needed, written back once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._last: int | None = None

    def next(self) -> int:
        """A number that no earlier event or row has."""
        if self._last is None:
            self._last = int(self._db.execute(READ_NUMBER).fetchone()[0])
        self._last += 1
        return self._last

    def forget(self) -> None:
        """The transaction was rolled back, and with it what was given."""
        self._last = None

    def write_back(self) -> None:
        """Say, before the transaction commits, which numbers are taken."""
        if self._last is not None:
            self._db.execute(WRITE_NUMBER, (self._last,))


Seen: TypeAlias = dict[Key, int]
"""Versions that this transaction has looked at. Nobody else writes meanwhile, so each holds until this one writes."""


def prepare(change: Change) -> Prepared:
    """Everything about a change that needs no database. Raises ``UsageError`` for one that no storage takes."""
    check_change(change)
    return Prepared(
        tuple(_mark(change.tenant, mark, ref) for mark, ref in change.dedupe.items()),
        tuple(_checks(change)),
        tuple(_writes(change)),
    )


def land(db: sqlite3.Connection, prepared: Prepared, numbers: Numbers, seen: Seen) -> Outcome:
    """Apply a change inside a transaction. The caller rolls back whatever is not ``COMMITTED``, and then believes no
    longer what was ``seen``."""
    # Marks first: the retry of a command that landed has stale reads as well, and what its caller needs to hear is
    # that it landed.
    for key, mark, parameters in prepared.marks:
        if not db.execute(statements(DEDUPE.name).insert, parameters).rowcount:
            return _duplicate(db, mark, parameters)
        seen.pop(key, None)
    for sql, parameters, expected, absent, conflict in prepared.checks:
        found = None if conflict.key is None else seen.get(conflict.key)
        if found is None:
            row = db.execute(sql, parameters).fetchone()
            found = absent if row is None else row[0]
            if conflict.key is not None:
                seen[conflict.key] = found
        if found != expected:
            return conflict
    for sql, parameters, refusal, is_numbered, instead in prepared.writes:
        values = (*parameters, numbers.next()) if is_numbered else parameters
        touched = db.execute(sql, values).rowcount
        if instead is not None and not touched:
            values = (*instead.parameters, numbers.next()) if instead.is_numbered else instead.parameters
            db.execute(instead.sql, values)
        if refusal is not None:
            if not touched:
                return refusal
            if refusal.key is not None:
                seen.pop(refusal.key, None)
    return COMMITTED


def _mark(tenant: TenantId, mark: str, ref: str) -> Mark:
    return Mark(DEDUPE.of(tenant, mark), mark, (tenant, mark, encode(ref, DEDUPE.payload)))


def _duplicate(db: sqlite3.Connection, mark: str, parameters: tuple[Parameter, ...]) -> Duplicate:
    row = db.execute(statements(DEDUPE.name).load, parameters[:2]).fetchone()
    return Duplicate(mark, decode(row[1], DEDUPE.payload))


def _checks(change: Change) -> Iterator[Check]:
    """What was read and is not written: the version of what is put or deleted is checked by that very statement."""
    if change.fence is not None:
        lane, fence = change.fence
        yield Check(FENCE, _lane(lane), fence, -1, Conflict())
    folded = {put.key for put in change.puts}
    # Deleting what is not there touches no row and is right, so of an absent row the check cannot be folded.
    folded.update(key for key in change.deletes if change.reads[key])
    for key, version in change.reads.items():
        if key not in folded:
            yield Check(statements(key.kind).version, key.parts, version, 0, Conflict(key))


def _writes(change: Change) -> Iterator[Write]:
    # The lane before its wakes: a change that wakes the lane which it settles has not overlooked anything.
    if change.settle is not None:
        yield _settle(change.settle)
    for key in change.deletes:
        version = change.reads[key]
        yield Write(statements(key.kind).delete, (*key.parts, version), Conflict(key) if version else None)
    for put in change.puts:
        yield _put(put, change.reads.get(put.key, 0))
    for merge in change.merges:
        yield _merge(merge)
    for happening in change.events:
        values = (change.tenant, to_microseconds(change.at), encode_happening(happening))
        yield Write(INSERT_EVENT, values, is_numbered=True)
    for wake in change.wakes:
        yield _wake(wake)


def _put(put: Put, version: int) -> Write:
    prepared = statements(put.key.kind)
    kind = prepared.kind
    projected: tuple[Scalar, ...] = kind.project(put.value)
    payload = encode(put.value, kind.payload)
    if version:
        return Write(prepared.replace, (*projected, payload, *put.key.parts, version), Conflict(put.key))
    values = (*put.key.parts, *projected, payload)
    return Write(prepared.insert, values, Conflict(put.key), bool(kind.sequence))


def _merge(merge: Merge) -> Write:
    """Of the columns that it names, where the row is there, which it mostly is; else the row is made."""
    prepared, columns, key = statements(merge.key.kind), merge.columns, merge.key.parts
    counts = (columns.get(column.name, 0) for column in prepared.kind.merges)
    made = Write(prepared.merge, (*key, *counts), is_numbered=bool(prepared.kind.sequence))
    return Write(raised(merge.key.kind, tuple(columns)), (*columns.values(), *key), instead=made) if columns else made


def _settle(settle: Settle) -> Write:
    due_at = None if settle.due_at is None else to_microseconds(settle.due_at)
    budget = settle.budget
    left = (None, None) if budget is None else (budget.tokens, to_microseconds(budget.at))
    values = (settle.wakes, due_at, due_at, due_at, *left, *_lane(settle.lane), settle.fence)
    return Write(SETTLE, values, Conflict())


def _wake(wake: Wake) -> Write:
    return Write(WAKE, (*_lane(wake.lane), to_microseconds(wake.due_at)))


def _lane(lane: LaneKey) -> tuple[str, str, str, str]:
    return (lane.tenant, lane.line, lane.customer, lane.work.value)


__all__ = ["Numbers", "Prepared", "Seen", "land", "prepare"]
