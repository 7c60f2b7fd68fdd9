"""A desk at which one decider after another is put to a storage in memory, with nothing else around it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest

from wa_connector.decide.delivering import Handed, Record, Take, Taken, hand_over, record_outcome
from wa_connector.decide.draft import Draft, Known, Needs, Ready, Refused, Seed, run
from wa_connector.decide.ground import Ground
from wa_connector.decide.receiving import ReceiveMessage, ReceiveStatus, receive_message, receive_status
from wa_connector.decide.sending import AskForConsent, Placement, SendMessage, ToContact, ask_consent, send
from wa_connector.decide.templates import SyncTemplates, sync_templates
from wa_connector.model.consent import ChannelConsent, ConsentRecord, Evidence
from wa_connector.model.contact import Contact
from wa_connector.model.content import Content, Text
from wa_connector.model.conversation import Conversation, Pair
from wa_connector.model.customer import Customer
from wa_connector.model.decision import Reason
from wa_connector.model.event import Happening
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, ProviderId, TenantId, UserId
from wa_connector.model.inbound import InboundMessage, InboundStatus, Report, Sender
from wa_connector.model.message import Message
from wa_connector.model.outbound import Accepted, SendOutcome
from wa_connector.model.queue import LeasedLane, OutboxEntry, Work
from wa_connector.model.window import Window
from wa_connector.ports.rows import (
    ADDRESS,
    CONSENT,
    CONVERSATION,
    CUSTOMER,
    EVIDENCE,
    MESSAGE,
    OUTBOX,
    PAIR,
    Key,
    window_of,
)
from wa_connector.ports.storage import COMMITTED, Change, Range, Snapshot, Storage
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, CARLS_NUMBER, LINE, TEMPLATES, MemoryHost, address_of

R = TypeVar("R")
_LEASE = timedelta(minutes=2)


class Desk:
    """``do`` decides and commits; the other verbs are the common cases of it."""

    def __init__(self, host: MemoryHost) -> None:
        self.host = host
        self.storage: Storage = host.storage
        self.change: Change | None = None
        self._commands = 0
        self._lanes: dict[tuple[CustomerId, Work], LeasedLane] = {}

    # --- any decider ------------------------------------------------------------------------------------------------

    def answer(self, decider: Callable[..., R], *arguments: Any) -> Ready[R] | Refused | Known:
        """What the decider says, everything loaded that it asks for."""
        self._commands += 1
        seed = Seed(f"c{self._commands}", f"secret {self._commands}")
        snapshot = Snapshot()
        while True:
            answer = run(_bound(decider, arguments), None, snapshot, ACME, self.host.clock.now, seed)
            if not isinstance(answer, Needs):
                return answer
            snapshot = self.storage.load(answer.wanted).joined(snapshot)

    def do(self, decider: Callable[..., R], *arguments: Any) -> R:
        """Decide, commit, and give the result."""
        answer = self.answer(decider, *arguments)
        assert isinstance(answer, Ready), answer
        if not answer.change.is_empty:
            assert list(self.storage.commit([answer.change])) == [COMMITTED]
        self.change = answer.change
        return answer.result

    def refusal(self, decider: Callable[..., Any], *arguments: Any) -> Reason:
        answer = self.answer(decider, *arguments)
        assert isinstance(answer, Refused), answer
        return answer.decision.reason

    @property
    def told(self) -> Sequence[Happening]:
        """The events of the last commit."""
        assert self.change is not None
        return self.change.events

    def later(self, **span: float) -> datetime:
        self.host.clock.advance(timedelta(**span))
        return self.host.clock.now

    @property
    def now(self) -> datetime:
        return self.host.clock.now

    # --- verbs ------------------------------------------------------------------------------------------------------

    def ground(self, user: UserId | None = None, tenant: TenantId = ACME) -> Ground:
        setup = self.host.directory.line(tenant, LINE)
        assert setup is not None
        seat = self.host.directory.user(tenant, user) if user else None
        return Ground.of(setup, self.host.channel.capabilities, seat)

    def message(
        self,
        content: Content | str = "Hello",
        *,
        at: datetime | None = None,
        sender: Sequence[str] = (CARLS_NUMBER,),
        named: str = "",
        name: str = "",
        opens_window: bool = True,
    ) -> ReceiveMessage:
        self._commands += 1
        item = InboundMessage(
            ProviderId(named or f"in-{self._commands}"),
            at or self.now,
            Sender(tuple(map(address_of, sender)), name),
            Text(content) if isinstance(content, str) else content,
            opens_window=opens_window,
        )
        return ReceiveMessage(self.ground(), item)

    def receive(self, content: Content | str = "Hello", **more: Any) -> Message:
        """A customer's message, taken."""
        return self.stored(self.do(receive_message, self.message(content, **more)))

    def take(self, command: ReceiveMessage) -> None:
        """A customer's message, taken, or known already."""
        if isinstance(self.answer(receive_message, command), Ready):
            self.do(receive_message, command)

    def report(
        self, report: Report, message: Message | None = None, *, named: str = "", **more: Any
    ) -> MessageId | None:
        """A provider's report, taken."""
        known_as = named or (message.provider_id if message else None) or "out-1"
        more = {"at": self.now, "message": message.id if message else None, **more}
        return self.do(
            receive_status, ReceiveStatus(self.ground(), InboundStatus(ProviderId(known_as), report=report, **more))
        )

    def to_contact(self, user: UserId = ANA, contact: Contact | None = None, command: str = "") -> ToContact:
        found = contact or self.host.contacts.get(ACME, user, CARL)
        return ToContact(self.ground(user), found, command=command)

    def ask(self, user: UserId = ANA, **more: Any) -> Placement:
        """The opt-in request, queued."""
        self._commands += 1
        return self.do(ask_consent, AskForConsent(self.to_contact(user, **more), MessageId(f"ask-{self._commands}")))

    def sending(
        self, thread: ConversationId, content: Content | str = "Hi", user: UserId = ANA, **more: Any
    ) -> SendMessage:
        self._commands += 1
        words = Text(content) if isinstance(content, str) else content
        return SendMessage(self.ground(user), thread, words, MessageId(f"m-{self._commands}"), **more)

    def send(self, thread: ConversationId, content: Content | str = "Hi", user: UserId = ANA, **more: Any) -> Message:
        """A user's message, queued or held."""
        placed = self.do(send, self.sending(thread, content, user, **more))
        assert placed.message is not None
        return self.stored(placed.message)

    def granted(self) -> ConversationId:
        """A thread of Ana's with a customer who agreed just now."""
        asked = self.ask()
        assert asked.message is not None
        assert asked.conversation is not None
        self.deliver(self.stored(asked.message))
        self.receive("Yes")
        return asked.conversation

    def lane(self, customer: CustomerId, work: Work = Work.SEND) -> LeasedLane:
        """The lease of a lane, the same one until it is let go."""
        if (customer, work) not in self._lanes:
            far = self.now + timedelta(days=365)
            for lane in self.storage.claim((work,), 100, far, _LEASE):
                self._lanes[lane.key.customer, work] = lane
        return self._lanes[customer, work]

    def taking(self, message: Message, user: UserId | None = None, work: Work = Work.SEND) -> Take:
        entry: OutboxEntry | None = self.row(OUTBOX.of(ACME, work.value, message.id))
        customer = entry.customer if entry else message.customer
        return Take(self.ground(user), self.lane(customer, work), message.id)

    def hand_over(self, message: Message, user: UserId | None = None) -> Taken:
        return self.do(hand_over, self.taking(message, user))

    def outcome(self, message: Message, outcome: SendOutcome) -> Message:
        command = Record(self.ground(), self.lane(message.customer), message.id, outcome)
        self.do(record_outcome, command)
        return self.stored(message.id)

    def deliver(self, message: Message, outcome: SendOutcome | None = None, user: UserId | None = None) -> Message:
        """Hand a queued message over, and record what came of it."""
        assert isinstance(self.hand_over(message, user), Handed)
        return self.outcome(message, outcome or Accepted(ProviderId(f"out-{message.id}")))

    def templates(self, *names: str) -> None:
        listed = [template for template in TEMPLATES if not names or template.name in names]
        self.do(sync_templates, SyncTemplates(ACCOUNT, listed))

    # --- what is stored ---------------------------------------------------------------------------------------------

    def row(self, key: Key) -> Any:
        return self.storage.load([key]).rows[key].value

    def stored(self, message: MessageId) -> Message:
        found: Message = self.row(MESSAGE.of(ACME, message))
        return found

    def entry(self, message: Message, work: Work = Work.SEND) -> OutboxEntry | None:
        found: OutboxEntry | None = self.row(OUTBOX.of(ACME, work.value, message.id))
        return found

    def thread(self, thread: ConversationId) -> Conversation:
        found: Conversation = self.row(CONVERSATION.of(ACME, thread))
        return found

    def customer(self, customer: CustomerId) -> Customer:
        found: Customer = self.row(CUSTOMER.of(ACME, customer))
        return found

    def holder(self, address: str) -> CustomerId | None:
        record = self.row(ADDRESS.of(ACME, *address_of(address).lookup))
        holder: CustomerId | None = record.holder if record else None
        return holder

    def consents(self, customer: CustomerId) -> ConsentRecord:
        return self.row(CONSENT.of(ACME, customer)) or ConsentRecord()

    def consent(self, customer: CustomerId, channel: str = "plain") -> ChannelConsent:
        return self.consents(customer).on(channel)

    def evidence(self, customer: CustomerId) -> list[Evidence]:
        wanted = Range(EVIDENCE.name, "key", (ACME, customer), 1000)
        found = self.storage.load([wanted])
        return [found.rows[key].value for key in found.ranges[wanted]]

    def pair(self, customer: CustomerId) -> Pair:
        found: Pair = self.row(PAIR.of(ACME, customer, LINE))
        return found

    def window(self, customer: CustomerId) -> Window:
        key = PAIR.of(ACME, customer, LINE)
        return window_of(self.storage.load([key]).rows[key].merged)

    def messages(self) -> list[Message]:
        """All messages, in the order in which they were stored."""
        wanted = Range(MESSAGE.name, "key", (ACME,), 1000)
        found = self.storage.load([wanted])
        return [found.rows[key].value for key in found.ranges[wanted]]


def _bound(decider: Callable[..., R], arguments: tuple[Any, ...]) -> Callable[[Draft, None], R]:
    return lambda draft, _: decider(draft, *arguments)


@pytest.fixture
def make_desk() -> Callable[..., Desk]:
    """A desk with the organization's settings as given; templates are there."""

    def make(settings: Mapping[str, object] | None = None, **host: Any) -> Desk:
        desk = Desk(MemoryHost(settings=settings, **host))
        desk.templates()
        return desk

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()
