"""The account's templates as the provider has them now."""

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from wa_connector.decide.draft import Draft
from wa_connector.model.ids import AccountId
from wa_connector.model.template import Template, TemplateStatus
from wa_connector.ports.rows import TEMPLATE
from wa_connector.ports.storage import Range

MOST: Final = 10_000
"""A verified portfolio may have 6,000. Source: Cloud API, message templates, read 2026-11."""


@frozen
class SyncTemplates:
    account: AccountId
    templates: Sequence[Template]


@frozen
class TemplateDiff:
    """Names with languages: what is new, what changed, and what the provider no longer has."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def sync_templates(draft: Draft, command: SyncTemplates) -> TemplateDiff:
    """Store every template; one that the provider no longer lists stays, as deleted, for messages that used it."""
    stored = dict(draft.range(Range("template", "key", (draft.tenant, command.account), MOST)))
    listed = {
        TEMPLATE.of(draft.tenant, command.account, template.name, template.language): template
        for template in command.templates
    }
    added = {key: listed[key] for key in listed.keys() - stored.keys()}
    changed = {key: listed[key] for key in listed.keys() & stored.keys() if _differ(listed[key], stored[key])}
    gone = {
        key: evolve(template, status=TemplateStatus.DELETED)
        for key, template in stored.items()
        if key not in listed and template.status is not TemplateStatus.DELETED
    }
    for key, template in {**added, **changed, **gone}.items():
        draft.put(key, evolve(template, synced_at=draft.now))
    return TemplateDiff(*(tuple(sorted(map(_label, group.values()))) for group in (added, changed, gone)))


def _differ(one: Template, other: Template) -> bool:
    return evolve(one, synced_at=None) != evolve(other, synced_at=None)


def _label(template: Template) -> str:
    return f"{template.name}/{template.language}"
