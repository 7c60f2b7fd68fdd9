"""The entry point ``cloud-api``: what a connector that loads plugins finds.

Rules of this file: hook implementations and nothing else. Importing it, and building what it provides, imports neither
an HTTP client nor an event loop.
"""

from typing import TYPE_CHECKING

from wa_connector.ports.hooks import hookimpl
from wa_connector_cloud_api.capabilities import CHANNEL

if TYPE_CHECKING:
    import typer

    from wa_connector.ports.channel import AsyncTransport, Channel, Transport


@hookimpl
def wa_channel() -> "Channel":
    """The pure half."""
    from wa_connector_cloud_api.channel import CloudApiChannel

    return CloudApiChannel()


@hookimpl
def wa_transport() -> "tuple[str, Transport]":
    """The plain sender, with default options; a host that needs others registers its own."""
    from wa_connector_cloud_api.transport import CloudApiTransport

    return CHANNEL, CloudApiTransport()


@hookimpl
def wa_async_transport() -> "tuple[str, AsyncTransport]":
    """The asynchronous sender, with default options."""
    from wa_connector_cloud_api.transport import AsyncCloudApiTransport

    return CHANNEL, AsyncCloudApiTransport()


@hookimpl
def wa_commands(app: "typer.Typer") -> None:
    """Add the command ``doctor`` to the command line."""
    from wa_connector_cloud_api.checkup import doctor

    app.command()(doctor)
