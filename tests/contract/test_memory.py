"""The in-memory storage keeps what every storage promises, through either face."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test

from wa_connector.testing.contract import NOW, AsyncStorageContract, StorageContract
from wa_connector.testing.machine import storage_machine
from wa_connector.testing.memory import AsyncMemoryStorage, MemoryStorage


class MovableClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def storage(self, clock: MovableClock) -> MemoryStorage:
        self.clock = clock
        return MemoryStorage(clock=clock)

    def advance_storage_clock(self, storage: MemoryStorage, span: timedelta) -> None:
        self.clock.now += span


class TestAsyncMemoryStorage(AsyncStorageContract):
    @pytest.fixture
    def storage(self, clock: MovableClock) -> AsyncMemoryStorage:
        self.clock = clock
        return AsyncMemoryStorage(MemoryStorage(clock=clock))

    def advance_storage_clock(self, storage: AsyncMemoryStorage, span: timedelta) -> None:
        self.clock.now += span


def test_random_changes(clock: MovableClock) -> None:
    """In random changes it does what a naive model of a storage does."""

    def advance(_: object, span: timedelta) -> None:
        clock.now += span

    run_state_machine_as_test(storage_machine(lambda: MemoryStorage(clock=clock), advance))
