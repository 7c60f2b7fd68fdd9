"""Kannel, by its ``sendsms`` interface: an open gateway that speaks SMPP and other protocols to operators.

Theory: ``sendsms`` answers without an id of the message, and the id that its reports name is a new one each time. So the
address for reports, which is given with every message, carries our own id and line; reports and messages come in at the
app's endpoint, told apart by ``kind``. Basic authentication says that they come from the gateway: its address for us has
user and password in it.

Source: Kannel user guide 1.4.5, "Using sendsms", "Delivery reports" and "SMS services", read 2026-11; what is said of its
answers was seen on the running gateway.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, final
from urllib.parse import urlsplit

from wa_connector.model.capability import Capabilities
from wa_connector.model.content import Text, Unsupported
from wa_connector.model.directory import Account, App, LineSetup
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import Inbound, InboundItem, InboundMessage, InboundStatus, Report
from wa_connector.model.outbound import Accepted, AccountStopped, Deferred, Envelope, Rejected, SendOutcome
from wa_connector.ports.channel import WebhookRequest
from wa_connector_sms.alphabet import Alphabet, alphabet_of
from wa_connector_sms.calls import Call, Given, came_at, check_basic, query_of, unix, unreadable
from wa_connector_sms.capabilities import CAPABILITIES
from wa_connector_sms.outcomes import Answer, refused, wait_of
from wa_connector_sms.people import dialled, person, ref_of
from wa_connector_sms.receipts import read_receipt, refusal_of

NAME: Final = "kannel"
ASKED: Final = 31
"""Which reports are wanted: all but the intermediate ones."""
_REPORT: Final = {"kind": "report", "type": "%d", "receipt": "%A", "at": "%T"}
_PAUSE: Final = timedelta(seconds=5)

_DELIVERED, _FAILED, _BUFFERED, _ACCEPTED, _REJECTED = 1, 2, 4, 8, 16
_REPORTS: Final[Mapping[str, Report]] = {
    str(_DELIVERED): Report.DELIVERED,
    str(_FAILED): Report.FAILED,
    str(_BUFFERED): Report.SENT,
    str(_ACCEPTED): Report.SENT,
    str(_REJECTED): Report.FAILED,
}


@final
class Kannel:
    """Implements ``carrying.HttpGateway``."""

    def capabilities_of(self, account: Account) -> Capabilities:  # noqa: ARG002
        """Words alone."""
        return CAPABILITIES

    # --- out ----------------------------------------------------------------------------------------------------------

    def request(self, line: LineSetup, envelope: Envelope) -> Call | SendOutcome:
        """The request to ``sendsms``. Options: ``username``, and ``callback_url``, where reports go, with user and
        password in it; ``smsc``, which of the gateway's connections is to take it."""
        account, given = line.account, Given(line.account)
        username, callback, smsc = given.text("username"), given.text("callback_url"), given.text("smsc", "")
        password, base_url = given.token(), given.url("", may_be_plain=True)
        if callback and urlsplit(callback).scheme not in ("http", "https"):
            given.wrong("options.callback_url", "must be http(s)://user:password@host/path")
        if (stopped := given.stopped()) is not None:
            return stopped
        to = dialled(envelope.to)
        if to is None or not isinstance(envelope.content, Text):
            return Rejected("content", "the gateway carries words, to numbers")
        body = envelope.content.body
        query = [
            ("username", username),
            ("password", password),
            ("from", line.line.provider_ref),
            ("to", to),
            ("text", body),
            ("charset", "UTF-8"),
            ("coding", "0" if alphabet_of(body) is Alphabet.GSM else "2"),
            ("dlr-mask", str(ASKED)),
            ("dlr-url", _dlr_url(callback, account, line.line.provider_ref, envelope.message)),
        ]
        if smsc:
            query.append(("smsc", smsc))
        return Call("GET", base_url, "/cgi-bin/sendsms", query=tuple(query))

    def outcome(self, answer: Answer, envelope: Envelope) -> SendOutcome:
        """``0: Accepted for delivery`` and ``3: Queued for later delivery`` are taken; all else says why not."""
        if answer.is_ok:
            return Accepted(ProviderId(envelope.message))
        if answer.status == 403:
            return AccountStopped("http 403", "the gateway does not know the user, or not with this password")
        if answer.status == 503:
            return Deferred("http 503", "the gateway takes nothing for now", wait_of(answer) or _PAUSE)
        if answer.status == 400:
            return Rejected("http 400", "the gateway refuses the receiver, or has no way to him")
        return refused(answer, "", {})

    # --- in -----------------------------------------------------------------------------------------------------------

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """A message, or a report on one of ours."""
        check_basic(app, request)
        fields = dict(query_of(request))
        if fields.get("kind") == "report":
            account, line, message = _named(fields.get("ref", ""))
            return [Inbound(account, line, _report(message, fields, request))]
        line = ref_of(fields.get("to", ""))
        return [Inbound(fields.get("account", ""), line, _message(line, fields, request))]


