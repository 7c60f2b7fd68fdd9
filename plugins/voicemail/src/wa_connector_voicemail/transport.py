"""The I/O of the channel: recordings into the media store, and what was read here among the old ones there.

Rules of this file: which system a line is of, its account says; what the system does is its ``Source``'s.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final, final

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.directory import Account, LineSetup
from wa_connector.model.ids import ProviderId
from wa_connector.model.outbound import Envelope, Fetched, FetchFailed, FetchOutcome, Rejected, SendOutcome
from wa_connector.model.template import Template
from wa_connector.ports.media import MediaStore
from wa_connector_voicemail.converting import Converter, is_playable
from wa_connector_voicemail.source import Done, Opened, Source
from wa_connector_voicemail.spool import NEW, FolderBusy, Found, MessageGone

log: Final = logging.getLogger("wa_connector.voicemail")
MAX_BYTES: Final = 64 * 1024 * 1024
"""How large a recording may be: more than an hour of the largest format."""
CHUNK: Final = 64 * 1024


@final
class VoicemailTransport:
    """Implements ``ports.channel.Transport``. May be called from several threads; nothing is open between calls."""

    def __init__(
        self, sources: Iterable[Source], *, converter: Converter | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        self._sources: Final = {source.account: source for source in sources}
        self._converter: Final = converter
        self._max_bytes: Final = max_bytes

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:  # noqa: ARG002 - the port's signature
        """Nothing can be sent: the rules let nothing come this far."""
        return Rejected("not_supported", "Nothing can be sent by voicemail.")

    def fetch(self, line: LineSetup, media: MediaRef, store: MediaStore) -> FetchOutcome:
        """Bring a recording into the store, in a form that browsers play where that can be had, else as it is."""
        source = self._sources.get(line.account.provider_ref)
        if source is None:
            return FetchFailed("no voicemail system is known for the account", is_final=False)
        place, _, message = media.provider_ref.partition(" ")
        try:
            opened = source.open(line.line.provider_ref, message, place)
        except MessageGone:
            return FetchFailed("the recording was removed before it could be fetched", is_final=True)
        except (FolderBusy, Unavailable, OSError) as error:
            return FetchFailed(f"the recording cannot be read now ({type(error).__name__})", is_final=False)
        with opened.file:
            return self._stored(line, opened, store)

    def _stored(self, line: LineSetup, opened: Opened, store: MediaStore) -> FetchOutcome:
        try:
            if self._converter is not None and not is_playable(opened.mime_type):
                converted = self._converter.convert(opened, self._max_bytes)
                if converted is not None:
                    with converted.file:
                        return Fetched(self._put(line, converted, store))
                opened.file.seek(0)
            return Fetched(self._put(line, opened, store))
        except UsageError:
            return FetchFailed(f"the recording is empty, or larger than {self._max_bytes} bytes", is_final=True)
        except (Unavailable, OSError) as error:
            return FetchFailed(f"the recording cannot be stored now ({type(error).__name__})", is_final=False)

    def _put(self, line: LineSetup, opened: Opened, store: MediaStore) -> MediaRef:
        return store.put(line.account.tenant, _chunks(opened.file), opened.mime_type, self._max_bytes)

    def mark_read(self, line: LineSetup, message: ProviderId) -> bool:
        """Put a message that a user has read, and those that the same caller left before it, among the old ones."""
        source = self._sources.get(line.account.provider_ref)
        if source is None:
            return False
        box = line.line.provider_ref
        try:
            found = source.scan(box).messages
            done = [source.mark_heard(box, each) for each in _new_up_to(found.values(), message)]
        except (Unavailable, OSError):
            return False
        if Done.CANNOT in done:
            log.warning("voicemail: %s cannot mark what was heard; see its log, or its version", source.account)
        return True

    def templates(self, account: Account) -> Sequence[Template]:  # noqa: ARG002 - the port's signature
        """There are none."""
        return ()

    def close(self) -> None:
        """Nothing is open."""


def _new_up_to(messages: Iterable[Found], last: str) -> Sequence[str]:
    """The new ones of one caller up to a message, the oldest first. Callers who withheld their number are each somebody
    else."""
    every = list(messages)
    of = next((found.info for found in every if found.info.id == last), None)
    if of is None:
        return ()
    by_him = [
        each
        for each in every
        if each.info.id == last or (each.info.caller and each.info.caller == of.caller and each.info.at <= of.at)
    ]
    by_him.sort(key=lambda each: (each.info.at, each.info.id))
    return [each.info.id for each in by_him if each.folder in NEW]


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
