"""The versioned schema: which tables a file has, and how it comes to have those of this version.

``PRAGMA user_version`` counts the steps that were applied; the table ``migration`` says which and when. A step runs in
one transaction with its count, so a process that dies half-way leaves the file as it was, and of two processes that
start at once one makes the tables and the other finds them made. Tables that are there change when somebody says so
(``wa-connector db upgrade``), and not because a process of a new release was started first.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from wa_connector.ports.storage import SchemaState
from wa_connector_sqlite.errors import SchemaMismatch, SchemaTooNew, SchemaTooOld
from wa_connector_sqlite.statements import BEGIN_WRITE, tables

_MIGRATION_TABLE: Final = (
    "CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL,"
    " declared TEXT NOT NULL)"
)


class Step(NamedTuple):
    """One move of the schema, within a transaction."""

    name: str
    apply: Callable[[sqlite3.Connection], None]


def _create_tables(db: sqlite3.Connection) -> None:
    db.execute(_MIGRATION_TABLE)
    for statement in tables():
        db.execute(statement)


STEPS: Final = (Step("the tables of every kind", _create_tables),)


def check_schema(db: sqlite3.Connection, path: Path, now: int, *, create: bool) -> None:
    """See to it that the file has this version's tables; ``now`` (microseconds) goes into its records.

    A file without tables gets them, if ``create`` allows. Raises ``SchemaTooOld`` for a file that waits for an upgrade,
    ``SchemaTooNew`` for one of a later version, and ``SchemaMismatch`` for one that is not ours or whose tables were
    declared otherwise.
    """
    found = _version(db)
    if found == 0 and create:
        found = upgrade(db, path, now)
    if found < len(STEPS):
        what = (
            f"its tables are of version {found}, and this release works with {len(STEPS)}" if found else "it is empty"
        )
        problem = (
            f"{what}: stop what uses it, take a backup, and run `wa-connector db upgrade MODULE:ATTRIBUTE`, or call"
            " `upgrade()` of the connector"
        )
        raise SchemaTooOld(str(path), [problem])
    if found > len(STEPS):
        problem = (
            f"its schema is version {found}, and this wa-connector-sqlite knows up to {len(STEPS)}: upgrade wa-connector and"
            " its plugins to the release that wrote it, or restore a backup from before"
        )
        raise SchemaTooNew(str(path), [problem])
    _check_declarations(db, path)


def state(db: sqlite3.Connection, path: Path) -> SchemaState:
    """Which version the file has. Raises ``SchemaMismatch`` for one of this version that was declared otherwise."""
    found = _version(db)
    if found == len(STEPS):
        _check_declarations(db, path)
    return SchemaState(str(path), found, len(STEPS), tuple(step.name for step in STEPS[found:]))


@cache
def declared() -> str:
    """A digest of the tables as the core declares them now."""
    return hashlib.sha256("\n".join(tables()).encode()).hexdigest()[:16]


def upgrade(db: sqlite3.Connection, path: Path, now: int) -> int:
    """Apply the steps that are missing, all of them or none. Returns the version afterwards."""
    db.execute(BEGIN_WRITE)
    try:
        found = _version(db)  # again: another process may have been first
        if not found:
            _refuse_foreign(db, path)
        for version, step in enumerate(STEPS[found:], start=found + 1):
            step.apply(db)
            db.execute("INSERT INTO migration VALUES (?, ?, ?, ?)", (version, step.name, now, declared()))
            db.execute(f"PRAGMA user_version = {version}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return max(found, len(STEPS))


def _version(db: sqlite3.Connection) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found


def _refuse_foreign(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        raise SchemaMismatch(str(path), ["it holds tables of another program: name a file of its own"])


def _check_declarations(db: sqlite3.Connection, path: Path) -> None:
    # The version is what a release promises; between releases the declarations may move under the same version, and
    # a statement that fails later would say less.
    row = db.execute("SELECT declared FROM migration ORDER BY version DESC LIMIT 1").fetchone()
    if row is None or row[0] != declared():
        problem = (
            "its tables were declared otherwise: core and plugin are of different releases, or it is of a development"
            " version; install the matching release, or begin a new file"
        )
        raise SchemaMismatch(str(path), [problem])
