"""What the tests of the documentation share."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("run_page.py")


@pytest.fixture
def root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture
def run_page(tmp_path: Path) -> Callable[..., str]:
    """Run a page in a fresh process and an empty folder; fail with what it printed, return what was left unexpected."""

    def run(page: Path, *options: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(RUNNER), str(page), *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
