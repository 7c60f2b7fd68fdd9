"""What a business manages: numbers, profile, blocks, codes, names, subscriptions, uploads, calls and groups."""

from datetime import timedelta
from typing import Any

import pytest
from emulator_bench import ANA, Bench, new_bench
from wa_connector_emulator import Settings
from wa_connector_emulator.exchange import GraphRequest, GraphResponse

Body = dict[str, Any]
covers = pytest.mark.covers
WHATSAPP = {"messaging_product": "whatsapp"}
SUCCESS = (200, {"success": True})


def code_of(answer: tuple[int, Body]) -> int:
    return int(answer[1]["error"]["code"])


# --- numbers ------------------------------------------------------------------------------------


@covers("GET /{number}", "GET /{account}/phone_numbers", "GET /{account}")
def test_a_number_tells_its_state_and_health_to_those_who_ask(bench: Bench) -> None:
    _, plain = bench.call("GET", bench.number_id)
    assert {"display_phone_number", "verified_name", "quality_rating", "status", "throughput"} <= set(plain)
    assert "health_status" not in plain
    _, asked = bench.call("GET", bench.number_id, fields="health_status,webhook_configuration,quality_score")
    assert asked["health_status"]["can_send_message"] == "AVAILABLE"
    assert asked["webhook_configuration"] == {"application": "https://bot.test/hook"}
    assert [n["id"] for n in bench.call("GET", f"{bench.waba_id}/phone_numbers")[1]["data"]] == [bench.number_id]
    fields = (
        "analytics.start(1).end(2).granularity(DAY),pricing_analytics,template_analytics,call_analytics,health_status"
    )
    _, account = bench.call("GET", bench.waba_id, fields=fields)
    assert {"analytics", "pricing_analytics", "template_analytics", "call_analytics"} <= set(account)
    assert account["health_status"]["can_send_message"] == "AVAILABLE"


@covers(
    "POST /{account}/phone_numbers",
    "POST /{number}/request_code",
    "POST /{number}/verify_code",
    "POST /{number}/register",
    "POST /{number}/deregister",
)
def test_a_new_number_is_verified_and_registered_before_it_sends(chat: Bench) -> None:
    wanted = {"cc": "49", "phone_number": "170 1234567", "verified_name": "Branch"}
    _, made = chat.call("POST", f"{chat.waba_id}/phone_numbers", wanted)
    number = made["id"]
    text = {**WHATSAPP, "to": ANA, "type": "text", "text": {"body": "hi"}}
    assert code_of(chat.call("POST", f"{number}/messages", text)) == 133010
    _, node = chat.call("GET", number, fields="health_status,status")
    assert (node["status"], node["health_status"]["can_send_message"]) == ("DISCONNECTED", "BLOCKED")
    assert chat.call("POST", f"{number}/request_code", {"code_method": "SMS", "language": "en"}) == SUCCESS
    assert code_of(chat.call("POST", f"{number}/request_code", {"code_method": "FAX", "language": "en"})) == 100
    assert chat.call("POST", f"{number}/verify_code", {"code": "123-456"})[1]["success"] is True
    assert code_of(chat.call("POST", f"{number}/verify_code", {"code": "12"})) == 100
    assert code_of(chat.call("POST", f"{number}/register", {**WHATSAPP, "pin": "12"})) == 100
    assert chat.call("POST", f"{number}/register", {**WHATSAPP, "pin": "123456"}) == SUCCESS
    assert chat.call("POST", f"{number}/messages", text)[0] == 200
    assert code_of(chat.call("POST", f"{number}/request_code", {"code_method": "SMS", "language": "en"})) == 136024
    assert chat.call("POST", f"{number}/deregister", {}) == SUCCESS
    assert code_of(chat.call("POST", f"{number}/register", {**WHATSAPP, "pin": "654321"})) == 133005


