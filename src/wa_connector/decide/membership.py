"""Who takes part: add, transfer, take, leave, remove, end, restart, roles, muting, private notes, and what is held.

Theory: a thread's parts are one row with one version, so that of two acts at once the second is decided again on what
the first left. Each act changes the row and adds an entry to the timeline in one commit; muting is a user's own affair
and adds none. ``policy.membership`` says who may, and keeps one owner or none.
"""

from datetime import datetime
from typing import TypeAlias, assert_never

from attrs import evolve, field, frozen

from wa_connector.decide import identity
from wa_connector.decide.delivering import count_held
from wa_connector.decide.draft import Draft, once, refuse_unless
from wa_connector.decide.ground import Ground, pair_of, standing_of
from wa_connector.decide.sending import Placement, command_mark, judge, may_start, seat_of
from wa_connector.decide.settling import advance, outbox_key
from wa_connector.decide.threads import held_in, held_of, move_files, note_act, open_thread, pass_on_held, take_over
from wa_connector.errors import InternalError
from wa_connector.model.content import Act, Content, Deed, Note
from wa_connector.model.conversation import Conversation, ConversationState, Participant, Role
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import Seat
from wa_connector.model.event import (
    ConversationEnded,
    ConversationLetGo,
    ConversationMuted,
    ConversationRestarted,
    ConversationTransferred,
    HeldEdited,
    HeldReordered,
    NoteAdded,
    ParticipantAdded,
    ParticipantLeft,
    ParticipantRemoved,
    RoleChanged,
)
from wa_connector.model.ids import ConversationId, MessageId, UserId
from wa_connector.model.message import ByUser, Message, MessageStatus
from wa_connector.policy.content import judge_note
from wa_connector.policy.enablement import enablement
from wa_connector.policy.membership import Right, joined, may, muted, parted, sees_from, still_owned
from wa_connector.policy.screening import judge_screening
from wa_connector.policy.status import Step
from wa_connector.ports.rows import CONVERSATION, MESSAGE, OUTBOX

_ALLOWED = Decision(Reason.ALLOWED)
_NOTHING_TO_DO = Decision(Reason.NOTHING_TO_DO)
_OWNER_NEEDED = Decision(Reason.OWNER_NEEDED)
_OWNER_CHANGED = Decision(Reason.OWNER_CHANGED)


@frozen
class Asked:
    """What every act is about. ``entry`` is the id of its entry in the timeline, ``command`` the caller's id of it."""

    ground: Ground
    conversation: ConversationId
    entry: MessageId
    command: str = ""


@frozen
class Add:
    asked: Asked
    whom: Seat
    role: Role = Role.MEMBER


@frozen
class Transfer:
    """``from_owner`` is whom it is taken from as the caller saw it, None for the unassigned list. ``stays``: the former
    owner goes on as a member."""

    asked: Asked
    to: Seat
    from_owner: UserId | None
    note: str = field(default="", repr=False)
    stays: bool = False


@frozen
class HandOver:
    """Of an owner who leaves: ``to`` goes on."""

    to: UserId
    note: str = field(default="", repr=False)


@frozen
class EndIt:
    """Of an owner who leaves: that is the end of it."""


@frozen
class LetGo:
    """Of an owner who leaves: it goes back to the unassigned list."""


Leaving: TypeAlias = HandOver | EndIt | LetGo
"""What becomes of a conversation whose owner leaves."""


@frozen
class Leave:
    """``then`` is the owner's choice, None of anybody else; ``to`` is the seat of whom it names."""

    asked: Asked
    then: Leaving | None = None
    to: Seat | None = None


@frozen
class Remove:
    asked: Asked
    whom: UserId


@frozen
class Retire:
    """Of a user who is disabled, in a thread that he does not own: ``heir`` answers for what he holds where nobody owns
    it."""

    asked: Asked
    whom: UserId
    heir: Seat


@frozen
class ChangeRole:
    asked: Asked
    whom: UserId
    role: Role


