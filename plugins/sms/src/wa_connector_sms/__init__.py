"""Text messages: the channel, its gateways, and what a text costs.

The pure half (``alphabet``, ``segments``, ``assembly``, ``receipts``, ``channel`` and the gateways) does no I/O and may be
used alone. The senders in ``transport`` import their clients when they first carry something.
"""

from typing import TYPE_CHECKING

from wa_connector_sms.alphabet import Alphabet, alphabet_of, decode, encode, transliterated
from wa_connector_sms.assembly import Assembly, Header, Part, begun, split_header
from wa_connector_sms.segments import MAX_PARTS, Preview, Segment, preview, segments

if TYPE_CHECKING:
    from wa_connector_sms.channel import SmsChannel
    from wa_connector_sms.transport import AsyncSmsTransport, SmsTransport

__all__ = [
    "MAX_PARTS",
    "Alphabet",
    "Assembly",
    "AsyncSmsTransport",
    "Header",
    "Part",
    "Preview",
    "Segment",
    "SmsChannel",
    "SmsTransport",
    "alphabet_of",
    "begun",
    "decode",
    "encode",
    "preview",
    "segments",
    "split_header",
    "transliterated",
]

_HOMES = {"AsyncSmsTransport": "transport", "SmsChannel": "channel", "SmsTransport": "transport"}


def __getattr__(name: str) -> object:
    # The plugin module lives in this package, so what stands above is paid for by every host that merely loads its entry
    # points: the small pure modules, and none of these.
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
