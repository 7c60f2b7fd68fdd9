"""Twilio's Programmable Messaging.

Theory: a request is a form, and its signature is over the public address and the form's fields, so the host passes the
address as the world sees it. What comes in names the account and both numbers, and says nothing of when it was written.
Our own id goes out in the address for reports, which is signed with them, so a report settles a message whose answer
never came. Where Twilio keeps the opt-outs it answers STOP, START and HELP itself, and says so.

Source: Twilio, Message resource, "Twilio's request to your webhook", "Validating signatures", error dictionary, as of
2026-11; the signature agrees with Twilio's own library.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, final
from urllib.parse import parse_qs, quote, urlsplit

from attrs import evolve

from wa_connector.errors import BodyMalformed, SignatureInvalid
from wa_connector.model.capability import Capabilities, MediaLimits
from wa_connector.model.consent import Signal
from wa_connector.model.content import Image, MediaRef, Text
from wa_connector.model.directory import Account, App, LineSetup
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import Inbound, InboundItem, InboundMessage, InboundStatus, Report
from wa_connector.model.outbound import (
    Accepted,
    Correction,
    Envelope,
    FetchFailed,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.ports.channel import WebhookRequest
from wa_connector_sms.calls import Call, Given, basic, came_at, form_of, json_of, query_of, text_at, unreadable
from wa_connector_sms.capabilities import CAPABILITIES
from wa_connector_sms.carrying import Download
from wa_connector_sms.outcomes import Answer, Care, Code, Codes, failure_of, refused
from wa_connector_sms.people import dialled, person, ref_of
from wa_connector_sms.pictures import contents_of, download_of, file_address, files_of, with_pictures
from wa_connector_sms.receipts import instant_of

NAME: Final = "twilio"
BASE_URL: Final = "https://api.twilio.com"
HEADER: Final = "X-Twilio-Signature"
SETTINGS_HEADER: Final = "X-Twilio-Webhooks-Signature-Settings"
PICTURES: Final = MediaLimits(frozenset({"image/jpeg", "image/png", "image/gif"}), 5 * 1024 * 1024)
_MEDIA_HOSTS: Final = ("twilio.com", "twiliocdn.com", "amazonaws.com")

_GONE = Correction.OPTED_OUT
CODES: Final[Codes] = {
    "20003": Code(Care.ACCOUNT, "Twilio does not let the account in; check its id and token"),
    "20005": Code(Care.ACCOUNT, "the Twilio account is not active"),
    "20429": Code(Care.LATER, "more is sent than Twilio lets pass"),
    "20500": Code(Care.UNSURE, "Twilio failed and does not say whether the message went"),
    "20503": Code(Care.LATER, "Twilio takes nothing for now"),
    "21211": Code(Care.NEVER, "the receiver's number is no number that can be written to"),
    "21212": Code(Care.ACCOUNT, "the line's number may not send"),
    "21408": Code(Care.NEVER, "the account may not write to this country; permit it in Twilio's console"),
    "21601": Code(Care.ACCOUNT, "the line's number cannot send text messages"),
    "21602": Code(Care.NEVER, "the message is empty"),
    "21603": Code(Care.ACCOUNT, "the line has no number to send from"),
    "21604": Code(Care.NEVER, "the receiver is missing"),
    "21606": Code(Care.ACCOUNT, "the line's number is not the account's, or cannot send text messages"),
    "21610": Code(Care.NEVER, "the customer wrote STOP to this number", _GONE),
    "21611": Code(Care.LATER, "the line's queue at Twilio is full"),
    "21612": Code(Care.NEVER, "Twilio has no way from this number to the receiver's"),
    "21614": Code(Care.NEVER, "the receiver's number is no mobile", Correction.NOT_ON_CHANNEL),
    "21617": Code(Care.NEVER, "the message is longer than 1,600 characters"),
    "21620": Code(Care.NEVER, "the picture's address is not one that Twilio can open"),
    "21623": Code(Care.NEVER, "there are too many pictures"),
    "21659": Code(Care.ACCOUNT, "the line's number is not the account's"),
    "21660": Code(Care.ACCOUNT, "the line's number is not the account's"),
    "21703": Code(Care.ACCOUNT, "the messaging service has no number to send from"),
    "21910": Code(Care.NEVER, "sender and receiver are of different channels"),
    "30001": Code(Care.NEVER, "the queue overflowed"),
    "30002": Code(Care.ACCOUNT, "the Twilio account is suspended"),
    "30003": Code(Care.NEVER, "the telephone cannot be reached now"),
    "30004": Code(Care.NEVER, "the receiver has blocked the message"),
    "30005": Code(Care.NEVER, "the receiver's number is not known"),
    "30006": Code(Care.NEVER, "the number is a landline, or its operator takes no messages", Correction.NOT_ON_CHANNEL),
    "30007": Code(Care.NEVER, "the operator took the message for spam"),
    "30008": Code(Care.NEVER, "the operator did not deliver it and says no more"),
    "30022": Code(Care.LATER, "more is sent than the registered campaign may send"),
    "30023": Code(Care.NEVER, "the campaign has reached its limit of today"),
    "30032": Code(Care.ACCOUNT, "the toll-free number is not verified"),
    "30034": Code(Care.ACCOUNT, "the number is not registered for business messages (10DLC)"),
    "30035": Code(Care.ACCOUNT, "the number's registration is not finished"),
    "30454": Code(Care.NEVER, "the receiver has had too many messages"),
    "63038": Code(Care.NEVER, "the account has reached its limit of today"),
}
"""Source: Twilio, error and warning dictionary, as of 2026-11."""

_REPORTS: Final[Mapping[str, Report]] = {
    "sent": Report.SENT,
    "delivered": Report.DELIVERED,
    "read": Report.READ,
    "undelivered": Report.FAILED,
    "failed": Report.FAILED,
    "canceled": Report.FAILED,
}
_ON_THE_WAY: Final = frozenset({"accepted", "scheduled", "queued", "sending"})
_OPT_OUTS: Final[Mapping[str, Signal | None]] = {"STOP": Signal.STOP, "START": Signal.START, "HELP": None}


@final
class Twilio:
    """Implements ``carrying.HttpGateway`` and ``carrying.FetchingGateway``."""

    def capabilities_of(self, account: Account) -> Capabilities:
        """Pictures where the account has ``media_url``: Twilio fetches them by an address."""
        return with_pictures(CAPABILITIES, PICTURES) if "media_url" in account.options else CAPABILITIES

    # --- out ----------------------------------------------------------------------------------------------------------

    def request(self, line: LineSetup, envelope: Envelope) -> Call | SendOutcome:
        """The request to the Message resource. Options: ``callback_url``, the app's public address, for reports;
        ``username``, an API key's id where the token is its secret; ``messaging_service``; ``media_url``, where Twilio
        fetches pictures (``pictures.file_address``)."""
        account, given = line.account, Given(line.account)
        callback, service = given.text("callback_url", ""), given.text("messaging_service", "")
        username, media_url = given.text("username", account.provider_ref), given.text("media_url", "")
        token, base_url = given.token(), given.url(BASE_URL)
        if (stopped := given.stopped()) is not None:
            return stopped
        to = dialled(envelope.to)
        if to is None:
            return Rejected("21211", CODES["21211"].meaning)
        form = [("To", to), ("From", line.line.provider_ref)]
        if service:
            form.append(("MessagingServiceSid", service))
        if callback:
            form.append(("StatusCallback", _with_ref(callback, envelope.message)))
        match envelope.content:
            case Text(body):
                form.append(("Body", body))
            case Image(media, caption) if media_url:
                form += [("MediaUrl", file_address(media_url, media)), *([("Body", caption)] if caption else [])]
            case _:
                return Rejected("content", "this account carries words alone")
        path = f"/2010-04-01/Accounts/{quote(account.provider_ref, safe='')}/Messages.json"
        return Call("POST", base_url, path, {"authorization": basic(username, token)}, form=tuple(form))

    def outcome(self, answer: Answer, envelope: Envelope) -> SendOutcome:  # noqa: ARG002
        """What became of a message; its id is Twilio's."""
        try:
            body = json_of(answer.body)
        except BodyMalformed:
            body = None
        if answer.is_ok:
            sid = text_at(body, "sid")
            return Accepted(ProviderId(sid)) if sid else OutcomeUnknown("Twilio said yes in words that cannot be read")
        code = body.get("code") if isinstance(body, dict) else None
        return refused(answer, str(code) if isinstance(code, int) else "", CODES)

    def download(self, line: LineSetup, media: MediaRef) -> Download | FetchFailed:
        """An inbound picture lies at Twilio, which redirects to a store of its own."""
        given = Given(line.account)
        token, base_url = given.token(), given.url(BASE_URL)
        username = given.text("username", line.account.provider_ref)
        if given.mistakes:
            return FetchFailed("; ".join(given.mistakes), is_final=False)
        return download_of(media, {"authorization": basic(username, token)}, _MEDIA_HOSTS, base_url)

    # --- in -----------------------------------------------------------------------------------------------------------

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """A message, or a report on one of ours."""
        form = form_of(request) if request.method.upper() == "POST" else []
        check(app, request, form)
        fields = dict(form or query_of(request))
        account = fields.get("AccountSid", "")
        if not account:
            raise BodyMalformed("the request names no Twilio account")
        status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
        if status and status not in ("received", "receiving"):
            return _reported(account, status, fields, request)
        line = ref_of(fields.get("To", ""))
        return [Inbound(account, line, item) for item in _messages(line, fields, request)]


