"""All that can ever come about, as far as the rules can tell: every reachable state, by breadth-first search.

Theory: the rules see an instant only by comparing it with the present. So what matters of a state is where consent
stands, which boundaries (the end of the window, the end of the pause before asking again) have passed, in which order
the others lie ahead, and which signs of life a refusal by the provider has outdated. There are finitely many of these.
From each state every event of the alphabet is tried, and every step of the clock to just before, to and just after the
next boundary; what comes of it is known or new; and when nothing is new any more, the rules have been in every situation
that the alphabet can bring about. The skew bound is met by refusals dated just before it, at it and just after it.

In every one of them the engine and the oracle must give the same answers, and the invariants below must hold, which were
written from neither. A difference is raised as ``Differs``, with the shortest story that leads to it.

    python -m wa_connector.testing.exhaustive
"""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, Final

from attrs import field, frozen

from wa_connector.decide.replay import Chronicle
from wa_connector.model.consent import Purpose, Signal
from wa_connector.model.content import TemplateMessage, Text
from wa_connector.model.ids import LineId
from wa_connector.model.message import NoticeKind
from wa_connector.model.setting import DEFAULTS, Settings
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.model.window import WindowRule
from wa_connector.policy.action import Action, AskAgain, AskConsent, DeliverRequest, Notify, UseTemplate, Write
from wa_connector.policy.rules import decide
from wa_connector.testing.agreement import CHANNEL, SALE, answers, expected, replayed
from wa_connector.testing.oracle import Oracle
from wa_connector.testing.story import Happened, Kind

BEGINNING: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINE: Final = LineId("line-1")
ELSEWHERE: Final = "line-2"
MICROSECOND: Final = timedelta(microseconds=1)
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(hours=24)
A_WHILE: Final = timedelta(minutes=10)
"""Longer than two clocks lie apart, and much shorter than what the boundaries measure."""
BOTH: Final = (Purpose.CONVERSATION, Purpose.MARKETING)


class Differs(AssertionError):
    """The engine and the oracle, or the engine and an invariant, at the end of ``story``."""

    def __init__(self, problem: str, story: tuple[str, ...]) -> None:
        super().__init__(problem, story)
        self.problem = problem
        self.story = story

    def __str__(self) -> str:
        return f"{self.problem}, after: {', '.join(self.story) or 'nothing'}"


@frozen
class Node:
    """A state with the shortest story that leads to it."""

    story: tuple[Happened, ...]
    chronicle: Chronicle
    now: datetime
    path: tuple[str, ...] = ()

    def may(self, action: Action) -> bool:
        """Whether the engine allows it here and now."""
        return decide(action, self.chronicle.standing(LINE), self.now).is_allowed

    def ago(self, since: timedelta) -> datetime:
        return self.now - since


Letter = Callable[[Node], "Sequence[Happened] | datetime | None"]
"""What may happen next: entries of the story, or an instant to which the clock moves; None where it cannot."""


# --- the alphabet -----------------------------------------------------------------------------------------------------


def his(kind: Kind, says: Signal | None = None, *, ago: timedelta = timedelta(0), line: str = LINE) -> Letter:
    """Something of the customer's, dated ``ago``."""
    return lambda node: [_entry(node, kind, says=says, at=node.ago(ago), line=line)]


def noted(says: Signal, purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)) -> Letter:
    """Something that speaks of consent and always can come about."""
    return lambda node: [_entry(node, Kind.NOTED, says=says, purposes=purposes)]


def asked(purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)) -> Letter:
    """A request: a user's or the system's own, where the engine lets it out."""
    return lambda node: (
        [_entry(node, Kind.NOTED, says=Signal.ASKED, purposes=purposes)]
        if node.may(AskConsent()) or node.may(_AGAIN)
        else None
    )


def not_delivered(node: Node) -> Sequence[Happened] | None:
    """The request did not reach the customer."""
    was_asked = any(entry.says is Signal.ASKED for entry in node.story)
    return [_entry(node, Kind.NOTED, says=Signal.NOT_DELIVERED)] if was_asked else None


def delivered(node: Node) -> Sequence[Happened] | None:
    """The request reached the customer."""
    was_asked = any(entry.says is Signal.ASKED for entry in node.story)
    return [_entry(node, Kind.NOTED, says=Signal.DELIVERED)] if was_asked else None


def sent(node: Node) -> Sequence[Happened] | None:
    """The provider took a template, or something free-form."""
    return [_entry(node, Kind.SENT)] if node.may(Write()) or node.may(UseTemplate()) else None


