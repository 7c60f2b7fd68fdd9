"""Every kind that customers send, every status and every field of the webhooks: told by an emulator that was written from the
provider's reference, and read here to the values that it was told with. The two share no code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from attrs import evolve
from wa_connector_cloud_api.transport import CloudApiTransport

from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.content import (
    AddressRequest,
    Audio,
    Button,
    ButtonReply,
    Buttons,
    CallAnswer,
    CallRequest,
    ContactCard,
    ContactRequest,
    Contacts,
    Deleted,
    Document,
    Edited,
    Form,
    FormReply,
    Forwarding,
    IdentityChange,
    IdentityChanged,
    Image,
    Labelled,
    Location,
    LocationRequest,
    MediaRef,
    Menu,
    MenuRow,
    MenuSection,
    Order,
    OrderItem,
    Reaction,
    Referral,
    Sticker,
    TemplateMessage,
    Text,
    Unsupported,
    Video,
    Voicemail,
    media_of,
)
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import (
    InboundEcho,
    InboundMessage,
    InboundNotice,
    InboundPreference,
    InboundStatus,
    Report,
    Unreadable,
)
from wa_connector.model.outbound import Accepted, Envelope, Fetched

emulation = pytest.importorskip("wa_connector_emulator")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Files, Site
    from wa_connector_emulator import Emulator

    from wa_connector.model.content import Content

ANA = "+16505551234"
ON_APP = "222"
covers = pytest.mark.covers
OGG = b"OggS" + bytes(64)


class Sender:
    """The plain transport, with a media store; what the three have in common is shown elsewhere."""

    def __init__(self, transport: CloudApiTransport, files: Files) -> None:
        self._transport, self._files = transport, files

    def send(self, site: Site, content: Content) -> Accepted:
        envelope = Envelope(MessageId("outbox:1"), number(ANA), content)
        outcome = self._transport.send(site.line, envelope, self._files)
        assert isinstance(outcome, Accepted), outcome
        return outcome

    def fetch(self, site: Site, media: MediaRef) -> Fetched:
        outcome = self._transport.fetch(site.line, media, self._files)
        assert isinstance(outcome, Fetched), outcome
        return outcome


@pytest.fixture
def sender(files: Files) -> Iterator[Sender]:
    transport = CloudApiTransport()
    yield Sender(transport, files)
    transport.close()


# ------------------------------------------------------------------------------------- of themselves

CARD = {
    "name": {"formatted_name": "Ben B.", "first_name": "Ben"},
    "phones": [{"phone": "+16505550000", "type": "CELL", "wa_id": "16505550000"}],
    "org": {"company": "Acme"},
}
ITEM = {"product_retailer_id": "sku", "quantity": 2, "item_price": 2.5, "currency": "EUR"}

OF_THEMSELVES: list[Any] = [
    pytest.param(lambda e: e.type_text(ANA, "hi"), Text("hi"), True, marks=covers("receive: text"), id="text"),
    pytest.param(
        lambda e: e.send_location(ANA, 52.5, 13.4, name="Berlin"),
        Location(52.5, 13.4, "Berlin"),
        True,
        marks=covers("receive: location"),
        id="location",
    ),
    pytest.param(
        lambda e: e.send_contacts(ANA, [CARD]),
        Contacts((ContactCard("Ben B.", "Ben", phones=(Labelled("+16505550000", "CELL"),), company="Acme"),)),
        True,
        marks=covers("receive: contacts"),
        id="contacts",
    ),
    pytest.param(
        lambda e: e.order(ANA, "1", [ITEM], text="please"),
        Order("1", (OrderItem("sku", 2, "2.5", "EUR"),), "please"),
        True,
        marks=covers("receive: order"),
        id="order",
    ),
    pytest.param(
        lambda e: e.change_identity(ANA),
        IdentityChange.DEVICE,
        False,
        marks=covers("receive: system: customer_identity_changed"),
        id="another telephone",
    ),
    pytest.param(
        lambda e: e.change_number(ANA, "+16505559999"),
        IdentityChange.NUMBER,
        False,
        marks=covers("receive: system: user_changed_number"),
        id="another number",
    ),
    pytest.param(
        lambda e: e.send_unsupported(ANA, "poll_creation"),
        Unsupported("poll_creation"),
        False,
        marks=covers("receive: unsupported"),
        id="unsupported",
    ),
    pytest.param(
        lambda e: e.send_raw(ANA, {"type": "hologram", "hologram": {}}),
        Unsupported("hologram"),
        False,
        marks=covers("receive: an unknown type"),
        id="unknown",
    ),
    pytest.param(
        lambda e: e.send_raw(ANA, {"type": "request_welcome"}),
        Unsupported("request_welcome"),
        False,
        marks=covers("receive: request_welcome"),
        id="welcome",
    ),
]


@pytest.mark.parametrize(("act", "expected", "opens"), OF_THEMSELVES)
def test_what_a_customer_sends(site: Site, act: Callable[[Emulator], object], expected: object, opens: bool) -> None:
    act(site.emulator)
    heard = site.last(InboundMessage)
    content = heard.content
    assert (content.change if isinstance(content, IdentityChanged) else content) == expected
    assert heard.opens_window is opens
    assert heard.sender.addresses


@covers("receive: system: user_changed_user_id")
def test_a_customer_of_no_number_gets_another_id(site: Site) -> None:
    eve = site.emulator.create_customer("+16505550003", "Eve", hidden_number=True)
    site.emulator.change_number(eve.bsuid, "+16505559998")
    heard = site.last(InboundMessage)
    assert isinstance(heard.content, IdentityChanged)
    assert heard.content.change is IdentityChange.USER_ID
    assert [address.value for address in heard.formerly] == [eve.bsuid]
    assert [address.kind for address in heard.sender.addresses] == [AddressKind.BSUID]


@pytest.mark.parametrize(
    ("kind", "mime_type", "made"),
    [
        pytest.param("image", "image/jpeg", Image, marks=covers("receive: image"), id="image"),
        pytest.param("video", "video/mp4", Video, marks=covers("receive: video"), id="video"),
        pytest.param("audio", "audio/ogg; codecs=opus", Audio, marks=covers("receive: audio"), id="audio"),
        pytest.param("document", "application/pdf", Document, marks=covers("receive: document"), id="document"),
        pytest.param("sticker", "image/webp", Sticker, marks=covers("receive: sticker"), id="sticker"),
    ],
)
def test_what_a_customer_attaches_can_be_fetched(
    site: Site, sender: Sender, files: Files, kind: str, mime_type: str, made: type[Content]
) -> None:
    site.emulator.send_media(ANA, kind, b"content of a " + kind.encode(), mime_type)
    heard = site.last(InboundMessage)
    assert type(heard.content) is made
    media = media_of(heard.content)
    assert media is not None
    assert (media.mime_type, media.is_stored, heard.opens_window) == (mime_type, False, True)
    fetched = sender.fetch(site, media)
    assert files.content == {fetched.media.sha256: b"content of a " + kind.encode()}


def test_what_is_said_beside_a_file(site: Site) -> None:
    site.emulator.send_media(ANA, "document", b"%PDF", "application/pdf", filename="a.pdf", caption="read")
    content = site.last(InboundMessage).content
    assert isinstance(content, Document)
    assert (content.filename, content.caption) == ("a.pdf", "read")
    site.emulator.send_media(ANA, "audio", OGG, "audio/ogg", voice=True)
    voice = site.last(InboundMessage).content
    assert isinstance(voice, Audio)
    assert voice.is_voice
    site.emulator.send_media(ANA, "sticker", b"RIFF", "image/webp", animated=True)
    sticker = site.last(InboundMessage).content
    assert isinstance(sticker, Sticker)
    assert sticker.is_animated


# ------------------------------------------------------------------------------------------- answers

ROWS = (MenuSection((MenuRow("r", "Row", "more"),), "One"),)
ANSWERS = [
    pytest.param(
        Buttons("Choose", (Button("a", "A"), Button("b", "B"))),
        lambda e, asked: e.tap(ANA, asked, "a"),
        lambda asked: ButtonReply("a", "A", asked),
        marks=covers("receive: interactive: button_reply"),
        id="button",
    ),
    pytest.param(
        Menu("Choose", "Open", ROWS),
        lambda e, asked: e.tap(ANA, asked, "r"),
        lambda asked: ButtonReply("r", "Row", asked),
        marks=covers("receive: interactive: list_reply"),
        id="list",
    ),
    pytest.param(
        Form("Please", "Begin", "123", "token", "FIRST"),
        lambda e, asked: e.submit_flow(ANA, asked, {"colour": "red"}),
        FormReply,
        marks=covers("receive: interactive: nfm_reply"),
        id="form",
    ),
    pytest.param(
        AddressRequest("Where to?", "IN"),
        lambda e, asked: e.submit_flow(ANA, asked, {"values": {"city": "Pune"}}),
        FormReply,
        marks=covers("receive: interactive: nfm_reply, address_message"),
        id="address",
    ),
    pytest.param(
        CallRequest("May we call?"),
        lambda e, asked: e.permit_calls(ANA, asked, permanent=True),
        CallAnswer,
        marks=covers("receive: interactive: call_permission_reply"),
        id="permission",
    ),
    pytest.param(
        LocationRequest("Where?"),
        lambda e, asked: e.share_location(ANA, asked, 1.5, 2.5),
        lambda _: Location(1.5, 2.5),
        marks=covers("receive: context: reply"),
        id="place",
    ),
    pytest.param(
        ContactRequest("Your number?"),
        lambda e, asked: e.share_contact(ANA, asked),
        Contacts,
        marks=covers("receive: contacts: contact_request"),
        id="number",
    ),
]


@pytest.mark.parametrize(("question", "answer", "expected"), ANSWERS)
def test_what_a_customer_answers(
    site: Site,
    sender: Sender,
    question: Content,
    answer: Callable[[Emulator, str], object],
    expected: Any,
) -> None:
    site.emulator.type_text(ANA, "hi")
    sent = sender.send(site, question)
    answer(site.emulator, sent.provider_id)
    heard = site.last(InboundMessage)
    assert (heard.replies_to, heard.opens_window) == (sent.provider_id, True)
    if isinstance(expected, type):
        assert isinstance(heard.content, expected)
    else:
        assert heard.content == expected(sent.provider_id)
    match heard.content:
        case FormReply() as form:
            assert "red" in form.answers or "Pune" in form.answers
        case CallAnswer() as permission:
            assert (permission.is_allowed, permission.is_permanent) == (True, True)
        case Contacts() as contacts:
            assert contacts.answers_request
            assert Address(AddressKind.WHATSAPP_ID, ANA.removeprefix("+")) in heard.sender.addresses
        case _:
            pass


@covers("receive: button")
def test_a_tap_on_a_templates_button(site: Site, sender: Sender) -> None:
    site.emulator.add_template("offer", "Shall we?", buttons=["Yes"])
    offer = TemplateMessage("offer", "en_US", payloads={"0": "optin:yes"})
    sent = sender.send(site, offer)
    site.emulator.tap(ANA, sent.provider_id, "Yes")
    heard = site.last(InboundMessage)
    assert (heard.content, heard.opens_window) == (ButtonReply("optin:yes", "Yes", sent.provider_id), True)


@covers("receive: reaction")
def test_a_reaction_comes_and_goes(site: Site, sender: Sender) -> None:
    site.emulator.type_text(ANA, "hi")
    sent = sender.send(site, Text("Hello"))
    for emoji in ("👍", ""):
        site.emulator.react(ANA, sent.provider_id, emoji)
        heard = site.last(InboundMessage)
        assert (heard.content, heard.opens_window) == (Reaction(sent.provider_id, emoji), False)


# ------------------------------------------------------------------------------- what stands around it


@covers("receive: context: forwarded", "receive: context: frequently_forwarded")
@pytest.mark.parametrize(("often", "expected"), [(False, Forwarding.FORWARDED), (True, Forwarding.OFTEN)])
def test_what_was_forwarded(site: Site, often: bool, expected: Forwarding) -> None:
    site.emulator.forward(ANA, "hi", often=often)
    heard = site.last(InboundMessage)
    assert heard.circumstances is not None
    assert (heard.content, heard.circumstances.forwarding) == (Text("hi"), expected)


@covers("receive: referral")
def test_a_customer_who_comes_by_an_advertisement(site: Site) -> None:
    told = {"ref": "autumn", "thumbnail_url": "https://fb.me/small.jpg", "welcome_message": {"text": "Ask us!"}}
    site.emulator.arrive_from_ad(ANA, "hi", referral=told)
    heard = site.last(InboundMessage)
    assert heard.circumstances is not None
    assert heard.circumstances.referral == Referral(
        "https://fb.me/ad",
        "120",
        "ad",
        "Chat with us",
        "We answer.",
        "clid",
        "autumn",
        "Ask us!",
        "image",
        "https://fb.me/ad.jpg",
        "https://fb.me/small.jpg",
    )


@covers("receive: context: referred_product")
def test_a_question_about_a_product(site: Site) -> None:
    asked = {"referred_product": {"catalog_id": "1", "product_retailer_id": "sku"}}
    site.emulator.send_raw(ANA, {"type": "text", "text": {"body": "This one?"}, "context": asked})
    heard = site.last(InboundMessage)
    assert heard.circumstances is not None
    assert heard.circumstances.product is not None
    assert (heard.circumstances.product.catalog, heard.circumstances.product.product) == ("1", "sku")


@covers("receive: voicemail")
def test_a_voicemail(site: Site, sender: Sender, files: Files) -> None:
    site.emulator.voicemail(ANA, OGG)
    left = [item for item in site.heard() if isinstance(item, InboundMessage) and isinstance(item.content, Voicemail)]
    (heard,) = left
    assert heard.opens_window
    media = media_of(heard.content)
    assert media is not None
    sender.fetch(site, media)
    assert list(files.content.values()) == [OGG]


@pytest.fixture
def on_app(site: Site) -> Site:
    """A number that is in the provider's app as well."""
    site.emulator.seed({"numbers": [{"id": ON_APP, "display_number": "15550002222", "is_on_app": True}]})
    return evolve(site, line=evolve(site.line, line=evolve(site.line.line, provider_ref=ON_APP)))


