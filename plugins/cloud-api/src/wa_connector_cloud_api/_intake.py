"""Bytes that come in over the network, under watch: how many, for how long, and whether they are the ones announced.

Rules of this file: no I/O; whoever reads hands over each chunk. One object watches one body.
"""

import time
from collections.abc import Collection
from hashlib import sha256
from typing import Final, final


class Spoilt(Exception):
    """The body cannot be used; the text says why."""

    def __init__(self, problem: str, is_final: bool) -> None:
        super().__init__(problem, is_final)
        self.problem = problem
        self.is_final = is_final


@final
class Intake:
    """Counts and hashes a body. ``announced`` are the SHA-256 that it may have, in hex; none means any.

    A read that times out bounds the wait for the next byte; only the deadline here bounds a peer that sends one byte
    just in time for ever.
    """

    def __init__(self, max_bytes: int, seconds: float, announced: Collection[str] = ()) -> None:
        self._left = max_bytes
        self._deadline: Final = time.monotonic() + seconds
        self._announced: Final = frozenset(announced) - {""}
        self._hash: Final = sha256()

    def take(self, chunk: bytes) -> None:
        """Raises ``Spoilt`` when the body is too long, or takes too long."""
        self._left -= len(chunk)
        if self._left < 0:
            raise Spoilt("the body is larger than allowed", is_final=True)
        if time.monotonic() > self._deadline:
            raise Spoilt("the body did not come to its end in time", is_final=False)
        if self._announced:
            self._hash.update(chunk)

    def finish(self) -> None:
        """Raises ``Spoilt`` when these are not the announced bytes."""
        if self._announced and self._hash.hexdigest() not in self._announced:
            raise Spoilt("the bytes are not the ones that the provider announced", is_final=False)
