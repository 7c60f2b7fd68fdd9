"""Webhooks: raw bytes → the sequence of what they report.

Rules of this file: pure; a verified body in, ``Inbound`` values out. The envelope is walked as plain dicts and each
element is read by its tag, from one table a kind of thing: ``_FIELDS`` (of a change, with the lists of its value),
``received.CONTENTS`` (of a message). To take something new, add a row.

Every element stands alone. Up to a thousand share a body, and a body that is refused comes again for seven days: so
what cannot be taken becomes ``Unreadable`` with its JSON text, in its place, and its neighbours never notice. For the
same reason nothing is skipped in silence – an unknown key that holds a list is reported too.

Cost: each element is looked at once; contacts are indexed once a value, so a thousand messages with a thousand contacts
are no product of the two.

Source: WhatsApp Cloud API, webhooks reference, calling webhooks and business-scoped user ids, read 2026-11.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256 as digest_of
from typing import Any, Final, TypeAlias, cast

from attrs import evolve

from wa_connector.errors import BodyMalformed
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import (
    Call,
    CallDirection,
    Circumstances,
    Contacts,
    Forwarding,
    IdentityChange,
    Product,
    Referral,
)
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import (
    Inbound,
    InboundEcho,
    InboundItem,
    InboundMessage,
    InboundNotice,
    InboundPreference,
    InboundStatus,
    Report,
    Sender,
    Unreadable,
)
from wa_connector.model.trusted import trusted
from wa_connector_cloud_api import errors, notices
from wa_connector_cloud_api._json import decode, readable
from wa_connector_cloud_api._wire import digits, instant, reference, text, word
from wa_connector_cloud_api.notices import NOTICES
from wa_connector_cloud_api.received import CHANGES, CONTENTS, UNKNOWN, Bad

_Object: TypeAlias = dict[str, Any]
_People: TypeAlias = Mapping[object, _Object]


# Python 3.11 finds a member of an enum in a microsecond's eighth, every time.
_WHATSAPP_ID: Final = AddressKind.WHATSAPP_ID
_BSUID: Final = AddressKind.BSUID
_PARENT_BSUID: Final = AddressKind.PARENT_BSUID

# Made by the hundred thousand, of parts that are checked here.
_address: Final = trusted(Address)
_inbound: Final = trusted(Inbound)
_inbound_message: Final = trusted(InboundMessage)
_inbound_status: Final = trusted(InboundStatus)
_person_of: Final = trusted(Sender)

# A NewType is called like a function, and the one function here does all that is to be done.
_message_id: Final = cast(Callable[[object], ProviderId], reference)


def read(body: bytes) -> list[Inbound]:
    """Everything in a webhook, in its order. The signature must have been checked before.

    Raises ``BodyMalformed`` for what is not a WhatsApp webhook at all, and nothing else for any bytes whatever.
    """
    try:
        document = decode(body)
    except ValueError as error:
        raise BodyMalformed("the body is not JSON; was it re-encoded on its way here?") from error
    if not isinstance(document, dict) or document.get("object") != "whatsapp_business_account":
        raise BodyMalformed("the body is not a webhook of a WhatsApp business account")
    entries = document.get("entry")
    if not isinstance(entries, list):
        raise BodyMalformed("the webhook has no list of entries")
    found: list[Inbound] = []
    for entry in entries:
        _read_entry(entry, found)
    return found


def _read_entry(entry: object, found: list[Inbound]) -> None:
    account = reference(entry.get("id")) if isinstance(entry, dict) else ""
    changes, told_at = (entry.get("changes"), entry.get("time")) if isinstance(entry, dict) else (None, None)
    # Without an account nobody can be told apart by a user id, and nothing can be routed.
    if not account or not isinstance(changes, list):
        found.append(_unreadable(account, "", "an entry without an id or without changes", entry))
        return
    for change in changes:
        _read_change(account, change, found, told_at)


def _read_change(account: str, change: object, found: list[Inbound], told_at: object) -> None:
    field = change.get("field") if isinstance(change, dict) else None
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(field, str) or not isinstance(value, dict):
        found.append(_unreadable(account, "", "a change without a field or without a value", change))
        return
    metadata = value.get("metadata")
    line = reference(metadata.get("phone_number_id")) if isinstance(metadata, dict) else ""
    if field in NOTICES:
        found.append(_inbound(account, line, notices.read(field, value, told_at)))
        return
    lists = _FIELDS.get(field)
    if lists is None:
        found.append(_unreadable(account, line, f"unknown field {word(field)}", change))
        return
    before = len(found)
    _read_value(account, line, value, lists, found)
    if len(found) == before:
        found.append(_unreadable(account, line, f"nothing in a change of {field}", change))


def _unreadable(account: str, line: str, problem: str, element: object) -> Inbound:
    return _inbound(account, line, Unreadable(problem, readable(element)))


# --------------------------------------------------------------------------- the lists of a value


def _read_value(account: str, line: str, value: _Object, lists: "Mapping[str, _Taker]", found: list[Inbound]) -> None:
    people = _people(value.get("contacts"))
    for key, elements in value.items():
        if key in _CONTEXT:
            continue
        if key == "history" and lists is _HISTORY and isinstance(elements, list):
            for element in elements:
                _read_history(account, line, element, people, found)
            continue
        take = lists.get(key)
        if take is None or not isinstance(elements, list):
            found.append(_unreadable(account, line, f"unknown element {word(key)}", elements))
            continue
        for element in elements:
            item: InboundItem
            try:
                if not isinstance(element, dict):
                    raise Bad(f"one of the {key} is not an object")
                item = take(account, element, people)
            except Bad as bad:
                item = Unreadable(str(bad), readable(element))
            found.append(_inbound(account, line, item))


def _people(contacts: object) -> _People:
    """The contacts of a value by each of their ids. Digits and user ids never collide (``US.…``)."""
    people: dict[object, _Object] = {}
    if isinstance(contacts, list):
        for contact in contacts:
            if isinstance(contact, dict):
                for own in (contact.get("user_id"), contact.get("wa_id")):
                    if own and isinstance(own, str):
                        people.setdefault(own, contact)
    return people


def _person(account: str, wa_id: object, user_id: object, parent: object, people: _People) -> Sender | None:
    """A person by the ids of an element, completed from the contact that one of them leads to."""
    number = digits(wa_id) if wa_id is not None else ""
    user = reference(user_id) if user_id is not None else ""
    above = reference(parent) if parent is not None else ""
    name = ""
    contact = people.get(user) or people.get(number)
    if contact is not None:
        its_number, its_user = contact.get("wa_id"), contact.get("user_id")
        if (
            not (number and its_number) or number == its_number  # a contact with another number …
        ) and (not (user and its_user) or user == its_user):  # … or user id is somebody else, and a
            # wrong pair would carry one customer's conversation to another.
            name = _name(contact.get("profile"))
            number, user = number or digits(its_number), user or reference(its_user)
            if "parent_user_id" in contact and not above:
                above = reference(contact["parent_user_id"])
    addresses = []
    if number:
        addresses.append(_address(_WHATSAPP_ID, number))
    if user:
        addresses.append(_address(_BSUID, user, account))
    if above:
        addresses.append(_address(_PARENT_BSUID, above, account))
    return _person_of(tuple(addresses), name) if addresses else None


def _name(profile: object) -> str:
    if not isinstance(profile, dict):
        return ""
    return text(profile.get("name")) or text(profile.get("username")).removeprefix("@")


# ------------------------------------------------------------------------------------- messages


def _message(account: str, message: _Object, people: _People) -> InboundMessage:
    provider_id = _message_id(message.get("id"))
    at = instant(message.get("timestamp"))
    kind = message.get("type")
    if not provider_id or at is None or not isinstance(kind, str):
        raise Bad("a message without a usable id, timestamp or type")
    if "group_id" in message:
        # What somebody says to a group is not said to the business alone: it opens another window.
        raise Bad("a message to a group")
    if kind == "system":
        return _system_message(account, provider_id, at, message)
    sender = _person(
        account, message.get("from"), message.get("from_user_id"), message.get("from_parent_user_id"), people
    )
    if sender is None:
        raise Bad("a message without a usable sender")
    read_content, opens_window = CONTENTS.get(kind, UNKNOWN)
    context = message.get("context")
    replies_to = (_message_id(context.get("id")) or None) if isinstance(context, dict) else None
    content = read_content(message, kind, replies_to)
    if type(content) is Contacts and content.answers_request:
        sender = _with_number(sender, message)
    if ((type(context) is dict and context.keys() & _CIRCUMSTANCES) or "referral" in message) and (
        circumstances := _circumstances(message, context)
    ) is not None:
        return InboundMessage(provider_id, at, sender, content, replies_to, opens_window, (), circumstances)
    return _inbound_message(provider_id, at, sender, content, replies_to, opens_window)


_CIRCUMSTANCES: Final = frozenset({"forwarded", "frequently_forwarded", "referred_product"})


def _circumstances(message: _Object, context: object) -> Circumstances | None:
    """What is told about a message besides its content; None where it says nothing that can be read."""
    around = context if isinstance(context, dict) else {}
    asked, came = around.get("referred_product"), message.get("referral")
    product = referral = None
    if isinstance(asked, dict):
        product = Product(reference(asked.get("catalog_id")), text(asked.get("product_retailer_id")))
    if isinstance(came, dict):
        names = ("source_url", "source_id", "source_type", "headline", "body", "ctwa_clid", "ref")
        welcome, media = _part_of(came, "welcome_message").get("text"), came.get("image_url") or came.get("video_url")
        last = (welcome, came.get("media_type"), media, came.get("thumbnail_url"))
        referral = Referral(*map(text, (*map(came.get, names), *last)))
    often, once = around.get("frequently_forwarded") is True, around.get("forwarded") is True
    forwarding = Forwarding.OFTEN if often else Forwarding.FORWARDED if once else Forwarding.NO
    found = Circumstances(referral, forwarding, product)
    return None if found == _NOTHING_ELSE else found


_NOTHING_ELSE: Final = Circumstances()


def _with_number(sender: Sender, message: _Object) -> Sender:
    """The customer with the number that he handed over because he was asked for it: it is his own by the provider's
    word. One that is known already is not argued with, and of several none is taken."""
    phones = [
        phone
        for card in message["contacts"]
        if isinstance(card, dict) and card.get("origin") == "contact_request" and isinstance(card.get("phones"), list)
        for phone in card["phones"]
        if isinstance(phone, dict)
    ]
    given = {own for phone in phones if (own := digits(phone.get("wa_id")))}
    if len(given) != 1 or any(address.kind is _WHATSAPP_ID for address in sender.addresses):
        return sender
    return _person_of((_address(_WHATSAPP_ID, given.pop()), *sender.addresses), sender.name)


def _system_message(account: str, provider_id: ProviderId, at: datetime, message: _Object) -> InboundMessage:
    """What the provider itself says of a person: that he has another number or user id, or another telephone.

    ``from`` is who he was; where the change is told, ``system`` has who he is and, by ``previous_user_id``, was.
    """
    system = message.get("system")
    system = system if isinstance(system, dict) else {}
    content = CONTENTS["system"][0](message, "system", None)
    number, user = message.get("from"), message.get("from_user_id")
    # Where it tells of no new one, which of the old and the new these two are is not documented: they are no pair.
    number = None if reference(user) else number
    sender, formerly = _person(account, number, user, message.get("from_parent_user_id"), {}), None
    if CHANGES.get(text(system.get("type"))) in _REKEYING:
        present = _person(account, system.get("wa_id"), system.get("user_id"), system.get("parent_user_id"), {})
        previous = system.get("previous_user_id")
        if present is not None:
            sender = present
            formerly = _person(account, message.get("from"), previous, system.get("previous_parent_user_id"), {})
    if sender is None:
        raise Bad("a system message without a usable customer")
    # What did not change is no former address.
    former = tuple(a for a in formerly.addresses if a not in sender.addresses) if formerly else ()
    return InboundMessage(provider_id, at, sender, content, None, False, former)


_REKEYING: Final = frozenset({IdentityChange.NUMBER, IdentityChange.USER_ID})


# ------------------------------------------------------------------------------------- statuses


def _status(account: str, status: _Object, people: _People) -> InboundStatus | InboundNotice:
    provider_id = _message_id(status.get("id"))
    at = instant(status.get("timestamp"))
    if not provider_id or at is None:
        raise Bad("a status without a usable id or timestamp")
    if status.get("recipient_type") == "group":
        raise Bad("a status of a group")
    report = _REPORTS.get(text(status.get("status")))
    if report is None and status.get("status") == "deleted":
        # Seen, and documented nowhere: whoever deleted it, what was delivered stays so.
        return notices.about("statuses", "deleted", status, at)
    if report is None:
        raise Bad(f"unknown status {word(status.get('status'))}")
    recipient = _person(
        account,
        status.get("recipient_id"),
        status.get("recipient_user_id"),
        status.get("recipient_parent_user_id"),
        people,
    )
    ours = text(status.get("biz_opaque_callback_data"))
    error, meaning = _failure(status.get("errors")) if report is Report.FAILED else ("", "")
    taught = errors.correction(error)
    return _inbound_status(
        provider_id,
        at,
        report,
        MessageId(ours) if ours else None,
        recipient,
        error,
        meaning,
        taught,
        _free_until(status),
    )


def _free_until(status: _Object) -> datetime | None:
    """When a free entry point ends. Other conversations say nothing about the price, and none about the window.

    Source: Cloud API, pricing and conversations in status webhooks, read 2026-11: while one is open, the conversation
    is told with its end.
    """
    pricing, conversation = status.get("pricing"), status.get("conversation")
    if not (isinstance(pricing, dict) and isinstance(conversation, dict)):
        return None
    return instant(conversation.get("expiration_timestamp")) if pricing.get("type") == "free_entry_point" else None


def _failure(found: object) -> tuple[str, str]:
    first = found[0] if isinstance(found, list) and found else None
    refusal = errors.read(first if isinstance(first, dict) else {})
    return refusal.code, refusal.meaning


def _trouble(_account: str, error: _Object, _people: _People) -> InboundItem:
    """An error of the account's own, with no message it belongs to."""
    return notices.about("errors", errors.read(error).code or "…", error)


