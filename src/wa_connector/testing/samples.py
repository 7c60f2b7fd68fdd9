"""One row of each kind after another, as many as a test wants: every kind of content, and texts that storages trip over.

A kind that is added to ``ports.rows`` gets its entry here, and then every storage is tested with it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen

from wa_connector.errors import UsageError
from wa_connector.model.address import Address, AddressFact, AddressKind, AddressRecord
from wa_connector.model.consent import (
    Anchor,
    ChannelConsent,
    ConsentRecord,
    Evidence,
    Forgotten,
    Personal,
    Purpose,
    Refusal,
    Signal,
    Stage,
)
from wa_connector.model.content import (
    Act,
    AddressRequest,
    Audio,
    Button,
    ButtonReply,
    Buttons,
    Call,
    CallAnswer,
    CallButton,
    CallDirection,
    CallRequest,
    Card,
    Carousel,
    Catalog,
    ContactCard,
    ContactRequest,
    Contacts,
    Content,
    Deed,
    Deleted,
    Document,
    Edited,
    Erased,
    Form,
    FormReply,
    IdentityChange,
    IdentityChanged,
    Image,
    Labelled,
    LinkButton,
    Location,
    LocationRequest,
    MediaRef,
    Menu,
    MenuRow,
    MenuSection,
    Note,
    Order,
    OrderItem,
    PostalAddress,
    Product,
    Products,
    ProductSection,
    Reaction,
    Sticker,
    TemplateMessage,
    Text,
    Unsupported,
    Utility,
    Video,
    Voicemail,
    Withheld,
)
from wa_connector.model.conversation import (
    Conversation,
    ConversationState,
    Listing,
    ListingState,
    Pair,
    Participant,
    Role,
)
from wa_connector.model.customer import Customer
from wa_connector.model.ids import (
    AccountId,
    ConversationId,
    CustomerId,
    HoldId,
    JobId,
    LineId,
    MessageId,
    ProviderId,
    TenantId,
    UserId,
)
from wa_connector.model.inbound import InboundStatus, Report, Sender
from wa_connector.model.instants import to_microseconds
from wa_connector.model.job import Hold, Holds, Job, JobKind, JobStage, JobState
from wa_connector.model.message import (
    Author,
    ByCustomer,
    BySystem,
    ByUser,
    Failure,
    Message,
    MessageStatus,
    NoticeKind,
)
from wa_connector.model.queue import EntryState, Epoch, Gate, LineStop, OutboxEntry, Work
from wa_connector.model.routing import RoutedBy
from wa_connector.model.setting import SettingChange, SettingHistory
from wa_connector.model.template import Template, TemplateButton, TemplateCategory, TemplateStatus
from wa_connector.ports import rows
from wa_connector.ports.rows import KeptElement, Key

NOW: Final = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
LINE: Final = LineId("line-1")

TEXTS: Final = (
    "plain",
    "",
    "quotes ' \" ` and \\ backslashes \\u0041 \\n",
    "lines\nand\ttabs\r\n",
    "Grüße, 你好, שלום, नमस्ते",
    "👍🏽 👩‍👩‍👧 🇩🇪 \U0010ffff",
    "%s {0} $1 ? :name -- ; DROP TABLE message",
    "x" * 70_000,
)
"""Texts that a storage has to keep as they are. NUL is not among them: no provider sends it and PostgreSQL refuses it."""

ORDERED: Final = ("A", "Z", "a", "z", "é", "\uffee", "😀")
"""In the order of code points, which is the order of every text column. (UTF-16 puts the last two the other way.)"""


@frozen
class Sample:
    """One row: its key, its payload, and what to merge into it."""

    key: Key
    value: Any
    merges: Mapping[str, int]


def sample(kind: str, tenant: TenantId, number: int) -> Sample:
    """The sample of that number, from 0 on. Keys differ; columns repeat, so that indexes have ties to break."""
    if kind not in _MAKERS:
        raise UsageError(f"there is no sample of {kind!r} yet; add one in wa_connector.testing.samples")
    key, value = _MAKERS[kind](tenant, number)
    # Sums and maxima that repeat as well, in an order that is not the keys'.
    merges = {column.name: (number * 7) % 4 + place for place, column in enumerate(rows.KINDS[kind].merges)}
    return Sample(key, value, merges)


def _id(number: int) -> str:
    return f"{ORDERED[number % len(ORDERED)]}{number:03}"


def _text(number: int) -> str:
    return TEXTS[number % len(TEXTS)]


def _at(number: int) -> datetime:
    return NOW + timedelta(microseconds=number % 3)


def _of_two(number: int) -> str:
    return f"{'ab'[number % 2]}"


def _address(tenant: TenantId, number: int) -> tuple[Key, AddressRecord]:
    ended_at = _at(number) if number % 3 == 0 else None
    customer = CustomerId(_id(number))
    facts = (
        AddressFact(customer, AddressKind.NUMBER, NOW - timedelta(days=9), NOW - timedelta(days=1)),
        AddressFact(customer, AddressKind.NUMBER, NOW - timedelta(hours=1), ended_at),
    )
    return rows.ADDRESS.of(tenant, "", "line", f"4930{number:05}"), AddressRecord(facts)


def _customer(tenant: TenantId, number: int) -> tuple[Key, Customer]:
    customer = CustomerId(_id(number))
    addresses = (
        Address(AddressKind.NUMBER, "+4930123456"),
        Address(AddressKind.BSUID, f"DE.{number}", portfolio="portfolio-1"),
    )
    merged_into = CustomerId("survivor") if number % 2 else None
    value = Customer(customer, _at(number), addresses, name=_text(number), locale="de", merged_into=merged_into)
    return rows.CUSTOMER.of(tenant, customer), value


def _consent(tenant: TenantId, number: int) -> tuple[Key, ConsentRecord]:
    stages = list(Stage)
    consent = ChannelConsent(
        conversation=stages[number % len(stages)],
        marketing=stages[(number + 1) % len(stages)],
        asked_at=_at(number),
        asked_purposes=tuple(Purpose),
        asked_since_decline=number % 2 == 0,
    )
    record = ConsentRecord({"whatsapp": consent, "sms": ChannelConsent()}, number, "head", (number, 1, _text(number)))
    return rows.CONSENT.of(tenant, _id(number)), record


def _evidence(tenant: TenantId, number: int) -> tuple[Key, Evidence]:
    signals = list(Signal)
    personal = Personal("salt", _text(number), "+4930123456", "wamid.1") if number % 3 else None
    value = Evidence(
        customer=CustomerId(_of_two(number)),
        sequence=number,
        at=_at(number),
        recorded_at=NOW,
        channel="whatsapp",
        signal=signals[number % len(signals)],
        purposes=(Purpose.CONVERSATION,),
        source="digest",
        actor=UserId("user-1") if number % 2 else None,
        personal=personal,
    )
    return rows.EVIDENCE.of(tenant, value.customer, number), value


def _anchor(tenant: TenantId, number: int) -> tuple[Key, Anchor]:
    at = NOW + timedelta(days=number)
    return rows.ANCHOR.of(tenant, to_microseconds(at)), Anchor(at, "ab" * 32, chains=number, entries=number * 3)


def _pair(tenant: TenantId, number: int) -> tuple[Key, Pair]:
    threads = tuple(ConversationId(_id(place)) for place in range(number % 3))
    value = Pair(
        open=threads,
        latest=threads[-1] if threads else None,
        held=number,
        unreachable_since_at=_at(number) if number % 2 else None,
        free_until_at=_at(number) if number % 3 else None,
    )
    return rows.PAIR.of(tenant, _of_two(number), f"line-{number}"), value


def _conversation(tenant: TenantId, number: int) -> tuple[Key, Conversation]:
    until_at = _at(number) if number % 3 == 0 else None
    value = Conversation(
        ConversationId(_id(number)),
        LINE,
        CustomerId(_of_two(number)),
        list(ConversationState)[number % 2],
        opened_at=_at(number),
        participants=(
            Participant(UserId("user-1"), Role.OWNER, NOW, until_at),
            Participant(UserId("user-2"), Role.OBSERVER, NOW),
        ),
        restarted_from=ConversationId("before") if number % 2 else None,
    )
    return rows.CONVERSATION.of(tenant, value.id), value


def _listing(tenant: TenantId, number: int) -> tuple[Key, Listing]:
    value = Listing(
        ConversationId(_id(number)),
        CustomerId(_of_two(number)),
        LINE,
        list(ListingState)[number % 3],
        f"shelf {number % 2}",
        is_owned=number % 3 == 0,
        lists=("user-1", "")[: number % 3],
        sees_from_at=_at(number) if number % 2 else None,
        sees_until_at=_at(number) if number % 3 == 2 else None,
        marked=number % 2,
    )
    return rows.LISTING.of(tenant, f"user-{_of_two(number)}", value.conversation), value


def contents_of(text: str, size: int = 1) -> tuple[Content, ...]:
    """One content of every kind, with ``text`` wherever people's words stand and files of ``size`` bytes."""
    media, wamid = MediaRef("image/png", sha256="ab" * 32, size=size), ProviderId("wamid.1")
    buttons = (Button("yes", "👍"), Button("no", text))
    rows_ = (MenuRow("one", "One", text), MenuRow("two", "Two"))
    card = ContactCard(
        text,
        "Ann",
        phones=(Labelled("+16505551234", "CELL"),),
        emails=(Labelled("ann@example.com"),),
        addresses=(PostalAddress("1 Main St", "Springfield", label="HOME"),),
        birthday="1990-01-31",
    )
    return (
        Text(text),
        Text(text, previews_link=True),
        Image(media, caption=text),
        Video(media, text),
        Audio(media, is_voice=True),
        Voicemail(media, ProviderId("wacid.1"), timedelta(seconds=12), text),
        Document(media, "report.pdf", text),
        Sticker(media, is_animated=True),
        Location(52.5, -0.25, text, "1 Main St", "https://example.com"),
        Contacts((card,), answers_request=True),
        Reaction(wamid, "👍"),
        Buttons(text, buttons),
        Buttons(text, buttons, Text(text), text),
        Buttons(text, buttons, Video(media)),
        Menu(text, "Choose", (MenuSection(rows_, text), MenuSection((MenuRow("three", "Three"),))), Text(text), text),
        LinkButton(text, "Open", "https://example.com/a", Document(media, "a.pdf"), text),
        LocationRequest(text),
        ContactRequest(text),
        AddressRequest(text, "IN", {"city": text}),
        CallRequest(text),
        CallButton(text, "Call us", timedelta(hours=1), text),
        Form(text, "Fill in", "123", "token", "FIRST", '{"a": 1}', is_draft=True, header=Image(media), footer=text),
        Catalog(text, "sku-1", text),
        Product("catalog-1", "sku-1", text, text),
        Products(text, text, "catalog-1", (ProductSection(text, ("sku-1", "sku-2")),), text),
        Carousel(text, (Card(Image(media), text, "Open", "https://example.com"), Card(Video(media), buttons=buttons))),
        TemplateMessage("welcome", "pt_BR", {"body.1": text}, {"0": "YES"}, text, {"button.1": "url"}, True),
        Utility(Buttons(text, buttons), "made_of_this", timedelta(hours=1)),
        ButtonReply("YES", text, wamid),
        FormReply("flow", '{"a": 1}', text, wamid),
        CallAnswer(True, until_at=NOW, replies_to=wamid),
        Order("catalog-1", (OrderItem("sku-1", 2, "9.50", "EUR"),), text),
        Edited(wamid, text),
        Deleted(wamid),
        Call(CallDirection.CUSTOMER, is_accepted=True),
        IdentityChanged(IdentityChange.NUMBER, text),
        Unsupported("poll_creation"),
        Act(Deed.TRANSFERRED, UserId("user-2"), UserId("user-1"), Role.OWNER, ConversationId("before"), text),
        Note(text),
        Withheld("dlp", text),
        Erased(),
    )


