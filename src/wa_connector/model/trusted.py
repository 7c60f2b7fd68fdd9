"""Frozen values made fast: for whoever makes thousands of them from parts that were checked already.

Rules of this file: how an object is filled, and nothing about what it means.

A frozen attrs class fills each attribute through ``object.__setattr__``, which costs a tenth of a microsecond apiece, a
third of what it takes to read a webhook. A *twin* is a subclass that is not frozen and has no attributes of its own, so
an object of it can be filled plainly, and then be told that it is one of its parent. Nobody else has seen it by then.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

import attrs

P = ParamSpec("P")
T = TypeVar("T")

_OPEN: Final = {
    "__slots__": (),
    "__init__": object.__init__,
    "__setattr__": object.__setattr__,
    # The two share one slot of the type: with one alone, every assignment would look for the other.
    "__delattr__": object.__delattr__,
}


def opened(cls: type) -> type[Any]:
    """The twin of a frozen, slotted attrs class: called without arguments it gives an object to be filled.

    Whoever takes one fills every attribute and then sets ``__class__`` to ``cls``, before anybody else sees the object;
    ``trusted`` does so in a function of its own, whose call costs a quarter of the whole.

    Raises ``TypeError`` for a class that is not frozen and slotted.
    """
    if not attrs.has(cls) or "__slots__" not in vars(cls) or cls.__setattr__ is object.__setattr__:
        raise TypeError(f"{cls.__name__} is no frozen, slotted attrs class; call it as it is")
    return type(cls.__name__, (cls,), _OPEN)


def trusted(cls: Callable[P, T]) -> Callable[P, T]:
    """A function that makes objects of a frozen, slotted attrs class about three times as fast as the class itself.

    It takes what the class takes, by position or by name, and gives an equal object. It runs **no check** of the
    class's (neither validators nor ``__attrs_post_init__``): the caller vouches for the parts. Made once, at import.

    Raises ``TypeError`` for a class that it cannot do that for: one that is not frozen and slotted, or whose
    constructor converts, computes or hides an attribute.
    """
    made = cast(type, cls)
    known: dict[str, Any] = {"twin": opened(made), "cls": made}
    parameters, body = [], ["made = twin()"]
    for each in attrs.fields(made):
        if not each.init or each.kw_only or each.converter or isinstance(each.default, _FACTORY):
            raise TypeError(f"{made.__name__}.{each.name} is more than a plain attribute; call the class as it is")
        if each.default is attrs.NOTHING:
            parameters.append(each.alias)
        else:
            known[f"default_{each.name}"] = each.default
            parameters.append(f"{each.alias}=default_{each.name}")
        body.append(f"made.{each.name} = {each.alias}")
    body += ["made.__class__ = cls", "return made"]
    # As attrs writes a constructor itself: the only names in the text are those of the class's attributes.
    exec("\n    ".join([f"def make({', '.join(parameters)}):", *body]), known)  # noqa: S102 - see the line above
    return cast(Callable[P, T], known["make"])


_FACTORY: Final[type] = type(attrs.Factory(list))
