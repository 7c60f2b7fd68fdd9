"""A number's and an account's own affairs: profile, settings, registration, blocks, codes, names, subscriptions.

Rules of this file: no I/O; handlers of what a business manages besides messages, media, templates, calls and groups. What
is stored only to be given back is a document of the world, checked by the row of `_DOCUMENTS`.

Sources: developers.facebook.com, business management and phone number references, v26.0 (read 2026-09-11).
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from secrets import compare_digest

import attrs

from . import rules
from .errors import ERRORS, GraphError, unknown_object
from .exchange import (
    SUCCESS,
    Answer,
    Call,
    Handshake,
    Routes,
    ok,
    page,
    refuse_without_product,
    text_param,
)
from .values import Account, Callback, Customer, Json, Media, Number, UploadSession
from .world import World

_PIN = re.compile(r"\d{6}\Z")
_USERNAME = re.compile(r"[a-z0-9._]{3,35}\Z")
_MOST_BLOCKED_AT_ONCE = 1000
_MOST_CODES = 2000
_REGISTRATIONS, _REGISTRATIONS_WITHIN = 10, timedelta(hours=72)
_VERTICALS = frozenset(
    {
        "ALCOHOL",
        "APPAREL",
        "AUTO",
        "BEAUTY",
        "EDU",
        "ENTERTAIN",
        "EVENT_PLAN",
        "FINANCE",
        "GOVT",
        "GROCERY",
        "HEALTH",
        "HOTEL",
        "MATRIMONY_SERVICE",
        "NONPROFIT",
        "NOT_A_BIZ",
        "ONLINE_GAMBLING",
        "OTC_DRUGS",
        "OTHER",
        "PHYSICAL_GAMBLING",
        "PROF_SERVICES",
        "RESTAURANT",
        "RETAIL",
        "TRAVEL",
        "UNDEFINED",
    }
)


# --- numbers ------------------------------------------------------------------------------------


def number_node(world: World, number: Number) -> dict[str, object]:
    """A number with all the fields that the emulator knows."""
    callbacks = {"application": world.app_callback, "whatsapp_business_account": world.account_of(number).override}
    urls = {kind: callback.url for kind, callback in callbacks.items() if callback}
    if number.override is not None:
        urls["phone_number"] = number.override.url
    return {
        "verified_name": number.verified_name,
        "code_verification_status": "VERIFIED",
        "display_phone_number": f"+{number.display_number}",
        "quality_rating": number.quality,
        "quality_score": {"score": number.quality},
        "platform_type": "CLOUD_API" if number.is_registered else "NOT_APPLICABLE",
        "throughput": {"level": "STANDARD"},
        "status": "CONNECTED" if number.is_registered else "DISCONNECTED",
        "name_status": "APPROVED",
        "is_on_biz_app": number.is_on_app,
        "is_official_business_account": False,
        "whatsapp_business_manager_messaging_limit": "TIER_250",
        "health_status": _health(world, number),
        "webhook_configuration": urls,
        "id": number.id,
    }


def _health(world: World, number: Number) -> Json:
    """Whether the number can send: `AVAILABLE` where it, its account and the app can."""
    account = world.account_of(number)
    broken = [] if number.is_registered else [_ailment(133010, "Register the number.")]
    entities: list[dict[str, object]] = [
        {"entity_type": "PHONE_NUMBER", "id": number.id, "can_send_message": _can(not broken), "errors": broken},
        {"entity_type": "WABA", "id": account.id, "can_send_message": "AVAILABLE"},
        {"entity_type": "APP", "id": world.app_id, "can_send_message": "AVAILABLE"},
    ]
    return {"can_send_message": _can(not broken), "entities": [_without_empty(each) for each in entities]}


def _can(is_so: bool) -> str:
    return "AVAILABLE" if is_so else "BLOCKED"


def _ailment(code: int, solution: str) -> Json:
    return {"error_code": code, "error_description": ERRORS[code].title, "possible_solution": solution}


def _without_empty(row: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in row.items() if value not in ([], None)}


# Meta gives these only to those who ask.
_ON_REQUEST = frozenset({"health_status", "webhook_configuration", "whatsapp_business_manager_messaging_limit"})


def _picked(call: Call, node: Json) -> dict[str, object]:
    fields = call.request.query.get("fields")
    return rules.picked({k: v for k, v in node.items() if fields or k not in _ON_REQUEST}, fields)


def _number(call: Call) -> Answer:
    return ok(_picked(call, number_node(call.world, call.world.numbers[call.node])))


def _numbers(call: Call) -> Answer:
    world = call.world
    mine = [number for number in world.numbers.values() if number.account_id == call.node]
    return ok(page(call, [_picked(call, number_node(world, number)) for number in mine]))


def _add_number(call: Call) -> Answer:
    """A new number of the account: unverified until `verify_code`, unusable until `register`."""
    digits = "".join(c for c in text_param(call, "phone_number") if c.isdigit())
    country = text_param(call, "cc").lstrip("+")
    number = Number(
        call.world.mint.object_id(), call.node, country + digits, country, text_param(call, "verified_name")
    )
    call.world.numbers[number.id] = attrs.evolve(number, is_registered=False)
    return ok({"id": number.id})


def _change_number(call: Call) -> Answer | Handshake:
    """The two-step PIN, or the number's own webhook address."""
    number, body = call.world.numbers[call.node], call.request.body
    if "pin" in body:
        _put(call, attrs.evolve(number, pin=_pin(call)))
        return ok(SUCCESS)
    wanted = body.get("webhook_configuration")
    if not isinstance(wanted, Mapping):
        raise GraphError(100, "Give pin or webhook_configuration.")
    url, token = str(wanted.get("override_callback_uri") or ""), str(wanted.get("verify_token") or "")
    if not url:
        _put(call, attrs.evolve(number, override=None))
        return ok(SUCCESS)
    return Handshake("number", call.node, _callback(url, token))


