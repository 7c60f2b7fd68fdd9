"""What the example hosts promise to whoever calls their webhook endpoint, each in its own process."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.story.stage import running_host

SECRETS = {"ACME_APP_SECRET": "app-secret", "ACME_WHATSAPP_TOKEN": "token", "ACME_VERIFY_TOKEN": "verify-me"}
_NUMBERS = itertools.count(2000)
NOWHERE = "http://127.0.0.1:1/v26.0"


@pytest.fixture(scope="module", params=["sync", "async"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("host")
    with running_host(request.param, folder, NOWHERE, SECRETS) as found:
        yield found


@pytest.fixture
def host(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"X-User": "ana"}, timeout=15, trust_env=False) as client:
        yield client


def test_a_wrong_signature_is_answered_401_and_stores_nothing(host: httpx.Client) -> None:
    before = stored(host)
    for headers in (signed(b"another body"), {}, {"X-Hub-Signature-256": "sha256=00"}):
        answer = host.post("/webhooks/whatsapp", content=webhook("wamid.forged"), headers=headers)
        assert answer.status_code == 401
    assert before == stored(host)


def test_the_endpoint_verifies_itself_to_whoever_knows_its_token(host: httpx.Client) -> None:
    answer = host.get("/webhooks/whatsapp", params=handshake("verify-me"))
    assert (answer.status_code, answer.text) == (200, "4711")


def test_the_endpoint_verifies_itself_to_nobody_else(host: httpx.Client) -> None:
    answer = host.get("/webhooks/whatsapp", params=handshake("guessed"))
    assert answer.status_code == 403
    assert "4711" not in answer.text


def test_the_same_webhook_twice_is_one_message(host: httpx.Client) -> None:
    body = webhook("wamid.once")
    assert host.post("/webhooks/whatsapp", content=body, headers=signed(body)).status_code == 200
    after_one = stored(host)
    assert host.post("/webhooks/whatsapp", content=body, headers=signed(body)).status_code == 200
    assert after_one == stored(host)
    assert [event["type"] for event in after_one["events"]].count("MessageReceived") == 1


def test_another_endpoint_belongs_to_no_app(host: httpx.Client) -> None:
    body = webhook("wamid.elsewhere")
    assert host.post("/webhooks/sms", content=body, headers=signed(body)).status_code == 404


def test_whoever_is_not_in_a_conversation_does_not_see_it(host: httpx.Client) -> None:
    """Ana takes the thread from the unassigned list by writing into it; from then on it is not Ben's to read."""
    body = webhook("wamid.private")
    host.post("/webhooks/whatsapp", content=body, headers=signed(body))
    (thread,) = host.get("/api/conversations?unassigned").json()
    path = f"/api/conversations/{thread['id']}"
    assert host.post(f"{path}/messages", json={"text": "Hello, Ana here"}).status_code == 201
    assert host.get(f"{path}/timeline").status_code == 200
    answer = host.get(f"{path}/timeline", headers={"X-User": "ben"})
    assert (answer.status_code, answer.json()["decision"]["reason"]) == (403, "not_a_participant")


def test_an_inbox_counts_what_is_unread_and_finds_what_was_said(host: httpx.Client) -> None:
    body = webhook("wamid.unread", "16505559876")
    host.post("/webhooks/whatsapp", content=body, headers=signed(body))
    entry = host.get("/api/inbox?unassigned").json()["entries"][0]
    path = f"/api/conversations/{entry['conversation']['id']}"
    assert (entry["unread"], entry["channel"], entry["last"]["content"]["text"]) == (1, "whatsapp", "Hello")
    assert host.post(f"{path}/read", json={"up_to": entry["last"]["id"]}).status_code == 201
    assert host.get("/api/inbox?unassigned").json()["entries"][0]["unread"] == 0
    (found,) = host.get(f"{path}/customer-timeline").json()["messages"]
    assert found["conversation"] == entry["conversation"]["id"]
    assert found["id"] in {each["id"] for each in host.get("/api/search?q=HELL").json()["messages"]}
    assert host.get("/api/search?q=nothing").json()["messages"] == []


def test_trouble_is_told_without_a_traceback(host: httpx.Client) -> None:
    answer = host.post("/api/accounts/acme-whatsapp/templates/sync")
    assert (answer.status_code, answer.json()) == (503, {"problem": "try again in a moment"})
    answer = host.post("/api/conversations/nobody-has-it/messages", content=b"no JSON")
    assert (answer.status_code, answer.json()) == (400, {"problem": "the body has to be a JSON object"})


def stored(host: httpx.Client) -> dict[str, Any]:
    return {"events": host.get("/api/events").json()["events"], "kept": host.get("/api/quarantine").json()}


