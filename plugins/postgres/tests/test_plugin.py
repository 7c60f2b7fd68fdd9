"""How a connector comes by the storage, and that importing it does nothing."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pluggy
import pytest
from wa_connector_postgres import PostgresPlugin, PostgresStorage

from wa_connector.errors import UsageError
from wa_connector.ports import hooks

NOWHERE = "host=nowhere.invalid user=wa password=hunter2"


def manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def test_hooks_wa_storage_and_wa_async_storage() -> None:
    """A registered plugin offers one storage for each face, and has opened nothing."""
    hosts, plugin = manager(), PostgresPlugin(NOWHERE)
    hosts.register(plugin)
    hosts.check_pending()
    assert plugin.storage is hosts.hook.wa_storage()
    assert plugin.async_storage is hosts.hook.wa_async_storage()


def test_the_entry_point_offers_no_storage_by_itself() -> None:
    """Only the host knows its server."""
    (found,) = entry_points(group="wa_connector", name="postgres")
    hosts = manager()
    hosts.register(found.load())
    assert hosts.hook.wa_storage() is None
    assert hosts.hook.wa_async_storage() is None


def test_no_secret_in_a_repr() -> None:
    plugin = PostgresPlugin(NOWHERE)
    for each in (plugin.storage, plugin.async_storage, plugin.storage._options):
        assert "hunter2" not in repr(each)


@pytest.mark.parametrize("schema", ["", 'a"b', "pg_mine", "x" * 64])
def test_a_schema_needs_a_name(schema: str) -> None:
    with pytest.raises(UsageError, match="schema"):
        PostgresStorage(NOWHERE, schema=schema)


def test_a_storage_needs_a_connection() -> None:
    with pytest.raises(UsageError, match="connection"):
        PostgresStorage(NOWHERE, connections=0)


def test_importing_does_nothing(tmp_path: Path) -> None:
    """No thread, file, loop, driver or logging set-up in a fresh process; nor does constructing."""
    script = (
        "import os, sys, threading, logging\n"
        "from wa_connector_postgres import PostgresPlugin\n"
        "PostgresPlugin('host=nowhere.invalid')\n"
        "assert threading.active_count() == 1\n"
        "assert os.listdir('.') == []\n"
        "assert not {'asyncio', 'ssl', 'cattrs', 'psycopg'} & set(sys.modules), sys.modules.keys()\n"
        "assert logging.root.handlers == []\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
