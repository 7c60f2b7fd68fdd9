"""Whose address is it? A payload's addresses are one person's, a BSUID beats a number, and grants do not move."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide import identity
from wa_connector.decide.consenting import Witness, record
from wa_connector.decide.receiving import receive_message
from wa_connector.model.address import AddressKind
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import ButtonReply, IdentityChange, IdentityChanged
from wa_connector.model.event import AddressChanged, AddressMoved, CustomerSeen, CustomersMerged
from wa_connector.model.ids import CustomerId, ProviderId
from wa_connector.model.inbound import Report, Sender
from wa_connector.model.outbound import Accepted
from wa_connector.policy.replies import ACCEPT_PAYLOAD
from wa_connector.ports.rows import ADDRESS
from wa_connector.testing.host import ACME, CARLS_NUMBER, PLAIN, address_of

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

ACCEPTED = ButtonReply(ACCEPT_PAYLOAD, "Yes")
WA_ID = "wa:16505551234"
BSUID, OTHER_BSUID = "bsuid:one", "bsuid:two"


def resolve(desk: "Desk", *addresses: str, name: str = "") -> CustomerId:
    return desk.do(identity.resolve, tuple(map(address_of, addresses)), name)


def find(desk: "Desk", *addresses: str) -> CustomerId | None:
    return desk.do(identity.find, tuple(map(address_of, addresses)))


def known_by(desk: "Desk", customer: CustomerId) -> list[str]:
    return [address.value for address in desk.customer(customer).addresses]


def test_a_new_address_is_a_new_customer(desk: "Desk") -> None:
    """Whom nobody has met is met now, by all the addresses of the payload."""
    customer = resolve(desk, BSUID, CARLS_NUMBER, name="Carl")
    assert (CustomerSeen(customer),) == desk.told
    assert desk.customer(customer).name == "Carl"
    assert customer == find(desk, BSUID) == find(desk, CARLS_NUMBER)


def test_nobody_is_found_by_an_address_that_nobody_has(desk: "Desk") -> None:
    resolve(desk, CARLS_NUMBER)
    assert find(desk, "+16505550000") is None
    assert find(desk) is None


THIRD_BSUID = "bsuid:three"


def test_a_suppression_stays_with_its_number(make_desk: Callable[..., "Desk"]) -> None:
    """On a channel that keeps nothing but suppressions: the network would not let us write to that number either. So it
    is, however often the number changes hands, until whoever has it then takes it back."""
    desk = make_desk(capabilities=evolve(PLAIN, asks_opt_in=False))
    first = desk.receive("STOP", sender=(BSUID, CARLS_NUMBER)).customer
    second = desk.receive("Hello", sender=(OTHER_BSUID, WA_ID)).customer
    third = desk.receive("Hello", sender=(THIRD_BSUID, CARLS_NUMBER)).customer
    assert len({first, second, third}) == 3
    assert {desk.consent(customer).conversation for customer in (first, second, third)} == {Stage.REVOKED}
    assert desk.evidence(third)[0].signal is Signal.STOP
    desk.later(minutes=1)
    desk.receive("START", sender=(THIRD_BSUID, CARLS_NUMBER))
    fourth = desk.receive("Hello", sender=("bsuid:four", CARLS_NUMBER)).customer
    assert desk.consent(third).conversation is Stage.GRANTED
    assert desk.consent(fourth).conversation is Stage.UNKNOWN
    assert desk.consent(first).conversation is Stage.REVOKED


def test_a_suppression_of_another_channel_stays_too(make_desk: Callable[..., "Desk"]) -> None:
    """Taking back the one leaves the other where it is."""
    desk = make_desk(capabilities=evolve(PLAIN, asks_opt_in=False))
    customer = desk.receive("STOP", sender=(BSUID, CARLS_NUMBER)).customer
    other = evolve(desk.ground(), capabilities=evolve(PLAIN, channel="other", asks_opt_in=False))
    desk.do(record, other, customer, Witness(Signal.STOP, desk.now, cause="elsewhere"))
    desk.later(minutes=1)
    desk.receive("START", sender=(BSUID, CARLS_NUMBER))
    new = desk.receive("Hello", sender=(OTHER_BSUID, CARLS_NUMBER)).customer
    assert desk.consent(new).conversation is Stage.UNKNOWN
    assert desk.consent(new, "other").conversation is Stage.REVOKED


def test_a_number_under_which_nothing_is_kept_has_nothing_to_take_back(make_desk: Callable[..., "Desk"]) -> None:
    """Neither where nobody ever said STOP, nor where he said it before his number was known."""
    desk = make_desk(capabilities=evolve(PLAIN, asks_opt_in=False))
    customer = desk.receive("STOP", sender=(BSUID,)).customer
    desk.later(minutes=1)
    desk.receive("START", sender=(BSUID, CARLS_NUMBER))
    assert desk.consent(customer).conversation is Stage.GRANTED
    other = make_desk(capabilities=evolve(PLAIN, asks_opt_in=False))
    customer = other.receive("Hello", sender=(CARLS_NUMBER,)).customer
    other.do(record, other.ground(), customer, Witness(Signal.RECORDED, other.now, cause="a form"))
    assert other.consent(customer).conversation is Stage.GRANTED


def test_a_number_and_a_whatsapp_id_of_its_digits_are_one_line(desk: "Desk") -> None:
    """Either finds whoever is known by the other."""
    assert resolve(desk, CARLS_NUMBER) == resolve(desk, WA_ID) == find(desk, CARLS_NUMBER)


def test_a_name_is_taken_over_when_it_changes(desk: "Desk") -> None:
    """The latest name that a payload gives; a payload without one takes none away, and the same one writes nothing."""
    customer = resolve(desk, CARLS_NUMBER, name="Carl")
    resolve(desk, CARLS_NUMBER)
    assert desk.customer(customer).name == "Carl"
    resolve(desk, CARLS_NUMBER, name="Carla")
    assert desk.customer(customer).name == "Carla"
    resolve(desk, CARLS_NUMBER, name="Carla")
    assert desk.change is not None
    assert desk.change.is_empty


def test_addresses_add_up(desk: "Desk") -> None:
    """A payload that gives a known customer one more address teaches it."""
    customer = resolve(desk, BSUID)
    assert customer == resolve(desk, CARLS_NUMBER, BSUID)
    assert customer == find(desk, CARLS_NUMBER)
    assert known_by(desk, customer) == ["one", CARLS_NUMBER]


def test_a_bsuid_beats_a_number(desk: "Desk") -> None:
    """Where a payload's BSUID and number belong to two records, the BSUID's is the one that stays."""
    by_number, by_bsuid = resolve(desk, CARLS_NUMBER), resolve(desk, BSUID)
    assert by_bsuid == resolve(desk, CARLS_NUMBER, BSUID)
    assert by_number != by_bsuid


def test_a_number_with_another_bsuid_has_changed_hands(desk: "Desk") -> None:
    """It moves to whoever has that BSUID; the old record keeps what is its own, and its grant."""
    old = desk.receive("Hello", sender=(BSUID, CARLS_NUMBER)).customer
    desk.receive(ACCEPTED, sender=(BSUID, CARLS_NUMBER))
    new = desk.receive("Who is this?", sender=(OTHER_BSUID, CARLS_NUMBER)).customer
    assert new != old
    assert AddressMoved(old, new) in desk.told
    assert new == find(desk, CARLS_NUMBER) == find(desk, OTHER_BSUID)
    assert old == find(desk, BSUID)
    assert known_by(desk, old) == ["one"]
    assert desk.consent(old).conversation is Stage.GRANTED
    assert desk.consent(new).conversation is Stage.UNKNOWN


def test_claims_are_dated(desk: "Desk") -> None:
    """Of an address that moved both claims are kept: until when the one, since when the other."""
    old = resolve(desk, BSUID, CARLS_NUMBER)
    began_at, moved_at = desk.now, desk.later(days=1)
    new = resolve(desk, OTHER_BSUID, CARLS_NUMBER)
    record = desk.row(ADDRESS.of(ACME, *address_of(CARLS_NUMBER).lookup))
    assert [(old, began_at, moved_at), (new, moved_at, None)] == [
        (fact.customer, fact.since_at, fact.until_at) for fact in record.facts
    ]


def changed(desk: "Desk", *former: str, now: Sequence[str], name: str = "") -> CustomerId:
    return desk.do(identity.resolve, tuple(map(address_of, now)), name, tuple(map(address_of, former)))


def test_whoever_changes_his_number_stays_who_he_was(desk: "Desk") -> None:
    """The provider says that the one was the other: the record stays, and the former addresses are nobody's."""
    customer = resolve(desk, BSUID, CARLS_NUMBER)
    began_at, changed_at = desk.now, desk.later(days=1)
    assert customer == changed(desk, BSUID, WA_ID, now=(OTHER_BSUID, "wa:16505559999"))
    assert customer == find(desk, OTHER_BSUID) == find(desk, "+16505559999")
    assert find(desk, BSUID) is find(desk, CARLS_NUMBER) is None
    assert known_by(desk, customer) == ["two", "16505559999"]
    facts = desk.row(ADDRESS.of(ACME, *address_of(BSUID).lookup)).facts
    assert [(customer, began_at, changed_at)] == [(fact.customer, fact.since_at, fact.until_at) for fact in facts]


