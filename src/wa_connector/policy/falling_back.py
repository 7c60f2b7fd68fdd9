"""May a message go by another channel, when its own cannot take it to the customer?

Theory: another channel is a way round an obstacle (no address, not on the channel, a closed window), and never round
somebody's word. So the verdict *here* has to be one of these obstacles; then whatever else speaks against writing here is
asked, too, though the rules here never came to it: the customer's no on either channel, a veto of the host's. What is left
is the verdict of the rules *there*, on the customer's standing there.
"""

from datetime import datetime
from typing import Final

from wa_connector.model.consent import ChannelConsent, Stage
from wa_connector.model.content import Content, TemplateMessage, Text
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.outbound import Correction
from wa_connector.model.setting import FallBack
from wa_connector.model.standing import Standing
from wa_connector.policy.action import Write
from wa_connector.policy.rules import decide, hosts_rules

OBSTACLES: Final = frozenset({Reason.NO_ADDRESS, Reason.NOT_ON_CHANNEL, Reason.WINDOW_CLOSED})
LEARNT: Final = {Correction.NOT_ON_CHANNEL: Reason.NOT_ON_CHANNEL, Correction.WINDOW_CLOSED: Reason.WINDOW_CLOSED}
"""The obstacle that a provider's refusal tells of."""


def judge_fall_back(
    content: Content | None, verdict: Decision, here: Standing, there: Standing, now: datetime
) -> Decision:
    """The verdict on sending ``content`` by another channel. ``verdict`` is the one of its own channel; where that is no
    obstacle, it stands. ``content`` is None for the question "may I write at all?"."""
    if verdict.is_allowed:
        parameters = (("channel", here.capabilities.label),)
        return Decision(Reason.FALL_BACK_NOT_NEEDED, parameters)
    if verdict.reason not in OBSTACLES or here.settings.fall_back is FallBack.NEVER:
        return verdict
    return refusal_of(here, now) or refusal_of(there, now) or decide(Write(content), there, now)


def refusal_of(standing: Standing, now: datetime) -> Decision | None:
    """What nobody may go round: the customer's no on this channel, and the host's own rules."""
    return no_of(standing.consent) or hosts_rules(Write(), standing, now)


def no_of(consent: ChannelConsent) -> Decision | None:
    """The customer's own no. A channel that asks for no opt-in counts only STOP; here a decline is a no all the same."""
    reason = _NO.get(consent.conversation)
    return None if reason is None else Decision(reason)


_NO: Final = {Stage.DECLINED: Reason.CONSENT_DECLINED, Stage.REVOKED: Reason.CONSENT_REVOKED}


def carried(content: Content) -> Content:
    """What is left of a content on a channel of plain texts: of a template the text that it makes. Marketing stays what it
    is, and so finds no other way."""
    if isinstance(content, TemplateMessage) and content.rendered and not content.is_marketing:
        return Text(content.rendered)
    return content
