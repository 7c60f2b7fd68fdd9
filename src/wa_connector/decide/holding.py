"""Legal holds: what must not be removed, whoever asks and however old it is."""

from datetime import datetime

from attrs import evolve, field, frozen

from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.directory import Seat
from wa_connector.model.event import HoldLifted, HoldPlaced
from wa_connector.model.ids import HoldId
from wa_connector.model.job import Hold, Holds
from wa_connector.ports.rows import HOLD, Key


@frozen
class PlaceHold:
    """``subject`` is ``customer:`` or ``organization:`` and the id."""

    seat: Seat
    subject: str
    why: str = field(repr=False)
    until_at: datetime | None = None


@frozen
class LiftHold:
    seat: Seat
    subject: str
    hold: HoldId


def place_hold(draft: Draft, command: PlaceHold) -> Hold:
    """From now on nothing of the subject is removed. Several holds stand beside each other; each is lifted by itself."""
    refuse_unless(may_keep(command.seat))
    hold = Hold(HoldId(draft.new_id()), command.seat.user.id, command.why, draft.now, command.until_at)
    key = HOLD.of(draft.tenant, command.subject)
    draft.put(key, Holds((*_holds(draft, key).holds, hold)))
    draft.tell(HoldPlaced(command.subject, hold.id, hold.by))
    return hold


def lift_hold(draft: Draft, command: LiftHold) -> Hold:
    """End a hold. It stays on record, with who lifted it and when."""
    refuse_unless(may_keep(command.seat))
    key = HOLD.of(draft.tenant, command.subject)
    holds = _holds(draft, key).holds
    found = next((hold for hold in holds if hold.id == command.hold and hold.lifted_at is None), None)
    refuse_unless(Decision(Reason.NOTHING_TO_DO if found is None else Reason.ALLOWED))
    assert found is not None
    by = command.seat.user.id
    lifted = evolve(found, lifted_at=draft.now, lifted_by=by)
    draft.put(key, Holds(tuple(lifted if hold.id == found.id else hold for hold in holds)))
    draft.tell(HoldLifted(command.subject, found.id, by))
    return lifted


def is_held(draft: Draft, *subjects: str) -> bool:
    """Whether a hold is on any of the subjects. Each is read, so that one that is placed meanwhile conflicts."""
    read = [_holds(draft, HOLD.of(draft.tenant, subject)) for subject in subjects]
    return any(holds.is_on(draft.now) for holds in read)


def may_keep(seat: Seat) -> Decision:
    """Only who supervises decides what is kept and what goes."""
    if seat.user.supervises and not seat.user.disabled:
        return Decision(Reason.ALLOWED)
    return Decision(Reason.NOT_A_SUPERVISOR, remedies=(Remedy(RemedyKind.ASK_ADMINISTRATOR),))


def _holds(draft: Draft, key: Key) -> Holds:
    holds: Holds | None = draft.get(key)
    return holds or Holds()
