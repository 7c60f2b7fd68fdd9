"""Whom an event concerns: those who take part now, see it, and want to hear of it."""

from datetime import timedelta

import pytest
from attrs import evolve

from wa_connector.model.content import (
    ButtonReply,
    Buttons,
    Content,
    Image,
    MediaRef,
    Note,
    TemplateMessage,
    Text,
    Withheld,
    text_of,
)
from wa_connector.model.conversation import Conversation, ConversationState, Participant, Role
from wa_connector.model.event import (
    ConversationEnded,
    ConversationLetGo,
    ConversationTransferred,
    Happening,
    MessageReceived,
    MessageStatusChanged,
    NoteAdded,
    ParticipantAdded,
)
from wa_connector.model.ids import ConversationId, CustomerId, LineId, MessageId, TenantId, UserId
from wa_connector.model.message import ByCustomer, ByUser, Message, MessageStatus
from wa_connector.model.push import PushKind, PushNotice
from wa_connector.model.setting import PushShows
from wa_connector.policy.pushing import concerned, recipients, shown
from wa_connector.testing.host import NOON

THREAD, M, CARL = ConversationId("thread"), MessageId("m"), CustomerId("carl")
ANA, BEN, SUE, DAN = (UserId(name) for name in ("ana", "ben", "sue", "dan"))
LATER = NOON + timedelta(hours=1)
OPEN = Conversation(
    THREAD,
    LineId("line"),
    CARL,
    ConversationState.OPEN,
    NOON,
    (
        Participant(ANA, Role.OWNER, NOON),
        Participant(BEN, Role.MEMBER, NOON, is_muted=True),
        Participant(SUE, Role.OBSERVER, LATER, sees_from_at=LATER),
        Participant(DAN, Role.MEMBER, NOON, until_at=LATER),
    ),
)
NOBODYS = evolve(OPEN, participants=(Participant(SUE, Role.OBSERVER, NOON),))
ENDED = evolve(NOBODYS, state=ConversationState.ENDED)
MESSAGE = Message(M, THREAD, CARL, LineId("line"), LATER, ByCustomer(), Text("Hi"), MessageStatus.RECEIVED, LATER)
EARLY = evolve(MESSAGE, at=NOON)
OURS = evolve(MESSAGE, author=ByUser(ANA))
RECEIVED = MessageReceived(M, THREAD, CARL)
NOT_SENT = MessageStatusChanged(M, THREAD, MessageStatus.FAILED)
GIVEN = PushKind.GIVEN


@pytest.mark.parametrize(
    ("happening", "thread", "message", "expected"),
    [
        (RECEIVED, OPEN, MESSAGE, {ANA: PushKind.MESSAGE, SUE: PushKind.MESSAGE}),
        (RECEIVED, OPEN, EARLY, {ANA: PushKind.MESSAGE}),
        (RECEIVED, NOBODYS, MESSAGE, {SUE: PushKind.MESSAGE, None: PushKind.UNASSIGNED}),
        (RECEIVED, ENDED, MESSAGE, {SUE: PushKind.MESSAGE}),
        (RECEIVED, OPEN, None, {}),
        (NoteAdded(M, THREAD, ANA), OPEN, OURS, {SUE: PushKind.NOTE}),
        (NoteAdded(M, THREAD, ANA), OPEN, None, {}),
        (NOT_SENT, OPEN, OURS, {ANA: PushKind.NOT_SENT}),
        (NOT_SENT, NOBODYS, OURS, {}),
        (NOT_SENT, OPEN, MESSAGE, {}),
        (NOT_SENT, OPEN, None, {}),
        (ConversationTransferred(THREAD, BEN, ANA, BEN), OPEN, None, {ANA: GIVEN}),
        (ConversationTransferred(THREAD, BEN, ANA, ANA), OPEN, None, {}),
        (ConversationTransferred(THREAD, BEN, DAN, BEN), OPEN, None, {}),
        (ParticipantAdded(THREAD, SUE, Role.OBSERVER, ANA), OPEN, None, {SUE: GIVEN}),
        (ParticipantAdded(THREAD, DAN, Role.MEMBER, ANA), OPEN, None, {}),
        (ConversationLetGo(THREAD, ANA, ANA), NOBODYS, None, {None: PushKind.UNASSIGNED}),
        (ConversationLetGo(THREAD, ANA, ANA), OPEN, None, {}),
        (ConversationLetGo(THREAD, ANA, ANA), ENDED, None, {}),
        (ConversationEnded(THREAD, ANA), OPEN, None, {}),
    ],
)
def test_who_is_told_of_what(
    happening: Happening, thread: Conversation, message: Message | None, expected: dict[UserId | None, PushKind]
) -> None:
    assert expected == dict(recipients(happening, thread, message))


def test_what_has_to_be_loaded() -> None:
    assert (THREAD, M) == concerned(RECEIVED) == concerned(NOT_SENT) == concerned(NoteAdded(M, THREAD, ANA))
    told = {status for status in MessageStatus if concerned(evolve(NOT_SENT, status=status)) is not None}
    assert told == {MessageStatus.FAILED, MessageStatus.REFUSED, MessageStatus.EXPIRED, MessageStatus.PARKED}
    assert concerned(ConversationLetGo(THREAD, ANA, ANA)) == (THREAD, None)
    assert concerned(ConversationEnded(THREAD, ANA)) is None


def test_a_device_shows_no_more_than_the_organization_lets_it() -> None:
    bare = PushNotice("1 ana", TenantId("acme"), ANA, PushKind.MESSAGE, THREAD, M, NOON)
    assert bare == shown(bare, "Carl", Text("Hi"), PushShows.NOTHING)
    assert evolve(bare, sender="Carl") == shown(bare, "Carl", Text("Hi"), PushShows.SENDER)
    assert evolve(bare, sender="Carl", text="Hi") == shown(bare, "Carl", Text("Hi"), PushShows.TEXT)
    assert evolve(bare, sender="Carl") == shown(bare, "Carl", None, PushShows.TEXT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Text("a"), "a"),
        (Note("b"), "b"),
        (Buttons("c", ()), "c"),
        (Image(MediaRef("image/png"), "d"), "d"),
        (ButtonReply("yes", "e"), "e"),
        (TemplateMessage("t", "en", rendered="f"), "f"),
        (Withheld("dlp", "No."), ""),
    ],
)
def test_the_words_of_a_content(content: Content, words: str) -> None:
    assert words == text_of(content)
