"""How a connector comes by the storage, and that importing it does nothing."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pluggy
from wa_connector_sqlite import SqlitePlugin

from wa_connector.ports import hooks


def test_hook_wa_storage(tmp_path: Path) -> None:
    """A registered plugin offers one storage, and has opened nothing."""
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    plugin = SqlitePlugin(tmp_path / "wa.db")
    manager.register(plugin)
    manager.check_pending()
    assert plugin.storage is manager.hook.wa_storage()
    assert list(tmp_path.iterdir()) == []


def test_the_entry_point_offers_no_storage_by_itself() -> None:
    """Only the host knows where its file is to be."""
    (found,) = entry_points(group="wa_connector", name="sqlite")
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(found.load())
    assert manager.hook.wa_storage() is None


def test_importing_does_nothing(tmp_path: Path) -> None:
    """No thread, file, loop or logging set-up in a fresh process."""
    script = (
        "import os, sys, threading, logging, wa_connector_sqlite\n"
        "assert threading.active_count() == 1\n"
        "assert os.listdir('.') == []\n"
        "assert not {'asyncio', 'ssl', 'cattrs'} & set(sys.modules), sys.modules.keys()\n"
        "assert logging.root.handlers == []\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
