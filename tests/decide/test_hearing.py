"""Heard or removed where it lies: told once, whatever comes first, and taken off what the box's owner has not read."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from wa_connector.decide import hearing
from wa_connector.decide.draft import Known
from wa_connector.decide.hearing import ReceiveGone, ReceiveHeard, receive_gone, receive_heard
from wa_connector.decide.reading import MarkRead, mark_read
from wa_connector.decide.receiving import receive_message
from wa_connector.model.content import MediaRef, Text, Voicemail
from wa_connector.model.event import MessageGone, MessageHeard
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import InboundGone, InboundHeard
from wa_connector.model.message import Message
from wa_connector.ports.rows import LISTING
from wa_connector.testing.facts import facts
from wa_connector.testing.host import ACME, ANA

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

RECORDING = Voicemail(MediaRef("audio/wav", provider_ref="1"), lasts=timedelta(seconds=12))


@pytest.fixture
def box(make_desk: Callable[..., "Desk"]) -> "Desk":
    """A desk whose line is Ana's own, as a voicemail box is."""
    return make_desk(owner=ANA)


def heard(desk: "Desk", named: str = "vm-1") -> ReceiveHeard:
    return ReceiveHeard(desk.ground(), InboundHeard(ProviderId(named), desk.now))


def gone(desk: "Desk", named: str = "vm-1") -> ReceiveGone:
    return ReceiveGone(desk.ground(), InboundGone(ProviderId(named), desk.now))


def unread(desk: "Desk", message: Message, name: str = ANA) -> int:
    counts = desk.storage.load([LISTING.of(ACME, name, message.conversation)])
    (row,) = counts.rows.values()
    return max(0, row.merged.get("arrived", 0) - row.merged.get("seen", 0))


def test_what_was_heard_in_the_box_is_heard_here(box: "Desk") -> None:
    message = box.receive(RECORDING, named="vm-1")
    assert (message.heard_at, message.gone_at, unread(box, message)) == (None, None, 1)
    at = box.later(minutes=1)
    assert message.id == box.do(receive_heard, heard(box))
    assert (MessageHeard(message.id, message.conversation),) == box.told
    assert box.stored(message.id) == evolve(message, heard_at=at)
    assert unread(box, message) == 0


def test_what_was_removed_from_the_box_stays_here_and_says_so(box: "Desk") -> None:
    message = box.receive(RECORDING, named="vm-1")
    at = box.later(minutes=1)
    assert message.id == box.do(receive_gone, gone(box))
    assert (MessageGone(message.id, message.conversation),) == box.told
    assert box.stored(message.id) == evolve(message, gone_at=at)
    assert unread(box, message) == 1


def test_a_second_word_is_known(box: "Desk") -> None:
    box.receive(RECORDING, named="vm-1")
    for word in (heard, gone):
        decider: Any = receive_heard if word is heard else receive_gone
        box.do(decider, word(box))
        box.later(minutes=1)
        assert isinstance(box.answer(decider, word(box)), Known)


def test_in_whatever_order_they_come_the_facts_are_the_same(make_desk: Callable[..., "Desk"]) -> None:
    seen = []
    for order in permutations(("message", "heard", "gone")):
        desk = make_desk(owner=ANA)
        for word in order:
            if word == "message":
                desk.do(receive_message, desk.message(RECORDING, named="vm-1", at=desk.now))
            elif word == "heard":
                desk.do(receive_heard, heard(desk))
            else:
                desk.do(receive_gone, gone(desk))
        (message,) = desk.messages()
        assert unread(desk, message) == 0
        seen.append(facts(desk.storage, ACME))
    assert all(each == seen[0] for each in seen)
    (fact,) = seen[0].customers[0].messages
    assert (fact.is_heard, fact.is_gone) == (True, True)


def test_a_recording_that_was_heard_before_it_came_is_no_news(box: "Desk") -> None:
    first = box.receive(RECORDING, named="vm-1")
    command = box.message(RECORDING, named="vm-2")
    old = evolve(command, item=evolve(command.item, heard_at=box.now))
    second = box.stored(box.do(receive_message, old))
    assert (second.heard_at, second.conversation) == (box.now, first.conversation)
    assert unread(box, first) == 1
    assert box.answer(receive_heard, heard(box, "vm-2")).result is None  # type: ignore[union-attr]


def test_each_that_is_heard_counts_for_itself(box: "Desk") -> None:
    """The second of three is heard first; then the first is read here, then the third is heard."""
    first, second, third = [box.receive(RECORDING, named=f"vm-{n}", at=box.later(minutes=1)) for n in range(3)]
    box.do(receive_heard, heard(box, "vm-1"))
    assert box.stored(second.id).heard_at is not None
    assert unread(box, first) == 2
    box.do(mark_read, MarkRead(box.ground(ANA), first.conversation, first.id, first.at))
    assert unread(box, first) == 1
    box.do(receive_heard, heard(box, "vm-2"))
    assert unread(box, third) == 0
    box.receive(RECORDING, named="vm-3", at=box.later(minutes=1))
    assert unread(box, third) == 1


def test_of_a_shared_box_it_is_taken_off_the_unassigned_list(desk: "Desk") -> None:
    message = desk.receive(RECORDING, named="vm-1")
    desk.do(receive_heard, heard(desk))
    assert unread(desk, message, "") == 0


def test_in_a_thread_too_long_to_count_nothing_is_taken_off(box: "Desk", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "MOST_AFTER", 2)
    messages = [box.receive(RECORDING, named=f"vm-{n}", at=box.later(minutes=1)) for n in range(2)]
    box.do(receive_heard, heard(box, "vm-0"))
    assert box.stored(messages[0].id).heard_at is not None
    assert unread(box, messages[0]) == 2


def test_of_a_message_that_lies_nowhere_else_nothing_is_noted(box: "Desk") -> None:
    message = box.receive(Text("Hello"), named="in-1")
    assert box.do(receive_heard, heard(box, "in-1")) is None
    assert box.do(receive_gone, gone(box, "in-1")) is None
    assert box.stored(message.id) == message


def test_a_word_about_what_is_kept_no_longer_changes_nothing(box: "Desk") -> None:
    assert box.do(receive_gone, gone(box, "vm-9")) is None
    assert box.messages() == []
