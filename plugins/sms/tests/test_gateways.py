"""What holds of every gateway that is spoken to by HTTP, whoever the provider is.

Requests are real ones on loopback; what comes in is signed by the provider's own library where there is one.
"""

import asyncio
import hashlib
import hmac
import json
import socket
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from twilio.request_validator import RequestValidator
from wa_connector_sms import AsyncSmsTransport, SmsChannel, SmsTransport
from wa_connector_sms.calls import basic
from wa_connector_sms.kannel import _dlr_url

from wa_connector.errors import InboundRejected
from wa_connector.model.address import number
from wa_connector.model.consent import Signal, Stage
from wa_connector.model.content import Image, MediaRef, Text
from wa_connector.model.decision import Reason, RemedyKind
from wa_connector.model.directory import Account, App, Line, LineSetup
from wa_connector.model.event import LineStopped
from wa_connector.model.ids import AppId, MessageId, ProviderId
from wa_connector.model.inbound import InboundMessage
from wa_connector.model.message import ByCustomer, MessageStatus, NoticeKind
from wa_connector.model.outbound import AccountStopped, Deferred, Envelope, OutcomeUnknown, Rejected
from wa_connector.model.secret import Secret
from wa_connector.model.setting import RevocationScope
from wa_connector.ports.channel import WebhookReply, WebhookRequest
from wa_connector.ports.rows import CONSENT
from wa_connector.shell.adapters import PlainMedia, in_place
from wa_connector.testing.host import ACCOUNT, ACME, LINE
from wa_connector.testing.media import MemoryMediaStore

OURS, THEIRS = "+4930123456", "+447911123456"
HOST = "https://host.example/webhooks/"
NOW = datetime.now(UTC)


@frozen
class Provider:
    """One provider as a test plays it. ``says`` and ``reports`` make signed webhooks; ``text_of`` reads what was sent."""

    name: str
    ref: str
    secret: str
    options: Mapping[str, str]
    yes: Callable[[], WebhookReply]
    no: Callable[[str], WebhookReply]
    text_of: Callable[[WebhookRequest], tuple[str, str, str]]
    is_ours: Callable[[WebhookRequest], bool]
    signed: Callable[[str, Mapping[str, str]], WebhookRequest]
    """A request with these fields, as the provider makes it."""
    says: Callable[[str, str], Any]
    reports: Callable[[str, str, str], Any]
    """Ours, the provider's id, and the provider's word or code."""
    words: Mapping[str, str] = field(factory=dict)
    """Its words for ``sent``, ``delivered`` and ``failed``."""
    opted_out: str = ""
    signs: tuple[str, ...] = ()
    """What its signature is over, besides who it is."""

    def __str__(self) -> str:
        return self.name


def reply(status: int, body: object = b"", **headers: str) -> WebhookReply:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, octets)


# --- Kannel -----------------------------------------------------------------------------------------------------------


def kannel_signed(url: str, fields: Mapping[str, str]) -> WebhookRequest:
    query = "&".join(filter(None, (url.partition("?")[2], urlencode(fields))))
    headers = {"Authorization": basic("kannel", "callback-secret")}
    return WebhookRequest("/webhooks/kannel", "GET", f"{HOST}kannel?{query}", headers, b"")


def kannel_says(text: str, named: str) -> WebhookRequest:
    fields = {"account": "operator", "from": THEIRS, "to": OURS, "text": text, "id": named, "coding": "0"}
    return kannel_signed("", {**fields, "at": str(int(NOW.timestamp()))})


def kannel_reports(ours: str, _: str, word: str) -> WebhookRequest:
    account = Account(ACME, ACCOUNT, AppId("app"), "sms", "operator", "operator", Secret(""))
    query = _dlr_url("", account, OURS, MessageId(ours)).replace("%d", word)
    query = query.replace("%T", str(int(NOW.timestamp()))).replace("%A", "id:1 stat:UNDELIV err:005")
    return kannel_signed(query, {})


def kannel_text(request: WebhookRequest) -> tuple[str, str, str]:
    query = dict(parse_qsl(request.url.partition("?")[2]))
    return query["from"], query["to"], query["text"]


KANNEL = Provider(
    "kannel",
    "operator",
    "kannel:callback-secret",
    {"username": "acme", "callback_url": "http://kannel:callback-secret@127.0.0.1/webhooks/kannel"},
    lambda: reply(202, b"0: Accepted for delivery"),
    lambda code: reply(int(code), b"no"),
    kannel_text,
    lambda request: "username=acme&password=sesame" in request.url,
    kannel_signed,
    kannel_says,
    kannel_reports,
    {"sent": "8", "delivered": "1", "failed": "2"},
)

# --- Twilio -----------------------------------------------------------------------------------------------------------

TWILIO_URL = HOST + "twilio"


