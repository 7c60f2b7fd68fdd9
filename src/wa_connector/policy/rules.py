"""May I? Each action has its rules, asked in order; the first that refuses is the answer.

Rules of this file: a rule is a function of the action, the standing and now; it returns None, or a refusal with the
remedies that would help. It never loads, logs or remembers. The order matters to people, not to safety: what is refused
by several rules is told by the one that helps most (a customer who wrote STOP needs to hear of that, not of a window).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from wa_connector.model.consent import Purpose, Stage
from wa_connector.model.content import Utility
from wa_connector.model.decision import Decision, Parameter, Reason, Remedy, RemedyKind
from wa_connector.model.instants import EPOCH
from wa_connector.model.message import NoticeKind
from wa_connector.model.setting import FallBack
from wa_connector.model.standing import Standing
from wa_connector.model.template import TemplateCategory
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
from wa_connector.policy.content import judge_content
from wa_connector.policy.templates import judge_template
from wa_connector.policy.window import closes_at, closes_by_customer_at, is_open, is_open_by_customer

Rule = Callable[[Any, Standing, datetime], Decision | None]

USE_SMS: Final = Remedy(RemedyKind.USE_SMS)
ASK: Final = Remedy(RemedyKind.ASK_FOR_CONSENT)
CHOOSE_TEMPLATE: Final = Remedy(RemedyKind.CHOOSE_TEMPLATE)
HOLD: Final = Remedy(RemedyKind.HOLD)
_TEMPLATES: Final = frozenset({UseTemplate, AskConsent, AskAgain, DeliverRequest})
_WRITTEN: Final = frozenset({Write, UseTemplate})
_FREE_FORM: Final = frozenset({Write, Notify})
# Looked up once: up to Python 3.11 a member is found through its enum's metaclass, which costs more than a rule does.
_ALLOWED: Final = Reason.ALLOWED
_UNKNOWN: Final = Stage.UNKNOWN
_ASKED: Final = Stage.ASKED
_GRANTED: Final = Stage.GRANTED
_DECLINED: Final = Stage.DECLINED
_REVOKED: Final = Stage.REVOKED
_MARKETING: Final = TemplateCategory.MARKETING
_NEVER: Final = FallBack.NEVER
_HOUR: Final = timedelta(hours=1)
REFUSED: Final = frozenset({Stage.DECLINED, Stage.REVOKED})
"""The customer's own no."""


def decide(action: Action, standing: Standing, now: datetime) -> Decision:
    """The verdict on ``action`` at ``now`` (aware UTC). Costs the same whatever the history."""
    asked: tuple[str, ...] = ()
    for rule, asked in _QUESTIONS[type(action)]:
        refusal = rule(action, standing, now)
        if refusal is not None:
            return Decision(refusal.reason, refusal.parameters, refusal.remedies, asked)
    return Decision(_ALLOWED, (), (), asked, _until(action, standing), _is_billed(action, standing, now))


# --- who and whom ---------------------------------------------------------------------------------------------------


def enabled(_: Action, standing: Standing, __: datetime) -> Decision | None:
    """The channel is on for this user and line."""
    return None if standing.enablement.reason is _ALLOWED else standing.enablement


def contact(_: Action, standing: Standing, __: datetime) -> Decision | None:
    """A user writes first only to people in the contacts."""
    if not standing.settings.contacts_only or standing.is_contact or standing.is_contact is None:
        return None
    if not standing.contacts_available:
        return _refuse(Reason.CONTACTS_UNAVAILABLE, Remedy(RemedyKind.RETRY))
    return _refuse(Reason.NOT_A_CONTACT, Remedy(RemedyKind.ADD_CONTACT))


def addressed(_: Action, standing: Standing, __: datetime) -> Decision | None:
    """There is an address to send to."""
    if standing.has_address:
        return None
    return _refuse(Reason.NO_ADDRESS, *_use_sms(standing), channel=standing.capabilities.label)


def reachable(_: Action, standing: Standing, __: datetime) -> Decision | None:
    """The provider has not said that this customer cannot be reached."""
    if standing.unreachable_since_at is None:
        return None
    return _refuse(Reason.NOT_ON_CHANNEL, *_use_sms(standing), channel=standing.capabilities.label)


