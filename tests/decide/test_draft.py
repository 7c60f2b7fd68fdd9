"""A draft remembers what was read, shows what it has written, and becomes a change that a storage can take."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa_connector.decide.draft import (
    Draft,
    Known,
    Needs,
    Ready,
    Refused,
    Seed,
    mark_digest,
    once,
    refuse_unless,
    rolled,
    run,
)
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.event import CustomerSeen
from wa_connector.model.ids import CustomerId, LineId
from wa_connector.model.queue import LaneKey, Work
from wa_connector.ports.rows import CUSTOMER, DEDUPE, EVIDENCE, KINDS, PAIR, Key
from wa_connector.ports.storage import ABSENT, COMMITTED, Change, Merge, Put, Range, Row, Snapshot, Wake
from wa_connector.testing.host import ACME, GLOBEX, NOON
from wa_connector.testing.memory import MemoryStorage
from wa_connector.testing.samples import sample

ANN, BOB = sample("customer", ACME, 0), sample("customer", ACME, 1)
PAIR_KEY = PAIR.of(ACME, "ann", "line")
SEED = Seed("stem", "secret")


def decided(decider: Callable[[Draft], Any], snapshot: Snapshot) -> Any:
    return run(lambda draft, _: decider(draft), None, snapshot, ACME, NOON, SEED)


def change_of(decider: Callable[[Draft], Any], snapshot: Snapshot) -> Change:
    answer = decided(decider, snapshot)
    assert isinstance(answer, Ready)
    return answer.change


def loaded(**rows: Row) -> Snapshot:
    known = {"ann": ANN.key, "bob": BOB.key, "pair": PAIR_KEY}
    return Snapshot({known[name]: row for name, row in rows.items()})


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (lambda draft: draft.get(ANN.key), ANN.key),
        (lambda draft: draft.merged(PAIR_KEY), PAIR_KEY),
        (lambda draft: draft.is_known("mark"), DEDUPE.of(ACME, "mark")),
        (
            lambda draft: draft.range(Range("pair", "key", (ACME, "ann"), 9)),
            Range("pair", "key", (ACME, "ann"), 9),
        ),
        (
            lambda draft: draft.glimpse(Range("pair", "key", (ACME, "ann"), 9)),
            Range("pair", "key", (ACME, "ann"), 9),
        ),
    ],
    ids=["row", "merge columns", "mark", "range", "glimpse"],
)
def test_what_was_not_loaded_is_asked_for(read: Callable[[Draft], Any], wanted: Any) -> None:
    """A decider that reads what was not loaded stops there and says what it needs; nothing is decided."""
    assert Needs((wanted,)) == decided(read, Snapshot())


def test_every_read_is_recorded_with_its_version() -> None:
    """Whatever was read could have refused the command, so the change carries its version: 0 of what was not there."""

    def decider(draft: Draft) -> None:
        draft.get(ANN.key)
        draft.get(BOB.key)
        draft.put(ANN.key, ANN.value)

    change = change_of(decider, loaded(ann=Row(3, ANN.value), bob=ABSENT))
    assert {ANN.key: 3, BOB.key: 0} == change.reads


def test_rows_of_a_range_are_recorded_as_read() -> None:
    """Each row that a range gave is recorded like one that was asked for by its key."""
    wanted = Range("customer", "key", (ACME,), 9)
    snapshot = Snapshot({ANN.key: Row(2, ANN.value)}, {wanted: (ANN.key,)})
    assert {ANN.key: 2} == change_of(lambda draft: draft.range(wanted), snapshot).reads


def test_merge_columns_and_marks_conflict_with_nobody() -> None:
    """Reading a maximum or a mark records no version: merges never move one, and a mark is checked by itself."""
    snapshot = Snapshot({PAIR_KEY: Row(4, None, {"customer_at": 7}), DEDUPE.of(ACME, "mark"): ABSENT})

    def decider(draft: Draft) -> None:
        assert draft.merged(PAIR_KEY) == {"customer_at": 7}
        assert draft.is_known("mark") is None

    assert change_of(decider, snapshot).reads == {}


def test_what_was_read_before_the_decider_began_is_recorded_too() -> None:
    """Versions handed in with the ground count like reads of the draft's own."""
    assert {ANN.key: 5} == change_of(lambda draft: draft.saw({ANN.key: 5}), Snapshot()).reads


# --- reading one's own writes -----------------------------------------------------------------------------------------