def _message(tenant: TenantId, number: int) -> tuple[Key, Message]:
    statuses = list(MessageStatus)
    text = _text(number)
    contents = contents_of(text, number)
    authors: tuple[Author, ...] = (ByCustomer(), ByUser(UserId("user-1")), BySystem(NoticeKind.STOP, "cause-1"))
    value = Message(
        id=MessageId(_id(number)),
        conversation=ConversationId(_of_two(number)),
        customer=CustomerId("customer-1"),
        line=LINE,
        at=_at(number),
        author=authors[number % len(authors)],
        content=contents[number % len(contents)],
        status=statuses[number % len(statuses)],
        status_at=_at(number),
        provider_id=ProviderId(f"wamid.{number % 3}") if number % 2 else None,
        failure=Failure("131047", text) if number % 3 else None,
        redacted_by=("cards", text) if number % 2 else (),
        signature=text if number % 3 else "",
        routed_by=list(RoutedBy)[number % len(RoutedBy)] if number % 2 else None,
        expires_at=NOW if number % 2 else None,
    )
    return rows.MESSAGE.of(tenant, value.id), value


def _outbox(tenant: TenantId, number: int) -> tuple[Key, OutboxEntry]:
    states, works = list(EntryState), list(Work)
    value = OutboxEntry(
        message=MessageId(_id(number)),
        line=LINE,
        customer=CustomerId(_of_two(number)),
        work=works[number % len(works)],
        state=states[number % len(states)],
        due_at=_at(number),
        since_at=NOW,
        attempts=number,
        rank=number % 2,
    )
    return rows.OUTBOX.of(tenant, value.work.value, value.message), value


