"""What screens are told is what the buttons would answer."""

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.consent import ChannelConsent, Stage
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.ids import ConversationId, LineId
from wa_connector.model.standing import Standing
from wa_connector.model.window import NO_WINDOW, Window
from wa_connector.policy.action import AskConsent, UseTemplate, Write
from wa_connector.policy.rules import decide
from wa_connector.policy.screens import Composer, composer, contact_action
from wa_connector.testing.strategies import DAY, NOW, WHATSAPP, standings

quick = settings(max_examples=60, deadline=None)
LINE, THREAD = LineId("line-1"), ConversationId("c-1")
FREE = Standing(
    WHATSAPP,
    Decision(Reason.ALLOWED),
    consent=ChannelConsent(Stage.GRANTED),
    window=Window(customer_at=NOW),
    is_contact=True,
)


@quick
@given(standings(), st.none() | st.just(THREAD))
def test_a_contacts_actions_are_what_the_rules_say(standing: Standing, thread: ConversationId | None) -> None:
    shown = contact_action(standing, LINE, thread, AskConsent(), NOW)
    assert (standing.capabilities.channel, standing.capabilities.label, LINE) == (
        shown.channel,
        shown.label,
        shown.line,
    )
    assert thread == shown.conversation
    assert decide(AskConsent(), standing, NOW) == shown.ask
    if standing.is_contact or standing.is_contact is None or not standing.settings.contacts_only:
        assert decide(Write(), standing, NOW) == shown.write
    else:
        assert shown.write.reason in {Reason.NOT_A_CONTACT, Reason.CONTACTS_UNAVAILABLE}


@quick
@given(standings(), st.integers(0, 3))
def test_the_message_field_is_what_the_rules_say(standing: Standing, held: int) -> None:
    shown = composer(standing, AskConsent(), held, NOW)
    assert decide(Write(), standing, NOW) == shown.write
    assert decide(UseTemplate(), standing, NOW) == shown.template
    assert decide(AskConsent(), standing, NOW) == shown.ask
    assert held == shown.held


def test_the_message_field_says_when_it_will_close() -> None:
    assert composer(FREE, AskConsent(), 0, NOW).closes_at == NOW + DAY
    assert composer(evolve(FREE, window=NO_WINDOW), AskConsent(), 0, NOW).closes_at is None


def test_after_a_decline_neither_field_nor_templates_nor_request_are_offered() -> None:
    declined = evolve(FREE, consent=ChannelConsent(Stage.DECLINED, changed_at=NOW))
    shown = composer(declined, AskConsent(), 0, NOW)
    reasons = [shown.write.reason, shown.template.reason, shown.ask.reason]
    assert reasons == [Reason.CONSENT_DECLINED] * 3


def test_after_the_window_the_template_tool_stays() -> None:
    shown = composer(evolve(FREE, window=NO_WINDOW), AskConsent(), 0, NOW)
    assert Reason.WINDOW_CLOSED is shown.write.reason
    assert shown.template.is_allowed


def test_a_field_that_is_refused_holds_nothing() -> None:
    refusal = Decision(Reason.NOT_A_PARTICIPANT)
    assert Composer(refusal, refusal, refusal).held == 0
