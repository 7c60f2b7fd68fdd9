"""What becomes of a customer's message where it lies, by another way than this one: heard in the menu of a voicemail box,
or removed there.

Theory: a word about a message may come before the message, and more than once. So it is marked under the provider's id, and
a recording that comes in looks its marks up. Heard stays heard, and gone stays gone; the instant is that of the first word.
What was removed there stays here: whoever knows the number of a box empties no record. How long that is kept, the settings
and the jobs say that keep everything else.
"""

from typing import Final

from attrs import evolve, frozen

from wa_connector.decide.draft import Draft, once
from wa_connector.decide.ground import Ground
from wa_connector.decide.receiving import gone_mark, heard_mark, inbound_mark
from wa_connector.decide.threads import is_news
from wa_connector.model.content import Erased, Voicemail, Withheld
from wa_connector.model.conversation import UNASSIGNED, Conversation
from wa_connector.model.event import MessageGone, MessageHeard
from wa_connector.model.ids import MessageId
from wa_connector.model.inbound import InboundGone, InboundHeard
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import Message
from wa_connector.policy.membership import shows
from wa_connector.ports.rows import CONVERSATION, LISTING, MESSAGE
from wa_connector.ports.storage import Range

MOST_AFTER: Final = 1000
"""In a thread with more than these behind what was read last, hearing one takes nothing off its count."""


@frozen
class ReceiveHeard:
    ground: Ground
    item: InboundHeard


@frozen
class ReceiveGone:
    ground: Ground
    item: InboundGone


def receive_heard(draft: Draft, command: ReceiveHeard) -> MessageId | None:
    """Note that a message was heard, and take it off what its thread's owner has not read; None where it is not here
    (yet)."""
    ground, item = command.ground, command.item
    line, at = ground.setup.line.id, ground.credible(item.at, draft.now)
    once(draft, heard_mark(draft.tenant, line, item.provider_id), str(to_microseconds(at)))
    message = _found(draft, inbound_mark(draft.tenant, line, item.provider_id))
    if message is None or message.heard_at is not None or not _is_recording(message):
        return None
    draft.put(MESSAGE.of(draft.tenant, message.id), evolve(message, heard_at=at))
    draft.tell(MessageHeard(message.id, message.conversation))
    _count_out(draft, message)
    return message.id


def receive_gone(draft: Draft, command: ReceiveGone) -> MessageId | None:
    """Note that a message was removed where it lay; None where it is not here (yet)."""
    ground, item = command.ground, command.item
    line, at = ground.setup.line.id, ground.credible(item.at, draft.now)
    once(draft, gone_mark(draft.tenant, line, item.provider_id), str(to_microseconds(at)))
    message = _found(draft, inbound_mark(draft.tenant, line, item.provider_id))
    if message is None or not _is_recording(message):
        return None
    draft.put(MESSAGE.of(draft.tenant, message.id), evolve(message, gone_at=at))
    draft.tell(MessageGone(message.id, message.conversation))
    return message.id


def _found(draft: Draft, mark: str) -> Message | None:
    """The message that was taken under this mark; None where none was, or where it is kept no longer."""
    known = draft.is_known(mark)
    message: Message | None = draft.get(MESSAGE.of(draft.tenant, MessageId(known))) if known else None
    return message


def _is_recording(message: Message) -> bool:
    """Whether it lies elsewhere as well: a recording does, or what stands in the place of one."""
    return isinstance(message.content, Voicemail | Withheld | Erased)


def _count_out(draft: Draft, heard: Message) -> None:
    """Count what the thread's owner (or the unassigned list) has not read without what was heard: the box is his."""
    thread: Conversation = draft.get(CONVERSATION.of(draft.tenant, heard.conversation))
    name = thread.owner or UNASSIGNED
    key = LISTING.of(draft.tenant, name, thread.id)
    counts = draft.merged(key)
    read_to = (counts.get("read_at", 0) + 1, "")
    after = Range("message", "timeline", (draft.tenant, thread.id), MOST_AFTER, after=read_to)
    behind: list[Message] = [entry for _, entry in draft.glimpse(after)]
    if len(behind) < MOST_AFTER:
        unread = sum(
            entry.id != heard.id and is_news(entry, name) and shows(thread, name, entry.at) for entry in behind
        )
        draft.merge(key, seen=max(0, counts.get("arrived", 0) - unread))
