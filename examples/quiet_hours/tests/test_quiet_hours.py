"""The rule in use: a host of ``wa_connector.testing`` that is all there, and this plugin beside it, under both faces."""

from datetime import UTC, datetime, time, timedelta
from importlib.metadata import entry_points

import pytest
from attrs import evolve
from wa_connector_quiet_hours import Hours, QuietHours, Silence, Span, organizations_of
from wa_connector_quiet_hours.plugin import sentence

from wa_connector import (
    Connector,
    Content,
    ConversationId,
    Intent,
    LineId,
    OrganizationId,
    Purpose,
    Question,
    TemplateMessage,
    TenantId,
    Text,
    UsageError,
    UserId,
)
from wa_connector.model.decision import Reason, Remedy, RemedyKind
from wa_connector.model.message import Message, MessageStatus
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, LINE, MemoryHost

FACES = ("direct", "aio")
TEN_AT_NIGHT, SEVEN = datetime(2026, 11, 22, 21, tzinfo=UTC), datetime(2026, 11, 23, 6, tzinfo=UTC)
"""In Berlin. The host's clock stands at noon of that day, by UTC."""
NIGHT = Span(time(22), time(7))
QUIET = Hours("Europe/Berlin", quiet=(NIGHT,))
MINUTE, MICROSECOND = timedelta(minutes=1), timedelta(microseconds=1)
SENTENCE = "Nothing is sent during quiet hours, until Monday 07:00 (Europe/Berlin)."
RULE = QuietHours(tenants={ACME: QUIET})


def a_thread(host: MemoryHost, connector: Connector) -> ConversationId:
    """A conversation with Carl, who agreed and wrote at noon; nothing waits in it."""
    connector.record_consent(
        ACME, ANA, LINE, CARL, given_at=host.clock.now, method="paper", purposes=(Purpose.CONVERSATION,)
    )
    connector.handle_webhook(host.webhook(host.said("Hello")))
    thread = connector.start(ACME, ANA, LINE, CARL).or_raise().conversation
    assert thread is not None
    return thread


def sent(host: MemoryHost) -> list[Content]:
    return [envelope.content for envelope in host.transport.sent]


@pytest.mark.parametrize("face", FACES)
def test_a_message_in_quiet_hours_is_refused_with_the_instant_to_wait_for(face: str) -> None:
    host = MemoryHost()
    with host.connector(face, [RULE]) as connector:
        thread = a_thread(host, connector)
        host.clock.now = TEN_AT_NIGHT
        placed = connector.send(ACME, ANA, thread, Text("Still up?"))
        assert not placed.is_taken
        assert (placed.decision.reason, placed.decision.sentence) == (Reason.HOST_RULE, SENTENCE)
        assert placed.decision.remedies == (Remedy(RemedyKind.WAIT, SEVEN),)
        assert connector.composer(ACME, ANA, thread).write == placed.decision
        host.clock.now = SEVEN
        assert connector.send(ACME, ANA, thread, Text("Good morning")).is_taken
        connector.dispatcher.run_once()
    assert sent(host) == [Text("Good morning")]


@pytest.mark.parametrize("face", FACES)
def test_to_the_last_microsecond_before_them_a_message_is_taken(face: str) -> None:
    host = MemoryHost()
    with host.connector(face, [RULE]) as connector:
        thread = a_thread(host, connector)
        host.clock.now = TEN_AT_NIGHT - MICROSECOND
        assert connector.send(ACME, ANA, thread, Text("Good night")).is_taken
        connector.dispatcher.run_once()
    assert sent(host) == [Text("Good night")]


@pytest.mark.parametrize("face", FACES)
def test_what_stands_in_the_outbox_waits_and_leaves_by_itself_and_in_order(face: str) -> None:
    host = MemoryHost()
    with host.connector(face, [RULE]) as connector:
        thread = a_thread(host, connector)
        host.clock.now = TEN_AT_NIGHT - MINUTE
        for word in ("one", "two"):
            assert connector.send(ACME, ANA, thread, Text(word)).status is MessageStatus.QUEUED
        for now in (TEN_AT_NIGHT, TEN_AT_NIGHT + timedelta(hours=3), SEVEN - MICROSECOND):
            host.clock.now = now
            connector.dispatcher.run_once()
            assert sent(host) == []
        assert {MessageStatus.QUEUED} == {message.status for message in outbound(connector, thread)}
        host.clock.now = SEVEN
        connector.dispatcher.run_once()
    assert sent(host) == [Text("one"), Text("two")]


