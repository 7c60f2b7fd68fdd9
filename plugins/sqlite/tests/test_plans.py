"""Every question is answered from an index: nothing scans a table, nothing sorts."""

import re
import sqlite3
from pathlib import Path

import pytest
from wa_connector_sqlite import statements
from wa_connector_sqlite.statements import tables

from wa_connector.ports.rows import KINDS

INDEXES = [(kind.name, index) for kind in KINDS.values() for index in ("key", *(each.name for each in kind.indexes))]


@pytest.fixture
def db(tmp_path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(tmp_path / "plans.db")
    for statement in tables():
        db.execute(statement)
    return db


def plan(db: sqlite3.Connection, sql: str) -> str:
    found = db.execute(f"EXPLAIN QUERY PLAN {sql}", [0] * sql.count("?")).fetchall()
    db.close()
    return "; ".join(str(row[3]) for row in found)


def assert_found(plan: str, by: str) -> None:
    assert plan.startswith("SEARCH ")
    assert f" USING {by} " in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("descending", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize(("kind", "index"), INDEXES)
def test_a_page_is_read_from_its_index(db: sqlite3.Connection, kind: str, index: str, descending: bool) -> None:
    """Whatever the length of the prefix; and a cursor is a place in the index, not a filter behind it."""
    columns = KINDS[kind].index(index).columns
    found = []
    for length in range(1, len(columns)):
        for is_after in (False, True):
            sql = statements.scan(kind, index, length, is_after=is_after, descending=descending)
            rows = db.execute(f"EXPLAIN QUERY PLAN {sql}", [0] * sql.count("?")).fetchall()
            found.append((length, is_after, "; ".join(str(row[3]) for row in rows)))
    db.close()
    for length, is_after, plan in found:
        assert_found(plan, "PRIMARY KEY" if index == "key" else f"INDEX {kind}_{index}")
        used = plan[plan.index("(") :]
        assert all(f"{column}=?" in used for column in columns[:length])
        assert bool(re.search(r"\)?[<>]", used)) == is_after


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("statement", ["load", "version", "replace", "delete"])
def test_a_row_is_found_by_its_key(db: sqlite3.Connection, kind: str, statement: str) -> None:
    sql = getattr(statements.statements(kind), statement)
    assert_found(plan(db, sql), "PRIMARY KEY")


@pytest.mark.parametrize("is_after", [False, True])
def test_words_are_found_in_their_index(db: sqlite3.Connection, is_after: bool) -> None:
    """Only what was found is sorted."""
    found = plan(db, statements.search("message", is_after=is_after))
    assert "SCAN w VIRTUAL TABLE INDEX" in found
    assert "SEARCH f USING INTEGER PRIMARY KEY" in found
    assert "SEARCH m USING PRIMARY KEY" in found
    assert found.count("SCAN") == 1


def test_due_lanes_are_read_from_their_index(db: sqlite3.Connection) -> None:
    """Sleeping lanes are not in it, so their number does not matter."""
    assert_found(plan(db, statements.DUE), "INDEX lane_due")


def test_events_are_read_from_the_tenants_log(db: sqlite3.Connection) -> None:
    assert_found(plan(db, statements.EVENTS_AFTER), "PRIMARY KEY")


def test_every_key_and_index_begins_with_the_tenant() -> None:
    for kind in KINDS.values():
        assert kind.key[0].name == "tenant"
        assert all(index.columns[0] == "tenant" for index in kind.indexes)
