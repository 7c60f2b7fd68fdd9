"""The country of an address, where a rule asks for it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.address import Address, AddressKind, number
from wa_connector.policy.country import UNITED_STATES, country_of
from wa_connector.testing.strategies import addresses

quick = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        (number("+12125550100"), "US"),
        (Address(AddressKind.WHATSAPP_ID, "12125550100"), "US"),
        (Address(AddressKind.BSUID, "US.13491208655302741918", "p"), "US"),
        (Address(AddressKind.PARENT_BSUID, "US.ENT.1", "p"), "US"),
        (number("+14165550100"), ""),
        (number("+18095550100"), ""),
        (number("+442079460000"), ""),
        (number("+1212555010"), ""),
        (number("+121255501000"), ""),
        (number("+21255501001"), ""),
        (Address(AddressKind.BSUID, "DE.1", "p"), ""),
        (Address(AddressKind.BSUID, "USA.1", "p"), ""),
        (Address(AddressKind.WHATSAPP_ID, "US.1"), ""),
    ],
)
def test_an_american_is_known_by_area_code_or_bsuid(address: Address, country: str) -> None:
    assert country == country_of([address])


@quick
@given(st.lists(addresses(), max_size=4))
def test_one_american_address_is_enough(known: list[Address]) -> None:
    american = number("+12125550100")
    assert country_of([*known, american]) == UNITED_STATES
    one_by_one = {country_of([address]) for address in known}
    assert (UNITED_STATES if UNITED_STATES in one_by_one else "") == country_of(known)


def test_of_nobody_nothing_is_known() -> None:
    assert country_of([]) == ""
