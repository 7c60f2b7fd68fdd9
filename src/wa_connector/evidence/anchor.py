"""Anchors: one digest that stands for every chain of a tenant at an instant.

Theory: a chain shows that nothing in it was changed *if* its head is the one that was there. Whoever holds the database
could write a new chain with a new head; an anchor that was handed to somebody else (printed, mailed, published) is what
he cannot rewrite. It covers every entry recorded before its instant, so any later state can be checked against it.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from wa_connector.model.consent import Anchor, Evidence
from wa_connector.model.ids import CustomerId
from wa_connector.model.instants import to_microseconds


def anchor(chains: Iterable[tuple[CustomerId, Iterable[Evidence]]], at: datetime) -> Anchor:
    """The anchor of all chains as of ``at``: customers in the order of their ids, entries in that of their sequence."""
    root, count, entries = hashlib.sha256(f"anchor {to_microseconds(at)}".encode()), 0, 0
    for customer, chain in chains:
        length, head = 0, ""
        for entry in chain:
            if entry.recorded_at >= at:
                break
            length, head = entry.sequence, entry.digest
        if length:
            root.update(f"\n{len(customer)}:{customer} {length} {head}".encode())
            count, entries = count + 1, entries + length
    return Anchor(at, root.hexdigest(), count, entries)
