"""What goes wrong with servers: each trouble has a type of its own kind, a cause and a way out, and passes."""

import asyncio
import pickle
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from wa_connector_postgres import AsyncPostgresStorage, PostgresStorage, SchemaMismatch, SchemaTooNew, SchemaTooOld
from wa_connector_postgres.schema import STEPS

from wa_connector.errors import ConfigError, RowCorrupt, StorageUnavailable, UsageError
from wa_connector.model.customer import Customer
from wa_connector.model.event import CustomerSeen
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CONVERSATION, CUSTOMER, Key
from wa_connector.ports.storage import ABSENT, COMMITTED, Change, Merge, Put, Scan, SchemaState, Wake
from wa_connector.testing.contract import LANE, NOW, TENANT
from wa_connector.testing.samples import sample

ANN = CUSTOMER.of(TENANT, "ann")
BRIEFLY = timedelta(milliseconds=200)


def insertion(name: str = "ann") -> Change:
    return Change(TENANT, NOW, puts=(Put(CUSTOMER.of(TENANT, name), Customer(CustomerId(name), NOW)),))


@pytest.fixture
def hasty(conninfo: str) -> Iterator[PostgresStorage]:
    storage = PostgresStorage(conninfo, patience=BRIEFLY, connections=2)
    yield storage
    storage.close()


def opened(conninfo: str, schema: str, **options: Any) -> PostgresStorage:
    storage = PostgresStorage(conninfo, schema=schema, **options)
    try:
        storage.load([ANN])
    finally:
        storage.close()
    return storage


# ------------------------------------------------------------------------------------------------- passing


def test_a_locked_table_is_unavailable_and_recovers(hasty: PostgresStorage, admin: "psycopg.Connection[Any]") -> None:
    """Bounded by ``patience``; nothing of the commit is there; the same commit lands later."""
    hasty.load([ANN])
    with admin.transaction():
        admin.execute("LOCK TABLE customer IN SHARE MODE")
        with pytest.raises(StorageUnavailable, match="patience"):
            hasty.commit([Change(TENANT, NOW, dedupe={"mark": "1"}), insertion()])
        assert hasty.load([ANN]).rows[ANN] == ABSENT
    assert hasty.commit([Change(TENANT, NOW, dedupe={"mark": "1"}), insertion()]) == (COMMITTED, COMMITTED)


@contextmanager
def failing(admin: "psycopg.Connection[Any]", code: str) -> Iterator[None]:
    """Writing customers fails as it does for that code."""
    admin.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'it fails' USING ERRCODE = '{code}'; END $$"
    )
    admin.execute("CREATE TRIGGER fail BEFORE INSERT ON customer FOR EACH ROW EXECUTE FUNCTION fail()")
    try:
        yield
    finally:
        admin.execute("DROP FUNCTION fail CASCADE")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("53100", "disk is full"),
        ("53200", "max_locks"),
        ("58030", "its disk"),
        ("57014", "cancelled"),
        ("25006", "replica"),
    ],
)
def test_a_server_in_trouble_is_unavailable_and_recovers(
    storage: PostgresStorage, admin: "psycopg.Connection[Any]", code: str, said: str
) -> None:
    """Half of a commit of several changes is not there; what went before is."""
    mark = Change(TENANT, NOW, merges=(Merge(CONVERSATION.of(TENANT, "t"), {"entries": 1}),))
    assert storage.commit([mark]) == (COMMITTED,)
    with failing(admin, code), pytest.raises(StorageUnavailable, match=said):
        storage.commit([mark, insertion()])
    assert storage.commit([mark, insertion()]) == (COMMITTED, COMMITTED)
    thread = CONVERSATION.of(TENANT, "t")
    assert storage.load([thread]).rows[thread].merged["entries"] == 2


