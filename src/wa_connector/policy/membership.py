"""Who may do what in a conversation: one table, place → rights, and the spans of the timeline that somebody sees.

Theory: what a user may do follows from his *places* towards a conversation: the part he has in it, by himself or through
a team or a queue, the team that owns it, the unassigned list that is everybody's, and that he supervises. He has the
rights of all his places together. An open conversation has exactly one owner (a user, a team or a queue), or it has none
and stands on the unassigned list; the functions that change parts keep it so.

A part is ``[since_at, until_at)`` and shows ``[sees_from_at, until_at)`` of the timeline: whoever was removed keeps what
he saw and sees nothing of what came after; the entry of his removal is the first that he does not see.

Rules of this file: no loading, no clock; what is refused to somebody who is not in a conversation is refused like one
that does not exist.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Final

from attrs import evolve, frozen

from wa_connector.model.conversation import (
    UNASSIGNED,
    Conversation,
    ConversationState,
    Listing,
    ListingState,
    Participant,
    Role,
)
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import Seat
from wa_connector.model.ids import UserId
from wa_connector.model.instants import EPOCH
from wa_connector.model.setting import Newcomers


class Place(Enum):
    """How a user stands towards a conversation."""

    OWNER = "owner"
    MEMBER = "member"
    OBSERVER = "observer"
    TEAM = "team"
    """In the team or the queue that owns it."""
    ANYBODY = "anybody"
    """Nobody owns it: it stands on the unassigned list."""
    SUPERVISOR = "supervisor"
    FORMER = "former"
    """Was in it once."""


class Right(Enum):
    """What somebody may want to do."""

    READ = "read"
    """The timeline, as far as his parts in it reach."""
    SEE = "see"
    """Who the customer is, what is held, the evidence of consent: as it is now."""
    WRITE = "write"
    """Who writes into a conversation on the unassigned list, or into his team's, takes it."""
    NOTE = "note"
    TAKE = "take"
    ADD = "add"
    TRANSFER = "transfer"
    REMOVE = "remove"
    CHANGE_ROLE = "change_role"
    LEAVE = "leave"
    MUTE = "mute"
    END = "end"
    RESTART = "restart"
    RULE_HELD = "rule_held"
    """Cancel what others hold; edit it, too, where he may write."""


_LOOKS: Final = frozenset({Right.READ, Right.SEE})
_TAKES_PART: Final = _LOOKS | {Right.NOTE, Right.LEAVE, Right.MUTE}

TABLE: Final[Mapping[ConversationState, Mapping[Place, frozenset[Right]]]] = {
    ConversationState.OPEN: {
        Place.OWNER: _TAKES_PART
        | {Right.WRITE, Right.ADD, Right.TRANSFER, Right.REMOVE, Right.CHANGE_ROLE, Right.END, Right.RULE_HELD},
        Place.MEMBER: _TAKES_PART | {Right.WRITE, Right.ADD},
        Place.OBSERVER: _TAKES_PART,
        Place.TEAM: _LOOKS | {Right.WRITE, Right.TAKE, Right.TRANSFER},
        Place.ANYBODY: _LOOKS | {Right.WRITE, Right.TAKE},
        Place.SUPERVISOR: _LOOKS
        | {Right.NOTE, Right.ADD, Right.TRANSFER, Right.REMOVE, Right.CHANGE_ROLE, Right.RULE_HELD},
        Place.FORMER: frozenset({Right.READ}),
    },
    # Its parts stay as they were, so that those who were in it to the end can read it and begin again.
    ConversationState.ENDED: {
        Place.OWNER: _LOOKS | {Right.RESTART},
        Place.MEMBER: _LOOKS | {Right.RESTART},
        Place.OBSERVER: _LOOKS,
        Place.TEAM: _LOOKS | {Right.RESTART},
        Place.ANYBODY: _LOOKS | {Right.RESTART},
        Place.SUPERVISOR: _LOOKS | {Right.RESTART},
        Place.FORMER: frozenset({Right.READ}),
    },
}
_ROLES: Final = {Role.OWNER: Place.OWNER, Role.MEMBER: Place.MEMBER, Role.OBSERVER: Place.OBSERVER}
_PARTS: Final = frozenset({Place.OWNER, Place.MEMBER, Place.OBSERVER, Place.TEAM})
_ALLOWED: Final = Decision(Reason.ALLOWED)
_NOT_A_PARTICIPANT: Final = Decision(Reason.NOT_A_PARTICIPANT)