def twilio_signed(url: str, fields: Mapping[str, str]) -> WebhookRequest:
    signature = RequestValidator("auth-token").compute_signature(url, dict(fields))
    body = urlencode(fields).encode()
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return WebhookRequest("/webhooks/twilio", "POST", url, headers, body)


def twilio_says(text: str, named: str, **more: str) -> WebhookRequest:
    fields = {"MessageSid": named, "AccountSid": "AC1", "From": THEIRS, "To": OURS, "Body": text, "NumMedia": "0"}
    return twilio_signed(TWILIO_URL, {**fields, "SmsStatus": "received", **more})


def twilio_reports(ours: str, named: str, word: str) -> WebhookRequest:
    failed = word.isdigit()
    fields = {"MessageSid": named, "AccountSid": "AC1", "From": OURS, "To": THEIRS}
    status = {"MessageStatus": "undelivered", "ErrorCode": word} if failed else {"MessageStatus": word}
    return twilio_signed(f"{TWILIO_URL}?ref={ours}", {**fields, **status})


def twilio_text(request: WebhookRequest) -> tuple[str, str, str]:
    form = dict(parse_qsl(request.body.decode()))
    assert form["StatusCallback"].startswith(f"{TWILIO_URL}?ref=")
    return form["From"], form["To"], form["Body"]


TWILIO = Provider(
    "twilio",
    "AC1",
    "auth-token",
    {"callback_url": TWILIO_URL},
    lambda: reply(201, {"sid": "SM-1", "status": "queued"}),
    lambda code: reply(400, {"code": int(code), "message": f"no, {THEIRS}", "status": 400}),
    twilio_text,
    lambda request: (
        request.header("authorization") == basic("AC1", "sesame")
        and request.endpoint == "/2010-04-01/Accounts/AC1/Messages.json"
    ),
    twilio_signed,
    twilio_says,
    twilio_reports,
    {"sent": "sent", "delivered": "delivered", "failed": "30003"},
    opted_out="21610",
    signs=("the body", "the address"),
)

# --- Telnyx -----------------------------------------------------------------------------------------------------------

TELNYX_KEY = SigningKey(b"1" * 32)


def telnyx_signed(_: str, body: Any) -> WebhookRequest:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = str(int(datetime.now(UTC).timestamp()))
    signature = b64encode(TELNYX_KEY.sign(f"{at}|".encode() + octets).signature).decode()
    headers = {"telnyx-signature-ed25519": signature, "telnyx-timestamp": at}
    return WebhookRequest("/webhooks/telnyx", "POST", HOST + "telnyx", headers, octets)


def telnyx_event(kind: str, payload: Mapping[str, object]) -> WebhookRequest:
    told = {
        "event_type": kind,
        "occurred_at": NOW.isoformat(),
        "payload": {"messaging_profile_id": "profile", **payload},
    }
    return telnyx_signed("", {"data": told})


def telnyx_says(text: str, named: str, **more: object) -> WebhookRequest:
    people = {"from": {"phone_number": THEIRS}, "to": [{"phone_number": OURS}]}
    return telnyx_event("message.received", {"id": named, "text": text, **people, **more})


def telnyx_reports(ours: str, named: str, word: str) -> WebhookRequest:
    failed = word.isdigit()
    told = {"phone_number": THEIRS, "status": "delivery_failed" if failed else word}
    payload = {"id": named, "from": {"phone_number": OURS}, "to": [told], "tags": ["theirs", f"wa_connector:{ours}"]}
    errors = [{"code": word, "title": "no"}] if failed else []
    return telnyx_event("message.sent" if word == "sent" else "message.finalized", {**payload, "errors": errors})


def json_text(request: WebhookRequest) -> tuple[str, str, str]:
    body = json.loads(request.body)
    to = body["to"]
    return body["from"], to[0] if isinstance(to, list) else to, body["text"]


TELNYX = Provider(
    "telnyx",
    "profile",
    b64encode(bytes(TELNYX_KEY.verify_key)).decode(),
    {},
    lambda: reply(200, {"data": {"id": "SM-1", "to": [{"status": "queued"}]}}),
    lambda code: reply(403, {"errors": [{"code": code, "detail": f"no, {THEIRS}"}]}),
    json_text,
    lambda request: request.header("authorization") == "Bearer sesame" and request.endpoint == "/v2/messages",
    telnyx_signed,
    telnyx_says,
    telnyx_reports,
    {"sent": "sent", "delivered": "delivered", "failed": "40002"},
    opted_out="40300",
    signs=("the body",),
)

# --- Bandwidth --------------------------------------------------------------------------------------------------------


def bandwidth_signed(_: str, body: Any) -> WebhookRequest:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": basic("bandwidth", "callback-secret")}
    return WebhookRequest("/webhooks/bandwidth", "POST", HOST + "bandwidth", headers, octets)