def _callback(url: str, verify_token: str) -> Callback:
    if len(url) > 200:
        raise GraphError(100, "Param override_callback_uri must be at most 200 characters long.")
    if not verify_token:
        raise GraphError(100, "The parameter verify_token is required with an override.")
    return Callback(url, verify_token)


def _pin(call: Call) -> str:
    pin = text_param(call, "pin")
    if not _PIN.match(pin):
        raise GraphError(100, "Param pin must have six digits.")
    return pin


def _put(call: Call, number: Number) -> None:
    call.world.numbers[number.id] = number


def _request_code(call: Call) -> Answer:
    if text_param(call, "code_method") not in ("SMS", "VOICE"):
        raise GraphError(100, "Param code_method must be SMS or VOICE.")
    text_param(call, "language")
    if call.world.numbers[call.node].is_registered:
        raise GraphError(136024, "The number is verified already.")
    return ok(SUCCESS)


def _verify_code(call: Call) -> Answer:
    if not re.fullmatch(r"\d{6}", text_param(call, "code").replace("-", "")):
        raise GraphError(100, "Param code must have six digits.")
    return ok({"success": True, "id": call.node})


def _register(call: Call) -> Answer:
    refuse_without_product(call)
    pin, number = _pin(call), call.world.numbers[call.node]
    _spend_registration(call)
    if number.is_on_app:
        raise GraphError(100, "A number of the app (coexistence) is registered by the app.")
    if number.pin and not compare_digest(number.pin, pin):
        raise GraphError(133005, "The two-step verification PIN is another one.")
    _put(call, attrs.evolve(number, is_registered=True, pin=pin))
    return ok(SUCCESS)


def _deregister(call: Call) -> Answer:
    number = call.world.numbers[call.node]
    if number.is_on_app:
        raise GraphError(100, "A number of the app (coexistence) cannot be deregistered here.")
    _spend_registration(call)
    _put(call, attrs.evolve(number, is_registered=False))
    return ok(SUCCESS)


def _spend_registration(call: Call) -> None:
    recent = [at for at in call.world.registrations.get(call.node, []) if call.now < at + _REGISTRATIONS_WITHIN]
    if len(recent) >= _REGISTRATIONS:
        raise GraphError(133016, "Ten times within 72 hours; wait until they are over.")
    call.world.registrations[call.node] = [*recent, call.now]


# --- documents ----------------------------------------------------------------------------------


def _limits(**most: int) -> Callable[[Json], None]:
    def check(body: Json) -> None:
        for key, limit in most.items():
            value = body.get(key)
            if value is not None and (not isinstance(value, str) or len(value) > limit):
                raise GraphError(100, f"Param {key} must be a string of at most {limit} characters.")

    return check


