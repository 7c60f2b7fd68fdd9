"""``wa-connector db``: an operator's way through an upgrade."""

import importlib
import sqlite3
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import wa_connector_sqlite.schema as tables
from typer.testing import CliRunner

from wa_connector.cli import application

MODULE = """
    from pathlib import Path

    from wa_connector import AsyncConnector
    from wa_connector.testing.host import MemoryHost
    from wa_connector_sqlite import SqliteStorage

    def host():
        return MemoryHost(storage=SqliteStorage(Path(__file__).parent / "wa.db"))

    def connector():
        return host().connector()

    def asynchronous():
        return AsyncConnector([host()], discover=False)

    def forgetful():
        return MemoryHost().connector()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "an_upgraded_host.py").write_text(textwrap.dedent(MODULE))
    path = sys.path.copy()
    yield tmp_path
    sys.path[:] = path
    sys.modules.pop("an_upgraded_host", None)
    importlib.invalidate_caches()


def run(folder: Path, command: str, attribute: str = "connector") -> tuple[int, str]:
    done = CliRunner().invoke(
        application(),
        ["db", command, f"an_upgraded_host:{attribute}", "--app-dir", str(folder)],
        env={"COLUMNS": "200"},
    )
    return done.exit_code, done.output


@pytest.mark.parametrize("attribute", ["connector", "asynchronous"])
def test_an_upgrade_step_by_step(folder: Path, monkeypatch: pytest.MonkeyPatch, attribute: str) -> None:
    """Status, upgrade, status; then the next release, and the same again."""
    code, said = run(folder, "status", attribute)
    assert (code, "version 0 of 1" in said) == (1, True)
    code, said = run(folder, "upgrade", attribute)
    assert (code, "version 1 of 1" in said) == (0, True)
    assert run(folder, "status", attribute)[0] == 0

    def add(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE later (x)")

    later = tables.Step("a later table", add)
    monkeypatch.setattr(tables, "STEPS", (*tables.STEPS, later))
    code, said = run(folder, "status", attribute)
    assert code == 1
    assert "to do" in said
    assert "a later table" in said
    assert "db upgrade" in said
    code, said = run(folder, "upgrade", attribute)
    assert (code, "version 2 of 2" in said, "version 1" in said) == (0, True, True)
    code, said = run(folder, "upgrade", attribute)
    assert (code, "done" in said) == (0, False)


@pytest.mark.parametrize("attribute", ["connector", "asynchronous"])
def test_nothing_to_accept(folder: Path, attribute: str) -> None:
    """After no restore nothing is in doubt, and nothing happens."""
    command = ["db", "accept", f"an_upgraded_host:{attribute}", "acme", "--cancel", "--app-dir", str(folder)]
    done = CliRunner().invoke(application(), command)
    assert (done.exit_code, "0 messages" in done.output) == (0, True)


def test_a_storage_without_tables(folder: Path) -> None:
    code, said = run(folder, "status", "forgetful")
    assert code == 2
    assert "no tables" in said


def test_a_file_of_another_program(folder: Path) -> None:
    """Named, and left alone."""
    (folder / "wa.db").write_text("something else")
    code, said = run(folder, "upgrade")
    assert code == 2
    assert "wa.db" in said
