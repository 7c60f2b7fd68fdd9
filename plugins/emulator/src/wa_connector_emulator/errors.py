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
        0: ErrorKind("AuthException", http=401),
        1: ErrorKind("API Unknown"),
        2: ErrorKind("API Service", http=503),
        3: ErrorKind("API Method", http=500),
        4: ErrorKind("API Too Many Calls"),
        10: ErrorKind("Permission Denied", http=403),
        33: ErrorKind("Parameter value is not valid"),
        100: ErrorKind("Invalid parameter"),
        104: ErrorKind("An access token is required"),
        190: ErrorKind("Invalid OAuth access token - Cannot parse access token", http=401),
        200: ErrorKind("API Permission", http=403),
        368: ErrorKind("Temporarily blocked for policies violations", http=403),
        613: ErrorKind("Calls to this api have exceeded the rate limit"),
        2200: ErrorKind("Callback verification failed"),
        2500: ErrorKind("Unknown path components"),
        80007: ErrorKind("Rate limit issues"),
        80008: ErrorKind("Rate limit issues"),
        130403: ErrorKind("Message failed to send because you have blocked this user"),
        130429: ErrorKind("Rate limit hit"),
        130472: ErrorKind("User's number is part of an experiment"),
        130497: ErrorKind("Business account is restricted from messaging users in this country", http=403),
        131000: ErrorKind("Something went wrong", http=500),
        131005: ErrorKind("Access denied", http=403),
        131008: ErrorKind("Required parameter is missing"),
        131009: ErrorKind("Parameter value is not valid"),
        131016: ErrorKind("Service unavailable", http=500),
        131020: ErrorKind("Invalid group"),
        131021: ErrorKind("Recipient cannot be sender"),
        131026: ErrorKind("Message undeliverable"),
        131030: ErrorKind("Recipient phone number not in allowed list"),
        131031: ErrorKind("Account has been locked", http=403),
        131037: ErrorKind("Display name approval needed"),
        131041: ErrorKind("Unknown group"),
        131042: ErrorKind("Business eligibility payment issue"),
        131044: ErrorKind("Business eligibility payment issue for calls"),
        131045: ErrorKind("Message failed to send because there was a registration error", http=500),
        131047: ErrorKind("Re-engagement message"),
        131048: ErrorKind("Spam rate limit hit"),
        131049: ErrorKind("This message was not delivered to maintain healthy ecosystem engagement"),
        131050: ErrorKind("User has stopped marketing messages from this business"),
        131051: ErrorKind("Unsupported message type"),
        131052: ErrorKind("Media download error"),
        131053: ErrorKind("Media upload error"),
        131055: ErrorKind("Method not allowed"),
        131056: ErrorKind("(Business Account, Consumer Account) pair rate limit hit"),
        131057: ErrorKind("Account in maintenance mode", http=500),
        131059: ErrorKind("Invalid cursor"),
        131060: ErrorKind("This message is currently unavailable"),
        131062: ErrorKind("Business-scoped user ID recipients are not supported for this message"),
        131063: ErrorKind("Marketing messages are disabled on Cloud API for this account"),
        131064: ErrorKind("Rate limited due to template misclassification"),
        131201: ErrorKind("Group operation succeeded partially", http=206),
        131202: ErrorKind("Duplicate participants"),
        131204: ErrorKind("Too many participants"),
        131207: ErrorKind("Group suspended", http=403),
        131208: ErrorKind("Group operation rate limit hit", http=429),
        131209: ErrorKind("Invalid group picture"),
        131210: ErrorKind("Group limit reached"),
        131211: ErrorKind("Participant is not a member"),
        131212: ErrorKind("Not a member of the group"),
        131213: ErrorKind("No such join request"),
        131214: ErrorKind("Group creation is disabled"),
        131215: ErrorKind("Not eligible for groups"),
        132000: ErrorKind("Number of parameters does not match the expected number of params"),
        132001: ErrorKind("Template name does not exist in the translation", http=404),
        132005: ErrorKind("Translated text too long"),
        132007: ErrorKind("Template format character policy violated"),
        132012: ErrorKind("Parameter format does not match format in the created template"),
        132015: ErrorKind("Template is paused"),
        132016: ErrorKind("Template is disabled"),
        132018: ErrorKind("Template parameters are not valid"),
        132021: ErrorKind("Template name is taken"),
        132068: ErrorKind("Flow is in blocked state"),
        132069: ErrorKind("Flow is in throttled state"),
        133000: ErrorKind("Incomplete deregistration", http=500),
        133004: ErrorKind("Server temporarily unavailable", http=503),
        133005: ErrorKind("Two step verification PIN mismatch"),
        133006: ErrorKind("Phone number re-verification needed"),
        133008: ErrorKind("Too many two step verification PIN guesses"),
        133009: ErrorKind("Two step verification PIN guessed too fast"),
        133010: ErrorKind("Phone number not registered"),
        133015: ErrorKind("Please wait a few minutes before attempting to register this phone number"),
        133016: ErrorKind("Account register or deregister rate limit exceeded"),
        134011: ErrorKind("WhatsApp payments terms of service has not been accepted", http=403),
        134100: ErrorKind("Only marketing messages are supported"),
        134101: ErrorKind("Template is syncing"),
        134102: ErrorKind("Template is not available", http=500),
        135000: ErrorKind("Generic user error"),
        136024: ErrorKind("Phone number is already verified"),
        137000: ErrorKind("User identity key hash mismatch"),
        138000: ErrorKind("Calling not enabled"),
        138001: ErrorKind("Receiver is uncallable"),
        138002: ErrorKind("Concurrent calls limit reached"),
        138003: ErrorKind("Duplicate call"),
        138004: ErrorKind("Connection error"),
        138005: ErrorKind("Call rate limit exceeded"),
        138006: ErrorKind("No approved call permission"),
        138007: ErrorKind("Connection timeout"),
        138008: ErrorKind("Call failed"),
        138009: ErrorKind("Call permission request limit hit"),
        138012: ErrorKind("Business initiated calls limit reached"),
        138013: ErrorKind("Call permission query limit hit"),
        138018: ErrorKind("Calling cannot be enabled"),
        139000: ErrorKind("Blocked by integrity"),
        139001: ErrorKind("Flow update failed"),
        139002: ErrorKind("Publishing failed"),
        139003: ErrorKind("Deprecating failed"),
        139004: ErrorKind("Deleting failed"),
        139100: ErrorKind("Failed to block or unblock users"),
        139101: ErrorKind("Block list limit reached"),
        139102: ErrorKind("Block list concurrent update"),
        139103: ErrorKind("Internal error"),
        139200: ErrorKind("Direct Send is blocked"),
        147001: ErrorKind("Username is not available"),
        147002: ErrorKind("Username is invalid"),
        147003: ErrorKind("Username is reserved"),
        147004: ErrorKind("Username cannot be changed now"),
        147005: ErrorKind("Username transfer needed"),
        200005: ErrorKind("Template insights are not available"),
        200006: ErrorKind("Template insights cannot be disabled"),
        200007: ErrorKind("Template insights are not enabled"),
        1752041: ErrorKind("Duplicate onboarding"),
        2388012: ErrorKind("Invalid template migration"),
        2388019: ErrorKind("Template limit exceeded"),
        2388039: ErrorKind("Template format is invalid"),
        2388040: ErrorKind("Field exceeds the character limit"),
        2388047: ErrorKind("Message header format is incorrect"),
        2388072: ErrorKind("Message body format is incorrect"),
        2388073: ErrorKind("Message footer format is incorrect"),
        2388091: ErrorKind("Template was migrated already"),
        2388093: ErrorKind("Template cannot be migrated"),
        2388103: ErrorKind("Template migration failed"),
        2388293: ErrorKind("The parameter words ratio exceeds the limit"),
        2388299: ErrorKind("Leading or trailing parameters are not allowed"),
        2494100: ErrorKind("Phone number is in maintenance mode"),
        2494191: ErrorKind("Taking the thread is not permitted"),
        2593107: ErrorKind("Synchronisation was requested already"),
        2593108: ErrorKind("Synchronisation was requested outside the allowed time"),
        2593109: ErrorKind("The business does not share its history"),
        **dict.fromkeys(range(2494164, 2494180), ErrorKind("Signup is not valid")),
    }
)


def kind_of(code: int) -> ErrorKind:
    """The row of a code; of one that no page of Meta's lists, a row that says so."""
    return ERRORS.get(code) or ErrorKind("Unknown error")


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
        self.message = message or f"(#{code}) {kind_of(code).title}"
        self.subcode = subcode

    @property
    def http(self) -> int:
        """The HTTP status of the refusal."""
        return kind_of(self.code).http

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
    title = kind_of(code).title
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
