"""Whatever happens, in whatever order it becomes known: the engine and the oracle say the same."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.decide.replay import Attempted, Chronicle, Fact, replay
from wa_connector.model.capability import Capabilities
from wa_connector.model.directory import ChannelSwitch, Organization, Seat, User
from wa_connector.model.ids import LineId, OrganizationId, TenantId, UserId
from wa_connector.model.setting import Settings
from wa_connector.policy.enablement import enablement
from wa_connector.testing import oracle as oracle_module
from wa_connector.testing.agreement import (
    CHANNEL,
    QUESTIONS,
    answers,
    expected,
    fact_of,
    replayed,
    staff_answers,
    staff_expected,
)
from wa_connector.testing.histories import LINES, policies, spans, stories
from wa_connector.testing.oracle import Oracle, is_enabled
from wa_connector.testing.story import Happened
from wa_connector.testing.strategies import NOW, SMS


def test_the_oracle_shares_nothing_with_the_engine() -> None:
    """It imports values of the model, and of its own package what imports nothing else either."""
    allowed = ("wa_connector.model", "wa_connector.testing.story")
    folder = Path(oracle_module.__file__ or "").parent
    for file in ("oracle.py", "story.py"):
        tree = ast.parse((folder / file).read_text(encoding="utf-8"))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        modules += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
        assert [m for m in modules if m.startswith("wa_connector") and not m.startswith(allowed)] == []


def agree(story: tuple[Happened, ...], policy: Settings, later: timedelta, capabilities: Capabilities) -> None:
    start = Chronicle(capabilities, policy)
    oracle = Oracle((), capabilities.asks_opt_in, capabilities.window, policy=policy)
    chronicle, known = replayed(story, start), oracle.after(*story)
    now = (story[-1].known_at if story else NOW) + later
    for line in LINES:
        assert answers(chronicle, line, now) == expected(known, line, now)
    assert staff_answers(chronicle, LINES[0], now) == staff_expected(known, now)


@given(stories(), policies(), spans())
@settings(max_examples=300, deadline=None)
def test_engine_and_oracle_agree(story: tuple[Happened, ...], policy: Settings, later: timedelta) -> None:
    """Duplicates, late and out-of-order delivery, equal seconds, clocks that lie apart, two lines, both window rules,
    words, buttons, requests, records, preferences, calls, refusals for a closed window, settings that change."""
    agree(story, policy, later, CHANNEL)


@given(stories(max_size=6), policies(), spans())
@settings(max_examples=80, deadline=None)
def test_they_agree_on_a_channel_that_only_keeps_suppressions(
    story: tuple[Happened, ...], policy: Settings, later: timedelta
) -> None:
    start, oracle = Chronicle(SMS, policy), Oracle((), asks_opt_in=False, window=None, policy=policy)
    chronicle, known = replayed(story, start), oracle.after(*story)
    now = (story[-1].known_at if story else NOW) + later
    for line in LINES:
        engine, told = answers(chronicle, line, now), expected(known, line, now)
        # A channel without templates says so, which is no rule about consent or window.
        assert {n: a for n, a in engine.items() if n not in ("template", "marketing")} == {
            n: a for n, a in told.items() if n not in ("template", "marketing")
        }


@given(stories(max_size=8), policies())
@settings(max_examples=80, deadline=None)
def test_a_replay_judges_every_attempt_on_what_was_known_then(story: tuple[Happened, ...], policy: Settings) -> None:
    """An attempt after every entry: what became known later changes no verdict that was given before."""
    entries: list[Fact | Attempted] = []
    told = []
    for number, entry in enumerate(story, start=1):
        fact = fact_of(entry)
        entries += [] if fact is None else [fact]
        entries.append(Attempted(entry.known_at, LineId(entry.line), QUESTIONS["write"]))
        told.append(Oracle(story[:number], policy=policy).may_write(entry.line, entry.known_at))
    verdicts = replay(entries, Chronicle(CHANNEL, policy))
    assert [decision.reason for _, decision in verdicts] == told


SWITCHES = st.none() | st.builds(ChannelSwitch, st.booleans(), st.booleans())


@given(st.lists(SWITCHES, min_size=1, max_size=4), SWITCHES)
def test_they_agree_on_enablement(levels: list[ChannelSwitch | None], own: ChannelSwitch | None) -> None:
    """Inherited from the organization down to the user; each level can switch it off, and on again where it may."""
    path = tuple(
        Organization(OrganizationId(f"{n}"), f"{n}", {} if switch is None else {"whatsapp": switch})
        for n, switch in enumerate(levels)
    )
    user = User(TenantId("0"), UserId("ana"), "Ana", {} if own is None else {"whatsapp": own})
    line = enablement(path, None, "whatsapp", "WhatsApp")
    seat = enablement(path, Seat(user, path), "whatsapp", "WhatsApp")
    assert line.is_allowed == is_enabled(levels)
    assert seat.is_allowed == (is_enabled(levels) and is_enabled([*levels, own]))


@pytest.mark.exhaustive
@given(stories(max_size=30), policies(), spans())
@settings(max_examples=5_000, deadline=None)
def test_they_agree_for_long(story: tuple[Happened, ...], policy: Settings, later: timedelta) -> None:
    agree(story, policy, later, CHANNEL)
