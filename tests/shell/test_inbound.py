"""Webhooks: acknowledged after the commit that holds them, each element on its own, in any order, any number of times."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wa_connector.decide.draft import Draft
from wa_connector.decide.receiving import ReceiveMessage, receive_message
from wa_connector.direct.connector import Connector
from wa_connector.errors import Unavailable, UsageError
from wa_connector.evidence.fold import fold
from wa_connector.evidence.ledger import verify
from wa_connector.model.capability import Capabilities
from wa_connector.model.content import Text
from wa_connector.model.decision import Reason
from wa_connector.model.directory import Account, App
from wa_connector.model.event import MessageReceived
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, ProviderId
from wa_connector.model.inbound import Inbound
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.outbound import Accepted
from wa_connector.policy.replies import ACCEPT_PAYLOAD
from wa_connector.ports.channel import Channel, WebhookRequest
from wa_connector.ports.rows import CONSENT, EVIDENCE, MESSAGE, WAITING
from wa_connector.ports.storage import Change, Outcome, Scan, Storage
from wa_connector.shell import inbound
from wa_connector.shell.inbound import ROUNDS, Received
from wa_connector.testing.facts import facts
from wa_connector.testing.host import (
    ACCOUNT,
    ACME,
    ANA,
    CARL,
    CARLS_NUMBER,
    ENDPOINT,
    GLOBEX,
    GUS,
    LINE,
    NOON,
    PLAIN,
    MemoryHost,
)

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled


def texts(connector: Connector, thread: ConversationId) -> list[str]:
    """What stands in a thread, oldest first."""
    page = connector.timeline(ACME, ANA, thread)
    return [each.content.body for each in reversed(page.messages) if isinstance(each.content, Text)]


def the_thread(connector: Connector) -> ConversationId:
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    return thread.id


# --- the answer -------------------------------------------------------------------------------------------------------


def test_what_was_taken_is_acknowledged(connector: Connector, host: MemoryHost) -> None:
    """200 after the commit, with what happened."""
    result = connector.handle_webhook(host.webhook(host.said("Hello")))
    assert (
        result.reply.status,
        result.reply.body,
        result.taken,
        result.known,
        result.kept,
        result.problem,
    ) == (200, b"", 1, 0, 0, "")
    assert texts(connector, the_thread(connector)) == ["Hello"]


def test_a_channel_hears_when_a_webhook_came() -> None:
    """By the connector's clock, unless the host queued it and says so: some providers do not tell when a message was
    written."""
    host, came = MemoryHost(), list[datetime | None]()
    host.channel = Listening(host.channel, came)
    request = host.webhook(host.said("Hello"))
    with host.connector() as connector:
        connector.handle_webhook(request)
        connector.handle_webhook(evolve(request, received_at=NOON - timedelta(hours=1)))
    assert came == [NOON, NOON - timedelta(hours=1)]


class Listening:
    """A channel that notes when each webhook came."""

    def __init__(self, channel: Channel, came: list[datetime | None]) -> None:
        self._channel = channel
        self._came = came
        self.capabilities, self.handshake = channel.capabilities, channel.handshake

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        self._came.append(request.received_at)
        return self._channel.read(app, request)


class Particular(Listening):
    """A channel that carries no texts for the first account."""

    def capabilities_of(self, account: Account) -> Capabilities:
        return evolve(self.capabilities, contents=frozenset()) if account.provider_ref == "provider-1" else PLAIN


def test_what_an_account_carries_may_differ_from_what_the_channel_can() -> None:
    """The rules judge by the account's own: refused when it is written, not by the provider."""
    host = MemoryHost(settings={"contacts_only": False})
    host.channel = Particular(host.channel, [])
    with host.connector() as connector:
        connector.handle_webhook(host.webhook(host.said("YES")))
        placed = connector.send(ACME, ANA, the_thread(connector), Text("Hello"))
    assert placed.decision.reason is Reason.CONTENT_NOT_SUPPORTED