def refused(after_sign: timedelta | None) -> Letter:
    """The window was closed for the provider: for what was handed over now (None), or so long after the last sign."""

    def letter(node: Node) -> Sequence[Happened] | None:
        if after_sign is None:
            return [_entry(node, Kind.WINDOW_REFUSED)]
        sign = node.chronicle.standing(LINE).window.customer_at
        if sign is None or sign + after_sign > node.now:
            return None
        return [_entry(node, Kind.WINDOW_REFUSED, at=sign + after_sign)]

    return letter


def settings(values: Settings) -> Letter:
    """Somebody changed the policy."""
    return lambda node: [_entry(node, Kind.SETTINGS, settings=values)]


def next_boundary(nudge: timedelta) -> Letter:
    """The clock moves to the next boundary, or just before or after it."""

    def letter(node: Node) -> datetime | None:
        ahead = [at + nudge for at in _boundaries(node).values() if at is not None and at + nudge > node.now]
        return min(ahead, default=None)

    return letter


def a_while(node: Node) -> datetime:
    """The clock moves on a little."""
    return node.now + A_WHILE


def in_one_second(first: Letter, second: Letter) -> Letter:
    """Both, in this order of arrival, with one date."""

    def letter(node: Node) -> Sequence[Happened] | None:
        one, other = first(node), second(node)
        if not isinstance(one, list) or not isinstance(other, list):
            return None
        (late,) = other
        return [*one, _entry(node, late.kind, says=late.says, purposes=late.purposes, line=late.line, number=1)]

    return letter


def _entry(node: Node, kind: Kind, *, at: datetime | None = None, number: int = 0, **more: Any) -> Happened:
    return Happened(kind, at or node.now, node.now, f"{len(node.story) + number}", **{"line": LINE, **more})


CLOCK: Final[Mapping[str, Letter]] = {
    "just before the next boundary": next_boundary(-MICROSECOND),
    "at the next boundary": next_boundary(timedelta(0)),
    "just after the next boundary": next_boundary(MICROSECOND),
    "a while": a_while,
}
WORDS: Final[Mapping[str, Letter]] = {
    **{signal.name: his(Kind.WROTE, signal) for signal in (Signal.YES, Signal.NO, Signal.STOP, Signal.START)},
    **{f"taps {signal.name}": his(Kind.WROTE, signal) for signal in (Signal.ACCEPTED, Signal.DECLINED)},
}
SIGNS: Final[Mapping[str, Letter]] = {
    "writes": his(Kind.WROTE),
    "wrote, and it comes late": his(Kind.WROTE, ago=A_WHILE),
    "calls": his(Kind.CALLED),
    "reacts": his(Kind.NODDED),
}
OURS: Final[Mapping[str, Letter]] = {
    "asked": asked(),
    "not delivered": not_delivered,
    "sent": sent,
}
REFUSALS: Final[Mapping[str, Letter]] = {
    "refused just now": refused(None),
    "refused just before the skew bound": refused(timedelta(minutes=5) - MICROSECOND),
    "refused at the skew bound": refused(timedelta(minutes=5)),
    "refused just after the skew bound": refused(timedelta(minutes=5) + MICROSECOND),
}
MARKETING: Final[Mapping[str, Letter]] = {
    "asked for both": asked(BOTH),
    "marketing stopped": noted(Signal.MARKETING_STOPPED),
    "marketing resumed": noted(Signal.MARKETING_RESUMED),
    "recorded both": noted(Signal.RECORDED, BOTH),
    "restored": noted(Signal.RESTORED),
}
_SPOKEN: Final = {
    **{signal.name: his(Kind.WROTE, signal, line=ELSEWHERE) for signal in (Signal.YES, Signal.NO, Signal.STOP)},
    **{f"taps {s.name}": his(Kind.WROTE, s, line=ELSEWHERE) for s in (Signal.ACCEPTED, Signal.DECLINED)},
    "START": his(Kind.WROTE, Signal.START, line=ELSEWHERE),
    "asked for both": asked(BOTH),
    "marketing stopped": noted(Signal.MARKETING_STOPPED),
    "recorded": noted(Signal.RECORDED),
    "delivered": delivered,
    "not delivered": not_delivered,
}
PAIRS: Final = {
    f"{one} and {other} in one second": in_one_second(_SPOKEN[one], _SPOKEN[other])
    for one in _SPOKEN
    for other in _SPOKEN
}
_EITHER: Final = Settings(window_rule=WindowRule.ANY_MESSAGE)
_MARGIN: Final = Settings(window_margin=timedelta(minutes=30), answer_inbound=False)
_CHANGES: Final[Mapping[str, Letter]] = {
    "settings: either side": settings(_EITHER),
    "settings: a margin, and no answers to the unasked": settings(_MARGIN),
    "settings: the defaults": settings(DEFAULTS),
}


