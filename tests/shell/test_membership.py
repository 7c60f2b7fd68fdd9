"""Shared conversations under both faces: who takes part, what he sees, and what is refused to all others."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from wa_connector.decide.membership import EndIt, HandOver, LetGo
from wa_connector.decide.sending import Placement
from wa_connector.direct.connector import Connector
from wa_connector.errors import RefusedError, UsageError
from wa_connector.model.address import number
from wa_connector.model.content import Act, Deed, Note, TemplateMessage, Text
from wa_connector.model.conversation import Role
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import Seat
from wa_connector.model.event import ConversationTransferred, ParticipantLeft, ParticipantRemoved
from wa_connector.model.ids import (
    CommandId,
    ConversationId,
    CustomerId,
    HoldId,
    MessageId,
    OrganizationId,
    TenantId,
    UserId,
)
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.setting import Newcomers
from wa_connector.policy.screens import Composer
from wa_connector.ports.rows import CONVERSATION
from wa_connector.testing.host import (
    ACME,
    ANA,
    BEN,
    CARL,
    DAN,
    GLOBEX,
    GUS,
    LINE,
    NOON,
    SUE,
    SUPPORT,
    MemoryHost,
)

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled

NOBODY = UserId("nobody")


def texts(connector: Connector, user: UserId, thread: ConversationId) -> list[str]:
    """What a user reads of words, the oldest first."""
    entries = reversed(connector.timeline(ACME, user, thread).messages)
    return [each.content.body for each in entries if isinstance(each.content, Text)]


@pytest.fixture
def say_now(connector: Connector, host: MemoryHost) -> Callable[[str], None]:
    """Let the customer write, and some time pass."""

    def say(text: str) -> None:
        host.clock.advance(timedelta(seconds=2))
        connector.handle_webhook(host.webhook(host.said(text)))
        host.clock.advance(timedelta(seconds=2))

    return say


# --- acts -------------------------------------------------------------------------------------------------------------


def test_everyone_in_it_sees_who_did_what(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """Acts, notes and messages stand in one order, and nothing of them is sent but the messages."""
    calls: list[Callable[[], Placement]] = [
        lambda: connector.add(ACME, ANA, granted, BEN),
        lambda: connector.note(ACME, BEN, granted, "I know him."),
        lambda: connector.set_role(ACME, ANA, granted, BEN, Role.OBSERVER),
        lambda: connector.transfer(ACME, ANA, granted, SUPPORT, from_owner=ANA, note="Please call."),
        lambda: connector.take(ACME, DAN, granted),
        lambda: connector.remove(ACME, DAN, granted, BEN),
        lambda: connector.leave(ACME, DAN, granted, then=LetGo()),
        lambda: connector.take(ACME, ANA, granted),
        lambda: connector.leave(ACME, ANA, granted, then=HandOver(BEN)),
        lambda: connector.end(ACME, BEN, granted),
    ]
    for call in calls:
        host.clock.advance(timedelta(seconds=1))
        call().or_raise()
    entries = list(reversed(connector.timeline(ACME, SUE, granted).messages))[-len(calls) :]
    assert [MessageStatus.NOTED] * len(calls) == [each.status for each in entries]
    deeds = [each.content.deed if isinstance(each.content, Act) else None for each in entries]
    assert deeds == [
        Deed.ADDED,
        None,
        Deed.ROLE_CHANGED,
        Deed.TRANSFERRED,
        Deed.TAKEN,
        Deed.REMOVED,
        Deed.LET_GO,
        Deed.TAKEN,
        Deed.TRANSFERRED,
        Deed.ENDED,
    ]
    assert entries[1].content == Note("I know him.")
    connector.dispatcher.run_once()
    assert host.transport.sent == []
    again = connector.restart(ACME, BEN, granted).or_raise().conversation
    assert again is not None
    assert granted == connector.timeline(ACME, BEN, again).conversation.restarted_from


def test_of_two_transfers_at_once_one_is_refused_by_name(
    connector: Connector, storage: "Meddled", beside: Connector, granted: ConversationId
) -> None:
    """The second is decided again on what the first left."""
    won: list[Placement] = []
    storage.before_commit.append(lambda: won.append(beside.transfer(ACME, SUE, granted, DAN, from_owner=ANA)))
    lost = connector.transfer(ACME, ANA, granted, BEN, from_owner=ANA)
    assert (won[0].is_taken, lost.decision.reason) == (True, Reason.OWNER_CHANGED)
    assert connector.timeline(ACME, SUE, granted).conversation.owner == DAN


def test_the_same_command_acts_once(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """A host's retry of a call that timed out is told what came of the first."""
    command = CommandId("click-1")
    first, again = (connector.transfer(ACME, ANA, granted, BEN, from_owner=ANA, command_id=command) for _ in range(2))
    assert (first.message, True) == (again.message, again.is_repeat)
    assert sum(isinstance(each, ConversationTransferred) for each in host.happenings) == 1


