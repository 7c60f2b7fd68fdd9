"""The SQL of each kind of row, made from its declaration.

Rules of this file: pure, strings in and strings out. What is put into a statement is a name from the core's
declarations; a value is always a parameter. Names are not qualified: a session's search path holds one schema.

Theory: one table a kind; key columns, projected columns, merge columns and the sequence are real columns; the payload
is one text that nobody here looks into. ``version`` 0 marks a row that so far only merges have made. Texts are ordered
by code points (``COLLATE "C"``). Keys travel as one JSON array a kind, however many there are: so a statement's text
depends on what kinds of things are asked, not on how many, and the server plans it once a connection.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, TypeAlias, assert_never

from attrs import frozen

from wa_connector.ports.rows import KINDS, Column, ColumnType, Kind

TYPES: Final[Mapping[ColumnType, str]] = {
    ColumnType.TEXT: """text COLLATE "C" NOT NULL DEFAULT ''""",
    ColumnType.INTEGER: "bigint NOT NULL DEFAULT 0",
}
_TEXT: Final = TYPES[ColumnType.TEXT]
_COUNT: Final = TYPES[ColumnType.INTEGER]

_EVENT_TABLE: Final = (
    f"CREATE TABLE event (tenant {_TEXT}, transaction bigint NOT NULL,"
    " ordinal bigint NOT NULL CHECK (ordinal < 1048576), at bigint NOT NULL, happening text NOT NULL,"
    " PRIMARY KEY (tenant, transaction, ordinal))"
)
_LANE_TABLE: Final = (
    f"CREATE TABLE lane (tenant {_TEXT}, line {_TEXT}, customer {_TEXT}, work {_TEXT}, due_at bigint,"
    f" leased_until timestamptz NOT NULL DEFAULT '-infinity', fence {_COUNT}, wakes {_COUNT}, tokens double precision,"
    " tokens_at bigint, PRIMARY KEY (tenant, line, customer, work))"
)
OWN_TABLES: Final = (
    # What is added to the server's transaction numbers, and the server that they belong to: see schema.py.
    "CREATE TABLE log (base bigint NOT NULL, cluster bigint NOT NULL)",
    # Numbers of transactions that insert rows with a sequence; with the place in the transaction it is the row's.
    "CREATE SEQUENCE number",
    _EVENT_TABLE,
    _LANE_TABLE,
    # A lane that sleeps is not in it: what a dispatcher looks through is what is due, however many lanes there are.
    "CREATE INDEX lane_due ON lane (work, due_at, tenant, line, customer) WHERE due_at IS NOT NULL",
)
_ANY: Final = "tenant >= ''"
"""True of every row, and said only by who wants a secondary index. On an empty table all indexes look equally good, and
what the planner chooses there may be kept for long: so a row by its key is never looked for in another index than that
of keys."""
EVENT_BITS: Final = 20
"""Of a number, so many bits are the place within the transaction."""

# What is in doubt, the log does not tell yet: a transaction below xmin has ended, so nothing appears before what was
# read. A number is the transaction's own, not drawn from a sequence, because those are drawn long before they commit.
EVENTS_AFTER: Final = (
    "SELECT transaction, ordinal, at, happening FROM event WHERE tenant = %s AND (transaction, ordinal) > (%s, %s)"
    " AND transaction < (SELECT base FROM log) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    " ORDER BY transaction, ordinal LIMIT %s"
)
# The oldest of the log up to the first that is not old; what is in doubt is younger than all of these.
DROP_EVENTS: Final = (
    "WITH oldest AS MATERIALIZED (SELECT transaction, ordinal, at FROM event WHERE tenant = %s"
    " ORDER BY transaction, ordinal LIMIT %s),"
    " young AS MATERIALIZED (SELECT transaction, ordinal FROM oldest WHERE at >= %s ORDER BY transaction, ordinal LIMIT 1)"
    " DELETE FROM event e USING oldest o WHERE e.tenant = %s AND e.transaction = o.transaction AND e.ordinal = o.ordinal"
    " AND NOT EXISTS (SELECT 1 FROM young y WHERE (y.transaction, y.ordinal) <= (o.transaction, o.ordinal))"
    " RETURNING e.ordinal"
)
# The index begins with the work, so each has a question of its own; what is due longest of all is among the answers.
# Locked and skipped there, so that dispatchers never wait for each other, nor for a commit that has the lane in hand.
CLAIM: Final = (
    "WITH due AS MATERIALIZED (SELECT l.* FROM unnest(%s::text[]) AS w(work), LATERAL ("
    "SELECT t.due_at, t.tenant, t.line, t.customer, t.work FROM lane t"
    " WHERE t.work = w.work AND t.due_at <= %s AND t.leased_until <= clock_timestamp()"
    " ORDER BY t.due_at, t.tenant, t.line, t.customer LIMIT %s FOR UPDATE SKIP LOCKED) l"
    " ORDER BY l.due_at, l.tenant, l.line, l.customer, l.work LIMIT %s)"
    " UPDATE lane t SET fence = t.fence + 1, leased_until = clock_timestamp() + %s::interval FROM due"
    " WHERE t.tenant = due.tenant AND t.line = due.line AND t.customer = due.customer AND t.work = due.work"
    " RETURNING due.due_at, t.tenant, t.line, t.customer, t.work, t.fence, t.wakes, t.tokens, t.tokens_at"
)


# ------------------------------------------------------------------------------------------------ loading


@frozen
class Rows:
    """Rows by key: the parameter is an array of keys."""

    kind: str


@frozen
class Source:
    """The source of a ``Follow``, with what its column holds: the parameter is an array of keys."""

    kind: str
    column: str


@frozen
class Followed:
    """Rows that a ``Follow`` leads to: the parameter is an array, each the source's key and then the parts of the
    wanted key; ``found`` says which of those parts are what was found instead."""

    source: str
    column: str
    kind: str
    found: tuple[bool, ...]


@frozen
class Head:
    """The heads of index ranges: the parameter is an array, each a prefix, a cursor where they have one, and a limit."""

    kind: str
    index: str
    prefix: int
    descending: bool
    is_after: bool = False


Part: TypeAlias = Rows | Source | Followed | Head
"""One part of a load. Each gives rows of: its place among the parts, the place within its parameter, the place within a
range, the key (ranges only, as texts), what was found (sources only, as text), version, payload, sequence, merges."""


@cache
def load(parts: tuple[Part, ...]) -> str:
    """One statement for all that one load wants: one round trip, and a statement sees one moment."""
    return " UNION ALL ".join(_part(place, part) for place, part in enumerate(parts))


def _part(place: int, part: Part) -> str:
    match part:
        case Rows():
            return _rows(place, part)
        case Source():
            return _source(place, part)
        case Followed():
            return _followed(place, part)
        case Head():
            return _head(place, part)
        case _ as unreachable:
            assert_never(unreachable)


def _rows(place: int, part: Rows) -> str:
    kind = KINDS[part.kind]
    return f"SELECT {place}, o, 0::bigint, NULL::text[], NULL::text, {_row(kind)} FROM {_keys(kind)}"


def _source(place: int, part: Source) -> str:
    kind = KINDS[part.kind]
    return f"SELECT {place}, o, 0::bigint, NULL::text[], t.{quoted(part.column)}::text, {_row(kind)} FROM {_keys(kind)}"


def _followed(place: int, part: Followed) -> str:
    source, kind = KINDS[part.source], KINDS[part.kind]
    column = next(each for each in (*source.key, *source.columns) if each.name == part.column)
    found = {column.type: f"s.{quoted(column.name)}"}
    found.setdefault(ColumnType.TEXT, f"s.{quoted(column.name)}::text")
    found.setdefault(ColumnType.INTEGER, f"s.{quoted(column.name)}::bigint")
    same = " AND ".join(
        f"t.{quoted(each.name)} = {found[each.type] if is_found else element(each, len(source.key) + number)}"
        for number, (each, is_found) in enumerate(zip(kind.key, part.found, strict=True))
    )
    empty = "''" if column.type is ColumnType.TEXT else "0"
    return (
        f"SELECT {place}, o, 0::bigint, NULL::text[], NULL::text, {_row(kind)}"
        f" FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS r(e, o)"
        f" JOIN {quoted(source.name)} s ON {key_equals(source, 's')} AND s.{quoted(column.name)} <> {empty}"
        f" JOIN {quoted(kind.name)} t ON {same}"
    )


def _head(place: int, part: Head) -> str:
    kind = KINDS[part.kind]
    columns = kind.index(part.index).columns
    types = {column.name: column for column in _columns(kind)}
    named = len(columns) if part.is_after else part.prefix
    values = [element(types[name], number) for number, name in enumerate(columns[:named])]
    after = values[part.prefix :] if part.is_after else None
    where = " AND ".join(_stretch(part.index, columns, values[: part.prefix], after, descending=part.descending))
    order = _order(columns, descending=part.descending)
    key = ", ".join(f"t.{quoted(column.name)}::text" for column in kind.key)
    return (
        f"SELECT {place}, o, h.* FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS r(e, o), LATERAL ("
        f"SELECT row_number() OVER ({order}), ARRAY[{key}]::text[], NULL::text, {_row(kind)} FROM {quoted(kind.name)} t"
        f" WHERE {where} {order} LIMIT (e ->> {named})::bigint) h"
    )


@cache
def scan(name: str, index: str, prefix: int, *, is_after: bool, descending: bool) -> str:
    """A page of an index under ``prefix`` values, behind a cursor or not; the parameters are ``p0`` … (the prefix),
    ``a0`` … (the cursor) and ``limit``.

    Each row: the key, then version, payload, sequence and merges, then the columns behind the prefix, which are its
    cursor.
    """
    kind = KINDS[name]
    columns = kind.index(index).columns
    rest = columns[prefix:]
    values = [f"%(p{number})s" for number in range(prefix)]
    after = [f"%(a{number})s" for number in range(len(rest))] if is_after else None
    where = " AND ".join(_stretch(index, columns, values, after, descending=descending))
    selected = [*(f"t.{quoted(c.name)}" for c in kind.key), _row(kind), *(f"t.{quoted(c)}" for c in rest)]
    return (
        f"SELECT {', '.join(selected)} FROM {quoted(name)} t WHERE {where}"
        f" {_order(columns, descending=descending)} LIMIT %(limit)s"
    )


def _stretch(
    index: str, columns: Sequence[str], prefix: Sequence[str], after: Sequence[str] | None, *, descending: bool
) -> Iterable[str]:
    """The conditions under which an entry of an index is in a stretch of it: under a prefix, and behind a cursor.

    Said as the two ends of the stretch, each a row value, and not as equalities: with those, on an empty table, another
    index that begins with the tenant looks as good to the planner, and reads the whole tenant once it has grown. And a
    cursor spelled out with AND and OR would be read from the start of the prefix.
    """
    first, last = (">=", "<=") if not descending else ("<=", ">=")
    yield f"t.{quoted(columns[0])} = {prefix[0]}"
    if after is not None and len(columns) > 1:
        yield _compared(columns[1:], first.rstrip("="), [*prefix[1:], *after])
    elif len(prefix) > 1:
        yield _compared(columns[1 : len(prefix)], first, prefix[1:])
    if len(prefix) > 1:
        yield _compared(columns[1 : len(prefix)], last, prefix[1:])
    if index != "key":
        yield f"t.{_ANY}"


def _compared(columns: Sequence[str], sign: str, values: Sequence[str]) -> str:
    names = ", ".join(f"t.{quoted(column)}" for column in columns)
    return f"({names}) {sign} ({', '.join(values)})"


# ------------------------------------------------------------------------------------------------- tables


def search_query(tenant: str, words: Iterable[str]) -> str:
    """What the index of words is asked for, as a ``tsquery``: the tenant's own rows in which each of the words begins one.
    Words are of letters and digits alone; a tenant's name may hold anything."""
    whose = tenant.replace("\\", "\\\\").replace("'", "''")
    return " & ".join((f"'={whose}'", *(f"'{word}':*" for word in words)))