# --- signatures -------------------------------------------------------------------------------------------------------


def check(app: App, request: WebhookRequest, form: Sequence[tuple[str, str]]) -> None:
    """Raises ``SignatureInvalid`` unless one of the app's secrets signed the public address and the fields."""
    given = request.header(HEADER)
    settings = dict(part.partition("=")[::2] for part in request.header(SETTINGS_HEADER).replace(" ", "").split(","))
    algorithm = {"": "sha1", "HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}.get(settings.get("algorithm", "").upper())
    if given and given.isascii() and algorithm is not None and _is_body_named(request, form):
        told = "".join(name + value for name, value in sorted(set(form)))
        for url in _addresses(request.url):
            signed = (url + told).encode("utf-8", "surrogatepass")
            for secret in app.secrets:
                if secret and hmac.compare_digest(_signature(secret.reveal(), signed, algorithm), given):
                    return
    raise SignatureInvalid(
        f"{HEADER} does not sign this request with any of the app's secrets. Is the secret the account's auth token, and"
        " is the url the public one, as the world sees it in front of every proxy?"
        if given
        else f"the request has no {HEADER}: it does not come from Twilio, or a proxy removed the header"
    )


def _signature(secret: str, signed: bytes, algorithm: str) -> str:
    return b64encode(hmac.digest(secret.encode(), signed, algorithm)).decode("ascii")


def _is_body_named(request: WebhookRequest, form: Sequence[tuple[str, str]]) -> bool:
    """A body that is no form is not signed itself: its digest is, in the address."""
    if not request.body or (form and "json" not in request.header("content-type")):
        return True
    named = parse_qs(urlsplit(request.url).query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(sha256(request.body).hexdigest().encode(), named.encode("utf-8", "replace"))


def _addresses(url: str) -> tuple[str, ...]:
    """The address as it is, and with its scheme's port written out or left out: the signing side is not of one mind."""
    parts = urlsplit(url)
    host, colon, port = parts.netloc.rpartition(":")
    standard = {"https": "443", "http": "80"}.get(parts.scheme, "")
    other = host if colon and port.isdigit() else f"{parts.netloc}:{standard}"
    return (url, url.replace(parts.netloc, other, 1)) if parts.netloc else (url,)


# --- what comes in ----------------------------------------------------------------------------------------------------


def _with_ref(callback: str, message: MessageId) -> str:
    return f"{callback}{'&' if '?' in callback else '?'}ref={quote(message, safe='')}"


def _reported(account: str, status: str, fields: Mapping[str, str], request: WebhookRequest) -> Sequence[Inbound]:
    line, sid = ref_of(fields.get("From", "")), fields.get("MessageSid") or fields.get("SmsSid", "")
    report = _REPORTS.get(status)
    if report is None and status in _ON_THE_WAY:
        return []
    if report is None or not sid:
        return [Inbound(account, line, unreadable("a report of a kind that this version does not know", fields))]
    ours = dict(query_of(request)).get("ref", "")
    error = fields.get("ErrorCode", "")
    meaning, correction = failure_of(error, CODES) if report is Report.FAILED else ("", Correction.NONE)
    item = InboundStatus(
        ProviderId(sid),
        _reported_at(fields) or came_at(request),
        report,
        MessageId(ours) if ours else None,
        error=(error or status) if report is Report.FAILED else "",
        meaning=meaning,
        correction=correction,
    )
    return [Inbound(account, line, item)]


def _reported_at(fields: Mapping[str, str]) -> datetime | None:
    return instant_of(fields.get("RawDlrDoneDate", ""))


def _messages(line: str, fields: Mapping[str, str], request: WebhookRequest) -> Iterable[InboundItem]:
    """The words, and each file as a message of its own: a message has one."""
    sid, sender = fields.get("MessageSid") or fields.get("SmsSid", ""), person(fields.get("From", ""), line)
    if not sid or sender is None or ":" in fields.get("From", ""):
        yield unreadable("a message without an id or a number of its sender's", fields)
        return
    at, said = came_at(request), fields.get("OptOutType", "").upper()
    files = files_of(
        (fields.get(f"MediaUrl{place}", ""), fields.get(f"MediaContentType{place}", ""))
        for place in range(_count(fields.get("NumMedia", "")))
    )
    for place, content in enumerate(contents_of(fields.get("Body", ""), files)):
        named = ProviderId(sid if place == 0 else f"{sid}/{place}")
        message = InboundMessage(named, at, sender, content)
        if place == 0 and said in _OPT_OUTS:
            message = evolve(message, signal=_OPT_OUTS[said], is_answered=True)
        yield message


def _count(text: str) -> int:
    return min(int(text), 10) if text.isascii() and text.isdigit() and len(text) < 3 else 0
