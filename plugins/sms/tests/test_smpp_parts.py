"""What SMPP is made of here, piece by piece: units, options, what a delivery says, and leases."""

import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from wa_connector_sms.alphabet import Alphabet
from wa_connector_sms.assembly import Assembly, Header, Part
from wa_connector_sms.capabilities import CHANNEL
from wa_connector_sms.smpp import Bind, Ids, Plain, incoming, leases, options, pdus, read_options
from wa_connector_sms.smpp.incoming import Nothing, Piece, Reading, Waiting
from wa_connector_sms.smpp.leases import Lease
from wa_connector_sms.smpp.pdus import Garbled, Party, Unit

from wa_connector import Connector
from wa_connector.errors import ConfigError, Unavailable
from wa_connector.model.address import AddressKind
from wa_connector.model.content import Text
from wa_connector.model.directory import Account
from wa_connector.model.ids import AccountId, AppId, ProviderId, TenantId
from wa_connector.model.inbound import Inbound, InboundMessage, InboundStatus, Report, Unreadable
from wa_connector.model.secret import Secret
from wa_connector.shell.drive import drive
from wa_connector.testing.host import ACME, MemoryHost

quick = settings(max_examples=200, deadline=None)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def account(url: str = "smpp://gateway.example:2775", token: str = "secret", **given: Any) -> Account:
    return Account(
        TenantId("acme"),
        AccountId("a"),
        AppId("app"),
        CHANNEL,
        "ref",
        "ref",
        Secret(token),
        base_url=url,
        gateway="smpp",
        options={"system_id": "me", **given},
    )


# --- units ------------------------------------------------------------------------------------------------------------


@quick
@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(1, 60))
def test_units_come_out_as_they_went_in_however_the_stream_is_cut(bodies: list[bytes], size: int) -> None:
    units = [Unit(0x15, 0, number, body) for number, body in enumerate(bodies, start=1)]
    octets = b"".join(
        struct.pack(">LLLL", 16 + len(each.body), each.command, 0, each.sequence) + each.body for each in units
    )
    stream = bytearray()
    found: list[Unit] = []
    for place in range(0, len(octets), size):
        stream += octets[place : place + size]
        found += pdus.cut(stream)
    assert (units, b"") == (found, bytes(stream))


@quick
@given(st.binary(max_size=200))
def test_arbitrary_octets_raise_nothing_but_garbled(octets: bytes) -> None:
    """As a stream, as a delivery and as its tags; and whatever is read of them is a reading."""
    with suppress(Garbled):
        list(pdus.cut(bytearray(octets)))
    pdus.read_tags(octets)
    pdus.message_id(Unit(0x80000004, 0, 1, octets))
    read(octets)


def read(body: bytes, **given: Any) -> Reading:
    unit = Unit(pdus.DELIVER_SM, 0, 1, body)
    return incoming.read(unit, "ref", read_options(account(**given)), NOW, ProviderId("id"))


def delivery(
    text: bytes = b"Hello", *, source: Party | None = None, esm_class: int = 0, coding: int = 0, tags: bytes = b""
) -> bytes:
    source = source or Party("447911123456", 1, 1)
    return b"".join(
        (
            b"\0",
            bytes((source.ton, source.npi)),
            source.address.encode() + b"\0",
            b"\x00\x00" + b"12345\0",
            bytes((esm_class, 0, 0)),
            b"\0\0",
            bytes((0, 0, coding, 0, len(text))),
            text,
            tags,
        )
    )


@quick
@given(st.integers(0, 60), st.binary(max_size=4))
def test_a_delivery_that_was_cut_or_changed_is_kept_or_read(place: int, octets: bytes) -> None:
    whole = delivery()
    read(whole[:place])
    read(whole[:place] + octets + whole[place + len(octets) :])


def test_a_message_longer_than_its_unit_is_kept() -> None:
    found = read(delivery()[:-1])
    assert isinstance(found, Inbound)
    assert isinstance(found.item, Unreadable)


