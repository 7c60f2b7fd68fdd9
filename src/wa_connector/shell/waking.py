"""Waking lanes that sleep for a reason that is over."""

from typing import Final

from wa_connector.model.ids import LineId, TenantId
from wa_connector.model.queue import LaneKey, OutboxEntry
from wa_connector.ports.rows import Scalar
from wa_connector.ports.storage import Change, Scan, Wake
from wa_connector.shell.ports import Ports

A_PAGE: Final = 500


async def wake_line(ports: Ports, tenant: TenantId, line: LineId) -> int:
    """Have every lane of a line that has something to do looked at now. Returns how many there are.

    Reads the line's whole queue, page by page. A crash half-way leaves the rest asleep until its own time.
    """
    after: tuple[Scalar, ...] | None = None
    woken: set[LaneKey] = set()
    while True:
        page = await ports.storage.scan(Scan("outbox", "lane", (tenant, line), A_PAGE, after))
        entries: list[OutboxEntry] = [row.value for _, row in page.rows]
        lanes = {LaneKey(tenant, line, entry.customer, entry.work) for entry in entries if entry.is_queued} - woken
        if lanes:
            now = ports.clock()
            await ports.storage.commit(
                [Change(tenant, now, wakes=tuple(Wake(lane, now) for lane in sorted_lanes(lanes)))]
            )
            woken |= lanes
        if page.next is None:
            return len(woken)
        after = page.next


def sorted_lanes(lanes: set[LaneKey]) -> list[LaneKey]:
    """In one order, so that two who wake the same lanes do not wait for each other in a circle."""
    return sorted(lanes, key=lambda lane: (lane.customer, lane.work.value))
