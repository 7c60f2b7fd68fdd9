"""Consent that was given elsewhere: recorded by staff, or brought along from another system.

The same verb for both: an import is a staff record a row, with its own mark, so that running it again adds nothing.
"""

from datetime import datetime

from attrs import field, frozen

from wa_connector.decide import identity
from wa_connector.decide.consenting import Witness, record
from wa_connector.decide.draft import Draft, once, refuse_unless
from wa_connector.decide.sending import ToContact, standing_to
from wa_connector.model.consent import Purpose, Signal, Stage
from wa_connector.model.content import MediaRef
from wa_connector.model.decision import Decision
from wa_connector.model.ids import CustomerId
from wa_connector.policy.action import RecordConsent
from wa_connector.policy.rules import decide


@frozen
class Recording:
    """``given_at``: when the person consented. ``text``: the words shown to him. ``attachment``: a stored file.
    ``source``: the record's own id where it comes from; the same one is recorded once."""

    to: ToContact
    given_at: datetime
    method: str
    purposes: tuple[Purpose, ...]
    text: str = field(default="", repr=False)
    attachment: MediaRef | None = None
    source: str = ""


@frozen
class Recorded:
    """What became of a recording; ``customer`` and ``stage`` (of conversation) are set when it was taken."""

    decision: Decision
    customer: CustomerId | None = None
    stage: Stage | None = None
    is_repeat: bool = False


def record_consent(draft: Draft, command: Recording) -> Recorded:
    """Add it to the customer's evidence, and fold it in as of its own date."""
    ground = command.to.ground
    source = command.source or draft.new_id()
    if command.source:
        once(draft, f"recorded:{ground.capabilities.channel}:{command.source}", command.source)
    customer, standing = standing_to(draft, command.to)
    action = RecordConsent(command.given_at, command.attachment is not None)
    decision = refuse_unless(decide(action, standing, draft.now))
    said_no = standing.consent.conversation in (Stage.DECLINED, Stage.REVOKED)
    contact = command.to.contact
    if customer is None:
        assert contact is not None
        customer = identity.resolve(draft, contact.addresses, contact.name)
    moved = record(
        draft,
        ground,
        customer,
        Witness(
            Signal.RESTORED if said_no else Signal.RECORDED,
            command.given_at,
            cause=source,
            text=command.text,
            address=contact.addresses[0].value if contact and contact.addresses else "",
            purposes=command.purposes,
            actor=ground.seat.user.id if ground.seat else None,
            locale=contact.locale if contact else "",
            method=command.method,
            attachment=command.attachment.sha256 if command.attachment else "",
        ),
    )
    return Recorded(decision, customer, moved.after.conversation)
