"""A disk without room: by the operating system, and not pretended."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("on_a_full_disk.py")
FORBIDDEN = 77


def test_a_host_goes_on_when_there_is_room_again() -> None:
    """Nothing that was acknowledged is lost, nothing is sent twice, nobody starts anything again."""
    with tempfile.TemporaryDirectory() as folder:
        # The server is another user's, where tests run as root.
        Path(folder).chmod(0o755)
        ran = subprocess.run(
            [sys.executable, PROGRAM, folder], capture_output=True, text=True, timeout=120, check=False
        )
    if ran.returncode == FORBIDDEN:
        pytest.skip(f"no small disk here: {ran.stdout.strip()}")
    assert ran.returncode == 0, ran.stderr
    assert "the server's disk is full; make room" in ran.stdout
    assert "Nothing was half-done" in ran.stdout