def bandwidth_event(kind: str, message: Mapping[str, object], **more: object) -> dict[str, object]:
    told = {"owner": OURS, "applicationId": "application", **message}
    return {"type": kind, "time": NOW.isoformat(), "message": told, **more}


def bandwidth_says(text: str, named: str, **more: object) -> WebhookRequest:
    message = {"id": named, "from": THEIRS, "to": [OURS], "text": text, **more}
    return bandwidth_signed("", [bandwidth_event("message-received", message)])


def bandwidth_reports(ours: str, named: str, word: str) -> WebhookRequest:
    message = {"id": named, "from": OURS, "to": [THEIRS], "tag": ours}
    if word.isdigit():
        return bandwidth_signed("", [bandwidth_event("message-failed", message, errorCode=int(word))])
    return bandwidth_signed("", [bandwidth_event(f"message-{word}", message)])


BANDWIDTH = Provider(
    "bandwidth",
    "application",
    "bandwidth:callback-secret",
    {"account": "5500", "username": "acme"},
    lambda: reply(202, {"id": "SM-1", "owner": OURS}),
    lambda code: reply(400, {"type": code, "description": f"no, {THEIRS}"}),
    json_text,
    lambda request: (
        request.header("authorization") == basic("acme", "sesame") and request.endpoint == "/api/v2/users/5500/messages"
    ),
    bandwidth_signed,
    bandwidth_says,
    bandwidth_reports,
    {"sent": "sending", "delivered": "delivered", "failed": "4770"},
    opted_out="4775",
)

# --- Vonage -----------------------------------------------------------------------------------------------------------


def vonage_signed(url: str, fields: Mapping[str, str], way: str = "sha256") -> WebhookRequest:
    told = {"timestamp": str(int(datetime.now(UTC).timestamp())), "nonce": "n", **fields}
    told.pop("sig", None)
    text = "".join(f"&{name}={told[name].translate({38: 95, 61: 95})}" for name in sorted(told))
    octets, secret = text.encode(errors="surrogatepass"), b"signature-secret"
    plain = hashlib.md5(octets + secret, usedforsecurity=False).hexdigest()
    sig = plain if way == "md5hash" else hmac.new(secret, octets, way).hexdigest().upper()
    query = urlencode({**told, "sig": sig}, errors="surrogatepass")
    return WebhookRequest("/webhooks/vonage", "GET", f"{HOST}vonage?{query}", {}, b"")


def vonage_says(text: str, named: str, **more: str) -> WebhookRequest:
    fields = {"api-key": "key", "msisdn": THEIRS[1:], "to": OURS[1:], "text": text, "messageId": named, "type": "text"}
    return vonage_signed("", {**fields, "message-timestamp": f"{NOW:%Y-%m-%d %H:%M:%S}", **more})


def vonage_reports(ours: str, named: str, word: str) -> WebhookRequest:
    status = {"status": "failed", "err-code": word} if word.isdigit() else {"status": word, "err-code": "0"}
    people = {"api-key": "key", "msisdn": THEIRS[1:], "to": OURS[1:]}
    return vonage_signed("", {**people, "messageId": named, "client-ref": ours, **status})


def vonage_text(request: WebhookRequest) -> tuple[str, str, str]:
    form = dict(parse_qsl(request.body.decode()))
    return "+" + form["from"], "+" + form["to"], form["text"]


VONAGE = Provider(
    "vonage",
    "key",
    "signature-secret",
    {},
    lambda: reply(200, {"message-count": "1", "messages": [{"status": "0", "message-id": "SM-1"}]}),
    lambda code: reply(200, {"message-count": "1", "messages": [{"status": code, "error-text": THEIRS}]}),
    vonage_text,
    lambda request: b"api_key=key&api_secret=sesame" in request.body and request.endpoint == "/sms/json",
    vonage_signed,
    vonage_says,
    vonage_reports,
    {"sent": "accepted", "delivered": "delivered", "failed": "6"},
    opted_out="9",
    signs=("the address",),
)

PROVIDERS = [KANNEL, TWILIO, TELNYX, BANDWIDTH, VONAGE]
each_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=str)


@pytest.fixture
def desk_of(texting: Callable[..., Any], site: Any) -> Callable[..., Any]:
    """A connector over a provider that the site plays; ``site.taker`` says what it answers."""

    def make(provider: Provider, answer: WebhookReply | None = None, **settings: object) -> Any:
        desk = texting(
            provider.name,
            provider.secret,
            settings,
            provider_ref=provider.ref,
            token=Secret("sesame"),
            base_url=site.url,
            options=provider.options,
        )
        site.taker = lambda _: answer or provider.yes()
        return desk

    return make


# --- out --------------------------------------------------------------------------------------------------------------


