"""What screens list and count, against the plainest way to say it: over every thread and every entry there is.

A history is a list of small acts of customers and users, a second apart. What is unread for whom is kept here as sets of
entries; the inbox and the customer's timeline are made anew from all rows each time they are compared.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from wa_connector_sqlite.storage import SqliteStorage

from wa_connector.decide.membership import EndIt, HandOver, LetGo
from wa_connector.errors import RefusedError
from wa_connector.model.content import Text, text_of
from wa_connector.model.conversation import Conversation, ConversationState, Role
from wa_connector.model.ids import ConversationId, LineId, MessageId, UserId
from wa_connector.model.message import BySystem, ByUser, Message
from wa_connector.model.setting import Newcomers
from wa_connector.policy.membership import spans
from wa_connector.ports.storage import Scan, Storage
from wa_connector.shell.reading import InboxPage
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.host import ACME, ANA, BEN, DAN, LINE, NOON, SUE, SUPPORT, MemoryHost
from wa_connector.testing.memory import MemoryStorage

USERS = (ANA, BEN, DAN, SUE)
NAMES = (*USERS, SUPPORT)
TEAMS = {BEN: {SUPPORT}, DAN: {SUPPORT}}
SECOND = timedelta(seconds=1)
NUMBERS = ("+16505550001", "+16505550002")
Place = tuple[Any, str]


def place(message: Message) -> Place:
    return message.at, message.id


class History:
    """A host to whom things happen, and who keeps books of his own."""

    def __init__(self, storage: Storage, clock: VirtualClock, newcomers: Newcomers) -> None:
        self.host = MemoryHost(
            settings={"newcomers_see": newcomers, "restrict_first_contact": True}, storage=storage, clock=clock
        )
        self.storage = storage
        self._add_line()
        self.connector = self.host.connector()
        self.unread: dict[tuple[str, ConversationId], set[Place]] = {}
        self.known: set[MessageId] = set()
        self.marks = 0

    def _add_line(self) -> None:
        """A second one, of another user's: its threads are on nobody else's unassigned list."""
        lines = self.host.directory._lines
        setup = lines[ACME, LINE]
        other = evolve(setup, line=evolve(setup.line, id=LineId("line-2"), provider_ref="phone-3", owner=DAN))
        lines[ACME, LineId("line-2")] = other

    # --- all there is -------------------------------------------------------------------------------------------------

    def threads(self) -> list[Conversation]:
        page = self.storage.scan(Scan("conversation", "key", (ACME,), 1000))
        return [row.value for _, row in page.rows]

    def messages(self) -> list[Message]:
        return [row.value for _, row in self.storage.scan(Scan("message", "key", (ACME,), 5000)).rows]

    def lists(self, thread: Conversation) -> set[str]:
        names: set[str] = {part.user for part in thread.participants if part.is_current}
        return names | ({""} if thread.owner is None else set())

    def names(self, user: UserId) -> list[str]:
        return [user, *sorted(TEAMS.get(user, set()))]

    def home(self, thread: Conversation, user: UserId) -> str | None:
        return next((name for name in self.names(user) if name in self.lists(thread)), None)

    def sees(self, thread: Conversation, user: UserId, message: Message) -> bool:
        seat = self.host.directory.user(ACME, user)
        assert seat is not None
        lines = {setup.line.id for setup in self.host.directory.lines(ACME, user)}
        was_in = any(part.user in {user, *seat.teams} for part in thread.participants)
        is_near = user == SUE or was_in or thread.line in lines
        return is_near and any(span.has(message.at) for span in spans(thread, seat))

    # --- what happens -------------------------------------------------------------------------------------------------

    def happens(self, act: Any) -> None:
        kind, user, whom, number, choice = act
        threads = self.threads()
        thread = threads[number % len(threads)] if threads else None
        if kind == "write" or thread is None:
            line = ("phone-1", "phone-3")[choice % 2]
            said = self.host.said("Hello", sender=(NUMBERS[number % 2],), line=line)
            self.connector.handle_webhook(self.host.webhook(said))
        else:
            with suppress(RefusedError):
                self.acts(kind, thread, user, whom, choice)
        self.note()
        self.host.clock.advance(SECOND)

    def acts(self, kind: str, thread: Conversation, user: UserId, whom: UserId, choice: int) -> None:
        c, x = self.connector, thread.id
        match kind:
            case "read":
                page = c.timeline(ACME, user, x, limit=10)
                if page.messages:
                    entry = page.messages[choice % len(page.messages)]
                    c.mark_read(ACME, user, x, entry.id)
                    for name in {*self.names(user), ""} & self.lists(thread):
                        unread = self.unread.get((name, x), set())
                        self.unread[name, x] = {each for each in unread if each > place(entry)}
            case "unread":
                if c.mark_unread(ACME, user, x).is_taken:
                    for name in {*self.names(user), ""} & self.lists(thread):
                        self.unread.setdefault((name, x), set())
                        if not self.unread[name, x]:
                            self.marks += 1
                            self.unread[name, x].add((self.host.clock.now, f"mark {self.marks}"))
            case "take":
                c.take(ACME, user, x)
            case "add":
                c.add(ACME, user, x, whom, role=(Role.MEMBER, Role.OBSERVER)[choice % 2])
            case "transfer":
                c.transfer(ACME, user, x, whom, from_owner=thread.owner, stay=bool(choice % 2))
            case "leave":
                c.leave(ACME, user, x, then=(None, HandOver(whom), LetGo(), EndIt())[choice % 4])
            case "remove":
                c.remove(ACME, user, x, whom)
            case "note":
                c.note(ACME, user, x, "Hm")
            case "send":
                c.send(ACME, user, x, Text("Hi"), hold=True)
            case "end":
                c.end(ACME, user, x)
            case "restart":
                c.restart(ACME, user, x)
            case "hand over":
                c.hand_over_all(ACME, SUE, user, whom)
            case _:
                raise AssertionError(kind)

    def note(self) -> None:
        """Whoever is in it now, and did not make the entry, has something unread."""
        threads = {thread.id: thread for thread in self.threads()}
        for message in self.messages():
            if message.id in self.known:
                continue
            self.known.add(message.id)
            thread = threads[message.conversation]
            author = message.author
            if isinstance(author, BySystem):
                continue
            for name in self.lists(thread):
                if not (isinstance(author, ByUser) and author.user == name):
                    self.unread.setdefault((name, thread.id), set()).add(place(message))
        for thread in threads.values():
            if "" not in self.lists(thread):
                self.unread.pop(("", thread.id), None)

    # --- what is expected ---------------------------------------------------------------------------------------------

    def expected_inbox(self, user: UserId, *, ended: bool = False, unassigned: bool = False) -> list[Any]:
        messages = self.messages()
        lines = {setup.line.id for setup in self.host.directory.lines(ACME, user)}
        found = []
        for thread in self.threads():
            home = self.home(thread, user)
            if unassigned:
                home = "" if "" in self.lists(thread) and thread.line in lines else None
            if home is None or (thread.state is ConversationState.ENDED) is not ended:
                continue
            entries = [each for each in messages if each.conversation == thread.id and self.sees(thread, user, each)]
            last = max(entries, key=place, default=None)
            active_at = max([thread.opened_at, *(each.at for each in entries)])
            unread = len(self.unread.get((home, thread.id), set()))
            found.append(((active_at, thread.id), last and last.id, unread, thread.owner == user))
        return sorted(found, key=lambda each: each[0], reverse=True)


KINDS = (
    *("write", "write", "write", "read", "read", "unread", "take", "take", "add", "add", "transfer", "leave"),
    *("remove", "note", "send", "send", "end", "restart", "hand over"),
)
kinds = st.sampled_from(KINDS)
acts = st.tuples(kinds, st.sampled_from(USERS), st.sampled_from(NAMES), st.integers(0, 5), st.integers(0, 11))
histories = st.lists(acts, min_size=3, max_size=25)


def walked(page_of: Callable[..., Any], entries_of: Callable[[Any], list[Any]], limit: int) -> list[Any]:
    """All pages down, and then up again: both ways the same entries in the same order."""
    page = page_of(limit=limit)
    pages = [page]
    while page.before:
        page = page_of(limit=limit, before=page.before)
        pages.append(page)
    down = [entry for page in pages for entry in entries_of(page)]
    full = [page for page in pages if entries_of(page)]
    if full:
        last = entries_of(full[-1])
        upwards = [list(last)]
        page = full[-1]
        while page.after:
            page = page_of(limit=limit, after=page.after)
            upwards.append(entries_of(page))
        assert down[-len(last) :] == last
        assert down == [entry for entries in reversed(upwards) for entry in entries]
    return down


def compare(history: History) -> None:
    connector = history.connector
    for user in USERS:
        expected = history.expected_inbox(user)

        def entries(page: InboxPage) -> list[Any]:
            return [(each.conversation.id, each.last and each.last.id, each.unread) for each in page.entries]

        def named(found: list[Any]) -> list[Any]:
            return [(where[1], last, unread) for where, last, unread, _ in found]

        for limit in (1, 2, 50):
            assert named(expected) == walked(lambda user=user, **w: connector.inbox(ACME, user, **w), entries, limit)
        page = connector.inbox(ACME, user, mine=True)
        assert named([each for each in expected if each[3]]) == entries(page)
        assert named([each for each in expected if each[2]]) == entries(connector.inbox(ACME, user, unread=True))
        assert named(expected) == entries(connector.inbox(ACME, user, channel="plain"))
        assert connector.inbox(ACME, user, channel="voicemail").entries == ()
        assert named(history.expected_inbox(user, ended=True)) == entries(connector.inbox(ACME, user, ended=True))
        nobodys = history.expected_inbox(user, unassigned=True)
        assert named(nobodys) == entries(connector.inbox(ACME, user, unassigned=True))
        for entry in connector.inbox(ACME, user).entries:
            held = connector.held(ACME, user, entry.conversation.id)
            assert len(held) == entry.held
            assert connector.composer(ACME, user, entry.conversation.id) == entry.composer


def has_word(message: Message, word: str) -> bool:
    return any(each.startswith(word) for each in text_of(message.content).casefold().replace("?", "").split())


def found_in(history: History, user: UserId, thread: ConversationId | None, word: str) -> list[MessageId]:
    """What a search finds, page by page."""
    found: list[MessageId] = []
    page = history.connector.search(ACME, user, word.upper(), conversation=thread, limit=2)
    while True:
        found += (each.id for each in page.messages)
        assert {each.conversation for each in page.messages} == set(page.conversations)
        if not page.before:
            return found
        page = history.connector.search(ACME, user, word.upper(), conversation=thread, limit=2, before=page.before)


def compare_searches(history: History) -> None:
    """Whoever searches finds what he may see, of all that he may see, and nothing else."""
    threads = {thread.id: thread for thread in history.threads()}
    for user in USERS:
        for word in ("h", "hello", "hm", "nothing"):
            seen = [
                m for m in history.messages() if history.sees(threads[m.conversation], user, m) and has_word(m, word)
            ]
            assert found_in(history, user, None, word) == [m.id for m in sorted(seen, key=place, reverse=True)]


def compare_timelines(history: History) -> None:
    connector, threads = history.connector, {thread.id: thread for thread in history.threads()}
    for user in USERS:
        for thread in threads.values():
            try:
                connector.timeline(ACME, user, thread.id)
            except RefusedError:
                with pytest.raises(RefusedError):
                    connector.customer_timeline(ACME, user, thread.id)
                continue
            seen = sorted(
                (each for each in history.messages() if history.sees(threads[each.conversation], user, each)),
                key=place,
                reverse=True,
            )
            of_thread = [each.id for each in seen if each.conversation == thread.id]
            of_customer = [each.id for each in seen if each.customer == thread.customer]

            def ids(page: Any) -> list[Any]:
                return [each.id for each in page.messages]

            for word in ("h", "hello", "hm"):
                assert found_in(history, user, thread.id, word) == [
                    each.id for each in seen if each.conversation == thread.id and has_word(each, word)
                ]
            for limit in (1, 3, 100):
                assert of_thread == walked(
                    lambda user=user, thread=thread, **w: connector.timeline(ACME, user, thread.id, **w),
                    ids,
                    limit,
                )
                assert of_customer == walked(
                    lambda user=user, thread=thread, **w: connector.customer_timeline(ACME, user, thread.id, **w),
                    ids,
                    limit,
                )


def run(storage: Storage, clock: VirtualClock, newcomers: Newcomers, happens: list[Any]) -> Iterator[History]:
    history = History(storage, clock, newcomers)
    try:
        for act in happens:
            history.happens(act)
        yield history
    finally:
        history.connector.close()
        storage.close()


@settings(max_examples=60, deadline=None)
@given(happens=histories, newcomers=st.sampled_from(list(Newcomers)))
def test_screens_show_what_there_is(happens: list[Any], newcomers: Newcomers) -> None:
    """Inbox, unread counts, and timelines of threads and customers, whoever looks, in pages of any size."""
    clock = VirtualClock(NOON)
    for history in run(MemoryStorage(clock=clock), clock, newcomers, happens):
        compare(history)
        compare_timelines(history)
        compare_searches(history)


@settings(max_examples=6, deadline=None)
@given(happens=histories)
def test_screens_show_what_there_is_on_sqlite(tmp_path_factory: pytest.TempPathFactory, happens: list[Any]) -> None:
    clock = VirtualClock(NOON)
    path = Path(tmp_path_factory.mktemp("inbox")) / "wa.db"
    for history in run(SqliteStorage(path), clock, Newcomers.FROM_JOINING, happens):
        compare(history)
        compare_timelines(history)
        compare_searches(history)
