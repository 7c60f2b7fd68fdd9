"""What every storage promises, as a suite that a plugin inherits: the binding text of ``ports.storage``.

A plugin's whole test module::

    import pytest
    from wa_connector.testing.contract import StorageContract


    class TestMine(StorageContract):
        @pytest.fixture
        def storage(self, tmp_path):
            return MineStorage(tmp_path / "file")

        def advance_storage_clock(
            self, storage, span
        ): ...  # let `span` pass on the clock by which leases of this storage run out

An asynchronous storage inherits ``AsyncStorageContract`` instead: the same tests, driven through one event loop. Each
test begins with an empty storage, and the suite closes it. For failures that show their values, a plugin's conftest says
``pytest.register_assert_rewrite("wa_connector.testing.contract")``.

Rules of this file: a test states one promise; where two storages may rightly differ, it does not look.
"""

import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

import pytest
from attrs import evolve

from wa_connector.errors import UsageError
from wa_connector.model.content import Text
from wa_connector.model.conversation import Conversation, ConversationState, Listing, ListingState
from wa_connector.model.customer import Customer
from wa_connector.model.event import CustomerSeen, Event
from wa_connector.model.ids import ConversationId, CustomerId, LineId, MessageId, TenantId
from wa_connector.model.message import ByCustomer, Message, MessageStatus
from wa_connector.model.queue import Budget, EntryState, LaneKey, LeasedLane, OutboxEntry, Work
from wa_connector.ports.rows import (
    ADDRESS,
    CONVERSATION,
    CUSTOMER,
    DEDUPE,
    KINDS,
    LISTING,
    MESSAGE,
    OUTBOX,
    PAIR,
    Key,
    Scalar,
)
from wa_connector.ports.storage import (
    ABSENT,
    COMMITTED,
    FOUND,
    AsyncStorage,
    Change,
    Conflict,
    Duplicate,
    EventPage,
    Follow,
    Merge,
    Outcome,
    Page,
    Put,
    Range,
    Row,
    Scan,
    Search,
    SearchingStorage,
    Settle,
    Snapshot,
    Storage,
    Wake,
    Wanted,
)
from wa_connector.testing.samples import ORDERED, TEXTS, Sample, sample

TENANT: Final = TenantId("acme")
OTHER: Final = TenantId("globex")
NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
LEASE: Final = timedelta(minutes=1)
LINE: Final = LineId("line-1")
ANN: Final = CUSTOMER.of(TENANT, "ann")
BOB: Final = CUSTOMER.of(TENANT, "bob")
THREAD: Final = CONVERSATION.of(TENANT, "thread-1")
LANE: Final = LaneKey(TENANT, LINE, CustomerId("ann"), Work.SEND)
BOTH: Final = (Work.SEND, Work.FETCH)

_T = TypeVar("_T")


