"""The outbox, one entry at a time: release, hand over, record, and settle doubts.

Theory: a message is judged again at the moment it is sent, on the standing of that moment. ``SENDING`` is committed just
before the provider is called; only a message in that state can be in doubt after a crash. Doubt is never resolved by
guessing: a report settles it, or after the grace period a person does, or the organization's setting says resend.
"""

import zlib
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

from attrs import evolve, frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft
from wa_connector.decide.falling_back import Detour, no_since, turned_away
from wa_connector.decide.gating import Resume, resume, stop_line
from wa_connector.decide.ground import Ground, address_for, pair_of, standing_of, template_for, tier_of
from wa_connector.decide.settling import advance, catch_up, correct, erased_mark, note_parts, outbox_key
from wa_connector.decide.threads import enqueue_transcript
from wa_connector.errors import InternalError
from wa_connector.model.content import Audio, Content, Document, Image, Sticker, TemplateMessage, Video, Voicemail
from wa_connector.model.decision import Decision, Reason, RemedyKind
from wa_connector.model.event import MediaFetched, MessageReleased
from wa_connector.model.ids import CustomerId, MessageId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import BySystem, Failure, Message, NoticeKind, Part
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Deferred,
    Envelope,
    Fetched,
    FetchOutcome,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.model.queue import EntryState, LeasedLane, OutboxEntry, Work
from wa_connector.model.screening import Screened
from wa_connector.model.setting import UnknownOutcome
from wa_connector.model.standing import Standing
from wa_connector.policy.action import Action, DeliverRequest, Notify, UseTemplate, Write
from wa_connector.policy.falling_back import LEARNT
from wa_connector.policy.limits import hour_of
from wa_connector.policy.rules import decide
from wa_connector.policy.screening import judge_screening, kept
from wa_connector.policy.signing import signed
from wa_connector.policy.status import Step, after
from wa_connector.policy.window import is_open_by_customer
from wa_connector.ports.rows import CONVERSATION, FILE_USE, MESSAGE, OUTBOX, WAITING, window_of

LONGEST_WAIT: Final = timedelta(minutes=15)
FETCH_ATTEMPTS: Final = 8


@frozen
class Take:
    """Look at one message of a leased lane."""

    ground: Ground
    lane: LeasedLane
    message: MessageId
    screened: Screened | None = None
    """What the host's screeners make of it now; what they have against it is the ground's."""
    detour: Detour | None = None
    """The other line that it may go by of itself, where the organization lets it."""


@frozen
class Record:
    """Note what came of handing one over. ``is_probe``: the line was stopped, and this tried whether it still is."""

    ground: Ground
    lane: LeasedLane
    message: MessageId
    outcome: SendOutcome
    is_probe: bool = False
    detour: Detour | None = None


@frozen
class RecordFetch:
    """Note what came of fetching a file; ``screened`` is what the host's screeners make of a picture that is here."""

    ground: Ground
    lane: LeasedLane
    message: MessageId
    outcome: FetchOutcome
    screened: Screened | None = None
    wants_words: bool = False
    """Whether somebody is there who knows the words of a recording."""


@frozen
class Handed:
    """Send this now."""

    envelope: Envelope


@frozen
class Withdrawn:
    """The message left the queue unsent; a rule refused it, or it waits for the window again."""

    decision: Decision


Taken: TypeAlias = Handed | Withdrawn


# --- before the provider is called ------------------------------------------------------------------------------------


def hand_over(draft: Draft, command: Take) -> Taken:
    """Judge the message again; then mark it as being sent, or take it out of the queue."""
    ground, (message, entry) = command.ground, _taken(draft, command)
    if entry is None or entry.state is not EntryState.QUEUED:
        return Withdrawn(_GONE)
    message = _redacted(message, command.screened)
    decision = _judged(draft, ground, message)
    if not decision.is_allowed:
        if turned_away(draft, command.detour, message, _failure(decision), decision) is None:
            _withdraw(draft, ground, message, entry, decision)
        return Withdrawn(decision)
    content = message.content if message.sender is None else signed(message.content, ground.signature)
    if content != message.content:
        message = evolve(message, signature=ground.signature)
    _move_entry(draft, entry, EntryState.SENDING, attempts=entry.attempts + 1)
    advance(draft, evolve(message, handed_over_at=draft.now), Step.HAND_OVER)
    address = address_for(draft, ground, identity.survivor(draft, message.customer))
    assert address is not None, "every rule set asks for an address"
    return Handed(Envelope(message.id, address, content, message.replies_to))


def _redacted(message: Message, screened: Screened | None) -> Message:
    if screened is None or screened.content == message.content:
        return message
    rules = tuple(dict.fromkeys((*message.redacted_by, *screened.redacted_by)))
    return evolve(message, content=screened.content, redacted_by=rules)


