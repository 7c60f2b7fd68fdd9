"""Every question is answered from an index, on an empty table as on a vast one: nothing scans a table or sorts."""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import psycopg
import pytest
from wa_connector_postgres import PostgresStorage, statements
from wa_connector_postgres.functions import commit_function
from wa_connector_postgres.statements import CLAIM, EVENTS_AFTER, Followed, Head, Rows, Source

from wa_connector.ports.rows import KINDS, Column, ColumnType, Kind, Scalar
from wa_connector.testing.contract import TENANT

INDEXES = [(kind.name, index) for kind in KINDS.values() for index in ("key", *(each.name for each in kind.indexes))]


@pytest.fixture
def db(storage: PostgresStorage, admin: "psycopg.Connection[Any]") -> Iterator["psycopg.Connection[Any]"]:
    """A connection as the storage sets it up, to tables of which the planner knows nothing.

    The tables of the session were filled and emptied by other tests. Autovacuum may have come by since, and for a table
    known to hold nothing the planner takes any way.
    """
    storage.load([KINDS["customer"].of(TENANT, "ann")])
    here = storage._pool._here()
    db = storage._pool._take(here)
    tables = "SELECT oid FROM pg_class WHERE relnamespace = 'wa_connector'::regnamespace"
    admin.execute(f"UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE oid IN ({tables}) AND relkind IN ('r', 'i')")
    admin.execute(f"DELETE FROM pg_statistic WHERE starelid IN ({tables})")
    yield db
    storage._pool._give(here, db)


def explain(db: "psycopg.Connection[Any]", sql: str, parameters: Any) -> str:
    return "\n".join(row[0] for row in db.execute(f"EXPLAIN (COSTS off) {sql}", parameters).fetchall())


def assert_found(plan: str) -> None:
    assert "Seq Scan" not in plan, plan
    assert "Sort" not in plan, plan
    assert "Bitmap" not in plan, plan


def value(kind: Kind, name: str) -> Scalar:
    columns = {column.name: column for column in (*kind.key, *kind.columns)}
    return "x" if columns.get(name, Column(name, ColumnType.INTEGER)).type is ColumnType.TEXT else 1


def named(kind: str, index: str) -> str:
    return f"{kind}_pkey" if index == "key" else f"{kind}_{index}"


