"""Templates: what a provider approved, and how it reads once its parameters are filled.

Source: WhatsApp Cloud API, message templates, read 2026-11.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Final

from attrs import field, frozen

from wa_connector.model.content import Location
from wa_connector.model.ids import AccountId


class TemplateStatus(Enum):
    """``UNKNOWN`` stands for a word that this version does not know; the word itself is in ``Template.raw_status``."""

    APPROVED = "APPROVED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"
    IN_APPEAL = "IN_APPEAL"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    ARCHIVED = "ARCHIVED"
    DELETED = "DELETED"
    PENDING_DELETION = "PENDING_DELETION"
    UNKNOWN = "UNKNOWN"


class TemplateCategory(Enum):
    UTILITY = "UTILITY"
    MARKETING = "MARKETING"
    AUTHENTICATION = "AUTHENTICATION"
    UNKNOWN = "UNKNOWN"


@frozen
class TemplateButton:
    kind: str
    """The provider's word, upper case: QUICK_REPLY, URL, PHONE_NUMBER, COPY_CODE …"""
    title: str
    url: str = ""
    """Of a URL button; it may end in one placeholder."""

    @property
    def takes_parameter(self) -> bool:
        """Whether a send must say how the button goes on: the end of its address, or its coupon."""
        return self.kind in ("COPY_CODE", "MPM") or bool(placeholders(self.url))

    @property
    def may_take_parameter(self) -> bool:
        """Whether a send may say more of the button, and need not: the token of its form, the product whose picture is
        shown, what its call brings along."""
        return self.kind in ("FLOW", "CATALOG", "VOICE_CALL")


@frozen
class TemplateCard:
    """One card of a carousel; its header is always a file."""

    header_kind: str
    body: str = ""
    buttons: tuple[TemplateButton, ...] = ()


@frozen
class Template:
    """One template in one language. ``header_kind`` is '', TEXT, IMAGE, VIDEO, DOCUMENT or LOCATION."""

    account: AccountId
    name: str
    language: str
    category: TemplateCategory
    status: TemplateStatus
    body: str
    header_kind: str = ""
    header_text: str = ""
    footer: str = ""
    buttons: tuple[TemplateButton, ...] = ()
    cards: tuple[TemplateCard, ...] = ()
    quality: str = ""
    """The provider's word: GREEN, YELLOW, RED or UNKNOWN. A poor one is paused by the provider, not by us."""
    raw_status: str = ""
    synced_at: datetime | None = None
    provider_ref: str = field(default="", eq=False)
    offer_text: str = ""
    """Of a limited-time offer: what stands beside the time that is left."""
    offer_expires: bool = False
    """Whether a send must say until when the offer stands, as ``offer.expires_at``."""

    def parameter_keys(self) -> tuple[str, ...]:
        """Every parameter that a send must give, in the order in which a customer meets them: ``header.…``,
        ``body.…``, ``button.0``, and of a carousel's cards ``card.0.header.image``, ``card.0.body.1`` …"""
        return _parameter_keys(
            self.header_kind, self.header_text, self.body, self.buttons, self.cards, self.offer_expires
        )

    def optional_keys(self) -> tuple[str, ...]:
        """The parameters that a send may give besides: those of buttons that do without; and, of a template with a link,
        ``tap.title`` and ``tap.url``, by which the whole message is a button."""
        is_link = self.category is not TemplateCategory.AUTHENTICATION and any(b.kind == "URL" for b in self.buttons)
        tap = TAP if is_link else ()
        return (*(key for key, button in self._numbered() if button.may_take_parameter), *tap)

    def button_kinds(self) -> Mapping[str, str]:
        """The kind of each button that takes a parameter, or may, by the parameter's key."""
        return {
            key: button.kind for key, button in self._numbered() if button.takes_parameter or button.may_take_parameter
        }

    def _numbered(self) -> Iterator[tuple[str, TemplateButton]]:
        for number, button in enumerate(self.buttons):
            yield f"button.{number}", button
        for at, card in enumerate(self.cards):
            for number, button in enumerate(card.buttons):
                yield f"card.{at}.button.{number}", button

    def button(self, place: Sequence[str], number: int) -> str:
        """The kind of a button: of the template itself, or of the card that ``place`` (``card``, its number) names."""
        buttons = self.cards[int(place[1])].buttons if place else self.buttons
        return buttons[number].kind

    def render(self, parameters: Mapping[str, str]) -> str:
        """The text as the customer reads it: header, body and footer, a blank line between them.

        A parameter that is missing stays as its placeholder, so that a preview can be shown while one types.
        """
        parts = (filled(self.header_text, "header", parameters), filled(self.body, "body", parameters), self.footer)
        return "\n\n".join(part for part in parts if part)


