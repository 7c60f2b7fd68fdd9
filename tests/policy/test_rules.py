"""May I? Each refusal with its words, and what no standing whatever may allow."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings

from wa_connector.model.consent import ChannelConsent, Stage
from wa_connector.model.content import TemplateMessage, Text
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.ids import AccountId
from wa_connector.model.message import NoticeKind
from wa_connector.model.opinion import Veto
from wa_connector.model.setting import DEFAULTS
from wa_connector.model.standing import Standing, TierUse
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.model.window import NO_WINDOW, Window, WindowRule
from wa_connector.policy.action import (
    Action,
    AskAgain,
    AskConsent,
    DeliverRequest,
    Notify,
    RecordConsent,
    UseTemplate,
    Write,
)
from wa_connector.policy.rules import RULES, decide
from wa_connector.policy.window import is_open, is_open_by_customer
from wa_connector.testing.strategies import (
    DAY,
    MICROSECOND,
    NOW,
    SMS,
    WHATSAPP,
    actions,
    instants_around,
    standings,
    template_actions,
)

quick = settings(max_examples=50, deadline=None)
HOUR = timedelta(hours=1)

ON = Decision(Reason.ALLOWED)
OFF = Decision(
    Reason.CHANNEL_DISABLED, (("channel", "WhatsApp"), ("level", "Acme")), (Remedy(RemedyKind.ASK_ADMINISTRATOR),)
)
DISABLED = Decision(Reason.USER_DISABLED, remedies=(Remedy(RemedyKind.ASK_ADMINISTRATOR),))

NEVER_ASKED = ChannelConsent()
ASKED = ChannelConsent(Stage.ASKED, asked_at=NOW - HOUR, changed_at=NOW - HOUR)
GRANTED = ChannelConsent(Stage.GRANTED, changed_at=NOW - HOUR)
DECLINED = ChannelConsent(Stage.DECLINED, changed_at=NOW - HOUR)
REVOKED = ChannelConsent(Stage.REVOKED, Stage.REVOKED, changed_at=NOW - HOUR)
STAGES = {consent.conversation: consent for consent in (NEVER_ASKED, ASKED, GRANTED, DECLINED, REVOKED)}

FREE = Standing(WHATSAPP, ON, consent=GRANTED, window=Window(customer_at=NOW - HOUR), is_contact=True)
"""Nothing stands in the way of anything but a second question."""
HELLO = Template(
    AccountId("account-1"), "hello", "en", TemplateCategory.UTILITY, TemplateStatus.APPROVED, body="Hello {{1}}"
)
OFFER = evolve(HELLO, category=TemplateCategory.MARKETING)
FILLED = TemplateMessage("hello", "en", {"body.1": "Ann"})
FULL = TierUse(left=0, includes_customer=False, frees_at=NOW + HOUR)

WRITE = Write(Text("Hello"))
USE = UseTemplate(FILLED, HELLO)
ASK = AskConsent(FILLED, HELLO)
AGAIN = AskAgain(FILLED, HELLO)
DELIVER = DeliverRequest(FILLED, HELLO)
CONFIRM = Notify(NoticeKind.ACCEPTANCE, Text("Thank you."))
RECORD = RecordConsent(given_at=NOW, has_attachment=True)


def remedies(*kinds: RemedyKind) -> tuple[Remedy, ...]:
    return tuple(Remedy(kind) for kind in kinds)


def wait(at: datetime) -> tuple[Remedy, ...]:
    return (Remedy(RemedyKind.WAIT, at),)


USE_SMS, CHOOSE, HOLD = RemedyKind.USE_SMS, RemedyKind.CHOOSE_TEMPLATE, RemedyKind.HOLD


@frozen
class Case:
    """What refuses ``action`` where ``changes`` are made to a standing that allows it, and what would help."""

    action: Action
    changes: dict[str, Any]
    reason: Reason
    rule: str
    remedies: tuple[Remedy, ...] = ()
    sentence: str = ""


def without(**settings: Any) -> dict[str, Any]:
    return {"settings": evolve(DEFAULTS, **settings)}


NO_MARKETING = evolve(WHATSAPP, no_marketing_to=frozenset({"US"}))
MARKETED = evolve(GRANTED, marketing=Stage.GRANTED)

CASES = [
    # who and whom
    Case(
        WRITE,
        {"enablement": OFF},
        Reason.CHANNEL_DISABLED,
        "enabled",
        OFF.remedies,
        "WhatsApp is switched off by Acme.",
    ),
    Case(CONFIRM, {"enablement": DISABLED}, Reason.USER_DISABLED, "enabled", DISABLED.remedies),
    Case(
        ASK,
        {"consent": NEVER_ASKED, "is_contact": False},
        Reason.NOT_A_CONTACT,
        "contact",
        remedies(RemedyKind.ADD_CONTACT),
    ),
    Case(
        ASK,
        {"consent": NEVER_ASKED, "is_contact": False, "contacts_available": False},
        Reason.CONTACTS_UNAVAILABLE,
        "contact",
        remedies(RemedyKind.RETRY),
    ),
    Case(
        WRITE,
        {"has_address": False},
        Reason.NO_ADDRESS,
        "addressed",
        remedies(USE_SMS),
        "This contact has no address on WhatsApp.",
    ),
    Case(USE, {"unreachable_since_at": NOW}, Reason.NOT_ON_CHANNEL, "reachable", remedies(USE_SMS)),
    Case(WRITE, {"vetoes": (Veto("hours", "Not at night."),)}, Reason.HOST_RULE, "hosts_rules", (), "Not at night."),
    Case(USE, {"vetoes": (Veto("hours", "Later.", NOW + HOUR),)}, Reason.HOST_RULE, "hosts_rules", wait(NOW + HOUR)),
    Case(
        WRITE,
        {"vetoes": (Veto("z", "Soon.", NOW + HOUR), Veto("b", "Later.", NOW + DAY), Veto("c", "Now.", NOW))},
        Reason.HOST_RULE,
        "hosts_rules",
        wait(NOW + DAY),
        "Later.",
    ),
    Case(
        WRITE,
        {"vetoes": (Veto("a", "Never."), Veto("b", "Later.", NOW + DAY))},
        Reason.HOST_RULE,
        "hosts_rules",
        (),
        "Never.",
    ),
    # consent
    Case(WRITE, {"consent": REVOKED}, Reason.CONSENT_REVOKED, "consented"),
    Case(WRITE, {"consent": REVOKED, "capabilities": SMS}, Reason.CONSENT_REVOKED, "consented"),
    Case(USE, {"consent": DECLINED}, Reason.CONSENT_DECLINED, "consented"),
    Case(WRITE, {"consent": ASKED}, Reason.CONSENT_AWAITED, "consented", wait(NOW + 23 * HOUR)),
    Case(
        WRITE,
        {"consent": evolve(ASKED, asked_at=NOW - DAY)},
        Reason.CONSENT_AWAITED,
        "consented",
        remedies(RemedyKind.ASK_FOR_CONSENT),
    ),
    Case(
        WRITE,
        {"consent": NEVER_ASKED, "window": NO_WINDOW},
        Reason.CONSENT_NOT_ASKED,
        "consented",
        remedies(RemedyKind.ASK_FOR_CONSENT),
    ),
    Case(
        USE,
        {"consent": NEVER_ASKED} | without(answer_inbound=False),
        Reason.CONSENT_NOT_ASKED,
        "consented",
        remedies(RemedyKind.ASK_FOR_CONSENT),
    ),
    Case(
        WRITE,
        {"consent": NEVER_ASKED, "window": Window(business_at=NOW)} | without(window_rule=WindowRule.ANY_MESSAGE),
        Reason.CONSENT_NOT_ASKED,
        "consented",
        remedies(RemedyKind.ASK_FOR_CONSENT),
    ),
    Case(ASK, {}, Reason.CONSENT_GRANTED_ALREADY, "may_ask"),
    Case(ASK, {"consent": DECLINED}, Reason.CONSENT_DECLINED, "may_ask"),
    Case(ASK, {"consent": REVOKED}, Reason.CONSENT_REVOKED, "may_ask"),
    Case(
        ASK,
        {"consent": ASKED},
        Reason.ASKED_RECENTLY,
        "may_ask",
        wait(NOW + 23 * HOUR),
        "This customer was asked less than 24 hours ago.",
    ),
    Case(ASK, {"capabilities": SMS}, Reason.CONSENT_NOT_NEEDED, "may_ask", (), "SMS does not ask for an opt-in."),
    Case(AGAIN, {}, Reason.NOTHING_TO_DO, "may_ask_again"),
    Case(AGAIN, {"consent": REVOKED}, Reason.NOTHING_TO_DO, "may_ask_again"),
    Case(AGAIN, {"consent": evolve(DECLINED, asked_since_decline=True)}, Reason.NOTHING_TO_DO, "may_ask_again"),
    Case(DELIVER, {}, Reason.NOTHING_TO_DO, "request_pending"),
    Case(DELIVER, {"consent": DECLINED}, Reason.NOTHING_TO_DO, "request_pending"),
    Case(DELIVER, {"consent": evolve(REVOKED, asked_since_decline=True)}, Reason.NOTHING_TO_DO, "request_pending"),
    Case(CONFIRM, {"consent": REVOKED}, Reason.CONSENT_REVOKED, "not_revoked"),
    Case(RECORD, {"consent": DECLINED}, Reason.CONSENT_DECLINED, "may_record"),
    Case(RECORD, {"consent": REVOKED}, Reason.CONSENT_REVOKED, "may_record"),
    Case(
        evolve(RECORD, has_attachment=False),
        {"consent": REVOKED} | without(staff_may_restore=True),
        Reason.RESTORE_NEEDS_EVIDENCE,
        "may_record",
        remedies(RemedyKind.CORRECT_CONTENT),
    ),
    Case(
        evolve(RECORD, given_at=NOW - HOUR),
        {"consent": REVOKED} | without(staff_may_restore=True),
        Reason.RESTORE_NEEDS_EVIDENCE,
        "may_record",
        remedies(RemedyKind.CORRECT_CONTENT),
    ),
    Case(
        evolve(RECORD, given_at=NOW + DEFAULTS.clock_skew + MICROSECOND),
        {},
        Reason.DATED_AHEAD,
        "dated_before_now",
        remedies(RemedyKind.CORRECT_CONTENT),
    ),
    # window
    Case(
        WRITE,
        {"window": Window(customer_at=NOW - DAY)},
        Reason.WINDOW_CLOSED,
        "in_window",
        remedies(CHOOSE, HOLD, USE_SMS),
        "More than 24 hours have passed since the customer's last sign of life.",
    ),
    Case(
        CONFIRM,
        {"window": NO_WINDOW, "capabilities": evolve(WHATSAPP, has_templates=False)},
        Reason.WINDOW_CLOSED,
        "in_window",
        remedies(HOLD, USE_SMS),
    ),
    # templates
    Case(UseTemplate(), {"capabilities": SMS}, Reason.NO_TEMPLATES, "template_usable", (), "SMS has no templates."),
    Case(
        UseTemplate(FILLED, None),
        {},
        Reason.TEMPLATE_UNKNOWN,
        "template_usable",
        remedies(CHOOSE),
        "There is no template hello (en).",
    ),
    Case(
        UseTemplate(FILLED, evolve(HELLO, status=TemplateStatus.PAUSED)),
        {},
        Reason.TEMPLATE_NOT_APPROVED,
        "template_usable",
        remedies(CHOOSE),
        "The template hello is not approved (it is paused).",
    ),
    Case(
        AskConsent(evolve(FILLED, parameters={}), HELLO),
        {"consent": NEVER_ASKED},
        Reason.TEMPLATE_PARAMETERS,
        "template_usable",
        remedies(RemedyKind.CORRECT_CONTENT),
        "The template hello does not have its parameters: body.1.",
    ),
    Case(UseTemplate(FILLED, OFFER), {}, Reason.MARKETING_NOT_GRANTED, "marketing_granted", remedies(CHOOSE)),
    Case(
        UseTemplate(FILLED, OFFER),
        {"consent": MARKETED, "capabilities": NO_MARKETING, "country": "US"},
        Reason.MARKETING_COUNTRY,
        "marketing_welcome",
        remedies(CHOOSE),
        "WhatsApp takes no marketing to customers in US.",
    ),
    Case(
        UseTemplate(FILLED, OFFER),
        {"consent": MARKETED, "marketing_after_at": NOW + HOUR, "window": NO_WINDOW},
        Reason.MARKETING_CAPPED,
        "marketing_welcome",
        (*wait(NOW + HOUR), *remedies(CHOOSE)),
    ),
    Case(USE, {"tier": FULL, "window": NO_WINDOW}, Reason.DAILY_LIMIT, "within_tier", wait(NOW + HOUR)),
    Case(
        USE,
        {"tier": FULL, "capabilities": evolve(WHATSAPP, window=None)},
        Reason.DAILY_LIMIT,
        "within_tier",
        wait(NOW + HOUR),
    ),
    # content
    Case(Write(Text(" ")), {}, Reason.CONTENT_EMPTY, "content_fits", remedies(RemedyKind.CORRECT_CONTENT)),
]


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{n}: {type(case.action).__name__} {case.reason.value}" for n, case in enumerate(CASES)]
)
def test_a_refusal_says_why_what_would_help_and_which_rule_it_was(case: Case) -> None:
    decision = decide(case.action, evolve(FREE, **case.changes), NOW)
    assert (case.reason, case.remedies) == (decision.reason, decision.remedies)
    assert case.rule == decision.rules[-1]
    assert case.sentence in decision.sentence
    assert decision.until_at is None
    assert not decision.billed


def test_every_rule_has_its_case() -> None:
    every = {name for names, _ in RULES.values() for name in names}
    assert every == {case.rule for case in CASES}


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        (WRITE, {}),
        (Write(), {}),
        (USE, {}),
        (UseTemplate(), {}),
        (UseTemplate(FILLED, OFFER), {"consent": MARKETED}),
        (UseTemplate(FILLED, OFFER), {"consent": MARKETED, "country": "US"}),
        (UseTemplate(FILLED, OFFER), {"consent": MARKETED, "capabilities": NO_MARKETING}),
        (UseTemplate(FILLED, OFFER), {"consent": MARKETED, "marketing_after_at": NOW}),
        (USE, {"marketing_after_at": NOW + DAY}),
        (USE, {"window": NO_WINDOW}),
        (USE, {"tier": FULL}),
        (USE, {"tier": evolve(FULL, left=1), "window": NO_WINDOW}),
        (USE, {"tier": evolve(FULL, includes_customer=True), "window": NO_WINDOW}),
        (WRITE, {"tier": FULL}),
        (ASK, {"consent": NEVER_ASKED}),
        (AskConsent(), {"consent": NEVER_ASKED}),
        (ASK, {"consent": NEVER_ASKED, "is_contact": None}),
        (ASK, {"consent": NEVER_ASKED, "is_contact": False} | without(contacts_only=False)),
        (ASK, {"consent": evolve(ASKED, asked_at=NOW - DAY)}),
        (ASK, {"consent": evolve(NEVER_ASKED, asked_at=NOW)}),
        (AGAIN, {"consent": DECLINED}),
        (AGAIN, {"consent": DECLINED, "unreachable_since_at": NOW}),
        (DELIVER, {"consent": ASKED}),
        (DELIVER, {"consent": evolve(DECLINED, asked_since_decline=True)}),
        (CONFIRM, {}),
        (CONFIRM, {"consent": DECLINED}),
        (Notify(NoticeKind.STOP, Text("Goodbye.")), {"consent": REVOKED}),
        (Notify(NoticeKind.HELP, Text("Reply STOP.")), {"consent": REVOKED}),
        (RECORD, {"consent": NEVER_ASKED}),
        (RECORD, {"consent": ASKED}),
        (RECORD, {"has_address": False, "window": NO_WINDOW}),
        (evolve(RECORD, given_at=NOW + DEFAULTS.clock_skew), {}),
        (evolve(RECORD, given_at=NOW - HOUR + MICROSECOND), {"consent": REVOKED} | without(staff_may_restore=True)),
        (WRITE, {"consent": NEVER_ASKED}),
        (USE, {"consent": NEVER_ASKED}),
        (WRITE, {"consent": NEVER_ASKED, "capabilities": evolve(WHATSAPP, window=None)}),
        (WRITE, {"consent": NEVER_ASKED, "capabilities": SMS, "window": NO_WINDOW}),
        (WRITE, {"consent": DECLINED, "capabilities": SMS}),
        (WRITE, {"is_contact": False}),
        (WRITE, {"vetoes": (Veto("hours", "Not at night.", NOW),)}),
        (AGAIN, {"consent": DECLINED, "vetoes": (Veto("hours", "Not at night."),)}),
    ],
)
def test_what_no_rule_forbids_is_allowed(action: Action, changes: dict[str, Any]) -> None:
    decision = decide(action, evolve(FREE, **changes), NOW)
    assert Reason.ALLOWED is decision.reason, decision.sentence
    assert RULES[type(action)][0] == decision.rules
    assert decision.remedies == ()


def unhindered(standing: Standing) -> Standing:
    """The standing without what would refuse anything at all, so that the rules in question get to speak."""
    return evolve(standing, enablement=ON, has_address=True, unreachable_since_at=None, is_contact=True, vetoes=())


SOMEBODY = standings().map(unhindered)


# --- until when, and at what price ------------------------------------------------------------------------------------

LATER = evolve(DEFAULTS, window_rule=WindowRule.ANY_MESSAGE)


@pytest.mark.parametrize(
    ("action", "changes", "until_at"),
    [
        (WRITE, {}, NOW - HOUR + DAY),
        (CONFIRM, {}, NOW - HOUR + DAY),
        (USE, {}, None),
        (WRITE, {"capabilities": SMS}, None),
        (WRITE, {"consent": NEVER_ASKED}, NOW - HOUR + DAY),
        (USE, {"consent": NEVER_ASKED}, NOW - HOUR + DAY),
        (USE, {"consent": NEVER_ASKED, "capabilities": evolve(WHATSAPP, asks_opt_in=False)}, None),
        (WRITE, {"settings": LATER, "window": Window(NOW - 2 * HOUR, NOW)}, NOW + DAY),
        (
            WRITE,
            {"settings": LATER, "window": Window(NOW - 2 * HOUR, NOW), "consent": NEVER_ASKED},
            NOW - 2 * HOUR + DAY,
        ),
    ],
)
def test_what_is_allowed_by_a_window_is_allowed_until_it_closes(
    action: Action, changes: dict[str, Any], until_at: datetime | None
) -> None:
    assert until_at == decide(action, evolve(FREE, **changes), NOW).until_at


@pytest.mark.parametrize(
    ("action", "consent"), [(USE, GRANTED), (ASK, NEVER_ASKED), (AGAIN, DECLINED), (DELIVER, ASKED)]
)
def test_templates_are_likely_to_be_billed(action: Action, consent: ChannelConsent) -> None:
    assert decide(action, evolve(FREE, consent=consent), NOW).billed


@pytest.mark.parametrize(("free_until_at", "is_billed"), [(NOW, True), (NOW + MICROSECOND, False)])
def test_what_is_free_is_so_up_to_its_very_end(free_until_at: datetime, is_billed: bool) -> None:
    capabilities = evolve(FREE.capabilities, free_form_billed_from_at=NOW)
    standing = evolve(FREE, capabilities=capabilities, free_until_at=free_until_at)
    assert is_billed is decide(WRITE, standing, NOW).billed


@pytest.mark.parametrize(
    ("billed_from_at", "is_billed"),
    [(None, False), (NOW + MICROSECOND, False), (NOW, True), (NOW - MICROSECOND, True)],
)
def test_free_form_is_billed_since_the_channel_says_so(billed_from_at: datetime | None, is_billed: bool) -> None:
    capabilities = evolve(WHATSAPP, free_form_billed_from_at=billed_from_at)
    assert is_billed is decide(WRITE, evolve(FREE, capabilities=capabilities), NOW).billed


@given(actions(), standings(), instants_around(NOW))
def test_what_is_free_for_a_while_changes_the_price_alone(
    action: Action, standing: Standing, free_until_at: datetime
) -> None:
    """Not one verdict, remedy or end of a permission is another; and at its very end it is over."""
    charged = decide(action, evolve(standing, free_until_at=None), NOW)
    free = decide(action, evolve(standing, free_until_at=free_until_at), NOW)
    assert evolve(charged, billed=charged.billed and free_until_at <= NOW) == free


def test_to_record_a_consent_costs_nothing() -> None:
    assert not decide(RECORD, FREE, NOW).billed


@quick
@given(actions(), SOMEBODY)
def test_an_allowed_action_stays_so_until_the_instant_that_was_named_and_not_longer(
    action: Action, standing: Standing
) -> None:
    standing = evolve(standing, tier=None)  # another day, another count
    decision = decide(action, standing, NOW)
    if not decision.is_allowed:
        return
    if decision.until_at is None:
        assert decide(action, standing, NOW + 400 * DAY).is_allowed
    else:
        assert decision.until_at > NOW
        assert decide(action, standing, decision.until_at - MICROSECOND).is_allowed
        assert not decide(action, standing, decision.until_at).is_allowed


# --- what no standing may allow ---------------------------------------------------------------------------------------


@quick
@given(actions(), SOMEBODY)
def test_nothing_free_form_is_allowed_outside_the_window(action: Action, standing: Standing) -> None:
    span = standing.capabilities.window
    if isinstance(action, Write | Notify) and span is not None and decide(action, standing, NOW).is_allowed:
        assert is_open(standing.window, span, standing.settings, NOW)


@quick
@given(SOMEBODY)
def test_what_a_user_writes_leaves_only_with_consent_or_as_an_answer(standing: Standing) -> None:
    """On a channel that asks for an opt-in."""
    if not standing.capabilities.asks_opt_in:
        standing = evolve(standing, capabilities=evolve(standing.capabilities, asks_opt_in=True))
    span, stage = standing.capabilities.window, standing.consent.conversation
    wrote = standing.window.customer_at is not None
    is_answer = wrote if span is None else is_open_by_customer(standing.window, span, standing.settings, NOW)
    may = stage is Stage.GRANTED or (stage is Stage.UNKNOWN and standing.settings.answer_inbound and is_answer)
    for action in (Write(), UseTemplate()):
        decision = decide(action, standing, NOW)
        assert may or not decision.is_allowed
        if decision.rules[-1] == "consented":
            assert not may


@quick
@given(actions(), SOMEBODY)
def test_after_stop_leave_its_confirmation_and_answers_to_help_and_nothing_else(
    action: Action, standing: Standing
) -> None:
    stopped = evolve(standing, consent=evolve(standing.consent, conversation=Stage.REVOKED))
    if decide(action, stopped, NOW).is_allowed and not isinstance(action, RecordConsent):
        assert isinstance(action, Notify)
        assert action.notice in {NoticeKind.STOP, NoticeKind.HELP}


@quick
@given(SOMEBODY, instants_around())
def test_staff_undo_a_refusal_only_where_they_may_and_with_a_file_dated_after_it(
    standing: Standing, given_at: datetime
) -> None:
    consent = standing.consent
    for has_attachment in (True, False):
        decision = decide(RecordConsent(given_at, has_attachment), standing, NOW)
        if decision.is_allowed and consent.conversation in {Stage.DECLINED, Stage.REVOKED}:
            assert standing.settings.staff_may_restore
            assert has_attachment
            assert consent.changed_at is not None
            assert consent.changed_at < given_at <= NOW + standing.settings.clock_skew


@quick
@given(template_actions(), SOMEBODY, instants_around())
def test_the_window_never_stands_in_a_templates_way(action: Action, standing: Standing, customer_at: datetime) -> None:
    """Once the customer agreed, and as long as the day's quota lasts."""
    granted = evolve(standing, consent=evolve(standing.consent, conversation=Stage.GRANTED), tier=None)
    inside, outside = evolve(granted, window=Window(customer_at=customer_at)), evolve(granted, window=NO_WINDOW)
    assert decide(action, inside, NOW) == decide(action, outside, NOW)