def test_tags_that_the_library_does_not_know_stop_nothing() -> None:
    """Nor do those that it knows and whose length it does not mind, and the last one may be cut off."""
    tags = bytes.fromhex("14000001010427000301020304001e000300")
    assert pdus.read_tags(tags) == {0x1400: b"\x01", 0x0427: b"\x01\x02\x03"}
    found = read(delivery(tags=tags))
    assert isinstance(found, Inbound)
    assert isinstance(found.item, InboundMessage)


def test_what_cannot_be_written_is_garbled() -> None:
    """A sender of letters that the address field does not have, say."""
    with pytest.raises(Garbled, match="submit_sm"):
        pdus.submit(1, Party("Жанна", 5), Party("1"), b"x", coding=0, has_header=False, receipt=True)


# --- what a delivery says ---------------------------------------------------------------------------------------------


def message(found: Reading) -> InboundMessage:
    assert isinstance(found, Inbound)
    assert isinstance(found.item, InboundMessage)
    return found.item


@pytest.mark.parametrize(
    ("source", "kind", "value"),
    [
        (Party("447911123456", 1, 1), AddressKind.NUMBER, "+447911123456"),
        (Party("447911123456"), AddressKind.NUMBER, "+447911123456"),
        (Party("86868"), AddressKind.SHORT_CODE, "86868"),
        (Party("Bank", 5, 0), AddressKind.SENDER, "Bank"),
    ],
)
def test_who_wrote_is_told_by_number_code_or_name(source: Party, kind: AddressKind, value: str) -> None:
    (address,) = message(read(delivery(source=source))).sender.addresses
    assert (kind, value) == (address.kind, address.value)


@pytest.mark.parametrize(
    ("octets", "coding", "given", "text"),
    [
        (b"\x00\x1b\x65", 0, {}, "@€"),
        (b"gr\xfc\xdfe", 0, {"plain": "latin1"}, "grüße"),
        (b"gr\xfc\xdfe", 3, {}, "grüße"),
        (b"\xbf\xe0", 6, {}, "Пр"),
        ("Привет".encode("utf-16-be"), 8, {}, "Привет"),
        (b"flash", 0xF0, {}, "flash"),
    ],
)
def test_texts_are_read_by_their_coding(octets: bytes, coding: int, given: Any, text: str) -> None:
    assert Text(text) == message(read(delivery(octets, coding=coding), **given)).content


@pytest.mark.parametrize("coding", [2, 4, 0xF4])
def test_octets_of_no_alphabet_are_kept(coding: int) -> None:
    found = read(delivery(coding=coding))
    assert isinstance(found, Inbound)
    assert isinstance(found.item, Unreadable)


def test_a_receipt_without_a_word_that_counts_is_nothing() -> None:
    assert read(delivery(b"id:7 stat:UNKNOWN", esm_class=4)) == Nothing()


def test_a_receipt_without_an_id_is_kept() -> None:
    found = read(delivery(b"Hello", esm_class=4))
    assert isinstance(found, Inbound)
    assert isinstance(found.item, Unreadable)


def test_the_dates_of_receipts_are_the_gateways() -> None:
    """Two hours east, where the account says so; one that cannot be read is now."""
    text = b"id:0a7 stat:DELIVRD done date:%b err:000"
    found = read(delivery(text % b"2611221430", esm_class=4), zone=120)
    assert isinstance(found, Inbound)
    assert InboundStatus(ProviderId("A7"), NOW + timedelta(minutes=30), Report.DELIVERED) == found.item
    late = read(delivery(text % b"soon", esm_class=4))
    assert isinstance(late, Inbound)
    assert isinstance(late.item, InboundStatus)
    assert late.item.at == NOW


def test_tags_that_contradict_themselves_make_a_message_of_its_own() -> None:
    tags = bytes.fromhex("020c00020007020e000102020f000103")
    assert Text("Hello") == message(read(delivery(tags=tags))).content


octets_of_parts = st.binary(max_size=20)


