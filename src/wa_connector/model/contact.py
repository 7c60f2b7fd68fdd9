"""The host's record of a person; owned by the host's contact store."""

from attrs import field, frozen

from wa_connector.model.address import Address
from wa_connector.model.ids import ContactId, UserId


@frozen
class Contact:
    """A contact as the host's store gives it. ``owner`` is the user whose contact it is; None when it is shared."""

    id: ContactId
    name: str = field(repr=False)
    addresses: tuple[Address, ...]
    owner: UserId | None = None
    locale: str = ""
