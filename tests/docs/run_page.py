"""Run a page of the documentation as one program, in this process.

    python run_page.py PAGE [--then SCRIPT]

The working directory is where the page's files are written; the test gives an empty one, and a process of its own to
each page: pages fork, patch the standard library for gevent, and serve ports.

What a page says about its blocks stands in HTML comments, which neither Sphinx nor a Git host shows:

======================== ==============================================================================================
``<!-- run -->``         the Python block below is run, in the page's one namespace
``<!-- file: NAME -->``  the block below is written to a file of that name, before anything is run
``<!-- output -->``      the block below is exactly what was printed since the last such block
``<!-- not run: … -->``  the Python block below is only shown, and why
``<!-- check CODE -->``  code that is run here and not shown: what the page claims, asserted
======================== ==============================================================================================

The files of ``beside/`` are there from the beginning: a directory and contacts, much as the tutorial shows them, for pages
that are about something else. ``--then`` runs a script afterwards, in the same namespace. The port 8460 is replaced by a free
one wherever it stands, so that two runs do not meet and a page without an emulator reaches nobody.

Why not sybil or pytest-markdown-docs: both run examples inside pytest's own process, and would be one more package in
everybody's environment; what was left to write beside either (files, expected output, a process a page) is this file.
"""

import argparse
import io
import re
import socket
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

_PORT = "8460"
_BLOCK = re.compile(
    r"^<!-- (?P<what>run|output|not run|file|check)(?::[ ]*(?P<argument>[^\n]*?))?"
    r"(?:[ ]-->\n\n?(?P<fence>`{3,}|:{3,})(?P<language>[^\n]*)\n(?P<body>.*?)^(?P=fence)$|\n(?P<code>.*?)^-->$)",
    re.MULTILINE | re.DOTALL,
)
_PYTHON = re.compile(r"^`{3,}(?:python|pycon)\b", re.MULTILINE)


class Block(NamedTuple):
    """One marked block: what is done with it, the marker's argument, its text, and the line on which that begins."""

    what: str
    argument: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """The marked blocks of a page, from top to bottom."""
    found = []
    for match in _BLOCK.finditer(page):
        part = "code" if match["code"] is not None else "body"
        line = page.count("\n", 0, match.start(part)) + 1
        found.append(Block(match["what"], match["argument"] or "", match[part], line))
    return found


def unmarked(page: str) -> list[int]:
    """The lines of Python blocks that no marker speaks of."""
    marked = {match.start("fence") for match in _BLOCK.finditer(page) if match["fence"]}
    return [page.count("\n", 0, m.start()) + 1 for m in _PYTHON.finditer(page) if m.start() not in marked]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("--then", type=Path)
    arguments = parser.parse_args()
    port = _free_port()
    found = blocks(arguments.page.read_text(encoding="utf-8"))
    for source in Path(__file__).with_name("beside").iterdir():
        Path(source.name).write_text(source.read_text(encoding="utf-8").replace(_PORT, port), encoding="utf-8")
    for block in found:
        if block.what == "file":
            Path(block.argument).parent.mkdir(parents=True, exist_ok=True)
            Path(block.argument).write_text(block.text.replace(_PORT, port), encoding="utf-8")
    steps = [*found, *([_script(arguments.then)] if arguments.then else [])]
    return _run(steps, arguments.page, port)


def _script(path: Path) -> Block:
    return Block("check", str(path), path.read_text(encoding="utf-8"), 1)


def _run(steps: list[Block], page: Path, port: str) -> int:
    # As a program's own module, so that its classes can be pickled and its frames be told from ours.
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            for step in steps:
                if step.what in {"run", "check"}:
                    source = "\n" * (step.line - 1) + step.text.replace(_PORT, port)
                    exec(compile(source, step.argument or str(page), "exec"), namespace)
                elif step.what == "output":
                    expected, actual = step.text, printed.getvalue()
                    printed.seek(0)
                    printed.truncate()
                    if expected != actual:
                        raise SystemExit(
                            f"{page}:{step.line}: the page says\n{expected}\nand this was printed\n{actual}"
                        )
    except Exception:  # noqa: BLE001 - whatever a page's own code raises
        traceback.print_exc()
        sys.stderr.write(f"printed until then:\n{printed.getvalue()}")
        return 1
    sys.stdout.write(printed.getvalue())
    return 0


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
