"""Single connections: how the driver is used. Imported when the first one is opened, with the driver.

A connection that is dropped without being closed says nothing: a child drops what it inherited, a storage that is
dropped takes its connections along, and so does an event loop. The driver then closes the socket, except in another
process than the one that opened it, where it leaves the server alone.
"""

import select
from typing import Any, TypeAlias, final

from psycopg import AsyncConnection, Connection, ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper

from wa_connector.errors import ConfigError
from wa_connector_postgres.options import Options
from wa_connector_postgres.questions import Answer, Parameters


@final
class PlainConnection(Connection[tuple[Any, ...]]):
    def __del__(self, _: Any = None, /) -> None: ...


@final
class LoopConnection(AsyncConnection[tuple[Any, ...]]):
    def __del__(self, _: Any = None, /) -> None: ...


AnyConnection: TypeAlias = PlainConnection | LoopConnection


def connect(options: Options) -> PlainConnection:
    """A connection, before the schema was looked at."""
    db = PlainConnection.connect(**_keywords(options))
    _set_up(db)
    return db


async def connect_on_loop(options: Options) -> LoopConnection:
    """The same, for the running loop."""
    db = await LoopConnection.connect(**_keywords(options))
    _set_up(db)
    return db


def run(db: PlainConnection, sql: str, parameters: Parameters) -> Answer:
    """One statement, prepared if it has parameters; several at once if not."""
    cursor = db.execute(sql.encode(), parameters or None, prepare=bool(parameters))
    return cursor.fetchall() if cursor.description else ()


async def run_on_loop(db: LoopConnection, sql: str, parameters: Parameters) -> Answer:
    """The same, for the running loop."""
    cursor = await db.execute(sql.encode(), parameters or None, prepare=bool(parameters))
    return await cursor.fetchall() if cursor.description else ()


def is_stale(db: AnyConnection) -> bool:
    """Whether the server said something to an idle connection: good-bye, that is."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([db], [], [], 0)[0])
    poll = select.poll()
    poll.register(db.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def is_sound(db: AnyConnection) -> bool:
    """Whether a connection is ready for the next statement."""
    return not db.closed and db.info.transaction_status == TransactionStatus.IDLE


def _keywords(options: Options) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(options.conninfo)
    except ProgrammingError:
        # Neither the cause nor what it says: it quotes the text, and that may hold a password.
        raise ConfigError("conninfo", ["it is neither a URL nor a connection string as libpq reads them"]) from None
    defaults = {"connect_timeout": max(2, round(options.patience)), "fallback_application_name": "wa_connector"}
    return {**defaults, **given, "client_encoding": "UTF8", "autocommit": True, "prepare_threshold": 0}


def _set_up(db: AnyConnection) -> None:
    # Numbers always travel as 64 bits: a statement is prepared once for each set of types.
    db.adapters.register_dumper(int, Int8Dumper)
    db.prepared_max = 256
