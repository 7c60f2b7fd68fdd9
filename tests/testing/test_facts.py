"""Facts compare what happened, and leave out what follows the order of arrival on purpose."""

from datetime import timedelta

from wa_connector.direct.connector import Connector
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import Text
from wa_connector.model.ids import ConversationId
from wa_connector.model.message import MessageStatus
from wa_connector.model.outbound import Correction, Rejected
from wa_connector.testing.facts import CustomerFacts, Facts, facts
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, CARLS_NUMBER, GLOBEX, LINE, MemoryHost


def begun() -> tuple[MemoryHost, Connector, ConversationId]:
    """Ana asked a customer for consent, and the request went out."""
    host = MemoryHost()
    connector = host.connector()
    connector.sync_templates(ACME, ACCOUNT)
    thread = connector.ask_consent(ACME, ANA, LINE, CARL).conversation
    connector.dispatcher.run_once()
    host.clock.advance(timedelta(minutes=1))
    assert thread is not None
    return host, connector, thread


def only(host: MemoryHost) -> CustomerFacts:
    (customer,) = facts(host.storage, ACME).customers
    return customer


def test_nothing_happened() -> None:
    assert facts(MemoryHost().storage, ACME) == Facts((), ())


def test_what_is_a_fact() -> None:
    """Who is known by which addresses, what was said and became of it, the consent of each channel, windows, evidence."""
    host, connector, thread = begun()
    connector.handle_webhook(host.webhook(host.said("Yes"), host.reported("delivered")))
    connector.send(ACME, ANA, thread, Text("Hi"))
    customer = only(host)
    assert customer.known_by == (("", "line", CARLS_NUMBER.removeprefix("+")),)
    assert {
        ("BySystem", MessageStatus.DELIVERED),
        ("ByCustomer", MessageStatus.RECEIVED),
        ("ByUser", MessageStatus.QUEUED),
    } == {(message.author, message.status) for message in customer.messages}
    assert [(each.channel, each.conversation) for each in customer.consents] == [("plain", Stage.GRANTED)]
    assert [host.clock.now] == [window.customer_at for window in customer.windows]
    assert {Signal.ASKED, Signal.DELIVERED, Signal.YES} == {entry.signal for entry in customer.evidence}
    assert facts(host.storage, GLOBEX) == Facts((), ())


def test_what_the_system_sends_by_itself_is_none() -> None:
    """Neither the confirmation of a decline nor the second request after it, nor what those leave behind."""
    host, connector, _ = begun()
    connector.handle_webhook(host.webhook(host.said("No")))
    before = only(host)
    host.clock.advance(timedelta(minutes=1))
    connector.handle_webhook(host.webhook(host.said("Hello?")))
    host.transport.answers.extend([Rejected("131", "no", Correction.NONE)] * 9)
    connector.dispatcher.run_once()
    after = only(host)
    assert (before.consents, before.evidence) == (after.consents, after.evidence)
    assert len(after.messages) == len(before.messages) + 1
    assert sum(message.author == "BySystem" for message in after.messages) == 1


def test_ids_and_threads_are_none() -> None:
    """Two hosts to whom the same happened have the same facts, though no id of theirs is the same."""
    found = []
    for _ in range(2):
        host, connector, _ = begun()
        connector.handle_webhook(host.webhook(host.said("Yes"), host.reported("read", id="early")))
        found.append(facts(host.storage, ACME))
    assert found[0] == found[1]
    assert [each[:3] for each in found[0].waiting] == [("line", "early", "read")]


def test_merged_records_are_one_person() -> None:
    """Whatever was written to either, before and after."""
    host, connector, _ = begun()
    connector.handle_webhook(host.webhook(host.said("Hello", sender=("bsuid:one",))))
    assert len(facts(host.storage, ACME).customers) == 2
    connector.handle_webhook(host.webhook(host.said("It is I", sender=("bsuid:one", CARLS_NUMBER))))
    customer = only(host)
    assert {"bsuid", "line"} == {lookup[1] for lookup in customer.known_by}
    assert len(customer.messages) == 3
    assert len(customer.windows) == 1


def test_a_difference_is_seen() -> None:
    """One message more, or the same one a second later, is another fact."""
    found = set()
    for seconds in (0, 1, 1):
        host, connector, _ = begun()
        said = host.said("Hello", at=host.clock.now - timedelta(seconds=seconds))
        connector.handle_webhook(host.webhook(said))
        found.add(facts(host.storage, ACME))
    assert len(found) == 2


def test_there_may_be_very_many() -> None:
    """More rows than a page has."""
    host, connector, _ = begun()
    connector.handle_webhook(host.webhook(*(host.said(f"{number}") for number in range(501))))
    assert len(only(host).messages) == 502
