"""What comes in: from an HTTP request, or from what a receiver read, to committed facts.

Theory: a webhook is acknowledged after the commit that holds it, and only then; so is what a receiver of another kind
(an SMPP session, a voicemail spool, a mailbox) hands over. Each element stands alone: one that is bad is kept for
inspection and takes nobody down. The elements of one tenant are decided one upon the other and committed together; those
that lose to somebody faster are decided again.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from wa_connector.decide.draft import Known, Needs, Ready, Refused, Seed, rolled, run
from wa_connector.decide.falling_back import Detour
from wa_connector.decide.ground import Ground
from wa_connector.decide.hearing import ReceiveGone, ReceiveHeard, receive_gone, receive_heard
from wa_connector.decide.noticing import ReceiveEcho, ReceiveNotice, receive_echo, receive_notice
from wa_connector.decide.receiving import (
    Keep,
    ReceiveMessage,
    ReceivePreference,
    ReceiveStatus,
    gone_mark,
    heard_mark,
    inbound_mark,
    keep,
    look_again,
    named_so,
    preference_mark,
    receive_message,
    receive_preference,
    receive_status,
)
from wa_connector.decide.routing import Whose, whose
from wa_connector.errors import BodyMalformed, Contended, InboundRejected, RowCorrupt, Unavailable, UsageError
from wa_connector.model.address import PORTFOLIO_SCOPED, Address
from wa_connector.model.content import Content, TemplateMessage
from wa_connector.model.directory import App
from wa_connector.model.event import ConversationOpened
from wa_connector.model.ids import MessageId, ProviderId, TenantId
from wa_connector.model.inbound import (
    Inbound,
    InboundEcho,
    InboundGone,
    InboundHeard,
    InboundItem,
    InboundMessage,
    InboundNotice,
    InboundPreference,
    InboundStatus,
    Report,
    Sender,
    TemplateNews,
    Unreadable,
)
from wa_connector.model.message import Message
from wa_connector.model.opinion import Intent
from wa_connector.model.queue import Work
from wa_connector.policy.falling_back import LEARNT
from wa_connector.policy.replies import words_of
from wa_connector.policy.screening import is_unscreened
from wa_connector.ports.channel import Channel, WebhookReply, WebhookRequest
from wa_connector.ports.codec import encode
from wa_connector.ports.rows import ADDRESS, CONVERSATION, DEDUPE, MESSAGE, OUTBOX, PAIR
from wa_connector.ports.storage import FOUND, Committed, Conflict, Follow, Outcome, Range, Scan, Snapshot, Wanted
from wa_connector.shell.committing import decide
from wa_connector.shell.grounds import automatic_detour, ground_for
from wa_connector.shell.ports import Ports, log, where
from wa_connector.shell.routing import candidates_for
from wa_connector.shell.screening import screened_inbound

ROUNDS: Final = 12


@frozen
class WebhookResult:
    """What to answer, and what happened: how many elements were new, known before, and kept for inspection.

    ``problem`` says why nothing was taken, where nothing was.
    """

    reply: WebhookReply
    taken: int = 0
    known: int = 0
    kept: int = 0
    problem: str = ""


@frozen
class Received:
    """What became of the elements that a receiver handed over: how many were new, known before, and kept for inspection."""

    taken: int = 0
    known: int = 0
    kept: int = 0


@frozen
class _Element:
    """One element on its way to a decider."""

    tenant: TenantId
    decider: Callable[..., Any]
    command: (
        ReceiveMessage
        | ReceiveEcho
        | ReceiveStatus
        | ReceivePreference
        | ReceiveNotice
        | ReceiveHeard
        | ReceiveGone
        | Keep
        | Whose
    )
    wanted: tuple[Wanted, ...]
    item: InboundItem

    @property
    def is_kept(self) -> bool:
        return isinstance(self.command, Keep)


_Readable: TypeAlias = (
    InboundMessage | InboundEcho | InboundStatus | InboundPreference | InboundNotice | InboundHeard | InboundGone
)
_Grounds: TypeAlias = dict[tuple[str, str], Ground | None]
"""What the directory and the settings say of each line that one body names; asked once a body."""


async def handle_webhook(ports: Ports, request: WebhookRequest) -> WebhookResult:
    """Take a webhook. Never raises for what is in it; what it answers is for the host's server to send."""
    try:
        app = await ports.directory.app(request.endpoint)
        if app is None:
            return _refused(404, "no app has this endpoint")
        channel = ports.channels.get(app.channel)
        if channel is None:
            return _refused(404, f"no plugin provides the channel {app.channel}")
        return await _handle(ports, app, channel, _dated(request, ports.clock()))
    except Unavailable as error:
        log.warning("a webhook could not be stored, the provider will bring it again: %s", type(error).__qualname__)
        return _refused(503, "storage unavailable")