def test_connections_that_the_server_ends_are_replaced(
    storage: PostgresStorage, admin: "psycopg.Connection[Any]"
) -> None:
    """Idle ones without anybody noticing; one in use fails its call, and no other."""
    storage.load([ANN])
    (db,) = storage._pool._here().idle
    admin.execute("SELECT pg_terminate_backend(%s, 5000)", [db.info.backend_pid])
    assert storage.commit([insertion()]) == (COMMITTED,)
    (db,) = storage._pool._here().idle
    failures: list[BaseException] = []

    def write() -> None:
        try:
            storage.commit([insertion("bob")])
        except StorageUnavailable as error:
            failures.append(error)

    with admin.transaction():
        admin.execute("LOCK TABLE customer IN SHARE MODE")
        thread = threading.Thread(target=write)
        thread.start()
        _await_lock(admin, db.info.backend_pid)
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [db.info.backend_pid])
        thread.join(10)
    assert len(failures) == 1
    assert storage.commit([insertion("bob")]) == (COMMITTED,)


def _await_lock(admin: "psycopg.Connection[Any]", pid: int) -> None:
    for _ in range(200):
        if admin.execute("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [pid]).fetchall():
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the lock")


def test_a_server_that_is_not_there() -> None:
    storage = PostgresStorage("host=/nowhere user=wa password=hunter2")
    with pytest.raises(StorageUnavailable, match="is it up") as caught:
        storage.load([ANN])
    assert "hunter2" not in str(caught.value)
    storage.close()


def test_all_connections_in_use(hasty: PostgresStorage, admin: "psycopg.Connection[Any]") -> None:
    """Who waits for one waits no longer than ``patience``, and no thread is lost."""
    hasty.load([ANN])
    here = hasty._pool._here()
    taken = [hasty._pool._take(here) for _ in range(2)]
    with pytest.raises(StorageUnavailable, match="connections"):
        hasty.load([ANN])
    for db in taken:
        hasty._pool._give(here, db)
    assert hasty.load([ANN]).rows[ANN] == ABSENT


def test_closing_waits_no_longer_than_patience(hasty: PostgresStorage) -> None:
    """What is in use then is closed when it comes back."""
    hasty.load([ANN])
    here = hasty._pool._here()
    db = hasty._pool._take(here)
    began = time.monotonic()
    hasty.close()
    assert BRIEFLY.total_seconds() <= time.monotonic() - began < 2
    assert not db.closed
    hasty._pool._give(here, db)
    assert db.closed


def test_a_corrupt_row_is_named_and_hurts_nobody_else(
    storage: PostgresStorage, admin: "psycopg.Connection[Any]"
) -> None:
    """Its kind and key, and nothing of what is in it; when it is mended it is as it was."""
    storage.commit([insertion()])
    other = CUSTOMER.of(TENANT, "bob")
    (kept,) = admin.execute("SELECT payload FROM customer").fetchone() or ("",)
    admin.execute("UPDATE customer SET payload = '{half a secr'")
    for read in (lambda: storage.load([ANN]), lambda: storage.scan(Scan("customer", "key", (TENANT,), 10))):
        with pytest.raises(RowCorrupt, match=r"ann.*backup") as caught:
            read()
        assert "secr" not in repr(caught.value)
    assert storage.load([other]).rows[other] == ABSENT
    admin.execute("UPDATE customer SET payload = %s", [kept])
    assert storage.load([ANN]).rows[ANN].version == 1


# ----------------------------------------------------------------------------------------------- mistakes


def test_a_conninfo_that_cannot_be_read() -> None:
    """Not repeated, nor as a cause: it may hold a password."""
    with pytest.raises(ConfigError, match="conninfo") as caught:
        PostgresStorage("postgresql://wa:hunter2@[nowhere/wa").load([ANN])
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "change",
    [
        Change(TENANT, NOW, dedupe={"\0": "ref"}),
        Change(TENANT, NOW, dedupe={"\ud83d": "ref"}),
        Change(TENANT, NOW, dedupe={"x" * 3000: "ref"}),
        Change(TENANT, NOW, merges=(Merge(CONVERSATION.of(TENANT, "t"), {"entries": 2**63}),)),
        Change(TENANT, NOW, reads={Key("anchor", (TENANT, 2**63)): 0}),
    ],
    ids=["NUL", "surrogate", "long", "sum", "integer"],
)
def test_what_cannot_be_kept_is_refused_whole(storage: PostgresStorage, change: Change) -> None:
    """Before anything is sent; the next commit is none the worse."""
    with pytest.raises(UsageError, match="64 bits"):
        storage.commit([insertion(), change])
    assert storage.commit([insertion()]) == (COMMITTED,)


