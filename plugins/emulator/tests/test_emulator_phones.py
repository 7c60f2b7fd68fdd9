"""What customers do, and what the business hears of it."""

from datetime import timedelta
from typing import Any

import pytest
from emulator_bench import ANA, NOON, Bench
from wa_connector_emulator import ControlError

AT = str(int(NOON.timestamp()))
BEN = "+16505550000"


def test_a_customers_text_as_the_business_hears_it(bench: Bench) -> None:
    message = bench.emulator.type_text(ANA, "hi")
    (change,) = bench.told().changes
    assert change == {
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": "15550001111",
                "phone_number_id": bench.number_id,
            },
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": "16505551234", "user_id": bench.ana.bsuid}],
            "messages": [
                {
                    "from": "16505551234",
                    "from_user_id": bench.ana.bsuid,
                    "id": message.id,
                    "timestamp": AT,
                    "type": "text",
                    "text": {"body": "hi"},
                }
            ],
        },
    }
    assert "time" not in bench.inbox.bodies[0]["entry"][0]
    assert bench.inbox.bodies[0]["entry"][0]["id"] == bench.waba_id


def test_who_hides_the_number_has_a_bsuid_only(bench: Bench) -> None:
    ben = bench.emulator.create_customer(BEN, "Ben", hidden_number=True, username="ben.b")
    bench.emulator.type_text(ben.bsuid, "hi")
    bench.send_text(recipient=ben.bsuid)
    bench.emulator.read(ben.bsuid)
    inbound, *statuses = (change["value"] for change in bench.told().changes)
    profile = {"name": "Ben", "username": "ben.b"}
    assert inbound["contacts"] == [{"profile": profile, "user_id": ben.bsuid}]
    assert "from" not in inbound["messages"][0]
    assert inbound["messages"][0]["from_user_id"] == ben.bsuid
    for value in statuses:
        assert "recipient_id" not in value["statuses"][0]
        assert value["statuses"][0]["recipient_user_id"] == ben.bsuid
        assert "wa_id" not in value["contacts"][0]
    assert len(statuses) == 3
    assert BEN[1:].encode() not in b"".join(call.body for call in bench.inbox.calls)


def test_a_hidden_number_that_was_written_to_is_named_in_its_statuses(bench: Bench) -> None:
    ben = bench.emulator.create_customer(BEN, "Ben", hidden_number=True)
    bench.emulator.type_text(ben.bsuid, "hi")
    bench.send_text(to=BEN)
    assert {s["recipient_id"] for s in bench.told().statuses()} == {BEN[1:]}


def test_a_bsuid_is_made_or_taken(bench: Bench) -> None:
    assert bench.ana.bsuid.startswith("US.")
    assert bench.ana.bsuid[3:].isdigit()
    carl = bench.emulator.create_customer("+49 170 1234567", "Carl", country="DE")
    dora = bench.emulator.create_customer("+4917055555", "Dora", bsuid="DE.1")
    assert carl.bsuid.startswith("DE.")
    assert (carl.phone, dora.bsuid) == ("491701234567", "DE.1")


@pytest.mark.parametrize("who", [ANA, "16505551234", "+1 (650) 555-1234"])
def test_a_customer_is_found_by_any_spelling_of_the_phone(bench: Bench, who: str) -> None:
    assert bench.emulator.customer(who) == bench.ana


@pytest.mark.parametrize("who", ["+16505559999", "US.16505551234", ""])
def test_nobody_else_is_found(bench: Bench, who: str) -> None:
    with pytest.raises(ControlError, match="create_customer"):
        bench.emulator.customer(who)


@pytest.mark.parametrize(("phone", "bsuid"), [(ANA, None), (BEN, "same"), ("12", None), ("x", None)])
def test_a_phone_and_a_bsuid_exist_once_and_make_sense(bench: Bench, phone: str, bsuid: str | None) -> None:
    given = bench.ana.bsuid if bsuid else None
    with pytest.raises(ControlError):
        bench.emulator.create_customer(phone, "Ben", bsuid=given)
    assert bench.emulator.customers() == (bench.ana,)


def button_message(bench: Bench) -> str:
    replies = [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in [("n", "y"), ("y", "Yes")]]
    return bench.sent_id(
        type="interactive",
        interactive={
            "type": "button",
            "body": {"text": "Sure?"},
            "action": {"buttons": replies},
        },
    )


