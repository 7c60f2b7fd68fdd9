"""Single values of the wire, read tolerantly: what is not usable comes back as '' (or None), never as an exception.

Rules of this file: one value in, one out; no JSON objects, no WhatsApp nouns.
Source: WhatsApp Cloud API, webhook reference, read 2026-11 (ids are numeric strings, in some webhooks integers;
SHA-256 in base64 in live messages, in hex in history).
"""

import binascii
import re
from datetime import UTC, datetime
from typing import Final

from wa_connector.model.instants import EARLIEST, LATEST

_EARLIEST: Final = int(EARLIEST.timestamp())
_LATEST: Final = int(LATEST.timestamp())
_from_timestamp: Final = datetime.fromtimestamp


def text(value: object) -> str:
    """A text, or ''. A NUL in it becomes U+FFFD: JSON can spell it, and PostgreSQL refuses to keep it."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "\ufffd") if "\0" in value else value


def reference(value: object) -> str:
    """An opaque id: 1 to 256 visible ASCII characters. An integer is spelled out."""
    if isinstance(value, str):
        if value.isprintable() and value.isascii() and 0 < len(value) <= 256 and " " not in value:
            return value
        return ""
    # A bool is an int to Python, and no id to anybody. The bound keeps str() off absurd integers.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return str(value)
    return ""


def digits(value: object) -> str:
    """A WhatsApp id: 5 to 20 digits without their '+'."""
    if not isinstance(value, str):
        value = reference(value)
    value = value.removeprefix("+")
    return value if value.isdigit() and value.isascii() and 5 <= len(value) <= 20 else ""


def instant(value: object) -> datetime | None:
    """Unix seconds, as a text or an integer, within the years that can be meant."""
    if isinstance(value, str):
        if not (value.isdigit() and value.isascii() and len(value) <= 12):
            return None
        value = int(value)
    elif not isinstance(value, int) or isinstance(value, bool):
        return None
    return _from_timestamp(value, UTC) if _EARLIEST <= value < _LATEST else None


def degrees(value: object, most: int) -> float | None:
    """Degrees of a place, as a number or a text, up to ``most`` on either side of zero."""
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= 32 else None
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    # What compares with nothing (NaN) is in no range; an integer may be larger than any float.
    return float(value) if -most <= value <= most else None


def whole(value: object) -> int:
    """A count, as a number or a text; 0 for what is none."""
    spelled = reference(value)
    return int(spelled) if spelled.isdigit() and len(spelled) < 10 else 0


_WORD: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)


def word(value: object) -> str:
    """An identifier of the provider's, fit for a log line; '…' for whatever else somebody put there."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else "…"


def sha256(value: object) -> str:
    """A SHA-256 in hex or base64 (of either alphabet, padded or not) as lower-case hex, or ''."""
    if not isinstance(value, str) or not value.isascii():
        return ""
    try:
        if len(value) == 64:
            raw = binascii.a2b_hex(value)
        elif len(value) in (43, 44):
            # One '=' too many is no trouble to a2b_base64; one too few is.
            if "-" in value or "_" in value:
                value = value.replace("-", "+").replace("_", "/")
            raw = binascii.a2b_base64(value + "=")
        else:
            return ""
    except ValueError:
        return ""
    return raw.hex() if len(raw) == 32 else ""


_LONG: Final = re.compile(r"[A-Za-z0-9_\-|.=+/]{24,}|\+?\d(?:[ ().\-]{0,2}\d){6,}", re.ASCII)


def harmless(value: str) -> str:
    """A sentence of the provider's without what must not reach a log: telephone numbers, ids and tokens.

    The provider quotes them: code 190 comes as "Malformed access token EAA…".
    """
    return _LONG.sub("…", value)[:500]
