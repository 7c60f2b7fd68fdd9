"""The outbox at work: one leased lane at a time, one message of it at a time.

Theory: a lane is leased, so no other process looks at it; its fence goes into every commit, so that a process which lost
its lease without noticing commits nothing. Messages of a lane leave in order: a head that waits makes the lane wait.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, final

from attrs import evolve, frozen

from wa_connector.decide.acknowledging import put_back_receipt, take_receipt
from wa_connector.decide.delivering import (
    Handed,
    Record,
    RecordFetch,
    Take,
    hand_over,
    record_fetch,
    record_outcome,
    release,
    settle_doubt,
    wait_of,
    with_media,
)
from wa_connector.decide.draft import Known, Refused
from wa_connector.decide.falling_back import Detour
from wa_connector.decide.gating import Probe, take_probe
from wa_connector.decide.ground import Ground
from wa_connector.decide.parking import Doubt, park_doubtful
from wa_connector.decide.transcribing import NoteTranscript, ask_later, note_transcript
from wa_connector.errors import Contended, RowCorrupt, Unavailable
from wa_connector.model.content import TemplateMessage, Voicemail, media_of
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import LineSetup
from wa_connector.model.ids import ProviderId, TenantId
from wa_connector.model.message import Message
from wa_connector.model.opinion import Intent
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Fetched,
    FetchFailed,
    FetchOutcome,
    OutcomeUnknown,
    Rejected,
)
from wa_connector.model.queue import Budget, EntryState, Epoch, Gate, LaneKey, LeasedLane, OutboxEntry, Work
from wa_connector.model.transcribing import Recording
from wa_connector.policy.limits import answered, refilled, spent, wait_until
from wa_connector.policy.screening import is_unscreened
from wa_connector.ports.channel import AsyncTransport
from wa_connector.ports.rows import GATE, MESSAGE, Key
from wa_connector.ports.storage import FOUND, Change, Committed, Follow, Range, Settle, Wanted
from wa_connector.shell.callbacks import never
from wa_connector.shell.committing import commit_one, decide, result_of, settled
from wa_connector.shell.grounds import automatic_detour, ground_for
from wa_connector.shell.keeping import let_go
from wa_connector.shell.marks import Epochs, key_of
from wa_connector.shell.pacing import A_MOMENT, Paces
from wa_connector.shell.ports import Ports, log, where
from wa_connector.shell.screening import screened_inbound, screened_outbound, screened_words, with_signature
from wa_connector.shell.waking import wake_line

LEASE: Final = timedelta(minutes=2)
"""How long a lane is this process's own. Longer than a transport may take for one message, so that a slow provider does
not make two processes work on one lane."""
TRIES: Final = 100
"""How often a lane's commit is decided anew. The outcome of a call to the provider must be noted, so it is many."""
A_TURN: Final = 20
"""How many messages of one lane leave before others get their turn."""
HELD_AT_ONCE: Final = 100
LONGEST_PAUSE: Final = timedelta(seconds=1)
"""How long a lane waits on the spot for its line's pace, before it is given back and others are looked at."""


@frozen
class Turn:
    """What working on one lane came to. ``due_at``: when it is next to be looked at; None when nothing waits."""

    sent: int
    due_at: datetime | None


@final
class Rounds:
    """Tells whether there is more to do, from round to round.

    A round may bring nothing (what it looked at was refused, or had left before) while other lanes are due all the same.
    There is nothing to do when it looked only at lanes that were looked at in vain since something last went through.
    """

    def __init__(self) -> None:
        self._in_vain: set[LaneKey] = set()

    def is_idle(self, leased: Sequence[LeasedLane], done: int) -> bool:
        """Whether there is nothing to do after a round on these lanes in which so much went through."""
        fresh = {lane.key for lane in leased} - self._in_vain
        if done or not fresh:
            self._in_vain.clear()
        else:
            self._in_vain |= fresh
        return not done and not fresh


class _LeaseLost(Exception):
    """Another process has the lane now; whatever we decided is not ours to commit."""


