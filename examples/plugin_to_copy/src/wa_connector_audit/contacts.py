"""Contacts in memory: for a host whose address book is small, or fed from elsewhere."""

from collections.abc import Sequence
from threading import Lock
from typing import Final, final

from wa_connector import Address, Contact, ContactId, TenantId, UserId


@final
class ContactBook:
    """Implements ``wa_connector.ports.contacts.Contacts``. May be changed while connectors use it, from any thread."""

    is_immediate: Final = True
    """It never blocks, so the asynchronous face may call it in place, without a thread."""

    def __init__(self) -> None:
        self._changing = Lock()
        # Replaced as a whole by every change, and so read without the lock.
        self._contacts: dict[tuple[TenantId, ContactId], Contact] = {}

    def put(self, tenant: TenantId, contact: Contact) -> None:
        """Add a contact, or replace the one of its id."""
        with self._changing:
            self._contacts = {**self._contacts, (tenant, contact.id): contact}

    def remove(self, tenant: TenantId, contact: ContactId) -> None:
        """Forget a contact; one that is not there is none."""
        with self._changing:
            self._contacts = {key: each for key, each in self._contacts.items() if key != (tenant, contact)}

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """The contact, if it is shared or the user's own."""
        found = self._contacts.get((tenant, contact))
        return found if found is not None and found.owner in {None, user} else None

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """The tenant's contacts with one of the addresses."""
        # By `lookup`, not by equality: a number and a WhatsApp id of the same digits are one line in the world.
        wanted = {address.lookup for address in addresses}
        of_tenant = (contact for (owner, _), contact in self._contacts.items() if owner == tenant)
        return tuple(each for each in of_tenant if any(address.lookup in wanted for address in each.addresses))
