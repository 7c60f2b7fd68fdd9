"""Who called or wrote, as telephony names him: from a text to a number, a short code, a name, or nobody.

Theory: what an exchange or a gateway hands over is rarely E.164. It is a national number, an extension, a star code, a
word for "withheld", letters, or one of these in a ``tel:`` or ``sip:`` address. A library of numbering plans makes a
number of nearly all of them, and of most a wrong one (``12345`` becomes ``+112345``, and ``911`` ``+1911``). So what is
no number is told apart *before* it is asked, and a number that does not say its country is read in the line's region or
not at all.

Rules of this file: pure, and it never raises for a text; what was given is kept as it came. "Possible" counts and not
"valid": ranges are given out faster than libraries learn of them.

Source: phonenumbers (libphonenumber); RFC 3966 (tel); 3GPP TS 23.038 (senders of letters); withheld callers as numbers:
Twilio, calls from strange numbers, read 2026-11.
"""

import re
import unicodedata
from enum import Enum
from types import ModuleType
from typing import Final, TypeAlias
from urllib.parse import unquote

from attrs import evolve, field, frozen

from wa_connector.errors import UsageError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.directory import Line


@frozen
class Numbering:
    """How a line's texts are to be read.

    ``region`` is where national numbers and short codes belong (ISO 3166: ``DE``), or '': then they are refused.
    ``extension_digits``: how many digits extensions have. ``exchange`` names what they are extensions of; without it
    they have no address. ``has_names``: whether letters may stand for a sender, as in SMS.

    Raises ``UsageError`` for a region that is not two capital letters.
    """

    region: str = ""
    extension_digits: frozenset[int] = frozenset()
    exchange: str = ""
    has_names: bool = False

    def __attrs_post_init__(self) -> None:
        if self.region and not (len(self.region) == 2 and self.region.isascii() and self.region.isupper()):
            raise UsageError('a region is two capital letters (ISO 3166), such as "DE", or empty')

    @classmethod
    def of(cls, line: Line, *, has_names: bool = False) -> "Numbering":
        """As the directory says of a line. Its account is the exchange."""
        return cls(line.region, frozenset(line.extension_digits), line.account, has_names)


class NoNumber(Enum):
    """Why a text is no number. The value is stable."""

    NO_REGION = "no_region"
    """It does not say its country, and the line has no region to read it in."""
    NO_AREA = "no_area"
    """It is a number within an area, and does not say which."""
    NO_COUNTRY = "no_country"
    """It has a country code that nobody has."""
    LENGTH = "length"
    """It is too short or too long for its country."""
    NOT_A_NUMBER = "not_a_number"


@frozen
class Dialable:
    """A telephone number in E.164, and the extension behind it."""

    raw: str = field(repr=False)
    address: Address
    extension: str = field(default="", repr=False)


@frozen
class ShortCode:
    """A service's few digits in one country."""

    raw: str = field(repr=False)
    address: Address


@frozen
class Extension:
    """Somebody within the exchange; ``address`` is None where nobody said which exchange that is."""

    raw: str = field(repr=False)
    digits: str = field(repr=False)
    address: Address | None


@frozen
class FeatureCode:
    """A star code: a command to the exchange, and nobody's number."""

    raw: str = field(repr=False)
    address: None = None


@frozen
class Named:
    """Letters in the place of a number. Not to be answered."""

    raw: str = field(repr=False)
    address: Address


@frozen
class Anonymous:
    """Whoever withheld his number, or came without any: each time somebody else, as far as one can know."""

    raw: str = field(repr=False)
    address: None = None


@frozen
class Unread:
    """What cannot be read, and why."""

    raw: str = field(repr=False)
    why: NoNumber
    address: None = None


Party: TypeAlias = Dialable | ShortCode | Extension | FeatureCode | Named | Anonymous | Unread

_WITHHELD: Final = frozenset(
    {
        *(
            "anonymous",
            "blocked",
            "id-unavailable",
            "no-caller-id",
            "no-number",
            "not-provided",
            "null",
            "number-withheld",
        ),
        *("out-of-area", "private", "private-number", "restricted", "unavailable", "unidentified", "unknown"),
        *("unknown-number", "withheld", "-1", "-2"),
        # "anonymous", "restricted", "blocked", "unknown" and "unavailable", typed on a telephone's keys.
        *("+266696687", "266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"),
    }
)
_SCHEMES: Final = frozenset({"tel", "sip", "sips", "sms", "callto"})
_IN_BRACKETS: Final = re.compile(r"[^<]*<([^<>]*)>[^<>]*")
_STAR_CODE: Final = re.compile(r"[0-9*#]*[*#][0-9*#]*")
_NAME: Final = re.compile(r"(?=.*[^\W\d_])[^\s+].{0,10}")
"""An SMS has room for eleven characters, of which one at least is a letter."""
_LONGEST: Final = 250
"""Longer is no number in any spelling, and libraries take their time over it."""