def test_a_sum_beyond_64_bits_is_refused_whole(storage: PostgresStorage) -> None:
    merge = Change(TENANT, NOW, merges=(Merge(CONVERSATION.of(TENANT, "t"), {"entries": 2**62}),))
    assert storage.commit([merge]) == (COMMITTED,)
    with pytest.raises(UsageError, match="64 bits"):
        storage.commit([insertion(), merge])
    assert storage.commit([insertion()]) == (COMMITTED,)


def test_unkeepable_texts_in_questions(storage: PostgresStorage) -> None:
    for text in ("\0", "\ud83d"):
        with pytest.raises(UsageError, match="surrogate"):
            storage.load([CUSTOMER.of(TENANT, text)])


# -------------------------------------------------------------------------------------------------- schema


def test_a_schema_from_the_future_is_left_alone(conninfo: str, fresh: str, admin: "psycopg.Connection[Any]") -> None:
    opened(conninfo, fresh)
    admin.execute("INSERT INTO fresh.migration (version, name, declared) VALUES (%s, 'x', 'x')", [len(STEPS) + 1])
    with pytest.raises(SchemaTooNew, match="to the release that wrote it") as caught:
        opened(conninfo, fresh)
    assert isinstance(caught.value, ConfigError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert admin.execute("SELECT count(*) FROM fresh.migration").fetchone() == (len(STEPS) + 1,)


def test_a_schema_of_another_program_is_left_alone(conninfo: str, fresh: str, admin: "psycopg.Connection[Any]") -> None:
    admin.execute("CREATE SCHEMA fresh; CREATE TABLE fresh.theirs (x int)")
    with pytest.raises(SchemaMismatch, match="another program"):
        opened(conninfo, fresh)
    found = admin.execute("SELECT relname FROM pg_class WHERE relnamespace = 'fresh'::regnamespace").fetchall()
    assert found == [("theirs",)]


def test_an_empty_schema_may_be_there(conninfo: str, fresh: str, admin: "psycopg.Connection[Any]") -> None:
    """Made by whoever may, for a role that may only work in it."""
    admin.execute(
        "DROP ROLE IF EXISTS worker; CREATE ROLE worker LOGIN; CREATE SCHEMA fresh; GRANT ALL ON SCHEMA fresh TO worker"
    )
    opened(f"{conninfo}&user=worker", fresh)
    with pytest.raises(ConfigError, match="rights"):
        opened(f"{conninfo}&user=worker", "not_theirs")
    admin.execute("DROP SCHEMA fresh CASCADE; DROP OWNED BY worker; DROP ROLE worker")


def test_a_role_with_the_rights_of_the_readme(conninfo: str, fresh: str, admin: "psycopg.Connection[Any]") -> None:
    """It may do all that a storage does but make and change its tables."""
    opened(conninfo, fresh)
    readme = Path(__file__).parent.parent / "README.md"
    grants = re.findall(r"^GRANT .*;$", readme.read_text(), re.MULTILINE)
    assert len(grants) == 3
    admin.execute("DROP ROLE IF EXISTS worker; CREATE ROLE worker LOGIN")
    for grant in grants:
        admin.execute(grant.replace("wa_connector", fresh).encode())
    storage = PostgresStorage(f"{conninfo}&user=worker", schema=fresh, create=False)
    entry = sample("outbox", TENANT, 0)
    change = Change(TENANT, NOW, {ANN: 0}, (Put(entry.key, entry.value),), wakes=(Wake(LANE, NOW),))
    assert storage.commit([change, insertion()]) == (COMMITTED, COMMITTED)
    assert storage.load([ANN]).rows[ANN].version == 1
    assert len(storage.claim([LANE.work], 1, NOW, BRIEFLY)) == 1
    assert storage.commit([Change(TENANT, NOW, reads={ANN: 1}, deletes=(ANN,))]) == (COMMITTED,)
    assert storage.events_after(TENANT, "", 1).events == ()
    storage.close()
    admin.execute("DROP OWNED BY worker; DROP ROLE worker")


def test_tables_of_other_declarations_are_refused(conninfo: str, fresh: str, admin: "psycopg.Connection[Any]") -> None:
    """Under the same version: core and plugin of different releases."""
    opened(conninfo, fresh)
    admin.execute("UPDATE fresh.migration SET declared = 'otherwise'")
    with pytest.raises(SchemaMismatch, match="matching release"):
        opened(conninfo, fresh)


def test_making_tables_can_be_forbidden(conninfo: str, fresh: str, admin: "psycopg.Connection[Any]") -> None:
    """For hosts that make them in a step of their own; a schema that is up to date may be used."""
    with pytest.raises(SchemaTooOld, match="db upgrade"):
        opened(conninfo, fresh, create=False)
    assert admin.execute("SELECT to_regnamespace('fresh')").fetchone() == (None,)
    assert PostgresStorage(conninfo, schema=fresh).schema().found == 0
    assert PostgresStorage(conninfo, schema=fresh).upgrade().is_current
    opened(conninfo, fresh, create=False)


@pytest.mark.parametrize("is_plain", [True, False], ids=["plain", "asynchronous"])
def test_a_schema_of_an_older_release_waits_for_its_upgrade(
    conninfo: str, fresh: str, monkeypatch: pytest.MonkeyPatch, is_plain: bool
) -> None:
    """The error names the way out; the upgrade keeps every row, and a second one does nothing."""
    from wa_connector_postgres import schema

    storage = PostgresStorage(conninfo, schema=fresh)
    storage.commit([insertion()])
    storage.close()
    later = schema.Step("a later table", lambda: ("CREATE TABLE later (x int)",))
    monkeypatch.setattr(schema, "STEPS", (*STEPS, later))
    newer = PostgresStorage(conninfo, schema=fresh)
    before = SchemaState("schema 'fresh'", len(STEPS), len(STEPS) + 1, ("a later table",))
    assert newer.schema() == before
    with pytest.raises(SchemaTooOld, match="wa-connector db upgrade") as caught:
        newer.load([ANN])
    assert isinstance(caught.value, ConfigError)
    if is_plain:
        assert newer.upgrade().is_current
    else:

        async def upgrade() -> None:
            awaitable = AsyncPostgresStorage(conninfo, schema=fresh)
            assert await awaitable.schema() == before
            assert (await awaitable.upgrade()).is_current
            await awaitable.aclose()

        asyncio.run(upgrade())
    assert newer.upgrade().pending == ()
    assert newer.load([ANN]).rows[ANN].version == 1
    newer.close()
    monkeypatch.undo()
    with pytest.raises(SchemaTooNew):
        opened(conninfo, fresh)


def test_a_migration_that_fails_leaves_nothing(
    conninfo: str, fresh: str, admin: "psycopg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    from wa_connector_postgres import schema

    broken = (*STEPS, schema.Step("a broken one", lambda: ("SELECT 1 / 0",)))
    monkeypatch.setattr(schema, "STEPS", broken)
    with pytest.raises(Exception, match="division by zero"):
        opened(conninfo, fresh)
    assert admin.execute("SELECT to_regnamespace('fresh')").fetchone() == (None,)


def test_what_was_applied_is_on_record(storage: PostgresStorage, admin: "psycopg.Connection[Any]") -> None:
    storage.load([ANN])
    found = admin.execute("SELECT name FROM migration ORDER BY version").fetchall()
    assert found == [(step.name,) for step in STEPS]


def test_a_schema_that_is_taken_apart_is_told(conninfo: str, fresh: str, admin: "psycopg.Connection[Any]") -> None:
    """Under a running storage, by name."""
    storage = PostgresStorage(conninfo, schema=fresh)
    storage.load([ANN])
    admin.execute("DROP TABLE fresh.customer")
    with pytest.raises(SchemaMismatch, match="gone"):
        storage.load([ANN])
    storage.close()


def test_the_log_goes_on_after_a_move_to_another_server(
    conninfo: str, fresh: str, admin: "psycopg.Connection[Any]"
) -> None:
    """A dump restored to a new server, whose transactions are numbered from the beginning."""
    storage = PostgresStorage(conninfo, schema=fresh)
    events = [Change(TENANT, NOW, events=(CustomerSeen(CustomerId(name)),)) for name in "abc"]
    storage.commit(events[:1])
    storage.close()
    admin.execute("UPDATE fresh.event SET transaction = transaction + 1000000000; UPDATE fresh.log SET cluster = 1")
    storage = PostgresStorage(conninfo, schema=fresh)
    page = storage.events_after(TENANT, "", 10)
    assert len(page.events) == 1
    for change in events[1:]:
        storage.commit([change])
        page = storage.events_after(TENANT, page.cursor, 10)
        assert [event.happening for event in page.events] == list(change.events)
    storage.close()


def test_a_commit_is_durable(conninfo: str, storage: PostgresStorage) -> None:
    """Flushed before it is acknowledged, whatever the server's default; a stricter setting stays."""
    for given, kept in (("off", "on"), ("remote_apply", "remote_apply")):
        storage = PostgresStorage(f"{conninfo}&options=-csynchronous_commit%3D{given}")
        assert storage._pool.ask("SHOW synchronous_commit", ()) == [(kept,)]
        storage.close()


# --------------------------------------------------------------------------------------------- event loops


def test_a_storage_outlives_its_loops(conninfo: str) -> None:
    """One after another, closed in none but the last."""
    storage = AsyncPostgresStorage(conninfo)

    async def use() -> int:
        await storage.commit([insertion()])
        return (await storage.load([ANN])).rows[ANN].version

    assert [asyncio.run(use()) for _ in range(3)] == [1, 1, 1]
    asyncio.run(storage.aclose())

    async def late() -> None:
        with pytest.raises(UsageError, match="closed"):
            await storage.load([ANN])
        await storage.aclose()

    asyncio.run(late())


def test_who_gives_up_waiting_loses_no_connection(conninfo: str, admin: "psycopg.Connection[Any]") -> None:
    """Calls that are cancelled, or time out, on a lock; then the same storage goes on."""

    async def main() -> None:
        storage = AsyncPostgresStorage(conninfo, connections=2)
        await storage.load([ANN])
        with admin.transaction():
            admin.execute("LOCK TABLE customer IN ACCESS EXCLUSIVE MODE")
            for _ in range(4):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await storage.load([ANN])
        assert (await storage.load([ANN])).rows[ANN] == ABSENT
        assert list(await storage.commit([insertion()])) == [COMMITTED]
        await storage.aclose()

    asyncio.run(main())


def test_a_loop_waits_no_longer_than_patience(conninfo: str, admin: "psycopg.Connection[Any]") -> None:
    """Neither for a connection nor when it closes."""

    async def main() -> None:
        storage = AsyncPostgresStorage(conninfo, connections=1, patience=BRIEFLY)
        await storage.load([ANN])
        home = storage._pool._home()
        await home.free.acquire()
        with pytest.raises(StorageUnavailable, match="connections"):
            await storage.load([ANN])
        began = time.monotonic()
        await storage.aclose()
        assert time.monotonic() - began < 2
        home.free.release()

    asyncio.run(main())


def test_an_async_storage_reports_trouble_alike(conninfo: str, admin: "psycopg.Connection[Any]") -> None:
    async def main() -> None:
        storage = AsyncPostgresStorage(conninfo)
        with failing(admin, "53100"), pytest.raises(StorageUnavailable, match="disk is full"):
            await storage.commit([insertion()])
        assert list(await storage.commit([insertion()])) == [COMMITTED]
        await storage.aclose()

    asyncio.run(main())
