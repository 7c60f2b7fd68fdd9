"""One loaded file: the indexes that a directory answers from, and how they come about.

Theory: a file is read in three passes. First every table by itself (types, unknown keys, settings, secrets); then the
names that tables have for each other, in the order in which they depend on each other (organizations, users, apps,
accounts, lines); then the indexes. Mistakes are gathered over all of them, and the last pass is reached only without
any. What refers to something that is itself broken stays silent: the cause is reported where it is.
"""

import difflib
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar, final

from attrs import evolve, frozen

from wa_connector.errors import ConfigError
from wa_connector.model.directory import Account, App, Line, LineSetup, Organization, Seat, User
from wa_connector.model.ids import AccountId, AppId, LineId, OrganizationId, TenantId, UserId
from wa_connector.model.secret import Secret
from wa_connector_directory import values
from wa_connector_directory.reading import Mistakes, Table, joined, quoted, suggestion

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_BASE_URL: Final = re.compile(r"(?:https?|smpps?)://[^\s/?#@]+(?:/[^\s?#]*)?")
_NOBODY: Final = Secret("")


@frozen
class Book:
    """Everything in one file, indexed; replaced as a whole."""

    apps: Mapping[str, App]
    by_id: Mapping[AppId, App]
    accounts: Mapping[tuple[TenantId, AccountId], Account]
    seats: Mapping[tuple[TenantId, UserId], Seat]
    lines: Mapping[tuple[TenantId, LineId], LineSetup]
    inbound: Mapping[tuple[AppId, str, str], LineSetup]
    own: Mapping[tuple[TenantId, UserId], tuple[LineSetup, ...]]
    shared: Mapping[OrganizationId, tuple[LineSetup, ...]]


def read(path: Path) -> Book:
    """Read and check a file. Raises ``ConfigError`` with every mistake in it."""
    mistakes = Mistakes()
    book = _build(_parse(path), path.parent, mistakes)
    if mistakes.lines or book is None:
        raise ConfigError(str(path), mistakes.lines)
    return book


def _parse(path: Path) -> Mapping[str, object]:
    import tomllib

    # Raised after the `except` and not in it: the parser's exceptions of newer Pythons carry the whole
    # document, secrets too, and must not travel along as a context.
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        why = f"cannot be read: {error.strerror or type(error).__name__}; check the path and its permissions"
    except UnicodeDecodeError:
        why = "is not a text in UTF-8; save it in that encoding"
    except RecursionError:
        why = "is nested too deeply"
    except ValueError as error:
        why = f"is not TOML: {error}"
    raise ConfigError(str(path), [f"file: {why}"])


def _build(raw: Mapping[str, object], base: Path, mistakes: Mistakes) -> Book | None:
    root = Table(raw, "", mistakes)
    tree = _Tree(root)
    people = _People(root, tree)
    apps = _Apps(root, tree, base)
    accounts = _Accounts(root, tree, apps, base)
    lines = _Lines(root, tree, people, accounts)
    root.close()
    _check_channels(root, apps.by_id.values())
    if mistakes.lines:
        return None
    return Book(
        apps={app.endpoint: app for app in apps.by_id.values()},
        by_id={app.id: app for app in apps.by_id.values()},
        accounts=accounts.by_key,
        seats=people.seats,
        lines=lines.by_key,
        inbound={
            # A webhook that names the account alone is about all its lines, and found by any of them.
            (s.account.app, s.account.provider_ref, ref): s
            for s in reversed(lines.by_key.values())
            for ref in (s.line.provider_ref, "")
        },
        own=_grouped(((s.line.tenant, s.line.owner), s) for s in lines.by_key.values() if s.line.owner),
        shared=_grouped((s.organizations[-1].id, s) for s in lines.by_key.values() if not s.line.owner),
    )


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(group) for key, group in found.items()}


@final
class _Once:
    """Notes what is used a second time, by the place of the first. The value itself may be a number or a provider's
    id, so it is not shown."""

    def __init__(self) -> None:
        self._first: dict[Hashable, str] = {}

    def check(self, table: Table, key: str, value: Hashable) -> bool:
        first = self._first.setdefault(value, table.at(key))
        if first == table.at(key):
            return True
        table.wrong(key, f"is the same as {first}; each may be there once")
        return False


