"""The storages that the soak tests run on: a file, and a real server."""

from collections.abc import Iterator

import psycopg
import pytest
from wa_connector_postgres.testing import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def postgres(server: Server) -> str:
    """Where the server is; nothing of an earlier test is on it."""
    with psycopg.connect(server.conninfo, autocommit=True) as db:
        db.execute("DROP SCHEMA IF EXISTS wa_connector CASCADE")
    return server.conninfo
