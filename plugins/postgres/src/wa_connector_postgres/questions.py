"""What the core asks for, as statements and what their answers mean: written once for both faces.

Plain coroutines that await nothing but ``ask``, which sends one statement and returns its rows. The asynchronous face
awaits them; the synchronous one drives them with an ``ask`` that never suspends. A connection is held while a statement
runs and no longer: answers are decoded without one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeAlias

from attrs import Factory, define

from wa_connector.model.event import Event
from wa_connector.model.ids import CustomerId, LineId, TenantId
from wa_connector.model.instants import from_microseconds, to_microseconds
from wa_connector.model.queue import Budget, LaneKey, LeasedLane, Work
from wa_connector.ports.codec import decode_happening, decode_row
from wa_connector.ports.misuse import check_follow, check_page, check_search, kind_of, parse_cursor
from wa_connector.ports.rows import KINDS, ColumnType, Key, Kind, Scalar
from wa_connector.ports.storage import (
    ABSENT,
    FOUND,
    Change,
    EventPage,
    Follow,
    Outcome,
    Page,
    Range,
    Row,
    Scan,
    Search,
    Snapshot,
    Wanted,
)
from wa_connector_postgres import statements
from wa_connector_postgres.functions import COMMIT
from wa_connector_postgres.rounds import Found, Prepared, Round, prepare
from wa_connector_postgres.statements import (
    CLAIM,
    DROP_EVENTS,
    EVENT_BITS,
    EVENTS_AFTER,
    Followed,
    Head,
    Part,
    Rows,
    Source,
    quoted,
)

Parameters: TypeAlias = Sequence[object] | Mapping[str, object]
Answer: TypeAlias = Sequence[tuple[Any, ...]]
_Raw: TypeAlias = tuple[Any, ...]
"""A row as a load or scan gives it: version, payload, sequence, merges."""


class Ask(Protocol):
    """Send one statement, and return its rows."""

    async def __call__(self, sql: str, parameters: Parameters = ()) -> Answer: ...


# ------------------------------------------------------------------------------------------------ loading


@define
class _Asked:
    """What one part of a load is asked, and who asked."""

    wants: list[Any] = Factory(list)
    parameter: list[Sequence[Scalar | None]] = Factory(list)


async def load(ask: Ask, wanted: Sequence[Wanted]) -> Snapshot:
    """Everything wanted, by one statement."""
    asked = _sorted_out(wanted)
    parameters = [_dump(each.parameter) for each in asked.values()]
    answer = await ask(statements.load(tuple(asked)), parameters) if asked else ()
    return _snapshot(wanted, list(asked.items()), answer)


def _sorted_out(wanted: Sequence[Wanted]) -> dict[Part, _Asked]:
    asked: dict[Part, _Asked] = {}
    for want in dict.fromkeys(wanted):
        if isinstance(want, Range):
            check_page(want.kind, want.index, want.prefix, want.after)
            if want.after == ():
                continue  # Nothing follows a whole entry.
            head = Head(want.kind, want.index, len(want.prefix), want.descending, want.after is not None)
            _ask_for(asked, head, want, (*want.prefix, *(want.after or ()), want.limit))
        elif isinstance(want, Follow):
            check_follow(want)
            _ask_for(asked, Source(want.source.kind, want.column), want, want.source.parts)
            for kind, parts in want.then:
                found = tuple(part is FOUND for part in parts)
                rest = (None if part is FOUND else part for part in parts)
                followed = Followed(want.source.kind, want.column, kind_of(kind).name, found)
                _ask_for(asked, followed, (want, kind, parts), (*want.source.parts, *rest))
        else:
            _ask_for(asked, Rows(kind_of(want.kind).name), want, want.parts)
    return asked


def _ask_for(asked: dict[Part, _Asked], part: Part, want: object, values: Sequence[Any]) -> None:
    each = asked.setdefault(part, _Asked())
    each.wants.append(want)
    each.parameter.append(values)


def _snapshot(wanted: Sequence[Wanted], asked: Sequence[tuple[Part, _Asked]], answer: Answer) -> Snapshot:
    rows: dict[Key, Row] = {}
    heads: dict[Range, dict[int, Key]] = {}
    found: dict[Follow, Scalar] = {}
    followed: list[tuple[Follow, str, tuple[Any, ...], _Raw]] = []
    for place, ordinal, position, parts, text, *raw in answer:
        part, each = asked[place]
        want = each.wants[ordinal - 1]
        match part:
            case Rows():
                rows[want] = _row(want, raw)
            case Source():
                rows[want.source] = _row(want.source, raw)
                found[want] = _typed(kind_of(part.kind), part.column, text)
            case Followed():
                followed.append((*want, raw))
            case Head():
                kind = kind_of(part.kind)
                key = _key(kind, parts)
                rows[key] = _row(key, raw)
                heads.setdefault(want, {})[position] = key
    for follow, name, wanted_parts, row in followed:
        reached = _reached(name, wanted_parts, found[follow])
        rows[reached] = _row(reached, row)
    for want in wanted:
        for key in _promised(want, found):
            rows.setdefault(key, ABSENT)
    ranges = {want: _in_order(heads.get(want, {})) for want in wanted if isinstance(want, Range)}
    return Snapshot(rows, ranges)


def _promised(want: Wanted, found: Mapping[Follow, Scalar]) -> Iterable[Key]:
    """The keys that the snapshot has, be there rows or not."""
    if isinstance(want, Key):
        yield want
    elif isinstance(want, Follow):
        yield want.source
        if found.get(want):
            for kind, parts in want.then:
                yield _reached(kind, parts, found[want])


def _reached(kind: str, parts: Sequence[Any], found: Scalar) -> Key:
    return Key(kind, tuple(found if part is FOUND else part for part in parts))


def _in_order(keys: Mapping[int, Key]) -> tuple[Key, ...]:
    return tuple(keys[position] for position in sorted(keys))


def _typed(kind: Kind, column: str, text: str) -> Scalar:
    types = {each.name: each.type for each in (*kind.key, *kind.columns)}
    return int(text) if types[column] is ColumnType.INTEGER else text


def _key(kind: Kind, texts: Sequence[str]) -> Key:
    pairs = zip(kind.key, texts, strict=True)
    return Key(kind.name, tuple(int(text) if column.type is ColumnType.INTEGER else text for column, text in pairs))


def _row(key: Key, raw: Sequence[Any]) -> Row:
    version, payload, sequence, merges = raw
    value = decode_row(key, payload) if version else None
    merged = {column.name: count for column, count in zip(kind_of(key.kind).merges, merges, strict=True)}
    return Row(version, value, merged, sequence)


# ------------------------------------------------------------------------------------------ pages and log


async def scan(ask: Ask, scan: Scan) -> Page:
    """One page of an index."""
    width = len(check_page(scan.kind, scan.index, scan.prefix, scan.after))
    kind = kind_of(scan.kind)
    is_after = scan.after is not None
    sql = statements.scan(scan.kind, scan.index, len(scan.prefix), is_after=is_after, descending=scan.descending)
    if is_after and not width:
        return Page(())
    # One more than asked for tells whether anything follows.
    values = {
        **{f"p{number}": value for number, value in enumerate(scan.prefix)},
        **{f"a{number}": value for number, value in enumerate(scan.after or ())},
    }
    found = await ask(sql, {**values, "limit": scan.limit + 1})
    page = found[: scan.limit]
    ends = len(kind.key)
    rows = tuple((key, _row(key, raw[ends : ends + 4])) for raw in page for key in (Key(kind.name, raw[:ends]),))
    return Page(rows, page[-1][ends + 4 :] if page and len(found) > len(page) else None)


async def search(ask: Ask, search: Search) -> Page:
    """One page of the rows that have certain words."""
    check_search(search)
    kind, ends = kind_of(search.kind), len(kind_of(search.kind).key)
    values = {
        "looked_for": statements.search_query(search.tenant, search.words),
        "whose": search.tenant,
        "after": None if search.after is None else _dump(search.after),
        "most": search.limit + 1,
    }
    found = await ask(statements.search(search.kind), values)
    page = found[: search.limit]
    rows = tuple((key, _row(key, raw[ends : ends + 4])) for raw in page for key in (Key(kind.name, raw[:ends]),))
    return Page(rows, page[-1][ends + 4 :] if page and len(found) > len(page) else None)


async def events_after(ask: Ask, tenant: TenantId, cursor: str, limit: int) -> EventPage:
    """The tenant's events behind ``cursor``."""
    after = parse_cursor(cursor)
    answer = await ask(EVENTS_AFTER, (tenant, after >> EVENT_BITS, after & ((1 << EVENT_BITS) - 1), limit))
    events = tuple(
        Event(tenant, transaction << EVENT_BITS | ordinal, from_microseconds(at), decode_happening(text))
        for transaction, ordinal, at, text in answer
    )
    return EventPage(events, str(events[-1].sequence) if events else cursor)


