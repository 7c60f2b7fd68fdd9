"""What a channel can do, declared by it as data: policy judges content against this and names no channel."""

from datetime import datetime, timedelta

from attrs import frozen

from wa_connector.model.address import AddressKind
from wa_connector.model.content import Content


@frozen
class MediaLimits:
    """Accepted MIME types and the largest size in bytes."""

    mime_types: frozenset[str]
    max_bytes: int


@frozen
class MenuLimits:
    """Of a message with a list to choose from; lengths in characters. A section's title is needed where there is more
    than one."""

    max_body: int
    max_button: int
    max_sections: int
    max_rows: int
    """Of all sections together."""
    max_section_title: int
    max_row_id: int
    max_row_title: int
    max_row_description: int


@frozen
class InteractiveLimits:
    """Of all other messages that ask for a tap; lengths in characters."""

    max_body: int
    max_header: int
    max_footer: int
    max_button_id: int
    max_link_title: int
    max_url: int
    max_form_title: int
    max_call_title: int
    max_call_payload: int
    call_lasts: tuple[timedelta, timedelta]
    """The shortest and the longest life of a button that calls."""
    cards: tuple[int, int]
    """How few and how many a carousel has."""
    max_card_body: int
    max_card_breaks: int
    max_products: int
    max_product_sections: int


@frozen
class Capabilities:
    """A channel's own facts. Lengths count Unicode characters; None means that there is no such limit."""

    channel: str
    label: str
    """What people call it, for sentences."""
    asks_opt_in: bool
    """Whether business-initiated messages need a consent; else only a revocation counts."""
    window: timedelta | None
    """How long free text may follow the customer's last sign of life; None on a channel without windows."""
    has_templates: bool
    contents: frozenset[type[Content]]
    sends_to: tuple[AddressKind, ...] = (AddressKind.WHATSAPP_ID, AddressKind.NUMBER, AddressKind.BSUID)
    """By which of a customer's addresses he is written to, the surest first. By a number, somebody is reached, too, who is
    known by a WhatsApp id alone, where the two are certainly the same."""
    max_text: int | None = None
    max_caption: int | None = None
    images: MediaLimits | None = None
    videos: MediaLimits | None = None
    audios: MediaLimits | None = None
    voices: MediaLimits | None = None
    """Sound files that can be voice notes."""
    documents: MediaLimits | None = None
    stickers: MediaLimits | None = None
    max_animated_sticker: int | None = None
    """The largest sticker that moves, in bytes; None where it may be as large as one that does not."""
    max_contacts: int = 0
    """How many contact cards one message may have."""
    menus: MenuLimits | None = None
    interactive: InteractiveLimits | None = None
    utility_lasts: tuple[timedelta, timedelta] | None = None
    """Within what time a message that needs no window must be delivered, at the shortest and the longest; None where
    such a message cannot say so."""
    max_buttons: int = 0
    max_button_title: int = 0
    max_buttons_body: int = 0
    no_marketing_to: frozenset[str] = frozenset()
    """Countries to which the provider takes no marketing templates."""
    has_read_receipts: bool = False
    """Whether the customer can be shown that what he wrote was read."""
    pair_burst: int = 0
    """How many messages to one customer may go out in a burst; 0 where there is no pair limit."""
    pair_interval: timedelta = timedelta(0)
    """What one message costs of the pair budget."""
    messages_per_second: int = 0
    """How many messages one line may send a second, unless the line says otherwise; 0 where nobody counts."""
    takes_over: bool = False
    """Whether it may carry what another channel cannot take to a customer."""
    free_form_billed_from_at: datetime | None = None
    """Since when the provider charges for free-form messages, too; None where it does not."""
