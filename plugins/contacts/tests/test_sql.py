"""A view of a database, in SQLite and in a real PostgreSQL with tables as FusionPBX has them."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from wa_connector_contacts import ContactsPlugin, SqlContacts
from wa_connector_contacts.sql import Connection
from wa_connector_postgres.testing import Server

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.ids import ContactId, TenantId, UserId

ACME, GLOBEX, ANA, BEN = TenantId("acme"), TenantId("globex"), UserId("ana"), UserId("ben")

VIEW = """
CREATE VIEW wa_connector_contacts AS
SELECT d.domain_name AS domain, CAST(c.contact_uuid AS text) AS id,
       TRIM(COALESCE(c.contact_name_given, '') || ' ' || COALESCE(c.contact_name_family, '')) AS name,
       p.phone_number AS number, p.phone_country_code AS country_code, u.username AS owner, '' AS locale,
       {tail} AS tail
FROM v_contacts c JOIN v_domains d ON d.domain_uuid = c.domain_uuid
JOIN v_contact_phones p ON p.contact_uuid = c.contact_uuid
LEFT JOIN v_contact_users cu ON cu.contact_uuid = c.contact_uuid
LEFT JOIN v_users u ON u.user_uuid = cu.user_uuid
"""
TABLES = """
CREATE TABLE v_domains (domain_uuid text, domain_name text);
CREATE TABLE v_users (user_uuid text, username text);
CREATE TABLE v_contacts (contact_uuid text, domain_uuid text, contact_name_given text, contact_name_family text);
CREATE TABLE v_contact_users (contact_uuid text, user_uuid text);
CREATE TABLE v_contact_phones (contact_uuid text, phone_number text, phone_country_code text);
INSERT INTO v_domains VALUES ('d1', 'acme.example'), ('d2', 'globex.example');
INSERT INTO v_users VALUES ('u1', 'ana');
INSERT INTO v_contacts VALUES ('c1', 'd1', 'Anna', 'Adams'), ('c2', 'd1', 'Bob', NULL), ('c3', 'd2', 'Gus', 'G'),
  ('c4', 'd1', 'Rita', 'R'), ('c5', 'd1', 'Rosa', 'R'), ('c6', 'd1', 'Broken', NULL);
INSERT INTO v_contact_users VALUES ('c2', 'u1');
INSERT INTO v_contact_phones VALUES ('c1', '+1 (415) 555-2671', NULL), ('c1', '2079460018', '44'), ('c2', '415-555-2671', ''),
  ('c3', '+14155552671', NULL), ('c4', '51996123456', '55'), ('c5', '5196123456', '55'), ('c6', '5552671', NULL),
  ('c6', NULL, NULL);
"""
DIGITS = {
    "sqlite": "SUBSTR(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(p.phone_number,'+',''),'(',''),')',''),'-',''),' ',''), -7)",
    "postgres": "RIGHT(REGEXP_REPLACE(p.phone_number, '[^0-9]', '', 'g'), 7)",
}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    server = Server()
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(TABLES.encode())
        connection.execute(VIEW.format(tail=DIGITS["postgres"]).encode())
    yield server.conninfo
    server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Callable[[], Connection], str]:
    if request.param == "postgres":
        conninfo: str = request.getfixturevalue("postgres")
        return lambda: psycopg.connect(conninfo), "pyformat"
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.executescript(TABLES + VIEW.format(tail=DIGITS["sqlite"]))
    connection.close()
    return lambda: sqlite3.connect(tmp_path / "crm.db"), "qmark"


@pytest.fixture
def store(connect: tuple[Callable[[], Connection], str]) -> SqlContacts:
    opened, style = connect
    return SqlContacts(opened, tenant=ACME, domain="acme.example", region="US", paramstyle=style)  # type: ignore[arg-type]


def test_numbers_are_found_however_they_are_stored_and_only_the_domains_own(store: SqlContacts) -> None:
    found = store.find(ACME, [number("+14155552671")])
    assert [(each.name, each.owner) for each in found] == [("Anna Adams", None), ("Bob", ANA)]
    assert [each.name for each in store.find(ACME, [number("+442079460018")])] == ["Anna Adams"]
    assert store.find(ACME, [Address(AddressKind.BSUID, "US.1", "p")]) == ()
    assert (store.find(GLOBEX, [number("+14155552671")]), store.get(GLOBEX, ANA, ContactId("c1"))) == ((), None)


def test_a_contact_is_got_by_whoever_may_see_it(store: SqlContacts) -> None:
    book = ContactsPlugin(store).wa_contacts()
    anna = book.get(ACME, BEN, ContactId("c1"))
    assert anna is not None
    assert {each.value for each in anna.addresses} == {"+14155552671", "+442079460018"}
    assert book.get(ACME, ANA, ContactId("c2")) is not None
    assert book.get(ACME, BEN, ContactId("c2")) is None
    assert book.get(ACME, ANA, ContactId("c3")) is None


def test_a_number_that_cannot_be_read_is_nobodys(store: SqlContacts) -> None:
    broken = store.get(ACME, ANA, ContactId("c6"))
    assert broken is not None
    assert broken.addresses == ()


def test_many_are_looked_up_at_once(store: SqlContacts, monkeypatch: pytest.MonkeyPatch) -> None:
    from wa_connector_contacts import sql

    addresses = [number("+555196123456"), number("+442079460018"), number("+493012345678")]
    once = store.lookup_many(ACME, addresses)
    assert [[(each.contact.name, each.is_certain) for each in once[address]] for address in addresses] == [
        [("Rosa R", True), ("Rita R", False)],
        [("Anna Adams", True)],
        [],
    ]
    monkeypatch.setattr(sql, "AT_ONCE", 1)
    assert store.lookup_many(ACME, addresses) == once


def test_a_database_that_cannot_be_asked_is_unavailable_and_says_nothing_of_it(
    connect: tuple[Callable[[], Connection], str],
) -> None:
    opened, style = connect
    missing = SqlContacts(opened, tenant=ACME, domain="acme.example", view="nowhere", paramstyle=style)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="the view nowhere cannot be read"):
        missing.find(ACME, [number("+14155552671")])


@pytest.mark.parametrize("view", ["contacts; DROP TABLE v_contacts", "", "a.b.c", 'a"b'])
def test_only_a_name_is_a_views_name(view: str) -> None:
    with pytest.raises(UsageError, match="name of a view"):
        SqlContacts(lambda: sqlite3.connect(":memory:"), tenant=ACME, domain="d", view=view)