def _dlr_url(callback: str, account: Account, line: str, message: MessageId) -> str:
    """Kannel puts values in the place of a ``%`` and what follows it, so what is ours is written without any."""
    ours = json.dumps([account.provider_ref, line, message]).encode()
    ref = urlsafe_b64encode(ours).decode("ascii").rstrip("=")
    told = "".join(f"&{name}={value}" for name, value in _REPORT.items())
    return f"{callback}{'&' if '?' in callback else '?'}ref={ref}{told}"


def _named(ref: str) -> tuple[str, str, str]:
    """Account, line and message, as ``_dlr_url`` wrote them; empty where nobody did."""
    try:
        account, line, message = json.loads(urlsafe_b64decode(ref + "=" * (-len(ref) % 4)))
    except (ValueError, TypeError, RecursionError):
        return "", "", ""
    return (account, line, message) if all(isinstance(each, str) for each in (account, line, message)) else ("", "", "")


def _report(message: str, fields: Mapping[str, str], request: WebhookRequest) -> InboundItem:
    report = _REPORTS.get(fields.get("type", ""))
    if report is None or not message:
        return unreadable("a report of a kind that this version does not know", fields)
    at = unix(fields.get("at", "")) or came_at(request)
    code, meaning = _cause(fields.get("receipt", "")) if report is Report.FAILED else ("", "")
    return InboundStatus(ProviderId(message), at, report, MessageId(message), error=code, meaning=meaning)


_NACK: Final = re.compile(r"NACK/(?:0x([0-9A-Fa-f]{1,8})|([0-9]{1,10}))(?:/|$)")


def _cause(receipt: str) -> tuple[str, str]:
    """The operator's code of a failure, and what it means. A refusal has SMPP's status, a receipt the operator's own."""
    refusal = _NACK.search(receipt)
    if refusal is not None:
        status = int(refusal[1], 16) if refusal[1] else int(refusal[2])
        outcome = refusal_of(status)
        if isinstance(outcome, Rejected | Deferred | AccountStopped):
            return outcome.code, outcome.meaning
    read = read_receipt(receipt if "id:" in receipt else f"id:- {receipt}", {})
    if read is None or not read.state:
        return "undelivered", "the operator did not deliver it and says no more"
    return read.error or read.state, f"the operator did not deliver it ({read.state})"


def _message(line: str, fields: Mapping[str, str], request: WebhookRequest) -> InboundItem:
    sender, named = person(fields.get("from", ""), line), fields.get("id", "")
    if sender is None or not named:
        return unreadable("a message without a sender, or without the gateway's id", fields)
    is_binary = fields.get("coding") == "1"
    content = Unsupported("binary") if is_binary else Text(fields.get("text", ""))
    return InboundMessage(ProviderId(named), unix(fields.get("at", "")) or came_at(request), sender, content)