@frozen
class Mute:
    asked: Asked
    is_muted: bool


@frozen
class AddNote:
    asked: Asked
    text: str = field(repr=False)


@frozen
class OfHeld:
    """A held message; ``content`` is what it shall say from now on, None to cancel it."""

    asked: Asked
    message: MessageId
    content: Content | None = None
    redacted_by: tuple[str, ...] = ()


@frozen
class OrderHeld:
    """What a conversation holds, in the order in which it shall leave."""

    asked: Asked
    messages: tuple[MessageId, ...]


# --- who is in it -----------------------------------------------------------------------------------------------------


def add(draft: Draft, command: Add) -> Placement:
    """Let a user, a team or a queue take part."""
    thread, by = _opened(draft, command.asked, Right.ADD)
    whom = command.whom.user.id
    refuse_unless(_NOTHING_TO_DO if thread.has(whom) else _usable(command.asked.ground, command.whom))
    with_him = joined(thread, whom, command.role, draft.now, _sees_from(draft, command.asked, thread, whom))
    draft.tell(ParticipantAdded(thread.id, whom, command.role, by))
    return _noted(draft, command.asked, with_him, Act(Deed.ADDED, whom=whom, role=command.role))


def transfer(draft: Draft, command: Transfer) -> Placement:
    """Give a thread another owner. Of two transfers at once, the second finds that the owner has changed."""
    thread, by = _opened(draft, command.asked, Right.TRANSFER, changes_owner_of=(command.from_owner,))
    return _transferred(draft, command, thread, by)


def _transferred(draft: Draft, command: Transfer, thread: Conversation, by: UserId) -> Placement:
    asked, to, from_owner = command.asked, command.to.user.id, thread.owner
    refuse_unless(judge_note(command.note) if command.note else _ALLOWED)
    refuse_unless(_NOTHING_TO_DO if from_owner == to else _usable(asked.ground, command.to))
    handed = joined(thread, to, Role.OWNER, draft.now, _sees_from(draft, asked, thread, to))
    if command.stays and from_owner is not None:
        part = thread.part_of(from_owner)
        assert part is not None
        handed = joined(handed, from_owner, Role.MEMBER, draft.now, part.sees_from_at)
    pass_on_held(draft, asked.ground, handed)
    draft.tell(ConversationTransferred(thread.id, from_owner, to, by))
    act = Act(Deed.TRANSFERRED, whom=to, from_owner=from_owner, note=command.note)
    return _noted(draft, asked, handed, act)


def take(draft: Draft, asked: Asked) -> Placement:
    """Become the owner of a thread on the unassigned list, or of a team's that the user is in."""
    thread, by = _opened(draft, asked, Right.TAKE)
    take_over(draft, asked.ground, thread, by, asked.entry)
    return Placement(_ALLOWED, thread.id, asked.entry, MessageStatus.NOTED)


def leave(draft: Draft, command: Leave) -> Placement:
    """Take part no longer. An owner says who goes on: without that a thread would be nobody's by accident."""
    asked = command.asked
    thread, by = _opened(draft, asked, Right.LEAVE)
    part = _own_part(thread, by)
    if part.role is not Role.OWNER:
        refuse_unless(_ALLOWED if command.then is None else _OWNER_CHANGED)
        gone = parted(thread, by, draft.now)
        pass_on_held(draft, asked.ground, gone)
        draft.tell(ParticipantLeft(thread.id, by))
        return _noted(draft, asked, gone, Act(Deed.LEFT))
    refuse_unless(_OWNER_NEEDED if command.then is None else _ALLOWED)
    assert command.then is not None
    match command.then:
        case HandOver(_, note):
            if command.to is None:
                raise InternalError("who goes on was named and not looked up")
            return _transferred(draft, Transfer(asked, command.to, by, note), thread, by)
        case EndIt():
            return _ended(draft, asked, thread, by)
        case LetGo():
            draft.tell(ConversationLetGo(thread.id, by, by))
            return _noted(draft, asked, parted(thread, by, draft.now), Act(Deed.LET_GO, from_owner=by))
        case _:
            assert_never(command.then)


