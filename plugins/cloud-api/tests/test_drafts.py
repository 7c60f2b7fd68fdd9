"""Templates that people write: checked before the wire, shown as a customer sees them, and handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_cloud_api import administration, drafts
from wa_connector_cloud_api.drafts import DraftButton, DraftCard, TemplateDraft
from wa_connector_cloud_api.transport import CloudApiTransport

from wa_connector.errors import ProviderError
from wa_connector.model.directory import Account
from wa_connector.model.ids import AccountId, AppId, TenantId
from wa_connector.model.secret import Secret
from wa_connector.model.template import TemplateCategory, TemplateStatus

emulation = pytest.importorskip("wa_connector_emulator")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wa_connector_emulator import Emulator

ANA = "+16505551234"
APP = "670843887433847"
GOOD = TemplateDraft(
    name="order_update",
    language="en_US",
    category=TemplateCategory.UTILITY,
    header_kind="TEXT",
    header_text="Order {{1}}",
    sample="A-7",
    body="Hello {{1}}, your order leaves on {{2}}.",
    examples=("Ana", "Monday"),
    footer="Reply STOP to end",
    buttons=(
        DraftButton("QUICK_REPLY", "Thanks"),
        DraftButton("URL", "Track", "https://x.test/{{1}}", "https://x.test/7"),
    ),
)
CARD = DraftCard("IMAGE", "4::handle", "A mug.", buttons=(DraftButton("QUICK_REPLY", "More"),))


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Emulator, Account, CloudApiTransport]]:
    emulator = emulation.Emulator(settings=emulation.Settings(template_review="approve"))
    transport = CloudApiTransport()
    with emulation.serve(emulator) as served:
        account = Account(
            TenantId("acme"),
            AccountId("main"),
            AppId("app"),
            "whatsapp",
            emulator.accounts()[0].id,
            "portfolio",
            Secret(emulator.token),
            served.graph_url,
        )
        yield emulator, account, transport
    transport.close()


# --- validation ---------------------------------------------------------------------------------


def test_a_good_draft_has_no_mistakes() -> None:
    assert drafts.mistakes(GOOD) == ()
    assert drafts.mistakes(evolve(GOOD, body="Look.", examples=(), cards=(CARD, CARD), buttons=())) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "Order Update"}, "name: "),
        ({"language": "english!"}, "language: "),
        ({"category": TemplateCategory.UNKNOWN}, "category: "),
        ({"body": ""}, "body: a template needs one"),
        ({"body": "x" * 1025, "examples": ()}, "at most 1024"),
        ({"body": "{{1}} is first", "examples": ("a",)}, "begin or end"),
        ({"body": "last is {{1}}", "examples": ("a",)}, "begin or end"),
        ({"body": "a {{1}} and {{3}} b", "examples": ("a", "b")}, "without a gap"),
        ({"body": "a {{1}} and {{name}} b", "examples": ("a", "b")}, "all numbers or all words"),
        ({"examples": ("Ana",)}, "2 placeholders need 2 examples, not 1"),
        ({"header_kind": "GIF"}, "header: text, an image"),
        ({"header_text": ""}, "header: 1 to 60"),
        ({"header_text": "{{1}} and {{2}}"}, "at most one placeholder"),
        ({"sample": ""}, "needs an example"),
        ({"header_kind": "IMAGE", "header_text": "", "sample": ""}, "upload a sample"),
        ({"header_kind": "LOCATION"}, "only a text header has a text"),
        ({"footer": "x" * 61}, "footer: "),
        ({"footer": "by {{1}}"}, "footer: "),
        ({"buttons": (DraftButton("QUICK_REPLY", "x"),) * 11}, "at most 10"),
        ({"buttons": (DraftButton("URL", "x", "https://x.test"),) * 3}, "at most 2 of the kind URL"),
        (
            {
                "buttons": (
                    DraftButton("QUICK_REPLY", "a"),
                    DraftButton("PHONE_NUMBER", "b", "+1"),
                    DraftButton("QUICK_REPLY", "c"),
                )
            },
            "stand together",
        ),
        ({"buttons": (DraftButton("BEEP", "x"),)}, "no kind of button"),
        ({"buttons": (DraftButton("QUICK_REPLY", "x" * 26),)}, "1 to 25"),
        ({"buttons": (DraftButton("VOICE_CALL", "x" * 21),)}, "1 to 20"),
        ({"buttons": (DraftButton("URL", "x", "ftp://x"),)}, "an address"),
        ({"buttons": (DraftButton("URL", "x", "https://x.test/{{1}}/end", "y"),)}, "ends in one placeholder"),
        ({"buttons": (DraftButton("URL", "x", "https://x.test/{{1}}"),)}, "an example of the whole address"),
        ({"buttons": (DraftButton("PHONE_NUMBER", "x"),)}, "a telephone number"),
        ({"buttons": (DraftButton("COPY_CODE", value="x" * 21),)}, "the coupon"),
        ({"buttons": (DraftButton("FLOW", "x"),)}, "the id of the flow"),
        ({"cards": (CARD,)}, "cards: 2 to 10"),
        ({"cards": (CARD, evolve(CARD, body=""))}, "all have the same parts"),
        ({"cards": (evolve(CARD, header_kind="TEXT"),) * 2}, "an image or a video"),
        ({"cards": (evolve(CARD, body="x" * 161),) * 2}, "at most 160"),
        ({"ttl_seconds": 29}, "30 to 43200"),
        ({"category": TemplateCategory.MARKETING, "ttl_seconds": -1}, "43200 to 2592000"),
        ({"category": TemplateCategory.AUTHENTICATION}, "words that of an authentication"),
    ],
)
def test_a_mistake_is_found_before_the_wire(changes: dict[str, Any], says: str) -> None:
    found = drafts.mistakes(evolve(GOOD, **changes))
    assert [each for each in found if says in each], found


@pytest.mark.parametrize(
    ("given_code", "expected"),
    [
        ("en_US", "en_US"),
        ("en-us", "en_US"),
        ("de", "de"),
        ("zh-hans", "zh_Hans"),
        (" pt_br ", "pt_BR"),
        ("!", "!"),
    ],
)
def test_languages_are_spelled_one_way(given_code: str, expected: str) -> None:
    assert drafts.language(given_code) == expected


@given(st.text(max_size=20))
def test_spelling_a_language_twice_changes_nothing_more(code: str) -> None:
    assert drafts.language(drafts.language(code)) == drafts.language(code)


# --- against an emulator ------------------------------------------------------------------------


def sample(transport: CloudApiTransport, account: Account, content: bytes = b"picture") -> str:
    begin = administration.begin_upload(APP, "a.png", "image/png", len(content))
    session = transport.ask(account, begin, administration.upload_session)
    return transport.ask(account, administration.finish_upload(session, content), administration.upload_handle)


def approved(site: tuple[Emulator, Account, CloudApiTransport], name: str) -> Any:
    (found,) = [t for t in site[2].templates(site[1]) if t.name == name]
    assert found.status is TemplateStatus.APPROVED
    return found


DRAFTS = [
    pytest.param(GOOD, {"header.1": "7", "body.1": "Ana", "body.2": "noon", "button.1": "7"}, id="parts"),
    pytest.param(
        evolve(GOOD, name="named", body="Hello {{name}}, welcome.", examples=("Ana",), header_kind="", header_text=""),
        {"body.name": "Ana", "button.1": "7"},
        id="named",
    ),
    pytest.param(
        evolve(
            GOOD, name="coupon", category=TemplateCategory.MARKETING, buttons=(DraftButton("COPY_CODE", value="A"),)
        ),
        {"header.1": "7", "body.1": "Ana", "body.2": "noon", "button.0": "SAVE20"},
        id="coupon",
    ),
]


@pytest.mark.parametrize(("draft", "parameters"), DRAFTS)
def test_the_preview_is_what_the_customers_phone_shows(
    site: tuple[Emulator, Account, CloudApiTransport], draft: TemplateDraft, parameters: dict[str, str]
) -> None:
    emulator, account, transport = site
    assert drafts.mistakes(draft) == ()
    _, status, _ = transport.ask(account, drafts.create(account, draft), administration.created)
    assert status == "PENDING"
    seen = drafts.preview(approved(site, draft.name), parameters)
    assert "{{" not in f"{seen}"
    send(site, draft.name, parameters)
    shown = emulator.received(ANA)[-1].content
    assert (seen.body, seen.header, seen.footer) == (shown.text, shown.header or "", shown.footer or "")
    assert [button.title for button in seen.buttons] == [choice.title for choice in shown.choices]
    targets = [choice.id for choice in shown.choices if choice.kind in ("link", "code")]
    assert [button.target for button in seen.buttons if button.target] == targets


def send(site: tuple[Emulator, Account, CloudApiTransport], name: str, parameters: dict[str, str]) -> None:
    """Send by hand what the provider's reference says, not by this package."""
    import httpx

    emulator, account, _ = site
    if not emulator.customers():
        emulator.create_customer(ANA)
    by_part: dict[str, list[dict[str, Any]]] = {"header": [], "body": []}
    buttons = []
    for key, value in parameters.items():
        part, which = key.split(".")
        if part == "button":
            kind = "coupon_code" if name == "coupon" else "text"
            sub_type = "copy_code" if name == "coupon" else "url"
            buttons.append(
                {"type": "button", "sub_type": sub_type, "index": which, "parameters": [{"type": kind, kind: value}]}
            )
        else:
            named = {} if which.isdigit() else {"parameter_name": which}
            by_part[part].append({"type": "text", "text": value, **named})
    components = [{"type": part, "parameters": rows} for part, rows in by_part.items() if rows] + buttons
    template = {"name": name, "language": {"code": "en_US"}, "components": components}
    body = {"messaging_product": "whatsapp", "to": ANA, "type": "template", "template": template}
    url = f"{account.base_url}/{emulator.numbers()[0].id}/messages"
    bearer = {"authorization": f"Bearer {emulator.token}"}
    httpx.post(url, json=body, headers=bearer, trust_env=False).raise_for_status()


