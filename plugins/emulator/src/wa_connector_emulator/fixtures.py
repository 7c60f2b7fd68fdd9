"""Fixtures for pytest.

    pytest_plugins = ["wa_connector_emulator.fixtures"]  # in the topmost conftest

Rules of this file: fixtures only. pytest is the test's own dependency, and nothing else here imports it.
"""

from collections.abc import Iterator

import pytest

from .emulator import Emulator
from .server import Served, serve


@pytest.fixture
def wa_emulator() -> Emulator:
    """An emulator in process, with fresh secrets and the clock running; see `wa_served` for one that listens."""
    return Emulator()


@pytest.fixture
def wa_served(wa_emulator: Emulator) -> Iterator[Served]:
    """`wa_emulator` on a free loopback port, for as long as the test runs."""
    with serve(wa_emulator) as served:
        yield served
