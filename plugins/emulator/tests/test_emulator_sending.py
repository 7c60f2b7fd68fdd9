"""What becomes of sends: addresses, the window, limits, fates and statuses."""

from datetime import UTC, datetime, timedelta

import pytest
from emulator_bench import ANA, NOON, Bench, new_bench
from wa_connector_emulator import Settings

TEXT = {"type": "text", "text": {"body": "hello"}}
DAY = timedelta(hours=24)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("to", "wa_id"),
    [
        ("+16505551234", "16505551234"),
        ("+1 (650) 555-1234", "16505551234"),
        # Meta puts the business's country code in front of whatever has no plus.
        ("6505551234", "16505551234"),
        ("16505551234", "116505551234"),
        ("491701234567", "1491701234567"),
    ],
)
def test_a_phone_is_what_meta_would_dial(bench: Bench, to: str, wa_id: str) -> None:
    status, answer = bench.send_text(to=to)
    assert status == 200
    assert answer["contacts"] == [{"input": to, "wa_id": wa_id}]
    assert set(answer) == {"messaging_product", "contacts", "messages"}
    assert set(answer["messages"][0]) == {"id"}


def test_a_bsuid_is_answered_with_a_user_id_and_no_number(chat: Bench) -> None:
    _, answer = chat.send_text(recipient=chat.ana.bsuid)
    assert answer["contacts"] == [{"input": chat.ana.bsuid, "user_id": chat.ana.bsuid}]
    assert [m.content.text for m in chat.emulator.received(ANA)] == ["hello"]


def test_of_phone_and_bsuid_the_phone_wins(chat: Bench) -> None:
    ben = chat.emulator.create_customer("+16505550000", "Ben")
    _, answer = chat.send_text(to=ANA, recipient=ben.bsuid)
    assert answer["contacts"] == [{"input": ANA, "wa_id": ANA[1:]}]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ({"to": "hello"}, 131009),
        ({"to": 16505551234}, 131009),
        ({"recipient": "16505551234"}, 131009),
        ({"recipient": "US.no-dashes"}, 131009),
        ({"to": "+15550001111"}, 131021),
        ({"to": None}, 100),
    ],
)
def test_bad_addresses_are_refused(chat: Bench, address: dict[str, object], code: int) -> None:
    assert chat.refusal(**TEXT, **address) == (400, code)
    assert chat.emulator.sent() == ()


