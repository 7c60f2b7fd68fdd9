"""Recordings as browsers play them, made by ffmpeg.

Theory: what telephone systems record is small and old: GSM 06.10, bare or in a WAV file, which no browser plays. ffmpeg does
this for everybody; it runs as a process of its own, with time and size bounded and no access to anything but what it is given,
because what it reads was recorded by strangers. Where it is missing or fails, the original is kept: nothing is lost, and it
can be downloaded and played elsewhere.

Source: what browsers play, MDN web docs, "Web audio codec guide", read 2026-11.
"""

import logging
import shutil
import subprocess
import tempfile
from typing import IO, BinaryIO, Final, cast, final

from wa_connector_voicemail.source import Opened

log: Final = logging.getLogger("wa_connector.voicemail")
PLAYABLE: Final = frozenset(
    {"audio/wav", "audio/x-wav", "audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/webm"}
)
_DEMUXERS: Final = {"audio/vnd.wave": "wav", "audio/gsm": "gsm", "audio/x-gsm": "gsm"}
"""What a recording may be taken for. A file that says something else of itself is not followed."""


def is_playable(mime_type: str) -> bool:
    """Whether browsers play it as it is."""
    plain, _, parameters = mime_type.partition(";")
    return plain.strip().lower() in PLAYABLE and "codec=" not in parameters


@final
class Converter:
    """Makes MP3 of what browsers do not play. ``program`` is ffmpeg's path; ``seconds`` bounds one conversion."""

    def __init__(self, program: str, *, seconds: float = 60.0) -> None:
        self._program: Final = program
        self._seconds: Final = seconds

    @classmethod
    def found(cls) -> "Converter | None":
        """One with the ffmpeg that is installed; None where there is none."""
        program = shutil.which("ffmpeg")
        return None if program is None else cls(program)

    def convert(self, opened: Opened, max_bytes: int) -> Opened | None:
        """The recording as MP3, in a file of its own; None where it cannot be made. Reads ``opened`` to its end."""
        demuxer = _DEMUXERS.get(opened.mime_type.partition(";")[0].strip().lower())
        if demuxer is None:
            return None
        output = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - handed to the caller
        if self._run(opened.file, output, demuxer, max_bytes):
            output.seek(0)
            return Opened("audio/mpeg", output)
        output.close()
        return None

    def _run(self, source: BinaryIO, output: IO[bytes], demuxer: str, max_bytes: int) -> bool:
        quietly = ["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe"]
        given = ["-f", demuxer, "-i", "pipe:0", "-map", "0:a:0", "-map_metadata", "-1"]
        made = ["-c:a", "libmp3lame", "-b:a", "32k", "-fs", str(max_bytes), "-f", "mp3", "pipe:1"]
        try:
            done = subprocess.run(  # noqa: S603 - the host names the program, and no part of a recording comes into it
                [self._program, *quietly, *given, *made],
                stdin=source,
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=self._seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("voicemail: a recording is kept as it is (%s)", type(error).__name__)
            return False
        return done.returncode == 0 and output.seek(0, 2) > 0
