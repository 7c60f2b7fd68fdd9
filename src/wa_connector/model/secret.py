"""Secrets that cannot be printed by accident."""

import hmac
from typing import Final, final


@final
class Secret:
    """A token or key whose ``repr``, ``str`` and format are masked.

    ``reveal()`` is the one way to the text; search for it to find every use. Equality is constant-time. A secret can
    be pickled (prefork servers hand configuration to workers), and the pickle then holds the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return (Secret, (self._text,))
