"""Minting of ids in the shapes that Meta's have.

Rules of this file: an id looks like the vendor's and means nothing. Programs under test must not
parse them, so the emulator never parses them either.
"""

from base64 import b64encode
from random import Random, SystemRandom
from typing import final

_LONGEST_RECIPIENT_IN_WAMID = 60  # keeps the wamid within Meta's 128 characters


@final
class Mint:
    """Makes ids. With a `seed` the sequence repeats; without one, ids never meet again.

    Unseeded is the default because a program under test may keep its own store over several runs
    of the emulator, and would rightly take a repeated wamid for a duplicate.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random: Random = SystemRandom() if seed is None else Random(seed)  # noqa: S311 - ids of a test double guard nothing
        self._last_object = self._random.randrange(10**14, 9 * 10**14)

    def object_id(self) -> str:
        """A numeric string, greater than every one before: list cursors rely on the order."""
        self._last_object += 1
        return str(self._last_object)

    def wamid(self, recipient: str) -> str:
        """A message id which, like Meta's, carries the recipient in base64."""
        who = recipient.encode()[:_LONGEST_RECIPIENT_IN_WAMID]
        raw = b"\x1d\x18" + bytes([len(who)]) + who + self._random.randbytes(16)
        return "wamid." + b64encode(raw).decode()

    def wacid(self, recipient: str) -> str:
        """The id of a call, of the same making as a wamid."""
        return "wacid." + self.wamid(recipient).removeprefix("wamid.")

    def bsuid(self, country: str) -> str:
        """A business-scoped user id such as `US.13491208655302741918`."""
        return f"{country}.{self._random.randrange(10**19, 10**20)}"

    def phone(self) -> str:
        """A telephone number that nobody has."""
        return f"1999{self._random.randrange(10**7, 10**8)}"

    def trace(self) -> str:
        """An `fbtrace_id`."""
        return "A" + b64encode(self._random.randbytes(15), b"-_").decode()

    def nonce(self) -> str:
        """A short unguessable word: handshake challenges and media tickets."""
        return self._random.randbytes(16).hex()
