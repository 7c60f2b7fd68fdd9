"""A contact store made of values, for tests."""

from collections.abc import Iterable, Mapping, Sequence

from wa_connector.errors import Unavailable
from wa_connector.model.address import Address
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId


class MemoryContacts:
    """Implements ``ports.contacts.Contacts``. Set ``down`` to have every call raise ``Unavailable``, as a host's store
    does that does not answer; unset it, and the store is back."""

    def __init__(self, contacts: Mapping[TenantId, Iterable[Contact]], *, down: bool = False) -> None:
        self.down = down
        self._contacts = {tenant: tuple(each) for tenant, each in contacts.items()}

    def _of(self, tenant: TenantId) -> tuple[Contact, ...]:
        if self.down:
            raise Unavailable("the contact store is down, because the test says so (`down`)")
        return self._contacts.get(tenant, ())

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """The contact of this id, shared or of ``user``."""
        for each in self._of(tenant):
            if each.id == contact and each.owner in {None, user}:
                return each
        return None

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """The contacts with one of the addresses, in the order given."""
        wanted = {address.lookup for address in addresses}
        return tuple(each for each in self._of(tenant) if any(address.lookup in wanted for address in each.addresses))