@covers("receive: edit", "receive: revoke")
def test_what_a_customer_changes_and_takes_back(on_app: Site) -> None:
    said = on_app.emulator.type_text(ANA, "hi", number_id=ON_APP)
    on_app.emulator.edit_message(ANA, said.id, "hello", number_id=ON_APP)
    assert on_app.last(InboundMessage).content == Edited(ProviderId(said.id), "hello")
    on_app.emulator.revoke_message(ANA, said.id, number_id=ON_APP)
    assert on_app.last(InboundMessage).content == Deleted(ProviderId(said.id))


# ------------------------------------------------------------------------------------------ statuses


@covers("status: sent", "status: delivered", "status: read", "status: played")
def test_a_voice_message_climbs_to_the_top(site: Site, sender: Sender, files: Files) -> None:
    site.emulator.type_text(ANA, "hi")
    voice = Audio(files.add(OGG, "audio/ogg"), is_voice=True)
    sent = sender.send(site, voice)
    site.emulator.play(ANA, sent.provider_id)
    reports = [item for item in site.heard() if isinstance(item, InboundStatus)]
    assert [each.report for each in reports] == [Report.SENT, Report.DELIVERED, Report.READ, Report.PLAYED]
    assert {(each.provider_id, each.message) for each in reports} == {(sent.provider_id, "outbox:1")}


