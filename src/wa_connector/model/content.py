"""What a message says: a closed union, one class a kind.

Rules of this file: a content is what people see, never how a provider spells it. Lengths and sizes are judged by
policy against the channel's capabilities, not here.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from wa_connector.model.ids import ProviderId


@frozen
class MediaRef:
    """A file. ``sha256`` (hex) and ``size`` (bytes) are known once the bytes are in the media store; ``provider_ref``
    is the provider's handle of a file that is still to be fetched (or was uploaded)."""

    mime_type: str
    sha256: str = ""
    size: int = 0
    provider_ref: str = field(default="", repr=False)

    @property
    def is_stored(self) -> bool:
        return bool(self.sha256 and self.size)


@frozen
class Text:
    body: str = field(repr=False)


@frozen
class Image:
    media: MediaRef
    caption: str = field(default="", repr=False)


@frozen
class Button:
    """A reply button: ``id`` comes back when it is tapped, ``title`` is what the customer sees."""

    id: str
    title: str


@frozen
class Buttons:
    """A text with one to three reply buttons."""

    body: str = field(repr=False)
    buttons: tuple[Button, ...]


@frozen
class TemplateMessage:
    """A template with its parameters filled.

    ``parameters`` maps a parameter's key (``body.1``, ``body.first_name``, ``header.image``) to its text, or to the
    media's SHA-256 for a media header. ``payloads`` maps a quick-reply button's index to the payload that its tap
    brings back. ``rendered`` is the text as the customer sees it, kept because a template may change later.
    """

    name: str
    language: str
    parameters: Mapping[str, str] = field(factory=dict, repr=False)
    payloads: Mapping[str, str] = field(factory=dict, repr=False)
    rendered: str = field(default="", repr=False)


@frozen
class ButtonReply:
    """A tap on a button, of a template or of an interactive message; ``replies_to`` is the message that had it."""

    payload: str
    title: str
    replies_to: ProviderId | None = None


class CallDirection(Enum):
    """Who called."""

    CUSTOMER = "customer"
    BUSINESS = "business"


@frozen
class Call:
    """A call on this channel. ``is_accepted``: somebody took it, as far as is known."""

    direction: CallDirection
    is_accepted: bool = False


@frozen
class Unsupported:
    """A kind that this version, or the provider, does not convey. ``kind`` is the wire's own word for it."""

    kind: str


Content: TypeAlias = Text | Image | Buttons | TemplateMessage | ButtonReply | Call | Unsupported
