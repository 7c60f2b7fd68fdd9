"""Webhooks: each sample of the provider's, read to the exact values; a bad element leaves its neighbours alone."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from wa_connector_cloud_api import webhook

from wa_connector.errors import BodyMalformed
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.content import (
    ButtonReply,
    Call,
    CallDirection,
    Content,
    Image,
    MediaRef,
    Text,
    Unsupported,
)
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import (
    Inbound,
    InboundItem,
    InboundMessage,
    InboundNotice,
    InboundPreference,
    InboundStatus,
    Report,
    Sender,
    Unreadable,
)
from wa_connector.model.outbound import Correction

covers = pytest.mark.covers
ACCOUNT, LINE = "WABA1", "PN1"
METADATA = {"display_phone_number": "15550001111", "phone_number_id": LINE}

NUMBER = Address(AddressKind.WHATSAPP_ID, "16505551234")
USER = Address(AddressKind.BSUID, "US.100000000000000001", ACCOUNT)
PARENT = Address(AddressKind.PARENT_BSUID, "US.ENT.7", ACCOUNT)
ANA = {
    "profile": {"name": "Ana", "username": "ana.x"},
    "wa_id": "16505551234",
    "user_id": "US.100000000000000001",
}
AT = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)


def value(**parts: Any) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "metadata": METADATA, **parts}


def change(field: str = "messages", **parts: Any) -> dict[str, Any]:
    return {"field": field, "value": value(**parts)}


def body(*changes: Any, account: object = ACCOUNT) -> bytes:
    entry = {"id": account, "changes": list(changes)}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def items(*changes: Any) -> list[InboundItem]:
    return [found.item for found in webhook.read(body(*changes))]


def message(**parts: Any) -> dict[str, Any]:
    head = {
        "from": "16505551234",
        "from_user_id": "US.100000000000000001",
        "id": "wamid.IN1",
        "timestamp": "1795000000",
        "type": "text",
        "text": {"body": "hi"},
    }
    return {key: part for key, part in (head | parts).items() if part is not None}


def status(**parts: Any) -> dict[str, Any]:
    head = {"id": "wamid.OUT1", "status": "delivered", "timestamp": "1795000000"}
    return {key: part for key, part in (head | parts).items() if part is not None}


def one(found: list[InboundItem]) -> InboundItem:
    (item,) = found
    return item


# ------------------------------------------------------------------------------------- contents


@pytest.mark.parametrize(
    ("parts", "content", "replies_to", "opens_window"),
    [
        pytest.param({}, Text("hi"), None, True, id="text"),
        pytest.param(
            {
                "type": "image",
                "image": {
                    "id": "1003383421387256",
                    "mime_type": "image/jpeg",
                    "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
                    "caption": "look",
                    "url": "https://lookaside.fbsbx.com/x",
                },
            },
            Image(
                MediaRef(
                    "image/jpeg",
                    sha256="49f227634806293b0995459bc310b593e1400f41591efcf07e9bced335f41942",
                    provider_ref="1003383421387256",
                ),
                "look",
            ),
            None,
            True,
            id="image",
        ),
        pytest.param(
            {"type": "image", "image": {"id": 17, "mime_type": "image/png", "sha256": "?"}},
            Image(MediaRef("image/png", provider_ref="17")),
            None,
            True,
            id="image with an integer id and a hash of no known spelling",
        ),
        pytest.param(
            {
                "type": "button",
                "button": {"payload": "yes", "text": "Yes, please"},
                "context": {"from": "15550001111", "id": "wamid.OUT0"},
            },
            ButtonReply("yes", "Yes, please", ProviderId("wamid.OUT0")),
            "wamid.OUT0",
            True,
            id="button",
        ),
        pytest.param(
            {"type": "button", "button": {"text": "Yes"}},
            ButtonReply("", "Yes"),
            None,
            True,
            id="button without payload and context",
        ),
        pytest.param(
            {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "A"}},
                "context": {"id": "wamid.OUT0"},
            },
            ButtonReply("a", "A", ProviderId("wamid.OUT0")),
            "wamid.OUT0",
            True,
            id="button_reply",
        ),
        pytest.param(
            {
                "type": "interactive",
                "interactive": {
                    "type": "list_reply",
                    "list_reply": {"id": "r1", "title": "Row", "description": "first"},
                },
                "context": {"id": "wamid.OUT0"},
            },
            ButtonReply("r1", "Row", ProviderId("wamid.OUT0")),
            "wamid.OUT0",
            True,
            id="list_reply",
        ),
        pytest.param({"context": {"forwarded": True}}, Text("hi"), None, True, id="forwarded, no context id"),
        pytest.param(
            {"context": {"from": "15550001111", "id": "wamid.OUT0"}},
            Text("hi"),
            "wamid.OUT0",
            True,
            id="reply",
        ),
        pytest.param({"text": {"body": "a\0b"}}, Text("a\ufffdb"), None, True, id="NUL, which no store keeps"),
    ],
)
def test_contents(parts: dict[str, Any], content: Content, replies_to: str | None, opens_window: bool) -> None:
    item = one(items(change(contacts=[ANA], messages=[message(**parts)])))
    assert isinstance(item, InboundMessage)
    assert evolve(item, circumstances=None) == InboundMessage(
        provider_id=ProviderId("wamid.IN1"),
        at=AT,
        sender=Sender((NUMBER, USER), "Ana"),
        content=content,
        replies_to=None if replies_to is None else ProviderId(replies_to),
        opens_window=opens_window,
    )


@pytest.mark.parametrize(
    ("kind", "part", "opens_window"),
    [
        ("unsupported", {}, False),
        ("system", {"type": "user_grew_wings"}, False),
        ("request_welcome", {}, False),
        ("edit", {"original_message_id": "wamid.IN0"}, False),
        ("hologram", {"depth": 3}, False),
    ],
)
def test_kinds_that_are_not_conveyed_are_named(kind: str, part: object, opens_window: bool) -> None:
    """Also one that nobody has heard of: that a customer wrote is never lost."""
    raw = message(type=kind, text=None, **{kind: part})
    item = one(items(change(contacts=[ANA], messages=[raw])))
    assert isinstance(item, InboundMessage)
    assert (item.content, item.opens_window) == (Unsupported(kind), opens_window)


@pytest.mark.parametrize("kind", ["telepathy", "medium_reply"])
def test_interactive_answers_that_are_not_conveyed_are_named(kind: str) -> None:
    item = one(items(change(messages=[message(type="interactive", interactive={"type": kind})])))
    assert isinstance(item, InboundMessage)
    assert item.content == Unsupported(kind)


# -------------------------------------------------------------------------------------- persons


@pytest.mark.parametrize(
    ("parts", "contact", "sender"),
    [
        pytest.param({}, None, Sender((NUMBER, USER)), id="no contact"),
        pytest.param({"from": None}, None, Sender((USER,)), id="no number anywhere"),
        pytest.param(
            {"from": None},
            {"profile": {"name": "Ana"}, "user_id": "US.100000000000000001"},
            Sender((USER,), "Ana"),
            id="username user",
        ),
        pytest.param({"from_user_id": None}, ANA, Sender((NUMBER, USER), "Ana"), id="user id from the contact"),
        pytest.param({"from": None}, ANA, Sender((NUMBER, USER), "Ana"), id="number from the contact"),
        pytest.param({"from_parent_user_id": "US.ENT.7"}, ANA, Sender((NUMBER, USER, PARENT), "Ana"), id="parent"),
        pytest.param(
            {},
            ANA | {"parent_user_id": "US.ENT.7"},
            Sender((NUMBER, USER, PARENT), "Ana"),
            id="parent from the contact",
        ),
        pytest.param(
            {},
            ANA | {"profile": {"username": "@ana.x"}},
            Sender((NUMBER, USER), "ana.x"),
            id="username for a name",
        ),
        pytest.param(
            {},
            {"wa_id": "16505551234", "user_id": "US.2", "profile": {"name": "Eve"}},
            Sender((NUMBER, USER)),
            id="the number's contact is another user: left alone",
        ),
        pytest.param(
            {},
            {"wa_id": "16505550000", "user_id": USER.value, "profile": {"name": "Eve"}},
            Sender((NUMBER, USER)),
            id="the user's contact has another number: left alone",
        ),
        pytest.param({"from": "+16505551234"}, None, Sender((NUMBER, USER)), id="plus"),
        pytest.param({"from": 16505551234}, None, Sender((NUMBER, USER)), id="integer"),
        pytest.param({"from": "not digits"}, None, Sender((USER,)), id="no number but a text"),
        pytest.param({"from": ["1"]}, None, Sender((USER,)), id="no number but a list"),
    ],
)
def test_senders(parts: dict[str, Any], contact: Any, sender: Sender) -> None:
    contacts = [] if contact is None else [contact]
    item = one(items(change(contacts=contacts, messages=[message(**parts)])))
    assert isinstance(item, InboundMessage)
    assert item.sender == sender


def test_each_message_of_a_batch_gets_its_own_contact() -> None:
    bob = {"wa_id": "491701234567", "profile": {"name": "Bob"}}
    found = items(
        change(
            contacts=["nobody", bob, ANA],
            messages=[message(), message(**{"from": "491701234567", "from_user_id": None})],
        )
    )
    assert [item.sender.name for item in found if isinstance(item, InboundMessage)] == ["Ana", "Bob"]


def test_a_system_message_pairs_no_number_with_no_user() -> None:
    """It says that one of them changed; a pair of the old with the new would carry a conversation to a stranger."""
    raw = message(type="system", text=None, system={"type": "user_changed_number"})
    item = one(items(change(messages=[raw])))
    assert isinstance(item, InboundMessage)
    assert item.sender == Sender((USER,))


def test_a_portfolio_is_the_accounts_id() -> None:
    found = webhook.read(body(change(messages=[message()]), account=4711))
    assert found[0].account_ref == "4711"
    assert isinstance(found[0].item, InboundMessage)
    assert found[0].item.sender.addresses[1].portfolio == "4711"


# ------------------------------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(
            {
                "recipient_id": "16505551234",
                "recipient_user_id": "US.100000000000000001",
                "recipient_parent_user_id": "US.ENT.7",
                "biz_opaque_callback_data": "outbox:42",
                "pricing": {"billable": True, "pricing_model": "PMP", "category": "service"},
            },
            InboundStatus(
                ProviderId("wamid.OUT1"),
                AT,
                Report.DELIVERED,
                MessageId("outbox:42"),
                Sender((NUMBER, USER, PARENT), "Ana"),
            ),
            id="delivered",
        ),
        pytest.param(
            {"status": "read"},
            InboundStatus(ProviderId("wamid.OUT1"), AT, Report.READ),
            id="read, of nobody",
        ),
        pytest.param({"status": "sent"}, InboundStatus(ProviderId("wamid.OUT1"), AT, Report.SENT), id="sent"),
        pytest.param(
            {"status": "played"},
            InboundStatus(ProviderId("wamid.OUT1"), AT, Report.PLAYED),
            id="played",
        ),
        pytest.param(
            {
                "status": "failed",
                "errors": [
                    {
                        "code": 131047,
                        "title": "Re-engagement message",
                        "message": "Re-engagement message",
                        "error_data": {"details": "window closed"},
                    }
                ],
            },
            InboundStatus(
                ProviderId("wamid.OUT1"),
                AT,
                Report.FAILED,
                error="131047",
                correction=Correction.WINDOW_CLOSED,
                meaning="more than 24 hours have passed since the customer last wrote: window closed",
            ),
            id="failed",
        ),
        pytest.param(
            {"status": "failed", "errors": [{"code": 999999, "title": "New", "message": "Newer"}]},
            InboundStatus(ProviderId("wamid.OUT1"), AT, Report.FAILED, error="999999", meaning="New: Newer"),
            id="failed with a code of no table",
        ),
        pytest.param(
            {"status": "failed"},
            InboundStatus(ProviderId("wamid.OUT1"), AT, Report.FAILED, meaning="the provider gives no reason"),
            id="failed without a reason",
        ),
    ],
)
def test_statuses(parts: dict[str, Any], expected: InboundStatus) -> None:
    assert one(items(change(contacts=[ANA], statuses=[status(**parts)]))) == expected


@pytest.mark.parametrize(
    ("pricing", "conversation", "expected"),
    [
        ({"type": "free_entry_point"}, {"expiration_timestamp": "1795000000"}, AT),
        ({"type": "free_entry_point"}, {"id": "c"}, None),
        ({"type": "free_entry_point"}, None, None),
        ({"type": "regular"}, {"expiration_timestamp": "1795000000"}, None),
        (None, {"expiration_timestamp": "1795000000"}, None),
        ("free_entry_point", {"expiration_timestamp": "1795000000"}, None),
        ({"type": "free_entry_point"}, {"expiration_timestamp": "soon"}, None),
    ],
)
def test_a_status_says_until_when_nothing_is_charged(pricing: Any, conversation: Any, expected: object) -> None:
    """Only of a free entry point: another conversation's end is no price, and its absence no window."""
    item = one(items(change(contacts=[ANA], statuses=[status(pricing=pricing, conversation=conversation)])))
    assert isinstance(item, InboundStatus)
    assert expected == item.free_until_at


