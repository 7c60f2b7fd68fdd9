"""Bandwidth messaging, version 2.

Theory: what comes in is not signed; the endpoint's address is given to Bandwidth with user and password, and basic
authentication says who it is. One request may bring several events. Our own id goes out as the tag and comes back. Pictures
are handed to Bandwidth before the message, by an upload.

Source: Bandwidth, Messaging API v2, "Create message", "Media", "Callbacks", error codes, read 2026-11.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, final
from urllib.parse import quote

from attrs import evolve

from wa_connector.errors import BodyMalformed
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
    Call,
    Given,
    basic,
    came_at,
    check_basic,
    instant,
    json_of,
    list_at,
    text_at,
    unreadable,
)
from wa_connector_sms.capabilities import CAPABILITIES
from wa_connector_sms.carrying import Download
from wa_connector_sms.outcomes import Answer, Care, Code, Codes, failure_of, refused
from wa_connector_sms.people import dialled, person, ref_of
from wa_connector_sms.pictures import contents_of, download_of, extension_of, files_of, with_pictures

NAME: Final = "bandwidth"
BASE_URL: Final = "https://messaging.bandwidth.com"
PICTURES: Final = MediaLimits(frozenset({"image/jpeg", "image/png", "image/gif"}), 3_500_000)

CODES: Final[Codes] = {
    "request-validation": Code(Care.NEVER, "Bandwidth refuses the request"),
    "unauthorized": Code(Care.ACCOUNT, "Bandwidth does not let the account in; check user and password"),
    "forbidden": Code(Care.ACCOUNT, "the user may not send text messages for this account"),
    "max-message-queue-size-exceeded": Code(Care.LATER, "the account's queue at Bandwidth is full"),
    "4001": Code(Care.NEVER, "the account may not use this service"),
    "4301": Code(Care.NEVER, "the text has characters that cannot be sent"),
    "4302": Code(Care.NEVER, "the line's number cannot be written from"),
    "4303": Code(Care.NEVER, "the receiver's number is no number that can be written to"),
    "4350": Code(Care.NEVER, "the receiver's number is no number that can be written to"),
    "4360": Code(Care.NEVER, "the message waited too long and expired"),
    "4401": Code(Care.NEVER, "Bandwidth has no way to the receiver's number"),
    "4403": Code(Care.NEVER, "the line's number may not send"),
    "4404": Code(Care.NEVER, "the receiver's number takes no text messages"),
    "4405": Code(Care.NEVER, "the line's number is not in service"),
    "4406": Code(Care.NEVER, "the receiver's number is not in service"),
    "4407": Code(Care.NEVER, "the line's number is not the account's"),
    "4410": Code(Care.NEVER, "Bandwidth cannot open the picture"),
    "4411": Code(Care.NEVER, "the picture is too large"),
    "4412": Code(Care.NEVER, "the picture is of a type that is not carried"),
    "4432": Code(Care.NEVER, "the account may not write to this country"),
    "4433": Code(Care.NEVER, "the account may not send from toll-free numbers"),
    "4452": Code(Care.NEVER, "the application is not known to Bandwidth"),
    "4470": Code(Care.NEVER, "Bandwidth took the message for spam"),
    "4481": Code(Care.NEVER, "Bandwidth has blocked the line's number"),
    "4482": Code(Care.NEVER, "the receiver's number is blocked"),
    "4492": Code(Care.NEVER, "an emergency number takes no text messages"),
    "4493": Code(Care.NEVER, "the user may not send for this account"),
    "4700": Code(Care.NEVER, "the receiver's operator or telephone takes no such messages"),
    "4701": Code(Care.NEVER, "the telephone cannot be reached now"),
    "4702": Code(Care.NEVER, "the telephone cannot be reached now"),
    "4720": Code(Care.NEVER, "the receiver's number takes no text messages"),
    "4721": Code(Care.NEVER, "the receiver's number is no longer in service"),
    "4730": Code(Care.NEVER, "the operator has no way to the receiver"),
    "4740": Code(Care.NEVER, "the operator refuses the line's number"),
    "4750": Code(Care.NEVER, "the operator refused the message and says no more"),
    "4770": Code(Care.NEVER, "the operator took the message for spam"),
    "4771": Code(Care.NEVER, "the message has a shortened address, which operators refuse"),
    "4772": Code(Care.NEVER, "the operator has blocked the line or the receiver"),
    "4773": Code(Care.NEVER, "the number's registered campaign is not active"),
    "4774": Code(Care.NEVER, "the number is not registered for business messages (10DLC)"),
    "4775": Code(Care.NEVER, "the customer wrote STOP to this number", Correction.OPTED_OUT),
    "4780": Code(Care.NEVER, "the operator's limit of today is reached"),
    "4781": Code(Care.NEVER, "more was sent than the operator lets pass"),
    "4785": Code(Care.NEVER, "more was sent than the operator lets pass"),
    "4795": Code(Care.NEVER, "the toll-free number is not verified"),
    "5600": Code(Care.NEVER, "the operator's queue was full"),
    "5650": Code(Care.NEVER, "the operator did not deliver it"),
    "9902": Code(Care.NEVER, "the operator gave no receipt in time"),
}
"""By the type of an answer, and by the code of a report. Source: Bandwidth, messaging errors, read 2026-11."""

_REPORTS: Final[Mapping[str, Report]] = {
    "message-sending": Report.SENT,
    "message-sent": Report.SENT,
    "message-delivered": Report.DELIVERED,
    "message-failed": Report.FAILED,
}


@final
class Bandwidth:
    """Implements ``carrying.HttpGateway``, ``UploadingGateway`` and ``FetchingGateway``."""

    def capabilities_of(self, account: Account) -> Capabilities:  # noqa: ARG002
        """Words and pictures."""
        return with_pictures(CAPABILITIES, PICTURES)

    # --- out ----------------------------------------------------------------------------------------------------------

    def request(self, line: LineSetup, envelope: Envelope) -> Call | SendOutcome:
        """The request to ``messages``. Options: ``account``, the account's number at Bandwidth, and ``username``, whose
        password is the token. The account's ``provider_ref`` is the application's id."""
        given = Given(line.account)
        number, username = given.text("account"), given.text("username")
        token, base_url = given.token(), given.url(BASE_URL)
        if (stopped := given.stopped()) is not None:
            return stopped
        to = dialled(envelope.to)
        if to is None:
            return Rejected("4720", CODES["4720"].meaning)
        body: dict[str, Any] = {
            "from": line.line.provider_ref,
            "to": [to],
            "applicationId": line.account.provider_ref,
            "tag": envelope.message,
        }
        match envelope.content:
            case Text(text):
                body["text"] = text
            case Image(media, caption):
                body |= {"media": [base_url + _media_path(number, media)], "text": caption}
            case _:
                return Rejected("content", "the gateway carries words and pictures")
        path = f"/api/v2/users/{quote(number, safe='')}/messages"
        return Call("POST", base_url, path, {"authorization": basic(username, token)}, json=body)

    def upload(self, line: LineSetup, media: MediaRef, content: bytes) -> Call | SendOutcome:
        """The request that hands a picture over; the same one again replaces itself."""
        given = Given(line.account)
        number, username = given.text("account"), given.text("username")
        token, base_url = given.token(), given.url(BASE_URL)
        if (stopped := given.stopped()) is not None:
            return stopped
        headers = {"authorization": basic(username, token), "content-type": media.mime_type}
        return Call("PUT", base_url, _media_path(number, media), headers, content=content)

    def outcome(self, answer: Answer, envelope: Envelope) -> SendOutcome:  # noqa: ARG002
        """What became of a message; its id is Bandwidth's."""
        try:
            body = json_of(answer.body)
        except BodyMalformed:
            body = None
        if not answer.is_ok:
            return refused(answer, text_at(body, "type"), CODES)
        named = text_at(body, "id")
        return (
            Accepted(ProviderId(named)) if named else OutcomeUnknown("Bandwidth said yes in words that cannot be read")
        )

    def download(self, line: LineSetup, media: MediaRef) -> Download | FetchFailed:
        """An inbound picture lies at Bandwidth, behind the same user and password."""
        given = Given(line.account)
        username, token, base_url = given.text("username"), given.token(), given.url(BASE_URL)
        if given.mistakes:
            return FetchFailed("; ".join(given.mistakes), is_final=False)
        return download_of(media, {"authorization": basic(username, token)}, (), base_url)

    # --- in -----------------------------------------------------------------------------------------------------------

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """Messages and reports, in the order of the list."""
        check_basic(app, request)
        events = json_of(request.body)
        if not isinstance(events, list):
            raise BodyMalformed("the body is no list of events")
        return [inbound for event in events for inbound in _inbound(event, request)]


