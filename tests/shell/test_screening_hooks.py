"""Screeners and names of the host's own, under both faces: what they change, and what becomes of those that fail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from wa_connector import (
    ByCustomer,
    Connector,
    ConversationId,
    Direction,
    Image,
    LineId,
    Message,
    MessageStatus,
    Reason,
    Redact,
    RemedyKind,
    Screening,
    TemplateMessage,
    Text,
    Unscreened,
    UserId,
    Veto,
    Withheld,
    hookimpl,
)
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, LINE, MemoryHost

Connect = Callable[..., Connector]
CARD, SAFE = Text("4111 1111"), Text("**** ****")
LOOK = timedelta(minutes=2)


class Screener:
    """Says what the test tells it to: an answer, a function of what it is shown, or an error to raise."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.seen: list[Screening] = []

    @hookimpl
    def wa_screen(self, screening: Screening) -> Any:
        self.seen.append(screening)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(screening) if callable(self.answer) else self.answer


class Second(Screener):
    """Another one, so that it can be told apart."""


def cards(screening: Screening) -> Redact | None:
    return Redact("cards", SAFE) if screening.content == CARD else None


def no_stars(screening: Screening) -> Veto | None:
    return Veto("stars", "No stars.") if screening.content == SAFE else None


@pytest.fixture
def screener() -> Screener:
    return Screener()


@pytest.fixture
def connector(connect: Connect, host: MemoryHost, screener: Screener) -> Connector:
    made = connect(host, screener)
    made.sync_templates(ACME, ACCOUNT)
    return made


def mine(connector: Connector, thread: ConversationId) -> Message:
    """What the user wrote last."""
    return next(each for each in connector.timeline(ACME, ANA, thread).messages if each.sender == ANA)


def theirs(connector: Connector, thread: ConversationId) -> Message:
    return next(each for each in connector.timeline(ACME, ANA, thread).messages if each.author == ByCustomer())


def test_what_a_user_writes_leaves_redacted(
    connector: Connector, host: MemoryHost, granted: ConversationId, screener: Screener
) -> None:
    """Stored so, with the rule's name, sent so, and shown to the screener again before it leaves."""
    screener.answer, screener.seen = cards, []
    connector.send(ACME, ANA, granted, CARD).or_raise()
    assert (mine(connector, granted).content, mine(connector, granted).redacted_by) == (SAFE, ("cards",))
    connector.dispatcher.run_once()
    assert [each.content for each in host.transport.sent] == [SAFE]
    assert [each.content for each in screener.seen] == [CARD, SAFE]
    first = screener.seen[0]
    assert (Direction.OUT, ANA, granted, LINE) == (first.direction, first.user, first.conversation, first.line)
    assert "4111" not in repr(first)


def test_what_is_blocked_is_refused_with_the_screeners_own_sentence(
    connector: Connector, granted: ConversationId, screener: Screener
) -> None:
    screener.answer = Veto("dlp", "Card numbers stay here.")
    refused = connector.send(ACME, ANA, granted, CARD).decision
    assert (refused.reason, refused.sentence) == (Reason.CONTENT_BLOCKED, "Card numbers stay here.")
    assert [remedy.kind for remedy in refused.remedies] == [RemedyKind.CORRECT_CONTENT]


def test_every_screener_is_asked_about_what_the_one_before_left_and_any_veto_wins(
    connect: Connect, host: MemoryHost, granted: ConversationId
) -> None:
    first, second = Screener(cards), Second(no_stars)
    connector = connect(host, second, first)  # the one registered last is asked first, as everywhere in pluggy
    assert connector.send(ACME, ANA, granted, CARD).decision.sentence == "No stars."
    assert [each.content for each in (*first.seen, *second.seen)] == [CARD, SAFE]


def test_somebody_with_no_part_in_it_learns_nothing_of_the_screeners(
    connector: Connector, granted: ConversationId, screener: Screener
) -> None:
    screener.answer = Veto("dlp", "Card numbers stay here.")
    assert connector.send(ACME, BEN, granted, CARD).decision.reason is Reason.NOT_A_PARTICIPANT


