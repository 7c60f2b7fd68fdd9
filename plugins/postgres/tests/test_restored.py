"""Backups of a real server's tables."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from wa_connector_postgres import PostgresStorage

from wa_connector.ports.rows import KINDS
from wa_connector.testing.restored_contract import RestoredContract

TABLES = ("event", "lane", *KINDS)


class Copies:
    """All rows as of one moment, in a schema beside: what a dump is, without a program that may be missing."""

    def __init__(self, conninfo: str, admin: "psycopg.Connection[Any]") -> None:
        self._conninfo, self._admin = conninfo, admin

    def open(self) -> PostgresStorage:
        return PostgresStorage(self._conninfo)

    def back_up(self) -> None:
        self._run("CREATE SCHEMA backup")
        self._run(
            *(f'CREATE TABLE backup."{table}" AS SELECT {self._columns(table)} FROM "{table}"' for table in TABLES)
        )

    def restore(self) -> None:
        self._run(*(f'DELETE FROM "{table}"' for table in TABLES))
        self._run(*(f'INSERT INTO "{table}" ({self._columns(table)}) TABLE backup."{table}"' for table in TABLES))

    def forget(self) -> None:
        self._run("DROP SCHEMA IF EXISTS backup CASCADE")

    def _run(self, *statements: str) -> None:
        # Of one moment, too.
        with self._admin.transaction():
            self._admin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for statement in statements:
                self._admin.execute(statement.encode())

    def _columns(self, table: str) -> str:
        found = self._admin.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_schema = 'wa_connector' AND table_name = %s AND is_generated = 'NEVER'",
            [table],
        ).fetchone()
        assert found
        return str(found[0])


class TestRestored(RestoredContract):
    @pytest.fixture
    def backups(self, conninfo: str, admin: "psycopg.Connection[Any]") -> Iterator[Copies]:
        copies = Copies(conninfo, admin)
        yield copies
        copies.forget()
