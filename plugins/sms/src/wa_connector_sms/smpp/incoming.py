"""What a deliver_sm is: a customer's message, a part of one, or a receipt.

Rules of this file: values in, values out. Nothing raises for what a gateway sends; what cannot be read is kept.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from attrs import frozen

from wa_connector.model.content import Text
from wa_connector.model.ids import ProviderId
from wa_connector.model.inbound import Inbound, InboundMessage, InboundStatus, Report, Unreadable
from wa_connector_sms.alphabet import Alphabet
from wa_connector_sms.assembly import Assembly, Header, Part, split_header
from wa_connector_sms.people import person, ref_of
from wa_connector_sms.receipts import RECEIPTED_MESSAGE_ID, read_receipt
from wa_connector_sms.smpp import pdus
from wa_connector_sms.smpp.options import Options, Plain, id_of_receipt
from wa_connector_sms.smpp.pdus import Delivery, Garbled, Party, Unit

_HAS_HEADER: Final = 0x40
_IS_RECEIPT: Final = 0x04 | 0x20
"""A delivery receipt, or an intermediate notification."""
_INTERNATIONAL: Final = 1
# Source: SMPP 3.4, 5.2.19. One octet a character, so that a part can be brought into UTF-16 by itself.
_CODINGS: Final[Mapping[int, str]] = {1: "ascii", 3: "latin-1", 6: "iso8859-5", 7: "iso8859-8"}


@frozen
class Piece:
    """A part of a long message; whoever has the others joins them."""

    sender: str
    line: str
    part: Part

    @property
    def name(self) -> tuple[object, ...]:
        """What the parts of one message share, and, for the while that a reference lasts, no others."""
        header = self.part.header
        return (self.sender, self.line, header.is_wide, header.reference, header.total)


@frozen
class Nothing:
    """A receipt that says nothing that counts here."""


Reading: TypeAlias = Inbound | Piece | Nothing


def read(unit: Unit, account_ref: str, options: Options, now: datetime, provider_id: ProviderId) -> Reading:
    """``provider_id`` is what a message is known by: SMPP gives it none."""
    try:
        delivery = pdus.read_delivery(unit)
    except Garbled as error:
        return Inbound(account_ref, "", Unreadable(str(error), json.dumps({"deliver_sm": unit.body.hex()})))
    line = _written(delivery.destination)
    if delivery.esm_class & _IS_RECEIPT or RECEIPTED_MESSAGE_ID in delivery.tags:
        return _receipt(delivery, account_ref, line, options, now)
    part = _part(delivery, options)
    if part is None:
        return _unreadable(delivery, account_ref, line, "its octets are no text")
    sender = _written(delivery.source)
    if part.header.total > 1:
        return Piece(sender, line, part)
    text = Assembly(1, {1: part}).text()
    return message(account_ref, line, sender, text, now, provider_id) or _unreadable(
        delivery, account_ref, line, "it names nobody who could have sent it"
    )


def message(
    account_ref: str, line: str, sender: str, text: str, at: datetime, provider_id: ProviderId
) -> Inbound | None:
    """A customer's message; None where nobody sent it."""
    who = person(sender, line)
    return None if who is None else Inbound(account_ref, line, InboundMessage(provider_id, at, who, Text(text)))


def _written(party: Party) -> str:
    """An address as the directory writes those of lines."""
    if party.ton == _INTERNATIONAL and not party.address.startswith("+"):
        return f"+{party.address}"
    return ref_of(party.address)


def _receipt(delivery: Delivery, account_ref: str, line: str, options: Options, now: datetime) -> Reading:
    octets = split_header(delivery.octets)[1] if delivery.esm_class & _HAS_HEADER else delivery.octets
    words = octets.decode("utf-16-be" if delivery.coding == 8 else "latin-1", "replace")
    receipt = read_receipt(words, delivery.tags, options.zone)
    if receipt is None:
        return _unreadable(delivery, account_ref, line, "it is a receipt and names no message")
    if receipt.report is None:
        return Nothing()
    failed = receipt.report is Report.FAILED
    status = InboundStatus(
        ProviderId(id_of_receipt(receipt.id, options.ids)),
        receipt.done_at or now,
        receipt.report,
        error=(receipt.error or receipt.state) if failed else "",
        meaning=_MEANINGS.get(receipt.state, "") if failed else "",
    )
    return Inbound(account_ref, line, status)


