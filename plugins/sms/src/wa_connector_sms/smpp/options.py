"""What an account says about its SMPP connection.

Rules of this file: every mistake is found at once, and each is named with the path to it.
"""

from collections.abc import Mapping
from datetime import timedelta, timezone
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import field, frozen

from wa_connector.errors import ConfigError
from wa_connector.model.directory import Account
from wa_connector.model.secret import Secret
from wa_connector_sms.plainly import OPTION


class Bind(Enum):
    """Which connections an account has, and whose they are."""

    TRANSCEIVER = "transceiver"
    """One for both ways, of the process that receives; that one sends, too."""
    PAIR = "pair"
    """One to send and one to receive, both of the process that receives."""
    SEPARATE = "separate"
    """One to receive, of the process that receives; and one to send of each process that sends."""


class Ids(Enum):
    """How the gateway writes the id of a message in its answer and in the receipt."""

    SAME = "same"
    """Alike but for case and leading zeros."""
    HEX_THEN_DECIMAL = "hex_then_decimal"
    DECIMAL_THEN_HEX = "decimal_then_hex"


class Plain(Enum):
    """What data coding 0, "the gateway's own alphabet", is in what comes in."""

    GSM = "gsm"
    LATIN1 = "latin1"


@frozen
class Options:
    """The connection of one account. Spans are seconds."""

    host: str
    port: int
    is_tls: bool
    system_id: str
    password: Secret
    system_type: str = ""
    bind: Bind = Bind.TRANSCEIVER
    window: int = 10
    """How many messages may wait for their answer at once."""
    per_second: int = 0
    """How many parts may leave in a second; 0: nobody counts."""
    response_within: int = 10
    """How long an answer may take before nobody knows what became of a message."""
    enquire_every: int = 30
    """How long the line may be still before the other side is asked whether it is there."""
    ids: Ids = Ids.SAME
    plain: Plain = Plain.GSM
    zone: timezone = field(default=timezone.utc)  # noqa: UP017 - the type, of which UTC is one
    """The clock of the gateway's receipts, whose dates name none."""
    receipts: bool = True
    """Whether the gateway is asked to report on what it took."""
    wide: bool = False
    """Whether the parts of long messages carry a reference of sixteen bits."""
    parts_within: int = 24 * 3600
    """How long the parts of a long message that comes in may take, before it is shown with its gaps."""


_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "window": (1, 1000),
    "per_second": (0, 100_000),
    "response_within": (1, 60),
    "enquire_every": (1, 3600),
    "parts_within": (60, 7 * 24 * 3600),
}
_CHOICES: Final[Mapping[str, type[Enum]]] = {"bind": Bind, "ids": Ids, "plain": Plain}
_SWITCHES: Final = frozenset({"receipts", "wide"})
_TEXTS: Final[Mapping[str, int]] = {"system_id": 15, "system_type": 12}


def read_options(account: Account) -> Options:
    """The options of an account. Raises ``ConfigError`` with every mistake.

    ``base_url`` is ``smpp://HOST:PORT``, or ``smpps://`` for TLS; ``token`` is the password.
    """
    path = f"accounts[{account.id}]"
    mistakes: list[str] = []
    given: dict[str, Any] = {}
    for name, value in account.options.items():
        if name == OPTION:
            continue  # The channel's own, whatever the gateway.
        read, problem = _option(name, value)
        if problem:
            mistakes.append(f"{path}.options.{name}: {problem}")
        else:
            given[name] = read
    if "system_id" not in account.options:
        mistakes.append(f"{path}.options.system_id: the gateway's name for the account is missing")
    if len(account.token.reveal()) > 8:
        mistakes.append(f"{path}.token: SMPP passwords have at most 8 characters")
    host, port, is_tls, problem = _place(account.base_url)
    if problem:
        mistakes.append(f"{path}.base_url: {problem}")
    if mistakes:
        raise ConfigError(f"the SMPP account {account.id}", mistakes)
    return Options(host, port, is_tls, given.pop("system_id"), account.token, **given)


def _place(url: str) -> tuple[str, int, bool, str]:
    problem = "it is smpp://HOST:PORT, or smpps://HOST:PORT for TLS"
    try:
        split = urlsplit(url)
        host, port = split.hostname or "", split.port or 0
    except ValueError:
        return "", 0, False, problem
    rest = (split.path.strip("/"), split.query, split.fragment, split.username, split.password)
    if split.scheme not in ("smpp", "smpps") or not host or not port or any(rest):
        return "", 0, False, problem
    return host, port, split.scheme == "smpps", ""


def _option(name: str, value: object) -> tuple[Any, str]:
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            return None, f"a whole number from {least} to {most}"
        return value, ""
    if name in _CHOICES:
        words = [each.value for each in _CHOICES[name]]
        return (_CHOICES[name](value), "") if value in words else (None, f"one of {', '.join(words)}")
    if name in _SWITCHES:
        return (value, "") if isinstance(value, bool) else (None, "true or false")
    if name in _TEXTS:
        is_right = isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= _TEXTS[name]
        return (value, "") if is_right else (None, f"at most {_TEXTS[name]} characters of ASCII")
    if name == "zone":
        return _zone(value)
    known = sorted((*_NUMBERS, *_CHOICES, *_SWITCHES, *_TEXTS, "zone"))
    return None, f"no such option; there are {', '.join(known)}"


def _zone(value: object) -> tuple[Any, str]:
    if isinstance(value, bool) or not isinstance(value, int) or not -24 * 60 < value < 24 * 60:
        return None, "minutes east of UTC"
    return timezone(timedelta(minutes=value)), ""


def id_of_answer(written: str, ids: Ids) -> str:
    """The id by which a message is known here, as an answer writes it."""
    return _decimal(written) if ids is Ids.HEX_THEN_DECIMAL else _plain(written)


def id_of_receipt(written: str, ids: Ids) -> str:
    """… and as a receipt does."""
    return _decimal(written) if ids is Ids.DECIMAL_THEN_HEX else _plain(written)


def _plain(written: str) -> str:
    upper = written.strip().upper()
    return upper.lstrip("0") or upper[:1]


def _decimal(written: str) -> str:
    try:
        return str(int(written.strip(), 16))
    except ValueError:
        return _plain(written)
