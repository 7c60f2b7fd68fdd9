"""Who takes part, and what becomes of what is held."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from wa_connector.decide import membership
from wa_connector.decide.draft import Known, Refused
from wa_connector.decide.membership import (
    Add,
    AddNote,
    Asked,
    ChangeRole,
    EndIt,
    HandOver,
    Leave,
    LetGo,
    Mute,
    OfHeld,
    Remove,
    Transfer,
)
from wa_connector.decide.screens import InConversation, composer, held, readable
from wa_connector.decide.sending import Placement, send
from wa_connector.decide.threads import take_by_writing
from wa_connector.errors import InternalError
from wa_connector.model.consent import Stage
from wa_connector.model.content import Act, Deed, Note, Text
from wa_connector.model.conversation import ConversationState, Role
from wa_connector.model.decision import Reason
from wa_connector.model.directory import Seat, User
from wa_connector.model.event import (
    ConversationEnded,
    ConversationLetGo,
    ConversationMuted,
    ConversationOpened,
    ConversationRestarted,
    ConversationTaken,
    ConversationTransferred,
    HeldEdited,
    HeldHandedOver,
    MessageStatusChanged,
    NoteAdded,
    ParticipantAdded,
    ParticipantLeft,
    ParticipantRemoved,
    RoleChanged,
)
from wa_connector.model.ids import ConversationId, MessageId, UserId
from wa_connector.model.message import ByUser, Message, MessageStatus
from wa_connector.model.setting import Newcomers
from wa_connector.ports.rows import LISTING
from wa_connector.testing.host import ACME, ANA, BEN, DAN, SUE, SUPPORT

if TYPE_CHECKING:
    from tests.decide.conftest import Desk


class Table:
    """A conversation of Ana's, and what users do in it."""

    def __init__(self, desk: "Desk", thread: ConversationId) -> None:
        self.desk, self.thread = desk, thread
        self._entries = 0

    def asked(self, user: UserId, command: str = "", **changes: Any) -> Asked:
        self._entries += 1
        ground = evolve(self.desk.ground(user), **changes)
        return Asked(ground, self.thread, MessageId(f"z-{self._entries:03}"), command)

    def seat(self, user: UserId) -> Seat:
        found = self.desk.host.directory.user(ACME, user)
        assert found is not None
        return found

    def add(self, user: UserId, whom: UserId, role: Role = Role.MEMBER) -> Any:
        return membership.add, Add(self.asked(user), self.seat(whom), role)

    def transfer(
        self, user: UserId, to: UserId, from_owner: UserId | None = ANA, note: str = "", *, stays: bool = False
    ) -> Any:
        return membership.transfer, Transfer(self.asked(user), self.seat(to), from_owner, note, stays)

    def take(self, user: UserId) -> Any:
        return membership.take, self.asked(user)

    def leave(self, user: UserId, then: Any = None) -> Any:
        to = self.seat(then.to) if isinstance(then, HandOver) else None
        return membership.leave, Leave(self.asked(user), then, to)

    def remove(self, user: UserId, whom: UserId) -> Any:
        return membership.remove, Remove(self.asked(user), whom)

    def role(self, user: UserId, whom: UserId, role: Role) -> Any:
        return membership.change_role, ChangeRole(self.asked(user), whom, role)

    def end(self, user: UserId) -> Any:
        return membership.end, self.asked(user)

    def restart(self, user: UserId) -> Any:
        return membership.restart, self.asked(user)

    def cancel(self, user: UserId, message: MessageId) -> Any:
        return membership.cancel_held, OfHeld(self.asked(user), message)

    def edit(self, user: UserId, message: MessageId, text: str = "Better") -> Any:
        return membership.edit_held, OfHeld(self.asked(user), message, Text(text))

    def do(self, act: tuple[Callable[..., Placement], Any]) -> Placement:
        placed: Placement = self.desk.do(*act)
        return placed

    def refusal(self, act: tuple[Callable[..., Placement], Any]) -> Reason:
        before = self.desk.thread(self.thread), self.desk.messages()
        reason = self.desk.refusal(*act)
        assert before == (self.desk.thread(self.thread), self.desk.messages()), "a refusal leaves no trace"
        return reason

    def done(self, act: tuple[Callable[..., Placement], Any]) -> Message:
        """Do it; its entry."""
        placed = self.do(act)
        assert placed.message is not None
        entry = self.desk.stored(placed.message)
        assert (MessageStatus.NOTED, self.desk.now) == (entry.status, entry.at)
        assert self.desk.entry(entry) is None, "nothing ever sends it"
        return entry

    @property
    def present(self) -> dict[UserId, Role]:
        return {each.user: each.role for each in self.desk.thread(self.thread).participants if each.is_current}

    @property
    def owner(self) -> UserId | None:
        return self.desk.thread(self.thread).owner

    def hold(self, user: UserId = ANA, text: str = "Later") -> Message:
        self.desk.later(hours=25)
        message = self.desk.send(self.thread, text, user, hold=True)
        assert message.status is MessageStatus.HELD
        return message

    def held(self, user: UserId) -> list[MessageId]:
        return [each.id for each in self.desk.do(held, InConversation(self.desk.ground(user), self.thread))]

    @property
    def told(self) -> list[object]:
        return list(self.desk.told)


