"""What somebody may want to do, as data for the rules."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from wa_connector.model.content import Content, TemplateMessage
from wa_connector.model.message import NoticeKind
from wa_connector.model.template import Template


@frozen
class Write:
    """Send free-form content. ``content`` is None for the question "may I write at all?"."""

    content: Content | None = None


@frozen
class UseTemplate:
    """Send a template. Both are None for the question "may I use any template?"; ``template`` is None, with a
    content, when the account has none of that name and language."""

    content: TemplateMessage | None = None
    template: Template | None = None


@frozen
class AskConsent:
    """Send the opt-in request; ``content`` and ``template`` as in ``UseTemplate``."""

    content: TemplateMessage | None = None
    template: Template | None = None


@frozen
class AskAgain:
    """The system's own second request to a customer who declined and writes on: once until an acceptance."""

    content: TemplateMessage
    template: Template | None


@frozen
class RecordConsent:
    """Staff note a consent that was given elsewhere, at ``given_at``; with a file that shows it, or without."""

    given_at: datetime
    has_attachment: bool


@frozen
class DeliverRequest:
    """Hand an opt-in request over that was made before."""

    content: TemplateMessage
    template: Template | None


@frozen
class Notify:
    """Send one of the system's own messages."""

    notice: NoticeKind
    content: Content


Action: TypeAlias = Write | UseTemplate | AskConsent | AskAgain | RecordConsent | DeliverRequest | Notify