@pytest.mark.parametrize("answer", [ValueError("4111"), "fine", Redact("?", TemplateMessage("sale", "en")), True])
@pytest.mark.parametrize("unscreened", Unscreened)
def test_a_screener_that_fails_counts_as_the_organization_declared(
    connect: Connect, answer: Any, unscreened: Unscreened, caplog: pytest.LogCaptureFixture
) -> None:
    """Held back, it may be tried again in a minute; what was queued waits. Let through, it leaves as it is."""
    host, screener = MemoryHost(settings={"unscreened": unscreened}), Screener()
    connector = connect(host, screener)
    thread = consented(connector, host)
    connector.send(ACME, ANA, thread, Text("queued before")).or_raise()
    screener.answer = answer
    placed = connector.send(ACME, ANA, thread, CARD)
    connector.dispatcher.run_once()
    if unscreened is Unscreened.LET_THROUGH:
        assert [Text("queued before"), CARD] == [each.content for each in host.transport.sent]
    else:
        assert placed.decision.reason is Reason.CONTENT_BLOCKED
        assert [remedy.kind for remedy in placed.decision.remedies] == [RemedyKind.WAIT]
        assert host.transport.sent == []
        screener.answer = None
        host.clock.advance(LOOK)
        connector.dispatcher.run_once()
        assert [Text("queued before")] == [each.content for each in host.transport.sent]
    assert {"plugin": "Screener", "hook": "wa_screen"} in [
        labels for name, _, labels in host.measures if name == "hook_failures"
    ]
    assert "4111" not in caplog.text


def consented(connector: Connector, host: MemoryHost) -> ConversationId:
    """A thread of Ana's with a customer who agreed, and nothing left to be sent."""
    from wa_connector.testing.host import CARL

    connector.sync_templates(ACME, ACCOUNT)
    placed = connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
    assert placed.conversation is not None
    connector.dispatcher.run_once()
    host.clock.advance(timedelta(seconds=10))
    connector.handle_webhook(host.webhook(host.said("Yes")))
    connector.dispatcher.run_once()
    host.transport.sent.clear()
    return placed.conversation


def test_a_screener_that_never_answers_is_given_up(host: MemoryHost) -> None:
    class Hanging:
        is_on = False

        @hookimpl
        async def wa_screen(self) -> None:
            import asyncio

            if self.is_on:
                await asyncio.Event().wait()

    screener = Hanging()
    with host.connector("aio", [screener], hook_patience=timedelta(milliseconds=1)) as connector:
        thread = consented(connector, host)
        screener.is_on = True
        assert connector.send(ACME, ANA, thread, CARD).decision.reason is Reason.CONTENT_BLOCKED
        screener.is_on = False
        assert connector.send(ACME, ANA, thread, CARD).is_taken


def test_an_edit_of_what_is_held_is_screened(
    connector: Connector, host: MemoryHost, granted: ConversationId, screener: Screener
) -> None:
    host.clock.advance(timedelta(hours=25))
    held = connector.send(ACME, ANA, granted, Text("Hi"), hold=True).or_raise()
    assert held.message is not None
    screener.answer = cards
    connector.edit_held(ACME, ANA, granted, held.message, CARD).or_raise()
    assert mine(connector, granted).content == SAFE
    screener.answer = Veto("dlp", "No.")
    assert connector.edit_held(ACME, ANA, granted, held.message, CARD).decision.reason is Reason.CONTENT_BLOCKED
    assert connector.edit_held(ACME, BEN, granted, held.message, CARD).decision.reason is Reason.NOT_A_PARTICIPANT
    connector.handle_webhook(host.webhook(host.said("Hello")))
    connector.dispatcher.run_once()
    assert mine(connector, granted).status is MessageStatus.REFUSED


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_what_a_customer_writes_is_shown_as_the_screeners_leave_it(
    connector: Connector, host: MemoryHost, granted: ConversationId, screener: Screener
) -> None:
    screener.answer, screener.seen = cards, []
    connector.handle_webhook(host.webhook(host.said(CARD.body)))
    assert (theirs(connector, granted).content, theirs(connector, granted).redacted_by) == (SAFE, ("cards",))
    (shown,) = screener.seen
    assert (shown.direction, shown.user, shown.conversation) == (Direction.IN, None, None)
    screener.answer = Veto("dlp", "This was withheld.")
    connector.handle_webhook(host.webhook(host.said(CARD.body)))
    assert Withheld("dlp", "This was withheld.") == theirs(connector, granted).content
    assert connector.quarantine(ACME) == ()


