"""The declarations that storages make their tables of: sound, and faithful to the payloads."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.ids import TenantId
from wa_connector.model.instants import to_microseconds
from wa_connector.model.window import NO_WINDOW, Window
from wa_connector.ports import rows
from wa_connector.ports.rows import KINDS, ColumnType, Key, Kind, window_of
from wa_connector.testing.samples import sample
from wa_connector.testing.strategies import NOW, windows

quick = settings(max_examples=60, deadline=None)
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
ACME = TenantId("acme")


def columns_of(kind: Kind) -> list[str]:
    merged = [*(column.name for column in kind.merges), *(flag.name for flag in kind.flags)]
    return [column.name for column in (*kind.key, *kind.columns)] + merged + [kind.sequence] * bool(kind.sequence)


@every_kind
def test_every_key_and_index_begins_with_the_tenant(kind: Kind) -> None:
    """It is the shard key, and what keeps tenants apart."""
    assert kind.key[0].name == "tenant"
    assert all(index.columns[0] == "tenant" for index in kind.indexes)


@every_kind
def test_each_column_has_a_name_of_its_own(kind: Kind) -> None:
    assert len(columns_of(kind)) == len(set(columns_of(kind)))


@every_kind
def test_an_index_names_columns_that_are_there_and_ends_with_the_rest_of_the_key(kind: Kind) -> None:
    """So that every row has one place in it, and a page can go on exactly where the last one ended."""
    key = {column.name for column in kind.key}
    for index in kind.indexes:
        assert set(index.columns) <= set(columns_of(kind))
        assert len(index.columns) == len(set(index.columns))
        assert key <= set(index.columns)
        assert index.columns[-1] in key


@every_kind
def test_an_index_is_found_by_its_name(kind: Kind) -> None:
    for index in kind.indexes:
        assert index is kind.index(index.name)
    assert tuple(column.name for column in kind.key) == kind.index("key").columns
    assert "key" not in {index.name for index in kind.indexes}


@every_kind
def test_what_is_projected_are_the_declared_columns(kind: Kind) -> None:
    types: dict[ColumnType, type[Any]] = {ColumnType.TEXT: str, ColumnType.INTEGER: int}
    for number in range(24):
        made = sample(kind.name, ACME, number)
        projected = kind.project(made.value)
        assert [types[column.type] for column in kind.columns] == [type(value) for value in projected]
        assert [types[column.type] for column in kind.key] == [type(part) for part in made.key.parts]


@every_kind
def test_a_key_says_of_which_kind_it_is(kind: Kind) -> None:
    assert Key(kind.name, ("acme", "x")) == kind.of("acme", "x")
    assert kind is KINDS[kind.name]


def test_every_declared_kind_is_listed() -> None:
    declared = {value.name for name, value in vars(rows).items() if isinstance(value, Kind)}
    assert declared == set(KINDS)


def test_all_is_what_there_is() -> None:
    assert all(hasattr(rows, name) for name in rows.__all__)
    assert {name for name, value in vars(rows).items() if isinstance(value, Kind)} <= set(rows.__all__)


# --- the window in its merge columns ----------------------------------------------------------------------------------


@quick
@given(windows())
def test_a_window_is_read_from_its_merge_columns_exactly(window: Window) -> None:
    instants = {"customer_at": window.customer_at, "business_at": window.business_at, "refused_at": window.refused_at}
    merged = {name: to_microseconds(at) if at else 0 for name, at in instants.items()}
    assert window == window_of(merged)
    assert window == window_of({name: count for name, count in merged.items() if count})


@quick
@given(st.lists(windows(), min_size=1, max_size=4), st.data())
def test_windows_merged_in_any_order_are_the_latest_of_each_instant(seen: list[Window], data: st.DataObject) -> None:
    def merged(order: list[Window]) -> Window:
        counts: dict[str, int] = {}
        for window in order:
            for column in rows.PAIR.merges:
                at = getattr(window, column.name, None)
                counts[column.name] = max(counts.get(column.name, 0), to_microseconds(at) if at else 0)
        return window_of(counts)

    assert merged(seen) == merged(data.draw(st.permutations([*seen, *seen])))


def test_a_pair_that_was_never_seen_has_no_window() -> None:
    assert window_of({}) == NO_WINDOW
    assert Window(customer_at=NOW) == window_of({"customer_at": to_microseconds(NOW)})
