"""What may be, for properties of any code that works with this SDK's values (needs hypothesis)::

    from hypothesis import given
    from wa_connector.testing.strategies import NOW, standings

    @given(standings())
    def test_who_said_stop_gets_nothing(standing): ...

Rules of this file: what is drawn could really come about (a consent is folded from signals, a template message has its
template's parameters), unless the docstring says that it is arbitrary. Instants of one standing lie around ``NOW``, and
often exactly on the edges that rules have, because nothing is learnt from two instants that are years apart.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve
from hypothesis import strategies as st

from wa_connector.evidence.ledger import GENESIS, sealed, source_of
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.capability import Capabilities, InteractiveLimits, MediaLimits, MenuLimits
from wa_connector.model.consent import (
    NO_CONSENT,
    ChannelConsent,
    Evidence,
    Personal,
    Purpose,
    Signal,
)
from wa_connector.model.content import (
    Act,
    AddressRequest,
    Audio,
    Button,
    ButtonReply,
    Buttons,
    Call,
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
    Document,
    Erased,
    Form,
    Header,
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
from wa_connector.model.conversation import Role
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.ids import AccountId, CustomerId, ProviderId, UserId
from wa_connector.model.instants import EARLIEST, LATEST
from wa_connector.model.message import NoticeKind
from wa_connector.model.opinion import Veto
from wa_connector.model.setting import RevocationScope, Settings, UnknownOutcome
from wa_connector.model.standing import Standing, TierUse
from wa_connector.model.template import TAP, Template, TemplateButton, TemplateCard, TemplateCategory, TemplateStatus
from wa_connector.model.window import Window, WindowRule
from wa_connector.policy.action import (
    Action,
    AskAgain,
    AskConsent,
    DeliverRequest,
    Notify,
    RecordConsent,
    UseTemplate,
    Write,
)
from wa_connector.policy.consent import step
from wa_connector.policy.country import UNITED_STATES
from wa_connector.testing.samples import contents_of

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""The instant around which the instants of a standing are drawn."""
CHANNELS: Final = ("whatsapp", "sms", "voicemail")
DAY: Final = timedelta(hours=24)
MICROSECOND: Final = timedelta(microseconds=1)

# --- instants ---------------------------------------------------------------------------------------------------------


def instants(earliest: datetime = EARLIEST, before: datetime = LATEST) -> st.SearchStrategy[datetime]:
    """Aware UTC instants in ``[earliest, before)``, to the microsecond."""
    return st.datetimes(
        earliest.replace(tzinfo=None), (before - MICROSECOND).replace(tzinfo=None), timezones=st.just(UTC)
    )


_EDGES: Final = tuple(
    nudge * MICROSECOND - edge
    for edge in (timedelta(0), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), DAY, 2 * DAY)
    for nudge in (-1, 0, 1)
)


