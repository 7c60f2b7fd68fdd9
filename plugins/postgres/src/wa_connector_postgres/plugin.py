"""How a connector comes by this storage.

The entry point names this module, so that an installed plugin is listed and checked; by itself it offers no storage,
because nobody but the host knows the server. A host registers one by hand::

    Connector(plugins=[PostgresPlugin("postgresql://wa@db.example/wa")])
"""

from datetime import timedelta
from typing import Final, final

from wa_connector.ports.hooks import hookimpl
from wa_connector.ports.storage import AsyncStorage, Storage
from wa_connector_postgres.storage import AsyncPostgresStorage, PostgresStorage


@final
class PostgresPlugin:
    """Offers one schema as the storage of every connector that this plugin is given to: plain to the synchronous face,
    asynchronous to the other. The parameters are those of ``PostgresStorage``. Nothing is opened yet."""

    def __init__(
        self,
        conninfo: str,
        *,
        schema: str = "wa_connector",
        connections: int = 8,
        patience: timedelta = timedelta(seconds=5),
        create: bool = True,
    ) -> None:
        self.storage: Final = PostgresStorage(
            conninfo, schema=schema, connections=connections, patience=patience, create=create
        )
        self.async_storage: Final = AsyncPostgresStorage(
            conninfo, schema=schema, connections=connections, patience=patience, create=create
        )

    @hookimpl
    def wa_storage(self) -> Storage:
        """The same storage each time."""
        return self.storage

    @hookimpl
    def wa_async_storage(self) -> AsyncStorage:
        """The same storage each time."""
        return self.async_storage
