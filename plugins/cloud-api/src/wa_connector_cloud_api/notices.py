"""The fields of a webhook that are about templates, accounts, numbers and groups → notices.

Rules of this file: pure; one table, ``NOTICES``, with what each field calls its event, and ``about`` for elements of a list
that are told of and change nothing else. Nothing is raised: a value that says nothing is a notice with the word '…'. Each
keeps its JSON text: it says more than the one word.

Source: WhatsApp Cloud API, webhooks reference (template, account and number fields), read 2026-11.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256 as digest_of
from typing import Any, Final, TypeAlias

from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import InboundNotice, TemplateNews
from wa_connector.model.template import TemplateCategory, TemplateStatus
from wa_connector_cloud_api._json import readable
from wa_connector_cloud_api._wire import instant, text, word

_Object: TypeAlias = dict[str, Any]

_EVENT: Final = ("event",)
_TEMPLATES: Final = frozenset(
    {
        "message_template_status_update",
        "message_template_quality_update",
        "message_template_components_update",
        "template_category_update",
        "template_correct_category_detection",
    }
)
NOTICES: Final[Mapping[str, tuple[str, ...]]] = {
    # field: the keys under which its event may stand, the first that has a word wins
    "message_template_status_update": _EVENT,
    "message_template_quality_update": ("new_quality_score",),
    "message_template_components_update": (),
    "template_category_update": ("correct_category", "new_category"),
    "template_correct_category_detection": ("correct_category", "category"),
    "phone_number_quality_update": _EVENT,
    "phone_number_name_update": ("decision",),
    "account_update": _EVENT,
    "account_alerts": ("alert_type",),
    "account_review_update": ("decision",),
    "account_settings_update": ("type",),
    "business_capability_update": ("max_daily_conversations_per_business",),
    "business_username_update": ("status",),
    "business_username_updates": ("status",),
    "business_status_update": ("event", "status"),
    "security": _EVENT,
    "flows": _EVENT,
    "automatic_events": _EVENT,
    "payment_configuration_update": ("configuration_status", "status"),
    "partner_solutions": _EVENT,
    "messaging_handovers": ("type",),
}


def about(topic: str, said: str, element: _Object, at: datetime | None = None) -> InboundNotice:
    """A notice that an element of a list makes: of the app's contacts, of groups, of calls, of errors."""
    at = at or instant(element.get("timestamp"))
    return InboundNotice(_id(topic, element), at, topic, word(said), None, readable(element))


def _id(topic: str, *parts: object) -> ProviderId:
    """The provider numbers no notice, so a digest of it is its id."""
    seen = "\n".join([topic, *(part if isinstance(part, str) else readable(part) for part in parts)])
    return ProviderId(f"notice.{digest_of(seen.encode()).hexdigest()[:32]}")


def read(field: str, value: _Object, told_at: object) -> InboundNotice:
    """A notice of one of the fields in ``NOTICES``."""
    at = instant(told_at) or instant(value.get("timestamp"))
    news = _template(field, value) if field in _TEMPLATES else None
    return InboundNotice(_id(field, str(told_at), value), at, field, _word(field, value), news, readable(value))


def _word(field: str, value: _Object) -> str:
    alert = value.get("alert_info")
    parts = (value, alert) if isinstance(alert, dict) else (value,)
    words = (word(str(part.get(key))) for key in NOTICES[field] for part in parts if key in part)
    return next(words, "…")


def _template(field: str, value: _Object) -> TemplateNews | None:
    name, language = text(value.get("message_template_name")), text(value.get("message_template_language"))
    if not name or not language:
        return None
    status = text(value.get("event")).upper() if field == "message_template_status_update" else ""
    category = text(value.get("new_category")) or text(value.get("message_template_category"))
    quality = text(value.get("new_quality_score"))
    return TemplateNews(
        # The webhooks spell en-US what all else spells en_US.
        name,
        language.replace("-", "_"),
        _status(status),
        status if _status(status) else "",
        _category(category.upper()),
        quality.upper(),
    )


_SAID: Final[Mapping[str, TemplateStatus | None]] = {
    # Events that are no status of their own. After these it can be sent …
    "REINSTATED": TemplateStatus.APPROVED,
    "UNARCHIVED": TemplateStatus.APPROVED,
    # … and these say nothing about that: a warning, and that it cannot be edited for a time.
    "FLAGGED": None,
    "LOCKED": None,
    "": None,
}


def _status(said: str) -> TemplateStatus | None:
    if said in _SAID:
        return _SAID[said]
    try:
        return TemplateStatus(said)
    except ValueError:
        return TemplateStatus.UNKNOWN


def _category(said: str) -> TemplateCategory | None:
    if not said:
        return None
    try:
        return TemplateCategory(said)
    except ValueError:
        return TemplateCategory.UNKNOWN