# --- one state and the next -------------------------------------------------------------------------------------------


def step(node: Node, name: str, letter: Letter) -> Node | None:
    """Where ``letter`` leads; None where it cannot happen."""
    outcome = letter(node)
    if outcome is None:
        return None
    path = (*node.path, name)
    if isinstance(outcome, datetime):
        return Node(node.story, node.chronicle, outcome, path)
    # Each event has a second of its own: in one second they would be folded by safety, which ``PAIRS`` is about.
    return Node((*node.story, *outcome), replayed(outcome, node.chronicle), node.now + SECOND, path)


def _boundaries(node: Node) -> Mapping[str, datetime | None]:
    standing = node.chronicle.standing(LINE)
    window, held = standing.window, standing.settings
    is_either = held.window_rule is WindowRule.ANY_MESSAGE
    return {
        "his window": window.customer_at and window.customer_at + DAY - held.window_margin,
        "our window": window.business_at + DAY - held.window_margin if window.business_at and is_either else None,
        "pause": standing.consent.asked_at and standing.consent.asked_at + held.ask_again_after,
    }


def canonical(node: Node) -> object:
    """What of the state can make a difference from now on: see the module's theory."""
    standing = node.chronicle.standing(LINE)
    consent, window, held = standing.consent, standing.window, standing.settings
    boundaries = _boundaries(node)
    ahead = sorted({at for at in boundaries.values() if at is not None and at > node.now})
    places = tuple(None if at is None else ahead.index(at) if at > node.now else "past" for at in boundaries.values())
    refused_at = window.refused_at
    outdated = refused_at is not None and (
        window.customer_at is not None and window.customer_at <= refused_at - held.clock_skew,
        held.window_rule is WindowRule.ANY_MESSAGE
        and window.business_at is not None
        and window.business_at <= refused_at,
        node.now - A_WHILE <= refused_at - held.clock_skew,
    )
    flags = consent.asked_since_decline, consent.was_reached
    return consent.conversation, consent.marketing, flags, places, outdated, held


# --- what must hold ---------------------------------------------------------------------------------------------------


_CONTENT: Final = TemplateMessage("opt_in", "en")
_REQUEST: Final = Template(
    SALE.account, "opt_in", "en", TemplateCategory.UTILITY, TemplateStatus.APPROVED, "May we write to you here?"
)
_AGAIN: Final = AskAgain(_CONTENT, _REQUEST)
_SILENCED: Final[tuple[Action, ...]] = (
    Write(),
    UseTemplate(),
    AskConsent(),
    _AGAIN,
    DeliverRequest(_CONTENT, _REQUEST),
    Notify(NoticeKind.ACCEPTANCE, Text("Thank you.")),
    Notify(NoticeKind.DECLINE, Text("As you wish.")),
)
_AGREED: Final = (Signal.YES, Signal.START, Signal.ACCEPTED, Signal.RESTORED)


def broken(node: Node) -> Iterator[str]:
    """The invariants that do not hold here, told from the story alone: no state, no fold."""
    story = node.story
    within = [entry for entry in story if node.now - entry.at < DAY and entry.line == LINE]
    he_wrote = any(entry.kind in (Kind.WROTE, Kind.CALLED) for entry in within)
    either = node.chronicle.settings.window_rule is WindowRule.ANY_MESSAGE
    free, any_template = node.may(Write()), node.may(UseTemplate())
    if free and not (he_wrote or (either and any(entry.kind is Kind.SENT for entry in within))):
        yield "something free-form may leave outside the window"
    if (free or any_template) and not _has(story, *_AGREED, Signal.RECORDED):
        if not he_wrote:
            yield "a user may write to somebody who never agreed and opened no window"
        if _last(story, Signal.ASKED) > _last(story, Signal.NOT_DELIVERED):
            yield "a user may write to somebody who was asked and has not agreed"
    if _last(story, Signal.STOP) > _last(story, *_AGREED) and any(map(node.may, _SILENCED)):
        yield "something else than its confirmation and HELP may leave after STOP"
    asked_at = [entry.at for entry in story if entry.says is Signal.ASKED]
    reached = _last(story, Signal.ASKED) > _last(story, Signal.NOT_DELIVERED)
    if node.may(AskConsent()) and reached and node.now - asked_at[-1] < DAY:
        yield "a customer may be asked twice within 24 hours"
    declined, agreed = _last(story, Signal.DECLINED), _last(story, *_AGREED)
    if declined > agreed:
        if node.may(AskConsent()) or free or any_template:
            yield "a user may ask or write after a decline"
        if node.may(_AGAIN) and any(e.says is Signal.ASKED for e in story[declined + 1 :]):
            yield "a customer who declined may be asked by the system twice"


