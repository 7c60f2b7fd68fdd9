"""The chain: each entry binds its own facts and the entry before it.

Theory: what identifies a person (text, address, message id) is not hashed into the chain itself but bound by a salted
*commitment*. Erasing it deletes the text and the salt: the chain still verifies, and the commitment can no longer be
matched against a guess. The facts that must survive (that somebody refused, when, on which channel) are in the header.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from attrs import evolve, frozen

from wa_connector.model.consent import Evidence, Personal
from wa_connector.model.instants import to_microseconds

GENESIS: Final = ""
"""What the first entry of a chain names as the one before it."""


def source_of(provider_id: str) -> str:
    """A digest that stands for a provider's id where the id itself must not: 16 hex digits."""
    return hashlib.sha256(provider_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def sealed(entry: Evidence, previous: str) -> Evidence:
    """The entry with its commitment and digest, linked to the entry whose digest is ``previous``."""
    bound = evolve(entry, previous=previous, commitment=commitment_of(entry.personal))
    return evolve(bound, digest=digest_of(bound))


def commitment_of(personal: Personal | None) -> str:
    """SHA-256 over the personal part, its salt first; '' where there never was one."""
    if personal is None:
        return ""
    return _sha256([personal.salt, personal.text, personal.address, personal.message])


def digest_of(entry: Evidence) -> str:
    """SHA-256 over everything but the personal part and the digest itself."""
    return _sha256(
        [
            entry.previous,
            entry.customer,
            entry.sequence,
            to_microseconds(entry.at),
            to_microseconds(entry.recorded_at),
            entry.channel,
            entry.signal.value,
            [purpose.value for purpose in entry.purposes],
            entry.source,
            entry.actor,
            entry.template,
            entry.locale,
            entry.method,
            entry.attachment,
            entry.every_channel,
            entry.commitment,
        ]
    )


def _sha256(parts: list[object]) -> str:
    # JSON keeps the parts apart: no two different lists have the same text.
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def erased(entry: Evidence) -> Evidence:
    """The entry without what identifies the person; its chain verifies as before."""
    return evolve(entry, personal=None)


@frozen
class Flaw:
    """The first place where a chain does not hold."""

    sequence: int
    problem: str


def verify(entries: Iterable[Evidence], length: int, head: str) -> Flaw | None:
    """Check one customer's chain, given in the order of ``sequence``, against the recorded length and head.

    None when it holds. Finds: an entry changed, removed, added, moved or cut off the end, and a personal part that is
    not the one committed to.
    """
    previous, count = GENESIS, 0
    for count, entry in enumerate(entries, start=1):
        problem = _problem(entry, previous, count)
        if problem:
            return Flaw(count, problem)
        previous = entry.digest
    if (count, previous) != (length, head):
        return Flaw(count, "the chain does not end where its head says")
    return None


def _problem(entry: Evidence, previous: str, count: int) -> str:
    if entry.sequence != count:
        return "an entry is missing or out of place"
    if entry.previous != previous:
        return "the entry does not continue the one before it"
    if entry.digest != digest_of(entry):
        return "the entry was changed"
    if entry.personal is not None and entry.commitment != commitment_of(entry.personal):
        return "the personal part is not the one that was committed to"
    return ""
