"""The bundled gateways, by the name that apps and accounts have in the directory."""

from collections.abc import Mapping
from functools import cache

from wa_connector_sms.carrying import HttpGateway


@cache
def gateways() -> Mapping[str, HttpGateway]:
    """Those that are spoken to by HTTP. They hold no state, so one of each serves everybody."""
    from wa_connector_sms import bandwidth, kannel, telnyx, twilio, vonage

    return {
        kannel.NAME: kannel.Kannel(),
        twilio.NAME: twilio.Twilio(),
        telnyx.NAME: telnyx.Telnyx(),
        bandwidth.NAME: bandwidth.Bandwidth(),
        vonage.NAME: vonage.Vonage(),
    }
