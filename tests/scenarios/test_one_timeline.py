"""One customer on three channels, in one timeline: WhatsApp by the emulator, voicemail from a spool, text messages by a gateway.

Everything is the real thing but the providers: the emulator of WhatsApp and the gateway are servers on loopback, the spool is a
folder written as Asterisk writes it.
"""

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import wa_connector_cloud_api.plugin
import wa_connector_sms.plugin
from wa_connector_emulator import Emulator, HttpReply, serve
from wa_connector_voicemail import Asterisk, VoicemailPlugin, VoicemailWatcher

from wa_connector import (
    Connector,
    Contact,
    ContactId,
    Line,
    Reason,
    Secret,
    TenantId,
    Text,
    UserId,
    WebhookRequest,
    number,
)
from wa_connector.model.content import Voicemail
from wa_connector.model.directory import Account, App, ChannelSwitch, Organization, Seat, User
from wa_connector.model.ids import AccountId, AppId, LineId, OrganizationId
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.host import MemoryHost

ACME, ANA, CARLA = TenantId("acme"), UserId("ana"), ContactId("carla")
CARLAS: str = "+16505551234"
OUR_SMS = "+15550002222"
ENDPOINTS = {"whatsapp": "/webhooks/whatsapp", "sms": "/webhooks/sms", "voicemail": "/voicemail"}
BASIC = "Basic " + b64encode(b"gateway:sesame").decode()


class Gateway:
    """A Kannel as the connector sees it: it takes what is sent, and tells what comes in."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                gateway.sent.append({name: values[0] for name, values in query.items()})
                self.send_response(202)
                self.end_headers()
                self.wfile.write(b"0: Accepted for delivery")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class House:
    """A host with three lines of the tenant's, and Carla at the other end of each."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.gateway = Gateway()
        running.callback(self.gateway.close)
        self.emulator = Emulator(app_secret="secret", token="token", sender=self._deliver)
        graph_url = running.enter_context(serve(self.emulator)).graph_url
        self.spool = folder / "spool"
        self.host = MemoryHost()
        self.host.directory = self._directory(graph_url)
        self.host.contacts = MemoryContacts({ACME: [Contact(CARLA, "Carla", (number(CARLAS),))]})
        asterisk = Asterisk("pbx", self.spool)
        plugins = [wa_connector_cloud_api.plugin, wa_connector_sms.plugin, VoicemailPlugin([asterisk], converter=False)]
        clock = self.emulator.clock.now
        self.connector = running.enter_context(Connector([self.host, *plugins], discover=False, clock=clock))
        self.watcher = VoicemailWatcher(
            self.connector,
            ENDPOINTS["voicemail"],
            asterisk,
            [self.box],
            folder / "memory",
            clock=self.emulator.clock.now,
        )
        self.emulator.subscribe_webhook(f"https://acme.example{ENDPOINTS['whatsapp']}", "verify")
        self.emulator.create_customer(CARLAS, "Carla")
        self.emulator.add_template("opt_in", "May we write to you here?", language="en", buttons=["Yes", "No"])
        self.connector.sync_templates(ACME, AccountId("whatsapp"))

    def _directory(self, graph_url: str) -> MemoryDirectory:
        path = (Organization(OrganizationId("acme"), "Acme", {name: ChannelSwitch(True) for name in ENDPOINTS}),)
        secrets = {"whatsapp": "secret", "sms": "gateway:sesame", "voicemail": ""}
        gateways = {"sms": "kannel"}
        apps = [
            App(AppId(name), ACME, name, at, (Secret(secrets[name]),), Secret("verify"), gateways.get(name, ""))
            for name, at in ENDPOINTS.items()
        ]
        callback = f"http://gateway:sesame@acme.example{ENDPOINTS['sms']}"
        accounts = [
            Account(
                ACME,
                AccountId("whatsapp"),
                AppId("whatsapp"),
                "whatsapp",
                "102290129340398",
                "102290129340398",
                Secret("token"),
                base_url=graph_url,
            ),
            Account(
                ACME,
                AccountId("sms"),
                AppId("sms"),
                "sms",
                "operator",
                "operator",
                Secret("sesame"),
                base_url=self.gateway.url,
                gateway="kannel",
                options={"username": "acme", "callback_url": callback},
            ),
            Account(ACME, AccountId("pbx"), AppId("voicemail"), "voicemail", "pbx", "pbx", Secret("")),
        ]
        self.box = Line(ACME, LineId("box"), AccountId("pbx"), "voicemail", "1000", "1000@default", region="US")
        lines = [
            Line(ACME, LineId("reception"), AccountId("whatsapp"), "whatsapp", "+15550001111", "106540352242922"),
            Line(ACME, LineId("texts"), AccountId("sms"), "sms", OUR_SMS, OUR_SMS, region="US"),
            self.box,
        ]
        seats = [Seat(User(ACME, ANA, "Ana"), path)]
        return MemoryDirectory(apps=apps, accounts=accounts, lines=[(each, path) for each in lines], seats=seats)

    def _deliver(self, call: Any) -> HttpReply:
        asked = WebhookRequest(ENDPOINTS["whatsapp"], call.method, call.url, call.headers, call.body)
        reply = self.connector.handle_webhook(asked).reply
        return HttpReply(reply.status, reply.body)

    def settle(self) -> None:
        """Everything that is due, on both sides; and whoever comes next takes a minute."""
        for _ in range(3):
            self.connector.dispatcher.run_until_idle()
            self.emulator.deliver_due()
        self.emulator.clock.advance(timedelta(minutes=1))

    def texts(self, text: str) -> None:
        """Carla sends a text message."""
        told = {"account": "operator", "from": CARLAS, "to": OUR_SMS, "text": text, "id": f"id {text}", "coding": "0"}
        url = f"http://acme.example{ENDPOINTS['sms']}?{urlencode(told)}"
        request = WebhookRequest(ENDPOINTS["sms"], "GET", url, {"authorization": BASIC}, b"")
        assert self.connector.handle_webhook(request).taken == 1

    def leaves(self, recording: bytes) -> None:
        """Carla leaves a voicemail: the recording first, the text file last."""
        folder = self.spool / "default" / "1000" / "INBOX"
        folder.mkdir(parents=True)
        for other in ("Urgent", "Old"):
            (folder.parent / other).mkdir()
        at = int(self.emulator.clock.now().timestamp())
        (folder / "msg0000.wav").write_bytes(recording)
        info = f'[message]\norigmailbox=1000\ncallerid="Carla" <6505551234>\norigtime={at}\nmsg_id={at}-00000001\nduration=7\n'
        (folder / "msg0000.txt").write_text(info)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as running:
        yield House(tmp_path, running)


