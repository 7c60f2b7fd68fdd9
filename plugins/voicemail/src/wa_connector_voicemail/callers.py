"""Who called, from what a telephone system shows of him.

Theory: what can be read as a number, an extension or a short code is (``wa_connector.policy.numbers``). What cannot – a
national number where nobody said the region, a user name – is still a name by which this system knows somebody: it is kept as
an *extension* of it, so that he is recognised when he calls again, and nobody is taken for somebody else. Whoever withholds
his number has no address at all, and each of his messages is by somebody of whom nothing is known: two that are withheld need
not be of one person.
"""

import re
from typing import Final

from attrs import evolve

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.inbound import Sender
from wa_connector.policy.numbers import Anonymous, Numbering, read_party

_LONGEST: Final = 64
_LONGEST_NAME: Final = 256
_NO_NAMES: Final = frozenset({"anonymous", "private", "restricted", "unavailable", "unknown", "withheld"})


def sender_of(caller: str, name: str, numbering: Numbering, system: str) -> Sender:
    """The caller as the core knows people. ``system`` is whose extensions they are where ``numbering`` names no exchange.
    Any text has an answer."""
    known = numbering if numbering.exchange else evolve(numbering, exchange=system)
    party = read_party(caller, known)
    address = party.address
    if address is None and not isinstance(party, Anonymous):
        address = _as_written(caller, known.exchange)
    shown = " ".join("".join(each if each.isprintable() else " " for each in name).split())
    is_nobody = address is None and shown.casefold() in _NO_NAMES
    return Sender(() if address is None else (address,), "" if is_nobody else shown[:_LONGEST_NAME])


def _as_written(caller: str, exchange: str) -> Address | None:
    kept = re.sub(r"\s+", "", "".join(each for each in caller if each.isprintable()))[:_LONGEST]
    return Address(AddressKind.EXTENSION, kept, exchange) if kept else None
