"""A secret is told by ``reveal`` and by nothing else."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.directory import Account, App
from wa_connector.model.ids import AccountId, AppId, TenantId
from wa_connector.model.secret import Secret

TOKEN = "EAAG-hush-hush"
quick = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize(
    "show",
    [repr, str, format, ascii, "{}".format, "{!r}".format, lambda secret: repr([secret]), lambda secret: f"{secret}"],
    ids=["repr", "str", "format", "ascii", "template", "template with !r", "in a list", "f-string"],
)
def test_a_secret_is_masked_however_it_is_printed(show: Callable[[object], str]) -> None:
    assert "Secret(" in show(Secret(TOKEN))
    assert TOKEN not in show(Secret(TOKEN))


@pytest.mark.parametrize(
    "holder",
    [
        App(AppId("app"), TenantId("acme"), "whatsapp", "/", (Secret(TOKEN),), Secret(TOKEN)),
        Account(TenantId("acme"), AccountId("a"), AppId("app"), "whatsapp", "1", "p", Secret(TOKEN)),
    ],
    ids=["app", "account"],
)
def test_what_holds_a_secret_does_not_tell_it(holder: object) -> None:
    assert TOKEN not in repr(holder)
    assert TOKEN not in str(attrs.asdict(cast(Any, holder)))


def test_a_format_that_would_cut_or_pad_it_is_refused_without_telling_it() -> None:
    with pytest.raises(TypeError) as refused:
        format(Secret(TOKEN), ">40")
    assert TOKEN not in str(refused.value)


def test_reveal_gives_the_text() -> None:
    assert Secret(TOKEN).reveal() == TOKEN


@pytest.mark.parametrize("copied", [pickle.loads(pickle.dumps(Secret(TOKEN))), copy.deepcopy(Secret(TOKEN))])
def test_a_secret_can_be_handed_to_a_worker_process(copied: Secret) -> None:
    assert copied.reveal() == TOKEN


@quick
@given(st.text(), st.text())
def test_secrets_are_equal_exactly_if_their_texts_are(one: str, other: str) -> None:
    assert (one == other) == (Secret(one) == Secret(other))
    assert hash(Secret(one)) == hash(Secret(one))


def test_a_secret_is_not_equal_to_its_text() -> None:
    assert Secret(TOKEN) != TOKEN


@pytest.mark.parametrize(("text", "is_set"), [("", False), ("x", True)])
def test_an_empty_secret_is_false(text: str, is_set: bool) -> None:
    assert is_set is bool(Secret(text))


def test_a_secret_has_no_place_for_anything_else() -> None:
    with pytest.raises(AttributeError):
        Secret(TOKEN).other = 1  # type: ignore[attr-defined]
