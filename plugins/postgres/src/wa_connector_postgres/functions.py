"""The commit, as the server runs it: one function, one call, one transaction, one round trip.

Theory. The client folds the changes of a call into one *round* (``rounds.py``): what is expected of each row that was
read, and what becomes of each row that is written, as if all went well. The function takes the round's locks, compares
every expectation, and then either writes everything - one statement a kind, however many changes - or nothing, and
answers what it found instead. So nothing is ever undone, and there is no subtransaction: a change that was refused was
never applied. The client folds again with what was found, without the changes that this refuses; each such round
refuses one more at least, and mostly one is enough.

Locks. A round takes its locks first, all of them, in the order of their numbers: so commits wait for each other and
never in a circle. They are advisory locks on hashes of the keys, shared for what is only read, because these hold for a
row that is *not* there as well (no gap through which somebody inserts what was read as absent), and because locking the
rows themselves would write to each row that is only read. They end with the transaction, after its rows are visible.
All writing to the tables of rows is done here; whoever writes to them otherwise is not waited for.

What was weighed, in processor time a change (client + server; reads 5 rows, writes 5; in groups of 20): statements in a
pipeline with a savepoint a change 960 + 470 µs; a function that applies change by change, each in a block with an
exception handler, 260 + 700 µs; this 250 + 210 µs. Singly all three take about what the disk takes. Measured with
PostgreSQL 18 on a busy machine of two cores; the ratios are what counts.
"""

from collections.abc import Iterator
from typing import Final

from wa_connector.ports.rows import DEDUPE, KINDS, MergeRule
from wa_connector_postgres.statements import EVENT_BITS, element, key_equals, key_list, quoted

COMMIT: Final = "SELECT commit_round(%s::jsonb)"

_LANE: Final = "t.tenant = (e ->> 0) AND t.line = (e ->> 1) AND t.customer = (e ->> 2) AND t.work = (e ->> 3)"
_EACH: Final = "jsonb_array_elements(part) WITH ORDINALITY AS r(e, o)"

_HEAD: Final = """\
CREATE FUNCTION commit_round(round jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  part jsonb;
  missed jsonb;
  found jsonb := '[]';
  run bigint;
BEGIN
  PERFORM CASE WHEN (e -> 1)::boolean THEN pg_advisory_xact_lock((e -> 0)::bigint)
               ELSE pg_advisory_xact_lock_shared((e -> 0)::bigint) END
    FROM jsonb_array_elements(round -> 'locks') AS r(e);
"""
# A lane is also written by claims, which take none of our locks, but lock its row and wait for nobody.
_FENCES: Final = f"""\
  part := round -> 'fence';
  IF part IS NOT NULL THEN
    PERFORM 1 FROM {_EACH} JOIN lane t ON {_LANE} FOR UPDATE OF t;
    SELECT jsonb_agg(jsonb_build_array('fence', o - 1, coalesce(t.fence, -1), NULL)) INTO missed
      FROM {_EACH} LEFT JOIN lane t ON {_LANE} WHERE t.fence IS DISTINCT FROM (e ->> 4)::bigint;
    found := found || coalesce(missed, '[]');
  END IF;
"""
_VERDICT: Final = """\
  IF found <> '[]' THEN
    RETURN found;
  END IF;
"""
_SETTLES: Final = f"""\
  part := round -> 'settle';
  IF part IS NOT NULL THEN
    UPDATE lane t SET leased_until = '-infinity',
        due_at = CASE WHEN t.wakes = (e ->> 4)::bigint THEN (e ->> 5)::bigint
                      ELSE least(t.due_at, (e ->> 5)::bigint) END,
        tokens = coalesce((e ->> 6)::double precision, t.tokens), tokens_at = coalesce((e ->> 7)::bigint, t.tokens_at)
      FROM {_EACH} WHERE {_LANE};
  END IF;
"""
_WAKES: Final = f"""\
  part := round -> 'wake';
  IF part IS NOT NULL THEN
    INSERT INTO lane AS t (tenant, line, customer, work, due_at, wakes)
      SELECT e ->> 0, e ->> 1, e ->> 2, e ->> 3, (e ->> 4)::bigint, (e ->> 5)::bigint FROM {_EACH}
      ON CONFLICT (tenant, line, customer, work) DO UPDATE
      SET due_at = least(t.due_at, excluded.due_at), wakes = t.wakes + excluded.wakes;
  END IF;
"""
_EVENTS: Final = f"""\
  part := round -> 'event';
  IF part IS NOT NULL THEN
    SELECT base + pg_current_xact_id()::text::bigint INTO run FROM log;
    INSERT INTO event (tenant, transaction, ordinal, at, happening)
      SELECT e ->> 0, run, o, (e ->> 1)::bigint, e ->> 2 FROM {_EACH};
  END IF;
"""
_TAIL: Final = """\
  RETURN found;
END $$"""


