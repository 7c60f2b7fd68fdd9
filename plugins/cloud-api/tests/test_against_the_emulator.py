"""The whole way and back, against an emulator of the Cloud API that shares no code with this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest
from attrs import evolve

from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.content import Button, ButtonReply, Buttons, Call, CallDirection, Image, TemplateMessage, Text
from wa_connector.model.ids import MessageId, ProviderId
from wa_connector.model.inbound import InboundMessage, InboundNotice, InboundPreference, InboundStatus, Report
from wa_connector.model.outbound import Accepted, AccountStopped, Envelope, Fetched, Rejected
from wa_connector.model.secret import Secret
from wa_connector.policy.templates import judge_template

emulation = pytest.importorskip("wa_connector_emulator")

if TYPE_CHECKING:
    from conftest import Files, Sender, Site

    from wa_connector.model.content import Content

_T = TypeVar("_T")

ANA = "+16505551234"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20


def envelope(content: Content, to: Address | None = None) -> Envelope:
    return Envelope(MessageId("outbox:43"), to or number(ANA), content)


def test_a_word_and_its_answer(site: Site, sender: Sender) -> None:
    site.emulator.type_text(ANA, "Hello 👋")
    heard = site.last(InboundMessage)
    assert heard.content == Text("Hello 👋")
    assert heard.sender.name == "Ana"
    kinds = [address.kind for address in heard.sender.addresses]
    assert kinds == [AddressKind.WHATSAPP_ID, AddressKind.BSUID]
    for address in heard.sender.addresses:
        outcome = sender.send(site.line, envelope(Text("Hi Ana"), address))
        assert isinstance(outcome, Accepted)
        assert outcome.addresses
        status = site.last(InboundStatus)
        assert (status.provider_id, status.message) == (outcome.provider_id, "outbox:43")
    assert [m.content.text for m in site.emulator.received(ANA)] == ["Hi Ana", "Hi Ana"]


def test_a_customer_who_withholds_his_number(site: Site, sender: Sender) -> None:
    hidden = site.emulator.create_customer("+16505550002", "Bo", hidden_number=True)
    site.emulator.type_text(hidden.bsuid, "guess who")
    heard = site.last(InboundMessage)
    assert heard.sender.addresses == (Address(AddressKind.BSUID, hidden.bsuid, site.line.account.provider_ref),)
    outcome = sender.send(site.line, envelope(Text("you?"), heard.sender.addresses[0]))
    assert isinstance(outcome, Accepted)
    assert outcome.addresses == (Address(AddressKind.BSUID, hidden.bsuid, "portfolio-1"),)


def test_what_was_read_is_shown(site: Site, sender: Sender) -> None:
    site.emulator.type_text(ANA, "Hello")
    heard = site.last(InboundMessage)
    assert sender.mark_read(site.line, heard.provider_id)
    (asked,) = (each for each in site.emulator.requests() if each.body.get("status") == "read")
    assert (asked.status, asked.body["message_id"]) == (200, heard.provider_id)


def test_what_cannot_be_shown_is_not_tried_again(site: Site, sender: Sender) -> None:
    """But where nothing was asked: then it is."""
    assert sender.mark_read(site.line, ProviderId("wamid.nobody"))
    nowhere = evolve(site.line, account=evolve(site.line.account, base_url="http://127.0.0.1:9"))
    assert not sender.mark_read(nowhere, ProviderId("wamid.nobody"))
    unusable = evolve(site.line, account=evolve(site.line.account, base_url="nonsense"))
    assert not sender.mark_read(unusable, ProviderId("wamid.nobody"))


def test_outside_the_window(site: Site, sender: Sender) -> None:
    """Refused at once or by a status: either way by its code."""
    outcome = sender.send(site.line, envelope(Text("anybody?")))
    if isinstance(outcome, Accepted):
        status = site.last(InboundStatus)
        assert (status.report, status.error) == (Report.FAILED, "131047")
    else:
        assert isinstance(outcome, Rejected)
        assert outcome.code == "131047"


def test_pictures_there_and_back(site: Site, sender: Sender, files: Files) -> None:
    site.emulator.send_image(ANA, JPEG, caption="look")
    content = site.last(InboundMessage).content
    assert isinstance(content, Image)
    fetched = sender.fetch(site.line, content.media)
    assert isinstance(fetched, Fetched)
    assert files.content == {fetched.media.sha256: JPEG}
    outcome = sender.send(site.line, envelope(Image(fetched.media, "nice")))
    assert isinstance(outcome, Accepted)
    (arrived,) = site.emulator.received(ANA)
    assert arrived.id == outcome.provider_id


def test_a_tap_on_a_button(site: Site, sender: Sender) -> None:
    site.emulator.type_text(ANA, "hi")
    buttons = Buttons("Shall we?", (Button("y", "Yes"), Button("n", "No")))
    outcome = sender.send(site.line, envelope(buttons))
    assert isinstance(outcome, Accepted)
    site.emulator.tap(ANA, outcome.provider_id, "y")
    assert site.last(InboundMessage).content == ButtonReply("y", "Yes", outcome.provider_id)


def test_a_template_and_a_tap_on_it(site: Site, sender: Sender) -> None:
    site.emulator.add_template("offer", "Hello {{1}}, {{2}}?", header="For {{1}}", footer="Acme", buttons=["Yes", "No"])
    found = next(t for t in sender.templates(site.line.account) if t.name == "offer")
    assert found.parameter_keys() == ("header.1", "body.1", "body.2")
    assert [button.title for button in found.buttons] == ["Yes", "No"]
    filled = {"header.1": "you", "body.1": "Ana", "body.2": "tea"}
    message = TemplateMessage("offer", found.language, filled, {"0": "optin:yes", "1": "optin:no"})
    outcome = sender.send(site.line, envelope(message))
    assert isinstance(outcome, Accepted)
    site.emulator.tap(ANA, outcome.provider_id, "Yes")
    tapped = site.last(InboundMessage)
    assert tapped.content == ButtonReply("optin:yes", "Yes", ProviderId(outcome.provider_id))
    assert tapped.opens_window


def test_addresses_coupons_and_codes_arrive(site: Site, sender: Sender) -> None:
    link = {"type": "URL", "text": "Track", "url": "https://x.test/{{1}}"}
    coupon = {"type": "COPY_CODE", "text": "Copy"}
    code = {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}
    site.emulator.add_template("offer", "Hello there.", buttons=["Yes", link, coupon])
    site.emulator.add_template("code", "{{1}} is your code.", category="AUTHENTICATION", buttons=[code])
    found = {template.name: template for template in sender.templates(site.line.account)}
    filled = {
        "offer": {"button.1": "orders%2F7", "button.2": "SAVE 20"},
        "code": {"body.1": "123456", "button.0": "123456"},
    }
    for name, parameters in filled.items():
        assert found[name].parameter_keys() == tuple(parameters)
        message = TemplateMessage(name, found[name].language, parameters)
        assert judge_template(message, found[name]) is None
        assert isinstance(sender.send(site.line, envelope(message)), Accepted)
    offer, one_time = site.emulator.received(ANA)
    assert [choice.id for choice in offer.content.choices] == ["Yes", "https://x.test/orders%2F7", "SAVE 20"]
    assert [choice.id for choice in one_time.content.choices] == ["123456"]


def test_a_carousel_arrives_card_by_card(site: Site, sender: Sender, files: Files) -> None:
    link = {"type": "URL", "text": "Buy", "url": "https://x.test/{{1}}"}
    card = {"header": {"format": "IMAGE"}, "body": "A mug for {{1}}.", "buttons": [link]}
    site.emulator.add_template("mugs", "Look, {{1}}!", cards=[card, card])
    found = next(t for t in sender.templates(site.line.account) if t.name == "mugs")
    pictures = [files.add(JPEG + bytes([n]), "image/jpeg").sha256 for n in range(2)]
    filled = {"body.1": "Ana"}
    for n, picture in enumerate(pictures):
        filled |= {f"card.{n}.header.image": picture, f"card.{n}.body.1": f"{n} €", f"card.{n}.button.0": str(n)}
    message = TemplateMessage("mugs", found.language, filled)
    assert set(found.parameter_keys()) == set(filled)
    assert judge_template(message, found) is None
    assert isinstance(sender.send(site.line, envelope(message)), Accepted)
    (arrived,) = site.emulator.received(ANA)
    shown = [(card.sha256, card.text, card.choices[0].id) for card in arrived.content.cards]
    assert shown == [(picture, f"A mug for {n} €.", f"https://x.test/{n}") for n, picture in enumerate(pictures)]


def test_marketing_stopped_and_resumed(site: Site) -> None:
    site.emulator.stop_marketing(ANA)
    stopped = site.last(InboundPreference)
    site.emulator.resume_marketing(ANA)
    resumed = site.last(InboundPreference)
    assert (stopped.wants_marketing, resumed.wants_marketing) == (False, True)
    assert stopped.sender == resumed.sender
    assert stopped.sender.name == "Ana"


@pytest.mark.parametrize("answered", [True, False])
def test_a_call_is_one_message_of_the_customers(site: Site, answered: bool) -> None:
    called = site.emulator.call(ANA, answered=answered)
    site.last(InboundMessage)
    told = [each.item for each in site.told if isinstance(each.item, InboundMessage)]
    assert len(told) == 2
    assert {item.provider_id for item in told} == {f"{called.id}#call"}
    assert {item.content for item in told} == {Call(CallDirection.CUSTOMER)}
    assert len({item.at for item in told}) == 1


def test_a_call_of_the_businesss_is_a_message_once_it_is_accepted(site: Site) -> None:
    site.emulator.call(ANA, by_business=True, answered=True)
    site.emulator.call(ANA, by_business=True)
    site.emulator.deliver_due()
    taken = [each.item for each in site.told if isinstance(each.item, InboundMessage)]
    told = [each.item.word for each in site.told if isinstance(each.item, InboundNotice)]
    assert [item.content for item in taken] == [Call(CallDirection.BUSINESS, is_accepted=True)]
    assert told == ["connect", "RINGING", "terminate", "connect", "RINGING", "REJECTED", "terminate"]


def test_parameters_that_do_not_fit(site: Site, sender: Sender) -> None:
    site.emulator.add_template("offer", "Hello {{1}}, it left.")
    outcome = sender.send(site.line, envelope(TemplateMessage("offer", "en_US")))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "132000"


def test_a_wrong_token(site: Site, sender: Sender) -> None:
    account = evolve(site.line.account, token=Secret("another"))
    outcome = sender.send(evolve(site.line, account=account), envelope(Text("hi")))
    assert isinstance(outcome, AccountStopped)
    assert outcome.code == "190"
