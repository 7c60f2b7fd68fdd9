"""Templates on the Graph side: listing, creating, editing, and what time makes of them.

Rules of this file: no I/O; handlers of `message_templates` and its neighbours. What a template's text must be is in
`templates`, and what a phone makes of it there too.

Sources: developers.facebook.com, message templates, template pausing and pacing (read 2026-09-11).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from . import rules, templates, webhooks
from .errors import GraphError
from .exchange import SUCCESS, Answer, Call, Routes, ok, page, text_param
from .values import Notice, Settings, Template, TemplateStatus
from .world import World

_CREATIONS_PER_HOUR = 100
_MOST_TEMPLATES = 6000

# Meta leaves out of the default set what has to be asked for with `fields`.
_TEMPLATE_DEFAULTS = "name,parameter_format,components,language,status,category,id"


def template_node(template: Template) -> dict[str, object]:
    """A template with all the fields that the emulator knows."""
    node: dict[str, object] = {
        "name": template.name,
        "parameter_format": template.parameter_format,
        "components": list(template.components),
        "language": template.language,
        "status": template.status.value,
        "category": template.category,
        "rejected_reason": template.rejected_reason,
        "quality_score": {"score": template.quality, "date": _dated(template)},
        "previous_category": template.previous_category,
        "correct_category": template.correct_category,
        "message_send_ttl_seconds": template.ttl_seconds,
        "source": template.source,
        "last_updated_time": template.updated_at.isoformat() if template.updated_at else None,
        "health_status": {"can_send_message": "AVAILABLE", "entities": []},
        "id": template.id,
    }
    return {key: value for key, value in node.items() if value is not None}


def _dated(template: Template) -> int:
    return int(template.updated_at.timestamp()) if template.updated_at else 0


def _template(call: Call) -> Answer:
    template = call.world.templates[call.node]
    fields = call.request.query.get("fields", _TEMPLATE_DEFAULTS)
    return ok(rules.picked(template_node(template), fields))


def _templates(call: Call) -> Answer:
    query = call.request.query
    fields = query.get("fields", _TEMPLATE_DEFAULTS)
    found = [
        rules.picked(template_node(template), fields)
        for template in call.world.templates.values()
        if template.account_id == call.node and _is_wanted(template, query)
    ]
    listed = page(call, found)
    if "summary" in query:
        mine = [template for template in call.world.templates.values() if template.account_id == call.node]
        listed["summary"] = {
            "total_count": len(found),
            "message_template_count": len(mine),
            "message_template_limit": _MOST_TEMPLATES,
            "are_translations_complete": True,
        }
    return ok(listed)


def _is_wanted(template: Template, query: Mapping[str, str]) -> bool:
    wanted_language = query.get("language", template.language)
    wanted_category = query.get("category", template.category).upper()
    wanted_status = query.get("status", template.status.value).upper()
    content = query.get("name_or_content", query.get("content", ""))
    return (
        query.get("name", template.name) == template.name
        and query.get("quality_score", template.quality) == template.quality
        and query.get("source", template.source) == template.source
        and (content in template.name or content in templates.body_text(template))
        and (wanted_language, wanted_category) == (template.language, template.category)
        and wanted_status == template.status.value
    )


def _create_template(call: Call) -> Answer:
    world, body = call.world, call.request.body
    template = templates.parsed(body, template_id=world.mint.object_id(), account_id=call.node)
    if world.find_template(call.node, template.name, template.language) is not None:
        raise GraphError(100, "There is already content for this template and language.", subcode=2388024)
    retired_at = world.retired_names.get((call.node, template.name))
    if retired_at is not None and call.now < retired_at + rules.NAME_LOCK:
        raise GraphError(100, "A template of this name was deleted less than 30 days ago.", subcode=2388023)
    _spend_creation(call)
    template = _examined(call, _checked_samples(call, template))
    return ok({key: template_node(template)[key] for key in ("id", "status", "category")})


def _spend_creation(call: Call) -> None:
    """One of the creations of this hour."""
    recent = [at for at in call.world.creations.get(call.node, []) if call.now < at + timedelta(hours=1)]
    if len(recent) >= _CREATIONS_PER_HOUR:
        raise GraphError(80008, f"More than {_CREATIONS_PER_HOUR} templates were created within an hour.")
    call.world.creations[call.node] = [*recent, call.now]
    if sum(t.account_id == call.node for t in call.world.templates.values()) >= _MOST_TEMPLATES:
        raise GraphError(100, f"The account has {_MOST_TEMPLATES} templates already.", subcode=2388019)


def _checked_samples(call: Call, template: Template) -> Template:
    """A header's sample, where one is given, must be the handle of a resumable upload."""
    header = templates.component(template, "HEADER") or {}
    example = header.get("example")
    handles = example.get("header_handle") if isinstance(example, Mapping) else None
    for handle in handles if isinstance(handles, list) else []:
        if str(handle) not in call.world.handles:
            raise GraphError(100, f"The header's sample is not a handle of an upload: {handle!r}.", subcode=2388047)
    return template


