"""What text messages can do, as data for the rules to judge against.

Rules of this file: values. What one account can do beyond words depends on its gateway, which says so itself.
"""

from typing import Final

from wa_connector.model.address import AddressKind
from wa_connector.model.capability import Capabilities
from wa_connector.model.content import Text

CHANNEL: Final = "sms"

MAX_TEXT: Final = 1530
"""Ten parts of the default alphabet: what operators carry; more parts than that arrive in pieces or not at all."""

CAPABILITIES: Final = Capabilities(
    channel=CHANNEL,
    label="SMS",
    # Whoever may be telephoned may be written to; what counts is that he did not say STOP.
    asks_opt_in=False,
    window=None,
    has_templates=False,
    contents=frozenset({Text}),
    # A name of letters cannot be answered.
    sends_to=(AddressKind.NUMBER, AddressKind.SHORT_CODE),
    max_text=MAX_TEXT,
    takes_over=True,
)