def remove(draft: Draft, command: Remove) -> Placement:
    """Let somebody take part no longer. An owner is removed by those who supervise; the thread is unassigned then, and
    what he held is cancelled: nobody would answer for it."""
    asked = command.asked
    thread, by = _opened(draft, asked, Right.REMOVE)
    refuse_unless(_ALLOWED if thread.has(command.whom) else _NOTHING_TO_DO)
    gone = parted(thread, command.whom, draft.now)
    act = Act(Deed.REMOVED, whom=command.whom)
    if thread.owner == command.whom:
        refuse_unless(_ALLOWED if seat_of(asked.ground).user.supervises else _OWNER_NEEDED)
        _cancel_all(draft, asked.ground, thread, command.whom)
        draft.tell(ConversationLetGo(thread.id, command.whom, by))
        act = evolve(act, from_owner=command.whom)
    pass_on_held(draft, asked.ground, gone)
    draft.tell(ParticipantRemoved(thread.id, command.whom, by))
    return _noted(draft, asked, gone, act)


def retire(draft: Draft, command: Retire) -> Placement:
    """Take a member or an observer out for good, and pass on what he holds."""
    asked, whom = command.asked, command.whom
    is_himself = seat_of(asked.ground).user.id == whom
    thread, by = _opened(draft, asked, Right.LEAVE if is_himself else Right.REMOVE)
    part = thread.part_of(whom)
    refuse_unless(_NOTHING_TO_DO if part is None else _ALLOWED)
    refuse_unless(_OWNER_CHANGED if thread.owner == whom else _ALLOWED)
    gone = parted(thread, whom, draft.now)
    pass_on_held(draft, asked.ground, gone, command.heir.user.id)
    draft.tell(ParticipantLeft(thread.id, whom) if is_himself else ParticipantRemoved(thread.id, whom, by))
    return _noted(draft, asked, gone, Act(Deed.LEFT) if is_himself else Act(Deed.REMOVED, whom=whom))


def change_role(draft: Draft, command: ChangeRole) -> Placement:
    """Make a member an observer, or the other way round; an owner changes by transfer alone."""
    thread, by = _opened(draft, command.asked, Right.CHANGE_ROLE)
    part = thread.part_of(command.whom)
    if part is None or part.role is command.role:
        refuse_unless(_NOTHING_TO_DO)
    assert part is not None
    refuse_unless(_OWNER_NEEDED if Role.OWNER in (part.role, command.role) else _ALLOWED)
    changed = joined(thread, command.whom, command.role, draft.now, part.sees_from_at)
    draft.tell(RoleChanged(thread.id, command.whom, command.role, by))
    return _noted(draft, command.asked, changed, Act(Deed.ROLE_CHANGED, whom=command.whom, role=command.role))


def mute(draft: Draft, command: Mute) -> Placement:
    """Note that a user wants to hear of a thread no longer, or again. Nobody else is told."""
    thread, by = _opened(draft, command.asked, Right.MUTE)
    refuse_unless(_NOTHING_TO_DO if _own_part(thread, by).is_muted is command.is_muted else _ALLOWED)
    draft.put(CONVERSATION.of(draft.tenant, thread.id), muted(thread, by, is_muted=command.is_muted))
    draft.tell(ConversationMuted(thread.id, by, command.is_muted))
    return Placement(_ALLOWED, thread.id)


def add_note(draft: Draft, command: AddNote) -> Placement:
    """Write something that only users read."""
    thread, by = _opened(draft, command.asked, Right.NOTE)
    refuse_unless(judge_note(command.text))
    draft.tell(NoteAdded(command.asked.entry, thread.id, by))
    return _noted(draft, command.asked, thread, Note(command.text))