def test_a_team_has_a_list_of_its_own(connector: Connector, granted: ConversationId) -> None:
    """For those who are in it, and who supervise."""
    connector.transfer(ACME, ANA, granted, SUPPORT, from_owner=ANA).or_raise()
    for user in (BEN, SUE):
        assert [granted] == [each.id for each in connector.conversations(ACME, user, team=SUPPORT)]
    with pytest.raises(RefusedError):
        connector.conversations(ACME, ANA, team=SUPPORT)
    assert connector.conversations(ACME, ANA) == ()


def test_muting(connector: Connector, granted: ConversationId) -> None:
    """For the host to heed."""
    connector.mute(ACME, ANA, granted).or_raise()
    (part,) = connector.timeline(ACME, ANA, granted).conversation.participants
    assert part.is_muted
    connector.mute(ACME, ANA, granted, muted=False).or_raise()


@pytest.mark.parametrize(
    "call",
    [
        lambda c, thread: c.add(ACME, ANA, thread, NOBODY),
        lambda c, thread: c.add(ACME, ANA, thread, GUS),
        lambda c, thread: c.add(ACME, ANA, thread, BEN, role=Role.OWNER),
        lambda c, thread: c.transfer(ACME, ANA, thread, NOBODY, from_owner=ANA),
        lambda c, thread: c.leave(ACME, ANA, thread, then=HandOver(NOBODY)),
        lambda c, thread: c.hand_over_all(ACME, SUE, ANA, NOBODY),
        lambda c, thread: c.note(ACME, SUPPORT, thread, "Hi"),
        lambda c, thread: c.edit_held(ACME, ANA, thread, MessageId("m"), TemplateMessage("hello", "en")),
    ],
    ids=["unknown", "of another tenant", "as owner", "transfer", "leave", "all", "a team acts", "template"],
)
def test_what_the_caller_should_have_known(
    connector: Connector, granted: ConversationId, call: Callable[[Connector, ConversationId], object]
) -> None:
    with pytest.raises(UsageError):
        call(connector, granted)


# --- what is seen -----------------------------------------------------------------------------------------------------


def test_a_removed_user_neither_sends_nor_sees_what_came_after(
    connector: Connector, granted: ConversationId, say_now: Callable[[str], None]
) -> None:
    """What he saw he keeps; who came later he does not know."""
    connector.add(ACME, ANA, granted, BEN).or_raise()
    say_now("before")
    connector.remove(ACME, ANA, granted, BEN).or_raise()
    say_now("after")
    connector.add(ACME, ANA, granted, DAN).or_raise()
    assert [each for each in texts(connector, BEN, granted) if each in {"Yes", "before", "after"}] == ["Yes", "before"]
    assert {ANA, BEN} == {each.user for each in connector.timeline(ACME, BEN, granted).conversation.participants}
    assert connector.send(ACME, BEN, granted, Text("Hi")).decision.reason is Reason.NOT_A_PARTICIPANT
    assert connector.composer(ACME, BEN, granted).write.reason is Reason.NOT_A_PARTICIPANT
    for read in (connector.customer, connector.held, connector.evidence):
        with pytest.raises(RefusedError):
            read(ACME, BEN, granted)


