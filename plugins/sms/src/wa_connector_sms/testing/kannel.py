"""A real Kannel for tests, on this machine: ``bearerbox`` and ``smsbox`` between a service centre and a host.

It needs the package ``kannel``; without it, it says so with ``Missing``.
"""

import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

from wa_connector_sms.testing import Missing

_PATIENCE: Final = 20.0


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise Missing("install kannel")
    return found


@final
class KannelGateway:
    """One gateway, started when it is made, by a configuration as the how-to shows it; its ports are replaced by free ones.

    ``smsc`` is the port of the service centre, ``host`` that of the web server to which it tells what comes in.
    """

    def __init__(self, configuration: str, smsc: int, host: int) -> None:
        bearerbox, smsbox = _program("bearerbox"), _program("smsbox")
        ports = {"13000": _free(), "13001": _free(), "13013": _free(), "2775": smsc, "8080": host}
        for old, new in ports.items():
            configuration = re.sub(rf"(?<=[ :]){old}\b", str(new), configuration)
        self.base_url: Final = f"http://127.0.0.1:{ports['13013']}"
        self._admin: Final = f"http://127.0.0.1:{ports['13000']}"
        self._folder: Final = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "kannel.conf"
        path.write_text(configuration, encoding="utf-8")
        self._password: Final = re.search(r'admin-password = "([^"]*)"', configuration)
        self._boxes: Final[list[subprocess.Popen[bytes]]] = []
        try:
            self._start(bearerbox, path, self._admin)
            self._start(smsbox, path, self.base_url)
            self._until("online")
        except BaseException:
            self.stop()
            raise

    def _start(self, program: str, path: Path, answers_at: str) -> None:
        log = (Path(self._folder.name) / f"{Path(program).name}.log").open("wb")
        with log:
            self._boxes.append(
                subprocess.Popen([program, "-v", "2", str(path)], stdout=log, stderr=log, cwd=self._folder.name)  # noqa: S603
            )
        until = time.monotonic() + _PATIENCE
        while not _answers(answers_at):
            if time.monotonic() > until or self._boxes[-1].poll() is not None:
                raise Missing(f"{Path(program).name} does not start")
            time.sleep(0.05)

    def _until(self, word: str) -> None:
        """Until the connection to the service centre stands, and the smsbox is known."""
        until = time.monotonic() + _PATIENCE
        while word not in (said := self.status()) or "smsbox" not in said:
            if time.monotonic() > until:
                raise Missing("Kannel does not reach the service centre")
            time.sleep(0.05)

    def online(self) -> None:
        """Wait until the connection to the service centre stands."""
        self._until("online")

    def status(self) -> str:
        """What it says of itself."""
        password = self._password[1] if self._password else ""
        with urllib.request.urlopen(f"{self._admin}/status.txt?password={password}", timeout=5) as answer:  # noqa: S310 - loopback
            text: str = answer.read().decode("utf-8", "replace")
        return text

    def log(self) -> str:
        """What both boxes wrote."""
        return "".join(path.read_text("utf-8", "replace") for path in Path(self._folder.name).glob("*.log"))

    def stop(self) -> None:
        """End both boxes. May be called twice."""
        for box in reversed(self._boxes):
            if box.poll() is None:
                box.terminate()
        for box in self._boxes:
            try:
                box.wait(5)
            except subprocess.TimeoutExpired:  # it waits for messages that no smsbox will fetch
                box.kill()
                box.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - loopback
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
