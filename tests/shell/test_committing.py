"""Load, decide, commit: who loses to somebody faster decides again on what is true now."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.errors import Contended, StorageUnavailable
from wa_connector.model.content import Text
from wa_connector.model.decision import Reason
from wa_connector.model.ids import CommandId, ConversationId
from wa_connector.model.message import MessageStatus
from wa_connector.model.setting import DEFAULTS
from wa_connector.shell.committing import TRIES
from wa_connector.testing.host import ACME, ANA, BEN, CARL, LINE, MemoryHost

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled


def test_a_stop_between_load_and_commit_refuses_the_send(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId, say: Callable[[str], None]
) -> None:
    """The consent that the send was decided on has changed, so it is decided again, and refused; nothing is sent."""
    storage.before_commit.append(lambda: say("STOP"))
    placed = connector.send(ACME, ANA, granted, Text("Hi"))
    assert placed.decision.reason is Reason.CONSENT_REVOKED
    assert not placed.is_taken
    connector.dispatcher.run_once()
    assert [Text(DEFAULTS.stop_text)] == [envelope.content for envelope in host.transport.sent]
    assert ("conflicts", 1) in {(name, value) for name, value, _ in host.measures}


def test_a_message_that_changes_nothing_for_the_send_does_not_hinder_it(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId, say: Callable[[str], None]
) -> None:
    """A customer who writes on meanwhile raises the window's maximum, which conflicts with nobody."""
    storage.before_commit.append(lambda: say("And another thing"))
    assert connector.send(ACME, ANA, granted, Text("Hi")).is_taken
    assert "conflicts" not in {name for name, _, _ in host.measures}


def test_two_who_take_a_thread_at_once_take_it_one_after_the_other(
    connector: Connector, beside: Connector, host: MemoryHost, storage: "Meddled"
) -> None:
    """Whoever is second finds that it is the other's, and is refused."""
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    storage.before_commit.append(lambda: beside.send(ACME, BEN, thread.id, Text("Mine")).or_raise())
    placed = connector.send(ACME, ANA, thread.id, Text("No, mine"))
    assert placed.decision.reason is Reason.NOT_A_PARTICIPANT
    assert [thread.id] == [each.id for each in connector.conversations(ACME, BEN)]


def test_a_conflict_storm_ends_in_contended(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId
) -> None:
    """After a bounded number of tries the caller hears of it; nothing was done, and each conflict was measured."""
    storage.commits.clear()
    storage.is_contended = True
    with pytest.raises(Contended, match="try again"):
        connector.send(ACME, ANA, granted, Text("Hi"))
    assert len(storage.commits) == TRIES
    assert sum(value for name, value, _ in host.measures if name == "conflicts") == TRIES
    storage.is_contended = False
    assert connector.send(ACME, ANA, granted, Text("Hi")).is_taken


def test_the_same_command_sends_once(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """A host's retry of a call that timed out is answered with what came of the first."""
    first = connector.send(ACME, ANA, granted, Text("Hi"), command_id=CommandId("k1"))
    again = connector.send(ACME, ANA, granted, Text("Hi"), command_id=CommandId("k1"))
    assert (first.message, first.conversation, True) == (again.message, again.conversation, again.is_repeat)
    connector.dispatcher.run_once()
    assert len(host.transport.sent) == 1
    later = connector.send(ACME, ANA, granted, Text("Hi"), command_id=CommandId("k1"))
    assert (later.status, later.is_repeat) == (MessageStatus.ACCEPTED, True)


def test_a_colleagues_command_is_none_of_ones_own(connector: Connector, granted: ConversationId) -> None:
    """The same id by somebody else tells nothing of the first, and is judged by itself."""
    connector.send(ACME, ANA, granted, Text("Hi"), command_id=CommandId("k1"))
    others = connector.send(ACME, BEN, granted, Text("Hi"), command_id=CommandId("k1"))
    assert (others.decision.reason, others.message) == (Reason.NOT_A_PARTICIPANT, None)


def test_the_same_command_at_once_sends_once(
    connector: Connector, beside: Connector, storage: "Meddled", granted: ConversationId
) -> None:
    """Two calls that both saw nothing: the second to commit is told of the first."""
    taken = []
    command = CommandId("k1")
    storage.before_commit.append(lambda: taken.append(beside.send(ACME, ANA, granted, Text("Hi"), command_id=command)))
    placed = connector.send(ACME, ANA, granted, Text("Hi"), command_id=command)
    assert placed.is_repeat
    assert [placed.message] == [each.message for each in taken]


def test_asking_at_once_asks_once(
    connector: Connector, beside: Connector, host: MemoryHost, storage: "Meddled"
) -> None:
    """Two users who ask the same new contact at the same moment: one request, one customer, and a refusal."""
    storage.before_commit.append(lambda: beside.ask_consent(ACME, BEN, LINE, CARL).or_raise())
    placed = connector.ask_consent(ACME, ANA, LINE, CARL)
    assert placed.decision.reason is Reason.ASKED_RECENTLY
    connector.dispatcher.run_once()
    assert len(host.transport.sent) == 1


def test_a_storage_that_is_away_is_said_so(
    connector: Connector, host: MemoryHost, storage: "Meddled", granted: ConversationId
) -> None:
    """The caller's command raises, and may be given again."""
    storage.is_away = True
    with pytest.raises(StorageUnavailable):
        connector.send(ACME, ANA, granted, Text("Hi"))
    storage.is_away = False
    connector.send(ACME, ANA, granted, Text("Hi"))
    connector.dispatcher.run_once()
    assert len(host.transport.sent) == 1
