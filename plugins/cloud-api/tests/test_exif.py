"""Whether a picture tells where it was taken: found in either byte order, and no bytes whatever break the search."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wa_connector_cloud_api._exif import tells_position
from wa_connector_cloud_api.requests import upload

from wa_connector.model.directory import LineSetup
from wa_connector.model.outbound import Rejected

GPS, ORIENTATION = 0x8825, 0x0112


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + b"\xff\xda\x00\x02pixels\xff\xd9"


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def exif(order: str, *tags: int) -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, 0) for tag in tags)
    tiff = head + struct.pack(order + "I", 8) + struct.pack(order + "H", len(tags)) + entries + bytes(4)
    return segment(0xE1, b"Exif\0\0" + tiff)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_position_is_found(order: str) -> None:
    jfif, xmp = segment(0xE0, b"JFIF\0"), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0")
    assert tells_position(jpeg(jfif, xmp, exif(order, ORIENTATION, GPS)))
    assert not tells_position(jpeg(jfif, xmp, exif(order, ORIENTATION)))
    assert not tells_position(jpeg(jfif))


def test_a_position_in_words_is_found() -> None:
    head = b"http://ns.adobe.com/xap/1.0/\0"
    assert tells_position(jpeg(segment(0xE1, head + b"<exif:GPSLatitude>52,31N</exif:GPSLatitude>")))
    assert not tells_position(jpeg(segment(0xE1, head + b"<xmp:Rating>5</xmp:Rating>")))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + bytes(4)


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + b"".join(chunks) + chunk(b"IEND", b"")


def test_a_position_in_a_png_is_found() -> None:
    block = exif("<", GPS)[10:]
    assert tells_position(png(chunk(b"IDAT", b"pixels"), chunk(b"eXIf", block)))
    assert tells_position(png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<exif:GPSLatitude/>")))
    assert not tells_position(png(chunk(b"eXIf", exif("<", ORIENTATION)[10:]), chunk(b"tEXt", b"GPSLatitude")))


def test_what_comes_after_the_pixels_begin_is_not_read() -> None:
    assert not tells_position(jpeg() + exif("<", GPS))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 40), st.binary(max_size=3))
def test_no_bytes_whatever_break_it(noise: bytes, at: int, change: bytes) -> None:
    for whole in (jpeg(exif("<", ORIENTATION, GPS)), png(chunk(b"eXIf", exif("<", ORIENTATION, GPS)[10:]))):
        for content in (noise, whole[:8] + noise, whole[:at], whole[:at] + change + whole[at + len(change) :]):
            assert tells_position(content) in (True, False)


def test_a_picture_that_tells_where_it_was_taken_is_not_uploaded(setup: LineSetup) -> None:
    outcome = upload(setup.line, jpeg(exif(">", GPS)), "image/jpeg")
    assert isinstance(outcome, Rejected)
    assert "where it was taken" in outcome.meaning
    assert not isinstance(upload(setup.line, jpeg(exif(">", ORIENTATION)), "image/jpeg"), Rejected)
