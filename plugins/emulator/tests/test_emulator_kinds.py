"""Every kind of message that the API sends: taken as Meta documents it, shown on the phone, refused when it is wrong."""

from datetime import timedelta
from typing import Any

import pytest
from emulator_bench import ANA, Bench, new_bench
from wa_connector_emulator import Settings
from wa_connector_emulator.exchange import Upload

Body = dict[str, Any]

LINK = "https://x.test/a"
CARD = {"name": {"formatted_name": "Ben B.", "first_name": "Ben"}, "birthday": "1990-02-01"}
covers = pytest.mark.covers


def interactive(kind: str, action: Body, **more: object) -> Body:
    whole = {"type": kind, "body": {"text": "Choose"}, "action": action, **more}
    return {"type": "interactive", "interactive": {k: v for k, v in whole.items() if v is not None}}


def card(index: int, **more: object) -> Body:
    action = {"name": "cta_url", "parameters": {"display_text": "Go", "url": LINK}}
    header = {"type": "image", "image": {"link": LINK}}
    return {
        "card_index": index,
        "type": "cta_url",
        "header": header,
        "body": {"text": "A mug"},
        "action": action,
        **more,
    }


REPLIES = {"buttons": [{"type": "reply", "reply": {"id": "a", "title": "A"}}]}
ROWS = {"button": "Open", "sections": [{"title": "one", "rows": [{"id": "r", "title": "R"}]}]}
FLOW = {
    "flow_message_version": "3",
    "flow_id": "1",
    "flow_cta": "Begin",
    "flow_token": "token",
    "mode": "published",
    "flow_action": "navigate",
    "flow_action_payload": {"screen": "FIRST", "data": {"a": 1}},
}
CALL = {"name": "voice_call", "parameters": {"display_text": "Call us", "ttl_minutes": 100, "payload": "p"}}
PRODUCTS = {"catalog_id": "1", "sections": [{"title": "t", "product_items": [{"product_retailer_id": "sku"}]}]}
HEADER = {"type": "text", "text": "Head"}

TAKEN = [
    pytest.param({"type": "text", "text": {"body": "hi", "preview_url": True}}, marks=covers("send: text"), id="text"),
    pytest.param({"type": "image", "image": {"link": LINK}}, marks=covers("send: image"), id="image"),
    pytest.param({"type": "video", "video": {"link": LINK}}, marks=covers("send: video"), id="video"),
    pytest.param({"type": "audio", "audio": {"link": LINK}}, marks=covers("send: audio"), id="audio"),
    pytest.param(
        {"type": "audio", "audio": {"link": LINK, "voice": True}}, marks=covers("send: audio: voice"), id="voice"
    ),
    pytest.param(
        {"type": "document", "document": {"link": LINK, "filename": "a.pdf", "caption": "c"}},
        marks=covers("send: document"),
        id="document",
    ),
    pytest.param({"type": "sticker", "sticker": {"link": LINK}}, marks=covers("send: sticker"), id="sticker"),
    pytest.param(
        {"type": "location", "location": {"latitude": "1.5", "longitude": "-2", "name": "Home", "address": "Road 1"}},
        marks=covers("send: location"),
        id="location",
    ),
    pytest.param({"type": "contacts", "contacts": [CARD]}, marks=covers("send: contacts"), id="contacts"),
    pytest.param(interactive("button", REPLIES), marks=covers("send: interactive: button"), id="button"),
    pytest.param(interactive("list", ROWS, header=HEADER), marks=covers("send: interactive: list"), id="list"),
    pytest.param(
        interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": "Go", "url": LINK}}),
        marks=covers("send: interactive: cta_url"),
        id="cta_url",
    ),
    pytest.param(
        interactive("flow", {"name": "flow", "parameters": FLOW}), marks=covers("send: interactive: flow"), id="flow"
    ),
    pytest.param(
        interactive("location_request_message", {"name": "send_location"}),
        marks=covers("send: interactive: location_request_message"),
        id="location_request_message",
    ),
    pytest.param(
        interactive("call_permission_request", {"name": "call_permission_request"}, body=None),
        marks=covers("send: interactive: call_permission_request"),
        id="call_permission_request",
    ),
    pytest.param(interactive("voice_call", CALL), marks=covers("send: interactive: voice_call"), id="voice_call"),
    pytest.param(
        interactive("request_contact_info", {"name": "request_contact_info"}),
        marks=covers("send: interactive: request_contact_info"),
        id="request_contact_info",
    ),
    pytest.param(
        interactive("carousel", {"cards": [card(0), card(1)]}),
        marks=covers("send: interactive: carousel"),
        id="carousel",
    ),
    pytest.param(
        interactive("catalog_message", {"name": "catalog_message"}, footer={"text": "f"}),
        marks=covers("send: interactive: catalog_message"),
        id="catalog_message",
    ),
    pytest.param(
        interactive("product", {"catalog_id": "1", "product_retailer_id": "sku"}, body=None),
        marks=covers("send: interactive: product"),
        id="product",
    ),
    pytest.param(
        interactive("product_list", PRODUCTS, header=HEADER),
        marks=covers("send: interactive: product_list"),
        id="product_list",
    ),
    pytest.param(
        interactive("address_message", {"name": "address_message", "parameters": {"country": "IN"}}),
        marks=covers("send: interactive: address_message"),
        id="address_message",
    ),
]


