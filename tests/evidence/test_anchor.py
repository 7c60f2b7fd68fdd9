"""One digest over every chain of a tenant."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from wa_connector.evidence.anchor import anchor
from wa_connector.evidence.ledger import sealed
from wa_connector.model.consent import Evidence, Purpose, Signal
from wa_connector.model.ids import CustomerId
from wa_connector.testing.host import NOON

ANN, BOB = CustomerId("ann"), CustomerId("bob")


def chain(customer: CustomerId, *hours: int) -> list[Evidence]:
    entries: list[Evidence] = []
    for sequence, hour in enumerate(hours, start=1):
        at = NOON + timedelta(hours=hour)
        entry = Evidence(customer, sequence, at, at, "plain", Signal.STOP, (Purpose.CONVERSATION,), f"s{sequence}")
        entries.append(sealed(entry, entries[-1].digest if entries else ""))
    return entries


def test_it_covers_what_was_recorded_before_its_instant_and_nothing_else() -> None:
    at = NOON + timedelta(hours=2)
    made = anchor([(ANN, chain(ANN, 0, 1, 2, 3)), (BOB, chain(BOB, 2))], at)
    assert (1, 2, at) == (made.chains, made.entries, made.at)
    assert made == anchor([(ANN, chain(ANN, 0, 1))], at), "what comes later does not change it"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4).map(sorted), st.integers(0, 3))
def test_another_past_gives_another_anchor(hours: list[int], place: int) -> None:
    at = NOON + timedelta(hours=10)
    whole = chain(ANN, *hours)
    other = chain(ANN, *hours[: place % len(hours)], 6)
    assert (whole == other) == (anchor([(ANN, whole)], at) == anchor([(ANN, other)], at))


def test_a_chain_under_another_name_is_another() -> None:
    at = NOON + timedelta(hours=10)
    assert anchor([(ANN, chain(ANN, 0))], at).root != anchor([(BOB, chain(ANN, 0))], at).root
