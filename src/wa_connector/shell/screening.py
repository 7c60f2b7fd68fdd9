"""The host's screeners, and the names for customers: asked before a message is decided."""

from attrs import evolve

from wa_connector.decide.ground import Ground
from wa_connector.model.content import Call, Content, Unsupported, Voicemail, text_of
from wa_connector.model.ids import ConversationId
from wa_connector.model.screening import Direction, Screened, Screening
from wa_connector.policy.screening import is_unscreened
from wa_connector.policy.signing import signature
from wa_connector.shell.ports import Ports


async def screened_inbound(ports: Ports, ground: Ground, content: Content) -> Screened | None:
    """What the screeners make of what a customer wrote; None where there are none, or nothing to screen."""
    if not ports.hooks.screeners or isinstance(content, Call | Unsupported):
        return None
    return await _screened(ports, ground, Direction.IN, None, content)


async def screened_words(ports: Ports, ground: Ground, content: Voicemail, words: str) -> str | None:
    """What the screeners leave of a recording's words; '' where they block them. None where one could not be asked."""
    screened = await screened_inbound(ports, ground, evolve(content, transcript=words))
    if screened is None:
        return words
    if screened.vetoes:
        return None if is_unscreened(screened) else ""
    return text_of(screened.content)


async def screened_outbound(ports: Ports, ground: Ground, conversation: ConversationId, content: Content) -> Screened:
    """What they make of what a user writes."""
    if not ports.hooks.screeners:
        return Screened(content)
    return await _screened(ports, ground, Direction.OUT, conversation, content)


async def _screened(
    ports: Ports, ground: Ground, direction: Direction, conversation: ConversationId | None, content: Content
) -> Screened:
    line = ground.setup.line
    user = ground.seat.user.id if ground.seat else None
    screening = Screening(line.tenant, line.id, line.channel, direction, user, conversation, content, ports.clock())
    return await ports.hooks.screen(screening, ground.settings.unscreened)


async def with_signature(ports: Ports, ground: Ground) -> Ground:
    """The ground with what stands before this user's texts, where the organization signs them."""
    if ground.seat is None or not ground.settings.sign_messages:
        return ground
    user, line = ground.seat.user, ground.setup.line
    name = await ports.hooks.sender_name(line.tenant, user.id, line.id)
    return evolve(ground, signature=signature(ground.settings.signature, user.name if name is None else name))