# ---------------------------------------------------------------------------------- preferences


def preference(**parts: Any) -> dict[str, Any]:
    head = {
        "user_id": "US.100000000000000001",
        "wa_id": "16505551234",
        "detail": "User requested to stop marketing messages",
        "category": "marketing_messages",
        "value": "stop",
        "timestamp": 1795000000,
    }
    return {key: part for key, part in (head | parts).items() if part is not None}


def chose(**parts: Any) -> InboundItem:
    return one(items(change("user_preferences", contacts=[ANA], user_preferences=[preference(**parts)])))


def chosen(**parts: Any) -> InboundPreference:
    item = chose(**parts)
    assert isinstance(item, InboundPreference)
    return item


@pytest.mark.parametrize(
    ("parts", "sender", "wants_marketing"),
    [
        pytest.param({}, Sender((NUMBER, USER), "Ana"), False, id="stop"),
        pytest.param({"value": "resume"}, Sender((NUMBER, USER), "Ana"), True, id="resume"),
        pytest.param({"timestamp": "1795000000"}, Sender((NUMBER, USER), "Ana"), False, id="text for a time"),
        pytest.param({"wa_id": None}, Sender((NUMBER, USER), "Ana"), False, id="number from the contact"),
        pytest.param({"user_id": None}, Sender((NUMBER, USER), "Ana"), False, id="user id from the contact"),
        pytest.param(
            {"wa_id": None, "user_id": "US.2"},
            Sender((Address(AddressKind.BSUID, "US.2", ACCOUNT),)),
            False,
            id="no contact, no number",
        ),
        pytest.param(
            {"parent_user_id": "US.ENT.7"}, Sender((NUMBER, USER, PARENT), "Ana"), False, id="parent of the user id"
        ),
    ],
)
def test_preferences(parts: dict[str, Any], sender: Sender, wants_marketing: bool) -> None:
    item = chosen(**parts)
    assert (item.at, item.sender, item.wants_marketing) == (AT, sender, wants_marketing)


