"""What a host's screens need to know before anybody presses anything.

Rules of this file: it only asks ``policy.rules`` the questions that a screen's buttons will ask.
"""

from datetime import datetime

from attrs import frozen

from wa_connector.model.address import Address
from wa_connector.model.decision import Decision
from wa_connector.model.ids import ConversationId, LineId
from wa_connector.model.standing import Standing
from wa_connector.policy.action import AskConsent, UseTemplate, Write
from wa_connector.policy.rules import contact, decide


@frozen
class ContactAction:
    """What a user may do with a contact on one line, now.

    A channel that is disabled is absent from the list; what is refused now is there, with its reason. ``write`` is
    about starting to write, ``ask`` about the opt-in request. ``conversation`` is the latest open thread, which a tap on
    the channel's mark opens.
    """

    channel: str
    label: str
    line: LineId
    write: Decision
    ask: Decision
    conversation: ConversationId | None


@frozen
class FallBackOffer:
    """Another way to the customer, that the rules allow: pass ``line`` to ``send`` as ``by``. ``to`` is where it leads,
    ``write`` the verdict on that channel."""

    line: LineId
    channel: str
    label: str
    to: Address
    write: Decision


@frozen
class AnswerAction:
    """What a user may do on one line to answer a customer, whichever line he came by: write freely, use a template, ask for
    consent. ``to`` is where it would lead; ``conversation`` the thread that is open already."""

    channel: str
    label: str
    line: LineId
    write: Decision
    template: Decision
    ask: Decision
    to: Address | None
    conversation: ConversationId | None

    @property
    def is_possible(self) -> bool:
        """Whether he can be answered by this line now."""
        return self.write.is_allowed or self.template.is_allowed


@frozen
class Composer:
    """The message field of one conversation: free text, templates, the opt-in request, and what is held.

    ``fall_back`` is there where the customer cannot be reached on this channel, or its window is closed, and another line
    of the user's may be used instead. A page of an inbox does not look for it.
    """

    write: Decision
    template: Decision
    ask: Decision
    held: int = 0
    fall_back: FallBackOffer | None = None

    @property
    def closes_at(self) -> datetime | None:
        """When the field will close; None when it is closed, or has no end in sight."""
        return self.write.until_at


def contact_action(
    standing: Standing, line: LineId, conversation: ConversationId | None, request: AskConsent, now: datetime
) -> ContactAction:
    """The verdicts for one line; ``request`` is the opt-in request that would be sent."""
    stranger = contact(request, standing, now)
    return ContactAction(
        standing.capabilities.channel,
        standing.capabilities.label,
        line,
        write=stranger or decide(Write(), standing, now),
        ask=decide(request, standing, now),
        conversation=conversation,
    )


def composer(standing: Standing, request: AskConsent, held: int, now: datetime) -> Composer:
    """The verdicts for one conversation."""
    return Composer(
        write=decide(Write(), standing, now),
        template=decide(UseTemplate(), standing, now),
        ask=decide(request, standing, now),
        held=held,
    )


def answer_action(
    standing: Standing,
    line: LineId,
    conversation: ConversationId | None,
    to: Address | None,
    request: AskConsent,
    now: datetime,
) -> AnswerAction:
    """The verdicts on answering by one line."""
    return AnswerAction(
        standing.capabilities.channel,
        standing.capabilities.label,
        line,
        write=decide(Write(), standing, now),
        template=decide(UseTemplate(), standing, now),
        ask=decide(request, standing, now),
        to=to,
        conversation=conversation,
    )
