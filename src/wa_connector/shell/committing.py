"""Load, decide, commit; on a conflict load and decide again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from wa_connector.decide.draft import Draft, Known, Needs, Ready, Refused, Seed, run
from wa_connector.errors import Contended, InternalError
from wa_connector.model.ids import TenantId
from wa_connector.ports.storage import Change, Committed, Conflict, Duplicate, Snapshot, Wanted
from wa_connector.shell.ports import Ports

C = TypeVar("C")
K = TypeVar("K")
R = TypeVar("R")
TRIES: Final = 12
"""How often a command is decided anew before its caller hears of it: two users who act at once need two."""


async def decide(
    ports: Ports, decider: Callable[[Draft, C], R], command: C, tenant: TenantId, wanted: Sequence[Wanted] = ()
) -> Ready[R] | Refused | Known:
    """Decide a command and commit it.

    ``wanted`` is what the decider is known to read: it spares round trips and decides nothing. Raises ``Contended``
    when others were faster too often; nothing was committed then, and the caller may try again.
    """
    seed = ports.seed()
    for _ in range(TRIES):
        snapshot = await ports.storage.load(wanted) if wanted else Snapshot()
        answer = await settled(ports, decider, command, tenant, snapshot, seed)
        if not isinstance(answer, Ready):
            return answer
        if answer.change.is_empty:
            return answer
        match await commit_one(ports, answer.change):
            case Committed():
                return answer
            case Duplicate(_, ref):
                return Known(ref)
            case Conflict():
                ports.hooks.measure("conflicts", 1)
    raise Contended("others changed the same rows each time this was decided; nothing was done, try again")


async def ask(
    ports: Ports, decider: Callable[[Draft, C], R], question: C, tenant: TenantId, wanted: Sequence[Wanted] = ()
) -> Ready[R] | Refused | Known:
    """Answer a question: decide, and commit nothing."""
    snapshot = await ports.storage.load(wanted) if wanted else Snapshot()
    return await settled(ports, decider, question, tenant, snapshot, ports.seed())


def result_of(answer: Ready[R] | Refused | Known) -> R:
    """What was decided, of a decider that neither refuses nor knows."""
    if not isinstance(answer, Ready):
        raise InternalError("a decider that neither refuses nor knows did so")
    return answer.result


async def ask_all(
    ports: Ports,
    decider: Callable[[Draft, C], R],
    questions: Mapping[K, C],
    tenant: TenantId,
    snapshot: Snapshot,
) -> dict[K, Ready[R] | Refused | Known]:
    """Answer many questions of one sort. What they miss is loaded for all of them together, so that the round trips go by
    how deep one question looks, and not by how many there are."""
    seed, now = ports.seed(), ports.clock()
    answers: dict[K, Ready[R] | Refused | Known] = {}
    while True:
        missing: dict[Wanted, None] = {}
        for name, question in questions.items():
            if name in answers:
                continue
            answer = run(decider, question, snapshot, tenant, now, seed)
            if isinstance(answer, Needs):
                missing.update(dict.fromkeys(answer.wanted))
            else:
                answers[name] = answer
        if not missing:
            return answers
        snapshot = (await ports.storage.load(list(missing))).joined(snapshot)


async def settled(
    ports: Ports,
    decider: Callable[[Draft, C], R],
    command: C,
    tenant: TenantId,
    snapshot: Snapshot,
    seed: Seed,
) -> Ready[R] | Refused | Known:
    """Run a decider, loading what it asks for, until it has an answer."""
    answer, _ = await settled_on(ports, decider, command, tenant, snapshot, seed)
    return answer


async def settled_on(
    ports: Ports,
    decider: Callable[[Draft, C], R],
    command: C,
    tenant: TenantId,
    snapshot: Snapshot,
    seed: Seed,
) -> tuple[Ready[R] | Refused | Known, Snapshot]:
    """The same, and the snapshot that was decided on, with what was loaded on the way."""
    while True:
        answer = run(decider, command, snapshot, tenant, ports.clock(), seed)
        if not isinstance(answer, Needs):
            return answer, snapshot
        # What was loaded first is as old as what was decided on it: versions tell if the two do not fit.
        snapshot = (await ports.storage.load(answer.wanted)).joined(snapshot)


async def commit_one(ports: Ports, change: Change) -> Committed | Conflict | Duplicate:
    """Commit one change and tell the observers when it landed."""
    (outcome,) = await ports.storage.commit([change])
    if isinstance(outcome, Committed):
        await ports.hooks.committed(change.tenant, change.at, change.events)
    return outcome
