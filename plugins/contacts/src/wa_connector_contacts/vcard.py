"""Reading vCards of the versions 2.1, 3.0 and 4.0, as address books really write them.

Rules of this file: pure; it takes a file's bytes and gives cards, and never raises: what cannot be read in a card is
left out, and what is left out is said. It reads what a contact needs - names, numbers, id, language - and skips the
rest by not looking at it.

Why not a library: vobject, the one that is widely used, was tried. It takes the same cards (the tests hold the two
against each other), but its import adds a handler to the host's logging, it logs every line that it cannot read -
which is somebody's name or number - and it takes ten times as long. The part of the format that is needed here is the
page below.
"""

import quopri
import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import field, frozen

# group.NAME;PARAM=value;PARAM="quoted: value":value
_LINE: Final = re.compile(r'(?:[\w-]+\.)?([\w-]+)((?:;(?:[^":;]|"[^"]*")*)*):(.*)', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([\\,;:nN])")
_FIELD_END: Final = re.compile(r"(\\.)|;", re.DOTALL)
_WANTED: Final = frozenset({"FN", "N", "ORG", "NICKNAME", "TEL", "UID", "LANG", "AGENT", "X-WA-USER-ID"})


@frozen
class Card:
    """One card. ``whole`` is false for one that has no end: its file was cut off, or is broken there."""

    names: dict[str, str] = field(factory=dict, repr=False)
    numbers: tuple[str, ...] = field(default=(), repr=False)
    user_ids: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Of X-WA-USER-ID: the portfolio, and the user id that a person has in it."""
    uid: str = field(default="", repr=False)
    locale: str = ""
    whole: bool = True

    @property
    def name(self) -> str:
        """As the address book shows it: FN, which 2.1 may leave out, or made of what there is."""
        return next((self.names[key] for key in ("FN", "N", "NICKNAME", "ORG") if self.names.get(key)), "")


@frozen
class _Property:
    name: str
    parameters: str
    value: str


def cards(content: bytes) -> Iterator[Card]:
    """The cards of a file, in its order."""
    found: list[_Property] | None = None
    depth = 0
    for each in _properties(_lines(_decoded(content))):
        match each.name, each.value.strip().upper():
            case "BEGIN", "VCARD":
                # 2.1 nests a card after AGENT. Anywhere else a new one means that an END is missing.
                if found and (depth or found[-1].name == "AGENT"):
                    depth += 1
                    continue
                if found is not None:
                    yield _card(found, whole=False)
                found = []
            case "END", "VCARD" if depth:
                depth -= 1
            case "END", "VCARD":
                if found is not None:
                    yield _card(found, whole=True)
                found = None
            case _:
                if found is not None and not depth and each.name in _WANTED:
                    found.append(each)
    if found is not None:
        yield _card(found, whole=False)


def _decoded(content: bytes) -> str:
    """As text; bytes that are not UTF-8 are carried along as surrogates until ``_value`` knows their charset."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _lines(text: str) -> Iterator[str]:
    """The unfolded lines: one that begins with a blank continues the one before. Not ``str.splitlines``, which would
    break lines at characters that a name may contain."""
    parts: list[str] = []
    soft = False
    for line in re.split(r"\r\n|\n|\r", text):
        if soft or (line[:1] in {" ", "\t"} and parts):
            # A quoted-printable line that ends in "=" goes on in the next, whatever that begins with.
            parts.append(line if soft else line[1:])
        else:
            if parts:
                yield "".join(parts)
            parts = [line]
        soft = line.endswith("=") and _is_quoted_printable(parts[0])
        if soft:
            parts[-1] = parts[-1][:-1]
    yield "".join(parts)


def _is_quoted_printable(line: str) -> bool:
    return "QUOTED-PRINTABLE" in line.partition(":")[0].upper()


def _properties(lines: Iterator[str]) -> Iterator[_Property]:
    for line in lines:
        match = _LINE.fullmatch(line.lstrip())
        if match is not None:
            name, parameters, value = match.groups()
            yield _Property(name.upper(), parameters, value)


def _value(of: _Property) -> str:
    """The value as text, its encoding undone but not yet its escapes."""
    charset = re.search(r"CHARSET=\"?([\w-]+)", of.parameters, re.IGNORECASE)
    raw = of.value.encode("utf-8", "surrogateescape")
    if "QUOTED-PRINTABLE" in of.parameters.upper():
        raw = quopri.decodestring(raw)
    # UTF-8 first, whatever is declared: that other bytes happen to be valid UTF-8 is next to impossible,
    # and a wrong declaration is common.
    for encoding in ("utf-8", charset.group(1) if charset else "cp1252"):
        try:
            return raw.decode(encoding)
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def _plain(value: str) -> str:
    unescaped = _ESCAPED.sub(lambda m: " " if m.group(1) in "nN" else m.group(1), value)
    return " ".join(unescaped.split())


def _fields(value: str) -> list[str]:
    """What lies between semicolons; not at one that a backslash escapes, itself unescaped."""
    return [_plain(each) for each in _FIELD_END.sub(lambda m: m.group(1) or "\0", value).split("\0")]


def _card(properties: Sequence[_Property], *, whole: bool) -> Card:
    names: dict[str, str] = {}
    numbers: list[str] = []
    user_ids: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for each in properties:
        value = _value(each)
        if each.name == "TEL":
            numbers.append(_plain(value))
        elif each.name == "X-WA-USER-ID":
            portfolio, user_id, *_ = [*_fields(value), ""]
            user_ids.append((portfolio, user_id))
        elif each.name == "N":
            names.setdefault("N", _spoken(value))
        elif each.name == "ORG":
            names.setdefault("ORG", ", ".join(filter(None, _fields(value))))
        elif each.name in {"FN", "NICKNAME"}:
            names.setdefault(each.name, _plain(value))
        else:
            first.setdefault(each.name, _plain(value))
    return Card(
        names,
        numbers=tuple(dict.fromkeys(filter(None, numbers))),
        user_ids=tuple(dict.fromkeys(user_ids)),
        uid=first.get("UID", ""),
        locale=first.get("LANG", ""),
        whole=whole,
    )


def _spoken(structured: str) -> str:
    """Family; given; additional; prefix; suffix → prefix given additional family suffix."""
    family, given, more, prefix, suffix, *_ = [*_fields(structured), *[""] * 5]
    return " ".join(filter(None, (prefix, given, more, family, suffix)))
