"""The manager interface when it does not behave: what is not there in time, breaks off, floods or is somebody else."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from wa_connector_voicemail import Manager
from wa_connector_voicemail.ami import Ami, AmiRefused, MailboxEvents

from wa_connector.errors import ConfigError, Unavailable
from wa_connector.model.secret import Secret

BANNER = b"Asterisk Call Manager/9.0.0\r\n"
LOGGED_IN = (
    b"Response: Success\r\nActionID: 1\r\nChallenge: 42\r\n\r\n",
    b"Response: Success\r\nActionID: 2\r\nMessage: Authentication accepted\r\n\r\n",
)
Serve = Callable[..., Manager]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Somebody who says a banner and then one answer for each action that it is sent, and hangs up at the end of them."""
    with ExitStack() as stack:

        def make(banner: bytes, *answers: bytes, seconds: float = 0.5, times: int = 1) -> Manager:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            speaking = threading.Thread(target=_speak, args=(server, banner, answers, times))
            speaking.start()
            stack.callback(speaking.join, 10)
            return Manager("wa", Secret("a secret"), port=server.getsockname()[1], seconds=seconds)

        yield make


def _speak(server: socket.socket, banner: bytes, answers: tuple[bytes, ...], times: int) -> None:
    server.settimeout(10)
    for _ in range(times):
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            try:
                connection.sendall(banner)
                for answer in answers:
                    heard = b""
                    while b"\r\n\r\n" not in heard:
                        heard += connection.recv(4096) or b"\r\n\r\n"
                    assert b"a secret" not in heard
                    connection.sendall(answer)
                while connection.recv(4096):
                    pass
            except OSError:
                pass


@pytest.mark.parametrize(
    ("banner", "answers", "problem"),
    [
        (b"SSH-2.0-OpenSSH\r\n", (), "no manager interface"),
        (b"", (), "no answer in time"),
        (BANNER, (b"",), "no answer in time"),
        (BANNER, (b"x" * 300_000,), "packet of more than"),
        (BANNER, (b"\xff\xfe: \x00\r\n\r\n",), "no answer in time"),
    ],
)
def test_who_does_not_behave_is_unavailable(
    serve: Serve, banner: bytes, answers: tuple[bytes, ...], problem: str
) -> None:
    with pytest.raises(Unavailable, match=problem):
        Ami(serve(banner, *answers))


def test_a_login_that_is_refused_is_a_mistake_of_the_configuration(serve: Serve) -> None:
    refused = b"Response: Error\r\nActionID: 2\r\nMessage: Authentication failed\r\n\r\n"
    with pytest.raises(ConfigError, match="Authentication failed"):
        Ami(serve(BANNER, LOGGED_IN[0], refused))


def test_an_answer_is_found_among_events_and_an_old_version_says_that_it_cannot(serve: Serve) -> None:
    event = b"Event: MessageWaiting\r\nMailbox: 1000@default\r\n\r\n"
    unknown = b"Response: Error\r\nActionID: 3\r\nMessage: Invalid/unknown command\r\n\r\n"
    with (
        Ami(serve(BANNER, *LOGGED_IN, event + unknown)) as ami,
        pytest.raises(AmiRefused, match="Invalid/unknown command"),
    ):
        ami.ask("VoicemailMove", Mailbox="1000")


def test_waiting_goes_on_through_a_connection_that_breaks(serve: Serve) -> None:
    """It is told that it may have missed something when it is back."""
    now = [0.0]
    told = b"Event: MessageWaiting\r\nMailbox: 1000@default\r\n\r\n"
    manager = serve(BANNER, LOGGED_IN[0], LOGGED_IN[1] + told + b"Event: Other\r\n\r\n", times=2)
    events = MailboxEvents(manager, clock=lambda: now[0])
    assert events.is_told(1)
    assert events.is_told(1)
    assert not events.is_told(0.1)
    events.close()
    assert events.is_told(1)
    events.close()
    nobody = MailboxEvents(Manager("wa", Secret("x"), port=1, seconds=0.2), clock=lambda: now[0])
    assert not nobody.is_told(0.01)
    assert not nobody.is_told(0.01)
    now[0] = 1.5
    assert not nobody.is_told(0.01)
    assert nobody._pause == 4.0


def test_the_secret_is_in_no_repr() -> None:
    assert "a secret" not in repr(Manager("wa", Secret("a secret")))
