"""Answers: what came of a request, and never "not sent" of what may have been."""

import json
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wa_connector_cloud_api import responses
from wa_connector_cloud_api.errors import CODES, Care
from wa_connector_cloud_api.responses import Answer, MediaAddress

from wa_connector.errors import ProviderError, UnknownProviderError
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.directory import Account
from wa_connector.model.ids import ProviderId
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Correction,
    Deferred,
    FetchFailed,
    OutcomeUnknown,
    Rejected,
)
from wa_connector.model.template import Template, TemplateButton, TemplateCard, TemplateCategory, TemplateStatus


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(body).encode())


def refusal(code: object, status: int = 400, **headers: str) -> Answer:
    return answer({"error": {"code": code, "message": "M", "type": "OAuthException"}}, status, **headers)


# --------------------------------------------------------------------------------------- sending


@pytest.mark.parametrize(
    ("contacts", "addresses"),
    [
        ([{"input": "+16505551234", "wa_id": "16505551234"}], ["wa_id"]),
        ([{"input": "US.1", "user_id": "US.1"}], ["bsuid"]),
        ([{"wa_id": "16505551234", "user_id": "US.1", "parent_user_id": "US.ENT.1"}], None),
        ([{"wa_id": "not digits", "user_id": None}], []),
        ([], []),
        ("?", []),
        (None, []),
    ],
)
def test_accepted(account: Account, contacts: Any, addresses: list[str] | None) -> None:
    everything = (
        Address(AddressKind.WHATSAPP_ID, "16505551234"),
        Address(AddressKind.BSUID, "US.1", "portfolio-1"),
        Address(AddressKind.PARENT_BSUID, "US.ENT.1", "portfolio-1"),
    )
    wanted = [a for a in everything if addresses is None or a.kind.value in addresses]
    body = {
        "messaging_product": "whatsapp",
        "contacts": contacts,
        "messages": [{"id": "wamid.OUT3", "message_status": "accepted"}],
    }
    outcome = responses.sent(answer(body), account)
    assert outcome == Accepted(ProviderId("wamid.OUT3"), tuple(wanted))


def test_an_account_without_a_portfolio_pairs_numbers_only(account: Account) -> None:
    body = {"contacts": [{"wa_id": "16505551234", "user_id": "US.1"}], "messages": [{"id": "w"}]}
    outcome = responses.sent(answer(body), evolve(account, portfolio=""))
    assert outcome == Accepted(ProviderId("w"), (Address(AddressKind.WHATSAPP_ID, "16505551234"),))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"<html>",
        b"\xff",
        b"[" * 9999,
        b'{"messages":[]}',
        b'{"messages":[{}]}',
        b'{"messages":{"id":"w"}}',
        b'{"messages":[{"id":null}]}',
        b'{"error":{"code":131047}}',
    ],
)
def test_a_yes_that_cannot_be_read_is_of_unknown_outcome(account: Account, body: bytes) -> None:
    assert isinstance(responses.sent(Answer(200, {}, body), account), OutcomeUnknown)


OUTCOMES = {
    Care.SAFE: Deferred,
    Care.DEFER: Rejected,
    Care.UNSURE: OutcomeUnknown,
    Care.NEVER: Rejected,
    Care.FIX: Rejected,
    Care.ACCOUNT: AccountStopped,
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("code", sorted(CODES))
def test_a_known_code_decides_whatever_the_status(account: Account, code: int, status: int) -> None:
    outcome = responses.sent(refusal(code, status), account)
    assert isinstance(outcome, OUTCOMES[CODES[code].care])
    if not isinstance(outcome, OutcomeUnknown | Accepted):
        assert outcome.code == str(code)
        assert outcome.meaning == CODES[code].meaning


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (refusal(777), Rejected),
        (refusal(777, 429), Deferred),
        (refusal(777, 500), OutcomeUnknown),
        (answer({"error": {"code": 777, "is_transient": True}}, 400), OutcomeUnknown),
        (answer({"error": {"message": "no code"}}, 400), Rejected),
        (answer({"error": "?"}, 500), OutcomeUnknown),
        (Answer(302), AccountStopped),
        (Answer(400), Rejected),
        (Answer(401), AccountStopped),
        (Answer(403), AccountStopped),
        (Answer(404), Rejected),
        (Answer(407), AccountStopped),
        (Answer(408), OutcomeUnknown),
        (Answer(413), Rejected),
        (Answer(429), Deferred),
        (Answer(499), OutcomeUnknown),
        (Answer(500), OutcomeUnknown),
        (Answer(502, {}, b"<html>bad gateway"), OutcomeUnknown),
        (Answer(504), OutcomeUnknown),
        (Answer(100), OutcomeUnknown),
    ],
)
def test_without_a_known_code_the_status_decides(account: Account, found: Answer, kind: type) -> None:
    assert isinstance(responses.sent(found, account), kind)


