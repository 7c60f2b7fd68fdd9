"""The account's templates as the provider has them now."""

from typing import TYPE_CHECKING

from attrs import evolve

from wa_connector.decide.templates import SyncTemplates, TemplateDiff, sync_templates
from wa_connector.model.template import Template, TemplateStatus
from wa_connector.ports.rows import TEMPLATE
from wa_connector.testing.host import ACCOUNT, ACME, TEMPLATES

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

OPT_IN, HELLO, SALE = TEMPLATES


def sync(desk: "Desk", *templates: Template) -> TemplateDiff:
    return desk.do(sync_templates, SyncTemplates(ACCOUNT, templates))


def stored(desk: "Desk", template: Template) -> Template:
    found: Template = desk.row(TEMPLATE.of(ACME, ACCOUNT, template.name, template.language))
    return found


def test_nothing_new_changes_nothing(desk: "Desk") -> None:
    """The same list again, later: no difference, and nothing is written."""
    desk.later(days=1)
    assert TemplateDiff() == sync(desk, *TEMPLATES)
    assert desk.change is not None
    assert desk.change.is_empty


def test_what_is_new_changed_or_gone_is_told_apart(desk: "Desk") -> None:
    """Each by its name and language; what changed is stored with the time of the look."""
    desk.later(days=1)
    reworded = evolve(HELLO, body="Good day {{1}}")
    german = evolve(HELLO, language="de")
    assert TemplateDiff(("hello/de",), ("hello/en",), ("sale/en",)) == sync(desk, OPT_IN, reworded, german)
    assert evolve(reworded, synced_at=desk.now) == stored(desk, HELLO)
    assert evolve(german, synced_at=desk.now) == stored(desk, german)


def test_what_is_gone_stays_as_deleted(desk: "Desk") -> None:
    """Messages that used it still point at it; it is gone once, and may come back."""
    sync(desk, OPT_IN, HELLO)
    assert stored(desk, SALE).status is TemplateStatus.DELETED
    assert TemplateDiff() == sync(desk, OPT_IN, HELLO)
    assert TemplateDiff(changed=("sale/en",)) == sync(desk, *TEMPLATES)
    assert stored(desk, SALE).status is TemplateStatus.APPROVED
