"""Every verb and question of a connector, once; the faces forward to it.

Each method asks the directory and the host's hooks first, then loads, decides and commits. Opinions are asked once a
command and handed in as data; a conflict does not ask them again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, final

from attrs import evolve, frozen

from wa_connector.decide import answering, membership, screens, sending, templates
from wa_connector.decide.answering import AnswerBy
from wa_connector.decide.draft import Draft, Known, Ready, Refused
from wa_connector.decide.explaining import Explanation, explain
from wa_connector.decide.forgetting import Requested
from wa_connector.decide.gating import Resume, resume
from wa_connector.decide.ground import Ground
from wa_connector.decide.membership import (
    Add,
    AddNote,
    Asked,
    ChangeRole,
    HandOver,
    Leave,
    Leaving,
    Mute,
    OfHeld,
    OrderHeld,
    Remove,
    Retire,
    Transfer,
)
from wa_connector.decide.parking import RESTORED, Decided, Doubt, park_doubtful, settle_parked, trust
from wa_connector.decide.reading import MarkRead, MarkUnread, listings_of, mark_read, mark_unread
from wa_connector.decide.recording import Recorded, Recording, record_consent
from wa_connector.decide.screens import InConversation, OtherWay
from wa_connector.decide.sending import AskForConsent, Placement, SendMessage, ToContact
from wa_connector.decide.settings import ChangeSetting, change_setting
from wa_connector.decide.templates import SyncTemplates, TemplateDiff
from wa_connector.decide.transcribing import NoteTranscript, note_transcript
from wa_connector.errors import InternalError, RefusedError, Unavailable, UsageError
from wa_connector.model.address import Address
from wa_connector.model.consent import Anchor, ConsentRecord, Evidence, Purpose
from wa_connector.model.contact import Contact
from wa_connector.model.content import Content, MediaRef, TemplateMessage, Voicemail
from wa_connector.model.conversation import Conversation, Role
from wa_connector.model.cost import Cost
from wa_connector.model.customer import Customer
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import Account, Seat
from wa_connector.model.ids import (
    AccountId,
    ContactId,
    ConversationId,
    CustomerId,
    HoldId,
    LineId,
    MessageId,
    OrganizationId,
    ProviderId,
    TenantId,
    UserId,
)
from wa_connector.model.inbound import Inbound
from wa_connector.model.instants import checked, to_microseconds
from wa_connector.model.job import Hold, Job
from wa_connector.model.message import Message, MessageStatus
from wa_connector.model.opinion import Intent
from wa_connector.model.queue import EntryState, LineStop, OutboxEntry, Work
from wa_connector.model.screening import Screened
from wa_connector.model.setting import FallBack
from wa_connector.model.template import Template, TemplateStatus
from wa_connector.policy.falling_back import OBSTACLES
from wa_connector.policy.membership import concerns, spans
from wa_connector.policy.screens import AnswerAction, Composer, ContactAction
from wa_connector.policy.settings import scope_of_organization
from wa_connector.ports.channel import AsyncTransport, Transport, WebhookRequest
from wa_connector.ports.rows import ADDRESS, CONSENT, CONVERSATION, DEDUPE, MESSAGE, KeptElement, Scalar
from wa_connector.ports.storage import FOUND, AsyncVersioned, EventPage, Follow, Scan, SchemaState, Wanted
from wa_connector.shell import auditing, exporting, keeping, memos, reading
from wa_connector.shell.adapters import PlainTransport
from wa_connector.shell.auditing import Verification
from wa_connector.shell.committing import ask, decide, result_of
from wa_connector.shell.converting import converted
from wa_connector.shell.exporting import Exported, Extent
from wa_connector.shell.grounds import automatic_detour, cost_of, detour_of, ground_for
from wa_connector.shell.inbound import Received, WebhookResult, handle_webhook, receive
from wa_connector.shell.keeping import HeldSubject
from wa_connector.shell.marks import Epochs
from wa_connector.shell.memos import Memo
from wa_connector.shell.ports import Ports, log, where
from wa_connector.shell.pushing import Pushed, push_all
from wa_connector.shell.reading import CustomerTimeline, InboxPage, SearchPage, Shelves, Timeline, Window, of_thread
from wa_connector.shell.screening import screened_outbound, screened_words, with_signature
from wa_connector.shell.waking import wake_line

C = TypeVar("C")
R = TypeVar("R")


@frozen
class Kept:
    """An inbound element in quarantine, under its id."""

    id: str
    element: KeptElement


@final
class Engine:
    """The verbs and questions of one connector."""

    def __init__(self, ports: Ports) -> None:
        self._ports: Final = ports

    # --- in -------------------------------------------------------------------------------------------------------

    async def handle_webhook(self, request: WebhookRequest) -> WebhookResult:
        return await handle_webhook(self._ports, request)

    async def receive(self, endpoint: str, items: Iterable[Inbound]) -> Received:
        return await receive(self._ports, endpoint, items)

    def transport(self, channel: str) -> AsyncTransport | Transport:
        found = self._ports.transports.get(channel)
        if found is None:
            raise UsageError(f"no plugin provides the transport of {channel!r}; register or install one")
        return found.provided if isinstance(found, PlainTransport) else found

    async def memo(self, tenant: TenantId, owner: str, name: str) -> Memo:
        return await memos.memo(self._ports, tenant, owner, name)

    async def memos(self, tenant: TenantId, owner: str) -> Mapping[str, Memo]:
        return await memos.memos(self._ports, tenant, owner)

    async def keep_memo(self, tenant: TenantId, owner: str, name: str, text: str, version: int) -> bool:
        return await memos.keep_memo(self._ports, tenant, owner, name, text, version)

    # --- to a contact -----------------------------------------------------------------------------------------------

    async def contact_actions(self, tenant: TenantId, user: UserId, contact: ContactId) -> tuple[ContactAction, ...]:
        seat = await self._seat(tenant, user)
        found, available = await self._contact(tenant, user, contact)
        actions = []
        for setup in await self._ports.directory.lines(tenant, user):
            question = ToContact(await ground_for(self._ports, setup, seat, Intent.WRITE), found, available)
            if question.ground.enablement.is_allowed:
                answer = await ask(self._ports, screens.contact_action, question, tenant, _to_contact(question))
                actions.append(_result(answer))
        return tuple(actions)

    async def start(self, tenant: TenantId, user: UserId, line: LineId, contact: ContactId) -> Placement:
        command = await self._to_contact(tenant, user, line, contact, Intent.WRITE, "")
        answer = await decide(self._ports, sending.start, command, tenant, _to_contact(command))
        return await self._placement(answer, tenant)

    async def ask_consent(
        self, tenant: TenantId, user: UserId, line: LineId, contact: ContactId, command_id: str
    ) -> Placement:
        to = await self._to_contact(tenant, user, line, contact, Intent.ASK_CONSENT, command_id)
        command = AskForConsent(to, MessageId(self._ports.ids()))
        answer = await decide(self._ports, sending.ask_consent, command, tenant, _to_contact(to))
        return await self._placement(answer, tenant)

    # --- in a conversation --------------------------------------------------------------------------------------------

    async def send(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        content: Content,
        *,
        hold: bool,
        replies_to: MessageId | None,
        by: LineId | None,
        command_id: str,
    ) -> Placement:
        intent = Intent.USE_TEMPLATE if isinstance(content, TemplateMessage) else Intent.WRITE
        ground = await self._ground_of(tenant, user, conversation, intent)
        if ground is None:
            return self._refused(Decision(Reason.NOT_A_PARTICIPANT))
        quoted: ProviderId | None = None
        if replies_to is not None:
            answer = await ask(self._ports, screens.readable, InConversation(ground, conversation), tenant)
            if isinstance(answer, Refused):
                return self._refused(answer.decision)
            quoted = await self._provider_id(ground, _result(answer), replies_to)
        message = MessageId(self._ports.ids())
        ground, screened = await self._screened(ground, conversation, content)
        detour = await (automatic_detour(self._ports, ground) if by is None else detour_of(self._ports, ground, by))
        if by is not None and detour is None:
            raise UsageError("by names no line of this user's that may take over; see Composer.fall_back")
        command = SendMessage(
            ground,
            conversation,
            screened.content,
            message,
            hold,
            quoted,
            command_id,
            screened.redacted_by,
            detour,
            by_hand=by is not None,
        )
        wanted = [*_in_conversation(ground, conversation)]
        if command_id:
            wanted.append(DEDUPE.of(tenant, sending.command_mark(user, command_id)))
        return await self._placement(await decide(self._ports, sending.send, command, tenant, wanted), tenant)

    async def _screened(
        self, ground: Ground, conversation: ConversationId, content: Content
    ) -> tuple[Ground, Screened]:
        """The ground with what the screeners say and the user's signature; and what they left of the content, its
        pictures made to fit the channel before."""
        fitting, unfit = await converted(self._ports, ground, content)
        screened = await screened_outbound(self._ports, ground, conversation, fitting)
        return await with_signature(self._ports, evolve(ground, screening=(*unfit, *screened.vetoes))), screened

    async def composer(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Composer:
        ground = await self._ground_of(tenant, user, conversation, Intent.WRITE)
        if ground is None:
            refusal = Decision(Reason.NOT_A_PARTICIPANT)
            return Composer(refusal, refusal, refusal)
        question = InConversation(ground, conversation)
        answer = await ask(self._ports, screens.composer, question, tenant, _in_conversation(ground, conversation))
        if isinstance(answer, Refused):
            return Composer(answer.decision, answer.decision, answer.decision)
        composer = _result(answer)
        if composer.write.reason not in OBSTACLES or ground.settings.fall_back is FallBack.NEVER:
            return composer
        detour = await detour_of(self._ports, ground)
        if detour is None:
            return composer
        other = OtherWay(detour, conversation, composer.write)
        return evolve(composer, fall_back=_result(await ask(self._ports, screens.other_way, other, tenant)))

    async def answer_actions(
        self, tenant: TenantId, user: UserId, conversation: ConversationId
    ) -> tuple[AnswerAction, ...]:
        ground, _ = await self._readable(tenant, user, conversation)
        actions = []
        for setup in await self._ports.directory.lines(tenant, user):
            here = await ground_for(self._ports, setup, ground.seat, Intent.WRITE)
            if here.enablement.is_allowed and here.capabilities.sends_to:
                question = AnswerBy(here, conversation)
                actions.append(_result(await ask(self._ports, answering.answer_action, question, tenant)))
        return tuple(actions)

    async def answer(self, tenant: TenantId, user: UserId, conversation: ConversationId, line: LineId) -> Placement:
        ground = await self._ground_of(tenant, user, conversation)
        if ground is None:
            return self._refused(Decision(Reason.NOT_A_PARTICIPANT))
        setups = await self._ports.directory.lines(tenant, user)
        setup = next((setup for setup in setups if setup.line.id == line), None)
        if setup is None:
            raise UsageError("the directory gives this user no such line")
        command = AnswerBy(await ground_for(self._ports, setup, ground.seat, Intent.WRITE), conversation)
        return await self._placement(await decide(self._ports, answering.answer, command, tenant), tenant)

    async def cost(self, tenant: TenantId, line: LineId, text: str) -> Cost | None:
        setup = await self._ports.directory.line(tenant, line)
        channel = self._ports.channels.get(setup.line.channel) if setup else None
        if setup is None or channel is None:
            raise UsageError(f"the directory knows no line {line!r} in this tenant, or no plugin provides its channel")
        return cost_of(channel, setup.account, text)

    async def timeline(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, before: str, after: str, limit: int
    ) -> Timeline:
        window = Window.of(limit, before, after)
        ground, thread = await self._readable(tenant, user, conversation)
        assert ground.seat is not None
        return await reading.timeline(self._ports, ground.seat, thread, window)

    async def customer_timeline(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, before: str, after: str, limit: int
    ) -> CustomerTimeline:
        window = Window.of(limit, before, after)
        ground, thread = await self._readable(tenant, user, conversation)
        assert ground.seat is not None
        return await reading.customer_timeline(self._ports, ground.seat, thread.customer, window)

    async def inbox(
        self, tenant: TenantId, user: UserId, shelves: Shelves, *, before: str, after: str, limit: int
    ) -> InboxPage:
        seat = await self._seat(tenant, user)
        return await reading.inbox(self._ports, seat, shelves, Window.of(limit, before, after))

    async def search(
        self,
        tenant: TenantId,
        user: UserId,
        text: str,
        *,
        conversation: ConversationId | None,
        before: str,
        limit: int,
    ) -> SearchPage:
        window = Window.of(limit, before, "")
        seat = await self._seat(tenant, user)
        if conversation is not None:
            await self._readable(tenant, user, conversation)
        return await reading.search(self._ports, seat, text, conversation, window)

    async def mark_read(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, up_to: MessageId
    ) -> Placement:
        ground = await self._ground_of(tenant, user, conversation)
        if ground is None:
            return self._refused(Decision(Reason.NOT_A_PARTICIPANT))
        answer = await ask(self._ports, screens.readable, InConversation(ground, conversation), tenant)
        if isinstance(answer, Refused):
            return self._refused(answer.decision)
        entry = await self._seen(ground, _result(answer), up_to)
        if entry is None:
            raise UsageError("up_to names no entry of this conversation")
        command = MarkRead(ground, conversation, entry.id, entry.at)
        # What lies behind the mark and what had arrived are of one moment, or an entry that comes in would be read.
        assert ground.seat is not None
        listings = listings_of(tenant, conversation, ground.seat)
        wanted: list[Wanted] = [CONVERSATION.of(tenant, conversation), *listings, command.behind, command.before]
        return await self._placement(await decide(self._ports, mark_read, command, tenant, wanted), tenant)

    async def mark_unread(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Placement:
        ground = await self._ground_of(tenant, user, conversation)
        if ground is None:
            return self._refused(Decision(Reason.NOT_A_PARTICIPANT))
        command = MarkUnread(ground, conversation)
        return await self._placement(await decide(self._ports, mark_unread, command, tenant), tenant)

    async def conversations(
        self, tenant: TenantId, user: UserId, *, unassigned: bool, team: UserId | None, limit: int
    ) -> tuple[Conversation, ...]:
        seat = await self._seat(tenant, user)
        if team is not None and team not in seat.teams and not seat.user.supervises:
            raise RefusedError(Decision(Reason.NOT_A_PARTICIPANT))
        prefix = (tenant, "" if unassigned else team or seat.user.id, "open")
        page = await self._ports.storage.scan(Scan("conversation", "inbox", prefix, limit, descending=True))
        if not unassigned:
            return tuple(row.value for _, row in page.rows)
        lines = {setup.line.id for setup in await self._ports.directory.lines(tenant, user)}
        return tuple(row.value for _, row in page.rows if row.value.line in lines)

    async def customer(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Customer:
        ground = await self._ground_of(tenant, user, conversation)
        if ground is None:
            raise RefusedError(Decision(Reason.NOT_A_PARTICIPANT))
        question = InConversation(ground, conversation)
        wanted = _in_conversation(ground, conversation)
        return _result(await ask(self._ports, screens.customer_of, question, tenant, wanted))

    # --- who takes part -----------------------------------------------------------------------------------------------

    async def add(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        *,
        role: Role,
        command_id: str,
    ) -> Placement:
        if role is Role.OWNER:
            raise UsageError("nobody is added as an owner; transfer the conversation to him")
        added = await self._addressee(tenant, whom)
        return await self._act(
            membership.add, lambda asked: Add(asked, added, role), tenant, user, conversation, command_id
        )

    async def transfer(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        to: UserId,
        *,
        from_owner: UserId | None,
        note: str,
        stay: bool,
        command_id: str,
    ) -> Placement:
        receiver = await self._addressee(tenant, to)
        return await self._act(
            membership.transfer,
            lambda asked: Transfer(asked, receiver, from_owner, note, stay),
            tenant,
            user,
            conversation,
            command_id,
        )

    async def take(self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: str) -> Placement:
        return await self._act(membership.take, _itself, tenant, user, conversation, command_id)

    async def leave(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, then: Leaving | None, command_id: str
    ) -> Placement:
        to = await self._addressee(tenant, then.to) if isinstance(then, HandOver) else None
        return await self._act(
            membership.leave, lambda asked: Leave(asked, then, to), tenant, user, conversation, command_id
        )

    async def remove(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, whom: UserId, *, command_id: str
    ) -> Placement:
        return await self._act(
            membership.remove, lambda asked: Remove(asked, whom), tenant, user, conversation, command_id
        )

    async def set_role(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        role: Role,
        *,
        command_id: str,
    ) -> Placement:
        return await self._act(
            membership.change_role, lambda asked: ChangeRole(asked, whom, role), tenant, user, conversation, command_id
        )

    async def mute(self, tenant: TenantId, user: UserId, conversation: ConversationId, *, muted: bool) -> Placement:
        return await self._act(membership.mute, lambda asked: Mute(asked, muted), tenant, user, conversation, "")

    async def note(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, text: str, *, command_id: str
    ) -> Placement:
        return await self._act(
            membership.add_note, lambda asked: AddNote(asked, text), tenant, user, conversation, command_id
        )

    async def end(self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: str) -> Placement:
        return await self._act(membership.end, _itself, tenant, user, conversation, command_id)

    async def restart(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: str
    ) -> Placement:
        return await self._act(membership.restart, _itself, tenant, user, conversation, command_id, Intent.WRITE)

    async def hand_over_all(
        self, tenant: TenantId, user: UserId, owner: UserId, to: UserId, *, note: str
    ) -> tuple[Placement, ...]:
        seat = await self._seat(tenant, user)
        if not seat.user.supervises and seat.user.id != owner:
            raise RefusedError(Decision(Reason.NOT_A_SUPERVISOR))
        heir = await self._addressee(tenant, to)

        async def transferred(thread: ConversationId) -> Placement:
            return await self.transfer(tenant, user, thread, to, from_owner=owner, note=note, stay=False, command_id="")

        async def retired(thread: ConversationId) -> Placement:
            return await self._act(
                membership.retire, lambda asked: Retire(asked, owner, heir), tenant, user, thread, ""
            )

        results: list[Placement] = []
        for is_owned, hand_over in ((True, transferred), (False, retired)):
            while True:
                # A thread in which somebody writes meanwhile moves past the cursor: look until there is none left.
                handed = [await hand_over(each) for each in await self._listed(tenant, owner, is_owned=is_owned)]
                if not any(each.is_taken for each in handed):
                    break
                results += (each for each in handed if each.is_taken)
            results += handed
        return tuple(results)

    async def _listed(self, tenant: TenantId, name: UserId, *, is_owned: bool) -> list[ConversationId]:
        """The open threads that somebody owns, or those that he takes part in otherwise."""
        found: list[ConversationId] = []
        after: tuple[Scalar, ...] | None = None
        while True:
            scan = Scan("listing", "recent", (tenant, name, "open"), 200, after, descending=True)
            page = await self._ports.storage.scan(scan)
            found += (row.value.conversation for _, row in page.rows if row.value.is_owned is is_owned)
            if page.next is None:
                return found
            after = page.next

    # --- what is held -------------------------------------------------------------------------------------------------

    async def held(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> tuple[Message, ...]:
        ground = await self._ground_of(tenant, user, conversation)
        if ground is None:
            raise RefusedError(Decision(Reason.NOT_A_PARTICIPANT))
        question = InConversation(ground, conversation)
        return _result(await ask(self._ports, screens.held, question, tenant, _in_conversation(ground, conversation)))

    async def cancel_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, message: MessageId
    ) -> Placement:
        return await self._act(
            membership.cancel_held, lambda asked: OfHeld(asked, message), tenant, user, conversation, ""
        )

    async def order_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, messages: Iterable[MessageId]
    ) -> Placement:
        order = tuple(messages)
        return await self._act(
            membership.order_held, lambda asked: OrderHeld(asked, order), tenant, user, conversation, ""
        )

    async def edit_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, message: MessageId, content: Content
    ) -> Placement:
        if isinstance(content, TemplateMessage):
            raise UsageError("a template waits for no window; cancel the held message, and send the template")
        ground = await self._ground_of(tenant, user, conversation, Intent.WRITE)
        if ground is None:
            return self._refused(Decision(Reason.NOT_A_PARTICIPANT))
        ground, screened = await self._screened(ground, conversation, content)
        asked = Asked(ground, conversation, MessageId(self._ports.ids()))
        command = OfHeld(asked, message, screened.content, screened.redacted_by)
        wanted = _in_conversation(ground, conversation)
        return await self._placement(await decide(self._ports, membership.edit_held, command, tenant, wanted), tenant)

    # --- files and templates ------------------------------------------------------------------------------------------

    async def store_media(self, tenant: TenantId, chunks: AsyncIterator[bytes], mime_type: str, limit: int) -> MediaRef:
        return await self._ports.media.put(tenant, chunks, mime_type, limit)

    async def read_media(self, tenant: TenantId, media: MediaRef) -> AsyncIterator[bytes] | None:
        return await self._ports.media.read(tenant, media)

    async def sync_templates(self, tenant: TenantId, account: AccountId) -> TemplateDiff:
        known = await self._account(tenant, account)
        transport = self._ports.transports.get(known.channel)
        if transport is None:
            raise UsageError(f"no plugin provides a transport for {known.channel}")
        command = SyncTemplates(account, await transport.templates(known))
        return _result(await decide(self._ports, templates.sync_templates, command, tenant))

    async def templates(self, tenant: TenantId, account: AccountId) -> tuple[Template, ...]:
        await self._account(tenant, account)
        scan = Scan("template", "key", (tenant, account), templates.MOST)
        page = await self._ports.storage.scan(scan)
        return tuple(row.value for _, row in page.rows if row.value.status is TemplateStatus.APPROVED)

    # --- evidence -----------------------------------------------------------------------------------------------------

    async def record_consent(
        self,
        tenant: TenantId,
        user: UserId,
        line: LineId,
        contact: ContactId,
        *,
        given_at: datetime,
        method: str,
        purposes: tuple[Purpose, ...],
        text: str,
        attachment: MediaRef | None,
        source: str,
    ) -> Recorded:
        to = await self._to_contact(tenant, user, line, contact, Intent.WRITE, "")
        given = checked(given_at, "given_at")
        command = Recording(to, given, method, purposes, text, attachment, source)
        answer = await decide(self._ports, record_consent, command, tenant, _to_contact(to))
        match answer:
            case Ready(_, recorded):
                return recorded
            case Refused(decision):
                return Recorded(self._refused(decision).decision)
            case Known(_):
                return Recorded(Decision(Reason.ALLOWED), is_repeat=True)

    async def evidence(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> tuple[Evidence, ...]:
        customer = (await self.customer(tenant, user, conversation)).id
        key = CONSENT.of(tenant, customer)
        record: ConsentRecord | None = (await self._ports.storage.load([key])).rows[key].value
        entries: tuple[Evidence, ...] = ()
        for owner in (customer, *(record.joined if record else ())):
            entries += await auditing.evidence_of(self._ports, tenant, owner)
        return entries

    async def verify_evidence(self, tenant: TenantId) -> Verification:
        return await auditing.verify_all(self._ports, tenant)

    async def anchor_evidence(self, tenant: TenantId) -> Anchor:
        return await auditing.make_anchor(self._ports, tenant)

    async def check_anchor(self, tenant: TenantId, anchor: Anchor) -> bool:
        return await auditing.check_anchor(self._ports, tenant, anchor)

    async def explain(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        content: Content | None,
        at: datetime,
    ) -> Explanation:
        instant = checked(at, "at")
        customer = (await self.customer(tenant, user, conversation)).id
        ground = await self._ground_of(tenant, user, conversation, at=instant)
        if ground is None:
            raise RefusedError(Decision(Reason.NOT_A_PARTICIPANT))
        template: Template | None = None
        if isinstance(content, TemplateMessage):
            key = ground.template(content)
            template = (await self._ports.storage.load([key])).rows[key].value
        evidence = await self.evidence(tenant, user, conversation)
        messages = await self._messages_before(ground, customer, instant)
        return explain(ground, evidence, messages, content, template, instant)

    async def _messages_before(self, ground: Ground, customer: CustomerId, at: datetime) -> list[Message]:
        """The customer's messages on this line from one window before ``at`` on: those that can matter."""
        line = ground.setup.line
        since_at = at - (ground.capabilities.window or timedelta(0)) - ground.settings.clock_skew
        after: tuple[Scalar, ...] | None = (to_microseconds(at) + 1, "")
        found: list[Message] = []
        while after is not None:
            scan = Scan("message", "customer", (line.tenant, customer), 200, after, descending=True)
            page = await self._ports.storage.scan(scan)
            found += (row.value for _, row in page.rows if row.value.line == line.id)
            is_enough = bool(page.rows) and page.rows[-1][1].value.at < since_at
            after = None if is_enough else page.next
        return found

    # --- settings -----------------------------------------------------------------------------------------------------

    async def set_setting(
        self, tenant: TenantId, user: UserId, organization: OrganizationId, name: str, value: object
    ) -> Decision:
        seat = await self._seat(tenant, user)
        if all(level.id != organization for level in seat.organizations):
            raise UsageError("this organization is not on the user's own path")
        command = ChangeSetting(seat, scope_of_organization(organization), name, value)
        answer = await decide(self._ports, change_setting, command, tenant)
        return answer.decision if isinstance(answer, Refused) else Decision(Reason.ALLOWED)

    # --- lines --------------------------------------------------------------------------------------------------------

    async def stopped_lines(self, tenant: TenantId) -> Mapping[LineId, LineStop]:
        found: dict[LineId, LineStop] = {}
        after: tuple[Scalar, ...] | None = None
        while True:
            page = await self._ports.storage.scan(Scan("gate", "key", (tenant,), 200, after))
            found.update((LineId(str(key.parts[1])), row.value.stop) for key, row in page.rows if row.value.stop)
            if page.next is None:
                return found
            after = page.next

    async def resume_line(self, tenant: TenantId, line: LineId) -> bool:
        if await self._ports.directory.line(tenant, line) is None:
            raise UsageError(f"the directory knows no line {line!r} in this tenant")
        was_stopped = result_of(await decide(self._ports, resume, Resume(line), tenant))
        if was_stopped:
            await wake_line(self._ports, tenant, line)
        return was_stopped

    # --- what is parked -----------------------------------------------------------------------------------------------

    async def parked(self, tenant: TenantId, limit: int) -> tuple[Message, ...]:
        found: list[Message] = []

        async def look_at(entry: OutboxEntry) -> None:
            if entry.state is EntryState.PARKED and len(found) < limit:
                key = MESSAGE.of(tenant, entry.message)
                found.append((await self._ports.storage.load([key])).rows[key].value)

        await self._each_of_outbox(tenant, look_at, lambda: len(found) >= limit)
        return tuple(found)

    async def settle_parked(self, tenant: TenantId, message: MessageId, *, resend: bool, code: str = "") -> bool:
        answer = await decide(self._ports, settle_parked, Decided(message, resend, code), tenant)
        return result_of(answer)

    async def add_transcript(self, tenant: TenantId, message: MessageId, words: str) -> bool:
        key = MESSAGE.of(tenant, message)
        found: Message | None = (await self._ports.storage.load([key])).rows[key].value
        setup = await self._ports.directory.line(tenant, found.line) if found else None
        if found is None or setup is None or not isinstance(found.content, Voicemail):
            return False
        left = await screened_words(self._ports, await ground_for(self._ports, setup, None), found.content, words)
        if left is None:
            raise Unavailable("a screener could not be asked; nothing was changed, hand the words over again later")
        return result_of(await decide(self._ports, note_transcript, NoteTranscript(message, left), tenant))

    async def accept_restore(self, tenant: TenantId, *, resend: bool) -> int:
        # Asked here, too: an operator may come before any dispatcher does.
        until_at = await Epochs(self._ports).doubted_until(tenant)
        settled_now: list[MessageId] = []

        async def settle(entry: OutboxEntry) -> None:
            if until_at is not None and entry.state is not EntryState.PARKED and entry.since_at <= until_at:
                await self._park_doubtful(tenant, entry, until_at)
            elif entry.state is not EntryState.PARKED:
                return
            if await self.settle_parked(tenant, entry.message, resend=resend, code=RESTORED.code):
                settled_now.append(entry.message)

        await self._each_of_outbox(tenant, settle)
        await decide(self._ports, trust, None, tenant)
        return len(settled_now)

    async def _park_doubtful(self, tenant: TenantId, entry: OutboxEntry, until_at: datetime) -> None:
        setup = await self._ports.directory.line(tenant, entry.line)
        if setup is None:
            return
        ground = await ground_for(self._ports, setup, None, Intent.WRITE)
        await decide(self._ports, park_doubtful, Doubt(ground, entry.message, until_at), tenant)

    async def _each_of_outbox(
        self,
        tenant: TenantId,
        look_at: Callable[[OutboxEntry], Awaitable[None]],
        is_enough: Callable[[], bool] = lambda: False,
    ) -> None:
        """What is to be sent, in whatever state; read page by page, so it may change meanwhile."""
        after: tuple[Scalar, ...] | None = None
        while True:
            page = await self._ports.storage.scan(Scan("outbox", "key", (tenant, Work.SEND.value), 200, after))
            for _, row in page.rows:
                await look_at(row.value)
            if page.next is None or is_enough():
                return
            after = page.next

    # --- the log, and what was kept -----------------------------------------------------------------------------------

    async def events(self, tenant: TenantId, after: str, limit: int) -> EventPage:
        return await self._ports.storage.events_after(tenant, after, limit)

    async def push(self, tenant: TenantId) -> Pushed:
        return await push_all(self._ports, tenant)

    async def quarantine(self, tenant: TenantId, limit: int) -> tuple[Kept, ...]:
        page = await self._ports.storage.scan(Scan("quarantine", "age", (tenant,), limit, descending=True))
        return tuple(Kept(str(key.parts[1]), row.value) for key, row in page.rows)

    async def schema(self) -> SchemaState:
        return await self._versioned().schema()

    async def upgrade(self) -> SchemaState:
        return await self._versioned().upgrade()

    def _versioned(self) -> AsyncVersioned:
        storage = self._ports.storage
        if not isinstance(storage, AsyncVersioned):
            raise UsageError(f"{type(storage).__name__} has no tables that could be upgraded")
        return storage

    # --- what is kept, and for how long -------------------------------------------------------------------------------

    async def find_customer(self, tenant: TenantId, user: UserId, address: Address) -> Customer | None:
        return await keeping.find_customer(self._ports, tenant, await self._seat(tenant, user), address)

    async def forget_customer(self, tenant: TenantId, user: UserId, customer: CustomerId, why: str) -> Requested:
        seat = await self._seat(tenant, user)
        return self._job(await keeping.request_forgetting(self._ports, tenant, seat, customer, why))

    async def retain(self, tenant: TenantId, user: UserId, why: str) -> Requested:
        seat = await self._seat(tenant, user)
        return self._job(await keeping.request_retention(self._ports, tenant, seat, why))

    async def place_hold(
        self,
        tenant: TenantId,
        user: UserId,
        *,
        customer: CustomerId | None,
        organization: OrganizationId | None,
        why: str,
        until_at: datetime | None,
    ) -> Hold:
        subject = keeping.subject_of(customer, organization)
        seat = await self._seat(tenant, user)
        return await keeping.request_hold(self._ports, tenant, seat, subject, why, until_at)

    async def lift_hold(self, tenant: TenantId, user: UserId, subject: str, hold: HoldId) -> Hold:
        return await keeping.end_hold(self._ports, tenant, await self._seat(tenant, user), subject, hold)

    async def holds(self, tenant: TenantId, user: UserId) -> tuple[HeldSubject, ...]:
        return await keeping.all_holds(self._ports, tenant, await self._seat(tenant, user))

    async def jobs(self, tenant: TenantId) -> tuple[Job, ...]:
        return await keeping.jobs(self._ports, tenant)

    async def run_jobs(
        self, tenant: TenantId, told: Callable[[Job], object], is_stopping: Callable[[], bool]
    ) -> tuple[Job, ...]:
        return await keeping.run_jobs(self._ports, tenant, told, is_stopping)

    async def export(
        self, tenant: TenantId, user: UserId, folder: Path, extent: Extent, told: Callable[[int], object]
    ) -> Exported:
        return await exporting.export(self._ports, tenant, await self._seat(tenant, user), folder, extent, told)

    def _job(self, requested: Requested) -> Requested:
        if not requested.decision.is_allowed:
            self._ports.hooks.measure("refusals", 1, reason=requested.decision.reason.value)
        return requested

    # --- the end ------------------------------------------------------------------------------------------------------

    def closings(self) -> list[Coroutine[Any, Any, None]]:
        """What closes each part, to be run one after the other or together. None raises: a part that cannot be closed is
        reported, and keeps no other open."""
        transports = (transport.aclose for transport in self._ports.transports.values())
        return [_contained(close) for close in (*transports, self._ports.storage.aclose)]

    # --- what the host says -------------------------------------------------------------------------------------------

    async def _seat(self, tenant: TenantId, user: UserId) -> Seat:
        seat = await self._ports.directory.user(tenant, user)
        if seat is None:
            raise UsageError("the directory knows no such user in this tenant")
        if seat.user.is_team:
            raise UsageError("a team does nothing by itself; name the user who acts")
        return seat

    async def _addressee(self, tenant: TenantId, whom: UserId) -> Seat:
        """A user, a team or a queue that something is given to."""
        seat = await self._ports.directory.user(tenant, whom)
        if seat is None:
            raise UsageError(f"the directory knows no user, team or queue {whom!r} in this tenant")
        return seat

    async def _account(self, tenant: TenantId, account: AccountId) -> Account:
        known = await self._ports.directory.account(tenant, account)
        if known is None:
            raise UsageError(f"the directory knows no account {account!r} in this tenant")
        return known

    async def _contact(self, tenant: TenantId, user: UserId, contact: ContactId) -> tuple[Contact | None, bool]:
        """The contact, and whether the store answered. A dead store refuses first contact; it breaks nothing."""
        if self._ports.contacts is None:
            return None, True
        try:
            return await self._ports.contacts.get(tenant, user, contact), True
        except Unavailable:
            return None, False

    async def _to_contact(
        self, tenant: TenantId, user: UserId, line: LineId, contact: ContactId, intent: Intent, command_id: str
    ) -> ToContact:
        seat = await self._seat(tenant, user)
        setups = await self._ports.directory.lines(tenant, user)
        setup = next((setup for setup in setups if setup.line.id == line), None)
        if setup is None:
            raise UsageError("the directory gives this user no such line")
        found, available = await self._contact(tenant, user, contact)
        return ToContact(await ground_for(self._ports, setup, seat, intent), found, available, command_id)

    async def _ground_of(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        intent: Intent | None = None,
        at: datetime | None = None,
    ) -> Ground | None:
        """The ground of a conversation; None when this tenant has no such one, or none that this user could be in: on a
        line that is not his, he must have been taken into it."""
        seat = await self._seat(tenant, user)
        key = CONVERSATION.of(tenant, conversation)
        thread: Conversation | None = (await self._ports.storage.load([key])).rows[key].value
        if thread is None or not await self._is_near(seat, thread):
            return None
        setup = await self._ports.directory.line(tenant, thread.line)
        return await ground_for(self._ports, setup, seat, intent, at) if setup else None

    async def _is_near(self, seat: Seat, thread: Conversation) -> bool:
        """Whether the thread can concern this user at all: it does by itself, or it is on a line of his."""
        if concerns(thread, seat):
            return True
        setups = await self._ports.directory.lines(seat.user.tenant, seat.user.id)
        return any(setup.line.id == thread.line for setup in setups)

    async def _act(
        self,
        decider: Callable[[Draft, C], Placement],
        command_of: Callable[[Asked], C],
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        command_id: str,
        intent: Intent | None = None,
    ) -> Placement:
        ground = await self._ground_of(tenant, user, conversation, intent)
        if ground is None:
            return self._refused(Decision(Reason.NOT_A_PARTICIPANT))
        command = command_of(Asked(ground, conversation, MessageId(self._ports.ids()), command_id))
        wanted = [*_in_conversation(ground, conversation)]
        if command_id:
            wanted.append(DEDUPE.of(tenant, sending.command_mark(user, command_id)))
        return await self._placement(await decide(self._ports, decider, command, tenant, wanted), tenant)

    async def _readable(
        self, tenant: TenantId, user: UserId, conversation: ConversationId
    ) -> tuple[Ground, Conversation]:
        """A conversation that the user may read in. Raises ``RefusedError``."""
        ground = await self._ground_of(tenant, user, conversation)
        if ground is None:
            raise RefusedError(Decision(Reason.NOT_A_PARTICIPANT))
        question = InConversation(ground, conversation)
        return ground, _result(await ask(self._ports, screens.readable, question, tenant))

    async def _provider_id(self, ground: Ground, thread: Conversation, message: MessageId) -> ProviderId | None:
        """The provider's id of a message that the user sees; he quotes no other."""
        quoted = await self._seen(ground, thread, message)
        if quoted is None or quoted.status is MessageStatus.NOTED:
            raise UsageError("replies_to names no message of this conversation")
        return quoted.provider_id

    async def _seen(self, ground: Ground, thread: Conversation, message: MessageId) -> Message | None:
        """An entry of a thread, if the user sees it."""
        key = MESSAGE.of(ground.setup.line.tenant, message)
        found: Message | None = (await self._ports.storage.load([key])).rows[key].value
        if found is None or found.conversation != thread.id or ground.seat is None:
            return None
        return found if any(span.has(found.at) for span in spans(thread, ground.seat)) else None

    # --- results ------------------------------------------------------------------------------------------------------

    async def _placement(self, answer: Ready[Placement] | Refused | Known, tenant: TenantId) -> Placement:
        match answer:
            case Ready(_, placement):
                return placement
            case Refused(decision):
                return self._refused(decision)
            case Known(ref):
                return await self._repeated(tenant, MessageId(ref))

    async def _repeated(self, tenant: TenantId, message: MessageId) -> Placement:
        key = MESSAGE.of(tenant, message)
        first: Message | None = (await self._ports.storage.load([key])).rows[key].value
        if first is None:
            return Placement(Decision(Reason.NOTHING_TO_DO), is_repeat=True)  # It is older than messages are kept.
        return Placement(Decision(Reason.ALLOWED), first.conversation, first.id, first.status, is_repeat=True)

    def _refused(self, decision: Decision) -> Placement:
        self._ports.hooks.measure("refusals", 1, reason=decision.reason.value)
        return Placement(decision)