def test_an_unknown_endpoint_is_not_found(connector: Connector, host: MemoryHost) -> None:
    request = evolve(host.webhook(host.said("Hello")), endpoint="/elsewhere")
    assert reply_of(connector, request) == (404, "no app has this endpoint")


def reply_of(connector: Connector, request: WebhookRequest) -> tuple[int, str]:
    result = connector.handle_webhook(request)
    return result.reply.status, result.problem


def test_a_channel_that_no_plugin_provides_is_not_found(connect: Callable[..., Connector]) -> None:
    """An app of a channel that is not installed answers 404, and says which."""
    host = MemoryHost()
    host.directory = MemoryHost(capabilities=evolve(PLAIN, channel="sms")).directory
    connector = connect(host)
    assert reply_of(connector, host.webhook(host.said("Hello"))) == (404, "no plugin provides the channel sms")


def test_a_wrong_signature_changes_nothing(connector: Connector, host: MemoryHost, storage: "Meddled") -> None:
    """401, before anything in the body is looked at."""
    storage.commits.clear()
    request = host.webhook(host.said("Hello"), signature="forged")
    assert reply_of(connector, request) == (401, "SignatureInvalid")
    assert storage.commits == []


def test_a_subscription_check_is_answered(connector: Connector) -> None:
    request = WebhookRequest(ENDPOINT, "GET", "https://host.example/hook", {"X-Verify": "verify"}, b"")
    assert connector.handle_webhook(request).reply.body == b"verified"


def test_a_body_that_is_not_the_channels_is_kept(connector: Connector, host: MemoryHost) -> None:
    """Rightly signed and still not readable: acknowledged, and kept whole for inspection."""
    request = evolve(host.webhook(), body=b"not JSON \xff")
    result = connector.handle_webhook(request)
    assert (result.reply.status, result.taken, result.kept) == (200, 0, 1)
    (kept,) = connector.quarantine(ACME)
    assert kept.element.raw == "not JSON \\xff"


def test_a_storage_that_is_away_is_503_and_the_retry_is_taken(
    connector: Connector, host: MemoryHost, storage: "Meddled"
) -> None:
    """Nothing was acknowledged, so the provider brings it again; then it is there, once."""
    request = host.webhook(host.said("Hello"))
    storage.is_away = True
    assert reply_of(connector, request) == (503, "storage unavailable")
    storage.is_away = False
    assert connector.handle_webhook(request).taken == 1
    assert texts(connector, the_thread(connector)) == ["Hello"]


