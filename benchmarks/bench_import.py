"""Cold import: what a fresh process pays before it does anything, over the bare interpreter of the same environment."""

import sys

from measuring import PEER, above, fresh_process_ms, in_turn, median, ratio, report

OURS = sys.executable
PROGRAMS = {
    "bare": (OURS, "pass"),
    "pywa, bare": (PEER, "pass"),
    "pywa": (PEER, "import pywa"),
    "package": (OURS, "import wa_connector"),
    "connector": (OURS, "from wa_connector import Connector"),
    "engine": (OURS, "from wa_connector import Connector\nimport wa_connector.direct.plain, wa_connector.shell.engine"),
    "floor": (OURS, "import attrs, pluggy"),
}


def main() -> None:
    rounds = in_turn(
        15,
        {name: lambda _, run=run: fresh_process_ms(*run) for name, run in PROGRAMS.items()},  # type: ignore[misc]
    )
    pywa = above(rounds["pywa"], rounds["pywa, bare"])
    ours = {name: above(rounds[name], rounds["bare"]) for name in ("package", "connector", "engine", "floor")}

    def against_pywa(name: str, measured: str, **goal: float) -> None:
        value = ours[measured]
        report(name, median(value), "ms", baseline=median(pywa), ratio=ratio(value, pywa), **goal)

    against_pywa("import wa_connector", "package", at_most=0.3)
    against_pywa("from wa_connector import Connector", "connector", at_most=0.3)
    # Building a Connector loads the engine; to know, since a host pays for it at its start all the same.
    against_pywa("from wa_connector import Connector, with all that building one loads", "engine")
    against_pywa("attrs and pluggy alone: the floor of an engine built on them", "floor")


main()
