"""Pages: a user's inbox, and what was said in a thread or with a customer.

Theory: what a screen lists is read from indexes, and what it counts was counted when it was written. A page takes the
heads of a few index ranges (one a list of the user's, or a few more where he filters), merges them into one total order,
and loads what belongs to its threads, all of them at once. So its cost goes by its size and by how many lists he has, and
not by how much there is.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Final

from attrs import frozen

from wa_connector.decide import screens
from wa_connector.decide.draft import Ready
from wa_connector.decide.ground import Ground
from wa_connector.decide.screens import InConversation
from wa_connector.errors import UsageError
from wa_connector.model.conversation import UNASSIGNED, Conversation, ConversationState, Listing
from wa_connector.model.customer import Customer
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import LineSetup, Seat
from wa_connector.model.ids import ConversationId, CustomerId, LineId, TenantId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.message import Message
from wa_connector.model.opinion import Intent
from wa_connector.model.searching import words_of
from wa_connector.policy.membership import Span, as_seen, concerns, names_of, preferred, spans
from wa_connector.policy.screens import Composer
from wa_connector.ports.rows import CONVERSATION, CUSTOMER, Key, Scalar
from wa_connector.ports.storage import FOUND, Follow, Page, Range, Row, Scan, Search, Snapshot, Wanted
from wa_connector.shell.committing import ask_all
from wa_connector.shell.grounds import ground_for
from wa_connector.shell.ports import Ports

Place = tuple[int, str]
"""Where something stands in a page's order: an instant in microseconds, and an id."""
LARGEST: Final = 500
"""No page holds more."""


@frozen
class InboxEntry:
    """A thread in an inbox: ``last`` is the latest entry that the user sees, ``unread`` how many entries of others he has
    not read, ``held`` how many messages wait for the window, ``composer`` what the message field may do now."""

    conversation: Conversation
    last: Message | None
    unread: int
    held: int
    composer: Composer


@frozen
class InboxPage:
    """Threads, the most recently active first. ``before`` is the cursor of the page further down, '' at the end;
    ``after`` that of what has become active since, or stands further up: '' on an empty page."""

    entries: tuple[InboxEntry, ...]
    before: str = ""
    after: str = ""


@frozen
class Shelves:
    """Which threads an inbox shows: see ``Connector.inbox``."""

    mine: bool = False
    unassigned: bool = False
    channel: str = ""
    unread: bool = False
    ended: bool = False


@frozen
class Window:
    """Which stretch of an order a page shows: behind ``before`` downwards, or behind ``after`` upwards."""

    limit: int
    before: Place | None = None
    after: Place | None = None

    @classmethod
    def of(cls, limit: int, before: str, after: str) -> "Window":
        """Raises ``UsageError`` for what is no cursor, for two, and for a size that is none."""
        if before and after:
            raise UsageError("a page goes on in one direction: pass before or after, not both")
        if not 1 <= limit <= LARGEST:
            raise UsageError(f"a page holds 1 to {LARGEST} entries")
        return cls(limit, _place(before, "before"), _place(after, "after"))

    @property
    def is_upwards(self) -> bool:
        return self.after is not None

    @property
    def start(self) -> Place | None:
        return self.after or self.before

    def in_order(self, places: Iterable[Place]) -> list[Place]:
        return sorted(places, reverse=not self.is_upwards)


def cursor(place: Place) -> str:
    """A place as a host passes it back."""
    return f"{place[0]} {place[1]}"


def _place(text: str, name: str) -> Place | None:
    if not text:
        return None
    at, _, key = text.partition(" ")
    if not (at.isascii() and at.isdigit()) or not key or int(at) >= 1 << 63:
        raise UsageError(f"{name} is not a cursor of a former page")
    return int(at), key


# --- the inbox --------------------------------------------------------------------------------------------------------


