"""From a provider's answer to an outcome: what was refused, what may be tried again, and what nobody knows.

Theory: a code that the provider's table knows decides alone. Without one the HTTP status has to: 4xx is a refusal, 5xx may
have come after the message left, and a message of unknown fate is never sent again by itself. A provider's own words are
not passed on: they quote numbers.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Final, assert_never

from attrs import field, frozen

from wa_connector.model.outbound import (
    AccountStopped,
    Correction,
    Deferred,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)

LONGEST_WAIT: Final = timedelta(days=2)


class Care(Enum):
    """What a refusal asks of whoever sends."""

    NEVER = "never"
    """This message will not go; another one may."""
    LATER = "later"
    """Nothing was sent, and the same message may go later."""
    ACCOUNT = "account"
    """Nothing will go before somebody mends the account or the line."""
    UNSURE = "unsure"
    """It may have been sent."""


@frozen
class Code:
    """One row of a provider's table."""

    care: Care
    meaning: str
    correction: Correction = Correction.NONE


Codes = Mapping[str, Code]


@frozen
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300


def refused(answer: Answer, code: str, table: Codes) -> SendOutcome:
    """What an answer that is no success says of a message. ``code`` is the provider's, '' where there is none."""
    row = table.get(code)
    if row is not None:
        return outcome_of(code, row, wait_of(answer))
    named, status = code or f"http {answer.status}", answer.status
    if status == 429:
        return Deferred(named, "more is sent than the provider lets pass", wait_of(answer))
    if status == 503 and wait_of(answer) is not None:
        return Deferred(named, "the provider asks for it again later", wait_of(answer))
    if 300 <= status < 400:
        return AccountStopped(named, "the provider's address leads elsewhere; correct the account's base_url")
    if status in (401, 403, 407):
        return AccountStopped(named, "the provider does not let the account in; check its credentials")
    # 408 and 499 say that somebody gave up waiting, not that nothing happened.
    if 400 <= status < 500 and status not in (408, 499):
        return Rejected(named, "the provider refuses it and says no more than the code")
    return OutcomeUnknown(f"{named}: the provider failed and does not say whether the message went")


def outcome_of(code: str, row: Code, wait: timedelta | None = None) -> SendOutcome:
    """What a row of the table means for a message that was handed over."""
    match row.care:
        case Care.NEVER:
            return Rejected(code, row.meaning, row.correction)
        case Care.LATER:
            return Deferred(code, row.meaning, wait)
        case Care.ACCOUNT:
            return AccountStopped(code, row.meaning)
        case Care.UNSURE:
            return OutcomeUnknown(f"{code}: {row.meaning}")
        case _ as unreachable:
            assert_never(unreachable)


def wait_of(answer: Answer) -> timedelta | None:
    """How long the answer asks to wait; None where it says nothing that can be read."""
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 9:
        return min(timedelta(seconds=int(asked)), LONGEST_WAIT)
    return None


def failure_of(code: str, table: Codes) -> tuple[str, Correction]:
    """What a report's code of a failure means, and what it teaches."""
    row = table.get(code)
    if row is None:
        return ("the message was not delivered, and the provider says no more than the code", Correction.NONE)
    return row.meaning, row.correction