# --- end and restart --------------------------------------------------------------------------------------------------


def end(draft: Draft, asked: Asked) -> Placement:
    """End a thread. Those who are in it keep it to read; what it held is cancelled. What the customer writes next begins
    a new one."""
    thread, by = _opened(draft, asked, Right.END)
    return _ended(draft, asked, thread, by)


def _ended(draft: Draft, asked: Asked, thread: Conversation, by: UserId) -> Placement:
    ground = asked.ground
    _cancel_all(draft, ground, thread)
    customer = identity.survivor(draft, thread.customer)
    pair = pair_of(draft, ground, customer)
    draft.put(ground.pair(customer), evolve(pair, open=tuple(each for each in pair.open if each != thread.id)))
    draft.tell(ConversationEnded(thread.id, by))
    return _noted(draft, asked, evolve(thread, state=ConversationState.ENDED), Act(Deed.ENDED))


def restart(draft: Draft, asked: Asked) -> Placement:
    """Begin a new thread with the customer of one that has ended. The rules are asked as for any beginning: a consent
    that was revoked meanwhile stays revoked."""
    thread, by = _opened(draft, asked, Right.RESTART)
    ground = asked.ground
    customer = identity.survivor(draft, thread.customer)
    opened = (draft.get(CONVERSATION.of(draft.tenant, each)) for each in pair_of(draft, ground, customer).open)
    is_restarted = any(each.restarted_from == thread.id for each in opened)
    refuse_unless(Decision(Reason.CONVERSATION_OPEN) if is_restarted else _ALLOWED)
    decision = refuse_unless(may_start(draft, standing_of(draft, ground, customer)))
    new = open_thread(draft, ground, customer, by, draft.now, thread.id)
    draft.tell(ConversationRestarted(new, thread.id, by))
    _noted(draft, asked, draft.get(CONVERSATION.of(draft.tenant, new)), Act(Deed.RESTARTED, before=thread.id))
    return Placement(decision, new, asked.entry, MessageStatus.NOTED)


# --- what is held -----------------------------------------------------------------------------------------------------


def cancel_held(draft: Draft, command: OfHeld) -> Placement:
    """Take a held message back: one's own, or anybody's in a thread that is one's own or supervised."""
    message = _held_message(draft, command, Right.SEE)
    _cancel(draft, command.asked.ground, message)
    return Placement(_ALLOWED, message.conversation, message.id, MessageStatus.CANCELLED)


def edit_held(draft: Draft, command: OfHeld) -> Placement:
    """Let a held message say something else. It stays where it is in the order, and is its last editor's."""
    assert command.content is not None
    ground = command.asked.ground
    message = _held_message(draft, command, Right.WRITE)
    customer = identity.survivor(draft, message.customer)
    decision = judge(draft, ground, command.content, standing_of(draft, ground, customer))
    refuse_unless(_ALLOWED if decision.reason is Reason.WINDOW_CLOSED else decision)
    by = seat_of(ground).user.id
    refuse_unless(judge_screening(ground.screening, draft.now) or _ALLOWED)
    edited = evolve(message, content=command.content, author=ByUser(by), sponsor=None, redacted_by=command.redacted_by)
    draft.put(MESSAGE.of(draft.tenant, message.id), edited)
    move_files(draft, message, edited)
    draft.tell(HeldEdited(message.id, message.conversation, by))
    return Placement(decision, message.conversation, message.id, message.status)


