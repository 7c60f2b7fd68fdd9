"""The directory of one TOML file."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import final

from wa_connector.model.directory import Account, App, LineSetup, Seat
from wa_connector.model.ids import AccountId, AppId, LineId, TenantId, UserId
from wa_connector_directory import book
from wa_connector_directory.book import Book


@final
class TomlDirectory:
    """Implements ``ports.directory.Directory`` from a TOML file.

    The file is read at the first question, never before, and again only by ``reload``: a file that an editor is half
    through with should not decide who may write to whom. Secrets that the file takes from the environment or from other
    files are taken at the same moment. Every look-up after that is a dict's.

    Raises ``ConfigError`` with every mistake in the file: from ``reload`` always, from a question only while no good
    file was ever read (it is then read again at each question, so a corrected file needs no restart).

    Safe under threads. A question sees one state of the file; two questions may see two when a ``reload`` lands between
    them. Each process of a prefork server has its own and is reloaded by itself.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._book: Book | None = None
        self._loading = threading.Lock()

    def reload(self) -> None:
        """Read the file now and answer from it from here on; what was there before goes on serving until then, and
        when the file has mistakes. Reloads at once wait for each other, so the last one to return read last."""
        with self._loading:
            self._book = book.read(self._path)

    def _now(self) -> Book:
        found = self._book
        if found is not None:
            return found
        with self._loading:
            if self._book is None:
                self._book = book.read(self._path)
            return self._book

    def app(self, endpoint: str) -> App | None:
        """The app at this endpoint, compared as it is written in the file."""
        return self._now().apps.get(endpoint)

    def everything(self, channel: str) -> Sequence[tuple[App, LineSetup]]:
        """Every line of a channel with the app that serves it, in the order of the file: for whoever examines it."""
        now = self._now()
        found = (setup for setup in now.lines.values() if setup.line.channel == channel)
        return [(now.by_id[setup.account.app], setup) for setup in found]

    def inbound_line(self, app: AppId, account_ref: str, line_ref: str) -> LineSetup | None:
        """The line by the provider's ids, if its account is one of the app's."""
        return self._now().inbound.get((app, account_ref, line_ref))

    def line(self, tenant: TenantId, line: LineId) -> LineSetup | None:
        """The line by its id."""
        return self._now().lines.get((tenant, line))

    def lines(self, tenant: TenantId, user: UserId) -> Sequence[LineSetup]:
        """The user's own lines, then the shared ones of the organizations above him, the closest first; in the order of
        the file within each. Empty for a user whom the file does not have."""
        now = self._now()
        seat = now.seats.get((tenant, user))
        if seat is None:
            return ()
        found = list(now.own.get((tenant, user), ()))
        for organization in reversed(seat.organizations):
            found.extend(now.shared.get(organization.id, ()))
        return tuple(found)

    def account(self, tenant: TenantId, account: AccountId) -> Account | None:
        """The account by its id."""
        return self._now().accounts.get((tenant, account))

    def user(self, tenant: TenantId, user: UserId) -> Seat | None:
        """The user with the organizations above him; disabled ones too, marked so."""
        return self._now().seats.get((tenant, user))
