"""The store of an LDAP directory: OpenLDAP, Active Directory and their kin.

Theory: OpenLDAP compares telephone numbers without their spaces and hyphens, Active Directory as plain texts. So the store asks
for the last digits with anything between them, which both understand, and then reads each number that it got and compares
what it says. In a large directory give these attributes an index for substrings.

Source: RFC 4515 (filters), RFC 4517 (telephone number syntax and matching rules), read 2026-11.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, final

from attrs import field, frozen

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.model.secret import Secret
from wa_connector_contacts.matching import Matches, certain, matched
from wa_connector_contacts.shelf import parse_number

AT_ONCE: Final = 50
"""How many addresses one filter asks for."""
_DIGITS: Final = 6
_ANSWERED: Final = frozenset({0, 32})
"""Success, and that there is no such subtree."""


@frozen
class Attributes:
    """Which attributes hold what. Of ``name`` the first that an entry has counts; of ``numbers`` all."""

    name: tuple[str, ...] = ("displayName", "cn")
    numbers: tuple[str, ...] = ("telephoneNumber", "mobile", "homePhone")
    id: str = "entryUUID"
    """``objectGUID`` in Active Directory."""
    locale: str = "preferredLanguage"
    people: str = field(default="(objectClass=person)")


ACTIVE_DIRECTORY: Final = Attributes(
    numbers=("telephoneNumber", "mobile", "homePhone", "ipPhone", "otherTelephone", "otherMobile"), id="objectGUID"
)


@final
class LdapContacts:
    """The people of one subtree, shared by the tenant.

    ``url`` is ``ldaps://…`` (or ``ldap://…`` on a line that nobody listens to); ``user`` and ``password`` bind, and none
    binds anonymously. ``timeout`` (whole seconds) bounds each of connecting and answering. Each look-up opens a connection and
    closes it. Raises ``Unavailable`` where the directory cannot be asked, ``UsageError`` for a url that is none.
    """

    def __init__(
        self,
        url: str,
        *,
        tenant: TenantId,
        base: str,
        region: str | None = None,
        user: str = "",
        password: Secret | None = None,
        attributes: Attributes | None = None,
        timeout: int = 3,
    ) -> None:
        if not re.match(r"ldaps?://", url):
            raise UsageError("url begins with ldaps:// or ldap://")
        self._url, self._tenant, self._base, self._region = url, tenant, base, region
        self._user, self._password, self._timeout = user, password, timeout
        self._attributes = attributes or Attributes()

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:  # noqa: ARG002 - all see all
        """The entry of this id."""
        if tenant != self._tenant:
            return None
        value = _escaped(contact)
        if self._attributes.id == "objectGUID":
            value = _escaped_guid(contact)
        return next(iter(self._entries(f"({self._attributes.id}={value})")), None)

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """The entries with one of these numbers."""
        return certain(self.lookup_many(tenant, addresses))

    def lookup_many(self, tenant: TenantId, addresses: Sequence[Address]) -> Matches:
        """As ``matching.Many``: one search for up to fifty addresses."""
        if tenant != self._tenant:
            return matched(addresses, ())
        patterns = list(dict.fromkeys(filter(None, map(_pattern, addresses))))
        contacts: list[Contact] = []
        for start in range(0, len(patterns), AT_ONCE):
            part = patterns[start : start + AT_ONCE]
            asked = "".join(f"({name}={pattern})" for pattern in part for name in self._attributes.numbers)
            contacts += self._entries(f"(|{asked})")
        return matched(addresses, contacts)

    def _entries(self, wanted: str) -> list[Contact]:
        import ldap3
        from ldap3.core.exceptions import LDAPException

        names = self._attributes
        asked = [*names.name, *names.numbers, names.id, names.locale]
        server = ldap3.Server(self._url, connect_timeout=self._timeout, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server,
            user=self._user or None,
            password=self._password.reveal() if self._password else None,
            receive_timeout=self._timeout,
            read_only=True,
            check_names=False,
        )
        try:
            if not connection.bind():
                raise Unavailable(f"the directory refused the user ({connection.result['description']})")
            connection.search(self._base, f"(&{names.people}{wanted})", attributes=asked)
            found = [each for each in connection.response or () if each.get("type") == "searchResEntry"]
            if connection.result["result"] not in _ANSWERED:
                raise Unavailable(f"the directory refused to search ({connection.result['description']})")
        except (LDAPException, OSError) as error:
            raise Unavailable(f"the directory cannot be asked ({type(error).__qualname__})") from None
        finally:
            _let_go(connection)
        return [self._contact(each["raw_attributes"]) for each in found]

    def _contact(self, entry: dict[str, Sequence[bytes]]) -> Contact:
        names = self._attributes
        # Attribute names are compared without case, and a server may spell them as it likes.
        by_name = {name.casefold(): values for name, values in entry.items()}

        def texts(*wanted: str) -> Iterable[str]:
            for name in wanted:
                yield from (value.decode("utf-8", "replace") for value in by_name.get(name.casefold(), ()))

        numbers = (parse_number(text, self._region) for text in texts(*names.numbers))
        raw = next(iter(by_name.get(names.id.casefold(), ())), b"")
        return Contact(
            ContactId(raw.hex() if names.id == "objectGUID" else raw.decode("utf-8", "replace")),
            next(iter(texts(*names.name)), ""),
            tuple(dict.fromkeys(each for each in numbers if isinstance(each, Address))),
            locale=next(iter(texts(names.locale)), ""),
        )


def _let_go(connection: Any) -> None:
    """Close it, also where it never was quite open: the library then leaves its socket to the garbage collector."""
    from ldap3.core.exceptions import LDAPException

    with suppress(LDAPException, OSError):
        connection.unbind()
    if connection.socket is not None:
        connection.socket.close()


def _pattern(address: Address) -> str:
    """The last digits with anything between them and nothing before that matters."""
    if address.kind not in (AddressKind.NUMBER, AddressKind.WHATSAPP_ID):
        return ""
    digits = re.sub(r"[^0-9]", "", address.value)[-_DIGITS:]
    return f"*{'*'.join(digits)}*"


def _escaped(value: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in value.encode())


def _escaped_guid(contact: str) -> str:
    return (
        "".join(f"\\{contact[at : at + 2]}" for at in range(0, len(contact), 2))
        if re.fullmatch(r"[0-9a-f]{32}", contact)
        else "\\00"
    )