@pytest.fixture
def table(desk: "Desk") -> Table:
    return Table(desk, desk.granted())


@pytest.fixture
def unassigned(desk: "Desk") -> Table:
    return Table(desk, desk.receive("Hello").conversation)


# --- add, leave, remove -----------------------------------------------------------------------------------------------


def test_a_colleague_is_added(table: Table) -> None:
    """He takes part from now on; everybody sees who did it."""
    entry = table.done(table.add(ANA, BEN))
    assert table.present == {ANA: Role.OWNER, BEN: Role.MEMBER}
    assert (ByUser(ANA), Act(Deed.ADDED, BEN, role=Role.MEMBER)) == (entry.author, entry.content)
    assert [ParticipantAdded(table.thread, BEN, Role.MEMBER, ANA)] == table.told
    assert table.refusal(table.add(ANA, BEN)) is Reason.NOTHING_TO_DO
    table.done(table.add(BEN, DAN, Role.OBSERVER))
    assert table.refusal(table.add(DAN, SUE)) is Reason.ROLE_NOT_ENOUGH
    table.done(table.add(SUE, SUPPORT))


@pytest.mark.parametrize("is_disabled", [True, False])
def test_nobody_is_added_who_could_do_nothing(table: Table, is_disabled: bool) -> None:
    """Somebody who is disabled, or whose channel is off."""
    user = User(ACME, BEN, "Ben", disabled=is_disabled)
    organizations = table.seat(BEN).organizations
    whom = Seat(user, organizations if is_disabled else ())
    expected = Reason.USER_DISABLED if is_disabled else Reason.CHANNEL_DISABLED
    assert expected is table.refusal((membership.add, Add(table.asked(ANA), whom)))
    assert expected is table.refusal((membership.transfer, Transfer(table.asked(ANA), whom, ANA)))


def test_a_disabled_user_does_nothing(table: Table) -> None:
    """Though he is in it."""
    ana = table.seat(ANA)
    asked = table.asked(ANA, seat=evolve(ana, user=evolve(ana.user, disabled=True)))
    assert table.refusal((membership.end, asked)) is Reason.USER_DISABLED


def test_a_member_leaves(table: Table) -> None:
    """He is in it no longer: what he wrote stays, and he writes nothing more."""
    table.done(table.add(ANA, BEN))
    table.desk.later(seconds=1)
    entry = table.done(table.leave(BEN))
    assert (Act(Deed.LEFT), [ParticipantLeft(table.thread, BEN)]) == (entry.content, table.told)
    assert table.desk.refusal(send, table.desk.sending(table.thread, user=BEN)) is Reason.NOT_A_PARTICIPANT
    assert table.refusal(table.leave(BEN)) is Reason.NOT_A_PARTICIPANT
    seen = table.desk.do(readable, InConversation(table.desk.ground(BEN), table.thread))
    assert table.thread == seen.id