@pytest.mark.parametrize("newcomers", list(Newcomers))
def test_what_a_newcomer_sees(connect: Callable[..., Connector], newcomers: Newcomers) -> None:
    """By the organization's choice; a page is as full as it can be, and the last one says that it is the last."""
    host = MemoryHost(settings={"newcomers_see": newcomers})
    connector = connect(host)
    connector.handle_webhook(host.webhook(host.said("one")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    connector.take(ACME, ANA, thread.id).or_raise()
    for turn, text in enumerate(("two", "three", "four", "five", "six")):
        host.clock.advance(timedelta(seconds=2))
        connector.handle_webhook(host.webhook(host.said(text)))
        host.clock.advance(timedelta(seconds=2))
        acts = {0: connector.add, 2: connector.remove, 3: connector.add}
        if turn in acts:
            acts[turn](ACME, ANA, thread.id, BEN).or_raise()
    host.clock.advance(timedelta(seconds=2))
    everything = ["one", "two", "three", "four", "five", "six"]
    seen = everything if newcomers is Newcomers.EVERYTHING else ["three", "four", "six"]
    assert seen == texts(connector, BEN, thread.id)
    whole = connector.timeline(ACME, BEN, thread.id).messages
    for limit in (1, 2, 3, len(whole)):
        assert list(whole) == paged(connector, BEN, thread.id, limit)
    hidden = connector.timeline(ACME, ANA, thread.id).messages[-1]
    if newcomers is Newcomers.FROM_JOINING:
        with pytest.raises(UsageError, match="replies_to"):
            connector.send(ACME, BEN, thread.id, Text("Hi"), replies_to=hidden.id)


def paged(connector: Connector, user: UserId, thread: ConversationId, limit: int) -> list[Message]:
    page = connector.timeline(ACME, user, thread, limit=limit)
    found = list(page.messages)
    while page.before:
        assert limit == len(page.messages), "a page that is not the last is full"
        page = connector.timeline(ACME, user, thread, before=page.before, limit=limit)
        assert page.messages, "a cursor leads somewhere"
        found += page.messages
    return found


def test_nobody_quotes_an_act(connector: Connector, granted: ConversationId) -> None:
    """The customer never saw it."""
    noted = connector.note(ACME, ANA, granted, "Hm").message
    with pytest.raises(UsageError, match="replies_to"):
        connector.send(ACME, ANA, granted, Text("Hi"), replies_to=noted)
    refused = connector.send(ACME, BEN, granted, Text("Hi"), replies_to=noted)
    assert refused.decision.reason is Reason.NOT_A_PARTICIPANT


# --- what is held, and who goes ---------------------------------------------------------------------------------------


def test_what_is_held_is_listed_edited_and_taken_back(
    connector: Connector, host: MemoryHost, granted: ConversationId, say_now: Callable[[str], None]
) -> None:
    host.clock.advance(timedelta(hours=25))
    first, second = (connector.send(ACME, ANA, granted, Text(text), hold=True) for text in ("first", "second"))
    assert first.message is not None
    assert second.message is not None
    assert [first.message, second.message] == [each.id for each in connector.held(ACME, ANA, granted)]
    connector.edit_held(ACME, ANA, granted, first.message, Text("better")).or_raise()
    connector.cancel_held(ACME, ANA, granted, second.message).or_raise()
    say_now("Hello")
    connector.dispatcher.run_once()
    assert [Text("better")] == [each.content for each in host.transport.sent]
    assert connector.held(ACME, ANA, granted) == ()
    assert connector.cancel_held(ACME, ANA, granted, first.message).decision.reason is Reason.NOTHING_TO_DO


def test_what_is_held_leaves_in_the_order_that_users_gave_it(
    connector: Connector, host: MemoryHost, granted: ConversationId, say_now: Callable[[str], None]
) -> None:
    """And what is held afterwards leaves after it."""
    host.clock.advance(timedelta(hours=25))
    first, second, third = (
        connector.send(ACME, ANA, granted, Text(text), hold=True).message for text in ("first", "second", "third")
    )
    assert first is not None
    assert second is not None
    assert third is not None
    connector.order_held(ACME, ANA, granted, [third, first, second]).or_raise()
    assert [third, first, second] == [each.id for each in connector.held(ACME, ANA, granted)]
    for others in ([third, first, second], [first, second], [first, second, third, third]):
        assert connector.order_held(ACME, ANA, granted, others).decision.reason is Reason.NOTHING_TO_DO
    connector.add(ACME, ANA, granted, BEN).or_raise()
    assert connector.order_held(ACME, BEN, granted, [first, second, third]).decision.reason is Reason.ROLE_NOT_ENOUGH
    connector.send(ACME, ANA, granted, Text("fourth"), hold=True).or_raise()
    say_now("Hello")
    connector.dispatcher.run_once()
    sent = [each.content for each in host.transport.sent]
    assert sent == [Text(text) for text in ("third", "first", "second", "fourth")]


def test_who_is_disabled_is_in_nothing_any_more(
    connector: Connector, host: MemoryHost, granted: ConversationId, say_now: Callable[[str], None]
) -> None:
    """Where he was a member, too; what he held there is the owner's to answer for, or the heir's where nobody owns it."""
    connector.add(ACME, ANA, granted, BEN).or_raise()
    host.clock.advance(timedelta(hours=25))
    connector.send(ACME, BEN, granted, Text("held"), hold=True).or_raise()
    connector.leave(ACME, ANA, granted, then=LetGo()).or_raise()
    host.directory._seats[ACME, BEN] = _disabled(host.directory._seats[ACME, BEN])
    (placed,) = connector.hand_over_all(ACME, SUE, BEN, DAN)
    assert granted == placed.or_raise().conversation
    assert connector.hand_over_all(ACME, SUE, BEN, DAN) == ()
    (waiting,) = connector.held(ACME, SUE, granted)
    assert waiting.sender == DAN
    say_now("Hello")
    connector.dispatcher.run_once()
    assert [Text("held")] == [each.content for each in host.transport.sent]


@pytest.mark.parametrize(
    ("by", "told", "act"),
    [
        (BEN, lambda thread: ParticipantLeft(thread, BEN), Act(Deed.LEFT)),
        (SUE, lambda thread: ParticipantRemoved(thread, BEN, SUE), Act(Deed.REMOVED, whom=BEN)),
    ],
    ids=["he himself", "a supervisor"],
)
def test_who_goes_hands_over_what_he_is_in(
    connector: Connector,
    host: MemoryHost,
    granted: ConversationId,
    by: UserId,
    told: Callable[[ConversationId], object],
    act: Act,
) -> None:
    """And the thread says whether he left or was taken out of it."""
    connector.add(ACME, ANA, granted, BEN).or_raise()
    (placed,) = connector.hand_over_all(ACME, by, BEN, DAN)
    assert granted == placed.or_raise().conversation
    assert told(granted) in host.happenings
    assert act == connector.timeline(ACME, ANA, granted, limit=1).messages[0].content
    assert connector.inbox(ACME, BEN).entries == ()
    assert connector.hand_over_all(ACME, BEN, BEN, DAN) == ()


def test_what_is_held_by_one_who_stays_is_his_still(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    connector.add(ACME, ANA, granted, BEN).or_raise()
    host.clock.advance(timedelta(hours=25))
    connector.send(ACME, BEN, granted, Text("held"), hold=True).or_raise()
    connector.transfer(ACME, ANA, granted, DAN, from_owner=ANA).or_raise()
    (waiting,) = connector.held(ACME, DAN, granted)
    assert waiting.sender == BEN


def test_an_owner_who_leaves_is_in_it_no_longer(connector: Connector, granted: ConversationId) -> None:
    """Whoever goes on has it alone; one who transfers may stay as a member instead."""
    connector.leave(ACME, ANA, granted, then=HandOver(BEN)).or_raise()
    assert connector.inbox(ACME, ANA).entries == ()
    assert connector.send(ACME, ANA, granted, Text("Hi")).decision.reason is Reason.NOT_A_PARTICIPANT
    connector.transfer(ACME, BEN, granted, ANA, from_owner=BEN, stay=True).or_raise()
    assert [granted] == [each.conversation.id for each in connector.inbox(ACME, BEN).entries]


def test_a_disabled_user_hands_over_what_he_owned(
    connector: Connector, host: MemoryHost, granted: ConversationId, say_now: Callable[[str], None]
) -> None:
    """What he held leaves in the name of who goes on; without that it would be refused, its author being disabled."""
    host.clock.advance(timedelta(hours=25))
    connector.send(ACME, ANA, granted, Text("held"), hold=True).or_raise()
    host.directory._seats[ACME, ANA] = _disabled(host.directory._seats[ACME, ANA])
    with pytest.raises(RefusedError, match="supervises"):
        connector.hand_over_all(ACME, BEN, ANA, BEN)
    assert connector.end(ACME, ANA, granted).decision.reason is Reason.USER_DISABLED
    (placed,) = connector.hand_over_all(ACME, SUE, ANA, BEN, note="Ana has left us.")
    assert granted == placed.or_raise().conversation
    assert [granted] == [each.id for each in connector.conversations(ACME, BEN)]
    say_now("Hello")
    connector.dispatcher.run_once()
    assert [Text("held")] == [each.content for each in host.transport.sent]
    assert connector.hand_over_all(ACME, SUE, ANA, BEN) == ()


def _disabled(seat: Seat) -> Seat:
    from attrs import evolve

    return evolve(seat, user=evolve(seat.user, disabled=True))


def test_what_cannot_be_handed_over_is_told(connector: Connector, granted: ConversationId) -> None:
    (placed,) = connector.hand_over_all(ACME, ANA, ANA, ANA)
    assert placed.decision.reason is Reason.NOTHING_TO_DO


# --- everybody else ---------------------------------------------------------------------------------------------------

_CONTENT, _MESSAGE = Text("Hi"), MessageId("m")
CALLS: dict[str, Callable[[Connector, TenantId, UserId, ConversationId], Any]] = {
    "send": lambda c, t, u, x: c.send(t, u, x, _CONTENT),
    "composer": lambda c, t, u, x: c.composer(t, u, x),
    "answer_actions": lambda c, t, u, x: c.answer_actions(t, u, x),
    "answer": lambda c, t, u, x: c.answer(t, u, x, LINE),
    "timeline": lambda c, t, u, x: c.timeline(t, u, x),
    "search": lambda c, t, u, x: c.search(t, u, "hello", conversation=x),
    "customer_timeline": lambda c, t, u, x: c.customer_timeline(t, u, x),
    "mark_read": lambda c, t, u, x: c.mark_read(t, u, x, _MESSAGE),
    "mark_unread": lambda c, t, u, x: c.mark_unread(t, u, x),
    "customer": lambda c, t, u, x: c.customer(t, u, x),
    "evidence": lambda c, t, u, x: c.evidence(t, u, x),
    "explain": lambda c, t, u, x: c.explain(t, u, x, at=NOON),
    "add": lambda c, t, u, x: c.add(t, u, x, u),
    "transfer": lambda c, t, u, x: c.transfer(t, u, x, u, from_owner=ANA),
    "take": lambda c, t, u, x: c.take(t, u, x),
    "leave": lambda c, t, u, x: c.leave(t, u, x, then=EndIt()),
    "remove": lambda c, t, u, x: c.remove(t, u, x, ANA),
    "set_role": lambda c, t, u, x: c.set_role(t, u, x, ANA, Role.OBSERVER),
    "mute": lambda c, t, u, x: c.mute(t, u, x),
    "note": lambda c, t, u, x: c.note(t, u, x, "Hm"),
    "end": lambda c, t, u, x: c.end(t, u, x),
    "restart": lambda c, t, u, x: c.restart(t, u, x),
    "held": lambda c, t, u, x: c.held(t, u, x),
    "cancel_held": lambda c, t, u, x: c.cancel_held(t, u, x, _MESSAGE),
    "order_held": lambda c, t, u, x: c.order_held(t, u, x, [_MESSAGE]),
    "edit_held": lambda c, t, u, x: c.edit_held(t, u, x, _MESSAGE, _CONTENT),
}
"""Every call about a conversation."""
BESIDE: dict[str, Callable[[Connector, TenantId, UserId], Any]] = {
    "contact_actions": lambda c, t, u: c.contact_actions(t, u, CARL),
    "start": lambda c, t, u: c.start(t, u, LINE, CARL),
    "ask_consent": lambda c, t, u: c.ask_consent(t, u, LINE, CARL),
    "record_consent": lambda c, t, u: c.record_consent(t, u, LINE, CARL, given_at=NOON, method="paper"),
    "inbox": lambda c, t, u: c.inbox(t, u, unassigned=True),
    "conversations": lambda c, t, u: c.conversations(t, u),
    "set_setting": lambda c, t, u: c.set_setting(t, u, OrganizationId(t), "help_text", "Hi"),
    "hand_over_all": lambda c, t, u: c.hand_over_all(t, u, ANA, u),
    "find_customer": lambda c, t, u: c.find_customer(t, u, number("+16505551234")),
    "forget_customer": lambda c, t, u: c.forget_customer(t, u, CustomerId("c"), why="?"),
    "export": lambda c, t, u: c.export(t, u, "/nonexistent/never-made"),
    "retain": lambda c, t, u: c.retain(t, u),
    "place_hold": lambda c, t, u: c.place_hold(t, u, customer=CustomerId("c"), why="?"),
    "lift_hold": lambda c, t, u: c.lift_hold(t, u, "customer:c", HoldId("h")),
    "holds": lambda c, t, u: c.holds(t, u),
}
"""Every other call of a user's."""
OF_NOBODY = {
    "accept_restore",
    "add_transcript",
    "anchor_evidence",
    "cancel_parked",
    "check_anchor",
    "close",
    "cost",
    "events",
    "handle_webhook",
    "keep_memo",
    "memo",
    "memos",
    "push",
    "parked",
    "jobs",
    "quarantine",
    "read_media",
    "receive",
    "resend_parked",
    "resume_line",
    "schema",
    "run_jobs",
    "stopped_lines",
    "store_media",
    "sync_templates",
    "templates",
    "transport",
    "upgrade",
    "verify_evidence",
}
"""What no user asks for: the host's own code does."""


def test_no_call_is_forgotten() -> None:
    """A new method of the connector has to be tried as a stranger, too."""
    methods = {
        name: set(inspect.signature(value).parameters)
        for name, value in vars(Connector).items()
        if not name.startswith("_") and inspect.isfunction(value)
    }
    assert {*CALLS, *BESIDE, *OF_NOBODY} == set(methods)
    assert {name for name, parameters in methods.items() if "conversation" in parameters} == set(CALLS)
    assert {name for name, parameters in methods.items() if "user" not in parameters} == OF_NOBODY


def trace(host: MemoryHost, connector: Connector, thread: ConversationId) -> object:
    key = CONVERSATION.of(ACME, thread)
    return host.storage.load([key]).rows[key], connector.timeline(ACME, ANA, thread)


def reason_of(call: Callable[[], Any]) -> Decision:
    try:
        answer = call()
    except RefusedError as error:
        return error.decision
    if isinstance(answer, Composer):
        assert answer.write == answer.template == answer.ask
        return answer.write
    assert isinstance(answer, Placement), answer
    assert not answer.is_taken
    return answer.decision


@pytest.mark.parametrize("name", CALLS)
def test_a_stranger_is_refused_whatever_he_tries(
    connector: Connector, host: MemoryHost, granted: ConversationId, name: str
) -> None:
    """One of the tenant who has no part in it, and one of another tenant who knows its id: with one reason, the same as
    for what does not exist, and without a trace. One whom the tenant does not have is the caller's mistake."""
    before = trace(host, connector, granted)
    tries = [(ACME, DAN, granted), (GLOBEX, GUS, granted), (ACME, DAN, ConversationId("none"))]
    found = {reason_of(lambda each=each: CALLS[name](connector, *each)) for each in tries}  # type: ignore[misc]
    assert {Decision(Reason.NOT_A_PARTICIPANT)} == found
    for user in (GUS, NOBODY):
        with pytest.raises(UsageError):
            CALLS[name](connector, ACME, user, granted)
    assert before == trace(host, connector, granted)


@pytest.mark.parametrize("name", BESIDE)
def test_what_a_stranger_does_elsewhere_leaves_no_trace_in_it(
    connector: Connector, host: MemoryHost, granted: ConversationId, name: str
) -> None:
    before = trace(host, connector, granted)
    with suppress(RefusedError):
        BESIDE[name](connector, ACME, DAN)
    with suppress(RefusedError):
        BESIDE[name](connector, GLOBEX, GUS)
    for user in (GUS, NOBODY):
        with pytest.raises(UsageError):
            BESIDE[name](connector, ACME, user)
    assert before == trace(host, connector, granted)
