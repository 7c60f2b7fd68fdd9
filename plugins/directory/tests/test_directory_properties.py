"""Whatever stands in the file, it loads or is told to be wrong; nothing else comes out."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wa_connector_directory import book
from wa_connector_directory.reading import Mistakes

from wa_connector.errors import ConfigError

README = Path(__file__).parents[1] / "README.md"
EXAMPLE = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
LINES = EXAMPLE.splitlines(keepends=True)
SECRET = "a secret may stand here in clear, too"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN", "WHATSAPP_TOKEN"):
        monkeypatch.setenv(name, SECRET)


mutations = st.one_of(
    st.tuples(st.just("drop"), st.integers(0, len(LINES) - 1), st.just("")),
    st.tuples(st.just("double"), st.integers(0, len(LINES) - 1), st.just("")),
    st.tuples(st.just("swap"), st.integers(0, len(LINES) - 1), st.sampled_from(LINES)),
    st.tuples(st.just("cut"), st.integers(0, len(EXAMPLE)), st.text(max_size=3)),
    st.tuples(
        st.just("value"),
        st.integers(0, len(LINES) - 1),
        st.sampled_from(['""', "[]", "{}", "1", "nan", "true", "1979-05-27", '"x"', '["x", 1]', "[[]]"]),
    ),
)


def mutated(text: str, how: str, where: int, what: str) -> str:
    if how == "cut":
        return text[:where] + what + text[where + 1 :]
    lines = text.splitlines(keepends=True)
    where %= len(lines)
    old = lines[where]
    new = {
        "drop": "",
        "double": old * 2,
        "swap": what,
        "value": re.sub(r"=.*", lambda _: f"= {what}", old, count=1),
    }
    return "".join((*lines[:where], new[how], *lines[where + 1 :]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(mutations, min_size=1, max_size=4))
def test_a_mutated_file_loads_or_is_a_config_error(tmp_path: Path, changes: list[tuple[str, int, str]]) -> None:
    text = EXAMPLE
    for change in changes:
        text = mutated(text, *change)
    path = tmp_path / "directory.toml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "old_app_secret").write_text(SECRET)
    found: tuple[str, ...] = ()
    try:
        book.read(path)
    except ConfigError as error:
        found = error.mistakes
        assert found, "an error without a mistake helps nobody"
    assert all(": " in line and "\n" not in line for line in found)
    assert SECRET not in "".join(found)


scalars = (
    st.text(max_size=6)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.sampled_from(["acme", "b", "whatsapp", "24h", "conversation"])
)
keys = st.sampled_from(
    [
        "id",
        "name",
        "parent",
        "organization",
        "tenant",
        "app",
        "account",
        "owner",
        "channel",
        "channels",
        "settings",
        "secret",
        "token",
        "endpoint",
        "provider_ref",
        "address",
        "enabled",
        "env",
        "file",
        "window_rule",
        "opt_in_purposes",
        "held_for",
    ]
) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)
tables = st.lists(st.dictionaries(keys, values, max_size=8) | values, max_size=4)
documents = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("organizations", "users", "apps", "accounts", "lines"), tables | values),
)


@settings(deadline=None)
@given(documents)
def test_any_document_is_built_or_has_mistakes(document: dict[str, Any]) -> None:
    mistakes = Mistakes()
    built = book._build(document, Path("/nowhere"), mistakes)
    assert (built is None) == bool(mistakes.lines)


@given(st.lists(st.sampled_from("abcde"), min_size=5, max_size=5))
def test_any_shape_of_parents_is_a_forest_or_a_mistake(parents: list[str]) -> None:
    """Every organization of a good file has a path from a root; circles are told once each."""
    tables = [
        {"id": each} | ({"parent": parent} if parent != each else {})
        for each, parent in zip("abcde", parents, strict=True)
    ]
    users = [{"id": each, "organization": each} for each in "abcde"]
    mistakes = Mistakes()
    built = book._build({"organizations": tables, "users": users}, Path("/nowhere"), mistakes)
    if built is None:
        assert all("circle" in line for line in mistakes.lines)
        return
    above = {t["id"]: t.get("parent") for t in tables}
    for seat in built.seats.values():
        path = [str(o.id) for o in seat.organizations]
        assert path[-1] == seat.user.id
        assert [above[each] for each in path] == [None, *path[:-1]]
