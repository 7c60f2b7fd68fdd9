"""What goes wrong, and how it is told.

Rules of this file: one table of Meta's error codes, one exception that carries a code to the edge
of the Graph side, and one that tells a misuse of the control side. Nothing else in the package
spells a code's title or HTTP status.

    Exception
    ├── GraphError      the caller of the emulated API is refused (answered in Meta's shape)
    └── ControlError    the test, or person, that operates the emulator asked the impossible

Meta's current page no longer lists HTTP statuses; those below are from its older table, and
programs should branch on `code`.

Source: developers.facebook.com, WhatsApp Cloud API, error codes (read 2026-09-11).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import final

import attrs


@attrs.frozen
class ErrorKind:
    """A row of the table of errors: Meta's title for a code and the HTTP status it came with."""

    title: str
    http: int = 400


ERRORS: Mapping[int, ErrorKind] = MappingProxyType(
    {
        100: ErrorKind("Invalid parameter"),
        190: ErrorKind("Invalid OAuth access token - Cannot parse access token", http=401),
        2200: ErrorKind("Callback verification failed"),
        2500: ErrorKind("Unknown path components"),
        130429: ErrorKind("Rate limit hit"),
        131008: ErrorKind("Required parameter is missing"),
        131009: ErrorKind("Parameter value is not valid"),
        131021: ErrorKind("Recipient cannot be sender"),
        131026: ErrorKind("Message undeliverable"),
        131047: ErrorKind("Re-engagement message"),
        131050: ErrorKind("User has stopped marketing messages from this business"),
        131051: ErrorKind("Unsupported message type"),
        131052: ErrorKind("Media download error"),
        131053: ErrorKind("Media upload error"),
        131056: ErrorKind("(Business Account, Consumer Account) pair rate limit hit"),
        131062: ErrorKind("Business-scoped user ID recipients are not supported for this message"),
        132000: ErrorKind("Number of parameters does not match the expected number of params"),
        132001: ErrorKind("Template name does not exist in the translation", http=404),
        132005: ErrorKind("Translated text too long"),
        132012: ErrorKind("Parameter format does not match format in the created template"),
        132015: ErrorKind("Template is paused"),
        132016: ErrorKind("Template is disabled"),
        132018: ErrorKind("Template parameters are not valid"),
    }
)

NO_SUCH_OBJECT = 33  # the subcode, under code 100, of an id that Graph does not know


@final
class GraphError(Exception):
    """A call to the emulated Graph API is refused. Nothing has been done.

    `details` goes into `error_data`, as WhatsApp's own checks fill it; errors of Graph itself
    (token, unknown object) have none, and say all in `message`.
    """

    def __init__(
        self,
        code: int,
        details: str | None = None,
        message: str | None = None,
        subcode: int | None = None,
    ) -> None:
        super().__init__(code, details, message, subcode)
        self.code = code
        self.details = details
        self.message = message or f"(#{code}) {ERRORS[code].title}"
        self.subcode = subcode

    @property
    def http(self) -> int:
        """The HTTP status of the refusal."""
        return ERRORS[self.code].http

    def to_json(self, trace: str) -> dict[str, object]:
        """The body of the refusal, with `trace` as its `fbtrace_id`."""
        error: dict[str, object] = {"message": self.message, "type": self._type, "code": self.code}
        if self.details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return {"error": {**error, "fbtrace_id": trace}}

    @property
    def _type(self) -> str:
        return "GraphMethodException" if self.subcode == NO_SUCH_OBJECT else "OAuthException"


def unknown_object(method: str, object_id: str) -> GraphError:
    """Graph's answer for an id that is unknown, expired, or not the caller's: it tells no more."""
    return GraphError(
        100,
        message=(
            f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, "
            "cannot be loaded due to missing permissions, or does not support this operation"
        ),
        subcode=NO_SUCH_OBJECT,
    )


def status_error(code: int, details: str) -> dict[str, object]:
    """An entry of `errors[]` in a status or message webhook."""
    title = ERRORS[code].title
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }


@final
class ControlError(Exception):
    """The control side was asked for something that cannot be; the text says the way out.

    `status` is what the HTTP face answers: 404 for an unknown thing, 409 for one in the wrong
    state, 400 for a request that makes no sense.
    """

    def __init__(self, explanation: str, status: int = 400) -> None:
        super().__init__(explanation, status)
        self.explanation = explanation
        self.status = status

    def __str__(self) -> str:
        return self.explanation