@covers("receive: preference: signup")
def test_a_sign_up_is_a_choice_for_marketing_that_names_its_form() -> None:
    item = chosen(value="signup", signup_id="778")
    assert (item.wants_marketing, item.form) == (True, "778")
    others = (chosen(value="signup", signup_id="779"), chosen(value="signup"), chosen(value="resume"))
    assert item.provider_id not in {other.provider_id for other in others}


def test_each_of_several_preferences_is_one() -> None:
    found = items(change("user_preferences", user_preferences=[preference(), preference(value="resume"), 7]))
    assert [getattr(item, "wants_marketing", None) for item in found] == [False, True, None]


def test_the_same_choice_has_the_same_id_however_often_and_by_whichever_address_it_comes() -> None:
    """The provider gives it none, and brings every webhook again until it is answered; and whoever hides the number
    between two deliveries has not chosen twice."""
    first = chosen()
    for same in (chosen(), chosen(wa_id=None), chosen(detail=None), chosen(timestamp="1795000000")):
        assert first.provider_id == same.provider_id
    for other in (chosen(value="resume"), chosen(timestamp=1795000001), chosen(user_id="US.2")):
        assert first.provider_id != other.provider_id


def test_the_id_of_a_choice_gives_no_number_away() -> None:
    """With a user id in it: over a number alone, a digest can be guessed back."""
    assert chosen().provider_id == chosen(wa_id=None).provider_id
    assert "16505551234" not in chosen().provider_id


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"value": "pause"}, "unknown preference pause about marketing_messages"),
        ({"value": None}, "unknown preference … about marketing_messages"),
        ({"value": ["stop"]}, "unknown preference … about marketing_messages"),
        ({"category": "all_messages"}, "unknown preference stop about all_messages"),
        ({"category": None}, "unknown preference stop about …"),
        ({"timestamp": None}, "a preference without a usable customer or timestamp"),
        ({"timestamp": "soon"}, "a preference without a usable customer or timestamp"),
        ({"wa_id": None, "user_id": None}, "a preference without a usable customer or timestamp"),
    ],
)
def test_a_preference_that_cannot_be_taken_is_kept(parts: dict[str, Any], problem: str) -> None:
    item = chose(**parts)
    assert isinstance(item, Unreadable)
    assert problem == item.problem
    assert json.loads(item.raw) == preference(**parts)


