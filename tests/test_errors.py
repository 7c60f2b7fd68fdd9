"""Errors: one tree, safe to pickle, and silent about what people wrote."""

import pickle
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from inspect import getdoc, isclass

import pytest

from wa_connector import errors
from wa_connector.errors import (
    BodyMalformed,
    ConfigError,
    Contended,
    InboundRejected,
    InternalError,
    ProviderError,
    RefusedError,
    RowCorrupt,
    SignatureInvalid,
    StorageUnavailable,
    Unavailable,
    UnknownProviderError,
    UsageError,
    WaConnectorError,
)
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind

HUSH = b'{"to":"+4930123456","text":"hush-hush"}'
REFUSAL = Decision(Reason.NO_ADDRESS, (("channel", "WhatsApp"),), (Remedy(RemedyKind.USE_SMS),), ("addressed",))

EXAMPLES: list[WaConnectorError] = [
    WaConnectorError("something"),
    UsageError("pass an aware datetime"),
    ConfigError("directory.toml", ["lines[2].account: unknown", "users[0]: no name"]),
    InboundRejected("no such endpoint"),
    SignatureInvalid("no secret of the app signed it"),
    BodyMalformed("not JSON"),
    ProviderError("131047", "the window is closed", retryable=True, retry_after=timedelta(seconds=5), body=HUSH),
    UnknownProviderError("999", "unheard of", body=HUSH),
    Unavailable("later"),
    StorageUnavailable("the disk is full"),
    RowCorrupt("customer row ('acme', 'c-1')", "ValueError"),
    Contended("five times"),
    RefusedError(REFUSAL),
    InternalError("please report it"),
]
every_error = pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
CLASSES = {name for name, value in vars(errors).items() if isclass(value) and issubclass(value, WaConnectorError)}


def test_every_error_is_among_the_examples() -> None:
    assert {type(error).__name__ for error in EXAMPLES} == CLASSES


def test_the_tree_is_as_it_is_drawn() -> None:
    """In the module's docstring: each class hangs below the last line that stands further left."""
    drawn, path = set(), [(-1, Exception)]
    for found in re.finditer(r"^([│ ├└─]*)([A-Z]\w+)(?:  .*)?$", getdoc(errors) or "", re.MULTILINE):
        depth, error = len(found[1]), getattr(errors, found[2], None)
        if error is None:
            continue  # a line of prose
        path = [(left, above) for left, above in path if left < depth]
        assert (path[-1][1],) == error.__bases__
        path.append((depth, error))
        drawn.add(error.__name__)
    assert drawn == CLASSES


@every_error
def test_an_error_survives_pickling(error: WaConnectorError) -> None:
    """It crosses from worker processes to the host's own."""
    copied = pickle.loads(pickle.dumps(error))
    assert type(error) is type(copied)
    assert error.args == copied.args
    assert (str(error), repr(error)) == (str(copied), repr(copied))
    assert vars(error) == vars(copied)


@every_error
def test_an_error_takes_notes_and_keeps_them(error: WaConnectorError) -> None:
    copied = pickle.loads(pickle.dumps(error))
    copied.add_note("while sending")
    assert copied.__notes__ == ["while sending"]
    assert pickle.loads(pickle.dumps(copied)).__notes__ == ["while sending"]


@every_error
def test_an_error_passes_through_a_context_manager(error: WaConnectorError) -> None:
    """``contextlib`` sets its ``__traceback__``, which a frozen class does not bear."""

    @contextmanager
    def scope() -> Iterator[None]:
        yield

    with pytest.raises(type(error)) as raised, scope():
        raise error
    assert error is raised.value


@every_error
def test_an_error_can_be_raised_from_another(error: WaConnectorError) -> None:
    copied, cause = pickle.loads(pickle.dumps(error)), OSError("disk")
    with pytest.raises(type(error)) as raised:
        raise copied from cause
    assert cause is raised.value.__cause__


@every_error
def test_no_error_shows_what_the_provider_answered(error: WaConnectorError) -> None:
    """A provider's raw answer may hold a number or a text."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error)
    assert "hush-hush" not in shown
    assert "4930123456" not in shown


@every_error
def test_an_error_says_something(error: WaConnectorError) -> None:
    assert str(error)
    assert type(error).__name__ in repr(error)


def test_nothing_of_an_unknown_answer_is_lost() -> None:
    error = UnknownProviderError("999", "unheard of", retry_after=timedelta(seconds=5), body=HUSH)
    assert error.body == HUSH
    assert ("999", "unheard of", False, timedelta(seconds=5)) == (
        error.code,
        error.meaning,
        error.retryable,
        error.retry_after,
    )
    assert str(error) == "the provider answered 999: unheard of"


def test_each_mistake_of_a_configuration_has_its_line() -> None:
    error = ConfigError("directory.toml", ["lines[2].account: unknown", "users[0]: no name"])
    expected = (
        "directory.toml cannot be used; correct it and start again:\nlines[2].account: unknown\nusers[0]: no name"
    )
    assert expected == str(error)
    assert (error.source, error.mistakes) == ("directory.toml", ("lines[2].account: unknown", "users[0]: no name"))


def test_a_refusal_carries_its_decision_and_reads_like_it() -> None:
    error = RefusedError(REFUSAL)
    assert error.decision == REFUSAL
    assert str(error) == "This contact has no address on WhatsApp."


@pytest.mark.parametrize(("error", "status"), [(InboundRejected, 400), (SignatureInvalid, 401), (BodyMalformed, 400)])
def test_a_rejected_webhook_has_its_http_status(error: type[InboundRejected], status: int) -> None:
    assert status == error.status
    assert status == error("why").status