def test_a_draft_reads_what_it_put_and_not_what_it_deleted() -> None:
    """Later reads see the row as this draft leaves it, also when it is put again after a delete."""

    def decider(draft: Draft) -> None:
        assert ANN.value == draft.get(ANN.key)
        draft.put(ANN.key, "changed")
        assert draft.get(ANN.key) == "changed"
        draft.delete(ANN.key)
        assert draft.get(ANN.key) is None
        draft.put(ANN.key, BOB.value)
        assert BOB.value == draft.get(ANN.key)

    change = change_of(decider, loaded(ann=Row(3, ANN.value)))
    assert ((Put(ANN.key, BOB.value),), ()) == (change.puts, change.deletes)


def test_a_deleted_row_is_deleted_once_and_not_written() -> None:
    """What a draft put and then deleted is only deleted."""

    def decider(draft: Draft) -> None:
        draft.put(ANN.key, draft.get(ANN.key))
        draft.delete(ANN.key)

    change = change_of(decider, loaded(ann=Row(3, ANN.value)))
    assert ((), (ANN.key,)) == (change.puts, change.deletes)


def test_merges_of_one_draft_add_up() -> None:
    """Two merges into one row are one merge: the higher maximum, the sum of the sums; and they are read back."""
    thread = KINDS["conversation"].of(ACME, "thread")

    def decider(draft: Draft) -> None:
        draft.merge(thread, last_at=9, entries=1)
        draft.merge(thread, last_at=4, entries=2)
        assert draft.merged(thread) == {"last_at": 12, "entries": 8}

    change = change_of(decider, Snapshot({thread: Row(1, None, {"last_at": 12, "entries": 5})}))
    assert (Merge(thread, {"last_at": 9, "entries": 3}),) == change.merges


def test_a_range_shows_what_this_draft_did_to_it() -> None:
    """Of the key's own index a range has the rows that the draft added, and not those that it deleted."""
    wanted = Range("evidence", "key", (ACME, "ann"), 9)
    first, second, other = EVIDENCE.of(ACME, "ann", 1), EVIDENCE.of(ACME, "ann", 2), EVIDENCE.of(ACME, "bob", 1)

    def decider(draft: Draft) -> list[Any]:
        draft.put(second, "second")
        draft.put(other, "of somebody else")
        draft.put(ANN.key, "of another kind")
        before = [value for _, value in draft.range(wanted)]
        draft.delete(first)
        return [before, [value for _, value in draft.range(wanted)]]

    rows = {first: Row(1, "first"), second: ABSENT, other: ABSENT}
    answer = decided(decider, Snapshot(rows, {wanted: (first,)}))
    assert answer.result == [["first", "second"], ["second"]]


def test_a_range_of_another_index_is_as_it_was_loaded() -> None:
    """Nobody can tell from a draft where a new row stands in an index of columns."""
    wanted = Range("customer", "by_name", (ACME,), 9)

    def decider(draft: Draft) -> list[Any]:
        draft.put(ANN.key, ANN.value)
        return list(draft.range(wanted))

    assert decided(decider, Snapshot({}, {wanted: ()})).result == []


# --- the end of a decider ---------------------------------------------------------------------------------------------


def test_a_refusal_ends_the_decider_with_nothing_to_commit() -> None:
    """``refuse_unless`` goes on with what is allowed, and ends the decider with what is not."""
    allowed, refused = Decision(Reason.ALLOWED), Decision(Reason.USER_DISABLED)
    assert allowed == decided(lambda _: refuse_unless(allowed), Snapshot()).result
    assert Refused(refused) == decided(lambda _: refuse_unless(refused), Snapshot())


def test_once_is_once() -> None:
    """The first time the mark goes into the change; the second time the answer is what came of the first."""
    key = DEDUPE.of(ACME, "mark")
    change = change_of(lambda draft: once(draft, "mark", "ref-2"), Snapshot({key: ABSENT}))
    assert change.dedupe == {"mark": "ref-2"}
    assert Known("ref-1") == decided(lambda draft: once(draft, "mark", "ref-2"), Snapshot({key: Row(1, "ref-1")}))


def test_ids_are_the_same_whenever_the_decision_is_made_again() -> None:
    """A decider is pure: on a second try it makes the same ids and salts in the same order, all of them different."""
    first, again = (
        decided(lambda draft: [draft.new_id(), draft.new_salt(), draft.new_id(), draft.new_salt()], Snapshot()).result
        for _ in range(2)
    )
    assert first == again
    assert len(set(first)) == 4
    assert first[::2] == ["stem-1", "stem-3"]
    assert all(re.fullmatch("[0-9a-f]{32}", salt) for salt in first[1::2])


def test_a_salt_cannot_be_told_from_ids() -> None:
    """Two seeds of one stem make the same ids and other salts: the salt comes of what is never stored."""
    one, other = (
        run(lambda draft, _: (draft.new_id(), draft.new_salt()), None, Snapshot(), ACME, NOON, Seed("stem", secret))
        for secret in ("one", "other")
    )
    assert isinstance(one, Ready)
    assert isinstance(other, Ready)
    assert one.result[0] == other.result[0]
    assert one.result[1] != other.result[1]


