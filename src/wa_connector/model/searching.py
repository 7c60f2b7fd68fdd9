"""The words by which an entry is found: of everything that people read, and spelled so that they find it.

Rules of this file: pure; what is stored and what is looked for go through the same function, so that they cannot drift
apart. A storage keeps these words and knows nothing of language.
"""

import re
import unicodedata
from typing import Final

LONGEST_WORD: Final = 40
"""In characters; of a longer one its beginning is known."""
MOST_WORDS: Final = 1000
_PLAIN: Final = re.compile("[0-9a-z]+")


def words_of(text: str) -> tuple[str, ...]:
    """The different words of a text, sorted: without case, accents and other marks, in one width. Of writing that puts no
    spaces between words, each character is one."""
    # Of ASCII nothing has marks or widths; looking at it character by character took more time than storing it.
    words = _PLAIN.findall(text.lower()) if text.isascii() else _words_of_any(text)
    return tuple(sorted({word[:LONGEST_WORD] for word in words}))[:MOST_WORDS]


def _words_of_any(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(_spaced(character) for character in plain).split()


def _spaced(character: str) -> str:
    if unicodedata.category(character).startswith("M"):
        return ""
    if not character.isalnum():
        return " "
    return f" {character} " if _is_word_by_itself(character) else character


def _is_word_by_itself(character: str) -> bool:
    """Kana and ideographs."""
    point = ord(character)
    return 0x3040 <= point <= 0x30FF or 0x3400 <= point <= 0x9FFF or 0x20000 <= point <= 0x3FFFF