def _judged(draft: Draft, ground: Ground, message: Message) -> Decision:
    """The verdict of this moment: of the rules, and then of the screeners."""
    decision = no_since(draft, message) or decide(
        _action(draft, ground, message), _standing(draft, ground, message), draft.now
    )
    if not decision.is_allowed:
        return decision
    return judge_screening(ground.screening, draft.now) or decision


def _taken(draft: Draft, command: Take) -> tuple[Message, OutboxEntry | None]:
    """The message and its entry, under the lease; the entry is None when a report ended it meanwhile."""
    draft.under(command.lane.key, command.lane.fence)
    message: Message = draft.get(MESSAGE.of(draft.tenant, command.message))
    entry: OutboxEntry | None = draft.get(outbox_key(draft, message))
    return message, entry


_GONE: Final = Decision(Reason.NOTHING_TO_DO)


def _standing(draft: Draft, ground: Ground, message: Message) -> Standing:
    return standing_of(draft, ground, identity.survivor(draft, message.customer))


def _action(draft: Draft, ground: Ground, message: Message) -> Action:
    """The question that this message asks at the moment it is sent."""
    content, author = message.content, message.author
    if isinstance(content, TemplateMessage):
        template = template_for(draft, ground, content)
        is_request = isinstance(author, BySystem) and author.notice is NoticeKind.OPT_IN_REQUEST
        return DeliverRequest(content, template) if is_request else UseTemplate(content, template)
    if isinstance(author, BySystem):
        return Notify(author.notice, content)
    return Write(signed(content, ground.signature))


def wait_of(decision: Decision) -> datetime | None:
    """Until when a rule or a screener of the host's, or the portfolio's day, makes a message wait; None when none does."""
    if decision.reason not in (Reason.HOST_RULE, Reason.DAILY_LIMIT, Reason.CONTENT_BLOCKED):
        return None
    return next((remedy.at for remedy in decision.remedies if remedy.kind is RemedyKind.WAIT), None)


def _withdraw(draft: Draft, ground: Ground, message: Message, entry: OutboxEntry, decision: Decision) -> None:
    if decision.reason is Reason.WINDOW_CLOSED and message.expires_at is not None:
        # It was held before, so it is held again: the window closed while it waited its turn.
        count_held(draft, ground, message, +1)
        _move_entry(draft, entry, EntryState.HELD, due_at=message.expires_at)
        advance(draft, message, Step.HOLD)
        return
    until_at = wait_of(decision)
    if until_at is not None:
        _move_entry(draft, entry, EntryState.QUEUED, due_at=until_at)
        return
    draft.delete(outbox_key(draft, message))
    advance(draft, message, Step.REFUSE, _failure(decision))


def _failure(decision: Decision) -> Failure:
    return Failure(decision.reason.value, decision.sentence)


# --- held messages ----------------------------------------------------------------------------------------------------


def release(draft: Draft, command: Take) -> Decision:
    """Judge a held message: into the queue when it may leave, out of the outbox when it never will."""
    ground, (message, entry) = command.ground, _taken(draft, command)
    if entry is None or entry.state is not EntryState.HELD:
        return _GONE
    decision = _judge_held(draft, ground, message, entry)
    if turned_away(draft, command.detour, message, _failure(decision), decision) is not None:
        count_held(draft, ground, message, -1)
        return _GONE
    if decision.reason is Reason.WINDOW_CLOSED or wait_of(decision) is not None:
        return decision
    count_held(draft, ground, message, -1)
    if decision.is_allowed:
        _move_entry(draft, entry, EntryState.QUEUED, due_at=draft.now)
        advance(draft, message, Step.RELEASE)
        draft.tell(MessageReleased(message.id, message.conversation))
        return decision
    draft.delete(outbox_key(draft, message))
    step = Step.EXPIRE if decision.reason is Reason.EXPIRED else Step.REFUSE
    advance(draft, message, step, _failure(decision))
    return decision


def _judge_held(draft: Draft, ground: Ground, message: Message, entry: OutboxEntry) -> Decision:
    if entry.due_at <= draft.now:
        return Decision(Reason.EXPIRED)
    return _judged(draft, ground, message)


def count_held(draft: Draft, ground: Ground, message: Message, by: int) -> None:
    customer = identity.survivor(draft, message.customer)
    pair = pair_of(draft, ground, customer)
    draft.put(ground.pair(customer), evolve(pair, held=max(0, pair.held + by)))
    draft.merge(CONVERSATION.of(draft.tenant, message.conversation), held=by)


# --- after the provider was called ------------------------------------------------------------------------------------


