"""The rules told a second time, by somebody slow: an oracle that reads the whole history again for every question.

Rules of this file: it says what the product promises (enablement, consent, window, notices, held messages) in the
plainest words there are, keeps nothing between two questions, and shares no line with the engine. It knows the model's
values alone: what it imports of ``policy``, ``evidence`` or ``decide`` would only agree with itself. Where the two
differ, one of them is wrong, and it is not always the quick one.

A history lists what happened in the order in which it became *known*; ``at`` is when it happened, by the clock of whoever
tells it. A question is about "now", and all of the history is known by then.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from attrs import evolve, frozen

from wa_connector.model.consent import Purpose, Signal, Stage
from wa_connector.model.decision import Reason
from wa_connector.model.directory import ChannelSwitch
from wa_connector.model.message import NoticeKind
from wa_connector.model.setting import DEFAULTS, Settings
from wa_connector.model.window import WindowRule

DAY: Final = timedelta(hours=24)
SECOND: Final = timedelta(seconds=1)


class Kind(Enum):
    """What sort of thing happened."""

    WROTE = "wrote"
    """The customer wrote or tapped; ``says`` is what that means where it means anything."""
    CALLED = "called"
    """He called, or took a call of ours."""
    NODDED = "nodded"
    """Something of his that is no message: a reaction, say."""
    SENT = "sent"
    """The provider took a message of ours."""
    WINDOW_REFUSED = "window_refused"
    """The provider refused, for a closed window, a message that we handed over at ``at``."""
    NOTED = "noted"
    """Speaks of consent and is no message of his: a request, its failure, a record of staff's, a preference."""
    HELD = "held"
    """A user wrote while the window was closed, and lets it wait."""
    SETTINGS = "settings"
    """From here on in the history, ``settings`` hold."""


@frozen
class Happened:
    """One entry of a history. The same ``id`` again is the same thing told twice."""

    kind: Kind
    at: datetime
    known_at: datetime
    id: str
    line: str = "line-1"
    says: Signal | None = None
    wants_help: bool = False
    purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)
    settings: Settings = DEFAULTS


SAFER_LAST: Final = (
    *(Signal.ASKED, Signal.RECORDED, Signal.RESTORED, Signal.YES, Signal.START, Signal.ACCEPTED),
    *(Signal.MARKETING_RESUMED, Signal.NOT_DELIVERED, Signal.MARKETING_STOPPED, Signal.NO, Signal.DECLINED),
    Signal.STOP,
)
"""Which of two things in one second is taken to have come later."""
HIS: Final = (Kind.WROTE, Kind.CALLED, Kind.NODDED)
NO_ANSWER: Final = (Stage.DECLINED, Stage.REVOKED)


def is_enabled(levels: Sequence[ChannelSwitch | None]) -> bool:
    """Whether a channel is on after these levels, root first; None is a level that says nothing."""
    said = [level for level in levels if level is not None]
    return bool(said) and said[-1].enabled and all(above.enabled or above.may_enable for above in said)


