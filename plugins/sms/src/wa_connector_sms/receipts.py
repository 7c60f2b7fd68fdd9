"""Delivery receipts of SMPP, and what its status codes ask of a sender.

Rules of this file: every field is optional, because every one is missing somewhere; what cannot be read is left out, and
only what names no message at all is no receipt. Tags count for more than the text, which is a convention.

Source: SMPP 3.4, 5.2.28 (message_state), 5.3.2 (tags), 5.1.3 (command_status) and appendix B; the deviations are those of
gateways in the field.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from attrs import frozen

from wa_connector.model.inbound import Report
from wa_connector.model.outbound import AccountStopped, Deferred, Rejected, SendOutcome

RECEIPTED_MESSAGE_ID: Final = 0x001E
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_STATE: Final = 0x0427

_STATES: Final[Mapping[int, str]] = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_REPORTS: Final[Mapping[str, Report]] = {
    "ENROUTE": Report.SENT,
    "ACCEPTD": Report.SENT,
    "DELIVRD": Report.DELIVERED,
    "EXPIRED": Report.FAILED,
    "DELETED": Report.FAILED,
    "UNDELIV": Report.FAILED,
    "REJECTD": Report.FAILED,
}
_FIELD: Final = re.compile(
    r"\b(id|sub|dlvrd|submit date|done date|stat|err):(.*?)(?=\s+(?:sub|dlvrd|submit date|done date|stat|err|text):|$)",
    re.IGNORECASE | re.DOTALL,
)
_TEXT: Final = re.compile(r"\s*\btext:", re.IGNORECASE)


@frozen
class Receipt:
    """What a receipt says. ``report`` is None where the state is unknown, or a word that this version does not know;
    ``state`` is the word itself. ``done_at`` is aware; None where it could not be read."""

    id: str
    state: str = ""
    report: Report | None = None
    error: str = ""
    done_at: datetime | None = None


def read_receipt(text: str, tags: Mapping[int, bytes], zone: timezone = UTC) -> Receipt | None:
    """The receipt that a deliver_sm carries in its text, its tags or both; None when it names no message.

    ``zone`` is the gateway's clock: the dates of the text name none.
    """
    head = _TEXT.split(text, maxsplit=1)[0]
    fields = {name.lower(): value.strip() for name, value in _FIELD.findall(head)}
    named = tags.get(RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("ascii", "replace") or fields.get("id", "")
    if not named:
        return None
    tagged = tags.get(MESSAGE_STATE, b"")
    state = _STATES.get(tagged[0], "") if len(tagged) == 1 else ""
    state = state or fields.get("stat", "").upper()
    error = _network_error(tags.get(NETWORK_ERROR_CODE, b"")) or fields.get("err", "")
    return Receipt(named, state, _REPORTS.get(state), error, instant_of(fields.get("done date", ""), zone))


def _network_error(octets: bytes) -> str:
    return f"{octets[0]}:{int.from_bytes(octets[1:], 'big')}" if len(octets) == 3 else ""


def instant_of(digits: str, zone: timezone = UTC) -> datetime | None:
    """YYMMDDhhmm, with seconds where a gateway adds them, by the clock of ``zone``; None for anything else."""
    form = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}.get(len(digits))
    if form is None or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return datetime.strptime(digits, form).replace(tzinfo=zone)
    except ValueError:
        return None


def forms_of(provider_id: str) -> frozenset[str]:
    """The ways in which gateways write one message id: in the answer to a submit_sm one, in the receipt another.

    Upper case, without leading zeros, and decimal for hexadecimal or the other way round. Two ids are taken for one
    message when their forms meet, within one account: never across.
    """
    plain = provider_id.strip().upper()
    forms = {provider_id, plain, plain.lstrip("0") or plain}
    if plain.isascii() and plain.isdigit():
        forms.add(f"{int(plain):X}")
    if re.fullmatch(r"[0-9A-F]+", plain):
        forms.add(str(int(plain, 16)))
    return frozenset(forms)


# --- status codes -----------------------------------------------------------------------------------------------------

_LATER: Final[Mapping[int, str]] = {
    0x08: "the gateway has a fault of its own",
    0x14: "the gateway's queue is full",
    0x58: "more is sent than the gateway lets pass",
    0x64: "the receiving side asks for it again later",
}
_NEVER: Final[Mapping[int, str]] = {
    0x01: "the message has a wrong length",
    0x0A: "the sender's address is refused",
    0x0B: "the receiver's address is refused",
    0x43: "the kind of message is refused",
    0x45: "the gateway could not submit it",
    0x48: "the type of the sender's number is refused",
    0x49: "the plan of the sender's number is refused",
    0x50: "the type of the receiver's number is refused",
    0x51: "the plan of the receiver's number is refused",
    0x61: "the time to deliver it is refused",
    0x62: "the time at which it expires is refused",
    0x65: "the receiving side refuses it for good",
    0x66: "the receiving side refuses it",
    0xC0: "the optional part has a fault",
    0xC1: "an optional parameter is not allowed",
    0xC2: "a parameter has a wrong length",
    0xC3: "an optional parameter is missing",
    0xC4: "an optional parameter has a wrong value",
}
_SESSION: Final[Mapping[int, str]] = {
    0x04: "the connection may not do this",
    0x05: "the account is connected already",
    0x0D: "the gateway does not let the account in",
    0x0E: "the account's password is wrong",
    0x0F: "the gateway does not know the account",
}
_PAUSE: Final = timedelta(seconds=2)
"""How long one refused for being too fast waits at least; more often than not a second's window is full."""


def refusal_of(status: int) -> SendOutcome:
    """What the status of a submit_sm_resp that is not 0 says: all of them were given before anything was sent.

    One that no table has is refused for good, with its number kept: to send it again unasked might never end.
    """
    code = f"0x{status:08X}"
    if status in _LATER:
        return Deferred(code, _LATER[status], _PAUSE)
    if status in _SESSION:
        return AccountStopped(code, _SESSION[status])
    return Rejected(code, _NEVER.get(status, "the gateway refuses it and says no more than the code"))