@pytest.mark.parametrize("body", TAKEN)
def test_every_kind_is_taken_and_reaches_the_phone(chat: Bench, body: Body) -> None:
    chat.sent_id(**body)
    (message,) = chat.emulator.received(ANA)
    assert message.content.kind == body["type"]
    assert [s["status"] for s in chat.told().statuses()] == ["sent", "delivered"]


def changed(action: Body, **changes: object) -> Body:
    """An action with other parameters; those that are None are left out."""
    merged = {**action["parameters"], **changes}
    return {**action, "parameters": {k: v for k, v in merged.items() if v is not None}}


FLOWS = {"name": "flow", "parameters": FLOW}
REFUSED: dict[str, tuple[Body, int]] = {
    "flow of both names": (interactive("flow", changed(FLOWS, flow_name="x")), 131009),
    "flow of no name": (interactive("flow", changed(FLOWS, flow_id=None)), 131009),
    "flow of another version": (interactive("flow", changed(FLOWS, flow_message_version="2")), 131009),
    "flow with a long label": (interactive("flow", changed(FLOWS, flow_cta="x" * 31)), 131009),
    "flow in another mode": (interactive("flow", changed(FLOWS, mode="dry")), 131009),
    "flow of another name": (interactive("flow", {**FLOWS, "name": "stream"}), 131009),
    "flow without a screen": (interactive("flow", changed(FLOWS, flow_action_payload={})), 131008),
    "call for too long": (interactive("voice_call", changed(CALL, ttl_minutes=43201)), 131009),
    "call with a long label": (interactive("voice_call", changed(CALL, display_text="x" * 21)), 131009),
    "call with a long payload": (interactive("voice_call", changed(CALL, payload="x" * 513)), 131009),
    "list with a picture": (interactive("list", ROWS, header={"type": "image", "image": {"link": LINK}}), 131009),
    "request with a footer": (
        interactive("location_request_message", {"name": "send_location"}, footer={"text": "f"}),
        131009,
    ),
    "request with a header": (
        interactive("request_contact_info", {"name": "request_contact_info"}, header=HEADER),
        131009,
    ),
    "request of another name": (interactive("request_contact_info", {"name": "contact_request"}), 131009),
    "one card": (interactive("carousel", {"cards": [card(0)]}), 131009),
    "eleven cards": (interactive("carousel", {"cards": [card(n) for n in range(11)]}), 131009),
    "cards out of order": (interactive("carousel", {"cards": [card(1), card(0)]}), 131009),
    "card with a long text": (interactive("carousel", {"cards": [card(0, body={"text": "x" * 161}), card(1)]}), 131009),
    "card of four lines": (interactive("carousel", {"cards": [card(0, body={"text": "a\nb\nc\nd"}), card(1)]}), 131009),
    "card without a picture": (interactive("carousel", {"cards": [card(0, header=HEADER), card(1)]}), 131009),
    "cards of two kinds": (
        interactive(
            "carousel",
            {
                "cards": [
                    card(0),
                    card(1, action={"buttons": [{"type": "quick_reply", "quick_reply": {"id": "a", "title": "A"}}]}),
                ]
            },
        ),
        131009,
    ),
    "products without a header": (interactive("product_list", PRODUCTS), 131008),
    "thirty-one products": (
        interactive(
            "product_list",
            {"catalog_id": "1", "sections": [{"product_items": [{"product_retailer_id": str(n)} for n in range(31)]}]},
            header=HEADER,
        ),
        131009,
    ),
    "a form of another country": (
        interactive("address_message", {"name": "address_message", "parameters": {"country": "DE"}}),
        131009,
    ),
    "a contact of one name only": ({"type": "contacts", "contacts": [{"name": {"formatted_name": "Ben"}}]}, 131009),
    "a birthday in words": ({"type": "contacts", "contacts": [{**CARD, "birthday": "1 May"}]}, 131009),
    "a place off the earth": ({"type": "location", "location": {"latitude": 91, "longitude": 0}}, 131009),
    "voice is a word": ({"type": "audio", "audio": {"link": LINK, "voice": "yes"}}, 131009),
    "a pin for a person": ({"type": "pin", "pin": {"type": "pin", "message_id": "x"}}, 100),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_has_its_code_and_sends_nothing(chat: Bench, name: str) -> None:
    body, code = REFUSED[name]
    assert chat.refusal(**body) == (400, code)
    assert chat.emulator.sent() == ()


def test_a_voice_message_is_ogg(chat: Bench) -> None:
    speech, music = chat.upload("audio/ogg; codecs=opus", b"voice"), chat.upload("audio/mpeg", b"song")
    assert chat.refusal(type="audio", audio={"id": music, "voice": True}) == (400, 131053)
    wamid = chat.sent_id(type="audio", audio={"id": speech, "voice": True})
    assert chat.emulator.received(ANA)[0].content.is_voice
    assert wamid


@covers("status: played", "status: read", "status: delivered", "status: sent")
def test_a_voice_message_is_played_after_it_is_read(chat: Bench) -> None:
    wamid = chat.sent_id(type="audio", audio={"link": LINK, "voice": True})
    assert chat.emulator.play(ANA, wamid) == 2
    assert [s["status"] for s in chat.told().statuses()] == ["sent", "delivered", "read", "played"]
    assert chat.emulator.play(ANA, wamid) == 1


@covers("send: reaction")
def test_of_a_reaction_only_sent_is_told(chat: Bench) -> None:
    said = chat.emulator.type_text(ANA, "hi")
    chat.sent_id(type="reaction", reaction={"message_id": said.id, "emoji": "👍"})
    assert [s["status"] for s in chat.told().statuses()] == ["sent"]
    chat.sent_id(type="reaction", reaction={"message_id": said.id, "emoji": ""})
    chat.sent_id(type="reaction", reaction={"message_id": "wamid.none", "emoji": "👍"})
    assert chat.told().statuses()[-1]["errors"][0]["code"] == 131009


@covers("send: context reply")
def test_a_reply_quotes(chat: Bench) -> None:
    said = chat.emulator.type_text(ANA, "hi")
    chat.send_text("you said hi", context={"message_id": said.id})
    assert chat.emulator.received(ANA)[0].context_id == said.id


@covers("send: mark read", "send: typing indicator")
def test_a_message_is_marked_read_while_typing(chat: Bench) -> None:
    said = chat.emulator.type_text(ANA, "hi")
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": said.id}
    answer = chat.call("POST", f"{chat.number_id}/messages", {**body, "typing_indicator": {"type": "text"}})
    assert answer == (200, {"success": True})
    (_, latest) = chat.emulator.said(ANA)
    assert (latest.is_read, latest.is_typing) == (True, True)


@covers("send: to a number", "send: to a BSUID", "POST /{number}/messages")
@pytest.mark.parametrize("key", ["to", "recipient"])
def test_a_person_is_reached_by_number_and_by_bsuid(chat: Bench, key: str) -> None:
    whom = ANA if key == "to" else chat.ana.bsuid
    _, answer = chat.send_text(**{key: whom})
    assert answer["contacts"][0]["input"] == whom
    assert len(chat.emulator.received(ANA)) == 1


@covers("receive: without a number", "status: failed")
def test_a_customer_without_a_number_has_a_whole_conversation() -> None:
    bench = new_bench()
    eve = bench.emulator.create_customer(name="Eve")
    bench.emulator.type_text(eve.bsuid, "hi")
    (message,) = bench.told().messages()
    assert message["from_user_id"] == eve.bsuid
    assert "from" not in message
    assert "wa_id" not in bench.inbox.changes[0]["value"]["contacts"][0]
    status, answer = bench.send_text(recipient=eve.bsuid)
    assert (status, answer["contacts"]) == (200, [{"input": eve.bsuid, "user_id": eve.bsuid}])
    assert [("recipient_id" in s, s["recipient_user_id"]) for s in bench.told().statuses()] == [(False, eve.bsuid)] * 2
    bench.emulator.clock.advance(timedelta(hours=24))
    bench.send_text(recipient=eve.bsuid)
    assert bench.told().statuses()[-1]["errors"][0]["code"] == 131047


def test_a_changed_identity_is_refused_where_the_sender_asks_for_it(chat: Bench) -> None:
    before = chat.emulator.customer(ANA).identity
    assert chat.send_text(recipient_identity_key_hash=before)[0] == 200
    chat.emulator.change_identity(ANA)
    status, answer = chat.send_text(recipient_identity_key_hash=before)
    assert (status, answer["error"]["code"]) == (400, 137000)


# --- templates ----------------------------------------------------------------------------------


def sending(name: str, *components: Body) -> Body:
    return {
        "type": "template",
        "template": {"name": name, "language": {"code": "en_US"}, "components": list(components)},
    }


def part(kind: str, *parameters: Body, **more: object) -> Body:
    return {"type": kind, "parameters": list(parameters), **more}


def text(value: str, **more: object) -> Body:
    return {"type": "text", "text": value, **more}


FLOW_BUTTON = {"type": "FLOW", "text": "Begin", "flow_id": "1"}
CALL_BUTTON = {"type": "VOICE_CALL", "text": "Call"}
COUPON = {"type": "COPY_CODE", "example": "SAVE"}
URL = {"type": "URL", "text": "Go", "url": "https://x.test/{{1}}"}
MUG = {"header": {"format": "IMAGE"}, "body": "A mug.", "buttons": ["More"]}
OFFER = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1795000000000}}

