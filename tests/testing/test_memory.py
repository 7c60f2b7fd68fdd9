"""What is the in-memory storage's own, beside the contract."""

import asyncio

import pytest

from wa_connector.errors import InternalError
from wa_connector.model.customer import Customer
from wa_connector.model.event import CustomerSeen
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CUSTOMER
from wa_connector.ports.storage import COMMITTED, AsyncStorage, Change, Put, Storage
from wa_connector.testing.contract import NOW, TENANT
from wa_connector.testing.memory import AsyncMemoryStorage, MemoryStorage

ANN = CUSTOMER.of(TENANT, "ann")


def insertion(value: object) -> Change:
    return Change(TENANT, NOW, puts=(Put(ANN, value),))


@pytest.mark.parametrize(
    "value",
    [
        Customer(CustomerId("ann"), NOW, addresses=[]),  # type: ignore[arg-type]  # the mistake in question
        Customer(CustomerId("ann"), NOW, name=5),  # type: ignore[arg-type]  # and another
    ],
)
def test_a_value_that_the_codec_would_change_is_refused(value: object) -> None:
    """A test must not pass with what a real storage would give back as something else."""
    with pytest.raises(InternalError):
        MemoryStorage().commit([insertion(value)])


def test_so_is_such_an_event() -> None:
    happening = CustomerSeen(5)  # type: ignore[arg-type]  # the mistake in question
    with pytest.raises(InternalError):
        MemoryStorage().commit([Change(TENANT, NOW, events=(happening,))])


def test_half_a_character_is_kept_as_it_came() -> None:
    """JSON from outside can spell a lone surrogate, and one name must not refuse a whole commit."""
    halved = Customer(CustomerId("ann"), NOW, name="\ud83d")
    storage = MemoryStorage()
    assert storage.commit([insertion(halved)]) == (COMMITTED,)
    assert storage.load([ANN]).rows[ANN].value == halved


def test_both_faces_see_the_same_rows() -> None:
    storage: Storage = (plain := MemoryStorage())
    twin: AsyncStorage = AsyncMemoryStorage(plain)
    assert asyncio.run(twin.commit([insertion(Customer(CustomerId("ann"), NOW))])) == (COMMITTED,)
    assert storage.load([ANN]).rows[ANN].version == 1


def test_the_asynchronous_twin_never_suspends() -> None:
    """So the synchronous face could drive it, too."""
    with pytest.raises(StopIteration) as done:
        AsyncMemoryStorage().load([ANN]).send(None)
    assert ANN in done.value.value.rows
