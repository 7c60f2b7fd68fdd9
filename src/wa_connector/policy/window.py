"""The service window: from three instants to "open until".

Rules of this file: half-open at its end; every instant comes in as an argument. The window is keyed by (line, customer)
and never by thread.

Source: WhatsApp Cloud API, customer service window, read 2026-11: it opens with the customer's message or call, and
lasts 24 hours.
"""

from datetime import datetime, timedelta
from typing import Final

from wa_connector.model.setting import Settings
from wa_connector.model.window import Window, WindowRule

_CUSTOMER_MESSAGE: Final = WindowRule.CUSTOMER_MESSAGE
_NO_SKEW: Final = timedelta(0)


def closes_at(window: Window, span: timedelta, settings: Settings) -> datetime | None:
    """When the window that these instants opened closes (perhaps in the past); None when nothing opened one.

    A refusal by the provider for a closed window beats what we believed: only a sign of life after it opens again. The
    customer's instants are the provider's clock and the refusal is ours, so they are compared within the skew bound;
    ours against ours exactly.
    """
    opened_at = _last_sign(window, settings)
    return None if opened_at is None else opened_at + (span - settings.window_margin)


def is_open(window: Window, span: timedelta, settings: Settings, now: datetime) -> bool:
    """Whether ``now`` lies before the closing instant; at that very instant the window is closed."""
    end = closes_at(window, span, settings)
    return end is not None and now < end


def is_open_by_customer(window: Window, span: timedelta, settings: Settings, now: datetime) -> bool:
    """Whether the customer himself opened a window that is still open, whatever rule the line follows."""
    end = closes_by_customer_at(window, span, settings)
    return end is not None and now < end


def closes_by_customer_at(window: Window, span: timedelta, settings: Settings) -> datetime | None:
    """When the window that the customer himself opened closes, whatever rule the line follows."""
    sign = _after_refusal(window.customer_at, window.refused_at, settings.clock_skew)
    return None if sign is None else sign + (span - settings.window_margin)


def _last_sign(window: Window, settings: Settings) -> datetime | None:
    customer = _after_refusal(window.customer_at, window.refused_at, settings.clock_skew)
    if settings.window_rule is _CUSTOMER_MESSAGE:
        return customer
    business = _after_refusal(window.business_at, window.refused_at, _NO_SKEW)
    if customer is None or business is None:
        return customer or business
    return max(customer, business)


def _after_refusal(sign: datetime | None, refused: datetime | None, skew: timedelta) -> datetime | None:
    if sign is None or refused is None or sign > refused - skew:
        return sign
    return None
