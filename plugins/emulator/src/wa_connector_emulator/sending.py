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
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import takewhile

import attrs

from . import calls, messages, rules, shape, webhooks
from .errors import GraphError
from .values import (
    Address,
    BusinessMessage,
    Content,
    Customer,
    CustomerMessage,
    Failure,
    Group,
    Json,
    Notice,
    Number,
    Settings,
    Template,
)
from .world import World

_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}\Z")
_PHONE = re.compile(r"\+?[0-9() -]{5,30}\Z")
_LONGEST_OPAQUE = 512
_IN_GROUPS = frozenset({"text", "image", "video", "audio", "document", "sticker", "template", "pin"})
_DIRECT_SEND_TYPES = frozenset({"text", "interactive"})
_TTL = {"utility": range(30, 43201), "authentication": range(30, 901), "marketing": range(43200, 2592001)}
_KEPT_FOR = timedelta(days=30)


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
    template: Template | None = None
    group: Group | None = None
    ttl: timedelta = _KEPT_FOR


def accept(
    world: World,
    settings: Settings,
    number: Number,
    body: Json,
    now: datetime,
    *,
    by_marketing_api: bool = False,
    forced: Failure | None = None,
) -> Accepted:
    """Take a send call, or raise `GraphError` and have done nothing."""
    if not number.is_registered:
        raise GraphError(133010, "The number is not registered; call /register first.")
    order = _understood(world, settings, number, body, now)
    if by_marketing_api:
        order = _by_marketing_api(order, body)
    elif order.content.category == "marketing" and not settings.marketing_on_cloud_api:
        raise GraphError(131063, "Send marketing templates by /marketing_messages.")
    if order.customer is not None and _asks_for_calls(order):
        calls.spend_request(world, number, order.customer, now)
    failure = forced or _fate(world, settings, number, order, now)
    if failure is not None and failure.code == 131047 and settings.window_violation == "sync":
        raise GraphError(failure.code, failure.details)
    _spend(world, settings, number, order, now)
    _spend_reach(world, settings, number, order, now)
    message = _recorded(world, settings, number, order, failure, now)
    return Accepted(_answer(message), _statuses(world, settings, number, order, message))


def _asks_for_calls(order: _Order) -> bool:
    return any(choice.kind == "request" and choice.id == "call_permission" for choice in order.content.choices)


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


def _understood(world: World, settings: Settings, number: Number, body: Json, now: datetime) -> _Order:
    kind = body.get("recipient_type", "individual")
    if kind not in ("individual", "group"):
        raise GraphError(100, f"Param recipient_type must be individual or group, not {kind!r}.")
    if kind == "group":
        return _to_group(world, number, body, now)
    address = _address(number, body)
    if address.wa_id == number.display_number:
        raise GraphError(131021, "The recipient is the sending number itself.")
    if body.get("type") == "pin":
        raise GraphError(100, "Messages can be pinned in groups only.")
    customer = world.find_customer(address.wa_id or address.user_id or "")
    _check_identity(customer, body)
    if customer is not None and number.id in customer.blocked_by:
        raise GraphError(130403, "You have blocked this user; unblock them first.")
    desk = messages.Desk(world, number, now, to_bsuid=address.user_id is not None)
    heard_at = world.last_heard_at.get((number.id, customer.bsuid)) if customer else None
    content = _direct(settings, body, messages.checked(desk, body), to_bsuid=desk.to_bsuid)
    template = _template_of(world, number, body)
    return _Order(
        address=address,
        customer=customer,
        content=content,
        opaque=shape.maybe_text(body, "biz_opaque_callback_data", most=_LONGEST_OPAQUE),
        context_id=_context_id(body),
        is_open=rules.is_window_open(heard_at, now),
        template=template,
        ttl=_ttl(body, content, template),
    )


def _template_of(world: World, number: Number, body: Json) -> Template | None:
    sent = body.get("template")
    if body.get("type") != "template" or not isinstance(sent, Mapping):
        return None
    language = sent.get("language")
    code = language.get("code") if isinstance(language, Mapping) else None
    return world.find_template(number.account_id, str(sent.get("name")), str(code))