USAGE = json.dumps({"1": [{"type": "whatsapp", "estimated_time_to_regain_access": 7}, {"call_count": 1}, "?"]})


@pytest.mark.parametrize(
    ("found", "wait"),
    [
        (refusal(130429), None),
        (refusal(131056), timedelta(seconds=6)),
        (refusal(130429, retry_after="30"), timedelta(seconds=30)),
        (refusal(131056, retry_after="90"), timedelta(seconds=90)),
        (refusal(131056, retry_after="soon"), timedelta(seconds=6)),
        (refusal(131056, retry_after="99999999"), timedelta(days=3)),
        (refusal(131056, retry_after="9" * 5000), timedelta(seconds=6)),
        (refusal(80007, x_business_use_case_usage=USAGE), timedelta(minutes=7)),
        (refusal(80007, x_business_use_case_usage="{"), None),
        (refusal(80007, x_business_use_case_usage='{"1":[{"estimated_time_to_regain_access":0}]}'), None),
        (Answer(429, {"retry-after": "5"}), timedelta(seconds=5)),
        (Answer(429), None),
    ],
)
def test_how_long_to_wait(account: Account, found: Answer, wait: timedelta | None) -> None:
    outcome = responses.sent(found, account)
    assert isinstance(outcome, Deferred)
    assert outcome.retry_after == wait


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(st.sampled_from(["retry-after", "x-business-use-case-usage"]), st.text()),
    body=st.binary(max_size=60)
    | st.builds(
        lambda code, transient: json.dumps(
            {"error": {"code": code, "is_transient": transient}, "messages": [{"id": code}]}
        ).encode(),
        st.integers() | st.text() | st.none() | st.lists(st.integers()),
        st.booleans() | st.none(),
    ),
)
def test_any_answer_has_an_outcome(account: Account, status: int, headers: dict[str, str], body: bytes) -> None:
    found = Answer(status, headers, body)
    outcome = responses.sent(found, account)
    if isinstance(outcome, Accepted):
        assert found.is_ok
    if status >= 500 and isinstance(outcome, Rejected):
        assert outcome.code in {str(code) for code in CODES} or 200 <= int(outcome.code) <= 2494179
    responses.uploaded(found)
    responses.media_address(found)


# ----------------------------------------------------------------------------------------- media


def test_uploaded() -> None:
    assert responses.uploaded(answer({"id": "MEDIA1"})) == "MEDIA1"
    assert responses.uploaded(answer({"id": 17})) == "17"


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (answer({}), Deferred),
        (Answer(200, {}, b"{"), Deferred),
        (refusal(131053), Rejected),
        (refusal(190, 401), AccountStopped),
        (refusal(4), Deferred),
        (refusal(131000, 500), Deferred),
        (Answer(502), Deferred),
    ],
)
def test_an_upload_that_failed_is_never_of_unknown_outcome(found: Answer, kind: type) -> None:
    assert isinstance(responses.uploaded(found), kind)


HASH = "49f227634806293b0995459bc310b593e1400f41591efcf07e9bced335f41942"


@pytest.mark.parametrize(
    "spelled",
    ["SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=", "SfInY0gGKTsJlUWbwxC1k-FAD0FZHvzwfpvO0zX0GUI", HASH, HASH.upper()],
)
def test_media_address(spelled: str) -> None:
    """The hash comes in base64 or in hex."""
    body = {"url": "https://x/y", "mime_type": "image/jpeg", "sha256": spelled, "file_size": "303833"}
    expected = MediaAddress("https://x/y", "image/jpeg", HASH, 303833)
    assert responses.media_address(answer(body)) == expected


def test_a_media_address_says_as_much_as_it_says() -> None:
    for unusable in (7, "", "x" * 64, "é" * 44, "A" * 44, "=" * 44, "A" * 42 + "=="):
        body = {"url": "https://x/y", "file_size": "many", "sha256": unusable}
        assert responses.media_address(answer(body)) == MediaAddress("https://x/y", "", "", 0)