@pytest.mark.parametrize(("choice", "expected"), [("y", "y"), ("Yes", "y"), ("n", "n")])
def test_a_tap_on_a_reply_button(chat: Bench, choice: str, expected: str) -> None:
    wamid = button_message(chat)
    chat.emulator.tap(ANA, wamid, choice)
    (message,) = chat.told().messages()
    titles = {"y": "Yes", "n": "y"}
    assert message["type"] == "interactive"
    assert message["interactive"] == {
        "type": "button_reply",
        "button_reply": {"id": expected, "title": titles[expected]},
    }
    assert message["context"] == {"from": "15550001111", "id": wamid}


def test_a_tap_on_a_list_row(chat: Bench) -> None:
    row = {"id": "r1", "title": "First", "description": "the first"}
    action = {"button": "Open", "sections": [{"rows": [row]}]}
    wamid = chat.sent_id(type="interactive", interactive={"type": "list", "body": {"text": "?"}, "action": action})
    chat.emulator.tap(ANA, wamid, "First")
    assert chat.told().messages()[0]["interactive"] == {"type": "list_reply", "list_reply": row}


def test_a_tap_on_a_templates_quick_reply_opens_the_window(bench: Bench) -> None:
    bench.emulator.add_template("ask", "May we write?", buttons=["Yes", "No"])
    payload = {
        "type": "button",
        "sub_type": "quick_reply",
        "index": "0",
        "parameters": [{"type": "payload", "payload": "opt-in"}],
    }
    template = {"name": "ask", "language": {"code": "en_US"}, "components": [payload]}
    wamid = bench.sent_id(type="template", template=template)
    bench.emulator.tap(ANA, wamid, "Yes")
    bench.emulator.tap(ANA, wamid, "No")
    first, second = bench.told().messages()
    assert (first["type"], first["button"]) == ("button", {"payload": "opt-in", "text": "Yes"})
    assert second["button"] == {"payload": "No", "text": "No"}
    assert first["context"] == {"from": "15550001111", "id": wamid}
    bench.send_text()
    assert bench.told().statuses()[-1]["status"] == "delivered"


def test_only_what_is_offered_on_this_phone_can_be_tapped(chat: Bench) -> None:
    wamid = button_message(chat)
    chat.emulator.create_customer(BEN, "Ben")
    for who, message_id, choice in ((ANA, wamid, "z"), (BEN, wamid, "y"), (ANA, "wamid.x", "y")):
        with pytest.raises(ControlError):
            chat.emulator.tap(who, message_id, choice)
    assert chat.told().messages() == []


def test_a_reply_quotes_either_side(chat: Bench) -> None:
    wamid = chat.sent_id(type="text", text={"body": "hello"})
    mine = chat.emulator.type_text(ANA, "to you", reply_to=wamid)
    chat.emulator.type_text(ANA, "to me", reply_to=mine.id)
    first, second = chat.told().messages()
    assert first["context"] == {"from": "15550001111", "id": wamid}
    assert second["context"] == {"from": "16505551234", "id": mine.id}


def test_reading_up_to_a_message_and_once_only(chat: Bench) -> None:
    ids = [chat.sent_id(type="text", text={"body": str(n)}) for n in range(3)]
    chat.told().calls.clear()
    assert chat.emulator.read(ANA, ids[1]) == 2
    assert chat.emulator.read(ANA, ids[1]) == 0
    assert chat.emulator.read(ANA) == 1
    assert [(s["id"], s["status"]) for s in chat.told().statuses()] == [(i, "read") for i in ids]


def test_who_cannot_write_says_why(bench: Bench) -> None:
    bench.emulator.create_customer(BEN, "Ben", on_whatsapp=False)
    with pytest.raises(ControlError, match="not on WhatsApp"):
        bench.emulator.type_text(BEN, "hi")
    bench.emulator.block(ANA)
    with pytest.raises(ControlError, match="unblock"):
        bench.emulator.type_text(ANA, "hi")
    assert bench.told().messages() == []


def test_a_marketing_stop_is_told_once(bench: Bench) -> None:
    bench.emulator.stop_marketing(ANA)
    bench.emulator.stop_marketing(ANA)
    bench.emulator.resume_marketing(ANA)
    stop, resume = bench.told().changes
    assert stop["field"] == "user_preferences"
    assert stop["value"]["user_preferences"] == [
        {
            "wa_id": "16505551234",
            "user_id": bench.ana.bsuid,
            "detail": "User requested to stop marketing messages",
            "category": "marketing_messages",
            "value": "stop",
            "timestamp": int(AT),
        }
    ]
    assert resume["value"]["user_preferences"][0]["value"] == "resume"


