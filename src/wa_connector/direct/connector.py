"""``Connector``: the SDK for threads, gevent, prefork servers and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, final

from wa_connector.errors import UsageError
from wa_connector.model.consent import Purpose
from wa_connector.model.conversation import Role
from wa_connector.model.ids import CommandId
from wa_connector.shell.callbacks import never, silently
from wa_connector.shell.clock import utc_now
from wa_connector.shell.drive import drive
from wa_connector.shell.ids import new_id

if TYPE_CHECKING:
    # Names of types, and with them all that the constructor loads: see there.
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from types import TracebackType

    from wa_connector.decide.explaining import Explanation
    from wa_connector.decide.forgetting import Requested
    from wa_connector.decide.membership import Leaving
    from wa_connector.decide.recording import Recorded
    from wa_connector.decide.sending import Placement
    from wa_connector.decide.templates import TemplateDiff
    from wa_connector.model.address import Address
    from wa_connector.model.consent import Anchor, Evidence
    from wa_connector.model.content import Content, MediaRef
    from wa_connector.model.conversation import Conversation
    from wa_connector.model.cost import Cost
    from wa_connector.model.customer import Customer
    from wa_connector.model.decision import Decision
    from wa_connector.model.ids import (
        AccountId,
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
    from wa_connector.ports.channel import Transport, WebhookRequest
    from wa_connector.ports.storage import EventPage, SchemaState
    from wa_connector.shell.assembly import Plugin
    from wa_connector.shell.auditing import Verification
    from wa_connector.shell.engine import Engine, Kept
    from wa_connector.shell.exporting import Exported
    from wa_connector.shell.inbound import Received, WebhookResult
    from wa_connector.shell.keeping import HeldSubject
    from wa_connector.shell.memos import Memo
    from wa_connector.shell.ports import Clock, Ids
    from wa_connector.shell.pushing import Pushed
    from wa_connector.shell.reading import CustomerTimeline, InboxPage, SearchPage, Timeline

NO_COMMAND: Final = CommandId("")


@final
class Connector:
    """The synchronous face. Every call runs in the calling thread and returns when it is done.

    ``plugins`` are objects or modules with hook implementations, asked before the installed ones; ``discover=False``
    leaves the installed ones out. ``clock`` gives aware UTC datetimes and ``ids`` unique, time-sortable strings.

    Nothing is open after construction, so a server may fork afterwards; one connector serves any number of tenants and
    threads. Raises ``UsageError`` when a port is missing or asynchronous only, and when two plugins
    provide the same channel or its transport; of two storages the one registered last is taken.
    """

    def __init__(
        self,
        plugins: Iterable[Plugin] = (),
        *,
        discover: bool = True,
        clock: Clock = utc_now,
        ids: Ids = new_id,
    ) -> None:
        # The engine defines some hundred and forty classes, nine tenths of the time that importing it takes. Loaded
        # here, it costs nothing to those who merely name a Connector (a management command, a type annotation), and is
        # shared all the same by the workers of a server that forks after construction.
        from wa_connector.direct.dispatcher import Dispatcher
        from wa_connector.direct.plain import plain_ports
        from wa_connector.shell.engine import Engine

        self._media, self._ports = plain_ports(plugins, discover=discover, clock=clock, ids=ids)
        self._shell: Final = Engine(self._ports)
        self._is_closed = False
        self.dispatcher: Final = Dispatcher(self._ports)
        """The outbox: nothing leaves unless the host lets it run."""

    # --- in -------------------------------------------------------------------------------------------------------

    def handle_webhook(self, request: WebhookRequest) -> WebhookResult:
        """Take a webhook; send ``result.reply`` as the answer.

        What is in it is committed before this returns. A wrong signature is answered 401 and changes nothing; the same
        body again changes nothing; an element that cannot be taken is kept for inspection. Never raises for what is in
        the request; while the storage is away the answer is 503, and the provider brings the body again.
        """
        return drive(self._engine().handle_webhook(request))

    def receive(self, endpoint: str, items: Iterable[Inbound]) -> Received:
        """Take what a receiver of the host's or a plugin's own read without a webhook: from an SMPP session, a voicemail
        spool, a mailbox. ``endpoint`` is the app's in the directory, as a webhook's is.

        When this returns, all of it is committed: only then acknowledge it to whom it came from. What came before changes
        nothing, each element goes to the tenant whose line it names, and one that cannot be taken is kept for inspection.
        Raises ``UsageError`` when no app has this endpoint, and ``Unavailable`` when not all of it could be committed:
        then acknowledge nothing, and hand over the same elements again. Any number of calls may run at once.
        """
        return drive(self._engine().receive(endpoint, items))

    def transport(self, channel: str) -> Transport:
        """The transport that a plugin provides for a channel, as it provides it: for that plugin's own receiver, which
        shares its connections. What is to be sent goes through ``send``. Raises ``UsageError`` where there is none."""
        provided: Any = self._engine().transport(channel)
        found: Transport = provided
        return found

    def memo(self, tenant: TenantId, owner: str, name: str) -> Memo:
        """What a receiver keeps for itself under a name; see ``keep_memo``. An empty one of version 0 where there is none."""
        return drive(self._engine().memo(tenant, owner, name))

    def memos(self, tenant: TenantId, owner: str) -> Mapping[str, Memo]:
        """Everything that ``owner`` keeps for itself, by name."""
        return drive(self._engine().memos(tenant, owner))

    def keep_memo(self, tenant: TenantId, owner: str, name: str, text: str, *, version: int) -> bool:
        """Let a receiver keep a small text of its own in the host's storage, in the place of the one of ``version`` that it
        read (0: of none); an empty ``text`` removes it. It is committed when this returns True.

        False where another one is there by now, or none: nothing was changed then, and of any number of calls at once one
        gets True. ``owner`` is the plugin's name, and no other's business: parts of a long message that wait for the rest,
        who holds a connection. No erasure looks into it, so what speaks of a person is not to stay for long. Raises
        ``Unavailable`` while the storage is away.
        """
        return drive(self._engine().keep_memo(tenant, owner, name, text, version))

    # --- to a contact -----------------------------------------------------------------------------------------------

    def contact_actions(self, tenant: TenantId, user: UserId, contact: ContactId) -> tuple[ContactAction, ...]:
        """What a contact screen offers: an entry for each of the user's lines on which his channel is enabled."""
        return drive(self._engine().contact_actions(tenant, user, contact))

    def start(self, tenant: TenantId, user: UserId, line: LineId, contact: ContactId) -> Placement:
        """The user's thread with a contact on a line: his latest open one, or a new one.

        Refused for somebody who is not in the contacts, and where nothing could be written: then ask for consent.
        """
        return drive(self._engine().start(tenant, user, line, contact))

    def ask_consent(
        self,
        tenant: TenantId,
        user: UserId,
        line: LineId,
        contact: ContactId,
        *,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        """Send the organization's opt-in request, opening a thread where the user has none with this contact.

        The same ``command_id`` again asks once and returns what came of the first call.
        """
        return drive(self._engine().ask_consent(tenant, user, line, contact, command_id))

    # --- in a conversation --------------------------------------------------------------------------------------------

    def send(
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
        """Commit a message to the outbox; the dispatcher sends it, and judges it again then.

        With ``hold`` a message that only the closed window keeps back waits for it to open. ``by`` is the line of an offer
        of ``Composer.fall_back``: the message goes by that, in this conversation all the same. Where the organization lets
        messages fall back of themselves, it does so without being told. The same ``command_id`` again sends once. Two calls at once in one conversation are taken one after the other.
        """
        return drive(
            self._engine().send(
                tenant, user, conversation, content, hold=hold, replies_to=replies_to, by=by, command_id=command_id
            )
        )

    def composer(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Composer:
        """What the message field of a conversation may do now, with the reasons."""
        return drive(self._engine().composer(tenant, user, conversation))

    def cost(self, tenant: TenantId, line: LineId, text: str) -> Cost | None:
        """What sending ``text`` by this line would come to, for a message field to show while one types; None on a channel
        that is not paid for by parts.

        Asks the directory alone, so it may be called for every key. Raises ``UsageError`` for an unknown line, and for a
        text that the channel could not send at all.
        """
        return drive(self._engine().cost(tenant, line, text))

    def answer_actions(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> tuple[AnswerAction, ...]:
        """How the customer of a conversation can be answered: an entry for each of the user's lines on which something can
        be sent, with the verdicts on writing freely, on a template and on asking for consent.

        For who left a voicemail or whose call was missed, and can be written to on another channel. Raises ``RefusedError``
        for somebody who may not see the conversation.
        """
        return drive(self._engine().answer_actions(tenant, user, conversation))

    def answer(self, tenant: TenantId, user: UserId, conversation: ConversationId, line: LineId) -> Placement:
        """The user's thread with the customer of a conversation on another line: his latest open one, or a new one.

        Refused where nothing could be written in it. That the customer is in no address book is no obstacle: he called.
        """
        return drive(self._engine().answer(tenant, user, conversation, line))

    def timeline(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        *,
        before: str = "",
        after: str = "",
        limit: int = 50,
    ) -> Timeline:
        """A page of a conversation, newest first: the latest, what is ``before`` a former page, or what came ``after`` it.

        In one order for everybody: by instant, and at equal instants by id. Raises ``RefusedError`` for somebody who may
        not see it.
        """
        return drive(self._engine().timeline(tenant, user, conversation, before=before, after=after, limit=limit))

    def customer_timeline(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        *,
        before: str = "",
        after: str = "",
        limit: int = 50,
    ) -> CustomerTimeline:
        """What was said with the customer of a conversation in all threads on all channels, as far as the user sees it.

        Pages and order are those of ``timeline``, over all records that turned out to be this person. Raises
        ``RefusedError`` for somebody who may not see the conversation.
        """
        return drive(
            self._engine().customer_timeline(tenant, user, conversation, before=before, after=after, limit=limit)
        )

    # --- the inbox ----------------------------------------------------------------------------------------------------

    def inbox(
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
        """The conversations that a user, or a team or queue of his, takes part in, on all channels: the most recently
        active first, each with its last entry, what is unread and held, and its message field.

        ``mine``: only those that he owns. ``unassigned``: instead, those on his lines that nobody owns. ``channel``: only
        of this one. ``unread``: only those with something unread. ``ended``: those that have ended, instead of the open.
        ``before`` and ``after`` are cursors of a former page; a conversation that became active since is found ``after``
        it. A page costs the same whatever there is. Raises ``UsageError`` for both ``mine`` and ``unassigned``.
        """
        from wa_connector.shell.reading import Shelves

        shelves = Shelves(mine, unassigned, channel, unread, ended)
        return drive(self._engine().inbox(tenant, user, shelves, before=before, after=after, limit=limit))

    def search(
        self,
        tenant: TenantId,
        user: UserId,
        text: str,
        *,
        conversation: ConversationId | None = None,
        before: str = "",
        limit: int = 50,
    ) -> SearchPage:
        """The entries in which each word of ``text`` begins a word, of all that the user may see (or of one
        ``conversation``), newest first. Without regard to case and accents; notes and captions are found, too.

        Raises ``RefusedError`` for a conversation that he may not see, and ``UsageError`` where the storage cannot
        search.
        """
        return drive(self._engine().search(tenant, user, text, conversation=conversation, before=before, limit=limit))

    def mark_read(self, tenant: TenantId, user: UserId, conversation: ConversationId, up_to: MessageId) -> Placement:
        """Note that the user has read everything up to an entry. It only goes on: an earlier entry than before changes
        nothing, from whichever device, and what came in meanwhile stays unread.

        What a team or a queue has is read when one of them has read it; who looks on without taking part marks nothing.
        Raises ``UsageError`` for an entry that he does not see.
        """
        return drive(self._engine().mark_read(tenant, user, conversation, up_to))

    def mark_unread(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Placement:
        """Let a conversation count as one unread entry again, until it is read next.

        One that is unread, or that the user does not take part in, is refused with ``NOTHING_TO_DO``.
        """
        return drive(self._engine().mark_unread(tenant, user, conversation))

    def conversations(
        self, tenant: TenantId, user: UserId, *, unassigned: bool = False, team: UserId | None = None, limit: int = 50
    ) -> tuple[Conversation, ...]:
        """The open threads that the user owns, or those that nobody has yet, or a ``team``'s, the most recently active
        first. Raises ``RefusedError`` for a team that he neither is in nor supervises."""
        return drive(self._engine().conversations(tenant, user, unassigned=unassigned, team=team, limit=limit))

    def customer(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> Customer:
        """The customer of a conversation. Raises ``RefusedError`` for somebody who may not see it."""
        return drive(self._engine().customer(tenant, user, conversation))

    # --- who takes part -----------------------------------------------------------------------------------------------

    def add(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        *,
        role: Role = Role.MEMBER,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        """Let a user, a team or a queue take part, as a member or an observer.

        What a newcomer sees of what was before is the setting ``newcomers_see``, settled when he joins. For owners,
        members and those who supervise. Raises ``UsageError`` for somebody whom the directory does not know, and for
        ``Role.OWNER``.
        """
        return drive(self._engine().add(tenant, user, conversation, whom, role=role, command_id=command_id))

    def transfer(
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
        """Give a conversation another owner: a user, a team or a queue. ``note`` is for the next person.

        ``from_owner`` is the owner that the caller saw (None: the unassigned list); of two transfers at once, the second
        is refused with ``OWNER_CHANGED``. The former owner leaves, or with ``stay`` goes on as a member. Messages held by
        those who are no longer in it are the new owner's to answer for. For the owner, members of an owning team, and
        those who supervise. Raises ``UsageError`` for somebody whom the directory does not know.
        """
        return drive(
            self._engine().transfer(
                tenant, user, conversation, to, from_owner=from_owner, note=note, stay=stay, command_id=command_id
            )
        )

    def take(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: CommandId = NO_COMMAND
    ) -> Placement:
        """Become the owner of a conversation on the unassigned list, or of a team's that the user is in.

        Of two at once, one gets it. Whoever writes into such a conversation takes it, too.
        """
        return drive(self._engine().take(tenant, user, conversation, command_id=command_id))

    def leave(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        *,
        then: Leaving | None = None,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        """Take part no longer. An owner says what becomes of it: ``HandOver(to)``, ``EndIt()``, or ``LetGo()``, which puts
        it on the unassigned list; without that he is refused with ``OWNER_NEEDED``.
        """
        return drive(self._engine().leave(tenant, user, conversation, then=then, command_id=command_id))

    def remove(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        *,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        """Let somebody take part no longer: he sends nothing and sees nothing of what comes after.

        For the owner and those who supervise. Only the latter remove an owner: the conversation is on the unassigned
        list then, and what he held is cancelled.
        """
        return drive(self._engine().remove(tenant, user, conversation, whom, command_id=command_id))

    def set_role(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        whom: UserId,
        role: Role,
        *,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        """Make a member an observer, who reads and notes and does not write; or an observer a member.

        For the owner and those who supervise. An owner changes by ``transfer`` alone (``OWNER_NEEDED``).
        """
        return drive(self._engine().set_role(tenant, user, conversation, whom, role, command_id=command_id))

    def mute(self, tenant: TenantId, user: UserId, conversation: ConversationId, *, muted: bool = True) -> Placement:
        """Note that the user wants to hear of a conversation no longer, or again. It is in his ``Participant`` for the
        host to heed, and nobody else is told."""
        return drive(self._engine().mute(tenant, user, conversation, muted=muted))

    def note(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        text: str,
        *,
        command_id: CommandId = NO_COMMAND,
    ) -> Placement:
        """Put a private note into the timeline, which nothing ever sends. The same ``command_id`` again notes once."""
        return drive(self._engine().note(tenant, user, conversation, text, command_id=command_id))

    def end(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: CommandId = NO_COMMAND
    ) -> Placement:
        """End a conversation. What it held is cancelled; what was queued leaves. What the customer writes next begins a
        new one. For the owner."""
        return drive(self._engine().end(tenant, user, conversation, command_id=command_id))

    def restart(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, *, command_id: CommandId = NO_COMMAND
    ) -> Placement:
        """Begin a new conversation with the customer of one that has ended; ``restarted_from`` points back at it.

        The rules are asked as for any beginning, and no consent is revived. Of two at once, the second is refused with
        ``CONVERSATION_OPEN``.
        """
        return drive(self._engine().restart(tenant, user, conversation, command_id=command_id))

    def hand_over_all(
        self, tenant: TenantId, user: UserId, owner: UserId, to: UserId, *, note: str = ""
    ) -> tuple[Placement, ...]:
        """Transfer every open conversation that ``owner`` (who may be disabled, or gone from the directory) still owns, and
        take him out of those in which he is a member or an observer; one result for each.

        What he held is answered for by the owner, or by ``to`` where nobody owns it.

        For those who supervise, and for the owner himself. One commit for each conversation: after a failure in between,
        call it again. Raises ``RefusedError``, and ``UsageError`` for a receiver whom the directory does not know.
        """
        return drive(self._engine().hand_over_all(tenant, user, owner, to, note=note))

    # --- what is held -------------------------------------------------------------------------------------------------

    def held(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> tuple[Message, ...]:
        """What waits for the window in a conversation, in the order in which it would leave.

        Raises ``RefusedError`` for somebody who is not in it.
        """
        return drive(self._engine().held(tenant, user, conversation))

    def cancel_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, message: MessageId
    ) -> Placement:
        """Take a held message back: one's own, or anybody's for the owner and those who supervise.

        One that has left the queue or was cancelled before is refused with ``NOTHING_TO_DO``.
        """
        return drive(self._engine().cancel_held(tenant, user, conversation, message))

    def order_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, messages: Iterable[MessageId]
    ) -> Placement:
        """Let held messages leave in another order: ``messages`` are all that the conversation holds, the first first.

        For those who may write: their own, or everybody's for the owner. Refused with ``NOTHING_TO_DO`` where it holds
        others by now, or holds them in this order.
        """
        return drive(self._engine().order_held(tenant, user, conversation, messages))

    def edit_held(
        self, tenant: TenantId, user: UserId, conversation: ConversationId, message: MessageId, content: Content
    ) -> Placement:
        """Let a held message say something else; it keeps its place and its time to expire, and is the editor's.

        The rules judge the new content. For those who may write: their own, or anybody's for the owner. Raises
        ``UsageError`` for a template, which need not wait.
        """
        return drive(self._engine().edit_held(tenant, user, conversation, message, content))

    # --- files and templates ------------------------------------------------------------------------------------------

    def store_media(self, tenant: TenantId, chunks: Iterable[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        """Put a file into the media store, to be sent afterwards. Raises ``UsageError`` when it is larger than
        ``max_bytes``."""
        self._engine()  # refuses once this is closed
        return self._media.put(tenant, iter(chunks), mime_type, max_bytes)

    def read_media(self, tenant: TenantId, media: MediaRef) -> Iterator[bytes] | None:
        """A stored file in chunks, or None when this tenant has no such file."""
        self._engine()  # as above
        return self._media.read(tenant, media)

    def sync_templates(self, tenant: TenantId, account: AccountId) -> TemplateDiff:
        """Fetch the account's templates from the provider and store them. Raises ``ProviderError``."""
        return drive(self._engine().sync_templates(tenant, account))

    def templates(self, tenant: TenantId, account: AccountId) -> tuple[Template, ...]:
        """The approved templates, by name: what a picker shows."""
        return drive(self._engine().templates(tenant, account))

    # --- evidence -----------------------------------------------------------------------------------------------------

    def record_consent(
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
        """Note a consent that a contact gave elsewhere (``method``: ``web_form``, ``paper``, ``telephone``, ``import`` …).

        ``given_at`` is when, and where it counts: a later STOP still wins. ``text`` is what the person was shown,
        ``attachment`` a stored file that shows it. Staff never undo a person's own no, unless the setting
        ``staff_may_restore`` lets them, with an attachment and a date after it. The same ``source`` (the record's id
        where it comes from) is recorded once, so an import can be run again. Raises ``UsageError`` for a ``given_at``
        that no clock can have shown.
        """
        return drive(
            self._engine().record_consent(
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
        )

    def evidence(self, tenant: TenantId, user: UserId, conversation: ConversationId) -> tuple[Evidence, ...]:
        """All evidence of a conversation's customer: his own chain, then those of records that turned out to be him.

        Raises ``RefusedError`` for somebody who may not see the conversation.
        """
        return drive(self._engine().evidence(tenant, user, conversation))

    def verify_evidence(self, tenant: TenantId) -> Verification:
        """Check every chain of the tenant: nothing changed, removed, added or cut off. Reads all of it."""
        return drive(self._engine().verify_evidence(tenant))

    def anchor_evidence(self, tenant: TenantId) -> Anchor:
        """One digest over all evidence older than five minutes. It is stored; hand it to somebody else as well (print,
        mail or publish it), and no one can rewrite what it covers. Run it periodically."""
        return drive(self._engine().anchor_evidence(tenant))

    def check_anchor(self, tenant: TenantId, anchor: Anchor) -> bool:
        """Whether the evidence of today still contains, unchanged, all that an anchor covers."""
        return drive(self._engine().check_anchor(tenant, anchor))

    def explain(
        self,
        tenant: TenantId,
        user: UserId,
        conversation: ConversationId,
        content: Content | None = None,
        *,
        at: datetime,
    ) -> Explanation:
        """What the rules said at ``at`` about sending ``content`` (None: about writing at all), with the settings of then
        and what was known by then.

        Raises ``RefusedError`` for somebody who may not see the conversation.
        """
        return drive(self._engine().explain(tenant, user, conversation, content, at))

    # --- settings -----------------------------------------------------------------------------------------------------

    def set_setting(
        self, tenant: TenantId, user: UserId, organization: OrganizationId, name: str, value: object
    ) -> Decision:
        """Change a setting (a field of ``Settings``) from this organization down, or take the change back with None.

        For users who supervise, on their own path of organizations. In force from now on; what was decided before stays
        explained by the old value. Raises ``UsageError`` for a name or value that no setting has.
        """
        return drive(self._engine().set_setting(tenant, user, organization, name, value))

    # --- lines --------------------------------------------------------------------------------------------------------

    def stopped_lines(self, tenant: TenantId) -> Mapping[LineId, LineStop]:
        """The lines that the provider does not let send, each with its word for why and when a message tries again."""
        return drive(self._engine().stopped_lines(tenant))

    def resume_line(self, tenant: TenantId, line: LineId) -> bool:
        """Have a stopped line send again at once, once the cause is mended; without this it tries by itself, up to a
        quarter of an hour later. Returns whether it was stopped; what is not mended stops it again.

        Raises ``UsageError`` for a line that the directory does not know.
        """
        return drive(self._engine().resume_line(tenant, line))

    # --- recordings ---------------------------------------------------------------------------------------------------

    def add_transcript(self, tenant: TenantId, message: MessageId, words: str) -> bool:
        """Put words beside a recording that a customer left, for whoever has them later than ``wa_transcribe`` asks: as
        often as there are better ones, and none take the place of some. Screeners see them first, and what they block is
        left out. Returns False where this tenant has no such recording (any longer).

        Raises ``Unavailable`` when a screener cannot be asked now; nothing was changed then.
        """
        return drive(self._engine().add_transcript(tenant, message, words))

    # --- what is parked -----------------------------------------------------------------------------------------------

    def parked(self, tenant: TenantId, *, limit: int = 50) -> tuple[Message, ...]:
        """Messages that wait for a person: of unknown outcome past the grace period, or (``failure.code`` is
        ``restored``) out of a backup that was restored. Reads the tenant's whole outbox, if it has to."""
        return drive(self._engine().parked(tenant, limit))

    def resend_parked(self, tenant: TenantId, message: MessageId) -> bool:
        """Send a parked message (again): it takes its old place in its lane, and is judged when it leaves. Returns False
        where it is not parked, or no longer."""
        return drive(self._engine().settle_parked(tenant, message, resend=True))

    def cancel_parked(self, tenant: TenantId, message: MessageId) -> bool:
        """Do not send a parked message. Returns False where it is not parked, or no longer."""
        return drive(self._engine().settle_parked(tenant, message, resend=False))

    def accept_restore(self, tenant: TenantId, *, resend: bool) -> int:
        """After ``BackupRestored``: send everything that is in doubt, at the risk that it arrives twice, or cancel it all;
        then nothing is in doubt any longer. Returns how many messages that were. What was decided on one by one
        (``resend_parked``, ``cancel_parked``) stays so. May be called again when it was interrupted."""
        return drive(self._engine().accept_restore(tenant, resend=resend))

    # --- the log, and what was kept -----------------------------------------------------------------------------------

    def events(self, tenant: TenantId, *, after: str = "", limit: int = 500) -> EventPage:
        """The tenant's events behind a cursor ('' for the beginning), in the order of the log; ``page.cursor`` is where to
        go on. Whoever stores it with what he made of the events misses none and takes none twice, whatever dies when.
        """
        return drive(self._engine().events(tenant, after, limit))

    def push(self, tenant: TenantId) -> Pushed:
        """Give every notice that is due to the ``wa_push`` hooks, by a cursor that the storage keeps.

        To be called after ``wa_events_committed``, and now and then. A notice that a hook fails to take is given again by
        the next call, and those behind it wait; when it is older than the setting ``push_for`` it is dropped. Two calls
        at once may give the same notice twice, with the same ``id``.
        """
        return drive(self._engine().push(tenant))

    def quarantine(self, tenant: TenantId, *, limit: int = 50) -> tuple[Kept, ...]:
        """Inbound elements that were kept for inspection, the latest first."""
        return drive(self._engine().quarantine(tenant, limit))

    def schema(self) -> SchemaState:
        """Which version of its tables the storage has, and which this release knows. Changes nothing.

        Raises ``UsageError`` for a storage without such versions (one in memory).
        """
        return drive(self._engine().schema())

    def upgrade(self) -> SchemaState:
        """Bring the storage's tables to this release's version: what ``wa-connector db upgrade`` does. Stop what uses the
        storage, and take a backup, before; a second call does nothing."""
        return drive(self._engine().upgrade())

    # --- what is kept, and for how long -------------------------------------------------------------------------------

    def find_customer(self, tenant: TenantId, user: UserId, address: Address) -> Customer | None:
        """Whoever has an address now (``number("+1650…")`` makes one); None when nobody has. For those who supervise."""
        return drive(self._engine().find_customer(tenant, user, address))

    def forget_customer(self, tenant: TenantId, user: UserId, customer: CustomerId, *, why: str) -> Requested:
        """Make a job that removes what identifies a person: name, addresses, texts, pictures, notes about him, and what
        is queued to him. ``run_jobs`` does it.

        Evidence goes on to verify, without the person in it. What he refused holds if he comes again: it stays under a
        keyed digest of each of his addresses. The same person again gives the same job. A legal hold delays it until it
        ends. For those who supervise. Raises ``UsageError`` for a customer that this tenant does not have.
        """
        return drive(self._engine().forget_customer(tenant, user, customer, why))

    def retain(self, tenant: TenantId, user: UserId, *, why: str = "") -> Requested:
        """Make a job that drops what is older than the root organization's settings (``keep_messages`` and so on) say now;
        ``run_jobs`` does it. While one is open, it is that one. Passes over what a legal hold is on. For those who
        supervise."""
        return drive(self._engine().retain(tenant, user, why))

    def place_hold(
        self,
        tenant: TenantId,
        user: UserId,
        *,
        customer: CustomerId | None = None,
        organization: OrganizationId | None = None,
        why: str,
        until_at: datetime | None = None,
    ) -> Hold:
        """Let nothing of a customer, or of an organization's lines, be removed: before ``until_at``, or until it is lifted.

        Several holds stand beside each other. One that is placed while a job runs stops it before its next step. Raises
        ``RefusedError`` for somebody who does not supervise, and ``UsageError`` without a reason.
        """
        return drive(
            self._engine().place_hold(
                tenant, user, customer=customer, organization=organization, why=why, until_at=until_at
            )
        )

    def lift_hold(self, tenant: TenantId, user: UserId, subject: str, hold: HoldId) -> Hold:
        """End a hold; ``subject`` and ``hold.id`` are in ``holds``. What it delayed goes on with the next ``run_jobs``.

        Raises ``RefusedError`` for somebody who does not supervise, and for a hold that is lifted already.
        """
        return drive(self._engine().lift_hold(tenant, user, subject, hold))

    def holds(self, tenant: TenantId, user: UserId) -> tuple[HeldSubject, ...]:
        """All legal holds there are and were, with who placed and lifted them and why. For those who supervise."""
        return drive(self._engine().holds(tenant, user))

    def jobs(self, tenant: TenantId) -> tuple[Job, ...]:
        """All jobs of a tenant: open, held, and done."""
        return drive(self._engine().jobs(tenant))

    def run_jobs(
        self,
        tenant: TenantId,
        *,
        told: Callable[[Job], object] = silently,
        is_stopping: Callable[[], bool] = never,
    ) -> tuple[Job, ...]:
        """Run the tenant's jobs until each is done or held; each as it is then.

        A step looks at a hundred rows and is one commit; ``told`` gets the job after each (it runs between two commits),
        and ``is_stopping`` is asked before each. What was interrupted, by that or by a crash, goes on with the next call,
        of whatever process; two at once do each step once.
        """
        return drive(self._engine().run_jobs(tenant, told, is_stopping))

    def export(
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
        """Write what was said with a customer, what a user took part in, or all of a period ``[since_at, until_at)``, into a
        folder: JSON Lines, transcripts with pictures, and last a manifest of hashes (``verify_export`` checks it).

        Called again with the same folder and the same extent, it goes on where it was interrupted. ``told`` gets the
        number of customers done. For those who supervise. Raises ``RefusedError``, and ``UsageError`` for a folder that
        holds something else and for a customer that this tenant does not have.
        """
        from pathlib import Path

        from wa_connector.shell.exporting import Extent

        extent = Extent(customer, of_user, since_at, until_at)
        return drive(self._engine().export(tenant, user, Path(folder), extent, told))

    def _engine(self) -> Engine:
        if self._is_closed:
            raise UsageError("this connector is closed; build a new one")
        return self._shell

    # --- life ---------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release what is open in this process. A second call does nothing; any other call afterwards is refused.

        Never raises: a part that cannot be closed is reported in the log, and keeps no other open. As bounded in time as
        the parts are.
        """
        if self._is_closed:
            return
        self._is_closed = True
        for closing in self._shell.closings():
            drive(closing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()
