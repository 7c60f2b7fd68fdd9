"""What goes wrong with files: each trouble has a type of its own kind, a cause and a way out, and passes."""

import pickle
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve
from wa_connector_sqlite import DatabaseCorrupt, SchemaMismatch, SchemaTooNew, SchemaTooOld, SqliteStorage, schema
from wa_connector_sqlite.schema import STEPS
from wa_connector_sqlite.statements import tables

from wa_connector.errors import ConfigError, RowCorrupt, StorageUnavailable, UsageError
from wa_connector.model.content import Text
from wa_connector.model.customer import Customer
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CUSTOMER
from wa_connector.ports.storage import ABSENT, COMMITTED, Change, Put, Scan, SchemaState
from wa_connector.testing.contract import NOW, TENANT
from wa_connector.testing.samples import sample

ANN = CUSTOMER.of(TENANT, "ann")
BRIEFLY = timedelta(milliseconds=50)


def insertion(name: str = "ann", text: str = "") -> Change:
    return Change(TENANT, NOW, puts=(Put(CUSTOMER.of(TENANT, name), Customer(CustomerId(name), NOW, name=text)),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wa.db"


@pytest.fixture
def storage(path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(path, busy_timeout=BRIEFLY)
    yield storage
    storage.close()


def test_a_locked_file_is_unavailable_and_recovers(storage: SqliteStorage, path: Path) -> None:
    """Reading goes on meanwhile; nothing of the commit is there; the same commit lands later."""
    storage.load([ANN])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="busy_timeout"):
            storage.commit([insertion()])
        assert storage.load([ANN]).rows[ANN] == ABSENT
        other.execute("ROLLBACK")
    assert list(storage.commit([insertion()])) == [COMMITTED]


def test_writers_of_one_process_wait_no_longer_either(storage: SqliteStorage) -> None:
    """The queue of threads is bounded by the same time."""
    storage.load([ANN])
    with storage._pool.writing():
        failures: list[BaseException] = []

        def write() -> None:
            try:
                storage.commit([insertion()])
            except StorageUnavailable as error:
                failures.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(10)
    assert len(failures) == 1
    assert list(storage.commit([insertion()])) == [COMMITTED]


def test_a_full_disk_is_unavailable_and_recovers(storage: SqliteStorage, path: Path) -> None:
    """Half of a commit of several changes is not there; what went before is."""
    storage.commit([insertion("before")])
    with storage._pool.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StorageUnavailable, match="full"):
        storage.commit([insertion("small"), insertion("big", "x" * 100_000)])
    before, small, big = (CUSTOMER.of(TENANT, name) for name in ("before", "small", "big"))
    rows = storage.load([before, small, big]).rows
    assert [rows[key].version for key in (before, small, big)] == [1, 0, 0]
    # The limit was that connection's, which is not used again.
    assert list(storage.commit([insertion("small"), insertion("big", "x" * 100_000)])) == [COMMITTED] * 2


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "no such folder" / "wa.db")
    with pytest.raises(StorageUnavailable, match="folder"):
        storage.load([ANN])
    (tmp_path / "no such folder").mkdir()
    assert storage.load([ANN]).rows[ANN] == ABSENT
    storage.close()


def test_a_file_that_is_no_database(storage: SqliteStorage, path: Path) -> None:
    path.write_bytes(b"something else altogether " * 500)
    with pytest.raises(DatabaseCorrupt, match="backup"):
        storage.load([ANN])


def test_a_damaged_database(path: Path) -> None:
    """Damage is told from a lock that passes, and both refuse a webhook, so that it is delivered again."""
    storage = SqliteStorage(path)
    storage.commit([insertion(f"c{number:04}", "x" * 500) for number in range(200)])
    storage.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    damaged = SqliteStorage(path)
    with pytest.raises(DatabaseCorrupt) as caught:
        damaged.scan(Scan("customer", "key", (TENANT,), 1000))
    assert isinstance(caught.value, StorageUnavailable)
    damaged.close()


def test_a_corrupt_row_is_named_and_hurts_nobody_else(storage: SqliteStorage, path: Path) -> None:
    """Its kind and key, and nothing of what is in it; when it is mended it is as it was."""
    storage.commit([insertion()])
    other = CUSTOMER.of(TENANT, "bob")
    with closing(sqlite3.connect(path)) as db, db:
        (kept,) = db.execute("SELECT payload FROM customer").fetchone()
        db.execute("UPDATE customer SET payload = '{half a secr'")
    for read in (lambda: storage.load([ANN]), lambda: storage.scan(Scan("customer", "key", (TENANT,), 10))):
        with pytest.raises(RowCorrupt, match=r"ann.*backup") as caught:
            read()
        assert "secr" not in repr(caught.value)
        assert caught.value.__cause__ is None
    assert storage.load([other]).rows[other] == ABSENT
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE customer SET payload = ?", (kept,))
    assert storage.load([ANN]).rows[ANN].version == 1


