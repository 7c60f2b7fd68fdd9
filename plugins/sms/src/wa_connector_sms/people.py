"""Whom a gateway names: numbers, short codes, and names of letters, written one way whatever the gateway.

Rules of this file: a national number is never made into an international one by guessing; it stays what it was written as,
and can be answered where it came from.
"""

import re
from typing import Final

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.inbound import Sender

_DIGITS: Final = re.compile(r"[1-9][0-9]{4,14}")
_SPELLING: Final = str.maketrans("", "", " -().\u00a0")
_SHORTEST: Final = 8
"""Fewer digits without a ``+`` are a short code: the numbers of all but the smallest countries are longer."""


def ref_of(written: str) -> str:
    """A line's ``provider_ref`` for an address as a gateway writes it: E.164 with its ``+``, else as it is."""
    plain = written.strip().translate(_SPELLING)
    digits = plain.removeprefix("+") if plain.startswith("+") else plain.removeprefix("00")
    if _DIGITS.fullmatch(digits) and (digits != plain or len(digits) >= _SHORTEST):
        return f"+{digits}"
    return written.strip()


def person(written: str, line: str) -> Sender | None:
    """Whoever signs so to ``line``; None for what cannot be an address. Digits that are no number mean something where our
    line is, and nowhere else."""
    ref = ref_of(written)
    if not ref or len(ref) > 256 or not ref.isprintable():
        return None
    if ref.startswith("+") and _DIGITS.fullmatch(ref[1:]):
        return Sender((Address(AddressKind.NUMBER, ref),))
    if ref.isascii() and ref.isdigit() and line:
        return Sender((Address(AddressKind.SHORT_CODE, ref, line),))
    return Sender((Address(AddressKind.SENDER, ref),))


def dialled(to: Address) -> str | None:
    """How a gateway is told whom to write to; None for somebody who cannot be answered."""
    if to.kind is AddressKind.NUMBER:
        return "+" + to.value.removeprefix("+")
    return to.value if to.kind is AddressKind.SHORT_CODE else None
