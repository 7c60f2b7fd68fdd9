"""The pure half of a gateway: what it can do, and what its webhooks say.

A gateway translates between the domain and one provider's interface. It holds no state and does no I/O, so that one serves
every account and every thread.
"""

from collections.abc import Sequence
from typing import Protocol

from wa_connector.model.capability import Capabilities
from wa_connector.model.directory import Account, App
from wa_connector.model.inbound import Inbound
from wa_connector.ports.channel import WebhookRequest


class Gateway(Protocol):
    """What the channel asks of a provider's module."""

    def capabilities_of(self, account: Account) -> Capabilities:
        """What this account can carry: words always, pictures where the provider has them and the account is set up."""
        ...

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        """As ``ports.channel.Channel.read``: signature first, over the raw body and the public address."""
        ...