def _check_profile(body: Json) -> None:
    _limits(about=139, address=256, description=512, email=128)(body)
    if body.get("about") == "":
        raise GraphError(100, "Param about must not be empty.")
    websites = body.get("websites", [])
    if not isinstance(websites, list) or len(websites) > 2 or any(len(str(each)) > 256 for each in websites):
        raise GraphError(100, "Param websites must have at most two addresses of at most 256 characters.")
    if body.get("vertical") not in (None, *_VERTICALS):
        raise GraphError(100, f"Param vertical must be one of {', '.join(sorted(_VERTICALS))}.")


_CALLING = {"status": {"ENABLED", "DISABLED"}, "call_icon_visibility": {"DEFAULT", "DISABLE_ALL"}}


def _check_settings(body: Json) -> None:
    unknown = set(body) - {"calling", "user_identity_change", "storage_configuration", "payload_encryption"}
    if unknown:
        raise GraphError(100, f"Unknown settings: {', '.join(sorted(unknown))}.")
    calling = body.get("calling")
    for key, allowed in _CALLING.items():
        if isinstance(calling, Mapping) and calling.get(key) not in (None, *allowed):
            raise GraphError(100, f"Param calling['{key}'] must be one of {', '.join(sorted(allowed))}.")


def _check_commands(body: Json) -> None:
    commands, prompts = body.get("commands", []), body.get("prompts", [])
    if not isinstance(commands, list) or len(commands) > 30 or not isinstance(prompts, list) or len(prompts) > 4:
        raise GraphError(100, "At most 30 commands and 4 prompts.")
    if body.get("enable_welcome_message"):
        raise GraphError(100, "Welcome messages were withdrawn.")


def _check_commerce(body: Json) -> None:
    if set(body) - {"is_cart_enabled", "is_catalog_visible"}:
        raise GraphError(100, "Give is_cart_enabled or is_catalog_visible.")


def _check_key(body: Json) -> None:
    if not str(body.get("business_public_key") or "").startswith("-----BEGIN PUBLIC KEY-----"):
        raise GraphError(100, "Param business_public_key must be a public key in PEM.")


_DOCUMENTS: Mapping[str, Callable[[Json], None]] = {
    "whatsapp_business_profile": _check_profile,
    "settings": _check_settings,
    "conversational_automation": _check_commands,
    "whatsapp_commerce_settings": _check_commerce,
    "whatsapp_business_encryption": _check_key,
}


def _read_document(call: Call, edge: str) -> Answer:
    found: Json = {**call.world.documents.get((call.node, edge), {})}
    if edge == "whatsapp_business_profile":
        return ok(
            {
                "data": [
                    rules.picked(
                        {"messaging_product": "whatsapp", "vertical": "UNDEFINED", **found},
                        call.request.query.get("fields"),
                    )
                ]
            }
        )
    if edge == "whatsapp_commerce_settings":
        return ok({"data": [{"id": call.node, "is_cart_enabled": True, "is_catalog_visible": False, **found}]})
    if edge == "whatsapp_business_encryption":
        return ok({"data": [{**found, "business_public_key_signature_status": "VALID"}]})
    if edge == "settings" and call.request.query.get("include_sip_credentials") == "true":
        return ok({**found, "sip_credentials": {"sip_user_password": "emulated"}})
    return ok({**found, "id": call.node} if edge == "conversational_automation" else found)


def _write_document(call: Call, edge: str) -> Answer:
    body = {key: value for key, value in call.request.body.items() if key != "messaging_product"}
    if edge == "whatsapp_commerce_settings":
        body = {**call.request.query, **body}
    _DOCUMENTS[edge](body)
    handle = body.pop("profile_picture_handle", None)
    if handle is not None:
        if str(handle) not in call.world.handles:
            raise GraphError(100, "Param profile_picture_handle is not a handle of an upload.")
        body["profile_picture_url"] = f"{call.request.base_url.rstrip('/')}/profile/{call.node}.jpg"
    before = call.world.documents.get((call.node, edge), {})
    call.world.documents[call.node, edge] = {**before, **body}
    return ok(SUCCESS)


# --- blocks -------------------------------------------------------------------------------------


