"""Why was this allowed in March? The standing as it was known at an instant, and the verdict that it gives.

Consent comes of the evidence recorded by then, the window of the messages by then, the settings of those in force then.
What is kept only as it is now (enablement, the directory's own settings, reachability) is taken as it is now, and the
explanation says so by carrying the standing that it judged.
"""

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from wa_connector.decide.ground import Ground
from wa_connector.evidence.fold import fold
from wa_connector.model.consent import ConsentRecord, Evidence
from wa_connector.model.content import Content, TemplateMessage
from wa_connector.model.decision import Decision
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.outbound import Correction
from wa_connector.model.standing import Standing
from wa_connector.model.template import Template
from wa_connector.model.window import Window
from wa_connector.policy.action import UseTemplate, Write
from wa_connector.policy.rules import decide

_NEVER_LEFT = frozenset({MessageStatus.REFUSED, MessageStatus.CANCELLED, MessageStatus.EXPIRED})


@frozen
class Explanation:
    """The verdict of an instant with the standing that it was given on."""

    at: datetime
    decision: Decision
    standing: Standing


def explain(
    ground: Ground,
    evidence: Iterable[Evidence],
    messages: Iterable[Message],
    content: Content | None,
    template: Template | None,
    at: datetime,
) -> Explanation:
    """What the rules said at ``at``. ``ground`` carries the settings of then; ``messages`` are those of this customer
    on this line that matter to a window; those after ``at`` are passed over."""
    known = [entry for entry in evidence if entry.recorded_at <= at]
    standing = Standing(
        ground.capabilities,
        ground.enablement,
        ground.settings,
        consent=ConsentRecord(fold(known)).on(ground.capabilities.channel),
        window=window_as_of(messages, at),
    )
    action = UseTemplate(content, template) if isinstance(content, TemplateMessage) else Write(content)
    return Explanation(at, decide(action, standing, at), standing)


def window_as_of(messages: Iterable[Message], at: datetime) -> Window:
    """The three maxima as the messages up to ``at`` give them."""
    window = Window()
    for message in messages:
        window = _raised(window, message, at)
    return window


def _raised(window: Window, message: Message, at: datetime) -> Window:
    if message.is_inbound:
        if not message.opens_window or message.at > at:
            return window
        return Window(_later(window.customer_at, message.at), window.business_at, window.refused_at)
    left_at = message.handed_over_at
    if left_at is None or left_at > at or message.status in _NEVER_LEFT:
        return window
    failure = message.failure
    is_refused = failure is not None and failure.correction is Correction.WINDOW_CLOSED and message.status_at <= at
    refused_at = _later(window.refused_at, left_at) if is_refused else window.refused_at
    return Window(window.customer_at, _later(window.business_at, left_at), refused_at)


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
