"""Pictures that are made to fit before they are sent, under both faces: what the customer gets, and what becomes of a
converter that refuses, fails or is away."""

from collections.abc import Callable
from typing import Any

import pytest

from wa_connector import (
    Button,
    Buttons,
    Connector,
    Content,
    ConversationId,
    Image,
    MediaLimits,
    MediaRef,
    Reason,
    RemedyKind,
    Screening,
    TemplateMessage,
    Text,
    hookimpl,
    media_of,
)
from wa_connector.model.content import pictures_of
from wa_connector.ports.media import Converted, NotConverted
from wa_connector.shell import converting
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, MemoryHost

Connect = Callable[..., Connector]
HEIC, MADE = b"\0\0\0\x1cftypheic", b"small"


class Converter:
    """Says what the test tells it to, and keeps what it was shown."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.shown: list[tuple[bytes, str, MediaLimits]] = []

    @hookimpl
    def wa_media_converter(self) -> "Converter":
        return self

    def convert(self, content: bytes, mime_type: str, limits: MediaLimits) -> Any:
        self.shown.append((content, mime_type, limits))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def converter() -> Converter:
    return Converter(Converted(MADE, "image/png"))


@pytest.fixture
def connector(connect: Connect, host: MemoryHost, converter: Converter) -> Connector:
    made = connect(host, converter)
    made.sync_templates(ACME, ACCOUNT)
    return made


def stored(host: MemoryHost, content: bytes = HEIC, mime_type: str = "image/heic") -> MediaRef:
    return host.wa_media_store().put(ACME, iter([content]), mime_type, 10**9)


def bytes_of(host: MemoryHost, media: MediaRef) -> bytes:
    return b"".join(host.wa_media_store().read(ACME, media) or ())


def sent(host: MemoryHost, connector: Connector) -> list[Content]:
    connector.dispatcher.run_once()
    return [envelope.content for envelope in host.transport.sent]


def test_the_customer_gets_what_was_made_of_a_picture(
    connector: Connector, host: MemoryHost, granted: ConversationId, converter: Converter
) -> None:
    """And so does the timeline; the file that was handed in stays for whoever sends it elsewhere."""
    original = stored(host)
    connector.send(ACME, ANA, granted, Image(original, "look")).or_raise()
    (arrived,) = sent(host, connector)
    assert isinstance(arrived, Image)
    assert (arrived.caption, arrived.media.mime_type, arrived.media.size) == ("look", "image/png", len(MADE))
    assert bytes_of(host, arrived.media) == MADE
    assert bytes_of(host, original) == HEIC
    assert media_of(connector.timeline(ACME, ANA, granted).messages[0].content) == arrived.media
    assert converter.shown == [(HEIC, "image/heic", host.channel.capabilities.images)]


def test_headers_are_made_to_fit_as_well(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    header = Image(stored(host))
    connector.send(ACME, ANA, granted, Buttons("Choose", (Button("a", "A"),), header)).or_raise()
    (arrived,) = sent(host, connector)
    assert [each.mime_type for each in pictures_of(arrived)] == ["image/png"]


def test_a_held_message_that_is_edited_has_its_picture_made_to_fit(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    from datetime import timedelta

    host.clock.advance(timedelta(days=2))
    held = connector.send(ACME, ANA, granted, Text("later"), hold=True).or_raise()
    assert held.message is not None
    connector.edit_held(ACME, ANA, granted, held.message, Image(stored(host))).or_raise()
    kept = media_of(connector.timeline(ACME, ANA, granted).messages[0].content)
    assert kept is not None
    assert kept.mime_type == "image/png"


def test_screeners_see_what_will_be_sent(connect: Connect, host: MemoryHost, granted: ConversationId) -> None:
    seen = []

    class Screener:
        @hookimpl
        def wa_screen(self, screening: Screening) -> None:
            seen.append(screening.content)

    connector = connect(host, Converter(Converted(MADE, "image/png")), Screener())
    connector.send(ACME, ANA, granted, Image(stored(host))).or_raise()
    assert [media.mime_type for content in seen if (media := media_of(content))] == ["image/png"]


def test_what_cannot_be_made_to_fit_is_refused_with_the_remedy(
    connector: Connector, host: MemoryHost, granted: ConversationId, converter: Converter
) -> None:
    converter.answer = NotConverted("Send a smaller one.")
    refused = connector.send(ACME, ANA, granted, Image(stored(host, b"png", "image/png"))).decision
    assert (refused.reason, refused.sentence) == (Reason.CONTENT_BLOCKED, "Send a smaller one.")
    assert [remedy.kind for remedy in refused.remedies] == [RemedyKind.CORRECT_CONTENT]
    other = connector.send(ACME, BEN, granted, Image(stored(host, b"png", "image/png"))).decision
    assert other.reason is Reason.NOT_A_PARTICIPANT


@pytest.mark.parametrize("answer", [None, ValueError("numbers and names"), Converted(bytes(2000), "image/png")])
def test_what_is_left_as_it_is_is_judged_by_the_rules(
    connector: Connector,
    host: MemoryHost,
    granted: ConversationId,
    converter: Converter,
    answer: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A converter that fails, or makes more than the channel takes, stops nobody: what would have fitted anyway leaves."""
    converter.answer = answer
    refused = connector.send(ACME, ANA, granted, Image(stored(host))).decision
    assert refused.reason is Reason.MEDIA_TYPE
    fitting = stored(host, b"png", "image/png")
    connector.send(ACME, ANA, granted, Image(fitting)).or_raise()
    assert sent(host, connector) == [Image(fitting)]
    assert "names" not in caplog.text
    assert [name for name, *_ in host.measures].count("hook_failures") == (0 if answer is None else 2)


def test_a_picture_of_no_end_is_not_read(
    connector: Connector,
    host: MemoryHost,
    granted: ConversationId,
    converter: Converter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(converting, "LARGEST", 10)
    large = stored(host, bytes(11))
    assert connector.send(ACME, ANA, granted, Image(large)).decision.reason is Reason.MEDIA_TYPE
    connector.send(ACME, ANA, granted, TemplateMessage("hello", "en", {"header.image": large.sha256}))
    assert converter.shown == []


def test_a_file_that_is_gone_is_left_to_the_transport(
    connector: Connector, host: MemoryHost, granted: ConversationId, converter: Converter
) -> None:
    gone = Image(MediaRef("image/png", "ab" * 32, 3))
    connector.send(ACME, ANA, granted, gone).or_raise()
    assert sent(host, connector) == [gone]
    assert converter.shown == []


def test_the_asynchronous_face_takes_its_own(connect: Connect, host: MemoryHost, face: str) -> None:
    """An asynchronous converter is preferred there; the synchronous face takes the plain one beside it."""

    class Native:
        @hookimpl
        def wa_async_media_converter(self) -> "Native":
            return self

        async def convert(self, content: bytes, _mime_type: str, _limits: MediaLimits) -> Converted:
            return Converted(b"native " + content, "image/png")

    connector = connect(host, Native(), Converter(Converted(b"plain", "image/png")))
    connector.sync_templates(ACME, ACCOUNT)
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    connector.send(ACME, ANA, thread.id, Image(stored(host))).or_raise()
    (arrived,) = (media for content in sent(host, connector) if (media := media_of(content)))
    expected = b"plain" if face == "direct" else b"native " + HEIC
    assert bytes_of(host, arrived) == expected
