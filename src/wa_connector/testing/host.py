"""A small host that is all there, for tests of what embeds or extends the SDK::

    host = MemoryHost()
    with host.connector() as connector:  # or host.connector("aio"): the same calls, on an event loop
        connector.handle_webhook(host.webhook(host.said("Hello")))

Storage, directory, contacts and files are in memory; the channel ``plain`` speaks a JSON of its own (``PlainChannel``
says which), with rules like WhatsApp's; the transport does what the test tells it to. Two tenants share one app: what a
test needs is mostly there, and the constants below name it.

Rules of this file: a test's text is the same under both faces; time stands still unless the test moves it; whoever looks
for what happened finds lists.
"""

import inspect
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self, cast, final

from attrs import evolve, frozen

from wa_connector.direct.connector import Connector
from wa_connector.errors import BodyMalformed, SignatureInvalid, UsageError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.capability import Capabilities, MediaLimits
from wa_connector.model.contact import Contact
from wa_connector.model.content import (
    ButtonReply,
    Buttons,
    Content,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
    Unsupported,
)
from wa_connector.model.directory import Account, App, ChannelSwitch, Line, LineSetup, Organization, Seat, User
from wa_connector.model.event import Happening
from wa_connector.model.ids import (
    AccountId,
    AppId,
    ContactId,
    LineId,
    MessageId,
    OrganizationId,
    ProviderId,
    TenantId,
    UserId,
)
from wa_connector.model.inbound import (
    Inbound,
    InboundItem,
    InboundMessage,
    InboundPreference,
    InboundStatus,
    Report,
    Sender,
    Unreadable,
)
from wa_connector.model.outbound import Accepted, Correction, Envelope, Fetched, FetchOutcome, SendOutcome
from wa_connector.model.secret import Secret
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.ports.channel import Channel, WebhookReply, WebhookRequest
from wa_connector.ports.hooks import hookimpl
from wa_connector.ports.media import MediaStore
from wa_connector.ports.storage import Storage
from wa_connector.testing.clock import VirtualClock
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.media import MemoryMediaStore
from wa_connector.testing.memory import MemoryStorage

NOON: Final = VirtualClock().now
ACME: Final = TenantId("acme")
GLOBEX: Final = TenantId("globex")
ANA: Final = UserId("ana")
BEN: Final = UserId("ben")
SUE: Final = UserId("sue")
"""She supervises."""
DAN: Final = UserId("dan")
SUPPORT: Final = UserId("support")
"""A team, of Ben and Dan."""
GUS: Final = UserId("gus")
"""The one of the other tenant."""
ACCOUNT: Final = AccountId("account")
LINE: Final = LineId("line")
CARL: Final = ContactId("carl")
CARLS_NUMBER: Final = "+16505551234"
ENDPOINT: Final = "/hook"
TEXTS_ENDPOINT: Final = "/texts"
SIGNATURE: Final = "signed"

PLAIN: Final = Capabilities(
    channel="plain",
    label="Plain",
    asks_opt_in=True,
    window=timedelta(hours=24),
    has_templates=True,
    contents=frozenset({Text, Image, Buttons, TemplateMessage}),
    max_text=4096,
    max_caption=1024,
    images=MediaLimits(frozenset({"image/png"}), 1024),
    max_buttons=3,
    max_button_title=20,
    max_buttons_body=1024,
)


TEXTS_LINE: Final = LineId("texts-line")
TEXTS: Final = Capabilities(
    channel="texts",
    label="Texts",
    asks_opt_in=False,
    window=None,
    has_templates=False,
    contents=frozenset({Text}),
    sends_to=(AddressKind.NUMBER,),
    max_text=160,
    takes_over=True,
)


@frozen
class PlainChannel:
    """A channel whose webhook is ``{"elements": [...]}``, signed by naming the secret in the header ``x-secret``.

    Every element names ``account`` and ``line`` by the provider's ids. A message has ``id``, ``at`` (seconds), ``from``
    (addresses: ``+1650…``, ``wa:1650…``, ``bsuid:…``, ``parent:…``), ``name``, and one of ``text``, ``image`` (a
    provider's handle), ``tap`` (payload and title) or ``kind`` (anything else, which opens no window). A report has
    ``report`` and ``id``, ``at``, ``message``, ``to``, ``error``, ``correction``; a preference ``wants_marketing`` and
    what a message has.
    """

    capabilities: Capabilities = PLAIN

    def handshake(self, app: App, request: WebhookRequest) -> WebhookReply | None:
        if request.method != "GET":
            return None
        is_known = request.header("x-verify") == app.verify_token.reveal()
        return WebhookReply(200, body=b"verified") if is_known else WebhookReply(403)

    def read(self, app: App, request: WebhookRequest) -> Sequence[Inbound]:
        if Secret(request.header("x-secret")) not in app.secrets:
            raise SignatureInvalid("the header x-secret names none of the app's secrets")
        try:
            elements = json.loads(request.body)["elements"]
        except (ValueError, KeyError, TypeError) as error:
            raise BodyMalformed("the body has no elements") from error
        return [Inbound(element.get("account", ""), element.get("line", ""), _item(element)) for element in elements]