def test_a_schema_from_the_future_is_left_alone(storage: SqliteStorage, path: Path) -> None:
    storage.load([ANN])
    storage.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match="to the release that wrote it") as caught:
        SqliteStorage(path).load([ANN])
    assert isinstance(caught.value, ConfigError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(SchemaMismatch, match="another program"):
        SqliteStorage(path).load([ANN])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


def test_tables_of_other_declarations_are_refused(storage: SqliteStorage, path: Path) -> None:
    """Under the same version: core and plugin of different releases."""
    storage.load([ANN])
    storage.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE migration SET declared = 'otherwise'")
    with pytest.raises(SchemaMismatch, match="matching release"):
        SqliteStorage(path).load([ANN])


def test_making_tables_can_be_forbidden(path: Path) -> None:
    """For hosts that make them in a step of their own; a file that is up to date may be used."""
    with pytest.raises(SchemaTooOld, match="db upgrade"):
        SqliteStorage(path, create=False).load([ANN])
    assert SqliteStorage(path).schema().found == 0
    assert SqliteStorage(path).upgrade().is_current
    used = SqliteStorage(path, create=False)
    assert used.load([ANN]).rows[ANN] == ABSENT
    used.close()


def test_a_file_of_an_older_release_waits_for_its_upgrade(
    storage: SqliteStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the way out; the upgrade keeps every row, and a second one does nothing."""
    storage.commit([insertion()])
    storage.close()
    applied: list[str] = []

    def add(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE later (x)")
        applied.append("later")

    monkeypatch.setattr(schema, "STEPS", (*STEPS, schema.Step("a later table", add)))
    newer = SqliteStorage(path)
    before = SchemaState(str(path), len(STEPS), len(STEPS) + 1, ("a later table",))
    assert newer.schema() == before
    with pytest.raises(SchemaTooOld, match="wa-connector db upgrade") as caught:
        newer.load([ANN])
    assert isinstance(caught.value, ConfigError)
    assert newer.schema() == before
    assert newer.upgrade().is_current
    assert newer.upgrade().pending == ()
    assert applied == ["later"]
    assert newer.load([ANN]).rows[ANN].version == 1
    newer.close()
    monkeypatch.undo()
    with pytest.raises(SchemaTooNew):
        SqliteStorage(path).load([ANN])


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(
    storage: SqliteStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.commit([insertion()])
    storage.close()

    def fail(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        raise OSError("the power went")

    monkeypatch.setattr(schema, "STEPS", (*STEPS, schema.Step("a broken one", fail)))
    with pytest.raises(OSError, match="power"):
        SqliteStorage(path).upgrade()
    monkeypatch.undo()
    again = SqliteStorage(path)
    assert again.schema().is_current
    assert again.load([ANN]).rows[ANN].version == 1
    again.close()


def test_what_was_applied_is_on_record(storage: SqliteStorage, path: Path) -> None:
    storage.load([ANN])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        assert [name for (name,) in db.execute("SELECT name FROM migration")] == [step.name for step in STEPS]
        # FTS5 makes tables of its own for an index of words.
        ours = "name NOT LIKE 'sqlite_%' AND NOT (type = 'table' AND name LIKE '%_words_%')"
        made = db.execute(f"SELECT count(*) FROM sqlite_schema WHERE {ours}").fetchone()[0]
        assert made == 1 + sum(statement.startswith("CREATE") for statement in tables())


def test_a_commit_is_durable(storage: SqliteStorage, path: Path) -> None:
    """Synced before it is acknowledged: FULL is 2, and only in WAL mode does a reader not wait for a writer."""
    with storage._pool.reading() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_text_that_is_no_unicode_is_refused_whole(storage: SqliteStorage) -> None:
    """A lone surrogate in a key; the next commit is none the worse."""
    with pytest.raises(UsageError, match="surrogate"):
        storage.commit([insertion("ann"), insertion("\ud83d")])
    assert storage.load([ANN]).rows[ANN] == ABSENT
    assert list(storage.commit([insertion("ann")])) == [COMMITTED]


def test_a_storage_needs_a_file() -> None:
    with pytest.raises(UsageError, match="MemoryStorage"):
        SqliteStorage(":memory:")


def test_nothing_is_open_before_use(path: Path) -> None:
    storage = SqliteStorage(path)
    assert not path.exists()
    storage.close()
    assert not path.exists()


def test_closing_leaves_one_file(storage: SqliteStorage, path: Path) -> None:
    """The log is written back, so that a backup may copy the file alone."""
    storage.commit([insertion()])
    storage.close()
    assert list(path.parent.iterdir()) == [path]


def test_threads_leave_few_connections(path: Path) -> None:
    """As many as ran at once, and of those few are kept."""
    storage = SqliteStorage(path)
    for _ in range(30):
        thread = threading.Thread(target=storage.load, args=([ANN],))
        thread.start()
        thread.join()
    (process,) = storage._pool._processes.values()
    assert len(process.idle) == 1
    storage.close()
    assert process.idle == []


def test_words_that_were_erased_are_nowhere_in_the_file(storage: SqliteStorage, path: Path) -> None:
    """Once it was scrubbed: neither in the row nor in the index by which it was found."""

    def written() -> bytes:
        return b"".join(each.read_bytes() for each in path.parent.iterdir()).lower()

    each = sample("message", TENANT, 0)
    said = evolve(each.value, content=Text("Xylophonist"))
    assert list(storage.commit([Change(TENANT, NOW, puts=(Put(each.key, said),))])) == [COMMITTED]
    assert b"xylophonist" in written()
    erased = Change(TENANT, NOW, reads={each.key: 1}, puts=(Put(each.key, evolve(said, content=Text(""))),))
    assert list(storage.commit([erased])) == [COMMITTED]
    storage.scrub()
    assert b"xylophonist" not in written()