TEMPLATES = [
    pytest.param(
        {"header": "Order {{1}}"},
        [part("header", text("7"))],
        marks=covers("send: template: header text"),
        id="text header",
    ),
    pytest.param(
        {"header": {"format": "IMAGE"}},
        [part("header", {"type": "image", "image": {"link": LINK}})],
        marks=covers("send: template: header media"),
        id="image header",
    ),
    pytest.param(
        {"header": {"format": "LOCATION"}},
        [part("header", {"type": "location", "location": {"latitude": 1, "longitude": 2}})],
        marks=covers("send: template: header location"),
        id="place header",
    ),
    pytest.param(
        {"body": "Hello {{1}}, it is {{2}} now."},
        [part("body", text("Ana"), text("noon"))],
        marks=covers("send: template: body, positional"),
        id="positional",
    ),
    pytest.param(
        {"body": "Hello {{name}}, welcome.", "parameter_format": "NAMED"},
        [part("body", text("Ana", parameter_name="name"))],
        marks=covers("send: template: body, named"),
        id="named",
    ),
    pytest.param(
        {"buttons": ["Yes"]},
        [part("button", {"type": "payload", "payload": "y"}, sub_type="quick_reply", index="0")],
        marks=covers("send: template: button quick_reply"),
        id="quick reply",
    ),
    pytest.param(
        {"buttons": [URL]},
        [part("button", text("end"), sub_type="url", index="0")],
        marks=covers("send: template: button url"),
        id="address",
    ),
    pytest.param(
        {"buttons": [COUPON]},
        [part("button", {"type": "coupon_code", "coupon_code": "SAVE"}, sub_type="copy_code", index="0")],
        marks=covers("send: template: button copy_code"),
        id="coupon",
    ),
    pytest.param(
        {"category": "AUTHENTICATION", "body": "{{1}} is your code.", "buttons": [{"type": "OTP", "text": "Copy"}]},
        [part("body", text("123")), part("button", text("123"), sub_type="url", index="0")],
        marks=covers("send: template: button one-time code"),
        id="one-time code",
    ),
    pytest.param(
        {"buttons": [FLOW_BUTTON]},
        [part("button", {"type": "action", "action": {"flow_token": "t"}}, sub_type="flow", index="0")],
        marks=covers("send: template: button flow"),
        id="flow",
    ),
    pytest.param(
        {"category": "MARKETING", "buttons": [{"type": "CATALOG", "text": "View"}]},
        [
            part(
                "button",
                {"type": "action", "action": {"thumbnail_product_retailer_id": "sku"}},
                sub_type="catalog",
                index="0",
            )
        ],
        marks=covers("send: template: button catalog"),
        id="catalog",
    ),
    pytest.param(
        {"category": "MARKETING", "buttons": [{"type": "MPM", "text": "View"}]},
        [
            part(
                "button",
                {
                    "type": "action",
                    "action": {
                        "thumbnail_product_retailer_id": "sku",
                        "sections": [{"title": "Mugs", "product_items": [{"product_retailer_id": "sku"}]}],
                    },
                },
                sub_type="mpm",
                index="0",
            )
        ],
        marks=covers("send: template: button mpm"),
        id="products",
    ),
    pytest.param({"buttons": [CALL_BUTTON]}, [], marks=covers("send: template: button voice_call"), id="call button"),
    pytest.param(
        {"cards": [MUG, MUG]},
        [
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": index,
                        "components": [part("header", {"type": "image", "image": {"link": LINK}})],
                    }
                    for index in range(2)
                ],
            }
        ],
        marks=covers("send: template: carousel"),
        id="carousel",
    ),
]


