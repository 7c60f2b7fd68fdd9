"""Everything that customers do, as the business hears of it."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from emulator_bench import ANA, Bench, new_bench
from wa_connector_emulator import ControlError

Body = dict[str, Any]
covers = pytest.mark.covers


def heard(bench: Bench) -> Body:
    """The one message that was told."""
    (message,) = bench.told().messages()
    bench.inbox.calls.clear()
    return message


@pytest.mark.parametrize(
    ("kind", "mime", "more"),
    [
        pytest.param("image", "image/jpeg", {"caption": "c"}, marks=covers("receive: image"), id="image"),
        pytest.param("video", "video/mp4", {"caption": "c"}, marks=covers("receive: video"), id="video"),
        pytest.param("audio", "audio/ogg; codecs=opus", {"voice": True}, marks=covers("receive: audio"), id="voice"),
        pytest.param(
            "document",
            "application/pdf",
            {"filename": "a.pdf", "caption": "c"},
            marks=covers("receive: document"),
            id="document",
        ),
        pytest.param("sticker", "image/webp", {"animated": True}, marks=covers("receive: sticker"), id="sticker"),
    ],
)
def test_media_come_with_their_facts_and_can_be_fetched(bench: Bench, kind: str, mime: str, more: Body) -> None:
    bench.emulator.send_media(ANA, kind, b"content", mime, **more)
    message = heard(bench)
    facts = message[kind]
    assert message["type"] == kind
    assert facts.items() >= {"mime_type": mime, **more}.items()
    assert facts["sha256"] == b64encode(sha256(b"content").digest()).decode()
    status, node = bench.call("GET", facts["id"])
    assert (status, node["mime_type"]) == (200, mime)
    bench.emulator.clock.advance(timedelta(days=7))
    assert bench.call("GET", facts["id"])[0] == 400


@covers("receive: location")
def test_a_place(bench: Bench) -> None:
    bench.emulator.send_location(ANA, 52.5, 13.4, name="Berlin")
    assert heard(bench)["location"] == {"latitude": 52.5, "longitude": 13.4, "name": "Berlin"}


@covers("receive: contacts", "receive: contacts: contact_request")
def test_cards_and_the_customers_own(chat: Bench) -> None:
    card = {"name": {"formatted_name": "Ben"}, "phones": [{"phone": "+1 650 555 0000", "wa_id": "16505550000"}]}
    chat.emulator.send_contacts(ANA, [card])
    assert heard(chat)["contacts"] == [{"origin": "other", **card}]
    request = {
        "type": "request_contact_info",
        "body": {"text": "Your number?"},
        "action": {"name": "request_contact_info"},
    }
    wamid = chat.sent_id(type="interactive", interactive=request)
    chat.emulator.share_contact(ANA, wamid)
    answer = heard(chat)
    assert answer["context"]["id"] == wamid
    assert answer["contacts"][0]["origin"] == "contact_request"
    assert answer["contacts"][0]["phones"][0]["wa_id"] == ANA[1:]


@covers("receive: context: reply")
def test_a_place_that_was_asked_for(chat: Bench) -> None:
    request = {"type": "location_request_message", "body": {"text": "Where?"}, "action": {"name": "send_location"}}
    wamid = chat.sent_id(type="interactive", interactive=request)
    chat.emulator.share_location(ANA, wamid, 1, 2)
    answer = heard(chat)
    assert (answer["type"], answer["context"]["id"]) == ("location", wamid)
    with pytest.raises(ControlError, match="does not ask for contact"):
        chat.emulator.share_contact(ANA, wamid)


@covers("receive: interactive: nfm_reply, address_message")
def test_the_form_of_an_address_is_answered_under_its_own_name(chat: Bench) -> None:
    action = {"name": "address_message", "parameters": {"country": "IN"}}
    asked = {"type": "address_message", "body": {"text": "Where to?"}, "action": action}
    wamid = chat.sent_id(type="interactive", interactive=asked)
    chat.emulator.submit_flow(ANA, wamid, {"values": {"city": "Pune"}})
    reply = heard(chat)["interactive"]["nfm_reply"]
    assert (reply["name"], json.loads(reply["response_json"])["values"]) == ("address_message", {"city": "Pune"})


@covers("receive: interactive: nfm_reply")
def test_a_flow_is_answered_by_json_in_a_string(chat: Bench) -> None:
    parameters = {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Begin", "flow_token": "token"}
    action = {"name": "flow", "parameters": parameters}
    wamid = chat.sent_id(type="interactive", interactive={"type": "flow", "body": {"text": "?"}, "action": action})
    chat.emulator.submit_flow(ANA, wamid, {"size": "L"})
    reply = heard(chat)["interactive"]
    assert reply["type"] == "nfm_reply"
    assert reply["nfm_reply"]["name"] == "flow"
    assert json.loads(reply["nfm_reply"]["response_json"]) == {"size": "L", "flow_token": "token"}
    other = chat.sent_id(type="text", text={"body": "no flow"})
    with pytest.raises(ControlError, match="no flow"):
        chat.emulator.submit_flow(ANA, other, {})


@covers("receive: interactive: button_reply", "receive: interactive: list_reply", "receive: button")
@pytest.mark.parametrize("kind", ["button_reply", "list_reply", "button"])
def test_taps(chat: Bench, kind: str) -> None:
    if kind == "button":
        chat.emulator.add_template("ask", "May we?", buttons=["Yes"])
        wamid = chat.sent_id(type="template", template={"name": "ask", "language": {"code": "en_US"}})
        chat.emulator.tap(ANA, wamid, "Yes")
        message = heard(chat)
        assert (message["type"], message["button"]) == ("button", {"payload": "Yes", "text": "Yes"})
        return
    row = {"id": "a", "title": "A"}
    actions = {
        "button_reply": ("button", {"buttons": [{"type": "reply", "reply": row}]}),
        "list_reply": ("list", {"button": "Open", "sections": [{"rows": [row]}]}),
    }
    name, action = actions[kind]
    wamid = chat.sent_id(type="interactive", interactive={"type": name, "body": {"text": "?"}, "action": action})
    chat.emulator.tap(ANA, wamid, "A")
    message = heard(chat)
    assert message["interactive"] == {"type": kind, kind: row}
    assert message["context"]["id"] == wamid


PRODUCT = {"referred_product": {"catalog_id": "1", "product_retailer_id": "sku"}}
ACTS: list[Any] = [
    pytest.param(
        lambda b: b.emulator.order(ANA, "1", [{"product_retailer_id": "sku", "quantity": 1}], text="please"),
        {"type": "order"},
        marks=covers("receive: order"),
        id="order",
    ),
    pytest.param(
        lambda b: b.emulator.send_unsupported(ANA, "poll_creation"),
        {"type": "unsupported", "unsupported": {"type": "poll_creation"}},
        marks=covers("receive: unsupported"),
        id="unsupported",
    ),
    pytest.param(
        lambda b: b.emulator.send_raw(ANA, {"type": "hologram", "hologram": {"x": 1}}),
        {"type": "hologram", "hologram": {"x": 1}},
        marks=covers("receive: an unknown type"),
        id="unknown",
    ),
    pytest.param(
        lambda b: b.emulator.forward(ANA, "read this"),
        {"context": {"forwarded": True}},
        marks=covers("receive: context: forwarded"),
        id="forwarded",
    ),
    pytest.param(
        lambda b: b.emulator.forward(ANA, "read this", often=True),
        {"context": {"frequently_forwarded": True}},
        marks=covers("receive: context: frequently_forwarded"),
        id="forwarded often",
    ),
    pytest.param(
        lambda b: b.emulator.send_raw(ANA, {"type": "text", "text": {"body": "?"}, "context": PRODUCT}),
        {"type": "text", "context": PRODUCT},
        marks=covers("receive: context: referred_product"),
        id="about a product",
    ),
    pytest.param(
        lambda b: b.emulator.send_raw(ANA, {"type": "request_welcome"}),
        {"type": "request_welcome"},
        marks=covers("receive: request_welcome"),
        id="welcome",
    ),
    pytest.param(
        lambda b: b.emulator.type_text(ANA, "hi"),
        {"type": "text", "text": {"body": "hi"}},
        marks=covers("receive: text", "field: messages"),
        id="text",
    ),
]


@pytest.mark.parametrize(("act", "expected"), ACTS)
def test_what_is_sent_is_told(bench: Bench, act: Callable[[Bench], object], expected: Body) -> None:
    act(bench)
    assert heard(bench).items() >= expected.items()


@covers("receive: referral")
def test_a_customer_who_comes_from_an_ad(bench: Bench) -> None:
    bench.emulator.arrive_from_ad(ANA, "hi", referral={"ctwa_clid": "mine"})
    referral = heard(bench)["referral"]
    assert (referral["source_type"], referral["ctwa_clid"]) == ("ad", "mine")


@covers("receive: reaction")
def test_reactions_come_and_go(chat: Bench) -> None:
    wamid = chat.sent_id(type="text", text={"body": "hello"})
    chat.emulator.react(ANA, wamid, "👍")
    assert heard(chat)["reaction"] == {"message_id": wamid, "emoji": "👍"}
    chat.emulator.react(ANA, wamid)
    assert heard(chat)["reaction"] == {"message_id": wamid}
    with pytest.raises(ControlError, match="no message"):
        chat.emulator.react(ANA, "wamid.none", "👍")


@covers("receive: voicemail")
def test_a_voicemail_has_the_calls_id_and_opens_the_window(bench: Bench) -> None:
    bench.emulator.voicemail(ANA, b"speech")
    assert bench.told().calls_told() == ["connect", "terminate"]
    (message,) = bench.inbox.messages()
    assert message["id"].startswith("wacid.")
    assert (message["type"], message["audio"]["voice"]) == ("audio", True)
    call_id = bench.inbox.changes[0]["value"]["calls"][0]["id"]
    assert message["id"] == call_id
    assert bench.send_text()[0] == 200
    assert bench.told().statuses()[0]["status"] == "sent"


# --- new numbers and keys -----------------------------------------------------------------------


@covers("receive: system: user_changed_number")
def test_a_new_number_brings_a_new_user_id_and_keeps_the_window(chat: Bench) -> None:
    before = chat.ana.bsuid
    ana = chat.emulator.change_number(ANA, "+16505559999")
    message = heard(chat)
    assert message["from_user_id"] == before
    assert message["system"] | {"body": ""} == {
        "body": "",
        "type": "user_changed_number",
        "wa_id": "16505559999",
        "user_id": ana.bsuid,
        "previous_user_id": before,
    }
    assert ana.bsuid != before
    assert chat.send_text(to="+16505559999")[0] == 200
    assert chat.told().statuses()[-1]["status"] == "delivered"
    assert [m.payload["type"] for m in chat.emulator.said("+16505559999")] == ["text"]
    chat.send_text(to=ANA)
    assert chat.told().statuses()[-1]["errors"][0]["code"] == 131026


@covers("receive: system: user_changed_user_id")
def test_of_a_hidden_number_only_the_user_id_changes(bench: Bench) -> None:
    eve = bench.emulator.create_customer(name="Eve")
    after = bench.emulator.change_number(eve.bsuid, "+16505559999")
    system = heard(bench)["system"]
    assert (system["type"], system["user_id"]) == ("user_changed_user_id", after.bsuid)
    assert "wa_id" not in system
    assert bench.emulator.customers()[-1].bsuid == after.bsuid


@covers("receive: system: customer_identity_changed")
def test_a_new_key_is_told_without_contacts_and_opens_no_window(bench: Bench) -> None:
    bench.emulator.change_identity(ANA)
    change = bench.told().changes[0]
    assert "contacts" not in change["value"]
    (message,) = change["value"]["messages"]
    assert message["system"]["type"] == "customer_identity_changed"
    assert message["identity"]["hash"] == bench.emulator.customer(ANA).identity
    bench.send_text()
    assert bench.told().statuses()[-1]["errors"][0]["code"] == 131047


# --- the business's own app ---------------------------------------------------------------------


@pytest.fixture
def shop() -> Bench:
    """A bench whose second number is used by the app as well."""
    bench = new_bench()
    bench.emulator.seed({"numbers": [{"id": "222", "display_number": "15550002222", "is_on_app": True}]})
    return bench


@covers("receive: edit", "receive: revoke")
def test_edits_are_told_to_numbers_of_the_app_only(shop: Bench) -> None:
    for number_id, expected in (("222", ["edit", "revoke"]), (shop.number_id, ["unsupported", "unsupported"])):
        said = shop.emulator.type_text(ANA, "helo", number_id=number_id)
        shop.told().calls.clear()
        shop.emulator.edit_message(ANA, said.id, "hello", number_id=number_id)
        shop.emulator.revoke_message(ANA, said.id, number_id=number_id)
        assert [m["type"] for m in shop.told().messages()] == expected
    with pytest.raises(ControlError, match="has sent no message"):
        shop.emulator.edit_message(ANA, "wamid.none", "x")


@covers("field: smb_message_echoes", "field: smb_app_state_sync", "field: history")
def test_what_the_app_writes_and_knows_is_told(shop: Bench) -> None:
    shop.emulator.type_text(ANA, "hi", number_id="222")
    wamid = shop.emulator.echo(ANA, "hello from the shop", number_id="222")
    shop.emulator.sync_contact(ANA, number_id="222")
    shop.emulator.sync_history(number_id="222")
    _, echo, contact, history = shop.told().changes
    assert echo["value"]["message_echoes"][0].items() >= {"id": wamid, "from": "15550002222", "to": ANA[1:]}.items()
    assert contact["value"]["state_sync"][0]["contact"]["user_id"] == shop.ana.bsuid
    threads = history["value"]["history"][0]["threads"]
    assert [(t["id"], len(t["messages"])) for t in threads] == [(ANA[1:], 1)]
    assert shop.emulator.received(ANA)[0].content.text == "hello from the shop"
    with pytest.raises(ControlError, match="is_on_app"):
        shop.emulator.echo(ANA, "x")


# --- preferences --------------------------------------------------------------------------------


@covers(
    "field: user_preferences", "receive: preference: stop", "receive: preference: resume", "receive: preference: signup"
)
def test_preferences_are_told(bench: Bench) -> None:
    bench.emulator.stop_marketing(ANA)
    bench.emulator.resume_marketing(ANA)
    bench.emulator.sign_up(ANA, "778")
    told = [c["value"]["user_preferences"][0] for c in bench.told().changes]
    assert [(each["value"], each.get("signup_id")) for each in told] == [
        ("stop", None),
        ("resume", None),
        ("signup", "778"),
    ]


def test_a_sign_up_lifts_a_stop(bench: Bench) -> None:
    bench.emulator.stop_marketing(ANA)
    assert bench.emulator.sign_up(ANA, "778").marketing_stopped == frozenset()


@covers("receive: user_actions", "receive: errors of the account", "status: deleted")
@pytest.mark.parametrize(
    "about",
    [
        {"errors": [{"code": 131031, "title": "Account locked"}]},
        {"errors": None, "user_actions": [{"action_type": "marketing_messages_link_click"}]},
        {"errors": None, "statuses": [{"id": "wamid.1", "status": "deleted", "timestamp": "1795000000"}]},
    ],
)
def test_whatever_else_stands_among_messages_can_be_announced(bench: Bench, about: Body) -> None:
    bench.emulator.announce("messages", about)
    (change,) = bench.told().changes
    assert {key: part for key, part in change["value"].items() if key not in ("messaging_product", "metadata")} == {
        key: part for key, part in about.items() if part is not None
    }
