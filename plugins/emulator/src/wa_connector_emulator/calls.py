"""Calls on the Graph side: connecting, accepting, ending, and the permission that the business's own calls need.

Rules of this file: no I/O and no sound; handlers of `calls` and `call_permissions`, and what a telephone does with a call
that rings. A call that nobody follows (`Emulator.call`) is in `phones`.

Sources: developers.facebook.com, Cloud API calling (read 2026-09-11).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import attrs

from . import rules, shape, webhooks
from .errors import ControlError, GraphError
from .exchange import SUCCESS, Answer, Call, Routes, ok, refuse_without_product, text_param
from .values import Call as Telephone
from .values import Customer, Notice, Number
from .world import World

Permission = Literal["none", "temporary", "permanent"]
REQUESTS = ((timedelta(hours=24), 1), (timedelta(days=7), 2))
_TEMPORARY = timedelta(hours=168)
_LONGEST_OPAQUE = 512
_SPOKEN: Mapping[str, str] = {"none": "no_permission", "temporary": "temporary", "permanent": "permanent"}


def is_enabled(world: World, number: Number) -> bool:
    """Whether the number's settings say that it takes calls."""
    calling = world.documents.get((number.id, "settings"), {}).get("calling")
    return isinstance(calling, Mapping) and calling.get("status") == "ENABLED"


def _calls(call: Call) -> Answer:
    refuse_without_product(call)
    number = call.world.numbers[call.node]
    if not is_enabled(call.world, number):
        raise GraphError(138000, "Calling is not enabled for this number; POST /settings.")
    action = text_param(call, "action")
    if action == "connect":
        return _connect(call, number)
    if action not in ("pre_accept", "accept", "reject", "terminate"):
        raise GraphError(100, f"Param action cannot be {action!r}.")
    return _steer(call, number, action)


def _connect(call: Call, number: Number) -> Answer:
    body, world = call.request.body, call.world
    customer = world.find_customer(str(body.get("to") or body.get("recipient") or ""))
    if customer is None or not customer.on_whatsapp:
        raise GraphError(138001, "The recipient cannot be called.")
    if customer.call_permission == "none":
        raise GraphError(138006, "The customer has not permitted calls of this number.")
    _need_session(call, "offer")
    opaque = shape.maybe_text(body, "biz_opaque_callback_data", most=_LONGEST_OPAQUE)
    wacid = world.mint.wacid(customer.shown_phone or customer.bsuid)
    made = Telephone(wacid, number.id, customer.bsuid, call.now, call.now, False, True, "ringing", opaque)
    world.calls[wacid] = made
    ringing = webhooks.call_status(number, customer, made, "RINGING")
    return ok({"messaging_product": "whatsapp", "calls": [{"id": wacid}]}, ringing)


def _need_session(call: Call, kind: str) -> None:
    session = shape.need_object(call.request.body, "session")
    if shape.need_text(session, "sdp_type", "session") != kind:
        raise shape.wrong("session['sdp_type']", f"must be {kind}")
    shape.need_text(session, "sdp", "session")


def _steer(call: Call, number: Number, action: str) -> Answer:
    made = call.world.calls.get(text_param(call, "call_id"))
    if made is None or made.number_id != number.id or made.state == "over":
        raise GraphError(138004, "There is no such call, or it is over.")
    if action in ("pre_accept", "accept"):
        if made.by_business:
            raise GraphError(138003, "A call of the business's own is accepted by the customer.")
        _need_session(call, "answer")
    if action == "accept":
        call.world.calls[made.id] = attrs.evolve(made, state="connected", is_answered=True, started_at=call.now)
    if action in ("reject", "terminate"):
        return ok(SUCCESS, *over(call.world, made, call.now))
    return ok(SUCCESS)