def test_an_owners_choice_is_no_members(table: Table) -> None:
    """Who believes that he is the owner and is not is told so, and ends nothing by mistake."""
    table.done(table.add(ANA, BEN))
    assert table.refusal(table.leave(BEN, EndIt())) is Reason.OWNER_CHANGED


def test_who_is_in_it_through_a_team_leaves_with_the_team(table: Table) -> None:
    """He has no part of his own to leave, or to mute."""
    table.done(table.add(ANA, SUPPORT))
    assert table.refusal(table.leave(BEN)) is Reason.NOTHING_TO_DO
    assert table.refusal((membership.mute, Mute(table.asked(BEN), is_muted=True))) is Reason.NOTHING_TO_DO
    table.desk.send(table.thread, user=BEN)
    assert table.owner == ANA


def test_an_owner_says_what_becomes_of_it(table: Table) -> None:
    """Without that it is refused: nobody lets a customer go by accident."""
    assert table.refusal(table.leave(ANA)) is Reason.OWNER_NEEDED
    entry = table.done(table.leave(ANA, LetGo()))
    assert (None, Act(Deed.LET_GO, from_owner=ANA)) == (table.owner, entry.content)
    assert [ConversationLetGo(table.thread, ANA, ANA)] == table.told
    table.done(table.take(BEN))
    entry = table.done(table.leave(BEN, HandOver(DAN, "He wants a refund.")))
    assert (DAN, Act(Deed.TRANSFERRED, DAN, BEN, note="He wants a refund.")) == (table.owner, entry.content)
    assert table.done(table.leave(DAN, EndIt())).content == Act(Deed.ENDED)
    assert table.desk.thread(table.thread).state is ConversationState.ENDED


def test_who_goes_on_has_to_be_looked_up(table: Table) -> None:
    """A mistake of the shell's, and not of the caller's."""
    with pytest.raises(InternalError, match="looked up"):
        table.do((membership.leave, Leave(table.asked(ANA), HandOver(BEN))))


def test_somebody_is_removed(table: Table) -> None:
    """By the owner, or by who supervises; members do not remove each other."""
    for whom in (BEN, DAN):
        table.done(table.add(ANA, whom))
    assert table.refusal(table.remove(BEN, DAN)) is Reason.ROLE_NOT_ENOUGH
    entry = table.done(table.remove(ANA, BEN))
    assert (Act(Deed.REMOVED, BEN), {ANA: Role.OWNER, DAN: Role.MEMBER}) == (entry.content, table.present)
    assert [ParticipantRemoved(table.thread, BEN, ANA)] == table.told
    assert table.refusal(table.remove(ANA, BEN)) is Reason.NOTHING_TO_DO
    table.done(table.remove(SUE, DAN))
    assert table.refusal(table.remove(ANA, ANA)) is Reason.OWNER_NEEDED


