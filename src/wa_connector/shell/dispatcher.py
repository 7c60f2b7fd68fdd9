"""The outbox at work: one leased lane at a time, one message of it at a time.

Theory: a lane is leased, so no other process looks at it; its fence goes into every commit, so that a process which lost
its lease without noticing commits nothing. Messages of a lane leave in order: a head that waits makes the lane wait.

A round trip costs more than a decision, so a message has three: it is marked as being sent; when the provider has
answered, one look brings what the answer needs to be noted and what the next message is judged by; and the answer is
noted. What was read is kept no longer than until the next look, it is read anew after every wait, and versions tell where
it was too old all the same.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
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
from wa_connector.decide.draft import Known, Refused, rolled
from wa_connector.decide.falling_back import Detour
from wa_connector.decide.gating import Probe, take_probe
from wa_connector.decide.ground import Ground, setting_keys
from wa_connector.decide.parking import Doubt, park_doubtful
from wa_connector.decide.transcribing import NoteTranscript, ask_later, note_transcript
from wa_connector.errors import Contended, RowCorrupt, Unavailable
from wa_connector.model.content import TemplateMessage, Voicemail, media_of
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import LineSetup
from wa_connector.model.ids import MessageId, ProviderId, TenantId
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
    SendOutcome,
)
from wa_connector.model.queue import Budget, EntryState, Epoch, Gate, LaneKey, LeasedLane, OutboxEntry, Work
from wa_connector.model.transcribing import Recording
from wa_connector.policy.limits import answered, refilled, spent, wait_until
from wa_connector.policy.screening import is_unscreened
from wa_connector.ports.channel import AsyncTransport
from wa_connector.ports.rows import ADDRESS, GATE, MESSAGE, SETTING, WAITING, Key
from wa_connector.ports.storage import FOUND, Change, Committed, Conflict, Follow, Range, Settle, Snapshot, Wanted
from wa_connector.shell.callbacks import never
from wa_connector.shell.committing import commit_one, decide, result_of, settled_on
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
AHEAD: Final = 3
"""How many messages of a lane a look shows: the one that is being sent, the one that is loaded with it, and whose turn comes
then."""
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


@frozen
class _View:
    """What a look at a lane found: its messages in their order, the first ``AHEAD`` of them, and what makes it wait."""

    queue: tuple[OutboxEntry, ...]
    gate: Gate
    epoch: Epoch | None
    """None where nobody minds it."""

    def without(self, message: MessageId) -> "_View | None":
        """When its head has left; None where that was another."""
        if self.queue and self.queue[0].message == message:
            return evolve(self, queue=self.queue[1:])
        return None


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
        self._seen = Snapshot()
        """What the last look found, with what was committed since: what is decided on before anything is loaded."""

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
        held = self._range(queued=0, limit=HELD_AT_ONCE)
        view: _View | None = await self._look([held, *setting_keys(setup, None)])
        look_at = None
        if waiting := self._found(held):
            look_at = await self._release_held(setup, waiting)
            view = None
        turn = await self._send_all(setup, transport, view)
        return evolve(turn, due_at=min(filter(None, (turn.due_at, look_at)), default=None))

    # --- sending --------------------------------------------------------------------------------------------------

    async def _send_all(self, setup: LineSetup, transport: AsyncTransport, view: _View | None) -> Turn:
        sent = 0
        for _ in range(A_TURN):
            if self._is_stopping():
                break
            if view is None:
                view = await self._look()
            if not view.queue:
                return Turn(sent, None)
            entry, gate = view.queue[0], view.gate
            if await self._park_doubtful(setup, entry, view.epoch):
                view = None
                continue
            wait = await self._wait_for(setup, entry)
            if wait is not None:
                return Turn(sent, wait)
            if entry.state is not EntryState.QUEUED:
                view = None  # Its doubt was settled just now; whether it is still the head is seen in the next round.
                continue
            wait = await self._wait_at_gate(setup, gate)
            if wait is not None:
                return Turn(sent, wait)
            is_sent, view = await self._send_one(setup, transport, entry, view, is_probe=gate.stop is not None)
            sent += is_sent
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
            self._seen = Snapshot()
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
        self, setup: LineSetup, transport: AsyncTransport, entry: OutboxEntry, view: _View, *, is_probe: bool
    ) -> tuple[bool, _View | None]:
        """Whether it went through, and what the lane looks like then, if that is known."""
        ground, message = await self._ground(setup, entry)
        age = (self._ports.clock() - entry.since_at).total_seconds()
        self._ports.hooks.measure("queue_age_seconds", age, channel=setup.line.channel)
        taken = await self._decide(hand_over, await self._take(ground, message), self._seen)
        if not isinstance(taken, Handed):
            self._ports.hooks.measure("refusals", 1, reason=taken.decision.reason.value)
            self._paces.give_back(setup)
            return False, None
        self.budget = spent(self.budget) if self.budget else None
        try:
            outcome = await transport.send(setup, taken.envelope, self._ports.media)
        except Exception as error:  # noqa: BLE001 - whatever a transport of another author raises
            # A transport promises not to raise; one that does may have sent, or not.
            log.error("the transport of %s raised %s", setup.line.channel, type(error).__qualname__)
            outcome = OutcomeUnknown(type(error).__qualname__)
        self._note_answer(setup)
        detour = await self._detour(ground, message) if isinstance(outcome, Rejected) else None
        before, self._seen = self._seen, Snapshot()
        following = view.queue[1].message if len(view.queue) > 1 else None
        then = None
        try:
            then = await self._look([*self._needed(outcome), *self._about(following), *ground.seen])
        except RowCorrupt:
            # The next message's, perhaps, and it will be said when its turn comes: this one's answer is noted first.
            log.debug("a row that is not needed yet cannot be read")
        looked = self._seen
        record = Record(ground, self._lane, entry.message, outcome, is_probe, detour)
        await self._decide(record_outcome, record, before.joined(looked))
        # Of what was read for this one, and is older, nothing is left for the next.
        self._seen = Snapshot({key: self._seen.rows[key] for key in looked.rows if key in self._seen.rows})
        if isinstance(outcome, AccountStopped):
            self._ports.hooks.measure("account_errors", 1, channel=setup.line.channel, code=outcome.code)
        if not isinstance(outcome, Accepted | Rejected):
            return False, None
        if is_probe:
            await wake_line(self._ports, self._tenant, setup.line.id)
            return True, None
        return True, then and then.without(entry.message)

    def _note_answer(self, setup: LineSetup) -> None:
        limits = self._ports.channels[setup.line.channel].capabilities
        if self.budget:
            self.budget = answered(self.budget, self._ports.clock(), limits.pair_burst, limits.pair_interval)

    async def _look(self, more: Iterable[Wanted] = ()) -> _View:
        """The lane, the gate of its line, and the epoch if somebody minds it, and ``more``, in one round trip."""
        heads, gate = self._range(queued=1, limit=AHEAD), GATE.of(self._tenant, self._lane.key.line)
        epoch = key_of(self._tenant)
        wanted: list[Wanted] = [heads, gate, *([epoch] if self._epochs.is_kept else []), *more]
        self._seen = self._seen.joined(await self._ports.storage.load(wanted))
        known = (self._seen.rows[epoch].value or Epoch()) if self._epochs.is_kept else None
        return _View(tuple(self._found(heads)), self._seen.rows[gate].value or Gate(), known)

    def _found(self, wanted: Range) -> list[OutboxEntry]:
        return [self._seen.rows[key].value for key in self._seen.ranges[wanted]]

    def _needed(self, outcome: SendOutcome) -> Iterable[Wanted]:
        """What is read when an answer is noted: reports that came before it, and whose the addresses are."""
        if isinstance(outcome, Accepted):
            yield WAITING.of(self._tenant, self._lane.key.line, outcome.provider_id)
            for address in outcome.addresses:
                yield ADDRESS.of(self._tenant, *address.lookup)

    # --- held messages ----------------------------------------------------------------------------------------------

    async def _release_held(self, setup: LineSetup, held: Sequence[OutboxEntry]) -> datetime | None:
        """Judge the held messages in their order; the first that must stay keeps those behind it.

        Returns when to look again: the first of them expires then, or what it waits for ends.
        """
        look_at: datetime | None = None
        for entry in held:
            self._seen = Snapshot()  # What came of the one before it counts for it.
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
            self._seen = Snapshot()
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
            self._seen = Snapshot()
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
        if key not in self._seen.rows:
            wanted = [*self._about(entry.message), *setting_keys(setup, None)]
            self._seen = self._seen.joined(await self._ports.storage.load(wanted))
        message: Message = self._seen.rows[key].value
        seat = None
        if message.sender is not None:
            seat = await self._ports.directory.user(self._tenant, message.sender)
        content = message.content
        intent = Intent.USE_TEMPLATE if isinstance(content, TemplateMessage) else Intent.WRITE
        return await ground_for(self._ports, setup, seat, intent, seen=self._seen.rows), message

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

    async def _decide(self, decider: Any, command: Any, seen: Snapshot | None = None) -> Any:
        """Decide and commit under the lease, again on a conflict with what came in meanwhile. ``seen`` is decided on
        first; without it, and then, all is loaded."""
        seed = self._ports.seed()
        for _ in range(TRIES):
            if seen is None:
                seen = await self._ports.storage.load(self._wanted(command))
            answer, seen = await settled_on(self._ports, decider, command, self._tenant, seen, seed)
            if isinstance(answer, Refused | Known):
                raise TypeError("a decider of the outbox neither refuses nor knows")
            if answer.change.is_empty:
                return answer.result
            outcome = await commit_one(self._ports, answer.change)
            if isinstance(outcome, Committed):
                self._seen = rolled(seen, answer.change)
                return answer.result
            seen, self._seen = None, Snapshot()
            if answer.change.fence is not None:
                await self._check_lease()
            if isinstance(outcome, Conflict) and outcome.key is not None and outcome.key.kind == SETTING.name:
                command = await self._on_new_ground(command)
        raise Contended("others changed the same rows each time this was decided; the lane is looked at again")

    async def _on_new_ground(self, command: Any) -> Any:
        """The same command when somebody has changed a setting since it was made."""
        if not isinstance(command, Take | Record | RecordFetch | Doubt):
            return command
        ground = command.ground
        fresh = await ground_for(self._ports, ground.setup, ground.seat)
        ground = evolve(fresh, vetoes=ground.vetoes, screening=ground.screening, signature=ground.signature)
        if isinstance(command, Take | Record) and command.detour is not None:
            return evolve(command, ground=ground, detour=await automatic_detour(self._ports, ground))
        return evolve(command, ground=ground)

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
        message = command.message
        wanted = [*self._about(message), Key("outbox", (self._tenant, key.work.value, message))]
        if isinstance(command, Record) and (command.is_probe or isinstance(command.outcome, AccountStopped)):
            wanted.append(GATE.of(self._tenant, key.line))
        return wanted

    def _about(self, message: MessageId | None) -> list[Wanted]:
        """A message and whom it is to; nothing of none."""
        if message is None:
            return []
        key = self._lane.key
        customer = ("customer", (key.tenant, FOUND))
        consent = ("consent", (key.tenant, FOUND))
        pair = ("pair", (key.tenant, FOUND, key.line))
        return [Follow(MESSAGE.of(self._tenant, message), "customer", (customer, consent, pair))]
