"""What is kept, and for how long: jobs that forget a person or drop what is old, and the holds that stop them.

Theory: a job advances by steps. Each looks at one page, decides and commits, so that it holds nobody up, and goes on from its
row after a crash. Files are deleted between the commit that lets go of them and the one that notes it: killed in between,
the job asks once more whether anybody shows them.
"""

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from attrs import evolve, frozen

from wa_connector.decide import forgetting, retaining
from wa_connector.decide.draft import Draft, Known, Ready, Refused
from wa_connector.decide.forgetting import ForgetCustomer, Requested, Step, forget_customer, forget_step
from wa_connector.decide.holding import LiftHold, PlaceHold, lift_hold, may_keep, place_hold
from wa_connector.decide.identity import find
from wa_connector.decide.retaining import Retain, RetainStep, retain, retain_step
from wa_connector.decide.settings import values_at
from wa_connector.errors import RefusedError, UsageError
from wa_connector.model.address import Address
from wa_connector.model.content import MediaRef
from wa_connector.model.customer import Customer
from wa_connector.model.directory import Seat
from wa_connector.model.ids import CustomerId, HoldId, LineId, OrganizationId, TenantId
from wa_connector.model.instants import checked
from wa_connector.model.job import Hold, Holds, Job, JobKind, JobStage, JobState
from wa_connector.model.message import Message
from wa_connector.model.setting import Settings
from wa_connector.policy.settings import scope_of_organization, settings_of
from wa_connector.ports.rows import CUSTOMER, HOLD, JOB, SETTING, Key
from wa_connector.ports.storage import Range, Scan
from wa_connector.shell.committing import ask, decide, result_of
from wa_connector.shell.ports import Ports

R = TypeVar("R")
_AT_ONCE: Final = 200
_ALL_LINES: Final = 10_000


@frozen
class HeldSubject:
    """The holds on one customer or organization, whether they are on or over. ``subject`` is ``customer:`` or
    ``organization:`` and the id."""

    subject: str
    holds: tuple[Hold, ...]


# --- requests ---------------------------------------------------------------------------------------------------------


async def find_customer(ports: Ports, tenant: TenantId, seat: Seat, address: Address) -> Customer | None:
    """Whoever has an address now; None when nobody has."""
    _refuse_unless_may_keep(seat)

    def decider(draft: Draft, wanted: Address) -> Customer | None:
        found = find(draft, [wanted])
        record: Customer | None = draft.get(CUSTOMER.of(draft.tenant, found)) if found else None
        return record

    return result_of(await ask(ports, decider, address, tenant))


async def request_forgetting(ports: Ports, tenant: TenantId, seat: Seat, customer: CustomerId, why: str) -> Requested:
    key = CUSTOMER.of(tenant, customer)
    if may_keep(seat).is_allowed and (await ports.storage.load([key])).rows[key].value is None:
        raise UsageError("this tenant has no such customer; find_customer tells who has an address")
    answer = await decide(ports, forget_customer, ForgetCustomer(seat, customer, why), tenant, [key])
    return Requested(answer.decision) if isinstance(answer, Refused) else result_of(answer)


async def request_retention(ports: Ports, tenant: TenantId, seat: Seat, why: str) -> Requested:
    command = Retain(seat, await _root_settings(ports, tenant, seat), why)
    answer = await decide(ports, retain, command, tenant)
    return Requested(answer.decision) if isinstance(answer, Refused) else result_of(answer)


async def _root_settings(ports: Ports, tenant: TenantId, seat: Seat) -> Settings:
    root = seat.organizations[:1]
    keys = [SETTING.of(tenant, scope_of_organization(level.id)) for level in root]
    rows = (await ports.storage.load(keys)).rows
    stored = {str(key.parts[1]): values_at(rows[key].value, None) for key in keys if rows[key].value is not None}
    return settings_of(root, None, stored)


# --- holds ------------------------------------------------------------------------------------------------------------


def subject_of(customer: CustomerId | None, organization: OrganizationId | None) -> str:
    if (customer is None) == (organization is None):
        raise UsageError("a hold is on a customer or on an organization: name one of the two")
    return f"customer:{customer}" if customer is not None else f"organization:{organization}"