def _told(topic: str, *names: str) -> "_Taker":
    """What is told of and changes nothing here: the first of ``names`` that says something is its word."""

    def take(_account: str, element: _Object, _people: _People) -> InboundItem:
        said = next((each for name in names if (each := text(element.get(name)))), "…")
        return notices.about(topic, said, element, instant(_part_of(element, "metadata").get("timestamp")))

    return take


# ---------------------------------------------------------------------------------- preferences


def _preference(account: str, preference: _Object, people: _People) -> InboundPreference:
    """What a customer chose about marketing. A sign-up is a choice for it, by a form of the business's own making."""
    wants_marketing = _CHOICES.get((text(preference.get("category")), text(preference.get("value"))))
    if wants_marketing is None:
        category, value = word(preference.get("category")), word(preference.get("value"))
        raise Bad(f"unknown preference {value} about {category}")
    at = instant(preference.get("timestamp"))
    sender = _person(
        account, preference.get("wa_id"), preference.get("user_id"), preference.get("parent_user_id"), people
    )
    if at is None or sender is None:
        raise Bad("a preference without a usable customer or timestamp")
    form = reference(preference.get("signup_id")) if preference.get("value") == "signup" else ""
    return InboundPreference(_choice_id(sender, wants_marketing, at, form), at, sender, wants_marketing, form)


