"""The chain: whatever is changed in it is found, and what identifies a person can be taken out of it."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.evidence.ledger import GENESIS, Flaw, commitment_of, digest_of, erased, sealed, source_of, verify
from wa_connector.model.consent import Evidence, Personal, Purpose, Signal
from wa_connector.model.ids import CustomerId, UserId
from wa_connector.testing.strategies import MICROSECOND, NOW, chained, chains, evidence

quick = settings(max_examples=40, deadline=None)

ENTRY = Evidence(
    CustomerId("customer-1"), 1, NOW, NOW, "whatsapp", Signal.STOP, (Purpose.CONVERSATION,), source_of("wamid.1")
)

COMMITMENT = "879631406c8842a1db1591b513d857cb67a5aadf3e336e2a69da93e2a95b617d"
FIRST = "8fc93b50e3f8466af559c1a7693b8855c04caccee8bcfb199e4e43cae202dbbb"
SECOND = "2d6006bd66265a5541388544155ce9d9df7fe500b0946d5f60d5e881f0e31956"

CHANGED: dict[str, Any] = {
    "customer": lambda entry: CustomerId(entry.customer + "x"),
    "sequence": lambda entry: entry.sequence + 1,
    "at": lambda entry: entry.at + MICROSECOND,
    "recorded_at": lambda entry: entry.recorded_at - timedelta(days=1),
    "channel": lambda entry: "sms" if entry.channel != "sms" else "whatsapp",
    "signal": lambda entry: Signal.YES if entry.signal is not Signal.YES else Signal.STOP,
    "purposes": lambda entry: (*entry.purposes, Purpose.MARKETING),
    "source": lambda entry: entry.source[::-1] + "0",
    "actor": lambda entry: UserId("") if entry.actor is None else None,
    "template": lambda entry: entry.template + "/de",
    "locale": lambda entry: entry.locale + "x",
    "method": lambda entry: entry.method + "x",
    "attachment": lambda entry: entry.attachment + "0",
    "every_channel": lambda entry: not entry.every_channel,
    "commitment": lambda entry: entry.commitment[::-1] + "0",
    "previous": lambda entry: entry.previous + "0",
    "digest": lambda entry: entry.digest[::-1] + "0",
    "personal": lambda entry: evolve(entry.personal, text=entry.personal.text + "!"),
}
"""Another value for each field. A field that is added gets its change here, and must be bound by the chain."""


def checked(chain: list[Evidence], recorded: list[Evidence]) -> Flaw | None:
    """The chain against the length and head that were recorded."""
    return verify(chain, len(recorded), recorded[-1].digest if recorded else GENESIS)


def test_a_chain_that_was_written_years_ago_holds() -> None:
    """The form is for ever: who changes what is hashed, or how, breaks every chain that exists. These digests were made
    once, by the words of the format and not by this code."""
    said = Personal("00" * 16, "Stöp", "+4915112345678", "wamid.1")
    at = datetime(2026, 11, 22, 12, 0, 0, 5, UTC)
    head = Evidence(
        CustomerId("c-1"), 1, at, at, "whatsapp", Signal.STOP, (Purpose.CONVERSATION, Purpose.MARKETING), "ab12"
    )
    first = sealed(evolve(head, personal=said, locale="de", every_channel=True), GENESIS)
    assert first.commitment == COMMITMENT
    assert first.digest == FIRST
    second = sealed(
        evolve(head, sequence=2, signal=Signal.RESTORED, actor=UserId("sue"), method="paper", attachment="cd"), FIRST
    )
    assert second.digest == SECOND


@quick
@given(chains())
def test_a_chain_that_nobody_touched_holds(chain: list[Evidence]) -> None:
    assert checked(chain, chain) is None


def test_the_chain_of_nobody_holds() -> None:
    assert verify([], 0, GENESIS) is None


def test_every_field_has_its_change() -> None:
    assert {field.name for field in attrs.fields(Evidence)} == set(CHANGED)


@pytest.mark.parametrize("name", CHANGED)
@settings(max_examples=15, deadline=None)
@given(data=st.data(), chain=chains(min_size=1, max_size=4))
def test_a_change_of_any_field_of_any_entry_is_found_in_its_place(
    name: str, data: st.DataObject, chain: list[Evidence]
) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    forged = [*chain]
    forged[place] = evolve(chain[place], **{name: CHANGED[name](chain[place])})
    flaw = checked(forged, chain)
    assert flaw is not None
    assert place + 1 == flaw.sequence


@pytest.mark.parametrize("name", ["salt", "text", "address", "message"])
@quick
@given(chain=chains(min_size=1, max_size=3))
def test_a_change_of_any_part_of_what_a_person_wrote_is_found(name: str, chain: list[Evidence]) -> None:
    personal = chain[0].personal
    assert personal is not None
    forged = evolve(chain[0], personal=evolve(personal, **{name: getattr(personal, name) + "!"}))
    assert Flaw(1, "the personal part is not the one that was committed to") == checked([forged, *chain[1:]], chain)


def test_no_words_can_be_put_into_the_mouth_of_who_said_nothing() -> None:
    entry = sealed(evolve(ENTRY, personal=None), GENESIS)
    assert entry.commitment == ""
    forged = evolve(entry, personal=Personal("salt", "yes"))
    assert checked([entry], [entry]) is None
    assert checked([forged], [entry]) is not None


@quick
@given(st.data(), chains(min_size=1))
def test_an_entry_that_is_removed_is_missed(data: st.DataObject, chain: list[Evidence]) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    assert checked(chain[:place] + chain[place + 1 :], chain) is not None


@quick
@given(st.data(), chains(min_size=1))
def test_a_chain_that_is_cut_off_is_too_short(data: st.DataObject, chain: list[Evidence]) -> None:
    kept = data.draw(st.integers(0, len(chain) - 1))
    assert Flaw(kept, "the chain does not end where its head says") == checked(chain[:kept], chain)


@quick
@given(st.data(), chains(min_size=2))
def test_entries_in_another_order_are_out_of_place(data: st.DataObject, chain: list[Evidence]) -> None:
    shuffled = data.draw(st.permutations(chain))
    assert (shuffled == chain) == (checked(shuffled, chain) is None)


@quick
@given(st.data(), chains(), evidence())
def test_an_entry_that_is_put_in_does_not_fit(data: st.DataObject, chain: list[Evidence], extra: Evidence) -> None:
    place = data.draw(st.integers(0, len(chain)))
    before = chain[place - 1].digest if place else GENESIS
    put_in = sealed(evolve(extra, sequence=place + 1), before)
    assert checked([*chain[:place], put_in, *chain[place:]], chain) is not None


@quick
@given(st.data(), chains(min_size=1))
def test_a_chain_that_is_written_anew_does_not_end_at_the_recorded_head(
    data: st.DataObject, chain: list[Evidence]
) -> None:
    """Who changes an entry and seals all that follow has a chain that holds in itself."""
    place = data.draw(st.integers(0, len(chain) - 1))
    forged = [*chain]
    forged[place] = evolve(chain[place], signal=CHANGED["signal"](chain[place]))
    anew = chained(forged)
    assert checked(anew, anew) is None
    assert Flaw(len(chain), "the chain does not end where its head says") == checked(anew, chain)


# --- erasure ----------------------------------------------------------------------------------------------------------


@quick
@given(st.data(), chains())
def test_a_chain_holds_when_any_entries_are_erased(data: st.DataObject, chain: list[Evidence]) -> None:
    partly = [erased(entry) if data.draw(st.booleans()) else entry for entry in chain]
    assert checked(partly, chain) is None
    assert checked([erased(entry) for entry in chain], chain) is None


@quick
@given(chains(min_size=1, max_size=1))
def test_after_erasure_nothing_tells_who_it_was_or_what_he_wrote(chain: list[Evidence]) -> None:
    (entry,) = chain
    personal = entry.personal
    assert personal is not None
    left = json.dumps({k: str(v) for k, v in attrs.asdict(erased(entry)).items()}, ensure_ascii=False)
    for secret in (personal.salt, personal.address, personal.message):
        assert secret not in left
    # Who guesses the text cannot check the guess without the salt, nor without knowing it by any plain digest.
    for guess in (personal.text, personal.address, json.dumps([personal.text]), personal.message):
        assert hashlib.sha256(guess.encode()).hexdigest() not in left
    assert commitment_of(evolve(personal, salt="")) != entry.commitment


@quick
@given(st.text(min_size=1), st.text(min_size=1))
def test_the_salt_hides_that_two_people_wrote_the_same(one: str, other: str) -> None:
    same = commitment_of(Personal(one, "STOP", "+4930")) == commitment_of(Personal(other, "STOP", "+4930"))
    assert same is (one == other)


def test_the_parts_of_a_commitment_cannot_be_shifted() -> None:
    assert commitment_of(Personal("s", "ab", "c")) != commitment_of(Personal("s", "a", "bc"))


# --- digests ----------------------------------------------------------------------------------------------------------


@quick
@given(evidence())
def test_a_digest_depends_on_what_is_said_and_not_on_when_it_is_made(entry: Evidence) -> None:
    assert digest_of(entry) == digest_of(evolve(entry))
    assert digest_of(entry) == digest_of(erased(entry))
    assert len(sealed(entry, GENESIS).digest) == 64


@quick
@given(st.text(), st.text())
def test_a_source_stands_for_an_id_without_telling_it(one: str, other: str) -> None:
    assert (one == other) == (source_of(one) == source_of(other))
    assert len(source_of(one)) == 16
    assert one not in source_of(one) or len(one) < 3


def test_a_source_can_be_made_of_whatever_a_provider_sends() -> None:
    assert len(source_of("\ud800")) == 16
    assert source_of("wamid.1") == hashlib.sha256(b"wamid.1").hexdigest()[:16]