def test_registrations_are_ten_in_72_hours(bench: Bench) -> None:
    answers = [bench.call("POST", f"{bench.number_id}/deregister", {}) for _ in range(11)]
    assert [status for status, _ in answers] == [200] * 10 + [400]
    assert code_of(answers[-1]) == 133016
    bench.emulator.clock.advance(timedelta(hours=72))
    assert bench.call("POST", f"{bench.number_id}/deregister", {}) == SUCCESS


@covers("POST /{number}")
def test_a_number_has_a_pin_and_a_webhook_address_of_its_own(bench: Bench) -> None:
    assert bench.call("POST", bench.number_id, {"pin": "123456"}) == SUCCESS
    assert code_of(bench.call("POST", bench.number_id, {"pin": "abc"})) == 100
    assert code_of(bench.call("POST", bench.number_id, {"colour": "red"})) == 100
    own = {"override_callback_uri": "https://own.test/hook", "verify_token": "verify"}
    assert bench.call("POST", bench.number_id, {"webhook_configuration": own}) == SUCCESS
    wrong = {**own, "verify_token": "other"}
    assert code_of(bench.call("POST", bench.number_id, {"webhook_configuration": wrong})) == 2200
    long = {**own, "override_callback_uri": "https://own.test/" + "x" * 200}
    assert code_of(bench.call("POST", bench.number_id, {"webhook_configuration": long})) == 100
    bench.emulator.type_text(ANA, "hi")
    bench.emulator.announce("account_review_update")
    assert [call.url for call in bench.told().calls] == ["https://own.test/hook", "https://bot.test/hook"]
    assert bench.call("POST", bench.number_id, {"webhook_configuration": {"override_callback_uri": ""}}) == SUCCESS
    bench.emulator.type_text(ANA, "again")
    assert bench.told().calls[-1].url == "https://bot.test/hook"


# --- documents ----------------------------------------------------------------------------------


@covers("GET /{number}/whatsapp_business_profile", "POST /{number}/whatsapp_business_profile")
def test_a_profile_is_given_back_and_held_to_its_limits(bench: Bench) -> None:
    path = f"{bench.number_id}/whatsapp_business_profile"
    profile = {"about": "We answer.", "email": "a@x.test", "websites": ["https://x.test"], "vertical": "RETAIL"}
    assert bench.call("POST", path, {**WHATSAPP, **profile}) == SUCCESS
    _, found = bench.call("GET", path)
    assert found == {"data": [{**WHATSAPP, **profile}]}
    _, picked = bench.call("GET", path, fields="about")
    assert picked["data"][0]["about"] == "We answer."
    for bad in (
        {"about": "x" * 140},
        {"about": ""},
        {"address": "x" * 257},
        {"description": "x" * 513},
        {"email": "x" * 129},
        {"websites": ["https://x.test"] * 3},
        {"vertical": "PIRACY"},
        {"profile_picture_handle": "4::none"},
    ):
        assert code_of(bench.call("POST", path, {**WHATSAPP, **bad})) == 100
    assert bench.call("GET", path)[1] == found


@covers("GET /{number}/settings", "POST /{number}/settings")
def test_settings_of_a_number(bench: Bench) -> None:
    path = f"{bench.number_id}/settings"
    calling = {"status": "ENABLED", "call_icon_visibility": "DEFAULT"}
    assert bench.call("POST", path, {"calling": calling}) == SUCCESS
    assert bench.call("GET", path) == (200, {"calling": calling})
    assert "sip_credentials" in bench.call("GET", path, include_sip_credentials="true")[1]
    assert code_of(bench.call("POST", path, {"calling": {"status": "PERHAPS"}})) == 100
    assert code_of(bench.call("POST", path, {"gravity": {}})) == 100