def test_what_a_draft_announces_is_in_its_change() -> None:
    """Events, wakes and the lease keep their order and arrive as they were said."""
    lane = LaneKey(ACME, LineId("line"), CustomerId("ann"), Work.SEND)

    def decider(draft: Draft) -> None:
        draft.tell(CustomerSeen(CustomerId("ann")))
        draft.tell(CustomerSeen(CustomerId("bob")))
        draft.wake(lane, NOON)
        draft.under(lane, 7)

    change = change_of(decider, Snapshot())
    assert (CustomerSeen(CustomerId("ann")), CustomerSeen(CustomerId("bob"))) == change.events
    assert (Wake(lane, NOON),) == change.wakes
    assert (lane, 7) == change.fence
    assert (change.tenant, change.at) == (ACME, NOON)


# --- rolling a snapshot forward ---------------------------------------------------------------------------------------

KEYS = [sample(kind, ACME, number) for kind in ("customer", "pair", "conversation") for number in range(3)]
RANGES = [Range(kind, "key", (ACME,), 99) for kind in ("customer", "pair", "conversation", "dedupe")]
STEPS = st.lists(
    st.tuples(st.sampled_from(["get", "put", "delete", "merge", "mark"]), st.integers(0, 8), st.integers(0, 2)),
    max_size=6,
)


def apply(draft: Draft, steps: list[tuple[str, int, int]]) -> None:
    """Write at random, as a decider may: it reads what it writes, and does not merge into what it deleted."""
    for what, number, turn in steps:
        each = KEYS[number]
        match what:
            case "put":
                draft.get(each.key)
                draft.put(each.key, sample(each.key.kind, ACME, number % 3 + turn).value)
            case "delete" if not draft.change().merges:
                draft.get(each.key)
                draft.delete(each.key)
            case "merge" if each.merges and each.key not in draft.change().deletes:
                draft.merge(each.key, **{name: value + turn for name, value in each.merges.items()})
            case "mark" if draft.is_known(f"mark-{number}") is None:
                draft.mark(f"mark-{number}", f"ref-{turn}")
            case _:
                draft.get(each.key)


def comparable(snapshot: Snapshot, keys: list[Key]) -> dict[Key, Any]:
    """Versions, payloads and the merge columns that are not 0, which is what they are where nothing was merged."""
    rows = {key: snapshot.rows[key] for key in keys}
    return {key: (row.version, row.value, {k: v for k, v in row.merged.items() if v}) for key, row in rows.items()}


@given(st.lists(STEPS, min_size=1, max_size=4))
def test_rolled_is_what_the_storage_makes_of_the_change(commits: list[list[tuple[str, int, int]]]) -> None:
    """One change after another: the rolled snapshot holds what a load after the commit would hold, and a range that it
    still has is the storage's. So the next change of the same commit can be decided on it."""
    storage = MemoryStorage()
    keys = [*(each.key for each in KEYS), *(DEDUPE.of(ACME, f"mark-{number}") for number in range(9))]
    snapshot = storage.load([*keys, *RANGES])
    for steps in commits:
        change = change_of(lambda draft, steps=steps: apply(draft, steps), snapshot)  # type: ignore[misc]
        snapshot = rolled(snapshot, change)
        assert list(storage.commit([change])) == [COMMITTED]
        now = storage.load([*keys, *RANGES])
        assert comparable(now, keys) == comparable(snapshot, keys)
        assert snapshot.ranges == {wanted: now.ranges[wanted] for wanted in snapshot.ranges}


def test_rolled_keeps_ranges_that_the_change_does_not_touch() -> None:
    """Only ranges over kinds that were written are dropped."""
    customers, pairs = Range("customer", "key", (ACME,), 9), Range("pair", "key", (ACME,), 9)
    snapshot = Snapshot({ANN.key: ABSENT}, {customers: (), pairs: ()})
    change = Change(ACME, NOON + timedelta(1), {ANN.key: 0}, (Put(ANN.key, ANN.value),))
    assert {pairs: ()} == rolled(snapshot, change).ranges
    assert CUSTOMER.name == customers.kind


def test_a_mark_of_an_id_from_outside_is_what_it_was() -> None:
    """What was marked by an earlier version is known by this one; another tenant's is another."""
    assert mark_digest(ACME, "wamid.1") == "14f1aacb6a15dbd3cacead756825415e"
    assert mark_digest(GLOBEX, "wamid.1") != mark_digest(ACME, "wamid.1")
