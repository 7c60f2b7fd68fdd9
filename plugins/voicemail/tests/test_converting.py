"""Recordings as browsers play them: made by a real ffmpeg, and kept as they are where that cannot be."""

import stat
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

import imageio_ffmpeg
import pytest
from office import ACME, Office
from wa_connector_voicemail import Asterisk, Converter, Opened, VoicemailTransport
from wa_connector_voicemail.converting import is_playable

from wa_connector.model.content import MediaRef
from wa_connector.model.outbound import Fetched, FetchFailed
from wa_connector.testing.media import MemoryMediaStore

A_SECOND = (b"\xd0" + bytes(32)) * 50
"""Fifty frames of GSM 06.10, all silence."""
BOX = "1000@default"
GSM = MediaRef("audio/wav", provider_ref="INBOX/msg0000 1-1")


@pytest.fixture(scope="module")
def converter() -> Converter:
    return Converter(imageio_ffmpeg.get_ffmpeg_exe())


def converted(converter: Converter, octets: bytes, mime_type: str = "audio/gsm") -> bytes | None:
    """What it makes of a recording."""
    with tempfile.TemporaryFile() as file:
        file.write(octets)
        file.seek(0)
        made = converter.convert(Opened(mime_type, cast(BinaryIO, file)), 100_000)
        if made is None:
            return None
        assert made.mime_type == "audio/mpeg"
        with made.file as found:
            return found.read()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool" / "default" / "1000" / "INBOX"
    folder.mkdir(parents=True)
    (folder / "msg0000.gsm").write_bytes(A_SECOND)
    (folder / "msg0000.txt").write_text("origtime=1\nmsg_id=1-1\nduration=1\n")
    return tmp_path / "spool"


def test_what_browsers_do_not_play_becomes_mp3(converter: Converter) -> None:
    octets = converted(converter, A_SECOND)
    assert octets is not None
    assert octets[:3] == b"ID3" or octets[0] == 0xFF
    assert 1_000 < len(octets) < 20_000


@pytest.mark.parametrize("octets", [b"", b"no sound at all", b"#EXTM3U\nfile:///etc/passwd\n", bytes(1000)])
def test_what_is_no_recording_is_kept_as_it_is(converter: Converter, octets: bytes) -> None:
    """Whatever else it says it is, it is taken for nothing but a recording: no list of other files is followed."""
    for mime_type in ("audio/gsm", "audio/vnd.wave; codec=31"):
        assert b"root:" not in (converted(converter, octets, mime_type) or b"")
    assert converted(converter, octets, "video/mp4") is None


def test_a_program_that_fails_hangs_or_is_not_there_changes_nothing(tmp_path: Path) -> None:
    hangs, fails = tmp_path / "hangs", tmp_path / "fails"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    fails.write_text("#!/bin/sh\necho half; exit 1\n")
    for program in (hangs, fails):
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        assert converted(Converter(str(program), seconds=0.2), A_SECOND) is None
    assert converted(Converter(str(tmp_path / "nowhere")), A_SECOND) is None


@pytest.mark.parametrize(
    ("mime_type", "plays"),
    [("audio/wav", True), ("audio/vnd.wave; codec=31", False), ("audio/gsm", False), ("audio/ogg; codecs=opus", True)],
)
def test_what_browsers_play(mime_type: str, plays: bool) -> None:
    assert is_playable(mime_type) is plays


def test_a_recording_is_fetched_in_a_form_that_browsers_play(converter: Converter, spool: Path, tmp_path: Path) -> None:
    source, store = Asterisk("pbx", spool), MemoryMediaStore()
    setup = Office(source, [BOX], tmp_path / "seen").setup(BOX)
    fetched = VoicemailTransport([source], converter=converter).fetch(setup, GSM, store)
    assert isinstance(fetched, Fetched)
    assert fetched.media.mime_type == "audio/mpeg"
    kept = VoicemailTransport([source]).fetch(setup, GSM, store)
    assert isinstance(kept, Fetched)
    assert kept.media.mime_type == "audio/gsm"
    assert b"".join(store.read(ACME, kept.media) or ()) == A_SECOND


def test_a_converter_that_fails_leaves_the_original(spool: Path, tmp_path: Path) -> None:
    source, store = Asterisk("pbx", spool), MemoryMediaStore()
    setup = Office(source, [BOX], tmp_path / "seen").setup(BOX)
    transport = VoicemailTransport([source], converter=Converter(str(tmp_path / "nowhere")))
    kept = transport.fetch(setup, GSM, store)
    assert isinstance(kept, Fetched)
    assert b"".join(store.read(ACME, kept.media) or ()) == A_SECOND


def test_a_recording_that_cannot_be_had_says_whether_it_may_be_later(spool: Path, tmp_path: Path) -> None:
    source, store = Asterisk("pbx", spool), MemoryMediaStore()
    setup = Office(source, [BOX], tmp_path / "seen").setup(BOX)
    small = VoicemailTransport([source], max_bytes=100).fetch(setup, GSM, store)
    assert small == FetchFailed("the recording is empty, or larger than 100 bytes", is_final=True)
    gone = VoicemailTransport([source]).fetch(setup, MediaRef("audio/wav", provider_ref="INBOX/msg0000 2-2"), store)
    assert gone == FetchFailed("the recording was removed before it could be fetched", is_final=True)
    unknown = VoicemailTransport([]).fetch(setup, GSM, store)
    assert unknown == FetchFailed("no voicemail system is known for the account", is_final=False)
    spool.rename(tmp_path / "away")
    away = VoicemailTransport([source]).fetch(setup, GSM, store)
    assert away == FetchFailed("the recording cannot be read now (Unavailable)", is_final=False)
