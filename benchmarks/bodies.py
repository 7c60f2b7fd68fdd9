"""Webhook bodies as the Cloud API sends them, 0.6 to 0.9 kB each, and their signatures. Standard library only.

Every body is another one: the peer drops a body that it has seen.
Source: WhatsApp Cloud API, webhooks reference, read 2026-11.
"""

import hashlib
import hmac
import json
from typing import Any

SECRET = "5f4dcc3b5aa765d61d8327deb882cf99"
PHONE = "106540352242922"
ACCOUNT = "102290129340398"
BATCH = 20
SINGLES = ("text", "image", "delivered", "read", "button")

_CUSTOMER, _USER_ID = "16505551234", "US.13491208655302741918"
_CONTACT = {"profile": {"name": "Sheena Nelson"}, "wa_id": _CUSTOMER, "user_id": _USER_ID}
_BEGIN = 1795348800


def bodies(kind: str, count: int, series: int) -> list[tuple[bytes, str]]:
    """``count`` bodies of one kind with their signature headers; another ``series``, other bodies."""
    return [signed(_body(kind, f"{series:04}{number:06}")) for number in range(count)]


def signed(body: bytes) -> tuple[bytes, str]:
    return body, "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def _body(kind: str, number: str) -> bytes:
    kinds = [SINGLES[place % len(SINGLES)] for place in range(BATCH)] if kind == "batch" else [kind]
    changes = [_change(each, f"{number}{place:02}") for place, each in enumerate(kinds)]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": changes}]}).encode()


def _change(kind: str, number: str) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": PHONE}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": [_CONTACT]}
    at = str(_BEGIN + int(number) // 1000)  # ten bodies a second
    wamid = f"wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTdBNUU4{number}"
    if kind in ("delivered", "read"):
        value["statuses"] = [_status(kind, wamid, at)]
    else:
        value["messages"] = [
            {"from": _CUSTOMER, "from_user_id": _USER_ID, "id": wamid, "timestamp": at, **_CONTENT[kind]}
        ]
    return {"value": value, "field": "messages"}


def _status(kind: str, wamid: str, at: str) -> dict[str, Any]:
    return {
        "id": wamid,
        "status": kind,
        "timestamp": at,
        "recipient_id": _CUSTOMER,
        "recipient_user_id": _USER_ID,
        "conversation": {"id": "8ba6a9bbb8b4a9be3b4ad9f8bc4d1d0a", "origin": {"type": "service"}},
        "pricing": {"billable": False, "pricing_model": "PMP", "category": "service", "type": "free_customer_service"},
    }


_CONTENT: dict[str, dict[str, Any]] = {
    "text": {
        "type": "text",
        "text": {"body": "Does it come in another colour? I would take two, if they can be here before the weekend."},
    },
    "image": {
        "type": "image",
        "image": {
            "caption": "This is what it looks like",
            "mime_type": "image/jpeg",
            "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
            "id": "1003383421387256",
        },
    },
    "button": {
        "type": "button",
        "button": {"payload": "order-4711:confirm", "text": "Confirm"},
        "context": {"from": "15550783881", "id": "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA"},
    },
}