@frozen
class Oracle:
    """All that is known of one customer on one channel. ``window`` is None on a channel that has none."""

    history: tuple[Happened, ...] = ()
    asks_opt_in: bool = True
    window: timedelta | None = DAY
    is_enabled: bool = True
    policy: Settings = DEFAULTS
    """The settings before the history's own."""

    def after(self, *more: Happened) -> "Oracle":
        """The oracle that has heard of these, too."""
        return evolve(self, history=(*self.history, *more))

    # --- reading the history --------------------------------------------------------------------------------------

    def settings(self) -> Settings:
        """Those in force now."""
        return ([self.policy] + [told.settings for told in self.history if told.kind is Kind.SETTINGS])[-1]

    def told(self) -> Iterator[Happened]:
        """Each thing once, as it was first told, dated no further ahead than two clocks may lie apart."""
        seen, skew = set(), self.policy.clock_skew
        for entry in self.history:
            if entry.kind is Kind.SETTINGS:
                skew = entry.settings.clock_skew
            elif entry.id not in seen:
                seen.add(entry.id)
                yield evolve(entry, at=min(entry.at, entry.known_at + skew)) if entry.kind in HIS else entry

    def statements(self) -> list[Happened]:
        """What speaks of consent, in the order in which it happened; in one second the safer comes later."""
        spoken = [entry for entry in self.told() if entry.says is not None]
        return sorted(spoken, key=lambda e: (e.at.replace(microsecond=0), SAFER_LAST.index(e.says or Signal.ASKED)))

    # --- consent --------------------------------------------------------------------------------------------------

    def stages(self, purpose: Purpose = Purpose.CONVERSATION) -> list[tuple[Happened, Stage]]:
        """Each statement with where the customer stands after it."""
        stage, found = Stage.UNKNOWN, []
        heard = conversation_after if purpose is Purpose.CONVERSATION else marketing_after
        for entry in self.statements():
            stage = heard(stage, entry)
            found.append((entry, stage))
        return found

    def stage(self, purpose: Purpose = Purpose.CONVERSATION) -> Stage:
        """Where the customer stands now."""
        return ([Stage.UNKNOWN] + [stage for _, stage in self.stages(purpose)])[-1]

    def changed_at(self) -> datetime | None:
        """When the consent to conversation last changed."""
        changed, before = None, Stage.UNKNOWN
        for entry, stage in self.stages():
            if stage is not before:
                changed, before = entry.at, stage
        return changed

    def asked_at(self) -> datetime | None:
        """The last request."""
        return max((entry.at for entry in self.statements() if entry.says is Signal.ASKED), default=None)

    def was_asked_since_no(self) -> bool:
        """Whether the one automatic request was made since the customer last agreed."""
        made, before = False, Stage.UNKNOWN
        for entry, stage in self.stages():
            made = stage is not Stage.GRANTED and (made or (entry.says is Signal.ASKED and before is Stage.DECLINED))
            before = stage
        return made

    def asking_at(self, now: datetime) -> datetime:
        """The date of a request that is made now: after what it answers, whatever the two clocks say."""
        changed = self.changed_at()
        return now if changed is None else max(now, changed + SECOND)

    # --- the window -----------------------------------------------------------------------------------------------

    def closes_at(self, line: str, *, by_customer: bool = False) -> datetime | None:
        """When the window closes (perhaps it has); None when nothing opened one. ``by_customer``: the one that he
        opened, whatever rule the line follows."""
        settings, kept = self.settings(), []
        here = [entry for entry in self.told() if entry.line == line]
        refused = [entry.at for entry in here if entry.kind is Kind.WINDOW_REFUSED]
        for entry in here:
            if entry.kind in (Kind.WROTE, Kind.CALLED):
                # His clock against ours: a sign counts that may have come after the refused message.
                kept += [entry.at] if all(entry.at > at - settings.clock_skew for at in refused) else []
            elif entry.kind is Kind.SENT and settings.window_rule is WindowRule.ANY_MESSAGE and not by_customer:
                kept += [entry.at] if all(entry.at > at for at in refused) else []
        return max(kept) + (self.window or DAY) - settings.window_margin if kept else None

    def is_open(self, line: str, now: datetime, *, by_customer: bool = False) -> bool:
        """Whether free-form content may go to this customer now, as far as the window goes."""
        if self.window is None:
            # Without windows there is nothing to close; an answer still needs somebody who wrote first.
            return not by_customer or any(e.line == line and e.kind in (Kind.WROTE, Kind.CALLED) for e in self.told())
        closes = self.closes_at(line, by_customer=by_customer)
        return closes is not None and now < closes

    # --- may I? ---------------------------------------------------------------------------------------------------

    def may_write(self, line: str, now: datetime) -> Reason:
        """Free-form content by a user or an automation."""
        refusal = self._unasked(line, now)
        if refusal is not Reason.ALLOWED:
            return refusal
        return Reason.ALLOWED if self.is_open(line, now) else Reason.WINDOW_CLOSED

    def may_use_template(self, line: str, now: datetime, *, is_marketing: bool = False) -> Reason:
        """A template: the window never stands in its way."""
        refusal = self._unasked(line, now)
        if refusal is Reason.ALLOWED and is_marketing and self.stage(Purpose.MARKETING) is not Stage.GRANTED:
            return Reason.MARKETING_NOT_GRANTED
        return refusal

    def _unasked(self, line: str, now: datetime) -> Reason:
        stage = self.stage()
        if not self.is_enabled:
            return Reason.CHANNEL_DISABLED
        if stage is Stage.REVOKED:
            return Reason.CONSENT_REVOKED
        if stage is Stage.GRANTED or not self.asks_opt_in:
            return Reason.ALLOWED
        if stage is Stage.UNKNOWN:
            is_answer = self.settings().answer_inbound and self.is_open(line, now, by_customer=True)
            return Reason.ALLOWED if is_answer else Reason.CONSENT_NOT_ASKED
        return Reason.CONSENT_DECLINED if stage is Stage.DECLINED else Reason.CONSENT_AWAITED

    def may_ask(self, now: datetime, *, is_contact: bool = True) -> Reason:
        """A user's opt-in request."""
        stage, asked = self.stage(), self.asked_at()
        if not self.is_enabled:
            return Reason.CHANNEL_DISABLED
        if self.settings().contacts_only and not is_contact:
            return Reason.NOT_A_CONTACT
        if not self.asks_opt_in:
            return Reason.CONSENT_NOT_NEEDED
        if stage is Stage.GRANTED:
            return Reason.CONSENT_GRANTED_ALREADY
        if stage in NO_ANSWER:
            return Reason.CONSENT_DECLINED if stage is Stage.DECLINED else Reason.CONSENT_REVOKED
        is_waiting = stage is Stage.ASKED and asked is not None and now < asked + self.settings().ask_again_after
        return Reason.ASKED_RECENTLY if is_waiting else Reason.ALLOWED

    def may_record(self, given_at: datetime, now: datetime, *, has_file: bool) -> Reason:
        """Staff note a consent that was given elsewhere."""
        stage, changed, settings = self.stage(), self.changed_at(), self.settings()
        if not self.is_enabled:
            return Reason.CHANNEL_DISABLED
        if given_at > now + settings.clock_skew:
            return Reason.DATED_AHEAD
        if stage not in NO_ANSWER:
            return Reason.ALLOWED
        if not settings.staff_may_restore:
            return Reason.CONSENT_DECLINED if stage is Stage.DECLINED else Reason.CONSENT_REVOKED
        is_shown = has_file and changed is not None and given_at > changed
        return Reason.ALLOWED if is_shown else Reason.RESTORE_NEEDS_EVIDENCE

    # --- what the system does by itself ---------------------------------------------------------------------------

    def notices(self, message: Happened) -> list[NoticeKind]:
        """What follows from ``message`` by itself, when it comes in next."""
        now, heard = message.known_at, self.after(message)
        if any(message.id == entry.id for entry in self.history) or now - message.at >= DAY or not self.is_enabled:
            return []
        stage, is_new = heard.stage(), heard.stage() is not self.stage()
        found: list[NoticeKind] = []
        if message.wants_help:
            found.append(NoticeKind.HELP)
        elif message.says is not None and is_new and stage in _CONFIRMATIONS:
            found.append(_CONFIRMATIONS[stage])
        # The notices are free-form, and need the window; the request is a template.
        found = found if heard.is_open(message.line, now) else []
        (known,) = [entry for entry in heard.told() if entry.id == message.id]
        changed = self.changed_at()
        if message.says is None and stage is Stage.DECLINED and changed is not None and known.at > changed:
            found += [] if self.was_asked_since_no() else [NoticeKind.OPT_IN_REQUEST]
        return found

    def fate_of_held(self) -> dict[str, Reason | None]:
        """What became of each held message, in the order in which they were settled: it left (``ALLOWED``), it was
        refused or expired, or it waits on (None)."""
        fates: dict[str, Reason | None] = {}
        waiting: list[Happened] = []
        for number, entry in enumerate(self.history, start=1):
            known = evolve(self, history=self.history[:number])
            waiting += [entry] if entry.kind is Kind.HELD else []
            for held in list(waiting):
                end = held.known_at + known.settings().held_for
                verdict = Reason.EXPIRED if end <= entry.known_at else known.may_write(held.line, entry.known_at)
                is_resumed = entry.kind in HIS and entry.line == held.line
                if verdict is Reason.EXPIRED or (is_resumed and verdict is not Reason.WINDOW_CLOSED):
                    waiting.remove(held)
                    fates[held.id] = verdict
        return {**fates, **{held.id: None for held in waiting}}


