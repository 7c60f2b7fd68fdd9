"""The shipped game, against the real connector over the storage in memory."""

from hypothesis.stateful import run_state_machine_as_test

from wa_connector.testing.rules_machine import RulesMachine


def test_the_rules_hold_through_a_long_game() -> None:
    run_state_machine_as_test(RulesMachine)
