"""Templates, rule by rule: what stands in the way of sending one, and what a user is told.

Rules of this file: every case names, in our own words, the section of the provider's documentation that it is of. What
holds for all templates whatever is ``test_templates.py``'s matter.
"""

from collections.abc import Mapping

import pytest
from attrs import evolve, frozen

from wa_connector.model.consent import ChannelConsent, Stage
from wa_connector.model.content import TemplateMessage
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.ids import AccountId
from wa_connector.model.standing import Standing
from wa_connector.model.template import Template, TemplateButton, TemplateCard, TemplateCategory, TemplateStatus
from wa_connector.model.window import Window
from wa_connector.policy.action import UseTemplate
from wa_connector.policy.rules import decide
from wa_connector.policy.templates import judge_template
from wa_connector.testing.strategies import NOW, SMS, WHATSAPP

FILE, OTHER_FILE = "ab" * 32, "cd" * 32
NOTHING: Mapping[str, str] = {}

PLAIN = Template(
    AccountId("account-1"), "notice", "en_US", TemplateCategory.UTILITY, TemplateStatus.APPROVED, body="It left."
)
POSITIONAL = evolve(PLAIN, body="Hello {{1}}, order {{2}} left.")
NAMED = evolve(PLAIN, body="Hello {{first_name}}, order {{order_id}} left.")
TITLED = evolve(PLAIN, header_kind="TEXT", header_text="Order {{1}}")
YES = TemplateButton("QUICK_REPLY", "Yes")
SITE = TemplateButton("URL", "Site", "https://example.com/")
TRACK = TemplateButton("URL", "Track", "https://example.com/orders/{{1}}")
CALL_US = TemplateButton("PHONE_NUMBER", "Call us")
COUPON = TemplateButton("COPY_CODE", "Copy")
CODE_BUTTON = TemplateButton("URL", "Copy code", "https://www.example.com/otp/?code=otp{{1}}")
CODE = evolve(PLAIN, category=TemplateCategory.AUTHENTICATION, body="*{{1}}* is your code.", buttons=(CODE_BUTTON,))
CAROUSEL = evolve(
    PLAIN,
    body="Look, {{1}}!",
    cards=(TemplateCard("IMAGE", "For {{1}}", (YES, TRACK)), TemplateCard("VIDEO", "", (COUPON,))),
)
ON_CARDS = {
    "body.1": "Ana",
    "card.0.header.image": FILE,
    "card.0.body.1": "5 €",
    "card.0.button.1": "7",
    "card.1.header.video": OTHER_FILE,
    "card.1.button.0": "SAVE20",
}


def header(kind: str) -> Template:
    return evolve(PLAIN, header_kind=kind)


def buttons(*given: TemplateButton) -> Template:
    return evolve(PLAIN, buttons=given)


@frozen
class Case:
    """``sentence`` is what the user reads; '' where the template can be sent with these parameters."""

    source: str
    template: Template
    parameters: Mapping[str, str] = NOTHING
    sentence: str = ""
    reason: Reason = Reason.ALLOWED


MISSING, BAD, LONG = Reason.TEMPLATE_PARAMETERS, Reason.TEMPLATE_PARAMETER, Reason.CONTENT_TOO_LONG


def missing(keys: str) -> str:
    return f"The template notice does not have its parameters: {keys}."


def bad(key: str, problem: str) -> str:
    return f"The parameter {key} cannot be used: {problem}."


def long(length: int, limit: int) -> str:
    return f"The message has {length} characters; {limit} are allowed."


NOT_A_FILE = "it is not the SHA-256 of a stored file"
NOT_ENCODED = "it is not percent-encoded, as part of an address must be"
NOT_A_CODE = "a code has 1 to 15 letters and digits"
TOO_LONG_A_COUPON = "a coupon has at most 20 characters"
HALF = "it holds characters that are not text"

