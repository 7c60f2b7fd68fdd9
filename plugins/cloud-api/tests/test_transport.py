"""The senders over real HTTP, each promise for both: what goes out, what comes of it, and where the token never goes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import logging
import multiprocessing
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from wa_connector_cloud_api import options as options_module
from wa_connector_cloud_api.options import Options, may_fetch, target
from wa_connector_cloud_api.transport import AsyncCloudApiTransport, CloudApiTransport

from wa_connector.errors import ConfigError, ProviderError, Unavailable, UnknownProviderError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.content import Content, Image, MediaRef, TemplateMessage, Text
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Deferred,
    Envelope,
    Fetched,
    FetchFailed,
    OutcomeUnknown,
    Rejected,
)
from wa_connector.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Files, Scripted, Sender, Step

    from wa_connector.model.directory import Account, LineSetup

TOKEN = "EAAtoken0123456789"
YES = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+16505551234", "wa_id": "16505551234"}],
    "messages": [{"id": "wamid.OUT1"}],
}
ACCEPTED = Accepted(ProviderId("wamid.OUT1"), (Address(AddressKind.WHATSAPP_ID, "16505551234"),))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20


def envelope(content: Content | None = None, to: str = "+16505551234") -> Envelope:
    return Envelope(MessageId("outbox:43"), number(to), content or Text("hi"))


def error(code: int, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "M", "type": "OAuthException", **more}}


# --------------------------------------------------------------------------------------- sending


def test_a_message_goes_out_and_is_accepted(sender: Sender, server: Scripted, here: LineSetup) -> None:
    server.says(server.reply(YES))
    assert sender.send(here, envelope()) == ACCEPTED
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/v26.0/106540352242922/messages")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+16505551234",
        "type": "text",
        "text": {"body": "hi"},
        "biz_opaque_callback_data": "outbox:43",
    }


def test_connections_are_kept(sender: Sender, server: Scripted, here: LineSetup) -> None:
    server.says(server.reply(YES))
    ports = set()
    for _ in range(3):
        assert sender.send(here, envelope()) == ACCEPTED
    ports = {seen.peer for seen in server.seen}
    assert len(server.seen) == 3
    assert len(ports) == 1


def test_a_compressed_answer_is_read(sender: Sender, server: Scripted, here: LineSetup) -> None:
    import json

    body = gzip.compress(json.dumps(YES).encode())
    server.says(server.reply(body, content_encoding="gzip"))
    assert sender.send(here, envelope()) == ACCEPTED


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(131047), Rejected),
        (400, error(131056), Deferred),
        (401, error(190), AccountStopped),
        (500, error(131000), OutcomeUnknown),
        (400, error(777), Rejected),
        (404, b"<html>", Rejected),
        (503, b"", OutcomeUnknown),
        (429, b"", Deferred),
        (200, b"", OutcomeUnknown),
        (200, b"{", OutcomeUnknown),
        (200, {"messages": []}, OutcomeUnknown),
        (204, b"", OutcomeUnknown),
    ],
)
def test_refusals(sender: Sender, server: Scripted, here: LineSetup, status: int, body: object, kind: type) -> None:
    server.says(server.reply(body, status))
    assert isinstance(sender.send(here, envelope()), kind)
    assert len(server.seen) == 1


def test_before_a_connection_stands_nothing_was_sent(sender: Sender, setup: LineSetup) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nowhere = evolve(setup, account=evolve(setup.account, base_url=f"http://127.0.0.1:{port}"))
    outcome = sender.send(nowhere, envelope())
    assert outcome == Deferred("unreachable", "no connection to the provider (ConnectError)")


def test_a_connection_that_does_not_come_about_in_time(
    make_sender: Callable[[Options], Sender], setup: LineSetup, quick: Options
) -> None:
    """A listener whose queue is full drops what knocks."""
    hasty = make_sender(evolve(quick, timeouts=evolve(quick.timeouts, connect=0.3)))
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        knocking = [socket.socket() for _ in range(4)]
        try:
            for each in knocking:
                each.setblocking(False)
                each.connect_ex(address)
            line = evolve(setup, account=evolve(setup.account, base_url=f"http://127.0.0.1:{address[1]}"))
            outcome = hasty.send(line, envelope())
        finally:
            for each in knocking:
                each.close()
    assert outcome == Deferred("unreachable", "no connection to the provider (ConnectTimeout)")


@pytest.mark.parametrize("step", ["hang", "drop", "reset", "truncate", "drip"])
def test_after_the_request_left_the_outcome_is_unknown(
    sender: Sender, server: Scripted, here: LineSetup, step: str
) -> None:
    """Whatever goes wrong then: the provider may have sent the message."""
    steps: dict[str, Step] = {
        "hang": server.hang(),
        "drop": server.drop(),
        "reset": server.drop(reset=True),
        "truncate": server.truncate(b'{"messages":[{"id":"wamid.OUT1"}]}'),
        "drip": server.drip(),
    }
    server.says(steps[step])
    started = time.monotonic()
    outcome = sender.send(here, envelope())
    assert isinstance(outcome, OutcomeUnknown)
    assert time.monotonic() - started < 3
    assert len(server.seen) == 1
    assert "127.0.0.1" not in outcome.problem


def test_an_answer_without_end_is_not_read_to_it(
    sender: Sender, server: Scripted, here: LineSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wa_connector_cloud_api import _http

    monkeypatch.setattr(_http, "MAX_ANSWER", 1000)
    server.says(server.reply(bytes(2000)))
    assert isinstance(sender.send(here, envelope()), OutcomeUnknown)


def test_a_redirect_is_not_followed(sender: Sender, server: Scripted, elsewhere: Scripted, here: LineSetup) -> None:
    for status in (301, 302, 303, 307, 308):
        server.says(server.reply(b"", status, location=elsewhere.url + "/catch"))
        assert isinstance(sender.send(here, envelope()), AccountStopped)
    assert elsewhere.seen == []


def test_cookies_are_not_kept(sender: Sender, server: Scripted, here: LineSetup) -> None:
    """One transport serves many tenants."""
    server.says(server.reply(YES, set_cookie="who=acme; path=/"))
    sender.send(here, envelope())
    sender.send(here, envelope())
    assert "cookie" not in server.seen[1].headers


def test_the_environment_names_no_proxy(
    make_sender: Callable[[Options], Sender],
    server: Scripted,
    elsewhere: Scripted,
    here: LineSetup,
    quick: Options,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.root)
    server.says(server.reply(YES))
    assert make_sender(quick).send(here, envelope()) == ACCEPTED
    assert elsewhere.seen == []


def test_a_proxy_that_was_asked_for_is_used(
    make_sender: Callable[[Options], Sender],
    server: Scripted,
    elsewhere: Scripted,
    here: LineSetup,
    quick: Options,
) -> None:
    elsewhere.says(elsewhere.reply(YES))
    through = make_sender(evolve(quick, proxy=elsewhere.root))
    assert through.send(here, envelope()) == ACCEPTED
    assert server.seen == []
    assert elsewhere.seen[0].path == server.url + "/106540352242922/messages"


# --------------------------------------------------------------------------------- media, out


def test_an_image_is_uploaded_and_then_sent(sender: Sender, server: Scripted, here: LineSetup, files: Files) -> None:
    server.says(server.reply({"id": "MEDIA1"}), server.reply(YES))
    media = files.add(JPEG, "image/jpeg")
    assert sender.send(here, envelope(Image(media, "look"))) == ACCEPTED
    upload, message = server.seen
    assert (upload.method, upload.path) == ("POST", "/v26.0/106540352242922/media")
    assert upload.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert upload.headers["authorization"] == f"Bearer {TOKEN}"
    parts = upload.body.split(b"--" + upload.headers["content-type"].partition("=")[2].encode())
    assert b'name="messaging_product"\r\n\r\nwhatsapp\r\n' in parts[1]
    assert b'name="type"\r\n\r\nimage/jpeg\r\n' in parts[2]
    assert b'name="file"; filename="image.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' in parts[3]
    assert parts[3].endswith(JPEG + b"\r\n")
    assert message.json["image"] == {"id": "MEDIA1", "caption": "look"}


def test_a_templates_header_is_uploaded_first(sender: Sender, server: Scripted, here: LineSetup, files: Files) -> None:
    server.says(server.reply({"id": "MEDIA1"}), server.reply(YES))
    digest = files.add(JPEG, "image/jpeg").sha256
    content = TemplateMessage("poster", "en_US", {"header.image": digest})
    assert sender.send(here, envelope(content)) == ACCEPTED
    component = server.seen[1].json["template"]["components"][0]
    assert component["parameters"] == [{"type": "image", "image": {"id": "MEDIA1"}}]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("hang", Deferred),
        ("reset", Deferred),
        ("500", Deferred),
        ("nonsense", Deferred),
        ("refused", Rejected),
        ("token", AccountStopped),
    ],
)
def test_when_the_upload_fails_the_message_was_not_sent(
    sender: Sender, server: Scripted, here: LineSetup, files: Files, step: str, kind: type
) -> None:
    steps: dict[str, Step] = {
        "hang": server.hang(),
        "reset": server.drop(reset=True),
        "500": server.reply(b"", 500),
        "nonsense": server.reply({}),
        "refused": server.reply(error(131053), 400),
        "token": server.reply(error(190), 401),
    }
    server.says(steps[step])
    outcome = sender.send(here, envelope(Image(files.add(JPEG, "image/jpeg"))))
    assert isinstance(outcome, kind)
    assert len(server.seen) == 1


def test_a_file_that_is_not_there(sender: Sender, server: Scripted, here: LineSetup) -> None:
    outcome = sender.send(here, envelope(Image(MediaRef("image/jpeg", "ab" * 32, 7))))
    assert outcome == Rejected("media", "the file is not in the media store")
    assert server.seen == []


def test_a_store_that_does_not_answer(sender: Sender, server: Scripted, here: LineSetup, files: Files) -> None:
    media = files.add(JPEG, "image/jpeg")
    files.fails = True
    assert isinstance(sender.send(here, envelope(Image(media))), Deferred)
    assert server.seen == []


# ----------------------------------------------------------------------------------- media, in


def located(server: Scripted, content: bytes = JPEG, **more: Any) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "url": server.root + "/whatsapp_business/attachments/?mid=1&hash=SIGNED",
        "mime_type": "image/jpeg",
        "sha256": hashlib.sha256(content).hexdigest(),
        "file_size": len(content),
        "id": "M1",
        **more,
    }


INBOUND = MediaRef("image/jpeg", sha256=hashlib.sha256(JPEG).hexdigest(), provider_ref="M1")


def test_a_file_is_looked_up_fetched_and_kept(sender: Sender, server: Scripted, here: LineSetup, files: Files) -> None:
    server.says(server.reply(located(server)), server.reply(JPEG))
    outcome = sender.fetch(here, INBOUND)
    assert outcome == Fetched(MediaRef("image/jpeg", INBOUND.sha256, len(JPEG)))
    assert files.content == {INBOUND.sha256: JPEG}
    lookup, download = server.seen
    assert lookup.path == "/v26.0/M1?phone_number_id=106540352242922"
    assert download.path == "/whatsapp_business/attachments/?mid=1&hash=SIGNED"
    assert {seen.headers["authorization"] for seen in server.seen} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("known", ["", "hex", "other"])
@pytest.mark.parametrize("told", ["hex", "base64", "nothing"])
def test_the_bytes_must_be_announced_ones(
    sender: Sender, server: Scripted, here: LineSetup, files: Files, known: str, told: str
) -> None:
    """By the webhook or by the look-up, in either spelling; where neither says anything, any are taken."""
    digest = hashlib.sha256(JPEG)
    spelled = {
        "hex": digest.hexdigest(),
        "base64": base64.b64encode(digest.digest()).decode(),
        "nothing": None,
    }
    media = evolve(INBOUND, sha256={"": "", "hex": INBOUND.sha256, "other": "ab" * 32}[known])
    server.says(server.reply(located(server, sha256=spelled[told])), server.reply(JPEG))
    outcome = sender.fetch(here, media)
    if known == "other" and told == "nothing":
        assert isinstance(outcome, FetchFailed)
        assert files.content == {}
    else:
        assert isinstance(outcome, Fetched)


def test_other_bytes_are_not_kept(sender: Sender, server: Scripted, here: LineSetup, files: Files) -> None:
    server.says(server.reply(located(server)), server.reply(JPEG[:-1] + b"!"))
    outcome = sender.fetch(here, INBOUND)
    assert outcome == FetchFailed("the bytes are not the ones that the provider announced", is_final=False)
    assert files.content == {}


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_expired_address_is_looked_up_again_once(
    sender: Sender, server: Scripted, here: LineSetup, status: int
) -> None:
    lookup, gone = server.reply(located(server)), server.reply(b"", status)
    server.says(lookup, gone, lookup, server.reply(JPEG))
    assert isinstance(sender.fetch(here, INBOUND), Fetched)
    server.seen.clear()
    server.says(lookup, gone, lookup, gone)
    assert sender.fetch(here, INBOUND) == FetchFailed("the file's address had expired, twice", is_final=False)
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("{elsewhere}/file", "not the provider's"),
        ("https://evil.example/file", "not the provider's"),
        ("https://lookaside.fbsbx.com.evil.example/file", "not the provider's"),
        ("https://lookaside.fbsbx.com@evil.example/file", "not the provider's"),
        ("https://user:pw@lookaside.fbsbx.com/file", "not the provider's"),
        ("https://lookaside.fbsbx.com:8443/file", "not the provider's"),
        ("http://lookaside.fbsbx.com/file", "not the provider's"),
        ("https://evil.example\\@lookaside.fbsbx.com/file", "host|read"),
        ("file:///etc/passwd", "not the provider's"),
        ("//evil.example/file", "not the provider's"),
        ("/file", "not the provider's"),
        ("https://[broken/file", "host|read"),
        ("http://169.254.169.254/latest/meta-data", "not the provider's"),
    ],
)
def test_a_file_on_another_host_is_never_fetched(
    sender: Sender,
    server: Scripted,
    elsewhere: Scripted,
    here: LineSetup,
    files: Files,
    url: str,
    why: str,
) -> None:
    server.says(server.reply(located(server, url=url.format(elsewhere=elsewhere.root))))
    outcome = sender.fetch(here, INBOUND)
    assert isinstance(outcome, FetchFailed)
    assert any(word in outcome.problem for word in why.split("|"))
    assert len(server.seen) == 1
    assert elsewhere.seen == []
    assert files.content == {}


def test_a_download_follows_no_redirect(sender: Sender, server: Scripted, elsewhere: Scripted, here: LineSetup) -> None:
    away = server.reply(b"", 302, location=elsewhere.url + "/catch")
    server.says(server.reply(located(server)), away)
    assert sender.fetch(here, INBOUND) == FetchFailed("http 302", is_final=False)
    assert elsewhere.seen == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_large(
    make_sender: Callable[[Options], Sender],
    server: Scripted,
    here: LineSetup,
    files: Files,
    quick: Options,
    announced: bool,
) -> None:
    sender = make_sender(evolve(quick, max_media_bytes=1000))
    size = len(JPEG) if announced else None
    server.says(server.reply(located(server, file_size=size)), server.reply(JPEG))
    outcome = sender.fetch(here, INBOUND)
    assert isinstance(outcome, FetchFailed)
    assert outcome.is_final
    assert len(server.seen) == (1 if announced else 2)
    assert files.content == {}


@pytest.mark.parametrize("step", ["hang", "reset", "truncate", "drip", "500"])
def test_a_download_that_breaks_off_is_tried_again_later(
    sender: Sender, server: Scripted, here: LineSetup, files: Files, step: str
) -> None:
    steps: dict[str, Step] = {
        "hang": server.hang(),
        "reset": server.drop(reset=True),
        "truncate": server.truncate(JPEG),
        "drip": server.drip(),
        "500": server.reply(b"", 500),
    }
    server.says(server.reply(located(server)), steps[step])
    outcome = sender.fetch(here, INBOUND)
    assert isinstance(outcome, FetchFailed)
    assert not outcome.is_final
    assert files.content == {}


@pytest.mark.parametrize(
    ("status", "body", "is_final"),
    [(400, error(100), True), (401, error(190), False), (500, b"", False), (200, {}, False)],
)
def test_a_look_up_that_fails(
    sender: Sender, server: Scripted, here: LineSetup, status: int, body: object, is_final: bool
) -> None:
    server.says(server.reply(body, status))
    outcome = sender.fetch(here, INBOUND)
    assert isinstance(outcome, FetchFailed)
    assert outcome.is_final is is_final


def test_a_store_that_cannot_keep(sender: Sender, server: Scripted, here: LineSetup, files: Files) -> None:
    files.fails = True
    server.says(server.reply(located(server)), server.reply(JPEG))
    outcome = sender.fetch(here, INBOUND)
    assert outcome == FetchFailed("the media store does not answer now", is_final=False)


def test_a_file_without_a_handle(sender: Sender, here: LineSetup) -> None:
    outcome = sender.fetch(here, MediaRef("image/jpeg"))
    assert isinstance(outcome, FetchFailed)
    assert outcome.is_final


# ----------------------------------------------------------------------------------- templates


def test_pages_of_templates_go_by_cursor(
    sender: Sender, server: Scripted, elsewhere: Scripted, here: LineSetup
) -> None:
    """``next`` is an address of the provider's choosing; it is not followed."""

    def row(name: str) -> dict[str, Any]:
        return {"id": "1", "name": name, "language": "en_US", "status": "APPROVED"}

    more = {"cursors": {"before": "A", "after": "B&C"}, "next": elsewhere.url + "/catch"}
    server.says(
        server.reply({"data": [row("one"), row("two")], "paging": more}),
        server.reply({"data": [row("three")], "paging": {"cursors": {"after": "Z"}}}),
    )
    found = sender.templates(here.account)
    assert [template.name for template in found] == ["one", "two", "three"]
    assert [seen.path.partition("?")[0] for seen in server.seen] == ["/v26.0/102290129340398/message_templates"] * 2
    assert "after=" not in server.seen[0].path
    assert "after=B%26C" in server.seen[1].path
    assert elsewhere.seen == []


