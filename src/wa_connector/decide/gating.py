"""The gate of a line, which all its lanes pass: how fast it may send, and whether it may send at all.

Theory: one row a line, replaced by version, and seldom: a process takes about a tenth of a second's worth of messages at
a time, so the row sees some ten commits a second and process however fast the line is. A line that the provider stopped
keeps its messages; every now and then one of them, and only one, tries whether it is over.
"""

import zlib
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from wa_connector.decide.draft import Draft
from wa_connector.model.event import LineResumed, LineStopped
from wa_connector.model.ids import LineId
from wa_connector.model.queue import Gate, LineStop
from wa_connector.policy.limits import Pace, Share, share_of
from wa_connector.ports.rows import GATE

FIRST_PROBE: Final = timedelta(minutes=1)
LONGEST_STOP: Final = timedelta(minutes=15)


@frozen
class TakeShare:
    """``lead``: how long it takes until the share is heard of."""

    line: LineId
    pace: Pace
    lead: timedelta = timedelta(0)


@frozen
class Probe:
    line: LineId


@frozen
class Resume:
    line: LineId


def gate_of(draft: Draft, line: LineId) -> Gate:
    return draft.get(GATE.of(draft.tenant, line)) or Gate()


def take_share(draft: Draft, command: TakeShare) -> Share | datetime:
    """Take the next part of the line's time; or hear when to ask again."""
    gate = gate_of(draft, command.line)
    share = share_of(gate.given_until, draft.now, command.pace, command.lead)
    if isinstance(share, Share):
        draft.put(GATE.of(draft.tenant, command.line), evolve(gate, given_until=share.until_at))
    return share


def stop_line(draft: Draft, line: LineId, code: str) -> datetime:
    """Note that the provider stopped a line; told once for each reason. Returns when a message may try again."""
    gate = gate_of(draft, line)
    if gate.stop is not None and gate.stop.code == code and draft.now < gate.stop.probe_at:
        return gate.stop.probe_at
    since_at, probes = (gate.stop.since_at, gate.stop.probes) if gate.stop else (draft.now, 0)
    stop = LineStop(code, since_at, draft.now + probe_wait(line, probes), probes)
    if gate.stop is None or gate.stop.code != code:
        draft.tell(LineStopped(line, code))
    draft.put(GATE.of(draft.tenant, line), evolve(gate, stop=stop))
    return stop.probe_at


def take_probe(draft: Draft, command: Probe) -> datetime | None:
    """Be the one that tries whether a stopped line sends again. Returns until when to wait; None for whoever may go."""
    gate = gate_of(draft, command.line)
    if gate.stop is None:
        return None
    if draft.now < gate.stop.probe_at:
        return gate.stop.probe_at
    probes = gate.stop.probes + 1
    stop = evolve(gate.stop, probes=probes, probe_at=draft.now + probe_wait(command.line, probes))
    draft.put(GATE.of(draft.tenant, command.line), evolve(gate, stop=stop))
    return None


def resume(draft: Draft, command: Resume) -> bool:
    """Let a line send again; whether it was stopped."""
    gate = gate_of(draft, command.line)
    if gate.stop is None:
        return False
    draft.put(GATE.of(draft.tenant, command.line), evolve(gate, stop=None))
    draft.tell(LineResumed(command.line))
    return True


def probe_wait(line: LineId, probes: int) -> timedelta:
    """1, 2, 4 … minutes up to a quarter of an hour, and up to a quarter more: of the line's id, so that the lines of one
    account do not come back together, and the decision stays pure."""
    doubled: int = 2 ** min(probes, 8)
    wait = min(FIRST_PROBE * doubled, LONGEST_STOP)
    return wait + wait * ((zlib.crc32(line.encode()) % 256) / 1024)