@covers(
    "GET /{number}/conversational_automation",
    "POST /{number}/conversational_automation",
    "GET /{number}/whatsapp_commerce_settings",
    "POST /{number}/whatsapp_commerce_settings",
    "GET /{number}/whatsapp_business_encryption",
    "POST /{number}/whatsapp_business_encryption",
)
@pytest.mark.parametrize(
    ("edge", "good", "bad"),
    [
        ("conversational_automation", {"prompts": ["Hello"]}, {"prompts": ["a", "b", "c", "d", "e"]}),
        ("conversational_automation", {"commands": []}, {"enable_welcome_message": True}),
        ("whatsapp_commerce_settings", {"is_cart_enabled": False}, {"is_open": True}),
        (
            "whatsapp_business_encryption",
            {"business_public_key": "-----BEGIN PUBLIC KEY-----\nx"},
            {"business_public_key": "key"},
        ),
    ],
)
def test_documents_are_checked_and_given_back(bench: Bench, edge: str, good: Body, bad: Body) -> None:
    path = f"{bench.number_id}/{edge}"
    assert bench.call("POST", path, good) == SUCCESS
    assert code_of(bench.call("POST", path, bad)) == 100
    (key, value) = next(iter(good.items()))
    _, found = bench.call("GET", path)
    assert (found["data"][0] if "data" in found else found)[key] == value


# --- blocks -------------------------------------------------------------------------------------


@covers("GET /{number}/block_users", "POST /{number}/block_users", "DELETE /{number}/block_users")
def test_a_customer_who_wrote_lately_is_blocked_and_unblocked(chat: Bench) -> None:
    path = f"{chat.number_id}/block_users"
    ben = chat.emulator.create_customer("+16505550000", "Ben")
    users = [{"user": ANA}, {"user_id": ben.bsuid}, {"user": "+15550009999"}]
    status, answer = chat.call("POST", path, {**WHATSAPP, "block_users": users})
    assert status == 200
    assert answer["block_users"]["added_users"] == [{"input": ANA, "wa_id": ANA[1:]}]
    failed = answer["block_users"]["failed_users"]
    assert [(row["input"], row["errors"][0]["code"]) for row in failed] == [
        (ben.bsuid, 131047),
        ("+15550009999", 131026),
    ]
    assert answer["error"]["code"] == 139100
    assert chat.refusal(type="text", text={"body": "hi"}) == (400, 130403)
    with pytest.raises(Exception, match="has blocked Ana"):
        chat.emulator.type_text(ANA, "hello?")
    assert [row["user_id"] for row in chat.call("GET", path)[1]["data"]] == [chat.ana.bsuid]
    chat.call("DELETE", path, {**WHATSAPP, "block_users": [{"user": ANA}]})
    assert chat.call("GET", path)[1]["data"] == []
    assert chat.send_text()[0] == 200
    assert code_of(chat.call("POST", path, {**WHATSAPP, "block_users": []})) == 100
    assert code_of(chat.call("POST", path, {**WHATSAPP, "block_users": [{"user": ANA}] * 1001})) == 100


# --- codes, names, the contact book -------------------------------------------------------------


@covers(
    "GET /{number}/message_qrdls",
    "POST /{number}/message_qrdls",
    "GET /{number}/message_qrdls/{code}",
    "DELETE /{number}/message_qrdls/{code}",
)
def test_codes_are_made_changed_listed_and_dropped(bench: Bench) -> None:
    path = f"{bench.number_id}/message_qrdls"
    _, made = bench.call("POST", path, {"prefilled_message": "Hi", "generate_qr_image": "SVG"})
    assert len(made["code"]) == 14
    assert made["deep_link_url"] == f"https://wa.me/message/{made['code']}"
    assert made["qr_image_url"].endswith(".svg")
    bench.call("POST", path, {"prefilled_message": "Hello", "code": made["code"]})
    assert bench.call("GET", f"{path}/{made['code']}")[1]["data"][0]["prefilled_message"] == "Hello"
    assert len(bench.call("GET", path)[1]["data"]) == 1
    assert code_of(bench.call("POST", path, {"prefilled_message": "x" * 141})) == 100
    assert code_of(bench.call("POST", path, {"prefilled_message": "x", "code": "none"})) == 100
    assert code_of(bench.call("GET", path, limit="26")) == 100
    assert bench.call("DELETE", f"{path}/{made['code']}") == SUCCESS
    assert code_of(bench.call("DELETE", f"{path}/{made['code']}")) == 100


