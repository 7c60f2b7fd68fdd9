"""Templates: creating, listing, deleting, statuses, and filling in."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from emulator_bench import ANA, Bench
from wa_connector_emulator import ControlError

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
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY"}] * 11}]}, None),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [{"type": "URL"}] * 3}]}, None),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE"}] * 2}]}, None),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [{"type": "PHONE_NUMBER"}] * 2}]}, None),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "{{1}}{{2}}"}]}]}, None),
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
        "rejection_info": {"reason": "SCAM", "recommendation": "Edit the template."},
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


LINK = {"type": "URL", "text": "Track", "url": "https://x.test/{{1}}"}
SITE = {"type": "URL", "text": "Site", "url": "https://x.test/"}
COUPON = {"type": "COPY_CODE", "text": "Copy", "example": ["SAVE"]}
OTP = {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}


def url_end(value: str, index: str = "0") -> Body:
    return part("button", text(value), sub_type="url", index=index)


def coupon(value: str, index: str = "0") -> Body:
    return part("button", {"type": "coupon_code", "coupon_code": value}, sub_type="copy_code", index=index)


def test_addresses_and_coupons_are_filled_in(bench: Bench) -> None:
    bench.emulator.add_template("offer", "Hello there.", buttons=[LINK, COUPON, SITE])
    bench.sent_id(**sending("offer", url_end("a%20b"), coupon("SAVE 20", "1")))
    choices = bench.emulator.received(ANA)[0].content.choices
    assert [(choice.kind, choice.id) for choice in choices] == [
        ("link", "https://x.test/a%20b"),
        ("code", "SAVE 20"),
        ("link", "https://x.test/"),
    ]


@pytest.mark.parametrize(
    ("button", "components", "code"),
    [
        pytest.param(LINK, [], 131008, id="no end of the address"),
        pytest.param(LINK, [coupon("a")], 132018, id="a coupon for an address"),
        pytest.param(LINK, [part("button", text("a"), text("b"), sub_type="url", index="0")], 131009, id="two ends"),
        pytest.param(LINK, [part("button", sub_type="url", index="0")], 131009, id="an empty list"),
        pytest.param(LINK, [url_end("x" * 2001)], 132018, id="an address without end"),
        pytest.param(
            LINK,
            [part("button", {"type": "payload", "payload": "a"}, sub_type="url", index="0")],
            132012,
            id="a payload for an address",
        ),
        pytest.param(SITE, [url_end("a")], 132018, id="an end for a whole address"),
        pytest.param(COUPON, [], 131008, id="no coupon"),
        pytest.param(COUPON, [url_end("a")], 132018, id="an address for a coupon"),
        pytest.param(COUPON, [coupon("x" * 21)], 132018, id="a long coupon"),
        pytest.param(
            COUPON, [part("button", text("a"), sub_type="copy_code", index="0")], 132012, id="a text for a coupon"
        ),
    ],
)
def test_parameters_of_buttons_that_do_not_fit_are_refused(
    bench: Bench, button: Body, components: list[Body], code: int
) -> None:
    bench.emulator.add_template("offer", "Hello there.", buttons=[button])
    assert bench.refusal(**sending("offer", *components)) == (400, code)
    assert bench.emulator.sent() == ()


def test_a_one_time_code_is_in_the_body_and_in_the_button(bench: Bench) -> None:
    bench.emulator.add_template("code", "{{1}} is your code.", category="AUTHENTICATION", buttons=[OTP])
    body = part("body", text("123456"))
    bench.sent_id(**sending("code", body, url_end("123456")))
    (choice,) = bench.emulator.received(ANA)[0].content.choices
    assert (choice.kind, choice.id) == ("code", "123456")
    assert bench.refusal(**sending("code", body)) == (400, 131008)
    assert bench.refusal(**sending("code", body, url_end("x" * 16))) == (400, 132018)


# --- carousels ----------------------------------------------------------------------------------

CARD: Body = {"header": {"format": "IMAGE"}, "body": "A mug for {{1}}.", "buttons": ["More", LINK]}


def card(bench: Bench, index: int, *components: Body) -> Body:
    image = part("header", {"type": "image", "image": {"id": bench.upload(data=b"\xff\xd8 %d" % index)}})
    return {"card_index": index, "components": [image, *components]}


def carousel(*cards: Body) -> Body:
    return {"type": "carousel", "cards": list(cards)}


def whole(bench: Bench, index: int) -> Body:
    return card(bench, index, part("body", text(f"{index} €")), url_end(str(index), "1"))


def test_a_carousel_shows_its_cards(bench: Bench) -> None:
    bench.emulator.add_template("mugs", "Hello {{1}}, look.", cards=[CARD, CARD])
    wamid = bench.sent_id(**sending("mugs", part("body", text("Ana")), carousel(whole(bench, 1), whole(bench, 0))))
    content = bench.emulator.received(ANA)[0].content
    assert content.text == "Hello Ana, look."
    assert [(card.kind, card.text) for card in content.cards] == [
        ("card", "A mug for 0 €."),
        ("card", "A mug for 1 €."),
    ]
    assert len({card.sha256 for card in content.cards} - {None}) == 2
    assert [[choice.id for choice in card.choices] for card in content.cards] == [
        ["More", "https://x.test/0"],
        ["More", "https://x.test/1"],
    ]
    bench.emulator.tap(ANA, wamid, "More")
    assert bench.told().messages()[0]["button"] == {"payload": "More", "text": "More"}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda b: [], 132000, id="no cards"),
        pytest.param(lambda b: [carousel(whole(b, 0))], 132000, id="too few"),
        pytest.param(lambda b: [carousel(*(whole(b, n) for n in range(3)))], 132000, id="too many"),
        pytest.param(lambda b: [carousel(whole(b, 0), whole(b, 0))], 132012, id="one twice"),
        pytest.param(lambda b: [carousel(whole(b, 1), whole(b, 2))], 132012, id="wrong numbers"),
        pytest.param(lambda b: [carousel(whole(b, 0), card(b, 1, url_end("1", "1")))], 132000, id="no text"),
        pytest.param(lambda b: [carousel(whole(b, 0), card(b, 1, part("body", text("a"))))], 131008, id="no address"),
        pytest.param(
            lambda b: [carousel(whole(b, 0), {"card_index": 1, "components": [part("body", text("a"))]})],
            132012,
            id="no picture",
        ),
        pytest.param(
            lambda b: [carousel(whole(b, 0), card(b, 1, part("body", text("x" * 160)), url_end("1", "1")))],
            132005,
            id="too long",
        ),
    ],
)
def test_cards_that_do_not_fit_are_refused(bench: Bench, make: Callable[[Bench], list[Body]], code: int) -> None:
    bench.emulator.add_template("mugs", "Hello there.", cards=[CARD, CARD])
    assert bench.refusal(**sending("mugs", *make(bench))) == (400, code)
    assert bench.emulator.sent() == ()


def test_cards_of_a_template_that_has_none_are_refused(bench: Bench) -> None:
    bench.emulator.add_template("hello", "Hello there.")
    assert bench.refusal(**sending("hello", carousel(whole(bench, 0)))) == (400, 132000)


@pytest.mark.parametrize(
    "cards",
    [
        pytest.param([CARD], id="one"),
        pytest.param([CARD] * 11, id="eleven"),
        pytest.param([CARD, {**CARD, "buttons": ["More"]}], id="other buttons"),
        pytest.param([CARD, {**CARD, "header": {"format": "VIDEO"}}], id="other header"),
        pytest.param([{"body": "x"}] * 2, id="no header"),
        pytest.param([{**CARD, "header": "Mug"}] * 2, id="text header"),
        pytest.param([{**CARD, "body": "x" * 161}] * 2, id="long body"),
        pytest.param([{**CARD, "body": "Hi {{2}}, there."}] * 2, id="wrong numbers"),
        pytest.param([{**CARD, "buttons": ["a", "b", "c"]}] * 2, id="three buttons"),
        pytest.param([{**CARD, "footer": "x"}] * 2, id="a footer"),
        pytest.param([{**CARD, "buttons": "More"}] * 2, id="buttons that are no list"),
        pytest.param([{**CARD, "body": 7}] * 2, id="body that is no text"),
    ],
)
def test_a_carousel_that_cannot_be_is_refused(bench: Bench, cards: list[Body]) -> None:
    with pytest.raises(ControlError):
        bench.emulator.add_template("mugs", "Hello there.", cards=cards)
    assert bench.emulator.templates() == ()


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
