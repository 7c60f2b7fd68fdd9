"""Reading of JSON that may hold anything, refusing in Meta's words.

Rules of this file: each reader takes the object, the key and where it stands, and either returns
a value of the promised type or raises `GraphError`: 131008 for what is missing, 131009 for what
is there and wrong. Characters are counted as Unicode code points; Meta does not say what it counts.
"""

from collections.abc import Mapping, Sequence

from .errors import GraphError
from .values import Json


def place(where: str, key: str | int) -> str:
    """The path of `key` within `where`, as Meta writes it: `interactive['action']`."""
    return f"{where}[{key!r}]" if where else str(key)


def missing(path: str) -> GraphError:
    """The refusal of an absent parameter."""
    return GraphError(131008, f"The parameter {path} is required.")


def wrong(path: str, expected: str) -> GraphError:
    """The refusal of a parameter with a bad value."""
    return GraphError(131009, f"The parameter {path} {expected}.")


def need_object(holder: Json, key: str, where: str = "") -> Json:
    """The object under `key`."""
    value = holder.get(key)
    if value is None:
        raise missing(place(where, key))
    return as_object(value, place(where, key))


def as_object(value: object, path: str) -> Json:
    """`value`, which must be an object."""
    if not isinstance(value, Mapping):
        raise wrong(path, "must be an object")
    return value


def need_list(holder: Json, key: str, where: str, *, most: int | None = None) -> Sequence[object]:
    """The non-empty list under `key`, with at most `most` members."""
    value, path = holder.get(key), place(where, key)
    if value is None:
        raise missing(path)
    if not isinstance(value, list) or not value:
        raise wrong(path, "must be a non-empty array")
    if most is not None and len(value) > most:
        raise wrong(path, f"must have at most {most} members, it has {len(value)}")
    return value


def need_objects(holder: Json, key: str, where: str, *, most: int | None = None) -> list[Json]:
    """The non-empty list of objects under `key`."""
    members = need_list(holder, key, where, most=most)
    path = place(where, key)
    return [as_object(member, place(path, index)) for index, member in enumerate(members)]


def need_text(holder: Json, key: str, where: str = "", *, most: int | None = None) -> str:
    """The non-empty string under `key`, of at most `most` characters."""
    value, path = holder.get(key), place(where, key)
    if value is None or value == "":
        raise missing(path)
    if not isinstance(value, str):
        raise wrong(path, "must be a string")
    if most is not None and len(value) > most:
        raise wrong(path, f"must be at most {most} characters long, it has {len(value)}")
    return value


def maybe_text(holder: Json, key: str, where: str = "", *, most: int | None = None) -> str | None:
    """Like `need_text`, or None when the key is absent."""
    return need_text(holder, key, where, most=most) if holder.get(key) is not None else None


def need_number(holder: Json, key: str, where: str) -> float:
    """The number under `key`; Meta's own samples write coordinates as strings too."""
    value, path = holder.get(key), place(where, key)
    if value is None:
        raise missing(path)
    try:
        return float(value) if isinstance(value, int | float | str) else _not_a_number(path)
    except ValueError:
        raise wrong(path, "must be a number") from None


def _not_a_number(path: str) -> float:
    raise wrong(path, "must be a number")
