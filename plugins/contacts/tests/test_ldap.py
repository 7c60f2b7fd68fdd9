"""People in a real LDAP directory; and a filter that a server which compares plain texts would understand."""

import re
import socket
from typing import Any

import ldap3
import pytest
from wa_connector_contacts import ACTIVE_DIRECTORY, Attributes, LdapContacts
from wa_connector_contacts.directory import _pattern

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.model.secret import Secret

ACME, GLOBEX, ANA = TenantId("acme"), TenantId("globex"), UserId("ana")
BASE, ADMIN = "dc=example,dc=com", "cn=admin,dc=example,dc=com"
PEOPLE: dict[str, dict[str, Any]] = {
    "Anna (Sales)*": {"telephoneNumber": "+44 20 7946 0018", "mobile": ["+44-7911-123456"], "preferredLanguage": "en"},
    "Bob": {"telephoneNumber": "020 7946 0019"},
    "Rita": {"mobile": "+55 51 99612 3456"},
    "Rosa": {"mobile": "+55 51 9612 3456"},
    "Nobody": {"telephoneNumber": "+44 20 7946 0020 1"},
}


@pytest.fixture(scope="session")
def people(slapd: str) -> str:
    admin: Any = ldap3.Connection(slapd, user=ADMIN, password="sesame", auto_bind=True)
    assert admin.add(BASE, ["dcObject", "organization"], {"dc": "example", "o": "Example"})
    for name, values in PEOPLE.items():
        uid = name.split()[0].lower()
        assert admin.add(f"uid={uid},{BASE}", "inetOrgPerson", {"cn": name, "sn": name, **values}), admin.result
    admin.unbind()
    return slapd


def store(url: str, **more: object) -> LdapContacts:
    return LdapContacts(url, tenant=ACME, base=BASE, region="GB", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("+442079460018", ["Anna (Sales)*"]),
        ("+447911123456", ["Anna (Sales)*"]),
        ("+442079460019", ["Bob"]),
        ("+442079460021", []),
        ("+446079460018", []),
    ],
)
def test_numbers_are_found_however_they_are_written(people: str, value: str, name: list[str]) -> None:
    found = store(people).find(ACME, [number(value), Address(AddressKind.BSUID, "GB.1", "p")])
    assert [each.name for each in found] == name


def test_a_contact_is_known_again_by_its_id(people: str) -> None:
    (found,) = store(people).find(ACME, [number("+442079460018")])
    assert (found.locale, found.owner, len(found.addresses)) == ("en", None, 2)
    assert store(people, user=ADMIN, password=Secret("sesame")).get(ACME, ANA, found.id) == found
    assert store(people).get(ACME, ANA, ContactId("*")) is None
    assert (store(people).get(GLOBEX, ANA, found.id), store(people).find(GLOBEX, found.addresses)) == (None, ())


def test_many_are_looked_up_by_one_search(people: str) -> None:
    addresses = [number("+555196123456"), number("+442079460018"), number("+4930999999")]
    found = store(people).lookup_many(ACME, addresses)
    assert [[(each.contact.name, each.is_certain) for each in found[address]] for address in addresses] == [
        [("Rosa", True), ("Rita", False)],
        [("Anna (Sales)*", True)],
        [],
    ]
    assert store(people).lookup_many(GLOBEX, addresses[:1]) == {addresses[0]: ()}


def test_an_attribute_that_the_server_does_not_know_finds_nobody(people: str) -> None:
    assert store(people, attributes=ACTIVE_DIRECTORY).get(ACME, ANA, ContactId("0" * 32)) is None
    assert store(people, attributes=Attributes(numbers=("otherMobile",))).find(ACME, [number("+442079460018")]) == ()


@pytest.mark.parametrize(
    "stored", ["+44 20 7946 0018", "020 79-46-00-18 ext. 5", "0044 (20) 79460018", "+442079460018"]
)
def test_a_server_that_compares_plain_texts_finds_them_too(stored: str) -> None:
    """As Active Directory does: the pattern has room for whatever stands between two digits."""
    pattern = _pattern(number("+442079460018"))
    assert re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), stored)


def test_a_directory_that_refuses_is_unavailable(people: str) -> None:
    with pytest.raises(Unavailable, match="refused the user"):
        store(people, user=ADMIN, password=Secret("wrong")).find(ACME, [number("+442079460018")])


def test_a_directory_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"ldap://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(Unavailable, match="cannot be asked"):
            store(url).find(ACME, [number("+442079460018")])


def test_a_directory_that_hangs_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"ldap://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unavailable, match="cannot be asked"):
            store(url, timeout=1).find(ACME, [number("+442079460018")])


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="ldaps://"):
        store("http://example.com")
