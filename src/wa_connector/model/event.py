"""What happened: past tense, for the host and for archives.

Events carry ids and stages, never a number, a text or a provider's id; whoever may see more loads it.
"""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from wa_connector.model.consent import Purpose, Stage
from wa_connector.model.conversation import Role
from wa_connector.model.ids import (
    AccountId,
    ConversationId,
    CustomerId,
    HoldId,
    JobId,
    LineId,
    MessageId,
    TenantId,
    UserId,
)
from wa_connector.model.job import JobKind
from wa_connector.model.message import MessageStatus, NoticeKind
from wa_connector.model.routing import RoutedBy


@frozen
class CustomerSeen:
    """A person was met for the first time."""

    customer: CustomerId


@frozen
class AddressMoved:
    """An address now belongs to another customer; consent did not move with it."""

    from_customer: CustomerId
    to_customer: CustomerId


@frozen
class AddressChanged:
    """A customer has another number or user id, by the provider's own word; he is the same, and so is his consent."""

    customer: CustomerId


@frozen
class CustomersMerged:
    """Two records turned out to be one person."""

    merged: CustomerId
    survivor: CustomerId


@frozen
class ConversationOpened:
    conversation: ConversationId
    customer: CustomerId
    line: LineId
    by: UserId | None


@frozen
class ParticipantAdded:
    """A user, a team or a queue takes part."""

    conversation: ConversationId
    user: UserId
    role: Role
    by: UserId


@frozen
class ConversationTransferred:
    """It has another owner; ``from_owner`` is None when it came from the unassigned list."""

    conversation: ConversationId
    from_owner: UserId | None
    to: UserId
    by: UserId


@frozen
class ConversationTaken:
    """A user took it from the unassigned list, or from a team that he is in."""

    conversation: ConversationId
    from_owner: UserId | None
    by: UserId


@frozen
class ConversationLetGo:
    """It has no owner any longer, and stands on the unassigned list."""

    conversation: ConversationId
    from_owner: UserId
    by: UserId


@frozen
class ParticipantLeft:
    conversation: ConversationId
    user: UserId


@frozen
class ParticipantRemoved:
    conversation: ConversationId
    user: UserId
    by: UserId


@frozen
class RoleChanged:
    conversation: ConversationId
    user: UserId
    role: Role
    by: UserId


@frozen
class ConversationMuted:
    """A user wants to hear of it, or no longer."""

    conversation: ConversationId
    user: UserId
    muted: bool


@frozen
class ConversationRead:
    """A user has read further: what he has open elsewhere can count anew."""

    conversation: ConversationId
    user: UserId


@frozen
class ConversationMarkedUnread:
    """A user wants to come back to it: it counts as unread until he reads it next."""

    conversation: ConversationId
    user: UserId


@frozen
class ConversationEnded:
    """Nothing is sent in it any longer; what was held is cancelled."""

    conversation: ConversationId
    by: UserId


@frozen
class ConversationRestarted:
    """A new thread with the customer of one that had ended; ``by`` is None when what he wrote restarted it."""

    conversation: ConversationId
    restarted_from: ConversationId
    by: UserId | None


@frozen
class NoteAdded:
    """A private note among users."""

    message: MessageId
    conversation: ConversationId
    by: UserId


@frozen
class HeldEdited:
    """A held message has another content."""

    message: MessageId
    conversation: ConversationId
    by: UserId


@frozen
class HeldReordered:
    """What a conversation holds leaves in another order."""

    conversation: ConversationId
    by: UserId


@frozen
class HeldHandedOver:
    """A held message whose author left is another's to answer for."""

    message: MessageId
    conversation: ConversationId
    to: UserId


@frozen
class MessageReceived:
    """A customer wrote; ``routed_by`` is the rule that chose the thread, or the new thread's owner."""

    message: MessageId
    conversation: ConversationId
    customer: CustomerId
    routed_by: RoutedBy | None = None


@frozen
class MessageImported:
    """A message of the time before the line was connected came in."""

    message: MessageId
    conversation: ConversationId
    customer: CustomerId


@frozen
class MessageHeard:
    """Somebody heard a customer's message where it lies: in the menu of the voicemail box, say."""

    message: MessageId
    conversation: ConversationId


@frozen
class MessageGone:
    """A customer's message was removed where it lay; what is kept here stays."""

    message: MessageId
    conversation: ConversationId


@frozen
class MessageTranscribed:
    """What was said in a recording stands beside it in words."""

    message: MessageId
    conversation: ConversationId


@frozen
class MessageEchoed:
    """Somebody of the business wrote to a customer in the provider's own app."""

    message: MessageId
    conversation: ConversationId
    customer: CustomerId


@frozen
class TemplateChanged:
    """The provider has another opinion of a template. ``word`` is what it calls the change; '' for what is not told.

    What it affects: ``is_opt_in_request``, and the ``queued`` messages that use it (of many, the first hundreds). ``entry``
    as of ``AccountAlerted``: there is the reason of a rejection, for one.
    """

    account: AccountId
    name: str
    language: str
    word: str
    category: str
    quality: str
    is_opt_in_request: bool
    queued: tuple[MessageId, ...]
    entry: str = ""


