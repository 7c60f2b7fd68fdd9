"""Recordings under both faces: fetched, put into words by the host's hook, heard and removed where they lie."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from wa_connector import (
    Connector,
    Message,
    MessageId,
    MessageTranscribed,
    Recording,
    Redact,
    Screening,
    Unavailable,
    Veto,
    Voicemail,
    hookimpl,
)
from wa_connector.model.content import Content, MediaRef, Text
from wa_connector.model.event import MessageGone, MessageHeard
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import Inbound, InboundGone, InboundHeard, InboundItem, InboundMessage, Sender
from wa_connector.testing.host import ACME, ANA, CARLS_NUMBER, ENDPOINT, GLOBEX, MemoryHost, address_of

Connect = Callable[..., Connector]
LASTS = timedelta(seconds=12)
RECORDING = Voicemail(MediaRef("audio/wav", provider_ref="1"), lasts=LASTS)


class Transcriber:
    """Says what the test tells it to."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Recording] = []

    @hookimpl
    def wa_transcribe(self, recording: Recording) -> Any:
        self.asked.append(recording)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Second(Transcriber):
    """Another one."""


class Screener:
    def __init__(self) -> None:
        self.answer: Any = None

    @hookimpl
    def wa_screen(self, screening: Screening) -> Any:
        words = screening.content.transcript if isinstance(screening.content, Voicemail) else ""
        if not words:
            return None
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def left(connector: Connector, host: MemoryHost, content: Content = RECORDING) -> None:
    receive(connector, InboundMessage(ProviderId("vm-1"), host.clock.now, Sender((address_of(CARLS_NUMBER),)), content))


def receive(connector: Connector, *items: InboundItem) -> None:
    connector.receive(ENDPOINT, [Inbound("provider-1", "phone-1", item) for item in items])


def work(connector: Connector) -> None:
    """The dispatcher until there is nothing to do now."""
    while connector.dispatcher.run_once():
        pass


def the_message(connector: Connector) -> Message:
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    (message,) = connector.timeline(ACME, ANA, thread.id).messages
    return message


def words(connector: Connector) -> str:
    content = the_message(connector).content
    assert isinstance(content, Voicemail)
    return content.transcript


def test_the_words_of_a_recording_are_asked_for_when_it_is_here(connect: Connect, host: MemoryHost) -> None:
    knows = Transcriber("  Please call back. ")
    connector = connect(host, knows)
    left(connector, host)
    work(connector)
    message = the_message(connector)
    content = message.content
    assert isinstance(content, Voicemail)
    assert content.media.is_stored
    assert content == evolve(RECORDING, media=content.media, transcript="Please call back.")
    asked = Recording(ACME, message.line, "plain", message.conversation, message.id, content.media, LASTS)
    assert [asked] == knows.asked
    assert MessageTranscribed(message.id, message.conversation) in host.happenings
    (hit,) = connector.search(ACME, ANA, "call").messages
    assert hit.id == message.id


def test_without_anybody_who_knows_nothing_is_asked(connect: Connect, host: MemoryHost) -> None:
    connector = connect(host)
    left(connector, host)
    work(connector)
    assert words(connector) == ""


def test_the_first_who_knows_is_heard_and_one_that_fails_stops_nobody(connect: Connect, host: MemoryHost) -> None:
    """The one registered last is asked first."""
    connector = connect(host, Transcriber("Hello"), Second(RuntimeError("down")))
    left(connector, host)
    work(connector)
    assert words(connector) == "Hello"


def test_who_fails_is_asked_again_and_the_entry_is_there_meanwhile(connect: Connect, host: MemoryHost) -> None:
    connector = connect(host, Transcriber(RuntimeError("down"), 7, "At last"))
    left(connector, host)
    for _ in range(3):
        work(connector)
        assert isinstance(the_message(connector).content, Voicemail)
        host.clock.advance(timedelta(hours=1))
    assert words(connector) == "At last"


def test_words_that_come_later_are_handed_over(connect: Connect, host: MemoryHost) -> None:
    """Also where the hook answered None; better ones take the place of some."""
    connector = connect(host, Transcriber(None))
    left(connector, host)
    work(connector)
    message = the_message(connector).id
    assert connector.add_transcript(ACME, message, "Call bag")
    assert connector.add_transcript(ACME, message, "Call back")
    assert words(connector) == "Call back"
    assert not connector.add_transcript(ACME, MessageId("nobody's"), "Hello")
    assert not connector.add_transcript(GLOBEX, message, "Hello")


def test_words_that_came_before_the_hook_was_asked_are_not_asked_for(connect: Connect, host: MemoryHost) -> None:
    knows = Transcriber("From the hook")
    connector = connect(host, knows)
    left(connector, host)
    connector.dispatcher.run_once()  # Fetched, and not asked yet.
    connector.add_transcript(ACME, the_message(connector).id, "By hand")
    host.clock.advance(timedelta(hours=1))
    work(connector)
    assert (words(connector), knows.asked) == ("By hand", [])


def test_screeners_see_the_words_first(connect: Connect, host: MemoryHost) -> None:
    screener = Screener()
    connector = connect(host, screener)
    left(connector, host)
    work(connector)
    message = the_message(connector).id
    screener.answer = Veto("words", "Not this.")
    assert connector.add_transcript(ACME, message, "4111 1111")
    assert words(connector) == ""
    screener.answer = RuntimeError("down")
    with pytest.raises(Unavailable, match="screener"):
        connector.add_transcript(ACME, message, "4111 1111")
    screener.answer = Redact("cards", Text("****"))
    assert connector.add_transcript(ACME, message, "4111 1111")
    assert words(connector) == "****"


def test_a_screener_that_cannot_be_asked_makes_the_words_wait(connect: Connect, host: MemoryHost) -> None:
    screener = Screener()
    screener.answer = RuntimeError("down")
    connector = connect(host, screener, Transcriber("Hello", "Hello"))
    left(connector, host)
    work(connector)
    assert words(connector) == ""
    screener.answer = None
    host.clock.advance(timedelta(hours=1))
    work(connector)
    assert words(connector) == "Hello"


def test_what_was_heard_and_removed_in_the_box_is_told_here(connect: Connect, host: MemoryHost) -> None:
    connector = connect(host)
    left(connector, host)
    for item in (InboundHeard, InboundGone, InboundHeard):
        receive(connector, item(ProviderId("vm-1"), host.clock.now))
    message = the_message(connector)
    assert (message.heard_at, message.gone_at) == (host.clock.now, host.clock.now)
    assert [MessageHeard(message.id, message.conversation), MessageGone(message.id, message.conversation)] == [
        each for each in host.happenings if isinstance(each, MessageHeard | MessageGone)
    ]


def test_a_box_read_all_at_once_is_told_once(connect: Connect, host: MemoryHost) -> None:
    """Messages and what became of them in one go, and the same again."""
    connector = connect(host)
    sender, at = Sender((address_of(CARLS_NUMBER),)), host.clock.now
    items: list[InboundItem] = []
    for n in range(4):
        items += [
            InboundMessage(ProviderId(f"vm-{n}"), at, sender, RECORDING),
            InboundHeard(ProviderId(f"vm-{n}"), at),
        ]
    for _ in range(2):
        receive(connector, *items)
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    messages = connector.timeline(ACME, ANA, thread.id).messages
    assert [message.heard_at for message in messages] == [at] * 4
    assert connector.inbox(ACME, ANA, unassigned=True).entries[0].unread == 0