@frozen
class _Level:
    """An organization and what is needed to find what is above it."""

    table: Table
    organization: Organization
    parent: str


@final
class _Tree:
    """The organizations by id; their ids are unique in the whole file, so that one of them says which tenant."""

    def __init__(self, root: Table) -> None:
        self.levels: dict[str, _Level] = {}
        once = _Once()
        for table in root.tables("organizations"):
            level = _level(table)
            if level.organization.id and once.check(table, "id", level.organization.id):
                self.levels[level.organization.id] = level
        if not root.values.get("organizations"):
            root.wrong("organizations", "is missing; write at least one, the tenant")
        for level in self.levels.values():
            if level.parent and level.parent not in self.levels:
                level.table.wrong("parent", _unknown("organization", level.parent, self.levels))
        self.paths = {id_: self._path(id_) for id_ in self.levels}
        self._report_cycles()
        self.roots = [id_ for id_, level in self.levels.items() if not level.table.has("parent")]

    def _path(self, start: str) -> tuple[Organization, ...]:
        """The organizations from the root down to ``start``; empty when a mistake lies on the way."""
        path: list[Organization] = []
        seen: set[str] = set()
        at: str | None = start
        while at:
            level = self.levels.get(at)
            if level is None or at in seen:
                return ()
            seen.add(at)
            path.append(level.organization)
            at = level.parent
            if not at and level.table.has("parent"):
                return ()  # a parent that is no usable text: reported where it stands
        return tuple(reversed(path))

    def _report_cycles(self) -> None:
        told: set[str] = set()
        for start in self.levels:
            circle: list[str] = []
            at = start
            while at in self.levels and at not in circle:
                circle.append(at)
                at = self.levels[at].parent
            # Only from a member: what merely leads into a circle is not the mistake.
            if at == start and start not in told:
                told.update(circle)
                way = " → ".join((*circle, start))
                self.levels[start].table.wrong("parent", f"the parents go in a circle: {way}")

    def path(self, table: Table, key: str = "organization") -> tuple[Organization, ...]:
        """The path that ``key`` names. It may be left out while the file has one root."""
        name = self._named(table, key)
        if name and name not in self.levels:
            table.wrong(key, _unknown("organization", name, self.levels))
        return self.paths.get(name, ())

    def tenant(self, table: Table) -> TenantId | None:
        """The root that ``tenant`` names. It may be left out while the file has one root."""
        path = self.path(table, "tenant")
        if len(path) > 1:
            table.wrong("tenant", f"is below {quoted(path[0].id)}; write the root's id")
            return None
        return TenantId(path[0].id) if path else None

    def _named(self, table: Table, key: str) -> str:
        if table.has(key) or not self.levels:
            return table.word(key, "")
        table.take(key)
        if len(self.roots) == 1:
            return self.roots[0]
        if self.roots:
            table.wrong(key, "is missing; the file has several tenants, so say whose this is")
        return ""


def _level(table: Table) -> _Level:
    id_ = table.word("id")
    level = _Level(
        table,
        Organization(
            OrganizationId(id_),
            table.word("name", id_),
            channels=values.switches(table.table("channels")),
            settings=values.settings(table.table("settings")),
        ),
        table.word("parent", ""),
    )
    table.close()
    return level


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    return f"no {what} named {quoted(name)}{suggestion(name, known)}"


@final
class _People:
    """The users, teams and queues, each by tenant and id; ``unplaced`` are the ids of those whose organization is a
    mistake. A team is addressed like a user, so both have one space of ids."""

    def __init__(self, root: Table, tree: _Tree) -> None:
        self.seats: dict[tuple[TenantId, UserId], Seat] = {}
        self.unplaced: set[str] = set()
        self._once = _Once()
        for table in root.tables("teams"):
            self._place(table, tree.path(table), _team(table), ())
        for table in root.tables("users"):
            named = table.words("teams")
            self._place(table, tree.path(table), _user(table), named)

    def _place(self, table: Table, path: tuple[Organization, ...], user: User, teams: tuple[str, ...]) -> None:
        if not (path and user.id):
            self.unplaced.add(user.id)
            return
        user = evolve(user, tenant=TenantId(path[0].id))
        if self._once.check(table, "id", (user.tenant, user.id)):
            self.seats[user.tenant, user.id] = Seat(user, path, self._teams(table, user.tenant, teams))

    def _teams(self, table: Table, tenant: TenantId, named: tuple[str, ...]) -> frozenset[UserId]:
        known = [user for (of, user), seat in self.seats.items() if of == tenant and seat.user.is_team]
        for place, name in enumerate(named):
            if UserId(name) not in known and name not in self.unplaced:
                table.mistakes.add(f"{table.at('teams')}[{place}]", _unknown("team", name, known))
        return frozenset(UserId(name) for name in named)

    def of(self, tenant: TenantId) -> list[str]:
        return [user for (of, user), seat in self.seats.items() if of == tenant and not seat.user.is_team]