def test_pages_without_end(sender: Sender, server: Scripted, here: LineSetup) -> None:
    circle = {"cursors": {"after": "B"}, "next": "x"}
    server.says(server.reply({"data": [], "paging": circle}))
    with pytest.raises(UnknownProviderError, match="no end"):
        sender.templates(here.account)
    assert len(server.seen) == 2


def test_templates_that_cannot_be_had(sender: Sender, server: Scripted, here: LineSetup) -> None:
    server.says(server.reply(error(190), 401))
    with pytest.raises(ProviderError) as caught:
        sender.templates(here.account)
    assert caught.value.code == "190"
    server.says(server.drop())
    with pytest.raises(Unavailable):
        sender.templates(here.account)
    with pytest.raises(ConfigError):
        sender.templates(evolve(here.account, token=Secret("")))


# ----------------------------------------------------------------------- buttons of templates


def offer(kind: str = "COPY_CODE", language: str = "en_US") -> dict[str, Any]:
    url = {"url": "https://x/{{1}}"} if kind == "URL" else {}
    buttons = {"type": "BUTTONS", "buttons": [{"type": kind, "text": "B", **url}]}
    return {"name": "offer", "language": language, "status": "APPROVED", "components": [buttons]}


COUPON = TemplateMessage("offer", "en_US", {"button.0": "SAVE20"})
SPELLED = {
    "COPY_CODE": {"type": "coupon_code", "coupon_code": "SAVE20"},
    "URL": {"type": "text", "text": "SAVE20"},
}


