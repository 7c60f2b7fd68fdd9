"""The pure half of the channel: what can be done on it, and that nothing comes by webhook.

Rules of this file: no I/O. Voicemail is left, heard and removed; nobody is written to by it.
"""

from collections.abc import Sequence
from typing import Final, final

from wa_connector.errors import SignatureInvalid
from wa_connector.model.capability import Capabilities
from wa_connector.model.directory import App
from wa_connector.model.inbound import Inbound
from wa_connector.ports.channel import WebhookReply, WebhookRequest

CHANNEL: Final = "voicemail"
CAPABILITIES: Final = Capabilities(
    channel=CHANNEL,
    label="Voicemail",
    asks_opt_in=False,
    window=None,
    has_templates=False,
    contents=frozenset(),
    sends_to=(),
    has_read_receipts=True,
)
"""The receipt is for the box: what a user has read in the timeline is no longer new there."""


@final
class VoicemailChannel:
    """Implements ``ports.channel.Channel``. What is left comes by a ``VoicemailWatcher``; a request to the app's endpoint is
    somebody else's."""

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def handshake(self, app: App, request: WebhookRequest) -> WebhookReply | None:  # noqa: ARG002 - the port's signature
        return None

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:  # noqa: ARG002 - the port's signature
        """Raises ``SignatureInvalid``: nobody signs anything here."""
        raise SignatureInvalid("voicemail comes by no webhook; a VoicemailWatcher brings it")
