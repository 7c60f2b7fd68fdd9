"""The inbox, marks of what was read, and pages of timelines, through both faces."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from wa_connector.decide.reading import MOST_BEHIND
from wa_connector.direct.connector import Connector
from wa_connector.errors import UsageError
from wa_connector.model.content import Text
from wa_connector.model.conversation import ConversationState
from wa_connector.model.decision import Reason
from wa_connector.model.event import ConversationMarkedUnread, ConversationRead
from wa_connector.model.ids import ConversationId, MessageId, OrganizationId, UserId
from wa_connector.model.message import Message
from wa_connector.model.setting import Newcomers, ReadReceipts
from wa_connector.ports.storage import Page, Scan, Snapshot, Wanted
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, DAN, PLAIN, SUE, SUPPORT, MemoryHost
from wa_connector.testing.memory import MemoryStorage


@pytest.fixture
def said(host: MemoryHost, connector: Connector) -> Callable[[str], None]:
    """Let the customer write, a minute later."""

    def write(text: str) -> None:
        host.clock.advance(timedelta(minutes=1))
        assert connector.handle_webhook(host.webhook(host.said(text))).taken == 1

    return write


def unread(connector: Connector, user: UserId = ANA) -> list[int]:
    return [entry.unread for entry in connector.inbox(ACME, user).entries]


def newest(connector: Connector, thread: ConversationId, user: UserId = ANA) -> Message:
    return connector.timeline(ACME, user, thread, limit=1).messages[0]


# --- what an inbox says -----------------------------------------------------------------------------------------------


def test_an_entry_says_what_a_list_shows(
    connector: Connector, host: MemoryHost, granted: ConversationId, said: Callable[[str], None]
) -> None:
    """The thread, its channel, the last entry, what is unread and held, and the message field."""
    connector.mark_read(ACME, ANA, granted, newest(connector, granted).id).or_raise()
    host.clock.advance(timedelta(hours=30))
    connector.send(ACME, ANA, granted, Text("Later"), hold=True).or_raise()
    (entry,) = connector.inbox(ACME, ANA).entries
    assert granted == entry.conversation.id
    assert entry.conversation.channel == "plain"
    assert newest(connector, granted) == entry.last
    assert (entry.unread, entry.held) == (0, 1)
    assert entry.composer == connector.composer(ACME, ANA, granted)
    assert entry.composer.write.reason is Reason.WINDOW_CLOSED
    said("Well?")
    (entry,) = connector.inbox(ACME, ANA).entries
    assert (entry.unread, entry.held) == (1, 1)
    assert entry.composer.write.is_allowed
    connector.dispatcher.run_once()
    assert [each.held for each in connector.inbox(ACME, ANA).entries] == [0]


def test_an_ended_thread_is_on_its_own_list(connector: Connector, granted: ConversationId) -> None:
    connector.end(ACME, ANA, granted).or_raise()
    assert connector.inbox(ACME, ANA).entries == ()
    (entry,) = connector.inbox(ACME, ANA, ended=True).entries
    assert entry.conversation.state is ConversationState.ENDED
    assert entry.composer.write.reason is Reason.CONVERSATION_ENDED


def test_what_nobody_owns_is_everybodys_to_see(connector: Connector, granted: ConversationId) -> None:
    from wa_connector.decide.membership import LetGo

    connector.leave(ACME, ANA, granted, then=LetGo()).or_raise()
    assert connector.inbox(ACME, ANA).entries == ()
    for user in (ANA, BEN, SUE):
        assert [granted] == [each.conversation.id for each in connector.inbox(ACME, user, unassigned=True).entries]


def test_a_line_that_is_gone_lets_nobody_write(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    host.directory._lines.clear()
    (entry,) = connector.inbox(ACME, ANA).entries
    assert entry.composer.write.reason is Reason.NOT_A_PARTICIPANT


@pytest.mark.parametrize(
    "wrong",
    [
        {"mine": True, "unassigned": True},
        {"before": "1 a", "after": "2 b"},
        {"before": "nonsense"},
        {"after": "-1 a"},
        {"after": "12345678901234567890 a"},
        {"limit": 0},
        {"limit": 501},
    ],
)
def test_mistakes_are_told(connector: Connector, granted: ConversationId, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        connector.inbox(ACME, ANA, **wrong)
    if "mine" not in wrong:
        with pytest.raises(UsageError):
            connector.timeline(ACME, ANA, granted, **wrong)
        with pytest.raises(UsageError):
            connector.customer_timeline(ACME, ANA, granted, **wrong)


# --- what was read ----------------------------------------------------------------------------------------------------


def test_a_mark_only_goes_on(
    connector: Connector, host: MemoryHost, granted: ConversationId, said: Callable[[str], None]
) -> None:
    """From whichever device: an older one changes nothing, and says nothing."""
    for text in ("one", "two", "three"):
        said(text)
    third, second, first = connector.timeline(ACME, ANA, granted, limit=3).messages
    connector.mark_read(ACME, ANA, granted, second.id).or_raise()
    assert unread(connector) == [1]
    host.happenings.clear()
    connector.mark_read(ACME, ANA, granted, first.id).or_raise()
    assert unread(connector) == [1]
    assert host.happenings == []
    connector.mark_read(ACME, ANA, granted, third.id).or_raise()
    assert unread(connector) == [0]
    assert [ConversationRead(granted, ANA)] == host.happenings


def test_reading_the_only_entry_is_told_once(connect: Callable[..., Connector]) -> None:
    """Of a thread on the unassigned list, too, which whoever looks after it reads."""
    host = MemoryHost(owner=None)
    connector = connect(host)
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (entry,) = connector.inbox(ACME, ANA, unassigned=True).entries
    thread = entry.conversation.id
    assert entry.unread == 1
    assert connector.mark_unread(ACME, ANA, thread).decision.reason is Reason.NOTHING_TO_DO
    host.happenings.clear()
    for _ in range(2):
        connector.mark_read(ACME, ANA, thread, newest(connector, thread).id).or_raise()
    assert [ConversationRead(thread, ANA)] == host.happenings
    (entry,) = connector.inbox(ACME, ANA, unassigned=True).entries
    assert entry.unread == 0


def test_what_one_wrote_oneself_is_not_unread_behind_what_was_read(
    connector: Connector, granted: ConversationId, said: Callable[[str], None]
) -> None:
    said("Hello")
    hello = newest(connector, granted)
    connector.send(ACME, ANA, granted, Text("Hi")).or_raise()
    connector.mark_read(ACME, ANA, granted, hello.id).or_raise()
    assert unread(connector) == [0]


def test_what_comes_in_while_somebody_marks_stays_unread(
    connector: Connector,
    storage: Any,
    granted: ConversationId,
    said: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    said("one")
    entry = newest(connector, granted)
    storage.before_commit.append(lambda: say("two"))
    connector.mark_read(ACME, ANA, granted, entry.id).or_raise()
    assert unread(connector) == [1]


def test_each_user_reads_for_himself(
    connector: Connector, granted: ConversationId, said: Callable[[str], None]
) -> None:
    connector.add(ACME, ANA, granted, BEN).or_raise()
    said("Hello")
    connector.mark_read(ACME, BEN, granted, newest(connector, granted).id).or_raise()
    assert unread(connector, BEN) == [0]
    assert unread(connector) != [0]


def test_what_a_team_has_is_read_by_one_of_them(
    connector: Connector, granted: ConversationId, said: Callable[[str], None]
) -> None:
    connector.transfer(ACME, ANA, granted, SUPPORT, from_owner=ANA).or_raise()
    said("Hello")
    assert [2] == unread(connector, BEN) == unread(connector, DAN)
    connector.mark_read(ACME, BEN, granted, newest(connector, granted, BEN).id).or_raise()
    assert [0] == unread(connector, BEN) == unread(connector, DAN)


def test_who_looks_on_marks_nothing(
    connector: Connector, host: MemoryHost, granted: ConversationId, said: Callable[[str], None]
) -> None:
    said("Hello")
    before = unread(connector)
    host.happenings.clear()
    connector.mark_read(ACME, SUE, granted, newest(connector, granted).id).or_raise()
    assert before == unread(connector)
    assert connector.mark_unread(ACME, SUE, granted).decision.reason is Reason.NOTHING_TO_DO
    assert host.happenings == []


def test_marking_unread_counts_one_until_it_is_read(
    connector: Connector, host: MemoryHost, granted: ConversationId, said: Callable[[str], None]
) -> None:
    said("Hello")
    assert connector.mark_unread(ACME, ANA, granted).decision.reason is Reason.NOTHING_TO_DO
    entry = newest(connector, granted)
    connector.mark_read(ACME, ANA, granted, entry.id).or_raise()
    host.happenings.clear()
    connector.mark_unread(ACME, ANA, granted).or_raise()
    assert unread(connector) == [1]
    assert connector.mark_unread(ACME, ANA, granted).decision.reason is Reason.NOTHING_TO_DO
    assert [ConversationMarkedUnread(granted, ANA)] == host.happenings
    connector.mark_read(ACME, ANA, granted, entry.id).or_raise()
    assert unread(connector) == [0]


def test_nobody_marks_what_he_does_not_see(connector: Connector, granted: ConversationId) -> None:
    connector.add(ACME, ANA, granted, BEN).or_raise()
    connector.remove(ACME, ANA, granted, BEN).or_raise()
    unseen = connector.note(ACME, ANA, granted, "Behind his back").message
    assert unseen is not None
    with pytest.raises(UsageError, match="up_to"):
        connector.mark_read(ACME, BEN, granted, unseen)
    with pytest.raises(UsageError, match="up_to"):
        connector.mark_read(ACME, ANA, granted, MessageId("none"))


def test_a_mark_from_long_ago_reads_nothing_more(
    connector: Connector, host: MemoryHost, granted: ConversationId, said: Callable[[str], None]
) -> None:
    """What lies too far behind is not counted; it stays unread, which is the safer mistake."""
    said("old")
    old = newest(connector, granted)
    connector.mark_read(ACME, ANA, granted, old.id).or_raise()
    host.clock.advance(timedelta(minutes=1))
    many = [host.said(f"new {number}") for number in range(MOST_BEHIND)]
    assert connector.handle_webhook(host.webhook(*many)).taken == MOST_BEHIND
    connector.mark_read(ACME, ANA, granted, old.id).or_raise()
    assert unread(connector) == [MOST_BEHIND]


def test_a_first_mark_from_long_ago_reads_nothing(
    connector: Connector, host: MemoryHost, granted: ConversationId, said: Callable[[str], None]
) -> None:
    said("old")
    old, before = newest(connector, granted), unread(connector)
    host.clock.advance(timedelta(minutes=1))
    connector.handle_webhook(host.webhook(*(host.said(f"new {number}") for number in range(MOST_BEHIND))))
    connector.mark_read(ACME, ANA, granted, old.id).or_raise()
    assert unread(connector) == [before[0] + MOST_BEHIND]


# --- what the customer is shown ---------------------------------------------------------------------------------------


@pytest.fixture
def showing(connect: Callable[..., Connector]) -> Callable[..., tuple[MemoryHost, Connector, ConversationId]]:
    """A host whose channel has read receipts, and a thread of Ana's with two messages of the customer's."""

    def make(
        rule: str, *, apart: timedelta = timedelta(seconds=1), has_read_receipts: bool = True
    ) -> tuple[MemoryHost, Connector, ConversationId]:
        shown = evolve(PLAIN, has_read_receipts=has_read_receipts)
        host = MemoryHost(settings={"read_receipts": ReadReceipts(rule)}, capabilities=shown, owner=None)
        connector = connect(host)
        for number in (1, 2):
            connector.handle_webhook(host.webhook(host.said("Hello", id=f"in-{number}")))
            host.clock.advance(apart)
        (thread,) = connector.conversations(ACME, ANA, unassigned=True)
        connector.take(ACME, ANA, thread.id).or_raise()
        return host, connector, thread.id

    return make


def test_the_customer_is_shown_once_what_was_read(showing: Callable[..., Any]) -> None:
    """By the first who reads: up to the latest message of the customer's, and never again, nor for an earlier one."""
    host, connector, thread = showing("first_reader")
    connector.add(ACME, ANA, thread, BEN).or_raise()
    *_, first = connector.timeline(ACME, BEN, thread).messages
    for user in (BEN, ANA):
        connector.mark_read(ACME, user, thread, newest(connector, thread).id).or_raise()
        connector.dispatcher.run_once()
        connector.mark_read(ACME, user, thread, first.id).or_raise()
        connector.dispatcher.run_once()
        assert host.transport.read == ["in-2"]


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1)], ids=["at once", "a second later"])
def test_what_is_read_step_by_step_is_shown_step_by_step(showing: Callable[..., Any], apart: timedelta) -> None:
    host, connector, thread = showing("first_reader", apart=apart)
    for entry in reversed(connector.timeline(ACME, ANA, thread).messages):
        connector.mark_read(ACME, ANA, thread, entry.id).or_raise()
        connector.dispatcher.run_once()
    assert host.transport.read == ["in-1", "in-2"]


