"""What is parked, and what a restored backup puts in doubt: what was in it may have been sent, and nothing else."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from wa_connector.decide.delivering import settle_doubt
from wa_connector.decide.parking import (
    OF_OUTBOX,
    RESTORED,
    Continue,
    Decided,
    Doubt,
    go_on,
    park_doubtful,
    settle_parked,
    trust,
)
from wa_connector.model.event import BackupRestored
from wa_connector.model.ids import MessageId
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.queue import EntryState, Epoch, Mark
from wa_connector.ports.rows import EPOCH
from wa_connector.testing.host import ACME

if TYPE_CHECKING:
    from tests.decide.conftest import Desk


def queued(desk: "Desk") -> Message:
    return desk.send(desk.granted())


def doubt(desk: "Desk", message: Message, **before: float) -> bool:
    return desk.do(park_doubtful, Doubt(desk.ground(), message.id, desk.now - timedelta(**before)))


def test_an_epoch_rises(desk: "Desk") -> None:
    """From nothing, and whatever is remembered of it but a later one."""
    for number, mark in enumerate((None, Mark(1, desk.now), Mark(1, desk.now), None), start=1):
        remembered, epoch = desk.do(go_on, Continue(mark))
        assert (Mark(number, desk.now), Epoch(number)) == (remembered, epoch)
        assert list(desk.told) == []


def test_rows_that_are_behind_their_mark_are_an_older_copy(desk: "Desk") -> None:
    """Told once; the epoch goes on behind the mark, and the doubt stays until somebody ends it."""
    at = desk.now - timedelta(hours=1)
    desk.do(go_on, Continue(None))
    remembered, epoch = desk.do(go_on, Continue(Mark(7, at)))
    assert list(desk.told) == [BackupRestored(at)]
    assert (Mark(8, desk.now), Epoch(8, at)) == (remembered, epoch)
    _, epoch = desk.do(go_on, Continue(remembered))
    assert list(desk.told) == []
    assert epoch.doubted_until == at
    desk.do(trust, None)
    assert Epoch(9) == desk.row(EPOCH.of(ACME, OF_OUTBOX))


def test_where_nothing_is_in_doubt_there_is_nothing_to_trust(desk: "Desk") -> None:
    desk.do(trust, None)
    assert desk.change is not None
    assert desk.change.is_empty


def test_what_was_there_is_parked(desk: "Desk") -> None:
    """With the reason; a second look finds it parked."""
    message = queued(desk)
    assert doubt(desk, message)
    stored = desk.stored(message.id)
    assert (stored.status, stored.failure) == (MessageStatus.PARKED, RESTORED)
    assert not doubt(desk, message)


def test_what_is_parked_is_held_no_longer(desk: "Desk") -> None:
    """Of two that are held, one is left."""
    thread = desk.granted()
    desk.later(hours=25)
    first, second = desk.send(thread, "one", hold=True), desk.send(thread, "two", hold=True)
    assert desk.pair(first.customer).held == 2
    assert doubt(desk, first)
    assert desk.pair(second.customer).held == 1


def test_what_came_since_is_not_in_doubt(desk: "Desk") -> None:
    message = queued(desk)
    assert not doubt(desk, message, microseconds=1)
    assert desk.stored(message.id).status is MessageStatus.QUEUED


def test_what_was_being_sent_is_in_doubt_as_well(desk: "Desk") -> None:
    """Else `resend` would send again what a later age sent."""
    message = queued(desk)
    desk.hand_over(message)
    assert doubt(desk, message)
    assert desk.stored(message.id).status is MessageStatus.PARKED


def test_what_has_left_is_not_in_doubt(desk: "Desk") -> None:
    message = queued(desk)
    desk.deliver(message)
    assert not doubt(desk, message)


def test_a_held_message_is_in_doubt_as_well(desk: "Desk") -> None:
    """It may have been released and sent; it counts as held no longer."""
    thread = desk.granted()
    desk.later(hours=25)
    message = desk.send(thread, hold=True)
    assert message.status is MessageStatus.HELD
    assert desk.pair(message.customer).held == 1
    assert doubt(desk, message)
    assert desk.pair(message.customer).held == 0


def test_a_parked_message_is_sent_after_all(desk: "Desk") -> None:
    """Its lane is woken; from now on it is not in doubt."""
    message = queued(desk)
    doubt(desk, message)
    desk.later(seconds=1)
    assert desk.do(settle_parked, Decided(message.id, resend=True))
    assert desk.change is not None
    (wake,) = desk.change.wakes
    assert (message.customer, desk.now) == (wake.lane.customer, wake.due_at)
    entry = desk.entry(message)
    assert entry is not None
    assert (EntryState.QUEUED, desk.now) == (entry.state, entry.since_at)
    assert not doubt(desk, message, seconds=1)
    assert not desk.do(settle_parked, Decided(message.id, resend=True))


def test_a_parked_message_is_cancelled(desk: "Desk") -> None:
    message = queued(desk)
    doubt(desk, message)
    assert desk.do(settle_parked, Decided(message.id, resend=False))
    assert desk.stored(message.id).status is MessageStatus.CANCELLED
    assert desk.entry(message) is None


@pytest.mark.parametrize(("code", "is_settled"), [("restored", True), ("other", False), ("", True)])
def test_what_was_parked_for_something_else_is_left_alone(desk: "Desk", code: str, is_settled: bool) -> None:
    message = queued(desk)
    doubt(desk, message)
    assert desk.do(settle_parked, Decided(message.id, resend=False, code=code)) == is_settled


def test_what_was_parked_for_its_outcome_has_no_such_code(desk: "Desk") -> None:
    message = queued(desk)
    desk.hand_over(message)
    desk.do(settle_doubt, desk.taking(message))
    desk.later(days=2)
    desk.do(settle_doubt, desk.taking(message))
    assert desk.stored(message.id).status is MessageStatus.PARKED
    assert not desk.do(settle_parked, Decided(message.id, resend=False, code="restored"))
    assert desk.do(settle_parked, Decided(message.id, resend=False))


def test_nobody_knows_this_message(desk: "Desk") -> None:
    assert not desk.do(settle_parked, Decided(MessageId("nobody's"), resend=True))