@covers("status: failed")
def test_a_failure_is_told_afterwards(site: Site, sender: Sender) -> None:
    site.emulator.type_text(ANA, "hi")
    site.emulator.fail_next(131026, later=True)
    sender.send(site, Text("Hello"))
    status = site.last(InboundStatus)
    assert (status.report, status.error, status.message) == (Report.FAILED, "131026", "outbox:1")


@covers("status: of a call")
def test_how_a_call_goes_on(site: Site) -> None:
    site.emulator.call(ANA, by_business=True, answered=True)
    told = [item.word for item in site.heard() if isinstance(item, InboundNotice)]
    assert told == ["connect", "RINGING", "terminate"]


@covers(
    "receive: of a group",
    "status: of a group",
    "field: group_lifecycle_update",
    "field: group_participants_update",
    "field: group_settings_update",
    "field: group_status_update",
)
def test_groups_are_told_of_and_what_is_written_to_them_is_kept_and_named(site: Site) -> None:
    """It is no word to the business alone, and opens no window of its."""
    account, emulator = site.line.account, site.emulator
    emulator.configure(official_business_account=True)

    def post(path: str, **body: Any) -> None:
        headers = {"authorization": f"Bearer {account.token.reveal()}"}
        answer = httpx.post(
            f"{account.base_url}/{path}", json={"messaging_product": "whatsapp", **body}, headers=headers
        )
        assert answer.status_code == 200, answer.text

    post(f"{site.line.line.provider_ref}/groups", subject="Friends")
    group = emulator.groups()[0].id
    emulator.join_group(ANA, group)
    post(group, subject="Good friends")
    told = {item.topic: item.word for item in site.heard() if isinstance(item, InboundNotice)}
    emulator.type_text(ANA, "hi all", group_id=group)
    words = {"recipient_type": "group", "to": group, "type": "text", "text": {"body": "hello all"}}
    post(f"{site.line.line.provider_ref}/messages", **words)
    emulator.suspend_group(group)
    emulator.deliver_due()
    told |= {each.item.topic: each.item.word for each in site.told if isinstance(each.item, InboundNotice)}
    assert told == {
        "group_lifecycle_update": "group_create",
        "group_participants_update": "group_participants_add",
        "group_settings_update": "group_settings_update",
        "group_status_update": "group_suspend",
    }
    kept = {each.item.problem for each in site.told if isinstance(each.item, Unreadable)}
    assert kept == {"a message to a group", "a status of a group"}
    assert not [each for each in site.told if isinstance(each.item, InboundMessage | InboundStatus)]