@each_provider
def test_a_text_is_handed_over_as_it_was_written(provider: Provider, desk_of: Callable[..., Any], site: Any) -> None:
    desk = desk_of(provider)
    message = desk.write(THEIRS, "Grüße & € 👋 100 %")
    assert message.status is MessageStatus.ACCEPTED
    (request,) = site.requests
    assert provider.text_of(request) == (OURS, THEIRS, "Grüße & € 👋 100 %")
    assert provider.is_ours(request)


@each_provider
def test_the_asynchronous_face_sends_the_same(provider: Provider, site: Any) -> None:
    async def both() -> list[object]:
        transport = AsyncSmsTransport()
        sent = [
            await transport.send(setup(provider, site.url), ENVELOPE, PlainMedia(MemoryMediaStore(), in_place))
            for _ in range(2)
        ]
        await transport.aclose()
        await transport.aclose()
        return list(sent)

    site.taker = lambda _: provider.yes()
    plain = SmsTransport()
    assert asyncio.run(both()) == [plain.send(setup(provider, site.url), ENVELOPE, MemoryMediaStore())] * 2
    plain.close()
    assert len({(request.url, request.body) for request in site.requests}) == 1


ENVELOPE = Envelope(MessageId("m-1"), number(THEIRS), Text("Hello"))


def setup(provider: Provider, base_url: str) -> LineSetup:
    account = Account(
        *(ACME, ACCOUNT, AppId("app"), "sms", provider.ref, provider.ref, Secret("sesame"), base_url),
        gateway=provider.name,
        options=provider.options,
    )
    return LineSetup(Line(ACME, LINE, ACCOUNT, "sms", OURS, OURS), account, ())


def sent(provider: Provider, url: str) -> object:
    transport = SmsTransport()
    outcome = transport.send(setup(provider, url), ENVELOPE, MemoryMediaStore())
    transport.close()
    return outcome


@each_provider
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(401, b"no"), AccountStopped),
        (reply(302, b"", location="/elsewhere"), AccountStopped),
        (reply(429, b"slowly", retry_after="7"), Deferred),
        (reply(503, b"later", retry_after="7"), Deferred),
        (reply(400, b"<html>"), Rejected),
        (reply(408, b""), OutcomeUnknown),
        (reply(500, b"\xff"), OutcomeUnknown),
        (reply(502, b"[]"), OutcomeUnknown),
    ],
    ids=lambda given: str(given.status) if isinstance(given, WebhookReply) else "",
)
def test_what_an_answer_without_words_of_the_providers_means(
    provider: Provider, site: Any, answer: WebhookReply, kind: type
) -> None:
    site.taker = lambda _: answer
    outcome = sent(provider, site.url)
    assert isinstance(outcome, kind)
    if isinstance(outcome, Deferred):
        assert outcome.retry_after == timedelta(seconds=7)
    assert THEIRS not in repr(outcome)


@each_provider
def test_a_provider_that_is_not_there_has_got_nothing(provider: Provider) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert isinstance(sent(provider, f"http://127.0.0.1:{taken.getsockname()[1]}"), Deferred)


@each_provider
def test_a_connection_that_ends_before_the_answer_leaves_the_outcome_unknown(
    provider: Provider, desk_of: Callable[..., Any], site: Any
) -> None:
    """It is not sent again by itself: a report settles it, where one brings our id back."""
    desk, asked = desk_of(provider), []

    def hang_up(request: WebhookRequest) -> WebhookReply:
        asked.append(request)
        raise ConnectionAbortedError

    site.taker = hang_up
    message = desk.write(THEIRS, "Hello")
    assert message.status is MessageStatus.UNKNOWN
    desk.dispatch()
    assert len(asked) == 1
    assert desk.take(provider.reports(message.id, "SM-1", provider.words["delivered"])).status == 200
    assert desk.stored(message.id).status is MessageStatus.DELIVERED


@each_provider
def test_an_account_that_cannot_be_used_says_what_is_wrong(provider: Provider) -> None:
    for wrong in ({"base_url": "ftp://x"}, {"token": Secret("a b")}, {"options": {"colour": "red"}}):
        line = setup(provider, "http://127.0.0.1:9")

        stopped = SmsTransport().send(evolve(line, account=evolve(line.account, **wrong)), ENVELOPE, STORE)
        assert isinstance(stopped, AccountStopped)
        assert stopped.code == "config"
        assert f"accounts[{ACCOUNT}].{'options.colour' if 'options' in wrong else next(iter(wrong))}" in stopped.meaning


STORE = MemoryMediaStore()


def test_a_wrong_password_stops_the_line(desk_of: Callable[..., Any]) -> None:
    desk = desk_of(KANNEL, reply(403, b"Authorization failed for sendsms"))
    desk.write(THEIRS, "Hello")
    assert [each.code for each in desk.host.happenings if isinstance(each, LineStopped)] == ["http 403"]


# --- reports ----------------------------------------------------------------------------------------------------------


