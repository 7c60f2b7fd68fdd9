"""A real Asterisk for all tests of a run; where none can be had, they say so and nothing else is lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test folders are no packages; what several of these tests share is imported by name.
sys.path.insert(0, str(Path(__file__).parent))

from asterisk_rig import Asterisk

ROOT = Path(__file__).resolve().parents[3]
PREFIX = ROOT / "build" / "asterisk"


@pytest.fixture(scope="session")
def prefix() -> Path:
    """Where Asterisk is unpacked; fetched by the first who needs it."""
    try:
        made = subprocess.run([ROOT / "scripts" / "asterisk"], capture_output=True, text=True, timeout=300, check=False)
        problem = made.stderr.strip() if made.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = f"no Asterisk: {type(error).__name__}"
    if problem:
        pytest.skip(f"NOT RUN: voicemail against a real Asterisk, for want of one ({problem})")
    return PREFIX


@pytest.fixture(scope="session")
def asterisk(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asterisk]:
    with Asterisk(prefix, tmp_path_factory.mktemp("asterisk") / "root").running() as running:
        yield running
