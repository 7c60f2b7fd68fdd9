"""Rescanning a mailbox of 10,000 messages of which one is new, against listing its folder."""

import os
import tempfile
from pathlib import Path

from measuring import each_us, in_turn, median, ratio, report
from wa_connector_voicemail import Mailbox

MESSAGES = 10_000
INFO = "[message]\ncallerid=<+447700900123>\norigtime=1795332123\nmsg_id=1795332123-{:08x}\nflag=\nduration=29\n"


def leave(folder: Path, place: int, number: int) -> None:
    for suffix, text in (("wav", "recording"), ("txt", INFO.format(number))):
        fresh = folder / f"fresh.{suffix}"
        fresh.write_text(text)
        fresh.rename(folder / f"msg{place:04d}.{suffix}")


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "default", "1000", "INBOX")
        folder.mkdir(parents=True)
        for number in range(MESSAGES):
            leave(folder, number, number)
        mailbox = Mailbox(root, "default", "1000")

        def rescan(turn: int) -> float:
            leave(folder, turn, MESSAGES + turn)
            return each_us(lambda _: mailbox.scan(), [None])

        assert len(mailbox.scan().messages) == MESSAGES
        listing = {"listing": lambda _: each_us(lambda _: os.listdir(folder), [None])}  # noqa: PTH208 - the barest there is
        rounds = in_turn(9, {"rescan": rescan, **listing})
        rescans, lists = rounds["rescan"], rounds["listing"]
        assert len(mailbox.scan().messages) == MESSAGES
        name = "rescan 10,000 voicemail messages, one of them new, against listing the folder"
        baseline = median(lists) / 1000
        report(name, median(rescans) / 1000, "ms", baseline=baseline, ratio=ratio(rescans, lists), at_most=20)


main()
