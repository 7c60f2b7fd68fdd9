"""Evidence is appended, chained and folded; in whatever order it comes, the consent is the fold of all of it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wa_connector.decide.consenting import Moved, Witness, record
from wa_connector.evidence.fold import fold
from wa_connector.evidence.ledger import source_of, verify
from wa_connector.model.consent import ChannelConsent, Purpose, Signal, Stage
from wa_connector.model.event import ConsentChanged
from wa_connector.model.ids import CustomerId
from wa_connector.model.setting import RevocationScope
from wa_connector.testing.host import ANA

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

CARL = CustomerId("carl")


def witness(desk: "Desk", signal: Signal, minutes: int = 0, **more: Any) -> Moved:
    seen = Witness(
        signal, desk.now + timedelta(minutes=minutes), **{"cause": f"cause {signal.value} {minutes}", **more}
    )
    return desk.do(record, desk.ground(), CARL, seen)


@pytest.mark.parametrize("scope", RevocationScope)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(history=st.lists(st.tuples(st.sampled_from(Signal), st.integers(0, 5)), max_size=9))
def test_any_history_folds_and_verifies(
    make_desk: Callable[..., "Desk"], scope: RevocationScope, history: list[tuple[Signal, int]]
) -> None:
    """After any evidence in any order: the chain holds to its head, and what is stored is the fold of all entries."""
    desk = make_desk({"revocation_scope": scope})
    for place, (signal, minutes) in enumerate(history):
        witness(desk, signal, minutes, cause=f"cause {place}")
    entries, kept = desk.evidence(CARL), desk.consents(CARL)
    assert len(history) == kept.length == len(entries)
    assert verify(entries, kept.length, kept.head) is None
    assert fold(entries) == kept.channels


def test_an_entry_says_who_saw_what_and_when(desk: "Desk") -> None:
    """When it happened and when it was recorded, what was asked for and how, and what identifies the person apart."""
    desk.later(minutes=5)
    witness(
        desk,
        Signal.RECORDED,
        minutes=-5,
        cause="paper 7",
        text="I agree",
        address="+1650",
        purposes=(Purpose.MARKETING,),
        actor=ANA,
        template="opt_in/en",
        locale="en",
    )
    (entry,) = desk.evidence(CARL)
    assert (desk.now, timedelta(minutes=5)) == (entry.recorded_at, entry.recorded_at - entry.at)
    assert (entry.customer, entry.sequence, entry.channel) == (CARL, 1, "plain")
    assert (entry.signal, entry.purposes, entry.actor) == (Signal.RECORDED, (Purpose.MARKETING,), ANA)
    assert ("opt_in/en", "en", source_of("paper 7")) == (entry.template, entry.locale, entry.source)
    assert entry.personal is not None
    assert (entry.personal.text, entry.personal.address, entry.personal.message) == ("I agree", "+1650", "paper 7")
    assert len(entry.personal.salt) == 32


def test_what_moved_is_told_for_each_purpose(desk: "Desk") -> None:
    """One event a purpose that changed its stage, and none for what stayed."""
    witness(desk, Signal.ASKED)
    assert [ConsentChanged(CARL, "plain", Purpose.CONVERSATION, Stage.ASKED)] == list(desk.told)
    witness(desk, Signal.ASKED, 1)
    assert not list(desk.told)
    witness(desk, Signal.STOP, 2)
    assert {(Purpose.CONVERSATION, Stage.REVOKED), (Purpose.MARKETING, Stage.REVOKED)} == {
        (told.purpose, told.stage) for told in list(desk.told) if isinstance(told, ConsentChanged)
    }


def test_only_a_move_of_conversation_is_a_change(desk: "Desk") -> None:
    """Notices speak of the conversation; marketing that stops causes none."""
    assert witness(desk, Signal.ACCEPTED).is_changed
    moved = witness(desk, Signal.MARKETING_STOPPED, 1)
    assert not moved.is_changed
    assert (moved.before.marketing, moved.after.marketing) == (Stage.UNKNOWN, Stage.REVOKED)


def test_a_late_event_refolds_all_evidence(desk: "Desk") -> None:
    """A "no" that comes before the request it answers is known is an answer once the request has its place."""
    assert witness(desk, Signal.NO, 10).after == ChannelConsent()
    assert witness(desk, Signal.ASKED, 5).after.conversation is Stage.DECLINED


def test_at_the_same_second_the_safer_wins(desk: "Desk") -> None:
    """STOP and YES of one second are a STOP, in whatever order they come."""
    witness(desk, Signal.ASKED, -1)
    witness(desk, Signal.STOP)
    assert witness(desk, Signal.YES).after.conversation is Stage.REVOKED


@pytest.mark.parametrize(
    ("configured", "elsewhere"),
    [({}, Stage.UNKNOWN), ({"revocation_scope": RevocationScope.ALL}, Stage.REVOKED)],
    ids=["channel", "all"],
)
def test_the_scope_of_a_stop_is_a_setting(
    make_desk: Callable[..., "Desk"], configured: Mapping[str, object], elsewhere: Stage
) -> None:
    """A STOP revokes its own channel, or every one, those on which the customer was not met yet included."""
    desk = make_desk(configured)
    witness(desk, Signal.STOP)
    assert desk.consent(CARL).conversation is Stage.REVOKED
    assert desk.consent(CARL, "another").conversation is elsewhere
