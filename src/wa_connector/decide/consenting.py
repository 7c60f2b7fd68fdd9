"""Writing evidence, and what follows from it."""

from datetime import datetime

from attrs import field, frozen

from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground, consent_of
from wa_connector.decide.merging import evidence_of
from wa_connector.evidence.fold import is_late, recorded
from wa_connector.evidence.ledger import sealed, source_of
from wa_connector.model.consent import ChannelConsent, ConsentRecord, Evidence, Personal, Purpose, Signal
from wa_connector.model.event import ConsentChanged
from wa_connector.model.ids import CustomerId, UserId
from wa_connector.model.setting import RevocationScope
from wa_connector.ports.rows import CONSENT, EVIDENCE


@frozen
class Witness:
    """One thing that was seen and speaks of consent. ``cause`` is the id of the message that shows it."""

    signal: Signal
    at: datetime
    cause: str = field(repr=False)
    text: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)
    actor: UserId | None = None
    template: str = ""
    locale: str = ""
    method: str = ""
    attachment: str = ""


@frozen
class Moved:
    """The consent on the witness's channel before and after."""

    before: ChannelConsent
    after: ChannelConsent

    @property
    def is_changed(self) -> bool:
        return self.before.conversation is not self.after.conversation


def record(draft: Draft, ground: Ground, customer: CustomerId, seen: Witness) -> Moved:
    """Append to the customer's evidence, fold it in, and tell what changed."""
    consent = consent_of(draft, customer)
    channel = ground.capabilities.channel
    entry = sealed(_entry(draft, ground, customer, seen, consent.length + 1), consent.head)
    earlier = evidence_of(draft, consent, customer) if is_late(consent, entry) else ()
    folded = recorded(consent, entry, earlier)
    draft.put(EVIDENCE.of(draft.tenant, customer, entry.sequence), entry)
    draft.put(CONSENT.of(draft.tenant, customer), folded)
    moved = Moved(consent.on(channel), folded.on(channel))
    _tell(draft, customer, consent, folded)
    return moved


def _tell(draft: Draft, customer: CustomerId, before: ConsentRecord, after: ConsentRecord) -> None:
    """One event for every channel and purpose that moved: a STOP may be about all channels."""
    for channel in after.channels:
        for purpose in Purpose:
            stage = after.on(channel).stage(purpose)
            if stage is not before.on(channel).stage(purpose):
                draft.tell(ConsentChanged(customer, channel, purpose, stage))


def _entry(draft: Draft, ground: Ground, customer: CustomerId, seen: Witness, sequence: int) -> Evidence:
    return Evidence(
        customer,
        sequence,
        at=seen.at,
        recorded_at=draft.now,
        channel=ground.capabilities.channel,
        signal=seen.signal,
        purposes=seen.purposes,
        source=source_of(seen.cause),
        actor=seen.actor,
        template=seen.template,
        locale=seen.locale,
        method=seen.method,
        attachment=seen.attachment,
        every_channel=seen.signal is Signal.STOP and ground.settings.revocation_scope is RevocationScope.ALL,
        personal=Personal(draft.new_salt(), seen.text, seen.address, seen.cause),
    )
