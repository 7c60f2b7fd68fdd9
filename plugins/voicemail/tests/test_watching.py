"""From a spool to the timeline: told once, nothing lost whoever dies when, and what is broken spoils nothing."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import ACME, ANA, ENDPOINT, Office
from wa_connector_sqlite import SqlitePlugin
from wa_connector_voicemail import Asterisk, Mailbox, Round, VoicemailWatcher
from wa_connector_voicemail.aio import AsyncVoicemailWatcher
from wa_connector_voicemail.changes import SETTLED, STUCK

from wa_connector import MessageReceived
from wa_connector.errors import StorageUnavailable, UsageError
from wa_connector.model.content import Voicemail
from wa_connector.model.event import MessageImported

BOX, OTHER = "1000@default", "1001@default"
AT = 1_795_332_123
GOES = SETTLED.total_seconds() + 0.05


def info(number: int, caller: str = '"Zoe" <+447911123456>') -> str:
    return f"[message]\ncallerid={caller}\norigtime={AT + number}\nmsg_id={AT}-{number:08x}\nflag=\nduration=3\n"


def leave(spool: Path, number: int, *, place: int | None = None, folder: str = "INBOX", caller: str = "") -> str:
    """As Asterisk does: the recording first, the text file last."""
    where = spool / "default" / "1000" / folder
    where.mkdir(parents=True, exist_ok=True)
    stem = f"msg{number if place is None else place:04d}"
    (where / f"{stem}.wav").write_bytes(f"recording {number}".encode())
    (where / "fresh").write_text(info(number, caller) if caller else info(number))
    (where / "fresh").rename(where / f"{stem}.txt")
    return f"{AT}-{number:08x}"


def drop(spool: Path, number: int, folder: str = "INBOX") -> None:
    for suffix in ("txt", "wav"):
        (spool / "default" / "1000" / folder / f"msg{number:04d}.{suffix}").unlink()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool" / "default" / "1000" / "INBOX").mkdir(parents=True)
    return tmp_path / "spool"


@pytest.fixture
def source(spool: Path) -> Asterisk:
    return Asterisk("pbx", spool)


@pytest.fixture
def office(source: Asterisk, tmp_path: Path) -> Office:
    return Office(source, [BOX], tmp_path / "seen")


def test_a_message_comes_is_heard_and_goes(office: Office, spool: Path) -> None:
    first, second = leave(spool, 0), leave(spool, 1)
    assert office.look() == Round(came=2)
    assert office.look() == Round()
    leave(spool, 0, folder="Old")
    drop(spool, 0)
    assert office.look() == Round(heard=1)
    drop(spool, 1)
    assert office.look() == Round(is_settled=False)
    time.sleep(GOES)
    assert office.look() == Round(gone=1)
    entries = office.entries(BOX)
    assert [entries[name].heard_at is not None for name in (first, second)] == [True, False]
    assert [entries[name].gone_at is not None for name in (first, second)] == [False, True]


def test_what_lay_heard_in_a_box_that_nobody_watched_is_of_the_time_before(office: Office, spool: Path) -> None:
    """It is there, and neither unread nor told as news; what is new in the box is news."""
    old, new = leave(spool, 0, folder="Old"), leave(spool, 1)
    office.look()
    entries = office.entries(BOX)
    assert (entries[old].heard_at is not None, entries[new].heard_at, office.unread(BOX)) == (True, None, 1)
    told = [event.happening for event in office.connector.events(ACME).events]
    assert {type(each) for each in told if isinstance(each, MessageReceived | MessageImported)} == {
        MessageReceived,
        MessageImported,
    }
    later = leave(spool, 2, folder="Old")
    office.look()
    assert sum(isinstance(event.happening, MessageImported) for event in office.connector.events(ACME).events) == 1
    assert office.entries(BOX)[later].heard_at is not None


def test_after_a_start_nothing_is_told_again_and_nothing_is_missed(
    office: Office, source: Asterisk, spool: Path, tmp_path: Path
) -> None:
    for number in range(3):
        leave(spool, number)
    office.look()
    drop(spool, 1)
    leave(spool, 3)
    again = office.another_watcher(source, tmp_path / "seen")
    assert again.run_once() == Round(came=1, is_settled=False)
    time.sleep(GOES)
    assert again.run_once() == Round(gone=1)
    assert len(office.entries(BOX)) == 4


@pytest.mark.parametrize("written", [None, "{", "[]"])
def test_a_memory_that_is_lost_costs_a_telling_and_nothing_else(
    office: Office, source: Asterisk, spool: Path, tmp_path: Path, written: str | None
) -> None:
    leave(spool, 0)
    office.look()
    (file,) = (tmp_path / "seen").iterdir()
    file.unlink()
    if written is not None:
        file.write_text(written)
    assert office.another_watcher(source, tmp_path / "seen").run_once() == Round(came=1)
    assert len(office.entries(BOX)) == 1


def test_what_the_connector_cannot_take_is_told_again(
    office: Office, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(spool, 0)
    with monkeypatch.context() as patched:
        patched.setattr(office.storage, "commit", _away)
        with pytest.raises(StorageUnavailable):
            office.look()
    assert office.look() == Round(came=1)
    assert len(office.entries(BOX)) == 1


def _away(*_: object) -> None:
    raise StorageUnavailable("away, because the test says so")


# --- what is broken ---------------------------------------------------------------------------------------------------


def test_what_stays_broken_is_in_quarantine_and_hides_nothing(
    source: Asterisk, spool: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    office = Office(source, [BOX], tmp_path / "seen")
    watcher = VoicemailWatcher(
        office.connector, ENDPOINT, source, office.lines.values(), tmp_path / "seen", clock=lambda: now[0]
    )
    name = leave(spool, 0)
    leave(spool, 1)
    (spool / "default" / "1000" / "INBOX" / "msg0002.txt").write_text("callerid=<+447911123456>\n")
    with caplog.at_level(logging.WARNING, "wa_connector.voicemail"):
        for _ in range(3):
            found = watcher.run_once()
    problem = f"{BOX}: INBOX/msg0002 cannot be read: it has no msg_id and no origtime and no duration"
    assert (found.problems, found.is_settled) == ((problem,), False)
    assert [record.getMessage() for record in caplog.records] == [f"voicemail: {problem}"]
    assert office.connector.quarantine(ACME) == ()
    drop(spool, 0)
    for span in (timedelta(0), STUCK, SETTLED):
        now[0] += span
        watcher.run_once()
    (kept,) = office.connector.quarantine(ACME)
    assert json.loads(kept.element.raw) == {"folder": "INBOX", "file": "msg0002"}
    now[0] += SETTLED
    watcher.run_once()
    assert office.entries(BOX)[name].gone_at is not None


def test_a_spool_that_is_not_there_has_lost_nothing(office: Office, spool: Path) -> None:
    """A disk that is not mounted for a while."""
    name = leave(spool, 0)
    office.look()
    away = spool.rename(spool.with_name("away"))
    for _ in range(2):
        found = office.look()
        time.sleep(GOES)
    assert (found.gone, found.is_settled, len(found.problems)) == (0, False, 11)
    away.rename(spool)
    assert office.look() == Round()
    assert office.entries(BOX)[name].gone_at is None


def test_a_box_that_cannot_be_read_keeps_no_other_from_being(
    source: Asterisk, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(source, [OTHER, BOX], tmp_path / "seen")
    leave(spool, 0)
    (spool / "default" / "1001").mkdir()
    scan = Mailbox.scan
    monkeypatch.setattr(Mailbox, "scan", lambda box: _denied() if box.path.name == "1001" else scan(box))
    assert office.look() == Round(1, problems=(f"{OTHER}: it cannot be read now (PermissionError)",), is_settled=False)


def _denied() -> None:
    raise PermissionError(13, "denied")


@pytest.mark.parametrize("box", ["1000", "../1000@default", "1000@a@b", "@default", "1000@"])
def test_a_box_that_cannot_be_one_is_a_mistake(source: Asterisk, box: str) -> None:
    with pytest.raises(UsageError):
        source.scan(box)


def test_hostile_words_do_no_harm(office: Office, spool: Path) -> None:
    leave(spool, 0, caller='"\x1b[2J\x00 Zoe ; DROP" <sip:../../x@y>')
    leave(spool, 1, caller='"' + "x" * 5000 + '" <' + "9" * 5000 + ">")
    assert office.look().came == 2
    for entry in office.entries(BOX).values():
        customer = office.customer(entry.conversation)
        assert customer.name.isprintable()
        assert len(customer.name) <= 256
        assert all(len(address.value) <= 64 for address in customer.addresses)


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_recording_that_moved_before_it_was_fetched_is_found(office: Office, spool: Path) -> None:
    name = leave(spool, 0)
    office.look()
    leave(spool, 0, place=3, folder="Old")
    drop(spool, 0)
    leave(spool, 9, place=0)
    office.work()
    assert office.recording(office.entries(BOX)[name]) == b"recording 0"


def test_a_recording_that_went_before_it_was_fetched_leaves_its_entry(office: Office, spool: Path) -> None:
    name = leave(spool, 0)
    office.look()
    drop(spool, 0)
    office.work()
    entry = office.entries(BOX)[name]
    assert isinstance(entry.content, Voicemail)
    assert not entry.content.media.is_stored
    assert entry.failure is not None
    assert entry.failure.code == "media_not_fetched"


# --- whoever dies when ------------------------------------------------------------------------------------------------

WATCH = """
import sys
from office import Office
from wa_connector_sqlite import SqlitePlugin
from wa_connector_voicemail import Asterisk, watching

