"""What importing costs a host: no client, no event loop, no TLS."""

import subprocess
import sys
from pathlib import Path

import pytest
import wa_connector_cloud_api

PURE = ["signature", "webhook", "requests", "responses", "errors", "capabilities", "channel", "plugin"]

CHECK = """
import importlib, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module("wa_connector_cloud_api" + ("." + name if name else ""))
{then}
heavy = {{"httpx", "httpcore", "ssl", "asyncio", "anyio"}} & (set(sys.modules) - before)
assert not heavy, heavy
"""


def run(then: str, *modules: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", CHECK.format(then=then), *modules],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["", *PURE, "options", "transport"])
def test_each_module_alone_imports_nothing_heavy(module: str) -> None:
    run("", module)


def test_building_what_the_plugin_provides_imports_nothing_heavy() -> None:
    run(
        """
from wa_connector_cloud_api import plugin
assert plugin.wa_channel().capabilities.channel == "whatsapp"
assert plugin.wa_transport()[0] == "whatsapp"
assert plugin.wa_async_transport()[0] == "whatsapp"
plugin.wa_transport()[1].close()
import wa_connector_cloud_api
assert all(getattr(wa_connector_cloud_api, name) for name in wa_connector_cloud_api.__all__)
""",
        "plugin",
    )


def test_the_channel_shares_no_code_with_the_emulator_that_it_is_tested_against() -> None:
    """Neither builds nor reads with the other's code: the two agree only by both being right."""
    sources = Path(wa_connector_cloud_api.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if "wa_connector_emulator" in path.read_text(encoding="utf-8")] == []
