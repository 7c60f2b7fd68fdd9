"""Receipts as gateways write them, and not only as the standard does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_sms.receipts import (
    MESSAGE_STATE,
    NETWORK_ERROR_CODE,
    RECEIPTED_MESSAGE_ID,
    Receipt,
    forms_of,
    read_receipt,
    refusal_of,
)

from wa_connector.model.inbound import Report
from wa_connector.model.outbound import AccountStopped, Deferred, Rejected

DONE = datetime(2026, 11, 22, 7, 48, tzinfo=UTC)
STANDARD = "id:M1 sub:001 dlvrd:001 submit date:2611220748 done date:2611220748 stat:DELIVRD err:000 text:hello id:M9"


@pytest.mark.parametrize(
    ("text", "tags", "receipt"),
    [
        (STANDARD, {}, Receipt("M1", "DELIVRD", Report.DELIVERED, "000", DONE)),
        (
            "id:5caed676-0000 submit date:2611220718 done date:261122074859 stat:DELIVRD err:000",
            {},
            Receipt("5caed676-0000", "DELIVRD", Report.DELIVERED, "000", DONE + timedelta(seconds=59)),
        ),
        ("id:7 stat:UNDELIV err:005 Text:stat:DELIVRD", {}, Receipt("7", "UNDELIV", Report.FAILED, "005")),
        ("ID:7 Stat:rejectd", {}, Receipt("7", "REJECTD", Report.FAILED)),
        ("id:7 stat:ENROUTE", {}, Receipt("7", "ENROUTE", Report.SENT)),
        ("id:7 stat:ACCEPTD", {}, Receipt("7", "ACCEPTD", Report.SENT)),
        ("id:7 stat:EXPIRED", {}, Receipt("7", "EXPIRED", Report.FAILED)),
        ("id:7 stat:DELETED", {}, Receipt("7", "DELETED", Report.FAILED)),
        ("id:7 stat:UNKNOWN", {}, Receipt("7", "UNKNOWN")),
        ("id:7 stat:NEWWORD", {}, Receipt("7", "NEWWORD")),
        ("id:7", {}, Receipt("7")),
        ("id:7 done date:2613990748", {}, Receipt("7")),
        ("id:7 done date:yesterday", {}, Receipt("7")),
        ("", {RECEIPTED_MESSAGE_ID: b"M1\0", MESSAGE_STATE: b"\x02"}, Receipt("M1", "DELIVRD", Report.DELIVERED)),
        (
            "id:1 stat:UNDELIV err:7",
            {RECEIPTED_MESSAGE_ID: b"01", MESSAGE_STATE: b"\x03", NETWORK_ERROR_CODE: b"\x03\x00\x22"},
            Receipt("01", "EXPIRED", Report.FAILED, "3:34"),
        ),
        ("id:7 stat:DELIVRD", {MESSAGE_STATE: b"\x63"}, Receipt("7", "DELIVRD", Report.DELIVERED)),
        (
            "id:7 stat:DELIVRD",
            {MESSAGE_STATE: b"", NETWORK_ERROR_CODE: b"x"},
            Receipt("7", "DELIVRD", Report.DELIVERED),
        ),
        ("hello, this is no receipt", {}, None),
        ("", {}, None),
    ],
)
def test_receipts(text: str, tags: dict[int, bytes], receipt: Receipt | None) -> None:
    assert receipt == read_receipt(text, tags)


def test_a_receipts_clock_is_the_gateways() -> None:
    found = read_receipt(STANDARD, {}, timezone(timedelta(hours=1)))
    assert found is not None
    assert DONE - timedelta(hours=1) == found.done_at


@given(
    st.text() | st.from_regex(r"(id|stat|done date|err|text):.{0,12}( (stat|err|text|done date):.{0,12}){0,4}"),
    st.dictionaries(st.sampled_from((RECEIPTED_MESSAGE_ID, MESSAGE_STATE, NETWORK_ERROR_CODE)), st.binary(max_size=5)),
)
def test_anything_is_a_receipt_or_none(text: str, tags: dict[int, bytes]) -> None:
    found = read_receipt(text, tags)
    assert found is None or found.id


@pytest.mark.parametrize(
    ("answered", "receipted"),
    [
        ("M1", "M1"),
        ("00ab", "AB"),
        ("0000123", "123"),
        ("1A2B", "6699"),
        ("6699", "1A2B"),
        ("7b", "123"),
        ("M1 ", "m1"),
    ],
)
def test_ids_that_gateways_write_in_two_ways_meet(answered: str, receipted: str) -> None:
    assert forms_of(answered) & forms_of(receipted)


@pytest.mark.parametrize(("one", "other"), [("M1", "M2"), ("123", "124"), ("0", "1"), ("AB", "AC")])
def test_other_ids_do_not_meet(one: str, other: str) -> None:
    assert not forms_of(one) & forms_of(other)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(0x58, Deferred), (0x14, Deferred), (0x0B, Rejected), (0x0E, AccountStopped), (0x4FF, Rejected)],
)
def test_what_a_status_asks_of_a_sender(status: int, kind: type) -> None:
    outcome = refusal_of(status)
    assert isinstance(outcome, kind)
    assert isinstance(outcome, Deferred | Rejected | AccountStopped)
    assert outcome.code == f"0x{status:08X}"
