"""The settings in force for a line or a user: overrides by name, the deepest level last.

At each level what was changed at run time beats what the directory says; a change is in force from its own instant on.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from attrs import fields_dict

from wa_connector.errors import UsageError
from wa_connector.model.directory import Organization, Seat
from wa_connector.model.ids import OrganizationId
from wa_connector.model.setting import DEFAULTS, Settings

LONGEST_WINDOW_MARGIN: Final = timedelta(hours=12)
"""A margin beyond this would keep the window closed for most of the day: a unit error, not a wish."""


def scope_of(seat: Seat) -> str:
    """Where a user's own settings are kept."""
    return f"user:{seat.user.id}"


def scope_of_organization(organization: OrganizationId) -> str:
    """Where an organization's settings are kept."""
    return f"organization:{organization}"


def scopes_of(organizations: tuple[Organization, ...], seat: Seat | None) -> tuple[str, ...]:
    """The levels whose settings count, root first."""
    levels = tuple(scope_of_organization(level.id) for level in organizations)
    return levels if seat is None else (*levels, scope_of(seat))


def settings_of(
    organizations: tuple[Organization, ...],
    seat: Seat | None = None,
    stored: Mapping[str, Mapping[str, Any]] = {},
) -> Settings:
    """Fold the path, root first, and then the user's own overrides over the defaults.

    ``stored`` holds, by scope, the values that were changed at run time. Raises ``TypeError`` for a name that no
    setting has; names and values are checked where they come in (``checked_setting``, and the directory's loader).
    """
    overrides: dict[str, Any] = {}
    for level in organizations:
        overrides.update(level.settings)
        overrides.update(stored.get(scope_of_organization(level.id), {}))
    if seat is not None:
        overrides.update(seat.user.settings)
        overrides.update(stored.get(scope_of(seat), {}))
    return Settings(**overrides) if overrides else DEFAULTS


def checked_setting(name: str, value: object) -> Any:
    """The value, or ``UsageError`` with the name and what it may be."""
    attribute = fields_dict(Settings).get(name)
    if attribute is None:
        raise UsageError(f"there is no setting {name!r}; see wa_connector.Settings for those there are")
    problem = _problem(name, value, getattr(DEFAULTS, name))
    if problem:
        raise UsageError(f"the setting {name} {problem}")
    return value


def _problem(name: str, value: object, default: object) -> str:
    if isinstance(default, tuple):
        (one, *_) = default
        is_right = isinstance(value, tuple) and value and all(isinstance(item, type(one)) for item in value)
        return "" if is_right else f"is a tuple of one or more {type(one).__name__}"
    if type(value) is not type(default):
        choices = f": {', '.join(member.name for member in type(default))}" if isinstance(default, Enum) else ""
        return f"is a {type(default).__name__}{choices}, not a {type(value).__name__}"
    if isinstance(value, timedelta) and value < timedelta(0):
        return "cannot be negative"
    if name == "window_margin" and isinstance(value, timedelta) and value > LONGEST_WINDOW_MARGIN:
        return f"cannot be more than {LONGEST_WINDOW_MARGIN}"
    return ""
