"""Text messages over SMPP, through the whole SDK, against a real centre that does what its script says."""

import itertools
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Self

import pytest
from attrs import evolve
from wa_connector_sms import SmsChannel, SmsTransport
from wa_connector_sms.alphabet import Alphabet, decode
from wa_connector_sms.assembly import GAP, split_header
from wa_connector_sms.capabilities import CHANNEL
from wa_connector_sms.segments import segments
from wa_connector_sms.smpp import AsyncSmppReceiver, SmppReceiver
from wa_connector_sms.testing import Smsc

from wa_connector import AsyncConnector, Connector
from wa_connector.errors import StorageUnavailable, UsageError
from wa_connector.model.address import number
from wa_connector.model.contact import Contact
from wa_connector.model.content import Text
from wa_connector.model.directory import Account, App, ChannelSwitch, Line, LineSetup, Organization, Seat, User
from wa_connector.model.ids import (
    AccountId,
    AppId,
    ContactId,
    LineId,
    MessageId,
    OrganizationId,
    TenantId,
    UserId,
)
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.outbound import (
    Accepted,
    Deferred,
    Envelope,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import Channel, Transport
from wa_connector.ports.hooks import hookimpl
from wa_connector.ports.storage import Change, Outcome, Storage
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.media import MemoryMediaStore
from wa_connector.testing.memory import MemoryStorage
from wa_connector.testing.through import ThroughStorage

TO, OURS = "+447911123456", "+15550000001"
ENDPOINT = "/smpp/acme"
LONG = "Hello " * 60


ACME, ANA, LINE = TenantId("acme"), UserId("ana"), LineId("line")


def account_at(smsc: Smsc, token: str = "secret", **options: Any) -> Account:
    usual: dict[str, Any] = {"system_id": "tester", "response_within": 1}
    return Account(
        ACME,
        AccountId("account"),
        AppId("app"),
        CHANNEL,
        "acme-at-smsc",
        "acme-at-smsc",
        Secret(token),
        base_url=f"smpp://{smsc.host}:{smsc.port}",
        gateway="smpp",
        options={**usual, **options},
    )


class Shared(ThroughStorage):
    """A storage that outlives the hosts that use it."""

    def close(self) -> None:
        pass


class SmsHost:
    """A host with one line; its dispatcher and its receiver run when a test says so."""

    def __init__(
        self,
        account: Account,
        storage: Storage | None = None,
        *,
        clock: VirtualClock | None = None,
        settings: Mapping[str, object] | None = None,
        lease: timedelta = timedelta(seconds=20),
    ) -> None:
        self.account = account
        self.clock = clock or VirtualClock()
        self.storage = storage or MemoryStorage(clock=self.clock)
        path = (Organization(OrganizationId("acme"), "Acme", {CHANNEL: ChannelSwitch(True)}, settings or {}),)
        self.directory = MemoryDirectory(
            apps=[App(account.app, ACME, CHANNEL, ENDPOINT, (), Secret(""), gateway="smpp")],
            accounts=[account],
            lines=[(Line(ACME, LINE, account.id, CHANNEL, OURS, OURS), path)],
            seats=[Seat(User(ACME, ANA, "Ana"), path)],
        )
        self.contacts = MemoryContacts({})
        self.connector = Connector([self], discover=False, clock=self.clock)
        self.receiver = SmppReceiver(self.connector, account, ENDPOINT, lease=lease, clock=self.clock)
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.receiver.close()
        self.connector.close()

    # --- what tests do --------------------------------------------------------------------------------------------

    def write(self, to: str, text: str) -> MessageId:
        """Ana writes to somebody; it is in the outbox."""
        contact = ContactId(to)
        known = self.contacts._contacts.get(ACME, ())
        self.contacts._contacts[ACME] = (*known, Contact(contact, to, (number(to),)))
        thread = self.connector.start(ACME, ANA, LINE, contact).or_raise().conversation
        assert thread is not None
        placed = self.connector.send(ACME, ANA, thread, Text(text)).or_raise()
        assert placed.message is not None
        return placed.message

    def send(self, to: str, text: str) -> Message:
        """… and it is handed over."""
        message = self.write(to, text)
        self.receiver.run_once()
        self.connector.dispatcher.run_once()
        return self.message(message)

    @property
    def line(self) -> LineSetup:
        found = self.directory.line(ACME, LINE)
        assert found is not None
        return found

    def hand_over(self, to: str, text: str = "Hello", line: LineSetup | None = None) -> SendOutcome:
        """Past the outbox, to see what the transport says of it."""
        self.receiver.run_once()
        envelope = Envelope(MessageId("m-1"), number(to), Text(text))
        return self.connector.transport(CHANNEL).send(line or self.line, envelope, MemoryMediaStore())

    def message(self, message: MessageId) -> Message:
        from wa_connector.ports.rows import MESSAGE

        key = MESSAGE.of(ACME, message)
        found: Message = self.storage.load([key]).rows[key].value
        return found

    def receive(self, until: Callable[[], object], timeout: float = 10.0) -> None:
        """Receive until something is so."""
        import time

        late = time.monotonic() + timeout
        while not until():
            assert time.monotonic() < late, "it does not come about"
            self.receiver.run_once(within=0.05)

    def arrives(self, message: MessageId, status: MessageStatus) -> Message:
        self.receive(lambda: self.message(message).status is status)
        return self.message(message)

    def said(self) -> list[str]:
        """What customers wrote, in the order of its arrival."""
        from wa_connector.ports.rows import MESSAGE
        from wa_connector.ports.storage import Scan

        page = self.storage.scan(Scan(MESSAGE.name, "key", (ACME,), 1000))
        messages: list[Message] = [row.value for _, row in page.rows if row.value.is_inbound]
        return [each.content.body for each in messages if isinstance(each.content, Text)]

    # --- hooks ------------------------------------------------------------------------------------------------------

    @hookimpl
    def wa_storage(self) -> Storage:
        return self.storage

    @hookimpl
    def wa_directory(self) -> MemoryDirectory:
        return self.directory

    @hookimpl
    def wa_contacts(self) -> MemoryContacts:
        return self.contacts

    @hookimpl
    def wa_media_store(self) -> MemoryMediaStore:
        return MemoryMediaStore()

    @hookimpl
    def wa_channel(self) -> Channel:
        return SmsChannel()

    @hookimpl
    def wa_transport(self) -> tuple[str, Transport]:
        return CHANNEL, SmsTransport()


@pytest.fixture
def host(smsc: Smsc) -> Iterator[SmsHost]:
    with SmsHost(account_at(smsc)) as host:
        yield host


@pytest.fixture
def made(smsc: Smsc) -> Iterator[Callable[..., SmsHost]]:
    """Hosts with options of their own, closed at the end."""
    hosts: list[SmsHost] = []

    def make(
        storage: Storage | None = None, *, clock: VirtualClock | None = None, lease: float = 20, **options: Any
    ) -> SmsHost:
        shared = storage and Shared(storage)
        hosts.append(SmsHost(account_at(smsc, **options), shared, clock=clock, lease=timedelta(seconds=lease)))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()


@pytest.fixture
def running() -> Iterator[Callable[[Callable[[threading.Event], object]], threading.Event]]:
    """Run something in a thread until it is stopped; every thread has ended when the test has."""
    begun: list[tuple[threading.Event, threading.Thread]] = []

    def begin(work: Callable[[threading.Event], object]) -> threading.Event:
        stop = threading.Event()
        thread = threading.Thread(target=work, args=(stop,))
        thread.start()
        begun.append((stop, thread))
        return stop

    yield begin
    for stop, _ in begun:
        stop.set()
    for _, thread in begun:
        thread.join(20)
        assert not thread.is_alive()


def to(digits: str) -> str:
    """A telephone whose messages have the fate of these digits."""
    return f"+447911123{digits}"


# --- one message ------------------------------------------------------------------------------------------------------


def test_a_message_is_sent_and_delivered(smsc: Smsc, host: SmsHost) -> None:
    """As an international number from one to the other, with a receipt asked for."""
    message = host.send(TO, "Hello €")
    assert (message.status, message.parts) == (MessageStatus.ACCEPTED, ())
    assert re.fullmatch(r"M\d+", message.provider_id or ""), "the centre's own count"
    host.arrives(message.id, MessageStatus.DELIVERED)
    (pdu,) = smsc.submitted
    assert bytes.fromhex(pdu["short_message"]) == b"Hello \x1b\x65"
    wanted = {"source_addr": "15550000001", "destination_addr": TO[1:], "source_addr_ton": 1, "dest_addr_ton": 1}
    assert wanted.items() <= pdu.items()
    assert (pdu["data_coding"], pdu["esm_class"], pdu["registered_delivery"]) == (0, 0, 1)


@pytest.mark.parametrize("digits", ["991", "990", "993"])
def test_receipts_are_read_in_every_form(smsc: Smsc, host: SmsHost, digits: str) -> None:
    """Without tags, with nothing but an id and a state, and before the answer to what it reports on."""
    host.arrives(host.send(to(digits), "Hello").id, MessageStatus.DELIVERED)


def test_an_undeliverable_message_failed_and_says_why(host: SmsHost) -> None:
    message = host.arrives(host.send(to("000"), "Hello").id, MessageStatus.FAILED)
    assert message.failure is not None
    assert (message.failure.code, message.failure.meaning) == ("005", "it cannot be delivered")


def test_an_id_in_hexadecimal_and_its_receipt_in_decimal_meet(made: Callable[..., SmsHost]) -> None:
    """Where the account says so."""
    host = made(ids="hex_then_decimal")
    for _ in range(11):  # beyond 9, where the two differ
        host.connector.dispatcher.run_once()
        message = host.send(to("992"), "Hello")
    host.arrives(message.id, MessageStatus.DELIVERED)


@pytest.mark.parametrize("digits", ["999", "998"])
def test_a_gateway_that_is_busy_is_asked_again(smsc: Smsc, host: SmsHost, digits: str) -> None:
    """The message goes back into the queue, and leaves a little later, once."""
    message = host.send(to(digits), "Hello")
    assert message.status is MessageStatus.QUEUED
    assert host.connector.dispatcher.run_once() == 0
    host.clock.advance(seconds=5)
    assert host.connector.dispatcher.run_once() == 1
    host.arrives(message.id, MessageStatus.DELIVERED)
    assert len(smsc.submitted) == 2


def test_what_the_gateway_refuses_for_good_failed(smsc: Smsc, host: SmsHost) -> None:
    message = host.send(to("996"), "Hello")
    assert message.failure is not None
    assert (message.status, message.failure.code) == (MessageStatus.FAILED, "0x0000000B")
    assert host.send(TO, "Hello").status is MessageStatus.ACCEPTED


@pytest.mark.parametrize("digits", ["997", "994", "987"])
def test_what_may_have_been_sent_is_not_sent_again(smsc: Smsc, host: SmsHost, digits: str) -> None:
    """No answer, a dropped connection, an answer that came too late: after a while a person decides."""
    message = host.send(to(digits), "Hello")
    assert message.status is MessageStatus.UNKNOWN
    for _ in range(3):
        host.clock.advance(minutes=20)
        host.connector.dispatcher.run_once()
    assert host.message(message.id).status is MessageStatus.PARKED
    assert len(smsc.submitted) == 1


# --- long ones --------------------------------------------------------------------------------------------------------


def parts_of(smsc: Smsc) -> list[list[tuple[Alphabet, bytes]]]:
    """What was submitted, message by message, each part in its place."""
    found: dict[int, dict[int, tuple[Alphabet, bytes]]] = {}
    for pdu in smsc.submitted:
        octets = bytes.fromhex(pdu["short_message"])
        alphabet = Alphabet.UCS2 if pdu["data_coding"] == 8 else Alphabet.GSM
        assert pdu["esm_class"] == 0x40
        header, text = split_header(octets)
        assert header.is_whole
        assert len(octets) <= (140 if alphabet is Alphabet.UCS2 else 159)
        found.setdefault(header.reference, {})[header.number] = (alphabet, text)
        assert header.total >= len(found[header.reference])
    return [[parts[place] for place in sorted(parts)] for _, parts in sorted(found.items())]


@pytest.mark.parametrize(
    "texts",
    [
        [f"{'ж' * length}{'👋🏽' * 40}" for length in range(58, 68)],
        [f"{'x' * length}{'€' * 90}" for length in range(148, 156)],
    ],
    ids=["ucs2", "gsm"],
)
def test_long_messages_are_cut_between_characters(smsc: Smsc, host: SmsHost, texts: list[str]) -> None:
    """An emoji, or a character of two septets, at every cut; each message under a reference of its own."""
    messages = [host.send(TO, text) for text in texts]
    for message in messages:
        host.arrives(message.id, MessageStatus.DELIVERED)
    sent = parts_of(smsc)
    assert sorted(texts) == sorted(decode(b"".join(text for _, text in parts), parts[0][0]) for parts in sent)
    for parts in sent:
        assert "\ufffd" not in "".join(decode(text, alphabet) for alphabet, text in parts)


def test_a_message_of_several_parts_is_delivered_when_all_are(smsc: Smsc, host: SmsHost) -> None:
    message = host.send(TO, "Hello " * 60)
    assert [part.report for part in message.parts] == [None, None, None]
    assert len({part.provider_id for part in message.parts}) == 3
    host.arrives(message.id, MessageStatus.DELIVERED)


def test_a_part_that_is_refused_for_now_goes_a_little_later(smsc: Smsc, host: SmsHost) -> None:
    """The others are not sent again."""
    assert isinstance(host.hand_over(to("984"), LONG), Accepted)
    places = [bytes.fromhex(pdu["short_message"])[5] for pdu in smsc.submitted]
    assert sorted(places) == [1, 2, 2, 3]


def test_a_refused_part_is_a_message_that_failed(host: SmsHost) -> None:
    outcome = host.hand_over(to("989"), LONG)
    assert isinstance(outcome, Rejected)
    assert outcome.meaning.startswith("part 2 of 3: ")


def test_a_break_in_the_middle_says_how_many_parts_were_taken(host: SmsHost) -> None:
    outcome = host.hand_over(to("988"), LONG)
    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.problem.startswith("1 of 3 parts were taken, then: ")


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_a_message_comes_in_and_is_acknowledged(smsc: Smsc, host: SmsHost) -> None:
    host.receiver.run_once()
    for text in ("Yes", "Yes", "grüße {} €", "Привет 👋"):
        assert smsc.say(TO, OURS, text) == 1
    host.receive(lambda: len(host.said()) == 4)
    assert host.said() == ["Yes", "Yes", "grüße {} €", "Привет 👋"], "who writes the same twice wrote it twice"
    assert smsc.wait(lambda state: len(state["acks"]) == 4)["acks"] == [0, 0, 0, 0]


@pytest.mark.parametrize("text", ["Hello € " * 50, "Привет 👋🏽 " * 15], ids=["gsm", "ucs2"])
@pytest.mark.parametrize("order", [*itertools.permutations((1, 2, 3)), (1, 1, 3, 2, 2)])
def test_a_long_message_comes_in_whole_in_any_order(smsc: Smsc, host: SmsHost, text: str, order: Sequence[int]) -> None:
    """Some parts twice."""
    assert len(segments(text)) == 3
    host.receiver.run_once()
    smsc.say(TO, OURS, text, order=order)
    host.receive(host.said)
    smsc.wait(lambda state: len(state["acks"]) == len(order))
    assert host.said() == [text]


def test_parts_by_tags_and_a_payload_and_other_codings_are_read(smsc: Smsc, host: SmsHost) -> None:
    host.receiver.run_once()
    tagged = {"sar_msg_ref_num": 7, "sar_total_segments": 2}
    smsc.deliver(
        TO,
        OURS,
        [
            {"hex": b" world".hex(), "sar_segment_seqnum": 2, **tagged},
            {"hex": b"Hello".hex(), "sar_segment_seqnum": 1, **tagged},
            {"hex": "grüße".encode("latin-1").hex(), "coding": 3},
            {"hex": b"flash".hex(), "coding": 0xF0},
        ],
    )
    host.receive(lambda: len(host.said()) == 3)
    assert host.said() == ["Hello world", "grüße", "flash"]


def test_octets_that_are_no_text_are_kept_for_inspection(smsc: Smsc, host: SmsHost) -> None:
    """And acknowledged: to bring them again would not help."""

    host.receiver.run_once()
    smsc.deliver(TO, OURS, [{"hex": "00ff", "coding": 4}])
    smsc.raw(bytes.fromhex("00000012000000050000000000000009ffff"))
    host.receive(lambda: len(host.connector.quarantine(ACME)) == 2)
    assert {kept.element.problem for kept in host.connector.quarantine(ACME)} == {
        "its octets are no text",
        "a string has no end",
    }


def test_a_stop_lets_nothing_leave_that_waits(smsc: Smsc, host: SmsHost) -> None:
    """What was queued is refused when its turn comes; only the confirmation leaves."""
    host.send(TO, "Hello")
    queued = host.write(TO, "And another thing")
    smsc.say(TO, OURS, "STOP")
    host.receive(lambda: host.said() == ["STOP"])
    host.connector.dispatcher.run_until_idle()
    assert host.message(queued).status is MessageStatus.REFUSED
    texts = [decode(bytes.fromhex(pdu["short_message"]), Alphabet.GSM) for pdu in smsc.submitted]
    assert len(texts) == 2
    assert "And another thing" not in texts


class Away(ThroughStorage):
    """A storage that is away when the test says so."""

    is_away = False

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        if self.is_away:
            raise StorageUnavailable("away, because the test says so")
        return super().commit(changes)


def test_what_cannot_be_stored_is_not_acknowledged(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """Nor is a part: the gateway is asked to bring it again, and brought again it is taken once."""
    storage = Away(MemoryStorage())
    host = made(storage)
    host.receiver.run_once()
    storage.is_away = True
    smsc.say(TO, OURS, "Hello")
    smsc.say(TO, OURS, LONG, order=[1])
    host.receive(lambda: len(smsc.state["acks"]) == 2)
    assert smsc.state["acks"] == [0x64, 0x64]
    storage.is_away = False
    smsc.say(TO, OURS, "Hello")
    smsc.say(TO, OURS, LONG)
    host.receive(lambda: len(host.said()) == 2)
    assert host.said() == ["Hello", LONG]


def test_parts_survive_the_process_that_took_them(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """It dies between two parts, which it had acknowledged; whoever follows has the whole."""
    storage = MemoryStorage()
    first = made(storage, lease=1)
    first.receiver.run_once()
    smsc.say(TO, OURS, LONG, order=[2])
    first.receive(lambda: smsc.state["acks"] == [0])
    smsc.drop()
    second = made(storage, lease=1)
    second.receive(lambda: second.receiver.is_receiving)
    second.receiver.run_once(within=0.1)
    smsc.say(TO, OURS, LONG, order=[1, 3])
    second.receive(second.said)
    assert second.said() == [LONG]


def test_what_never_becomes_whole_is_shown_with_its_gaps(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    storage, clock = MemoryStorage(), VirtualClock()
    host = made(storage, clock=clock)
    host.receiver.run_once()
    smsc.say(TO, OURS, LONG, order=[3])
    host.receive(lambda: smsc.state["acks"] == [0])
    host.close()
    clock.advance(hours=25)
    later = made(storage, clock=clock)
    later.receiver.run_once()
    (text,) = later.said()
    assert text.startswith(GAP)
    assert LONG.endswith(text.removeprefix(GAP))
    later.receiver.run_once()
    assert len(later.said()) == 1


def test_a_reference_that_comes_again_loses_neither_message(smsc: Smsc, host: SmsHost) -> None:
    """The part of the first is shown with its gap, and the second is whole."""
    other = "Bye " * 90
    host.receiver.run_once()
    smsc.say(TO, OURS, LONG, order=[1])
    smsc.say(TO, OURS, other)
    host.receive(lambda: len(host.said()) == 2)
    first, second = host.said()
    assert (first.endswith(GAP), second) == (True, other)


# --- the connection ---------------------------------------------------------------------------------------------------


def test_a_wrong_password_stops_the_account_and_nobody_hammers(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """However often it is tried; the messages wait, and leave when it is mended."""
    host = made(token="wrong")
    message = host.send(TO, "Hello")
    assert message.status is MessageStatus.QUEUED

    (stopped,) = host.connector.stopped_lines(ACME).values()
    assert stopped.code == "bind 0x0000000E"
    for _ in range(5):
        host.clock.advance(minutes=30)
        host.connector.dispatcher.run_once()
        host.receiver.run_once()
    assert len(smsc.state["binds"]) == 1


def test_an_account_that_is_bound_elsewhere_is_tried_again_later(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    smsc.script(bind=0x05)
    host = made()
    outcome = host.hand_over(TO, "Hello")
    assert isinstance(outcome, Deferred)
    assert (outcome.code, len(smsc.state["binds"])) == ("bind 0x00000005", 1)


def test_a_gateway_that_is_not_there_leaves_messages_in_the_queue(made: Callable[..., SmsHost]) -> None:
    host = made()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    host.account = evolve(host.account, base_url=f"smpp://127.0.0.1:{port}")

    outcome = host.hand_over(TO, line=evolve(host.line, account=host.account))
    assert isinstance(outcome, Deferred)
    assert outcome.code == "connection"


def test_a_connection_that_was_lost_meanwhile_leaves_nothing_in_doubt(smsc: Smsc, host: SmsHost) -> None:
    """It is noticed before anything is handed over, and opened anew."""
    host.send(TO, "Hello")
    smsc.drop()
    smsc.wait(lambda state: not state["bound"])
    assert host.send(TO, "Hello").status is MessageStatus.ACCEPTED
    smsc.unbind()
    host.receive(lambda: len(smsc.state["binds"]) == 3)
    assert host.send(TO, "Hello").status is MessageStatus.ACCEPTED


def test_who_is_asked_whether_he_is_there_answers(smsc: Smsc, host: SmsHost) -> None:
    host.receiver.run_once()
    smsc.enquire()
    host.receive(lambda: smsc.state["answers"] == 1)


def test_a_gateway_that_does_not_answer_is_given_up(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """Found out by asking, before a message is handed over to nobody."""
    host = made(enquire_every=1)
    host.receiver.run_once()
    host.receive(lambda: smsc.state["enquired"] >= 1)
    smsc.script(mute=True)
    host.receive(lambda: len(smsc.state["binds"]) == 2)


def test_octets_out_of_step_end_the_connection_and_not_the_host(smsc: Smsc, host: SmsHost) -> None:
    host.receiver.run_once()
    smsc.raw(bytes(64))
    host.receive(lambda: len(smsc.state["binds"]) == 2)
    assert host.send(TO, "Hello").status is MessageStatus.ACCEPTED


def test_leave_is_taken_politely(smsc: Smsc, host: SmsHost) -> None:
    """And of what is closed, a later message opens a new connection."""
    host.send(TO, "Hello")
    host.receiver.close()
    smsc.wait(lambda state: not state["bound"])
    assert smsc.state["log"][-1]["command"] == "unbind"
    assert host.send(TO, "Hello").status is MessageStatus.ACCEPTED


def test_no_more_than_the_window_waits_for_an_answer(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """And as many as it lets do."""
    smsc.script(delay=100)
    host = made(window=3)
    host.receiver.run_once()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: host.hand_over(f"+4479111230{n:02}", "Hello"), range(1, 10)))
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 9
    assert smsc.state["most"] == 3


def test_the_pace_of_the_account_is_kept(made: Callable[..., SmsHost]) -> None:
    """Counted by the part: that is what a gateway counts."""
    host = made(per_second=20)
    host.hand_over(TO, "Hello")
    began = time.monotonic()
    for _ in range(3):
        host.hand_over(TO, LONG)
    assert time.monotonic() - began >= 8 * 0.05  # nine parts, with eight pauses between them


@pytest.mark.parametrize(
    ("bind", "bound"),
    [
        ("transceiver", ["bind_transceiver"]),
        ("pair", ["bind_receiver", "bind_transmitter"]),
        ("separate", ["bind_receiver", "bind_transmitter"]),
    ],
)
def test_an_account_is_connected_as_it_says(
    smsc: Smsc, made: Callable[..., SmsHost], bind: str, bound: list[str]
) -> None:
    host = made(bind=bind)
    host.arrives(host.send(TO, "Hello").id, MessageStatus.DELIVERED)
    assert smsc.state["bound"] == bound


# --- several processes ------------------------------------------------------------------------------------------------


def test_of_two_one_receives_and_sends_and_the_other_stands_by(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """Until the first leaves."""
    storage, clock = MemoryStorage(), VirtualClock()
    first, second = made(storage, clock=clock), made(storage, clock=clock)
    first.receiver.run_once()
    second.receiver.run_once()
    assert (first.receiver.is_receiving, second.receiver.is_receiving) == (True, False)
    outcome = second.hand_over(TO, "Hello")
    assert isinstance(outcome, Deferred)
    assert outcome.code == "elsewhere"
    assert len(smsc.state["binds"]) == 1
    first.receiver.close()
    second.receiver.run_once()
    assert second.receiver.is_receiving
    assert isinstance(second.hand_over(TO, "Hello"), Accepted)
    assert smsc.state["bound"] == ["bind_transceiver"]


def test_a_connection_of_its_own_sends_beside_the_receiver(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """With ``separate`` another process sends, too, and the receipt comes to who receives."""
    storage, clock = MemoryStorage(), VirtualClock()
    first, second = (made(storage, clock=clock, bind="separate") for _ in range(2))
    first.receiver.run_once()
    message = second.send(TO, "Hello")
    assert message.status is MessageStatus.ACCEPTED
    first.arrives(message.id, MessageStatus.DELIVERED)


def test_a_forked_process_opens_its_own_connection(smsc: Smsc, made: Callable[..., SmsHost]) -> None:
    """And leaves the one of its parent as it is."""
    host = made(bind="separate")
    assert isinstance(host.hand_over(TO, "Hello"), Accepted)
    child = os.fork()
    if not child:
        status = 1
        try:
            transport = host.connector.transport("sms")
            envelope = Envelope(MessageId("m-1"), number(TO), Text("Hello"))
            status = int(not isinstance(transport.send(host.line, envelope, MemoryMediaStore()), Accepted))
            transport.close()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert isinstance(host.hand_over(TO, "Hello"), Accepted)
    kinds = [bind["kind"] for bind in smsc.state["binds"]]
    assert kinds == ["bind_receiver", "bind_transmitter", "bind_transmitter"]


def test_a_receiver_runs_beside_a_dispatcher_until_it_is_stopped(
    smsc: Smsc, host: SmsHost, running: Callable[[Callable[[threading.Event], object]], threading.Event]
) -> None:
    """Each in a thread of the host's; both share the connection."""
    dispatcher = host.connector.dispatcher
    stops = [running(host.receiver.run_until), running(lambda stop: dispatcher.run_until(stop, poll=0.01))]
    messages = [host.write(f"+4479111231{n:02}", "Hello " * n) for n in range(1, 40)]
    smsc.wait(lambda _: all(host.message(each).status is MessageStatus.DELIVERED for each in messages), 30)
    for stop in stops:
        stop.set()
    smsc.wait(lambda state: not state["bound"])
    assert len(smsc.state["binds"]) == 1


def test_under_an_event_loop(smsc: Smsc, host: SmsHost) -> None:
    """The same, awaited."""
    import asyncio

    from wa_connector_sms import AsyncSmsTransport

    from wa_connector.ports.hooks import hookimpl

    class Loop:
        @hookimpl
        def wa_async_transport(self) -> Any:
            return "sms", AsyncSmsTransport()

    async def main() -> None:
        async with AsyncConnector([host, Loop()], discover=False, clock=host.clock) as connector:
            receiver = AsyncSmppReceiver(connector, host.account, ENDPOINT, clock=host.clock)
            stop = asyncio.Event()
            running = asyncio.create_task(receiver.run_until(stop))
            while not receiver.is_receiving:  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0.01)
            message = host.write(TO, "Hello " * 60)
            while host.message(message).status is not MessageStatus.DELIVERED:
                await connector.dispatcher.run_once()
                await asyncio.sleep(0.02)
            smsc.say(TO, OURS, "Hi " * 100)
            while not host.said():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
            stop.set()
            await running
            assert not receiver.is_receiving

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_receiver_of_another_gateways_account_is_a_mistake(host: SmsHost) -> None:
    from wa_connector_sms.smpp import SmppReceiver

    with pytest.raises(UsageError, match="this receives for 'smpp'"):
        SmppReceiver(host.connector, evolve(host.account, gateway="pigeon"), ENDPOINT)
