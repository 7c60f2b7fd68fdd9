"""A job that forgets a person, step by step: what each looked at and changed, and where it goes on."""

import base64
from itertools import product
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.decide.draft import Draft, Ready
from wa_connector.decide.forgetting import (
    STAGES,
    ForgetCustomer,
    Step,
    _spellings,
    forget_customer,
    forget_step,
    scan_of,
)
from wa_connector.decide.holding import PlaceHold, place_hold
from wa_connector.model.address import number
from wa_connector.model.event import JobHeld
from wa_connector.model.ids import CustomerId
from wa_connector.model.inbound import Report, Sender
from wa_connector.model.job import Job, JobStage, JobState
from wa_connector.model.queue import Work
from wa_connector.ports.rows import JOB, KINDS, MESSAGE, QUARANTINE, KeptElement
from wa_connector.testing.host import ACME, CARLS_NUMBER, SUE, address_of

if TYPE_CHECKING:
    from tests.decide.conftest import Desk


def begun(desk: "Desk", customer: CustomerId) -> Job:
    """The job, requested."""
    seat = desk.ground(SUE).seat
    assert seat is not None
    requested = desk.do(forget_customer, ForgetCustomer(seat, customer, "asked for it"))
    again = desk.do(forget_customer, ForgetCustomer(seat, customer, "asked for it"))
    assert (requested.is_repeat, again.is_repeat) == (False, True)
    assert requested.job == again.job
    job: Job = desk.row(JOB.of(ACME, str(requested.job)))
    return job


def page(desk: "Desk", job: Job) -> Step:
    """The step on the last page of a scan, as all are here."""
    scan = scan_of(ACME, job)
    return Step(job, tuple(key for key, _ in desk.storage.scan(scan).rows) if scan else ())


def both(desk: "Desk") -> CustomerId:
    """A customer with two records: by his number and by his user id, with two messages of the first and one each later."""
    first = desk.receive("one", sender=[CARLS_NUMBER])
    desk.receive("two", sender=[CARLS_NUMBER])
    desk.receive("three", sender=["bsuid:DE.1"])
    desk.receive("both", sender=[CARLS_NUMBER, "bsuid:DE.1"])
    return first.customer


def test_a_job_counts_what_it_looked_at_and_what_it_changed(desk: "Desk") -> None:
    """Stage by stage, one record of the person after the other."""
    job = begun(desk, both(desk))
    seen = []
    while not job.is_done:
        step = page(desk, job)
        went = (job.stage, job.cursor, len(step.found))
        job = desk.do(forget_step, step)
        if job.files == ():
            seen.append((*went, job.looked_at, job.changed))
    assert [stage for stage, *_ in seen] == [
        JobStage.PERSON,
        *[JobStage.MESSAGES] * 2,
        *[JobStage.EVIDENCE] * 2,
        JobStage.WAITING,
        JobStage.QUARANTINE,
    ]
    assert [cursor for _, cursor, *_ in seen] == ["", "", "1", "", "1", "", ""]
    looked = 0
    for _, _, found, looked_at, _ in seen:
        looked += found
        assert looked == looked_at
    messages = [found for stage, _, found, *_ in seen if stage is JobStage.MESSAGES]
    assert sum(messages) == len(desk.messages()) == 4
    assert [changed for *_, changed in seen[:3]] == [2, 2 + messages[0], 6]
    assert JobState.DONE is job.state


def test_a_cursor_is_behind_its_page_and_in_its_record(desk: "Desk") -> None:
    job = desk.do(forget_step, Step(begun(desk, both(desk))))
    assert (job.stage, job.cursor) == (JobStage.MESSAGES, "")
    job = desk.do(forget_step, Step(job, after='["x"]'))
    assert job.cursor == '0 ["x"]'
    scan = scan_of(ACME, job)
    assert scan is not None
    assert (scan.prefix, scan.after) == ((ACME, job.customers[0]), ("x",))
    job = desk.do(forget_step, Step(job))
    assert job.cursor == "1"
    job = desk.do(forget_step, Step(job, after='["y"]'))
    assert job.cursor == '1 ["y"]'
    scan = scan_of(ACME, job)
    assert scan is not None
    assert (scan.prefix, scan.after) == ((ACME, job.customers[1]), ("y",))
    job = desk.do(forget_step, Step(job))
    assert (job.stage, job.cursor) == (JobStage.EVIDENCE, "")