def test_a_customer_on_three_channels_is_one_person_in_one_timeline(house: House) -> None:
    connector = house.connector
    thread = connector.ask_consent(ACME, ANA, LineId("reception"), CARLA).or_raise().conversation
    assert thread is not None
    house.settle()
    house.emulator.tap(CARLAS, house.emulator.received(CARLAS)[0].id, "Yes")
    house.settle()
    connector.send(ACME, ANA, thread, Text("Your offer is ready.")).or_raise()
    house.settle()
    # She says STOP on WhatsApp, and calls instead.
    house.emulator.type_text(CARLAS, "STOP")
    house.settle()
    assert connector.composer(ACME, ANA, thread).write.reason is Reason.CONSENT_REVOKED
    assert connector.composer(ACME, ANA, thread).fall_back is None
    house.leaves(b"RIFF....WAVE")
    assert house.watcher.run_once().came == 1
    house.settle()
    (call,) = connector.conversations(ACME, ANA, unassigned=True)
    # Nothing can be written where she called; by text she may be answered, by WhatsApp not.
    actions = {each.channel: each for each in connector.answer_actions(ACME, ANA, call.id)}
    assert set(actions) == {"whatsapp", "sms"}
    assert (actions["whatsapp"].is_possible, actions["whatsapp"].template.reason) == (False, Reason.CONSENT_REVOKED)
    assert (actions["sms"].is_possible, actions["sms"].to) == (True, number(CARLAS))
    texts = connector.answer(ACME, ANA, call.id, LineId("texts")).or_raise().conversation
    assert texts is not None
    connector.send(ACME, ANA, texts, Text("We got your call.")).or_raise()
    house.settle()
    assert [(each["to"], each["text"]) for each in house.gateway.sent] == [(CARLAS, "We got your call.")]
    house.texts("Thank you!")
    # And all of it stands in one timeline, of one customer.
    page = connector.customer_timeline(ACME, ANA, thread)
    assert len({each.customer for each in page.messages}) == 1
    shown = [(page.conversations[each.conversation].channel, each.content) for each in reversed(page.messages)]
    assert [channel for channel, _ in shown] == [*["whatsapp"] * 6, "voicemail", "sms", "sms"]
    recording = shown[6][1]
    assert isinstance(recording, Voicemail)
    assert recording.media.is_stored
    chunks = connector.read_media(ACME, recording.media)
    assert chunks is not None
    assert b"".join(chunks) == b"RIFF....WAVE"
    assert [content for channel, content in shown if channel == "sms"] == [
        Text("We got your call."),
        Text("Thank you!"),
    ]
