"""What is noted of a consent given elsewhere, what stays of a refusal, and when things go: each by itself."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide.draft import Ready
from wa_connector.decide.recording import Recorded, Recording, record_consent
from wa_connector.decide.refusals import refusals_of
from wa_connector.decide.retaining import Retain, RetainStep, limits_of, retain, retain_step, scan_of
from wa_connector.model.consent import NO_CONSENT, ChannelConsent, ConsentRecord, Purpose, Refusal, Signal, Stage
from wa_connector.model.contact import Contact
from wa_connector.model.content import Image, MediaRef
from wa_connector.model.ids import ContactId
from wa_connector.model.inbound import Report
from wa_connector.model.job import Job, JobStage
from wa_connector.model.setting import FOREVER, Settings
from wa_connector.ports.rows import JOB, MESSAGE, WAITING, Key
from wa_connector.testing.host import ACME, ANA, CARLS_NUMBER, LINE, NOON, SUE, address_of

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

PIERRE = Contact(ContactId("pierre"), "Pierre", (address_of("+33612345678"), address_of(CARLS_NUMBER)), locale="fr_FR")


# --- recording --------------------------------------------------------------------------------------------------------


def record(desk: "Desk", source: str = "") -> Recorded:
    to = evolve(desk.to_contact(ANA), contact=PIERRE)
    return desk.do(
        record_consent,
        Recording(to, NOON - timedelta(days=1), "paper", (Purpose.CONVERSATION,), "I agree", source=source),
    )


def test_a_consent_given_elsewhere_names_whom_it_is_of(desk: "Desk") -> None:
    """The address that the contact store has first, in his language, and its own id where it has one."""
    recorded = record(desk)
    assert recorded.customer is not None
    (entry,) = desk.evidence(recorded.customer)
    assert entry.locale == "fr_FR"
    assert entry.personal is not None
    assert (entry.personal.address, entry.personal.text) == ("+33612345678", "I agree")


def test_two_consents_without_an_id_are_two(desk: "Desk") -> None:
    """And one of the same id is the same."""
    first, second = record(desk), record(desk)
    third = record(desk, source="crm-7")
    assert first.customer is not None
    sources = [entry.source for entry in desk.evidence(first.customer)]
    assert first.customer == second.customer == third.customer
    assert len(set(sources)) == 3


# --- what stays of a refusal ------------------------------------------------------------------------------------------

EARLIER, LATER = NOON - timedelta(days=3), NOON
CHANGED = evolve(NO_CONSENT, changed_at=EARLIER)


@pytest.mark.parametrize(
    ("consent", "kept"),
    [
        (NO_CONSENT, []),
        (evolve(CHANGED, conversation=Stage.GRANTED, marketing=Stage.GRANTED), []),
        (evolve(CHANGED, conversation=Stage.REVOKED, marketing=Stage.REVOKED), [(Signal.STOP, EARLIER)]),
        (ChannelConsent(conversation=Stage.REVOKED), [(Signal.STOP, LATER)]),
        (evolve(CHANGED, conversation=Stage.DECLINED), [(Signal.DECLINED, EARLIER)]),
        (
            evolve(CHANGED, conversation=Stage.DECLINED, marketing=Stage.DECLINED),
            [(Signal.DECLINED, EARLIER), (Signal.MARKETING_STOPPED, LATER)],
        ),
        (
            evolve(CHANGED, conversation=Stage.GRANTED, marketing=Stage.REVOKED),
            [(Signal.MARKETING_STOPPED, LATER)],
        ),
    ],
    ids=["nothing", "granted", "STOP", "STOP without a date", "declined", "declined both", "marketing alone"],
)
def test_what_a_consent_refuses(consent: ChannelConsent, kept: list[tuple[Signal, object]]) -> None:
    found = refusals_of(ConsentRecord({"sms": consent}), LATER)
    assert [Refusal("sms", signal, at) for signal, at in kept] == list(found)  # type: ignore[arg-type]


# --- when things go ---------------------------------------------------------------------------------------------------


def test_each_kind_goes_at_its_own_age() -> None:
    days = {name: timedelta(days=place) for place, name in enumerate(("messages", "files", "quarantine", "events"), 1)}
    settings = Settings(
        keep_messages=days["messages"],
        keep_files=days["files"],
        keep_quarantine=days["quarantine"],
        keep_events=days["events"],
    )
    assert limits_of(settings, NOON) == {
        JobStage.MESSAGES.value: NOON - days["messages"],
        JobStage.FILES.value: NOON - days["files"],
        JobStage.WAITING.value: NOON - days["quarantine"],
        JobStage.QUARANTINE.value: NOON - days["quarantine"],
        JobStage.EVENTS.value: NOON - days["events"],
    }


def test_what_is_kept_forever_never_goes() -> None:
    forever = Settings(keep_messages=FOREVER, keep_files=FOREVER, keep_quarantine=FOREVER, keep_events=FOREVER)
    assert limits_of(forever, NOON) == {}


def test_there_is_one_job_at_a_time_and_each_step_is_done_once(desk: "Desk") -> None:
    seat = desk.ground(SUE).seat
    assert seat is not None
    settings = evolve(Settings(), keep_messages=timedelta(days=30))
    first = desk.do(retain, Retain(seat, settings, "by age"))
    again = desk.do(retain, Retain(seat, settings, "by age"))
    assert (first.is_repeat, again.is_repeat, first.job == again.job) == (False, True, True)
    job = desk.row(JOB.of(ACME, str(first.job)))
    after = desk.do(retain_step, RetainStep(job))
    stale = desk.answer(retain_step, RetainStep(job))
    assert isinstance(stale, Ready)
    assert (stale.result, stale.change.is_empty) == (after, True)
    for seen in (job, after):
        while not after.is_done:
            after = desk.do(retain_step, RetainStep(after))
        answer = desk.answer(retain_step, RetainStep(seen))
        assert isinstance(answer, Ready)
        assert (answer.result, answer.change.is_empty) == (after, True)


DAYS = timedelta(days=10)
PICTURE = Image(MediaRef("image/png", sha256="ab" * 32, size=7), "Look")


def due(desk: "Desk", stage: JobStage, messages: timedelta = DAYS, files: timedelta = DAYS) -> Job:
    """A job that came to a stage of it; what is as old as the limit stays."""
    seat = desk.ground(SUE).seat
    assert seat is not None
    settings = Settings(keep_messages=messages, keep_files=files, keep_quarantine=DAYS, keep_events=DAYS)
    asked = desk.do(retain, Retain(seat, settings, "by age"))
    job: Job = desk.row(JOB.of(ACME, str(asked.job)))
    while job.stage is not stage:
        job = desk.do(retain_step, RetainStep(job))
    return job


def found(desk: "Desk", job: Job) -> tuple[Key, ...]:
    scan = scan_of(ACME, job)
    assert scan is not None
    return tuple(key for key, _ in desk.storage.scan(scan).rows)


def test_messages_go_when_they_are_older_than_their_age(desk: "Desk") -> None:
    """One that is exactly as old stays, as do those behind it; what is gone already is passed over."""
    desk.receive("a", sender=["+491701111111"])
    desk.receive("b", sender=["+491702222222"])
    desk.later(seconds=1)
    stays = {desk.receive("c", sender=["+491701111111"]).id, desk.receive("d", sender=["+491703333333"]).id}
    desk.later(days=10)
    job = due(desk, JobStage.MESSAGES)
    keys = found(desk, job)
    assert len(keys) == 4
    after = desk.do(retain_step, RetainStep(job, (MESSAGE.of(ACME, "gone"), *keys)))
    assert (after.looked_at, after.changed, after.stage) == (5, 2, JobStage.FILES)
    assert stays == {message.id for message in desk.messages()}


def test_behind_a_customers_first_that_stays_the_next_customer_is_gone_to(desk: "Desk") -> None:
    young = desk.receive("young")
    job = due(desk, JobStage.MESSAGES)
    more = json.dumps([young.customer, 1, "x"])
    after = desk.do(retain_step, RetainStep(job, found(desk, job), more))
    assert after.stage is JobStage.MESSAGES
    past = json.loads(after.cursor)
    assert past[0] == young.customer
    assert past[1:] != [1, "x"]


def test_in_the_midst_of_what_is_old_the_next_page_goes_on(desk: "Desk") -> None:
    old, young = desk.receive("old", sender=["+491701111111"]), desk.receive("young", sender=["+491702222222"])
    desk.later(days=11)
    job = due(desk, JobStage.MESSAGES)
    only_old = tuple(key for key in found(desk, job) if desk.row(key).customer == old.customer)
    more = json.dumps([old.customer, 1, "x"])
    after = desk.do(retain_step, RetainStep(job, only_old, more))
    assert (after.cursor, after.changed) == (more, 1)
    fresh = desk.receive("fresh", sender=["+491702222222"])
    page = tuple(key for key in found(desk, after) if desk.row(key).id in {young.id, fresh.id})
    elsewhere = json.dumps(["somebody else", 1, "x"])
    after = desk.do(retain_step, RetainStep(after, page, elsewhere))
    assert (after.cursor, after.changed) == (elsewhere, 2)


def test_files_go_when_they_are_older_than_their_age(desk: "Desk") -> None:
    """One that is exactly as old stays, and so does what is said under each."""
    old = desk.receive(PICTURE)
    desk.later(seconds=1)
    young = desk.receive(evolve(PICTURE, media=evolve(PICTURE.media, sha256="cd" * 32)))
    desk.later(days=10)
    job = due(desk, JobStage.FILES, messages=FOREVER)
    keys = found(desk, job)
    assert len(keys) == 2
    after = desk.do(retain_step, RetainStep(job, keys))
    assert (after.looked_at, after.changed, after.files) == (2, 1, ("ab" * 32,))
    assert [desk.stored(each.id).content.caption for each in (old, young)] == ["Look", "Look"]  # type: ignore[union-attr]
    assert desk.do(retain_step, RetainStep(after)).files == ()


def test_what_waits_goes_when_it_is_older_than_its_age(desk: "Desk") -> None:
    """By the latest of the reports that wait; one that is exactly as old stays; what is gone already is passed over."""
    desk.report(Report.SENT, named="old")
    desk.later(seconds=1)
    desk.report(Report.SENT, named="as old")
    desk.later(days=10)
    job = due(desk, JobStage.WAITING, messages=FOREVER, files=FOREVER)
    keys = found(desk, job)
    gone = WAITING.of(ACME, LINE, "gone")
    after = desk.do(retain_step, RetainStep(job, (gone, *keys)))
    assert (len(keys), after.looked_at, after.changed) == (2, 3, 1)


def test_what_the_storage_dropped_by_itself_is_counted(desk: "Desk") -> None:
    job = due(desk, JobStage.EVENTS)
    assert desk.do(retain_step, RetainStep(job, removed=7)).changed == job.changed + 7
