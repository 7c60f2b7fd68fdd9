"""What WhatsApp can do through the Cloud API, as data for the rules to judge against."""

from datetime import UTC, datetime, timedelta
from typing import Final

from wa_connector.model.capability import Capabilities, InteractiveLimits, MediaLimits, MenuLimits
from wa_connector.model.content import TemplateMessage, Utility
from wa_connector_cloud_api.contents import SENDABLE

CHANNEL: Final = "whatsapp"

IMAGES: Final = MediaLimits(frozenset({"image/jpeg", "image/png"}), 5 * 1024 * 1024)
"""Source: Cloud API, media, "Supported media types" (8-bit RGB or RGBA, 5 MB), read 2026-11."""
_MEGABYTE: Final = 1024 * 1024
VIDEOS: Final = MediaLimits(frozenset({"video/mp4", "video/3gpp"}), 16 * _MEGABYTE)
AUDIOS: Final = MediaLimits(
    frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}), 16 * _MEGABYTE
)
VOICES: Final = MediaLimits(frozenset({"audio/ogg"}), 16 * _MEGABYTE)
"""A voice note is Opus in Ogg. Source: Cloud API, audio messages, read 2026-11."""
_OOXML: Final = "application/vnd.openxmlformats-officedocument."
DOCUMENTS: Final = MediaLimits(
    frozenset(
        {
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_OOXML}wordprocessingml.document",
            f"{_OOXML}spreadsheetml.sheet",
            f"{_OOXML}presentationml.presentation",
        }
    ),
    100 * _MEGABYTE,
)
STICKERS: Final = MediaLimits(frozenset({"image/webp"}), 100 * 1024)
"""Source of all these: Cloud API, media, "Supported media types", read 2026-11."""

MENUS: Final = MenuLimits(
    max_body=4096,
    max_button=20,
    max_sections=10,
    max_rows=10,
    max_section_title=24,
    max_row_id=200,
    max_row_title=24,
    max_row_description=72,
)
"""Source: Cloud API, interactive list messages, read 2026-11."""
INTERACTIVE: Final = InteractiveLimits(
    max_body=1024,
    max_header=60,
    max_footer=60,
    max_button_id=256,
    max_link_title=20,
    max_url=2000,
    # The documentation advises 30; a public SDK says 20, and one that keeps to it is right either way.
    max_form_title=20,
    max_call_title=20,
    max_call_payload=512,
    call_lasts=(timedelta(minutes=1), timedelta(minutes=43200)),
    cards=(2, 10),
    max_card_body=160,
    max_card_breaks=2,
    max_products=30,
    max_product_sections=10,
)
"""Source: Cloud API, interactive messages (each kind's own page), read 2026-11."""

CAPABILITIES: Final = Capabilities(
    channel=CHANNEL,
    label="WhatsApp",
    # Source: WhatsApp Business, "Get opt-in": a business may write first only to whoever gave his
    # number and agreed to hear from it. Read 2026-11.
    asks_opt_in=True,
    # Source: Cloud API, send messages, "Customer service windows", read 2026-11.
    window=timedelta(hours=24),
    has_templates=True,
    # Direct Send is in beta and for accounts that were let in: a host switches it on (``CloudApiChannel(direct_send=True)``).
    contents=SENDABLE - {Utility} | {TemplateMessage},
    # Source: Cloud API, text messages / image messages / interactive reply buttons, read 2026-11.
    # Meta does not say what a character is; Unicode code points are assumed.
    max_text=4096,
    max_caption=1024,
    images=IMAGES,
    videos=VIDEOS,
    audios=AUDIOS,
    voices=VOICES,
    documents=DOCUMENTS,
    stickers=STICKERS,
    max_animated_sticker=500 * 1024,
    # Source: Cloud API, contacts messages, read 2026-11 (advised, not enforced).
    max_contacts=257,
    menus=MENUS,
    interactive=INTERACTIVE,
    # Source: Cloud API, Direct Send, "ttl_seconds", read 2026-11.
    utility_lasts=(timedelta(seconds=30), timedelta(seconds=43200)),
    max_buttons=3,
    max_button_title=20,
    max_buttons_body=1024,
    # Source: Cloud API, marketing templates, "Sending to the United States" (numbers with +1 and a US area code, since
    # 2025-04-01), read 2026-11.
    no_marketing_to=frozenset({"US"}),
    # Source: Cloud API, throughput, "Pair rate limits": one message in 6 s to one customer; a burst
    # of up to 45 is borrowed from the time after it. Read 2026-11.
    # Source: Cloud API, mark messages as read, read 2026-11.
    has_read_receipts=True,
    pair_burst=45,
    pair_interval=timedelta(seconds=6),
    # Source: Cloud API, throughput: 80 messages a second and number, before any upgrade. Read 2026-11.
    messages_per_second=80,
    # Source: Cloud API, pricing, updates of September 2026: messages without a template are charged, too. A thousand a
    # month and number are free, which nobody but the provider can count, so "billed" means "likely". Read 2026-11.
    free_form_billed_from_at=datetime(2026, 10, 1, tzinfo=UTC),
)