class StorageContract:
    """Inherit, give the fixture ``storage``, and implement ``advance_storage_clock``."""

    @pytest.fixture
    def storage(self) -> Any:
        """The storage under test, empty."""
        raise NotImplementedError("a contract suite needs a fixture named `storage`, which gives an empty storage")

    @pytest.fixture
    def store(self, storage: Any) -> Iterator[Storage]:
        """What the tests talk to: the storage, or an adapter of it."""
        yield storage
        storage.close()

    def advance_storage_clock(self, storage: Any, span: timedelta) -> None:
        """Let ``span`` pass on the clock by which this storage's leases run out.

        A storage whose clock is a server's may move its running leases back by ``span`` instead.
        """
        raise NotImplementedError("a contract suite says how the storage's own clock is moved")

    # ------------------------------------------------------------------------------- payloads and versions

    @pytest.mark.parametrize("kind", KINDS)
    def test_payloads_survive(self, store: Storage, kind: str) -> None:
        """What was put is loaded as an equal value, at version 1; of every kind, and with texts of every sort."""
        samples = [sample(kind, TENANT, number) for number in range(len(TEXTS) + 4)]
        assert list(store.commit([_insertion(each) for each in samples])) == [COMMITTED] * len(samples)
        rows = store.load([each.key for each in samples]).rows
        for each in samples:
            assert rows[each.key].value == each.value
            assert rows[each.key].version == 1
            assert rows[each.key].merged == dict(each.merges)

    def test_what_was_never_put_is_absent(self, store: Storage) -> None:
        """A wanted key without a row is in the snapshot as ``ABSENT``."""
        assert store.load([ANN, BOB]).rows == {ANN: ABSENT, BOB: ABSENT}

    def test_nothing_wanted_is_nothing_loaded(self, store: Storage) -> None:
        """An empty load and an empty commit are answered."""
        assert store.load([]) == Snapshot()
        assert list(store.commit([])) == []

    def test_replacing_moves_the_version_by_one(self, store: Storage) -> None:
        """A version counts replacements: 1 after the first put, then one more each time."""
        for version in range(4):
            assert _commit(store, _put(ANN, _customer(f"v{version}"), version)) == COMMITTED
            assert _row(store, ANN) == Row(version + 1, _customer(f"v{version}"))

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_put_of_an_unread_key_must_be_new(self, store: Storage, kind: str) -> None:
        """Without a version among the reads nothing is ever overwritten; nor where version 0, "was not there", was
        read."""
        key = sample(kind, TENANT, 0).key
        first, second = (sample(kind, TENANT, number).value for number in (3, 4))
        assert _commit(store, _change(puts=(Put(key, first),))) == COMMITTED
        before = _row(store, key)
        _assert_conflict(_commit(store, _change(puts=(Put(key, second),))), key)
        _assert_conflict(_commit(store, _put(key, second, 0)), key)
        assert _row(store, key) == before
        assert before.value == first

    def test_a_put_of_what_is_gone_conflicts(self, store: Storage) -> None:
        """A replacement never brings a deleted row back."""
        _insert(store, ANN, _customer("ann"))
        assert _commit(store, _change(reads={ANN: 1}, deletes=(ANN,))) == COMMITTED
        _assert_conflict(_commit(store, _put(ANN, _customer("again"), 1)), ANN)
        assert _row(store, ANN) == ABSENT

    # ------------------------------------------------------------------------------- conflicts

    def test_an_old_version_conflicts(self, store: Storage) -> None:
        """Of two that read the same version one lands, and the other changes nothing."""
        _insert(store, ANN, _customer("ann"))
        assert _commit(store, _put(ANN, _customer("winner"), 1)) == COMMITTED
        _assert_conflict(_commit(store, _put(ANN, _customer("loser"), 1)), ANN)
        assert _row(store, ANN) == Row(2, _customer("winner"))

    def test_a_version_from_the_future_conflicts(self, store: Storage) -> None:
        """A read version is that one, not "at least"."""
        _insert(store, ANN, _customer("ann"))
        _assert_conflict(_commit(store, _put(ANN, _customer("loser"), 2)), ANN)
        _assert_conflict(_commit(store, _change(reads={ANN: 2})), ANN)

    def test_what_was_only_read_conflicts_too(self, store: Storage) -> None:
        """A STOP that lands between load and commit refuses the send that read the consent."""
        _insert(store, ANN, _customer("ann"))
        assert _commit(store, _put(ANN, _customer("moved"), 1)) == COMMITTED
        _assert_conflict(_commit(store, _put(BOB, _customer("bob"), 0, reads={ANN: 1})), ANN)
        assert _row(store, BOB) == ABSENT

    def test_what_was_read_as_absent_conflicts_too(self, store: Storage) -> None:
        """... also where there was nothing to read yet."""
        _insert(store, ANN, _customer("ann"))
        _assert_conflict(_commit(store, _put(BOB, _customer("bob"), 0, reads={ANN: 0})), ANN)
        assert _row(store, BOB) == ABSENT

    def test_reads_that_hold_let_a_change_land(self, store: Storage) -> None:
        """Reads that still hold, absent ones among them, stop nothing."""
        _insert(store, ANN, _customer("ann"))
        change = _change(reads={ANN: 1, BOB: 0, THREAD: 0}, merges=(Merge(THREAD, {"entries": 1}),))
        assert _commit(store, change) == COMMITTED

    def test_a_refused_change_leaves_nothing(self, store: Storage) -> None:
        """Whole or not at all: of a change whose last put conflicts no part is there."""
        _insert(store, ANN, _customer("ann"))
        doomed = _change(
            reads={BOB: 0, ANN: 7},
            puts=(Put(BOB, _customer("bob")), Put(ANN, _customer("never"))),
            merges=(Merge(THREAD, {"entries": 1}),),
            dedupe={"mark": "ref"},
            events=(CustomerSeen(CustomerId("bob")),),
            wakes=(Wake(LANE, NOW),),
        )
        _assert_conflict(_commit(store, doomed), ANN)
        assert _row(store, ANN) == Row(1, _customer("ann"))
        assert _row(store, BOB) == ABSENT
        assert _row(store, THREAD) == ABSENT
        assert _row(store, DEDUPE.of(TENANT, "mark")) == ABSENT
        assert store.events_after(TENANT, "", 10).events == ()
        assert _claim(store) == []

    # ------------------------------------------------------------------------------- deletes

    def test_a_deleted_row_is_gone_everywhere(self, store: Storage) -> None:
        """From loads, ranges and pages; and its key may be used again, from version 1."""
        _insert(store, THREAD, _thread("thread-1"))
        assert _commit(store, _change(reads={THREAD: 1}, deletes=(THREAD,))) == COMMITTED
        inbox = Range("conversation", "inbox", (TENANT,), 10)
        assert _row(store, THREAD) == ABSENT
        assert store.load([inbox]).ranges[inbox] == ()
        assert store.scan(Scan("conversation", "inbox", (TENANT,), 10)) == Page(())
        _insert(store, THREAD, _thread("thread-1"))
        assert _row(store, THREAD).version == 1

    def test_deleting_another_version_conflicts(self, store: Storage) -> None:
        """A delete is decided on what was read, as a put is."""
        _insert(store, ANN, _customer("ann"))
        assert _commit(store, _put(ANN, _customer("moved"), 1)) == COMMITTED
        _assert_conflict(_commit(store, _change(reads={ANN: 1}, deletes=(ANN,))), ANN)
        _assert_conflict(_commit(store, _change(reads={ANN: 0}, deletes=(ANN,))), ANN)
        assert _row(store, ANN) == Row(2, _customer("moved"))

    def test_deleting_what_is_absent_is_done_at_once(self, store: Storage) -> None:
        """Read as absent, deleted, still absent: no conflict."""
        assert _commit(store, _change(reads={ANN: 0}, deletes=(ANN,))) == COMMITTED

    def test_a_delete_takes_the_merges_along(self, store: Storage) -> None:
        """A row is one row: nothing of it is left to come back."""
        _insert(store, THREAD, _thread("thread-1"))
        assert _commit(store, _merge(THREAD, entries=5)) == COMMITTED
        assert _commit(store, _change(reads={THREAD: 1}, deletes=(THREAD,))) == COMMITTED
        _insert(store, THREAD, _thread("thread-1"))
        assert _row(store, THREAD).merged == {"last_at": 0, "entries": 0, "held": 0, "acknowledged": 0}

    # ------------------------------------------------------------------------------- merges

    def test_a_maximum_only_rises(self, store: Storage) -> None:
        """In whatever order the values come."""
        for value, expected in ((5, 5), (3, 5), (9, 9), (0, 9)):
            assert _commit(store, _merge(THREAD, last_at=value)) == COMMITTED
            assert _row(store, THREAD).merged["last_at"] == expected

    def test_a_sum_adds(self, store: Storage) -> None:
        """Negative numbers too."""
        for value, expected in ((5, 5), (3, 8), (-10, -2), (0, -2)):
            assert _commit(store, _merge(THREAD, entries=value)) == COMMITTED
            assert _row(store, THREAD).merged["entries"] == expected

    def test_a_column_begins_at_zero(self, store: Storage) -> None:
        """Of a row that merges made, each column is there, and a maximum does not fall below its beginning."""
        assert _commit(store, _merge(THREAD, last_at=-5)) == COMMITTED
        assert _row(store, THREAD).merged == {"last_at": 0, "entries": 0, "held": 0, "acknowledged": 0}

    def test_merges_hold_whole_microseconds(self, store: Storage) -> None:
        """64 bits."""
        assert _commit(store, _merge(THREAD, last_at=2**62, entries=-(2**62))) == COMMITTED
        assert _row(store, THREAD).merged == {"last_at": 2**62, "entries": -(2**62), "held": 0, "acknowledged": 0}

    def test_a_merge_does_not_move_the_version(self, store: Storage) -> None:
        """So it makes nobody conflict who read the payload."""
        _insert(store, THREAD, _thread("thread-1"))
        assert _commit(store, _merge(THREAD, entries=1)) == COMMITTED
        assert _row(store, THREAD).version == 1
        assert _commit(store, _put(THREAD, _thread("thread-1", ConversationState.ENDED), 1)) == COMMITTED

    def test_a_row_that_merges_made_counts_as_absent(self, store: Storage) -> None:
        """Version 0 and no value, until the first put, which keeps what was merged."""
        assert _commit(store, _merge(THREAD, entries=2)) == COMMITTED
        assert _row(store, THREAD) == Row(0, None, {"last_at": 0, "entries": 2, "held": 0, "acknowledged": 0})
        assert _commit(store, _change(reads={THREAD: 0}, merges=(Merge(THREAD, {"entries": 1}),))) == COMMITTED
        assert _commit(store, _change(puts=(Put(THREAD, _thread("thread-1")),))) == COMMITTED
        assert _row(store, THREAD) == Row(
            1, _thread("thread-1"), {"last_at": 0, "entries": 3, "held": 0, "acknowledged": 0}
        )

    def test_a_row_that_merges_made_has_its_place(self, store: Storage) -> None:
        """In pages and ranges it is a row like any other, its projected columns empty."""
        pair = PAIR.of(TENANT, "ann", LINE)
        assert _commit(store, _merge(pair, customer_at=7)) == COMMITTED
        wanted = Range("pair", "key", (TENANT, "ann"), 10)
        found = store.load([wanted])
        assert found.ranges[wanted] == (pair,)
        assert found.rows[pair].merged["customer_at"] == 7

    def test_put_and_merge_of_one_row_in_one_change(self, store: Storage) -> None:
        """Both take effect, on a new row and on an old one; so do two merges."""
        merges = (Merge(THREAD, {"entries": 1, "last_at": 3}), Merge(THREAD, {"entries": 1, "last_at": 2}))
        for version in (0, 1):
            change = _put(THREAD, _thread("thread-1"), version)
            assert _commit(store, evolve(change, merges=merges)) == COMMITTED
        assert _row(store, THREAD) == Row(
            2, _thread("thread-1"), {"last_at": 3, "entries": 4, "held": 0, "acknowledged": 0}
        )

    # ------------------------------------------------------------------------------- marks

    def test_a_mark_is_taken_once(self, store: Storage) -> None:
        """The second finds what came of the first, and changes nothing."""
        first = _change(dedupe={"mark": "message-1"}, puts=(Put(ANN, _customer("ann")),))
        second = _change(dedupe={"mark": "message-2"}, puts=(Put(BOB, _customer("bob")),))
        assert _commit(store, first) == COMMITTED
        assert _commit(store, second) == Duplicate("mark", "message-1")
        assert _row(store, BOB) == ABSENT

    def test_one_known_mark_of_several_refuses(self, store: Storage) -> None:
        """And the marks beside it stay free."""
        assert _commit(store, _change(dedupe={"b": "1"})) == COMMITTED
        assert _commit(store, _change(dedupe={"a": "2", "b": "2", "c": "2"})) == Duplicate("b", "1")
        assert _commit(store, _change(dedupe={"a": "3", "c": "3"})) == COMMITTED

    def test_a_mark_can_be_loaded(self, store: Storage) -> None:
        """It is a row of the kind ``dedupe``, whose payload is what came of it."""
        assert _commit(store, _change(dedupe={"mark": "message-1"})) == COMMITTED
        assert _row(store, DEDUPE.of(TENANT, "mark")) == Row(1, "message-1")

    def test_a_known_mark_comes_before_a_conflict(self, store: Storage) -> None:
        """The retry of a command that landed has stale reads as well; that it landed is what the caller asks."""
        _insert(store, ANN, _customer("ann"))
        command = _put(ANN, _customer("moved"), 1)
        assert _commit(store, evolve(command, dedupe={"command": "ref"})) == COMMITTED
        assert _commit(store, evolve(command, dedupe={"command": "other"})) == Duplicate("command", "ref")

    # ------------------------------------------------------------------------------- several changes

    def test_changes_of_one_commit_build_on_each_other(self, store: Storage) -> None:
        """The second reads the versions that the first makes: the old one and 1."""
        outcomes = store.commit([_put(ANN, _customer(f"v{version}"), version) for version in range(5)])
        assert list(outcomes) == [COMMITTED] * 5
        assert _row(store, ANN) == Row(5, _customer("v4"))

    def test_one_that_fails_does_not_stop_the_others(self, store: Storage) -> None:
        """Nor do its half-done writes stay; what builds on it conflicts."""
        outcomes = store.commit(
            [
                _change(dedupe={"mark": "1"}, puts=(Put(ANN, _customer("ann")),)),
                _change(dedupe={"mark": "2"}, merges=(Merge(THREAD, {"entries": 100}),)),
                _change(puts=(Put(BOB, _customer("bob")), Put(ANN, _customer("again")))),
                _put(BOB, _customer("built on sand"), 1),
                _change(merges=(Merge(THREAD, {"entries": 1}),), events=(CustomerSeen(CustomerId("x")),)),
            ]
        )
        assert list(outcomes[:2]) == [COMMITTED, Duplicate("mark", "1")]
        _assert_conflict(outcomes[2], ANN)
        _assert_conflict(outcomes[3], BOB)
        assert outcomes[4] == COMMITTED
        assert _row(store, ANN) == Row(1, _customer("ann"))
        assert _row(store, BOB) == ABSENT
        assert _row(store, THREAD).merged["entries"] == 1
        assert len(store.events_after(TENANT, "", 10).events) == 1

    def test_a_mark_is_taken_once_in_one_commit(self, store: Storage) -> None:
        """A webhook that holds the same message twice."""
        outcomes = store.commit([_change(dedupe={"mark": "1"}), _change(dedupe={"mark": "2"})])
        assert list(outcomes) == [COMMITTED, Duplicate("mark", "1")]

    def test_changes_of_several_tenants_in_one_commit(self, store: Storage) -> None:
        """Commits of several callers may travel together."""
        theirs = CUSTOMER.of(OTHER, "ann")
        outcomes = store.commit([_put(ANN, _customer("ours"), 0), _put(theirs, _customer("theirs"), 0, tenant=OTHER)])
        assert list(outcomes) == [COMMITTED, COMMITTED]

    # ------------------------------------------------------------------------------- tenants

    def test_tenants_share_nothing(self, store: Storage) -> None:
        """The same ids in two tenants are different rows, marks, events, lanes and pages."""
        for tenant, name in ((TENANT, "ours"), (OTHER, "theirs")):
            change = _change(
                puts=(
                    Put(CUSTOMER.of(tenant, "ann"), _customer(name)),
                    Put(CONVERSATION.of(tenant, "thread-1"), _thread("thread-1")),
                ),
                dedupe={"mark": name},
                events=(CustomerSeen(CustomerId(name)),),
                wakes=(Wake(evolve(LANE, tenant=tenant), NOW),),
            )
            assert _commit(store, evolve(change, tenant=tenant)) == COMMITTED
        for tenant, name in ((TENANT, "ours"), (OTHER, "theirs")):
            assert _row(store, CUSTOMER.of(tenant, "ann")).value.name == name
            assert _row(store, DEDUPE.of(tenant, "mark")).value == name
            assert _happenings(store.events_after(tenant, "", 10)) == [CustomerSeen(CustomerId(name))]
            page = store.scan(Scan("conversation", "inbox", (tenant,), 10))
            assert [key for key, _ in page.rows] == [CONVERSATION.of(tenant, "thread-1")]
        assert {lane.key.tenant for lane in _claim(store)} == {TENANT, OTHER}

    def test_a_change_keeps_to_its_tenant(self, store: Storage) -> None:
        """A row or a lane of another tenant in a change is the caller's mistake, and nothing lands."""
        theirs = CUSTOMER.of(OTHER, "ann")
        lane = evolve(LANE, tenant=OTHER)
        for change in (
            _change(puts=(Put(theirs, _customer("ann")),)),
            _change(reads={theirs: 0}),
            _change(reads={theirs: 0}, deletes=(theirs,)),
            _change(merges=(Merge(CONVERSATION.of(OTHER, "thread-1"), {"entries": 1}),)),
            _change(wakes=(Wake(lane, NOW),)),
            _change(fence=(lane, 1)),
            _change(settle=Settle(lane, 1, 1, None)),
        ):
            with pytest.raises(UsageError):
                store.commit([_put(ANN, _customer("ann"), 0), change])
        assert store.load([ANN, theirs]).rows == {ANN: ABSENT, theirs: ABSENT}

    def test_a_page_keeps_to_its_tenant(self, store: Storage) -> None:
        """A prefix without its tenant would reach across tenants, and is refused."""
        with pytest.raises(UsageError):
            store.scan(Scan("conversation", "inbox", (), 10))
        with pytest.raises(UsageError):
            store.load([Range("conversation", "inbox", (), 10)])

    def test_mistakes_are_refused_by_name(self, store: Storage) -> None:
        """Each of them before anything is touched."""
        for change in (
            _change(deletes=(ANN,)),
            _change(puts=(Put(ANN, _customer("a")), Put(ANN, _customer("b")))),
            _change(reads={ANN: 0}, puts=(Put(ANN, _customer("a")),), deletes=(ANN,)),
            _change(reads={THREAD: 0}, deletes=(THREAD,), merges=(Merge(THREAD, {"entries": 1}),)),
            _merge(THREAD, no_such_column=1),
            _change(reads={Key("no such kind", (TENANT,)): 0}),
            _change(reads={Key("customer", (TENANT, "ann", "too many")): 0}),
        ):
            with pytest.raises(UsageError):
                store.commit([change])
        for scan in (
            Scan("no such kind", "key", (TENANT,), 10),
            Scan("conversation", "no such index", (TENANT,), 10),
            Scan("customer", "key", (TENANT, "ann", "too many"), 10),
            Scan("customer", "key", (TENANT,), 10, after=("two", "values")),
        ):
            with pytest.raises(UsageError):
                store.scan(scan)
        with pytest.raises(UsageError):
            store.load([Follow(ANN, "no such column", ())])
        with pytest.raises(UsageError):
            store.events_after(TENANT, "no cursor", 10)

    def test_text_that_is_no_unicode_is_refused_whole(self, store: Storage) -> None:
        """A lone surrogate, which JSON can spell and no storage keeps, in a key; the next commit is none the worse."""
        with pytest.raises(UsageError):
            store.commit([_put(ANN, _customer("ann"), 0), _put(CUSTOMER.of(TENANT, "\ud83d"), _customer("x"), 0)])
        _insert(store, ANN, _customer("ann"))

    # ------------------------------------------------------------------------------- loading

    def test_follow_resolves_and_loads(self, store: Storage) -> None:
        """An address, and with the customer it names his records, in one load."""
        address, customer = _followable(0)
        _insert(store, address.key, address.value)
        _insert(store, CUSTOMER.of(TENANT, customer), _customer("found"))
        pair = PAIR.of(TENANT, customer, LINE)
        assert _commit(store, _merge(pair, customer_at=3)) == COMMITTED
        found = store.load([_by_address(address.key)]).rows
        assert found[address.key].value == address.value
        assert found[CUSTOMER.of(TENANT, customer)].value == _customer("found")
        assert found[pair].merged["customer_at"] == 3
        assert found[Key("consent", (TENANT, customer))] == ABSENT

    def test_follow_of_nothing_loads_nothing(self, store: Storage) -> None:
        """Of an address that nobody knows only its absence is told."""
        address, _ = _followable(0)
        assert store.load([_by_address(address.key)]).rows == {address.key: ABSENT}

    def test_follow_of_an_empty_column_loads_nothing_more(self, store: Storage) -> None:
        """An address that nobody has any more."""
        address, _ = _followable(0)
        ended = evolve(address.value, facts=(evolve(address.value.facts[-1], until_at=NOW),))
        _insert(store, address.key, ended)
        assert store.load([_by_address(address.key)]).rows == {address.key: Row(1, ended)}

    def test_a_range_is_the_head_of_an_index(self, store: Storage) -> None:
        """At most ``limit`` keys in the asked order, and their rows among the rows."""
        samples = _fill(store, "message", 9)
        timeline = [each.key for each in _in_order(store, "message", "timeline", samples, (TENANT, "a"))]
        forwards = Range("message", "timeline", (TENANT, "a"), 3)
        backwards = Range("message", "timeline", (TENANT, "a"), 2, descending=True)
        nothing = Range("message", "timeline", (TENANT, "nobody"), 5)
        found = store.load([forwards, backwards, nothing, ANN])
        assert found.ranges[forwards] == tuple(timeline[:3])
        assert found.ranges[backwards] == tuple(timeline[::-1][:2])
        assert found.ranges[nothing] == ()
        assert set(found.rows) == {*timeline[:3], *timeline[-2:], ANN}
        assert all(found.rows[key].version == 1 for key in timeline[:3])

    @pytest.mark.parametrize("descending", [False, True], ids=["forwards", "backwards"])
    @pytest.mark.parametrize(("kind", "index"), [("message", "timeline"), ("listing", "shelf"), ("evidence", "key")])
    def test_a_range_goes_on_behind_a_place(self, store: Storage, kind: str, index: str, descending: bool) -> None:
        """``after`` is a place of the index, its own row left out; be there a row or not."""
        samples = _fill(store, kind, 9)
        width = len(KINDS[kind].index(index).columns)
        for length in range(1, width + 1):
            prefix = _place(store, kind, index, samples[0])[:length]
            expected = _in_order(store, kind, index, samples, prefix)
            if descending:
                expected.reverse()
            for number, each in enumerate(expected):
                place = _place(store, kind, index, each)[length:]
                wanted = Range(kind, index, prefix, 3, descending=descending, after=place)
                assert store.load([wanted]).ranges[wanted] == tuple(e.key for e in expected[number + 1 : number + 4])

    def test_a_flag_follows_its_merges(self, store: Storage) -> None:
        """1 while one merge column is above the other; whoever merges need not know."""
        key = LISTING.of(TENANT, "ann", "thread-1")
        listing = Listing(ConversationId("thread-1"), CustomerId("c"), LINE, ListingState.OPEN, "plain")

        def flagged(number: int) -> bool:
            wanted = Range("listing", "shelf", (TENANT, "ann", "open", "plain", 0, number), 9)
            return store.load([wanted]).ranges[wanted] == (key,)

        _insert(store, key, listing)
        assert flagged(0)
        assert _commit(store, _merge(key, arrived=2)) == COMMITTED
        assert flagged(1)
        assert _commit(store, _merge(key, seen=1)) == COMMITTED
        assert flagged(1)
        assert _commit(store, _merge(key, seen=2)) == COMMITTED
        assert flagged(0)
        assert _commit(store, _put(key, listing, 1, merges=(Merge(key, {"arrived": 1}),))) == COMMITTED
        assert flagged(1)

    # ------------------------------------------------------------------------------- pages

    @pytest.mark.parametrize("descending", [False, True], ids=["forwards", "backwards"])
    @pytest.mark.parametrize(
        ("kind", "index"),
        [(kind.name, index) for kind in KINDS.values() for index in ("key", *(i.name for i in kind.indexes))],
    )
    def test_pages_walk_an_index(self, store: Storage, kind: str, index: str, descending: bool) -> None:
        """Every row under a prefix once, in the index's order, whatever the size of the page; then no cursor."""
        samples = _fill(store, kind, 11)
        _fill(store, kind, 3, OTHER)
        width = len(KINDS[kind].index(index).columns)
        places = [_place(store, kind, index, each) for each in samples]
        prefixes = {place[:length] for place in places for length in range(1, width + 1)}
        for prefix in sorted(prefixes, key=lambda prefix: (len(prefix), prefix))[:12]:
            expected = _in_order(store, kind, index, samples, prefix)
            if descending:
                expected.reverse()
            for limit in (1, 2, len(expected), len(expected) + 1):
                scan = Scan(kind, index, prefix, limit, descending=descending)
                assert _walked(store, scan) == [each.key for each in expected]

    def test_a_page_says_whether_anything_follows(self, store: Storage) -> None:
        """``next`` is None on the last page, also when that is full; otherwise it is the place of the last row."""
        samples = _fill(store, "conversation", 4)
        scan = Scan("conversation", "customer", (TENANT, "a"), 1)
        first, second = (_place(store, "conversation", "customer", each)[2:] for each in _customers_threads(samples))
        page = store.scan(scan)
        assert page.next == first
        assert store.scan(evolve(scan, after=page.next)).next is None
        assert store.scan(evolve(scan, limit=2)).next is None
        assert store.scan(evolve(scan, limit=3)).next is None
        assert store.scan(evolve(scan, after=second)) == Page(())

    def test_a_cursor_outlives_its_row(self, store: Storage) -> None:
        """A page goes on from a place, so rows that come and go before it shift nothing."""
        for number in (2, 4, 6):
            _insert(store, CUSTOMER.of(TENANT, f"c{number}"), _customer("x"))
        page = store.scan(Scan("customer", "key", (TENANT,), 2))
        gone = CUSTOMER.of(TENANT, "c4")
        assert _commit(store, _change(reads={gone: 1}, deletes=(gone,))) == COMMITTED
        for number in (1, 3, 5):
            _insert(store, CUSTOMER.of(TENANT, f"c{number}"), _customer("x"))
        rest = store.scan(Scan("customer", "key", (TENANT,), 9, after=page.next))
        assert [key.parts[1] for key, _ in rest.rows] == ["c5", "c6"]

    def test_a_row_moves_with_its_columns(self, store: Storage) -> None:
        """A replaced payload and a merge each move the row within an index."""
        inbox = Scan("conversation", "inbox", (TENANT, "", "open"), 10, descending=True)
        for number in (1, 2):
            thread = CONVERSATION.of(TENANT, f"thread-{number}")
            _insert(store, thread, _thread(f"thread-{number}"))
            assert _commit(store, _merge(thread, last_at=number)) == COMMITTED
        assert [key.parts[1] for key, _ in store.scan(inbox).rows] == ["thread-2", "thread-1"]
        assert _commit(store, _merge(THREAD, last_at=3)) == COMMITTED
        assert [key.parts[1] for key, _ in store.scan(inbox).rows] == ["thread-1", "thread-2"]
        assert _commit(store, _put(THREAD, _thread("thread-1", ConversationState.ENDED), 1)) == COMMITTED
        assert [key.parts[1] for key, _ in store.scan(inbox).rows] == ["thread-2"]

    def test_text_is_ordered_by_code_points(self, store: Storage) -> None:
        """Not by a locale: a cursor has to mean the same to the storage and to the core."""
        for name in reversed(ORDERED):
            _insert(store, CUSTOMER.of(TENANT, name), _customer(name))
        page = store.scan(Scan("customer", "key", (TENANT,), 99))
        assert [key.parts[1] for key, _ in page.rows] == list(ORDERED)

    # ------------------------------------------------------------------------------- words

    @pytest.fixture
    def searching(self, store: Storage, storage: Any) -> SearchingStorage:
        """The storage, where it can search; a storage that cannot passes without these tests."""
        if getattr(storage, "search", None) is None:
            pytest.skip("this storage does not search")
        return cast(SearchingStorage, store)

    def test_rows_are_found_by_how_their_words_begin(self, store: Storage, searching: SearchingStorage) -> None:
        """Each word that is looked for begins one of the row's, in any order; the last row first."""
        texts = ("Where is my parcel?", "The parcels are late", "Late again", "Größe 42, 你好", "parc ' \" \\ * (")
        for number, text in enumerate(texts):
            _say(store, number, text)
        expected = {
            ("parcel",): [1, 0],
            ("parc", "la"): [1],
            ("late",): [2, 1],
            ("gros",): [3],
            ("4",): [3],
            ("好",): [3],
            ("parc",): [4, 1, 0],
            ("arcel",): [],
        }
        found = {words: _found(searching, words) for words in expected}
        assert found == {words: [f"m{number}" for number in numbers] for words, numbers in expected.items()}

    def test_a_search_pages_like_an_index(self, store: Storage, searching: SearchingStorage) -> None:
        for number in range(7):
            _say(store, number, "late" if number != 3 else "early")
        for limit in (1, 2, 6, 7):
            search, keys = Search("message", TENANT, ("late",), limit), []
            while True:
                page = searching.search(search)
                assert dict(page.rows) == store.load([key for key, _ in page.rows]).rows
                keys += [key.parts[1] for key, _ in page.rows]
                if page.next is None:
                    break
                assert len(page.rows) == limit
                search = evolve(search, after=page.next)
            assert keys == ["m6", "m5", "m4", "m2", "m1", "m0"]

    def test_what_is_overwritten_or_deleted_is_not_found(self, store: Storage, searching: SearchingStorage) -> None:
        """An erased message leaves the index with its row."""
        for number in range(3):
            _say(store, number, "late parcel")
        key = MESSAGE.of(TENANT, "m0")
        assert _commit(store, _put(key, _message(0, "nothing more"), 1)) == COMMITTED
        gone = MESSAGE.of(TENANT, "m1")
        assert _commit(store, _change(reads={gone: 1}, deletes=(gone,))) == COMMITTED
        assert _found(searching, ("parcel",)) == ["m2"]
        assert _found(searching, ("nothing",)) == ["m0"]
        assert _commit(store, _put(key, _message(0, ""), 2)) == COMMITTED
        assert _found(searching, ("nothing",)) == []
        assert _commit(store, _put(key, _message(0, "late after all"), 3)) == COMMITTED
        assert _found(searching, ("late",)) == ["m2", "m0"]

    def test_a_search_keeps_to_its_tenant(self, store: Storage, searching: SearchingStorage) -> None:
        for tenant in (TENANT, OTHER, TenantId("it's \\ a 'tenant'")):
            _say(store, 1, "late", tenant)
            assert [key.parts[0] for key, _ in searching.search(Search("message", tenant, ("late",), 9)).rows] == [
                tenant
            ]

    def test_what_cannot_be_searched_is_refused(self, searching: SearchingStorage) -> None:
        for wrong in (
            Search("customer", TENANT, ("a",), 1),
            Search("message", TENANT, (), 1),
            Search("message", TENANT, ("two words",), 1),
            Search("message", TENANT, ("a",), 1, after=(1,)),
        ):
            with pytest.raises(UsageError):
                searching.search(wrong)

    # ------------------------------------------------------------------------------- sequence

    def test_a_sequence_rises_in_the_order_of_commits(self, store: Storage) -> None:
        """Within one change, within one commit, and from commit to commit; also past deleted rows."""
        entries = [_entry(number) for number in range(6)]
        puts = [Put(key, entry) for key, entry in entries]
        assert _commit(store, _change(puts=tuple(puts[:2]))) == COMMITTED
        store.commit([_change(puts=(put,)) for put in puts[2:4]])
        last = puts[3].key
        rows = store.load([put.key for put in puts[:4]]).rows
        assert _commit(store, _change(reads={last: 1}, deletes=(last,))) == COMMITTED
        for put in (puts[4], puts[5], puts[3]):
            assert _commit(store, _change(puts=(put,))) == COMMITTED
        rows = {**rows, **store.load([put.key for put in puts[4:]]).rows}
        positions = [rows[key].sequence for key, _ in entries]
        assert positions == sorted(set(positions))
        assert _row(store, last).sequence > positions[-1]

    def test_a_sequence_is_never_changed(self, store: Storage) -> None:
        """A message that is tried again keeps its place."""
        (first, entry), (second, other) = _entry(1), _entry(2)
        for key, value in ((first, entry), (second, other)):
            _insert(store, key, value)
        before = _row(store, first).sequence
        retried = evolve(entry, attempts=1)
        assert _commit(store, _put(first, retried, 1)) == COMMITTED
        assert _row(store, first) == Row(2, retried, {}, before)
        queue = Range("outbox", "lane", (TENANT, LINE, "ann", "send", 1), 10)
        assert store.load([queue]).ranges[queue] == (first, second)

    # ------------------------------------------------------------------------------- events

    def test_events_are_read_in_order(self, store: Storage) -> None:
        """With rising sequence, their time that of their change, however the log is cut into pages."""
        happenings = [CustomerSeen(CustomerId(f"c{number}")) for number in range(7)]
        assert _commit(store, _change(events=tuple(happenings[:3]))) == COMMITTED
        later = evolve(_change(events=tuple(happenings[3:5])), at=NOW + SECOND)
        store.commit([later, _change(events=tuple(happenings[5:]))])
        for limit in (1, 2, 7, 50):
            events = _follow_log(store, TENANT, limit)
            assert [event.happening for event in events] == happenings
            assert [event.sequence for event in events] == sorted({event.sequence for event in events})
            assert [event.at for event in events] == [NOW] * 3 + [NOW + SECOND] * 2 + [NOW] * 2
            assert {event.tenant for event in events} == {TENANT}

    def test_old_events_are_dropped_from_the_beginning(self, store: Storage) -> None:
        """Up to the first that is not older, a bounded number at a time, of one tenant; whoever reads goes on behind."""
        for number in range(5):
            event = CustomerSeen(CustomerId(f"c{number}"))
            for tenant in (TENANT, OTHER):
                at = NOW + number * SECOND
                assert list(store.commit([Change(tenant, at, events=(event,))])) == [COMMITTED]
        cursor = store.events_after(TENANT, "", 1).cursor
        assert store.drop_events(TENANT, NOW + 3 * SECOND, 2) == 2
        assert (
            _happenings(store.events_after(TENANT, "", 10)) == _happenings(store.events_after(TENANT, cursor, 10))[-3:]
        )
        assert store.drop_events(TENANT, NOW + 3 * SECOND, 2) == 1
        assert store.drop_events(TENANT, NOW + 3 * SECOND, 2) == 0
        left = [CustomerSeen(CustomerId(f"c{number}")) for number in (3, 4)]
        assert _happenings(store.events_after(TENANT, "", 10)) == left
        assert len(store.events_after(OTHER, "", 10).events) == 5

    def test_an_old_event_behind_a_young_one_stays(self, store: Storage) -> None:
        """The log has one order, whatever the clocks of those who wrote it."""
        for number, at in enumerate((NOW, NOW + 9 * SECOND, NOW)):
            event = CustomerSeen(CustomerId(f"c{number}"))
            assert list(store.commit([Change(TENANT, at, events=(event,))])) == [COMMITTED]
        assert store.drop_events(TENANT, NOW + SECOND, 10) == 1
        assert len(store.events_after(TENANT, "", 10).events) == 2

    def test_scrubbing_loses_nothing(self, store: Storage) -> None:
        """It is about what was removed, and may be called at any time."""
        store.scrub()
        _insert(store, ANN, _customer("kept"))
        store.scrub()
        assert store.load([ANN]).rows[ANN].value == _customer("kept")

    def test_a_log_goes_on_at_its_cursor(self, store: Storage) -> None:
        """An empty page returns the cursor that was given; what comes later is found behind it."""
        assert store.events_after(TENANT, "", 10) == EventPage((), "")
        assert _commit(store, _change(events=(CustomerSeen(CustomerId("a")),))) == COMMITTED
        cursor = store.events_after(TENANT, "", 10).cursor
        assert store.events_after(TENANT, cursor, 10) == EventPage((), cursor)
        assert _commit(store, _change(events=(CustomerSeen(CustomerId("b")),))) == COMMITTED
        assert _happenings(store.events_after(TENANT, cursor, 10)) == [CustomerSeen(CustomerId("b"))]

    # ------------------------------------------------------------------------------- lanes

    def test_a_lane_that_was_woken_is_due(self, store: Storage) -> None:
        """From its due time on, with no budget known yet."""
        _wake(store, NOW)
        assert _claim(store, now=NOW - SECOND) == []
        assert _claim(store, now=NOW) == [LeasedLane(LANE, 1, 1, None)]

    def test_a_lane_is_leased_once(self, store: Storage) -> None:
        """Who claims while a lease runs gets other lanes."""
        _wake(store, NOW)
        other = evolve(LANE, customer=CustomerId("bob"))
        _wake(store, NOW + SECOND, other)
        assert _keys(_claim(store, limit=1, now=NOW + SECOND)) == [LANE]
        assert _keys(_claim(store, now=NOW + SECOND)) == [other]
        assert _claim(store, now=NOW + SECOND) == []

    def test_waking_twice_takes_the_earlier_time(self, store: Storage) -> None:
        """And counts both."""
        for at in (NOW + 5 * SECOND, NOW, NOW + 9 * SECOND):
            _wake(store, at)
        assert _claim(store, now=NOW) == [LeasedLane(LANE, 1, 3, None)]

    def test_one_change_wakes_several_lanes(self, store: Storage) -> None:
        """The same one twice, too."""
        fetch = evolve(LANE, work=Work.FETCH)
        assert _commit(store, _change(wakes=(Wake(LANE, NOW), Wake(fetch, NOW), Wake(LANE, NOW)))) == COMMITTED
        assert {(lane.key, lane.wakes) for lane in _claim(store)} == {(LANE, 2), (fetch, 1)}

    def test_the_longest_due_is_claimed_first(self, store: Storage) -> None:
        """Whatever its work, its tenant or the order in which it came."""
        lanes = [
            LaneKey((TENANT, OTHER)[number % 2], LINE, CustomerId(f"c{number}"), BOTH[number % 3 == 0])
            for number in range(6)
        ]
        for place in (3, 0, 5, 1, 4, 2):
            _wake(store, NOW + place * SECOND, lanes[place])
        now = NOW + timedelta(hours=1)
        assert _keys(_claim(store, limit=2, now=now)) == lanes[:2]
        assert _keys(_claim(store, now=now)) == lanes[2:]

    def test_a_claim_asks_for_its_works(self, store: Storage) -> None:
        """A dispatcher of one kind of work leaves the other alone."""
        fetch = evolve(LANE, work=Work.FETCH)
        _wake(store, NOW)
        _wake(store, NOW, fetch)
        assert _claim(store, works=()) == []
        assert _keys(_claim(store, works=(Work.FETCH,))) == [fetch]
        assert _keys(_claim(store, works=(Work.SEND,))) == [LANE]

    def test_a_lease_ends_by_the_storages_clock(self, store: Storage, storage: Any) -> None:
        """However far the connector's clock is ahead; then the lane is as due as it was, under a younger fence."""
        _wake(store, NOW)
        assert _claim(store) == [LeasedLane(LANE, 1, 1, None)]
        assert _claim(store, now=NOW + timedelta(days=365)) == []
        self.advance_storage_clock(storage, LEASE + SECOND)
        assert _claim(store, now=NOW) == [LeasedLane(LANE, 2, 1, None)]

    def test_settling_sets_the_next_due_time(self, store: Storage) -> None:
        """And ends the lease at once."""
        _wake(store, NOW)
        (leased,) = _claim(store)
        assert _settle(store, leased, NOW + 5 * SECOND) == COMMITTED
        assert _claim(store, now=NOW + 4 * SECOND) == []
        assert _claim(store, now=NOW + 5 * SECOND) == [LeasedLane(LANE, 2, 1, None)]

    def test_a_settled_lane_sleeps_until_it_is_woken(self, store: Storage) -> None:
        """A settle with no due time."""
        _wake(store, NOW)
        (leased,) = _claim(store)
        assert _settle(store, leased, None) == COMMITTED
        assert _claim(store, now=NOW + timedelta(days=365)) == []
        _wake(store, NOW + SECOND)
        assert _claim(store, now=NOW + SECOND) == [LeasedLane(LANE, 2, 2, None)]

    def test_a_lane_that_was_woken_meanwhile_does_not_sleep(self, store: Storage) -> None:
        """The entry that came while the lane was worked on is not slept over."""
        _wake(store, NOW)
        (leased,) = _claim(store)
        _wake(store, NOW + SECOND)
        assert _settle(store, leased, None) == COMMITTED
        assert _claim(store, now=NOW + SECOND) == [LeasedLane(LANE, 2, 2, None)]

    def test_of_two_due_times_the_earlier_holds(self, store: Storage) -> None:
        """Of a lane that was woken meanwhile: its own, or the settle's."""
        _wake(store, NOW)
        (leased,) = _claim(store)
        _wake(store, NOW + 9 * SECOND)
        assert _settle(store, leased, NOW + timedelta(hours=1)) == COMMITTED
        (leased,) = _claim(store, now=NOW + 9 * SECOND)
        _wake(store, NOW + timedelta(hours=2))
        assert _settle(store, leased, NOW - SECOND) == COMMITTED
        assert _keys(_claim(store, now=NOW - SECOND)) == [LANE]

    def test_a_change_may_wake_the_lane_that_it_settles(self, store: Storage) -> None:
        """That wake was not overlooked: only the two times of this change count."""
        _wake(store, NOW)
        (leased,) = _claim(store)
        settle = Settle(LANE, leased.fence, leased.wakes, NOW + 9 * SECOND)
        assert _commit(store, _change(settle=settle, wakes=(Wake(LANE, NOW + 5 * SECOND),))) == COMMITTED
        assert _claim(store, now=NOW + 4 * SECOND) == []
        assert _claim(store, now=NOW + 5 * SECOND) == [LeasedLane(LANE, 2, 2, None)]

    def test_the_budget_travels_with_the_lane(self, store: Storage) -> None:
        """Exactly; and a settle that says nothing of it leaves it as it was."""
        _wake(store, NOW)
        budget = Budget(2.7182818284590452, NOW + timedelta(microseconds=1))
        (leased,) = _claim(store)
        assert _settle(store, leased, NOW, budget) == COMMITTED
        (leased,) = _claim(store)
        assert leased.budget == budget
        assert _settle(store, leased, NOW) == COMMITTED
        assert _claim(store)[0].budget == budget

    def test_a_lost_lease_refuses(self, store: Storage, storage: Any) -> None:
        """Who was too slow changes nothing: neither under the old fence, nor by settling."""
        _wake(store, NOW)
        (old,) = _claim(store)
        self.advance_storage_clock(storage, LEASE + SECOND)
        (young,) = _claim(store)
        put = Put(ANN, _customer("ann"))
        _assert_conflict(_commit(store, _change(puts=(put,), fence=(LANE, old.fence))), None)
        _assert_conflict(_settle(store, old, None), None)
        _assert_conflict(_commit(store, _change(puts=(put,), settle=Settle(LANE, old.fence, 1, None))), None)
        assert _row(store, ANN) == ABSENT
        assert _claim(store) == []
        assert _commit(store, _change(puts=(put,), fence=(LANE, young.fence))) == COMMITTED
        assert _settle(store, young, None) == COMMITTED

    def test_a_lease_that_ran_out_still_counts_until_it_is_taken(self, store: Storage, storage: Any) -> None:
        """Nobody else was at work, so nothing was lost."""
        _wake(store, NOW)
        (leased,) = _claim(store)
        self.advance_storage_clock(storage, LEASE + SECOND)
        assert _commit(store, _put(ANN, _customer("ann"), 0, fence=(LANE, leased.fence))) == COMMITTED
        assert _settle(store, leased, None) == COMMITTED

    def test_a_lane_that_never_was_cannot_be_settled(self, store: Storage) -> None:
        """A fence that nobody gave."""
        _assert_conflict(_commit(store, _change(settle=Settle(LANE, 1, 0, NOW))), None)
        _assert_conflict(_commit(store, _change(fence=(LANE, 1))), None)

    # ------------------------------------------------------------------------------- threads

    def test_no_update_is_lost(self, store: Storage) -> None:
        """Eight threads count up one payload by its version and one sum by merges; both counts are exact."""
        _insert(store, ANN, _customer("0"))

        def count(_: int) -> None:
            for _ in range(5):
                while True:
                    row = _row(store, ANN)
                    raised = _put(ANN, _customer(str(int(row.value.name) + 1)), row.version)
                    outcome = _commit(store, evolve(raised, merges=(Merge(THREAD, {"entries": 1}),)))
                    if outcome == COMMITTED:
                        break
                    _assert_conflict(outcome, ANN)

        _in_threads(8, count)
        assert _row(store, ANN) == Row(41, _customer("40"))
        assert _row(store, THREAD).merged["entries"] == 40

    def test_merges_never_conflict(self, store: Storage) -> None:
        """However many threads merge into one row at once."""

        def merge(number: int) -> None:
            for step in range(10):
                assert _commit(store, _merge(THREAD, entries=1, last_at=number * 10 + step)) == COMMITTED

        _in_threads(8, merge)
        assert _row(store, THREAD).merged == {"entries": 80, "last_at": 79, "held": 0, "acknowledged": 0}

    def test_a_mark_is_taken_once_by_many(self, store: Storage) -> None:
        """Of eight deliveries of one webhook at once one lands, and the others hear which."""
        outcomes = _in_threads(8, lambda number: _commit(store, _change(dedupe={"mark": str(number)})))
        landed = [number for number, outcome in enumerate(outcomes) if outcome == COMMITTED]
        assert len(landed) == 1
        assert outcomes.count(Duplicate("mark", str(landed[0]))) == 7

    def test_a_snapshot_is_of_one_moment(self, store: Storage) -> None:
        """Two rows that are only ever written together are never seen apart, loaded by key or by range."""
        done = threading.Event()
        everybody = Range("customer", "key", (TENANT,), 10)
        # Much to load between the two, so that a write has the time to fall between them.
        between = [MESSAGE.of(TENANT, str(number)) for number in range(100)]

        def write(_: int) -> None:
            try:
                for version in range(40):
                    value = _customer(str(version))
                    puts = (Put(ANN, value), Put(BOB, value))
                    assert _commit(store, _change(reads={ANN: version, BOB: version}, puts=puts)) == COMMITTED
            finally:
                done.set()

        def read(_: int) -> None:
            while not done.is_set():
                rows = store.load([ANN, *between, BOB]).rows
                assert rows[ANN] == rows[BOB]
                ranged = store.load([everybody, BOB]).rows
                assert ranged.get(ANN, ABSENT) == ranged[BOB]
                page = store.scan(Scan("customer", "key", (TENANT,), 10))
                assert len({row.version for _, row in page.rows}) <= 1

        _in_threads(3, lambda number: (write if number == 0 else read)(number))

    def test_a_log_never_skips_what_commits_late(self, store: Storage) -> None:
        """Who follows the log while eight threads write it sees each event once, and each thread's in its order."""
        done = threading.Event()
        seen: list[Event] = []

        def follow() -> None:
            cursor = ""
            while True:
                is_last = done.is_set()
                page = store.events_after(TENANT, cursor, 7)
                seen.extend(page.events)
                cursor = page.cursor
                if is_last and not page.events:
                    return

        def write(number: int) -> None:
            for step in range(10):
                happening = CustomerSeen(CustomerId(f"{number} {step}"))
                assert _commit(store, _change(events=(happening,))) == COMMITTED

        with ThreadPoolExecutor(1) as pool:
            reader = pool.submit(follow)
            try:
                _in_threads(8, write)
            finally:
                done.set()
            reader.result()
        assert [event.sequence for event in seen] == sorted({event.sequence for event in seen})
        written = [[f"{number} {step}" for step in range(10)] for number in range(8)]
        read = [event.happening.customer for event in seen if isinstance(event.happening, CustomerSeen)]
        assert [[each for each in read if each.startswith(f"{number} ")] for number in range(8)] == written

    def test_a_lane_is_leased_to_one_of_many(self, store: Storage) -> None:
        """Eight dispatchers share twenty lanes among them."""
        lanes = [evolve(LANE, customer=CustomerId(f"c{number:02}")) for number in range(20)]
        store.commit([_change(wakes=(Wake(lane, NOW),)) for lane in lanes])

        def dispatch(_: int) -> list[LaneKey]:
            mine: list[LaneKey] = []
            while leased := _claim(store, limit=3):
                mine += _keys(leased)
            return mine

        shared = [key for mine in _in_threads(8, dispatch) for key in mine]
        assert sorted(shared, key=lambda lane: lane.customer) == lanes

    # ------------------------------------------------------------------------------- life cycle

    def test_closing_twice_does_nothing(self, store: Storage) -> None:
        """Used or unused."""
        _insert(store, ANN, _customer("ann"))
        store.close()
        store.close()

    def test_an_unused_storage_closes(self, store: Storage) -> None:
        """Without ever having opened anything."""
        store.close()
        store.close()

    def test_a_closed_storage_refuses(self, store: Storage) -> None:
        """Each method, and by name: the embedding code's mistake."""
        _insert(store, ANN, _customer("ann"))
        store.close()
        for use in (
            lambda: store.load([ANN]),
            lambda: store.commit([_put(ANN, _customer("late"), 1)]),
            lambda: store.scan(Scan("customer", "key", (TENANT,), 1)),
            lambda: store.events_after(TENANT, "", 1),
            lambda: _claim(store),
        ):
            with pytest.raises(UsageError):
                use()


