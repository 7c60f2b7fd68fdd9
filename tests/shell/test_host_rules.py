"""Rules and readers of the host's own, under both faces."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from wa_connector import (
    ByUser,
    Connector,
    ConversationId,
    Intent,
    MessageStatus,
    Question,
    Reason,
    RemedyKind,
    ReplyUnclear,
    Signal,
    Stage,
    Text,
    Veto,
    hookimpl,
)
from wa_connector.model.consent import NO_EVIDENCE
from wa_connector.ports.rows import CONSENT, CONVERSATION
from wa_connector.testing.host import ACME, ANA, CARL, LINE, NOON, MemoryHost


class Rule:
    """A rule that says what the test tells it to."""

    def __init__(self) -> None:
        self.until_at: datetime | None = None
        self.is_on = False
        self.fails = False
        self.asked: list[Question] = []

    @hookimpl
    def wa_veto(self, question: Question) -> Veto | None:
        self.asked.append(question)
        if self.fails:
            raise RuntimeError("+16505551234 broke me")
        return Veto("quiet_hours", "It is late.", self.until_at) if self.is_on else None


@pytest.fixture(params=["direct", "aio"])
def face(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture
def rule() -> Rule:
    return Rule()


@pytest.fixture
def connector(host: MemoryHost, rule: Rule, face: str) -> Iterator[Connector]:
    with host.connector(face, [rule]) as connector:
        connector.sync_templates(ACME, host.directory.lines(ACME, ANA)[0].account.id)
        yield connector


@pytest.fixture
def thread(host: MemoryHost, connector: Connector) -> ConversationId:
    connector.handle_webhook(host.webhook(host.said("Hello")))
    return connector.conversations(ACME, ANA, unassigned=True)[0].id


def statuses(connector: Connector, thread: ConversationId) -> list[MessageStatus]:
    entries = connector.timeline(ACME, ANA, thread).messages
    return [
        entry.status
        for entry in reversed(entries)
        if isinstance(entry.author, ByUser) and isinstance(entry.content, Text)
    ]


def test_a_veto_refuses_in_the_hosts_own_words(connector: Connector, rule: Rule, thread: ConversationId) -> None:
    rule.is_on = True
    refused = connector.send(ACME, ANA, thread, Text("Hello")).decision
    assert (refused.reason, refused.sentence) == (Reason.HOST_RULE, "It is late.")
    assert refused.rules[-1] == "hosts_rules"
    assert [question.intent for question in rule.asked] == [Intent.WRITE]
    assert Reason.HOST_RULE is connector.composer(ACME, ANA, thread).write.reason


def test_one_that_ends_says_when(connector: Connector, rule: Rule, thread: ConversationId) -> None:
    rule.is_on, rule.until_at = True, NOON + timedelta(hours=8)
    (remedy,) = connector.send(ACME, ANA, thread, Text("Hello")).decision.remedies
    assert (RemedyKind.WAIT, rule.until_at) == (remedy.kind, remedy.at)


def test_it_is_asked_about_requests_too(connector: Connector, rule: Rule) -> None:
    rule.is_on = True
    assert Reason.HOST_RULE is connector.ask_consent(ACME, ANA, LINE, CARL).decision.reason
    assert Intent.ASK_CONSENT is rule.asked[-1].intent


def test_what_stands_in_the_outbox_waits_and_then_leaves(
    host: MemoryHost, connector: Connector, rule: Rule, thread: ConversationId
) -> None:
    connector.send(ACME, ANA, thread, Text("first")).or_raise()
    connector.send(ACME, ANA, thread, Text("second")).or_raise()
    rule.is_on, rule.until_at = True, NOON + timedelta(hours=1)
    connector.dispatcher.run_once()
    assert statuses(connector, thread) == [MessageStatus.QUEUED] * 2
    rule.is_on = False
    host.clock.advance(timedelta(minutes=59))
    assert connector.dispatcher.run_once() == 0, "it waits as long as it was told to"
    host.clock.advance(timedelta(minutes=1))
    connector.dispatcher.run_once()
    assert [getattr(envelope.content, "body", "") for envelope in host.transport.sent] == ["first", "second"]


def test_a_veto_without_an_end_refuses_what_stands_there(
    connector: Connector, rule: Rule, thread: ConversationId
) -> None:
    connector.send(ACME, ANA, thread, Text("first")).or_raise()
    rule.is_on = True
    connector.dispatcher.run_once()
    assert statuses(connector, thread) == [MessageStatus.REFUSED]


def test_held_messages_wait_for_the_window_and_for_the_rule(
    host: MemoryHost, connector: Connector, rule: Rule, thread: ConversationId
) -> None:
    connector.record_consent(ACME, ANA, LINE, CARL, given_at=NOON, method="paper")
    host.clock.advance(timedelta(hours=25))
    connector.send(ACME, ANA, thread, Text("held"), hold=True).or_raise()
    rule.is_on, rule.until_at = True, host.clock.now + timedelta(hours=1)
    connector.handle_webhook(host.webhook(host.said("I am back")))
    connector.dispatcher.run_once()
    assert statuses(connector, thread) == [MessageStatus.HELD]
    rule.is_on = False
    host.clock.advance(timedelta(hours=1))
    connector.dispatcher.run_once()
    assert statuses(connector, thread) == [MessageStatus.ACCEPTED]


def test_a_rule_that_fails_has_not_agreed(
    host: MemoryHost, connector: Connector, rule: Rule, thread: ConversationId, caplog: pytest.LogCaptureFixture
) -> None:
    rule.fails = True
    refused = connector.send(ACME, ANA, thread, Text("Hello")).decision
    assert (Reason.HOST_RULE, NOON + timedelta(minutes=1)) == (refused.reason, refused.remedies[0].at)
    assert len([name for name, *_ in host.measures if name == "hook_failures"]) == 1
    assert "+16505551234" not in caplog.text


def test_of_several_the_one_that_lasts_longest_speaks(host: MemoryHost, face: str) -> None:
    one, other = Rule(), Rule()
    one.is_on, one.until_at = True, NOON + timedelta(hours=1)
    other.is_on, other.until_at = True, NOON + timedelta(hours=2)
    with host.connector(face, [one, other]) as connector:
        connector.handle_webhook(host.webhook(host.said("Hello")))
        thread = connector.conversations(ACME, ANA, unassigned=True)[0].id
        assert NOON + timedelta(hours=2) == connector.send(ACME, ANA, thread, Text("Hi")).decision.remedies[0].at
        one.until_at = None
        assert connector.send(ACME, ANA, thread, Text("Hi")).decision.remedies == ()


# --- reading replies --------------------------------------------------------------------------------------------------


class Reader:
    def __init__(self, answer: Signal | None) -> None:
        self.answer = answer
        self.texts: list[str] = []

    @hookimpl
    def wa_read_reply(self, text: str) -> Signal | None:
        self.texts.append(text)
        if text == "break":
            raise RuntimeError("broken")
        return self.answer


def stage(host: MemoryHost, connector: Connector) -> Stage:
    thread = connector.conversations(ACME, ANA, unassigned=True)[0].id
    customer = host.storage.load([key := CONVERSATION.of(ACME, thread)]).rows[key].value.customer
    record = host.storage.load([key := CONSENT.of(ACME, customer)]).rows[key].value or NO_EVIDENCE
    found: Stage = record.on("plain").conversation
    return found


def test_a_host_may_read_better_than_the_word_lists(host: MemoryHost, face: str) -> None:
    reader = Reader(Signal.STOP)
    with host.connector(face, [reader]) as connector:
        connector.handle_webhook(host.webhook(host.said("leave me alone")))
        assert (reader.texts, stage(host, connector)) == (["leave me alone"], Stage.REVOKED)


@pytest.mark.parametrize("readers", [[Reader(None)], [Reader(None), Reader(Signal.STOP)]])
def test_the_first_answer_counts_and_no_answer_leaves_it_to_the_lists(readers: list[Reader], face: str) -> None:
    host = MemoryHost()
    plugins: list[Any] = list(reversed(readers))
    with host.connector(face, plugins) as connector:
        connector.handle_webhook(host.webhook(host.said("hello")))
        assert (Stage.REVOKED if len(readers) > 1 else Stage.UNKNOWN) is stage(host, connector)


def test_a_reader_that_fails_is_passed_over(host: MemoryHost, face: str) -> None:
    with host.connector(face, [Reader(Signal.STOP)]) as connector:
        result = connector.handle_webhook(host.webhook(host.said("break")))
        assert (result.taken, stage(host, connector)) == (1, Stage.UNKNOWN)


def test_what_only_looks_like_an_answer_is_shown_to_a_person(host: MemoryHost, connector: Connector) -> None:
    connector.handle_webhook(host.webhook(host.said("please stop this")))
    assert len([told for told in host.happenings if isinstance(told, ReplyUnclear)]) == 1
    assert Stage.UNKNOWN is stage(host, connector)


class Nonsense:
    """Answers with something that is no veto."""

    @hookimpl
    def wa_veto(self) -> Any:
        return "never on Sundays"


class Hanging:
    """Never answers."""

    @hookimpl
    async def wa_veto(self) -> Veto | None:
        import asyncio

        await asyncio.Event().wait()
        return None


@pytest.mark.parametrize("plugin", [Nonsense(), Hanging()])
def test_a_rule_that_talks_nonsense_or_never_answers_has_not_agreed(host: MemoryHost, plugin: object) -> None:
    """It counts as a veto of a minute, and is given up: nobody waits for it for ever."""
    with host.connector("aio", [plugin], hook_patience=timedelta(milliseconds=1)) as connector:
        connector.handle_webhook(host.webhook(host.said("Hello")))
        (thread,) = connector.conversations(ACME, ANA, unassigned=True)
        refused = connector.send(ACME, ANA, thread.id, Text("Hello")).decision
    assert refused.reason is Reason.HOST_RULE
    assert [(RemedyKind.WAIT, host.clock.now + timedelta(minutes=1))] == [
        (remedy.kind, remedy.at) for remedy in refused.remedies
    ]
    assert [labels["hook"] for name, _, labels in host.measures if name == "hook_failures"] == ["wa_veto"]