def _choice_id(sender: Sender, wants_marketing: bool, at: datetime, form: str) -> ProviderId:
    """The provider numbers no preference, so its facts are its id: whose, which and when. Whose is the user id where
    there is one, for a digest over a telephone number can be guessed back."""
    whose = {address.kind: address.value for address in sender.addresses}
    who = whose.get(_BSUID) or whose.get(_WHATSAPP_ID) or whose[_PARENT_BSUID]
    facts = f"{who}\n{wants_marketing}\n{int(at.timestamp())}" + (f"\n{form}" if form else "")
    return ProviderId(f"preference.{digest_of(facts.encode()).hexdigest()[:32]}")


# ---------------------------------------------------------------------------------------- calls


def _call(account: str, call: _Object, people: _People) -> InboundMessage | InboundNotice:
    """A customer's call, answered or not: whichever event tells of it first.

    All its events have the call's id, so one call is one message, and an event that comes later is known. That is also
    why none of them says whether somebody took the call: the first, which says nothing of it, is the one that counts.
    A call of ours is none of the customer's doing until he accepts it, and that is a status; how it goes on is told of.
    """
    event, direction = word(call.get("event")), word(call.get("direction"))
    if event in _RECORDS or (event in _CALL_EVENTS and direction == "BUSINESS_INITIATED"):
        return notices.about("calls", event, call)
    if event not in _CALL_EVENTS or direction != "USER_INITIATED":
        raise Bad(f"unknown event {event} of a call ({direction})")
    # The end of a call is no sign of life; a terminate that overtook its connect counts from where the call began, as
    # near as it says so.
    at = instant(call.get("start_time")) or instant(call.get("timestamp"))
    sender = _person(account, call.get("from"), call.get("from_user_id"), call.get("from_parent_user_id"), people)
    return _called(call, at, sender, Call(CallDirection.CUSTOMER))


