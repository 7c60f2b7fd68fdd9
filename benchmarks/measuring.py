"""How every benchmark times, compares and reports; standard library only, because the peer's interpreter runs it too.

Medians of rounds in which all cases take turns: the machine is shared and changes its speed, and what happens to one case
of a round happens to its neighbours. So a ratio is the median of the ratios within the rounds, not the ratio of medians.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PEER = os.environ.get("PEER_PYTHON", "")
Rounds = Mapping[str, Sequence[float]]


def report(name: str, value: float, unit: str, *, baseline: float | None = None, **more: Any) -> None:
    """Print one result. ``ratio`` with ``at_most`` or ``at_least``: what is to be held; without, a number to know."""
    ratio, at_most, at_least = (more.pop(key, None) for key in ("ratio", "at_most", "at_least"))
    judged = value if ratio is None else ratio
    goal = f"<= {at_most}" if at_most is not None else f">= {at_least}" if at_least is not None else None
    met = None if goal is None else (judged <= at_most if at_most is not None else judged >= at_least)
    line = {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "baseline": None if baseline is None else round(baseline, 3),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "met": met,
        **more,
    }
    print(json.dumps(line), flush=True)


def in_turn(rounds: int, cases: Mapping[str, Callable[[int], float]]) -> Rounds:
    """Measure every case once a round, each told the round's number; one round before that is thrown away."""
    measured: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, measure in cases.items():
            value = measure(number)
            if number:
                measured[name].append(value)
    return measured


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios within the rounds."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def above(case: Sequence[float], bare: Sequence[float]) -> list[float]:
    """What a case costs over another, round by round."""
    return [one - other for one, other in zip(case, bare, strict=True)]


# ---------------------------------------------------------------------------------- fresh processes


def fresh_process_ms(python: str, program: str, *arguments: str) -> float:
    """The processor time of a fresh interpreter that runs ``program``, in milliseconds.

    Not the time on the clock: what others do on the machine in the meantime is none of the program's cost. On an idle
    machine the two are the same, since an import waits for nothing once its files are in the page cache.
    """
    # Bytecode is read and written as a host's interpreter does it; nobody's settings are inherited.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = os.posix_spawn(python, [python, "-I", "-c", program, *arguments], environment)
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"this failed under {python}:\n{program}")
    return (usage.ru_utime + usage.ru_stime) * 1000


# --------------------------------------------------------------------------------- calls in a process


def loop_us(call: Callable[[], object], seconds: float = 0.02) -> float:
    """Microseconds a call, over about ``seconds`` of calls."""
    times = range(1)

    def run() -> None:
        for _ in times:
            call()

    while (took := _seconds(run)) < seconds:
        times = range(max(len(times) * 2, int(len(times) * seconds * 1.1 / max(took, 1e-7))))
    return took / len(times) * 1e6


def each_us(call: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Microseconds an item, every item once: for what does less when it sees the same again."""

    def run() -> None:
        for item in items:
            call(item)

    return _seconds(run) / len(items) * 1e6


def _seconds(run: Callable[[], object]) -> float:
    """The processor time of this process, for the same reason as above."""
    gc.collect()
    gc.disable()
    try:
        started = time.process_time()
        run()
        return time.process_time() - started
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------------- the peer


class Worker:
    """A program beside this one, in another interpreter: measures when it is told to, so that both can take turns."""

    def __init__(self, python: str, program: Path) -> None:
        if not python:
            sys.exit("PEER_PYTHON names no interpreter; run `make bench`, which makes the environments")
        self._process = subprocess.Popen([python, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *question: object) -> Any:
        """What ``serve`` on the other side answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def serve(answer: Callable[..., object]) -> None:
    """The other side of ``Worker``."""
    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))), flush=True)
