"""What kind of picture some bytes are, told by how they begin.

Only the kinds that people exchange, and only to catch a type that contradicts the bytes: a browser that is shown a file
decides by its own nose, and a provider refuses a picture whose type is wrong with a code that says much less.
"""

import re
from collections.abc import Mapping
from typing import Final

from wa_connector.errors import UsageError

ENOUGH: Final = 12
"""Bytes by which every kind here is told."""

_BEGINNINGS: Final[Mapping[str, re.Pattern[bytes]]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
_SAME: Final = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
# Says nothing about the content, and so cannot contradict it.
_ANYTHING: Final = frozenset({"application/octet-stream", "binary/octet-stream"})


def kind(beginning: bytes) -> str:
    """The type of a picture that begins so; empty for all else."""
    return next((name for name, pattern in _BEGINNINGS.items() if pattern.match(beginning)), "")


def check(beginning: bytes, mime_type: str) -> None:
    """Raises ``UsageError`` when the bytes are a picture and the type says otherwise, or the other way round."""
    declared = mime_type.partition(";")[0].strip().lower()
    declared = _SAME.get(declared, declared)
    found = kind(beginning)
    if declared in _ANYTHING or found == declared:
        return
    if found or declared in _BEGINNINGS:
        what = found or "no such picture"
        raise UsageError(f"the file is declared as {declared} and is {what}; declare what it is")