@covers(
    "GET /{number}/username",
    "POST /{number}/username",
    "DELETE /{number}/username",
    "GET /{number}/username_suggestions",
)
def test_a_username_is_one_numbers(bench: Bench) -> None:
    bench.emulator.seed({"numbers": [{"id": "222", "display_number": "15550002222"}]})
    path = f"{bench.number_id}/username"
    (first, *_) = bench.call("GET", f"{bench.number_id}/username_suggestions")[1]["username_suggestions"]
    assert bench.call("POST", path, {"username": first}) == SUCCESS
    assert bench.call("GET", path)[1] == {"username": first, "status": "approved"}
    assert code_of(bench.call("POST", path, {"username": "No Spaces"})) == 147002
    assert code_of(bench.call("POST", "222/username", {"username": first})) == 147005
    assert bench.call("POST", "222/username", {"username": first, "transfer_action": "force_transfer"}) == SUCCESS
    assert bench.call("GET", path)[1] == {}
    assert bench.call("DELETE", "222/username") == SUCCESS
    assert bench.call("GET", "222/username")[1] == {}


@covers("DELETE /{number}/contact_book")
def test_the_contact_book_forgets_a_number(bench: Bench) -> None:
    path = f"{bench.number_id}/contact_book"
    assert bench.call("DELETE", path, bsuid=bench.ana.bsuid) == (200, {"success": True, "deleted": True})
    assert bench.call("DELETE", path, bsuid=bench.ana.bsuid) == (200, {"success": True, "deleted": False})
    assert code_of(bench.call("DELETE", path, bsuid="US.0")) == 100
    bench.emulator.type_text(ANA, "hi")
    assert "from" not in bench.told().messages()[0]


# --- the app, conversations, sign-ups -----------------------------------------------------------


@covers("POST /{number}/thread_control")
def test_a_conversation_is_passed_on(bench: Bench) -> None:
    path = f"{bench.number_id}/thread_control"
    assert bench.call("POST", path, {"action": "pass", "metadata": "m"}) == SUCCESS
    assert code_of(bench.call("POST", path, {"action": "steal"})) == 100
    assert code_of(bench.call("POST", path, {"action": "take"})) == 2494191
    assert code_of(bench.call("POST", path, {"action": "pass", "metadata": "x" * 2001})) == 100


@covers("POST /{number}/smb_app_data")
def test_the_app_is_synchronised_once_a_kind() -> None:
    bench = new_bench()
    path = f"{bench.number_id}/smb_app_data"
    assert code_of(bench.call("POST", path, {**WHATSAPP, "sync_type": "history"})) == 2593109
    bench.emulator.seed({"numbers": [{"id": "222", "display_number": "15550002222", "is_on_app": True}]})
    assert "request_id" in bench.call("POST", "222/smb_app_data", {**WHATSAPP, "sync_type": "history"})[1]
    assert code_of(bench.call("POST", "222/smb_app_data", {**WHATSAPP, "sync_type": "history"})) == 2593107
    assert code_of(bench.call("POST", "222/smb_app_data", {**WHATSAPP, "sync_type": "photos"})) == 100
    assert code_of(bench.call("POST", "222/register", {**WHATSAPP, "pin": "123456"})) == 100
    assert code_of(bench.call("POST", "222/deregister", {})) == 100