def _dated(request: WebhookRequest, now: datetime) -> WebhookRequest:
    return request if request.received_at is not None else evolve(request, received_at=now)


async def _handle(ports: Ports, app: App, channel: Channel, request: WebhookRequest) -> WebhookResult:
    handshake = channel.handshake(app, request)
    if handshake is not None:
        return WebhookResult(handshake)
    try:
        items = channel.read(app, request)
    except BodyMalformed:
        items = [Inbound("", "", Unreadable("the body is not what this channel sends", _as_text(request.body)))]
    except InboundRejected as error:
        return _refused(error.status, type(error).__name__)
    received = await _take_all(ports, app, items)
    return WebhookResult(WebhookReply(200), received.taken, received.known, received.kept)


async def receive(ports: Ports, endpoint: str, items: Iterable[Inbound]) -> Received:
    """Take what a receiver read by itself. When this returns it is committed; when it raises, it may not be."""
    app = await ports.directory.app(endpoint)
    if app is None:
        raise UsageError(f"no app has the endpoint {endpoint!r}; name one as the directory does")
    return await _take_all(ports, app, list(items))


def _as_json(item: InboundItem) -> str:
    """An element as it was read: what is kept must hold everything, which a ``repr`` does not."""
    return item.raw if isinstance(item, Unreadable) else encode(item, type(item))


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def _refused(status: int, problem: str) -> WebhookResult:
    return WebhookResult(WebhookReply(status, body=problem.encode()), problem=problem)


# --- which tenant, which line -----------------------------------------------------------------------------------------


async def _take_all(ports: Ports, app: App, items: Sequence[Inbound]) -> Received:
    grounds: _Grounds = {}
    by_tenant: dict[TenantId, list[_Element]] = {}
    for inbound in items:
        element = await _placed(ports, app, inbound, grounds)
        by_tenant.setdefault(element.tenant, []).append(element)
    result = Received()
    for tenant, elements in by_tenant.items():
        taken, known, kept = await _take_together(ports, tenant, elements)
        result = Received(result.taken + taken, result.known + known, result.kept + kept)
    return result


async def _take_together(ports: Ports, tenant: TenantId, elements: Sequence[_Element]) -> tuple[int, int, int]:
    """One batch; or each by itself where a row that some of them need cannot be read.

    Those are not answered for: the provider brings the body again until the row is mended, and what landed is known then.
    """
    try:
        return await _Batch(ports, tenant).take(elements)
    except RowCorrupt as error:
        log.error("a webhook waits for a row to be mended: %s", error)
        if len(elements) > 1:
            for element in elements:
                with suppress(RowCorrupt):
                    await _Batch(ports, tenant).take([element])
        raise


async def _placed(ports: Ports, app: App, inbound: Inbound, grounds: _Grounds) -> _Element:
    """Find the line that an element names; one outside the accounts of the app that signed it is kept apart."""
    names = (inbound.account_ref, inbound.line_ref)
    if names not in grounds:
        setup = await ports.directory.inbound_line(app.id, *names)
        grounds[names] = await ground_for(ports, setup, None) if setup else None
    ground = grounds[names]
    if isinstance(inbound.item, Unreadable):
        # Whoever's line it is may read it; where none is known, whoever runs the app.
        return _kept(ground.setup.line.tenant if ground else app.tenant, inbound.item)
    if ground is None:
        problem = "it names a line outside the accounts of the app that signed it"
        return _kept(app.tenant, Unreadable(problem, _as_json(inbound.item)))
    return await _element(ports, ground, inbound.item, is_about_line=bool(inbound.line_ref))


def _kept(tenant: TenantId, item: Unreadable) -> _Element:
    fingerprint = hashlib.sha256(f"{item.problem}\n{item.raw}".encode("utf-8", "surrogatepass")).hexdigest()
    mark = DEDUPE.of(tenant, f"kept:{fingerprint}")
    return _Element(tenant, keep, Keep(item, fingerprint), (mark,), item)


