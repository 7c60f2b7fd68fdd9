"""Templates as people write them: checked before the wire, shown as a customer sees them, compared and handed in.

Rules of this file: pure; a ``TemplateDraft`` in, mistakes, a ``Preview`` or a ``Call`` out. What the provider does not state is
not guessed at: it reviews content, this file only shape.

Source: WhatsApp Cloud API, message templates, components and their limits, read 2026-11.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from attrs import frozen

from wa_connector.model.directory import Account
from wa_connector.model.template import (
    Template,
    TemplateButton,
    TemplateCard,
    TemplateCategory,
    filled,
    placeholders,
)
from wa_connector_cloud_api.requests import Call

_Json: TypeAlias = dict[str, Any]

MEDIA_HEADERS: Final = ("IMAGE", "VIDEO", "DOCUMENT")
BUTTON_KINDS: Final = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "OTP", "VOICE_CALL", "CATALOG", "MPM")
_MOST_OF: Final = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "FLOW": 1, "OTP": 1, "VOICE_CALL": 1}
_TTL: Final = {
    TemplateCategory.AUTHENTICATION: (30, 900),
    TemplateCategory.UTILITY: (30, 43200),
    TemplateCategory.MARKETING: (43200, 2592000),
}
_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE: Final = re.compile(r"([a-z]{2,3})(?:[-_]([A-Za-z]{2,4}))?")
_EDGE: Final = re.compile(r"\A\s*\{\{|\}\}\s*\Z")


def language(code: str) -> str:
    """A language as the provider's REST interface spells it: ``en-us`` and ``en_US`` are both ``en_US``; a script keeps
    its capital (``zh_Hans``). What is no code stays as it is."""
    found = _LANGUAGE.fullmatch(code.strip())
    if found is None:
        return code
    stem, region = found[1], found[2]
    if not region:
        return stem
    return f"{stem}_{region.upper() if len(region) < 4 else region.title()}"


@frozen
class DraftButton:
    """A button. ``value`` is its address, number, coupon, or flow id, by its kind; ``example`` ends an address."""

    kind: str
    title: str = ""
    value: str = ""
    example: str = ""


@frozen
class DraftCard:
    """A card of a carousel; ``sample`` is the handle of an uploaded file."""

    header_kind: str
    sample: str
    body: str = ""
    examples: tuple[str, ...] = ()
    buttons: tuple[DraftButton, ...] = ()


@frozen
class TemplateDraft:
    """What a person writes to get a template. ``examples`` has a value for each placeholder of the body, ``sample`` is the
    handle of an uploaded file for a header of that kind, or the value of a text header's placeholder."""

    name: str
    language: str
    category: TemplateCategory
    body: str = ""
    header_kind: str = ""
    header_text: str = ""
    sample: str = ""
    examples: tuple[str, ...] = ()
    footer: str = ""
    buttons: tuple[DraftButton, ...] = ()
    cards: tuple[DraftCard, ...] = ()
    ttl_seconds: int | None = None

    @property
    def is_named(self) -> bool:
        """Whether the placeholders are words."""
        return any(not name.isdigit() for name in (*placeholders(self.body), *placeholders(self.header_text)))


# ------------------------------------------------------------------------------------ validation


def mistakes(draft: TemplateDraft) -> tuple[str, ...]:
    """All that the provider would refuse for its shape, each as a sentence with its place; empty when there is nothing.

    What it refuses for its content (``rejected_reason``) nobody knows before the review.
    """
    return tuple(_mistakes(draft))