def test_an_owner_is_removed_by_who_supervises(table: Table) -> None:
    """Then it is unassigned and not lost, and what he held is nobody's to answer for: it never leaves."""
    table.done(table.add(ANA, BEN))
    theirs, message = table.hold(BEN), table.hold()
    entry = table.done(table.remove(SUE, ANA))
    assert table.desk.stored(theirs.id).status is MessageStatus.HELD, "what a member holds stays his"
    assert (None, Act(Deed.REMOVED, ANA, from_owner=ANA)) == (table.owner, entry.content)
    assert ConversationLetGo(table.thread, ANA, SUE) in table.told
    assert table.desk.stored(message.id).status is MessageStatus.CANCELLED
    table.done(table.take(BEN))
    assert table.owner == BEN


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_a_customer_is_transferred(table: Table) -> None:
    """With a note for the next person; who had it leaves."""
    entry = table.done(table.transfer(ANA, BEN, note="Wants a refund."))
    assert table.present == {BEN: Role.OWNER}
    assert Act(Deed.TRANSFERRED, BEN, ANA, note="Wants a refund.") == entry.content
    assert [ConversationTransferred(table.thread, ANA, BEN, ANA)] == table.told
    table.done(table.transfer(SUE, ANA, BEN, stays=True))
    assert table.present == {ANA: Role.OWNER, BEN: Role.MEMBER}
    assert table.refusal(table.transfer(ANA, ANA)) is Reason.NOTHING_TO_DO
    assert table.refusal(table.transfer(BEN, DAN)) is Reason.ROLE_NOT_ENOUGH
    assert table.refusal(table.transfer(ANA, BEN, note=" ")) is Reason.CONTENT_EMPTY


def test_of_two_transfers_the_second_is_refused(table: Table) -> None:
    """By name: whoever comes second would take it from somebody else than he thinks."""
    table.done(table.transfer(ANA, BEN))
    assert table.refusal(table.transfer(ANA, DAN)) is Reason.OWNER_CHANGED
    assert table.refusal(table.transfer(SUE, DAN)) is Reason.OWNER_CHANGED
    assert table.refusal(table.transfer(DAN, DAN)) is Reason.NOT_A_PARTICIPANT


def test_a_supervisor_assigns_what_nobody_has(unassigned: Table) -> None:
    """Nobody else does: whoever wants it takes it."""
    assert unassigned.refusal(unassigned.transfer(BEN, DAN, None)) is Reason.NOT_A_PARTICIPANT
    entry = unassigned.done(unassigned.transfer(SUE, BEN, None, stays=True))
    assert (BEN, Act(Deed.TRANSFERRED, BEN)) == (unassigned.owner, entry.content)


def test_somebody_takes_what_nobody_has(unassigned: Table) -> None:
    """One gets it; the other one is told nothing but that he has no part in it."""
    entry = unassigned.done(unassigned.take(BEN))
    assert (BEN, Act(Deed.TAKEN, BEN)) == (unassigned.owner, entry.content)
    assert [ConversationTaken(unassigned.thread, None, BEN)] == unassigned.told
    assert unassigned.refusal(unassigned.take(DAN)) is Reason.NOT_A_PARTICIPANT
    assert unassigned.refusal(unassigned.take(BEN)) is Reason.ROLE_NOT_ENOUGH


def test_a_team_has_it_until_one_of_its_users_takes_it(table: Table) -> None:
    table.done(table.transfer(ANA, SUPPORT))
    assert table.owner == SUPPORT
    assert table.refusal(table.take(ANA)) is Reason.NOT_A_PARTICIPANT
    entry = table.done(table.take(BEN))
    assert ({BEN: Role.OWNER}, Act(Deed.TAKEN, BEN, SUPPORT)) == (table.present, entry.content)


def test_who_writes_into_what_his_team_has_takes_it(table: Table) -> None:
    """And everybody sees that."""
    table.done(table.transfer(ANA, SUPPORT))
    table.desk.send(table.thread, user=DAN)
    assert table.owner == DAN
    assert Act(Deed.TAKEN, DAN, SUPPORT) in [each.content for each in table.desk.messages()]


def test_who_writes_into_his_own_takes_nothing(table: Table) -> None:
    before = table.desk.thread(table.thread)
    table.desk.do(take_by_writing, table.desk.ground(ANA), table.thread, table.seat(ANA))
    assert before == table.desk.thread(table.thread)


