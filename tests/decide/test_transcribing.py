"""The words of a recording: asked for when it is here, noted whenever they come."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide.delivering import RecordFetch, record_fetch
from wa_connector.decide.transcribing import MOST_TRIES, NoteTranscript, ask_later, note_transcript
from wa_connector.model.content import Content, Image, MediaRef, Text, Voicemail
from wa_connector.model.event import MediaFetched, MessageTranscribed
from wa_connector.model.ids import MessageId
from wa_connector.model.message import Message
from wa_connector.model.outbound import Fetched
from wa_connector.model.queue import Work

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

STORED = MediaRef("audio/wav", sha256="ab" * 32, size=3)
RECORDING = Voicemail(MediaRef("audio/wav", provider_ref="1"), lasts=timedelta(seconds=12))


def fetched(desk: "Desk", content: Content = RECORDING, *, wants_words: bool = True) -> Message:
    message = desk.receive(content)
    lane = desk.lane(message.customer, Work.FETCH)
    desk.do(record_fetch, RecordFetch(desk.ground(), lane, message.id, Fetched(STORED), wants_words=wants_words))
    return desk.stored(message.id)


def test_words_are_asked_for_once_the_recording_is_here(desk: "Desk") -> None:
    message = fetched(desk)
    entry = desk.entry(message, Work.TRANSCRIBE)
    assert entry is not None
    assert (entry.due_at, entry.customer) == (desk.now, message.customer)
    assert (MediaFetched(message.id, message.conversation),) == desk.told


@pytest.mark.parametrize(
    ("content", "wants_words"),
    [
        (RECORDING, False),
        (Image(MediaRef("image/png", provider_ref="1")), True),
        (evolve(RECORDING, transcript="Hi"), True),
    ],
)
def test_nothing_is_asked_where_nobody_knows_or_nothing_is_said(
    desk: "Desk", content: Content, wants_words: bool
) -> None:
    assert desk.entry(fetched(desk, content, wants_words=wants_words), Work.TRANSCRIBE) is None


def test_the_words_stand_beside_the_recording(desk: "Desk") -> None:
    message = fetched(desk)
    take = desk.taking(message, work=Work.TRANSCRIBE)
    assert desk.do(note_transcript, NoteTranscript(message.id, "Please call back", take))
    assert desk.entry(message, Work.TRANSCRIBE) is None
    assert desk.stored(message.id).content == evolve(RECORDING, media=STORED, transcript="Please call back")
    assert (MessageTranscribed(message.id, message.conversation),) == desk.told


def test_no_words_end_the_asking_and_better_ones_may_come_later(desk: "Desk") -> None:
    message = fetched(desk)
    assert desk.do(note_transcript, NoteTranscript(message.id, "", desk.taking(message, work=Work.TRANSCRIBE)))
    assert desk.entry(message, Work.TRANSCRIBE) is None
    assert desk.stored(message.id) == message
    for words in ("Call bag", "Call back"):
        assert desk.do(note_transcript, NoteTranscript(message.id, words))
    assert desk.stored(message.id).content == evolve(RECORDING, media=STORED, transcript="Call back")
    assert desk.do(note_transcript, NoteTranscript(message.id, "Call back"))
    assert desk.told == ()


def test_only_a_recording_has_words(desk: "Desk") -> None:
    message = desk.receive(Text("Hello"))
    assert not desk.do(note_transcript, NoteTranscript(message.id, "Hello"))
    assert not desk.do(note_transcript, NoteTranscript(MessageId("nobody's"), "Hello"))
    assert desk.stored(message.id) == message


def test_who_could_not_answer_is_asked_again_a_few_times(desk: "Desk") -> None:
    message = fetched(desk)
    take, waits = desk.taking(message, work=Work.TRANSCRIBE), []
    for _ in range(MOST_TRIES - 1):
        desk.do(ask_later, take)
        entry = desk.entry(message, Work.TRANSCRIBE)
        assert entry is not None
        waits.append(entry.due_at - desk.now)
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(seconds=4)
    desk.do(ask_later, take)
    assert desk.entry(message, Work.TRANSCRIBE) is None
    desk.do(ask_later, take)