def names_of(seat: Seat) -> frozenset[UserId]:
    """Whose parts are this user's: his own, and those of his teams and queues."""
    return seat.teams | {seat.user.id}


def places(thread: Conversation, seat: Seat) -> frozenset[Place]:
    """All the places that a user has; none for one who has nothing to do with it."""
    names = names_of(seat)
    found: set[Place] = set()
    for part in thread.participants:
        if part.user in names and part.is_current:
            is_his_teams = part.role is Role.OWNER and part.user != seat.user.id
            found.add(Place.TEAM if is_his_teams else _ROLES[part.role])
    if not found and any(part.user in names for part in thread.participants):
        found.add(Place.FORMER)
    if thread.owner is None:
        found.add(Place.ANYBODY)
    if seat.user.supervises:
        found.add(Place.SUPERVISOR)
    return frozenset(found)


def may(right: Right, thread: Conversation | None, seat: Seat) -> Decision:
    """The verdict. A conversation that does not exist is refused like one of others, so that ids cannot be tried out."""
    if thread is None:
        return _NOT_A_PARTICIPANT
    has = places(thread, seat)
    if _gives(thread.state, has, right):
        return _ALLOWED
    is_open = thread.state is ConversationState.OPEN
    if _gives(ConversationState.ENDED if is_open else ConversationState.OPEN, has, right):
        return Decision(Reason.CONVERSATION_OPEN if is_open else Reason.CONVERSATION_ENDED)
    return Decision(Reason.ROLE_NOT_ENOUGH) if has & _PARTS else _NOT_A_PARTICIPANT


def _gives(state: ConversationState, has: frozenset[Place], right: Right) -> bool:
    return any(right in TABLE[state][place] for place in has)


def still_owned(thread: Conversation, from_owner: UserId | None, seat: Seat) -> Decision | None:
    """None while the conversation is whose the caller takes it to be, else the refusal.

    To be asked before ``may``: whoever lost it a moment ago is told so, and not that he has no part in it. One who never
    had a part learns nothing.
    """
    has = places(thread, seat)
    has_lost_it = Place.FORMER in has and from_owner in names_of(seat)
    if thread.owner != from_owner and (has - {Place.FORMER} or has_lost_it):
        return Decision(Reason.OWNER_CHANGED)
    return None


# --- changing parts ---------------------------------------------------------------------------------------------------


def sees_from(thread: Conversation, who: UserId, newcomers: Newcomers, now: datetime) -> datetime | None:
    """From when somebody sees the timeline who joins now; whoever is in it already goes on as he was."""
    part = thread.part_of(who)
    if part is not None:
        return part.sees_from_at
    return now if newcomers is Newcomers.FROM_JOINING else None


def joined(
    thread: Conversation, who: UserId, role: Role, now: datetime, sees_from_at: datetime | None = None
) -> Conversation:
    """With a new part for ``who``, in the place of the one he has. A new owner takes the place of the former one."""
    was = thread.part_of(who)
    freed = parted(thread, who, now)
    if role is Role.OWNER and freed.owner is not None:
        freed = parted(freed, freed.owner, now)
    part = Participant(who, role, now, sees_from_at=sees_from_at, is_muted=was.is_muted if was else False)
    return evolve(freed, participants=(*freed.participants, part))


def parted(thread: Conversation, who: UserId, now: datetime) -> Conversation:
    """Without a present part of ``who``. An instant from a clock that is behind ends a part where it began."""
    return evolve(
        thread,
        participants=tuple(
            evolve(part, until_at=max(now, part.since_at)) if part.user == who and part.is_current else part
            for part in thread.participants
        ),
    )


def muted(thread: Conversation, who: UserId, *, is_muted: bool) -> Conversation:
    """With the present part of ``who`` muted, or no longer."""
    return evolve(
        thread,
        participants=tuple(
            evolve(part, is_muted=is_muted) if part.user == who and part.is_current else part
            for part in thread.participants
        ),
    )


# --- lists ------------------------------------------------------------------------------------------------------------