def test_only_the_owner_counts_where_the_organization_says_so(showing: Callable[..., Any]) -> None:
    host, connector, thread = showing("owner")
    connector.add(ACME, ANA, thread, BEN).or_raise()
    for user, shown in ((BEN, []), (SUE, []), (ANA, ["in-2"])):
        connector.mark_read(ACME, user, thread, newest(connector, thread).id).or_raise()
        connector.dispatcher.run_once()
        assert host.transport.read == shown


def test_who_looks_on_is_shown_to_nobody(showing: Callable[..., Any]) -> None:
    host, connector, thread = showing("first_reader")
    connector.mark_read(ACME, SUE, thread, newest(connector, thread).id).or_raise()
    connector.dispatcher.run_once()
    assert host.transport.read == []


def test_nothing_is_shown_where_the_organization_says_never(showing: Callable[..., Any]) -> None:
    host, connector, thread = showing("never")
    connector.mark_read(ACME, ANA, thread, newest(connector, thread).id).or_raise()
    connector.dispatcher.run_once()
    assert host.transport.read == []


def test_nothing_is_shown_on_a_channel_without_receipts(showing: Callable[..., Any]) -> None:
    host, connector, thread = showing("first_reader", has_read_receipts=False)
    connector.mark_read(ACME, ANA, thread, newest(connector, thread).id).or_raise()
    connector.dispatcher.run_once()
    assert host.transport.read == []


