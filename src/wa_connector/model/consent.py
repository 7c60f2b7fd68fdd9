"""Consent and the evidence it is folded from.

The stages move by one table, ``policy.consent``; the order of folding and the chain of hashes are ``evidence``'s.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import field, frozen

from wa_connector.model.ids import CustomerId, UserId


class Purpose(Enum):
    CONVERSATION = "conversation"
    MARKETING = "marketing"


class Stage(Enum):
    """Where a customer stands for one channel and purpose."""

    UNKNOWN = "unknown"
    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"
    REVOKED = "revoked"


class Signal(Enum):
    """What happened, as it was *seen*: what it means depends on the stage in which it is folded.

    Declared in folding order: at equal seconds the safer is folded last and so wins.
    """

    ASKED = "asked"
    """An opt-in request was committed to the outbox."""
    DELIVERED = "delivered"
    """The request reached the customer."""
    ANSWERED_OTHERWISE = "answered_otherwise"
    """The customer answered with something else, and was asked once more."""
    RECORDED = "recorded"
    """Staff recorded a consent given elsewhere (web form, paper, telephone)."""
    RESTORED = "restored"
    """Staff recorded, with the evidence attached, that a person took back his own decline or STOP."""
    YES = "yes"
    START = "start"
    ACCEPTED = "accepted"
    """The button of an opt-in request: unlike the word, it can mean nothing else."""
    MARKETING_RESUMED = "marketing_resumed"
    NOT_DELIVERED = "not_delivered"
    """The opt-in request did not reach the customer: not on the channel, or refused by the provider."""
    MARKETING_STOPPED = "marketing_stopped"
    NO = "no"
    DECLINED = "declined"
    """The button of an opt-in request."""
    STOP = "stop"
    MERGED = "merged"
    """Another record turned out to be this person; its evidence is folded in."""
    ADDRESS_MOVED = "address_moved"
    """An address of this customer now belongs to somebody else, and no consent went with it."""
    ADDRESS_CHANGED = "address_changed"
    """The provider says that this person has another number or user id from now on; the evidence has the former one."""
    ERASED = "erased"
    """What identified the person was removed; what he refused stays."""


@frozen
class Personal:
    """The erasable part of a piece of evidence. ``salt`` keeps its commitment from being guessed once it is gone."""

    salt: str = field(repr=False)
    text: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    message: str = field(default="", repr=False)
    """The provider's id of the message, or ours where the provider has none."""


@frozen
class Evidence:
    """One entry of a customer's append-only evidence.

    ``at`` is when it happened by the provider's clock, ``recorded_at`` when it was committed here; ``sequence`` counts
    from 1 in the order of recording. ``source`` is a digest of the provider's id: it orders equal instants without
    being personal. ``commitment`` binds ``personal``; ``digest`` binds everything and the entry before.
    """

    customer: CustomerId
    sequence: int
    at: datetime
    recorded_at: datetime
    channel: str
    signal: Signal
    purposes: tuple[Purpose, ...]
    source: str
    actor: UserId | None = None
    """The user who asked or recorded; None where the customer or the system acted."""
    template: str = ""
    """``name/language`` of the request, or of the request that was answered."""
    locale: str = ""
    method: str = ""
    """How consent was given, where staff recorded it: ``web_form``, ``paper``, ``telephone``, ``import`` …"""
    attachment: str = ""
    """SHA-256 (hex) of the file that shows it."""
    every_channel: bool = False
    """Whether this STOP revoked all channels: the setting as it was then."""
    commitment: str = ""
    previous: str = ""
    digest: str = ""
    personal: Personal | None = None
    """None once the person was erased; the chain still verifies."""


@frozen
class ChannelConsent:
    """The fold of one channel: a stage a purpose, and what the rules ask about besides."""

    conversation: Stage = Stage.UNKNOWN
    marketing: Stage = Stage.UNKNOWN
    asked_at: datetime | None = None
    """The last opt-in request."""
    asked_purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)
    changed_at: datetime | None = None
    """When ``conversation`` last moved."""
    was_reached: bool = False
    """An opt-in request reached the customer since he was first asked: one that fails later does not undo that."""
    asked_since_decline: bool = False
    """The one automatic second request after a decline was made; cleared by an acceptance."""

    def stage(self, purpose: Purpose) -> Stage:
        return self.conversation if purpose is Purpose.CONVERSATION else self.marketing


@frozen
class ConsentRecord:
    """A customer's consent on all channels, with the head of the evidence chain it is folded from.

    ``last_key`` is the folding key of the youngest entry: a newer entry is folded on top, an older one calls for a
    refold of all of them.
    """

    channels: Mapping[str, ChannelConsent] = field(factory=dict)
    length: int = 0
    head: str = ""
    last_key: tuple[int, int, str] = (0, 0, "")
    joined: tuple[CustomerId, ...] = ()
    """Records that turned out to be this person: their evidence is folded in, and stays in chains of its own."""

    def on(self, channel: str) -> ChannelConsent:
        """The consent on ``channel``; on one that has no evidence of its own, that of ``EVERY_CHANNEL``."""
        return self.channels.get(channel) or self.channels.get(EVERY_CHANNEL, NO_CONSENT)


@frozen
class Anchor:
    """``root`` covers the ``entries`` entries of ``chains`` chains that were recorded before ``at``."""

    at: datetime
    root: str
    chains: int
    entries: int


@frozen
class Refusal:
    """What somebody refused on a channel, as it is kept of a person who was forgotten: STOP, DECLINED or
    MARKETING_STOPPED."""

    channel: str
    signal: Signal
    at: datetime


@frozen
class Forgotten:
    """What is kept under the keyed digest of an address: all that a forgotten holder refused, and nothing but that; and what
    stays with a number, whoever has it (``decide.refusals.keep_with_numbers``)."""

    refusals: tuple[Refusal, ...]


EVERY_CHANNEL = "*"
"""Where a STOP is folded that revokes all channels, those included on which the customer was not yet met."""
NO_CONSENT = ChannelConsent()
NO_EVIDENCE = ConsentRecord()