@frozen
class AccountAlerted:
    """The provider tells something about an account; ``line`` where it is about one of them alone. ``topic`` and
    ``word`` are its own words for what it is about and what happened. Where it says more, the whole is kept among what
    is kept for inspection, under ``entry``."""

    account: AccountId
    line: LineId | None
    topic: str
    word: str
    entry: str = ""


@frozen
class MessageQueued:
    """A message of ours was taken; ``status`` says whether it is queued or held."""

    message: MessageId
    conversation: ConversationId
    status: MessageStatus
    notice: NoticeKind | None = None


@frozen
class MessageReleased:
    """A held message went into the queue because the window opened."""

    message: MessageId
    conversation: ConversationId


@frozen
class MessageFellBack:
    """A message goes by ``line`` instead of its thread's, being the same message there. ``code`` says why: a rule's reason,
    or the provider's code."""

    message: MessageId
    conversation: ConversationId
    line: LineId
    code: str


@frozen
class MessageStatusChanged:
    message: MessageId
    conversation: ConversationId
    status: MessageStatus
    code: str = ""
    """Of a failure: the provider's code or the reason of the rule that refused."""


@frozen
class ConsentChanged:
    customer: CustomerId
    channel: str
    purpose: Purpose
    stage: Stage


@frozen
class ReplyUnclear:
    """A customer's message looks like an answer about consent and is none that counts: a person should read it."""

    message: MessageId
    conversation: ConversationId
    customer: CustomerId


@frozen
class MediaFetched:
    message: MessageId
    conversation: ConversationId


@frozen
class LineStopped:
    """The provider no longer lets this line send; ``code`` is its word for why. Its messages wait; one of them tries
    every now and then whether that is over."""

    line: LineId
    code: str


@frozen
class LineResumed:
    """A line that was stopped sends again: a message went through, or the host said that it may."""

    line: LineId


@frozen
class BackupRestored:
    """The storage was replaced by an older copy of itself. What was in the outbox at ``until_at`` may have been sent
    since; it is parked, for a person to decide."""

    until_at: datetime


@frozen
class SettingChanged:
    """A setting of one level (``organization:`` or ``user:`` and the id) has a new value."""

    scope: str
    name: str
    by: UserId


@frozen
class Quarantined:
    """An inbound element was kept for inspection; ``entry`` is its id there."""

    entry: str
    problem: str


@frozen
class ErasureRequested:
    """A person is to be forgotten; what is queued to him will not be sent."""

    customer: CustomerId
    job: JobId
    by: UserId


@frozen
class JobHeld:
    """A legal hold forbids a job for now."""

    job: JobId
    kind: JobKind


@frozen
class CustomerForgotten:
    """Nothing that names this person is left here. The host forgets him in its own books, too."""

    customer: CustomerId
    job: JobId


@frozen
class JobFinished:
    """A job is done; ``changed`` rows were removed or emptied."""

    job: JobId
    kind: JobKind
    changed: int


@frozen
class HoldPlaced:
    """Nothing of ``subject`` (``customer:`` or ``organization:`` and the id) is removed until the hold ends."""

    subject: str
    hold: HoldId
    by: UserId


@frozen
class HoldLifted:
    """A hold ended before its time; what it delayed goes on."""

    subject: str
    hold: HoldId
    by: UserId


Happening: TypeAlias = (
    CustomerSeen
    | AddressMoved
    | AddressChanged
    | CustomersMerged
    | ConversationOpened
    | ParticipantAdded
    | ConversationTransferred
    | ConversationTaken
    | ConversationLetGo
    | ParticipantLeft
    | ParticipantRemoved
    | RoleChanged
    | ConversationMuted
    | ConversationRead
    | ConversationMarkedUnread
    | ConversationEnded
    | ConversationRestarted
    | NoteAdded
    | HeldEdited
    | HeldReordered
    | HeldHandedOver
    | MessageReceived
    | MessageImported
    | MessageHeard
    | MessageGone
    | MessageTranscribed
    | MessageEchoed
    | TemplateChanged
    | AccountAlerted
    | MessageQueued
    | MessageFellBack
    | MessageReleased
    | MessageStatusChanged
    | ConsentChanged
    | ReplyUnclear
    | MediaFetched
    | LineStopped
    | LineResumed
    | BackupRestored
    | SettingChanged
    | Quarantined
    | ErasureRequested
    | JobHeld
    | CustomerForgotten
    | JobFinished
    | HoldPlaced
    | HoldLifted
)


@frozen
class Event:
    """A happening with its place in the tenant's log. ``sequence`` is the storage's: it rises, with gaps."""

    tenant: TenantId
    sequence: int
    at: datetime
    happening: Happening
