"""Payloads as JSON text: written by the core, stored by plugins that never look inside.

Instants are whole microseconds, spans too, enums their values, unions carry the class's name under ``_type``. cattrs
is imported when the first payload is coded, and a class's hooks are made when it is first met.

A payload written by an older version is read as it is when attributes were added (they have defaults); one that needs
more gets an upgrade here, by kind and version, before it is structured.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from attrs import has

from wa_connector.errors import RowCorrupt
from wa_connector.model.content import Buttons, CallButton, Content, Header, Image, LinkButton, Text, Video
from wa_connector.model.event import Happening
from wa_connector.model.instants import from_microseconds, to_microseconds
from wa_connector.model.message import Author
from wa_connector.ports.rows import KINDS, Key

if TYPE_CHECKING:
    from cattrs import Converter

_MICROSECOND = timedelta(microseconds=1)


def encode(value: object, payload: Any) -> str:
    """``value`` as JSON text; ``payload`` is the kind's payload type."""
    return _dump(_converter().unstructure(value, unstructure_as=payload))


def decode(text: str, payload: Any) -> Any:
    """The inverse of :func:`encode`. Raises whatever the converter does for text that it did not write."""
    value = json.loads(text)
    if has(payload) and not isinstance(value, dict):
        # A class whose every field has a default would be made of nothing: a damaged consent would read as "never asked".
        raise ValueError(f"a stored {payload.__name__} is not an object")
    return _structurer(payload)(value, payload)


_SHOWN = frozenset({"consent", "conversation", "customer", "epoch", "evidence", "gate", "message", "outbox", "pair"})
"""Kinds whose keys are ids of our own; others hold numbers and provider's ids."""


def decode_row(key: Key, text: str) -> Any:
    """The payload of a row. Raises ``RowCorrupt`` for text that this release cannot read; what it says is not repeated,
    since it may hold anything."""
    try:
        return decode(text, KINDS[key.kind].payload)
    except Exception as error:  # noqa: BLE001 - whatever the converter raises
        row = f"{key.kind} row {key.parts!r}" if key.kind in _SHOWN else f"{key.kind} row of tenant {key.parts[0]!r}"
        raise RowCorrupt(row, type(error).__name__) from None


def encode_happening(happening: Happening) -> str:
    return encode(happening, Happening)


def decode_happening(text: str) -> Happening:
    return cast(Happening, decode(text, Happening))


# ASCII, with escapes: half a character (a lone surrogate, which JSON from outside may hold) passes through unharmed.
_dump = json.JSONEncoder(separators=(",", ":")).encode


@cache
def _structurer(payload: Any) -> Callable[[Any, Any], Any]:
    return _converter().get_structure_hook(payload)


@cache
def _converter() -> "Converter":
    from cattrs import Converter
    from cattrs.strategies import configure_tagged_union

    converter = Converter(detailed_validation=False, omit_if_default=True)
    converter.register_unstructure_hook(datetime, to_microseconds)
    converter.register_structure_hook(datetime, lambda count, _: from_microseconds(count))
    converter.register_unstructure_hook(timedelta, lambda span: span // _MICROSECOND)
    converter.register_structure_hook(timedelta, lambda count, _: timedelta(microseconds=count))
    configure_tagged_union(Header, converter)
    # To cattrs a union with None is another union, and not an optional one.
    optional = Header | None
    written, read = converter.get_unstructure_hook(Header), converter.get_structure_hook(Header)
    converter.register_unstructure_hook_func(lambda type_: type_ == optional, lambda each: each and written(each))
    converter.register_structure_hook_func(lambda type_: type_ == optional, lambda each, _: each and read(each, Header))
    # What is part of another comes before it: its hooks are made of theirs.
    for union in (Image | Video, Text | Buttons | LinkButton | CallButton, Content, Author, Happening):
        configure_tagged_union(union, converter)
    return converter