@covers(
    "GET /{account}/signups",
    "POST /{account}/signups",
    "GET /{account}/signups/{signup}",
    "POST /{account}/signups/{signup}",
)
def test_sign_ups(bench: Bench) -> None:
    path = f"{bench.waba_id}/signups"
    form = {
        "signup_message": "Join us",
        "confirmation_message": "Welcome",
        "privacy_policy_url": "https://x.test/p",
        "website_url": "https://x.test",
    }
    _, made = bench.call("POST", path, form)
    assert bench.call("POST", f"{path}/{made['id']}", {"display_name": "List"}) == SUCCESS
    assert bench.call("GET", f"{path}/{made['id']}")[1]["display_name"] == "List"
    assert [row["id"] for row in bench.call("GET", path)[1]["data"]] == [made["id"]]
    assert code_of(bench.call("POST", path, {**form, "signup_message": "x" * 301})) == 2494164
    assert code_of(bench.call("POST", path, {**form, "website_url": "http://x.test"})) == 2494165
    assert code_of(bench.call("GET", f"{path}/7")) == 100


# --- subscriptions and tokens -------------------------------------------------------------------


@covers(
    "GET /{account}/subscribed_apps",
    "POST /{account}/subscribed_apps",
    "DELETE /{account}/subscribed_apps",
    "POST /{app}/subscriptions",
)
def test_webhooks_need_both_subscriptions_and_the_field(bench: Bench) -> None:
    account, app = f"{bench.waba_id}/subscribed_apps", "670843887433847/subscriptions"
    assert bench.call("DELETE", account) == SUCCESS
    bench.emulator.type_text(ANA, "nobody hears")
    assert bench.call("GET", account) == (200, {"data": []})
    assert bench.call("POST", account) == SUCCESS
    assert bench.call("GET", account)[1]["data"][0]["whatsapp_business_api_data"]["id"] == "670843887433847"
    wanted = {
        "object": "whatsapp_business_account",
        "callback_url": "https://new.test/hook",
        "verify_token": "verify",
        "fields": "messages,security",
    }
    assert bench.call("POST", app, wanted) == SUCCESS
    bench.emulator.type_text(ANA, "hi")
    bench.emulator.announce("account_review_update")
    bench.emulator.announce("security")
    assert [
        (c.url, b["entry"][0]["changes"][0]["field"])
        for c, b in zip(bench.told().calls, bench.inbox.bodies, strict=True)
    ] == [
        ("https://new.test/hook", "messages"),
        ("https://new.test/hook", "security"),
    ]
    (row,) = bench.call("GET", app)[1]["data"]
    assert [field["name"] for field in row["fields"]] == ["messages", "security"]
    assert code_of(bench.call("POST", app, {**wanted, "object": "page"})) == 100
    assert code_of(bench.call("POST", app, {**wanted, "verify_token": ""})) == 100
    assert code_of(bench.call("POST", app, {**wanted, "verify_token": "other"})) == 2200
    assert bench.call("DELETE", app) == SUCCESS
    assert bench.call("GET", app) == (200, {"data": []})


def asked(bench: Bench, path: str, authorization: str, **query: str) -> tuple[int, Body]:
    answer: GraphResponse = bench.emulator.handle(
        GraphRequest("GET", f"/v26.0/{path}", query=query, authorization=authorization)
    )
    assert not isinstance(answer.body, bytes)
    return answer.status, dict(answer.body)


@covers("GET /debug_token", "GET /oauth/access_token")
def test_a_token_is_looked_up_by_the_app_and_got_for_a_code(bench: Bench) -> None:
    emulator = bench.emulator
    app = f"Bearer 670843887433847|{emulator.app_secret}"
    status, found = asked(bench, "debug_token", app, input_token=emulator.token)
    assert (status, found["data"]["is_valid"], found["data"]["expires_at"]) == (200, True, 0)
    assert "whatsapp_business_messaging" in found["data"]["scopes"]
    assert asked(bench, "debug_token", app, input_token="x")[1]["data"]["is_valid"] is False
    assert asked(bench, bench.number_id, app)[0] == 401
    whole = {"client_id": "670843887433847", "client_secret": emulator.app_secret, "code": "c"}
    assert asked(bench, "oauth/access_token", "", **whole)[1]["access_token"] == emulator.token
    assert asked(bench, "oauth/access_token", "", **{**whole, "client_secret": "x"})[0] == 400


