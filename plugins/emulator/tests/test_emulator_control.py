"""The control API over HTTP: the table of routes, and what it answers."""

import inspect
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from emulator_bench import ANA, Site, until
from wa_connector_emulator import Emulator, serve
from wa_connector_emulator.control import ROUTES, Route

Body = dict[str, Any]


def parameters(route: Route) -> set[str]:
    target: Any = Emulator()
    for name in route.target.split("."):
        target = getattr(target, name)
    return set(inspect.signature(target).parameters)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_a_route_takes_just_what_its_method_takes(route: Route) -> None:
    from_path = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    assert parameters(route) == from_path | set(route.readers)


def test_no_two_routes_are_the_same() -> None:
    rows = [(route.method, route.path) for route in ROUTES]
    assert sorted(set(rows)) == sorted(rows)


def test_every_public_method_can_be_reached_over_http() -> None:
    in_process_only = {
        "app",
        "handle",
        "start",
        "stop",
        "settings",
        "configure",  # has an endpoint of its own, `/settings`
        "set_template_status",  # its four cases have routes
        "faults",  # has an endpoint of its own, `/faults`
        "make_trouble",
        "clock",
        "public_url",
        "view",  # the page's
    }
    public = {name for name in dir(Emulator) if not name.startswith("_")}
    routed = {route.target for route in ROUTES}
    assert public - in_process_only == {name for name in routed if "." not in name}


def ok(site: Site, method: str, path: str, body: Body | None = None) -> Any:
    answer = site.control.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_the_clock(site: Site) -> None:
    ok(site, "POST", "/clock/freeze")
    ok(site, "POST", "/clock/set", {"at": "2026-11-22T12:00:00+00:00"})
    ok(site, "POST", "/clock/advance", {"by": 1.5})
    expected = {"now": "2026-11-22T12:00:01.500000+00:00", "is_frozen": True}
    assert ok(site, "GET", "/clock") == expected
    ok(site, "POST", "/clock/run")
    assert ok(site, "GET", "/clock")["is_frozen"] is False


def test_settings(site: Site) -> None:
    assert ok(site, "GET", "/settings")["pair_limit"] is True
    changed = ok(site, "POST", "/settings", {"pair_limit": False, "delivered_after": 2})
    assert (changed["pair_limit"], changed["delivered_after"]) == (False, 2.0)
    assert site.emulator.settings.pair_limit is False
    again = ok(site, "POST", "/settings", {"throughput_per_second": None})
    assert again["throughput_per_second"] is None


def test_templates_are_seeded_and_driven(site: Site) -> None:
    body = {"name": "ask", "body": "May we?", "buttons": ["Yes"], "status": "PENDING"}
    assert ok(site, "POST", "/templates", body)["status"] == "PENDING"
    for verb, status in (
        ("approve", "APPROVED"),
        ("reject", "REJECTED"),
        ("pause", "PAUSED"),
        ("disable", "DISABLED"),
    ):
        assert ok(site, "POST", f"/templates/ask/{verb}", {})["status"] == status
    assert [t["name"] for t in ok(site, "GET", "/templates")] == ["ask"]


def test_a_seed_over_http(site: Site) -> None:
    seed = {
        "numbers": [{"id": "222", "display_number": "+49 170 1", "country_code": "+49"}],
        "customers": [{"phone": ANA, "name": "Ana", "hidden_number": True}],
    }
    ok(site, "POST", "/seed", {"seed": seed})
    assert [n["display_number"] for n in ok(site, "GET", "/numbers")] == ["15550001111", "491701"]
    assert [c["hidden_number"] for c in ok(site, "GET", "/customers")] == [True]
    assert len(ok(site, "GET", "/accounts")) == 1


