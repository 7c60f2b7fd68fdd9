"""What customers do with their phones.

Rules of this file: no I/O; each function changes the world as a person's tap would, and returns
the notices that follow. What a phone cannot do is a `ControlError`.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from . import calls, graph, rules, webhooks
from .errors import ControlError, status_error
from .values import (
    Address,
    Attachment,
    BusinessMessage,
    Call,
    Choice,
    Content,
    Customer,
    CustomerMessage,
    Group,
    Json,
    Media,
    Notice,
    Number,
    Settings,
)
from .world import World


@attrs.frozen
class Said:
    """A message that a customer has sent, and its webhook."""

    message: CustomerMessage
    notice: Notice


def say(
    world: World,
    customer: Customer,
    number: Number,
    now: datetime,
    payload: Json,
    *,
    reply_to: str | None = None,
    group: Group | None = None,
    message_id: str | None = None,
) -> Said:
    """Send `payload` (`type` and what belongs to it) to the business; this opens the window."""
    _refuse_silence(customer, number, "write")
    if group is not None and customer.bsuid not in group.participants:
        raise ControlError(f"{customer.name} is not in the group", 409)
    if reply_to is not None:
        payload = {**payload, "context": _context(world, number, reply_to)}
    if group is not None:
        payload = {"group_id": group.id, **payload}
    message_id = message_id or world.mint.wamid(customer.shown_phone or customer.bsuid)
    message = CustomerMessage(message_id, number.id, customer.bsuid, now, payload)
    world.customer_messages[message_id] = message
    world.outbox.setdefault((number.id, customer.bsuid), []).append(message_id)
    if "referral" in payload:
        world.ads[number.id, customer.bsuid] = now
    if group is None:
        heard(world, number, customer, now)
    else:
        before = world.last_heard_at.get((number.id, group.id))
        world.last_heard_at[number.id, group.id] = max(now, before or now)
    return Said(message, webhooks.inbound(number, customer, message))


def _refuse_silence(customer: Customer, number: Number, what: str) -> None:
    if number.id in customer.blocked_by:
        raise ControlError(f"the number has blocked {customer.name}, who cannot {what} until it unblocks", 409)
    if not customer.on_whatsapp:
        raise ControlError(f"{customer.name} is not on WhatsApp and cannot {what}", 409)
    if number.id in customer.blocked:
        raise ControlError(f"{customer.name} has blocked the number; unblock it to {what}", 409)


@attrs.frozen
class Called:
    """A call, and its webhooks."""

    call: Call
    notices: tuple[Notice, ...]


def call(
    world: World,
    customer: Customer,
    number: Number,
    now: datetime,
    *,
    answered: bool,
    by_business: bool,
    duration: timedelta,
) -> Called:
    """Call the business, or be called by it. The customer's own call opens the window whether
    anybody answers or not; one of the business's when the customer answers.
    """
    _refuse_silence(customer, number, "call")
    if duration < timedelta(0):
        raise ControlError(f"a call cannot last {duration}")
    call_id = world.mint.wacid(customer.shown_phone or customer.bsuid)
    over_at = now + duration if answered else now
    made = Call(call_id, number.id, customer.bsuid, now, over_at, answered, by_business)
    if answered or not by_business:
        heard(world, number, customer, now)
    steps = [webhooks.call_event(number, customer, made, "connect", now)]
    if by_business:
        names = ("RINGING", "ACCEPTED" if answered else "REJECTED")
        steps += [webhooks.call_status(number, customer, made, name) for name in names]
    steps.append(webhooks.call_event(number, customer, made, "terminate", over_at))
    return Called(made, tuple(steps))


def heard(world: World, number: Number, customer: Customer, now: datetime) -> None:
    """The customer has given a sign of life: the window is open from now on."""
    # The later one, so that a clock set back does not shorten a window that is open.
    before = world.last_heard_at.get((number.id, customer.bsuid))
    world.last_heard_at[number.id, customer.bsuid] = max(now, before or now)


def _context(world: World, number: Number, message_id: str) -> dict[str, object]:
    theirs = world.customer_messages.get(message_id)
    if theirs is None:
        return {"from": number.display_number, "id": message_id}
    author = world.customers[theirs.bsuid]
    return webhooks.present({"from": author.shown_phone, "id": message_id})


def media_payload(sent: Attachment, media: Media, url: str) -> dict[str, object]:
    """The inbound shape of a file. The digest is in base64 here, and in hex in REST."""
    digest = b64encode(bytes.fromhex(media.sha256)).decode()
    facts = {
        "caption": sent.caption,
        "filename": sent.filename,
        "mime_type": media.mime_type,
        "sha256": digest,
        "id": media.id,
        "url": url,
        "voice": True if sent.is_voice else None,
        "animated": sent.is_animated if sent.kind == "sticker" else None,
    }
    return {"type": sent.kind, sent.kind: webhooks.present(facts)}


def send_media(
    world: World,
    settings: Settings,
    customer: Customer,
    number: Number,
    now: datetime,
    sent: Attachment,
    *,
    base_url: str,
    reply_to: str | None = None,
    group: Group | None = None,
) -> Said:
    """Send a file. One over the limit arrives as `unsupported`, with Meta's reason."""
    if len(sent.data) > settings.inbound_media_limit:
        return say(world, customer, number, now, _too_large(sent), reply_to=reply_to)
    payload = _kept(world, number, now, sent, base_url)
    return say(world, customer, number, now, payload, reply_to=reply_to, group=group)


