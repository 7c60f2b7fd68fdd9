"""The versioned schema: what a connection needs before it is used, and how a database comes to have our tables.

The table ``migration`` says which steps were applied, when, and for which declarations. A step runs in one transaction
with its record, under an advisory lock: a process that dies half-way leaves the schema as it was, and of two that start
at once one makes the tables and the other finds them made. Tables that are there change when somebody says so
(``wa-connector db upgrade``), and not because a process of a new release was started first.

The log is ordered by the server's transaction numbers, and those begin anew on a server that a dump is restored to. So
what is added to them is stored (``log.base``) with the server that it was chosen for, and the first connection to
another server moves it past all that the log holds; else events would come before what their readers have read.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple

from wa_connector.errors import ConfigError
from wa_connector.ports.storage import SchemaState
from wa_connector_postgres.errors import SchemaMismatch, SchemaTooNew, SchemaTooOld
from wa_connector_postgres.functions import commit_function
from wa_connector_postgres.questions import Ask
from wa_connector_postgres.statements import quoted, tables

OLDEST: Final = 140000
"""PostgreSQL 14: the oldest that its makers still mended when this was written."""

_CLUSTER: Final = "(SELECT system_identifier FROM pg_control_system())"
_MIGRATION_TABLE: Final = (
    "CREATE TABLE migration (version bigint PRIMARY KEY, name text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), declared text NOT NULL)"
)
_RECORD: Final = "INSERT INTO migration (version, name, declared) VALUES (%s, %s, %s)"
_STATE: Final = (
    f"SELECT version, declared, (SELECT cluster FROM log) = {_CLUSTER} FROM migration ORDER BY version DESC LIMIT 1"
)
_REBASE: Final = (
    f"UPDATE log SET cluster = {_CLUSTER}, base = greatest(base,"
    " (SELECT coalesce(max(transaction), 0) FROM event) - pg_current_xact_id()::text::bigint)"
    f" WHERE cluster <> {_CLUSTER}"
)
# Every statement of ours is answered from an index, by the same plan on an empty table and on a vast one. The planner
# would choose otherwise for a table that it believes to be small, and plans are kept for as long as a connection.
_SETTINGS: Final = (
    "SET plan_cache_mode = force_generic_plan",
    *(
        f"SET enable_{way} = off"
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "sort", "incremental_sort", "material")
    ),
    "SET max_parallel_workers_per_gather = 0",
    "SET jit = off",
    "SET default_transaction_isolation = 'read committed'",
    "SET TimeZone = 'UTC'",
)


class Step(NamedTuple):
    """One move of the schema, within a transaction."""

    name: str
    statements: Callable[[], Sequence[str]]


def _first_tables() -> Sequence[str]:
    return (
        _MIGRATION_TABLE,
        *tables(),
        commit_function(),
        "INSERT INTO log SELECT 0, system_identifier FROM pg_control_system()",
    )


STEPS: Final = (Step("the tables of every kind", _first_tables),)


async def make_ready(ask: Ask, schema: str, *, patience: float, create: bool) -> None:
    """Set up a new connection, and see to it that the schema has this version's tables.

    A schema without tables gets them, if ``create`` allows. Raises ``SchemaTooOld`` for one that waits for an upgrade,
    ``SchemaTooNew`` for one of a later version, and ``SchemaMismatch`` for one that is not ours or whose tables were
    declared otherwise.
    """
    await _set_up(ask, schema, patience)
    found, declarations, is_home = await _state(ask)
    if found == 0 and create:
        await _migrate(ask, schema)
        found, declarations, is_home = await _state(ask)
    if found < len(STEPS):
        what = (
            f"its tables are of version {found}, and this release works with {len(STEPS)}" if found else "it is empty"
        )
        problem = (
            f"{what}: stop what uses it, take a backup, and run `wa-connector db upgrade MODULE:ATTRIBUTE`, or call"
            " `upgrade()` of the connector"
        )
        raise SchemaTooOld(_named(schema), [problem])
    if found > len(STEPS):
        problem = (
            f"its version is {found}, and this wa-connector-postgres knows up to {len(STEPS)}: upgrade wa-connector and its"
            " plugins to the release that wrote it, or restore a backup from before"
        )
        raise SchemaTooNew(_named(schema), [problem])
    _check_declarations(declarations, schema)
    if not is_home:
        await ask("BEGIN")
        await ask("LOCK TABLE event IN SHARE MODE")
        await ask(_REBASE)
        await ask("COMMIT")


async def state(ask: Ask, schema: str, patience: float) -> SchemaState:
    """Which version the schema has. Raises ``SchemaMismatch`` for one of this version that was declared otherwise."""
    await _set_up(ask, schema, patience)
    found, declarations, _ = await _state(ask)
    if found == len(STEPS):
        _check_declarations(declarations, schema)
    return SchemaState(_named(schema), found, len(STEPS), tuple(step.name for step in STEPS[found:]))


async def upgrade(ask: Ask, schema: str, patience: float) -> SchemaState:
    """Apply the steps that are missing, all of them or none."""
    if (await state(ask, schema, patience)).found < len(STEPS):
        await _migrate(ask, schema)
    return await state(ask, schema, patience)


@cache
def declared() -> str:
    """A digest of tables and functions as they are declared now."""
    return hashlib.sha256("\n".join((*tables(), commit_function())).encode()).hexdigest()[:16]


def _settings(schema: str, patience: float) -> Sequence[str]:
    return (
        "; ".join(
            (
                *_SETTINGS,
                f"SET search_path = {quoted(schema)}",
                f"SET lock_timeout = {max(1, round(patience * 1000))}",
            )
        ),
        # What is acknowledged is durable, whatever a server's default; a stricter setting stays.
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )


async def _set_up(ask: Ask, schema: str, patience: float) -> None:
    for statement in _settings(schema, patience):
        await ask(statement)
    await _check_server(ask)


def _check_declarations(found: str, schema: str) -> None:
    if found != declared():
        problem = (
            "its tables were declared otherwise: core and plugin are of different releases, or it is of a development"
            " version; install the matching release, or begin a new schema"
        )
        raise SchemaMismatch(_named(schema), [problem])


async def _check_server(ask: Ask) -> None:
    ((version, encoding),) = await ask(
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
    )
    if version < OLDEST:
        raise ConfigError("the PostgreSQL server", [f"its version is {version // 10000}: it must be 14 or newer"])
    if encoding != "UTF8":
        raise ConfigError("the PostgreSQL database", [f"its encoding is {encoding}: create one with ENCODING 'UTF8'"])


async def _state(ask: Ask) -> tuple[int, str, bool]:
    """Version, digest of the declarations, and whether the log's numbers are this server's."""
    if not await ask("SELECT 1 WHERE to_regclass('migration') IS NOT NULL"):
        return 0, "", True
    answer = await ask(_STATE)
    return (int(answer[0][0]), str(answer[0][1]), bool(answer[0][2])) if answer else (0, "", True)


async def _migrate(ask: Ask, schema: str) -> None:
    # Taken before the transaction begins: what another process made while this one waited is looked for in the caches
    # of a session, and those are brought up to date where a transaction begins.
    lock = [f"wa_connector migration of {schema}"]
    await ask("SELECT pg_advisory_lock(hashtextextended(%s, 0))", lock)
    await ask("BEGIN")
    # Again: another process may have been first.
    found, _, _ = await _state(ask)
    if not found:
        await _begin_schema(ask, schema)
    for version, step in enumerate(STEPS[found:], start=found + 1):
        for statement in step.statements():
            await ask(statement)
        await ask(_RECORD, [version, step.name, declared()])
    await ask("COMMIT")
    await ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", lock)


async def _begin_schema(ask: Ask, schema: str) -> None:
    if not await ask("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]):
        await ask(f"CREATE SCHEMA {quoted(schema)}")
    elif await ask("SELECT 1 FROM pg_class WHERE relnamespace = %s::regnamespace LIMIT 1", [quoted(schema)]):
        raise SchemaMismatch(_named(schema), ["it holds tables of another program: name a schema of its own"])


def _named(schema: str) -> str:
    return f"schema {schema!r}"
