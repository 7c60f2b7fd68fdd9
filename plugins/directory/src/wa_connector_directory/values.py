"""From TOML values to the SDK's: settings, spans of time, secrets, channel switches.

Rules of this file: as in ``reading``, nothing raises and no value is quoted back. What a setting may be is read off the
types in ``model.setting.Settings``, so that a new setting is known here as soon as it is there.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar, get_args, get_origin

import attrs

from wa_connector.errors import InternalError
from wa_connector.model.directory import ChannelSwitch, Option
from wa_connector.model.secret import Secret
from wa_connector.model.setting import Settings
from wa_connector_directory.reading import Table, kind_of, suggestion

E = TypeVar("E", bound=Enum)

LONGEST_SPAN: Final = timedelta(days=3650)
"""An instant plus a span must stay a date; ten years are far beyond any rule's parameter."""

_SHORT: Final = re.compile(r"(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
# ISO 8601 has years and months as well. They are no fixed span, and so no parameter of a rule.
_ISO: Final = re.compile(r"P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?")
_HOW: Final = 'write a span of time as "24h", "15m", "7d", "1h30m" or in ISO 8601 ("PT24H")'

# Source: WhatsApp Business Platform, message templates (names: lower case letters, digits and
# underscores, at most 512; languages: "en", "en_US"), read 2026-11.
_TEMPLATE: Final = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:_[A-Za-z]{2,4})?")