def order_held(draft: Draft, command: OrderHeld) -> Placement:
    """Let held messages leave in another order. Those of other threads with this customer keep their places."""
    ground = command.asked.ground
    thread, by = _opened(draft, command.asked, Right.WRITE)
    waiting = list(held_of(draft, ground, thread))
    own = [(entry, message) for entry, message in waiting if message.conversation == thread.id]
    before = [message.id for _, message in own]
    # Somebody else held one more, or it left: who asked had another list before him.
    is_of_these = sorted(before) == sorted(command.messages) and tuple(before) != command.messages
    refuse_unless(_ALLOWED if is_of_these else _NOTHING_TO_DO)
    if any(message.sender != by for _, message in own):
        refuse_unless(may(Right.RULE_HELD, thread, seat_of(ground)))
    entries = {message.id: entry for entry, message in own}
    ordered = iter(command.messages)
    customer = identity.survivor(draft, thread.customer)
    pair = pair_of(draft, ground, customer)
    for place, (entry, message) in enumerate(waiting, start=1):
        moved = entries[next(ordered)] if message.conversation == thread.id else entry
        key = OUTBOX.of(draft.tenant, moved.work.value, moved.message)
        draft.put(key, evolve(moved, rank=pair.rank + place))
    draft.put(ground.pair(customer), evolve(pair, rank=pair.rank + len(waiting)))
    draft.tell(HeldReordered(thread.id, by))
    return Placement(_ALLOWED, thread.id)


def _held_message(draft: Draft, command: OfHeld, right: Right) -> Message:
    thread, by = _opened(draft, command.asked, right)
    message: Message | None = draft.get(MESSAGE.of(draft.tenant, command.message))
    if message is None or message.conversation != thread.id or message.status is not MessageStatus.HELD:
        refuse_unless(_NOTHING_TO_DO)
    assert message is not None
    if message.sender != by:
        refuse_unless(may(Right.RULE_HELD, thread, seat_of(command.asked.ground)))
    return message


def _cancel(draft: Draft, ground: Ground, message: Message) -> None:
    key = outbox_key(draft, message)
    draft.get(key)
    draft.delete(key)
    count_held(draft, ground, message, -1)
    advance(draft, message, Step.CANCEL)


def _cancel_all(draft: Draft, ground: Ground, thread: Conversation, of: UserId | None = None) -> None:
    for _, message in list(held_in(draft, ground, thread)):
        if of is None or message.sender == of:
            _cancel(draft, ground, message)


# --- common -----------------------------------------------------------------------------------------------------------


def _opened(
    draft: Draft, asked: Asked, right: Right, *, changes_owner_of: tuple[UserId | None] | None = None
) -> tuple[Conversation, UserId]:
    """The thread and who acts, if he may."""
    if asked.command:
        once(draft, command_mark(seat_of(asked.ground).user.id, asked.command), asked.entry)
    seat = seat_of(asked.ground)
    thread: Conversation | None = draft.get(CONVERSATION.of(draft.tenant, asked.conversation))
    if thread is not None and changes_owner_of is not None:
        refuse_unless(still_owned(thread, *changes_owner_of, seat) or _ALLOWED)
    refuse_unless(may(right, thread, seat))
    refuse_unless(Decision(Reason.USER_DISABLED) if seat.user.disabled else _ALLOWED)
    assert thread is not None
    return thread, seat.user.id


def _noted(draft: Draft, asked: Asked, thread: Conversation, content: Act | Note) -> Placement:
    note_act(draft, thread, seat_of(asked.ground).user.id, asked.entry, content)
    return Placement(_ALLOWED, thread.id, asked.entry, MessageStatus.NOTED)


def _own_part(thread: Conversation, user: UserId) -> Participant:
    """The user's own part; who takes part through a team alone has none to leave or to mute."""
    part = thread.part_of(user)
    refuse_unless(_NOTHING_TO_DO if part is None else _ALLOWED)
    assert part is not None
    return part


def _sees_from(draft: Draft, asked: Asked, thread: Conversation, whom: UserId) -> datetime | None:
    return sees_from(thread, whom, asked.ground.settings.newcomers_see, draft.now)


def _usable(ground: Ground, seat: Seat) -> Decision:
    """Whether somebody can take part: he is not disabled, and has the channel."""
    capabilities = ground.capabilities
    verdict = enablement(ground.setup.organizations, seat, capabilities.channel, capabilities.label)
    return _ALLOWED if verdict.is_allowed else verdict
