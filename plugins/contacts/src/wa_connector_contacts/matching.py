"""Whose number is it? What a look-up of many addresses at once gives, and how matches are told apart.

Rules of this file: pure. A match by another spelling of the line (``policy.lookalikes``) is a proposal: it is listed behind
those that are certain, and no store's ``find`` gives it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from wa_connector.model.address import Address
from wa_connector.model.contact import Contact
from wa_connector.model.ids import TenantId
from wa_connector.policy.lookalikes import equivalence_key


@frozen
class Match:
    """A contact that may be whose address it is. ``is_certain``: he has this very address; else one that is spelled unlike
    it and may be the same telephone line, which a person has to confirm."""

    contact: Contact
    is_certain: bool


Matches = Mapping[Address, tuple[Match, ...]]


class Many(Protocol):
    """What the stores of this plugin offer besides ``ports.contacts.Contacts``."""

    def lookup_many(self, tenant: TenantId, addresses: Sequence[Address]) -> Matches:
        """The contacts of each address: none, one or several, certain ones first. Raises ``Unavailable``."""
        ...


def matched(addresses: Iterable[Address], contacts: Iterable[Contact]) -> Matches:
    """Which of the contacts each address may be of, in their order."""
    known = list(contacts)
    found: dict[Address, tuple[Match, ...]] = {}
    for address in addresses:
        key = equivalence_key(address)
        certain = [each for each in known if any(own.lookup == address.lookup for own in each.addresses)]
        alike = [
            each
            for each in known
            if key and each not in certain and any(equivalence_key(own) == key for own in each.addresses)
        ]
        found[address] = (*(Match(each, True) for each in certain), *(Match(each, False) for each in alike))
    return found


def certain(matches: Matches) -> tuple[Contact, ...]:
    """Every contact that certainly has one of the addresses, once."""
    contacts = (match.contact for each in matches.values() for match in each if match.is_certain)
    return tuple({(contact.owner, contact.id): contact for contact in contacts}.values())