def _blocked(call: Call) -> Answer:
    number = call.world.numbers[call.node]
    rows = [
        {"messaging_product": "whatsapp", "wa_id": c.shown_phone, "user_id": c.bsuid}
        for c in call.world.customers.values()
        if number.id in c.blocked_by
    ]
    return ok({"data": [{k: v for k, v in row.items() if v is not None} for row in rows], "paging": {}})


def _set_blocks(call: Call, *, to: bool) -> Answer:
    refuse_without_product(call)
    users = call.request.body.get("block_users")
    if not isinstance(users, list) or not users or len(users) > _MOST_BLOCKED_AT_ONCE:
        raise GraphError(100, f"Param block_users must have 1 to {_MOST_BLOCKED_AT_ONCE} members.")
    done, failed = [], []
    for user in users:
        row, complaint = _set_block(call, user if isinstance(user, Mapping) else {}, to=to)
        if complaint is None:
            done.append(row)
        else:
            failed.append({**row, "errors": [{"code": complaint, "message": ERRORS[complaint].title}]})
    result = {"added_users" if to else "removed_users": done, **({"failed_users": failed} if failed else {})}
    body: dict[str, object] = {"messaging_product": "whatsapp", "block_users": result}
    if failed:  # Meta answers 200 with an error beside the result
        body["error"] = {"message": f"(#139100) {ERRORS[139100].title}", "type": "OAuthException", "code": 139100}
    return ok(body)


def _set_block(call: Call, user: Json, *, to: bool) -> tuple[dict[str, object], int | None]:
    who = str(user.get("user") or user.get("user_id") or "")
    customer = call.world.find_customer(who)
    row: dict[str, object] = {"input": who}
    if customer is None:
        return row, 131026
    row |= {"user_id": customer.bsuid} if "user_id" in user else {"wa_id": customer.phone}
    heard_at = call.world.last_heard_at.get((call.node, customer.bsuid))
    if to and not rules.is_window_open(heard_at, call.now):
        return row, 131047
    _mark(call.world, customer, call.node, to=to)
    return row, None


def _mark(world: World, customer: Customer, number_id: str, *, to: bool) -> None:
    after = customer.blocked_by | {number_id} if to else customer.blocked_by - {number_id}
    world.customers[customer.bsuid] = attrs.evolve(customer, blocked_by=after)


# --- QR codes, usernames, contact book ----------------------------------------------------------


def _codes(call: Call) -> Answer:
    if int(call.request.query.get("limit", "25")) > 25:
        raise GraphError(100, "Param limit must be at most 25.")
    return ok({"data": [dict(facts) for number, facts in call.world.codes.values() if number == call.node]})


def _make_code(call: Call) -> Answer:
    """A new code, or another text for the code that is named."""
    text = text_param(call, "prefilled_message", most=140)
    world, given = call.world, call.request.body.get("code")
    mine = [code for code, (number, _) in world.codes.items() if number == call.node]
    if given is not None and given not in mine:
        raise unknown_object("POST", str(given))
    if given is None and len(mine) >= _MOST_CODES:
        raise GraphError(100, f"The number has {_MOST_CODES} codes already.")
    code = str(given or world.mint.nonce()[:14].upper())
    facts = {"code": code, "prefilled_message": text, "deep_link_url": f"https://wa.me/message/{code}"}
    image = call.request.body.get("generate_qr_image")
    if image in ("PNG", "SVG"):
        facts["qr_image_url"] = f"{call.request.base_url.rstrip('/')}/qr/{code}.{str(image).lower()}"
    world.codes[code] = (call.node, facts)
    return ok(facts)


def _code(call: Call) -> Answer:
    return ok({"data": [dict(_own_code(call))]})


def _drop_code(call: Call) -> Answer:
    _own_code(call)
    del call.world.codes[call.part]
    return ok(SUCCESS)


def _own_code(call: Call) -> Json:
    number, facts = call.world.codes.get(call.part, ("", {}))
    if number != call.node:
        raise unknown_object(call.request.method, call.part)
    return facts


def _username(call: Call) -> Answer:
    found = call.world.documents.get((call.node, "username"))
    return ok(found or {})


