"""What the product promises on enablement, consent, window, notices and held messages, a case or more for each sentence.

Each case names its source: the section of the description of the product that promises it, or the provider's rule. It is
put to the oracle and to the engine. So the oracle is known to say what was promised, not just what the engine says.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import field, frozen

from wa_connector.decide.replay import Chronicle
from wa_connector.model.consent import Purpose, Signal, Stage
from wa_connector.model.content import TemplateMessage, Text
from wa_connector.model.decision import Reason, RemedyKind
from wa_connector.model.directory import ChannelSwitch, Organization, Seat, User
from wa_connector.model.ids import LineId, OrganizationId, TenantId, UserId
from wa_connector.model.message import MessageStatus, NoticeKind
from wa_connector.model.outbound import Correction, Rejected
from wa_connector.model.setting import DEFAULTS, Settings
from wa_connector.model.standing import Standing
from wa_connector.model.window import WindowRule
from wa_connector.policy.action import Write
from wa_connector.policy.enablement import enablement
from wa_connector.policy.rules import decide
from wa_connector.testing.agreement import CHANNEL, answers, expected, replayed, staff_answers, staff_expected
from wa_connector.testing.game import Game
from wa_connector.testing.host import ACME, ANA, CARL, MemoryHost
from wa_connector.testing.oracle import Oracle, is_enabled
from wa_connector.testing.story import Happened, Kind
from wa_connector.testing.strategies import NOW, SMS

LINE, OTHER = "line-1", "line-2"
BOTH = (Purpose.CONVERSATION, Purpose.MARKETING)
EITHER = Settings(window_rule=WindowRule.ANY_MESSAGE)
MOMENT = timedelta(microseconds=1)

Step = Callable[[int], Happened]


def when(hours: float, moment: timedelta = timedelta(0)) -> datetime:
    return NOW + timedelta(hours=hours) + moment


def wrote(hours: float, says: Signal | None = None, *, known: float | None = None, line: str = LINE) -> Step:
    known_at = when(hours if known is None else known)
    return lambda number: Happened(Kind.WROTE, when(hours), known_at, f"{number}", line, says)


def it(kind: Kind, hours: float, moment: timedelta = timedelta(0), **more: Any) -> Step:
    at = when(hours, moment)
    return lambda number: Happened(kind, at, at, f"{number}", **more)


def noted(hours: float, says: Signal, purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)) -> Step:
    return it(Kind.NOTED, hours, says=says, purposes=purposes)


def asked(hours: float, purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,)) -> Step:
    return noted(hours, Signal.ASKED, purposes)


def accepted(hours: float) -> Step:
    return wrote(hours, Signal.ACCEPTED)


def declined(hours: float) -> Step:
    return wrote(hours, Signal.DECLINED)


@frozen
class Case:
    """``says`` is what is promised ``at`` hours after the beginning, to each question that matters."""

    source: str
    story: tuple[Step, ...]
    at: float
    says: dict[str, object]
    policy: Settings = DEFAULTS
    moment: timedelta = timedelta(0)
    line: str = LINE
    channel: Any = field(default=CHANNEL)


OK, CLOSED = Reason.ALLOWED, Reason.WINDOW_CLOSED
NO, STOPPED, AWAITED = Reason.CONSENT_DECLINED, Reason.CONSENT_REVOKED, Reason.CONSENT_AWAITED
NOT_ASKED, AGREED = Reason.CONSENT_NOT_ASKED, Reason.CONSENT_GRANTED_ALREADY

CASES = [
    # --- who may use it
    Case("Who may use it, contacts: a stranger is not written to first", (), 0, {"ask a stranger": Reason.NOT_A_CONTACT}),
    Case(
        "Who may use it, contacts: unless the organization does without",
        (),
        0,
        {"ask a stranger": OK},
        Settings(contacts_only=False),
    ),
    # --- consent: first contact
    Case("Consent, first contact: goes through the request", (), 0, {"write": NOT_ASKED, "template": NOT_ASKED, "ask": OK}),
    Case("Consent, outcome 1, not delivered: may be tried again", (asked(0), noted(1, Signal.NOT_DELIVERED)), 1, {"ask": OK}),
    Case("Consent, outcome 2, accepted by button: free to proceed", (asked(0), accepted(1)), 1, {"write": OK, "template": OK}),
    Case("Consent, outcome 2, accepted by word: free to proceed", (asked(0), wrote(1, Signal.YES)), 1, {"write": OK}),
    Case("Consent, outcome 2: nobody who agreed is asked again", (asked(0), accepted(1)), 99, {"ask": AGREED}),
    Case("Consent, outcome 3, by button: field and template tool disabled", (asked(0), declined(1)), 1, {"write": NO, "template": NO}),
    Case("Consent, outcome 3, by word: field and template tool disabled", (asked(0), wrote(1, Signal.NO)), 1, {"write": NO, "template": NO}),
    Case("Consent, outcome 3: no further request, ever", (asked(0), declined(1)), 999, {"ask": NO}),
    Case("Consent, outcome 3: a yes at any time opts in", (asked(0), declined(1), wrote(900, Signal.YES)), 900, {"write": OK}),
    Case("Consent, outcome 4, no answer: nothing is written", (asked(0),), 1, {"write": AWAITED, "template": AWAITED}),
    Case("Consent, outcome 4: not again before 24 hours", (asked(0),), 24, {"ask": Reason.ASKED_RECENTLY}, moment=-MOMENT),
    Case("Consent, outcome 4: again at 24 hours", (asked(0),), 24, {"ask": OK}),
    Case("Consent, outcome 4: once every 24 hours, not once", (asked(0), asked(24)), 47, {"ask": Reason.ASKED_RECENTLY}),
    Case("Consent, outcome 4: a later answer still counts", (asked(0), wrote(99, Signal.YES)), 99, {"write": OK}),
    Case("Consent, outcome 4: what else he writes is no answer", (asked(0), wrote(1)), 1, {"write": AWAITED}),
    # --- consent: STOP and coming back
    Case("Consent, revoking: STOP at any time", (asked(0), accepted(1), wrote(2, Signal.STOP)), 2, {"write": STOPPED, "template": STOPPED, "ask": STOPPED}),
    Case("Consent, revoking: also by somebody who was never asked", (wrote(0, Signal.STOP),), 0, {"write": STOPPED, "ask": STOPPED}),
    Case("Consent, revoking: after a decline, too", (asked(0), declined(1), wrote(2, Signal.STOP)), 2, {"write": STOPPED}),
    Case("Consent, coming back: START", (wrote(0, Signal.STOP), wrote(9, Signal.START)), 9, {"write": OK}),
    Case("Consent, coming back: YES", (wrote(0, Signal.STOP), wrote(9, Signal.YES)), 9, {"write": OK}),
    Case("Consent, coming back: nothing else does it", (wrote(0, Signal.STOP), wrote(9)), 9, {"write": STOPPED}),
    Case("Consent: a STOP on one line holds on all of the channel", (asked(0), accepted(1), wrote(2, Signal.STOP, line=OTHER)), 2, {"write": STOPPED}),
    Case("Consent: START with nothing before it is like any message", (wrote(0, Signal.START),), 0, {"conversation": Stage.UNKNOWN, "ask": OK}),
    Case("Consent: a no in a conversation is an answer to something else", (asked(0), accepted(1), wrote(2, Signal.NO)), 2, {"write": OK}),
    Case("Consent: the decline button counts even there", (asked(0), accepted(1), declined(2)), 2, {"write": NO}),
    Case("Consent: a no is read against what was asked in its own time", (asked(5), wrote(3, Signal.NO, known=6)), 6, {"conversation": Stage.ASKED}),
    Case("Consent: a STOP told late goes where it belongs", (asked(0), accepted(9), wrote(3, Signal.STOP, known=10)), 10, {"write": OK}),
    Case("Consent: an acceptance told late does not undo a STOP", (asked(0), wrote(9, Signal.STOP), wrote(3, Signal.ACCEPTED, known=10)), 10, {"write": STOPPED}),
    Case("Consent: in one second the safer counts, STOP over YES", (asked(0), wrote(1, Signal.STOP), wrote(1, Signal.YES)), 1, {"write": STOPPED}),
    Case("Consent: in one second the safer counts, NO over YES", (asked(0), wrote(1, Signal.YES), wrote(1, Signal.NO)), 1, {"write": NO}),
    # --- consent: marketing
    Case("Consent, purposes: marketing needs its own", (asked(0), accepted(1)), 1, {"marketing": Reason.MARKETING_NOT_GRANTED}),
    Case("Consent, purposes: a request for both grants both", (asked(0, BOTH), accepted(1)), 1, {"marketing": OK}),
    Case("Consent, purposes: marketing stays revoked after coming back", (asked(0, BOTH), accepted(1), wrote(2, Signal.STOP), wrote(3, Signal.START)), 3, {"write": OK, "marketing": Reason.MARKETING_NOT_GRANTED}),
    Case("Provider, marketing opt-out: touches nothing else", (asked(0, BOTH), accepted(1), noted(2, Signal.MARKETING_STOPPED)), 2, {"write": OK, "marketing": Reason.MARKETING_NOT_GRANTED}),
    Case("Provider, marketing opt-out: the preference brings it back", (asked(0, BOTH), accepted(1), noted(2, Signal.MARKETING_STOPPED), noted(3, Signal.MARKETING_RESUMED)), 3, {"marketing": OK}),
    # --- consent: staff
    Case("Consent, evidence: staff may record what was given elsewhere", (noted(0, Signal.RECORDED),), 1, {"template": OK, "ask": AGREED}),
    Case("Consent, evidence: not against a person's own no", (asked(0), declined(1)), 2, {"record": NO, "restore": NO}),
    Case("Consent, evidence: nor after STOP", (wrote(0, Signal.STOP),), 2, {"record": STOPPED, "restore": STOPPED}),
    Case("Consent, evidence: unless the organization lets them, with a file", (wrote(0, Signal.STOP),), 2, {"record": Reason.RESTORE_NEEDS_EVIDENCE, "restore": OK}, Settings(staff_may_restore=True)),
    Case("Consent, evidence: nothing was given in the future", (), 0, {"record what is to come": Reason.DATED_AHEAD}),
    # --- who was never asked
    Case("Consent, never asked: may be answered in the window he opened", (wrote(0),), 23, {"write": OK, "template": OK}),
    Case("Consent, never asked: only there", (wrote(0),), 24, {"write": NOT_ASKED, "template": NOT_ASKED}),
    Case("Consent, never asked: answering is no consent", (wrote(0), it(Kind.SENT, 1)), 25, {"template": NOT_ASKED, "ask": OK}),
    Case("Consent, never asked: once asked, his answer decides", (wrote(0), asked(1)), 1, {"write": AWAITED}),
    Case("Consent, never asked: an organization may do without answering", (wrote(0),), 1, {"write": NOT_ASKED}, Settings(answer_inbound=False)),
    Case("Consent, never asked: what we sent opens no window of his", (wrote(0), it(Kind.SENT, 23)), 30, {"write": NOT_ASKED}, EITHER),
    # --- the window
    Case("Window: inside, anything may be sent", (asked(0), accepted(1)), 25, {"write": OK}, moment=-MOMENT),
    Case("Window: when 24 hours have passed, only a template", (asked(0), accepted(1)), 25, {"write": CLOSED, "template": OK}),
    Case("Window: a message opens it again", (asked(0), accepted(1), wrote(99)), 99, {"write": OK}),
    Case("Window: a call opens it, answered or not", (asked(0), accepted(1), it(Kind.CALLED, 99)), 100, {"write": OK}),
    Case("Window: a reaction does not", (asked(0), accepted(1), it(Kind.NODDED, 99)), 100, {"write": CLOSED}),
    Case("Window: it is a line's own", (asked(0), accepted(1), wrote(30, line=OTHER)), 31, {"write": CLOSED}),
    Case("Window: … and open on the other", (asked(0), accepted(1), wrote(30, line=OTHER)), 31, {"write": OK}, line=OTHER),
    Case("Window: a late message does not move it back", (asked(0), accepted(20), wrote(2, known=21)), 43, {"write": OK}),
    Case("Window: … nor does one that is a day late open it", (asked(0), accepted(1), wrote(2, known=30)), 30, {"write": CLOSED}),
    Case("Window, their rule: ours do not extend it", (asked(0), accepted(1), it(Kind.SENT, 20)), 26, {"write": CLOSED}),
    Case("Window, either side: ours extend it", (asked(0), accepted(1), it(Kind.SENT, 20)), 26, {"write": OK}, EITHER),
    Case("Window, either side: a template opens it", (asked(0), accepted(1), it(Kind.SENT, 50)), 73, {"write": OK}, EITHER),
    Case("Window, either side: for 24 hours", (asked(0), accepted(1), it(Kind.SENT, 50)), 74, {"write": CLOSED}, EITHER),
    Case("Window: the margin closes it earlier", (asked(0), accepted(1)), 24.5, {"write": CLOSED}, Settings(window_margin=timedelta(minutes=30))),
    Case("Provider, 131047: closes it whatever we believed", (asked(0), accepted(1), it(Kind.WINDOW_REFUSED, 2)), 3, {"write": CLOSED, "template": OK}),
    Case("Provider, 131047: the next sign opens it", (asked(0), accepted(1), it(Kind.WINDOW_REFUSED, 2), wrote(3)), 3, {"write": OK}),
    Case("Provider, 131047: a sign within the skew may have come after it", (asked(0), accepted(1), it(Kind.WINDOW_REFUSED, 1, timedelta(minutes=5) - MOMENT)), 3, {"write": OK}),
    Case("Provider, 131047: at the bound it came before it", (asked(0), accepted(1), it(Kind.WINDOW_REFUSED, 1, timedelta(minutes=5))), 3, {"write": CLOSED}),
    Case("Window: the field says until when", (asked(0), accepted(1)), 2, {"until": when(25)}),
    Case("Settings: what is changed holds from then on", (asked(0), accepted(1), it(Kind.SENT, 20), it(Kind.SETTINGS, 25, settings=EITHER)), 26, {"write": OK}),
    # --- other channels
    Case("SMS: asks for no opt-in and has no window", (), 0, {"write": OK, "ask": Reason.CONSENT_NOT_NEEDED}, channel=SMS),
    Case("SMS: keeps its suppressions", (wrote(0, Signal.STOP),), 99, {"write": STOPPED}, channel=SMS),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_oracle_and_engine_keep_the_promise(case: Case) -> None:
    story = tuple(step(number) for number, step in enumerate(case.story))
    now = when(case.at, case.moment)
    chronicle = replayed(story, Chronicle(case.channel, case.policy))
    oracle = Oracle(story, case.channel.asks_opt_in, case.channel.window, policy=case.policy)
    engine = {**answers(chronicle, case.line, now), **staff_answers(chronicle, case.line, now)}
    told = {**expected(oracle, case.line, now), **staff_expected(oracle, now)}
    assert case.says == {name: engine[name] for name in case.says}
    assert case.says == {name: told[name] for name in case.says}


# --- who may use it ---------------------------------------------------------------------------------------------------

ON, OFF, OFF_OPEN = ChannelSwitch(enabled=True), ChannelSwitch(enabled=False), ChannelSwitch(False, may_enable=True)


@pytest.mark.parametrize(
    ("source", "levels", "is_on"),
    [
        ("exists only where the organization has it", [None, None, None], False),
        ("inherited from the organization down to the user", [ON, None, None], True),
        ("a sub-organization can switch it off for what lies below", [ON, OFF, None], False),
        ("a user can be switched off alone", [ON, None, OFF], False),
        ("what is off cannot be switched on below", [ON, OFF, ON], False),
        ("unless the parent lets it", [ON, OFF_OPEN, ON], True),
        ("the root may leave it to the levels below", [OFF_OPEN, None, ON], True),
        ("one level that forbids is enough", [OFF, OFF_OPEN, ON], False),
    ],
)
def test_enablement_is_inherited(source: str, levels: list[ChannelSwitch | None], is_on: bool) -> None:
    *above, own = levels
    path = tuple(
        Organization(OrganizationId(f"{n}"), f"{n}", {"whatsapp": switch} if switch else {})
        for n, switch in enumerate([*above, None])
    )
    user = User(TenantId("0"), UserId("ana"), "Ana", {"whatsapp": own} if own else {})
    line = (Organization(OrganizationId("0"), "0", {"whatsapp": ON}),)
    found = enablement(line, Seat(user, path), "whatsapp", "WhatsApp")
    assert (is_on, is_on) == (found.is_allowed, is_enabled(levels)), source


@pytest.mark.parametrize("is_restricted", [True, False])
def test_a_stranger_who_writes_first_gets_a_user_only_without_the_restriction(is_restricted: bool) -> None:
    """Who may use it, first contact. What he writes is kept in either case; somebody may take it up."""
    host = MemoryHost(settings={"restrict_first_contact": is_restricted}, owner=ANA)
    with host.connector() as connector:
        connector.handle_webhook(host.webhook(host.said("Hello")))
        assert is_restricted is not bool(connector.conversations(ACME, ANA))
        assert is_restricted is bool(connector.conversations(ACME, ANA, unassigned=True))


def test_where_it_is_off_nothing_may_be_done() -> None:
    story = (wrote(0)(0),)
    off = enablement((), None, "whatsapp", "WhatsApp")
    standing = replayed(story, Chronicle(CHANNEL, enablement=off)).standing(LineId(LINE))
    oracle = Oracle(story, is_enabled=False)
    assert decide(Write(), standing, NOW).reason is Reason.CHANNEL_DISABLED
    told = {*expected(oracle, LINE, NOW).values(), *staff_expected(oracle, NOW).values()}
    assert told == {Reason.CHANNEL_DISABLED, Stage.UNKNOWN, None}


def test_who_is_not_on_whatsapp_is_offered_an_sms() -> None:
    """Consent, outcome 1. The oracle is told that the request failed; that SMS is offered is the engine's to say."""
    game = Game(MemoryHost())
    game.host.transport.answers.append(Rejected("131026", "not on WhatsApp", Correction.NOT_ON_CHANNEL))
    game.connector.ask_consent(ACME, ANA, game.line, CARL)
    game.connector.dispatcher.run_once()
    (action,) = game.connector.contact_actions(ACME, ANA, CARL)
    assert action.ask.reason is Reason.NOT_ON_CHANNEL
    assert RemedyKind.USE_SMS in {remedy.kind for remedy in action.ask.remedies}
    assert game.connector.verify_evidence(ACME).holds
    game.connector.close()


