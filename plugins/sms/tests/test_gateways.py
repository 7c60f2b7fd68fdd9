"""What holds of every gateway that is spoken to by HTTP, whoever the provider is.

Requests are real ones on loopback; what comes in is signed by the provider's own library where there is one.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from wa_connector_sms import AsyncSmsTransport, SmsChannel, SmsTransport
from wa_connector_sms.calls import basic
from wa_connector_sms.kannel import _dlr_url

from wa_connector.errors import InboundRejected
from wa_connector.model.address import number
from wa_connector.model.consent import Signal
from wa_connector.model.content import Text
from wa_connector.model.decision import Reason
from wa_connector.model.directory import Account, App, Line, LineSetup
from wa_connector.model.event import LineStopped
from wa_connector.model.ids import AppId, MessageId, ProviderId
from wa_connector.model.inbound import InboundMessage
from wa_connector.model.message import MessageStatus, NoticeKind
from wa_connector.model.outbound import AccountStopped, Deferred, Envelope, OutcomeUnknown, Rejected
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import WebhookReply, WebhookRequest
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

PROVIDERS = [KANNEL, TWILIO]
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


@pytest.mark.parametrize("provider", [each for each in PROVIDERS if each.opted_out], ids=str)
@pytest.mark.parametrize("by", ["answer", "report"])
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
        request = evolve(request, headers={})
    elif way == "another secret":
        request = evolve(request, headers={name: value[:-3] + "AA=" for name, value in request.headers.items()})
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
    {*["kind", "ref", "type", "receipt", "at", "account", "from", "to", "text", "id", "coding"]}
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


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8), st.sampled_from([KANNEL, TWILIO]))
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
