"""The alphabets of text messages: text to octets and back.

Rules of this file: octets are septets one by one, unpacked, as SMPP carries them; whoever packs them is further out.
Encoding says no where a character has no place, decoding never does: what came in is shown as well as it can be.

Source: 3GPP TS 23.038, 6.2.1 (default alphabet and its extension) and annex A (national language tables).
"""

import codecs
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Final

ESCAPE: Final = 0x1B
_NOWHERE: Final = "\ufffd"
"""What stands for an octet that no table has."""

DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION: Final[Mapping[int, str]] = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}


class Alphabet(Enum):
    """How the text of a message is coded on the air."""

    GSM = "gsm"
    """The default alphabet of seven bits and its extension."""
    UCS2 = "ucs2"
    """UTF-16, big-endian."""


_NO_PLACE: Final = "\ufffe"
"""What a character map has where there is no character."""
# A map that begins with NUL is a table of C's, any other a dictionary, and four times as slow; so "@" has a place behind
# the others, and its own afterwards.
_TO_SEPTETS: Final = codecs.charmap_build("\0" + DEFAULT[1:] + DEFAULT[0] + _NO_PLACE * 127)
_FIRST_TO_ITS_PLACE: Final = bytes.maketrans(b"\x80", b"\x00")
_ESCAPED: Final = {char: DEFAULT[ESCAPE] + DEFAULT[place] for place, char in EXTENSION.items()}
"""Each character of the extension as the two of the default table that stand for it."""


def _septets(text: str) -> bytes | None:
    """The octets of a text that the default alphabet has, and None for another. All of it is done by the character map
    and ``replace``, since a composer asks with every key, and a campaign for every message."""
    if "\0" in text or DEFAULT[ESCAPE] in text:
        return None
    try:
        octets = codecs.charmap_encode(text, "strict", _TO_SEPTETS)[0]
    except UnicodeEncodeError:
        for char, pair in _ESCAPED.items():
            text = text.replace(char, pair)
        try:
            octets = codecs.charmap_encode(text, "strict", _TO_SEPTETS)[0]
        except UnicodeEncodeError:
            return None
    return octets.translate(_FIRST_TO_ITS_PLACE)


def alphabet_of(text: str) -> Alphabet:
    """The narrowest alphabet that has every character of ``text``; one that it lacks makes the whole message UCS-2."""
    return Alphabet.UCS2 if _septets(text) is None else Alphabet.GSM


def encode(text: str, alphabet: Alphabet) -> bytes:
    """``text`` as octets. Raises ``UnicodeEncodeError`` naming the first character that the alphabet lacks (in UCS-2: half
    a surrogate pair)."""
    if alphabet is Alphabet.UCS2:
        return text.encode("utf-16-be")
    octets = _septets(text)
    if octets is None:
        place = next(place for place, char in enumerate(text) if _septets(char) is None)
        raise UnicodeEncodeError("gsm", text, place, place + 1, "the default alphabet lacks it")
    return octets


def narrowest(text: str) -> tuple[Alphabet, bytes]:
    """The narrowest alphabet that has all of ``text``, and its octets there. Raises as :func:`encode` does."""
    octets = _septets(text)
    return (Alphabet.UCS2, text.encode("utf-16-be")) if octets is None else (Alphabet.GSM, octets)


def decode(octets: bytes, alphabet: Alphabet, locking: int = 0, single: int = 0) -> str:
    """The text of octets. Never raises: what has no meaning becomes U+FFFD.

    ``locking`` and ``single`` are the national languages that the message's header names for its main table and for
    what follows an escape; an unknown one is the default. An escape before something that its table lacks is passed
    over, as the standard bids.
    """
    if alphabet is Alphabet.UCS2:
        return octets.decode("utf-16-be", "replace")
    main = _locking(locking)
    if ESCAPE not in octets:
        return codecs.charmap_decode(octets, "strict", main)[0]
    shifted = _single(single)
    found: list[str] = []
    rest = iter(octets)
    for octet in rest:
        if octet != ESCAPE:
            found.append(main[octet])
            continue
        escaped = next(rest, None)
        if escaped is None:
            break
        # Two escapes are kept for a table to come; a display shows a space.
        found.append(" " if escaped == ESCAPE else shifted.get(escaped) or main[escaped])
    return "".join(found)


@cache
def _locking(language: int) -> str:
    """A table of 256, so that any octet has its place."""
    table = national_tables().get(("locking", language))
    chars = [table.get(place, _NOWHERE) for place in range(128)] if table else list(DEFAULT)
    return "".join(chars) + _NOWHERE * 128


def _single(language: int) -> Mapping[int, str]:
    return national_tables().get(("single", language), EXTENSION) if language else EXTENSION


@cache
def national_tables() -> Mapping[tuple[str, int], Mapping[int, str]]:
    """The tables by kind (``locking`` or ``single``) and language (1 Turkish to 13 Urdu)."""
    from importlib import resources  # whoever only loads the plugin need not pay for it

    lines = (resources.files(__package__) / "national.txt").read_text("utf-8").splitlines()
    found: dict[tuple[str, int], dict[int, str]] = {}
    table: dict[int, str] = {}
    place = 0
    for line in lines:
        if line.startswith(("locking", "single")):
            kind, language, _ = line.split()
            table, place = found.setdefault((kind, int(language)), {}), 0
        elif line and not line.startswith("#"):
            codes = line.split()
            table.update((place + n, chr(int(code, 16))) for n, code in enumerate(codes) if code != "--")
            place += len(codes)
    return found


_TYPED: Final[Mapping[int, str]] = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "‚": "'",
        "‛": "'",
        "′": "'",
        "`": "'",
        "´": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "‟": '"',
        "″": '"',
        "«": '"',
        "»": '"',
        "‹": "'",
        "›": "'",
        "‐": "-",
        "‑": "-",
        "‒": "-",
        "–": "-",
        "—": "-",
        "―": "-",
        "−": "-",
        "…": "...",
        "•": "*",
        "·": ".",
        "\u00a0": " ",
        "\u2007": " ",
        "\u2009": " ",
        "\u200a": " ",
        "\u202f": " ",
        "\u3000": " ",
        "\t": " ",
        "\u00ad": "",
        "\u200b": "",
        "\ufeff": "",
    }
)


def transliterated(text: str) -> str:
    """``text`` with what word processors put in (curly quotes, dashes, an ellipsis, hard and thin spaces, tabs) as it is
    typed, and accents that the default alphabet lacks left off; nothing else is touched.

    For hosts whose users rather pay for one part than for two. It changes what the customer reads, so nobody does it
    unasked.
    """
    typed = text.translate(_TYPED)
    return typed if _septets(typed) is not None else "".join(map(_plain, typed))


@cache
def _plain(char: str) -> str:
    if _septets(char) is not None:
        return char
    import unicodedata

    base = unicodedata.normalize("NFD", char)[0]
    return char if _septets(base) is None else base
