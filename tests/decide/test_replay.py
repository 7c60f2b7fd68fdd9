"""What another policy would have done."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from wa_connector.decide.replay import (
    Attempted,
    Called,
    Chronicle,
    Fact,
    PolicyChanged,
    Seen,
    Sent,
    WindowRefused,
    Wrote,
    replay,
)
from wa_connector.model.consent import Signal
from wa_connector.model.content import Text, Unsupported
from wa_connector.model.decision import Reason
from wa_connector.model.ids import LineId
from wa_connector.model.setting import Settings
from wa_connector.model.window import WindowRule
from wa_connector.policy.action import AskConsent, Write
from wa_connector.testing.host import NOON, PLAIN

LINE = LineId("line")
START = Chronicle(PLAIN)
HOUR = timedelta(hours=1)


def verdict(*history: Fact, at: timedelta = HOUR, start: Chronicle = START) -> Reason:
    ((_, decision),) = replay([*history, Attempted(NOON + at, LINE, Write(Text("Hello")))], start)
    return decision.reason


def wrote(text: str, at: timedelta = timedelta(0), source: str = "") -> Wrote:
    return Wrote(NOON + at, LINE, Text(text), source or f"{text} {at}")


def test_each_attempt_is_judged_on_what_was_known_then() -> None:
    ask = Attempted(NOON, LINE, Write())
    verdicts = replay([ask, wrote("Hello"), ask, wrote("STOP"), ask], START)
    assert [d.reason for _, d in verdicts] == [Reason.CONSENT_NOT_ASKED, Reason.ALLOWED, Reason.CONSENT_REVOKED]


def test_another_policy_may_be_tried() -> None:
    strict = Chronicle(PLAIN, Settings(answer_inbound=False))
    assert Reason.ALLOWED is verdict(wrote("Hello"))
    assert Reason.CONSENT_NOT_ASKED is verdict(wrote("Hello"), start=strict)
    assert Reason.CONSENT_NOT_ASKED is verdict(wrote("Hello"), PolicyChanged(Settings(answer_inbound=False)))


def test_a_call_opens_the_window_as_a_message_does() -> None:
    assert Reason.ALLOWED is verdict(Called(NOON, LINE))


def test_a_message_of_ours_does_under_one_rule_only() -> None:
    granted = Seen(NOON, Signal.RECORDED, "paper")
    any_message = Chronicle(PLAIN, Settings(window_rule=WindowRule.ANY_MESSAGE))
    assert Reason.WINDOW_CLOSED is verdict(granted, Sent(NOON, LINE))
    assert Reason.ALLOWED is verdict(granted, Sent(NOON, LINE), start=any_message)


def test_a_refusal_closes_it_until_the_next_sign_of_life() -> None:
    granted = Seen(NOON, Signal.RECORDED, "paper")
    refused = WindowRefused(NOON + HOUR, LINE)
    assert Reason.WINDOW_CLOSED is verdict(granted, wrote("Hello"), refused, at=2 * HOUR)
    again = wrote("Hello again", 2 * HOUR)
    assert Reason.ALLOWED is verdict(granted, wrote("Hello"), refused, again, at=3 * HOUR)


def test_what_does_not_open_the_window_is_read_all_the_same() -> None:
    silent = Wrote(NOON, LINE, Unsupported("poll"), "in-1", opens_window=False)
    assert Reason.CONSENT_NOT_ASKED is verdict(silent)
    assert Reason.CONSENT_REVOKED is verdict(Wrote(NOON, LINE, Text("STOP"), "in-2", opens_window=False))


def test_windows_are_a_lines_own() -> None:
    history: list[Fact | Attempted] = [wrote("Hello"), Attempted(NOON, LineId("other"), Write())]
    assert [decision.reason for _, decision in replay(history, START)] == [Reason.CONSENT_NOT_ASKED]


def test_first_contact_asks_for_the_contact() -> None:
    ask = AskConsent()
    history = [Attempted(NOON, LINE, ask, is_contact=False), Attempted(NOON, LINE, ask, is_contact=True)]
    assert [decision.reason for _, decision in replay(history, START)] == [Reason.NOT_A_CONTACT, Reason.ALLOWED]


FACTS = st.lists(
    st.one_of(
        st.builds(wrote, st.sampled_from(["yes", "no", "STOP", "START", "hello"]), st.sampled_from([0 * HOUR, HOUR])),
        st.builds(
            lambda signal, at: Seen(NOON + at, signal, f"{signal} {at}"),
            st.sampled_from([Signal.ASKED, Signal.RECORDED]),
            st.sampled_from([0 * HOUR, HOUR]),
        ),
        st.builds(lambda at: Sent(NOON + at, LINE), st.sampled_from([0 * HOUR, HOUR])),
        st.builds(lambda at: WindowRefused(NOON + at, LINE), st.sampled_from([0 * HOUR, HOUR])),
    ),
    max_size=6,
)


@given(FACTS, st.data())
def test_the_order_in_which_things_become_known_does_not_matter_in_the_end(
    history: list[Fact], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(history))
    assert end(history) == end(shuffled) == end([*history, *history])


def end(history: list[Fact]) -> tuple[object, object]:
    chronicle = START
    for fact in history:
        chronicle = chronicle.after(fact)
    return chronicle.consent.on("plain"), chronicle.windows
