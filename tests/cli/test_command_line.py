"""The command line, as a person runs it: in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

COMMAND = Path(sys.executable).with_name("wa-connector")
PLAIN = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, env=PLAIN, timeout=60, check=False)


def test_alone_it_says_what_there_is() -> None:
    shown = run()
    assert "plugins" in shown.stdout
    assert "emulator" in shown.stdout


def test_it_lists_the_installed_plugins_and_what_each_provides() -> None:
    shown = run("plugins")
    assert shown.returncode == 0
    line = next(line for line in shown.stdout.splitlines() if "wa-connector-cloud-api" in line)
    assert "wa_channel" in line
    assert "wa_transport" in line


def test_without_typer_it_says_what_to_install() -> None:
    """The SDK does not need it, so it may be missing."""
    script = "import sys; sys.modules['typer'] = None\nfrom wa_connector.cli import main\nmain()"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (shown.returncode, "wa-connector[cli]" in shown.stderr) == (1, True)


def test_the_emulator_runs_until_it_is_stopped() -> None:
    process = subprocess.Popen(
        [COMMAND, "emulator", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=PLAIN
    )
    try:
        assert process.stdout is not None
        address = next(found[0] for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        assert httpx.get(f"{address}/_emulator/clock", timeout=10).status_code == 200
    finally:
        process.terminate()
        assert process.wait(timeout=20) is not None
        if process.stdout is not None:
            process.stdout.close()
