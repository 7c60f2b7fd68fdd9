"""The embedded default: everything in one SQLite file, with the standard library's driver."""

from wa_connector_sqlite.errors import DatabaseCorrupt, SchemaMismatch, SchemaTooNew, SchemaTooOld
from wa_connector_sqlite.plugin import SqlitePlugin
from wa_connector_sqlite.storage import SqliteStorage

__all__ = ["DatabaseCorrupt", "SchemaMismatch", "SchemaTooNew", "SchemaTooOld", "SqlitePlugin", "SqliteStorage"]
