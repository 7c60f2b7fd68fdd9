"""Whatever happens to a box and to whoever watches it: in the end the timeline knows what the box knew."""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from office import Office
from wa_connector_voicemail import Asterisk
from wa_connector_voicemail.changes import SETTLED
from wa_connector_voicemail.watching import Look, Looking

from wa_connector.model.inbound import InboundGone, InboundHeard, InboundMessage

BOX = "1000@default"
LINES = list(Office(Asterisk("pbx", "nowhere"), [BOX], "nowhere").lines.values())
ACTS = ("leave", "hear", "delete", "look", "die", "restart", "wait")


class Box:
    """A mailbox as Asterisk changes it, and one who watches it."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "spool" / "default" / "1000"
        for name in ("INBOX", "Old"):
            (self.folder / name).mkdir(parents=True)
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.left = 0
        self.came: set[str] = set()
        self.heard: set[str] = set()
        self.gone: set[str] = set()
        self.source = Asterisk("pbx", root / "spool")
        self.restart()

    def leave(self) -> None:
        self._put("INBOX", f"{1795332123 + self.left}-{self.left:08x}", 1795332123 + self.left)
        self.left += 1

    def _put(self, folder: str, name: str, at: int) -> None:
        place = len(list((self.folder / folder).glob("*.txt")))
        path = self.folder / folder / f"msg{place:04d}.txt"
        path.write_text(f"callerid=<+447911123456>\norigtime={at}\nmsg_id={name}\nduration=3\n")

    def _take(self, folder: str) -> tuple[str, int] | None:
        """The first message out of a folder; the others are renumbered."""
        files = sorted((self.folder / folder).glob("*.txt"))
        if not files:
            return None
        text = files[0].read_text()
        for before, after in pairwise(files):
            after.replace(before)
        if len(files) == 1:
            files[0].unlink()
        return text.partition("msg_id=")[2].split()[0], int(text.partition("origtime=")[2].split()[0])

    def hear(self) -> None:
        taken = self._take("INBOX")
        if taken:
            self._put("Old", *taken)

    def delete(self) -> None:
        self._take("Old") or self._take("INBOX")

    def wait(self) -> None:
        self.now += 2 * SETTLED

    def restart(self) -> None:
        self.looking = Looking(self.source, LINES, self.root / "seen", clock=lambda: self.now)

    def look(self) -> None:
        self.looking.remember(self._told())

    def die(self) -> None:
        """Killed after it told, and before it wrote that down."""
        self._told()
        self.restart()

    def _told(self) -> Look:
        look = self.looking.look(BOX)
        self.looking.announce(look)
        for inbound in look.items:
            match inbound.item:
                case InboundMessage(provider_id=name, heard_at=heard_at):
                    self.came.add(name)
                    self.heard |= {name} if heard_at else set()
                case InboundHeard(name):
                    assert name in self.came
                    self.heard.add(name)
                case InboundGone(name):
                    assert name in self.came
                    self.gone.add(name)
                case _:
                    raise AssertionError
        return look


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ACTS), max_size=20))
def test_in_the_end_all_is_told(acts: list[str]) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        box = Box(root)
        for act in acts:
            getattr(box, act)()
            box.now += timedelta(milliseconds=100)
        for _ in range(2):
            box.look()
            box.wait()
        box.look()
        assert box._told().items == ()
        there = box.source.scan(BOX).messages
        assert there.keys() <= box.came
        assert box.gone == box.came - there.keys()
        assert {name for name, found in there.items() if found.folder == "Old"} == box.heard & there.keys()
    finally:
        shutil.rmtree(root)
