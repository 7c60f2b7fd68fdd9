"""Templates and their parameters, judged before the wire."""

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.content import TemplateMessage
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.ids import AccountId
from wa_connector.model.template import Template, TemplateButton, TemplateCard, TemplateCategory, TemplateStatus
from wa_connector.policy.templates import judge_template
from wa_connector.testing.strategies import filled, templates

quick = settings(max_examples=80, deadline=None)
CORRECT = (Remedy(RemedyKind.CORRECT_CONTENT),)
CHOOSE = (Remedy(RemedyKind.CHOOSE_TEMPLATE),)
SHA256 = "0123456789abcdef" * 4

HELLO = Template(
    AccountId("account-1"), "hello", "en", TemplateCategory.UTILITY, TemplateStatus.APPROVED, body="Hello {{1}}"
)
PLAIN = evolve(HELLO, body="Hello")
TRACK = TemplateButton("URL", "Track", "https://example.com/{{1}}")
COUPON = TemplateButton("COPY_CODE", "Copy")


def judged(template: Template, **parameters: str) -> Decision | None:
    given = {key.replace("__", "."): value for key, value in parameters.items()}
    return judge_template(TemplateMessage(template.name, template.language, given), template)


def mismatch(keys: str) -> Decision:
    return Decision(Reason.TEMPLATE_PARAMETERS, (("template", "hello"), ("parameters", keys)), CORRECT)


def bad(key: str, problem: str) -> Decision:
    return Decision(Reason.TEMPLATE_PARAMETER, (("parameter", key), ("problem", problem)), CORRECT)


def too_long(length: int, limit: int) -> Decision:
    return Decision(Reason.CONTENT_TOO_LONG, (("length", length), ("limit", limit)), CORRECT)


# --- the template -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", TemplateStatus)
def test_only_an_approved_template_can_be_sent(status: TemplateStatus) -> None:
    parameters = (("template", "hello"), ("status", status.value.lower()))
    expected = Decision(Reason.TEMPLATE_NOT_APPROVED, parameters, CHOOSE)
    is_approved = status is TemplateStatus.APPROVED
    assert (None if is_approved else expected) == judged(evolve(PLAIN, status=status))


def test_a_status_that_is_not_known_is_told_in_the_providers_word() -> None:
    decision = judged(evolve(PLAIN, status=TemplateStatus.UNKNOWN, raw_status="IN_LIMBO"))
    assert decision is not None
    assert decision.sentence == "The template hello is not approved (it is in_limbo)."


# --- its parameters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"body__1": "Ann"}, None),
        ({}, mismatch("body.1")),
        ({"body__1": ""}, mismatch("body.1")),
        ({"body__1": " \n"}, mismatch("body.1")),
        ({"body__1": "Ann", "body__2": "Ben"}, mismatch("body.2")),
        ({"body__1": "Ann", "body__2": " "}, mismatch("body.2")),
        ({"body__1": "Ann", "surname": ""}, mismatch("surname")),
        ({"body__1": "Ann", "button__x": " "}, mismatch("button.x")),
        ({"header__1": "Ann"}, mismatch("body.1, header.1")),
    ],
)
def test_a_message_has_exactly_the_parameters_of_its_template(
    parameters: dict[str, str], expected: Decision | None
) -> None:
    assert expected == judged(HELLO, **parameters)


@pytest.mark.parametrize("value", ["\ud83d", "nul\0"], ids=["half a character", "NUL"])
def test_a_parameter_is_text(value: str) -> None:
    assert bad("body.1", "it holds characters that are not text") == judged(HELLO, body__1=value)


@pytest.mark.parametrize("kind", ["IMAGE", "VIDEO", "DOCUMENT"])
@pytest.mark.parametrize(
    ("value", "is_right"), [(SHA256, True), (SHA256[1:], False), (SHA256 + "0", False), (SHA256.upper(), False)]
)
def test_a_header_of_media_names_a_stored_file(kind: str, value: str, is_right: bool) -> None:
    key = f"header.{kind.lower()}"
    expected = None if is_right else bad(key, "it is not the SHA-256 of a stored file")
    assert expected == judged(evolve(PLAIN, header_kind=kind), **{key: value})


def test_a_word_of_a_text_header_may_be_called_like_a_file() -> None:
    template = evolve(PLAIN, header_kind="TEXT", header_text="Your {{document}} is ready")
    assert judged(template, header__document="passport") is None


