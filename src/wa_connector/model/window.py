"""The three instants from which the service window of one (line, customer) is read."""

from datetime import datetime
from enum import Enum

from attrs import frozen


class WindowRule(Enum):
    """Which messages open and extend the window."""

    CUSTOMER_MESSAGE = "customer_message"
    """The provider's own rule: the customer's last message or call. Source: Cloud API, send messages, read 2026-11."""
    ANY_MESSAGE = "any_message"
    """The stricter product's reading: a message of either side, a template included."""


@frozen
class Window:
    """Maxima that only rise; None while nothing of the kind was seen.

    ``refused_at``: when a message that the provider refused for a closed window was handed over.
    """

    customer_at: datetime | None = None
    business_at: datetime | None = None
    refused_at: datetime | None = None


NO_WINDOW = Window()