def vector(kind: Kind) -> str:
    """The words of a row as the index has them, the tenant among them, as no word is spelled. Arrays, and not
    ``to_tsvector``: the core has parted the words, and the server's ideas of language would part them otherwise."""
    assert kind.searched is not None
    words = f"string_to_array({quoted(kind.searched.column)}, ' ')"
    return f"array_to_tsvector(array_append({words}, '=' || tenant))"


def search_function(kind: Kind) -> str:
    """The one question that is answered by bitmaps and a sort, which everywhere else are switched off: so it has settings
    of its own. What matches is found by the index; only what matches is sorted."""
    assert kind.searched is not None
    order = [f"t.{quoted(column)}" for column in kind.searched.order]
    types = {column.name: column for column in _columns(kind)}
    cursor = ", ".join(element(types[column], number) for number, column in enumerate(kind.searched.order))
    return (
        f"CREATE FUNCTION {quoted('search_' + kind.name)}(looked_for tsquery, whose text, e jsonb, most bigint)"
        f" RETURNS SETOF {quoted(kind.name)} LANGUAGE sql STABLE"
        " SET enable_bitmapscan = on SET enable_sort = on SET enable_indexscan = off SET enable_indexonlyscan = off AS $$"
        f" SELECT t.* FROM {quoted(kind.name)} t WHERE {vector(kind)} @@ looked_for AND t.tenant = whose"
        f" AND (e IS NULL OR ({', '.join(order)}) < ({cursor}))"
        f" ORDER BY {', '.join(f'{column} DESC' for column in order)} LIMIT most $$"
    )