def _mistakes(draft: TemplateDraft) -> Iterator[str]:
    if not _NAME.fullmatch(draft.name):
        yield "name: 1 to 512 lowercase letters, digits and underscores"
    if not _LANGUAGE.fullmatch(draft.language):
        yield "language: a code such as en_US"
    if draft.category is TemplateCategory.UNKNOWN:
        yield "category: utility, marketing or authentication"
    yield from _header_mistakes(draft)
    is_code = draft.category is TemplateCategory.AUTHENTICATION
    if not draft.body and not is_code:
        yield "body: a template needs one"
    yield from _text_mistakes("body", draft.body, 160 if draft.cards and not draft.body else 1024, draft.examples)
    if is_code and draft.body:
        yield "body: the provider words that of an authentication template itself"
    if len(draft.footer) > 60 or placeholders(draft.footer):
        yield "footer: at most 60 characters, and no placeholder"
    yield from _button_mistakes("buttons", draft.buttons, 10)
    yield from _card_mistakes(draft.cards)
    yield from _ttl_mistakes(draft)


def _header_mistakes(draft: TemplateDraft) -> Iterator[str]:
    kind = draft.header_kind
    if kind not in ("", "TEXT", "LOCATION", *MEDIA_HEADERS):
        yield "header: text, an image, a video, a document or a location"
    if kind == "TEXT":
        if not 1 <= len(draft.header_text) <= 60:
            yield "header: 1 to 60 characters"
        if len(placeholders(draft.header_text)) > 1:
            yield "header: at most one placeholder"
        if placeholders(draft.header_text) and not draft.sample:
            yield "header: its placeholder needs an example"
    elif draft.header_text:
        yield "header: only a text header has a text"
    if kind in MEDIA_HEADERS and not draft.sample:
        yield "header: upload a sample file first, and give its handle"


def _text_mistakes(place: str, text: str, most: int, examples: Sequence[str]) -> Iterator[str]:
    if len(text) > most:
        yield f"{place}: at most {most} characters, it has {len(text)}"
    names = placeholders(text)
    if _EDGE.search(text):
        yield f"{place}: it must not begin or end with a placeholder"
    numbers = [name for name in names if name.isdigit()]
    if numbers and len(numbers) < len(names):
        yield f"{place}: placeholders are all numbers or all words"
    elif numbers and sorted(int(name) for name in numbers) != list(range(1, len(numbers) + 1)):
        yield f"{place}: placeholders are {{{{1}}}}, {{{{2}}}} and so on, without a gap"
    if len(examples) != len(names):
        yield f"{place}: {len(names)} placeholders need {len(names)} examples, not {len(examples)}"


def _button_mistakes(place: str, buttons: Sequence[DraftButton], most: int) -> Iterator[str]:
    if len(buttons) > most:
        yield f"{place}: at most {most}"
    kinds = [button.kind for button in buttons]
    for kind, count in _MOST_OF.items():
        if kinds.count(kind) > count:
            yield f"{place}: at most {count} of the kind {kind}"
    groups = [kind == "QUICK_REPLY" for kind in kinds]
    if any(groups) and sum(one != other for one, other in pairwise(groups)) > 1:
        yield f"{place}: quick replies stand together"
    for number, button in enumerate(buttons):
        yield from (f"{place}[{number}]: {what}" for what in _wrong_with(button))


def _wrong_with(button: DraftButton) -> Iterator[str]:
    if button.kind not in BUTTON_KINDS:
        yield f"no kind of button {button.kind!r}"
    most = 20 if button.kind == "VOICE_CALL" else 25
    if button.kind != "COPY_CODE" and not 1 <= len(button.title) <= most:
        yield f"a title of 1 to {most} characters"
    if button.kind == "URL":
        if not button.value.startswith(("https://", "http://")) or len(button.value) > 2000:
            yield "an address of at most 2000 characters"
        if len(placeholders(button.value)) > 1 or (placeholders(button.value) and not button.value.endswith("}}")):
            yield "an address ends in one placeholder, or has none"
        if placeholders(button.value) and not button.example:
            yield "an example of the whole address"
    if button.kind == "PHONE_NUMBER" and not (1 <= len(button.value) <= 20):
        yield "a telephone number of at most 20 characters"
    if button.kind == "COPY_CODE" and not 1 <= len(button.value) <= 20:
        yield "an example of the coupon, of at most 20 characters"
    if button.kind == "FLOW" and not button.value:
        yield "the id of the flow"


