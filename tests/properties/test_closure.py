"""Every state that the rules can come into: engine and oracle agree there, and the invariants hold."""

from datetime import datetime

import pytest
from attrs import evolve

from wa_connector.decide.replay import Chronicle
from wa_connector.model.consent import Stage
from wa_connector.testing.agreement import CHANNEL, answers
from wa_connector.testing.exhaustive import (
    BEGINNING,
    PAIRS,
    WORDS,
    WORLDS,
    Differs,
    Node,
    World,
    broken,
    check,
    explore,
    main,
    step,
)

SMALL = {
    "consent, two things in one second": (70, 8_500),
    "the provider's rule": (600, 13_000),
    "either side's messages": (700, 13_000),
    "settings that change": (250, 4_500),
}
"""No fewer states and transitions than these: a search that ends early proves nothing."""


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_search_closes_and_everything_agrees(world: World) -> None:
    found = explore(world)
    states, transitions = SMALL[world.name]
    assert found.states >= states
    assert found.transitions >= transitions


def deaf(chronicle: Chronicle, line: str, now: datetime) -> dict[str, object]:
    """An engine that takes a decline for a yes."""
    said = answers(chronicle, line, now)
    return {name: Stage.GRANTED if answer is Stage.DECLINED else answer for name, answer in said.items()}


def test_a_difference_is_told_with_the_story_that_leads_to_it() -> None:
    """Were the engine to take a decline for a yes, the search would say so after one tap."""
    world = World("small", {name: WORDS[name] for name in ("taps ACCEPTED", "taps DECLINED")})
    with pytest.raises(Differs, match="after: taps DECLINED"):
        explore(world, deaf)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (("asked", "taps ACCEPTED", "STOP"), "after STOP"),
        (("asked", "taps ACCEPTED", "taps DECLINED"), "after a decline"),
        (("asked",), "somebody who was asked"),
        ((), "never agreed"),
    ],
)
def test_an_engine_that_thinks_all_is_granted_breaks_the_invariants(path: tuple[str, ...], problem: str) -> None:
    """The invariants are told from the story alone, so that they do not believe what the engine believes."""
    alphabet = WORLDS[1].alphabet
    node = Node((), Chronicle(CHANNEL), BEGINNING)
    granted = step(node, "taps ACCEPTED", alphabet["taps ACCEPTED"])
    assert granted is not None
    for name in path:
        after = step(node, name, alphabet[name])
        assert after is not None
        node = after
    check(node, invariants=True)
    deluded = evolve(node, chronicle=evolve(node.chronicle, consent=granted.chronicle.consent))
    assert problem in " ".join(broken(deluded))


def test_the_program_prints_what_it_searched(capsys: pytest.CaptureFixture[str]) -> None:
    """Alphabet, states, transitions and depth; and the first thing that is wrong, where something is."""
    world = World("small", {**WORDS, **dict(list(PAIRS.items())[:3])}, invariants=False)
    assert main([world]) == 0
    printed = capsys.readouterr().out
    assert "alphabet (9): YES, NO, STOP, START, taps ACCEPTED, taps DECLINED, and 3 pairs of these" in printed
    assert "10 states, 90 transitions, depth 2" in printed
    assert main([world], deaf) == 1
    assert "after: taps DECLINED" in capsys.readouterr().out
