"""What comes in: a customer's message, a provider's report, and what could not be read.

A customer may write at any time: no rule refuses a message that came in. What rules decide is what follows from it.
"""

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen

from wa_connector.decide import identity
from wa_connector.decide.consenting import Moved, Witness, record
from wa_connector.decide.draft import Draft, mark_digest, once
from wa_connector.decide.falling_back import Detour, turned_away
from wa_connector.decide.ground import Ground, consent_of, pair_of, standing_of
from wa_connector.decide.routing import placed_in
from wa_connector.decide.sending import place_request, request_for
from wa_connector.decide.settling import apply_report, correct, erased_mark, part_mark
from wa_connector.decide.threads import Outgoing, add, enqueue, enqueue_fetch
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import (
    Call,
    CallDirection,
    Content,
    Deleted,
    Edited,
    IdentityChanged,
    Reaction,
    Text,
    Unsupported,
    Voicemail,
    media_of,
)
from wa_connector.model.decision import Decision
from wa_connector.model.event import AddressChanged, MessageImported, MessageReceived, Quarantined, ReplyUnclear
from wa_connector.model.ids import ConversationId, CustomerId, LineId, MessageId, ProviderId, TenantId
from wa_connector.model.inbound import InboundMessage, InboundPreference, InboundStatus, Report, Unreadable
from wa_connector.model.instants import from_microseconds, to_microseconds
from wa_connector.model.message import ByCustomer, BySystem, Failure, Message, MessageStatus, NoticeKind
from wa_connector.model.queue import Work
from wa_connector.model.routing import Candidate
from wa_connector.model.screening import Screened
from wa_connector.model.setting import Settings
from wa_connector.policy.action import AskAgain, Notify
from wa_connector.policy.falling_back import LEARNT
from wa_connector.policy.replies import asks_for_help, is_near_miss, read_reply, words_of
from wa_connector.policy.rules import decide
from wa_connector.policy.screening import kept
from wa_connector.policy.status import after
from wa_connector.ports.rows import MESSAGE, QUARANTINE, WAITING, KeptElement
from wa_connector.ports.storage import Range

FRESH: Final = timedelta(hours=24)
"""How old a message may be for the system to answer it by itself: what a provider retried for days is no cause."""


@frozen
class ReceiveMessage:
    """``opinion`` is what a host's own reader made of the words, where it did; ``candidates`` are those who could have
    the thread that it begins, None where nobody was asked: then it is the line's owner alone. ``screened`` is what the
    host's screeners left of it, and ``raw`` the element's text, to be kept where nobody could screen it."""

    ground: Ground
    item: InboundMessage
    opinion: Signal | None = None
    candidates: tuple[Candidate, ...] | None = None
    screened: Screened | None = None
    raw: str = field(default="", repr=False)

    @property
    def kept(self) -> Content:
        """What is kept of it, and shown."""
        return self.item.content if self.screened is None else kept(self.screened)


@frozen
class ReceiveStatus:
    """``detour``: where the message goes by itself, if this report says that it cannot go by its own line."""

    ground: Ground
    item: InboundStatus
    detour: Detour | None = None


@frozen
class ReceivePreference:
    ground: Ground
    item: InboundPreference


@frozen
class Keep:
    """Keep an element for inspection; ``fingerprint`` is a digest of it, so that a retry is kept once."""

    item: Unreadable
    fingerprint: str


# --- marks ------------------------------------------------------------------------------------------------------------


def inbound_mark(tenant: TenantId, line: LineId, provider_id: ProviderId) -> str:
    """The mark of a customer's message. It outlives the message, so it holds a digest of the provider's id."""
    return f"in:{line}:{mark_digest(tenant, provider_id)}"


def preference_mark(tenant: TenantId, line: LineId, provider_id: ProviderId) -> str:
    return f"preference:{line}:{mark_digest(tenant, provider_id)}"


def heard_mark(tenant: TenantId, line: LineId, provider_id: ProviderId) -> str:
    """The mark of the word that a message was heard where it lies; its payload is since when, in microseconds."""
    return f"heard:{line}:{mark_digest(tenant, provider_id)}"


def gone_mark(tenant: TenantId, line: LineId, provider_id: ProviderId) -> str:
    """The mark of the word that a message was removed where it lay; its payload is since when, in microseconds."""
    return f"gone:{line}:{mark_digest(tenant, provider_id)}"


# --- messages ---------------------------------------------------------------------------------------------------------


