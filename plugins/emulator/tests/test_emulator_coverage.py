"""Every endpoint and payload kind of the platform has a test here, and no test claims one that is none."""

import ast
from pathlib import Path

from surface import SURFACE

HERE = Path(__file__).parent


def claimed() -> set[str]:
    """What the markers `covers` of this folder name."""
    found: set[str] = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("covers", "pytest.mark.covers"):
                found |= {str(ast.literal_eval(argument)) for argument in node.args}
    return found


def test_every_kind_has_a_test() -> None:
    assert [kind for kind in SURFACE if kind not in claimed()] == []


def test_no_test_claims_what_there_is_not() -> None:
    assert claimed() - set(SURFACE) == set()