def _use_sms(standing: Standing) -> tuple[Remedy, ...]:
    """Another way to a customer is no remedy against his no."""
    is_offered = standing.settings.fall_back is not _NEVER and standing.consent.conversation not in REFUSED
    return (USE_SMS,) if is_offered else ()


def hosts_rules(_: Action, standing: Standing, now: datetime) -> Decision | None:
    """No rule of the host's own says no; of several, the one that lasts longest speaks, and a final one above all."""
    if not standing.vetoes:
        return None
    lasting = [veto for veto in standing.vetoes if veto.until_at is None or now < veto.until_at]
    if not lasting:
        return None
    veto = max(lasting, key=lambda veto: (veto.until_at is None, veto.until_at or EPOCH, veto.rule))
    remedies = (Remedy(RemedyKind.WAIT, veto.until_at),) if veto.until_at else ()
    return _refuse(Reason.HOST_RULE, *remedies, rule=veto.rule, sentence=veto.sentence)


# --- consent --------------------------------------------------------------------------------------------------------


def consented(_: Action, standing: Standing, now: datetime) -> Decision | None:
    """What a user or an automation writes needs consent, or a window opened by a customer who was never asked."""
    stage = standing.consent.conversation
    if stage is _REVOKED:
        return _refuse(Reason.CONSENT_REVOKED)
    if stage is _GRANTED or not standing.capabilities.asks_opt_in:
        return None
    if stage is _DECLINED:
        return _refuse(Reason.CONSENT_DECLINED)
    if stage is _ASKED:
        recently = _asked_recently(standing, now)
        return _refuse(Reason.CONSENT_AWAITED, *(recently.remedies if recently else (ASK,)))
    if standing.settings.answer_inbound and _is_answer(standing, now):
        return None
    return _refuse(Reason.CONSENT_NOT_ASKED, ASK)


def _is_answer(standing: Standing, now: datetime) -> bool:
    if standing.capabilities.window is None:
        return standing.window.customer_at is not None
    return _is_open_by_customer(standing, now)


def _is_open_by_customer(standing: Standing, now: datetime) -> bool:
    span = standing.capabilities.window
    return span is not None and is_open_by_customer(standing.window, span, standing.settings, now)


def marketing_granted(action: UseTemplate, standing: Standing, _: datetime) -> Decision | None:
    """A marketing template needs the consent to marketing."""
    if not _is_marketing(action):
        return None
    if standing.consent.stage(Purpose.MARKETING) is _GRANTED:
        return None
    return _refuse(Reason.MARKETING_NOT_GRANTED, CHOOSE_TEMPLATE)


def marketing_welcome(action: UseTemplate, standing: Standing, now: datetime) -> Decision | None:
    """The provider takes marketing to this customer now.

    Source: WhatsApp Cloud API, per-user marketing limits, read 2026-11: what is sent inside the window that the customer
    opened does not count, and is not held back.
    """
    if not _is_marketing(action):
        return None
    if standing.country in standing.capabilities.no_marketing_to:
        label = standing.capabilities.label
        return _refuse(Reason.MARKETING_COUNTRY, CHOOSE_TEMPLATE, channel=label, country=standing.country)
    capped_until = standing.marketing_after_at
    if capped_until is not None and now < capped_until and not _is_open_by_customer(standing, now):
        return _refuse(Reason.MARKETING_CAPPED, Remedy(RemedyKind.WAIT, capped_until), CHOOSE_TEMPLATE)
    return None


def _is_marketing(action: UseTemplate) -> bool:
    return action.template is not None and action.template.category is _MARKETING


def within_tier(_: Action, standing: Standing, now: datetime) -> Decision | None:
    """Outside the window, the portfolio may reach so many different customers a day; a limit is a wait."""
    tier = standing.tier
    if tier is None or tier.left > 0 or tier.includes_customer or _is_open_by_customer(standing, now):
        return None
    return _refuse(Reason.DAILY_LIMIT, Remedy(RemedyKind.WAIT, tier.frees_at))


