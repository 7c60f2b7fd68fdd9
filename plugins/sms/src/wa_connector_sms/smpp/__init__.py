"""Text messages over SMPP 3.4: a carrier that sends, and a receiver for what comes in.

Needs the extra ``smpp``: ``pip install wa-connector-sms[smpp]``.
"""

from wa_connector_sms.smpp.carrier import AsyncSmppCarrier, SmppCarrier
from wa_connector_sms.smpp.options import Bind, Ids, Options, Plain, read_options
from wa_connector_sms.smpp.receiver import AsyncSmppReceiver, SmppReceiver

__all__ = [
    "AsyncSmppCarrier",
    "AsyncSmppReceiver",
    "Bind",
    "Ids",
    "Options",
    "Plain",
    "SmppCarrier",
    "SmppReceiver",
    "read_options",
]
