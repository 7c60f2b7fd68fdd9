"""A disk without room, and a limit to the size of files: by the operating system, and not pretended."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("on_a_full_disk.py")
FORBIDDEN = 77


@pytest.mark.parametrize(("kind", "cause"), [("disk", "is full; make room"), ("limit", "ulimit")])
def test_a_host_goes_on_when_there_is_room_again(kind: str, cause: str, tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, nothing is sent twice, nobody starts anything again."""
    ran = subprocess.run(
        [sys.executable, PROGRAM, kind, tmp_path], capture_output=True, text=True, timeout=120, check=False
    )
    if ran.returncode == FORBIDDEN:
        pytest.skip(f"no small disk here: {ran.stdout.strip()}")
    assert ran.returncode == 0, ran.stderr
    assert cause in ran.stdout
    assert "Nothing was half-done" in ran.stdout
