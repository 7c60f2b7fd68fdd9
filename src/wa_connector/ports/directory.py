"""The directory port: the host's organizations, users, apps, accounts and lines."""

from collections.abc import Sequence
from typing import Protocol

from wa_connector.model.directory import Account, App, LineSetup, Seat
from wa_connector.model.ids import AccountId, AppId, LineId, TenantId, UserId


class Directory(Protocol):
    """Answers from the host's own data; called on every command, so it should be quick or cached.

    Unknown ids are answered with None. May be called from several threads. Raises ``Unavailable`` when it cannot
    answer now, and ``ConfigError`` when it was never right.

    A directory that never blocks says so with an attribute ``is_immediate = True``; the asynchronous face then asks it
    in place instead of on a worker thread.
    """

    def app(self, endpoint: str) -> App | None:
        """The app whose webhooks come in at ``endpoint`` (a path, or whatever the host names its endpoints by)."""
        ...

    def inbound_line(self, app: AppId, account_ref: str, line_ref: str) -> LineSetup | None:
        """The line that a webhook of ``app`` names by the provider's ids; None when it is not one of the accounts
        which that app serves. Where ``line_ref`` is '' the webhook names the account alone, and any line of it will
        do."""
        ...

    def line(self, tenant: TenantId, line: LineId) -> LineSetup | None: ...

    def lines(self, tenant: TenantId, user: UserId) -> Sequence[LineSetup]:
        """The lines from which ``user`` may send, the default first."""
        ...

    def account(self, tenant: TenantId, account: AccountId) -> Account | None: ...

    def user(self, tenant: TenantId, user: UserId) -> Seat | None: ...


class AsyncDirectory(Protocol):
    """As ``Directory``, awaitable."""

    async def app(self, endpoint: str) -> App | None: ...
    async def inbound_line(self, app: AppId, account_ref: str, line_ref: str) -> LineSetup | None: ...
    async def line(self, tenant: TenantId, line: LineId) -> LineSetup | None: ...
    async def lines(self, tenant: TenantId, user: UserId) -> Sequence[LineSetup]: ...
    async def account(self, tenant: TenantId, account: AccountId) -> Account | None: ...
    async def user(self, tenant: TenantId, user: UserId) -> Seat | None: ...