_MEANINGS: Final[Mapping[str, str]] = {
    "EXPIRED": "it could not be delivered in time",
    "DELETED": "it was deleted at the gateway",
    "UNDELIV": "it cannot be delivered",
    "REJECTD": "the network refused it",
}


def _part(delivery: Delivery, options: Options) -> Part | None:
    header, octets = Header(), delivery.octets
    if delivery.esm_class & _HAS_HEADER:
        header, octets = split_header(octets)
    elif pdus.SAR_REFERENCE in delivery.tags:
        header = _from_tags(delivery.tags)
    alphabet = _alphabet(delivery.coding)
    if alphabet is not None and (alphabet is Alphabet.UCS2 or options.plain is Plain.GSM or delivery.coding):
        return Part(header, alphabet, octets)
    coding = "latin-1" if alphabet is not None else _CODINGS.get(delivery.coding)
    if coding is None:
        return None
    return Part(header, Alphabet.UCS2, octets.decode(coding, "replace").encode("utf-16-be"))


def _alphabet(coding: int) -> Alphabet | None:
    """Source: SMPP 3.4, 5.2.19; 3GPP TS 23.038, 4 (message classes)."""
    if coding == 8:
        return Alphabet.UCS2
    if coding == 0 or (coding & 0xF0 == 0xF0 and not coding & 0x04):
        return Alphabet.GSM
    return None


def _from_tags(tags: Mapping[int, bytes]) -> Header:
    reference, total, number = (
        int.from_bytes(tags.get(tag, b""), "big") for tag in (pdus.SAR_REFERENCE, pdus.SAR_TOTAL, pdus.SAR_NUMBER)
    )
    if not 1 <= number <= total <= 255:
        return Header(is_whole=False)
    return Header(reference, is_wide=True, total=total, number=number)


def _unreadable(delivery: Delivery, account_ref: str, line: str, problem: str) -> Inbound:
    raw = {
        "from": delivery.source.address,
        "to": delivery.destination.address,
        "esm_class": delivery.esm_class,
        "data_coding": delivery.coding,
        "octets": delivery.octets.hex(),
    }
    return Inbound(account_ref, line, Unreadable(problem, json.dumps(raw)))


# --- parts that wait --------------------------------------------------------------------------------------------------


@frozen
class Waiting:
    """The parts of one message that are here; ``provider_id`` and ``at`` are those of the first that came."""

    provider_id: ProviderId
    at: datetime
    sender: str
    line: str
    assembly: Assembly

    def message(self, account_ref: str) -> Inbound | None:
        """The message, with its gaps marked."""
        return message(account_ref, self.line, self.sender, self.assembly.text(), self.at, self.provider_id)


def written(waiting: Waiting) -> str:
    """As a text that is kept."""
    parts = {
        str(number): [part.alphabet.value, part.header.locking, part.header.single, part.octets.hex()]
        for number, part in waiting.assembly.parts.items()
    }
    first = next(iter(waiting.assembly.parts.values())).header
    return json.dumps(
        {
            "id": waiting.provider_id,
            "at": waiting.at.timestamp(),
            "from": waiting.sender,
            "line": waiting.line,
            "reference": [first.reference, first.is_wide],
            "total": waiting.assembly.total,
            "parts": parts,
        }
    )


def recovered(text: str, zone: Any) -> Waiting:
    """From a text that was kept."""
    found = json.loads(text)
    reference, is_wide = found["reference"]
    total = found["total"]
    parts = {
        int(number): Part(
            Header(reference, is_wide, total, int(number), locking, single), Alphabet(alphabet), bytes.fromhex(octets)
        )
        for number, (alphabet, locking, single, octets) in found["parts"].items()
    }
    at = datetime.fromtimestamp(found["at"], zone)
    return Waiting(ProviderId(found["id"]), at, found["from"], found["line"], Assembly(total, parts))