@covers("status: deleted")
def test_what_was_deleted_is_told_of(site: Site) -> None:
    deleted = {"id": "wamid.1", "status": "deleted", "timestamp": "1795000000", "recipient_id": "16505551234"}
    site.emulator.announce("messages", {"errors": None, "statuses": [deleted]})
    told = site.last(InboundNotice)
    assert (told.topic, told.word) == ("statuses", "deleted")


# -------------------------------------------------------------------------------------------- fields


@covers("receive: errors of the account", "receive: user_actions")
def test_errors_and_taps_on_links_are_told_of(site: Site) -> None:
    site.emulator.announce("messages")
    told = site.last(InboundNotice)
    assert (told.topic, told.word) == ("errors", "130429")
    tap = {"action_type": "marketing_messages_link_click", "timestamp": "1795000000"}
    site.emulator.announce("messages", {"errors": None, "user_actions": [tap]})
    told = site.last(InboundNotice)
    assert (told.topic, told.word) == ("user_actions", "marketing_messages_link_click")


@covers(
    "field: user_preferences", "receive: preference: stop", "receive: preference: resume", "receive: preference: signup"
)
def test_preferences(site: Site) -> None:
    site.emulator.stop_marketing(ANA)
    site.emulator.resume_marketing(ANA)
    site.emulator.sign_up(ANA, "778")
    chosen = [item for item in site.heard() if isinstance(item, InboundPreference)]
    assert [(each.wants_marketing, each.form) for each in chosen] == [(False, ""), (True, ""), (True, "778")]
    assert len({each.provider_id for each in chosen}) == 3


