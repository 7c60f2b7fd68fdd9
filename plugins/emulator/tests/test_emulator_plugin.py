"""The command `emulator`, run as a user would run it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points

import httpx
import pluggy
import pytest
import typer
from emulator_bench import Receiver
from typer.testing import CliRunner
from wa_connector_emulator import plugin

HOST = """
import pluggy, typer
from wa_connector_emulator import plugin

app = typer.Typer()
app.callback()(lambda: None)
plugin.wa_commands(app)
app()
"""


@contextmanager
def running(*options: str, **variables: str) -> Iterator[tuple[str, list[str]]]:
    """The command with these options: its address, and the lines it printed before serving."""
    environment: Mapping[str, str] = {**os.environ, **variables, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOST, "emulator", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("Ready"):
                break
        found = re.search(r"http://\S+", "\n".join(lines))
        assert found, lines
        yield found.group().rstrip("."), lines
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def test_the_entry_point_is_the_plugin() -> None:
    (found,) = entry_points(group="wa_connector", name="emulator")
    assert found.load() is plugin


def test_the_hook_is_found_by_the_hosts_marker() -> None:
    manager = pluggy.PluginManager("wa_connector")
    assert manager.parse_hookimpl_opts(plugin, "wa_commands") is not None


def test_help_names_the_options_and_the_variables() -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    plugin.wa_commands(app)
    shown = CliRunner().invoke(app, ["emulator", "--help"], env={"COLUMNS": "200"}).output
    for option in ("host", "port", "app-secret", "token", "webhook", "verify-token"):
        assert f"--{option}" in shown
    for variable in ("WA_EMULATOR_APP_SECRET", "WA_EMULATOR_TOKEN"):
        assert variable in shown


def test_secrets_of_the_environment_are_used_and_not_printed(receiver: Receiver) -> None:
    secrets = {"WA_EMULATOR_TOKEN": "t0ken-of-env", "WA_EMULATOR_APP_SECRET": "s3cret-of-env"}
    options = ("--webhook", receiver.url, "--verify-token", "verify")
    with running(*options, **secrets) as (base_url, lines):
        text = "\n".join(lines)
        assert not [secret for secret in secrets.values() if secret in text]
        assert f"webhooks go to  {receiver.url}" in text
        bearer = {"Authorization": "Bearer t0ken-of-env"}
        url = f"{base_url}/v26.0/106540352242922"
        assert httpx.get(url, headers=bearer, trust_env=False).status_code == 200


def test_made_up_secrets_are_printed_and_work() -> None:
    with running(WA_EMULATOR_TOKEN="", WA_EMULATOR_APP_SECRET="") as (base_url, lines):
        found = re.search(r"WA_EMULATOR_TOKEN=(\S+)", "\n".join(lines))
        assert found, lines
        bearer = {"Authorization": f"Bearer {found.group(1)}"}
        url = f"{base_url}/v26.0/106540352242922"
        assert httpx.get(url, headers=bearer, trust_env=False).status_code == 200


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook"])
def test_a_receiver_that_is_not_up_yet_is_no_reason_not_to_start(url: str) -> None:
    with running("--webhook", url, "--verify-token", "v3rify") as (base_url, lines):
        text = "\n".join(lines)
        assert "was not verified" in text
        assert "v3rify" not in text
        assert httpx.get(f"{base_url}/_emulator/clock", trust_env=False).status_code == 200
