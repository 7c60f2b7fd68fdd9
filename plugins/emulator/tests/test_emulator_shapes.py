"""The shapes of sends: what is taken, what it looks like on the phone, what is refused how."""

from typing import Any

import pytest
from emulator_bench import Bench

Body = dict[str, Any]


def buttons(*pairs: tuple[str, str], **more: object) -> Body:
    replies = [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in pairs]
    return {
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "Choose"},
            "action": {"buttons": replies},
            **more,
        },
    }


def rows(count: int, sections: int = 1, **more: object) -> Body:
    return {
        "type": "interactive",
        "interactive": {
            "type": "list",
            "body": {"text": "Choose"},
            "action": {
                "button": "Open",
                "sections": [
                    {
                        "title": f"part {s}",
                        "rows": [{"id": f"{s}-{r}", "title": f"row {r}"} for r in range(count)],
                    }
                    for s in range(sections)
                ],
            },
            **more,
        },
    }


LINK = "https://x.test/a"
CARD = {"name": {"formatted_name": "Ben B.", "first_name": "Ben"}}

TAKEN: dict[str, tuple[Body, str | None]] = {
    "text without type": ({"text": {"body": "hi"}}, "hi"),
    "text of 4096": ({"type": "text", "text": {"body": "x" * 4096}}, "x" * 4096),
    "characters, not bytes": ({"type": "text", "text": {"body": "🙂" * 4096}}, "🙂" * 4096),
    "image by link": ({"type": "image", "image": {"link": LINK, "caption": "c"}}, "c"),
    "video": ({"type": "video", "video": {"link": LINK}}, None),
    "audio": ({"type": "audio", "audio": {"link": LINK, "voice": True}}, None),
    "sticker": ({"type": "sticker", "sticker": {"link": LINK}}, None),
    "document": (
        {"type": "document", "document": {"link": LINK, "filename": "a.pdf", "caption": "c"}},
        "c",
    ),
    "location, strings": (
        {"type": "location", "location": {"latitude": "1.5", "longitude": "-2"}},
        "1.5, -2.0",
    ),
    "location, named": (
        {"type": "location", "location": {"latitude": 1, "longitude": 2, "name": "Home"}},
        "Home",
    ),
    "contacts": ({"type": "contacts", "contacts": [CARD, CARD]}, "Ben B., Ben B."),
    "three buttons": (buttons(("a", "A"), ("b", "B"), ("c", "x" * 20)), "Choose"),
    "button id of 256": (buttons(("x" * 256, "A")), "Choose"),
    "list of ten": (rows(5, 2), "Choose"),
    "list body of 4096": (rows(1, body={"text": "x" * 4096}), "x" * 4096),
    "link button": (
        {
            "type": "interactive",
            "interactive": {
                "type": "cta_url",
                "body": {"text": "Look"},
                "action": {
                    "name": "cta_url",
                    "parameters": {"display_text": "Go", "url": "https://x.test"},
                },
            },
        },
        "Look",
    ),
    "location request": (
        {
            "type": "interactive",
            "interactive": {
                "type": "location_request_message",
                "body": {"text": "Where?"},
                "action": {"name": "send_location"},
            },
        },
        "Where?",
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_reaches_the_phone(chat: Bench, name: str) -> None:
    body, text = TAKEN[name]
    chat.sent_id(**body)
    (message,) = chat.emulator.received(chat.ana.bsuid)
    assert message.content.text == text
    assert message.content.kind == body.get("type", "text")


TEXT: Body = {"type": "text", "text": {"body": "hi"}}
TWO_SECTIONS = rows(1, 2)["interactive"]["action"]["sections"]

REFUSED: dict[str, tuple[Body, int]] = {
    "unknown type": ({"type": "hologram", "hologram": {}}, 100),
    "a group that is none": ({**TEXT, "recipient_type": "group"}, 131041),
    "neither person nor group": ({**TEXT, "recipient_type": "crowd"}, 100),
    "no text object": ({"type": "text"}, 131008),
    "text is a string": ({"type": "text", "text": "hi"}, 131009),
    "no body": ({"type": "text", "text": {}}, 131008),
    "empty body": ({"type": "text", "text": {"body": ""}}, 131008),
    "body is a number": ({"type": "text", "text": {"body": 7}}, 131009),
    "body of 4097": ({"type": "text", "text": {"body": "x" * 4097}}, 100),
    "opaque of 513": ({**TEXT, "biz_opaque_callback_data": "x" * 513}, 131009),
    "context without id": ({**TEXT, "context": {}}, 131008),
    "image without either": ({"type": "image", "image": {}}, 131009),
    "image with both": ({"type": "image", "image": {"id": "1", "link": LINK}}, 131009),
    "image by http": ({"type": "image", "image": {"link": "http://x.test/a"}}, 131009),
    "unknown media": ({"type": "image", "image": {"id": "1"}}, 131009),
    "caption of 1025": ({"type": "image", "image": {"link": LINK, "caption": "x" * 1025}}, 131009),
    "location of words": (
        {"type": "location", "location": {"latitude": "N", "longitude": 1}},
        131009,
    ),
    "location by half": ({"type": "location", "location": {"latitude": 1}}, 131008),
    "location of list": (
        {"type": "location", "location": {"latitude": [1], "longitude": 1}},
        131009,
    ),
    "no contacts": ({"type": "contacts", "contacts": []}, 131009),
    "contact without name": ({"type": "contacts", "contacts": [{"name": {}}]}, 131008),
    "reaction without emoji": ({"type": "reaction", "reaction": {"message_id": "x"}}, 131008),
    "four buttons": (buttons(*((str(n), f"t{n}") for n in range(4))), 131009),
    "no button": (buttons(), 131009),
    "title of 21": (buttons(("a", "x" * 21)), 131009),
    "id of 257": (buttons(("x" * 257, "A")), 131009),
    "id with a space": (buttons(("a ", "A")), 131009),
    "same titles": (buttons(("a", "A"), ("b", "A")), 131009),
    "same ids": (buttons(("a", "A"), ("a", "B")), 131009),
    "button body of 1025": (buttons(("a", "A"), body={"text": "x" * 1025}), 131009),
    "no interactive body": (buttons(("a", "A"), body=None), 131008),
    "footer of 61": (buttons(("a", "A"), footer={"text": "x" * 61}), 131009),
    "header of 61": (buttons(("a", "A"), header={"type": "text", "text": "x" * 61}), 131009),
    "header of another type": (buttons(("a", "A"), header={"type": "audio"}), 131009),
    "eleven rows": (rows(11), 131009),
    "eleven sections": (rows(1, 11), 131009),
    "untitled sections": (
        rows(1, action={"button": "b", "sections": [{"rows": s["rows"]} for s in TWO_SECTIONS]}),
        131008,
    ),
    "interactive of an unknown type": (buttons(("a", "A"), type="hologram"), 131009),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_has_its_code_and_sends_nothing(chat: Bench, name: str) -> None:
    body, code = REFUSED[name]
    assert chat.refusal(**body) == (400, code)
    assert chat.emulator.sent() == ()
    assert chat.told().statuses() == []


def test_a_refusal_has_metas_shape(chat: Bench) -> None:
    _, answer = chat.send(type="text", text={})
    error = answer["error"]
    assert set(answer) == {"error"}
    assert set(error) == {"message", "type", "code", "error_data", "fbtrace_id"}
    assert error["message"] == "(#131008) Required parameter is missing"
    assert error["type"] == "OAuthException"
    assert error["error_data"] == {
        "messaging_product": "whatsapp",
        "details": "The parameter text['body'] is required.",
    }


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["999", "999/messages"])
def test_an_unknown_id_is_refused_as_graph_does(bench: Bench, method: str, path: str) -> None:
    status, answer = bench.call(method, path)
    error = answer["error"]
    assert (status, error["code"], error["error_subcode"]) == (400, 100, 33)
    assert error["type"] == "GraphMethodException"
    assert "'999'" in error["message"]


def test_the_product_must_be_named(chat: Bench) -> None:
    body = {"to": "+16505551234", **TEXT}
    status, answer = chat.call("POST", f"{chat.number_id}/messages", body)
    assert (status, answer["error"]["code"]) == (400, 100)


def test_headers_and_footers_reach_the_phone(chat: Bench) -> None:
    media_id = chat.upload()
    header = {"type": "image", "image": {"id": media_id}}
    chat.sent_id(**buttons(("a", "A"), header=header, footer={"text": "small"}))
    chat.sent_id(**buttons(("a", "A"), header={"type": "text", "text": "Big"}))
    first, second = (m.content for m in chat.emulator.received(chat.ana.bsuid))
    assert (first.media_id, first.footer) == (media_id, "small")
    assert (second.header, second.footer) == ("Big", None)


# --- numbers and accounts -----------------------------------------------------------------------


def test_numbers_and_accounts_can_be_read(bench: Bench) -> None:
    status, node = bench.call("GET", bench.number_id)
    assert (status, node["display_phone_number"]) == (200, "+15550001111")
    _, picked = bench.call("GET", bench.number_id, fields="verified_name, quality_rating")
    assert set(picked) == {"id", "verified_name", "quality_rating"}
    _, listed = bench.call("GET", f"{bench.waba_id}/phone_numbers")
    assert [n["id"] for n in listed["data"]] == [bench.number_id]
    assert bench.call("GET", bench.waba_id)[1]["id"] == bench.waba_id
