"""The settings in force for a line or a user: overrides by name, the deepest level last."""

from typing import Any

from wa_connector.model.directory import Organization, Seat
from wa_connector.model.setting import DEFAULTS, Settings


def settings_of(organizations: tuple[Organization, ...], seat: Seat | None = None) -> Settings:
    """Fold the path, root first, and then the user's own overrides over the defaults.

    Raises ``TypeError`` for a name that no setting has; a directory checks names and values when it loads them.
    """
    overrides: dict[str, Any] = {}
    for level in organizations:
        overrides.update(level.settings)
    if seat is not None:
        overrides.update(seat.user.settings)
    return Settings(**overrides) if overrides else DEFAULTS