@pytest.mark.parametrize(
    ("found", "is_final"),
    [
        (answer({}), False),
        (refusal(100), True),
        (refusal(131052), True),
        (refusal(190, 401), False),
        (refusal(4), False),
        (refusal(131000, 500), False),
        (refusal(777, 400), True),
        (Answer(404), True),
        (Answer(500), False),
        (Answer(302), False),
    ],
)
def test_a_file_is_given_up_only_for_what_is_about_the_file(found: Answer, is_final: bool) -> None:
    failed = responses.media_address(found)
    assert isinstance(failed, FetchFailed)
    assert failed.is_final is is_final


# ------------------------------------------------------------------------------------- templates

ROW = {
    "id": "594425479261596",
    "name": "order_update",
    "language": "en-US",
    "status": "APPROVED",
    "category": "UTILITY",
    "quality_score": {"score": "GREEN", "date": 1795000000},
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
        {"type": "BODY", "text": "Hello {{1}}, it left."},
        {"type": "FOOTER", "text": "Acme"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Thanks"},
                {"type": "URL", "text": "Track", "url": "https://x/{{1}}"},
            ],
        },
    ],
}


def expected(account: Account, **more: Any) -> Template:
    template = Template(
        account=account.id,
        name="order_update",
        language="en_US",
        category=TemplateCategory.UTILITY,
        status=TemplateStatus.APPROVED,
        body="Hello {{1}}, it left.",
        header_kind="TEXT",
        header_text="Order {{1}}",
        footer="Acme",
        buttons=(TemplateButton("QUICK_REPLY", "Thanks"), TemplateButton("URL", "Track", "https://x/{{1}}")),
        quality="GREEN",
        raw_status="APPROVED",
        provider_ref="594425479261596",
    )
    return evolve(template, **more)