def over(world: World, made: Telephone, now: datetime) -> tuple[Notice, ...]:
    """The call ends; its webhook says whether anybody had taken it."""
    ended = attrs.evolve(made, state="over", ended_at=now)
    world.calls[made.id] = ended
    number, customer = world.numbers[made.number_id], world.customers[made.bsuid]
    return (webhooks.call_event(number, customer, ended, "terminate", now),)


def ring(world: World, customer: Customer, number: Number, now: datetime, cta_payload: str | None) -> Telephone:
    """The customer calls, and it rings until the business accepts or rejects, or somebody hangs up."""
    wacid = world.mint.wacid(customer.shown_phone or customer.bsuid)
    made = Telephone(wacid, number.id, customer.bsuid, now, now, False, False, "ringing", None, cta_payload)
    world.calls[wacid] = made
    return made


def live(world: World, customer: Customer, call_id: str) -> Telephone:
    """The call, while it rings or is connected."""
    made = world.calls.get(call_id)
    if made is None or made.bsuid != customer.bsuid or made.state == "over":
        raise ControlError(f"{customer.name} has no such call, or it is over", 404)
    return made


def answered(world: World, customer: Customer, made: Telephone, now: datetime) -> tuple[Notice, ...]:
    """The customer takes a call of the business's."""
    if not made.by_business or made.state != "ringing":
        raise ControlError("only a ringing call of the business's can be taken", 409)
    number = world.numbers[made.number_id]
    taken = attrs.evolve(made, state="connected", is_answered=True, started_at=now)
    world.calls[made.id] = taken
    world.call_requests.pop((number.id, customer.bsuid), None)  # a connected call resets the limits
    return (
        webhooks.call_event(number, customer, taken, "connect", now),
        webhooks.call_status(number, customer, taken, "ACCEPTED"),
    )


def rejected(world: World, customer: Customer, made: Telephone, now: datetime) -> tuple[Notice, ...]:
    """The customer does not take the call."""
    number = world.numbers[made.number_id]
    return (webhooks.call_status(number, customer, made, "REJECTED"), *over(world, made, now))


# --- permission ---------------------------------------------------------------------------------


def recent_requests(world: World, number: Number, customer: Customer, now: datetime, within: timedelta) -> int:
    """How often permission was asked lately."""
    return sum(now < at + within for at in world.call_requests.get((number.id, customer.bsuid), []))


def spend_request(world: World, number: Number, customer: Customer, now: datetime) -> None:
    """Ask once more for permission, or refuse to: once a day and twice a week."""
    for within, most in REQUESTS:
        if recent_requests(world, number, customer, now, within) >= most:
            raise GraphError(138009, f"Permission was asked {most} times within {within}.")
    world.call_requests.setdefault((number.id, customer.bsuid), []).append(now)


def _permissions(call: Call) -> Answer:
    query = call.request.query
    number = call.world.numbers[call.node]
    customer = call.world.find_customer(query.get("user_wa_id") or query.get("recipient") or "")
    if customer is None:
        raise GraphError(100, "Params user_wa_id or recipient name nobody.")
    permission: dict[str, object] = {"status": _SPOKEN[customer.call_permission]}
    if customer.call_permission == "temporary":
        permission["expiration_time"] = rules.unix(call.now + _TEMPORARY)
    may_ask = all(recent_requests(call.world, number, customer, call.now, within) < most for within, most in REQUESTS)
    limits = [
        {
            "time_period": "PT24H" if within == timedelta(hours=24) else "P7D",
            "max_allowed": most,
            "current_usage": recent_requests(call.world, number, customer, call.now, within),
        }
        for within, most in REQUESTS
    ]
    actions = [
        {"action_name": "send_call_permission_request", "can_perform_action": may_ask, "limits": limits},
        {"action_name": "start_call", "can_perform_action": customer.call_permission != "none", "limits": []},
    ]
    return ok({"messaging_product": "whatsapp", "permission": permission, "actions": actions})


ROUTES: Routes = {
    ("number", "calls", "POST"): _calls,
    ("number", "call_permissions", "GET"): _permissions,
}
