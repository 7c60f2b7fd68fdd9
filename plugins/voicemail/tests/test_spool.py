"""A mailbox is read as it is, while somebody else writes it; and what is broken in it spoils nothing."""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_voicemail import FolderBusy, Found, Info, Mailbox, MessageGone, read_info
from wa_connector_voicemail import spool as module

from wa_connector.errors import UsageError

AT = 1_795_332_123
INFO = """;
; Message Information file
;
[message]
origmailbox=1000
context=vm
exten=leave
callerid={caller}
origdate=Sun Nov 22 07:22:03 AM UTC 2026
origtime={at}
category=
msg_id={id}
flag={flag}
duration={duration}
"""


def info(number: int, *, caller: str = '"Zoë \\"Q\\" 50% Caller" <+447700900123>', flag: str = "") -> bytes:
    return INFO.format(caller=caller, at=AT + number, id=f"{AT}-{number:08x}", flag=flag, duration=29).encode()


def leave(folder: Path, place: int, number: int, **more: str) -> None:
    """As Asterisk does: the recording first, the text file last, each renamed into its place."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, octets in (("wav", f"recording {number}".encode()), ("txt", info(number, **more))):
        fresh = folder.parent / f"fresh-{suffix}"
        fresh.write_bytes(octets)
        fresh.rename(folder / f"msg{place:04d}.{suffix}")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path / "default" / "1000"


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path, "default", "1000")


def ids(mailbox: Mailbox) -> dict[str, tuple[str, str]]:
    return {name: (found.folder, found.stem) for name, found in mailbox.scan().messages.items()}


def test_a_message_with_all_that_is_said_of_it(box: Path, mailbox: Mailbox) -> None:
    leave(box / "Urgent", 0, 1, flag="Urgent")
    (found,) = mailbox.scan().messages.values()
    at = datetime.fromtimestamp(AT + 1, UTC)
    assert found == Found(
        "Urgent", "msg0000", Info(f"{AT}-00000001", at, 29, "+447700900123", 'Zoë "Q" 50% Caller', True)
    )
    name, recording = mailbox.open(found)
    with recording:
        assert (name, recording.read()) == ("wav", b"recording 1")


def test_a_mailbox_that_is_not_there_is_empty(mailbox: Mailbox) -> None:
    assert mailbox.scan().messages == {}


def test_a_message_is_the_same_through_renumbering_and_moves(box: Path, mailbox: Mailbox) -> None:
    for number in range(3):
        leave(box / "INBOX", number, number)
    before = mailbox.scan().messages
    for suffix in ("wav", "txt"):
        (box / "INBOX" / f"msg0000.{suffix}").unlink()
        for place in (1, 2):
            (box / "INBOX" / f"msg{place:04d}.{suffix}").rename(box / "INBOX" / f"msg{place - 1:04d}.{suffix}")
    shutil.copytree(box / "INBOX", box / "Old")
    (box / "INBOX" / "msg0001.txt").unlink()
    after = mailbox.scan().messages
    assert set(after) == set(before) - {f"{AT}-00000000"}
    assert {found.folder for found in after.values()} == {"Old"}
    with pytest.raises(MessageGone, match="another message"):
        mailbox.open(before[f"{AT}-00000000"])
    with pytest.raises(MessageGone, match="no such file"):
        mailbox.open(before[f"{AT}-00000001"])


def test_a_recording_that_is_open_stays_what_it_is(box: Path, mailbox: Mailbox) -> None:
    leave(box / "INBOX", 0, 1)
    (found,) = mailbox.scan().messages.values()
    _, recording = mailbox.open(found)
    leave(box / "INBOX", 0, 2)
    with recording:
        assert recording.read() == b"recording 1"


def test_what_has_not_changed_is_not_read_again(box: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        leave(box / "INBOX", number, number)
    assert len(mailbox.scan().messages) == 20
    read: list[bytes] = []

    def noting(octets: bytes) -> Info | str:
        read.append(octets)
        return read_info(octets)

    monkeypatch.setattr(module, "read_info", noting)
    leave(box / "INBOX", 7, 99)
    assert f"{AT}-{99:08x}" in mailbox.scan().messages
    assert len(read) == 1


def test_a_locked_folder_is_busy_and_the_others_are_read(
    box: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    leave(box / "INBOX", 0, 1)
    leave(box / "Old", 0, 2)
    (found,) = (found for found in mailbox.scan().messages.values() if found.folder == "INBOX")
    (box / "INBOX" / ".lock").touch()
    contents = mailbox.scan()
    assert (("INBOX",), {f"{AT}-00000002"}) == (contents.busy, set(contents.messages))
    with pytest.raises(FolderBusy):
        mailbox.open(found)
    (box / "INBOX" / ".lock").unlink()
    assert len(ids(mailbox)) == 2


# --- what is broken ---------------------------------------------------------------------------------------------------


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.write_bytes(b""), "no msg_id and no origtime"),
        (lambda path: path.write_bytes(info(1)[:200]), "no "),
        (lambda path: path.write_bytes(info(1).replace(b"duration=29", b"duration=-1")), "no numbers"),
        (lambda path: path.write_bytes(b"x" * 70_000), "65536 bytes"),
        (lambda path: path.write_bytes(os.urandom(500)), "no msg_id"),
        (_link, "cannot be opened"),
        (_fifo, "cannot be opened"),
    ],
)
def test_a_broken_file_is_named_and_the_others_are_read(
    box: Path, mailbox: Mailbox, spoil: Callable[[Path], None], problem: str
) -> None:
    leave(box / "INBOX", 0, 1)
    leave(box / "INBOX", 1, 2)
    spoil(box / "INBOX" / "msg0000.txt")
    contents = mailbox.scan()
    assert list(contents.messages) == [f"{AT}-00000002"]
    (broken,) = contents.broken
    assert broken.stem == "msg0000"
    assert problem in broken.problem


def test_a_recording_that_is_a_link_is_not_followed(box: Path, mailbox: Mailbox) -> None:
    leave(box / "INBOX", 0, 1)
    _link(box / "INBOX" / "msg0000.wav")
    (found,) = mailbox.scan().messages.values()
    with pytest.raises(OSError, match="symbolic"):
        mailbox.open(found)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "", "a\0b", "/etc"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    for context, mailbox in ((name, "1000"), ("default", name)):
        with pytest.raises(UsageError):
            Mailbox(tmp_path, context, mailbox)


@given(st.binary(max_size=300) | st.binary(max_size=40).map(lambda octets: info(1) + octets))
def test_anything_is_a_message_or_named(octets: bytes) -> None:
    assert isinstance(read_info(octets), Info | str)


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        ('"Zoë" <+44>', ("Zoë", "+44")),
        ("<+44>", ("", "+44")),
        ("+447700900124", ("", "+447700900124")),
        ("Unknown", ("", "")),
        ("", ("", "")),
        ('"A \\"B\\" \\\\ C" <1000>', ('A "B" \\ C', "1000")),
    ],
)
def test_callers(caller: str, expected: tuple[str, str]) -> None:
    found = read_info(info(1, caller=caller))
    assert isinstance(found, Info)
    assert expected == (found.name, found.caller)


# --- against a writer -------------------------------------------------------------------------------------------------


def rename_as_asterisk_does(box: Path, stop: Event) -> None:
    """Ten messages; the first is deleted, the others move down, and a new one comes behind them: for ever."""
    folder, number = box / "INBOX", 10
    while not stop.is_set():
        lock = folder / ".lock"
        lock.touch()
        for place in range(1, 10):
            for suffix in ("wav", "txt"):
                (folder / f"msg{place:04d}.{suffix}").rename(folder / f"msg{place - 1:04d}.{suffix}")
        lock.unlink()
        lock.touch()
        leave(folder, 9, number)
        lock.unlink()
        number += 1
        time.sleep(0.001)


def read_while_it_is_written(box: Path, mailbox: Mailbox, reads: int) -> tuple[int, int]:
    """How many recordings were read, and how many of them were not the message's own."""
    for number in range(10):
        leave(box / "INBOX", number, number)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    writer = context.Process(target=rename_as_asterisk_does, args=(box, stop))
    writer.start()
    read = torn = 0
    try:
        while read < reads:
            for found in mailbox.scan().messages.values():
                try:
                    _, recording = mailbox.open(found, ("wav",))
                except (MessageGone, FolderBusy):
                    continue
                with recording:
                    torn += recording.read() != f"recording {int(found.info.id.split('-')[1], 16)}".encode()
                read += 1
    finally:
        stop.set()
        writer.join()
    return read, torn


def test_no_message_has_another_ones_recording(box: Path, mailbox: Mailbox) -> None:
    assert read_while_it_is_written(box, mailbox, 500)[1] == 0


@pytest.mark.soak
def test_no_message_of_many_has_another_ones_recording(box: Path, mailbox: Mailbox) -> None:
    assert read_while_it_is_written(box, mailbox, 50_000)[1] == 0
