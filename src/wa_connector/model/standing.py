"""A standing: all that the rules need to see of one line and one customer, already folded."""

from datetime import datetime

from attrs import frozen

from wa_connector.model.capability import Capabilities
from wa_connector.model.consent import NO_CONSENT, ChannelConsent
from wa_connector.model.decision import Decision
from wa_connector.model.opinion import Veto
from wa_connector.model.setting import DEFAULTS, Settings
from wa_connector.model.window import NO_WINDOW, Window


@frozen
class TierUse:
    """The use of a portfolio's daily tier: how many unique customers it may still reach outside their windows, whether
    this one is among those it has reached already, and when the next place becomes free."""

    left: int
    includes_customer: bool
    frees_at: datetime


@frozen
class Standing:
    """Folded state; its size does not depend on the length of the history.

    ``is_contact`` is None where nobody asked the contact store (inside a conversation) and ``contacts_available`` is
    False when it did not answer. ``enablement`` is the verdict of ``policy.enablement`` for the acting user and line.
    """

    capabilities: Capabilities
    enablement: Decision
    settings: Settings = DEFAULTS
    consent: ChannelConsent = NO_CONSENT
    window: Window = NO_WINDOW
    unreachable_since_at: datetime | None = None
    is_contact: bool | None = None
    contacts_available: bool = True
    has_address: bool = True
    country: str = ""
    """Where a rule asks for it: ``US``, or ''."""
    marketing_after_at: datetime | None = None
    """Until then the provider wants no more marketing to this customer."""
    free_until_at: datetime | None = None
    """Until then the provider charges for nothing: it changes the estimate of the price, and no verdict."""
    tier: TierUse | None = None
    """What is left of the portfolio's daily tier; None where nobody counts."""
    vetoes: tuple[Veto, ...] = ()
    """What the host's own rules have against it."""
