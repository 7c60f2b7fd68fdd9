"""Forks: a connector that a server builds first and its workers use afterwards. Nothing is lost, nothing sent twice."""

from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]

FORKING = """
    import os, sys
    import a_host

    folder = sys.argv[1]
    connector = a_host.connector(folder)

    def in_child(work):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work()
                status = 0
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                os._exit(status)
        return pid

    def wait(pids):
        for pid in pids:
            assert os.waitpid(pid, 0)[1] == 0, "a child failed"

    def work(number):
        '''One customer of this process's own, and one who writes to all of them at once.'''
        a_host.converse(connector, number, ["hello", "still there?", "thanks"], f"p{number}")
        a_host.deliver(connector, a_host.said(9000, "hello all", f"wamid.all.{number}"))
        a_host.deliver(connector, a_host.said(9000, "hello all", "wamid.all.same"))
        a_host.drain(connector)
"""
# Five processes: 3 messages and answers each, one more in the shared thread each, and one that all of them brought.
EXPECTED = "(21, 15, 15, 0)\n"


def test_built_before_the_fork_and_used_after_it(run: Run, tmp_path: Path) -> None:
    """By four children and their parent at once, on one file."""
    output = run(
        f"""{FORKING}
    children = [in_child(lambda: work(number)) for number in range(1, 5)]
    work(0)
    wait(children)
    a_host.drain(connector)
    print(a_host.tally(connector, folder))
    connector.close()
        """,
        tmp_path,
    )
    assert output == EXPECTED


def test_used_before_the_fork_and_after_it(run: Run, tmp_path: Path) -> None:
    """A child that inherited an open connection would believe in locks that it does not hold. It inherits none; and
    when its parent closes first, what the child commits afterwards is there all the same."""
    output = run(
        f"""{FORKING}
    work(0)
    closed = os.pipe()

    def child(number):
        os.read(closed[0], 1)
        work(number)

    children = [in_child(lambda: child(number)) for number in range(1, 5)]
    connector.close()
    os.write(closed[1], b"xxxx")
    wait(children)
    again = a_host.connector(folder)
    a_host.drain(again)
    print(a_host.tally(again, folder))
        """,
        tmp_path,
    )
    assert output == EXPECTED


def test_a_prefork_server(run: Run, tmp_path: Path) -> None:
    """The connector is built in a module that the master imports; the master never uses it. Workers are killed in the
    middle and replaced, and told to stop by a signal on which they close. What was answered 200 is there."""
    (tmp_path / "application.py").write_text(
        "import sys\nimport a_host\nconnector = a_host.connector(sys.argv[1])\n", encoding="utf-8"
    )
    output = run(
        """
        import os, signal, sys
        import a_host
        sys.path.insert(0, sys.argv[1])
        from application import connector

        requests, replies = os.pipe(), os.pipe()

        def worker():
            def stop(*_):
                connector.close()
                connector.close()
                os._exit(0)
            signal.signal(signal.SIGTERM, stop)
            while True:
                number = int(os.read(requests[0], 8))
                webhook = a_host.said(number, "hello", f"wamid.{number}")
                result = a_host.deliver(connector, webhook)
                os.write(replies[1], b"%8d" % number)

        def spawn():
            pid = os.fork()
            if pid == 0:
                try:
                    worker()
                finally:
                    os._exit(1)
            return pid

        workers = [spawn() for _ in range(3)]
        acknowledged = set()
        for number in range(60):
            os.write(requests[1], b"%8d" % number)
            if number % 20 == 10:
                # Whatever it is at: a provider that gets no answer brings the body again.
                killed = workers.pop(0)
                os.kill(killed, signal.SIGKILL)
                os.waitpid(killed, 0)
                workers.append(spawn())
        os.set_blocking(replies[0], False)
        import select
        while select.select([replies[0]], [], [], 2)[0]:
            acknowledged.add(int(os.read(replies[0], 8)))
            if len(acknowledged) == 60:
                break
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        assert [os.waitpid(pid, 0)[1] for pid in workers] == [0, 0, 0]

        # The master looks only now. At most one request died with each of the three.
        assert len(acknowledged) >= 57, acknowledged
        for number in set(range(60)) - acknowledged:
            a_host.deliver(connector, a_host.said(number, "hello", f"wamid.{number}"))
        received = [e for e in a_host.log(connector) if isinstance(e.happening, a_host.wa.MessageReceived)]
        print(len(received))
        """,
        tmp_path,
    )
    assert output == "60\n"
