"""Against a real Asterisk: what callers leave, what is heard and removed on either side, and how soon it is told."""

import io
import threading
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asterisk_rig import Asterisk
from attrs import evolve
from office import ACME, ANA, Office
from wa_connector_voicemail import Asterisk as Source
from wa_connector_voicemail import Done, Manager, Round
from wa_connector_voicemail.ami import Ami, AmiRefused
from wa_connector_voicemail.changes import SETTLED

from wa_connector import Reason, RefusedError, Text
from wa_connector.errors import ConfigError, Unavailable, UsageError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.content import Voicemail
from wa_connector.model.secret import Secret

MANY, HEARD, FIRST, MIDDLE, READ, SOON = (f"{box}@default" for box in range(1000, 1006))
ZOE, HER_NUMBER = '"Zoe" <+447911123456>', number("+447911123456")


def at_once(*acts: Callable[[], object]) -> None:
    """Several people at once, who take their seconds each."""
    with ThreadPoolExecutor(len(acts)) as people:
        for done in [people.submit(act) for act in acts]:
            done.result()


@pytest.fixture(scope="module")
def source(asterisk: Asterisk) -> Source:
    return Source("pbx", asterisk.spool, asterisk.manager, signal=asterisk.signal)


@pytest.fixture(scope="module")
def left(asterisk: Asterisk, source: Source, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office whose boxes callers have left messages in; looked at once."""
    office = Office(source, (MANY, HEARD, FIRST, MIDDLE, READ), tmp_path_factory.mktemp("seen"))
    assert office.look() == Round(problems=office.look().problems, is_settled=False)  # Nobody has made the boxes yet.
    at_once(
        lambda: asterisk.leave("1000", ZOE, "1234", '"Anonymous" <anonymous>', "07911 654321"),
        lambda: asterisk.leave("1000", '"Yan" <+447911000000>', urgent=True),
        lambda: asterisk.leave("1001", ZOE, ZOE),
        lambda: asterisk.leave("1002", ZOE, ZOE, ZOE),
        lambda: asterisk.leave("1003", ZOE, ZOE, ZOE),
        lambda: asterisk.leave("1004", ZOE, ZOE, "1234"),
    )
    assert office.look() == Round(came=16)
    office.work()
    return office


@pytest.fixture(scope="module")
def lived(left: Office, asterisk: Asterisk) -> Office:
    """And then the owner used the menus: heard one, and deleted the first of three."""
    at_once(lambda: asterisk.listen("1001"), lambda: asterisk.delete("1002"))
    left.look()
    time.sleep(SETTLED.total_seconds() + 0.1)
    left.look()
    return left


def test_what_callers_leave_are_entries_with_their_recordings(left: Office) -> None:
    entries = left.entries(MANY)
    callers = {
        left.customer(entry.conversation).addresses[:1]: (entry, left.customer(entry.conversation).name)
        for entry in entries.values()
    }
    assert callers.keys() == {
        (HER_NUMBER,),
        (number("+447911000000"),),
        (number("+447911654321"),),
        (Address(AddressKind.EXTENSION, "1234", "pbx"),),
        (),
    }
    assert [name for _, name in callers.values()].count("") == 3
    for entry, name in callers.values():
        content = entry.content
        assert isinstance(content, Voicemail)
        assert (content.media.mime_type, content.is_urgent) == ("audio/wav", name == "Yan")
        assert content.lasts is not None
        assert abs(time.time() - entry.at.timestamp()) < 120
        with wave.open(io.BytesIO(left.recording(entry))) as sound:
            seconds = sound.getnframes() / sound.getframerate()
        assert abs(seconds - content.lasts.total_seconds()) <= 1.5
        assert (entry.heard_at, entry.gone_at, entry.failure) == (None, None, None)


def test_a_caller_is_one_customer_over_all_boxes(left: Office) -> None:
    threads = {entry.conversation for box in (HEARD, FIRST, MIDDLE) for entry in left.entries(box).values()}
    assert len({left.customer(thread).id for thread in threads}) == 1
    assert len(threads) == 3
    assert left.customer(next(iter(threads))).name == "Zoe"


def test_nothing_can_be_sent_by_voicemail(left: Office) -> None:
    thread = next(iter(left.entries(HEARD).values())).conversation
    with pytest.raises(RefusedError) as refused:
        left.connector.send(ACME, ANA, thread, Text("Hello")).or_raise()
    assert refused.value.decision.reason in (Reason.CONTENT_NOT_SUPPORTED, Reason.NO_ADDRESS)


def test_what_was_heard_in_the_menu_is_heard_here(lived: Office, asterisk: Asterisk) -> None:
    assert asterisk.files("1001") == ["INBOX/msg0000.txt", "Old/msg0000.txt"]
    first, second = sorted(lived.entries(HEARD).values(), key=lambda entry: entry.heard_at is None)
    assert first.heard_at is not None
    assert (second.heard_at, first.gone_at, second.gone_at) == (None, None, None)
    assert lived.unread(HEARD) == 1


def test_what_was_deleted_in_the_menu_stays_and_says_so(lived: Office, asterisk: Asterisk) -> None:
    """The others were renumbered, and nothing happened to them here."""
    assert asterisk.files("1002") == ["INBOX/msg0000.txt", "INBOX/msg0001.txt"]
    entries = list(lived.entries(FIRST).values())
    assert [entry.gone_at is not None for entry in entries].count(True) == 1
    assert all(lived.recording(entry) for entry in entries)


def test_what_is_deleted_in_the_middle_by_the_manager_is_gone_and_no_other(
    left: Office, source: Source, asterisk: Asterisk
) -> None:
    places = {found.stem: name for name, found in source.scan(MIDDLE).messages.items()}
    assert source.remove(MIDDLE, places["msg0001"]) is Done.DONE
    assert source.remove(MIDDLE, places["msg0001"]) is Done.GONE
    left.look()
    time.sleep(SETTLED.total_seconds() + 0.1)
    left.look()
    gone = {name for name, entry in left.entries(MIDDLE).items() if entry.gone_at is not None}
    assert gone == {places["msg0001"]}
    assert source.scan(MIDDLE).messages.keys() == {places["msg0000"], places["msg0002"]}


def test_what_is_read_here_is_moved_there_with_what_the_caller_left_before(
    left: Office, source: Source, asterisk: Asterisk
) -> None:
    by_zoe = [
        entry for entry in left.entries(READ).values() if left.customer(entry.conversation).addresses[0] == HER_NUMBER
    ]
    left.connector.mark_read(ACME, ANA, by_zoe[-1].conversation, by_zoe[-1].id).or_raise()
    left.work()
    folders = {name: found.folder for name, found in source.scan(READ).messages.items()}
    assert [folders[str(entry.provider_id)] for entry in by_zoe] == ["Old", "Old"]
    assert sorted(folders.values()) == ["INBOX", "Old", "Old"]
    left.look()
    heard = {name for name, entry in left.entries(READ).items() if entry.heard_at is not None}
    assert heard == {str(entry.provider_id) for entry in by_zoe}


def test_a_watcher_is_told_as_soon_as_a_caller_hangs_up(source: Source, asterisk: Asterisk, tmp_path: Path) -> None:
    """By Asterisk's own word, long before it would look by itself."""
    office, rounds, stopping = Office(source, [SOON], tmp_path), list[Round](), threading.Event()
    watching = threading.Thread(target=office.watcher.run_until, args=(stopping.is_set, rounds.append))
    watching.start()
    try:
        asterisk.leave("1005")
        until = time.monotonic() + 20
        while not any(found.came for found in rounds) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stopping.set()
        watching.join(20)
    assert not watching.is_alive()
    assert len(office.entries(SOON)) == 1
    assert asterisk.signal.exists()


# --- the manager interface --------------------------------------------------------------------------------------------


def test_a_login_that_is_not_taken_is_a_mistake_of_the_configuration(asterisk: Asterisk) -> None:
    wrong = evolve(asterisk.manager, secret=Secret("not this"))
    with pytest.raises(ConfigError, match="Authentication failed") as error:
        Ami(wrong)
    assert "not this" not in str(error.value) + repr(wrong)


def test_what_asterisk_refuses_says_why(asterisk: Asterisk) -> None:
    with asterisk.ami() as ami:
        with pytest.raises(AmiRefused, match="Invalid/unknown command"):
            ami.ask("NoSuchAction")
        assert ami.ask("Ping")["ping"] == "Pong"
        with pytest.raises(UsageError, match="line break"):
            ami.ask("Ping", Sneaky="x\r\n\r\nAction: Logoff")
        assert ami.ask("Ping")["ping"] == "Pong"


def test_a_manager_that_may_not_move_leaves_all_as_it_is(asterisk: Asterisk, left: Office) -> None:
    """As one that is too old: the caller of this hears that it cannot."""
    without = Source("pbx", asterisk.spool)
    (name, *_) = without.scan(MANY).messages
    assert without.mark_heard(MANY, name) is Done.CANNOT
    assert without.remove(MANY, name) is Done.CANNOT
    assert without.remove(MANY, "nobody's") is Done.GONE


def test_nobody_who_answers_is_unavailable(asterisk: Asterisk) -> None:
    nobody = Manager("wa", Secret("x"), port=1, seconds=0.5)
    with pytest.raises(Unavailable, match="does not answer"):
        Ami(nobody)
