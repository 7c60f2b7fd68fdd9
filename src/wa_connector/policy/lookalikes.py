"""Numbers of one telephone line that are not spelled alike, and which of a customer's addresses a channel sends to.

Theory: in three countries the digits by which WhatsApp knows a mobile line need not be those that one dials. An
*equivalence key* folds the spellings together. It may fold too much (Argentina's key of a mobile is that of a landline),
so two addresses of one key are *proposed* as one person, and nothing is merged, sent or rewritten by it.

Source: WhatsApp Cloud API, phone number formats, read 2026-11: Brazil's ninth digit, Mexico's 1 after 52, Argentina's 9
after 54.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from wa_connector.model.address import Address, AddressKind, number

LINES: Final = frozenset({AddressKind.NUMBER, AddressKind.WHATSAPP_ID})

_FOLDED: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"55([1-9][0-9])9?([0-9]{8})"), lambda match: f"55{match[1]}{match[2]}"),
    (re.compile(r"521?([0-9]{10})"), lambda match: f"52{match[1]}"),
    (re.compile(r"549?([0-9]{10})"), lambda match: f"54{match[1]}"),
)
_UNFOLDED: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(55[1-9][0-9])([0-9]{8})"), "9"),
    (re.compile(r"(52)([0-9]{10})"), "1"),
    (re.compile(r"(54)([0-9]{10})"), "9"),
)


def equivalence_key(address: Address) -> str:
    """What all spellings of one line have in common; '' for an address that is no telephone line."""
    if address.kind not in LINES:
        return ""
    digits = address.value.removeprefix("+")
    for pattern, folded in _FOLDED:
        match = pattern.fullmatch(digits)
        if match is not None:
            return folded(match)
    return digits


def lookalikes(address: Address) -> tuple[Address, ...]:
    """The other spellings of the line, as numbers: where to look for somebody who may be the same person."""
    key = equivalence_key(address)
    return tuple(number(f"+{each}") for each in _spellings(key) if each != address.value.removeprefix("+"))


def _spellings(key: str) -> tuple[str, ...]:
    for pattern, digit in _UNFOLDED:
        match = pattern.fullmatch(key)
        if match is not None:
            return key, f"{match[1]}{digit}{match[2]}"
    return (key,) if key else ()


def address_among(addresses: Sequence[Address], kinds: Iterable[AddressKind]) -> Address | None:
    """The first address of one of ``kinds``, in that order of preference.

    A WhatsApp id is also the number that one dials, unless lines of its country have two spellings: then a number has to
    be known, and none is made up.
    """
    for kind in kinds:
        for address in addresses:
            if address.kind is kind:
                return address
        if kind is AddressKind.NUMBER:
            for address in addresses:
                if address.kind is AddressKind.WHATSAPP_ID and _is_dialled_alike(address):
                    return number(f"+{address.value}")
    return None


def _is_dialled_alike(address: Address) -> bool:
    digits = address.value
    return (
        digits.isascii()
        and digits.isdigit()
        and 5 <= len(digits) <= 15
        and len(_spellings(equivalence_key(address))) < 2
    )