def _cursor(tenant: TenantId, number: int) -> tuple[Key, str]:
    return rows.CURSOR.of(tenant, _id(number)), _text(number)


def _dedupe(tenant: TenantId, number: int) -> tuple[Key, str]:
    return rows.DEDUPE.of(tenant, f"wamid.{_id(number)}"), _text(number)


def _reach(tenant: TenantId, number: int) -> tuple[Key, str]:
    return rows.REACH.of(tenant, _of_two(number), number), _text(number)


def _template(tenant: TenantId, number: int) -> tuple[Key, Template]:
    value = Template(
        AccountId("account-1"),
        f"template_{_of_two(number)}",
        f"xx_{number}",
        list(TemplateCategory)[number % len(TemplateCategory)],
        list(TemplateStatus)[number % len(TemplateStatus)],
        body=_text(number),
        buttons=(TemplateButton("QUICK_REPLY", "👍"),),
        synced_at=_at(number),
    )
    return rows.TEMPLATE.of(tenant, value.account, value.name, value.language), value


def _setting(tenant: TenantId, number: int) -> tuple[Key, SettingHistory]:
    changes = (SettingChange("stop_text", _text(place), UserId("user-1"), _at(place)) for place in range(number % 4))
    return rows.SETTING.of(tenant, f"user:{_id(number)}"), SettingHistory(tuple(changes))


