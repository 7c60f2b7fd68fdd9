"""What the documentation shows is run: each page with Python in it, in a process of its own."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
RUN = [page for page in PAGES if "<!-- run -->" in page.read_text(encoding="utf-8")]


def _name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.fixture(scope="module")
def runner() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).with_name("run_page.py")))


@pytest.mark.parametrize("page", RUN, ids=_name)
def test_a_page_runs(page: Path, run_page: Callable[..., str]) -> None:
    """Its blocks run in their order, and print what it says they print."""
    run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_nothing_is_shown_that_is_not_run(page: Path, runner: dict[str, Any]) -> None:
    """Every block of Python is run, is a file that is used, or says why not."""
    assert runner["unmarked"](page.read_text(encoding="utf-8")) == []


def test_the_runner_reads_all_kinds_of_markers(runner: dict[str, Any]) -> None:
    page = (
        "<!-- run -->\n```python\nprint(1)\n```\n\n<!-- output -->\n\n```text\n1\n```\n"
        "<!-- file: a/b.toml -->\n```toml\nx = 1\n```\n<!-- check\nassert True\n-->\n```python\nunmarked\n```\n"
    )
    found = [(block.what, block.argument, block.text, block.line) for block in runner["blocks"](page)]
    expected = [
        ("run", "", "print(1)\n", 3),
        ("output", "", "1\n", 9),
        ("file", "a/b.toml", "x = 1\n", 13),
        ("check", "", "assert True\n", 16),
    ]
    assert expected == found
    assert runner["unmarked"](page) == [18]
