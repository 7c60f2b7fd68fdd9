"""Going by another channel, told a second time in plain words: what has to be so, and what nobody may go round."""

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.consent import Stage
from wa_connector.model.content import Content, Text
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.setting import FallBack
from wa_connector.model.standing import Standing
from wa_connector.policy.action import Write
from wa_connector.policy.falling_back import judge_fall_back
from wa_connector.policy.rules import decide
from wa_connector.testing.host import TEXTS
from wa_connector.testing.strategies import NOW, standings

quick = settings(max_examples=300, deadline=None)
NO = (Stage.DECLINED, Stage.REVOKED)


def here() -> st.SearchStrategy[Standing]:
    """Of any channel; obstacles are frequent."""
    standing = st.tuples(standings(), st.sampled_from(FallBack), st.booleans(), st.booleans())
    return standing.map(
        lambda each: evolve(
            each[0],
            settings=evolve(each[0].settings, fall_back=each[1]),
            unreachable_since_at=NOW if each[2] else each[0].unreachable_since_at,
            enablement=Decision(Reason.ALLOWED) if each[3] else each[0].enablement,
        )
    )


def there() -> st.SearchStrategy[Standing]:
    return standings().map(lambda standing: evolve(standing, capabilities=TEXTS))


def has_veto(standing: Standing) -> bool:
    return any(veto.until_at is None or veto.until_at > NOW for veto in standing.vetoes)


def may_text(standing: Standing, content: Content | None) -> bool:
    """Whether a text of this length may go by a channel that asks nobody for an opt-in and has no window."""
    fits = content is None or (isinstance(content, Text) and 0 < len(content.body.strip()) <= 160)
    is_there = standing.has_address and standing.unreachable_since_at is None
    return standing.enablement.is_allowed and is_there and fits


@quick
@given(here(), there(), st.none() | st.sampled_from((Text("Hi"), Text("x" * 161))))
def test_a_message_goes_the_other_way_exactly_if_something_is_in_its_own_and_nobody_said_no(
    own: Standing, other: Standing, content: Content | None
) -> None:
    verdict = decide(Write(content), own, NOW)
    expected = (
        own.settings.fall_back is not FallBack.NEVER
        and verdict.reason in {Reason.NO_ADDRESS, Reason.NOT_ON_CHANNEL, Reason.WINDOW_CLOSED}
        and own.consent.conversation not in NO
        and other.consent.conversation not in NO
        and not has_veto(own)
        and not has_veto(other)
        and may_text(other, content)
    )
    judged = judge_fall_back(content, verdict, own, other, NOW)
    assert expected == judged.is_allowed
    if not judged.is_allowed and not verdict.is_allowed:
        assert judged.sentence


@quick
@given(here(), there())
def test_what_may_go_its_own_way_needs_no_other(own: Standing, other: Standing) -> None:
    verdict = Decision(Reason.ALLOWED)
    assert judge_fall_back(None, verdict, own, other, NOW).reason is Reason.FALL_BACK_NOT_NEEDED


@quick
@given(here(), there())
def test_the_remedy_is_named_only_where_nobody_said_no(own: Standing, other: Standing) -> None:
    """A screen that shows the remedy never suggests to go round a person's own word."""
    verdict = decide(Write(), own, NOW)
    if judge_fall_back(None, verdict, own, other, NOW).is_allowed:
        assert "use_sms" in {remedy.kind.value for remedy in verdict.remedies}
    if own.consent.conversation in NO or own.settings.fall_back is FallBack.NEVER:
        assert "use_sms" not in {remedy.kind.value for remedy in verdict.remedies}