# ---------------------------------------------------------------------------------------- calls


def call(**parts: Any) -> dict[str, Any]:
    head = {
        "id": "wacid.C1",
        "from": "16505551234",
        "from_user_id": "US.100000000000000001",
        "to": "15550001111",
        "event": "connect",
        "direction": "USER_INITIATED",
        "timestamp": "1795000000",
        "session": {"sdp_type": "offer", "sdp": "v=0"},
    }
    return {key: part for key, part in (head | parts).items() if part is not None}


def call_status(**parts: Any) -> dict[str, Any]:
    head = {
        "id": "wacid.C2",
        "type": "call",
        "status": "ACCEPTED",
        "recipient_id": "16505551234",
        "recipient_user_id": "US.100000000000000001",
        "timestamp": "1795000000",
    }
    return {key: part for key, part in (head | parts).items() if part is not None}


def rang(**parts: Any) -> InboundItem:
    return one(items(change("calls", contacts=[ANA], **parts)))


THE_CALL = InboundMessage(ProviderId("wacid.C1#call"), AT, Sender((NUMBER, USER), "Ana"), Call(CallDirection.CUSTOMER))
LATER = "1795000033"


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({}, id="it rings"),
        pytest.param({"event": "call_created", "session": None}, id="it rings, by SIP"),
        pytest.param(
            {
                "event": "terminate",
                "status": "COMPLETED",
                "timestamp": LATER,
                "start_time": "1795000000",
                "end_time": LATER,
                "duration": 33,
            },
            id="it is over",
        ),
        pytest.param({"event": "terminate", "status": "FAILED"}, id="it failed, and was the customer's call"),
        pytest.param({"event": "terminate"}, id="nobody took it"),
        pytest.param({"from": None}, id="number from the contact"),
        pytest.param({"from_user_id": None}, id="user id from the contact"),
        pytest.param({"cta_payload": "x", "deeplink_payload": "y"}, id="from a button"),
    ],
)
def test_a_call_of_the_customers_is_one_message_whichever_event_tells_of_it(parts: dict[str, Any]) -> None:
    assert rang(calls=[call(**parts)]) == THE_CALL


