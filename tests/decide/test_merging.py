"""Two records turned out to be one person: nothing is lost of either, and nothing is rewritten."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide.draft import Draft
from wa_connector.evidence.fold import fold
from wa_connector.evidence.ledger import verify
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import ButtonReply, Text
from wa_connector.model.event import CustomersMerged
from wa_connector.model.ids import CustomerId, ProviderId
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.outbound import Accepted, Deferred, OutcomeUnknown
from wa_connector.model.queue import EntryState, Work
from wa_connector.policy.replies import ACCEPT_PAYLOAD
from wa_connector.ports.rows import Key
from wa_connector.testing.host import ANA, CARLS_NUMBER, address_of

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

BSUID = "bsuid:one"
BOTH = (BSUID, CARLS_NUMBER)
ACCEPTED = ButtonReply(ACCEPT_PAYLOAD, "Yes")


def meet(desk: "Desk") -> tuple[CustomerId, CustomerId]:
    """One person in two records: by number first, then by BSUID."""
    by_number = desk.receive("Hello").customer
    return by_number, desk.receive("Hello again", sender=(BSUID,)).customer


def test_the_merged_record_points_at_the_survivor(desk: "Desk") -> None:
    """Only once, and it is told; what comes later is the survivor's."""
    merged, survivor = meet(desk)
    message = desk.receive("It is I", sender=BOTH)
    assert CustomersMerged(merged, survivor) in desk.told
    assert survivor == message.customer == desk.customer(merged).merged_into
    desk.receive("And again", sender=BOTH)
    assert CustomersMerged(merged, survivor) not in desk.told


def test_consent_is_folded_from_both_chains(desk: "Desk") -> None:
    """What the one record granted and the other revoked later is revoked, whichever of them survives."""
    merged, survivor = meet(desk)
    desk.receive("STOP", at=desk.now)
    desk.receive(ACCEPTED, sender=(BSUID,), at=desk.now - timedelta(minutes=1))
    assert (desk.consent(merged).conversation, desk.consent(survivor).conversation) == (Stage.REVOKED, Stage.GRANTED)
    desk.receive("It is I", sender=BOTH)
    assert desk.consent(survivor).conversation is Stage.REVOKED


def test_evidence_stays_where_it_was_written(desk: "Desk") -> None:
    """Both chains verify after the merge as before it; the survivor's grows on, and the fold is of both."""
    merged, survivor = meet(desk)
    desk.receive("STOP")
    desk.receive(ACCEPTED, sender=(BSUID,))
    desk.receive("It is I", sender=BOTH)
    desk.later(minutes=1)
    desk.receive("START", sender=BOTH)
    for customer in (merged, survivor):
        record = desk.consents(customer)
        assert verify(desk.evidence(customer), record.length, record.head) is None
    assert [entry.signal for entry in desk.evidence(merged)] == [Signal.STOP]
    assert [entry.signal for entry in desk.evidence(survivor)] == [Signal.ACCEPTED, Signal.START]
    together = [*desk.evidence(merged), *desk.evidence(survivor)]
    assert fold(together) == desk.consents(survivor).channels
    assert desk.consent(survivor).conversation is Stage.GRANTED


def test_a_late_event_is_folded_among_both_chains(desk: "Desk") -> None:
    """An event older than what was folded at the merge finds its place among the evidence of both records."""
    merged, survivor = meet(desk)
    began_at = desk.now
    desk.later(minutes=10)
    desk.receive("STOP")
    desk.receive("It is I", sender=BOTH)
    desk.receive("START", sender=BOTH, at=began_at)
    assert desk.consent(survivor).conversation is Stage.REVOKED
    assert (merged,) == desk.consents(survivor).joined


def test_a_record_without_evidence_brings_none(desk: "Desk") -> None:
    """Consent is left alone where only the survivor has any, and taken over where only the merged one has."""
    merged, survivor = meet(desk)
    desk.receive(ACCEPTED, sender=(BSUID,))
    before = desk.consents(survivor)
    desk.receive("It is I", sender=BOTH)
    assert before == desk.consents(survivor)
    assert merged not in desk.consents(survivor).joined


def test_windows_are_maxima_of_both(desk: "Desk") -> None:
    """The window of the survivor is as old as the last sign of life of either."""
    began_at = desk.now
    desk.receive("Hello", sender=(BSUID,))
    written_at = desk.later(hours=3)
    survivor = desk.receive("Hello").customer
    desk.later(hours=3)
    survivor = desk.receive("It is I", sender=BOTH, at=began_at).customer
    assert written_at == desk.window(survivor).customer_at


def note(draft: Draft, key: Key, at: datetime | None) -> None:
    draft.put(key, evolve(draft.get(key), marketing_after_at=at, free_until_at=at))


