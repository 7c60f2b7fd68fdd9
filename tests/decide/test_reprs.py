"""What decisions are put together from says nothing of a person, nor a secret, where a log or an error may show it."""

from typing import TYPE_CHECKING

import pytest

from wa_connector.decide.consenting import Witness
from wa_connector.decide.draft import Seed
from wa_connector.decide.forgetting import ForgetCustomer
from wa_connector.decide.holding import PlaceHold
from wa_connector.decide.membership import AddNote, Asked, HandOver, Transfer
from wa_connector.model.consent import Signal
from wa_connector.model.directory import Seat, User
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, UserId
from wa_connector.testing.host import ACME, NOON, SUE

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

SECRET = "Zaphod Beeblebrox"
SEAT = Seat(User(ACME, SUE, "Sue"), (), frozenset())


@pytest.mark.parametrize(
    "shown",
    [
        Seed("c1", SECRET),
        Witness(Signal.STOP, NOON, cause=SECRET),
        Witness(Signal.STOP, NOON, cause="", text=SECRET),
        Witness(Signal.STOP, NOON, cause="", address=SECRET),
        ForgetCustomer(SEAT, CustomerId("c"), SECRET),
        PlaceHold(SEAT, "customer:c", SECRET),
    ],
    ids=[
        "a seed",
        "its cause",
        "its text",
        "its address",
        "why somebody is forgotten",
        "why somebody is kept",
    ],
)
def test_a_representation_keeps_it_to_itself(shown: object) -> None:
    assert SECRET not in repr(shown)
    assert type(shown).__name__ in repr(shown)


def test_nor_does_a_note_for_the_next_person(desk: "Desk") -> None:
    asked = Asked(desk.ground(), ConversationId("thread"), MessageId("entry"))
    for shown in (Transfer(asked, SEAT, None, note=SECRET), HandOver(UserId("ben"), SECRET), AddNote(asked, SECRET)):
        assert SECRET not in repr(shown)