def test_statuses_are_sent_then_delivered_then_read(chat: Bench) -> None:
    wamid = chat.sent_id(**TEXT, biz_opaque_callback_data="outbox:42")
    chat.emulator.clock.advance(timedelta(seconds=7))
    chat.emulator.read(ANA)
    statuses = chat.told().statuses()
    common = {
        "id": wamid,
        "recipient_id": ANA[1:],
        "recipient_user_id": chat.ana.bsuid,
        "biz_opaque_callback_data": "outbox:42",
    }
    pricing = {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    at_noon, later = str(int(NOON.timestamp())), str(int(NOON.timestamp()) + 7)
    assert statuses == [
        {**common, "status": "sent", "timestamp": at_noon, "pricing": pricing},
        {**common, "status": "delivered", "timestamp": at_noon, "pricing": pricing},
        {**common, "status": "read", "timestamp": later},
    ]
    assert chat.inbox.changes[0]["value"]["metadata"] == {
        "display_phone_number": "15550001111",
        "phone_number_id": chat.number_id,
    }


def test_statuses_take_their_time_when_told_to() -> None:
    second = timedelta(seconds=1)
    bench = new_bench(Settings(sent_after=second, delivered_after=2 * second))
    bench.emulator.type_text(ANA, "hi")
    bench.send_text()
    seen = []
    for _ in range(4):
        seen.append((len(bench.told().statuses()), len(bench.emulator.received(ANA))))
        bench.emulator.clock.advance(second)
    assert seen == [(0, 0), (1, 0), (1, 0), (2, 1)]


@pytest.mark.parametrize(("after", "fate"), [(DAY - INSTANT, "sent"), (DAY, "failed"), (DAY + INSTANT, "failed")])
def test_the_window_is_half_open_at_24_hours(chat: Bench, after: timedelta, fate: str) -> None:
    chat.emulator.clock.set(NOON + after)
    assert chat.send_text()[0] == 200
    assert chat.told().statuses()[0]["status"] == fate


def test_a_closed_window_fails_later_with_131047_and_nothing_on_the_phone(bench: Bench) -> None:
    bench.send_text()
    (status,) = bench.told().statuses()
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
    assert status["errors"][0]["title"] == "Re-engagement message"
    assert "details" in status["errors"][0]["error_data"]
    assert "pricing" not in status
    assert "contacts" not in bench.inbox.changes[0]["value"]
    assert bench.emulator.received(ANA) == ()


def test_a_closed_window_can_be_made_to_refuse_at_once() -> None:
    bench = new_bench(Settings(window_violation="sync"))
    assert bench.refusal(**TEXT) == (400, 131047)
    assert bench.told().statuses() == []


def test_the_window_is_each_numbers_own(chat: Bench) -> None:
    second = {"id": "222", "display_number": "15550002222"}
    chat.emulator.seed({"numbers": [second]})
    body = {"messaging_product": "whatsapp", "to": ANA, **TEXT}
    chat.call("POST", "222/messages", body)
    assert [s["status"] for s in chat.told().statuses()] == ["failed"]


def test_templates_need_no_window(bench: Bench) -> None:
    bench.emulator.add_template("hello", "Hello there.")
    template = {"name": "hello", "language": {"code": "en_US"}}
    _, answer = bench.send(type="template", template=template)
    assert answer["messages"][0]["message_status"] == "accepted"
    assert [s["status"] for s in bench.told().statuses()] == ["sent", "delivered"]


def test_a_business_message_does_not_open_the_window(bench: Bench) -> None:
    bench.emulator.add_template("hello", "Hello there.")
    bench.send(type="template", template={"name": "hello", "language": {"code": "en_US"}})
    bench.told().calls.clear()
    bench.send_text()
    assert [s["status"] for s in bench.told().statuses()] == ["failed"]


@pytest.mark.parametrize("to", ["+16505559999", "+4917012345"])
def test_who_is_not_on_whatsapp_fails_with_131026(bench: Bench, to: str) -> None:
    bench.emulator.create_customer("+16505559999", on_whatsapp=False)
    bench.emulator.add_template("hello", "Hello there.")
    template = {"name": "hello", "language": {"code": "en_US"}}
    _, answer = bench.send(to=to, type="template", template=template)
    assert answer["contacts"][0]["wa_id"] == to[1:]
    assert [e["code"] for s in bench.told().statuses() for e in s["errors"]] == [131026]


def test_a_block_is_silent_as_the_app_is(chat: Bench) -> None:
    chat.emulator.block(ANA)
    chat.send_text()
    assert [s["status"] for s in chat.told().statuses()] == ["sent"]
    assert chat.emulator.received(ANA) == ()
    chat.emulator.unblock(ANA)
    chat.send_text("again")
    assert [m.content.text for m in chat.emulator.received(ANA)] == ["again"]


def test_a_block_can_be_made_to_fail_and_is_one_numbers() -> None:
    bench = new_bench(Settings(blocked_send="failed"))
    bench.emulator.seed({"numbers": [{"id": "222", "display_number": "15550002222"}]})
    for number_id in (bench.number_id, "222"):
        bench.emulator.type_text(ANA, "hi", number_id=number_id)
    bench.emulator.block(ANA)
    bench.send_text()
    assert [e["code"] for s in bench.told().statuses() for e in s["errors"]] == [131026]
    bench.call("POST", "222/messages", {"messaging_product": "whatsapp", "to": ANA, **TEXT})
    assert bench.told().statuses()[-1]["status"] == "delivered"


def test_stopped_marketing_fails_marketing_and_nothing_else(chat: Bench) -> None:
    chat.emulator.add_template("sale", "All must go.", category="MARKETING")
    chat.emulator.add_template("order", "It is on its way.", category="UTILITY")
    chat.emulator.stop_marketing(ANA)
    chat.told().calls.clear()
    for name in ("sale", "order"):
        chat.send(type="template", template={"name": name, "language": {"code": "en_US"}})
    statuses = chat.told().statuses()
    assert [s["status"] for s in statuses] == ["failed", "sent", "delivered"]
    assert statuses[0]["errors"][0]["code"] == 131050
    chat.emulator.resume_marketing(ANA)
    chat.sent_id(type="template", template={"name": "sale", "language": {"code": "en_US"}})
    assert chat.told().statuses()[-1]["status"] == "delivered"


# --- limits -------------------------------------------------------------------------------------


def test_a_pair_has_a_burst_of_45_and_then_one_in_6_seconds(chat: Bench) -> None:
    assert [chat.send_text()[0] for _ in range(45)] == [200] * 45
    assert chat.refusal(**TEXT) == (400, 131056)
    chat.emulator.clock.advance(timedelta(seconds=6) - INSTANT)
    assert chat.refusal(**TEXT) == (400, 131056)
    chat.emulator.clock.advance(INSTANT)
    assert chat.send_text()[0] == 200
    assert chat.refusal(**TEXT) == (400, 131056)
    assert len(chat.emulator.sent()) == 46


def test_a_pair_that_rests_saves_up_no_more_than_a_burst(chat: Bench) -> None:
    for _ in range(45):
        chat.send_text()
    chat.emulator.clock.advance(timedelta(hours=1))
    assert [chat.send_text()[0] for _ in range(45)] == [200] * 45
    assert chat.refusal(**TEXT) == (400, 131056)


def test_one_pairs_limit_is_not_anothers(chat: Bench) -> None:
    chat.emulator.create_customer("+16505550000", "Ben")
    chat.emulator.type_text("+16505550000", "hi")
    for _ in range(45):
        chat.send_text()
    assert chat.send_text(to="+16505550000")[0] == 200


def test_phone_and_bsuid_are_the_same_pair(chat: Bench) -> None:
    for _ in range(45):
        chat.send_text()
    assert chat.refusal(**TEXT, recipient=chat.ana.bsuid) == (400, 131056)


def test_what_is_refused_costs_no_quota(chat: Bench) -> None:
    for _ in range(60):
        chat.refusal(type="text", text={})
    assert [chat.send_text()[0] for _ in range(45)] == [200] * 45


def test_the_pair_limit_can_be_switched_off() -> None:
    bench = new_bench(Settings(pair_limit=False))
    assert {bench.send_text()[0] for _ in range(100)} == {200}


def test_throughput_is_each_numbers_and_off_by_default(chat: Bench) -> None:
    chat.emulator.configure(throughput_per_second=3, pair_limit=False)
    assert [chat.send_text()[0] for _ in range(3)] == [200] * 3
    assert chat.refusal(**TEXT) == (400, 130429)
    chat.emulator.clock.advance(timedelta(seconds=1))
    assert [chat.send_text()[0] for _ in range(3)] == [200] * 3
    assert chat.refusal(**TEXT) == (400, 130429)


def test_a_pair_that_is_refused_takes_nothing_from_the_throughput(chat: Bench) -> None:
    chat.emulator.create_customer("+16505550000", "Ben")
    chat.emulator.configure(throughput_per_second=50)
    for _ in range(45):
        chat.send_text()
    for _ in range(20):
        assert chat.refusal(**TEXT) == (400, 131056)
    assert [chat.send_text(to="+16505550000")[0] for _ in range(5)] == [200] * 5


# --- pricing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "free", "category", "kind"),
    [
        (datetime(2026, 9, 30, tzinfo=UTC), 0, "service", "free_customer_service"),
        (datetime(2026, 10, 1, tzinfo=UTC), 0, "service", "regular"),
        (datetime(2026, 10, 1, tzinfo=UTC), 1, "service", "free_customer_service"),
        (datetime(2026, 9, 30, tzinfo=UTC), 0, "utility", "free_customer_service"),
        (datetime(2026, 10, 1, tzinfo=UTC), 9, "utility", "regular"),
        (datetime(2026, 9, 30, tzinfo=UTC), 9, "marketing", "regular"),
    ],
)
def test_what_a_message_is_priced_as(at: datetime, free: int, category: str, kind: str) -> None:
    bench = new_bench(Settings(free_service_messages=free))
    bench.emulator.clock.set(at)
    bench.emulator.type_text(ANA, "hi")
    if category == "service":
        bench.send_text()
    else:
        bench.emulator.add_template("t", "Hello there.", category=category.upper())
        bench.send(type="template", template={"name": "t", "language": {"code": "en_US"}})
    pricing = bench.told().statuses()[0]["pricing"]
    assert (pricing["category"], pricing["type"]) == (category, kind)
    assert pricing["billable"] is (kind == "regular")


