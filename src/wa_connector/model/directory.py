"""The host's side: organizations, users, apps, accounts and lines.

A tenant is a root organization. Organizations below it are a *path* of ids, root first; users and lines hang on one.
What an organization says about a channel or a setting holds for everything below it unless a lower level says
otherwise and may.
"""

from collections.abc import Mapping
from typing import TypeAlias

from attrs import field, frozen

from wa_connector.model.ids import AccountId, AppId, LineId, OrganizationId, TenantId, UserId
from wa_connector.model.secret import Secret

Option: TypeAlias = str | int | bool | Secret
"""What one option of a gateway may be."""


@frozen
class ChannelSwitch:
    """What one level says about one channel.

    ``enabled``: on or off from here down. ``may_enable``: whether a level below may switch it on again after this one
    switched it off.
    """

    enabled: bool
    may_enable: bool = False


@frozen
class Organization:
    """One level. ``settings`` overrides single settings by name from here down (see ``model.setting``)."""

    id: OrganizationId
    name: str
    channels: Mapping[str, ChannelSwitch] = field(factory=dict)
    settings: Mapping[str, object] = field(factory=dict)


@frozen
class User:
    """The host's employee, by the host's id."""

    tenant: TenantId
    id: UserId
    name: str
    channels: Mapping[str, ChannelSwitch] = field(factory=dict)
    settings: Mapping[str, object] = field(factory=dict)
    disabled: bool = False
    supervises: bool = False
    is_team: bool = False
    """A team or a queue: addressed like a user, and it does nothing by itself."""


@frozen
class Seat:
    """A user with the organizations above him, root first, and the teams and queues that he is in."""

    user: User
    organizations: tuple[Organization, ...]
    teams: frozenset[UserId] = frozenset()


@frozen
class App:
    """A provider app: what signs webhooks. ``secrets`` holds the current secret first; a second one is accepted while
    the first is being rotated. With an empty ``verify_token`` no subscription check ever succeeds. It serves accounts of
    one tenant or of many; whoever runs it is ``tenant``, and keeps what cannot be placed."""

    id: AppId
    tenant: TenantId
    channel: str
    endpoint: str
    secrets: tuple[Secret, ...]
    verify_token: Secret
    gateway: str = ""
    """Which of the channel's providers this is, where it has several (``twilio``, ``kannel`` …)."""


@frozen
class Account:
    """A provider account of a tenant. ``provider_ref`` is the provider's id of it (the WhatsApp business account id);
    ``portfolio`` scopes BSUIDs and the daily tier and is never empty (``provider_ref`` where the host knows no other);
    ``token`` authorises sends."""

    tenant: TenantId
    id: AccountId
    app: AppId
    channel: str
    provider_ref: str
    portfolio: str
    token: Secret
    base_url: str = ""
    """Where the provider answers; empty for the channel's own address."""
    daily_tier: int | None = None
    """How many customers the portfolio may reach a day outside their windows; None: nobody counts."""
    gateway: str = ""
    """As of its app: whose account this is, where the channel has several providers."""
    options: Mapping[str, Option] = field(factory=dict, hash=False)
    """What that provider needs besides, by the names that its plugin gives them."""


@frozen
class Line:
    """A business-owned address on a channel. ``provider_ref`` is the provider's id of it (the phone number id);
    ``owner`` is set when the line is somebody's own. ``messages_per_second`` is what the provider lets it send, where
    that is not what the channel says (a WhatsApp number: 80; 1,000 after an upgrade; 20 beside the phone's app); 0: nobody
    counts."""

    tenant: TenantId
    id: LineId
    account: AccountId
    channel: str
    address: str
    provider_ref: str
    owner: UserId | None = None
    messages_per_second: int | None = None
    region: str = ""
    """Where national numbers are read that come by this line, and short codes belong to (ISO 3166: ``DE``); empty: they
    are not guessed at."""
    extension_digits: tuple[int, ...] = ()
    """How many digits the extensions of the exchange have, where the line is one of an exchange."""


@frozen
class LineSetup:
    """A line with its account and the organizations above it, root first."""

    line: Line
    account: Account
    organizations: tuple[Organization, ...]