def test_a_directory_that_is_away_is_503_too(
    connector: Connector, host: MemoryHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(host.directory, "app", away)
    assert connector.handle_webhook(host.webhook(host.said("Hello"))).reply.status == 503


def test_who_loses_each_time_lets_the_provider_try_again(
    connector: Connector, host: MemoryHost, storage: "Meddled"
) -> None:
    """After a bounded number of rounds the answer is 503."""
    storage.commits.clear()
    storage.is_contended = True
    assert connector.handle_webhook(host.webhook(host.said("Hello"))).reply.status == 503
    assert len(storage.commits) == ROUNDS


# --- a report and the answer at once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["part-1", "part-2"])
def test_a_report_is_not_lost_between_the_answer_and_the_look_for_it(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId, part: str
) -> None:
    """Each looks for the other before the other is there: the report for its message, the answer for what waits."""
    placed = connector.send(ACME, ANA, granted, Text("Hi")).or_raise()
    other = MemoryHost(storage=type(storage)(storage.plain), clock=host.clock)
    other.transport.answers.append(Accepted(ProviderId("part-1"), further=(ProviderId("part-2"),)))
    with other.connector() as beside:
        # The answer is noted while the report is about to be put where it waits.
        storage.before_commit.append(beside.dispatcher.run_once)
        connector.handle_webhook(host.webhook(host.reported("failed", part)))
    assert placed.message is not None
    message: Message = storage.load([MESSAGE.of(ACME, placed.message)]).rows[MESSAGE.of(ACME, placed.message)].value
    assert message.status is MessageStatus.FAILED
    assert storage.load([WAITING.of(ACME, LINE, part)]).rows[WAITING.of(ACME, LINE, part)].value is None


# --- without a webhook ------------------------------------------------------------------------------------------------


def read(host: MemoryHost, *elements: dict[str, Any]) -> Sequence[Inbound]:
    """What a receiver of its own reads of the same elements."""
    app = host.directory.app(ENDPOINT)
    assert app is not None
    return host.channel.read(app, host.webhook(*elements))


def test_what_a_receiver_read_is_committed_when_the_call_returns(connector: Connector, host: MemoryHost) -> None:
    """And what came before, by whichever way, changes nothing."""
    said = host.said("Hello")
    assert Received(taken=1) == connector.receive(ENDPOINT, iter(read(host, said)))
    assert texts(connector, the_thread(connector)) == ["Hello"]
    assert Received(known=1) == connector.receive(ENDPOINT, read(host, said))
    assert connector.handle_webhook(host.webhook(said)).known == 1
    assert Received() == connector.receive(ENDPOINT, [])


def test_each_element_that_is_received_goes_to_its_own_tenant(connector: Connector, host: MemoryHost) -> None:
    """One of a line that the app does not serve is kept for inspection, as one of a webhook is."""
    theirs = {**host.said("For Globex"), "account": "provider-2", "line": "phone-2"}
    crossed = {**host.said("Whose?"), "account": "provider-1", "line": "phone-2"}
    result = connector.receive(ENDPOINT, read(host, host.said("For Acme"), theirs, crossed))
    assert Received(taken=2, kept=1) == result
    (thread,) = connector.conversations(GLOBEX, GUS, unassigned=True)
    (message,) = connector.timeline(GLOBEX, GUS, thread.id).messages
    assert Text("For Globex") == message.content


def test_what_cannot_be_committed_is_not_to_be_acknowledged(
    connector: Connector, host: MemoryHost, storage: "Meddled"
) -> None:
    """It raises; handed over again, it is taken once."""
    items = read(host, host.said("Hello"))
    storage.is_away = True
    with pytest.raises(Unavailable):
        connector.receive(ENDPOINT, items)
    storage.is_away = False
    assert connector.receive(ENDPOINT, items).taken == 1


def test_an_endpoint_that_no_app_has_is_a_mistake(connector: Connector, host: MemoryHost) -> None:
    with pytest.raises(UsageError, match="no app has the endpoint '/elsewhere'"):
        connector.receive("/elsewhere", read(host, host.said("Hello")))


# --- each element on its own ------------------------------------------------------------------------------------------


def test_a_bad_element_takes_its_neighbours_not_down(connector: Connector, host: MemoryHost) -> None:
    """What stands beside it is taken, and it is kept as it came; brought again, all of it is known."""
    bad = {**host.said("?"), "at": "yesterday"}
    request = host.webhook(host.said("One"), bad, host.said("Two"))
    result = connector.handle_webhook(request)
    assert (result.reply.status, result.taken, result.known, result.kept) == (200, 2, 0, 1)
    assert texts(connector, the_thread(connector)) == ["One", "Two"]
    (kept,) = connector.quarantine(ACME)
    assert bad == json.loads(kept.element.raw)
    again = connector.handle_webhook(request)
    assert (again.taken, again.known, again.kept) == (0, 3, 0)


def test_a_defect_of_ours_keeps_the_element_and_takes_its_neighbours(
    connector: Connector, host: MemoryHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a decider raises: acknowledged, for the provider would bring it for days; and kept with all that was in
    it, so that it can be taken once the defect is mended."""

    def fails(draft: Draft, command: ReceiveMessage) -> MessageId:
        if command.item.content == Text("Boom"):
            raise ZeroDivisionError
        return receive_message(draft, command)

    monkeypatch.setattr(inbound, "receive_message", fails)
    result = connector.handle_webhook(host.webhook(host.said("One"), host.said("Boom"), host.said("Two")))
    assert (result.reply.status, result.taken, result.kept) == (200, 2, 1)
    assert texts(connector, the_thread(connector)) == ["One", "Two"]
    (kept,) = connector.quarantine(ACME)
    assert kept.element.problem == "internal error"
    assert "Boom" in kept.element.raw
    assert CARLS_NUMBER in kept.element.raw


def test_what_a_storage_refuses_is_kept_and_takes_nobody_down(
    connector: Connector, host: MemoryHost, storage: "Meddled", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that a storage cannot keep (a text that its database has no way to write, say) is found among its
    neighbours, which are committed."""
    commit = storage.plain.commit

    def strict(changes: Sequence[Change]) -> Sequence[Outcome]:
        if any(isinstance(put.value, Message) and put.value.content == Text("?") for c in changes for put in c.puts):
            raise UsageError("this storage has no question marks")
        return commit(changes)

    monkeypatch.setattr(storage.plain, "commit", strict)
    request = host.webhook(host.said("One"), host.said("?"), host.said("Two"))
    result = connector.handle_webhook(request)
    assert (result.reply.status, result.taken, result.kept) == (200, 2, 1)
    assert texts(connector, the_thread(connector)) == ["One", "Two"]
    (kept,) = connector.quarantine(ACME)
    assert kept.element.problem == "it cannot be stored"
    again = connector.handle_webhook(request)
    assert (again.reply.status, again.taken, again.kept) == (200, 0, 0)


def test_a_line_outside_the_apps_accounts_is_quarantined(connector: Connector, host: MemoryHost) -> None:
    """Nobody's thread is touched, whatever line it names; whoever runs the app may look at it."""
    result = connector.handle_webhook(host.webhook({**host.said("Hello"), "line": "phone-9"}, host.said("Mine")))
    assert (result.taken, result.kept) == (1, 1)
    (kept,) = connector.quarantine(ACME)
    assert "outside the accounts" in kept.element.problem
    assert "Hello" in kept.element.raw


def test_two_tenants_in_one_body_get_their_own(connector: Connector, host: MemoryHost) -> None:
    """An app may serve accounts of several tenants; each element goes to its own, and to nobody else."""
    theirs = {**host.said("For Globex"), "account": "provider-2", "line": "phone-2"}
    result = connector.handle_webhook(host.webhook(host.said("For Acme"), theirs))
    assert result.taken == 2
    assert texts(connector, the_thread(connector)) == ["For Acme"]
    (thread,) = connector.conversations(GLOBEX, GUS, unassigned=True)
    (message,) = connector.timeline(GLOBEX, GUS, thread.id).messages
    assert Text("For Globex") == message.content
    crossed = {**host.said("Whose?"), "account": "provider-1", "line": "phone-2"}
    assert connector.handle_webhook(host.webhook(crossed)).kept == 1


def test_what_cannot_be_read_is_its_own_tenants(connector: Connector, host: MemoryHost) -> None:
    """Where the element names a line, whoever has it may look; else whoever runs the app."""
    theirs = {**host.said(), "account": "provider-2", "line": "phone-2"}
    connector.handle_webhook(host.webhook(theirs, {"kind": "?"}))
    assert [len(connector.quarantine(tenant)) for tenant in (GLOBEX, ACME)] == [1, 1]


def test_a_dead_contact_store_delays_nothing_that_comes_in(connector: Connector, host: MemoryHost) -> None:
    host.contacts.down = True
    assert connector.handle_webhook(host.webhook(host.said("Hello"))).taken == 1


# --- elements that build on each other --------------------------------------------------------------------------------


def test_a_body_of_many_is_one_commit(connector: Connector, host: MemoryHost, storage: "Meddled") -> None:
    """Elements of one tenant are decided one upon the other: a new customer's messages are one person's, in one thread,
    and committed together."""
    storage.commits.clear()
    elements = [host.said(f"Message {number}") for number in range(20)]
    assert connector.handle_webhook(host.webhook(*elements)).taken == 20
    assert len(storage.commits) == 1
    assert texts(connector, the_thread(connector)) == [f"Message {number}" for number in range(20)]


def test_an_element_twice_in_one_body_is_taken_once(connector: Connector, host: MemoryHost) -> None:
    element = host.said("Hello")
    result = connector.handle_webhook(host.webhook(element, element))
    assert (result.taken, result.known) == (1, 1)


def test_a_merge_in_the_middle_of_a_body(connector: Connector, host: MemoryHost) -> None:
    """What two records were told before it, and what is said after it, is one person's: nothing is lost on the way."""
    one, two = (CARLS_NUMBER,), ("bsuid:one",)
    elements = [
        host.said("By number", sender=one),
        host.said("By BSUID", sender=two),
        host.said("Both", sender=(*one, *two)),
        host.said("STOP", sender=one),
    ]
    result = connector.handle_webhook(host.webhook(*elements))
    assert (result.taken, result.kept) == (4, 0)
    (customer,) = facts(host.storage, ACME).customers
    assert len(customer.messages) == 4
    assert [consent.conversation.value for consent in customer.consents] == ["revoked"]


def test_reports_of_one_body_find_the_message_of_it(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """By our id or by the provider's, before or after each other, and beside a message of the customer's."""
    placed = connector.send(ACME, ANA, granted, Text("Hi"))
    connector.dispatcher.run_once()
    (message,) = [m for m in connector.timeline(ACME, ANA, granted).messages if m.id == placed.message]
    named = str(message.provider_id)
    elements = [
        host.reported("read", id=named),
        host.said("Thanks"),
        host.reported("sent", id=named, message=message.id, to=[CARLS_NUMBER]),
        host.reported("delivered", id=named),
    ]
    result = connector.handle_webhook(host.webhook(*elements))
    assert (result.taken, result.known) == (2, 2)
    (found,) = [m for m in connector.timeline(ACME, ANA, granted).messages if m.id == message.id]
    assert found.status is MessageStatus.READ


def test_who_loses_to_another_process_is_decided_again(
    connector: Connector, host: MemoryHost, storage: "Meddled", say: Callable[[str], None]
) -> None:
    """Two processes take the first messages of one new customer at once: one customer, one thread, both messages."""
    storage.before_commit.append(lambda: say("By another process"))
    result = connector.handle_webhook(host.webhook(host.said("One"), host.said("Two")))
    assert (result.taken, result.known) == (2, 0)
    assert {"By another process", "One", "Two"} == set(texts(connector, the_thread(connector)))
    assert len(facts(host.storage, ACME).customers) == 1


def test_who_brings_what_another_has_just_taken_is_told_so(
    connector: Connector, beside: Connector, host: MemoryHost, storage: "Meddled"
) -> None:
    """The same body to two processes at once is taken once."""
    request = host.webhook(host.said("Hello"))
    storage.before_commit.append(lambda: beside.handle_webhook(request))
    result = connector.handle_webhook(request)
    assert (result.reply.status, result.taken, result.known) == (200, 0, 1)
    assert texts(connector, the_thread(connector)) == ["Hello"]


# --- what the host hears ----------------------------------------------------------------------------------------------


def test_what_happened_is_told_once(connector: Connector, host: MemoryHost) -> None:
    """After the commit; a retry, which changes nothing, tells nothing."""
    request = host.webhook(host.said("Hello"))
    connector.handle_webhook(request)
    assert sum(isinstance(each, MessageReceived) for each in host.happenings) == 1
    host.happenings.clear()
    connector.handle_webhook(request)
    assert host.happenings == []


def test_how_late_a_message_comes_is_measured(connector: Connector, host: MemoryHost) -> None:
    connector.handle_webhook(host.webhook(host.said("Hello", at=host.clock.now - timedelta(seconds=7))))
    assert ("webhook_lag_seconds", 7.0, {"channel": "plain"}) in host.measures


# --- order ------------------------------------------------------------------------------------------------------------


def test_two_bodies_in_the_wrong_order_give_the_same_facts(connect: Callable[..., Connector]) -> None:
    """A STOP and the START after it, a report and the one before it: whichever comes first."""
    found = []
    for order in (1, -1):
        host, connector = begun(connect)
        early = host.webhook(host.said("STOP", id="a"), host.reported("sent"))
        host.clock.advance(timedelta(seconds=5))
        late = host.webhook(host.said("START", id="b"), host.reported("read"))
        for request in [early, late][::order]:
            connector.handle_webhook(request)
        found.append(facts(host.storage, ACME))
    assert found[0] == found[1]
    (customer,) = found[0].customers
    assert {"granted"} == {consent.conversation.value for consent in customer.consents}


def begun(connect: Callable[..., Connector]) -> tuple[MemoryHost, Connector]:
    """A host that asked a customer for consent, at the same instant each time."""
    host = MemoryHost()
    connector = connect(host)
    connector.sync_templates(ACME, ACCOUNT)
    connector.ask_consent(ACME, ANA, LINE, CARL)
    connector.dispatcher.run_once()
    host.clock.advance(timedelta(minutes=10))
    return host, connector


ACCEPT = (ACCEPT_PAYLOAD, "Yes")
SENDERS = [(CARLS_NUMBER,), ("wa:16505551234",), ("bsuid:one",), ("bsuid:one", CARLS_NUMBER)]
WORDS: list[dict[str, Any]] = [{"text": text} for text in ("Yes", "no", "STOP", "START", "Hello", "HELP")]
SAID = st.builds(
    lambda sender, minutes, words: {"sender": sender, "minutes": minutes, **words},
    st.sampled_from(SENDERS),
    st.integers(-5, 5),
    st.sampled_from(
        [*WORDS, {"tap": ACCEPT}, {"image": "media-1"}, {"wants_marketing": False}, {"wants_marketing": True}]
    ),
)
REPORTED = st.sampled_from(["sent", "delivered", "read"]).map(lambda report: {"report": report})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), events=st.lists(SAID | REPORTED, min_size=1, max_size=7))
def test_events_in_any_order_and_any_bodies_give_the_same_facts(
    connect: Callable[..., Connector], data: st.DataObject, events: list[dict[str, Any]]
) -> None:
    """Messages, statuses, consent, windows and evidence do not depend on the order of arrival, on what came in one body,
    or on what came twice; and what is stored of each consent is the fold of its evidence, whose chain holds."""
    found = []
    for turn in range(2):
        host, connector = begun(connect)
        elements = [element(host, place, event) for place, event in enumerate(events)]
        together = host.said("It is I", sender=("bsuid:one", CARLS_NUMBER), id="last", at=host.clock.now)
        if turn:
            elements = data.draw(st.permutations([*elements, together]))
            elements += data.draw(st.lists(st.sampled_from(elements), max_size=3))
            cut = data.draw(st.integers(0, len(elements)))
            bodies = [elements[:cut], elements[cut:]]
        else:
            bodies = [[each] for each in (*elements, together)]
        for body in bodies:
            assert connector.handle_webhook(host.webhook(*body)).kept == 0
        hold_together(host.storage)
        found.append(facts(host.storage, ACME))
    assert found[0] == found[1]
    assert len(found[0].customers) == 1


def element(host: MemoryHost, place: int, event: dict[str, Any]) -> dict[str, Any]:
    values = dict(event)
    if "report" in values:
        return host.reported(values["report"])
    at = host.clock.now + timedelta(minutes=values.pop("minutes"))
    return host.said(**values, id=f"in-{place}", at=at)


def hold_together(storage: Storage) -> None:
    """Every chain verifies, and every consent that stands for somebody is the fold of all evidence that is his."""
    entries: dict[str, list[Any]] = {}
    for _, row in storage.scan(Scan(EVIDENCE.name, "key", (ACME,), 1000)).rows:
        entries.setdefault(row.value.customer, []).append(row.value)
    for key, row in storage.scan(Scan(CONSENT.name, "key", (ACME,), 1000)).rows:
        customer = CustomerId(str(key.parts[1]))
        own = entries.get(customer, [])
        assert verify(own, row.value.length, row.value.head) is None
        joined = [entry for other in row.value.joined for entry in entries[other]]
        assert fold([*own, *joined]) == row.value.channels
