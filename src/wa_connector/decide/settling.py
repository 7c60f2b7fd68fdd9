"""What becomes of a message of ours: reports, refusals, and what they teach about the standing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never

from attrs import evolve

from wa_connector.decide import identity
from wa_connector.decide.consenting import Witness, record
from wa_connector.decide.draft import Draft, mark_digest
from wa_connector.decide.ground import Ground, pair_of
from wa_connector.model.consent import Signal
from wa_connector.model.event import MessageStatusChanged
from wa_connector.model.ids import LineId, ProviderId, TenantId
from wa_connector.model.inbound import InboundStatus, Report
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import BySystem, Failure, Message, NoticeKind
from wa_connector.model.outbound import Correction
from wa_connector.model.queue import OutboxEntry, Work
from wa_connector.policy.status import Step, after, folded, whole
from wa_connector.ports.rows import DEDUPE, MESSAGE, OUTBOX, WAITING, Key

MARKETING_PAUSE: Final = timedelta(hours=24)
"""Source: WhatsApp Cloud API, per-user marketing limits, read 2026-11: try again after 24 hours at the earliest."""


def apply_report(draft: Draft, ground: Ground, message: Message, item: InboundStatus, place: int = 0) -> None:
    """Apply a provider's report: the status climbs or stays, doubt about the outcome ends, a failure teaches.

    The provider's id comes with the first report that beats its answer; whoever it names is one person with the
    message's customer. Of a message in several parts, the report is on the one at ``place``, and what it says of the
    message is what the reports on all of them say together.
    """
    if message.parts:
        message = _with_report(draft, message, item, place)
        together = whole([part.report for part in message.parts])
        if together is None:
            return
        item = evolve(item, report=together)
    if message.is_erased:
        _apply_to_erased(draft, message, item)
        return
    if item.recipient is not None:
        identity.recognise(draft, identity.survivor(draft, message.customer), item.recipient.addresses)
    known = message if message.provider_id else evolve(message, provider_id=item.provider_id)
    failure = Failure(item.error, item.meaning, item.correction) if item.report is Report.FAILED else None
    moved = advance(draft, known, item.report, failure, ground.credible(item.at, draft.now))
    if moved.status is not message.status:
        end_doubt(draft, ground, message)
        if item.report is Report.FAILED:
            correct(draft, ground, moved, item.correction)
    elif known is not message:
        draft.put(MESSAGE.of(draft.tenant, message.id), known)
    if item.report in _REACHED and _is_request(message):
        _note_reached(draft, ground, message, item)
    if item.free_until_at is not None:
        _note_price(draft, ground, message, item.free_until_at)


def _with_report(draft: Draft, message: Message, item: InboundStatus, place: int) -> Message:
    """The message with a report on one of its parts. One on a part of an earlier copy says nothing of this one."""
    part = message.parts[place] if place < len(message.parts) else None
    if part is None or part.provider_id not in (None, item.provider_id):
        return message
    known = folded(part.report, item.report)
    parts = (*message.parts[:place], evolve(part, report=known), *message.parts[place + 1 :])
    reported = evolve(message, parts=parts)
    draft.put(MESSAGE.of(draft.tenant, message.id), reported)
    return reported


def _apply_to_erased(draft: Draft, message: Message, item: InboundStatus) -> None:
    """What was erased still climbs to where it came; nothing else of the report is taken: it names the person."""
    failure = Failure(item.error, "", item.correction) if item.report is Report.FAILED else None
    advance(draft, message, item.report, failure)


def erased_mark(tenant: TenantId, line: LineId, provider_id: ProviderId) -> str:
    """Leads from a provider's id that is erased to the message that it was of, so that a late report waits for nothing."""
    return f"erased:{line}:{mark_digest(tenant, provider_id)}"


def part_mark(tenant: TenantId, line: LineId, provider_id: ProviderId) -> str:
    """Leads from the provider's id of a message's second part, or a later one, to the message and the part's place."""
    return f"part:{line}:{mark_digest(tenant, provider_id)}"


def note_parts(draft: Draft, message: Message, further: Sequence[ProviderId]) -> None:
    """Let reports on the second part and the rest find their message. Providers give ids again after a while: the latest
    message that has one is meant."""
    for place, provider_id in enumerate(further, start=1):
        key = DEDUPE.of(draft.tenant, part_mark(draft.tenant, message.line, provider_id))
        draft.get(key)  # What was read is what is replaced.
        draft.put(key, f"{place} {message.id}")


def forget_parts(draft: Draft, message: Message) -> None:
    """Let the marks of a message's parts go with it."""
    for part in message.parts[1:]:
        if part.provider_id is not None:
            draft.discard(DEDUPE.of(draft.tenant, part_mark(draft.tenant, message.line, part.provider_id)))