def test_a_change_is_understood_without_any_number(desk: "Desk") -> None:
    customer = resolve(desk, BSUID)
    assert customer == changed(desk, BSUID, now=(OTHER_BSUID,))
    assert customer == find(desk, OTHER_BSUID)
    assert find(desk, BSUID) is None


def test_who_wrote_under_the_new_id_before_the_change_was_told_is_the_same(desk: "Desk") -> None:
    """Webhooks come in any order."""
    old, new = resolve(desk, BSUID, CARLS_NUMBER), resolve(desk, OTHER_BSUID)
    assert old == changed(desk, BSUID, now=(OTHER_BSUID,))
    assert CustomersMerged(new, old) in desk.told
    assert old == find(desk, OTHER_BSUID)


def test_a_former_number_that_is_somebody_elses_by_now_stays_his(desk: "Desk") -> None:
    old = resolve(desk, BSUID, CARLS_NUMBER)
    new_owner = resolve(desk, "bsuid:three", CARLS_NUMBER)
    assert old == changed(desk, BSUID, CARLS_NUMBER, now=(OTHER_BSUID, "+16505559999"))
    assert new_owner == find(desk, CARLS_NUMBER) == find(desk, "bsuid:three")


def test_a_change_of_somebody_unknown_is_somebody_new(desk: "Desk") -> None:
    customer = changed(desk, BSUID, now=(OTHER_BSUID,), name="Carl")
    assert (CustomerSeen(customer),) == desk.told
    assert find(desk, BSUID) is None


