"""Who gets a customer that nobody has: the host's routers, its presence, its contacts, its lines; under both faces."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from wa_connector import (
    Connector,
    Contact,
    EndedThreads,
    Message,
    RoutedBy,
    RoutingQuestion,
    UserId,
    hookimpl,
    number,
)
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.host import ACME, ANA, BEN, CARL, CARLS_NUMBER, DAN, SUE, SUPPORT, MemoryHost


class Router:
    """Names whom the test tells it to, or raises it."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.asked: list[RoutingQuestion] = []

    @hookimpl
    def wa_route(self, question: RoutingQuestion) -> UserId | Sequence[UserId] | None:
        self.asked.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: UserId | Sequence[UserId] | None = self.answer
        return answer


class Presence:
    def __init__(self, *away: UserId) -> None:
        self.away = away

    @hookimpl
    def wa_presence(self, user: UserId) -> bool | None:
        return user not in self.away


class Waited:
    """A router of an asynchronous host's."""

    @hookimpl
    async def wa_route(self) -> UserId:
        return BEN


class Hanging:
    @hookimpl
    async def wa_route(self) -> UserId:
        import asyncio

        await asyncio.Event().wait()
        return BEN


class Reader:
    """Talks nonsense."""

    @hookimpl
    def wa_read_reply(self) -> Any:
        return "yes"


Connect = Callable[..., Connector]


def owner_of(connector: Connector, host: MemoryHost, text: str = "Hello") -> tuple[UserId | None, RoutedBy | None]:
    """Who has the thread of what the customer writes now, and by which rule."""
    assert connector.handle_webhook(host.webhook(host.said(text))).taken == 1
    (thread,) = [
        thread
        for user in (ANA, BEN, SUE, DAN)
        for thread in connector.conversations(ACME, user)
    ] or [
        *connector.conversations(ACME, SUE, team=SUPPORT),
        *connector.conversations(ACME, SUE, unassigned=True),
    ]  # fmt: skip
    message: Message = connector.timeline(ACME, SUE, thread.id).messages[0]
    return thread.owner, message.routed_by


def test_the_host_names_the_owner_once_a_thread(connect: Connect, host: MemoryHost) -> None:
    router = Router(BEN)
    connector = connect(host, router)
    assert owner_of(connector, host) == (BEN, RoutedBy.HOST)
    assert owner_of(connector, host, "And?") == (BEN, RoutedBy.LATEST)
    (question,) = router.asked
    assert (ACME, "plain", None, (number(CARLS_NUMBER),)) == (
        question.tenant,
        question.channel,
        question.customer,
        question.addresses,
    )
    assert "+1650" not in repr(question)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((DAN, BEN), DAN),
        (SUPPORT, SUPPORT),
        ([ANA, DAN], DAN),
        ([UserId("nobody"), DAN], DAN),
        ([ANA], None),
        ([], None),
        (None, None),
    ],
)
def test_the_first_who_can_take_it_and_is_there_has_it(
    connect: Connect, host: MemoryHost, answer: Any, expected: UserId | None
) -> None:
    """Somebody who is away or unknown is passed over; a team is always there."""
    found = owner_of(connect(host, Router(answer), Presence(ANA, SUPPORT)), host)
    assert (expected, RoutedBy.HOST if expected else RoutedBy.UNASSIGNED) == found