def _last(story: Sequence[Happened], *signals: Signal) -> int:
    return max((place for place, entry in enumerate(story) if entry.says in signals), default=-1)


def _has(story: Sequence[Happened], *signals: Signal) -> bool:
    return _last(story, *signals) >= 0


Engine = Callable[[Chronicle, str, datetime], Mapping[str, object]]


def check(node: Node, *, invariants: bool, ask: Engine = answers) -> None:
    """Ask both everything at this state's instant."""
    engine = ask(node.chronicle, LINE, node.now)
    oracle = expected(Oracle(node.story, policy=_policy(node)), LINE, node.now)
    if engine != oracle:
        wrong = {name: (engine[name], oracle[name]) for name in engine if engine[name] != oracle[name]}
        raise Differs(f"the engine and the oracle say {wrong}", node.path)
    for problem in broken(node) if invariants else ():
        raise Differs(problem, node.path)


def _policy(node: Node) -> Settings:
    # The story's own changes of settings come later, and win.
    return node.chronicle.settings


# --- the search -------------------------------------------------------------------------------------------------------


@frozen
class World:
    """A policy to begin with, and an alphabet. ``invariants`` are told by the order of arrival, so they are not asked
    where things share a second."""

    name: str
    alphabet: Mapping[str, Letter] = field(repr=False)
    policy: Settings = DEFAULTS
    invariants: bool = True


WORLDS: Final = (
    World("consent, two things in one second", {**_SPOKEN, **PAIRS, **CLOCK}, invariants=False),
    World("the provider's rule", {**CLOCK, **WORDS, **SIGNS, **OURS, **REFUSALS, **MARKETING}),
    World("either side's messages", {**CLOCK, **WORDS, **SIGNS, **OURS, **REFUSALS}, _EITHER),
    World("settings that change", {**CLOCK, **WORDS, **SIGNS, **OURS, **_CHANGES}),
)


@frozen
class Closure:
    """What a search came to. ``depth`` is the length of the longest of the shortest stories."""

    world: World
    states: int
    transitions: int
    depth: int
    seconds: float


def explore(world: World, ask: Engine = answers) -> Closure:
    """Search until nothing is new; raises ``Differs`` for the first thing that is not as it must be. ``ask`` is how the
    engine is asked."""
    started = perf_counter()
    root = Node((), Chronicle(CHANNEL, world.policy), BEGINNING)
    check(root, invariants=world.invariants, ask=ask)
    known, todo = {canonical(root)}, deque([root])
    transitions, depth = 0, 0
    while todo:
        node = todo.popleft()
        for name, letter in world.alphabet.items():
            after = step(node, name, letter)
            if after is None:
                continue
            transitions += 1
            check(after, invariants=world.invariants, ask=ask)
            state = canonical(after)
            if state not in known:
                known.add(state)
                todo.append(after)
                depth = max(depth, len(after.path))
    return Closure(world, len(known), transitions, depth, perf_counter() - started)


def _alphabet(world: World) -> str:
    names = [name for name in world.alphabet if name not in PAIRS]
    pairs = len(world.alphabet) - len(names)
    text = f"alphabet ({len(world.alphabet)}): {', '.join(names)}"
    return f"{text}, and {pairs} pairs of these in one second" if pairs else text


_HOLDS: Final = {True: ", and every invariant holds", False: ""}


def main(worlds: Sequence[World] = WORLDS, ask: Engine = answers) -> int:
    """Search the worlds and print what was found; 1 where something is not as it must be."""
    write = sys.stdout.write
    for world in worlds:
        write(f"{world.name}\n  {_alphabet(world)}\n")
        try:
            found = explore(world, ask)
        except Differs as difference:
            write(f"  {difference}\n")
            return 1
        write(
            f"  {found.states:,} states, {found.transitions:,} transitions, depth {found.depth}, closed after"
            f" {found.seconds:.1f} s; engine and oracle agree in all{_HOLDS[world.invariants]}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
