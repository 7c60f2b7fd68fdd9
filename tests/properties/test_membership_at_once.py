"""Users who act at the same instant, each in a thread of his own and with a connector of his own, over one storage: the
interleaving is the machine's and not the test's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from wa_connector_sqlite.storage import SqliteStorage

from wa_connector.decide.membership import EndIt, HandOver, LetGo
from wa_connector.decide.sending import Placement
from wa_connector.model.conversation import Conversation, ConversationState
from wa_connector.model.decision import Reason
from wa_connector.model.event import ConversationLetGo, ConversationTaken, ConversationTransferred
from wa_connector.model.ids import ConversationId, UserId
from wa_connector.ports.storage import Storage
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.host import ACME, ANA, BEN, DAN, NOON, SUE, SUPPORT, MemoryHost
from wa_connector.testing.memory import MemoryStorage

ROUNDS = 12
USERS = (ANA, BEN, DAN, SUE)


class Office:
    """One connector for each user, over storages that are one, and a conversation that nobody has."""

    def __init__(self, storage_of: Callable[[], Storage]) -> None:
        self._running = ExitStack()
        clock = VirtualClock(NOON)
        self.hosts = [MemoryHost(storage=storage_of(), clock=clock) for _ in USERS]
        self.connectors = {
            user: self._running.enter_context(host.connector()) for user, host in zip(USERS, self.hosts, strict=True)
        }
        self.clock = clock
        self._said = 0

    def close(self) -> None:
        self._running.close()

    def arrival(self) -> ConversationId:
        """A new customer writes."""
        self._said += 1
        host, connector = self.hosts[0], self.connectors[ANA]
        sender = [f"+1650555{self._said:04}"]
        connector.handle_webhook(host.webhook(host.said("Hello", sender=sender, id=f"first-{self._said}")))
        return connector.conversations(ACME, SUE, unassigned=True)[0].id

    def thread(self, thread: ConversationId) -> Conversation:
        return self.connectors[SUE].timeline(ACME, SUE, thread).conversation

    def at_once(self, thread: ConversationId, *acts: tuple[UserId, str, dict[str, Any]]) -> list[Placement]:
        """Each user's call in a thread of its own, all let go together; what came of them, in their order."""
        barrier, results = Barrier(len(acts)), dict[int, Placement]()

        def act(place: int) -> None:
            user, name, arguments = acts[place]
            call = getattr(self.connectors[user], name)
            barrier.wait()
            results[place] = call(ACME, user, thread, **arguments)

        threads = [Thread(target=act, args=(place,)) for place in range(len(acts))]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return [results[place] for place in range(len(acts))]


@pytest.fixture(params=["memory", "sqlite"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    memory = MemoryStorage()
    made = Office(lambda: memory if request.param == "memory" else SqliteStorage(tmp_path / "wa.db"))
    yield made
    made.close()


def reasons(placed: list[Placement]) -> list[Reason]:
    return sorted((each.decision.reason for each in placed), key=lambda reason: reason is not Reason.ALLOWED)


def test_of_transfers_at_once_one_wins_and_the_others_are_told(office: Office) -> None:
    """The owner himself, and a supervisor twice: whoever wins, the others hear that the owner has changed."""
    for _ in range(ROUNDS):
        thread = office.arrival()
        office.connectors[ANA].take(ACME, ANA, thread).or_raise()
        placed = office.at_once(
            thread,
            (ANA, "transfer", {"to": BEN, "from_owner": ANA}),
            (SUE, "transfer", {"to": DAN, "from_owner": ANA}),
            (SUE, "transfer", {"to": SUPPORT, "from_owner": ANA}),
        )
        assert reasons(placed) == [Reason.ALLOWED, Reason.OWNER_CHANGED, Reason.OWNER_CHANGED]
        winner = [each.is_taken for each in placed].index(True)
        assert (BEN, DAN, SUPPORT)[winner] == office.thread(thread).owner


def test_of_takers_at_once_one_has_it(office: Office) -> None:
    for _ in range(ROUNDS):
        thread = office.arrival()
        placed = office.at_once(thread, *((user, "take", {}) for user in (ANA, BEN, DAN)))
        assert [each.is_taken for each in placed].count(True) == 1
        assert office.thread(thread).owner == (ANA, BEN, DAN)[[each.is_taken for each in placed].index(True)]


def test_whatever_is_done_at_once_the_log_tells_one_story(office: Office) -> None:
    """Each change of owner takes it from whom the one before gave it to. What is left stands on exactly one list, or has
    ended and stands on none."""
    for number in range(ROUNDS):
        thread = office.arrival()
        office.connectors[ANA].take(ACME, ANA, thread).or_raise()
        office.connectors[ANA].add(ACME, ANA, thread, BEN).or_raise()
        then = (LetGo(), EndIt(), HandOver(DAN))[number % 3]
        office.at_once(
            thread,
            (ANA, "leave", {"then": then}),
            (BEN, "leave", {}),
            (SUE, "transfer", {"to": BEN, "from_owner": ANA}),
            (DAN, "take", {}),
        )
        left = office.thread(thread)
        assert left.owner == owner_by_the_log(office, thread)
        is_open = left.state is ConversationState.OPEN
        assert _lists(office, thread) == ([left.owner] if is_open else [])


def owner_by_the_log(office: Office, thread: ConversationId) -> UserId | None:
    """Who has it in the end; each change has to begin where the one before it ended."""
    owner: UserId | None = None
    for event in office.connectors[SUE].events(ACME, limit=10_000).events:
        match event.happening:
            case ConversationTransferred(conversation, from_owner, whom, _) if conversation == thread:
                assert owner == from_owner
                owner = whom
            case ConversationTaken(conversation, from_owner, whom) if conversation == thread:
                assert owner == from_owner
                owner = whom
            case ConversationLetGo(conversation, from_owner, _) if conversation == thread:
                assert owner == from_owner
                owner = None
            case _:
                pass
    return owner


def _lists(office: Office, thread: ConversationId) -> list[UserId | None]:
    connector = office.connectors[SUE]
    lists = {user: connector.conversations(ACME, user) for user in USERS}
    found: list[UserId | None] = [user for user, threads in lists.items() if thread in {each.id for each in threads}]
    unassigned = connector.conversations(ACME, SUE, unassigned=True)
    return [*found, None] if thread in {each.id for each in unassigned} else found