def methods(server: Scripted) -> list[str]:
    return [seen.method for seen in server.seen]


@pytest.mark.parametrize("kind", ["COPY_CODE", "URL"])
def test_the_kind_of_a_button_is_asked_once_a_template(
    sender: Sender, server: Scripted, here: LineSetup, kind: str
) -> None:
    """``button.0`` alone does not say whether it is a coupon or the end of an address."""
    rows = [offer("URL" if kind == "COPY_CODE" else "COPY_CODE", "de"), offer(kind)]
    server.says(server.reply({"data": rows}), server.reply(YES))
    assert sender.send(here, envelope(COUPON)) == ACCEPTED
    assert sender.send(here, envelope(COUPON)) == ACCEPTED
    assert methods(server) == ["GET", "POST", "POST"]
    assert "name=offer" in server.seen[0].path
    for seen in server.seen[1:]:
        (button,) = seen.json["template"]["components"]
        assert (button["sub_type"], button["parameters"]) == (kind.lower(), [SPELLED[kind]])


def test_what_is_sent_without_buttons_parameters_asks_nothing(
    sender: Sender, server: Scripted, here: LineSetup
) -> None:
    server.says(server.reply(YES))
    content = TemplateMessage("offer", "en_US", {"body.1": "Ana"}, {"0": "yes"})
    assert sender.send(here, envelope(content)) == ACCEPTED
    assert methods(server) == ["POST"]


