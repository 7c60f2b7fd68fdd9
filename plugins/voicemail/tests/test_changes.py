"""What changed in a mailbox is told once, and nothing is called gone that is on its way."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from wa_connector_voicemail import Broken, Changes, Contents, Found, Info, Watch
from wa_connector_voicemail.changes import STUCK

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def message(name: str, folder: str = "INBOX", stem: str = "msg0000") -> Found:
    return Found(folder, stem, Info(name, NOW, 3))


def scan(*found: Found, busy: tuple[str, ...] = (), broken: tuple[Broken, ...] = ()) -> Contents:
    return Contents({each.info.id: each for each in found}, broken, busy)


def test_a_message_comes_is_heard_and_goes() -> None:
    watch, told = Watch().after(scan(message("a")), NOW)
    assert told == Changes(created=(message("a"),))
    watch, told = watch.after(scan(message("a", "Old")), NOW + SECOND)
    assert (told.heard, told.created, told.gone) == ((message("a", "Old"),), (), ())
    watch, told = watch.after(scan(), NOW + 2 * SECOND)
    assert told == Changes()
    watch, told = watch.after(scan(), NOW + 3 * SECOND)
    assert told == Changes(gone=("a",))
    assert watch == Watch()


def test_what_is_missing_for_a_moment_is_not_gone() -> None:
    watch, _ = Watch().after(scan(message("a")), NOW)
    watch, told = watch.after(scan(), NOW + SECOND)
    assert told == Changes()
    watch, told = watch.after(scan(message("a", "Old")), NOW + 5 * SECOND)
    assert told == Changes(moved=(message("a", "Old"),))
    watch, told = watch.after(scan(), NOW + 6 * SECOND)
    assert told == Changes()


def test_nothing_is_gone_while_something_cannot_be_read() -> None:
    watch, _ = Watch().after(scan(message("a")), NOW)
    for contents in (scan(busy=("Old",)), scan(broken=(Broken("Old", "msg0000", "it has no msg_id"),))):
        for later in range(1, 5):
            after, told = watch.after(contents, NOW + later * SECOND)
            assert told == Changes()
            assert after.known == watch.known


def test_what_stays_broken_is_told_once_and_hides_nothing_any_longer() -> None:
    """A file on its way is whole a moment later; one that is broken for a minute is no message."""
    watch, _ = Watch().after(scan(message("a"), message("b")), NOW)
    hole = Broken("Old", "msg0000", "it has no msg_id")
    watch, told = watch.after(scan(message("b"), broken=(hole,)), NOW + SECOND)
    assert (told, watch.is_settled) == (Changes(), False)
    watch, told = watch.after(scan(message("b"), broken=(hole,)), NOW + SECOND + STUCK)
    assert told == Changes(stuck=(hole,))
    watch, told = watch.after(scan(message("b"), broken=(hole,)), NOW + 3 * SECOND + STUCK)
    assert (told, watch.is_settled) == (Changes(gone=("a",)), True)
    watch, told = watch.after(scan(message("b")), NOW + 4 * SECOND + STUCK)
    assert (told, watch) == (Changes(), Watch({"b": "INBOX"}))


def test_another_number_is_no_news() -> None:
    watch, _ = Watch().after(scan(message("a", stem="msg0003")), NOW)
    assert watch.after(scan(message("a", stem="msg0002")), NOW)[1] == Changes()


@given(st.lists(st.sets(st.sampled_from("abcd")), max_size=8))
def test_every_message_is_told_to_come_before_it_goes_and_each_once(scans: list[set[str]]) -> None:
    watch, here = Watch(), set[str]()
    for place, names in enumerate([*scans, scans[-1] if scans else set()]):
        watch, told = watch.after(scan(*map(message, sorted(names))), NOW + place * SECOND)
        created, gone = {f.info.id for f in told.created}, set(told.gone)
        assert not created & here
        assert gone <= here - names
        here = (here | created) - gone
        assert names <= here
    assert not scans or here == scans[-1]