def test_a_change_leaves_evidence_and_takes_consent_and_window_along(desk: "Desk") -> None:
    first = desk.receive(ACCEPTED, sender=(BSUID,))
    command = desk.message(IdentityChanged(IdentityChange.USER_ID, "…"), sender=(OTHER_BSUID,), opens_window=False)
    told = evolve(command, item=evolve(command.item, formerly=(address_of(BSUID),)))
    entry = desk.stored(desk.do(receive_message, told))
    assert entry.customer == first.customer
    assert entry.conversation == first.conversation
    assert AddressChanged(first.customer) in desk.told
    assert desk.consent(first.customer).conversation is Stage.GRANTED
    seen = desk.evidence(first.customer)[-1]
    assert seen.signal is Signal.ADDRESS_CHANGED
    assert seen.personal is not None
    assert seen.personal.address == "one"


def test_an_address_that_comes_back_keeps_its_history(desk: "Desk") -> None:
    """A number that moves there and back has three claims, and only the last is open."""
    one = resolve(desk, BSUID, CARLS_NUMBER)
    resolve(desk, OTHER_BSUID, CARLS_NUMBER)
    assert one == resolve(desk, BSUID, CARLS_NUMBER)
    facts = desk.row(ADDRESS.of(ACME, *address_of(CARLS_NUMBER).lookup)).facts
    assert [fact.until_at is None for fact in facts] == [False, False, True]
    assert one == find(desk, CARLS_NUMBER)


def test_a_bsuid_of_another_portfolio_contradicts_nothing(desk: "Desk") -> None:
    """It says nothing about the one that is known: the same person has one in each."""
    customer = resolve(desk, BSUID, CARLS_NUMBER)
    elsewhere = address_of(OTHER_BSUID, "portfolio-2")
    assert customer == desk.do(identity.resolve, (elsewhere, address_of(CARLS_NUMBER)))


def test_a_parent_bsuid_is_noted_and_finds_nobody(desk: "Desk") -> None:
    """It is shared across portfolios: worth keeping, and no proof of who somebody is."""
    customer = resolve(desk, BSUID, "parent:family")
    assert [a.kind for a in desk.customer(customer).addresses] == [AddressKind.BSUID, AddressKind.PARENT_BSUID]
    assert find(desk, "parent:family") is None
    assert customer != resolve(desk, OTHER_BSUID, "parent:family")
    resolve(desk, BSUID, "parent:family")
    assert desk.change is not None
    assert desk.change.is_empty


