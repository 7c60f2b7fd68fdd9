"""Many users in one conversation, some at once: whatever they do, it is somebody's or unassigned, and nobody sees an entry
that was made while he was not in it.

What each may see is kept here from who was in it when an entry was committed, and not from the parts' instants: the two
have to agree.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from wa_connector_sqlite.storage import SqliteStorage

from wa_connector.decide.membership import EndIt, HandOver, LetGo
from wa_connector.decide.sending import Placement
from wa_connector.errors import RefusedError
from wa_connector.model.content import Act, Deed, Text
from wa_connector.model.conversation import Conversation, ConversationState, Role
from wa_connector.model.decision import Reason
from wa_connector.model.ids import ConversationId, MessageId, UserId
from wa_connector.model.message import Message
from wa_connector.model.setting import Newcomers
from wa_connector.ports.rows import CONVERSATION
from wa_connector.ports.storage import COMMITTED, Change, Outcome, Scan, Storage
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.host import ACME, ANA, BEN, DAN, NOON, SUE, SUPPORT, MemoryHost
from wa_connector.testing.memory import MemoryStorage
from wa_connector.testing.through import ThroughStorage

USERS = (ANA, BEN, DAN, SUE)
NAMES = (*USERS, SUPPORT)
TEAM = {BEN, DAN}
users, names = st.sampled_from(USERS), st.sampled_from(NAMES)
owners = names | st.none()


class Watched(ThroughStorage):
    """A storage that tells of every commit, and lets another command in between a load and the commit that follows."""

    def __init__(self, plain: Storage) -> None:
        super().__init__(plain)
        self.between: list[Callable[[], object]] = []
        self.committed: Callable[[], None] = lambda: None

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        while self.between:
            self.between.pop()()
        outcomes = self.plain.commit(changes)
        if COMMITTED in outcomes:
            self.committed()
        return outcomes


class Users(RuleBasedStateMachine):
    """``seen`` is, by name, what whoever has that name was shown."""

    storage_of: Callable[[VirtualClock], Storage]
    newcomers: Newcomers

    def __init__(self) -> None:
        super().__init__()
        clock = VirtualClock(NOON)
        self.storage = Watched(type(self).storage_of(clock))
        self.host = MemoryHost(
            settings={"newcomers_see": self.newcomers, "restrict_first_contact": True},
            storage=self.storage,
            clock=clock,
        )
        self.connector = self.host.connector()
        self.connector.handle_webhook(self.host.webhook(self.host.said("Hello")))
        (thread,) = self.connector.conversations(ACME, ANA, unassigned=True)
        self.follow(thread.id)
        self.storage.committed = self.note_commit

    def follow(self, thread: ConversationId) -> None:
        self.thread = thread
        self.entries: set[MessageId] = set()
        self.seen: dict[UserId, set[MessageId]] = {name: set() for name in NAMES}
        self.note_commit()

    def note_commit(self) -> None:
        """What this commit entered is seen by whoever is in it now; a newcomer may be shown all that was before."""
        thread = self.row()
        for message in self.all_entries():
            if message.id in self.entries:
                continue
            self.entries.add(message.id)
            match message.content:
                case Act(Deed.TAKEN, whom, None) if whom is not None:
                    self.seen[whom] |= self.entries
                case _:
                    pass
        current = {part.user for part in thread.participants if part.is_current}
        for name in current:
            is_everything = self.newcomers is Newcomers.EVERYTHING
            self.seen[name] |= self.entries if is_everything else self.entries - self.before
        self.before = set(self.entries)
        self.host.clock.advance(timedelta(seconds=1))

    before: set[MessageId] = set()  # noqa: RUF012 - replaced, never changed

    def row(self) -> Conversation:
        key = CONVERSATION.of(ACME, self.thread)
        found: Conversation = self.storage.load([key]).rows[key].value
        return found

    def all_entries(self) -> list[Message]:
        page = self.storage.scan(Scan("message", "timeline", (ACME, self.thread), 1000))
        return [row.value for _, row in page.rows]

    def teardown(self) -> None:
        self.connector.close()

    # --- what users do ------------------------------------------------------------------------------------------------

    def act(self, user: UserId, kind: str, whom: UserId, owner: UserId | None, choice: int) -> Placement:
        c, thread = self.connector, self.thread
        acts: dict[str, Callable[[], Placement]] = {
            "add": lambda: c.add(ACME, user, thread, whom, role=(Role.MEMBER, Role.OBSERVER)[choice % 2]),
            "transfer": lambda: c.transfer(ACME, user, thread, whom, from_owner=owner, stay=bool(choice % 2)),
            "take": lambda: c.take(ACME, user, thread),
            "leave": lambda: c.leave(ACME, user, thread, then=(None, HandOver(whom), LetGo(), EndIt())[choice % 4]),
            "remove": lambda: c.remove(ACME, user, thread, whom),
            "role": lambda: c.set_role(ACME, user, thread, whom, list(Role)[choice % 3]),
            "note": lambda: c.note(ACME, user, thread, "Hm"),
            "send": lambda: c.send(ACME, user, thread, Text("Hi")),
            "end": lambda: c.end(ACME, user, thread) if choice == 0 else c.mute(ACME, user, thread),
        }
        return acts[kind]()

    commands = st.tuples(
        users,
        st.sampled_from(("add", "add", "transfer", "take", "leave", "remove", "role", "note", "send", "send", "end")),
        names,
        owners,
        st.integers(0, 11),
    )

    @rule(command=commands)
    def somebody_acts(self, command: Any) -> None:
        self.act(*command)

    @rule(one=commands, other=commands)
    def two_act_at_once(self, one: Any, other: Any) -> None:
        """The second commits between the first one's load and its commit."""
        self.storage.between.append(lambda: self.act(*other))
        self.act(*one)
        self.storage.between.clear()

    @precondition(lambda self: self.row().owner in USERS and self.row().state is ConversationState.OPEN)
    @rule(one=names, other=names)
    def two_transfer_at_once(self, one: UserId, other: UserId) -> None:
        """Of the same owner's: one wins, and the other is told clearly."""
        owner = self.row().owner
        assert owner is not None
        if owner in {one, other}:
            return
        won: list[Placement] = []
        self.storage.between.append(
            lambda: won.append(self.connector.transfer(ACME, SUE, self.thread, other, from_owner=owner))
        )
        lost = self.connector.transfer(ACME, owner, self.thread, one, from_owner=owner)
        assert [each.is_taken for each in won] == [True]
        assert lost.decision.reason is Reason.OWNER_CHANGED

    @precondition(lambda self: self.row().state is ConversationState.OPEN)
    @rule()
    def the_customer_writes(self) -> None:
        self.connector.handle_webhook(self.host.webhook(self.host.said("Well?")))

    @precondition(lambda self: self.row().state is ConversationState.ENDED)
    @rule(user=users)
    def it_begins_again(self, user: UserId) -> None:
        self.before = set()
        placed = self.connector.restart(ACME, user, self.thread)
        if placed.is_taken:
            assert placed.conversation is not None
            self.before = set()
            self.follow(placed.conversation)

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def it_is_somebodys_or_unassigned(self) -> None:
        """One owner, or none; nobody has two parts at once."""
        thread = self.row()
        current = [part for part in thread.participants if part.is_current]
        assert len({part.user for part in current}) == len(current)
        assert sum(part.role is Role.OWNER for part in current) == (thread.owner is not None)

    @invariant()
    def it_is_never_lost(self) -> None:
        """While it is open it stands on exactly one list, whoever is in it."""
        thread = self.row()
        lists: dict[UserId | None, Sequence[Conversation]] = {
            None: self.connector.conversations(ACME, SUE, unassigned=True),
            SUPPORT: self.connector.conversations(ACME, SUE, team=SUPPORT),
        }
        lists |= {user: self.connector.conversations(ACME, user) for user in USERS}
        found = [owner for owner, threads in lists.items() if self.thread in {each.id for each in threads}]
        assert found == ([thread.owner] if thread.state is ConversationState.OPEN else [])

    @invariant()
    def everybody_sees_what_he_was_shown(self) -> None:
        """And nothing else; in pages of any size. Supervisors see all, and so does everybody where nobody owns it."""
        thread = self.row()
        for user in USERS:
            shown = self.seen[user] | (self.seen[SUPPORT] if user in TEAM else set())
            expected = self.entries if user == SUE or thread.owner is None else shown
            was_in = any(part.user in {user, *({SUPPORT} if user in TEAM else ())} for part in thread.participants)
            if not (was_in or user == SUE or thread.owner is None):
                with pytest.raises(RefusedError):
                    self.connector.timeline(ACME, user, self.thread)
                continue
            assert expected == self.paged(user, 100) == self.paged(user, 3)

    def paged(self, user: UserId, limit: int) -> set[MessageId]:
        page = self.connector.timeline(ACME, user, self.thread, limit=limit)
        found = [each.id for each in page.messages]
        while page.before:
            page = self.connector.timeline(ACME, user, self.thread, before=page.before, limit=limit)
            assert page.messages
            found += [each.id for each in page.messages]
        assert len(set(found)) == len(found)
        return set(found)


def machine(storage_of: Callable[[VirtualClock], Storage], newcomers: Newcomers) -> type[Users]:
    return type("Machine", (Users,), {"storage_of": staticmethod(storage_of), "newcomers": newcomers})


@pytest.mark.parametrize("newcomers", list(Newcomers), ids=lambda each: each.value)
def test_in_memory(newcomers: Newcomers) -> None:
    made = machine(lambda clock: MemoryStorage(clock=clock), newcomers)
    run_state_machine_as_test(made, settings=settings(max_examples=40, stateful_step_count=20, deadline=None))


def test_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> None:
    def storage_of(_: VirtualClock) -> Storage:
        return SqliteStorage(Path(tmp_path_factory.mktemp("membership")) / "wa.db")

    made = machine(storage_of, Newcomers.FROM_JOINING)
    run_state_machine_as_test(made, settings=settings(max_examples=6, stateful_step_count=15, deadline=None))