@final
class Dispatcher:
    """Claims lanes and works on them. The faces decide how many at a time."""

    def __init__(self, ports: Ports) -> None:
        self._ports: Final = ports
        self._paces: Final = Paces(ports)
        self._epochs: Final = Epochs(ports)

    async def claim(self, limit: int) -> Sequence[LeasedLane]:
        """Lease up to ``limit`` lanes that are due."""
        return await self._ports.storage.claim(tuple(Work), limit, self._ports.clock(), LEASE)

    async def work(self, lane: LeasedLane, is_stopping: Callable[[], bool] = never) -> int:
        """Work on one leased lane and give it back. Returns how many messages or files went through.

        ``is_stopping`` is asked before each of them: what is left then stays for the next, of whatever process.
        Never raises for what a provider, a transport or a plugin does; ``Unavailable`` when the storage is away (the
        lease then ends by itself, and the lane is looked at again).
        """
        worker = _Lane(self._ports, self._paces, self._epochs, lane, is_stopping)
        try:
            turn = await worker.take_turn()
        except _LeaseLost:
            log.warning("a lane was lost to another process; its lease of %s was too short", LEASE)
            return 0
        except RowCorrupt as error:
            # Said in full: it names the row, and nothing that is in it.
            log.error("a lane waits for a row to be mended, and is looked at again in %s: %s", LEASE, error)
            self._ports.hooks.measure("corrupt_rows", 1)
            turn = Turn(0, self._ports.clock() + LEASE)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours, of whatever kind, in one lane stops no other
            log.error("a lane could not be worked on (%s); it is looked at again in %s", where(error), LEASE)
            turn = Turn(0, self._ports.clock() + LEASE)
        settle = Settle(lane.key, lane.fence, lane.wakes, turn.due_at, worker.budget)
        await self._ports.storage.commit([Change(lane.key.tenant, self._ports.clock(), settle=settle)])
        return turn.sent


