"""What a host's transcriber is shown of a recording."""

from datetime import timedelta

from attrs import frozen

from wa_connector.model.content import MediaRef
from wa_connector.model.ids import ConversationId, LineId, MessageId, TenantId


@frozen
class Recording:
    """A recording whose words somebody may know. ``media`` is in the media store; ``lasts`` is how long it is, as the
    source counted, None where it did not say."""

    tenant: TenantId
    line: LineId
    channel: str
    conversation: ConversationId
    message: MessageId
    media: MediaRef
    lasts: timedelta | None = None