def may_ask(_: Action, standing: Standing, now: datetime) -> Decision | None:
    """Ask only where it can do something, never after a decline or STOP, and not twice within the set time."""
    if not standing.capabilities.asks_opt_in:
        return _refuse(Reason.CONSENT_NOT_NEEDED, channel=standing.capabilities.label)
    stage = standing.consent.conversation
    if stage is _UNKNOWN or stage is _ASKED:
        return _asked_recently(standing, now)
    return _refuse(_ANSWERED[stage])


_ANSWERED: Final[Mapping[Stage, Reason]] = {
    _GRANTED: Reason.CONSENT_GRANTED_ALREADY,
    _DECLINED: Reason.CONSENT_DECLINED,
    _REVOKED: Reason.CONSENT_REVOKED,
}


def may_ask_again(_: Action, standing: Standing, __: datetime) -> Decision | None:
    """An accidental "no" can be mended: a customer who declined and writes on is asked once more, never after STOP."""
    consent = standing.consent
    if consent.conversation is _DECLINED and not consent.asked_since_decline:
        return None
    return _refuse(Reason.NOTHING_TO_DO)


def may_record(action: RecordConsent, standing: Standing, _: datetime) -> Decision | None:
    """Staff never undo a person's own no, unless the organization lets them, with a file dated after it."""
    consent = standing.consent
    if consent.conversation not in (_DECLINED, _REVOKED):
        return None
    if not standing.settings.staff_may_restore:
        is_declined = consent.conversation is _DECLINED
        return _refuse(Reason.CONSENT_DECLINED if is_declined else Reason.CONSENT_REVOKED)
    if action.has_attachment and consent.changed_at is not None and action.given_at > consent.changed_at:
        return None
    return _refuse(Reason.RESTORE_NEEDS_EVIDENCE, Remedy(RemedyKind.CORRECT_CONTENT))


def dated_before_now(action: RecordConsent, standing: Standing, now: datetime) -> Decision | None:
    """Nothing can have been given in the future, clocks apart."""
    is_past = action.given_at <= now + standing.settings.clock_skew
    return None if is_past else _refuse(Reason.DATED_AHEAD, Remedy(RemedyKind.CORRECT_CONTENT))


def request_pending(_: Action, standing: Standing, __: datetime) -> Decision | None:
    """A request that waited in the outbox leaves only while an answer to it is still open."""
    consent = standing.consent
    if consent.conversation is _ASKED or (consent.conversation is _DECLINED and consent.asked_since_decline):
        return None
    return _refuse(Reason.NOTHING_TO_DO)