# --- calls --------------------------------------------------------------------------------------


def told_of_call(bench: Bench) -> list[dict[str, Any]]:
    """Everything that was told, which must be of calls."""
    bench.emulator.clock.advance(timedelta(hours=1))
    changes = bench.told().changes
    assert {change["field"] for change in changes} == {"calls"}
    return [change["value"] for change in changes]


def test_a_call_that_nobody_answers_as_the_business_hears_it(bench: Bench) -> None:
    call = bench.emulator.call(ANA)
    connect, terminate = told_of_call(bench)
    head = {
        "id": call.id,
        "from": "16505551234",
        "from_user_id": bench.ana.bsuid,
        "to": "15550001111",
        "direction": "USER_INITIATED",
        "timestamp": AT,
    }
    assert connect == {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": bench.number_id},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "16505551234", "user_id": bench.ana.bsuid}],
        "calls": [{**head, "event": "connect", "session": {"sdp_type": "offer", "sdp": "v=0\r\n"}}],
    }
    assert terminate["calls"] == [{**head, "event": "terminate", "status": "FAILED"}]
    assert call.id.startswith("wacid.")


def test_a_call_that_is_answered_ends_when_it_is_over(bench: Bench) -> None:
    bench.emulator.call(ANA, answered=True, duration=timedelta(seconds=33))
    assert bench.told().calls_told() == ["connect"]
    terminate = told_of_call(bench)[1]["calls"][0]
    over = str(int(AT) + 33)
    assert (terminate["status"], terminate["timestamp"]) == ("COMPLETED", over)
    assert (terminate["start_time"], terminate["end_time"], terminate["duration"]) == (AT, over, 33)


@pytest.mark.parametrize(
    ("answered", "events"),
    [(True, ["connect", "RINGING", "ACCEPTED", "terminate"]), (False, ["connect", "RINGING", "REJECTED", "terminate"])],
)
def test_a_call_of_the_businesss(bench: Bench, answered: bool, events: list[str]) -> None:
    call = bench.emulator.call(ANA, by_business=True, answered=answered)
    assert bench.told().calls_told() == events
    connect, ringing, _, _ = told_of_call(bench)
    (told,) = connect["calls"]
    assert (told["direction"], told["from"], told["to"]) == ("BUSINESS_INITIATED", "15550001111", "16505551234")
    assert told["to_user_id"] == bench.ana.bsuid
    assert "from_user_id" not in told
    assert ringing["statuses"] == [
        {
            "id": call.id,
            "type": "call",
            "status": "RINGING",
            "timestamp": AT,
            "recipient_id": "16505551234",
            "recipient_user_id": bench.ana.bsuid,
        }
    ]


@pytest.mark.parametrize(
    ("answered", "by_business", "is_open"),
    [(False, False, True), (True, False, True), (True, True, True), (False, True, False)],
)
def test_a_call_opens_the_window_unless_it_is_the_businesss_and_not_accepted(
    bench: Bench, answered: bool, by_business: bool, is_open: bool
) -> None:
    bench.emulator.call(ANA, answered=answered, by_business=by_business)
    bench.send_text()
    assert bench.told().statuses()[-1]["status"] == ("delivered" if is_open else "failed")


def test_who_hides_the_number_calls_by_bsuid(bench: Bench) -> None:
    ben = bench.emulator.create_customer(BEN, "Ben", hidden_number=True)
    bench.emulator.call(ben.bsuid)
    bench.emulator.call(ben.bsuid, answered=True, by_business=True)
    told_of_call(bench)
    assert BEN[1:].encode() not in b"".join(call.body for call in bench.inbox.calls)


def test_who_cannot_call_says_why(bench: Bench) -> None:
    bench.emulator.create_customer(BEN, "Ben", on_whatsapp=False)
    with pytest.raises(ControlError, match="not on WhatsApp"):
        bench.emulator.call(BEN)
    with pytest.raises(ControlError, match="cannot last"):
        bench.emulator.call(ANA, answered=True, duration=timedelta(seconds=-1))
    bench.emulator.block(ANA)
    with pytest.raises(ControlError, match="unblock it to call"):
        bench.emulator.call(ANA, by_business=True)
    assert bench.told().changes == []
