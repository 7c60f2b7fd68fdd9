"""Templates: creating, listing, deleting, statuses, and filling in."""

from datetime import timedelta
from typing import Any

import pytest
from emulator_bench import ANA, Bench

Body = dict[str, Any]
BODY = {"type": "BODY", "text": "Hello {{1}}, order {{2}} is ready."}
CREATE: Body = {
    "name": "order_update",
    "language": "en_US",
    "category": "UTILITY",
    "components": [BODY],
}


def text(value: str, **more: str) -> Body:
    return {"type": "text", "text": value, **more}


def part(kind: str, *parameters: Body, **more: str) -> Body:
    return {"type": kind, "parameters": list(parameters), **more}


def sending(name: str, *components: Body, language: str = "en_US") -> Body:
    template = {"name": name, "language": {"code": language}, "components": list(components)}
    return {"type": "template", "template": template}


# --- managing -----------------------------------------------------------------------------------


def test_a_template_is_created_pending_and_sendable_once_approved(bench: Bench) -> None:
    status, answer = bench.call("POST", f"{bench.waba_id}/message_templates", CREATE)
    assert (status, answer["status"], answer["category"]) == (200, "PENDING", "UTILITY")
    send = sending("order_update", part("body", text("Ana"), text("7")))
    assert bench.refusal(**send) == (404, 132001)
    bench.emulator.approve_template("order_update")
    bench.sent_id(**send)
    (message,) = bench.emulator.received(ANA)
    assert message.content.text == "Hello Ana, order 7 is ready."
    assert bench.call("GET", answer["id"])[1]["status"] == "APPROVED"


@pytest.mark.parametrize(
    ("change", "subcode"),
    [
        ({"name": "Order"}, None),
        ({"name": "x" * 513}, None),
        ({"name": None}, None),
        ({"language": "english"}, None),
        ({"category": "FUN"}, None),
        ({"parameter_format": "ROMAN"}, None),
        ({"components": [{"type": "FOOTER", "text": "x"}]}, 2388072),
        ({"components": [{"type": "BODY", "text": "x" * 1025}]}, 2388040),
        ({"components": [{"type": "BODY", "text": "{{1}} is here."}]}, 2388299),
        ({"components": [{"type": "BODY", "text": "Here is {{1}}"}]}, 2388299),
        ({"components": [{"type": "BODY", "text": "Hi {{2}}, there."}]}, 2388072),
        ({"components": [BODY, {"type": "HEADER", "format": "SMELL"}]}, 2388047),
        ({"components": [BODY, {"type": "FOOTER", "text": "x" * 61}]}, 2388040),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [{"type": "URL"}] * 11}]}, None),
    ],
)
def test_a_bad_create_call_is_refused(bench: Bench, change: Body, subcode: int | None) -> None:
    path = f"{bench.waba_id}/message_templates"
    status, answer = bench.call("POST", path, {**CREATE, **change})
    assert (status, answer["error"]["code"]) == (400, 100)
    assert answer["error"].get("error_subcode") == subcode
    assert bench.emulator.templates() == ()


def test_a_name_and_language_exist_once(bench: Bench) -> None:
    path = f"{bench.waba_id}/message_templates"
    assert bench.call("POST", path, CREATE)[0] == 200
    assert bench.call("POST", path, CREATE)[1]["error"]["error_subcode"] == 2388024
    assert bench.call("POST", path, {**CREATE, "language": "de"})[0] == 200


def test_deleting_takes_all_languages_and_locks_the_name_for_30_days(bench: Bench) -> None:
    path = f"{bench.waba_id}/message_templates"
    for language in ("en_US", "de"):
        bench.call("POST", path, {**CREATE, "language": language})
    assert bench.call("DELETE", path, name="order_update") == (200, {"success": True})
    assert bench.emulator.templates() == ()
    assert bench.call("DELETE", path, name="order_update")[0] == 400
    assert bench.call("POST", path, CREATE)[1]["error"]["error_subcode"] == 2388023
    bench.emulator.clock.advance(timedelta(days=30))
    assert bench.call("POST", path, CREATE)[0] == 200


def test_deleting_by_id_takes_one_language(bench: Bench) -> None:
    path = f"{bench.waba_id}/message_templates"
    ids = [bench.call("POST", path, {**CREATE, "language": la})[1]["id"] for la in ("en", "de")]
    bench.call("DELETE", path, name="order_update", hsm_id=ids[0])
    assert [t.id for t in bench.emulator.templates()] == ids[1:]
    assert bench.call("DELETE", path)[0] == 400


def names(answer: Body) -> list[str]:
    return [t["name"] for t in answer["data"]]


