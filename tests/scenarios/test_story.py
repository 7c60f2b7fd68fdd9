"""The example story is true: under both faces, with the real emulator, over HTTP, with SQLite on the disk."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from attrs import evolve

from examples.story.stage import NUMBERLESS, Setting
from examples.story.story import STORY, perform
from examples.story.transcript import Line, Scene, Stored

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "examples/story/run.py"


@cache
def performed(face: str) -> tuple[Scene, ...]:
    return tuple(perform(Setting(face, patience=30)))


@pytest.mark.parametrize("face", ["sync", "async"])
def test_everything_goes_as_the_story_says(face: str) -> None:
    assert [step.title for step in STORY] == [scene.title for scene in performed(face)]


def test_both_faces_say_the_same_in_every_line() -> None:
    """Verdicts, reasons, sentences, remedies and the stored conversation: all but the times."""
    one, other = ([(scene.title, [timeless(line) for line in scene.lines]) for scene in performed(f)] for f in FACES)
    assert one == other


FACES = ("sync", "async")


def timeless(line: Line) -> Line:
    if isinstance(line, Stored):
        return Stored(tuple(evolve(entry, at="") for entry in line.entries))
    return line


def test_the_customer_of_the_story_has_no_number_to_show_and_may_show_one() -> None:
    """The contacts know a user id alone; the same story goes with a number."""
    assert "TEL" not in NUMBERLESS
    assert Setting("sync").hides_number
    done = run("--number", "--patience", "30")
    assert (done.returncode, done.stderr) == (0, "")
    assert "hides the number" not in done.stdout
    assert f"{len(STORY)} steps of {len(STORY)} went as the story says." in done.stdout


def test_the_transcript_is_plain_text_where_there_is_no_terminal() -> None:
    assert "\x1b" not in run("--fault", "blocked", "--patience", "0.2").stdout


@pytest.mark.parametrize("face", FACES)
def test_a_step_that_goes_otherwise_is_told_in_one_line(face: str) -> None:
    """The provider's side fails: the customer has blocked the business, so the question never arrives."""
    done = run("--fault", "blocked", "--patience", "1", "--face", face)
    last = done.stdout.splitlines()[-1]
    assert (done.returncode, done.stderr) == (1, "")
    assert last.startswith("FAILED step 3 (First contact begins with a question): Carla's phone shows")
    assert last.endswith("expected ['Hello, this is Acme. May we write to you on WhatsApp?'], got []")


def test_nothing_runs_on_after_a_failure() -> None:
    done, group = run_in_group("--fault", "no-webhooks", "--patience", "1")
    assert done == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_nothing_runs_on_when_the_program_is_told_to_end(tmp_path: Path) -> None:
    command = [sys.executable, str(RUN)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        while b"1. The templates are fetched" not in process.stdout.readline():
            assert process.poll() is None
        process.terminate()
        assert process.wait(60) == 143
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert list(tmp_path.iterdir()) == []


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUN), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


def run_in_group(*arguments: str) -> tuple[int, int]:
    """The exit status, and the process group that everything started by the program is in."""
    command = [sys.executable, str(RUN), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        return process.wait(180), process.pid