def commit_function() -> str:
    """The statement that makes the function."""
    return "".join(
        (
            _HEAD,
            _FENCES,
            *map(_check, KINDS),
            _VERDICT,
            *(text for name in KINDS for text in (_delete(name), _write(name))),
            # The lane before its wakes: a change that wakes the lane which it settles has not overlooked anything.
            _SETTLES,
            _WAKES,
            _EVENTS,
            _TAIL,
        )
    )


def _for(name: str, verb: str, body: str) -> str:
    return f"  part := round -> '{name}.{verb}';\n  IF part IS NOT NULL THEN\n{body}  END IF;\n"


def _check(name: str) -> str:
    kind = KINDS[name]
    # Of a mark, what came of it is the answer; of other rows the version says enough.
    payload = "t.payload" if kind is DEDUPE else "NULL"
    return _for(
        name,
        "check",
        f"    SELECT jsonb_agg(jsonb_build_array('{name}', o - 1, coalesce(t.version, 0), {payload})) INTO missed\n"
        f"      FROM {_EACH} LEFT JOIN {quoted(name)} t ON {key_equals(kind)}\n"
        f"      WHERE coalesce(t.version, 0) <> (e ->> {len(kind.key)})::bigint;\n"
        "    found := found || coalesce(missed, '[]');\n",
    )


def _delete(name: str) -> str:
    kind = KINDS[name]
    body = f"    DELETE FROM {quoted(name)} t USING jsonb_array_elements(part) AS r(e) WHERE {key_equals(kind)};\n"
    return _for(name, "delete", body)


def _write(name: str) -> str:
    """Each element: key, projected columns, payload, version (0: only merges), merge columns."""
    kind = KINDS[name]
    names, values = map(list, zip(*_written(name), strict=True))
    body = (
        f"    INSERT INTO {quoted(name)} AS t ({', '.join(names)})\n"
        f"      SELECT {', '.join(values)} FROM {_EACH}\n"
        f"      ON CONFLICT ({key_list(kind)}) DO UPDATE SET {', '.join(_replaced(name))};\n"
    )
    if kind.sequence:
        body = f"    run := nextval('number') << {EVENT_BITS};\n{body}"
    return _for(name, "write", body)


def _written(name: str) -> Iterator[tuple[str, str]]:
    kind = KINDS[name]
    columns = (*kind.key, *kind.columns)
    for number, column in enumerate(columns):
        yield quoted(column.name), element(column, number)
    yield "payload", f"e ->> {len(columns)}"
    yield "version", f"(e ->> {len(columns) + 1})::bigint"
    for number, merge in enumerate(kind.merges, start=len(columns) + 2):
        value = f"(e ->> {number})::bigint"
        yield quoted(merge.name), f"greatest(0, {value})" if merge.rule is MergeRule.MAXIMUM else value
    if kind.sequence:
        yield quoted(kind.sequence), "run + o"


def _replaced(name: str) -> Iterator[str]:
    # A sequence is not among them: it was given when the row was made.
    kind = KINDS[name]
    for column in (*(column.name for column in kind.columns), "payload", "version"):
        new, old = f"excluded.{quoted(column)}", f"t.{quoted(column)}"
        is_certain = not kind.merges
        yield f"{quoted(column)} = {new if is_certain else f'CASE WHEN excluded.version = 0 THEN {old} ELSE {new} END'}"
    for merge in kind.merges:
        new, old = f"excluded.{quoted(merge.name)}", f"t.{quoted(merge.name)}"
        is_sum = merge.rule is MergeRule.SUM
        yield f"{quoted(merge.name)} = {f'{old} + {new}' if is_sum else f'greatest({old}, {new})'}"