@quick
@given(template_actions(), SOMEBODY)
def test_no_template_leaves_that_is_not_there_or_not_approved(action: Action, standing: Standing) -> None:
    assert isinstance(action, UseTemplate | AskConsent | AskAgain | DeliverRequest)
    if decide(action, standing, NOW).is_allowed:
        assert action.template is not None
        assert TemplateStatus.APPROVED is action.template.status


@quick
@given(template_actions(), SOMEBODY)
def test_marketing_needs_its_own_consent(action: Action, standing: Standing) -> None:
    if isinstance(action, UseTemplate) and decide(action, standing, NOW).is_allowed:
        assert action.template is not None
        is_marketing = action.template.category is TemplateCategory.MARKETING
        assert not is_marketing or standing.consent.marketing is Stage.GRANTED


@quick
@given(standings())
def test_a_channel_without_window_and_opt_in_refuses_nobody_but_who_said_stop(standing: Standing) -> None:
    plain = evolve(FREE, capabilities=SMS, consent=standing.consent, window=standing.window, settings=standing.settings)
    is_revoked = standing.consent.conversation is Stage.REVOKED
    expected = Reason.CONSENT_REVOKED if is_revoked else Reason.ALLOWED
    assert expected is decide(WRITE, plain, NOW).reason


@quick
@given(SOMEBODY)
def test_nobody_is_asked_who_has_answered_and_nobody_twice_within_the_pause(standing: Standing) -> None:
    if decide(ASK, standing, NOW).is_allowed:
        consent = standing.consent
        assert consent.conversation in {Stage.UNKNOWN, Stage.ASKED}
        if consent.conversation is Stage.ASKED:
            assert consent.asked_at is not None
            assert consent.asked_at + standing.settings.ask_again_after <= NOW


