"""What is told besides messages: echoes, history, and what became of templates, accounts and numbers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from wa_connector_cloud_api import notices, webhook
from wa_connector_cloud_api._json import encode

from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import Content, Edited, Text, Unsupported
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import (
    Inbound,
    InboundEcho,
    InboundMessage,
    InboundNotice,
    Report,
    Sender,
    TemplateNews,
    Unreadable,
)
from wa_connector.model.template import TemplateCategory, TemplateStatus

NUMBER = Address(AddressKind.WHATSAPP_ID, "16505551234")
USER = Address(AddressKind.BSUID, "US.1", "WABA1")
AT = datetime.fromtimestamp(1795000000, UTC)


def told(field: str, value: object, time: object = 1795000000) -> list[Inbound]:
    entry = {"id": "WABA1", "time": time, "changes": [{"field": field, "value": value}]}
    return webhook.read(encode({"object": "whatsapp_business_account", "entry": [entry]}))


def noticed(field: str, value: dict[str, Any], time: object = 1795000000) -> InboundNotice:
    (found,) = told(field, value, time)
    assert isinstance(found.item, InboundNotice)
    return found.item


TEMPLATE = {
    "message_template_id": 1234,
    "message_template_name": "order_update",
    "message_template_language": "en-US",
}


@pytest.mark.parametrize(
    ("field", "value", "word", "news"),
    [
        (
            "message_template_status_update",
            {"event": "PAUSED", "reason": None, "message_template_category": "UTILITY"},
            "PAUSED",
            {"status": TemplateStatus.PAUSED, "raw_status": "PAUSED", "category": TemplateCategory.UTILITY},
        ),
        (
            "message_template_status_update",
            {"event": "REINSTATED"},
            "REINSTATED",
            {"status": TemplateStatus.APPROVED, "raw_status": "REINSTATED"},
        ),
        ("message_template_status_update", {"event": "FLAGGED"}, "FLAGGED", {}),
        (
            "message_template_status_update",
            {"event": "MELTED"},
            "MELTED",
            {"status": TemplateStatus.UNKNOWN, "raw_status": "MELTED"},
        ),
        (
            "message_template_quality_update",
            {"previous_quality_score": "GREEN", "new_quality_score": "RED"},
            "RED",
            {"quality": "RED"},
        ),
        ("message_template_components_update", {"message_template_element": "Hi"}, "…", {}),
        (
            "template_category_update",
            {"previous_category": "UTILITY", "new_category": "MARKETING"},
            "MARKETING",
            {"category": TemplateCategory.MARKETING},
        ),
        (
            "template_category_update",
            {"new_category": "UTILITY", "correct_category": "MARKETING"},
            "MARKETING",
            {"category": TemplateCategory.UTILITY},
        ),
        (
            "template_category_update",
            {"new_category": "FREE_SERVICE"},
            "FREE_SERVICE",
            {"category": TemplateCategory.UNKNOWN},
        ),
    ],
)
def test_a_template_changes(field: str, value: dict[str, Any], word: str, news: dict[str, Any]) -> None:
    item = noticed(field, TEMPLATE | value)
    assert (item.at, item.topic, item.word) == (AT, field, word)
    assert item.template == TemplateNews("order_update", "en_US", **news)
    assert json.loads(item.raw) == TEMPLATE | value


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": []}, "ACCOUNT_RESTRICTION"),
        ("account_alerts", {"entity_type": "BUSINESS", "alert_info": {"alert_type": "OBA_REJECTED"}}, "OBA_REJECTED"),
        ("account_review_update", {"decision": "APPROVED"}, "APPROVED"),
        ("phone_number_quality_update", {"event": "THROUGHPUT_UPGRADE"}, "THROUGHPUT_UPGRADE"),
        ("phone_number_name_update", {"decision": "REJECTED"}, "REJECTED"),
        ("business_capability_update", {"max_daily_conversations_per_business": 2000}, "2000"),
        ("security", {"event": "PIN_CHANGED"}, "PIN_CHANGED"),
        ("business_username_update", {"status": "approved", "username": "acme"}, "approved"),
        ("account_settings_update", {"type": "phone_number_settings"}, "phone_number_settings"),
        ("messaging_handovers", {"type": "control_taken"}, "control_taken"),
        ("account_update", {"event": ["of", "another", "kind"]}, "…"),
        ("account_update", {}, "…"),
        ("message_template_status_update", {"event": "APPROVED"}, "APPROVED"),
    ],
)
def test_an_account_or_a_number_is_spoken_of(field: str, value: dict[str, Any], word: str) -> None:
    item = noticed(field, value)
    assert (item.topic, item.word, item.template) == (field, word, None)


def test_the_same_notice_has_the_same_id_and_another_has_another() -> None:
    one = noticed("security", {"event": "PIN_CHANGED"})
    assert one == noticed("security", {"event": "PIN_CHANGED"})
    others = [
        noticed("security", {"event": "PIN_RESET_REQUEST"}),
        noticed("flows", {"event": "PIN_CHANGED"}),
        noticed("security", {"event": "PIN_CHANGED"}, time=1795000001),
    ]
    assert len({one.provider_id, *(other.provider_id for other in others)}) == 4


@pytest.mark.parametrize("field", sorted(notices.NOTICES))
@pytest.mark.parametrize("time", [None, "soon", 1795000000])
def test_a_notice_that_says_nothing_is_one_all_the_same(field: str, time: object) -> None:
    item = noticed(field, {}, time)
    assert (item.word, item.at) == ("…", AT if time == 1795000000 else None)


# --- echoes and history -----------------------------------------------------------------------------------------------

ECHO = {"from": "15550001111", "to": "16505551234", "to_user_id": "US.1", "id": "wamid.E1", "timestamp": "1795000000"}
HI: dict[str, Any] = {"type": "text", "text": {"body": "hi"}}


def value(**lists: object) -> dict[str, object]:
    return {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "PN1"}, **lists}


def test_what_the_business_wrote_in_the_app_is_an_echo() -> None:
    (found,) = told("smb_message_echoes", value(message_echoes=[ECHO | HI | {"context": {"id": "wamid.IN1"}}]))
    assert found.item == InboundEcho(
        ProviderId("wamid.E1"), AT, Sender((NUMBER, USER)), Text("hi"), ProviderId("wamid.IN1")
    )
    assert found.line_ref == "PN1"
    changed = {"type": "edit", "edit": {"original_message_id": "wamid.E0", "message": HI}}
    (found,) = told("smb_message_echoes", value(message_echoes=[ECHO | changed]))
    assert isinstance(found.item, InboundEcho)
    assert found.item.content == Edited(ProviderId("wamid.E0"), "hi")


@pytest.mark.parametrize("lacking", ["id", "timestamp", "type"])
def test_an_echo_of_nothing_is_kept_for_inspection(lacking: str) -> None:
    broken = {key: each for key, each in (ECHO | HI).items() if key != lacking}
    nobody = {key: each for key, each in (ECHO | HI).items() if not key.startswith("to")}
    for echo in (broken, nobody, 7):
        (found,) = told("smb_message_echoes", value(message_echoes=[echo]))
        assert isinstance(found.item, Unreadable)


def test_the_history_is_what_both_wrote_and_opens_nothing() -> None:
    theirs = HI | {"id": "wamid.H1", "timestamp": "1795000000", "from": "16505551234"}
    ours = HI | {
        "id": "wamid.H2",
        "timestamp": "1795000000",
        "history_context": {"status": "READ", "from_me": True},
    }
    thread = {"id": "16505551234", "context": {"user_id": "US.1"}, "messages": [theirs, ours, 7]}
    one, other, bad = told("history", value(history=[{"metadata": {"phase": 0}, "threads": [thread]}]))
    assert one.item == InboundMessage(
        ProviderId("wamid.H1"), AT, Sender((NUMBER, USER)), Text("hi"), opens_window=False, is_history=True
    )
    assert other.item == InboundEcho(ProviderId("wamid.H2"), AT, Sender((NUMBER, USER)), Text("hi"), report=Report.READ)
    assert isinstance(bad.item, Unreadable)


@pytest.mark.parametrize(
    "element",
    [
        {"errors": []},
        {"errors": [{"code": 2593109}], "threads": 7},
        {"threads": 7},
        7,
        {"threads": [7]},
        {"threads": [{"messages": [{}]}]},
    ],
)
def test_a_history_that_cannot_be_read_is_kept_for_inspection(element: object) -> None:
    (found,) = told("history", value(history=[element]))
    assert isinstance(found.item, Unreadable)


def test_a_business_that_shares_no_history_is_told_of() -> None:
    (found,) = told("history", value(history=[{"errors": [{"code": 2593109, "title": "sharing is off"}]}]))
    assert isinstance(found.item, InboundNotice)
    assert (found.item.topic, found.item.word) == ("history", "2593109")
    (found,) = told("history", value(history=[{"errors": ["?"]}]))
    assert isinstance(found.item, InboundNotice)
    assert found.item.word == "…"


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ({"message": HI}, Text("hi")),
        ({"message": {"type": "hologram"}}, Unsupported("hologram")),
        ({"template": {"name": "offer"}}, Unsupported("template")),
        ({"flow": {"id": "7"}}, Unsupported("flow")),
    ],
)
def test_what_another_app_answers_the_customer_is_an_echo(said: dict[str, Any], content: Content) -> None:
    """It names nobody: the customer is the value's only contact. Of several it may be anybody's."""
    echo = {"id": "wamid.E1", "timestamp": "1795000000"} | said
    ana, ben = {"wa_id": "16505551234", "user_id": "US.1"}, {"user_id": "US.2"}
    (found,) = told("standby", value(contacts=[ana], message_echoes=[echo]))
    assert found.item == InboundEcho(ProviderId("wamid.E1"), AT, Sender((NUMBER, USER)), content)
    for contacts in ([], [ana, ben]):
        (found,) = told("standby", value(contacts=contacts, message_echoes=[echo]))
        assert isinstance(found.item, Unreadable)


def test_what_a_customer_writes_to_another_app_is_read() -> None:
    heard = HI | {"from_user_id": "US.1", "id": "wamid.IN1", "timestamp": "1795000000"}
    (found,) = told("standby", value(messages=[heard]))
    assert isinstance(found.item, InboundMessage)
    assert found.item.opens_window