def test_the_end_of_a_call_counts_from_its_beginning_where_that_is_known() -> None:
    """A call that ends is no sign of life, so a late event must not hold the window open."""
    ended = rang(calls=[call(event="terminate", timestamp=LATER, start_time=1795000000)])
    missed = rang(calls=[call(event="terminate", timestamp=LATER)])
    assert isinstance(ended, InboundMessage)
    assert isinstance(missed, InboundMessage)
    assert ended.at == AT
    assert AT + timedelta(seconds=33) == missed.at


def test_a_voicemail_is_not_taken_for_its_call() -> None:
    """It comes among the messages, under the id of the call."""
    voicemail = message(id="wacid.C1", type="audio", text=None, audio={"id": "1", "voice": True})
    heard, called = items(change(messages=[voicemail]), change("calls", calls=[call()]))
    assert isinstance(heard, InboundMessage)
    assert isinstance(called, InboundMessage)
    assert heard.provider_id != called.provider_id


def test_a_call_of_the_businesss_counts_once_the_customer_accepts_it() -> None:
    assert rang(statuses=[call_status()]) == InboundMessage(
        ProviderId("wacid.C2#call"),
        AT,
        Sender((NUMBER, USER), "Ana"),
        Call(CallDirection.BUSINESS, is_accepted=True),
    )


