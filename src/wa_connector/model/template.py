"""Templates: what a provider approved, and how it reads once its parameters are filled.

Source: WhatsApp Cloud API, message templates, read 2026-11.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
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
    raw_status: str = ""
    synced_at: datetime | None = None
    provider_ref: str = field(default="", eq=False)

    def parameter_keys(self) -> tuple[str, ...]:
        """Every parameter that a send must give, in the order in which a customer meets them."""
        keys = [f"header.{name}" for name in placeholders(self.header_text)]
        if self.header_kind not in ("", "TEXT"):
            keys.append(f"header.{self.header_kind.lower()}")
        keys += [f"body.{name}" for name in placeholders(self.body)]
        return tuple(keys)

    def render(self, parameters: Mapping[str, str]) -> str:
        """The text as the customer reads it: header, body and footer, a blank line between them.

        A parameter that is missing stays as its placeholder, so that a preview can be shown while one types.
        """
        parts = (_fill(self.header_text, "header", parameters), _fill(self.body, "body", parameters), self.footer)
        return "\n\n".join(part for part in parts if part)


_PLACEHOLDER: Final = re.compile(r"\{\{\s*([0-9]+|[a-z_][a-z0-9_]*)\s*\}\}")


def placeholders(text: str) -> tuple[str, ...]:
    """The names in ``{{…}}``, each once, in the order of first appearance (numbers stay numbers' text)."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def _fill(text: str, part: str, parameters: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: parameters.get(f"{part}.{found[1]}", found[0]), text)