@cache
def search(name: str) -> str:
    """A page of the rows that have certain words: ``looked_for``, ``whose``, ``after`` (a JSON array or NULL), ``most``.

    Each row: the key, then version, payload, sequence and merges, then the columns of the order, which are its cursor.
    """
    kind = KINDS[name]
    assert kind.searched is not None
    selected = [
        *(f"t.{quoted(column.name)}" for column in kind.key),
        _row(kind),
        *(f"t.{quoted(column)}" for column in kind.searched.order),
    ]
    return (
        f"SELECT {', '.join(selected)} FROM {quoted('search_' + name)}"
        "(%(looked_for)s::tsquery, %(whose)s::text, %(after)s::jsonb, %(most)s::bigint) t"
    )


def tables() -> tuple[str, ...]:
    """Everything that a new schema needs but its functions, in order."""
    return (*OWN_TABLES, *(statement for kind in KINDS.values() for statement in tables_of(kind)))


def tables_of(kind: Kind) -> tuple[str, ...]:
    """A kind's table and its indexes."""
    columns = [
        *(f"{quoted(column.name)} {TYPES[column.type]}" for column in (*kind.key, *kind.columns)),
        *(f"{quoted(name)} {_COUNT}" for name in counts(kind)),
        *(
            f"{quoted(flag.name)} bigint GENERATED ALWAYS AS"
            f" (CASE WHEN {quoted(flag.above)} > {quoted(flag.below)} THEN 1 ELSE 0 END) STORED"
            for flag in kind.flags
        ),
        f"version {_COUNT}",
        "payload text NOT NULL DEFAULT ''",
        f"PRIMARY KEY ({key_list(kind)})",
    ]
    return (
        f"CREATE TABLE {quoted(kind.name)} ({', '.join(columns)})",
        *(
            f"CREATE INDEX {quoted(f'{kind.name}_{index.name}')} ON {quoted(kind.name)}"
            f" ({', '.join(map(quoted, index.columns))}) WHERE {_ANY}"
            for index in kind.indexes
        ),
        *_search_tables(kind),
    )


