"""A private Asterisk for tests: voicemail and the manager interface alone, on loopback, in a folder of its own.

Its program is unpacked from a distribution, and not installed, by ``scripts/asterisk``. Callers are local channels: one leg
leaves a message, or opens the mailbox's menu; the other speaks, or presses keys. The voicemail part of the configuration is
that of the page "Connect an Asterisk".
"""

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from wa_connector_voicemail.ami import Ami, Manager

from wa_connector.errors import Unavailable
from wa_connector.model.secret import Secret

MODULES = """res_adsi res_smdi res_timing_timerfd pbx_config res_clioriginate app_voicemail app_playback app_senddtmf
app_verbose format_wav format_gsm format_wav_gsm codec_gsm codec_ulaw codec_resample func_callerid func_strings"""
EMPTY = "http features cdr cel udptl indications acl sorcery ccss stasis rtp pjproject"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-asterisk.md"
EXTENSIONS = """[vm]
; The mailbox itself: leave a message (s: no instructions), with u before it an urgent one, with r before it its menu.
exten => _X.,1,Answer()
 same => n,VoiceMail(${EXTEN}@default,s)
 same => n,Hangup()
exten => _uX.,1,Answer()
 same => n,VoiceMail(${EXTEN:1}@default,sU)
 same => n,Hangup()
exten => _rX.,1,Answer()
 same => n,VoiceMailMain(${EXTEN:1}@default,s)
 same => n,Hangup()
[speak]
exten => talk,1,Answer()
 same => n,Playback(demo-congrats)
 same => n,Hangup()
; Hear the first message and leave; hear the first and delete it.
exten => listen,1,Answer()
 same => n,Wait(4)
 same => n,SendDTMF(1)
 same => n,Wait(5)
 same => n,Hangup()
exten => delete,1,Answer()
 same => n,Wait(2)
 same => n,SendDTMF(1w7,1000)
 same => n,Wait(4)
 same => n,Hangup()
"""


def from_page(name: str) -> str:
    """A file as the page shows it."""
    found = re.search(rf"<!-- file: {re.escape(name)} -->\n```[a-z]*\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None, f"the page shows no {name}"
    return found[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Asterisk:
    """``root`` is a folder of its own; ``prefix`` where the program is unpacked."""

    def __init__(self, prefix: Path, root: Path) -> None:
        self.root, self.prefix = root, prefix
        self.spool = root / "spool" / "voicemail"
        self.signal = root / "changed"
        self.manager = Manager("wa_connector", Secret("a long random text"), port=free_port())
        for folder in ("etc", "spool/voicemail", "run", "log", "lib", "db"):
            (root / folder).mkdir(parents=True)
        self._configure()

    def _configure(self) -> None:
        etc, root = self.root / "etc", self.root
        library = self.prefix / "usr" / "lib" / "x86_64-linux-gnu" / "asterisk" / "modules"
        folders = {
            "astetcdir": etc,
            "astmoddir": library,
            "astvarlibdir": root / "lib",
            "astdbdir": root / "db",
            "astkeydir": root / "lib",
            "astdatadir": self.prefix / "usr" / "share" / "asterisk",
            "astagidir": root / "lib",
            "astspooldir": root / "spool",
            "astrundir": root / "run",
            "astlogdir": root / "log",
        }
        listed = "".join(f"{name} => {folder}\n" for name, folder in folders.items())
        (etc / "asterisk.conf").write_text(f"[directories]\n{listed}[options]\nverbose = 3\n")
        loads = "".join(f"load => {module}.so\n" for module in MODULES.split())
        (etc / "modules.conf").write_text(f"[modules]\nautoload=no\n{loads}")
        notify = root / "changed.sh"
        notify.write_text(from_page("wa-changed").replace("/var/lib/wa_connector/voicemail-changed", str(self.signal)))
        notify.chmod(0o755)
        # What is said on the page, with short messages, boxes without people, and no mail.
        voicemail = from_page("voicemail.conf").replace("/usr/local/bin/wa-changed", str(notify))
        general, _, _ = voicemail.partition("[default]")
        boxes = "".join(f"{box} => 1234,Box {box}\n" for box in range(1000, 1020))
        (etc / "voicemail.conf").write_text(
            f"{general}maxsecs=2\nminsecs=0\nmaxsilence=0\nmaxmsg=100\nenvelope=no\n[default]\n{boxes}"
        )
        manager = from_page("manager.conf").replace("port = 5038", f"port = {self.manager.port}")
        rig = "[rig]\nsecret=rig\nread=all\nwrite=all\n"
        (etc / "manager.conf").write_text(f"{manager}\n{rig}")
        (etc / "extensions.conf").write_text(EXTENSIONS)
        (etc / "logger.conf").write_text("[logfiles]\nfull => notice,warning,error,verbose(3)\n")
        for name in EMPTY.split():
            (etc / f"{name}.conf").touch()

    @contextlib.contextmanager
    def running(self) -> Iterator["Asterisk"]:
        command = [str(self.prefix / "asterisk"), "-C", str(self.root / "etc" / "asterisk.conf"), "-f", "-n"]
        with (self.root / "log" / "out").open("wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            self._until_booted(process)
            yield self
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _until_booted(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(Unavailable), self.ami() as ami:
                if any(event["event"] == "FullyBooted" for event in ami.events(5)):
                    return
            time.sleep(0.05)
        raise RuntimeError((self.root / "log" / "out").read_text("utf-8", "replace")[-2000:])

    def ami(self) -> Ami:
        """The rig's own connection, with events."""
        return Ami(Manager("rig", Secret("rig"), port=self.manager.port), wants_events=True)

    # --- people -------------------------------------------------------------------------------------------------------

    def leave(self, box: str, *callers: str, urgent: bool = False) -> None:
        """Each caller (``"Zoe" <+4479…>``) leaves a message, all at once; returns when Asterisk has told of every one."""
        self._act(f"{'u' if urgent else ''}{box}", "talk", box, *(callers or ('"Zoe" <+447911123456>',)))

    def listen(self, box: str) -> None:
        """The owner hears the first message in the menu, and hangs up."""
        self._act(f"r{box}", "listen", box, "")

    def delete(self, box: str) -> None:
        """The owner deletes the first message in the menu, and hangs up."""
        self._act(f"r{box}", "delete", box, "")

    def _act(self, number: str, what: str, box: str, *callers: str) -> None:
        with self.ami() as ami:
            for caller in callers:
                ami.ask(
                    "Originate",
                    Channel=f"Local/{number}@vm",
                    Context="speak",
                    Exten=what,
                    Priority="1",
                    CallerID=caller,
                    Async="true",
                )
            left = len(callers)
            for event in ami.events(40):
                left -= event["event"] == "MessageWaiting" and event["mailbox"] == f"{box}@default"
                if not left:
                    return
        raise TimeoutError(f"Asterisk told {left} times too few of the box {box}")

    def files(self, box: str) -> list[str]:
        """Where the messages of a box lie."""
        folder = self.spool / "default" / box
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("msg*.txt"))


def environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8"}