def _waiting(tenant: TenantId, number: int) -> tuple[Key, tuple[InboundStatus, ...]]:
    recipient = Sender((Address(AddressKind.WHATSAPP_ID, "4930123456"),), name=_text(number))
    reports = list(Report)
    value = tuple(
        InboundStatus(
            ProviderId("wamid.1"),
            _at(place),
            reports[(number + place) % len(reports)],
            message=MessageId("message-1") if place else None,
            recipient=recipient if place else None,
            meaning=_text(number),
        )
        for place in range(number % 3)
    )
    return rows.WAITING.of(tenant, LINE, f"wamid.{_id(number)}"), value


def _memo(tenant: TenantId, number: int) -> tuple[Key, str]:
    return rows.MEMO.of(tenant, _of_two(number), _id(number)), _text(number)


def _gate(tenant: TenantId, number: int) -> tuple[Key, Gate]:
    stop = LineStop(f"{number}", _at(number), _at(number + 1), number) if number % 2 else None
    return rows.GATE.of(tenant, _id(number)), Gate(_at(number) if number % 3 else None, stop)


def _epoch(tenant: TenantId, number: int) -> tuple[Key, Epoch]:
    return rows.EPOCH.of(tenant, _id(number)), Epoch(number, _at(number) if number % 2 else None)


def _quarantine(tenant: TenantId, number: int) -> tuple[Key, KeptElement]:
    return rows.QUARANTINE.of(tenant, _id(number)), KeptElement(_at(number), "unreadable", _text(number))


def _hash_key(tenant: TenantId, number: int) -> tuple[Key, str]:
    return rows.HASH_KEY.of(tenant, _id(number)), f"{number:064x}"


def _forgotten(tenant: TenantId, number: int) -> tuple[Key, Forgotten]:
    refusals = (Refusal("whatsapp", Signal.STOP, _at(number)), Refusal("sms", Signal.MARKETING_STOPPED, NOW))
    return rows.FORGOTTEN.of(tenant, f"{number:032x}"), Forgotten(refusals[: number % 3])


def _file_use(tenant: TenantId, number: int) -> tuple[Key, str]:
    return rows.FILE_USE.of(tenant, _of_two(number) * 32, f"message:{_id(number)}"), _text(number)


def _job(tenant: TenantId, number: int) -> tuple[Key, Job]:
    value = Job(
        JobId(_id(number)),
        list(JobKind)[number % len(JobKind)],
        UserId("user-1"),
        _text(number),
        _at(number),
        list(JobState)[number % len(JobState)],
        list(JobStage)[number % len(JobStage)],
        cursor=_text(number),
        changed=number,
        customer=CustomerId("customer-1") if number % 2 else None,
        addresses=(Address(AddressKind.NUMBER, "+4930123456"),) if number % 3 else (),
        files=("ab" * 32,),
        older_than={"messages": _at(number)},
    )
    return rows.JOB.of(tenant, value.id), value


def _hold(tenant: TenantId, number: int) -> tuple[Key, Holds]:
    hold = Hold(HoldId(_id(number)), UserId("user-1"), _text(number), NOW, _at(number) if number % 2 else None)
    return rows.HOLD.of(tenant, f"customer:{_id(number)}"), Holds((hold,) * (number % 3))


_MAKERS: Final[Mapping[str, Callable[[TenantId, int], tuple[Key, Any]]]] = {
    "address": _address,
    "customer": _customer,
    "consent": _consent,
    "evidence": _evidence,
    "anchor": _anchor,
    "pair": _pair,
    "conversation": _conversation,
    "listing": _listing,
    "message": _message,
    "outbox": _outbox,
    "dedupe": _dedupe,
    "cursor": _cursor,
    "reach": _reach,
    "gate": _gate,
    "memo": _memo,
    "epoch": _epoch,
    "template": _template,
    "setting": _setting,
    "waiting": _waiting,
    "quarantine": _quarantine,
    "hash_key": _hash_key,
    "forgotten": _forgotten,
    "file_use": _file_use,
    "job": _job,
    "hold": _hold,
}
