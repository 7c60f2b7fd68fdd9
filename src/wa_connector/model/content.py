"""What a message says: a closed union, one class a kind.

Rules of this file: a content is what people see, never how a provider spells it. Lengths and sizes are judged by
policy against the channel's capabilities, not here. No kind is of one channel: a voice note is one whether it came by
WhatsApp or was left on a voicemail box, and a channel's capabilities say which kinds it carries.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeAlias

from attrs import evolve, field, fields, frozen, has

from wa_connector.model.conversation import Role
from wa_connector.model.ids import ConversationId, ProviderId, UserId

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


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


# --- words and files --------------------------------------------------------------------------------------------------


@frozen
class Text:
    body: str = field(repr=False)
    previews_link: bool = False
    """Whether the first address in it is shown with a preview, where the channel has such a thing."""


@frozen
class Image:
    media: MediaRef
    caption: str = field(default="", repr=False)


@frozen
class Video:
    media: MediaRef
    caption: str = field(default="", repr=False)


@frozen
class Audio:
    """A sound file. ``is_voice``: spoken for this conversation, and shown as a voice note."""

    media: MediaRef
    is_voice: bool = False


@frozen
class Voicemail:
    """What a caller left when nobody took his call. ``call`` is the provider's id of that call, where it is known;
    ``is_urgent``: the caller said that it is."""

    media: MediaRef
    call: ProviderId | None = field(default=None, repr=False)
    lasts: timedelta | None = None
    transcript: str = field(default="", repr=False)
    is_urgent: bool = False


@frozen
class Document:
    media: MediaRef
    filename: str = field(default="", repr=False)
    caption: str = field(default="", repr=False)


@frozen
class Sticker:
    media: MediaRef
    is_animated: bool = False


@frozen
class Location:
    """A place: degrees north and east (WGS 84), and what people call it."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    name: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    url: str = field(default="", repr=False)


@frozen
class Labelled:
    """A telephone number, an e-mail address or a web address of a contact card; ``label`` is ``WORK``, ``CELL`` …"""

    value: str = field(repr=False)
    label: str = ""


@frozen
class PostalAddress:
    street: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    region: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    country_code: str = field(default="", repr=False)
    label: str = ""


