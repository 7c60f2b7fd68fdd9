"""Both decoders, one behaviour."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_cloud_api import _json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(params=["orjson", "plain"])
def _decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "plain":
        monkeypatch.setattr(_json, "_loads", _json._plain_loads)
        monkeypatch.setattr(_json, "_dumps", _json._plain_dumps)
    else:
        pytest.importorskip("orjson")


pytestmark = pytest.mark.usefixtures("_decoder")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"\xff",
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 5000 + b"]" * 5000,
        b"1" * 100_000 + b"x",
    ],
)
def test_what_is_not_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        _json.decode(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\udc00 tail"', "\ufffd tail"),
        (rb'"\uD83D\uDE00"', "😀"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (rb'"\\ud83d"', "\\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
        (rb'"a\/b\n"', "a/b\n"),
    ],
)
def test_half_a_surrogate_pair_is_mended(body: bytes, expected: str) -> None:
    assert _json.decode(body) == expected


def test_readable_never_raises() -> None:
    deep: object = []
    for _ in range(20_000):
        deep = [deep]
    assert _json.readable(deep) == '"nested too deeply to be written down"'
    assert json.loads(_json.readable({"a": ["é", 1, None]})) == {"a": ["é", 1, None]}
    middling: object = []
    for _ in range(300):
        middling = [middling]
    assert json.loads(_json.readable(middling)) == middling


def test_encode_takes_half_a_pair() -> None:
    assert json.loads(_json.encode({"a": "x\ud83d"})) == {"a": "x\ud83d"}


# The decoder is chosen once a test, not once an example: that is the point.
@given(value=json_values)
def test_round_trip_orjson_or_not(value: object) -> None:
    assert _json.decode(_json.encode(value)) == value
    assert json.loads(_json.readable(value)) == value
