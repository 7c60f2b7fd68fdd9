"""The memory store keeps the contract that it stands in for."""

import pytest

from wa_connector.ports.media import MediaStore
from wa_connector.testing.media import MemoryMediaStore
from wa_connector.testing.media_contract import MediaStoreContract


class TestMemoryMediaStore(MediaStoreContract):
    @pytest.fixture
    def store(self) -> MediaStore:
        return MemoryMediaStore()
