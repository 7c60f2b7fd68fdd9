"""The fixtures; what they are made of is in `emulator_bench`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest
from wa_connector_emulator import Emulator, serve

# Tests are imported by path, and so would not find the module beside them.
sys.path.insert(0, str(Path(__file__).parent))

from emulator_bench import ANA, Bench, Receiver, Site, new_bench


@pytest.fixture
def bench() -> Bench:
    """A frozen emulator at noon, subscribed; Ana has not written yet, so her window is closed."""
    return new_bench()


@pytest.fixture
def chat(bench: Bench) -> Bench:
    """The bench, when Ana has written at noon; what that told is forgotten."""
    bench.emulator.type_text(ANA, "hi")
    bench.told().calls.clear()
    return bench


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


@pytest.fixture
def site(receiver: Receiver) -> Iterator[Site]:
    emulator = Emulator(app_secret="test_app_secret", token="test-token")
    with serve(emulator) as served:
        bearer = {"Authorization": "Bearer test-token"}
        with (
            httpx.Client(base_url=served.graph_url, headers=bearer, trust_env=False) as graph,
            httpx.Client(base_url=served.control_url, trust_env=False) as control,
        ):
            control.post("/webhooks/subscribe", json={"url": receiver.url, "verify_token": "verify"}).raise_for_status()
            yield Site(emulator, graph, control, receiver)
