"""Who was forgotten stands in no row; nor, once the tables were rewritten, in any file of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from wa_connector_postgres import PostgresStorage

from wa_connector.ports.rows import KINDS
from wa_connector.testing.forgetting_contract import ForgettingContract


class TestForgetting(ForgettingContract):
    @pytest.fixture
    def storage(self, server: Any, admin: "psycopg.Connection[Any]", conninfo: str) -> Iterator[PostgresStorage]:
        self.server, self.admin = server, admin
        storage = PostgresStorage(conninfo)
        yield storage
        storage.close()

    def raw(self, storage: Any) -> bytes:
        """``VACUUM`` lets the space be used again; what is to be overwritten at once takes ``VACUUM FULL``, which is the
        host's to run. The server's log is not looked into."""
        for table in ("event", *KINDS):
            self.admin.execute(f'VACUUM FULL "{table}"'.encode())
        self.admin.execute("CHECKPOINT")
        data = Path(self.server.folder) / "data" / "base"
        return b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())