def receive_message(draft: Draft, command: ReceiveMessage) -> MessageId:
    """Store what a customer wrote, fold window and consent, and cause what follows."""
    ground, item = command.ground, command.item
    message = MessageId(draft.new_id())
    once(draft, inbound_mark(draft.tenant, ground.setup.line.id, item.provider_id), message)
    customer = identity.resolve(draft, item.sender.addresses, item.sender.name, item.formerly)
    if item.formerly:
        _note_change(draft, ground, customer, item)
    _sign_of_life(draft, ground, customer, item)
    thread, routed_by = placed_in(draft, ground, customer, item.replies_to, command.candidates)
    content = command.kept
    rules = command.screened.redacted_by if command.screened else ()
    entry = _as_it_lies(draft, _inbound(ground, item, message, customer, thread), item)
    add(draft, evolve(entry, content=content, redacted_by=rules, routed_by=routed_by))
    draft.tell(
        MessageImported(message, thread, customer)
        if item.is_history
        else MessageReceived(message, thread, customer, routed_by)
    )
    if command.raw:
        _keep_aside(draft, command.raw)
    media = media_of(content)
    if media is not None and not media.is_stored:
        enqueue_fetch(draft, ground, customer, message)
    _consequences(draft, command, customer, thread, message)
    return message


def _note_change(draft: Draft, ground: Ground, customer: CustomerId, item: InboundMessage) -> None:
    """Evidence that this person is another number's or id's, by the provider's word: whoever asks later why a consent
    that was given by the one is good for the other is told so."""
    at, former = ground.credible(item.at, draft.now), item.formerly[0].value
    record(draft, ground, customer, Witness(Signal.ADDRESS_CHANGED, at, cause=item.provider_id, address=former))
    draft.tell(AddressChanged(customer))


def _inbound(
    ground: Ground, item: InboundMessage, message: MessageId, customer: CustomerId, thread: ConversationId
) -> Message:
    return Message(
        message,
        thread,
        customer,
        ground.setup.line.id,
        item.at,
        ByCustomer(),
        item.content,
        MessageStatus.RECEIVED,
        item.at,
        provider_id=item.provider_id,
        replies_to=item.replies_to,
        opens_window=opens_window(item, ground.settings),
        circumstances=item.circumstances,
    )


def _as_it_lies(draft: Draft, entry: Message, item: InboundMessage) -> Message:
    """A message with what was said of it before it came. Only of a recording, which lies elsewhere as well, is anything."""
    if not isinstance(item.content, Voicemail):
        return evolve(entry, heard_at=item.heard_at)
    heard_at = _told_at(draft, heard_mark(draft.tenant, entry.line, item.provider_id))
    gone_at = _told_at(draft, gone_mark(draft.tenant, entry.line, item.provider_id))
    return evolve(entry, heard_at=heard_at or item.heard_at, gone_at=gone_at)


def _told_at(draft: Draft, mark: str) -> datetime | None:
    known = draft.is_known(mark)
    return from_microseconds(int(known)) if known else None


def _keep_aside(draft: Draft, raw: str) -> None:
    """Keep what a customer wrote where administrators can find it: nobody decided to withhold it for good."""
    entry, problem = draft.new_id(), "it could not be screened"
    draft.put(QUARANTINE.of(draft.tenant, entry), KeptElement(draft.now, problem, raw))
    draft.tell(Quarantined(entry, problem))


def _sign_of_life(draft: Draft, ground: Ground, customer: CustomerId, item: InboundMessage) -> None:
    """Raise the window's maximum, and note that the customer can be reached after all."""
    pair = pair_of(draft, ground, customer)
    if pair.unreachable_since_at is not None and item.at > pair.unreachable_since_at - ground.settings.clock_skew:
        draft.put(ground.pair(customer), evolve(pair, unreachable_since_at=None))
    if opens_window(item, ground.settings):
        draft.merge(ground.pair(customer), customer_at=to_microseconds(ground.credible(item.at, draft.now)))
    if pair.held:
        draft.wake(ground.lane(customer, Work.SEND), draft.now)


def opens_window(item: InboundMessage, settings: Settings) -> bool:
    """Whether a message counts as a sign of life. A call of the customer's does, answered or not; one of ours only when
    he took it.

    Source: WhatsApp Cloud API, customer service window, read 2026-11.
    """
    if item.is_history:
        return False
    match item.content:
        case Call(direction, is_accepted):
            return direction is CallDirection.CUSTOMER or is_accepted
        case Reaction() | Unsupported("reaction"):
            return item.opens_window or settings.reactions_open_window
        case IdentityChanged() | Unsupported("system"):
            return False
        case Unsupported() | Edited() | Deleted():
            return item.opens_window or settings.unsupported_open_window
        case _:
            return item.opens_window