def _itself(asked: Asked) -> Asked:
    return asked


async def _contained(close: Callable[[], Awaitable[None]]) -> None:
    try:
        await close()
    except Exception as error:  # noqa: BLE001 - a plugin of another author may raise anything
        log.error("a part could not be closed (%s)", where(error))


def _result(answer: Ready[R] | Refused | Known) -> R:
    """The answer of a decider that can only be ready, or a refusal as an exception."""
    if isinstance(answer, Refused):
        raise RefusedError(answer.decision)
    if isinstance(answer, Known):
        raise InternalError("a question was answered with a duplicate")
    return answer.result


def _to_contact(command: ToContact) -> list[Wanted]:
    line = command.ground.setup.line
    wanted: list[Wanted] = [
        Follow(
            ADDRESS.of(line.tenant, *address.lookup),
            "customer",
            (
                ("customer", (line.tenant, FOUND)),
                ("consent", (line.tenant, FOUND)),
                ("pair", (line.tenant, FOUND, line.id)),
            ),
        )
        for address in (command.contact.addresses if command.contact else ())
    ]
    if command.command and command.ground.seat is not None:
        mark = sending.command_mark(command.ground.seat.user.id, command.command)
        wanted.append(DEDUPE.of(line.tenant, mark))
    return wanted


def _in_conversation(ground: Ground, conversation: ConversationId) -> list[Wanted]:
    return [of_thread(ground.setup.line.tenant, conversation, ground.setup.line.id)]
