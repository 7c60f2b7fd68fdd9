"""Every error that the SDK raises, split by whose fault it is.

::

    WaConnectorError
    ├── UsageError          the embedding code's: a wrong argument, a closed connector, a port that does not fit the face
    ├── ConfigError         the operator's: each bad value with the path to it
    ├── InboundRejected     the sender's: a webhook that cannot be trusted or read
    │   ├── SignatureInvalid
    │   └── BodyMalformed
    ├── ProviderError       the provider's: its code, whether a retry can help, and when
    │   └── UnknownProviderError
    ├── Unavailable         nobody's here: a store or directory that does not answer now; retry later
    │   ├── StorageUnavailable
    │   │   └── RowCorrupt  one stored row cannot be read; an operator must mend it, and all else goes on
    │   └── Contended       others were faster too often
    ├── RefusedError        a rule said no, and the caller asked for an exception instead of a value
    └── InternalError       ours: please report it

A refusal by a rule is a value (``Decision``), not an exception; ``RefusedError`` exists for callers who prefer one.
A storage's ``Conflict`` and ``Duplicate`` are outcomes. Every error survives pickling, ``add_note`` and a context
manager: plain classes, whose ``args`` are what the constructor takes.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wa_connector.model.decision import Decision


class WaConnectorError(Exception):
    """The root of the tree."""


class UsageError(WaConnectorError):
    """The embedding code did something that cannot work; the message says what to do instead."""


class ConfigError(WaConnectorError):
    """The configuration has mistakes.

    ``mistakes`` holds one line for each, led by the path to the value (``lines[2].account: …``).
    """

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        super().__init__(source, tuple(mistakes))
        self.source = source
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join((f"{self.source} cannot be used; correct it and start again:", *self.mistakes))


class InboundRejected(WaConnectorError):
    """A webhook that changes nothing; ``status`` is the HTTP status to answer."""

    status = 400


class SignatureInvalid(InboundRejected):
    """The signature does not belong to these bytes under any of the app's secrets. Checked before parsing."""

    status = 401


class BodyMalformed(InboundRejected):
    """Rightly signed, but not what the channel sends (broken JSON, say)."""


class ProviderError(WaConnectorError):
    """The provider refused or failed; ``body`` is its raw answer, kept out of ``repr`` and ``str``."""

    def __init__(
        self,
        code: str,
        meaning: str,
        retryable: bool = False,
        retry_after: timedelta | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(code, meaning, retryable, retry_after, body)
        self.code = code
        self.meaning = meaning
        self.retryable = retryable
        self.retry_after = retry_after
        self.body = body

    def __str__(self) -> str:
        return f"the provider answered {self.code}: {self.meaning}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.meaning!r}, retryable={self.retryable})"


class UnknownProviderError(ProviderError):
    """A code that no table of ours knows; nothing of the answer is lost."""


class Unavailable(WaConnectorError):
    """Something that the SDK depends on does not answer now; the same call may succeed later."""


class StorageUnavailable(Unavailable):
    """The storage cannot be read or written now (disk full, locked, connection lost); nothing was half-done."""


class RowCorrupt(StorageUnavailable):
    """A stored row cannot be read: it was damaged, or a newer release wrote it. A ``StorageUnavailable``, so that a webhook
    that needs it is refused, and brought again until the row is mended; what does not need it goes on.

    ``row`` says which one it is, as far as its key is no personal datum.
    """

    def __init__(self, row: str, cause: str) -> None:
        super().__init__(row, cause)
        self.row = row
        self.cause = cause

    def __str__(self) -> str:
        return (
            f"the stored {self.row} cannot be read ({self.cause}): it was damaged, or a newer release wrote it. Upgrade"
            " wa_connector if it is the older one; else take the row from a backup"
        )


class Contended(Unavailable):
    """Others changed the same rows each time a command was decided; nothing was committed."""


class RefusedError(WaConnectorError):
    """A rule refused; ``decision`` says which, why, and what would help."""

    def __init__(self, decision: "Decision") -> None:
        super().__init__(decision)
        self.decision = decision

    def __str__(self) -> str:
        return self.decision.sentence


class InternalError(WaConnectorError):
    """A promise of the SDK's own was broken. Please report it with the traceback."""
