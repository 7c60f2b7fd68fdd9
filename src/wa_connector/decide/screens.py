"""Questions: deciders that change nothing. What a screen shows is read as of one moment, like any command."""

from attrs import frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.decide.ground import Ground, pair_of, standing_of
from wa_connector.decide.sending import ToContact, may_take_part, request_for, standing_to
from wa_connector.decide.threads import open_to
from wa_connector.model.conversation import Conversation
from wa_connector.model.customer import Customer
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.ids import ConversationId
from wa_connector.policy.action import AskConsent
from wa_connector.policy.screens import Composer, ContactAction
from wa_connector.policy.screens import composer as composer_of
from wa_connector.policy.screens import contact_action as contact_action_of
from wa_connector.ports.rows import CONVERSATION


@frozen
class InConversation:
    """A question about one conversation."""

    ground: Ground
    conversation: ConversationId


def contact_action(draft: Draft, question: ToContact) -> ContactAction:
    """What the user may do with the contact on this line."""
    ground = question.ground
    customer, standing = standing_to(draft, question)
    thread = None
    if customer is not None and ground.seat is not None:
        thread = open_to(draft, ground, customer, ground.seat.user.id)
    locale = question.contact.locale if question.contact else ""
    request = AskConsent(*request_for(draft, ground, customer, locale))
    return contact_action_of(standing, ground.setup.line.id, thread, request, draft.now)


def composer(draft: Draft, question: InConversation) -> Composer:
    """The message field of a conversation."""
    thread = readable(draft, question)
    customer = identity.survivor(draft, thread.customer)
    standing = standing_of(draft, question.ground, customer)
    request = AskConsent(*request_for(draft, question.ground, customer))
    held = pair_of(draft, question.ground, customer).held
    refusal = _refusal(question, thread)
    return composer_of(standing, request, held, draft.now) if refusal is None else Composer(refusal, refusal, refusal)


def readable(draft: Draft, question: InConversation) -> Conversation:
    """The conversation, if the user may see it: he is or was in it, supervises, or nobody has it yet.

    One that does not exist is refused like one of others.
    """
    thread: Conversation | None = draft.get(CONVERSATION.of(draft.tenant, question.conversation))
    seat = question.ground.seat
    if thread is None or seat is None:
        refuse_unless(Decision(Reason.NOT_A_PARTICIPANT))
    assert thread is not None
    assert seat is not None
    was_in = any(participant.user == seat.user.id for participant in thread.participants)
    if not (was_in or seat.user.supervises or thread.owner is None):
        refuse_unless(Decision(Reason.NOT_A_PARTICIPANT))
    return thread


def customer_of(draft: Draft, question: InConversation) -> Customer:
    """Whom a conversation is with, as he is known now: of a record that was merged, the one that stands for it."""
    thread = readable(draft, question)
    return identity.customer_record(draft, identity.survivor(draft, thread.customer))


def _refusal(question: InConversation, thread: Conversation) -> Decision | None:
    seat = question.ground.seat
    assert seat is not None
    decision = may_take_part(thread, seat.user.id)
    return None if decision.is_allowed else decision
