"""PostgreSQL as the storage, for the synchronous and for the asynchronous face."""

from wa_connector_postgres.errors import SchemaMismatch, SchemaTooNew, SchemaTooOld
from wa_connector_postgres.plugin import PostgresPlugin
from wa_connector_postgres.storage import AsyncPostgresStorage, PostgresStorage

__all__ = [
    "AsyncPostgresStorage",
    "PostgresPlugin",
    "PostgresStorage",
    "SchemaMismatch",
    "SchemaTooNew",
    "SchemaTooOld",
]