def test_pages_go_on_and_back_by_cursor_also_when_some_are_deleted(bench: Bench) -> None:
    for n in range(7):
        bench.emulator.add_template(f"t{n}", "Hello there.")
    path = f"{bench.waba_id}/message_templates"
    _, first = bench.call("GET", path, limit="3")
    assert names(first) == ["t0", "t1", "t2"]
    assert "previous" not in first["paging"]
    after = first["paging"]["cursors"]["after"]
    assert f"after={after.rstrip('=')}" in first["paging"]["next"]
    bench.call("DELETE", path, name="t2")
    bench.call("DELETE", path, name="t4")
    _, second = bench.call("GET", path, limit="3", after=after)
    assert names(second) == ["t3", "t5", "t6"]
    assert "next" not in second["paging"]
    _, back = bench.call("GET", path, limit="2", before=second["paging"]["cursors"]["before"])
    assert names(back) == ["t0", "t1"]
    end = second["paging"]["cursors"]["after"]
    assert bench.call("GET", path, after=end)[1] == {"data": []}


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"after": "???"}])
def test_a_bad_page_is_refused(bench: Bench, query: dict[str, str]) -> None:
    status, answer = bench.call("GET", f"{bench.waba_id}/message_templates", filters=query)
    assert (status, answer["error"]["code"]) == (400, 100)


def test_lists_are_filtered_and_have_the_asked_for_fields(bench: Bench) -> None:
    bench.emulator.add_template("a", "Hello there.", category="MARKETING")
    bench.emulator.add_template("b", "Hello there.", status="PAUSED")
    bench.emulator.add_template("b", "Hallo.", language="de")
    path = f"{bench.waba_id}/message_templates"

    def listed(**query: str) -> list[str]:
        return [f"{t['name']} {t['language']}" for t in bench.call("GET", path, filters=query)[1]["data"]]

    assert listed() == ["a en_US", "b en_US", "b de"]
    assert listed(name="b") == ["b en_US", "b de"]
    assert listed(status="PAUSED") == ["b en_US"]
    assert listed(status="approved", name="b") == ["b de"]
    assert listed(category="MARKETING") == ["a en_US"]
    assert listed(language="de") == ["b de"]
    _, default = bench.call("GET", path)
    assert "rejected_reason" not in default["data"][0]
    _, asked = bench.call("GET", path, fields="name,rejected_reason")
    assert set(asked["data"][0]) == {"id", "name", "rejected_reason"}


@pytest.mark.parametrize(
    ("status", "http", "code"),
    [
        ("PENDING", 404, 132001),
        ("REJECTED", 404, 132001),
        ("PAUSED", 400, 132015),
        ("DISABLED", 400, 132016),
    ],
)
def test_only_an_approved_template_can_be_sent(bench: Bench, status: str, http: int, code: int) -> None:
    bench.emulator.add_template("hello", "Hello there.", status=status)
    assert bench.refusal(**sending("hello")) == (http, code)


def test_a_template_is_of_one_language(bench: Bench) -> None:
    bench.emulator.add_template("hello", "Hello there.")
    assert bench.refusal(**sending("hello", language="de")) == (404, 132001)


def test_a_new_status_is_told_with_a_numeric_id_and_the_entrys_time(bench: Bench) -> None:
    template = bench.emulator.add_template("hello", "Hello there.", status="PENDING")
    bench.emulator.reject_template("hello", reason="SCAM")
    bench.emulator.pause_template("hello")
    rejected, paused = bench.told().changes
    assert rejected["field"] == "message_template_status_update"
    assert rejected["value"] == {
        "event": "REJECTED",
        "message_template_id": int(template.id),
        "message_template_name": "hello",
        "message_template_language": "en-US",
        "reason": "SCAM",
        "message_template_category": "UTILITY",
    }
    assert paused["value"]["other_info"]["title"] == "FIRST_PAUSE"
    at = int(bench.emulator.clock.now().timestamp())
    assert bench.inbox.bodies[0]["entry"][0]["time"] == at


# --- filling in ---------------------------------------------------------------------------------


def test_all_parts_are_filled_in(bench: Bench) -> None:
    bench.emulator.add_template(
        "full",
        "Hello {{1}}, {{2}} is ready, {{1}}.",
        header="Order {{1}}",
        footer="Thanks",
        buttons=["Yes", {"type": "URL", "text": "Track", "url": "https://x.test/{{1}}"}],
    )
    bench.sent_id(
        **sending(
            "full",
            part("header", text("7")),
            part("body", text("Ana"), {"type": "currency", "currency": {"fallback_value": "5 €"}}),
            part("button", {"type": "payload", "payload": "yes-7"}, sub_type="quick_reply", index="0"),
            part("button", text("abc"), sub_type="url", index="1"),
        )
    )
    content = bench.emulator.received(ANA)[0].content
    assert (content.header, content.footer) == ("Order 7", "Thanks")
    assert content.text == "Hello Ana, 5 € is ready, Ana."
    assert [(c.kind, c.id, c.title) for c in content.choices] == [
        ("button", "yes-7", "Yes"),
        ("link", "https://x.test/abc", "Track"),
    ]