def _kept(world: World, number: Number, now: datetime, sent: Attachment, base_url: str) -> dict[str, object]:
    expires_at = now + rules.INBOUND_MEDIA_LIFE
    media = graph.stored(world, number.id, sent.mime_type, sent.data, expires_at)
    return media_payload(sent, media, graph.new_media_url(world, media, now, base_url))


def _too_large(sent: Attachment) -> dict[str, object]:
    error = status_error(131052, f"The media file has {len(sent.data)} bytes, which is too big.")
    return {"type": "unsupported", "unsupported": {"type": sent.kind}, "errors": [error]}


def voicemail(
    world: World, customer: Customer, number: Number, now: datetime, data: bytes, *, base_url: str
) -> tuple[Notice, ...]:
    """Call in vain and speak after the tone: the call's webhooks, and an audio whose id is the call's."""
    called = call(world, customer, number, now, answered=False, by_business=False, duration=timedelta(0))
    sent = Attachment("audio", "audio/ogg; codecs=opus", data, is_voice=True)
    payload = _kept(world, number, now, sent, base_url)
    said = say(world, customer, number, now, payload, message_id=called.call.id)
    return (*called.notices, said.notice)


def react(world: World, customer: Customer, number: Number, now: datetime, message_id: str, emoji: str) -> Said:
    """React to a message of either side; without an emoji the reaction is taken back."""
    if message_id not in world.customer_messages:
        shown(world, customer, message_id, now)
    reaction = {"message_id": message_id, **({"emoji": emoji} if emoji else {})}
    return say(world, customer, number, now, {"type": "reaction", "reaction": reaction})


def answer_request(
    world: World, customer: Customer, number: Number, now: datetime, message_id: str, asks_for: str, payload: Json
) -> Said:
    """Answer a message that asks for something: a place, the number, permission to call."""
    message = shown(world, customer, message_id, now)
    if not any(c.kind == "request" and c.id == asks_for for c in message.content.all_choices):
        raise ControlError(f"the message does not ask for {asks_for}", 409)
    return say(world, customer, number, now, payload, reply_to=message_id)


def contact_payload(customer: Customer, *, origin: str) -> dict[str, object]:
    """The customer's own card, which reveals the number."""
    phones = [{"phone": f"+{customer.phone}", "wa_id": customer.phone, "type": "CELL"}]
    name = {"formatted_name": customer.name, "first_name": customer.name}
    return {"type": "contacts", "contacts": [{"name": name, "phones": phones, "origin": origin}]}


