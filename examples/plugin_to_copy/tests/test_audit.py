"""The plugin in use: a host of ``wa_connector.testing`` that is all there, and this plugin beside it."""

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from wa_connector_audit import AuditPlugin, ContactBook

from wa_connector import Contact, ContactId, Text, number
from wa_connector.testing.host import ACME, ANA, BEN, CARL, CARLS_NUMBER, GLOBEX, LINE, MemoryHost

FACES = ("direct", "aio")
ZOE = Contact(ContactId("zoe"), "Zoe", (number("+16505550000"),))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("face", FACES)
def test_every_event_of_the_log_is_a_line_of_the_file(face: str, tmp_path: Path) -> None:
    host, path = MemoryHost(), tmp_path / "audit.jsonl"
    with host.connector(face, [AuditPlugin(path)]) as connector:
        connector.handle_webhook(host.webhook(host.said("Hello"), host.said("STOP")))
        connector.dispatcher.run_once()
        logged = [type(event.happening).__name__ for event in connector.events(ACME).events]
    assert {"MessageReceived", "ConsentChanged", "MessageStatusChanged"} <= set(logged)
    assert logged == [line["type"] for line in lines(path)]
    assert {"acme"} == {line["tenant"] for line in lines(path)}


def test_what_was_written_or_who_wrote_it_is_not_in_the_file(tmp_path: Path) -> None:
    host, path = MemoryHost(), tmp_path / "audit.jsonl"
    with host.connector(plugins=[AuditPlugin(path)]) as connector:
        connector.handle_webhook(host.webhook(host.said("Hello", name="Carl Customer")))
    text = path.read_text(encoding="utf-8")
    assert not [secret for secret in ("Hello", CARLS_NUMBER.removeprefix("+"), "Carl Customer") if secret in text]


def test_a_file_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    host = MemoryHost()
    with host.connector(plugins=[AuditPlugin(tmp_path / "no such folder" / "audit.jsonl")]) as connector:
        result = connector.handle_webhook(host.webhook(host.said("Hello")))
    assert (result.reply.status, result.taken) == (200, 1)
    assert "hook_failures" in [name for name, _, _ in host.measures]


def test_building_a_connector_makes_no_file(tmp_path: Path) -> None:
    MemoryHost().connector(plugins=[AuditPlugin(tmp_path / "audit.jsonl")]).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("face", FACES)
def test_whoever_is_put_into_the_book_may_be_asked_and_whoever_is_removed_may_not(face: str, tmp_path: Path) -> None:
    host, book = MemoryHost(), ContactBook()
    with host.connector(face, [AuditPlugin(tmp_path / "audit.jsonl", book)]) as connector:
        connector.sync_templates(ACME, host.directory.lines(ACME, ANA)[0].account.id)
        book.put(ACME, ZOE)
        (action,) = connector.contact_actions(ACME, ANA, ZOE.id)
        assert action.ask.is_allowed
        book.remove(ACME, ZOE.id)
        (action,) = connector.contact_actions(ACME, ANA, ZOE.id)
        assert action.ask.reason.value == "not_a_contact"


def test_without_a_book_the_contacts_are_another_plugin_s(tmp_path: Path) -> None:
    host = MemoryHost()
    with host.connector(plugins=[AuditPlugin(tmp_path / "audit.jsonl")]) as connector:
        connector.handle_webhook(host.webhook(host.said("Hello")))
        thread = connector.start(ACME, ANA, LINE, CARL).or_raise().conversation
        assert thread is not None
        assert connector.send(ACME, ANA, thread, Text("Hello Carl")).is_taken


def test_a_contact_is_found_by_his_number_in_his_tenant_alone() -> None:
    book = ContactBook()
    book.put(ACME, ZOE)
    assert book.find(ACME, ZOE.addresses) == (ZOE,)
    assert book.find(GLOBEX, ZOE.addresses) == ()
    assert book.get(GLOBEX, ANA, ZOE.id) is None


def test_a_user_s_own_contact_is_nobody_else_s() -> None:
    book, own = ContactBook(), Contact(ContactId("own"), "Own", ZOE.addresses, owner=ANA)
    book.put(ACME, own)
    assert (own, None) == (book.get(ACME, ANA, own.id), book.get(ACME, BEN, own.id))


def test_an_installed_plugin_is_found() -> None:
    (found,) = entry_points(group="wa_connector", name="audit")
    assert AuditPlugin.__module__ == found.load().__name__
