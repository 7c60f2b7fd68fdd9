"""One file, several processes: written by two at once, killed in the middle, and forked at every moment."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from wa_connector_sqlite import SqliteStorage

from wa_connector.model.customer import Customer
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CUSTOMER
from wa_connector.ports.storage import COMMITTED, Change, Put
from wa_connector.testing.contract import NOW, TENANT

PRELUDE = textwrap.dedent(
    """
    import os, sys, threading, time
    from wa_connector.ports.rows import CONVERSATION, CUSTOMER
    from wa_connector.ports.storage import COMMITTED, Change, Merge, Put, Scan
    from wa_connector.model.customer import Customer
    from wa_connector.testing.contract import NOW, TENANT
    from wa_connector_sqlite import SqliteStorage

    THREAD = CONVERSATION.of(TENANT, "thread-1")
    NOBODY = CUSTOMER.of(TENANT, "nobody")
    storage = SqliteStorage(sys.argv[1])

    def count(times):
        for _ in range(times):
            # Reads before it writes, so that the transaction has to have the lock from its beginning.
            change = Change(TENANT, NOW, reads={NOBODY: 0}, merges=(Merge(THREAD, {"entries": 1}),))
            assert storage.commit([change]) == (COMMITTED,)

    def counted():
        return storage.load([THREAD]).rows[THREAD].merged["entries"]

    def in_child(work):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work()
                status = 0
            finally:
                os._exit(status)
        return pid

    def wait(*pids):
        for pid in pids:
            assert os.waitpid(pid, 0)[1] == 0, "a child failed"
    """
)


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def start(script: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    """Also when both find no file at first: one makes it, and no count is lost."""
    path = tmp_path / "wa.db"
    script = "count(300); storage.close()"
    both = [start(script, path), start(script, path)]
    assert [process.wait(60) for process in both] == [0, 0]
    for process in both:
        assert process.stdout is not None
        process.stdout.close()
    assert run("print(counted())", path) == "600\n"


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Killed in the middle of writing, three times over: each acknowledged commit is there, and at most one more."""
    path = tmp_path / "wa.db"
    script = """
        number = int(sys.argv[2])
        while True:
            key = CUSTOMER.of(TENANT, f"{number:06}")
            storage.commit([Change(TENANT, NOW, puts=(Put(key, Customer("c", NOW)),))])
            print(number, flush=True)
            number += 1
    """
    written = 0
    for _ in range(3):
        process = start(script, path, written)
        assert process.stdout is not None
        for _ in range(50):
            acknowledged = int(process.stdout.readline())
        process.kill()
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        process.stdout.close()
        process.wait(30)
        storage = SqliteStorage(path)
        wanted = [CUSTOMER.of(TENANT, f"{number:06}") for number in range(acknowledged + 3)]
        versions = [row.version for row in storage.load(wanted).rows.values()]
        storage.close()
        written = sum(versions)
        assert versions[:written] == [1] * written
        assert written in (acknowledged + 1, acknowledged + 2)


def test_a_fork_before_use(tmp_path: Path) -> None:
    """A prefork server: constructed before, used after, on both sides."""
    output = run(
        """
        children = [in_child(lambda: count(50)) for _ in range(3)]
        count(50)
        wait(*children)
        print(counted())
        """,
        tmp_path / "wa.db",
    )
    assert output == "200\n"


def test_a_fork_after_use(tmp_path: Path) -> None:
    """Neither side loses a commit, also those that the child makes after its parent has closed.

    This is what goes wrong, silently, where a connection is inherited: SQLite's locks are its process's, the child
    believes that it holds them, and the parent's close takes the log away from under it.
    """
    output = run(
        """
        count(1)
        done, ready = os.pipe(), os.pipe()

        def child():
            count(10)
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            count(10)

        pid = in_child(child)
        count(10)
        os.read(ready[0], 1)
        storage.close()
        os.write(done[1], b"x")
        wait(pid)
        """,
        tmp_path / "wa.db",
    )
    assert output == ""
    assert run("print(counted())", tmp_path / "wa.db") == "31\n"


def test_a_fork_while_threads_write(tmp_path: Path) -> None:
    """The child gets no lock that a thread of its parent held, and the parent's threads go on."""
    output = run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of exactly this
        threads = [threading.Thread(target=count, args=(100,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        children = []
        for _ in range(5):
            time.sleep(0.01)
            children.append(in_child(lambda: (count(20), storage.close())))
        for thread in threads:
            thread.join()
        wait(*children)
        print(counted())
        """,
        tmp_path / "wa.db",
    )
    assert output == "400\n"


def test_a_grandchild(tmp_path: Path) -> None:
    """A daemon forks twice."""
    output = run(
        """
        count(1)

        def child():
            count(1)
            wait(in_child(lambda: count(1)))
            count(1)

        wait(in_child(child))
        print(counted())
        """,
        tmp_path / "wa.db",
    )
    assert output == "4\n"


def test_a_closed_storage_stays_closed_in_a_child(tmp_path: Path) -> None:
    output = run(
        """
        from wa_connector.errors import UsageError
        count(1)
        storage.close()

        def child():
            try:
                count(1)
            except UsageError:
                return
            raise AssertionError("a closed storage was used")

        wait(in_child(child))
        print("refused")
        """,
        tmp_path / "wa.db",
    )
    assert output == "refused\n"


def test_a_dropped_storage_leaves_nothing(tmp_path: Path) -> None:
    """What watches for forks does not keep a storage alive, nor its files open."""
    output = run(
        """
        import gc, weakref
        count(1)
        gone = weakref.ref(storage)
        del storage
        gc.collect()
        print(gone(), [name for name in os.listdir("/proc/self/fd") if "wa.db" in os.path.realpath(f"/proc/self/fd/{name}")])
        """,
        tmp_path / "wa.db",
    )
    assert output == "None []\n"


@pytest.mark.parametrize("patched", [False, True], ids=["threads", "gevent"])
def test_greenlets_and_threads_count_alike(tmp_path: Path, patched: bool) -> None:
    """Under monkey patching, too, and with few connections."""
    patch = "from gevent import monkey; monkey.patch_all()\n" if patched else ""
    script = textwrap.dedent(
        """
        threads = [threading.Thread(target=count, args=(20,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(counted())
        """
    )
    command = [sys.executable, "-c", patch + PRELUDE + script, str(tmp_path / "wa.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "400\n", done.stderr


def test_one_storage_sees_what_another_commits(tmp_path: Path) -> None:
    """Two objects on one file, as two connectors of one process are."""
    one, other = (SqliteStorage(tmp_path / "wa.db") for _ in range(2))
    key = CUSTOMER.of(TENANT, "ann")
    change = Change(TENANT, NOW, puts=(Put(key, Customer(CustomerId("ann"), NOW)),))
    assert tuple(one.commit([change])) == (COMMITTED,)
    assert other.load([key]).rows[key].version == 1
    one.close()
    other.close()
