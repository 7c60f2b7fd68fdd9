"""What WhatsApp can do through the Cloud API, as data for the rules to judge against."""

from datetime import UTC, datetime, timedelta
from typing import Final

from wa_connector.model.capability import Capabilities, MediaLimits
from wa_connector.model.content import Buttons, Image, TemplateMessage, Text

CHANNEL: Final = "whatsapp"

IMAGES: Final = MediaLimits(frozenset({"image/jpeg", "image/png"}), 5 * 1024 * 1024)
"""Source: Cloud API, media, "Supported media types" (8-bit RGB or RGBA, 5 MB), read 2026-11."""

CAPABILITIES: Final = Capabilities(
    channel=CHANNEL,
    label="WhatsApp",
    # Source: WhatsApp Business, "Get opt-in": a business may write first only to whoever gave his
    # number and agreed to hear from it. Read 2026-11.
    asks_opt_in=True,
    # Source: Cloud API, send messages, "Customer service windows", read 2026-11.
    window=timedelta(hours=24),
    has_templates=True,
    contents=frozenset({Text, Image, Buttons, TemplateMessage}),
    # Source: Cloud API, text messages / image messages / interactive reply buttons, read 2026-11.
    # Meta does not say what a character is; Unicode code points are assumed.
    max_text=4096,
    max_caption=1024,
    images=IMAGES,
    max_buttons=3,
    max_button_title=20,
    max_buttons_body=1024,
    # Source: Cloud API, marketing templates, "Sending to the United States" (numbers with +1 and a US area code, since
    # 2025-04-01), read 2026-11.
    no_marketing_to=frozenset({"US"}),
    # Source: Cloud API, throughput, "Pair rate limits": one message in 6 s to one customer; a burst
    # of up to 45 is borrowed from the time after it. Read 2026-11.
    pair_burst=45,
    pair_interval=timedelta(seconds=6),
    # Source: Cloud API, throughput: 80 messages a second and number, before any upgrade. Read 2026-11.
    messages_per_second=80,
    # Source: Cloud API, pricing, updates of September 2026: messages without a template are charged, too. A thousand a
    # month and number are free, which nobody but the provider can count, so "billed" means "likely". Read 2026-11.
    free_form_billed_from_at=datetime(2026, 10, 1, tzinfo=UTC),
)
