"""What a connector is given: the hook, and nothing that is opened or read before it is used."""

from collections.abc import Callable, Sequence
from typing import final

from wa_connector.errors import UsageError
from wa_connector.model.address import Address
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.ports.contacts import Contacts
from wa_connector.ports.hooks import hookimpl
from wa_connector_contacts.matching import Match, Matches


@final
class Together:
    """Several stores as one: of several tenants, or the company's book beside the users' own.

    While one of them is unavailable, so are all: an answer without it could say "no such contact" of somebody whom it
    has.
    """

    def __init__(self, *stores: Contacts) -> None:
        self._stores = stores

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """The first store's contact of this id that ``user`` may see."""
        for store in self._stores:
            found = store.get(tenant, user, contact)
            if found is not None:
                return found
        return None

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """All stores' contacts with one of the addresses, in the order of the stores."""
        return tuple(found for store in self._stores for found in store.find(tenant, addresses))

    def lookup_many(self, tenant: TenantId, addresses: Sequence[Address]) -> Matches:
        """As ``matching.Many``: of several stores, in their order, certain matches first. A store that knows no such call
        is asked address by address."""
        found = [_asked(store, tenant, addresses) for store in self._stores]
        together = {address: tuple(match for each in found for match in each[address]) for address in addresses}
        return {
            address: tuple(sorted(each, key=lambda match: not match.is_certain)) for address, each in together.items()
        }


def _asked(store: Contacts, tenant: TenantId, addresses: Sequence[Address]) -> Matches:
    many: Callable[[TenantId, Sequence[Address]], Matches] | None = getattr(store, "lookup_many", None)
    if many is not None:
        return many(tenant, addresses)
    return {address: tuple(Match(each, True) for each in store.find(tenant, [address])) for address in addresses}


@final
class ContactsPlugin:
    """Provides one contact store, or several ``Together``. Raises ``UsageError`` without any."""

    def __init__(self, *stores: Contacts) -> None:
        if not stores:
            raise UsageError("ContactsPlugin needs a store, such as VcardContacts(path, tenant=…)")
        self.contacts: Contacts = stores[0] if len(stores) == 1 else Together(*stores)

    @hookimpl
    def wa_contacts(self) -> Contacts:
        """The store."""
        return self.contacts