def parse_span(text: str) -> timedelta | None:
    """``24h``, ``1h30m``, ``PT15M`` …; None when it is no span, or one above ``LONGEST_SPAN``."""
    match = _SHORT.fullmatch(text) or _ISO.fullmatch(text)
    # Ten digits of anything are more than ten years' seconds, and int() need not see a million.
    if match is None or not any(match.groups()) or any(len(each or "") > 10 for each in match.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
    total = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
    return timedelta(seconds=total) if total <= LONGEST_SPAN.total_seconds() else None


def settings(table: Table) -> Mapping[str, object]:
    """The settings of one level by name, as the typed values that ``Settings`` has."""
    found: dict[str, object] = {}
    for each in attrs.fields(Settings):
        if table.has(each.name):
            value = _reader(each.name, each.type)(table, each.name)
            if value is not None:
                found[each.name] = value
        else:
            table.take(each.name)  # so that it is suggested when somebody misspells it
    table.close()
    return found


def _reader(name: str, kind: object) -> Callable[[Table, str], object]:
    """What reads a setting of this type. A setting of a type that none reads is our mistake, and a test finds it."""
    if name.endswith("_template"):
        return _template
    if name.endswith("_language"):
        return _language
    if kind is bool:
        return lambda table, key: table.flag(key, default=False)
    if kind is str:
        return _prose
    if kind is timedelta:
        return _span
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda table, key: _member(table, key, kind)
    if get_origin(kind) is tuple:
        return lambda table, key: _members(table, key, get_args(kind)[0])
    raise InternalError(f"nothing reads the setting {name} of type {kind}; teach `values._reader` to")


def _prose(table: Table, key: str) -> str | None:
    """What customers read: it may have several lines, and must say something."""
    value = table.take(key)
    if isinstance(value, str) and value.strip():
        return value
    table.wrong(key, f"needs a text, not {kind_of(value) if not isinstance(value, str) else 'an empty one'}")
    return None


def _template(table: Table, key: str) -> str | None:
    name = table.word(key)
    if not name or _TEMPLATE.fullmatch(name):
        return name or None
    table.wrong(key, "needs a template's name: lower case letters, digits and underscores")
    return None


def _language(table: Table, key: str) -> str | None:
    code = table.word(key)
    if not code or _LANGUAGE.fullmatch(code):
        return code or None
    table.wrong(key, 'needs a language code as "en" or "en_US" (with an underscore)')
    return None


def _span(table: Table, key: str) -> timedelta | None:
    value = table.take(key)
    if not isinstance(value, str):
        table.wrong(key, f"{_HOW}, not {kind_of(value)}")
        return None
    span = parse_span(value)
    if span is None:
        table.wrong(key, f"{_HOW}, at most ten years")
    return span


def _member(table: Table, key: str, kind: type[E]) -> E | None:
    return _named(table, key, table.word(key), kind)


def _members(table: Table, key: str, kind: type[E]) -> tuple[E, ...] | None:
    value = table.take(key)
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        table.wrong(key, f"needs a list of texts{suggestion('', (each.value for each in kind))}")
        return None
    if len(set(value)) < len(value):
        table.wrong(key, "names one of them twice")
        return None
    found = [_named(table, key, each, kind) for each in value]
    return tuple(each for each in found if each is not None)


def _named(table: Table, key: str, name: str, kind: type[E]) -> E | None:
    by_value = {each.value: each for each in kind}
    if name and name not in by_value:
        table.wrong(key, f"has no such value{suggestion(name, by_value)}")
    return by_value.get(name)


def switches(table: Table) -> Mapping[str, ChannelSwitch]:
    """``whatsapp = true``, or ``whatsapp = { enabled = false, may_enable = true }``, by channel."""
    found: dict[str, ChannelSwitch] = {}
    for channel in table.values:
        value = table.take(channel)
        if isinstance(value, bool):
            found[channel] = ChannelSwitch(value)
        elif isinstance(value, dict):
            found[channel] = _switch(table.table(channel))
        else:
            table.wrong(channel, f"needs true, false or a table with `enabled`, not {kind_of(value)}")
    return found


def _switch(table: Table) -> ChannelSwitch:
    if not table.has("enabled"):
        table.wrong("enabled", "is missing")
    switch = ChannelSwitch(table.flag("enabled", default=False), may_enable=table.flag("may_enable", default=False))
    table.close()
    return switch


def options(table: Table, base: Path) -> Mapping[str, Option]:
    """What a gateway needs besides, by name: texts, whole numbers, switches, and secrets as they are taken elsewhere. What
    each of them may be is known to the gateway's plugin alone."""
    found: dict[str, Option] = {}
    for key, value in table.values.items():
        if isinstance(value, bool | int):
            found[key] = value
        elif isinstance(value, str):
            found[key] = table.word(key)
        elif taken := secret(table, key, base):
            found[key] = taken
    return found


def secret(table: Table, key: str, base: Path) -> Secret | None:
    """A secret in clear, or where to take it from now: ``{ env = "NAME" }``, ``{ file = "path" }`` (relative to
    ``base``; the line end that editors leave is not part of it). None when it is not there or of no use."""
    value = table.take(key)
    if value is None:
        return None
    if isinstance(value, str):
        return _usable(value, table, key)
    if not isinstance(value, dict):
        wanted = 'a text, { env = "NAME" } or { file = "path" }'
        table.wrong(key, f"needs {wanted}, not {kind_of(value)}")
        return None
    source = table.table(key)
    variable, path = source.word("env", ""), source.word("file", "")
    source.close()
    if source.has("env") == source.has("file"):
        table.wrong(key, "needs either `env` or `file`")
    elif variable:
        return _from_environment(variable, source)
    elif path:
        return _from_file(base, path, source)
    return None


def _from_environment(variable: str, source: Table) -> Secret | None:
    text = os.environ.get(variable)
    if text is None:
        source.wrong("env", f"the environment has no variable {variable}; set it, then start again")
        return None
    return _usable(text, source, "env")


def _from_file(base: Path, path: str, source: Table) -> Secret | None:
    try:
        text = (base / path).read_text(encoding="utf-8")
    except OSError as error:
        source.wrong("file", f"{path} cannot be read: {error.strerror or type(error).__name__}")
        return None
    except UnicodeDecodeError:
        source.wrong("file", f"{path} is not a text in UTF-8")
        return None
    return _usable(text.rstrip("\r\n"), source, "file")


def _usable(text: str, table: Table, key: str) -> Secret | None:
    # What a header cannot carry would otherwise show as a transport error at the first send. Never
    # say which character: it is one of the secret's.
    if not text.strip():
        table.wrong(key, "the secret is empty")
    elif not text.isprintable() or text != text.strip():
        table.wrong(key, "the secret has spaces around it, or characters that cannot be printed")
    else:
        return Secret(text)
    return None
