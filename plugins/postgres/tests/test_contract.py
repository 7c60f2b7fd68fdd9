"""Both PostgreSQL storages keep what every storage promises."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis.stateful import run_state_machine_as_test
from wa_connector_postgres import AsyncPostgresStorage, PostgresStorage

from wa_connector.testing.contract import AsyncStorageContract, StorageContract
from wa_connector.testing.machine import storage_machine


def let_pass(admin: "psycopg.Connection[Any]", span: timedelta) -> None:
    """The leases run by the server's clock, so they are moved instead."""
    admin.execute("UPDATE lane SET leased_until = leased_until - %s", [span])


class TestPostgresStorage(StorageContract):
    @pytest.fixture
    def storage(self, conninfo: str, admin: "psycopg.Connection[Any]") -> PostgresStorage:
        self.admin = admin
        return PostgresStorage(conninfo)

    def advance_storage_clock(self, storage: PostgresStorage, span: timedelta) -> None:
        let_pass(self.admin, span)


class TestAsyncPostgresStorage(AsyncStorageContract):
    @pytest.fixture
    def storage(self, conninfo: str, admin: "psycopg.Connection[Any]") -> AsyncPostgresStorage:
        self.admin = admin
        return AsyncPostgresStorage(conninfo)

    def advance_storage_clock(self, storage: AsyncPostgresStorage, span: timedelta) -> None:
        let_pass(self.admin, span)


def test_random_changes(conninfo: str, admin: "psycopg.Connection[Any]", emptied: Callable[[], None]) -> None:
    """In random changes it does what a naive model of a storage does."""

    def make() -> PostgresStorage:
        emptied()
        return PostgresStorage(conninfo)

    run_state_machine_as_test(storage_machine(make, lambda _, span: let_pass(admin, span)))