@covers("POST /{app}/uploads", "POST /{upload}")
def test_a_sample_is_uploaded_in_two_steps(bench: Bench) -> None:
    query = {"file_name": "a.png", "file_length": "7", "file_type": "image/png"}
    _, begun = bench.call("POST", "670843887433847/uploads", filters=query)
    assert begun["id"].startswith("upload:")
    assert upload(bench, begun["id"], b"short")[0] == 400
    assert upload(bench, begun["id"], b"picture", offset="3")[0] == 400
    status, done = upload(bench, begun["id"], b"picture")
    assert status == 200
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [done["h"]]}}
    create = {
        "name": "mug",
        "language": "en_US",
        "category": "MARKETING",
        "components": [header, {"type": "BODY", "text": "Look here."}],
    }
    path = f"{bench.waba_id}/message_templates"
    assert bench.call("POST", path, create)[0] == 200
    header["example"] = {"header_handle": ["4::none"]}
    assert code_of(bench.call("POST", path, {**create, "name": "jug"})) == 100
    assert code_of(bench.call("POST", "670843887433847/uploads", filters={**query, "file_type": "text/html"})) == 100
    assert code_of(bench.call("POST", "670843887433847/uploads", filters={**query, "file_length": "x"})) == 100
    profile = {**WHATSAPP, "profile_picture_handle": done["h"]}
    assert bench.call("POST", f"{bench.number_id}/whatsapp_business_profile", profile) == SUCCESS


def upload(bench: Bench, session: str, data: bytes, *, offset: str = "0") -> tuple[int, Body]:
    answer = bench.emulator.handle(
        GraphRequest(
            "POST",
            f"/v26.0/{session}",
            raw=data,
            file_offset=offset,
            authorization=f"OAuth {bench.emulator.token}",
        )
    )
    assert not isinstance(answer.body, bytes)
    return answer.status, dict(answer.body)


# --- calls --------------------------------------------------------------------------------------

OFFER = {"session": {"sdp_type": "offer", "sdp": "v=0"}}
ANSWER = {"session": {"sdp_type": "answer", "sdp": "v=0"}}


def call(bench: Bench, action: str, **more: object) -> tuple[int, Body]:
    return bench.call("POST", f"{bench.number_id}/calls", {**WHATSAPP, "action": action, **more})


@pytest.fixture
def line(chat: Bench) -> Bench:
    """A bench whose number takes calls."""
    chat.call("POST", f"{chat.number_id}/settings", {"calling": {"status": "ENABLED"}})
    return chat


def permission(bench: Bench) -> str:
    request = {
        "type": "call_permission_request",
        "body": {"text": "May we call?"},
        "action": {"name": "call_permission_request"},
    }
    return bench.sent_id(type="interactive", interactive=request)


@covers(
    "POST /{number}/calls",
    "GET /{number}/call_permissions",
    "receive: interactive: call_permission_reply",
    "status: of a call",
    "field: calls",
)
def test_a_call_of_the_businesss_needs_permission(line: Bench) -> None:
    assert code_of(call(line, "connect", to=ANA, **OFFER)) == 138006
    wamid = permission(line)
    _, found = line.call("GET", f"{line.number_id}/call_permissions", user_wa_id=ANA[1:])
    assert found["permission"] == {"status": "no_permission"}
    assert found["actions"][0]["can_perform_action"] is False  # asked once today
    line.emulator.permit_calls(ANA, wamid)
    reply = line.told().messages()[-1]["interactive"]["call_permission_reply"]
    assert (reply["response"], reply["is_permanent"]) == ("accept", False)
    _, found = line.call("GET", f"{line.number_id}/call_permissions", recipient=line.ana.bsuid)
    assert found["permission"]["status"] == "temporary"
    _, made = call(line, "connect", to=ANA, biz_opaque_callback_data="c1", **OFFER)
    wacid = made["calls"][0]["id"]
    line.emulator.take_call(ANA, wacid)
    assert call(line, "terminate", call_id=wacid) == SUCCESS
    assert line.told().calls_told() == ["RINGING", "connect", "ACCEPTED", "terminate"]
    assert code_of(call(line, "terminate", call_id=wacid)) == 138004
    _, again = call(line, "connect", to=ANA, **OFFER)
    line.emulator.reject_call(ANA, again["calls"][0]["id"])
    assert line.told().calls_told()[-3:] == ["RINGING", "REJECTED", "terminate"]