def test_a_missing_parameter_stays_as_its_placeholder(site: tuple[Emulator, Account, CloudApiTransport]) -> None:
    emulator, _, _ = site
    emulator.add_template(
        "late", "Hello {{1}}, it is late.", buttons=[{"type": "URL", "text": "Go", "url": "https://x/{{1}}"}]
    )
    seen = drafts.preview(approved(site, "late"), {})
    assert seen.body == "Hello {{1}}, it is late."
    assert seen.buttons[0].target == "https://x/{{1}}"


def test_a_carousel_with_uploaded_samples_is_taken_and_previewed(
    site: tuple[Emulator, Account, CloudApiTransport],
) -> None:
    _, account, transport = site
    handle = sample(transport, account)
    card = evolve(CARD, sample=handle, body="Mug {{1}} is new.", examples=("A",))
    draft = TemplateDraft(
        "mugs", "en-us", TemplateCategory.MARKETING, "Look here.", cards=(card, card), ttl_seconds=43200
    )
    assert drafts.mistakes(draft) == ()
    transport.ask(account, drafts.create(account, draft), administration.created)
    seen = drafts.preview(approved(site, "mugs"), {"card.0.body.1": "A", "card.1.body.1": "B"})
    assert [(c.media_kind, c.body, c.buttons[0].title) for c in seen.cards] == [
        ("IMAGE", "Mug A is new.", "More"),
        ("IMAGE", "Mug B is new.", "More"),
    ]