@pytest.mark.parametrize("newcomers", list(Newcomers))
def test_what_a_newcomer_sees(make_desk: Callable[..., "Desk"], newcomers: Newcomers) -> None:
    """The organization's choice when he joins; who takes it for his team sees what the team saw."""
    desk = make_desk({"newcomers_see": newcomers})
    table = Table(desk, desk.granted())
    expected = None if newcomers is Newcomers.EVERYTHING else desk.later(seconds=5)
    table.done(table.transfer(ANA, SUPPORT))
    desk.later(seconds=5)
    table.done(table.take(BEN))
    part = desk.thread(table.thread).part_of(BEN)
    assert part is not None
    assert expected == part.sees_from_at


# --- roles, muting, notes ---------------------------------------------------------------------------------------------


def test_an_observer_reads_and_does_not_write(table: Table) -> None:
    """The message field says why; a role is the owner's to give."""
    table.done(table.add(ANA, BEN))
    entry = table.done(table.role(ANA, BEN, Role.OBSERVER))
    assert Act(Deed.ROLE_CHANGED, BEN, role=Role.OBSERVER) == entry.content
    assert [RoleChanged(table.thread, BEN, Role.OBSERVER, ANA)] == table.told
    field = table.desk.do(composer, InConversation(table.desk.ground(BEN), table.thread))
    assert field.write.reason is Reason.ROLE_NOT_ENOUGH
    assert table.desk.refusal(send, table.desk.sending(table.thread, user=BEN)) is Reason.ROLE_NOT_ENOUGH
    for act, reason in (
        (table.role(ANA, BEN, Role.OBSERVER), Reason.NOTHING_TO_DO),
        (table.role(ANA, DAN, Role.MEMBER), Reason.NOTHING_TO_DO),
        (table.role(ANA, BEN, Role.OWNER), Reason.OWNER_NEEDED),
        (table.role(SUE, ANA, Role.MEMBER), Reason.OWNER_NEEDED),
        (table.role(BEN, BEN, Role.MEMBER), Reason.ROLE_NOT_ENOUGH),
    ):
        assert reason is table.refusal(act)


def test_muting_is_ones_own_affair(table: Table) -> None:
    """No entry tells others of it."""
    before = len(table.desk.messages())
    placed = table.do((membership.mute, Mute(table.asked(ANA), is_muted=True)))
    assert (None, before) == (placed.message, len(table.desk.messages()))
    assert [ConversationMuted(table.thread, ANA, muted=True)] == table.told
    part = table.desk.thread(table.thread).part_of(ANA)
    assert part is not None
    assert part.is_muted
    assert table.refusal((membership.mute, Mute(table.asked(ANA), is_muted=True))) is Reason.NOTHING_TO_DO


def test_a_private_note(table: Table) -> None:
    """Of anybody in it, and of who supervises; it is text, and says something."""
    for user in (ANA, SUE):
        entry = table.done((membership.add_note, AddNote(table.asked(user), "He called before.")))
        assert (Note("He called before."), ByUser(user)) == (entry.content, entry.author)
        assert [NoteAdded(entry.id, table.thread, user)] == table.told
    assert table.refusal((membership.add_note, AddNote(table.asked(ANA), ""))) is Reason.CONTENT_EMPTY
    assert table.refusal((membership.add_note, AddNote(table.asked(ANA), "\ud800"))) is Reason.CONTENT_NOT_TEXT


def test_the_same_command_acts_once(table: Table) -> None:
    """Whatever became of the conversation meanwhile."""
    command = Transfer(table.asked(ANA, "click-1"), table.seat(BEN), ANA)
    entry = table.done((membership.transfer, command))
    assert Known(entry.id) == table.desk.answer(membership.transfer, command)


# --- end and restart --------------------------------------------------------------------------------------------------


