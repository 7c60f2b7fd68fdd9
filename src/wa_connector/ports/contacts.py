"""The contact-store port: the host's own address book."""

from collections.abc import Sequence
from typing import Protocol

from wa_connector.model.address import Address
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId


class Contacts(Protocol):
    """Raises ``Unavailable`` when the store does not answer: first contact is then refused as retryable, and what
    comes in is taken all the same."""

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """A contact that ``user`` may see, or None."""
        ...

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """The contacts that have one of the addresses: none, one or many."""
        ...


class AsyncContacts(Protocol):
    """As ``Contacts``, awaitable."""

    async def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None: ...
    async def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]: ...