def test_the_free_tier_is_a_calendar_months() -> None:
    bench = new_bench(Settings(free_service_messages=1))
    bench.emulator.clock.set(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    bench.emulator.type_text(ANA, "hi")
    bench.send_text()
    bench.send_text()
    bench.emulator.clock.advance(timedelta(minutes=1))
    bench.send_text()
    sent = [s for s in bench.told().statuses() if s["status"] == "sent"]
    assert [s["pricing"]["billable"] for s in sent] == [False, True, False]


# --- opaque data, reading -----------------------------------------------------------------------


def test_sends_are_counted_by_opaque_datum(chat: Bench) -> None:
    for opaque in ("a", "b", "a"):
        chat.send_text(biz_opaque_callback_data=opaque)
    chat.refusal(type="text", text={}, biz_opaque_callback_data="b")
    chat.send_text()
    assert chat.emulator.sent_counts() == {"a": 2, "b": 1}


def test_the_business_reads_a_message_and_all_before_it(bench: Bench) -> None:
    said = [bench.emulator.type_text(ANA, str(n)) for n in range(3)]
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": said[1].id}
    typing = {**body, "typing_indicator": {"type": "text"}}
    assert bench.call("POST", f"{bench.number_id}/messages", typing) == (200, {"success": True})
    marks = [(m.is_read, m.is_typing) for m in bench.emulator.said(ANA)]
    assert marks == [(True, False), (True, True), (False, False)]
    # Twice is as good as once.
    assert bench.call("POST", f"{bench.number_id}/messages", body)[0] == 200
    assert [m.is_read for m in bench.emulator.said(ANA)] == [True, True, False]


def test_only_a_known_recent_message_can_be_marked_read(bench: Bench) -> None:
    message = bench.emulator.type_text(ANA, "hi")
    path = f"{bench.number_id}/messages"
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": message.id}
    for wrong in ({"message_id": "wamid.x"}, {"status": "seen"}):
        status, answer = bench.call("POST", path, {**body, **wrong})
        assert (status, answer["error"]["code"]) == (400, 131009)
    bench.emulator.seed({"numbers": [{"id": "222", "display_number": "15550002222"}]})
    assert bench.call("POST", "222/messages", body)[0] == 400
    bench.emulator.clock.advance(timedelta(days=30))
    assert bench.call("POST", path, body)[0] == 400
    assert [m.is_read for m in bench.emulator.said(ANA)] == [False]


def test_reactions_tell_of_sent_only_and_of_bad_targets_later(chat: Bench) -> None:
    said = chat.emulator.said(ANA)[0]
    chat.send(type="reaction", reaction={"message_id": said.id, "emoji": "👍"})
    chat.send(type="reaction", reaction={"message_id": "wamid.none", "emoji": "👍"})
    reaction = chat.emulator.sent()[0]
    chat.send(type="reaction", reaction={"message_id": reaction.id, "emoji": ""})
    statuses = chat.told().statuses()
    assert [s["status"] for s in statuses] == ["sent", "failed", "failed"]
    assert {e["code"] for s in statuses[1:] for e in s["errors"]} == {131009}
    assert chat.emulator.read(ANA) == 0


def test_who_comes_from_an_ad_and_is_answered_within_a_day_costs_nothing_for_72_hours(bench: Bench) -> None:
    bench.emulator.configure(free_service_messages=0)
    bench.emulator.add_template("sale", "All must go.", category="MARKETING")
    sale = {"type": "template", "template": {"name": "sale", "language": {"code": "en_US"}}}
    bench.emulator.arrive_from_ad(ANA, "hi")
    bench.emulator.clock.advance(timedelta(hours=1))
    bench.send_text()
    assert bench.told().statuses()[0]["pricing"]["type"] == "free_entry_point"
    bench.emulator.clock.advance(timedelta(hours=72) - INSTANT)
    bench.send(**sale)
    assert bench.told().statuses()[-1]["pricing"]["billable"] is False
    bench.send_text()  # it is about the price only: the window has closed as ever
    assert bench.told().statuses()[-1]["errors"][0]["code"] == 131047
    bench.emulator.clock.advance(INSTANT)
    bench.send(**sale)
    assert bench.told().statuses()[-1]["pricing"]["billable"] is True


def test_an_answer_after_a_day_makes_nothing_free(bench: Bench) -> None:
    bench.emulator.add_template("sale", "All must go.", category="MARKETING")
    bench.emulator.arrive_from_ad(ANA, "hi")
    bench.emulator.clock.advance(DAY)
    bench.send(type="template", template={"name": "sale", "language": {"code": "en_US"}})
    assert bench.told().statuses()[0]["pricing"]["type"] == "regular"
