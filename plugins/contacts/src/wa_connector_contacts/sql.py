"""The store of a database view: what FusionPBX, FreePBX or a customer system keeps, in a shape that the host gives it.

Theory: stored numbers are written in every way there is, so no comparison of texts finds them. The view gives the last seven
digits of each number as a column of its own (an index on that expression makes a look-up quick), the store asks for those, and
then reads each number that it got and compares what it says.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import Any, Final, Literal, Protocol, final

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector_contacts.matching import Matches, certain, matched
from wa_connector_contacts.shelf import parse_number

TAIL: Final = 7
"""How many digits of a number the view gives: as many as the shortest numbers of large countries have."""
AT_ONCE: Final = 500
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")
_COLUMNS: Final = "id, name, number, country_code, owner, locale"


class Connection(Protocol):
    """A DB-API connection (PEP 249), as far as it is needed."""

    def cursor(self) -> Any: ...
    def close(self) -> None: ...


@final
class SqlContacts:
    """The contacts of a view with the columns ``domain, id, name, number, country_code, owner, locale, tail``.

    A row for each number: ``domain`` is the tenant's name there, ``country_code`` digits (empty where the number has its
    own), ``owner`` a user's id or empty, ``tail`` the number's last seven digits and no other characters. ``connect`` opens a
    connection, each time anew: pass a pool's, and let it set a time-out of the statement. ``paramstyle`` is the driver's.

    A store asks once for all addresses of a look-up. Raises ``Unavailable`` where the database cannot be asked, and
    ``UsageError`` for a view's name that is none.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        tenant: TenantId,
        domain: str,
        view: str = "wa_connector_contacts",
        region: str | None = None,
        paramstyle: Literal["qmark", "format", "pyformat"] = "qmark",
    ) -> None:
        if not _NAME.fullmatch(view):
            raise UsageError(
                "view is the name of a view, with its schema where it needs one: crm.wa_connector_contacts"
            )
        self._connect, self._tenant, self._domain, self._region = connect, tenant, domain, region
        self._view = view
        self._mark = "?" if paramstyle == "qmark" else "%s"

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """The user's own contact of this id, else the shared one."""
        if tenant != self._tenant:
            return None
        found = {each.owner: each for each in self._contacts(f"id = {self._mark}", [contact])}
        return found.get(user) or found.get(None)

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """The contacts with one of these addresses, whoever owns them."""
        return certain(self.lookup_many(tenant, addresses))

    def lookup_many(self, tenant: TenantId, addresses: Sequence[Address]) -> Matches:
        """As ``matching.Many``: one query for up to five hundred addresses."""
        if tenant != self._tenant:
            return matched(addresses, ())
        tails = list(dict.fromkeys(filter(None, map(_tail, addresses))))
        contacts: list[Contact] = []
        for start in range(0, len(tails), AT_ONCE):
            part = tails[start : start + AT_ONCE]
            contacts += self._contacts(f"tail IN ({', '.join([self._mark] * len(part))})", part)
        return matched(addresses, contacts)

    def _contacts(self, condition: str, values: Sequence[str]) -> Iterable[Contact]:
        # The names are the view's own, checked above; every value is bound.
        query = f"SELECT {_COLUMNS} FROM {self._view} WHERE domain = {self._mark} AND {condition} ORDER BY name, id"  # noqa: S608
        try:
            with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(query, (self._domain, *values))
                rows = cursor.fetchall()
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own
            raise Unavailable(f"the view {self._view} cannot be read ({type(error).__qualname__})") from None
        return _joined(rows, self._region)


def _tail(address: Address) -> str:
    is_line = address.kind in (AddressKind.NUMBER, AddressKind.WHATSAPP_ID)
    return re.sub(r"[^0-9]", "", address.value)[-TAIL:] if is_line else ""


def _joined(rows: Iterable[Sequence[Any]], region: str | None) -> list[Contact]:
    """A contact for each id and owner, with the numbers of all its rows that can be read."""
    found: dict[tuple[Any, Any], Contact] = {}
    for id_, name, typed, code, owner, locale in rows:
        text = f"+{str(code).lstrip('+')} {typed}" if code and not str(typed).startswith("+") else str(typed or "")
        read = parse_number(text, region)
        numbers = (read,) if isinstance(read, Address) else ()
        before = found.get((id_, owner))
        found[id_, owner] = Contact(
            ContactId(str(id_)),
            str(name or ""),
            tuple(dict.fromkeys((*(before.addresses if before else ()), *numbers))),
            owner=UserId(str(owner)) if owner else None,
            locale=str(locale or ""),
        )
    return list(found.values())
