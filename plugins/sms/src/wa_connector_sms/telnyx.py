"""Telnyx messaging, version 2.

Theory: what comes in is signed over its instant and its raw body with the account's key pair, so the app's ``secret`` is
the public key. Our own id goes out as a tag, and comes back in every report. Telnyx keeps opt-outs a messaging profile, and
answers STOP and HELP itself where the profile says so; what it refuses because of one is 40300.

Source: Telnyx API v2, "Send a message", "Receiving webhooks for messaging", "Webhook signing", error codes, as of 2026-11.
"""

from base64 import b64decode
from binascii import Error
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, final

from attrs import evolve

from wa_connector.errors import BodyMalformed, ConfigError, SignatureInvalid
from wa_connector.model.capability import Capabilities, MediaLimits
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
from wa_connector_sms.calls import (
    TOLERANCE,
    Call,
    Given,
    came_at,
    instant,
    json_of,
    list_at,
    text_at,
    unix,
    unreadable,
)
from wa_connector_sms.capabilities import CAPABILITIES
from wa_connector_sms.carrying import Download
from wa_connector_sms.outcomes import Answer, Care, Code, Codes, failure_of, refused
from wa_connector_sms.people import dialled, person, ref_of
from wa_connector_sms.pictures import contents_of, download_of, file_address, files_of, with_pictures

NAME: Final = "telnyx"
BASE_URL: Final = "https://api.telnyx.com"
SIGNATURE: Final = "telnyx-signature-ed25519"
TIMESTAMP: Final = "telnyx-timestamp"
PICTURES: Final = MediaLimits(frozenset({"image/jpeg", "image/png", "image/gif"}), 1024 * 1024)
_MEDIA_HOSTS: Final = ("telnyx.com", "amazonaws.com")
_TAG: Final = "wa_connector:"

CODES: Final[Codes] = {
    "10009": Code(Care.ACCOUNT, "Telnyx does not let the account in; check its key"),
    "10010": Code(Care.ACCOUNT, "the key may not send text messages"),
    "10011": Code(Care.LATER, "more is sent than Telnyx lets pass"),
    "20012": Code(Care.ACCOUNT, "the Telnyx account is not active"),
    "20100": Code(Care.ACCOUNT, "the Telnyx account has no money left"),
    "40001": Code(Care.NEVER, "the number is a landline, or its operator takes no messages", Correction.NOT_ON_CHANNEL),
    "40002": Code(Care.NEVER, "the operator took the message for spam"),
    "40003": Code(Care.NEVER, "the operator took the message for spam"),
    "40004": Code(Care.NEVER, "the operator refused the message"),
    "40005": Code(Care.NEVER, "the message waited too long and expired"),
    "40006": Code(Care.LATER, "the operator cannot be reached now"),
    "40008": Code(Care.NEVER, "the operator did not deliver it and says no more"),
    "40009": Code(Care.NEVER, "the message's content is invalid"),
    "40010": Code(Care.ACCOUNT, "the number is not registered for business messages (10DLC)"),
    "40011": Code(Care.LATER, "more is sent than the registered campaign may send"),
    "40012": Code(Care.NEVER, "the receiver's number is no number that can be written to"),
    "40013": Code(Care.ACCOUNT, "the line's number is not valid for sending"),
    "40014": Code(Care.NEVER, "the message expired in the queue"),
    "40015": Code(Care.NEVER, "the message was blocked as spam"),
    "40016": Code(Care.NEVER, "the operator's limit of today is reached"),
    "40017": Code(Care.NEVER, "the operator took the message for spam"),
    "40018": Code(Care.NEVER, "the operator's limit of today is reached"),
    "40300": Code(Care.NEVER, "the customer wrote STOP to this number", Correction.OPTED_OUT),
    "40305": Code(Care.ACCOUNT, "the line's number is not the account's"),
    "40309": Code(Care.NEVER, "the account may not write to this country; permit it in the messaging profile"),
    "40310": Code(Care.NEVER, "the receiver's number is no number that can be written to"),
    "40312": Code(Care.ACCOUNT, "the messaging profile is switched off"),
    "40318": Code(Care.LATER, "the line's queue at Telnyx is full"),
}
"""Source: Telnyx, messaging error codes and API errors; those up to 40011 and of 10xxx read 2026-11."""

_REPORTS: Final[Mapping[str, Report]] = {
    "sent": Report.SENT,
    "delivered": Report.DELIVERED,
    "delivery_unconfirmed": Report.SENT,
    "delivery_failed": Report.FAILED,
    "sending_failed": Report.FAILED,
    "expired": Report.FAILED,
}


