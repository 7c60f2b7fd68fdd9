"""What an account is told besides messages: the fields about templates, numbers, accounts and their alerts.

Rules of this file: one table, `FIELDS`, from a webhook field to a maker of its value; a maker gives a whole value with
Meta's keys, and whoever announces replaces what matters. No I/O.

Source: developers.facebook.com, webhook fields of whatsapp_business_account (read 2026-09-11).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from . import rules, webhooks
from .errors import ControlError
from .values import Customer, Json, Notice, Number, Template


@attrs.frozen
class About:
    """What a maker may look at."""

    number: Number
    now: datetime
    template: Template | None = None
    customer: Customer | None = None


def _need_template(about: About) -> Template:
    if about.template is None:
        raise ControlError("the field is about a template; name one")
    return about.template


def _ids(about: About) -> Json:
    return webhooks.template_ids(_need_template(about))


def _components(about: About) -> Json:
    template = _need_template(about)
    body = next((c.get("text") for c in template.components if str(c.get("type")).upper() == "BODY"), "")
    return {**_ids(about), "message_template_element": str(body)}


def _quality(about: About) -> Json:
    return {"previous_quality_score": "UNKNOWN", "new_quality_score": _need_template(about).quality, **_ids(about)}


def _category(about: About) -> Json:
    template = _need_template(about)
    return {**_ids(about), "previous_category": template.previous_category, "new_category": template.category}


def _display(about: About) -> Json:
    return {"display_phone_number": about.number.display_number}


def _who(about: About) -> Json:
    if about.customer is None:
        raise ControlError("the field is about a customer; name one")
    return webhooks.present({"wa_id": about.customer.shown_phone, "user_id": about.customer.bsuid})


def _standby(about: About) -> Json:
    who = _who(about)
    whom = webhooks.present({"from": who.get("wa_id"), "from_user_id": who["user_id"]})
    message = {
        **whom,
        "id": "wamid.standby",
        "timestamp": rules.unix(about.now),
        "type": "text",
        "text": {"body": "hi"},
    }
    return {**webhooks.common(about.number), "contacts": [who], "messages": [message]}


def _echoes(about: About) -> Json:
    """What another app wrote to the customer: it names him among the contacts only."""
    said = {"type": "text", "text": {"body": "from another app"}}
    echo = {"id": "wamid.echo", "timestamp": rules.unix(about.now), "message": said}
    return {**webhooks.common(about.number), "contacts": [_who(about)], "message_echoes": [echo]}


Maker = Callable[[About], Json]

FIELDS: Mapping[str, Maker] = MappingProxyType(
    {
        "message_template_quality_update": _quality,
        "message_template_components_update": _components,
        "template_category_update": _category,
        "template_correct_category_detection": lambda a: {**_ids(a), "correct_category": "MARKETING"},
        "phone_number_quality_update": lambda a: {
            **_display(a),
            "event": "ONBOARDING",
            "max_daily_conversations_per_business": "TIER_250",
        },
        "phone_number_name_update": lambda a: {
            **_display(a),
            "decision": "APPROVED",
            "requested_verified_name": a.number.verified_name,
            "rejection_reason": "NONE",
        },
        "account_update": lambda _: {
            "event": "ACCOUNT_RESTRICTION",
            "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 0}],
            "violation_info": {"violation_type": "SPAM"},
        },
        "account_alerts": lambda a: {
            "entity_type": "PHONE_NUMBER",
            "entity_id": a.number.id,
            "alert_info": {
                "alert_severity": "WARNING",
                "alert_status": "ACTIVE",
                "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
                "alert_description": "More is needed before limits are raised.",
            },
        },
        "account_review_update": lambda _: {"decision": "APPROVED"},
        "account_settings_update": lambda a: {
            "timestamp": rules.unix(a.now),
            "type": "phone_number_settings",
            "phone_number_settings": {"phone_number_id": a.number.id, "calling": {"status": "ENABLED"}},
        },
        "business_capability_update": lambda _: {
            "max_daily_conversations_per_business": "TIER_2K",
            "max_phone_numbers_per_business": 2,
            "max_phone_numbers_per_waba": 20,
        },
        "business_username_update": lambda a: {**_display(a), "username": "emulated", "status": "approved"},
        "business_status_update": lambda _: {"event": "MAINTENANCE"},
        "security": lambda a: {**_display(a), "event": "PIN_CHANGED", "requester": "1"},
        "flows": lambda _: {"event": "FLOW_STATUS_CHANGE", "flow_id": "1", "new_status": "PUBLISHED"},
        "automatic_events": lambda a: {
            **webhooks.common(a.number),
            "automatic_events": [{"id": "wamid.event", "event_name": "LeadSubmitted", "timestamp": rules.unix(a.now)}],
        },
        "payment_configuration_update": lambda _: {"configuration_name": "default", "status": "ACTIVE"},
        "partner_solutions": lambda _: {
            "event": "SOLUTION_CREATED",
            "solution_id": "1",
            "solution_status": "INITIATED",
        },
        "messages": lambda a: {
            **webhooks.common(a.number),
            "errors": [{"code": 130429, "title": "Rate limit hit", "message": "Rate limit hit"}],
        },
        "messaging_handovers": lambda a: {
            **webhooks.common(a.number),
            "sender": _who(a),
            "recipient": {"phone_number_id": a.number.id},
            "type": "control_passed",
            "timestamp": rules.unix(a.now),
            "control_passed": {"previous_owner_role": "ai_agent", "new_owner_role": "customer_service"},
        },
        "standby": _standby,
        "message_echoes": _echoes,
        "consumer_profile": lambda a: {**webhooks.common(a.number), "consumer_profile": [_who(a)]},
    }
)


def made(field: str, about: About, facts: Json) -> Notice:
    """The webhook of that field, with the `facts` put in place of its usual ones; an absent one is left out."""
    maker = FIELDS.get(field)
    if maker is None:
        raise ControlError(f"no field {field!r} can be announced; known are {', '.join(sorted(FIELDS))}", 404)
    value = webhooks.present({**maker(about), **facts})
    account_id = about.template.account_id if about.template else about.number.account_id
    if "messaging_product" in value:
        return Notice(account_id, field, value, about.now)
    return webhooks.about_account(account_id, field, value, about.now)
