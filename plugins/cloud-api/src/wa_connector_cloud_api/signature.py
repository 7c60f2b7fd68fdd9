"""The signature of a webhook: HMAC-SHA256 with the app's secret, over the raw bytes, before anything is parsed.

Rules of this file: bytes and secrets in, yes or no out.
Source: WhatsApp Cloud API, webhooks, "Validating payloads", read 2026-11.
"""

import hmac
from hashlib import sha256
from typing import Any, Final, TypeAlias, final

from wa_connector.model.secret import Secret

HEADER: Final = "X-Hub-Signature-256"

_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_BLOCK: Final = 64
_MAX_KEYS: Final = 4096

_States: TypeAlias = tuple[Any, Any]
"""The inner and the outer hash after the key; their type has no public name in Python 3.11."""


def sign(secret: Secret, body: bytes) -> str:
    """The header's value for these bytes: ``sha256=`` and 64 lower-case hex digits."""
    return f"sha256={hmac.digest(secret.reveal().encode(), body, 'sha256').hex()}"


@final
class SignatureChecker:
    """Checks signatures, and remembers the first half of the work for each secret that it has met.

    HMAC hashes the key into two states before it sees the message. Keeping the two and copying them costs about half of
    ``hmac.new``. A kept state is as good as the secret, so it lives here, with whoever owns the secrets, and in no
    module. Safe under threads: the kept states are only ever copied.
    """

    __slots__ = ("_keys", "_last")

    def __init__(self) -> None:
        self._keys: Final[dict[Secret, _States]] = {}
        # An app's secrets are the same tuple from webhook to webhook, mostly. One attribute, so that
        # another thread sees the tuple and its states together or not at all.
        self._last: tuple[tuple[Secret, ...], tuple[_States, ...]] = ((), ())

    def is_valid(self, secrets: tuple[Secret, ...], body: bytes, header: str) -> bool:
        """Whether ``header`` signs ``body`` under one of the secrets: the current one, or one that is rotating out.

        An empty secret signs nothing: anybody could.
        """
        if not header.isascii():
            return False  # and compare_digest would raise
        last, states = self._last
        if last is not secrets:
            states = tuple(self._prepared(secret) for secret in secrets if secret)
            self._last = (secrets, states)
        for inner, outer in states:  # a loop and not any(): this is done for every webhook
            message, whole = inner.copy(), outer.copy()
            message.update(body)
            whole.update(message.digest())
            if hmac.compare_digest("sha256=" + whole.hexdigest(), header):
                return True
        return False

    def _prepared(self, secret: Secret) -> _States:
        if (states := self._keys.get(secret)) is not None:
            return states
        key = secret.reveal().encode()
        if len(key) > _BLOCK:
            key = sha256(key).digest()
        block = key.ljust(_BLOCK, b"\0")
        if len(self._keys) >= _MAX_KEYS:
            self._keys.clear()  # secrets come and go for years; making a state anew costs microseconds
        states = (sha256(block.translate(_INNER)), sha256(block.translate(_OUTER)))
        return self._keys.setdefault(secret, states)
