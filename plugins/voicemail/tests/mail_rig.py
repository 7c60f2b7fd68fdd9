"""A private IMAP server for tests: Dovecot's own, unpacked from the distribution and not installed, on loopback.

Its login process looks for its modules where a distribution installs them, so the login is answered here; everything behind
it is Dovecot's ``imap``, a process for each connection, as in every installation.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import IO

PASSWORD = "a long random text"
NOBODY = 65534
"""Dovecot opens no mailbox of root's."""


def unpacked(prefix: Path) -> str:
    """Fetch it into ``prefix``; why that cannot be, or ''."""
    if (prefix / "usr").is_dir():
        return ""
    fresh = prefix.with_name(f"{prefix.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    try:
        subprocess.run(
            ["apt-get", "-qq", "download", "dovecot-core", "dovecot-imapd"],
            cwd=fresh,
            check=True,
            capture_output=True,
            timeout=120,
        )
        for package in fresh.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, fresh], check=True, capture_output=True, timeout=60)
            package.unlink()
        with contextlib.suppress(OSError):  # Another run was faster.
            fresh.rename(prefix)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no Dovecot: {type(error).__name__}"
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    command = ["ldd", str(prefix / "usr" / "lib" / "dovecot" / "imap")]
    missing = subprocess.run(command, env=_environment(prefix), capture_output=True, text=True, check=False)
    return "no Dovecot: what was fetched does not run here" if "not found" in missing.stdout else ""


def _environment(prefix: Path) -> dict[str, str]:
    return {**os.environ, "USER": "box", "LD_LIBRARY_PATH": str(prefix / "usr" / "lib" / "dovecot")}


def _pass_on(connection: socket.socket, stdin: IO[bytes]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while octets := connection.recv(65536):
            stdin.write(octets)
    with contextlib.suppress(OSError):
        stdin.close()


class MailServer:
    """One mailbox, of the user ``box``."""

    def __init__(self, prefix: Path, root: Path) -> None:
        self.prefix, self.root = prefix, root
        self.mails = root / "mails"
        user = NOBODY if os.geteuid() == 0 else os.geteuid()
        for folder in ("", "/cur", "/new", "/tmp"):
            (root / f"mails{folder}").mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(root / f"mails{folder}", NOBODY, NOBODY)
        library = prefix / "usr" / "lib" / "dovecot"
        (root / "dovecot.conf").write_text(
            f"protocols = imap\nbase_dir = {root}/run\nlibexec_dir = {library}\nmail_plugin_dir = {library}/modules\n"
            f"ssl = no\nlog_path = {root}/log\nmail_location = maildir:{self.mails}\nmail_home = {root}/mails\n"
            f"first_valid_uid = 0\nfirst_valid_gid = 0\nmail_uid = {user}\nmail_gid = {user}\n"
        )
        self._count = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]

    @contextlib.contextmanager
    def running(self) -> Iterator["MailServer"]:
        serving = threading.Thread(target=self._serve)
        serving.start()
        try:
            yield self
        finally:
            with contextlib.suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            serving.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        """Answer the login, and leave the rest to Dovecot. One connection at a time is enough here."""
        connection.settimeout(20)
        connection.sendall(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        with contextlib.suppress(OSError, ValueError):
            while True:
                line = b""
                while not line.endswith(b"\r\n"):
                    octet = connection.recv(1)
                    if not octet:
                        return
                    line += octet
                tag, command, *given = line.decode().strip().split(" ", 2)
                if command.upper() == "LOGIN" and given == [f'"box" "{PASSWORD}"']:
                    connection.sendall(f"{tag} OK Logged in\r\n".encode())
                    break
                answer = "* CAPABILITY IMAP4rev1\r\n" if command.upper() == "CAPABILITY" else ""
                word = "NO [AUTHENTICATIONFAILED] wrong" if command.upper() == "LOGIN" else "OK done"
                connection.sendall(f"{answer}{tag} {word}\r\n".encode())
            self._relay(connection)

    def _relay(self, connection: socket.socket) -> None:
        """It refuses a socket, which it takes for that of an inetd; so what is said passes through pipes."""
        imap = self.prefix / "usr" / "lib" / "dovecot" / "imap"
        conf = [str(self.prefix / "usr" / "bin" / "doveconf"), "-c", str(self.root / "dovecot.conf")]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*conf, "-m", "imap", "-e", str(imap)],
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env={**_environment(self.prefix), "HOME": str(self.mails)},
            bufsize=0,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            asking = threading.Thread(target=_pass_on, args=(connection, process.stdin))
            asking.start()
            while octets := process.stdout.read(65536):
                connection.sendall(octets)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            asking.join(10)

    # --- mails --------------------------------------------------------------------------------------------------------

    def deliver(self, number: int, sound: bytes | None, **headers: str) -> str:
        """As Asterisk writes them; the mail's id."""
        mail = EmailMessage()
        name = f"Asterisk-{number}-575362691-1000-9046@vm"
        written = {
            "From": "Asterisk PBX <pbx@example.invalid>",
            "To": "Ana <ana@example.invalid>",
            "Subject": f"[PBX]: New message {number} in mailbox 1000",
            "Date": "Sun, 22 Nov 2026 07:22:03 +0000",
            "Message-ID": f"<{name}>",
            "X-Asterisk-CallerID": "+447911123456",
            "X-Asterisk-CallerIDName": "Zoe",
        } | {key.replace("_", "-"): value for key, value in headers.items()}
        for key, value in written.items():
            if value:
                mail[key] = value
        mail.set_content("You have a new message.")
        if sound is not None:
            mail.add_attachment(sound, maintype="audio", subtype="x-WAV", filename="msg0000.WAV")
        self._count += 1
        path = self.mails / "new" / f"1795332123.{self._count}.rig"
        path.write_bytes(mail.as_bytes())
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        return name

    def flags(self) -> list[str]:
        """The flags of each mail in the folder, as the maildir says."""
        seen = [path.name.partition(":2,")[2] for path in (self.mails / "cur").iterdir()]
        return sorted([*seen, *("new" for _ in (self.mails / "new").iterdir())])
