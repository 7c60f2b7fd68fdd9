"""A host that embeds the SDK: real parts, a SQLite file and the Cloud API channel; only the network is not there.

Imported by the programs that the tests of this folder run, each in a process of its own.
"""

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_sqlite import SqlitePlugin

import wa_connector as wa
from wa_connector.model.outbound import Accepted, Envelope, FetchFailed, FetchOutcome, SendOutcome
from wa_connector.ports.media import MediaStore
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.media import MemoryMediaStore

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TENANT = wa.TenantId("acme")
ANA = wa.UserId("ana")
LINE = wa.LineId("line")
SECRET = wa.Secret("app-secret-0123456789")
TOKEN = wa.Secret("EAAtoken0123456789")

_PATH = (wa.Organization(wa.OrganizationId("acme"), "Acme", {"whatsapp": wa.ChannelSwitch(enabled=True)}, {}),)
_APP = wa.App(wa.AppId("app"), TENANT, "whatsapp", "/hook", (SECRET,), wa.Secret("verify"))
_ACCOUNT = wa.Account(TENANT, wa.AccountId("account"), wa.AppId("app"), "whatsapp", "WABA1", "PORTFOLIO1", TOKEN)
# Its clock stands still, and with it the pace of a line: here nobody counts.
_LINE = wa.Line(TENANT, LINE, wa.AccountId("account"), "whatsapp", "+15550001111", "PHONE1", messages_per_second=0)


def clock() -> datetime:
    """It goes on, and is the same in every process: what waits for its turn must see it come."""
    return NOW + timedelta(seconds=time.monotonic())


