"""Webhooks: whatever comes, a list or one of the two documented refusals, and nothing else."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_cloud_api import _json, webhook
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.signature import sign

from wa_connector.errors import BodyMalformed, SignatureInvalid
from wa_connector.model.directory import App
from wa_connector.model.ids import AppId, TenantId
from wa_connector.model.inbound import Inbound, InboundItem, Unreadable
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import WebhookRequest

SECRET = Secret("s")
APP = App(AppId("a"), TenantId("t"), "whatsapp", "e", (SECRET,), Secret("v"))
CHANNEL = CloudApiChannel()

SAMPLE: dict[str, Any] = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": "WABA1",
            "changes": [
                {
                    "field": "messages",
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {"display_phone_number": "1555", "phone_number_id": "PN1"},
                        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "16505551234", "user_id": "US.1"}],
                        "messages": [
                            {
                                "from": "16505551234",
                                "from_user_id": "US.1",
                                "id": "wamid.1",
                                "timestamp": "1795000000",
                                "type": "image",
                                "image": {"id": "1", "mime_type": "image/jpeg", "sha256": "x"},
                                "context": {"id": "wamid.0"},
                            },
                            {
                                "from": "16505551234",
                                "id": "wamid.2",
                                "timestamp": 1795000001,
                                "type": "interactive",
                                "interactive": {
                                    "type": "button_reply",
                                    "button_reply": {"id": "a", "title": "A"},
                                },
                            },
                        ],
                        "statuses": [
                            {
                                "id": "wamid.3",
                                "status": "failed",
                                "timestamp": "1795000002",
                                "recipient_id": "16505551234",
                                "biz_opaque_callback_data": "m1",
                                "errors": [{"code": 131047, "error_data": {"details": "late"}}],
                            }
                        ],
                    },
                },
                {
                    "field": "user_preferences",
                    "value": {
                        "metadata": {"phone_number_id": "PN1"},
                        "contacts": [{"wa_id": "16505551234", "user_id": "US.1"}],
                        "user_preferences": [
                            {
                                "user_id": "US.1",
                                "category": "marketing_messages",
                                "value": "stop",
                                "timestamp": 1795000003,
                            }
                        ],
                    },
                },
                {
                    "field": "calls",
                    "value": {
                        "metadata": {"phone_number_id": "PN1"},
                        "calls": [
                            {
                                "id": "wacid.1",
                                "from": "16505551234",
                                "event": "connect",
                                "direction": "USER_INITIATED",
                                "timestamp": "1795000004",
                                "start_time": 1795000004,
                            }
                        ],
                        "statuses": [
                            {
                                "id": "wacid.2",
                                "type": "call",
                                "status": "ACCEPTED",
                                "recipient_id": "16505551234",
                                "timestamp": "1795000005",
                            }
                        ],
                    },
                },
            ],
        }
    ],
}

_FILE = {"id": "1", "mime_type": "video/mp4", "sha256": "x", "caption": "look", "filename": "a", "voice": True}
_HI = {"type": "text", "text": {"body": "hi"}}
KINDS: dict[str, Any] = {
    **dict.fromkeys(("image", "video", "audio", "document", "sticker"), _FILE),
    "location": {"latitude": 1.5, "longitude": "2.5", "name": "Shop"},
    "contacts": [
        {
            "name": {"formatted_name": "Ann", "first_name": "Ann"},
            "phones": [{"phone": "+1", "wa_id": "16505551234", "type": "CELL"}],
            "addresses": [{"street": "1 Main St"}],
            "org": {"company": "Acme"},
            "origin": "contact_request",
        }
    ],
    "button": {"text": "Yes", "payload": "YES"},
    "order": {"catalog_id": "1", "product_items": [{"product_retailer_id": "a", "quantity": 2, "item_price": 1.5}]},
    "reaction": {"message_id": "wamid.0", "emoji": "👍"},
    "edit": {"original_message_id": "wamid.0", "message": _HI},
    "revoke": {"original_message_id": "wamid.0"},
    "system": {"type": "user_changed_number", "wa_id": "16505559999", "user_id": "US.2", "previous_user_id": "US.1"},
    "unsupported": {"type": "gif"},
    "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow", "response_json": "{}", "body": "Sent"}},
}
"""The object of each type of message beside text."""


def _sent(kind: str, part: object) -> dict[str, Any]:
    around = {"context": {"id": "wamid.0", "forwarded": True}, "referral": {"source_url": "https://a.b"}}
    return {"from": "16505551234", "id": f"wamid.{kind}", "timestamp": "1795000000", "type": kind, kind: part} | around


def _told(field: str, **lists: object) -> dict[str, Any]:
    return {"field": field, "value": {"metadata": {"phone_number_id": "PN1"}, **lists}}


_PERMISSION = {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}}
_ECHO = {"to": "16505551234", "id": "wamid.e", "timestamp": "1795000000", "history_context": {"status": "READ"}} | _HI
_THREAD = {"id": "16505551234", "messages": [_sent("text", {"body": "hi"}), _ECHO]}
SAMPLE["entry"][0]["changes"] += [
    _told("messages", messages=[_sent(kind, part) for kind, part in KINDS.items()]),
    _told("messages", messages=[_sent("interactive", _PERMISSION)]),
    _told("smb_message_echoes", message_echoes=[_ECHO]),
    _told("history", history=[{"threads": [_THREAD]}]),
    {
        "field": "message_template_status_update",
        "value": {"event": "PAUSED", "message_template_name": "a", "message_template_language": "en-US"},
    },
    {"field": "account_alerts", "value": {"alert_info": {"alert_type": "OBA"}}},
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def paths(node: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [here, *(path for key, child in children for path in paths(child, (*here, key)))]


PATHS = [path for path in paths(SAMPLE) if path]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """The sample with some of its fields removed, replaced by anything, or doubled."""
    document = copy.deepcopy(SAMPLE)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(PATHS))
        node: Any = document
        try:
            for step in way:
                node = node[step]
            old = node[last]
            match draw(st.sampled_from(["remove", "replace", "double", "wrap", "spell", "grow"])):
                case "remove":
                    del node[last]
                case "replace":
                    node[last] = draw(anything)
                case "double" if isinstance(node, list):
                    node.append(copy.deepcopy(old))
                case "grow" if len(str(old)) < 200:
                    node[last] = old * 20 if isinstance(old, str | list) else [old] * 20
                case "wrap":
                    node[last] = [old]
                case _:
                    node[last] = str(old)
        except (KeyError, IndexError, TypeError):
            pass  # an earlier change took the way here
    return document


def read(body: bytes) -> list[Inbound] | None:
    headers = {"X-Hub-Signature-256": sign(SECRET, body)}
    request = WebhookRequest("e", "POST", "https://host.example/e", headers, body)
    try:
        return list(CHANNEL.read(APP, request))
    except BodyMalformed:
        return None


def check(found: list[Inbound] | None) -> None:
    for each in found or ():
        assert isinstance(each.item, InboundItem)
        if isinstance(each.item, Unreadable):
            json.loads(each.item.raw)


@given(body=st.binary(max_size=200))
def test_arbitrary_bytes(body: bytes) -> None:
    check(read(body))


@given(document=anything)
def test_arbitrary_json(document: object) -> None:
    check(read(json.dumps(document).encode()))


FIELDS = {"messages": ("messages", "statuses"), "user_preferences": ("user_preferences",), "calls": ("calls",)}


@given(entries=anything, wrapped=st.booleans(), data=st.data())
def test_arbitrary_entries(entries: object, wrapped: bool, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(FIELDS)))
    key = data.draw(st.sampled_from(FIELDS[field]))
    entry = [{"id": "1", "changes": [{"field": field, "value": {key: entries}}]}]
    document = {"object": "whatsapp_business_account", "entry": entry if wrapped else entries}
    check(read(json.dumps(document).encode()))


def test_the_sample_is_read_whole() -> None:
    """Else the properties below would be about nothing."""
    found = webhook.read(json.dumps(SAMPLE).encode())
    assert not [each.item for each in found if isinstance(each.item, Unreadable)]
    assert len(found) >= len(KINDS) + 11


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_one_field_of_each_kind_removed_retyped_doubled_or_grown(kind: str, data: st.DataObject) -> None:
    element = _sent(kind, copy.deepcopy(KINDS[kind]))
    *way, last = data.draw(st.sampled_from([path for path in paths(element) if path]))
    node: Any = element
    for step in way:
        node = node[step]
    old = node[last]
    del node[last]
    if isinstance(node, list):
        node += data.draw(st.sampled_from(([], [7], [old, old], [old] * 50)))
    else:
        node |= data.draw(st.sampled_from(({}, {last: 7}, {last: [old, old]}, {last: str(old) * 500})))
    (found,) = webhook.read(_wrap({"metadata": {"phone_number_id": "PN1"}, "messages": [element]}))
    check([found])


@given(document=mutated())
def test_mutated_samples(document: Any) -> None:
    check(read(json.dumps(document).encode()))


@given(document=mutated())
def test_mutated_samples_without_orjson(document: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json, "_loads", _json._plain_loads)
        patch.setattr(_json, "_dumps", _json._plain_dumps)
        check(read(json.dumps(document).encode()))


@given(document=mutated(), cut=st.integers(0, 2000))
def test_truncated_samples(document: Any, cut: int) -> None:
    check(read(json.dumps(document).encode()[:cut]))


@given(header=st.text(max_size=100), body=st.binary(max_size=50))
def test_another_signature_is_refused_before_anything_is_read(header: str, body: bytes) -> None:
    request = WebhookRequest("e", "POST", "u", {"X-Hub-Signature-256": header}, body)
    with pytest.raises(SignatureInvalid):
        CHANNEL.read(APP, request)


@given(count=st.integers(1, 5), at=st.integers(0, 5), bad=anything)
def test_a_bad_neighbour_changes_nothing_else(count: int, at: int, bad: object) -> None:
    value = copy.deepcopy(SAMPLE["entry"][0]["changes"][0]["value"])
    value["messages"] = value["messages"][:1] * count
    good = webhook.read(_wrap(value))
    value["messages"] = [*value["messages"][:at], bad, *value["messages"][at:]]
    mixed = webhook.read(_wrap(value))
    where = min(at, count)
    assert [*mixed[:where], *mixed[where + 1 :]] == good


def _wrap(value: Any) -> bytes:
    entry = {"id": "WABA1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
