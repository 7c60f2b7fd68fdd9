"""Vonage's SMS API.

Theory: what comes in is a query, a form or JSON, signed over its fields where the account asks for it – which it has to, for
an app here. Our own id goes out as ``client-ref`` and comes back. A long message that comes in is not joined by Vonage: each
part is a message here, with its place behind it, so that none waits for another that may never come.

Source: Vonage, SMS API, "Send an SMS", "Delivery receipts", "Inbound SMS", "Signing messages", error codes, as of 2026-11; that 9 in
a receipt is an opt-out: Vonage, "Messaging opted-out numbers", read 2026-11.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Final, final

from wa_connector.errors import BodyMalformed, SignatureInvalid
from wa_connector.model.capability import Capabilities
from wa_connector.model.content import Text, Unsupported
from wa_connector.model.directory import Account, App, LineSetup
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import Inbound, InboundItem, InboundMessage, InboundStatus, Report
from wa_connector.model.outbound import (
    Accepted,
    Correction,
    Envelope,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.ports.channel import WebhookRequest
from wa_connector_sms.alphabet import Alphabet, alphabet_of
from wa_connector_sms.calls import (
    TOLERANCE,
    Call,
    Given,
    came_at,
    form_of,
    json_of,
    list_at,
    query_of,
    text_at,
    unix,
    unreadable,
)
from wa_connector_sms.capabilities import CAPABILITIES
from wa_connector_sms.outcomes import Answer, Care, Code, Codes, failure_of, outcome_of, refused
from wa_connector_sms.people import dialled, person, ref_of

NAME: Final = "vonage"
BASE_URL: Final = "https://rest.nexmo.com"
_RETRIED: Final = timedelta(hours=24)
"""For so long Vonage brings a request again that was not taken, and with its first instant."""

CODES: Final[Codes] = {
    "1": Code(Care.LATER, "more is sent than Vonage lets pass"),
    "2": Code(Care.NEVER, "a parameter is missing"),
    "3": Code(Care.NEVER, "a parameter is not valid"),
    "4": Code(Care.ACCOUNT, "Vonage does not let the account in; check key and secret"),
    "5": Code(Care.UNSURE, "Vonage failed and does not say whether the message went"),
    "6": Code(Care.NEVER, "Vonage cannot process the message"),
    "7": Code(Care.NEVER, "the receiver's number is barred"),
    "8": Code(Care.ACCOUNT, "the Vonage account is barred"),
    "9": Code(Care.ACCOUNT, "the Vonage account has no money left"),
    "10": Code(Care.LATER, "too many connections at once"),
    "11": Code(Care.ACCOUNT, "the Vonage account may not send text messages"),
    "12": Code(Care.NEVER, "the message is too long"),
    "14": Code(Care.ACCOUNT, "the signature is not valid"),
    "15": Code(Care.NEVER, "the line may not write to this country"),
    "22": Code(Care.NEVER, "Vonage has no way to the receiver's number"),
    "23": Code(Care.NEVER, "the address for reports is not valid"),
    "29": Code(Care.NEVER, "the trial account may not write to this number"),
    "32": Code(Care.ACCOUNT, "the account sends by signature, and not by its secret"),
    "33": Code(Care.NEVER, "the receiver's number is not in service"),
}
"""Of the answer to a message. Source: Vonage, SMS API errors, as of 2026-11."""

FAILURES: Final[Codes] = {
    "1": Code(Care.NEVER, "the operator did not deliver it and says no more"),
    "2": Code(Care.NEVER, "the telephone could not be reached"),
    "3": Code(Care.NEVER, "the receiver's number is not in service"),
    "4": Code(Care.NEVER, "the receiver or his operator blocks text messages"),
    "5": Code(Care.NEVER, "the receiver has taken his number to another operator"),
    "6": Code(Care.NEVER, "the operator took the message for spam"),
    "7": Code(Care.NEVER, "the telephone was busy"),
    "8": Code(Care.NEVER, "the operator failed"),
    "9": Code(Care.NEVER, "the customer wrote STOP to this number", Correction.OPTED_OUT),
    "10": Code(Care.NEVER, "the operator refuses the message"),
    "11": Code(Care.NEVER, "Vonage has no way to the receiver's number"),
    "12": Code(Care.NEVER, "the receiver cannot be reached"),
    "14": Code(Care.NEVER, "the operator blocks the line's number"),
    "15": Code(Care.NEVER, "the receiver's card has no money left"),
    "99": Code(Care.NEVER, "the operator did not deliver it and says no more"),
}
"""Of a delivery receipt (``err-code``). Source: as above."""

_REPORTS: Final[Mapping[str, Report]] = {
    "accepted": Report.SENT,
    "buffered": Report.SENT,
    "delivered": Report.DELIVERED,
    "expired": Report.FAILED,
    "failed": Report.FAILED,
    "rejected": Report.FAILED,
}


@final
class Vonage:
    """Implements ``carrying.HttpGateway``."""

    def capabilities_of(self, account: Account) -> Capabilities:  # noqa: ARG002
        """Words alone."""
        return CAPABILITIES

    # --- out ----------------------------------------------------------------------------------------------------------

    def request(self, line: LineSetup, envelope: Envelope) -> Call | SendOutcome:
        """The request to ``sms/json``; the account's ``provider_ref`` is its key, its token the secret. Options:
        ``callback_url``, where reports go, unless Vonage's settings say so."""
        given = Given(line.account)
        callback = given.text("callback_url", "")
        token, base_url = given.token(), given.url(BASE_URL)
        if (stopped := given.stopped()) is not None:
            return stopped
        to = dialled(envelope.to)
        if to is None or not isinstance(envelope.content, Text):
            return Rejected("content", "the gateway carries words, to numbers")
        body = envelope.content.body
        form = [
            ("api_key", line.account.provider_ref),
            ("api_secret", token),
            ("from", line.line.provider_ref.removeprefix("+")),
            ("to", to.removeprefix("+")),
            ("text", body),
            ("type", "text" if alphabet_of(body) is Alphabet.GSM else "unicode"),
            ("client-ref", envelope.message),
            ("status-report-req", "1"),
            *([("callback", callback)] if callback else []),
        ]
        return Call("POST", base_url, "/sms/json", form=tuple(form))

    def outcome(self, answer: Answer, envelope: Envelope) -> SendOutcome:  # noqa: ARG002
        """What became of a message. Vonage answers each part: where one went, the message did."""
        if not answer.is_ok:
            return refused(answer, "", {})
        try:
            parts = list_at(json_of(answer.body), "messages")
        except BodyMalformed:
            parts = []
        went = [text_at(part, "message-id") for part in parts if text_at(part, "status") == "0"]
        if went and went[0]:
            return Accepted(ProviderId(went[0]), further=tuple(ProviderId(each) for each in went[1:] if each))
        code = text_at(parts[0], "status") if parts else ""
        row = CODES.get(code)
        if row is not None:
            pause = timedelta(seconds=1) if row.care is Care.LATER else None
            return outcome_of(code, row, pause)
        if code and code != "0":
            return Rejected(code, "the provider refuses it and says no more than the code")
        return OutcomeUnknown("Vonage said yes in words that cannot be read")

    # --- in -----------------------------------------------------------------------------------------------------------

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """A message, a part of one, or a report on one of ours. Where the request does not name the account, the endpoint's
        address may (``?account=…``)."""
        fields = _fields(request)
        check(app, request, fields)
        account = fields.get("api-key") or dict(query_of(request)).get("account", "")
        line = ref_of(fields.get("to", ""))
        if "status" in fields:
            return [Inbound(account, line, _report(fields, request))]
        if "msisdn" not in fields:
            raise BodyMalformed("the request is no message and no receipt")
        return [Inbound(account, line, _message(line, fields, request))]


