"""What is promised of a backup that was restored, as a pytest suite that a storage plugin inherits. Needs pytest.

::

    class TestRestored(RestoredContract):
        @pytest.fixture
        def backups(self, tmp_path):
            return MyBackups(tmp_path)  # see Backups

That rows come from an older copy is told by one of them, the tenant's epoch, which is behind a mark outside. So a storage
owes nothing of its own for it but what it owes anyway: that a backup is whole and of one moment, the epoch with the
outbox, and that versions in it are those it was taken with. Whether that holds is seen with real backups only.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol, final

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.model.content import Text
from wa_connector.model.event import BackupRestored
from wa_connector.model.ids import ConversationId
from wa_connector.model.outbound import OutcomeUnknown
from wa_connector.ports.hooks import hookimpl
from wa_connector.ports.mark import RestoreMark
from wa_connector.ports.storage import Storage
from wa_connector.shell.marks import RISES_EVERY, FileMark
from wa_connector.testing.host import ACME, ANA, MemoryHost

_LATER: Final = 3 * RISES_EVERY


class Backups(Protocol):
    """A storage's files, or what it has instead. ``back_up`` may be called while it is in use; ``restore`` is called while
    nothing uses it, and what is opened next has the rows of the backup."""

    def open(self) -> Storage: ...
    def back_up(self) -> None: ...
    def restore(self) -> None: ...


@final
class _Marked:
    def __init__(self, folder: Path) -> None:
        self._mark: Final = FileMark(folder)

    @hookimpl
    def wa_restore_mark(self) -> RestoreMark:
        """provide: the mark."""
        return self._mark


class RestoredContract:
    """Inherit it and give the fixture ``backups``, of a storage that is empty."""

    @pytest.fixture
    def backups(self) -> Any:
        """The storage under test."""
        raise NotImplementedError("give your suite a fixture `backups`")

    @pytest.fixture
    def mark(self, tmp_path: Path) -> object:
        """What remembers the age, outside of the storage."""
        return _Marked(tmp_path / "marks")

    @pytest.fixture
    def face(self) -> str:
        """Under which face. What a storage promises depends on neither."""
        return "direct"

    # --- the promises -------------------------------------------------------------------------------------------------

    def test_what_was_sent_since_is_not_sent_again(self, backups: Backups, mark: object, face: str) -> None:
        """It is parked, and said once; what is written after the restore leaves; an operator ends it."""
        host = MemoryHost(storage=backups.open())
        with host.connector(face, [mark]) as connector:
            thread = begin(host, connector)
            _send(connector, thread, "Old")
            backups.back_up()
            host.clock.advance(_LATER)
            connector.dispatcher.run_until_idle()
            assert texts(host) == ["Early", "Old"]
        host.clock.advance(_LATER)
        backups.restore()
        again = MemoryHost(storage=backups.open(), clock=host.clock)
        with again.connector(face, [mark]) as connector:
            _send(connector, thread, "New")
            connector.dispatcher.run_until_idle()
            assert texts(again) == ["New"]
            assert [each.content for each in connector.parked(ACME)] == [Text("Old")]
            assert len(_told(again)) == 1
            assert connector.accept_restore(ACME, resend=False) == 1
            assert list(connector.parked(ACME)) == []

    def test_a_backup_that_nobody_restores_changes_nothing(self, backups: Backups, mark: object, face: str) -> None:
        """Taking one, and starting anew after it."""
        host = MemoryHost(storage=backups.open())
        with host.connector(face, [mark]) as connector:
            thread = begin(host, connector)
            _send(connector, thread, "Late")
            backups.back_up()
        host.clock.advance(_LATER)
        again = MemoryHost(storage=backups.open(), clock=host.clock)
        with again.connector(face, [mark]) as connector:
            connector.dispatcher.run_until_idle()
            assert texts(again) == ["Late"]
            assert list(connector.parked(ACME)) == []
            assert _told(again) == []

    def test_what_was_being_sent_is_not_sent_again(self, backups: Backups, mark: object, face: str) -> None:
        """Whatever is configured for outcomes that are unknown: the reports that would settle them came long ago."""
        host = MemoryHost(storage=backups.open(), settings={"unknown_outcome": "resend"})
        with host.connector(face, [mark]) as connector:
            thread = begin(host, connector)
            host.transport.answers.append(OutcomeUnknown("cut off"))
            _send(connector, thread, "Doubtful")
            connector.dispatcher.run_until_idle()
            backups.back_up()
            host.clock.advance(_LATER)
            _send(connector, thread, "After")
            connector.dispatcher.run_until_idle()
        backups.restore()
        host.clock.advance(timedelta(days=2))
        again = MemoryHost(storage=backups.open(), settings={"unknown_outcome": "resend"}, clock=host.clock)
        with again.connector(face, [mark]) as connector:
            connector.dispatcher.run_until_idle()
            assert texts(again) == []
            assert [each.content for each in connector.parked(ACME)] == [Text("Doubtful")]

    def test_the_same_backup_may_be_restored_twice(self, backups: Backups, mark: object, face: str) -> None:
        """It is noticed each time: accepting the first has raised what is remembered, and not what the copy holds."""
        host = MemoryHost(storage=backups.open())
        with host.connector(face, [mark]) as connector:
            thread = begin(host, connector)
            _send(connector, thread, "Old")
            backups.back_up()
            host.clock.advance(_LATER)
            connector.dispatcher.run_until_idle()
        for _ in range(2):
            backups.restore()
            host.clock.advance(_LATER)
            again = MemoryHost(storage=backups.open(), clock=host.clock)
            with again.connector(face, [mark]) as connector:
                connector.dispatcher.run_until_idle()
                assert texts(again) == []
                assert len(_told(again)) == 1
                assert connector.accept_restore(ACME, resend=False) == 1


def begin(host: MemoryHost, connector: Connector) -> ConversationId:
    """A conversation of Ana's in which one message was sent."""
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    connector.take(ACME, ANA, thread.id)
    _send(connector, thread.id, "Early")
    connector.dispatcher.run_until_idle()
    return thread.id


def _send(connector: Connector, thread: ConversationId, text: str) -> None:
    connector.send(ACME, ANA, thread, Text(text)).or_raise()


def texts(host: MemoryHost) -> list[str]:
    """What was handed over, in its order."""
    return [each.content.body for each in host.transport.sent if isinstance(each.content, Text)]


def _told(host: MemoryHost) -> list[BackupRestored]:
    return [each for each in host.happenings if isinstance(each, BackupRestored)]


__all__ = ["Backups", "RestoredContract"]