@each_provider
def test_reports_climb_in_any_order_and_any_number(provider: Provider, desk_of: Callable[..., Any]) -> None:
    desk = desk_of(provider)
    message = desk.write(THEIRS, "Hello")
    for word in ("delivered", "sent", "delivered"):
        assert desk.take(provider.reports(message.id, "SM-1", provider.words[word])).status == 200
        assert desk.stored(message.id).status is MessageStatus.DELIVERED


@each_provider
def test_a_failure_keeps_the_providers_code(provider: Provider, desk_of: Callable[..., Any]) -> None:
    desk = desk_of(provider)
    message = desk.write(THEIRS, "Hello")
    desk.take(provider.reports(message.id, "SM-1", provider.words["failed"]))
    stored = desk.stored(message.id)
    assert stored.status is MessageStatus.FAILED
    assert stored.failure is not None
    assert stored.failure.code
    assert "no more than the code" not in stored.failure.meaning


@pytest.mark.parametrize(
    ("provider", "by"),
    [
        *((each, "report") for each in PROVIDERS if each.opted_out),
        *((each, "answer") for each in (TWILIO, TELNYX, BANDWIDTH)),
    ],
    ids=str,
)
def test_a_providers_own_opt_out_is_a_revocation(provider: Provider, desk_of: Callable[..., Any], by: str) -> None:
    """What was queued stays here, and nobody is told a second time that he will hear no more."""
    desk = desk_of(provider, provider.no(provider.opted_out) if by == "answer" else None)
    message = desk.write(THEIRS, "Hello")
    if by == "report":
        queued = desk.placed(THEIRS, "One more").message
        desk.take(provider.reports(message.id, "SM-1", provider.opted_out))
        desk.dispatch()
        assert desk.stored(queued).status is MessageStatus.REFUSED
    failure = desk.stored(message.id).failure
    assert failure is not None
    assert failure.code == provider.opted_out
    assert desk.placed(THEIRS, "Hello?").decision.reason is Reason.CONSENT_REVOKED
    assert desk.notices == []


# --- what customers write ---------------------------------------------------------------------------------------------


@each_provider
def test_a_message_comes_in_once(provider: Provider, desk_of: Callable[..., Any]) -> None:
    desk = desk_of(provider)
    for _ in range(2):
        answer = desk.take(provider.says("Hello & 👋 + %", "in-1"))
        assert (answer.status, answer.body) == (200, b"")  # any other body would be sent to the customer
    assert desk.received == [Text("Hello & 👋 + %")]


@pytest.mark.parametrize(
    "word",
    [
        "STOP",
        "stop",
        " Stop! ",
        "STOPALL",
        "Stop all",
        "END",
        "CANCEL",
        "UNSUBSCRIBE",
        "QUIT",
        "REVOKE",
        "OPTOUT",
        "opt out",
        "ARRET",
        "Arrêt",
        "ALTO",
        "PARAR",
        "BAJA",
        "ABMELDEN",
        "STOPP",
    ],
)
def test_every_word_for_stop_is_one(desk_of: Callable[..., Any], word: str) -> None:
    """Those of the CTIA and of the FCC's rule, and of other languages; the whole message, whatever is around it.

    Source: CTIA, Messaging Principles; 47 CFR 64.1200(a)(10).
    """
    desk = desk_of(TWILIO)
    desk.take(twilio_says(word, "in-1"))
    assert desk.placed(THEIRS, "Hello?").decision.reason is Reason.CONSENT_REVOKED
    assert desk.notices == [NoticeKind.STOP]


@pytest.mark.parametrize("text", ["please stop texting me", "Can I cancel my order?", "No", "Yes", "START", "The end."])
def test_what_is_no_word_for_stop_stops_nothing(desk_of: Callable[..., Any], text: str) -> None:
    """It is shown to people; YES and START with nothing before them are messages like others."""
    desk = desk_of(TWILIO)
    desk.take(twilio_says(text, "in-1"))
    assert desk.placed(THEIRS, "Hello?").decision.is_allowed
    assert desk.notices == []


@pytest.mark.parametrize("word", ["HELP", "info", "Hilfe"])
def test_a_call_for_help_is_always_answered(desk_of: Callable[..., Any], word: str) -> None:
    """After a STOP, too, and every time; by the provider, where it says that it did."""
    desk = desk_of(TWILIO)
    desk.take(twilio_says("STOP", "in-1"))
    for named in ("in-2", "in-3"):
        desk.take(twilio_says(word, named))
    desk.dispatch()
    assert desk.notices == [NoticeKind.STOP, NoticeKind.HELP, NoticeKind.HELP]