class _Lane:
    """One lane during one lease."""

    def __init__(
        self, ports: Ports, paces: Paces, epochs: Epochs, lane: LeasedLane, is_stopping: Callable[[], bool]
    ) -> None:
        self._ports: Final = ports
        self._paces: Final = paces
        self._epochs: Final = epochs
        self._lane: Final = lane
        self._is_stopping: Final = is_stopping
        self._tenant: Final[TenantId] = lane.key.tenant
        self.budget: Budget | None = lane.budget

    async def take_turn(self) -> Turn:
        if self._is_stopping():
            # Several lanes are leased at once; those whose turn has not come are free again at once.
            return Turn(0, self._ports.clock())
        setup = await self._ports.directory.line(self._tenant, self._lane.key.line)
        transport = self._ports.transports.get(setup.line.channel) if setup else None
        if setup is None or transport is None:
            # A line that was taken out of the directory keeps its messages until it is back.
            return Turn(0, self._ports.clock() + LEASE)
        if self._lane.key.work is Work.FETCH:
            return await self._fetch_all(setup, transport)
        if self._lane.key.work is Work.RECEIPT:
            return await self._acknowledge_all(setup, transport)
        if self._lane.key.work is Work.TRANSCRIBE:
            return await self._transcribe_all(setup)
        look_at = await self._release_held(setup)
        turn = await self._send_all(setup, transport)
        return evolve(turn, due_at=min(filter(None, (turn.due_at, look_at)), default=None))

    # --- sending --------------------------------------------------------------------------------------------------

    async def _send_all(self, setup: LineSetup, transport: AsyncTransport) -> Turn:
        sent = 0
        for _ in range(A_TURN):
            if self._is_stopping():
                break
            entry, gate, epoch = await self._head()
            if entry is None:
                return Turn(sent, None)
            if await self._park_doubtful(setup, entry, epoch):
                continue
            wait = await self._wait_for(setup, entry)
            if wait is not None:
                return Turn(sent, wait)
            if entry.state is not EntryState.QUEUED:
                continue  # Its doubt was settled just now; whether it is still the head is seen in the next round.
            wait = await self._wait_at_gate(setup, gate)
            if wait is not None:
                return Turn(sent, wait)
            sent += await self._send_one(setup, transport, entry, is_probe=gate.stop is not None)
        return Turn(sent, self._ports.clock())

    async def _park_doubtful(self, setup: LineSetup, entry: OutboxEntry, epoch: Epoch | None) -> bool:
        """Whether the message came from a backup that was restored, and so may have been sent before."""
        until_at = await self._epochs.doubted_until(self._tenant, epoch)
        if until_at is None or entry.since_at > until_at:
            return False
        ground, _ = await self._ground(setup, entry)
        is_parked: bool = await self._decide(park_doubtful, Doubt(ground, entry.message, until_at))
        return is_parked

    async def _wait_at_gate(self, setup: LineSetup, gate: Gate) -> datetime | None:
        """Until when the line makes its lanes wait, because it was stopped or for its pace; None when a message may
        leave."""
        if gate.stop is not None:
            if gate.stop.probe_at > self._ports.clock():
                return gate.stop.probe_at
            wait = result_of(await decide(self._ports, take_probe, Probe(setup.line.id), self._tenant))
            if wait is not None:
                return wait
        give_up_at = self._ports.clock() + LONGEST_PAUSE
        while (wait := await self._paces.admit(setup)) is not None:
            before = self._ports.clock()
            if wait > give_up_at or self._is_stopping():
                return wait
            await self._ports.pause(max(wait - before, A_MOMENT).total_seconds())
            if self._ports.clock() <= before:
                return wait  # A clock that stands still until somebody moves it.
        return None

    async def _wait_for(self, setup: LineSetup, entry: OutboxEntry) -> datetime | None:
        """Until when the head blocks its lane; None when it may leave (or just made way for the next)."""
        if entry.state is not EntryState.QUEUED:
            ground, _ = await self._ground(setup, entry)
            blocked_until: datetime | None = await self._decide(settle_doubt, Take(ground, self._lane, entry.message))
            return blocked_until
        if entry.due_at > self._ports.clock():
            return entry.due_at
        return self._budget_wait(setup)

    def _budget_wait(self, setup: LineSetup) -> datetime | None:
        limits = self._ports.channels[setup.line.channel].capabilities
        if not limits.pair_burst:
            return None
        self.budget = refilled(self.budget, self._ports.clock(), limits.pair_burst, limits.pair_interval)
        return wait_until(self.budget, limits.pair_interval)

    async def _send_one(
        self, setup: LineSetup, transport: AsyncTransport, entry: OutboxEntry, *, is_probe: bool
    ) -> int:
        ground, message = await self._ground(setup, entry)
        age = (self._ports.clock() - entry.since_at).total_seconds()
        self._ports.hooks.measure("queue_age_seconds", age, channel=setup.line.channel)
        taken = await self._decide(hand_over, await self._take(ground, message))
        if not isinstance(taken, Handed):
            self._ports.hooks.measure("refusals", 1, reason=taken.decision.reason.value)
            self._paces.give_back(setup)
            return 0
        self.budget = spent(self.budget) if self.budget else None
        try:
            outcome = await transport.send(setup, taken.envelope, self._ports.media)
        except Exception as error:  # noqa: BLE001 - whatever a transport of another author raises
            # A transport promises not to raise; one that does may have sent, or not.
            log.error("the transport of %s raised %s", setup.line.channel, type(error).__qualname__)
            outcome = OutcomeUnknown(type(error).__qualname__)
        self._note_answer(setup)
        detour = await self._detour(ground, message) if isinstance(outcome, Rejected) else None
        await self._decide(record_outcome, Record(ground, self._lane, entry.message, outcome, is_probe, detour))
        if isinstance(outcome, AccountStopped):
            self._ports.hooks.measure("account_errors", 1, channel=setup.line.channel, code=outcome.code)
        elif is_probe and isinstance(outcome, Accepted | Rejected):
            await wake_line(self._ports, self._tenant, setup.line.id)
        return int(isinstance(outcome, Accepted | Rejected))

    def _note_answer(self, setup: LineSetup) -> None:
        limits = self._ports.channels[setup.line.channel].capabilities
        if self.budget:
            self.budget = answered(self.budget, self._ports.clock(), limits.pair_burst, limits.pair_interval)

    async def _head(self) -> tuple[OutboxEntry | None, Gate, Epoch | None]:
        """The head of the lane, the gate of its line, and the epoch if somebody minds it, in one round trip."""
        heads, gate = self._range(queued=1, limit=1), GATE.of(self._tenant, self._lane.key.line)
        wanted: list[Wanted] = [heads, gate]
        epoch = key_of(self._tenant)
        if self._epochs.is_kept:
            wanted.append(epoch)
        snapshot = await self._ports.storage.load(wanted)
        found = [snapshot.rows[key].value for key in snapshot.ranges[heads]]
        known = (snapshot.rows[epoch].value or Epoch()) if self._epochs.is_kept else None
        return found[0] if found else None, snapshot.rows[gate].value or Gate(), known

    # --- held messages ----------------------------------------------------------------------------------------------

    async def _release_held(self, setup: LineSetup) -> datetime | None:
        """Judge the held messages in their order; the first that must stay keeps those behind it.

        Returns when to look again: the first of them expires then, or what it waits for ends.
        """
        look_at: datetime | None = None
        for entry in await self._entries(queued=0, limit=HELD_AT_ONCE):
            if entry.state is not EntryState.HELD or await self._park_doubtful(setup, entry, None):
                continue
            wait: datetime | None = None
            if look_at is None or entry.due_at <= self._ports.clock():
                ground, message = await self._ground(setup, entry)
                decision: Decision = await self._decide(release, await self._take(ground, message))
                wait = wait_of(decision)
                if decision.reason is not Reason.WINDOW_CLOSED and wait is None:
                    continue
            look_at = min(filter(None, (look_at, entry.due_at, wait)))
        return look_at

    # --- files --------------------------------------------------------------------------------------------------------

    async def _fetch_all(self, setup: LineSetup, transport: AsyncTransport) -> Turn:
        fetched = 0
        for entry in await self._entries(queued=1, limit=A_TURN):
            if entry.due_at > self._ports.clock():
                return Turn(fetched, entry.due_at)
            if self._is_stopping():
                return Turn(fetched, self._ports.clock())
            ground, message = await self._ground(setup, entry)
            media = media_of(message.content)
            if media is None:
                continue  # It was erased since the entries were read.
            try:
                outcome = await transport.fetch(setup, media, self._ports.media)
            except Exception as error:  # noqa: BLE001 - as above
                log.error("the transport of %s raised %s", setup.line.channel, type(error).__qualname__)
                outcome = FetchFailed(type(error).__qualname__, is_final=False)
            is_wanted = await self._decide(record_fetch, await self._fetched(ground, message, outcome))
            if not is_wanted and isinstance(outcome, Fetched):
                await let_go(self._ports, self._tenant, outcome.media.sha256)
            fetched += 1
        return Turn(fetched, self._ports.clock() if fetched else None)

    async def _transcribe_all(self, setup: LineSetup) -> Turn:
        """Ask for the words of recordings. Who is asked twice, after a crash, says the same."""
        asked = 0
        for entry in await self._entries(queued=1, limit=A_TURN):
            if entry.due_at > self._ports.clock():
                return Turn(asked, entry.due_at)
            if self._is_stopping():
                return Turn(asked, self._ports.clock())
            ground, message = await self._ground(setup, entry)
            take = Take(ground, self._lane, entry.message)
            words = await self._words_of(ground, message)
            if words is None:
                await self._decide(ask_later, take)
            else:
                await self._decide(note_transcript, NoteTranscript(entry.message, words, take))
            asked += 1
        return Turn(asked, self._ports.clock() if asked else None)

    async def _words_of(self, ground: Ground, message: Message) -> str | None:
        """What stands beside a recording after the screeners have seen it; '' for nothing, None to ask again later."""
        content, line = message.content, ground.setup.line
        if not isinstance(content, Voicemail) or not content.media.is_stored or content.transcript:
            return ""  # It was erased, or somebody was faster.
        recording = Recording(
            line.tenant, line.id, line.channel, message.conversation, message.id, content.media, content.lasts
        )
        words = await self._ports.hooks.transcribe(recording)
        return await screened_words(self._ports, ground, content, words) if words else words

    # --- receipts -------------------------------------------------------------------------------------------------

    async def _acknowledge_all(self, setup: LineSetup, transport: AsyncTransport) -> Turn:
        """Show the customer what was read. What is taken out and then lost, in a crash, stays lost: see there."""
        tell: Callable[[LineSetup, ProviderId], Awaitable[bool]] | None = getattr(transport, "mark_read", None)
        told = 0
        for entry in await self._entries(queued=1, limit=A_TURN):
            if entry.due_at > self._ports.clock():
                return Turn(told, entry.due_at)
            if self._is_stopping():
                return Turn(told, self._ports.clock())
            take = Take(await ground_for(self._ports, setup, None), self._lane, entry.message)
            message = await self._decide(take_receipt, take)
            if message is None or tell is None:
                continue
            try:
                is_done = await tell(setup, message)
            except Exception as error:  # noqa: BLE001 - as above
                log.error("the transport of %s raised %s", setup.line.channel, type(error).__qualname__)
                is_done = True
            if is_done:
                told += 1
            else:
                await self._decide(put_back_receipt, (take, entry))
        (left,) = await self._entries(queued=1, limit=1) or (None,)
        return Turn(told, left.due_at if left else None)

    # --- common -------------------------------------------------------------------------------------------------------

    async def _entries(self, *, queued: int, limit: int) -> list[OutboxEntry]:
        wanted = self._range(queued=queued, limit=limit)
        snapshot = await self._ports.storage.load([wanted])
        return [snapshot.rows[found].value for found in snapshot.ranges[wanted]]

    def _range(self, *, queued: int, limit: int) -> Range:
        key = self._lane.key
        return Range("outbox", "lane", (key.tenant, key.line, key.customer, key.work.value, queued), limit)

    async def _ground(self, setup: LineSetup, entry: OutboxEntry) -> tuple[Ground, Message]:
        """The ground that the message's author stands on: what he may do now decides, not what he might then."""
        key = MESSAGE.of(self._tenant, entry.message)
        message: Message = (await self._ports.storage.load([key])).rows[key].value
        seat = None
        if message.sender is not None:
            seat = await self._ports.directory.user(self._tenant, message.sender)
        content = message.content
        intent = Intent.USE_TEMPLATE if isinstance(content, TemplateMessage) else Intent.WRITE
        return await ground_for(self._ports, setup, seat, intent), message

    async def _take(self, ground: Ground, message: Message) -> Take:
        """The look at a message that is about to leave, with what the host's screeners say now. They are not asked of
        what the system sends by itself."""
        if message.sender is None:
            return Take(ground, self._lane, message.id)
        screened = await screened_outbound(self._ports, ground, message.conversation, message.content)
        ground = await with_signature(self._ports, evolve(ground, screening=screened.vetoes))
        detour = await self._detour(ground, message)
        return Take(ground, self._lane, message.id, screened, detour)

    async def _detour(self, ground: Ground, message: Message) -> Detour | None:
        """The line that the message goes by of itself if it cannot go by this one; it does so once."""
        return None if message.fell_back else await automatic_detour(self._ports, ground)

    async def _fetched(self, ground: Ground, message: Message, outcome: FetchOutcome) -> RecordFetch:
        """What came of fetching a file, which the screeners are shown before anybody else."""
        if not isinstance(outcome, Fetched):
            return RecordFetch(ground, self._lane, message.id, outcome)
        screened = await screened_inbound(self._ports, ground, with_media(message.content, outcome))
        if screened is not None and is_unscreened(screened):
            outcome = FetchFailed("it could not be screened", is_final=False)
            return RecordFetch(ground, self._lane, message.id, outcome)
        wants_words = bool(self._ports.hooks.transcribers)
        return RecordFetch(ground, self._lane, message.id, outcome, screened, wants_words)

    async def _decide(self, decider: Any, command: Any) -> Any:
        """Decide and commit under the lease, again on a conflict with what came in meanwhile."""
        seed = self._ports.seed()
        for _ in range(TRIES):
            snapshot = await self._ports.storage.load(self._wanted(command))
            answer = await settled(self._ports, decider, command, self._tenant, snapshot, seed)
            if isinstance(answer, Refused | Known):
                raise TypeError("a decider of the outbox neither refuses nor knows")
            if answer.change.is_empty or isinstance(await commit_one(self._ports, answer.change), Committed):
                return answer.result
            if answer.change.fence is not None:
                await self._check_lease()
        raise Contended("others changed the same rows each time this was decided; the lane is looked at again")

    async def _check_lease(self) -> None:
        """Tell a lost lease from an ordinary conflict: an empty commit under the fence lands only with the lease."""
        probe = Change(self._tenant, self._ports.clock(), fence=(self._lane.key, self._lane.fence))
        (outcome,) = await self._ports.storage.commit([probe])
        if not isinstance(outcome, Committed):
            raise _LeaseLost

    def _wanted(
        self, command: Take | Record | RecordFetch | Doubt | NoteTranscript | tuple[Take, OutboxEntry]
    ) -> Sequence[Wanted]:
        key = self._lane.key
        if isinstance(command, tuple):
            command = command[0]
        customer = ("customer", (key.tenant, FOUND))
        consent = ("consent", (key.tenant, FOUND))
        pair = ("pair", (key.tenant, FOUND, key.line))
        message = MESSAGE.of(self._tenant, command.message)
        outbox = Key("outbox", (self._tenant, key.work.value, command.message))
        wanted: list[Wanted] = [Follow(message, "customer", (customer, consent, pair)), outbox]
        if isinstance(command, Record) and (command.is_probe or isinstance(command.outcome, AccountStopped)):
            wanted.append(GATE.of(self._tenant, key.line))
        return wanted