# --- one person in two records ----------------------------------------------------------------------------------------


def test_a_pair_in_one_payload_merges_two_records(desk: "Desk") -> None:
    """The record of the BSUID survives; the other points at it, and is found through it by every address."""
    by_number, by_bsuid = resolve(desk, CARLS_NUMBER, name="Carl"), resolve(desk, BSUID)
    resolve(desk, BSUID, CARLS_NUMBER)
    assert (CustomersMerged(by_number, by_bsuid),) == desk.told
    assert by_bsuid == desk.customer(by_number).merged_into
    assert by_bsuid == find(desk, CARLS_NUMBER) == find(desk, WA_ID)
    assert known_by(desk, by_bsuid) == ["one", CARLS_NUMBER]
    assert desk.customer(by_bsuid).name == "Carl"


def test_the_survivor_is_found_through_any_number_of_merges(desk: "Desk") -> None:
    """A record that was merged into one that was merged later leads to the last of them, by its own old address, too."""
    first = resolve(desk, "+16505550001")
    second = resolve(desk, "bsuid:two")
    resolve(desk, "bsuid:two", "+16505550001")
    resolve(desk, "bsuid:two", "wa:16505550009")
    third = desk.do(identity.resolve, (address_of("bsuid:three", "portfolio-2"),))
    desk.do(identity.resolve, (address_of("bsuid:three", "portfolio-2"), address_of("bsuid:two")))
    last = desk.do(identity.survivor, first)
    assert last == desk.do(identity.survivor, second) == desk.do(identity.survivor, third)
    assert desk.customer(last).merged_into is None
    assert last == find(desk, "+16505550001") == find(desk, "wa:16505550009")


# --- what the provider says of the person whom a message reached -------------------------------------------------------


def test_an_answer_teaches_addresses(desk: "Desk") -> None:
    """Whom the provider names in its answer is the one to whom the message went."""
    thread = desk.granted()
    message = desk.send(thread)
    desk.deliver(message, Accepted(ProviderId("out-1"), (address_of(CARLS_NUMBER), address_of(BSUID))))
    assert message.customer == desk.holder(BSUID)


def test_an_answer_merges_whoever_was_known_by_its_address(desk: "Desk") -> None:
    """What two records refused or granted is then judged together: a STOP from the number's other spelling counts."""
    thread = desk.granted()
    other = desk.receive("STOP", sender=("wa:5215550001",)).customer
    message = desk.send(thread)
    desk.deliver(message, Accepted(ProviderId("out-1"), (address_of("wa:5215550001"),)))
    assert CustomersMerged(other, message.customer) in desk.told
    assert desk.consent(message.customer).conversation is Stage.REVOKED


def test_a_report_that_names_another_bsuid_shows_that_the_number_has_changed_hands(desk: "Desk") -> None:
    """The number moves to a person of its own; the grant of the one whom the message was for does not go with it."""
    thread = desk.granted()
    customer = desk.thread(thread).customer
    desk.receive("Hello", sender=(BSUID, CARLS_NUMBER))
    message = desk.deliver(desk.send(thread))
    desk.report(Report.DELIVERED, message, recipient=sender(OTHER_BSUID, CARLS_NUMBER))
    stranger = find(desk, CARLS_NUMBER)
    assert stranger is not None
    assert stranger == find(desk, OTHER_BSUID) != customer == find(desk, BSUID)
    assert desk.consent(stranger).conversation is Stage.UNKNOWN
    assert [entry.signal for entry in desk.evidence(customer)] == [Signal.ASKED, Signal.YES]


def test_an_answer_that_names_nobody_teaches_nothing(desk: "Desk") -> None:
    thread = desk.granted()
    message = desk.send(thread)
    before = desk.customer(message.customer)
    desk.deliver(message, Accepted(ProviderId("out-1")))
    assert before == desk.customer(message.customer)


@pytest.mark.parametrize("addresses", [(BSUID, CARLS_NUMBER), (CARLS_NUMBER, BSUID)])
def test_the_order_of_a_payload_means_nothing(desk: "Desk", addresses: tuple[str, str]) -> None:
    """Addresses are asked with BSUIDs first, in whatever order they stand."""
    resolve(desk, CARLS_NUMBER)
    by_bsuid = resolve(desk, BSUID)
    assert by_bsuid == find(desk, *addresses) == resolve(desk, *addresses)


def sender(*addresses: str) -> Sender:
    return Sender(tuple(map(address_of, addresses)))