def test_what_is_switched_off_shows_nothing(showing: Callable[..., Any]) -> None:
    host, connector, thread = showing("first_reader")
    off = MemoryHost(settings={"read_receipts": ReadReceipts.FIRST_READER}, switched_on=False, owner=None).directory
    host.directory._seats, host.directory._lines = off._seats, off._lines
    connector.mark_read(ACME, ANA, thread, newest(connector, thread).id).or_raise()
    connector.dispatcher.run_once()
    assert host.transport.read == []


def test_a_newcomer_shows_nothing_that_he_does_not_see(showing: Callable[..., Any]) -> None:
    host, connector, thread = showing("first_reader")
    path = OrganizationId("acme")
    assert connector.set_setting(ACME, SUE, path, "newcomers_see", Newcomers.FROM_JOINING).is_allowed
    connector.add(ACME, ANA, thread, BEN).or_raise()
    connector.mark_read(ACME, BEN, thread, newest(connector, thread, BEN).id).or_raise()
    connector.dispatcher.run_once()
    assert host.transport.read == []


def test_a_receipt_that_did_not_go_is_tried_again_a_few_times(showing: Callable[..., Any]) -> None:
    host, connector, thread = showing("first_reader")
    host.transport.receipts.extend([False, False])
    connector.mark_read(ACME, ANA, thread, newest(connector, thread).id).or_raise()
    for waiting in (1, 0):
        connector.dispatcher.run_once()
        connector.dispatcher.run_once()  # too early
        assert waiting == len(host.transport.receipts)
        host.clock.advance(timedelta(hours=1))
    connector.dispatcher.run_once()
    assert host.transport.read == ["in-2"]