@pytest.mark.parametrize(("made", "components"), TEMPLATES)
def test_every_component_of_a_template_is_filled_in(bench: Bench, made: Body, components: list[Body]) -> None:
    bench.emulator.add_template("it", **{"body": "Hello there.", **made})
    bench.sent_id(**sending("it", *components))
    (message,) = bench.emulator.received(ANA)
    assert "{{" not in f"{message.content.text}{message.content.header}{message.content.choices}"
    assert [s["status"] for s in bench.told().statuses()] == ["sent", "delivered"]


@covers("send: template: tap_target_configuration")
def test_a_tap_target_has_a_title_and_the_address_of_a_template_with_one(bench: Bench) -> None:
    kind = "tap_target_configuration"
    whole = {"type": kind, kind: [{"url": "https://x.test/a", "title": "Look"}]}
    bench.emulator.add_template("it", "Hello there.", buttons=[{"type": "URL", "text": "Go", "url": "https://x.test/"}])
    bench.emulator.add_template("bare", "Hello there.")
    bench.sent_id(**sending("it", part(kind, whole)))
    assert bench.refusal(**sending("it", part(kind, {"type": kind, kind: [{"title": "Look"}]}))) == (400, 131008)
    assert bench.refusal(**sending("bare", part(kind, whole))) == (400, 132012)


