"""One server, several processes: written by two at once, killed in the middle, forked at every moment; and the server
itself killed under load."""

import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from typing import Any

import psycopg
import pytest
from wa_connector_postgres import PostgresStorage

from wa_connector.errors import StorageUnavailable, WaConnectorError
from wa_connector.model.event import CustomerSeen
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CONVERSATION, CUSTOMER
from wa_connector.ports.storage import COMMITTED, Change, Duplicate, Merge
from wa_connector.testing.contract import NOW, TENANT

THREAD = CONVERSATION.of(TENANT, "thread-1")

PRELUDE = textwrap.dedent(
    """
    import os, sys, threading, time
    from wa_connector.ports.rows import CONVERSATION, CUSTOMER
    from wa_connector.ports.storage import COMMITTED, Change, Merge, Put, Scan
    from wa_connector.model.customer import Customer
    from wa_connector.testing.contract import NOW, TENANT
    from wa_connector_postgres import PostgresStorage

    THREAD = CONVERSATION.of(TENANT, "thread-1")
    NOBODY = CUSTOMER.of(TENANT, "nobody")
    storage = PostgresStorage(sys.argv[1], schema=sys.argv[2], connections=4)

    def count(times):
        for _ in range(times):
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


def start(script: str, conninfo: str, *arguments: object, schema: str = "wa_connector") -> "subprocess.Popen[str]":
    text = PRELUDE + textwrap.dedent(script)
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", text, conninfo, schema, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: "subprocess.Popen[str]") -> str:
    output, trouble = process.communicate(timeout=60)
    assert process.returncode == 0, trouble
    assert trouble == ""
    return output


def run(script: str, conninfo: str, *arguments: object, schema: str = "wa_connector") -> str:
    return ended(start(script, conninfo, *arguments, schema=schema))


def test_two_processes_write_one_schema(conninfo: str, fresh: str) -> None:
    """Also when both find no schema at first: one makes it, and no count is lost."""
    both = [start("count(150); storage.close()", conninfo, schema=fresh) for _ in range(2)]
    for process in both:
        ended(process)
    assert run("print(counted())", conninfo, schema=fresh) == "300\n"


def test_many_threads_open_one_schema(conninfo: str, fresh: str) -> None:
    """All at once, where there is none: one makes it, the others wait for that and find it."""
    output = run(
        """
        start = threading.Barrier(4)
        threads = [threading.Thread(target=lambda: (start.wait(), count(5))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(counted())
        """,
        conninfo,
        schema=fresh,
    )
    assert output == "20\n"


def test_what_was_acknowledged_survives_a_kill(conninfo: str, storage: PostgresStorage) -> None:
    """A client killed in the middle of writing, twice over: each acknowledged commit is there, and at most one more."""
    script = """
        number = int(sys.argv[3])
        while True:
            key = CUSTOMER.of(TENANT, f"{number:06}")
            storage.commit([Change(TENANT, NOW, puts=(Put(key, Customer("c", NOW)),))])
            print(number, flush=True)
            number += 1
    """
    written = 0
    for _ in range(2):
        process = start(script, conninfo, written)
        assert process.stdout is not None
        for _ in range(50):
            acknowledged = int(process.stdout.readline())
        process.kill()
        # Not `communicate`, which knows nothing of what was read ahead of the lines above.
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        process.communicate(timeout=30)
        time.sleep(0.1)  # what was under way on the server has ended
        wanted = [CUSTOMER.of(TENANT, f"{number:06}") for number in range(acknowledged + 3)]
        versions = [row.version for row in storage.load(wanted).rows.values()]
        written = sum(versions)
        assert versions[:written] == [1] * written
        assert written in (acknowledged + 1, acknowledged + 2)


def test_a_fork_before_use(conninfo: str) -> None:
    """A prefork server: constructed before, used after, on both sides."""
    output = run(
        """
        children = [in_child(lambda: count(20)) for _ in range(3)]
        count(20)
        wait(*children)
        print(counted())
        """,
        conninfo,
    )
    assert output == "80\n"


def test_a_fork_after_use(conninfo: str) -> None:
    """Neither side speaks on the other's connection, nor closes it, whoever ends first."""
    output = run(
        """
        count(1)

        def child():
            count(10)
            storage.close()

        pid = in_child(child)
        count(10)
        wait(pid)
        count(10)
        leaving = os.fork()
        if leaving == 0:
            count(5)
            sys.exit()  # with all that an interpreter does when it ends
        wait(leaving)
        print(counted())
        """,
        conninfo,
    )
    assert output == "36\n"


def test_a_fork_while_threads_write(conninfo: str) -> None:
    """The child gets no lock that a thread of its parent held, and the parent's threads go on."""
    output = run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of exactly this
        count(1)  # a fork in the middle of an import is Python's to survive, and it does not
        threads = [threading.Thread(target=count, args=(50,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        children = []
        for _ in range(4):
            time.sleep(0.01)
            children.append(in_child(lambda: (count(10), storage.close())))
        for thread in threads:
            thread.join()
        wait(*children)
        print(counted())
        """,
        conninfo,
    )
    assert output == "191\n"


def test_a_closed_storage_stays_closed_in_a_child(conninfo: str) -> None:
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
        conninfo,
    )
    assert output == "refused\n"


def test_no_thread_is_started(conninfo: str) -> None:
    """Neither to open connections nor to mend them."""
    assert run("count(1); print(threading.active_count())", conninfo) == "1\n"


@pytest.mark.parametrize("patched", [False, True], ids=["threads", "gevent"])
def test_greenlets_and_threads_count_alike(conninfo: str, patched: bool) -> None:
    """Under monkey patching, too, and with few connections."""
    patch = "from gevent import monkey; monkey.patch_all()\n" if patched else ""
    script = textwrap.dedent(
        """
        threads = [threading.Thread(target=count, args=(10,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(counted())
        """
    )
    command = [sys.executable, "-c", patch + PRELUDE + script, conninfo, "wa_connector"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "200\n", done.stderr


def test_a_dropped_storage_leaves_nothing(conninfo: str, admin: "psycopg.Connection[Any]") -> None:
    """Cheap to build and to drop: what was not closed is closed with it."""
    storage = PostgresStorage(conninfo)
    storage.commit([Change(TENANT, NOW, merges=(Merge(THREAD, {"entries": 1}),))])
    (db,) = storage._pool._here().idle
    gone, pid = weakref.ref(storage), db.info.backend_pid
    del storage, db
    gc.collect()
    assert gone() is None
    for _ in range(50):
        if not admin.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchall():
            break
        time.sleep(0.02)
    else:
        raise AssertionError("the connection is still open")


def test_the_server_is_killed_under_load(own_server: Any) -> None:
    """Four threads number their commits and try again whatever was not acknowledged, as a host does; the server is
    killed twice, and comes back. Each number is there once, and nobody had to open anything anew."""
    storage = PostgresStorage(own_server.conninfo, connections=4)
    stop = threading.Event()
    lasts = [0] * 4
    failures: list[str] = []
    surprises: list[object] = []

    def write(thread: int) -> None:
        while not stop.is_set():
            name = f"{thread} {lasts[thread]:06}"
            change = Change(
                TENANT,
                NOW,
                merges=(Merge(THREAD, {"entries": 1}),),
                dedupe={name: name},
                events=(CustomerSeen(CustomerId(name)),),
            )
            try:
                (outcome,) = storage.commit([change])
            except StorageUnavailable as error:
                failures.append(str(error))
                time.sleep(0.02)
                continue
            except WaConnectorError as error:
                surprises.append(error)
                return
            if outcome not in (COMMITTED, Duplicate(name, name)):
                surprises.append(outcome)
            lasts[thread] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            time.sleep(0.4)
            before = sum(lasts)
            own_server.kill()
            time.sleep(0.1)
            own_server.start()
            until = time.monotonic() + 20
            while sum(lasts) < before + 20 and time.monotonic() < until:
                time.sleep(0.02)
            assert sum(lasts) >= before + 20
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert surprises == []
    assert failures
    events = []
    cursor = ""
    while (page := storage.events_after(TENANT, cursor, 500)).events:
        cursor = page.cursor
        events += [each.happening.customer for each in page.events if isinstance(each.happening, CustomerSeen)]
    expected = [f"{thread} {number:06}" for thread in range(4) for number in range(lasts[thread])]
    assert sorted(events) == expected
    assert storage.load([THREAD]).rows[THREAD].merged["entries"] == len(expected)
    storage.close()


def test_a_server_that_was_restarted_is_noticed_before_use(own_server: Any) -> None:
    """The first call after a restart succeeds: idle connections that are gone are not spoken on."""
    storage = PostgresStorage(own_server.conninfo)
    other = CONVERSATION.of(TENANT, "thread-2")
    storage.load([other])
    own_server.stop()
    with pytest.raises(StorageUnavailable, match="is it up"):
        storage.load([other])
    own_server.start()
    assert storage.commit([Change(TENANT, NOW, merges=(Merge(other, {"entries": 1}),))]) == (COMMITTED,)
    own_server.stop()
    own_server.start()
    assert storage.load([other]).rows[other].merged["entries"] == 1
    storage.close()