@pytest.mark.parametrize("answer", [ValueError("+16505551234"), 7, "", [7], {"a": 1}])
def test_a_router_that_fails_or_talks_nonsense_is_passed_over(
    connect: Connect, host: MemoryHost, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The customer's words are taken, the next one is asked, and the failure is counted."""
    connector = connect(host, Router(answer), Router(BEN))
    assert owner_of(connector, host) == (BEN, RoutedBy.HOST)
    (failure,) = [labels for name, _, labels in host.measures if name == "hook_failures"]
    assert failure == {"plugin": "Router", "hook": "wa_route"}
    assert "+1650" not in caplog.text


def test_an_asynchronous_router_is_awaited_where_there_is_a_loop(connect: Connect, host: MemoryHost, face: str) -> None:
    found = owner_of(connect(host, Waited()), host)
    assert ((BEN, RoutedBy.HOST) if face == "aio" else (None, RoutedBy.UNASSIGNED)) == found


def test_a_router_that_never_answers_is_given_up(host: MemoryHost) -> None:
    from datetime import timedelta

    with host.connector("aio", [Hanging(), Router(DAN)], hook_patience=timedelta(milliseconds=1)) as connector:
        assert owner_of(connector, host) == (DAN, RoutedBy.HOST)


def test_presence_that_fails_counts_as_being_there(connect: Connect, host: MemoryHost) -> None:
    class Broken:
        @hookimpl
        def wa_presence(self) -> bool:
            raise OSError

    class Nonsense:
        @hookimpl
        def wa_presence(self) -> Any:
            return "perhaps"

    assert owner_of(connect(host, Router(BEN), Broken(), Nonsense()), host) == (BEN, RoutedBy.HOST)


def with_contact_of(owner: UserId, **settings: object) -> MemoryHost:
    host = MemoryHost(settings=settings)
    host.contacts = MemoryContacts({ACME: [Contact(CARL, "Carl", (number(CARLS_NUMBER),), owner)]})
    return host


def test_a_contacts_owner_gets_it_where_the_organization_wants_that(connect: Connect) -> None:
    host = with_contact_of(DAN, route_to_contact_owner=True)
    assert owner_of(connect(host), host) == (DAN, RoutedBy.CONTACT_OWNER)
    host = with_contact_of(DAN)
    assert owner_of(connect(host), host) == (None, RoutedBy.UNASSIGNED)


def test_a_router_is_told_whose_contact_it_is(connect: Connect) -> None:
    host, router = with_contact_of(DAN), Router()
    owner_of(connect(host, router), host)
    assert [question.contact_owners for question in router.asked] == [(DAN,)]


@pytest.mark.parametrize("has_contacts", [True, False])
def test_no_contact_store_keeps_out_what_comes_in(connect: Connect, has_contacts: bool) -> None:
    host = MemoryHost(has_contacts=has_contacts)
    host.contacts.down = True
    router = Router(BEN)
    assert owner_of(connect(host, router), host) == (BEN, RoutedBy.HOST)
    assert [question.contact_owners for question in router.asked] == [()]


def test_an_ended_thread_goes_on_for_its_last_owner_while_he_is_there(connect: Connect) -> None:
    """Else the host is asked; and the new thread points back at the old one."""
    host, presence = MemoryHost(settings={"ended_threads": EndedThreads.FOR_LAST_OWNER}), Presence()
    connector = connect(host, Router(BEN), presence)
    owner_of(connector, host)
    threads = [connector.conversations(ACME, BEN)[0].id]
    for away, expected in (((), RoutedBy.LAST_OWNER), ((BEN,), RoutedBy.UNASSIGNED)):
        presence.away = away
        connector.end(ACME, BEN, threads[-1]).or_raise()
        owner, by = owner_of(connector, host, "Hello again")
        assert (BEN if expected is RoutedBy.LAST_OWNER else None, expected) == (owner, by)
        (thread,) = connector.conversations(ACME, BEN) or connector.conversations(ACME, BEN, unassigned=True)
        assert threads[-1] == thread.restarted_from
        threads.append(thread.id)


def test_a_whole_webhook_of_one_customer_asks_once(connect: Connect, host: MemoryHost) -> None:
    """What comes in together goes into one thread, quotes or not."""
    router = Router(BEN)
    connector = connect(host, router)
    elements = [host.said("one"), host.said("two"), host.said("three", replies_to="in-1")]
    assert connector.handle_webhook(host.webhook(*elements)).taken == 3
    (thread,) = connector.conversations(ACME, BEN)
    page = connector.timeline(ACME, BEN, thread.id).messages
    assert [message.routed_by for message in reversed(page)] == [RoutedBy.HOST, RoutedBy.LATEST, RoutedBy.QUOTED]
    assert len(router.asked) == 1


def test_a_reader_that_talks_nonsense_is_passed_over(connect: Connect, host: MemoryHost) -> None:
    connector = connect(host, Reader())
    assert owner_of(connector, host) == (None, RoutedBy.UNASSIGNED)
    assert [labels for name, _, labels in host.measures if name == "hook_failures"] == [
        {"plugin": "Reader", "hook": "wa_read_reply"}
    ]