def _examined(call: Call, template: Template) -> Template:
    """A template that goes into review, which takes its time, or none."""
    category = call.settings.categories_as or template.category
    outcome, after = call.settings.template_review, call.settings.template_review_after
    previous = template.category if category != template.category else template.previous_category
    template = attrs.evolve(
        template,
        category=category,
        previous_category=previous,
        status=TemplateStatus.PENDING,
        updated_at=call.now,
        review_at=None if outcome == "manual" else call.now + after,
    )
    call.world.templates[template.id] = template
    return template


def _edit_template(call: Call) -> Answer:
    """An edit puts the template back into review; an approved one can be edited once a day and ten times a month."""
    template, body, now = call.world.templates[call.node], call.request.body, call.now
    if template.source == "AUTO_GENERATED":
        raise GraphError(100, "A template that Direct Send has made cannot be edited.")
    if template.status is TemplateStatus.APPROVED:
        recent = [at for at in template.edited_at if now < at + timedelta(days=30)]
        if len(recent) >= 10 or any(now < at + timedelta(days=1) for at in recent):
            raise GraphError(100, "An approved template can be edited once a day and ten times in 30 days.")
        template = attrs.evolve(template, edited_at=(*recent, now))
        category = str(body.get("category") or template.category).upper()
        if category != template.category:
            raise GraphError(100, "The category of an approved template cannot be edited.")
    changed = {
        "name": template.name,
        "language": template.language,
        "category": body.get("category") or template.category,
        "components": body.get("components") or list(template.components),
        "parameter_format": body.get("parameter_format") or template.parameter_format,
        "message_send_ttl_seconds": body.get("message_send_ttl_seconds", template.ttl_seconds),
    }
    read = templates.parsed(changed, template_id=template.id, account_id=template.account_id)
    kept = attrs.evolve(
        read,
        edited_at=template.edited_at,
        quality=template.quality,
        previous_category=template.previous_category,
    )
    edited = _examined(call, _checked_samples(call, kept))
    return ok({"success": True, "id": edited.id, "name": edited.name, "category": edited.category})


def _unpause(call: Call) -> Answer:
    """Only pacing needs it: other pauses end by themselves. Not before five minutes are over."""
    template = call.world.templates[call.node]
    if template.status is not TemplateStatus.PAUSED:
        raise GraphError(100, "The template is not paused.")
    if template.updated_at is not None and call.now < template.updated_at + timedelta(minutes=5):
        raise GraphError(100, "A template can be unpaused five minutes after it was paused.")
    reinstated = attrs.evolve(
        template, status=TemplateStatus.APPROVED, is_paced=False, paused_until=None, sends=0, updated_at=call.now
    )
    call.world.templates[template.id] = reinstated
    return ok(SUCCESS, webhooks.template_status(reinstated, call.now))


def _compare(call: Call) -> Answer:
    """How two templates did; nobody reads here, so all is nought."""
    others = [each for each in call.request.query.get("template_ids", "").strip("[]").split(",") if each]
    if len(others) != 1 or others[0] not in call.world.templates:
        raise GraphError(100, "Param template_ids must name the one template to compare with.")
    pair = [call.node, others[0]]
    counts = [{"key": each, "value": call.world.templates[each].sends} for each in pair]
    data = [
        {"metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": pair},
        {"metric": "MESSAGE_SENDS", "type": "NUMBER_VALUES", "number_values": counts},
    ]
    return ok({"data": data})


def _upsert(call: Call) -> Answer:
    """Authentication templates in several languages at once."""
    body = call.request.body
    languages = body.get("languages")
    if not isinstance(languages, list) or not languages:
        raise GraphError(100, "The parameter languages is required.")
    if str(body.get("category")).upper() != "AUTHENTICATION":
        raise GraphError(100, "Only authentication templates can be upserted.")
    rows = []
    for language in languages:
        template = templates.parsed(
            {**body, "language": language}, template_id=call.world.mint.object_id(), account_id=call.node
        )
        before = call.world.find_template(call.node, template.name, template.language)
        if before is not None:
            template = attrs.evolve(template, id=before.id)
        node = template_node(_examined(call, template))
        rows.append({key: node[key] for key in ("id", "status", "language")})
    return ok({"data": rows})


def _migrate(call: Call) -> Answer:
    """Templates of another account are copied, unless there is one of that name."""
    source = str(call.request.body.get("source_waba_id") or call.request.query.get("source_waba_id") or "")
    if source not in call.world.accounts or source == call.node:
        raise GraphError(100, "The accounts cannot be migrated.", subcode=2388012)
    migrated, failed = [], {}
    for template in list(call.world.templates.values()):
        if template.account_id != source:
            continue
        if call.world.find_template(call.node, template.name, template.language) is not None:
            failed[template.id] = "2388091"
            continue
        copy = attrs.evolve(template, id=call.world.mint.object_id(), account_id=call.node)
        call.world.templates[copy.id] = copy
        migrated.append(template.id)
    return ok({"migrated_templates": migrated, "failed_templates": failed})