@quick
@given(actions(), standings())
def test_a_disabled_channel_an_address_that_is_missing_and_a_hosts_veto_stop_whatever_leaves(
    action: Action, standing: Standing
) -> None:
    if isinstance(action, RecordConsent):
        return
    assert not decide(action, evolve(standing, enablement=OFF), NOW).is_allowed
    assert not decide(action, evolve(standing, has_address=False), NOW).is_allowed
    if not isinstance(action, Notify | AskAgain):  # what the system says by itself is judged when it is handed over
        assert not decide(action, evolve(standing, vetoes=(Veto("night", "Not now."),)), NOW).is_allowed


@quick
@given(actions(), standings())
def test_a_verdict_names_the_rules_that_were_asked_and_reads_as_a_sentence(action: Action, standing: Standing) -> None:
    decision = decide(action, standing, NOW)
    names = RULES[type(action)][0]
    assert names[: len(decision.rules)] == decision.rules
    assert decision.sentence
    if decision.is_allowed:
        assert names == decision.rules
    else:
        assert decision.rules
        assert decision.until_at is None
        assert decision.remedies or decision.reason not in {Reason.WINDOW_CLOSED, Reason.CONSENT_NOT_ASKED}


@quick
@given(actions(), standings())
def test_a_wait_that_is_offered_lies_ahead(action: Action, standing: Standing) -> None:
    for remedy in decide(action, standing, NOW).remedies:
        assert (remedy.kind is RemedyKind.WAIT) == (remedy.at is not None)
        assert remedy.at is None or remedy.at > NOW


def test_every_stage_of_a_conversation_has_its_verdict_on_writing() -> None:
    verdicts = {stage: decide(WRITE, evolve(FREE, consent=consent), NOW).reason for stage, consent in STAGES.items()}
    assert verdicts == {
        Stage.UNKNOWN: Reason.ALLOWED,
        Stage.ASKED: Reason.CONSENT_AWAITED,
        Stage.GRANTED: Reason.ALLOWED,
        Stage.DECLINED: Reason.CONSENT_DECLINED,
        Stage.REVOKED: Reason.CONSENT_REVOKED,
    }
