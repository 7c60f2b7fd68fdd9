"""Answering somebody by another line than the one he came by: who left a voicemail, or whose call was missed.

Theory: whoever calls is met as the customer he is, and a call is no permission to write. So each line of the user's is asked
on its own: what the rules say there of this customer, on his standing there. That he is in nobody's contacts is no obstacle:
he made the first step.
"""

from attrs import frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.decide.ground import Ground, address_for, standing_of
from wa_connector.decide.screens import InConversation, readable
from wa_connector.decide.sending import Placement, may_start, request_for, seat_of
from wa_connector.decide.threads import open_thread, open_to, take_by_writing
from wa_connector.model.ids import ConversationId
from wa_connector.policy.action import AskConsent
from wa_connector.policy.screens import AnswerAction
from wa_connector.policy.screens import answer_action as answer_action_of


@frozen
class AnswerBy:
    """Answer the customer of a conversation by the ground's line, whichever line the conversation is on."""

    ground: Ground
    conversation: ConversationId


def answer_action(draft: Draft, question: AnswerBy) -> AnswerAction:
    """What the user may do on this line."""
    ground, seat = question.ground, seat_of(question.ground)
    thread = readable(draft, InConversation(ground, question.conversation))
    customer = identity.survivor(draft, thread.customer)
    return answer_action_of(
        standing_of(draft, ground, customer),
        ground.setup.line.id,
        open_to(draft, ground, customer, seat),
        address_for(draft, ground, customer),
        AskConsent(*request_for(draft, ground, customer)),
        draft.now,
    )


def answer(draft: Draft, command: AnswerBy) -> Placement:
    """The user's thread with the customer on this line: his latest open one, or a new one. Refused where nothing could be
    written in it."""
    ground, seat = command.ground, seat_of(command.ground)
    source = readable(draft, InConversation(ground, command.conversation))
    customer = identity.survivor(draft, source.customer)
    decision = refuse_unless(may_start(draft, standing_of(draft, ground, customer)))
    thread = open_to(draft, ground, customer, seat)
    if thread is None:
        return Placement(decision, open_thread(draft, ground, customer, seat.user.id, draft.now))
    take_by_writing(draft, ground, thread, seat)
    return Placement(decision, thread)
