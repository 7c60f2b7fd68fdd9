"""Fresh processes: what a host may rely on is tried in one that has done nothing else yet."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs a program and returns what it printed. A warning, a traceback or a word on stderr fails the test.

    The program may import ``a_host``; ``arguments`` are its ``sys.argv[1:]``.
    """
    # Bytecode is not written: the first test would write files where the second writes none.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(program: str, *arguments: object) -> str:
        command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    return run