def _call_status(account: str, status: _Object, people: _People) -> InboundMessage | InboundNotice:
    """A call of the business's that the customer accepted: a sign of life. That it rang or was rejected is none."""
    said = word(status.get("status"))
    if status.get("type") == "call" and said in ("RINGING", "REJECTED"):
        return notices.about("calls", said, status)
    if status.get("type") != "call" or said != "ACCEPTED":
        raise Bad(f"unknown status {said} of a call")
    recipient = _person(
        account,
        status.get("recipient_id"),
        status.get("recipient_user_id"),
        status.get("recipient_parent_user_id"),
        people,
    )
    at = instant(status.get("timestamp"))
    return _called(status, at, recipient, Call(CallDirection.BUSINESS, is_accepted=True))


def _called(element: _Object, at: datetime | None, customer: Sender | None, content: Call) -> InboundMessage:
    call = _message_id(element.get("id"))
    if not call or at is None or customer is None:
        raise Bad("a call without a usable id, timestamp or customer")
    # A voicemail comes as a message under the bare id of its call. Had the call taken that id, the voicemail would pass
    # for known, and what the customer said would be lost.
    return _inbound_message(ProviderId(f"{call}#call"), at, customer, content)


# --------------------------------------------------------------------------------------- tables

_CHOICES: Final[Mapping[tuple[str, str], bool]] = {
    ("marketing_messages", "stop"): False,
    ("marketing_messages", "resume"): True,
    ("marketing_messages", "signup"): True,
}

