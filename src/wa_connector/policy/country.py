"""The country of an address, as far as rules ask for it.

Only the numbering plan that several countries share needs telling apart here: ``+1``. A BSUID begins with its country.

Source: WhatsApp Cloud API, marketing to the United States, read 2026-11: numbers with ``+1`` and a US area code; area
codes of other countries: NANPA, read 2026-11.
"""

from collections.abc import Iterable
from typing import Final

from wa_connector.model.address import Address, AddressKind

# A table of ninety numbers reads better as text than as ninety literals.
_CANADA: Final = (
    "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 460 468 474 506"
    " 514 519 537 548 568 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879"
    " 902 905 942"
)
_CARIBBEAN: Final = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876"
_OTHERS: Final = frozenset(f"{_CANADA} {_CARIBBEAN}".split())
UNITED_STATES: Final = "US"


def country_of(addresses: Iterable[Address]) -> str:
    """``US`` for a customer who is known to be there, else ''. One address that says so is enough."""
    return UNITED_STATES if any(map(_is_american, addresses)) else ""


def _is_american(address: Address) -> bool:
    if address.kind in (AddressKind.NUMBER, AddressKind.WHATSAPP_ID):
        digits = address.value.removeprefix("+")
        return len(digits) == 11 and digits[0] == "1" and digits[1:4] not in _OTHERS
    return address.value.startswith("US.")