class AsyncStorageContract(StorageContract):
    """The same for an ``AsyncStorage``: the fixture ``storage`` gives one, and the tests await it on one loop."""

    @pytest.fixture
    def store(self, storage: Any) -> Iterator[Storage]:
        """The storage behind plain methods, which any thread may call."""
        with _Awaited(storage) as awaited:
            yield awaited


class _Awaited:
    """Drives an ``AsyncStorage`` on an event loop in a thread: pools of connections belong to one loop."""

    def __init__(self, storage: AsyncStorage) -> None:
        import asyncio

        self._storage = storage
        self._asyncio = asyncio
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "_Awaited":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def load(self, wanted: Sequence[Wanted]) -> Snapshot:
        return self._run(self._storage.load(wanted))

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return self._run(self._storage.commit(changes))

    def scan(self, scan: Scan) -> Page:
        return self._run(self._storage.scan(scan))

    def search(self, search: Search) -> Page:
        return self._run(self._storage.search(search))  # type: ignore[attr-defined, no-any-return]

    def events_after(self, tenant: TenantId, cursor: str, limit: int) -> EventPage:
        return self._run(self._storage.events_after(tenant, cursor, limit))

    def claim(self, works: Sequence[Work], limit: int, now: datetime, lease: timedelta) -> Sequence[LeasedLane]:
        return self._run(self._storage.claim(works, limit, now, lease))

    def drop_events(self, tenant: TenantId, before: datetime, limit: int) -> int:
        return self._run(self._storage.drop_events(tenant, before, limit))

    def scrub(self) -> None:
        self._run(self._storage.scrub())

    def close(self) -> None:
        self._run(self._storage.aclose())

    def _run(self, awaited: Coroutine[Any, Any, _T]) -> _T:
        return self._asyncio.run_coroutine_threadsafe(awaited, self._loop).result(timeout=60)