# ``call_created`` is what tells of a call where calls go by SIP: there is no connect then.
_CALL_EVENTS: Final = frozenset({"connect", "call_created", "terminate"})
# The files are with the provider for seven days, under the call's id.
_RECORDS: Final = frozenset({"call_recording_available", "call_transcription_available"})

_REPORTS: Final[Mapping[str, Report]] = {report.value: report for report in Report}

_Taker: TypeAlias = Callable[[str, _Object, _People], InboundItem]


def _echo(account: str, echo: _Object, people: _People) -> InboundEcho:
    """What the business wrote in the provider's own app."""
    report = _REPORTS.get(word(_part_of(echo, "history_context").get("status")).lower())
    provider_id, at, kind = _message_id(echo.get("id")), instant(echo.get("timestamp")), echo.get("type")
    if not provider_id or at is None or not isinstance(kind, str):
        raise Bad("an echo without a usable id, timestamp or type")
    recipient = _person(account, echo.get("to"), echo.get("to_user_id"), echo.get("to_parent_user_id"), people)
    if recipient is None:
        raise Bad("an echo without a usable recipient")
    context = echo.get("context")
    replies_to = (_message_id(context.get("id")) or None) if isinstance(context, dict) else None
    content = CONTENTS.get(kind, UNKNOWN)[0](echo, kind, replies_to)
    return InboundEcho(provider_id, at, recipient, content, replies_to, report)


