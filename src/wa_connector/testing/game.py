"""A real connector at play with the customers of a host in memory, and the story of each as an oracle can be told it.

Rules of this file: whoever plays says who does what and when (``hears``, ``asks``, ``writes`` …); the game lets the
connector do it, watches what leaves, and keeps the story. What leaves is judged at the very instant at which it leaves,
as the transport sees it: ``Game.departures`` lists it, and after one that no rule allows the turn ends with an
``AssertionError`` that says why.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import evolve, frozen

from wa_connector.decide.sending import Placement
from wa_connector.errors import BodyMalformed
from wa_connector.model.address import number
from wa_connector.model.capability import Capabilities
from wa_connector.model.consent import Purpose, Signal, Stage
from wa_connector.model.contact import Contact
from wa_connector.model.content import Call, CallDirection, Content, TemplateMessage
from wa_connector.model.decision import Reason
from wa_connector.model.directory import App
from wa_connector.model.ids import ContactId, ConversationId, MessageId, OrganizationId, ProviderId
from wa_connector.model.inbound import (
    Inbound,
    InboundItem,
    InboundMessage,
    InboundPreference,
    InboundStatus,
    Report,
    Sender,
)
from wa_connector.model.message import BySystem, ByUser, Message, MessageStatus, NoticeKind
from wa_connector.model.outbound import Accepted, Correction, Envelope, OutcomeUnknown, Rejected, SendOutcome
from wa_connector.model.setting import DEFAULTS
from wa_connector.ports.channel import WebhookReply, WebhookRequest
from wa_connector.ports.rows import MESSAGE
from wa_connector.ports.storage import Scan
from wa_connector.testing.agreement import content_of
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARL, CARLS_NUMBER, LINE, SUE, MemoryHost
from wa_connector.testing.oracle import Oracle
from wa_connector.testing.story import Happened, Kind

DORA: Final = ContactId("dora")
NUMBERS: Final[Mapping[ContactId, str]] = {CARL: CARLS_NUMBER, DORA: "+16505555678"}
"""The customers: both are contacts."""
DAY: Final = timedelta(hours=24)
_ENOUGH: Final = 200


@frozen
class Departure:
    """What a transport was given, when, and what it answered."""

    at: datetime
    contact: ContactId
    message: Message
    outcome: SendOutcome

    @property
    def is_free_form(self) -> bool:
        """Whether the window speaks of it."""
        return not isinstance(self.message.content, TemplateMessage)

    @property
    def by_user(self) -> bool:
        """Whether a user wrote it, and not the system."""
        return isinstance(self.message.author, ByUser)


class _Told:
    """A channel that reads what the game has put down: a body lists the numbers of the items."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self.items: list[InboundItem] = []

    def handshake(self, app: App, request: WebhookRequest) -> WebhookReply | None:  # noqa: ARG002 - the port's signature
        return None

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:  # noqa: ARG002 - as above
        try:
            numbers = json.loads(request.body)
        except ValueError as error:
            raise BodyMalformed("the body lists no items") from error
        return [Inbound("provider-1", "phone-1", self.items[place]) for place in numbers]