# ------------------------------------------------------------------------------------- what the tests speak in


def _change(**parts: Any) -> Change:
    return Change(TENANT, NOW, **parts)


def _put(key: Key, value: object, version: int, *, tenant: TenantId = TENANT, **parts: Any) -> Change:
    """A replacement of the version that was read; ``reads`` among the parts adds what else was read."""
    reads = {key: version, **parts.pop("reads", {})}
    return Change(tenant, NOW, reads=reads, puts=(Put(key, value),), **parts)


def _merge(key: Key, **columns: int) -> Change:
    return _change(merges=(Merge(key, columns),))


def _insertion(each: Sample) -> Change:
    merges = (Merge(each.key, each.merges),) if each.merges else ()
    return Change(TenantId(str(each.key.parts[0])), NOW, puts=(Put(each.key, each.value),), merges=merges)


def _commit(store: Storage, change: Change) -> Outcome:
    (outcome,) = store.commit([change])
    return outcome


def _insert(store: Storage, key: Key, value: object) -> None:
    assert _commit(store, _put(key, value, 0)) == COMMITTED


def _row(store: Storage, key: Key) -> Row:
    return store.load([key]).rows[key]


def _assert_conflict(outcome: Outcome, key: Key | None) -> None:
    """A conflict need not say over what; if it does, it says it rightly."""
    assert isinstance(outcome, Conflict)
    assert outcome.key in (None, key)


