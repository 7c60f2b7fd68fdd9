"""What telephony hands over, read: numbers, and all that is none."""

import sys
import unicodedata

import attrs
import phonenumbers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wa_connector.errors import UsageError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.directory import Line
from wa_connector.model.ids import AccountId, LineId, TenantId
from wa_connector.policy.numbers import (
    Anonymous,
    Dialable,
    Extension,
    FeatureCode,
    Named,
    NoNumber,
    Numbering,
    ShortCode,
    Unread,
    read_party,
)

quick = settings(max_examples=60, deadline=None)

NOWHERE = Numbering()
REGIONS = ("DE", "US", "GB", "BR", "IT", "NO", "SH", "FR")
NUMBERINGS = st.builds(
    Numbering,
    st.sampled_from(("", *REGIONS)),
    st.frozensets(st.integers(2, 5), max_size=2),
    st.sampled_from(("", "pbx")),
    st.booleans(),
)


@pytest.mark.parametrize(
    ("text", "region", "read"),
    [
        ("+447911123456", "", "+447911123456"),
        ("+447700900123", "GB", "+447700900123"),  # possible, and given to nobody
        ("+4407700900123", "", "+447700900123"),
        ("+44 (0)7700 900123", "", "+447700900123"),
        ("00447700900123", "GB", "+447700900123"),
        ("011 44 7700 900123", "US", "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("+390669812345", "", "+390669812345"),  # Italy keeps its zero
        ("+2250102030405", "", "+2250102030405"),
        ("+5551996123456", "", "+5551996123456"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("+١٤١٥٥٥٥٢٦٧١", "", "+14155552671"),
        ("４４７７００９００１２３", "GB", "+447700900123"),
        ("tel:+44-7700-900123", "", "+447700900123"),
        ("tel:03-331-6005;phone-context=+64", "", "+6433316005"),
        ("tel:5552671;phone-context=+1-415", "", "+14155552671"),
        ("sip:+14155552671@gateway.example;user=phone", "", "+14155552671"),
        ("sips:+14155552671;npdi:secret@gateway.example", "", "+14155552671"),
        ('"Ann" <sip:%2B14155552671@10.0.0.1:5060>;tag=1', "", "+14155552671"),
        ("\u202a+1 415 555 2671\u202c", "", "+14155552671"),
        ("22345", "SH", "+29022345"),  # the whole of a number on Saint Helena
        ("02800", "NO", "+4702800"),
    ],
)
def test_numbers(text: str, region: str, read: str) -> None:
    assert read_party(text, Numbering(region)) == Dialable(text, number(read))


def test_an_extension_behind_a_number_is_kept_apart() -> None:
    for text in ("+1 415 555 2671 x55", "tel:+1-415-555-2671;ext=55", "+14155552671;ext=55"):
        assert read_party(text, NOWHERE) == Dialable(text, number("+14155552671"), "55")


@pytest.mark.parametrize(
    ("text", "region"),
    [("12345", "US"), ("911", "US"), ("100", "FR"), ("60006", "GB"), ("26112", "NO"), ("110", "DE"), ("12345", "DE")],
)
def test_short_codes_belong_to_their_country(text: str, region: str) -> None:
    assert read_party(text, Numbering(region)) == ShortCode(text, Address(AddressKind.SHORT_CODE, text, region))


def test_a_short_code_may_say_its_country_itself() -> None:
    text = "tel:911;phone-context=+1"
    assert read_party(text, Numbering("DE", frozenset({3}))) == ShortCode(
        text, Address(AddressKind.SHORT_CODE, "911", "US")
    )


def test_extensions_come_before_everything_that_has_digits() -> None:
    pbx = Numbering("US", frozenset({3, 4}), "pbx")
    assert read_party("101", pbx) == Extension("101", "101", Address(AddressKind.EXTENSION, "101", "pbx"))
    assert isinstance(read_party("sip:4711@10.0.0.1", pbx), Extension)
    assert isinstance(read_party("tel:101;phone-context=pbx.example", pbx), Extension)
    assert read_party("101", Numbering(extension_digits=frozenset({3}))) == Extension("101", "101", None)


@pytest.mark.parametrize("text", ["*97", "*98#", "#31#", "sip:*97@pbx", "**1*2"])
def test_star_codes_are_nobodys_number(text: str) -> None:
    assert read_party(text, Numbering("US")) == FeatureCode(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "anonymous",
        "Anonymous",
        "UNKNOWN",
        "Number  Withheld",
        "restricted",
        "-1",
        "+266696687",
        "000000",
        "<unknown>",
        "sip:anonymous@anonymous.invalid",
        '"Anonymous" <sip:anonymous@anonymous.invalid>',
        "tel:anonymous",
    ],
)
def test_withheld_callers_are_nobody(text: str) -> None:
    assert read_party(text, Numbering("US", has_names=True)) == Anonymous(text)


def test_letters_are_a_sender_where_they_may_be() -> None:
    assert read_party("My Bank 24", Numbering(has_names=True)) == Named(
        "My Bank 24", Address(AddressKind.SENDER, "My Bank 24")
    )
    assert Address(AddressKind.SENDER, "ACME").lookup == Address(AddressKind.SENDER, "Acme").lookup
    assert read_party("Acme", Numbering("US")) == Unread("Acme", NoNumber.NOT_A_NUMBER)


@pytest.mark.parametrize(
    ("text", "region", "why"),
    [
        ("07700900123", "", NoNumber.NO_REGION),
        ("12345", "", NoNumber.NO_REGION),
        ("00447700900123", "", NoNumber.NO_REGION),
        ("5552671", "US", NoNumber.NO_AREA),
        ("+999123456789", "", NoNumber.NO_COUNTRY),
        ("+22502030405", "", NoNumber.LENGTH),
        ("+5215512345678", "", NoNumber.LENGTH),
        ("+49123456789012345", "", NoNumber.LENGTH),
        ("+49", "", NoNumber.NOT_A_NUMBER),
        ("+290 22", "", NoNumber.LENGTH),
        ("alice", "DE", NoNumber.NOT_A_NUMBER),
        ("sip:pbx.example", "DE", NoNumber.NOT_A_NUMBER),
        ("1" * 300, "DE", NoNumber.NOT_A_NUMBER),
        ("tel:07700900123;phone-context=example.com", "GB", NoNumber.NO_REGION),
        ("tel:331;phone-context=+999", "GB", NoNumber.NO_COUNTRY),
        ("tel:331;phone-context=+800", "GB", NoNumber.LENGTH),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_guessed(text: str, region: str, why: NoNumber) -> None:
    assert read_party(text, Numbering(region)) == Unread(text, why)


@quick
@given(st.text(max_size=40) | st.from_regex(r"[+*#0-9a-z:;@=<>. -]{0,30}", fullmatch=True), NUMBERINGS)
def test_no_text_raises_and_every_text_is_kept(text: str, numbering: Numbering) -> None:
    assert read_party(text, numbering).raw == text


@st.composite
def _possible(draw: st.DrawFn) -> str:
    region = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    digits = str(example.national_number)
    example.national_number = int(digits[:-3] + draw(st.from_regex(r"[0-9]{3}", fullmatch=True)))
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


@quick
@given(
    _possible(), NUMBERINGS, st.sampled_from(("", " ", "-", ".", "/")), st.sampled_from(("{}", "tel:{}", "<sip:{}@a>"))
)
def test_a_whole_number_is_the_same_on_every_line_and_in_every_spelling(
    value: str, numbering: Numbering, between: str, around: str
) -> None:
    spelled = around.format("+" + between.join(value[1:]))
    read = read_party(spelled, numbering)
    assert read == Dialable(spelled, number(value))
    assert read_party(value, NOWHERE).address == read.address


@quick
@given(_possible())
def test_a_national_number_is_its_regions_and_nobodys_without_one(value: str) -> None:
    parsed = phonenumbers.parse(value)
    assert parsed.country_code
    region = phonenumbers.region_code_for_country_code(parsed.country_code)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert read_party(national, Numbering(region)).address == number(value)
    assert isinstance(read_party(national, NOWHERE), Unread)


@quick
@given(st.from_regex(r"[0-9]{3,6}", fullmatch=True), st.sampled_from(("DE", "US", "GB", "FR")))
def test_few_digits_never_become_a_number(text: str, region: str) -> None:
    assume(text.strip("0"))
    read = read_party(text, Numbering(region))
    assert not isinstance(read, Dialable) or text.startswith("0")
    other = "".join(unicodedata.lookup(f"FULLWIDTH DIGIT {name}") for name in _names(text))
    assert read_party(other, Numbering(region)).address == read.address


def _names(text: str) -> list[str]:
    return [unicodedata.name(each).removeprefix("DIGIT ") for each in text]


def test_a_region_is_two_capital_letters_of_a_country() -> None:
    with pytest.raises(UsageError, match="two capital letters"):
        Numbering("de")
    for text in ("12345", "030123456"):
        with pytest.raises(UsageError, match="no numbering plan of a region 'QQ'"):
            read_party(text, Numbering("QQ"))


def test_a_line_says_how_its_texts_are_read() -> None:
    line = Line(TenantId("t"), LineId("l"), AccountId("a"), "sms", "+4930", "r", region="DE", extension_digits=(3,))
    assert Numbering.of(line, has_names=True) == Numbering("DE", frozenset({3}), "a", has_names=True)


def test_without_the_library_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(UsageError, match="wa-connector\\[numbers\\]"):
        read_party("+4930123456", NOWHERE)
    assert read_party("*97", NOWHERE) == FeatureCode("*97")


@pytest.mark.parametrize(
    "kind",
    [Dialable, ShortCode, Extension, FeatureCode, Named, Anonymous, Unread],
    ids=lambda kind: kind.__name__,
)
def test_what_was_read_keeps_what_was_said_out_of_its_representation(kind: type) -> None:
    """Numbers stay out of logs, whatever they turn out to be."""
    secret = "4917012345678"
    values = {name: secret if name in ("raw", "digits", "extension") else None for name in attrs.fields_dict(kind)}
    shown = repr(kind(**values))
    assert secret not in shown
    assert kind.__name__ in shown


def test_names_are_letters_only_where_a_line_has_them() -> None:
    line = Line(TenantId("t"), LineId("l"), AccountId("a"), "sms", "+4930123456", "ref", None)
    assert not Numbering.of(line).has_names
    assert Numbering.of(line, has_names=True).has_names


def test_few_digits_behind_a_prefix_are_no_service() -> None:
    """Whoever dials the prefix goes on to a number of the country, and this one is too short."""
    assert isinstance(read_party("115", Numbering("DE")), ShortCode)
    assert not isinstance(read_party("0115", Numbering("DE")), ShortCode)
