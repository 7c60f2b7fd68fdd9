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
    Route("POST", "/templates/{name}/pause", "pause_template", _LANGUAGE),
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
        {"text": _text, "reply_to": _text, **_NUMBER},
    ),
    Route(
        "POST",
        "/customers/{who}/image",
        "send_image",
        {"data": _data, "mime_type": _text, "caption": _text, **_NUMBER},
    ),
    Route(
        "POST",
        "/customers/{who}/call",
        "call",
        {"answered": _flag, "by_business": _flag, "duration": _span, **_NUMBER},
    ),
    Route("POST", "/customers/{who}/tap", "tap", {"message_id": _text, "choice": _text}),
    Route("POST", "/customers/{who}/read", "read", {"message_id": _text}),
    Route("POST", "/customers/{who}/block", "block", _NUMBER),
    Route("POST", "/customers/{who}/unblock", "unblock", _NUMBER),
    Route("POST", "/customers/{who}/stop-marketing", "stop_marketing", _NUMBER),
    Route("POST", "/customers/{who}/resume-marketing", "resume_marketing", _NUMBER),
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

_SETTINGS: Mapping[str, Reader] = MappingProxyType(
    {
        "window_violation": _text,
        "blocked_send": _text,
        "pair_limit": _flag,
        "throughput_per_second": lambda value: None if value is None else _count(value),
        "sent_after": _span,
        "delivered_after": _span,
        "free_service_messages": _count,
        "inbound_media_limit": _count,
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