def lists_of(thread: Conversation) -> tuple[str, ...]:
    """The names of the lists that a thread stands on: of all who take part, and the unassigned list where nobody owns
    it. An ended one stays where it was."""
    names = tuple(part.user for part in thread.participants if part.is_current)
    return names if thread.owner is not None else (*names, UNASSIGNED)


def listing_of(thread: Conversation, name: str) -> Listing | None:
    """A thread as it stands on a list; of somebody who was in it, what he may see still. None where it never was."""
    if name == UNASSIGNED:
        if thread.owner is not None:
            return None
        state = ListingState(thread.state.value)
        return Listing(thread.id, thread.customer, thread.line, state, thread.line, lists=lists_of(thread))
    parts = [part for part in thread.participants if part.user == name]
    if not parts:
        return None
    starts = [part.sees_from_at for part in parts if part.sees_from_at is not None]
    ends = [part.until_at for part in parts if part.until_at is not None]
    is_current = len(ends) < len(parts)
    return Listing(
        thread.id,
        thread.customer,
        thread.line,
        ListingState(thread.state.value) if is_current else ListingState.FORMER,
        thread.channel,
        is_owned=thread.owner == name,
        lists=lists_of(thread) if is_current else (),
        sees_from_at=min(starts) if len(starts) == len(parts) else None,
        sees_until_at=None if is_current else max(ends),
    )


def preferred(lists: Iterable[str], seat: Seat) -> str | None:
    """Of the lists that a thread stands on, the one on which this user finds it: his own before those of his teams.

    None where it is on none of them.
    """
    if seat.user.id in lists:
        return seat.user.id
    return min((name for name in lists if name in seat.teams), default=None)


# --- what is seen -----------------------------------------------------------------------------------------------------


@frozen
class Span:
    """``[from_at, until_at)`` of a timeline; None is without an end on that side."""

    from_at: datetime | None = None
    until_at: datetime | None = None

    def has(self, at: datetime) -> bool:
        return (self.from_at is None or self.from_at <= at) and (self.until_at is None or at < self.until_at)


WHOLE: Final = (Span(),)


def concerns(thread: Conversation, seat: Seat) -> bool:
    """Whether a thread can concern a user even on a line that is not his: he or his team is or was in it, or he
    supervises."""
    names = names_of(seat)
    return seat.user.supervises or any(part.user in names for part in thread.participants)


def shows(thread: Conversation, name: str, at: datetime) -> bool:
    """Whether what is entered now as of ``at`` is seen on a list. What comes late may be of a time before a newcomer's."""
    if name == UNASSIGNED:
        return True
    return any(Span(part.sees_from_at, part.until_at).has(at) for part in thread.participants if part.user == name)


def spans(thread: Conversation, seat: Seat) -> tuple[Span, ...]:
    """What a user sees of the timeline, the latest first; they neither overlap nor touch."""
    if places(thread, seat) & {Place.SUPERVISOR, Place.ANYBODY}:
        return WHOLE
    names = names_of(seat)
    found = [Span(part.sees_from_at, part.until_at) for part in thread.participants if part.user in names]
    joint: list[Span] = []
    for span in sorted(found, key=_beginning):
        if span.from_at is not None and span.until_at is not None and span.until_at <= span.from_at:
            continue
        last = joint[-1] if joint else None
        if last is None or (last.until_at is not None and span.from_at is not None and last.until_at < span.from_at):
            joint.append(span)
        elif last.until_at is not None and (span.until_at is None or span.until_at > last.until_at):
            joint[-1] = Span(last.from_at, span.until_at)
    return tuple(reversed(joint))


def _beginning(span: Span) -> tuple[bool, datetime]:
    return (span.from_at is not None, span.from_at or EPOCH)


def as_seen(thread: Conversation, seat: Seat) -> Conversation:
    """The conversation as a user may know it: one who was in it knows nobody who came after him."""
    if places(thread, seat) != {Place.FORMER}:
        return thread
    names = names_of(seat)
    until_at = max(part.until_at for part in thread.participants if part.user in names and part.until_at is not None)
    known = (part for part in thread.participants if part.since_at < until_at or part.user in names)
    return evolve(
        thread,
        state=ConversationState.OPEN,
        participants=tuple(
            evolve(part, until_at=None) if part.until_at is not None and part.until_at > until_at else part
            for part in known
        ),
    )