def _to_group(world: World, number: Number, body: Json, now: datetime) -> _Order:
    group_id = shape.need_text(body, "to")
    group = world.groups.get(group_id)
    if group is None or group.number_id != number.id:
        raise GraphError(131041, f"There is no group {group_id} of this number.")
    if group.is_suspended:
        raise GraphError(131207, "The group is suspended.")
    if not group.participants:
        raise GraphError(131020, "Nobody has joined the group yet.")
    content = messages.checked(messages.Desk(world, number, now), body)
    if content.kind not in _IN_GROUPS or content.category == "authentication":
        raise GraphError(131051, f"Messages of type {content.kind} cannot be sent to groups.")
    return _Order(
        address=Address(group_id, group_id=group_id),
        customer=None,
        content=content,
        opaque=shape.maybe_text(body, "biz_opaque_callback_data", most=_LONGEST_OPAQUE),
        context_id=_context_id(body),
        is_open=rules.is_window_open(world.last_heard_at.get((number.id, group_id)), now),
        group=group,
    )


def _check_identity(customer: Customer | None, body: Json) -> None:
    expected = shape.maybe_text(body, "recipient_identity_key_hash")
    if expected is not None and customer is not None and expected != customer.identity:
        raise GraphError(137000, "The identity of the recipient has changed.")


def _direct(settings: Settings, body: Json, content: Content, *, to_bsuid: bool) -> Content:
    """The content as Direct Send takes it: by its `category`, and without a template."""
    category = shape.maybe_text(body, "category")
    if category is None or category == "service":
        if "direct_send_config" in body or "ttl_seconds" in body:
            raise GraphError(100, "Params ttl_seconds and direct_send_config are for Direct Send only.")
        return content
    if category not in ("utility", "authentication"):
        raise GraphError(100, f"Param category must be utility, authentication or service, not {category!r}.")
    if not settings.direct_send:
        raise GraphError(100, "Direct Send is not enabled for this account.")
    if content.kind not in _DIRECT_SEND_TYPES or len(content.text or "") > 1024:
        raise GraphError(100, "Direct Send takes text and interactive messages of at most 1024 characters.")
    if category == "authentication" and to_bsuid:
        raise GraphError(131062, "Authentication messages need a phone number as recipient.")
    return attrs.evolve(content, category=category, template=_direct_name(body))


def _direct_name(body: Json) -> str:
    """The name of the template that Meta makes of a Direct Send."""
    if body.get("direct_send_config") is None:
        return "auto_generated_template"
    return shape.need_text(
        shape.need_object(body, "direct_send_config"), "template_name", "direct_send_config", most=512
    )


def _ttl(body: Json, content: Content, template: Template | None) -> timedelta:
    seconds = body.get("ttl_seconds")
    if seconds is None:
        kept = template.ttl_seconds if template is not None else None
        if kept is not None and kept > 0:
            return timedelta(seconds=kept)
        is_code = content.category == "authentication" and kept is None
        return timedelta(seconds=600) if is_code else _KEPT_FOR
    allowed = _TTL[content.category]
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds not in allowed:
        raise GraphError(100, f"Param ttl_seconds must be from {allowed.start} to {allowed.stop - 1}.")
    return timedelta(seconds=seconds)


def _by_marketing_api(order: _Order, body: Json) -> _Order:
    if order.content.kind != "template":
        raise GraphError(131055, "Only templates can be sent by /marketing_messages.")
    if order.content.category != "marketing":
        raise GraphError(134100, "Only marketing templates can be sent by /marketing_messages.")
    policy = shape.maybe_text(body, "product_policy")
    if policy not in (None, "CLOUD_API_FALLBACK", "STRICT"):
        raise shape.wrong("product_policy", "must be CLOUD_API_FALLBACK or STRICT")
    return attrs.evolve(order, content=attrs.evolve(order.content, category="marketing_lite"))


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


def _spend_reach(world: World, settings: Settings, number: Number, order: _Order, now: datetime) -> None:
    """Count a customer who is reached outside a window, or refuse one too many within moving 24 hours."""
    limit, key = settings.customers_per_day, _recipient_key(order)
    if limit is None or order.is_open or order.content.template is None:
        return
    recent = [(at, who) for at, who in world.reached_at.get(number.account_id, []) if now < at + rules.WINDOW]
    if key not in {who for _, who in recent}:
        if len({who for _, who in recent}) >= limit:
            code = settings.customers_per_day_code
            raise GraphError(code, f"{limit} customers were reached within 24 hours; that is this account's limit.")
        recent.append((now, key))
    world.reached_at[number.account_id] = recent