@frozen
class ContactCard:
    """Somebody's card. ``name`` is the whole name as it is shown; ``birthday`` is ``YYYY-MM-DD``."""

    name: str = field(repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    middle_name: str = field(default="", repr=False)
    prefix: str = field(default="", repr=False)
    suffix: str = field(default="", repr=False)
    phones: tuple[Labelled, ...] = ()
    emails: tuple[Labelled, ...] = ()
    urls: tuple[Labelled, ...] = ()
    addresses: tuple[PostalAddress, ...] = ()
    company: str = field(default="", repr=False)
    department: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    birthday: str = field(default="", repr=False)


@frozen
class Contacts:
    """One or more contact cards. ``answers_request``: the customer's own, given because he was asked for it."""

    cards: tuple[ContactCard, ...]
    answers_request: bool = False


@frozen
class Reaction:
    """An emoji on another message; '' takes it back."""

    to: ProviderId = field(repr=False)
    emoji: str = field(repr=False)


# --- messages that ask for a tap --------------------------------------------------------------------------------------

Header: TypeAlias = Text | Image | Video | Document
"""What stands above the text of an interactive message."""


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
    header: Header | None = None
    footer: str = field(default="", repr=False)


@frozen
class MenuRow:
    id: str
    title: str
    description: str = ""


@frozen
class MenuSection:
    rows: tuple[MenuRow, ...]
    title: str = ""


@frozen
class Menu:
    """A text with a button that opens a list to choose from."""

    body: str = field(repr=False)
    title: str
    """Of the button."""
    sections: tuple[MenuSection, ...]
    header: Text | None = None
    footer: str = field(default="", repr=False)


@frozen
class LinkButton:
    """A text with a button that opens a web address."""

    body: str = field(repr=False)
    title: str
    url: str = field(repr=False)
    header: Header | None = None
    footer: str = field(default="", repr=False)


@frozen
class LocationRequest:
    """A text with a button by which the customer sends where he is."""

    body: str = field(repr=False)


@frozen
class ContactRequest:
    """A text with a button by which the customer hands over his number."""

    body: str = field(repr=False)


@frozen
class AddressRequest:
    """A text with a form for a postal address in ``country`` (ISO 3166 alpha-2); ``values`` are filled in before."""

    body: str = field(repr=False)
    country: str
    values: Mapping[str, str] = field(factory=dict, repr=False)


@frozen
class CallRequest:
    """Asks the customer whether the business may call him."""

    body: str = field(default="", repr=False)


@frozen
class CallButton:
    """A text with a button that calls the business. ``payload`` comes back with the call."""

    body: str = field(repr=False)
    title: str
    lasts: timedelta = timedelta(days=7)
    payload: str = field(default="", repr=False)


@frozen
class Form:
    """A text with a button that opens a form (WhatsApp: a flow) kept with the provider as ``form``.

    ``token`` comes back with the answers. ``screen`` is the first screen, with ``data`` (JSON) for it; without one the
    form asks the business's own endpoint.
    """

    body: str = field(repr=False)
    title: str
    form: str
    token: str = field(default="", repr=False)
    screen: str = ""
    data: str = field(default="", repr=False)
    is_draft: bool = False
    header: Header | None = None
    footer: str = field(default="", repr=False)


@frozen
class Catalog:
    """A text with a button that opens the business's catalogue; ``thumbnail`` is the product whose picture is shown."""

    body: str = field(repr=False)
    thumbnail: str = ""
    footer: str = field(default="", repr=False)


@frozen
class Product:
    """One product of a catalogue."""

    catalog: str
    product: str
    body: str = field(default="", repr=False)
    footer: str = field(default="", repr=False)


@frozen
class ProductSection:
    title: str
    products: tuple[str, ...]


@frozen
class Products:
    """Some products of a catalogue, under a title."""

    title: str
    body: str = field(repr=False)
    catalog: str
    sections: tuple[ProductSection, ...]
    footer: str = field(default="", repr=False)


@frozen
class Card:
    """One card of a carousel: a picture or film, and either a link (``title``, ``url``) or reply buttons."""

    header: Image | Video
    body: str = field(default="", repr=False)
    title: str = ""
    url: str = field(default="", repr=False)
    buttons: tuple[Button, ...] = ()


@frozen
class Carousel:
    """A text with two to ten cards beside each other, all with the same kind and number of buttons."""

    body: str = field(repr=False)
    cards: tuple[Card, ...]


@frozen
class TemplateMessage:
    """A template with its parameters filled.

    ``parameters`` maps a parameter's key (``body.1``, ``body.first_name``, ``header.image``) to its text, or to the
    media's SHA-256 for a media header. ``payloads`` maps a quick-reply button's index to the payload that its tap
    brings back. ``rendered`` is the text as the customer sees it, ``kinds`` the kinds of the buttons that
    ``parameters`` fill, by the parameter's key, and ``is_marketing`` its category: all three are filled in when it is
    queued, because a template may change later.
    """

    name: str
    language: str
    parameters: Mapping[str, str] = field(factory=dict, repr=False)
    payloads: Mapping[str, str] = field(factory=dict, repr=False)
    rendered: str = field(default="", repr=False)
    kinds: Mapping[str, str] = field(factory=dict)
    is_marketing: bool = False


@frozen
class Utility:
    """A message that needs no window and no template of its own: the provider makes one of it (WhatsApp: Direct Send).

    Never advertising. ``template`` names the template that the provider makes; ``lasts`` is after what time it need not
    be delivered any more.
    """

    content: Text | Buttons | LinkButton | CallButton
    template: str = ""
    lasts: timedelta | None = None


# --- what customers answer --------------------------------------------------------------------------------------------


@frozen
class ButtonReply:
    """A tap on a button, of a template or of an interactive message; ``replies_to`` is the message that had it."""

    payload: str
    title: str
    replies_to: ProviderId | None = None


@frozen
class FormReply:
    """A form that was filled in. ``answers`` is the JSON text as it came: what it means, the form's author knows."""

    name: str
    answers: str = field(repr=False)
    body: str = field(default="", repr=False)
    replies_to: ProviderId | None = field(default=None, repr=False)


@frozen
class CallAnswer:
    """The answer to a ``CallRequest``. ``until_at`` is when the permission ends, where it does; ``is_automatic``: given
    because the customer himself called."""

    is_allowed: bool
    is_permanent: bool = False
    until_at: datetime | None = None
    is_automatic: bool = False
    replies_to: ProviderId | None = field(default=None, repr=False)


@frozen
class OrderItem:
    """``price`` is of one piece, as the provider spells it."""

    product: str
    quantity: int
    price: str
    currency: str


@frozen
class Order:
    """What a customer put into his cart."""

    catalog: str
    items: tuple[OrderItem, ...]
    text: str = field(default="", repr=False)


@frozen
class Edited:
    """The writer of the message ``of`` changed its text or caption to ``body``."""

    of: ProviderId = field(repr=False)
    body: str = field(repr=False)


@frozen
class Deleted:
    """The writer of the message ``of`` took it back."""

    of: ProviderId = field(repr=False)


@frozen
class Referral:
    """The advertisement or post that a customer came by. ``click`` is the provider's id of the click, for whoever counts
    what an advertisement brings, ``ref`` what its maker wrote into the link; ``welcome`` is what greeted the customer.
    ``media`` says what it shows (``image``, ``video``), at the addresses that follow."""

    url: str = field(default="", repr=False)
    source: str = ""
    kind: str = ""
    """The provider's word: ``ad`` or ``post``."""
    headline: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    click: str = field(default="", repr=False)
    ref: str = field(default="", repr=False)
    welcome: str = field(default="", repr=False)
    media: str = ""
    media_url: str = field(default="", repr=False)
    thumbnail_url: str = field(default="", repr=False)


class Forwarding(Enum):
    """Whether a message was written to somebody else before."""

    NO = "no"
    FORWARDED = "forwarded"
    OFTEN = "often"
    """More than five times."""


@frozen
class Circumstances:
    """How a message came about, besides what it says: an advertisement, a forwarding, the product it asks about."""

    referral: Referral | None = None
    forwarding: Forwarding = Forwarding.NO
    product: Product | None = None


class CallDirection(Enum):
    """Who called."""

    CUSTOMER = "customer"
    BUSINESS = "business"


@frozen
class Call:
    """A call on this channel. ``is_accepted``: somebody took it, as far as is known."""

    direction: CallDirection
    is_accepted: bool = False


class IdentityChange(Enum):
    """What the provider says of a person."""

    NUMBER = "number"
    """He has another number, and another user id with it."""
    USER_ID = "user_id"
    """He has another user id; the number is not told."""
    DEVICE = "device"
    """His identity key is another: a new telephone, or another person with the old one."""


@frozen
class IdentityChanged:
    """An entry of the timeline that the provider wrote: the customer's number or identity is another. ``text`` is its
    own sentence."""

    change: IdentityChange
    text: str = field(default="", repr=False)


@frozen
class Unsupported:
    """A kind that this version, or the provider, does not convey. ``kind`` is the wire's own word for it."""

    kind: str


# --- what only users see ----------------------------------------------------------------------------------------------


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


@frozen
class Erased:
    """What stood here was removed with the person; that there was a message, and when, is all that is left."""


Content: TypeAlias = (
    Text
    | Image
    | Video
    | Audio
    | Voicemail
    | Document
    | Sticker
    | Location
    | Contacts
    | Reaction
    | Buttons
    | Menu
    | LinkButton
    | LocationRequest
    | ContactRequest
    | AddressRequest
    | CallRequest
    | CallButton
    | Form
    | Catalog
    | Product
    | Products
    | Carousel
    | TemplateMessage
    | Utility
    | ButtonReply
    | FormReply
    | CallAnswer
    | Order
    | Edited
    | Deleted
    | Call
    | IdentityChanged
    | Unsupported
    | Act
    | Note
    | Withheld
    | Erased
)


def media_of(content: Content) -> MediaRef | None:
    """The file that a message consists of; None where it has none, or where files are only part of it."""
    match content:
        case Image(media) | Video(media) | Audio(media) | Voicemail(media) | Document(media) | Sticker(media):
            return media
        case _:
            return None


def files_of(content: Content) -> tuple[str, ...]:
    """All stored files that a content shows, headers and cards included, by their SHA-256 (hex), each once."""
    return () if isinstance(content, Text) else tuple(dict.fromkeys(_files_in(content)))


def _files_in(value: Any) -> Iterator[str]:
    if isinstance(value, MediaRef):
        if value.is_stored:
            yield value.sha256
    elif isinstance(value, TemplateMessage):
        # The value of a media header is a file's hash; that of a text header is a text.
        named = (text for key, text in value.parameters.items() if "header." in key)
        yield from (text for text in named if _SHA256.fullmatch(text))
    elif isinstance(value, tuple):
        for part in value:
            yield from _files_in(part)
    elif has(type(value)):
        for attribute in fields(type(value)):
            yield from _files_in(getattr(value, attribute.name))


def pictures_of(content: Content) -> tuple[MediaRef, ...]:
    """The stored files that a content shows as pictures, those of headers and cards among them, each once; a template
    names its own by their SHA-256 alone."""
    return tuple(dict.fromkeys(_pictures_in(content)))


def _pictures_in(value: Any) -> Iterator[MediaRef]:
    if isinstance(value, Image):
        if value.media.is_stored:
            yield value.media
    elif isinstance(value, TemplateMessage):
        named = (text for key, text in value.parameters.items() if _is_picture(key))
        yield from (MediaRef("", sha256=text) for text in named if _SHA256.fullmatch(text))
    elif isinstance(value, tuple):
        for part in value:
            yield from _pictures_in(part)
    elif has(type(value)):
        for attribute in fields(type(value)):
            yield from _pictures_in(getattr(value, attribute.name))


def _is_picture(parameter: str) -> bool:
    return parameter == "header.image" or parameter.endswith(".header.image")


def with_pictures(content: Content, instead: Mapping[str, MediaRef]) -> Content:
    """The content with other files in the place of those of its pictures that ``instead`` has, by their SHA-256."""
    renewed: Content = _renewed(content, instead)
    return renewed


def _renewed(value: Any, instead: Mapping[str, MediaRef]) -> Any:
    if isinstance(value, Image):
        return evolve(value, media=instead.get(value.media.sha256, value.media))
    if isinstance(value, TemplateMessage):
        of_pictures = {
            key: instead[text].sha256 for key, text in value.parameters.items() if _shows(key, text, instead)
        }
        return evolve(value, parameters={**value.parameters, **of_pictures})
    if isinstance(value, tuple):
        return tuple(_renewed(part, instead) for part in value)
    if has(type(value)):
        names = [attribute.name for attribute in fields(type(value))]
        return evolve(value, **{name: _renewed(getattr(value, name), instead) for name in names})
    return value


def _shows(parameter: str, text: str, pictures: Mapping[str, MediaRef]) -> bool:
    return _is_picture(parameter) and text in pictures


def text_of(content: Content) -> str:
    """What a message says in words, for a transcript, a search or a notification; '' where it has none."""
    match content:
        case Text(body) | LocationRequest(body) | ContactRequest(body) | AddressRequest(body) | CallRequest(body):
            return body
        case Image(_, caption) | Video(_, caption) | Document(_, _, caption):
            return caption
        case Voicemail(transcript=words) | Note(words) | IdentityChanged(_, words):
            return words
        case Location(name=name, address=address):
            return ", ".join(filter(None, (name, address)))
        case Contacts(cards):
            return ", ".join(card.name for card in cards)
        case Reaction(_, emoji):
            return emoji
        case (
            Buttons() | Menu() | LinkButton() | CallButton() | Form() | Carousel() | Catalog() | Product() | Products()
        ):
            return content.body
        case TemplateMessage(rendered=rendered):
            return rendered
        case Utility(inner):
            return text_of(inner)
        case ButtonReply(_, title):
            return title
        case FormReply(body=body) | Edited(_, body):
            return body
        case Order(text=words):
            return words
        case Act(note=note):
            return note
        case _:
            return ""