def _customer(name: str) -> Customer:
    return Customer(CustomerId("ann"), NOW, name=name)


def _thread(name: str, state: ConversationState = ConversationState.OPEN) -> Conversation:
    return Conversation(ConversationId(name), LINE, CustomerId("ann"), state, opened_at=NOW)


def _entry(number: int) -> tuple[Key, OutboxEntry]:
    # Later numbers have smaller keys, so that the order of keys cannot pass for that of commits.
    message = MessageId(f"message-{99 - number}")
    entry = OutboxEntry(message, LINE, CustomerId("ann"), Work.SEND, EntryState.QUEUED, due_at=NOW, since_at=NOW)
    return OUTBOX.of(TENANT, Work.SEND.value, message), entry


def _followable(number: int) -> tuple[Sample, CustomerId]:
    """An address that somebody has, and who."""
    found = sample("address", TENANT, number)
    value = evolve(found.value, facts=(evolve(found.value.facts[-1], until_at=None),))
    assert value.holder
    return evolve(found, value=value), value.holder


def _by_address(address: Key) -> Follow:
    assert address.kind == ADDRESS.name
    then = (
        ("customer", (TENANT, FOUND)),
        ("consent", (TENANT, FOUND)),
        ("pair", (TENANT, FOUND, LINE)),
    )
    return Follow(address, "customer", then)


