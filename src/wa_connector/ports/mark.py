"""The port of the mark: one number a tenant, kept where no backup of the storage reaches it."""

from typing import Protocol

from wa_connector.model.ids import TenantId
from wa_connector.model.queue import Mark


class RestoreMark(Protocol):
    """Asked and told some times a minute, never in the middle of a message. Raises ``Unavailable`` when it cannot be read
    or written now; nothing is sent meanwhile, because nobody could tell whether it may be."""

    def read(self, tenant: TenantId) -> Mark | None:
        """What was last written of this tenant; None where nothing was."""
        ...

    def write(self, tenant: TenantId, mark: Mark) -> None:
        """Remember this one, whole or not at all, also across a power cut."""
        ...