def test_permission_is_asked_once_a_day_and_twice_a_week(line: Bench) -> None:
    permission(line)
    request = {"type": "call_permission_request", "action": {"name": "call_permission_request"}}
    ask = {"type": "interactive", "interactive": request}
    assert line.refusal(**ask) == (400, 138009)
    line.emulator.clock.advance(timedelta(hours=24))
    line.emulator.type_text(ANA, "hi")
    line.sent_id(**ask)
    line.emulator.clock.advance(timedelta(hours=24))
    assert line.refusal(**ask) == (400, 138009)
    line.emulator.clock.advance(timedelta(days=6))
    line.sent_id(**ask)


def test_a_call_of_the_customers_rings_until_somebody_acts(line: Bench) -> None:
    ringing = line.emulator.ring(ANA)
    assert line.told().calls_told() == ["connect"]
    assert call(line, "pre_accept", call_id=ringing.id, **ANSWER) == SUCCESS
    assert call(line, "accept", call_id=ringing.id, **ANSWER) == SUCCESS
    line.emulator.clock.advance(timedelta(seconds=33))
    assert line.emulator.hang_up(ANA, ringing.id) == 1
    ended = line.told().changes[-1]["value"]["calls"][0]
    assert (ended["event"], ended["status"], ended["duration"]) == ("terminate", "COMPLETED", 33)
    second = line.emulator.ring(ANA)
    assert call(line, "reject", call_id=second.id) == SUCCESS
    assert line.told().changes[-1]["value"]["calls"][0]["status"] == "FAILED"
    assert code_of(call(line, "accept", call_id=second.id, **ANSWER)) == 138004
    assert [c.state for c in line.emulator.calls()] == ["over", "over"]


def test_calls_that_cannot_be(chat: Bench) -> None:
    assert code_of(call(chat, "connect", to=ANA, **OFFER)) == 138000
    chat.call("POST", f"{chat.number_id}/settings", {"calling": {"status": "ENABLED"}})
    assert code_of(call(chat, "connect", to="+15550009999", **OFFER)) == 138001
    assert code_of(call(chat, "whistle")) == 100
    assert code_of(chat.call("GET", f"{chat.number_id}/call_permissions")) == 100


def test_a_button_of_a_message_calls_the_business(line: Bench) -> None:
    action = {"name": "voice_call", "parameters": {"display_text": "Call us", "payload": "from-offer"}}
    interactive = {"type": "voice_call", "body": {"text": "Questions?"}, "action": action}
    wamid = line.sent_id(type="interactive", interactive=interactive)
    line.emulator.tap_call(ANA, wamid)
    assert line.told().changes[-1]["value"]["calls"][0]["cta_payload"] == "from-offer"


# --- groups -------------------------------------------------------------------------------------


@pytest.fixture
def club() -> Bench:
    return new_bench(Settings(official_business_account=True))


def group(bench: Bench, **more: object) -> str:
    status, _ = bench.call("POST", f"{bench.number_id}/groups", {**WHATSAPP, "subject": "Friends", **more})
    assert status == 200
    return bench.emulator.groups()[-1].id