def test_it_ends(table: Table) -> None:
    """Nothing is written in it any longer; what the customer writes next begins a new one."""
    table.done(table.add(ANA, BEN))
    assert table.refusal(table.end(BEN)) is Reason.ROLE_NOT_ENOUGH
    entry = table.done(table.end(ANA))
    assert Act(Deed.ENDED) == entry.content
    assert [ConversationEnded(table.thread, ANA)] == table.told
    assert table.desk.refusal(send, table.desk.sending(table.thread)) is Reason.CONVERSATION_ENDED
    for act in (table.end(ANA), table.add(ANA, DAN), table.transfer(ANA, DAN), table.take(SUE), table.leave(BEN)):
        assert table.refusal(act) in {Reason.CONVERSATION_ENDED, Reason.NOT_A_PARTICIPANT}
    assert table.thread != table.desk.receive("Hello again").conversation
    assert table.thread not in table.desk.pair(entry.customer).open


def test_it_begins_again(table: Table) -> None:
    """A new thread that points at the old one; of two at once, one is begun."""
    assert table.refusal(table.restart(ANA)) is Reason.CONVERSATION_OPEN
    table.done(table.add(ANA, BEN))
    table.done(table.end(ANA))
    placed = table.do(table.restart(BEN))
    assert placed.conversation is not None
    new = table.desk.thread(placed.conversation)
    assert (table.thread, BEN, ConversationState.OPEN) == (new.restarted_from, new.owner, new.state)
    assert {ConversationOpened, ConversationRestarted} == {type(each) for each in table.told}
    assert placed.message is not None
    entry = table.desk.stored(placed.message)
    assert (new.id, Act(Deed.RESTARTED, before=table.thread)) == (entry.conversation, entry.content)
    assert table.refusal(table.restart(ANA)) is Reason.CONVERSATION_OPEN


def test_no_consent_is_revived(table: Table) -> None:
    """The rules are asked as for any beginning."""
    table.done(table.end(ANA))
    table.desk.later(minutes=1)
    customer = table.desk.receive("STOP").customer
    assert table.refusal(table.restart(ANA)) is Reason.CONSENT_REVOKED
    assert table.desk.consent(customer).conversation is Stage.REVOKED


def test_what_came_meanwhile_hinders_no_restart(table: Table) -> None:
    """A thread of the pair that another message opened is another one."""
    table.done(table.end(ANA))
    table.desk.receive("Hello again")
    assert table.do(table.restart(ANA)).is_taken


# --- what is held -----------------------------------------------------------------------------------------------------


def test_what_is_held_is_listed_to_those_in_it(table: Table) -> None:
    """In the order in which it would leave."""
    first = table.hold()
    second = table.desk.send(table.thread, "Later still", hold=True)
    assert [first.id, second.id] == table.held(ANA) == table.held(SUE)
    answer = table.desk.answer(held, InConversation(table.desk.ground(BEN), table.thread))
    assert isinstance(answer, Refused)
    table.done(table.end(ANA))
    assert table.held(ANA) == []
    assert {MessageStatus.CANCELLED} == {table.desk.stored(each.id).status for each in (first, second)}


def test_another_thread_of_the_customer_keeps_what_it_holds(table: Table) -> None:
    """Ending one cancels nothing in the other."""
    mine = table.hold()
    pair = table.desk.pair(mine.customer)
    table.done(table.transfer(ANA, BEN))
    assert pair.held == 1
    placed = table.desk.do(membership.end, table.asked(BEN))
    assert placed.is_taken
    again = table.do(table.restart(BEN))
    assert again.conversation is not None
    theirs = table.desk.send(again.conversation, "Soon", BEN, hold=True)
    other = Table(table.desk, again.conversation)
    assert ([], [theirs.id]) == (table.held(BEN), other.held(BEN))
    third = Table(table.desk, table.desk.do(_second_thread, table.desk, mine))
    assert third.held(SUE) == []


def _second_thread(draft: Any, desk: "Desk", message: Message) -> ConversationId:
    from wa_connector.decide.threads import open_thread

    return open_thread(draft, desk.ground(SUE), message.customer, SUE, desk.now)


