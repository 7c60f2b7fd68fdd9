"""Promises of the package as a whole."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import wa_connector_emulator
from wa_connector_emulator import ControlError, Emulator, GraphError, Served
from wa_connector_emulator.errors import unknown_object
from wa_connector_emulator.ids import Mint
from wa_connector_emulator.interactive import INTERACTIVE_TYPES
from wa_connector_emulator.messages import MESSAGE_TYPES
from wa_connector_emulator.values import Callback

SOURCES = sorted(Path(wa_connector_emulator.__file__).parent.glob("*.py"))

PUBLIC = {
    "Account",
    "Attempt",
    "BusinessMessage",
    "Call",
    "Choice",
    "Content",
    "ControlError",
    "Customer",
    "CustomerMessage",
    "Emulator",
    "Failure",
    "Faults",
    "GraphError",
    "Group",
    "HttpCall",
    "HttpReply",
    "Number",
    "Sender",
    "Served",
    "Settings",
    "Template",
    "TemplateStatus",
    "VirtualClock",
    "Webhook",
    "WebhookState",
    "serve",
    "signature",
}


def test_the_public_names() -> None:
    assert set(wa_connector_emulator.__all__) == PUBLIC
    assert all(hasattr(wa_connector_emulator, name) for name in PUBLIC)


def imported(source: Path) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).partition(".")[0])
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_nothing_is_shared_with_the_sdk(source: Path) -> None:
    shared = {name for name in imported(source) if name.startswith("wa_connector")}
    assert shared <= {"wa_connector_emulator"}


@pytest.mark.parametrize(
    "name",
    [
        "announcements",
        "business",
        "calls",
        "clock",
        "errors",
        "exchange",
        "faults",
        "graph",
        "groups",
        "interactive",
        "management",
        "messages",
        "phones",
        "rules",
        "sending",
        "shape",
        "templates",
        "values",
        "webhooks",
    ],
)
def test_the_core_does_no_io(name: str) -> None:
    source = next(path for path in SOURCES if path.stem == name)
    assert not imported(source) & {"httpx", "starlette", "uvicorn", "socket", "asyncio"}


def test_only_the_clock_knows_what_time_it_is() -> None:
    asking = [p.stem for p in SOURCES if {"datetime.now(", "time.time("} & set(calls(p))]
    assert asking == ["clock"]


def calls(source: Path) -> list[str]:
    text = source.read_text()
    return [call for call in ("datetime.now(", "time.time(") if call in text]


def test_a_host_that_loads_the_plugin_loads_no_server_and_no_client() -> None:
    code = "import sys, wa_connector_emulator.plugin; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "wa_connector_emulator.plugin" in loaded
    assert loaded & {"typer", "rich", "uvicorn", "starlette", "httpx", "asyncio", "ssl"} == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        wa_connector_emulator.nonsense  # type: ignore[attr-defined]  # noqa: B018 - the point
    assert set(dir(wa_connector_emulator)) >= PUBLIC


def test_secrets_are_in_no_repr() -> None:
    emulator = Emulator(app_secret="s3cret", token="t0ken")
    shown = repr([emulator, Served("http://x", emulator), Callback("http://x", "v3rify")])
    assert "http://x" in shown
    assert not [secret for secret in ("s3cret", "t0ken", "v3rify") if secret in shown]


def test_secrets_are_made_up_when_not_given() -> None:
    first, second = Emulator(), Emulator()
    assert first.token != second.token
    assert first.app_secret != second.app_secret
    assert first.token != first.app_secret
    assert min(len(first.token), len(first.app_secret)) >= 32


@pytest.mark.parametrize(
    "error",
    [GraphError(131009, "details"), GraphError(100, "d", "m", 7), ControlError("no", 404)],
)
def test_errors_survive_pickling_and_notes(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    copy.add_note("n")
    assert (type(copy), copy.args, str(copy)) == (type(error), error.args, str(error))


def test_an_unknown_object_is_a_graph_error_without_details() -> None:
    body = unknown_object("GET", "7").to_json("trace")
    assert "error_data" not in str(body)


def test_ids_repeat_with_a_seed_only_and_have_metas_shapes() -> None:
    one, same, other = Mint(7), Mint(7), Mint()
    assert one.wamid("16505551234") == same.wamid("16505551234")
    assert one.bsuid("US") != other.bsuid("US")
    assert int(one.object_id()) < int(one.object_id())
    longest = one.wamid("US.ENT." + "x" * 128)
    assert longest.startswith("wamid.")
    assert len(longest) <= 128


def test_the_readmes_first_example_runs() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = readme.split("```python\n")[1].split("```")[0]
    assert "emulator.received" in example
    exec(compile(example, "README.md", "exec"), {})


def test_every_message_type_that_the_tables_name_is_documented() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert [kind for kind in (*MESSAGE_TYPES, *INTERACTIVE_TYPES) if f"`{kind}`" not in readme] == []


def test_the_fixtures_serve_an_emulator_for_a_test(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["wa_connector_emulator.fixtures"]\n')
    (tmp_path / "test_it.py").write_text(
        "import httpx\n"
        "def test_it(wa_emulator, wa_served):\n"
        "    number = wa_emulator.numbers()[0].id\n"
        "    bearer = {'authorization': f'Bearer {wa_emulator.token}'}\n"
        "    answer = httpx.get(f'{wa_served.graph_url}/{number}', headers=bearer, trust_env=False)\n"
        "    assert answer.json()['id'] == number\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