def permit_calls(
    world: World, customer: Customer, number: Number, now: datetime, message_id: str, *, accept: bool, permanent: bool
) -> Said:
    """Answer a request for permission to call."""
    reply: dict[str, object] = {"response": "accept" if accept else "reject", "response_source": "user_action"}
    if accept:
        reply |= {"is_permanent": permanent}
        if not permanent:
            reply["expiration_timestamp"] = int((now + timedelta(hours=168)).timestamp())
    interactive = {"type": "call_permission_reply", "call_permission_reply": reply}
    payload = {"type": "interactive", "interactive": interactive}
    said = answer_request(world, customer, number, now, message_id, "call_permission", payload)
    permission: calls.Permission = "none" if not accept else "permanent" if permanent else "temporary"
    _put(world, attrs.evolve(customer, call_permission=permission))
    return said


def submit_flow(
    world: World, customer: Customer, number: Number, now: datetime, message_id: str, response: Json
) -> Said:
    """Finish a flow, or the form of an address."""
    message = shown(world, customer, message_id, now)
    choices = message.content.all_choices
    token = next((c.id for c in choices if c.kind == "flow"), None)
    is_address = any((c.kind, c.id) == ("request", "address") for c in choices)
    if token is None and not is_address:
        raise ControlError("the message has no flow", 409)
    told = {**response, **({"flow_token": token} if token else {})}
    # The answer is JSON in a string: Meta's own shape.
    reply = {"name": "address_message" if is_address else "flow", "body": "Sent", "response_json": json.dumps(told)}
    payload = {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}
    return say(world, customer, number, now, payload, reply_to=message_id)


def tap_call(world: World, customer: Customer, now: datetime, message_id: str) -> Call:
    """Tap the button of a message that calls the business; it rings."""
    message = shown(world, customer, message_id, now)
    payload = next((c.id for c in message.content.all_choices if c.kind == "voice_call"), None)
    if payload is None:
        raise ControlError("the message has no button that calls", 409)
    number = world.numbers[message.number_id]
    _refuse_silence(customer, number, "call")
    heard(world, number, customer, now)
    return calls.ring(world, customer, number, now, payload or None)


def ring(world: World, customer: Customer, number: Number, now: datetime) -> Called:
    """Call the business, and let it ring until one side ends it."""
    _refuse_silence(customer, number, "call")
    heard(world, number, customer, now)
    made = calls.ring(world, customer, number, now, None)
    return Called(made, (webhooks.call_event(number, customer, made, "connect", now),))


# --- new numbers, keys and telephones -----------------------------------------------------------


def change_number(world: World, customer: Customer, number: Number, now: datetime, phone: str) -> tuple[Notice, ...]:
    """Move to another number, with which comes another BSUID; each number that knows the customer is told."""
    after = attrs.evolve(customer, phone=phone, bsuid=world.mint.bsuid(customer.bsuid.partition(".")[0]))
    _refuse_taken(world, phone, after.bsuid)
    world.customers = {after.bsuid if k == customer.bsuid else k: v for k, v in world.customers.items()}
    del world.bsuid_of_phone[customer.phone]
    _put(world, after)
    _rename(world, customer.bsuid, after.bsuid)
    system: dict[str, object] = {"user_id": after.bsuid, "previous_user_id": customer.bsuid}
    if after.shown_phone is None:
        system |= {"type": "user_changed_user_id", "body": f"{customer.name} has a new user id"}
    else:
        told = f"{customer.name} changed from {customer.phone} to {phone}"
        system |= {"type": "user_changed_number", "body": told, "wa_id": phone}
    return (_system(world, number, customer, now, {"system": system}),)


