"""The control API: the methods of `Emulator` over HTTP.

Rules of this file: one table from method and path to a method of `Emulator` and the JSON keys that
it takes. A path's `{name}` and the body's keys become the arguments of the same name, read by the
reader beside them; an unknown key, one that cannot be read, or one that is absent and needed is a
`ControlError`. The answer is what the method returned, as JSON - without what is kept out of reprs.
"""

import inspect
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from .errors import ControlError
from .values import Json

if TYPE_CHECKING:
    from .emulator import Emulator

Reader = Callable[[object], object]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a whole number")
    return value


def _ids(value: object) -> list[int]:
    if not isinstance(value, list):
        raise ValueError("a list of webhook ids")
    return [_count(member) for member in value]


def _table(value: object) -> Json:
    if not isinstance(value, Mapping):
        raise ValueError("an object")
    return value


def _tables(value: object) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError("a list")
    return [_table(member) for member in value]


def _degrees(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("a number of degrees")
    return float(value)


def _chance(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("a chance from 0 to 1")
    return float(value)


def _codes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of codes")
    return tuple(_count(member) for member in value)


def _edges(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise ValueError("a list of edges")
    return frozenset(_text(member) for member in value)


def _header(value: object) -> str | Json:
    return value if isinstance(value, str) else _table(value)


def _buttons(value: object) -> list[str | Json]:
    if not isinstance(value, list):
        raise ValueError("a list")
    return [_header(member) for member in value]


def _cards(value: object) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError("a list of cards")
    return [_table(member) for member in value]


def _data(value: object) -> bytes:
    try:
        return b64decode(_text(value), validate=True)
    except ValueError:
        raise ValueError("bytes in base64") from None


def _span(value: object) -> timedelta:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("a number of seconds")
    return timedelta(seconds=value)


def _instant(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(_text(value))
    except ValueError:
        raise ValueError("an instant such as 2026-11-22T10:00:00Z") from None
    if at.tzinfo is None:
        raise ValueError("an instant with a time zone, such as 2026-11-22T10:00:00Z")
    return at


@attrs.frozen
class Route:
    """A row: what is called with which arguments. `target` is a path of attributes."""

    method: str
    path: str
    target: str
    readers: Mapping[str, Reader] = attrs.field(factory=dict)


_LANGUAGE: Mapping[str, Reader] = {"language": _text}
_NUMBER: Mapping[str, Reader] = {"number_id": _text}

ROUTES: Sequence[Route] = (
    Route("GET", "/accounts", "accounts"),
    Route("GET", "/numbers", "numbers"),
    Route("POST", "/seed", "seed", {"seed": _table}),
    Route("POST", "/reset", "reset"),
    Route("GET", "/requests", "requests"),
    Route("GET", "/sent", "sent"),
    Route("GET", "/sent/counts", "sent_counts"),
    Route("POST", "/clock/set", "clock.set", {"at": _instant}),
    Route("POST", "/clock/advance", "clock.advance", {"by": _span}),
    Route("POST", "/clock/freeze", "clock.freeze"),
    Route("POST", "/clock/run", "clock.run"),
    Route("GET", "/templates", "templates"),
    Route(
        "POST",
        "/templates",
        "add_template",
        {
            "name": _text,
            "body": _text,
            "language": _text,
            "category": _text,
            "parameter_format": _text,
            "header": _header,
            "footer": _text,
            "buttons": _buttons,
            "cards": _cards,
            "status": _text,
        },
    ),
    Route("POST", "/templates/{name}/approve", "approve_template", _LANGUAGE),
    Route("POST", "/templates/{name}/reject", "reject_template", {**_LANGUAGE, "reason": _text}),
    Route("POST", "/templates/{name}/pause", "pause_template", {**_LANGUAGE, "by_pacing": _flag}),
    Route("POST", "/templates/{name}/release", "release_template", _LANGUAGE),
    Route("POST", "/templates/{name}/rate", "rate_template", {**_LANGUAGE, "score": _text}),
    Route(
        "POST",
        "/templates/{name}/recategorise",
        "recategorise_template",
        {**_LANGUAGE, "category": _text, "is_notice": _flag},
    ),
    Route("POST", "/templates/{name}/disable", "disable_template", _LANGUAGE),
    Route("GET", "/customers", "customers"),
    Route(
        "POST",
        "/customers",
        "create_customer",
        {
            "phone": _text,
            "name": _text,
            "on_whatsapp": _flag,
            "hidden_number": _flag,
            "bsuid": _text,
            "country": _text,
            "username": _text,
        },
    ),
    Route("GET", "/customers/{who}", "customer"),
    Route("GET", "/customers/{who}/received", "received"),
    Route("GET", "/customers/{who}/said", "said"),
    Route(
        "POST",
        "/customers/{who}/text",
        "type_text",
        {"text": _text, "reply_to": _text, "group_id": _text, **_NUMBER},
    ),
    Route(
        "POST",
        "/customers/{who}/image",
        "send_image",
        {"data": _data, "mime_type": _text, "caption": _text, **_NUMBER},
    ),
    Route(
        "POST",
        "/customers/{who}/media",
        "send_media",
        {
            "kind": _text,
            "data": _data,
            "mime_type": _text,
            "caption": _text,
            "filename": _text,
            "voice": _flag,
            "animated": _flag,
            "reply_to": _text,
            "group_id": _text,
            **_NUMBER,
        },
    ),
    Route(
        "POST",
        "/customers/{who}/location",
        "send_location",
        {
            "latitude": _degrees,
            "longitude": _degrees,
            "name": _text,
            "address": _text,
            "reply_to": _text,
            **_NUMBER,
        },
    ),
    Route(
        "POST",
        "/customers/{who}/contacts",
        "send_contacts",
        {"contacts": _tables, "reply_to": _text, **_NUMBER},
    ),
    Route("POST", "/customers/{who}/share-contact", "share_contact", {"message_id": _text}),
    Route(
        "POST",
        "/customers/{who}/share-location",
        "share_location",
        {"message_id": _text, "latitude": _degrees, "longitude": _degrees},
    ),
    Route("POST", "/customers/{who}/react", "react", {"message_id": _text, "emoji": _text, **_NUMBER}),
    Route(
        "POST",
        "/customers/{who}/permit-calls",
        "permit_calls",
        {"message_id": _text, "accept": _flag, "permanent": _flag},
    ),
    Route("POST", "/customers/{who}/flow", "submit_flow", {"message_id": _text, "response": _table}),
    Route(
        "POST",
        "/customers/{who}/order",
        "order",
        {"catalog_id": _text, "items": _tables, "text": _text, **_NUMBER},
    ),
    Route("POST", "/customers/{who}/unsupported", "send_unsupported", {"kind": _text, **_NUMBER}),
    Route("POST", "/customers/{who}/raw", "send_raw", {"payload": _table, **_NUMBER}),
    Route("POST", "/customers/{who}/ad", "arrive_from_ad", {"text": _text, "referral": _table, **_NUMBER}),
    Route("POST", "/customers/{who}/forward", "forward", {"text": _text, "often": _flag, **_NUMBER}),
    Route("POST", "/customers/{who}/edit", "edit_message", {"message_id": _text, "text": _text, **_NUMBER}),
    Route("POST", "/customers/{who}/revoke", "revoke_message", {"message_id": _text, **_NUMBER}),
    Route("POST", "/customers/{who}/play", "play", {"message_id": _text}),
    Route("POST", "/customers/{who}/voicemail", "voicemail", {"data": _data, **_NUMBER}),
    Route("POST", "/customers/{who}/ring", "ring", _NUMBER),
    Route("POST", "/customers/{who}/tap-call", "tap_call", {"message_id": _text}),
    Route("POST", "/customers/{who}/hang-up", "hang_up", {"call_id": _text}),
    Route("POST", "/customers/{who}/take-call", "take_call", {"call_id": _text}),
    Route("POST", "/customers/{who}/reject-call", "reject_call", {"call_id": _text}),
    Route("POST", "/customers/{who}/change-number", "change_number", {"phone": _text, **_NUMBER}),
    Route("POST", "/customers/{who}/change-identity", "change_identity", _NUMBER),
    Route("POST", "/customers/{who}/switch-off", "switch_off"),
    Route("POST", "/customers/{who}/switch-on", "switch_on"),
    Route("POST", "/customers/{who}/join-group", "join_group", {"link": _text}),
    Route("POST", "/customers/{who}/leave-group", "leave_group", {"group_id": _text}),
    Route("POST", "/customers/{who}/echo", "echo", {"text": _text, **_NUMBER}),
    Route("POST", "/customers/{who}/sync-contact", "sync_contact", {"action": _text, **_NUMBER}),
    Route(
        "POST",
        "/history",
        "sync_history",
        {"phase": _count, "chunk": _count, "progress": _count, **_NUMBER},
    ),
    Route("GET", "/groups", "groups"),
    Route("POST", "/groups/{group_id}/suspend", "suspend_group", {"is_suspended": _flag}),
    Route("GET", "/calls", "calls"),
    Route(
        "POST",
        "/announce",
        "announce",
        {"field": _text, "facts": _table, "template": _text, **_LANGUAGE, "who": _text, **_NUMBER},
    ),
    Route(
        "POST",
        "/fail-next",
        "fail_next",
        {"code": _count, "times": _count, "later": _flag, "edge": _text, "details": _text},
    ),
    Route("POST", "/lose-next", "lose_next", {"what": _text, "times": _count, "edge": _text}),
    Route(
        "POST",
        "/customers/{who}/call",
        "call",
        {"answered": _flag, "by_business": _flag, "duration": _span, **_NUMBER},
    ),
    Route("POST", "/customers/{who}/tap", "tap", {"message_id": _text, "choice": _text}),
    Route("POST", "/customers/{who}/read", "read", {"message_id": _text}),
    Route("POST", "/customers/{who}/show-number", "show_number"),
    Route("POST", "/customers/{who}/block", "block", _NUMBER),
    Route("POST", "/customers/{who}/unblock", "unblock", _NUMBER),
    Route("POST", "/customers/{who}/stop-marketing", "stop_marketing", _NUMBER),
    Route("POST", "/customers/{who}/resume-marketing", "resume_marketing", _NUMBER),
    Route("POST", "/customers/{who}/sign-up", "sign_up", {"signup_id": _text, **_NUMBER}),
    Route("GET", "/webhooks", "webhooks"),
    Route(
        "POST",
        "/webhooks/subscribe",
        "subscribe_webhook",
        {"url": _text, "verify_token": _text, "handshake": _flag},
    ),
    Route("POST", "/webhooks/pause", "pause_webhooks"),
    Route("POST", "/webhooks/resume", "resume_webhooks"),
    Route("POST", "/webhooks/deliver-due", "deliver_due"),
    Route("POST", "/webhooks/deliver", "deliver", {"ids": _ids}),
    Route("POST", "/webhooks/deliver-reversed", "deliver_reversed"),
    Route("POST", "/webhooks/deliver-batched", "deliver_batched", {"ids": _ids}),
    Route("POST", "/webhooks/redeliver-last", "redeliver_last", {"count": _count}),
    Route("POST", "/webhooks/drop", "drop_webhooks", {"ids": _ids}),
)


def _maybe(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


_SETTINGS: Mapping[str, Reader] = MappingProxyType(
    {
        "window_violation": _text,
        "blocked_send": _text,
        "pair_limit": _flag,
        "throughput_per_second": _maybe(_count),
        "sent_after": _span,
        "delivered_after": _span,
        "free_service_messages": _count,
        "inbound_media_limit": _count,
        "customers_per_day": _maybe(_count),
        "customers_per_day_code": _count,
        "marketing_cap": _maybe(_count),
        "no_marketing_to_us": _flag,
        "direct_send": _flag,
        "marketing_on_cloud_api": _flag,
        "official_business_account": _flag,
        "template_review": _text,
        "template_review_after": _span,
        "categories_as": _maybe(_text),
        "template_pacing": _maybe(_count),
    }
)

_FAULTS: Mapping[str, Reader] = MappingProxyType(
    {
        "seed": _count,
        "edges": _edges,
        "codes": _codes,
        "refuse": _chance,
        "fail": _chance,
        "lose_request": _chance,
        "lose_answer": _chance,
        "latency": _span,
        "webhook_duplicate": _chance,
        "webhook_reorder": _chance,
        "webhook_batch": _chance,
        "webhook_delay": _chance,
        "webhook_delay_by": _span,
        "webhook_lose": _chance,
        "webhook_drop": _chance,
    }
)


def call(emulator: "Emulator", route: Route, path: Mapping[str, str], body: Json) -> object:
    """Call what the route names, and return the JSON of its answer."""
    target = _target(emulator, route.target)
    arguments = {**path, **_read(route.readers, body)}
    try:
        inspect.signature(target).bind(**arguments)
    except TypeError as misfit:
        takes = ", ".join(route.readers) or "nothing"
        raise ControlError(f"{route.path}: {misfit}; the body takes: {takes}") from None
    return to_json(target(**arguments))


def _target(emulator: "Emulator", path: str) -> Callable[..., object]:
    found: object = emulator
    for name in path.split("."):
        found = getattr(found, name)
    if not callable(found):
        raise TypeError(f"{path} is not a method")
    return found


def _read(readers: Mapping[str, Reader], body: Json) -> dict[str, object]:
    unknown = set(body) - set(readers)
    if unknown:
        takes = ", ".join(readers) or "nothing"
        raise ControlError(f"unknown keys: {', '.join(sorted(unknown))}; the body takes: {takes}")
    return {key: _read_one(readers[key], key, value) for key, value in body.items()}


def _read_one(reader: Reader, key: str, value: object) -> object:
    try:
        return reader(value)
    except ValueError as expected:
        raise ControlError(f"{key} must be {expected}") from None


def clock_json(emulator: "Emulator") -> dict[str, object]:
    """The clock, which is a property rather than a method's answer."""
    return {"now": to_json(emulator.clock.now()), "is_frozen": emulator.clock.is_frozen}


def configure(emulator: "Emulator", body: Json) -> object:
    """Change settings from a body of some of their names, and return all; none changes nothing."""
    return to_json(emulator.configure(**_read(_SETTINGS, body)))


def make_trouble(emulator: "Emulator", body: Json) -> object:
    """Replace the faults by those of the body, and return all; an empty body ends them."""
    return to_json(emulator.make_trouble(**_read(_FAULTS, body)))


def to_json(value: object) -> object:
    """A value of the emulator as JSON: instants in ISO 8601, spans in seconds, sets sorted."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): to_json(member) for key, member in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(str(member) for member in value)
    if isinstance(value, list | tuple):
        return [to_json(member) for member in value]
    kind = type(value)
    if attrs.has(kind):
        shown = [field.name for field in attrs.fields(kind) if field.repr]
        return {name: to_json(getattr(value, name)) for name in shown}
    return value