@covers("send: template: limited_time_offer")
def test_a_limited_time_offer_needs_its_end(bench: Bench) -> None:
    offer = {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Ends soon", "has_expiration": True}}
    body = {"type": "BODY", "text": "Half price."}
    create = {"name": "sale", "language": "en_US", "category": "MARKETING", "components": [body, offer]}
    assert bench.call("POST", f"{bench.waba_id}/message_templates", create)[0] == 200
    bench.emulator.approve_template("sale")
    assert bench.refusal(**sending("sale")) == (400, 131008)
    bench.sent_id(**sending("sale", part("limited_time_offer", OFFER)))
    offer["limited_time_offer"] = {"text": "x" * 17}
    status, answer = bench.call("POST", f"{bench.waba_id}/message_templates", {**create, "name": "other"})
    assert (status, answer["error"]["code"]) == (400, 100)


# --- declared capabilities ----------------------------------------------------------------------


@covers("send: direct send", "POST /{account}/message_samples")
def test_direct_send_is_off_unless_the_account_has_it(bench: Bench) -> None:
    direct = {"type": "text", "text": {"body": "Your parcel is here."}, "category": "utility"}
    sample = {"type": "text", "text": {"body": "Your parcel is here."}}
    assert bench.refusal(**direct) == (400, 100)
    assert bench.call("POST", f"{bench.waba_id}/message_samples", sample)[0] == 400
    bench.emulator.configure(direct_send=True)
    bench.sent_id(**direct, ttl_seconds=30, direct_send_config={"template_name": "parcel"})
    assert [s["status"] for s in bench.told().statuses()] == ["sent", "delivered"]
    assert bench.inbox.statuses()[0]["pricing"]["category"] == "utility"
    assert bench.call("POST", f"{bench.waba_id}/message_samples", sample)[1]["category"] == "UTILITY"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"category": "marketing"}, 100),
        ({"category": "utility", "ttl_seconds": 29}, 100),
        ({"category": "service", "ttl_seconds": 60}, 100),
        ({"ttl_seconds": 60}, 100),
        ({"category": "utility", "type": "image", "image": {"link": LINK}}, 100),
        ({"category": "utility", "text": {"body": "x" * 1025}}, 100),
        ({"category": "authentication", "to": None, "recipient": "US.1"}, 131062),
    ],
)
def test_a_direct_send_that_is_none_is_refused(changes: Body, code: int) -> None:
    bench = new_bench(Settings(direct_send=True))
    body = {"type": "text", "text": {"body": "hi"}, **changes}
    assert bench.refusal(**body) == (400, code)


