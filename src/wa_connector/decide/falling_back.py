"""By another line: a message of a user's that its own channel cannot take to the customer.

Theory: it stays the same message in the same thread. What it was on its own line has ended, and is noted on it; on the other
line it begins a life of its own, so nothing that the provider said of the first is taken back, and nothing that he says of
the first later moves the second. A message does this once.

Source of the obstacles: WhatsApp Cloud API, error codes 131026 and 131047, read 2026-11.
"""

from attrs import evolve, frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground, address_for, consent_of, pair_of, standing_of
from wa_connector.decide.settling import outbox_key
from wa_connector.model.content import Content
from wa_connector.model.conversation import Pair
from wa_connector.model.decision import Decision
from wa_connector.model.event import MessageFellBack, MessageStatusChanged
from wa_connector.model.ids import CustomerId
from wa_connector.model.message import ByUser, Failure, FellBack, Message, MessageStatus
from wa_connector.model.queue import EntryState, OutboxEntry, Work
from wa_connector.policy.falling_back import carried, judge_fall_back, no_of
from wa_connector.policy.screening import judge_screening
from wa_connector.policy.screens import FallBackOffer
from wa_connector.policy.signing import signed
from wa_connector.ports.rows import MESSAGE


@frozen
class Detour:
    """Both lines as the author of a message stands on them: his thread's, and the one to go by instead."""

    here: Ground
    there: Ground


def judge_detour(
    draft: Draft, detour: Detour, customer: CustomerId, content: Content | None, verdict: Decision
) -> Decision:
    """The verdict on going by the other line; ``content`` is None for the question whether one may be written at all."""
    here = standing_of(draft, detour.here, customer)
    there = standing_of(draft, detour.there, customer)
    written = None if content is None else signed(carried(content), detour.there.signature)
    return judge_fall_back(written, verdict, here, there, draft.now)


def offer(draft: Draft, detour: Detour, customer: CustomerId, verdict: Decision) -> FallBackOffer | None:
    """The other way, where the rules let somebody take it."""
    decision = judge_detour(draft, detour, customer, None, verdict)
    there = detour.there
    address = address_for(draft, there, customer)
    if not decision.is_allowed or address is None:
        return None
    line, capabilities = there.setup.line.id, there.capabilities
    return FallBackOffer(line, capabilities.channel, capabilities.label, address, decision)


def turned_away(
    draft: Draft, detour: Detour | None, message: Message, failure: Failure, verdict: Decision
) -> Message | None:
    """The message on its way by the other line; None where it may not go by that, and stays what it is.

    Whoever calls takes care of what it leaves behind on its own line, and has let the standing there learn.
    """
    if detour is None or not isinstance(message.author, ByUser) or message.fell_back is not None:
        return None
    if judge_screening(detour.here.screening, draft.now) is not None:
        return None
    customer = identity.survivor(draft, message.customer)
    if not judge_detour(draft, detour, customer, message.content, verdict).is_allowed:
        return None
    here, there = detour.here.setup.line, detour.there.setup.line
    moved = evolve(
        message,
        line=there.id,
        content=carried(message.content),
        status=MessageStatus.QUEUED,
        status_at=draft.now,
        provider_id=None,
        failure=None,
        handed_over_at=None,
        expires_at=None,
        signature="",
        parts=(),
        fell_back=FellBack(here.id, here.channel, draft.now, failure.code, failure.meaning),
    )
    draft.put(MESSAGE.of(draft.tenant, message.id), moved)
    pair: Pair = pair_of(draft, detour.there, customer)
    entry = OutboxEntry(
        message.id, there.id, customer, Work.SEND, EntryState.QUEUED, draft.now, draft.now, rank=pair.rank
    )
    draft.put(outbox_key(draft, message), entry)
    draft.wake(detour.there.lane(customer, Work.SEND), draft.now)
    draft.tell(MessageFellBack(message.id, message.conversation, there.id, failure.code))
    draft.tell(MessageStatusChanged(message.id, message.conversation, MessageStatus.QUEUED))
    return moved


def no_since(draft: Draft, message: Message) -> Decision | None:
    """The customer's no on the channel that a message was written for: it holds on its way round, too."""
    if message.fell_back is None:
        return None
    return no_of(consent_of(draft, identity.survivor(draft, message.customer)).on(message.fell_back.channel))
