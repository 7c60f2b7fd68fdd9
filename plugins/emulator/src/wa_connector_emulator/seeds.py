"""What a world begins with.

Rules of this file: from a mapping, such as a TOML file gives, to values; every fault is told with
the path to the bad value.

    [waba]       id, name
    [[numbers]]  id, display_number, country_code, verified_name, is_on_app
    [[templates]] as in a create call, and optionally status (default APPROVED)
    [[customers]] phone, name, and the other arguments of create_customer
    [webhook]    url, verify_token

All is optional. Without numbers there is the one number 15550001111.
"""

from collections.abc import Mapping, Sequence

import attrs

from . import phones, templates
from .errors import ControlError, GraphError
from .ids import Mint
from .values import Account, Callback, Customer, Json, Number, Template, TemplateStatus
from .world import World, digits_of

WABA_ID = "102290129340398"
NUMBER_ID = "106540352242922"
DISPLAY_NUMBER = "15550001111"


def new_world(mint: Mint, seed: Json) -> World:
    """A world with what the seed describes, and the defaults where it is silent."""
    world = World(mint)
    add(world, {"waba": {}, "numbers": [{}], **seed})
    return world


def add(world: World, seed: Json) -> None:
    """Add what the seed describes to a world; a part that cannot be read is a `ControlError`."""
    unknown = set(seed) - {"waba", "numbers", "templates", "customers", "webhook"}
    if unknown:
        raise ControlError(f"unknown parts in the seed: {', '.join(sorted(unknown))}")
    if "waba" in seed:
        _add_account(world, _table(seed["waba"], "waba"))
    for path, row in _rows(seed, "numbers"):
        _add_number(world, row, path)
    for path, row in _rows(seed, "templates"):
        add_template(world, row, path)
    for path, row in _rows(seed, "customers"):
        phones.add(world, customer_of(world.mint, row, path))
    if "webhook" in seed:
        _add_webhook(world, _table(seed["webhook"], "webhook"))


def _add_account(world: World, row: Json) -> None:
    account = Account(_text(row, "id", "waba", WABA_ID), _text(row, "name", "waba", "Emulated"))
    world.accounts[account.id] = account


def _add_number(world: World, row: Json, path: str) -> None:
    number = Number(
        id=_text(row, "id", path, NUMBER_ID),
        account_id=_text(row, "account_id", path, next(iter(world.accounts), "")),
        display_number=digits_of(_text(row, "display_number", path, DISPLAY_NUMBER)),
        country_code=_text(row, "country_code", path, "1").lstrip("+"),
        verified_name=_text(row, "verified_name", path, "Emulated business"),
        is_on_app=_flag(row, "is_on_app", path, default=False),
    )
    if number.account_id not in world.accounts:
        raise ControlError(f"seed: {path}.account_id: there is no WABA {number.account_id}")
    if not number.display_number.startswith(number.country_code):
        raise ControlError(
            f"seed: {path}: {number.display_number} is not in country {number.country_code}; give country_code"
        )
    world.numbers[number.id] = number


def _add_webhook(world: World, row: Json) -> None:
    """Subscribed without a handshake: a seed is the operator's word."""
    url, verify_token = _text(row, "url", "webhook"), _text(row, "verify_token", "webhook")
    world.app_callback = Callback(url, verify_token)
    for account in list(world.accounts.values()):
        world.accounts[account.id] = attrs.evolve(account, is_subscribed=True)


def add_template(world: World, row: Json, path: str = "template") -> Template:
    """Add a template from the JSON of a create call, checked as there; APPROVED by default."""
    account_id = _text(row, "account_id", path, next(iter(world.accounts), ""))
    status = _text(row, "status", path, "APPROVED").upper()
    if status not in TemplateStatus.__members__:
        raise ControlError(f"{path}: status must be one of {', '.join(TemplateStatus)}")
    try:
        template = templates.parsed(row, template_id=world.mint.object_id(), account_id=account_id)
    except GraphError as refusal:
        raise ControlError(f"{path}: {refusal.details}") from None
    if world.find_template(account_id, template.name, template.language) is not None:
        raise ControlError(f"{path}: there is {template.name} in {template.language} already", 409)
    template = attrs.evolve(template, status=TemplateStatus(status))
    world.templates[template.id] = template
    return template


