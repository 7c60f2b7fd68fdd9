"""Backups of the storage in memory: a copy of what it holds."""

from copy import copy, deepcopy
from typing import Any

import pytest

from wa_connector.ports.storage import Storage
from wa_connector.testing.memory import MemoryStorage
from wa_connector.testing.restored_contract import RestoredContract


class InMemory:
    """What the storage held is what the next one is opened with."""

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}
        self._backup: dict[str, Any] = {}
        self._storage = MemoryStorage()

    def open(self) -> Storage:
        self._keep()
        self._storage = MemoryStorage()
        for name, value in self._held.items():
            setattr(self._storage, name, value)
        return self._storage

    def back_up(self) -> None:
        self._keep()
        self._backup = deepcopy(self._held)

    def restore(self) -> None:
        self._storage = MemoryStorage()
        for name, value in deepcopy(self._backup).items():
            setattr(self._storage, name, value)

    def _keep(self) -> None:
        held = ("_tables", "_events", "_lanes", "_last_number")
        self._held = {name: copy(getattr(self._storage, name)) for name in held}


class TestInMemory(RestoredContract):
    @pytest.fixture(params=["direct", "aio"])
    def face(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def backups(self) -> InMemory:
        return InMemory()