async def inbox(ports: Ports, seat: Seat, shelves: Shelves, window: Window) -> InboxPage:
    """A page of what a user has in hand."""
    if shelves.mine and shelves.unassigned:
        raise UsageError("what is unassigned is nobody's: pass mine or unassigned, not both")
    setups = await ports.directory.lines(seat.user.tenant, seat.user.id) if shelves.unassigned else ()
    prefixes = list(_prefixes(ports, seat, shelves, setups))
    listed: list[tuple[Place, Key, Row]] = []
    start, has_more = window.start, bool(prefixes)
    while has_more and len(listed) < window.limit:
        found = await _heads(ports, prefixes, window, start)
        page = window.in_order(found)[: window.limit]
        has_more = len(found) > len(page)
        start = page[-1] if page else None
        # One that stands on several lists of his is found on one of them.
        listed += ((place, *found[place]) for place in page if _is_at_home(*found[place], seat, shelves))
    listed, cut = listed[: window.limit], listed[window.limit :]
    if window.is_upwards:
        listed.reverse()
    entries = await _entries(ports, seat, listed)
    if not listed:
        return InboxPage(())
    is_last = not (has_more or cut) and not window.is_upwards
    return InboxPage(entries, "" if is_last else cursor(listed[-1][0]), cursor(listed[0][0]))


def _prefixes(
    ports: Ports, seat: Seat, shelves: Shelves, setups: Sequence[LineSetup]
) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
    """The stretches of which an inbox is made: each an index, and what is fixed of it."""
    tenant = seat.user.tenant
    state = (ConversationState.ENDED if shelves.ended else ConversationState.OPEN).value
    names: tuple[str, ...] = (seat.user.id,) if shelves.mine else (seat.user.id, *sorted(seat.teams))
    if not (shelves.mine or shelves.unassigned or shelves.channel or shelves.unread):
        yield from (("recent", (tenant, name, state)) for name in names)
        return
    channels: Iterable[str] = (shelves.channel,) if shelves.channel else sorted(ports.channels)
    if shelves.unassigned:
        names = (UNASSIGNED,)
        channels = sorted({setup.line.id for setup in setups if setup.line.channel in set(channels)})
    owned = (1,) if shelves.mine else (0,) if shelves.unassigned else (0, 1)
    unread = (1,) if shelves.unread else (0, 1)
    yield from (("shelf", (tenant, *parts[:1], state, *parts[1:])) for parts in product(names, channels, owned, unread))


async def _heads(
    ports: Ports, prefixes: Sequence[tuple[str, tuple[Scalar, ...]]], window: Window, start: Place | None
) -> dict[Place, tuple[Key, Row]]:
    """The next of each stretch, by place; of two lists with the same thread at one place, the first is taken."""
    wanted = [
        Range("listing", index, prefix, window.limit + 1, descending=not window.is_upwards, after=start)
        for index, prefix in prefixes
    ]
    snapshot = await ports.storage.load(wanted)
    found: dict[Place, tuple[Key, Row]] = {}
    for each in wanted:
        for key in snapshot.ranges[each]:
            row = snapshot.rows[key]
            found.setdefault((row.merged["last_at"], str(key.parts[2])), (key, row))
    return found


def _is_at_home(key: Key, row: Row, seat: Seat, shelves: Shelves) -> bool:
    listing: Listing = row.value
    return shelves.unassigned or preferred(listing.lists, seat) == key.parts[1]


async def _entries(ports: Ports, seat: Seat, listed: Sequence[tuple[Place, Key, Row]]) -> tuple[InboxEntry, ...]:
    """What a page shows of its threads, loaded together: the threads and their customers, their last entries, and what
    their message fields may do."""
    tenant = seat.user.tenant
    grounds: dict[LineId, Ground | None] = {}
    for _, _, row in listed:
        line = row.value.line
        if line not in grounds:
            setup = await ports.directory.line(tenant, line)
            grounds[line] = await ground_for(ports, setup, seat, Intent.WRITE) if setup else None
    wanted: list[Wanted] = []
    for _, _, row in listed:
        listing: Listing = row.value
        wanted += (of_thread(tenant, listing.conversation, listing.line), latest(tenant, listing.conversation))
    for ground in grounds.values():
        if ground is not None:
            wanted += screens.known_needs(ground, ports.clock())
    snapshot = await ports.storage.load(wanted)
    questions = {
        row.value.conversation: InConversation(ground, row.value.conversation)
        for _, _, row in listed
        if (ground := grounds[row.value.line]) is not None
    }
    answers = await ask_all(ports, screens.composer, questions, tenant, snapshot)
    return tuple(_entry(snapshot, seat, row, _composer(answers.get(row.value.conversation))) for _, _, row in listed)