_CONFIRMATIONS: Final = {
    Stage.GRANTED: NoticeKind.ACCEPTANCE,
    Stage.DECLINED: NoticeKind.DECLINE,
    Stage.REVOKED: NoticeKind.STOP,
}


def conversation_after(stage: Stage, entry: Happened) -> Stage:
    """What one more statement makes of the consent to conversation."""
    was_no, concerns = stage in NO_ANSWER, Purpose.CONVERSATION in entry.purposes
    match entry.says:
        case Signal.STOP:
            return Stage.REVOKED
        case Signal.DECLINED if stage is not Stage.REVOKED:
            return Stage.DECLINED
        case Signal.NO if stage is Stage.ASKED:
            return Stage.DECLINED
        case Signal.ACCEPTED:
            return Stage.GRANTED
        case Signal.YES | Signal.START if stage is not Stage.UNKNOWN:
            return Stage.GRANTED
        case Signal.RESTORED if concerns:
            return Stage.GRANTED
        case Signal.RECORDED if concerns and not was_no:
            return Stage.GRANTED
        case Signal.ASKED if concerns and stage is Stage.UNKNOWN:
            return Stage.ASKED
        case Signal.NOT_DELIVERED if stage is Stage.ASKED:
            return Stage.UNKNOWN
        case _:
            return stage


def marketing_after(stage: Stage, entry: Happened) -> Stage:
    """What one more statement makes of the consent to marketing: a yes counts only where marketing was asked about."""
    was_no, concerns = stage in NO_ANSWER, Purpose.MARKETING in entry.purposes
    match entry.says:
        case Signal.STOP | Signal.MARKETING_STOPPED:
            return Stage.REVOKED
        case Signal.DECLINED if stage is not Stage.REVOKED:
            return Stage.DECLINED
        case Signal.NO if stage is Stage.ASKED:
            return Stage.DECLINED
        case Signal.MARKETING_RESUMED:
            return Stage.GRANTED
        case Signal.YES | Signal.START | Signal.ACCEPTED if stage is Stage.ASKED:
            return Stage.GRANTED
        case Signal.RESTORED if concerns:
            return Stage.GRANTED
        case Signal.RECORDED if concerns and not was_no:
            return Stage.GRANTED
        case Signal.ASKED if concerns and stage is Stage.UNKNOWN:
            return Stage.ASKED
        case Signal.NOT_DELIVERED if stage is Stage.ASKED:
            return Stage.UNKNOWN
        case _:
            return stage


__all__ = ["Happened", "Kind", "Oracle", "is_enabled"]
