"""Quiet hours and business hours for wa_connector."""

from wa_connector_quiet_hours.hours import Hours, Silence, Span, silence
from wa_connector_quiet_hours.plugin import QuietHours, organizations_of

__all__ = ["Hours", "QuietHours", "Silence", "Span", "organizations_of", "silence"]
