"""Threads, loops and greenlets of the host's: one connector serves them all."""

from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]


def test_two_event_loops_share_one_connector(run: Run, tmp_path: Path) -> None:
    """Each in a thread of its own, both at once; a third closes it."""
    output = run(
        """
        import asyncio, sys, threading
        import a_host

        folder = sys.argv[1]
        connector = a_host.wa.AsyncConnector(**a_host.parts(folder))
        problems = []

        async def loop(number):
            webhooks = [a_host.said(number * 100 + i, "hello", f"wamid.{number}.{i}") for i in range(25)]
            results = await asyncio.gather(*map(connector.handle_webhook, webhooks))
            assert [result.taken for result in results] == [1] * 25, results
            threads = await connector.conversations(a_host.TENANT, a_host.ANA, unassigned=True, limit=500)
            mine = [
                thread.id
                for thread in threads
                if (await connector.customer(a_host.TENANT, a_host.ANA, thread.id))
                .addresses[0].value.startswith(a_host.customer_id(number * 100)[:-2])
            ]
            assert len(mine) == 25
            placed = await asyncio.gather(
                *(connector.send(a_host.TENANT, a_host.ANA, thread, a_host.wa.Text("answer")) for thread in mine)
            )
            assert all(each.decision.is_allowed for each in placed), placed
            while await connector.dispatcher.run_once():
                pass

        def run(number):
            try:
                asyncio.run(loop(number))
            except BaseException as error:
                problems.append(error)

        loops = [threading.Thread(target=run, args=(number,)) for number in (1, 2)]
        for thread in loops:
            thread.start()
        for thread in loops:
            thread.join()
        assert not problems, problems
        asyncio.run(connector.aclose())
        with a_host.connector(folder) as after:
            a_host.drain(after)
            print(a_host.tally(after, folder))
        """,
        tmp_path,
    )
    assert output == "(50, 50, 50, 0)\n"


def test_threads_share_one_connector(run: Run, tmp_path: Path) -> None:
    """Also one conversation: who loses decides again on fresh state."""
    output = run(
        """
        import sys, threading
        from concurrent.futures import ThreadPoolExecutor
        import a_host

        folder = sys.argv[1]
        connector = a_host.connector(folder)

        def work(number):
            a_host.converse(connector, number, ["hello", "and?"], f"t{number}")
            a_host.deliver(connector, a_host.said(9000, "hello all", f"wamid.all.{number}"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(16)))
            while connector.dispatcher.run_once(pool=pool):
                pass
        print(a_host.tally(connector, folder))
        """,
        tmp_path,
    )
    assert output == "(48, 32, 32, 0)\n"


def test_fifty_greenlets(run: Run, tmp_path: Path) -> None:
    """A monkey-patched process: the dispatcher runs in a greenlet until gevent's own event stops it, the transport
    yields in the middle of a call, and asyncio is nowhere."""
    output = run(
        """
        from gevent import monkey
        monkey.patch_all()
        import sys
        from pathlib import Path
        import gevent, gevent.event
        import a_host

        folder = sys.argv[1]
        wire = a_host.Wire(Path(folder, "sent"), before=lambda: gevent.sleep(0.002))
        connector = a_host.connector(folder, wire=wire)
        stop = gevent.event.Event()
        dispatching = [gevent.spawn(connector.dispatcher.run_until, stop, poll=0.01) for _ in range(2)]

        def work(number):
            a_host.converse(connector, number, ["hello"], f"g{number}")
            gevent.sleep(0)

        gevent.joinall([gevent.spawn(work, number) for number in range(50)], raise_error=True)
        with gevent.Timeout(60):
            while len(a_host.sent(folder)) < 50:
                gevent.sleep(0.02)
        stop.set()
        with gevent.Timeout(10):
            gevent.joinall(dispatching, raise_error=True)
        print(a_host.tally(connector, folder), "asyncio" in sys.modules)
        connector.close()
        """,
        tmp_path,
    )
    assert output == "(50, 50, 50, 0) False\n"


def test_the_synchronous_face_has_no_loop_and_no_thread(run: Run, tmp_path: Path) -> None:
    """In a whole story, from the first webhook to what is left at the end."""
    output = run(
        """
        import sys, threading
        started = []
        sys.addaudithook(lambda event, _: started.append(event) if event == "_thread.start_new_thread" else None)
        real_start = threading.Thread.start
        threading.Thread.start = lambda self: (started.append(self.name), real_start(self))
        import a_host

        folder = sys.argv[1]
        with a_host.connector(folder) as connector:
            a_host.converse(connector, 1, ["hello", "still there?"], "story")
            a_host.drain(connector)
            thread = a_host.thread_with(connector, 1)
            assert len(connector.timeline(a_host.TENANT, a_host.ANA, thread).messages) == 5
            assert connector.composer(a_host.TENANT, a_host.ANA, thread).write.is_allowed
            assert connector.contact_actions(a_host.TENANT, a_host.ANA, a_host.wa.ContactId("carl"))
            connector.sync_templates(a_host.TENANT, a_host.wa.AccountId("account"))
            media = connector.store_media(a_host.TENANT, [b"x"], "image/png", 10)
            assert connector.read_media(a_host.TENANT, media)
            stop = threading.Event()
            stop.set()
            connector.dispatcher.run_until(stop)
            print(a_host.tally(connector, folder))
        print(started, [thread.name for thread in threading.enumerate()])
        print([name for name in ("asyncio", "ssl", "httpx") if name in sys.modules])
        """,
        tmp_path,
    )
    assert output == "(2, 2, 2, 0)\n[] ['MainThread']\n[]\n"


def test_many_connectors(run: Run, tmp_path: Path) -> None:
    """One a tenant, say: two hundred are built, used and dropped, some closed and some not, and nothing is left."""
    output = run(
        """
        import gc, os, sys, threading, weakref
        import a_host

        folder = sys.argv[1]
        a_host.connector(folder).handle_webhook(a_host.said(0, "hello", "wamid.first"))
        gc.collect()
        before = len(os.listdir("/proc/self/fd")), threading.active_count()
        dropped = []
        for number in range(200):
            connector = a_host.connector(folder)
            dropped.append(weakref.ref(connector))
            if number % 4 == 0:
                a_host.deliver(connector, a_host.said(number, "hello", f"wamid.{number}"))
            if number % 8 == 0:
                connector.close()
        del connector
        gc.collect()
        after = len(os.listdir("/proc/self/fd")), threading.active_count()
        print(before == after, [ref() for ref in dropped if ref() is not None])
        """,
        tmp_path,
    )
    assert output == "True []\n"


def test_building_a_connector_costs_little(run: Run) -> None:
    """Milliseconds of this process's own time, with a bound that a slow machine keeps."""
    cost = run(
        """
        import time
        import a_host
        parts = a_host.parts("/nonexistent")
        a_host.wa.Connector(**parts)
        started = time.process_time()
        for _ in range(50):
            a_host.wa.Connector(**parts)
        print((time.process_time() - started) / 50)
        """
    )
    assert float(cost) < 0.025
