"""What no storage accepts, said once, so that every storage refuses it with the same words.

These are mistakes of the calling code, not of its data: a ``UsageError``, raised before anything is touched. The check of
the tenant is also the last line of defence of "one tenant can never read or touch another's rows".
"""

from collections.abc import Sequence

from wa_connector.errors import UsageError
from wa_connector.model.ids import TenantId
from wa_connector.model.queue import LaneKey
from wa_connector.ports.rows import KINDS, Key, Kind, Scalar, Searched
from wa_connector.ports.storage import Change, Follow, Merge, Search


def check_change(change: Change) -> None:
    """Raise ``UsageError`` for a change that no storage can apply, whatever it holds.

    That is: a row or lane of another tenant, a delete of what was not read, one row written twice, an unknown kind or
    merge column, a key of the wrong length.
    """
    written: set[Key] = set()
    for key in (*(put.key for put in change.puts), *change.deletes):
        if key in written:
            raise UsageError(f"a change writes one row of {key.kind!r} twice; fold the two into one")
        written.add(key)
    for key in (*written, *change.reads):
        check_key(change.tenant, key)
    for deleted in change.deletes:
        if deleted not in change.reads:
            raise UsageError(f"a row of {deleted.kind!r} is deleted that was not read; add its version to `reads`")
    for merge in change.merges:
        _check_merge(change, merge)
    for lane in _lanes(change):
        if lane.tenant != change.tenant:
            raise UsageError("a change names a lane of another tenant than its own")


def check_key(tenant: TenantId, key: Key) -> None:
    """Raise ``UsageError`` for a key of another tenant, an unknown kind, or too few or too many parts."""
    kind = kind_of(key.kind)
    if len(key.parts) != len(kind.key):
        raise UsageError(f"a key of {key.kind!r} has {len(kind.key)} parts, not {len(key.parts)}")
    if key.parts[0] != tenant:
        raise UsageError(f"a row of {key.kind!r} belongs to another tenant than the change that names it")


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises ``UsageError`` when there is none."""
    try:
        return KINDS[name]
    except KeyError:
        raise UsageError(f"there is no kind of row named {name!r}; there are: {', '.join(KINDS)}") from None


def check_follow(follow: Follow) -> None:
    """Raise ``UsageError`` for a column that the source's kind does not project and that is not of its key."""
    kind = kind_of(follow.source.kind)
    if follow.column not in {column.name for column in (*kind.key, *kind.columns)}:
        raise UsageError(f"rows of {kind.name!r} have no column named {follow.column!r} to follow")


def check_page(
    kind: str, index: str, prefix: Sequence[Scalar], after: Sequence[Scalar] | None = None
) -> tuple[str, ...]:
    """The columns of an index behind ``prefix``.

    Raises ``UsageError`` for an index that does not exist, for a prefix without its tenant or longer than the index,
    and for a cursor that does not have one value for each column behind the prefix.
    """
    declared = kind_of(kind)
    try:
        columns = declared.index(index).columns
    except StopIteration:
        raise UsageError(f"rows of {kind!r} have no index named {index!r}") from None
    if not 1 <= len(prefix) <= len(columns):
        raise UsageError(f"a prefix of {kind}.{index} has 1 to {len(columns)} values, the tenant first")
    rest = columns[len(prefix) :]
    if after is not None and len(after) != len(rest):
        raise UsageError(f"a cursor of {kind}.{index} behind this prefix has {len(rest)} values: {', '.join(rest)}")
    return rest


def check_search(search: Search) -> Searched:
    """How rows of this kind are searched.

    Raises ``UsageError`` for a kind that is not, for no words at all, for one that is not spelled as words are stored, and
    for a cursor of another length.
    """
    searched = kind_of(search.kind).searched
    if searched is None:
        raise UsageError(f"rows of {search.kind!r} are not searched by words")
    if not search.words or not all(word.isalnum() for word in search.words):
        raise UsageError("a search names one word at least, each spelled as wa_connector.model.searching spells it")
    if search.after is not None and len(search.after) != len(searched.order):
        raise UsageError(f"a cursor of this search has {len(searched.order)} values: {', '.join(searched.order)}")
    return searched


def parse_cursor(cursor: str) -> int:
    """An event cursor as the number behind which to go on; '' is the beginning. Raises ``UsageError``."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit()):
        raise UsageError("this is no cursor of an event log; pass '' or what events_after returned")
    return int(cursor)


def _check_merge(change: Change, merge: Merge) -> None:
    check_key(change.tenant, merge.key)
    if merge.key in change.deletes:
        raise UsageError(f"a row of {merge.key.kind!r} is merged into and deleted in one change")
    known = {column.name for column in kind_of(merge.key.kind).merges}
    if unknown := set(merge.columns) - known:
        raise UsageError(f"rows of {merge.key.kind!r} have no merge column named {min(unknown)!r}")


def _lanes(change: Change) -> list[LaneKey]:
    lanes = [wake.lane for wake in change.wakes]
    if change.fence is not None:
        lanes.append(change.fence[0])
    if change.settle is not None:
        lanes.append(change.settle.lane)
    return lanes
