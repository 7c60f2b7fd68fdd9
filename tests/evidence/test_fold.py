"""Evidence folds to the same consent whatever the order in which it arrived."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.evidence.fold import fold, folding_key, is_late, recorded
from wa_connector.model.consent import (
    EVERY_CHANNEL,
    NO_CONSENT,
    NO_EVIDENCE,
    ChannelConsent,
    ConsentRecord,
    Evidence,
    Personal,
    Purpose,
    Signal,
    Stage,
)
from wa_connector.model.ids import CustomerId
from wa_connector.policy.consent import step
from wa_connector.testing.strategies import CHANNELS, MICROSECOND, NOW, chained, histories

quick = settings(max_examples=80, deadline=None)
SECOND = timedelta(seconds=1)
BOTH = (Purpose.CONVERSATION, Purpose.MARKETING)


def seen(
    signal: Signal, at: datetime = NOW, channel: str = "whatsapp", *, source: str = "", everywhere: bool = False
) -> Evidence:
    return Evidence(
        CustomerId("customer-1"),
        1,
        at,
        at,
        channel,
        signal,
        BOTH,
        source or signal.value,
        every_channel=everywhere,
        personal=Personal("salt"),
    )


def whatsapp(*entries: Evidence) -> ChannelConsent:
    return ConsentRecord(fold(entries)).on("whatsapp")


def one_by_one(entries: Sequence[Evidence]) -> ConsentRecord:
    """The record after each entry was recorded as it arrived."""
    record = NO_EVIDENCE
    chain = chained(entries)
    for number, entry in enumerate(chain):
        record = recorded(record, entry, chain[:number])
    return record


# --- independent of arrival -------------------------------------------------------------------------------------------


@quick
@given(st.data(), histories())
def test_entries_in_any_order_give_the_same_consent(data: st.DataObject, history: list[Evidence]) -> None:
    assert fold(history) == fold(data.draw(st.permutations(history)))


@quick
@given(st.data(), histories())
def test_entries_recorded_in_any_order_give_the_same_consent_as_a_fold_of_all(
    data: st.DataObject, history: list[Evidence]
) -> None:
    """A late one too, for which all are folded again."""
    record = one_by_one(data.draw(st.permutations(history)))
    assert fold(history) == record.channels
    assert max(map(folding_key, history), default=NO_EVIDENCE.last_key) == record.last_key


@quick
@given(histories())
def test_the_same_entries_again_change_nothing_once_they_are_taken_out(history: list[Evidence]) -> None:
    """A webhook that comes twice is told by its source."""
    twice = [*history, *history]
    assert fold(history) == fold({entry.source: entry for entry in twice}.values())


@quick
@given(histories(min_size=1))
def test_a_record_names_the_end_of_its_chain(history: list[Evidence]) -> None:
    record = one_by_one(history)
    assert (len(history), chained(history)[-1].digest) == (record.length, record.head)


def test_earlier_entries_are_read_only_for_a_late_one() -> None:
    """They are the costly part: most entries are one step on top."""

    class Unread(Sequence[Evidence]):
        def __len__(self) -> int:
            raise AssertionError("read in vain")

        def __getitem__(self, index: object) -> Evidence:  # type: ignore[override]
            raise AssertionError("read in vain")

    record = recorded(NO_EVIDENCE, seen(Signal.ASKED), Unread())
    answer = seen(Signal.YES, NOW + SECOND)
    assert not is_late(record, answer)
    assert not is_late(record, seen(Signal.ASKED)), "one of the same place is folded on top, too"
    assert Stage.GRANTED is recorded(record, answer, Unread()).on("whatsapp").conversation
    late = seen(Signal.STOP, NOW - SECOND)
    assert is_late(record, late)
    with pytest.raises(AssertionError, match="read in vain"):
        recorded(record, late, Unread())


def test_a_late_no_is_read_against_what_was_asked_as_of_its_own_time() -> None:
    asked, granted = seen(Signal.ASKED), seen(Signal.YES, NOW + 9 * SECOND)
    in_between, before = seen(Signal.NO, NOW + SECOND), seen(Signal.NO, NOW - SECOND)
    assert Stage.GRANTED is whatsapp(asked, granted, before).conversation
    assert Stage.GRANTED is whatsapp(asked, granted, in_between).conversation
    assert Stage.DECLINED is whatsapp(asked, in_between).conversation
    assert Stage.ASKED is whatsapp(asked, before).conversation


# --- equal seconds ----------------------------------------------------------------------------------------------------

YESES = (Signal.YES, Signal.START, Signal.ACCEPTED, Signal.RECORDED, Signal.RESTORED)
NOES = {Signal.NO: Stage.DECLINED, Signal.DECLINED: Stage.DECLINED, Signal.STOP: Stage.REVOKED}


@pytest.mark.parametrize("micros", [(0, 0), (0, 999_999), (999_999, 0)], ids=str)
@pytest.mark.parametrize("no", NOES)
@pytest.mark.parametrize("yes", YESES)
def test_of_a_yes_and_a_no_within_one_second_the_no_counts(yes: Signal, no: Signal, micros: tuple[int, int]) -> None:
    """Providers tell whole seconds: nobody knows which came first, and the safer is taken."""
    agreed = seen(yes, NOW + micros[0] * MICROSECOND)
    refused = seen(no, NOW + micros[1] * MICROSECOND)
    asked = seen(Signal.ASKED, NOW - SECOND)
    for entries in ((asked, agreed, refused), (asked, refused, agreed), (refused, agreed, asked)):
        assert NOES[no] is whatsapp(*entries).conversation
        assert whatsapp(*entries) == one_by_one(entries).on("whatsapp")


def test_an_answer_in_the_second_of_the_question_is_an_answer() -> None:
    assert Stage.GRANTED is whatsapp(seen(Signal.YES), seen(Signal.ASKED)).conversation
    assert Stage.DECLINED is whatsapp(seen(Signal.NO), seen(Signal.ASKED)).conversation


def test_a_second_later_a_no_is_a_message_like_any_other() -> None:
    asked, granted = seen(Signal.ASKED), seen(Signal.YES, NOW + SECOND)
    assert Stage.GRANTED is whatsapp(asked, granted, seen(Signal.NO, NOW + 2 * SECOND)).conversation


@pytest.mark.parametrize("refusal", [Signal.STOP, Signal.MARKETING_STOPPED])
def test_of_two_wishes_about_marketing_within_one_second_the_refusal_counts(refusal: Signal) -> None:
    entries = (seen(refusal), seen(Signal.MARKETING_RESUMED))
    assert Stage.REVOKED is whatsapp(*entries).marketing


def test_entries_fold_by_second_then_by_safety_then_by_source() -> None:
    ordered = [
        seen(Signal.STOP, NOW - MICROSECOND),
        seen(Signal.YES, NOW + 2 * MICROSECOND, source="a"),
        seen(Signal.YES, NOW + MICROSECOND, source="b"),
        seen(Signal.STOP, NOW),
        seen(Signal.ASKED, NOW + SECOND),
    ]
    assert ordered == sorted(ordered, key=folding_key)


def test_the_signals_stand_in_the_order_of_their_safety() -> None:
    """What the machine would grant by stands before what it refuses by, and a request before its answers."""
    order = list(Signal)
    refusals = [order.index(signal) for signal in (*NOES, Signal.MARKETING_STOPPED)]
    grants = [order.index(signal) for signal in (*YESES, Signal.MARKETING_RESUMED)]
    assert order.index(Signal.ASKED) < min(grants)
    assert max(grants) < min(refusals)
    assert order.index(Signal.STOP) == max(refusals)


# --- channels ---------------------------------------------------------------------------------------------------------


def naive(history: Sequence[Evidence], channel: str) -> ChannelConsent:
    """One channel by itself: its own entries, and those that speak of every channel."""
    consent = NO_CONSENT
    for entry in sorted(history, key=folding_key):
        if entry.channel == channel or entry.every_channel:
            at_once = (
                entry.signal is Signal.NO
                and consent.conversation is Stage.GRANTED
                and (
                    consent.changed_at is not None
                    and consent.changed_at.replace(microsecond=0) == entry.at.replace(microsecond=0)
                )
            )
            consent = step(consent, Signal.DECLINED if at_once else entry.signal, entry.at, entry.purposes)
    return consent


@quick
@given(histories(max_size=9), st.sampled_from((*CHANNELS, "never met")))
def test_each_channel_folds_its_own_entries_and_those_that_speak_of_all(history: list[Evidence], channel: str) -> None:
    assert naive(history, channel) == ConsentRecord(fold(history)).on(channel)


@quick
@given(histories(max_size=4))
def test_a_stop_on_one_channel_leaves_the_others(history: list[Evidence]) -> None:
    later = [*history, seen(Signal.STOP, NOW + 99 * SECOND)]
    before, after = ConsentRecord(fold(history)), ConsentRecord(fold(later))
    assert Stage.REVOKED is after.on("whatsapp").conversation
    for channel in ("sms", "voicemail", "never met"):
        assert before.on(channel) == after.on(channel)


@quick
@given(st.data(), histories(max_size=4))
def test_a_stop_for_all_revokes_every_channel_those_included_that_are_met_later(
    data: st.DataObject, history: list[Evidence]
) -> None:
    stop = seen(Signal.STOP, NOW + 99 * SECOND, everywhere=True)
    record = one_by_one(data.draw(st.permutations([*history, stop])))
    for channel in (*CHANNELS, "never met"):
        assert (record.on(channel).conversation, record.on(channel).marketing) == (Stage.REVOKED, Stage.REVOKED)


def test_who_comes_back_after_a_stop_for_all_comes_back_on_that_channel_alone() -> None:
    stop, start = seen(Signal.STOP, everywhere=True), seen(Signal.START, NOW + SECOND, "sms")
    record = one_by_one([stop, start])
    stages: Mapping[str, Stage] = {name: record.on(name).conversation for name in ("sms", "whatsapp", "never met")}
    assert stages == {"sms": Stage.GRANTED, "whatsapp": Stage.REVOKED, "never met": Stage.REVOKED}
    assert Stage.REVOKED is record.on("sms").marketing
    assert EVERY_CHANNEL in record.channels


def test_the_scope_of_a_stop_is_the_setting_as_it_was_then() -> None:
    """It stands in the entry, so that a later change of the setting changes no verdict on the past."""
    narrow, wide = seen(Signal.STOP), seen(Signal.STOP, everywhere=True)
    assert Stage.UNKNOWN is ConsentRecord(fold([narrow])).on("sms").conversation
    assert Stage.REVOKED is ConsentRecord(fold([wide])).on("sms").conversation


def test_an_entry_folds_the_same_before_and_after_erasure() -> None:
    entry = seen(Signal.STOP)
    assert fold([entry]) == fold([evolve(entry, personal=None)])