def _card_mistakes(cards: Sequence[DraftCard]) -> Iterator[str]:
    if not cards:
        return
    if not 2 <= len(cards) <= 10:
        yield f"cards: 2 to 10, not {len(cards)}"
    shapes = {(card.header_kind, bool(card.body), tuple(b.kind for b in card.buttons)) for card in cards}
    if len(shapes) > 1:
        yield "cards: all have the same parts"
    for number, card in enumerate(cards):
        place = f"cards[{number}]"
        if card.header_kind not in ("IMAGE", "VIDEO") or not card.sample:
            yield f"{place}: an image or a video, with the handle of a sample"
        yield from _text_mistakes(f"{place}.body", card.body, 160, card.examples)
        yield from _button_mistakes(f"{place}.buttons", card.buttons, 2)


def _ttl_mistakes(draft: TemplateDraft) -> Iterator[str]:
    if draft.ttl_seconds is None or draft.category is TemplateCategory.UNKNOWN:
        return
    low, high = _TTL[draft.category]
    is_longest = draft.ttl_seconds == -1 and draft.category is not TemplateCategory.MARKETING
    if not is_longest and not low <= draft.ttl_seconds <= high:
        yield f"ttl_seconds: {low} to {high} for {draft.category.value.lower()} templates"


# --------------------------------------------------------------------------------------- preview


@frozen
class PreviewButton:
    """``kind`` as in the template; ``target`` is where an address leads, or the code that is copied."""

    kind: str
    title: str
    target: str = ""


@frozen
class Preview:
    """A template on the customer's screen. ``media_kind`` is '', IMAGE, VIDEO, DOCUMENT or LOCATION."""

    body: str
    header: str = ""
    media_kind: str = ""
    footer: str = ""
    buttons: tuple[PreviewButton, ...] = ()
    cards: tuple["Preview", ...] = ()


def preview(template: Template, parameters: Mapping[str, str]) -> Preview:
    """The template as a customer sees it, its parameters (``Template.parameter_keys``) filled in. One that is missing
    stays as its placeholder, so that it can be shown while somebody types."""
    is_text = template.header_kind in ("", "TEXT")
    return Preview(
        body=filled(template.body, "body", parameters),
        header=filled(template.header_text, "header", parameters) if is_text else "",
        media_kind="" if is_text else template.header_kind,
        footer=template.footer,
        buttons=_seen(template.buttons, "", parameters),
        cards=tuple(_seen_card(number, card, parameters) for number, card in enumerate(template.cards)),
    )


def _seen_card(number: int, card: TemplateCard, parameters: Mapping[str, str]) -> Preview:
    place = f"card.{number}."
    return Preview(
        body=filled(card.body, f"{place}body", parameters),
        media_kind=card.header_kind,
        buttons=_seen(card.buttons, place, parameters),
    )


def _seen(buttons: Sequence[TemplateButton], place: str, parameters: Mapping[str, str]) -> tuple[PreviewButton, ...]:
    return tuple(
        PreviewButton(button.kind, button.title, _target(button, f"{place}button.{number}", parameters))
        for number, button in enumerate(buttons)
    )


def _target(button: TemplateButton, key: str, parameters: Mapping[str, str]) -> str:
    given = parameters.get(key)
    if button.kind == "COPY_CODE":
        return given or ""
    for name in placeholders(button.url):
        return button.url if given is None else re.sub(rf"\{{\{{\s*{name}\s*\}}\}}", lambda _: given, button.url)
    return button.url


# ------------------------------------------------------------------------------------- handing in


def create(account: Account, draft: TemplateDraft) -> Call:
    """The request that hands a draft in. Ask ``mistakes`` first; what comes back is *pending*, and may be in another
    category than was asked for."""
    return Call("POST", f"/{_segment(account.provider_ref)}/message_templates", json=_whole(draft))


