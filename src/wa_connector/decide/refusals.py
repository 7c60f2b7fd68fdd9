"""What a forgotten person refused, and how it finds him again; and what stays with a number.

Theory: of somebody who is forgotten, nothing may be left that names him, and what he refused must hold when he comes
again, or is brought again by an import. So his refusals are kept under a *keyed digest* of each of his addresses: whoever
has the address finds them, whoever has the digest finds nobody. When an address is claimed, what stands under its digest
becomes evidence of the new record, dated as it was, and the digest is gone. Only refusals are kept: no grant, no window, no
id of the former record, so that a person who comes back is not joined to what was made nameless.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import evolve

from wa_connector.decide.draft import Draft
from wa_connector.decide.merging import evidence_of
from wa_connector.evidence.fold import fold, folding_key, is_late, recorded
from wa_connector.evidence.ledger import sealed, source_of
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.consent import (
    NO_EVIDENCE,
    ChannelConsent,
    ConsentRecord,
    Evidence,
    Forgotten,
    Purpose,
    Refusal,
    Signal,
    Stage,
)
from wa_connector.model.event import ConsentChanged
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CONSENT, EVIDENCE, FORGOTTEN, HASH_KEY, Key

METHOD: Final = "forgotten"
"""The ``method`` of evidence that was kept under a digest."""
_NUMBERS: Final = frozenset({AddressKind.NUMBER, AddressKind.WHATSAPP_ID})
_REFUSED: Final = {Stage.REVOKED: Signal.STOP, Stage.DECLINED: Signal.DECLINED}


# --- keeping ----------------------------------------------------------------------------------------------------------


def refusals_of(record: ConsentRecord, now: datetime) -> tuple[Refusal, ...]:
    """What a consent refuses, channel by channel. When marketing was refused is not folded, so that is dated ``now``."""
    found: list[Refusal] = []
    for channel, consent in record.channels.items():
        signal = _REFUSED.get(consent.conversation)
        if signal is not None:
            found.append(Refusal(channel, signal, consent.changed_at or now))
        if consent.marketing in _REFUSED and signal is not Signal.STOP:
            found.append(Refusal(channel, Signal.MARKETING_STOPPED, now))
    return tuple(found)


def keep(draft: Draft, addresses: Iterable[Address], refusals: tuple[Refusal, ...]) -> None:
    """Keep what was refused under the digest of each address; where nothing was, nothing is kept."""
    if not refusals:
        return
    key = _hash_key(draft)
    if key is None:
        key = draft.new_salt() + draft.new_salt()
        draft.put(_hash_key_row(draft), key)
    for address in addresses:
        row = _row(draft, key, address)
        before: Forgotten | None = draft.get(row)
        kept = dict.fromkeys((*(before.refusals if before else ()), *refusals))
        draft.put(row, Forgotten(tuple(kept)))


def keep_with_numbers(draft: Draft, addresses: Iterable[Address], channel: str, consent: ChannelConsent) -> None:
    """Keep a STOP of a channel that only keeps suppressions under the customer's numbers, too: whoever has the number next
    is not written to either, as the network or the provider would not let us. What took it back takes it from there.
    """
    stopped = consent.conversation is Stage.REVOKED
    key = _hash_key(draft)
    if key is None and not stopped:
        return
    numbers = [address for address in addresses if address.kind in _NUMBERS]
    if stopped:
        assert consent.changed_at is not None, "a stage that moved says when"
        keep(draft, numbers, (Refusal(channel, Signal.STOP, consent.changed_at),))
        return
    assert key is not None
    for address in numbers:
        row = _row(draft, key, address)
        kept: Forgotten | None = draft.get(row)
        left = tuple(each for each in kept.refusals if each.channel != channel) if kept else ()
        if kept is not None and left:
            draft.put(row, Forgotten(left))
        elif kept is not None:
            draft.delete(row)


# --- finding again ----------------------------------------------------------------------------------------------------


def consent_at(draft: Draft, addresses: Iterable[Address]) -> ConsentRecord:
    """The consent of somebody who is not known (any longer), as what is kept under his addresses has it."""
    key = _hash_key(draft)
    if key is None:
        return NO_EVIDENCE
    kept = [draft.get(_row(draft, key, address)) for address in addresses]
    refusals = dict.fromkeys(refusal for each in kept if each for refusal in each.refusals)
    return ConsentRecord(fold(_entry(draft, CustomerId(""), refusal) for refusal in refusals))


def recall(draft: Draft, customer: CustomerId, address: Address, *, stays: bool = False) -> None:
    """Let what is kept under an address that ``customer`` just claimed count for him, and keep it there no longer, unless it
    ``stays`` with the address: he took that from somebody, and another may take it from him."""
    key = _hash_key(draft)
    if key is None:
        return
    row = _row(draft, key, address)
    kept: Forgotten | None = draft.get(row)
    if kept is None:
        return
    if not stays:
        draft.delete(row)
    entries = (_entry(draft, customer, refusal) for refusal in kept.refusals)
    for entry in sorted(entries, key=folding_key):
        append(draft, customer, entry)


def append(draft: Draft, customer: CustomerId, entry: Evidence) -> ConsentRecord:
    """Put an entry at the end of a customer's chain, fold it in, and tell what changed. Its sequence is set here."""
    consent: ConsentRecord = draft.get(CONSENT.of(draft.tenant, customer)) or NO_EVIDENCE
    link = sealed(evolve(entry, sequence=consent.length + 1), consent.head)
    earlier = evidence_of(draft, consent, customer) if is_late(consent, link) else ()
    folded = recorded(consent, link, earlier)
    draft.put(EVIDENCE.of(draft.tenant, customer, link.sequence), link)
    draft.put(CONSENT.of(draft.tenant, customer), folded)
    tell_moves(draft, customer, consent, folded)
    return folded


def tell_moves(draft: Draft, customer: CustomerId, before: ConsentRecord, after: ConsentRecord) -> None:
    """One event for every channel and purpose that moved: a STOP may be about all channels."""
    for channel in after.channels:
        for purpose in Purpose:
            stage = after.on(channel).stage(purpose)
            if stage is not before.on(channel).stage(purpose):
                draft.tell(ConsentChanged(customer, channel, purpose, stage))


def _entry(draft: Draft, customer: CustomerId, refusal: Refusal) -> Evidence:
    return Evidence(
        customer,
        0,
        at=refusal.at,
        recorded_at=draft.now,
        channel=refusal.channel,
        signal=refusal.signal,
        purposes=(Purpose.CONVERSATION,),
        source=source_of(f"{METHOD} {refusal.channel} {refusal.signal.value}"),
        method=METHOD,
    )


# --- digests ----------------------------------------------------------------------------------------------------------


def _hash_key_row(draft: Draft) -> Key:
    return HASH_KEY.of(draft.tenant, "addresses")


def _hash_key(draft: Draft) -> str | None:
    key: str | None = draft.get(_hash_key_row(draft))
    return key


def _row(draft: Draft, key: str, address: Address) -> Key:
    """Where what is kept of an address stands."""
    text = json.dumps(address.lookup, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=bytes.fromhex(key), digest_size=16)
    return FORGOTTEN.of(draft.tenant, digest.hexdigest())