def _asked_recently(standing: Standing, now: datetime) -> Decision | None:
    """Whether a request that reached the customer is too young for another."""
    consent, pause = standing.consent, standing.settings.ask_again_after
    if consent.conversation is _UNKNOWN or consent.asked_at is None or now >= consent.asked_at + pause:
        return None
    wait = Remedy(RemedyKind.WAIT, consent.asked_at + pause)
    return _refuse(Reason.ASKED_RECENTLY, wait, hours=-(-pause // _HOUR))


def not_revoked(action: Notify, standing: Standing, _: datetime) -> Decision | None:
    """After STOP leave its one confirmation and answers to HELP, nothing else; where it is undone, undone it is."""
    if standing.consent.conversation is not _REVOKED:
        return None
    return None if action.notice in (NoticeKind.STOP, NoticeKind.HELP) else _refuse(Reason.CONSENT_REVOKED)


# --- window, templates, content -------------------------------------------------------------------------------------


def in_window(action: Action, standing: Standing, now: datetime) -> Decision | None:
    """Free-form content needs an open window, on a channel that has windows. What the provider makes a template of
    does not."""
    span = standing.capabilities.window
    if span is None or is_open(standing.window, span, standing.settings, now) or _is_utility(action):
        return None
    return _window_closed(span, standing.capabilities.has_templates, _use_sms(standing))


@lru_cache(maxsize=64)
def _window_closed(span: timedelta, has_templates: bool, use_sms: tuple[Remedy, ...]) -> Decision:
    remedies = (CHOOSE_TEMPLATE,) if has_templates else ()
    return _refuse(Reason.WINDOW_CLOSED, *remedies, HOLD, *use_sms, hours=span // _HOUR)


def template_usable(
    action: UseTemplate | AskConsent | AskAgain | DeliverRequest, standing: Standing, _: datetime
) -> Decision | None:
    """The template exists, is approved, and has exactly its parameters."""
    if not standing.capabilities.has_templates:
        return _refuse(Reason.NO_TEMPLATES, channel=standing.capabilities.label)
    if action.content is None:
        return None
    if action.template is None:
        name = f"{action.content.name} ({action.content.language})"
        return _refuse(Reason.TEMPLATE_UNKNOWN, CHOOSE_TEMPLATE, template=name)
    return judge_template(action.content, action.template)


def content_fits(action: Write | Notify, standing: Standing, _: datetime) -> Decision | None:
    """The channel can carry what is to be sent."""
    return None if action.content is None else judge_content(action.content, standing.capabilities)


def _until(action: Action, standing: Standing) -> datetime | None:
    """When what is allowed now ends by itself: with the window, for what needs one."""
    span = standing.capabilities.window
    if span is None:
        return None
    if type(action) in _WRITTEN and _needs_answer(standing):
        # The window that this line's rule keeps open may outlast the one that the customer opened, and never ends before.
        return closes_by_customer_at(standing.window, span, standing.settings)
    needs_window = type(action) in _FREE_FORM and not _is_utility(action)
    return closes_at(standing.window, span, standing.settings) if needs_window else None


def _is_utility(action: Action) -> bool:
    return type(action) is Write and type(action.content) is Utility


def _needs_answer(standing: Standing) -> bool:
    """Whether only the customer's own message lets him be written to: nobody asked for his consent yet."""
    return standing.capabilities.asks_opt_in and standing.consent.conversation is _UNKNOWN


def _is_billed(action: Action, standing: Standing, now: datetime) -> bool:
    """Whether the provider is likely to charge: for nothing while it says so, else for templates, and for free-form
    content since the channel does.

    Source: WhatsApp Cloud API, pricing, free entry points, read 2026-11: nothing costs for 72 hours after the answer to
    somebody who came by an advertisement. What may be sent is no other.
    """
    if standing.free_until_at is not None and now < standing.free_until_at:
        return False
    if type(action) in _TEMPLATES or _is_utility(action):
        return True
    billed_from = standing.capabilities.free_form_billed_from_at
    return billed_from is not None and now >= billed_from


def _refuse(reason: Reason, *remedies: Remedy, **parameters: Parameter) -> Decision:
    return Decision(reason, tuple(parameters.items()), remedies)


def _named(*rules: Rule) -> tuple[tuple[str, ...], tuple[Rule, ...]]:
    return tuple(rule.__name__ for rule in rules), rules


RULES: Final[Mapping[type[Action], tuple[tuple[str, ...], tuple[Rule, ...]]]] = {
    Write: _named(enabled, addressed, reachable, consented, content_fits, in_window, hosts_rules),
    UseTemplate: _named(
        enabled,
        addressed,
        reachable,
        consented,
        template_usable,
        marketing_granted,
        marketing_welcome,
        within_tier,
        hosts_rules,
    ),
    AskConsent: _named(enabled, contact, addressed, reachable, may_ask, template_usable, within_tier, hosts_rules),
    AskAgain: _named(enabled, addressed, may_ask_again, template_usable),
    RecordConsent: _named(enabled, contact, dated_before_now, may_record),
    DeliverRequest: _named(enabled, addressed, reachable, request_pending, template_usable, within_tier, hosts_rules),
    Notify: _named(enabled, addressed, not_revoked, content_fits, in_window),
}

_QUESTIONS: Final = {
    action: tuple((rule, names[: place + 1]) for place, rule in enumerate(rules))
    for action, (names, rules) in RULES.items()
}
"""Each rule with the names of those that were asked when it is, itself included: made once, not once a verdict."""