def test_a_phone_from_creation_to_tap(site: Site) -> None:
    made = ok(site, "POST", "/customers", {"phone": ANA, "country": "DE", "hidden_number": True})
    assert made["bsuid"].startswith("DE.")
    who = f"/customers/{made['bsuid']}"
    assert (made["hidden_number"], ok(site, "POST", f"{who}/show-number", {})["hidden_number"]) == (True, False)
    assert ok(site, "GET", who)["phone"] == ANA[1:]
    ok(site, "POST", "/templates", {"name": "ask", "body": "May we?", "buttons": ["Yes"]})
    template = {"name": "ask", "language": {"code": "en_US"}}
    body = {"messaging_product": "whatsapp", "to": ANA, "type": "template", "template": template}
    wamid = site.graph.post(f"{site.number_id}/messages", json=body).json()["messages"][0]["id"]
    assert ok(site, "GET", f"{who}/received")[0]["content"]["choices"][0]["title"] == "Yes"
    ok(site, "POST", f"{who}/tap", {"message_id": wamid, "choice": "Yes"})
    assert ok(site, "POST", f"{who}/read", {}) == 1
    ok(site, "POST", f"{who}/image", {"data": b64encode(b"picture").decode()})
    kinds = [m["payload"]["type"] for m in ok(site, "GET", f"{who}/said")]
    assert kinds == ["button", "image"]
    assert ok(site, "POST", f"{who}/block", {})["blocked"] == [site.number_id]
    assert ok(site, "POST", f"{who}/unblock", {})["blocked"] == []
    assert ok(site, "POST", f"{who}/stop-marketing", {})["marketing_stopped"] == [site.number_id]
    assert ok(site, "POST", f"{who}/resume-marketing", {})["marketing_stopped"] == []
    assert [m["id"] for m in ok(site, "GET", "/sent")] == [wamid]


def test_a_call_over_http(site: Site) -> None:
    ok(site, "POST", "/customers", {"phone": ANA})
    ok(site, "POST", "/clock/freeze")
    call = ok(site, "POST", f"/customers/{ANA}/call", {"answered": True, "duration": 33})
    assert (call["is_answered"], call["by_business"]) == (True, False)
    ours = ok(site, "POST", f"/customers/{ANA}/call", {"by_business": True})
    until(lambda: len(site.receiver.posts) == 5)
    ok(site, "POST", "/clock/advance", {"by": 33})
    until(lambda: len(site.receiver.posts) == 6)
    told = [json.loads(raw)["entry"][0]["changes"][0] for raw, _ in site.receiver.posts]
    assert {change["field"] for change in told} == {"calls"}
    ids = [(change["value"].get("calls") or change["value"]["statuses"])[0]["id"] for change in told]
    assert sorted(ids) == sorted([call["id"]] * 2 + [ours["id"]] * 4)


def test_a_carousel_over_http(site: Site) -> None:
    card = {"header": {"format": "IMAGE"}, "body": "A mug.", "buttons": ["More"]}
    made = ok(site, "POST", "/templates", {"name": "mugs", "body": "Look.", "cards": [card, card]})
    assert [component["type"] for component in made["components"]] == ["BODY", "CAROUSEL"]


def test_webhooks_are_disturbed_over_http(site: Site) -> None:
    ok(site, "POST", "/customers", {"phone": ANA})
    ok(site, "POST", "/webhooks/pause")
    for word in ("a", "b", "c", "d", "e"):
        ok(site, "POST", f"/customers/{ANA}/text", {"text": word})
    assert ok(site, "POST", "/webhooks/deliver-due") == 0
    ok(site, "POST", "/webhooks/deliver", {"ids": [2, 1]})
    assert ok(site, "POST", "/webhooks/drop", {"ids": [3]}) == 1
    assert ok(site, "POST", "/webhooks/deliver-reversed") == 2
    assert ok(site, "POST", "/webhooks/redeliver-last", {"count": 1}) == 1
    assert ok(site, "POST", "/webhooks/deliver-batched", {"ids": [1, 2]}) == 2
    ok(site, "POST", "/webhooks/resume")
    ok(site, "POST", f"/customers/{ANA}/text", {"text": "f"})
    until(lambda: len(site.receiver.posts) == 7)
    log = ok(site, "GET", "/webhooks")
    words = [w["payload"]["entry"][0]["changes"][0]["value"]["messages"][0] for w in log]
    assert [w["text"]["body"] for w in words] == ["a", "b", "c", "d", "e", "f"]
    assert [w["state"] for w in log][:4] == ["delivered", "delivered", "dropped", "delivered"]
    assert [a["status"] for a in log[0]["attempts"]] == [200, 200]
    ok(site, "POST", "/reset")
    assert ok(site, "GET", "/webhooks") == []