def _take_username(call: Call) -> Answer:
    name = text_param(call, "username")
    if not _USERNAME.match(name):
        raise GraphError(147002, "A username has 3 to 35 of a-z, 0-9, dot and underscore.")
    action = call.request.body.get("transfer_action", "none")
    for (number, edge), document in list(call.world.documents.items()):
        if edge == "username" and number != call.node and document.get("username") == name:
            if action != "force_transfer":
                raise GraphError(147005, f"Another number has the username {name}.")
            del call.world.documents[number, edge]
    call.world.documents[call.node, "username"] = {"username": name, "status": "approved"}
    return ok(SUCCESS)


def _drop_username(call: Call) -> Answer:
    call.world.documents.pop((call.node, "username"), None)
    return ok(SUCCESS)


def _username_suggestions(call: Call) -> Answer:
    stem = re.sub(r"[^a-z0-9]+", "_", call.world.numbers[call.node].verified_name.lower()).strip("_")[:30]
    return ok({"username_suggestions": [stem, f"{stem}.hq", f"{stem}_1"]})


def _forget_contact(call: Call) -> Answer:
    """The contact book forgets which number a BSUID has; here: the customer's number is hidden from now on."""
    customer = call.world.customers.get(call.request.query.get("bsuid", ""))
    if customer is None:
        raise GraphError(100, "Param bsuid names nobody.")
    was_known = customer.shown_phone is not None
    call.world.customers[customer.bsuid] = attrs.evolve(customer, hidden_number=True)
    return ok({"success": True, "deleted": was_known})


# --- conversations, the app, sign-ups -----------------------------------------------------------


def _thread_control(call: Call) -> Answer:
    action = text_param(call, "action")
    if action not in ("pass", "release", "take"):
        raise GraphError(100, "Param action must be pass, release or take.")
    if action == "take" and call.request.body.get("role") != "escalation":
        raise GraphError(2494191, "Only an escalation app may take a conversation.")
    metadata = call.request.body.get("metadata", "")
    if not isinstance(metadata, str) or len(metadata) > 2000:
        raise GraphError(100, "Param metadata must be a string of at most 2000 characters.")
    return ok(SUCCESS)


def _sync_app(call: Call) -> Answer:
    refuse_without_product(call)
    kind, number = text_param(call, "sync_type"), call.world.numbers[call.node]
    if kind not in ("smb_app_state_sync", "history"):
        raise GraphError(100, "Param sync_type must be smb_app_state_sync or history.")
    if not number.is_on_app:
        raise GraphError(2593109, "The number is not used by the app.")
    if (number.id, kind) in call.world.synced:
        raise GraphError(2593107, f"{kind} was asked for already.")
    call.world.synced.add((number.id, kind))
    return ok({"messaging_product": "whatsapp", "request_id": call.world.mint.nonce()})


def _signups(call: Call) -> Answer:
    rows = [{"id": key, **facts} for key, (account, facts) in call.world.signups.items() if account == call.node]
    return ok({"data": rows})


def _make_signup(call: Call) -> Answer:
    for key in ("signup_message", "confirmation_message"):
        if len(text_param(call, key)) > 300:
            raise GraphError(2494164, f"Param {key} must be at most 300 characters long.")
    for key in ("privacy_policy_url", "website_url"):
        if not text_param(call, key).startswith("https://"):
            raise GraphError(2494165, f"Param {key} must be an https:// address.")
    signup_id = call.world.mint.object_id()
    call.world.signups[signup_id] = (call.node, dict(call.request.body))
    return ok({"id": signup_id})


def _signup(call: Call) -> Answer:
    account, facts = call.world.signups.get(call.part, ("", {}))
    if account != call.node:
        raise unknown_object(call.request.method, call.part)
    if call.request.method == "POST":
        call.world.signups[call.part] = (account, {**facts, **call.request.body})
        return ok(SUCCESS)
    return ok({"id": call.part, **facts})


# --- accounts, subscriptions --------------------------------------------------------------------


