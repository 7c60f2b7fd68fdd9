"""Forgetting a person, one bounded step after the other.

Theory: first the person is parted from his record, in one commit: his addresses go, what he refused stays under their
digests, his threads end, so that nothing new can be added to what is about to be emptied. Then his messages are emptied,
the newest first (what is queued goes before what is past); then the personal part of his evidence, whose chain goes on to
verify and ends with the entry that says so; then what waits for a message of his, and what was kept for inspection and
names him.

A step decides on the job as the shell saw it: if somebody else did that step meanwhile, it changes nothing.
"""

import base64
import json
from collections.abc import Iterable
from typing import Any, Final

from attrs import evolve, field, frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.decide.ground import consent_of
from wa_connector.decide.holding import is_held, may_keep
from wa_connector.decide.refusals import append, keep, refusals_of
from wa_connector.decide.settling import advance, erased_mark
from wa_connector.decide.threads import relist
from wa_connector.evidence.ledger import erased, source_of
from wa_connector.model.address import Address, AddressRecord
from wa_connector.model.consent import Evidence, Purpose, Signal
from wa_connector.model.content import Act, Content, Erased, files_of
from wa_connector.model.conversation import Conversation, ConversationState
from wa_connector.model.decision import Decision
from wa_connector.model.directory import Seat
from wa_connector.model.event import ConversationEnded, CustomerForgotten, ErasureRequested, JobFinished, JobHeld
from wa_connector.model.ids import CustomerId, JobId, LineId, OrganizationId, TenantId, UserId
from wa_connector.model.inbound import InboundStatus
from wa_connector.model.job import Job, JobKind, JobStage, JobState
from wa_connector.model.message import Message
from wa_connector.model.queue import Work
from wa_connector.policy.status import Step as Move
from wa_connector.ports.rows import (
    ADDRESS,
    CONVERSATION,
    CUSTOMER,
    FILE_USE,
    JOB,
    MESSAGE,
    OUTBOX,
    KeptElement,
    Key,
)
from wa_connector.ports.storage import Range, Scan

AT_ONCE: Final = 100
"""How many rows a step looks at: some ten milliseconds of a storage's time."""
STAGES: Final = (JobStage.PERSON, JobStage.MESSAGES, JobStage.EVIDENCE, JobStage.WAITING, JobStage.QUARANTINE)
_ALL_LINES: Final = 10_000


@frozen
class ForgetCustomer:
    """``customer`` is one that the tenant has."""

    seat: Seat
    customer: CustomerId
    why: str = field(repr=False)


@frozen
class Requested:
    """What became of the request for a job. When it was refused, only ``decision`` is set; ``is_repeat``: the job was
    there already."""

    decision: Decision
    job: JobId | None = None
    is_repeat: bool = False


@frozen
class Step:
    """One step of a job, on the rows that a page of its scan (``scan_of``) found. ``after`` is the page's cursor, '' when
    nothing follows it; ``organizations`` are those of the job's lines."""

    seen: Job
    found: tuple[Key, ...] = ()
    after: str = ""
    organizations: tuple[OrganizationId, ...] = ()


def forget_customer(draft: Draft, command: ForgetCustomer) -> Requested:
    """Make a job of it. The same person again gives the same job."""
    allowed = refuse_unless(may_keep(command.seat))
    customer = identity.survivor(draft, command.customer)
    record = identity.customer_record(draft, customer)
    if record.erasure is not None:
        return Requested(allowed, record.erasure, is_repeat=True)
    by = command.seat.user.id
    job = Job(JobId(draft.new_id()), JobKind.FORGET, by, command.why, draft.now, customer=customer)
    draft.put(JOB.of(draft.tenant, job.id), job)
    draft.put(CUSTOMER.of(draft.tenant, customer), evolve(record, erasure=job.id))
    draft.tell(ErasureRequested(customer, job.id, by))
    return Requested(allowed, job.id)


def scan_of(tenant: TenantId, job: Job) -> Scan | None:
    """The page that the next step is about; None where it needs none."""
    place, _, cursor = job.cursor.partition(" ")
    after = tuple(json.loads(cursor)) if cursor else None
    match job.stage:
        case JobStage.MESSAGES:
            prefix = (tenant, job.customers[int(place or 0)])
            return Scan("message", "customer", prefix, AT_ONCE, after, descending=True)
        case JobStage.EVIDENCE:
            return Scan("evidence", "key", (tenant, job.customers[int(place or 0)]), AT_ONCE, after)
        case JobStage.WAITING:
            return Scan("waiting", "key", (tenant,), AT_ONCE, after)
        case JobStage.QUARANTINE:
            return Scan("quarantine", "age", (tenant,), AT_ONCE, after)
        case _:
            return None