def test_a_held_message_is_taken_back(table: Table) -> None:
    """By who wrote it, by the owner and by who supervises; once."""
    table.done(table.add(ANA, BEN))
    mine, his, its = table.hold(ANA), table.hold(BEN), table.hold(BEN)
    assert table.refusal(table.cancel(BEN, mine.id)) is Reason.ROLE_NOT_ENOUGH
    for user, message in ((BEN, his), (ANA, its), (SUE, mine)):
        placed = table.do(table.cancel(user, message.id))
        assert (message.id, MessageStatus.CANCELLED) == (placed.message, placed.status)
        assert [MessageStatusChanged(message.id, table.thread, MessageStatus.CANCELLED)] == table.told
        assert table.desk.entry(message) is None
        assert table.refusal(table.cancel(user, message.id)) is Reason.NOTHING_TO_DO
    assert table.desk.pair(mine.customer).held == 0
    assert table.refusal(table.cancel(ANA, MessageId("none"))) is Reason.NOTHING_TO_DO


def test_a_held_message_is_edited(table: Table) -> None:
    """The rules judge the new words; they are their writer's, and keep their place."""
    table.done(table.add(ANA, BEN))
    message = table.hold(BEN)
    placed = table.do(table.edit(ANA, message.id))
    assert (placed.decision.reason, placed.status) == (Reason.WINDOW_CLOSED, MessageStatus.HELD)
    edited = table.desk.stored(message.id)
    assert (Text("Better"), ByUser(ANA), message.expires_at) == (edited.content, edited.author, edited.expires_at)
    assert [HeldEdited(message.id, table.thread, ANA)] == table.told
    assert table.refusal(table.edit(ANA, message.id, "")) is Reason.CONTENT_EMPTY
    assert table.refusal(table.edit(BEN, message.id)) is Reason.ROLE_NOT_ENOUGH
    assert table.refusal(table.edit(SUE, message.id)) is Reason.NOT_A_PARTICIPANT


def test_what_is_held_goes_to_the_next_owner(table: Table) -> None:
    """He answers for it from then on: his rights decide whether it leaves, and he may take it back."""
    message = table.hold()
    table.done(table.transfer(ANA, BEN))
    assert HeldHandedOver(message.id, table.thread, BEN) in table.told
    handed = table.desk.stored(message.id)
    assert (ByUser(ANA), BEN) == (handed.author, handed.sender)
    table.do(table.cancel(BEN, message.id))


def test_what_a_member_held_is_the_owners_when_he_goes(table: Table) -> None:
    """Whether he leaves or is removed."""
    for whom, act in ((BEN, table.leave(BEN)), (DAN, table.remove(ANA, DAN))):
        table.done(table.add(ANA, whom))
        message = table.hold(whom)
        table.done(act)
        assert table.desk.stored(message.id).sender == ANA


def test_what_is_held_waits_for_who_takes_it(table: Table) -> None:
    """Let go, it stays his who wrote it until somebody else answers for it."""
    message = table.hold()
    table.done(table.leave(ANA, LetGo()))
    assert table.desk.stored(message.id).sender == ANA
    table.done(table.take(BEN))
    assert table.desk.stored(message.id).sender == BEN


def test_what_comes_late_is_on_no_list_of_who_joined_since(make_desk: Callable[..., "Desk"]) -> None:
    """It happened before his time: he does not see it, so it is not unread for him."""
    desk = make_desk({"newcomers_see": Newcomers.FROM_JOINING})
    table = Table(desk, desk.granted())
    written_at = desk.now
    desk.later(hours=1)
    table.done(table.add(ANA, BEN))

    def arrived(user: UserId) -> int:
        merged: int = desk.do(lambda draft: draft.merged(LISTING.of(ACME, user, table.thread)).get("arrived", 0))
        return merged

    before = arrived(ANA), arrived(BEN)
    assert table.thread == desk.receive("I wrote this before", at=written_at).conversation
    assert (before[0] + 1, before[1]) == (arrived(ANA), arrived(BEN))