def _message(number: int, text: str) -> Message:
    thread, customer = ConversationId("thread-1"), CustomerId("ann")
    at = NOW + SECOND * number
    return Message(
        MessageId(f"m{number}"), thread, customer, LINE, at, ByCustomer(), Text(text), MessageStatus.RECEIVED, at
    )


def _say(store: Storage, number: int, text: str, tenant: TenantId = TENANT) -> None:
    key = MESSAGE.of(tenant, f"m{number}")
    change = Change(tenant, NOW, puts=(Put(key, _message(number, text)),))
    assert list(store.commit([change])) == [COMMITTED]


def _found(store: SearchingStorage, words: tuple[str, ...]) -> list[Scalar]:
    return [key.parts[1] for key, _ in store.search(Search("message", TENANT, words, 99)).rows]


def _fill(store: Storage, kind: str, count: int, tenant: TenantId = TENANT) -> list[Sample]:
    samples = [sample(kind, tenant, number) for number in range(count)]
    # In an order that is nobody's: neither the keys' nor the columns'.
    shuffled = [samples[(place * 7) % count] for place in range(count)]
    assert list(store.commit([_insertion(each) for each in shuffled])) == [COMMITTED] * count
    return samples


def _place(store: Storage, kind: str, index: str, each: Sample) -> tuple[Scalar, ...]:
    """Where a sample stands in an index, said by the declaration."""
    declared = KINDS[kind]
    columns: dict[str, Scalar] = {
        **dict(zip((column.name for column in declared.key), each.key.parts, strict=True)),
        **dict(zip((column.name for column in declared.columns), declared.project(each.value), strict=True)),
        **each.merges,
        **{flag.name: int(each.merges[flag.above] > each.merges[flag.below]) for flag in declared.flags},
    }
    if declared.sequence:
        columns[declared.sequence] = _row(store, each.key).sequence
    return tuple(columns[column] for column in declared.index(index).columns)


