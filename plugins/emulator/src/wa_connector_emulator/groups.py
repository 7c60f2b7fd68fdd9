"""Groups: made by the business, entered by link, eight people at most.

Rules of this file: no I/O; handlers of groups and what people do with an invitation. Nobody can be put into a group.

Sources: developers.facebook.com, Cloud API groups (read 2026-09-11).
"""

from collections.abc import Mapping
from datetime import datetime

import attrs

from . import rules, webhooks
from .errors import ControlError, GraphError
from .exchange import SUCCESS, Answer, Call, Routes, ok, page, refuse_without_product, text_param
from .values import Customer, Group, Json, Notice, Number
from .world import World

MOST_PARTICIPANTS = 8
_LINK = "https://chat.whatsapp.com/"


def told(number: Number, field: str, group_id: str, kind: str, at: datetime, **facts: object) -> Notice:
    """A webhook of one of the fields about groups."""
    row = webhooks.present({"timestamp": rules.unix(at), "group_id": group_id, "type": kind, **facts})
    value = {**webhooks.common(number), "groups": [row]}
    return Notice(number.account_id, field, value, at)


def _need_eligible(call: Call, number: Number) -> None:
    if not call.settings.official_business_account or number.is_on_app:
        raise GraphError(131215, "Groups are for official business accounts, and not for numbers of the app.")


def _make(call: Call) -> Answer:
    """The answer has a request's id only: the group's own id and its link come by webhook."""
    refuse_without_product(call)
    number, body = call.world.numbers[call.node], call.request.body
    _need_eligible(call, number)
    subject = text_param(call, "subject", most=128)
    description = text_param(call, "description", most=2048) if body.get("description") is not None else None
    mode = body.get("join_approval_mode", "auto_approve")
    if mode not in ("auto_approve", "approval_required"):
        raise GraphError(100, "Param join_approval_mode must be auto_approve or approval_required.")
    group = Group(
        id=call.world.mint.object_id(),
        number_id=number.id,
        subject=subject,
        created_at=call.now,
        description=description,
        needs_approval=mode == "approval_required",
        invite=call.world.mint.nonce()[:22],
    )
    call.world.groups[group.id] = group
    request_id = call.world.mint.nonce()
    notice = told(
        number,
        "group_lifecycle_update",
        group.id,
        "group_create",
        call.now,
        request_id=request_id,
        subject=subject,
        description=description,
        invite_link=_LINK + group.invite,
        join_approval_mode=mode,
    )
    return ok({"messaging_product": "whatsapp", "request_id": request_id}, notice)


def _list(call: Call) -> Answer:
    mine = [group for group in call.world.groups.values() if group.number_id == call.node]
    rows = [{"id": group.id, "subject": group.subject, "created_at": rules.unix(group.created_at)} for group in mine]
    paged = page(call, rows)
    return ok({"data": {"groups": paged["data"]}, "paging": paged.get("paging", {})})


def _group(call: Call) -> Group:
    return call.world.groups[call.node]


def _node(call: Call) -> Answer:
    group = _group(call)
    people = [_named(call.world.customers[bsuid]) for bsuid in group.participants]
    node = {
        "messaging_product": "whatsapp",
        "id": group.id,
        "subject": group.subject,
        "description": group.description or "",
        "suspended": group.is_suspended,
        "creation_timestamp": rules.unix(group.created_at),
        "total_participant_count": len(people),
        "participants": people,
        "join_approval_mode": "approval_required" if group.needs_approval else "auto_approve",
    }
    return ok(rules.picked(node, call.request.query.get("fields")))


def _named(customer: Customer) -> dict[str, object]:
    return webhooks.present({"wa_id": customer.shown_phone, "user_id": customer.bsuid, "username": customer.username})


def _change(call: Call) -> Answer:
    refuse_without_product(call)
    group, body = _group(call), call.request.body
    subject = text_param(call, "subject", most=128) if "subject" in body else group.subject
    description = text_param(call, "description", most=2048) if "description" in body else group.description
    call.world.groups[group.id] = attrs.evolve(group, subject=subject, description=description)
    facts = {
        key: {"text": text, "update_successful": True}
        for key, text in (("group_subject", subject), ("group_description", description))
        if key.removeprefix("group_") in body
    }
    number = call.world.numbers[group.number_id]
    notice = told(number, "group_settings_update", group.id, "group_settings_update", call.now, **facts)
    return ok({"messaging_product": "whatsapp", "request_id": call.world.mint.nonce()}, notice)


def _delete(call: Call) -> Answer:
    group = _group(call)
    del call.world.groups[group.id]
    number = call.world.numbers[group.number_id]
    return ok(SUCCESS, told(number, "group_lifecycle_update", group.id, "group_delete", call.now))


def _link(call: Call) -> Answer:
    return ok({"messaging_product": "whatsapp", "invite_link": _LINK + _group(call).invite})


def _new_link(call: Call) -> Answer:
    group = attrs.evolve(_group(call), invite=call.world.mint.nonce()[:22])
    call.world.groups[group.id] = group
    return ok({"messaging_product": "whatsapp", "invite_link": _LINK + group.invite})


def _requests(call: Call) -> Answer:
    group = _group(call)
    rows = [
        {"join_request_id": request, **_named(call.world.customers[bsuid])} for request, bsuid in group.requests.items()
    ]
    return ok({"data": rows})


