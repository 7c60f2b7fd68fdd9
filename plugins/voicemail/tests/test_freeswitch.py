"""FreeSWITCH by its event socket, as its protocol is documented: no FreeSWITCH could be had to test against.

NOT RUN: voicemail against a real FreeSWITCH.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import ACME, ANA, Office
from wa_connector_voicemail import Done, Info, MessageGone, Round
from wa_connector_voicemail.changes import SETTLED
from wa_connector_voicemail.freeswitch import Esl, EventSocket, FreeSwitch, MwiHints, read_list, read_message

from wa_connector.errors import ConfigError, Unavailable, UsageError
from wa_connector.model.address import number
from wa_connector.model.secret import Secret

BOX, PASSWORD = "1000@pbx.example", "a long random text"


class Switch:
    """Speaks the event socket's protocol: an ``auth/request``, ``api/response`` with a length, ``text/event-plain``."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.listening: list[socket.socket] = []
        self.is_wrong = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def leave(self, name: str, path: str, *, caller: str = "+447911123456", **more: str) -> None:
        self.messages[name] = {
            "VM-Message-UUID": name,
            "VM-Message-Received-Epoch": "1795332123",
            "VM-Message-Read-Epoch": "0",
            "VM-Message-Caller-Number": caller,
            "VM-Message-Caller-Name": 'Zoe: "Q" & Co',
            "VM-Message-File-Path": path,
            "VM-Message-Duration": "12",
            "VM-Message-Read-Flags": "B_NORMAL",
            **more,
        }

    def tell(self, action: str) -> None:
        body = f"Event-Name: CUSTOM\nEvent-Subclass: vm%3A%3Amaintenance\nVM-Action: {action}\nVM-User: 1000\n\n"
        for connection in self.listening:
            connection.sendall(f"Content-Length: {len(body)}\nContent-Type: text/event-plain\n\n{body}".encode())

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._accepting.join(10)
        for connection in self.listening:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,)).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            connection.sendall(b"Content-Type: auth/request\n\n")
            buffer = b""
            while octets := connection.recv(4096):
                buffer += octets
                while b"\n\n" in buffer:
                    command, _, buffer = buffer.partition(b"\n\n")
                    connection.sendall(self._answer(connection, command.decode()).encode())
        except OSError:
            pass
        finally:
            if connection not in self.listening:
                connection.close()

    def _answer(self, connection: socket.socket, command: str) -> str:
        word, _, rest = command.partition(" ")
        if word == "auth":
            reply = "+OK accepted" if rest == PASSWORD else "-ERR invalid"
            return f"Content-Type: command/reply\nReply-Text: {reply}\n\n"
        if word == "event":
            self.listening.append(connection)
            return "Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
        body = "-ERR no such box\n" if self.is_wrong else self._called(rest)
        return f"Content-Type: api/response\nContent-Length: {len(body.encode())}\n\n{body}"

    def _called(self, call: str) -> str:
        self.asked.append(call)
        name, *given = call.split()
        if name == "vm_fsdb_msg_list":
            assert given[:5] == ["json", "default", "pbx.example", "1000", "inbox"]
            kept = [m for m, each in self.messages.items() if (each.get("flags") == "save") == (given[5] == "saved")]
            listed = {f"VM-List-Message-{place}-UUID": each for place, each in enumerate(kept, 1)}
            return json.dumps({"VM-List-Count": str(len(kept)), **listed})
        if name == "vm_fsdb_msg_get":
            return json.dumps(self.messages.get(given[4], {}))
        message = given[-1]
        if name == "vm_read":
            assert given == ["1000@pbx.example/default", "read", message]
            self.messages[message] |= {"VM-Message-Read-Epoch": "1795332200"}
            return "+OK"
        assert (name, given[0]) == ("vm_delete", "1000@pbx.example/default")
        del self.messages[message]
        return "+OK"


@pytest.fixture
def switch() -> Iterator[Switch]:
    made = Switch()
    yield made
    made.close()


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    folder = tmp_path / "storage" / "pbx.example" / "1000"
    folder.mkdir(parents=True)
    (folder / "msg_1.wav").write_bytes(b"recording 1")
    return tmp_path / "storage"


@pytest.fixture
def source(switch: Switch, storage: Path) -> FreeSwitch:
    to = EventSocket(Secret(PASSWORD), port=switch.port, seconds=2)
    return FreeSwitch("fs", to, storage, there="/var/lib/freeswitch/storage/voicemail/default")


PATH = "/var/lib/freeswitch/storage/voicemail/default/pbx.example/1000/msg_1.wav"
FIRST, SECOND = "11111111-aaaa", "22222222-bbbb"