@covers(
    "POST /{number}/groups",
    "GET /{number}/groups",
    "GET /{group}",
    "POST /{group}",
    "DELETE /{group}",
    "GET /{group}/invite_link",
    "POST /{group}/invite_link",
    "field: group_lifecycle_update",
    "field: group_settings_update",
    "field: group_status_update",
)
def test_a_group_from_creation_to_deletion(club: Bench) -> None:
    found = group(club, description="Us")
    _, link = club.call("GET", f"{found}/invite_link")
    _, other = club.call("POST", f"{found}/invite_link", WHATSAPP)
    assert link["invite_link"] != other["invite_link"]
    assert club.call("GET", found)[1]["subject"] == "Friends"
    assert [g["id"] for g in club.call("GET", f"{club.number_id}/groups")[1]["data"]["groups"]] == [found]
    assert club.call("POST", found, {**WHATSAPP, "subject": "Best friends"})[0] == 200
    club.emulator.suspend_group(found)
    club.emulator.suspend_group(found, is_suspended=False)
    assert club.call("DELETE", found) == SUCCESS
    told = [(c["field"], c["value"]["groups"][0]["type"]) for c in club.told().changes]
    assert told == [
        ("group_lifecycle_update", "group_create"),
        ("group_settings_update", "group_settings_update"),
        ("group_status_update", "group_suspend"),
        ("group_status_update", "group_suspend_cleared"),
        ("group_lifecycle_update", "group_delete"),
    ]
    assert club.call("GET", found)[0] == 400


@covers(
    "GET /{group}/join_requests",
    "POST /{group}/join_requests",
    "DELETE /{group}/join_requests",
    "DELETE /{group}/participants",
    "field: group_participants_update",
)
def test_people_ask_to_join_and_are_let_in_refused_or_removed(club: Bench) -> None:
    found = group(club, join_approval_mode="approval_required")
    ben = club.emulator.create_customer("+16505550000", "Ben")
    club.emulator.join_group(ANA, found)
    club.emulator.join_group(ben.bsuid, found)
    path = f"{found}/join_requests"
    first, second = [row["join_request_id"] for row in club.call("GET", path)[1]["data"]]
    assert code_of(club.call("POST", path, {**WHATSAPP, "join_requests": ["none"]})) == 131213
    assert club.call("POST", path, {**WHATSAPP, "join_requests": [first]})[0] == 200
    assert club.call("DELETE", path, {**WHATSAPP, "join_requests": [second]})[0] == 200
    assert [p["user_id"] for p in club.call("GET", found)[1]["participants"]] == [club.ana.bsuid]
    people = f"{found}/participants"
    assert code_of(club.call("DELETE", people, {"participants": [{"user": ben.bsuid}]})) == 131211
    assert code_of(club.call("DELETE", people, {"participants": [{"user": ANA}] * 2})) == 131202
    assert code_of(club.call("DELETE", people, {"participants": [{"user": str(n)} for n in range(9)]})) == 100
    assert club.call("DELETE", people, {"participants": [{"user": ANA}]})[0] == 200
    told = [c["value"]["groups"][0]["type"] for c in club.told().changes]
    assert told == [
        "group_create",
        "group_join_request_created",
        "group_join_request_created",
        "group_participants_add",
        "group_participants_remove",
    ]


def test_groups_have_eight_people_and_need_an_official_account(club: Bench, bench: Bench) -> None:
    assert code_of(bench.call("POST", f"{bench.number_id}/groups", {**WHATSAPP, "subject": "x"})) == 131215
    assert code_of(club.call("POST", f"{club.number_id}/groups", {**WHATSAPP, "subject": "x" * 129})) == 100
    found = group(club)
    for n in range(8):
        club.emulator.join_group(club.emulator.create_customer(f"+1650555000{n}", "P").bsuid, found)
    with pytest.raises(Exception, match="full"):
        club.emulator.join_group(ANA, found)
    club.emulator.leave_group("+16505550000", found)
    club.emulator.join_group(ANA, found)
    with pytest.raises(Exception, match="already"):
        club.emulator.join_group(ANA, found)
