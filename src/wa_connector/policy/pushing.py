"""Whom an event concerns, and what his device may show of it.

Rules of this file: everything is read as it is now, not as it was when the event happened; whoever was removed
meanwhile hears nothing any more, and a muted conversation is quiet for whoever muted it.
"""

from attrs import evolve

from wa_connector.model.content import Content, text_of
from wa_connector.model.conversation import Conversation, ConversationState
from wa_connector.model.event import (
    ConversationLetGo,
    ConversationTransferred,
    Happening,
    MessageReceived,
    MessageStatusChanged,
    NoteAdded,
    ParticipantAdded,
)
from wa_connector.model.ids import ConversationId, MessageId, UserId
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.push import PushKind, PushNotice
from wa_connector.model.setting import PushShows

_NOT_SENT = frozenset({MessageStatus.FAILED, MessageStatus.REFUSED, MessageStatus.EXPIRED, MessageStatus.PARKED})


def concerned(happening: Happening) -> tuple[ConversationId, MessageId | None] | None:
    """The conversation and the message that have to be loaded to know whom it concerns; None when it concerns nobody."""
    match happening:
        case MessageReceived(message, conversation) | NoteAdded(message, conversation):
            return conversation, message
        case MessageStatusChanged(message, conversation, status) if status in _NOT_SENT:
            return conversation, message
        case ConversationTransferred(conversation) | ParticipantAdded(conversation) | ConversationLetGo(conversation):
            return conversation, None
        case _:
            return None


def recipients(
    happening: Happening, thread: Conversation, message: Message | None
) -> tuple[tuple[UserId | None, PushKind], ...]:
    """Who is to be told, and of what; None stands for whoever looks after the unassigned list."""
    match happening:
        case MessageReceived() if message is not None:
            told = _hearing(thread, message, None)
            is_unassigned = thread.owner is None and thread.state is ConversationState.OPEN
            nobodys: tuple[tuple[UserId | None, PushKind], ...] = ((None, PushKind.UNASSIGNED),)
            return (*((user, PushKind.MESSAGE) for user in told), *(nobodys if is_unassigned else ()))
        case NoteAdded(_, _, by) if message is not None:
            return tuple((user, PushKind.NOTE) for user in _hearing(thread, message, by))
        case MessageStatusChanged() if message is not None and message.sender is not None:
            return ((message.sender, PushKind.NOT_SENT),) if thread.has(message.sender) else ()
        case ConversationTransferred(_, _, whom, by):
            return ((whom, PushKind.GIVEN),) if whom != by and thread.owner == whom else ()
        case ParticipantAdded(_, whom, _, by):
            return ((whom, PushKind.GIVEN),) if whom != by and thread.has(whom) else ()
        case ConversationLetGo():
            is_unassigned = thread.owner is None and thread.state is ConversationState.OPEN
            return ((None, PushKind.UNASSIGNED),) if is_unassigned else ()
        case _:
            return ()


def _hearing(thread: Conversation, message: Message, by: UserId | None) -> tuple[UserId, ...]:
    """Those who take part, see the message and want to hear of it; not its author."""
    return tuple(
        part.user
        for part in thread.participants
        if part.is_current
        and not part.is_muted
        and part.user != by
        and (part.sees_from_at is None or part.sees_from_at <= message.at)
    )


def shown(notice: PushNotice, sender: str, content: Content | None, shows: PushShows) -> PushNotice:
    """The notice with as much of it as the setting lets a device show."""
    if shows is PushShows.NOTHING:
        return notice
    named = evolve(notice, sender=sender)
    if shows is PushShows.SENDER or content is None:
        return named
    return evolve(named, text=text_of(content))
