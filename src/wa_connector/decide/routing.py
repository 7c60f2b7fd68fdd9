"""Into which thread a customer's message goes: what ``policy.routing`` sees, and what its answer does."""

from attrs import evolve, frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground, pair_of
from wa_connector.decide.threads import open_thread
from wa_connector.model.conversation import Conversation
from wa_connector.model.event import ConversationRestarted
from wa_connector.model.ids import ConversationId, CustomerId, ProviderId, UserId
from wa_connector.model.inbound import InboundMessage
from wa_connector.model.message import Message
from wa_connector.model.routing import Candidate, RoutedBy, RoutingQuestion
from wa_connector.model.setting import EndedThreads
from wa_connector.policy.routing import Situation, route
from wa_connector.ports.rows import CONVERSATION
from wa_connector.ports.storage import Range


@frozen
class Whose:
    """Whom would the host give the thread that this message begins?"""

    ground: Ground
    item: InboundMessage


def placed_in(
    draft: Draft,
    ground: Ground,
    customer: CustomerId,
    quoted: ProviderId | None,
    candidates: tuple[Candidate, ...] | None,
) -> tuple[ConversationId, RoutedBy]:
    """The thread of a message, begun where there is none yet, and the rule that chose."""
    situation = _situation(draft, ground, customer, quoted)
    owner = ground.setup.line.owner
    own = (Candidate(owner, RoutedBy.LINE_OWNER),) if owner else ()
    goes = route(evolve(situation, candidates=own if candidates is None else candidates))
    if goes.thread is not None:
        return goes.thread, goes.by
    thread = open_thread(draft, ground, customer, goes.owner, draft.now, goes.restarts)
    if goes.restarts is not None:
        draft.tell(ConversationRestarted(thread, goes.restarts, None))
    return thread, goes.by


def whose(draft: Draft, question: Whose) -> RoutingQuestion:
    """What the host is to be asked before a message begins a thread. Changes nothing."""
    ground, item = question.ground, question.item
    line, customer = ground.setup.line, identity.find(draft, item.sender.addresses)
    last_owner: UserId | None = None
    if customer is not None and ground.settings.ended_threads is EndedThreads.FOR_LAST_OWNER:
        restarts = _situation(draft, ground, customer, item.replies_to).restarts
        last_owner = _thread(draft, restarts).owner if restarts else None
    return RoutingQuestion(
        line.tenant,
        line.id,
        line.channel,
        customer,
        item.sender.addresses,
        last_owner,
        draft.now,
    )


def _situation(draft: Draft, ground: Ground, customer: CustomerId, quoted: ProviderId | None) -> Situation:
    """No thread's row is read unless it is needed: what is read conflicts with every act in the thread."""
    pair = pair_of(draft, ground, customer)
    thread = _quoted(draft, ground, customer, quoted) if quoted else None
    is_ended = thread is not None and thread not in pair.open
    return Situation(
        ground.settings,
        pair.open,
        {each: _active_at(draft, each) for each in pair.open} if len(pair.open) > 1 else {},
        thread,
        _continued(draft, pair.open) if is_ended else {},
        pair.latest,
    )


def _quoted(draft: Draft, ground: Ground, customer: CustomerId, quoted: ProviderId) -> ConversationId | None:
    """The thread of a message by the provider's id; None for one that is not this customer's on this line."""
    found = list(draft.range(Range("message", "provider", (draft.tenant, ground.setup.line.id, quoted), 1)))
    message: Message | None = found[0][1] if found else None
    if message is None or identity.survivor(draft, message.customer) != customer:
        return None
    return message.conversation


def _active_at(draft: Draft, thread: ConversationId) -> int:
    return draft.merged(CONVERSATION.of(draft.tenant, thread)).get("last_at", 0)


def _continued(draft: Draft, opened: tuple[ConversationId, ...]) -> dict[ConversationId, ConversationId]:
    """The open threads by the ended ones that they go on from."""
    before = ((each, _thread(draft, each).restarted_from) for each in opened)
    return {ended: each for each, ended in before if ended is not None}


def _thread(draft: Draft, thread: ConversationId) -> Conversation:
    found: Conversation = draft.get(CONVERSATION.of(draft.tenant, thread))
    return found