def test_a_message_is_an_entry_heard_and_removed_on_both_sides(
    switch: Switch, source: FreeSwitch, tmp_path: Path
) -> None:
    switch.leave(FIRST, PATH)
    switch.leave(SECOND, PATH, flags="save", **{"VM-Message-Read-Flags": "A_URGENT"})
    office = Office(source, [BOX], tmp_path / "seen")
    assert office.look() == Round(came=2)
    office.work()
    entries = office.entries(BOX)
    assert office.recording(entries[FIRST]) == b"recording 1"
    customer = office.customer(entries[FIRST].conversation)
    assert (customer.addresses, customer.name) == ((number("+447911123456"),), 'Zoe: "Q" & Co')
    office.connector.mark_read(ACME, ANA, entries[FIRST].conversation, list(entries.values())[-1].id).or_raise()
    office.work()
    assert office.look() == Round(heard=2)
    assert source.mark_heard(BOX, FIRST) is Done.DONE
    assert source.remove(BOX, FIRST) is Done.DONE
    assert source.remove(BOX, FIRST) is Done.GONE
    office.look()
    time.sleep(SETTLED.total_seconds() + 0.05)
    assert office.look() == Round(gone=1)


def test_a_watcher_looks_when_the_box_has_changed_and_not_before_the_row_is_there(
    switch: Switch, source: FreeSwitch
) -> None:
    hints, woken = source.hints([BOX]), threading.Event()
    hints.wait(5, lambda: False)  # Connected: what came before nobody knows.

    def wait() -> None:
        hints.wait(10, lambda: False)
        woken.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    switch.tell("leave-message")
    assert not woken.wait(1)
    switch.tell("mwi-update")
    assert woken.wait(5)
    waiting.join(5)
    hints.close()


def test_waiting_for_nobody_ends_in_time() -> None:
    hints = MwiHints(EventSocket(Secret("x"), port=1, seconds=0.2))
    began = time.monotonic()
    hints.wait(0.5, lambda: False)
    assert time.monotonic() - began < 5
    hints.wait(60, lambda: True)
    hints.close()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../etc/passwd", "", "/var/lib/freeswitch/storage/voicemail/default/../../x.wav"]
)
def test_a_recording_outside_of_the_storage_is_refused(switch: Switch, source: FreeSwitch, path: str) -> None:
    switch.leave(FIRST, path)
    with pytest.raises(MessageGone, match="not in the storage"):
        source.open(BOX, FIRST)


def test_what_is_not_there_says_so(switch: Switch, source: FreeSwitch) -> None:
    switch.leave(FIRST, PATH.replace("msg_1", "msg_2"))
    for name in (FIRST, SECOND, "x y; z"):
        with pytest.raises(MessageGone):
            source.open(BOX, name)
    with pytest.raises(UsageError, match="no box"):
        source.scan("1000 pbx")
    switch.is_wrong = True
    with pytest.raises(Unavailable, match="does not list"):
        source.scan(BOX)


def test_a_message_that_cannot_be_read_is_named_and_the_others_are_read(switch: Switch, source: FreeSwitch) -> None:
    switch.leave(FIRST, PATH)
    switch.leave(SECOND, PATH, **{"VM-Message-Received-Epoch": "soon"})
    contents = source.scan(BOX)
    assert list(contents.messages) == [FIRST]
    assert [each.problem for each in contents.broken] == ["it has no time"]


def test_a_password_that_is_not_taken_is_a_mistake_of_the_configuration(switch: Switch) -> None:
    to = EventSocket(Secret("not this"), port=switch.port)
    with pytest.raises(ConfigError, match="password") as error:
        Esl(to)
    assert "not this" not in str(error.value) + repr(to)


@pytest.mark.parametrize(
    ("greeting", "problem"),
    [
        (b"SSH-2.0-OpenSSH\n\n", "no event socket"),
        (b"", "no answer in time"),
        (b"Content-Length: -1\n\n", "no good length"),
        (b"Content-Length: 99999999999\n\n", "no good length"),
        (b"Content-Type: auth/request\n\nContent-Length: 5\n\nabc", "no answer in time"),
        (b"x" * 200_000, "head of more than"),
    ],
)
def test_who_does_not_behave_is_unavailable(greeting: bytes, problem: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        speaking = threading.Thread(target=_say, args=(server, greeting))
        speaking.start()
        with pytest.raises(Unavailable, match=problem):
            Esl(EventSocket(Secret("x"), port=server.getsockname()[1], seconds=1.0))
        speaking.join(10)


def _say(server: socket.socket, greeting: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.settimeout(5)
        try:
            connection.sendall(greeting)
            while connection.recv(4096):
                pass
        except OSError:
            pass


def test_a_command_with_a_line_break_is_refused(switch: Switch) -> None:
    with Esl(EventSocket(Secret(PASSWORD), port=switch.port)) as esl, pytest.raises(UsageError, match="line break"):
        esl.api("status\n\nexit")


ANSWERS: st.SearchStrategy[str] = st.text(max_size=60) | st.dictionaries(
    st.sampled_from(("VM-List-Count", "VM-List-Message-1-UUID", "VM-Message-UUID", "VM-Message-Received-Epoch")),
    st.none() | st.integers() | st.text(max_size=12) | st.lists(st.integers(), max_size=2),
).map(json.dumps)


@given(ANSWERS)
def test_any_answer_is_read_or_named(answer: str) -> None:
    listed, read = read_list(answer), read_message(answer)
    assert listed is None or all(isinstance(name, str) for name in listed)
    assert isinstance(read, str) or isinstance(read[0], Info)
