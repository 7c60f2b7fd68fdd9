"""Templates: making one, and filling one in.

Rules of this file: pure functions over template values and the JSON of create and send calls.
Component types and formats are compared case-insensitively, since Meta itself spells them both
ways.

Theory of operation. `parsed` turns a create call into a `Template`. `filled` takes a send call's
`template` object and the template it names, checks each component's parameters against the
template's placeholders, and returns what the phone will show.

Sources: developers.facebook.com, message templates (read 2026-09-11). The subcodes under code 100
are those of the template section of Meta's page of errors.
"""

import re
from collections.abc import Mapping, Sequence

import attrs

from . import shape
from .errors import GraphError
from .values import Choice, Content, Json, Template, TemplateStatus

CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
MEDIA_FORMATS = ("DOCUMENT", "IMAGE", "VIDEO")

_NAME = re.compile(r"[a-z0-9_]{1,512}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?\Z")
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_BODY_LIMIT = 1024
_SHORT_LIMIT = 60
_CARD_BODY_LIMIT = 160
_OFFER_BODY_LIMIT = 600
_OFFER_TEXT_LIMIT = 16
_MOST_BUTTONS = 10
_MOST_OF_KIND = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "VOICE_CALL": 1, "FLOW": 1, "CATALOG": 1, "MPM": 1}
_LABEL_LIMITS = {"VOICE_CALL": 20}
_LABEL_LIMIT = 25
_MOST_BUTTONS_OF_CARD = 2
_CARDS = range(2, 11)
_COUPON_LIMIT = 20
_CODE_LIMIT = 15
_URL_LIMIT = 2000
_AUTH_BODY = "{{1}} is your verification code."


def placeholders(text: str) -> list[str]:
    """The distinct placeholder names in `text`, in order of appearance."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def component(template: Template, kind: str) -> Json | None:
    """The template's component of that type."""
    return next((c for c in template.components if str(c.get("type", "")).upper() == kind), None)


# --- making -------------------------------------------------------------------------------------


def parsed(body: Json, *, template_id: str, account_id: str) -> Template:
    """The template that a create call asks for, PENDING."""
    name = _matching(body, "name", _NAME, "lowercase letters, digits and underscores")
    language = _matching(body, "language", _LANGUAGE, "a language code such as en_US")
    components = shape.need_objects(body, "components", "")
    template = Template(
        id=template_id,
        account_id=account_id,
        name=name,
        language=language,
        category=_one_of(body, "category", CATEGORIES, None),
        components=tuple(dict(c) for c in components),
        parameter_format=_one_of(body, "parameter_format", ("NAMED", "POSITIONAL"), default="POSITIONAL"),
        ttl_seconds=_time_to_live(body),
    )
    _check_components(template)
    return template


_TTL = {"AUTHENTICATION": range(30, 901), "UTILITY": range(30, 43201), "MARKETING": range(43200, 2592001)}


def _time_to_live(body: Json) -> int | None:
    seconds, category = body.get("message_send_ttl_seconds"), str(body.get("category", "")).upper()
    if seconds is None:
        return None
    if seconds == -1 and category in ("AUTHENTICATION", "UTILITY"):
        return 30 * 24 * 3600
    allowed = _TTL.get(category, range(0))
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds not in allowed:
        raise GraphError(100, f"Param message_send_ttl_seconds must be from {allowed.start} to {allowed.stop - 1}.")
    return seconds


def _matching(body: Json, key: str, pattern: re.Pattern[str], what: str) -> str:
    value = _create_text(body, key)
    if not pattern.match(value):
        raise GraphError(100, f"Param {key} must be {what}, not {value!r}.")
    return value


