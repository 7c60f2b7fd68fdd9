"""What a message says: a closed union, one class a kind.

Rules of this file: a content is what people see, never how a provider spells it. Lengths and sizes are judged by
policy against the channel's capabilities, not here.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from wa_connector.model.conversation import Role
from wa_connector.model.ids import ConversationId, ProviderId, UserId


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


class Deed(Enum):
    """What was done about who takes part."""

    ADDED = "added"
    TRANSFERRED = "transferred"
    """To a user, a team or a queue, which owns the conversation from then on."""
    TAKEN = "taken"
    """From the unassigned list, or from a team by one who is in it."""
    LEFT = "left"
    REMOVED = "removed"
    LET_GO = "let_go"
    """The owner left, and it went back to the unassigned list."""
    ENDED = "ended"
    RESTARTED = "restarted"
    """This is the first entry of the new thread."""
    ROLE_CHANGED = "role_changed"


@frozen
class Act:
    """An entry of the timeline that says who did what; its author did it, and its instant is when. Never sent.

    ``whom`` is the user, team or queue that it was done to (or for); ``from_owner`` whom an owner's change took it from.
    ``note`` is for the next person, not for the customer.
    """

    deed: Deed
    whom: UserId | None = None
    from_owner: UserId | None = None
    role: Role | None = None
    before: ConversationId | None = None
    """Of a restart: the thread that ended."""
    note: str = field(default="", repr=False)


@frozen
class Note:
    """A private note among users. Never sent."""

    text: str = field(repr=False)


@frozen
class Withheld:
    """In the place of what a customer wrote and a screener blocked: ``rule`` is its name, ``sentence`` what users read.
    Never sent."""

    rule: str
    sentence: str


Content: TypeAlias = Text | Image | Buttons | TemplateMessage | ButtonReply | Call | Unsupported | Act | Note | Withheld
