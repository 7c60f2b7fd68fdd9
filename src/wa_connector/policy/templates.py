"""Templates and their parameters, against what the provider accepts.

Rules of this file: judged before the wire, so that a user hears of a missing name and not of an error number. What is
not stated by the provider is not guessed at.

Source: WhatsApp Cloud API, message templates and their limits, read 2026-11.
"""

import re
from functools import lru_cache
from typing import Final

from wa_connector.model.content import TemplateMessage
from wa_connector.model.decision import Decision, Parameter, Reason, Remedy, RemedyKind
from wa_connector.model.template import (
    TAP,
    Template,
    TemplateCard,
    TemplateCategory,
    TemplateStatus,
    filled,
    instant_of,
    place_of,
    products_of,
)
from wa_connector.policy.content import is_encodable

MAX_HEADER: Final = 60
MAX_BODY: Final = 1024
MAX_CARD_BODY: Final = 160
MAX_CODE: Final = 15
MAX_COUPON: Final = 20
MAX_OFFER_COUPON: Final = 15
MAX_OFFER_BODY: Final = 600

_APPROVED: Final = TemplateStatus.APPROVED
_AUTHENTICATION: Final = TemplateCategory.AUTHENTICATION
_CORRECT: Final = (Remedy(RemedyKind.CORRECT_CONTENT),)
_CHOOSE: Final = (Remedy(RemedyKind.CHOOSE_TEMPLATE),)
_ENCODED: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CODE: Final = re.compile(r"[A-Za-z0-9-]+")
"""Source: one-time codes carry no URL, media or emoji."""


_FILES: Final = ("image", "video", "document", "gif")
_FREE: Final = ("FLOW", "CATALOG", "VOICE_CALL")
_PRODUCT: Final = re.compile(r"[^/\s]+/\S+")


def judge_template(content: TemplateMessage, template: Template) -> Decision | None:
    """None when the template can be sent with these parameters, else the first thing that stands in the way."""
    if template.status is not _APPROVED:
        status = (template.raw_status or template.status.value).lower()
        return _refuse(Reason.TEMPLATE_NOT_APPROVED, *_CHOOSE, template=template.name, status=status)
    expected = template.parameter_keys()
    if len(expected) != len(content.parameters) or not all(content.parameters.get(key, "").strip() for key in expected):
        given = {key for key, value in content.parameters.items() if value.strip() or key not in expected}
        wrong = sorted(given.symmetric_difference(expected) - set(template.optional_keys()))
        if wrong:
            keys = ", ".join(wrong)
            return _refuse(Reason.TEMPLATE_PARAMETERS, *_CORRECT, template=template.name, parameters=keys)
    return _judge_values(content, template) or _judge_lengths(content, template)


def _judge_values(content: TemplateMessage, template: Template) -> Decision | None:
    for key, value in content.parameters.items():
        problem = _problem(key, value, template)
        if problem:
            return _refuse(Reason.TEMPLATE_PARAMETER, *_CORRECT, parameter=key, problem=problem)
    tapped = [key for key in TAP if content.parameters.get(key, "").strip()]
    if len(tapped) == 1:
        return _refuse(Reason.TEMPLATE_PARAMETER, *_CORRECT, parameter=tapped[0], problem="it goes with the other")
    if template.category is _AUTHENTICATION:
        return _judge_code(content)
    return None


def _problem(key: str, value: str, template: Template) -> str:
    """What is wrong with one parameter, by its place: ``header.image``, ``body.1``, ``card.0.button.1`` …"""
    if not is_encodable(value):
        return "it holds characters that are not text"
    *place, part, name = key.split(".")
    if part == "header" and name in _FILES and (place or template.header_kind != "TEXT"):
        return "" if _SHA256.fullmatch(value) else "it is not the SHA-256 of a stored file"
    if part == "header" and template.header_kind == "LOCATION":
        return (
            ""
            if place_of(value)
            else "it is no place: latitude,longitude and, each in a line of its own, name, address"
        )
    if part == "header" and template.header_kind == "PRODUCT":
        return "" if _PRODUCT.fullmatch(value) else "it is not a catalogue and a product with a / between"
    if part == "offer":
        return "" if instant_of(value) else "it is no instant with its zone, such as 2027-01-31T12:00:00Z"
    if key == "tap.url":
        return "" if value.startswith("https://") else "it does not begin with https://"
    if part == "button":
        limit = MAX_OFFER_COUPON if template.offer_text else MAX_COUPON
        return _button_problem(template.button(place, int(name)), value, limit)
    return ""


def _button_problem(kind: str, value: str, limit: int) -> str:
    if kind == "COPY_CODE":
        return "" if len(value) <= limit else f"a coupon has at most {limit} characters"
    if kind == "MPM":
        return "" if products_of(value) else "it is not a JSON object of a thumbnail and of sections with products"
    if kind in _FREE:
        return ""
    return "" if _ENCODED.fullmatch(value) else "it is not percent-encoded, as part of an address must be"


def _judge_code(content: TemplateMessage) -> Decision | None:
    """A one-time code stands in the body and in the button, and is the same in both."""
    code = content.parameters.get("body.1", "")
    problem = ""
    if not _CODE.fullmatch(code) or len(code) > MAX_CODE:
        problem = f"a code has 1 to {MAX_CODE} letters and digits"
    elif content.parameters.get("button.0", code) != code:
        problem = "the button carries another code"
    return _refuse(Reason.TEMPLATE_PARAMETER, *_CORRECT, parameter="body.1", problem=problem) if problem else None


def _judge_lengths(content: TemplateMessage, template: Template) -> Decision | None:
    longest = max(map(len, content.parameters.values()), default=0)
    for text, part, limit, places in _limited(
        template.header_text, template.body, template.cards, bool(template.offer_text)
    ):
        if len(text) + places * longest <= limit:
            continue  # short enough however it is filled
        length = len(filled(text, part, content.parameters))
        if length > limit:
            return _refuse(Reason.CONTENT_TOO_LONG, *_CORRECT, length=length, limit=limit)
    return None


@lru_cache(maxsize=1024)
def _limited(
    header: str, body: str, cards: tuple[TemplateCard, ...], is_offer: bool
) -> tuple[tuple[str, str, int, int], ...]:
    """Each text, the part that its parameters are named by, the length that it may have when it is filled, and at how
    many places that is done at most."""
    texts = [(header, "header", MAX_HEADER), (body, "body", MAX_OFFER_BODY if is_offer else MAX_BODY)]
    texts += ((card.body, f"card.{number}.body", MAX_CARD_BODY) for number, card in enumerate(cards))
    return tuple((text, part, limit, text.count("{{")) for text, part, limit in texts if text)


def _refuse(reason: Reason, *remedies: Remedy, **parameters: Parameter) -> Decision:
    return Decision(reason, tuple(parameters.items()), remedies)
