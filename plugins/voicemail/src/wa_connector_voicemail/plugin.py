"""The plugin that a host makes of its voicemail systems. There is no entry point: only the host knows them.

Rules of this file: hook implementations and nothing else; nothing is opened.
"""

from collections.abc import Iterable
from typing import Final, final

from wa_connector.ports.channel import Channel
from wa_connector.ports.hooks import hookimpl
from wa_connector_voicemail.channel import CHANNEL, VoicemailChannel
from wa_connector_voicemail.converting import Converter
from wa_connector_voicemail.source import Source
from wa_connector_voicemail.transport import MAX_BYTES, VoicemailTransport


@final
class VoicemailPlugin:
    """The channel over these systems. ``converter`` makes what browsers do not play into what they do: one of the host's,
    the one that is installed (True), or none (False), and then every recording is kept as it is."""

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        converter: Converter | bool = True,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        chosen = Converter.found() if converter is True else (converter or None)
        self.transport: Final = VoicemailTransport(sources, converter=chosen, max_bytes=max_bytes)

    @hookimpl
    def wa_channel(self) -> Channel:
        """The pure half."""
        return VoicemailChannel()

    @hookimpl
    def wa_transport(self) -> tuple[str, VoicemailTransport]:
        """The systems."""
        return CHANNEL, self.transport
