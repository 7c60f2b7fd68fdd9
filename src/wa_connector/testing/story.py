"""Histories of one customer on one channel, in words that both the engine and the oracle can be told.

Rules of this file: values of the model only; no rule is known here. A history lists what happened in the order in which
it became *known* (``known_at``, by our clock); ``at`` is when it happened, by the clock of whoever tells it.
"""

from datetime import datetime
from enum import Enum

from attrs import frozen

from wa_connector.model.consent import Purpose, Signal, Stage
from wa_connector.model.setting import DEFAULTS, Settings


class Kind(Enum):
    """What sort of thing happened."""

    WROTE = "the customer wrote or tapped; `says` is what that means, where it means anything"
    CALLED = "he called, or took a call of ours"
    NODDED = "something of his that is no message: a reaction, say"
    SENT = "the provider took a message of ours"
    WINDOW_REFUSED = "the provider refused, for a closed window, what we handed over at `at`"
    NOTED = "no message of his, and speaks of consent: a request or its failure, a record of staff's, a preference"
    HELD = "a user wrote while the window was closed, and lets it wait"
    SETTINGS = "from here on in the history, `settings` hold"


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


@frozen
class Footing:
    """Where a customer stands: consent to conversation and to marketing, when the first of them last changed, and whether
    the one automatic request was made since he last agreed."""

    talk: Stage = Stage.UNKNOWN
    promotion: Stage = Stage.UNKNOWN
    changed_at: datetime | None = None
    asked_again: bool = False


__all__ = ["Footing", "Happened", "Kind"]
