"""Read receipts: what a user has read is shown to the customer, by the organization's rule, once.

Theory: a receipt for one message says the same of all before it, so a thread needs one for the latest that was read. Which
were told stands in the message (so that of two readers at once the second finds it told) and, as a maximum, in the thread.
A receipt leaves the outbox *before* it is handed over: lost in a crash it does no harm, given twice it would tell of a
second reading.
"""

from typing import Final

from attrs import evolve

from wa_connector.decide import identity
from wa_connector.decide.delivering import Take, backoff
from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground
from wa_connector.decide.sending import seat_of
from wa_connector.model.conversation import Conversation
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import Message
from wa_connector.model.queue import EntryState, OutboxEntry, Work
from wa_connector.model.setting import ReadReceipts
from wa_connector.policy.membership import names_of, spans
from wa_connector.ports.rows import CONVERSATION, MESSAGE, OUTBOX
from wa_connector.ports.storage import Range

LOOKS_BACK: Final = 50
"""How many entries before the one that was read are looked through for one of the customer's."""
MOST_TRIES: Final = 5


def acknowledge(draft: Draft, ground: Ground, thread: Conversation, up_to: MessageId, before: Range) -> None:
    """Queue the receipt for the latest message of the customer's that a user who takes part has read and sees."""
    if not _is_wanted(ground, thread):
        return
    latest = _latest(draft, ground, thread, up_to, before)
    if latest is None:
        return
    message: Message = draft.get(MESSAGE.of(draft.tenant, latest.id))
    key, at = CONVERSATION.of(draft.tenant, thread.id), to_microseconds(message.at)
    if message.acknowledged_at is not None or at < draft.merged(key).get("acknowledged", 0):
        return
    draft.put(MESSAGE.of(draft.tenant, message.id), evolve(message, acknowledged_at=draft.now))
    draft.merge(key, acknowledged=at)
    customer, line = identity.survivor(draft, thread.customer), ground.setup.line.id
    entry = OutboxEntry(message.id, line, customer, Work.RECEIPT, EntryState.QUEUED, draft.now, draft.now)
    draft.put(OUTBOX.of(draft.tenant, Work.RECEIPT.value, message.id), entry)
    draft.wake(ground.lane(customer, Work.RECEIPT), draft.now)


def _is_wanted(ground: Ground, thread: Conversation) -> bool:
    rule = ground.settings.read_receipts
    if not (ground.capabilities.has_read_receipts and ground.enablement.is_allowed) or rule is ReadReceipts.NEVER:
        return False
    return rule is ReadReceipts.FIRST_READER or thread.owner in names_of(seat_of(ground))


def _latest(draft: Draft, ground: Ground, thread: Conversation, up_to: MessageId, before: Range) -> Message | None:
    """The latest message of the customer's up to an entry, of those that the reader sees."""
    read: Message = draft.get(MESSAGE.of(draft.tenant, up_to))
    seen = spans(thread, seat_of(ground))
    entries: tuple[Message, ...] = (read, *(entry for _, entry in draft.glimpse(before)))
    for entry in entries:
        if entry.is_inbound and entry.provider_id and any(span.has(entry.at) for span in seen):
            return entry
    return None


def take_receipt(draft: Draft, command: Take) -> ProviderId | None:
    """Take a receipt out of the outbox, to hand it over now; None where another process did."""
    draft.under(command.lane.key, command.lane.fence)
    key = OUTBOX.of(draft.tenant, Work.RECEIPT.value, command.message)
    entry: OutboxEntry | None = draft.get(key)
    message: Message | None = draft.get(MESSAGE.of(draft.tenant, command.message))
    if entry is None:
        return None
    draft.delete(key)
    return message.provider_id if message is not None else None


def put_back_receipt(draft: Draft, command: tuple[Take, OutboxEntry]) -> None:
    """Try a receipt again later that certainly was not shown; a few times."""
    take, entry = command
    draft.under(take.lane.key, take.lane.fence)
    tried = evolve(entry, attempts=entry.attempts + 1)
    if tried.attempts >= MOST_TRIES:
        return
    due_at = draft.now + backoff(take.message, tried)
    draft.put(OUTBOX.of(draft.tenant, Work.RECEIPT.value, take.message), evolve(tried, due_at=due_at))
