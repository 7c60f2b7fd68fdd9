"""``wa-connector forget``, ``retain`` and ``jobs``, over connectors of both faces."""

import importlib
import sys
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wa_connector import OrganizationId, number
from wa_connector.cli import application
from wa_connector.testing.forgetting_contract import MARK, everything
from wa_connector.testing.host import ACME, CARLS_NUMBER, SUE

MODULE = """
    from pathlib import Path

    from wa_connector import AsyncConnector
    from wa_connector.testing.host import MemoryHost
    from wa_connector_sqlite import SqliteStorage

    FOLDER = Path(__file__).parent

    def host():
        return MemoryHost(storage=SqliteStorage(FOLDER / "wa.db"))

    def plain():
        return host().connector()

    def asynchronous():
        made = host()
        return AsyncConnector([made], discover=False, clock=made.clock)
"""


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "a_keeper.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("a_keeper")
    del sys.modules["a_keeper"]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(application(), [*arguments, "--app-dir", "/nowhere"], env={"COLUMNS": "200"})


def said(keeper: Any, text: str) -> None:
    host = keeper.host()
    with host.connector() as connector:
        connector.handle_webhook(host.webhook(host.said(text)))


@pytest.mark.parametrize("face", ["plain", "asynchronous"])
def test_a_person_is_forgotten_by_number(keeper: Any, face: str) -> None:
    said(keeper, f"{MARK} was here")
    result = run("forget", f"a_keeper:{face}", ACME, CARLS_NUMBER, "--by", SUE, "--why", "asked for it")
    assert (result.exit_code, "forget" in result.output, "done" in result.output) == (0, True, True), result.output
    assert MARK not in everything(keeper.host().storage)


def test_what_is_held_is_said_and_goes_on(keeper: Any) -> None:
    said(keeper, f"{MARK} was here")
    with keeper.plain() as connector:
        customer = connector.find_customer(ACME, SUE, number(CARLS_NUMBER)).id
        hold = connector.place_hold(ACME, SUE, customer=customer, why="lawsuit")
    result = run("forget", "a_keeper:plain", ACME, f"customer:{customer}", "--by", SUE, "--why", "asked for it")
    assert "held by a legal hold" in result.output
    with keeper.plain() as connector:
        connector.lift_hold(ACME, SUE, f"customer:{customer}", hold.id)
    assert "done" in run("jobs", "a_keeper:plain", ACME).output
    assert "nothing to do" in run("jobs", "a_keeper:plain", ACME).output
    assert MARK not in everything(keeper.host().storage)


def test_old_messages_are_dropped(keeper: Any) -> None:
    said(keeper, "old")
    with keeper.plain() as connector:
        connector.set_setting(ACME, SUE, OrganizationId(ACME), "keep_messages", timedelta(0))
    result = run("retain", "a_keeper:plain", ACME, "--by", SUE)
    assert (result.exit_code, "done" in result.output) == (0, True), result.output


@pytest.mark.parametrize(
    ("whom", "by", "says"),
    [
        ("+4930123456", "sue", "nobody here has this address"),
        ("bsuid:portfolio-1:US.1", "sue", "nobody here has this address"),
        ("16505551234", "sue", "E.164"),
        ("customer:c", "sue", "no such customer"),
        ("customer:c", "ana", "supervises"),
    ],
)
def test_a_mistake_is_said_in_one_line(keeper: Any, whom: str, by: str, says: str) -> None:
    result = run("forget", "a_keeper:plain", ACME, whom, "--by", by, "--why", "?")
    assert result.exit_code == 1
    assert says in result.stderr


def test_an_export_is_written_and_checked(keeper: Any, tmp_path: Path) -> None:
    said(keeper, "Hello")
    out = str(tmp_path / "out")
    result = run(
        "export", "a_keeper:plain", ACME, out, "--by", SUE, "--customer", CARLS_NUMBER, "--since", "2020-01-01"
    )
    assert (result.exit_code, "1 customers, 1 messages" in result.output) == (0, True), result.output
    assert CliRunner().invoke(application(), ["verify-export", out]).exit_code == 0
    next((tmp_path / "out").glob("*.html")).write_text("changed")
    assert CliRunner().invoke(application(), ["verify-export", out]).exit_code == 1
    assert CliRunner().invoke(application(), ["verify-export", str(tmp_path)]).exit_code == 1
    assert run("export", "a_keeper:plain", ACME, out, "--by", "ana").exit_code == 1