@pytest.mark.parametrize(("scope", "stage"), [("channel", Stage.UNKNOWN), ("all", Stage.REVOKED)])
def test_how_far_a_stop_reaches_is_the_organizations_setting(
    desk_of: Callable[..., Any], scope: str, stage: Stage
) -> None:
    desk = desk_of(TWILIO, revocation_scope=RevocationScope(scope))
    desk.take(twilio_says("STOP", "in-1"))
    (message,) = (each for each in desk.messages if isinstance(each.author, ByCustomer))
    key = CONSENT.of(ACME, message.customer)
    consent = desk.host.storage.load([key]).rows[key].value
    assert consent.on("sms").conversation is Stage.REVOKED
    assert consent.on("whatsapp").conversation is stage


@each_provider
def test_stop_and_start(provider: Provider, desk_of: Callable[..., Any]) -> None:
    desk = desk_of(provider)
    desk.take(provider.says("Stop all.", "in-1"))
    desk.dispatch()
    assert desk.notices == [NoticeKind.STOP]
    assert desk.placed(THEIRS, "Hello?").decision.reason is Reason.CONSENT_REVOKED


@pytest.mark.parametrize(
    ("provider", "way"),
    [(each, way) for each in PROVIDERS for way in ("no signature", "another secret", *each.signs)],
    ids=str,
)
def test_what_the_provider_did_not_sign_is_not_taken(provider: Provider, desk_of: Callable[..., Any], way: str) -> None:
    desk, request = desk_of(provider), provider.says("Hello", "in-1")
    if way == "no signature":
        request = evolve(request, headers={}, url=request.url.partition("&sig=")[0])
    elif way == "another secret":
        request = evolve(request, headers={name: value[:-3] + "AA=" for name, value in request.headers.items()})
        request = evolve(request, url=request.url.partition("&sig=")[0] + "&sig=" + "0" * 64)
    elif way == "the body":
        request = evolve(request, body=request.body.replace(b"Hello", b"Hallo"))
    else:
        request = evolve(request, url=request.url + "?x=1")
    assert desk.take(request).status == 401
    assert desk.received == []


def test_where_twilio_keeps_the_opt_outs_it_has_answered_already(desk_of: Callable[..., Any]) -> None:
    """Its word counts, in whatever language the customer wrote, and he gets no second confirmation or help."""
    desk = desk_of(TWILIO)
    desk.take(twilio_says("Schluss jetzt", "in-1", OptOutType="STOP"))
    assert desk.placed(THEIRS, "Hello?").decision.reason is Reason.CONSENT_REVOKED
    desk.take(twilio_says("HELP", "in-2", OptOutType="HELP"))
    assert desk.notices == []
    start = twilio_says("x", "in-3", OptOutType="START")
    desk.take(
        evolve(start, received_at=datetime.now(UTC) + timedelta(seconds=2))
    )  # of one second the safer word counts
    assert desk.placed(THEIRS, "Hello?").decision.is_allowed
    assert desk.notices == []


@pytest.mark.parametrize("url", ["https://host.example:443/webhooks/twilio", "https://host.example/webhooks/twilio"])
def test_twilios_signature_counts_with_and_without_the_port(url: str) -> None:
    """Its own library takes both."""
    app = App(AppId("app"), ACME, "sms", "/webhooks/twilio", (Secret("auth-token"),), Secret(""), "twilio")
    fields = {"MessageSid": "in-1", "AccountSid": "AC1", "From": THEIRS, "To": OURS, "Body": "Hello"}
    signed = twilio_signed("https://host.example/webhooks/twilio", fields)

    (inbound,) = SmsChannel().read(app, evolve(signed, url=url, received_at=NOW))
    assert isinstance(inbound.item, InboundMessage)
    assert (inbound.account_ref, inbound.line_ref, inbound.item.provider_id) == ("AC1", OURS, ProviderId("in-1"))


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=5), st.sampled_from(["sha1", "SHA256"]))
@settings(max_examples=60, deadline=None)
def test_our_signature_is_twilios(fields: dict[str, str], algorithm: str) -> None:
    """For whatever form, with either algorithm."""
    from wa_connector_sms.twilio import SETTINGS_HEADER, check

    app = App(AppId("app"), ACME, "sms", "/t", (Secret("old"), Secret("auth-token")), Secret(""), "twilio")
    named = {"sha1": "HMAC_SHA1", "SHA256": "HMAC_SHA256"}[algorithm]
    signature = RequestValidator("auth-token").compute_signature(TWILIO_URL, fields, named)
    headers = {"X-Twilio-Signature": signature, SETTINGS_HEADER: f"key=k, algorithm={named}"}
    body = urlencode(fields).encode()
    check(app, WebhookRequest("/t", "POST", TWILIO_URL, headers, body), parse_qsl(body.decode(), True))
    with pytest.raises(InboundRejected):
        check(app, WebhookRequest("/t", "POST", TWILIO_URL, headers, body), [("x", "y")])