def _media_path(account: str, media: MediaRef) -> str:
    return f"/api/v2/users/{quote(account, safe='')}/media/{media.sha256}.{extension_of(media.mime_type)}"


def _inbound(event: object, request: WebhookRequest) -> Iterable[Inbound]:
    kind, account = text_at(event, "type"), text_at(event, "message", "applicationId")
    at = instant(text_at(event, "time")) or came_at(request)
    ours = ref_of(text_at(event, "message", "owner"))
    if kind == "message-received":
        for item in _messages(ours, event, at):
            yield Inbound(account, ours, item)
        return
    yield Inbound(account, ours, _report(kind, event, at))


def _report(kind: str, event: object, at: datetime) -> InboundItem:
    report, named = _REPORTS.get(kind), text_at(event, "message", "id")
    if report is None or not named:
        return unreadable("an event of a kind that this version does not know", event)
    ours = text_at(event, "message", "tag")
    number = event.get("errorCode") if isinstance(event, dict) else None
    code = str(number) if isinstance(number, int) and report is Report.FAILED else ""
    meaning, correction = failure_of(code, CODES) if report is Report.FAILED else ("", Correction.NONE)
    return InboundStatus(
        ProviderId(named),
        at,
        report,
        MessageId(ours) if ours else None,
        error=(code or "failed") if report is Report.FAILED else "",
        meaning=meaning,
        correction=correction,
    )


def _messages(line: str, event: object, at: datetime) -> Iterable[InboundItem]:
    named, sender = text_at(event, "message", "id"), person(text_at(event, "message", "from"), line)
    if not named or sender is None:
        yield unreadable("a message without an id or a number of its sender's", event)
        return
    urls = (url for url in list_at(event, "message", "media") if isinstance(url, str))
    files = files_of((url, "") for url in urls if not url.lower().endswith((".smil", ".xml")))
    for place, content in enumerate(contents_of(text_at(event, "message", "text"), files)):
        message = InboundMessage(ProviderId(named), at, sender, content)
        yield message if place == 0 else evolve(message, provider_id=ProviderId(f"{named}/{place}"))