# ------------------------------------------------------------------------------------------------ writing


def prepared(changes: Iterable[Change]) -> list[Prepared]:
    """Changes, coded. Raises ``UsageError`` for one that no storage takes, before anything is touched."""
    return [prepare(change) for change in changes]


async def commit(ask: Ask, schema: str, changes: Sequence[Prepared]) -> tuple[Outcome, ...]:
    """Apply the changes in rounds, mostly one; each round is a transaction."""
    outcomes: list[Outcome] = []
    found = Found()
    while len(outcomes) < len(changes):
        this = Round(changes[len(outcomes) :], found)
        if not this.is_empty:
            ((answer,),) = await ask(COMMIT, [this.document(schema)])
            if answer:
                this.learn(answer)
                continue
        outcomes += this.outcomes
        found = Found()
    return tuple(outcomes)


async def drop_events(ask: Ask, tenant: TenantId, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` events from before an instant, from the beginning of the log."""
    return len(await ask(DROP_EVENTS, (tenant, limit, to_microseconds(before), tenant)))


async def scrub(ask: Ask) -> None:
    """Let the server reuse, and so overwrite, the space of what was removed from the tables that hold content."""
    for name in KINDS:
        await ask(f"VACUUM (SKIP_LOCKED) {quoted(name)}")


async def claim(ask: Ask, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> tuple[LeasedLane, ...]:
    """Lease up to ``limit`` lanes that are due and free, the longest due first."""
    names = [work.value for work in dict.fromkeys(works)]
    if not names:
        return ()
    found = await ask(CLAIM, (names, to_microseconds(now), limit, limit, lease))
    return tuple(_leased(raw) for raw in sorted(found, key=lambda raw: raw[:5]))


def _leased(raw: tuple[Any, ...]) -> LeasedLane:
    _, tenant, line, customer, work, fence, wakes, tokens, at = raw
    budget = None if tokens is None else Budget(tokens, from_microseconds(at))
    return LeasedLane(LaneKey(TenantId(tenant), LineId(line), CustomerId(customer), Work(work)), fence, wakes, budget)


_dump: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
