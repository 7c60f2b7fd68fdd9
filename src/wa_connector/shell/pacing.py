"""How fast a line may send, as one process keeps it: shares of the line's time, taken from the storage in blocks.

Theory: a share is this process's own, so whoever sends in it asks nobody. When it is used up the next one is taken by
one commit, by whoever comes first; the others wait for it as they would for their turn. What is not used is lost, and
that is a tenth of a second's worth.
"""

from datetime import datetime, timedelta
from threading import Lock
from typing import Final, final

from wa_connector.decide.gating import TakeShare, take_share
from wa_connector.errors import Contended
from wa_connector.model.directory import LineSetup
from wa_connector.model.ids import LineId, TenantId
from wa_connector.policy.limits import Pace, Share, portions
from wa_connector.ports.rows import GATE
from wa_connector.shell.committing import decide, result_of
from wa_connector.shell.ports import Ports

A_MOMENT: Final = timedelta(milliseconds=2)
"""How long to wait before looking whether another lane of this process has fetched the share."""
LONGEST_LEAD: Final = timedelta(seconds=10)
"""How much later at most: a storage that takes longer than this to commit lets no line with a pace send."""


class _Own:
    """What this process has of one line. Guarded by the lock of ``Paces``."""

    def __init__(self) -> None:
        self.share: Share | None = None
        self.span = 0
        self.used = 0
        self.lead = timedelta(0)
        self.is_fetching = False

    def take(self, now: datetime, pace: Pace) -> datetime | None:
        """Take one message's place: None. Else when to ask again; ``now`` where a new share is needed."""
        share = self.share
        if share is None or share.pace != pace or now >= share.until_at:
            return now
        span = share.span_at(now)
        if span is None:
            return share.from_at
        if span != self.span:
            self.span, self.used = span, 0
        if self.used < pace.burst:
            self.used += 1
            return None
        next_at = share.from_at + (span + 1) * pace.interval
        return next_at if next_at < share.until_at else now


@final
class Paces:
    """The shares of one dispatcher. Safe under threads and tasks: no lock is held while anything is awaited."""

    def __init__(self, ports: Ports) -> None:
        self._ports: Final = ports
        self._lock: Final = Lock()
        self._own: Final[dict[tuple[TenantId, LineId], _Own]] = {}

    async def admit(self, setup: LineSetup) -> datetime | None:
        """None when a message of this line may leave now; else when to ask again."""
        pace = self._pace_of(setup)
        if pace is None:
            return None
        key = (setup.line.tenant, setup.line.id)
        while True:
            with self._lock:
                own = self._own.setdefault(key, _Own())
                now = self._ports.clock()
                wait = own.take(now, pace)
                if wait != now:
                    return wait
                is_mine = not own.is_fetching
                own.is_fetching = True
            if is_mine:
                return await self._renew(setup, own, pace)
            await self._ports.pause(A_MOMENT.total_seconds())

    async def _renew(self, setup: LineSetup, own: _Own, pace: Pace) -> datetime | None:
        began_at = self._ports.clock()
        try:
            share = await self._fetch(setup, pace, own.lead)
            if not isinstance(share, Share):
                return share
            with self._lock:
                now = self._ports.clock()
                # A commit may take longer than a share lasts: then the next one has to begin later.
                own.lead = min(now - began_at, LONGEST_LEAD) if now >= share.until_at else own.lead * 0.9
                own.share, own.span, own.used = share, 0, 0
                return own.take(now, pace)
        finally:
            own.is_fetching = False

    def give_back(self, setup: LineSetup) -> None:
        """What was admitted did not leave."""
        with self._lock:
            own = self._own.get((setup.line.tenant, setup.line.id))
            if own is not None and own.used:
                own.used -= 1

    def _pace_of(self, setup: LineSetup) -> Pace | None:
        per_second = setup.line.messages_per_second
        if per_second is None:
            per_second = self._ports.channels[setup.line.channel].capabilities.messages_per_second
        return portions(per_second) if per_second else None

    async def _fetch(self, setup: LineSetup, pace: Pace, lead: timedelta) -> Share | datetime:
        tenant, line = setup.line.tenant, setup.line.id
        try:
            answer = await decide(self._ports, take_share, TakeShare(line, pace, lead), tenant, [GATE.of(tenant, line)])
        except Contended:
            return self._ports.clock() + A_MOMENT
        return result_of(answer)