@pytest.fixture(scope="module")
def control() -> Iterator[httpx.Client]:
    """One emulator for all refusals: they leave nothing behind."""
    with (
        serve(Emulator()) as served,
        httpx.Client(base_url=served.control_url, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/customers", {"phone": "1"}, 400, "phone"),
        ("/customers", {"phone": 7}, 400, "phone must be a string"),
        ("/customers", {"phone": ANA, "age": 7}, 400, "unknown keys: age"),
        ("/customers", {"phone": ANA, "on_whatsapp": "yes"}, 400, "true or false"),
        ("/customers/+1999/text", {"text": "hi"}, 404, "create_customer"),
        ("/customers/+1999/image", {"data": "!"}, 400, "base64"),
        ("/clock/set", {"at": "noon"}, 400, "instant"),
        ("/clock/set", {"at": "2026-11-22T12:00:00"}, 400, "time zone"),
        ("/clock/advance", {"by": -1}, 400, "use set"),
        ("/clock/advance", {"by": True}, 400, "seconds"),
        ("/webhooks/deliver", {"ids": ["1"]}, 400, "whole number"),
        ("/webhooks/deliver", {"ids": [1]}, 404, "no webhook 1"),
        (
            "/webhooks/subscribe",
            {"url": "http://127.0.0.1:9/", "verify_token": "v"},
            409,
            "no answer",
        ),
        ("/templates/none/approve", {}, 404, "no template"),
        ("/templates", {"name": "X", "body": "b"}, 400, "lowercase"),
        ("/templates", {"name": "x", "body": "b", "cards": {}}, 400, "list of cards"),
        ("/templates", {"name": "x", "body": "b", "cards": ["x"]}, 400, "object"),
        ("/customers/+1999/call", {}, 404, "create_customer"),
        ("/customers/+1999/call", {"answered": "yes"}, 400, "true or false"),
        ("/customers/+1999/call", {"duration": "long"}, 400, "seconds"),
        ("/templates", {"name": "x", "body": "Hello there.", "status": "SOON"}, 400, "status"),
        ("/settings", {"blocked_send": "loud"}, 400, "blocked_send"),
        ("/settings", {"gravity": 9}, 400, "gravity"),
        ("/seed", {"seed": {"fruit": {}}}, 400, "fruit"),
        ("/seed", {"seed": {"numbers": {}}}, 400, "list of tables"),
        ("/seed", {"seed": {"numbers": [{"id": 7}]}}, 400, r"numbers[0].id"),
        ("/seed", {"seed": {"numbers": [{"display_number": "49"}]}}, 400, "country_code"),
        ("/seed", {"seed": {"customers": [{"phone": ANA, "age": 7}]}}, 400, "age"),
    ],
)
def test_what_cannot_be_is_explained(control: httpx.Client, path: str, body: Body, status: int, says: str) -> None:
    answer = control.post(path, json=body)
    assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text


def test_no_secret_is_in_any_answer(site: Site) -> None:
    body = {"override_callback_uri": site.receiver.url, "verify_token": "verify"}
    site.graph.post(f"{site.emulator.accounts()[0].id}/subscribed_apps", json=body)
    accounts = ok(site, "GET", "/accounts")
    assert accounts[0]["override"] == {"url": site.receiver.url}