_REACHED: Final = frozenset({Report.DELIVERED, Report.READ})
"""``delivered`` may be skipped where the chat is open. Source: WhatsApp Cloud API, status webhooks, read 2026-11."""


def _is_request(message: Message) -> bool:
    return isinstance(message.author, BySystem) and message.author.notice is NoticeKind.OPT_IN_REQUEST


def _note_reached(draft: Draft, ground: Ground, message: Message, item: InboundStatus) -> None:
    """Evidence that the customer was asked indeed; once a report, whatever else comes and in whatever order."""
    cause = f"{message.id} {item.report.value}"
    if draft.is_known(cause) is None:
        draft.mark(cause, message.id)
        reached_at = max(ground.credible(item.at, draft.now), message.at)
        record(draft, ground, identity.survivor(draft, message.customer), Witness(Signal.DELIVERED, reached_at, cause))


def _note_price(draft: Draft, ground: Ground, message: Message, free_until_at: datetime) -> None:
    """Remember until when nothing is charged. The latest instant told stays, whatever the order of the reports."""
    customer = identity.survivor(draft, message.customer)
    pair = pair_of(draft, ground, customer)
    if pair.free_until_at is None or pair.free_until_at < free_until_at:
        draft.put(ground.pair(customer), evolve(pair, free_until_at=free_until_at))


def advance(
    draft: Draft, message: Message, move: Step | Report, failure: Failure | None = None, at: datetime | None = None
) -> Message:
    """Move a message along its table and tell it; old news leaves it as it is."""
    status = after(message.status, move)
    if status is message.status:
        return message
    moved = evolve(message, status=status, status_at=at or draft.now, failure=failure)
    draft.put(MESSAGE.of(draft.tenant, message.id), moved)
    draft.tell(MessageStatusChanged(message.id, message.conversation, status, failure.code if failure else ""))
    return moved


def end_doubt(draft: Draft, ground: Ground, message: Message) -> None:
    """Take a message that the provider has reported on out of the outbox, and let its lane go on."""
    key = outbox_key(draft, message)
    entry: OutboxEntry | None = draft.get(key)
    if entry is not None:
        draft.delete(key)
        draft.wake(ground.lane(entry.customer, Work.SEND), draft.now)


def outbox_key(draft: Draft, message: Message) -> Key:
    return OUTBOX.of(draft.tenant, Work.SEND.value, message.id)


def correct(draft: Draft, ground: Ground, message: Message, correction: Correction) -> None:
    """Let a refusal correct what we believed of the customer."""
    customer = identity.survivor(draft, message.customer)
    match correction:
        case Correction.WINDOW_CLOSED:
            refused_at = message.handed_over_at or draft.now
            draft.merge(ground.pair(customer), refused_at=to_microseconds(refused_at))
        case Correction.NOT_ON_CHANNEL:
            pair = pair_of(draft, ground, customer)
            draft.put(ground.pair(customer), evolve(pair, unreachable_since_at=draft.now))
        case Correction.MARKETING_STOPPED:
            seen = Witness(Signal.MARKETING_STOPPED, message.status_at, cause=f"{message.id} marketing stopped")
            record(draft, ground, customer, seen)
        case Correction.OPTED_OUT:
            record(draft, ground, customer, Witness(Signal.STOP, message.status_at, cause=f"{message.id} opted out"))
        case Correction.MARKETING_CAPPED:
            pair = pair_of(draft, ground, customer)
            draft.put(ground.pair(customer), evolve(pair, marketing_after_at=draft.now + MARKETING_PAUSE))
        case Correction.NONE:
            pass
        case _:
            assert_never(correction)
    if _is_request(message):
        # The request was made before it failed, whatever the two clocks say.
        failed_at = max(message.status_at, message.at)
        seen = Witness(Signal.NOT_DELIVERED, failed_at, cause=f"{message.id} not delivered")
        record(draft, ground, customer, seen)


def catch_up(draft: Draft, ground: Ground, message: Message, further: Sequence[ProviderId] = ()) -> None:
    """Apply the reports that came before the message, or one of its parts, had its provider id."""
    assert message.provider_id is not None
    for place, provider_id in enumerate((message.provider_id, *further)):
        key = WAITING.of(draft.tenant, message.line, provider_id)
        waiting: tuple[InboundStatus, ...] = draft.get(key) or ()
        if waiting:
            draft.delete(key)
        for item in waiting:
            apply_report(draft, ground, draft.get(MESSAGE.of(draft.tenant, message.id)), item, place)
