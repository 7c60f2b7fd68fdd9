"""Enablement is inherited, and the verdict names the level that decided."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.directory import ChannelSwitch, Organization, Seat, User
from wa_connector.model.ids import OrganizationId, TenantId, UserId
from wa_connector.policy.enablement import enablement

quick = settings(max_examples=60, deadline=None)

ON = ChannelSwitch(enabled=True)
OFF = ChannelSwitch(enabled=False)
OFF_BUT = ChannelSwitch(enabled=False, may_enable=True)
"""Off, and a level below may switch it on again."""
SWITCHES = st.sampled_from((None, ON, OFF, OFF_BUT))
Said = ChannelSwitch | None


def path(*said: Said) -> tuple[Organization, ...]:
    return tuple(
        Organization(OrganizationId(f"o{depth}"), f"level {depth}", {"whatsapp": switch} if switch else {})
        for depth, switch in enumerate(said)
    )


def seat(*said: Said, user: Said = None, disabled: bool = False) -> Seat:
    channels = {"whatsapp": user} if user else {}
    return Seat(User(TenantId("acme"), UserId("anna"), "Anna", channels, disabled=disabled), path(*said))


def verdict(line: tuple[Organization, ...], user: Seat | None = None) -> Decision:
    return enablement(line, user, "whatsapp", "WhatsApp")


def on(level: str) -> Decision:
    return Decision(Reason.ALLOWED, (("channel", "WhatsApp"), ("level", level)))


def off(level: str) -> Decision:
    remedy = Remedy(RemedyKind.ASK_ADMINISTRATOR)
    return Decision(Reason.CHANNEL_DISABLED, (("channel", "WhatsApp"), ("level", level)), (remedy,))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), off("default")),
        ((None, None), off("default")),
        ((ON,), on("level 0")),
        ((None, ON), on("level 1")),
        ((ON, None, None), on("level 0")),
        ((OFF,), off("level 0")),
        ((OFF_BUT,), off("level 0")),
        ((ON, OFF), off("level 1")),
        ((OFF, ON), off("level 0")),
        ((OFF_BUT, ON), on("level 1")),
        ((OFF_BUT, None, ON), on("level 2")),
        ((OFF_BUT, ON, OFF), off("level 2")),
        ((OFF_BUT, OFF, ON), off("level 1")),
        ((OFF_BUT, OFF_BUT, ON), on("level 2")),
        ((ON, OFF, ON, ON), off("level 1")),
        ((ON, OFF_BUT, None, ON), on("level 3")),
        ((OFF, OFF_BUT, ON), off("level 0")),
        ((ON, ON), on("level 1")),
    ],
)
def test_a_level_holds_for_all_below_until_one_that_may_says_otherwise(
    said: tuple[Said, ...], expected: Decision
) -> None:
    assert expected == verdict(path(*said))
    assert expected == verdict(path(ON), seat(*said)), "a user's path is read by the same rules"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (seat(ON, user=None), on("level 0")),
        (seat(ON, user=OFF), off("Anna")),
        (seat(OFF_BUT, user=ON), on("Anna")),
        (seat(OFF, user=ON), off("level 0")),
        (seat(user=ON), on("Anna")),
    ],
)
def test_the_user_is_the_last_level(said: Seat, expected: Decision) -> None:
    assert expected == verdict(path(ON), said)


def test_it_takes_the_line_and_the_user() -> None:
    assert off("level 0") == verdict(path(OFF), seat(ON))
    assert off("default") == verdict(path(), seat(ON))
    assert off("default") == verdict(path(ON), seat())


def test_what_the_system_does_by_itself_needs_the_line_alone() -> None:
    assert on("level 0") == verdict(path(ON), None)


def test_a_disabled_user_may_nothing_and_hears_why() -> None:
    disabled = Decision(Reason.USER_DISABLED, remedies=(Remedy(RemedyKind.ASK_ADMINISTRATOR),))
    assert disabled == verdict(path(ON), seat(ON, user=ON, disabled=True))
    assert off("level 0") == verdict(path(OFF), seat(ON, disabled=True)), "a channel that is off is off for everybody"


def test_another_channel_says_nothing_about_this_one() -> None:
    sms = Organization(OrganizationId("o"), "Acme", {"sms": ON})
    assert off("default") == verdict((sms,))


def test_the_sentence_names_channel_and_level() -> None:
    assert verdict(path(ON, OFF)).sentence == "WhatsApp is switched off by level 1."


_PATHS = st.lists(SWITCHES, max_size=5)


@quick
@given(_PATHS, st.lists(SWITCHES, max_size=3), SWITCHES)
def test_a_level_that_forbids_it_wins_over_everything_below(above: list[Said], below: list[Said], user: Said) -> None:
    forbidden = verdict(path(*above, OFF))
    assert Reason.CHANNEL_DISABLED is forbidden.reason
    assert forbidden == verdict(path(*above, OFF, *below))
    assert forbidden == verdict(path(ON), seat(*above, OFF, *below, user=user))


@quick
@given(_PATHS)
def test_silent_levels_change_nothing_but_the_numbering(said: list[Said]) -> None:
    spread = [level for switch in said for level in (switch, None)]
    assert verdict(path(*said)).is_allowed == verdict(path(*spread)).is_allowed


@quick
@given(_PATHS, _PATHS, SWITCHES)
def test_who_may_use_it_may_by_both_paths(line: list[Said], organizations: list[Said], user: Said) -> None:
    expected = verdict(path(*line)).is_allowed and verdict(path(*organizations, user)).is_allowed
    assert expected == verdict(path(*line), seat(*organizations, user=user)).is_allowed
