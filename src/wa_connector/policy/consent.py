"""The consent machine: one table a purpose, and the step that applies a signal.

Theory: a signal says what was *seen*; the stage in which it is folded says what it *means*. A bare "no" to an opt-in
request is a decline; the same word in a running conversation is an answer to something else. A button of the request
can mean one thing only, whenever it is tapped. What a person refused, only that person takes back.

Each table is total: every stage has every signal. What does not move the stage stands there as the stage itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import evolve

from wa_connector.model.consent import ChannelConsent, Purpose, Signal, Stage

_Table = Mapping[Stage, Mapping[Signal, Stage]]


def _row(stage: Stage, moves: Mapping[Signal, Stage]) -> Mapping[Signal, Stage]:
    return {signal: moves.get(signal, stage) for signal in Signal}


CONVERSATION: Final[_Table] = {
    Stage.UNKNOWN: _row(
        Stage.UNKNOWN,
        {
            Signal.ASKED: Stage.ASKED,
            Signal.RECORDED: Stage.GRANTED,
            Signal.RESTORED: Stage.GRANTED,
            Signal.ACCEPTED: Stage.GRANTED,
            Signal.DECLINED: Stage.DECLINED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    Stage.ASKED: _row(
        Stage.ASKED,
        {
            Signal.RECORDED: Stage.GRANTED,
            Signal.RESTORED: Stage.GRANTED,
            Signal.YES: Stage.GRANTED,
            Signal.START: Stage.GRANTED,
            Signal.ACCEPTED: Stage.GRANTED,
            Signal.NOT_DELIVERED: Stage.UNKNOWN,
            Signal.NO: Stage.DECLINED,
            Signal.DECLINED: Stage.DECLINED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    Stage.GRANTED: _row(
        Stage.GRANTED,
        {
            Signal.DECLINED: Stage.DECLINED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    Stage.DECLINED: _row(
        Stage.DECLINED,
        {
            Signal.RESTORED: Stage.GRANTED,
            Signal.YES: Stage.GRANTED,
            Signal.START: Stage.GRANTED,
            Signal.ACCEPTED: Stage.GRANTED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    Stage.REVOKED: _row(
        Stage.REVOKED,
        {
            Signal.RESTORED: Stage.GRANTED,
            Signal.YES: Stage.GRANTED,
            Signal.START: Stage.GRANTED,
            Signal.ACCEPTED: Stage.GRANTED,
        },
    ),
}

MARKETING: Final[_Table] = {
    Stage.UNKNOWN: _row(
        Stage.UNKNOWN,
        {
            Signal.ASKED: Stage.ASKED,
            Signal.RECORDED: Stage.GRANTED,
            Signal.RESTORED: Stage.GRANTED,
            Signal.MARKETING_RESUMED: Stage.GRANTED,
            Signal.MARKETING_STOPPED: Stage.REVOKED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    Stage.ASKED: _row(
        Stage.ASKED,
        {
            Signal.RECORDED: Stage.GRANTED,
            Signal.RESTORED: Stage.GRANTED,
            Signal.YES: Stage.GRANTED,
            Signal.START: Stage.GRANTED,
            Signal.ACCEPTED: Stage.GRANTED,
            Signal.MARKETING_RESUMED: Stage.GRANTED,
            Signal.NOT_DELIVERED: Stage.UNKNOWN,
            Signal.NO: Stage.DECLINED,
            Signal.DECLINED: Stage.DECLINED,
            Signal.MARKETING_STOPPED: Stage.REVOKED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    Stage.GRANTED: _row(
        Stage.GRANTED,
        {
            Signal.DECLINED: Stage.DECLINED,
            Signal.MARKETING_STOPPED: Stage.REVOKED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    Stage.DECLINED: _row(
        Stage.DECLINED,
        {
            Signal.RESTORED: Stage.GRANTED,
            Signal.MARKETING_RESUMED: Stage.GRANTED,
            Signal.MARKETING_STOPPED: Stage.REVOKED,
            Signal.STOP: Stage.REVOKED,
        },
    ),
    # Coming back with YES or START grants conversation; marketing comes back by its own preference alone.
    Stage.REVOKED: _row(Stage.REVOKED, {Signal.RESTORED: Stage.GRANTED, Signal.MARKETING_RESUMED: Stage.GRANTED}),
}

_NAMES_PURPOSES: Final = frozenset({Signal.ASKED, Signal.RECORDED, Signal.RESTORED})
"""The signals that speak of certain purposes only; all others speak of both."""


def step(
    consent: ChannelConsent, signal: Signal, at: datetime, purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)
) -> ChannelConsent:
    """The consent after one more signal, seen at ``at``.

    ``purposes`` is what an ASKED, RECORDED or RESTORED signal is about. Signals must come in folding order (``evidence.fold``
    sees to that).
    """
    if signal is Signal.DELIVERED:
        return consent if consent.was_reached else evolve(consent, was_reached=True)
    if signal is Signal.NOT_DELIVERED and consent.was_reached:
        return consent  # He has the earlier request, and may answer that.
    conversation = _move(CONVERSATION, consent.conversation, signal, Purpose.CONVERSATION, purposes)
    marketing = _move(MARKETING, consent.marketing, signal, Purpose.MARKETING, purposes)
    is_asked = signal is Signal.ASKED
    if conversation is consent.conversation and marketing is consent.marketing and not is_asked:
        return consent
    return evolve(
        consent,
        conversation=conversation,
        marketing=marketing,
        asked_at=at if is_asked else consent.asked_at,
        asked_purposes=purposes if is_asked else consent.asked_purposes,
        changed_at=consent.changed_at if conversation is consent.conversation else at,
        asked_since_decline=conversation is not Stage.GRANTED
        and (consent.asked_since_decline or (is_asked and consent.conversation is Stage.DECLINED)),
    )


def _move(table: _Table, stage: Stage, signal: Signal, purpose: Purpose, purposes: tuple[Purpose, ...]) -> Stage:
    if signal in _NAMES_PURPOSES and purpose not in purposes:
        return stage
    return table[stage][signal]