TAP: Final = ("tap.title", "tap.url")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([0-9]+|[a-z_][a-z0-9_]*)\s*\}\}")


@lru_cache(maxsize=4096)
def placeholders(text: str) -> tuple[str, ...]:
    """The names in ``{{…}}``, each once, in the order of first appearance (numbers stay numbers' text)."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


@lru_cache(maxsize=1024)
def _parameter_keys(
    header_kind: str,
    header_text: str,
    body: str,
    buttons: tuple[TemplateButton, ...],
    cards: tuple[TemplateCard, ...],
    offer_expires: bool,
) -> tuple[str, ...]:
    keys = [f"header.{name}" for name in placeholders(header_text)]
    keys += _parts_keys(header_kind, body, buttons)
    keys += ("offer.expires_at",) if offer_expires else ()
    for number, card in enumerate(cards):
        keys += (f"card.{number}.{key}" for key in _parts_keys(card.header_kind, card.body, card.buttons))
    return tuple(keys)


def _parts_keys(header_kind: str, body: str, buttons: Sequence[TemplateButton]) -> list[str]:
    header = [f"header.{header_kind.lower()}"] if header_kind not in ("", "TEXT") else []
    taking = [f"button.{number}" for number, button in enumerate(buttons) if button.takes_parameter]
    return [*header, *(f"body.{name}" for name in placeholders(body)), *taking]


def filled(text: str, part: str, parameters: Mapping[str, str]) -> str:
    """``text`` with the parameters of ``part`` in the place of its placeholders."""
    return _PLACEHOLDER.sub(lambda found: parameters.get(f"{part}.{found[1]}", found[0]), text)


# --- parameters that are more than text -------------------------------------------------------------------------------

_PLACE: Final = re.compile(r"(-?[0-9]{1,2}(?:\.[0-9]+)?),(-?[0-9]{1,3}(?:\.[0-9]+)?)(?:\n(.*))?(?:\n(.*))?", re.ASCII)


def place_of(value: str) -> Location | None:
    """The place in ``header.location``: ``52.52,13.4`` and, each in a line of its own, its name and address."""
    found = _PLACE.fullmatch(value)
    if found is None:
        return None
    latitude, longitude, name, address = found.groups(default="")
    place = Location(float(latitude), float(longitude), name, address)
    return place if abs(place.latitude) <= 90 and abs(place.longitude) <= 180 else None


def instant_of(value: str) -> datetime | None:
    """The instant in ``offer.expires_at`` (ISO 8601); None for one without its zone, which would be a guess."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else None


def products_of(value: str) -> tuple[str, Mapping[str, tuple[str, ...]]] | None:
    """What a button that shows several products takes: the product whose picture is shown, and products by section.

    ``{"thumbnail": "sku-1", "sections": {"Shoes": ["sku-1", "sku-2"]}}``.
    """
    try:
        found = json.loads(value)
    except ValueError:
        return None
    match found:
        case {"thumbnail": str(thumbnail), "sections": {**sections}} if sections:
            lists = {str(title): tuple(each) for title, each in sections.items() if isinstance(each, list) and each}
            is_whole = len(lists) == len(sections) and all(
                isinstance(sku, str) for each in lists.values() for sku in each
            )
            return (thumbnail, lists) if is_whole else None
        case _:
            return None
