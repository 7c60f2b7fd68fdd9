"""Templates: what a provider approved, and how it reads once its parameters are filled.

Source: WhatsApp Cloud API, message templates, read 2026-11.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Final

from attrs import field, frozen

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
        return self.kind == "COPY_CODE" or bool(placeholders(self.url))


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

    def parameter_keys(self) -> tuple[str, ...]:
        """Every parameter that a send must give, in the order in which a customer meets them: ``header.…``,
        ``body.…``, ``button.0``, and of a carousel's cards ``card.0.header.image``, ``card.0.body.1`` …"""
        return _parameter_keys(self.header_kind, self.header_text, self.body, self.buttons, self.cards)

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
) -> tuple[str, ...]:
    keys = [f"header.{name}" for name in placeholders(header_text)]
    keys += _parts_keys(header_kind, body, buttons)
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