NO_CALL = "a call without a usable id, timestamp or customer"


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (call(event="hologram"), "unknown event hologram of a call (…)"),
        (call(event=None), "unknown event … of a call (…)"),
        (call(event=["connect"]), "unknown event … of a call (…)"),
        (call(direction=None), "unknown event connect of a call (…)"),
        (call(direction="SIDEWAYS"), "unknown event connect of a call (…)"),
        (call(id=None), NO_CALL),
        (call(timestamp=None), NO_CALL),
        (call(**{"from": None, "from_user_id": None}), NO_CALL),
    ],
)
def test_a_call_that_cannot_be_taken_is_kept_and_named(parts: dict[str, Any], problem: str) -> None:
    item = rang(calls=[parts])
    assert isinstance(item, Unreadable)
    assert problem.replace("(…)", f"({parts.get('direction', '…')})") == item.problem
    assert json.loads(item.raw) == parts


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (call_status(status="accepted"), "unknown status accepted of a call"),
        (call_status(status=None), "unknown status … of a call"),
        (call_status(type="message"), "unknown status ACCEPTED of a call"),
        (call_status(id=""), NO_CALL),
        (call_status(timestamp="x"), NO_CALL),
        (call_status(recipient_id=None, recipient_user_id=None), NO_CALL),
    ],
)
def test_a_call_status_that_cannot_be_taken_is_kept_and_named(parts: dict[str, Any], problem: str) -> None:
    item = rang(statuses=[parts])
    assert isinstance(item, Unreadable)
    assert problem == item.problem
    assert json.loads(item.raw) == parts


# ------------------------------------------------------------------------- what is told of, and changes nothing


CONTACT = {
    "type": "contact",
    "contact": {"full_name": "Ana B.", "first_name": "Ana", "phone_number": "16505551234", "user_id": "US.1"},
    "action": "add",
    "metadata": {"timestamp": "1795000000"},
}
GROUP = {"timestamp": "1795000000", "group_id": "120363", "type": "group_create", "request_id": "r"}


@pytest.mark.parametrize(
    ("field", "key", "element", "topic", "word", "at"),
    [
        *[
            pytest.param("calls", "calls", element, "calls", element["event"], AT, id=f"call: {name}")
            for name, element in {
                "ours rings": call(direction="BUSINESS_INITIATED"),
                "ours is over": call(direction="BUSINESS_INITIATED", event="terminate"),
                "recorded": call(event="call_recording_available"),
                "written down": call(event="call_transcription_available"),
            }.items()
        ],
        *[
            pytest.param("calls", "statuses", call_status(status=said), "calls", said, AT, id=f"call: {said}")
            for said in ("RINGING", "REJECTED")
        ],
        pytest.param(
            "calls",
            "errors",
            {"code": 138000, "title": "Not enabled"},
            "errors",
            "138000",
            None,
            id="error about calls",
        ),
        pytest.param(
            "messages",
            "errors",
            {"code": 130429, "title": "Rate limit hit"},
            "errors",
            "130429",
            None,
            id="error",
            marks=covers("receive: errors of the account"),
        ),
        pytest.param("messages", "errors", {"title": "?"}, "errors", "…", None, id="error without a code"),
        pytest.param(
            "messages",
            "user_actions",
            {"action_type": "marketing_messages_link_click", "timestamp": "1795000000"},
            "user_actions",
            "marketing_messages_link_click",
            AT,
            id="tap on a link",
            marks=covers("receive: user_actions"),
        ),
        pytest.param("messages", "user_actions", {"action_type": 7}, "user_actions", "…", None, id="tap on something"),
        pytest.param(
            "messages",
            "statuses",
            status(status="deleted"),
            "statuses",
            "deleted",
            AT,
            id="deleted",
            marks=covers("status: deleted"),
        ),
        pytest.param("smb_app_state_sync", "state_sync", CONTACT, "smb_app_state_sync", "add", AT, id="contact"),
        pytest.param(
            "smb_app_state_sync",
            "state_sync",
            CONTACT | {"action": "remove"},
            "smb_app_state_sync",
            "remove",
            AT,
            id="contact removed",
        ),
        *[
            pytest.param(field, "groups", GROUP, field, "group_create", AT, id=field)
            for field in (
                "group_lifecycle_update",
                "group_participants_update",
                "group_settings_update",
                "group_status_update",
            )
        ],
        pytest.param("standby", "statuses", status(), "standby", "delivered", AT, id="another app's message"),
    ],
)
def test_what_is_only_told_of_is_a_notice_that_keeps_the_whole(
    field: str, key: str, element: dict[str, Any], topic: str, word: str, at: datetime | None
) -> None:
    item, again = items(change(field, **{key: [element]}), change(field, **{key: [element]}))
    assert isinstance(item, InboundNotice)
    assert (item.topic, item.word, item.at, item.template) == (topic, word, at, None)
    assert json.loads(item.raw) == element
    assert item == again
    (other,) = items(change(field, **{key: [element | {"timestamp": "1795000001"}]}))
    assert isinstance(other, InboundNotice)
    assert other.provider_id != item.provider_id
    assert "16505551234" not in repr(item)


