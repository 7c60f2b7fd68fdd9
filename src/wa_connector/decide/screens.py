"""Questions: deciders that change nothing. What a screen shows is read as of one moment, like any command."""

from datetime import datetime

from attrs import frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.decide.falling_back import Detour, offer
from wa_connector.decide.ground import Ground, pair_of, standing_of
from wa_connector.decide.sending import ToContact, request_for, request_templates, standing_to
from wa_connector.decide.threads import held_in, open_to
from wa_connector.model.conversation import Conversation
from wa_connector.model.customer import Customer
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.ids import ConversationId
from wa_connector.model.message import Message
from wa_connector.policy.action import AskConsent
from wa_connector.policy.limits import hours_that_count
from wa_connector.policy.membership import Right, may
from wa_connector.policy.screens import Composer, ContactAction, FallBackOffer
from wa_connector.policy.screens import composer as composer_of
from wa_connector.policy.screens import contact_action as contact_action_of
from wa_connector.ports.rows import CONVERSATION, Key


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
        thread = open_to(draft, ground, customer, ground.seat)
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
    refusal = _may(question, thread, Right.WRITE)
    return (
        composer_of(standing, request, held, draft.now) if refusal.is_allowed else Composer(refusal, refusal, refusal)
    )


@frozen
class OtherWay:
    """The question whether a message field's user may go by another line. ``verdict`` is the one of his own."""

    detour: Detour
    conversation: ConversationId
    verdict: Decision


def other_way(draft: Draft, question: OtherWay) -> FallBackOffer | None:
    """The other way to the customer of a conversation, where the rules let the user take it."""
    thread = _permitted(draft, InConversation(question.detour.here, question.conversation), Right.WRITE)
    return offer(draft, question.detour, identity.survivor(draft, thread.customer), question.verdict)


def known_needs(ground: Ground, now: datetime) -> list[Key]:
    """What the message fields on one line look at, whoever the customer is: to be loaded with the threads of a page."""
    hours = hours_that_count(now) if ground.setup.account.daily_tier is not None else ()
    return [*(ground.reach(hour) for hour in hours), *request_templates(ground)]


def readable(draft: Draft, question: InConversation) -> Conversation:
    """The conversation, if the user may read in it: he is or was in it, supervises, or nobody has it yet.

    One that does not exist is refused like one of others.
    """
    return _permitted(draft, question, Right.READ)


def held(draft: Draft, question: InConversation) -> tuple[Message, ...]:
    """What waits for the window in a conversation, in its order."""
    thread = _permitted(draft, question, Right.SEE)
    return tuple(message for _, message in held_in(draft, question.ground, thread))


def customer_of(draft: Draft, question: InConversation) -> Customer:
    """Whom a conversation is with, as he is known now: of a record that was merged, the one that stands for it."""
    thread = _permitted(draft, question, Right.SEE)
    return identity.customer_record(draft, identity.survivor(draft, thread.customer))


def _permitted(draft: Draft, question: InConversation, right: Right) -> Conversation:
    thread: Conversation | None = draft.get(CONVERSATION.of(draft.tenant, question.conversation))
    refuse_unless(_may(question, thread, right))
    assert thread is not None
    return thread


def _may(question: InConversation, thread: Conversation | None, right: Right) -> Decision:
    seat = question.ground.seat
    return Decision(Reason.NOT_A_PARTICIPANT) if seat is None else may(right, thread, seat)