def test_a_rejected_message_has_its_template_looked_up_again(sender: Sender, server: Scripted, here: LineSetup) -> None:
    """Somebody may have given it another button meanwhile."""
    listed = server.reply({"data": [offer("URL")]}), server.reply(error(132018), 400)
    server.says(*listed, server.reply({"data": [offer()]}), server.reply(YES))
    assert isinstance(sender.send(here, envelope(COUPON)), Rejected)
    assert sender.send(here, envelope(COUPON)) == ACCEPTED
    assert server.seen[-1].json["template"]["components"][0]["sub_type"] == "copy_code"


def test_a_template_that_is_not_listed_is_not_sent(sender: Sender, server: Scripted, here: LineSetup) -> None:
    server.says(server.reply({"data": [offer(language="de")]}))
    outcome = sender.send(here, envelope(COUPON))
    assert isinstance(outcome, Rejected)
    assert methods(server) == ["GET"]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("reset", Deferred),
        ("500", Deferred),
        ("unreadable", Deferred),
        ("throttled", Deferred),
        ("token", AccountStopped),
    ],
)
def test_when_the_buttons_cannot_be_looked_up_the_message_was_not_sent(
    sender: Sender, server: Scripted, here: LineSetup, step: str, kind: type
) -> None:
    steps: dict[str, Step] = {
        "reset": server.drop(reset=True),
        "500": server.reply(error(131000), 500),
        "unreadable": server.reply({"data": "?"}),
        "throttled": server.reply(error(80007), 400),
        "token": server.reply(error(190), 401),
    }
    server.says(steps[step])
    assert isinstance(sender.send(here, envelope(COUPON)), kind)
    assert "POST" not in methods(server)


