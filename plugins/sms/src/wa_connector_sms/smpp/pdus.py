"""SMPP's units: octets to values and back, by ``smpplib``, fenced in.

Rules of this file: no socket and no clock, and nothing is raised but ``Garbled``. The library believes every length that it
reads, stops at tags that it does not know and at some that it does, reads on from the beginning where a string has no end,
and lets through whatever Python raises then. So units are cut out of the stream here, tags are read here, and what the
library makes of the rest is held to the octets that there are.

Source: SMPP 3.4, 3.2, 4 and 5.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen
from smpplib import smpp
from smpplib.command import DeliverSM

SUBMIT_SM: Final = 0x04
DELIVER_SM: Final = 0x05
UNBIND: Final = 0x06
OUTBIND: Final = 0x0B
ENQUIRE_LINK: Final = 0x15
ALERT_NOTIFICATION: Final = 0x102
DATA_SM: Final = 0x103
GENERIC_NACK: Final = 0x80000000
RESPONSE: Final = 0x80000000

OK: Final = 0x00
INVALID_COMMAND: Final = 0x03
QUEUE_FULL: Final = 0x14
TRY_LATER: Final = 0x64
"""ESME_RX_T_APPN: the gateway is to bring it again."""
REFUSED: Final = 0x65
"""ESME_RX_P_APPN: and here, never again."""

SAR_REFERENCE: Final = 0x020C
SAR_TOTAL: Final = 0x020E
SAR_NUMBER: Final = 0x020F
PAYLOAD: Final = 0x0424

_HEADER: Final = struct.Struct(">LLLL")
_LARGEST: Final = 1 << 17
"""More than any unit has: the longest tag is 64 KiB. A length beyond it means that the stream is out of step."""


class Garbled(Exception):
    """Octets that are no SMPP. The text quotes none of them."""


@frozen
class Unit:
    """One unit as it came, its body unread."""

    command: int
    status: int
    sequence: int
    body: bytes = field(default=b"", repr=False)

    @property
    def is_response(self) -> bool:
        return bool(self.command & RESPONSE)


@frozen
class Party:
    """One end of a message: the address with its type of number and its numbering plan."""

    address: str = field(repr=False)
    ton: int = 0
    npi: int = 0


@frozen
class Delivery:
    """What a deliver_sm says. ``octets`` are the message's, header included, wherever they stood."""

    source: Party
    destination: Party
    esm_class: int
    coding: int
    octets: bytes = field(repr=False)
    tags: Mapping[int, bytes] = field(repr=False)


# --- reading ----------------------------------------------------------------------------------------------------------


def cut(stream: bytearray) -> Iterator[Unit]:
    """Take the whole units off the beginning of a stream. Raises ``Garbled`` when it is out of step."""
    while len(stream) >= _HEADER.size:
        length, command, status, sequence = _HEADER.unpack_from(stream)
        if not _HEADER.size <= length <= _LARGEST:
            raise Garbled(f"a unit of {length} octets")
        if len(stream) < length:
            return
        body = bytes(stream[_HEADER.size : length])
        del stream[:length]
        yield Unit(command, status, sequence, body)


class _Deliver(DeliverSM):  # type: ignore[misc] # the library has no types
    """The library's, which takes no octets that are not there and leaves the tags to us."""

    tags: Mapping[int, bytes] = {}

    def _parse_string(self, field: str, data: bytes, pos: int, length: int | None = None) -> Any:
        if data.find(b"\0", pos) < 0:
            raise Garbled("a string has no end")
        return super()._parse_string(field, data, pos, length)

    def _parse_ostring(self, field: str, data: bytes, pos: int, length: int | None = None) -> Any:
        if pos + int(self.sm_length) > len(data):
            raise Garbled("a message is longer than its unit")
        return super()._parse_ostring(field, data, pos, length)

    def parse_optional_params(self, data: bytes) -> None:
        self.tags = read_tags(data)


def read_delivery(unit: Unit) -> Delivery:
    """What a deliver_sm says. Raises ``Garbled``."""
    pdu = _Deliver("deliver_sm", client=_Counted(unit.sequence))
    try:
        pdu.parse(_HEADER.pack(_HEADER.size + len(unit.body), DELIVER_SM, 0, unit.sequence) + unit.body)
        source = Party(_text(pdu.source_addr), int(pdu.source_addr_ton), int(pdu.source_addr_npi))
        destination = Party(_text(pdu.destination_addr), int(pdu.dest_addr_ton), int(pdu.dest_addr_npi))
        octets = bytes(pdu.short_message or b"") or pdu.tags.get(PAYLOAD, b"")
        return Delivery(source, destination, int(pdu.esm_class), int(pdu.data_coding), octets, pdu.tags)
    except Garbled:
        raise
    except Exception as error:  # noqa: BLE001 - the library lets through whatever it comes upon
        raise Garbled(f"a deliver_sm that cannot be read ({type(error).__name__})") from None


def _text(octets: bytes | None) -> str:
    return (octets or b"").decode("latin-1")


def read_tags(octets: bytes) -> Mapping[int, bytes]:
    """The optional parameters by their tags; what is cut off at the end is left out."""
    tags: dict[int, bytes] = {}
    place = 0
    while place + 4 <= len(octets):
        tag, length = struct.unpack_from(">HH", octets, place)
        value = octets[place + 4 : place + 4 + length]
        if len(value) == length:
            tags.setdefault(tag, value)
        place += 4 + length
    return tags


def message_id(unit: Unit) -> str:
    """The gateway's id in a submit_sm_resp; '' where there is none."""
    return unit.body.split(b"\0", 1)[0].decode("latin-1")


# --- writing ----------------------------------------------------------------------------------------------------------


class _Counted:
    """What the library asks for the number of a unit."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence

    def next_sequence(self) -> int:
        return self.sequence


def _written(command: str, sequence: int, **fields: object) -> bytes:
    try:
        octets: bytes = smpp.make_pdu(command, client=_Counted(sequence), **fields).generate()
    except Exception as error:  # noqa: BLE001 - as above; only what a configuration brings can be wrong here
        raise Garbled(f"a {command} cannot be made of this ({type(error).__name__})") from None
    return octets


def bind(command: str, sequence: int, system_id: str, password: str, system_type: str) -> bytes:
    """``command`` is ``bind_transceiver``, ``bind_transmitter`` or ``bind_receiver``."""
    return _written(
        command, sequence, system_id=system_id, password=password, system_type=system_type, interface_version=0x34
    )


def submit(
    sequence: int, source: Party, destination: Party, octets: bytes, *, coding: int, has_header: bool, receipt: bool
) -> bytes:
    """One message, or one part of one. ``octets`` begin with the header, if ``has_header``."""
    return _written(
        "submit_sm",
        sequence,
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.address,
        dest_addr_ton=destination.ton,
        dest_addr_npi=destination.npi,
        destination_addr=destination.address,
        esm_class=0x40 if has_header else 0,
        registered_delivery=int(receipt),
        data_coding=coding,
        short_message=octets,
    )


def enquire_link(sequence: int) -> bytes:
    return _written("enquire_link", sequence)


def unbind(sequence: int) -> bytes:
    return _written("unbind", sequence)


def answer(unit: Unit, status: int = OK) -> bytes:
    """The response to a unit; to one of an unknown command the one that says so."""
    if unit.command in (DELIVER_SM, DATA_SM):
        return _HEADER.pack(_HEADER.size + 1, unit.command | RESPONSE, status, unit.sequence) + b"\0"
    command = unit.command | RESPONSE if status == OK else GENERIC_NACK
    return _HEADER.pack(_HEADER.size, command, status, unit.sequence)