def _rename(world: World, before: str, after: str) -> None:
    for message in list(world.customer_messages.values()):
        if message.bsuid == before:
            world.customer_messages[message.id] = attrs.evolve(message, bsuid=after)
    for sent in list(world.business_messages.values()):
        if sent.bsuid == before:
            world.business_messages[sent.id] = attrs.evolve(sent, bsuid=after)
    if before in world.inbox:
        world.inbox[after] = world.inbox.pop(before)
    for number_id in world.numbers:
        if (number_id, before) in world.outbox:
            world.outbox[number_id, after] = world.outbox.pop((number_id, before))
        if (number_id, before) in world.last_heard_at:
            world.last_heard_at[number_id, after] = world.last_heard_at.pop((number_id, before))
    for group in list(world.groups.values()):
        people = tuple(after if bsuid == before else bsuid for bsuid in group.participants)
        world.groups[group.id] = attrs.evolve(group, participants=people)


def change_identity(world: World, customer: Customer, number: Number, now: datetime) -> tuple[Notice, ...]:
    """A new telephone, or WhatsApp installed anew: the key, and with it the hash of it, changes."""
    identity = world.mint.nonce()
    _put(world, attrs.evolve(customer, identity=identity))
    told = {"type": "customer_identity_changed", "body": f"{customer.name}'s security code has changed"}
    facts = {"acknowledged": True, "created_timestamp": rules.unix(now), "hash": identity}
    return (_system(world, number, customer, now, {"system": told, "identity": facts}),)


def _system(world: World, number: Number, customer: Customer, now: datetime, payload: Json) -> Notice:
    """A system message: of the customer as was, and without `contacts`. It opens no window."""
    wamid = world.mint.wamid(customer.shown_phone or customer.bsuid)
    message = CustomerMessage(wamid, number.id, customer.bsuid, now, {"type": "system", **payload})
    return webhooks.inbound(number, customer, message, is_system=True)


def set_online(world: World, customer: Customer, *, is_so: bool) -> Customer:
    """Switch the telephone on or off."""
    return _put(world, attrs.evolve(customer, is_online=is_so))


# --- the business's own app (coexistence) -------------------------------------------------------


def _need_app(number: Number) -> None:
    if not number.is_on_app:
        raise ControlError(f"the app does not use number {number.id}; seed it with is_on_app", 409)


def edit(world: World, customer: Customer, number: Number, now: datetime, message_id: str, text: str) -> Said:
    """Change a message that was sent. Only a number of the app is told what to; others get `unsupported`."""
    _own(world, customer, message_id)
    if not number.is_on_app:
        return say(world, customer, number, now, unsupported_payload("edit"))
    edited = {"original_message_id": message_id, "message": {"type": "text", "text": {"body": text}}}
    return say(world, customer, number, now, {"type": "edit", "edit": edited})


def revoke(world: World, customer: Customer, number: Number, now: datetime, message_id: str) -> Said:
    """Take a message back. Only a number of the app is told; others get `unsupported`."""
    _own(world, customer, message_id)
    if not number.is_on_app:
        return say(world, customer, number, now, unsupported_payload("revoke"))
    return say(world, customer, number, now, {"type": "revoke", "revoke": {"original_message_id": message_id}})


def _own(world: World, customer: Customer, message_id: str) -> None:
    message = world.customer_messages.get(message_id)
    if message is None or message.bsuid != customer.bsuid:
        raise ControlError(f"{customer.name} has sent no message {message_id!r}", 404)


def unsupported_payload(kind: str, code: int = 131051) -> dict[str, object]:
    """What the API does not convey: its kind, and an error that says so."""
    error = status_error(code, "Message type is currently not supported.")
    return {"type": "unsupported", "unsupported": {"type": kind}, "errors": [error]}


