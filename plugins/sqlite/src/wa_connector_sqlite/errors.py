"""What can be wrong with a database file, in the core's tree of errors.

::

    ConfigError
    ├── SchemaTooNew         a newer version of this plugin wrote the file
    ├── SchemaTooOld         an older one did, and it waits for `wa-connector db upgrade`
    └── SchemaMismatch       the file is not ours, or of a development version
    StorageUnavailable       locked, full, unreadable: later the same call may succeed
    └── DatabaseCorrupt      what is in the file is not a sound database; no retry mends that, an operator must
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wa_connector.errors import ConfigError, InternalError, StorageUnavailable, UsageError


class SchemaTooNew(ConfigError):
    """The file was written by a newer version of this plugin, and is left as it is."""


class SchemaTooOld(ConfigError):
    """The file was written by an older version of this plugin, and is left as it is until somebody upgrades it."""


class SchemaMismatch(ConfigError):
    """The file holds something else than the tables that this version works with, and is left as it is."""


class DatabaseCorrupt(StorageUnavailable):
    """The file is damaged. A ``StorageUnavailable``, so that webhooks are refused (and redelivered later) meanwhile."""


_WAYS_OUT: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_BUSY: "another process holds the write lock for longer than busy_timeout; find out which one keeps a"
    " transaction open, or raise busy_timeout",
    sqlite3.SQLITE_LOCKED: "another connection holds a lock; try again",
    sqlite3.SQLITE_FULL: "the disk or the allowed size of the database is full; make room",
    sqlite3.SQLITE_IOERR: "the operating system reports an error of input or output; look at the disk, and whether files"
    " may grow no further (ulimit -f)",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; do its folder and the permission to write there exist?",
    sqlite3.SQLITE_READONLY: "the file or its folder is not writable; SQLite needs to write both",
    sqlite3.SQLITE_PERM: "access is not permitted; correct the permissions of the file and its folder",
    sqlite3.SQLITE_NOMEM: "memory ran out; try again with more",
    sqlite3.SQLITE_PROTOCOL: "the locks cannot be taken in their order; is the file on a network file system? Use a"
    " local one",
}
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the driver's errors into ours, each with its cause and the way out."""
    try:
        yield
    except sqlite3.Error as error:
        raise _ours(error, path) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise UsageError(
            "a text is no Unicode (a lone surrogate) or a number exceeds 64 bits; no storage keeps that, so it has to"
            " be refused or replaced where it comes in"
        ) from error


def _ours(error: sqlite3.Error, path: Path) -> Exception:
    # The low byte of an extended code is the plain one. Errors of the driver itself have no code.
    plain = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if plain in _DAMAGED:
        return DatabaseCorrupt(
            f"{path} is not a sound SQLite database ({error}). Stop all that uses it, keep a copy with its -wal file,"
            " and restore a backup or try the `.recover` command of SQLite's shell."
        )
    if plain in _WAYS_OUT:
        return StorageUnavailable(f"{path} cannot be used now ({error}): {_WAYS_OUT[plain]}. Nothing was half-done.")
    return InternalError(f"SQLite refused a statement of wa_connector_sqlite ({error}); please report it")