async def request_hold(
    ports: Ports, tenant: TenantId, seat: Seat, subject: str, why: str, until_at: datetime | None
) -> Hold:
    if not why.strip():
        raise UsageError("a hold needs its reason (why): whoever reviews it has nothing else to go by")
    until = None if until_at is None else checked(until_at, "until_at")
    command = PlaceHold(seat, subject, why, until)
    return _permitted(await decide(ports, place_hold, command, tenant, [HOLD.of(tenant, subject)]))


async def end_hold(ports: Ports, tenant: TenantId, seat: Seat, subject: str, hold: HoldId) -> Hold:
    command = LiftHold(seat, subject, hold)
    return _permitted(await decide(ports, lift_hold, command, tenant, [HOLD.of(tenant, subject)]))


async def all_holds(ports: Ports, tenant: TenantId, seat: Seat) -> tuple[HeldSubject, ...]:
    _refuse_unless_may_keep(seat)
    found = []
    async for key, value in _rows(ports, Scan("hold", "key", (tenant,), _AT_ONCE)):
        holds: Holds = value
        found.append(HeldSubject(str(key.parts[1]), holds.holds))
    return tuple(found)


def _refuse_unless_may_keep(seat: Seat) -> None:
    decision = may_keep(seat)
    if not decision.is_allowed:
        raise RefusedError(decision)


# --- jobs at work -----------------------------------------------------------------------------------------------------


async def jobs(ports: Ports, tenant: TenantId, states: tuple[JobState, ...] = tuple(JobState)) -> tuple[Job, ...]:
    """The tenant's jobs in these states, the oldest of each state first."""
    return tuple(
        [
            value
            for state in states
            async for _, value in _rows(ports, Scan("job", "state", (tenant, state.value), _AT_ONCE))
        ]
    )


async def run_jobs(
    ports: Ports, tenant: TenantId, told: Callable[[Job], object], is_stopping: Callable[[], bool]
) -> tuple[Job, ...]:
    """Advance every job of the tenant until it is done or held, one after the other; each as it is then."""
    ended: list[Job] = []
    for job in await jobs(ports, tenant, (JobState.OPEN, JobState.HELD)):
        ended.append(await _run(ports, tenant, job, told, is_stopping))
        if is_stopping():
            break
    if any(job.changed for job in ended if job.is_done):
        await ports.storage.scrub()
    return tuple(ended)


async def _run(
    ports: Ports, tenant: TenantId, job: Job, told: Callable[[Job], object], is_stopping: Callable[[], bool]
) -> Job:
    while not is_stopping():
        job = await _advanced(ports, tenant, job)
        told(job)
        if job.state is not JobState.OPEN:
            break
    return job


async def _advanced(ports: Ports, tenant: TenantId, job: Job) -> Job:
    for sha256 in job.files:
        await let_go(ports, tenant, sha256)
    if job.kind is JobKind.FORGET:
        return await _advance_forgetting(ports, tenant, job)
    return await _advance_retention(ports, tenant, job)


async def _advance_forgetting(ports: Ports, tenant: TenantId, job: Job) -> Job:
    found, after = await _page(ports, None if job.files else forgetting.scan_of(tenant, job))
    lines = job.lines or await _lines_of(ports, tenant, job)
    organizations = {each for line in lines for each in await _organizations(ports, tenant, line)}
    root = await _root(ports, tenant, job)
    step = Step(job, found, after, (*root, *sorted(organizations - set(root))))
    return result_of(await decide(ports, forget_step, step, tenant, [JOB.of(tenant, job.id), *found]))


async def _lines_of(ports: Ports, tenant: TenantId, job: Job) -> tuple[LineId, ...]:
    """On which lines there is anything with the customer of a job that has not begun."""
    assert job.customer is not None
    key = CUSTOMER.of(tenant, job.customer)
    record: Customer = (await ports.storage.load([key])).rows[key].value
    wanted = [Range("pair", "key", (tenant, each), _ALL_LINES) for each in (record.id, *record.merged_from)]
    ranges = (await ports.storage.load(wanted)).ranges
    return tuple(dict.fromkeys(LineId(str(pair.parts[2])) for pairs in ranges.values() for pair in pairs))


