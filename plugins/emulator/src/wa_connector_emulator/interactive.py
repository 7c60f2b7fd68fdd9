"""Interactive messages: what each kind must look like, and what a phone can do with it.

Rules of this file: one table, `INTERACTIVE_TYPES`, from the kind to its `Form`: which parts it has, and the check of its
action. A new kind is a function and a row. Media of headers are looked up by the caller, who has the store.

Sources: developers.facebook.com, the pages of interactive messages (read 2026-09-11).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import attrs

from . import shape
from .values import Choice, Content, Json

ACTION = "interactive['action']"
_MEDIA = frozenset({"image", "video", "document"})
_ANY = _MEDIA | {"text"}
_NONE: frozenset[str] = frozenset()


@attrs.frozen
class Form:
    """The parts of a kind: the check of its action, and which header, body and footer it may have."""

    action: Callable[[Json], Content]
    headers: frozenset[str] = _ANY
    needs_header: bool = False
    body_limit: int = 1024
    needs_body: bool = True
    has_footer: bool = True


def _content(*choices: Choice, cards: Sequence[Content] = (), payload: Json | None = None) -> Content:
    return Content(kind="interactive", choices=choices, cards=tuple(cards), payload=payload)


def _named(action: Json, name: str) -> None:
    given = shape.need_text(action, "name", ACTION)
    if given != name:
        raise shape.wrong(f"{ACTION}['name']", f"must be {name!r}, not {given!r}")


def _parameters(action: Json, name: str) -> Json:
    _named(action, name)
    return shape.need_object(action, "parameters", ACTION)


# --- replies ------------------------------------------------------------------------------------


def _reply_buttons(action: Json) -> Content:
    buttons = shape.need_objects(action, "buttons", ACTION, most=3)
    choices = tuple(_reply_button(button, f"{ACTION}['buttons']", "reply") for button in buttons)
    _refuse_repeats([c.id for c in choices], "button ids")
    _refuse_repeats([c.title for c in choices], "button titles")
    return _content(*choices)


def _reply_button(button: Json, where: str, kind: str) -> Choice:
    if shape.need_text(button, "type", where) != kind:
        raise shape.wrong(f"{where}['type']", f"must be {kind}")
    reply = shape.need_object(button, kind, where)
    choice_id = shape.need_text(reply, "id", where, most=256)
    if choice_id != choice_id.strip():
        raise shape.wrong(f"{where}['id']", "must not begin or end with a space")
    return Choice("button_reply", choice_id, shape.need_text(reply, "title", where, most=20))


def _refuse_repeats(values: list[str], what: str) -> None:
    if len(set(values)) < len(values):
        raise shape.wrong(ACTION, f"repeats {what}: {values}")


def _list_rows(action: Json) -> Content:
    shape.need_text(action, "button", ACTION, most=20)
    sections = shape.need_objects(action, "sections", ACTION, most=10)
    rows = [row for section in sections for row in _section_rows(section, len(sections) > 1)]
    if len(rows) > 10:
        raise shape.wrong(ACTION, f"must have at most 10 rows in all, it has {len(rows)}")
    _refuse_repeats([row.id for row in rows], "row ids")
    return _content(*rows)


def _section_rows(section: Json, needs_title: bool) -> list[Choice]:
    where = f"{ACTION}['sections']"
    (shape.need_text if needs_title else shape.maybe_text)(section, "title", where, most=24)
    rows = shape.need_objects(section, "rows", where)
    return [
        Choice(
            "list_reply",
            shape.need_text(row, "id", where, most=200),
            shape.need_text(row, "title", where, most=24),
            shape.maybe_text(row, "description", where, most=72),
        )
        for row in rows
    ]


# --- one button ---------------------------------------------------------------------------------


def _link_button(action: Json) -> Content:
    parameters = shape.need_object(action, "parameters", ACTION)
    return _content(_link(parameters))


def _link(parameters: Json) -> Choice:
    title = shape.need_text(parameters, "display_text", ACTION, most=20)
    return Choice("link", shape.need_text(parameters, "url", ACTION, most=2000), title)


def _flow(action: Json) -> Content:
    parameters = _parameters(action, "flow")
    version = shape.need_text(parameters, "flow_message_version", ACTION)
    if version != "3":
        raise shape.wrong(f"{ACTION}['flow_message_version']", f"must be '3', not {version!r}")
    flow_id = shape.maybe_text(parameters, "flow_id", ACTION)
    name = shape.maybe_text(parameters, "flow_name", ACTION)
    if (flow_id is None) == (name is None):
        raise shape.wrong(ACTION, "must have exactly one of flow_id and flow_name")
    title = shape.need_text(parameters, "flow_cta", ACTION, most=30)
    _one_of(parameters, "mode", ("draft", "published"))
    _one_of(parameters, "flow_action", ("navigate", "data_exchange"))
    if parameters.get("flow_action_payload") is not None:
        shape.need_text(shape.need_object(parameters, "flow_action_payload", ACTION), "screen", ACTION)
    return _content(Choice("flow", shape.maybe_text(parameters, "flow_token", ACTION) or flow_id or name or "", title))


def _one_of(holder: Json, key: str, allowed: Sequence[str]) -> None:
    given = shape.maybe_text(holder, key, ACTION)
    if given is not None and given not in allowed:
        raise shape.wrong(shape.place(ACTION, key), f"must be one of {', '.join(allowed)}")


def _voice_call(action: Json) -> Content:
    parameters = _parameters(action, "voice_call")
    title = shape.need_text(parameters, "display_text", ACTION, most=20)
    minutes = parameters.get("ttl_minutes", 10080)
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= 43200:
        raise shape.wrong(f"{ACTION}['ttl_minutes']", "must be a number from 1 to 43200")
    return _content(Choice("voice_call", shape.maybe_text(parameters, "payload", ACTION, most=512) or "", title))


def _request(name: str, asks_for: str) -> Callable[[Json], Content]:
    def check(action: Json) -> Content:
        _named(action, name)
        return _content(Choice("request", asks_for, ""))

    return check


# --- cards --------------------------------------------------------------------------------------


def _carousel(action: Json) -> Content:
    cards = shape.need_objects(action, "cards", ACTION, most=10)
    if len(cards) < 2:
        raise shape.wrong(f"{ACTION}['cards']", "must have 2 to 10 members")
    indexes = [card.get("card_index") for card in cards]
    if indexes != list(range(len(cards))):
        raise shape.wrong(f"{ACTION}['cards']", f"must have the card_index 0 to {len(cards) - 1}, not {indexes}")
    shown = [_card(card) for card in cards]
    if len({tuple(choice.kind for choice in card.choices) for card in shown}) > 1:
        raise shape.wrong(f"{ACTION}['cards']", "must all have the same buttons")
    return _content(cards=shown)


def _card(card: Json) -> Content:
    where = f"{ACTION}['cards']"
    header = shape.need_object(card, "header", where)
    kind = shape.need_text(header, "type", where)
    if kind not in ("image", "video"):
        raise shape.wrong(f"{where}['header']", "must be an image or a video")
    text = None
    if card.get("body") is not None:
        text = shape.need_text(shape.need_object(card, "body", where), "text", where, most=160)
        if text.count("\n") > 2:
            raise shape.wrong(f"{where}['body']", "must have at most 2 line breaks")
    action = shape.need_object(card, "action", where)
    if action.get("buttons") is not None:
        buttons = shape.need_objects(action, "buttons", where, most=3)
        choices = tuple(_reply_button(button, where, "quick_reply") for button in buttons)
    else:
        choices = (_link(_parameters(action, "cta_url")),)
    return Content(kind="card", text=text, choices=choices, payload={kind: shape.need_object(header, kind, where)})


# --- commerce -----------------------------------------------------------------------------------


def _catalog(action: Json) -> Content:
    _named(action, "catalog_message")
    return _content(payload=dict(action))


def _product(action: Json) -> Content:
    shape.need_text(action, "catalog_id", ACTION)
    shape.need_text(action, "product_retailer_id", ACTION)
    return _content(payload=dict(action))


def _products(action: Json) -> Content:
    shape.need_text(action, "catalog_id", ACTION)
    sections = shape.need_objects(action, "sections", ACTION, most=10)
    count = 0
    for section in sections:
        (shape.need_text if len(sections) > 1 else shape.maybe_text)(section, "title", ACTION, most=24)
        items = shape.need_objects(section, "product_items", ACTION)
        for item in items:
            shape.need_text(item, "product_retailer_id", ACTION)
        count += len(items)
    if count > 30:
        raise shape.wrong(ACTION, f"must have at most 30 products in all, it has {count}")
    return _content(payload=dict(action))


def _address(action: Json) -> Content:
    parameters = _parameters(action, "address_message")
    if shape.need_text(parameters, "country", ACTION) != "IN":
        raise shape.wrong(f"{ACTION}['country']", "must be IN: the form exists in India only")
    return _content(Choice("request", "address", ""))


INTERACTIVE_TYPES: Mapping[str, Form] = MappingProxyType(
    {
        "button": Form(_reply_buttons),
        "list": Form(_list_rows, headers=frozenset({"text"}), body_limit=4096),
        "cta_url": Form(_link_button),
        "flow": Form(_flow),
        "location_request_message": Form(
            _request("send_location", "location"), headers=_NONE, body_limit=1024, has_footer=False
        ),
        "call_permission_request": Form(
            _request("call_permission_request", "call_permission"), headers=_NONE, needs_body=False, has_footer=False
        ),
        "voice_call": Form(_voice_call),
        "request_contact_info": Form(_request("request_contact_info", "contact"), headers=_NONE, has_footer=False),
        "carousel": Form(_carousel, headers=_NONE, has_footer=False),
        "catalog_message": Form(_catalog, headers=_NONE),
        "product": Form(_product, headers=_NONE, needs_body=False),
        "product_list": Form(_products, headers=frozenset({"text"}), needs_header=True),
        "address_message": Form(_address, headers=frozenset({"text"})),
    }
)


def checked(kind: str, value: Json) -> Content:
    """The content of an `interactive` object of that kind, its header's medium yet to be looked up."""
    form = INTERACTIVE_TYPES[kind]
    content = form.action(shape.need_object(value, "action", "interactive"))
    text, footer = _body(form, value), _footer(form, value)
    header = value.get("header")
    if header is None and form.needs_header:
        raise shape.missing("interactive['header']")
    if header is not None:
        given = shape.need_text(shape.as_object(header, "interactive['header']"), "type", "interactive['header']")
        if given not in form.headers:
            allowed = ", ".join(sorted(form.headers)) or "absent"
            raise shape.wrong("interactive['header']['type']", f"must be {allowed} in {kind} messages")
    return attrs.evolve(content, text=text, footer=footer)


def _body(form: Form, value: Json) -> str | None:
    if value.get("body") is None and not form.needs_body:
        return None
    body = shape.need_object(value, "body", "interactive")
    return shape.need_text(body, "text", "interactive['body']", most=form.body_limit)


def _footer(form: Form, value: Json) -> str | None:
    if value.get("footer") is None:
        return None
    if not form.has_footer:
        raise shape.wrong("interactive['footer']", "must be absent in messages of this kind")
    footer = shape.need_object(value, "footer", "interactive")
    return shape.need_text(footer, "text", "interactive['footer']", most=60)
