"""``AsyncConnector``: the SDK for asyncio."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import Executor
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

import pluggy

from wa_connector.aio.dispatcher import AsyncDispatcher
from wa_connector.aio.hopping import GroupedStorage, hop_to
from wa_connector.aio.patience import within
from wa_connector.decide.explaining import Explanation
from wa_connector.decide.forgetting import Requested
from wa_connector.decide.membership import Leaving
from wa_connector.decide.recording import Recorded
from wa_connector.decide.sending import Placement
from wa_connector.decide.templates import TemplateDiff
from wa_connector.errors import UsageError
from wa_connector.model.address import Address
from wa_connector.model.consent import Anchor, Evidence, Purpose
from wa_connector.model.content import Content, MediaRef
from wa_connector.model.conversation import Conversation, Role
from wa_connector.model.cost import Cost
from wa_connector.model.customer import Customer
from wa_connector.model.decision import Decision
from wa_connector.model.ids import (
    AccountId,
    CommandId,
    ContactId,
    ConversationId,
    CustomerId,
    HoldId,
    LineId,
    MessageId,
    OrganizationId,
    TenantId,
    UserId,
)
from wa_connector.model.inbound import Inbound
from wa_connector.model.job import Hold, Job
from wa_connector.model.message import Message
from wa_connector.model.queue import LineStop
from wa_connector.model.template import Template
from wa_connector.policy.screens import AnswerAction, Composer, ContactAction
from wa_connector.ports.channel import AsyncTransport, Transport, WebhookRequest
from wa_connector.ports.contacts import AsyncContacts
from wa_connector.ports.directory import AsyncDirectory
from wa_connector.ports.media import AsyncMediaConverter, AsyncMediaStore, MediaConverter, MediaStore
from wa_connector.ports.storage import AsyncStorage, EventPage, SchemaState
from wa_connector.shell.adapters import (
    Hop,
    NoMedia,
    PlainContacts,
    PlainConverter,
    PlainDirectory,
    PlainMedia,
    PlainTransport,
    in_place,
)
from wa_connector.shell.assembly import WAYS_OUT, Plugin, channels_of, hooks_of, named, plugin_manager, required
from wa_connector.shell.auditing import Verification
from wa_connector.shell.callbacks import never, silently
from wa_connector.shell.clock import utc_now
from wa_connector.shell.engine import Engine, Kept
from wa_connector.shell.exporting import Exported, Extent
from wa_connector.shell.ids import new_id
from wa_connector.shell.inbound import Received, WebhookResult
from wa_connector.shell.keeping import HeldSubject
from wa_connector.shell.memos import Memo
from wa_connector.shell.ports import Clock, Ids, Ports
from wa_connector.shell.pushing import Pushed
from wa_connector.shell.reading import CustomerTimeline, InboxPage, SearchPage, Shelves, Timeline

NO_COMMAND: Final = CommandId("")
HOOK_PATIENCE: Final = timedelta(seconds=10)


@final
class AsyncConnector:
    """The asynchronous face: the twin of ``Connector``, whose docstrings say what each call does.

    Asynchronous plugins are preferred; a plain one runs on ``executor`` (None: the loop's own), its commits and loads
    that arrive together in one hop. A plain directory or contact store that never blocks may say ``is_immediate =
    True`` and is called in place. An asynchronous hook that has not answered after ``hook_patience`` is given up and
    counts as one that fails. Usable from several loops.
    """

    def __init__(
        self,
        plugins: Iterable[Plugin] = (),
        *,
        discover: bool = True,
        clock: Clock = utc_now,
        ids: Ids = new_id,
        executor: Executor | None = None,
        hook_patience: timedelta = HOOK_PATIENCE,
    ) -> None:
        manager = plugin_manager(plugins, discover=discover)
        self._ports: Final = _ports(manager, hop_to(executor), clock, ids, hook_patience)
        self._shell: Final = Engine(self._ports)
        self._is_closed = False
        self.dispatcher: Final = AsyncDispatcher(self._ports)

    # --- in -------------------------------------------------------------------------------------------------------

    async def handle_webhook(self, request: WebhookRequest) -> WebhookResult:
        return await self._engine().handle_webhook(request)

    async def receive(self, endpoint: str, items: Iterable[Inbound]) -> Received:
        return await self._engine().receive(endpoint, items)

    def transport(self, channel: str) -> AsyncTransport | Transport:
        return self._engine().transport(channel)

    async def memo(self, tenant: TenantId, owner: str, name: str) -> Memo:
        return await self._engine().memo(tenant, owner, name)

    async def memos(self, tenant: TenantId, owner: str) -> Mapping[str, Memo]:
        return await self._engine().memos(tenant, owner)

    async def keep_memo(self, tenant: TenantId, owner: str, name: str, text: str, *, version: int) -> bool:
        return await self._engine().keep_memo(tenant, owner, name, text, version)

    # --- to a contact -----------------------------------------------------------------------------------------------

    async def contact_actions(self, tenant: TenantId, user: UserId, contact: ContactId) -> tuple[ContactAction, ...]:
        return await self._engine().contact_actions(tenant, user, contact)

    async def start(self, tenant: TenantId, user: UserId, line: LineId, contact: ContactId) -> Placement:
        return await self._engine().start(tenant, user, line, contact)

    async def ask_consent(
        self, tenant: TenantId, user: UserId, line: LineId, contact: ContactId, *, command_id: CommandId = NO_COMMAND
    ) -> Placement:
        return await self._engine().ask_consent(tenant, user, line, contact, command_id)

    # --- in a conversation --------------------------------------------------------------------------------------------

    async def send(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        content: Content,
        *,
        hold: bool = False,
        replies_to: MessageId | None = None,
        by: LineId | None = None,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        return await self._engine().send(
            tenant, user, conversation, content, hold=hold, replies_to=replies_to, by=by, command_id=command_id
        )

    async def composer(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Composer:
        return await self._engine().composer(tenant, user, conversation)

    async def cost(self, tenant: TenantId, line: LineId, text: str) -> Cost | None:
        return await self._engine().cost(tenant, line, text)

    async def answer_actions(
        self, tenant: TenantId, user: UserId, conversation: ConversationId
    ) -> tuple[AnswerAction, ...]:
        return await self._engine().answer_actions(tenant, user, conversation)

    async def answer(self, tenant: TenantId, user: UserId, conversation: ConversationId, line: LineId) -> Placement:
        return await self._engine().answer(tenant, user, conversation, line)

    async def timeline(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        *,
        before: str = "",
        after: str = "",
        limit: int = 50,
    ) -> Timeline:
        return await self._engine().timeline(tenant, user, conversation, before=before, after=after, limit=limit)

    async def customer_timeline(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        *,
        before: str = "",
        after: str = "",
        limit: int = 50,
    ) -> CustomerTimeline:
        return await self._engine().customer_timeline(
            tenant, user, conversation, before=before, after=after, limit=limit
        )

    # --- the inbox ----------------------------------------------------------------------------------------------------

    async def inbox(
        self,
        tenant: TenantId,
        user: UserId,
        *,
        mine: bool = False,
        unassigned: bool = False,
        channel: str = "",
        unread: bool = False,
        ended: bool = False,
        before: str = "",
        after: str = "",
        limit: int = 50,
    ) -> InboxPage:
        shelves = Shelves(mine, unassigned, channel, unread, ended)
        return await self._engine().inbox(tenant, user, shelves, before=before, after=after, limit=limit)

    async def search(
        self,
        tenant: TenantId,
        user: UserId,
        text: str,
        *,
        conversation: ConversationId | None = None,
        before: str = "",
        limit: int = 50,
    ) -> SearchPage:
        return await self._engine().search(tenant, user, text, conversation=conversation, before=before, limit=limit)

    async def mark_read(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, up_to: MessageId
    ) -> Placement:
        return await self._engine().mark_read(tenant, user, conversation, up_to)

    async def mark_unread(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Placement:
        return await self._engine().mark_unread(tenant, user, conversation)

    async def conversations(
        self, tenant: TenantId, user: UserId, *, unassigned: bool = False, team: UserId | None = None, limit: int = 50
    ) -> tuple[Conversation, ...]:
        return await self._engine().conversations(tenant, user, unassigned=unassigned, team=team, limit=limit)

    async def customer(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Customer:
        return await self._engine().customer(tenant, user, conversation)

    # --- who takes part -----------------------------------------------------------------------------------------------

    async def add(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        *,
        role: Role = Role.MEMBER,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        return await self._engine().add(tenant, user, conversation, whom, role=role, command_id=command_id)

    async def transfer(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        to: UserId,
        *,
        from_owner: UserId | None,
        note: str = "",
        stay: bool = False,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        return await self._engine().transfer(
            tenant, user, conversation, to, from_owner=from_owner, note=note, stay=stay, command_id=command_id
        )

    async def take(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: CommandId = NO_COMMAND
    ) -> Placement:
        return await self._engine().take(tenant, user, conversation, command_id=command_id)

    async def leave(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        *,
        then: Leaving | None = None,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        return await self._engine().leave(tenant, user, conversation, then=then, command_id=command_id)

    async def remove(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        *,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        return await self._engine().remove(tenant, user, conversation, whom, command_id=command_id)

    async def set_role(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        role: Role,
        *,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        return await self._engine().set_role(tenant, user, conversation, whom, role, command_id=command_id)

    async def mute(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, muted: bool = True
    ) -> Placement:
        return await self._engine().mute(tenant, user, conversation, muted=muted)

    async def note(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        text: str,
        *,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        return await self._engine().note(tenant, user, conversation, text, command_id=command_id)

    async def end(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: CommandId = NO_COMMAND
    ) -> Placement:
        return await self._engine().end(tenant, user, conversation, command_id=command_id)

    async def restart(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: CommandId = NO_COMMAND
    ) -> Placement:
        return await self._engine().restart(tenant, user, conversation, command_id=command_id)

    async def hand_over_all(
        self, tenant: TenantId, user: UserId, owner: UserId, to: UserId, *, note: str = ""
    ) -> tuple[Placement, ...]:
        return await self._engine().hand_over_all(tenant, user, owner, to, note=note)

    # --- what is held -------------------------------------------------------------------------------------------------

    async def held(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> tuple[Message, ...]:
        return await self._engine().held(tenant, user, conversation)

    async def cancel_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, message: MessageId
    ) -> Placement:
        return await self._engine().cancel_held(tenant, user, conversation, message)

    async def order_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, messages: Iterable[MessageId]
    ) -> Placement:
        return await self._engine().order_held(tenant, user, conversation, messages)

    async def edit_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, message: MessageId, content: Content
    ) -> Placement:
        return await self._engine().edit_held(tenant, user, conversation, message, content)

    # --- files and templates ------------------------------------------------------------------------------------------

    async def store_media(
        self, tenant: TenantId, chunks: AsyncIterator[bytes], mime_type: str, max_bytes: int
    ) -> MediaRef:
        return await self._engine().store_media(tenant, chunks, mime_type, max_bytes)

    async def read_media(self, tenant: TenantId, media: MediaRef) -> AsyncIterator[bytes] | None:
        return await self._engine().read_media(tenant, media)

    async def sync_templates(self, tenant: TenantId, account: AccountId) -> TemplateDiff:
        return await self._engine().sync_templates(tenant, account)

    async def templates(self, tenant: TenantId, account: AccountId) -> tuple[Template, ...]:
        return await self._engine().templates(tenant, account)

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
        purposes: tuple[Purpose, ...] = (Purpose.CONVERSATION,),
        text: str = "",
        attachment: MediaRef | None = None,
        source: str = "",
    ) -> Recorded:
        return await self._engine().record_consent(
            tenant,
            user,
            line,
            contact,
            given_at=given_at,
            method=method,
            purposes=purposes,
            text=text,
            attachment=attachment,
            source=source,
        )

    async def evidence(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> tuple[Evidence, ...]:
        return await self._engine().evidence(tenant, user, conversation)

    async def verify_evidence(self, tenant: TenantId) -> Verification:
        return await self._engine().verify_evidence(tenant)

    async def anchor_evidence(self, tenant: TenantId) -> Anchor:
        return await self._engine().anchor_evidence(tenant)

    async def check_anchor(self, tenant: TenantId, anchor: Anchor) -> bool:
        return await self._engine().check_anchor(tenant, anchor)

    async def explain(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        content: Content | None = None,
        *,
        at: datetime,
    ) -> Explanation:
        return await self._engine().explain(tenant, user, conversation, content, at)

    # --- settings -----------------------------------------------------------------------------------------------------

    async def set_setting(
        self, tenant: TenantId, user: UserId, organization: OrganizationId, name: str, value: object
    ) -> Decision:
        return await self._engine().set_setting(tenant, user, organization, name, value)

    # --- lines --------------------------------------------------------------------------------------------------------

    async def stopped_lines(self, tenant: TenantId) -> Mapping[LineId, LineStop]:
        return await self._engine().stopped_lines(tenant)

    async def resume_line(self, tenant: TenantId, line: LineId) -> bool:
        return await self._engine().resume_line(tenant, line)

    # --- what is parked -----------------------------------------------------------------------------------------------

    async def parked(self, tenant: TenantId, *, limit: int = 50) -> tuple[Message, ...]:
        return await self._engine().parked(tenant, limit)

    async def add_transcript(self, tenant: TenantId, message: MessageId, words: str) -> bool:
        return await self._engine().add_transcript(tenant, message, words)

    async def resend_parked(self, tenant: TenantId, message: MessageId) -> bool:
        return await self._engine().settle_parked(tenant, message, resend=True)

    async def cancel_parked(self, tenant: TenantId, message: MessageId) -> bool:
        return await self._engine().settle_parked(tenant, message, resend=False)

    async def accept_restore(self, tenant: TenantId, *, resend: bool) -> int:
        return await self._engine().accept_restore(tenant, resend=resend)

    # --- the log, and what was kept -----------------------------------------------------------------------------------

    async def events(self, tenant: TenantId, *, after: str = "", limit: int = 500) -> EventPage:
        return await self._engine().events(tenant, after, limit)

    async def push(self, tenant: TenantId) -> Pushed:
        return await self._engine().push(tenant)

    async def quarantine(self, tenant: TenantId, *, limit: int = 50) -> tuple[Kept, ...]:
        return await self._engine().quarantine(tenant, limit)

    async def schema(self) -> SchemaState:
        return await self._engine().schema()

    async def upgrade(self) -> SchemaState:
        return await self._engine().upgrade()

    # --- life ---------------------------------------------------------------------------------------------------------

    # --- what is kept, and for how long -------------------------------------------------------------------------------

    async def find_customer(self, tenant: TenantId, user: UserId, address: Address) -> Customer | None:
        return await self._engine().find_customer(tenant, user, address)

    async def forget_customer(self, tenant: TenantId, user: UserId, customer: CustomerId, *, why: str) -> Requested:
        return await self._engine().forget_customer(tenant, user, customer, why)

    async def retain(self, tenant: TenantId, user: UserId, *, why: str = "") -> Requested:
        return await self._engine().retain(tenant, user, why)

    async def place_hold(
        self,
        tenant: TenantId,
        user: UserId,
        *,
        customer: CustomerId | None = None,
        organization: OrganizationId | None = None,
        why: str,
        until_at: datetime | None = None,
    ) -> Hold:
        return await self._engine().place_hold(
            tenant, user, customer=customer, organization=organization, why=why, until_at=until_at
        )

    async def lift_hold(self, tenant: TenantId, user: UserId, subject: str, hold: HoldId) -> Hold:
        return await self._engine().lift_hold(tenant, user, subject, hold)

    async def holds(self, tenant: TenantId, user: UserId) -> tuple[HeldSubject, ...]:
        return await self._engine().holds(tenant, user)

    async def jobs(self, tenant: TenantId) -> tuple[Job, ...]:
        return await self._engine().jobs(tenant)

    async def run_jobs(
        self,
        tenant: TenantId,
        *,
        told: Callable[[Job], object] = silently,
        is_stopping: Callable[[], bool] = never,
    ) -> tuple[Job, ...]:
        return await self._engine().run_jobs(tenant, told, is_stopping)

    async def export(
        self,
        tenant: TenantId,
        user: UserId,
        folder: str | os.PathLike[str],
        *,
        customer: CustomerId | None = None,
        of_user: UserId | None = None,
        since_at: datetime | None = None,
        until_at: datetime | None = None,
        told: Callable[[int], object] = silently,
    ) -> Exported:
        extent = Extent(customer, of_user, since_at, until_at)
        return await self._engine().export(tenant, user, Path(folder), extent, told)

    def _engine(self) -> Engine:
        if self._is_closed:
            raise UsageError("this connector is closed; build a new one")
        return self._shell

    async def aclose(self, *, timeout: float = 10.0) -> None:
        """Release what is open in this process, in ``timeout`` seconds at most; what does not close in time is left to
        the process's end. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await asyncio.wait_for(asyncio.gather(*self._shell.closings()), timeout)
        except TimeoutError:
            return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.aclose()


def _ports(manager: pluggy.PluginManager, hop: Hop, clock: Clock, ids: Ids, patience: timedelta) -> Ports:
    plain_media: MediaStore | None = manager.hook.wa_media_store()
    async_media: AsyncMediaStore | None = manager.hook.wa_async_media_store()
    return Ports(
        storage=_storage(manager, hop),
        directory=_directory(manager, hop),
        contacts=_contacts(manager, hop),
        media=async_media or PlainMedia(plain_media or NoMedia(), hop),
        channels=channels_of(manager),
        transports=_transports(manager, plain_media, async_media, hop),
        hooks=hooks_of(manager, within(patience)),
        clock=clock,
        ids=ids,
        pause=asyncio.sleep,
        mark=manager.hook.wa_restore_mark(),
        converter=_converter(manager, hop),
    )


def _storage(manager: pluggy.PluginManager, hop: Hop) -> AsyncStorage:
    native: AsyncStorage | None = manager.hook.wa_async_storage()
    if native is not None:
        return native
    return GroupedStorage(required(manager.hook.wa_storage(), "wa_storage", WAYS_OUT["wa_storage"]), hop)


def _directory(manager: pluggy.PluginManager, hop: Hop) -> AsyncDirectory:
    native: AsyncDirectory | None = manager.hook.wa_async_directory()
    if native is not None:
        return native
    plain = required(manager.hook.wa_directory(), "wa_directory", WAYS_OUT["wa_directory"])
    return PlainDirectory(plain, _hop_for(plain, hop))


def _contacts(manager: pluggy.PluginManager, hop: Hop) -> AsyncContacts | None:
    native: AsyncContacts | None = manager.hook.wa_async_contacts()
    plain = manager.hook.wa_contacts()
    if native is not None or plain is None:
        return native
    return PlainContacts(plain, _hop_for(plain, hop))


def _converter(manager: pluggy.PluginManager, hop: Hop) -> AsyncMediaConverter | None:
    native: AsyncMediaConverter | None = manager.hook.wa_async_media_converter()
    plain: MediaConverter | None = None if native is not None else manager.hook.wa_media_converter()
    return native if plain is None else PlainConverter(plain, hop)


def _hop_for(plain: object, hop: Hop) -> Hop:
    return in_place if getattr(plain, "is_immediate", False) else hop


def _transports(
    manager: pluggy.PluginManager,
    plain_media: MediaStore | None,
    async_media: AsyncMediaStore | None,
    hop: Hop,
) -> Mapping[str, AsyncTransport]:
    native = named(manager.hook.wa_async_transport(), "transport of")
    plain = named(manager.hook.wa_transport(), "transport of")
    if plain_media is None and async_media is not None and plain.keys() - native.keys():
        names = ", ".join(sorted(plain.keys() - native.keys()))
        raise UsageError(
            f"the transport of {names} is plain and reads files from a plain media store, but the media store is"
            " asynchronous only. Register a plugin that provides wa_media_store."
        )
    media = plain_media or NoMedia()
    return {**{name: PlainTransport(transport, media, hop) for name, transport in plain.items()}, **native}
