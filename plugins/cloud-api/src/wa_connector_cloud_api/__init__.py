"""The WhatsApp Cloud API: webhooks in, messages, media and templates out.

The pure half (``signature``, ``webhook``, ``requests``, ``responses``, ``errors``, ``capabilities``, ``channel``) does no
I/O and may be used alone. The senders in ``transport`` import their HTTP client when they first carry something.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wa_connector_cloud_api.channel import CloudApiChannel
    from wa_connector_cloud_api.options import Options, Timeouts
    from wa_connector_cloud_api.transport import AsyncCloudApiTransport, CloudApiTransport

__all__ = ["AsyncCloudApiTransport", "CloudApiChannel", "CloudApiTransport", "Options", "Timeouts"]

_HOMES = {
    "AsyncCloudApiTransport": "transport",
    "CloudApiChannel": "channel",
    "CloudApiTransport": "transport",
    "Options": "options",
    "Timeouts": "options",
}


def __getattr__(name: str) -> object:
    # The plugin module lives in this package, so whatever stood here would be paid for by every
    # host that merely loads its entry points.
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
