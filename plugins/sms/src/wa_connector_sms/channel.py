"""The pure half of the channel: which gateway a webhook is of, and what an account can carry.

Rules of this file: pick the gateway; everything else is the gateway's.
"""

from collections.abc import Mapping, Sequence
from typing import Final, final

from wa_connector.errors import SignatureInvalid
from wa_connector.model.capability import Capabilities
from wa_connector.model.cost import Cost
from wa_connector.model.directory import Account, App
from wa_connector.model.inbound import Inbound
from wa_connector.ports.channel import WebhookReply, WebhookRequest
from wa_connector_sms.alphabet import transliterated
from wa_connector_sms.bundled import gateways
from wa_connector_sms.capabilities import CAPABILITIES
from wa_connector_sms.gateway import Gateway
from wa_connector_sms.plainly import is_transliterated
from wa_connector_sms.segments import preview


@final
class SmsChannel:
    """Text messages, by whatever gateway the app names. One serves any number of apps and tenants, from any thread.

    ``gateways`` replaces the bundled ones, by name: for a provider of the host's own.
    """

    __slots__ = ("_gateways",)

    def __init__(self, gateways: Mapping[str, Gateway] | None = None) -> None:
        self._gateways: Final = gateways

    @property
    def capabilities(self) -> Capabilities:
        """What every account can do: words."""
        return CAPABILITIES

    def capabilities_of(self, account: Account) -> Capabilities:
        """What this account can do: pictures, too, where its gateway carries them."""
        gateway = self._known().get(account.gateway)
        return CAPABILITIES if gateway is None else gateway.capabilities_of(account)

    def cost(self, account: Account, text: str) -> Cost:
        """Parts, characters left and what makes it dear, of what would leave: where the account asks for it, with curly
        quotes and the like as they are typed."""
        seen = preview(transliterated(text) if is_transliterated(account) else text)
        return Cost(seen.parts, seen.units, seen.left, seen.alphabet.value, seen.culprits)

    def handshake(self, app: App, request: WebhookRequest) -> WebhookReply | None:  # noqa: ARG002
        """No gateway of these checks a subscription."""
        return None

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """Everything in a webhook; see ``ports.channel.Channel.read``."""
        gateway = self._known().get(app.gateway)
        if gateway is None:
            raise SignatureInvalid(
                f"no gateway {app.gateway!r} takes webhooks, so nobody can say whether this one is true; correct"
                f" apps[{app.id}].gateway ({', '.join(sorted(self._known()))})"
            )
        return gateway.read(app, request)

    def _known(self) -> Mapping[str, Gateway]:
        return gateways() if self._gateways is None else self._gateways
