"""SMPP: from the outbox through rules and window to a gateway on this machine and back, and a bare loop on the same library
with the same window.

The gateway answers as soon as it can, or after twenty milliseconds, as one in the same country does; a window is there for
the second. Ten messages are under way at once, each of one part. The bare loop keeps nothing of what it sends, so ours is in
memory, too; the same on SQLite, where each message is three durable commits, is told beside it.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

from measuring import in_turn, median, ratio, report
from stores import TEXT, folder
from wa_connector_sms import plugin as sms
from wa_connector_sms.capabilities import CHANNEL
from wa_connector_sms.smpp import SmppReceiver
from wa_connector_sms.testing import Missing, Smsc
from wa_connector_sqlite import SqliteStorage

from wa_connector import Connector, Text, hookimpl, number
from wa_connector.model.directory import Account, App, ChannelSwitch, Line, Organization, Seat, User
from wa_connector.model.ids import AccountId, AppId, OrganizationId, ProviderId
from wa_connector.model.inbound import Inbound, InboundMessage, Sender
from wa_connector.model.secret import Secret
from wa_connector.ports.storage import Storage
from wa_connector.shell.clock import utc_now
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.host import ACME, ANA, LINE
from wa_connector.testing.memory import MemoryStorage

ROUNDS = 5
WINDOW = 10
CUSTOMERS = 20
EACH = 5
ENDPOINT, OURS = "/smpp", "+15550000001"


class Bare:
    """smpplib's client as its documentation shows it, with a window."""

    def __init__(self, smsc: Smsc) -> None:
        from smpplib.client import Client

        self._client = Client(smsc.host, smsc.port, allow_unknown_opt_params=True)
        self._client.connect()
        self._client.bind_transceiver(system_id="bare", password="secret")
        self._client.set_message_sent_handler(self._answered)
        self._open = self._done = 0

    def _answered(self, **_: object) -> None:
        self._open -= 1
        self._done += 1

    def send(self) -> int:
        self._done = 0
        for place in range(CUSTOMERS * EACH):
            while self._open >= WINDOW:
                self._client.read_once()
            self._open += 1
            self._client.send_message(
                source_addr=OURS[1:],
                source_addr_ton=1,
                source_addr_npi=1,
                destination_addr=f"4479110{place % CUSTOMERS:02}001",
                dest_addr_ton=1,
                dest_addr_npi=1,
                short_message=TEXT[:100].encode(),
            )
        while self._open:
            self._client.read_once()
        return self._done


class Host:
    """Customers who wrote by SMS, and messages to them in the outbox."""

    def __init__(self, smsc: Smsc, storage: Storage | None) -> None:
        self._storage = storage or MemoryStorage()
        account = Account(
            ACME,
            AccountId("account"),
            AppId("app"),
            CHANNEL,
            "ref",
            "ref",
            Secret("secret"),
            base_url=f"smpp://{smsc.host}:{smsc.port}",
            gateway="smpp",
            options={"system_id": "ours", "window": WINDOW, "receipts": False},
        )
        path = (Organization(OrganizationId("acme"), "Acme", {CHANNEL: ChannelSwitch(True)}),)
        self._directory = MemoryDirectory(
            apps=[App(account.app, ACME, CHANNEL, ENDPOINT, (), Secret(""), gateway="smpp")],
            accounts=[account],
            lines=[(Line(ACME, LINE, account.id, CHANNEL, OURS, OURS, ANA, messages_per_second=0), path)],
            seats=[Seat(User(ACME, ANA, "Ana"), path)],
        )
        self._connector = Connector([self, sms], discover=False)
        self.receiver = SmppReceiver(self._connector, account, ENDPOINT, lease=timedelta(minutes=10))
        said = [
            InboundMessage(
                ProviderId(f"in-{each}"), utc_now(), Sender((number(f"+4479110{each:02}001"),)), Text("Hello")
            )
            for each in range(CUSTOMERS)
        ]
        assert self._connector.receive(ENDPOINT, [Inbound("ref", OURS, each) for each in said]).taken == CUSTOMERS
        self._threads = [each.id for each in self._connector.conversations(ACME, ANA, limit=CUSTOMERS)]
        assert len(self._threads) == CUSTOMERS

    @hookimpl
    def wa_storage(self) -> Storage:
        return self._storage

    @hookimpl
    def wa_directory(self) -> MemoryDirectory:
        return self._directory

    def fill(self) -> None:
        for thread in self._threads * EACH:
            self._connector.send(ACME, ANA, thread, Text(TEXT[:100])).or_raise()

    def measure(self, _: int) -> float:
        self.receiver.run_once()
        self.fill()
        return timed(self.send)

    def send(self) -> int:
        with ThreadPoolExecutor(WINDOW) as pool:
            return self._connector.dispatcher.run_until_idle(lanes=CUSTOMERS, pool=pool)


def timed(run: Callable[[], int]) -> float:
    """Microseconds a message."""
    started = time.perf_counter()
    assert run() == CUSTOMERS * EACH
    return (time.perf_counter() - started) / (CUSTOMERS * EACH) * 1e6


def main() -> None:
    try:
        smsc = Smsc()
    except Missing as missing:
        sys.exit(f"NOT RUN: {missing}")
    with smsc, folder() as home, closing(SqliteStorage(home / "smpp.db")) as storage:
        bare, hosts = Bare(smsc), {"memory": Host(smsc, None), "SQLite": Host(smsc, storage)}
        for delay, answers in ((0, "answers at once"), (20, "answers after 20 ms")):
            smsc.script(delay=delay)
            cases: dict[str, Callable[[int], float]] = {name: host.measure for name, host in hosts.items()}
            rounds = in_turn(ROUNDS, {**cases, "bare": lambda _: timed(bare.send)})
            for name in hosts:
                report(
                    f"SMPP, a window of {WINDOW}, the gateway {answers}, {name}: part of a bare loop",
                    median(rounds[name]),
                    "us",
                    baseline=median(rounds["bare"]),
                    ratio=ratio(rounds["bare"], rounds[name]),
                    **({"at_least": 0.5} if name == "memory" else {}),
                )
        for host in hosts.values():
            host.receiver.close()


main()