def _item(element: Mapping[str, Any]) -> InboundItem:
    try:
        if "report" in element:
            return _status(element)
        return _preference(element) if "wants_marketing" in element else _message(element)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        return Unreadable(f"{type(error).__name__}", json.dumps(element))


def _message(element: Mapping[str, Any]) -> InboundMessage:
    sender = _person(element["account"], element["from"], element.get("name", ""))
    replies_to = ProviderId(element["replies_to"]) if "replies_to" in element else None
    content = _content(element, replies_to)
    return InboundMessage(
        ProviderId(element["id"]),
        datetime.fromtimestamp(element["at"], UTC),
        sender,
        content,
        replies_to,
        opens_window=not isinstance(content, Unsupported),
    )


def _content(element: Mapping[str, Any], replies_to: ProviderId | None) -> Content:
    if "text" in element:
        return Text(element["text"])
    if "image" in element:
        return Image(MediaRef("image/png", provider_ref=element["image"]))
    if "tap" in element:
        payload, title = element["tap"]
        return ButtonReply(payload, title, replies_to)
    return Unsupported(element["kind"])


def _preference(element: Mapping[str, Any]) -> InboundPreference:
    person = _person(element["account"], element["from"], element.get("name", ""))
    at = datetime.fromtimestamp(element["at"], UTC)
    return InboundPreference(ProviderId(element["id"]), at, person, element["wants_marketing"])


def _status(element: Mapping[str, Any]) -> InboundStatus:
    return InboundStatus(
        ProviderId(element["id"]),
        datetime.fromtimestamp(element["at"], UTC),
        Report(element["report"]),
        message=MessageId(element["message"]) if "message" in element else None,
        recipient=_person(element["account"], element["to"], "") if "to" in element else None,
        error=element.get("error", ""),
        meaning=element.get("meaning", ""),
        correction=Correction(element.get("correction", "none")),
    )


def _person(account: str, addresses: Iterable[str], name: str) -> Sender:
    return Sender(tuple(address_of(text, account) for text in addresses), name)


def address_of(text: str, portfolio: str = "portfolio-1") -> Address:
    """An address as a test writes it: ``+1650…``, ``wa:1650…``, ``bsuid:…`` or ``parent:…``; ``code:US:…``,
    ``extension:pbx:…`` or ``name:…``."""
    kind, _, value = text.rpartition(":")
    kind, _, scope = kind.partition(":")
    match kind:
        case "":
            return number(value)
        case "wa":
            return Address(AddressKind.WHATSAPP_ID, value)
        case "bsuid":
            return Address(AddressKind.BSUID, value, portfolio)
        case "parent":
            return Address(AddressKind.PARENT_BSUID, value, portfolio)
        case "code":
            return Address(AddressKind.SHORT_CODE, value, scope)
        case "extension":
            return Address(AddressKind.EXTENSION, value, scope)
        case "name":
            return Address(AddressKind.SENDER, value)
        case _:
            raise UsageError(f"no kind of address begins with {kind}:")


Answer = SendOutcome | Exception | Callable[[Envelope], SendOutcome]
"""What a scripted transport does: give an outcome, raise, or call the test."""


@final
class ScriptedTransport:
    """Implements ``ports.channel.Transport``. What is next in ``answers`` and ``fetches`` happens; when they are used
    up, everything is accepted and every file is there. ``sent`` holds what was handed over."""

    def __init__(self, templates: Iterable[Template] = ()) -> None:
        self.answers: deque[Answer] = deque()
        self.fetches: deque[FetchOutcome | Exception] = deque()
        self.receipts: deque[bool | Exception] = deque()
        self.read: list[ProviderId] = []
        """What the customer was shown as read."""
        self.listed = list(templates)
        self.sent: list[Envelope] = []
        self.is_closed = False
        self._handed_over = 0

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:  # noqa: ARG002 - the port's signature
        self.sent.append(envelope)
        self._handed_over += 1
        answer = self.answers.popleft() if self.answers else Accepted(ProviderId(f"out-{self._handed_over}"))
        if isinstance(answer, Exception):
            raise answer
        return answer(envelope) if callable(answer) else answer

    def mark_read(self, line: LineSetup, message: ProviderId) -> bool:  # noqa: ARG002 - the port's signature
        answer = self.receipts.popleft() if self.receipts else True
        if isinstance(answer, Exception):
            raise answer
        if answer:
            self.read.append(message)
        return answer

    def fetch(self, line: LineSetup, media: MediaRef, store: MediaStore) -> FetchOutcome:
        if self.fetches:
            outcome = self.fetches.popleft()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        return Fetched(store.put(line.line.tenant, iter([media.provider_ref.encode()]), media.mime_type, 1024))

    def templates(self, account: Account) -> Sequence[Template]:
        return [evolve(template, account=account.id) for template in self.listed]

    def close(self) -> None:
        self.is_closed = True


