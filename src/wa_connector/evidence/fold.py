"""Folding evidence into consent, the same whatever the order in which it arrived.

Entries fold by (provider time, rank of the signal, source); at equal seconds the safer signal is folded last and so
wins. An entry younger than all before it is one step on top; an older one calls for folding all of them again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from attrs import evolve

from wa_connector.model.consent import (
    EVERY_CHANNEL,
    NO_CONSENT,
    ChannelConsent,
    ConsentRecord,
    Evidence,
    Signal,
    Stage,
)
from wa_connector.model.instants import to_microseconds
from wa_connector.policy.consent import step

_RANK: Final = {signal: rank for rank, signal in enumerate(Signal)}
_SECOND: Final = 1_000_000


def folding_key(entry: Evidence) -> tuple[int, int, str]:
    """The place of an entry in the fold. Whole seconds, since that is all that providers tell."""
    return (_second(entry.at), _RANK[entry.signal], entry.source)


def fold(entries: Iterable[Evidence]) -> Mapping[str, ChannelConsent]:
    """The consent of each channel after all of ``entries``, in whatever order they are given."""
    channels: Mapping[str, ChannelConsent] = {}
    for entry in sorted(entries, key=folding_key):
        channels = _applied(channels, entry)
    return channels


def recorded(record: ConsentRecord, entry: Evidence, earlier: Iterable[Evidence]) -> ConsentRecord:
    """The record after ``entry``, which is sealed and continues its chain.

    ``earlier`` are all entries before it; they are read only when ``is_late`` says so.
    """
    channels = fold((*earlier, entry)) if is_late(record, entry) else _applied(record.channels, entry)
    return evolve(
        record,
        channels=channels,
        length=entry.sequence,
        head=entry.digest,
        last_key=max(record.last_key, folding_key(entry)),
    )


def is_late(record: ConsentRecord, entry: Evidence) -> bool:
    """Whether the entry belongs before one that is folded already, so that all must be folded again."""
    return folding_key(entry) < record.last_key


def _applied(channels: Mapping[str, ChannelConsent], entry: Evidence) -> Mapping[str, ChannelConsent]:
    touched = {entry.channel}
    if entry.every_channel:
        touched |= {*channels, EVERY_CHANNEL}
    start = channels.get(EVERY_CHANNEL, NO_CONSENT)
    return {
        **channels,
        **{name: _stepped(channels.get(name, start), entry) for name in touched},
    }


def _stepped(consent: ChannelConsent, entry: Evidence) -> ChannelConsent:
    # A "yes" of the same second does not take the question away from a bare "no": it was open in that second, and the
    # safer of the two answers counts.
    granted_at = consent.changed_at if consent.conversation is Stage.GRANTED else None
    is_open = granted_at is not None and _second(granted_at) == _second(entry.at)
    signal = Signal.DECLINED if entry.signal is Signal.NO and is_open else entry.signal
    return step(consent, signal, entry.at, entry.purposes)


def _second(at: datetime) -> int:
    return to_microseconds(at) // _SECOND
