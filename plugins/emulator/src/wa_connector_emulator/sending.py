"""What becomes of a message that the business sends.

Rules of this file: pure of I/O; it changes the world and returns the response body and the notices.

Theory of operation. A send passes three gates, in this order: its shape (`messages`), the limits
(pair and throughput), and its fate. The first two refuse at once, and then nothing was sent. Past
them the message is accepted, which promises nothing: its fate - delivered, failed, or silence - is
decided at once too, but told later by webhook, as Meta does. Shape comes before the limits so that
a refused body costs the sender no quota.

Sources: developers.facebook.com, send messages and its error codes (read 2026-09-11).
"""

import re
from datetime import datetime, timedelta
from itertools import takewhile

import attrs

from . import messages, rules, shape, webhooks
from .errors import GraphError
from .values import (
    Address,
    BusinessMessage,
    Content,
    Customer,
    CustomerMessage,
    Failure,
    Json,
    Notice,
    Number,
    Settings,
)
from .world import World

_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}\Z")
_PHONE = re.compile(r"\+?[0-9() -]{5,30}\Z")
_LONGEST_OPAQUE = 512


@attrs.frozen
class Accepted:
    """The body of the 200 answer, and the statuses to come."""

    body: Json
    notices: tuple[Notice, ...]


@attrs.frozen
class _Order:
    """A send call, understood."""

    address: Address
    customer: Customer | None
    content: Content
    opaque: str | None
    context_id: str | None
    is_open: bool


def accept(world: World, settings: Settings, number: Number, body: Json, now: datetime) -> Accepted:
    """Take a send call, or raise `GraphError` and have done nothing."""
    order = _understood(world, number, body, now)
    failure = _fate(world, settings, number, order, now)
    if failure is not None and failure.code == 131047 and settings.window_violation == "sync":
        raise GraphError(failure.code, failure.details)
    _spend(world, settings, number, order, now)
    message = _recorded(world, settings, number, order, failure, now)
    return Accepted(_answer(message), _statuses(world, settings, number, order, message))


def mark_read(world: World, number: Number, body: Json, now: datetime) -> None:
    """The business has read a customer's message, and so all before it; perhaps it is typing."""
    if body.get("status") != "read":
        raise GraphError(131009, "Param status must be read.")
    message_id = shape.need_text(body, "message_id")
    message = world.customer_messages.get(message_id)
    if message is None or message.number_id != number.id:
        raise GraphError(131009, f"Param message_id: no message {message_id} to this number.")
    if now >= message.sent_at + rules.MARK_READ_WITHIN:
        raise GraphError(131009, "Param message_id: the message is more than 30 days old.")
    is_typing = body.get("typing_indicator") is not None
    for other_id in _unread_until(world, message):
        read = attrs.evolve(world.customer_messages[other_id], is_read=True)
        world.customer_messages[other_id] = attrs.evolve(read, is_typing=is_typing and other_id == message_id)


def _unread_until(world: World, last: CustomerMessage) -> list[str]:
    """The message itself and the unread ones before it, newest first.

    Reading marks everything earlier, so the walk back may stop at the first one that is read.
    """
    thread = world.outbox[last.number_id, last.bsuid]
    earlier = reversed(thread[: thread.index(last.id)])
    unread = takewhile(lambda i: not world.customer_messages[i].is_read, earlier)
    return [last.id, *unread]


# --- the first gate: shape ----------------------------------------------------------------------


def _understood(world: World, number: Number, body: Json, now: datetime) -> _Order:
    if body.get("recipient_type", "individual") != "individual":
        raise GraphError(100, "Only individual recipients are emulated, groups are not.")
    address = _address(number, body)
    if address.wa_id == number.display_number:
        raise GraphError(131021, "The recipient is the sending number itself.")
    customer = world.find_customer(address.wa_id or address.user_id or "")
    desk = messages.Desk(world, number, now, to_bsuid=address.user_id is not None)
    heard_at = world.last_heard_at.get((number.id, customer.bsuid)) if customer else None
    return _Order(
        address=address,
        customer=customer,
        content=messages.checked(desk, body),
        opaque=shape.maybe_text(body, "biz_opaque_callback_data", most=_LONGEST_OPAQUE),
        context_id=_context_id(body),
        is_open=rules.is_window_open(heard_at, now),
    )


def _context_id(body: Json) -> str | None:
    if body.get("context") is None:
        return None
    return shape.need_text(shape.need_object(body, "context"), "message_id", "context")


def _address(number: Number, body: Json) -> Address:
    """Whom the call is for. Of `to` and `recipient` the first wins."""
    to, recipient = shape.maybe_text(body, "to"), shape.maybe_text(body, "recipient")
    if to is not None:
        return Address(to, wa_id=_phone(number, to))
    if recipient is None:
        raise GraphError(100, "The parameter to is required.")
    if not _BSUID.match(recipient):
        raise shape.wrong("recipient", "must be a business-scoped user id such as US.1349")
    return Address(recipient, user_id=recipient)


def _phone(number: Number, to: str) -> str:
    """The digits that Meta would dial.

    Without a leading `+` the *business's* country code is put in front, whatever the digits begin
    with. It is documented, and it is how messages reach strangers; an emulator that guessed better
    would hide the mistake.
    """
    if not _PHONE.match(to):
        raise shape.wrong("to", "must be a phone number such as +16505551234")
    digits = "".join(c for c in to if c.isdigit())
    return digits if to.startswith("+") else number.country_code + digits


