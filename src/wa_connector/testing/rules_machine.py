"""A long game against the rules: random days of a real connector, with everything watched (needs hypothesis)::

    from hypothesis.stateful import run_state_machine_as_test
    from wa_connector.testing.rules_machine import RulesMachine

    class MyRules(RulesMachine):
        def make_storage(self, clock):
            return MyStorage(clock=clock)

    def test_my_rules():
        run_state_machine_as_test(MyRules)

Customers write words and tap buttons, on time, late, twice and all at once; users ask, write, hold and use templates;
staff record; the provider refuses, loses and answers; time passes to the edges that rules have. At every departure the
game judges what leaves (see ``testing.game``); after every step the screens say what the oracle says, the notices are
those that it expects, and the evidence verifies; and at the end of each game what came in is brought once more in other
orders, and gives the same facts.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wa_connector.model.consent import Signal
from wa_connector.model.content import TemplateMessage, Text
from wa_connector.model.decision import Reason
from wa_connector.model.ids import ContactId
from wa_connector.model.inbound import Report
from wa_connector.ports.storage import Storage
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.facts import facts
from wa_connector.testing.game import DAY, NUMBERS, Game
from wa_connector.testing.histories import SKEW, SPOKEN, lateness, spans
from wa_connector.testing.host import ACME, CARL, MemoryHost
from wa_connector.testing.memory import MemoryStorage
from wa_connector.testing.story import Happened, Kind

_Came = tuple[ContactId, Happened] | tuple[int, Report]
CUSTOMERS = st.sampled_from([CARL, CARL, *NUMBERS])


class RulesMachine(RuleBasedStateMachine):
    """Subclass it: ``make_storage`` gives a fresh storage, ``plugins`` what else a host brings, its own rules for
    example. ``game`` is at play; ``game.departures`` is what left, for invariants of your own."""

    TestCase: Any

    def make_storage(self, clock: VirtualClock) -> Storage:
        """A fresh, empty storage, whose own clock is ``clock``."""
        return MemoryStorage(clock=clock)

    def plugins(self) -> Sequence[object]:
        """What is registered beside the host."""
        return ()

    def __init__(self) -> None:
        super().__init__()
        self.game = self._new_game()
        self.heard: list[tuple[ContactId, Happened]] = []
        self.reported: list[tuple[int, Report]] = []
        self.count = 0

    def _new_game(self) -> Game:
        clock = VirtualClock()
        return Game(MemoryHost(clock=clock, storage=self.make_storage(clock)), self.plugins())

    def teardown(self) -> None:
        """Bring what came in once more, in other orders: the facts are the same."""
        try:
            came: list[_Came] = [*self.heard, *self.reported]
            orders = [came, came[::-1], random.Random(self.count).sample(came, len(came))]
            games = [self._replayed([*order, *order[:2]]) for order in orders]
            first, *others = [facts(game.host.storage, ACME) for game in games]
            for game in games:
                game.connector.close()
            assert all(first == other for other in others), "another order of delivery gave other facts"
        finally:
            self.game.connector.close()

    def _replayed(self, order: Sequence[_Came]) -> Game:
        game = self._new_game()
        for contact in NUMBERS:
            game.asks(contact)
        game.clock.advance_to(self.game.clock.now + DAY)
        for who, what in order:
            if isinstance(what, Report):
                game.bring_report(int(who), what)
            else:
                game.bring(ContactId(str(who)), what)
        return game

    # --- what happens -------------------------------------------------------------------------------------------------

    @initialize(hours=st.integers(0, 23))
    def begin(self, hours: int) -> None:
        self.game.clock.advance(hours=hours)

    @rule(span=spans())
    def time_passes(self, span: timedelta) -> None:
        self.game.clock.advance(span)
        self.game.dispatch()

    @rule(contact=CUSTOMERS)
    def time_passes_to_the_end_of_his_window(self, contact: ContactId) -> None:
        closes = self.game.oracle(contact).closes_at("line-1")
        if closes is not None:
            self.game.clock.advance_to(closes)
            self.game.dispatch()

    @rule(contact=CUSTOMERS, late=lateness(), says=st.none() | st.sampled_from(SPOKEN))
    def a_customer_writes(self, contact: ContactId, late: timedelta, says: Signal | None) -> None:
        self._hear(contact, Kind.WROTE, late, says=says)

    @rule(contact=CUSTOMERS, says=st.sampled_from(SPOKEN))
    def a_customer_answers(self, contact: ContactId, says: Signal) -> None:
        self._hear(contact, Kind.WROTE, timedelta(0), says=says)

    @rule(contact=CUSTOMERS, late=lateness())
    def a_customer_asks_for_help(self, contact: ContactId, late: timedelta) -> None:
        self._hear(contact, Kind.WROTE, late, wants_help=True)

    @rule(contact=CUSTOMERS, late=lateness(), kind=st.sampled_from((Kind.CALLED, Kind.NODDED)))
    def a_customer_gives_a_sign(self, contact: ContactId, late: timedelta, kind: Kind) -> None:
        self._hear(contact, kind, late)

    @rule(contact=CUSTOMERS, late=lateness(), wants=st.booleans())
    def a_customer_chooses_about_marketing(self, contact: ContactId, late: timedelta, wants: bool) -> None:
        self._hear(contact, Kind.NOTED, late, says=Signal.MARKETING_RESUMED if wants else Signal.MARKETING_STOPPED)

    @rule(which=st.integers(0, 50))
    def something_is_told_twice(self, which: int) -> None:
        if self.heard:
            contact, entry = self.heard[which % len(self.heard)]
            self.game.hears(contact, entry)

    @rule(contact=CUSTOMERS)
    def a_user_asks_for_consent(self, contact: ContactId) -> None:
        self._judged(self.game.oracle(contact).may_ask(self.game.clock.now), self.game.asks(contact).decision.reason)

    @rule(contact=CUSTOMERS, hold=st.booleans())
    def a_user_writes(self, contact: ContactId, hold: bool) -> None:
        self.game.writes(contact, Text("Hello"), hold=hold)

    @rule(contact=CUSTOMERS, name=st.sampled_from(("hello", "sale")))
    def a_user_uses_a_template(self, contact: ContactId, name: str) -> None:
        parameters = {"body.1": "Carl"} if name == "hello" else {}
        if self.game.thread(contact) is None:
            return
        reason = self.game.oracle(contact).may_use_template("line-1", self.game.clock.now, is_marketing=name == "sale")
        self._judged(reason, self.game.writes(contact, TemplateMessage(name, "en", parameters)).decision.reason)

    @rule(contact=CUSTOMERS, ago=st.sampled_from((timedelta(0), timedelta(hours=1), 3 * DAY, -2 * SKEW)))
    def staff_record_a_consent(self, contact: ContactId, ago: timedelta) -> None:
        now, self.count = self.game.clock.now, self.count + 1
        expected = self.game.oracle(contact).may_record(now - ago, now, has_file=False)
        self._judged(expected, self.game.records(contact, now - ago, f"paper {self.count}"))

    @rule(outcome=st.sampled_from(("window", "undelivered", "lost")))
    def the_provider_will_not_take_the_next(self, outcome: str) -> None:
        self.game.next_outcome = outcome

    @rule(number=st.integers(1, 4), report=st.sampled_from((Report.SENT, Report.DELIVERED, Report.READ, Report.FAILED)))
    def the_provider_reports(self, number: int, report: Report) -> None:
        if report is not Report.FAILED:  # Of a message that arrived, it contradicts: then what came first is believed.
            self.reported.append((number, report))
        if number <= len(self.game.departures):
            self.game.reports(number, report)
            self.game.dispatch()

    @rule(either=st.booleans(), margin=st.booleans(), answers=st.booleans())
    def the_policy_changes(self, either: bool, margin: bool, answers: bool) -> None:
        self.game.sets(window_margin=timedelta(minutes=30 * margin), answer_inbound=answers, contacts_only=either)

    def _hear(self, contact: ContactId, kind: Kind, late: timedelta, **more: Any) -> None:
        self.count += 1
        now = self.game.clock.now
        entry = Happened(kind, now - late, now, f"in {self.count}", **more)
        expected = self.game.oracle(contact).notices(self.game.believed(entry))
        self.heard.append((contact, entry))
        self.game.hears(contact, entry)
        placed = self.game.notices_for(entry)
        assert sorted(expected, key=str) == sorted(placed, key=str), f"{placed} followed by itself, not {expected}"

    # --- what must hold -----------------------------------------------------------------------------------------------

    @staticmethod
    def _judged(expected: Reason, found: Reason) -> None:
        # A host's own rule is asked last, so it speaks only where nothing else is in the way.
        assert found is expected or (found is Reason.HOST_RULE and expected is Reason.ALLOWED), (found, expected)

    @invariant()
    def the_screens_say_what_the_oracle_says(self) -> None:
        for contact in NUMBERS:
            oracle, verdicts, now = self.game.oracle(contact), self.game.verdicts(contact), self.game.clock.now
            self._judged(oracle.may_write("line-1", now), verdicts["write"])
            self._judged(oracle.may_ask(now), verdicts["ask"])

    @invariant()
    def the_evidence_verifies(self) -> None:
        assert self.game.connector.verify_evidence(ACME).holds

    @invariant()
    def what_was_held_leaves_once_at_most(self) -> None:
        left = [departure.message.id for departure in self.game.departures]
        for held in self.game.held.values():
            assert all(left.count(message) <= 1 for message in held)


RulesMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)

__all__ = ["RulesMachine"]
