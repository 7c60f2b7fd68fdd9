"""Play the story, and print it as it goes.

    python examples/story/run.py [--face sync|async] [--number]

Exits with 0 when everything went as the story says. Otherwise the last line says which step went otherwise, what was
expected there and what came, and the status is 1.
"""

import argparse
import io
import signal
import sys
from pathlib import Path
from typing import Final, assert_never

from rich.box import ROUNDED, SIMPLE
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

sys.path.append(str(Path(__file__).resolve().parents[2]))  # so that the folders beside this one are found

from examples.story.stage import FACES, FAULTS, Setting
from examples.story.story import STORY, perform
from examples.story.transcript import Did, Line, Ruled, Scene, Seen, Stored, StoryFailed

WHATSAPP: Final = "#25d366"
WIDTH: Final = 110
"""Longer lines are hard to read on any terminal."""


def main() -> int:
    setting = _setting()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a log that knows only ASCII gets question marks, not a traceback
    # Marks are words or signs first and colours second: rich leaves colours out where NO_COLOR is set, and in a file.
    console = Console(highlight=False)
    console = Console(highlight=False, width=min(console.width, WIDTH))
    face = {"sync": "Flask and Connector", "async": "Starlette and AsyncConnector"}[setting.face]
    title = Text.assemble(_mark(), f" One customer, one conversation: a host of {face}, and an emulator of WhatsApp")
    if setting.hides_number:
        title.append(". The customer hides the number; the contacts know a user id alone.")
    console.print(title, style="bold")
    try:
        for scene in perform(setting):
            console.print(_panel(scene))
    except StoryFailed as failed:
        console.print(Text.assemble(("FAILED", "bold red"), f" {failed}"), soft_wrap=True)
        return 1
    console.print(Text.assemble(_mark(), f" {len(STORY)} steps of {len(STORY)} went as the story says."))
    return 0


def _setting() -> Setting:
    parser = argparse.ArgumentParser(description="Play the example story against the emulator.")
    parser.add_argument("--face", choices=FACES, default="async", help="which host (%(default)s)")
    parser.add_argument("--number", action="store_true", help="the customer shows the number; else has a user id alone")
    parser.add_argument("--fault", choices=FAULTS, default="", help="let something go wrong at the provider's side")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for anything (%(default)s)")
    given = parser.parse_args()
    return Setting(given.face, not given.number, given.fault, given.patience)


# --- how it looks -----------------------------------------------------------------------------------------------------


def _mark() -> tuple[str, str]:
    return "●", WHATSAPP


def _panel(scene: Scene) -> Panel:
    title = Text.assemble(_mark(), f" {scene.number}. {scene.title} ", style="bold")
    body = Group(*map(_line, scene.lines))
    return Panel(body, title=title, title_align="left", box=ROUNDED, padding=(0, 1))


def _line(line: Line) -> RenderableType:
    match line:
        case Did(who, what):
            return _hanging(("▸", "bold"), Text.assemble((who, "bold"), f" {what}"))
        case Ruled():
            return _hanging(("✓", f"bold {WHATSAPP}") if line.allowed else ("✗", "bold red"), _verdict(line))
        case Seen(what):
            return _hanging(("·", "dim"), Text(what))
        case Stored():
            return _table(line)
        case _:
            assert_never(line)


def _verdict(ruled: Ruled) -> Text:
    word = ("allowed", WHATSAPP) if ruled.allowed else ("refused", "red")
    text = Text.assemble(f"{ruled.subject}: ", word)
    if not ruled.allowed:
        text.append(f" ({ruled.reason})")
    text.append(f" “{ruled.sentence}”", style="italic")
    if ruled.billed:
        text.append(" Likely to be charged.")
    if ruled.remedies:
        text.append(f" Remedies: {', '.join(ruled.remedies).replace('_', ' ')}.")
    return text


def _hanging(sign: tuple[str, str], text: Text) -> Table:
    """A sign, and text that does not flow back under it."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(*sign), text)
    return grid


def _table(stored: Stored) -> Table:
    table = Table("when (UTC)", "who", "what", "status", box=SIMPLE, header_style="bold", pad_edge=False)
    for entry in stored.entries:
        style = WHATSAPP if entry.author == "Carla" else "dim" if entry.author == "the system" else ""
        table.add_row(entry.at, Text(entry.author, style), Text(entry.text), entry.status)
    return table


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that the servers are stopped
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # the servers are stopped already, and a traceback would say nothing
