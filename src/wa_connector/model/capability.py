"""What a channel can do, declared by it as data: policy judges content against this and names no channel."""

from datetime import datetime, timedelta

from attrs import frozen

from wa_connector.model.content import Content


@frozen
class MediaLimits:
    """Accepted MIME types and the largest size in bytes."""

    mime_types: frozenset[str]
    max_bytes: int


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
    max_text: int | None = None
    max_caption: int | None = None
    images: MediaLimits | None = None
    max_buttons: int = 0
    max_button_title: int = 0
    max_buttons_body: int = 0
    no_marketing_to: frozenset[str] = frozenset()
    """Countries to which the provider takes no marketing templates."""
    pair_burst: int = 0
    """How many messages to one customer may go out in a burst; 0 where there is no pair limit."""
    pair_interval: timedelta = timedelta(0)
    """What one message costs of the pair budget."""
    messages_per_second: int = 0
    """How many messages one line may send a second, unless the line says otherwise; 0 where nobody counts."""
    free_form_billed_from_at: datetime | None = None
    """Since when the provider charges for free-form messages, too; None where it does not."""
