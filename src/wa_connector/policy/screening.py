"""What a screener's veto comes to. It speaks after all other rules: whoever may not write at all learns nothing of it."""

from datetime import datetime

from wa_connector.model.content import Content, Withheld
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.instants import EPOCH
from wa_connector.model.opinion import Veto
from wa_connector.model.screening import Screened


def judge_screening(vetoes: tuple[Veto, ...], now: datetime) -> Decision | None:
    """None when nothing blocks the content. Any veto wins; a final one speaks above one that has an end."""
    veto = _loudest(tuple(veto for veto in vetoes if veto.until_at is None or now < veto.until_at))
    if veto is None:
        return None
    remedy = Remedy(RemedyKind.WAIT, veto.until_at) if veto.until_at else Remedy(RemedyKind.CORRECT_CONTENT)
    parameters = (("rule", veto.rule), ("sentence", veto.sentence))
    return Decision(Reason.CONTENT_BLOCKED, parameters, (remedy,), ("screened",))


def kept(screened: Screened) -> Content:
    """What is kept of what a customer wrote: what the screeners left of it, or who withheld it and why."""
    veto = _loudest(screened.vetoes)
    return screened.content if veto is None else Withheld(veto.rule, veto.sentence)


def is_unscreened(screened: Screened) -> bool:
    """Whether nothing speaks against it but that somebody could not be asked: then nobody decided to lose it."""
    return bool(screened.vetoes) and all(veto.until_at is not None for veto in screened.vetoes)


def _loudest(vetoes: tuple[Veto, ...]) -> Veto | None:
    return max(vetoes, key=lambda veto: (veto.until_at is None, veto.until_at or EPOCH, veto.rule), default=None)