def _account(call: Call) -> Answer:
    account, world = call.world.accounts[call.node], call.world
    numbers = [number for number in world.numbers.values() if number.account_id == account.id]
    sent = sum(m.number_id in {n.id for n in numbers} for m in world.business_messages.values())
    node: dict[str, object] = {"id": account.id, "name": account.name}
    if "fields" in call.request.query:
        points = [{"start": 0, "end": int(call.now.timestamp()), "sent": sent, "delivered": sent}]
        node |= {
            "currency": "USD",
            "timezone_id": "1",
            "message_template_namespace": "emulated",
            "account_review_status": "APPROVED",
            "health_status": _health(world, numbers[0]) if numbers else {"can_send_message": "BLOCKED"},
            "analytics": {"granularity": "DAY", "data_points": points},
            "pricing_analytics": {"data": [{"data_points": []}]},
            "template_analytics": {"data": []},
            "call_analytics": {"data_points": []},
        }
    # A field may carry its own parameters: `analytics.start(…).end(…)`.
    fields = re.sub(r"\.\w+\([^)]*\)", "", call.request.query.get("fields", ""))
    return ok(rules.picked(node, fields or None))


def _subscriptions(call: Call) -> Answer:
    account = call.world.accounts[call.node]
    if not account.is_subscribed:
        return ok({"data": []})
    app = {"id": call.world.app_id, "name": call.world.app_name, "link": ""}
    row: dict[str, object] = {"whatsapp_business_api_data": app}
    if account.override is not None:
        row["override_callback_uri"] = account.override.url
    return ok({"data": [row]})


def _subscribe(call: Call) -> Answer | Handshake:
    """Subscribe the app; with an override, only once that address has proved itself.

    An empty call subscribes without an override, and so takes an earlier one away.
    """
    url = str(call.request.body.get("override_callback_uri") or "")
    if not url:
        _evolve_account(call.world, call.node, is_subscribed=True, override=None)
        return ok(SUCCESS)
    return Handshake("account", call.node, _callback(url, str(call.request.body.get("verify_token") or "")))


def _unsubscribe(call: Call) -> Answer:
    _evolve_account(call.world, call.node, is_subscribed=False, override=None)
    return ok(SUCCESS)


def _evolve_account(world: World, account_id: str, *, is_subscribed: bool, override: Callback | None) -> Account:
    account = attrs.evolve(world.accounts[account_id], is_subscribed=is_subscribed, override=override)
    world.accounts[account_id] = account
    return account


def shaken(world: World, asked: Handshake) -> Answer:
    """The answer to a subscription whose handshake has succeeded."""
    if asked.kind == "account":
        _evolve_account(world, asked.node, is_subscribed=True, override=asked.callback)
    elif asked.kind == "number":
        world.numbers[asked.node] = attrs.evolve(world.numbers[asked.node], override=asked.callback)
    else:
        world.app_callback = asked.callback
    return ok(SUCCESS)


# --- the app ------------------------------------------------------------------------------------


def _app_subscriptions(call: Call) -> Answer:
    callback = call.world.app_callback
    if callback is None:
        return ok({"data": []})
    fields = [{"name": name, "version": "v26.0"} for name in sorted(call.world.fields)]
    row = {"object": "whatsapp_business_account", "callback_url": callback.url, "active": True, "fields": fields}
    return ok({"data": [row]})


def _subscribe_app(call: Call) -> Handshake:
    given = {**call.request.query, **call.request.body}
    if given.get("object") != "whatsapp_business_account":
        raise GraphError(100, "Param object must be whatsapp_business_account.")
    url, token = str(given.get("callback_url") or ""), str(given.get("verify_token") or "")
    if not url or not token:
        raise GraphError(100, "The parameters callback_url and verify_token are required.")
    fields = given.get("fields", "messages")
    names = fields if isinstance(fields, list) else str(fields).split(",")
    call.world.fields = frozenset(str(name).strip() for name in names)
    return Handshake("app", call.node, Callback(url, token))


def _unsubscribe_app(call: Call) -> Answer:
    call.world.app_callback = None
    return ok(SUCCESS)


def _begin_upload(call: Call) -> Answer:
    """The first step of a resumable upload: what will come, and under which id."""
    given = {**call.request.query, **call.request.body}
    length, file_type = str(given.get("file_length", "")), str(given.get("file_type", ""))
    if not length.isdecimal() or not file_type:
        raise GraphError(100, "The parameters file_length and file_type are required.")
    if file_type not in ("image/jpeg", "image/jpg", "image/png", "video/mp4", "application/pdf"):
        raise GraphError(100, f"A sample cannot be {file_type}.")
    session = UploadSession(f"upload:{call.world.mint.nonce()}", file_type, int(length))
    call.world.uploads[session.id] = session
    return ok({"id": session.id})