# ------------------------------------------------------------------------- what cannot be taken

BAD_MESSAGES: list[Any] = [
    None,
    7,
    "text",
    [],
    {},
    message(id=None),
    message(id=""),
    message(id="a b"),
    message(id="x" * 300),
    message(timestamp=None),
    message(timestamp="soon"),
    message(timestamp="-5"),
    message(timestamp="1795000000000"),
    message(timestamp=0),
    message(timestamp=10**18),
    message(timestamp=True),
    message(timestamp=1795000000.5),
    message(timestamp="١٧٩٥٠٠٠٠٠٠"),
    message(type=None),
    message(type=["text"]),
    message(text=None),
    message(text="hi"),
    message(text={"body": 7}),
    message(type="image", image={"mime_type": "image/jpeg"}),
    message(type="image", image=[]),
    message(type="button", button={}),
    message(type="interactive", interactive={"type": "button_reply"}),
    message(type="interactive", interactive={"type": "list_reply", "list_reply": {"id": "1"}}),
    message(**{"from": None, "from_user_id": None}),
    message(**{"from": "x", "from_user_id": "a b"}),
    message(group_id="120363"),
]
BAD_STATUSES: list[Any] = [
    None,
    {},
    status(id=None),
    status(timestamp=None),
    status(status="erased"),
    status(status="DELIVERED"),
    status(status=None),
    status(status={}),
    status(recipient_type="group"),
]


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [("messages", message, bad) for bad in BAD_MESSAGES] + [("statuses", status, bad) for bad in BAD_STATUSES],
)
def test_a_bad_element_leaves_its_neighbours_alone(key: str, good: Callable[..., dict[str, Any]], bad: Any) -> None:
    before, found, after = items({"field": "messages", "value": value(**{key: [good(), bad, good(id="wamid.2")]})})
    assert isinstance(found, Unreadable)
    assert json.loads(found.raw) == bad
    assert found.problem
    assert isinstance(before, InboundMessage | InboundStatus)
    assert isinstance(after, InboundMessage | InboundStatus)
    assert after.provider_id == "wamid.2"


def test_everything_in_one_body_is_taken_in_its_order() -> None:
    entries: list[Any] = [
        {
            "id": "A",
            "changes": [
                change(messages=[message(id="m1"), message(id="m2")], statuses=[status(id="s1")]),
                {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}},
                "nonsense",
                change(statuses=[status(id="s2"), status(id="s3")]),
            ],
        },
        None,
        {"changes": []},
        {"id": "B"},
        {"id": "C", "changes": [change(messages=[message(id="m3")])]},
    ]
    raw = json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()
    told = [
        (
            found.account_ref,
            found.line_ref,
            found.item.problem if isinstance(found.item, Unreadable) else found.item.provider_id.partition(".")[0],
        )
        for found in webhook.read(raw)
    ]
    assert told == [
        ("A", LINE, "m1"),
        ("A", LINE, "m2"),
        ("A", LINE, "s1"),
        ("A", "", "notice"),
        ("A", "", "a change without a field or without a value"),
        ("A", LINE, "s2"),
        ("A", LINE, "s3"),
        ("", "", "an entry without an id or without changes"),
        ("", "", "an entry without an id or without changes"),
        ("B", "", "an entry without an id or without changes"),
        ("C", LINE, "m3"),
    ]


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"field": "calls", "calls": []}, "nothing in a change of calls"),
        ({"field": "calls", "messages": [{}]}, "unknown element messages"),
        ({"field": "user_preferences"}, "nothing in a change of user_preferences"),
        ({"field": "message_echoes"}, "nothing in a change of message_echoes"),
        ({"field": "group_lifecycle_update"}, "nothing in a change of group_lifecycle_update"),
        ({"field": "consumer_profile"}, "unknown field consumer_profile"),
        ({"field": "<script>"}, "unknown field …"),
        ({}, "nothing in a change of messages"),
        ({"messages": []}, "nothing in a change of messages"),
        ({"messages": "hi"}, "unknown element messages"),
        ({"user_dreams": [{"action_type": "click"}]}, "unknown element user_dreams"),
        ({"errors": ["?"]}, "one of the errors is not an object"),
    ],
)
def test_what_is_not_known_is_kept_and_named(parts: dict[str, Any], problem: str) -> None:
    item = one(items(change(**parts)))
    assert isinstance(item, Unreadable)
    assert item.problem == problem