def _fields(request: WebhookRequest) -> dict[str, str]:
    if request.method.upper() == "GET":
        return dict(query_of(request))
    if "json" in request.header("content-type").lower():
        told = json_of(request.body)
        if not isinstance(told, dict):
            raise BodyMalformed("the body is no object")
        return {name: value if isinstance(value, str) else str(value) for name, value in told.items()}
    return dict(form_of(request))


def check(app: App, request: WebhookRequest, fields: Mapping[str, str]) -> None:
    """Raises ``SignatureInvalid`` unless one of the app's secrets signed the fields, with whichever of Vonage's ways. An
    instant may be as old as what Vonage still brings again: what was taken before changes nothing."""
    given = fields.get("sig", "").lower()
    at = unix(fields.get("timestamp", ""))
    now = came_at(request)
    if given.isascii() and given and at is not None and -TOLERANCE <= now - at <= _RETRIED + TOLERANCE:
        told = sorted((name, value) for name, value in fields.items() if name not in ("sig", "account"))
        text = "".join(f"&{name}={_plain(value)}" for name, value in told).encode("utf-8", "surrogatepass")
        for secret in app.secrets:
            if secret and any(hmac.compare_digest(each, given) for each in _signatures(secret.reveal().encode(), text)):
                return
    raise SignatureInvalid(
        "the request is not signed with any of the app's secrets. Ask Vonage to sign what comes in to the account, and give"
        " its signature secret as the app's"
    )


def _plain(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")


def _signatures(secret: bytes, text: bytes) -> Sequence[str]:
    keyed = [hmac.digest(secret, text, name).hex() for name in ("md5", "sha1", "sha256", "sha512")]
    return [md5(text + secret, usedforsecurity=False).hexdigest(), *keyed]


def _report(fields: Mapping[str, str], request: WebhookRequest) -> InboundItem:
    report, named = _REPORTS.get(fields.get("status", "")), fields.get("messageId", "")
    if report is None or not named:
        return unreadable("a receipt of a kind that this version does not know", fields)
    ours, code = fields.get("client-ref", ""), fields.get("err-code", "")
    meaning, correction = failure_of(code, FAILURES) if report is Report.FAILED else ("", Correction.NONE)
    return InboundStatus(
        ProviderId(named),
        _told_at(fields) or came_at(request),
        report,
        MessageId(ours) if ours else None,
        error=(code or fields["status"]) if report is Report.FAILED else "",
        meaning=meaning,
        correction=correction,
    )


def _message(line: str, fields: Mapping[str, str], request: WebhookRequest) -> InboundItem:
    sender, named = person(fields.get("msisdn", ""), line), fields.get("messageId", "")
    if sender is None or not named:
        return unreadable("a message without an id or a number of its sender's", fields)
    is_binary = fields.get("type") == "binary"
    content = Unsupported("binary") if is_binary else Text(fields.get("text", "") + _place(fields))
    return InboundMessage(ProviderId(named), _told_at(fields) or came_at(request), sender, content)


def _place(fields: Mapping[str, str]) -> str:
    if fields.get("concat", "").lower() != "true":
        return ""
    return f" ({fields.get('concat-part', '?')}/{fields.get('concat-total', '?')})"


def _told_at(fields: Mapping[str, str]) -> datetime | None:
    """``message-timestamp``, in UTC, to the second."""
    try:
        return datetime.strptime(fields.get("message-timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