async def _element(ports: Ports, ground: Ground, item: _Readable, *, is_about_line: bool) -> _Element:
    line, portfolio = ground.setup.line, ground.setup.account.portfolio
    if isinstance(item, InboundNotice):
        queued = await _using(ports, line.tenant, item.template) if item.template else ()
        notice = ReceiveNotice(ground, item, queued, is_about_line)
        return _Element(line.tenant, receive_notice, notice, (), item)
    if isinstance(item, InboundEcho):
        echo = evolve(item, recipient=_scoped(item.recipient, portfolio))
        mark = DEDUPE.of(line.tenant, inbound_mark(line.tenant, line.id, item.provider_id))
        wanted = (mark, *_of_sender(ground, echo.recipient))
        return _Element(line.tenant, receive_echo, ReceiveEcho(ground, echo), wanted, item)
    if isinstance(item, InboundMessage):
        seconds = (ports.clock() - item.at).total_seconds()
        ports.hooks.measure("webhook_lag_seconds", seconds, channel=ground.capabilities.channel)
        message = evolve(item, sender=_scoped(item.sender, portfolio))
        if item.formerly:
            message = evolve(message, formerly=_scoped(Sender(item.formerly), portfolio).addresses)
        mark = DEDUPE.of(line.tenant, inbound_mark(line.tenant, line.id, item.provider_id))
        wanted = (mark, *_of_sender(ground, message.sender), *_of_quoted(ground, message.replies_to))
        words = words_of(item.content)
        opinion = await ports.hooks.read_reply(words) if words and ports.hooks.readers else None
        screened = await screened_inbound(ports, ground, message.content)
        raw = _as_json(item) if screened and is_unscreened(screened) else ""
        command = ReceiveMessage(ground, message, opinion, screened=screened, raw=raw)
        return _Element(line.tenant, receive_message, command, wanted, item)
    if isinstance(item, InboundPreference):
        chosen = evolve(item, sender=_scoped(item.sender, portfolio))
        mark = DEDUPE.of(line.tenant, preference_mark(line.tenant, line.id, item.provider_id))
        wanted = (mark, *_of_sender(ground, chosen.sender))
        return _Element(line.tenant, receive_preference, ReceivePreference(ground, chosen), wanted, item)
    if isinstance(item, InboundHeard | InboundGone):
        return _of_fate(ground, item)
    recipient = _scoped(item.recipient, portfolio) if item.recipient else None
    status = evolve(item, recipient=recipient)
    wanted = _of_status(ground, status)
    report = ReceiveStatus(ground, status, await _detour(ports, ground, status, wanted))
    return _Element(line.tenant, receive_status, report, wanted, item)


async def _detour(ports: Ports, ground: Ground, status: InboundStatus, wanted: Sequence[Wanted]) -> Detour | None:
    """Where the message goes by itself that this report says cannot be delivered here: as its author stands now."""
    if status.report is not Report.FAILED or status.correction not in LEARNT:
        return None
    rows = (await ports.storage.load(wanted)).rows.values()
    message = next((row.value for row in rows if isinstance(row.value, Message)), None)
    if message is None or message.sender is None or message.fell_back is not None:
        return None
    seat = await ports.directory.user(ground.setup.line.tenant, message.sender)
    return await automatic_detour(ports, await ground_for(ports, ground.setup, seat, Intent.WRITE)) if seat else None


def _of_fate(ground: Ground, item: InboundHeard | InboundGone) -> _Element:
    tenant, line = ground.setup.line.tenant, ground.setup.line.id
    came = DEDUPE.of(tenant, inbound_mark(tenant, line, item.provider_id))
    if isinstance(item, InboundHeard):
        mark = DEDUPE.of(tenant, heard_mark(tenant, line, item.provider_id))
        return _Element(tenant, receive_heard, ReceiveHeard(ground, item), (mark, came), item)
    mark = DEDUPE.of(tenant, gone_mark(tenant, line, item.provider_id))
    return _Element(tenant, receive_gone, ReceiveGone(ground, item), (mark, came), item)


