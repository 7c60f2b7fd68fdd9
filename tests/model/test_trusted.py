"""Values made without their constructors are the values that the constructors make."""

import pickle
import weakref

import attrs
import pytest
from attrs import field, frozen

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import TemplateMessage
from wa_connector.model.inbound import Sender
from wa_connector.model.trusted import opened, trusted

PLAIN = Address(AddressKind.BSUID, "US.1", "WABA1")


def test_the_value_is_the_class_s_own() -> None:
    made = trusted(Address)(AddressKind.BSUID, "US.1", "WABA1")
    assert made == PLAIN
    assert type(made) is Address
    assert hash(made) == hash(PLAIN)
    assert repr(made) == repr(PLAIN)
    assert pickle.loads(pickle.dumps(made)) == PLAIN
    assert attrs.evolve(made, value="US.2").value == "US.2"
    assert weakref.ref(made)() is made


def test_it_is_frozen_once_it_is_made() -> None:
    made = trusted(Address)(AddressKind.BSUID, "US.1", "WABA1")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.value = "another"  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del made.value


def test_names_and_defaults_are_the_constructor_s() -> None:
    assert trusted(Sender)(addresses=(PLAIN,)) == Sender((PLAIN,))
    with pytest.raises(TypeError):
        trusted(Sender)()  # type: ignore[call-arg]


def test_no_check_is_run() -> None:
    assert trusted(Address)(AddressKind.BSUID, "", "").value == ""


def test_a_class_that_is_not_frozen_and_slotted_is_refused() -> None:
    class Bare:
        pass

    @attrs.define
    class Open:
        value: int

    @frozen(slots=False)
    class Unslotted:
        value: int

    for cls in (Bare, Open, Unslotted):
        with pytest.raises(TypeError, match="no frozen, slotted attrs class"):
            opened(cls)


def test_a_constructor_that_does_more_than_fill_is_refused() -> None:
    @frozen
    class Converted:
        value: int = field(converter=int)

    @frozen
    class Named:
        value: int = field(kw_only=True)

    @frozen
    class Hidden:
        value: int = field(init=False, default=0)

    for cls in (Converted, Named, Hidden, TemplateMessage):
        with pytest.raises(TypeError, match="more than a plain attribute"):
            trusted(cls)