def lower(value: Any) -> Any:
    """The row as some answers spell it."""
    if isinstance(value, list):
        return [lower(each) for each in value]
    if isinstance(value, dict):
        small = ("type", "format", "status", "category")
        return {k: v.lower() if k in small else lower(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize(
    ("row", "more"),
    [
        (ROW, {}),
        (lower(ROW), {"raw_status": "approved"}),
        (ROW | {"language": "de"}, {"language": "de"}),
        (
            ROW | {"status": "LEVITATING", "category": None},
            {
                "status": TemplateStatus.UNKNOWN,
                "raw_status": "LEVITATING",
                "category": TemplateCategory.UNKNOWN,
            },
        ),
        (
            ROW | {"components": [{"type": "HEADER", "format": "IMAGE"}, "?", {}, {"type": "BODY"}]},
            {"header_kind": "IMAGE", "header_text": "", "body": "", "footer": "", "buttons": ()},
        ),
        (
            ROW | {"components": {"type": "BODY"}},
            {"header_kind": "", "header_text": "", "body": "", "footer": "", "buttons": ()},
        ),
    ],
)
def test_templates(account: Account, row: Any, more: dict[str, Any]) -> None:
    page = responses.template_page(answer({"data": [row]}), account)
    assert page.templates == (expected(account, **more),)
    assert page.after == ""


CAROUSEL = {
    "type": "CAROUSEL",
    "cards": [
        {
            "components": [
                {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://x/1"]}},
                {"type": "BODY", "text": "A mug for {{1}}"},
                {
                    "type": "BUTTONS",
                    "buttons": [
                        {"type": "QUICK_REPLY", "text": "More"},
                        {"type": "URL", "text": "Buy", "url": "https://x/{{1}}"},
                    ],
                },
            ]
        },
        "?",
        {"components": [{"type": "header", "format": "video"}]},
        {},
    ],
}
OTP_URL = "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"


def listed(account: Account, *components: Any, **row: Any) -> Template:
    (found,) = responses.template_page(
        answer({"data": [ROW | row | {"components": list(components)}]}), account
    ).templates
    return found


def test_the_cards_of_a_carousel_are_read(account: Account) -> None:
    found = listed(account, {"type": "BODY", "text": "Look, {{1}}!"}, CAROUSEL)
    assert found.cards == (
        TemplateCard(
            "IMAGE",
            "A mug for {{1}}",
            (TemplateButton("QUICK_REPLY", "More"), TemplateButton("URL", "Buy", "https://x/{{1}}")),
        ),
        TemplateCard("VIDEO"),
        TemplateCard(""),
    )
    assert found.parameter_keys() == (
        "body.1",
        "card.0.header.image",
        "card.0.body.1",
        "card.0.button.1",
        "card.1.header.video",
    )


@pytest.mark.parametrize("cards", [None, {}, "?", 7])
def test_a_carousel_without_cards_has_none(account: Account, cards: Any) -> None:
    assert listed(account, {"type": "CAROUSEL", "cards": cards}).cards == ()


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ({"type": "COPY_CODE", "text": "Copy", "example": ["SAVE"]}, TemplateButton("COPY_CODE", "Copy")),
        ({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1"}, TemplateButton("PHONE_NUMBER", "Call")),
        ({"type": "url", "text": "Site", "url": "https://x/"}, TemplateButton("URL", "Site", "https://x/")),
        ({"type": "URL", "text": "Copy code", "url": OTP_URL}, TemplateButton("URL", "Copy code", OTP_URL)),
        ({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}, TemplateButton("OTP", "Copy", "{{1}}")),
        ({"type": "OTP", "text": "Copy", "url": OTP_URL}, TemplateButton("OTP", "Copy", OTP_URL)),
        ({"type": 7, "text": None, "url": []}, TemplateButton("", "")),
    ],
)
def test_buttons_of_templates(account: Account, button: Any, expected: TemplateButton) -> None:
    assert (expected,) == listed(account, {"type": "BUTTONS", "buttons": [button, "?"]}).buttons


def test_a_template_for_codes_asks_for_the_code_twice(account: Account) -> None:
    """Source: authentication templates: the same code in the body and in the button."""
    for button in ({"type": "OTP", "text": "Copy"}, {"type": "URL", "text": "Copy", "url": OTP_URL}):
        found = listed(
            account,
            {"type": "BODY", "text": "*{{1}}* is your code."},
            {"type": "BUTTONS", "buttons": [button]},
            category="AUTHENTICATION",
        )
        assert found.parameter_keys() == ("body.1", "button.0")


@pytest.mark.parametrize(
    ("score", "quality"),
    [
        ({"score": "RED", "reasons": ["x"]}, "RED"),
        ({"score": "yellow"}, "YELLOW"),
        ({"score": None}, ""),
        ({}, ""),
        ("GREEN", ""),
        (None, ""),
    ],
)
def test_the_quality_of_a_template_is_the_providers_word(account: Account, score: Any, quality: str) -> None:
    assert quality == listed(account, quality_score=score).quality


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (refusal(4), Deferred),
        (refusal(190, 401), AccountStopped),
        (refusal(100), Rejected),
        (refusal(131000, 500), Deferred),
        (Answer(502), Deferred),
    ],
)
def test_looking_up_templates_leaves_no_doubt_about_the_message(found: Answer, expected: type) -> None:
    assert isinstance(responses.not_looked_up(found), expected)


@pytest.mark.parametrize(
    ("paging", "after"),
    [
        ({"cursors": {"before": "A", "after": "B"}, "next": "https://evil.example/"}, "B"),
        ({"cursors": {"before": "A", "after": "B"}}, ""),
        ({"next": "x"}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_pages_go_by_cursor_while_there_is_a_next(account: Account, paging: Any, after: str) -> None:
    body = {"data": [None, {}, {"name": "x"}], "paging": paging}
    page = responses.template_page(answer(body), account)
    assert (page.templates, page.after) == ((), after)


@pytest.mark.parametrize(
    ("found", "kind", "code", "retryable"),
    [
        (refusal(190, 401), ProviderError, "190", False),
        (refusal(80007, x_business_use_case_usage=USAGE), ProviderError, "80007", True),
        (refusal(777), UnknownProviderError, "777", False),
        (Answer(500), UnknownProviderError, "http 500", True),
        (Answer(404), UnknownProviderError, "http 404", False),
        (answer({"data": None}), UnknownProviderError, "", True),
    ],
)
def test_templates_refused(account: Account, found: Answer, kind: type, code: str, retryable: bool) -> None:
    with pytest.raises(ProviderError) as caught:
        responses.template_page(found, account)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert caught.value.body == found.body


@pytest.mark.parametrize(
    ("code", "taught"),
    [
        (131026, Correction.NOT_ON_CHANNEL),
        (131047, Correction.WINDOW_CLOSED),
        (131049, Correction.MARKETING_CAPPED),
        (131050, Correction.MARKETING_STOPPED),
        (132001, Correction.NONE),
    ],
)
def test_what_a_refusal_teaches(account: Account, code: int, taught: Correction) -> None:
    """The same code teaches the same whether it comes at once or in a status."""
    outcome = responses.sent(refusal(code), account)
    assert isinstance(outcome, Rejected)
    assert taught is outcome.correction
