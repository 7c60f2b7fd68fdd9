"""Whose line it is, and how many customers a portfolio may reach a day; under both faces."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from wa_connector import (
    Connector,
    Contact,
    ContactId,
    ConversationId,
    MessageStatus,
    Reason,
    RefusedError,
    TemplateMessage,
    Text,
    number,
)
from wa_connector.model.ids import LineId
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, LINE, NOON, MemoryHost

HELLO = TemplateMessage("hello", "en", {"body.1": "Carl"})
DAY = timedelta(hours=24)


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(connect: Callable[..., Connector]) -> tuple[MemoryHost, Connector, ConversationId]:
    """Carl wrote on a line that is Ana's own; the thread waits on the unassigned list."""
    host = MemoryHost(owner=ANA, settings={"restrict_first_contact": True})
    connector = connect(host)
    connector.handle_webhook(host.webhook(host.said("Hello")))
    return host, connector, connector.conversations(ACME, ANA, unassigned=True)[0].id


def test_what_nobody_has_yet_is_shown_to_those_whose_line_it_is(
    elsewhere: tuple[MemoryHost, Connector, ConversationId],
) -> None:
    _, connector, thread = elsewhere
    assert [thread] == [found.id for found in connector.conversations(ACME, ANA, unassigned=True)]
    assert connector.conversations(ACME, BEN, unassigned=True) == ()


def test_nobody_writes_on_a_line_that_is_not_his(elsewhere: tuple[MemoryHost, Connector, ConversationId]) -> None:
    _, connector, thread = elsewhere
    assert Reason.NOT_A_PARTICIPANT is connector.send(ACME, BEN, thread, Text("Hi")).decision.reason
    with pytest.raises(RefusedError):
        connector.timeline(ACME, BEN, thread)
    assert connector.send(ACME, ANA, thread, Text("Hi")).is_taken


def test_who_is_in_a_thread_stays_in_it_when_the_line_is_given_away(
    elsewhere: tuple[MemoryHost, Connector, ConversationId],
) -> None:
    host, connector, thread = elsewhere
    connector.send(ACME, ANA, thread, Text("Hi")).or_raise()
    given = host.directory.line(ACME, LINE)
    assert given is not None
    assert isinstance(host.directory, MemoryDirectory)
    host.directory.lines = lambda *_: []  # type: ignore[method-assign]  # the host gave the line away
    assert connector.send(ACME, ANA, thread, Text("Hi again")).is_taken
    assert LineId("line") == given.line.id


# --- tiers ------------------------------------------------------------------------------------------------------------


def tiered(connect: Callable[..., Connector], tier: int, people: int) -> tuple[MemoryHost, Connector]:
    """A host whose portfolio may reach ``tier`` customers a day, and the consent of ``people`` contacts."""
    host = MemoryHost()
    setup = host.directory.line(ACME, LINE)
    seats = [seat for user in (ANA, BEN) if (seat := host.directory.user(ACME, user)) is not None]
    assert setup is not None
    app = host.directory.app("/hook")
    assert app is not None
    account = evolve(setup.account, daily_tier=tier)
    host.directory = MemoryDirectory(
        apps=[app], accounts=[account], lines=[(setup.line, setup.organizations)], seats=seats
    )
    contacts = [Contact(person(n), f"C{n}", (number(f"+1650555{n:04d}"),)) for n in range(people)]
    host.contacts = MemoryContacts({ACME: contacts})
    connector = connect(host)
    connector.sync_templates(ACME, ACCOUNT)
    for n in range(people):
        connector.record_consent(ACME, ANA, LINE, person(n), given_at=NOON, method="paper")
    return host, connector


def person(place: int) -> ContactId:
    return ContactId(f"c{place}")


def write_to(connector: Connector, place: int) -> Reason:
    thread = connector.start(ACME, ANA, LINE, person(place))
    if thread.conversation is None:
        return thread.decision.reason
    return connector.send(ACME, ANA, thread.conversation, HELLO).decision.reason


def test_so_many_customers_a_day_are_reached_outside_their_windows(connect: Callable[..., Connector]) -> None:
    host, connector = tiered(connect, tier=2, people=3)
    for place in (0, 1):
        assert Reason.ALLOWED is write_to(connector, place)
        connector.dispatcher.run_once()
    assert Reason.ALLOWED is write_to(connector, 1), "one who was reached already takes no place"
    assert Reason.DAILY_LIMIT is write_to(connector, 2)
    host.clock.advance(DAY + timedelta(hours=1))
    assert Reason.ALLOWED is write_to(connector, 2)


def test_a_limit_is_a_wait_for_what_stands_in_the_outbox(connect: Callable[..., Connector]) -> None:
    host, connector = tiered(connect, tier=1, people=2)
    for place in (0, 1):
        assert Reason.ALLOWED is write_to(connector, place), "nobody was reached yet"
    for _ in range(2):
        connector.dispatcher.run_once(lanes=1)
    assert len(host.transport.sent) == 1
    waiting = [thread for thread in connector.conversations(ACME, ANA) if status(connector, thread.id) != "accepted"]
    assert [status(connector, thread.id) for thread in waiting] == ["queued"]
    host.clock.advance(DAY + timedelta(hours=1))
    connector.dispatcher.run_once()
    assert len(host.transport.sent) == 2


def test_an_answer_takes_no_place(connect: Callable[..., Connector]) -> None:
    host, connector = tiered(connect, tier=1, people=2)
    connector.handle_webhook(host.webhook(host.said("Hello", sender=["+16505550000"])))
    assert Reason.ALLOWED is write_to(connector, 0)
    connector.dispatcher.run_once()
    assert Reason.ALLOWED is write_to(connector, 1)


def status(connector: Connector, thread: ConversationId) -> str:
    newest: MessageStatus = connector.timeline(ACME, ANA, thread).messages[0].status
    return newest.value
