"""``wa-connector dispatch``: as a scheduler, a service manager and a person at a terminal run it."""

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wa_connector.cli import application
from wa_connector.direct.connector import Connector
from wa_connector.model.message import MessageStatus
from wa_connector.ports.storage import Scan
from wa_connector.testing.host import ACME, MemoryHost

DUE = 12
COMMAND = Path(sys.executable).with_name("wa-connector")
MODULE = """
    import os, time
    from pathlib import Path

    from wa_connector import AsyncConnector, Connector
    from wa_connector.model.ids import ProviderId
    from wa_connector.model.outbound import Accepted
    from wa_connector.testing.host import MemoryHost
    from wa_connector_sqlite import SqliteStorage

    FOLDER = Path(__file__).parent
    PAUSE = float(os.environ.get("PAUSE", "0"))

    def host():
        made = MemoryHost(storage=SqliteStorage(FOLDER / "wa.db"))
        made.transport.answers.extend([send] * 1000)
        return made

    def send(envelope):
        time.sleep(PAUSE)
        with (FOLDER / "sent").open("a") as notes:
            notes.write(f"{envelope.message}\\n")
        return Accepted(ProviderId(f"out-{envelope.message}"))

    def connector():
        return host().connector()

    def asynchronous():
        made = host()
        return AsyncConnector([made], discover=False, clock=made.clock)

    class Wiring:
        ready = connector()

    nothing = 4711
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A host's folder, with twelve messages due: four for each of three customers."""
    (tmp_path / "a_wired_host.py").write_text(textwrap.dedent(MODULE))
    host = host_in(tmp_path)
    with host.connector() as connector:
        ask_for_help(host, connector)
    path = sys.path.copy()
    yield tmp_path
    sys.path[:] = path
    sys.modules.pop("a_wired_host", None)
    importlib.invalidate_caches()


def host_in(folder: Path) -> MemoryHost:
    from wa_connector_sqlite import SqliteStorage

    return MemoryHost(storage=SqliteStorage(folder / "wa.db"))


def ask_for_help(host: MemoryHost, connector: Connector) -> None:
    elements = [host.said("HELP", sender=(f"+1650555000{number % 3}",)) for number in range(DUE)]
    assert connector.handle_webhook(host.webhook(*elements)).taken == DUE


def sent(folder: Path) -> list[str]:
    notes = folder / "sent"
    return notes.read_text().split() if notes.exists() else []


def statuses(folder: Path) -> list[MessageStatus]:
    """Of our messages, sorted."""
    host = host_in(folder)
    rows = host.storage.scan(Scan("message", "key", (ACME,), 100)).rows
    host.storage.close()
    found = [row.value.status for _, row in rows if row.value.status is not MessageStatus.RECEIVED]
    return sorted(found, key=lambda status: status.value)


def dispatch(folder: Path, target: str, *options: str) -> tuple[int, str]:
    """Run the command in this process."""
    arguments = ["dispatch", f"a_wired_host:{target}", "--app-dir", str(folder), *options]
    result = CliRunner().invoke(application(), arguments, env={"COLUMNS": "200"})
    return result.exit_code, result.output


@pytest.mark.parametrize("target", ["connector", "asynchronous", "Wiring.ready"])
@pytest.mark.parametrize("options", [("--once",), ("--once", "--threads", "3", "--lanes", "2")], ids=["plain", "more"])
def test_once_sends_what_is_due_and_says_how_much(folder: Path, target: str, options: tuple[str, ...]) -> None:
    """For a factory of either face, and for a connector that is there already."""
    code, output = dispatch(folder, target, *options)
    assert code == 0, output
    assert len(set(sent(folder))) == len(sent(folder)) == DUE
    assert statuses(folder) == [MessageStatus.ACCEPTED] * DUE
    assert "messages and files" in output
    assert str(DUE) in output


def test_it_leaves_the_handlers_of_signals_as_it_found_them(folder: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    dispatch(folder, "connector", "--once")
    assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("a_wired_host", "is not MODULE:ATTRIBUTE"),
        ("a_missing_host:connector", "there is no module 'a_missing_host'"),
        ("a_wired_host.deeper:connector", "there is no module 'a_wired_host.deeper'"),
        ("a_wired_host:missing", "has no 'missing'"),
        ("a_wired_host:nothing", "is a int, and neither"),
    ],
)
def test_a_target_that_is_none_is_refused_with_the_way_out(folder: Path, target: str, said: str) -> None:
    arguments = ["dispatch", target, "--app-dir", str(folder), "--once"]
    result = CliRunner().invoke(application(), arguments, env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_a_module_that_lacks_something_shows_its_own_traceback(folder: Path) -> None:
    """What is missing is then not the host's module, and its name alone would mislead."""
    (folder / "a_wired_host.py").write_text("import a_missing_library")
    result = CliRunner().invoke(application(), ["dispatch", "a_wired_host:connector", "--app-dir", str(folder)])
    assert isinstance(result.exception, ModuleNotFoundError)
    assert result.exception.name == "a_missing_library"


def test_a_storage_that_is_away_is_told_and_fails_a_single_run(folder: Path) -> None:
    """Without ``--once`` the dispatcher waits for it."""
    (folder / "wa.db").unlink()
    (folder / "wa.db").mkdir()
    code, output = dispatch(folder, "connector", "--once")
    assert code == 1
    assert "StorageUnavailable" in output or "ConfigError" in output


@pytest.mark.parametrize(("target", "number"), [("connector", signal.SIGTERM), ("asynchronous", signal.SIGINT)])
def test_a_signal_ends_it_after_the_message_at_hand(folder: Path, target: str, number: signal.Signals) -> None:
    """Nothing is left in doubt, and what was leased is free at once: the next process sends the rest."""
    process = running(folder, target, pause=0.5)
    wait_until(lambda: len(sent(folder)) >= 1)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert number.name in output
    done = len(sent(folder))
    assert done < DUE
    assert [MessageStatus.ACCEPTED] * done + [MessageStatus.QUEUED] * (DUE - done) == statuses(folder)
    assert dispatch(folder, "connector", "--once")[0] == 0
    assert len(set(sent(folder))) == len(sent(folder)) == DUE


def test_a_second_signal_ends_it_at_once(folder: Path) -> None:
    process = running(folder, "connector", pause=600)
    wait_until(lambda: MessageStatus.SENDING in statuses(folder))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM


def running(folder: Path, target: str, *, pause: float) -> "subprocess.Popen[str]":
    """The command in a process of its own, in the host's folder, which needs no naming."""
    return subprocess.Popen(
        [COMMAND, "dispatch", f"a_wired_host:{target}", "--lanes", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PAUSE": str(pause), "COLUMNS": "200", "TERM": "dumb"},
    )


def wait_until(probe: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not probe():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