class Wire:
    """A transport that accepts everything, and notes the message's id in a file: several processes may share it."""

    def __init__(self, notes: Path, before: Callable[[], object] = lambda: None) -> None:
        self._notes = notes
        self._before = before

    def send(self, line: wa.LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        self._before()
        file = os.open(self._notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{envelope.message}\n".encode())
        os.close(file)
        return Accepted(wa.ProviderId(f"wamid.OUT{envelope.message}"))

    def fetch(self, line: wa.LineSetup, media: wa.MediaRef, store: MediaStore) -> FetchOutcome:
        return FetchFailed("there is no network here", is_final=True)

    def templates(self, account: wa.Account) -> Sequence[wa.Template]:
        return ()

    def close(self) -> None:
        pass


class Host:
    """Everything but storage that a connector needs."""

    def __init__(self, wire: object) -> None:
        self.wire = wire
        self.directory = MemoryDirectory(
            apps=[_APP],
            accounts=[_ACCOUNT],
            lines=[(_LINE, _PATH)],
            seats=[wa.Seat(wa.User(TENANT, ANA, "Ana"), _PATH)],
        )
        self.contacts = MemoryContacts(
            {TENANT: [wa.Contact(wa.ContactId("carl"), "Carl", (wa.number("+16505551234"),))]}
        )
        self.media = MemoryMediaStore()

    @wa.hookimpl
    def wa_directory(self) -> MemoryDirectory:
        return self.directory

    @wa.hookimpl
    def wa_contacts(self) -> MemoryContacts:
        return self.contacts

    @wa.hookimpl
    def wa_media_store(self) -> MemoryMediaStore:
        return self.media

    @wa.hookimpl
    def wa_channel(self) -> CloudApiChannel:
        return CloudApiChannel()

    @wa.hookimpl
    def wa_transport(self) -> tuple[str, object]:
        return "whatsapp", self.wire


def parts(folder: str, *more: object, wire: object = None) -> dict[str, Any]:
    """What a connector of either face is built of, over the files in ``folder``."""
    host = Host(wire or Wire(Path(folder, "sent")))
    return {
        "plugins": [host, SqlitePlugin(Path(folder, "wa.db")), *more],
        "discover": False,
        "clock": clock,
    }


def connector(folder: str, *more: object, wire: object = None) -> wa.Connector:
    return wa.Connector(**parts(folder, *more, wire=wire))


# --------------------------------------------------------------------------------- what comes in


def said(customer: int, text: str, wamid: str, at: datetime | None = None) -> wa.WebhookRequest:
    """A signed webhook: customer number ``customer`` writes ``text``, ``at`` some time or now."""
    wa_id = customer_id(customer)
    return signed(
        {
            "contacts": [{"profile": {"name": f"Customer {customer}"}, "wa_id": wa_id}],
            "messages": [
                {
                    "from": wa_id,
                    "id": wamid,
                    "timestamp": str(int((at or clock()).timestamp())),
                    "type": "text",
                    "text": {"body": text},
                }
            ],
        }
    )


def customer_id(customer: int) -> str:
    return f"1650555{customer:04}"


def signed(value: dict[str, object]) -> wa.WebhookRequest:
    metadata = {"display_phone_number": "15550001111", "phone_number_id": "PHONE1"}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    document = {"object": "whatsapp_business_account", "entry": [{"id": "WABA1", "changes": [change]}]}
    return request(json.dumps(document).encode())


def request(body: bytes) -> wa.WebhookRequest:
    digest = hmac.new(SECRET.reveal().encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}"}
    return wa.WebhookRequest("/hook", "POST", "https://host.example/hook", headers, body)


# ------------------------------------------------------------------------------------- the story


def deliver(embedded: wa.Connector, webhook: wa.WebhookRequest) -> wa.WebhookResult:
    """As a provider does: the same body again until it is answered 200."""
    for _ in range(50):
        result = embedded.handle_webhook(webhook)
        if result.reply.status == 200:
            return result
        assert result.reply.status == 503, result
    raise AssertionError("a webhook was never taken")


def converse(embedded: wa.Connector, customer: int, texts: Iterable[str], name: str) -> None:
    """A customer writes, and Ana answers every message once."""
    for number, text in enumerate(texts):
        result = deliver(embedded, said(customer, text, f"wamid.{name}.{number}"))
        assert (result.taken, result.kept) == (1, 0), result
        thread = thread_with(embedded, customer)
        placed = embedded.send(
            TENANT, ANA, thread, wa.Text(f"answer {number} to {name}"), command_id=wa.CommandId(f"{name}.{number}")
        )
        assert placed.decision.is_allowed, placed.decision.sentence


def thread_with(embedded: wa.Connector, customer: int) -> wa.ConversationId:
    """The open thread with a customer, whether Ana has it or nobody yet."""
    threads = [
        *embedded.conversations(TENANT, ANA, limit=500),
        *embedded.conversations(TENANT, ANA, unassigned=True, limit=500),
    ]
    for thread in threads:
        known = embedded.customer(TENANT, ANA, thread.id)
        if any(address.value == customer_id(customer) for address in known.addresses):
            return thread.id
    raise AssertionError("the customer has no thread")


def drain(embedded: wa.Connector) -> None:
    """Send until nothing is due."""
    while embedded.dispatcher.run_once(lanes=64):
        pass


def log(embedded: wa.Connector) -> list[wa.Event]:
    """The whole log."""
    events: list[wa.Event] = []
    cursor = ""
    while True:
        page = embedded.events(TENANT, after=cursor)
        if not page.events:
            return events
        events += page.events
        cursor = page.cursor


def tally(embedded: wa.Connector, folder: str) -> tuple[int, int, int, int]:
    """How many messages came in, were queued, were noted by the wire (each once), and were kept for inspection."""
    happened = [event.happening for event in log(embedded)]
    noted = sent(folder)
    assert len(noted) == len(set(noted)), "a message was sent twice"
    received = sum(isinstance(each, wa.MessageReceived) for each in happened)
    queued = sum(isinstance(each, wa.MessageQueued) for each in happened)
    return received, queued, len(noted), len(embedded.quarantine(TENANT))


def sent(folder: str) -> list[str]:
    """The ids that the wire noted."""
    notes = Path(folder, "sent")
    return notes.read_text(encoding="utf-8").split() if notes.exists() else []
