"""Recording, exporting, verifying and anchoring evidence, under both faces."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from wa_connector import Connector, ContactId, MediaRef, Purpose, Reason, RefusedError, Stage, UsageError
from wa_connector.model.consent import Evidence, Signal
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CONSENT, EVIDENCE
from wa_connector.ports.storage import Change, Put, Range
from wa_connector.testing.host import ACME, ANA, BEN, CARL, GUS, LINE, NOON, MemoryHost

A_FILE = MediaRef("application/pdf", "ab" * 32, 900)


@pytest.fixture(params=["direct", "aio"])
def face(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture
def connector(host: MemoryHost, face: str) -> Iterator[Connector]:
    with host.connector(face) as connector:
        yield connector


def noted(connector: Connector, **more: Any) -> Any:
    values = {"given_at": NOON - timedelta(days=30), "method": "paper", **more}
    return connector.record_consent(ACME, ANA, LINE, CARL, **values)


def said(host: MemoryHost, connector: Connector, text: str, **more: Any) -> None:
    connector.handle_webhook(host.webhook(host.said(text, **more)))


def test_a_consent_given_elsewhere_lets_a_user_begin(connector: Connector) -> None:
    assert noted(connector).stage is Stage.GRANTED
    assert connector.start(ACME, ANA, LINE, CARL).is_taken


def test_the_same_record_is_taken_once(host: MemoryHost, connector: Connector) -> None:
    """So an import can be run again."""
    first = noted(connector, source="crm-7")
    again = noted(connector, source="crm-7")
    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert len(chain_of(host, first.customer)) == 1


def test_a_stranger_has_no_record(connector: Connector) -> None:
    refused = connector.record_consent(ACME, ANA, LINE, ContactId("nobody"), given_at=NOON, method="paper")
    assert Reason.NOT_A_CONTACT is refused.decision.reason


def test_nothing_was_given_in_the_future(host: MemoryHost, connector: Connector) -> None:
    skew = timedelta(minutes=5)
    assert Reason.DATED_AHEAD is noted(connector, given_at=host.clock.now + skew * 2).decision.reason
    assert noted(connector, given_at=host.clock.now + skew).stage is Stage.GRANTED


@pytest.mark.parametrize("given_at", [datetime(2026, 11, 1), datetime(1999, 1, 1, tzinfo=UTC)])  # noqa: DTZ001 - naive on purpose
def test_an_impossible_date_is_refused_by_name(connector: Connector, given_at: datetime) -> None:
    with pytest.raises(UsageError, match="given_at"):
        noted(connector, given_at=given_at)


@pytest.mark.parametrize(("word", "reason"), [("STOP", Reason.CONSENT_REVOKED)])
def test_staff_never_undo_a_persons_own_no(host: MemoryHost, connector: Connector, word: str, reason: Reason) -> None:
    said(host, connector, word)
    host.clock.advance(timedelta(hours=1))
    assert reason is noted(connector, given_at=host.clock.now, attachment=A_FILE).decision.reason


def test_a_decline_is_a_persons_own_too(host: MemoryHost, connector: Connector) -> None:
    connector.sync_templates(ACME, host.directory.lines(ACME, ANA)[0].account.id)
    connector.ask_consent(ACME, ANA, LINE, CARL)
    host.clock.advance(timedelta(minutes=1))
    said(host, connector, "No")
    assert Reason.CONSENT_DECLINED is noted(connector, given_at=host.clock.now).decision.reason


def test_unless_the_organization_lets_them_with_a_file_dated_after_it(face: str) -> None:
    host = MemoryHost(settings={"staff_may_restore": True})
    with host.connector(face) as connector:
        said(host, connector, "STOP")
        host.clock.advance(timedelta(hours=2))
        later = NOON + timedelta(hours=1)
        assert Reason.RESTORE_NEEDS_EVIDENCE is noted(connector, given_at=later).decision.reason
        assert Reason.RESTORE_NEEDS_EVIDENCE is noted(connector, given_at=NOON, attachment=A_FILE).decision.reason
        assert Stage.GRANTED is noted(connector, given_at=later, attachment=A_FILE).stage


def test_a_stop_after_the_recorded_date_wins_whenever_the_record_is_made(
    host: MemoryHost, connector: Connector
) -> None:
    noted(connector, given_at=NOON - timedelta(days=1))
    said(host, connector, "STOP")
    noted(connector, given_at=NOON - timedelta(hours=1), source="late")
    thread = connector.conversations(ACME, ANA, unassigned=True)[0].id
    assert Reason.CONSENT_REVOKED is connector.composer(ACME, ANA, thread).write.reason


def test_marketing_is_recorded_by_name(host: MemoryHost, connector: Connector) -> None:
    both = noted(connector, purposes=(Purpose.CONVERSATION, Purpose.MARKETING))
    record = host.storage.load([key := CONSENT.of(ACME, str(both.customer))]).rows[key].value
    assert Stage.GRANTED is record.on("plain").marketing


def test_one_persons_evidence_is_told_to_who_may_see_it(host: MemoryHost, connector: Connector) -> None:
    noted(connector, text="I agree to be written to.", attachment=A_FILE)
    thread = connector.start(ACME, ANA, LINE, CARL).or_raise().conversation
    assert thread is not None
    (entry,) = connector.evidence(ACME, ANA, thread)
    assert (Signal.RECORDED, "paper", A_FILE.sha256, ANA) == (entry.signal, entry.method, entry.attachment, entry.actor)
    assert entry.personal is not None
    assert entry.personal.text == "I agree to be written to."
    with pytest.raises(RefusedError):
        connector.evidence(ACME, BEN, thread)


def test_evidence_of_two_records_that_are_one_person_is_told_together(host: MemoryHost, connector: Connector) -> None:
    said(host, connector, "STOP", sender=["bsuid:US.1"])
    host.clock.advance(timedelta(hours=1))
    noted(connector)
    said(host, connector, "Hello", sender=["+16505551234", "bsuid:US.1"])
    thread = connector.conversations(ACME, ANA, unassigned=True)[0].id
    assert {Signal.STOP, Signal.RECORDED} == {entry.signal for entry in connector.evidence(ACME, ANA, thread)}


# --- for all ----------------------------------------------------------------------------------------------------------


def test_all_evidence_verifies_and_what_was_changed_is_found(host: MemoryHost, connector: Connector) -> None:
    customer = noted(connector).customer
    said(host, connector, "STOP", sender=["+16505550000"])
    assert counts(connector.verify_evidence(ACME)) == (2, 2, ())
    tamper(host, customer, locale="xx")
    found = connector.verify_evidence(ACME)
    assert not found.holds
    assert [(customer, 1)] == [(who, flaw.sequence) for who, flaw in found.flaws]


def test_another_tenants_evidence_is_another_matter(connector: Connector) -> None:
    noted(connector)
    assert counts(connector.verify_evidence(type(ACME)("globex"))) == (0, 0, ())
    with pytest.raises(UsageError):
        connector.record_consent(ACME, GUS, LINE, CARL, given_at=NOON, method="paper")


def test_an_anchor_covers_what_is_older_than_five_minutes(host: MemoryHost, connector: Connector) -> None:
    customer = noted(connector).customer
    assert connector.anchor_evidence(ACME).entries == 0
    host.clock.advance(timedelta(minutes=6))
    anchor = connector.anchor_evidence(ACME)
    assert (anchor.chains, anchor.entries) == (1, 1)
    said(host, connector, "STOP")
    assert connector.check_anchor(ACME, anchor), "what is added later does not disturb it"
    tamper(host, customer, locale="xx", reseal=True)
    assert connector.verify_evidence(ACME).holds, "a chain written anew holds by itself"
    assert not connector.check_anchor(ACME, anchor), "and yet is not the one that was anchored"


def chain_of(host: MemoryHost, customer: CustomerId | None) -> list[Evidence]:
    assert customer is not None
    wanted = Range("evidence", "key", (ACME, customer), 100)
    snapshot = host.storage.load([wanted])
    return [snapshot.rows[key].value for key in snapshot.ranges[wanted]]


def counts(verification: Any) -> tuple[int, int, tuple[object, ...]]:
    return verification.chains, verification.entries, verification.flaws


def tamper(host: MemoryHost, customer: CustomerId | None, *, locale: str, reseal: bool = False) -> None:
    """Rewrite the first entry as somebody with the database in his hands could; ``reseal``: and the whole chain."""
    from wa_connector.evidence.ledger import sealed

    entries = chain_of(host, customer)
    entries[0] = evolve(entries[0], locale=locale)
    if reseal:
        previous = ""
        for place, entry in enumerate(entries):
            entries[place] = sealed(entry, previous)
            previous = entries[place].digest
    keys = [EVIDENCE.of(ACME, str(customer), entry.sequence) for entry in entries]
    head = CONSENT.of(ACME, str(customer))
    rows = host.storage.load([*keys, head]).rows
    record = evolve(rows[head].value, head=entries[-1].digest) if reseal else rows[head].value
    puts = (*map(Put, keys, entries), Put(head, record))
    host.storage.commit([Change(ACME, NOON, reads={key: rows[key].version for key in (*keys, head)}, puts=puts)])
