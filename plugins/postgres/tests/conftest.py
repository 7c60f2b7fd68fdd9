"""A real PostgreSQL for the session, from a wheel; a storage on it for each test."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from wa_connector_postgres import PostgresStorage
from wa_connector_postgres.testing import Server

from wa_connector.ports.rows import KINDS

pytest.register_assert_rewrite("wa_connector.testing.contract", "wa_connector.testing.machine")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def admin(server: Server) -> Iterator["psycopg.Connection[Any]"]:
    """A session beside those of the storages."""
    options = "-c search_path=wa_connector"
    with psycopg.connect(server.conninfo, autocommit=True, options=options) as db:
        yield db


@pytest.fixture
def conninfo(server: Server, admin: "psycopg.Connection[Any]") -> str:
    """A server on which the schema, if there is one, is empty."""
    empty(admin)
    return server.conninfo


def empty(admin: "psycopg.Connection[Any]") -> None:
    if admin.execute("SELECT to_regclass('migration')").fetchone() != (None,):
        tables = ("event", "lane", *KINDS)
        admin.execute("; ".join(f'DELETE FROM "{table}"' for table in tables).encode())


@pytest.fixture
def emptied(admin: "psycopg.Connection[Any]") -> Callable[[], None]:
    return lambda: empty(admin)


@pytest.fixture
def storage(conninfo: str) -> Iterator[PostgresStorage]:
    storage = PostgresStorage(conninfo)
    yield storage
    storage.close()


@pytest.fixture
def fresh(server: Server, admin: "psycopg.Connection[Any]") -> Iterator[str]:
    """The name of a schema that is not there."""
    yield "fresh"
    admin.execute("DROP SCHEMA IF EXISTS fresh CASCADE")


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that a test may kill, and starts again."""
    server = Server()
    yield server
    server.remove()
