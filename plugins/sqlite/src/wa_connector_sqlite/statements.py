"""The SQL of each kind of row, made from its declaration.

Rules of this file: pure, strings in and strings out. What is put into a statement is a name from the core's
declarations; a value is always a parameter. Each statement is made once and is then the same object for ever,
which is what the driver's cache of prepared statements goes by.

Theory: one table a kind, ``WITHOUT ROWID``, so that its primary key - the tenant first - *is* the table; key columns,
projected columns, merge columns and the sequence are real columns; the payload is one text that nobody here looks into.
``version`` 0 marks a row that so far only merges have made.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from attrs import frozen

from wa_connector.ports.rows import KINDS, ColumnType, Kind, MergeRule

_TYPES: Final[Mapping[ColumnType, str]] = {
    ColumnType.TEXT: "TEXT NOT NULL DEFAULT ''",
    ColumnType.INTEGER: "INTEGER NOT NULL DEFAULT 0",
}
_COUNT: Final = _TYPES[ColumnType.INTEGER]

LANE_KEY: Final = "tenant = ? AND line = ? AND customer = ? AND work = ?"

_EVENT_TABLE: Final = (
    "CREATE TABLE event (tenant TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,"
    " happening TEXT NOT NULL, PRIMARY KEY (tenant, sequence)) WITHOUT ROWID"
)
_LANE_TABLE: Final = (
    "CREATE TABLE lane (tenant TEXT NOT NULL, line TEXT NOT NULL, customer TEXT NOT NULL, work TEXT NOT NULL,"
    f" due_at INTEGER, leased_until {_COUNT}, fence {_COUNT}, wakes {_COUNT}, tokens REAL, tokens_at INTEGER,"
    " PRIMARY KEY (tenant, line, customer, work)) WITHOUT ROWID"
)
OWN_TABLES: Final = (
    # The last number given to an event or a row. One for the file: there is one writer at a time anyway, and a
    # rollback of the transaction takes back what it gave.
    "CREATE TABLE counter (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO counter VALUES ('number', 0)",
    _EVENT_TABLE,
    _LANE_TABLE,
    # A lane that sleeps is not in it: what a dispatcher looks through is what is due, however many lanes there are.
    "CREATE INDEX lane_due ON lane (work, due_at, tenant, line, customer) WHERE due_at IS NOT NULL",
)

BEGIN_READ: Final = "BEGIN"
BEGIN_WRITE: Final = "BEGIN IMMEDIATE"
READ_NUMBER: Final = "SELECT last FROM counter WHERE name = 'number'"
WRITE_NUMBER: Final = "UPDATE counter SET last = ? WHERE name = 'number'"
INSERT_EVENT: Final = "INSERT INTO event (tenant, at, happening, sequence) VALUES (?, ?, ?, ?)"
EVENTS_AFTER: Final = (
    "SELECT sequence, at, happening FROM event WHERE tenant = ? AND sequence > ? ORDER BY sequence LIMIT ?"
)
OLDEST_EVENTS: Final = "SELECT sequence, at FROM event WHERE tenant = ? ORDER BY sequence LIMIT ?"
DROP_EVENTS: Final = "DELETE FROM event WHERE tenant = ? AND sequence <= ?"
FENCE: Final = f"SELECT fence FROM lane WHERE {LANE_KEY}"
WAKE: Final = (
    "INSERT INTO lane (tenant, line, customer, work, due_at, wakes) VALUES (?, ?, ?, ?, ?, 1)"
    " ON CONFLICT (tenant, line, customer, work) DO UPDATE"
    " SET due_at = min(coalesce(due_at, excluded.due_at), excluded.due_at), wakes = wakes + 1"
)
# min() of a NULL is NULL: then whichever of the two is there.
SETTLE: Final = (
    "UPDATE lane SET leased_until = 0,"
    " due_at = CASE WHEN wakes = ? THEN ? ELSE coalesce(min(due_at, ?), due_at, ?) END,"
    f" tokens = coalesce(?, tokens), tokens_at = coalesce(?, tokens_at) WHERE {LANE_KEY} AND fence = ?"
)
DUE: Final = (
    "SELECT due_at, tenant, line, customer, work FROM lane INDEXED BY lane_due"
    " WHERE work = ? AND due_at <= ? AND leased_until <= ? ORDER BY due_at, tenant, line, customer LIMIT ?"
)
LEASE: Final = (
    f"UPDATE lane SET fence = fence + 1, leased_until = ? WHERE {LANE_KEY} RETURNING fence, wakes, tokens, tokens_at"
)


FORGET_WORDS: Final = tuple(
    f"""INSERT INTO "{name}_words" ("{name}_words") VALUES ('optimize')"""
    for name, kind in KINDS.items()
    if kind.searched is not None
)


@frozen(eq=False)
class Statements:
    """The statements of one kind. What a row is read as: version, payload, sequence (0 where the kind has none), then
    the merge columns."""

    kind: Kind
    load: str
    version: str
    insert: str
    """Key, projected columns, payload, and the number of a kind with a sequence. Touches no row where one with a
    payload is there."""
    replace: str
    """Projected columns, payload, key, version. Touches no row of another version."""
    delete: str
    """Key, version."""
    merge: str
    """Key, every merge column, and the number of a kind with a sequence."""


@cache
def statements(name: str) -> Statements:
    """The statements of the kind of that name."""
    kind = KINDS[name]
    table, where = _quoted(kind.name), _key_equals(kind)
    return Statements(
        kind=kind,
        load=f"SELECT {_row(kind)} FROM {table} WHERE {where}",
        version=f"SELECT version FROM {table} WHERE {where}",
        insert=_insert(kind),
        replace=f"UPDATE {table} SET {''.join(f'{_quoted(c.name)} = ?, ' for c in kind.columns)}"
        f"version = version + 1, payload = ? WHERE {where} AND version = ?",
        delete=f"DELETE FROM {table} WHERE {where} AND version = ?",
        merge=_merge(kind) if kind.merges else "",
    )


@cache
def raised(name: str, columns: tuple[str, ...]) -> str:
    """A merge into a row that is there: a value for each of these columns, then the key. An index is only written where a
    column of it is named."""
    kind = KINDS[name]
    rules = {column.name: column.rule for column in kind.merges}
    sets = ", ".join(
        f"{_quoted(column)} = {f'{_quoted(column)} + ?' if rules[column] is MergeRule.SUM else f'max({_quoted(column)}, ?)'}"
        for column in columns
    )
    return f"UPDATE {_quoted(name)} SET {sets} WHERE {_key_equals(kind)}"


@cache
def follow(name: str, column: str) -> str:
    """A row as ``Statements.load`` reads it, and behind it one of its columns."""
    kind = KINDS[name]
    return f"SELECT {_row(kind)}, {_quoted(column)} FROM {_quoted(name)} WHERE {_key_equals(kind)}"


@cache
def scan(name: str, index: str, prefix: int, *, is_after: bool, descending: bool) -> str:
    """A page of an index under ``prefix`` values, behind a cursor or not.

    Each row: the key, then as ``Statements.load`` reads it, then the columns behind the prefix, which are its cursor.
    The cursor is compared as one row value, which SQLite finds in the index; spelled out with AND and OR it would
    read from the start of the prefix.
    """
    kind = KINDS[name]
    columns = kind.index(index).columns
    rest = [_quoted(column) for column in columns[prefix:]]
    where = [f"{_quoted(column)} = ?" for column in columns[:prefix]]
    if is_after and rest:
        where.append(f"({', '.join(rest)}) {'<' if descending else '>'} ({_marks(rest)})")
    selected = [*(_quoted(column.name) for column in kind.key), _row(kind), *rest]
    order = ", ".join(f"{column} {'DESC' if descending else 'ASC'}" for column in rest) or "1"
    # Named, so that a missing statistic never makes the planner sort instead; the primary key has no name to give.
    hint = "" if index == "key" else f" INDEXED BY {_quoted(f'{name}_{index}')}"
    return (
        f"SELECT {', '.join(selected)} FROM {_quoted(name)}{hint} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?"
    )


def search_pattern(tenant: str, words: Iterable[str]) -> str:
    """What FTS5 is asked for: the tenant's own rows in which each of the words begins a word. Words are of letters and
    digits alone, so there is nothing in them that a pattern could mean."""
    return " AND ".join((f'scope : "{tenant.encode().hex()}"', *(f'words : "{word}" *' for word in words)))


@cache
def search(name: str, *, is_after: bool) -> str:
    """A page of the rows that have certain words: the pattern, the tenant, the cursor, the limit.

    Each row: the key, then as ``Statements.load`` reads it, then the columns of the order, which are its cursor.
    """
    kind = KINDS[name]
    assert kind.searched is not None
    order = [f"m.{_quoted(column)}" for column in kind.searched.order]
    same = " AND ".join(f"m.{_quoted(column.name)} = f.{_quoted(column.name)}" for column in kind.key)
    after = f" AND ({', '.join(order)}) < ({_marks(order)})" if is_after else ""
    row = ", ".join(f"m.{part.strip()}" for part in _row(kind).split(","))
    selected = [*(f"m.{_quoted(column.name)}" for column in kind.key), row.replace("m.0", "0"), *order]
    found, words = _quoted(f"{name}_found"), _quoted(f"{name}_words")
    return (
        f"SELECT {', '.join(selected)} FROM {words} w CROSS JOIN {found} f ON f.place = w.rowid"
        f" CROSS JOIN {_quoted(name)} m ON {same}"
        f" WHERE {words} MATCH ? AND f.tenant = ?{after}"
        f" ORDER BY {', '.join(f'{column} DESC' for column in order)} LIMIT ?"
    )


def _search_tables(kind: Kind) -> tuple[str, ...]:
    """The index of a kind's words, and what keeps it true: whatever writes a row, and however, its triggers follow.

    FTS5 counts its rows by number, and ours have names: so ``_found`` has a number for each row that has words, and the
    words themselves, which FTS5 needs once more to forget them. The tokenizer ``ascii`` parts words at spaces alone, for
    the core has left nothing else to part at; ``scope`` is the tenant, in hexadecimal digits.
    """
    if kind.searched is None:
        return ()
    key = [_quoted(column.name) for column in kind.key]
    table, found, words = (_quoted(f"{kind.name}{end}") for end in ("", "_found", "_words"))
    column = _quoted(kind.searched.column)
    same = {row: " AND ".join(f"{name} = {row}.{name}" for name in key) for row in ("old", "new")}
    entered = (
        f"INSERT INTO {found} ({', '.join(key)}, scope, words)"
        f" SELECT {', '.join(f'new.{name}' for name in key)}, lower(hex(new.tenant)), new.{column}"
        f" WHERE new.{column} <> '';"
        f" INSERT INTO {words} (rowid, scope, words) SELECT place, scope, words FROM {found} WHERE {same['new']};"
    )
    forgotten = (
        f"INSERT INTO {words} ({words}, rowid, scope, words)"
        f" SELECT 'delete', place, scope, words FROM {found} WHERE {same['old']};"
        f" DELETE FROM {found} WHERE {same['old']};"
    )
    declared = ", ".join(f"{name} TEXT NOT NULL" for name in key)
    head = f"CREATE TRIGGER {_quoted(kind.name + '_words_{0}')} AFTER"
    return (
        (
            f"CREATE TABLE {found} (place INTEGER PRIMARY KEY, {declared}, scope TEXT NOT NULL, words TEXT NOT NULL,"
            f" UNIQUE ({', '.join(key)}))"
        ),
        (
            f"CREATE VIRTUAL TABLE {words} USING fts5(scope, words, content={found}, content_rowid=place, tokenize='ascii',"
            " detail=column)"
        ),
        f"{head.format('insert')} INSERT ON {table} BEGIN {entered} END",
        (
            f"{head.format('update')} UPDATE OF {column} ON {table} WHEN old.{column} <> new.{column}"
            f" BEGIN {forgotten} {entered} END"
        ),
        f"{head.format('delete')} DELETE ON {table} BEGIN {forgotten} END",
    )


def tables() -> tuple[str, ...]:
    """Everything that a new file needs, in order."""
    return (*OWN_TABLES, *(statement for kind in KINDS.values() for statement in tables_of(kind)))


def tables_of(kind: Kind) -> tuple[str, ...]:
    """A kind's table and its indexes."""
    key = [_quoted(column.name) for column in kind.key]
    columns = [
        *(f"{_quoted(column.name)} {_TYPES[column.type]}" for column in (*kind.key, *kind.columns)),
        *(f"{_quoted(name)} {_COUNT}" for name in _counts(kind)),
        *(
            f"{_quoted(flag.name)} INTEGER GENERATED ALWAYS AS ({_quoted(flag.above)} > {_quoted(flag.below)}) VIRTUAL"
            for flag in kind.flags
        ),
        "version INTEGER NOT NULL DEFAULT 0",
        "payload TEXT NOT NULL DEFAULT ''",
        f"PRIMARY KEY ({', '.join(key)})",
    ]
    return (
        f"CREATE TABLE {_quoted(kind.name)} ({', '.join(columns)}) WITHOUT ROWID",
        *(
            f"CREATE INDEX {_quoted(f'{kind.name}_{index.name}')} ON {_quoted(kind.name)}"
            f" ({', '.join(_quoted(column) for column in index.columns)})"
            for index in kind.indexes
        ),
        *_search_tables(kind),
    )


