"""The words of a recording: asked of the host when the recording is here, and noted whenever they come.

Theory: what was said in a recording is somebody's opinion of it, so it is evidence of nothing, folds no consent and opens
nothing; it stands beside the recording, and is found by a search. An entry of the outbox stays until somebody has answered,
so that a crash asks again. What a screener blocks of the words is left out; the recording stays what it was.
"""

from typing import Final

from attrs import evolve, frozen

from wa_connector.decide.delivering import Take, backoff
from wa_connector.decide.draft import Draft
from wa_connector.model.content import Voicemail
from wa_connector.model.event import MessageTranscribed
from wa_connector.model.ids import MessageId
from wa_connector.model.message import Message
from wa_connector.model.queue import OutboxEntry, Work
from wa_connector.ports.rows import MESSAGE, OUTBOX

MOST_TRIES: Final = 5


@frozen
class NoteTranscript:
    """``words`` are what is to stand beside the recording; '' for none, and then nobody is asked again. ``take`` is the
    look at the entry that asked for them; None of words that come by themselves."""

    message: MessageId
    words: str
    take: Take | None = None


def note_transcript(draft: Draft, command: NoteTranscript) -> bool:
    """Put the words beside the recording; the last ones count. Returns whether there is such a recording."""
    if command.take is not None:
        draft.under(command.take.lane.key, command.take.lane.fence)
    message: Message | None = draft.get(MESSAGE.of(draft.tenant, command.message))
    draft.discard(OUTBOX.of(draft.tenant, Work.TRANSCRIBE.value, command.message))
    if message is None or not isinstance(message.content, Voicemail):
        return False
    if command.words and command.words != message.content.transcript:
        noted = evolve(message.content, transcript=command.words)
        draft.put(MESSAGE.of(draft.tenant, message.id), evolve(message, content=noted))
        draft.tell(MessageTranscribed(message.id, message.conversation))
    return True


def ask_later(draft: Draft, take: Take) -> None:
    """Nobody could answer: ask again later, a few times."""
    draft.under(take.lane.key, take.lane.fence)
    key = OUTBOX.of(draft.tenant, Work.TRANSCRIBE.value, take.message)
    entry: OutboxEntry | None = draft.get(key)
    if entry is None:
        return
    tried = evolve(entry, attempts=entry.attempts + 1)
    if tried.attempts >= MOST_TRIES:
        draft.delete(key)
        return
    draft.put(key, evolve(tried, due_at=draft.now + backoff(take.message, tried)))
