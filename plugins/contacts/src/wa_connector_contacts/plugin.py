"""What a connector is given: the hook, and nothing that is opened or read before it is used."""

from collections.abc import Sequence
from typing import final

from wa_connector.errors import UsageError
from wa_connector.model.address import Address
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.ports.contacts import Contacts
from wa_connector.ports.hooks import hookimpl


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
