"""The hooks: what a connector is given.

Rules of this file: each hook is one line to what stands behind it, and nothing is opened here. The entry point names
this module, so that an installed plugin is listed and checked; by itself it offers nothing, because nobody but the host
knows where the file is to be.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final, final

from wa_connector import Happening, TenantId, hookimpl
from wa_connector_audit.audit import AuditFile
from wa_connector_audit.contacts import ContactBook


@final
class AuditPlugin:
    """Writes what happens to ``path``; provides ``book``, if there is one, as the contact store."""

    def __init__(self, path: str | os.PathLike[str], book: ContactBook | None = None) -> None:
        self.audit: Final = AuditFile(path)
        self.book: Final = book

    @hookimpl
    def wa_events_committed(self, tenant: TenantId, at: datetime, happenings: Sequence[Happening]) -> None:
        """observe: what one commit brought."""
        self.audit.append(tenant, at, happenings)

    @hookimpl
    def wa_contacts(self) -> ContactBook | None:
        """provide: the contact store. None leaves the question to the next plugin."""
        return self.book
