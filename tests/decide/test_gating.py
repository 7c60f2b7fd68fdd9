"""The gate of a line: its time is given away once, and a line that was stopped is tried by one at a time."""

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from wa_connector.decide.gating import (
    Probe,
    Resume,
    TakeShare,
    probe_wait,
    resume,
    stop_line,
    take_probe,
    take_share,
)
from wa_connector.model.event import LineResumed, LineStopped
from wa_connector.model.ids import LineId, ProviderId
from wa_connector.model.outbound import Accepted, AccountStopped
from wa_connector.model.queue import Gate, LineStop
from wa_connector.policy.limits import AHEAD, Share, portions
from wa_connector.ports.rows import GATE
from wa_connector.testing.host import ACME, LINE

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

PACE = portions(80)


def stop_of(desk: "Desk") -> LineStop | None:
    gate: Gate = desk.row(GATE.of(ACME, LINE))
    return gate.stop


def test_shares_follow_each_other(desk: "Desk") -> None:
    """Whoever asks next gets what comes next."""
    one, other = (desk.do(take_share, TakeShare(LINE, PACE)) for _ in range(2))
    assert isinstance(one, Share)
    assert isinstance(other, Share)
    assert (desk.now, one.until_at) == (one.from_at, other.from_at)


def test_when_all_of_the_near_future_is_given_away_one_waits(desk: "Desk") -> None:
    """And nothing is written."""
    while isinstance(share := desk.do(take_share, TakeShare(LINE, PACE)), Share):
        assert share.from_at <= desk.now + AHEAD
    assert desk.now < share <= desk.now + AHEAD
    assert desk.change is not None
    assert desk.change.is_empty


def test_a_stop_is_told_once_for_each_reason(desk: "Desk") -> None:
    """Messages that were under way bring the same news, and move nothing."""
    probe_at = desk.do(stop_line, LINE, "190")
    assert list(desk.told) == [LineStopped(LINE, "190")]
    assert probe_at == desk.now + probe_wait(LINE, 0)
    assert desk.do(stop_line, LINE, "190") == probe_at
    assert list(desk.told) == []
    desk.do(stop_line, LINE, "131042")
    assert list(desk.told) == [LineStopped(LINE, "131042")]


def test_one_at_a_time_tries_a_stopped_line(desk: "Desk") -> None:
    """Later each time; the others wait until it is the next one's turn."""
    assert desk.do(take_probe, Probe(LINE)) is None
    probe_at = desk.do(stop_line, LINE, "190")
    assert desk.do(take_probe, Probe(LINE)) == probe_at
    waits = []
    for _ in range(3):
        desk.host.clock.advance(probe_at - desk.now)
        assert desk.do(take_probe, Probe(LINE)) is None
        again = desk.do(take_probe, Probe(LINE))
        assert again is not None
        waits.append(again - desk.now)
        assert desk.do(stop_line, LINE, "190") == again
        probe_at = again
    assert [probe_wait(LINE, probes) for probes in (1, 2, 3)] == waits


def test_a_stop_that_goes_on_after_a_probe_is_no_news(desk: "Desk") -> None:
    """A probe that is answered after the next one was due: the line is still stopped, since the same moment."""
    began_at = desk.now
    probe_at = desk.do(stop_line, LINE, "190")
    desk.host.clock.advance(probe_at - desk.now)
    assert desk.do(stop_line, LINE, "190") > desk.now
    assert list(desk.told) == []
    stop = stop_of(desk)
    assert stop is not None
    assert began_at == stop.since_at


def test_a_line_is_resumed_once(desk: "Desk") -> None:
    desk.do(stop_line, LINE, "190")
    assert desk.do(resume, Resume(LINE))
    assert list(desk.told) == [LineResumed(LINE)]
    assert stop_of(desk) is None
    assert not desk.do(resume, Resume(LINE))


def test_what_was_under_way_when_a_line_stopped_does_not_let_it_go_on(desk: "Desk") -> None:
    """Only what tried it afterwards does."""
    thread = desk.granted()
    first, second = desk.send(thread, "one"), desk.send(thread, "two")
    for message in (first, second):
        desk.hand_over(message)
    desk.outcome(first, AccountStopped("190", "token expired"))
    desk.outcome(second, Accepted(ProviderId("out-2")))
    assert stop_of(desk) is not None


def test_a_line_that_never_was_stopped_is_not_resumed(desk: "Desk") -> None:
    assert not desk.do(resume, Resume(LINE))


@given(st.text(st.sampled_from("0123456789abcdef"), min_size=1, max_size=32), st.integers(0, 2000))
def test_probing_takes_longer_each_time(line: str, probes: int) -> None:
    """1, 2, 4 … minutes up to a quarter of an hour, with up to a quarter more, and the same whenever it is asked."""
    wait = probe_wait(LineId(line), probes)
    least = min(timedelta(minutes=1) * 2 ** min(probes, 4), timedelta(minutes=15))
    assert least <= wait < least * 1.25
    assert timedelta(0) < wait
