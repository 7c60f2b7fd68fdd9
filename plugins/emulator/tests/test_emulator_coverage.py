"""Every endpoint and payload kind of the platform has a test here, and no test claims one that is none."""

import ast
from pathlib import Path

import pytest
from surface import SURFACE

HERE = Path(__file__).parent


def claimed(folder: Path = HERE) -> set[str]:
    """What the markers `covers` of a folder name."""
    found: set[str] = set()
    for path in folder.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("covers", "pytest.mark.covers"):
                found |= {str(ast.literal_eval(argument)) for argument in node.args}
    return found


def test_every_kind_has_a_test() -> None:
    assert [kind for kind in SURFACE if kind not in claimed()] == []


HEARD = ("receive: ", "status: ", "field: ")
CHANNEL = HERE.parents[1] / "cloud-api" / "tests"


@pytest.mark.skipif(not CHANNEL.is_dir(), reason="the channel's tests are not here")
def test_every_kind_that_is_heard_has_a_test_of_the_channels() -> None:
    """Told by the emulator, and read by a channel that shares no code with it."""
    read = claimed(CHANNEL)
    assert [kind for kind in SURFACE if kind.startswith(HEARD) and kind not in read] == []
    assert read - set(SURFACE) == set()


def test_no_test_claims_what_there_is_not() -> None:
    assert claimed() - set(SURFACE) == set()