@final
class Telnyx:
    """Implements ``carrying.HttpGateway`` and ``carrying.FetchingGateway``."""

    def capabilities_of(self, account: Account) -> Capabilities:
        """Pictures where the account has ``media_url``: Telnyx fetches them by an address."""
        return with_pictures(CAPABILITIES, PICTURES) if "media_url" in account.options else CAPABILITIES

    # --- out ----------------------------------------------------------------------------------------------------------

    def request(self, line: LineSetup, envelope: Envelope) -> Call | SendOutcome:
        """The request to ``messages``. Options: ``callback_url``, the app's public address, where the messaging profile
        does not have it; ``media_url``, where Telnyx fetches pictures."""
        given = Given(line.account)
        callback, media_url = given.text("callback_url", ""), given.text("media_url", "")
        token, base_url = given.token(), given.url(BASE_URL)
        if (stopped := given.stopped()) is not None:
            return stopped
        to = dialled(envelope.to)
        if to is None:
            return Rejected("40310", CODES["40310"].meaning)
        body: dict[str, Any] = {
            "from": line.line.provider_ref,
            "to": to,
            "messaging_profile_id": line.account.provider_ref,
            "tags": [_TAG + envelope.message],
        }
        if callback:
            body["webhook_url"] = callback
        match envelope.content:
            case Text(text):
                body["text"] = text
            case Image(media, caption) if media_url:
                body |= {"type": "MMS", "media_urls": [file_address(media_url, media)], "text": caption}
            case _:
                return Rejected("content", "this account carries words alone")
        return Call("POST", base_url, "/v2/messages", {"authorization": f"Bearer {token}"}, json=body)

    def outcome(self, answer: Answer, envelope: Envelope) -> SendOutcome:  # noqa: ARG002
        """What became of a message; its id is Telnyx's."""
        try:
            body = json_of(answer.body)
        except BodyMalformed:
            body = None
        if not answer.is_ok:
            return refused(answer, _code(body), CODES)
        named = text_at(body, "data", "id")
        return Accepted(ProviderId(named)) if named else OutcomeUnknown("Telnyx said yes in words that cannot be read")

    def download(self, line: LineSetup, media: MediaRef) -> Download | FetchFailed:
        """An inbound picture lies at an address that needs no credentials."""
        return download_of(media, {}, _MEDIA_HOSTS, line.account.base_url or BASE_URL)

    # --- in -----------------------------------------------------------------------------------------------------------

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """A message, or a report on one of ours."""
        check(app, request)
        body = json_of(request.body)
        kind, payload = text_at(body, "data", "event_type"), _object(body, "data", "payload")
        if not kind or payload is None:
            raise BodyMalformed("the body is no event of Telnyx's")
        account = text_at(payload, "messaging_profile_id")
        at = instant(text_at(body, "data", "occurred_at")) or came_at(request)
        if kind == "message.received":
            line = ref_of(text_at(payload, "to", 0, "phone_number"))
            return [Inbound(account, line, item) for item in _messages(line, payload, at)]
        line = ref_of(text_at(payload, "from", "phone_number"))
        if kind not in ("message.sent", "message.finalized"):
            return [Inbound(account, line, unreadable("an event of a kind that this version does not know", body))]
        status = text_at(payload, "to", 0, "status")
        if status in ("queued", "sending"):
            return []
        return [Inbound(account, line, _report(payload, status, at))]


def check(app: App, request: WebhookRequest) -> None:
    """Raises ``SignatureInvalid`` unless one of the app's public keys signed the instant and the body, not long ago."""
    told = request.header(TIMESTAMP)
    at = unix(told)
    if at is not None and abs(came_at(request) - at) <= TOLERANCE:
        try:
            signature = b64decode(request.header(SIGNATURE), validate=True)
        except (Error, ValueError):
            signature = b""
        signed = told.encode("ascii") + b"|" + request.body
        if any(_is_signed(key.reveal(), signature, signed) for key in app.secrets if key):
            return
    raise SignatureInvalid(
        f"{SIGNATURE} does not sign this request with any of the app's keys, or not within {TOLERANCE // timedelta(minutes=1)}"
        " minutes. Is the secret the account's public key, are the bytes passed on as they came, and is the clock right?"
    )


def _is_signed(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ConfigError("this environment", ["telnyx: install wa-connector-sms[telnyx]"]) from None
    try:
        Ed25519PublicKey.from_public_bytes(b64decode(key, validate=True)).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _code(body: object) -> str:
    return text_at(body, "errors", 0, "code")


def _object(value: object, *path: str) -> dict[str, Any] | None:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else None


def _report(payload: Mapping[str, Any], status: str, at: Any) -> InboundItem:
    report, named = _REPORTS.get(status), text_at(payload, "id")
    if report is None or not named:
        return unreadable("a report of a kind that this version does not know", payload)
    ours = next((tag.removeprefix(_TAG) for tag in list_at(payload, "tags") if str(tag).startswith(_TAG)), "")
    code = _code(payload) if report is Report.FAILED else ""
    meaning, correction = failure_of(code, CODES) if report is Report.FAILED else ("", Correction.NONE)
    return InboundStatus(
        ProviderId(named),
        at,
        report,
        MessageId(ours) if ours else None,
        error=(code or status) if report is Report.FAILED else "",
        meaning=meaning,
        correction=correction,
    )


def _messages(line: str, payload: Mapping[str, Any], at: Any) -> Iterable[InboundItem]:
    named, sender = text_at(payload, "id"), person(text_at(payload, "from", "phone_number"), line)
    if not named or sender is None:
        yield unreadable("a message without an id or a number of its sender's", payload)
        return
    files = files_of((text_at(each, "url"), text_at(each, "content_type")) for each in list_at(payload, "media"))
    for place, content in enumerate(contents_of(text_at(payload, "text"), files)):
        message = InboundMessage(ProviderId(named), at, sender, content)
        yield message if place == 0 else evolve(message, provider_id=ProviderId(f"{named}/{place}"))
