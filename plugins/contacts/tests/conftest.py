"""Real servers of address books, each started once, on loopback, and stopped by its own process id."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def waited(is_up: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if is_up():
            return
        assert process.poll() is None, "the server ended by itself"
        time.sleep(0.05)
    pytest.fail("the server did not come up in half a minute")


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def radicale() -> Iterator[str]:
    """The address of a Radicale without users."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--server-hosts=127.0.0.1:{port}", "--auth-type=none", f"--storage-filesystem-folder={folder}"]
        command = [sys.executable, "-m", "radicale", "--config", "", *options, "--logging-level=error"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            waited(lambda: listens(port), process)
            assert httpx.request("MKCOL", f"http://127.0.0.1:{port}/tests/", timeout=20).status_code == 201
            yield f"http://127.0.0.1:{port}/"
        finally:
            stopped(process)


class AddressBook:
    """One address book on a server."""

    def __init__(self, server: str, name: str) -> None:
        self.url = f"{server}tests/{name}/"
        self.client = httpx.Client(timeout=20)
        body = (
            '<d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:set><d:prop><d:resourcetype>'
            "<d:collection/><c:addressbook/></d:resourcetype></d:prop></d:set></d:mkcol>"
        )
        made = self.client.request("MKCOL", self.url, content=body)
        assert made.status_code == 201, made.text

    def put(self, name: str, *numbers: str, uid: str = "") -> None:
        lines = "".join(f"TEL;TYPE=CELL:{number}\r\n" for number in numbers)
        card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid or name}\r\nFN:{name}\r\n{lines}END:VCARD\r\n"
        headers = {"content-type": "text/vcard"}
        assert self.client.put(f"{self.url}{uid or name}.vcf", content=card, headers=headers).status_code in {201, 204}

    def remove(self, name: str) -> None:
        assert self.client.delete(f"{self.url}{name}.vcf").status_code in {200, 204}


@pytest.fixture
def book(radicale: str, request: pytest.FixtureRequest) -> Iterator[AddressBook]:
    made = AddressBook(radicale, request.node.name.replace("[", "-").replace("]", "")[-60:])
    yield made
    made.client.close()


_SLAPD = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw sesame
directory {folder}/data
"""


@pytest.fixture(scope="session")
def slapd() -> Iterator[str]:
    """The url of an OpenLDAP with nobody in it."""
    program = shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap:/usr/bin")
    if program is None:
        pytest.skip("NOT RUN: contacts in a real LDAP directory, for want of slapd")
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "slapd.conf").write_text(_SLAPD.format(folder=folder))
        url = f"ldap://127.0.0.1:{port}"
        command = [program, "-f", str(folder / "slapd.conf"), "-h", f"{url}/", "-d", "0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            waited(lambda: listens(port), process)
            yield url
        finally:
            stopped(process)
