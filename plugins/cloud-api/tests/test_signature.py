"""Signatures: only bytes that the app's secret signed are read."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_cloud_api.signature import SignatureChecker, sign

from wa_connector.model.secret import Secret

SECRET = Secret("test_app_secret")
BODY = b'{"object":"whatsapp_business_account","entry":[]}'
VECTOR = "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"


def test_vector() -> None:
    assert sign(SECRET, BODY) == VECTOR
    assert SignatureChecker().is_valid((SECRET,), BODY, VECTOR)


@given(secret=st.text(min_size=1, max_size=200), body=st.binary(max_size=300))
def test_agrees_with_the_standard_library(secret: str, body: bytes) -> None:
    """Keys longer than a block and keys that are not ASCII among them."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert sign(Secret(secret), body) == expected
    assert SignatureChecker().is_valid((Secret(secret),), body, expected)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        VECTOR[:-1],
        VECTOR + "0",
        VECTOR.removeprefix("sha256="),
        VECTOR.replace("sha256", "sha1"),
        VECTOR.replace("d", "e", 1),
        "sha256=é" + VECTOR[8:],
    ],
)
def test_another_header_is_refused(header: str) -> None:
    assert not SignatureChecker().is_valid((SECRET,), BODY, header)


def test_one_changed_byte_is_refused() -> None:
    checker = SignatureChecker()
    for position in range(len(BODY)):
        changed = BODY[:position] + bytes([BODY[position] ^ 1]) + BODY[position + 1 :]
        assert not checker.is_valid((SECRET,), changed, VECTOR)


def test_a_secret_that_rotates_out_is_taken_beside_the_current_one() -> None:
    checker = SignatureChecker()
    assert checker.is_valid((Secret("new"), SECRET), BODY, VECTOR)
    assert checker.is_valid((SECRET, Secret("old")), BODY, VECTOR)
    assert not checker.is_valid((Secret("new"),), BODY, VECTOR)


def test_no_secret_and_an_empty_one_sign_nothing() -> None:
    checker = SignatureChecker()
    assert not checker.is_valid((), BODY, VECTOR)
    assert not checker.is_valid((Secret(""),), BODY, sign(Secret(""), BODY))


def test_checking_twice_gives_the_same() -> None:
    """The kept states are copied, never fed."""
    checker = SignatureChecker()
    secrets = (SECRET,)
    assert [checker.is_valid(secrets, BODY, VECTOR) for _ in range(3)] == [True, True, True]
    assert not checker.is_valid(secrets, BODY + b" ", VECTOR)
    assert checker.is_valid(secrets, BODY, VECTOR)


def test_the_kept_states_are_bounded_and_not_printed() -> None:
    checker = SignatureChecker()
    for number in range(5000):
        checker.is_valid((Secret(str(number)),), BODY, VECTOR)
    assert len(checker._keys) <= 4096
    assert "Secret" not in repr(checker)
