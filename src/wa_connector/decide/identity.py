"""Whose address is it? From the addresses in one payload to one customer.

Theory: addresses that stand in one payload belong to one person *now*. A BSUID beats a number: it is made anew when its
owner changes number, so a number seen with another BSUID has changed hands. It moves, and carries no grant with it. Two
records merge by themselves only when one payload shows them to be the same person and nothing speaks against it.

Source: WhatsApp Cloud API, business-scoped user ids, read 2026-11.
"""

from collections.abc import Iterable, Sequence

from attrs import evolve

from wa_connector.decide.draft import Draft
from wa_connector.decide.merging import merge
from wa_connector.decide.refusals import recall
from wa_connector.model.address import PORTFOLIO_SCOPED, Address, AddressFact, AddressKind, AddressRecord
from wa_connector.model.customer import Customer
from wa_connector.model.event import AddressMoved, CustomerSeen
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import ADDRESS, CUSTOMER, Key

_NOBODY = AddressRecord(())


def find(draft: Draft, addresses: Iterable[Address]) -> CustomerId | None:
    """The customer who has one of the addresses now, BSUIDs asked first; None when nobody has."""
    for address in _identifying(addresses):
        holder = _record(draft, address).holder
        if holder is not None:
            return survivor(draft, holder)
    return None


def resolve(draft: Draft, addresses: Sequence[Address], name: str = "", formerly: Sequence[Address] = ()) -> CustomerId:
    """The customer whom one payload names, known or new, with all the payload's addresses his from now on.

    ``formerly``: by what the provider says he was known until now. Whoever had that is he, and has it no longer.
    """
    before = _holders(draft, formerly)[:1]
    for known in before:
        _leave(draft, known, formerly)
    same = list(dict.fromkeys((*before, *_holders(draft, addresses))))
    customer = same[0] if same else None
    if customer is None:
        customer = CustomerId(draft.new_id())
        draft.put(_key(draft, customer), Customer(customer, draft.now, name=name))
        draft.tell(CustomerSeen(customer))
    for other in same[1:]:
        merge(draft, other, customer)
    _learn(draft, customer, addresses, name)
    return customer


def _leave(draft: Draft, customer: CustomerId, addresses: Iterable[Address]) -> None:
    """End the customer's claims to these addresses. What somebody else holds by now is not touched."""
    for address in _identifying(addresses):
        record = _record(draft, address)
        if record.holder is None or survivor(draft, record.holder) != customer:
            continue
        *before, last = record.facts
        draft.put(_address_key(draft, address), AddressRecord((*before, evolve(last, until_at=draft.now))))
    gone = {address.lookup for address in addresses}
    known = customer_record(draft, customer)
    kept = tuple(address for address in known.addresses if address.lookup not in gone)
    draft.put(_key(draft, customer), evolve(known, addresses=kept))


def recognise(draft: Draft, customer: CustomerId, addresses: Sequence[Address]) -> None:
    """Learn from what the provider says of the person whom a message to ``customer`` reached.

    It is he, and with him whoever has one of these addresses; unless they name another BSUID than his: then his number
    has changed hands, and it is somebody else.
    """
    if _is_other_person(draft, customer, addresses):
        resolve(draft, addresses)
        return
    for other in _holders(draft, addresses):
        if other != customer:
            merge(draft, other, customer)
    _learn(draft, customer, addresses)


def _learn(draft: Draft, customer: CustomerId, addresses: Iterable[Address], name: str = "") -> None:
    """Give the customer these addresses; whoever had one before has it no longer."""
    for address in _identifying(addresses):
        _claim(draft, customer, address)
    record = customer_record(draft, customer)
    parents = tuple(
        address for address in addresses if address.kind is AddressKind.PARENT_BSUID and address not in record.addresses
    )
    learnt = evolve(record, name=name or record.name, addresses=(*record.addresses, *parents))
    if learnt != record:
        draft.put(_key(draft, customer), learnt)


def learn_locale(draft: Draft, customer: CustomerId, locale: str) -> None:
    """Note the language in which the host's contacts say that he is written to; '' teaches nothing."""
    record = customer_record(draft, customer)
    if locale and locale != record.locale:
        draft.put(_key(draft, customer), evolve(record, locale=locale))


def customer_record(draft: Draft, customer: CustomerId) -> Customer:
    record: Customer = draft.get(_key(draft, customer))
    return record


def _holders(draft: Draft, addresses: Sequence[Address]) -> list[CustomerId]:
    """Who the payload speaks of: the records that it shows to be one person.

    Holders of its addresses, the BSUID's first, except those who are known by another BSUID of the same portfolio: from
    them the number moves.
    """
    holders = dict.fromkeys(
        survivor(draft, holder)
        for address in _identifying(addresses)
        if (holder := _record(draft, address).holder) is not None
    )
    return [holder for holder in holders if not _is_other_person(draft, holder, addresses)]


def _is_other_person(draft: Draft, holder: CustomerId, addresses: Iterable[Address]) -> bool:
    known = customer_record(draft, holder).addresses
    return any(_contradicts(address, known) for address in addresses)


def _contradicts(address: Address, known: Iterable[Address]) -> bool:
    return address.kind is AddressKind.BSUID and any(
        other.kind is AddressKind.BSUID and other.portfolio == address.portfolio and other != address for other in known
    )


def _claim(draft: Draft, customer: CustomerId, address: Address) -> None:
    record = _record(draft, address)
    holder = record.holder
    if holder != customer:
        if holder is not None and survivor(draft, holder) != customer:
            _release(draft, holder, customer, address)
        ended = tuple(evolve(fact, until_at=fact.until_at or draft.now) for fact in record.facts)
        fact = AddressFact(customer, address.kind, draft.now)
        draft.put(_address_key(draft, address), AddressRecord((*ended, fact)))
        if holder is None:
            recall(draft, customer, address)
        elif survivor(draft, holder) != customer:
            recall(draft, customer, address, stays=True)
    owner = customer_record(draft, customer)
    if address not in owner.addresses:
        draft.put(_key(draft, customer), evolve(owner, addresses=(*owner.addresses, address)))


def _release(draft: Draft, holder: CustomerId, taker: CustomerId, address: Address) -> None:
    loser = customer_record(draft, holder)
    kept = tuple(other for other in loser.addresses if other.lookup != address.lookup)
    lost = tuple(other for other in loser.addresses if other.lookup == address.lookup)
    draft.put(_key(draft, holder), evolve(loser, addresses=kept, former=(*loser.former, *lost)))
    draft.tell(AddressMoved(holder, taker))


def survivor(draft: Draft, customer: CustomerId) -> CustomerId:
    """The record that stands for ``customer`` now: itself, unless it was merged."""
    while (into := customer_record(draft, customer).merged_into) is not None:
        customer = into
    return customer


def _identifying(addresses: Iterable[Address]) -> list[Address]:
    """BSUIDs first. A parent BSUID is noted on the customer but shared across portfolios, so nobody is found by it."""
    usable = [address for address in addresses if address.kind is not AddressKind.PARENT_BSUID]
    return sorted(usable, key=lambda address: address.kind not in PORTFOLIO_SCOPED)


def _record(draft: Draft, address: Address) -> AddressRecord:
    record: AddressRecord | None = draft.get(_address_key(draft, address))
    return record or _NOBODY


def _address_key(draft: Draft, address: Address) -> Key:
    return ADDRESS.of(draft.tenant, *address.lookup)


def _key(draft: Draft, customer: CustomerId) -> Key:
    return CUSTOMER.of(draft.tenant, customer)