def edit(template_ref: str, draft: TemplateDraft) -> Call:
    """The request that changes a template. It goes back into review, and cannot be sent meanwhile; an approved one can
    be edited once a day and ten times in 30 days."""
    body = {key: value for key, value in _whole(draft).items() if key not in ("name", "language")}
    return Call("POST", f"/{_segment(template_ref)}", json=body)


def delete(account: Account, name: str, template_ref: str = "") -> Call:
    """The request that deletes a template: all its languages, whose name is locked for 30 days then, or only the one
    that ``template_ref`` names."""
    query = {"name": name} | ({"hsm_id": template_ref} if template_ref else {})
    return Call("DELETE", f"/{_segment(account.provider_ref)}/message_templates", query=query)


def unpause(template_ref: str) -> Call:
    """The request that ends a pause that pacing made, five minutes after it at the earliest; others end by
    themselves."""
    return Call("POST", f"/{_segment(template_ref)}/unpause", json={})


def _whole(draft: TemplateDraft) -> _Json:
    body: _Json = {
        "name": draft.name,
        "language": language(draft.language),
        "category": draft.category.value,
        "parameter_format": "NAMED" if draft.is_named else "POSITIONAL",
        "components": list(_components(draft)),
    }
    if draft.ttl_seconds is not None:
        body["message_send_ttl_seconds"] = draft.ttl_seconds
    return body


def _components(draft: TemplateDraft) -> Iterator[_Json]:
    if draft.header_kind == "TEXT":
        header: _Json = {"type": "HEADER", "format": "TEXT", "text": draft.header_text}
        yield header | _examples("header_text", draft.header_text, (draft.sample,), is_flat=True)
    elif draft.header_kind:
        yield _media_header(draft.header_kind, draft.sample)
    body: _Json = {"type": "BODY"}
    if draft.body:
        body |= {"text": draft.body} | _examples("body_text", draft.body, draft.examples)
    yield body
    if draft.footer:
        yield {"type": "FOOTER", "text": draft.footer}
    if draft.buttons:
        yield {"type": "BUTTONS", "buttons": [_button(button) for button in draft.buttons]}
    if draft.cards:
        yield {"type": "CAROUSEL", "cards": [{"components": list(_card(card))} for card in draft.cards]}


def _media_header(kind: str, sample: str) -> _Json:
    header: _Json = {"type": "HEADER", "format": kind}
    return header | ({"example": {"header_handle": [sample]}} if sample else {})


def _examples(key: str, text: str, examples: Sequence[str], *, is_flat: bool = False) -> _Json:
    """Examples of placeholders: by number a list (for a body in a list), by name each with its name."""
    names = placeholders(text)
    if not names:
        return {}
    if not names[0].isdigit():
        pairs = [{"param_name": n, "example": e} for n, e in zip(names, examples, strict=False)]
        return {"example": {f"{key}_named_params": pairs}}
    return {"example": {key: list(examples) if is_flat else [list(examples)]}}


def _card(card: DraftCard) -> Iterator[_Json]:
    yield _media_header(card.header_kind, card.sample)
    if card.body:
        yield {"type": "BODY", "text": card.body} | _examples("body_text", card.body, card.examples)
    if card.buttons:
        yield {"type": "BUTTONS", "buttons": [_button(button) for button in card.buttons]}


_VALUES: Final = {"URL": "url", "PHONE_NUMBER": "phone_number", "FLOW": "flow_id"}


def _button(button: DraftButton) -> _Json:
    made: _Json = {"type": button.kind}
    if button.kind == "COPY_CODE":
        return made | {"example": button.value}
    made["text"] = button.title
    if button.kind == "OTP":
        return made | {"otp_type": "COPY_CODE"}
    if (key := _VALUES.get(button.kind)) is not None:
        made[key] = button.value
    if button.kind == "URL" and button.example:
        made["example"] = [button.example]
    return made


def _segment(value: str) -> str:
    return quote(value, safe="").replace(".", "%2E") or "-"