async def _using(ports: Ports, tenant: TenantId, template: TemplateNews) -> tuple[MessageId, ...]:
    """The messages in the outbox that use a template. Asked before the decision, and not read with it: a queue that moves
    on meanwhile is no reason to decide again."""
    named: list[MessageId] = []
    scan: Scan | None = Scan("outbox", "key", (tenant, Work.SEND.value), OUTBOX_PAGE)
    while scan is not None and len(named) < MOST_NAMED:
        page = await ports.storage.scan(scan)
        messages = [MESSAGE.of(tenant, key.parts[2]) for key, _ in page.rows]
        found = (await ports.storage.load(messages)).rows if messages else {}
        named += (
            row.value.id for row in found.values() if row.value is not None and _uses(row.value.content, template)
        )
        scan = None if page.next is None else evolve(scan, after=page.next)
    return tuple(named[:MOST_NAMED])


def _uses(content: Content, template: TemplateNews) -> bool:
    names = (template.name, template.language)
    return isinstance(content, TemplateMessage) and (content.name, content.language) == names


MOST_NAMED: Final = 500
"""How many of the messages that use a template one event names: it is a hint where to look, and is stored for long."""
OUTBOX_PAGE: Final = 500
"""How many messages of the outbox are looked at in one go for a template that changed."""


def _scoped(sender: Sender, portfolio: str) -> Sender:
    """The addresses with the account's portfolio in the place of its provider id."""
    addresses = tuple(
        Address(address.kind, address.value, portfolio) if address.kind in PORTFOLIO_SCOPED else address
        for address in sender.addresses
    )
    return evolve(sender, addresses=addresses)


def _of_sender(ground: Ground, sender: Sender) -> Iterable[Wanted]:
    tenant, line = ground.setup.line.tenant, ground.setup.line.id
    for address in sender.addresses:
        yield Follow(
            ADDRESS.of(tenant, *address.lookup),
            "customer",
            (("customer", (tenant, FOUND)), ("consent", (tenant, FOUND)), ("pair", (tenant, FOUND, line))),
        )


def _of_quoted(ground: Ground, quoted: ProviderId | None) -> Iterable[Wanted]:
    if quoted is not None:
        yield Range("message", "provider", (ground.setup.line.tenant, ground.setup.line.id, quoted), 1)


def _of_status(ground: Ground, status: InboundStatus) -> tuple[Wanted, ...]:
    tenant = ground.setup.line.tenant
    recipient = tuple(_of_sender(ground, status.recipient)) if status.recipient else ()
    if status.message is None:
        return (named_so(tenant, ground.setup.line.id, status.provider_id), *recipient)
    outbox = OUTBOX.of(tenant, "send", status.message)
    message = Follow(MESSAGE.of(tenant, status.message), "customer", (("customer", (tenant, FOUND)),))
    return (message, outbox, *recipient)


# --- one tenant's elements --------------------------------------------------------------------------------------------