def _finish_upload(call: Call) -> Answer:
    """The second step: the bytes, from the offset on, and the handle that stands for them."""
    session, data = call.world.uploads[call.node], call.request.raw
    if call.request.file_offset != "0":
        raise GraphError(100, "The header file_offset must be 0.")
    if len(data) != session.length:
        raise GraphError(100, f"{len(data)} bytes came, {session.length} were announced.")
    handle = f"4::{call.world.mint.nonce()}"
    life = call.now + rules.UPLOADED_MEDIA_LIFE
    call.world.handles[handle] = Media(session.id, "", session.file_type, "", life, data)
    return ok({"h": handle})


def _upload_state(call: Call) -> Answer:
    return ok({"id": call.node, "file_offset": 0})


def debug_token(call: Call) -> Answer:
    """What a token is good for."""
    asked = call.request.query.get("input_token", "")
    is_valid = compare_digest(asked.encode(), call.token.encode())
    if not is_valid:
        return ok({"data": {"is_valid": False, "scopes": []}})
    scopes = ["whatsapp_business_management", "whatsapp_business_messaging"]
    data = {
        "app_id": call.world.app_id,
        "application": call.world.app_name,
        "type": "SYSTEM_USER",
        "expires_at": 0,
        "is_valid": True,
        "scopes": scopes,
        "granular_scopes": [{"scope": scope, "target_ids": list(call.world.accounts)} for scope in scopes],
    }
    return ok({"data": data})


def access_token(call: Call) -> Answer:
    """The token that an Embedded Signup's code is exchanged for."""
    query = call.request.query
    is_app = query.get("client_id") == call.world.app_id
    is_secret = compare_digest(query.get("client_secret", "").encode(), call.app_secret.encode())
    if not (is_app and is_secret and query.get("code")):
        raise GraphError(100, message="Error validating verification code or client secret.")
    return ok({"access_token": call.token, "token_type": "bearer"})


ROUTES: Routes = {
    ("number", "", "GET"): _number,
    ("number", "", "POST"): _change_number,
    ("number", "request_code", "POST"): _request_code,
    ("number", "verify_code", "POST"): _verify_code,
    ("number", "register", "POST"): _register,
    ("number", "deregister", "POST"): _deregister,
    **{("number", edge, "GET"): partial(_read_document, edge=edge) for edge in _DOCUMENTS},
    **{("number", edge, "POST"): partial(_write_document, edge=edge) for edge in _DOCUMENTS},
    ("number", "block_users", "GET"): _blocked,
    ("number", "block_users", "POST"): partial(_set_blocks, to=True),
    ("number", "block_users", "DELETE"): partial(_set_blocks, to=False),
    ("number", "message_qrdls", "GET"): _codes,
    ("number", "message_qrdls", "POST"): _make_code,
    ("number", "message_qrdls/", "GET"): _code,
    ("number", "message_qrdls/", "DELETE"): _drop_code,
    ("number", "username", "GET"): _username,
    ("number", "username", "POST"): _take_username,
    ("number", "username", "DELETE"): _drop_username,
    ("number", "username_suggestions", "GET"): _username_suggestions,
    ("number", "contact_book", "DELETE"): _forget_contact,
    ("number", "thread_control", "POST"): _thread_control,
    ("number", "smb_app_data", "POST"): _sync_app,
    ("account", "", "GET"): _account,
    ("account", "phone_numbers", "GET"): _numbers,
    ("account", "phone_numbers", "POST"): _add_number,
    ("account", "subscribed_apps", "GET"): _subscriptions,
    ("account", "subscribed_apps", "POST"): _subscribe,
    ("account", "subscribed_apps", "DELETE"): _unsubscribe,
    ("account", "signups", "GET"): _signups,
    ("account", "signups", "POST"): _make_signup,
    ("account", "signups/", "GET"): _signup,
    ("account", "signups/", "POST"): _signup,
    ("app", "subscriptions", "GET"): _app_subscriptions,
    ("app", "subscriptions", "POST"): _subscribe_app,
    ("app", "subscriptions", "DELETE"): _unsubscribe_app,
    ("app", "uploads", "POST"): _begin_upload,
    ("upload", "", "POST"): _finish_upload,
    ("upload", "", "GET"): _upload_state,
}