# --- the second gate: limits --------------------------------------------------------------------


def _spend(world: World, settings: Settings, number: Number, order: _Order, now: datetime) -> None:
    """Take from both buckets, or from neither."""
    rate = settings.throughput_per_second
    throughput = world.throughput_buckets.get(number.id)
    if rate is not None:
        every = timedelta(seconds=1) / rate
        throughput = rules.spend(throughput, now, holds=rate, every=every)
        if throughput is None:
            raise GraphError(130429, f"More than {rate} messages a second from this number.")
    pair = (number.id, _recipient_key(order))
    if settings.pair_limit:
        left = rules.spend(world.pair_buckets.get(pair), now, holds=rules.PAIR_BURST, every=rules.PAIR_EVERY)
        if left is None:
            raise GraphError(131056, "Too many messages from this number to the same customer.")
        world.pair_buckets[pair] = left
    if throughput is not None:
        world.throughput_buckets[number.id] = throughput


def _recipient_key(order: _Order) -> str:
    return order.customer.bsuid if order.customer else order.address.input


# --- the third gate: fate -----------------------------------------------------------------------


def _fate(world: World, settings: Settings, number: Number, order: _Order, now: datetime) -> Failure | None:
    """Why the message will fail after it was accepted, or None."""
    customer, content = order.customer, order.content
    if customer is None or not customer.on_whatsapp:
        return Failure(131026, "The recipient is not on WhatsApp, or cannot receive this message.")
    if number.id in customer.blocked and settings.blocked_send == "failed":
        return Failure(131026, "Message undeliverable.")
    if content.template is None and not order.is_open:
        return Failure(131047, "More than 24 hours have passed since the customer last wrote to this number.")
    if content.category == "marketing" and number.id in customer.marketing_stopped:
        return Failure(131050, "The customer has stopped marketing messages from this business.")
    return _reaction_failure(world, customer, content, now)


def _reaction_failure(world: World, customer: Customer, content: Content, now: datetime) -> Failure | None:
    if content.reacts_to is None:
        return None
    sent_at = _said_at(world, customer, content.reacts_to)
    if sent_at is not None and now < sent_at + rules.REACT_WITHIN:
        return None
    return Failure(131009, "The message to react to is unknown, too old, or itself a reaction.")


def _said_at(world: World, customer: Customer, message_id: str) -> datetime | None:
    heard = world.customer_messages.get(message_id)
    if heard is not None and heard.bsuid == customer.bsuid:
        return heard.sent_at if heard.payload.get("type") != "reaction" else None
    said = world.business_messages.get(message_id)
    if said is None or said.bsuid != customer.bsuid or said.content.kind == "reaction":
        return None
    return said.accepted_at


def _recorded(
    world: World,
    settings: Settings,
    number: Number,
    order: _Order,
    failure: Failure | None,
    now: datetime,
) -> BusinessMessage:
    customer = order.customer
    is_blocked = customer is not None and number.id in customer.blocked
    arrives = failure is None and not is_blocked
    message = BusinessMessage(
        id=world.mint.wamid(order.address.wa_id or order.address.input),
        number_id=number.id,
        address=order.address,
        bsuid=customer.bsuid if customer else None,
        accepted_at=now,
        content=order.content,
        opaque=order.opaque,
        context_id=order.context_id,
        failure=failure,
        arrives_at=now + settings.sent_after + settings.delivered_after if arrives else None,
    )
    world.business_messages[message.id] = message
    if message.opaque is not None:
        world.sends_by_opaque[message.opaque] += 1
    if customer is not None and arrives:
        world.inbox.setdefault(customer.bsuid, []).append(message.id)
    return message


def _answer(message: BusinessMessage) -> dict[str, object]:
    entry: dict[str, object] = {"id": message.id}
    if message.content.template is not None:
        entry["message_status"] = "accepted"
    return {
        "messaging_product": "whatsapp",
        "contacts": [webhooks.present(attrs.asdict(message.address))],
        "messages": [entry],
    }


def _statuses(
    world: World, settings: Settings, number: Number, order: _Order, message: BusinessMessage
) -> tuple[Notice, ...]:
    customer, sent_at = order.customer, message.accepted_at + settings.sent_after
    if message.failure is not None:
        return (webhooks.status(number, customer, message, "failed", sent_at),)
    pricing = _priced(world, settings, number, order, message)
    sent = webhooks.status(number, customer, message, "sent", sent_at, pricing=pricing)
    # Of a reaction Meta tells only that it was sent.
    if message.arrives_at is None or message.content.kind == "reaction":
        return (sent,)
    delivered = webhooks.status(number, customer, message, "delivered", message.arrives_at, pricing=pricing)
    return (sent, delivered)


def _priced(
    world: World, settings: Settings, number: Number, order: _Order, message: BusinessMessage
) -> dict[str, object]:
    month = (number.id, rules.month_of(message.accepted_at))
    is_service = message.content.category == "service"
    is_free_tier = is_service and world.service_messages[month] < settings.free_service_messages
    if is_service and message.arrives_at is not None:
        world.service_messages[month] += 1
    return rules.pricing(message.content, is_open=order.is_open, at=message.accepted_at, is_free_tier=is_free_tier)