@pytest.mark.parametrize(("answers", "left"), [([False] * 9, 4), ([ValueError("broken")], 0)])
def test_a_receipt_is_given_up_in_the_end(showing: Callable[..., Any], answers: list[Any], left: int) -> None:
    """And at once where nobody can tell whether it was given: it is never given twice."""
    host, connector, thread = showing("first_reader")
    host.transport.receipts.extend(answers)
    connector.mark_read(ACME, ANA, thread, newest(connector, thread).id).or_raise()
    for _ in range(9):
        connector.dispatcher.run_once()
        host.clock.advance(timedelta(hours=1))
    assert host.transport.read == []
    assert left == len(host.transport.receipts)


# --- what it costs ----------------------------------------------------------------------------------------------------


class Counted:
    """A storage that counts questions."""

    def __init__(self, plain: MemoryStorage) -> None:
        self._plain = plain
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        self.asked += 1
        return self._plain.load(wanted)

    def scan(self, scan: Scan) -> Page:
        self.asked += 1
        return self._plain.scan(scan)


def test_a_page_asks_as_often_however_much_there_is(connect: Callable[..., Connector]) -> None:
    """Of threads and of entries: what a page shows is loaded together."""
    storage = Counted(MemoryStorage())
    host = MemoryHost(storage=storage, owner=ANA)
    connector = connect(host)
    connector.sync_templates(ACME, ACCOUNT)
    asked: list[tuple[int, ...]] = []
    for number in range(1, 25):
        for text in ("Hello", "Hello?", "Are you there?"):
            host.clock.advance(timedelta(seconds=1))
            said = host.said(text, sender=(f"+165055500{number:02}",))
            assert connector.handle_webhook(host.webhook(said)).taken == 1
        thread = connector.inbox(ACME, ANA, limit=1).entries[0].conversation.id
        counts = []
        for question in (
            lambda: connector.inbox(ACME, ANA),
            lambda: connector.inbox(ACME, ANA, unread=True, channel="plain"),
            lambda thread=thread: connector.timeline(ACME, ANA, thread, limit=2),
            lambda thread=thread: connector.customer_timeline(ACME, ANA, thread, limit=2),
        ):
            storage.asked = 0
            question()
            counts.append(storage.asked)
        asked.append(tuple(counts))
    assert len(connector.inbox(ACME, ANA).entries) == 24
    assert len(set(asked)) == 1, asked
    assert max(asked[0]) < 12