def test_a_line_that_is_not_named_is_empty() -> None:
    raw = {"field": "messages", "value": {"metadata": ["?"], "messages": [message()]}}
    (found,) = webhook.read(body(raw))
    assert found.line_ref == ""
    assert isinstance(found.item, InboundMessage)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"whatsapp_business_account"',
        b'{"object":"page","entry":[]}',
        b'{"object":"whatsapp_business_account"}',
        b'{"object":"whatsapp_business_account","entry":{}}',
        b'{"object":"whatsapp_business_account","entry":[]',
        b"[" * 100_000,
    ],
)
def test_what_is_no_webhook_is_malformed(raw: bytes) -> None:
    with pytest.raises(BodyMalformed):
        webhook.read(raw)


def test_an_empty_webhook_is_one() -> None:
    assert webhook.read(b'{"object":"whatsapp_business_account","entry":[]}') == []


def test_deep_nesting_in_one_element_is_that_elements_trouble() -> None:
    deep: list[Any] = []
    for _ in range(400):
        deep = [deep]
    found = items(change(messages=[message(), message(id=None, extra=deep), message(extra=deep)]))
    assert [type(item).__name__ for item in found] == [
        "InboundMessage",
        "Unreadable",
        "InboundMessage",
    ]


def test_an_integer_of_any_size_is_no_trouble() -> None:
    found = items(change(messages=[message(id=10**30), message(timestamp=10**4000), message()]))
    assert [type(item).__name__ for item in found] == ["Unreadable", "Unreadable", "InboundMessage"]


def test_a_large_batch_costs_what_its_elements_cost() -> None:
    """A thousand messages with a thousand contacts, 3 MB of them: twenty times the work of fifty. Work is counted in
    calls, not in time, so that a busy machine decides nothing."""

    def work(count: int) -> int:
        people = [{"wa_id": str(10**10 + n), "profile": {"name": "N"}} for n in range(count)]
        texts = {"type": "text", "text": {"body": "x" * 2800}}
        heard = [message(**{"from": str(10**10 + n), "from_user_id": None}, **texts) for n in reversed(range(count))]
        raw = body(change(contacts=people, messages=heard))
        assert count < 1000 or 2.8e6 < len(raw) < 3.2e6
        calls = 0

        def counts(_frame: object, event: str, _what: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(counts)
        try:
            found = webhook.read(raw)
        finally:
            sys.setprofile(None)
        assert len(found) == count
        return calls

    assert work(1000) <= 20 * work(50)


def test_nothing_personal_is_printed() -> None:
    found = webhook.read(body(change(contacts=[ANA], messages=[message()], statuses=[status(), status(id=None)])))
    printed = repr(found)
    assert all(word not in printed for word in ("16505551234", "US.1000", "wamid", "Ana", "'hi'"))


def test_equal_values_whatever_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    from wa_connector_cloud_api import _json

    raw = body(change(contacts=[ANA], messages=[message(), *BAD_MESSAGES]))
    expected: list[Inbound] = webhook.read(raw)
    monkeypatch.setattr(_json, "_loads", _json._plain_loads)
    monkeypatch.setattr(_json, "_dumps", _json._plain_dumps)

    def comparable(found: list[Inbound]) -> list[Any]:
        return [json.loads(f.item.raw) if isinstance(f.item, Unreadable) else f.item for f in found]

    assert comparable(webhook.read(raw)) == comparable(expected)