def _in_order(
    store: Storage, kind: str, index: str, samples: Sequence[Sample], prefix: tuple[Scalar, ...]
) -> list[Sample]:
    places = {each.key: _place(store, kind, index, each) for each in samples}
    under = [each for each in samples if places[each.key][: len(prefix)] == prefix]
    return sorted(under, key=lambda each: places[each.key])


def _customers_threads(samples: Sequence[Sample]) -> list[Sample]:
    """The threads of customer "a" in the order of the index ``conversation.customer``."""
    theirs = [each for each in samples if each.value.customer == "a"]
    return sorted(theirs, key=lambda each: (each.merges["last_at"], each.value.id))


def _walked(store: Storage, scan: Scan) -> list[Key]:
    """All keys, page by page; each row as a load gives it."""
    keys: list[Key] = []
    while True:
        page = store.scan(scan)
        assert len(page.rows) <= scan.limit
        assert dict(page.rows) == store.load([key for key, _ in page.rows]).rows
        keys += [key for key, _ in page.rows]
        if page.next is None:
            return keys
        assert len(page.rows) == scan.limit
        scan = evolve(scan, after=page.next)


def _follow_log(store: Storage, tenant: TenantId, limit: int) -> list[Event]:
    events: list[Event] = []
    cursor = ""
    while (page := store.events_after(tenant, cursor, limit)).events:
        assert len(page.events) <= limit
        events += page.events
        cursor = page.cursor
    return events


def _happenings(page: EventPage) -> list[object]:
    return [event.happening for event in page.events]


def _wake(store: Storage, due_at: datetime, lane: LaneKey = LANE) -> None:
    assert _commit(store, Change(lane.tenant, NOW, wakes=(Wake(lane, due_at),))) == COMMITTED


def _claim(store: Storage, works: Sequence[Work] = BOTH, limit: int = 100, now: datetime = NOW) -> Sequence[LeasedLane]:
    return list(store.claim(works, limit, now, LEASE))


def _keys(leased: Sequence[LeasedLane]) -> list[LaneKey]:
    return [lane.key for lane in leased]


def _settle(store: Storage, leased: LeasedLane, due_at: datetime | None, budget: Budget | None = None) -> Outcome:
    return _commit(store, _change(settle=Settle(leased.key, leased.fence, leased.wakes, due_at, budget)))


def _in_threads(count: int, work: Callable[[int], _T]) -> list[_T]:
    """Each number's result; all begin together."""
    start = threading.Barrier(count)

    def begin(number: int) -> _T:
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


__all__ = ["AsyncStorageContract", "StorageContract"]