def test_a_place_in_a_header_is_text() -> None:
    assert judged(evolve(PLAIN, header_kind="LOCATION"), header__location="52.5,13.4") is None


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ("orders/1?x=%20&y=~", True),
        ("a#b", True),
        ("with space", False),
        ("100%", False),
        ("%2", False),
        ("%zz", False),
        ("ü", False),
        ("a\n", False),
    ],
)
def test_the_end_of_an_address_is_percent_encoded(value: str, is_right: bool) -> None:
    expected = None if is_right else bad("button.0", "it is not percent-encoded, as part of an address must be")
    assert expected == judged(evolve(PLAIN, buttons=(TRACK,)), button__0=value)


@pytest.mark.parametrize(("length", "is_right"), [(1, True), (19, True), (20, True), (21, False)])
def test_a_coupon_has_at_most_20_characters(length: int, is_right: bool) -> None:
    expected = None if is_right else bad("button.1", "a coupon has at most 20 characters")
    buttons = (TemplateButton("QUICK_REPLY", "Yes"), COUPON)
    assert expected == judged(evolve(PLAIN, buttons=buttons), button__1="x" * length)


def test_each_card_is_judged_by_its_own_kind_of_header_and_buttons() -> None:
    cards = (TemplateCard("IMAGE", "{{1}}", (COUPON,)), TemplateCard("VIDEO", "", (TRACK,)))
    template = evolve(PLAIN, buttons=(), cards=cards)
    right = {
        "card__0__header__image": SHA256,
        "card__0__body__1": "Ann",
        "card__0__button__0": "not encoded ü",
        "card__1__header__video": SHA256,
        "card__1__button__0": "a",
    }
    assert judged(template, **right) is None
    wrong = bad("card.1.button.0", "it is not percent-encoded, as part of an address must be")
    assert wrong == judged(template, **right | {"card__1__button__0": "ü"})
    missing = bad("card.0.header.image", "it is not the SHA-256 of a stored file")
    assert missing == judged(template, **right | {"card__0__header__image": "cat.jpg"})


# --- lengths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beyond", [-1, 0, 1])
@pytest.mark.parametrize(
    ("template", "key", "words", "limit"),
    [
        (evolve(PLAIN, body="Hello {{1}}"), "body.1", "Hello ", 1024),
        (evolve(PLAIN, header_kind="TEXT", header_text="Order {{1}}"), "header.1", "Order ", 60),
        (evolve(PLAIN, cards=(TemplateCard("", "Card {{1}}"),)), "card.0.body.1", "Card ", 160),
    ],
    ids=["body", "header", "card"],
)
def test_a_text_is_measured_with_its_parameters_in_it(
    template: Template, key: str, words: str, limit: int, beyond: int
) -> None:
    value = "x" * (limit - len(words) + beyond)
    expected = too_long(limit + 1, limit) if beyond > 0 else None
    assert expected == judged(template, **{key: value})


# --- one-time codes ---------------------------------------------------------------------------------------------------

CODE = evolve(
    HELLO,
    category=TemplateCategory.AUTHENTICATION,
    body="{{1}} is your code.",
    buttons=(TRACK,),
)
NO_CODE = "a code has 1 to 15 letters and digits"


@pytest.mark.parametrize(
    ("code", "is_right"),
    [("1", True), ("123-456", True), ("a" * 15, True), ("a" * 16, False), ("see.me", False), ("http://x", False)],
)
def test_a_code_is_short_and_plain(code: str, is_right: bool) -> None:
    expected = None if is_right else bad("body.1", NO_CODE)
    assert expected == judged(CODE, body__1=code, button__0=code)


def test_the_button_carries_the_same_code() -> None:
    assert bad("body.1", "the button carries another code") == judged(CODE, body__1="123", button__0="124")
    assert judged(evolve(CODE, buttons=()), body__1="123") is None


def test_a_template_for_codes_without_one_is_not_sent() -> None:
    assert bad("body.1", NO_CODE) == judged(evolve(CODE, body="Your code", buttons=()))


# --- parameters that are more than text -------------------------------------------------------------------------------

PLACE = evolve(PLAIN, header_kind="LOCATION")
NO_PLACE = "it is no place: latitude,longitude and, each in a line of its own, name, address"


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ("52.52,13.4", True),
        ("-90,-180\nPole", True),
        ("52,13\nShop\n1 Main St", True),
        ("52.52", False),
        ("91,0", False),
        ("0,181", False),
        ("Berlin", False),
    ],
)
def test_a_location_header_takes_a_place(value: str, is_right: bool) -> None:
    assert (None if is_right else bad("header.location", NO_PLACE)) == judged(PLACE, header__location=value)