@pytest.mark.parametrize("descending", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize(("kind", "index"), INDEXES)
def test_a_page_is_read_from_its_index(db: "psycopg.Connection[Any]", kind: str, index: str, descending: bool) -> None:
    """Whatever the length of the prefix; and a cursor is a place in the index, not a filter behind it."""
    columns = KINDS[kind].index(index).columns
    for length in range(1, len(columns)):
        for is_after in (False, True):
            sql = statements.scan(kind, index, length, is_after=is_after, descending=descending)
            values = {f"p{number}": value(KINDS[kind], name) for number, name in enumerate(columns[:length])}
            values.update((f"a{number}", value(KINDS[kind], name)) for number, name in enumerate(columns[length:]))
            plan = explain(db, sql, {**values, "limit": 10})
            assert_found(plan)
            assert f"Index Scan{' Backward' if descending else ''} using {named(kind, index)} on" in plan
            condition = plan[plan.index("Index Cond") :]
            assert "(tenant = 'x'::text" in condition
            last = condition.count(">=" if descending else "<=")
            assert last == (length > 1), plan
            assert bool(re.search(r" < " if descending else r" > ", condition)) == is_after, plan
            assert "Filter" not in plan


@pytest.mark.parametrize(("kind", "index"), INDEXES)
def test_a_range_is_read_from_its_index(db: "psycopg.Connection[Any]", kind: str, index: str) -> None:
    columns = KINDS[kind].index(index).columns
    for length in range(1, len(columns)):
        for descending, is_after in product((False, True), repeat=2):
            named_columns = columns if is_after else columns[:length]
            values = [value(KINDS[kind], name) for name in named_columns]
            head = Head(kind, index, length, descending, is_after)
            plan = explain(db, statements.load((head,)), [json.dumps([[*values, 5]])])
            assert_found(plan)
            assert f"using {named(kind, index)} on" in plan
            assert "Filter" not in plan


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_found_by_their_keys(db: "psycopg.Connection[Any]", kind: str) -> None:
    key = [value(KINDS[kind], column.name) for column in KINDS[kind].key]
    plan = explain(db, statements.load((Rows(kind),)), [json.dumps([key, key])])
    assert_found(plan)
    assert f"using {kind}_pkey on" in plan


def test_a_follow_goes_from_key_to_key(db: "psycopg.Connection[Any]") -> None:
    parts = (Source("address", "customer"), Followed("address", "customer", "pair", (False, True, False)))
    address = ["x", "", "line", "1"]
    plan = explain(db, statements.load(parts), [json.dumps([address]), json.dumps([[*address, "x", None, "x"]])])
    assert_found(plan)
    assert plan.count("using address_pkey on") == 2
    assert plan.count("using pair_pkey on") == 1
    # Whichever way round the planner joins: one pair is found by its whole key.
    assert (
        len(
            re.findall(r"using pair_pkey on .*\n\s*Index Cond: \(\(tenant = .* AND \(customer = .* AND \(line = ", plan)
        )
        == 1
    )


def test_due_lanes_are_read_from_their_index(db: "psycopg.Connection[Any]") -> None:
    """Sleeping lanes are not in it, so their number does not matter. Only what was found is sorted."""
    plan = explain(db, CLAIM, [["send", "fetch"], 1, 10, 10, "1 minute"])
    assert "Seq Scan" not in plan
    assert "using lane_due on" in plan
    assert plan.count("Sort") == 2  # the node and its key: the lanes of all works together
    assert plan.index("Sort") < plan.index("LockRows") < plan.index("lane_due")


def test_events_are_read_from_the_tenants_log(db: "psycopg.Connection[Any]") -> None:
    plan = explain(db, EVENTS_AFTER, ["x", 1, 1, 10])
    assert_found(plan.replace("Seq Scan on log", ""))
    assert "using event_pkey on event" in plan


def test_a_commit_finds_rows_by_their_keys(db: "psycopg.Connection[Any]") -> None:
    """Each statement of the server's function."""
    each = "jsonb_array_elements(part)"
    found = [text for text in re.split(r";|IS NOT NULL THEN", commit_function()) if each in text]
    for text in found:
        sql = (
            text.replace(each, "jsonb_array_elements(%s::jsonb)")
            .replace("PERFORM", "SELECT")
            .replace("INTO missed", "")
        )
        plan = explain(db, re.sub(r"\brun\b", "1", sql), ["[]"] * sql.count("%s"))
        assert_found(plan)
        table = re.search(r"(?:JOIN|DELETE FROM|UPDATE|INSERT INTO) \"?(\w+)", text)
        assert table
        assert "Insert on" in plan or f"using {table[1]}_pkey on" in plan, plan
    assert len(found) == 3 * len(KINDS) + 5


def test_every_key_and_index_begins_with_the_tenant(db: "psycopg.Connection[Any]") -> None:
    """But that of due lanes, which a dispatcher of all tenants reads, and the tables of the schema itself."""
    found = db.execute(
        "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = 1"
        " WHERE c.relnamespace = 'wa_connector'::regnamespace"
    ).fetchall()
    others = {name for name, column in found if column != "tenant"}
    # In the index of words the tenant is one of them.
    assert others == {"lane_due", "message_words", "migration_pkey"}
    assert len(found) > len(INDEXES)


def test_texts_are_ordered_by_code_points(db: "psycopg.Connection[Any]") -> None:
    """Every text column of a key or an index."""
    found = db.execute(
        "SELECT DISTINCT l.collname FROM pg_attribute a JOIN pg_index i ON i.indexrelid = a.attrelid"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_collation l ON l.oid = a.attcollation"
        " WHERE c.relnamespace = 'wa_connector'::regnamespace"
    ).fetchall()
    assert found == [("C",)]
