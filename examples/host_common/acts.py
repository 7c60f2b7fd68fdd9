"""Who takes part: the acts that a conversation's screen offers, each a call of the connector's made of a JSON body.

Both hosts use this one table, because both faces have the same calls: what a function here returns is a ``Placement``
under ``Connector``, and under ``AsyncConnector`` something to be awaited that becomes one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from wa_connector import (
    CommandId,
    ConversationId,
    EndIt,
    HandOver,
    Leaving,
    LetGo,
    Role,
    TenantId,
    UsageError,
    UserId,
)

Json: TypeAlias = dict[str, Any]


@frozen
class On:
    """Who acts, and in which conversation."""

    tenant: TenantId
    user: UserId
    conversation: ConversationId
    command: CommandId


def _add(connector: Any, on: On, body: Json) -> Any:
    role = _role(body) if "role" in body else Role.MEMBER
    return connector.add(on.tenant, on.user, on.conversation, _whom(body), role=role, command_id=on.command)


def _transfer(connector: Any, on: On, body: Json) -> Any:
    return connector.transfer(
        on.tenant,
        on.user,
        on.conversation,
        _whom(body, "to"),
        from_owner=_whom(body, "from") if body.get("from") else None,
        note=str(body.get("note", "")),
        stay=body.get("stay") is True,
        command_id=on.command,
    )


def _take(connector: Any, on: On, _: Json) -> Any:
    return connector.take(on.tenant, on.user, on.conversation, command_id=on.command)


def _leave(connector: Any, on: On, body: Json) -> Any:
    return connector.leave(on.tenant, on.user, on.conversation, then=_then(body), command_id=on.command)


def _remove(connector: Any, on: On, body: Json) -> Any:
    return connector.remove(on.tenant, on.user, on.conversation, _whom(body), command_id=on.command)


def _set_role(connector: Any, on: On, body: Json) -> Any:
    return connector.set_role(on.tenant, on.user, on.conversation, _whom(body), _role(body), command_id=on.command)


def _mute(connector: Any, on: On, body: Json) -> Any:
    return connector.mute(on.tenant, on.user, on.conversation, muted=body.get("muted", True) is not False)


def _note(connector: Any, on: On, body: Json) -> Any:
    return connector.note(on.tenant, on.user, on.conversation, _text(body, "text"), command_id=on.command)


def _end(connector: Any, on: On, _: Json) -> Any:
    return connector.end(on.tenant, on.user, on.conversation, command_id=on.command)


def _restart(connector: Any, on: On, _: Json) -> Any:
    return connector.restart(on.tenant, on.user, on.conversation, command_id=on.command)


ACTS: Final[Mapping[str, Callable[[Any, On, Json], Any]]] = {
    "add": _add,
    "transfer": _transfer,
    "take": _take,
    "leave": _leave,
    "remove": _remove,
    "role": _set_role,
    "mute": _mute,
    "note": _note,
    "end": _end,
    "restart": _restart,
}


def act_of(name: str) -> Callable[[Any, On, Json], Any]:
    """The act of this name. Raises ``UsageError`` where there is none."""
    if name not in ACTS:
        raise UsageError(f"there is no act {name!r}; there are {', '.join(ACTS)}")
    return ACTS[name]


def _then(body: Json) -> Leaving | None:
    """What becomes of it: ``{"then": "end"}``, ``"let_go"``, or ``"hand_over"`` with ``"to"`` and ``"note"``."""
    match body.get("then"):
        case None:
            return None
        case "end":
            return EndIt()
        case "let_go":
            return LetGo()
        case "hand_over":
            return HandOver(_whom(body, "to"), str(body.get("note", "")))
        case other:
            raise UsageError(f"then is end, let_go or hand_over, not {other!r}")


def _whom(body: Json, name: str = "whom") -> UserId:
    return UserId(_text(body, name))


def _role(body: Json) -> Role:
    try:
        return Role(body.get("role"))
    except ValueError as error:
        raise UsageError("role is owner, member or observer") from error


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise UsageError(f"the body needs {name!r}, a text")
    return value
