"""What comes in, however a provider brings it: the strategies draw what they say, and it has the effect that it has."""

import json
from collections.abc import Sequence

from hypothesis import find, given, settings
from hypothesis import strategies as st

from wa_connector.model.inbound import InboundItem, InboundStatus
from wa_connector.model.message import Message
from wa_connector.ports.channel import WebhookRequest
from wa_connector.ports.codec import decode, encode
from wa_connector.testing.facts import Facts, facts
from wa_connector.testing.host import ACME, ENDPOINT, MemoryHost
from wa_connector.testing.traffic import Element, deliveries, elements, inbound, messages, webhooks

quick = settings(max_examples=30, deadline=None)


def as_text(element: Element) -> str:
    return json.dumps(element, sort_keys=True)


@quick
@given(st.data())
def test_a_delivery_brings_each_element_at_least_once_and_nothing_else(data: st.DataObject) -> None:
    told = data.draw(elements())
    batches = data.draw(deliveries(told))
    assert {as_text(element) for element in told} == {as_text(element) for batch in batches for element in batch}
    assert all(batches)


def test_deliveries_repeat_and_reorder() -> None:
    """Else the properties that use them would say little."""
    told = find(elements(), lambda found: len(found) > 1)
    assert find(deliveries(told), lambda batches: sum(map(len, batches)) > len(told))
    assert find(deliveries(told), lambda batches: batches[0][0] == told[-1])
    assert find(deliveries(told), lambda batches: len(batches) > 1)


@quick
@given(st.data())
def test_however_it_is_brought_the_facts_are_the_same(data: st.DataObject) -> None:
    told = data.draw(elements())
    assert after([[element] for element in told]) == after(data.draw(deliveries(told)))


def after(batches: Sequence[Sequence[Element]]) -> Facts:
    """The facts once all of it was taken, long after it happened."""
    host = MemoryHost()
    host.clock.advance(days=30)
    with host.connector() as connector:
        for batch in batches:
            connector.handle_webhook(host.webhook(*batch))
        return facts(host.storage, ACME)


@quick
@given(webhooks())
def test_a_connector_takes_every_webhook(requests: list[WebhookRequest]) -> None:
    host = MemoryHost()
    app = host.directory.app(ENDPOINT)
    assert app is not None
    with host.connector() as connector:
        for request in requests:
            result = connector.handle_webhook(request)
            assert len(host.channel.read(app, request)) == result.taken + result.known
            assert (result.reply.status, result.problem) == (200, "")


@quick
@given(messages(), inbound())
def test_values_are_such_as_storages_keep(message: Message, item: InboundItem) -> None:
    assert message == decode(encode(message, Message), Message)
    if isinstance(item, InboundStatus):
        assert item == decode(encode(item, InboundStatus), InboundStatus)
