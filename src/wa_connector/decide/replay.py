"""What would this policy have done? A history, folded step by step, with a verdict for every attempt in it.

Pure, and without a storage: for asking what a change of settings would have meant, for tests, and for explaining. The
history lists things in the order in which they became known; each carries its own instant, so a late one is folded into
its place and changes no verdict that was given before it was known.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from attrs import evolve, field, frozen

from wa_connector.evidence.fold import recorded
from wa_connector.model.capability import Capabilities
from wa_connector.model.consent import NO_EVIDENCE, ConsentRecord, Evidence, Purpose, Signal
from wa_connector.model.content import Content
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.ids import CustomerId, LineId
from wa_connector.model.setting import DEFAULTS, Settings
from wa_connector.model.standing import Standing
from wa_connector.model.window import NO_WINDOW, Window
from wa_connector.policy.action import Action
from wa_connector.policy.replies import read_reply
from wa_connector.policy.rules import decide


@frozen
class Wrote:
    """The customer wrote on ``line``."""

    at: datetime
    line: LineId
    content: Content
    source: str
    """The message's id: the same one again is the same message."""
    opens_window: bool = True


@frozen
class Called:
    """The customer called on ``line``, answered or not, or took a call of ours."""

    at: datetime
    line: LineId


@frozen
class Sent:
    """The provider took a message of ours on ``line``."""

    at: datetime
    line: LineId


@frozen
class WindowRefused:
    """A message handed over at ``at`` was refused for a closed window."""

    at: datetime
    line: LineId


@frozen
class Seen:
    """Something that speaks of consent and is no message of the customer's: a request, a record of staff's, a
    preference."""

    at: datetime
    signal: Signal
    source: str
    purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)


@frozen
class PolicyChanged:
    """From here on in the history these settings hold."""

    settings: Settings


@frozen
class Attempted:
    """Somebody wants to do something on ``line``: the history's questions."""

    at: datetime
    line: LineId
    action: Action
    is_contact: bool | None = None


Fact: TypeAlias = Wrote | Called | Sent | WindowRefused | Seen | PolicyChanged


ENABLED: Final = Decision(Reason.ALLOWED)


@frozen
class Chronicle:
    """A history so far, folded. ``witnessed`` are the signals by source, in no order: the fold orders them."""

    capabilities: Capabilities
    settings: Settings = DEFAULTS
    enablement: Decision = ENABLED
    witnessed: Mapping[str, Evidence] = field(factory=dict)
    windows: Mapping[LineId, Window] = field(factory=dict)
    consent: ConsentRecord = NO_EVIDENCE

    def after(self, fact: Fact) -> "Chronicle":
        """The chronicle once ``fact`` is known. The same fact again changes nothing."""
        match fact:
            case Wrote():
                return self._after_message(fact)
            case Called(at, line):
                return self._raised(line, Window(customer_at=at))
            case Sent(at, line):
                return self._raised(line, Window(business_at=at))
            case WindowRefused(at, line):
                return self._raised(line, Window(refused_at=at))
            case Seen():
                return self._witnessing(fact)
            case PolicyChanged(settings):
                return evolve(self, settings=settings)
            case _:
                assert_never(fact)

    def standing(self, line: LineId, *, is_contact: bool | None = None) -> Standing:
        """What the rules see."""
        return Standing(
            self.capabilities,
            self.enablement,
            self.settings,
            consent=self.consent.on(self.capabilities.channel),
            window=self.windows.get(line, NO_WINDOW),
            is_contact=is_contact,
        )

    def _after_message(self, fact: Wrote) -> "Chronicle":
        signal = read_reply(fact.content)
        raised = self._raised(fact.line, Window(customer_at=fact.at)) if fact.opens_window else self
        return raised if signal is None else raised.after(Seen(fact.at, signal, fact.source))

    def _witnessing(self, seen: Seen) -> "Chronicle":
        if seen.source in self.witnessed:
            return self
        entry = Evidence(
            CustomerId("replayed"),
            len(self.witnessed) + 1,
            at=seen.at,
            recorded_at=seen.at,
            channel=self.capabilities.channel,
            signal=seen.signal,
            purposes=seen.purposes,
            source=seen.source,
        )
        record = recorded(self.consent, entry, self.witnessed.values())
        return evolve(self, witnessed={**self.witnessed, seen.source: entry}, consent=record)

    def _raised(self, line: LineId, by: Window) -> "Chronicle":
        old = self.windows.get(line, NO_WINDOW)
        new = Window(
            _later(old.customer_at, by.customer_at),
            _later(old.business_at, by.business_at),
            _later(old.refused_at, by.refused_at),
        )
        return evolve(self, windows={**self.windows, line: new})


def replay(history: Iterable[Fact | Attempted], chronicle: Chronicle) -> list[tuple[Attempted, Decision]]:
    """The verdict on every attempt of ``history``, each judged on what was known when it was made.

    ``chronicle`` is where to begin: the channel's capabilities and the policy to try.
    """
    verdicts: Final[list[tuple[Attempted, Decision]]] = []
    for entry in history:
        if isinstance(entry, Attempted):
            standing = chronicle.standing(entry.line, is_contact=entry.is_contact)
            verdicts.append((entry, decide(entry.action, standing, entry.at)))
        else:
            chronicle = chronicle.after(entry)
    return verdicts


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
