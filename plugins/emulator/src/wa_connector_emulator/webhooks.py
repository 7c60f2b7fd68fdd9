"""What webhooks say, and how they are signed.

Rules of this file: pure builders, from values to `Notice`s and from notices to bytes. Whether, when
and in which order anything is sent is the courier's business.

Absent facts are left out rather than null, as Meta does: a customer who hides the phone number has
neither `from` nor `wa_id` nor `recipient_id`. The one exception is a message that was addressed to
the phone: its statuses may name it, since the business evidently knows it.

Source: developers.facebook.com, webhooks overview and reference of the messages, user_preferences,
calls and message_template_status_update fields (read 2026-09-11).
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from .errors import status_error
from .rules import unix
from .values import (
    BusinessMessage,
    Call,
    Customer,
    CustomerMessage,
    Json,
    Notice,
    Number,
    Template,
    TemplateStatus,
)


def signature(app_secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for these raw bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, sha256).hexdigest()


def encoded(payload: Json) -> bytes:
    """The payload as Meta writes it: non-ASCII and slashes escaped.

    The escapes are on purpose: a receiver that verifies the signature over parsed and re-serialised
    JSON passes its own tests and fails in production. Here it fails at once.
    """
    # A slash occurs in JSON only within strings, where `\/` means the same.
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def envelope(notices: Sequence[Notice]) -> dict[str, object]:
    """One body for several notices: an entry per account and time, a change per notice."""
    entries: dict[tuple[str, int | None], list[Json]] = {}
    for notice in notices:
        changes = entries.setdefault((notice.account_id, notice.time), [])
        changes.append({"field": notice.field, "value": notice.value})
    return {
        "object": "whatsapp_business_account",
        "entry": [_entry(account_id, time, c) for (account_id, time), c in entries.items()],
    }


def _entry(account_id: str, time: int | None, changes: list[Json]) -> Json:
    return present({"id": account_id, "time": time, "changes": changes})


def present(facts: Mapping[str, object]) -> dict[str, object]:
    """The facts that are known."""
    return {key: value for key, value in facts.items() if value is not None}


def contact(customer: Customer, *, wa_id: str | None) -> dict[str, object]:
    """The `contacts` entry about a customer."""
    profile = present({"name": customer.name, "username": customer.username})
    return present({"profile": profile, "wa_id": wa_id, "user_id": customer.bsuid})


def inbound(number: Number, customer: Customer, message: CustomerMessage, *, is_system: bool = False) -> Notice:
    """A customer's message; one of the system's has no `contacts`."""
    head = present(
        {
            "from": customer.shown_phone,
            "from_user_id": customer.bsuid,
            "id": message.id,
            "timestamp": unix(message.sent_at),
        }
    )
    about = None if is_system else [contact(customer, wa_id=customer.shown_phone)]
    value = present({**common(number), "contacts": about, "messages": [{**head, **message.payload}]})
    return Notice(number.account_id, "messages", value, message.sent_at)


def echo(number: Number, customer: Customer, message_id: str, payload: Json, at: datetime) -> Notice:
    """A message that the business wrote in its own app."""
    head = present(
        {
            "from": number.display_number,
            "to": customer.shown_phone,
            "to_user_id": customer.bsuid,
            "id": message_id,
            "timestamp": unix(at),
        }
    )
    about = [contact(customer, wa_id=customer.shown_phone)]
    value = {**common(number), "contacts": about, "message_echoes": [{**head, **payload}]}
    return Notice(number.account_id, "smb_message_echoes", value, at)


def status(
    number: Number,
    customer: Customer | None,
    message: BusinessMessage,
    name: str,
    at: datetime,
    *,
    pricing: Json | None = None,
) -> Notice:
    """A status of a business's message; of a failed one with its error and without contacts."""
    phone = message.address.wa_id or (customer.shown_phone if customer else None)
    failure = message.failure
    report = present(
        {
            "id": message.id,
            "status": name,
            "timestamp": unix(at),
            **_recipient(customer, message, phone),
            "biz_opaque_callback_data": message.opaque,
            "pricing": pricing,
            "errors": [status_error(failure.code, failure.details)] if failure else None,
        }
    )
    about = [contact(customer, wa_id=phone)] if customer and not failure else None
    value = present({**common(number), "contacts": about, "statuses": [report]})
    return Notice(number.account_id, "messages", value, at)


def _recipient(customer: Customer | None, message: BusinessMessage, phone: str | None) -> Json:
    if message.group_id is None:
        return {"recipient_id": phone, "recipient_user_id": message.bsuid or message.address.user_id}
    return {
        "recipient_id": message.group_id,
        "recipient_type": "group",
        "recipient_participant_id": customer.shown_phone if customer else None,
        "recipient_participant_user_id": customer.bsuid if customer else None,
    }


