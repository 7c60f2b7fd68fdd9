"""Keeping things no longer than they are to be kept, one bounded step after the other.

Theory: how long is the root organization's setting, a kind at a time, and read when the job begins. What a legal hold is on
is passed over, and so is what still stands in the outbox. Evidence, consent and what was refused are not kept by age at all:
they are the proof of why something was allowed.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import evolve, field, frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft, refuse_unless
from wa_connector.decide.forgetting import AT_ONCE, Requested, finish, next_stage, release_files, store
from wa_connector.decide.holding import is_held, may_keep
from wa_connector.decide.receiving import gone_mark, heard_mark, inbound_mark
from wa_connector.decide.settling import forget_parts
from wa_connector.model.content import Content, MediaRef, media_of
from wa_connector.model.directory import Seat
from wa_connector.model.ids import CustomerId, JobId, LineId, MessageId, OrganizationId, TenantId
from wa_connector.model.inbound import InboundStatus
from wa_connector.model.job import Job, JobKind, JobStage, JobState
from wa_connector.model.message import Message
from wa_connector.model.queue import Work
from wa_connector.model.setting import FOREVER, Settings
from wa_connector.ports.rows import DEDUPE, JOB, MESSAGE, OUTBOX, KeptElement, Key
from wa_connector.ports.storage import Range, Scan

STAGES: Final = (JobStage.MESSAGES, JobStage.FILES, JobStage.WAITING, JobStage.QUARANTINE, JobStage.EVENTS)
MARKS_LIVE: Final = timedelta(days=30)
"""How long a customer's message is known again at the least. Source: Cloud API, webhooks, read 2026-11: the provider brings
what was not acknowledged for up to 7 days."""
EVENTS_AT_ONCE: Final = 1000
_PAST_ALL: Final = (1 << 62, "")
_MOST_OPEN: Final = 100


@frozen
class Retain:
    """``settings`` are the root organization's."""

    seat: Seat
    settings: Settings
    why: str = field(default="", repr=False)


@frozen
class RetainStep:
    """One step, on the rows that a page of its scan found. ``after`` is the page's cursor, '' when nothing follows;
    ``organizations`` are those of each line that the rows name; ``removed`` counts what the storage dropped by itself."""

    seen: Job
    found: tuple[Key, ...] = ()
    after: str = ""
    organizations: Mapping[LineId, tuple[OrganizationId, ...]] = field(factory=dict)
    root: tuple[OrganizationId, ...] = ()
    removed: int = 0


def retain(draft: Draft, command: Retain) -> Requested:
    """Make a job of what the settings say now. While one is open, it is that one."""
    allowed = refuse_unless(may_keep(command.seat))
    for _, job in draft.range(Range("job", "state", (draft.tenant, JobState.OPEN.value), _MOST_OPEN)):
        if job.kind is JobKind.RETAIN:
            return Requested(allowed, job.id, is_repeat=True)
    job = Job(
        JobId(draft.new_id()),
        JobKind.RETAIN,
        command.seat.user.id,
        command.why,
        draft.now,
        stage=STAGES[0],
        older_than=limits_of(command.settings, draft.now),
    )
    draft.put(JOB.of(draft.tenant, job.id), job)
    return Requested(allowed, job.id)


def limits_of(settings: Settings, now: datetime) -> Mapping[str, datetime]:
    """The instant of each stage before which things go; a stage whose things are kept forever has none."""
    keep = {
        JobStage.MESSAGES: settings.keep_messages,
        JobStage.FILES: settings.keep_files,
        JobStage.WAITING: settings.keep_quarantine,
        JobStage.QUARANTINE: settings.keep_quarantine,
        JobStage.EVENTS: settings.keep_events,
    }
    return {stage.value: now - span for stage, span in keep.items() if span < FOREVER}


def scan_of(tenant: TenantId, job: Job) -> Scan | None:
    """The page that the next step is about; None where it needs none."""
    if job.stage.value not in job.older_than:
        return None
    after = tuple(json.loads(job.cursor)) if job.cursor else None
    match job.stage:
        case JobStage.MESSAGES:
            return Scan("message", "customer", (tenant,), AT_ONCE, after)
        case JobStage.FILES:
            return Scan("file_use", "key", (tenant,), AT_ONCE, after)
        case JobStage.WAITING:
            return Scan("waiting", "key", (tenant,), AT_ONCE, after)
        case JobStage.QUARANTINE:
            return Scan("quarantine", "age", (tenant,), AT_ONCE, after)
        case _:
            return None


