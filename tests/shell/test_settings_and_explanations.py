"""Settings that change at run time, and verdicts of the past, under both faces."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from wa_connector import (
    Connector,
    ConversationId,
    OrganizationId,
    Reason,
    RefusedError,
    TemplateMessage,
    Text,
    UsageError,
    WindowRule,
)
from wa_connector.model.event import SettingChanged
from wa_connector.model.outbound import Rejected
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, NOON, SUE, MemoryHost

TOP = OrganizationId("acme")
HELLO = TemplateMessage("hello", "en", {"body.1": "Carl"})


@pytest.fixture(params=["direct", "aio"])
def face(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture
def connector(host: MemoryHost, face: str) -> Iterator[Connector]:
    with host.connector(face) as connector:
        connector.sync_templates(ACME, ACCOUNT)
        yield connector


@pytest.fixture
def thread(host: MemoryHost, connector: Connector) -> ConversationId:
    """Carl wrote at noon; the thread is Ana's."""
    connector.handle_webhook(host.webhook(host.said("Hello")))
    thread = connector.conversations(ACME, ANA, unassigned=True)[0].id
    connector.send(ACME, ANA, thread, Text("Good morning")).or_raise()
    connector.dispatcher.run_once()
    return thread


def test_a_setting_is_in_force_from_its_instant_on(connector: Connector, thread: ConversationId) -> None:
    assert connector.composer(ACME, ANA, thread).write.is_allowed
    assert connector.set_setting(ACME, SUE, TOP, "answer_inbound", False).is_allowed
    assert Reason.CONSENT_NOT_ASKED is connector.composer(ACME, ANA, thread).write.reason
    connector.set_setting(ACME, SUE, TOP, "answer_inbound", None)
    assert connector.composer(ACME, ANA, thread).write.is_allowed, "taken back, the default counts again"


def test_it_counts_for_what_comes_in_and_for_what_waits_in_the_outbox(
    host: MemoryHost, connector: Connector, thread: ConversationId
) -> None:
    connector.send(ACME, ANA, thread, Text("One more thing")).or_raise()
    connector.set_setting(ACME, SUE, TOP, "answer_inbound", False)
    connector.set_setting(ACME, SUE, TOP, "help_text", "Call us.")
    connector.dispatcher.run_once()
    assert len(host.transport.sent) == 1, "judged again at the moment of sending, by the new setting"
    connector.handle_webhook(host.webhook(host.said("HELP")))
    connector.dispatcher.run_once()
    assert Text("Call us.") == host.transport.sent[-1].content


def test_only_who_supervises_may(host: MemoryHost, connector: Connector) -> None:
    assert Reason.NOT_A_SUPERVISOR is connector.set_setting(ACME, ANA, TOP, "answer_inbound", False).reason
    assert not [told for told in host.happenings if isinstance(told, SettingChanged)]


def test_only_on_the_own_path(connector: Connector) -> None:
    with pytest.raises(UsageError, match="path"):
        connector.set_setting(ACME, SUE, OrganizationId("globex"), "answer_inbound", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_setting", True),
        ("answer_inbound", "yes"),
        ("window_rule", "any_message"),
        ("clock_skew", timedelta(seconds=-1)),
        ("window_margin", timedelta(hours=13)),
        ("opt_in_purposes", ()),
        ("no_such_setting", None),
    ],
)
def test_a_wrong_one_is_refused_by_name(connector: Connector, name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        connector.set_setting(ACME, SUE, TOP, name, value)


def test_the_change_is_told_with_its_author(host: MemoryHost, connector: Connector) -> None:
    connector.set_setting(ACME, SUE, TOP, "window_rule", WindowRule.ANY_MESSAGE)
    assert SettingChanged("organization:acme", "window_rule", SUE) in host.happenings


# --- why was this allowed in March ------------------------------------------------------------------------------------


def test_yesterdays_verdict_is_given_by_yesterdays_settings(
    host: MemoryHost, connector: Connector, thread: ConversationId
) -> None:
    host.clock.advance(timedelta(hours=1))
    connector.set_setting(ACME, SUE, TOP, "answer_inbound", False)
    host.clock.advance(timedelta(hours=1))
    assert connector.explain(ACME, ANA, thread, at=NOON).decision.is_allowed
    later = connector.explain(ACME, ANA, thread, Text("Hello"), at=host.clock.now)
    assert Reason.CONSENT_NOT_ASKED is later.decision.reason
    assert not later.standing.settings.answer_inbound


def test_and_by_what_was_known_then(host: MemoryHost, connector: Connector, thread: ConversationId) -> None:
    host.clock.advance(timedelta(hours=2))
    connector.handle_webhook(host.webhook(host.said("STOP")))
    assert connector.explain(ACME, ANA, thread, at=NOON + timedelta(hours=1)).decision.is_allowed
    assert Reason.CONSENT_REVOKED is connector.explain(ACME, ANA, thread, at=host.clock.now).decision.reason
    before = connector.explain(ACME, ANA, thread, at=NOON - timedelta(hours=1))
    assert Reason.CONSENT_NOT_ASKED is before.decision.reason, "nobody had written yet"


def test_a_refused_message_closed_the_window_from_then_on(
    host: MemoryHost, connector: Connector, thread: ConversationId
) -> None:
    from wa_connector.model.outbound import Correction

    host.clock.advance(timedelta(hours=1))
    host.transport.answers.append(Rejected("131047", "closed", Correction.WINDOW_CLOSED))
    connector.send(ACME, ANA, thread, Text("Are you there?")).or_raise()
    connector.dispatcher.run_once()
    assert connector.explain(ACME, ANA, thread, at=NOON + timedelta(minutes=30)).decision.is_allowed
    assert not connector.explain(ACME, ANA, thread, at=host.clock.now + timedelta(minutes=1)).decision.is_allowed


def test_a_template_is_explained_too(connector: Connector, thread: ConversationId) -> None:
    assert connector.explain(ACME, ANA, thread, HELLO, at=NOON).decision.is_allowed


def test_a_long_history_is_read_in_pages(host: MemoryHost, connector: Connector, thread: ConversationId) -> None:
    connector.handle_webhook(host.webhook(*(host.said(f"and {n}") for n in range(450))))
    host.clock.advance(timedelta(days=3))
    late = connector.explain(ACME, ANA, thread, at=host.clock.now)
    assert (late.standing.window.customer_at, late.decision.reason) == (NOON, Reason.CONSENT_NOT_ASKED)


def test_who_may_not_see_the_conversation_is_told_nothing(connector: Connector, thread: ConversationId) -> None:
    with pytest.raises(RefusedError):
        connector.explain(ACME, BEN, thread, at=NOON)
    with pytest.raises(RefusedError):
        connector.explain(ACME, ANA, ConversationId("no such"), at=NOON)
