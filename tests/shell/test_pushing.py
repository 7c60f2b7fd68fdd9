"""Push notices: every one is given, whatever fails or dies; under both faces."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from tests.shell.conftest import Meddled
from wa_connector import (
    Connector,
    ConversationId,
    LetGo,
    Pushed,
    PushKind,
    PushNotice,
    PushShows,
    UserId,
    hookimpl,
)
from wa_connector.model.event import MessageReceived
from wa_connector.testing.host import ACME, ANA, BEN, GLOBEX, SUE, MemoryHost

Connect = Callable[..., Connector]


class Pusher:
    """Takes notices, but for those that the test wants to fail."""

    def __init__(self) -> None:
        self.given: list[PushNotice] = []
        self.fails: set[UserId | None] = set()

    @hookimpl
    def wa_push(self, notice: PushNotice) -> None:
        if notice.user in self.fails:
            raise ConnectionError("the push service is away")
        self.given.append(notice)

    def take(self) -> list[tuple[UserId | None, PushKind]]:
        taken = [(notice.user, notice.kind) for notice in self.given]
        self.given.clear()
        return taken


@pytest.fixture
def pusher() -> Pusher:
    return Pusher()


@pytest.fixture
def pushing(connect: Connect, host: MemoryHost, pusher: Pusher, granted: ConversationId) -> Connector:
    """A connector with a pusher, and nothing to push yet."""
    made = connect(host, pusher)
    made.push(ACME)
    pusher.take()
    assert granted
    return made


def said(connector: Connector, host: MemoryHost, text: str = "Hello") -> None:
    assert connector.handle_webhook(host.webhook(host.said(text))).taken == 1


def test_everybody_whom_it_concerns_is_told(
    pushing: Connector, host: MemoryHost, pusher: Pusher, granted: ConversationId
) -> None:
    """The owner and those who take part of what a customer writes; a colleague of what he is given; not who muted it."""
    pushing.add(ACME, ANA, granted, BEN).or_raise()
    pushing.mute(ACME, ANA, granted).or_raise()
    said(pushing, host)
    pushing.note(ACME, ANA, granted, "Look at this.").or_raise()
    assert Pushed(3) == pushing.push(ACME)
    assert pusher.take() == [(BEN, PushKind.GIVEN), (BEN, PushKind.MESSAGE), (BEN, PushKind.NOTE)]
    pushing.leave(ACME, ANA, granted, then=LetGo()).or_raise()
    said(pushing, host, "Anybody?")
    pushing.push(ACME)
    assert pusher.take() == [
        (None, PushKind.UNASSIGNED),
        (BEN, PushKind.MESSAGE),
        (None, PushKind.UNASSIGNED),
    ]
    assert Pushed() == pushing.push(ACME), "each once"


def test_a_notice_that_fails_is_given_again_and_none_overtakes_it(
    pushing: Connector, host: MemoryHost, pusher: Pusher, granted: ConversationId
) -> None:
    said(pushing, host, "one")
    pushing.push(ACME)
    pusher.take()
    pusher.fails = {BEN}
    pushing.add(ACME, ANA, granted, SUE).or_raise()
    pushing.add(ACME, ANA, granted, BEN).or_raise()
    said(pushing, host, "two")
    assert Pushed(1, is_waiting=True) == pushing.push(ACME)
    assert Pushed(0, is_waiting=True) == pushing.push(ACME)
    assert pusher.take() == [(SUE, PushKind.GIVEN)]
    pusher.fails = set()
    assert Pushed(4) == pushing.push(ACME)
    assert [user for user, _ in pusher.take()] == [BEN, ANA, SUE, BEN]


def test_a_notice_that_grew_too_old_is_dropped_and_counted(
    pushing: Connector, host: MemoryHost, pusher: Pusher
) -> None:
    """A push service that is away for good keeps nothing for ever."""
    pusher.fails = {ANA}
    said(pushing, host)
    assert pushing.push(ACME).is_waiting
    host.clock.advance(timedelta(hours=25))
    assert Pushed() == pushing.push(ACME)
    assert [labels for name, _, labels in host.measures if name == "notices_dropped"] == [{"kind": "message"}]


def test_a_crash_after_the_commit_loses_no_notice(
    pushing: Connector, host: MemoryHost, pusher: Pusher, connect: Connect
) -> None:
    """Another process, with nothing but the storage, goes on where this one stopped."""
    said(pushing, host)
    assert Pushed(1) == connect(host, pusher).push(ACME)
    assert pusher.take() == [(ANA, PushKind.MESSAGE)]


def test_two_at_once_give_it_twice_under_one_id(
    pushing: Connector, host: MemoryHost, pusher: Pusher, storage: Meddled, connect: Connect
) -> None:
    said(pushing, host)
    other = MemoryHost(storage=storage.plain, clock=host.clock).connector("direct", [pusher])
    storage.before_commit.append(lambda: other.push(ACME))
    assert Pushed(1) == pushing.push(ACME)
    assert len({notice.id for notice in pusher.given}) == 1
    assert len(pusher.given) == 2
    other.close()


@pytest.mark.parametrize(
    ("shows", "expected"),
    [(PushShows.NOTHING, ("", "")), (PushShows.SENDER, ("Carl", "")), (PushShows.TEXT, ("Carl", "Hello"))],
)
def test_a_device_shows_what_the_organization_lets_it(
    connect: Connect, pusher: Pusher, shows: PushShows, expected: tuple[str, str]
) -> None:
    host = MemoryHost(settings={"push_shows": shows}, owner=ANA)
    connector = connect(host, pusher)
    assert connector.handle_webhook(host.webhook(host.said("Hello", name="Carl"))).taken == 1
    connector.push(ACME)
    (notice,) = pusher.given
    assert expected == (notice.sender, notice.text)
    assert "Hello" not in repr(notice)


def test_a_badge_counts_the_conversations_that_hold_something_unread(
    pushing: Connector, host: MemoryHost, pusher: Pusher, granted: ConversationId
) -> None:
    """Each once, however much is in it; what was read counts no longer; the unassigned list has no badge."""
    said(pushing, host, "one")
    said(pushing, host, "two")
    pushing.handle_webhook(host.webhook(host.said("Who are you?", sender=["+16505550000"])))
    (other,) = pushing.conversations(ACME, ANA, unassigned=True)
    pushing.push(ACME)
    assert [(notice.user, notice.badge) for notice in pusher.given] == [(ANA, 1), (ANA, 1), (None, None)]
    pusher.take()
    pushing.transfer(ACME, SUE, other.id, ANA, from_owner=None).or_raise()
    pushing.push(ACME)
    assert [notice.badge for notice in pusher.given] == [2]
    pusher.take()
    said(pushing, host, "three")
    latest = pushing.timeline(ACME, ANA, granted).messages[0].id
    pushing.mark_read(ACME, ANA, granted, latest).or_raise()
    pushing.push(ACME)
    assert [notice.badge for notice in pusher.given] == [1], "as it is when it is given"


def test_a_disabled_user_and_another_tenant_hear_nothing(pushing: Connector, host: MemoryHost, pusher: Pusher) -> None:
    seat = host.directory._seats[ACME, ANA]
    host.directory._seats[ACME, ANA] = evolve(seat, user=evolve(seat.user, disabled=True))
    said(pushing, host)
    assert Pushed() == pushing.push(ACME) == pushing.push(GLOBEX)


def test_a_colleagues_note_bears_his_name(pushing: Connector, pusher: Pusher, granted: ConversationId) -> None:
    pushing.add(ACME, ANA, granted, BEN).or_raise()
    pushing.note(ACME, BEN, granted, "Look.").or_raise()
    pushing.push(ACME)
    assert "Ben" in [notice.sender for notice in pusher.given if notice.kind is PushKind.NOTE]


def test_without_a_pusher_nothing_is_read(connector: Connector, storage: Meddled, granted: ConversationId) -> None:
    assert granted
    storage.is_away = True
    assert Pushed() == connector.push(ACME)


class Death(BaseException):
    """The process ends here: nothing of ours may catch it."""


class Mortal(Pusher):
    """Dies in the middle of giving the ``dies_at``-th notice, before or after the push service took it."""

    def __init__(self, dies_at: int, *, is_taken: bool) -> None:
        super().__init__()
        self._left = dies_at
        self._is_taken = is_taken

    @hookimpl
    def wa_push(self, notice: PushNotice) -> None:
        self._left -= 1
        if self._left == 0 and not self._is_taken:
            raise Death
        self.given.append(notice)
        if self._left == 0:
            raise Death


@pytest.mark.parametrize("is_taken", [True, False])
@pytest.mark.parametrize("dies_at", range(1, 6))
def test_wherever_a_process_dies_the_next_one_goes_on_and_none_is_lost(
    pushing: Connector, host: MemoryHost, storage: Meddled, dies_at: int, is_taken: bool
) -> None:
    """Each notice is given at least once, for the first time in the order of the log."""
    host.happenings.clear()
    for number in range(5):
        said(pushing, host, f"message {number}")
    expected = [each.message for each in host.happenings if isinstance(each, MessageReceived)]
    mortal, heir = Mortal(dies_at, is_taken=is_taken), Pusher()
    first = MemoryHost(storage=storage.plain, clock=host.clock).connector("direct", [mortal])
    with pytest.raises(Death):
        first.push(ACME)
    second = MemoryHost(storage=storage.plain, clock=host.clock).connector("direct", [heir])
    second.push(ACME)
    second.close()
    given = [notice.message for notice in (*mortal.given, *heir.given)]
    assert expected == list(dict.fromkeys(given))


def test_a_crash_before_the_cursor_moves_repeats_and_loses_nothing(
    pushing: Connector, host: MemoryHost, pusher: Pusher, storage: Meddled
) -> None:
    def die() -> None:
        raise Death

    said(pushing, host)
    storage.before_commit.append(die)
    with pytest.raises(Death):
        pushing.push(ACME)
    assert Pushed(1) == pushing.push(ACME)
    assert len({notice.id for notice in pusher.given}) == 1
