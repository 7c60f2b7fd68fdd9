"""Who takes part in a thread, and who has it."""

from datetime import timedelta

import pytest

from wa_connector.model.conversation import Conversation, ConversationState, Participant, Role
from wa_connector.model.ids import ConversationId, CustomerId, LineId, UserId
from wa_connector.testing.strategies import NOW

ANNA, BEN = UserId("anna"), UserId("ben")


def thread(*participants: Participant) -> Conversation:
    return Conversation(
        ConversationId("c"), LineId("line-1"), CustomerId("customer-1"), ConversationState.OPEN, NOW, participants
    )


def part(user: UserId, role: Role, *, is_over: bool = False) -> Participant:
    return Participant(user, role, NOW, NOW + timedelta(hours=1) if is_over else None)


@pytest.mark.parametrize(
    ("participants", "owner"),
    [
        ((), None),
        ((part(ANNA, Role.OWNER),), ANNA),
        ((part(ANNA, Role.MEMBER), part(BEN, Role.OBSERVER)), None),
        ((part(ANNA, Role.OWNER, is_over=True),), None),
        ((part(ANNA, Role.OWNER, is_over=True), part(BEN, Role.OWNER)), BEN),
        ((part(ANNA, Role.OWNER, is_over=True), part(ANNA, Role.MEMBER)), None),
    ],
)
def test_the_owner_is_who_has_it_now(participants: tuple[Participant, ...], owner: UserId | None) -> None:
    assert owner == thread(*participants).owner


def test_only_a_part_that_lasts_counts() -> None:
    conversation = thread(part(ANNA, Role.OWNER, is_over=True), part(BEN, Role.OBSERVER), part(BEN, Role.MEMBER))
    assert [conversation.has(ANNA), conversation.has(BEN)] == [False, True]


def test_who_left_and_came_back_takes_part() -> None:
    assert thread(part(ANNA, Role.MEMBER, is_over=True), part(ANNA, Role.MEMBER)).has(ANNA)
