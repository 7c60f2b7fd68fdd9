"""Long messages: cut into parts that a telephone puts together again, and what that costs.

Theory: a message of one part has no header. In a longer one each part begins with a header of six octets (or seven, with
a reference of sixteen bits) that names the message, how many parts there are and which this is. A telephone joins the
octets before it reads them, but not every gateway does, so no part ends inside a character, and none inside what a
reader sees as one where that can be avoided.

Source: 3GPP TS 23.040, 9.2.3.24 (user data header) and 9.2.3.24.1 (concatenation).
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from attrs import frozen

from wa_connector.errors import UsageError
from wa_connector_sms.alphabet import ESCAPE, Alphabet, alphabet_of, narrowest

if TYPE_CHECKING:
    from regex import Pattern

MAX_PARTS: Final = 255
_SINGLE: Final = {Alphabet.GSM: 160, Alphabet.UCS2: 140}
"""Octets (of GSM: septets) of a message without a header."""
_PART: Final = {
    (Alphabet.GSM, False): 153,
    (Alphabet.GSM, True): 152,
    (Alphabet.UCS2, False): 134,
    (Alphabet.UCS2, True): 132,
}
"""… and of one part, behind a header with a reference of eight or (True) sixteen bits."""


@frozen
class Segment:
    """One part. ``octets`` are its text alone: septets one by one, or UTF-16-BE."""

    alphabet: Alphabet
    octets: bytes
    number: int = 1
    total: int = 1

    def header(self, reference: int, *, wide: bool = False) -> bytes:
        """The user data header; empty for a message of one part. ``reference`` is taken modulo 256, or 65,536."""
        if self.total == 1:
            return b""
        if wide:
            return bytes((6, 8, 4, reference >> 8 & 0xFF, reference & 0xFF, self.total, self.number))
        return bytes((5, 0, 3, reference & 0xFF, self.total, self.number))


def segments(text: str, *, wide: bool = False) -> tuple[Segment, ...]:
    """``text`` in the parts that it is sent in; of the empty text one, which is empty. Linear in its length.

    ``wide`` leaves room for a reference of sixteen bits. Raises ``UsageError`` for a text of more than 255 parts, and
    for half a surrogate pair.
    """
    try:
        alphabet, octets = narrowest(text)
    except UnicodeEncodeError as error:
        raise UsageError(f"character {error.start} is half of one; send whole characters") from None
    if len(octets) <= _SINGLE[alphabet]:
        return (Segment(alphabet, octets),)
    limit = _PART[alphabet, wide]
    cut = _cut_septets if alphabet is Alphabet.GSM else _cut_units
    parts = list(cut(octets, limit))
    if len(parts) > MAX_PARTS:
        raise UsageError(f"the text has {len(parts)} parts, and at most {MAX_PARTS} can be sent; shorten it")
    return tuple(Segment(alphabet, part, number, len(parts)) for number, part in enumerate(parts, start=1))


def _cut_septets(octets: bytes, limit: int) -> Iterator[bytes]:
    start = 0
    while start < len(octets):
        end = start + limit
        if end < len(octets):
            if octets[end - 1] == ESCAPE:
                end -= 1  # the escape and what it shifts stay together
            elif octets[end - 1 : end + 1] == b"\r\n":
                end -= 1
        yield octets[start:end]
        start = end


def _cut_units(octets: bytes, limit: int) -> Iterator[bytes]:
    start = 0
    while start < len(octets):
        end = start + limit
        if end < len(octets):
            if 0xD8 <= octets[end - 2] < 0xDC:
                end -= 2  # the first half of a pair goes with its second
            end = _between_graphemes(octets, start, end, limit)
        yield octets[start:end]
        start = end


def _between_graphemes(octets: bytes, start: int, end: int, limit: int) -> int:
    """The last place up to ``end`` that lies between two graphemes; ``end`` itself where one fills the whole part.

    Source: Unicode Standard Annex 29, extended grapheme clusters.
    """
    grapheme, two_apart = _patterns()
    here = octets[start:end].decode("utf-16-be")
    # As much again: enough to see whether what begins here goes on, unless it fills a part by itself.
    ahead = octets[end : end + limit].decode("utf-16-be", "ignore")
    if two_apart.match(here[-1] + ahead[:1]):
        return end
    last = 0
    for found in grapheme.finditer(here + ahead):
        if found.end() > len(here):
            break
        last = found.end()
    return start + len(here[:last].encode("utf-16-be")) if last else end


@cache
def _patterns() -> "tuple[Pattern[str], Pattern[str]]":
    """One grapheme; and two characters of which neither ever joins another, as nearly all are."""
    import regex  # only those who write long messages in such scripts pay for it

    return regex.compile(r"\X"), regex.compile(r"\p{GCB=Other}{2}")


@frozen
class Preview:
    """What a text would be sent as, for a composer to show while one types.

    ``units`` are septets or UTF-16 units; ``left`` is how many more of them go into the last part. ``culprits`` are the
    characters, each once, that make the message UCS-2; without them it would be shorter.
    """

    alphabet: Alphabet
    parts: int
    units: int
    left: int
    culprits: tuple[str, ...] = ()


def preview(text: str) -> Preview:
    """What sending ``text`` costs. Raises as :func:`segments` does."""
    cut = segments(text)
    alphabet, last = cut[0].alphabet, cut[-1]
    size = 1 if alphabet is Alphabet.GSM else 2
    room = _SINGLE[alphabet] if len(cut) == 1 else _PART[alphabet, False]
    culprits = tuple(char for char in dict.fromkeys(text) if alphabet_of(char) is not Alphabet.GSM)
    units = sum(len(part.octets) for part in cut) // size
    return Preview(alphabet, len(cut), units, (room - len(last.octets)) // size, culprits)
