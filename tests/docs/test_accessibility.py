"""Pages can be read without seeing them: headings in order, pictures with words, tables with headers."""

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)]
_FENCE = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(params=PAGES, ids=_name)
def text(request: pytest.FixtureRequest) -> str:
    page: Path = request.param
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def test_headings_leave_out_no_level(text: str) -> None:
    """One title, and below it no heading more than one level deeper than the one before."""
    levels = [len(match[1]) for match in re.finditer(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))


def test_pictures_say_in_words_what_they_show(text: str) -> None:
    assert [image for image in re.findall(r"!\[([^\]]*)\]", text) if len(image) < 20] == []


def test_every_column_of_a_table_has_a_header(text: str) -> None:
    heads = re.findall(r"^(\|.*)\n\|(?: ?:?-{3,}:? ?\|)+$", text, re.MULTILINE)
    assert [head for head in heads if re.search(r"\|\s*\|", head)] == []
