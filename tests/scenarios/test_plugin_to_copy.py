"""The plugin to copy can be copied: as its README says, it gets a name of its own and passes its tests as a wheel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/plugin_to_copy"


def test_a_copy_under_another_name_builds_installs_and_passes_its_tests(tmp_path: Path) -> None:
    copy, site = tmp_path / "copy", tmp_path / "site"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__", ".*", "dist", "build"))
    rename(copy, "audit", "mine")
    run(copy, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", site, copy)
    shutil.rmtree(copy / "src")  # so that the tests can only find what was installed
    assert "passed" in run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests", path=site)


def rename(folder: Path, old: str, new: str) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            for before in (f"wa_connector_{old}", f"wa-connector-{old}"):
                text = text.replace(before, before.replace(old, new))
            # The name of the entry point, too: the original may be installed beside it.
            file.write_text(text.replace(f"{old} = ", f"{new} = ").replace(f'"{old}"', f'"{new}"'), encoding="utf-8")
    (folder / f"src/wa_connector_{old}").rename(folder / f"src/wa_connector_{new}")


def run(folder: Path, *command: str | Path, path: Path | None = None) -> str:
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
