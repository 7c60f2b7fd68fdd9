"""Writing evidence, and what follows from it."""

from datetime import datetime

from attrs import field, frozen

from wa_connector.decide.draft import Draft
from wa_connector.decide.ground import Ground, addresses_of, consent_of
from wa_connector.decide.refusals import append, keep_with_numbers
from wa_connector.evidence.ledger import source_of
from wa_connector.model.consent import ChannelConsent, Evidence, Personal, Purpose, Signal
from wa_connector.model.ids import CustomerId, UserId
from wa_connector.model.setting import RevocationScope
from wa_connector.ports.rows import FILE_USE


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
    channel = ground.capabilities.channel
    before = consent_of(draft, customer)
    folded = append(draft, customer, _entry(draft, ground, customer, seen))
    if not ground.capabilities.asks_opt_in and before.on(channel).conversation is not folded.on(channel).conversation:
        keep_with_numbers(draft, addresses_of(draft, customer), channel, folded.on(channel))
    if seen.attachment:
        draft.put(FILE_USE.of(draft.tenant, seen.attachment, f"evidence:{customer}:{folded.length}"), "")
    return Moved(before.on(channel), folded.on(channel))


def _entry(draft: Draft, ground: Ground, customer: CustomerId, seen: Witness) -> Evidence:
    """The entry; its place in the chain is set where it is appended."""
    return Evidence(
        customer,
        0,
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