def record_outcome(draft: Draft, command: Record) -> None:
    """Note what came of handing over. A report that overtook the answer has ended the entry already; then only what is
    new in the answer is taken."""
    message: Message = draft.get(MESSAGE.of(draft.tenant, command.message))
    entry: OutboxEntry | None = draft.get(outbox_key(draft, message))
    if command.is_probe and isinstance(command.outcome, Accepted | Rejected):
        resume(draft, Resume(message.line))
    if message.is_erased:
        _record_of_erased(draft, message, command.outcome)
        return
    match command.outcome:
        case Accepted():
            _accepted(draft, command.ground, message, entry, command.outcome)
        case Rejected(code, meaning, correction):
            failure = Failure(code, meaning, correction)
            if _is_turned_away(draft, command, message, failure):
                correct(draft, command.ground, message, correction)
                return
            _drop(draft, message, entry)
            moved = advance(draft, message, Step.REJECTED, failure)
            if moved is not message:
                correct(draft, command.ground, moved, correction)
        case Deferred(_, _, retry_after):
            _put_back(draft, command, message, entry, retry_after or backoff(message.id, entry))
        case AccountStopped(code):
            # Due at once: the line's gate makes it wait, and lets it go when the line sends again.
            stop_line(draft, message.line, code)
            _put_back(draft, command, message, entry, timedelta(0))
        case OutcomeUnknown():
            if entry is not None:
                _doubt(draft, command.ground, message, entry)
        case _:
            assert_never(command.outcome)


def _is_turned_away(draft: Draft, command: Record, message: Message, failure: Failure) -> bool:
    """Whether what the provider refused goes by another line now."""
    obstacle = LEARNT.get(failure.correction)
    if obstacle is None or after(message.status, Step.REJECTED) is message.status:
        return False
    return turned_away(draft, command.detour, message, failure, Decision(obstacle)) is not None


def _record_of_erased(draft: Draft, message: Message, outcome: SendOutcome) -> None:
    """The person was forgotten while his message was under way: note what became of it, and nothing of him."""
    match outcome:
        case Accepted(provider_id, _, further):
            draft.mark(erased_mark(draft.tenant, message.line, provider_id), message.id)
            note_parts(draft, message, further)
            for each in (provider_id, *further):
                draft.discard(WAITING.of(draft.tenant, message.line, each))
            if further:
                message = evolve(message, parts=(Part(), *(Part() for _ in further)))
                draft.put(MESSAGE.of(draft.tenant, message.id), message)
            advance(draft, message, Step.ACCEPTED)
        case Rejected(code, _, correction):
            advance(draft, message, Step.REJECTED, Failure(code, "", correction))
        case Deferred() | AccountStopped():
            advance(draft, message, Step.REJECTED, Failure(Reason.CANCELLED.value, ""))
        case OutcomeUnknown():
            advance(draft, message, Step.OUTCOME_LOST)
        case _:
            assert_never(outcome)


def _accepted(draft: Draft, ground: Ground, message: Message, entry: OutboxEntry | None, outcome: Accepted) -> None:
    customer = identity.survivor(draft, message.customer)
    identity.recognise(draft, customer, outcome.addresses)
    draft.merge(ground.pair(customer), business_at=to_microseconds(message.handed_over_at or draft.now))
    _count_reached(draft, ground, customer)
    _drop(draft, message, entry)
    further = outcome.further
    parts = tuple(map(Part, (outcome.provider_id, *further))) if further else ()
    named = evolve(message, provider_id=outcome.provider_id, parts=parts)
    draft.put(MESSAGE.of(draft.tenant, message.id), named)
    note_parts(draft, message, further)
    catch_up(draft, ground, advance(draft, named, Step.ACCEPTED), further)


def _count_reached(draft: Draft, ground: Ground, customer: CustomerId) -> None:
    """Count a customer who was reached outside his window against the portfolio's day: once in 24 hours.

    A sum that any two sends add to without waiting for each other: so many as are under way at once may be one too many,
    and then the provider says so.
    """
    span, use = ground.capabilities.window, tier_of(draft, ground, customer)
    window = window_of(draft.merged(ground.pair(customer)))
    if use is None or use.includes_customer or span is None:
        return
    if not is_open_by_customer(window, span, ground.settings, draft.now):
        draft.merge(ground.reach(hour_of(draft.now)), customers=1)
        draft.merge(ground.pair(customer), reached_at=to_microseconds(draft.now))


def _put_back(draft: Draft, command: Record, message: Message, entry: OutboxEntry | None, wait: timedelta) -> None:
    if entry is not None:
        draft.under(command.lane.key, command.lane.fence)
        _move_entry(draft, entry, EntryState.QUEUED, due_at=draft.now + wait)
        advance(draft, message, Step.PUT_BACK)