# --- what follows -----------------------------------------------------------------------------------------------------


def _consequences(
    draft: Draft, command: ReceiveMessage, customer: CustomerId, thread: ConversationId, message: MessageId
) -> None:
    """Fold the reply, and send the one notice that it causes, if it is fresh."""
    ground, item = command.ground, command.item
    moved = _fold_reply(draft, command, customer)
    if moved is None and is_near_miss(item.content):
        draft.tell(ReplyUnclear(message, thread, customer))
    if draft.now - item.at >= FRESH or item.is_answered:
        return
    notice = _notice_for(moved, item)
    if notice is not None:
        _notify(draft, ground, customer, thread, notice, message)
    if moved is None and is_written(item.content):
        _ask_again(draft, ground, customer, thread, message, ground.credible(item.at, draft.now))


def is_written(content: Content) -> bool:
    """Whether the customer wrote something: a call, a reaction or a notice of the provider's own is no message of his."""
    match content:
        case Call() | Reaction() | Deleted() | IdentityChanged() | Unsupported("reaction" | "system"):
            return False
        case _:
            return True


def _fold_reply(draft: Draft, command: ReceiveMessage, customer: CustomerId) -> Moved | None:
    item = command.item
    signal = item.signal or command.opinion or read_reply(item.content)
    if signal is None:
        return None
    address = item.sender.addresses[0].value if item.sender.addresses else ""
    at = command.ground.credible(item.at, draft.now)
    seen = Witness(signal, at, cause=item.provider_id, text=words_of(command.kept), address=address)
    return record(draft, command.ground, customer, seen)


_CAUSED: Final = {
    Stage.GRANTED: NoticeKind.ACCEPTANCE,
    Stage.DECLINED: NoticeKind.DECLINE,
    Stage.REVOKED: NoticeKind.STOP,
}


def _notice_for(moved: Moved | None, item: InboundMessage) -> NoticeKind | None:
    if asks_for_help(item.content):
        return NoticeKind.HELP
    if moved is None or not moved.is_changed:
        return None
    return _CAUSED.get(moved.after.conversation)


def _notify(
    draft: Draft,
    ground: Ground,
    customer: CustomerId,
    thread: ConversationId,
    notice: NoticeKind,
    cause: MessageId,
) -> None:
    content = Text(_text_of(ground, notice))
    if decide(Notify(notice, content), standing_of(draft, ground, customer), draft.now).is_allowed:
        enqueue(draft, ground, Outgoing(customer, thread, BySystem(notice, cause), content))


def _text_of(ground: Ground, notice: NoticeKind) -> str:
    texts = {
        NoticeKind.ACCEPTANCE: ground.settings.acceptance_text,
        NoticeKind.DECLINE: ground.settings.decline_text,
        NoticeKind.STOP: ground.settings.stop_text,
        NoticeKind.HELP: ground.settings.help_text,
    }
    return texts[notice]


def _ask_again(
    draft: Draft, ground: Ground, customer: CustomerId, thread: ConversationId, cause: MessageId, at: datetime
) -> None:
    """Ask a customer who declined and writes on once more, where the rules let the system do it.

    What he wrote before he declined, and what comes late, is no writing on; within one second arrival decides.
    """
    consent = consent_of(draft, customer).on(ground.capabilities.channel)
    if consent.conversation is not Stage.DECLINED or consent.changed_at is None or at < consent.changed_at:
        return  # The common case, told apart before the template is loaded.
    content, template = request_for(draft, ground, customer)
    action = AskAgain(content, template)
    if decide(action, standing_of(draft, ground, customer), draft.now).is_allowed:
        place_request(draft, ground, customer, thread, content, MessageId(draft.new_id()), None, cause)


# --- reports ----------------------------------------------------------------------------------------------------------


def receive_status(draft: Draft, command: ReceiveStatus) -> MessageId | None:
    """Apply a report to its message; one that comes before its message waits for it. Old news changes nothing."""
    message, place = _reported(draft, command.ground.setup.line.id, command.item)
    if message is None:
        _wait(draft, command.ground.setup.line.id, command.item)
        return None
    if message.line != command.ground.setup.line.id:
        return message.id  # It goes by another line since, where it has a life of its own.
    if _is_turned_away(draft, command, message):
        return message.id
    apply_report(draft, command.ground, message, command.item, place)
    return message.id