def _counts(kind: Kind) -> list[str]:
    return [*([kind.sequence] if kind.sequence else []), *(column.name for column in kind.merges)]


def _row(kind: Kind) -> str:
    merges = "".join(f", {_quoted(column.name)}" for column in kind.merges)
    return f"version, payload, {_quoted(kind.sequence) if kind.sequence else '0'}{merges}"


def _insert(kind: Kind) -> str:
    names = [*(column.name for column in (*kind.key, *kind.columns)), "payload", *_sequence(kind)]
    head = (
        f"INSERT INTO {_quoted(kind.name)} ({', '.join(map(_quoted, names))}, version)"
        f" VALUES ({_marks(names)}, 1) ON CONFLICT ({_key_list(kind)})"
    )
    if not kind.merges:
        return f"{head} DO NOTHING"
    # A row may be there that merges made. Its sequence stays: it was given when the row was made.
    moved = [*(column.name for column in kind.columns), "payload", "version"]
    sets = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in moved)
    return f"{head} DO UPDATE SET {sets} WHERE version = 0"


def _merge(kind: Kind) -> str:
    # Every column each time: a maximum with 0 and a sum of 0 change nothing, and so one statement serves all merges.
    key = [column.name for column in kind.key]
    names = [*key, *(column.name for column in kind.merges), *_sequence(kind)]
    values = ["?"] * len(key)
    values += ["max(0, ?)" if column.rule is MergeRule.MAXIMUM else "?" for column in kind.merges]
    values += ["?"] * len(_sequence(kind))
    sets = []
    for column in kind.merges:
        name = _quoted(column.name)
        is_sum = column.rule is MergeRule.SUM
        sets.append(f"{name} = {f'{name} + excluded.{name}' if is_sum else f'max({name}, excluded.{name})'}")
    return (
        f"INSERT INTO {_quoted(kind.name)} ({', '.join(map(_quoted, names))}) VALUES ({', '.join(values)})"
        f" ON CONFLICT ({_key_list(kind)}) DO UPDATE SET {', '.join(sets)}"
    )


def _sequence(kind: Kind) -> list[str]:
    return [kind.sequence] if kind.sequence else []


def _key_equals(kind: Kind) -> str:
    return " AND ".join(f"{_quoted(column.name)} = ?" for column in kind.key)


def _key_list(kind: Kind) -> str:
    return ", ".join(_quoted(column.name) for column in kind.key)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _marks(items: Iterable[object]) -> str:
    return ", ".join("?" for _ in items)
