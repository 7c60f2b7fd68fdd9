"""A real backup of a real storage, restored after the messages in it were sent."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest
from wa_connector_postgres import PostgresStorage
from wa_connector_sqlite import SqliteStorage

import wa_connector as wa
from wa_connector import FileMark
from wa_connector.model.content import Text
from wa_connector.model.event import BackupRestored
from wa_connector.ports.rows import KINDS
from wa_connector.ports.storage import Storage
from wa_connector.testing.host import ACME, ANA, MemoryHost

Steps: TypeAlias = tuple[Callable[[], Storage], Callable[[], None], Callable[[], None]]
"""How a storage is made, how a backup is taken of it, and how it is restored while nothing uses it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steps]:
    if request.param == "postgresql":
        yield from on_postgresql(request.getfixturevalue("postgres"))
    else:
        yield on_sqlite(tmp_path / "wa.db", tmp_path / "backup.db")


def on_sqlite(path: Path, copy: Path) -> Steps:
    def back_up() -> None:
        with closing(sqlite3.connect(path)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))

    def restore() -> None:
        shutil.copy(copy, path)

    return lambda: SqliteStorage(path), back_up, restore


def on_postgresql(conninfo: str) -> Iterator[Steps]:
    def execute(*statements: str) -> None:
        with psycopg.connect(conninfo, autocommit=True, options="-c search_path=wa_connector") as db:
            for statement in statements:
                db.execute(statement.encode())

    def columns(table: str) -> str:
        with psycopg.connect(conninfo) as db:
            found = db.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_schema = 'wa_connector' AND table_name = %s AND is_generated = 'NEVER'",
                [table],
            ).fetchone()
        assert found
        return str(found[0])

    tables = ("event", "lane", *KINDS)

    def back_up() -> None:
        execute("DROP SCHEMA IF EXISTS backup CASCADE; CREATE SCHEMA backup")
        execute(*(f'CREATE TABLE backup."{table}" AS SELECT {columns(table)} FROM "{table}"' for table in tables))

    def restore() -> None:
        execute(*(f'DELETE FROM "{table}"' for table in tables))
        execute(*(f'INSERT INTO "{table}" ({columns(table)}) TABLE backup."{table}"' for table in tables))

    yield lambda: PostgresStorage(conninfo), back_up, restore
    execute("DROP SCHEMA IF EXISTS backup CASCADE")


class Marked:
    def __init__(self, folder: Path) -> None:
        self._mark = FileMark(folder)

    @wa.hookimpl
    def wa_restore_mark(self) -> FileMark:
        return self._mark


def test_messages_of_a_restored_backup_are_not_sent_twice(stored: Steps, tmp_path: Path) -> None:
    make, back_up, restore = stored
    host = MemoryHost(storage=make())
    mark = Marked(tmp_path / "marks")
    with host.connector(plugins=[mark]) as connector:
        connector.handle_webhook(host.webhook(host.said("Hello")))
        (thread,) = connector.conversations(ACME, ANA, unassigned=True)
        connector.take(ACME, ANA, thread.id)
        connector.send(ACME, ANA, thread.id, Text("Early")).or_raise()
        connector.dispatcher.run_until_idle()
        connector.send(ACME, ANA, thread.id, Text("Old")).or_raise()
        back_up()
        host.clock.advance(seconds=30)
        connector.dispatcher.run_until_idle()
        host.clock.advance(hours=1)
        assert len(host.transport.sent) == 2
    restore()
    again = MemoryHost(storage=make(), clock=host.clock)
    with again.connector(plugins=[mark]) as connector:
        connector.send(ACME, ANA, thread.id, Text("New")).or_raise()
        connector.dispatcher.run_until_idle()
        assert [each.content for each in again.transport.sent] == [Text("New")]
        (parked,) = connector.parked(ACME)
        assert parked.content == Text("Old")
        assert [type(each) for each in again.happenings if isinstance(each, BackupRestored)] == [BackupRestored]
        assert connector.accept_restore(ACME, resend=False) == 1
        assert connector.parked(ACME) == ()