def received(what: dict[str, Any]) -> int:
    return [event["type"] for event in what["events"]].count("MessageReceived")


def handshake(token: str) -> dict[str, str]:
    return {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "4711"}


def signed(body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRETS["ACME_APP_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}"}


def webhook(message_id: str, sender: str = "16505551234") -> bytes:
    """A customer's message, as Meta sends it."""
    message = {
        "from": sender,
        "id": message_id,
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": "Hello"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": "Carla"}, "wa_id": sender}],
        "messages": [message],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


# --- who takes part ---------------------------------------------------------------------------------------------------


@pytest.fixture
def thread(host: httpx.Client) -> str:
    """A conversation that nobody has yet, with a customer of its own."""
    number = f"1650555{next(_NUMBERS):04}"
    body = webhook(f"wamid.{number}", sender=number)
    assert host.post("/webhooks/whatsapp", content=body, headers=signed(body)).status_code == 200
    found: str = host.get("/api/conversations", params={"unassigned": ""}).json()[0]["id"]
    return found


def act(host: httpx.Client, user: str, thread: str, name: str, **body: Any) -> httpx.Response:
    return host.post(f"/api/conversations/{thread}/acts/{name}", json=body, headers={"X-User": user})


def reason(answer: httpx.Response) -> str:
    assert answer.status_code == 409, answer.text
    return str(answer.json()["decision"]["reason"])


def deeds(host: httpx.Client, thread: str, user: str = "ben") -> list[str]:
    page = host.get(f"/api/conversations/{thread}/timeline", headers={"X-User": user}).json()
    contents = [each["content"] for each in reversed(page["messages"]) if each["status"] == "noted"]
    return [content.get("deed", content["kind"]) for content in contents]


def test_every_act_is_a_request(host: httpx.Client, thread: str) -> None:
    """From taking it to beginning again; the timeline says who did what, and a refusal says why."""
    for user, name, body in (
        ("ana", "take", {}),
        ("ana", "add", {"whom": "ben", "role": "observer"}),
        ("ana", "role", {"whom": "ben", "role": "member"}),
        ("ben", "note", {"text": "Mine soon."}),
        ("ben", "mute", {}),
        ("ben", "mute", {"muted": False}),
        ("ana", "transfer", {"to": "ben", "from": "ana", "note": "Yours.", "stay": True}),
        ("ben", "remove", {"whom": "ana"}),
    ):
        answer = act(host, user, thread, name, **body)
        assert answer.status_code == 201, (name, answer.text)
    assert reason(act(host, "ana", thread, "note", text="Still here?")) == "not_a_participant"
    assert reason(act(host, "ben", thread, "leave")) == "owner_needed"
    assert reason(act(host, "ben", thread, "transfer", to="ana", **{"from": "ana"})) == "owner_changed"
    assert act(host, "ben", thread, "end").status_code == 201
    restarted = act(host, "ben", thread, "restart").json()["conversation"]
    assert deeds(host, thread) == ["taken", "added", "role_changed", "note", "transferred", "removed", "ended"]
    assert deeds(host, restarted) == ["restarted"]


@pytest.mark.parametrize(
    ("body", "deed"),
    [
        ({"then": "hand_over", "to": "ben", "note": "Gone."}, "transferred"),
        ({"then": "end"}, "ended"),
        ({"then": "let_go"}, "let_go"),
    ],
)
def test_an_owner_who_leaves_says_what_becomes_of_it(
    host: httpx.Client, thread: str, body: dict[str, str], deed: str
) -> None:
    assert act(host, "ana", thread, "take").status_code == 201
    assert act(host, "ana", thread, "leave", **body).status_code == 201
    assert deed == deeds(host, thread, "ben" if body["then"] == "hand_over" else "ana")[-1]


def test_what_waits_in_a_conversation_is_its_participants_to_see(host: httpx.Client, thread: str) -> None:
    assert act(host, "ana", thread, "take").status_code == 201
    assert host.get(f"/api/conversations/{thread}/held").json() == []
    assert host.get(f"/api/conversations/{thread}/held", headers={"X-User": "ben"}).status_code == 403


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("dance", {}),
        ("add", {}),
        ("add", {"whom": "ben", "role": "king"}),
        ("add", {"whom": "nobody"}),
        ("leave", {"then": "sulk"}),
        ("note", {"text": 7}),
    ],
)
def test_an_act_that_cannot_be_read_is_the_callers_mistake(
    host: httpx.Client, thread: str, name: str, body: dict[str, Any]
) -> None:
    answer = act(host, "ana", thread, name, **body)
    assert (answer.status_code, list(answer.json())) == (400, ["problem"])