def echo(world: World, customer: Customer, number: Number, now: datetime, payload: Json) -> tuple[str, Notice]:
    """A message that somebody of the business writes in the app: on the phone, and echoed to the API. It opens no
    window and costs nothing.
    """
    _need_app(number)
    wamid = world.mint.wamid(customer.shown_phone or customer.bsuid)
    text = payload.get("text")
    shown_text = str(text.get("body")) if isinstance(text, Mapping) else None
    world.business_messages[wamid] = BusinessMessage(
        id=wamid,
        number_id=number.id,
        address=Address(customer.phone, wa_id=customer.phone),
        bsuid=customer.bsuid,
        accepted_at=now,
        content=Content(kind=str(payload.get("type")), text=shown_text, payload=dict(payload)),
        arrives_at=now,
    )
    world.inbox.setdefault(customer.bsuid, []).append(wamid)
    return wamid, webhooks.echo(number, customer, wamid, payload, now)


def app_contact(number: Number, customer: Customer, now: datetime, *, action: str) -> Notice:
    """The app's address book got, or lost, the customer."""
    _need_app(number)
    contact = webhooks.present(
        {
            "full_name": customer.name,
            "first_name": customer.name,
            "phone_number": customer.shown_phone,
            "user_id": customer.bsuid,
            "username": customer.username,
        }
    )
    row = {"type": "contact", "contact": contact, "action": action, "metadata": {"timestamp": rules.unix(now)}}
    value = {**webhooks.common(number), "state_sync": [row]}
    return Notice(number.account_id, "smb_app_state_sync", value, now)


def history(world: World, number: Number, now: datetime, *, phase: int, chunk: int, progress: int) -> Notice:
    """What the app knows from before: the threads so far, as one chunk."""
    _need_app(number)
    threads: dict[str, list[Json]] = {}
    for message in world.customer_messages.values():
        if message.number_id == number.id:
            who = world.customers[message.bsuid]
            row = {
                "from": who.phone,
                "id": message.id,
                "timestamp": rules.unix(message.sent_at),
                **message.payload,
                "history_context": {"status": "READ", "from_me": False},
            }
            threads.setdefault(who.phone, []).append(row)
    facts = {"phase": phase, "chunk_order": chunk, "progress": progress}
    rows = [{"id": phone, "messages": messages} for phone, messages in threads.items()]
    value = {**webhooks.common(number), "history": [{"metadata": facts, "threads": rows}]}
    return Notice(number.account_id, "history", value, now)


def tap(world: World, customer: Customer, number: Number, now: datetime, message_id: str, choice: str) -> Said:
    """Tap a button or list row of a message on the phone, named by its id or its title."""
    message = shown(world, customer, message_id, now)
    tapped = _tapped(message, choice)
    return say(world, customer, number, now, _tap_payload(tapped), reply_to=message_id)


def _tapped(message: BusinessMessage, choice: str) -> Choice:
    offered = [c for c in message.content.all_choices if c.kind in ("button", "button_reply", "list_reply")]
    # Ids first: a title may happen to equal another choice's id.
    for candidate in (*(c for c in offered if c.id == choice), *offered):
        if choice in (candidate.id, candidate.title):
            return candidate
    known = ", ".join(f"{c.id!r} ({c.title})" for c in offered) or "nothing"
    raise ControlError(f"the message offers {known} to tap, not {choice!r}", 404)


def _tap_payload(choice: Choice) -> dict[str, object]:
    if choice.kind == "button":
        return {"type": "button", "button": {"payload": choice.id, "text": choice.title}}
    reply = {"id": choice.id, "title": choice.title, "description": choice.description}
    answer = {"type": choice.kind, choice.kind: webhooks.present(reply)}
    return {"type": "interactive", "interactive": answer}


def shown(world: World, customer: Customer, message_id: str, now: datetime) -> BusinessMessage:
    """The business's message, as it is on the customer's phone."""
    message = world.business_messages.get(message_id)
    is_mine = message is not None and customer.bsuid in (message.bsuid, *message.participants)
    if message is None or not is_mine or not message.has_arrived(now):
        raise ControlError(f"no message {message_id!r} on the phone of {customer.name}", 404)
    return message


