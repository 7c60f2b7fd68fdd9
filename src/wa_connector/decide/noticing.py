"""What the provider tells besides messages and reports: what the business wrote elsewhere, and what became of templates,
accounts and lines."""

from datetime import datetime

from attrs import evolve, frozen

from wa_connector.decide import identity
from wa_connector.decide.draft import Draft, once
from wa_connector.decide.ground import Ground
from wa_connector.decide.receiving import inbound_mark
from wa_connector.decide.routing import placed_in
from wa_connector.decide.threads import add, enqueue_fetch
from wa_connector.model.content import media_of
from wa_connector.model.event import AccountAlerted, MessageEchoed, TemplateChanged
from wa_connector.model.ids import MessageId
from wa_connector.model.inbound import InboundEcho, InboundNotice, Report, TemplateNews
from wa_connector.model.message import ByApp, Message, MessageStatus
from wa_connector.model.template import Template
from wa_connector.policy.status import after
from wa_connector.ports.rows import QUARANTINE, TEMPLATE, KeptElement


@frozen
class ReceiveEcho:
    ground: Ground
    item: InboundEcho


@frozen
class ReceiveNotice:
    """``queued``: the messages in the outbox that use the template which the notice is about. ``is_about_line``: it names
    the line of ``ground``, and not the account alone."""

    ground: Ground
    item: InboundNotice
    queued: tuple[MessageId, ...] = ()
    is_about_line: bool = False


def receive_echo(draft: Draft, command: ReceiveEcho) -> MessageId:
    """Store what the business wrote elsewhere. It opens no window, asks for no consent and is not sent again.

    Source: WhatsApp Cloud API, coexistence, read 2026-11.
    """
    ground, item = command.ground, command.item
    message = MessageId(draft.new_id())
    once(draft, inbound_mark(draft.tenant, ground.setup.line.id, item.provider_id), message)
    customer = identity.resolve(draft, item.recipient.addresses, item.recipient.name)
    thread, _ = placed_in(draft, ground, customer, item.replies_to, None)
    status = after(MessageStatus.ACCEPTED, item.report or Report.SENT)
    add(
        draft,
        Message(
            message,
            thread,
            customer,
            ground.setup.line.id,
            item.at,
            ByApp(),
            item.content,
            status,
            item.at,
            provider_id=item.provider_id,
            replies_to=item.replies_to,
        ),
    )
    draft.tell(MessageEchoed(message, thread, customer))
    media = media_of(item.content)
    if media is not None and not media.is_stored:
        enqueue_fetch(draft, ground, customer, message)
    return message


def receive_notice(draft: Draft, command: ReceiveNotice) -> str:
    """Take what changed of a template, and tell the host; of all else, tell the host."""
    ground, item = command.ground, command.item
    account = ground.setup.account.id
    once(draft, f"notice:{account}:{item.provider_id}", item.provider_id)
    if item.template is None:
        line = ground.setup.line.id if command.is_about_line else None
        draft.tell(AccountAlerted(account, line, item.topic, item.word, _kept(draft, item)))
        return item.provider_id
    news = item.template
    _take(draft, ground, news, item.at or draft.now)
    is_request = news.name == ground.settings.opt_in_template
    category = news.category.value if news.category else ""
    told = TemplateChanged(
        account,
        news.name,
        news.language,
        item.word,
        category,
        news.quality,
        is_request,
        command.queued,
        _kept(draft, item),
    )
    draft.tell(told)
    return item.provider_id


def _kept(draft: Draft, item: InboundNotice) -> str:
    """Where the whole notice is kept: events live long and are shown widely, and it may name people."""
    if not item.raw:
        return ""
    entry = draft.new_id()
    draft.put(QUARANTINE.of(draft.tenant, entry), KeptElement(draft.now, f"{item.topic}: {item.word}", item.raw))
    return entry


def _take(draft: Draft, ground: Ground, news: TemplateNews, at: datetime) -> None:
    """Change the stored template. One that nobody has synchronised yet has no text to go with it; and what was said
    before it was last seen is no news."""
    key = TEMPLATE.of(draft.tenant, ground.setup.account.id, news.name, news.language)
    known: Template | None = draft.get(key)
    if known is None or (known.synced_at is not None and at < known.synced_at):
        return
    changed = evolve(
        known,
        status=news.status or known.status,
        raw_status=news.raw_status or known.raw_status,
        category=news.category or known.category,
        quality=news.quality or known.quality,
        synced_at=at,
    )
    draft.put(key, changed)