def instants_around(now: datetime = NOW) -> st.SearchStrategy[datetime]:
    """Instants up to two days before and an hour after ``now``, many of them on the edges of windows and pauses."""
    anywhere = st.integers(-(2 * DAY // MICROSECOND), timedelta(hours=1) // MICROSECOND)
    return st.sampled_from(_EDGES).map(lambda edge: now + edge) | anywhere.map(lambda count: now + count * MICROSECOND)


# --- people and texts -------------------------------------------------------------------------------------------------


def texts(max_size: int = 60) -> st.SearchStrategy[str]:
    """Texts as people write them, of any script; without lone surrogates and NUL, which no wire carries."""
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=max_size)


def numbers() -> st.SearchStrategy[Address]:
    """Telephone numbers in E.164."""
    return st.from_regex(r"\+[1-9][0-9]{4,14}", fullmatch=True).map(number)


def addresses() -> st.SearchStrategy[Address]:
    """Addresses of every kind, those of few people, so that two of them often meet."""
    digits = st.from_regex(r"4930[0-9]{3}", fullmatch=True)
    scoped = st.builds(
        Address,
        st.sampled_from((AddressKind.BSUID, AddressKind.PARENT_BSUID)),
        st.from_regex(r"DE\.[0-9]{2}", fullmatch=True),
        st.sampled_from(("portfolio-1", "portfolio-2")),
    )
    return (
        numbers()
        | digits.map(lambda value: number(f"+{value}"))
        | digits.map(lambda value: Address(AddressKind.WHATSAPP_ID, value))
        | scoped
        | digits.map(lambda value: Address(AddressKind.SHORT_CODE, value[-5:], "DE"))
        | digits.map(lambda value: Address(AddressKind.EXTENSION, value[-3:], "pbx"))
        | st.sampled_from(("Acme", "ACME", "My Bank")).map(lambda value: Address(AddressKind.SENDER, value))
    )


# --- contents and templates -------------------------------------------------------------------------------------------


def media() -> st.SearchStrategy[MediaRef]:
    """Files, in the media store or not; of types and sizes that channels take and do not take."""
    mime_types = st.sampled_from(
        ("image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg; codecs=opus", "application/pdf")
    )
    sizes = st.sampled_from((0, 1, 5 * 2**20, 5 * 2**20 + 1)) | st.integers(1, 10**8)
    stored = st.builds(MediaRef, mime_types, sha256=st.just("ab" * 32), size=sizes)
    return stored | st.builds(MediaRef, mime_types, provider_ref=st.just("media-1"))


def headers() -> st.SearchStrategy[Header | None]:
    files = st.builds(Image, media()) | st.builds(Video, media()) | st.builds(Document, media(), st.just("a.pdf"))
    return st.none() | st.builds(Text, texts(max_size=70)) | files


def _links() -> st.SearchStrategy[str]:
    return st.sampled_from(("https://example.com/a", "http://example.com", "example.com", "https://a b", ""))


def free_form() -> st.SearchStrategy[Content]:
    """What a user can compose without a template; not all of it fits every channel."""
    return plain() | interactive() | utilities() | st.just(Text("Hello"))


def plain() -> st.SearchStrategy[Content]:
    """Words, files, places, cards and reactions."""
    degrees = st.floats(-200, 200)
    labelled = st.lists(st.builds(Labelled, texts(max_size=20), st.just("HOME")), max_size=2).map(tuple)
    cards = st.builds(
        ContactCard,
        texts(max_size=20),
        first_name=st.just("") | texts(max_size=20),
        phones=labelled,
        birthday=st.sampled_from(("", "1990-01-31", "31.1.1990")),
    )
    return (
        st.builds(Text, texts())
        | st.builds(Image, media(), texts())
        | st.builds(Video, media(), texts())
        | st.builds(Audio, media(), st.booleans())
        | st.builds(Voicemail, media())
        | st.builds(Document, media(), texts(max_size=20), texts())
        | st.builds(Sticker, media(), st.booleans())
        | st.builds(Location, degrees, degrees, texts(max_size=20))
        | st.builds(Contacts, st.lists(cards, max_size=3).map(tuple))
        | st.builds(Reaction, st.just(ProviderId("wamid.1")), texts(max_size=4))
    )


def interactive() -> st.SearchStrategy[Content]:
    """Messages that ask for a tap."""
    titles, footers = texts(max_size=24), st.just("") | texts(max_size=70)
    buttons = st.lists(st.builds(Button, titles, titles), max_size=4).map(tuple)
    rows = st.lists(st.builds(MenuRow, titles, titles, footers), max_size=6).map(tuple)
    sections = st.lists(st.builds(MenuSection, rows, st.just("") | titles), max_size=3).map(tuple)
    cards = st.builds(Card, st.builds(Image, media()) | st.builds(Video, media()), texts(), titles, _links(), buttons)
    skus = st.lists(st.sampled_from(("sku-1", "sku-2")), max_size=31).map(tuple)
    shelves = st.lists(st.builds(ProductSection, titles, skus), max_size=11).map(tuple)
    return (
        st.builds(Buttons, texts(), buttons, headers(), footers)
        | st.builds(Menu, texts(), titles, sections, st.none() | st.builds(Text, titles), footers)
        | st.builds(LinkButton, texts(), titles, _links(), headers(), footers)
        | st.builds(LocationRequest, texts())
        | st.builds(ContactRequest, texts())
        | st.builds(AddressRequest, texts(), st.sampled_from(("IN", "in", "")))
        | st.builds(CallRequest, texts())
        | st.builds(CallButton, texts(), titles, st.timedeltas(timedelta(0), timedelta(days=60)), texts())
        | st.builds(Form, texts(), titles, st.sampled_from(("", "123")), data=st.sampled_from(("", "{}")))
        | st.builds(Catalog, texts(), st.just("sku-1"), footers)
        | st.builds(Product, st.sampled_from(("", "catalog-1")), st.just("sku-1"), texts(), footers)
        | st.builds(Products, texts(max_size=70), texts(), st.just("catalog-1"), shelves, footers)
        | st.builds(Carousel, texts(), st.lists(cards, max_size=3).map(tuple))
    )


def utilities() -> st.SearchStrategy[Content]:
    """Messages of which the provider makes a template."""
    inner = st.builds(Text, texts()) | st.builds(Buttons, texts(), st.just((Button("yes", "Yes"),)))
    lasts = st.none() | st.timedeltas(timedelta(0), timedelta(days=1))
    return st.builds(Utility, inner, st.sampled_from(("", "order_update", "Order")), lasts)


def contents() -> st.SearchStrategy[Content]:
    """Contents of every kind, inbound ones included."""
    replies = st.builds(ButtonReply, texts(), texts(), st.none() | st.just(ProviderId("wamid.1")))
    calls = st.builds(Call, st.sampled_from(CallDirection), st.booleans())
    users = st.none() | st.just(UserId("ana"))
    acts = st.builds(Act, st.sampled_from(Deed), users, users, st.none() | st.sampled_from(Role), note=texts())
    noted = acts | st.builds(Note, texts()) | st.builds(Withheld, texts(), texts()) | st.just(Erased())
    samples = texts(max_size=40).map(contents_of).flatmap(st.sampled_from)
    return free_form() | template_messages() | replies | calls | st.builds(Unsupported, texts()) | noted | samples


_PLACEHOLDERS: Final = st.sampled_from(("", "{{1}}", "{{2}}", "{{ name }}", "{{order_id}}", "{{1}} and {{1}}"))
_WORDS: Final = st.sampled_from(("Hello", "Your order", "Braces {1} }} {{ here", "Grüße, 你好"))
_BODIES: Final = st.lists(_WORDS | _PLACEHOLDERS, min_size=1, max_size=4).map(" ".join)
_BUTTONS: Final = st.lists(
    st.sampled_from(
        (
            TemplateButton("QUICK_REPLY", "Yes"),
            TemplateButton("URL", "Track", "https://example.com/orders"),
            TemplateButton("URL", "Track", "https://example.com/orders/{{1}}"),
            TemplateButton("COPY_CODE", "Copy"),
            TemplateButton("FLOW", "Fill in"),
            TemplateButton("MPM", "Look"),
        )
    ),
    max_size=2,
).map(tuple)
_CARDS: Final = st.lists(
    st.builds(TemplateCard, st.sampled_from(("IMAGE", "VIDEO")), _WORDS | _PLACEHOLDERS, _BUTTONS), max_size=2
).map(tuple)
_CODE_BUTTON: Final = TemplateButton("URL", "Copy code", "https://example.com/code/{{1}}")


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Templates in any state, with and without parameters in header, body, buttons and cards; most are approved."""
    status = draw(st.just(TemplateStatus.APPROVED) | st.sampled_from(TemplateStatus))
    template = Template(
        AccountId("account-1"),
        draw(st.sampled_from(("opt_in", "welcome", "reminder"))),
        draw(st.sampled_from(("en", "pt_BR"))),
        draw(st.sampled_from(TemplateCategory)),
        status,
        body=draw(_BODIES),
        raw_status="NEW_WORD" if status is TemplateStatus.UNKNOWN else "",
        synced_at=draw(st.none() | st.just(NOW)),
    )
    if template.category is TemplateCategory.AUTHENTICATION:
        return evolve(template, body="{{1}} is your code.", buttons=(_CODE_BUTTON,))
    header_kind = draw(st.sampled_from(("", "TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT")))
    return evolve(
        template,
        header_kind=header_kind,
        header_text=draw(_WORDS | _PLACEHOLDERS) if header_kind == "TEXT" else "",
        footer=draw(st.sampled_from(("", "Reply STOP to end this"))),
        buttons=draw(_BUTTONS),
        cards=draw(_CARDS),
        offer_text=draw(st.sampled_from(("", "Ends soon"))),
        offer_expires=draw(st.booleans()),
        quality=draw(st.sampled_from(("", "GREEN", "RED"))),
    )


def _value(key: str, kinds: Mapping[str, str]) -> st.SearchStrategy[str]:
    *_, part, name = key.split(".")
    if part == "offer":
        return st.sampled_from(("2026-12-01T12:00:00Z", "2026-12-01T12:00:00+05:30"))
    if key == "tap.url":
        return st.just("https://example.com/offer")
    if part == "header" and name == "location":
        return st.sampled_from(("52.5,-0.25", "0,0\nNowhere", "-33,151.2\nThe Opera\nSydney"))
    if part == "header" and name == "product":
        return st.just("catalog-1/sku-1")
    if kinds.get(key) == "MPM":
        return st.just('{"thumbnail": "sku-1", "sections": {"Shoes": ["sku-1", "sku-2"]}}')
    if part == "button":
        return st.sampled_from(("orders/1", "a%20b", "SAVE20"))
    if part == "header" and name in ("image", "video", "document"):
        return st.sampled_from(("ab" * 32, "0123456789abcdef" * 4))
    return _GIVEN


_GIVEN: Final = texts(max_size=20).map(lambda text: text if text.strip() else "Ann")


@st.composite
def filled(draw: st.DrawFn, template: Template) -> TemplateMessage:
    """Messages with exactly the parameters of ``template``, each such as its place can take, and its text."""
    if template.category is TemplateCategory.AUTHENTICATION:
        code = draw(st.sampled_from(("1", "123-456", "a" * 15)))
        given = dict.fromkeys(template.parameter_keys(), code)
    else:
        kinds = template.button_kinds()
        optional = draw(st.lists(st.sampled_from(template.optional_keys() or ("",)), unique=True))
        # A link over the whole message has its title and its address, or is none.
        keys = dict.fromkeys(
            (*template.parameter_keys(), *filter(None, optional), *(TAP if {*TAP} & {*optional} else ()))
        )
        given = {key: draw(_value(key, kinds)) for key in keys}
    return TemplateMessage(template.name, template.language, given, rendered=template.render(given))


def template_messages() -> st.SearchStrategy[TemplateMessage]:
    """Template messages, rightly filled."""
    return templates().flatmap(filled)


# --- consent and evidence ---------------------------------------------------------------------------------------------


STAFFS: Final = (Signal.RECORDED, Signal.RESTORED)
"""What staff note down."""


def signals() -> st.SearchStrategy[Signal]:
    return st.sampled_from(Signal)


def purposes() -> st.SearchStrategy[tuple[Purpose, ...]]:
    """What an opt-in request or a recorded consent may be about."""
    return st.sampled_from(((Purpose.CONVERSATION,), (Purpose.MARKETING,), (Purpose.CONVERSATION, Purpose.MARKETING)))


def consents(now: datetime = NOW) -> st.SearchStrategy[ChannelConsent]:
    """Consents that some history of signals up to about ``now`` leads to."""
    return st.lists(st.tuples(signals(), instants_around(now), purposes()), max_size=4).map(_consent_after)


def _consent_after(seen: Sequence[tuple[Signal, datetime, tuple[Purpose, ...]]]) -> ChannelConsent:
    consent = NO_CONSENT
    for signal, at, about in sorted(seen, key=lambda one: one[1]):
        consent = step(consent, signal, at, about)
    return consent


_SECONDS: Final = st.sampled_from(
    [NOW + timedelta(seconds=second, microseconds=micro) for second in range(5) for micro in (0, 1, 999_999)]
)
"""Few seconds, so that entries of one second are common."""


_ANSWERS: Final = ("", "STOP", "Ja, gerne 👍🏽", '"quoted", \\ and \n')


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    """One entry of the customer ``customer-1``, not yet sealed; its ``sequence`` is 1."""
    number, signal = draw(st.integers(0, 2**32)), draw(signals())
    # What no rule looks at follows from one number: each draw costs time, and a history has many entries.
    cause, is_even = f"wamid.{number}", number % 2 == 0
    return Evidence(
        CustomerId("customer-1"),
        1,
        at=draw(_SECONDS),
        recorded_at=NOW + timedelta(seconds=number % 60),
        channel=draw(st.sampled_from(CHANNELS)),
        signal=signal,
        purposes=draw(purposes()),
        source=source_of(cause),
        actor=UserId("user-1") if is_even else None,
        template="opt_in/en" if is_even else "",
        locale="en" if is_even else "",
        method="paper" if signal in STAFFS else "",
        attachment="ab" * 32 if signal is Signal.RESTORED else "",
        every_channel=signal is Signal.STOP and is_even,
        personal=Personal(f"salt {number}", _ANSWERS[number % len(_ANSWERS)], "+4930123456", cause),
    )


def histories(min_size: int = 0, max_size: int = 5) -> st.SearchStrategy[list[Evidence]]:
    """Entries of one customer, each of another message, in any order and not yet sealed (see :func:`chained`)."""
    return st.lists(evidence(), min_size=min_size, max_size=max_size, unique_by=lambda entry: entry.source)


def chained(entries: Sequence[Evidence]) -> list[Evidence]:
    """The entries as one chain, recorded in the order in which they are given."""
    chain: list[Evidence] = []
    for sequence, entry in enumerate(entries, start=1):
        previous = chain[-1].digest if chain else GENESIS
        chain.append(sealed(evolve(entry, sequence=sequence), previous))
    return chain


def chains(min_size: int = 0, max_size: int = 5) -> st.SearchStrategy[list[Evidence]]:
    """Sealed chains of one customer."""
    return histories(min_size, max_size).map(chained)


# --- what the rules see -----------------------------------------------------------------------------------------------


def windows(now: datetime = NOW) -> st.SearchStrategy[Window]:
    """Windows whose instants lie around ``now``, each of them seen or not."""
    seen = st.none() | instants_around(now)
    return st.builds(Window, customer_at=seen, business_at=seen, refused_at=seen)


def settings() -> st.SearchStrategy[Settings]:
    """Settings in which every parameter of a rule takes its default and other values."""
    return st.builds(
        Settings,
        window_rule=st.sampled_from(WindowRule),
        window_margin=st.sampled_from((timedelta(0), timedelta(minutes=10))),
        clock_skew=st.sampled_from((timedelta(0), timedelta(minutes=5))),
        answer_inbound=st.booleans(),
        contacts_only=st.booleans(),
        restrict_first_contact=st.booleans(),
        ask_again_after=st.sampled_from((DAY, timedelta(hours=1), timedelta(0))),
        staff_may_restore=st.booleans(),
        opt_in_purposes=purposes(),
        revocation_scope=st.sampled_from(RevocationScope),
        unknown_outcome=st.sampled_from(UnknownOutcome),
    )


WHATSAPP: Final = Capabilities(
    channel="whatsapp",
    label="WhatsApp",
    asks_opt_in=True,
    window=DAY,
    has_templates=True,
    contents=frozenset(
        {
            *(Text, Image, Video, Audio, Document, Sticker, Location, Contacts, Reaction),
            *(Buttons, Menu, LinkButton, LocationRequest, ContactRequest, AddressRequest, CallRequest, CallButton),
            *(Form, Catalog, Product, Products, Carousel, TemplateMessage, Utility),
        }
    ),
    max_text=4096,
    max_caption=1024,
    images=MediaLimits(frozenset({"image/jpeg", "image/png"}), 5 * 2**20),
    videos=MediaLimits(frozenset({"video/mp4"}), 16 * 2**20),
    audios=MediaLimits(frozenset({"audio/mpeg", "audio/ogg"}), 16 * 2**20),
    voices=MediaLimits(frozenset({"audio/ogg"}), 16 * 2**20),
    documents=MediaLimits(frozenset({"application/pdf"}), 100 * 2**20),
    stickers=MediaLimits(frozenset({"image/webp"}), 100 * 2**10),
    max_animated_sticker=500 * 2**10,
    max_contacts=257,
    menus=MenuLimits(4096, 20, 10, 10, 24, 200, 24, 72),
    interactive=InteractiveLimits(
        max_body=1024,
        max_header=60,
        max_footer=60,
        max_button_id=256,
        max_link_title=20,
        max_url=2000,
        max_form_title=30,
        max_call_title=20,
        max_call_payload=512,
        call_lasts=(timedelta(minutes=1), timedelta(days=30)),
        cards=(2, 10),
        max_card_body=160,
        max_card_breaks=2,
        max_products=30,
        max_product_sections=10,
    ),
    utility_lasts=(timedelta(seconds=30), timedelta(hours=12)),
    max_buttons=3,
    max_button_title=20,
    max_buttons_body=1024,
    pair_burst=45,
    pair_interval=timedelta(seconds=6),
)
"""A channel that has everything: opt-in, window, templates, pictures and buttons."""
SMS: Final = Capabilities(
    channel="sms",
    label="SMS",
    asks_opt_in=False,
    window=None,
    has_templates=False,
    contents=frozenset({Text}),
    max_text=1530,
)
"""A channel that only keeps its suppressions."""


def capabilities(now: datetime = NOW) -> st.SearchStrategy[Capabilities]:
    """Channels like ``WHATSAPP`` and ``SMS``, and every mixture of their features."""
    mixed = st.builds(
        evolve,
        st.just(WHATSAPP),
        asks_opt_in=st.booleans(),
        window=st.sampled_from((None, DAY, timedelta(hours=1))),
        has_templates=st.booleans(),
        images=st.sampled_from((None, WHATSAPP.images)),
        max_text=st.sampled_from((None, 20)),
        no_marketing_to=st.sampled_from((frozenset(), frozenset({UNITED_STATES}))),
        free_form_billed_from_at=st.none() | instants_around(now),
    )
    return st.sampled_from((WHATSAPP, SMS)) | mixed


def enablements() -> st.SearchStrategy[Decision]:
    """Verdicts on whether the channel is on; mostly it is."""
    on = Decision(Reason.ALLOWED, (("channel", "WhatsApp"), ("level", "Acme")))
    ask_administrator = (Remedy(RemedyKind.ASK_ADMINISTRATOR),)
    off = Decision(Reason.CHANNEL_DISABLED, on.parameters, ask_administrator)
    return st.sampled_from((on, on, on, off, Decision(Reason.USER_DISABLED, remedies=ask_administrator)))


def vetoes(now: datetime = NOW) -> st.SearchStrategy[tuple[Veto, ...]]:
    """What the host's own rules have against something, for a while or for good; mostly nothing."""
    until = st.sampled_from((None, now, now + DAY))
    one = st.builds(Veto, st.sampled_from(("quiet hours", "screening")), st.just("Not now."), until)
    return st.lists(one, max_size=2).map(tuple)


def standings(now: datetime = NOW) -> st.SearchStrategy[Standing]:
    """Standings of every sort around ``now``; most of them can be reached and have an address."""
    mostly = st.sampled_from((True, True, True, False))
    return st.builds(
        Standing,
        capabilities(now),
        enablements(),
        settings(),
        consents(now),
        windows(now),
        unreachable_since_at=st.sampled_from((None, None, None, now)),
        is_contact=st.sampled_from((None, True, False)),
        contacts_available=mostly,
        has_address=mostly,
        country=st.sampled_from(("", UNITED_STATES)),
        marketing_after_at=st.none() | instants_around(now),
        free_until_at=st.none() | instants_around(now),
        tier=st.none() | st.builds(TierUse, st.integers(0, 2), st.booleans(), st.just(now + timedelta(hours=1))),
        vetoes=st.just(()) | vetoes(now),
    )


@st.composite
def template_actions(draw: st.DrawFn) -> Action:
    """The four actions that send a template, filled rightly or not, of a template that the account has or not."""
    template = draw(templates())
    content = draw(filled(template))
    if draw(st.sampled_from((False, False, True))):
        content = evolve(content, parameters={"body.1": "Ann"})
    known = draw(st.sampled_from((template, template, None)))
    every: tuple[Action, ...] = (
        UseTemplate(content, known),
        AskConsent(content, known),
        AskAgain(content, known),
        DeliverRequest(content, known),
    )
    return draw(st.sampled_from(every))


def actions() -> st.SearchStrategy[Action]:
    """Whatever somebody may want to do, the bare questions of screens included."""
    bare: st.SearchStrategy[Action] = st.sampled_from((Write(), UseTemplate(), AskConsent()))
    return (
        bare
        | st.builds(Write, free_form())
        | template_actions()
        | st.builds(RecordConsent, instants_around(), st.booleans())
        | st.builds(Notify, st.sampled_from(NoticeKind), st.builds(Text, texts()) | st.just(Text("Thank you.")))
    )
