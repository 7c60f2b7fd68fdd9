"""Receiving over SMPP: what comes in is committed before it is acknowledged.

Theory: an account's connection belongs to one process, the one that holds its lease; the others stand by. What came in is
handed to the connector, many at once, and only what was committed then is answered with a deliver_sm_resp; the rest is
refused for now, and the gateway brings it again. A part of a long message is kept in the host's storage before it is
answered, so it survives the process; what never becomes whole is delivered with its gaps.

Written once, as plain ``async def``: ``SmppReceiver`` drives it without an event loop, ``AsyncSmppReceiver`` awaits it.
"""

import contextlib
import hashlib
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, final

from attrs import evolve, frozen

from wa_connector import Connector, Memo
from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.directory import Account
from wa_connector.model.ids import ProviderId, TenantId
from wa_connector.model.inbound import Inbound
from wa_connector.shell.drive import drive
from wa_connector_sms.assembly import begun
from wa_connector_sms.capabilities import CHANNEL
from wa_connector_sms.smpp import incoming, pdus
from wa_connector_sms.smpp.carrier import RECEIVE, AsyncSmppCarrier, NotNow, SmppCarrier
from wa_connector_sms.smpp.incoming import Nothing, Piece, Waiting
from wa_connector_sms.smpp.leases import Lease
from wa_connector_sms.smpp.link import Link
from wa_connector_sms.smpp.options import read_options
from wa_connector_sms.smpp.pdus import Unit
from wa_connector_sms.transport import AsyncSmsTransport, SmsTransport

if TYPE_CHECKING:
    import asyncio

    from wa_connector import AsyncConnector
    from wa_connector.direct.dispatcher import Stop

T = TypeVar("T")
log: Final = logging.getLogger("wa_connector.sms")

LEASE: Final = timedelta(seconds=20)
"""How long an account has nobody after the process that received for it died."""
_AT_ONCE: Final = 100
_SWEEP_EVERY: Final = 60.0
_TRIES: Final = 20
_MOST_UNACKNOWLEDGED: Final = 10_000


class _Desk(Protocol):
    """What a connector is asked, awaitable."""

    async def receive(self, endpoint: str, items: Iterable[Inbound]) -> Any: ...
    async def memo(self, tenant: TenantId, owner: str, name: str) -> Memo: ...
    async def memos(self, tenant: TenantId, owner: str) -> Mapping[str, Memo]: ...
    async def keep_memo(self, tenant: TenantId, owner: str, name: str, text: str, *, version: int) -> bool: ...


@frozen
class Turn:
    """What one turn came to: how many messages, parts and receipts were taken. ``rest``: seconds for which there is nothing
    to do, because another process receives, or because there is no connection."""

    taken: int = 0
    rest: float = 0.0