def _create_text(body: Json, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise GraphError(100, f"The parameter {key} is required.")
    return value


def _one_of(body: Json, key: str, allowed: Sequence[str], default: str | None) -> str:
    if key not in body and default is not None:
        return default
    value = _create_text(body, key).upper()
    if value not in allowed:
        raise GraphError(100, f"Param {key} must be one of {{{', '.join(allowed)}}}.")
    return value


def _check_components(template: Template) -> None:
    body = component(template, "BODY")
    if body is None:
        raise GraphError(100, "A template needs a BODY component.", subcode=2388072)
    text = body_text(template)
    offer = component(template, "LIMITED_TIME_OFFER")
    _limit(text, _BODY_LIMIT if offer is None else _OFFER_BODY_LIMIT, "body")
    if offer is not None:
        _check_offer(offer)
    if _PLACEHOLDER.match(text.strip()) and template.category != "AUTHENTICATION":
        raise GraphError(100, "The body must not begin with a parameter.", subcode=2388299)
    if re.search(_PLACEHOLDER.pattern + r"\Z", text.strip()):
        raise GraphError(100, "The body must not end with a parameter.", subcode=2388299)
    _check_placeholders(template, text)
    _check_header_and_footer(template)
    _check_buttons(_buttons(template), _MOST_BUTTONS)
    if component(template, "CAROUSEL") is not None:
        _check_cards(_cards(template))


def _check_offer(offer: Json) -> None:
    inner = offer.get("limited_time_offer")
    text = inner.get("text") if isinstance(inner, Mapping) else None
    if not isinstance(text, str) or not 1 <= len(text) <= _OFFER_TEXT_LIMIT:
        raise GraphError(100, f"A limited-time offer has a text of at most {_OFFER_TEXT_LIMIT} characters.")


def _check_buttons(buttons: Sequence[Json], most: int) -> None:
    if len(buttons) > most:
        raise GraphError(100, f"At most {most} buttons, not {len(buttons)}.")
    kinds = [_kind(button).upper() for button in buttons]
    for kind, of_kind in _MOST_OF_KIND.items():
        if kinds.count(kind) > of_kind:
            raise GraphError(100, f"At most {of_kind} buttons of type {kind}.")
    for button in buttons:
        most = _LABEL_LIMITS.get(_kind(button).upper(), _LABEL_LIMIT)
        if len(str(button.get("text", ""))) > most:
            raise GraphError(100, f"A button's label has at most {most} characters.", subcode=2388040)
        if len(placeholders(str(button.get("url", "")))) > 1:
            raise GraphError(100, "An address has at most one parameter.")


def _check_cards(cards: Sequence[Template]) -> None:
    if len(cards) not in _CARDS:
        raise GraphError(100, f"A carousel has 2 to 10 cards, not {len(cards)}.")
    for card in cards:
        header = component(card, "HEADER")
        if header is None or _format(header) not in ("IMAGE", "VIDEO"):
            raise GraphError(100, "The header of a card must be an image or a video.")
        _limit(body_text(card), _CARD_BODY_LIMIT, "card's body")
        _check_placeholders(card, body_text(card))
        _check_buttons(_buttons(card), _MOST_BUTTONS_OF_CARD)
    if len({_shape(card) for card in cards}) > 1:
        raise GraphError(100, "All cards of a carousel must have the same components.")


def _shape(card: Template) -> tuple[tuple[str, ...], ...]:
    header = component(card, "HEADER") or {}
    kinds = tuple(_kind(button) for button in _buttons(card))
    return (_format(header),), (str(component(card, "BODY") is not None),), kinds


def _cards(template: Template) -> list[Template]:
    """The cards of a carousel, each as a template of its own components."""
    cards = (component(template, "CAROUSEL") or {}).get("cards")
    return [
        attrs.evolve(template, components=tuple(shape.need_objects(card, "components", "cards")))
        for card in (cards if isinstance(cards, list) else [])
        if isinstance(card, Mapping)
    ]


def _check_placeholders(template: Template, text: str) -> None:
    names = placeholders(text)
    if template.parameter_format == "POSITIONAL":
        expected = [str(n + 1) for n in range(len(names))]
        if sorted(names, key=lambda n: (len(n), n)) != expected:
            raise GraphError(100, f"Positional parameters must be {expected}, not {names}.", subcode=2388072)
    elif not all(re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in names):
        raise GraphError(100, f"Named parameters must be lowercase: {names}.", subcode=2388072)


def _check_header_and_footer(template: Template) -> None:
    header, footer = component(template, "HEADER"), component(template, "FOOTER")
    if header is not None:
        header_format = _format(header)
        if header_format not in ("TEXT", "LOCATION", "GIF", "PRODUCT", *MEDIA_FORMATS):
            raise GraphError(100, f"Unknown header format {header_format}.", subcode=2388047)
        _limit(str(header.get("text", "")), _SHORT_LIMIT, "header")
        if len(placeholders(str(header.get("text", "")))) > 1:
            raise GraphError(100, "A header has at most one parameter.", subcode=2388047)
    if footer is not None:
        _limit(str(footer.get("text", "")), _SHORT_LIMIT, "footer")


def _limit(text: str, most: int, what: str) -> None:
    if len(text) > most:
        raise GraphError(100, f"The {what} has {len(text)} characters; at most {most}.", subcode=2388040)


def body_text(template: Template) -> str:
    """The body with its placeholders. Meta words an authentication template's body itself."""
    text = (component(template, "BODY") or {}).get("text")
    if text is None and template.category == "AUTHENTICATION":
        return _AUTH_BODY
    return str(text or "")


def _format(header: Json) -> str:
    return str(header.get("format", "TEXT")).upper()


def _buttons(template: Template) -> list[Json]:
    buttons = (component(template, "BUTTONS") or {}).get("buttons", [])
    return [b for b in buttons if isinstance(b, Mapping)] if isinstance(buttons, list) else []


# --- sending ------------------------------------------------------------------------------------


@attrs.frozen
class HeaderMedia:
    """The medium a send call puts into a template's header: its kind, and its `{id|link}`."""

    kind: str
    value: Json


@attrs.frozen
class Filled:
    """A template with its parameters put in, and the header's medium, yet to be looked up. The
    same of each of its cards.
    """

    content: Content
    header_media: HeaderMedia | None
    cards: tuple["Filled", ...] = ()


def check_status(name: str, language: str, template: Template | None) -> Template:
    """The template, if it may be sent now."""
    if template is None:
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")
    match template.status:
        case TemplateStatus.APPROVED:
            return template
        case TemplateStatus.PAUSED:
            raise GraphError(132015, f"template ({name}) is paused due to low quality")
        case TemplateStatus.DISABLED:
            raise GraphError(132016, f"template ({name}) is disabled due to low quality")
        case _:
            status = template.status.value
            raise GraphError(132001, f"template name ({name}) is {status} in {language}")


def filled(template: Template, sent: Json) -> Filled:
    """`template` with the parameters of a send call's `template` object."""
    components = _sent_components(sent)
    _check_expiry(template, components)
    _check_tap_target(template, components)
    whole = _filled_parts(template, components, kind="template", limit=_BODY_LIMIT)
    return attrs.evolve(whole, cards=_filled_cards(template, components))


def _check_expiry(template: Template, components: Sequence[Json]) -> None:
    """A limited-time offer needs the time of its end."""
    if component(template, "LIMITED_TIME_OFFER") is None:
        return
    (parameter,) = _parameters(components, "limited_time_offer") or [{}]
    offer = parameter.get("limited_time_offer")
    ends = offer.get("expiration_time_ms") if isinstance(offer, Mapping) else None
    if not isinstance(ends, int) or isinstance(ends, bool):
        raise GraphError(131008, "limited_time_offer: the parameter expiration_time_ms is required")


def _check_tap_target(template: Template, components: Sequence[Json]) -> None:
    """A tap target has a title and an address, and its template a button with one.

    Source: the reference of public SDKs (read 2026-11); Meta's own page was not at hand.
    """
    for parameter in _parameters(components, "tap_target_configuration"):
        (target,) = shape.need_objects(parameter, "tap_target_configuration", "tap_target_configuration")
        if not (target.get("title") and str(target.get("url", "")).startswith("https://")):
            raise GraphError(131008, "tap_target_configuration: title and url are required")
        if not any(str(button.get("type")).upper() == "URL" for button in _buttons(template)):
            raise GraphError(132012, "tap_target_configuration: the template has no URL button")


def _filled_cards(template: Template, components: Sequence[Json]) -> tuple[Filled, ...]:
    part = next((c for c in components if _kind(c) == "carousel"), None)
    sent = [] if part is None else shape.need_objects(part, "cards", "carousel")
    cards = _cards(template)
    _check_count("carousel", len(cards), len(sent))
    by_index = {str(card.get("card_index")): card for card in sent}
    if sorted(by_index) != sorted(str(index) for index in range(len(cards))):
        raise GraphError(132012, f"carousel: expected the cards 0 to {len(cards) - 1}, received {sorted(by_index)}")
    return tuple(
        _filled_parts(card, _sent_components(by_index[str(index)]), kind="card", limit=_CARD_BODY_LIMIT)
        for index, card in enumerate(cards)
    )


def _filled_parts(template: Template, components: Sequence[Json], *, kind: str, limit: int) -> Filled:
    """One template, or one card, with its own parameters."""
    header_text, header_media = _filled_header(template, _parameters(components, "header"))
    text = _filled_text(template, "body", body_text(template), _parameters(components, "body"))
    if len(text) > limit:
        raise GraphError(132005, f"body: {len(text)} characters with parameters in")
    footer = (component(template, "FOOTER") or {}).get("text")
    content = Content(
        kind=kind,
        text=text,
        header=header_text,
        footer=None if footer is None else str(footer),
        choices=_filled_buttons(template, components),
        template=template.name,
        category=template.category.lower(),
    )
    return Filled(content, header_media)


def _sent_components(sent: Json) -> list[Json]:
    if not sent.get("components"):
        return []
    return shape.need_objects(sent, "components", "template")


def _kind(part: Json) -> str:
    return str(part.get("type", "")).lower()


def _parameters(components: Sequence[Json], kind: str) -> list[Json]:
    part = next((c for c in components if _kind(c) == kind), None)
    if part is None or not part.get("parameters"):
        return []
    return shape.need_objects(part, "parameters", kind)


def _filled_header(template: Template, parameters: Sequence[Json]) -> tuple[str | None, HeaderMedia | None]:
    header = component(template, "HEADER")
    if header is None:
        _check_count("header", 0, len(parameters))
        return None, None
    header_format = _format(header)
    if header_format == "TEXT":
        return _filled_text(template, "header", str(header.get("text", "")), parameters), None
    return None, _header_media(header_format, parameters)


def _header_media(header_format: str, parameters: Sequence[Json]) -> HeaderMedia:
    received = _kind(parameters[0]).upper() if len(parameters) == 1 else "UNKNOWN"
    if received != header_format:
        raise GraphError(132012, f"header: Format mismatch, expected {header_format}, received {received}")
    kind = header_format.lower()
    return HeaderMedia(kind, shape.need_object(parameters[0], kind, "header"))


def _filled_text(template: Template, where: str, text: str, parameters: Sequence[Json]) -> str:
    names = placeholders(text)
    _check_count(where, len(names), len(parameters))
    values = [_parameter_text(where, parameter) for parameter in parameters]
    if template.parameter_format == "NAMED":
        by_name = dict(zip(_parameter_names(where, names, parameters), values, strict=True))
    else:
        _refuse_names(where, parameters)
        by_name = {str(index + 1): value for index, value in enumerate(values)}
    # One pass, so that a value which looks like a placeholder is left as it is.
    return _PLACEHOLDER.sub(lambda found: by_name[found.group(1)], text)


def _check_count(where: str, expected: int, received: int) -> None:
    if expected != received:
        raise GraphError(
            132000,
            f"{where}: number of localizable_params ({received}) does not match the expected "
            f"number of params ({expected})",
        )


def _parameter_names(where: str, expected: Sequence[str], parameters: Sequence[Json]) -> Sequence[str]:
    names = [str(parameter.get("parameter_name", "")) for parameter in parameters]
    if sorted(names) != sorted(expected):
        raise GraphError(132012, f"{where}: expected the parameters {expected}, received {names}")
    return names


def _refuse_names(where: str, parameters: Sequence[Json]) -> None:
    if any("parameter_name" in parameter for parameter in parameters):
        raise GraphError(132012, f"{where}: the template's parameters are positional, not named")


def _parameter_text(where: str, parameter: Json) -> str:
    kind = _kind(parameter)
    if kind == "text":
        return shape.need_text(parameter, "text", where)
    if kind in ("currency", "date_time"):
        return shape.need_text(shape.need_object(parameter, kind, where), "fallback_value", kind)
    raise GraphError(132012, f"{where}: Format mismatch, expected TEXT, received {kind.upper()}")


def _filled_buttons(template: Template, components: Sequence[Json]) -> tuple[Choice, ...]:
    sent = {_button_index(c): c for c in components if _kind(c) == "button"}
    buttons = _buttons(template)
    for index, part in sent.items():
        _check_button(buttons, index, part)
    return tuple(_choice(button, index, sent.get(index)) for index, button in enumerate(buttons))


def _button_index(part: Json) -> int:
    index = str(part.get("index", ""))
    if not index.isdecimal():
        raise GraphError(132018, f"buttons: the index must be a number, not {index!r}")
    return int(index)


# What a template's button is called in a send call. OTP buttons are addressed as URL buttons.
_SUB_TYPES = {
    "QUICK_REPLY": "quick_reply",
    "URL": "url",
    "OTP": "url",
    "COPY_CODE": "copy_code",
    "FLOW": "flow",
    "CATALOG": "catalog",
    "MPM": "mpm",
    "VOICE_CALL": "voice_call",
}


def _check_button(buttons: Sequence[Json], index: int, part: Json) -> None:
    if index >= len(buttons):
        raise GraphError(132018, f"buttons: the template has no button at index {index}")
    expected = _SUB_TYPES.get(_kind(buttons[index]).upper())
    received = str(part.get("sub_type", "")).lower()
    if received != expected:
        raise GraphError(132018, f"buttons: button {index} is of type {expected}, not {received}")


def _choice(button: Json, index: int, part: Json | None) -> Choice:
    title = str(button.get("text", ""))
    match _kind(button).upper():
        case "QUICK_REPLY":
            payload = _button_parameter(part, "payload") or title
            return Choice("button", payload, title)
        case "OTP":
            return Choice("code", _needed(index, part, "text", _CODE_LIMIT), title)
        case "URL":
            return Choice("link", _filled_url(button, index, part), title)
        case "FLOW":
            return Choice("flow", str(button.get("flow_id") or button.get("flow_name") or ""), title)
        case "VOICE_CALL":
            return Choice("voice_call", _button_parameter(part, "payload") or "", title)
        case "REQUEST_CONTACT_INFO":
            return Choice("request", "contact", title)
        case "CATALOG" | "MPM":
            return Choice("link", "catalog", title)
        case "COPY_CODE":
            return Choice("code", _needed(index, part, "coupon_code", _COUPON_LIMIT), title)
        case _:
            return Choice("link", str(button.get("phone_number", "")), title)


def _filled_url(button: Json, index: int, part: Json | None) -> str:
    url = str(button.get("url", ""))
    if not placeholders(url):
        if part is not None:
            raise GraphError(132018, f"buttons: the address of button {index} takes no parameter")
        return url
    suffix = _needed(index, part, "text", _URL_LIMIT)
    return _PLACEHOLDER.sub(lambda _: suffix, url)


def _needed(index: int, part: Json | None, key: str, most: int) -> str:
    value = _button_parameter(part, key)
    if value is None:
        raise GraphError(131008, f"buttons: Button at index {index} requires a parameter of type {key}")
    if len(value) > most:
        raise GraphError(132018, f"buttons: the parameter of button {index} has over {most} characters")
    return value


def _button_parameter(part: Json | None, key: str) -> str | None:
    """The one parameter of a button; its type and its key are called the same."""
    if part is None:
        return None
    if "parameters" not in part:
        return None
    (parameter,) = shape.need_objects(part, "parameters", "buttons", most=1)
    received = _kind(parameter)
    if received and received != key:
        raise GraphError(132012, f"buttons: Format mismatch, expected {key.upper()}, received {received.upper()}")
    return shape.maybe_text(parameter, key, "buttons")