@covers("field: smb_message_echoes", "field: smb_app_state_sync", "field: history")
def test_what_the_app_tells(on_app: Site) -> None:
    emulator = on_app.emulator
    emulator.type_text(ANA, "hi", number_id=ON_APP)
    emulator.echo(ANA, "from the app", number_id=ON_APP)
    assert on_app.last(InboundEcho).content == Text("from the app")
    emulator.sync_contact(ANA, number_id=ON_APP)
    told = on_app.last(InboundNotice)
    assert (told.topic, told.word) == ("smb_app_state_sync", "add")
    assert "Ana" in told.raw
    emulator.sync_history(number_id=ON_APP)
    past = [item for item in on_app.heard() if isinstance(item, InboundMessage) and item.is_history]
    assert [item.content for item in past] == [Text("hi")]


UNDOCUMENTED = {"consumer_profile"}


FIELDS = (
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "account_update",
    "automatic_events",
    "business_capability_update",
    "business_status_update",
    "business_username_update",
    "consumer_profile",
    "flows",
    "message_echoes",
    "message_template_components_update",
    "message_template_quality_update",
    "messages",
    "messaging_handovers",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "standby",
    "template_category_update",
    "template_correct_category_detection",
)


def test_every_field_that_the_emulator_announces_is_here() -> None:
    assert tuple(sorted(emulation_fields())) == FIELDS