class _Batch:
    """The elements of one tenant, rolled forward on one snapshot and committed together."""

    def __init__(self, ports: Ports, tenant: TenantId) -> None:
        self._ports: Final = ports
        self._tenant: Final = tenant
        self._seed: Final = ports.seed()
        self._decided = 0
        self._snapshot = Snapshot()
        self._pending: list[tuple[_Element, Ready[Any]]] = []
        self._again: list[_Element] = []
        self._waiting: list[_Element] = []
        self._counts = [0, 0, 0]

    async def take(self, elements: Sequence[_Element]) -> tuple[int, int, int]:
        """Commit them all: how many were taken, known before, and kept.

        Raises ``Contended`` when some could not be: the provider brings the whole body again, and what did land is
        known then.
        """
        for _ in range(ROUNDS):
            self._snapshot = await self._ports.storage.load(_all_wanted(elements))
            threads = _open_threads(self._tenant, self._snapshot)
            if threads:
                self._snapshot = (await self._ports.storage.load(threads)).joined(self._snapshot)
            self._again = []
            for element in elements:
                await self._decide(element)
            await self._flush()
            if not self._again:
                await self._look_again()
                taken, known, kept = self._counts
                return taken, known, kept
            elements = self._again
        raise Contended("a webhook's elements lost to other writers too often")

    async def _look_again(self) -> None:
        """For each report that was let wait: see whether its message got the provider's id meanwhile."""
        for element in self._waiting:
            assert isinstance(element.command, ReceiveStatus)
            await decide(self._ports, look_again, element.command, self._tenant, element.wanted)

    async def _decide(self, element: _Element) -> None:
        try:
            answer = await self._answer(element)
            if _begins_unasked(element, answer):
                element = await self._routed(element)
                answer = await self._answer(element)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours, of whatever kind
            # A defect of ours must not make the provider bring the same body for a week and switch the webhook off.
            log.error("an inbound element could not be decided (%s); it is kept", where(error))
            element = _kept(self._tenant, Unreadable("internal error", _as_json(element.item)))
            answer = await self._answer(element)
        match answer:
            case Ready(change, _):
                self._pending.append((element, answer))
                self._snapshot = rolled(self._snapshot, change)
            case Known() | Refused():
                self._counts[1] += 1

    async def _routed(self, element: _Element) -> _Element:
        """The element with those who could have the thread that it begins. Asked only of one that begins one, and once."""
        command = element.command
        assert isinstance(command, ReceiveMessage)
        question = evolve(element, decider=whose, command=Whose(command.ground, command.item))
        answer = await self._answer(question)
        assert isinstance(answer, Ready)
        candidates = await candidates_for(self._ports, command.ground, answer.result)
        return evolve(element, command=evolve(command, candidates=candidates))

    async def _answer(self, element: _Element) -> Ready[Any] | Known | Refused:
        seed, ports = self._next_seed(), self._ports
        while True:
            answer = run(element.decider, element.command, self._snapshot, self._tenant, ports.clock(), seed)
            if not isinstance(answer, Needs):
                return answer
            if self._pending and any(isinstance(wanted, Range) for wanted in answer.wanted):
                # A range cannot show what is decided and not committed; so commit that first.
                await self._flush()
                self._snapshot = await ports.storage.load(element.wanted)
            self._snapshot = (await ports.storage.load(answer.wanted)).joined(self._snapshot)

    def _next_seed(self) -> Seed:
        """Ids that sort in the order of the body: a provider tells whole seconds, and what somebody wrote in one of them
        is to be read as he wrote it."""
        self._decided += 1
        return Seed(f"{self._seed.stem}-{self._decided:05}", f"{self._seed.secret} {self._decided}")

    async def _flush(self) -> None:
        pending = [(element, answer) for element, answer in self._pending if not answer.change.is_empty]
        self._counts[1] += len(self._pending) - len(pending)
        self._pending = []
        if not pending:
            return
        outcomes = await self._commit(pending)
        happenings: list[Any] = []
        at: datetime = pending[0][1].change.at
        for (element, answer), outcome in zip(pending, outcomes, strict=True):
            if isinstance(outcome, Conflict):
                self._again.append(element)
            elif outcome is None:
                self._again.append(_kept(self._tenant, Unreadable("it cannot be stored", _as_json(element.item))))
            elif isinstance(outcome, Committed):
                self._counts[2 if element.is_kept else 0] += 1
                if element.decider is receive_status and answer.result is None:
                    self._waiting.append(element)
                happenings += answer.change.events
            else:
                self._counts[1] += 1
        await self._ports.hooks.committed(self._tenant, at, happenings)

    async def _commit(self, pending: Sequence[tuple[_Element, Ready[Any]]]) -> list[Outcome | None]:
        """The outcomes; None of a change that the storage refuses. It is found by committing one by one, so that it does
        not take its neighbours down."""
        try:
            return [*await self._ports.storage.commit([answer.change for _, answer in pending])]
        except UsageError as error:
            if len(pending) == 1:
                log.error("an inbound element could not be stored (%s); it is kept", where(error))
                return [None]
        return [outcome for each in pending for outcome in await self._commit([each])]


def _begins_unasked(element: _Element, answer: Ready[Any] | Known | Refused) -> bool:
    """Whether the answer begins a thread whose owner nobody was asked for."""
    is_asked = not isinstance(element.command, ReceiveMessage) or element.command.candidates is not None
    if is_asked or not isinstance(answer, Ready):
        return False
    return any(isinstance(happening, ConversationOpened) for happening in answer.change.events)


def _open_threads(tenant: TenantId, snapshot: Snapshot) -> Sequence[Wanted]:
    """The threads into which what customers wrote may go: one more load for all, instead of one for each."""
    found = ((key, row.value) for key, row in snapshot.rows.items() if key.kind == PAIR.name)
    pairs = (pair for key, pair in found if pair is not None and key.parts[0] == tenant)
    return [CONVERSATION.of(tenant, thread) for pair in pairs for thread in pair.open]


def _all_wanted(elements: Iterable[_Element]) -> Sequence[Wanted]:
    return list(dict.fromkeys(wanted for element in elements for wanted in element.wanted))
