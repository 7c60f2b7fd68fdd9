"""Forgetting and keeping, on the storage in memory; plugins do the same on theirs."""

import pytest

from wa_connector.testing.forgetting_contract import ForgettingContract
from wa_connector.testing.memory import MemoryStorage


class TestInMemory(ForgettingContract):
    @pytest.fixture
    def storage(self) -> MemoryStorage:
        return MemoryStorage()

    @pytest.fixture(params=["direct", "aio"])
    def face(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)