def look_again(draft: Draft, command: ReceiveStatus) -> None:
    """Apply what waits under a report's id, if its message is there by now.

    A report that finds no message waits, and an answer that names one looks for what waits; each reads before the other
    has written when they come at once. So who let a report wait looks once more when that is committed.
    """
    line, item = command.ground.setup.line.id, command.item
    message, place = _reported(draft, line, item)
    key = WAITING.of(draft.tenant, line, item.provider_id)
    waiting: tuple[InboundStatus, ...] | None = draft.get(key) if message is not None else None
    if message is None or waiting is None:
        return
    draft.delete(key)
    for each in waiting:
        apply_report(draft, command.ground, draft.get(MESSAGE.of(draft.tenant, message.id)), each, place)


def named_so(tenant: TenantId, line: LineId, provider_id: ProviderId) -> Range:
    """The message of this provider's id: the latest, where a provider gives ids again after a while."""
    return Range("message", "provider", (tenant, line, provider_id), 1, descending=True)


def _reported(draft: Draft, line: LineId, item: InboundStatus) -> tuple[Message | None, int]:
    """The message that a report is about, and which part of it. One whose provider's id was erased is known by the id's
    digest, and so is every part but the first."""
    if item.message is not None:
        message: Message | None = draft.get(MESSAGE.of(draft.tenant, item.message))
        return (message if message is not None and line in _lines_of(message) else None), 0
    found: list[Message] = [value for _, value in draft.range(named_so(draft.tenant, line, item.provider_id))]
    if found:
        return found[0], 0
    erased = draft.is_known(erased_mark(draft.tenant, line, item.provider_id))
    if erased:
        return draft.get(MESSAGE.of(draft.tenant, erased)), 0
    part = draft.is_known(part_mark(draft.tenant, line, item.provider_id))
    if part is None:
        return None, 0
    place, _, whose = part.partition(" ")
    return draft.get(MESSAGE.of(draft.tenant, whose)), int(place)


def _lines_of(message: Message) -> tuple[LineId, ...]:
    return (message.line,) if message.fell_back is None else (message.line, message.fell_back.line)


def _is_turned_away(draft: Draft, command: ReceiveStatus, message: Message) -> bool:
    """Whether a message that could not be delivered goes by another line now."""
    item, ground = command.item, command.ground
    obstacle = LEARNT.get(item.correction)
    if obstacle is None or item.report is not Report.FAILED or after(message.status, item.report) is message.status:
        return False
    failure = Failure(item.error, item.meaning, item.correction)
    if turned_away(draft, command.detour, message, failure, Decision(obstacle)) is None:
        return False
    # Its lane waited for news of it, perhaps.
    draft.wake(ground.lane(identity.survivor(draft, message.customer), Work.SEND), draft.now)
    correct(draft, ground, message, item.correction)
    return True


def _wait(draft: Draft, line: LineId, item: InboundStatus) -> None:
    key = WAITING.of(draft.tenant, line, item.provider_id)
    waiting: tuple[InboundStatus, ...] = draft.get(key) or ()
    if item not in waiting:
        draft.put(key, (*waiting, item))


# --- preferences ------------------------------------------------------------------------------------------------------


def receive_preference(draft: Draft, command: ReceivePreference) -> CustomerId:
    """Fold a customer's choice about marketing. It touches nothing else: not the window, not the conversation."""
    ground, item = command.ground, command.item
    once(draft, preference_mark(draft.tenant, ground.setup.line.id, item.provider_id), "")
    customer = identity.resolve(draft, item.sender.addresses, item.sender.name)
    signal = Signal.MARKETING_RESUMED if item.wants_marketing else Signal.MARKETING_STOPPED
    address = item.sender.addresses[0].value if item.sender.addresses else ""
    at = ground.credible(item.at, draft.now)
    method = f"sign-up form {item.form}" if item.form else ""
    record(draft, ground, customer, Witness(signal, at, cause=item.provider_id, address=address, method=method))
    return customer


# --- what could not be read -------------------------------------------------------------------------------------------


def keep(draft: Draft, command: Keep) -> str:
    """Put an element into quarantine."""
    entry = draft.new_id()
    once(draft, f"kept:{command.fingerprint}", entry)
    draft.put(QUARANTINE.of(draft.tenant, entry), KeptElement(draft.now, command.item.problem, command.item.raw))
    draft.tell(Quarantined(entry, command.item.problem))
    return entry
