"""How a connector comes by this storage.

The entry point names this module, so that an installed plugin is listed and checked; by itself it offers no storage,
because nobody but the host knows where the file is to be. A host registers one by hand::

    Connector(plugins=[SqlitePlugin("wa.db")])
"""

from datetime import timedelta
from pathlib import Path
from typing import final

from wa_connector.ports.hooks import hookimpl
from wa_connector.ports.storage import Storage
from wa_connector_sqlite.storage import SqliteStorage


@final
class SqlitePlugin:
    """Offers one file as the storage of every connector that this plugin is given to. Nothing is opened yet."""

    def __init__(
        self, path: str | Path, *, busy_timeout: timedelta = timedelta(seconds=5), create: bool = True
    ) -> None:
        self.storage = SqliteStorage(path, busy_timeout=busy_timeout, create=create)

    @hookimpl
    def wa_storage(self) -> Storage:
        """The same storage each time."""
        return self.storage
