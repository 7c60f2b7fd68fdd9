"""A target for atheris: the reader of webhooks, fed with whatever finds new ways through it.

Run by ``test_webhook_fuzz.py`` (``make soak``) or by hand: ``python fuzz_webhook.py corpus/ -max_total_time=60``. It ends
with a traceback at the first exception that is not documented.
"""

import json
import sys

import atheris

with atheris.instrument_imports(include=["wa_connector_cloud_api"]):
    from wa_connector_cloud_api import _usual, webhook

from wa_connector.errors import BodyMalformed
from wa_connector.model.inbound import Unreadable


def fuzz(body: bytes) -> None:
    """A list, or the one documented refusal; what is kept for inspection is JSON; and the fast reader agrees."""
    try:
        found = webhook.read(body)
    except BodyMalformed:
        assert _usual.read(body) is None
        return
    for each in found:
        if isinstance(each.item, Unreadable):
            json.loads(each.item.raw)
    fast = _usual.read(body)
    assert fast is None or fast == found


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