def _user(table: Table) -> User:
    id_ = table.word("id")
    user = User(
        TenantId(""),  # the organization's root, which the caller knows
        UserId(id_),
        table.word("name", id_),
        channels=values.switches(table.table("channels")),
        settings=values.settings(table.table("settings")),
        disabled=table.flag("disabled", default=False),
        supervises=table.flag("supervises", default=False),
    )
    table.close()
    return user


def _team(table: Table) -> User:
    id_ = table.word("id")
    team = User(TenantId(""), UserId(id_), table.word("name", id_), is_team=True)  # tenant: as of a user
    table.close()
    return team


@final
class _Apps:
    """The provider apps by id; ids and endpoints are unique in the whole file, because a webhook names no tenant."""

    def __init__(self, root: Table, tree: _Tree, base: Path) -> None:
        self.by_id: dict[str, App] = {}
        ids, endpoints = _Once(), _Once()
        for table in root.tables("apps"):
            app, tenant = _app(table, base), tree.tenant(table)
            table.close()
            if app.endpoint:
                endpoints.check(table, "endpoint", app.endpoint)
            if app.id and ids.check(table, "id", app.id):
                self.by_id[app.id] = evolve(app, tenant=tenant or TenantId(""))


def _app(table: Table, base: Path) -> App:
    return App(
        AppId(table.word("id")),
        TenantId(""),  # checked by the caller
        channel=table.word("channel"),
        gateway=table.word("gateway", ""),
        endpoint=table.word("endpoint"),
        secrets=_secrets(table, base),
        verify_token=values.secret(table, "verify_token", base) or _NOBODY,
    )


def _secrets(table: Table, base: Path) -> tuple[Secret, ...]:
    """``secret``, and while it is being rotated ``old_secret``."""
    if not table.has("secret"):
        table.wrong("secret", "is missing; without it no webhook of this app can be trusted")
    found = (values.secret(table, key, base) for key in ("secret", "old_secret"))
    return tuple(each for each in found if each is not None)


@final
class _Accounts:
    """The accounts, each by tenant and id; ``unplaced`` are the ids of those whose tenant is a mistake."""

    def __init__(self, root: Table, tree: _Tree, apps: _Apps, base: Path) -> None:
        self.by_key: dict[tuple[TenantId, AccountId], Account] = {}
        self.unplaced: set[str] = set()
        ids, refs = _Once(), _Once()
        for table in root.tables("accounts"):
            account, tenant = _account(table, apps, base), tree.tenant(table)
            table.close()
            if account.app and account.provider_ref:
                refs.check(table, "provider_ref", (account.app, account.provider_ref))
            if not (account.id and tenant):
                self.unplaced.add(account.id)
            elif ids.check(table, "id", (tenant, account.id)):
                self.by_key[tenant, account.id] = evolve(account, tenant=tenant)

    def of(self, tenant: TenantId) -> list[str]:
        return [account for of_tenant, account in self.by_key if of_tenant == tenant]


def _account(table: Table, apps: _Apps, base: Path) -> Account:
    name = table.word("app")
    app = apps.by_id.get(name)
    if name and app is None:
        table.wrong("app", _unknown("app", name, apps.by_id))
    provider_ref = table.word("provider_ref")
    base_url = table.word("base_url", "")
    if base_url and not _BASE_URL.fullmatch(base_url):
        table.wrong("base_url", 'needs an address as "https://host/path"')
    return Account(
        TenantId(""),  # checked by the caller
        AccountId(table.word("id")),
        AppId(app.id if app else ""),
        channel=_channel(table, app.channel if app else "", "app"),
        gateway=app.gateway if app else "",
        options=values.options(table.table("options"), base),
        provider_ref=provider_ref,
        portfolio=table.word("portfolio", provider_ref),
        token=values.secret(table, "token", base) or _NOBODY,
        base_url=base_url,
        daily_tier=table.count("daily_tier"),
    )


