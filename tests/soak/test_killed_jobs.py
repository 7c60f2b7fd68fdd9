"""Jobs that forget and that keep no longer, killed around every commit: they go on where they were, and end."""

import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path

from tests.soak.a_killed_job import OTHER, host_in
from wa_connector.model.job import JobState
from wa_connector.testing.forgetting_contract import MARKERS, everything, messages_of
from wa_connector.testing.host import ACME

PROGRAM = Path(__file__).with_name("a_killed_job.py")
MOST = 60


def ran(folder: Path, *arguments: object) -> int:
    command = [sys.executable, str(PROGRAM), str(folder), *map(str, arguments)]
    return subprocess.run(command, timeout=60, check=False).returncode


def test_killed_jobs_end(tmp_path: Path) -> None:
    """By SIGKILL, in processes of their own. What names the person is nowhere, nor in the file; what is young stays."""
    assert ran(tmp_path, "begin") == 0
    kills = 0
    # One commit is let through each time, or they would never end.
    for moment, commit in cycle([("after", 1), ("before", 2)]):
        code = ran(tmp_path, moment, commit)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
        assert kills < MOST, "they do not end"
    assert kills >= 10
    host = host_in(tmp_path)
    with host.connector() as connector:
        assert {job.state for job in connector.jobs(ACME)} == {JobState.DONE}
        assert connector.verify_evidence(ACME).holds
        left, messages = everything(host.storage), messages_of(host.storage)
    assert [marker for marker in MARKERS if marker in left] == []
    assert ("long ago" in messages, "just now" in messages, OTHER[1:] in left) == (False, True, True)
    files = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert [marker for marker in MARKERS if marker.encode() in files] == []
