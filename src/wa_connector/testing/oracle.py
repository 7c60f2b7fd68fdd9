"""The rules told a second time, by somebody slow: an oracle that reads the whole history again for every question.

Rules of this file: it says what the product promises (enablement, consent, window, notices, held messages) in the
plainest words there are, keeps nothing between two questions, and shares no line with the engine. It knows the model's
values alone: what it imports of ``policy``, ``evidence`` or ``decide`` would only agree with itself. Where the two
differ, one of them is wrong, and it is not always the quick one.

A question is about "now", and all of the history (see ``testing.story``) is known by then.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from wa_connector.model.consent import Purpose, Signal, Stage
from wa_connector.model.decision import Reason
from wa_connector.model.directory import ChannelSwitch
from wa_connector.model.message import NoticeKind
from wa_connector.model.setting import DEFAULTS, Settings
from wa_connector.model.window import WindowRule
from wa_connector.testing.story import Footing, Happened, Kind

DAY: Final = timedelta(hours=24)
SECOND: Final = timedelta(seconds=1)
SAFER_LAST: Final = (
    *(Signal.ASKED, Signal.DELIVERED, Signal.RECORDED, Signal.RESTORED, Signal.YES, Signal.START, Signal.ACCEPTED),
    *(Signal.MARKETING_RESUMED, Signal.NOT_DELIVERED, Signal.MARKETING_STOPPED, Signal.NO, Signal.DECLINED),
    Signal.STOP,
)
"""Which of two things in one second is taken to have come later."""
HIS: Final = (Kind.WROTE, Kind.CALLED, Kind.NODDED)
SAID_NO: Final = (Stage.DECLINED, Stage.REVOKED)


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
                is_ahead = entry.at > entry.known_at + skew and entry.says is not Signal.ASKED
                yield evolve(entry, at=entry.known_at + skew) if is_ahead else entry

    def statements(self) -> list[Happened]:
        """What speaks of consent, in the order in which it happened; in one second the safer comes later."""
        spoken = [entry for entry in self.told() if entry.says is not None]
        return sorted(spoken, key=lambda entry: (_second(entry.at), SAFER_LAST.index(entry.says or Signal.ASKED)))

    def footing(self) -> Footing:
        """Where the customer stands now."""
        here = Footing()
        for number, entry in enumerate(statements := self.statements()):
            if entry.says is Signal.NOT_DELIVERED and any(one.says is Signal.DELIVERED for one in statements[:number]):
                continue  # He has an earlier request, and may answer that.
            was, changed = here.talk, here.changed_at
            # Yes and no in one second: the question was still open, and the safer of the two answers counts.
            is_open = was is Stage.GRANTED and changed is not None and _second(changed) == _second(entry.at)
            read = evolve(entry, says=Signal.DECLINED) if is_open and entry.says is Signal.NO else entry
            talk = stage_after(was, read, Purpose.CONVERSATION)
            asked_again = here.asked_again or (entry.says is Signal.ASKED and was is Stage.DECLINED)
            promotion = stage_after(here.promotion, read, Purpose.MARKETING)
            changed = changed if talk is was else entry.at
            here = Footing(talk, promotion, changed, asked_again and talk is not Stage.GRANTED)
        return here

    def stage(self) -> Stage:
        """The consent to conversation."""
        return self.footing().talk

    def asked_at(self) -> datetime | None:
        """The last request."""
        return max((entry.at for entry in self.statements() if entry.says is Signal.ASKED), default=None)

    def asking_at(self, now: datetime) -> datetime:
        """The date of a request that is made now: after what it answers, whatever the two clocks say."""
        return max(now, (self.footing().changed_at or now - SECOND) + SECOND)

    def closes_at(self, line: str, *, by_customer: bool = False) -> datetime | None:
        """When the window closes (perhaps it has); None when nothing opened one. ``by_customer``: the one that he
        opened, whatever rule the line follows."""
        settings, kept, here = self.settings(), [], [entry for entry in self.told() if entry.line == line]
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
        closes = self.closes_at(line, by_customer=by_customer)
        if self.window is None:  # Then nothing closes; an answer still needs somebody who wrote first.
            return closes is not None or not by_customer
        return closes is not None and now < closes

    def until(self, line: str) -> datetime | None:
        """How long what may be written now may be written, if nothing else happens; None: no end in sight."""
        needs_answer = self.asks_opt_in and self.stage() is Stage.UNKNOWN
        ends = [self.closes_at(line), self.closes_at(line, by_customer=True) if needs_answer else None]
        return None if self.window is None else min(end for end in ends if end is not None)

    def may_write(self, line: str, now: datetime) -> Reason:
        """Free-form content by a user or an automation."""
        refusal = self.may_use_template(line, now)
        return Reason.WINDOW_CLOSED if refusal is Reason.ALLOWED and not self.is_open(line, now) else refusal

    def may_use_template(self, line: str, now: datetime, *, is_marketing: bool = False) -> Reason:
        """A template: the window never stands in its way."""
        stage = self.stage()
        is_answer = self.settings().answer_inbound and self.is_open(line, now, by_customer=True)
        if not self.is_enabled or stage is Stage.REVOKED:
            return Reason.CONSENT_REVOKED if self.is_enabled else Reason.CHANNEL_DISABLED
        if self.asks_opt_in and stage in _NOT_YET and not (stage is Stage.UNKNOWN and is_answer):
            return _NOT_YET[stage]
        if is_marketing and self.footing().promotion is not Stage.GRANTED:
            return Reason.MARKETING_NOT_GRANTED
        return Reason.ALLOWED

    def may_ask(self, now: datetime, *, is_contact: bool = True) -> Reason:
        """A user's opt-in request."""
        stage, asked = self.stage(), self.asked_at()
        if not self.is_enabled:
            return Reason.CHANNEL_DISABLED
        if self.settings().contacts_only and not is_contact:
            return Reason.NOT_A_CONTACT
        if not self.asks_opt_in:
            return Reason.CONSENT_NOT_NEEDED
        if stage in _NOT_AGAIN:
            return _NOT_AGAIN[stage]
        is_waiting = stage is Stage.ASKED and asked is not None and now < asked + self.settings().ask_again_after
        return Reason.ASKED_RECENTLY if is_waiting else Reason.ALLOWED

    def may_record(self, given_at: datetime, now: datetime, *, has_file: bool) -> Reason:
        """Staff note a consent that was given elsewhere."""
        stage, changed, settings = self.stage(), self.footing().changed_at, self.settings()
        if not self.is_enabled or given_at > now + settings.clock_skew:
            return Reason.DATED_AHEAD if self.is_enabled else Reason.CHANNEL_DISABLED
        if stage not in SAID_NO:
            return Reason.ALLOWED
        if not settings.staff_may_restore:
            return _NOT_AGAIN[stage]
        is_shown = has_file and changed is not None and given_at > changed
        return Reason.ALLOWED if is_shown else Reason.RESTORE_NEEDS_EVIDENCE

    def notices(self, message: Happened) -> list[NoticeKind]:
        """What follows from ``message`` by itself, when it comes in next."""
        now, heard = message.known_at, self.after(message)
        if any(message.id == entry.id for entry in self.history) or now - message.at >= DAY or not self.is_enabled:
            return []
        stage, is_new = heard.stage(), heard.stage() is not self.stage()
        found = [NoticeKind.HELP] if message.wants_help else []
        if message.says is not None and is_new and stage in _CONFIRMATIONS:
            found = [_CONFIRMATIONS[stage]]
        # The notices are free-form, and need the window; the request is a template.
        found = found if heard.is_open(message.line, now) else []
        (known,) = [entry for entry in heard.told() if entry.id == message.id]
        is_later = known.at >= (self.footing().changed_at or now)
        is_other = message.kind is Kind.WROTE and message.says is None
        if is_other and stage is Stage.DECLINED and is_later and not self.footing().asked_again:
            found.append(NoticeKind.OPT_IN_REQUEST)
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