def test_a_media_header_needs_a_handle_that_the_provider_knows(
    site: tuple[Emulator, Account, CloudApiTransport],
) -> None:
    _, account, transport = site
    draft = TemplateDraft("pic", "en_US", TemplateCategory.UTILITY, "Look here.", "IMAGE", sample="4::none")
    assert drafts.mistakes(draft) == ()
    with pytest.raises(ProviderError):
        transport.ask(account, drafts.create(account, draft), administration.created)
    good = evolve(draft, sample=sample(transport, account))
    transport.ask(account, drafts.create(account, good), administration.created)
    assert approved(site, "pic").header_kind == "IMAGE"


def test_a_template_is_edited_unpaused_and_deleted(site: tuple[Emulator, Account, CloudApiTransport]) -> None:
    emulator, account, transport = site
    draft = TemplateDraft("life", "en_US", TemplateCategory.UTILITY, "Hello there.")
    ref, _, _ = transport.ask(account, drafts.create(account, draft), administration.created)
    transport.ask(account, drafts.edit(ref, evolve(draft, body="Hello again.")), administration.done)
    assert approved(site, "life").body == "Hello again."
    emulator.pause_template("life", by_pacing=True)
    with pytest.raises(ProviderError):  # not before five minutes are over
        transport.ask(account, drafts.unpause(ref), administration.done)
    emulator.clock.set(emulator.clock.now().replace(year=2099))
    transport.ask(account, drafts.unpause(ref), administration.done)
    assert approved(site, "life")
    transport.ask(account, drafts.delete(account, "life"), administration.done)
    assert [t.name for t in transport.templates(account) if t.name == "life"] == []


def test_a_one_time_code_has_the_providers_words(site: tuple[Emulator, Account, CloudApiTransport]) -> None:
    _, account, transport = site
    draft = TemplateDraft("otp", "de", TemplateCategory.AUTHENTICATION, buttons=(DraftButton("OTP", "Copy"),))
    assert drafts.mistakes(draft) == ()
    transport.ask(account, drafts.create(account, draft), administration.created)
    assert approved(site, "otp").language == "de"
