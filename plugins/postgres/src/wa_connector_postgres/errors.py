"""What can be wrong with a server, in the core's tree of errors.

::

    ConfigError              the conninfo cannot be read, a right is missing, the server is too old or not in UTF-8
    ├── SchemaTooNew         a newer version of this plugin wrote the schema
    ├── SchemaTooOld         an older one did, and it waits for `wa-connector db upgrade`
    └── SchemaMismatch       the schema is not ours, or of a development version, or was taken apart
    StorageUnavailable       down, lost, full, locked, out of connections: later the same call may succeed
    UsageError               a text or number that PostgreSQL cannot keep

No message carries the conninfo, which may hold a password.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from wa_connector.errors import ConfigError, InternalError, StorageUnavailable, UsageError


class SchemaTooNew(ConfigError):
    """The schema was written by a newer version of this plugin, and is left as it is."""


class SchemaTooOld(ConfigError):
    """The schema was written by an older version of this plugin, and is left as it is until somebody upgrades it."""


class SchemaMismatch(ConfigError):
    """The schema holds something else than the tables that this version works with, and is left as it is."""


_WAYS_OUT: Final[Mapping[str, str]] = {
    "25006": "this server does not accept writes, so it is a replica; name the primary, or add"
    " target_session_attrs=read-write to the conninfo",
    "40P01": "the server broke a deadlock, in which something else than this plugin took part; find out what writes to"
    " its tables",
    "53100": "the server's disk is full; make room",
    "53200": "the server is out of memory or of locks; raise max_locks_per_transaction, or use fewer connections",
    "53300": "the server has no connection left; use fewer (`connections`), or raise max_connections",
    "55P03": "another session holds a lock for longer than `patience`; find out which one keeps a transaction open",
    "57014": "the statement was cancelled, by statement_timeout or by an operator",
}
_CLASSES: Final[Mapping[str, str]] = {
    "08": "the connection was lost",
    "40": "the server asks to try again",
    "53": "the server lacks a resource",
    "55": "the server is not in a state to do that now",
    "57": "the server is shutting down, starting up, or ended the connection",
    "58": "the server reports an error of its system; look at its disk and its log",
}
_UNKEEPABLE: Final = frozenset({"22003", "22021", "22P02", "22P05", "54000"})
_TAKEN_APART: Final = frozenset({"3F000", "42P01", "42703", "42883"})
_OF_AUTHORITY: Final = frozenset({"42501", "28000", "28P01", "3D000"})


@contextmanager
def translated(schema: str) -> Iterator[None]:
    """Turn the driver's errors into ours, each with its cause and the way out."""
    from psycopg import Error

    try:
        yield
    except Error as error:
        raise _ours(error, schema) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise unkeepable() from error


def _ours(error: Exception, schema: str) -> Exception:
    from psycopg import DataError, InterfaceError, OperationalError

    code = getattr(error, "sqlstate", None) or ""
    text = str(error).strip()
    if code in _UNKEEPABLE or (isinstance(error, DataError) and not code):
        return unkeepable()
    if code in _TAKEN_APART:
        return SchemaMismatch(f"schema {schema!r}", [f"a part of it is gone since it was checked ({text})"])
    if code in _OF_AUTHORITY:
        return ConfigError(f"schema {schema!r}", [f"{text}: give the role the rights that the README lists"])
    way_out = _WAYS_OUT.get(code) or _CLASSES.get(code[:2])
    if way_out is None and not code and isinstance(error, (OperationalError, InterfaceError)):
        way_out = "the server cannot be reached, or the connection was lost; is it up?"
    if way_out is not None:
        return StorageUnavailable(f"PostgreSQL cannot be used now ({text}): {way_out}. Nothing was half-done.")
    return InternalError(f"PostgreSQL refused a statement of wa_connector_postgres ({text}); please report it")


def unkeepable() -> UsageError:
    """What to tell who commits a text or number that PostgreSQL does not keep."""
    return UsageError(
        "a text holds a NUL or is no Unicode (a lone surrogate), a key and its columns are longer than 2,500 bytes, or a number exceeds"
        " 64 bits; PostgreSQL does not keep that, so it has to be refused or replaced where it comes in"
    )