def test_no_screener_stands_between_a_customer_and_his_stop(
    connector: Connector, host: MemoryHost, granted: ConversationId, screener: Screener
) -> None:
    """Not even one that fails; and then nobody has decided to lose what he wrote: an administrator finds it."""
    screener.answer = OSError()
    connector.handle_webhook(host.webhook(host.said("STOP")))
    assert connector.send(ACME, ANA, granted, Text("Hi")).decision.reason is Reason.CONSENT_REVOKED
    (kept,) = connector.quarantine(ACME)
    assert "STOP" in kept.element.raw
    assert isinstance(theirs(connector, granted).content, Withheld)


def test_calls_and_what_cannot_be_shown_are_not_screened(
    connector: Connector, host: MemoryHost, granted: ConversationId, screener: Screener
) -> None:
    screener.seen = []
    connector.handle_webhook(host.webhook(host.said(kind="reaction")))
    assert screener.seen == []
    assert theirs(connector, granted).redacted_by == ()


def test_a_picture_is_screened_when_its_file_is_here(
    connector: Connector, host: MemoryHost, granted: ConversationId, screener: Screener
) -> None:
    """While nobody can screen it, it is fetched again later."""
    connector.handle_webhook(host.webhook(host.said(image="picture-1")))
    screener.answer, screener.seen = OSError(), []
    connector.dispatcher.run_once()
    content = theirs(connector, granted).content
    assert isinstance(content, Image)
    assert not content.media.is_stored
    screener.answer = Veto("faces", "No faces.")
    host.clock.advance(LOOK)
    connector.dispatcher.run_once()
    assert Withheld("faces", "No faces.") == theirs(connector, granted).content
    assert all(isinstance(each.content, Image) and each.content.media.is_stored for each in screener.seen)


# --- names ------------------------------------------------------------------------------------------------------------


class Namer:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    @hookimpl
    def wa_sender_name(self, user: UserId, line: LineId) -> Any:
        assert (user, line) == (ANA, LINE)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("Ms. A", "Ms. A: Hi"), ("", "Hi"), (None, "Ana: Hi"), (ValueError(), "Ana: Hi"), (7, "Ana: Hi")],
)
def test_customers_read_who_writes_where_the_organization_signs(connect: Connect, answer: Any, expected: str) -> None:
    """Under the name that the host gives, else the directory's; users read what was written."""
    host = MemoryHost(settings={"sign_messages": True})
    connector = connect(host, Namer(answer))
    thread = consented(connector, host)
    connector.send(ACME, ANA, thread, Text("Hi")).or_raise()
    connector.send(ACME, ANA, thread, TemplateMessage("hello", "en", {"body.1": "Carl"})).or_raise()
    connector.dispatcher.run_once()
    text, template = (each.content for each in host.transport.sent)
    assert Text(expected) == text
    assert isinstance(template, TemplateMessage)
    entries = [each for each in connector.timeline(ACME, ANA, thread).messages if each.content == Text("Hi")]
    assert [expected.removesuffix("Hi")] == [each.signature for each in entries]


def test_elsewhere_nobody_is_asked_for_a_name(connect: Connect, host: MemoryHost) -> None:
    connector = connect(host, Namer(AssertionError()))
    thread = consented(connector, host)
    connector.send(ACME, ANA, thread, Text("Hi")).or_raise()
    connector.dispatcher.run_once()
    assert [Text("Hi")] == [each.content for each in host.transport.sent]
    assert "hook_failures" not in [name for name, _, _ in host.measures]