def read_party(text: str, numbering: Numbering) -> Party:
    """Who a text of telephony's names.

    Raises ``UsageError`` for a region that has no numbering plan, or where phonenumbers is not installed.
    """
    plain = _plain(text)
    if len(plain) > _LONGEST:
        return Unread(text, NoNumber.NOT_A_NUMBER)
    dialled, parameters = _addressed(plain)
    if "-".join(dialled.casefold().split()) in _WITHHELD or not dialled.strip("0 "):
        return Anonymous(text)
    if _STAR_CODE.fullmatch(dialled):
        return FeatureCode(text)
    context = "" if dialled.startswith("+") else parameters.get("phone-context", "")
    is_global = context.startswith("+")
    if context:
        # It says itself where it belongs: in a country or an area, or in somebody's own exchange.
        region = _region_of(context) if is_global else ""
        lengths = frozenset[int]() if is_global else numbering.extension_digits
        numbering = evolve(numbering, region=region, extension_digits=lengths)
    digits = re.sub(r"[\s().\-/]", "", dialled)
    if digits.isascii() and digits.isdigit():
        if len(digits) in numbering.extension_digits:
            scope = numbering.exchange
            return Extension(text, digits, Address(AddressKind.EXTENSION, digits, scope) if scope else None)
        if numbering.region and _is_short(digits, numbering.region):
            return ShortCode(text, Address(AddressKind.SHORT_CODE, digits, numbering.region))
    elif numbering.has_names and _NAME.fullmatch(dialled):
        return Named(text, Address(AddressKind.SENDER, dialled))
    read = _read_number(context + dialled, "") if is_global else _read_number(dialled, numbering.region)
    if isinstance(read, NoNumber):
        return Unread(text, read)
    address, extension = read
    return Dialable(text, address, parameters.get("ext", "") or extension)


def _plain(text: str) -> str:
    """Digits of every script as ASCII, and nothing that cannot be seen."""
    shown = (each for each in unicodedata.normalize("NFKC", text) if each.isprintable() or each.isspace())
    return " ".join("".join(str(unicodedata.decimal(each, each)) for each in shown).split())


def _addressed(text: str) -> tuple[str, dict[str, str]]:
    """What is dialled, without the address's scheme, host and name to display, and the parameters beside it."""
    match = _IN_BRACKETS.fullmatch(text)
    target = match[1] if match else text
    scheme, colon, rest = target.partition(":")
    if colon and scheme.casefold() in _SCHEMES:
        target = unquote(rest.removeprefix("//"), errors="replace")
        if scheme.casefold() in {"sip", "sips"}:
            # A user may have a password, and before the @ and behind it there may be parameters.
            target = target.partition("@")[0].partition(":")[0]
    dialled, *others = target.split(";")
    named = (each.partition("=") for each in others)
    return _plain(dialled), {name.strip().casefold(): value.strip() for name, _, value in named}


def _region_of(context: str) -> str:
    """The country of a country code; '' where it is more than that, or nobody's."""
    code = re.sub(r"[^0-9]", "", context)
    if not 1 <= len(code) <= 3:
        return ""
    region: str = _phonenumbers().region_code_for_country_code(int(code))
    return region if region.isalpha() and region != "ZZ" else ""


def _is_short(digits: str, region: str) -> bool:
    """Whether so few digits are a service's, and not a whole number of a small country's."""
    if not 3 <= len(digits) <= 6:
        return False
    phonenumbers = _phonenumbers()
    _known(phonenumbers, region)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata.national_prefix and digits.startswith(metadata.national_prefix) and digits[0] == "0":
        return False
    return metadata.national_prefix is not None or not phonenumbers.is_valid_number(phonenumbers.parse(digits, region))


def _read_number(dialled: str, region: str) -> tuple[Address, str] | NoNumber:
    phonenumbers = _phonenumbers()
    if region:
        _known(phonenumbers, region)
    wrong = phonenumbers.NumberParseException
    try:
        parsed = phonenumbers.parse(dialled, region or None)
    except wrong as error:
        if error.error_type != wrong.INVALID_COUNTRY_CODE:
            return NoNumber.NOT_A_NUMBER
        return NoNumber.NO_COUNTRY if dialled.startswith("+") or region else NoNumber.NO_REGION
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    if possible == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        return NoNumber.NO_AREA
    try:
        address = number(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    except UsageError:
        return NoNumber.LENGTH
    return (
        (address, parsed.extension or "") if possible == phonenumbers.ValidationResult.IS_POSSIBLE else NoNumber.LENGTH
    )


def _known(phonenumbers: ModuleType, region: str) -> None:
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise UsageError(f"no numbering plan of a region {region!r} is known; use ISO 3166 letters")


def _phonenumbers() -> ModuleType:
    """The library, when the first text is read: it costs a host nothing that needs no numbers."""
    try:
        import phonenumbers
    except ImportError:
        raise UsageError(
            "to read telephone numbers, install phonenumbers: pip install 'wa-connector[numbers]'"
        ) from None
    module: ModuleType = phonenumbers
    return module
