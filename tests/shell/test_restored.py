"""A storage that was replaced by an older copy of itself is noticed before anything of it is sent."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import wa_connector as wa
from wa_connector.direct.connector import Connector
from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.content import Text
from wa_connector.model.event import BackupRestored
from wa_connector.model.ids import ConversationId, MessageId
from wa_connector.model.message import MessageStatus
from wa_connector.model.outbound import OutcomeUnknown
from wa_connector.model.queue import Epoch, Mark
from wa_connector.ports.mark import RestoreMark
from wa_connector.ports.storage import Change, Put
from wa_connector.shell.dispatcher import LEASE
from wa_connector.shell.marks import RISES_EVERY, FileMark, key_of
from wa_connector.testing.host import ACME, ANA, GLOBEX, MemoryHost

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled

SECOND = timedelta(seconds=1)


class Marked:
    def __init__(self, mark: FileMark) -> None:
        self.mark = mark

    @wa.hookimpl
    def wa_restore_mark(self) -> RestoreMark:
        return self.mark


@pytest.fixture
def mark(tmp_path: Path) -> FileMark:
    return FileMark(tmp_path / "marks")


@pytest.fixture
def connector(connect: Callable[..., Connector], host: MemoryHost, mark: FileMark) -> Connector:
    made = connect(host, Marked(mark))
    made.sync_templates(ACME, wa.AccountId("account"))
    return made


def send(connector: Connector, thread: ConversationId, text: str, *, hold: bool = False) -> MessageId:
    message = connector.send(ACME, ANA, thread, Text(text), hold=hold).or_raise().message
    assert message is not None
    return message


def restore(host: MemoryHost, mark: FileMark) -> None:
    """As if the rows were an older copy: what is remembered is of a later age."""
    mark.write(ACME, Mark(1000, host.clock.now))
    host.clock.advance(RISES_EVERY + SECOND)


def texts(host: MemoryHost) -> list[str]:
    return [each.content.body for each in host.transport.sent if isinstance(each.content, Text)]


def restorals(host: MemoryHost) -> list[BackupRestored]:
    return [each for each in host.happenings if isinstance(each, BackupRestored)]


def test_nothing_is_in_doubt_while_nothing_is_restored(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId
) -> None:
    """However long it goes on; what is remembered rises with it."""
    numbers = []
    for turn in range(3):
        send(connector, granted, str(turn))
        connector.dispatcher.run_until_idle()
        host.clock.advance(RISES_EVERY)
        remembered = mark.read(ACME)
        assert remembered is not None
        numbers.append(remembered.number)
    assert texts(host) == ["0", "1", "2"]
    assert numbers == sorted(set(numbers))
    assert restorals(host) == []
    assert mark.read(GLOBEX) is None


def test_what_a_backup_brought_back_is_parked(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId
) -> None:
    """With a reason, told once; what was written since leaves."""
    old = send(connector, granted, "Old")
    at = host.clock.now
    restore(host, mark)
    send(connector, granted, "New")
    connector.dispatcher.run_until_idle()
    connector.dispatcher.run_until_idle()
    assert texts(host) == ["New"]
    (parked,) = connector.parked(ACME)
    assert parked.failure is not None
    assert (old, "restored") == (parked.id, parked.failure.code)
    assert restorals(host) == [BackupRestored(at)]


def test_what_was_being_sent_is_not_sent_again(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId
) -> None:
    """Neither at once nor after the grace period."""
    send(connector, granted, "Old")
    host.transport.answers.append(OutcomeUnknown("cut off"))
    connector.dispatcher.run_until_idle()
    restore(host, mark)
    connector.dispatcher.run_until_idle()
    host.clock.advance(timedelta(days=2))
    connector.dispatcher.run_until_idle()
    assert texts(host) == ["Old"]
    assert [each.failure and each.failure.code for each in connector.parked(ACME)] == ["restored"]


def test_a_person_decides_on_each(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId
) -> None:
    again, never = send(connector, granted, "Again"), send(connector, granted, "Never")
    restore(host, mark)
    connector.dispatcher.run_until_idle()
    assert [each.id for each in connector.parked(ACME, limit=1)] in ([again], [never])
    host.clock.advance(SECOND)
    assert connector.resend_parked(ACME, again)
    assert connector.cancel_parked(ACME, never)
    assert not connector.cancel_parked(ACME, again)
    assert not connector.resend_parked(GLOBEX, never)
    connector.dispatcher.run_until_idle()
    assert texts(host) == ["Again"]
    assert connector.parked(ACME) == ()


@pytest.mark.parametrize("resend", [True, False])
@pytest.mark.parametrize("is_parked", [True, False], ids=["parked", "not yet looked at"])
def test_all_is_accepted_at_once(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId, resend: bool, is_parked: bool
) -> None:
    """Whether a dispatcher has come to it or not: an operator may be first. Afterwards nothing is in doubt, and a second call does nothing."""
    for text in ("One", "Two"):
        send(connector, granted, text)
    restore(host, mark)
    if is_parked:
        connector.dispatcher.run_until_idle()
    send(connector, granted, "Three")
    host.clock.advance(SECOND)
    assert connector.accept_restore(ACME, resend=resend) == 2
    assert connector.accept_restore(ACME, resend=resend) == 0
    host.clock.advance(RISES_EVERY)
    connector.dispatcher.run_until_idle()
    assert texts(host) == (["One", "Two", "Three"] if resend else ["Three"])
    assert connector.parked(ACME) == ()
    assert len(restorals(host)) == 1


def test_a_held_message_of_a_backup_is_not_released(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId, say: Callable[[str], None]
) -> None:
    host.clock.advance(timedelta(hours=25))
    held = send(connector, granted, "Held", hold=True)
    restore(host, mark)
    say("Hello again")
    connector.dispatcher.run_until_idle()
    assert "Held" not in texts(host)
    assert [each.id for each in connector.parked(ACME)] == [held]


def test_a_copy_that_is_restored_under_a_running_process_is_noticed_at_once(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId
) -> None:
    """Not only when the epoch is to rise: the rows are behind what this process itself saw."""
    send(connector, granted, "One")
    connector.dispatcher.run_until_idle()
    row = storage.load([key_of(ACME)]).rows[key_of(ACME)]
    older = Change(ACME, host.clock.now, reads={key_of(ACME): row.version}, puts=(Put(key_of(ACME), Epoch()),))
    storage.commit([older])
    send(connector, granted, "Two")
    connector.dispatcher.run_until_idle()
    assert texts(host) == ["One"]
    assert len(restorals(host)) == 1


def test_nothing_is_sent_while_the_mark_cannot_be_read(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId
) -> None:
    """Nobody could tell whether it may be; it goes on when the mark is back."""
    send(connector, granted, "One")
    host.clock.advance(RISES_EVERY)
    path = mark._path(ACME)
    kept = path.read_text()
    path.write_text("half a ma")
    with pytest.raises(Unavailable, match="damaged"):
        connector.dispatcher.run_once()
    path.unlink()
    path.mkdir()
    host.clock.advance(LEASE)
    with pytest.raises(Unavailable, match="read"):
        connector.dispatcher.run_once()
    assert texts(host) == []
    path.rmdir()
    path.write_text(kept)
    host.clock.advance(LEASE)
    assert connector.dispatcher.run_once() == 1


def test_a_mark_is_kept_for_each_tenant(mark: FileMark, tmp_path: Path) -> None:
    """In a file whose name is nobody's to choose; written whole."""
    assert mark.read(ACME) is None
    at = MemoryHost().clock.now
    mark.write(ACME, Mark(1, at))
    mark.write(GLOBEX, Mark(2, at))
    assert (mark.read(ACME), mark.read(GLOBEX)) == (Mark(1, at), Mark(2, at))
    names = [path.name for path in (tmp_path / "marks").iterdir()]
    assert [len(name) for name in names] == [37, 37]
    assert "acme" not in "".join(names)
    assert "marks" in repr(mark)


def test_a_mark_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="make room"):
        FileMark(tmp_path / "file").write(ACME, Mark(1, MemoryHost().clock.now))


def test_a_mark_needs_a_folder() -> None:
    with pytest.raises(UsageError, match="folder"):
        FileMark("")


def test_a_message_that_was_refused_stays_so(
    connector: Connector, host: MemoryHost, mark: FileMark, granted: ConversationId
) -> None:
    """Only what is in the outbox is in doubt."""
    send(connector, granted, "One")
    connector.dispatcher.run_until_idle()
    restore(host, mark)
    connector.dispatcher.run_until_idle()
    statuses = {each.status for each in connector.timeline(ACME, ANA, granted).messages}
    assert MessageStatus.PARKED not in statuses