@covers("POST /{number}/marketing_messages")
def test_the_marketing_api_takes_marketing_templates_only(bench: Bench) -> None:
    bench.emulator.add_template("sale", "All must go.", category="MARKETING")
    bench.emulator.add_template("order", "It is on its way.")
    path, whole = f"{bench.number_id}/marketing_messages", {"messaging_product": "whatsapp", "to": ANA}
    text_body = {"type": "text", "text": {"body": "x"}}
    codes = [
        bench.call("POST", path, {**whole, **body})[1]["error"]["code"]
        for body in (text_body, sending("order"), {**sending("sale"), "product_policy": "LOOSE"})
    ]
    assert codes == [131055, 134100, 131009]
    assert bench.call("POST", path, {**whole, **sending("sale"), "product_policy": "STRICT"})[0] == 200
    assert bench.told().statuses()[0]["pricing"]["category"] == "marketing_lite"
    bench.emulator.configure(marketing_on_cloud_api=False)
    assert bench.refusal(**sending("sale")) == (400, 131063)


# --- limits -------------------------------------------------------------------------------------


def test_customers_reached_outside_windows_are_counted_in_moving_24_hours() -> None:
    bench = new_bench(Settings(customers_per_day=2))
    bench.emulator.add_template("hello", "Hello there.")
    people = [bench.emulator.create_customer(f"+1650555000{n}", f"P{n}").phone for n in range(3)]
    for phone in people[:2]:
        bench.sent_id(to=f"+{phone}", **sending("hello"))
    bench.sent_id(to=f"+{people[0]}", **sending("hello"))  # reached already
    assert bench.refusal(to=f"+{people[2]}", **sending("hello")) == (400, 131048)
    bench.emulator.type_text(people[2], "hi")
    bench.sent_id(to=f"+{people[2]}", **sending("hello"))  # inside a window
    bench.emulator.clock.advance(timedelta(hours=24))
    bench.sent_id(to=f"+{people[2]}", **sending("hello"))


def test_marketing_has_its_cap_and_its_countries() -> None:
    bench = new_bench(Settings(marketing_cap=1))
    bench.emulator.add_template("sale", "All must go.", category="MARKETING")
    bench.sent_id(**sending("sale"))
    bench.sent_id(**sending("sale"))
    assert [s["status"] for s in bench.told().statuses()] == ["sent", "delivered", "failed"]
    assert bench.inbox.statuses()[-1]["errors"][0]["code"] == 131049
    bench.emulator.configure(marketing_cap=None, no_marketing_to_us=True)
    bench.sent_id(**sending("sale"))
    assert bench.told().statuses()[-1]["errors"][0]["code"] == 131049


