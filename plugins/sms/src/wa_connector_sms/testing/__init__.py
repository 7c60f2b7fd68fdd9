"""A real short message service centre for tests, on this machine: npm's ``smpp`` behind a script of faults.

with Smsc() as smsc:
    account = Account(..., base_url=f"smpp://tester@127.0.0.1:{smsc.port}", token=Secret("secret"))
    smsc.say("+447911123456", "12345", "Hello")
    smsc.submitted  # what came in
    smsc.reset()

``smsc.js`` beside this file says what becomes of a message by the last three digits of its destination. It needs ``node``
and ``npm`` on the path; without them, or where the package cannot be had, it says so with ``Missing``.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, final

from wa_connector_sms.segments import segments

PACKAGE: Final = "smpp@0.5.1"
_SCRIPT: Final = Path(__file__).with_name("smsc.js")
_PATIENCE: Final = 10.0


class Missing(Exception):
    """What is not to be had on this machine; the text says what to install."""


def modules() -> Path:
    """Where npm's package is, installed at first use: beside the environment that runs this."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("install node and npm")
    prefix = Path(sys.prefix)
    folder = (prefix if os.access(prefix, os.W_OK) else Path(tempfile.gettempdir())) / "node"
    found = folder / "node_modules"
    if not (found / "smpp" / "package.json").is_file():
        import fcntl

        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (found / "smpp" / "package.json").is_file():
                command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
                done = subprocess.run(command, check=False, capture_output=True, timeout=120, cwd=folder)  # noqa: S603 - fixed words
                if done.returncode:
                    raise Missing(f"npm cannot install {PACKAGE}")
    return found


@final
class Smsc:
    """One centre, started when it is made; ``stop`` ends it, and so does the end of this process."""

    def __init__(self) -> None:
        environment = {**os.environ, "NODE_PATH": str(modules())}
        self._process: Final = subprocess.Popen(  # noqa: S603 - fixed words
            [shutil.which("node") or "node", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Missing("node cannot run the centre; its own words are above")
        ports = json.loads(line)
        self.host: Final = "127.0.0.1"
        self.port: Final[int] = ports["smpp"]
        self._control: Final = f"http://127.0.0.1:{ports['control']}"

    def stop(self) -> None:
        """End the process. May be called twice."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(_PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()

    # --- what it is to do -----------------------------------------------------------------------------------------

    def script(self, **words: object) -> None:
        """Change how it behaves: ``delay`` and ``receipts`` (milliseconds before an answer, and a receipt), ``bind`` (the
        status that refuses one), ``password``, ``mute`` (no answer to enquire_link)."""
        self._ask("/script", words)

    def reset(self) -> None:
        """Drop every connection and forget everything."""
        self._ask("/reset", {})

    def drop(self) -> None:
        """Drop every connection."""
        self._ask("/drop", {})

    def unbind(self) -> None:
        """Take leave of everybody politely."""
        self._ask("/unbind", {})

    def enquire(self) -> None:
        """Ask everybody whether he is there; ``state["answers"]`` counts who said so."""
        self._ask("/enquire", {})

    def raw(self, octets: bytes) -> None:
        """Write octets as they are to whoever receives."""
        self._ask("/raw", {"hex": octets.hex()})

    def say(
        self, sender: str, receiver: str, text: str, *, reference: int = 1, order: Sequence[int] = (), **more: object
    ) -> int:
        """Let a telephone write ``text``, in as many parts as it takes; ``order`` gives the places of those that are sent,
        in that order. How many went."""
        parts = segments(text)
        chosen = [parts[place - 1] for place in order] if order else parts
        codings = {"gsm": 0, "ucs2": 8}
        return self.deliver(
            sender,
            receiver,
            [
                {
                    "hex": part.octets.hex(),
                    "coding": codings[part.alphabet.value],
                    "udh": part.header(reference).hex(),
                    **more,
                }
                for part in chosen
            ],
        )

    def deliver(self, sender: str, receiver: str, parts: Sequence[Mapping[str, object]]) -> int:
        """Push messages as they are given: ``hex``, ``coding``, ``udh`` (hex) and tags by npm's names. How many went."""
        sent: int = self._ask("/mo", {"from": sender.lstrip("+"), "to": receiver.lstrip("+"), "parts": list(parts)})[
            "sent"
        ]
        return sent

    # --- what it saw ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Any]:
        """``log`` (every PDU that came in), ``binds``, ``bound``, ``acks`` (the statuses of deliver_sm_resp), …"""
        return self._ask("/state", None)

    @property
    def submitted(self) -> list[dict[str, Any]]:
        """Each submit_sm, in the order of its coming."""
        return [pdu for pdu in self.state["log"] if pdu["command"] == "submit_sm"]

    def wait(self, holds: Callable[[dict[str, Any]], object], timeout: float = _PATIENCE) -> dict[str, Any]:
        """Wait until something holds of ``state``, and return that. Raises ``TimeoutError``."""
        until = time.monotonic() + timeout
        while not holds(state := self.state):
            if time.monotonic() > until:
                raise TimeoutError("it does not come about")
            time.sleep(0.02)
        return state

    def _ask(self, verb: str, words: Mapping[str, object] | None) -> dict[str, Any]:
        body = None if words is None else json.dumps(words).encode()
        with urllib.request.urlopen(self._control + verb, body, timeout=_PATIENCE) as answer:  # noqa: S310 - loopback
            found: dict[str, Any] = json.load(answer)
        return found
