"""Media: kinds, sizes, lives of ids and addresses."""

from datetime import timedelta

import pytest
from emulator_bench import ANA, Bench
from wa_connector_emulator.exchange import GraphRequest, Upload

MB = 1024 * 1024
INSTANT = timedelta(microseconds=1)


def download(bench: Bench, url: str, token: str | None = None) -> int:
    path, _, query = url.removeprefix("http://graph.test").partition("?")
    request = GraphRequest(
        method="GET",
        path=path,
        query=dict(pair.split("=") for pair in query.split("&")),
        authorization=f"Bearer {bench.emulator.token if token is None else token}",
    )
    return bench.emulator.handle(request).status


def try_upload(bench: Bench, mime_type: str, data: bytes) -> tuple[int, int | None]:
    status, answer = bench.call(
        "POST",
        f"{bench.number_id}/media",
        {"messaging_product": "whatsapp"},
        upload=Upload(mime_type, data),
    )
    return status, answer.get("error", {}).get("code")


@pytest.mark.parametrize(
    ("mime_type", "limit"),
    [
        ("image/jpeg", 5 * MB),
        ("image/png", 5 * MB),
        ("image/webp", 500 * 1024),
        ("audio/ogg; codecs=opus", 16 * MB),
        ("video/mp4", 16 * MB),
    ],
)
def test_a_file_may_be_as_large_as_its_kind_and_no_larger(bench: Bench, mime_type: str, limit: int) -> None:
    assert try_upload(bench, mime_type, bytes(limit)) == (200, None)
    assert try_upload(bench, mime_type, bytes(limit + 1)) == (400, 131053)


@pytest.mark.parametrize(
    ("mime_type", "data", "code"),
    [("image/gif", b"x", 131053), ("", b"x", 131053), ("image/png", b"", 100)],
)
def test_other_files_are_refused(bench: Bench, mime_type: str, data: bytes, code: int) -> None:
    assert try_upload(bench, mime_type, data) == (400, code)


def test_an_upload_needs_a_file_and_the_product(bench: Bench) -> None:
    path = f"{bench.number_id}/media"
    for body, upload in (
        ({}, Upload("image/png", b"x")),
        ({"messaging_product": "whatsapp"}, None),
    ):
        status, answer = bench.call("POST", path, body, upload=upload)
        assert (status, answer["error"]["code"]) == (400, 100)


def test_an_address_lives_five_minutes_and_a_new_one_can_be_had(bench: Bench) -> None:
    media_id = bench.upload()
    url = bench.call("GET", media_id)[1]["url"]
    bench.emulator.clock.advance(timedelta(minutes=5) - INSTANT)
    assert download(bench, url) == 200
    assert download(bench, url, token="wrong") == 401
    bench.emulator.clock.advance(INSTANT)
    assert download(bench, url) == 404
    assert download(bench, bench.call("GET", media_id)[1]["url"]) == 200
    assert download(bench, url.replace("hash=", "hash=0")) == 404


def test_an_uploaded_id_lives_30_days(bench: Bench) -> None:
    media_id = bench.upload()
    bench.emulator.clock.advance(timedelta(days=30) - INSTANT)
    assert bench.call("GET", media_id)[0] == 200
    bench.emulator.clock.advance(INSTANT)
    status, answer = bench.call("GET", media_id)
    assert (status, answer["error"]["error_subcode"]) == (400, 33)
    assert bench.call("DELETE", media_id)[0] == 400


def test_a_received_id_lives_7_days(bench: Bench) -> None:
    bench.emulator.send_image(ANA, b"picture")
    media_id = bench.told().messages()[0]["image"]["id"]
    bench.emulator.clock.advance(timedelta(days=7) - INSTANT)
    assert bench.call("GET", media_id)[0] == 200
    bench.emulator.clock.advance(INSTANT)
    assert bench.call("GET", media_id)[0] == 400


def test_ownership_is_checked_when_a_number_is_named(bench: Bench) -> None:
    media_id = bench.upload()
    assert bench.call("GET", media_id, phone_number_id=bench.number_id)[0] == 200
    assert bench.call("GET", media_id, phone_number_id="222")[0] == 400


def test_an_image_is_sent_by_id_and_known_by_its_digest(chat: Bench) -> None:
    media_id = chat.upload("image/png", b"\x89PNGpicture")
    chat.sent_id(type="image", image={"id": media_id, "caption": "look"})
    (message,) = chat.emulator.received(ANA)
    _, node = chat.call("GET", media_id)
    assert message.content.sha256 == node["sha256"]
    assert (message.content.text, message.content.mime_type) == ("look", "image/png")


def test_media_of_another_kind_or_number_are_refused(chat: Bench) -> None:
    document = chat.upload("application/pdf", b"%PDF-")
    assert chat.refusal(type="image", image={"id": document}) == (400, 131053)
    chat.emulator.seed({"numbers": [{"id": "222", "display_number": "15550002222"}]})
    body = {"messaging_product": "whatsapp", "to": ANA, "type": "document"}
    status, answer = chat.call("POST", "222/messages", {**body, "document": {"id": document}})
    assert (status, answer["error"]["code"]) == (400, 131009)


def test_a_customers_file_over_the_limit_arrives_as_unsupported(bench: Bench) -> None:
    bench.emulator.configure(inbound_media_limit=3)
    bench.emulator.send_image(ANA, b"1234")
    (message,) = bench.told().messages()
    assert (message["type"], message["errors"][0]["code"]) == ("unsupported", 131052)
    bench.emulator.send_image(ANA, b"123")
    assert bench.told().messages()[-1]["type"] == "image"
