"""The entry point ``sms``: what a connector that loads plugins finds.

Rules of this file: hook implementations and nothing else. Importing it, and building what it provides, imports neither an
HTTP client nor an event loop.
"""

from typing import TYPE_CHECKING

from wa_connector.ports.hooks import hookimpl
from wa_connector_sms.capabilities import CHANNEL

if TYPE_CHECKING:
    from wa_connector.ports.channel import AsyncTransport, Channel, Transport


@hookimpl
def wa_channel() -> "Channel":
    """The pure half."""
    from wa_connector_sms.channel import SmsChannel

    return SmsChannel()


@hookimpl
def wa_transport() -> "tuple[str, Transport]":
    """The plain sender, with the bundled carriers; a host that needs others registers its own."""
    from wa_connector_sms.transport import SmsTransport

    return CHANNEL, SmsTransport()


@hookimpl
def wa_async_transport() -> "tuple[str, AsyncTransport]":
    """The asynchronous sender, with the bundled carriers."""
    from wa_connector_sms.transport import AsyncSmsTransport

    return CHANNEL, AsyncSmsTransport()