@quick
@given(
    st.integers(2, 255).flatmap(
        lambda total: st.tuples(
            st.just(total),
            st.dictionaries(st.integers(1, total), octets_of_parts, min_size=1, max_size=5),
            st.sampled_from(Alphabet),
            st.integers(0, 13),
            st.integers(0, 65535),
        )
    )
)
def test_parts_that_wait_are_kept_as_they_came(drawn: Any) -> None:
    total, octets, alphabet, language, reference = drawn
    parts = {
        number: Part(Header(reference, True, total, number, language, language), alphabet, text)
        for number, text in octets.items()
    }
    waiting = Waiting(ProviderId("id"), NOW, "+447911123456", "12345", Assembly(total, parts))
    assert waiting == incoming.recovered(incoming.written(waiting), UTC)


def test_what_parts_share_is_their_name() -> None:
    """Of one sender to one receiver, with one reference of one width and one number of parts."""

    def name(udh: str, source: str = "447911123456") -> tuple[object, ...]:
        found = read(delivery(bytes.fromhex(udh) + b"x", source=Party(source, 1, 1), esm_class=0x40))
        assert isinstance(found, Piece)
        return found.name

    one = name("050003070201")
    assert one == name("050003070202")
    others = [
        name("050003080201"),
        name("050003070301"),
        name("06080400070201"),
        name("050003070201", source="447911123457"),
    ]
    assert len({one, *others}) == 5


# --- options ----------------------------------------------------------------------------------------------------------


def test_an_account_that_says_little_has_the_usual() -> None:
    found = read_options(account())
    assert (found.host, found.port, found.is_tls, found.system_id) == ("gateway.example", 2775, False, "me")
    assert (found.bind, found.window, found.ids, found.plain) == (Bind.TRANSCEIVER, 10, Ids.SAME, Plain.GSM)
    assert "secret" not in repr(found)


def test_an_account_may_say_much() -> None:
    given: dict[str, Any] = {
        "bind": "pair",
        "window": 5,
        "per_second": 30,
        "ids": "hex_then_decimal",
        "plain": "latin1",
        "zone": -90,
    }
    given |= {"receipts": False, "wide": True, "system_type": "WWW", "transliterate": True}
    found = read_options(account("smpps://[::1]:3550", **given))
    assert (found.host, found.port, found.is_tls) == ("::1", 3550, True)
    assert (found.bind, found.window, found.per_second) == (Bind.PAIR, 5, 30)
    assert (found.receipts, found.wide, found.system_type) == (False, True, "WWW")
    assert timezone(timedelta(minutes=-90)) == found.zone


def test_every_mistake_is_named_at_once() -> None:
    wrong = account(
        "http://gateway.example",
        "far too long",
        bind="both",
        window=0,
        per_second=True,
        receipts="yes",
        system_type="ж",
        zone=9999,
        colour="red",
    )
    with pytest.raises(ConfigError) as caught:
        read_options(
            evolve(wrong, options={name: value for name, value in wrong.options.items() if name != "system_id"})
        )
    paths = [mistake.partition(": ")[0].removeprefix("accounts[a].") for mistake in caught.value.mistakes]
    assert sorted(paths) == [
        "base_url",
        "options.bind",
        "options.colour",
        "options.per_second",
        "options.receipts",
        "options.system_id",
        "options.system_type",
        "options.window",
        "options.zone",
        "token",
    ]
    assert "far too long" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "smpp://host", "smpp://u:p@host:1", "smpp://host:1/x", "smpp://host:x", "host:1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="smpp://HOST:PORT"):
        read_options(account(url))


@quick
@given(st.integers(0, 2**63), st.booleans(), st.integers(0, 8))
def test_one_id_in_two_spellings_is_one(number: int, is_upper: bool, zeros: int) -> None:
    def spelled(text: str) -> str:
        return "0" * zeros + (text.upper() if is_upper else text)

    hexadecimal, decimal = f"{number:x}", str(number)
    same, first, second = Ids.SAME, Ids.HEX_THEN_DECIMAL, Ids.DECIMAL_THEN_HEX
    assert options.id_of_answer(hexadecimal, same) == options.id_of_receipt(spelled(hexadecimal), same)
    assert options.id_of_answer(spelled(hexadecimal), first) == options.id_of_receipt(decimal, first)
    assert options.id_of_answer(decimal, second) == options.id_of_receipt(spelled(hexadecimal), second)


