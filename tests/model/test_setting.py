"""Settings remember what was in force when."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.ids import UserId
from wa_connector.model.setting import SettingChange, SettingHistory
from wa_connector.testing.strategies import MICROSECOND, NOW

quick = settings(max_examples=40, deadline=None)
ANNA = UserId("anna")

_CHANGES = st.lists(
    st.builds(
        lambda name, value, minute: SettingChange(name, value, ANNA, NOW + timedelta(minutes=minute)),
        st.sampled_from(("answer_inbound", "contacts_only")),
        st.sampled_from(("true", "false", "")),
        st.integers(0, 5),
    ),
    max_size=6,
).map(lambda changes: tuple(sorted(changes, key=lambda change: change.since_at)))


@quick
@given(_CHANGES, st.integers(-1, 6))
def test_of_each_name_the_last_change_up_to_an_instant_counts(changes: tuple[SettingChange, ...], minute: int) -> None:
    at = NOW + timedelta(minutes=minute)
    expected: dict[str, str] = {}
    for change in changes:
        if change.since_at <= at:
            expected.pop(change.name, None)
            if change.value:
                expected[change.name] = change.value
    assert expected == SettingHistory(changes).as_of(at)


@quick
@given(_CHANGES)
def test_without_an_instant_all_changes_count(changes: tuple[SettingChange, ...]) -> None:
    history = SettingHistory(changes)
    assert history.as_of(NOW + timedelta(days=1)) == history.as_of(None)


def test_a_change_is_in_force_from_its_very_instant() -> None:
    history = SettingHistory((SettingChange("answer_inbound", "false", ANNA, NOW),))
    assert history.as_of(NOW) == {"answer_inbound": "false"}
    assert history.as_of(NOW - MICROSECOND) == {}


def test_an_empty_value_takes_the_override_back() -> None:
    given_back = SettingChange("answer_inbound", "", ANNA, NOW + timedelta(days=1))
    history = SettingHistory((SettingChange("answer_inbound", "false", ANNA, NOW), given_back))
    assert history.as_of(None) == {}