def received(world: World, customer: Customer, now: datetime) -> tuple[BusinessMessage, ...]:
    """All that the phone shows of the business's messages, oldest first."""
    mine = (world.business_messages[i] for i in world.inbox.get(customer.bsuid, ()))
    return tuple(message for message in mine if message.has_arrived(now))


def read(world: World, customer: Customer, now: datetime, message_id: str | None = None) -> tuple[Notice, ...]:
    """Read a message and all before it, or everything; what was read already says nothing more."""
    messages = received(world, customer, now)
    if message_id is not None:
        last = messages.index(shown(world, customer, message_id, now))
        messages = messages[: last + 1]
    # What is read in a group is not told here, and of reactions and pins there is nothing to read.
    fresh = [m for m in messages if m.read_at is None and _is_told(m)]
    return tuple(_read(world, customer, message, now) for message in fresh)


def _is_told(message: BusinessMessage) -> bool:
    return message.group_id is None and message.content.kind not in ("reaction", "pin")


def play(world: World, customer: Customer, now: datetime, message_id: str) -> tuple[Notice, ...]:
    """Hear a voice message: it is read, and then `played`, the first time."""
    message = shown(world, customer, message_id, now)
    if not message.content.is_voice:
        raise ControlError("only a voice message is played", 409)
    notices = read(world, customer, now, message_id)
    number = world.numbers[message.number_id]
    return (*notices, webhooks.status(number, customer, world.business_messages[message_id], "played", now))


def _read(world: World, customer: Customer, message: BusinessMessage, now: datetime) -> Notice:
    world.business_messages[message.id] = attrs.evolve(message, read_at=now)
    return webhooks.status(world.numbers[message.number_id], customer, message, "read", now)


def set_blocked(world: World, customer: Customer, number: Number, blocked: bool) -> Customer:
    """Block or unblock the number. The business is not told."""
    changed = customer.blocked | {number.id} if blocked else customer.blocked - {number.id}
    return _put(world, attrs.evolve(customer, blocked=changed))


def show_number(world: World, customer: Customer) -> Customer:
    """Hide the number no longer. The business learns of it with the next message."""
    return _put(world, attrs.evolve(customer, hidden_number=False))


def set_marketing(
    world: World, customer: Customer, number: Number, now: datetime, *, stopped: bool
) -> tuple[Notice, ...]:
    """Stop or resume marketing messages from the number. A repetition says nothing more."""
    if (number.id in customer.marketing_stopped) == stopped:
        return ()
    before = customer.marketing_stopped
    changed = before | {number.id} if stopped else before - {number.id}
    customer = _put(world, attrs.evolve(customer, marketing_stopped=changed))
    choice = "stop" if stopped else "resume"
    return (webhooks.marketing_preference(number, customer, choice, now),)


def sign_up(world: World, customer: Customer, number: Number, now: datetime, signup_id: str) -> tuple[Notice, ...]:
    """Sign up for marketing messages from the number, by a form."""
    customer = _put(world, attrs.evolve(customer, marketing_stopped=customer.marketing_stopped - {number.id}))
    return (webhooks.marketing_preference(number, customer, "signup", now, signup_id),)


def _put(world: World, customer: Customer) -> Customer:
    world.customers[customer.bsuid] = customer
    world.bsuid_of_phone[customer.phone] = customer.bsuid
    return customer


def add(world: World, customer: Customer) -> Customer:
    """Give a new customer a phone."""
    if not customer.phone.isdigit() or not 5 <= len(customer.phone) <= 15:
        raise ControlError(f"{customer.phone!r} is not a phone number in digits with country code")
    _refuse_taken(world, customer.phone, customer.bsuid)
    return _put(world, customer)


def _refuse_taken(world: World, *addresses: str) -> None:
    for taken in addresses:
        if world.find_customer(taken) is not None:
            raise ControlError(f"there is a customer {taken} already", 409)