def _channel(table: Table, above: str, what: str) -> str:
    """The channel of what this belongs to; written down again, it has to be the same."""
    channel = table.word("channel", above)
    if channel and above and channel != above:
        table.wrong("channel", f"is not its {what}'s, which is {quoted(above)}; leave it out")
    return channel


@final
class _Lines:
    """The lines, each by tenant and id, with account and organizations."""

    def __init__(self, root: Table, tree: _Tree, people: _People, accounts: _Accounts) -> None:
        self.tree, self.people, self.accounts = tree, people, accounts
        self.by_key: dict[tuple[TenantId, LineId], LineSetup] = {}
        ids, refs = _Once(), _Once()
        for table in root.tables("lines"):
            setup = self._setup(table)
            table.close()
            if setup is None:
                continue
            line = setup.line
            if line.provider_ref:
                refs.check(table, "provider_ref", (line.tenant, line.account, line.provider_ref))
            if line.id and ids.check(table, "id", (line.tenant, line.id)):
                self.by_key[line.tenant, line.id] = setup

    def _setup(self, table: Table) -> LineSetup | None:
        path = self.tree.path(table)
        tenant = TenantId(path[0].id) if path else None
        owner = self._owner(table, tenant)
        if owner and not table.has("organization"):
            path = owner.organizations
        account = self._account(table, tenant)
        id_, address = table.word("id"), table.word("address")
        if " " in address:
            table.wrong("address", "has spaces in it; write a number as +4930123456")
        provider_ref = table.word("provider_ref")
        channel = _channel(table, account.channel if account else "", "account")
        per_second = table.count("messages_per_second")
        region = table.word("region", "")
        if region and not (len(region) == 2 and region.isascii() and region.isupper()):
            table.wrong("region", 'needs two capital letters (ISO 3166), such as "DE"')
        extension_digits = table.counts("extension_digits")
        if tenant is None or account is None:
            return None
        line = Line(
            tenant,
            LineId(id_),
            account.id,
            channel,
            address,
            provider_ref,
            owner=owner.user.id if owner else None,
            messages_per_second=per_second,
            region=region,
            extension_digits=extension_digits,
        )
        return LineSetup(line, account, path)

    def _owner(self, table: Table, tenant: TenantId | None) -> Seat | None:
        name = table.word("owner", "")
        if not name or tenant is None:
            return None
        seat = self.people.seats.get((tenant, UserId(name)))
        if seat is not None and seat.user.is_team:
            table.wrong("owner", "is a team; a line is a user's own, or leave it out to share the line")
        if seat is None and name not in self.people.unplaced:
            table.wrong("owner", _unknown("user", name, self.people.of(tenant)))
        return seat

    def _account(self, table: Table, tenant: TenantId | None) -> Account | None:
        name = table.word("account")
        if not name or tenant is None:
            return None
        account = self.accounts.by_key.get((tenant, AccountId(name)))
        if account is None and name not in self.accounts.unplaced:
            table.wrong("account", _unknown("account", name, self.accounts.of(tenant)))
        return account


def _check_channels(root: Table, apps: Iterable[App]) -> None:
    """A switch whose name is *nearly* that of a channel in use is a mistake: ``watsapp = false`` would leave WhatsApp
    on, and nobody would notice. A name that resembles none may be the channel of an app that is still to come."""
    used = {app.channel for app in apps if app.channel}
    for path, name in _switched(root):
        close = difflib.get_close_matches(name[:64].casefold(), used, n=1, cutoff=0.75)
        if close and name not in used:
            root.mistakes.add(path, f"no app serves this channel; did you mean {quoted(close[0])}?")


def _switched(root: Table) -> Iterator[tuple[str, str]]:
    """The name of every channel that is switched, with the path to it. Of broken tables nothing: they are reported."""
    for section in ("organizations", "users"):
        tables = root.values.get(section)
        for index, each in enumerate(tables if isinstance(tables, list) else ()):
            channels = each.get("channels") if isinstance(each, dict) else None
            for name in channels if isinstance(channels, dict) else ():
                yield joined(f"{section}[{index}].channels", name), name