def template_json(
    name: str,
    body: str,
    *,
    language: str = "en_US",
    category: str = "UTILITY",
    parameter_format: str = "POSITIONAL",
    header: str | Json | None = None,
    footer: str | None = None,
    buttons: Sequence[str | Json] = (),
    cards: Sequence[Json] = (),
) -> dict[str, object]:
    """The JSON of a create call. A plain string is a text header, or a quick reply."""
    components = _components(header, body, footer, buttons)
    if cards:
        components.append({"type": "CAROUSEL", "cards": [_card(card) for card in cards]})
    return {
        "name": name,
        "language": language,
        "category": category,
        "parameter_format": parameter_format,
        "components": components,
    }


def _components(
    header: str | Json | None, body: str | None, footer: str | None, buttons: Sequence[str | Json]
) -> list[Json]:
    components: list[Json] = []
    if header is not None:
        components.append(_header(header))
    if body is not None:
        components.append({"type": "BODY", "text": body})
    if footer is not None:
        components.append({"type": "FOOTER", "text": footer})
    if buttons:
        components.append({"type": "BUTTONS", "buttons": [_button(b) for b in buttons]})
    return components


def _card(card: Json) -> Json:
    unknown = set(card) - {"header", "body", "buttons"}
    if unknown:
        raise ControlError(f"a card has unknown keys: {', '.join(sorted(unknown))}")
    header, body, buttons = card.get("header"), card.get("body"), card.get("buttons", ())
    if not isinstance(header, str | Mapping | None) or not isinstance(body, str | None):
        raise ControlError("a card's header must be an object, and its body a string")
    if not isinstance(buttons, list | tuple):
        raise ControlError("a card's buttons must be a list")
    return {"components": _components(header, body, None, buttons)}


def _header(header: str | Json) -> Json:
    if isinstance(header, str):
        return {"type": "HEADER", "format": "TEXT", "text": header}
    return {"type": "HEADER", **header}


def _button(button: str | Json) -> Json:
    return {"type": "QUICK_REPLY", "text": button} if isinstance(button, str) else button


_CUSTOMER_KEYS = frozenset({"phone", "name", "on_whatsapp", "hidden_number", "bsuid", "country", "username"})


def customer_of(mint: Mint, row: Json, path: str = "customer") -> Customer:
    """The customer that a row describes; the phone may be in any spelling with country code."""
    unknown = set(row) - _CUSTOMER_KEYS
    if unknown:
        raise ControlError(f"seed: {path} has unknown keys: {', '.join(sorted(unknown))}")
    username = row.get("username")
    return Customer(
        bsuid=_text(row, "bsuid", path, mint.bsuid(_text(row, "country", path, "US"))),
        phone=digits_of(_text(row, "phone", path)),
        name=_text(row, "name", path, "Ana"),
        username=None if username is None else _text(row, "username", path),
        on_whatsapp=_flag(row, "on_whatsapp", path, default=True),
        hidden_number=_flag(row, "hidden_number", path, default=False),
    )


def _rows(seed: Json, key: str) -> list[tuple[str, Json]]:
    rows = seed.get(key, [])
    if not isinstance(rows, list | tuple):
        raise ControlError(f"seed: {key} must be a list of tables")
    return [(f"{key}[{i}]", _table(row, f"{key}[{i}]")) for i, row in enumerate(rows)]


def _table(value: object, path: str) -> Json:
    if not isinstance(value, Mapping):
        raise ControlError(f"seed: {path} must be a table")
    return value


def _text(row: Json, key: str, path: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if not isinstance(value, str) or not value:
        raise ControlError(f"seed: {path}.{key} must be a non-empty string, not {value!r}")
    return value


def _flag(row: Json, key: str, path: str, *, default: bool) -> bool:
    value = row.get(key, default)
    if not isinstance(value, bool):
        raise ControlError(f"seed: {path}.{key} must be true or false, not {value!r}")
    return value