async def _advance_retention(ports: Ports, tenant: TenantId, job: Job) -> Job:
    root = await _root(ports, tenant, job)
    scan = None if job.files else retaining.scan_of(tenant, job)
    found, after = await _page(ports, scan)
    organizations: dict[LineId, tuple[OrganizationId, ...]] = {}
    for line in await _lines_in(ports, found):
        organizations[line] = await _organizations(ports, tenant, line) or root
    removed = 0
    if job.stage is JobStage.EVENTS and not job.files and job.stage.value in job.older_than:
        removed, after = await _drop_events(ports, tenant, job.older_than[job.stage.value], root)
    step = RetainStep(job, found, after, organizations, root, removed)
    return result_of(await decide(ports, retain_step, step, tenant, [JOB.of(tenant, job.id), *found]))


async def _drop_events(
    ports: Ports, tenant: TenantId, before: datetime, root: tuple[OrganizationId, ...]
) -> tuple[int, str]:
    """How many events were dropped, and a cursor if there may be more."""
    keys = [HOLD.of(tenant, f"organization:{each}") for each in root]
    rows = (await ports.storage.load(keys)).rows
    if any(rows[key].value and rows[key].value.is_on(ports.clock()) for key in keys):
        return 0, ""
    removed = await ports.storage.drop_events(tenant, before, retaining.EVENTS_AT_ONCE)
    return removed, "more" if removed == retaining.EVENTS_AT_ONCE else ""


async def _page(ports: Ports, scan: Scan | None) -> tuple[tuple[Key, ...], str]:
    if scan is None:
        return (), ""
    page = await ports.storage.scan(scan)
    return tuple(key for key, _ in page.rows), "" if page.next is None else json.dumps(page.next)


async def _lines_in(ports: Ports, found: tuple[Key, ...]) -> tuple[LineId, ...]:
    """The lines of messages that keys name, directly or as what shows a file."""
    keys = []
    for key in found:
        if key.kind == "message":
            keys.append(key)
        elif key.kind == "file_use" and str(key.parts[2]).startswith("message:"):
            keys.append(Key("message", (key.parts[0], str(key.parts[2]).partition(":")[2])))
    rows = (await ports.storage.load(keys)).rows if keys else {}
    messages: list[Message] = [rows[key].value for key in keys if rows[key].value is not None]
    return tuple(dict.fromkeys(message.line for message in messages))


async def _organizations(ports: Ports, tenant: TenantId, line: LineId) -> tuple[OrganizationId, ...]:
    setup = await ports.directory.line(tenant, line)
    return tuple(level.id for level in setup.organizations) if setup else ()


async def _root(ports: Ports, tenant: TenantId, job: Job) -> tuple[OrganizationId, ...]:
    """The root organization, by the user who asked for the job; the tenant's own name where he is gone."""
    seat = await ports.directory.user(tenant, job.by)
    names = [level.id for level in seat.organizations[:1]] if seat else []
    return tuple(dict.fromkeys((*names, OrganizationId(tenant))))


async def let_go(ports: Ports, tenant: TenantId, sha256: str) -> None:
    """Delete a file that nobody shows any longer; one that somebody shows stays."""
    users = Range("file_use", "key", (tenant, sha256), 1)
    if not (await ports.storage.load([users])).ranges[users]:
        await ports.media.delete(tenant, MediaRef("", sha256=sha256))


async def _rows(ports: Ports, scan: Scan) -> AsyncIterator[tuple[Key, Any]]:
    while True:
        page = await ports.storage.scan(scan)
        for key, row in page.rows:
            yield key, row.value
        if page.next is None:
            return
        scan = evolve(scan, after=page.next)


def _permitted(answer: Ready[R] | Refused | Known) -> R:
    """The answer, or a refusal as an exception."""
    if isinstance(answer, Refused):
        raise RefusedError(answer.decision)
    return result_of(answer)