def _drop(draft: Draft, message: Message, entry: OutboxEntry | None) -> None:
    if entry is not None:
        draft.delete(outbox_key(draft, message))


def backoff(message: MessageId, entry: OutboxEntry | None) -> timedelta:
    """4, 16, 64 … seconds and up to a quarter more, so that lanes that failed together do not come back together. The
    jitter is of the message's id, which keeps the decision pure."""
    attempts = entry.attempts if entry else 1
    wait = min(timedelta(seconds=4 ** min(attempts, 6)), LONGEST_WAIT)
    return wait + wait * ((zlib.crc32(message.encode()) % 256) / 1024)


# --- doubt ------------------------------------------------------------------------------------------------------------


def settle_doubt(draft: Draft, command: Take) -> datetime | None:
    """A message that was being sent when its dispatcher died, or whose answer never came: wait for a report, then park
    it or send it again as configured.

    Returns until when its lane is blocked, None when it is free.
    """
    ground, (message, entry) = command.ground, _taken(draft, command)
    if entry is None or entry.state not in (EntryState.SENDING, EntryState.UNKNOWN):
        return None
    if entry.state is EntryState.SENDING:
        _doubt(draft, ground, message, entry)
        return _grace_end(draft, ground, message)
    if draft.now < entry.due_at:
        return entry.due_at
    if ground.settings.unknown_outcome is UnknownOutcome.RESEND:
        _move_entry(draft, entry, EntryState.QUEUED, due_at=draft.now)
        advance(draft, message, Step.RESEND)
    else:
        _move_entry(draft, entry, EntryState.PARKED)
        advance(draft, message, Step.PARK)
    return None


def _doubt(draft: Draft, ground: Ground, message: Message, entry: OutboxEntry) -> None:
    _move_entry(draft, entry, EntryState.UNKNOWN, due_at=_grace_end(draft, ground, message))
    advance(draft, message, Step.OUTCOME_LOST)


def _grace_end(draft: Draft, ground: Ground, message: Message) -> datetime:
    return (message.handed_over_at or draft.now) + ground.settings.grace_period


def _move_entry(
    draft: Draft,
    entry: OutboxEntry,
    state: EntryState,
    *,
    due_at: datetime | None = None,
    attempts: int | None = None,
) -> None:
    key = OUTBOX.of(draft.tenant, entry.work.value, entry.message)
    moved = evolve(
        entry,
        state=state,
        since_at=draft.now,
        due_at=due_at or entry.due_at,
        attempts=entry.attempts if attempts is None else attempts,
    )
    draft.put(key, moved)


# --- files ------------------------------------------------------------------------------------------------------------


def record_fetch(draft: Draft, command: RecordFetch) -> bool:
    """Put the stored file into its message, or try again later, or give up.

    Returns whether the message was still there to have it; if not, nobody wants the file.
    """
    message: Message = draft.get(MESSAGE.of(draft.tenant, command.message))
    key = OUTBOX.of(draft.tenant, Work.FETCH.value, command.message)
    entry: OutboxEntry | None = draft.get(key)
    if entry is None:
        return False
    outcome = command.outcome
    if isinstance(outcome, Fetched):
        draft.delete(key)
        content = kept(command.screened) if command.screened else with_media(message.content, outcome)
        rules = command.screened.redacted_by if command.screened else ()
        stored = evolve(message, content=content, redacted_by=(*message.redacted_by, *rules))
        draft.put(MESSAGE.of(draft.tenant, message.id), stored)
        draft.put(FILE_USE.of(draft.tenant, outcome.media.sha256, f"message:{message.id}"), "")
        draft.tell(MediaFetched(message.id, message.conversation))
        if command.wants_words and isinstance(content, Voicemail) and not content.transcript:
            enqueue_transcript(draft, command.ground, identity.survivor(draft, message.customer), message.id)
    elif outcome.is_final or entry.attempts + 1 >= FETCH_ATTEMPTS:
        draft.delete(key)
        draft.put(
            MESSAGE.of(draft.tenant, message.id), evolve(message, failure=Failure("media_not_fetched", outcome.problem))
        )
    else:
        draft.under(command.lane.key, command.lane.fence)
        wait = backoff(message.id, evolve(entry, attempts=entry.attempts + 1))
        _move_entry(draft, entry, EntryState.QUEUED, due_at=draft.now + wait, attempts=entry.attempts + 1)
    return True


def with_media(content: Content, fetched: Fetched) -> Content:
    """The message with its file."""
    if not isinstance(content, Image | Video | Audio | Voicemail | Document | Sticker):
        raise InternalError("a file was fetched for a message that has none")
    return evolve(content, media=fetched.media)
