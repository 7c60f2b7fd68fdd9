"""Evidence for those who ask: one person's, and whether all of it still holds."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from wa_connector.decide.merging import ALL_EVIDENCE
from wa_connector.evidence.anchor import anchor
from wa_connector.evidence.ledger import Flaw, verify
from wa_connector.model.consent import Anchor, ConsentRecord, Evidence
from wa_connector.model.ids import CustomerId, TenantId
from wa_connector.model.instants import to_microseconds
from wa_connector.ports.rows import ANCHOR
from wa_connector.ports.storage import Change, Put, Range, Scan
from wa_connector.shell.ports import Ports

SETTLED: Final = timedelta(minutes=5)
"""How far an anchor looks back: what was decided before it is surely committed by now."""
_AT_ONCE: Final = 200


@frozen
class Verification:
    """``flaws`` lists the customers whose chain does not hold, with the first place where it does not."""

    chains: int
    entries: int
    flaws: tuple[tuple[CustomerId, Flaw], ...]

    @property
    def holds(self) -> bool:
        return not self.flaws


async def verify_all(ports: Ports, tenant: TenantId) -> Verification:
    """Check every chain of the tenant against its recorded head. Reads everything, a customer at a time."""
    chains, entries, flaws = 0, 0, []
    async for customer, record, evidence in _chains(ports, tenant):
        flaw = verify(evidence, record.length, record.head)
        chains, entries = chains + 1, entries + len(evidence)
        if flaw is not None:
            flaws.append((customer, flaw))
    return Verification(chains, entries, tuple(flaws))


async def make_anchor(ports: Ports, tenant: TenantId) -> Anchor:
    """Anchor all evidence that is older than five minutes, and keep the anchor. Give it to somebody else, too."""
    made = await _anchor_at(ports, tenant, ports.clock() - SETTLED)
    put = Put(ANCHOR.of(tenant, to_microseconds(made.at)), made)
    await ports.storage.commit([Change(tenant, ports.clock(), puts=(put,))])
    return made


async def check_anchor(ports: Ports, tenant: TenantId, made: Anchor) -> bool:
    """Whether the evidence of today still contains, unchanged, all that was anchored."""
    return await _anchor_at(ports, tenant, made.at) == made


async def _anchor_at(ports: Ports, tenant: TenantId, at: datetime) -> Anchor:
    chains = [(customer, evidence) async for customer, _, evidence in _chains(ports, tenant)]
    return anchor(chains, at)


async def _chains(
    ports: Ports, tenant: TenantId
) -> AsyncIterator[tuple[CustomerId, ConsentRecord, tuple[Evidence, ...]]]:
    """Every customer's record and chain, in the order of the customers' ids."""
    scan = Scan("consent", "key", (tenant,), _AT_ONCE)
    while True:
        page = await ports.storage.scan(scan)
        for key, row in page.rows:
            customer = CustomerId(str(key.parts[1]))
            yield customer, row.value, await evidence_of(ports, tenant, customer)
        if page.next is None:
            return
        scan = Scan("consent", "key", (tenant,), _AT_ONCE, page.next)


async def evidence_of(ports: Ports, tenant: TenantId, customer: CustomerId) -> tuple[Evidence, ...]:
    """One customer's own chain, in the order of recording."""
    wanted = Range("evidence", "key", (tenant, customer), ALL_EVIDENCE)
    snapshot = await ports.storage.load([wanted])
    return tuple(snapshot.rows[key].value for key in snapshot.ranges[wanted])
