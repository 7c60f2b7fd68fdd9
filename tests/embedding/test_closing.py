"""The end of a connector: bounded, twice the same, and nothing afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


def test_close_twice_is_close_once(run: Run, tmp_path: Path) -> None:
    """Each part is closed once, also by ``with``, and also in a connector that was never used."""
    output = run(
        """
        import sys
        import a_host

        closed = []
        wire = a_host.Wire(None)
        wire.close = lambda: closed.append("wire")
        with a_host.connector(sys.argv[1], wire=wire) as connector:
            connector.close()
            connector.close()
        print(closed)
        """,
        tmp_path,
    )
    assert output == "['wire']\n"


CALLS = """
    import inspect, sys
    import a_host

    connector = a_host.wa.{face}(**a_host.parts(sys.argv[1]))
    GIVEN = {{"request": a_host.said(1, "hello", "wamid.1"), "content": a_host.wa.Text("hello"), "limit": 10,
              "after": "", "before": "", "max_bytes": 10, "version": 0, "mime_type": "image/png", "hold": False,
              "chunks": [b"x"], "media": a_host.wa.MediaRef("image/png", "0" * 64, 1)}}

    def calls():
        for name, method in inspect.getmembers(type(connector), inspect.isfunction):
            if name.startswith("_") or name in ("close", "aclose"):
                continue
            arguments = [
                GIVEN.get(parameter.name, "anything")
                for parameter in list(inspect.signature(method).parameters.values())[1:]
                if parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY
            ]
            keywords = {{
                parameter.name: GIVEN.get(parameter.name, "anything")
                for parameter in inspect.signature(method).parameters.values()
                if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
            }}
            yield name, method, arguments, keywords
"""


def test_any_other_call_afterwards_is_refused(run: Run, tmp_path: Path) -> None:
    """By name, and with the way out; the dispatcher's too."""
    output = run(
        CALLS.format(face="Connector")
        + """
    connector.close()
    taken = 0
    for name, method, arguments, keywords in calls():
        try:
            method(connector, *arguments, **keywords)
        except a_host.wa.UsageError as error:
            assert "closed" in str(error), (name, error)
            taken += 1
        else:
            print(name, "was not refused")
    try:
        connector.dispatcher.run_once()
    except a_host.wa.UsageError as error:
        assert "closed" in str(error)
    print(taken > 10)
        """,
        tmp_path,
    )
    assert output == "True\n"


def test_any_other_call_afterwards_is_refused_asynchronously(run: Run, tmp_path: Path) -> None:
    output = run(
        CALLS.format(face="AsyncConnector")
        + """
    import asyncio

    async def main():
        await connector.aclose()
        await connector.aclose()
        taken = 0
        for name, method, arguments, keywords in calls():
            try:
                await method(connector, *arguments, **keywords)
            except a_host.wa.UsageError as error:
                assert "closed" in str(error), (name, error)
                taken += 1
            else:
                print(name, "was not refused")
        try:
            await connector.dispatcher.run_once()
        except a_host.wa.UsageError as error:
            assert "closed" in str(error)
        print(taken > 10)

    asyncio.run(main())
        """,
        tmp_path,
    )
    assert output == "True\n"


def test_aclose_does_not_wait_for_a_transport_that_hangs(run: Run, tmp_path: Path) -> None:
    """It is left to the end of the process; the storage is closed all the same, and so is the call."""
    output = run(
        """
        import asyncio, sys, time
        import a_host

        class Hanging:
            async def aclose(self):
                await asyncio.Event().wait()

        class Plugin:
            @a_host.wa.hookimpl
            def wa_async_transport(self):
                return "whatsapp", Hanging()

        async def main():
            parts = a_host.parts(sys.argv[1], Plugin())
            connector = a_host.wa.AsyncConnector(**parts)
            await connector.handle_webhook(a_host.said(1, "hello", "wamid.1"))
            started = time.monotonic()
            await connector.aclose(timeout=0.2)
            took = time.monotonic() - started
            await connector.aclose(timeout=0.2)
            try:
                parts["plugins"][1].storage.load([])
            except a_host.wa.UsageError:
                print("storage closed", 0.1 < took < 5)

        asyncio.run(main())
        """,
        tmp_path,
    )
    assert output == "storage closed True\n"


@pytest.mark.parametrize("face", ["Connector", "AsyncConnector"])
def test_a_part_that_cannot_be_closed_keeps_no_other_open(run: Run, tmp_path: Path, face: str) -> None:
    """It is reported, by its class and place, and the rest is closed."""
    output = run(
        """
        import asyncio, logging, sys
        import a_host

        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(record.getMessage())
        logging.getLogger("wa_connector").addHandler(handler)

        def broken():
            raise RuntimeError("cannot close +16505550001")

        wire = a_host.Wire(None)
        wire.close = broken
        parts = a_host.parts(sys.argv[1], wire=wire)
        connector = getattr(a_host.wa, sys.argv[2])(**parts)
        if sys.argv[2] == "Connector":
            connector.close()
        else:
            asyncio.run(connector.aclose())
        try:
            parts["plugins"][1].storage.load([])
        except a_host.wa.UsageError:
            print("storage closed")
        print(len(records), "RuntimeError" in records[0], "+1650" in records[0])
        """,
        tmp_path,
        face,
    )
    assert output == "storage closed\n1 True False\n"