def _search_tables(kind: Kind) -> tuple[str, ...]:
    if kind.searched is None:
        return ()
    index = f"CREATE INDEX {quoted(f'{kind.name}_words')} ON {quoted(kind.name)} USING gin (({vector(kind)}))"
    return (index, search_function(kind))


# ------------------------------------------------------------------------------------------------- pieces


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return f'"{name}"'


def counts(kind: Kind) -> list[str]:
    """The names of the columns that hold the sequence and the merges."""
    return [*([kind.sequence] if kind.sequence else []), *(column.name for column in kind.merges)]


def key_list(kind: Kind) -> str:
    """The key's columns, as a list."""
    return ", ".join(quoted(column.name) for column in kind.key)


def element(column: Column, number: int) -> str:
    """The value of a column in ``e``, a JSON array."""
    return f"(e ->> {number})" if column.type is ColumnType.TEXT else f"(e ->> {number})::bigint"


def key_equals(kind: Kind, table: str = "t") -> str:
    """Whether a table's row has the key that begins ``e``."""
    return " AND ".join(
        f"{table}.{quoted(column.name)} = {element(column, number)}" for number, column in enumerate(kind.key)
    )


def _keys(kind: Kind) -> str:
    return (
        f"jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS r(e, o) JOIN {quoted(kind.name)} t ON {key_equals(kind)}"
    )


def _row(kind: Kind) -> str:
    sequence = f"t.{quoted(kind.sequence)}" if kind.sequence else "0::bigint"
    merges = ", ".join(f"t.{quoted(column.name)}" for column in kind.merges)
    return f"t.version, t.payload, {sequence}, ARRAY[{merges}]::bigint[]"


def _order(columns: Sequence[str], *, descending: bool) -> str:
    # Without the tenant, which is one; with the rest of the prefix, so that no other index gives the order.
    direction = " DESC" if descending else ""
    return f"ORDER BY {', '.join(f't.{quoted(column)}{direction}' for column in columns[1:]) or '1'}"


def _columns(kind: Kind) -> Iterable[Column]:
    yield from kind.key
    yield from kind.columns
    for name in (*counts(kind), *(flag.name for flag in kind.flags)):
        yield Column(name, ColumnType.INTEGER)