class Slowly:
    def receive(self, endpoint, items):
        office.connector.receive(endpoint, items)
        print("taken", flush=True)
        sys.stdin.readline()

watching.AT_ONCE = 10
source = Asterisk("pbx", "spool")
office = Office(source, ["1000@default"], "seen", storage=SqlitePlugin("office.sqlite3"))
office.watcher._connector = Slowly()
office.look()
"""


def watch(tmp_path: Path, batches: int) -> None:
    """A watcher in a process of its own, killed after so many batches: with what it told committed, and not written down."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command, pipe = [sys.executable, "-c", WATCH], subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        for _ in range(batches):
            assert process.stdout.readline() == "taken\n"
            process.stdin.write("\n")
            process.stdin.flush()
        process.send_signal(signal.SIGKILL)


def test_a_watcher_that_is_killed_loses_nothing_and_tells_nothing_twice(spool: Path, tmp_path: Path) -> None:
    """Killed in the middle of telling, while the box changes; a message that went meanwhile is told to be gone."""
    names = [leave(spool, number) for number in range(60)]
    for turn in range(1, 4):
        watch(tmp_path, turn)
        names.append(leave(spool, 60 + turn, place=60 + turn))
    storage = SqlitePlugin(tmp_path / "office.sqlite3")
    office = Office(Asterisk("pbx", spool), [BOX], tmp_path / "seen", storage=storage)
    assert 10 <= office.count(BOX) < len(names)
    assert office.look().came == len(names)
    assert sorted(names) == sorted(office.entries(BOX))
    assert office.count(BOX) == len(names)
    drop(spool, 7)
    leave(spool, 99)
    watch(tmp_path, 1)
    time.sleep(GOES)
    again = office.another_watcher(Asterisk("pbx", spool), tmp_path / "seen")
    assert again.run_once() == Round(came=1, is_settled=False)
    time.sleep(GOES)
    assert again.run_once() == Round(gone=1)
    assert office.count(BOX) == len(names) + 1
    assert [name for name, entry in office.entries(BOX).items() if entry.gone_at is not None] == [names[7]]


