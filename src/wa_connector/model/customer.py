"""The person outside."""

from datetime import datetime

from attrs import field, frozen

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.ids import CustomerId, JobId


@frozen
class Customer:
    """A person outside the organization, known by addresses; the claims' dates stand in the address records.

    ``merged_into`` is set on a record that turned out to be somebody already known: it points at the survivor, which
    lists it in ``merged_from``. ``former`` are addresses that are somebody else's now. ``erasure`` is the job that is to
    forget this person, and ``erased_at`` when it had removed all that names him from this record.
    """

    id: CustomerId
    created_at: datetime
    addresses: tuple[Address, ...] = ()
    name: str = field(default="", repr=False)
    locale: str = ""
    merged_into: CustomerId | None = None
    merged_from: tuple[CustomerId, ...] = ()
    former: tuple[Address, ...] = ()
    erasure: JobId | None = None
    erased_at: datetime | None = None

    def address_of(self, *kinds: AddressKind) -> Address | None:
        """The first current address of one of ``kinds``, in that order of preference."""
        for kind in kinds:
            for address in self.addresses:
                if address.kind is kind:
                    return address
        return None