# --- the third gate: fate -----------------------------------------------------------------------


def _fate(world: World, settings: Settings, number: Number, order: _Order, now: datetime) -> Failure | None:
    """Why the message will fail after it was accepted, or None."""
    customer, content = order.customer, order.content
    if order.group is not None:
        is_late = content.template is None and not order.is_open
        return Failure(131047, "More than 24 hours have passed since somebody wrote to the group.") if is_late else None
    if customer is None or not customer.on_whatsapp:
        return Failure(131026, "The recipient is not on WhatsApp, or cannot receive this message.")
    if number.id in customer.blocked and settings.blocked_send == "failed":
        return Failure(131026, "Message undeliverable.")
    if content.template is None and not order.is_open:
        return Failure(131047, "More than 24 hours have passed since the customer last wrote to this number.")
    if content.category in ("marketing", "marketing_lite"):
        failure = _marketing_failure(world, settings, number, order, customer, now)
        if failure is not None:
            return failure
    return _reaction_failure(world, customer, content, now)


def _marketing_failure(
    world: World, settings: Settings, number: Number, order: _Order, customer: Customer, now: datetime
) -> Failure | None:
    if number.id in customer.marketing_stopped:
        return Failure(131050, "The customer has stopped marketing messages from this business.")
    if settings.no_marketing_to_us and _is_american(customer):
        return Failure(131049, "Marketing templates are not delivered to numbers of the United States.")
    if settings.marketing_cap is None or order.is_open:
        return None
    recent = [at for at in world.marketing_at.get(customer.bsuid, []) if now < at + rules.WINDOW]
    world.marketing_at[customer.bsuid] = [*recent, now]
    if len(recent) < settings.marketing_cap:
        return None
    return Failure(131049, "The customer has had enough marketing messages for now.")


def _is_american(customer: Customer) -> bool:
    return customer.bsuid.startswith("US.") and customer.phone.startswith("1")


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
    customer, group = order.customer, order.group
    is_blocked = customer is not None and number.id in customer.blocked
    is_held = failure is None and _is_held(world, settings, order)
    is_off = customer is not None and not customer.is_online
    arrives = failure is None and not is_blocked and not is_held and not is_off
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
        group_id=group.id if group else None,
        participants=group.participants if group else (),
        is_held=is_held,
        expires_at=now + order.ttl,
    )
    world.business_messages[message.id] = message
    if message.opaque is not None:
        world.sends_by_opaque[message.opaque] += 1
    receivers = group.participants if group else (customer.bsuid,) if customer else ()
    if failure is None and not is_blocked:
        for bsuid in receivers:
            world.inbox.setdefault(bsuid, []).append(message.id)
    return message


def _is_held(world: World, settings: Settings, order: _Order) -> bool:
    """Whether pacing holds the message: each send of a template whose quality is not known yet counts."""
    template = order.template
    if template is None or template.category == "AUTHENTICATION":
        return False
    world.templates[template.id] = attrs.evolve(template, sends=template.sends + 1)
    if settings.template_pacing is None or template.quality == "GREEN":
        return False
    return template.sends >= settings.template_pacing


def _answer(message: BusinessMessage) -> dict[str, object]:
    entry: dict[str, object] = {"id": message.id}
    if message.group_id is not None:
        entry["group_id"] = message.group_id
    if message.content.kind == "template":
        entry["message_status"] = "held_for_quality_assessment" if message.is_held else "accepted"
    address = message.address
    contact = {"input": address.input, "wa_id": address.wa_id, "user_id": address.user_id}
    return {
        "messaging_product": "whatsapp",
        "contacts": [webhooks.present(contact)],
        "messages": [entry],
    }


def _statuses(
    world: World, settings: Settings, number: Number, order: _Order, message: BusinessMessage
) -> tuple[Notice, ...]:
    customer, sent_at = order.customer, message.accepted_at + settings.sent_after
    if message.failure is not None:
        return (webhooks.status(number, customer, message, "failed", sent_at),)
    if message.is_held:
        return ()
    pricing = _priced(world, settings, number, order, message)
    sent = webhooks.status(number, customer, message, "sent", sent_at, pricing=pricing)
    # Of a reaction, and of a pin, Meta tells only that it was sent.
    if message.arrives_at is None or message.content.kind in ("reaction", "pin"):
        return (sent,)
    if order.group is not None:
        people = (world.customers[bsuid] for bsuid in message.participants)
        each = [
            webhooks.status(number, person, message, "delivered", message.arrives_at, pricing=pricing)
            for person in people
        ]
        return (sent, *each)
    delivered = webhooks.status(number, customer, message, "delivered", message.arrives_at, pricing=pricing)
    return (sent, delivered)