def outbound(connector: Connector, thread: ConversationId) -> list[Message]:
    messages = connector.timeline(ACME, ANA, thread).messages
    return [each for each in messages if not each.is_inbound and each.status is not MessageStatus.NOTED]


@pytest.mark.parametrize("face", FACES)
def test_what_is_held_waits_for_the_window_and_for_the_morning(face: str) -> None:
    host = MemoryHost()
    with host.connector(face, [RULE]) as connector:
        thread = a_thread(host, connector)
        host.clock.now = TEN_AT_NIGHT + timedelta(days=1)  # the window has closed since
        placed = connector.send(ACME, ANA, thread, Text("Your offer"), hold=True)
        assert (placed.status, placed.decision.reason) == (MessageStatus.HELD, Reason.WINDOW_CLOSED)
        host.clock.advance(MINUTE)
        connector.handle_webhook(host.webhook(host.said("I cannot sleep")))
        connector.dispatcher.run_once()
        assert sent(host) == []
        host.clock.now = SEVEN + timedelta(days=1)
        connector.dispatcher.run_once()
    assert sent(host) == [Text("Your offer")]


@pytest.mark.parametrize("face", FACES)
def test_a_stop_at_night_is_confirmed_at_night(face: str) -> None:
    host = MemoryHost()
    with host.connector(face, [RULE]) as connector:
        a_thread(host, connector)
        host.clock.now = TEN_AT_NIGHT
        connector.handle_webhook(host.webhook(host.said("STOP")))
        connector.dispatcher.run_once()
    assert len(sent(host)) == 1


def test_a_stop_at_night_keeps_what_waited_from_ever_leaving() -> None:
    host = MemoryHost()
    with host.connector(plugins=[RULE]) as connector:
        thread = a_thread(host, connector)
        host.clock.now = TEN_AT_NIGHT - MINUTE
        connector.send(ACME, ANA, thread, Text("Good night"))
        host.clock.now = TEN_AT_NIGHT
        connector.dispatcher.run_once()
        connector.handle_webhook(host.webhook(host.said("STOP")))
        host.clock.now = SEVEN
        connector.dispatcher.run_once()
    assert Text("Good night") not in sent(host)


def test_templates_and_opt_in_requests_have_their_hours_too() -> None:
    host = MemoryHost()
    with host.connector(plugins=[RULE]) as connector:
        connector.sync_templates(ACME, ACCOUNT)
        thread = a_thread(host, connector)
        host.clock.now = TEN_AT_NIGHT
        placed = connector.send(ACME, ANA, thread, TemplateMessage("hello", "en", {"body.1": "Carl"}))
        assert placed.decision.reason is Reason.HOST_RULE
    other = MemoryHost()
    with other.connector(plugins=[RULE]) as connector:
        connector.sync_templates(ACME, ACCOUNT)
        other.clock.now = TEN_AT_NIGHT
        assert connector.ask_consent(ACME, ANA, LINE, CARL).decision.reason is Reason.HOST_RULE


def test_what_staff_record_at_night_is_no_message() -> None:
    host = MemoryHost()
    with host.connector(plugins=[RULE]) as connector:
        host.clock.now = TEN_AT_NIGHT
        recorded = connector.record_consent(
            ACME, ANA, LINE, CARL, given_at=TEN_AT_NIGHT, method="telephone", purposes=(Purpose.CONVERSATION,)
        )
        assert recorded.decision.is_allowed


# --- whose hours ------------------------------------------------------------------------------------------------------

ASKED = Question(ACME, LINE, "plain", ANA, Intent.WRITE, TEN_AT_NIGHT)
ANY_TIME = Hours("UTC")
CLOSED = Hours("UTC", open=())
SALES, SUPPORT = OrganizationId("sales"), OrganizationId("support")


def path_of(question: Question) -> tuple[OrganizationId, ...]:
    return (OrganizationId("acme"), SALES) if question.user == ANA else (OrganizationId("acme"), SUPPORT)


