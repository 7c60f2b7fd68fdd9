"""Corners of forgetting and keeping, beyond what every storage is tried with (``testing.forgetting_contract``)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from wa_connector import (
    CommandId,
    Connector,
    CustomerId,
    Image,
    MessageStatus,
    Reason,
    RefusedError,
    TemplateMessage,
    Text,
    UsageError,
    number,
)
from wa_connector.model.content import files_of
from wa_connector.model.ids import HoldId, OrganizationId
from wa_connector.model.job import JobKind, JobState
from wa_connector.model.outbound import AccountStopped, Deferred, OutcomeUnknown, Rejected
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.ports.storage import Range
from wa_connector.testing.forgetting_contract import MARK, MARKERS, OTHER, everything, forget, live, messages_of
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, CARLS_NUMBER, LINE, SUE, MemoryHost

ROOT = OrganizationId(ACME)
OFFER = Template(
    ACCOUNT, "offer", "en", TemplateCategory.UTILITY, TemplateStatus.APPROVED, "Hello {{1}}", header_kind="IMAGE"
)


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost(owner=ANA)


@pytest.fixture
def connector(host: MemoryHost) -> Iterator[Connector]:
    with host.connector() as connector:
        connector.sync_templates(ACME, ACCOUNT)
        yield connector


def said(host: MemoryHost, connector: Connector, text: str, **more: Any) -> None:
    assert connector.handle_webhook(host.webhook(host.said(text, **more))).taken == 1


def customer(connector: Connector, address: str = CARLS_NUMBER) -> CustomerId:
    found = connector.find_customer(ACME, SUE, number(address))
    assert found is not None
    return found.id


# --- forgetting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Rejected("131000", f"{MARK} is not there"), MessageStatus.FAILED),
        (Deferred("130429", "slow down"), MessageStatus.FAILED),
        (AccountStopped("368", "blocked"), MessageStatus.FAILED),
        (OutcomeUnknown("cut off"), MessageStatus.UNKNOWN),
    ],
)
def test_what_became_of_a_message_under_way_is_noted_without_the_person(
    host: MemoryHost, connector: Connector, outcome: Any, status: MessageStatus
) -> None:
    thread = live(host, connector)
    said(host, connector, "Hello")
    connector.dispatcher.run_until_idle()
    sent = connector.send(ACME, ANA, thread, Text(MARK)).or_raise()

    def meanwhile(_: object) -> Any:
        forget(connector)
        return outcome

    host.transport.answers.append(meanwhile)
    connector.dispatcher.run_once()
    (message,) = [each for each in connector.timeline(ACME, SUE, thread).messages if each.id == sent.message]
    assert (message.status, message.is_erased) == (status, True)
    assert MARK not in everything(host.storage)


def test_a_file_that_was_being_fetched_is_not_kept(
    host: MemoryHost, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector.handle_webhook(host.webhook(host.said(image=MARK)))
    fetch = host.transport.fetch

    def meanwhile(*arguments: Any) -> Any:
        forget(connector)
        return fetch(*arguments)

    monkeypatch.setattr(host.transport, "fetch", meanwhile)
    connector.dispatcher.run_until_idle()
    assert host.media.files == {}


def test_a_number_that_moved_on_stays_with_whoever_has_it(host: MemoryHost, connector: Connector) -> None:
    """Whom it was of before, nothing says any longer."""
    said(host, connector, f"{MARK} was here", sender=[CARLS_NUMBER, "bsuid:US.1"])
    former = customer(connector)
    said(host, connector, "It is mine now", sender=[CARLS_NUMBER, "bsuid:US.2"])
    now = customer(connector)
    assert former != now
    connector.forget_customer(ACME, SUE, former, why="asked for it")
    connector.run_jobs(ACME)
    assert customer(connector) == now
    addresses = [line for line in everything(host.storage).splitlines() if line.startswith("address ")]
    assert former not in "\n".join(addresses)
    assert MARK not in everything(host.storage)


def test_each_forgotten_person_has_his_own_refusals(host: MemoryHost, connector: Connector) -> None:
    said(host, connector, "STOP")
    said(host, connector, "Hello", sender=[OTHER])
    forget(connector)
    forget(connector, OTHER)
    said(host, connector, "Back", sender=[OTHER])
    said(host, connector, "Back")
    threads = {each.customer: each.id for each in connector.conversations(ACME, ANA)}
    theirs, his = customer(connector, OTHER), customer(connector)
    assert connector.send(ACME, ANA, threads[theirs], Text("Hi")).decision.is_allowed
    assert connector.send(ACME, ANA, threads[his], Text("Hi")).decision.reason is Reason.CONSENT_REVOKED
    said(host, connector, "STOP", sender=[OTHER])
    assert {forget(connector).state, forget(connector, OTHER).state} == {JobState.DONE}
    for address in (CARLS_NUMBER, OTHER):
        said(host, connector, "Once more", sender=[address])
        thread = next(
            each.id for each in connector.conversations(ACME, ANA) if each.customer == customer(connector, address)
        )
        assert connector.send(ACME, ANA, thread, Text("Hi")).decision.reason is Reason.CONSENT_REVOKED
    assert connector.verify_evidence(ACME).holds


def test_what_was_declined_or_refused_for_marketing_stays(host: MemoryHost, connector: Connector) -> None:
    connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
    connector.dispatcher.run_until_idle()
    host.clock.advance(timedelta(minutes=1))
    said(host, connector, "No")
    forget(connector)
    assert connector.start(ACME, ANA, LINE, CARL).decision.reason is Reason.CONSENT_DECLINED


def test_two_processes_do_each_step_once(host: MemoryHost, connector: Connector) -> None:
    """Whoever is late finds the step done, and goes on from there."""
    live(host, connector)
    connector.forget_customer(ACME, SUE, customer(connector), why="asked for it")
    connector.retain(ACME, SUE)

    beside: list[object] = []

    def meanwhile(job: object) -> None:
        if not beside:
            beside.append(job)
            connector.run_jobs(ACME)

    connector.run_jobs(ACME, told=meanwhile)
    jobs = connector.jobs(ACME)
    assert {each.state for each in jobs} == {JobState.DONE}
    assert {each.kind for each in jobs} == set(JobKind)
    assert [marker for marker in MARKERS if marker in everything(host.storage)] == []


def test_nobody_is_forgotten_who_is_not_known(connector: Connector) -> None:
    with pytest.raises(UsageError, match="no such customer"):
        connector.forget_customer(ACME, SUE, CustomerId("c"), why="?")
    assert connector.find_customer(ACME, SUE, number("+4930123456")) is None
    with pytest.raises(RefusedError):
        connector.find_customer(ACME, ANA, number("+4930123456"))


# --- holds ------------------------------------------------------------------------------------------------------------


def test_a_hold_has_one_subject_a_reason_and_one_end(host: MemoryHost, connector: Connector) -> None:
    said(host, connector, "Hello")
    with pytest.raises(UsageError, match="one of the two"):
        connector.place_hold(ACME, SUE, why="?")
    with pytest.raises(UsageError, match="reason"):
        connector.place_hold(ACME, SUE, customer=customer(connector), why=" ")
    with pytest.raises(RefusedError, match="supervises"):
        connector.place_hold(ACME, ANA, customer=customer(connector), why="lawsuit")
    hold = connector.place_hold(ACME, SUE, customer=customer(connector), why="lawsuit")
    subject = connector.holds(ACME, SUE)[0].subject
    for who, which in ((ANA, hold.id), (SUE, HoldId("another"))):
        with pytest.raises(RefusedError):
            connector.lift_hold(ACME, who, subject, which)
    assert connector.lift_hold(ACME, SUE, subject, hold.id).lifted_by == SUE
    with pytest.raises(RefusedError, match="nothing to do"):
        connector.lift_hold(ACME, SUE, subject, hold.id)


# --- keeping ----------------------------------------------------------------------------------------------------------


def keep(connector: Connector, **spans: timedelta) -> None:
    for name, span in spans.items():
        assert connector.set_setting(ACME, SUE, ROOT, name, span).is_allowed
    connector.retain(ACME, SUE)
    connector.run_jobs(ACME)


def test_a_message_that_is_not_done_with_stays(host: MemoryHost, connector: Connector) -> None:
    """Parked, say: a person has yet to decide."""
    said(host, connector, "Hello")
    (thread,) = connector.conversations(ACME, ANA)
    host.transport.answers.append(OutcomeUnknown("cut off"))
    parked = connector.send(ACME, ANA, thread.id, Text("arrived or not?")).or_raise()
    connector.dispatcher.run_until_idle()
    host.clock.advance(timedelta(days=100))
    connector.dispatcher.run_until_idle()
    keep(connector, keep_messages=timedelta(days=60))
    assert "arrived or not?" in messages_of(host.storage)
    assert str(parked.message) in messages_of(host.storage)


def test_a_command_whose_message_is_gone_is_still_known(host: MemoryHost, connector: Connector) -> None:
    said(host, connector, "Hello")
    (thread,) = connector.conversations(ACME, ANA)
    first = connector.send(ACME, ANA, thread.id, Text("Hi"), command_id=CommandId("c-1")).or_raise()
    connector.dispatcher.run_until_idle()
    host.clock.advance(timedelta(days=100))
    keep(connector, keep_messages=timedelta(days=60))
    said(host, connector, "Hello again")
    again = connector.send(ACME, ANA, thread.id, Text("Hi"), command_id=CommandId("c-1"))
    assert (again.is_repeat, again.decision.reason, first.message != again.message) == (
        True,
        Reason.NOTHING_TO_DO,
        True,
    )


def test_many_customers_are_gone_through(host: MemoryHost, connector: Connector) -> None:
    """Old and young, in more pages than one; behind the first that is young the next customer is gone to."""
    senders = [f"+4930{place:06}" for place in range(8)]
    for turn in range(20):
        connector.handle_webhook(host.webhook(*(host.said(f"old {turn}", sender=[each]) for each in senders[:5])))
    host.clock.advance(timedelta(days=100))
    for turn in range(60):
        connector.handle_webhook(host.webhook(*(host.said(f"young {turn}", sender=[each]) for each in senders[3:])))
    keep(connector, keep_messages=timedelta(days=60))
    texts = messages_of(host.storage)
    assert (texts.count("old "), texts.count("young ")) == (0, 300)


def test_a_hold_on_the_whole_tenant_keeps_everything(host: MemoryHost, connector: Connector) -> None:
    live(host, connector)
    before = (messages_of(host.storage), connector.quarantine(ACME), host.media.files.copy())
    hold = connector.place_hold(ACME, SUE, organization=ROOT, why="audit")
    host.clock.advance(timedelta(days=100))
    spans = {name: timedelta(days=1) for name in ("keep_messages", "keep_files", "keep_quarantine", "keep_events")}
    keep(connector, **spans)
    assert before == (messages_of(host.storage), connector.quarantine(ACME), host.media.files)
    events = len(connector.events(ACME, limit=5000).events)
    connector.lift_hold(ACME, SUE, f"organization:{ROOT}", hold.id)
    connector.dispatcher.run_until_idle()
    keep(connector)
    assert messages_of(host.storage) == ""
    assert connector.quarantine(ACME) == ()
    assert len(connector.events(ACME, limit=5000).events) < events


def test_what_is_young_or_on_hold_stays_whatever_its_kind(host: MemoryHost, connector: Connector) -> None:
    live(host, connector)
    connector.handle_webhook(host.webhook(host.reported("sent", "nobody's")))
    before = (connector.quarantine(ACME), host.media.files.copy())
    keep(connector, keep_files=timedelta(days=30), keep_quarantine=timedelta(days=30))
    assert before == (connector.quarantine(ACME), host.media.files)
    assert "nobody's" in everything(host.storage)
    host.clock.advance(timedelta(days=100))
    connector.place_hold(ACME, SUE, customer=customer(connector), why="lawsuit")
    keep(connector)
    assert before[1] == host.media.files


def test_the_file_of_a_template_stays_with_its_message(host: MemoryHost, connector: Connector) -> None:
    """It is no picture of anybody's: the words would say something else without it."""
    thread = live(host, connector)
    header = host.media.put(ACME, iter([b"a header"]), "image/png", 100)
    offer = TemplateMessage("hello", "en", {"body.1": "x", "header.image": header.sha256})
    assert files_of(offer) == (header.sha256,)
    said(host, connector, "Hello")
    host.transport.listed.append(OFFER)
    connector.sync_templates(ACME, ACCOUNT)
    connector.send(ACME, ANA, thread, evolve(offer, name="offer")).or_raise()
    connector.dispatcher.run_until_idle()
    host.clock.advance(timedelta(days=100))
    keep(connector, keep_files=timedelta(days=30))
    assert host.media.read(ACME, header) is not None
    keep(connector, keep_messages=timedelta(days=30))
    assert host.media.read(ACME, header) is None


def test_an_edited_message_shows_its_new_picture_alone(host: MemoryHost, connector: Connector) -> None:
    thread = live(host, connector)
    one, two = (host.media.put(ACME, iter([each]), "image/png", 100) for each in (b"one", b"two"))
    held = connector.send(ACME, ANA, thread, Image(one), hold=True).or_raise()
    assert held.message is not None
    connector.edit_held(ACME, ANA, thread, held.message, Image(two)).or_raise()
    connector.edit_held(ACME, ANA, thread, held.message, Image(two, "again")).or_raise()

    def shown(sha256: str) -> int:
        users = Range("file_use", "key", (ACME, sha256), 9)
        return len(host.storage.load([users]).ranges[users])

    assert (shown(one.sha256), shown(two.sha256)) == (0, 1)


def test_kept_spans_are_settings_like_others(connector: Connector) -> None:
    with pytest.raises(UsageError, match="keep_messages"):
        connector.set_setting(ACME, SUE, ROOT, "keep_messages", 30)