def emulation_fields() -> list[str]:
    from wa_connector_emulator.announcements import FIELDS as ANNOUNCED

    return [*ANNOUNCED]


@covers(
    "field: account_alerts",
    "field: account_review_update",
    "field: account_settings_update",
    "field: account_update",
    "field: automatic_events",
    "field: business_capability_update",
    "field: business_status_update",
    "field: business_username_update",
    "field: consumer_profile",
    "field: flows",
    "field: message_echoes",
    "field: message_template_components_update",
    "field: messaging_handovers",
    "field: partner_solutions",
    "field: payment_configuration_update",
    "field: phone_number_name_update",
    "field: phone_number_quality_update",
    "field: security",
    "field: standby",
    "field: template_category_update",
    "field: template_correct_category_detection",
)
@pytest.mark.parametrize("field", FIELDS)
def test_every_field_that_can_be_announced_is_read(site: Site, field: str) -> None:
    """As a notice that names it and keeps the whole, or what it is; one that is documented nowhere is kept."""
    site.emulator.add_template("hello", "Hello there.")
    site.emulator.announce(field, template="hello", who=ANA)
    site.emulator.deliver_due()
    (told,) = {each.item for each in site.told}
    assert isinstance(told, Unreadable) is (field in UNDOCUMENTED)
    if isinstance(told, InboundNotice):
        assert told.topic == ("errors" if field == "messages" else field)
        assert told.raw


@covers("field: message_template_status_update", "field: message_template_quality_update")
def test_the_life_of_a_template_is_told_of(site: Site) -> None:
    site.emulator.add_template("hello", "Hello there.")
    site.emulator.rate_template("hello", "RED")
    told = [item for item in site.heard() if isinstance(item, InboundNotice) and item.template]
    assert {item.topic for item in told} >= {"message_template_quality_update", "message_template_status_update"}
    assert {item.template.name for item in told if item.template} == {"hello"}


@covers("field: messages", "field: calls")
def test_messages_and_calls(site: Site) -> None:
    site.emulator.type_text(ANA, "hi")
    site.emulator.call(ANA)
    assert len({item.provider_id for item in site.heard() if isinstance(item, InboundMessage)}) == 2
