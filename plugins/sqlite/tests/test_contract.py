"""The SQLite storage keeps what every storage promises."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test
from wa_connector_sqlite import SqliteStorage

from wa_connector.testing.contract import NOW, StorageContract
from wa_connector.testing.machine import storage_machine


class MovableClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


class TestSqliteStorage(StorageContract):
    @pytest.fixture
    def storage(self, clock: MovableClock, tmp_path: Path) -> SqliteStorage:
        self.clock = clock
        return SqliteStorage(tmp_path / "wa.db", clock=clock)

    def advance_storage_clock(self, storage: SqliteStorage, span: timedelta) -> None:
        self.clock.now += span


def test_random_changes(clock: MovableClock, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In random changes it does what a naive model of a storage does."""

    def make() -> SqliteStorage:
        return SqliteStorage(tmp_path_factory.mktemp("machine") / "wa.db", clock=clock)

    def advance(_: object, span: timedelta) -> None:
        clock.now += span

    run_state_machine_as_test(storage_machine(make, advance))