class Game:
    """``host`` is a fresh one, in which nothing has happened; ``plugins`` are a host's own, its rules for example.

    ``stories`` holds what each customer's oracle is told; ``departures`` what left, in order.
    """

    def __init__(self, host: MemoryHost, plugins: Iterable[object] = ()) -> None:
        self.host = host
        self.clock = host.clock
        self._told = _Told(host.channel.capabilities)
        host.channel = self._told
        contacts = [Contact(name, name.title(), (number(value),)) for name, value in NUMBERS.items()]
        host.contacts = MemoryContacts({ACME: contacts})
        self.connector = host.connector(plugins=plugins)
        self.connector.sync_templates(ACME, ACCOUNT)
        self.policy = DEFAULTS
        self.stories: dict[ContactId, tuple[Happened, ...]] = dict.fromkeys(NUMBERS, ())
        self.departures: list[Departure] = []
        self.held: dict[ContactId, list[MessageId]] = {name: [] for name in NUMBERS}
        self._fouls: list[str] = []
        self.next_outcome: str = "accepted"
        """What the transport does with what it is given next: ``accepted``, ``window`` (refused for a closed one),
        ``undelivered`` (refused for another reason) or ``lost`` (no answer comes)."""

    # --- what is known ----------------------------------------------------------------------------------------------

    line = LINE
    """On which all of it happens."""

    def oracle(self, contact: ContactId) -> Oracle:
        """Who knows all that happened with this customer."""
        return Oracle(self.stories[contact], policy=self.policy)

    def tell(self, contact: ContactId, *entries: Happened) -> None:
        """Add to a customer's story."""
        self.stories[contact] += entries

    def messages(self) -> list[Message]:
        """Every message of the tenant, in no particular order."""
        page = self.host.storage.scan(Scan("message", "key", (ACME,), 100_000))
        return [row.value for _, row in page.rows]

    def notices_for(self, entry: Happened) -> list[NoticeKind]:
        """What the system placed by itself because of this message."""
        inbound = [m for m in self.messages() if m.provider_id == entry.id and m.is_inbound]
        causes = {message.id for message in inbound}
        authors = [message.author for message in self.messages()]
        return sorted(
            (author.notice for author in authors if isinstance(author, BySystem) and author.cause in causes),
            key=list(NoticeKind).index,
        )

    # --- what customers and the provider do -------------------------------------------------------------------------

    def hears(self, contact: ContactId, *entries: Happened) -> None:
        """Bring these in one webhook, and let what follows from them happen. They are known from now on."""
        known = [self.believed(entry) for entry in entries]
        self.bring(contact, *known)
        for entry in known:
            notices = self.oracle(contact).notices(entry)
            asking_at = self.oracle(contact).after(entry).asking_at(self.clock.now)
            self.tell(contact, entry)
            if NoticeKind.OPT_IN_REQUEST in notices:
                self.tell(contact, self._asked(f"again {entry.id}", asking_at))
        self.dispatch()

    def believed(self, entry: Happened) -> Happened:
        """The entry as it comes in now, dated as providers date: in whole seconds."""
        return evolve(entry, at=entry.at.replace(microsecond=0), known_at=self.clock.now, line="line-1")

    def reports(self, number: int, report: Report) -> None:
        """The provider reports on what left as number ``number``, from 1."""
        now = self.clock.now
        before = self._departed(number)
        self.bring_report(number, report)
        after = self._departed(number)
        if before is None or after is None or not _is_request(after):
            return
        contact = self.departures[number - 1].contact
        if after.status is MessageStatus.FAILED and before.status is not MessageStatus.FAILED:
            failed_at, named = max(after.status_at, after.at), f"{after.id} not delivered"
            self.tell(contact, Happened(Kind.NOTED, failed_at, now, named, says=Signal.NOT_DELIVERED))
        if report in (Report.DELIVERED, Report.READ):
            reached_at, named = max(now.replace(microsecond=0), after.at), f"{after.id} {report.value}"
            self.tell(contact, Happened(Kind.NOTED, reached_at, now, named, says=Signal.DELIVERED))

    def bring_report(self, number: int, report: Report) -> None:
        """A webhook with a report, perhaps on something that never left; whatever follows is not waited for."""
        self.deliver([InboundStatus(ProviderId(f"out {number}"), self.clock.now.replace(microsecond=0), report)])

    def _departed(self, number: int) -> Message | None:
        if number > len(self.departures) or not isinstance(self.departures[number - 1].outcome, Accepted):
            return None
        key = MESSAGE.of(ACME, self.departures[number - 1].message.id)
        message: Message = self.host.storage.load([key]).rows[key].value
        return message

    def bring(self, contact: ContactId, *entries: Happened) -> None:
        """A webhook with these; whatever follows is not waited for."""
        self.deliver([_item(entry, contact) for entry in entries])

    def deliver(self, items: Sequence[InboundItem]) -> None:
        """A webhook with these items; nothing else happens."""
        places = range(len(self._told.items), len(self._told.items) + len(items))
        self._told.items += items
        request = WebhookRequest("/hook", "POST", "https://host.example/hook", {}, json.dumps(list(places)).encode())
        result = self.connector.handle_webhook(request)
        assert (result.reply.status, result.kept) == (200, 0), result

    def _asked(self, named: str, at: datetime) -> Happened:
        return Happened(Kind.NOTED, at, self.clock.now, named, says=Signal.ASKED)

    # --- what users do ------------------------------------------------------------------------------------------------

    def asks(self, contact: ContactId) -> Placement:
        """Ana asks for consent."""
        asking_at = self.oracle(contact).asking_at(self.clock.now)
        placement = self.connector.ask_consent(ACME, ANA, LINE, contact)
        if placement.message is not None:
            self.tell(contact, self._asked(placement.message, asking_at))
            self.dispatch()
        return placement

    def writes(self, contact: ContactId, content: Content, *, hold: bool = False) -> Placement:
        """Ana writes in her conversation with this customer, or tries to begin one."""
        thread = self.thread(contact)
        if thread is None:
            begun = self.connector.start(ACME, ANA, LINE, contact)
            if begun.conversation is None:
                return begun
            thread = begun.conversation
        placement = self.connector.send(ACME, ANA, thread, content, hold=hold)
        if placement.message is not None and placement.decision.reason is Reason.WINDOW_CLOSED:
            self.held[contact].append(placement.message)
            self.tell(contact, Happened(Kind.HELD, self.clock.now, self.clock.now, placement.message))
        self.dispatch()
        return placement

    def records(self, contact: ContactId, given_at: datetime, named: str) -> Reason:
        """Ana notes a consent that was given elsewhere."""
        recorded = self.connector.record_consent(
            ACME, ANA, LINE, contact, given_at=given_at, method="paper", purposes=(Purpose.CONVERSATION,), source=named
        )
        if recorded.customer is not None:
            entry = Happened(Kind.NOTED, given_at, self.clock.now, named, says=Signal.RECORDED)
            self.tell(contact, entry)
        return recorded.decision.reason

    def sets(self, **values: Any) -> None:
        """Sue changes settings of the organization, for all that comes after."""
        for name, value in values.items():
            decision = self.connector.set_setting(ACME, SUE, OrganizationId(ACME), name, value)
            assert decision.is_allowed, decision
        current = evolve(self.settings, **values)
        for contact in self.stories:
            self.tell(contact, Happened(Kind.SETTINGS, self.clock.now, self.clock.now, "", settings=current))

    @property
    def settings(self) -> Any:
        """Those in force now."""
        return self.oracle(CARL).settings()

    def thread(self, contact: ContactId) -> ConversationId | None:
        """Ana's open conversation with this customer, or one that she may take."""
        (action,) = self.connector.contact_actions(ACME, ANA, contact)
        return action.conversation

    def verdicts(self, contact: ContactId) -> dict[str, Reason]:
        """What the screens of the host would say now."""
        (action,) = self.connector.contact_actions(ACME, ANA, contact)
        return {"write": action.write.reason, "ask": action.ask.reason}

    # --- what leaves --------------------------------------------------------------------------------------------------

    def dispatch(self) -> None:
        """Let leave what may leave now."""
        for _ in range(_ENOUGH):
            self.host.transport.answers.extend([self._sees] * _ENOUGH)
            is_idle = self.connector.dispatcher.run_once() == 0
            self.host.transport.answers.clear()
            assert not self._fouls, self._fouls[0]
            if is_idle:
                return
        raise AssertionError("the outbox never comes to rest")

    def _sees(self, envelope: Envelope) -> SendOutcome:
        key = MESSAGE.of(ACME, envelope.message)
        message: Message = self.host.storage.load([key]).rows[key].value
        contact = next(name for name, value in NUMBERS.items() if value == envelope.to.value)
        departure = Departure(self.clock.now, contact, message, self._outcome(message))
        self.departures.append(departure)
        problem = self.problem_with(departure)
        # Not raised here: what a transport raises is an unknown outcome, and nobody would hear of it.
        self._fouls += [problem] if problem else []
        self._learn(departure)
        return departure.outcome

    def problem_with(self, departure: Departure) -> str:
        """What is wrong with it, in the plainest words; '' for nothing."""
        story, message, now = self.stories[departure.contact], departure.message, departure.at
        oracle = self.oracle(departure.contact)
        stage, notice = oracle.stage(), message.author.notice if isinstance(message.author, BySystem) else None
        signs = [e.at for e in oracle.told() if e.kind in (Kind.WROTE, Kind.CALLED)]
        if departure.is_free_form and not any(now - at < DAY for at in signs):
            return "something free-form left outside the window"
        if departure.by_user and stage is not Stage.GRANTED:
            was_asked = stage is not Stage.UNKNOWN
            if was_asked or not any(now - at < DAY for at in signs):
                return f"what a user wrote left to a customer who is {stage.value}"
        if stage is Stage.REVOKED and notice not in (NoticeKind.STOP, NoticeKind.HELP):
            return "something left after STOP that is neither its confirmation nor an answer to HELP"
        if notice is NoticeKind.STOP and not any(entry.says is Signal.STOP for entry in story):
            return "a STOP was confirmed that nobody wrote"
        before = [d for d in self.departures[:-1] if d.message.id == message.id]
        if any(not isinstance(d.outcome, OutcomeUnknown) for d in before):
            return "one message left twice"
        place = self.held[departure.contact]
        if message.id in place:
            left = [d.message.id for d in self.departures if d.message.id in place]
            if left != sorted(left, key=place.index):
                return "held messages left in another order than they were written"
        return ""

    def _outcome(self, message: Message) -> SendOutcome:
        what, self.next_outcome = self.next_outcome, "accepted"
        if what == "window" and not isinstance(message.content, TemplateMessage):
            return Rejected("131047", "the window is closed", Correction.WINDOW_CLOSED)
        if what == "undelivered":
            return Rejected("131026", "it cannot be delivered", Correction.NONE)
        return OutcomeUnknown("time-out") if what == "lost" else Accepted(ProviderId(f"out {len(self.departures) + 1}"))

    def _learn(self, departure: Departure) -> None:
        message, now, outcome = departure.message, departure.at, departure.outcome
        if isinstance(outcome, Accepted):
            self.tell(departure.contact, Happened(Kind.SENT, now, now, f"sent {message.id}"))
        elif isinstance(outcome, Rejected):
            if outcome.correction is Correction.WINDOW_CLOSED:
                self.tell(departure.contact, Happened(Kind.WINDOW_REFUSED, now, now, f"refused {message.id}"))
            if _is_request(message):
                named = f"{message.id} not delivered"
                self.tell(departure.contact, Happened(Kind.NOTED, now, now, named, says=Signal.NOT_DELIVERED))


def _is_request(message: Message) -> bool:
    return isinstance(message.author, BySystem) and message.author.notice is NoticeKind.OPT_IN_REQUEST


def _item(entry: Happened, contact: ContactId) -> InboundItem:
    sender, named = Sender((number(NUMBERS[contact]),)), ProviderId(entry.id)
    if entry.kind is Kind.NOTED:
        wants = {Signal.MARKETING_STOPPED: False, Signal.MARKETING_RESUMED: True}
        assert entry.says is not None
        return InboundPreference(named, entry.at, sender, wants[entry.says])
    content = Call(CallDirection.CUSTOMER) if entry.kind is Kind.CALLED else content_of(entry)
    return InboundMessage(named, entry.at, sender, content, opens_window=entry.kind is not Kind.NODDED)


__all__ = ["DAY", "DORA", "NUMBERS", "Departure", "Game"]