def _composer(answer: object) -> Composer:
    if isinstance(answer, Ready):
        composer: Composer = answer.result
        return composer
    # Of a line that is gone, and of a thread that was given away this moment.
    refusal = getattr(answer, "decision", Decision(Reason.NOT_A_PARTICIPANT))
    return Composer(refusal, refusal, refusal)


def _entry(snapshot: Snapshot, seat: Seat, listed: Row, composer: Composer) -> InboxEntry:
    listing: Listing = listed.value
    row = snapshot.rows[CONVERSATION.of(seat.user.tenant, listing.conversation)]
    thread: Conversation = row.value
    (*_, last) = (None, *(snapshot.rows[key].value for key in snapshot.ranges[latest(seat.user.tenant, thread.id)]))
    if last is not None and not any(span.has(last.at) for span in spans(thread, seat)):
        last = None
    unread = max(0, listed.merged["arrived"] - listed.merged["seen"])
    return InboxEntry(as_seen(thread, seat), last, unread, max(0, row.merged.get("held", 0)), composer)


def latest(tenant: TenantId, conversation: ConversationId) -> Range:
    """The last entry of a thread."""
    return Range("message", "timeline", (tenant, conversation), 1, descending=True)


def of_thread(tenant: TenantId, conversation: ConversationId, line: LineId) -> Follow:
    """A thread, and what is known of its customer."""
    then = (("customer", (tenant, FOUND)), ("consent", (tenant, FOUND)), ("pair", (tenant, FOUND, line)))
    return Follow(CONVERSATION.of(tenant, conversation), "customer", then)


# --- a thread ---------------------------------------------------------------------------------------------------------


@frozen
class Timeline:
    """A page of a conversation, newest first. ``before`` is the cursor of the page further back, '' at the end;
    ``after`` that of what came since, '' on an empty page."""

    conversation: Conversation
    messages: tuple[Message, ...]
    before: str = ""
    after: str = ""


async def timeline(ports: Ports, seat: Seat, thread: Conversation, window: Window) -> Timeline:
    """A page of a thread, as far as the user sees it: one scan a span, and no more rows read than were asked for in each."""
    seen = spans(thread, seat)
    found: list[Message] = []
    for span in reversed(seen) if window.is_upwards else seen:
        start = _entered(span, window)
        prefix = (seat.user.tenant, thread.id)
        limit = window.limit + 1 - len(found)
        scan = Scan("message", "timeline", prefix, limit, start, descending=not window.is_upwards)
        page = await ports.storage.scan(scan)
        found += (row.value for _, row in page.rows if span.has(row.value.at))
        if len(found) > window.limit:
            break
    messages, before, after = _cut(found, window, has_more=len(found) > window.limit)
    return Timeline(as_seen(thread, seat), messages, before, after)


def _entered(span: Span, window: Window) -> Place | None:
    """Where to begin to read in a span. Of one instant, nothing sorts before the empty id: so it leaves out the span's
    end and all after it, or takes in its beginning."""
    edge = span.from_at if window.is_upwards else span.until_at
    if edge is None:
        return window.start
    places = [(to_microseconds(edge), ""), *([window.start] if window.start else [])]
    return max(places) if window.is_upwards else min(places)


def place_of(message: Message) -> Place:
    """Where an entry stands in every timeline: by its instant, and at equal instants by its id."""
    return to_microseconds(message.at), message.id


def _cut(found: Sequence[Message], window: Window, *, has_more: bool) -> tuple[tuple[Message, ...], str, str]:
    """What a page shows of what was found in its direction, newest first, and its two cursors."""
    shown = found[: window.limit]
    if not shown:
        return (), "", ""
    if window.is_upwards:
        shown = shown[::-1]
    before = cursor(place_of(shown[-1])) if has_more or window.is_upwards else ""
    return tuple(shown), before, cursor(place_of(shown[0]))