FIELDS = sorted(
    {
        *[
            "msisdn",
            "messageId",
            "status",
            "err-code",
            "client-ref",
            "concat",
            "concat-part",
            "concat-total",
            "message-timestamp",
            "api-key",
        ]
    }
    | {*["kind", "ref", "type", "receipt", "at", "account", "from", "to", "text", "id", "coding"]}
    | {
        *[
            "MessageSid",
            "AccountSid",
            "From",
            "To",
            "Body",
            "NumMedia",
            "MediaUrl0",
            "MessageStatus",
            "SmsStatus",
            "ErrorCode",
            "OptOutType",
        ]
    }
)
VALUES = st.text(max_size=20) | st.sampled_from(["1", "2", "16", "99", "report", "sent", "AC1", THEIRS, "STOP", "-1"])


def test_telnyxs_own_library_agrees() -> None:
    """What we take it takes, and what is too old neither."""
    from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

    app = App(AppId("app"), ACME, "sms", "/x", (Secret("AAAA"), Secret(TELNYX.secret)), Secret(""), "telnyx")
    request = evolve(telnyx_says("Hello", "in-1"), received_at=datetime.now(UTC))
    verify_webhook_signature(request.body, request.headers, TELNYX.secret)
    assert len(SmsChannel().read(app, request)) == 1
    old = evolve(request, headers={**request.headers, "telnyx-timestamp": "1500000000"})
    with pytest.raises(WebhookVerificationError):
        verify_webhook_signature(old.body, old.headers, TELNYX.secret)
    with pytest.raises(InboundRejected):
        SmsChannel().read(app, old)
    with pytest.raises(InboundRejected):  # rightly signed, and kept by somebody for an hour
        SmsChannel().read(app, evolve(request, received_at=datetime.now(UTC) + timedelta(hours=1)))


@pytest.mark.parametrize("way", ["md5hash", "md5", "sha1", "sha256", "sha512"])
def test_vonage_signs_in_five_ways(way: str) -> None:
    app = App(AppId("app"), ACME, "sms", "/x", (Secret(VONAGE.secret),), Secret(""), "vonage")
    fields = {"api-key": "key", "msisdn": "447911123456", "to": "4930123456", "text": "a=b&c", "messageId": "1"}
    request = evolve(vonage_signed("", fields, way), received_at=datetime.now(UTC))
    (inbound,) = SmsChannel().read(app, request)
    assert isinstance(inbound.item, InboundMessage)
    assert inbound.item.content == Text("a=b&c")


def test_the_parts_of_a_long_message_that_nobody_joined_all_come_in(desk_of: Callable[..., Any]) -> None:
    """Vonage joins none: each is there at once, with its place behind it."""
    desk = desk_of(VONAGE)
    for place in ("2", "1"):
        concat = {"concat": "true", "concat-ref": "7", "concat-total": "2", "concat-part": place}
        assert desk.take(vonage_says(f"part {place}", f"in-{place}", **concat)).status == 200
    assert {content.body for content in desk.received} == {"part 1 (1/2)", "part 2 (2/2)"}


def test_one_request_of_bandwidths_may_bring_several_events(desk_of: Callable[..., Any]) -> None:
    """And one that is odd is kept by itself."""
    desk = desk_of(BANDWIDTH)
    events = [
        bandwidth_event("message-received", {"id": f"in-{place}", "from": THEIRS, "text": f"{place}"})
        for place in (1, 2)
    ]
    result = desk.connector.handle_webhook(bandwidth_signed("", [events[0], 7, {"type": "new"}, events[1]]))
    assert (result.reply.status, result.taken, result.kept) == (200, 2, 2)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["message.received", "1", THEIRS]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "event_type",
                    "payload",
                    "id",
                    "from",
                    "to",
                    "phone_number",
                    "type",
                    "message",
                    "media",
                    "text",
                    "tags",
                    "errors",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30), st.sampled_from([TELNYX, BANDWIDTH])
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_body_holds_is_read_or_kept(body: bytes, provider: Provider) -> None:
    """Nothing undocumented is raised, however odd the JSON, or what is none."""
    app = App(AppId("app"), ACME, "sms", "/x", (Secret(provider.secret),), Secret(""), provider.name)
    signed: Any = provider.signed
    try:
        found = SmsChannel().read(app, evolve(signed("", body), received_at=datetime.now(UTC)))
    except InboundRejected:
        return
    assert all(inbound.item is not None for inbound in found)


# --- pictures ---------------------------------------------------------------------------------------------------------

PICTURE = b"\x89PNG a picture"


def stored(store: MemoryMediaStore) -> MediaRef:
    return store.put(ACME, iter([PICTURE]), "image/png", 100)


