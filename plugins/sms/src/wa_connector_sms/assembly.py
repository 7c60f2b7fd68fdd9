"""Long messages that come in: parts in any order, some of them twice, joined when all are there.

Rules of this file: values only; who keeps them, and until when, is further out. Octets are joined before they are read,
because gateways cut characters in two. Nothing that came in is lost: a message whose rest never comes is read with its
gaps marked.

Source: 3GPP TS 23.040, 9.2.3.24; 3GPP TS 23.038, 6.2.1.2.4 (national language identifiers).
"""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, field, frozen

from wa_connector_sms.alphabet import Alphabet, decode

GAP: Final = "[…]"
"""What is read where a part is missing."""


@frozen
class Header:
    """What a user data header says that matters here. ``total`` is 1 for a message of one part; ``is_whole`` is False
    when the header was cut off or contradicts itself, and what could be read of it stands."""

    reference: int = 0
    is_wide: bool = False
    total: int = 1
    number: int = 1
    locking: int = 0
    single: int = 0
    is_whole: bool = True


def split_header(octets: bytes) -> tuple[Header, bytes]:
    """The header that stands before the text, and the text. Any octets have an answer."""
    if not octets:
        return Header(is_whole=False), b""
    end = 1 + octets[0]
    elements, text = octets[1:end], octets[end:]
    header = Header(is_whole=end <= len(octets))
    place = 0
    while place + 2 <= len(elements):
        kind, length = elements[place], elements[place + 1]
        value = elements[place + 2 : place + 2 + length]
        header = _with(header, kind, value) if len(value) == length else evolve(header, is_whole=False)
        place += 2 + length
    return (header if place == len(elements) else evolve(header, is_whole=False)), text


def _with(header: Header, kind: int, value: bytes) -> Header:
    match kind, len(value):
        case (0x00, 3) | (0x08, 4):
            *reference, total, number = value
            if not 1 <= number <= total:
                return evolve(header, is_whole=False)
            named = int.from_bytes(bytes(reference), "big")
            return evolve(header, reference=named, is_wide=kind == 0x08, total=total, number=number)
        case 0x24, 1:
            return evolve(header, single=value[0])
        case 0x25, 1:
            return evolve(header, locking=value[0])
        case _:
            return header


@frozen
class Part:
    """One part as it came: its header, the alphabet that its coding names, and its text's octets."""

    header: Header
    alphabet: Alphabet
    octets: bytes = field(repr=False)


@frozen
class Assembly:
    """The parts of one message that are there. All of them come from one sender to one receiver by one transport, with
    one reference: that is the key under which it is kept."""

    total: int
    parts: Mapping[int, Part] = field(factory=dict)

    @property
    def is_complete(self) -> bool:
        return len(self.parts) == self.total

    def takes(self, part: Part) -> bool:
        """Whether the part can belong here. One that cannot begins another message: references are few and come again."""
        here = self.parts.get(part.header.number)
        return part.header.total == self.total and (here is None or here == part)

    def with_part(self, part: Part) -> "Assembly":
        """With one part more; the same one again changes nothing."""
        return evolve(self, parts={**self.parts, part.header.number: part})

    def text(self) -> str:
        """What is there, in order, with each run of missing parts marked. Parts that stand together in one alphabet are
        joined before they are read."""
        runs: list[list[Part] | None] = []
        for number in range(1, self.total + 1):
            part = self.parts.get(number)
            if part is None:
                if not runs or runs[-1] is not None:
                    runs.append(None)
            elif runs and runs[-1] is not None and _reads_like(runs[-1][-1], part):
                runs[-1].append(part)
            else:
                runs.append([part])
        return "".join(GAP if run is None else _read(run) for run in runs)


def _reads_like(one: Part, other: Part) -> bool:
    tables = (one.header.locking, one.header.single) == (other.header.locking, other.header.single)
    return one.alphabet is other.alphabet and tables


def _read(run: list[Part]) -> str:
    header = run[0].header
    return decode(b"".join(part.octets for part in run), run[0].alphabet, header.locking, header.single)


def begun(part: Part) -> Assembly:
    """The message that a first part begins."""
    return Assembly(part.header.total).with_part(part)
