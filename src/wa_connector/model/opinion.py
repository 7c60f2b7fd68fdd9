"""What a host's own rules say: asked once a command, before anything is loaded, and handed to the rules as data."""

from datetime import datetime
from enum import Enum

from attrs import frozen

from wa_connector.model.ids import LineId, TenantId, UserId


class Intent(Enum):
    """What is about to happen."""

    WRITE = "write"
    USE_TEMPLATE = "use_template"
    ASK_CONSENT = "ask_consent"


@frozen
class Question:
    """What a host's rule is asked: who wants to do what on which line, at which instant. ``user`` is None for what the
    system does by itself. Nothing of the customer or the text: such rules are screening."""

    tenant: TenantId
    line: LineId
    channel: str
    user: UserId | None
    intent: Intent
    at: datetime


@frozen
class Veto:
    """A host's rule says no. ``rule`` is its name, ``sentence`` what the user reads; with ``until_at`` it is a wait, and
    what stands in the outbox then waits rather than being refused."""

    rule: str
    sentence: str
    until_at: datetime | None = None
