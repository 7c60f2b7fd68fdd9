"""The life of templates, and what an account is told besides messages."""

from datetime import timedelta
from typing import Any

import pytest
from emulator_bench import ANA, NOON, Bench, new_bench
from wa_connector_emulator import ControlError, Settings
from wa_connector_emulator.announcements import FIELDS

Body = dict[str, Any]
covers = pytest.mark.covers

CREATE = {
    "name": "hello",
    "language": "en_US",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hello there."}],
}
SEND = {"type": "template", "template": {"name": "hello", "language": {"code": "en_US"}}}


def create(bench: Bench, **changes: object) -> tuple[int, Body]:
    return bench.call("POST", f"{bench.waba_id}/message_templates", {**CREATE, **changes})


def events(bench: Bench) -> list[tuple[str, str]]:
    return [(c["field"], str(c["value"].get("event", ""))) for c in bench.told().changes]


@covers("POST /{account}/message_templates", "GET /{template}", "field: message_template_status_update")
@pytest.mark.parametrize("outcome", ["approve", "reject"])
def test_a_review_takes_its_time_and_ends_by_itself(outcome: str) -> None:
    hour = timedelta(hours=1)
    bench = new_bench(
        Settings(template_review="approve" if outcome == "approve" else "reject", template_review_after=hour)
    )
    _, made = create(bench)
    assert made["status"] == "PENDING"
    assert bench.refusal(**SEND) == (404, 132001)
    bench.emulator.clock.advance(hour)
    status = "APPROVED" if outcome == "approve" else "REJECTED"
    assert bench.call("GET", made["id"])[1]["status"] == status
    assert events(bench) == [("message_template_status_update", status)]


def test_a_template_may_come_back_in_another_category() -> None:
    bench = new_bench(Settings(categories_as="MARKETING"))
    _, made = create(bench)
    assert made["category"] == "MARKETING"
    node = bench.call("GET", made["id"], fields="category,previous_category")[1]
    assert node["previous_category"] == "UTILITY"


@covers("POST /{template}")
def test_an_edit_goes_back_into_review_and_has_its_limits(bench: Bench) -> None:
    _, made = create(bench)
    edit = {"components": [{"type": "BODY", "text": "Hello again."}]}
    for _ in range(3):  # one that is not approved can be edited at will
        assert bench.call("POST", made["id"], edit)[0] == 200
    bench.emulator.approve_template("hello")
    assert bench.call("POST", made["id"], edit)[1]["success"] is True
    assert bench.refusal(**SEND) == (404, 132001)
    bench.emulator.approve_template("hello")
    assert bench.call("POST", made["id"], edit)[0] == 400
    bench.emulator.clock.advance(timedelta(days=1))
    assert bench.call("POST", made["id"], {**edit, "category": "MARKETING"})[0] == 400
    assert bench.call("POST", made["id"], edit)[0] == 200
    assert bench.call("POST", made["id"], {"components": [{"type": "BODY", "text": "{{1}}"}]})[0] == 400


def test_an_approved_template_is_edited_ten_times_in_30_days(bench: Bench) -> None:
    _, made = create(bench)
    statuses = []
    for _ in range(11):
        bench.emulator.approve_template("hello")
        statuses.append(bench.call("POST", made["id"], {"components": CREATE["components"]})[0])
        bench.emulator.clock.advance(timedelta(days=1))
    assert statuses == [200] * 10 + [400]


def test_creations_are_a_hundred_an_hour(bench: Bench) -> None:
    codes = [create(bench, name=f"t{n}")[0] for n in range(101)]
    assert codes == [200] * 100 + [400]
    bench.emulator.clock.advance(timedelta(hours=1))
    assert create(bench, name="later")[0] == 200


