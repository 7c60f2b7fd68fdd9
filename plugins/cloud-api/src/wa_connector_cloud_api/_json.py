"""JSON in and out: orjson where it is installed (extra ``fast``), else the standard library, with one behaviour.

Rules of this file: bytes or text here, plain dicts and lists there; nothing about WhatsApp.

Half a surrogate pair, which a text cut in the middle of an emoji ends in, becomes U+FFFD. orjson refuses it, and the
standard library lets it through to the first thing that writes UTF-8. Refusing the body would refuse up to a thousand
neighbours with it, seven days long.
"""

import json
import re
from collections.abc import Callable
from typing import Final


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _whole(digits: str) -> object:
    """An integer; one of more digits than Python makes a number of (4300) stays the text that it is."""
    try:
        return int(digits)
    except ValueError:
        return digits


# orjson refuses NaN and Infinity; the standard library must be told to.
_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_int=_whole)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_READABLE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _plain_loads(body: bytes) -> object:
    if _HALF_PAIR_HINT.search(body):
        body = _mend(body)
    return _DECODER.decode(body.decode())


def _plain_dumps(value: object) -> bytes:
    # ASCII only: half a surrogate pair in a text of the host's goes out escaped, and the provider
    # may judge it, instead of breaking here.
    return _ENCODER.encode(value).encode()


def _choose() -> tuple[Callable[[bytes], object], Callable[[object], bytes]]:
    try:
        import orjson
    except ImportError:
        return _plain_loads, _plain_dumps
    return orjson.loads, orjson.dumps


# Every escape is matched, so that the second backslash of `\\` never passes for the first of `\u…`.
# A whole pair is matched before its halves.
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|.)",
    re.DOTALL,
)
_HALF_PAIR_HINT: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def _mend(body: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found["half"] else found[0], body)


_loads, _dumps = _choose()


def decode(body: bytes) -> object:
    """The value of a JSON text. Raises ``ValueError`` for everything else, nesting that is too deep among it."""
    try:
        try:
            return _loads(body)
        except ValueError:
            # The standard library has the last word: it takes half pairs, mended, and integers that
            # no float holds. Twice the work, but for bodies that do not come twice a day.
            return _plain_loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def encode(value: object) -> bytes:
    """Compact JSON for a request body."""
    try:
        return _dumps(value)
    except TypeError:  # orjson refuses half a surrogate pair in a text
        return _plain_dumps(value)


def readable(value: object) -> str:
    """JSON text of something decoded, for a person to inspect; never raises."""
    try:
        return _dumps(value).decode()
    except (TypeError, ValueError, RecursionError):
        pass  # orjson reads a nesting of 1024 and writes one of 254
    try:
        return _READABLE.encode(value)
    except (ValueError, RecursionError):
        return '"nested too deeply to be written down"'
