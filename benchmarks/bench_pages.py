"""A page of the inbox, of a thread and of a customer: does it cost the same at a thousand entries and at a million?

The histories are of one make: half of all entries are one thread's, and the rest are spread over threads of ten entries, so
that the longer one has more of both. They are written as bare rows, past the rules, because what is measured reads them.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from attrs import evolve
from measuring import in_turn, loop_us, median, ratio, report
from wa_connector_sqlite.statements import statements
from wa_connector_sqlite.storage import SqliteStorage

from wa_connector import Connector
from wa_connector.model.content import Text, text_of
from wa_connector.model.conversation import Conversation, ConversationState, Pair, Participant, Role
from wa_connector.model.customer import Customer
from wa_connector.model.ids import ConversationId, CustomerId, MessageId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import ByCustomer, ByUser, Message, MessageStatus
from wa_connector.model.searching import words_of
from wa_connector.policy.membership import listing_of
from wa_connector.ports.codec import encode
from wa_connector.ports.rows import CONVERSATION, CUSTOMER, LISTING, MESSAGE, PAIR, Kind
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.host import ACME, ANA, BEN, LINE, MemoryHost

SIZES = (1_000, 1_000_000)
OF_A_SHORT_THREAD = 10
PAGE = 50
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEP = timedelta(seconds=7)
AT, LONG = 1_111_111_111_111_111, ConversationId("t000000")
Rows = Iterator[tuple[object, ...]]


def thread_of(number: int, size: int) -> int:
    """Every other entry is the long thread's; the threads take turns with the rest."""
    threads = size // 2 // OF_A_SHORT_THREAD
    return 0 if number % 2 else 1 + (number // 2) % threads


def messages(size: int) -> Rows:
    """The rows of all entries, oldest first. One payload is coded, and its ids and instant replaced."""
    made = Message(
        MessageId("@id"),
        ConversationId("@thread"),
        CustomerId("@customer"),
        LINE,
        NOW,
        ByCustomer(),
        Text("When does it arrive?"),
        MessageStatus.RECEIVED,
        NOW,
    )
    now = str(to_microseconds(NOW))
    texts = [
        encode(evolve(made, author=author), Message).replace(now, str(AT)) for author in (ByCustomer(), ByUser(BEN))
    ]
    words = " ".join(words_of(text_of(made.content)))
    first, step = to_microseconds(NOW - STEP * size), STEP // timedelta(microseconds=1)
    for number in range(size):
        place, at = thread_of(number, size), first + number * step
        key, thread, customer = f"m{number:07}", f"t{place:06}", f"c{place:06}"
        text = texts[number % 3 == 0].replace("@id", key).replace("@thread", thread).replace("@customer", customer)
        yield (ACME, key, thread, customer, LINE, "", at, words, text.replace(str(AT), str(at)))


def insert(db: sqlite3.Connection, kind: Kind, rows: Rows) -> None:
    db.executemany(statements(kind.name).insert, rows)


def threads(db: sqlite3.Connection, size: int) -> None:
    """The threads, all Ana's and half of them Ben's as well, with their customers and their places on lists."""
    first, step = NOW - STEP * size, STEP
    last: dict[int, tuple[int, int]] = {}
    for number in range(size):
        place = thread_of(number, size)
        last[place] = (number, last.get(place, (0, 0))[1] + 1)
    for place, (number, count) in last.items():
        thread, customer = ConversationId(f"t{place:06}"), CustomerId(f"c{place:06}")
        parts = (Participant(ANA, Role.OWNER, first), Participant(BEN, Role.MEMBER, first))[: 1 + place % 2]
        value = Conversation(thread, LINE, customer, ConversationState.OPEN, first, parts, channel="plain")
        at = to_microseconds(first + number * step)
        known = Customer(customer, first, name=f"Customer {place}")
        insert(db, CUSTOMER, iter([(ACME, customer, *CUSTOMER.project(known), encode(known, Customer))]))
        pair = Pair((thread,), thread)
        insert(db, PAIR, iter([(ACME, customer, LINE, *PAIR.project(pair), encode(pair, Pair))]))
        db.execute(statements("pair").merge, (ACME, customer, LINE, at, 0, 0, 0)[: 3 + len(PAIR.merges)])
        insert(db, CONVERSATION, iter([(ACME, thread, *CONVERSATION.project(value), encode(value, Conversation))]))
        counts = {"last_at": at, "entries": count, "arrived": count, "seen": count - place % 3}
        db.execute(
            statements("conversation").merge, (ACME, thread, *(counts.get(c.name, 0) for c in CONVERSATION.merges))
        )
        for part in parts:
            listing = listing_of(value, part.user)
            assert listing is not None
            row = (ACME, part.user, thread, *LISTING.project(listing), encode(listing, type(listing)))
            insert(db, LISTING, iter([row]))
            merged = (counts.get(column.name, 0) for column in LISTING.merges)
            db.execute(statements("listing").merge, (ACME, part.user, thread, *merged))


def written(folder: Path, size: int) -> Connector:
    """A connector over a history of ``size`` entries."""
    path = folder / f"{size}.db"
    storage = SqliteStorage(path)
    storage.load([CUSTOMER.of(ACME, "nobody")])  # Makes the tables.
    started = time.monotonic()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN")
    threads(db, size)
    insert(db, MESSAGE, messages(size))
    db.execute("COMMIT")
    db.close()
    print(f"{size:,} entries written in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return MemoryHost(storage=storage, clock=VirtualClock(NOW)).connector()


def timed(page_of: Callable[[Connector], Sequence[object]], connector: Connector, _: int) -> float:
    return loop_us(lambda: page_of(connector), 0.05)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        small, large = (written(Path(folder), size) for size in SIZES)
        cursors = {}
        for connector in (small, large):
            page = connector.timeline(ACME, ANA, LONG, limit=PAGE)
            for _ in range(3):
                assert len(page.messages) == PAGE
                page = connector.timeline(ACME, ANA, LONG, limit=PAGE, before=page.before)
            cursors[connector] = page.before
        cases: dict[str, Callable[[Connector], Sequence[object]]] = {
            "inbox": lambda c: c.inbox(ACME, ANA, limit=PAGE).entries,
            "inbox, unread alone": lambda c: c.inbox(ACME, ANA, unread=True, limit=PAGE // 2).entries,
            "timeline of a thread": lambda c: c.timeline(ACME, ANA, LONG, limit=PAGE).messages,
            "timeline, further back": lambda c: c.timeline(ACME, ANA, LONG, limit=PAGE, before=cursors[c]).messages,
            "timeline of a customer": lambda c: c.customer_timeline(ACME, ANA, LONG, limit=PAGE).messages,
        }
        for name, page_of in cases.items():
            lengths = {len(page_of(connector)) for connector in (small, large)}
            assert lengths <= {PAGE, PAGE // 2}, (name, lengths)
            assert len(lengths) == 1, (name, lengths)
            rounds = in_turn(
                11,
                {
                    "small": partial(timed, page_of, small),
                    "large": partial(timed, page_of, large),
                },
            )
            cost = ratio(rounds["large"], rounds["small"])
            label = f"page of {PAGE}: {name}, 1,000,000 entries against 1,000 (SQLite)"
            report(label, median(rounds["large"]), "us", baseline=median(rounds["small"]), ratio=cost, at_most=1.3)
        for connector in (small, large):
            connector.close()


main()