# --- a customer -------------------------------------------------------------------------------------------------------


@frozen
class CustomerTimeline:
    """What was said with a customer in all threads on all channels, as far as the user sees it, newest first.

    ``conversations`` are the threads of these entries, by id. ``before`` is the cursor of the page further back, '' at
    the end, and ``after`` that of what came since. A page that passes over much that is not the user's to see may hold
    less than was asked for, or nothing; it ends where ``before`` is ''.
    """

    messages: tuple[Message, ...]
    conversations: Mapping[ConversationId, Conversation]
    before: str = ""
    after: str = ""


_LOOKS: Final = 6
"""How often a page looks further through what the user may not see, each time at twice as much."""
_MOST_MERGED: Final = 100


async def customer_timeline(ports: Ports, seat: Seat, customer: CustomerId, window: Window) -> CustomerTimeline:
    """A page of all that was said with a customer."""
    records = await _records_of(ports, seat.user.tenant, customer)
    lines = {setup.line.id for setup in await ports.directory.lines(seat.user.tenant, seat.user.id)}
    hull = await _hull(ports, seat, records)
    threads: dict[ConversationId, Conversation] = {}
    found: list[Message] = []
    start = None if hull is None else _entered(hull, window)
    size, has_more = window.limit + 1, hull is not None
    for _ in range(_LOOKS):
        if not has_more or len(found) > window.limit:
            break
        passed, has_more = await _next_of(ports, seat.user.tenant, records, window, start, size)
        threads |= await _threads_of(ports, seat.user.tenant, {entry.conversation for entry in passed} - {*threads})
        for entry in passed:
            start = place_of(entry)
            if hull is not None and _is_past(hull, entry.at, window):
                has_more = False
                break
            if is_shown(threads[entry.conversation], seat, lines, entry.at):
                found.append(entry)
        size *= 2
    messages, before, after = _cut(found, window, has_more=has_more or len(found) > window.limit)
    if has_more and len(found) <= window.limit and start is not None:
        # It looked further than what it shows.
        before, after = (before, cursor(start)) if window.is_upwards else (cursor(start), after)
    shown = {entry.conversation: as_seen(threads[entry.conversation], seat) for entry in messages}
    return CustomerTimeline(messages, shown, before, after)


def is_shown(thread: Conversation, seat: Seat, lines: Collection[LineId], at: datetime) -> bool:
    """Whether a user sees what a thread holds of an instant; ``lines`` are his."""
    is_near = thread.line in lines or concerns(thread, seat)
    return is_near and any(span.has(at) for span in spans(thread, seat))


async def _records_of(ports: Ports, tenant: TenantId, customer: CustomerId) -> list[CustomerId]:
    """All records that stand for one person: who this one was merged into, and all that were merged into him."""
    survivor: CustomerId | None = customer
    while survivor is not None:
        customer = survivor
        key = CUSTOMER.of(tenant, customer)
        record: Customer | None = (await ports.storage.load([key])).rows[key].value
        survivor = record.merged_into if record else None
    found, new = [customer], [customer]
    while new:
        wanted = [Range("customer", "merged", (tenant, each), _MOST_MERGED) for each in new]
        snapshot = await ports.storage.load(wanted)
        new = [CustomerId(str(key.parts[1])) for each in wanted for key in snapshot.ranges[each]]
        found += new
    return found


async def _hull(ports: Ports, seat: Seat, records: Sequence[CustomerId]) -> Span | None:
    """The shortest span that holds all that a user may see of a customer, so that a page need not look beyond; None where
    that is nothing. What nobody owns is on a list of its own."""
    if seat.user.supervises:
        return Span()
    tenant, names = seat.user.tenant, (*sorted(names_of(seat)), UNASSIGNED)
    prefixes = [(tenant, name, record) for name in names for record in records]
    first = [Range("listing", "from", prefix, 1) for prefix in prefixes]
    last = [Range("listing", "until", prefix, 1, descending=True) for prefix in prefixes]
    snapshot = await ports.storage.load([*first, *last])
    earliest: list[Listing] = [snapshot.rows[key].value for each in first for key in snapshot.ranges[each]]
    latest_of: list[Listing] = [snapshot.rows[key].value for each in last for key in snapshot.ranges[each]]
    if not earliest:
        return None
    starts = [each.sees_from_at for each in earliest if each.sees_from_at is not None]
    ends = [each.sees_until_at for each in latest_of if each.sees_until_at is not None]
    return Span(
        min(starts) if len(starts) == len(earliest) else None, max(ends) if len(ends) == len(latest_of) else None
    )


