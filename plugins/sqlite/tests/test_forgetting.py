"""Who was forgotten stands nowhere in the file, nor in the log beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wa_connector_sqlite.storage import SqliteStorage

from wa_connector.testing.forgetting_contract import ForgettingContract


class TestForgetting(ForgettingContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[SqliteStorage]:
        self.folder = tmp_path
        storage = SqliteStorage(tmp_path / "wa.db")
        yield storage
        storage.close()

    def raw(self, storage: Any) -> bytes:
        files = sorted(self.folder.glob("wa.db*"))
        assert files
        return b"".join(file.read_bytes() for file in files)
