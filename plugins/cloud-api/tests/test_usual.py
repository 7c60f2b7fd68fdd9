"""The fast reader: what it takes, it takes as the patient one does, and what is not wholly usual it leaves alone."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_cloud_api import _usual, webhook
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.signature import sign

from wa_connector.errors import BodyMalformed
from wa_connector.model.directory import App
from wa_connector.model.ids import AppId, TenantId
from wa_connector.model.inbound import Inbound
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import WebhookRequest

CONTACT = {"profile": {"name": "Ana"}, "wa_id": "16505551234", "user_id": "US.1"}
FROM = {"from": "16505551234", "from_user_id": "US.1", "id": "wamid.1", "timestamp": "1795000000"}
NUMBER_ALONE = {"from": "16505559999", "id": "wamid.3", "timestamp": "1795000000"}
MESSAGES: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": {"body": "hello"}},
    "image": {"type": "image", "image": {"id": "7", "mime_type": "image/jpeg", "sha256": "eA==", "caption": "look"}},
    "hashed": {"type": "image", "image": {"id": "7", "sha256": "SfInY0gGKTsJlUWbwxC1k-FAD0FZHvzwfpvO0zX0GUI"}},
    "button": {"type": "button", "button": {"payload": "a", "text": "A"}, "context": {"from": "1", "id": "wamid.0"}},
    "reply": {
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "A"}},
    },
}
STATUS = {
    "id": "wamid.2",
    "status": "delivered",
    "timestamp": "1795000001",
    "recipient_id": "16505551234",
    "recipient_user_id": "US.1",
    "biz_opaque_callback_data": "m1",
    "conversation": {"id": "c", "origin": {"type": "service"}},
    "pricing": {"billable": False, "type": "free_customer_service"},
}

NOBODYS_STATUS = {"id": "wamid.2", "status": "read", "timestamp": "1795000001"}


def value(**lists: list[Any]) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "PN1"}, "contacts": [CONTACT]} | lists


def body(*values: dict[str, Any]) -> bytes:
    changes = [{"field": "messages", "value": each} for each in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "WABA1", "changes": changes}]}).encode()


def patient(webhook_body: bytes) -> list[Inbound] | None:
    try:
        return webhook.read(webhook_body)
    except BodyMalformed:
        return None


def whole() -> dict[str, Any]:
    """Every usual kind, the contacts of one value and of several."""
    singles = [value(messages=[FROM | message]) for message in MESSAGES.values()]
    other = {"profile": {"name": "Bo"}, "wa_id": "16505559999"}
    many = value(
        messages=[FROM | MESSAGES["text"], {**NUMBER_ALONE, **MESSAGES["text"]}],
        contacts=[CONTACT, other],
    )
    statuses = value(statuses=[STATUS, NOBODYS_STATUS])
    statuses["contacts"] = []
    found: dict[str, Any] = json.loads(body(*singles, many, statuses, value(statuses=[STATUS])))
    return found


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_usual_message_is_read_fast_and_as_the_patient_reader_reads_it(kind: str) -> None:
    usual = body(value(messages=[FROM | MESSAGES[kind]]))
    assert _usual.read(usual) == webhook.read(usual)


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "played"])
def test_a_usual_report_is_read_fast_and_as_the_patient_reader_reads_it(status: str) -> None:
    usual = body(value(statuses=[STATUS | {"status": status}]))
    assert _usual.read(usual) == webhook.read(usual)


def test_a_whole_batch_is_read_fast_and_as_the_patient_reader_reads_it() -> None:
    usual = json.dumps(whole()).encode()
    found = _usual.read(usual)
    assert found == webhook.read(usual)
    assert found is not None
    assert len(found) == 10
    # Made without their constructors, they are the same frozen values all the same.
    assert {hash(each) for each in found} == {hash(each) for each in webhook.read(usual)}
    with pytest.raises(AttributeError):
        found[0].line_ref = "another"  # type: ignore[misc]


UNUSUAL: dict[str, Callable[[], dict[str, Any]]] = {
    "an unknown kind": lambda: value(messages=[FROM | {"type": "location", "location": {}}]),
    "a key that nobody listed": lambda: value(messages=[FROM | MESSAGES["text"] | {"group_id": "g"}]),
    "a failure": lambda: value(statuses=[STATUS | {"status": "failed"}]),
    "a failure's errors": lambda: value(statuses=[STATUS | {"errors": []}]),
    "two lists": lambda: value(messages=[FROM | MESSAGES["text"]], statuses=[STATUS]),
    "nothing": value,
    "an id with a blank": lambda: value(messages=[FROM | MESSAGES["text"] | {"id": "wamid 1"}]),
    "an id that is no text": lambda: value(messages=[FROM | MESSAGES["text"] | {"id": 1}]),
    "a NUL": lambda: value(messages=[FROM | {"type": "text", "text": {"body": "a\0b"}}]),
    "a NUL in a name": lambda: value(
        messages=[FROM | MESSAGES["text"]], contacts=[CONTACT | {"profile": {"name": "\0"}}]
    ),
    "a NUL in our own id": lambda: value(statuses=[STATUS | {"biz_opaque_callback_data": "\0"}]),
    "somebody else's contact": lambda: value(messages=[FROM | MESSAGES["text"] | {"from": "16505550000"}]),
    "nobody": lambda: value(messages=[FROM | MESSAGES["text"] | {"from": "", "from_user_id": ""}], contacts=[]),
    "a number that is none": lambda: value(statuses=[STATUS | {"recipient_id": "+16505551234"}], contacts=[]),
    "a free entry point": lambda: value(statuses=[STATUS | {"pricing": {"type": "free_entry_point"}}]),
    "an instant long ago": lambda: value(statuses=[STATUS | {"timestamp": "0"}]),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_the_unusual_is_left_to_the_patient_reader_and_nothing_is_lost(what: str) -> None:
    unusual = body(UNUSUAL[what]())
    assert _usual.read(unusual) is None
    secret = Secret("s")
    request = WebhookRequest(
        "e", "POST", "https://host.example/e", {"X-Hub-Signature-256": sign(secret, unusual)}, unusual
    )
    app = App(AppId("a"), TenantId("t"), "whatsapp", "e", (secret,), Secret("v"))
    assert CloudApiChannel().read(app, request) == webhook.read(unusual) != []


@given(data=st.binary(max_size=100))
def test_whatever_bytes_come_are_declined(data: bytes) -> None:
    assert _usual.read(data) is None


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["", "US.1", "16505551234"])
)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    children = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    return [(node, key) for key, _ in children] + [place for _, child in children for place in places(child)]


CHANGES = st.tuples(
    st.integers(0, 9999),
    st.sampled_from(["remove", "replace", "add", "double"]),
    st.sampled_from(["from", "errors", "username", "wa_id", "x"]),
    SCALARS,
)


@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_what_the_fast_reader_takes_it_takes_as_the_patient_one_does(changes: list[tuple[int, str, str, Any]]) -> None:
    """Whatever a change to a usual body brings about."""
    document = whole()
    for where, change, name, scalar in changes:
        found = places(document)
        if not found:
            break
        container, key = found[where % len(found)]
        if change == "remove":
            container.pop(key)
        elif change == "replace":
            container[key] = scalar
        elif isinstance(container, dict):
            container[name] = scalar
        else:
            container.append(copy.deepcopy(container[key]))
    changed = json.dumps(document).encode()
    assert _usual.read(changed) in (None, patient(changed))


SKIPPED = [b"\xb3", b"\xed\xa0\x80", b"\xc0\x80"]


@pytest.mark.parametrize(
    "skipped", [*(b'"%s"' % each for each in SKIPPED), b"1" * 5000, b"1e999", b"[" * 300 + b"]" * 300]
)
def test_what_nobody_looks_at_is_no_difference(skipped: bytes) -> None:
    """Under a key that counts for nothing, too, both read the same or the fast one declines."""
    body = b'{"object":"whatsapp_business_account","x":%s,"entry":[]}' % skipped
    found = _usual.read(body)
    try:
        expected = webhook.read(body)
    except BodyMalformed:
        assert found is None
    else:
        assert found in (None, expected)