def test_a_value_that_looks_like_a_placeholder_stays(bench: Bench) -> None:
    bench.emulator.add_template("two", "Hello {{1}} and {{2}}.")
    bench.sent_id(**sending("two", part("body", text("{{2}}"), text("Ben"))))
    assert bench.emulator.received(ANA)[0].content.text == "Hello {{2}} and Ben."


def test_named_parameters_come_in_any_order(bench: Bench) -> None:
    bench.emulator.add_template("order_update", "Hi {{first_name}}, {{order}} is ready.", parameter_format="NAMED")
    values = (text("7", parameter_name="order"), text("Ana", parameter_name="first_name"))
    bench.sent_id(**sending("order_update", part("body", *values)))
    assert bench.emulator.received(ANA)[0].content.text == "Hi Ana, 7 is ready."


def test_a_header_takes_a_medium(bench: Bench) -> None:
    bench.emulator.add_template("photo", "Look at this.", header={"format": "IMAGE"})
    image = {"type": "image", "image": {"id": bench.upload()}}
    bench.sent_id(**sending("photo", part("header", image)))
    content = bench.emulator.received(ANA)[0].content
    assert content.sha256 is not None
    assert (content.kind, content.text) == ("template", "Look at this.")


ONE = ("one", "Hello {{1}} there.")
PLAIN = ("plain", "Hello there.")
NAMED = ("named", "Hello {{who}} there.")


@pytest.mark.parametrize(
    ("template", "components", "code"),
    [
        (ONE, [], 132000),
        (ONE, [part("body", text("a"), text("b"))], 132000),
        (PLAIN, [part("body", text("a"))], 132000),
        (PLAIN, [part("header", text("a"))], 132000),
        (ONE, [part("body", {"type": "image", "image": {"link": "https://x.test"}})], 132012),
        (ONE, [part("body", text("a", parameter_name="who"))], 132012),
        (ONE, [part("body", text(""))], 131008),
        (ONE, [part("body", text("x" * 1020))], 132005),
        (NAMED, [part("body", text("a"))], 132012),
        (NAMED, [part("body", text("a", parameter_name="whom"))], 132012),
        (PLAIN, [part("button", text("a"), sub_type="url", index="0")], 132018),
        (PLAIN, [part("button", text("a"), sub_type="url", index="x")], 132018),
    ],
)
def test_parameters_that_do_not_fit_are_refused(
    bench: Bench, template: tuple[str, str], components: list[Body], code: int
) -> None:
    name, body = template
    kind = "NAMED" if template is NAMED else "POSITIONAL"
    bench.emulator.add_template(name, body, parameter_format=kind)
    assert bench.refusal(**sending(name, *components)) == (400, code)
    assert bench.emulator.sent() == ()


@pytest.mark.parametrize(
    "parameters",
    [[], [text("x")], [{"type": "video", "video": {"link": "https://x.test/v"}}]],
)
def test_a_media_header_needs_its_medium(bench: Bench, parameters: list[Body]) -> None:
    bench.emulator.add_template("photo", "Look at this.", header={"format": "IMAGE"})
    assert bench.refusal(**sending("photo", part("header", *parameters))) == (400, 132012)


def test_buttons_are_checked(bench: Bench) -> None:
    link = {"type": "URL", "text": "Track", "url": "https://x.test/{{1}}"}
    bench.emulator.add_template("buttons", "Hello there.", buttons=["Yes", link])
    as_reply = part("button", text("a"), sub_type="quick_reply", index="1")
    assert bench.refusal(**sending("buttons")) == (400, 131008)
    assert bench.refusal(**sending("buttons", as_reply)) == (400, 132018)


def test_authentication_templates_need_a_phone_number(bench: Bench) -> None:
    otp = {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}
    bench.emulator.add_template("code", "{{1}} is your code.", category="AUTHENTICATION", buttons=[otp])
    send = sending("code", part("body", text("123")), part("button", text("123"), sub_type="url", index="0"))
    assert bench.refusal(**send, recipient=bench.ana.bsuid) == (400, 131062)
    bench.sent_id(**send)
    assert bench.emulator.received(ANA)[0].content.text == "123 is your code."
