"""Addresses of customers: what a person is reached by and recognised from, dated.

Theory: a person has several names in the provider's world, and each may change hands or vanish. A telephone number may
be withheld altogether; a BSUID (business-scoped user id) is stable until the person changes number, and means nothing
in another portfolio; a short code is somebody else's in the next country. So an address is (portfolio, kind, value),
the portfolio being whatever the value means something in, and a customer's claim to it is a *fact with dates*.

Source: WhatsApp Cloud API, business-scoped user ids, read 2026-11.
"""

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from wa_connector.errors import UsageError
from wa_connector.model.ids import CustomerId


class AddressKind(Enum):
    NUMBER = "number"
    """A telephone number in E.164 with its ``+``."""
    WHATSAPP_ID = "wa_id"
    """The digits by which WhatsApp knows a number. Never rewritten: in Brazil and Mexico they differ from the number."""
    BSUID = "bsuid"
    PARENT_BSUID = "parent_bsuid"
    SHORT_CODE = "short_code"
    """The few digits by which a service sends SMS in one country, which stands as its ``portfolio`` (``US``)."""
    EXTENSION = "extension"
    """An extension of one exchange, which stands as its ``portfolio``."""
    SENDER = "sender"
    """Letters in the place of an SMS's number. Whoever uses them cannot be answered, and another may use the same."""


PORTFOLIO_SCOPED = frozenset({AddressKind.BSUID, AddressKind.PARENT_BSUID})
"""What means something in one portfolio of the provider's."""
SCOPED = PORTFOLIO_SCOPED | {AddressKind.SHORT_CODE, AddressKind.EXTENSION}
"""What needs a ``portfolio``, of the provider's or of another sort."""


@frozen
class Address:
    """One address. ``portfolio`` is empty except for the ``SCOPED`` kinds."""

    kind: AddressKind
    value: str = field(repr=lambda _: "…")
    portfolio: str = ""

    def __attrs_post_init__(self) -> None:
        value = self.value
        is_name = self.kind is AddressKind.SENDER
        if not value.strip() or len(value) > 256 or not value.isprintable() or (" " in value and not is_name):
            raise UsageError("an address is 1 to 256 printable characters without spaces")
        if (self.kind in SCOPED) != bool(self.portfolio):
            raise UsageError(f"a {self.kind.value} address {'needs' if not self.portfolio else 'has no'} portfolio")

    @property
    def lookup(self) -> tuple[str, str, str]:
        """The key by which this address is found: (portfolio, class, value).

        A number and a WhatsApp id of the same digits are one telephone line in the world, so they share a key.
        """
        if self.kind in SCOPED:
            return (self.portfolio, self.kind.value, self.value)
        if self.kind is AddressKind.SENDER:
            return ("", self.kind.value, self.value.casefold())
        return ("", "line", self.value.removeprefix("+"))


def number(value: str) -> Address:
    """An E.164 number, ``+`` and digits. Raises ``UsageError`` for anything else: without its ``+`` the provider would
    prepend the *business's* country code and write to a stranger (Source: Cloud API, phone number formats)."""
    digits = value.removeprefix("+")
    if value == digits or not (digits.isascii() and digits.isdigit() and digits[0] != "0" and 5 <= len(digits) <= 15):
        raise UsageError("a number is '+' and 5 to 15 digits (E.164); parse what people type before it comes here")
    return Address(AddressKind.NUMBER, value)


@frozen
class AddressFact:
    """A customer's claim to an address, from ``since_at`` on and, if it ended, before ``until_at``."""

    customer: CustomerId
    kind: AddressKind
    since_at: datetime
    until_at: datetime | None = None


@frozen
class AddressRecord:
    """All claims to one address, oldest first. At most the last is current."""

    facts: tuple[AddressFact, ...]

    @property
    def holder(self) -> CustomerId | None:
        """The customer who has the address now."""
        if self.facts and self.facts[-1].until_at is None:
            return self.facts[-1].customer
        return None
