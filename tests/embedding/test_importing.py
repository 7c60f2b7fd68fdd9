"""Importing does nothing, and loads little. Each program starts with nothing of ours loaded."""

import json
from collections.abc import Callable

import pytest

Run = Callable[..., str]

PLUGINS = "import wa_connector_cloud_api.plugin, wa_connector_cloud_api.transport, wa_connector_sqlite.plugin"
DEAR = ("asyncio", "ssl", "httpx", "sqlite3", "cattrs", "importlib.metadata")


def test_naming_the_package_loads_the_package(run: Run) -> None:
    """Not even ``typing``: what is public is loaded when it is first used."""
    loaded = run(
        """
        import sys
        before = set(sys.modules)
        import wa_connector
        print(*sys.modules.keys() - before)
        """
    )
    assert loaded.split() == ["wa_connector"]


@pytest.mark.parametrize(
    ("statement", "most_of_ours", "most_of_all"),
    [
        ("from wa_connector import Connector", 15, 100),
        ("from wa_connector import Connector, WebhookRequest, hookimpl", 50, 150),
        ("from wa_connector import AsyncDispatcher", 130, 300),
    ],
)
def test_the_budget_in_modules(run: Run, statement: str, most_of_ours: int, most_of_all: int) -> None:
    """A count, because a time would say more about the machine. Raise it knowingly: a fresh process of a host loads
    all of this before it does anything."""
    ours, everything = run(
        f"""
        import sys
        before = set(sys.modules)
        {statement}
        loaded = sys.modules.keys() - before
        print(sum(name.startswith("wa_connector") for name in loaded), len(loaded))
        """
    ).split()
    assert int(ours) <= most_of_ours
    assert int(everything) <= most_of_all


@pytest.mark.parametrize(
    "program",
    [
        "import wa_connector",
        "from wa_connector import Connector",
        "import wa_connector as wa\nfor name in set(wa.__all__) - {'AsyncConnector', 'AsyncDispatcher'}: getattr(wa, name)",
        "import wa_connector_cloud_api.plugin, wa_connector_cloud_api.channel, wa_connector_cloud_api.transport",
    ],
    ids=["the package", "Connector", "every name of the synchronous face", "the Cloud API channel"],
)
def test_what_is_dear_is_not_loaded(run: Run, program: str) -> None:
    output = run(
        "import sys\n"
        f"dear = {DEAR!r}\n"
        "assert not [name for name in dear if name in sys.modules], 'loaded before, so this test says nothing'\n"
        f"{program}\n"
        "print([name for name in dear if name in sys.modules])"
    )
    assert output == "[]\n"


WATCHED = """
    import logging, os, signal, sys, threading

    events = []

    def watch(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or not str(path).startswith(tuple(roots)):
                events.append(f"open {path}")
        elif event.startswith(("socket.", "subprocess.", "os.fork", "os.exec", "os.putenv", "_thread.", "signal.")):
            events.append(event)

    class Environment(dict):
        def _read(self, name):
            # A read of the interpreter's own libraries is not ours to forbid.
            caller = sys._getframe(2).f_code.co_filename
            while caller == os.__file__:
                caller = sys._getframe(3).f_code.co_filename
            if "wa_connector" in caller:
                events.append(f"environment {name} in {caller}")

        def __getitem__(self, name):
            self._read(name)
            return super().__getitem__(name)

        def get(self, name, default=None):
            self._read(name)
            return super().get(name, default)

        def __contains__(self, name):
            self._read(name)
            return super().__contains__(name)

    roots = [path for path in sys.path if path]
    os.environ = Environment(os.environ)
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    sys.addaudithook(watch)
"""

SEEN = """
    import json
    print(
        json.dumps(
            {
                "events": events,
                "threads": [thread.name for thread in threading.enumerate()],
                "signals": [n for n in handlers if signal.getsignal(n) != handlers[n]],
                "root handlers": [repr(handler) for handler in logging.root.handlers],
                "root level": logging.root.level,
                "our handlers": sorted(
                    {
                        type(handler).__name__
                        for name, logger in logging.root.manager.loggerDict.items()
                        for handler in getattr(logger, "handlers", ())
                    }
                ),
                "scanned entry points": "importlib.metadata" in sys.modules,
            }
        )
    )
"""

NOTHING = {
    "events": [],
    "threads": ["MainThread"],
    "signals": [],
    "root handlers": [],
    "root level": 30,
    "scanned entry points": False,
}


@pytest.mark.parametrize(
    ("statement", "handlers"),
    [
        ("import wa_connector", []),
        ("from wa_connector import Connector", []),
        ("import wa_connector as wa; [getattr(wa, name) for name in wa.__all__]", ["NullHandler"]),
        (PLUGINS, ["NullHandler"]),
    ],
    ids=["the package", "Connector", "every public name", "plugins"],
)
def test_importing_does_nothing(run: Run, statement: str, handlers: list[str]) -> None:
    """No thread, socket, file, process, environment read, signal handler, entry-point scan or logging set-up; but for
    the NullHandler which keeps a host that sets up no logging from hearing of us on stderr."""
    seen = json.loads(run(f"{WATCHED}\n    {statement}\n{SEEN}"))
    assert seen == {**NOTHING, "our handlers": handlers}


def test_building_does_nothing_either(run: Run) -> None:
    """What is open is opened by the first call that needs it; so a server may fork, or not be needed at all."""
    program = """
    import a_host, hashlib
    connector = a_host.connector(sys.argv[1])
    """
    seen = json.loads(run(f"{WATCHED}{program}{SEEN}", "/nonexistent"))
    assert seen == {**NOTHING, "our handlers": ["NullHandler"]}


def test_installed_plugins_are_found_when_a_connector_asks_for_them(run: Run) -> None:
    """``discover`` scans the entry points, once, at construction; the package itself never does."""
    output = run(
        """
        import sys
        import a_host
        parts = a_host.parts("/nonexistent")
        host = parts["plugins"][0]
        before = "importlib.metadata" in sys.modules
        parts["discover"] = True
        try:
            a_host.wa.Connector(**parts)
        except a_host.wa.UsageError as error:
            # The installed channel and the host's own are two of one name: a sign that both were found.
            print(before, "importlib.metadata" in sys.modules, error)
        """
    )
    assert output.startswith("False True two plugins provide the channel 'whatsapp'")


def test_a_host_without_logging_hears_nothing(run: Run) -> None:
    """Python prints what no handler takes on stderr; ours is taken (``run`` fails for a word on stderr)."""
    run(
        """
        import logging
        from wa_connector.shell.ports import log
        log.error("not for stderr")
        logging.getLogger("wa_connector.anything").error("nor this")
        """
    )