def marketing_preference(
    number: Number, customer: Customer, choice: str, at: datetime, signup_id: str | None = None
) -> Notice:
    """A customer's `stop`, `resume` or `signup` of marketing messages from this number."""
    detail = {
        "stop": "User requested to stop marketing messages",
        "resume": "User requested to resume marketing messages",
        "signup": "User signed up for marketing messages",
    }[choice]
    preference = present(
        {
            "wa_id": customer.shown_phone,
            "user_id": customer.bsuid,
            "detail": detail,
            "category": "marketing_messages",
            "value": choice,
            "signup_id": signup_id,
            "timestamp": int(at.timestamp()),
        }
    )
    value = {
        **common(number),
        "contacts": [contact(customer, wa_id=customer.shown_phone)],
        "user_preferences": [preference],
    }
    return Notice(number.account_id, "user_preferences", value, at)


def call_event(number: Number, customer: Customer, call: Call, event: str, at: datetime) -> Notice:
    """A call's `connect` or `terminate`. The SDP is none that could be answered."""
    phone, ours = customer.shown_phone, number.display_number
    ends: Json
    if call.by_business:
        ends = {"from": ours, "to": phone, "to_user_id": customer.bsuid}
    else:
        ends = {"from": phone, "from_user_id": customer.bsuid, "to": ours}
    told = present(
        {
            "id": call.id,
            **ends,
            "event": event,
            "direction": "BUSINESS_INITIATED" if call.by_business else "USER_INITIATED",
            "timestamp": unix(at),
            "biz_opaque_callback_data": call.opaque,
            "cta_payload": call.cta_payload,
            **(_session(call) if event == "connect" else _end(call)),
        }
    )
    return Notice(number.account_id, "calls", _about_call(number, customer, {"calls": [told]}), at)


def _session(call: Call) -> Json:
    return {"session": {"sdp_type": "answer" if call.by_business else "offer", "sdp": "v=0\r\n"}}


def _end(call: Call) -> Json:
    """How it ended. Times are told of a call that was picked up only; that one nobody took is
    FAILED is our reading, Meta does not say.
    """
    if not call.is_answered:
        return {"status": "FAILED"}
    span = call.ended_at - call.started_at
    return {
        "status": "COMPLETED",
        "start_time": unix(call.started_at),
        "end_time": unix(call.ended_at),
        "duration": int(span.total_seconds()),
    }


def call_status(number: Number, customer: Customer, call: Call, name: str) -> Notice:
    """What became of a call of the business's: RINGING, ACCEPTED or REJECTED."""
    report = present(
        {
            "id": call.id,
            "type": "call",
            "status": name,
            "timestamp": unix(call.started_at),
            "recipient_id": customer.shown_phone,
            "recipient_user_id": customer.bsuid,
            "biz_opaque_callback_data": call.opaque,
        }
    )
    value = _about_call(number, customer, {"statuses": [report]})
    return Notice(number.account_id, "calls", value, call.started_at)


def _about_call(number: Number, customer: Customer, told: Json) -> Json:
    return {**common(number), "contacts": [contact(customer, wa_id=customer.shown_phone)], **told}


def template_status(template: Template, at: datetime, *, event: str | None = None) -> Notice:
    """The new status of a template."""
    value: dict[str, object] = {
        "event": event or template.status.value,
        **template_ids(template),
        "reason": template.rejected_reason,
        "message_template_category": template.category,
    }
    if template.status is TemplateStatus.PAUSED:
        title = "RATE_LIMITING_PAUSE" if template.is_paced else ("FIRST_PAUSE", "SECOND_PAUSE")[template.pauses > 1]
        value["other_info"] = {"title": title, "description": "Paused for low quality."}
    if template.status is TemplateStatus.DISABLED:
        value["disable_info"] = {"disable_date": at.date().isoformat()}
    if template.status is TemplateStatus.REJECTED:
        value["rejection_info"] = {"reason": template.rejected_reason, "recommendation": "Edit the template."}
    return about_account(template.account_id, "message_template_status_update", value, at)


def template_ids(template: Template) -> dict[str, object]:
    """How webhooks name a template. The id is a number here, and a string everywhere else."""
    return {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        # Meta's samples write the language with a hyphen here and an underscore in REST.
        "message_template_language": template.language.replace("_", "-"),
    }


def about_account(account_id: str, field: str, value: Json, at: datetime) -> Notice:
    """A webhook of a field that is the account's: its entry has a time."""
    return Notice(account_id, field, value, at, int(at.timestamp()))


def common(number: Number) -> dict[str, object]:
    """What every value about messages begins with."""
    return {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": number.display_number,
            "phone_number_id": number.id,
        },
    }
