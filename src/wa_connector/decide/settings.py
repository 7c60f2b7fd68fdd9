"""Changing a setting at run time, and reading what was in force at an instant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve, fields_dict, frozen

from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.directory import Seat
from wa_connector.model.event import SettingChanged
from wa_connector.model.setting import DEFAULTS, SettingChange, SettingHistory, Settings
from wa_connector.policy.settings import checked_setting
from wa_connector.ports.codec import decode, encode
from wa_connector.ports.rows import SETTING

_TYPES: Final = {name: attribute.type for name, attribute in fields_dict(Settings).items()}


@frozen
class ChangeSetting:
    """Set a setting of one level, or take the override back where ``value`` is None."""

    seat: Seat
    scope: str
    name: str
    value: object


def change_setting(draft: Draft, command: ChangeSetting) -> SettingChange:
    """Note the new value with its author and instant; what was decided before stays explained by the old one."""
    refuse_unless(_may_change(command))
    text = ""
    if command.value is not None:
        text = encode(checked_setting(command.name, command.value), _TYPES[command.name])
    else:
        checked_setting(command.name, getattr(DEFAULTS, command.name, None))
    key = SETTING.of(draft.tenant, command.scope)
    history: SettingHistory = draft.get(key) or SettingHistory()
    change = SettingChange(command.name, text, command.seat.user.id, draft.now)
    draft.put(key, evolve(history, changes=(*history.changes, change)))
    draft.tell(SettingChanged(command.scope, command.name, command.seat.user.id))
    return change


def _may_change(command: ChangeSetting) -> Decision:
    """Only who supervises may, and only at his own level or below it (which the directory alone can tell: the shell
    hands over no other scope)."""
    if command.seat.user.supervises and not command.seat.user.disabled:
        return Decision(Reason.ALLOWED)
    return Decision(Reason.NOT_A_SUPERVISOR, remedies=(Remedy(RemedyKind.ASK_ADMINISTRATOR),))


def values_at(history: SettingHistory, at: datetime | None) -> Mapping[str, Any]:
    """The typed overrides of one level at an instant, or (None) the latest."""
    return {name: decode(text, _TYPES[name]) for name, text in history.as_of(at).items() if name in _TYPES}
