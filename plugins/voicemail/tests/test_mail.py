"""Voicemail by e-mail, from a real IMAP server: what a mail says, and what is read is read there, too."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from mail_rig import PASSWORD, MailServer, unpacked
from office import ACME, ANA, Office
from wa_connector_voicemail import Done, Round
from wa_connector_voicemail.changes import SETTLED
from wa_connector_voicemail.mail import Mailbox, MailSource

from wa_connector.errors import ConfigError, Unavailable, UsageError
from wa_connector.model.address import number
from wa_connector.model.content import Voicemail
from wa_connector.model.secret import Secret

BUILD = Path(__file__).resolve().parents[3] / "build"
PCM = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0" + bytes(60)
GSM = PCM.replace(b"\x10\0\0\0\x01\0", b"\x10\0\0\x001\0")


@pytest.fixture(scope="session")
def prefix() -> Path:
    problem = unpacked(BUILD / "dovecot")
    if problem:
        pytest.skip(f"NOT RUN: voicemail by e-mail against a real IMAP server, for want of one ({problem})")
    return BUILD / "dovecot"


@pytest.fixture
def server(prefix: Path) -> Iterator[MailServer]:
    # Not in pytest's folder, which is closed to whom Dovecot becomes.
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        with MailServer(prefix, Path(root)).running() as running:
            yield running


@pytest.fixture
def mailbox(server: MailServer) -> Mailbox:
    return Mailbox("127.0.0.1", "box", Secret(PASSWORD), server.port, seconds=10, is_plain=True)


@pytest.fixture
def source(mailbox: Mailbox) -> MailSource:
    return MailSource("mail", mailbox, look_every=0.1)


def test_a_mail_is_an_entry_and_what_is_read_here_is_read_there(
    server: MailServer, source: MailSource, tmp_path: Path
) -> None:
    office = Office(source, ["INBOX"], tmp_path / "seen")
    first, second = server.deliver(1, PCM), server.deliver(2, GSM, X_Priority="1")
    server.deliver(3, None, X_Asterisk_CallerID="", X_Asterisk_CallerIDName="", Subject="Lunch?")
    assert office.look() == Round(came=2)
    office.work()
    entries = office.entries("INBOX")
    contents = [entries[name].content for name in (first, second)]
    assert all(isinstance(content, Voicemail) for content in contents)
    assert [(content.lasts, content.is_urgent) for content in contents if isinstance(content, Voicemail)] == [
        (None, False),
        (None, True),
    ]
    assert office.recording(entries[first]) == PCM
    assert office.customer(entries[first].conversation).addresses == (number("+447911123456"),)
    assert server.flags() == ["new"] * 3
    office.connector.mark_read(ACME, ANA, entries[first].conversation, list(entries.values())[-1].id).or_raise()
    office.work()
    assert server.flags() == ["", "S", "S"]
    assert office.look() == Round(heard=2)
    assert source.remove("INBOX", first) is Done.DONE
    assert source.remove("INBOX", first) is Done.GONE
    assert source.mark_heard("INBOX", first) is Done.GONE
    office.look()
    time.sleep(SETTLED.total_seconds() + 0.05)
    assert office.look() == Round(gone=1)
    assert office.entries("INBOX")[first].gone_at is not None


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Asterisk_CallerID": "anonymous", "X_Asterisk_CallerIDName": "Anonymous"},
        {"X_Asterisk_CallerID": "=?utf-8?b?////?= \x00", "Date": "Sun, 22 Nov 2026 07:22:03"},
        {"Message_ID": "<" + "x" * 900 + "/../@vm>"},
    ],
)
def test_a_strange_mail_is_read_as_far_as_it_can_be(
    server: MailServer, source: MailSource, tmp_path: Path, headers: dict[str, str]
) -> None:
    office = Office(source, ["INBOX"], tmp_path / "seen")
    server.deliver(1, PCM, **headers)
    assert office.look().came == 1
    office.work()
    (entry,) = office.entries("INBOX").values()
    assert office.recording(entry) == PCM


def test_a_mail_that_cannot_be_placed_is_named_and_the_others_are_read(
    server: MailServer, source: MailSource, tmp_path: Path
) -> None:
    server.deliver(1, PCM, Message_ID="")
    server.deliver(2, PCM, Date="")
    name = server.deliver(3, PCM)
    contents = source.scan("INBOX")
    assert list(contents.messages) == [name]
    assert sorted(each.problem for each in contents.broken) == ["it has no Message-ID", "it has no date"]


def test_a_mail_without_a_recording_keeps_its_entry(server: MailServer, source: MailSource, tmp_path: Path) -> None:
    office = Office(source, ["INBOX"], tmp_path / "seen")
    server.deliver(1, None)
    office.look()
    office.work()
    (entry,) = office.entries("INBOX").values()
    assert entry.failure is not None


def test_a_server_that_does_not_let_us_in_says_so(server: MailServer, mailbox: Mailbox) -> None:
    with pytest.raises(ConfigError, match="takes no login") as error:
        MailSource("mail", evolve(mailbox, secret=Secret("not this"))).scan("INBOX")
    assert "not this" not in str(error.value) + repr(mailbox)
    with pytest.raises(Unavailable):
        MailSource("mail", evolve(mailbox, port=1)).scan("INBOX")
    with pytest.raises(Unavailable):
        MailSource("mail", mailbox).scan("No such folder")
    with pytest.raises(UsageError):
        MailSource("mail", mailbox).scan('IN"BOX\r\n')