_NEW, _ASKED, _NO, _STOP, _YES = Stage.UNKNOWN, Stage.ASKED, Stage.DECLINED, Stage.REVOKED, Stage.GRANTED
_NOT_YET: Final = {_NEW: Reason.CONSENT_NOT_ASKED, _ASKED: Reason.CONSENT_AWAITED, _NO: Reason.CONSENT_DECLINED}
_NOT_AGAIN: Final = {_YES: Reason.CONSENT_GRANTED_ALREADY, _NO: Reason.CONSENT_DECLINED, _STOP: Reason.CONSENT_REVOKED}
_CONFIRMATIONS: Final = {_YES: NoticeKind.ACCEPTANCE, _NO: NoticeKind.DECLINE, _STOP: NoticeKind.STOP}


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def stage_after(stage: Stage, entry: Happened, purpose: Purpose) -> Stage:
    """What one more statement makes of the consent to one purpose."""
    says, is_talk = entry.says, purpose is Purpose.CONVERSATION
    if says in (Signal.ASKED, Signal.RECORDED, Signal.RESTORED) and purpose not in entry.purposes:
        return stage
    if says is Signal.STOP or (says is Signal.MARKETING_STOPPED and not is_talk):
        return Stage.REVOKED
    if says is Signal.DECLINED and stage is not Stage.REVOKED:
        # What was never spoken of cannot be declined; the button is of a request for conversation, at least.
        return Stage.DECLINED if is_talk or stage is not Stage.UNKNOWN else stage
    if says is Signal.NO and stage is Stage.ASKED:
        return Stage.DECLINED
    if says is Signal.RESTORED or (says is Signal.RECORDED and stage not in SAID_NO):
        return Stage.GRANTED
    if says is (Signal.ACCEPTED if is_talk else Signal.MARKETING_RESUMED):
        return Stage.GRANTED
    if says in (Signal.YES, Signal.START, Signal.ACCEPTED):
        # With nothing before it the word is a message like any other; marketing comes back by its own way alone.
        is_answer = stage is Stage.ASKED or (is_talk and stage in SAID_NO)
        return Stage.GRANTED if is_answer else stage
    if says is Signal.ASKED and stage is Stage.UNKNOWN:
        return Stage.ASKED
    return Stage.UNKNOWN if says is Signal.NOT_DELIVERED and stage is Stage.ASKED else stage


__all__ = ["Oracle", "is_enabled"]
