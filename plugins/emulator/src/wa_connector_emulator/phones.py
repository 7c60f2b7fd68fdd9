"""What customers do with their phones.

Rules of this file: no I/O; each function changes the world as a person's tap would, and returns
the notices that follow. What a phone cannot do is a `ControlError`.
"""

from base64 import b64encode
from datetime import datetime, timedelta

import attrs

from . import graph, rules, webhooks
from .errors import ControlError, status_error
from .values import (
    BusinessMessage,
    Call,
    Choice,
    Customer,
    CustomerMessage,
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
) -> Said:
    """Send `payload` (`type` and what belongs to it) to the business; this opens the window."""
    _refuse_silence(customer, number, "write")
    if reply_to is not None:
        payload = {**payload, "context": _context(world, number, reply_to)}
    message_id = world.mint.wamid(customer.shown_phone or customer.bsuid)
    message = CustomerMessage(message_id, number.id, customer.bsuid, now, payload)
    world.customer_messages[message_id] = message
    world.outbox.setdefault((number.id, customer.bsuid), []).append(message_id)
    _heard(world, number, customer, now)
    return Said(message, webhooks.inbound(number, customer, message))


def _refuse_silence(customer: Customer, number: Number, what: str) -> None:
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
        _heard(world, number, customer, now)
    steps = [webhooks.call_event(number, customer, made, "connect", now)]
    if by_business:
        names = ("RINGING", "ACCEPTED" if answered else "REJECTED")
        steps += [webhooks.call_status(number, customer, made, name) for name in names]
    steps.append(webhooks.call_event(number, customer, made, "terminate", over_at))
    return Called(made, tuple(steps))


def _heard(world: World, number: Number, customer: Customer, now: datetime) -> None:
    # The later one, so that a clock set back does not shorten a window that is open.
    before = world.last_heard_at.get((number.id, customer.bsuid))
    world.last_heard_at[number.id, customer.bsuid] = max(now, before or now)


def _context(world: World, number: Number, message_id: str) -> dict[str, object]:
    theirs = world.customer_messages.get(message_id)
    if theirs is None:
        return {"from": number.display_number, "id": message_id}
    author = world.customers[theirs.bsuid]
    return webhooks.present({"from": author.shown_phone, "id": message_id})


def image_payload(media: Media, url: str, caption: str | None) -> dict[str, object]:
    """The inbound shape of an image. The digest is in base64 here, and in hex in REST."""
    digest = b64encode(bytes.fromhex(media.sha256)).decode()
    image = {
        "caption": caption,
        "mime_type": media.mime_type,
        "sha256": digest,
        "id": media.id,
        "url": url,
    }
    return {"type": "image", "image": webhooks.present(image)}


def send_image(
    world: World,
    settings: Settings,
    customer: Customer,
    number: Number,
    now: datetime,
    image: graph.Upload,
    *,
    caption: str | None = None,
    base_url: str,
) -> Said:
    """Send a picture. One over the limit arrives as `unsupported`, with Meta's reason."""
    if len(image.data) > settings.inbound_media_limit:
        return say(world, customer, number, now, _too_large(len(image.data)))
    expires_at = now + rules.INBOUND_MEDIA_LIFE
    media = graph.stored(world, number.id, image.mime_type, image.data, expires_at)
    url = graph.new_media_url(world, media, now, base_url)
    return say(world, customer, number, now, image_payload(media, url, caption))


def _too_large(size: int) -> dict[str, object]:
    error = status_error(131052, f"The media file has {size} bytes, which is too big.")
    return {"type": "unsupported", "unsupported": {"type": "image"}, "errors": [error]}


def tap(world: World, customer: Customer, number: Number, now: datetime, message_id: str, choice: str) -> Said:
    """Tap a button or list row of a message on the phone, named by its id or its title."""
    message = shown(world, customer, message_id, now)
    tapped = _tapped(message, choice)
    return say(world, customer, number, now, _tap_payload(tapped), reply_to=message_id)


def _tapped(message: BusinessMessage, choice: str) -> Choice:
    offered = [c for c in message.content.all_choices if c.kind not in ("link", "code")]
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
    if message is None or message.bsuid != customer.bsuid or not message.has_arrived(now):
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
    fresh = [m for m in messages if m.read_at is None and m.content.kind != "reaction"]
    return tuple(_read(world, customer, message, now) for message in fresh)


def _read(world: World, customer: Customer, message: BusinessMessage, now: datetime) -> Notice:
    world.business_messages[message.id] = attrs.evolve(message, read_at=now)
    return webhooks.status(world.numbers[message.number_id], customer, message, "read", now)


def set_blocked(world: World, customer: Customer, number: Number, blocked: bool) -> Customer:
    """Block or unblock the number. The business is not told."""
    changed = customer.blocked | {number.id} if blocked else customer.blocked - {number.id}
    return _put(world, attrs.evolve(customer, blocked=changed))


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


def _put(world: World, customer: Customer) -> Customer:
    world.customers[customer.bsuid] = customer
    world.bsuid_of_phone[customer.phone] = customer.bsuid
    return customer


def add(world: World, customer: Customer) -> Customer:
    """Give a new customer a phone."""
    if not customer.phone.isdigit() or not 5 <= len(customer.phone) <= 15:
        raise ControlError(f"{customer.phone!r} is not a phone number in digits with country code")
    for taken in (customer.phone, customer.bsuid):
        if world.find_customer(taken) is not None:
            raise ControlError(f"there is a customer {taken} already", 409)
    return _put(world, customer)