@final
class _Reception:
    """One account's reception, whatever the face. ``hop`` runs what blocks."""

    def __init__(
        self,
        desk: _Desk,
        hop: Callable[[Callable[[], Any]], Awaitable[Any]],
        carrier: SmppCarrier,
        account: Account,
        endpoint: str,
        lease: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._desk: Final = desk
        self._hop: Final = hop
        self._carrier: Final = carrier
        self._account: Final = account
        self._endpoint: Final = endpoint
        self._clock: Final = clock
        self._options: Final = read_options(account)
        self._owner: Final = f"sms.parts {account.id}"
        self._span: Final = lease.total_seconds()
        self.lease: Final = Lease(desk, account.tenant, f"smpp {account.id}", self._span)
        self._sweep_at = float("-inf")
        self._problem = ""
        self._unacknowledged: dict[str, list[ProviderId]] = {}
        """The ids of what came and may come again, since its answer did not go; by a digest of its octets."""

    # --- one turn -------------------------------------------------------------------------------------------------

    async def turn(self, within: float) -> Turn:
        """Take what is there, or comes within so many seconds. Raises ``Unavailable`` while the storage is away; nothing is
        acknowledged then."""
        had_it = self.lease.is_held()
        if not await self.lease.hold():
            if had_it:
                log.warning("the account %s is another process's now", self._account.id)
            await self._hop(lambda: self._carrier.leave(self._account))
            return Turn(rest=self._span / 4)
        self._carrier.receive_for(self._account, self.lease.is_held)
        if monotonic() >= self._sweep_at:
            await self._sweep()
            self._sweep_at = monotonic() + _SWEEP_EVERY
        until = monotonic() + min(within, self._span / 8)
        try:
            link: Link = await self._hop(
                lambda: self._carrier.link(self._account, self._options, RECEIVE, monotonic() + self._span / 4)
            )
        except NotNow as reason:
            if reason.outcome.code != self._problem:
                self._problem = reason.outcome.code
                log.warning("nothing is received for the account %s: %s", self._account.id, self._problem)
            return Turn(rest=1.0)
        self._problem = ""
        units: list[Unit] = await self._hop(lambda: link.deliveries(until, _AT_ONCE))
        return Turn(await self._take(link, units) if units else 0)

    async def leave(self) -> None:
        """Give the account up: another process may have it at once."""
        await self._hop(lambda: self._carrier.leave(self._account))
        await self.lease.let_go()

    # --- what came ------------------------------------------------------------------------------------------------

    async def _take(self, link: Link, units: Sequence[Unit]) -> int:
        """Commit what came, then answer for it: a unit whose commit failed is to come again."""
        answers = dict.fromkeys(range(len(units)), pdus.OK)
        named = self._named(units)
        items: list[Inbound] = []
        whose: list[int] = []
        whole: list[str] = []
        for place, (unit, (_, provider_id)) in enumerate(zip(units, named, strict=True)):
            reading = incoming.read(unit, self._account.provider_ref, self._options, self._clock(), provider_id)
            match reading:
                case Nothing():
                    pass
                case Piece():
                    try:
                        joined = await self._join(reading, provider_id)
                    except Unavailable:
                        answers[place] = pdus.TRY_LATER
                        continue
                    if joined is not None:
                        name, item = joined
                        whole.append(name)
                        items.append(item)
                        whose.append(place)
                case Inbound():
                    items.append(reading)
                    whose.append(place)
        try:
            if items:
                await self._desk.receive(self._endpoint, items)
                for name in whole:
                    await self._forget(name)
        except Unavailable as error:
            log.warning(
                "what came for the account %s waits for the storage: %s", self._account.id, type(error).__name__
            )
            answers.update(dict.fromkeys(whose, pdus.TRY_LATER))
        went: list[bool] = await self._hop(
            lambda: [link.acknowledge(unit, answers[place]) for place, unit in enumerate(units)]
        )
        for place, (digest, provider_id) in enumerate(named):
            if went[place]:
                self._acknowledged(digest, provider_id)
        return sum(answer == pdus.OK for answer in answers.values())

    def _named(self, units: Sequence[Unit]) -> list[tuple[str, ProviderId]]:
        """An id for each: that which it had when it came before and its answer did not go. Two that are alike within one
        round are two."""
        seen: Counter[str] = Counter()
        named = []
        for unit in units:
            digest = hashlib.blake2b(unit.body, digest_size=16).hexdigest()
            known = self._unacknowledged.setdefault(digest, [])
            if seen[digest] == len(known):
                known.append(ProviderId(secrets.token_hex(12)))
            named.append((digest, known[seen[digest]]))
            seen[digest] += 1
        while len(self._unacknowledged) > _MOST_UNACKNOWLEDGED:
            del self._unacknowledged[next(iter(self._unacknowledged))]
        return named

    def _acknowledged(self, digest: str, provider_id: ProviderId) -> None:
        known = self._unacknowledged.get(digest, [])
        if provider_id in known:
            known.remove(provider_id)
        if not known:
            self._unacknowledged.pop(digest, None)

    # --- parts ----------------------------------------------------------------------------------------------------

    async def _join(self, piece: Piece, provider_id: ProviderId) -> tuple[str, Inbound] | None:
        """Keep a part; the whole message, when it was the last that was missing. Raises ``Unavailable``."""
        tenant = self._account.tenant
        name = hashlib.sha256(repr(piece.name).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        for _ in range(_TRIES):
            memo = await self._desk.memo(tenant, self._owner, name)
            waiting = incoming.recovered(memo.text, UTC) if memo.text else None
            if waiting is not None and not waiting.assembly.takes(piece.part):
                await self._deliver(waiting)  # References are few: this one is another message's now.
                waiting = None
            if waiting is None:
                waiting = Waiting(provider_id, self._clock(), piece.sender, piece.line, begun(piece.part))
            else:
                waiting = evolve(waiting, assembly=waiting.assembly.with_part(piece.part))
            if await self._desk.keep_memo(tenant, self._owner, name, incoming.written(waiting), version=memo.version):
                if not waiting.assembly.is_complete:
                    return None
                item = waiting.message(self._account.provider_ref)
                return (name, item) if item is not None else None
        raise Unavailable("others kept parts of the same message too often")

    async def _deliver(self, waiting: Waiting) -> None:
        item = waiting.message(self._account.provider_ref)
        if item is not None:
            await self._desk.receive(self._endpoint, [item])

    async def _forget(self, name: str) -> None:
        tenant = self._account.tenant
        memo = await self._desk.memo(tenant, self._owner, name)
        if memo.version:
            await self._desk.keep_memo(tenant, self._owner, name, "", version=memo.version)

    async def _sweep(self) -> None:
        """Deliver what waited too long for its rest, with its gaps, and what is whole and was not delivered yet."""
        oldest = self._clock() - timedelta(seconds=self._options.parts_within)
        for name, memo in (await self._desk.memos(self._account.tenant, self._owner)).items():
            waiting = incoming.recovered(memo.text, UTC)
            if waiting.assembly.is_complete or waiting.at <= oldest:
                await self._deliver(waiting)
                await self._desk.keep_memo(self._account.tenant, self._owner, name, "", version=memo.version)


# --- faces ------------------------------------------------------------------------------------------------------------


class _PlainDesk:
    """A ``Connector`` in the shape that is awaited; it never suspends."""

    def __init__(self, connector: Connector) -> None:
        self._connector: Final = connector

    async def receive(self, endpoint: str, items: Iterable[Inbound]) -> Any:
        return self._connector.receive(endpoint, items)

    async def memo(self, tenant: TenantId, owner: str, name: str) -> Memo:
        return self._connector.memo(tenant, owner, name)

    async def memos(self, tenant: TenantId, owner: str) -> Mapping[str, Memo]:
        return self._connector.memos(tenant, owner)

    async def keep_memo(self, tenant: TenantId, owner: str, name: str, text: str, *, version: int) -> bool:
        return self._connector.keep_memo(tenant, owner, name, text, version=version)


async def _in_place(call: Callable[[], Any]) -> Any:
    return call()


def _carrier_of(transport: object, account: Account) -> SmppCarrier:
    """The carrier by which the connector sends for the account: both share its connection."""
    carrier = transport.carrier(account) if isinstance(transport, SmsTransport | AsyncSmsTransport) else None
    if isinstance(carrier, AsyncSmppCarrier):
        return carrier.plain
    if not isinstance(carrier, SmppCarrier):
        raise UsageError(f"accounts[{account.id}].gateway is {account.gateway!r}, and this receives for 'smpp'")
    return carrier


def utc_now() -> datetime:
    return datetime.now(UTC)


@final
class SmppReceiver:
    """Receives for one account, and lets this process send for it. Of any number of processes that run one, one receives and
    the others stand by.

    ``endpoint`` names the account's app in the directory, as a webhook's would. It has no thread: ``run_until`` works in the caller's. Nothing is open after construction. Raises ``ConfigError`` for an
    account whose options are wrong, and ``UsageError`` where this connector does not send for it by SMPP.
    """

    def __init__(
        self,
        connector: Connector,
        account: Account,
        endpoint: str,
        *,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        carrier = _carrier_of(connector.transport(CHANNEL), account)
        desk = _PlainDesk(connector)
        self._reception: Final = _Reception(desk, _in_place, carrier, account, endpoint, lease, clock)

    @property
    def is_receiving(self) -> bool:
        """Whether this process receives for the account, rather than stands by."""
        return self._reception.lease.is_held()

    def run_once(self, *, within: float = 0.0) -> int:
        """Take what is there, or comes within so many seconds; how many messages, parts and receipts that were.

        What is taken was committed before it was acknowledged. Raises ``Unavailable`` while the storage is away.
        """
        return drive(self._reception.turn(within)).taken

    def run_until(self, stop: "Stop") -> int:
        """Receive until ``stop`` is set, and take leave of the gateway then. Goes on by itself when the storage or the
        gateway comes back. How many messages, parts and receipts were taken."""
        total = 0
        try:
            while not stop.is_set():
                try:
                    turn = drive(self._reception.turn(1.0))
                except Unavailable as error:
                    log.warning("the receiver waits for the storage: %s", type(error).__name__)
                    turn = Turn(rest=1.0)
                total += turn.taken
                if turn.rest:
                    stop.wait(turn.rest)
        finally:
            self.close()
        return total

    def close(self) -> None:
        """Take leave of the gateway and let another process have the account. Bounded; may be called twice."""
        drive(self._reception.leave())


@final
class AsyncSmppReceiver:
    """The same for an event loop; what blocks runs on a thread of the loop's own."""

    def __init__(
        self,
        connector: "AsyncConnector",
        account: Account,
        endpoint: str,
        *,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        import asyncio

        carrier = _carrier_of(connector.transport(CHANNEL), account)
        self._reception: Final = _Reception(connector, asyncio.to_thread, carrier, account, endpoint, lease, clock)

    @property
    def is_receiving(self) -> bool:
        """As ``SmppReceiver.is_receiving``."""
        return self._reception.lease.is_held()

    async def run_once(self, *, within: float = 0.0) -> int:
        """As ``SmppReceiver.run_once``."""
        return (await self._reception.turn(within)).taken

    async def run_until(self, stop: "asyncio.Event") -> int:
        """As ``SmppReceiver.run_until``."""
        import asyncio

        total = 0
        try:
            while not stop.is_set():
                try:
                    turn = await self._reception.turn(1.0)
                except Unavailable as error:
                    log.warning("the receiver waits for the storage: %s", type(error).__name__)
                    turn = Turn(rest=1.0)
                total += turn.taken
                if turn.rest:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), turn.rest)
        finally:
            await self.aclose()
        return total

    async def aclose(self) -> None:
        """As ``SmppReceiver.close``."""
        await self._reception.leave()
