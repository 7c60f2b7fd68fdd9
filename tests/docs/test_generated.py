"""What the documentation takes from the code is what the code says now."""

import subprocess
import sys
from pathlib import Path

HOW = "run `.venv/bin/python docs/generate.py` and read what changed before you commit it"


def test_tables_signatures_and_pictures_are_up_to_date(root: Path) -> None:
    """Settings, reasons, remedies, hooks, errors, events, capabilities, public names, and the state machines."""
    command = [sys.executable, str(root / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{HOW}:\n{done.stdout}{done.stderr}"