@covers("GET /{account}/message_templates", "DELETE /{account}/message_templates")
def test_templates_are_listed_and_deleted_by_ids(bench: Bench) -> None:
    ids = [create(bench, name=f"t{n}")[1]["id"] for n in range(3)]
    path = f"{bench.waba_id}/message_templates"
    listed = bench.call("GET", path, fields="name,quality_score,rejected_reason", name_or_content="t1")[1]["data"]
    assert [(t["name"], t["quality_score"]["score"]) for t in listed] == [("t1", "UNKNOWN")]
    assert bench.call("DELETE", path, hsm_ids=f"[{ids[0]},{ids[2]}]") == (200, {"success": True})
    assert [t["id"] for t in bench.call("GET", path)[1]["data"]] == [ids[1]]
    assert bench.call("DELETE", path, hsm_ids=",".join(str(n) for n in range(101)))[0] == 400


@pytest.mark.parametrize(
    ("category", "seconds", "status"),
    [
        ("UTILITY", 30, 200),
        ("UTILITY", 43201, 400),
        ("UTILITY", -1, 200),
        ("MARKETING", 30, 400),
        ("MARKETING", 43200, 200),
        ("MARKETING", -1, 400),
        ("AUTHENTICATION", 901, 400),
    ],
)
def test_a_time_to_live_is_its_categorys(bench: Bench, category: str, seconds: int, status: int) -> None:
    assert create(bench, category=category, message_send_ttl_seconds=seconds)[0] == status


# --- quality, pauses, pacing --------------------------------------------------------------------


@covers("field: message_template_quality_update")
def test_low_quality_pauses_for_three_hours_then_six_then_for_good(bench: Bench) -> None:
    bench.emulator.add_template("hello", "Hello there.")
    spans = []
    for hours in (3, 6):
        assert bench.emulator.rate_template("hello", "RED").status == "PAUSED"
        assert bench.refusal(**SEND) == (400, 132015)
        bench.emulator.clock.advance(timedelta(hours=hours) - timedelta(seconds=1))
        assert bench.refusal(**SEND) == (400, 132015)
        bench.emulator.clock.advance(timedelta(seconds=1))
        bench.sent_id(**SEND)
        spans.append(hours)
    assert bench.emulator.rate_template("hello", "RED").status == "DISABLED"
    assert bench.refusal(**SEND) == (400, 132016)
    told = [e for field, e in events(bench) if field == "message_template_status_update"]
    assert told == ["PAUSED", "APPROVED", "PAUSED", "APPROVED", "DISABLED"]
    assert [f for f, _ in events(bench)].count("message_template_quality_update") == 3


@covers("POST /{template}/unpause")
def test_pacing_holds_messages_and_lets_them_go_or_drops_them() -> None:
    bench = new_bench(Settings(template_pacing=1))
    bench.emulator.add_template("hello", "Hello there.")
    answers = [bench.send(**SEND)[1]["messages"][0]["message_status"] for _ in range(2)]
    assert answers == ["accepted", "held_for_quality_assessment"]
    assert [s["status"] for s in bench.told().statuses()] == ["sent", "delivered"]
    bench.emulator.release_template("hello")
    assert [s["status"] for s in bench.told().statuses()] == ["sent", "delivered"] * 2
    assert len(bench.emulator.received(ANA)) == 2
    bench.emulator.add_template("other", "Hello there.")
    other = {"type": "template", "template": {"name": "other", "language": {"code": "en_US"}}}
    for _ in range(2):
        bench.send(**other)
    bench.emulator.pause_template("other", by_pacing=True)
    assert bench.told().statuses()[-1]["errors"][0]["code"] == 132015
    template = bench.emulator.templates()[-1]
    path = f"{template.id}/unpause"
    assert bench.call("POST", path)[0] == 400  # not before five minutes are over
    bench.emulator.clock.advance(timedelta(minutes=5))
    assert bench.call("POST", path) == (200, {"success": True})
    assert bench.call("POST", path)[0] == 400
    bench.sent_id(**other)