def _template(name: str, body: str, category: TemplateCategory = TemplateCategory.UTILITY) -> Template:
    return Template(ACCOUNT, name, "en", category, TemplateStatus.APPROVED, body)


TEMPLATES: Final = (
    _template("opt_in", "May we write to you here?"),
    _template("hello", "Hello {{1}}"),
    _template("sale", "Everything must go", TemplateCategory.MARKETING),
)


@final
class TextsPlugin:
    """A second channel, of plain texts, that takes over from another; its webhook is the first one's, with ``texts-1`` as
    the line. ``sent`` of its ``transport`` holds what went by it."""

    def __init__(self) -> None:
        self.transport = ScriptedTransport()

    @hookimpl
    def wa_channel(self) -> Channel:
        """provide: the channel."""
        return PlainChannel(TEXTS)

    @hookimpl
    def wa_transport(self) -> tuple[str, ScriptedTransport]:
        """provide: its transport."""
        return TEXTS.channel, self.transport


@final
class MemoryHost:
    """Everything that a connector asks of its host, as one plugin.

    ``texts`` gives it a second channel, switched so, with a line that everybody has; then the plugin is in ``texts``.

    ``settings`` are the organizations', ``owner`` is whose line it is (None: shared), ``capabilities`` what the channel
    can and ``switched_on`` whether the organizations have it. ``happenings`` and ``measures`` fill up with what the observers are told.
    """

    def __init__(
        self,
        *,
        settings: Mapping[str, object] | None = None,
        owner: UserId | None = None,
        capabilities: Capabilities = PLAIN,
        switched_on: bool = True,
        has_contacts: bool = True,
        storage: Storage | None = None,
        clock: VirtualClock | None = None,
        texts: bool | None = None,
    ) -> None:
        self.texts = None if texts is None else TextsPlugin()
        self.clock = clock or VirtualClock()
        self.storage: Storage = storage or MemoryStorage(clock=self.clock)
        self.channel: Channel = PlainChannel(capabilities)
        self.transport = ScriptedTransport(TEMPLATES)
        self.media = MemoryMediaStore()
        self.has_contacts = has_contacts
        self.contacts = MemoryContacts({ACME: [Contact(CARL, "Carl", (number(CARLS_NUMBER),))]})
        switches = {capabilities.channel: switched_on} | ({} if texts is None else {TEXTS.channel: texts})
        self.directory = _directory(capabilities.channel, switches, settings or {}, owner)
        self.happenings: list[Happening] = []
        self.measures: list[tuple[str, float, Mapping[str, str]]] = []
        self._elements = 0

    def connector(self, face: str = "direct", plugins: Iterable[object] = (), **arguments: Any) -> Connector:
        """A connector over this host: ``direct``, or ``aio`` with each call run to its end on a private event loop."""
        plugins = [*plugins, *([self.texts] if self.texts else [])]
        if face == "direct":
            return Connector([self, *plugins], discover=False, clock=self.clock, **arguments)
        from wa_connector.aio.connector import AsyncConnector

        connector = AsyncConnector([self, *plugins], discover=False, clock=self.clock, **arguments)
        return cast(Connector, _Driven(connector))

    # --- what comes in ----------------------------------------------------------------------------------------------

    def said(
        self, text: str | None = None, *, sender: Sequence[str] = (CARLS_NUMBER,), **more: object
    ) -> dict[str, Any]:
        """An element in which a customer writes ``text`` now; ``more`` adds to it or replaces (``at``, ``id``, …)."""
        words = {} if text is None else {"text": text}
        return self._element({"id": f"in-{self._elements + 1}", "from": list(sender), **words, **more})

    def reported(self, report: str, id: str = "out-1", **more: object) -> dict[str, Any]:  # noqa: A002 - the wire's word
        """An element in which the provider reports on the message that it knows by ``id``."""
        return self._element({"id": id, "report": report, **more})

    def _element(self, values: Mapping[str, object]) -> dict[str, Any]:
        self._elements += 1
        at = values.get("at", self.clock.now)
        seconds = int(at.timestamp()) if isinstance(at, datetime) else at
        return {"account": "provider-1", "line": "phone-1", **values, "at": seconds}

    def webhook(self, *elements: Mapping[str, Any], signature: str = SIGNATURE) -> WebhookRequest:
        """A signed request with these elements."""
        body = json.dumps({"elements": elements}).encode()
        return WebhookRequest(ENDPOINT, "POST", f"https://host.example{ENDPOINT}", {"X-Secret": signature}, body)

    def texted(self, *elements: Mapping[str, Any]) -> WebhookRequest:
        """A signed request with these elements, of the second channel."""
        named = [{**element, "account": "texts-1", "line": "texts-1"} for element in elements]
        body = json.dumps({"elements": named}).encode()
        address = f"https://host.example{TEXTS_ENDPOINT}"
        return WebhookRequest(TEXTS_ENDPOINT, "POST", address, {"X-Secret": SIGNATURE}, body)

    # --- hooks ------------------------------------------------------------------------------------------------------

    @hookimpl
    def wa_storage(self) -> Storage:
        """provide: the storage."""
        return self.storage

    @hookimpl
    def wa_directory(self) -> MemoryDirectory:
        """provide: the directory."""
        return self.directory

    @hookimpl
    def wa_contacts(self) -> MemoryContacts | None:
        """provide: the contacts."""
        return self.contacts if self.has_contacts else None

    @hookimpl
    def wa_media_store(self) -> MemoryMediaStore:
        """provide: the files."""
        return self.media

    @hookimpl
    def wa_channel(self) -> Channel:
        """provide: the channel."""
        return self.channel

    @hookimpl
    def wa_transport(self) -> tuple[str, ScriptedTransport]:
        """provide: its transport."""
        return self.channel.capabilities.channel, self.transport

    @hookimpl
    def wa_events_committed(self, happenings: Sequence[Happening]) -> None:
        """observe: note everything."""
        self.happenings += happenings

    @hookimpl
    def wa_metric(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """observe: note everything."""
        self.measures.append((name, value, labels))


def _directory(
    channel: str, switches: Mapping[str, bool], settings: Mapping[str, object], owner: UserId | None
) -> MemoryDirectory:
    channels = {name: ChannelSwitch(is_on) for name, is_on in switches.items()}
    apps = [App(AppId("app"), ACME, channel, ENDPOINT, (Secret(SIGNATURE),), Secret("verify"))]
    if TEXTS.channel in switches:
        apps.append(App(AppId("texts"), ACME, TEXTS.channel, TEXTS_ENDPOINT, (Secret(SIGNATURE),), Secret("verify")))
    accounts, lines, seats = [], [], []
    for place, (tenant, users) in enumerate({ACME: (ANA, BEN, SUE, DAN), GLOBEX: (GUS,)}.items(), start=1):
        path = (Organization(OrganizationId(tenant), tenant.title(), channels, settings),)
        token = Secret("token")
        accounts.append(
            Account(tenant, ACCOUNT, AppId("app"), channel, f"provider-{place}", f"portfolio-{place}", token)
        )
        line = Line(tenant, LINE, ACCOUNT, channel, f"+1555000000{place}", f"phone-{place}", owner)
        lines.append((line, path))
        if TEXTS.channel in switches and tenant == ACME:
            other = AccountId("texts-account")
            accounts.append(Account(tenant, other, AppId("texts"), TEXTS.channel, "texts-1", "texts-1", token))
            lines.append((Line(tenant, TEXTS_LINE, other, TEXTS.channel, "+15550000009", "texts-1"), path))
        seats += [_seat(User(tenant, user, user.title(), supervises=user == SUE), path) for user in users]
        if tenant == ACME:
            seats.append(Seat(User(tenant, SUPPORT, "Support", is_team=True), path))
    return MemoryDirectory(apps=apps, accounts=accounts, lines=lines, seats=seats)


def _seat(user: User, path: tuple[Organization, ...]) -> Seat:
    return Seat(user, path, frozenset({SUPPORT}) if user.id in {BEN, DAN} else frozenset())


_TWINS: Final = {"close": "aclose"}


@final
class _Driven:
    """The asynchronous face with the synchronous one's calls: each runs to its end on a private loop."""

    def __init__(self, target: object, runner: Any = None) -> None:
        import asyncio

        self._target: Final = target
        self._runner: Final = runner or asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, _TWINS.get(name, name))
        if name == "dispatcher":
            return _Driven(found, self._runner)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *arguments, **named: self._runner.run(found(*arguments, **named))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()
        self._runner.close()
