"""Spellings of one telephone line: they propose, and rewrite nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.address import Address, AddressKind, number
from wa_connector.policy.lookalikes import address_among, equivalence_key, lookalikes
from wa_connector.testing.strategies import addresses, numbers

quick = settings(max_examples=80, deadline=None)
TO_ALL = (AddressKind.WHATSAPP_ID, *(kind for kind in AddressKind if kind is not AddressKind.PARENT_BSUID))
TO_NUMBERS = (AddressKind.NUMBER, AddressKind.SHORT_CODE)


def wa_id(digits: str) -> Address:
    return Address(AddressKind.WHATSAPP_ID, digits)


SPELLED = st.one_of(
    st.from_regex(r"[1-9][0-9]:[0-9]{8}", fullmatch=True).map(lambda each: ("55", "9", *each.split(":"))),
    st.from_regex(r":[0-9]{10}", fullmatch=True).map(lambda each: ("52", "1", *each.split(":"))),
    st.from_regex(r":[0-9]{10}", fullmatch=True).map(lambda each: ("54", "9", *each.split(":"))),
)


@quick
@given(SPELLED)
def test_both_spellings_have_one_key_and_find_each_other(parts: tuple[str, str, str, str]) -> None:
    country, digit, area, rest = parts
    dialled, known = number(f"+{country}{area}{digit}{rest}"), wa_id(f"{country}{area}{rest}")
    assert equivalence_key(dialled) == equivalence_key(known)
    assert lookalikes(known) == (dialled,)
    assert lookalikes(dialled) == (number(f"+{known.value}"),)


@quick
@given(numbers())
def test_a_key_of_a_key_is_the_key_and_a_lookalike_has_the_same(line: Address) -> None:
    key = equivalence_key(line)
    assert equivalence_key(number(f"+{key}")) == key
    assert all(equivalence_key(each) == key and each != line for each in lookalikes(line))


@pytest.mark.parametrize("digits", ["4930123456", "5511961234567890", "521551234567", "12125550100", "5501961234567"])
def test_elsewhere_a_line_has_one_spelling(digits: str) -> None:
    assert equivalence_key(wa_id(digits)) == digits
    assert lookalikes(wa_id("4930123456")) == ()


def test_what_is_no_line_is_like_nothing() -> None:
    for address in (Address(AddressKind.BSUID, "BR.1", "p"), Address(AddressKind.SHORT_CODE, "12345", "US")):
        assert equivalence_key(address) == ""
        assert lookalikes(address) == ()


@quick
@given(addresses())
def test_an_address_is_sent_to_as_it_is_or_not_at_all(address: Address) -> None:
    """No channel that knows its kind rewrites it: a WhatsApp id leaves exactly as it came."""
    expected = None if address.kind is AddressKind.PARENT_BSUID else address
    assert address_among([address], TO_ALL) == expected


@pytest.mark.parametrize(
    ("known", "reached"),
    [
        ("4930123456", "+4930123456"),
        ("12125550100", "+12125550100"),
        ("555196123456", None),
        ("5511961234567", None),
        ("5215512345678", None),
        ("525512345678", None),
        ("541112345678", None),
        ("US.1", None),
        ("123", None),
        ("1234567890123456", None),
    ],
)
def test_a_number_is_made_of_a_whatsapp_id_only_where_there_is_one_spelling(known: str, reached: str | None) -> None:
    assert address_among([wa_id(known)], TO_NUMBERS) == (number(reached) if reached else None)


def test_a_known_number_comes_before_one_that_is_made() -> None:
    known = number("+5551996123456")
    assert address_among([wa_id("555196123456"), known], TO_NUMBERS) == known
    code = Address(AddressKind.SHORT_CODE, "12345", "US")
    assert address_among([Address(AddressKind.BSUID, "BR.1", "p"), code], TO_NUMBERS) == code