def test_a_standing_of_nobody_needs_the_request() -> None:
    assert decide(Write(), Standing(CHANNEL, enablement=Chronicle(CHANNEL).enablement), NOW).reason is NOT_ASKED


# --- what the system sends by itself ----------------------------------------------------------------------------------

ASK, HOUR, DAY = "the user asks", "an hour", "a day"
WORDS: dict[str, Signal | None] = {
    "accepts": Signal.ACCEPTED,
    "YES": Signal.YES,
    "declines": Signal.DECLINED,
    "NO": Signal.NO,
    "STOP": Signal.STOP,
    "START": Signal.START,
    "writes": None,
    "HELP": None,
}
REQUEST, WELCOME, REGRET = NoticeKind.OPT_IN_REQUEST, NoticeKind.ACCEPTANCE, NoticeKind.DECLINE
GOODBYE, HELP = NoticeKind.STOP, NoticeKind.HELP


@pytest.mark.parametrize(
    ("source", "steps", "notices"),
    [
        ("Consent, outcome 2: an acceptance is confirmed", [ASK, "accepts"], [WELCOME]),
        ("Consent, outcome 2: once", [ASK, "accepts", "accepts", "YES"], [WELCOME]),
        ("Consent, outcome 3: a decline is told how to come back", [ASK, "declines"], [REGRET]),
        ("Consent, outcome 3: another no is no news", [ASK, "declines", "NO", "declines"], [REGRET]),
        ("Consent, outcome 3: and a yes is confirmed", [ASK, "declines", HOUR, "YES"], [REGRET, WELCOME]),
        ("Consent, a mended no: he is sent the request once more", [ASK, "NO", "writes"], [REGRET, REQUEST]),
        ("Consent, a mended no: once", [ASK, "NO", "writes", "writes", DAY, "writes"], [REGRET, REQUEST]),
        ("Consent, a mended no: not by another rejection", [ASK, "NO", HOUR, "NO"], [REGRET]),
        ("Consent, a mended no: not by STOP", [ASK, "NO", HOUR, "STOP"], [REGRET, GOODBYE]),
        ("Consent, a mended no: not by an acceptance", [ASK, "NO", HOUR, "YES"], [REGRET, WELCOME]),
        ("Consent, a mended no: HELP is none of these", [ASK, "NO", HOUR, "HELP"], [REGRET, HELP, REQUEST]),
        ("Consent, a mended no: once more after he agreed", [ASK, "NO", HOUR, "writes", HOUR, "YES", HOUR, "declines", HOUR, "writes"], [REGRET, REQUEST, WELCOME, REGRET, REQUEST]),
        ("Consent, revoking: STOP is confirmed", ["STOP"], [GOODBYE]),
        ("Consent, revoking: once", ["STOP", HOUR, "STOP"], [GOODBYE]),
        ("Consent, revoking: then only HELP is answered", ["STOP", HOUR, "writes", "HELP"], [GOODBYE, HELP]),
        ("Consent, coming back is confirmed", ["STOP", HOUR, "START"], [GOODBYE, WELCOME]),
        ("Consent, the closed list: what he writes causes nothing", ["writes", "START", "YES", "NO"], []),
        ("Consent, the closed list: HELP is answered, each time", ["HELP", HOUR, "HELP"], [HELP, HELP]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_the_system_sends_by_itself(source: str, steps: list[str], notices: list[NoticeKind]) -> None:
    game = Game(MemoryHost())
    told, found = [], []
    for number, step in enumerate(steps):
        now = game.clock.now
        if step == ASK:
            game.asks(CARL)
        elif step in (HOUR, DAY):
            game.clock.advance(hours=1 if step == HOUR else 24)
        else:
            entry = Happened(Kind.WROTE, now, now, f"{number}", says=WORDS[step], wants_help=step == "HELP")
            told += game.oracle(CARL).notices(entry)
            game.hears(CARL, entry)
            found += game.notices_for(entry)
    assert (sorted(notices, key=str), notices) == (sorted(found, key=str), told), source
    game.connector.close()


def test_what_is_told_a_day_late_causes_nothing_by_itself() -> None:
    """An automatic message needs a fresh cause, and one that comes late is judged on all that is known by now."""
    game = Game(MemoryHost())
    game.asks(CARL)
    now = game.clock.advance(hours=30)
    old = Happened(Kind.WROTE, now - timedelta(hours=24), now, "old", says=Signal.ACCEPTED)
    assert game.oracle(CARL).notices(old) == []
    game.hears(CARL, old)
    assert game.notices_for(old) == []
    assert game.verdicts(CARL)["ask"] is AGREED
    game.connector.close()


def test_what_he_wrote_before_he_declined_is_no_writing_on() -> None:
    """The request is sent once more to who declined and *later* writes; what only comes later was written before."""
    game = Game(MemoryHost())
    game.asks(CARL)
    now = game.clock.advance(hours=2)
    game.hears(CARL, Happened(Kind.WROTE, now, now, "no", says=Signal.DECLINED))
    late = Happened(Kind.WROTE, now - timedelta(hours=1), now, "late")
    assert game.oracle(CARL).notices(late) == []
    game.hears(CARL, late)
    assert game.notices_for(late) == []
    game.connector.close()


def test_a_preference_dated_ahead_does_not_outlast_what_he_chooses_afterwards() -> None:
    """Clocks: an instant counts as far as it can be believed, of a choice about marketing like of a message."""
    game = Game(MemoryHost())
    for named, ahead, says in (("one", 48, Signal.MARKETING_STOPPED), ("two", 0, Signal.MARKETING_RESUMED)):
        now = game.clock.advance(hours=1)
        game.hears(CARL, Happened(Kind.NOTED, now + timedelta(hours=ahead), now, named, says=says))
    assert game.oracle(CARL).footing().promotion is Stage.GRANTED
    game.records(CARL, game.clock.now - timedelta(hours=9), "paper")
    placed = game.writes(CARL, TemplateMessage("sale", "en"))
    assert placed.decision.is_allowed, placed.decision
    game.connector.close()


# --- held messages ----------------------------------------------------------------------------------------------------


def test_what_waits_goes_out_by_itself_in_order_when_the_customer_resumes() -> None:
    """Window, paused messages."""
    game = Game(MemoryHost())
    game.asks(CARL)
    _says(game, "yes", Signal.ACCEPTED)
    game.clock.advance(hours=24)
    for text in ("one", "two", "three"):
        assert game.writes(CARL, Text(text), hold=True).status is MessageStatus.HELD
    assert set(game.oracle(CARL).fate_of_held().values()) == {None}
    game.clock.advance(hours=5)
    _says(game, "here again", None)
    left = [d.message.content for d in game.departures if d.by_user]
    assert left == [Text("one"), Text("two"), Text("three")]
    assert list(game.oracle(CARL).fate_of_held().items()) == [(m, OK) for m in game.held[CARL]]
    game.connector.close()


def test_what_waits_does_not_go_out_to_who_said_stop() -> None:
    """Consent beats the window that the STOP itself opens."""
    game = Game(MemoryHost())
    game.asks(CARL)
    _says(game, "yes", Signal.ACCEPTED)
    game.clock.advance(hours=24)
    game.writes(CARL, Text("one"), hold=True)
    _says(game, "stop", Signal.STOP)
    assert [d for d in game.departures if d.by_user] == []
    assert set(game.oracle(CARL).fate_of_held().values()) == {STOPPED}
    game.connector.close()


def _says(game: Game, named: str, signal: Signal | None) -> None:
    game.hears(CARL, Happened(Kind.WROTE, game.clock.now, game.clock.now, named, says=signal))
