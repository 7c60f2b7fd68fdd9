"""Two records turned out to be one person: the survivor's consent, windows and threads come of both.

Nothing is rewritten: the merged record points at the survivor, its evidence stays in its own chain and is folded in.
"""

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve

from wa_connector.decide.draft import Draft
from wa_connector.evidence.fold import fold, folding_key
from wa_connector.model.consent import NO_EVIDENCE, ConsentRecord, Evidence
from wa_connector.model.conversation import Pair
from wa_connector.model.customer import Customer
from wa_connector.model.event import CustomersMerged
from wa_connector.model.ids import CustomerId, LineId
from wa_connector.model.queue import EntryState, LaneKey, OutboxEntry, Work
from wa_connector.ports.rows import CONSENT, CUSTOMER, PAIR, Key
from wa_connector.ports.storage import Range

ALL_EVIDENCE = 100_000
"""More entries than a person can cause in a lifetime; a chain is loaded whole only to be folded again."""
_ALL_LINES = 10_000
_ALL_WAITING = 100_000


def merge(draft: Draft, merged: CustomerId, survivor: CustomerId) -> None:
    """Let ``survivor`` stand for ``merged``, too. Both are loaded records that point at nobody."""
    _join_addresses(draft, merged, survivor)
    _join_consent(draft, merged, survivor)
    _join_pairs(draft, merged, survivor)
    draft.tell(CustomersMerged(merged, survivor))


def evidence_of(draft: Draft, record: ConsentRecord, customer: CustomerId) -> list[Evidence]:
    """Everything that is folded into a customer's consent, of his own chain and of the joined ones."""
    entries: list[Evidence] = []
    for owner in (customer, *record.joined):
        entries += (entry for _, entry in draft.range(Range("evidence", "key", (draft.tenant, owner), ALL_EVIDENCE)))
    return entries


def _join_addresses(draft: Draft, merged: CustomerId, survivor: CustomerId) -> None:
    loser: Customer = draft.get(CUSTOMER.of(draft.tenant, merged))
    winner: Customer = draft.get(CUSTOMER.of(draft.tenant, survivor))
    new = tuple(address for address in loser.addresses if address not in winner.addresses)
    draft.put(CUSTOMER.of(draft.tenant, merged), evolve(loser, merged_into=survivor))
    draft.put(
        CUSTOMER.of(draft.tenant, survivor),
        evolve(
            winner,
            addresses=(*winner.addresses, *new),
            name=winner.name or loser.name,
            merged_from=(*winner.merged_from, merged, *loser.merged_from),
            former=(*winner.former, *loser.former),
        ),
    )


def _join_consent(draft: Draft, merged: CustomerId, survivor: CustomerId) -> None:
    theirs: ConsentRecord = draft.get(CONSENT.of(draft.tenant, merged)) or NO_EVIDENCE
    ours: ConsentRecord = draft.get(CONSENT.of(draft.tenant, survivor)) or NO_EVIDENCE
    if theirs is NO_EVIDENCE:
        return
    joined = evolve(ours, joined=(*ours.joined, merged, *theirs.joined))
    entries = evidence_of(draft, joined, survivor)
    draft.put(
        CONSENT.of(draft.tenant, survivor),
        evolve(
            joined,
            channels=fold(entries),
            last_key=max(map(folding_key, entries), default=ours.last_key),
        ),
    )


def _join_pairs(draft: Draft, merged: CustomerId, survivor: CustomerId) -> None:
    for key, theirs in draft.range(Range("pair", "key", (draft.tenant, merged), _ALL_LINES)):
        target = PAIR.of(draft.tenant, survivor, key.parts[2])
        ours: Pair = draft.get(target) or Pair()
        draft.put(
            target,
            evolve(
                ours,
                open=(*ours.open, *(thread for thread in theirs.open if thread not in ours.open)),
                latest=ours.latest or theirs.latest,
                held=ours.held + theirs.held,
                rank=max(ours.rank, theirs.rank),
                marketing_after_at=_later(ours.marketing_after_at, theirs.marketing_after_at),
                free_until_at=_later(ours.free_until_at, theirs.free_until_at),
            ),
        )
        draft.merge(target, **draft.merged(key))
        _join_lanes(draft, LineId(str(key.parts[2])), merged, survivor)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _join_lanes(draft: Draft, line: LineId, merged: CustomerId, survivor: CustomerId) -> None:
    """What waits for the merged record goes on in the survivor's lane, in its old order, or nothing would wake it. What
    is being sent this moment is settled where it is."""
    lane = LaneKey(draft.tenant, line, survivor, Work.SEND)
    waiting = Range("outbox", "lane", (draft.tenant, line, merged, lane.work.value), _ALL_WAITING)
    entries: Iterable[tuple[Key, OutboxEntry]] = draft.range(waiting)
    for key, entry in entries:
        if entry.state is not EntryState.SENDING:
            draft.put(key, evolve(entry, customer=survivor))
            draft.wake(lane, entry.due_at)
