"""Real backups of a real file."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from wa_connector_sqlite import SqliteStorage

from wa_connector.testing.restored_contract import RestoredContract


class Copies:
    """As an operator makes them."""

    def __init__(self, folder: Path) -> None:
        self._path, self._copy = folder / "wa.db", folder / "backup.db"

    def open(self) -> SqliteStorage:
        return SqliteStorage(self._path)

    def back_up(self) -> None:
        with closing(sqlite3.connect(self._path)) as db:
            db.execute("VACUUM INTO ?", (str(self._copy),))

    def restore(self) -> None:
        shutil.copy(self._copy, self._path)


class TestRestored(RestoredContract):
    @pytest.fixture
    def backups(self, tmp_path: Path) -> Copies:
        return Copies(tmp_path)
