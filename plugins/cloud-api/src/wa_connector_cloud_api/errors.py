"""The provider's error codes: what each means, and what a sender may do about it.

Rules of this file: data, the look-ups over it, and nothing that knows HTTP. One code has one row, whether it comes at
once (the answer to a request) or later (in a status). Branch on the code, never on title, subcode or HTTP status:
throttling arrives as 400.

Source: WhatsApp Cloud API, error codes, read 2026-11. What each row advises is ours.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Final

from attrs import frozen

from wa_connector.model.outbound import Correction
from wa_connector_cloud_api._wire import harmless, text


class Care(Enum):
    """What a sender may do about a code."""

    SAFE = "S"
    """Refused before processing: the same message may be handed over again, soon."""
    UNSURE = "L"
    """The provider failed: whether it had sent the message already is not known."""
    DEFER = "D"
    """Refused for hours or days. The message is refused, and its writer told: one that waited for a day would hold up
    every other to the same customer."""
    NEVER = "N"
    """Refused for good."""
    FIX = "F"
    """Refused until somebody corrects configuration or content."""
    ACCOUNT = "A"
    """The account or the number cannot send at all until somebody mends it."""


@frozen
class Known:
    """One row: the class, the meaning as a sentence without its full stop, and how long to wait where that is known."""

    care: Care
    meaning: str
    retry_after: timedelta | None = None


_S, _L, _D, _N, _F, _A = Care.SAFE, Care.UNSURE, Care.DEFER, Care.NEVER, Care.FIX, Care.ACCOUNT
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

CODES: Final[Mapping[int, Known]] = {
    # ------------------------------------------------------------------- authorisation and account
    0: Known(_A, "the provider does not accept the account's token"),
    3: Known(_A, "the app lacks a capability or permission"),
    10: Known(_A, "the app lacks a permission for this account"),
    33: Known(_A, "the business number was deleted"),
    104: Known(_A, "the request carried no token"),
    190: Known(_A, "the account's token has expired or is invalid"),
    200: Known(_A, "the request carried no token, or the app lacks a permission"),
    368: Known(_A, "the account is blocked for a time after policy violations"),
    131005: Known(_A, "access is denied: the app lacks a permission for this account"),
    131031: Known(_A, "the account is locked"),
    131042: Known(_A, "the account has a payment problem"),
    131044: Known(_A, "the account has a payment problem (calls)"),
    131045: Known(_A, "the business number is not registered properly"),
    131048: Known(_A, "too many recipients reported this number as spam; it is restricted"),
    131214: Known(_A, "creating groups is disabled after marketing in service windows"),
    131215: Known(_A, "the business number may not create groups"),
    133006: Known(_A, "the business number is not verified"),
    133010: Known(_A, "the business number is not registered"),
    139200: Known(_A, "sending without a template is blocked for this account"),
    # ----------------------------------------------------------------------------------- too much
    4: Known(_S, "the app makes too many calls"),
    613: Known(_S, "too many queries"),
    80007: Known(_S, "the account makes too many calls"),
    80008: Known(_S, "the account makes too many calls"),
    130429: Known(_S, "the business number sends faster than it may"),
    131056: Known(_S, "too many messages to this customer in a short time", timedelta(seconds=6)),
    131057: Known(_S, "the business number is under maintenance for about a minute", _MINUTE),
    131208: Known(_S, "too many group operations"),
    2494100: Known(_S, "the business number is under maintenance for some minutes", 5 * _MINUTE),
    # -------------------------------------------------------------------------- the provider's own
    1: Known(_L, "the provider could not make sense of the request, or failed"),
    2: Known(_L, "the provider is overloaded or down for a time"),
    131000: Known(_L, "the provider failed for a reason it does not name"),
    131016: Known(_L, "a service of the provider is unavailable"),
    133004: Known(_L, "the provider's server is down for a time"),
    # ------------------------------------------------------------------------------------- request
    100: Known(_N, "a parameter is invalid or not supported"),
    131008: Known(_N, "a required parameter is missing"),
    131009: Known(_N, "a parameter has a value that is not allowed"),
    131051: Known(_N, "the type of message is not supported"),
    131055: Known(_N, "only marketing templates go this way"),
    135000: Known(_N, "a parameter of the message is invalid"),
    # ----------------------------------------------------------------------------------- recipient
    130403: Known(_N, "your business has blocked this customer"),
    130472: Known(_N, "the customer is in an experiment of the provider's and gets no marketing"),
    130497: Known(_N, "the account may not write to customers in this country"),
    131020: Known(_N, "the group has no other member"),
    131021: Known(_N, "sender and recipient are the same number"),
    131026: Known(_N, "WhatsApp cannot deliver to this customer"),
    131030: Known(_F, "a test number may only write to the recipients on its list"),
    131037: Known(_F, "the display name of the business number is not approved yet"),
    131041: Known(_N, "the group does not exist"),
    131047: Known(_N, "more than 24 hours have passed since the customer last wrote"),
    131049: Known(_D, "WhatsApp holds marketing back from this customer for now", _DAY),
    131050: Known(_N, "the customer has stopped marketing messages from this business"),
    131062: Known(_N, "this message needs the customer's number; a user id is not enough"),
    137000: Known(_N, "the customer's identity has changed since it was last verified"),
    # --------------------------------------------------------------------------------------- media
    131052: Known(_N, "the customer's file cannot be downloaded, or is over 100 MB"),
    131053: Known(_F, "the file could not be uploaded, or is not of the type it claims"),
    131060: Known(_N, "the customer's message is not available"),
    # ----------------------------------------------------------------------------------- templates
    131063: Known(_F, "marketing through the Cloud API is disabled for this account"),
    131064: Known(_D, "utility templates are held back after wrong categories", _DAY),
    132000: Known(_N, "the number of parameters does not fit the template"),
    132001: Known(_F, "the template does not exist or is not approved in this language"),
    132005: Known(_N, "the template's text is too long once its parameters are filled in"),
    132007: Known(_N, "the template's content violates a policy"),
    132012: Known(_N, "a parameter does not have the form that the template asks for"),
    132015: Known(_D, "the template is paused for its quality", 3 * _HOUR),
    132016: Known(_N, "the template is disabled for its quality"),
    132018: Known(_N, "the template's parameters did not pass validation"),
    132021: Known(_F, "a template of this name exists already"),
    132068: Known(_F, "the flow is blocked"),
    132069: Known(_D, "the flow is throttled", _HOUR),
    134011: Known(_F, "the terms of WhatsApp payments are not accepted"),
    134100: Known(_N, "only marketing templates go this way"),
    134101: Known(_D, "the template is still being prepared", 10 * _MINUTE),
    134102: Known(_F, "the template cannot be used this way"),
    # -------------------------------------------------------------------------------- registration
    133000: Known(_F, "the business number was not deregistered completely; deregister it again"),
    133005: Known(_F, "the PIN of the business number is wrong"),
    133008: Known(_D, "too many wrong PINs", _HOUR),
    133009: Known(_D, "PINs were entered too fast", _MINUTE),
    133015: Known(_D, "the business number was deleted a moment ago", 5 * _MINUTE),
    133016: Known(_D, "too many registrations of this number", timedelta(hours=72)),
    136024: Known(_N, "the business number is verified already"),
    # -------------------------------------------------------------------------------------- groups
    131059: Known(_N, "the page of groups is no longer valid; start again"),
    131201: Known(_N, "the group operation succeeded for some participants only"),
    131202: Known(_N, "the group operation was asked for twice"),
    131204: Known(_N, "a limit of groups is reached"),
    131207: Known(_N, "the group is suspended"),
    131209: Known(_N, "the group's picture is not acceptable"),
    131210: Known(_N, "a limit of the group is reached"),
    131211: Known(_N, "the group or the participant is not eligible"),
    131212: Known(_N, "the customer is not in the group"),
    131213: Known(_N, "there is no such request to join"),
    # --------------------------------------------------------------------------------------- calls
    138000: Known(_F, "calls are not enabled for the business number"),
    138001: Known(_N, "the customer cannot be called"),
    138002: Known(_N, "too many calls at once"),
    138003: Known(_N, "the call exists already"),
    138004: Known(_N, "the call could not be connected"),
    138005: Known(_N, "too many calls in a short time"),
    138006: Known(_N, "the customer has not allowed calls"),
    138007: Known(_N, "the call's session description came too late"),
    138008: Known(_N, "the call failed"),
    138009: Known(_N, "too many requests for permission to call"),
    138012: Known(_N, "too many calls to this customer within 24 hours"),
    138013: Known(_N, "too many queries about permission to call"),
    138018: Known(_F, "something that calls need is not set up"),
    # ---------------------------------------------------------------------------------- management
    139000: Known(_F, "the flow is not acceptable"),
    139001: Known(_F, "the flow could not be changed"),
    139002: Known(_F, "the flow could not be published"),
    139003: Known(_F, "the flow could not be withdrawn"),
    139004: Known(_F, "the flow could not be deleted"),
    139100: Known(_N, "some customers could not be blocked"),
    139101: Known(_N, "the list of blocked customers is full"),
    139102: Known(_N, "the list of blocked customers is being changed by somebody else"),
    139103: Known(_N, "blocking failed inside the provider"),
    147001: Known(_F, "the username is not acceptable"),
    147002: Known(_F, "the username is not acceptable"),
    147003: Known(_F, "the username is not acceptable"),
    147004: Known(_F, "the username is not acceptable"),
    147005: Known(_F, "the username is not acceptable"),
    1752041: Known(_N, "the account is on board already"),
    2494191: Known(_N, "this app may not take over the conversation"),
    2593107: Known(_N, "the app's history was synchronised already"),
    2593108: Known(_N, "the app's history can be synchronised within 24 hours only"),
    2593109: Known(_N, "the business does not share the app's history"),
}

_TEMPLATE_ADMINISTRATION: Final = frozenset(
    {2388012, 2388019, 2388039, 2388040, 2388047, 2388072, 2388073, 2388091, 2388093, 2388103, 2388293, 2388299}
)
_PERMISSION: Final = Known(_A, "the app lacks a permission for this account")
_TEMPLATE_REFUSED: Final = Known(_F, "the template was not accepted")
_SIGNUP_REFUSED: Final = Known(_F, "the sign-up form was not accepted")
_INSIGHTS_OFF: Final = Known(_F, "template insights are not available")


_REMEDIES: Final[Mapping[Care, str]] = {
    Care.SAFE: "Wait a little; the connector hands it over again by itself.",
    Care.UNSURE: "Wait for the status of the message; it may have been sent. Read the provider's status page.",
    Care.DEFER: "Wait as long as the code says, and change what led to it.",
    Care.NEVER: "Change the message, or do not send it; the same one will be refused again.",
    Care.FIX: "Correct the configuration or the content that the code names, and send again.",
    Care.ACCOUNT: "Mend the account or the token before anything else is sent; run `wa-connector doctor`.",
}
_RENEW: Final = "Make a new system-user token, and put it into the configuration."
_PERMISSIONS: Final = "Give the app the permissions whatsapp_business_messaging and whatsapp_business_management."
_REGISTER: Final = "Register the number: POST /{number}/register with its PIN."
_OWN_REMEDIES: Final[Mapping[int, str]] = {
    0: _RENEW,
    3: _PERMISSIONS,
    10: _PERMISSIONS,
    33: "The number was deleted; configure another one.",
    100: "Compare the ids with those in the provider's manager: account, number and app are three different ones.",
    104: "Put a system-user token into the configuration.",
    190: _RENEW,
    200: "Assign the account to the system user, with full control.",
    130403: "Unblock the customer first.",
    131026: "Use another channel; it is no proof that the customer has no WhatsApp.",
    131030: "Add the recipient to the test number's list, or use a real number.",
    131031: "Read the account's state in the provider's manager.",
    131037: "Ask for another display name, and wait for its approval.",
    131042: "Put a valid payment method on the account.",
    131044: "Put a valid payment method on the account.",
    131045: _REGISTER,
    131047: "Use a template, or wait until the customer writes.",
    131048: "Pause campaigns, and see that everybody who is written to has agreed.",
    131049: "Wait a day; trying again earlier makes it worse. The template is not at fault.",
    131050: "Send no marketing to this customer until he resumes it.",
    131053: "Convert the file to one of the types that the provider lists.",
    131056: "Write to this customer more slowly.",
    131062: "Ask the customer for the number: send a ContactRequest (request_contact_info).",
    131063: "Send marketing by the marketing interface.",
    132000: "Give as many parameters as the template has placeholders; sync the templates.",
    132001: "Sync the templates; this one is missing, or not approved in this language.",
    132012: "Sync the templates; a parameter is of another kind than the template's.",
    132015: "Leave the template alone until it is back; send another one meanwhile.",
    132016: "Replace the template.",
    133006: "Verify the number: request_code and verify_code.",
    133010: _REGISTER,
}


def remedy(code: int) -> str:
    """What a person can do about a code: its own advice, else that of its class; for an unknown one, where to look."""
    if (own := _OWN_REMEDIES.get(code)) is not None:
        return own
    if (row := known(code)) is not None:
        return _REMEDIES[row.care]
    return "Look the code up at the provider, and tell us of it; nothing of the answer is lost."


def known(code: int) -> Known | None:
    """The row of a code, families of codes included; None for one that no table of ours has."""
    if (row := CODES.get(code)) is not None:
        return row
    if 200 <= code <= 299:
        return _PERMISSION
    if code in _TEMPLATE_ADMINISTRATION:
        return _TEMPLATE_REFUSED
    if 2494164 <= code <= 2494179:
        return _SIGNUP_REFUSED
    if 200005 <= code <= 200007:
        return _INSIGHTS_OFF
    return None


CORRECTIONS: Final[Mapping[str, Correction]] = {
    "131026": Correction.NOT_ON_CHANNEL,
    "131047": Correction.WINDOW_CLOSED,
    "131049": Correction.MARKETING_CAPPED,
    "131050": Correction.MARKETING_STOPPED,
}
"""What a code teaches about the customer's standing, whether it comes at once or in a status."""


