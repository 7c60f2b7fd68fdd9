"""What the provider tells besides messages and reports: echoes, history, and what became of templates and accounts."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from wa_connector.decide.noticing import ReceiveEcho, ReceiveNotice, receive_echo, receive_notice
from wa_connector.decide.receiving import receive_message
from wa_connector.model.consent import Stage
from wa_connector.model.content import Content, Image, MediaRef, Text
from wa_connector.model.event import (
    AccountAlerted,
    MessageEchoed,
    MessageImported,
    MessageReceived,
    TemplateChanged,
)
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import InboundEcho, InboundNotice, Report, Sender, TemplateNews
from wa_connector.model.message import ByApp, Message, MessageStatus
from wa_connector.model.queue import Work
from wa_connector.model.template import TemplateCategory, TemplateStatus
from wa_connector.ports.rows import OUTBOX, QUARANTINE, TEMPLATE, KeptElement
from wa_connector.testing.host import ACCOUNT, ACME, CARLS_NUMBER, LINE, TEMPLATES, address_of

if TYPE_CHECKING:
    from tests.decide.conftest import Desk

REQUEST = TEMPLATES[0]


def echoed(desk: "Desk", content: Content, named: str = "wamid.E1", report: Report | None = None) -> Message:
    item = InboundEcho(ProviderId(named), desk.now, Sender((address_of(CARLS_NUMBER),), "Carl"), content, report=report)
    return desk.stored(desk.do(receive_echo, ReceiveEcho(desk.ground(), item)))


# --- what the business wrote elsewhere --------------------------------------------------------------------------------


def test_what_was_written_in_the_app_stands_in_the_thread_and_is_not_sent_again(desk: "Desk") -> None:
    before = desk.receive("Hello")
    entry = echoed(desk, Text("Hi, I am at the counter"))
    assert (entry.author, entry.conversation, entry.status) == (ByApp(), before.conversation, MessageStatus.SENT)
    assert (MessageEchoed(entry.id, entry.conversation, entry.customer),) == desk.told
    assert desk.row(OUTBOX.of(ACME, Work.SEND.value, entry.id)) is None
    assert not entry.is_inbound
    assert entry.sender is None


def test_an_echo_opens_neither_window_nor_consent(desk: "Desk") -> None:
    entry = echoed(desk, Text("START"))
    assert desk.window(entry.customer).customer_at is None
    assert desk.consent(entry.customer).conversation is Stage.UNKNOWN


@pytest.mark.parametrize(
    ("report", "status"),
    [(Report.READ, MessageStatus.READ), (Report.FAILED, MessageStatus.FAILED), (None, MessageStatus.SENT)],
)
def test_an_echo_stands_where_the_provider_says(desk: "Desk", report: Report | None, status: MessageStatus) -> None:
    assert echoed(desk, Text("Hi"), report=report).status is status


def test_the_file_of_an_echo_is_fetched(desk: "Desk") -> None:
    entry = echoed(desk, Image(MediaRef("image/png", provider_ref="M1")))
    assert desk.row(OUTBOX.of(ACME, Work.FETCH.value, entry.id)) is not None


def test_history_is_stored_and_notifies_nobody(desk: "Desk") -> None:
    """It opens no window either, however young it is. Source: Cloud API, coexistence."""
    command = desk.message("Hello")
    old = evolve(command, item=evolve(command.item, is_history=True))
    entry = desk.stored(desk.do(receive_message, old))
    assert MessageImported(entry.id, entry.conversation, entry.customer) in desk.told
    assert not any(isinstance(happening, MessageReceived) for happening in desk.told)
    assert not entry.opens_window
    assert desk.window(entry.customer).customer_at is None


# --- templates and accounts -------------------------------------------------------------------------------------------


def notice(desk: "Desk", template: TemplateNews | None = None, named: str = "notice.1", **more: Any) -> None:
    told = {"at": desk.now, "topic": "message_template_status_update", "word": "PAUSED", **more}
    item = InboundNotice(ProviderId(named), template=template, **told)
    desk.do(receive_notice, ReceiveNotice(desk.ground(), item, (MessageId("m1"),)))


def stored(desk: "Desk") -> Any:
    return desk.row(TEMPLATE.of(ACME, ACCOUNT, REQUEST.name, REQUEST.language))


def news(**more: Any) -> TemplateNews:
    return TemplateNews(REQUEST.name, REQUEST.language, **more)


def test_a_paused_template_is_known_to_be_and_names_what_it_affects(desk: "Desk") -> None:
    desk.later(minutes=1)
    notice(desk, news(status=TemplateStatus.PAUSED, raw_status="PAUSED", category=TemplateCategory.MARKETING))
    template = stored(desk)
    assert (template.status, template.category) == (TemplateStatus.PAUSED, TemplateCategory.MARKETING)
    assert (template.body, template.quality) == (REQUEST.body, REQUEST.quality)
    assert desk.told == (
        TemplateChanged(ACCOUNT, REQUEST.name, REQUEST.language, "PAUSED", "MARKETING", "", True, (MessageId("m1"),)),
    )


def test_what_was_said_before_a_template_was_last_seen_is_no_news(desk: "Desk") -> None:
    desk.later(minutes=1)
    notice(desk, news(status=TemplateStatus.PAUSED, raw_status="PAUSED"))
    notice(desk, news(status=TemplateStatus.APPROVED), "notice.2", at=desk.now - timedelta(seconds=30))
    assert stored(desk).status is TemplateStatus.PAUSED
    notice(desk, news(quality="GREEN"), "notice.3", at=None)
    template = stored(desk)
    assert (template.status, template.raw_status, template.quality) == (TemplateStatus.PAUSED, "PAUSED", "GREEN")


def test_a_template_that_nobody_has_synchronised_is_told_of_alone(desk: "Desk") -> None:
    notice(desk, TemplateNews("stranger", "en", status=TemplateStatus.APPROVED))
    assert desk.row(TEMPLATE.of(ACME, ACCOUNT, "stranger", "en")) is None
    (told,) = desk.told
    assert isinstance(told, TemplateChanged)
    assert not told.is_opt_in_request


@pytest.mark.parametrize("is_about_line", [False, True])
def test_what_is_told_of_an_account_is_an_event(desk: "Desk", is_about_line: bool) -> None:
    item = InboundNotice(ProviderId("notice.1"), None, "account_update", "ACCOUNT_RESTRICTION")
    desk.do(receive_notice, ReceiveNotice(desk.ground(), item, (), is_about_line))
    line = LINE if is_about_line else None
    assert (AccountAlerted(ACCOUNT, line, "account_update", "ACCOUNT_RESTRICTION"),) == desk.told


def test_a_notice_that_says_more_is_kept_whole_and_named(desk: "Desk") -> None:
    item = InboundNotice(ProviderId("notice.1"), None, "account_alerts", "OBA", raw='{"who": "Ana"}')
    desk.do(receive_notice, ReceiveNotice(desk.ground(), item))
    (told,) = desk.told
    assert isinstance(told, AccountAlerted)
    assert desk.row(QUARANTINE.of(ACME, told.entry)) == KeptElement(desk.now, "account_alerts: OBA", '{"who": "Ana"}')
    assert "Ana" not in repr(told)
