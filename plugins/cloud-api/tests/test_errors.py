"""The table of codes: complete, and read without losing or leaking anything."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_cloud_api import errors
from wa_connector_cloud_api.errors import CODES, Care, Known, known

# Source: WhatsApp Cloud API, error codes, read 2026-11; the class is our advice.
REFERENCE = """
S 4 613 80007 80008 130429 131056 131057 131208 2494100
L 1 2 131000 131016 133004
D 131049 131064 132015 132069 133008 133009 133015 133016 134101
A 0 3 10 33 104 190 200 368 131005 131031 131042 131044 131045 131048 131214 131215 133006 133010
A 139200
F 131030 131037 131053 131063 132001 132021 132068 133000 133005 134011 134102 138000 138018
F 139000 139001 139002 139003 139004 147001 147002 147003 147004 147005
N 100 130403 130472 130497 131008 131009 131020 131021 131026 131041 131047 131050 131051 131052
N 131055 131059 131060 131062 131201 131202 131204 131207 131209 131210 131211 131212 131213 132000
N 132005 132007 132012 132016 132018 134100 135000 136024 137000 138001 138002 138003 138004 138005
N 138006 138007 138008 138009 138012 138013 139100 139101 139102 139103 1752041 2494191 2593107
N 2593108 2593109
"""
EXPECTED = {int(code): Care(line[0]) for line in REFERENCE.strip().splitlines() for code in line.split()[1:]}


def test_every_code_of_the_reference_has_its_class() -> None:
    assert {code: row.care for code, row in CODES.items()} == EXPECTED


@pytest.mark.parametrize(
    ("code", "care"),
    [
        (200, Care.ACCOUNT),
        (230, Care.ACCOUNT),
        (299, Care.ACCOUNT),
        (2388012, Care.FIX),
        (2388299, Care.FIX),
        (2494164, Care.FIX),
        (2494179, Care.FIX),
        (200006, Care.FIX),
    ],
)
def test_families(code: int, care: Care) -> None:
    row = known(code)
    assert row is not None
    assert row.care is care


@pytest.mark.parametrize("code", [-1, 5, 199, 300, 131999, 10**17])
def test_codes_of_no_table(code: int) -> None:
    assert known(code) is None


def test_meanings_are_sentences_without_their_stop() -> None:
    for row in CODES.values():
        assert re.fullmatch(r"[a-zA-Z].*[^.\s]", row.meaning)
        assert row.retry_after is None or row.care in (Care.SAFE, Care.DEFER)


@pytest.mark.parametrize(
    ("error", "code", "meaning"),
    [
        ({"code": 131047}, "131047", CODES[131047].meaning),
        (
            {"code": "131009", "message": "(#131009) x", "error_data": {"details": "bad URL."}},
            "131009",
            "a parameter has a value that is not allowed: bad URL",
        ),
        (
            {"code": 7, "title": "T", "message": "M", "error_data": {"details": "D"}},
            "7",
            "T: M: D",
        ),
        ({"code": 7, "title": "Same", "message": "Same"}, "7", "Same"),
        ({}, "", "the provider gives no reason"),
        ({"code": True}, "", "the provider gives no reason"),
        ({"code": [1], "error_data": "?"}, "", "the provider gives no reason"),
        ({"code": 10**40, "message": "M"}, "", "M"),
    ],
)
def test_read(error: dict[str, Any], code: str, meaning: str) -> None:
    refusal = errors.read(error)
    assert (refusal.code, refusal.meaning) == (code, meaning)


@pytest.mark.parametrize(
    "details",
    [
        "Malformed access token EAAGm0PX4ZCpsBAKZCtTiZBJxZAqZC",
        "recipient +1 (650) 555-1234 is not on the list",
        "recipient 16505551234",
        "no message wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRB",
    ],
)
def test_numbers_ids_and_tokens_are_left_out(details: str) -> None:
    """A meaning ends up on screens and in logs."""
    meaning = errors.read({"code": 7, "message": details}).meaning
    assert "…" in meaning
    assert not re.search(r"EAAG|555|wamid\.HBg", meaning)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(error=st.dictionaries(st.sampled_from(["code", "title", "message", "error_data", "is_transient"]), json_values))
def test_whatever_comes_is_read(error: dict[str, Any]) -> None:
    refusal = errors.read(error)
    assert refusal.meaning
    assert refusal.row is None or isinstance(refusal.row, Known)


@pytest.mark.parametrize("code", [*errors.CODES, 299, 2388040, 999_999_999])
def test_every_code_has_a_remedy(code: int) -> None:
    assert errors.remedy(code).endswith(".")
