"""Settings: the parameters of every rule, with their defaults.

An organization or a user overrides single settings by name; ``policy.settings`` folds the path. What is changed at run
time is kept with its author and its instant, so that "why was this allowed in March" has an answer.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from attrs import frozen

from wa_connector.model.consent import Purpose
from wa_connector.model.ids import UserId
from wa_connector.model.window import WindowRule


class RevocationScope(Enum):
    """What a STOP on one channel revokes."""

    CHANNEL = "channel"
    ALL = "all"


class UnknownOutcome(Enum):
    """What becomes of a message whose outcome stayed unknown past the grace period."""

    PARK = "park"
    RESEND = "resend"


class ReadReceipts(Enum):
    """When the customer is shown that what he wrote was read."""

    FIRST_READER = "first_reader"
    """When one of those who take part has read it."""
    OWNER = "owner"
    """When the owner has."""
    NEVER = "never"


class Newcomers(Enum):
    """What somebody sees who joins a conversation that others began."""

    EVERYTHING = "everything"
    FROM_JOINING = "from_joining"


class EndedThreads(Enum):
    """What a customer's message begins when no thread with him is open."""

    NEW = "new"
    """A new thread, routed like a first one."""
    FOR_LAST_OWNER = "for_last_owner"
    """A thread that goes on from the ended one, for whoever owned it; routed like a first one when he cannot take it."""
    UNASSIGNED = "unassigned"
    """A thread that goes on from the ended one, on the unassigned list."""


class Unscreened(Enum):
    """What becomes of a message when a screener cannot be asked."""

    HOLD_BACK = "hold_back"
    """It waits (ours), or is shown to nobody until it was looked at (a customer's)."""
    LET_THROUGH = "let_through"


class PushShows(Enum):
    """What a push notice may show: it passes through the makers of telephones."""

    NOTHING = "nothing"
    SENDER = "sender"
    """Who wrote."""
    TEXT = "text"
    """Who wrote, and what."""


class FallBack(Enum):
    """Whether what one channel cannot take to a customer may go by another, as SMS."""

    NEVER = "never"
    OFFER = "offer"
    """A person is offered it, and decides."""
    AUTOMATIC = "automatic"
    """What a person wrote goes by itself, once, where both channels' rules let it."""


FOREVER = timedelta(days=36_500)
"""As long as the storage lasts."""


@frozen
class Settings:
    """One value a rule parameter. The names are what organizations override."""

    window_rule: WindowRule = WindowRule.CUSTOMER_MESSAGE
    window_margin: timedelta = timedelta(0)
    """How long before the provider's limit the window counts as closed."""
    clock_skew: timedelta = timedelta(minutes=5)
    """How far the provider's clock and ours may lie apart."""
    reactions_open_window: bool = False
    unsupported_open_window: bool = False
    """Whether a reaction, or a message of a kind that the provider does not convey, counts as a sign of life. Source:
    Cloud API, customer service window, read 2026-11, says neither; the safe reading is no."""
    answer_inbound: bool = True
    """A customer who was never asked may be answered inside a window that he opened."""
    contacts_only: bool = True
    """A user may write first only to people in the contacts."""
    restrict_first_contact: bool = False
    """A customer who was never written to is not assigned to a user (what he writes is stored all the same)."""
    ended_threads: EndedThreads = EndedThreads.NEW
    """What a customer's message begins when no thread with him is open, or when it quotes one that has ended. A restart
    asks nothing of consent and revives none."""
    route_to_contact_owner: bool = False
    """A new thread goes to the user whose contact the customer is, when the host's routing hook names nobody."""
    route_to_absent: bool = False
    """A new thread goes to whom it would go to even when the host says that he is not there."""
    read_receipts: ReadReceipts = ReadReceipts.FIRST_READER
    """Whose reading the customer is shown, on channels that can show it. Whoever looks on without taking part never
    counts."""
    newcomers_see: Newcomers = Newcomers.EVERYTHING
    """What somebody sees who is added to a conversation, or to whom it is transferred: all of it, or what is entered from
    then on. Settled when he joins. Whoever takes a thread from the unassigned list sees all of it, as anybody could."""
    unscreened: Unscreened = Unscreened.HOLD_BACK
    """What becomes of a message when a screener fails, or does not answer in time."""
    sign_messages: bool = False
    """What a user writes begins with his name for the customer."""
    signature: str = "{name}: "
    """What stands before a signed text; ``{name}`` is the user's."""
    push_shows: PushShows = PushShows.SENDER
    push_for: timedelta = timedelta(hours=24)
    """How old a notice may grow that cannot be pushed; then it is dropped, so that it keeps no later one."""
    ask_again_after: timedelta = timedelta(hours=24)
    staff_may_restore: bool = False
    """Staff may record that a person took back his own decline or STOP, with a file that shows it, dated after it."""
    opt_in_template: str = "opt_in"
    opt_in_language: str = "en"
    opt_in_purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)
    acceptance_text: str = "Thank you. You can write to us here at any time. Reply STOP to end this."
    decline_text: str = "We will not write to you here. Reply YES at any time if you change your mind."
    stop_text: str = "You will get no more messages from us here. Reply START to come back."
    help_text: str = "You are talking to people, not to a machine. Reply STOP to end this."
    revocation_scope: RevocationScope = RevocationScope.CHANNEL
    unknown_outcome: UnknownOutcome = UnknownOutcome.PARK
    grace_period: timedelta = timedelta(minutes=15)
    """How long a message of unknown outcome waits for a status that settles it."""
    held_for: timedelta = timedelta(days=7)
    """How long a held message waits for the window before it expires."""
    fall_back: FallBack = FallBack.OFFER
    """What becomes of a message whose customer cannot be reached on the channel, or whose window is closed. Never after a
    decline or STOP on either channel, nor against a veto."""
    keep_messages: timedelta = FOREVER
    """How long messages are kept. This and the other ``keep_`` settings are read at the root organization, and count when
    ``retain`` is run; a legal hold beats them."""
    keep_files: timedelta = FOREVER
    """How long pictures are kept; the words under them stay as long as their message."""
    keep_quarantine: timedelta = FOREVER
    """How long elements kept for inspection stay, and reports on messages that nobody knows."""
    keep_events: timedelta = FOREVER
    """How long the event log is kept: longer than the slowest of its readers may be away."""


DEFAULTS = Settings()


@frozen
class SettingChange:
    """One setting of one level, from ``since_at`` on. ``value`` is its JSON text; '' takes the override back."""

    name: str
    value: str
    author: UserId
    since_at: datetime


@frozen
class SettingHistory:
    """All changes of one level (an organization, or a user), oldest first."""

    changes: tuple[SettingChange, ...] = ()

    def as_of(self, at: datetime | None) -> Mapping[str, str]:
        """The overrides in force at ``at`` (None: after all changes): the JSON text of each, by name. A change counts
        from its very instant."""
        values = {change.name: change.value for change in self.changes if at is None or change.since_at <= at}
        return {name: value for name, value in values.items() if value}