def test_a_telephone_that_is_off_gets_its_messages_later_or_never(chat: Bench) -> None:
    chat.emulator.add_template("code", "{{1}} is your code.", category="AUTHENTICATION")
    code = part("body", text("123"))
    chat.emulator.switch_off(ANA)
    chat.send_text()
    chat.sent_id(**sending("code", code))  # lives ten minutes
    assert [s["status"] for s in chat.told().statuses()] == ["sent", "sent"]
    chat.emulator.clock.advance(timedelta(minutes=10))
    chat.emulator.switch_on(ANA)
    assert [s["status"] for s in chat.told().statuses()] == ["sent", "sent", "delivered"]
    assert [m.content.text for m in chat.emulator.received(ANA)] == ["hello"]


# --- groups -------------------------------------------------------------------------------------


@covers("send: to a group", "send: pin", "status: of a group", "receive: of a group")
def test_a_group_is_written_to_and_writes() -> None:
    bench = new_bench(Settings(official_business_account=True))
    made = {"messaging_product": "whatsapp", "subject": "Friends"}
    bench.call("POST", f"{bench.number_id}/groups", made)
    link = bench.told().changes[0]["value"]["groups"][0]["invite_link"]
    group = bench.emulator.groups()[0].id
    to_group = {"recipient_type": "group", "to": group, "type": "text", "text": {"body": "hello all"}}
    assert bench.refusal(**to_group) == (400, 131020)
    ben = bench.emulator.create_customer("+16505550000", "Ben")
    bench.emulator.join_group(ANA, link)
    bench.emulator.join_group(ben.bsuid, group)
    bench.sent_id(**to_group)
    assert bench.told().statuses()[-1]["errors"][0]["code"] == 131047
    said = bench.emulator.type_text(ANA, "hi all", group_id=group)
    assert bench.told().messages()[-1]["group_id"] == group
    wamid = bench.sent_id(**to_group)
    statuses = bench.told().statuses()[1:]
    assert [s["status"] for s in statuses] == ["sent", "delivered", "delivered"]
    assert [s.get("recipient_participant_user_id") for s in statuses[1:]] == [bench.ana.bsuid, ben.bsuid]
    assert {(s["recipient_id"], s["recipient_type"]) for s in statuses} == {(group, "group")}
    assert statuses[1]["pricing"]["category"] == "group_service"
    assert bench.emulator.received(ANA)[-1].id == wamid
    bench.sent_id(recipient_type="group", to=group, type="pin", pin={"type": "pin", "message_id": said.id})
    for days in (0, 31):
        pin = {"type": "pin", "message_id": said.id, "expiration_days": days}
        assert bench.refusal(recipient_type="group", to=group, type="pin", pin=pin) == (400, 131009)
    buttons = interactive("button", REPLIES)
    assert bench.refusal(recipient_type="group", to=group, **buttons) == (400, 131051)
    bench.emulator.suspend_group(group)
    assert bench.refusal(**to_group) == (403, 131207)


# --- media --------------------------------------------------------------------------------------


@covers("POST /{number}/media", "GET /{media}", "DELETE /{media}")
def test_media_are_put_looked_up_and_deleted(bench: Bench) -> None:
    whole = {"messaging_product": "whatsapp", "type": "image/png"}
    _, made = bench.call("POST", f"{bench.number_id}/media", whole, upload=Upload("image/png", b"picture"))
    _, node = bench.call("GET", made["id"], phone_number_id=bench.number_id)
    assert (node["mime_type"], node["file_size"], node["id"]) == ("image/png", 7, made["id"])
    assert len(node["sha256"]) == 64
    assert node["url"].startswith("http://graph.test/")
    assert bench.call("DELETE", made["id"]) == (200, {"success": True})
    assert bench.call("GET", made["id"])[0] == 400
