"""One row that cannot be read: whoever needs it waits until it is mended, and nobody else does."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from wa_connector_sqlite import SqliteStorage

from wa_connector.direct.connector import Connector
from wa_connector.model.content import Text
from wa_connector.model.message import MessageStatus
from wa_connector.shell.dispatcher import LEASE
from wa_connector.testing.host import ACME, ANA, MemoryHost

CARL, DORA = "+16505550001", "+16505550002"


@pytest.fixture
def host(tmp_path: Path) -> MemoryHost:
    made = MemoryHost()
    made.storage = SqliteStorage(tmp_path / "wa.db", clock=made.clock)
    return made


def set_payloads(path: Path, payload: str, customer: str | None = None) -> list[tuple[str, str]]:
    """Overwrite the customers' rows, or one; what was there."""
    with closing(sqlite3.connect(path)) as db, db:
        before = db.execute("SELECT customer, payload FROM customer").fetchall()
        db.execute("UPDATE customer SET payload = ? WHERE customer = coalesce(?, customer)", (payload, customer))
    return before


def test_all_others_go_on(connect: Callable[..., Connector], host: MemoryHost, tmp_path: Path) -> None:
    """A webhook that names both is brought again, and what could be taken is known then; of two lanes one waits."""
    connector = connect(host)
    for sender in (CARL, DORA):
        connector.handle_webhook(host.webhook(host.said("Hello", sender=(sender,))))
    threads = connector.conversations(ACME, ANA, unassigned=True)
    for thread in threads:
        connector.take(ACME, ANA, thread.id)
        connector.send(ACME, ANA, thread.id, Text("Hi")).or_raise()
    broken, sound = threads
    kept = dict(set_payloads(tmp_path / "wa.db", "{", broken.customer))
    body = host.webhook(*(host.said("Again", sender=(sender,)) for sender in (CARL, DORA)))
    assert connector.handle_webhook(body).reply.status == 503
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == 1
    assert [each.content for each in connector.timeline(ACME, ANA, sound.id).messages].count(Text("Again")) == 1
    assert "corrupt_rows" in [name for name, _, _ in host.measures]
    set_payloads(tmp_path / "wa.db", kept[broken.customer], broken.customer)
    again = connector.handle_webhook(body)
    assert (again.reply.status, again.taken, again.known) == (200, 1, 1)
    host.clock.advance(LEASE + timedelta(seconds=1))
    connector.dispatcher.run_until_idle()
    assert len(host.transport.sent) == 2


def test_the_answer_to_the_message_before_it_is_noted(
    connect: Callable[..., Connector], host: MemoryHost, tmp_path: Path
) -> None:
    """What is read ahead and cannot be read puts only its own message off."""
    connector = connect(host)
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    connector.take(ACME, ANA, thread.id)
    for text in ("One", "Two"):
        connector.send(ACME, ANA, thread.id, Text(text)).or_raise()
    with closing(sqlite3.connect(tmp_path / "wa.db")) as db, db:
        query = "SELECT message, payload FROM message WHERE payload LIKE '%Two%'"
        ((message, payload),) = db.execute(query).fetchall()
        db.execute("UPDATE message SET payload = '{' WHERE message = ?", (message,))
    connector.dispatcher.run_until_idle()
    with closing(sqlite3.connect(tmp_path / "wa.db")) as db, db:
        db.execute("UPDATE message SET payload = ? WHERE message = ?", (payload, message))
    statuses = {each.content: each.status for each in connector.timeline(ACME, ANA, thread.id).messages}
    assert (statuses[Text("One")], statuses[Text("Two")]) == (MessageStatus.ACCEPTED, MessageStatus.QUEUED)
    host.clock.advance(LEASE + timedelta(seconds=1))
    connector.dispatcher.run_until_idle()
    assert [each.content for each in host.transport.sent] == [Text("One"), Text("Two")]
