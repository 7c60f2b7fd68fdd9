"""The README's example works as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path


def test_the_example_takes_a_webhook_and_sends_an_answer(root: Path, run_page: Callable[..., str]) -> None:
    """In a fresh process, with a directory and contacts in files, against the emulator of the provider."""
    run_page(root / "README.md", "--then", str(Path(__file__).with_name("readme.py")))


def test_the_example_is_short(root: Path) -> None:
    """It fits on a screen: thirty-five lines with imports and blank lines."""
    (block,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(block.splitlines()) <= 35


def test_what_the_readme_points_at_exists(root: Path) -> None:
    """Every relative link leads to a file or folder of this repository."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (root / "README.md").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (root / link).exists()] == []