STATUSES = [
    # word of the provider's: what is told
    (TemplateStatus.PENDING, "review: not yet approved, or edited since"),
    (TemplateStatus.REJECTED, "review: rejected"),
    (TemplateStatus.IN_APPEAL, "review: rejected and appealed against"),
    (TemplateStatus.PAUSED, "pausing: paused for its quality"),
    (TemplateStatus.DISABLED, "pausing: disabled after the third time"),
    (TemplateStatus.LIMIT_EXCEEDED, "limits: the account has too many templates"),
    (TemplateStatus.ARCHIVED, "unused for a year: archived"),
    (TemplateStatus.PENDING_DELETION, "deleting: what is under way is still delivered"),
    (TemplateStatus.DELETED, "deleting: gone"),
]

CASES = [
    # status and quality
    Case("review: approved", PLAIN),
    *(
        Case(
            source,
            evolve(PLAIN, status=status),
            NOTHING,
            f"The template notice is not approved (it is {status.value.lower()}).",
            Reason.TEMPLATE_NOT_APPROVED,
        )
        for status, source in STATUSES
    ),
    Case(
        "review: a word that is new",
        evolve(PLAIN, status=TemplateStatus.UNKNOWN, raw_status="HIBERNATING"),
        NOTHING,
        "The template notice is not approved (it is hibernating).",
        Reason.TEMPLATE_NOT_APPROVED,
    ),
    Case(
        "review: told before what is missing",
        evolve(POSITIONAL, status=TemplateStatus.PENDING),
        NOTHING,
        "The template notice is not approved (it is pending).",
        Reason.TEMPLATE_NOT_APPROVED,
    ),
    *(
        Case(f"quality: {quality or 'none yet'} is paused by the provider, if at all", evolve(PLAIN, quality=quality))
        for quality in ("GREEN", "YELLOW", "RED", "UNKNOWN", "")
    ),
    # parameters by position
    Case("positional parameters: all", POSITIONAL, {"body.1": "Ana", "body.2": "7"}),
    Case("positional parameters: in any order", POSITIONAL, {"body.2": "7", "body.1": "Ana"}),
    Case("positional parameters: one missing", POSITIONAL, {"body.1": "Ana"}, missing("body.2"), MISSING),
    Case("positional parameters: none", POSITIONAL, NOTHING, missing("body.1, body.2"), MISSING),
    Case("positional parameters: one too many", PLAIN, {"body.1": "Ana"}, missing("body.1"), MISSING),
    Case(
        "positional parameters: by a name",
        POSITIONAL,
        {"body.1": "Ana", "body.order_id": "7"},
        missing("body.2, body.order_id"),
        MISSING,
    ),
    Case(
        "positional parameters: one of nothing", POSITIONAL, {"body.1": "", "body.2": "7"}, missing("body.1"), MISSING
    ),
    Case("positional parameters: one of space", POSITIONAL, {"body.1": " ", "body.2": "7"}, missing("body.1"), MISSING),
    Case("positional parameters: used twice, given once", evolve(PLAIN, body="{{1}}, hello {{1}}!"), {"body.1": "Ana"}),
    Case(
        "positional parameters: half a character",
        POSITIONAL,
        {"body.1": "Ana", "body.2": "\ud83d"},
        bad("body.2", HALF),
        BAD,
    ),
    # parameters by name
    Case("named parameters: all", NAMED, {"body.first_name": "Ana", "body.order_id": "7"}),
    Case("named parameters: in any order", NAMED, {"body.order_id": "7", "body.first_name": "Ana"}),
    Case("named parameters: one missing", NAMED, {"body.order_id": "7"}, missing("body.first_name"), MISSING),
    Case(
        "named parameters: by position",
        NAMED,
        {"body.1": "Ana", "body.order_id": "7"},
        missing("body.1, body.first_name"),
        MISSING,
    ),
    Case(
        "named parameters: lower case only",
        NAMED,
        {"body.First_name": "Ana", "body.order_id": "7"},
        missing("body.First_name, body.first_name"),
        MISSING,
    ),
    # headers
    Case("headers: a text without a parameter", evolve(PLAIN, header_kind="TEXT", header_text="Hello")),
    Case("headers: a text with one", TITLED, {"header.1": "7"}),
    Case("headers: a text without its one", TITLED, NOTHING, missing("header.1"), MISSING),
    Case("headers: none, but given one", PLAIN, {"header.1": "7"}, missing("header.1"), MISSING),
    *(
        Case(f"headers: {kind} needs its file", header(kind.upper()), {f"header.{kind}": FILE})
        for kind in ("image", "video", "document")
    ),
    Case("headers: a file that is not given", header("IMAGE"), NOTHING, missing("header.image"), MISSING),
    Case(
        "headers: a file of another kind",
        header("IMAGE"),
        {"header.video": FILE},
        missing("header.image, header.video"),
        MISSING,
    ),
    Case(
        "headers: a file by its address",
        header("IMAGE"),
        {"header.image": "https://example.com/mug.jpg"},
        bad("header.image", NOT_A_FILE),
        BAD,
    ),
    Case(
        "headers: a file by its provider's id",
        header("VIDEO"),
        {"header.video": "17"},
        bad("header.video", NOT_A_FILE),
        BAD,
    ),
    Case("headers: a place", header("LOCATION"), {"header.location": "52.5,13.4"}),
    Case(
        "headers: a text may speak of an image", evolve(TITLED, header_text="Your {{image}}"), {"header.image": "mug"}
    ),
    # buttons
    Case("buttons: quick replies take none", buttons(YES)),
    Case("buttons: nor does a telephone number", buttons(CALL_US)),
    Case("buttons: nor a whole address", buttons(SITE)),
    Case("buttons: a quick reply given one", buttons(YES), {"button.0": "x"}, missing("button.0"), MISSING),
    Case("buttons: the end of an address", buttons(TRACK), {"button.0": "7?from=mail&x=%C3%BC"}),
    Case("buttons: an address without its end", buttons(TRACK), NOTHING, missing("button.0"), MISSING),
    Case("buttons: an end with a space", buttons(TRACK), {"button.0": "a b"}, bad("button.0", NOT_ENCODED), BAD),
    Case(
        "buttons: an end with a letter of its own", buttons(TRACK), {"button.0": "ü"}, bad("button.0", NOT_ENCODED), BAD
    ),
    Case("buttons: an end with half an escape", buttons(TRACK), {"button.0": "%C"}, bad("button.0", NOT_ENCODED), BAD),
    Case("buttons: a coupon", buttons(COUPON), {"button.0": "SAVE 20 %"}),
    Case("buttons: a coupon of 20 characters", buttons(COUPON), {"button.0": "x" * 20}),
    Case("buttons: a coupon of 21", buttons(COUPON), {"button.0": "x" * 21}, bad("button.0", TOO_LONG_A_COUPON), BAD),
    # the tap target's title and address
    Case("tap target: over a message with a link", buttons(SITE), {"tap.title": "Look", "tap.url": "https://x.test/a"}),
    Case(
        "tap target: over one without",
        buttons(YES),
        {"tap.title": "Look", "tap.url": "https://x.test/a"},
        missing("tap.title, tap.url"),
        MISSING,
    ),
    Case(
        "tap target: no title",
        buttons(SITE),
        {"tap.url": "https://x.test/a"},
        bad("tap.url", "it goes with the other"),
        BAD,
    ),
    Case(
        "tap target: no address", buttons(SITE), {"tap.title": "Look"}, bad("tap.title", "it goes with the other"), BAD
    ),
    Case(
        "tap target: no web address",
        buttons(SITE),
        {"tap.title": "Look", "tap.url": "tel:1"},
        bad("tap.url", "it does not begin with https://"),
        BAD,
    ),
    Case(
        "tap target: over a one-time code",
        CODE,
        {"body.1": "1", "button.0": "1", "tap.title": "Look", "tap.url": "https://x.test/a"},
        missing("tap.title, tap.url"),
        MISSING,
    ),
    Case("buttons: no coupon", buttons(COUPON), NOTHING, missing("button.0"), MISSING),
    Case(
        "buttons: counted with those that take none", buttons(YES, TRACK, COUPON), {"button.1": "7", "button.2": "SAVE"}
    ),
    Case(
        "buttons: one that is not there",
        buttons(TRACK),
        {"button.0": "7", "button.1": "8"},
        missing("button.1"),
        MISSING,
    ),
    # carousels
    Case("carousels: all of every card", CAROUSEL, ON_CARDS),
    Case("carousels: no card", CAROUSEL, {"body.1": "Ana"}, missing(", ".join(sorted(ON_CARDS)[1:])), MISSING),
    *(
        Case(
            f"carousels: {key} is missing",
            CAROUSEL,
            {other: value for other, value in ON_CARDS.items() if other != key},
            missing(key),
            MISSING,
        )
        for key in ON_CARDS
    ),
    Case(
        "carousels: a card too many",
        CAROUSEL,
        ON_CARDS | {"card.2.header.image": FILE},
        missing("card.2.header.image"),
        MISSING,
    ),
    Case(
        "carousels: a header is a stored file",
        CAROUSEL,
        ON_CARDS | {"card.1.header.video": "mug.mp4"},
        bad("card.1.header.video", NOT_A_FILE),
        BAD,
    ),
    Case(
        "carousels: buttons as anywhere",
        CAROUSEL,
        ON_CARDS | {"card.0.button.1": "a b"},
        bad("card.0.button.1", NOT_ENCODED),
        BAD,
    ),
    Case(
        "carousels: coupons as anywhere",
        CAROUSEL,
        ON_CARDS | {"card.1.button.0": "x" * 21},
        bad("card.1.button.0", TOO_LONG_A_COUPON),
        BAD,
    ),
    Case("carousels: 160 characters on a card", CAROUSEL, ON_CARDS | {"card.0.body.1": "x" * 156}),
    Case("carousels: one more", CAROUSEL, ON_CARDS | {"card.0.body.1": "x" * 157}, long(161, 160), LONG),
    # one-time codes
    Case("one-time codes: the same in body and button", CODE, {"body.1": "123456", "button.0": "123456"}),
    Case("one-time codes: without a button", evolve(CODE, buttons=()), {"body.1": "123456"}),
    Case("one-time codes: the button without it", CODE, {"body.1": "123456"}, missing("button.0"), MISSING),
    Case(
        "one-time codes: another one in the button",
        CODE,
        {"body.1": "123456", "button.0": "654321"},
        bad("body.1", "the button carries another code"),
        BAD,
    ),
    Case("one-time codes: 15 characters", CODE, {"body.1": "x" * 15, "button.0": "x" * 15}),
    *(
        Case(f"one-time codes: {what}", CODE, {"body.1": code, "button.0": code}, bad("body.1", NOT_A_CODE), BAD)
        for what, code in (("16 characters", "x" * 16), ("no address", "example.com/1"), ("no words", "12%2034"))
    ),
    Case(
        "one-time codes: no emoji",
        evolve(CODE, buttons=()),
        {"body.1": "12🙂"},
        bad("body.1", NOT_A_CODE),
        BAD,
    ),
    # lengths, with the parameters filled in
    Case("lengths: a body of 1024 characters", evolve(PLAIN, body="Hi {{1}}."), {"body.1": "x" * 1020}),
    Case(
        "lengths: a body of one more", evolve(PLAIN, body="Hi {{1}}."), {"body.1": "x" * 1021}, long(1025, 1024), LONG
    ),
    Case(
        "lengths: a parameter counts as often as it stands",
        evolve(PLAIN, body="{{1}}{{1}}."),
        {"body.1": "x" * 512},
        long(1025, 1024),
        LONG,
    ),
    Case("lengths: a header of 60 characters", TITLED, {"header.1": "x" * 54}),
    Case("lengths: a header of one more", TITLED, {"header.1": "x" * 55}, long(61, 60), LONG),
    Case("lengths: what looks like a parameter is text", evolve(PLAIN, body="Hi {{1}}."), {"body.1": "{{2}}"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_a_template_is_sent_with_exactly_what_it_asks_for(case: Case) -> None:
    message = TemplateMessage(case.template.name, case.template.language, case.parameters)
    decision = judge_template(message, case.template)
    if not case.sentence:
        assert decision is None
    else:
        assert decision is not None
        assert (case.reason, case.sentence) == (decision.reason, decision.sentence)


@pytest.mark.parametrize("case", [case for case in CASES if case.sentence], ids=lambda case: case.source)
def test_the_way_out_is_another_template_or_other_words(case: Case) -> None:
    decision = judge_template(TemplateMessage("notice", "en_US", case.parameters), case.template)
    assert decision is not None
    is_status = case.reason is Reason.TEMPLATE_NOT_APPROVED
    expected = RemedyKind.CHOOSE_TEMPLATE if is_status else RemedyKind.CORRECT_CONTENT
    assert (Remedy(expected),) == decision.remedies


# --- categories -------------------------------------------------------------------------------------------------------

UTILITY, MARKETING, AUTHENTICATION = (
    PLAIN,
    evolve(PLAIN, category=TemplateCategory.MARKETING),
    evolve(CODE, body="{{1}} is your code.", buttons=()),
)
AGREED = ChannelConsent(Stage.GRANTED)
AGREED_TO_MARKETING = ChannelConsent(Stage.GRANTED, Stage.GRANTED)
LONG_AGO = Window(customer_at=NOW.replace(year=2025))


@frozen
class Allowed:
    """Whether a template of a category may be used by a customer's ``consent``."""

    source: str
    template: Template | None
    consent: ChannelConsent
    reason: Reason = Reason.ALLOWED


CATEGORIES = [
    Allowed("categories: utility by the general consent", UTILITY, AGREED),
    Allowed("categories: authentication by the general consent", AUTHENTICATION, AGREED),
    Allowed(
        "categories: one that is new by the general consent", evolve(PLAIN, category=TemplateCategory.UNKNOWN), AGREED
    ),
    Allowed("categories: marketing by a consent of its own", MARKETING, AGREED_TO_MARKETING),
    Allowed("categories: marketing not by the general one", MARKETING, AGREED, Reason.MARKETING_NOT_GRANTED),
    Allowed(
        "categories: utility that the provider made marketing",
        evolve(UTILITY, category=TemplateCategory.MARKETING),
        AGREED,
        Reason.MARKETING_NOT_GRANTED,
    ),
    Allowed(
        "categories: marketing not after a decline of it",
        MARKETING,
        ChannelConsent(Stage.GRANTED, Stage.DECLINED),
        Reason.MARKETING_NOT_GRANTED,
    ),
    Allowed(
        "categories: none at all after STOP",
        UTILITY,
        ChannelConsent(Stage.REVOKED, Stage.REVOKED),
        Reason.CONSENT_REVOKED,
    ),
    Allowed("opt-in: a template needs consent like any message", UTILITY, ChannelConsent(), Reason.CONSENT_NOT_ASKED),
    Allowed("templates: one that the account has not", None, AGREED, Reason.TEMPLATE_UNKNOWN),
]


@pytest.mark.parametrize("case", CATEGORIES, ids=lambda case: case.source)
def test_the_category_decides_which_consent_it_takes(case: Allowed) -> None:
    parameters = dict.fromkeys(case.template.parameter_keys(), "123456") if case.template else {}
    action = UseTemplate(TemplateMessage("notice", "en_US", parameters), case.template)
    standing = Standing(WHATSAPP, Decision(Reason.ALLOWED), consent=case.consent, window=LONG_AGO)
    assert case.reason is decide(action, standing, NOW).reason


def test_a_template_may_be_sent_with_the_window_closed_and_is_billed() -> None:
    """Source: service windows: templates at any time; pricing: utility templates inside the window, too."""
    for window in (LONG_AGO, Window(customer_at=NOW)):
        standing = Standing(WHATSAPP, Decision(Reason.ALLOWED), consent=AGREED, window=window)
        decision = decide(UseTemplate(TemplateMessage("notice", "en_US"), UTILITY), standing, NOW)
        assert (decision.is_allowed, decision.billed) == (True, True)


def test_a_channel_without_templates_has_none_to_use() -> None:
    decision = decide(UseTemplate(), Standing(SMS, Decision(Reason.ALLOWED)), NOW)
    assert decision.reason is Reason.NO_TEMPLATES
