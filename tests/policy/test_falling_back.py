"""When another line is offered: what counts as an obstacle, and what a refusal of the provider's tells of one."""

import pytest
from attrs import evolve

from wa_connector.model.consent import ChannelConsent, Stage
from wa_connector.model.content import Text
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.outbound import Correction
from wa_connector.model.setting import FallBack, Settings
from wa_connector.model.standing import Standing
from wa_connector.model.window import Window
from wa_connector.policy.falling_back import LEARNT, judge_fall_back
from wa_connector.testing.strategies import NOW, SMS, WHATSAPP

HERE = Standing(
    WHATSAPP,
    Decision(Reason.ALLOWED),
    Settings(fall_back=FallBack.OFFER),
    consent=ChannelConsent(Stage.GRANTED),
    window=Window(customer_at=NOW),
)
THERE = evolve(HERE, capabilities=SMS, consent=ChannelConsent())


@pytest.mark.parametrize(
    ("reason", "goes"),
    [(each, each in (Reason.NO_ADDRESS, Reason.NOT_ON_CHANNEL, Reason.WINDOW_CLOSED)) for each in Reason],
)
def test_only_what_keeps_the_channel_from_him_is_gone_round(reason: Reason, goes: bool) -> None:
    """Whatever else is refused stays refused; what is allowed needs no other way."""
    verdict = Decision(reason)
    judged = judge_fall_back(Text("Hi"), verdict, HERE, THERE, NOW)
    if verdict.is_allowed:
        assert judged == Decision(Reason.FALL_BACK_NOT_NEEDED, (("channel", WHATSAPP.label),))
    elif goes:
        assert judged.is_allowed
        never = evolve(HERE, settings=Settings(fall_back=FallBack.NEVER))
        assert judge_fall_back(Text("Hi"), verdict, never, THERE, NOW) == verdict
    else:
        assert judged == verdict


@pytest.mark.parametrize(
    ("stage", "reason"),
    [(Stage.DECLINED, Reason.CONSENT_DECLINED), (Stage.REVOKED, Reason.CONSENT_REVOKED)],
)
@pytest.mark.parametrize("where", ["here", "there"])
def test_a_no_on_either_channel_closes_the_way_round(stage: Stage, reason: Reason, where: str) -> None:
    no = ChannelConsent(conversation=stage)
    here, there = (
        evolve(each, consent=no) if place == where else each for place, each in (("here", HERE), ("there", THERE))
    )
    assert judge_fall_back(Text("Hi"), Decision(Reason.WINDOW_CLOSED), here, there, NOW).reason is reason


def test_what_a_refusal_of_the_providers_tells() -> None:
    told = {correction: LEARNT.get(correction) for correction in Correction}
    assert {correction: reason for correction, reason in told.items() if reason} == {
        Correction.NOT_ON_CHANNEL: Reason.NOT_ON_CHANNEL,
        Correction.WINDOW_CLOSED: Reason.WINDOW_CLOSED,
    }