def _other_app(account: str, echo: _Object, people: _People) -> InboundEcho:
    """What the app that has the thread wrote to the customer: the value's only contact, where nobody else is named."""
    everybody = {id(contact): contact for contact in people.values()}
    only = next(iter(everybody.values())) if len(everybody) == 1 else {}
    whom = {"to": only.get("wa_id"), "to_user_id": only.get("user_id")}
    said = echo.get("message")
    if isinstance(said, dict):
        return _echo(account, whom | said | echo | {"type": said.get("type")}, people)
    kind = next((each for each in ("template", "flow") if each in echo), None)
    return _echo(account, whom | {"type": kind} | echo, people)


def _part_of(element: _Object, key: str) -> _Object:
    part = element.get(key)
    return part if isinstance(part, dict) else {}


def _past(account: str, message: _Object, people: _People) -> InboundItem:
    """A message of the time before the line was connected: a file that follows the history, for one."""
    taken = _message(account, message, people)
    return evolve(taken, is_history=True, opens_window=False)


def _read_history(account: str, line: str, element: object, people: _People, found: list[Inbound]) -> None:
    """The threads of the app from before the line was connected, each message on its own."""
    threads = element.get("threads") if isinstance(element, dict) else None
    refused = element.get("errors") if isinstance(element, dict) else None
    if isinstance(element, dict) and threads is None and isinstance(refused, list) and refused:
        # The business shares no history (2593109).
        first = refused[0] if isinstance(refused[0], dict) else {}
        found.append(_inbound(account, line, notices.about("history", errors.read(first).code or "…", element)))
        return
    if not isinstance(element, dict) or not isinstance(threads, list):
        found.append(_unreadable(account, line, "a history without threads", element))
        return
    for thread in threads:
        whole = thread if isinstance(thread, dict) else {}
        who = _part_of(whole, "context")
        number, user = who.get("wa_id") or whole.get("id"), who.get("user_id")
        messages = whole.get("messages")
        found.extend(
            _inbound(account, line, _of_history(account, message, number, user, people))
            for message in (messages if isinstance(messages, list) else [thread])
        )


def _of_history(account: str, message: object, number: object, user: object, people: _People) -> InboundItem:
    try:
        if not isinstance(message, dict):
            raise Bad("a message of the history that is no object")
        if _part_of(message, "history_context").get("from_me") is True:
            return _echo(account, {"to": number, "to_user_id": user} | message, people)
        return _past(account, {"from": number, "from_user_id": user} | message, people)
    except Bad as bad:
        return Unreadable(str(bad), readable(message))


_HISTORY: Final[Mapping[str, "_Taker"]] = {"messages": _past, "errors": _trouble}

_CONTEXT: Final = frozenset({"messaging_product", "metadata", "contacts", "conversation_context"})

_GROUPS: Final = ("group_lifecycle_update", "group_participants_update", "group_settings_update", "group_status_update")

_FIELDS: Final[Mapping[str, Mapping[str, _Taker]]] = {
    "messages": {
        "messages": _message,
        "statuses": _status,
        "errors": _trouble,
        "user_actions": _told("user_actions", "action_type", "type", "action", "name"),
    },
    "user_preferences": {"user_preferences": _preference, "errors": _trouble},
    "smb_message_echoes": {"message_echoes": _echo, "errors": _trouble},
    "message_echoes": {"message_echoes": _other_app, "errors": _trouble},
    # The contacts of the provider's app are the host's to take over, or not.
    "smb_app_state_sync": {"state_sync": _told("smb_app_state_sync", "action"), "errors": _trouble},
    "history": _HISTORY,
    # Another app answers this customer; that he wrote opens the window all the same.
    "standby": {
        "messages": _message,
        "message_echoes": _other_app,
        "statuses": _told("standby", "status"),
        "errors": _trouble,
    },
    "calls": {"calls": _call, "statuses": _call_status, "errors": _trouble},
    **{field: {"groups": _told(field, "type"), "errors": _trouble} for field in _GROUPS},
}
