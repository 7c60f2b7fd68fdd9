"""What is parked: by whom, for what, and how it goes on.

Theory: a backup that is restored brings back messages that have been sent since, and nothing in it tells which. So the
rows carry a number that rises while anything is sent, and a mark outside them remembers it: where the rows are behind
the mark they are an older copy. From then on whatever was in the outbox when the mark was last written is not sent, but
parked when its turn comes, however long that takes. What was added since is not in doubt.
"""

from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from wa_connector.decide.delivering import count_held
from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground
from wa_connector.decide.settling import advance, outbox_key
from wa_connector.model.event import BackupRestored
from wa_connector.model.ids import MessageId
from wa_connector.model.message import Failure, Message, MessageStatus
from wa_connector.model.queue import EntryState, Epoch, LaneKey, Mark, OutboxEntry, Work
from wa_connector.policy.status import Step
from wa_connector.ports.rows import EPOCH, MESSAGE

OF_OUTBOX: Final = "outbox"
RESTORED: Final = Failure("restored", "a backup was restored, and the message may have been sent before that")


@frozen
class Continue:
    """``mark``: what is remembered outside, None while nothing is."""

    mark: Mark | None


@frozen
class Doubt:
    """Park a message if it has been in the outbox since ``until_at`` or longer."""

    ground: Ground
    message: MessageId
    until_at: datetime


@frozen
class Decided:
    """Somebody decided on a parked message: send it (again), or not. ``code`` is what it has to be parked for, '' for
    anything."""

    message: MessageId
    resend: bool
    code: str = ""


def go_on(draft: Draft, command: Continue) -> tuple[Mark, Epoch]:
    """Begin the next stretch of the tenant's sending, and say what is to be remembered of it."""
    epoch: Epoch = draft.get(EPOCH.of(draft.tenant, OF_OUTBOX)) or Epoch()
    mark = command.mark
    if mark is not None and epoch.number < mark.number:
        epoch = Epoch(mark.number, mark.at)
        draft.tell(BackupRestored(mark.at))
    epoch = evolve(epoch, number=epoch.number + 1)
    draft.put(EPOCH.of(draft.tenant, OF_OUTBOX), epoch)
    return Mark(epoch.number, draft.now), epoch


def park_doubtful(draft: Draft, command: Doubt) -> bool:
    """Whether the message was parked now."""
    message: Message = draft.get(MESSAGE.of(draft.tenant, command.message))
    key = outbox_key(draft, message)
    entry: OutboxEntry | None = draft.get(key)
    if entry is None or entry.state is EntryState.PARKED or entry.since_at > command.until_at:
        return False
    if entry.state is EntryState.HELD:
        count_held(draft, command.ground, message, -1)
    draft.put(key, evolve(entry, state=EntryState.PARKED, since_at=draft.now))
    advance(draft, message, Step.PARK, RESTORED)
    return True


def settle_parked(draft: Draft, command: Decided) -> bool:
    """Put a parked message back into its lane, in its old place, or take it out for good; False where it is not parked
    (any longer)."""
    message: Message | None = draft.get(MESSAGE.of(draft.tenant, command.message))
    if message is None or message.status is not MessageStatus.PARKED:
        return False
    if command.code and (message.failure is None or message.failure.code != command.code):
        return False
    key = outbox_key(draft, message)
    entry: OutboxEntry | None = draft.get(key)
    assert entry is not None, "what is parked is in the outbox"
    if command.resend:
        draft.put(key, evolve(entry, state=EntryState.QUEUED, since_at=draft.now, due_at=draft.now))
        advance(draft, message, Step.RESEND)
        draft.wake(LaneKey(draft.tenant, entry.line, entry.customer, Work.SEND), draft.now)
    else:
        draft.delete(key)
        advance(draft, message, Step.CANCEL)
    return True


def trust(draft: Draft, command: None) -> None:  # noqa: ARG001 - a decider has a command
    """Nothing is in doubt any longer."""
    epoch: Epoch = draft.get(EPOCH.of(draft.tenant, OF_OUTBOX)) or Epoch()
    if epoch.doubted_until is not None:
        draft.put(EPOCH.of(draft.tenant, OF_OUTBOX), evolve(epoch, doubted_until=None))