@pytest.mark.parametrize("stage", [JobStage.WAITING, JobStage.QUARANTINE])
def test_what_waits_and_what_was_kept_is_gone_through_once(desk: "Desk", stage: JobStage) -> None:
    job = begun(desk, both(desk))
    while job.stage is not stage:
        job = desk.do(forget_step, Step(job))
    job = desk.do(forget_step, Step(job, after='["z"]'))
    assert (job.stage, job.cursor) == (stage, '0 ["z"]')
    job = desk.do(forget_step, Step(job))
    assert job.is_done if stage is STAGES[-1] else job.stage is JobStage.QUARANTINE


def test_a_step_that_another_process_did_is_not_done_again(desk: "Desk") -> None:
    """Nor one of a job that is done."""
    first = begun(desk, both(desk))
    job = desk.do(forget_step, Step(first))
    answer = desk.answer(forget_step, Step(first))
    assert isinstance(answer, Ready)
    assert (answer.result, answer.change.is_empty) == (job, True)
    while not job.is_done:
        job = desk.do(forget_step, Step(evolve(job)))
    answer = desk.answer(forget_step, Step(job))
    assert isinstance(answer, Ready)
    assert (answer.result, answer.change.is_empty) == (job, True)


def test_a_hold_is_told_of_once(desk: "Desk") -> None:
    customer = both(desk)
    job = begun(desk, customer)
    seat = desk.ground(SUE).seat
    assert seat is not None
    desk.do(place_hold, PlaceHold(seat, f"customer:{customer}", "lawsuit"))
    job = desk.do(forget_step, Step(job))
    assert (job.state, list(desk.told)) == (JobState.HELD, [JobHeld(job.id, job.kind)])
    again = desk.do(forget_step, Step(job))
    assert (again, list(desk.told)) == (job, [])


def test_a_message_that_went_meanwhile_is_passed_over(desk: "Desk") -> None:
    customer = both(desk)
    job = desk.do(forget_step, Step(begun(desk, customer)))
    gone = MESSAGE.of(ACME, "gone")
    step = page(desk, job)
    after = desk.do(forget_step, evolve(step, found=(*step.found, gone)))
    assert (after.looked_at, after.changed) == (job.looked_at + len(step.found) + 1, job.changed + len(step.found))


@pytest.mark.parametrize("stage", [JobStage.WAITING, JobStage.QUARANTINE])
def test_what_went_meanwhile_of_what_waits_is_passed_over(desk: "Desk", stage: JobStage) -> None:
    job = begun(desk, both(desk))
    while job.stage is not stage:
        job = desk.do(forget_step, Step(job))
    scan = scan_of(ACME, job)
    assert scan is not None
    kind = KINDS[scan.kind]
    gone = kind.of(ACME, *("1" if column.type.name == "TEXT" else 1 for column in kind.key[1:]))
    after = desk.do(forget_step, Step(job, (gone,), "more"))
    assert (after.looked_at, after.changed) == (job.looked_at + 1, job.changed)


def test_what_waits_for_his_message_is_dropped_and_others_stays(desk: "Desk") -> None:
    """By whom a report names, or by an id of the provider's that spells his number."""
    customer = both(desk)
    for named, whom in (
        ("by-name", CARLS_NUMBER),
        (f"wamid.{CARLS_NUMBER.removeprefix('+')}", "+491709999999"),
        ("by-user-id", "bsuid:DE.1"),
        ("another's", "+491709999999"),
    ):
        desk.report(Report.SENT, named=named, recipient=Sender((address_of(whom),)))
    desk.report(Report.SENT, named="nobody's")
    job = begun(desk, customer)
    while job.stage is not JobStage.WAITING:
        job = desk.do(forget_step, page(desk, job))
    step = page(desk, job)
    assert len(step.found) == 5
    after = desk.do(forget_step, step)
    assert (after.looked_at - job.looked_at, after.changed - job.changed) == (5, 3)