@covers("field: template_category_update")
def test_a_template_is_put_into_another_category_with_notice(bench: Bench) -> None:
    bench.emulator.add_template("hello", "Hello there.")
    bench.emulator.recategorise_template("hello", "MARKETING", is_notice=True)
    bench.emulator.recategorise_template("hello", "MARKETING")
    notice, done = [c["value"] for c in bench.told().changes]
    assert (notice["new_category"], notice["correct_category"]) == ("UTILITY", "MARKETING")
    assert notice["category_update_timestamp"] == int((NOON + timedelta(days=1)).timestamp())
    assert (done["previous_category"], done["new_category"]) == ("UTILITY", "MARKETING")
    bench.sent_id(**SEND)
    assert bench.told().statuses()[0]["pricing"]["category"] == "marketing"


# --- the other endpoints ------------------------------------------------------------------------


@covers(
    "GET /{template}/compare",
    "POST /{account}/upsert_message_templates",
    "POST /{account}/migrate_message_templates",
    "GET /message_template_library",
)
def test_the_rarer_endpoints_of_templates(bench: Bench) -> None:
    first, second = create(bench)[1]["id"], create(bench, name="other")[1]["id"]
    assert bench.call("GET", f"{first}/compare", template_ids=f"[{second}]")[0] == 200
    assert bench.call("GET", f"{first}/compare", template_ids="")[0] == 400
    code = {
        "name": "code",
        "languages": ["en_US", "de"],
        "category": "AUTHENTICATION",
        "components": [{"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "text": "Copy"}]}],
    }
    rows = [bench.call("POST", f"{bench.waba_id}/upsert_message_templates", code)[1]["data"] for _ in range(2)]
    assert [row["language"] for row in rows[0]] == ["en_US", "de"]
    assert rows[0] == rows[1]
    path = f"{bench.waba_id}/upsert_message_templates"
    assert bench.call("POST", path, {**code, "category": "UTILITY"})[0] == 400
    bench.emulator.seed({"waba": {"id": "777"}})
    migrated = bench.call("POST", "777/migrate_message_templates", {"source_waba_id": bench.waba_id})[1]
    assert len(migrated["migrated_templates"]) == 4
    again = bench.call("POST", "777/migrate_message_templates", {"source_waba_id": bench.waba_id})[1]
    assert set(again["failed_templates"].values()) == {"2388091"}
    assert bench.call("POST", "777/migrate_message_templates", {"source_waba_id": "777"})[0] == 400
    assert bench.call("GET", "message_template_library", search="delivery")[1]["data"][0]["category"] == "UTILITY"


# --- announcements ------------------------------------------------------------------------------


@covers(
    "field: message_template_components_update",
    "field: template_correct_category_detection",
    "field: phone_number_quality_update",
    "field: phone_number_name_update",
    "field: account_update",
    "field: account_alerts",
    "field: account_review_update",
    "field: account_settings_update",
    "field: business_capability_update",
    "field: business_username_update",
    "field: business_status_update",
    "field: security",
    "field: flows",
    "field: automatic_events",
    "field: payment_configuration_update",
    "field: partner_solutions",
    "field: messaging_handovers",
    "field: standby",
    "field: message_echoes",
    "field: consumer_profile",
)
@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_the_account_can_be_announced(bench: Bench, field: str) -> None:
    bench.emulator.add_template("hello", "Hello there.")
    value = bench.emulator.announce(field, {"extra": 1}, template="hello", who=ANA)
    (body,) = bench.told().bodies
    (entry,) = body["entry"]
    assert (entry["id"], entry["changes"]) == (bench.waba_id, [{"field": field, "value": value}])
    assert value["extra"] == 1
    # Meta gives entries of the account's own fields a time, and those about messages none.
    assert ("time" in entry) is ("messaging_product" not in value)


def test_what_cannot_be_announced_says_why(bench: Bench) -> None:
    with pytest.raises(ControlError, match="known are"):
        bench.emulator.announce("weather")
    with pytest.raises(ControlError, match="name one"):
        bench.emulator.announce("template_category_update")
    with pytest.raises(ControlError, match="name one"):
        bench.emulator.announce("standby")
