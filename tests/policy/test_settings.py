"""Settings: the deepest level that says something is heard, and nonsense is refused by name."""

from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.errors import UsageError
from wa_connector.model.consent import Purpose
from wa_connector.model.directory import Organization, Seat, User
from wa_connector.model.ids import OrganizationId, TenantId, UserId
from wa_connector.model.setting import DEFAULTS, RevocationScope, Settings, UnknownOutcome
from wa_connector.model.window import WindowRule
from wa_connector.policy.settings import checked_setting, scope_of, scopes_of, settings_of
from wa_connector.testing import strategies

quick = settings(max_examples=40, deadline=None)
NAMES = [field.name for field in attrs.fields(Settings)]


def organization(name: str, **overrides: object) -> Organization:
    return Organization(OrganizationId(name), name, settings=overrides)


def seat(*organizations: Organization, **overrides: object) -> Seat:
    return Seat(User(TenantId("acme"), UserId("anna"), "Anna", settings=overrides), organizations)


def test_without_overrides_the_defaults_are_in_force() -> None:
    assert settings_of(()) == DEFAULTS
    assert settings_of((organization("acme"),), seat(organization("acme"))) == DEFAULTS


def test_the_deepest_level_that_says_something_is_heard() -> None:
    acme = organization("acme", answer_inbound=False, help_text="Call us.", contacts_only=False)
    sales = organization("sales", help_text="Call sales.")
    expected = Settings(answer_inbound=False, help_text="Ask Anna.", contacts_only=False)
    assert attrs.evolve(expected, help_text="Call us.") == settings_of((acme,))
    assert attrs.evolve(expected, help_text="Call sales.") == settings_of((acme, sales))
    assert expected == settings_of((acme, sales), seat(acme, sales, help_text="Ask Anna."))


def test_at_each_level_what_was_changed_at_run_time_beats_the_directory_and_nothing_deeper() -> None:
    acme, sales = organization("acme", help_text="directory, root"), organization("sales")
    stored: dict[str, dict[str, Any]] = {"organization:acme": {"help_text": "stored, root"}}
    assert settings_of((acme, sales), stored=stored).help_text == "stored, root"
    deeper = organization("sales", help_text="directory, sales")
    assert settings_of((acme, deeper), stored=stored).help_text == "directory, sales"
    stored["user:anna"] = {"help_text": "stored, Anna"}
    assert settings_of((acme, deeper), seat(help_text="Anna"), stored).help_text == "stored, Anna"
    assert settings_of((acme, deeper), stored=stored).help_text == "directory, sales"


def test_the_levels_that_count_are_named_root_first() -> None:
    levels = (organization("acme"), organization("sales"))
    assert scopes_of(levels, None) == ("organization:acme", "organization:sales")
    assert scopes_of(levels, seat()) == ("organization:acme", "organization:sales", "user:anna")
    assert scope_of(seat()) == "user:anna"


def test_a_name_that_no_setting_has_is_not_passed_over() -> None:
    with pytest.raises(TypeError, match="anwser_inbound"):
        settings_of((organization("acme", anwser_inbound=True),))


@quick
@given(st.lists(strategies.settings(), min_size=1, max_size=4), st.data())
def test_each_name_is_folded_by_itself(levels: list[Settings], data: st.DataObject) -> None:
    named = [data.draw(st.sets(st.sampled_from(NAMES), max_size=4)) for _ in levels]
    organizations = tuple(
        organization(f"level {depth}", **{name: getattr(level, name) for name in names})
        for depth, (level, names) in enumerate(zip(levels, named, strict=True))
    )
    folded = settings_of(organizations)
    for name in NAMES:
        said = [getattr(level, name) for level, names in zip(levels, named, strict=True) if name in names]
        assert [getattr(DEFAULTS, name), *said][-1] == getattr(folded, name)


# --- what may be set --------------------------------------------------------------------------------------------------


@quick
@given(strategies.settings(), st.sampled_from(NAMES))
def test_every_value_that_a_setting_can_have_is_taken(values: Settings, name: str) -> None:
    assert getattr(values, name) == checked_setting(name, getattr(values, name))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("no_such", 1, "there is no setting 'no_such'"),
        ("answer_inbound", 1, "answer_inbound is a bool, not a int"),
        ("help_text", None, "help_text is a str, not a NoneType"),
        ("ask_again_after", 24, "ask_again_after is a timedelta, not a int"),
        ("ask_again_after", timedelta(microseconds=-1), "ask_again_after cannot be negative"),
        ("window_margin", timedelta(hours=12, microseconds=1), "window_margin cannot be more than 12:00:00"),
        ("window_rule", "any_message", "window_rule is a WindowRule: CUSTOMER_MESSAGE, ANY_MESSAGE, not a str"),
        ("window_rule", UnknownOutcome.PARK, "not a UnknownOutcome"),
        ("opt_in_purposes", (), "opt_in_purposes is a tuple of one or more Purpose"),
        ("opt_in_purposes", Purpose.MARKETING, "opt_in_purposes is a tuple of one or more Purpose"),
        ("opt_in_purposes", (Purpose.MARKETING, "conversation"), "opt_in_purposes is a tuple of one or more Purpose"),
    ],
)
def test_any_other_value_is_refused_with_what_it_may_be(name: str, value: object, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        checked_setting(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window_margin", timedelta(hours=12)),
        ("ask_again_after", timedelta(0)),
        ("window_rule", WindowRule.ANY_MESSAGE),
        ("revocation_scope", RevocationScope.ALL),
        ("opt_in_purposes", (Purpose.MARKETING, Purpose.CONVERSATION)),
    ],
)
def test_a_value_at_the_edge_of_what_is_allowed_is_taken(name: str, value: object) -> None:
    assert value == checked_setting(name, value)