def library(call: Call) -> Answer:
    """Meta's own templates; there is one here."""
    name = call.request.query.get("search", call.request.query.get("name", ""))
    found = [row for row in _LIBRARY if name in str(row["name"])]
    return ok({"data": found})


_LIBRARY = (
    {
        "id": "1",
        "name": "delivery_update_1",
        "language": "en_US",
        "category": "UTILITY",
        "topic": "ORDER_MANAGEMENT",
        "usecase": "DELIVERY_UPDATE",
        "industry": ["E_COMMERCE"],
        "body": "Your order {{1}} is on its way and will be with you soon.",
        "body_params": ["860198-230332"],
        "body_param_types": ["TEXT"],
    },
)


def _sample(call: Call) -> Answer:
    """What category Meta would see in a message of Direct Send."""
    if not call.settings.direct_send:
        raise GraphError(100, "Direct Send is not enabled for this account.")
    kind = text_param(call, "type")
    if kind not in ("text", "interactive"):
        raise GraphError(100, f"Direct Send takes no {kind} messages.")
    return ok({"success": True, "category": "UTILITY"})


def _delete_templates(call: Call) -> Answer:
    query, world = call.request.query, call.world
    ids = [each.strip() for each in query.get("hsm_ids", "").strip("[]").split(",") if each.strip()]
    if len(ids) > 100:
        raise GraphError(100, "Param hsm_ids must name at most 100 templates.")
    name, template_id = query.get("name"), query.get("hsm_id")
    if not name and not ids:
        raise GraphError(100, "The parameter name is required.")
    mine = [template for template in world.templates.values() if template.account_id == call.node]
    if ids:
        doomed = [template for template in mine if template.id in ids]
    else:
        doomed = [t for t in mine if t.name == name and template_id in (None, t.id)]
    if not doomed:
        raise GraphError(100, f"There is no template {name or ids!r}.", subcode=2593002)
    if any(template.source == "AUTO_GENERATED" for template in doomed):
        raise GraphError(100, "A template that Direct Send has made cannot be deleted.")
    for template in doomed:
        del world.templates[template.id]
    if template_id is None and name:
        world.retired_names[call.node, name] = call.now
    return ok(SUCCESS)


ROUTES: Routes = {
    ("template", "", "GET"): _template,
    ("template", "", "POST"): _edit_template,
    ("template", "unpause", "POST"): _unpause,
    ("template", "compare", "GET"): _compare,
    ("account", "message_templates", "GET"): _templates,
    ("account", "message_templates", "POST"): _create_template,
    ("account", "message_templates", "DELETE"): _delete_templates,
    ("account", "upsert_message_templates", "POST"): _upsert,
    ("account", "migrate_message_templates", "POST"): _migrate,
    ("account", "message_samples", "POST"): _sample,
}


# --- what time and customers make of templates --------------------------------------------------


def settled(world: World, settings: Settings, now: datetime) -> tuple[Notice, ...]:
    """What has become of templates by now: reviews end, and so do pauses for low quality."""
    notices = []
    for template in list(world.templates.values()):
        after = _reviewed(template, settings, now) or _resumed(template, now)
        if after is not None:
            world.templates[template.id] = after
            notices.append(webhooks.template_status(after, now))
    return tuple(notices)


def next_change(world: World) -> datetime | None:
    """When time will next bring something about; None when it never will."""
    moments = [
        moment
        for template in world.templates.values()
        for moment, status in (
            (template.review_at, TemplateStatus.PENDING),
            (template.paused_until, TemplateStatus.PAUSED),
        )
        if moment is not None and template.status is status
    ]
    return min(moments, default=None)


def _reviewed(template: Template, settings: Settings, now: datetime) -> Template | None:
    if template.review_at is None or now < template.review_at:
        return None
    if template.status is not TemplateStatus.PENDING:
        return None
    is_good = settings.template_review != "reject"
    return attrs.evolve(
        template,
        status=TemplateStatus.APPROVED if is_good else TemplateStatus.REJECTED,
        rejected_reason="NONE" if is_good else "INVALID_FORMAT",
        review_at=None,
        updated_at=now,
    )


def _resumed(template: Template, now: datetime) -> Template | None:
    if template.status is not TemplateStatus.PAUSED or template.paused_until is None or now < template.paused_until:
        return None
    return attrs.evolve(template, status=TemplateStatus.APPROVED, paused_until=None, quality="UNKNOWN", updated_at=now)


def rated(template: Template, score: str, now: datetime) -> Template:
    """The template with a new quality. RED pauses it: for three hours, for six, and the third time for good."""
    rated = attrs.evolve(template, quality=score, updated_at=now)
    if score != "RED":
        return rated
    pauses = template.pauses + 1
    if pauses >= 3:
        return attrs.evolve(rated, status=TemplateStatus.DISABLED, pauses=pauses, paused_until=None)
    until = now + timedelta(hours=3 * pauses)
    return attrs.evolve(rated, status=TemplateStatus.PAUSED, pauses=pauses, paused_until=until)