def forget_step(draft: Draft, step: Step) -> Job:
    """Do the next step of a job that forgets somebody; the job as it is afterwards."""
    job: Job = draft.get(JOB.of(draft.tenant, step.seen.id))
    if job != step.seen or job.is_done:
        return job
    if job.files:
        return store(draft, evolve(job, files=()))  # The shell has deleted those that nobody shows.
    if _is_held(draft, job, step.organizations):
        return hold_job(draft, job)
    job = evolve(job, state=JobState.OPEN, looked_at=job.looked_at + len(step.found))
    match job.stage:
        case JobStage.PERSON:
            return store(draft, _part(draft, job))
        case JobStage.MESSAGES:
            return store(draft, _turned(_empty_messages(draft, job, step.found), step.after))
        case JobStage.EVIDENCE:
            return store(draft, _turned(_empty_evidence(draft, job, step.found), step.after))
        case JobStage.WAITING:
            emptied = _drop_if(draft, job, step.found, _is_about)
            return store(draft, _turned(emptied, step.after, each=1))
        case _:
            return _after_quarantine(draft, _drop_if(draft, job, step.found, _names), step.after)


def _is_held(draft: Draft, job: Job, organizations: Iterable[OrganizationId]) -> bool:
    assert job.customer is not None
    customer = identity.survivor(draft, job.customer)
    record = identity.customer_record(draft, customer)
    customers = (f"customer:{each}" for each in (customer, *record.merged_from))
    return is_held(draft, *customers, *(f"organization:{each}" for each in organizations))


def hold_job(draft: Draft, job: Job) -> Job:
    """Note, once, that a hold forbids the job."""
    if job.state is JobState.HELD:
        return job
    draft.tell(JobHeld(job.id, job.kind))
    return store(draft, evolve(job, state=JobState.HELD))


def store(draft: Draft, job: Job) -> Job:
    draft.put(JOB.of(draft.tenant, job.id), job)
    return job


def next_stage(job: Job, stages: tuple[JobStage, ...]) -> JobStage | None:
    """The stage after the job's present one; None after the last."""
    place = stages.index(job.stage) + 1
    return stages[place] if place < len(stages) else None


def finish(draft: Draft, job: Job) -> Job:
    """The last step: the job knows nothing any longer of whom it was about."""
    draft.tell(JobFinished(job.id, job.kind, job.changed))
    return store(
        draft, evolve(job, state=JobState.DONE, finished_at=draft.now, addresses=(), lines=(), cursor="", files=())
    )


def _turned(job: Job, after: str, each: int | None = None) -> Job:
    """The job with its cursor behind the page: on to the next of his records after the last page of one, and to the next
    stage after the last of all."""
    place = int(job.cursor.partition(" ")[0] or 0)
    if after:
        return evolve(job, cursor=f"{place} {after}")
    if place + 1 < (len(job.customers) if each is None else each):
        return evolve(job, cursor=str(place + 1))
    following = next_stage(job, STAGES)
    assert following is not None
    return evolve(job, stage=following, cursor="")


# --- the person -------------------------------------------------------------------------------------------------------


def _part(draft: Draft, job: Job) -> Job:
    """Part the person from his record."""
    assert job.customer is not None
    customer = identity.survivor(draft, job.customer)
    record = identity.customer_record(draft, customer)
    everyone = (customer, *record.merged_from)
    known_by = tuple(dict.fromkeys((*record.addresses, *record.former)))
    keep(draft, record.addresses, refusals_of(consent_of(draft, customer), draft.now))
    for address in known_by:
        _unclaim(draft, address, everyone)
    lines: dict[LineId, None] = {}
    for each in everyone:
        lines |= _leave_lines(draft, each, job.by)
        emptied = identity.customer_record(draft, each)
        draft.put(
            CUSTOMER.of(draft.tenant, each),
            evolve(emptied, addresses=(), former=(), name="", locale="", erasure=job.id, erased_at=draft.now),
        )
    return evolve(
        job,
        customer=customer,
        customers=everyone,
        addresses=known_by,
        lines=tuple(lines),
        changed=job.changed + len(everyone),
        stage=JobStage.MESSAGES,
    )


def _unclaim(draft: Draft, address: Address, everyone: tuple[CustomerId, ...]) -> None:
    key = ADDRESS.of(draft.tenant, *address.lookup)
    record: AddressRecord | None = draft.get(key)
    if record is None:
        return
    facts = tuple(fact for fact in record.facts if fact.customer not in everyone)
    if facts:
        draft.put(key, AddressRecord(facts))
    else:
        draft.delete(key)


def _leave_lines(draft: Draft, customer: CustomerId, by: UserId) -> dict[LineId, None]:
    """End what is open with the customer, line by line, and forget his windows."""
    lines: dict[LineId, None] = {}
    for key, pair in draft.range(Range("pair", "key", (draft.tenant, customer), _ALL_LINES)):
        lines[LineId(str(key.parts[2]))] = None
        for open_thread in pair.open:
            thread_key = CONVERSATION.of(draft.tenant, open_thread)
            thread: Conversation = draft.get(thread_key)
            ended = evolve(thread, state=ConversationState.ENDED)
            draft.put(thread_key, ended)
            relist(draft, thread, ended)
            draft.tell(ConversationEnded(thread.id, by))
        draft.delete(key)
    return lines


