"""The usual webhook, read fast: texts, images, taps on buttons, and reports of what became of a message.

Rules of this file: it reads a body exactly as ``webhook.read`` does, or declines it with None. It declines whatever it
does not know in full – another field or kind, one key more, an id that cannot be used, a list beside a list – so the
patient reader stays the one place that says what becomes of the unusual, and a new kind needs no word here.

Why it is fast: msgspec decodes into the classes below in less time than others take to make dicts, and checks types
and keys on the way; and the values are filled as ``trusted`` does it, those that every element has without its call.

Source: WhatsApp Cloud API, webhooks reference and business-scoped user ids, read 2026-11.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final, Literal, TypeAlias, cast

from msgspec import Meta, MsgspecError, Struct, field
from msgspec.json import Decoder

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import ButtonReply, Content, Image, MediaRef, Text
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import Inbound, InboundMessage, InboundStatus, Report, Sender
from wa_connector.model.trusted import opened, trusted
from wa_connector_cloud_api._wire import instant, sha256

# --------------------------------------------------------------------------------- what is known


class _Known(Struct, gc=False, forbid_unknown_fields=True):
    """Every key is listed, with its type: one that is not makes the decoder refuse."""


class _Around(Struct, gc=False):
    """Nothing but these keys counts, as with the patient reader."""


_Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]
_Number: TypeAlias = Annotated[str, Meta(min_length=5, max_length=20)]


class _Profile(_Known):
    name: str = ""


class _Contact(_Known):
    profile: _Profile | None = None
    wa_id: str = ""
    user_id: str = ""


class _Context(_Known):
    # Another key says that it was forwarded, or asks about a product.
    id: _Id
    from_: str = field(name="from", default="")


class _Text(_Around):
    body: str


class _Image(_Around):
    id: _Id
    mime_type: str = ""
    sha256: str = ""
    caption: str = ""


class _Button(_Around):
    text: str
    payload: str = ""


class _Tapped(_Around):
    id: str
    title: str


class _Interactive(_Known):
    type: Literal["button_reply"]
    button_reply: _Tapped


class _Message(_Known):
    id: _Id
    timestamp: str
    type: str
    from_: _Number = field(name="from", default="")
    from_user_id: _Id = ""
    context: _Context | None = None
    text: _Text | None = None
    image: _Image | None = None
    button: _Button | None = None
    interactive: _Interactive | None = None


class _Pricing(_Around):
    type: str = ""


class _Status(_Known):
    id: _Id
    timestamp: str
    status: Literal["sent", "delivered", "read", "played"]
    recipient_id: _Number = ""
    recipient_user_id: _Id = ""
    biz_opaque_callback_data: str = ""
    conversation: _Around | None = None
    pricing: _Pricing | None = None


class _Metadata(_Around):
    phone_number_id: _Id


class _Value(_Known):
    metadata: _Metadata
    messaging_product: str = ""
    contacts: list[_Contact] = []
    messages: list[_Message] = []
    statuses: list[_Status] = []


class _Change(_Around):
    field: Literal["messages"]
    value: _Value


class _Entry(_Around):
    id: _Id
    changes: list[_Change]


class _Body(_Around):
    object: Literal["whatsapp_business_account"]
    entry: list[_Entry]


# ----------------------------------------------------------------------------------- how it is read

_decode: Final = Decoder(_Body).decode
_WHATSAPP_ID: Final = AddressKind.WHATSAPP_ID
_BSUID: Final = AddressKind.BSUID
_VISIBLE: Final = bytes(range(0x21, 0x7F))
_REPORTS: Final = {report.value: report for report in Report}

_OpenAddress: Final = opened(Address)
_OpenInbound: Final = opened(Inbound)
_OpenMessage: Final = opened(InboundMessage)
_OpenSender: Final = opened(Sender)
_status: Final = trusted(InboundStatus)
_text: Final = trusted(Text)
_image: Final = trusted(Image)
_media: Final = trusted(MediaRef)
_reply: Final = trusted(ButtonReply)


class _Unusual(Exception):
    """Something that the patient reader has to look at."""


def read(body: bytes) -> list[Inbound] | None:
    """Everything in a webhook, in its order; None for one that is not wholly of the usual kinds. Never raises."""
    found: list[Inbound] = []
    ids: list[str] = []  # looked at together, at the end: one look at a long text costs what one at a short text does
    try:
        for entry in _decode(body).entry:
            account = entry.id
            ids.append(account)
            for change in entry.changes:
                value = change.value
                if value.messages:
                    if value.statuses:
                        return None  # decoding lost which of the two came first
                    _read_messages(account, value, found, ids)
                elif value.statuses:
                    _read_statuses(account, value, found, ids)
                else:
                    return None
        if "".join(ids).encode("ascii").translate(None, _VISIBLE):
            return None
        if not body.isascii():
            body.decode()  # what msgspec skips, it does not look at
    except (MsgspecError, _Unusual, RecursionError, UnicodeError):
        return None
    return found


def _read_messages(account: str, value: _Value, found: list[Inbound], ids: list[str]) -> None:
    line, contacts = value.metadata.phone_number_id, value.contacts
    people = _people(contacts) if len(contacts) > 1 else None
    ids.append(line)
    for message in value.messages:
        provider_id, number, user = message.id, message.from_, message.from_user_id
        contact = people.get(user) or people.get(number) if people is not None else contacts[0] if contacts else None
        sender = _person(account, number, user, contact)
        if sender is None:
            raise _Unusual
        ids += (provider_id, user)
        replies_to = None
        if (context := message.context) is not None:
            replies_to = ProviderId(context.id)
            ids.append(replies_to)
        kind = message.type
        content: Content
        if kind == "text" and (written := message.text) is not None:
            content = _text(_plain(written.body))
        elif kind == "image" and (image := message.image) is not None:
            ids.append(image.id)
            media = _media(_plain(image.mime_type), sha256(image.sha256), 0, image.id)
            content = _image(media, _plain(image.caption))
        elif kind == "button" and (button := message.button) is not None:
            content = _reply(_plain(button.payload), _plain(button.text), replies_to)
        elif kind == "interactive" and (interactive := message.interactive) is not None:
            tapped = interactive.button_reply
            content = _reply(_plain(tapped.id), _plain(tapped.title), replies_to)
        else:
            raise _Unusual
        item = _OpenMessage()
        item.provider_id = provider_id
        item.at = _instant(message.timestamp)
        item.sender = sender
        item.content = content
        item.replies_to = replies_to
        item.opens_window = True
        item.formerly = ()
        item.circumstances = None
        item.is_history = False
        item.heard_at = None
        item.signal = None
        item.is_answered = False
        item.__class__ = InboundMessage
        inbound = _OpenInbound()
        inbound.account_ref = account
        inbound.line_ref = line
        inbound.item = item
        inbound.__class__ = Inbound
        found.append(inbound)


def _read_statuses(account: str, value: _Value, found: list[Inbound], ids: list[str]) -> None:
    line, contacts = value.metadata.phone_number_id, value.contacts
    people = _people(contacts) if len(contacts) > 1 else None
    ids.append(line)
    for status in value.statuses:
        provider_id, number, user = status.id, status.recipient_id, status.recipient_user_id
        contact = people.get(user) or people.get(number) if people is not None else contacts[0] if contacts else None
        ids += (provider_id, user)
        ours, pricing = status.biz_opaque_callback_data, status.pricing
        if "\0" in ours or (pricing is not None and pricing.type == "free_entry_point"):
            raise _Unusual
        recipient = _person(account, number, user, contact)
        item = _status(
            ProviderId(provider_id),
            _instant(status.timestamp),
            _REPORTS[status.status],
            MessageId(ours) if ours else None,
            recipient,
        )
        inbound = _OpenInbound()
        inbound.account_ref = account
        inbound.line_ref = line
        inbound.item = item
        inbound.__class__ = Inbound
        found.append(inbound)


def _people(contacts: list[_Contact]) -> dict[str, _Contact]:
    people: dict[str, _Contact] = {}
    for contact in contacts:
        people.setdefault(contact.user_id, contact)
        people.setdefault(contact.wa_id, contact)
    people.pop("", None)
    return people


def _person(account: str, number: str, user: str, contact: _Contact | None) -> Sender | None:
    """A person by his ids, with the name that the contact of the same ids has. Any other contact is declined: whether
    it is his, and completes him, is a question for the patient reader."""
    name = ""
    if contact is not None:
        if contact.wa_id != number or contact.user_id != user:
            raise _Unusual
        if contact.profile is not None:
            name = contact.profile.name
            if "\0" in name:
                raise _Unusual
    addresses: tuple[Address, ...] = ()
    if number:
        if not (number.isdigit() and number.isascii()):
            raise _Unusual
        by_number = _OpenAddress()
        by_number.kind = _WHATSAPP_ID
        by_number.value = number
        by_number.portfolio = ""
        by_number.__class__ = Address
        addresses = (by_number,)
    if user:
        by_user = _OpenAddress()
        by_user.kind = _BSUID
        by_user.value = user
        by_user.portfolio = account
        by_user.__class__ = Address
        addresses = (by_number, by_user) if number else (by_user,)
    if not addresses:
        return None
    person = _OpenSender()
    person.addresses = addresses
    person.name = name
    person.__class__ = Sender
    return cast(Sender, person)


def _plain(text: str) -> str:
    if "\0" in text:
        raise _Unusual  # which is to be replaced
    return text


@lru_cache(maxsize=1024)
def _instant(seconds: str) -> datetime:
    """Kept, because where speed counts, many things happen in one second."""
    found = instant(seconds)
    if found is None:
        raise _Unusual
    return found
