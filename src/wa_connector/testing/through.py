"""A storage that passes everything on: what a test's own storage is made of, which fails, waits or counts in one place.

::

    class Away(ThroughStorage):
        def commit(self, changes):
            raise StorageUnavailable("away, because the test says so")
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wa_connector.model.ids import TenantId
from wa_connector.model.queue import LeasedLane, Work
from wa_connector.ports.storage import Change, EventPage, Outcome, Page, Scan, Snapshot, Storage, Wanted


class ThroughStorage:
    """Passes each call on to ``plain``. It offers no search of its own."""

    def __init__(self, plain: Storage) -> None:
        self.plain = plain

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        return self.plain.load(wanted)

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return self.plain.commit(changes)

    def scan(self, scan: Scan) -> Page:
        return self.plain.scan(scan)

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        return self.plain.events_after(tenant, cursor, limit)

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        return self.plain.claim(works, limit, now, lease)

    def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        return self.plain.drop_events(tenant, before, limit)

    def scrub(self) -> None:
        self.plain.scrub()

    def close(self) -> None:
        self.plain.close()