def correction(code: str) -> Correction:
    """What a refusal with this code teaches; nothing, for most."""
    return CORRECTIONS.get(code, Correction.NONE)


@frozen
class Refusal:
    """An error object of the provider's, read: its code as text, its row if we know it, and a sentence for people."""

    code: str
    row: Known | None
    meaning: str
    is_transient: bool = False


def read(error: Mapping[str, object]) -> Refusal:
    """Read ``{"code", "title"?, "message"?, "error_data": {"details"}?, "is_transient"?}``, however incomplete.

    The meaning is our sentence, then the provider's details; for an unknown code all that the provider said. Whatever
    in it looks like a number, an id or a token is left out, for a meaning ends up on screens and in logs.
    """
    number = _number(error.get("code"))
    row = None if number is None else known(number)
    data = error.get("error_data")
    details = text(data.get("details")) if isinstance(data, dict) else ""
    said = [row.meaning] if row else [text(error.get("title")), text(error.get("message"))]
    parts = dict.fromkeys(part.strip().rstrip(".") for part in (*said, details) if part.strip())
    return Refusal(
        code="" if number is None else str(number),
        row=row,
        meaning=harmless(": ".join(parts)) or "the provider gives no reason",
        is_transient=error.get("is_transient") is True,
    )


def _number(code: object) -> int | None:
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= 18:
        return int(code)
    if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 10**18:
        return code
    return None