def release(world: World, settings: Settings, template: Template, now: datetime) -> tuple[Notice, ...]:
    """What pacing held goes out: the template has proved good."""
    notices: list[Notice] = []
    for message in _held(world, template):
        arrives_at = now + settings.sent_after + settings.delivered_after
        freed = attrs.evolve(message, is_held=False, arrives_at=arrives_at)
        world.business_messages[message.id] = freed
        number, customer = world.numbers[message.number_id], world.customers[message.bsuid or ""]
        pricing = rules.pricing(message.content, is_open=False, at=now, is_free_tier=False)
        notices.append(webhooks.status(number, customer, freed, "sent", now + settings.sent_after, pricing=pricing))
        notices.append(webhooks.status(number, customer, freed, "delivered", arrives_at, pricing=pricing))
    return tuple(notices)


def drop_held(world: World, template: Template, now: datetime) -> tuple[Notice, ...]:
    """What pacing held fails: the template was paused for what customers made of it."""
    notices: list[Notice] = []
    for message in _held(world, template):
        failure = Failure(132015, f"template ({template.name}) was paused by pacing")
        failed = attrs.evolve(message, is_held=False, failure=failure)
        world.business_messages[message.id] = failed
        number, customer = world.numbers[message.number_id], world.customers[message.bsuid or ""]
        notices.append(webhooks.status(number, customer, failed, "failed", now))
    return tuple(notices)


def _held(world: World, template: Template) -> list[BusinessMessage]:
    return [
        message
        for message in world.business_messages.values()
        if message.is_held and message.content.template == template.name
    ]


def arrive(world: World, settings: Settings, customer: Customer, now: datetime) -> tuple[Notice, ...]:
    """A telephone is on again: what waits for it arrives, unless its time to live is over, which nobody is told."""
    notices: list[Notice] = []
    for message_id in world.inbox.get(customer.bsuid, ()):
        message = world.business_messages[message_id]
        is_waiting = message.arrives_at is None and message.group_id is None and not message.is_held
        if not is_waiting or message.failure is not None or now >= (message.expires_at or now):
            continue
        arrived = attrs.evolve(message, arrives_at=now + settings.delivered_after)
        world.business_messages[message.id] = arrived
        if message.content.kind not in ("reaction", "pin"):
            number = world.numbers[message.number_id]
            notices.append(webhooks.status(number, customer, arrived, "delivered", now + settings.delivered_after))
    return tuple(notices)


def _is_free_entry(world: World, number: Number, message: BusinessMessage) -> bool:
    """Whether the customer came from an ad: the first answer within 24 hours begins 72 hours in which all is free. The
    window is another matter, and closes as ever.
    """
    pair, now = (number.id, message.bsuid or ""), message.accepted_at
    came_at = world.ads.pop(pair, None)
    if came_at is not None and now < came_at + rules.WINDOW:
        world.free_until[pair] = now + rules.FREE_ENTRY
    return now < world.free_until.get(pair, now)


def _priced(
    world: World, settings: Settings, number: Number, order: _Order, message: BusinessMessage
) -> dict[str, object]:
    if _is_free_entry(world, number, message):
        return {
            "billable": False,
            "pricing_model": "PMP",
            "type": "free_entry_point",
            "category": "referral_conversion",
        }
    month = (number.id, rules.month_of(message.accepted_at))
    is_service = message.content.category == "service"
    is_free_tier = is_service and world.service_messages[month] < settings.free_service_messages
    if is_service and message.arrives_at is not None:
        world.service_messages[month] += 1
    priced = rules.pricing(message.content, is_open=order.is_open, at=message.accepted_at, is_free_tier=is_free_tier)
    if order.group is None:
        return priced
    kind = "free_group_customer_service" if not priced["billable"] else "regular"
    return {**priced, "type": kind, "category": f"group_{message.content.category}"}
