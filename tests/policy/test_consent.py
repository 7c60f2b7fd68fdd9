"""The consent tables, held against what the product promises to people."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.consent import NO_CONSENT, ChannelConsent, Purpose, Signal, Stage
from wa_connector.policy.consent import CONVERSATION, MARKETING, step
from wa_connector.testing.strategies import NOW, consents, purposes, signals

quick = settings(max_examples=60, deadline=None)
TABLES = {Purpose.CONVERSATION: CONVERSATION, Purpose.MARKETING: MARKETING}
BOTH = (Purpose.CONVERSATION, Purpose.MARKETING)

REFUSED = {Stage.DECLINED, Stage.REVOKED}
NOTES = {
    Signal.DELIVERED,
    Signal.ANSWERED_OTHERWISE,
    Signal.MERGED,
    Signal.ADDRESS_MOVED,
    Signal.ADDRESS_CHANGED,
    Signal.ERASED,
}
"""What is written down and moves nothing."""
OURS = {Signal.ASKED, Signal.RECORDED, Signal.NOT_DELIVERED} | NOTES
"""What the business, or its provider, does."""
THEIRS = set(Signal) - OURS
"""What the customer does; staff may note that he did (``RESTORED``), where the rules let them."""


# --- oracles: the product's text, sentence by sentence ----------------------------------------------------------------


def conversation_after(stage: Stage, signal: Signal) -> Stage:
    match signal:
        case Signal.STOP:  # A customer can revoke at any time.
            return Stage.REVOKED
        case Signal.ACCEPTED:  # The button of a request means yes whenever it is tapped.
            return Stage.GRANTED
        case Signal.DECLINED:  # ... and the other one no; of no and STOP, STOP says more.
            return Stage.REVOKED if stage is Stage.REVOKED else Stage.DECLINED
        case Signal.YES | Signal.START:  # An answer, or coming back; out of the blue a message like any other.
            return stage if stage in {Stage.UNKNOWN, Stage.GRANTED} else Stage.GRANTED
        case Signal.NO:  # An answer to our request, and in a running conversation one to something else.
            return Stage.DECLINED if stage is Stage.ASKED else stage
        case Signal.RECORDED:  # Staff cannot take back what the customer refused.
            return stage if stage in REFUSED else Stage.GRANTED
        case Signal.RESTORED:  # The file shows that the customer himself took his no back.
            return Stage.GRANTED
        case Signal.ASKED:  # To ask changes nothing for who has answered.
            return Stage.ASKED if stage is Stage.UNKNOWN else stage
        case Signal.NOT_DELIVERED:  # Who never saw the request was never asked.
            return Stage.UNKNOWN if stage is Stage.ASKED else stage
        case Signal.MARKETING_STOPPED | Signal.MARKETING_RESUMED:
            return stage
        case _:
            assert signal in NOTES
            return stage


def marketing_after(stage: Stage, signal: Signal) -> Stage:
    match signal:
        case Signal.STOP | Signal.MARKETING_STOPPED:
            return Stage.REVOKED
        case Signal.MARKETING_RESUMED:  # The customer's own preference, in the provider's app.
            return Stage.GRANTED
        case Signal.YES | Signal.START | Signal.ACCEPTED:  # A yes to marketing is one to the question about marketing.
            return Stage.GRANTED if stage is Stage.ASKED else stage
        case Signal.DECLINED:
            return Stage.DECLINED if stage in {Stage.ASKED, Stage.GRANTED} else stage
        case _:
            return conversation_after(stage, signal)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("stage", Stage)
def test_every_move_is_what_the_product_promises(stage: Stage, signal: Signal) -> None:
    assert conversation_after(stage, signal) is CONVERSATION[stage][signal]
    assert marketing_after(stage, signal) is MARKETING[stage][signal]


@pytest.mark.parametrize("purpose", Purpose)
def test_each_table_is_total(purpose: Purpose) -> None:
    table = TABLES[purpose]
    assert set(Stage) == set(table)
    assert [set(Signal)] * len(Stage) == [set(row) for row in table.values()]


# --- the promises, each by itself -------------------------------------------------------------------------------------


def after(consent: ChannelConsent, *seen: Signal, about: tuple[Purpose, ...] = BOTH) -> ChannelConsent:
    return reduce(lambda sofar, signal: step(sofar, signal, NOW, about), seen, consent)


@quick
@given(consents(), purposes())
def test_stop_always_revokes_everything(consent: ChannelConsent, about: tuple[Purpose, ...]) -> None:
    stopped = after(consent, Signal.STOP, about=about)
    assert (stopped.conversation, stopped.marketing) == (Stage.REVOKED, Stage.REVOKED)


@quick
@given(consents(), st.lists(st.sampled_from(sorted(OURS, key=str)), max_size=5), purposes())
def test_only_the_person_himself_undoes_his_own_no(
    consent: ChannelConsent, ours: list[Signal], about: tuple[Purpose, ...]
) -> None:
    later = after(consent, *ours, about=about)
    for purpose in Purpose:
        if consent.stage(purpose) in REFUSED:
            assert consent.stage(purpose) is later.stage(purpose)


@quick
@given(consents(), st.sampled_from((Signal.YES, Signal.START)))
def test_yes_or_start_after_a_refusal_brings_back_the_conversation_and_no_refused_marketing(
    consent: ChannelConsent, signal: Signal
) -> None:
    for refusal in (Signal.STOP, Signal.DECLINED):
        refused = after(consent, refusal)
        back = after(refused, signal)
        assert Stage.GRANTED is back.conversation
        assert refused.marketing is back.marketing


@quick
@given(consents())
def test_marketing_that_was_refused_comes_back_by_its_own_preference_alone(consent: ChannelConsent) -> None:
    stopped = after(consent, Signal.STOP)
    others = sorted(set(Signal) - {Signal.MARKETING_RESUMED, Signal.RESTORED}, key=str)
    assert Stage.REVOKED is after(stopped, *others).marketing
    assert Stage.GRANTED is after(stopped, Signal.MARKETING_RESUMED).marketing
    assert Stage.REVOKED is after(stopped, Signal.MARKETING_RESUMED).conversation


@pytest.mark.parametrize("word", [Signal.YES, Signal.NO, Signal.START, Signal.ANSWERED_OTHERWISE])
def test_a_word_without_a_question_is_a_message_like_any_other(word: Signal) -> None:
    assert after(NO_CONSENT, word) == NO_CONSENT


@pytest.mark.parametrize(("button", "stage"), [(Signal.ACCEPTED, Stage.GRANTED), (Signal.DECLINED, Stage.DECLINED)])
@pytest.mark.parametrize("before", [Stage.UNKNOWN, Stage.ASKED, Stage.GRANTED, Stage.DECLINED])
def test_a_button_means_itself_whenever_it_is_tapped(before: Stage, button: Signal, stage: Stage) -> None:
    assert stage is after(ChannelConsent(conversation=before), button).conversation


def test_a_no_in_a_running_conversation_answers_something_else() -> None:
    granted = ChannelConsent(conversation=Stage.GRANTED)
    assert granted == after(granted, Signal.NO)


# --- what a request is about ------------------------------------------------------------------------------------------


@quick
@given(consents(), st.sampled_from((Signal.ASKED, Signal.RECORDED, Signal.RESTORED)), purposes())
def test_what_was_not_asked_or_recorded_does_not_move(
    consent: ChannelConsent, signal: Signal, about: tuple[Purpose, ...]
) -> None:
    later = after(consent, signal, about=about)
    for purpose in Purpose:
        expected = TABLES[purpose][consent.stage(purpose)][signal] if purpose in about else consent.stage(purpose)
        assert expected is later.stage(purpose)


def test_a_yes_grants_what_was_asked_and_no_more() -> None:
    asked = after(NO_CONSENT, Signal.ASKED, about=(Purpose.CONVERSATION,))
    granted = after(asked, Signal.YES)
    assert (granted.conversation, granted.marketing) == (Stage.GRANTED, Stage.UNKNOWN)
    both = after(NO_CONSENT, Signal.ASKED, Signal.YES, about=BOTH)
    assert (both.conversation, both.marketing) == (Stage.GRANTED, Stage.GRANTED)


# --- what the rules ask about besides ---------------------------------------------------------------------------------

_SEEN = st.lists(st.tuples(signals(), purposes()), max_size=8)


@quick
@given(_SEEN)
def test_the_fold_remembers_the_last_request_and_the_last_move_and_nothing_else(
    seen: list[tuple[Signal, tuple[Purpose, ...]]],
) -> None:
    consent, asked_at, changed_at, about = NO_CONSENT, None, None, NO_CONSENT.asked_purposes
    at: datetime
    for number, (signal, named) in enumerate(seen):
        at = NOW + timedelta(seconds=number)
        before, consent = consent, step(consent, signal, at, named)
        if signal is Signal.ASKED:
            asked_at, about = at, named
        if consent.conversation is not before.conversation:
            changed_at = at
    assert (asked_at, about, changed_at) == (consent.asked_at, consent.asked_purposes, consent.changed_at)


@quick
@given(_SEEN)
def test_a_second_request_after_a_decline_is_remembered_until_an_acceptance(
    seen: list[tuple[Signal, tuple[Purpose, ...]]],
) -> None:
    consent, asked_since = NO_CONSENT, False
    for signal, named in seen:
        asked_since = asked_since or (signal is Signal.ASKED and consent.conversation is Stage.DECLINED)
        consent = step(consent, signal, NOW, named)
        if consent.conversation is Stage.GRANTED:
            asked_since = False
    assert asked_since is consent.asked_since_decline


@quick
@given(consents(), signals(), purposes())
def test_what_moves_nothing_gives_the_very_same_value(
    consent: ChannelConsent, signal: Signal, about: tuple[Purpose, ...]
) -> None:
    later = step(consent, signal, NOW, about)
    is_moved = (consent.conversation, consent.marketing) != (later.conversation, later.marketing)
    is_noted = signal is Signal.ASKED or (signal is Signal.DELIVERED and not consent.was_reached)
    assert (is_moved or is_noted) == (later is not consent)


@quick
@given(consents())
def test_a_request_that_fails_undoes_none_that_arrived(consent: ChannelConsent) -> None:
    reached = step(consent, Signal.DELIVERED, NOW)
    assert reached is step(reached, Signal.NOT_DELIVERED, NOW)


# --- the shape of the machine -----------------------------------------------------------------------------------------


def reachable(table: Mapping[Stage, Mapping[Signal, Stage]], start: Stage, allowed: set[Signal]) -> set[Stage]:
    found, edge = {start}, {start}
    while edge:
        edge = {table[stage][signal] for stage in edge for signal in allowed} - found
        found |= edge
    return found


@pytest.mark.parametrize("stage", Stage)
def test_the_machine_is_cyclic_on_purpose_a_customer_can_always_stop_and_always_come_back(stage: Stage) -> None:
    assert {Stage.GRANTED, Stage.REVOKED} <= reachable(CONVERSATION, stage, THEIRS)


@pytest.mark.parametrize("purpose", Purpose)
def test_who_has_answered_is_never_again_as_if_he_had_not(purpose: Purpose) -> None:
    for stage in (Stage.GRANTED, Stage.DECLINED, Stage.REVOKED):
        assert {Stage.UNKNOWN, Stage.ASKED}.isdisjoint(reachable(TABLES[purpose], stage, set(Signal)))


@pytest.mark.parametrize("purpose", Purpose)
def test_the_business_alone_gets_no_further_than_to_ask_or_to_record(purpose: Purpose) -> None:
    assert {Stage.UNKNOWN, Stage.ASKED, Stage.GRANTED} == reachable(TABLES[purpose], Stage.UNKNOWN, OURS)
    assert {Stage.UNKNOWN, Stage.ASKED} == reachable(TABLES[purpose], Stage.UNKNOWN, OURS - {Signal.RECORDED})
    for stage in REFUSED:
        assert {stage} == reachable(TABLES[purpose], stage, OURS)