def test_only_what_was_sent_keeps_a_mark_of_its_erased_id(desk: "Desk") -> None:
    """By which a late report is known; what came in is never reported on."""
    thread = desk.granted()
    sent = desk.deliver(desk.send(thread, "Hi"))
    job = begun(desk, sent.customer)
    job = desk.do(forget_step, Step(job))
    outbound = {each.id for each in desk.messages() if each.provider_id and not each.is_inbound}
    step = page(desk, job)
    desk.do(forget_step, step)
    assert desk.change is not None
    marks = {ref for mark, ref in desk.change.dedupe.items() if mark.startswith("erased:")}
    assert outbound == marks
    assert len(outbound) < len(step.found)
    assert desk.entry(sent, Work.SEND) is None


@settings(max_examples=50, deadline=None)
@given(st.integers(10**5, 10**15 - 1).map(str), st.binary(max_size=4), st.binary(max_size=4))
def test_a_number_is_found_within_what_is_spelled_in_base64(digits: str, before: bytes, behind: bytes) -> None:
    text = base64.b64encode(before + digits.encode() + behind).decode()
    assert any(spelling in text for spelling in _spellings([number(f"+{digits}")]))


@pytest.mark.parametrize("offset", range(3))
def test_as_much_of_it_as_the_number_alone_decides(offset: int) -> None:
    """So that nobody else's is taken for it."""
    digits = b"491701234567"
    spelled = [
        base64.b64encode(bytes(before) + digits + bytes([behind])).decode()
        for before in product((0, 85, 170, 255), repeat=offset)
        for behind in (0, 85, 170, 255)
    ]
    same = [place for place in range(len(spelled[0])) if len({text[place] for text in spelled}) == 1]
    alone = "".join(spelled[0][place] for place in same if spelled[0][place] != "=")
    assert alone in _spellings([number("+491701234567")])


def test_a_draft_says_whether_a_row_was_there(desk: "Desk") -> None:
    message = desk.receive("Hello")

    def discard(draft: Draft) -> tuple[bool, bool]:
        return draft.discard(MESSAGE.of(ACME, message.id)), draft.discard(MESSAGE.of(ACME, "none"))

    assert desk.do(discard) == (True, False)


def test_a_late_report_on_what_is_forgotten_names_nobody(desk: "Desk") -> None:
    """What became of it is noted, with the provider's code alone."""
    thread = desk.granted()
    failed, arrived = (desk.deliver(desk.send(thread, text)) for text in ("one", "two"))
    job = begun(desk, failed.customer)
    while not job.is_done:
        job = desk.do(forget_step, page(desk, job))
    desk.report(Report.FAILED, failed, error="131026", meaning=f"to {CARLS_NUMBER}")
    desk.report(Report.DELIVERED, arrived)
    failure = desk.stored(failed.id).failure
    assert failure is not None
    assert (failure.code, failure.meaning) == ("131026", "")
    assert desk.stored(arrived.id).failure is None


def test_evidence_is_counted_where_something_of_it_went(desk: "Desk") -> None:
    """Once: an entry that says nothing of a person any longer is looked at, and not changed."""
    desk.granted()
    customer = desk.messages()[0].customer
    entries = desk.evidence(customer)
    job = begun(desk, customer)
    while job.stage is not JobStage.EVIDENCE:
        job = desk.do(forget_step, page(desk, job))
    step = page(desk, job)
    after = desk.do(forget_step, evolve(step, after='["again"]'))
    assert len(entries) == len(step.found)
    assert after.changed - job.changed == sum(entry.personal is not None for entry in entries) > 0
    again = desk.do(forget_step, Step(after, step.found))
    assert (again.looked_at - after.looked_at, again.changed) == (len(entries), after.changed)


def test_what_was_kept_of_him_goes_and_what_was_kept_of_others_stays(desk: "Desk") -> None:
    """However his number is spelled in it."""
    customer = both(desk)
    digits = CARLS_NUMBER.removeprefix("+")
    raws = [f'{{"from": "{digits}"}}', base64.b64encode(f"x{digits}y".encode()).decode(), '{"from": "491709999999"}']

    def keep_all(draft: Draft) -> None:
        for place, raw in enumerate(raws):
            draft.put(QUARANTINE.of(ACME, f"q{place}"), KeptElement(draft.now, "unknown", raw))

    desk.do(keep_all)
    job = begun(desk, customer)
    while job.stage is not JobStage.QUARANTINE:
        job = desk.do(forget_step, page(desk, job))
    step = page(desk, job)
    after = desk.do(forget_step, step)
    assert (len(step.found), after.changed - job.changed) == (3, 2)
    assert desk.row(QUARANTINE.of(ACME, "q2")) is not None