def test_the_files_of_a_carousel_are_uploaded_first(
    sender: Sender, server: Scripted, here: LineSetup, files: Files
) -> None:
    one, two = files.add(JPEG, "image/jpeg").sha256, files.add(JPEG + b"2", "image/jpeg").sha256
    server.says(server.reply({"id": "MEDIA1"}), server.reply({"id": "MEDIA2"}), server.reply(YES))
    content = TemplateMessage(
        "cards", "en_US", {f"card.{n}.header.image": digest for n, digest in enumerate((one, two, one))}
    )
    assert sender.send(here, envelope(content)) == ACCEPTED
    (carousel,) = server.seen[-1].json["template"]["components"]
    handles = [card["components"][0]["parameters"][0]["image"]["id"] for card in carousel["cards"]]
    assert handles == ["MEDIA1", "MEDIA2", "MEDIA1"]
    assert len(server.seen) == 3


# ------------------------------------------------------------------------------- where it goes


@pytest.mark.parametrize(
    "base_url",
    [
        "http://graph.facebook.com/v26.0",
        "ftp://graph.facebook.com",
        "graph.facebook.com/v26.0",
        "https://",
        "https://user@graph.facebook.com",
        "https://:pw@graph.facebook.com",
        "https://graph.facebook.com/v26.0?x=y",
        "https://graph.facebook.com/#x",
        "https://evil.example\\@graph.facebook.com",
        "https://graph.facebook.com:port/",
        "https://graph.facebook.com /v26.0",
        "https://[::1",
        "https://gräph.example",
        "http://localhost.evil.example",
    ],
)
def test_an_address_that_is_no_place_for_a_token(sender: Sender, setup: LineSetup, base_url: str) -> None:
    line = evolve(setup, account=evolve(setup.account, base_url=base_url))
    outcome = sender.send(line, envelope())
    assert isinstance(outcome, AccountStopped)
    assert "accounts[main].base_url" in outcome.meaning
    failed = sender.fetch(line, INBOUND)
    assert isinstance(failed, FetchFailed)
    assert not failed.is_final


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "töken", "tab\t", "nul\0"])
def test_a_token_that_cannot_be_sent(sender: Sender, server: Scripted, here: LineSetup, token: str) -> None:
    """The HTTP client would refuse it in an exception that quotes it."""
    line = evolve(here, account=evolve(here.account, token=Secret(token)))
    outcome = sender.send(line, envelope())
    assert isinstance(outcome, AccountStopped)
    assert not token or token not in outcome.meaning
    assert server.seen == []


