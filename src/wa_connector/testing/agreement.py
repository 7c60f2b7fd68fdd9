"""One story told to the engine and to the oracle, and what each of them says to it::

    story = (Happened(Kind.WROTE, at=NOON, known_at=NOON, id="1"),)
    assert answers(replayed(story), LINE, NOON) == expected(Oracle(story), LINE, NOON)

Rules of this file: it translates, and knows no rule. A customer's words come in the spellings that people use, so that
reading them is compared as well.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

from wa_connector.decide.replay import Called, Chronicle, Fact, PolicyChanged, Seen, Sent, WindowRefused, Wrote
from wa_connector.model.capability import Capabilities
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import ButtonReply, Content, TemplateMessage, Text, Unsupported
from wa_connector.model.decision import Reason
from wa_connector.model.ids import AccountId, LineId
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.policy.action import Action, AskConsent, RecordConsent, UseTemplate, Write
from wa_connector.policy.replies import ACCEPT_PAYLOAD, DECLINE_PAYLOAD
from wa_connector.policy.rules import decide
from wa_connector.testing.oracle import Oracle
from wa_connector.testing.story import Happened, Kind

Answer: TypeAlias = Reason | Stage | datetime | None

CHANNEL: Final = Capabilities(
    channel="whatsapp",
    label="WhatsApp",
    asks_opt_in=True,
    window=timedelta(hours=24),
    has_templates=True,
    contents=frozenset({Text, TemplateMessage}),
)
"""A channel with all of the rules."""
SALE: Final = Template(
    AccountId("account-1"), "sale", "en", TemplateCategory.MARKETING, TemplateStatus.APPROVED, "Everything must go"
)
_SPELLINGS: Final[Mapping[Signal, tuple[str, ...]]] = {
    Signal.YES: ("YES", "yes", "Yes!", "YES."),
    Signal.NO: ("NO", "no", "No.", "no!"),
    Signal.STOP: ("STOP", "stop", "Stop!", "STOP."),
    Signal.START: ("START", "start", "Start.", "START!"),
}
_BUTTONS: Final = {
    Signal.ACCEPTED: ButtonReply(ACCEPT_PAYLOAD, "Yes, please"),
    Signal.DECLINED: ButtonReply(DECLINE_PAYLOAD, "No, thank you"),
}


def content_of(entry: Happened) -> Content:
    """What the customer sent."""
    if entry.kind is Kind.NODDED:
        return Unsupported("reaction")
    if entry.wants_help:
        return Text("HELP")
    if entry.says is None:
        return Text("Where is my order?")
    if entry.says in _BUTTONS:
        return _BUTTONS[entry.says]
    spellings = _SPELLINGS[entry.says]
    return Text(spellings[len(entry.id) % len(spellings)])


def fact_of(entry: Happened) -> Fact | None:
    """The entry as the engine's replay knows it; None for what changes no standing."""
    line = LineId(entry.line)
    match entry.kind:
        case Kind.WROTE | Kind.NODDED:
            return Wrote(entry.at, line, content_of(entry), entry.id, opens_window=entry.kind is Kind.WROTE)
        case Kind.CALLED:
            return Called(entry.at, line)
        case Kind.SENT:
            return Sent(entry.at, line)
        case Kind.WINDOW_REFUSED:
            return WindowRefused(entry.at, line)
        case Kind.NOTED:
            assert entry.says is not None
            return Seen(entry.at, entry.says, entry.id, entry.purposes)
        case Kind.SETTINGS:
            return PolicyChanged(entry.settings)
        case Kind.HELD:
            return None
        case _:
            assert_never(entry.kind)


NOTHING_YET: Final = Chronicle(CHANNEL)


def replayed(story: Iterable[Happened], start: Chronicle = NOTHING_YET) -> Chronicle:
    """The engine's state after the story."""
    for entry in story:
        fact = fact_of(entry)
        start = start if fact is None else start.after(fact)
    return start


QUESTIONS: Final[Mapping[str, Action]] = {
    "write": Write(),
    "template": UseTemplate(),
    "marketing": UseTemplate(TemplateMessage("sale", "en"), SALE),
    "ask": AskConsent(),
}


def answers(chronicle: Chronicle, line: str, now: datetime) -> dict[str, Answer]:
    """What the engine says to what users ask."""
    standing = chronicle.standing(LineId(line))
    verdicts = {name: decide(action, standing, now) for name, action in QUESTIONS.items()}
    write = verdicts["write"]
    return {
        "conversation": standing.consent.conversation,
        "promotion": standing.consent.marketing,
        **{name: verdict.reason for name, verdict in verdicts.items()},
        "until": write.until_at if write.is_allowed else None,
    }


def expected(oracle: Oracle, line: str, now: datetime) -> dict[str, Answer]:
    """What the oracle says to it."""
    footing, write = oracle.footing(), oracle.may_write(line, now)
    return {
        "conversation": footing.talk,
        "promotion": footing.promotion,
        "write": write,
        "template": oracle.may_use_template(line, now),
        "marketing": oracle.may_use_template(line, now, is_marketing=True),
        "ask": oracle.may_ask(now),
        "until": oracle.until(line) if write is Reason.ALLOWED else None,
    }


_AHEAD: Final = timedelta(minutes=6)


def staff_answers(chronicle: Chronicle, line: str, now: datetime) -> dict[str, Answer]:
    """What the engine says to staff who record a consent, and to users who ask somebody that is in no contacts."""
    standing = chronicle.standing(LineId(line))
    stranger = chronicle.standing(LineId(line), is_contact=False)
    return {
        "record": decide(RecordConsent(now, has_attachment=False), standing, now).reason,
        "restore": decide(RecordConsent(now, has_attachment=True), standing, now).reason,
        "record what is to come": decide(RecordConsent(now + _AHEAD, has_attachment=True), standing, now).reason,
        "ask a stranger": decide(AskConsent(), stranger, now).reason,
    }


def staff_expected(oracle: Oracle, now: datetime) -> dict[str, Answer]:
    """What the oracle says to them."""
    return {
        "record": oracle.may_record(now, now, has_file=False),
        "restore": oracle.may_record(now, now, has_file=True),
        "record what is to come": oracle.may_record(now + _AHEAD, now, has_file=True),
        "ask a stranger": oracle.may_ask(now, is_contact=False),
    }


__all__ = [
    "CHANNEL",
    "SALE",
    "Answer",
    "answers",
    "content_of",
    "expected",
    "fact_of",
    "replayed",
    "staff_answers",
    "staff_expected",
]
