"""A directory made of values, for tests."""

from collections.abc import Iterable, Sequence

from wa_connector.errors import UsageError
from wa_connector.model.directory import Account, App, Line, LineSetup, Organization, Seat
from wa_connector.model.ids import AccountId, AppId, LineId, TenantId, UserId


class MemoryDirectory:
    """Implements ``ports.directory.Directory`` from model values; never changes after construction.

    ``lines`` come with the organizations above them, root first. A line of an account that is not given is refused with
    ``UsageError``: the test would otherwise fail far from its mistake.
    """

    def __init__(
        self,
        *,
        apps: Iterable[App] = (),
        accounts: Iterable[Account] = (),
        lines: Iterable[tuple[Line, tuple[Organization, ...]]] = (),
        seats: Iterable[Seat] = (),
    ) -> None:
        self._apps = {app.endpoint: app for app in apps}
        self._accounts = {(account.tenant, account.id): account for account in accounts}
        self._seats = {(seat.user.tenant, seat.user.id): seat for seat in seats}
        self._lines = {(line.tenant, line.id): self._setup(line, path) for line, path in lines}

    def _setup(self, line: Line, organizations: tuple[Organization, ...]) -> LineSetup:
        account = self._accounts.get((line.tenant, line.account))
        if account is None:
            raise UsageError(f"line {line.id!r} needs account {line.account!r}; pass it in `accounts`")
        return LineSetup(line, account, organizations)

    def app(self, endpoint: str) -> App | None:
        """The app at this endpoint."""
        return self._apps.get(endpoint)

    def inbound_line(self, app: AppId, account_ref: str, line_ref: str) -> LineSetup | None:
        """The line by the provider's ids, if its account is one of the app's; without a line's id, the account's
        first."""
        for setup in self._lines.values():
            is_it = line_ref in ("", setup.line.provider_ref)
            if is_it and (app, account_ref) == (setup.account.app, setup.account.provider_ref):
                return setup
        return None

    def line(self, tenant: TenantId, line: LineId) -> LineSetup | None:
        """The line by its id."""
        return self._lines.get((tenant, line))

    def lines(self, tenant: TenantId, user: UserId) -> Sequence[LineSetup]:
        """The user's own lines, then the shared ones of the organizations above him, the closest first."""
        seat = self._seats.get((tenant, user))
        if seat is None:
            return ()
        path = [organization.id for organization in seat.organizations]
        of_tenant = [setup for setup in self._lines.values() if setup.line.tenant == tenant]
        own = [setup for setup in of_tenant if setup.line.owner == user]
        shared = [
            setup
            for setup in of_tenant
            if setup.line.owner is None
            and [each.id for each in setup.organizations] == path[: len(setup.organizations)]
        ]
        return (*own, *sorted(shared, key=lambda setup: -len(setup.organizations)))

    def account(self, tenant: TenantId, account: AccountId) -> Account | None:
        """The account by its id."""
        return self._accounts.get((tenant, account))

    def user(self, tenant: TenantId, user: UserId) -> Seat | None:
        """The user with the organizations above him."""
        return self._seats.get((tenant, user))