@pytest.mark.parametrize("of_number", [None, 2, 9])
@pytest.mark.parametrize("of_other", [None, 2, 9])
def test_what_the_provider_said_of_either_holds_for_the_person(
    desk: "Desk", of_number: int | None, of_other: int | None
) -> None:
    """The pause of marketing, and the end of what is free: the later of the two."""
    at = {hours: desk.now + timedelta(hours=hours) if hours else None for hours in (None, 2, 9)}
    for sender, hours in (((CARLS_NUMBER,), of_number), ((BSUID,), of_other)):
        customer = desk.receive("Hello", sender=sender).customer
        desk.do(note, desk.ground().pair(customer), at[hours])
    pair = desk.pair(desk.receive("It is I", sender=BOTH).customer)
    later = at[max(of_number or 0, of_other or 0) or None]
    assert (later, later) == (pair.marketing_after_at, pair.free_until_at)


def test_threads_are_joined(desk: "Desk") -> None:
    """All open threads of both are the survivor's, and a message goes into one of them."""
    first = desk.receive("Hello").conversation
    second = desk.receive("Hello again", sender=(BSUID,)).conversation
    message = desk.receive("It is I", sender=BOTH)
    assert {first, second} == set(desk.pair(message.customer).open)
    assert message.conversation in {first, second}


def test_no_address_is_lost(desk: "Desk") -> None:
    """The survivor has what only the merged record knew, and what both knew once."""
    desk.receive("Hello", sender=(CARLS_NUMBER, "parent:one"))
    desk.receive("Hello again", sender=(BSUID,))
    survivor = desk.customer(desk.receive("It is I", sender=BOTH).customer)
    known = [each.value for each in survivor.addresses]
    assert sorted(known) == sorted([CARLS_NUMBER, "one", "one"])


def test_the_thread_that_was_the_survivors_latest_stays_so(desk: "Desk") -> None:
    """The provider's answer may be what tells that two are one: nothing is written by that."""
    message = desk.send(desk.granted())
    other = desk.receive("Hello", sender=(BSUID,)).customer
    latest = {who: desk.pair(who).latest for who in (message.customer, other)}
    desk.deliver(message, Accepted(ProviderId("out-1"), (address_of(BSUID), address_of(CARLS_NUMBER))))
    survivor = desk.holder(BSUID)
    assert survivor is not None
    assert desk.holder(CARLS_NUMBER) == survivor
    assert latest[survivor] == desk.pair(survivor).latest


def held(desk: "Desk") -> Message:
    """A message that waits for the window of a customer who is known by number."""
    thread = desk.granted()
    desk.later(hours=25)
    return desk.send(thread, "Held", hold=True)


def test_what_was_held_for_the_merged_record_waits_for_the_survivor(desk: "Desk") -> None:
    """It is counted with the survivor, and his next message wakes the lane in which it waits."""
    message = held(desk)
    desk.receive("Hello", sender=(BSUID,))
    survivor = desk.receive("It is I", sender=BOTH).customer
    assert survivor != message.customer
    assert desk.pair(survivor).held == 1
    entry = desk.entry(message)
    assert entry is not None
    assert (survivor, EntryState.HELD) == (entry.customer, entry.state)
    due = desk.storage.claim((Work.SEND,), 9, desk.now, timedelta(minutes=1))
    assert survivor in {lane.key.customer for lane in due}


def test_what_was_queued_keeps_its_order(desk: "Desk") -> None:
    """Messages of both records are one lane afterwards: the oldest first, whichever record it was written to."""
    thread = desk.granted()
    first = desk.send(thread, "One")
    other = desk.receive("Hello", sender=(BSUID,))
    second = desk.send(other.conversation, "Two")
    desk.receive("It is I", sender=BOTH)
    entries = [desk.entry(message) for message in (first, second)]
    assert [other.customer, other.customer] == [entry.customer for entry in entries if entry]
    desk.send(thread, "Three")
    lane = desk.lane(other.customer)
    waiting = [m for m in desk.messages() if isinstance(m.content, Text) and m.status is MessageStatus.QUEUED]
    assert {"One", "Two", "Three"} <= {m.content.body for m in waiting if isinstance(m.content, Text)}
    assert lane.key.customer == other.customer


def test_what_is_being_sent_is_settled_where_it_is(desk: "Desk") -> None:
    """The lease of the lane in which a message was handed over stays good for its outcome."""
    thread = desk.granted()
    message = desk.send(thread)
    desk.hand_over(message)
    desk.receive("Hello", sender=(BSUID,))
    desk.receive("It is I", sender=BOTH)
    entry = desk.entry(message)
    assert entry is not None
    assert (message.customer, EntryState.SENDING) == (entry.customer, entry.state)
    assert desk.outcome(message, Deferred("4", "later")).status is MessageStatus.QUEUED


def test_a_doubt_moves_with_the_lane(desk: "Desk") -> None:
    """A message of unknown outcome blocks the survivor's lane, as it blocked its own."""
    thread = desk.granted()
    message = desk.deliver(desk.send(thread), OutcomeUnknown("cut off"), user=ANA)
    desk.receive("Hello", sender=(BSUID,))
    survivor = desk.receive("It is I", sender=BOTH).customer
    entry = desk.entry(message)
    assert entry is not None
    assert (survivor, EntryState.UNKNOWN) == (entry.customer, entry.state)