def _is_past(hull: Span, at: datetime, window: Window) -> bool:
    """Whether nothing that follows in the page's direction can be seen."""
    if window.is_upwards:
        return hull.until_at is not None and at >= hull.until_at
    return hull.from_at is not None and at < hull.from_at


async def _next_of(
    ports: Ports,
    tenant: TenantId,
    records: Sequence[CustomerId],
    window: Window,
    start: Place | None,
    size: int,
) -> tuple[list[Message], bool]:
    """The next entries of a person's records in one order, and whether more may follow."""
    wanted = [
        Range("message", "customer", (tenant, record), size + 1, descending=not window.is_upwards, after=start)
        for record in records
    ]
    snapshot = await ports.storage.load(wanted)
    found: list[Message] = [snapshot.rows[key].value for each in wanted for key in snapshot.ranges[each]]
    found.sort(key=place_of, reverse=not window.is_upwards)
    return found[:size], len(found) > size


async def _threads_of(
    ports: Ports, tenant: TenantId, names: Iterable[ConversationId]
) -> dict[ConversationId, Conversation]:
    keys = {name: CONVERSATION.of(tenant, name) for name in sorted(names)}
    if not keys:
        return {}
    rows = (await ports.storage.load(list(keys.values()))).rows
    return {name: rows[key].value for name, key in keys.items()}


# --- by words ---------------------------------------------------------------------------------------------------------


@frozen
class SearchPage:
    """Entries that a user may see and that have certain words, newest first, with their threads by id. ``before`` is the
    cursor of the page further back, '' at the end; a page that passes over much that is not his to see may be short."""

    messages: tuple[Message, ...]
    conversations: Mapping[ConversationId, Conversation]
    before: str = ""


async def search(
    ports: Ports, seat: Seat, text: str, conversation: ConversationId | None, window: Window
) -> SearchPage:
    """A page of what is found; in one thread, or in all that the user may see."""
    tenant, words = seat.user.tenant, words_of(text)
    find: Callable[[Search], Awaitable[Page]] | None = getattr(ports.storage, "search", None)
    if find is None:
        raise UsageError("this storage finds nothing by its words: it has no method search (SearchingStorage)")
    lines = {setup.line.id for setup in await ports.directory.lines(tenant, seat.user.id)}
    threads: dict[ConversationId, Conversation] = {}
    found: list[Message] = []
    after, size, has_more = window.before, window.limit + 1, bool(words)
    for _ in range(_LOOKS):
        if not has_more or len(found) > window.limit:
            break
        page = await find(Search("message", tenant, words, size, after))
        passed: list[Message] = [row.value for _, row in page.rows]
        threads |= await _threads_of(ports, tenant, {entry.conversation for entry in passed} - {*threads})
        found += (
            entry
            for entry in passed
            if conversation in (None, entry.conversation)
            and is_shown(threads[entry.conversation], seat, lines, entry.at)
        )
        has_more = page.next is not None
        after = place_of(passed[-1]) if passed else after
        size *= 2
    shown = found[: window.limit]
    before = ""
    if len(found) > window.limit:
        before = cursor(place_of(shown[-1]))
    elif has_more and after is not None:
        before = cursor(after)  # It looked further than what it shows.
    known = {entry.conversation: as_seen(threads[entry.conversation], seat) for entry in shown}
    return SearchPage(tuple(shown), known, before)


__all__ = [
    "CustomerTimeline",
    "InboxEntry",
    "InboxPage",
    "SearchPage",
    "Shelves",
    "Timeline",
    "Window",
    "customer_timeline",
    "inbox",
    "of_thread",
    "search",
    "timeline",
]