def _approve(call: Call) -> Answer:
    group = _group(call)
    wanted = _wanted_requests(call)
    people = [group.requests[request] for request in wanted]
    if len(group.participants) + len(people) > MOST_PARTICIPANTS:
        raise GraphError(131204, f"A group has at most {MOST_PARTICIPANTS} participants.")
    left = {request: bsuid for request, bsuid in group.requests.items() if request not in wanted}
    entered = attrs.evolve(group, participants=(*group.participants, *people), requests=left)
    call.world.groups[group.id] = entered
    notices = [_entered(call.world, entered, call.world.customers[bsuid], call.now) for bsuid in people]
    return ok({"messaging_product": "whatsapp", "approved_join_requests": wanted}, *notices)


def _refuse(call: Call) -> Answer:
    group, wanted = _group(call), _wanted_requests(call)
    left = {request: bsuid for request, bsuid in group.requests.items() if request not in wanted}
    call.world.groups[group.id] = attrs.evolve(group, requests=left)
    return ok({"messaging_product": "whatsapp", "rejected_join_requests": wanted})


def _wanted_requests(call: Call) -> list[str]:
    wanted = call.request.body.get("join_requests")
    if not isinstance(wanted, list) or not wanted:
        raise GraphError(100, "The parameter join_requests is required.")
    unknown = [request for request in wanted if request not in _group(call).requests]
    if unknown:
        raise GraphError(131213, f"There are no such requests: {unknown}.")
    return [str(request) for request in wanted]


def _remove(call: Call) -> Answer:
    """Take people out; at most eight at once."""
    group, body = _group(call), call.request.body
    people = body.get("participants")
    if not isinstance(people, list) or not 1 <= len(people) <= MOST_PARTICIPANTS:
        raise GraphError(100, f"Param participants must have 1 to {MOST_PARTICIPANTS} members.")
    named = [str((each if isinstance(each, Mapping) else {}).get("user", "")) for each in people]
    if len(set(named)) < len(named):
        raise GraphError(131202, "A participant is named twice.")
    customers = [call.world.find_customer(who) for who in named]
    gone = [c.bsuid for c in customers if c is not None and c.bsuid in group.participants]
    if not gone:
        raise GraphError(131211, "None of them is in the group.")
    call.world.groups[group.id] = attrs.evolve(
        group, participants=tuple(bsuid for bsuid in group.participants if bsuid not in gone)
    )
    number = call.world.numbers[group.number_id]
    notice = told(
        number,
        "group_participants_update",
        group.id,
        "group_participants_remove",
        call.now,
        initiated_by="business",
        removed_participants=[_named(call.world.customers[bsuid]) for bsuid in gone],
    )
    return ok({"messaging_product": "whatsapp", "request_id": call.world.mint.nonce()}, notice)


ROUTES: Routes = {
    ("number", "groups", "POST"): _make,
    ("number", "groups", "GET"): _list,
    ("group", "", "GET"): _node,
    ("group", "", "POST"): _change,
    ("group", "", "DELETE"): _delete,
    ("group", "invite_link", "GET"): _link,
    ("group", "invite_link", "POST"): _new_link,
    ("group", "join_requests", "GET"): _requests,
    ("group", "join_requests", "POST"): _approve,
    ("group", "join_requests", "DELETE"): _refuse,
    ("group", "participants", "DELETE"): _remove,
}


# --- people -------------------------------------------------------------------------------------


def _entered(world: World, group: Group, customer: Customer, now: datetime) -> Notice:
    return told(
        world.numbers[group.number_id],
        "group_participants_update",
        group.id,
        "group_participants_add",
        now,
        initiated_by="participant",
        added_participants=[_named(customer)],
    )


def by_link(world: World, link: str) -> Group:
    """The group that an invitation leads to."""
    code = link.removeprefix(_LINK)
    for group in world.groups.values():
        if group.invite == code or group.id == link:
            return group
    raise ControlError(f"{link!r} invites to no group", 404)


def join(world: World, customer: Customer, group: Group, now: datetime) -> Notice:
    """Follow an invitation: into the group, or to a request where the business wants to approve."""
    if customer.bsuid in group.participants:
        raise ControlError(f"{customer.name} is in the group already", 409)
    if len(group.participants) >= MOST_PARTICIPANTS:
        raise ControlError("the group is full", 409)
    if not group.needs_approval:
        entered = attrs.evolve(group, participants=(*group.participants, customer.bsuid))
        world.groups[group.id] = entered
        return _entered(world, entered, customer, now)
    request = world.mint.nonce()
    world.groups[group.id] = attrs.evolve(group, requests={**group.requests, request: customer.bsuid})
    facts: Json = {"join_request_id": request, **_named(customer)}
    number = world.numbers[group.number_id]
    return told(number, "group_participants_update", group.id, "group_join_request_created", now, **facts)


def leave(world: World, customer: Customer, group: Group, now: datetime) -> Notice:
    """Leave the group."""
    if customer.bsuid not in group.participants:
        raise ControlError(f"{customer.name} is not in the group", 409)
    left = tuple(bsuid for bsuid in group.participants if bsuid != customer.bsuid)
    world.groups[group.id] = attrs.evolve(group, participants=left)
    return told(
        world.numbers[group.number_id],
        "group_participants_update",
        group.id,
        "group_participants_remove",
        now,
        initiated_by="participant",
        removed_participants=[_named(customer)],
    )


def suspend(world: World, group: Group, now: datetime, *, is_so: bool) -> Notice:
    """Meta suspends the group, or takes that back."""
    world.groups[group.id] = attrs.evolve(group, is_suspended=is_so)
    kind = "group_suspend" if is_so else "group_suspend_cleared"
    return told(world.numbers[group.number_id], "group_status_update", group.id, kind, now)


def need(world: World, group_id: str) -> Group:
    """The group of that id."""
    group = world.groups.get(group_id)
    if group is None:
        raise ControlError(f"no group {group_id!r}", 404)
    return group