@pytest.mark.parametrize(
    ("rule", "hours"),
    [
        pytest.param(QuietHours(), None, id="nobody's"),
        pytest.param(QuietHours(tenants={TenantId("globex"): CLOSED}), None, id="another tenant's"),
        pytest.param(QuietHours(tenants={ACME: QUIET}), QUIET, id="the tenant's"),
        pytest.param(
            QuietHours(tenants={ACME: QUIET}, organizations={(ACME, SALES): CLOSED}, path_of=path_of),
            CLOSED,
            id="the organization's before the tenant's",
        ),
        pytest.param(
            QuietHours(organizations={(ACME, OrganizationId("acme")): QUIET, (ACME, SALES): CLOSED}, path_of=path_of),
            CLOSED,
            id="the nearest organization's",
        ),
        pytest.param(
            QuietHours(organizations={(ACME, SUPPORT): CLOSED}, path_of=path_of), None, id="another organization's"
        ),
        pytest.param(
            QuietHours(
                tenants={ACME: QUIET},
                organizations={(ACME, SALES): CLOSED},
                lines={(ACME, LINE): ANY_TIME},
                path_of=path_of,
            ),
            ANY_TIME,
            id="the line's before all others",
        ),
        pytest.param(QuietHours(lines={(TenantId("globex"), LINE): CLOSED}), None, id="another tenant's line's"),
        pytest.param(QuietHours(lines={(ACME, LineId("fax")): CLOSED}), None, id="another line's"),
    ],
)
def test_the_narrowest_hours_speak(rule: QuietHours, hours: Hours | None) -> None:
    assert hours == rule.hours_of(ASKED)


def test_the_path_is_the_user_s_or_the_line_s_own() -> None:
    directory = MemoryHost().directory
    paths = organizations_of(directory)
    assert paths(ASKED) == (OrganizationId("acme"),)
    assert paths(evolve(ASKED, user=None)) == (OrganizationId("acme"),)
    assert paths(evolve(ASKED, user=UserId("nobody"))) == ()
    assert paths(evolve(ASKED, user=None, line=LineId("nowhere"))) == ()


def test_an_organization_needs_a_path() -> None:
    with pytest.raises(UsageError, match="organizations_of"):
        QuietHours(organizations={(ACME, SALES): CLOSED})


def test_the_hours_may_be_about_some_intents_only() -> None:
    rule = QuietHours(tenants={ACME: CLOSED}, intents={Intent.USE_TEMPLATE})
    assert rule.wa_veto(ASKED) is None
    assert rule.wa_veto(evolve(ASKED, intent=Intent.USE_TEMPLATE)) is not None


def test_hours_that_are_changed_count_from_then_on() -> None:
    tenants = {ACME: CLOSED}
    rule = QuietHours(tenants=tenants)
    assert rule.wa_veto(ASKED) is not None
    tenants[ACME] = ANY_TIME
    assert rule.wa_veto(ASKED) is None


def test_where_nothing_may_ever_leave_it_is_a_refusal_and_no_wait() -> None:
    host = MemoryHost()
    closed = {ACME: ANY_TIME}
    with host.connector(plugins=[QuietHours(tenants=closed)]) as connector:
        thread = a_thread(host, connector)
        placed = connector.send(ACME, ANA, thread, Text("Hello"))
        assert placed.is_taken
        closed[ACME] = CLOSED
        connector.dispatcher.run_once()
        refused = connector.send(ACME, ANA, thread, Text("Hello?"))
        assert (refused.decision.reason, refused.decision.remedies) == (Reason.HOST_RULE, ())
        assert [message.status for message in outbound(connector, thread)] == [MessageStatus.REFUSED]
    assert sent(host) == []


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Silence("quiet_hours", SEVEN), SENTENCE),
        (
            Silence("quiet_hours", TEN_AT_NIGHT + timedelta(hours=1)),
            "Nothing is sent during quiet hours, until 23:00 (Europe/Berlin).",
        ),
        (
            Silence("business_hours", datetime(2026, 12, 28, 8, tzinfo=UTC)),
            "Nothing is sent outside business hours, until 2026-12-28 09:00 (Europe/Berlin).",
        ),
        (Silence("business_hours", None), "Nothing is sent outside business hours, and there is no end of them."),
    ],
)
def test_the_end_is_told_in_the_hours_own_time(found: Silence, expected: str) -> None:
    assert expected == sentence(found, QUIET, TEN_AT_NIGHT)


def test_a_host_may_have_other_words() -> None:
    rule = QuietHours(tenants={ACME: QUIET}, say=lambda found, _, __: f"Nachtruhe ({found.rule})")
    veto = rule.wa_veto(ASKED)
    assert veto is not None
    assert (veto.sentence, veto.until_at) == ("Nachtruhe (quiet_hours)", SEVEN)


def test_an_installed_plugin_is_found() -> None:
    (found,) = entry_points(group="wa_connector", name="quiet-hours")
    assert QuietHours.__module__ == found.load().__name__
