"""The pure half of the channel: handshake and webhooks.

Rules of this file: translate between the port's values and the provider's; no I/O, no state but what makes the next
signature cheaper.
"""

import hmac
from collections.abc import Callable, Sequence
from typing import Final, final
from urllib.parse import parse_qs

from attrs import evolve

from wa_connector.errors import SignatureInvalid
from wa_connector.model.capability import Capabilities
from wa_connector.model.content import Utility
from wa_connector.model.directory import App
from wa_connector.model.inbound import Inbound
from wa_connector.ports.channel import WebhookReply, WebhookRequest
from wa_connector_cloud_api import webhook
from wa_connector_cloud_api.capabilities import CAPABILITIES
from wa_connector_cloud_api.signature import HEADER, SignatureChecker

_read_usual: Callable[[bytes], list[Inbound] | None] | None
try:
    from wa_connector_cloud_api._usual import read as _read_usual
except ImportError:  # msgspec comes with the extra `fast`
    _read_usual = None


_FORBIDDEN: Final = WebhookReply(403, body=b"the verify token is not the app's")


@final
class CloudApiChannel:
    """WhatsApp through the Cloud API. One serves any number of apps and tenants, from any number of threads.

    ``direct_send``: the accounts were let into Direct Send, so that a ``Utility`` may leave outside the window. Off by
    default: an account that was not is refused with code 100.
    """

    __slots__ = ("_capabilities", "_signatures")

    def __init__(self, *, direct_send: bool = False) -> None:
        more = evolve(CAPABILITIES, contents=CAPABILITIES.contents | {Utility})
        self._capabilities: Final = more if direct_send else CAPABILITIES
        self._signatures: Final = SignatureChecker()

    @property
    def capabilities(self) -> Capabilities:
        """What WhatsApp can do, as data."""
        return self._capabilities

    def handshake(self, app: App, request: WebhookRequest) -> WebhookReply | None:
        """The answer to the check that Meta makes when a webhook address is subscribed: the challenge it sent, or 403.

        None for a request that is no such check: anything but a GET with a ``hub.mode``. An app whose verify token is
        empty passes none.

        Source: Cloud API, webhooks, "Verification requests", read 2026-11.
        """
        if request.method.upper() != "GET":
            return None
        query = request.url.partition("#")[0].partition("?")[2]
        try:
            asked = parse_qs(query, keep_blank_values=True, max_num_fields=32)
        except ValueError:  # more fields than any check has
            return None
        if "hub.mode" not in asked:
            return None
        token, challenge = (asked.get(name, [""])[0] for name in ("hub.verify_token", "hub.challenge"))
        if asked["hub.mode"][0] != "subscribe" or not app.verify_token:
            return _FORBIDDEN
        # Bytes, because compare_digest raises for text beyond ASCII.
        if not hmac.compare_digest(_bytes(token), _bytes(app.verify_token.reveal())):
            return _FORBIDDEN
        return WebhookReply(200, body=_bytes(challenge))

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """Everything in a webhook, in its order; see ``ports.channel.Channel.read``.

        The portfolio of a user id is the webhook's account id. Raises ``SignatureInvalid`` before anything is parsed
        and ``BodyMalformed`` for a rightly signed body that is not a WhatsApp webhook.
        """
        # Servers hand names over in lower case; looking there first spares lowering every header.
        given = request.headers.get("x-hub-signature-256") or request.header(HEADER)
        body = request.body
        if not self._signatures.is_valid(app.secrets, body, given):
            raise SignatureInvalid(
                f"{HEADER} does not sign this body with any of the app's secrets. Is the secret the app's own, and are"
                " the bytes passed on as they came?"
                if given
                else f"the request has no {HEADER}: it does not come from Meta, or a proxy removed the header"
            )
        found = _read_usual(body) if _read_usual is not None else None
        return webhook.read(body) if found is None else found


def _bytes(value: str) -> bytes:
    return value.encode(errors="surrogatepass")