@pytest.mark.parametrize(
    ("value", "is_right"), [("catalog/sku", True), ("catalog/a/b", True), ("sku", False), ("a /b", False)]
)
def test_a_product_header_takes_a_catalogue_and_a_product(value: str, is_right: bool) -> None:
    expected = None if is_right else bad("header.product", "it is not a catalogue and a product with a / between")
    assert expected == judged(evolve(PLACE, header_kind="PRODUCT"), header__product=value)


OFFER = evolve(PLACE, header_kind="", offer_text="Ends soon", offer_expires=True)


@pytest.mark.parametrize(
    ("value", "is_right"),
    [("2027-01-31T12:00:00Z", True), ("2027-01-31T12:00:00", False), ("tomorrow", False), ("1795000000", False)],
)
def test_an_offer_ends_at_an_instant_with_its_zone(value: str, is_right: bool) -> None:
    """Without one it would end at another hour for whoever reads it elsewhere."""
    problem = "it is no instant with its zone, such as 2027-01-31T12:00:00Z"
    assert (None if is_right else bad("offer.expires_at", problem)) == judged(OFFER, offer__expires_at=value)


def test_an_offer_has_a_shorter_text_and_a_shorter_coupon() -> None:
    """Source: message templates, limited-time offers."""
    ends = {"offer__expires_at": "2027-01-31T12:00:00Z"}
    long = evolve(OFFER, body="x" * 601)
    assert judged(evolve(OFFER, body="x" * 600), **ends) is None
    assert getattr(judged(long, **ends), "reason", None) is Reason.CONTENT_TOO_LONG
    coupon = evolve(OFFER, buttons=(TemplateButton("COPY_CODE", "Copy"),))
    assert judged(coupon, button__0="x" * 15, **ends) is None
    assert bad("button.0", "a coupon has at most 15 characters") == judged(coupon, button__0="x" * 16, **ends)


@pytest.mark.parametrize("kind", ["FLOW", "CATALOG", "VOICE_CALL"])
def test_some_buttons_may_take_a_parameter_and_need_none(kind: str) -> None:
    template = evolve(OFFER, offer_expires=False, buttons=(TemplateButton(kind, "Go"),))
    assert judged(template) is None
    assert judged(template, button__0="anything at all") is None


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ('{"thumbnail": "a", "sections": {"Shoes": ["a", "b"]}}', True),
        ('{"thumbnail": "a", "sections": {"Shoes": []}}', False),
        ('{"thumbnail": "a", "sections": {"Shoes": [1]}}', False),
        ('{"thumbnail": "a", "sections": {}}', False),
        ('{"thumbnail": "a"}', False),
        ("a, b", False),
    ],
)
def test_a_button_of_several_products_takes_them_as_json(value: str, is_right: bool) -> None:
    template = evolve(OFFER, offer_expires=False, buttons=(TemplateButton("MPM", "Look"),))
    problem = "it is not a JSON object of a thumbnail and of sections with products"
    assert (None if is_right else bad("button.0", problem)) == judged(template, button__0=value)


# --- properties -------------------------------------------------------------------------------------------------------


@quick
@given(st.data(), templates())
def test_an_approved_template_with_right_parameters_can_be_sent_and_with_one_missing_not(
    data: st.DataObject, template: Template
) -> None:
    approved = evolve(template, status=TemplateStatus.APPROVED)
    message = data.draw(filled(approved))
    assert judge_template(message, approved) is None
    for key in approved.parameter_keys():
        parameters = {other: value for other, value in message.parameters.items() if other != key}
        decision = judge_template(evolve(message, parameters=parameters), approved)
        assert decision == Decision(
            Reason.TEMPLATE_PARAMETERS, (("template", template.name), ("parameters", key)), CORRECT
        )


@quick
@given(templates(), st.dictionaries(st.text(max_size=12), st.text(max_size=5), max_size=3))
def test_no_parameters_whatever_break_the_judgement(template: Template, parameters: dict[str, str]) -> None:
    message = TemplateMessage(template.name, template.language, parameters)
    decision = judge_template(message, template)
    if decision is not None:
        assert decision.sentence
    else:
        assert set(template.parameter_keys()) <= set(parameters)