def test_the_providers_own_address_is_the_default(account: Account) -> None:
    to = target(account, Options())
    assert to.base_url == "https://graph.facebook.com/v26.0"
    assert to.origin == ("https", "graph.facebook.com", 443)
    assert may_fetch("https", "lookaside.fbsbx.com", None, to, Options())
    assert may_fetch("https", "LOOKASIDE.fbsbx.com", 443, to, Options())
    assert may_fetch("https", "graph.facebook.com", None, to, Options())
    assert not may_fetch("http", "graph.facebook.com", None, to, Options())
    assert not may_fetch("https", "graph.facebook.com", 8443, to, Options())


def test_hosts_may_be_added(account: Account) -> None:
    options = Options(plain_http_hosts=frozenset({"emulator"}), media_hosts=frozenset({"cdn.example"}))
    to = target(evolve(account, base_url="http://emulator:8080/v26.0/"), options)
    assert to.base_url == "http://emulator:8080/v26.0"
    assert may_fetch("https", "cdn.example", None, to, options)
    assert may_fetch("http", "emulator", 8080, to, options)
    assert not may_fetch("http", "emulator", None, to, options)


# ------------------------------------------------------------------------------------- secrets


def test_neither_secrets_nor_persons_are_logged_or_printed(
    sender: Sender,
    server: Scripted,
    here: LineSetup,
    files: Files,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At DEBUG, every library's log included; and in every outcome's repr, when the provider quotes all of it."""
    caplog.set_level(logging.DEBUG)
    quoting = f"Malformed access token {TOKEN} for +16505551234 in wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI"
    server.says(server.reply(YES))
    outcomes: list[object] = [sender.send(here, envelope(Text("secret words")))]
    for code in (190, 100, 777):
        server.says(server.reply(error(code, error_data={"details": quoting}), 400))
        outcomes.append(sender.send(here, envelope()))
    server.says(server.reply(located(server)), server.reply(JPEG))
    outcomes.append(sender.fetch(here, INBOUND))
    server.says(server.reply({"error": {"code": 777, "message": quoting}}, 400))
    with pytest.raises(ProviderError) as caught:
        sender.templates(here.account)
    assert TOKEN.encode() not in caught.value.body
    printed = repr((outcomes, caught.value, str(caught.value), vars(sender), here, envelope()))
    told = caplog.text + printed
    for word in (TOKEN, "16505551234", "secret words", "wamid", "SIGNED", "M1?", "106540352242922/"):
        assert word not in told


def test_a_short_token_is_taken_out_of_answers_too(sender: Sender, server: Scripted, here: LineSetup) -> None:
    line = evolve(here, account=evolve(here.account, token=Secret("tok-1")))
    server.says(server.reply(error(777, error_data={"details": "bad token tok-1"}), 400))
    outcome = sender.send(line, envelope())
    assert isinstance(outcome, Rejected)
    assert "tok-1" not in outcome.meaning


def test_options_print_no_proxy_password() -> None:
    assert "hunter2" not in repr(Options(proxy="http://me:hunter2@proxy.example:3128"))


# ------------------------------------------------------------------------- processes and loops


def test_one_tls_context_a_process(quick: Options) -> None:
    from wa_connector_cloud_api import _http

    assert _http.ssl_context(quick) is _http.ssl_context(Options())
    own = _http.ssl_context(quick)
    assert _http.ssl_context(Options(ssl_context=own)) is own


def test_closing_twice_and_going_on(quick: Options, server: Scripted, here: LineSetup, files: Files) -> None:
    server.says(server.reply(YES))
    transport = CloudApiTransport(quick)
    transport.close()
    for _ in range(2):
        assert transport.send(here, envelope(), files) == ACCEPTED
        transport.close()
        transport.close()


def test_many_threads_share_a_transport(quick: Options, server: Scripted, here: LineSetup, files: Files) -> None:
    server.says(server.reply(YES))
    transport = CloudApiTransport(evolve(quick, timeouts=options_module.Timeouts()))
    barrier = threading.Barrier(8)

    def work(_: int) -> set[object]:
        barrier.wait()
        return {transport.send(here, envelope(), files) for _ in range(5)}

    with ThreadPoolExecutor(8) as threads:
        outcomes = set().union(*threads.map(work, range(8)))
    transport.close()
    assert outcomes == {ACCEPTED}
    assert len(server.seen) == 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_uses_connections_of_its_own(quick: Options, server: Scripted, here: LineSetup, files: Files) -> None:
    """Forked after the parent has used the transport: the child neither writes into the parent's stream nor closes it."""
    server.says(server.reply(YES))
    transport = CloudApiTransport(quick)
    assert transport.send(here, envelope(), files) == ACCEPTED
    context = multiprocessing.get_context("fork")
    ears, mouth = context.Pipe(duplex=False)

    def child() -> None:
        outcome = transport.send(here, envelope(), files)
        transport.close()
        mouth.send(outcome == ACCEPTED)

    process = context.Process(target=child)
    process.start()
    process.join(20)
    assert ears.poll(0)
    assert ears.recv()
    assert transport.send(here, envelope(), files) == ACCEPTED
    transport.close()
    mine, childs, mine_again = (seen.peer for seen in server.seen)
    assert mine == mine_again != childs


def test_each_loop_has_connections_of_its_own(quick: Options, server: Scripted, here: LineSetup, files: Files) -> None:
    server.says(server.reply(YES))
    transport = AsyncCloudApiTransport(quick)

    async def once() -> object:
        outcome = await transport.send(here, envelope(), _no_files())
        await transport.aclose()
        return outcome

    def loop(_: int) -> object:
        return asyncio.run(once())

    with ThreadPoolExecutor(3) as threads:
        assert set(threads.map(loop, range(6))) == {ACCEPTED}
    assert transport._pools == {}


def test_loops_that_ended_without_closing_are_let_go(quick: Options) -> None:
    transport = AsyncCloudApiTransport(quick)

    async def touch() -> None:
        transport._lanes()

    for _ in range(3):
        asyncio.run(touch())
    assert len(transport._pools) == 1


def test_a_wide_burst_goes_through_small_pools(quick: Options, server: Scripted, here: LineSetup) -> None:
    """More at once than there are connections: the rest waits its turn, and nobody uses more than there are."""
    server.says(server.reply(YES))
    few = evolve(quick, connections=4, lanes=2, timeouts=options_module.Timeouts())

    async def burst() -> set[object]:
        transport = AsyncCloudApiTransport(few)
        sends = (transport.send(here, envelope(), _no_files()) for _ in range(40))
        outcomes = await asyncio.gather(*sends)
        await transport.aclose()
        return set(outcomes)

    assert asyncio.run(burst()) == {ACCEPTED}
    assert len(server.seen) == 40
    assert len({seen.peer for seen in server.seen}) <= 4


def test_when_all_connections_are_busy_nothing_was_sent(
    make_sender: Callable[[Options], Sender], quick: Options, server: Scripted, here: LineSetup
) -> None:
    async def burst() -> list[object]:
        transport = AsyncCloudApiTransport(
            evolve(quick, connections=1, timeouts=evolve(quick.timeouts, pool=0.1, answer=0.6))
        )
        sends = (transport.send(here, envelope(), _no_files()) for _ in range(2))
        outcomes = await asyncio.gather(*sends)
        await transport.aclose()
        return list(outcomes)

    first, second = asyncio.run(burst())
    assert isinstance(first, OutcomeUnknown)
    assert second == Deferred("unreachable", "all connections are busy")
    assert len(server.seen) == 1


def test_a_cancelled_send_gives_its_place_back(quick: Options, server: Scripted, here: LineSetup) -> None:
    async def cancel() -> object:
        transport = AsyncCloudApiTransport(evolve(quick, connections=1, lanes=1))
        first = asyncio.create_task(transport.send(here, envelope(), _no_files()))
        while not server.seen:  # noqa: ASYNC110 - filled by the server's thread
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        server.says(server.reply(YES))
        outcome = await transport.send(here, envelope(), _no_files())
        await transport.aclose()
        return outcome

    assert asyncio.run(cancel()) == ACCEPTED


def _no_files() -> Any:
    return None