def retain_step(draft: Draft, step: RetainStep) -> Job:
    """Do the next step; the job as it is afterwards. Does nothing if somebody else did that step meanwhile."""
    job: Job = draft.get(JOB.of(draft.tenant, step.seen.id))
    if job != step.seen or job.is_done:
        return job
    if job.files:
        return store(draft, evolve(job, files=()))  # The shell has deleted those that nobody shows.
    before = job.older_than.get(job.stage.value)
    if before is None:
        return _turned(draft, job, "")
    job = evolve(job, looked_at=job.looked_at + len(step.found), changed=job.changed + step.removed)
    match job.stage:
        case JobStage.MESSAGES:
            job, after = _drop_messages(draft, job, step, before)
            return _turned(draft, job, after)
        case JobStage.FILES:
            return _turned(draft, _drop_files(draft, job, step, before), step.after)
        case JobStage.EVENTS:
            return _turned(draft, job, step.after)
        case _:
            return _turned(draft, _drop_kept(draft, job, step, before), step.after)


def _turned(draft: Draft, job: Job, after: str) -> Job:
    if after:
        return store(draft, evolve(job, cursor=after))
    following = next_stage(job, STAGES)
    if following is None:
        return finish(draft, job)
    return store(draft, evolve(job, stage=following, cursor=""))


# --- messages ---------------------------------------------------------------------------------------------------------


def _drop_messages(draft: Draft, job: Job, step: RetainStep, before: datetime) -> tuple[Job, str]:
    """Drop what is due of a page. A customer's messages come in their order, so behind the first that is not due the next
    customer is gone to."""
    files: dict[str, None] = {}
    changed = 0
    past: CustomerId | None = None
    for key in step.found:
        message: Message | None = draft.get(key)
        if message is None or message.customer == past:
            continue
        if message.at >= before:
            past = message.customer
        elif not _stays(draft, message, step):
            files |= dict.fromkeys(_drop(draft, key, message))
            changed += 1
    after = step.after
    if after and past is not None and json.loads(after)[0] == past:
        after = json.dumps([past, *_PAST_ALL])
    return evolve(job, files=tuple(files), changed=job.changed + changed), after


def _stays(draft: Draft, message: Message, step: RetainStep) -> bool:
    """Whether a message stays however old it is: a hold is on it, or it is not done with yet."""
    if any(draft.get(OUTBOX.of(draft.tenant, work.value, message.id)) is not None for work in Work):
        return True
    organizations = step.organizations.get(message.line, step.root)
    return is_held(
        draft,
        *(f"customer:{each}" for each in _records(draft, message.customer)),
        *(f"organization:{each}" for each in organizations),
    )


def _records(draft: Draft, customer: CustomerId) -> Iterable[CustomerId]:
    """The record itself, and the one that stands for it now."""
    return dict.fromkeys((customer, identity.survivor(draft, customer)))


def _drop(draft: Draft, key: Key, message: Message) -> tuple[str, ...]:
    files = release_files(draft, message)
    draft.delete(key)
    forget_parts(draft, message)
    if message.is_inbound and message.provider_id and draft.now - message.at > MARKS_LIVE:
        for mark in (inbound_mark, heard_mark, gone_mark):
            draft.discard(DEDUPE.of(draft.tenant, mark(draft.tenant, message.line, message.provider_id)))
    return files


# --- files ------------------------------------------------------------------------------------------------------------


def _drop_files(draft: Draft, job: Job, step: RetainStep, before: datetime) -> Job:
    """Let messages that are due show their pictures no longer; words under them stay. A file that shows a consent stays."""
    files: dict[str, None] = {}
    for key in step.found:
        sha256, user = str(key.parts[1]), str(key.parts[2])
        message_key = MESSAGE.of(draft.tenant, MessageId(user.removeprefix("message:")))
        message: Message | None = draft.get(message_key)  # None of what shows a consent.
        if message is None or message.at >= before:
            continue
        media = media_of(message.content)
        if media is not None and not _stays(draft, message, step) and draft.discard(key):
            draft.put(message_key, evolve(message, content=_without_file(message.content, media)))
            files[sha256] = None
    return evolve(job, files=tuple(files), changed=job.changed + len(files))


def _without_file(content: Any, media: MediaRef) -> Content:
    """A content that consists of a file, of which only the type is known any longer."""
    emptied: Content = evolve(content, media=MediaRef(media.mime_type))
    return emptied


# --- what waits, and what was kept ------------------------------------------------------------------------------------


def _drop_kept(draft: Draft, job: Job, step: RetainStep, before: datetime) -> Job:
    """Nobody can say whose these are, so only a hold on the whole tenant is on them."""
    if is_held(draft, *(f"organization:{each}" for each in step.root)):
        return job
    changed = 0
    for key in step.found:
        value: KeptElement | tuple[InboundStatus, ...] = draft.get(key) or ()
        since = [value.at] if isinstance(value, KeptElement) else [item.at for item in value]
        if since and max(since) < before:
            draft.delete(key)
            changed += 1
    return evolve(job, changed=job.changed + changed)