def test_a_box_of_ten_thousand(office: Office, source: Asterisk, spool: Path) -> None:
    """One look finds the one that came, the one that was heard and the one that went."""
    where = spool / "default" / "1000" / "INBOX"
    for number in range(10_000):
        (where / f"msg{number:04d}.txt").write_text(info(number))
    contents = source.scan(BOX)
    assert len(contents.messages) == 10_000
    assert contents.broken == ()
    looking = office.watcher._looking
    look = looking.look(BOX)
    assert (len(look.items), look.round.came) == (10_000, 10_000)
    looking.remember(look)
    (where / "msg5000.txt").unlink()
    where.with_name("Old").mkdir()
    (where / "msg0001.txt").rename(where.with_name("Old") / "msg0000.txt")
    leave(spool, 10_001)
    assert looking.look(BOX).round == Round(came=1, heard=1, is_settled=False)
    looking.remember(looking.look(BOX))
    time.sleep(GOES)
    assert looking.look(BOX).round == Round(gone=1)


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_a_watcher_looks_when_a_folder_changes_and_ends_when_it_is_told(office: Office, spool: Path) -> None:
    rounds, stopping = list[Round](), threading.Event()
    watching = threading.Thread(target=office.watcher.run_until, args=(stopping.is_set, rounds.append))
    watching.start()
    try:
        _until(lambda: bool(rounds))
        leave(spool, 0)
        _until(lambda: any(found.came for found in rounds))
    finally:
        stopping.set()
        watching.join(10)
    assert not watching.is_alive()
    assert len(office.entries(BOX)) == 1


def test_a_watcher_waits_for_a_connector_that_cannot_take_anything_now(
    office: Office, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(spool, 0)
    commit, failures = office.storage.commit, iter([True])

    def once_away(changes: object) -> object:
        if next(failures, False):
            _away()
        return commit(changes)  # type: ignore[arg-type]

    monkeypatch.setattr(office.storage, "commit", once_away)
    rounds, until = list[Round](), time.monotonic() + 20
    office.watcher.run_until(lambda: bool(rounds) or time.monotonic() > until, rounds.append)
    assert Round(came=1) == rounds[0]


def test_under_an_event_loop_it_is_the_same(office: Office, source: Asterisk, spool: Path, tmp_path: Path) -> None:
    import asyncio

    from wa_connector import AsyncConnector

    async def watch_both() -> tuple[list[Round], int]:
        rounds: list[Round] = []
        async with AsyncConnector([office, office.plugin], discover=False) as connector:
            watcher = AsyncVoicemailWatcher(connector, ENDPOINT, source, office.lines.values(), tmp_path / "other")
            rounds.append(await watcher.run_once())
            leave(spool, 1)
            watching = asyncio.create_task(watcher.run_forever(rounds.append))
            await asyncio.to_thread(_until, lambda: len(rounds) > 1)
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            (thread,) = await connector.conversations(ACME, ANA)
            return rounds, len((await connector.timeline(ACME, ANA, thread.id)).messages)

    leave(spool, 0)
    rounds, entries = asyncio.run(watch_both())
    assert ([found.came for found in rounds[:2]], entries) == ([1, 1], 2)


def _until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
