"""A client that we did not write: pywa works against the emulator with nothing changed but the base address."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, TypeAlias

import httpx
import pytest
from emulator_bench import ANA, Site, until
from pywa.errors import WhatsAppError

# Imported by name: its modules do not say which of their names are public, and its types refuse their own use.
WhatsApp: TypeAlias = Any
types: Any = import_module("pywa.types")
templates: Any = import_module("pywa.types.templates")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def client(site: Site) -> Iterator[WhatsApp]:
    site.emulator.create_customer(ANA, "Ana")
    with httpx.Client(trust_env=False) as session:
        made = import_module("pywa").WhatsApp(
            phone_id=site.number_id,
            token="test-token",
            waba_id=site.emulator.accounts()[0].id,
            app_secret="test_app_secret",
            session=session,
        )
        session.base_url = site.graph.base_url  # the one change
        yield made


def received(site: Site) -> list[str | None]:
    return [message.content.text for message in site.emulator.received(ANA)]


def test_it_sends_all_kinds_of_messages(site: Site, client: WhatsApp) -> None:
    said = site.emulator.type_text(ANA, "hi")
    client.send_message(to=ANA, text="Hello", reply_to_message_id=said.id, tracker="outbox:1")
    client.send_message(to=ANA, text="Choose", buttons=[types.Button(title="Yes", callback_data="y")])
    rows = types.SectionList("Open", [types.Section("All", [types.SectionRow(title="A", callback_data="a")])])
    client.send_message(to=ANA, text="Pick", buttons=rows)
    client.send_message(to=ANA, text="Look", buttons=types.URLButton(title="Go", url="https://x.test"))
    client.send_image(to=ANA, image=PNG, caption="A mug", mime_type="image/png")
    client.send_location(to=ANA, latitude=52.5, longitude=13.4, name="Berlin")
    client.send_reaction(to=ANA, emoji="👍", message_id=said.id)
    assert client.mark_message_as_read(said.id).success
    assert received(site) == ["Hello", "Choose", "Pick", "Look", "A mug", "Berlin", "👍"]
    assert site.emulator.sent_counts() == {"outbox:1": 1}
    assert site.emulator.said(ANA)[0].is_read


def test_it_understands_refusals(site: Site, client: WhatsApp) -> None:
    site.emulator.type_text(ANA, "hi")
    with pytest.raises(WhatsAppError) as wrong:
        client.send_message(to=ANA, text="x" * 4097)
    assert wrong.value.code == 100
    site.emulator.fail_next(131056)
    with pytest.raises(WhatsAppError) as refusal:
        client.send_message(to=ANA, text="Hello")
    assert refusal.value.code == 131056


def test_it_manages_media_templates_profile_and_blocks(site: Site, client: WhatsApp) -> None:
    site.emulator.type_text(ANA, "hi")
    media = client.upload_media(media=PNG, mime_type="image/png", filename="a.png")
    found = client.get_media_url(media.id)
    assert (found.mime_type, found.file_size) == ("image/png", len(PNG))
    body = {"type": "BODY", "text": "Hello {{1}}, welcome.", "example": {"body_text": [["Ana"]]}}
    create = {"name": "hello", "language": "en_US", "category": "UTILITY", "components": [body]}
    account = site.emulator.accounts()[0].id
    site.graph.post(f"{account}/message_templates", json=create).raise_for_status()
    site.emulator.approve_template("hello")
    (template,) = client.get_templates()
    assert (template.name, template.status) == ("hello", templates.TemplateStatus.APPROVED)
    client.send_template(
        to=ANA,
        name="hello",
        language=templates.TemplateLanguage.ENGLISH_US,
        params=[templates.BodyText.params("Ana")],
    )
    assert received(site) == ["Hello Ana, welcome."]
    assert client.delete_template("hello").success
    assert client.update_business_profile(about="We answer.").success
    assert client.get_business_profile().about == "We answer."
    assert client.get_business_phone_number().display_phone_number == "+15550001111"
    assert [user.input for user in client.block_users([ANA]).added_users]
    assert client.create_qr_code("Hi").prefilled_message == "Hi"


def test_it_takes_webhooks(site: Site, client: WhatsApp) -> None:
    heard: list[object] = []
    client.on_message(lambda _, message: heard.append(message.text))
    client.on_message_status(lambda _, status: heard.append(status.status.value))
    site.emulator.type_text(ANA, "Grüße / hi")
    client.send_message(to=ANA, text="Hello")
    until(lambda: len(site.receiver.posts) == 3)
    for body, signature in site.receiver.posts:
        assert client.webhook_update_validator(body, signature) is None
        client.webhook_update_handler(body)
    until(lambda: len(heard) == 3)
    assert heard == ["Grüße / hi", "sent", "delivered"]
    assert client.webhook_update_validator(site.receiver.posts[0][0], "sha256=" + "0" * 64) is not None