# --- what he wrote and was sent ---------------------------------------------------------------------------------------


def _empty_messages(draft: Draft, job: Job, found: Iterable[Key]) -> Job:
    files: dict[str, None] = {}
    changed = 0
    # One that is gone was dropped for its age meanwhile.
    messages: Iterable[Message] = filter(None, map(draft.get, found))
    for message in messages:
        files |= dict.fromkeys(_empty(draft, message))
        changed += 1
    return evolve(job, files=tuple(files), changed=job.changed + changed)


def _empty(draft: Draft, message: Message) -> tuple[str, ...]:
    """Empty a message, and take it out of the outbox; the files that it no longer shows."""
    files = release_files(draft, message)
    for work in Work:
        draft.discard(OUTBOX.of(draft.tenant, work.value, message.id))
    cancelled = advance(draft, message, Move.CANCEL)
    if message.provider_id and not message.is_inbound:
        draft.mark(erased_mark(draft.tenant, message.line, message.provider_id), message.id)
    failure = evolve(cancelled.failure, meaning="") if cancelled.failure else None
    parts = tuple(evolve(part, provider_id=None) for part in cancelled.parts)
    bare = evolve(cancelled, provider_id=None, replies_to=None, failure=failure, circumstances=None, parts=parts)
    emptied = evolve(bare, content=_emptied(message.content))
    draft.put(MESSAGE.of(draft.tenant, message.id), emptied)
    return files


def _emptied(content: Content) -> Content:
    """What users did about a thread stays; what they wrote about the person does not."""
    return evolve(content, note="") if isinstance(content, Act) else Erased()


def release_files(draft: Draft, message: Message) -> tuple[str, ...]:
    """Note that a message shows its files no longer; which those are."""
    files = files_of(message.content)
    for sha256 in files:
        draft.discard(FILE_USE.of(draft.tenant, sha256, f"message:{message.id}"))
    return files


# --- what speaks of his consent ---------------------------------------------------------------------------------------


def _empty_evidence(draft: Draft, job: Job, found: Iterable[Key]) -> Job:
    files: dict[str, None] = {}
    changed = 0
    for key in found:
        entry: Evidence = draft.get(key)
        if entry.personal is not None:
            draft.put(key, erased(entry))
            changed += 1
        if entry.attachment:
            user = f"evidence:{entry.customer}:{entry.sequence}"
            draft.discard(FILE_USE.of(draft.tenant, entry.attachment, user))
            files[entry.attachment] = None
    return evolve(job, files=tuple(files), changed=job.changed + changed)


# --- what waits, and what was kept ------------------------------------------------------------------------------------


def _drop_if(draft: Draft, job: Job, found: Iterable[Key], speaks_of: Any) -> Job:
    needles = _spellings(job.addresses)
    changed = 0
    for key in found:
        value = draft.get(key)
        if value is not None and speaks_of(key, value, job, needles):
            draft.delete(key)
            changed += 1
    return evolve(job, changed=job.changed + changed)


def _is_about(key: Key, waiting: tuple[InboundStatus, ...], job: Job, needles: tuple[str, ...]) -> bool:
    his = {address.lookup for address in job.addresses}
    named = (address for item in waiting if item.recipient for address in item.recipient.addresses)
    return any(address.lookup in his for address in named) or any(needle in str(key.parts[2]) for needle in needles)


def _names(_: Key, kept: KeptElement, __: Job, needles: tuple[str, ...]) -> bool:
    return any(needle in kept.raw for needle in needles)


def _spellings(addresses: Iterable[Address]) -> tuple[str, ...]:
    """How the addresses may stand in a text: plainly, and within the Base64 of some provider's id."""
    values = dict.fromkeys(address.value.removeprefix("+") for address in addresses)
    return tuple(spelling for value in values for spelling in (value, *_within_base64(value.encode())))


def _within_base64(value: bytes) -> Iterable[str]:
    """The characters of Base64 that these bytes alone decide, for each of the three places where they may begin."""
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + value).decode()
        first, last = -(-offset * 8 // 6), (offset + len(value)) * 8 // 6
        yield text[first:last]


def _after_quarantine(draft: Draft, job: Job, after: str) -> Job:
    if after:
        return store(draft, evolve(job, cursor=f"0 {after}"))
    assert job.customer is not None
    append(
        draft,
        job.customer,
        Evidence(
            job.customer,
            0,
            at=draft.now,
            recorded_at=draft.now,
            channel="*",
            signal=Signal.ERASED,
            purposes=(Purpose.CONVERSATION,),
            source=source_of(f"erased {job.id}"),
            actor=job.by,
        ),
    )
    draft.tell(CustomerForgotten(job.customer, job.id))
    return finish(draft, job)
