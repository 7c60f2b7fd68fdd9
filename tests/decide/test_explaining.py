"""The window as it was at an instant."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide.explaining import explain, window_as_of
from wa_connector.model.content import TemplateMessage, Text
from wa_connector.model.decision import Reason
from wa_connector.model.ids import ConversationId, CustomerId, LineId, MessageId, UserId
from wa_connector.model.message import ByCustomer, ByUser, Failure, Message, MessageStatus
from wa_connector.model.outbound import Correction
from wa_connector.model.window import Window
from wa_connector.testing.host import ANA, NOON, TEMPLATES

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

HOUR = timedelta(hours=1)
WRITTEN = Message(
    MessageId("m"),
    ConversationId("t"),
    CustomerId("c"),
    LineId("l"),
    NOON,
    ByCustomer(),
    Text("Hello"),
    MessageStatus.RECEIVED,
    NOON,
    opens_window=True,
)
SENT = evolve(WRITTEN, author=ByUser(UserId("ana")), handed_over_at=NOON, status=MessageStatus.SENT, opens_window=False)
CLOSED = Failure("131047", "closed", Correction.WINDOW_CLOSED)
REFUSED = evolve(SENT, status=MessageStatus.FAILED, failure=CLOSED, status_at=NOON + HOUR)


@pytest.mark.parametrize(
    ("message", "window"),
    [
        (WRITTEN, Window(customer_at=NOON)),
        (evolve(WRITTEN, at=NOON + HOUR), Window(customer_at=NOON + HOUR)),
        (evolve(WRITTEN, at=NOON + 2 * HOUR), Window()),
        (evolve(WRITTEN, opens_window=False), Window()),
        (SENT, Window(business_at=NOON)),
        (evolve(SENT, handed_over_at=None), Window()),
        (evolve(SENT, handed_over_at=NOON + HOUR), Window(business_at=NOON + HOUR)),
        (evolve(SENT, handed_over_at=NOON + 2 * HOUR), Window()),
        (evolve(SENT, status=MessageStatus.CANCELLED), Window()),
        (evolve(SENT, status=MessageStatus.REFUSED), Window()),
        (evolve(SENT, status=MessageStatus.EXPIRED), Window()),
        (REFUSED, Window(business_at=NOON, refused_at=NOON)),
        (evolve(REFUSED, status_at=NOON + 2 * HOUR), Window(business_at=NOON)),
        (evolve(REFUSED, failure=Failure("131026", "unreachable")), Window(business_at=NOON)),
    ],
)
def test_what_one_message_says_of_the_window_an_hour_later(message: Message, window: Window) -> None:
    assert window == window_as_of([message], NOON + HOUR)


def test_the_latest_counts_in_whatever_order_they_are_read() -> None:
    early = evolve(WRITTEN, at=NOON - HOUR)
    assert window_as_of([early, WRITTEN], NOON) == window_as_of([WRITTEN, early], NOON) == Window(customer_at=NOON)


def test_a_template_is_explained_as_one(desk: "Desk") -> None:
    """A day after the customer agreed, only it may leave; what was recorded at the very instant is known."""
    customer = desk.thread(desk.granted()).customer
    evidence, messages, ground = desk.evidence(customer), desk.messages(), desk.ground(ANA)
    _, hello, _ = TEMPLATES
    content = TemplateMessage(hello.name, hello.language, {"body.1": "Carl"})
    agreed_at = evidence[-1].recorded_at
    later = desk.later(hours=25)
    assert explain(ground, evidence, messages, Text("Hi"), None, agreed_at).decision.is_allowed
    assert Reason.WINDOW_CLOSED is explain(ground, evidence, messages, Text("Hi"), None, later).decision.reason
    assert explain(ground, evidence, messages, content, hello, later).decision.is_allowed