def test_an_id_that_is_no_number_stays_what_it_is() -> None:
    for ids in Ids:
        assert options.id_of_answer("x-7", ids) == options.id_of_receipt("X-7", ids) == "X-7"


# --- leases -----------------------------------------------------------------------------------------------------------


class Desk:
    """A connector's memos, awaitable; away when the test says so."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.is_away = False

    async def memo(self, *of: Any) -> Any:
        if self.is_away:
            raise Unavailable("away")
        return self.connector.memo(*of)

    async def keep_memo(self, *of: Any, version: int) -> bool:
        if self.is_away:
            raise Unavailable("away")
        return self.connector.keep_memo(*of, version=version)


@pytest.fixture
def desk() -> Any:
    with MemoryHost().connector() as connector:
        yield Desk(connector)


class Holder:
    """A lease of ten seconds in a process whose clock shows ``now``."""

    def __init__(self, desk: Desk, now: float, patch: pytest.MonkeyPatch) -> None:
        self.now = now
        self._patch = patch
        self._lease = Lease(desk, ACME, "one", 10)

    def hold(self) -> bool:
        self._look()
        return drive(self._lease.hold())

    def let_go(self) -> None:
        self._look()
        drive(self._lease.let_go())

    def is_held(self) -> bool:
        self._look()
        return self._lease.is_held()

    def _look(self) -> None:
        self._patch.setattr(leases, "monotonic", lambda: self.now)


@pytest.fixture
def ann(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Holder:
    return Holder(desk, 0, monkeypatch)


@pytest.fixture
def bob(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Holder:
    return Holder(desk, 5000, monkeypatch)


def test_a_lease_has_one_holder_until_he_leaves(ann: Holder, bob: Holder) -> None:
    assert (ann.hold(), bob.hold(), ann.is_held(), bob.is_held()) == (True, False, True, False)
    ann.let_go()
    assert (ann.is_held(), bob.hold()) == (False, True)
    ann.let_go()
    assert bob.hold()


def test_who_died_is_followed_after_a_span_by_the_others_clock(ann: Holder, bob: Holder) -> None:
    """And who only slept has lost it, whatever he believes he wrote."""
    assert ann.hold()
    assert not bob.hold()
    bob.now += 9.9
    assert not bob.hold()
    bob.now += 0.2
    assert bob.hold()
    ann.now += 7.6
    assert (ann.is_held(), ann.hold()) == (False, False)


def test_who_renews_keeps_it(ann: Holder, bob: Holder) -> None:
    for _ in range(20):
        assert ann.hold()
        assert not bob.hold()
        ann.now += 3
        bob.now += 3


def test_a_storage_that_is_away_ends_it_in_time(ann: Holder, desk: Desk) -> None:
    """Before anybody else may take it."""
    assert ann.hold()
    desk.is_away = True
    ann.now += 7
    assert ann.hold()
    ann.now += 1
    assert not ann.hold()
    ann.let_go()
    desk.is_away = False
    assert ann.hold()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob", "let_go"]), st.floats(0, 6)), max_size=40))
def test_two_never_hold_it_at_once(moves: list[tuple[str, float]]) -> None:
    """Time passes alike for both, and their clocks show different hours; each asks when he likes."""
    with pytest.MonkeyPatch.context() as patch, MemoryHost().connector() as connector:
        desk = Desk(connector)
        ann, bob = Holder(desk, 0, patch), Holder(desk, 1000, patch)
        for move, passed in moves:
            ann.now += passed
            bob.now += passed
            {"ann": ann.hold, "bob": bob.hold, "let_go": ann.let_go}[move]()
            assert not (ann.is_held() and bob.is_held())