@pytest.mark.parametrize("provider", [TWILIO, TELNYX], ids=str)
def test_a_picture_goes_by_its_address(provider: Provider, desk_of: Callable[..., Any], site: Any) -> None:
    options = {**provider.options, "media_url": "https://host.example/files/{sha256}.{extension}"}
    desk = desk_of(evolve(provider, options=options))
    media = stored(desk.host.media)
    assert desk.write(THEIRS, Image(media, "Look")).status is MessageStatus.ACCEPTED
    (request,) = site.requests
    address = f"https://host.example/files/{media.sha256}.png"
    told = request.body.decode()
    assert address in (told if provider is TELNYX else dict(parse_qsl(told))["MediaUrl"])
    assert "Look" in told


def test_bandwidth_is_handed_a_picture_before_the_message(desk_of: Callable[..., Any], site: Any) -> None:
    desk = desk_of(BANDWIDTH)
    media = stored(desk.host.media)
    assert desk.write(THEIRS, Image(media, "Look")).status is MessageStatus.ACCEPTED
    upload, message = site.requests
    assert (upload.method, upload.body) == ("PUT", PICTURE)
    assert upload.header("content-type") == "image/png"
    assert json.loads(message.body)["media"] == [f"{site.url}{upload.endpoint}"]
    site.taker = lambda request: reply(500) if request.method == "PUT" else BANDWIDTH.yes()
    assert desk.write(THEIRS, Image(media)).status is MessageStatus.QUEUED  # nothing was sent, so nothing is in doubt


@pytest.mark.parametrize("provider", [KANNEL, TWILIO, TELNYX, VONAGE], ids=str)
def test_a_picture_that_the_account_cannot_carry_is_refused_at_once(
    provider: Provider, desk_of: Callable[..., Any]
) -> None:
    """With what would help, before anything is queued."""
    desk = desk_of(provider)
    decision = desk.placed(THEIRS, Image(stored(desk.host.media))).decision
    assert decision.reason is Reason.CONTENT_NOT_SUPPORTED
    assert [remedy.kind for remedy in decision.remedies] == [RemedyKind.CORRECT_CONTENT]


@pytest.mark.parametrize("provider", [TWILIO, TELNYX, BANDWIDTH], ids=str)
def test_a_picture_comes_in_with_its_words(provider: Provider, desk_of: Callable[..., Any], site: Any) -> None:
    """It is fetched by the dispatcher, with credentials where the provider wants them."""
    desk, url = desk_of(provider), f"{site.url}/file.png"
    told: Mapping[str, Mapping[str, Any]] = {
        TWILIO.name: {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/png"},
        TELNYX.name: {"media": [{"url": url, "content_type": "image/png"}]},
        BANDWIDTH.name: {"media": [f"{site.url}/0.smil", url]},
    }
    says: Any = provider.says
    site.taker = lambda _: reply(200, PICTURE, content_type="image/png")
    assert desk.take(says("Look", "in-1", **told[provider.name])).status == 200
    desk.dispatch()
    (content,) = desk.received
    assert isinstance(content, Image)
    assert content.caption == "Look"
    assert b"".join(desk.host.media.read(ACME, content.media)) == PICTURE
    (asked,) = site.requests
    assert (asked.header("authorization") == "") == (provider is TELNYX)


def test_a_picture_elsewhere_is_not_fetched(desk_of: Callable[..., Any], site: Any) -> None:
    """Nor where the provider's own address leads elsewhere."""
    from wa_connector_sms.twilio import Twilio

    from wa_connector.model.outbound import FetchFailed

    line = setup(TWILIO, site.url)
    failed = Twilio().download(line, MediaRef("image/png", provider_ref="https://evil.example/x"))
    assert isinstance(failed, FetchFailed)
    site.taker = lambda _: reply(302, b"", location="http://127.0.0.2/x")
    transport = SmsTransport()
    outcome = transport.fetch(line, MediaRef("image/png", provider_ref=f"{site.url}/x"), STORE)
    assert outcome == FetchFailed("the file lies on a host that is not the provider's", is_final=False)
    transport.close()


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8), st.sampled_from([KANNEL, TWILIO, VONAGE]))
@settings(max_examples=150, deadline=None)
def test_whatever_a_form_holds_is_read_or_kept(fields: dict[str, str], provider: Provider) -> None:
    """Nothing undocumented is raised, however odd the fields."""
    app = App(AppId("app"), ACME, "sms", "/x", (Secret(provider.secret),), Secret(""), provider.name)
    request = provider.signed(HOST + provider.name, fields)

    try:
        found = SmsChannel().read(app, evolve(request, received_at=NOW))
    except InboundRejected:
        return
    assert all(inbound.item is not None for inbound in found)


def test_what_twilio_read_is_told() -> None:
    """For readers of the item itself."""
    app = App(AppId("app"), ACME, "sms", "/x", (Secret("auth-token"),), Secret(""), "twilio")

    (inbound,) = SmsChannel().read(app, evolve(twilio_says("x", "in-1", OptOutType="STOP"), received_at=NOW))
    assert isinstance(inbound.item, InboundMessage)
    assert (inbound.item.signal, inbound.item.is_answered) == (Signal.STOP, True)
