"""Addresses: what is one, what finds it, and who has it."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.errors import UsageError
from wa_connector.model.address import Address, AddressFact, AddressKind, AddressRecord, number
from wa_connector.model.customer import Customer
from wa_connector.model.ids import CustomerId
from wa_connector.testing.strategies import NOW, addresses, numbers

quick = settings(max_examples=40, deadline=None)


@quick
@given(numbers())
def test_a_number_and_the_whatsapp_id_of_its_digits_are_found_by_one_key(address: Address) -> None:
    assert address.lookup == Address(AddressKind.WHATSAPP_ID, address.value[1:]).lookup


@quick
@given(addresses(), addresses())
def test_two_addresses_share_a_key_exactly_if_they_are_one_line_or_one_id_of_one_portfolio(
    one: Address, other: Address
) -> None:
    def is_line(address: Address) -> bool:
        return address.kind in (AddressKind.NUMBER, AddressKind.WHATSAPP_ID)

    def is_name(address: Address) -> bool:
        return address.kind is AddressKind.SENDER

    same_name = is_name(one) and is_name(other) and one.value.casefold() == other.value.casefold()
    same_line = is_line(one) and is_line(other) and one.value.lstrip("+") == other.value.lstrip("+")
    assert (same_line or same_name or one == other) == (one.lookup == other.lookup)


@quick
@given(addresses())
def test_a_repr_does_not_tell_whose_address_it_is(address: Address) -> None:
    assert address.value not in repr(address)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "+",
        "49301234",
        "+1234",
        "+1234567890123456",
        "+49 30 1234",
        "++4930123",
        "+4930a123",
        "+٤٩٣٠١٢٣٤٥",
        "0049301234",
    ],
)
def test_what_is_not_e164_is_no_number(value: str) -> None:
    """Without its ``+`` the provider would read the number as one of the business's own country."""
    with pytest.raises(UsageError, match="parse what people type before"):
        number(value)


@pytest.mark.parametrize("value", ["+12345", "+123456789012345"])
def test_a_number_has_5_to_15_digits(value: str) -> None:
    assert Address(AddressKind.NUMBER, value) == number(value)


@pytest.mark.parametrize("value", ["", "with space", "line\nbreak", "nul\0", "non\u00a0breaking", "\ud800", "x" * 257])
def test_an_address_is_printable_without_spaces(value: str) -> None:
    with pytest.raises(UsageError, match="1 to 256 printable characters"):
        Address(AddressKind.WHATSAPP_ID, value)


@pytest.mark.parametrize("value", ["x", "x" * 256])
def test_an_address_has_1_to_256_characters(value: str) -> None:
    assert value == Address(AddressKind.WHATSAPP_ID, value).value


def test_a_senders_name_may_have_spaces_within() -> None:
    assert Address(AddressKind.SENDER, "My Bank").value == "My Bank"
    with pytest.raises(UsageError, match="1 to 256 printable characters"):
        Address(AddressKind.SENDER, "  ")


@pytest.mark.parametrize("kind", [AddressKind.SHORT_CODE, AddressKind.EXTENSION])
def test_few_digits_mean_nothing_without_their_country_or_exchange(kind: AddressKind) -> None:
    with pytest.raises(UsageError, match="needs portfolio"):
        Address(kind, "101")
    assert Address(kind, "101", "one").lookup != Address(kind, "101", "another").lookup


@pytest.mark.parametrize("kind", [AddressKind.BSUID, AddressKind.PARENT_BSUID])
def test_a_bsuid_means_nothing_without_its_portfolio(kind: AddressKind) -> None:
    with pytest.raises(UsageError, match="needs portfolio"):
        Address(kind, "DE.1")
    assert ("p", kind.value, "DE.1") == Address(kind, "DE.1", "p").lookup


@pytest.mark.parametrize("kind", [AddressKind.NUMBER, AddressKind.WHATSAPP_ID])
def test_a_number_belongs_to_no_portfolio(kind: AddressKind) -> None:
    with pytest.raises(UsageError, match="has no portfolio"):
        Address(kind, "4930123456", "p")


# --- who has it -------------------------------------------------------------------------------------------------------

ANNA, BEN = CustomerId("anna"), CustomerId("ben")
ENDED = AddressFact(ANNA, AddressKind.NUMBER, NOW, NOW + timedelta(days=1))
CURRENT = AddressFact(BEN, AddressKind.NUMBER, NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("facts", "holder"), [((), None), ((ENDED,), None), ((CURRENT,), BEN), ((ENDED, CURRENT), BEN)]
)
def test_the_holder_is_whose_claim_did_not_end(facts: tuple[AddressFact, ...], holder: CustomerId | None) -> None:
    assert holder == AddressRecord(facts).holder


@quick
@given(st.lists(addresses(), max_size=4), st.permutations(list(AddressKind)))
def test_an_address_of_a_customer_is_the_first_of_the_kind_preferred_most(
    known: list[Address], kinds: list[AddressKind]
) -> None:
    ranked = sorted(known, key=lambda address: kinds.index(address.kind))
    expected = ranked[0] if ranked else None
    assert expected == Customer(ANNA, NOW, tuple(known)).address_of(*kinds)


def test_a_customer_without_an_address_of_a_kind_has_none_to_give() -> None:
    customer = Customer(ANNA, NOW, (Address(AddressKind.BSUID, "DE.1", "p"),))
    assert customer.address_of(AddressKind.NUMBER, AddressKind.WHATSAPP_ID) is None
