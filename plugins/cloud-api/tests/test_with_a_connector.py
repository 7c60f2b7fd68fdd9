"""What calls and preferences come to in a connector: one entry in the timeline, an open window, a marketing consent."""

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from wa_connector_cloud_api.capabilities import CAPABILITIES
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.signature import sign

from wa_connector import Connector, Purpose, Stage, TemplateMessage, WebhookResult
from wa_connector.model.content import Act, Call, CallDirection, Content, Text, Voicemail
from wa_connector.model.decision import Reason
from wa_connector.model.event import AccountAlerted, ConsentChanged, TemplateChanged
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import WebhookRequest
from wa_connector.shell import inbound
from wa_connector.testing.host import (
    ACCOUNT,
    ACME,
    ANA,
    CARL,
    CARLS_NUMBER,
    ENDPOINT,
    LINE,
    NOON,
    SIGNATURE,
    MemoryHost,
)

DIGITS = CARLS_NUMBER.removeprefix("+")
AT = str(int(NOON.timestamp()))


def a_host() -> MemoryHost:
    host = MemoryHost(capabilities=CAPABILITIES)
    host.channel = CloudApiChannel()
    return host


def webhook(field: str, **value: Any) -> WebhookRequest:
    told = {"metadata": {"phone_number_id": "phone-1"}, **value}
    entry = {"id": "provider-1", "changes": [{"field": field, "value": told}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    headers = {"X-Hub-Signature-256": sign(Secret(SIGNATURE), body)}
    return WebhookRequest(ENDPOINT, "POST", f"https://host.example{ENDPOINT}", headers, body)


def call(event: str, **more: Any) -> dict[str, Any]:
    head = {"id": "wacid.1", "from": DIGITS, "direction": "USER_INITIATED", "timestamp": AT}
    return {**head, "event": event, **more}


def counts(result: WebhookResult) -> tuple[int, int, int]:
    assert result.reply.status == 200
    return result.taken, result.known, result.kept


def timeline(connector: Connector) -> list[Content]:
    thread = connector.start(ACME, ANA, LINE, CARL).or_raise().conversation
    assert thread is not None
    entries = connector.timeline(ACME, ANA, thread).messages
    return [entry.content for entry in entries if not isinstance(entry.content, Act)]


CONNECT = webhook("calls", calls=[call("connect", session={"sdp_type": "offer", "sdp": "v=0"})])
TERMINATE = webhook("calls", calls=[call("terminate", status="COMPLETED", start_time=AT, end_time=AT, duration=0)])
VOICEMAIL = webhook(
    "messages", messages=[{"id": "wacid.1", "from": DIGITS, "timestamp": AT, "type": "audio", "audio": {"id": "1"}}]
)


@pytest.mark.parametrize("order", list(itertools.permutations((CONNECT, TERMINATE, CONNECT))))
def test_a_call_is_one_entry_and_opens_the_window_in_whatever_order_it_is_told(
    order: tuple[WebhookRequest, ...],
) -> None:
    with a_host().connector() as connector:
        first, *others = (counts(connector.handle_webhook(request)) for request in order)
        assert first == (1, 0, 0)
        assert others == [(0, 1, 0), (0, 1, 0)]
        assert timeline(connector) == [Call(CallDirection.CUSTOMER)]


@pytest.mark.parametrize("order", list(itertools.permutations((CONNECT, TERMINATE, VOICEMAIL))))
def test_a_voicemail_and_its_call_are_two_entries(order: tuple[WebhookRequest, ...]) -> None:
    """Both have the call's id. Were they taken for one, what the customer said would be lost."""
    with a_host().connector() as connector:
        assert sum(connector.handle_webhook(request).taken for request in order) == 2
        assert {Call, Voicemail} == {type(content) for content in timeline(connector)}


def test_a_call_of_the_businesss_opens_the_window_when_it_is_accepted() -> None:
    with a_host().connector() as connector:
        status = {"id": "wacid.2", "type": "call", "recipient_id": DIGITS, "timestamp": AT}
        ringing = webhook("calls", statuses=[{**status, "status": "RINGING"}])
        assert counts(connector.handle_webhook(ringing)) == (1, 0, 0)
        assert not connector.start(ACME, ANA, LINE, CARL).is_taken
        accepted = webhook("calls", statuses=[{**status, "status": "ACCEPTED"}])
        assert counts(connector.handle_webhook(accepted)) == (1, 0, 0)
        assert counts(connector.handle_webhook(accepted)) == (0, 1, 0)
        assert timeline(connector) == [Call(CallDirection.BUSINESS, is_accepted=True)]


def test_a_marketing_stop_is_a_revocation_of_marketing_alone() -> None:
    host = a_host()
    with host.connector() as connector:
        connector.handle_webhook(webhook("messages", messages=[said("YES")]))
        stop = webhook("user_preferences", user_preferences=[chosen("stop", 1)])
        assert counts(connector.handle_webhook(stop)) == (1, 0, 0)
        assert counts(connector.handle_webhook(stop)) == (0, 1, 0)
        assert marketing(host) == [Stage.REVOKED]
        assert connector.start(ACME, ANA, LINE, CARL).is_taken
        resume = webhook("user_preferences", user_preferences=[chosen("resume", 2)])
        assert counts(connector.handle_webhook(resume)) == (1, 0, 0)
        assert Stage.REVOKED is not marketing(host)[-1]


def test_a_sign_up_is_a_grant_of_marketing_with_the_forms_id_as_evidence() -> None:
    host = a_host()
    with host.connector() as connector:
        connector.handle_webhook(webhook("messages", messages=[said("Hello")]))
        stop = webhook("user_preferences", user_preferences=[chosen("stop", 1)])
        signup = webhook("user_preferences", user_preferences=[chosen("signup", 2) | {"signup_id": "778"}])
        for request in (stop, signup):
            assert counts(connector.handle_webhook(request)) == (1, 0, 0)
            assert counts(connector.handle_webhook(request)) == (0, 1, 0)
        assert marketing(host) == [Stage.REVOKED, Stage.GRANTED]
        thread = connector.start(ACME, ANA, LINE, CARL).or_raise().conversation
        assert thread is not None
        assert "sign-up form 778" in [each.method for each in connector.evidence(ACME, ANA, thread)]


def test_what_is_told_of_is_an_event_and_the_whole_is_kept() -> None:
    """A contact of the app: who it is stands where administrators read, and in no event."""
    host = a_host()
    contact = {"type": "contact", "contact": {"full_name": "Ana B.", "phone_number": DIGITS}, "action": "add"}
    with host.connector() as connector:
        sync = webhook("smb_app_state_sync", state_sync=[contact])
        assert counts(connector.handle_webhook(sync)) == (1, 0, 0)
        assert counts(connector.handle_webhook(sync)) == (0, 1, 0)
        (alert,) = [each for each in host.happenings if isinstance(each, AccountAlerted)]
        assert (alert.topic, alert.word, alert.line) == ("smb_app_state_sync", "add", LINE)
        (kept,) = [each for each in connector.quarantine(ACME) if each.id == alert.entry]
        assert json.loads(kept.element.raw) == contact


def said(text: str) -> dict[str, Any]:
    return {"id": f"wamid.{text}", "from": DIGITS, "timestamp": AT, "type": "text", "text": {"body": text}}


def chosen(value: str, after: int) -> dict[str, Any]:
    at = int(AT) + after
    return {"wa_id": DIGITS, "category": "marketing_messages", "value": value, "timestamp": at}


def marketing(host: MemoryHost) -> list[Stage]:
    changes = (each for each in host.happenings if isinstance(each, ConsentChanged))
    return [change.stage for change in changes if change.purpose is Purpose.MARKETING]


def test_an_american_gets_no_marketing_and_every_message_is_billed() -> None:
    host = a_host()
    with host.connector() as connector:
        connector.sync_templates(ACME, ACCOUNT)
        connector.handle_webhook(webhook("messages", messages=[said("Hello")]))
        thread = connector.start(ACME, ANA, LINE, CARL).or_raise().conversation
        assert thread is not None
        connector.record_consent(
            ACME,
            ANA,
            LINE,
            CARL,
            given_at=NOON - timedelta(days=1),
            method="web_form",
            purposes=(Purpose.CONVERSATION, Purpose.MARKETING),
        )
        placed = connector.send(ACME, ANA, thread, TemplateMessage("sale", "en"))
        assert placed.decision.reason is Reason.MARKETING_COUNTRY
        assert connector.send(ACME, ANA, thread, Text("Hello Carl")).decision.billed


def test_a_changed_template_names_what_waits_for_it_however_long_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox is looked through page by page, and an event names so many at most."""
    monkeypatch.setattr(inbound, "OUTBOX_PAGE", 2)
    host = a_host()
    with host.connector() as connector:
        connector.sync_templates(ACME, ACCOUNT)
        connector.handle_webhook(webhook("messages", messages=[said("Hello")]))
        thread = connector.start(ACME, ANA, LINE, CARL).or_raise().conversation
        assert thread is not None
        hello = TemplateMessage("hello", "en", {"body.1": "Carl"})
        placed = [
            connector.send(ACME, ANA, thread, content).or_raise().message
            for content in (Text("a"), Text("b"), hello, Text("c"), hello, hello, Text("d"))
        ]
        told = {"message_template_name": "hello", "message_template_language": "en"}
        for most, expected in ((500, {placed[2], placed[4], placed[5]}), (2, {placed[2], placed[4]})):
            monkeypatch.setattr(inbound, "MOST_NAMED", most)
            connector.handle_webhook(webhook("message_template_status_update", event="PAUSED", most=most, **told))
            changed = [each for each in host.happenings if isinstance(each, TemplateChanged)][-1]
            assert set(changed.queued) == expected
