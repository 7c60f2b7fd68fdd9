"""What "Connect an SMSC by SMPP" shows is what runs: its directory, its host and its program, against a real centre."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wa_connector_sms.testing import Smsc

pytest.importorskip("wa_connector_directory")
pytest.importorskip("wa_connector_sqlite")
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-smpp.md"
FILE = re.compile(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
SAID = """
from host import connector
for thread in connector.conversations("acme", "ana", unassigned=True):
    for message in connector.timeline("acme", "ana", thread.id).messages:
        print(message.status.value, getattr(message.content, "body", ""))
"""
ANSWER = """
from host import connector
from wa_connector import Text
(thread,) = connector.conversations("acme", "ana", unassigned=True)
connector.send("acme", "ana", thread.id, Text("Yes, until six. " * 12)).or_raise()
"""
ANSWERED = SAID.replace("unassigned=True", "")


def test_the_page_connects(smsc: Smsc, tmp_path: Path) -> None:
    """A customer writes, Ana answers in two parts, and the receipts come; SIGTERM ends it politely."""
    if not PAGE.is_file():
        pytest.skip("the page is not part of this distribution")
    for name, text in FILE.findall(PAGE.read_text("utf-8")):
        (tmp_path / name).write_text(text.replace("2775", str(smsc.port)), "utf-8")

    def run(program: str) -> str:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    served = subprocess.Popen([sys.executable, "serve.py"], cwd=tmp_path)
    try:
        smsc.wait(lambda state: state["bound"] == ["bind_transceiver"], 30)
        smsc.say("+447911123456", "+15550000001", "Are you open? " * 20)
        smsc.wait(lambda state: state["acks"] == [0, 0])
        assert run(SAID).startswith("received Are you open?")
        run(ANSWER)
        smsc.wait(lambda state: len(state["acks"]) == 4, 30)
        until = time.monotonic() + 30
        while "delivered Yes" not in run(ANSWERED):
            assert time.monotonic() < until
    finally:
        served.send_signal(signal.SIGTERM)
        assert served.wait(20) == 0
    smsc.wait(lambda state: not state["bound"])
    assert smsc.state["log"][-1]["command"] == "unbind"
